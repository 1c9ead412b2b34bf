"""Clusters as such: what they start, end and leave behind. Sleeping processes stand in for the servers."""
import os
import pathlib
import subprocess
import sys

import pytest

from . import addresses, certificates, cluster, configuration, jars, java
from .cluster import Cluster
from .errors import ServerFailed, Unavailable
from .node import Node
from .options import Spec
from .processes import _stat
from .test_processes import SLEEPER, until

BROKEN = [sys.executable, '-c', 'print("no such setting: speed"); raise SystemExit(3)']
PAUSED = 'T'


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    """Processes in the place of JVMs; they are ready when they run."""
    monkeypatch.setattr(java, 'find', lambda: java.Java(pathlib.Path('/'), 8))
    monkeypatch.setattr(java.Java, 'tool', lambda self, name: SLEEPER[0])
    monkeypatch.setattr(jars, 'find', lambda release: pathlib.Path('/jars') / release)
    monkeypatch.setattr(configuration, 'arguments', lambda spec, place, jars: SLEEPER[1:])
    monkeypatch.setattr(Node, 'sees', lambda self, ring, live: self.process() is not None)


def states(made):
    return [_stat(node.process().number)[0] for node in made.nodes]


def test_a_cluster_s_life():
    with Cluster('2.1', 3) as made:
        folder, processes = made.folder, [node.process() for node in made.nodes]
        assert len(set(made.hosts)) == 3 and made.addresses == [f'{host}:9160' for host in made.hosts]
        made.kill(2)
        assert [node.process() is not None for node in made.nodes] == [True, False, True]
        made.up(2)
        made.pause(3)
        until(lambda: states(made)[2] == PAUSED)
        assert PAUSED not in states(made)[:2]
        made.resume(3)
        until(lambda: PAUSED not in states(made))
        made.pause(1)
        processes += [node.process() for node in made.nodes]
        assert len(set(processes)) == 4
        prefix = made.hosts[0].rpartition('.')[0]
        assert addresses.take(prefix, 1) is None
    assert not any(process.alive() for process in processes) and not folder.exists()
    block = addresses.take(prefix, 3)
    assert block is not None
    block.release()


def test_nodes_that_are_not_there():
    with Cluster('2.1') as made:
        with pytest.raises(ValueError, match='no node 2: there are 1 to 1'):
            made.kill(2)
        with pytest.raises(ValueError, match='node 1 runs'):
            made.up(1)
        made.kill(1)
        with pytest.raises(ServerFailed, match='no server runs on'):
            made.pause(1)


def test_a_server_that_ends_says_why_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(configuration, 'arguments', lambda spec, place, jars: BROKEN[1:])
    monkeypatch.setattr(Node, 'sees', lambda self, ring, live: False)
    monkeypatch.setattr(cluster, '_fast_folder', lambda nodes: str(tmp_path))
    with pytest.raises(ServerFailed, match='no such setting: speed'):
        Cluster('2.1').start()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_never_ready(monkeypatch):
    with Cluster('2.1') as made:
        until(lambda: 'begun' in made.log())
        monkeypatch.setattr(Node, 'sees', lambda self, ring, live: False)
        with pytest.raises(ServerFailed, match='not ready after 0.2 s:\nbegun'):
            made.wait(patience=0.2)


def test_a_fork_ends_nothing():
    with Cluster('2.1') as made:
        child = os.fork()
        if child == 0:
            made.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert made.nodes[0].process() is not None and made.folder.exists()


def test_data_that_is_kept(tmp_path):
    for starts in (1, 2):
        with Cluster('2.1', folder=tmp_path / 'kept') as made:
            until(lambda made=made, starts=starts: made.log().count('begun') == starts)
    assert (tmp_path / 'kept' / 'node1' / 'conf' / 'cassandra.yaml').exists()


def test_addresses_that_are_taken():
    with Cluster('2.1') as made:
        with pytest.raises(Unavailable, match='in use'):
            Cluster('2.1', block=made.hosts[0].rpartition('.')[0]).start()
        assert made.nodes[0].process() is not None


@pytest.mark.parametrize('text, nodes, query', [
    ('2.1', 1, ''), ('3.11x3', 3, '?nodes=3'),
    ('2.1,partitioner=Random,rpc=hsha,durable,heap=1g', 1, '?partitioner=RandomPartitioner&rpc=hsha'),
    ('2.1x2,auth,tls', 2, '?nodes=2&auth=1&tls={folder}/tls')])
def test_what_tests_are_told(text, nodes, query, monkeypatch):
    monkeypatch.setattr(certificates, 'make', lambda folder, hosts, keytool: folder)
    monkeypatch.setattr(Cluster, '_make_users', lambda self: None)
    with Cluster.of(Spec.parse(text)) as made:
        version, _, rest = made.target.partition('@')
        where, mark, options = rest.partition('?')
        assert version == made.spec.release and where == '+'.join(made.addresses) and len(made.hosts) == nodes
        assert mark + options == query.format(folder=made.folder)


def test_where_data_goes(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, 'MEMORY', str(tmp_path))
    monkeypatch.setattr(cluster, 'SPACE_OF_A_NODE', 1)
    assert cluster._fast_folder(3) == str(tmp_path)
    monkeypatch.setattr(cluster, 'SPACE_OF_A_NODE', 1 << 60)
    assert cluster._fast_folder(3) is None
    monkeypatch.setattr(cluster, 'MEMORY', str(tmp_path / 'nowhere'))
    assert cluster._fast_folder(1) is None


def test_certificates(tmp_path, monkeypatch):
    """Made by openssl as they are for servers; Java's part stands in here."""
    keytool = tmp_path / 'keytool'
    keytool.write_text('#!/bin/sh\necho "$@" >>calls\n')
    keytool.chmod(0o755)
    folder = certificates.make(tmp_path / 'tls', ['127.9.9.1', '127.9.9.2'], str(keytool))
    text = subprocess.run(['openssl', 'x509', '-in', folder / 'server.pem', '-noout', '-text'],
                                       stdout=subprocess.PIPE, text=True, check=True).stdout
    assert 'IP Address:127.9.9.1, IP Address:127.9.9.2' in text and 'CA:TRUE' not in text
    for name in ('server', 'client'):
        subprocess.run(['openssl', 'verify', '-CAfile', folder / 'ca.pem', folder / f'{name}.pem'],
                                    check=True, stdout=subprocess.DEVNULL)
    assert [line.split()[0] for line in (folder / 'calls').read_text().splitlines()] == ['-importkeystore',
                                                                                         '-importcert']
    with pytest.raises(Unavailable, match='false -importkeystore'):
        certificates.make(tmp_path / 'other', ['127.9.9.1'], 'false')
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(Unavailable, match='openssl, which is not here'):
        certificates.make(tmp_path / 'third', ['127.9.9.1'], str(keytool))
