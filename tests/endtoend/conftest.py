"""Fixtures of the end-to-end tests: pools and column families on servers, old and new."""
import pytest

import pycassa
from pycassa.cassandra.ttypes import CfDef, ColumnDef


@pytest.fixture
def make_pool(server, keyspace):
    """A function that gives a pool of the server under test, in its fresh keyspace."""
    pools = []

    def make(pool_class=pycassa.ConnectionPool, **options):
        pool = server.pool(keyspace, pool_class, **{'pool_size': 2, **options})
        pools.append(pool)
        return pool
    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def pool(make_pool):
    return make_pool()


@pytest.fixture
def define(raw_client, keyspace):
    """A function that creates a column family on the server under test; returns its name.

    `columns` is {name: type}; with a `subcomparator` it is a super column family.
    """
    def create(name, comparator='UTF8Type', value='UTF8Type', key='UTF8Type', subcomparator=None, columns=None):
        metadata = [ColumnDef(name=column, validation_class=kind) for column, kind in (columns or {}).items()]
        raw_client.system_add_column_family(CfDef(
            keyspace=keyspace, name=name, column_type='Super' if subcomparator else 'Standard',
            comparator_type=comparator, subcomparator_type=subcomparator, default_validation_class=value,
            key_validation_class=key, column_metadata=metadata))
        return name
    return create


@pytest.fixture
def create(pool, define):
    """As `define`; returns the ColumnFamily, on `pool`."""
    def family(name, *args, options=None, **kwargs):
        return pycassa.ColumnFamily(pool, define(name, *args, **kwargs), **(options or {}))
    return family
