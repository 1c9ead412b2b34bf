"""The store of connections: its counts against a model, waiting, interrupts, connections that were never returned."""
import gc
import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from pycassa.errors import NoConnectionAvailable, PoolDisposed
from pycassa.runtime import Runtime
from pycassa.store import Counts, Store

from .fakes import in_threads


class Member:
    def __init__(self, server='a'):
        self.server = server
        self.seems_open = True
        self.closed = False

    def close(self):
        self.closed = True


def open_one(store, server='a'):
    assert store.take(0) is None
    member = Member(server)
    store.opened(member)
    return member


class StoreMachine(RuleBasedStateMachine):
    """Random check-outs, failures, overflows, returns and evictions; the counts against a plain model."""

    held = Bundle('held')
    permits = Bundle('permits')

    def __init__(self):
        super().__init__()
        self.store = Store(3, 5, Runtime())
        self.size, self.limit = 3, 5
        self.idle, self.out, self.opening = [], set(), 0

    def total(self):
        return len(self.idle) + len(self.out) + self.opening

    @precondition(lambda self: self.idle)
    @rule(target=held)
    def take_idle_one(self):
        member = self.store.take(0)
        assert member is self.idle.pop(0)
        self.out.add(member)
        return member

    @precondition(lambda self: not self.idle and self.total() < self.limit)
    @rule(target=permits)
    def take_permission(self):
        assert self.store.take(0) is None
        self.opening += 1
        return object()

    @precondition(lambda self: not self.idle and self.total() >= self.limit)
    @rule()
    def find_it_full(self):
        with pytest.raises(NoConnectionAvailable):
            self.store.take(0)

    @rule(target=held, permit=consumes(permits), server=st.sampled_from('abc'))
    def open(self, permit, server):
        member = Member(server)
        self.store.opened(member)
        self.opening -= 1
        self.out.add(member)
        return member

    @rule(permit=consumes(permits))
    def fail_to_open(self, permit):
        self.store.cancel()
        self.opening -= 1

    @rule(member=consumes(held))
    def give(self, member):
        kept = self.store.give(member)
        assert kept == (len(self.idle) < self.size and self.total() <= self.limit)
        self.out.remove(member)
        if kept:
            self.idle.append(member)

    @rule(member=consumes(held))
    def discard(self, member):
        self.store.discard(member)
        self.out.remove(member)

    @rule(member=consumes(held))
    def forget(self, member):
        self.out.remove(member)
        self.store._members[id(member)] = type(self.store._members[id(member)])(Member(), self.store._loser(id(member)))

    @rule(target=held, member=consumes(held), server=st.sampled_from('abc'))
    def replace(self, member, server):
        new = Member(server)
        self.store.replace(member, new)
        self.out.remove(member)
        self.out.add(new)
        return new

    @rule(member=consumes(held))
    def exchange(self, member):
        other = self.store.exchange(member)
        self.out.remove(member)
        if self.idle:
            assert other is self.idle.pop(0)
            self.store.discard(other)
        else:
            assert other is None
            self.store.cancel()

    @rule(avoid=st.sets(st.sampled_from('abc')))
    def take_idle_elsewhere(self, avoid):
        fit = [member for member in self.idle if member.server not in avoid]
        member = self.store.take_idle(avoid)
        assert member is (fit[0] if fit else None)
        if member is not None:
            self.idle.remove(member)
            self.store.discard(member)

    @rule(server=st.sampled_from(['a', 'b', 'c', None]))
    def evict(self, server):
        gone = [member for member in self.idle if server in (None, member.server)]
        assert self.store.evict(server) == gone
        self.idle = [member for member in self.idle if member not in gone]

    @rule(size=st.integers(0, 4), overflow=st.integers(-1, 3))
    def resize(self, size, overflow):
        self.size, self.limit = size, 10 ** 9 if overflow == -1 else size + overflow
        self.store.resize(size, None if overflow == -1 else self.limit)

    @rule(below=st.integers(0, 6))
    def permit(self, below):
        granted = self.store.permit(below)
        assert granted == (self.total() < min(below, self.limit))
        if granted:
            self.store.cancel()

    @invariant()
    def counts_agree(self):
        assert self.store.counts() == Counts(len(self.idle), len(self.out), self.opening, 0, self.total())

    @invariant()
    def load_agrees(self):
        members = [*self.idle, *self.out]
        assert self.store.load() == {server: sum(member.server == server for member in members)
                                     for server in {member.server for member in members}}


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_those_who_wait_are_served_in_order():
    store = Store(2, 2, Runtime())
    first, second = open_one(store), open_one(store)
    got = []

    def wait(name):
        got.append((name, store.take(10)))

    threads = []
    for name in 'xy':
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        while store.counts().waiting < len(threads):
            time.sleep(0.001)
    store.give(first)
    threads[0].join(10)
    assert got == [('x', first)]
    store.discard(second)
    threads[1].join(10)
    assert got == [('x', first), ('y', None)]
    assert store.counts() == Counts(0, 1, 1, 0, 2)


def test_a_newcomer_does_not_overtake_those_who_wait():
    store = Store(1, 1, Runtime())
    only = open_one(store)
    thread = threading.Thread(target=lambda: store.take(10))
    thread.start()
    while not store.counts().waiting:
        time.sleep(0.001)
    store.give(only)
    with pytest.raises(NoConnectionAvailable):
        store.take(0)
    thread.join(10)


def test_waiting_ends_after_the_time_given():
    store = Store(1, 1, Runtime())
    held = open_one(store)
    started = time.monotonic()
    with pytest.raises(NoConnectionAvailable):
        store.take(0.1)
    assert 0.09 <= time.monotonic() - started < 5
    assert store.counts() == Counts(0, 1, 0, 0, 1)
    assert store.give(held)


def test_a_raised_limit_lets_those_who_wait_open():
    store = Store(1, 1, Runtime())
    held = open_one(store)
    got = []
    thread = threading.Thread(target=lambda: got.append(store.take(10)))
    thread.start()
    while not store.counts().waiting:
        time.sleep(0.001)
    store.resize(1, 2)
    thread.join(10)
    assert got == [None]
    assert store.counts() == Counts(0, 1, 1, 0, 2)
    assert held.closed is False


class Interrupting:
    """Locks that interrupt the thread that waits for them, before or after something is granted."""

    def __init__(self, before=None):
        self.before = before

    def __call__(self):
        return InterruptingLock(self.before)


class InterruptingLock:
    def __init__(self, before):
        self.before = before
        self.acquired = 0

    def acquire(self, timeout=-1):
        self.acquired += 1
        if self.acquired == 2:
            if self.before is not None:
                self.before()
            raise KeyboardInterrupt
        return True

    def release(self):
        pass


def test_an_interrupt_while_waiting_leaves_the_counts_exact():
    store = Store(1, 1, Runtime(lock=Interrupting()))
    held = open_one(store)
    with pytest.raises(KeyboardInterrupt):
        store.take(10)
    assert store.counts() == Counts(0, 1, 0, 0, 1)
    assert store.give(held) and store.take(0) is held


@pytest.mark.parametrize('what', ['a connection', 'a permission'])
def test_what_was_granted_to_an_interrupted_thread_goes_back(what):
    lock = Interrupting()
    store = Store(1, 1, Runtime(lock=lock))
    held = open_one(store)
    lock.before = lambda: store.give(held) if what == 'a connection' else store.discard(held)
    with pytest.raises(KeyboardInterrupt):
        store.take(10)
    kept = 1 if what == 'a connection' else 0
    assert store.counts() == Counts(kept, 0, 0, 0, kept)


def test_a_connection_that_was_never_returned_is_noticed():
    store = Store(1, 1, Runtime())
    held = open_one(store)
    assert store.counts().checked_out == 1
    del held
    gc.collect()
    assert store.counts() == Counts(0, 0, 0, 0, 0)
    assert store.take(0) is None


def test_one_who_waits_gets_the_place_of_a_connection_that_was_never_returned():
    store = Store(1, 1, Runtime())
    held = [open_one(store)]
    got = []
    thread = threading.Thread(target=lambda: got.append(store.take(10)))
    thread.start()
    while not store.counts().waiting:
        time.sleep(0.001)
    held.clear()
    gc.collect()
    thread.join(5)
    assert got == [None]


def test_closing_sends_those_who_wait_away():
    store = Store(2, 2, Runtime())
    held, idle = open_one(store), open_one(store)
    store.give(idle)
    store.take(0)
    failures = []

    def wait():
        try:
            store.take(None)
        except PoolDisposed as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not store.counts().waiting:
        time.sleep(0.001)
    assert store.close() == []
    thread.join(10)
    assert len(failures) == 1
    with pytest.raises(PoolDisposed):
        store.take(0)
    assert store.give(held) is False


def test_many_threads_leave_exact_counts():
    store = Store(4, 6, Runtime())
    most = []

    def work(number):
        for turn in range(60):
            member = store.take(30)
            if member is None:
                if (number + turn) % 7 == 0:
                    store.cancel()
                    continue
                member = Member('ab'[turn % 2])
                store.opened(member)
            counts = store.counts()
            most.append(counts.total)
            # Lets the others in: without a wait one thread would do all its turns alone.
            time.sleep(0.0002)
            assert counts.total == counts.idle + counts.checked_out + counts.opening <= 6
            if (number * turn) % 11 == 3:
                store.discard(member)
            elif turn % 13 == 5:
                store.give(member)
                store.evict('a')
            else:
                store.give(member)

    in_threads(32, work)
    counts = store.counts()
    assert counts.checked_out == counts.opening == counts.waiting == 0
    assert counts.total == counts.idle <= 4
    assert max(most) == 6


def test_a_finalizer_may_return_a_connection_while_its_thread_is_inside_the_store():
    """The collector may run anywhere, here: while evict, take_idle and load look at an idle connection."""
    store = Store(4, 4, Runtime())
    back = [open_one(store, 'b') for _ in range(3)]

    class Idle(Member):
        @property
        def server(self):
            if back:
                store.give(back.pop())
            return 'a'

        @server.setter
        def server(self, server):
            pass

    assert store.take(0) is None
    idle = Idle()
    store.opened(idle)
    store.give(idle)
    results = []

    def use():
        results.append(store.evict('b'))
        back.append(store.take_idle(['a']))
        results.append(store.take_idle(['b']) is idle)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive() and results == [[], True]
    assert store.counts() == Counts(2, 2, 0, 0, 4) and len(back) == 1


def test_a_waiter_is_served_once_by_a_finalizer_and_by_the_return_it_interrupts():
    store = Store(2, 2, Runtime())
    first, second = open_one(store), open_one(store)
    got = []
    thread = threading.Thread(target=lambda: got.append(store.take(10)), daemon=True)
    thread.start()
    while not store.counts().waiting:
        time.sleep(0.001)
    with store._lock:
        # What the collector does in the middle of another method.
        assert store.give(first)
        assert store.give(second)
    thread.join(10)
    assert got == [first] and store.counts() == Counts(1, 1, 0, 0, 2)
