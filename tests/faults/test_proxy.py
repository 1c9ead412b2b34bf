"""Each switch of the fault proxy does what it says, measurably."""
import contextlib
import random
import socket
import threading
import time

import pytest
from proxy import FaultProxy
from streams import exactly

from pycassa.connection import Connection

LONG = bytes(range(256)) * 2000


class Echo:
    """A server that sends back what it is sent; `ended` counts its connections' ends, `resets` those by a reset."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = self.listener.getsockname()
        self.received = bytearray()
        self.ended = self.resets = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while True:
                    data = connection.recv(65536)
                    if not data:
                        break
                    self.received += data
                    connection.sendall(data)
            except ConnectionResetError:
                self.resets += 1
            except BrokenPipeError:
                pass
        self.ended += 1

    def close(self):
        # A thread that is in accept() keeps the socket listening.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def link(echo):
    """A proxy in front of the echo."""
    with FaultProxy(*echo.address, seed=7) as proxy:
        yield proxy


@pytest.fixture
def client(link):
    """A connection through the proxy, over which one byte has been there and back."""
    with socket.create_connection((link.host, link.port), timeout=10) as connection:
        assert echoed(connection, b'!') == b'!'
        yield connection


def echoed(connection, data):
    connection.sendall(data)
    return exactly(connection, len(data))


def silent(connection, seconds=0.15):
    """Whether nothing comes for so long, not even the end."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1) is None
    except socket.timeout:
        return True
    finally:
        connection.settimeout(10)


def timed(function, *args):
    start = time.monotonic()
    function(*args)
    return time.monotonic() - start


def quick(connection):
    """Whether bytes come back at once, in the best of some attempts: the machine may be busy."""
    return min(timed(echoed, connection, b'x') for _ in range(5)) < 0.1


def test_all_passes_both_ways_unchanged(link, client):
    sender = threading.Thread(target=client.sendall, args=(LONG,))
    sender.start()
    assert exactly(client, len(LONG)) == LONG
    sender.join()
    assert link.requests.received == link.requests.passed == link.replies.passed == len(LONG) + 1
    assert (link.accepted, link.open, link.requests.lost) == (1, [1], 0)


def test_the_end_of_either_side_reaches_the_other(link, client, echo):
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b''
    assert link.wait_for(lambda link: not link.open) and echo.ended == 1 and echo.resets == 0


@pytest.mark.parametrize('direction', ['requests', 'replies'])
def test_latency(link, client, direction):
    assert quick(client)
    getattr(link, direction).set(latency=0.2)
    assert 0.2 <= timed(echoed, client, b'x') < 2
    getattr(link, direction).set()
    assert quick(client)


def test_latency_is_no_bandwidth(link, client):
    link.requests.set(latency=0.2)
    sender = threading.Thread(target=lambda: [client.sendall(b'x') or time.sleep(0.01) for _ in range(40)])
    assert timed(lambda: [sender.start(), exactly(client, 40)]) < 2


def test_jitter_is_replayed_by_the_seed(echo):
    def waits(seed):
        with FaultProxy(*echo.address, seed=seed) as proxy, socket.create_connection((proxy.host, proxy.port)) as end:
            proxy.replies.set(jitter=0.2)
            return [timed(echoed, end, b'x') for _ in range(5)]

    chance = random.Random('3 replies 1')
    drawn = [chance.uniform(0, 0.2) for _ in range(5)]
    seen = waits(3), waits(3), waits(3)
    late = [min(times) - due for times, due in zip(zip(*seen), drawn)]
    assert min(late) >= 0 and max(late) < 0.1, (seen, drawn)


def test_latency_by_a_function(link, client):
    link.replies.set(latency=lambda chance: chance.choice([0.05, 0.25]))
    assert {timed(echoed, client, b'x') >= 0.25 for _ in range(8)} == {False, True}


def test_bandwidth(link, client):
    link.replies.set(bandwidth=20_000)
    assert 0.4 <= timed(echoed, client, bytes(10_000)) < 3


def test_slicing(link, client):
    link.replies.set(slicing=2, pause=0.1)
    client.sendall(b'abcdef')
    start, parts = time.monotonic(), []
    while sum(map(len, parts)) < 6:
        parts.append(client.recv(100))
    assert b''.join(parts) == b'abcdef' and parts[0] == b'ab' and 0.2 <= time.monotonic() - start < 3


@pytest.mark.parametrize('direction', ['requests', 'replies'])
def test_cut(link, client, echo, direction):
    getattr(link, direction).set(cut_after=3)
    client.sendall(b'abc')
    assert exactly(client, 3) == b'abc'
    assert silent(client)
    client.sendall(b'd')
    assert client.recv(10) == b''
    assert link.wait_for(lambda link: not link.open)
    assert echo.received == (b'!abc' if direction == 'requests' else b'!abcd')


@pytest.mark.parametrize('direction', ['requests', 'replies'])
def test_cut_within_what_came_at_once(link, client, direction):
    getattr(link, direction).set(cut_after=3)
    client.sendall(b'abcdef')
    # What the echo had not sent yet went with it, where the request was cut.
    rest = client.recv(10) + client.recv(10)
    assert rest == b'abc' if direction == 'replies' else rest in (b'', b'abc')


def test_reset(link, client, echo):
    link.replies.set(reset_after=0)
    client.sendall(b'abc')
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    assert link.wait_for(lambda link: echo.ended) and echo.resets == 1


def test_stall_for_some_time(link, client):
    link.replies.set(stall_after=2, stall_seconds=0.3)
    client.sendall(b'abc')
    assert exactly(client, 2) == b'ab'
    assert silent(client)
    assert exactly(client, 1) == b'c'
    assert quick(client)


def test_stall_until_healed(link, client):
    link.requests.set(stall_after=0)
    client.sendall(b'abc')
    assert silent(client)
    link.heal()
    assert exactly(client, 3) == b'abc'


@pytest.mark.parametrize('direction', ['requests', 'replies'])
def test_loss(link, client, echo, direction):
    one_way = getattr(link, direction)
    one_way.set(lose_after=1)
    client.sendall(b'abc')
    assert exactly(client, 1) == b'a'
    assert silent(client)
    assert link.wait_for(lambda link: one_way.lost == 2) and link.open == [1]
    assert echo.received == (b'!a' if direction == 'requests' else b'!abc')
    one_way.set()
    assert echoed(client, b'd') == b'd'


def test_one_connection_alone(link, client):
    with socket.create_connection((link.host, link.port), timeout=10) as other:
        assert echoed(other, b'x') == b'x'
        link.replies.set(connection=2, latency=0.2)
        assert timed(echoed, other, b'x') >= 0.2 and quick(client)
        link.cut(connection=1)
        assert client.recv(1) == b'' and link.open == [2]
        assert echoed(other, b'x') == b'x' and link.link(2).replies.passed == 3


def test_settings_hold_for_connections_to_come(link):
    link.replies.set(cut_after=1)
    for _ in range(2):
        with socket.create_connection((link.host, link.port), timeout=10) as later:
            later.sendall(b'abc')
            assert later.recv(10) + later.recv(10) == b'a'


def test_reset_at_once(link, client, echo):
    link.cut(reset=True)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert link.wait_for(lambda link: echo.ended) and echo.resets == 1


def test_refuse(link, client):
    link.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((link.host, link.port), timeout=10)
    assert echoed(client, b'x') == b'x'
    link.accept()
    with socket.create_connection((link.host, link.port), timeout=10) as later:
        assert echoed(later, b'x') == b'x'


def test_ignore(link, client):
    link.ignore()
    with pytest.raises(socket.timeout):
        socket.create_connection((link.host, link.port), timeout=0.3)
    assert echoed(client, b'x') == b'x'
    link.heal()
    with socket.create_connection((link.host, link.port), timeout=10) as later:
        assert echoed(later, b'x') == b'x'


def test_down(link, client):
    link.down()
    assert client.recv(1) == b''
    with socket.create_connection((link.host, link.port), timeout=10) as later:
        with contextlib.suppress(ConnectionResetError):
            assert later.recv(1) == b''
    assert (link.accepted, len(link.links)) == (2, 1)
    link.accept()
    with socket.create_connection((link.host, link.port), timeout=10) as later:
        assert echoed(later, b'x') == b'x'


def test_a_client_that_left_during_a_stall_is_let_go(link, client, echo):
    link.replies.set(stall_after=0)
    client.sendall(b'abc')
    assert silent(client)
    client.close()
    assert link.wait_for(lambda link: not link.open and echo.ended)


def test_what_a_client_sent_before_it_left_arrives(link, client, echo):
    link.requests.set(latency=0.2)
    client.sendall(b'abc')
    client.close()
    assert link.wait_for(lambda link: echo.ended) and echo.received == b'!abc'


def test_two_ends_at_a_time_are_refused(link):
    with pytest.raises(ValueError, match='cut_after and lose_after'):
        link.replies.set(cut_after=1, lose_after=2)


def test_closing_frees_what_it_had(echo):
    threads = threading.active_count()
    with FaultProxy(*echo.address) as proxy:
        ends = [socket.create_connection((proxy.host, proxy.port), timeout=10) for _ in range(5)]
        assert [echoed(end, b'x') for end in ends] == [b'x'] * 5
        proxy.replies.set(stall_after=0)
        ends[0].sendall(b'x')
    for end in ends:
        with contextlib.suppress(ConnectionResetError):
            assert end.recv(1) == b''
        end.close()
    assert proxy.wait_for(lambda proxy: echo.ended == 5 and threading.active_count() <= threads)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, proxy.port), timeout=10)


def test_requests_are_recorded(proxy):
    with Connection('Keyspace1', proxy.address, timeout=10) as one, Connection(None, proxy.address, timeout=10) as two:
        assert two.describe_version() and one.describe_version()
    assert [(each.method, each.connection) for each in proxy.recorded] == [
        ('set_keyspace', 1), ('describe_version', 2), ('describe_version', 1)]
    assert b'Keyspace1' in proxy.recorded[0].data
    assert len({each.seqid for each in proxy.recorded if each.connection == 1}) == 2
    assert sum(len(each.data) for each in proxy.recorded) == proxy.requests.passed


def test_requests_are_recorded_from_pieces(proxy):
    proxy.requests.set(slicing=3, pause=0.001)
    with Connection('Keyspace1', proxy.address, timeout=10) as connection:
        assert connection.describe_version()
    assert [each.method for each in proxy.recorded] == ['set_keyspace', 'describe_version']
