"""TLS: verified by default, 1.2 or later, over the same deadlines; the socket factory of 1.11."""
import contextlib
import os
import socket
import ssl
import time

import pytest
from thrift.transport.TTransport import TFramedTransport

from pycassa.connection import Connection, make_ssl_context, make_ssl_socket_factory
from pycassa.errors import CallTimeout, ConfigurationError, ConnectionClosed, ConnectionFailed, TransportError
from pycassa.framing import SocketTransport
from pycassa.transport import StreamSocket

from .conftest import call_in, framed, message, read_call, string_result
from .test_transport import in_child

pytestmark = pytest.mark.filterwarnings('ignore:ssl.TLSVersion:DeprecationWarning')

VERSION = string_result('19.39.0')


@pytest.fixture(scope='module')
def good(certificates):
    return certificates.signed('good', 'DNS:localhost,IP:127.0.0.1')


@pytest.fixture
def tls(scripted):
    """tls(certificate, script=…, **context) -> a server that answers in TLS."""
    def start(certificate, script=None, client_ca=None, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        if version:
            context.set_ciphers('ALL:@SECLEVEL=0')
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version

        def talk(peer, server):
            # What the client thinks of the certificate is for the client's side of the test to say.
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(peer, server_side=True) as secure:
                if script is None:
                    server.serve(secure, describe_version=VERSION)
                else:
                    script(secure, server)

        return scripted(talk)

    return start


@pytest.mark.parametrize('version', [None, ssl.TLSVersion.TLSv1_2], ids=['newest', '1.2'])
def test_ssl_context(tls, certificates, good, version):
    server = tls(good, version=version)
    context = make_ssl_context(certificates.authority[0])
    with Connection('Keyspace1', server.address, timeout=5, ssl_context=context) as connection:
        assert isinstance(connection.transport, SocketTransport)
        for _ in range(3):
            assert connection.describe_version() == '19.39.0'
            assert connection.probe()
    assert server.names == ['set_keyspace'] + ['describe_version'] * 3


def test_socket_factory(tls, certificates, good):
    server = tls(good)
    factory = make_ssl_socket_factory(certificates.authority[0])
    with Connection(None, server.address, timeout=5, socket_factory=factory) as connection:
        assert isinstance(connection.transport, SocketTransport)
        assert connection.describe_version() == '19.39.0'


def test_the_host_is_verified_by_name_too(tls, certificates, good):
    server = tls(good)
    context = make_ssl_context(certificates.authority[0])
    with Connection(None, ('localhost', server.port), timeout=5, ssl_context=context) as connection:
        assert connection.describe_version() == '19.39.0'


def test_the_factory_by_itself_and_under_a_users_transport(tls, certificates, good):
    server = tls(good)
    factory = make_ssl_socket_factory(certificates.authority[0])
    tsocket = factory(server.host, server.port)
    assert not tsocket.isOpen()
    transport = TFramedTransport(tsocket)
    transport.open()
    transport.write(message('describe_version', 3, kind=1))
    transport.flush()
    assert transport.read(100) == message('describe_version', 3, VERSION)
    transport.close()
    with Connection(None, server.address, timeout=5, socket_factory=factory,
                    transport_factory=lambda tsocket, host, port: TFramedTransport(tsocket)) as connection:
        assert connection.describe_version() == '19.39.0'


def refused(server, **options):
    started = time.monotonic()
    with pytest.raises(ConnectionFailed) as failed:
        Connection(None, server.address, timeout=5, **options)
    assert time.monotonic() - started < 4
    assert server.calls == []
    return str(failed.value)


def test_self_signed(tls, certificates):
    server = tls(certificates.self_signed('self', 'localhost'))
    text = refused(server, socket_factory=make_ssl_socket_factory(certificates.authority[0]))
    assert "the server's certificate was refused: self" in text and 'ca_certs' in text
    assert 'certificate was refused' in refused(server, socket_factory=make_ssl_socket_factory(None))
    with Connection(None, server.address, timeout=5,
                    socket_factory=make_ssl_socket_factory(None, validate=False)) as connection:
        assert connection.describe_version() == '19.39.0'


def test_wrong_host(tls, certificates):
    server = tls(certificates.signed('other', 'DNS:other.example'))
    text = refused(server, socket_factory=make_ssl_socket_factory(certificates.authority[0]))
    assert '127.0.0.1' in text and 'certificate was refused' in text


def test_expired(tls, certificates):
    server = tls(certificates.signed('expired', 'IP:127.0.0.1', days=-1))
    assert 'expired' in refused(server, ssl_context=make_ssl_context(certificates.authority[0]))


def test_tls_1_1_is_refused(tls, certificates, good):
    server = tls(good, version=ssl.TLSVersion.TLSv1_1)
    assert 'TLS handshake failed' in refused(server, ssl_context=make_ssl_context(certificates.authority[0]))
    assert 'TLS handshake failed' in refused(server, ssl_context=make_ssl_context(validate=False))


def test_a_plain_server(answering, certificates):
    server = answering()
    with pytest.raises(TransportError):
        Connection(None, server.address, timeout=1, ssl_context=make_ssl_context(certificates.authority[0]))


def test_a_plain_client(tls, good):
    server = tls(good)
    with pytest.raises(TransportError, match='ssl_context|closed|lost'):
        Connection('k', server.address, timeout=5)


def test_client_certificates(tls, certificates, good):
    authority = certificates.authority[0]
    server = tls(good, client_ca=authority)
    own = certificates.signed('client', 'DNS:client')
    factory = make_ssl_socket_factory(authority, certfile=own[0], keyfile=own[1])
    with Connection(None, server.address, timeout=5, socket_factory=factory) as connection:
        assert connection.describe_version() == '19.39.0'
    # In TLS 1.3 the client's certificate is asked for after its handshake: the first call fails.
    with pytest.raises(TransportError):
        Connection('k', server.address, timeout=5, ssl_context=make_ssl_context(authority))


def test_a_context_of_ones_own(tls, certificates, good):
    context = ssl.create_default_context(cafile=certificates.authority[0])
    factory = make_ssl_socket_factory(None, ssl_context=context)
    assert factory.ssl_context is context
    with Connection(None, tls(good).address, timeout=5, socket_factory=factory) as connection:
        assert connection.describe_version() == '19.39.0'


def test_files_that_cannot_be_loaded(certificates, tmp_path):
    with pytest.raises(ConfigurationError, match='nowhere.pem'):
        make_ssl_socket_factory(str(tmp_path / 'nowhere.pem'))
    with pytest.raises(ConfigurationError, match='nokey.pem'):
        make_ssl_socket_factory(certificates.authority[0], certfile=str(tmp_path / 'nokey.pem'))


def test_the_handshake_has_the_time_out_of_connecting(scripted):
    server = scripted(lambda peer, server: server.stopping.wait(10))
    with pytest.raises(CallTimeout, match='the TLS handshake was not finished within connect_timeout=0.2'):
        Connection(None, server.address, timeout=5, connect_timeout=0.2, ssl_context=make_ssl_context())


@pytest.mark.parametrize('size', [100, 16_000, 70_000, 3_000_000])
def test_large_messages(tls, certificates, good, size):
    reply = framed(message('get', 1, b'x' * size))
    server = tls(good, lambda peer, server: (server.read(peer), time.sleep(0.02), peer.sendall(reply), peer.recv(1)))
    stream = StreamSocket(server.host, server.port, ssl_context=make_ssl_context(certificates.authority[0]))
    transport = SocketTransport(stream)
    transport.open()
    request = framed(message('insert', 1, os.urandom(size), kind=1))
    assert transport.roundtrip(request, time.monotonic() + 10) == reply[4:]
    assert server.calls[0].data == request[4:]
    transport.close()


def test_the_deadline_holds(tls, certificates, good):
    def drip(peer, server):
        for byte in server.read(peer).reply(b'x' * 300):
            peer.sendall(bytes([byte]))
            time.sleep(0.02)

    connection = Connection(None, tls(good, drip).address, timeout=0.3, connect_timeout=5,
                            ssl_context=make_ssl_context(certificates.authority[0]))
    started = time.monotonic()
    with pytest.raises(CallTimeout, match='timeout=0.3'):
        connection.describe_version()
    assert time.monotonic() - started < 3
    assert not connection.is_open


def test_probe_and_cut(tls, certificates, good):
    def answer_once(peer, server):
        read_call(peer)
        peer.sendall(framed(message('set_keyspace', 0))[:10])

    context = make_ssl_context(certificates.authority[0])
    server = tls(good, lambda peer, server: time.sleep(0.2))
    connection = Connection(None, server.address, timeout=5, ssl_context=context)
    # Session tickets of TLS 1.3 are there by now, and are no reason to give the connection up.
    time.sleep(0.1)
    assert connection.probe()
    deadline = time.monotonic() + 5
    while connection.probe():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    connection.close()
    with pytest.raises(ConnectionClosed):
        Connection('k', tls(good, answer_once).address, timeout=5, ssl_context=context)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_child_sends_nothing_on_its_parents_session(tls, certificates, good):
    server = tls(good)
    context = make_ssl_context(certificates.authority[0])
    connection = Connection(None, server.address, timeout=5, ssl_context=context)
    assert connection.describe_version() == '19.39.0'

    def child():
        connection.close()
        with Connection(None, server.address, timeout=5, ssl_context=context) as own:
            return own.describe_version()

    assert in_child(child) == '19.39.0'
    assert connection.describe_version() == '19.39.0'
    connection.close()


def test_helpers_speak_tls(tls, good):
    """The scripted server of these tests answers a client that is not ours."""
    server = tls(good)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.host, server.port), 5) as plain, context.wrap_socket(plain) as peer:
        peer.sendall(framed(message('describe_version', 9, kind=1)))
        assert call_in(peer.recv(100)[4:]).seqid == 9
