"""Threads of which one runs at a time, chosen by a seed, on a clock that moves when all of them wait.

The threads are real ones, so that what belongs to a thread is. Each has a gate; who has the baton runs until it passes
it on, at a point where a thread may be suspended: `point`, `block` and what is built of them (locks, sleep, sockets).
"""
import contextlib
import heapq
import random
import sys
import threading
from collections import deque
from typing import Any, Callable, Collection, Deque, Iterator, List, Optional, Tuple

__all__ = ['Aborted', 'Interrupt', 'Lock', 'ReentrantLock', 'Scheduler', 'Violation']

_NEVER = 1 << 60
_MOST_STEPS = 100_000
_MOST_SECONDS = 600.0
_START = 1000.0


class Violation(Exception):
    """Something that must hold does not."""


class Interrupt(KeyboardInterrupt):
    """What a signal's handler raises, wherever the program is."""


class Aborted(BaseException):
    """The run is over, because something was found."""


class _Thread:
    """One thread of the simulation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.gate = threading.Lock()
        self.gate.acquire()
        self.ready = True
        self.woken = False
        self.alive = True
        self.waits = 0
        # After so many points where that can be, it is interrupted.
        self.fuse = _NEVER
        self.everywhere = False
        self.struck = False
        self.interrupts = 0
        self.real: Any = None
        self.ident = threading.get_ident()
        self.own: Any = None


class _Last:
    """What a thread deletes after all that belongs to it: only then another one may run."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end

    def __del__(self) -> None:
        self.end()


class Scheduler:
    """The baton, the clock (seconds) and the trace of one run. The thread that makes it is its first, 'main'."""

    def __init__(self, seed: Any) -> None:
        self.now = _START
        self.steps = 0
        self._steps_allowed = 0
        self.events: List[Tuple[float, str, str]] = []
        self.failure: Optional[BaseException] = None
        self.at_each_step: Callable[[], None] = lambda: None
        self._chance = random.Random(f'{seed}/schedule')
        self._calm = self._chance.choice((2.0, 6.0, 20.0, 60.0))
        self._until_switch = 0
        self._timers: List[Tuple[float, int, Any, Any]] = []
        self._timer_count = 0
        self._checking = False
        self.main = self.current = _Thread('main')
        self.threads = [self.main]
        self._traced: Collection[str] = ()

    # --- the trace -------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Add to the trace what the running thread does."""
        self.events.append((self.now, self.current.name, text))

    def trace(self) -> str:
        """What happened: time, thread, event; a line each."""
        return ''.join(f'{moment - _START:12.6f}  {name:<8} {text}\n' for moment, name, text in self.events)

    def fail(self, what: Any) -> None:
        """End the run for what was found."""
        if self.failure is None:
            # What would go on for ever is not let go on for long.
            self._steps_allowed = self.steps + 1000
            self.failure = what if isinstance(what, BaseException) else Violation(what)
            self.note(f'VIOLATION: {what}')
        for thread in self.threads:
            if thread.alive:
                thread.ready = True

    @property
    def aborted(self) -> bool:
        return self.failure is not None

    # --- threads ---------------------------------------------------------------------------------------------

    def start(self, name: str, function: Callable[[], None]) -> _Thread:
        """A thread more, which runs when its turn comes."""
        thread = _Thread(name)

        def run() -> None:
            thread.ident = threading.get_ident()
            thread.gate.acquire()
            # What belongs to a thread is deleted in the order in which it came to it.
            with self._tracing():
                self._guard(function)
            thread.own = threading.local()
            thread.own.last = _Last(lambda: self._end(thread))

        thread.real = threading.Thread(target=run, name=name, daemon=True)
        self.threads.append(thread)
        thread.real.start()
        return thread

    def _guard(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Aborted:
            pass
        except BaseException as error:  # noqa: BLE001 (told by the run)
            self.fail(error)

    def _end(self, thread: _Thread) -> None:
        thread.alive = thread.ready = False
        self.note('ends')
        self.wake(self.main)
        self._hand_over(thread)

    def join(self, threads: Collection[_Thread]) -> None:
        """Wait in the main thread until all have ended."""
        while any(thread.alive for thread in threads):
            if self.aborted:
                self.main.ready = True
                self._hand_over(self.main)
            else:
                self.block()
        for thread in threads:
            thread.real.join(30)

    def run_out(self) -> None:
        """After a failure: let all threads come to their end."""
        others = [thread for thread in self.threads if thread is not self.main]
        self.join(others)

    # --- points where threads are suspended ------------------------------------------------------------------

    def point(self, interruptible: bool = True) -> None:
        """The running thread may be suspended here; and interrupted, where signals' handlers may always run."""
        # Python 3.13 may delete some of what belongs to a thread after its end here, when another one has the baton.
        if self._checking or threading.get_ident() != self.current.ident:
            return
        self.steps += 1
        if self.aborted:
            if self.steps > self._steps_allowed:
                raise Aborted
            return
        thread = self.current
        if self.steps > _MOST_STEPS:
            self.fail(f'no end after {_MOST_STEPS} steps')
            return
        self._check()
        if thread.fuse != _NEVER and (interruptible or thread.everywhere):
            thread.fuse -= 1
            if thread.fuse <= 0:
                self._strike(thread)
        self._until_switch -= 1
        if self._until_switch < 0:
            self._until_switch = int(self._chance.expovariate(1.0 / self._calm))
            self._hand_over(thread)

    def _check(self) -> None:
        try:
            with self.undisturbed():
                self.at_each_step()
        except Violation as error:
            self.fail(error)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Have no points in what is done inside, which must not wait."""
        before, self._checking = self._checking, True
        try:
            yield
        finally:
            self._checking = before

    def _strike(self, thread: _Thread) -> None:
        thread.fuse = _NEVER
        thread.struck = True
        thread.interrupts += 1
        self.note('is interrupted')
        raise Interrupt

    def block(self, until: Optional[float] = None) -> bool:
        """Suspend the running thread until `wake` (True) or until then (False). Raises Interrupt, Aborted."""
        if self.aborted:
            raise Aborted
        thread = self.current
        thread.waits += 1
        thread.ready = thread.woken = False
        strikes = self._strike_while_waiting(thread, until)
        if until is not None:
            self.at(until, None, (thread, thread.waits))
        self._hand_over(thread)
        if self.aborted:
            raise Aborted
        if strikes and thread.fuse == 0:
            self._strike(thread)
        return thread.woken

    def _strike_while_waiting(self, thread: _Thread, until: Optional[float]) -> bool:
        if thread.fuse == _NEVER or thread.fuse > 3:
            return False
        longest = 0.5 if until is None else max(until - self.now, 0.0)
        wait = thread.waits

        def strike() -> None:
            if thread.waits == wait and thread.fuse != _NEVER:
                # It may have been woken already, and not have run since.
                thread.fuse = 0
                thread.ready = True

        self.at(self.now + min(longest, self._chance.uniform(0.0, 0.5)), strike)
        return True

    def wake(self, thread: _Thread) -> None:
        """Let a thread that is in `block` go on."""
        if thread.alive and not thread.ready:
            thread.ready = thread.woken = True

    def at(self, moment: float, action: Optional[Callable[[], None]], waiting: Any = None) -> None:
        """Do `action` when that time has come. It must not wait."""
        self._timer_count += 1
        heapq.heappush(self._timers, (moment, self._timer_count, action, waiting))

    def sleep(self, seconds: float) -> None:
        """Let time pass for the running thread."""
        self.point()
        until = self.now + seconds
        while self.now < until:
            self.block(until)

    def clock(self) -> float:
        return self.now

    def _hand_over(self, me: _Thread) -> None:
        chosen = self._choose(me)
        if chosen is me or chosen is None:
            return
        self.current = chosen
        chosen.gate.release()
        if me.alive:
            me.gate.acquire()

    def _choose(self, me: _Thread) -> Optional[_Thread]:
        while True:
            ready = [thread for thread in self.threads if thread.ready and thread.alive]
            if len(ready) == 1:
                return ready[0]
            if ready and self.aborted:
                return next((thread for thread in ready if thread is not self.main), self.main)
            if ready:
                return ready[int(self._chance.random() * len(ready))]
            if not self._timers:
                if not any(thread.alive for thread in self.threads):
                    return None
                self.fail('all threads wait for ever: ' + ', '.join(
                    thread.name for thread in self.threads if thread.alive))
                continue
            self._let_time_pass()

    def _let_time_pass(self) -> None:
        """Move the clock to the next event, and let all happen that is due then."""
        self.now = max(self.now, self._timers[0][0])
        if self.now > _START + _MOST_SECONDS:
            self.fail(f'no end after {_MOST_SECONDS} seconds')
        while self._timers and self._timers[0][0] <= self.now:
            _, _, action, waiting = heapq.heappop(self._timers)
            if action is not None:
                action()
            elif waiting[0].alive and waiting[0].waits == waiting[1] and not waiting[0].ready:
                waiting[0].ready = True

    # --- interrupts ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def interrupting(self, points: Optional[int], everywhere: bool = False) -> Iterator[None]:
        """Interrupt the running thread at one of the points of what is done inside, if it comes to so many."""
        thread = self.current
        thread.struck = False
        if points is not None:
            thread.fuse, thread.everywhere = points, everywhere
        try:
            yield
        finally:
            thread.fuse = _NEVER

    # --- a point at every line -------------------------------------------------------------------------------

    def trace_lines(self, files: Collection[str]) -> None:
        """Have a point at every line of these files, in threads that start from now on and in this one."""
        self._traced = frozenset(files)

    @contextlib.contextmanager
    def _tracing(self) -> Iterator[None]:
        before = sys.gettrace()
        if self._traced:
            sys.settrace(self._trace_call)
        try:
            yield
        finally:
            if self._traced:
                sys.settrace(before)

    def retrace(self) -> None:
        """Go on tracing after an interrupt: what a trace function raises ends that."""
        if self._traced and self.current is not self.main:
            sys.settrace(self._trace_call)

    def _trace_call(self, frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in self._traced:
            return None
        # Handlers run at the begin of a function. Not at every line: __exit__ is called for sure where __enter__ was.
        self.point(False)
        return self._trace_line

    def _trace_line(self, frame: Any, event: str, argument: Any) -> Any:
        if event == 'line':
            fuse, self.current.fuse = self.current.fuse, _NEVER
            self.point(False)
            self.current.fuse = fuse
        return self._trace_line


# --- what threads wait for -----------------------------------------------------------------------------------------

class Lock:
    """A lock as threading.Lock makes them."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_locked = False
        self._waiting: Deque[_Thread] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        scheduler = self._scheduler
        scheduler.point()
        until = None if timeout < 0 else scheduler.now + timeout
        while self._is_locked:
            if not blocking:
                return False
            me = scheduler.current
            self._waiting.append(me)
            try:
                woken = scheduler.block(until)
            finally:
                if me in self._waiting:
                    self._waiting.remove(me)
            if not woken and self._is_locked:
                return False
        self._is_locked = True
        return True

    def release(self) -> None:
        if not self._is_locked:
            raise RuntimeError('release unlocked lock')
        self._is_locked = False
        if self._waiting:
            self._scheduler.wake(self._waiting[0])
        self._scheduler.point(False)

    def locked(self) -> bool:
        return self._is_locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: Any) -> None:
        self.release()


class ReentrantLock:
    """A lock as threading.RLock makes them."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: Deque[_Thread] = deque()
        self.owner: Optional[_Thread] = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        scheduler = self._scheduler
        scheduler.point(False)
        me, until = scheduler.current, scheduler.now + timeout
        while self.owner is not None and self.owner is not me and not scheduler.aborted:
            self._waiting.append(me)
            try:
                woken = scheduler.block(None if timeout < 0 else until)
            except Aborted:
                break
            finally:
                if me in self._waiting:
                    self._waiting.remove(me)
            if not woken and self.owner is not None:
                return False
        self.owner = me
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth <= 0:
            self._depth, self.owner = 0, None
            if self._waiting:
                self._scheduler.wake(self._waiting[0])
        self._scheduler.point(False)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: Any) -> None:
        self.release()
