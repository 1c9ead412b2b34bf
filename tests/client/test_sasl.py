"""SASL: negotiation and wrapped messages against a PLAIN server written out here, and its refusals."""
import builtins
import struct
import sys
import time

import pytest

from pycassa.connection import Connection, TSaslClientTransport, make_sasl_transport_factory
from pycassa.errors import (
    CallTimeout,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    ReplyTooLarge,
    TransportError,
)
from pycassa.sasl import MAX_NEGOTIATION_BYTES
from pycassa.transport import StreamSocket

from .conftest import call_in, framed, read_exactly, string_result
from .test_transport import soon

PASSWORD = 'correct horse'
START, OK, BAD, ERROR, COMPLETE = 1, 2, 3, 4, 5

pytest.importorskip('puresasl', reason='SASL needs the package pure-sasl, an extra')


def negotiation(status, body=b''):
    return struct.pack('>BI', status, len(body)) + body


def read_negotiation(peer):
    status, length = struct.unpack('>BI', read_exactly(peer, 5))
    return status, read_exactly(peer, length)


def authenticate(peer):
    """The server's side of PLAIN. Raises EOFError after a refusal."""
    assert read_negotiation(peer) == (START, b'PLAIN')
    status, response = read_negotiation(peer)
    assert status == OK
    if response.split(b'\0')[-2:] != [b'jsmith', PASSWORD.encode()]:
        peer.sendall(negotiation(BAD, b'no such user'))
        raise EOFError
    peer.sendall(negotiation(COMPLETE))


def serve(peer, server):
    """Thrift frames inside SASL frames; PLAIN wraps by doing nothing."""
    authenticate(peer)
    while True:
        frame = read_exactly(peer, struct.unpack('>i', read_exactly(peer, 4))[0])
        call = call_in(frame[4:])
        server.calls.append(call)
        result = string_result('x' * 200_000 if call.name == 'describe_snitch' else '19.39.0')
        peer.sendall(framed(call.reply(b'\0' if call.name == 'set_keyspace' else result)))


def credentials(password=PASSWORD):
    return lambda host, port: {'service': 'cassandra', 'mechanism': 'PLAIN', 'username': 'jsmith',
                               'password': password}


def connect(server, factory=None, **options):
    options.setdefault('timeout', 5)
    return Connection(None, server.address, transport_factory=factory or make_sasl_transport_factory(credentials()),
                      **options)


def test_calls_after_negotiation(scripted):
    server = scripted(serve)
    with connect(server) as connection:
        connection.set_keyspace('Keyspace1')
        for _ in range(3):
            assert connection.describe_version() == '19.39.0'
        assert connection.describe_snitch() == 'x' * 200_000
        assert connection.is_open and connection.probe()
    assert not connection.is_open
    assert server.names == ['set_keyspace'] + ['describe_version'] * 3 + ['describe_snitch']
    server.wait_closed()


def test_the_factory_gets_host_and_port(scripted):
    server = scripted(serve)
    asked = []

    def factory(host, port):
        asked.append((host, port))
        return {'host': 'principal.example', **credentials()(host, port)}

    with connect(server, make_sasl_transport_factory(factory)) as connection:
        assert connection.transport.inner.host == 'principal.example'
    assert asked == [(server.host, server.port)]


def test_a_refusal_shows_the_server_s_reason_and_no_credentials(scripted):
    server = scripted(serve)
    with pytest.raises(ConnectionFailed, match='refused SASL PLAIN with status 3: no such user') as refused:
        connect(server, make_sasl_transport_factory(credentials('wrong pony')))
    assert 'wrong pony' not in repr(refused.value) and 'jsmith' not in repr(refused.value)
    server.wait_closed()


@pytest.mark.parametrize('answer, error, text', [
    (negotiation(ERROR, b'broken'), ConnectionFailed, 'status 4: broken'),
    (negotiation(9), ConnectionFailed, 'status 9'),
    (struct.pack('>BI', OK, MAX_NEGOTIATION_BYTES + 1), ProtocolError, f'{MAX_NEGOTIATION_BYTES + 1} bytes'),
    (b'\x02\x00', ConnectionClosed, 'closed the connection'),
    (b'', ConnectionClosed, 'closed the connection'),
])
def test_bad_negotiations(scripted, answer, error, text):
    def script(peer, server):
        read_negotiation(peer)
        read_negotiation(peer)
        peer.sendall(answer)

    server = scripted(script)
    with pytest.raises(error, match=text):
        connect(server)
    server.wait_closed()


def test_a_server_that_says_complete_too_early(scripted):
    def script(peer, server):
        read_negotiation(peer)
        peer.sendall(negotiation(COMPLETE))
        peer.recv(100)

    server = scripted(script)
    transport = TSaslClientTransport(StreamSocket(server.host, server.port, timeout=5), server.host, 'cassandra',
                                     'PLAIN', username='jsmith', password=PASSWORD)
    transport.sasl._chosen_mech.process = lambda challenge=None: b''
    with pytest.raises(ConnectionFailed, match='before it was complete'):
        transport.open()
    assert not transport.isOpen()
    server.wait_closed()


def test_errors_of_the_mechanism(scripted):
    with pytest.raises(ConnectionFailed, match='SASL PLAIN failed: .*username') as failed:
        connect(scripted(serve), make_sasl_transport_factory(lambda host, port: {
            'service': 'cassandra', 'mechanism': 'PLAIN', 'password': PASSWORD}))
    assert PASSWORD not in str(failed.value)


def test_the_negotiation_has_the_time_out_of_connecting(scripted):
    server = scripted(lambda peer, server: server.stopping.wait(10))
    started = time.monotonic()
    with pytest.raises(CallTimeout, match='connect_timeout=0.2'):
        connect(server, connect_timeout=0.2)
    assert time.monotonic() - started < 5


def test_the_deadline_of_a_call_holds_under_sasl(scripted):
    def script(peer, server):
        authenticate(peer)
        while True:
            for byte in framed(framed(b'x' * 500)):
                peer.sendall(bytes([byte]))
                time.sleep(0.02)

    connection = connect(scripted(script), timeout=0.3, connect_timeout=5)
    started = time.monotonic()
    with pytest.raises(CallTimeout, match='timeout=0.3'):
        connection.describe_version()
    assert time.monotonic() - started < 3
    assert not connection.is_open


@pytest.mark.parametrize('answer, error', [
    (struct.pack('>i', -1), ProtocolError), (struct.pack('>i', 0x7fffffff), ReplyTooLarge),
    (framed(struct.pack('>i', -1)), ProtocolError), (framed(framed(b'garbage')), ProtocolError),
    (framed(b'xy'), TransportError),
])
def test_bad_messages(scripted, answer, error):
    def script(peer, server):
        authenticate(peer)
        read_exactly(peer, 4)
        peer.sendall(answer)

    connection = connect(scripted(script))
    with pytest.raises(error):
        connection.describe_version()
    assert not connection.is_open


def test_as_a_thrift_transport(scripted):
    """Reads in any size, and the refill that thrift's C extension asks for."""
    def script(peer, server):
        authenticate(peer)
        peer.sendall(framed(b'abc') + framed(b'') + framed(b'defgh'))
        assert read_exactly(peer, 9) == framed(b'hello')
        peer.recv(1)

    server = scripted(script)
    transport = TSaslClientTransport(StreamSocket(server.host, server.port, timeout=5), 'localhost', 'cassandra',
                                     'PLAIN', username='jsmith', password=PASSWORD)
    transport.transport.until(soon(), 'deadline')
    transport.open()
    assert transport.readAll(2) == b'ab'
    assert transport.cstringio_buf.read() == b'c'
    assert transport.cstringio_refill(b'c', 4).read(4) == b'cdef'
    assert transport.readAll(2) == b'gh'
    transport.write(b'hel')
    transport.write(b'lo')
    transport.flush()
    transport.close()


def test_without_puresasl(monkeypatch):
    for name in [name for name in sys.modules if name.split('.')[0] == 'puresasl']:
        monkeypatch.delitem(sys.modules, name)
    original = builtins.__import__

    def missing(name, *arguments, **keywords):
        if name.split('.')[0] == 'puresasl':
            raise ImportError(name)
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, '__import__', missing)
    with pytest.raises(ConfigurationError, match=r'pycassa\[sasl\]'):
        TSaslClientTransport(StreamSocket('localhost', 9160), 'localhost', 'cassandra')
