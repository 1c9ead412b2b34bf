"""The state of each host: up, or failing with a back-off before it is tried again; and in what order to try them."""
import threading
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple
from weakref import WeakSet

from pycassa.retry import Backoff
from pycassa.runtime import Runtime

__all__ = ['Hosts']


class Attempt:
    """An attempt to connect."""

    __slots__ = ('__weakref__',)


class _Failing:
    """A host whose last connection attempt or call failed."""

    __slots__ = ('failures', 'retry_at', 'alone_until')

    def __init__(self) -> None:
        self.failures = 0
        self.retry_at = 0.0
        # What fails before this time is of the same outage as the last failure that counted.
        self.alone_until = 0.0


class Hosts:
    """What is known of the servers of a pool.

    A host is up until it fails. Then it is left alone for the time that `backoff` gives, doubling with each failure
    in a row, as long as another one is up; the first one to try it after that does so alone, and a success makes it
    up again.
    """

    def __init__(self, backoff: Backoff, runtime: Runtime) -> None:
        self.backoff = backoff
        self._clock = runtime.clock
        self._uniform = runtime.uniform
        # As in Store: a finalizer that returns a connection may come in again.
        self._lock = threading.RLock()
        self._failing: Dict[Any, _Failing] = {}
        # What stands for the attempts to connect: one whose thread was interrupted on the way is forgotten with it.
        self._connecting: Dict[Any, WeakSet[Attempt]] = {}
        # When hosts that had failed were first seen to be up again.
        self._back_since: Dict[Any, float] = {}
        self._turn = 0

    def order(self, servers: Sequence[Any], load: Mapping[Any, int], avoid: Collection[Any] = ()) -> List[Any]:
        """The different ones of `servers`, the best to connect to first.

        Hosts that are up or due come before those that back off, others before those to `avoid`, hosts with fewer
        connections (`load`; in proportion where a server is listed more than once) before others, and equals take
        turns. Hosts that back off come last, the next one due first.
        """
        with self._lock:
            now = self._clock()
            turn, self._turn = self._turn, self._turn + 1
            places = {server: (index - turn) % len(servers) for index, server in enumerate(servers)}

            def rank(server: Any) -> Tuple[bool, bool, float, float, int]:
                failing = self._failing.get(server)
                due = failing.retry_at if failing is not None and failing.retry_at > now else 0.0
                connections = load.get(server, 0) + len(self._connecting.get(server, ()))
                return (due > 0.0, server in avoid, due, connections / servers.count(server), places[server])

            return sorted(places, key=rank)

    def better(self, server: Any, servers: Sequence[Any], load: Mapping[Any, int]) -> Optional[Any]:
        """Where a connection to `server` had better lead, None if nowhere else.

        That is a host which is up or due, and would still have fewer connections than this one has now.
        """
        with self._lock:
            best = self.order(servers, load)[0]
            share = (load.get(best, 0) + len(self._connecting.get(best, ())) + 1) / servers.count(best)
            if self.is_due(best) and (server not in servers or share < load.get(server, 0) / servers.count(server)):
                return best
            return None

    def next_look(self, servers: Collection[Any]) -> Optional[float]:
        """When to look next whether the hosts of `servers` that fail are back; None while all are up."""
        with self._lock:
            due = [failing.retry_at for server, failing in self._failing.items() if server in servers]
            return max(min(due), self._clock() + self.backoff.base) if due else None

    def trying(self, server: Any) -> Attempt:
        """Somebody connects to `server`, until `settled` or the result is gone: while it fails, others keep away."""
        attempt = Attempt()
        with self._lock:
            self._connecting.setdefault(server, WeakSet()).add(attempt)
            failing = self._failing.get(server)
            if failing is not None:
                failing.retry_at = max(failing.retry_at, self._clock() + self._pause(failing))
        return attempt

    def settled(self, server: Any, attempt: Attempt) -> None:
        """The attempt to connect that `trying` announced is over."""
        with self._lock:
            attempts = self._connecting.get(server)
            if attempts is not None:
                attempts.discard(attempt)
                if not attempts:
                    del self._connecting[server]

    def succeeded(self, server: Any) -> None:
        """A connection to `server` was opened: it is up."""
        with self._lock:
            if self._failing.pop(server, None) is not None:
                self._back_since[server] = self._clock()

    def came_back(self, server: Any, since: float) -> bool:
        """Whether `server` has failed and come back since then: what was opened before tells nothing of it now."""
        return since < self._back_since.get(server, since)

    def failed(self, server: Any) -> None:
        """A connection to `server` could not be opened, or broke. Many that break together count as one."""
        with self._lock:
            failing = self._failing.setdefault(server, _Failing())
            now = self._clock()
            if now >= failing.alone_until:
                failing.retry_at = failing.alone_until = now + self._pause(failing)
                failing.failures += 1

    def is_up(self, server: Any) -> bool:
        """Whether the last that was seen of `server` was a success, or nothing has been seen yet."""
        return server not in self._failing

    def is_due(self, server: Any) -> bool:
        """Whether `server` is up or has been left alone for long enough."""
        failing = self._failing.get(server)
        return failing is None or failing.retry_at <= self._clock()

    def keep(self, servers: Collection[Any]) -> None:
        """Forget what is known of all servers but these."""
        with self._lock:
            for known in (self._failing, self._back_since):
                for server in set(known).difference(servers):
                    del known[server]

    def _pause(self, failing: _Failing) -> float:
        return self.backoff.delay(failing.failures, self._uniform)
