"""Fixtures of the stubs' tests: a cluster of each profile, and what the tests of servers ask for, made of stubs."""
import pytest

from pycassa.cassandra.ttypes import CfDef, ColumnDef
from pycassa.contrib.stubs import ColumnFamilyStub, ConnectionPoolStub, StubCluster, SystemManagerStub

MARSHAL = 'org.apache.cassandra.db.marshal.'
KEYSPACE = 'Stubbed'


@pytest.fixture(params=['2.1', '3.11'])
def cluster(request):
    """The cluster of all stubs that the test makes."""
    with StubCluster(profile=request.param) as cluster:
        yield cluster


@pytest.fixture
def keyspace(cluster):
    """A keyspace whose families are all made by the test."""
    with SystemManagerStub() as manager:
        manager.create_keyspace(KEYSPACE, strategy_options={'replication_factor': 1})
    return KEYSPACE


@pytest.fixture
def manager(cluster):
    with SystemManagerStub() as manager:
        yield manager


@pytest.fixture
def pool(keyspace):
    with ConnectionPoolStub(keyspace, pool_size=1) as pool:
        yield pool


@pytest.fixture
def connection(pool):
    """One connection in the keyspace, as the tests of servers have it."""
    return pool.get()


client = raw_client = connection


@pytest.fixture
def create(connection, keyspace):
    """A function that creates a family and gives its ColumnFamily, as in the tests of the facade."""
    def create_family(name, comparator='UTF8Type', value='UTF8Type', key='UTF8Type', subcomparator=None, columns=None,
                      options=None):
        metadata = [column if isinstance(column, ColumnDef)
                    else ColumnDef(name=packed, validation_class=MARSHAL + column)
                    for packed, column in (columns or {}).items()]
        connection.system_add_column_family(CfDef(
            keyspace=keyspace, name=name, column_type='Super' if subcomparator else 'Standard',
            comparator_type=MARSHAL + comparator, subcomparator_type=subcomparator and MARSHAL + subcomparator,
            default_validation_class=MARSHAL + value, key_validation_class=MARSHAL + key, column_metadata=metadata))
        return ColumnFamilyStub(connection, name, **(options or {}))
    return create_family
