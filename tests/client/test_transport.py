"""The stream and the messages on it: addresses, connecting, deadlines, hostile replies, fork."""
import contextlib
import os
import select
import signal
import socket
import struct
import threading
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thrift.transport.TTransport import TTransportException

from pycassa.addresses import format_server, parse_server
from pycassa.errors import (
    CallTimeout,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    ReplyTooLarge,
    TransportError,
)
from pycassa.framing import SocketTransport, collect_message
from pycassa.transport import StreamSocket, earliest

from .conftest import call_in, framed, message, read_call, read_exactly, reset

CALL = framed(message('get_slice', 7, kind=1))


def connected(server, framed=True, max_reply_bytes=1 << 20, **options):
    transport = SocketTransport(StreamSocket(server.host, server.port, **options), framed, max_reply_bytes)
    transport.open()
    return transport


def soon(seconds=5.0):
    return time.monotonic() + seconds


def replying(*parts, pause=0.0):
    """A script that reads a call, sends `parts` one after the other, and waits for the client to close."""
    def script(peer, server):
        server.read(peer)
        for part in parts:
            peer.sendall(part)
            time.sleep(pause)
        peer.recv(1)

    return script


# --- addresses -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('address, expected', [
    ('localhost', ('localhost', 9160)),
    ('localhost:9161', ('localhost', 9161)),
    ('10.0.0.1:19160', ('10.0.0.1', 19160)),
    (' node1 : 9160 ', ('node1', 9160)),
    ('\tnode1\n', ('node1', 9160)),
    ('::1', ('::1', 9160)),
    ('fe80::1%eth0', ('fe80::1%eth0', 9160)),
    ('[::1]', ('::1', 9160)),
    ('[::1]:9161', ('::1', 9161)),
    (('node1', 9161), ('node1', 9161)),
    (['node1', '9161'], ('node1', 9161)),
    (('::1', 9161), ('::1', 9161)),
    (b'node1:9161', ('node1', 9161)),
])
def test_parse_server(address, expected):
    assert parse_server(address) == expected


@pytest.mark.parametrize('address', [
    '', ' ', ':9160', 'host:', 'host:port', 'host:-1', 'host:0', 'host:65536', 'host:9160/path', 'http://host:9160',
    '[::1', '[::1]9160', '[::1]:', '[]:9160', 'two words:9160', ('host',), ('host', None), ('host', True), (None, 9160),
    None, 9160, 'host:９１６０',
])
def test_parse_server_names_what_it_refuses(address):
    with pytest.raises(ConfigurationError) as refused:
        parse_server(address)
    assert repr(address) in str(refused.value)


def test_format_server_is_read_back():
    for pair in (('node1', 9160), ('::1', 9161)):
        assert parse_server(format_server(*pair)) == pair


def test_earliest_names_the_limit_that_comes_first():
    def clock():
        return 100.0

    assert earliest(None, 'deadline', None, 'timeout', clock) == (None, 'deadline')
    assert earliest(105.0, 'deadline', None, 'timeout', clock) == (105.0, 'deadline')
    assert earliest(None, 'deadline', 2, 'timeout', clock) == (102.0, 'timeout')
    assert earliest(105.0, 'deadline', 2, 'timeout', clock) == (102.0, 'timeout')
    assert earliest(101.0, 'deadline', 2, 'timeout', clock) == (101.0, 'deadline')


# --- connecting ----------------------------------------------------------------------------------------------------

def test_refused(refused_port):
    stream = StreamSocket('127.0.0.1', refused_port)
    with pytest.raises(ConnectionFailed, match='refused') as failed:
        stream.open()
    assert f'127.0.0.1:{refused_port}' in str(failed.value)
    assert failed.value.type == TTransportException.NOT_OPEN
    assert isinstance(failed.value.__cause__, ConnectionRefusedError)
    assert not stream.isOpen()


def test_unresolvable_host(monkeypatch):
    def unknown(*_arguments):
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', unknown)
    with pytest.raises(ConnectionFailed, match='nowhere.invalid:9160: the host name cannot be resolved'):
        StreamSocket('nowhere.invalid', 9160).open()


def addresses(*pairs):
    return lambda *_: [(socket.AF_INET, socket.SOCK_STREAM, 6, '', pair) for pair in pairs]


def test_tries_every_address(monkeypatch, answering, refused_port, silent_address):
    server = answering()
    monkeypatch.setattr(socket, 'getaddrinfo',
                        addresses(('127.0.0.1', refused_port), silent_address, (server.host, server.port)))
    transport = SocketTransport(StreamSocket('many', 9160, connect_timeout=2.0))
    started = time.monotonic()
    transport.open()
    assert time.monotonic() - started < 1.9
    assert call_in(transport.roundtrip(CALL, soon())).seqid == 7
    transport.close()


def test_every_address_that_failed_is_named(monkeypatch, refused_port, silent_address):
    monkeypatch.setattr(socket, 'getaddrinfo', addresses(('127.0.0.1', refused_port), silent_address))
    with pytest.raises(ConnectionFailed) as failed:
        StreamSocket('many', 9160, connect_timeout=0.2).open()
    assert f'127.0.0.1:{refused_port}' in str(failed.value)
    assert f'127.0.0.1:{silent_address[1]}' in str(failed.value)


def test_connect_timeout_is_named(silent_address):
    stream = StreamSocket(*silent_address, connect_timeout=0.1)
    started = time.monotonic()
    with pytest.raises(CallTimeout, match='no connection within connect_timeout=0.1'):
        stream.open()
    assert 0.1 <= time.monotonic() - started < 5
    assert not stream.isOpen()


def test_the_deadline_bounds_connecting(silent_address):
    with pytest.raises(CallTimeout, match='within deadline'):
        StreamSocket(*silent_address, connect_timeout=60).open(soon(0.1))


def test_opening_twice(answering):
    transport = connected(answering())
    with pytest.raises(TransportError) as refused:
        transport.open()
    assert refused.value.type == TTransportException.ALREADY_OPEN
    transport.close()


def test_ipv6(scripted):
    try:
        server = scripted(lambda peer, server: server.serve(peer), '::1')
    except OSError as error:
        pytest.skip(f'no IPv6 on loopback: {error}')
    transport = connected(server)
    assert transport.server == f'[::1]:{server.port}'
    assert call_in(transport.roundtrip(CALL, soon())).name == 'get_slice'
    transport.close()


def test_socket_options(answering):
    transport = connected(answering())
    handle = transport.stream.handle
    assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    transport.close()


# --- round trips ---------------------------------------------------------------------------------------------------

@pytest.fixture(params=['poll', 'select'])
def waiting(request, monkeypatch):
    """Both ways of waiting: eventlet takes select.poll away."""
    if request.param == 'select':
        monkeypatch.delattr(select, 'poll')
    return request.param


@pytest.mark.parametrize('size', [0, 1, 65_000, 65_536, 3_000_000])
def test_replies_of_all_sizes(scripted, waiting, size):
    reply = message('get_slice', 7, b'x' * size)
    server = scripted(replying(framed(reply)))
    transport = connected(server, max_reply_bytes=len(reply))
    assert transport.roundtrip(CALL, soon()) == reply
    assert transport.isOpen()
    assert server.calls[0].data == CALL[4:]
    transport.close()


@pytest.mark.parametrize('cut', [1, 3, 4, 5, 20])
def test_replies_in_pieces(scripted, waiting, cut):
    data = framed(message('get_slice', 7))
    transport = connected(scripted(replying(data[:cut], data[cut:], pause=0.02)))
    assert transport.roundtrip(CALL, soon()) == data[4:]
    transport.close()


def test_many_calls_without_a_deadline(answering):
    transport = connected(answering())
    for seqid in range(50):
        assert call_in(transport.roundtrip(framed(message('get', seqid, kind=1)))).seqid == seqid
    transport.close()


def test_a_request_larger_than_the_socket_buffers(scripted, waiting):
    def slow(peer, server):
        time.sleep(0.05)
        peer.sendall(server.read(peer).reply())
        peer.recv(1)

    server = scripted(slow)
    frame = framed(message('batch_mutate', 1, os.urandom(6_000_000), kind=1))
    transport = connected(server)
    assert transport.roundtrip(frame, soon())
    assert server.calls[0].data == frame[4:]
    transport.close()


class Counting:
    """Counts the calls of the methods of an object that enter the kernel."""

    def __init__(self, wrapped, names, counts):
        self._wrapped, self._names, self._counts = wrapped, names, counts

    def __getattr__(self, name):
        attribute = getattr(self._wrapped, name)
        if name in self._names:
            self._counts.append(name)
        return attribute


def test_a_round_trip_is_three_system_calls(answering):
    transport = connected(answering())
    counts = []
    transport.stream.handle = Counting(transport.stream.handle, ('send', 'recv', 'recv_into', 'settimeout', 'sendall'),
                                       counts)
    transport.stream._poller = Counting(transport.stream._poller, ('poll',), counts)
    for _ in range(10):
        transport.roundtrip(CALL, soon())
    assert counts == ['send', 'poll', 'recv_into'] * 10
    transport.close()


# --- deadlines and interrupts --------------------------------------------------------------------------------------

def drip(peer, server):
    server.read(peer)
    for byte in framed(message('get_slice', 7, b'x' * 200)):
        peer.sendall(bytes([byte]))
        time.sleep(0.02)


def test_a_slow_server_does_not_stretch_the_deadline(scripted, waiting):
    transport = connected(scripted(drip))
    started = time.monotonic()
    expected = f'get_slice: {transport.server}: no complete reply within timeout=0.2'
    with pytest.raises(CallTimeout, match=expected) as timeout:
        transport.roundtrip(CALL, soon(0.2), 'timeout=0.2')
    assert 0.2 <= time.monotonic() - started < 3
    assert isinstance(timeout.value, socket.timeout)
    assert timeout.value.type == TTransportException.TIMED_OUT
    assert not transport.isOpen()


class Endless:
    """A socket that takes everything, and always has more to read."""

    def __init__(self, handle):
        self.close, self.shutdown, self.fileno = handle.close, handle.shutdown, handle.fileno

    def send(self, data):
        return len(data)

    def recv_into(self, view):
        view[:4] = struct.pack('>i', 1 << 30)
        return len(view)


def test_a_server_that_sends_without_end_does_not_stretch_the_deadline(scripted):
    """The socket is never waited for, so that the time has to be looked at besides."""
    transport = connected(scripted(lambda peer, server: peer.sendall(b'x') or peer.recv(1)), max_reply_bytes=1 << 31)
    transport.stream.handle = Endless(transport.stream.handle)
    now = iter(range(1000))
    transport.stream.clock = lambda: next(now)
    with pytest.raises(CallTimeout):
        transport.roundtrip(CALL, 50)
    assert not transport.isOpen()
    assert next(now) < 60


def test_a_server_that_does_not_read(scripted, waiting):
    transport = connected(scripted(lambda peer, server: server.stopping.wait(10)))
    with pytest.raises(CallTimeout, match='the call was not sent within timeout'):
        transport.roundtrip(framed(message('batch_mutate', 1, b'x' * 20_000_000, kind=1)), soon(0.2), 'timeout')
    assert not transport.isOpen()


def test_the_clock_is_injectable(scripted):
    transport = connected(scripted(replying()))
    ticks = iter([0.0, 0.001, 99.0])
    transport.stream.clock = lambda: next(ticks, 99.0)
    started = time.monotonic()
    with pytest.raises(CallTimeout):
        transport.roundtrip(CALL, 0.002)
    assert time.monotonic() - started < 5


def test_a_late_answer_is_never_read_by_the_next_call(scripted):
    def late(peer, server):
        call = server.read(peer)
        time.sleep(0.2)
        peer.sendall(call.reply())

    transport = connected(scripted(late))
    with pytest.raises(CallTimeout):
        transport.roundtrip(CALL, soon(0.05))
    with pytest.raises(TransportError, match='closed') as closed:
        transport.roundtrip(CALL, soon())
    assert closed.value.type == TTransportException.NOT_OPEN


def test_an_interrupt_in_mid_read_closes(scripted):
    server = scripted(replying(CALL[:10]))
    transport = connected(server)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            transport.roundtrip(CALL, soon())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert not transport.isOpen()
    server.wait_closed()


def test_a_signal_handler_that_returns_does_not_end_the_call(scripted):
    transport = connected(scripted(replying(CALL[:10], CALL[10:], pause=0.2)))
    ran = []
    previous = signal.signal(signal.SIGALRM, lambda *_: ran.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        assert transport.roundtrip(CALL, soon()) == CALL[4:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert ran
    transport.close()


def test_closing_from_another_thread_ends_the_call(scripted):
    transport = connected(scripted(replying()))
    closer = threading.Timer(0.1, transport.close)
    closer.start()
    with pytest.raises(TransportError):
        transport.roundtrip(CALL, soon())
    closer.join()


# --- hostile replies -----------------------------------------------------------------------------------------------

def refused_reply(scripted, error, *parts, max_reply_bytes=1 << 20, framed=True):
    def script(peer, server):
        if framed:
            server.read(peer)
        else:
            peer.recv(65536)
        for part in parts:
            peer.sendall(part)

    server = scripted(script)
    transport = connected(server, framed, max_reply_bytes)
    with pytest.raises(error) as raised:
        transport.roundtrip(CALL, soon(2))
    assert not transport.isOpen()
    server.wait_closed()
    return str(raised.value)


@pytest.mark.parametrize('sent', [b'', CALL[:2], CALL[:4], CALL[:-1]])
def test_cut_anywhere(scripted, sent):
    assert 'closed the connection before its reply was complete' in refused_reply(scripted, ConnectionClosed, sent)


def test_reset(scripted):
    def script(peer, server):
        server.read(peer)
        reset(peer)

    transport = connected(scripted(script))
    with pytest.raises(ConnectionClosed, match='the connection was lost'):
        transport.roundtrip(CALL, soon())
    assert not transport.isOpen()


def test_over_long_frame_names_the_setting(scripted):
    text = refused_reply(scripted, ReplyTooLarge, struct.pack('>i', 2_000_001), max_reply_bytes=2_000_000)
    assert '2000001 bytes' in text and 'max_reply_bytes=2000000' in text


@pytest.mark.parametrize('sent, hint', [
    (b'\xff\xff\xff\xff', 'Thrift port'),
    (b'\x80\x01\x00\x02\x00\x00\x00\x03', 'framed_transport=False'),
    (b'HTTP/1.1 400 Bad Request\r\n\r\n', "b'HTTP/1.1'"),
    (b'SSH-2.0-OpenSSH_9.2\r\n', "b'SSH-2.0-'"),
    (b'\x15\x03\x03\x00\x02\x02\x46', 'ssl_context'),
])
def test_what_is_not_framed_thrift(scripted, sent, hint):
    assert hint in refused_reply(scripted, ProtocolError, sent)


def test_bytes_after_the_reply(scripted):
    text = refused_reply(scripted, ProtocolError, framed(message('get_slice', 7)) + b'xyz')
    assert '3 bytes came after the end of the reply' in text


@pytest.mark.parametrize('framing', [True, False])
def test_a_length_allocates_nothing(scripted, framing):
    """A length word of 200 MiB, allowed by the limit, costs no memory until the bytes come."""
    announced = 200 * 1024 * 1024
    sent = struct.pack('>i', announced) if framing else message('get', 7, b'\x0b\0\0' + struct.pack('>i', announced))
    tracemalloc.start()
    try:
        refused_reply(scripted, ConnectionClosed, sent + b'x' * 1000, max_reply_bytes=1 << 28, framed=framing)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


# --- unframed ------------------------------------------------------------------------------------------------------

def test_unframed_round_trips(scripted):
    reply = message('get_slice', 7, b'\x0b\0\0' + struct.pack('>i', 200_000) + b'y' * 200_000 + b'\0')

    def script(peer, server):
        for cut in (1, 30, 70_000):
            assert read_exactly(peer, len(CALL) - 4) == CALL[4:]
            peer.sendall(reply[:cut])
            time.sleep(0.01)
            peer.sendall(reply[cut:])
        peer.recv(1)

    transport = connected(scripted(script), framed=False)
    for _ in range(3):
        assert transport.roundtrip(CALL, soon()) == reply
    transport.close()


def test_unframed_deadline(scripted):
    def script(peer, server):
        for byte in message('get_slice', 7, b'\x0b\0\0' + struct.pack('>i', 500) + b'y' * 500):
            peer.sendall(bytes([byte]))
            time.sleep(0.02)

    transport = connected(scripted(script), framed=False)
    with pytest.raises(CallTimeout):
        transport.roundtrip(CALL, soon(0.2))


@pytest.mark.parametrize('sent, error, hint', [
    (framed(message('get_slice', 7)), ProtocolError, 'framed_transport=True'),
    (b'HTTP/1.1 400 Bad Request', ProtocolError, 'Thrift port'),
    (b'', ConnectionClosed, 'framed_transport=True'),
    (message('get_slice', 7) + b'x', ProtocolError, '1 bytes came after'),
    (message('get_slice', 7, b'\x0b\0\0\xff\xff\xff\xff'), ProtocolError, 'length of -1'),
    (message('get_slice', 7, b'\x0f\0\0\x0b\xff\xff\xff\xff'), ProtocolError, 'length of -1'),
    (message('get_slice', 7, b'\x09\0\0'), ProtocolError, 'no Thrift type 9'),
    (message('get_slice', 7, b'\x0c\0\0' * 70), ProtocolError, 'nested more than 64'),
    (message('x' * 2000, 7), ProtocolError, 'length of 2000'),
    (message('get_slice', 7, b'\x0b\0\0\x7f\0\0\0'), ReplyTooLarge, 'max_reply_bytes=1048576'),
    (message('get_slice', 7, b'\x0f\0\0\x0a\x00\x02\x00\x01'), ReplyTooLarge, 'max_reply_bytes=1048576'),
])
def test_unframed_hostile_replies(scripted, sent, error, hint):
    assert hint in refused_reply(scripted, error, sent, framed=False)


FIXED = {2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8}


@st.composite
def values(draw, kind, depth=3):
    if kind in FIXED:
        return draw(st.binary(min_size=FIXED[kind], max_size=FIXED[kind]))
    if kind == 11:
        data = draw(st.binary(max_size=20))
        return struct.pack('>i', len(data)) + data
    if kind == 12:
        return draw(structs(depth - 1))
    if kind == 13:
        key, value = draw(kinds(depth)), draw(kinds(depth))
        count = draw(st.integers(0, 3))
        pairs = b''.join(draw(values(key, depth - 1)) + draw(values(value, depth - 1)) for _ in range(count))
        return struct.pack('>BBi', key, value, count) + pairs
    element, count = draw(kinds(depth)), draw(st.integers(0, 3))
    return struct.pack('>Bi', element, count) + b''.join(draw(values(element, depth - 1)) for _ in range(count))


def kinds(depth):
    return st.sampled_from([*FIXED, 11] + ([12, 13, 14, 15] if depth > 0 else []))


@st.composite
def structs(draw, depth=3):
    fields = b''
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(kinds(depth))
        fields += bytes([kind]) + draw(st.binary(min_size=2, max_size=2)) + draw(values(kind, depth))
    return fields + b'\0'


class Stream:
    """Bytes to be read exactly as asked, or EOFError."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def __call__(self, count):
        part = self.data[self.position:self.position + count]
        if len(part) < count:
            raise EOFError
        self.position += count
        return part


@given(structs(), st.binary(max_size=10))
def test_collect_message_reads_one_message_and_no_more(body, rest):
    data = message('get', 1, body)
    stream = Stream(data + rest)
    assert collect_message(stream) == data
    assert stream.position == len(data)


@given(structs(), st.data())
def test_collect_message_takes_no_part_for_the_whole(body, data):
    whole = message('get', 1, body)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(EOFError):
        collect_message(Stream(whole[:cut]))


@given(st.binary(max_size=60))
def test_collect_message_on_anything(body):
    stream = Stream(message('get', 1, body))
    with contextlib.suppress(ProtocolError, ReplyTooLarge, EOFError):
        assert collect_message(stream, 10_000) == stream.data[:stream.position]


# --- idle connections ----------------------------------------------------------------------------------------------

def eventually(condition):
    deadline = soon()
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_probe_of_a_connection_that_works(answering, waiting):
    transport = connected(answering())
    assert transport.probe()
    transport.roundtrip(CALL, soon())
    assert transport.probe()
    transport.close()
    assert not transport.probe()


@pytest.mark.parametrize('ending', ['close', 'reset', 'bytes'])
def test_probe_finds_what_happened_while_idle(scripted, waiting, ending):
    def script(peer, server):
        peer.sendall(server.read(peer).reply())
        if ending == 'reset':
            reset(peer)
        elif ending == 'bytes':
            time.sleep(0.05)
            peer.sendall(b'unasked for')
            peer.recv(1)

    transport = connected(scripted(script))
    transport.roundtrip(CALL, soon())
    eventually(lambda: not transport.probe())
    assert transport.isOpen()
    transport.close()


# --- fork ----------------------------------------------------------------------------------------------------------

def in_child(function):
    """Run `function` in a forked child; returns what it returned, as text, or the exception's class and text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(function())
        except BaseException as error:  # noqa: BLE001  the child must not return into pytest
            text = f'{error.__class__.__name__}: {error}'
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, 'rb') as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_child_leaves_the_connection_to_its_parent(answering):
    server = answering()
    transport = connected(server)
    transport.roundtrip(CALL, soon())

    def child():
        assert not transport.isOpen() and not transport.probe()
        try:
            transport.roundtrip(CALL, soon())
        except TransportError as error:
            return error

    assert 'belongs to the process that opened it' in in_child(child)
    assert in_child(transport.close) == 'None'
    transport.roundtrip(CALL, soon())
    assert transport.probe()
    assert len(server.calls) == 2
    transport.close()


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_child_opens_its_own(answering):
    server = answering()
    connected(server).close()

    def child():
        transport = connected(server)
        return transport.isOpen() and call_in(transport.roundtrip(CALL, soon())).name

    assert in_child(child) == 'get_slice'


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_the_server_hears_of_a_close_while_a_child_lives(scripted):
    server = scripted(lambda peer, server: server.serve(peer))
    transport = connected(server)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(0)
    try:
        transport.close()
        server.wait_closed(2)
    finally:
        os.write(writer, b'x')
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


# --- as a thrift transport -----------------------------------------------------------------------------------------

def test_stream_as_a_tsocket(scripted):
    def echo(peer, server):
        while True:
            peer.sendall(read_exactly(peer, 3))

    server = scripted(echo)
    stream = StreamSocket(server.host, server.port)
    stream.setTimeout(200)
    stream.open()
    stream.write(b'abc')
    stream.flush()
    assert stream.readAll(3) == b'abc'
    with pytest.raises(CallTimeout, match='timeout=0.2'):
        stream.read(1)
    stream.until(soon(0.05), 'deadline')
    with pytest.raises(CallTimeout, match='deadline'):
        stream.read(1)
    stream.close()
    with pytest.raises(TransportError, match='closed'):
        stream.write(b'abc')


def test_messages_as_a_thrift_transport(answering):
    transport = connected(answering())
    transport.deadline = soon()
    transport.write(CALL[4:20])
    transport.write(CALL[20:])
    assert transport.pending() == len(CALL) - 4
    transport.flush()
    assert transport.pending() == 0
    assert transport.readAll(4) == b'\x80\x01\0\2'
    assert transport.unread() == len(CALL) - 8
    transport.discard()
    assert transport.unread() == 0
    transport.close()


def test_read_call_helper_agrees_with_the_transport(scripted):
    """The scripts of these tests and the transport mean the same by a frame."""
    seen = []
    transport = connected(scripted(lambda peer, server: seen.append(read_call(peer))))
    with pytest.raises(ConnectionClosed):
        transport.roundtrip(CALL, soon())
    assert seen == [call_in(CALL[4:])]
