"""The embedded server as a process: its one line, its options, how it ends."""
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from rawthrift import REPLY, RawConnection, framed, message, parse, string

from pycassa.embedded import spawn
from pycassa.errors import PycassaError


def run(*options):
    """The outcome of `python -m pycassa.embedded` with options that let it end at once."""
    return subprocess.run([sys.executable, '-m', 'pycassa.embedded', *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_and_stops_cleanly_on_a_signal(number):
    process = subprocess.Popen([sys.executable, '-m', 'pycassa.embedded', '--port', '0'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r'listening on 127\.0\.0\.1:(\d+)\n', line)
        assert found, line
        connection = socket.create_connection(('127.0.0.1', int(found[1])), 10)
        connection.sendall(framed(message('set_keyspace', string(1, b'Keyspace1') + b'\0')))
        assert connection.recv(100).endswith(b'\0')
        process.send_signal(number)
        assert process.wait(20) == 0
        assert connection.recv(1) == b''
        connection.close()
        assert process.stdout.read() == '' and process.stderr.read() == ''
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_spawn_and_stop():
    with spawn(profile='3.11', partitioner='ByteOrderedPartitioner') as server:
        assert server.running and server.address == f'127.0.0.1:{server.port}'
        with RawConnection(server) as raw:
            assert raw.call('describe_version').body == string(0, b'20.1.0') + b'\0'
            assert raw.call('describe_partitioner').body.endswith(b'.ByteOrderedPartitioner\0')
            assert b'does not exist' in raw.call('set_keyspace', string(1, b'Keyspace1') + b'\0').body
        assert server.cpu_seconds() >= 0
    assert not server.running
    assert server.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        RawConnection(server)


def test_every_option(tmp_path):
    credentials = tmp_path / 'credentials'
    credentials.write_text('anna:secret\n')
    with spawn(schema='demo', unframed=True, credentials=str(credentials)) as server, RawConnection(server) as raw:
        raw.send(message('describe_keyspaces'))
        reply = parse(raw.socket.recv(1000))
        assert reply.type == REPLY and b'You have not logged in' in reply.body


def test_it_ends_with_the_process_that_spawned_it():
    parent = subprocess.run([sys.executable, '-c', (
        'import os\n'
        'from pycassa.embedded import spawn\n'
        'print(spawn().pid, flush=True)\n'
        'os._exit(1)\n')], stdout=subprocess.PIPE, text=True, timeout=60, env={**os.environ, 'PYTHONPATH': os.getcwd()})
    pid = int(parent.stdout)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and alive(pid):
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', 'rb') as file:
            return file.read().rpartition(b')')[2].split()[0] != b'Z'
    except FileNotFoundError:
        return False


def test_a_taken_port():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = run('--port', port)
        with pytest.raises(PycassaError, match='status 1 without listening'):
            spawn(port=int(port))
    assert outcome.returncode == 1 and outcome.stdout == ''
    assert outcome.stderr.startswith(f'cannot listen on 127.0.0.1:{port}: ')


@pytest.mark.parametrize('options', [
    ('--profile', '0.6'), ('--partitioner', 'X'), ('--schema', 'none'), ('--host', ''), ('--credentials', '/none')])
def test_wrong_options(options):
    outcome = run('--port', '0', *options)
    assert outcome.returncode == 2 and outcome.stdout == ''
    assert 'error:' in outcome.stderr and 'Traceback' not in outcome.stderr


def test_a_malformed_credentials_file_is_not_quoted(tmp_path):
    path = tmp_path / 'credentials'
    path.write_text('anna:secret\nhavebadpass\n')
    outcome = run('--port', '0', '--credentials', str(path))
    assert outcome.returncode == 2
    assert 'line 2' in outcome.stderr
    assert 'secret' not in outcome.stderr and 'havebadpass' not in outcome.stderr


def test_help_says_that_nothing_is_encrypted():
    outcome = run('--help')
    assert outcome.returncode == 0 and 'encrypted' in ' '.join(outcome.stdout.split())


@pytest.mark.parametrize('port', ['65536', '-1', '99999999', 'x'])
def test_a_port_that_there_is_not_is_wrong_usage(port):
    done = run('--port', port)
    assert done.returncode == 2 and 'port' in done.stderr and port in done.stderr and not done.stdout


def test_stop_at_eof_with_an_input_that_cannot_be_waited_for(tmp_path):
    """Files and /dev/null cannot be polled; they are at their end at once."""
    done = run('--port', '0', '--stop-at-eof')
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.startswith('listening on ')
