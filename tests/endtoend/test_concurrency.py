"""Many threads, and forked processes: every read gets its own row, and every connection is counted and its owner's."""
import contextlib
import itertools
import os
import random
import re
import threading

import pytest

import pycassa
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import NoConnectionAvailable, PycassaError
from pycassa.pool import ConnectionPool

from .embedded import KEYSPACE, PATIENCE, ROWS, serve, wait_until

THREADS = 32
OPERATIONS = 150


@pytest.fixture
def embedded():
    with serve() as running:
        yield running


def in_threads(work, count=THREADS):
    """work(number) in so many threads at once; raises the first error of any of them."""
    failures, barrier = [], threading.Barrier(count)

    def run(number):
        try:
            barrier.wait(PATIENCE)
            work(number)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    assert not any(thread.is_alive() for thread in threads), 'threads hang'
    if failures:
        raise failures[0]


def mixed_operations(cf, number, operations=OPERATIONS):
    """Reads and writes of every kind by one thread, on rows of its own and on shared ones that say whose they are."""
    chance = random.Random(number)
    own, written = f'thread{number}', {}
    for step in range(operations):
        shared = f'k{chance.randrange(ROWS)}'
        kind = chance.randrange(6)
        if kind == 0:
            written[f'c{step}'] = f'{own}.{step}'
            cf.insert(own, {f'c{step}': f'{own}.{step}'})
        elif kind == 1:
            written[f'b{step}'] = f'{own}.{step}'
            cf.batch().insert(own, {f'b{step}': f'{own}.{step}'}).insert(own + 'b', {'a': own}).send()
        elif kind == 2:
            assert cf.get(shared)['id'] == shared
        elif kind == 3:
            assert dict(cf.xget(own, buffer_size=20)) == written
        elif kind == 4:
            keys = chance.sample([f'k{each}' for each in range(ROWS)], 3)
            assert [(key, row['id']) for key, row in cf.multiget(keys).items()] == list(zip(keys, keys))
        elif written:
            name = chance.choice(sorted(written))
            assert cf.get(own, columns=[name]) == {name: f'{own}.{name[1:]}'}
    assert cf.get_count(own) == len(written)
    return written


# --- threads -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('use_threadlocal', [True, False])
def test_32_threads_on_one_pool(embedded, use_threadlocal):
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=5, max_overflow=3,
                        use_threadlocal=use_threadlocal) as pool:
        cf = ColumnFamily(pool, 'Standard')
        in_threads(lambda number: mixed_operations(cf, number))
        counts = pool.counts()
        assert (counts.checked_out, counts.opening, counts.waiting) == (0, 0, 0)
        assert counts.idle == counts.total == pool.checkedin() <= 5
        wait_until(lambda: embedded.connections == counts.idle, 'what is above the size is closed')
        pool.dispose()
        assert pool.counts() == (0, 0, 0, 0, 0)


def test_32_threads_with_faults(embedded):
    """Errors may come, foreign answers and lost connections may not."""
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=6, max_overflow=2, max_retries=1,
                        retry_backoff=(0.001, 0.002), use_threadlocal=False) as pool:
        cf = ColumnFamily(pool, 'Standard')
        errors = []

        def work(number):
            for step in range(OPERATIONS):
                if number % 8 == 0 and step % 10 == 0:
                    faults = embedded.faults
                    (faults.wrong_seqid, faults.cut, faults.reset, faults.garbage, faults.unavailable)[step // 10 % 5]()
                key = f'k{(number + step) % ROWS}'
                try:
                    assert cf.get(key)['id'] == key
                except PycassaError as error:
                    errors.append(error)

        in_threads(work)
        embedded.faults.clear()
        assert len(errors) < 4 * OPERATIONS // 10
        counts = pool.counts()
        assert (counts.checked_out, counts.opening, counts.waiting) == (0, 0, 0) and counts.total == counts.idle <= 6
        wait_until(lambda: embedded.connections == counts.idle, 'the failed connections are closed')
        assert cf.get('k1')['id'] == 'k1'


def test_threads_that_hold_connections_keep_them(embedded):
    """With use_threadlocal a thread gets its own connection again; nobody else does meanwhile."""
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=THREADS, prefill=False) as pool:
        held, lock = {}, threading.Lock()

        def work(number):
            connection = pool.get()
            with lock:
                assert connection not in held.values()
                held[number] = connection
            cf = ColumnFamily(connection, 'Standard')
            for step in range(20):
                assert pool.get() is connection
                assert cf.get(f'k{step % ROWS}')['id'] == f'k{step % ROWS}'
            with lock:
                del held[number]
                connection.return_to_pool()

        in_threads(work)
        assert pool.counts() == (pool.counts().idle, 0, 0, 0, pool.counts().idle)


def test_threads_wait_for_each_others_connections(embedded):
    """One connection, many threads: none starves, and a pool_timeout ends the waiting of those that cannot have it."""
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=1, pool_timeout=PATIENCE,
                        use_threadlocal=False) as pool:
        cf = ColumnFamily(pool, 'Standard')
        in_threads(lambda number: [cf.get(f'k{step % ROWS}') for step in range(20)])
        assert pool.counts() == (1, 0, 0, 0, 1) and embedded.connections == 1
        held = pool.get()
        pool.pool_timeout = 0.05
        refused = []

        def work(number):
            with pytest.raises(NoConnectionAvailable):
                cf.get('k1')
            refused.append(number)

        in_threads(work, 8)
        held.return_to_pool()
        assert len(refused) == 8 and pool.counts() == (1, 0, 0, 0, 1)


def test_threads_share_one_batch(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=4) as pool:
        cf = ColumnFamily(pool, 'Standard')
        batch = cf.batch(queue_size=7)
        in_threads(lambda number: [batch.insert(f'row{number}', {f'c{step}': f'{number}.{step}'})
                                   for step in range(40)])
        batch.send()
        assert batch.pending == []
        for number in range(THREADS):
            assert cf.get(f'row{number}') == {f'c{step}': f'{number}.{step}' for step in range(40)}


def test_counters_of_many_threads_are_exact(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=6) as pool:
        cf = ColumnFamily(pool, 'Counters')
        in_threads(lambda number: [cf.add('row', 'n', number) for _ in range(20)])
        assert cf.get('row') == {'n': 20 * sum(range(THREADS))}


@pytest.mark.parametrize('pool_class', [pycassa.QueuePool, pycassa.NullPool, pycassa.StaticPool])
def test_the_pools_of_0_5(embedded, pool_class):
    with pool_class(keyspace=KEYSPACE, server_list=[embedded.address], timeout=PATIENCE) as pool:
        cf = ColumnFamily(pool, 'Standard')
        in_threads(lambda number: mixed_operations(cf, number, 30))
        most = {'QueuePool': 5, 'NullPool': 0, 'StaticPool': 1}[pool_class.__name__]
        wait_until(lambda: embedded.connections <= most, 'what is not kept is closed')


def test_a_singleton_thread_pool_has_a_connection_for_each_thread(embedded):
    with pycassa.SingletonThreadPool(pool_size=8, keyspace=KEYSPACE, server_list=[embedded.address],
                                     timeout=PATIENCE) as pool:
        seen, all_there, numbers = {}, threading.Barrier(8), itertools.count()

        def work(number):
            connection = pool.get()
            seen[number] = connection
            all_there.wait(PATIENCE)
            mixed_operations(ColumnFamily(pool, 'Standard'), next(numbers), 30)
            mixed_operations(ColumnFamily(connection, 'Standard'), next(numbers), 30)
            pool.put(connection)
            assert pool.get() is connection

        for _ in range(3):
            # Threads that have ended make room for others.
            in_threads(work, 8)
            assert len(set(map(id, seen.values()))) == 8
            seen.clear()
            wait_until(lambda: embedded.connections == 0, 'the connections of ended threads are closed')
            assert pool.counts() == (0, 0, 0, 0, 0)


def test_a_singleton_thread_pool_refuses_one_thread_too_many(embedded):
    with pycassa.SingletonThreadPool(pool_size=2, keyspace=KEYSPACE, server_list=[embedded.address],
                                     timeout=PATIENCE) as pool:
        outcomes, everybody = [], threading.Barrier(3)

        def work(number):
            try:
                outcomes.append(pool.get().describe_version() and 'served')
            except NoConnectionAvailable:
                outcomes.append('refused')
            everybody.wait(PATIENCE)

        in_threads(work, 3)
        assert sorted(outcomes) == ['refused', 'served', 'served']


def test_a_thread_local_client_has_a_connection_for_each_thread(embedded):
    client = pycassa.connect_thread_local(KEYSPACE, [embedded.address], timeout=PATIENCE)
    cf = ColumnFamily(client, 'Standard')
    log = embedded.faults.record()
    in_threads(lambda number: mixed_operations(cf, number, 40), 16)
    rows = {}
    for entry in log.of('batch_mutate'):
        row, = set(re.findall(rb'thread\d+', entry.data))
        rows.setdefault(entry.peer, set()).add(row)
    assert len(rows) == 16 and all(len(each) == 1 for each in rows.values())
    assert len(set.union(*rows.values())) == 16
    client.close()
    # The connections of threads that have ended are closed.
    wait_until(lambda: embedded.connections == 0, 'the connections of ended threads are closed')


def test_threads_that_share_a_single_connection_take_turns(embedded):
    with contextlib.closing(pycassa.connect(KEYSPACE, [embedded.address], timeout=PATIENCE)) as client:
        cf = ColumnFamily(client, 'Standard')
        in_threads(lambda number: mixed_operations(cf, number, 30))
        assert embedded.connections == 1


def test_a_connection_made_by_one_thread_serves_another(embedded):
    with Connection(KEYSPACE, embedded.address, timeout=PATIENCE) as connection:
        cf = ColumnFamily(connection, 'Standard')
        for number in range(4):
            in_threads(lambda _, number=number: mixed_operations(cf, number, 20), 1)


# --- processes ---------------------------------------------------------------------------------------------------

def in_child(function):
    """What function() returns in a forked child, as text; an exception fails the test."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, repr(function()).encode())
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


def forked_clients(server):
    yield ConnectionPool(KEYSPACE, [server.address], timeout=PATIENCE, pool_size=3)
    yield ConnectionPool(KEYSPACE, [server.address], timeout=PATIENCE, pool_size=3, use_threadlocal=False)
    yield pycassa.connect(KEYSPACE, [server.address], timeout=PATIENCE)
    yield pycassa.connect_thread_local(KEYSPACE, [server.address], timeout=PATIENCE)
    for pool_class in (pycassa.QueuePool, pycassa.SingletonThreadPool, pycassa.StaticPool, pycassa.NullPool,
                       pycassa.AssertionPool):
        yield pool_class(keyspace=KEYSPACE, server_list=[server.address], timeout=PATIENCE)


needs_fork = pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')


@needs_fork
@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded:DeprecationWarning')
@pytest.mark.parametrize('which', range(9))
def test_a_child_never_touches_its_parents_connections(embedded, which):
    client = list(forked_clients(embedded))[which]
    cf = ColumnFamily(client, 'Standard')
    assert cf.get('k0')['id'] == 'k0'
    log = embedded.faults.record()
    for number in range(1, 4):
        keys = [f'k{each}' for each in range(number, number + 5)]
        assert in_child(lambda keys=keys: [cf.get(key)['id'] for key in keys]) == repr(keys)
        assert cf.get(f'k{number}')['id'] == f'k{number}'
    # A connection asked for the rows of children is not one that the parent asked over, and no two children share one.
    users = {}
    for position, entry in enumerate(log.of('get_slice')):
        turn, call = divmod(position, 6)
        users.setdefault(entry.peer, set()).add('parent' if call == 5 else f'child {turn}')
    assert all(len(each) == 1 for each in users.values())
    assert set.union(*users.values()) == {'parent', 'child 0', 'child 1', 'child 2'}
    client.close()


@needs_fork
@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded:DeprecationWarning')
def test_a_child_that_ends_or_closes_leaves_its_parents_connections_alone(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=3, idle_probe=0) as pool:
        cf = ColumnFamily(pool, 'Standard')
        held = pool.get()
        with Connection(KEYSPACE, embedded.address, timeout=PATIENCE) as plain:
            opened = embedded.connections
            log = embedded.faults.record()
            in_child(lambda: (pool.dispose(), pool.close(), held.close(), plain.close()))
            assert len(log) == 0
            assert held.describe_version() == plain.describe_version()
            held.return_to_pool()
            assert cf.get('k1')['id'] == 'k1' and pool.counts() == (3, 0, 0, 0, 3)
            assert embedded.connections == opened


@needs_fork
@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded:DeprecationWarning')
def test_a_plain_connection_says_that_it_is_the_parents(embedded):
    with Connection(KEYSPACE, embedded.address, timeout=PATIENCE) as connection:
        cf = ColumnFamily(connection, 'Standard')

        for call in (lambda: cf.get('k1'), connection.describe_version):
            def child(call=call):
                with pytest.raises(PycassaError, match='fork'):
                    call()
                return connection.is_open, connection.probe()

            assert in_child(child) == '(False, False)'
            assert call()


@needs_fork
@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded:DeprecationWarning')
def test_children_forked_while_threads_call(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=3, max_overflow=2) as pool:
        cf = ColumnFamily(pool, 'Standard')
        done, failures = threading.Event(), []

        def traffic(number):
            chance = random.Random(number)
            while not done.is_set():
                key = f'k{chance.randrange(ROWS)}'
                if cf.get(key)['id'] != key:
                    failures.append(key)

        threads = [threading.Thread(target=traffic, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(8):
                expected = [f'k{each}' for each in range(ROWS)]
                assert in_child(lambda: [cf.get(f'k{each}')['id'] for each in range(ROWS)]) == repr(expected)
        finally:
            done.set()
            for thread in threads:
                thread.join(PATIENCE)
        assert failures == [] and not any(thread.is_alive() for thread in threads)
        assert pool.counts().checked_out == 0
