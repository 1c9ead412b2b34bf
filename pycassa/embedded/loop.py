"""The event loop of the embedded server: sockets that are ready, timers, and requests from other threads."""
import collections
import heapq
import itertools
import selectors
import socket
import threading
import time
from typing import Any, Callable, Deque, List, Optional, Tuple

__all__ = ['Loop', 'Timer']


class Timer:
    """A call that waits for its time; `cancel()` takes it back."""

    __slots__ = ('due', 'function')

    def __init__(self, due: float, function: Callable[[], Any]) -> None:
        self.due = due
        self.function: Optional[Callable[[], Any]] = function

    def cancel(self) -> None:
        self.function = None


class _Asked:
    """A call that another thread waits for."""

    __slots__ = ('_function', '_result', '_error', '_done')

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._result: Any = None
        self._error: Optional[Exception] = None
        self._done = threading.Event()

    def run(self) -> None:
        """Make the call, in the loop's thread."""
        try:
            self._result = self._function()
        except Exception as error:  # noqa: BLE001 - it belongs to the thread that asked, and is raised there
            self._error = error
        self._done.set()

    def drop(self) -> None:
        """The loop has ended without making the call."""
        self._done.set()

    def wait(self) -> Any:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class Loop:
    """Runs in one thread. `ask`, `wake` and `stop` may be called from others, the last two by a signal handler too."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._timers: List[Tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._asked: Deque[_Asked] = collections.deque()
        self._guard = threading.Lock()
        self._ended = False
        self._stopping = False
        self._thread: Optional[int] = None
        self._selector.register(self._woken, selectors.EVENT_READ, lambda events: self._drain())

    def watch(self, source: Any, events: int, function: Callable[[int], Any]) -> None:
        """Call function(ready events) whenever `source` is ready; with no events, forget it."""
        known = source in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(source)
        elif known:
            self._selector.modify(source, events, function)
        else:
            self._selector.register(source, events, function)

    def later(self, seconds: float, function: Callable[[], Any]) -> Timer:
        timer = Timer(time.monotonic() + seconds, function)
        heapq.heappush(self._timers, (timer.due, next(self._numbers), timer))
        return timer

    def ask(self, function: Callable[[], Any]) -> Any:
        """What function() gives, called in the loop's thread; None, and not called, once the loop has ended."""
        if self._thread == threading.get_ident():
            return function()
        asked = _Asked(function)
        with self._guard:
            if self._ended:
                return None
            self._asked.append(asked)
        self.wake()
        return asked.wait()

    def wake(self) -> None:
        try:
            self._waker.send(b'\0')
        except OSError:    # full: it wakes anyhow; closed: nothing left to wake
            pass

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping = True
        self.wake()

    def run(self) -> None:
        """Serve until `stop()`."""
        self._thread = threading.get_ident()
        while not self._stopping:
            for key, events in self._selector.select(self._patience()):
                key.data(events)
            self._run_timers()
            while self._asked:
                self._asked.popleft().run()

    def close(self) -> None:
        """Let go of the loop's own descriptors, and of the threads that still ask for something."""
        with self._guard:
            self._ended = True
        while self._asked:
            self._asked.popleft().drop()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _patience(self) -> Optional[float]:
        if self._asked:
            return 0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic() if self._timers else 0.0
        while self._timers and self._timers[0][0] <= now:
            function = heapq.heappop(self._timers)[2].function
            if function is not None:
                function()

    def _drain(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            pass
