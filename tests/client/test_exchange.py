"""One round trip on a socket, by each twin: what arrives, whatever goes wrong, deadlines, signals, system calls."""
import contextlib
import importlib
import importlib.util
import math
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycassa.codec
from pycassa._pure.protocol import Exchange as PureExchange
from pycassa.errors import CallTimeout
from pycassa.transport import StreamSocket

from .conftest import framed, reset

FRAME = framed(b'request')
MEBIBYTE = 1 << 20


def implementations():
    built = importlib.util.find_spec('pycassa._speedups') and importlib.util.find_spec('pycassa._speedups.protocol')
    return ['pure', 'speedups'] if built else ['pure']


@pytest.fixture(scope='module', params=implementations())
def implementation(request):
    return request.param


@pytest.fixture(scope='module')
def kind(implementation):
    """The class Exchange of one twin."""
    return importlib.import_module(f'pycassa._{implementation}.protocol').Exchange


def connected_pair():
    """(client, server): sockets connected over loopback, the client's not blocking."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    client.setblocking(False)
    return client, server


@pytest.fixture
def pair():
    sockets = connected_pair()
    yield sockets
    for each in sockets:
        each.close()


@pytest.fixture
def exchange(kind, pair):
    return kind(pair[0])


@pytest.fixture
def peer(pair):
    return pair[1]


def later(seconds, function, *arguments):
    timer = threading.Timer(seconds, function, arguments)
    timer.start()
    return timer


def late_by(kind, expected, frame=FRAME, seconds=None, ahead=None, before=lambda peer: None):
    """The least by which a round trip that gives `expected` ends after its time: `seconds`, or `ahead` from now.

    `before(peer)` comes first. One of a few attempts is enough: a busy machine may be late for any.
    """
    least = math.inf
    for _ in range(5):
        client, peer = connected_pair()
        with client, peer:
            exchange = kind(client)
            before(peer)
            start = time.monotonic()
            assert exchange.run(frame, seconds, None if ahead is None else start + ahead) == expected
            over = time.monotonic() - start - min(limit for limit in (seconds, ahead) if limit is not None)
            assert over >= 0
        least = min(least, over)
        if least < 0.05:
            break
    return least


# --- replies -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('size', [0, 1, 4, 65531, 65532, 65533, 200_000, 3 * MEBIBYTE])
def test_a_reply_of_any_size(exchange, peer, size):
    reply = os.urandom(size)
    sender = later(0, peer.sendall, framed(reply))
    assert exchange.run(FRAME, 10.0) == reply
    assert peer.recv(100) == FRAME
    sender.join()


def test_round_trips_follow_one_another(exchange, peer):
    for number in range(50):
        frame = framed(b'request %d' % number)
        peer.sendall(framed(b'reply %d' % number))
        assert exchange.run(frame, 10.0) == b'reply %d' % number
        assert peer.recv(100) == frame


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 40), max_size=6), size=st.integers(0, 36))
def test_a_reply_in_pieces(kind, cuts, size):
    client, peer = connected_pair()
    data = framed(bytes(range(size)))
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})

    def send():
        for start, end in zip(ends, ends[1:]):
            peer.sendall(data[start:end])
            time.sleep(0.0005)

    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        exchange = kind(client)
        sender = later(0, send)
        assert exchange.run(FRAME, 10.0) == data[4:]
        sender.join()
        exchange.close()


def test_a_request_larger_than_the_socket_buffers(exchange, peer):
    frame = framed(os.urandom(8 * MEBIBYTE))
    received = bytearray()

    def serve():
        time.sleep(0.05)
        while len(received) < len(frame):
            received.extend(peer.recv(MEBIBYTE))
        peer.sendall(framed(b'taken'))

    server = later(0, serve)
    assert exchange.run(frame, 20.0) == b'taken'
    server.join()
    assert received == frame


def test_no_limit_of_time(exchange, peer):
    later(0.3, peer.sendall, framed(b'late'))
    assert exchange.run(FRAME) == b'late'


def test_limits_that_are_whole_numbers_or_infinite(exchange, peer):
    for seconds, deadline in ((5, None), (float('inf'), None), (None, float('inf')), (5, int(time.monotonic()) + 100)):
        peer.sendall(framed(b'x'))
        assert exchange.run(FRAME, seconds, deadline) == b'x'


@pytest.mark.parametrize('frame', [None, 'text', bytearray(b'x'), 1])
def test_what_is_no_frame_is_not_sent(exchange, peer, frame):
    with pytest.raises(TypeError):
        exchange.run(frame, 1.0)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(1)


# --- hostile replies -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize('sent', [b'', b'\0', b'\0\0\0', b'\0\0\0\5', b'\0\0\0\5abcd', framed(b'x' * 100_000)[:-1]])
def test_an_end_before_the_end(exchange, peer, sent):
    def serve():
        peer.recv(len(FRAME))
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)

    server = later(0, serve)
    assert exchange.run(FRAME, 10.0) == ('ended', 0, None)
    server.join()


def test_a_reset(exchange, peer):
    def serve():
        peer.recv(len(FRAME))
        reset(peer)

    server = later(0.05, serve)
    what, number, unsent = exchange.run(FRAME, 10.0)
    assert (what, os.strerror(number), unsent) == ('lost', 'Connection reset by peer', 0)
    server.join()


def test_a_request_to_a_connection_that_is_gone(exchange, peer):
    reset(peer)
    for _ in range(2):
        what, number, unsent = exchange.run(FRAME, 10.0)
        assert what in ('lost', 'ended')
    assert (what, unsent) == ('lost', len(FRAME)) and os.strerror(number) in ('Broken pipe', 'Connection reset by peer')


@pytest.mark.parametrize('length, limit', [(-1, 100), (-2 ** 31, 100), (101, 100), (2 ** 31 - 1, MEBIBYTE), (1, 0)])
def test_lengths_that_are_none_or_too_long(exchange, peer, length, limit):
    exchange.limit = limit
    head = struct.pack('>i', length) + b'abcdefgh'
    peer.sendall(head)
    assert exchange.run(FRAME, 10.0) == ('length', length, head[:8])


def test_the_first_bytes_of_a_length_that_is_none(exchange, peer):
    peer.sendall(b'\xff\xff\xff\xff')
    assert exchange.run(FRAME, 10.0) == ('length', -1, b'\xff\xff\xff\xff')


def test_a_reply_as_long_as_it_may_be(exchange, peer):
    exchange.limit = 5
    peer.sendall(framed(b'12345'))
    assert exchange.run(FRAME, 10.0) == b'12345'


@pytest.mark.parametrize('reply, rest', [(b'', b'x'), (b'reply', b'abc'), (b'reply', framed(b'another'))])
def test_bytes_after_the_reply(exchange, peer, reply, rest):
    peer.sendall(framed(reply) + rest)
    assert exchange.run(FRAME, 10.0) == ('trailing', len(rest), None)


def test_a_length_costs_no_memory_before_its_bytes_come(exchange, peer):
    peer.sendall(struct.pack('>i', 500 * MEBIBYTE) + b'x' * 1000)
    later(0.05, peer.shutdown, socket.SHUT_WR)
    tracemalloc.start()
    try:
        assert exchange.run(FRAME, 10.0) == ('ended', 0, None)
        assert tracemalloc.get_traced_memory()[1] < MEBIBYTE
    finally:
        tracemalloc.stop()


def test_failures_leave_no_memory_behind(exchange):
    held = sys.getrefcount(FRAME)
    for _ in range(20):
        exchange.run(FRAME, 0.0)
    assert sys.getrefcount(FRAME) == held


# --- time ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('seconds', [0.0, 0.02, 0.05, 0.12, 0.25])
def test_no_reply_in_time(kind, seconds):
    assert late_by(kind, ('waiting', 0, None), seconds=seconds) < 0.05


@pytest.mark.parametrize('sent', [b'\0\0', framed(b'reply')[:-1], framed(b'x' * 70_000)[:-1]])
def test_no_complete_reply_in_time(kind, sent):
    assert late_by(kind, ('waiting', 0, None), seconds=0.15, before=lambda peer: peer.sendall(sent)) < 0.05


@pytest.mark.parametrize('size', [3, 500, 200_000])
def test_a_server_that_drips_does_not_stretch_the_time(kind, size):
    def drip(peer):
        with contextlib.suppress(OSError):
            for byte in framed(bytes(size)):
                time.sleep(0.09)
                peer.sendall(bytes([byte]))

    assert late_by(kind, ('waiting', 0, None), seconds=0.25, before=lambda peer: later(0, drip, peer)) < 0.05


def test_a_request_that_is_not_taken_in_time(kind):
    assert late_by(kind, ('unsent', 0, None), framed(bytes(20 * MEBIBYTE)), seconds=0.2) < 0.05


@pytest.mark.parametrize('seconds, ahead, by_deadline', [
    (None, 0.1, 1), (60.0, 0.1, 1), (0.1, 60.0, 0), (None, 0.0, 1), (60.0, 0.0, 1)])
def test_which_limit_came_first(kind, seconds, ahead, by_deadline):
    assert late_by(kind, ('waiting', by_deadline, None), seconds=seconds, ahead=ahead) < 0.05


def test_what_is_late_is_sent_all_the_same(exchange, peer):
    assert exchange.run(FRAME, 60.0, time.monotonic() - 1) == ('waiting', 1, None)
    assert peer.recv(100) == FRAME


# --- interruptions -------------------------------------------------------------------------------------------------

class Alarm:
    """Has a handler called by SIGALRM, after `first` seconds and then every `interval`."""

    def __init__(self, handler, first, interval=0.0):
        self.handler, self.times = handler, (first, interval)

    def __enter__(self):
        self.previous = signal.signal(signal.SIGALRM, self.handler)
        signal.setitimer(signal.ITIMER_REAL, *self.times)

    def __exit__(self, *exc_info):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.previous)


@pytest.mark.parametrize('seconds', [None, 60.0, 0.099])
@pytest.mark.parametrize('sent', [b'', b'\0\0\0\5', framed(b'x' * 70_000)[:-1]])
def test_an_interrupt_while_waiting(exchange, peer, sent, seconds):
    peer.sendall(sent)
    with pytest.raises(KeyboardInterrupt), Alarm(signal.default_int_handler, 0.04):
        exchange.run(FRAME, seconds)


def test_an_interrupt_while_sending(exchange):
    with pytest.raises(KeyboardInterrupt), Alarm(signal.default_int_handler, 0.1):
        exchange.run(framed(bytes(20 * MEBIBYTE)), 60.0)


@pytest.mark.parametrize('seconds', [None, 5.0])
def test_signal_handlers_that_return_do_not_end_a_call(exchange, peer, seconds):
    ran = []
    later(0.3, peer.sendall, framed(b'reply'))
    with Alarm(lambda *_: ran.append(True), 0.02, 0.02):
        assert exchange.run(FRAME, seconds) == b'reply'
    assert len(ran) > 5


def test_signals_do_not_stretch_the_time(kind):
    with Alarm(lambda *_: None, 0.01, 0.01):
        assert late_by(kind, ('waiting', 0, None), seconds=0.25) < 0.05


def test_other_threads_run_while_it_waits(exchange, peer):
    ticks = []
    stopped = threading.Event()

    def tick():
        while not stopped.wait(0.01):
            ticks.append(True)

    threads = [later(0, tick), later(0.3, peer.sendall, framed(b'reply'))]
    assert exchange.run(FRAME, 5.0) == b'reply'
    stopped.set()
    for thread in threads:
        thread.join()
    assert len(ticks) > 5


# --- closing -------------------------------------------------------------------------------------------------------

def test_nothing_is_sent_after_close(exchange, pair, peer):
    exchange.close()
    exchange.close()
    assert exchange.run(FRAME, 1.0) == ('unusable', 0, None)
    assert peer.recv(1) == b'' and pair[0].fileno() == -1


def test_a_retired_exchange_leaves_the_socket_open(exchange, pair, peer):
    exchange.retire()
    assert exchange.run(FRAME, 1.0) == ('unusable', 0, None)
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)
    pair[0].send(b'x')
    assert peer.recv(10) == b'x'


@pytest.mark.parametrize('seconds', [None, 5.0])
def test_closing_leaves_the_descriptor_to_the_call_that_is_under_way(exchange, pair, seconds):
    """Nothing that is opened meanwhile can get the number that the other thread waits on."""
    client, _ = pair
    number, seen = client.fileno(), []

    def close():
        exchange.close()
        seen.append((client.fileno(), os.fstat(number) is not None))
        client.shutdown(socket.SHUT_RDWR)

    closer = later(0.05, close)
    assert exchange.run(FRAME, seconds) == ('ended', 0, None)
    closer.join()
    assert seen == [(number, True)]
    assert client.fileno() == -1


def test_a_second_thread_is_told_that_it_is_in_use(exchange, peer):
    found = []
    later(0.05, lambda: found.append(exchange.run(FRAME, 1.0)))
    later(0.15, peer.sendall, framed(b'reply'))
    assert exchange.run(FRAME, 5.0) == b'reply'
    assert found == [('unusable', 0, None)] and peer.recv(100) == FRAME


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_child_does_not_use_it(exchange, peer):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, repr(exchange.run(FRAME, 1.0)).encode())
        exchange.close()
        os._exit(0)
    os.close(writer)
    with open(reader, 'rb') as pipe:
        assert pipe.read() == b"('unusable', 0, None)"
    os.waitpid(child, 0)
    peer.sendall(framed(b'reply'))
    assert exchange.run(FRAME, 1.0) == b'reply' and peer.recv(100) == FRAME


# --- who has one ---------------------------------------------------------------------------------------------------

def opened(listener, **options):
    stream = StreamSocket(*listener.getsockname(), **options)
    stream.open()
    return stream


@pytest.fixture
def listener():
    with socket.create_server(('127.0.0.1', 0)) as listening:
        yield listening


def test_streams_over_sockets_of_the_standard_library_have_one(listener):
    stream = opened(listener)
    assert isinstance(stream.exchange, pycassa.codec.Exchange)
    stream.close()
    assert stream.exchange is None


class TracedSocket(socket.socket):
    """What monkey-patching puts in the place of socket.socket."""


def test_sockets_of_other_libraries_have_none(listener, monkeypatch):
    monkeypatch.setattr(socket, 'socket', TracedSocket)
    stream = opened(listener)
    assert type(stream.handle) is TracedSocket and stream.exchange is None
    stream.close()


@pytest.mark.parametrize('name', ['send', 'recv_into'])
def test_methods_that_were_replaced_are_called(listener, monkeypatch, name):
    monkeypatch.setattr(socket.socket, name, lambda *arguments: 1, raising=False)
    stream = opened(listener)
    assert stream.exchange is None
    stream.close()


def test_a_clock_that_is_driven_is_asked(listener):
    stream = opened(listener, clock=lambda: 0.0)
    assert stream.exchange is None
    stream.close()


@pytest.mark.parametrize('name, value', [('clock', lambda: 0.0), ('handle', None)])
def test_a_clock_or_socket_that_is_put_in_later_counts(listener, name, value):
    stream = opened(listener)
    exchange, handle = stream.exchange, stream.handle
    setattr(stream, name, handle if name == 'handle' else value)
    assert stream.exchange is None and exchange.run(FRAME, 1.0) == ('unusable', 0, None)
    with pytest.raises(BlockingIOError):
        handle.recv(1)
    stream.close()


def test_sends_and_receives_without_it_keep_their_deadlines(listener):
    """It may let the descriptor block; nobody else does."""
    stream = opened(listener)
    peer, _ = listener.accept()
    with peer:
        with pytest.raises(CallTimeout):
            stream.send(bytes(20 * MEBIBYTE), time.monotonic() + 0.1)
        with pytest.raises(CallTimeout):
            stream.receive_into(bytearray(10), time.monotonic() + 0.1, wait=False)
    stream.close()


# --- the twins, and the kernel -------------------------------------------------------------------------------------

def outcomes(kind, data):
    """What a server that answers with `data` and closes gives."""
    client, peer = connected_pair()
    with client, peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        exchange = kind(client)
        exchange.limit = 70_000
        select.select([client], [], [])
        time.sleep(0.001)
        return [exchange.run(FRAME, 1.0) for _ in range(3)]


@settings(max_examples=100, deadline=None)
@given(data=st.one_of(st.binary(max_size=30), st.builds(lambda reply, rest: framed(reply) + rest,
                                                        st.binary(max_size=20), st.binary(max_size=6))))
def test_the_twins_agree_on_anything(kind, data):
    assert outcomes(kind, data) == outcomes(PureExchange, data)


CLIENT = textwrap.dedent("""
    import socket, sys
    import pycassa.codec
    from pycassa.framing import SocketTransport
    from pycassa.transport import StreamSocket
    with socket.create_server(('127.0.0.1', 0)) as listener:
        transport = SocketTransport(StreamSocket(*listener.getsockname()))
        transport.open()
        peer, _ = listener.accept()
    for call in range(int(sys.argv[1])):
        # The reply is there before it is asked for: the server is this very thread.
        peer.sendall(b'\\0\\0\\0\\1r')
        assert transport.request(b'\\0\\0\\0\\1q', 5.0, 'timeout', None) == b'r'
        peer.recv(100)
""")


@pytest.mark.skipif(shutil.which('strace') is None, reason='strace is not installed')
def test_system_calls_of_a_round_trip(implementation, tmp_path):
    """Two where it is compiled, and three in Python; the server's end makes two more, in the same process."""
    choice = {'pure': 'pure', 'speedups': 'cython'}[implementation]
    counts = []
    for calls in (10, 110):
        log = tmp_path / f'{calls}.log'
        root = pathlib.Path(importlib.util.find_spec('pycassa').origin).parents[1]
        subprocess.run(['strace', '-f', '-o', str(log), sys.executable, '-c', CLIENT, str(calls)], check=True,
                       env={**os.environ, 'PYTHONPATH': str(root), 'PYCASSA_IMPL': choice}, cwd=tmp_path, timeout=60)
        counts.append(len(re.findall(r'^\d+ +(?:sendto|recvfrom|poll|ppoll|select|setsockopt|fcntl|ioctl)\(',
                                     log.read_text(), re.M)))
    assert (counts[1] - counts[0]) / 100 == {'pure': 3, 'speedups': 2}[implementation] + 2
