"""Processes that got pool and ColumnFamily from their parent: each uses its own connections, and closes only those."""
import os
import signal

import pytest

from .test_green import WORLDS

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')

PID = rb'pid=\d+\.'


def check(facts, table, tasks):
    """Every task was right, and no connection was used by two processes. Returns the users of the connections."""
    assert [answer for answer in facts['answers'] if answer[2]] == [] and len(facts['answers']) == tasks
    users = table.link.users(PID)
    assert {len(each) for each in users.values()} == {1}
    assert {f'pid={answer[1]}.' for answer in facts['answers']} <= set.union(*users.values())
    assert table.link.overlaps == []
    return users


@pytest.mark.parametrize('executor', [False, True], ids=['Pool', 'ProcessPoolExecutor'])
@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_multiprocessing(method, executor, run, table):
    facts = run('threads', 'processes', 'workers_of_multiprocessing', method=method, executor=executor)
    users = check(facts, table, 12)
    processes = {answer[1] for answer in facts['answers']}
    assert facts['pid'] not in processes and len(processes) >= (2 if executor else 6)
    assert facts['before'] == facts['after'] == [2, 0, 0, 0, 2] and facts['own'][2] == []
    # The master goes on over the connections that it had: two of the pool, and the thread's of the old client.
    own = [connection for connection, marks in users.items() if marks == {f'pid={facts["pid"]}.'}]
    assert len(own) == 3
    assert table.link.wait_for(lambda link: not link.connections)


def test_a_fork_of_a_fork_from_a_thread(run, table):
    facts = run('threads', 'processes', 'grandchildren')
    check(facts, table, 8)
    assert len({answer[1] for answer in facts['answers']}) == 4
    assert facts['counts'] == [2, 0, 0, 0, 2]


@pytest.mark.parametrize('client', ['connect_thread_local', 'SingletonThreadPool', 'ConnectionPool'])
def test_a_fork_leaves_the_connections_of_other_threads_alone(client, run, table):
    """The child has no such threads: Python deletes what was theirs, and finalizers run, before the child is told."""
    facts = run('threads', 'processes', 'forks_by_another_thread', client=client)
    assert facts['child'] == [1] and facts['alive']
    users = table.link.users(PID)
    own = [connection for connection, marks in users.items() if marks == {f'pid={facts["pid"]}.'}]
    assert len(own) == 1 and len(users) == 2


@pytest.mark.parametrize('world', WORLDS)
def test_prefork(world, run, table):
    """A master with a pool, whose workers are replaced while it calls itself."""
    facts = run(world, 'processes', 'prefork', size=3, generations=3, tasks_per_child=4)
    users = check(facts, table, 9 * 4)
    assert facts['statuses'] == [0] * 9 and len({answer[1] for answer in facts['answers']}) == 9
    assert facts['before'] == facts['after'] == [2, 0, 0, 0, 2]
    own = [connection for connection, marks in users.items() if marks == {f'pid={facts["pid"]}.'}]
    assert len(own) == 3
    assert table.link.wait_for(lambda link: not link.connections)


def test_workers_that_are_ended_in_mid_call(run, table):
    facts = run('threads', 'processes', 'workers_that_are_ended', number=3)
    assert facts['statuses'] == [[3 << 8], [signal.SIGKILL], [5 << 8]]
    assert facts['counts'] == [2, 0, 0, 0, 2]
    assert table.link.overlaps == [] and table.link.wait_for(lambda link: not link.connections)


@pytest.mark.parametrize('world', WORLDS)
def test_programs_that_are_started_get_no_sockets(world, run, table):
    facts = run(world, 'processes', 'programs_started')
    try:
        # Two of the pool, one of the old client, and a connection.
        assert facts['here'] == 4 and facts['started'] == [0, 0, 0]
        # A program that outlives the process keeps none of its connections open.
        assert table.link.wait_for(lambda link: not link.connections)
        os.kill(facts['left running'], 0)
    finally:
        os.kill(facts['left running'], signal.SIGKILL)


@pytest.mark.parametrize('world', WORLDS)
def test_what_is_closed_gives_its_descriptors_back(world, run, table):
    facts = run(world, 'processes', 'descriptors_given_back')
    assert facts == {'opened': 4, 'child': 0, 'closed': 0}
