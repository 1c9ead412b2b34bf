"""Families on the server under test, and an embedded server of a test's own."""
import pytest

import pycassa
from pycassa.embedded import EmbeddedServer


@pytest.fixture
def embedded():
    """An embedded server that a test may stop, start and disturb; its keyspace is K."""
    with EmbeddedServer() as embedded:
        with pycassa.SystemManager(embedded.address) as manager:
            manager.create_keyspace('K', strategy_options={'replication_factor': '1'})
            manager.create_column_family('K', 'Standard')
            manager.create_column_family('K', 'Counters', default_validation_class='CounterColumnType')
        yield embedded


@pytest.fixture
def make_pool(embedded):
    """`make_pool(**options)`: a pool of `embedded`."""
    pools = []

    def make(**options):
        pools.append(pycassa.ConnectionPool('K', [embedded.address], **options))
        return pools[-1]
    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def create(server, keyspace):
    """`create(name, **types)`: a family with the types of SystemManager, as a ColumnFamily on a pool."""
    with server.manager() as manager:
        with server.pool(keyspace, pool_size=1) as pool:
            def create_family(name, **types):
                manager.create_column_family(keyspace, name, **types)
                return pycassa.ColumnFamily(pool, name)
            yield create_family
