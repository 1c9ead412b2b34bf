"""Greenlets that are ended in mid-call: nobody gets their connections or replies, and the pool counts right."""
import pytest

from .test_green import GREEN, POOLS, WORLDS

CLIENTS = [*POOLS, 'connect_thread_local']
ENDS = ['time-out', 'kill']


@pytest.mark.parametrize('end', ENDS)
@pytest.mark.parametrize('world', GREEN)
def test_a_call_that_was_ended(world, end, run, table):
    facts = run(world, 'interrupting', 'in_mid_call', end=end)
    assert len(facts) == 3 * 7 + 2 * 6
    good = ['ended', True, [0, 0, 0]], ['ended', True, None]
    assert {name: fact for name, fact in facts.items() if fact not in good} == {}
    # Nothing is ever sent over a connection whose reply is still due.
    assert table.link.overlaps == []


@pytest.mark.parametrize('world', GREEN)
def test_a_batch_that_was_ended_is_still_there(world, run, table):
    facts = run(world, 'interrupting', 'batches_in_mid_call')
    assert facts == {'pending': 2, 'row': {'batch': ['of one', 5]}, 'counts': [3, 0, 0, 0, 3]}
    first, second = [request for request in table.link.requests if request.method == 'batch_mutate']
    assert first.connection != second.connection and table.link.overlaps == []


@pytest.mark.parametrize('end', ENDS)
@pytest.mark.parametrize('world', GREEN)
def test_waiting_that_was_ended_takes_no_connection_with_it(world, end, run, table):
    facts = run(world, 'interrupting', 'ended_while_waiting', end=end)
    assert facts['during'] == [0, 1, 0, 5, 1]
    assert facts['saw'] == ['ended'] * 4
    assert facts['left'] == [0, 1, 0, 1, 1]
    assert facts['served'] == 'value' and facts['after'] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize('end', ENDS)
@pytest.mark.parametrize('world', GREEN)
def test_connecting_that_was_ended_leaves_nothing_behind(world, end, run, table):
    table.link.hold('set_keyspace', 3600)
    facts = run(world, 'interrupting', 'ended_while_connecting', end=end)
    assert facts == {'saw': ['ended'] * 4, 'counts': [0] * 5}
    assert table.link.wait_for(lambda link: not link.connections)
    assert len(table.link.requests) == 4


@pytest.mark.parametrize('world', GREEN)
def test_connections_of_killed_tasks_come_off_the_count(world, run, table):
    facts = run(world, 'interrupting', 'held_and_forgotten')
    assert facts == {'during': [0, 3, 0, 0, 3], 'served': True, 'after': [1, 0, 0, 0, 1]}


@pytest.mark.parametrize('client', CLIENTS)
@pytest.mark.parametrize('world', GREEN)
def test_calls_that_are_ended_at_any_moment(world, client, run, table):
    facts = run(world, 'interrupting', 'storm', client=client, tasks=24, calls=25, seed=1)
    assert facts['wrong'] == [] and facts['afterwards'] == []
    assert facts['ended'] > 50 and facts['answered'] > 50
    assert table.link.overlaps == []
    if facts['counts'] is not None:
        idle, *rest, total = facts['counts']
        assert rest == [0, 0, 0] and 0 < idle == total <= 4


@pytest.mark.parametrize('world', WORLDS)
def test_a_pool_that_does_not_wait_refuses_at_once(world, run):
    assert run(world, 'interrupting', 'refused') == ['refused', 'slow']
