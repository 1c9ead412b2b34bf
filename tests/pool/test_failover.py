"""What happens when servers and connections fail: probes, evictions, retries elsewhere, back-off, deadlines."""
import pytest
from thrift.transport.TTransport import TTransportException

from pycassa.cassandra.ttypes import (
    InvalidRequestException,
    NotFoundException,
    TimedOutException,
    UnavailableException,
)
from pycassa.errors import (
    AllServersUnavailable,
    ApplicationError,
    CallTimeout,
    ConnectionClosed,
    ConnectionFailed,
    MaximumRetryException,
    NoConnectionAvailable,
    NoServerAvailable,
    PackingError,
    ReplyTooLarge,
    RequestTooLarge,
    TransportError,
)
from pycassa.store import Counts

from .fakes import Recorder, World, a_call


class Declared(TimedOutException):
    """An answer of the server: it leaves the connection open."""

    link_stays = True


class Unavailable(UnavailableException):
    link_stays = True


def links(pool):
    return [wrapper.link for wrapper in pool._store._idle]


def make_stale(pool, server=None):
    for link in links(pool):
        link.stale = link.stale or server in (None, link.server)


# --- idle connections ------------------------------------------------------------------------------------------------

def test_a_connection_that_was_just_used_is_not_asked():
    world = World('a')
    pool = world.pool(pool_size=1)
    world.now += 0.9
    pool.execute_call(a_call())
    assert links(pool)[0].touched == 1


def test_a_connection_that_has_been_idle_is_asked_first():
    world = World('a')
    pool = world.pool(pool_size=1)
    world.now += 1.1
    pool.execute_call(a_call())
    assert links(pool)[0].touched == 2
    pool.idle_probe = 10
    world.now += 9
    pool.execute_call(a_call())
    assert links(pool)[0].touched == 3


def test_dead_idle_connections_cost_no_retry():
    recorder = Recorder()
    world = World('a', 'b', 'c')
    pool = world.pool(pool_size=12, max_retries=0, listeners=[recorder])
    make_stale(pool)
    world.now += 3600
    assert pool.execute_call(a_call()).startswith(b'answer')
    assert world.sleeps == [] and len(world.calls) == 1
    assert recorder.named('connection_failed') == []
    assert len(recorder.named('connection_disposed')) == 12
    assert pool.counts() == Counts(1, 0, 0, 0, 1)


def test_a_living_connection_behind_dead_ones_is_used():
    world = World('a')
    pool = world.pool(pool_size=3)
    first, second, third = links(pool)
    first.stale = second.stale = True
    world.now += 5
    pool.execute_call(a_call())
    assert links(pool) == [third] and len(world.connects) == 3


@pytest.mark.parametrize('servers', [1, 3, 12])
def test_twelve_sockets_gone_stale_in_one_instant(servers):
    """1.11 gave up with max_retries=5, and slept 81.9 s with 20 (pycassa-api.md §2)."""
    world = World(*'abcdefghijkl'[:servers])
    pool = world.pool(pool_size=12)
    make_stale(pool)
    assert pool.execute_call(a_call()).startswith(b'answer')
    assert len(world.calls) == 2 and sum(world.sleeps) <= 0.02
    assert pool.counts().checked_out == 0 and sum(world.open.values()) == pool.counts().idle


def test_one_failure_closes_all_idle_connections_to_that_host_and_no_others():
    recorder = Recorder()
    world = World('a', 'b')
    pool = world.pool(pool_size=6, listeners=[recorder])
    world.fail_next(ConnectionClosed('gone'), server='a')
    while len(world.scripts):
        pool.execute_call(a_call())
    assert world.open == {'a': 0, 'b': 3} and pool.counts() == Counts(3, 0, 0, 0, 3)
    disposed = recorder.named('connection_disposed')
    assert {dic['connection'].server for dic in disposed} == {'a'}


# --- retries ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('error', [ConnectionClosed('x'), CallTimeout('x'), ConnectionResetError('x'), EOFError(),
                                   Declared(), Unavailable()])
def test_a_retry_goes_to_another_host_first(error):
    world = World('a', 'b', 'c')
    pool = world.pool(pool_size=3)
    first = pool._store._idle[0].server
    world.fail_next(error, server=first)
    answer = pool.execute_call(a_call(frame=b'the same bytes'))
    assert len(world.calls) == 2 and answer != b'answer of ' + first.encode()
    assert {frame for _, frame, _ in world.calls} == {b'the same bytes'}
    assert pool.counts().checked_out == 0


def test_hosts_are_tried_one_after_the_other():
    world = World('a', 'b', 'c', 'd')
    pool = world.pool(pool_size=4)
    world.fail_next(ConnectionClosed('x'), times=3)
    pool.execute_call(a_call())
    assert len({server for server, _, _ in world.calls}) == 4


def test_replicas_that_time_out_do_not_cost_the_connection_to_the_only_host():
    recorder = Recorder()
    world = World('a')
    pool = world.pool(pool_size=2, listeners=[recorder])
    world.fail_next(Declared(), times=2)
    pool.execute_call(a_call())
    assert len(world.connects) == 2 and pool.counts() == Counts(2, 0, 0, 0, 2)
    assert len(recorder.named('connection_failed')) == 2 and recorder.named('connection_disposed') == []


def test_giving_up_tells_every_attempt_and_the_last_cause():
    world = World('a', 'b')
    pool = world.pool(pool_size=2, max_retries=3)
    errors = [ConnectionClosed('first'), CallTimeout('second'), Declared(), ConnectionClosed('last')]
    for error in errors:
        world.fail_next(error)
    with pytest.raises(MaximumRetryException, match='failed 4 times .max_retries=3.. Last failure was') as caught:
        pool.execute_call(a_call())
    assert [error for _, error in caught.value.attempts] == errors
    assert [server for server, _ in caught.value.attempts] == [server for server, _, _ in world.calls]
    assert caught.value.__cause__ is errors[-1] and isinstance(caught.value, NoServerAvailable)
    assert pool.counts().checked_out == 0


@pytest.mark.parametrize('max_retries, calls', [(0, 1), (1, 2), (5, 6)])
def test_max_retries(max_retries, calls):
    world = World('a')
    pool = world.pool(max_retries=max_retries)
    world.fail_next(ConnectionClosed('x'), times=100)
    with pytest.raises(MaximumRetryException):
        pool.execute_call(a_call())
    assert len(world.calls) == calls


def test_retries_without_limit_end_with_success():
    world = World('a')
    pool = world.pool(max_retries=-1)
    world.fail_next(ConnectionClosed('x'), times=200)
    assert pool.execute_call(a_call()) == b'answer of a'
    assert len(world.calls) == 201
    assert all(sleep <= 1.0 for sleep in world.sleeps)


def test_waits_between_retries_grow_by_chance_up_to_the_cap():
    world = World('a', seed=5)
    pool = world.pool(max_retries=20, retry_backoff=(0.01, 0.2))
    world.fail_next(ConnectionClosed('x'), times=20)
    pool.execute_call(a_call())
    for number, slept in enumerate(world.sleeps, 1):
        longest = min(0.01 * 2 ** number, 0.2)
        assert longest / 2 <= slept <= longest
    assert len(set(world.sleeps)) == 20


@pytest.mark.parametrize('method', ['add', 'remove_counter', 'truncate', 'batch_mutate'])
def test_what_must_not_be_repeated_is_sent_once(method):
    world = World('a', 'b')
    pool = world.pool()
    error = CallTimeout('no answer')
    world.fail_next(error)
    with pytest.raises(MaximumRetryException, match='would double') as caught:
        pool.execute_call(a_call(method, retry=False))
    assert len(world.calls) == 1 and caught.value.__cause__ is error
    assert len(caught.value.attempts) == 1 and pool.counts().checked_out == 0


@pytest.mark.parametrize('method', ['system_add_keyspace', 'cas', 'execute_cql3_query'])
def test_calls_that_1_11_did_not_retry_raise_what_happened(method):
    world = World('a', 'b')
    pool = world.pool()
    world.fail_next(ConnectionClosed('x'))
    with pytest.raises(ConnectionClosed):
        pool.execute_call(a_call(method, retry=False))
    assert len(world.calls) == 1


@pytest.mark.parametrize('error', [NotFoundException(), InvalidRequestException('x'), PackingError('x'),
                                   RequestTooLarge('x')])
def test_answers_and_errors_of_the_caller_are_not_retried_and_cost_no_connection(error):
    error.link_stays = True
    world = World('a')
    pool = world.pool(pool_size=2)
    world.fail_next(error)
    with pytest.raises(type(error)):
        pool.execute_call(a_call())
    assert len(world.calls) == 1 and pool.counts() == Counts(2, 0, 0, 0, 2)


@pytest.mark.parametrize('error', [ReplyTooLarge('x'), ApplicationError(6, 'x')])
def test_errors_that_repeat_everywhere_are_raised_as_they_are(error):
    recorder = Recorder()
    world = World('a', 'b')
    pool = world.pool(pool_size=4, listeners=[recorder])
    world.fail_next(error)
    with pytest.raises(type(error)):
        pool.execute_call(a_call())
    assert len(world.calls) == 1 and pool.counts() == Counts(3, 0, 0, 0, 3)
    assert len(recorder.named('connection_failed')) == 1


@pytest.mark.parametrize('error', [KeyboardInterrupt(), SystemExit(), GeneratorExit(), ZeroDivisionError()])
def test_an_interrupted_connection_is_discarded_and_the_count_exact(error):
    world = World('a')
    pool = world.pool(pool_size=2)
    world.fail_next(error)
    with pytest.raises(type(error)):
        pool.execute_call(a_call())
    assert pool.counts() == Counts(1, 0, 0, 0, 1) and world.open == {'a': 1}


def test_an_interrupt_while_connecting_leaves_the_count_exact():
    pool = World('a').pool(prefill=False)

    def interrupt(server):
        raise KeyboardInterrupt

    pool.before_connecting = interrupt
    for use in (pool.get, pool.fill, lambda: pool.execute_call(a_call())):
        with pytest.raises(KeyboardInterrupt):
            use()
        assert pool.counts() == Counts(0, 0, 0, 0, 0)


def test_a_connection_held_by_a_user_goes_on_over_another_one():
    world = World('a', 'b')
    pool = world.pool(pool_size=4)
    conn = pool.get()
    server = conn.server
    world.fail_next(ConnectionClosed('x'), server=server)
    conn.execute_call(a_call())
    assert conn.server != server and pool.get() is conn
    assert pool.counts().checked_out == 1
    conn.return_to_pool()
    assert pool.counts().checked_out == 0 and sum(world.open.values()) == pool.counts().idle


def test_a_connection_held_after_giving_up_works_again():
    world = World('a')
    pool = world.pool(max_retries=0)
    conn = pool.get()
    world.fail_next(ConnectionClosed('x'))
    with pytest.raises(MaximumRetryException):
        conn.execute_call(a_call())
    assert conn.execute_call(a_call()) == b'answer of a'
    conn.return_to_pool()
    assert pool.counts() == Counts(1, 0, 0, 0, 1)


# --- hosts -----------------------------------------------------------------------------------------------------------

def test_no_server_tells_every_attempt():
    world = World('a', 'b', 'c')
    pool = world.pool(prefill=False)
    world.refusing.update('abc')
    with pytest.raises(AllServersUnavailable) as caught:
        pool.get()
    assert len(caught.value.attempts) == 6 and len(world.connects) == 6
    assert sorted(server for server, _ in caught.value.attempts) == list('aabbcc')
    assert caught.value.__cause__ is caught.value.attempts[-1][1]
    assert isinstance(caught.value.__cause__, ConnectionFailed)


def test_an_empty_server_list():
    pool = World().pool(prefill=False)
    with pytest.raises(AllServersUnavailable, match='server list is empty'):
        pool.get()


def test_a_retry_that_finds_no_server_tells_what_failed_before():
    world = World('a', 'b')
    pool = world.pool(pool_size=1)
    world.refusing.update('ab')
    failure = ConnectionClosed('in mid-call')
    world.fail_next(failure)
    with pytest.raises(AllServersUnavailable) as caught:
        pool.execute_call(a_call())
    assert [type(error) for _, error in caught.value.attempts] == [ConnectionClosed] + [ConnectionFailed] * 4
    assert pool.counts() == Counts(0, 0, 0, 0, 0)


def test_a_dead_host_is_tried_with_back_off_while_others_serve():
    world = World('a', 'b')
    pool = world.pool(pool_size=1, prefill=False, host_backoff=(1.0, 30.0))
    world.refusing.add('a')
    tried = []
    for _ in range(600):
        pool.execute_call(a_call())
        pool.dispose()
        if 'a' in world.connects:
            tried.append(world.now)
        world.connects.clear()
        world.now += 0.5
    gaps = [later - earlier for earlier, later in zip(tried, tried[1:])]
    assert 8 <= len(tried) <= 40
    assert max(gaps) <= 31 and gaps[-1] >= 14
    world.refusing.clear()
    for _ in range(70):
        pool.execute_call(a_call())
        pool.dispose()
        world.now += 0.5
    assert {'a', 'b'} == set(world.connects[-8:])


def test_a_host_that_is_due_counts_as_another_host_to_ask():
    """It failed a while ago, and nobody has needed a new connection since; the only other one says that it is alone."""
    world = World('a', 'b')
    pool = world.pool(pool_size=1)
    world.fail_next(ConnectionClosed('x'))
    other = pool.execute_call(a_call())
    world.now += 60
    world.fail_next(Unavailable())
    assert pool.execute_call(a_call()) != other


def in_use(pool, rounds=60, at_once=1):
    """Traffic on `pool` for a tenth of a second a round, without a failure; {server: connections} afterwards."""
    for _ in range(rounds):
        held = [pool.get() for _ in range(at_once)]
        for wrapper in held:
            wrapper.execute_call(a_call())
            wrapper.return_to_pool()
        pool.world.now += 0.1
    return {server: count for server, count in pool.world.open.items() if count}


@pytest.mark.parametrize('at_once, without, whole', [
    (12, {'b': 6, 'c': 6}, {'a': 4, 'b': 4, 'c': 4}),
    (1, {'b': 4, 'c': 4}, {'a': 2, 'b': 3, 'c': 3}),
])
def test_connections_go_back_to_a_host_that_comes_back(at_once, without, whole):
    """Though none fails any more, and none is worn."""
    recorder = Recorder()
    world = World('a', 'b', 'c')
    pool = world.pool(pool_size=12, listeners=[recorder], use_threadlocal=False, recycle=-1)
    world.refusing.add('a')
    make_stale(pool, 'a')
    assert in_use(pool, at_once=at_once) == without
    tried = world.connects[12:].count('a')
    assert 2 <= tried <= 5, 'a quarter to half a second after the failure, then after twice as long each time'
    world.refusing.clear()
    world.connects.clear()
    assert in_use(pool, 80, at_once) == whole
    assert world.connects == ['a'] * whole['a']
    assert [dic['new_conn'].server for dic in recorder.named('connection_recycled')] == world.connects
    assert pool.counts().checked_out == 0 and pool.counts().total == sum(whole.values())
    world.connects.clear()
    in_use(pool, 100, at_once)
    assert world.connects == [] and {wrapper._expires for wrapper in pool._store._idle} == {None}


def test_a_connection_stays_where_it_is_when_moving_it_gains_nothing():
    world = World('a', 'b')
    pool = world.pool(pool_size=1, prefill=False)
    world.refusing.add('a')
    while world.connects != ['a', 'b']:
        pool.dispose()
        world.connects.clear()
        world.now += 60
        pool.execute_call(a_call())
    world.refusing.clear()
    assert in_use(pool) == {'b': 1} and world.connects == ['a', 'b']


def test_looking_for_a_dead_host_keeps_to_the_deadline_of_the_call_before_and_to_the_back_off():
    """Also where the deadline leaves less time to connect than it takes to see that nobody answers."""
    world = World('a', 'b')
    pool = world.pool(pool_size=4, deadline=1.0)
    world.refusing.add('a')
    make_stale(pool, 'a')
    in_use(pool, 4)
    world.connects.clear()
    world.connect_seconds, late = 5.0, 0
    for _ in range(600):
        before = world.now
        pool.execute_call(a_call())
        assert world.now - before <= 1.0
        late += world.now > before
        world.now += 0.1
    assert 3 <= late <= 9 and world.connects == ['a'] * late


def test_looking_for_a_dead_host_adds_at_most_a_second_to_a_call():
    """However long connecting may take by the pool's settings: the call had its answer."""
    world = World('a', 'b')
    pool = world.pool(pool_size=4, timeout=None)
    world.refusing.add('a')
    make_stale(pool, 'a')
    in_use(pool, 4)
    world.connect_seconds, longest = 30.0, 0.0
    for _ in range(300):
        before = world.now
        pool.execute_call(a_call())
        longest = max(longest, world.now - before)
        world.now += 0.1
    assert longest == pytest.approx(1.0) and not pool._hosts.is_up('a')
    world.connect_seconds = 0.9
    world.refusing.clear()
    assert in_use(pool, 400) == {'a': 1, 'b': 1}


def test_a_connection_older_than_an_outage_does_not_speak_against_the_host_of_today():
    """Held since before the restart, it fails; new ones to the same host are in order, and so is the host."""
    world = World('a')
    pool = world.pool(pool_size=4, use_threadlocal=False)
    held = [pool.get(), pool.get()]
    for wrapper in held:
        wrapper.link.stale = True
    make_stale(pool)
    pool.execute_call(a_call())
    new, = links(pool)
    assert pool._hosts.is_up('a')
    world.sleeps.clear()
    world.now += 0.1
    held[0].execute_call(a_call())
    assert new.is_open and pool._hosts.is_up('a')
    held[0].return_to_pool()
    world.refusing.add('a')
    new.stale = True
    make_stale(pool)
    with pytest.raises(AllServersUnavailable):
        pool.execute_call(a_call())
    assert not pool._hosts.is_up('a')


def test_a_host_that_comes_back_is_used_at_once_when_all_others_are_gone():
    world = World('a', 'b')
    pool = world.pool(pool_size=2)
    for down, up in ('ab', 'ba', 'ab', 'ba'):
        world.refusing = {down}
        make_stale(pool, down)
        assert pool.execute_call(a_call()) == b'answer of ' + up.encode()


def test_a_connection_that_its_holder_closed_says_nothing_of_its_host():
    world = World('a', 'b')
    pool = world.pool(pool_size=1)
    held = pool.get()
    first, second = held.server, 'b' if held.server == 'a' else 'a'
    # What Connection says of a call after close().
    closed = TransportError(f'{first}: the connection is closed', TTransportException.NOT_OPEN)
    world.fail_next(closed, server=first)
    world.fail_next(Unavailable(), times=2, server=second)
    pool.execute_call(a_call())
    assert [server for server, _, _ in world.calls] == [first, second, first]


# --- deadlines -------------------------------------------------------------------------------------------------------

def test_the_deadline_is_handed_to_every_attempt():
    world = World('a', 'b')
    pool = world.pool(deadline=2.0)
    expected = world.now + 2.0
    world.fail_next(ConnectionClosed('x'), times=3)
    pool.execute_call(a_call())
    assert [deadline for _, _, deadline in world.calls] == [expected] * 4


def test_no_retry_after_the_deadline():
    world = World('a', 'b')
    pool = world.pool(deadline=2.0, max_retries=-1)

    def time_out():
        world.now += 0.7
        raise CallTimeout('x')

    world.fail_next(time_out, times=100)
    started = world.now
    with pytest.raises(MaximumRetryException, match='the deadline has come') as caught:
        pool.execute_call(a_call())
    assert world.now - started <= 2.8 and len(caught.value.attempts) == 3


def test_the_deadline_covers_waiting_for_the_pool():
    world = World('a')
    pool = world.pool(pool_size=1, deadline=1.5, use_threadlocal=False)
    held = pool.get()
    started = world.now
    with pytest.raises(NoConnectionAvailable, match='deadline=1.5'):
        pool.execute_call(a_call())
    assert world.now - started == pytest.approx(1.5)
    held.return_to_pool()


def test_the_deadline_covers_connecting_and_does_not_accuse_the_host():
    world = World('a', 'b')
    pool = world.pool(prefill=False, deadline=1.0)
    world.connect_seconds = 5.0
    started = world.now
    with pytest.raises(AllServersUnavailable):
        pool.execute_call(a_call())
    assert world.now - started == pytest.approx(1.0)
    assert pool._hosts.is_up('a') and pool._hosts.is_up('b')
    world.connect_seconds = 0.5
    assert pool.execute_call(a_call())


def test_recycling_keeps_to_the_deadline_of_the_call_that_set_it_off():
    world = World('a')
    pool = world.pool(pool_size=1, recycle=1, deadline=1.0)
    world.connect_seconds = 0.9
    for _ in range(5):
        before = world.now
        pool.execute_call(a_call())
        assert world.now - before <= 1.0
    assert len(world.connects) > 2 and pool.counts().idle == 1
