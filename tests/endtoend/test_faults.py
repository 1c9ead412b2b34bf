"""What a fault of the server or the network does to a call: a typed error in time, a closed connection, no mix-up."""
import contextlib
import signal
import time

import pytest

import pycassa
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import (
    ApplicationError,
    CallTimeout,
    ConnectionClosed,
    LimitExceeded,
    MaximumRetryException,
    NoServerAvailable,
    ProtocolError,
    PycassaError,
    ReplyTooLarge,
)
from pycassa.pool import ConnectionPool

from .embedded import EVERYTHING, KEYSPACE, ONE, PATIENCE, ROWS, STANDARD, serve, wait_until

# Seconds within which calls end that get no answer in time.
SHORT = 0.25
# Seconds that a late answer takes, longer than any client waits here.
LATE = 0.7


@pytest.fixture
def embedded():
    with serve() as running:
        yield running


# --- clients: what they are, how a row is read, and what becomes of an error -----------------------------------------

class Client:
    """One way to reach the server. `attempts` is how often it sends a read that fails whenever it is sent."""

    attempts = 1

    def __init__(self, server):
        self.server = server
        self.target = self.open()
        self.family = ColumnFamily(self.target, 'Standard')

    def by_family(self, number):
        """The `id` of row k<number>, by ColumnFamily.get."""
        return self.family.get(f'k{number}')['id']

    def by_thrift(self, number):
        """The same by Thrift's get_slice."""
        found = self.call('get_slice', f'k{number}'.encode(), STANDARD, EVERYTHING, ONE)
        return {each.column.name: each.column.value for each in found}[b'id'].decode()

    def call(self, method, *args):
        return getattr(self.target, method)(*args)

    def close(self):
        self.target.close()


class Plain(Client):
    def open(self):
        return Connection(KEYSPACE, self.server.address, timeout=PATIENCE)

    def hasten(self):
        self.target.timeout = SHORT

    def check(self, error, expected):
        assert type(error) is expected
        assert not self.target.is_open and not self.target.probe()
        with pytest.raises(PycassaError):
            self.by_thrift(0)
        with pytest.raises(PycassaError):
            self.by_family(0)
        # A connection that has failed is never opened again; its user makes another one.
        self.__init__(self.server)


class Pooled(Client):
    def open(self):
        return ConnectionPool(KEYSPACE, [self.server.address], timeout=PATIENCE, pool_size=1, max_retries=0)

    def call(self, method, *args):
        return self.target.execute(method, *args)

    def hasten(self):
        connection = self.target.get()
        connection.timeout = SHORT
        connection.return_to_pool()

    def check(self, error, expected):
        cause = error
        if not issubclass(expected, (ApplicationError, LimitExceeded)):
            assert type(error) is MaximumRetryException
            (server, cause), = error.attempts
            assert server == self.server.address and error.__cause__ is cause
        assert type(cause) is expected
        assert self.target.counts() == (0, 0, 0, 0, 0)


class Early(Client):
    """What connect() gives: a call that may be repeated is, on each server and so on this one too."""

    attempts = 2

    def open(self):
        return pycassa.connect(KEYSPACE, [self.server.address], timeout=PATIENCE)

    def hasten(self):
        self.target.close()
        self.target = pycassa.connect(KEYSPACE, [self.server.address], timeout=2 * SHORT)
        self.family.pool = self.target

    def check(self, error, expected):
        causes = [error]
        if not issubclass(expected, (ApplicationError, LimitExceeded)):
            assert type(error) is NoServerAvailable
            assert [server for server, _ in error.attempts] == [self.server.address] * 2
            causes = [cause for _, cause in error.attempts]
            assert error.__cause__ is causes[-1]
        assert {type(cause) for cause in causes} == {expected}


@pytest.fixture(params=[Plain, Pooled, Early])
def client(request, embedded):
    made = request.param(embedded)
    yield made
    made.close()


# --- faults: what the server does, and what the call ends in ---------------------------------------------------------

def lengthened(faults, **options):
    """The length of the frame says ten bytes more than ever come."""
    faults.alter(lambda frame: (len(frame) + 6).to_bytes(4, 'big') + frame[4:], **options)


def shortened(faults, **options):
    faults.alter(lambda frame: (len(frame) - 5).to_bytes(4, 'big') + frame[4:], **options)


def emptied(faults, **options):
    faults.garbage(b'\0\0\0\0', **options)


def overfull(faults, **options):
    faults.alter(lambda frame: frame + frame, **options)


def truncated(faults, **options):
    """A whole frame around a message without its last ten bytes."""
    faults.alter(lambda frame: (len(frame) - 14).to_bytes(4, 'big') + frame[4:-10], **options)


def inflated(faults, **options):
    """The list of columns says that it has two thousand million."""
    def alter(frame):
        # Behind the method's name and the sequence id: the type of field 0, its number, and the list's element type.
        start = 12 + int.from_bytes(frame[8:12], 'big') + 4 + 4
        return frame[:start] + b'\x7f\xff\xff\xff' + frame[start + 4:]
    faults.alter(alter, **options)


def switch(name, *args, **settings):
    return lambda faults, **options: getattr(faults, name)(*args, **settings, **options)


LATE_OR_NEVER = {
    'a stalled server': switch('stall'),
    'a late answer': switch('delay', LATE),
    'ten bytes that never come': lengthened,
}
AT_ONCE = {
    **{f'cut after {count} bytes': (switch('cut', count), ConnectionClosed) for count in (0, 1, 3, 4, 5, 8, 21, 40)},
    'reset': (switch('reset'), ConnectionClosed),
    'reset after 10 bytes': (switch('reset', 10), ConnectionClosed),
    'the next sequence id': (switch('wrong_seqid'), ProtocolError),
    'the sequence id 0': (switch('wrong_seqid', 0), ProtocolError),
    'a negative sequence id': (switch('wrong_seqid', -1), ProtocolError),
    'the name of another method': (switch('wrong_name'), ProtocolError),
    'the name of a similar method': (switch('wrong_name', 'get_slicf'), ProtocolError),
    'no name': (switch('wrong_name', ''), ProtocolError),
    'a call for a reply': (switch('wrong_type', 1), ProtocolError),
    'a oneway call for a reply': (switch('wrong_type', 4), ProtocolError),
    'an unknown type': (switch('wrong_type', 9), ProtocolError),
    'an exception of no kind': (switch('wrong_type', 3), ApplicationError),
    'the greatest length': (switch('wrong_length'), ReplyTooLarge),
    'a length above the limit': (switch('wrong_length', 256 * 1024 * 1024 + 1), ReplyTooLarge),
    'a negative length': (switch('wrong_length', -5), ProtocolError),
    'a length too short': (shortened, ProtocolError),
    'an empty frame': (emptied, ProtocolError),
    'the reply twice': (overfull, ProtocolError),
    'a truncated message': (truncated, ProtocolError),
    'an inflated list': (inflated, ProtocolError),
    'an answer of a web server': (switch('garbage'), ProtocolError),
    'an alert of TLS': (switch('garbage', b'\x15\x03\x01\x00\x02\x02\x28'), ProtocolError),
    'zeros': (switch('garbage', bytes(64)), ProtocolError),
    'noise in a frame': (switch('garbage', b'\0\0\0\x20' + bytes(range(224, 256))), ProtocolError),
}


def fail_and_go_on(server, client, inject, expected, read):
    """A read that suffers the fault ends in an error; every one after it gets its own row, over other connections."""
    attempts = 1 if issubclass(expected, (ApplicationError, LimitExceeded)) else client.attempts
    inject(server.faults, calls=attempts, methods='get_slice')
    log = server.faults.record()
    started = time.monotonic()
    with pytest.raises(PycassaError) as caught:
        read(1)
    seconds = time.monotonic() - started
    asked = log.of('get_slice')
    assert len(asked) == attempts
    # Held calls are answered now: these answers must not reach anybody.
    server.faults.release()
    client.check(caught.value, expected)
    assert_own_rows(server, client, {entry.peer for entry in asked})
    return seconds


def assert_own_rows(server, client, failed):
    """Reads get their own rows, none of them over the connections `failed`, which are all closed."""
    log = server.faults.record()
    for number in range(ROWS):
        assert client.by_family(number) == client.by_thrift(number) == f'k{number}'
    assert failed.isdisjoint(entry.peer for entry in log)
    wait_until(lambda: server.connections == 1, 'the failed connections are closed')


@pytest.mark.parametrize('way', ['by_family', 'by_thrift'])
@pytest.mark.parametrize('fault', AT_ONCE)
def test_a_broken_reply(embedded, client, fault, way):
    inject, expected = AT_ONCE[fault]
    fail_and_go_on(embedded, client, inject, expected, getattr(client, way))


@pytest.mark.parametrize('way', ['by_family', 'by_thrift'])
@pytest.mark.parametrize('fault', LATE_OR_NEVER)
def test_no_reply_in_time(embedded, client, fault, way):
    client.hasten()
    seconds = fail_and_go_on(embedded, client, LATE_OR_NEVER[fault], CallTimeout, getattr(client, way))
    assert SHORT <= seconds < PATIENCE / 2


def test_answers_that_come_late_go_to_nobody(embedded, client):
    """While more calls are made, on connections that may have the same descriptors by now."""
    client.hasten()
    embedded.faults.delay(LATE, calls=client.attempts, methods='get_slice')
    with pytest.raises(PycassaError) as caught:
        client.by_family(1)
    arrived = time.monotonic() + LATE
    client.check(caught.value, CallTimeout)
    while time.monotonic() < arrived:
        assert_own_rows(embedded, client, set())


def test_a_reply_cut_at_every_byte(embedded):
    """And what the connection says: the call and the embedded."""
    frames = []
    embedded.faults.alter(lambda frame: frames.append(frame) or frame, methods='get_slice')
    with contextlib.closing(Plain(embedded)) as client:
        client.by_family(0)
    for count in range(len(frames[0])):
        for way in ('by_family', 'by_thrift'):
            with contextlib.closing(Plain(embedded)) as client:
                embedded.faults.cut(count, methods='get_slice')
                with pytest.raises(ConnectionClosed, match=f'get_slice: .*{embedded.address}'):
                    getattr(client, way)(0)
                assert not client.target.is_open
    wait_until(lambda: embedded.connections == 0, 'all are closed')


@pytest.mark.parametrize('fault', ['cut after 5 bytes', 'reset', 'the next sequence id', 'an answer of a web server'])
def test_a_pool_with_retries_and_an_early_client_give_the_answer_all_the_same(embedded, fault):
    inject, _ = AT_ONCE[fault]
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=2, retry_backoff=(0.001, 0)) as pool:
        for target in (pool, pycassa.connect(KEYSPACE, [embedded.address], timeout=PATIENCE)):
            cf = ColumnFamily(target, 'Standard')
            log = embedded.faults.record()
            for number in range(ROWS):
                inject(embedded.faults, methods='get_slice')
                assert cf.get(f'k{number}')['id'] == f'k{number}'
            asked = log.of('get_slice')
            assert len(asked) == 2 * ROWS
            for first, second in zip(asked[::2], asked[1::2]):
                assert first.data == second.data and first.peer != second.peer
        assert pool.counts().checked_out == 0


def test_faults_in_turn_never_lead_to_a_foreign_answer(embedded):
    """Every kind of fault on one pool of several connections, each read saying whose row it is."""
    kinds = [inject for inject, expected in AT_ONCE.values()]
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=4, max_retries=0) as pool:
        cf = ColumnFamily(pool, 'Standard')
        errors = 0
        for turn in range(3 * len(kinds)):
            if turn % 3 == 0:
                kinds[turn // 3](embedded.faults, methods='get_slice')
            try:
                assert cf.get(f'k{turn % ROWS}') == {'id': f'k{turn % ROWS}', 'server': embedded.address}
            except PycassaError:
                errors += 1
        assert errors == len(kinds)
        assert pool.counts().checked_out == pool.counts().opening == 0
        wait_until(lambda: embedded.connections == pool.counts().total, 'the failed connections are closed')


@pytest.mark.parametrize('way', ['by_family', 'by_thrift'])
def test_an_interrupted_call_closes_its_connection(embedded, way):
    """Ctrl-C while waiting for the reply: the reply that comes must not become that of the next call."""
    with contextlib.closing(Pooled(embedded)) as client:
        stream = client.target.get().transport.stream
        client.target.put(None)
        embedded.faults.delay(LATE)
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, LATE / 4)
            with pytest.raises(KeyboardInterrupt):
                getattr(client, way)(1)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert stream.handle is None
        assert client.target.counts() == (0, 0, 0, 0, 0)
        assert_own_rows(embedded, client, set())


def test_connecting_to_a_server_that_does_not_accept(embedded):
    """Its backlog takes the connection, and nobody answers the first call."""
    embedded.faults.ignore_connections()
    for opening in (lambda: Connection(KEYSPACE, embedded.address, timeout=SHORT),
                    lambda: ConnectionPool(KEYSPACE, [embedded.address], timeout=SHORT),
                    lambda: pycassa.connect(KEYSPACE, [embedded.address], timeout=SHORT).describe_version()):
        started = time.monotonic()
        with pytest.raises((CallTimeout, NoServerAvailable)):
            opening()
        assert SHORT <= time.monotonic() - started < PATIENCE / 2
    embedded.faults.accept_connections()
    with contextlib.closing(Pooled(embedded)) as client:
        assert client.by_family(3) == 'k3'
