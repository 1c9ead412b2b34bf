"""What could differ between the server types sync and hsha, and the embedded server: frames, connections, pipelines."""
import contextlib
import socket
import struct
import threading
import time

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import CfDef, Column, ColumnParent, ConsistencyLevel
from pycassa.columnfamily import ColumnFamily
from pycassa.errors import CallTimeout, RequestTooLarge

pytestmark = pytest.mark.given(auth=None, tls=None)
MEBIBYTE = 1 << 20
MOST = 15 * MEBIBYTE
CONNECTIONS = 60
ONE = ConsistencyLevel.ONE


@pytest.fixture
def family(server, raw_client, keyspace):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='F', comparator_type='UTF8Type',
                                              key_validation_class='UTF8Type'))
    with server.pool(keyspace, pool_size=2) as pool:
        yield ColumnFamily(pool, 'F')


def test_large_frames_both_ways(family):
    values = {f'k{number}': bytes([number]) * (7 * MEBIBYTE) for number in range(3)}
    for key, value in values.items():
        family.insert(key, {'a': value})
    found = family.multiget(list(values))  # A reply of 21 MiB: the server's limit is for requests alone.
    assert {key: row['a'] for key, row in found.items()} == values


def test_the_largest_frame_and_one_byte_more(server, family, keyspace):
    """15 MiB is what servers take by default, and what the client keeps to, to the byte."""
    with server.connect(keyspace) as connection:
        key, parent = b'k', ColumnParent('F')
        room = MOST - len(message('insert', Cassandra.insert_args(key, parent, Column(b'a', b'', 1), ONE)))
        assert connection.insert(key, parent, Column(b'a', bytes(room), 1), ONE) is None
        with pytest.raises(RequestTooLarge):
            connection.insert(key, parent, Column(b'a', bytes(room + 1), 1), ONE)
        assert connection.describe_version()


def test_a_frame_that_is_too_large_ends_its_connection_alone(server, family):
    family.insert('k', {'a': b'b'})
    unlimited = server.options.get('rpc') == 'hsha' and server.release < (2, 0)  # It waits for the rest of it.
    with socket.create_connection((server.host, server.port), 1 if unlimited else 30) as peer:
        with pytest.raises(socket.timeout) if unlimited else contextlib.suppress(ConnectionError):
            peer.sendall(struct.pack('>i', MOST + 1) + bytes(1000))
            assert peer.recv(1) == b''
    assert family.get('k') == {'a': b'b'}


def test_many_connections_at_once(server, family, keyspace):
    """All are open at the same time, and each gets the answers to its own questions."""
    gate, wrong = threading.Barrier(CONNECTIONS, timeout=60), []

    def work(number):
        with server.connect(keyspace) as connection:
            own = ColumnFamily(connection, 'F')
            gate.wait()
            for turn in range(5):
                own.insert(f'k{number}', {'turn': b'%d.%d' % (number, turn)})
                found = own.get(f'k{number}')
                if found != {'turn': b'%d.%d' % (number, turn)}:
                    wrong.append((number, turn, found))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and not gate.broken
    assert len(list(family.get_range())) == CONNECTIONS


# --- pipelines -------------------------------------------------------------------------------------------------------

def message(name, arguments, seqid=0):
    """A call as the bindings write it, without its frame."""
    protocol = TBinaryProtocol(TMemoryBuffer())
    protocol.writeMessageBegin(name, 1, seqid)
    arguments.write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue()


def framed(data):
    return struct.pack('>i', len(data)) + data


def inserts(keyspace, count, prefix):
    """The bytes of a session: the keyspace is set, and a row written by each of `count` calls."""
    calls = [message('set_keyspace', Cassandra.set_keyspace_args(keyspace), 0)]
    calls += [message('insert', Cassandra.insert_args(
        b'%s%d' % (prefix, number), ColumnParent('F'), Column(b'a', b'v', 1), ONE), number)
        for number in range(1, count + 1)]
    return b''.join(map(framed, calls))


def test_calls_sent_back_to_back_are_answered_in_order(server, family, keyspace):
    with socket.create_connection((server.host, server.port), 30) as peer:
        peer.sendall(inserts(keyspace, 50, b'k'))
        reader = peer.makefile('rb')
        for number in range(51):
            reply = reader.read(struct.unpack('>i', reader.read(4))[0])
            length = struct.unpack_from('>i', reply, 4)[0]
            assert reply[8:8 + length] == (b'insert' if number else b'set_keyspace')
            assert struct.unpack_from('>i', reply, 8 + length)[0] == number
    assert len(list(family.get_range())) == 50


def test_who_leaves_without_reading_harms_nobody(server, family, keyspace):
    """Connections that close with answers under way, some by a reset; then all is as before."""
    for number in range(20):
        peer = socket.create_connection((server.host, server.port), 30)
        peer.sendall(inserts(keyspace, 20, b'gone%d_' % number))
        if number % 2:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        peer.close()
    family.insert('k', {'a': b'b'})
    assert family.get('k') == {'a': b'b'}
    # None of them is there in part, or under another name.
    for key, row in family.get_range():
        assert key == 'k' or (key.startswith('gone') and row == {'a': b'v'})


def test_a_request_in_pieces(server, family, keyspace):
    with socket.create_connection((server.host, server.port), 30) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = inserts(keyspace, 1, b'piece')
        for start in range(0, len(data), 9):
            peer.sendall(data[start:start + 9])
            time.sleep(0.002)
        reader = peer.makefile('rb')
        for _ in range(2):
            assert reader.read(struct.unpack('>i', reader.read(4))[0])
    assert family.get('piece1') == {'a': b'v'}


def test_a_call_that_timed_out_leaves_the_server_and_the_pool_in_order(server, family, keyspace):
    family.insert('k', {'a': bytes(7 * MEBIBYTE)})
    with server.connect(keyspace) as connection:
        impatient = ColumnFamily(connection, 'F')
        connection.timeout = 0.0005
        with pytest.raises(CallTimeout):
            impatient.get('k')
        assert not connection.is_open
    assert len(family.get('k')['a']) == 7 * MEBIBYTE
