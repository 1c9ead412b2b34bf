"""Sizes of requests and what becomes of a batch when sending fails: refused early, divided by size, never lost."""
import contextlib
import itertools
import random

import pytest

import pycassa
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import Column, TApplicationException
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import (
    ConnectionClosed,
    MaximumRetryException,
    MutationTooLarge,
    NoServerAvailable,
    PycassaError,
    ReplyTooLarge,
    RequestTooLarge,
    TransportError,
)
from pycassa.pool import ConnectionPool

from .embedded import EVERYTHING, KEYSPACE, ONE, PATIENCE, ROWS, STANDARD, serve

LIMIT = 4000
WRITES = ('batch_mutate', 'atomic_batch_mutate')


@pytest.fixture
def embedded():
    with serve() as running:
        yield running


def of_connection(server, **options):
    return Connection(KEYSPACE, server.address, timeout=PATIENCE, **options)


def of_pool(server, **options):
    return ConnectionPool(KEYSPACE, [server.address], timeout=PATIENCE, pool_size=1, max_retries=0, **options)


def of_connect(server, **options):
    return pycassa.connect(KEYSPACE, [server.address], timeout=PATIENCE, **options)


@pytest.fixture(params=[of_connection, of_pool, of_connect])
def limited(request, embedded):
    """A connection, pool or client that sends no request above LIMIT."""
    with contextlib.closing(request.param(embedded, max_request_bytes=LIMIT)) as target:
        yield target


@pytest.fixture(params=[of_pool, of_connect])
def lasting(request, embedded):
    """A pool or client of the kind: what opens another connection by itself."""
    with contextlib.closing(request.param(embedded, max_request_bytes=LIMIT)) as target:
        yield target


@pytest.fixture
def cf(limited):
    return ColumnFamily(limited, 'Standard')


def rows_of(server):
    """{key: {name: value}} of everything in Standard, but what was there from the start."""
    with of_connection(server) as connection:
        rows = dict(ColumnFamily(connection, 'Standard').get_range(column_count=None))
    return {key: row for key, row in rows.items() if row and 'id' not in row}


# --- sizes -------------------------------------------------------------------------------------------------------

TOO_LARGE = {
    'a value': (lambda cf: cf.insert('new', {'a': 'A' * LIMIT}), MutationTooLarge),
    'a value among others': (lambda cf: cf.insert('new', {'a': 'A', 'b': 'B' * LIMIT, 'c': 'C'}), MutationTooLarge),
    'a value in the last of several rows': (lambda cf: cf.batch_insert(
        {'a': {'a': 'A' * 3000}, 'b': {'b': 'B' * 3000}, 'c': {'c': 'C' * LIMIT}}), MutationTooLarge),
    'a value in a batch': (lambda cf: cf.batch().insert('a', {'a': 'A' * 3000}).insert(
        'b', {'b': 'B' * 3000}).insert('c', {'c': 'C' * LIMIT}).send(), MutationTooLarge),
    'a key': (lambda cf: cf.insert('k' * LIMIT, {'a': 'A'}), MutationTooLarge),
    'an atomic batch': (lambda cf: cf.batch(atomic=True).insert('a', {'a': 'A' * 3000}).insert(
        'b', {'b': 'B' * 3000}).send(), RequestTooLarge),
    'a key to read': (lambda cf: cf.get('k' * LIMIT), RequestTooLarge),
    'many keys to read': (lambda cf: cf.multiget([f'{number:010}' for number in range(400)]), RequestTooLarge),
    'many names to read': (lambda cf: cf.get('k1', columns=[f'{number:010}' for number in range(400)]),
                           RequestTooLarge),
    'many names to remove': (lambda cf: cf.remove('k1', columns=[f'{number:010}' for number in range(400)]),
                             MutationTooLarge),
}


@pytest.mark.parametrize('call', TOO_LARGE)
def test_what_is_too_large_is_refused_before_a_byte_is_sent(embedded, limited, cf, call):
    refuse, expected = TOO_LARGE[call]
    cf.get('k1')
    log = embedded.faults.record()
    with pytest.raises(expected, match=f'max_request_bytes={LIMIT}.*nothing was sent') as caught:
        refuse(cf)
    assert type(caught.value) is expected and len(log) == 0
    # Neither the connection nor the host is to blame.
    connections = embedded.connections
    assert cf.get('k2')['id'] == 'k2'
    assert len(log) == 1 and embedded.connections == connections
    assert rows_of(embedded) == {}


def test_a_raw_call_that_is_too_large_is_refused_too(embedded, limited):
    call = getattr(limited, 'execute', None) or (lambda method, *args: getattr(limited, method)(*args))
    call('get_count', b'k1', STANDARD, EVERYTHING, ONE)
    log = embedded.faults.record()
    with pytest.raises(RequestTooLarge):
        call('insert', b'k', STANDARD, Column(name=b'a', value=b'A' * LIMIT, timestamp=1), ONE)
    assert len(log) == 0
    assert len(call('get_slice', b'k1', STANDARD, EVERYTHING, ONE)) == 2
    assert len({entry.peer for entry in log}) == 1


def test_the_greatest_request_that_fits(embedded, limited, cf):
    """Requests reach the limit exactly, and are refused one byte above it."""
    log = embedded.faults.record()
    cf.insert('new', {'a': ''})
    room = LIMIT - len(log[-1].data)
    cf.insert('new', {'a': 'A' * room})
    assert len(log[-1].data) == LIMIT
    with pytest.raises(RequestTooLarge):
        cf.insert('new', {'a': 'A' * (room + 1)})
    assert cf.get('new') == {'a': 'A' * room}


@pytest.mark.parametrize('shape', ['many rows', 'a wide row', 'both', 'large values'])
def test_writes_are_divided_by_size(embedded, cf, shape):
    wide = {f'c{number:03}': f'value {number}' for number in range(300)}
    rows = {'many rows': {f'row{number}': {'a': f'value {number}'} for number in range(300)},
            'a wide row': {'wide': wide},
            'both': {'first': {'a': 'A'}, 'wide': wide, 'last': {'z': 'Z'}},
            'large values': {f'row{number}': {'a': str(number) * 3000} for number in range(7)}}[shape]
    for write in (cf.batch_insert, lambda rows: in_batch(cf, rows)):
        log = embedded.faults.record()
        write(rows)
        sent = log.of('batch_mutate')
        assert len(sent) > 1 and max(len(entry.data) for entry in sent) <= LIMIT
        # No more requests than about as many as there have to be.
        assert len(sent) <= 2 + 2 * sum(len(entry.data) for entry in sent) // LIMIT
        assert rows_of(embedded) == rows
        cf.truncate()


def in_batch(cf, rows):
    with cf.batch(queue_size=None) as batch:
        for key, columns in rows.items():
            batch.insert(key, columns)


def test_a_reply_above_the_limit(embedded):
    """It is asked for once, nothing of it is read, and it says which setting to change."""
    with of_pool(embedded, max_reply_bytes=2000) as pool:
        cf = ColumnFamily(of_connect(embedded), 'Standard')
        cf.insert('large', {'a': 'A' * 3000})
        cf.pool.close()
        cf.pool = pool
        log = embedded.faults.record()
        with pytest.raises(ReplyTooLarge, match='max_reply_bytes=2000'):
            cf.get('large')
        assert len(log.of('get_slice')) == 1
        assert cf.get('k1')['id'] == 'k1'


# --- failures ----------------------------------------------------------------------------------------------------

def queue(cf, count=40):
    """A batch of inserts of about eight requests; returns it with {key: columns} of all of them."""
    batch = Mutator(cf.pool, queue_size=None)
    rows = {f'row{number:02}': {'a': f'{number:02}' * 400} for number in range(count)}
    for key, columns in rows.items():
        batch.insert(cf, key, columns)
    return batch, rows


def pending_rows(batch):
    return {each.key: each.columns for each in batch.pending}


FAILURES = {
    'cut before it is applied': lambda faults: faults.cut(0, calls=2, methods=WRITES, applied=False),
    'cut after it is applied': lambda faults: faults.cut(3, calls=2, methods=WRITES),
    'an internal error': lambda faults: faults.fail(TApplicationException(6, 'broken'), calls=2, methods=WRITES),
    'timed out': lambda faults: faults.timed_out(2, WRITES),
    'unavailable': lambda faults: faults.unavailable(2, WRITES),
    'the wrong sequence id': lambda faults: faults.wrong_seqid(calls=2, methods=WRITES),
}


@pytest.mark.parametrize('failure', FAILURES)
@pytest.mark.parametrize('before', [0, 3])
def test_nothing_of_a_batch_is_lost(embedded, lasting, failure, before):
    """What was acknowledged before the failing request is written, the rest is pending; another send completes it."""
    cf = ColumnFamily(lasting, 'Standard')
    batch, rows = queue(cf)
    log = embedded.faults.record()
    if before:
        embedded.faults.delay(0, calls=before, methods=WRITES)
    FAILURES[failure](embedded.faults)
    with pytest.raises(PycassaError):
        batch.send()
    pending, written = pending_rows(batch), rows_of(embedded)
    assert len(pending) == len(batch.pending)
    assert {**written, **pending} == rows
    acknowledged = {key: columns for key, columns in rows.items() if key not in pending}
    assert acknowledged.items() <= written.items() and bool(acknowledged) == bool(before)
    assert list(rows) == [*acknowledged, *pending]
    failed = log.of(*WRITES)[before]
    embedded.faults.clear()
    log = embedded.faults.record()
    batch.send()
    assert batch.pending == [] and rows_of(embedded) == rows
    # Behind name and sequence id: the same mutations with the same timestamps.
    assert log.of(*WRITES)[0].data[24:] == failed.data[24:]


def test_a_batch_on_a_connection_goes_on_over_another_one(embedded):
    """A plain connection that failed stays closed; the batch is told where to send what it has."""
    with of_connection(embedded, max_request_bytes=LIMIT) as connection:
        batch, rows = queue(ColumnFamily(connection, 'Standard'))
        embedded.faults.cut(0, calls=1, methods=WRITES)
        for _ in range(2):
            with pytest.raises(TransportError):
                batch.send()
            assert pending_rows(batch) == rows and not connection.is_open
    with of_connection(embedded) as batch.pool:
        batch.send()
    assert batch.pending == [] and rows_of(embedded) == rows


def test_an_atomic_batch_that_failed_is_pending_as_a_whole(embedded):
    with of_pool(embedded) as pool:
        cf = ColumnFamily(pool, 'Standard')
        batch, rows = queue(cf)
        embedded.faults.unavailable(1, 'atomic_batch_mutate')
        with pytest.raises(MaximumRetryException):
            batch.send(atomic=True)
        assert pending_rows(batch) == rows and rows_of(embedded) == {}
        batch.send(atomic=True)
        assert batch.pending == [] and rows_of(embedded) == rows


def test_a_queue_that_is_sent_by_itself_keeps_what_failed(embedded, lasting):
    """The insert that filled the queue raises, and its row is not lost either."""
    cf = ColumnFamily(lasting, 'Standard')
    batch = cf.batch(queue_size=5)
    submitted, failures = {}, 0
    for number in range(45):
        if number % 15 == 4:
            embedded.faults.cut(0, calls=2, methods=WRITES, applied=bool(number % 2))
        submitted[f'row{number}'] = {'a': f'value {number}'}
        try:
            batch.insert(f'row{number}', submitted[f'row{number}'])
        except PycassaError:
            failures += 1
            assert {**rows_of(embedded), **pending_rows(batch)} == submitted
            assert f'row{number}' in pending_rows(batch)
            embedded.faults.clear()
    batch.send()
    assert failures == 3 and rows_of(embedded) == submitted and batch.pending == []


@pytest.mark.parametrize('seed', range(10))
def test_nothing_is_lost_whatever_happens(embedded, lasting, seed):
    """Inserts, changes and removals under random faults: sent until it works, the server has what was asked for."""
    chance = random.Random(seed)
    cf = ColumnFamily(lasting, 'Standard')
    batch = Mutator(lasting, queue_size=chance.choice([None, 3, 20]))
    expected, errors, ticks = {}, [], itertools.count(1)
    for _ in range(120):
        if chance.random() < 0.1:
            FAILURES[chance.choice(sorted(FAILURES))](embedded.faults)
        key, name = f'row{chance.randrange(12)}', f'c{chance.randrange(4)}'
        row = expected.setdefault(key, {})
        stamp = next(ticks)
        try:
            if chance.random() < 0.2:
                row.pop(name, None)
                batch.remove(cf, key, [name], timestamp=stamp)
            else:
                row[name] = chance.choice('xyz') * chance.choice([1, 100, 2000])
                batch.insert(cf, key, {name: row[name]}, timestamp=stamp)
        except PycassaError as error:
            errors.append(error)
    for _ in range(100):
        try:
            batch.send()
        except PycassaError as error:
            errors.append(error)
        else:
            break
    assert batch.pending == [] and errors
    assert rows_of(embedded) == {key: row for key, row in expected.items() if row}


def test_a_block_keeps_what_it_could_not_send(embedded):
    with of_pool(embedded) as pool:
        cf = ColumnFamily(pool, 'Standard')
        embedded.faults.cut(0, None, WRITES, applied=False)
        with pytest.raises(MaximumRetryException) as caught:
            with cf.batch() as batch:
                batch.insert('row', {'a': 'A'})
        assert type(caught.value.__cause__) is ConnectionClosed
        assert pending_rows(batch) == {'row': {'a': 'A'}}
        embedded.faults.clear()
        batch.send()
        assert rows_of(embedded) == {'row': {'a': 'A'}}


def test_a_block_that_raised_and_could_not_send_tells_both(embedded):
    with of_pool(embedded) as pool:
        cf = ColumnFamily(pool, 'Standard')
        embedded.faults.unavailable(None, WRITES)
        with pytest.raises(KeyError, match='of the block') as caught:
            with cf.batch() as batch:
                batch.insert('row', {'a': 'A'})
                raise KeyError('of the block')
        assert isinstance(caught.value.__context__, MaximumRetryException)
        assert len(batch.pending) == 1


def test_a_batch_outlives_its_server(embedded):
    with contextlib.closing(of_connect(embedded)) as client:
        cf = ColumnFamily(client, 'Standard')
        batch, rows = queue(cf)
        embedded.stop()
        with pytest.raises(NoServerAvailable):
            batch.send()
        assert pending_rows(batch) == rows
        embedded.start()
        batch.send()
        assert rows_of(embedded) == rows and cf.get(f'k{ROWS - 1}')
