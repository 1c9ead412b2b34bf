"""Clusters of three nodes of which the test kills one after the other, with SIGKILL, and starts each again."""
import os
import pathlib
import random
import socket
import subprocess
import sys

import pycassa
from pycassa.cassandra.ttypes import ConsistencyLevel
from pycassa.connection import Connection

from ..servers import Cluster
from . import failover_node

NODES = 3
HOST = '127.0.0.1'
SERVER_TIMEOUT = 2.0
# Until gossip tells them that a node is dead, 10 to 20 seconds, nodes ask it as one of a quorum. Without this they
# answer TimedOut for as long, whatever a client does.
SPECULATION = '50ms'


class EmbeddedNodes:
    """Three embedded servers, each a process of its own that holds the same rows from the start.

    They do not know each other: what is written to one is not on the others.
    """

    kind = 'embedded'
    replicates = False

    def __init__(self):
        self.processes = [None] * NODES
        self.ports = [_free_port() for _ in range(NODES)]
        self.addresses = [f'{HOST}:{port}' for port in self.ports]
        try:
            for number in range(NODES):
                self.up(number)
        except BaseException:
            self.stop()
            raise

    def kill(self, number):
        """End a node as `kill -9` does; returns when it is gone."""
        process = self.processes[number]
        process.kill()
        process.wait()
        _close_pipes(process)

    def up(self, number):
        """Start a node on its address; returns when it serves."""
        root = str(pathlib.Path(pycassa.__file__).resolve().parents[1])
        environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([root, os.environ.get('PYTHONPATH', '')])}
        self.processes[number] = process = subprocess.Popen(
            [sys.executable, failover_node.__file__, HOST, str(self.ports[number])], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment)
        address = process.stdout.readline().strip()
        assert address == self.addresses[number], f'node {number} said {address!r}'

    def stop(self):
        for number, process in enumerate(self.processes):
            if process is not None and process.returncode is None:
                self.kill(number)


def _close_pipes(process):
    process.stdin.close()
    process.stdout.close()


def _free_port():
    """A port below those that the system gives to clients: while its node is down, nobody else gets it."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port


class RealNodes:
    """Three nodes of a real Cassandra, started by the harness; every row is on each of them."""

    kind = 'real'
    replicates = True

    def __init__(self, release):
        # A write is on disk before it is acknowledged, as the death of a node must not lose any. Servers give up on
        # a replica before clients give up on them, as in production.
        self.cluster = Cluster(release, NODES, durable=True, timeout=SERVER_TIMEOUT, heap='256m')
        self.cluster.start()
        try:
            self.addresses = self.cluster.addresses
            with Connection(None, self.addresses[0], timeout=60) as connection:
                connection.system_add_keyspace(failover_node.keyspace(NODES, speculative_retry=SPECULATION))
                self.cluster.wait()
                connection.set_keyspace(failover_node.KEYSPACE)
                failover_node.load(connection, ConsistencyLevel.ALL)
        except BaseException:
            self.stop()
            raise

    def kill(self, number):
        """kill -9; returns when the node is gone, long before the others know it."""
        self.cluster.kill(number + 1)

    def up(self, number):
        """Start a node again; returns when all see each other, so that two of three are a quorum again."""
        self.cluster.up(number + 1)

    def stop(self):
        self.cluster.stop()
