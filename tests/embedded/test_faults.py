"""The fault switches: what a client sees of each, what the server applied, and that others are served meanwhile."""
import socket
import struct
import threading
import time

import pytest
from rawthrift import EXCEPTION, REPLY, RawConnection, exception_of, framed, i64, message, string, struct_field
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    Column,
    ColumnParent,
    NotFoundException,
    SlicePredicate,
    SliceRange,
    TimedOutException,
    UnavailableException,
)
from pycassa.embedded import EmbeddedServer
from pycassa.embedded.faults import GARBAGE

STANDARD = ColumnParent('Standard1')
ALL = SlicePredicate(slice_range=SliceRange(b'', b'', False, 1000))
INSERT = (string(1, b'k') + struct_field(2, string(3, b'Standard1'))
          + struct_field(3, string(1, b'c') + string(2, b'v') + i64(3, 1)) + b'\0')
INSERTED = framed(message('insert', seqid=7, type=REPLY))


@pytest.fixture(scope='module')
def server():
    with EmbeddedServer(schema='demo') as server:
        yield server


@pytest.fixture
def faults(server):
    session = server.engine.session()
    session.set_keyspace('Keyspace1')
    session.truncate('Standard1')
    yield server.faults
    server.faults.clear()


@pytest.fixture
def raw(server, faults):
    """A connection with the keyspace set."""
    with RawConnection(server) as connection:
        assert connection.call('set_keyspace', string(1, b'Keyspace1') + b'\0').body == b'\0'
        yield connection


@pytest.fixture
def client(server, faults):
    transport = TFramedTransport(TSocket(server.host, server.port))
    transport.open()
    client = Cassandra.Client(TBinaryProtocol(transport))
    client.set_keyspace('Keyspace1')
    yield client
    transport.close()


def stored(server):
    """The number of columns of the row that the tests write to."""
    session = server.engine.session()
    session.set_keyspace('Keyspace1')
    return session.get_count(b'k', ('Standard1', None), (None, (b'', b'', False, 1000)), 1)


def insert(raw, seqid=7):
    raw.send(framed(message('insert', INSERT, seqid)))


def everybody_else_is_served(server):
    with RawConnection(server, timeout=2) as other:
        return other.call('describe_version').type == REPLY


# --- time --------------------------------------------------------------------------------------------------------

def test_a_stall_holds_the_call_and_those_behind_it(server, raw, faults):
    faults.stall()
    insert(raw)
    raw.send(framed(message('describe_version')))
    assert raw.is_silent()
    assert stored(server) == 0
    assert everybody_else_is_served(server)
    faults.release()
    assert raw.reply()[:3] == (REPLY, 'insert', 7)
    assert raw.reply().name == 'describe_version'
    assert stored(server) == 1


def test_clearing_closes_stalled_connections_unanswered(server, raw, faults):
    faults.stall()
    insert(raw)
    assert raw.is_silent(0.1)
    faults.clear()
    assert raw.is_closed()
    assert stored(server) == 0


def test_a_stall_of_some_seconds(server, raw, faults):
    faults.stall(0.3)
    started = time.monotonic()
    insert(raw)
    assert raw.is_silent(0.1) and stored(server) == 0
    assert raw.reply().name == 'insert'
    assert time.monotonic() - started >= 0.3
    assert stored(server) == 1


def test_a_client_that_gives_up_on_a_stalled_call_is_forgotten(server, faults):
    before = server.connections
    faults.stall()
    with RawConnection(server) as raw:
        raw.send(framed(message('describe_version')))
        assert raw.is_silent(0.1)
        assert server.connections == before + 1
    deadline = time.monotonic() + 5
    while server.connections > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.connections == before


def test_a_late_answer_is_applied_at_once(server, raw, faults):
    faults.delay(0.3)
    started = time.monotonic()
    insert(raw)
    assert raw.is_silent(0.15)
    assert stored(server) == 1
    assert everybody_else_is_served(server)
    assert raw.reply().name == 'insert'
    assert time.monotonic() - started >= 0.3
    assert raw.call('describe_version').type == REPLY


# --- broken connections ------------------------------------------------------------------------------------------

@pytest.mark.parametrize('size', [0, 1, 4, 5, len(INSERTED) - 1])
def test_cut_replies(server, raw, faults, size):
    faults.cut(size)
    insert(raw)
    assert raw.exactly(size) == INSERTED[:size]
    assert raw.is_closed()
    assert stored(server) == 1


def test_a_cut_may_come_before_the_call(server, raw, faults):
    faults.cut(applied=False)
    insert(raw)
    assert raw.is_closed()
    assert stored(server) == 0


def test_cutting_behind_a_large_reply_sends_all_of_it(server, client, raw, faults):
    client.insert(b'big', STANDARD, Column(b'c', b'x' * (8 << 20), 1), 1)
    faults.cut(4 << 20, methods='get_slice')
    predicate = struct_field(3, struct_field(2, string(1, b'') + string(2, b'') + b'\2\0\3\0' + b'\x08\0\4\0\0\0\1'))
    parent = struct_field(2, string(3, b'Standard1'))
    raw.send(framed(message('get_slice', string(1, b'big') + parent + predicate + b'\0')))
    assert len(raw.exactly(4 << 20)) == 4 << 20
    assert raw.is_closed()


def test_reset(server, raw, faults):
    faults.reset()
    insert(raw)
    with pytest.raises(ConnectionResetError):
        raw.socket.recv(1)
    assert stored(server) == 1


# --- wrong replies -----------------------------------------------------------------------------------------------

def test_wrong_sequence_ids(raw, faults):
    faults.wrong_seqid()
    assert raw.call('describe_version', seqid=41).seqid == 42
    faults.wrong_seqid()
    assert raw.call('describe_version', seqid=2**31 - 1).seqid == -2**31
    faults.wrong_seqid(-9)
    assert raw.call('describe_version').seqid == -9
    assert raw.call('describe_version').seqid == 7


def test_wrong_name_and_type(raw, faults):
    faults.wrong_name()
    faults.wrong_type(4)
    assert raw.call('describe_version')[:3] == (REPLY, 'describe_ring', 7)
    assert raw.call('describe_version')[:3] == (4, 'describe_version', 7)


@pytest.mark.parametrize('length', [0x7FFFFFFF, -1, 0, 3])
def test_wrong_lengths(raw, faults, length):
    faults.wrong_length(length)
    raw.send(framed(message('describe_version')))
    assert raw.exactly(4) == struct.pack('>i', length)
    assert raw.exactly(8) == b'\x80\1\0\2\0\0\0\x10'


def test_garbage(raw, faults):
    faults.garbage()
    raw.send(framed(message('describe_version')))
    assert raw.exactly(len(GARBAGE)) == GARBAGE
    faults.garbage(b'\xff' * 3)
    raw.send(framed(message('describe_version')))
    assert raw.exactly(3) == b'\xff' * 3


def test_any_change_of_the_reply(raw, faults):
    faults.alter(lambda frame: frame + frame)
    assert raw.call('describe_version') == raw.reply()


# --- errors of the cluster ---------------------------------------------------------------------------------------

def test_unavailable_for_the_next_calls_of_some_methods(server, client, faults):
    faults.unavailable(calls=2, methods=['insert', 'get'])
    with pytest.raises(UnavailableException):
        client.insert(b'k', STANDARD, Column(b'c', b'v', 1), 1)
    assert client.get_slice(b'k', STANDARD, ALL, 1) == []
    with pytest.raises(UnavailableException):
        client.insert(b'k', STANDARD, Column(b'c', b'v', 1), 1)
    client.insert(b'k', STANDARD, Column(b'c', b'v', 1), 1)
    assert stored(server) == 1
    assert list(faults) == []


def test_timed_out_applied_or_not(server, client, faults):
    faults.timed_out(acknowledged_by=0)
    with pytest.raises(TimedOutException) as caught:
        client.insert(b'k', STANDARD, Column(b'c', b'v', 1), 1)
    assert caught.value.acknowledged_by == 0
    assert stored(server) == 0
    faults.timed_out(applied=True)
    with pytest.raises(TimedOutException) as caught:
        client.insert(b'k', STANDARD, Column(b'c', b'v', 1), 1)
    assert caught.value.acknowledged_by is None
    assert stored(server) == 1


def test_any_error(client, raw, faults):
    faults.fail(TApplicationException(TApplicationException.INTERNAL_ERROR, 'made by a test'))
    with pytest.raises(TApplicationException, match='made by a test') as caught:
        client.describe_version()
    assert caught.value.type == 6
    faults.fail(UnavailableException())
    reply = raw.call('describe_version')
    assert reply.type == EXCEPTION
    assert exception_of(reply) == (6, 'Internal error processing describe_version')
    faults.fail(NotFoundException())
    with pytest.raises(NotFoundException):
        client.describe_keyspace('Keyspace1')


def test_every_call_until_cleared(client, faults):
    faults.unavailable(calls=None)
    for _ in range(5):
        with pytest.raises(UnavailableException):
            client.get_slice(b'k', STANDARD, ALL, 1)
    faults.clear()
    assert client.get_slice(b'k', STANDARD, ALL, 1) == []


def test_no_calls_is_a_mistake(faults):
    with pytest.raises(ValueError, match='at least 1'):
        faults.unavailable(calls=0)


# --- connections -------------------------------------------------------------------------------------------------

def test_refused_connections(server, raw, faults):
    faults.refuse_connections()
    with pytest.raises(ConnectionRefusedError):
        RawConnection(server)
    assert raw.call('describe_version').type == REPLY
    faults.accept_connections()
    assert everybody_else_is_served(server)


def test_ignored_connections(server, faults):
    faults.ignore_connections()
    with RawConnection(server) as waiting:
        waiting.send(framed(message('describe_version')))
        assert waiting.is_silent()
        faults.accept_connections()
        assert waiting.reply().type == REPLY


def test_clearing_accepts_connections_again(server, faults):
    faults.refuse_connections()
    faults.clear()
    assert everybody_else_is_served(server)


@pytest.mark.parametrize('reset', [False, True])
def test_disconnecting_everybody(server, raw, faults, reset):
    with RawConnection(server) as other:
        other.call('describe_version')
        assert faults.disconnect(reset) == server.connections + 2
        for each in raw, other:
            if reset:
                with pytest.raises(ConnectionResetError):
                    each.socket.recv(1)
            else:
                assert each.socket.recv(1) == b''
    assert everybody_else_is_served(server)


def test_switches_of_a_server_that_does_not_run():
    server = EmbeddedServer(schema='demo')
    server.faults.unavailable(methods='describe_keyspace')
    server.faults.refuse_connections()
    server.faults.clear()
    assert server.faults.disconnect() == 0
    server.faults.wrong_seqid()
    with server, RawConnection(server) as raw:
        assert raw.call('describe_version').seqid == 8
    server.faults.clear()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), 5)


# --- the log of what was received --------------------------------------------------------------------------------

def test_the_log_holds_every_request_byte_for_byte(server, raw, faults):
    log = faults.record()
    faults.cut(methods='insert')
    insert(raw, seqid=3)
    assert raw.is_closed()
    with RawConnection(server) as again:
        again.call('set_keyspace', string(1, b'Keyspace1') + b'\0', seqid=4)
        insert(again, seqid=3)
        assert again.reply().seqid == 3
    assert [(entry.method, entry.seqid) for entry in log] == [('insert', 3), ('set_keyspace', 4), ('insert', 3)]
    first, second = log.of('insert')
    assert first.data == second.data == message('insert', INSERT, 3)
    assert first.peer != second.peer
    assert repr(log) == '<3 requests: insert, set_keyspace, insert>'


def test_the_log_holds_unknown_methods_and_single_messages_of_a_frame(raw, faults):
    log = faults.record()
    raw.send(framed(message('nothing') + message('describe_version', seqid=8)))
    assert raw.reply().type == EXCEPTION and raw.reply().type == REPLY
    assert [entry.data for entry in log] == [message('nothing'), message('describe_version', seqid=8)]


def test_recording_ends(raw, faults):
    log = faults.record()
    raw.call('describe_version')
    faults.stop_recording()
    raw.call('describe_version')
    assert len(log) == 1
    assert not faults.armed


def test_switches_are_set_from_many_threads(client, faults):
    threads = [threading.Thread(target=faults.unavailable, kwargs={'methods': 'get_slice'}) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(20):
        with pytest.raises(UnavailableException):
            client.get_slice(b'k', STANDARD, ALL, 1)
    assert client.get_slice(b'k', STANDARD, ALL, 1) == []
