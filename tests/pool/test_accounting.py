"""Exact accounting: a random history of a pool against a model, and many threads at once."""
import random
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from pycassa.cassandra.ttypes import TimedOutException
from pycassa.errors import CallTimeout, ConnectionClosed, NoConnectionAvailable, NoServerAvailable
from pycassa.runtime import Runtime
from pycassa.wrapper import ConnectionWrapper

from .fakes import World, a_call, in_threads


class Declared(TimedOutException):
    link_stays = True


SERVERS = ('a', 'b', 'c')
EXPECTED = (NoServerAvailable, NoConnectionAvailable, KeyboardInterrupt, ConnectionClosed)


class PoolMachine(RuleBasedStateMachine):
    """Check-outs, calls, failures, overflows, returns, disposals, forks and dead hosts, in any order."""

    held = Bundle('held')

    def __init__(self):
        super().__init__()
        self.world = World(*SERVERS, seed=1)
        self.pool = self.world.pool(pool_size=3, max_overflow=2, pool_timeout=0, use_threadlocal=False, recycle=7,
                                    max_retries=3, deadline=20)
        self.out = []

    @rule(target=held)
    def get(self):
        try:
            conn = self.pool.get()
        except NoConnectionAvailable:
            assert len(self.out) >= (self.pool._limit() or 0)
            return None
        except NoServerAvailable:
            assert self.world.refusing >= set(self.pool.server_list)
            return None
        assert conn not in self.out
        self.out.append(conn)
        return conn

    @rule(conn=consumes(held))
    def put(self, conn):
        if conn is not None:
            conn.return_to_pool()
            if conn in self.out:
                self.out.remove(conn)
            else:
                assert conn._state == ConnectionWrapper._FOREIGN

    @rule(conn=held, retry=st.booleans())
    def call_held(self, conn, retry):
        if conn in self.out:
            self.attempt(lambda: conn.execute_call(a_call(retry=retry)))
            assert conn in self.out

    @rule(retry=st.booleans(), times=st.integers(1, 4))
    def call(self, retry, times):
        for _ in range(times):
            self.attempt(lambda: self.pool.execute_call(a_call(retry=retry)))

    def attempt(self, function):
        started = self.world.now
        try:
            assert function().startswith(b'answer')
        except EXPECTED:
            pass
        assert self.world.now - started <= 20

    @rule(error=st.sampled_from([ConnectionClosed('x'), CallTimeout('x'), KeyboardInterrupt(), Declared()]),
          times=st.integers(1, 5), server=st.sampled_from([None, *SERVERS]))
    def fail(self, error, times, server):
        self.world.fail_next(error, times, server)

    @rule(server=st.sampled_from(SERVERS))
    def server_dies(self, server):
        self.world.refusing.add(server)
        for wrapper in [*self.pool._store._idle, *self.out]:
            if wrapper.server == server and wrapper.is_open:
                wrapper.link.stale = True

    @rule(server=st.sampled_from(SERVERS))
    def server_comes_back(self, server):
        self.world.refusing.discard(server)

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds):
        self.world.now += seconds

    @rule(conn=held)
    def close(self, conn):
        if conn in self.out:
            conn.close()

    @rule()
    def dispose(self):
        self.pool.dispose()

    @rule()
    def fill(self):
        try:
            self.pool.fill()
        except NoServerAvailable:
            assert self.world.refusing >= set(self.pool.server_list)

    @rule(overflow=st.integers(-1, 3))
    def set_max_overflow(self, overflow):
        self.pool.max_overflow = overflow

    @rule(servers=st.sets(st.sampled_from(SERVERS), min_size=1))
    def set_server_list(self, servers):
        self.pool.set_server_list(servers)

    @rule()
    def fork(self):
        """What a forked child does; here the parent's sockets are closed with it, as they would be in the child."""
        self.pool._after_fork()
        for conn in self.out:
            assert conn._state == ConnectionWrapper._FOREIGN
        self.out.clear()

    @invariant()
    def counts_are_exact(self):
        counts = self.pool.counts()
        assert counts.checked_out == len(self.out) == self.pool.checkedout()
        assert counts.opening == counts.waiting == 0
        assert counts.total == counts.idle + counts.checked_out
        assert counts.idle == self.pool.checkedin() <= self.pool.size()
        assert self.pool.overflow() == max(counts.total - 3, 0)

    @invariant()
    def no_socket_is_lost(self):
        alive = [wrapper for wrapper in [*self.pool._store._idle, *self.out] if wrapper.is_open]
        assert sum(self.world.open.values()) == len(alive)
        assert len({id(wrapper.link) for wrapper in alive}) == len(alive)
        assert all(wrapper._state == ConnectionWrapper._IN_QUEUE for wrapper in self.pool._store._idle)

    @invariant()
    def load_is_exact(self):
        assert self.pool._store.load() == +self.world.open


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize('use_threadlocal', [True, False])
def test_32_threads_leave_exact_counts(use_threadlocal):
    world = World('a', 'b', 'c')
    pool = world.pool(pool_size=4, max_overflow=3, pool_timeout=60, recycle=40, use_threadlocal=use_threadlocal,
                      runtime=Runtime(sleep=lambda seconds: None), retry_backoff=(0, 0), max_retries=-1)
    users, lock = {}, threading.Lock()
    most = []

    def work(number):
        chance = random.Random(number)
        for _ in range(100):
            dice = chance.random()
            if dice < 0.05:
                world.fail_next(ConnectionClosed('x'))
            elif dice < 0.07:
                pool.dispose()
            elif dice < 0.1:
                pool.max_overflow = chance.randint(0, 3)
            if dice > 0.5:
                assert pool.execute_call(a_call()).startswith(b'answer')
                continue
            conn = pool.get()
            with lock:
                assert users.setdefault(id(conn), number) == number, 'two threads have one connection'
            conn.execute_call(a_call())
            most.append(pool.counts().total)
            with lock:
                del users[id(conn)]
            conn.return_to_pool()

    in_threads(32, work)
    counts = pool.counts()
    assert counts.checked_out == counts.opening == counts.waiting == 0
    assert counts.total == counts.idle <= 4
    assert +world.open == pool._store.load() and sum(world.open.values()) == counts.idle
    # One more while max_overflow is being lowered, never more than the highest limit.
    assert max(most) <= 7
