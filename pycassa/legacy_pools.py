"""The pools of release 0.5, by their names, signatures and defaults, as kinds of today's pool."""
import contextlib
import os
import threading
import weakref
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from pycassa.errors import MaximumRetryException, NoConnectionAvailable
from pycassa.operations import Call
from pycassa.pool import ConnectionPool
from pycassa.store import Permit
from pycassa.wrapper import ConnectionWrapper

__all__ = ['AssertionPool', 'NullPool', 'QueuePool', 'SingletonThreadPool', 'StaticPool']

# The positional arguments that follow a pool's own in 0.5, and those of ConnectionPool since 1.2.
_COMMON = ('keyspace', 'server_list', 'credentials', 'timeout', 'logging_name', 'use_threadlocal', 'listeners')
_MODERN = ('keyspace', 'server_list', 'credentials', 'timeout', 'use_threadlocal', 'pool_size', 'prefill',
           'socket_factory', 'transport_factory')


class _EarlyPool(ConnectionPool):
    """A pool whose own positional arguments come before the keyspace; arguments that start with that are taken too."""

    _own: Mapping[str, Any] = {}
    _fixed: Mapping[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names: Tuple[str, ...] = _MODERN if args and isinstance(args[0], str) else (*self._own, *_COMMON)
        if len(args) > len(names):
            raise TypeError(f'{self.__class__.__name__} takes {len(names)} positional arguments, not {len(args)}')
        given: Dict[str, Any] = dict(zip(names, args))
        twice = sorted(given.keys() & kwargs.keys())
        if twice:
            raise TypeError(f'{self.__class__.__name__} got several values for {", ".join(twice)}')
        ConnectionPool.__init__(self, **{**self._own, **given, **kwargs, **self._fixed})

    def _notify(self, event: str, level: str = 'debug', **details: Any) -> None:
        ConnectionPool._notify(self, event, level, pool_type=self.__class__.__name__, **details)


class QueuePool(_EarlyPool):
    """ConnectionPool with the defaults of 0.5: up to ten connections more than `pool_size` while all are in use.

    `QueuePool(pool_size=5, max_overflow=10, pool_timeout=30, recycle=10000, max_retries=5, prefill=True, keyspace,
    server_list, credentials, timeout, logging_name, use_threadlocal, listeners)`, or as ConnectionPool.
    """

    _own = {'pool_size': 5, 'max_overflow': 10, 'pool_timeout': 30, 'recycle': 10000, 'max_retries': 5,
            'prefill': True}


class NullPool(_EarlyPool):
    """Keeps no connections: each check-out opens one, and returning it closes it.

    `NullPool(max_retries=5, keyspace, server_list, credentials, timeout, logging_name, use_threadlocal, listeners)`.
    """

    _own = {'max_retries': 5}
    _fixed = {'pool_size': 0, 'max_overflow': -1, 'prefill': False}


class AssertionPool(_EarlyPool):
    """One connection, for finding code that takes a second one: that raises AssertionError.

    `AssertionPool(max_retries=5, keyspace, server_list, credentials, timeout, logging_name, use_threadlocal,
    listeners)`; `use_threadlocal` has no effect.
    """

    _own = {'max_retries': 5}
    _fixed = {'pool_size': 1, 'max_overflow': 0, 'pool_timeout': 0, 'prefill': False, 'use_threadlocal': False}

    def _take(self, deadline: Optional[float], permit: Permit) -> Optional[ConnectionWrapper]:
        try:
            return ConnectionPool._take(self, deadline, permit)
        except NoConnectionAvailable as error:
            raise AssertionError('the connection of this AssertionPool is already checked out') from error


class _KeepingPool(_EarlyPool):
    """A pool that leaves connections with those who use them: a thread takes one out by `get`, until it returns it."""

    # Calls ask for a connection that is held already.
    _fixed: Mapping[str, Any] = {'max_overflow': 0, 'prefill': False, 'use_threadlocal': True}

    def get(self) -> ConnectionWrapper:
        """The connection of this thread, or of all. Raises what ConnectionPool.get does."""
        wrapper = self._held()
        uses = self._uses()
        if uses.taken is None:
            uses.taken = wrapper
            self._tell('connection_checked_out', wrapper)
        return wrapper

    def put(self, conn: Optional[ConnectionWrapper]) -> None:
        """Say that this thread does not use the connection now; it stays open."""
        uses = self._uses()
        taken, uses.taken = uses.taken, None
        if taken is not None:
            self._tell('connection_checked_in', taken)

    def _held(self, deadline: Optional[float] = None) -> ConnectionWrapper:
        raise NotImplementedError

    def _uses(self) -> '_Uses':
        uses: Optional[_Uses] = getattr(self._local, 'uses', None)
        if uses is None:
            uses = self._local.uses = _Uses(self)
        return uses

    def _tell(self, event: str, wrapper: ConnectionWrapper) -> None:
        _EarlyPool._notify(self, event, connection=wrapper)

    def _notify(self, event: str, level: str = 'debug', **details: Any) -> None:
        if event not in ('connection_checked_out', 'connection_checked_in'):  # Those of the store are nobody's use.
            _EarlyPool._notify(self, event, level, **details)


class _Uses:
    """Among what belongs to a thread: the connection that it has taken out, and returns by ending if not before."""

    # Until all of it is there: a signal's handler may raise before that.
    _process: Optional[int] = None

    def __init__(self, pool: _KeepingPool) -> None:
        self.taken: Optional[ConnectionWrapper] = None
        self._pool = weakref.ref(pool)
        self._process = os.getpid()

    def __del__(self) -> None:
        if os.getpid() != self._process:
            return
        pool = self._pool()
        if pool is not None and self.taken is not None:
            pool._tell('connection_checked_in', self.taken)


class _ThreadsShare:
    """Among what belongs to a thread, and so deleted when it ends: its connection goes then."""

    _process: Optional[int] = None

    def __init__(self, pool: ConnectionPool, wrapper: ConnectionWrapper) -> None:
        self._pool = weakref.ref(pool)
        self._wrapper = wrapper
        self._holder = wrapper._holder
        self._process = os.getpid()

    def __del__(self) -> None:
        if os.getpid() != self._process:
            # A forked child deletes what other threads had. There they go on, and may have held the pool's lock.
            return
        pool, wrapper = self._pool(), self._wrapper
        if pool is not None and wrapper._holder is self._holder and pool._store.holds(wrapper):
            wrapper._holder = None
            pool._retire(wrapper)


class SingletonThreadPool(_KeepingPool):
    """One connection for each thread, kept until the thread ends; NoConnectionAvailable above `pool_size` threads.

    `SingletonThreadPool(pool_size=5, max_retries=5, keyspace, server_list, credentials, timeout, logging_name,
    use_threadlocal, listeners)`. Returning a connection leaves it with its thread. `size` is a number here.
    """

    _own = {'pool_size': 5, 'max_retries': 5}
    _fixed = {**_KeepingPool._fixed, 'pool_timeout': 0}

    @property
    def size(self) -> int:  # type: ignore[override]
        """For how many threads there are connections."""
        return self._pool_size

    def _held(self, deadline: Optional[float] = None) -> ConnectionWrapper:
        wrapper = ConnectionPool._held(self)
        if wrapper is None:
            wrapper = self._checkout(self._new_deadline() if deadline is None else deadline)
            self._hold(wrapper)
        elif (wrapper._state == ConnectionWrapper._CHECKED_OUT
              and self.runtime.clock() - wrapper._idle_since > self.idle_probe and not wrapper.probe()):
            # The next call is made over another connection, and is no retry.
            wrapper.close()
            wrapper._state = ConnectionWrapper._BROKEN
        wrapper._idle_since = self.runtime.clock()
        return wrapper

    def _hold(self, wrapper: ConnectionWrapper) -> None:
        ConnectionPool._hold(self, wrapper)
        self._local.share = _ThreadsShare(self, wrapper)

    def dispose(self) -> None:
        """Close the calling thread's connection. Those of other threads go when they end."""
        held = ConnectionPool._held(self)
        if held is not None:
            self._checkin(held)
        ConnectionPool.dispose(self)


@contextlib.contextmanager
def _turn(pool: ConnectionPool, lock: Any, deadline: Optional[float]) -> Iterator[None]:
    """Hold `lock` while it is this thread's turn. Raises NoConnectionAvailable where that comes after the deadline."""
    left = -1.0 if deadline is None else max(deadline - pool.runtime.clock(), 0.0)
    if not lock.acquire(timeout=left):
        raise NoConnectionAvailable(f'the connection of this {pool.__class__.__name__} was used by other threads for '
                                    f'all of deadline={pool.deadline}')
    try:
        yield
    finally:
        lock.release()


class _SharedWrapper(ConnectionWrapper):
    """A connection that several threads use in turns, call by call, and on which nothing is retried."""

    _GONE = (ConnectionWrapper._IN_QUEUE, ConnectionWrapper._DISPOSED, ConnectionWrapper._RETIRED)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._turns = threading.RLock()
        ConnectionWrapper.__init__(self, *args, **kwargs)

    def execute_call(self, call: Call, deadline: Optional[float] = None) -> Any:
        """Send an encoded call, once; raises what happened as it is."""
        return self._in_turn(deadline, 'execute_call', call, deadline)

    def _call_thrift(self, *args: Any) -> Any:
        return self._in_turn(self._pool._new_deadline(), '_call_thrift', *args)

    def _in_turn(self, deadline: Optional[float], name: str, *args: Any) -> Any:
        """Call a ConnectionWrapper's method; if this one was disposed of, on the connection that is shared now."""
        pool: Any = self._pool
        with _turn(pool, self._turns, deadline):
            if self._state not in self._GONE:
                before = self._until
                # A call within one of this thread's has the deadline of that.
                self._until = deadline if before is None else before
                try:
                    return getattr(ConnectionWrapper, name)(self, *args)
                except MaximumRetryException as error:
                    raise error.attempts[-1][1] from None
                finally:
                    self._until = before
        return pool._held(deadline)._in_turn(deadline, name, *args)

    def _continue_over(self, other: ConnectionWrapper) -> None:
        # Never a moment with turns that others do not wait for.
        other.__dict__['_turns'] = self._turns
        ConnectionWrapper._continue_over(self, other)


class StaticPool(_KeepingPool):
    """One connection that all threads share, call by call, without retries; after a failure the next call reconnects.

    `StaticPool(keyspace, server_list, credentials, timeout, logging_name, use_threadlocal, listeners)`.
    """

    _fixed = {**_KeepingPool._fixed, 'pool_size': 1, 'max_retries': 0}

    def _start_empty(self) -> None:
        ConnectionPool._start_empty(self)
        self._shared: Any = None
        self._sharing = threading.RLock()

    def _get_new_wrapper(self, server: str) -> ConnectionWrapper:
        return self._new_wrapper(_SharedWrapper, server)

    def _held(self, deadline: Optional[float] = None) -> ConnectionWrapper:
        deadline = self._new_deadline() if deadline is None else deadline
        with _turn(self, self._sharing, deadline):
            if self._shared is None or self._shared._state == ConnectionWrapper._RETIRED:
                self._shared = self._checkout(deadline)
            shared: ConnectionWrapper = self._shared
            return shared

    def dispose(self) -> None:
        """Close the connection; the next use opens another one."""
        with self._sharing:
            shared, self._shared = self._shared, None
        if shared is not None:
            with shared._turns:
                self._checkin(shared)
        ConnectionPool.dispose(self)
