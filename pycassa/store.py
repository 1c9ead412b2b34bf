"""The connections of a pool, and the one owner of their number: idle, checked out, being opened, and the maximum."""
import threading
import weakref
from collections import Counter, deque
from typing import Any, Callable, Collection, Deque, Dict, List, NamedTuple, Optional

from pycassa import codec
from pycassa.errors import NoConnectionAvailable, PoolDisposed
from pycassa.runtime import Runtime

__all__ = ['Counts', 'Permit', 'Store']

# A connection that its holder dropped without returning it is noticed by those who wait after so many seconds.
_LONGEST_WAIT = 1.0


class Counts(NamedTuple):
    """How many connections a pool has, all taken at one moment. `total` is the sum of the first three."""

    idle: int
    checked_out: int
    opening: int
    waiting: int
    total: int


class Permit:
    """What whoever asks for a connection keeps while he may open one: if it is collected, he does so no more."""

    __slots__ = ('__weakref__',)


class _Waiter:
    """A thread that waits for a connection. `grant` is one, or None for the permission to open one."""

    __slots__ = ('gate', 'permit', 'granted', 'grant')

    def __init__(self, gate: Any, permit: Optional[Permit]) -> None:
        self.gate = gate
        self.permit = permit
        self.granted = False
        self.grant: Any = None
        gate.acquire()


class Store(codec.Shelf):
    """Hands out idle connections, oldest first, and permissions to open one while there are fewer than `limit`.

    Idle connections are also taken and put back without the lock, each in one step (codec.ShortWay): what is idle
    may not be any more at the next look.

    Every connection is a member from `opened` until it is discarded, and either idle or checked out; a permission
    counts as one being opened until `opened` or `cancel`. Nothing here connects, closes, calls back or waits with the
    lock held. Those who wait are served in the order they came, and there are idle connections or room only while
    nobody waits.

    A member must have `server` and `seems_open`, and allow weak references: one that its holder forgot to return is
    taken off the count when it is collected. So is a permission whose `permit`, an object of the holder's, is: a
    signal's handler that raises may come between any two steps of his.
    """

    def __init__(self, size: int, limit: Optional[int], runtime: Runtime) -> None:
        self.size = size
        self.limit = limit
        self.closed = False
        self._runtime = runtime
        # The collector may run while it is held, and a finalizer return a connection: the same thread comes in again.
        self._lock = threading.RLock()
        self._idle: Deque[Any] = deque()
        self._members: Dict[int, Any] = {}
        self._permits: Dict[int, Any] = {}
        self._opening = 0
        self._waiters: Deque[_Waiter] = deque()
        self._lost: Deque[int] = deque()

    # --- taking ----------------------------------------------------------------------------------------------

    def pop(self) -> Any:
        """The idle connection that has waited longest, now checked out, or None. Never waits."""
        with self._lock:
            return self._next_idle()

    def take(self, timeout: Optional[float], permit: Optional[Permit] = None) -> Any:
        """An idle connection, now checked out, or None: the caller may open one. Waits up to `timeout` seconds.

        None as `timeout` waits for ever. Raises NoConnectionAvailable, PoolDisposed.
        """
        with self._lock:
            member = self._next_idle()
            if member is not None:
                return member
            if self._lost:
                self._bury()
            if self.closed:
                raise PoolDisposed('the pool was closed')
            if self._has_room():
                self._allow(permit)
                return None
            if timeout is not None and timeout <= 0:
                raise NoConnectionAvailable(timeout)
        return self._wait(_Waiter(self._runtime.lock(), permit), timeout)

    def _wait(self, waiter: _Waiter, timeout: Optional[float]) -> Any:
        expires = None if timeout is None else self._runtime.clock() + timeout
        try:
            self._line_up(waiter)
            while not self._wait_a_while(waiter, expires):
                with self._lock:
                    self._bury()
        except BaseException:
            self._leave(waiter)
            if waiter.granted:
                self._return_grant(waiter.grant, waiter.permit)
            raise
        if not waiter.granted:
            self._leave(waiter)
        if not waiter.granted:
            raise PoolDisposed('the pool was closed') if self.closed else NoConnectionAvailable(timeout)
        return waiter.grant

    def _line_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if self.closed:
                raise PoolDisposed('the pool was closed')
            self._waiters.append(waiter)
            # One may have been put back between the look at them and now.
            self._serve()

    def _wait_a_while(self, waiter: _Waiter, expires: Optional[float]) -> bool:
        """True when the waiting is over, by a grant or because the time has come."""
        left = _LONGEST_WAIT if expires is None else expires - self._runtime.clock()
        if left <= 0:
            return True
        return waiter.gate.acquire(timeout=min(left, _LONGEST_WAIT)) or waiter.granted

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.granted and waiter in self._waiters:
                self._waiters.remove(waiter)

    def _return_grant(self, grant: Any, permit: Optional[Permit]) -> None:
        if grant is None:
            self.cancel(permit)
        elif not self.give(grant):
            grant.close()

    def take_idle(self, avoid: Collection[str] = ()) -> Any:
        """An idle connection to a server that is not in `avoid`, now checked out, or None. Never waits."""
        with self._lock:
            for member in list(self._idle):
                if member.server not in avoid and self._take_out(member):
                    return member
        return None

    def exchange(self, member: Any, permit: Optional[Permit] = None) -> Any:
        """Discard a checked-out connection for an idle one or, as None, the permission to open one. Never waits."""
        with self._lock:
            self._forget(member)
            idle = self._next_idle()
            if idle is None:
                self._allow(permit)
            return idle

    def permit(self, below: int, permit: Optional[Permit] = None) -> bool:
        """Permission to open one connection if there are fewer than `below` (and `limit`); True if granted."""
        with self._lock:
            self._bury()
            if self.closed or len(self._members) + self._opening >= below or not self._has_room():
                return False
            self._allow(permit)
            return True

    # --- giving ----------------------------------------------------------------------------------------------

    def opened(self, member: Any, permit: Optional[Permit] = None) -> None:
        """Make the permission to open one into `member`, checked out."""
        with self._lock:
            self._end_permission(permit)
            self._join(member)

    def cancel(self, permit: Optional[Permit] = None) -> None:
        """Give the permission to open one back."""
        with self._lock:
            self._end_permission(permit)
            self._serve()

    def give(self, member: Any) -> bool:
        """Take a checked-out connection back. False if there is no use for it: then it is gone, to be closed."""
        with self._lock:
            if self._lost:
                self._recover(member)
            if id(member) not in self._members:
                # It was taken off the count before, by one who was interrupted then.
                return False
            waiter = self._waiters.popleft() if self._waiters else None
            if waiter is not None:
                self._grant(waiter, member)
                return True
            if len(self._idle) < self.size and not self.closed and (
                    self.limit is None or len(self._members) + self._opening <= self.limit):
                self._idle.append(member)
                # Another one may have been put back between the look at their number and now.
                if len(self._idle) <= self.size or not self._take_out(member):
                    return True
            self._forget(member)
            return False

    def replace(self, member: Any, new: Any) -> None:
        """Let `new`, which was not counted, be checked out in the place of `member`, which is gone."""
        with self._lock:
            self._forget(member)
            self._join(new)

    def discard(self, member: Any) -> None:
        """Take a checked-out connection off the count."""
        with self._lock:
            self._forget(member)
            self._serve()

    def evict(self, server: Optional[str] = None) -> List[Any]:
        """Take all idle connections (to `server`) off the count and return them, to be closed."""
        with self._lock:
            gone = [member for member in list(self._idle)
                    if (server is None or member.server == server) and self._take_out(member)]
            for member in gone:
                self._forget(member)
            self._serve()
            return gone

    def resize(self, size: int, limit: Optional[int]) -> None:
        """Set how many connections are kept idle, and the maximum (None: no limit)."""
        with self._lock:
            self.size, self.limit = size, limit
            self._serve()

    def close(self) -> List[Any]:
        """Serve nobody from now on. Returns the idle connections, to be closed; others are as they are returned."""
        with self._lock:
            self.closed = True
            waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            waiter.gate.release()
        return self.evict()

    def abandon(self) -> List[Any]:
        """All members, in a forked child: the lock may be held by a thread that is gone, and is not taken."""
        members = [reference() for reference in list(self._members.values())]
        return [member for member in members if member is not None]

    # --- counting --------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """All counts at one moment."""
        with self._lock:
            self._bury()
            members, idle = len(self._members), len(self._idle)
            return Counts(idle, members - idle, self._opening, len(self._waiters), members + self._opening)

    def holds(self, member: Any) -> bool:
        """Whether `member` is one of the connections counted."""
        return id(member) in self._members

    def load(self) -> Dict[str, int]:
        """The number of open connections to each server."""
        return Counter(member.server for member in self.members() if member.seems_open)

    def members(self) -> List[Any]:
        """All connections, idle and checked out."""
        with self._lock:
            members = [reference() for reference in list(self._members.values())]
        return [member for member in members if member is not None]

    # --- with the lock held ----------------------------------------------------------------------------------

    def _next_idle(self) -> Any:
        try:
            return self._idle.popleft()
        except IndexError:
            return None

    def _take_out(self, member: Any) -> bool:
        """Take `member` from the idle ones; False if it is not among them any more."""
        try:
            self._idle.remove(member)
        except ValueError:
            return False
        return True

    def _has_room(self) -> bool:
        return self.limit is None or len(self._members) + self._opening < self.limit

    def _allow(self, permit: Optional[Permit]) -> None:
        if permit is not None:
            identity = id(permit)
            reference = weakref.ref(permit, self._loser(identity))
            # From here on nothing is called: the count and the permits agree wherever a signal's handler raises.
            self._permits[identity] = reference
        self._opening += 1

    def _end_permission(self, permit: Optional[Permit]) -> None:
        identity = id(permit)
        if identity in self._permits:
            del self._permits[identity]
        self._opening -= 1

    def _join(self, member: Any) -> None:
        self._members[id(member)] = weakref.ref(member, self._loser(id(member)))

    def _loser(self, identity: int) -> Callable[[Any], None]:
        # The collector may run while this very thread holds the lock: it only leaves a note.
        lost = self._lost
        return lambda reference: lost.append(identity)

    def _forget(self, member: Any) -> None:
        self._members.pop(id(member), None)

    def _recover(self, member: Any) -> None:
        """Count `member` again if it was collected, together with an object whose finalizer returns it now."""
        reference = self._members.get(id(member))
        if reference is not None and reference() is None:
            self._join(member)

    def _bury(self) -> None:
        """Take connections that were collected while checked out off the count, and permissions whose permit was."""
        while self._lost:
            identity = self._lost[0]
            reference = self._members.get(identity)
            if reference is not None and reference() is None:
                del self._members[identity]
            permission = self._permits.get(identity)
            if permission is not None and permission() is None:
                del self._permits[identity]
                self._opening -= 1
            self._lost.popleft()
            self._serve()
        self._serve()

    def _serve(self) -> None:
        while self._waiters:
            member = self._next_idle()
            if member is None:
                if not self._has_room():
                    return
                self._allow(self._waiters[0].permit)
            self._grant(self._waiters.popleft(), member)

    @staticmethod
    def _grant(waiter: _Waiter, grant: Any) -> None:
        waiter.granted, waiter.grant = True, grant
        waiter.gate.release()
