"""gevent, eventlet and threads: whoever waits lets others run, time-outs fire, and connections have one user each."""
import importlib.util
import shutil
import ssl
import subprocess

import pytest

from .slowlink import SlowLink

COUNT = 12
WAIT = 200


def missing(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None,
                              reason=f'{name} is not installed: pip install pycassa[test] has it where it can be had')


GREEN = [pytest.param('gevent', marks=missing('gevent')), pytest.param('eventlet', marks=missing('eventlet'))]
WORLDS = ['threads', *GREEN]
LATE = [pytest.param(f'late {each.values[0]}', marks=each.marks) for each in GREEN]
POOLS = ['pool', 'pool, use_threadlocal=False', "pool, thrift's sockets"]


@pytest.mark.parametrize('client', [*POOLS, 'connect_thread_local'])
@pytest.mark.parametrize('world', WORLDS)
def test_slow_calls_run_at_the_same_time(world, client, run, table):
    facts = run(world, 'calling', 'at_the_same_time', client=client, count=COUNT, wait=WAIT)
    assert facts['patched'] == (world != 'threads')
    # One after the other they would take COUNT * WAIT.
    slow = {name: fact for name, fact in facts['operations'].items() if fact['seconds'] > COUNT * WAIT / 2000}
    assert slow == {} and len(facts['operations']) > 7
    assert [name for name, fact in facts['operations'].items() if fact['wrong'] or fact['ticks'] < 5] == []
    assert table.link.most_waiting == COUNT and table.link.overlaps == []
    if client != 'connect_thread_local':
        assert facts['counts'] == [COUNT, 0, 0, 0, COUNT]


@pytest.mark.parametrize('world', LATE)
def test_pools_made_after_a_patch_that_came_after_the_import(world, run, table):
    facts = run(world, 'calling', 'at_the_same_time', client='pool', count=COUNT, wait=WAIT)
    assert facts['patched'] and table.link.most_waiting == COUNT and table.link.overlaps == []
    assert not any(fact['wrong'] for fact in facts['operations'].values())


@pytest.mark.parametrize('world', WORLDS)
def test_tasks_that_share_one_connection_take_turns(world, run, table):
    facts = run(world, 'calling', 'by_turns', count=4, wait=100)
    assert facts['wrong'] == [] and facts['ticks'] >= 10
    assert table.link.overlaps == [] and table.link.most_waiting == 1


@pytest.mark.parametrize('world', WORLDS)
def test_waiting_for_a_connection_lets_others_run(world, run, table):
    facts = run(world, 'calling', 'more_tasks_than_connections', size=3, count=9, wait=300)
    assert facts['during'] == [0, 3, 0, 6, 3]
    assert facts['after'] == [3, 0, 0, 0, 3]
    assert facts['wrong'] == [] and facts['ticks'] >= 30
    assert table.link.most_waiting == 3 and table.link.overlaps == []


@pytest.mark.parametrize('world', WORLDS)
def test_time_outs_fire_while_others_run(world, run, table):
    facts = run(world, 'calling', 'time_outs', count=COUNT)
    expected = {'timeout': 'CallTimeout', 'deadline': 'CallTimeout', 'pool_timeout': 'NoConnectionAvailable',
                'connect_thread_local': 'NoServerAvailable'}
    assert {name: {outcome for outcome, _ in ends} for name, ends in facts['ends'].items()} == {
        name: {outcome} for name, outcome in expected.items()}
    seconds = [seconds for ends in facts['ends'].values() for _, seconds in ends]
    assert 0.29 < min(seconds) and max(seconds) < COUNT * 0.3 / 2
    assert facts['ticks'] >= 40
    # What was in mid-call is closed, and off the count.
    assert facts['counts'] == {'timeout': [0] * 5, 'deadline': [0] * 5, 'pool_timeout': [1, 0, 0, 0, 1]}
    assert table.link.overlaps == [] and table.link.wait_for(lambda link: not link.connections)


@pytest.mark.parametrize('client', ['pool', "pool, thrift's sockets"])
@pytest.mark.parametrize('world', WORLDS)
def test_a_task_keeps_the_connection_that_it_holds(world, client, run, table):
    facts = run(world, 'calling', 'own_connections', client=client, count=COUNT)
    assert facts['counts'] == [COUNT, 0, 0, 0, COUNT]
    users = table.link.users(rb'task \d+\.')
    assert len(users) == COUNT and {len(each) for each in users.values()} == {1}


@pytest.mark.parametrize('world', WORLDS)
def test_connections_of_tasks_that_have_ended_are_closed(world, run, table):
    run(world, 'calling', 'own_connections', client='connect_thread_local', count=COUNT)
    users = table.link.users(rb'task \d+\.')
    assert len(users) == COUNT and {len(each) for each in users.values()} == {1}
    assert len(set.union(*users.values())) == COUNT


@pytest.mark.parametrize('world', WORLDS)
def test_patched_sockets_are_waited_for_in_python(world, run):
    assert run(world, 'calling', 'round_trips') == (world == 'threads')


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    """The files of a certificate for 127.0.0.1 that is its own authority, and of its key."""
    if shutil.which('openssl') is None:
        pytest.skip('there is no openssl to make a certificate with')
    folder = tmp_path_factory.mktemp('tls')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
                    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem'],
                   check=True, cwd=folder, capture_output=True)
    return str(folder / 'cert.pem'), str(folder / 'key.pem')


@pytest.mark.parametrize('world', WORLDS)
def test_tls(world, run, table, server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with SlowLink(server.host, server.port, context) as link:
        # All replies are waited for at once, after that many handshakes on a machine that may be busy.
        facts = run(world, 'calling', 'over_tls', address=link.address, certificate=certificate[0], count=COUNT,
                    wait=5 * WAIT)
        assert link.most_waiting == COUNT and link.overlaps == []
    assert facts['wrong'] == [] and facts['large'] and facts['ticks'] >= 5
    assert facts['counts'] == [COUNT, 0, 0, 0, COUNT]
