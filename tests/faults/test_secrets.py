"""A canary password: looked for in logs, events, reprs, exceptions, pickles and outputs, whatever happens at login."""
import base64
import contextlib
import json
import logging
import os
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from apart import child_environment
from canary import Cage, Canary
from tlsfront import Authority, TLSFront, server_context

import pycassa
from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    AuthorizationException,
    InvalidRequestException,
    TApplicationException,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection, make_sasl_transport_factory, make_ssl_context
from pycassa.contrib.stubs import ConnectionPoolStub, StubCluster, SystemManagerStub
from pycassa.embedded import EmbeddedServer
from pycassa.errors import PycassaError
from pycassa.listeners import EVENTS
from pycassa.pool import ConnectionPool
from pycassa.shell.options import Settings
from pycassa.system_manager import SystemManager

KEYSPACE, PATIENCE = 'Keyspace1', 30
# Quotes, a backslash and letters beyond ASCII are written differently by everything that escapes.
TEXT = f'canary\'s "{secrets.token_hex(8)}" \\ n\xe9st'


@pytest.fixture
def canary():
    return Canary(TEXT)


@pytest.fixture
def cage(canary, proof):
    cage = Cage(canary, 'pycassa')
    yield cage
    proof.saw('secrets', forms=len(canary.forms), found=0)


@pytest.fixture
def guarded():
    """A server at which jsmith's password is the canary."""
    with EmbeddedServer(schema='demo', credentials={'jsmith': TEXT}) as server:
        yield server


CREDENTIALS = {'username': 'jsmith', 'password': TEXT}


class Interrupted(BaseException):
    pass


# --- ways in -------------------------------------------------------------------------------------------------------

class Ear:
    """Looks at every event of a pool."""

    def __init__(self, cage):
        self.events = 0
        for event in EVENTS:
            setattr(self, event, lambda dic, event=event: self.hear(cage, event, dic))

    def hear(self, cage, event, dic):
        self.events += 1
        cage.show(f'the event {event}', dic)
        for name, value in dic.items():
            cage.show(f'{name} of the event {event}', value)


def by_connection(cage, server, **options):
    with Connection(KEYSPACE, server, credentials=CREDENTIALS, **options) as connection:
        yield connection
        connection.describe_version()
        connection.login(AuthenticationRequest(CREDENTIALS))


def by_pool(cage, server, **options):
    ear = Ear(cage)
    with ConnectionPool(KEYSPACE, [server], CREDENTIALS, pool_size=2, max_retries=2, listeners=[ear], recycle=2,
                        **options) as pool:
        yield pool
        for _ in range(4):
            yield ColumnFamily(pool, 'Standard1').batch().insert('k', {'a': 'b'})
        yield pool.recreate()
        held = pool.get()
        yield held
        held.login(AuthenticationRequest(CREDENTIALS))
        yield held.info
        held.return_to_pool()
        pool.dispose()
        pool.execute('describe_version')


def by_legacy_pool(cage, server, **options):
    ear = Ear(cage)
    pool = pycassa.SingletonThreadPool(keyspace=KEYSPACE, server_list=[server], credentials=CREDENTIALS,
                                       listeners=[ear], **options)
    with contextlib.closing(pool):
        yield pool
        pool.execute('describe_version')


def by_connect(cage, server, **options):
    client = pycassa.connect(KEYSPACE, [server], credentials=CREDENTIALS, **options)
    yield from _by_client(client)


def by_thread_local(cage, server, **options):
    client = pycassa.connect_thread_local(KEYSPACE, [server], logins={KEYSPACE: CREDENTIALS}, **options)
    yield from _by_client(client)


def _by_client(client):
    with contextlib.closing(client):
        yield client
        client.describe_version()
        yield ColumnFamily(client, 'Standard1')
        client.login(KEYSPACE, CREDENTIALS)
        client.login(AuthenticationRequest(CREDENTIALS))
        yield client.batch()


def by_manager(cage, server, **options):
    with SystemManager(server, CREDENTIALS, **options) as manager:
        yield manager
        manager.describe_cluster_name()
        yield manager.get_keyspace_properties(KEYSPACE)


WAYS = [by_connection, by_pool, by_legacy_pool, by_connect, by_thread_local, by_manager]
every_way = pytest.mark.parametrize('way', WAYS, ids=lambda way: way.__name__)


def go(cage, way, server, capfd, **options):
    """Whether all went well; everything that could be seen of it is looked at."""
    error = None
    with cage.listening():
        try:
            for thing in way(cage, server, **{'timeout': PATIENCE, **options}):
                cage.show(type(thing).__name__, thing)
                if not isinstance(thing, dict):
                    cage.show_attributes(type(thing).__name__, thing)
        except (PycassaError, Interrupted, OSError) as raised:
            error = raised
    if error is not None:
        cage.catch(way.__name__, error)
    output = capfd.readouterr()
    cage.look('standard output', output.out)
    cage.look('standard error', output.err)
    assert cage.found == []
    assert cage.looked_at > 5
    return error is None


# --- what may happen -----------------------------------------------------------------------------------------------

@every_way
def test_all_well(cage, guarded, capfd, way):
    assert go(cage, way, guarded.address, capfd)
    if 'pool' in way.__name__:
        assert cage.logged > 1


@every_way
def test_the_wrong_password(cage, capfd, way):
    with EmbeddedServer(schema='demo', credentials={'jsmith': 'another'}) as server:
        assert not go(cage, way, server.address, capfd)


ECHO = f'login of jsmith with {TEXT!r} failed; {{"password": {json.dumps(TEXT)}}} {base64.b64encode(TEXT.encode())}'
AT_LOGIN = {
    'an internal error': lambda faults: faults.fail(TApplicationException(6, 'broken'), None, 'login'),
    'an unknown method': lambda faults: faults.fail(TApplicationException(1, 'no login here'), None, 'login'),
    'no right': lambda faults: faults.fail(AuthorizationException('not for jsmith'), None, 'login'),
    'a refusal that repeats it': lambda faults: faults.fail(AuthenticationException(ECHO), None, 'login'),
    'no right, and it is repeated': lambda faults: faults.fail(AuthorizationException(ECHO), None, 'login'),
    'an error that repeats it': lambda faults: faults.fail(TApplicationException(6, ECHO), None, 'login'),
    'garbage': lambda faults: faults.garbage(calls=None, methods='login'),
    'garbage that repeats it': lambda faults: faults.garbage(ECHO.encode(), calls=None, methods='login'),
    'a cut': lambda faults: faults.cut(calls=None, methods='login'),
    'half a reply': lambda faults: faults.cut(9, calls=None, methods='login'),
    'a reset': lambda faults: faults.reset(calls=None, methods='login'),
    'a wrong sequence id': lambda faults: faults.wrong_seqid(calls=None, methods='login'),
    'a wrong name': lambda faults: faults.wrong_name(TEXT[:9], calls=None, methods='login'),
    'a wrong type': lambda faults: faults.wrong_type(calls=None, methods='login'),
    'a wrong length': lambda faults: faults.wrong_length(calls=None, methods='login'),
}


@every_way
@pytest.mark.parametrize('fault', AT_LOGIN)
def test_a_login_that_fails(cage, guarded, capfd, way, fault):
    AT_LOGIN[fault](guarded.faults)
    assert not go(cage, way, guarded.address, capfd)


@every_way
def test_a_login_that_takes_too_long(cage, guarded, capfd, way):
    guarded.faults.stall(calls=None, methods='login')
    assert not go(cage, way, guarded.address, capfd, timeout=0.1)


@every_way
def test_a_request_that_cannot_be_sent(cage, capfd, way):
    """The server takes a connection, and nothing that comes over it."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        assert not go(cage, way, '127.0.0.1:%d' % listener.getsockname()[1], capfd, timeout=0.1)


@every_way
def test_a_login_that_is_too_large(cage, guarded, capfd, way):
    assert not go(cage, way, guarded.address, capfd, max_request_bytes=40)


@every_way
def test_a_password_that_no_text_can_be(cage, guarded, capfd, way, monkeypatch):
    """What cannot be encoded raises, with all of it in the exception's own fields."""
    monkeypatch.setitem(CREDENTIALS, 'password', TEXT + '\udc80')
    with pytest.raises(UnicodeEncodeError) as caught:
        go(cage, way, guarded.address, capfd)
    cage.catch(way.__name__, caught.value)
    assert cage.found == []


@every_way
def test_nobody_there(cage, capfd, way):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        assert not go(cage, way, '127.0.0.1:%d' % taken.getsockname()[1], capfd)


@every_way
@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='this system has no interval timers')
def test_a_login_that_is_interrupted(cage, guarded, capfd, way):
    def interrupt(number, frame):
        raise Interrupted

    guarded.faults.stall(calls=None, methods='login')
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        assert not go(cage, way, guarded.address, capfd)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize('way', [by_pool, by_connect, by_thread_local], ids=lambda way: way.__name__)
@pytest.mark.parametrize('calls', [1, None], ids=['once', 'always'])
def test_calls_that_are_made_again(cage, guarded, capfd, way, calls):
    """Every reconnection logs in again."""
    guarded.faults.cut(calls=calls, methods='describe_version')
    log = guarded.faults.record()
    assert go(cage, way, guarded.address, capfd) == (calls == 1)
    assert len(log.of('login')) > 1


@pytest.mark.parametrize('way', [by_pool, by_connection, by_connect], ids=lambda way: way.__name__)
def test_a_keyspace_that_is_not_for_this_user(cage, guarded, capfd, way):
    guarded.faults.fail(InvalidRequestException(f'jsmith has no keyspace, says {TEXT[:4]}'), None, 'set_keyspace')
    assert not go(cage, way, guarded.address, capfd)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')
@pytest.mark.filterwarnings('ignore:This process .* is multi-threaded:DeprecationWarning')
def test_a_child_that_logs_in_again(cage, guarded, capfd):
    with ConnectionPool(KEYSPACE, [guarded.address], CREDENTIALS, timeout=PATIENCE) as pool:
        held = pool.get()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with cage.listening():
                    cage.look('the version', held.describe_version())
                    guarded_away = ConnectionPool(KEYSPACE, ['127.0.0.1:1'], CREDENTIALS, prefill=False)
                    try:
                        guarded_away.execute('describe_version')
                    except PycassaError as error:
                        cage.catch('a child', error)
                    cage.show_attributes('a pool in a child', pool)
                status = 0 if cage.found == [] and cage.logged else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        held.return_to_pool()
    cage.look('standard error', capfd.readouterr().err)
    assert cage.found == []


def test_credentials_that_change_are_those_of_the_next_connection(guarded):
    credentials = {'username': 'jsmith', 'password': TEXT}
    pool = ConnectionPool(KEYSPACE, [guarded.address], credentials, timeout=PATIENCE)
    client = pycassa.connect(KEYSPACE, [guarded.address], credentials=credentials, timeout=PATIENCE)
    with pool, contextlib.closing(client):
        assert pool.credentials == credentials and pool.credentials['password'] == TEXT
        credentials['password'] = 'another'
        pool.dispose()
        for call in (lambda: pool.execute('describe_version'), client.describe_version):
            with pytest.raises(AuthenticationException):
                call()
        pool.credentials['password'] = TEXT
        assert pool.execute('describe_version') == client.describe_version()


# --- TLS and SASL --------------------------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which('openssl') is None, reason='the openssl command makes the certificates')
@every_way
def test_a_key_that_is_protected(cage, guarded, capfd, tmp_path, way):
    authority = Authority(tmp_path)
    passphrase = TEXT.replace('\\', '').encode('ascii', 'ignore').decode()
    here = authority.signed('here', 'IP:127.0.0.1')
    own = authority.signed('client', 'DNS:client', password=passphrase)
    cages = cage, Cage(Canary(passphrase), 'pycassa')
    context = make_ssl_context(authority.certificate)
    context.load_cert_chain(*own, password=passphrase)
    with TLSFront(guarded.port, server_context(here, clients=authority.certificate)) as front:
        for each in cages:
            assert go(each, way, front.address, capfd, ssl_context=context)
            assert not go(each, way, front.address, capfd, ssl_context=make_ssl_context())


def sasl_server(answer):
    """A listener that takes PLAIN's first messages, and gives `answer` back."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(5)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.settimeout(PATIENCE)
                    peer.recv(65536)
                    time.sleep(0.05)
                    peer.sendall(answer)
    threading.Thread(target=serve, daemon=True).start()
    return listener


SASL_ANSWERS = {
    'refused': struct.pack('>BI', 3, 7) + b'no user',
    'refused, and it is repeated': struct.pack('>BI', 3, len(ECHO.encode())) + ECHO.encode(),
    'cut': b'\x03', 'too long': struct.pack('>BI', 3, 1 << 30), 'nonsense': b'HTTP/1.1 400 Bad Request\r\n\r\n',
}


@pytest.mark.parametrize('answer', SASL_ANSWERS)
@pytest.mark.parametrize('way', [by_connection, by_pool, by_connect], ids=lambda way: way.__name__)
def test_sasl(cage, capfd, way, answer):
    pytest.importorskip('puresasl', reason='SASL needs the package pure-sasl, an extra')
    factory = make_sasl_transport_factory(lambda host, port: {
        'service': 'cassandra', 'mechanism': 'PLAIN', 'username': 'jsmith', 'password': TEXT})
    with contextlib.closing(sasl_server(SASL_ANSWERS[answer])) as listener:
        address = '127.0.0.1:%d' % listener.getsockname()[1]
        assert not go(cage, way, address, capfd, transport_factory=factory)
        listener.shutdown(socket.SHUT_RDWR)


# --- stubs, servers, the shell, the loader -------------------------------------------------------------------------

def test_stubs_and_servers(cage, guarded, capfd):
    with cage.listening(), StubCluster(credentials={'jsmith': TEXT}) as cluster:
        pool, manager = ConnectionPoolStub('Shop', credentials=CREDENTIALS), SystemManagerStub(credentials=CREDENTIALS)
        for thing in (cluster, cluster.engine, pool, manager, guarded, guarded.engine, AuthenticationException()):
            cage.show(type(thing).__name__, thing)
        with pytest.raises(PycassaError) as caught:
            ConnectionPoolStub('Shop', credentials=dict(CREDENTIALS, username='nobody'), cluster=cluster)
        cage.catch('a stub', caught.value)
    assert cage.found == []


def test_what_has_to_hold_the_password_does_not_print_it(canary):
    """Their pickles have it: they are how a program hands it on."""
    for thing in (AuthenticationRequest(dict(CREDENTIALS)), Settings(['a:1'], credentials=dict(CREDENTIALS))):
        for how in (repr, str, format):
            assert not canary.is_in(how(thing))


def command(*arguments, script='', **variables):
    return subprocess.run([sys.executable, '-m', *arguments], input=script.encode(), capture_output=True, timeout=60,
                          env={**child_environment(), 'PYTHONWARNINGS': 'default', **variables})


CONVERSATION = """
import logging
logging.basicConfig(level=0)
pycassa.PycassaLogger().set_logger_level('debug')
print(POOL, SYSTEM_MANAGER, STANDARD1, globals().keys(), STANDARD1.get_count('k'))
pycassa.ConnectionPool('Keyspace1', POOL.server_list, {'username': 'nobody', 'password': POOL.credentials['password']})
POOL.execute('no_such_call')
refresh()
"""


@pytest.mark.parametrize('fault', [None, *(fault for fault in AT_LOGIN if 'repeats it' in fault), 'a cut'])
def test_the_shell_and_the_loader(cage, guarded, tmp_path, fault):
    if fault is not None:
        AT_LOGIN[fault](guarded.faults)
    rows = tmp_path / 'rows.csv'
    rows.write_text('key,a\nk,1\nl,2\n')
    there = ('--keyspace', KEYSPACE, '--server', guarded.address, '--timeout', '20')
    commands = {
        'shell': (('pycassa.shell', *there, '-u', 'jsmith', '--plain', '--no-history'), CONVERSATION),
        'load': (('pycassa.cli', 'load', str(rows), *there, '--column-family', 'Standard1', '--key', 'key', '--create',
                  '--username', 'jsmith', '--bad', str(tmp_path / 'bad')), ''),
        'verify': (('pycassa.cli', 'verify', str(rows), *there, '--column-family', 'Standard1', '--key', 'key',
                    '--username', 'jsmith'), ''),
        'nobody': (('pycassa.cli', 'verify', str(rows), *there, '--column-family', 'Standard1', '--key', 'key',
                    '--username', 'nobody'), '')}
    for name, (arguments, script) in commands.items():
        done = command(*arguments, script=script, PYCASSA_PASSWORD=TEXT)
        cage.look(f'what {name} prints', done.stdout + done.stderr)
        if name == 'shell':
            assert (b'<ConnectionPool ' in done.stdout) == (fault is None), done
        else:
            assert (done.returncode == 0) == (fault is None and name != 'nobody'), done
    for path in pathlib.Path(tmp_path).rglob('*'):
        if path.is_file():
            cage.look(f'the file {path.name}', path.read_bytes())
    assert cage.found == []


# --- the check itself ----------------------------------------------------------------------------------------------

PLANTED = {
    'in a text': lambda cage: cage.look('x', f'a {TEXT} b'),
    'in a repr': lambda cage: cage.show('x', {'password': TEXT}),
    'in bytes': lambda cage: cage.look('x', repr(TEXT.encode())),
    'in a repr of a repr': lambda cage: cage.look('x', repr(repr(TEXT))),
    'in JSON': lambda cage: cage.look('x', json.dumps([TEXT])),
    'in hex': lambda cage: cage.look('x', TEXT.encode().hex()),
    'in base64': lambda cage: cage.look('x', base64.b64encode(b'jsmith:' + TEXT.encode() + b'!')),
    'in base64 of other bytes': lambda cage: cage.look('x', base64.b64encode(b'\0jsmith\0' + TEXT.encode())),
    'in UTF-16': lambda cage: cage.look('x', TEXT.encode('utf-16')),
    'in a pickle': lambda cage: cage.show('x', Holder(TEXT)),
    'in an exception': lambda cage: cage.catch('x', ValueError(TEXT)),
    'in a cause': lambda cage: cage.catch('x', _raised(ValueError, KeyError(TEXT))),
    'in an attribute of an exception': lambda cage: cage.catch('x', AuthenticationException(TEXT)),
    'in an attempt': lambda cage: cage.catch('x', pycassa.AllServersUnavailable('x', [('a:1', ValueError(TEXT))])),
}


class Holder:
    def __init__(self, text):
        self.text = text


def _raised(kind, cause):
    error = kind('x')
    error.__cause__ = cause
    return error


@pytest.mark.parametrize('place', PLANTED)
def test_what_is_planted_is_found(canary, place):
    cage = Cage(canary, 'pycassa')
    PLANTED[place](cage)
    assert cage.found


def test_what_is_logged_is_found(canary):
    cage = Cage(canary, 'pycassa')
    with cage.listening():
        logging.getLogger('pycassa.anything').debug('logging in as %s', TEXT)
    assert len(cage.found) == 1


def test_locals_of_the_package_are_found(canary):
    cage = Cage(canary, 'pycassa')
    namespace = {}
    code = compile('def fail(password):\n    raise ValueError\n', os.sep.join(['', 'x', 'pycassa', 'y.py']), 'exec')
    exec(code, namespace)
    with pytest.raises(ValueError) as caught:
        namespace['fail'](TEXT)
    cage.catch('x', caught.value)
    assert len(cage.found) == 1
