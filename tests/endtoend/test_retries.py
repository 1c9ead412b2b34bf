"""Which calls are sent again and which never are, on which server, within which time, and how a failure is told."""
import contextlib
import threading
import time

import pytest
from thrift.Thrift import TApplicationException

import pycassa
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import ColumnParent as Parent
from pycassa.cassandra.ttypes import (
    ColumnPath,
    CounterColumn,
    KsDef,
    TimedOutException,
    UnavailableException,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import (
    AllServersUnavailable,
    ApplicationError,
    CallTimeout,
    ConnectionClosed,
    ConnectionFailed,
    MaximumRetryException,
    NoConnectionAvailable,
    NoServerAvailable,
    PycassaError,
)
from pycassa.pool import ConnectionPool
from pycassa.system_manager import SystemManager

from .embedded import EVERYTHING, KEYSPACE, ONE, PATIENCE, STANDARD, family, serve, wait_until

SHORT = 0.4
QUICK = {'timeout': PATIENCE, 'retry_backoff': (0.001, 0.002)}


@pytest.fixture
def embedded():
    with serve() as running:
        yield running


@pytest.fixture
def pool(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], pool_size=2, **QUICK) as pool:
        yield pool


@pytest.fixture
def cf(pool):
    return ColumnFamily(pool, 'Standard')


@pytest.fixture
def counters(pool):
    return ColumnFamily(pool, 'Counters')


@pytest.fixture
def pair():
    """Two servers, as one pool would see two hosts; each row says on which of them it is."""
    with serve() as one, serve() as other:
        yield [one, other]


# --- busy replicas -----------------------------------------------------------------------------------------------

BUSY = {'unavailable': UnavailableException, 'timed_out': TimedOutException}

REPEATED = {
    'get_slice': lambda cf: cf.get('k1'),
    'get': lambda cf: cf.get('k1', columns=['id']),
    'multiget_slice': lambda cf: cf.multiget(['k1', 'k2']),
    'get_count': lambda cf: cf.get_count('k1'),
    'multiget_count': lambda cf: cf.multiget_count(['k1', 'k2']),
    'get_range_slices': lambda cf: list(cf.get_range(buffer_size=100)),
}
REPEATED_WRITES = {
    'insert': lambda cf: cf.insert('new', {'a': 'A'}),
    'insert with a ttl': lambda cf: cf.insert('new', {'a': 'A'}, ttl=3600),
    'batch_insert': lambda cf: cf.batch_insert({'new': {'a': 'A'}, 'newer': {'b': 'B'}}),
    'batch': lambda cf: cf.batch().insert('new', {'a': 'A'}).remove('k1').send(),
    'remove': lambda cf: cf.remove('k1', ['id']),
    'atomic': lambda cf: cf.batch(atomic=True).insert('new', {'a': 'A'}).send(),
}
WRITES = ('batch_mutate', 'atomic_batch_mutate', 'insert', 'remove', 'add', 'remove_counter')


@pytest.mark.parametrize('kind', BUSY)
@pytest.mark.parametrize('method', REPEATED)
def test_reads_are_sent_again_while_replicas_are_busy(embedded, cf, method, kind):
    expected = REPEATED[method](cf)
    log = embedded.faults.record()
    getattr(embedded.faults, kind)(3, methods=method)
    assert REPEATED[method](cf) == expected
    assert [entry.method for entry in log] == [method] * 4
    assert len({entry.data for entry in log}) == 1


@pytest.mark.parametrize('fault', [*BUSY, 'applied and timed out', 'applied and cut', 'reset'])
@pytest.mark.parametrize('write', REPEATED_WRITES)
def test_writes_are_sent_again_with_the_same_timestamps(embedded, cf, write, fault):
    """Whatever became of the first of them: the frames are alike to the last byte."""
    faults = embedded.faults
    if fault == 'applied and timed out':
        faults.timed_out(3, methods=WRITES, applied=True)
    elif fault == 'applied and cut':
        faults.cut(2, calls=3, methods=WRITES)
    elif fault == 'reset':
        faults.reset(calls=3, methods=WRITES, applied=False)
    else:
        getattr(faults, fault)(3, methods=WRITES)
    log = faults.record()
    REPEATED_WRITES[write](cf)
    sent = log.of(*WRITES)
    assert len(sent) == 4 and len({entry.data for entry in sent}) == 1
    if write == 'remove':
        assert 'id' not in cf.get('k1')
    else:
        assert cf.get('new') == {'a': 'A'}


def test_raw_calls_are_sent_again_too(embedded, pool):
    log = embedded.faults.record()
    embedded.faults.unavailable(2, methods='get_slice')
    found = pool.execute('get_slice', b'k1', STANDARD, EVERYTHING, ONE)
    assert found[0].column.value == b'k1' and len(log.of('get_slice')) == 3


@pytest.mark.parametrize('kind', BUSY)
def test_giving_up_lists_every_attempt_and_the_last_cause(embedded, pool, cf, kind):
    getattr(embedded.faults, kind)(None, methods='get_slice')
    log = embedded.faults.record()
    with pytest.raises(MaximumRetryException) as caught:
        cf.get('k1')
    error = caught.value
    assert isinstance(error, NoServerAvailable) and isinstance(error, PycassaError)
    assert len(error.attempts) == len(log.of('get_slice')) == pool.max_retries + 1
    assert all(server == embedded.address and type(cause) is BUSY[kind] for server, cause in error.attempts)
    assert error.__cause__ is error.attempts[-1][1]
    assert embedded.address in str(error) and BUSY[kind].__name__ in str(error)
    embedded.faults.clear()
    assert cf.get('k1')['id'] == 'k1'
    # It was the replicas' fault, and the connection is in order.
    assert pool.counts().checked_out == 0 and pool.counts().idle >= 1


@pytest.mark.parametrize('kind', BUSY)
def test_an_early_client_raises_what_the_replicas_answer(embedded, kind):
    """'The TimedOutException from Cassandra may still be raised' (the first document)."""
    with contextlib.closing(pycassa.connect(KEYSPACE, [embedded.address], timeout=PATIENCE)) as client:
        cf = ColumnFamily(client, 'Standard')
        getattr(embedded.faults, kind)(1, methods='get_slice')
        with pytest.raises(BUSY[kind]):
            cf.get('k1')
        assert cf.get('k1')['id'] == 'k1'


# --- what must not be sent twice ---------------------------------------------------------------------------------

def add_in_batch(cf, **options):
    Mutator(cf.pool, **options).insert(ColumnFamily(cf.pool, 'Standard'), 'beside', {'a': 'A'}).insert(
        cf, 'row', {'n': 1}).send()


COUNTED = {
    'add': (lambda cf: cf.add('row', 'n'), ['add']),
    'insert': (lambda cf: cf.insert('row', {'n': 1}), ['batch_mutate']),
    'batch_insert': (lambda cf: cf.batch_insert({'row': {'n': 1}}), ['batch_mutate']),
    'batch': (lambda cf: cf.batch().insert('row', {'n': 1}).send(), ['batch_mutate']),
    'mutator': (add_in_batch, ['batch_mutate']),
    'raw add': (lambda cf: cf.pool.execute('add', b'row', Parent(column_family='Counters'),
                                           CounterColumn(name=b'n', value=1), ONE), ['add']),
}
REMOVED = {
    'remove_counter': (lambda cf: cf.remove_counter('row', 'n'), ['remove_counter']),
    'raw remove_counter': (lambda cf: cf.pool.execute(
        'remove_counter', b'row', ColumnPath(column_family='Counters', column=b'n'), ONE), ['remove_counter']),
    'truncate': (lambda cf: cf.truncate(), ['truncate']),
}
LOST = {'timed out': (lambda faults, methods: faults.timed_out(None, methods, applied=True), TimedOutException),
        'unavailable': (lambda faults, methods: faults.unavailable(None, methods), UnavailableException),
        'cut': (lambda faults, methods: faults.cut(0, None, methods), ConnectionClosed)}


@pytest.mark.parametrize('fault', LOST)
@pytest.mark.parametrize('call', [*COUNTED, *REMOVED])
def test_counters_and_truncation_are_sent_once(embedded, pool, counters, call, fault):
    counters.add('row', 'n', 10)
    change, methods = {**COUNTED, **REMOVED}[call]
    inject, cause = LOST[fault]
    log = embedded.faults.record()
    inject(embedded.faults, methods)
    with pytest.raises(MaximumRetryException, match='would double') as caught:
        change(counters)
    assert len(log.of(*methods)) == 1
    assert type(caught.value.__cause__) is cause and len(caught.value.attempts) == 1
    embedded.faults.clear()
    if call in COUNTED:
        assert counters.get('row') == {'n': 10 if fault == 'unavailable' else 11}
    assert pool.counts().checked_out == 0


@pytest.mark.parametrize('call', [name for name in COUNTED if name != 'raw add'])
def test_counters_are_sent_again_where_the_family_asks_for_it(embedded, counters, call):
    counters.retry_counter_mutations = True
    change, methods = COUNTED[call]
    log = embedded.faults.record()
    embedded.faults.timed_out(2, methods, applied=True)
    change(counters)
    assert len(log.of(*methods)) == 3
    # At the risk that the caller took: it counts every time that it arrived.
    assert counters.get('row') == {'n': 3}


def test_a_mutator_that_is_told_to_sends_counters_again(embedded, counters):
    embedded.faults.timed_out(1, 'batch_mutate', applied=False)
    add_in_batch(counters, allow_retries=True)
    assert counters.get('row') == {'n': 1}


def test_a_mutator_that_is_told_not_to_sends_nothing_again(embedded, cf):
    log = embedded.faults.record()
    embedded.faults.timed_out(1, 'batch_mutate')
    batch = Mutator(cf.pool, allow_retries=False).insert(cf, 'new', {'a': 'A'})
    with pytest.raises(MaximumRetryException):
        batch.send()
    assert len(log.of('batch_mutate')) == 1 and len(batch.pending) == 1


SCHEMA_CALLS = {
    'system_add_column_family': lambda: [family('Added')],
    'system_drop_column_family': lambda: ['Super'],
    'system_add_keyspace': lambda: [KsDef(name='Added', strategy_class='SimpleStrategy', cf_defs=[],
                                          strategy_options={'replication_factor': '1'})],
    'system_drop_keyspace': lambda: [KEYSPACE],
}


@pytest.mark.parametrize('method', SCHEMA_CALLS)
def test_schema_changes_are_sent_once(embedded, pool, method):
    log = embedded.faults.record()
    embedded.faults.cut(0, None, method, applied=False)
    with pytest.raises(ConnectionClosed):
        pool.execute(method, *SCHEMA_CALLS[method]())
    with contextlib.closing(pycassa.connect(KEYSPACE, [embedded.address], timeout=PATIENCE)) as client:
        with pytest.raises(NoServerAvailable):
            getattr(client, method)(*SCHEMA_CALLS[method]())
    assert len(log.of(method)) == 2
    assert pool.counts().checked_out == 0


def test_a_system_manager_sends_schema_changes_once(embedded):
    manager = SystemManager(embedded.address)
    log = embedded.faults.record()
    embedded.faults.cut(0, None, 'system_add_column_family', applied=False)
    with pytest.raises(ConnectionClosed):
        manager.create_column_family(KEYSPACE, 'Added')
    assert len(log.of('system_add_column_family')) == 1


@pytest.mark.parametrize('call', [name for name in COUNTED if name != 'raw add'])
def test_an_early_client_sends_counters_once(embedded, call):
    with contextlib.closing(pycassa.connect(KEYSPACE, [embedded.address], timeout=PATIENCE)) as client:
        counters = ColumnFamily(client, 'Counters')
        log = embedded.faults.record()
        change, methods = COUNTED[call]
        embedded.faults.cut(0, None, methods)
        with pytest.raises(NoServerAvailable, match='not sent again'):
            change(counters)
        assert len(log.of(*methods)) == 1
        embedded.faults.clear()
        assert counters.get('row') == {'n': 1}


def test_internal_errors_of_a_server_are_raised_and_not_repeated(embedded, pool, cf):
    """A TApplicationException: the connection is closed, since nobody knows where its next message begins."""
    log = embedded.faults.record()
    embedded.faults.fail(TApplicationException(TApplicationException.INTERNAL_ERROR, 'broken'), methods='get_slice')
    with pytest.raises(ApplicationError, match='broken'):
        cf.get('k1')
    assert len(log.of('get_slice')) == 1
    assert cf.get('k1')['id'] == 'k1' and len({entry.peer for entry in log.of('get_slice')}) == 2


# --- two servers -------------------------------------------------------------------------------------------------

def addresses(servers):
    return [server.address for server in servers]


def test_a_call_goes_on_on_the_other_server(pair):
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=6, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        assert [server.connections for server in pair] == [3, 3]
        for failing, other in (pair, pair[::-1]):
            failing.faults.reset(calls=None, methods='get_slice')
            while failing.connections:
                assert cf.get('k1')['server'] == other.address
            # One failure: all its idle connections are closed, and none of the other's.
            assert other.connections >= 3
            failing.faults.clear()
            pool.set_server_list(addresses([failing]))
            pool.dispose()
            pool.fill()
            pool.set_server_list(addresses(pair))
        assert pool.counts().checked_out == 0


def test_one_failure_evicts_the_hosts_idle_connections(pair):
    first, second = pair
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=8, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        assert first.connections == second.connections == 4
        failed = []
        pool.add_listener({'connection_failed': failed.append})
        first.stop()
        for _ in range(40):
            assert cf.get('k1')['server'] == second.address
        assert sum(event['server'] == first.address for event in failed) >= 1
        # One call found out. What else there is of this host are attempts to connect, with back-off.
        assert sum(event['connection'] is not None for event in failed) == 1
        assert pool.counts().idle == second.connections >= 4


def test_a_server_that_comes_back_is_used_again(pair):
    first, second = pair
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=2, host_backoff=(0.01, 0.05), **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        first.stop()
        assert {cf.get('k1')['server'] for _ in range(20)} == {second.address}
        first.start()
        second.stop()
        assert {cf.get('k1')['server'] for _ in range(20)} == {first.address}
        second.start()
        wait_until(lambda: (pool.dispose(), pool.fill(), first.connections and second.connections)[-1], 'both are used')


def test_giving_up_on_two_servers(pair):
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=2, max_retries=3, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        for server in pair:
            server.faults.cut(0, None, 'get_slice')
        with pytest.raises(MaximumRetryException) as caught:
            cf.get('k1')
        tried = [server for server, _ in caught.value.attempts]
        assert len(tried) == 4 and tried[0] != tried[1] and set(tried) == set(addresses(pair))
        assert all(type(error) is ConnectionClosed for _, error in caught.value.attempts)
        assert caught.value.__cause__ is caught.value.attempts[-1][1]
        assert 'get_slice' in str(caught.value) and all(server in str(caught.value) for server in tried)


def test_no_server_is_left(pair):
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=2, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        for server in pair:
            server.stop()
        with pytest.raises(NoServerAvailable) as caught:
            cf.get('k1')
        assert {server for server, _ in caught.value.attempts} == set(addresses(pair))
        assert caught.value.__cause__ is caught.value.attempts[-1][1]
        with pytest.raises(AllServersUnavailable) as caught:
            cf.get('k1')
        assert [server for server, _ in caught.value.attempts].count(pair[0].address) == 2
        assert {type(error) for _, error in caught.value.attempts} == {ConnectionFailed}
        assert pool.counts() == (0, 0, 0, 0, 0)
        pair[1].start()
        assert cf.get('k1')['server'] == pair[1].address


@pytest.mark.parametrize('connect', [pycassa.connect, pycassa.connect_thread_local])
def test_an_early_client_tries_each_server_in_turn(pair, connect):
    with contextlib.closing(connect(KEYSPACE, addresses(pair), timeout=PATIENCE)) as client:
        cf = ColumnFamily(client, 'Standard')
        for failing, other in (pair, pair[::-1], pair):
            failing.stop()
            for number in range(5):
                assert cf.get(f'k{number}') == {'id': f'k{number}', 'server': other.address}
            failing.start()
        for server in pair:
            server.stop()
        with pytest.raises(NoServerAvailable) as caught:
            cf.get('k1')
        assert {server for server, _ in caught.value.attempts} == set(addresses(pair))
        pair[0].start()
        assert cf.get('k1')['server'] == pair[0].address


def test_a_stalled_server_costs_its_timeout_once(pair):
    """And the host is left alone afterwards: its idle connections are gone and new ones go elsewhere."""
    stalled, other = pair
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=4, **{**QUICK, 'timeout': SHORT},
                        host_backoff=(PATIENCE, PATIENCE)) as pool:
        cf = ColumnFamily(pool, 'Standard')
        stalled.faults.stall(calls=None, methods='get_slice')
        log = stalled.faults.record()
        for _ in range(12):
            assert cf.get('k1')['server'] == other.address
        assert len(log.of('get_slice')) == 1


# --- the deadline ------------------------------------------------------------------------------------------------

def within(seconds, call, error_class):
    """The error of `call`, which has to come after about so many seconds, and in no case by its own time-outs."""
    started = time.monotonic()
    with pytest.raises(error_class) as caught:
        call()
    assert seconds * 0.5 <= time.monotonic() - started < PATIENCE / 2
    return caught.value


def test_the_deadline_ends_a_call_on_stalled_servers(pair):
    with ConnectionPool(KEYSPACE, addresses(pair), pool_size=2, max_retries=-1, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        pool.deadline = SHORT
        for server in pair:
            server.faults.stall(calls=None, methods='get_slice')
        error = within(SHORT, lambda: cf.get('k1'), MaximumRetryException)
        assert type(error.__cause__) is CallTimeout and 'deadline' in str(error)
        for server in pair:
            server.faults.clear()
        pool.deadline = PATIENCE
        assert cf.get('k1')['id'] == 'k1'


def test_the_deadline_ends_retries_without_limit(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], pool_size=1, max_retries=-1, **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        pool.deadline = SHORT
        embedded.faults.unavailable(None, 'get_slice')
        error = within(SHORT, lambda: cf.get('k1'), MaximumRetryException)
        # The last attempt may be the one that the deadline cut off.
        kinds = [type(cause) for _, cause in error.attempts]
        assert len(kinds) > 5 and set(kinds[:-1]) == {UnavailableException} and error.__cause__ is error.attempts[-1][1]


def test_the_deadline_covers_waiting_for_the_pool(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], pool_size=1, use_threadlocal=False, pool_timeout=PATIENCE,
                        **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        pool.deadline = SHORT
        held = pool.get()
        for call in (lambda: cf.get('k1'), lambda: pool.execute('describe_version'), pool.get):
            error = within(SHORT, call, NoConnectionAvailable)
            assert 'deadline' in str(error)
        held.return_to_pool()
        pool.deadline = PATIENCE
        assert cf.get('k1')['id'] == 'k1'


def test_the_deadline_covers_waiting_and_the_reply_together(embedded):
    """A connection that comes after most of the time leaves the rest of it for the call."""
    with ConnectionPool(KEYSPACE, [embedded.address], pool_size=1, use_threadlocal=False, pool_timeout=PATIENCE,
                        **QUICK) as pool:
        cf = ColumnFamily(pool, 'Standard')
        pool.deadline = 2 * SHORT
        held = pool.get()
        embedded.faults.stall(calls=None, methods='get_slice')
        timer = threading.Timer(SHORT, held.return_to_pool)
        timer.start()
        started = time.monotonic()
        error = within(2 * SHORT, lambda: cf.get('k1'), MaximumRetryException)
        timer.join()
        assert type(error.__cause__) is CallTimeout
        assert time.monotonic() - started < 2 * SHORT + PATIENCE / 4


def test_the_deadline_covers_connecting(embedded):
    with ConnectionPool(KEYSPACE, [embedded.address], pool_size=1, prefill=False, deadline=SHORT, **QUICK) as pool:
        embedded.faults.ignore_connections()
        within(SHORT, lambda: pool.execute('describe_version'), AllServersUnavailable)
        embedded.faults.accept_connections()
        pool.deadline = PATIENCE
        assert pool.execute('describe_version')
        assert pool.counts() == (1, 0, 0, 0, 1)


def test_a_connection_has_one_deadline_for_opening(embedded):
    embedded.faults.stall(calls=None, methods='set_keyspace')
    within(SHORT, lambda: Connection(KEYSPACE, embedded.address, timeout=PATIENCE, deadline=time.monotonic() + SHORT),
           CallTimeout)
    wait_until(lambda: embedded.connections == 0, 'it is closed')
