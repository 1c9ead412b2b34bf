"""Real Cassandra servers for tests: six releases, one node or several, on addresses of the loopback of their own.

    with Cluster('3.11', nodes=3) as cluster:        # fetches a Java 8 and the jars where they are missing
        cluster.addresses                            # ['127.173.20.1:9160', '127.173.20.2:9160', ...]
        cluster.kill(2)                              # kill -9
        cluster.up(2)                                # again, on its data

Nothing but Python's standard library is needed. The servers die with the process that started them. What is fetched is
kept in ~/.cache/pycassa-cassandra, or the folder that PYCASSA_CASSANDRA_CACHE names. Linux only.
"""
from .cluster import Cluster
from .errors import BadSpec, ServerFailed, ServersError, Unavailable
from .options import GRAMMAR, RELEASES, Options, Spec

__all__ = ['GRAMMAR', 'RELEASES', 'BadSpec', 'Cluster', 'Options', 'ServerFailed', 'ServersError', 'Spec',
           'Unavailable']
