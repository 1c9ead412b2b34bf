"""The pools of release 0.5: their signatures, defaults and behaviour."""
import gc
import sys
import threading

import pytest

import pycassa.pool
from pycassa import legacy_pools
from pycassa.cassandra.ttypes import ColumnParent, CounterColumn, SlicePredicate, TimedOutException
from pycassa.errors import ConnectionClosed, InvalidRequestError, NoConnectionAvailable
from pycassa.legacy import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool
from pycassa.logging.pool_stats_logger import StatsLogger
from pycassa.pool import ConnectionPool
from pycassa.store import Counts

from ..pool.fakes import Recorder, in_threads

ALL = [QueuePool, SingletonThreadPool, StaticPool, NullPool, AssertionPool]
PARENT = ColumnParent('Standard1')
PREDICATE = SlicePredicate(column_names=[b'a'])


def get_count(pool):
    return pool.execute('get_count', b'k', PARENT, PREDICATE, 1)


@pytest.mark.parametrize('kind', ALL)
def test_they_are_found_where_old_code_looks(kind):
    assert getattr(pycassa.pool, kind.__name__) is kind
    assert issubclass(kind, ConnectionPool)
    with pytest.raises(AttributeError, match='NoSuchPool'):
        _ = pycassa.pool.NoSuchPool


def test_a_star_import_brings_what_1_11_exported():
    namespace = {}
    exec('from pycassa.pool import *', namespace)
    assert set(namespace) >= {'QueuePool', 'ConnectionPool', 'PoolListener', 'ConnectionWrapper',
                              'AllServersUnavailable', 'NoConnectionAvailable', 'MaximumRetryException',
                              'InvalidRequestError'}


def test_queue_pool_has_the_defaults_of_0_5():
    pool = QueuePool(prefill=False, keyspace='Keyspace1')
    assert (pool.size(), pool.max_overflow, pool.pool_timeout, pool.recycle, pool.max_retries) == (5, 10, 30, 10000, 5)
    assert pool.server_list == ['localhost:9160'] and pool.timeout == 0.5


def test_positional_arguments_of_0_5_and_of_1_11():
    early = QueuePool(2, 3, 4, 5, 6, False, 'K', ['h:1'], None, 7)
    modern = QueuePool('K', ['h:1'], None, 7, False, 2, False)
    for pool in (early, modern):
        assert (pool.keyspace, pool.server_list, pool.timeout, pool.size()) == ('K', ['h:1'], 7, 2)
    assert (early.max_overflow, early.pool_timeout, early.recycle, early.max_retries) == (3, 4, 5, 6)
    assert modern.max_overflow == 10
    with pytest.raises(TypeError, match='several values for pool_size'):
        QueuePool(2, pool_size=3)
    with pytest.raises(TypeError, match='takes 8 positional'):
        AssertionPool(*range(20))


@pytest.mark.parametrize('kind', ALL)
def test_the_example_of_the_document(raw_server, kind):
    pool = kind(keyspace='Keyspace1', server_list=[raw_server.address], timeout=5)
    connection = pool.get()
    assert connection.get_count(b'k', PARENT, PREDICATE, 1) == 4
    connection.return_to_pool()
    assert get_count(pool) == 4
    pool.dispose()
    assert get_count(pool) == 4
    assert get_count(pool.recreate()) == 4


@pytest.mark.parametrize('kind', ALL)
def test_events_tell_the_kind_of_pool(raw_server, kind):
    recorder = Recorder()
    pool = kind(keyspace='Keyspace1', server_list=[raw_server.address], listeners=[recorder], timeout=5)
    pool.get().return_to_pool()
    pool.recreate()
    pool.dispose()
    assert {dic['pool_type'] for _, dic in recorder.events} == {kind.__name__}
    assert {'connection_checked_out', 'connection_checked_in', 'pool_recreated', 'pool_disposed',
            'connection_created', 'connection_disposed'} <= set(recorder.names())


@pytest.mark.parametrize('kind', [ConnectionPool, *ALL])
def test_each_check_out_has_its_check_in(raw_server, kind):
    """Also where the connection stays with its thread, or with all: taking and returning it are the events."""
    recorder, stats = Recorder(), StatsLogger()
    pool = kind(keyspace='Keyspace1', server_list=[raw_server.address], listeners=[recorder, stats], timeout=5)

    def uses():
        return [name[len('connection_checked_'):] for name in recorder.names() if 'checked' in name]

    for _ in range(3):
        connection = pool.get()
        assert stats.stats['opened']['current'] == 1
        connection.return_to_pool()
        assert stats.stats['opened']['current'] == 0
    assert uses() == ['out', 'in'] * 3
    assert {id(dic['connection']) for name, dic in recorder.events if 'checked' in name} <= {
        id(dic['connection']) for name, dic in recorder.events if name == 'connection_created'}
    get_count(pool)
    connection = pool.get()
    if kind is not AssertionPool:
        assert pool.get() is connection
    connection.return_to_pool()
    if kind in (SingletonThreadPool, StaticPool):
        pool.put(connection)
    pool.dispose()
    assert uses().count('out') == uses().count('in')
    pool.get()
    in_threads(1, lambda number: (pool.get(), get_count(pool)) if kind is not AssertionPool else None)
    pool.dispose()
    gc.collect()
    assert stats.stats['opened']['current'] in (1, 2) and stats.stats['opened']['max'] <= 2
    assert stats.stats['list'] == 1 and stats.stats['failed'] == stats.stats['at_max'] == 0


def test_a_thread_that_ends_returns_its_connection(raw_server):
    stats = StatsLogger()
    pool = SingletonThreadPool(keyspace='Keyspace1', server_list=[raw_server.address], listeners=[stats], timeout=5)
    in_threads(3, lambda number: pool.get())
    gc.collect()
    assert (stats.stats['checked_out'], stats.stats['checked_in'], stats.stats['opened']['current']) == (3, 3, 0)
    in_threads(3, lambda number: get_count(pool))
    gc.collect()
    assert (stats.stats['checked_out'], stats.stats['checked_in']) == (3, 3)
    assert stats.stats['disposed'] == {'success': 6, 'failure': 0}


@pytest.mark.parametrize('kind', [QueuePool, SingletonThreadPool, NullPool, AssertionPool])
def test_they_fail_over(raw_servers, kind):
    pool = kind(keyspace='Keyspace1', server_list=[server.address for server in raw_servers], timeout=5)
    assert get_count(pool) == 4
    raw_servers[0].stop()
    raw_servers[1].stop()
    for _ in range(5):
        assert get_count(pool) == 4


def test_a_static_pool_shares_one_connection_and_does_not_retry(raw_servers):
    pool = StaticPool('Keyspace1', [server.address for server in raw_servers], None, 5)
    conns = []
    in_threads(4, lambda number: conns.append(pool.get()))
    assert len(set(map(id, conns))) == 1 and pool.counts() == Counts(0, 1, 0, 0, 1)

    def work(number):
        for _ in range(40):
            assert get_count(pool) == 4
            assert conns[0].get_count(b'k', PARENT, PREDICATE, 1) == 4

    in_threads(6, work)
    for call in (lambda: get_count(pool), lambda: conns[0].add(b'k', PARENT, CounterColumn(b'c', 1), 1)):
        server = next(server for server in raw_servers if server.address == conns[0].server)
        error = TimedOutException()
        server.handler.script('get_count', error)
        server.handler.script('add', error)
        with pytest.raises(TimedOutException):
            call()
        server.handler.scripts.clear()
    server.hang_up()
    with pytest.raises(ConnectionClosed):
        get_count(pool)
    assert get_count(pool) == 4 and pool.get() is conns[0]


def test_a_null_pool_keeps_nothing(raw_server):
    pool = NullPool(keyspace='Keyspace1', server_list=[raw_server.address], use_threadlocal=False)
    assert pool.counts().total == 0
    conns = [pool.get() for _ in range(20)]
    assert pool.counts() == Counts(0, 20, 0, 0, 20)
    for conn in conns:
        conn.return_to_pool()
    assert pool.counts().total == 0 and not any(conn.is_open for conn in conns)
    with pytest.raises(InvalidRequestError):
        conns[0].return_to_pool()


def test_an_assertion_pool_asserts(raw_server):
    pool = AssertionPool(keyspace='Keyspace1', server_list=[raw_server.address])
    conn = pool.get()
    for use in (pool.get, lambda: get_count(pool)):
        with pytest.raises(AssertionError, match='already checked out'):
            use()
    conn.return_to_pool()
    assert get_count(pool) == 4 and pool.counts() == Counts(1, 0, 0, 0, 1)


def test_a_singleton_thread_pool_has_one_connection_for_each_thread(raw_server):
    pool = SingletonThreadPool(3, keyspace='Keyspace1', server_list=[raw_server.address], timeout=5)
    assert pool.size == 3
    seen, everyone = {}, threading.Barrier(3, timeout=30)

    def work(number):
        conn = pool.get()
        seen[number] = conn.server, id(conn.transport)
        for _ in range(3):
            conn.return_to_pool()
            assert pool.get() is conn and get_count(pool) == 4
            everyone.wait()
        if number == 0:
            assert pool.counts() == Counts(0, 3, 0, 0, 3)
            refused = []
            in_threads(1, lambda number: refused.append(refuse(pool)))
            assert refused == [True]
        everyone.wait()

    def refuse(pool):
        try:
            pool.get()
        except NoConnectionAvailable:
            return True

    in_threads(3, work)
    assert len(set(seen.values())) == 3 and raw_server.accepted == 3
    gc.collect()
    assert pool.counts().total == 0
    assert get_count(pool) == 4


def test_a_singleton_thread_pool_notices_a_restarted_server(raw_server):
    pool = SingletonThreadPool(keyspace='Keyspace1', server_list=[raw_server.address], max_retries=0, idle_probe=0)
    for _ in range(3):
        assert get_count(pool) == 4
        raw_server.hang_up()
        threading.Event().wait(0.05)
    assert pool.counts() == Counts(0, 1, 0, 0, 1)


@pytest.mark.parametrize('name', ['_Uses', '_ThreadsShare'])
def test_what_an_interrupt_keeps_from_being_made_is_deleted_in_silence(monkeypatch, name):
    kind = getattr(legacy_pools, name)
    told = []
    monkeypatch.setattr(sys, 'unraisablehook', told.append)
    kind.__new__(kind)
    gc.collect()
    assert not told


def test_disposing_a_static_pool_waits_for_the_calls_of_other_threads(raw_server):
    pool = StaticPool('Keyspace1', [raw_server.address], None, 5)
    get_count(pool)
    over = threading.Event()

    def dispose_again_and_again():
        while not over.is_set():
            pool.dispose()

    disposer = threading.Thread(target=dispose_again_and_again)
    disposer.start()
    try:
        in_threads(3, lambda number: [get_count(pool) for _ in range(100)])
    finally:
        over.set()
        disposer.join(10)
    pool.dispose()
    assert pool.counts() == Counts(0, 0, 0, 0, 0)
