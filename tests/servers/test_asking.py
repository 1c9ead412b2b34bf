"""The harness's own client: on the embedded server, and what it finds on real ones that the harness started."""
import contextlib
import ipaddress
import os
import pathlib
import re
import socket
import ssl
import struct
from urllib.parse import parse_qsl

import pytest

from pycassa.embedded import EmbeddedServer

from .asking import Asker, Refused
from .node import Node
from .processes import PROC

PARTITIONER = 'org.apache.cassandra.dht.{}'
LISTENING = '0A'


def pytest_generate_tests(metafunc):
    if 'target' in metafunc.fixturenames:
        given = metafunc.config.getoption('--cassandra') or [pytest.param('none', marks=pytest.mark.skip(
            'no real Cassandra given: --cassandra VERSION@HOST:PORT (./dev server start 2.1 starts one)'))]
        metafunc.parametrize('target', given, indirect=True)


class Target:
    """A cluster that a test run was given."""

    def __init__(self, text):
        where, _, query = text.partition('?')
        _, _, addresses = where.partition('@')
        self.hosts = [address.rpartition(':')[0] for address in addresses.split('+')]
        self.options = dict(parse_qsl(query))
        self.tls = pathlib.Path(self.options['tls']) if 'tls' in self.options else None

    def ask(self, number=1, **how):
        return Asker(self.hosts[number - 1], 9160, **{'tls': self.tls, **how})


@pytest.fixture
def target(request):
    return Target(request.param)


@pytest.fixture(scope='module')
def embedded():
    with EmbeddedServer(profile='3.11', credentials={'alice': 'secret'}) as server:
        yield server


def test_questions(embedded):
    with Asker(embedded.host, embedded.port) as asker:
        schemas = asker.schemas()
        assert asker.call('describe_cluster_name') == b'Test Cluster' and len(schemas) == 1
        ring = asker.ring()
        assert list(schemas.values()) == [ring]


def test_log_in(embedded):
    with Asker(embedded.host, embedded.port) as asker:
        with pytest.raises(Refused, match='login'):
            asker.login('alice', 'wrong')
        with pytest.raises(Refused, match='execute_cql3_query'):
            asker.cql('SELECT * FROM system.local')
        asker.login('alice', 'secret')


def test_who_hangs_up():
    with socket.create_server(('127.0.0.1', 0)) as listening:
        with Asker(*listening.getsockname()) as asker:
            connection = listening.accept()[0]
            connection.sendall(struct.pack('>i', 100) + b'short')
            connection.close()
            with pytest.raises(ConnectionResetError):
                asker.call('describe_version')


def test_a_node_that_does_not_answer_sees_nothing(tmp_path):
    node = Node('127.0.0.1', tmp_path)
    assert node.sees(['127.0.0.1'], ['127.0.0.1']) is False


# --- real servers -----------------------------------------------------------------------------------------------------

def sockets():
    """(address, port, number of the socket) of all that listen on this machine by TCP."""
    for name in ('tcp', 'tcp6'):
        for line in (PROC / 'net' / name).read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(':')
            if fields[3] == LISTENING:
                words = [bytes.fromhex(address[at:at + 8])[::-1] for at in range(0, len(address), 8)]
                yield ipaddress.ip_address(b''.join(words)), int(port, 16), fields[9]


def sockets_of(process):
    found = {os.readlink(link) for link in (process / 'fd').iterdir() if link.is_symlink()}
    return {text[8:-1] for text in found if re.fullmatch(r'socket:\[\d+\]', text)}


def server_on(number):
    """All sockets of the server that has this one."""
    for process in PROC.glob('[0-9]*'):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b'CassandraDaemon' in (process / 'cmdline').read_bytes() and number in sockets_of(process):
                return sockets_of(process)
    raise AssertionError(f'no server has socket {number}')


@pytest.mark.real_server
def test_servers_listen_on_their_own_addresses_only(target):
    listening = list(sockets())
    for host in target.hosts:
        address = ipaddress.ip_address(host)
        thrift = next(number for where, port, number in listening if (where, port) == (address, 9160))
        its_own = server_on(thrift)
        found = {(where, port) for where, port, number in listening if number in its_own}
        assert address.is_loopback and {(address, 9160), (address, 7000)} <= found
        assert found <= {(address, port) for port in (7000, 7001, 9042, 9160)}


@pytest.mark.real_server
def test_every_node_sees_the_ring_and_one_schema(target):
    for number in range(1, len(target.hosts) + 1):
        with target.ask(number) as asker:
            assert asker.ring() == sorted(target.hosts)
            assert list(asker.schemas().values()) == [sorted(target.hosts)]


@pytest.mark.real_server
def test_the_partitioner(target):
    with target.ask() as asker:
        wanted = target.options.get('partitioner', 'Murmur3Partitioner')
        assert asker.call('describe_partitioner').decode() == PARTITIONER.format(wanted)


@pytest.mark.real_server
def test_who_is_let_in(target):
    with target.ask() as asker:
        if 'auth' not in target.options:
            asker.call('describe_keyspaces')
            return
        with pytest.raises(Refused):
            asker.call('describe_keyspaces')
        with pytest.raises(Refused):
            asker.login('cassandra', 'wrong')
        asker.login('cassandra', 'cassandra')
        asker.call('describe_keyspaces')


@pytest.mark.real_server
def test_tls_wants_certificates(target):
    if target.tls is None:
        with target.ask() as asker:
            assert asker.call('describe_version')
        return
    with pytest.raises((OSError, struct.error)):
        with target.ask(tls=None, timeout=5) as asker:
            asker.call('describe_version')
    context = ssl.create_default_context(cafile=str(target.tls / 'ca.pem'))
    with pytest.raises(OSError):
        with target.ask(tls=None, timeout=5) as asker:
            asker.socket = context.wrap_socket(asker.socket, server_hostname=target.hosts[0])
            asker.call('describe_version')
