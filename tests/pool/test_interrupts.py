"""Interrupts (signals' handlers that raise) and raising listeners: no connection is lost, none stays open."""
import gc

import pytest

from pycassa.errors import AllServersUnavailable, ConnectionClosed
from pycassa.runtime import Runtime
from pycassa.store import Permit, Store

from .fakes import FakeLink, FakePool, FakeWrapper, Recorder, World, a_call, in_threads


class Interrupt(KeyboardInterrupt):
    pass


def once(monkeypatch, owner, name, calls=1):
    """Let one of the next calls of a method raise Interrupt, after it was made."""
    original = getattr(owner, name)
    left = [calls]

    def interrupted(self, *args):
        left[0] -= 1
        result = original(self, *args)
        if left[0]:
            return result
        monkeypatch.setattr(owner, name, original)
        raise Interrupt

    monkeypatch.setattr(owner, name, interrupted)


def exact(world, pool):
    counts = pool.counts()
    assert (counts.checked_out, counts.opening, counts.waiting) == (0, 0, 0)
    assert sum(world.open.values()) == counts.idle == sum(1 for each in pool._store._idle if each.is_open)
    return counts.idle


@pytest.mark.parametrize('use', [lambda pool: pool.execute_call(a_call()), lambda pool: pool.get()])
def test_while_an_idle_connection_is_asked_whether_it_is_there(monkeypatch, use):
    world = World('a')
    pool = world.pool(pool_size=2)
    world.now += 10
    once(monkeypatch, FakeLink, 'probe')
    with pytest.raises(Interrupt):
        use(pool)
    assert exact(world, pool) == 1


def test_while_another_connection_is_asked_after_a_failure(monkeypatch):
    world = World('a', 'b')
    pool = world.pool(pool_size=2)
    world.fail_next(ConnectionClosed('x'))
    once(monkeypatch, FakeLink, 'probe')
    with pytest.raises(Interrupt):
        pool.execute_call(a_call())
    assert exact(world, pool) == 0


def test_while_a_connection_that_was_replaced_is_closed(monkeypatch):
    world = World('a')
    pool = world.pool(pool_size=1, recycle=0)
    once(monkeypatch, FakeLink, 'close')
    with pytest.raises(Interrupt):
        pool.execute_call(a_call())
    assert exact(world, pool) == 1
    pool.execute_call(a_call())
    assert exact(world, pool) == 1


def test_while_the_connection_of_a_failed_call_is_closed_for_another(monkeypatch):
    world = World('a', 'b')
    pool = world.pool(pool_size=2)
    world.fail_next(ConnectionClosed('x'))
    original = FakeLink.probe

    def probe(self):
        once(monkeypatch, FakeLink, 'close')
        return original(self)

    monkeypatch.setattr(FakeLink, 'probe', probe)
    with pytest.raises(Interrupt):
        pool.execute_call(a_call())
    assert exact(world, pool) == 0


@pytest.mark.parametrize('name', ['dispose', 'close'])
@pytest.mark.parametrize('how', ['interrupt', 'listener'])
def test_while_all_idle_connections_are_closed(monkeypatch, name, how):
    world = World('a', 'b')
    pool = world.pool(pool_size=4)
    if how == 'interrupt':
        once(monkeypatch, FakeLink, 'close')
    else:
        pool.add_listener({'connection_disposed': lambda dic: 1 / 0})
    with pytest.raises((Interrupt, ZeroDivisionError)):
        getattr(pool, name)()
    assert exact(world, pool) == 0


def test_while_idle_connections_to_a_failed_host_are_closed(monkeypatch):
    world = World('a')
    pool = world.pool(pool_size=4, max_retries=0)

    def fail():
        once(monkeypatch, FakeLink, 'close', calls=2)
        raise ConnectionClosed('x')

    world.scripts = [(None, fail)]
    with pytest.raises(Interrupt):
        pool.execute_call(a_call())
    assert exact(world, pool) == 0


def test_a_store_takes_back_only_what_it_counts():
    world = World('a')
    pool = world.pool(pool_size=2)
    wrapper = pool.get()
    pool._store.discard(wrapper)
    assert isinstance(pool._store, Store) and not pool._store.give(wrapper)
    assert pool.counts().idle == len(pool._store._idle) == 1


def test_a_call_by_its_name_does_not_outlast_its_deadline_by_replacing_a_connection(monkeypatch):
    world = World('a')
    pool = world.pool(pool_size=1, deadline=1.0, recycle_seconds=0.01)
    started = world.now
    world.connect_seconds = 30.0
    monkeypatch.setattr(FakeWrapper, 'get_count', lambda self, key: world.sleep(0.9))
    pool.execute('get_count', b'k')
    assert world.now - started <= 1.0


# --- between permission and opening --------------------------------------------------------------------------------

@pytest.mark.parametrize('permitted', [lambda store, permit: store.take(0, permit),
                                       lambda store, permit: store.permit(1, permit)])
def test_a_permission_that_nobody_can_use_any_more_is_given_to_the_next(permitted):
    store = Store(1, 1, Runtime())
    permit = Permit()
    permitted(store, permit)
    assert store.counts().opening == 1
    del permit
    assert store.take(0) is None
    assert store.counts().opening == 1
    store.cancel()
    assert not any(store.counts())


@pytest.mark.parametrize('step', ['_find_another', '_open'])
def test_before_a_connection_is_opened(monkeypatch, step):
    world = World('a')
    pool = world.pool(pool_size=1, prefill=False, pool_timeout=0)

    def interrupted(self, *args):
        monkeypatch.undo()
        raise Interrupt

    monkeypatch.setattr(FakePool, step, interrupted)
    with pytest.raises(Interrupt):
        pool.execute_call(a_call())
    assert not any(pool.counts())
    pool.execute_call(a_call())
    assert exact(world, pool) == 1


def test_a_thread_does_not_keep_a_connection_alive_that_it_returned():
    world = World('a')
    pool = world.pool(pool_size=1, pool_timeout=0)
    pool.put(pool.get())

    def forget(_):
        pool.get()

    in_threads(1, forget)
    gc.collect()
    assert pool.execute_call(a_call()) and pool.counts()[:3] == (1, 0, 0)


def test_a_connection_that_a_thread_forgot_does_not_keep_calls_from_the_short_way():
    world = World('a')
    pool = world.pool(pool_size=1, pool_timeout=0)
    in_threads(1, lambda _: pool.get())
    gc.collect()
    assert not pool._holding


def test_a_listener_that_raises_at_a_check_out_does_not_make_the_call_outlast_its_deadline():
    world = World('a')
    pool = world.pool(pool_size=1, deadline=1.0, recycle=0)
    pool.add_listener({'connection_checked_out': lambda dic: world.sleep(0.9) or 1 / 0})
    world.connect_seconds = 30.0
    next(iter(pool._store._idle)).operation_count = 1
    started = world.now
    with pytest.raises(ZeroDivisionError):
        pool.execute_call(a_call())
    assert world.now - started <= 1.0


# --- a pool that cannot be made ------------------------------------------------------------------------------------

def raising(error):
    def hear(dic):
        raise error
    return hear


@pytest.mark.parametrize('cause', ['host', 'signal', 'listener'])
def test_what_a_pool_opened_is_closed_when_it_cannot_be_filled(cause):
    world = World('a')
    recorder = Recorder()

    def at_the_third(dic):
        if len(recorder.named('connection_created')) == 3:
            assert sum(world.open.values()) == 3
            if cause == 'host':
                world.refusing.add('a')
            else:
                raise Interrupt if cause == 'signal' else ZeroDivisionError

    expected = {'host': AllServersUnavailable, 'signal': Interrupt, 'listener': ZeroDivisionError}[cause]
    with pytest.raises(expected) as raised:
        world.pool(pool_size=5, listeners=[recorder, {'connection_created': at_the_third}])
    # The exception's traceback keeps the pool: this is not left to the collector.
    assert raised.tb is not None and sum(world.open.values()) == 0
    assert len(recorder.named('connection_disposed')) == (3 if cause == 'host' else 2)
    assert recorder.names()[-1] == 'pool_disposed'


def test_a_listener_that_raises_does_not_keep_open_what_a_pool_that_cannot_be_filled_opened():
    world = World('a')
    opened = []

    def refuse_after_two(dic):
        opened.append(dic)
        if len(opened) == 2:
            world.refusing.add('a')

    with pytest.raises(ZeroDivisionError) as raised:
        world.pool(pool_size=5, listeners=[{'connection_created': refuse_after_two,
                                            'connection_disposed': raising(ZeroDivisionError)}])
    assert isinstance(raised.value.__context__, AllServersUnavailable)
    assert len(opened) == 2 and sum(world.open.values()) == 0


def test_a_pool_that_is_there_keeps_what_it_opened_when_it_cannot_be_filled():
    world = World('a')
    pool = world.pool(pool_size=3, prefill=False)
    pool.add_listener({'connection_created': lambda dic: world.refusing.add('a')})
    with pytest.raises(AllServersUnavailable):
        pool.fill()
    assert exact(world, pool) == 1
    pool.execute_call(a_call())


def test_a_subclass_is_not_asked_to_close_a_pool_before_it_is_made():
    class Counting(FakePool):
        def __init__(self, *args, **settings):
            FakePool.__init__(self, *args, **settings)
            self.closed = 0

        def close(self):
            self.closed += 1
            FakePool.close(self)

    world = World('a')
    world.refusing.add('a')
    with pytest.raises(AllServersUnavailable):
        Counting(world, server_list=['a'])
