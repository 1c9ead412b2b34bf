"""Three nodes, of which one after the other is killed and restarted under traffic: nobody who has a replica notices.

On embedded servers in processes of their own, and on three nodes of each real Cassandra that is given as a cluster of
three (the test starts its own, of the same release: it kills them).
"""
import math
import time

import pytest

from pycassa.pool import ConnectionPool

from .failover_node import KEYSPACE
from .failover_nodes import EmbeddedNodes, RealNodes
from .failover_traffic import Traffic

THREADS = 32
# What a service would set: a connection for each thread, and more patience with the servers than they have with each
# other. All else is as it comes: five retries, hosts left alone for half a second to half a minute.
SETTINGS = {'pool_size': THREADS, 'timeout': 5.0}
# The promise, in seconds.
NEXT_SUCCESS = 1.0
# At least so many seconds a node is down, and then so many pass before the next one is killed.
OUTAGE, CALM = 0.3, 0.2
PATIENCE = 60.0


def pytest_generate_tests(metafunc):
    if 'nodes' in metafunc.fixturenames:
        given = metafunc.config.getoption('--cassandra')
        releases = sorted({text.partition('@')[0] for text in given if text.count('+') == 2})
        real = [pytest.param(release, marks=pytest.mark.real_server) for release in releases] or [pytest.param(
            'real', marks=[pytest.mark.real_server, pytest.mark.skip('no cluster of three nodes given (--cassandra)')])]
        metafunc.parametrize('nodes', ['embedded', *real], indirect=True)


@pytest.fixture
def nodes(request):
    running = EmbeddedNodes() if request.param == 'embedded' else RealNodes(request.param)
    yield running
    running.stop()


class Outage:
    """One node's death and return."""

    def __init__(self, traffic, server):
        self.traffic, self.server = traffic, server
        self.connects, self.errors = len(traffic.connects), len(traffic.errors)
        self.began = self.ended = math.inf
        #: Seconds from when the node served again to the first connection.
        self.back_after = math.nan

    def is_noticed(self):
        return any(server == self.server for _, server, _ in self.traffic.errors[self.errors:])

    def is_over(self):
        return any(connect.server == self.server and connect.succeeded and connect.time > self.began
                   for connect in self.traffic.connects[self.connects:])

    def refused(self):
        """Seconds from the first sign that the node is dead to when connecting was begun in vain."""
        first = min((when for when, server, _ in self.traffic.errors[self.errors:] if server == self.server),
                    default=math.inf)
        return [connect.began - first for connect in self.traffic.connects[self.connects:]
                if connect.server == self.server and not connect.succeeded and first < connect.began < self.ended]

    def check_attempts(self, backoff):
        """The law of the back-off, but for threads that had made up their mind to connect when the node died."""
        refused, grace = self.refused(), 0.1 + self.traffic.held_up
        at_first = [seconds for seconds in refused if seconds < grace]
        assert len(at_first) <= THREADS // 4 and len(refused) - len(at_first) <= self.allowed(backoff), refused

    def allowed(self, backoff):
        """How many attempts there may have been: each pause is twice the last, at its shortest half of what it says."""
        seconds, pause, attempts = self.ended - self.began, backoff.base / 2, 0
        while seconds > pause:
            seconds, attempts = seconds - pause, attempts + 1
            pause = min(pause * 2, backoff.cap / 2)
        return attempts


def wait_for(condition, what):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f'it did not come about that {what}'
        time.sleep(0.01)


def kill_in_turn(nodes, traffic, cycles):
    """The outages."""
    outages = []
    for cycle in range(cycles):
        number = cycle % len(nodes.addresses)
        outage = Outage(traffic, nodes.addresses[number])
        outages.append(outage)
        nodes.kill(number)
        outage.began = time.monotonic()
        time.sleep(OUTAGE)
        wait_for(outage.is_noticed, 'a thread met the dead node')
        nodes.up(number)
        outage.ended = time.monotonic()
        wait_for(outage.is_over, f'the pool connected to node {number} again')
        outage.back_after = time.monotonic() - outage.ended
        time.sleep(CALM)
    return outages


def test_no_idempotent_operation_fails_that_has_a_live_replica(nodes, proof, implementation, monkeypatch):
    cycles = proof.count(100, least=2)
    with ConnectionPool(KEYSPACE, nodes.addresses, **SETTINGS) as pool:
        traffic = Traffic(pool, THREADS, proof.random(), nodes.replicates)
        traffic.time_servers(monkeypatch)
        with traffic:
            time.sleep(CALM)
            outages = kill_in_turn(nodes, traffic, cycles)
        assert traffic.failed == [] and traffic.wrong == []
        assert pool.counts().checked_out == pool.counts().opening == 0
        assert pool.counts().idle == pool.counts().total <= THREADS
    assert len(traffic.recoveries) >= cycles, 'too few operations met an error for this to prove anything'
    # What is the client's own: nodes that replicate may wait for the dead one themselves, and on a busy machine every
    # node takes its time, and every thread.
    slowest = max(each.seconds - each.at_servers for each in traffic.recoveries)
    assert slowest <= NEXT_SUCCESS + traffic.held_up
    for outage in outages:
        outage.check_attempts(pool.host_backoff)
    proof.saw('failover', nodes=nodes.kind, codec=implementation, cycles=cycles, threads=THREADS,
              operations=traffic.operations, failed=0, failovers=len(traffic.recoveries),
              slowest=f'{1000 * slowest:.0f} ms',
              slowest_with_servers=f'{1000 * max(each.seconds for each in traffic.recoveries):.0f} ms',
              connections_again_after=f'{max(outage.back_after for outage in outages):.1f} s at most',
              held_up_by_the_machine=f'{1000 * traffic.held_up:.0f} ms',
              most_attempts_on_a_dead_host=max(len(outage.refused()) for outage in outages))
