"""The pool's interface: settings, checking out and in, thread-local connections, recycling, disposal, hooks."""
import gc
import logging
import threading

import pytest

import pycassa.pool
from pycassa.cassandra.ttypes import TimedOutException
from pycassa.errors import (
    AllServersUnavailable,
    InvalidRequestError,
    NoConnectionAvailable,
    PoolDisposed,
)
from pycassa.logging.pool_logger import PoolLogger
from pycassa.logging.pool_stats_logger import StatsLogger
from pycassa.pool import ConnectionPool
from pycassa.runtime import Runtime
from pycassa.store import Counts

from .fakes import Recorder, World, a_call, in_threads


def counts(pool):
    return (pool.checkedin(), pool.checkedout(), pool.overflow())


# --- settings --------------------------------------------------------------------------------------------------------

def test_defaults_are_those_of_1_11():
    pool = World('a').pool(prefill=False)
    assert (pool.max_overflow, pool.pool_timeout, pool.recycle, pool.max_retries) == (0, 30, 10000, 5)
    assert (pool.timeout, pool.size(), pool.credentials, pool.logging_name) == (0.5, 5, None, id(pool))


def test_positional_arguments_are_those_of_1_11():
    def factory(*arguments):
        raise AssertionError('nothing is opened')

    pool = ConnectionPool('K', ['h:1'], {'username': 'u', 'password': 'p'}, 2.5, False, 3, False, factory, factory)
    assert (pool.keyspace, pool.server_list, pool.timeout, pool.size()) == ('K', ['h:1'], 2.5, 3)
    assert pool.credentials == {'username': 'u', 'password': 'p'}
    assert pool.socket_factory is factory and pool.transport_factory is factory
    assert pool._local is None and counts(pool) == (0, 0, 0)


def test_unknown_keywords_are_passed_over():
    World('a').pool(framed_transport=True, username='u', password='p', anything=1)


@pytest.mark.parametrize('server_list', [
    ['a', 'b'], ('a', 'b'), frozenset('ab'), {'a', 'b'}, lambda: ['a', 'b'], iter(['a', 'b']), {'a': 1, 'b': 2}.keys()])
def test_server_list_is_any_iterable_or_a_function(server_list):
    pool = World().pool(server_list=server_list, prefill=False)
    assert sorted(pool.server_list) == ['a', 'b']


def test_one_server_may_be_given_as_text():
    assert World().pool(server_list='host:9160', prefill=False).server_list == ['host:9160']


def test_set_server_list_is_for_new_connections():
    world = World('a')
    pool = world.pool(pool_size=2)
    pool.set_server_list(['b'])
    pool.dispose()
    pool.fill()
    assert world.connects == ['a', 'a', 'b', 'b'] and world.open == {'a': 0, 'b': 2}


def test_a_new_server_list_is_never_seen_half_done():
    pool = World().pool(server_list=[f'host{number}:9160' for number in range(50)], prefill=False)
    before, seen = pool.server_list, []
    chance = pool.runtime.uniform
    pool.runtime.uniform = lambda low, high: seen.append(list(pool.server_list)) or chance(low, high)
    pool.set_server_list(['a', 'b', 'c'])
    assert seen == [before] * 3 and sorted(pool.server_list) == ['a', 'b', 'c']


def test_credentials_show_nowhere():
    pool = World('a').pool(credentials={'username': 'u', 'password': 'secret-canary'})
    conn = pool.get()
    assert 'canary' not in f'{pool!r} {pool} {pool.status()} {conn!r} {conn} {conn.info}'


# --- checking out and in ---------------------------------------------------------------------------------------------

def test_prefill_opens_all_and_counts_add_up():
    world = World('a', 'b')
    pool = world.pool(pool_size=4)
    assert counts(pool) == (4, 0, 0) and world.open == {'a': 2, 'b': 2}
    assert pool.status() == ('Pool size: 4  Connections in pool: 4 Current Overflow: 0 '
                             'Current Checked out connections: 0')


def test_idle_connections_come_before_new_ones():
    world = World('a')
    pool = world.pool(prefill=False, use_threadlocal=False)
    for _ in range(10):
        pool.put(pool.get())
    assert len(world.connects) == 1
    first, second = pool.get(), pool.get()
    assert len(world.connects) == 2
    pool.put(second)
    pool.put(first)
    assert pool.get() is second and pool.get() is first


def test_all_of_1_11s_check_out_story():
    """The sequence of 1.11's own test of its pool, with the counts that it expects."""
    stats = StatsLogger()
    pool = World('a').pool(pool_size=5, max_overflow=5, pool_timeout=0, use_threadlocal=False, listeners=[stats])
    conns = [pool.get() for _ in range(10)]
    assert stats.stats['created'] == {'success': 10, 'failure': 0} and stats.stats['checked_out'] == 10
    assert counts(pool) == (0, 10, 5)
    with pytest.raises(NoConnectionAvailable):
        pool.get()
    assert stats.stats['at_max'] == 1 and stats.stats['created']['success'] == 10
    for conn in conns[:5]:
        pool.return_conn(conn)
    assert stats.stats['disposed']['success'] == 0 and stats.stats['checked_in'] == 5
    for conn in conns[5:]:
        pool.return_conn(conn)
    assert stats.stats['disposed']['success'] == 5 and stats.stats['checked_in'] == 10
    conns = [pool.get() for _ in range(10)]
    assert stats.stats['created']['success'] == 15 and stats.stats['checked_out'] == 20
    for conn in conns:
        conn.return_to_pool()
    assert stats.stats['disposed']['success'] == 10 and stats.stats['checked_in'] == 20
    for conn in (conns[0], conns[-1]):
        with pytest.raises(InvalidRequestError):
            conn.return_to_pool()
    assert stats.stats['checked_in'] == 20 and counts(pool) == (5, 0, 0)
    pool.dispose()
    assert stats.stats['disposed']['success'] == 15 and counts(pool) == (0, 0, 0)
    assert stats.stats['opened'] == {'current': 0, 'max': 10}


def test_max_overflow_can_be_changed_and_be_without_limit():
    pool = World('a').pool(pool_size=1, pool_timeout=0, use_threadlocal=False)
    held = [pool.get()]
    with pytest.raises(NoConnectionAvailable):
        pool.get()
    pool.max_overflow = 1
    held.append(pool.get())
    with pytest.raises(NoConnectionAvailable, match='limit of size 1 overflow 1 reached'):
        pool.get()
    pool.max_overflow = -1
    held += [pool.get() for _ in range(50)]
    assert counts(pool) == (0, 52, 51)
    assert len(set(map(id, held))) == 52


def test_pool_timeout_is_in_the_message_with_the_setting():
    pool = World('a').pool(pool_size=1, pool_timeout=0.05, use_threadlocal=False)
    conn = pool.get()
    assert conn.is_open
    with pytest.raises(NoConnectionAvailable, match='after 0.05 seconds .pool_timeout=0.05; max_overflow='):
        pool.get()


@pytest.mark.parametrize('for_ever', [-1, None])
def test_pool_timeout_may_be_none_at_all(for_ever):
    pool = World('a').pool(pool_size=1, pool_timeout=for_ever, use_threadlocal=False, runtime=Runtime())
    held, got = pool.get(), []
    thread = threading.Thread(target=lambda: got.append(pool.get()), daemon=True)
    thread.start()
    while not pool.counts().waiting and thread.is_alive():
        pass
    held.return_to_pool()
    thread.join(10)
    assert got == [held]


def test_pool_timeout_covers_waiting_for_the_connecting_of_others():
    world = World('a')
    pool = world.pool(pool_size=1, pool_timeout=0.05, prefill=False, runtime=Runtime())
    connecting, go_on = threading.Event(), threading.Event()

    def block(server):
        connecting.set()
        assert go_on.wait(30)

    pool.before_connecting = block
    thread = threading.Thread(target=pool.get)
    thread.start()
    assert connecting.wait(30)
    assert pool.counts() == Counts(0, 0, 1, 0, 1)
    with pytest.raises(NoConnectionAvailable):
        pool.get()
    go_on.set()
    thread.join(30)


def test_connections_are_opened_side_by_side():
    pool = World('a').pool(pool_size=4, prefill=False)
    together = threading.Barrier(4, timeout=30)
    pool.before_connecting = lambda server: together.wait()
    in_threads(4, lambda number: pool.get())


def test_a_closed_connection_is_not_put_back_and_the_count_goes_down():
    world = World('a')
    pool = world.pool(pool_size=2, use_threadlocal=False)
    conn = pool.get()
    conn.close()
    pool.put(conn)
    assert counts(pool) == (1, 0, 0)
    pool.put(conn)
    assert counts(pool) == (1, 0, 0)
    assert pool.get() is not conn and pool.get() is not conn


def test_a_connection_of_another_pool_is_refused():
    world = World('a')
    one, other = world.pool(use_threadlocal=False), world.pool(use_threadlocal=False)
    conn = one.get()
    with pytest.raises(InvalidRequestError, match='does not belong to this pool'):
        other.put(conn)
    assert counts(one) == (4, 1, 0) and counts(other) == (5, 0, 0)


def test_a_connection_with_another_keyspace_is_not_handed_on():
    pool = World('a').pool(pool_size=1, use_threadlocal=False)
    conn = pool.get()
    conn.keyspace = 'Other'
    conn.return_to_pool()
    assert pool.counts() == Counts(0, 0, 0, 0, 0)
    assert pool.get().keyspace == 'Keyspace1'


def test_a_returned_connection_cannot_be_used():
    pool = World('a').pool(use_threadlocal=False)
    conn = pool.get()
    assert conn.execute_call(a_call()) == b'answer of a'
    conn.return_to_pool()
    for use in (lambda: conn.execute_call(a_call()), conn.describe_version):
        with pytest.raises(InvalidRequestError, match='was returned to its pool'):
            use()


# --- thread-local connections ----------------------------------------------------------------------------------------

def test_a_thread_gets_its_connection_again_until_it_returns_it():
    pool = World('a').pool(pool_size=5)
    conns = [pool.get() for _ in range(10)]
    assert all(conn is conns[0] for conn in conns) and counts(pool) == (4, 1, 0)
    for conn in conns:
        pool.return_conn(conn)
    assert counts(pool) == (5, 0, 0)


def test_what_is_put_is_ignored_for_the_threads_own():
    pool = World('a').pool()
    own = pool.get()
    other = []
    in_threads(1, lambda number: other.append(pool.get()))
    pool.put(other[0])
    assert pool.checkedout() == 1 and pool.get() is not own


def test_another_thread_may_return_a_connection():
    pool = World('a').pool()
    conn = pool.get()
    in_threads(1, lambda number: conn.return_to_pool())
    assert counts(pool) == (5, 0, 0)
    again = pool.get()
    assert pool.checkedout() == 1
    in_threads(1, lambda number: pool.put(again))
    assert counts(pool) == (5, 0, 0)


def test_calls_of_the_pool_use_the_threads_connection_and_leave_it_checked_out():
    world = World('a', 'b')
    pool = world.pool()
    conn = pool.get()
    for _ in range(3):
        assert pool.execute_call(a_call()) == b'answer of ' + conn.server.encode()
    assert pool.execute('execute_call', a_call()) == b'answer of ' + conn.server.encode()
    assert counts(pool) == (4, 1, 0) and conn.operation_count == 4
    conn.return_to_pool()
    assert counts(pool) == (5, 0, 0)


def test_a_connection_returned_by_a_finalizer_is_counted():
    pool = World('a').pool(pool_size=1, use_threadlocal=False)

    class Holder:
        """Garbage in a cycle: its connection is garbage as well, until the finalizer returns it."""

        def __init__(self):
            self.connection, self.cycle = pool.get(), self

        def __del__(self):
            pool.put(self.connection)

    Holder()
    gc.collect()
    assert pool.counts() == Counts(1, 0, 0, 0, 1)
    with_it = pool.get()
    assert pool.counts() == Counts(0, 1, 0, 0, 1)
    with_it.return_to_pool()
    assert pool.counts() == Counts(1, 0, 0, 0, 1)


def test_a_connection_held_by_a_thread_that_ends_is_not_lost_to_the_pool():
    pool = World('a').pool(pool_size=1, pool_timeout=0)
    in_threads(1, lambda number: pool.get())
    gc.collect()
    assert pool.counts() == Counts(0, 0, 0, 0, 0)
    pool.get()


# --- recycling -------------------------------------------------------------------------------------------------------

def test_a_connection_is_replaced_after_so_many_calls():
    recorder = Recorder()
    world = World('a')
    pool = world.pool(pool_size=5, recycle=1, listeners=[recorder])
    for _ in range(11):
        pool.execute_call(a_call())
    assert len(recorder.named('connection_recycled')) == 5
    assert counts(pool) == (5, 0, 0) and world.open == {'a': 5} and len(world.connects) == 10


def test_recycling_by_age_is_spread_by_chance():
    world = World('a')
    pool = world.pool(pool_size=3, recycle=-1, recycle_seconds=100)
    world.now += 89.9
    for _ in range(3):
        pool.execute_call(a_call())
    assert len(world.connects) == 3
    world.now += 10.2
    for _ in range(3):
        pool.execute_call(a_call())
    assert len(world.connects) == 6 and world.open == {'a': 3}
    ages = {wrapper._expires for wrapper in pool._store._idle}
    assert len(ages) == 3


def test_a_connection_that_cannot_be_replaced_stays():
    world = World('a')
    pool = world.pool(pool_size=1, recycle=2)
    world.refusing.add('a')
    for _ in range(3):
        pool.execute_call(a_call())
    assert len(world.connects) == 2 and counts(pool) == (1, 0, 0)
    pool.execute_call(a_call())
    assert len(world.connects) == 2
    world.refusing.clear()
    for _ in range(2):
        pool.execute_call(a_call())
    assert len(world.connects) == 3 and counts(pool) == (1, 0, 0) and world.open == {'a': 1}


# --- the pool as a whole ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize('hook', ['connection_created', 'connection_failed', 'connection_checked_in'])
def test_a_connection_is_back_once_although_a_listener_raises_while_it_is_returned(hook):
    world = World('a')
    pool = world.pool(pool_size=1, recycle=2, use_threadlocal=False)
    wrapper = pool.get()
    wrapper.operation_count = 9
    world.refusing.update(['a'] if hook == 'connection_failed' else [])

    def fail(dic):
        raise ZeroDivisionError

    pool.add_listener({hook: fail})
    with pytest.raises(ZeroDivisionError):
        wrapper.return_to_pool()
    with pytest.raises(InvalidRequestError, match='returned to its pool'):
        wrapper.return_to_pool()
    with pytest.raises(InvalidRequestError, match='returned to its pool'):
        wrapper.execute_call(a_call())
    assert pool.counts() == Counts(1, 0, 0, 0, 1)


def test_dispose_closes_idle_connections_and_the_pool_goes_on():
    world = World('a')
    pool = world.pool(pool_size=3)
    conn = pool.get()
    pool.dispose()
    assert counts(pool) == (0, 1, 0) and world.open == {'a': 1}
    conn.return_to_pool()
    assert counts(pool) == (1, 0, 0)
    pool.fill()
    assert counts(pool) == (3, 0, 0)


def test_a_closed_pool_serves_nobody():
    world = World('a')
    with world.pool(pool_size=2, use_threadlocal=False) as pool:
        conn = pool.get()
    with pytest.raises(PoolDisposed):
        pool.execute_call(a_call())
    assert conn.execute_call(a_call())
    conn.return_to_pool()
    assert world.open == {'a': 0} and pool.counts() == Counts(0, 0, 0, 0, 0)


def test_recreate_has_the_same_settings():
    recorder = Recorder()
    pool = ConnectionPool('K', ['h:1'], {'username': 'u'}, timeout=7, pool_size=2, prefill=False, max_overflow=3,
                          listeners=[recorder], recycle=9, pool_timeout=4, max_retries=2, deadline=11)
    again = pool.recreate()
    assert again is not pool and again.listeners[1:] == [recorder] and again.logging_name == id(again)
    for name in ('keyspace', 'server_list', 'credentials', 'timeout', 'max_overflow', 'recycle', 'pool_timeout',
                 'max_retries', 'deadline', 'retry_backoff', 'host_backoff'):
        assert getattr(again, name) == getattr(pool, name), name
    assert len(recorder.named('pool_recreated')) == 1


def test_filling_fails_with_exact_counts():
    world = World('a')
    pool = world.pool(prefill=False)
    world.refusing.add('a')
    with pytest.raises(AllServersUnavailable):
        pool.fill()
    assert pool.counts() == Counts(0, 0, 0, 0, 0)


# --- hooks of users --------------------------------------------------------------------------------------------------

def test_an_execute_put_on_a_pool_or_its_class_sees_all_calls(monkeypatch):
    seen = []

    class Wrapping(pycassa.pool.ConnectionPool):
        pass

    def execute(self, method, *args, **kwargs):
        seen.append((method, args, kwargs))
        return 3

    monkeypatch.setattr(Wrapping, 'execute', execute)
    pool = Wrapping('K', prefill=False)
    parent = pycassa.pool.ThriftOperations(pool)
    assert pool.operations.get_count(FakeLayout, b'k', None, SLICE, 1) == 3
    assert seen[0][0] == 'get_count' and seen[0][1][0] == b'k' and seen[0][2] == {}
    pool.execute = lambda method, *args, **kwargs: seen.append((method, kwargs))
    parent.add(FakeLayout, b'k', None, b'c', 5, 1)
    parent.add(FakeLayout, b'k', None, b'c', 5, 1, retry=True)
    assert seen[1:] == [('add', {'allow_retries': False}), ('add', {'allow_retries': True})]


def test_methods_that_a_subclass_wraps_see_all_calls():
    seen = []
    world = World('a')
    pool = world.pool(prefill=False)
    plain = pool._get_new_wrapper

    def wrapping(server):
        conn = plain(server)

        def get_count(*args):
            seen.append((conn.server, args[0]))
            return 7

        conn.get_count = get_count
        return conn

    pool._get_new_wrapper = wrapping
    assert pool.operations.get_count(FakeLayout, b'k', None, SLICE, 1) == 7
    assert seen == [('a', b'k')] and world.calls == []
    assert pool.execute_call(a_call('get_slice')) == b'answer of a'


def test_an_execute_of_the_pool_itself_is_not_an_override():
    world = World('a')
    pool = world.pool()
    assert pool.execute_call(a_call()) == b'answer of a'
    assert len(world.calls) == 1


class FakeLayout:
    family = b'F'


SLICE = pycassa.operations.Slice()


# --- events ----------------------------------------------------------------------------------------------------------

def test_listeners_hear_every_event_with_what_1_11_gave():
    recorder = Recorder()
    world = World('a')
    pool = world.pool(pool_size=1, pool_timeout=0, use_threadlocal=False, listeners=[recorder], logging_name='mine')
    conn = pool.get()
    with pytest.raises(NoConnectionAvailable):
        pool.get()
    error = TimedOutException()
    error.link_stays = True
    world.fail_next(error)
    conn.execute_call(a_call())
    conn.return_to_pool()
    pool.dispose()
    pool.recreate()
    assert recorder.names()[:11] == [
        'obtained_server_list', 'server_list_obtained', 'connection_created', 'connection_checked_out', 'pool_at_max',
        'connection_failed', 'connection_checked_in', 'connection_disposed', 'pool_disposed', 'pool_recreated',
        'obtained_server_list']
    events = dict(recorder.events[:10])
    assert all(dic['pool_id'] == 'mine' for dic in events.values())
    assert events['obtained_server_list']['server_list'] == ['a']
    assert [events[name]['level'] for name in ('connection_created', 'pool_at_max', 'connection_failed',
                                               'pool_disposed', 'connection_disposed')] == [
        'debug', 'info', 'info', 'info', 'debug']
    assert events['pool_at_max']['pool_max'] == 1
    failed = events['connection_failed']
    assert (failed['server'], failed['connection'], type(failed['error'])) == ('a', conn, TimedOutException)
    assert conn.info['request'] == {'method': 'get_slice', 'args': (), 'kwargs': {}}
    assert 'disposed' in events['connection_disposed']['message']


def test_connecting_that_fails_is_heard_of_without_a_connection():
    recorder = Recorder()
    world = World('a', 'b')
    pool = world.pool(prefill=False, listeners=[recorder])
    world.refusing.update('ab')
    with pytest.raises(AllServersUnavailable):
        pool.get()
    failed = recorder.named('connection_failed')
    assert sorted(dic['server'] for dic in failed) == ['a', 'a', 'b', 'b']
    assert all(dic['connection'] is None for dic in failed)


def test_a_listener_may_be_a_dict_and_must_have_hooks():
    heard = []
    pool = World('a').pool(listeners=[{'connection_checked_out': heard.append}])
    pool.get()
    assert len(heard) == 1
    for wrong in (object(), {}, {'connection_created': 1}, {'no_such_hook': heard.append}):
        with pytest.raises(TypeError):
            pool.add_listener(wrong)


@pytest.mark.parametrize('hook', ['connection_created', 'connection_checked_out', 'connection_checked_in',
                                  'connection_failed', 'connection_recycled', 'connection_disposed'])
def test_a_listener_that_raises_leaves_exact_counts(hook):
    world = World('a', 'b')
    pool = world.pool(pool_size=2, max_overflow=1, prefill=False, recycle=2, use_threadlocal=False)
    pool.execute_call(a_call())

    def fail(dic):
        raise ZeroDivisionError

    pool.add_listener({hook: fail})
    for turn in range(12):
        if turn % 4 == 1:
            world.fail_next(ConnectionResetError())
        if turn == 7:
            pool._store._idle and setattr(pool._store._idle[0].link, 'stale', True)
            world.now += 10
        try:
            pool.execute_call(a_call())
        except ZeroDivisionError:
            pass
        gc.collect()
        now = pool.counts()
        assert now.checked_out == now.opening == 0 and now.total == now.idle
        assert sum(world.open.values()) == now.idle


def test_a_silent_logger_is_not_called_for_each_call(monkeypatch):
    called = []
    monkeypatch.setattr(PoolLogger, 'connection_checked_out', lambda self, dic: called.append('out'))
    monkeypatch.setattr(PoolLogger, 'connection_checked_in', lambda self, dic: called.append('in'))
    pool = World('a').pool()
    pool.execute_call(a_call())
    assert called == []
    logger = logging.getLogger('pycassa')
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        pool.execute_call(a_call())
    finally:
        logger.setLevel(level)
    assert called == ['out', 'in']
