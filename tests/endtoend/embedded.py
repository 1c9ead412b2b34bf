"""Embedded servers with a small schema and rows that say whose they are, for the tests of faults and concurrency."""
import time

from pycassa.cassandra.ttypes import (
    CfDef,
    ColumnParent,
    ConsistencyLevel,
    KsDef,
    SlicePredicate,
    SliceRange,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.embedded import EmbeddedServer

KEYSPACE = 'Faults'
ROWS = 20
ONE = ConsistencyLevel.ONE
STANDARD = ColumnParent(column_family='Standard')
EVERYTHING = SlicePredicate(slice_range=SliceRange(start=b'', finish=b'', reversed=False, count=100))

# Longer than anything here takes, on a machine as busy as may be.
PATIENCE = 30


def family(name, **options):
    settings = {'comparator_type': 'UTF8Type', 'key_validation_class': 'UTF8Type',
                'default_validation_class': 'UTF8Type', **options}
    return CfDef(keyspace=KEYSPACE, name=name, **settings)


def fill(server):
    """Create the families Standard, Super and Counters, and in Standard rows k0, k1, ... whose `id` is their key."""
    schema = KsDef(name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'},
                   cf_defs=[family('Standard'), family('Super', column_type='Super', subcomparator_type='UTF8Type'),
                            family('Counters', default_validation_class='CounterColumnType')])
    with Connection(None, server.address, timeout=PATIENCE) as connection:
        connection.system_add_keyspace(schema)
        connection.set_keyspace(KEYSPACE)
        ColumnFamily(connection, 'Standard').batch_insert(
            {f'k{number}': {'id': f'k{number}', 'server': server.address} for number in range(ROWS)})
    return server


def serve(**options):
    """A running server, filled."""
    server = EmbeddedServer(**options).start()
    try:
        return fill(server)
    except BaseException:
        server.stop()
        raise


def wait_until(condition, what):
    """Wait for what another thread is about to bring about."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f'it did not come about that {what}'
        time.sleep(0.005)
