"""Forks in traffic: a child never touches a socket of its parent's, as is seen from the other end of all sockets."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from apart import RemoteServer, child_environment
from proxy import FaultProxy
from traffic import prepare

import pycassa

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')

FORKS = 200
PID = re.compile(rb'pid=(\d+)\. (lasting)?')
SCRIPT = str(pathlib.Path(__file__).parent / 'forking.py')


@pytest.fixture
def link():
    """A server with rows, and the proxy in front of it that sees every byte and every end."""
    with RemoteServer() as running:
        prepare(running.address)
        with FaultProxy('127.0.0.1', running.port, recording=True) as proxy:
            yield proxy


class Program:
    """forking.py, which waits when it has done its forks, its connections still open."""

    def __init__(self, address, forks, script=SCRIPT):
        self.process = subprocess.Popen([sys.executable, '-W', 'ignore::DeprecationWarning', script, address,
                                         str(forks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=child_environment(), text=True)
        line = self.process.stdout.readline()
        assert line, f'the program has ended with {self.process.wait()}: its children may have hung, see above'
        self.facts = json.loads(line)

    def end(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60), rest


class Seen:
    """What came over each connection: whose marks, and whether its bytes are whole requests."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.users, self.lasting, self.requests = {}, set(), {}
        for request in list(proxy.recorded):
            self.requests.setdefault(request.connection, []).append(request)
            for pid, lasting in PID.findall(request.data):
                self.users.setdefault(request.connection, set()).add(int(pid))
                if lasting:
                    self.lasting.add(request.connection)

    def stray(self):
        """Connections with bytes that are no whole request, or a request that does not belong there."""
        found = []
        for link in self.proxy.links:
            requests = self.requests.get(link.number, [])
            names = [request.method for request in requests]
            whole = sum(len(request.data) for request in requests)
            if link.requests.received != whole or names.count('set_keyspace') > 1:
                found.append((link.number, link.requests.received, whole, names[:5]))
        return found


def test_forks_in_traffic(link, proof):
    number = proof.count(FORKS, least=7)
    program = Program(link.address, number)
    facts = program.facts
    seen = Seen(link)
    assert facts['wrong'] == [] and sum(facts['done'].values()) == number
    assert facts['implementation'] == pycassa.implementation() and facts['reaped']
    assert facts['counts'][1:4] == [0, 0, 0]
    # No connection was used by two processes, and nothing but whole requests came over any.
    assert {connection: users for connection, users in seen.users.items() if len(users) > 1} == {}
    assert seen.stray() == []
    # Nobody has ended a connection of the parent's, and those of its children have ended with them.
    of_parent = {connection for connection in seen.lasting if seen.users[connection] == {facts['pid']}}
    assert len(of_parent) >= 6 and of_parent <= set(link.open)
    children = {user for users in seen.users.values() for user in users} - {facts['pid']}
    assert len(children) >= number // 2
    assert link.wait_for(lambda proxy: not any(seen.users.get(number, set()) & children for number in proxy.open))
    assert program.end() == (0, '')
    proof.saw('fork', forks=number, children=len(children), touched=0, calls=facts['calls'],
              implementation=facts['implementation'])


TOUCHING = f"""\
import os, socket, sys
sys.path.insert(0, {os.path.dirname(SCRIPT)!r})
import pycassa
from apart import KEYSPACE
from pycassa.cassandra.ttypes import ColumnParent, SlicePredicate

connection = pycassa.Connection(KEYSPACE, sys.argv[1], timeout=30)
connection.get_count(b'pid=%d. lasting' % os.getpid(), ColumnParent('Rows'), SlicePredicate(column_names=[b'a']), 1)
child = os.fork()
if child == 0:
    handle = connection.transport.stream.handle
    TOUCH
    os._exit(0)
os.waitpid(child, 0)
print('{{}}', flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize('touch', ["os.write(handle.fileno(), b'xx')", 'handle.shutdown(socket.SHUT_RDWR)'])
def test_a_child_that_touches_is_seen(link, tmp_path, touch):
    script = tmp_path / 'touching.py'
    script.write_text(TOUCHING.replace('TOUCH', touch))
    program = Program(link.address, 1, str(script))
    assert link.wait_for(lambda proxy: Seen(proxy).stray() or not Seen(proxy).lasting <= set(proxy.open))
    program.end()
