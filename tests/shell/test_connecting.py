"""Options and connecting: several servers, passwords that show nowhere, TLS, and one clear line for what fails."""
import contextlib
import socket
import ssl
import threading

import pytest

from pycassa.embedded import EmbeddedServer
from pycassa.shell import command

from .conftest import COMMANDS

both_commands = pytest.mark.parametrize('name', COMMANDS)
KEYSPACE = 'print(POOL.keyspace)'


def refused(done, status, *texts, name='pycassaShell'):
    """Whether the shell ended with `status`, nothing on standard output, and one line that has all `texts` in it."""
    line, newline, rest = done.stderr.partition('\n')
    assert done.returncode == status and done.stdout == '' and rest == '', done.stderr
    assert line.startswith(f'{name}: ') and all(text in line for text in texts), line
    return True


@both_commands
def test_no_server(shell, refused_port, name):
    address = f'127.0.0.1:{refused_port}'
    assert refused(shell('-H', '127.0.0.1', '-p', str(refused_port), command=name), command.FAILED, address, 'refused',
                   name=name)
    assert refused(shell('--server', address, '--server', 'no.such.host.invalid', command=name), command.FAILED,
                   address, 'no.such.host.invalid:9160', name=name)


def test_the_first_server_that_answers_is_taken(demo, shell, refused_port):
    done = shell('--server', f'127.0.0.1:{refused_port}', '--server', demo.address, '-k', 'Keyspace1',
                 script='print(STANDARD1, len(POOL.server_list))')
    assert (done.stdout, done.returncode) == ('<ColumnFamily Standard1> 2\n', 0), done.stderr


def test_what_is_no_cassandra(demo, shell):
    """It accepts, and then stalls, closes, or speaks another language."""
    demo.faults.stall(methods='describe_cluster_name')
    assert refused(shell('--server', demo.address, '--timeout', '0.3'), command.FAILED, demo.address, 'timeout=0.3')
    demo.faults.reset(methods='describe_cluster_name')
    assert refused(shell('--server', demo.address), command.FAILED, demo.address)
    demo.faults.garbage(methods='describe_cluster_name')
    assert refused(shell('--server', demo.address), command.FAILED, demo.address)
    demo.faults.garbage(methods='describe_cluster_name')
    with EmbeddedServer(schema='demo') as other:
        done = shell('--server', demo.address, '--server', other.address, '-k', 'Keyspace1', script=KEYSPACE)
    assert (done.stdout, done.returncode) == ('Keyspace1\n', 0)


@both_commands
def test_a_keyspace_that_is_not_there(server, keyspace, shell, name):
    done = shell('--server', server.address, '-k', 'nowhere', '--timeout', '30', command=name)
    assert refused(done, command.USAGE, "no keyspace 'nowhere'", keyspace, 'system', name=name)


def test_without_a_keyspace(demo, shell):
    done = shell('--server', demo.address, script='print(POOL, "STANDARD1" in globals())\nuse("Keyspace1")\n'
                                                  'print(STANDARD1)')
    assert done.stdout == 'None False\n<ColumnFamily Standard1>\n'


def test_the_options_of_release_1_11(shell, guarded):
    for framed in ([], ['-F'], ['--framed']):
        done = shell('-H', guarded.host, '-p', str(guarded.port), '-k', 'Keyspace1', '-u', 'jsmith', '-P', 'canary',
                     *framed, script=KEYSPACE)
        assert (done.stdout, done.stderr, done.returncode) == ('Keyspace1\n', '', 0)


@pytest.mark.parametrize('option', ['-S', '--streaming'])
def test_unframed(shell, option):
    with EmbeddedServer(schema='demo', unframed=True) as server:
        done = shell('--server', server.address, '-k', 'Keyspace1', option, script="""
from thrift.transport.TTransport import TBufferedTransport
print(STANDARD1.insert('row', {'a': 'b'}) > 0, STANDARD1.get('row'))
print(type(POOL.get().transport) is TBufferedTransport, len(SYSTEM_MANAGER.list_keyspaces()) > 1)
""")
    assert (done.stdout, done.stderr) == ("True {'a': 'b'}\nTrue True\n", '')


@pytest.mark.parametrize('arguments', [
    ['-p', '0'], ['-p', 'x'], ['-p', '65536'], ['--timeout', '0'], ['--timeout', 'nan'], ['--timeout', 'x'],
    ['--nonsense'], ['file.py']])
@both_commands
def test_wrong_usage(shell, arguments, name):
    done = shell(*arguments, command=name)
    assert done.returncode == command.USAGE and done.stderr.startswith('usage: ') and '_port' not in done.stderr


@pytest.mark.parametrize('arguments, text', [
    (['-P', 'canary'], '--user'), (['--exit'], '--file'), (['--keyfile', 'key.pem'], '--certfile'),
    (['--server', 'a:b'], "'a:b'"), (['-H', 'a b'], "'a b'"), (['--ca-certs', 'missing.pem'], 'missing.pem'),
    (['--certfile', 'missing.pem'], 'missing.pem'), (['-u', 'jsmith'], 'PYCASSA_PASSWORD')])
def test_what_does_not_go_together(shell, arguments, text):
    done = shell(*arguments)
    assert refused(done, command.USAGE, text) and 'canary' not in done.stderr


@both_commands
def test_help(shell, name):
    done = shell('--help', command=name)
    assert done.returncode == 0 and done.stderr == ''
    words = ('--keyspace', '--host', '--port', '--user', '--passwd', '--streaming', '--framed', '--file', '--server',
             '--tls', 'exit status: 0', 'PYCASSA_PASSWORD')
    assert [word for word in words if word not in done.stdout] == []


# --- passwords --------------------------------------------------------------------------------------------------------

def test_the_password_from_the_environment(guarded, shell):
    done = shell('--server', guarded.address, '-k', 'Keyspace1', '-u', 'jsmith', script=KEYSPACE,
                 PYCASSA_PASSWORD='canary')
    assert (done.stdout, done.stderr) == ('Keyspace1\n', '')


@pytest.mark.parametrize('option', ['-P', '--passwd', '--password'])
def test_a_password_is_shown_by_nothing_of_the_shell(guarded, shell, option):
    done = shell('--server', guarded.address, '-k', 'Keyspace1', '--username', 'jsmith', option, 'canary', script="""
import sys
print(sys.argv, POOL, SYSTEM_MANAGER, sorted(globals()))
describe_keyspace()
1/0
""")
    assert 'STANDARD1' in done.stdout and 'ZeroDivisionError' in done.stderr
    assert 'canary' not in done.stdout + done.stderr


def test_a_login_that_fails(guarded, shell):
    done = shell('--server', guarded.address, '-u', 'jsmith', '-P', 'wrong-canary')
    assert refused(done, command.FAILED, 'AuthenticationException', 'incorrect') and 'canary' not in done.stderr
    assert refused(shell('--server', guarded.address, '-k', 'Keyspace1'), command.FAILED, 'not logged in')


def test_the_password_is_asked_for(guarded, terminal):
    window = terminal('--server', guarded.address, '-k', 'Keyspace1', '-u', 'jsmith', '--plain')
    window.expect('Password of jsmith: ')
    window.send('canary\n')
    assert 'STANDARD1' in window.expect('>>> ')
    assert window.command('POOL.keyspace') == "'Keyspace1'" and window.end('exit()') == 0
    assert 'canary' not in window.text


def test_no_password_after_all(guarded, terminal):
    window = terminal('--server', guarded.address, '-u', 'jsmith')
    window.expect('Password of jsmith: ')
    window.send('\x04')
    assert window.end() == command.USAGE
    assert 'no password was given' in window.text and 'Traceback' not in window.text
    window = terminal('--server', guarded.address, '-u', 'jsmith')
    window.expect('Password of jsmith: ')
    window.send('\x03')
    assert window.end() == command.FAILED
    assert 'interrupted' in window.text and 'Traceback' not in window.text


# --- TLS --------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def tls_before(server, certificate, client_ca=None):
    """The address of a port that speaks TLS and passes all on to `server`, which does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, server), daemon=True).start()
        yield f'127.0.0.1:{listener.getsockname()[1]}'
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener, context, server):
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_pass_on, args=(peer, context, server), daemon=True).start()


def _pass_on(peer, context, server):
    """One call at a time goes there and its reply back, as clients of Thrift do it."""
    with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as outside, \
            socket.create_connection((server.host, server.port)) as inside:
        while True:
            for source, target in ((outside, inside), (inside, outside)):
                head = _exactly(source, 4)
                target.sendall(head + _exactly(source, int.from_bytes(head, 'big')))


def _exactly(stream, count):
    data = b''
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def test_tls(demo, shell, certificates):
    authority, good = certificates.authority[0], certificates.signed('shell', 'DNS:localhost,IP:127.0.0.1')
    with tls_before(demo, good) as address:
        def trial(*options):
            return shell('--server', address, '-k', 'Keyspace1', *options, script=KEYSPACE)

        for options in (['--ca-certs', authority], ['--tls', '--ca-certs', authority], ['--no-verify']):
            done = trial(*options)
            assert (done.stdout, done.stderr) == ('Keyspace1\n', ''), options
        assert refused(trial('--tls'), command.FAILED, address, 'certificate')
        assert refused(trial(), command.FAILED, address)


def test_a_certificate_of_the_client(demo, shell, certificates):
    authority, good = certificates.authority[0], certificates.signed('server', 'IP:127.0.0.1')
    certificate, key = certificates.signed('client', 'DNS:client')
    with tls_before(demo, good, client_ca=authority) as address:
        done = shell('--server', address, '-k', 'Keyspace1', '--ca-certs', authority, '--certfile', certificate,
                     '--keyfile', key, script=KEYSPACE)
        assert (done.stdout, done.stderr) == ('Keyspace1\n', '')
        assert refused(shell('--server', address, '--ca-certs', authority), command.FAILED, address)
