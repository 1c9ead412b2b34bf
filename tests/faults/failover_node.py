"""A program: one embedded node of the tests of failover, `failover_node.py HOST PORT`.

It holds the rows that every node of the test holds before it listens, as a replica that was restarted does. It prints
its address when it listens, and ends when its standard input does.
"""
import os
import selectors
import sys

from pycassa.cassandra.ttypes import CfDef, ConsistencyLevel, KsDef
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.contrib.cluster import StubCluster
from pycassa.embedded import EmbeddedServer

KEYSPACE, LOADED, WRITTEN, ROWS = 'Failover', 'Loaded', 'Written', 100


def keyspace(replicas, **options):
    """The schema: rows that are there from the start, and rows that the test writes. `options` are the families'."""
    families = [CfDef(keyspace=KEYSPACE, name=name, comparator_type='UTF8Type', key_validation_class='UTF8Type',
                      default_validation_class='UTF8Type', **options) for name in (LOADED, WRITTEN)]
    return KsDef(name=KEYSPACE, strategy_class='SimpleStrategy',
                 strategy_options={'replication_factor': str(replicas)}, cf_defs=families)


def load(target, level=ConsistencyLevel.ONE):
    """Write the rows k0, k1, ... whose column `id` is their key."""
    ColumnFamily(target, LOADED, write_consistency_level=level).batch_insert(
        {f'k{number}': {'id': f'k{number}'} for number in range(ROWS)})


def serve(host, port):
    with StubCluster() as cluster:
        cluster.engine.add_keyspace(keyspace(1))
        load(Connection(KEYSPACE, 'stub', socket_factory=cluster.connect))
    server = EmbeddedServer(host, port)
    server.engine.keyspaces[KEYSPACE] = cluster.engine.keyspaces[KEYSPACE]
    server.serve_forever(lambda address: print(address, flush=True), _stop_at_eof)


def _stop_at_eof(loop):
    loop.watch(0, selectors.EVENT_READ, lambda events: os.read(0, 4096) or loop.stop())


if __name__ == '__main__':
    serve(sys.argv[1], int(sys.argv[2]))
