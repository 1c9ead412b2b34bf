"""The pool over real sockets: calls by name, failover, credentials, forks, threads."""
import gc
import os
import pickle
import socket
import threading
import time

import pytest
from thrift.transport.TTransport import TTransportException

from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    Column,
    ColumnOrSuperColumn,
    ColumnParent,
    CounterColumn,
    InvalidRequestException,
    Mutation,
    SlicePredicate,
    TimedOutException,
    UnavailableException,
)
from pycassa.errors import (
    AllServersUnavailable,
    CallTimeout,
    ConnectionClosed,
    MaximumRetryException,
    NoConnectionAvailable,
)
from pycassa.logging.pool_stats_logger import StatsLogger
from pycassa.operations import Slice
from pycassa.pool import ConnectionPool
from pycassa.store import Counts
from pycassa.wrapper import THRIFT_METHODS, ConnectionWrapper

from .fakes import Recorder, in_threads
from .rawserver import RawServer

PARENT = ColumnParent('Standard1')
PREDICATE = SlicePredicate(column_names=[b'a'])


class Layout:
    family = b'Standard1'


def make_pool(*servers, **settings):
    settings.setdefault('timeout', 5)
    return ConnectionPool('Keyspace1', [server.address for server in servers], **settings)


def get_count(pool):
    return pool.operations.get_count(Layout, b'k', None, Slice(), 1)


def test_a_wrapper_has_every_thrift_call():
    assert len(THRIFT_METHODS) == 45
    for name in THRIFT_METHODS:
        assert callable(getattr(ConnectionWrapper, name))
        assert getattr(ConnectionWrapper, name).__name__ == name


def test_calls_by_name_and_encoded_calls(raw_server):
    pool = make_pool(raw_server)
    assert pool.execute('describe_version') == '19.39.0'
    assert pool.execute('get_count', b'k', PARENT, PREDICATE, 1) == 4 == get_count(pool)
    assert list(pool.execute('get_keyspace_description')) == ['Standard1']
    conn = pool.get()
    conn.insert(b'k', PARENT, Column(b'n', b'v', 7), 1)
    conn.insert(key=b'k', column_parent=PARENT, column=Column(b'n', b'v', 8), consistency_level=1)
    assert raw_server.handler.called('insert') == [(b'k', b'n', 7), (b'k', b'n', 8)]
    assert str(conn) == repr(conn) == f'<ConnectionWrapper Keyspace1@{raw_server.address}>'
    assert conn.info['request']['method'] == 'insert' and conn.max_retries == 5
    assert raw_server.handler.called('set_keyspace') == [('Keyspace1',)] * 5
    assert conn.starttime <= time.time() and conn.operation_count == 2


def test_special_keywords_of_1_11_are_swallowed(raw_server):
    conn = make_pool(raw_server).get()
    assert conn.describe_version(allow_retries=True, reset=True) == '19.39.0'
    assert conn.get_count(b'k', PARENT, PREDICATE, 1, allow_retries=False, reset=False) == 4


def test_calls_by_name_go_on_over_another_server(raw_servers):
    stats = StatsLogger()
    pool = make_pool(*raw_servers, listeners=[stats])
    conn = pool.get()
    first = next(server for server in raw_servers if server.address == conn.server)
    first.stop()
    conn.insert(b'k', PARENT, Column(b'n', b'v', 7), 1)
    assert conn.server != first.address
    assert sum(len(server.handler.called('insert')) for server in raw_servers) == 1
    assert stats.stats['failed'] >= 1
    conn.return_to_pool()
    assert pool.checkedout() == 0
    for _ in range(20):
        assert get_count(pool) == 4
    assert first.address not in pool._store.load()


def test_a_keyspace_that_the_user_selected_goes_along(raw_servers):
    pool = make_pool(*raw_servers)
    conn = pool.get()
    conn.set_keyspace('Other')
    first = next(server for server in raw_servers if server.address == conn.server)
    first.stop()
    conn.describe_version()
    second = next(server for server in raw_servers if server.address == conn.server)
    assert second.handler.called('set_keyspace')[-1] == ('Other',) and conn.keyspace == 'Other'
    conn.return_to_pool()
    assert all(wrapper.keyspace == 'Keyspace1' for wrapper in pool._store._idle)


@pytest.mark.parametrize('error', [TimedOutException(), UnavailableException()])
def test_servers_that_are_busy_are_asked_again(raw_server, error):
    raw_server.handler.script('get_count', error, error)
    pool = make_pool(raw_server, pool_size=1)
    assert get_count(pool) == 4
    raw_server.handler.script('get_count', error, error)
    assert pool.execute('get_count', b'k', PARENT, PREDICATE, 1) == 4
    assert raw_server.accepted == 1 and len(raw_server.handler.called('get_count')) == 6


def test_counters_are_sent_once_unless_asked(raw_server):
    handler = raw_server.handler
    pool = make_pool(raw_server)
    counter = Mutation(column_or_supercolumn=ColumnOrSuperColumn(counter_column=CounterColumn(b'n', 1)))
    hang_up = raw_server.hang_up
    for call in (lambda **kw: pool.execute('add', b'k', PARENT, CounterColumn(b'c', 5), 1, **kw),
                 lambda **kw: pool.execute('batch_mutate', {b'k': {'Standard1': [counter]}}, 1, **kw)):
        handler.log.clear()
        method = 'add' if 'add' in call.__code__.co_consts else 'batch_mutate'
        handler.script(method, hang_up)
        with pytest.raises(MaximumRetryException, match='would double') as caught:
            call()
        assert len(handler.called(method)) == 1 and len(caught.value.attempts) == 1
        handler.script(method, hang_up)
        call(allow_retries=True)
        assert len(handler.called(method)) == 3
        handler.script(method, hang_up)
        with pytest.raises(MaximumRetryException):
            call(allow_retries=False)
    assert pool.checkedout() == 0


def test_encoded_counter_calls_are_sent_once_unless_asked(raw_server):
    pool = make_pool(raw_server)
    hang_up = raw_server.hang_up
    raw_server.handler.script('add', hang_up, hang_up)
    with pytest.raises(MaximumRetryException):
        pool.operations.add(Layout, b'k', None, b'c', 5, 1)
    assert raw_server.handler.added == 5
    pool.operations.add(Layout, b'k', None, b'c', 5, 1, retry=True)
    assert raw_server.handler.added == 15


def test_a_batch_without_counters_is_sent_again(raw_server):
    pool = make_pool(raw_server)
    mutation = Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=Column(b'n', b'v', 1)))
    raw_server.handler.script('batch_mutate', raw_server.hang_up)
    pool.execute('batch_mutate', {b'k': {'Standard1': [mutation]}}, 1)
    assert len(raw_server.handler.called('batch_mutate')) == 2


def test_schema_calls_are_sent_once(raw_server):
    pool = make_pool(raw_server)
    raw_server.handler.script('system_add_keyspace', raw_server.hang_up)
    definition = raw_server.handler.keyspace_definition('New')
    with pytest.raises(ConnectionClosed):
        pool.execute('system_add_keyspace', definition)
    assert len(raw_server.handler.called('system_add_keyspace')) == 1
    assert pool.execute('system_add_keyspace', definition) == 'version'


def test_wrapped_methods_of_connections_are_retried_and_counted(raw_servers):
    """What jobs for 1.x do: a subclass that wraps the Thrift methods of each connection."""
    seen = []

    class Tracing(ConnectionPool):
        def _get_new_wrapper(self, server):
            conn = ConnectionPool._get_new_wrapper(self, server)
            for name in ('get_count', 'add'):
                setattr(conn, name, self.traced(name, getattr(conn, name)))
            return conn

        def traced(self, name, method):
            def call(*args):
                seen.append(name)
                return method(*args)
            return call

    pool = Tracing('Keyspace1', [server.address for server in raw_servers], timeout=5)
    assert get_count(pool) == 4 and seen == ['get_count']
    for server in raw_servers:
        server.handler.script('add', server.hang_up)
    with pytest.raises(MaximumRetryException):
        pool.operations.add(Layout, b'k', None, b'c', 5, 1)
    assert sum(server.handler.added for server in raw_servers) == 5
    raw_servers[0].stop()
    raw_servers[1].stop()
    for _ in range(10):
        assert get_count(pool) == 4
    assert pool.checkedout() == 0


def test_a_wrong_keyspace_and_wrong_credentials_are_raised_and_counts_stay_exact(raw_server):
    with pytest.raises(InvalidRequestException):
        ConnectionPool('Missing', [raw_server.address])
    raw_server.handler.password = 'right'
    pool = make_pool(raw_server, credentials={'username': 'u', 'password': 'wrong'}, prefill=False)
    with pytest.raises(AuthenticationException):
        pool.get()
    assert pool.counts() == Counts(0, 0, 0, 0, 0)
    pool.credentials = {'username': 'u', 'password': 'right'}
    assert get_count(pool) == 4


@pytest.mark.parametrize('credentials', [None, {}])
def test_no_credentials_are_no_login(raw_server, credentials):
    get_count(make_pool(raw_server, credentials=credentials))
    assert raw_server.handler.called('login') == []


def test_credentials_are_in_no_event_log_repr_or_error(raw_server, caplog):
    caplog.set_level('DEBUG', logger='pycassa')
    recorder = Recorder()
    raw_server.handler.password = 'canary-right'
    pool = make_pool(raw_server, credentials={'username': 'u', 'password': 'canary-right'}, listeners=[recorder],
                     max_retries=1)
    conn = pool.get()
    errors = []
    with pytest.raises(AuthenticationException) as caught:
        conn.login(AuthenticationRequest({'username': 'u', 'password': 'canary-wrong'}))
    errors.append(caught.value)
    raw_server.handler.script('get_count', *[raw_server.hang_up] * 3)
    with pytest.raises(MaximumRetryException) as caught:
        pool.execute('get_count', b'k', PARENT, PREDICATE, 1)
    errors.append(caught.value)
    conn.return_to_pool()
    raw_server.stop()
    pool.dispose()
    with pytest.raises(AllServersUnavailable) as caught:
        pool.get()
    errors.append(caught.value)
    shown = [caplog.text, repr(pool), repr(conn), repr(conn.info), repr(recorder.events),
             *map(repr, errors), *map(str, errors), *(repr(error.__dict__) for error in errors)]
    assert 'canary' not in ' '.join(shown)
    assert all(b'canary' not in pickle.dumps(error) for error in errors)


def test_a_connection_logged_in_by_hand_is_not_handed_on_or_replaced(raw_servers):
    pool = make_pool(*raw_servers, pool_size=3)
    conn = pool.get()
    conn.login(AuthenticationRequest({'username': 'other', 'password': 'p'}))
    for server in raw_servers:
        server.hang_up()
    with pytest.raises(MaximumRetryException, match='logged in'):
        conn.get_count(b'k', PARENT, PREDICATE, 1)
    conn.return_to_pool()
    pool.dispose()
    conn = pool.get()
    conn.login(AuthenticationRequest({'username': 'other', 'password': 'p'}))
    conn.return_to_pool()
    assert pool.get() is not conn and not conn.is_open


def test_a_server_that_stalls_ends_in_a_time_out_and_the_next_one_answers(raw_servers):
    stop = threading.Event()
    pool = make_pool(*raw_servers, pool_size=3, timeout=0.2)
    first = pool._store._idle[0].server
    stalled = next(server for server in raw_servers if server.address == first)
    stalled.handler.script('get_count', lambda: stop.wait(20))
    started = time.monotonic()
    assert get_count(pool) == 4
    assert 0.2 <= time.monotonic() - started < 5
    stop.set()
    assert first not in pool._store.load()


def test_a_deadline_ends_everything(raw_server):
    stop = threading.Event()
    raw_server.handler.script('get_count', *[lambda: stop.wait(20)] * 20)
    pool = make_pool(raw_server, timeout=10, deadline=0.3, max_retries=-1)
    for call in (lambda: get_count(pool), lambda: pool.execute('get_count', b'k', PARENT, PREDICATE, 1)):
        started = time.monotonic()
        with pytest.raises(MaximumRetryException) as caught:
            call()
        assert 0.25 <= time.monotonic() - started < 3
        assert isinstance(caught.value.__cause__, CallTimeout)
    stop.set()


def test_a_deadline_ends_the_selection_of_a_keyspace_before_a_retry(raw_server):
    stop = threading.Event()
    pool = make_pool(raw_server, pool_size=2, timeout=20, deadline=0.5)
    conn = pool.get()
    conn.set_keyspace('Other')
    raw_server.handler.script('set_keyspace', *[lambda: stop.wait(20)] * 20)
    conn.close()
    started = time.monotonic()
    with pytest.raises(MaximumRetryException) as caught:
        conn.get_count(b'k', PARENT, PREDICATE, 1)
    assert time.monotonic() - started < 10
    assert isinstance(caught.value.__cause__, CallTimeout) and 'deadline' in str(caught.value)
    assert raw_server.handler.called('set_keyspace')[-1] == ('Other',)
    stop.set()


def test_a_restarted_server_is_noticed_before_a_call_is_lost(raw_server):
    pool = make_pool(raw_server, pool_size=5, idle_probe=0, max_retries=0)
    for _ in range(3):
        raw_server.hang_up()
        time.sleep(0.05)
        assert pool.execute('get_count', b'k', PARENT, PREDICATE, 1) == 4
        assert get_count(pool) == 4


def test_no_server_at_all():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        address = '127.0.0.1:%d' % unused.getsockname()[1]
        with pytest.raises(AllServersUnavailable) as caught:
            ConnectionPool('Keyspace1', [address])
        assert [server for server, _ in caught.value.attempts] == [address] * 2
        # What old jobs look for.
        assert isinstance(caught.value.__cause__, TTransportException)


# --- processes and threads -------------------------------------------------------------------------------------------

def in_child(function):
    """The text that function() returns in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, str(function()).encode())
            status = 0
        except BaseException as error:  # noqa: BLE001 (handed to the parent)
            os.write(writing, repr(error).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, text
    return text


needs_fork = pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')


@needs_fork
def test_a_forked_child_opens_connections_of_its_own(raw_server):
    pool = make_pool(raw_server, pool_size=3)
    held = pool.get()
    inherited = [wrapper.transport.stream.handle.fileno() for wrapper in [held, *pool._store._idle]]

    def child():
        before = tuple(pool.counts())
        results = get_count(pool), pool.execute('describe_version')
        closed = 0
        for descriptor in inherited:
            try:
                os.fstat(descriptor)
            except OSError:
                closed += 1
        return before, results, tuple(pool.counts()), closed >= 1

    accepted = raw_server.accepted
    assert in_child(child) == "((0, 0, 0, 0, 0), (4, '19.39.0'), (1, 0, 0, 0, 1), True)"
    assert raw_server.accepted == accepted + 1
    assert held.describe_version() == '19.39.0'
    held.return_to_pool()
    assert get_count(pool) == 4 and pool.counts() == Counts(3, 0, 0, 0, 3)
    assert raw_server.accepted == accepted + 1


@needs_fork
def test_a_connection_checked_out_before_a_fork_works_on_both_sides(raw_server):
    pool = make_pool(raw_server, pool_size=2)
    conn = pool.get()

    def child():
        results = conn.get_count(b'k', PARENT, PREDICATE, 1), conn.execute_call and get_count(pool)
        during = tuple(pool.counts())
        conn.return_to_pool()
        return results, during, tuple(pool.counts())

    for _ in range(5):
        assert in_child(child) == '((4, 4), (1, 1, 0, 0, 2), (2, 0, 0, 0, 2))'
        assert conn.get_count(b'k', PARENT, PREDICATE, 1) == 4
    assert pool.counts() == Counts(1, 1, 0, 0, 2)
    conn.return_to_pool()


@needs_fork
def test_a_connection_returned_in_the_child_unused_is_no_error(raw_server):
    pool = make_pool(raw_server, pool_size=2)
    conn = pool.get()
    assert in_child(lambda: (pool.put(conn), tuple(pool.counts()))) == '(None, (0, 0, 0, 0, 0))'
    assert conn.describe_version() == '19.39.0'


@needs_fork
def test_forks_in_traffic_never_mix_parent_and_child(raw_server):
    """Threads call while the main one forks: locks may be held by threads that the child does not have."""
    stats = StatsLogger()
    pool = make_pool(raw_server, pool_size=2, max_overflow=2, listeners=[stats], timeout=20)
    stop = threading.Event()

    def traffic():
        while not stop.is_set():
            assert get_count(pool) == 4

    threads = [threading.Thread(target=traffic) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            assert in_child(lambda: [get_count(pool) for _ in range(3)] + [pool.checkedout()]) == '[4, 4, 4, 0]'
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert pool.counts().checked_out == 0


def test_32_threads_over_servers_that_die_and_come_back():
    servers = [RawServer() for _ in range(3)]
    pool = make_pool(*servers, pool_size=6, max_overflow=2, use_threadlocal=False, max_retries=10,
                     host_backoff=(0.05, 0.2))
    done, failures = threading.Event(), []

    def work(number):
        while not done.is_set():
            try:
                assert get_count(pool) == 4
            except NoConnectionAvailable as error:
                failures.append(error)

    def havoc(number):
        for turn in range(6):
            server = servers[turn % 3]
            server.stop()
            time.sleep(0.1)
            server.start()
            time.sleep(0.1)
        done.set()

    try:
        in_threads(33, lambda number: havoc(number) if number == 32 else work(number))
        assert failures == []
        gc.collect()
        counts = pool.counts()
        assert counts.checked_out == counts.opening == 0 and counts.idle <= 6
        time.sleep(0.5)
        pool.dispose()
        pool.fill()
        assert len(pool._store.load()) == 3, 'a server that came back is not used'
    finally:
        for server in servers:
            server.stop()
