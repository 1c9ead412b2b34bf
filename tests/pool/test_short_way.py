"""The short way of calls over a pool: the same as the long one, which goes wherever something was replaced."""
import functools
import logging
import signal
import threading
import time

import pytest

from pycassa import codec
from pycassa.cassandra.ttypes import InvalidRequestException, TimedOutException
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import CallTimeout, ConnectionClosed, MaximumRetryException
from pycassa.listeners import PoolListener
from pycassa.operations import Slice
from pycassa.pool import _WAYS, ConnectionPool
from pycassa.rawcalls import own_method
from pycassa.wrapper import ConnectionWrapper

from .fakes import in_threads

COMPILED = codec.implementation() == 'cython'


class Layout:
    family = b'Standard1'


def get_count(pool, key=b'k'):
    return pool.operations.get_count(Layout, key, None, Slice(), 1)


class Watched(ConnectionPool):
    """Counts the calls that go the long way."""

    long_ways = 0

    def _execute_call(self, call):
        self.long_ways += 1
        return ConnectionPool._execute_call(self, call)


@pytest.fixture
def make(raw_server):
    pools = []

    def make(kind=Watched, **settings):
        pools.append(kind('Keyspace1', [raw_server.address], **{'timeout': 5, 'pool_size': 2, **settings}))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def went_long(pool, calls=3):
    """How many of some calls went the long way; each gives what it should."""
    # Whether logging is on is asked once, on the long way.
    assert get_count(pool) == 4
    before = pool.long_ways
    assert [get_count(pool) for _ in range(calls)] == [4] * calls
    counts = pool.counts()
    assert (counts.checked_out, counts.opening, counts.idle) == (0, 0, counts.total)
    return pool.long_ways - before


@pytest.mark.parametrize('settings', [{}, {'timeout': None}, {'timeout': 5.0}, {'max_overflow': -1},
                                      {'use_threadlocal': False}, {'recycle': -1}, {'idle_probe': 1}])
def test_pools_take_it_where_the_codec_has_it(make, settings):
    pool = make(**settings)
    assert went_long(pool) == (0 if COMPILED else 3)
    assert sum(wrapper.operation_count for wrapper in pool._store._idle) == 4


def test_families_take_it_where_the_codec_has_it(make, raw_server):
    pool = make()
    family = ColumnFamily(pool, 'Standard1')
    family.batch_insert({b'k': {b'a': b'b'}})
    before = pool.long_ways
    for number in range(10):
        family.insert(b'k%d' % number, {b'a': b'b'})
    assert pool.long_ways == before + (0 if COMPILED else 10)
    assert raw_server.handler.called('batch_mutate')[1:] == [([b'k%d' % number],) for number in range(10)]


# --- what was replaced is called -----------------------------------------------------------------------------------

def noting(function, log):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        log.append(function.__name__)
        return function(*args, **kwargs)
    return wrapped


@pytest.mark.parametrize('owner, name, expected', [
    (ConnectionPool, 'execute', 'execute'), (ConnectionPool, 'execute_call', 'execute_call'),
    (ConnectionWrapper, 'execute_call', 'execute_call'), (Connection, 'execute_call', 'execute_call'),
    (ConnectionWrapper, 'get_count', 'get_count'),
])
def test_methods_replaced_on_classes(make, monkeypatch, owner, name, expected):
    pool, log = make(), []
    get_count(pool)
    monkeypatch.setattr(owner, name, noting(getattr(owner, name), log))
    assert get_count(pool) == 4 and log == [expected]
    monkeypatch.undo()
    assert get_count(pool) == 4 and log == [expected]


@pytest.mark.parametrize('name', ['execute', 'execute_call'])
def test_methods_replaced_on_a_pool(make, monkeypatch, name):
    pool, log = make(), []
    monkeypatch.setattr(pool, name, noting(getattr(pool, name), log), raising=False)
    assert get_count(pool) == 4 and log == [name]


@pytest.mark.parametrize('name', ['get_count', 'execute_call'])
def test_methods_replaced_on_a_connection(make, name):
    pool, log = make(pool_size=1), []
    wrapper = pool.get()
    setattr(wrapper, name, noting(getattr(wrapper, name), log))
    pool.put(wrapper)
    assert get_count(pool) == 4 and log == [name]


def test_methods_of_subclasses(make):
    log = []

    class OwnWrapper(ConnectionWrapper):
        def get_count(self, *args, **kwargs):
            log.append('get_count')
            return ConnectionWrapper.get_count(self, *args, **kwargs)

    class OwnPool(Watched):
        def _get_new_wrapper(self, server):
            return self._new_wrapper(OwnWrapper, server)

        def execute(self, method, *args, **kwargs):
            log.append(method)
            return Watched.execute(self, method, *args, **kwargs)

    assert get_count(make(OwnPool)) == 4
    assert log == ['get_count', 'get_count']


def test_methods_marked_as_our_own_are_not_called(make, monkeypatch):
    monkeypatch.setattr(ConnectionWrapper, 'get_count', own_method(lambda self, *args: 5))
    assert get_count(make()) == 4


# --- what every call has to look at --------------------------------------------------------------------------------

class Hearing(PoolListener):
    def __init__(self):
        self.heard = []

    def connection_checked_out(self, dic):
        self.heard.append('out')

    def connection_checked_in(self, dic):
        self.heard.append('in')


def test_listeners_hear_of_every_call(make):
    pool, listener = make(), Hearing()
    went_long(pool)
    pool.add_listener(listener)
    assert went_long(pool, 2) == 2
    assert listener.heard == ['out', 'in'] * 3


def test_a_listener_that_comes_during_a_call_hears_of_its_end(make, raw_server):
    pool, listener = make(), Hearing()
    went_long(pool)
    raw_server.handler.script('get_count', lambda: pool.add_listener(listener))
    assert get_count(pool) == 4
    assert listener.heard == ['in']


def test_the_log_has_every_call_once_it_is_wanted(make, caplog):
    pool = make()
    went_long(pool)
    with caplog.at_level(logging.DEBUG, logger='pycassa.pool'):
        get_count(pool)
        assert len([record for record in caplog.records if 'checked' in record.message]) == 2
    caplog.clear()
    assert went_long(pool) <= 3 * (not COMPILED)
    assert not caplog.records


def test_logging_that_is_configured_after_the_pool_was_made(make):
    """What loggers remember of their levels is forgotten then."""
    pool, root = make(), logging.getLogger()
    root.setLevel(root.level)
    assert went_long(pool) == (0 if COMPILED else 3)


def test_deadlines_go_the_long_way(make):
    pool = make(deadline=5.0)
    assert went_long(pool) == 3
    pool.deadline = None
    assert went_long(pool) == (0 if COMPILED else 3)


def test_a_thread_that_has_a_connection_uses_that(make):
    pool = make()
    held = pool.get()
    before = held.operation_count
    assert get_count(pool) == get_count(pool) == 4
    assert held.operation_count == before + 2 and pool.counts().checked_out == 1
    pool.put(held)
    assert went_long(pool) == (0 if COMPILED else 3)


def test_connections_that_were_idle_for_long_are_asked(make, raw_server):
    pool = make(pool_size=1, idle_probe=0.05)
    get_count(pool)
    first, = pool._store._idle
    raw_server.hang_up()
    time.sleep(0.1)
    assert get_count(pool) == 4
    assert list(pool._store._idle) != [first] and not first.is_open


def test_connections_are_replaced_when_they_have_served_their_time(make, raw_server):
    pool = make(pool_size=1, recycle=5)
    accepted = raw_server.accepted
    for _ in range(20):
        assert get_count(pool) == 4
    assert raw_server.accepted - accepted == 3
    assert pool.counts().total == 1


def test_a_pool_that_is_closed_during_a_call_closes_its_connection(make, raw_server):
    pool = make(pool_size=1)
    went_long(pool)
    wrapper, = pool._store._idle
    raw_server.handler.script('get_count', pool.close)
    assert get_count(pool) == 4
    assert not wrapper.is_open and pool.counts().total == 0


def test_a_pool_may_be_given_another_short_way_during_a_call(make, raw_server):
    pool = make(pool_size=1)
    went_long(pool)

    def replace():
        pool._short_way = codec.ShortWay(_WAYS, pool.__dict__, pool._store, pool._listeners, pool._holding)

    raw_server.handler.script('get_count', replace)
    assert get_count(pool) == 4
    assert went_long(pool) == (0 if COMPILED else 3)


def test_those_who_wait_get_the_connection(make, raw_server):
    pool = make(pool_size=1, use_threadlocal=False)
    went_long(pool)
    taken = []

    def wait_for_it():
        thread = threading.Thread(target=lambda: taken.append(pool.get()))
        thread.start()
        while not pool.counts().waiting:
            time.sleep(0.001)

    raw_server.handler.script('get_count', wait_for_it)
    assert get_count(pool) == 4
    deadline = time.monotonic() + 5
    while not taken:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert pool.counts().checked_out == 1
    pool.put(taken[0])
    assert pool.counts().idle == 1


@pytest.mark.parametrize('size, threads', [(1, 4), (3, 8)])
def test_threads_keep_the_counts_exact(make, size, threads):
    pool = make(pool_size=size, use_threadlocal=False)

    def work(_number):
        for turn in range(60):
            if turn % 7 == 3:
                pool.put(pool.get())
            else:
                assert get_count(pool) == 4

    in_threads(threads, work)
    counts = pool.counts()
    assert counts.checked_out == counts.opening == counts.waiting == 0
    assert counts.idle == counts.total <= size


# --- what goes wrong on the way ------------------------------------------------------------------------------------

def test_a_connection_that_broke_is_replaced(make, raw_server):
    pool = make(retry_backoff=(0.001, 0.001))
    went_long(pool)
    raw_server.handler.script('get_count', raw_server.hang_up)
    assert get_count(pool) == 4
    assert pool.counts().checked_out == 0
    assert went_long(pool) == (0 if COMPILED else 3)


def test_time_outs_are_those_of_the_long_way(make, raw_server):
    pool = make(timeout=0.1, max_retries=1, retry_backoff=(0.001, 0.001))
    went_long(pool)
    raw_server.handler.script('get_count', *[lambda: time.sleep(0.3)] * 2)
    with pytest.raises(MaximumRetryException) as failed:
        get_count(pool)
    assert [type(error) for _, error in failed.value.attempts] == [CallTimeout, CallTimeout]
    assert {str(error) for _, error in failed.value.attempts} == {
        f'get_count: {raw_server.address}: no complete reply within timeout=0.1'}
    assert pool.counts().checked_out == 0


def test_errors_that_the_server_declares(make, raw_server):
    pool = make(retry_backoff=(0.001, 0.001))
    went_long(pool)
    raw_server.handler.script('get_count', InvalidRequestException('no'))
    with pytest.raises(InvalidRequestException, match='no'):
        get_count(pool)
    before = pool.counts()
    raw_server.handler.script('get_count', TimedOutException())
    assert get_count(pool) == 4
    assert pool.counts() == before and before.checked_out == 0
    assert went_long(pool) == (0 if COMPILED else 3)


def test_an_interrupt_lets_the_connection_go(make, raw_server):
    pool = make(pool_size=1)
    went_long(pool)
    wrapper, = pool._store._idle
    raw_server.handler.script('get_count', lambda: time.sleep(0.4))
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            get_count(pool)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert not wrapper.is_open and pool.counts().total == 0
    assert get_count(pool) == 4


def test_failures_of_a_call_say_the_same_on_both_ways(make, raw_server):
    texts = []
    for deadline in (None, 30.0):
        pool = make(pool_size=1, max_retries=0, deadline=deadline)
        went_long(pool)
        raw_server.handler.script('get_count', raw_server.hang_up)
        with pytest.raises(MaximumRetryException) as failed:
            get_count(pool)
        assert isinstance(failed.value.__cause__, ConnectionClosed)
        texts.append(str(failed.value))
        pool.close()
    assert texts[0] == texts[1]
