"""Memory and descriptors: a client that works for long, and connects often, is as large as one that has just begun."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest
from apart import RemoteServer, child_environment
from tlsfront import Authority, TLSFront, server_context
from traffic import prepare

import pycassa

pytestmark = pytest.mark.skipif(not sys.platform.startswith('linux'), reason='memory is read from /proc of Linux')

OPERATIONS, RECONNECTS = 1_000_000, 10_000
MEBIBYTE = 1 << 20
HERE = pathlib.Path(__file__).parent

STORM = [['cut', {}], ['cut', {'after': 9}], ['reset', {'after': 3}], ['wrong_seqid', {}], ['garbage', {}],
         ['unavailable', {}], ['timed_out', {}], ['wrong_length', {}], ['cut', {'applied': False}]]


def in_process(scenario, patience=1800, **arguments):
    """The facts of a scenario of growing.py."""
    command = [sys.executable, str(HERE / 'growing.py'), scenario, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience, env=child_environment())
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts['implementation'] == pycassa.implementation() and facts['wrong'] == [], facts
    return facts


@pytest.fixture
def apart():
    with RemoteServer() as running:
        prepare(running.address)
        yield running


@pytest.fixture
def stormy(apart, proof):
    apart.stall(calls=None, methods='describe_snitch')
    apart.storm(proof.seed, 0.002, STORM)
    return apart


def growth(points):
    """By how many bytes memory grew; a point that is high by chance does not count where a later one is not."""
    return min(points[-3:]) - points[0]


def test_operations(stormy, proof):
    number = proof.count(OPERATIONS)
    facts = in_process('operations', address=stormy.address, number=number, seed=proof.seed)
    assert growth(facts['points']) <= MEBIBYTE, facts
    assert max(facts['descriptors']) - min(facts['descriptors']) <= 4 and facts['descriptors'][-1] < 30
    outcomes = facts['outcomes']
    assert {'MaximumRetryException', 'PackingError'} <= set(outcomes), outcomes
    proof.saw('memory and descriptors', operations=number, grown=f'{growth(facts["points"]) >> 10} KiB',
              errors=sum(outcomes.values()), implementation=facts['implementation'], seconds=round(facts['seconds']))


def test_a_leak_is_seen(stormy, proof):
    facts = in_process('operations', address=stormy.address, number=2_000, seed=proof.seed, leak=1_000)
    assert growth(facts['points']) > MEBIBYTE


@pytest.fixture
def refused():
    """An address that is taken, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        yield f'127.0.0.1:{taken.getsockname()[1]}'


@pytest.fixture
def addresses(apart, tmp_path, refused):
    """Servers of all the kinds that connecting fails at."""
    if shutil.which('openssl') is None:
        pytest.skip('the openssl command, which makes the certificates of these tests, is not installed')
    certificate = Authority(tmp_path).own('own', ['subjectAltName=IP:127.0.0.1'])
    broken = {fault: RemoteServer() for fault in ('garbage', 'cut', 'stall')}
    guarded = RemoteServer(credentials={'jsmith': 'yes'})
    try:
        for fault, server in broken.items():
            getattr(server, fault)(calls=None, methods='set_keyspace')
        with TLSFront(apart.port, server_context(certificate)) as front:
            yield {'address': apart.address, 'refused': refused, 'guarded': guarded.address,
                   'tls': front.address, 'broken': {fault: server.address for fault, server in broken.items()}}
    finally:
        for server in (*broken.values(), guarded):
            server.stop()


def test_reconnects(addresses, proof):
    number = proof.count(RECONNECTS)
    facts = in_process('reconnects', number=number, **addresses)
    assert set(facts['descriptors'].values()) == {0}, facts
    assert facts['grown'] <= MEBIBYTE, facts
    proof.saw('memory and descriptors', reconnects=number, ways=len(facts['descriptors']), descriptors=0,
              grown=f'{facts["grown"] >> 10} KiB', implementation=facts['implementation'])


def test_descriptors_that_stay_are_seen(addresses):
    facts = in_process('reconnects', number=200, hold=True, **addresses)
    assert facts['descriptors']['connection'] > 5
