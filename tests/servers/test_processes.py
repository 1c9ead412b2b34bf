"""Servers end with the process that they are run for, however it ends; a process is never taken for another one."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from . import keeper
from .errors import ServerFailed
from .node import KEEPER, Node
from .processes import Process

SLEEPER = [sys.executable, '-c', 'import time; print("begun", flush=True); time.sleep(600)']
# Ignores what asks it to end.
STUBBORN = [sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
            'print("begun", flush=True); time.sleep(600)']
TESTS = pathlib.Path(__file__).resolve().parents[1]
# What a test run does: it starts a server and waits.
RUN = f"""
import pathlib, sys, time
sys.path.insert(0, {str(TESTS)!r})
from servers.node import Node
node = Node('none', pathlib.Path(sys.argv[1]))
node.start({SLEEPER!r}, {{parent}}, node.folder.parent)
print('started', flush=True)
time.sleep(600)
"""
PATIENCE = 20


def until(condition):
    """Wait until something is so; it is a failure if it never is."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f'not within {PATIENCE} seconds'
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'cluster' / 'node1'
    path.mkdir(parents=True)
    return path


@pytest.fixture
def node(folder):
    found = Node('none', folder)
    yield found
    found.end(patience=0)


def started(node, command=SLEEPER):
    before = node.log().count('begun')
    node.start(command, os.getpid())
    until(lambda: node.log().count('begun') > before)
    return node.process()


def test_a_process_is_told_from_a_later_one_of_its_number():
    me = Process.of(os.getpid())
    assert me.alive() and me.parent() == Process.of(os.getppid())
    other = me._replace(began=me.began - 1)
    assert not other.alive() and not other.send(signal.SIGKILL) and other.parent() is None


def test_one_that_ended_is_not_there_though_nobody_asked_how():
    ended = subprocess.Popen([sys.executable, '-c', ''])
    process = Process.of(ended.pid)
    until(lambda: not process.alive())
    assert Process.of(ended.pid) is None and ended.wait() == 0


def test_the_file_of_a_process(tmp_path):
    path = tmp_path / 'process'
    assert Process.read(path) is None
    me = Process.of(os.getpid())
    me.write(path)
    assert Process.read(path) == me and [each.name for each in tmp_path.iterdir()] == ['process']


def test_a_node_s_life(node):
    process = started(node)
    assert process.alive() and node.log(lines=1) == 'begun'
    node.end(patience=PATIENCE)
    assert not process.alive() and node.process() is None and not node.process_file.exists()
    with pytest.raises(ServerFailed, match='no server runs'):
        node.send(signal.SIGSTOP)
    again = started(node)
    assert again != process and node.log() == 'begun\nbegun\n'


@pytest.mark.parametrize('command, ended_by', [(SLEEPER, signal.SIGTERM), (STUBBORN, signal.SIGKILL)])
def test_who_does_not_end_when_asked_to_is_killed(node, command, ended_by):
    started(node, command)
    watching = node._keeper
    node.end(patience=0.5)
    # A keeper's status is that of its server: of -9 a process has the lowest eight bits.
    assert watching.returncode == -ended_by & 0xff


def test_one_that_is_paused_can_be_ended(node):
    process = started(node)
    node.send(signal.SIGSTOP)
    node.end(patience=PATIENCE)
    assert not process.alive()


def test_a_file_that_names_another_process_ends_nobody(node):
    me = Process.of(os.getpid())
    me._replace(began=me.began - 1).write(node.process_file)
    node.end(patience=0)
    assert me.alive() and not node.process_file.exists()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_dies_with_the_run_that_started_it(number, folder):
    run = subprocess.Popen([sys.executable, '-c', RUN.format(parent='__import__("os").getpid()'), folder],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with run:
        assert run.stdout.readline() == b'started\n'
        process = Process.read(folder / 'process')
        assert process.alive()
        run.send_signal(number)
    until(lambda: not process.alive())
    until(lambda: not folder.parent.exists())


def test_one_in_the_background_does_not(folder):
    run = subprocess.Popen([sys.executable, '-c', RUN.format(parent='None'), folder], stdout=subprocess.PIPE)
    with run:
        assert run.stdout.readline() == b'started\n'
        run.kill()
    process = Process.read(folder / 'process')
    time.sleep(3 * keeper.EVERY)
    assert process.alive()
    # The watcher's own end is the server's, too.
    process.parent().send(signal.SIGKILL)
    until(lambda: not process.alive())


def test_a_command_that_is_not_there(folder):
    done = subprocess.run([sys.executable, '-I', str(KEEPER), '--process', folder / 'process', '--log', folder / 'log',
                           '--', str(folder / 'java')], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and 'FileNotFoundError' in done.stderr
