"""TLS with client certificates: every way in, with the right certificate, another's and none; whom clients trust."""
import contextlib
import shutil
import subprocess
import sys

import pytest

from pycassa import cli
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import make_ssl_context, make_ssl_socket_factory
from pycassa.errors import ConnectionFailed, NoServerAvailable, TransportError

from ..faults.tlsfront import Authority
from ..undertest import PATIENCE, SUPERUSER
from .ways import by_client, by_connection, by_pool, by_thread_local

EMBEDDED_PROFILES = ('2.1?tls=1', '3.11?tls=1&auth=1')
pytestmark = [pytest.mark.given(tls=...),
              pytest.mark.skipif(shutil.which('openssl') is None, reason='the openssl command makes the certificates')]


@pytest.fixture
def files(server):
    """The files of this client: the authority, its certificate, its key."""
    return [f'{server.options["tls"]}/{name}' for name in ('ca.pem', 'client.pem', 'client.key')]


@pytest.fixture(scope='module')
def stranger(tmp_path_factory):
    """An authority that nobody here trusts."""
    return Authority(tmp_path_factory.mktemp('stranger'), 'stranger')


@pytest.fixture
def family(server, keyspace):
    with server.manager() as manager:
        manager.create_column_family(keyspace, 'F', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                                     default_validation_class='UTF8Type')
    return 'F'


# --- ways in ----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def by_socket_factory(server, keyspace, ssl_context=None, **options):
    """As in release 1.11, where a factory was how one came by TLS."""
    context = ssl_context or server.access['ssl_context']
    factory = make_ssl_socket_factory(None, ssl_context=context)
    with server.connect(keyspace, ssl_context=None, socket_factory=factory, **options) as connection:
        yield connection


WAYS = [by_connection, by_socket_factory, by_pool, by_client, by_thread_local]
every_way = pytest.mark.parametrize('way', WAYS, ids=lambda way: way.__name__)


@every_way
def test_with_the_certificate_that_the_server_wants(server, keyspace, family, way):
    with way(server, keyspace) as source:
        cf = ColumnFamily(source, family)
        cf.insert('k', {'a': 'b'})
        cf.batch().insert('l', {'a': 'x' * 100000}).send()  # More than one record of TLS.
        assert cf.get('k') == {'a': 'b'} and cf.get('l') == {'a': 'x' * 100000}
        assert len(list(cf.get_range())) == 2


def test_a_manager(server, keyspace, family):
    with server.manager() as manager:
        assert family in manager.get_keyspace_column_families(keyspace)


def certificates(kind, files, stranger):
    """A context that trusts the server's authority, and shows no certificate or one that the server does not know."""
    if kind == 'none':
        return make_ssl_context(files[0])
    return make_ssl_context(files[0], True, *stranger.signed('client', 'DNS:client.example'))


@pytest.mark.parametrize('kind', ['none', "a stranger's"])
@every_way
def test_without_it_nothing_is_to_be_had(server, keyspace, files, stranger, way, kind):
    """With TLS 1.3 a client may take the handshake for done before the server refuses."""
    context = certificates(kind, files, stranger)
    with pytest.raises((TransportError, NoServerAvailable)) as caught:
        with way(server, keyspace, ssl_context=context) as source:
            ColumnFamily(source, 'F').get('k')
    told(caught.value)


def told(error):
    """The error names the server, and no password."""
    text = f'{error} {error!r} {error.__cause__!r}'
    assert '127.' in text and repr(SUPERUSER['password']) not in text
    return text


@every_way
def test_a_server_of_an_authority_that_is_not_trusted(server, keyspace, stranger, files, way):
    context = make_ssl_context(stranger.certificate, True, *files[1:])
    with pytest.raises((ConnectionFailed, NoServerAvailable)) as caught:
        with way(server, keyspace, ssl_context=context) as source:
            ColumnFamily(source, 'F').get('k')
    assert "the server's certificate was refused" in told(caught.value)


def test_a_client_that_does_not_speak_tls(server, keyspace):
    with pytest.raises(TransportError) as caught:
        with server.connect(keyspace, ssl_context=None) as connection:
            connection.describe_version()
    told(caught.value)


def test_verifying_may_be_switched_off(server, stranger, files):
    context = make_ssl_context(None, False, *files[1:])
    with server.connect(None, ssl_context=context) as connection:
        assert connection.describe_version()


def test_connections_of_a_pool_that_come_and_go(server, keyspace, family):
    with server.pool(keyspace, pool_size=1) as pool:
        cf = ColumnFamily(pool, family)
        for turn in range(3):
            cf.insert('k', {'turn': str(turn)})
            connection = pool.get()
            connection.close()
            connection.return_to_pool()
            assert cf.get('k') == {'turn': str(turn)}


# --- commands ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def command(server, keyspace, files, tmp_path, monkeypatch):
    """command(name): the arguments that load or verify a small file of CSV by TLS."""
    data = tmp_path / 'rows.csv'
    data.write_text('id,name,age\n' + ''.join(f'{number},n{number},{number}\n' for number in range(100)))
    login = []
    if 'credentials' in server.access:
        monkeypatch.setenv('PYCASSA_PASSWORD', SUPERUSER['password'])
        login = ['--username', SUPERUSER['username']]

    def arguments(name, *more):
        return [name, str(data), '--server', server.address, '--keyspace', keyspace, '--column-family', 'loaded',
                '--key', 'id', '--quiet', '--timeout', str(PATIENCE), *login, *more]
    return arguments


def test_the_loader(server, keyspace, files, command, capsys):
    certificate = ['--ca-certs', files[0], '--certfile', files[1], '--keyfile', files[2]]
    assert cli.main(command('load', '--create', *certificate)) == 0
    assert cli.main(command('verify', *certificate)) == 0
    with server.pool(keyspace, pool_size=1) as pool:
        assert len(list(ColumnFamily(pool, 'loaded').get_range())) == 100
    assert cli.main(command('verify', '--ca-certs', files[0])) != 0
    assert server.address in capsys.readouterr().err


def test_the_shell(server, keyspace, family, files, tmp_path, command):
    login = command('load')
    login = login[login.index('--username'):login.index('--username') + 2] if '--username' in login else []
    script = tmp_path / 'script.py'
    script.write_text("F.insert('k', {'a': 'b'})\nprint(F.get('k'))\n")
    done = subprocess.run([sys.executable, '-m', 'pycassa.cli', 'shell', '--server', server.address, '-k', keyspace,
                           '--ca-certs', files[0], '--certfile', files[1], '--keyfile', files[2], '--plain',
                           '--file', str(script), '--exit', '--timeout', str(PATIENCE), *login],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "{'a': 'b'}" in done.stdout
