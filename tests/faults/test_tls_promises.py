"""TLS against servers that cannot be trusted: each check by every way in, opt-outs as documented, broken handshakes."""
import contextlib
import shutil
import ssl
import subprocess
import sys
import time

import pytest
from apart import child_environment
from proxy import FaultProxy
from tlsfront import Authority, TLSFront, server_context

import pycassa
from pycassa.connection import Connection, make_ssl_context, make_ssl_socket_factory
from pycassa.errors import AllServersUnavailable, CallTimeout, ConnectionFailed, NoServerAvailable, TransportError
from pycassa.pool import ConnectionPool
from pycassa.system_manager import SystemManager

pytestmark = [pytest.mark.filterwarnings('ignore:ssl.TLSVersion:DeprecationWarning'),
              pytest.mark.skipif(shutil.which('openssl') is None, reason='the openssl command makes the certificates')]

PATIENCE = 30
CREDENTIALS = {'username': 'jsmith', 'password': 'canary'}
OLD = ssl.TLSVersion.TLSv1_1


@pytest.fixture(scope='module')
def certificates(tmp_path_factory):
    """{kind: (certificate file, key file)} of servers, and the authority that clients trust as `authority`."""
    trusted = Authority(tmp_path_factory.mktemp('trusted'))
    stranger = Authority(tmp_path_factory.mktemp('stranger'), 'stranger')
    here = 'DNS:localhost,IP:127.0.0.1'
    made = {'good': trusted.signed('good', here), 'expired': trusted.signed('expired', here, -10, -1),
            'not yet valid': trusted.signed('early', here, 1, 2), 'unknown authority': stranger.signed('strange', here),
            'self-signed': trusted.own('own', [f'subjectAltName={here}']),
            'wrong address': trusted.signed('address', 'DNS:localhost,IP:127.0.0.2'),
            'wrong name': trusted.signed('name', 'DNS:other.example,IP:127.0.0.1'),
            'revoked': trusted.signed('revoked', here)}
    made['authority'] = trusted
    return made


class Server:
    """A server behind TLS, with a proxy in front that counts connections and breaks them."""

    def __init__(self, front, proxy):
        self.front = front
        self.proxy = proxy

    def address(self, host='127.0.0.1'):
        return f'{host}:{self.proxy.port}'


@pytest.fixture
def serving(embedded):
    """serving(certificate, **options of server_context) -> Server"""
    with contextlib.ExitStack() as stack:
        def start(certificate, **options):
            front = stack.enter_context(TLSFront(embedded.port, server_context(certificate, **options)))
            return Server(front, stack.enter_context(FaultProxy(front.host, front.port)))
        yield start


# --- ways in -------------------------------------------------------------------------------------------------------

def by_connection(address, context, **options):
    with Connection('Keyspace1', address, timeout=PATIENCE, ssl_context=context, **options) as connection:
        return connection.describe_version()


def by_socket_factory(address, context, **options):
    return by_connection(address, None, socket_factory=make_ssl_socket_factory(None, ssl_context=context), **options)


def by_pool(address, context, **options):
    options.setdefault('ssl_context', context)
    with ConnectionPool('Keyspace1', [address], timeout=PATIENCE, pool_size=1, max_retries=-1, **options) as pool:
        return pool.execute('describe_version')


def by_pool_factory(address, context, **options):
    factory = make_ssl_socket_factory(None, ssl_context=context)
    return by_pool(address, None, socket_factory=factory, **options)


def by_connect(address, context, **options):
    client = pycassa.connect('Keyspace1', [address], timeout=PATIENCE, ssl_context=context, **options)
    with contextlib.closing(client):
        return client.describe_version()


def by_thread_local(address, context, **options):
    return by_connect(address, context, use_threadlocal=True, **options)


def by_manager(address, context, **options):
    with SystemManager(address, timeout=PATIENCE, ssl_context=context, **options) as manager:
        return manager.describe_cluster_name() and '19.39.0'


# What each raises, and how often it may try.
WAYS = {by_connection: (ConnectionFailed, 1), by_socket_factory: (ConnectionFailed, 1),
        by_pool: (AllServersUnavailable, 2), by_pool_factory: (AllServersUnavailable, 2),
        by_connect: (NoServerAvailable, 1), by_thread_local: (NoServerAvailable, 1), by_manager: (ConnectionFailed, 1)}

every_way = pytest.mark.parametrize('way', WAYS, ids=lambda way: way.__name__)


def refused(way, server, context, host='127.0.0.1'):
    """The text of the refusal: typed, of few attempts, and nothing was said to the server before."""
    expected, most = WAYS[way]
    with pytest.raises(expected) as caught:
        way(server.address(host), context, credentials=CREDENTIALS)
    error = caught.value
    causes = [each for _, each in getattr(error, 'attempts', [(None, error)])]
    assert {type(cause) for cause in causes} == {ConnectionFailed} and len(causes) == most
    assert server.proxy.accepted == most and server.front.plain == 0
    assert 'canary' not in str(error)
    return str(causes[-1])


# Of each kind: the host that is asked for, the options of its server, what the message says of the check that
# failed, and of the setting that it is about.
BAD = {
    'expired': ('127.0.0.1', {}, 'certificate has expired', 'ssl_context'),
    'not yet valid': ('127.0.0.1', {}, 'certificate is not yet valid', 'ssl_context'),
    'self-signed': ('127.0.0.1', {}, 'self', 'ca_certs'),
    'unknown authority': ('127.0.0.1', {}, 'unable to get local issuer certificate', 'ca_certs'),
    'wrong address': ('127.0.0.1', {}, "certificate is not valid for '127.0.0.1'", 'check_hostname'),
    'wrong name': ('localhost', {}, "certificate is not valid for 'localhost'", 'check_hostname'),
    'old': ('127.0.0.1', {'highest': OLD}, 'version', 'minimum_version'),
}


@every_way
@pytest.mark.parametrize('kind', BAD)
def test_refused_by_default(serving, certificates, kind, way):
    host, options, check, setting = BAD[kind]
    server = serving(certificates['good' if kind == 'old' else kind], **options)
    text = refused(way, server, make_ssl_context(certificates['authority'].certificate), host)
    assert server.address(host) in text and check in text and setting in text, text


@pytest.mark.parametrize('kind', ['expired', 'self-signed', 'wrong address', 'old'])
def test_the_loader_refuses_too(serving, certificates, kind, tmp_path):
    """With one line that says why; and before it has read a password out."""
    _, options, check, setting = BAD[kind]
    server = serving(certificates['good' if kind == 'old' else kind], **options)
    rows = tmp_path / 'rows.csv'
    rows.write_text('key,a\nk,1\n')
    command = ['-m', 'pycassa.cli', 'verify', str(rows), '--server', server.address(), '--keyspace', 'Keyspace1',
               '--column-family', 'Standard1', '--key', 'key', '--username', 'jsmith', '--ca-certs',
               certificates['authority'].certificate]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=PATIENCE,
                          env={**child_environment(), 'PYCASSA_PASSWORD': 'canary'})
    assert done.returncode == 3 and check in done.stderr and setting in done.stderr, done
    assert 'canary' not in done.stderr and 'Traceback' not in done.stderr
    assert server.proxy.accepted <= 2 and server.front.plain == 0


@every_way
def test_a_good_one_is_taken(serving, certificates, way):
    server = serving(certificates['good'])
    context = make_ssl_context(certificates['authority'].certificate)
    for host in ('127.0.0.1', 'localhost'):
        assert way(server.address(host), context) == '19.39.0'
    assert server.front.plain > 0 and server.proxy.accepted == server.front.handshakes


@every_way
def test_a_server_without_tls(embedded, certificates, way):
    with FaultProxy(embedded.host, embedded.port) as proxy:
        server = Server(type('Front', (), {'plain': 0}), proxy)
        log = embedded.faults.record()
        text = refused(way, server, make_ssl_context(certificates['authority'].certificate))
        assert 'TLS handshake failed' in text and 'ssl_context' in text and len(log) == 0


def test_a_pool_whose_server_has_changed(serving, certificates):
    """A certificate that has become bad is refused when a connection is opened anew; calls end soon, and say why."""
    server = serving(certificates['good'])
    context = make_ssl_context(certificates['authority'].certificate)
    with ConnectionPool('Keyspace1', [server.address()], timeout=PATIENCE, pool_size=2, max_retries=-1,
                        ssl_context=context) as pool:
        assert pool.execute('describe_version')
        server.front.renew(certificates['expired'])
        server.proxy.cut()
        before = server.proxy.accepted
        with pytest.raises(AllServersUnavailable, match='has expired'):
            pool.execute('describe_version')
        assert server.proxy.accepted - before == 2 and pool.counts() == (0, 0, 0, 0, 0)
        server.front.renew(certificates['good'])
        assert pool.execute('describe_version')


# --- opting out ----------------------------------------------------------------------------------------------------

@every_way
@pytest.mark.parametrize('kind', [kind for kind in BAD if kind != 'old'])
def test_without_validation(serving, certificates, kind, way):
    server = serving(certificates[kind])
    assert way(server.address(BAD[kind][0]), make_ssl_context(validate=False)) == '19.39.0'


def test_without_validation_tls_is_new_all_the_same(serving, certificates):
    server = serving(certificates['good'], highest=OLD)
    assert 'minimum_version' in refused(by_connection, server, make_ssl_context(validate=False))


def test_a_context_that_allows_old_tls(serving, certificates):
    context = make_ssl_context(certificates['authority'].certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers('ALL:@SECLEVEL=0')
    server = serving(certificates['good'], highest=OLD)
    assert by_connection(server.address(), context) == '19.39.0'


def test_a_context_that_asks_for_no_host_name_checks_all_else(serving, certificates):
    context = make_ssl_context(certificates['authority'].certificate)
    context.check_hostname = False
    for kind in ('wrong address', 'wrong name'):
        assert by_connection(serving(certificates[kind]).address(), context) == '19.39.0'
    for kind in ('expired', 'unknown authority', 'self-signed'):
        refused(by_connection, serving(certificates[kind]), context)


def test_revoked_certificates(serving, certificates):
    """Nobody asks for lists of revoked certificates by default; a context that has one does."""
    server = serving(certificates['revoked'])
    authority = certificates['authority']
    context = make_ssl_context(authority.certificate)
    assert by_connection(server.address(), context) == '19.39.0'
    context.load_verify_locations(authority.revoke('revoked'))
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    with pytest.raises(ConnectionFailed, match='certificate was refused: certificate revoked'):
        by_connection(server.address(), context)


def test_client_certificates(serving, certificates, tmp_path):
    authority = certificates['authority']
    server = serving(certificates['good'], clients=authority.certificate)
    own = authority.signed('client', 'DNS:client')
    context = make_ssl_context(authority.certificate, certfile=own[0], keyfile=own[1])
    for way in WAYS:
        assert way(server.address(), context) == '19.39.0'
    stranger = Authority(tmp_path, 'strangers').signed('client', 'DNS:client')
    for context in (make_ssl_context(authority.certificate), make_ssl_context(authority.certificate, True, *stranger)):
        before = server.front.plain
        with pytest.raises(TransportError, match='(?i)certificate|alert|closed|lost'):
            by_connection(server.address(), context)
        assert server.front.plain == before


# --- handshakes that break -----------------------------------------------------------------------------------------

VERSIONS = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}


def attempt(server, context, **options):
    """Whether the handshake came to its end; what it ends in otherwise is typed."""
    started = time.monotonic()
    try:
        Connection(None, server.address(), ssl_context=context, **{'timeout': PATIENCE, **options}).close()
    except CallTimeout as error:
        assert 'the TLS handshake was not finished within connect_timeout' in str(error)
    except ConnectionFailed as error:
        assert 'TLS handshake failed' in str(error)
    else:
        return True
    assert time.monotonic() - started < PATIENCE
    return False


@pytest.mark.parametrize('direction', ['replies', 'requests'])
@pytest.mark.parametrize('version', VERSIONS)
def test_handshakes_that_are_cut_reset_or_stalled(serving, certificates, version, direction, proof):
    """At every byte: what came before is not taken for a handshake, and nobody waits for what does not come."""
    server = serving(certificates['good'], highest=VERSIONS[version])
    context = make_ssl_context(certificates['authority'].certificate)
    assert attempt(server, context)
    link = server.proxy.link(1)
    assert server.proxy.wait_for(lambda proxy: not link.is_open)
    stream, chance, seen = getattr(server.proxy, direction), proof.random(), {}
    size = getattr(link, direction).passed
    for fault, options in (('cut_after', {}), ('reset_after', {}), ('stall_after', {'connect_timeout': 0.2})):
        share = size // 20 if fault == 'stall_after' else size
        offsets = sorted(chance.sample(range(size), proof.count(share, least=6)))
        for offset in offsets:
            stream.set(**{fault: offset})
            seen[fault, offset] = attempt(server, context, **options)
        stream.set()
        assert attempt(server, context)
        ends = [seen[fault, offset] for offset in offsets]
        # Whatever comes after the handshake's last byte has nothing to do with it any more.
        assert fault == 'stall_after' or ends == sorted(ends), seen
    assert not all(seen.values())
    assert server.front.plain == 0
    proof.saw('TLS', handshakes=len(seen), hung=0, kinds_refused=len(BAD), ways=len(WAYS))
