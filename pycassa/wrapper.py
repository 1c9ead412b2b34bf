"""A connection of a pool: who has it, and the calls that go on over another connection when it fails."""
import functools
import inspect
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from pycassa.cassandra import Cassandra
from pycassa.connection import Connection
from pycassa.errors import InvalidRequestError
from pycassa.operations import Call, call_by_objects, next_seqid
from pycassa.rawcalls import is_own_method, own_method
from pycassa.retry import RetryLoop, is_failure, may_repeat

if TYPE_CHECKING:
    from pycassa.pool import ConnectionPool

__all__ = ['THRIFT_METHODS', 'ConnectionWrapper']

THRIFT_METHODS = tuple(name for name, _ in inspect.getmembers(Cassandra.Iface, inspect.isfunction))

# What belongs to the wrapper, and stays when it goes on over another connection. The rest is the connection's.
_OF_THE_WRAPPER = frozenset(['_pool', '_state', '_holder', '_until', '_repeat', 'max_retries', 'info', 'operations',
                             *THRIFT_METHODS])


class _NoTransport:
    """In the place of the transport of a wrapper whose connection another one took over."""

    def isOpen(self) -> bool:
        return False

    probe = seems_open = isOpen

    def close(self) -> None:
        pass


class ConnectionWrapper(Connection):
    """A pool's connection. Get one with `pool.get()`, and give it back with `return_to_pool()`.

    Every Thrift call can be made on it. One that may be repeated, and fails because the connection does or because
    replicas do not answer, is sent again, unchanged, up to `max_retries` times (-1: no limit) on connections to
    other servers; this object goes on with the connection that it succeeded on. See ConnectionPool for which calls
    these are. `allow_retries=` is an additional keyword of every call: with False it is never sent again, and with
    True it is, even one that counts twice when it arrives twice (add).

    `server` is who it is connected to, `starttime` when it was opened (time.time()), `operation_count` the calls
    since, and `info['request']` the last call made by its name here: {'method', 'args', 'kwargs'} (release 1.11).
    """

    _IN_QUEUE = 0
    _CHECKED_OUT = 1
    _DISPOSED = 2
    _OPENING = 3
    # It was open in the process that this one was forked from.
    _FOREIGN = 4
    # It is checked out, and its connection failed: the next call is made over another one.
    _BROKEN = 5
    # It came back in a state that the next holder must not get.
    _RETIRED = 6

    def __init__(self, pool: 'ConnectionPool', max_retries: int, *args: Any, **kwargs: Any) -> None:
        self._begin_life(pool, max_retries)
        Connection.__init__(self, *args, **kwargs)
        self._state = self._CHECKED_OUT

    def _begin_life(self, pool: 'ConnectionPool', max_retries: int) -> None:
        self._pool = pool
        self._state = self._OPENING
        # What stands for the thread that has it, with the pool's use_threadlocal.
        self._holder: Any = None
        # The deadline of the call that the pool makes here, and whether it may be repeated; None: it has not said.
        self._until: Optional[float] = None
        self._repeat: Optional[bool] = None
        self.max_retries = max_retries
        self.info: Dict[str, Any] = {}
        self.starttime = time.time()
        self.operation_count = 0
        self._relogged = False
        # On the pool's clock: when it was opened, and when it came back last.
        self._opened = self._idle_since = 0.0
        # When it is recycled, and from which operation its number is counted; and when it is to be looked at.
        self._worn_at: Optional[float] = None
        self._spared_at = 0
        self._expires: Optional[float] = None

    # --- for the holder --------------------------------------------------------------------------------------

    def return_to_pool(self) -> None:
        """Give the connection back. Raises InvalidRequestError when that was done before."""
        self._pool.put(self)

    def __str__(self) -> str:
        return f'<ConnectionWrapper {self.keyspace}@{self.server}>'

    __repr__ = __str__

    # --- calls -----------------------------------------------------------------------------------------------

    def execute_call(self, call: Call, deadline: Optional[float] = None) -> Any:
        """Send an encoded call, again where `call.retry` says that this may be; see ConnectionPool for the errors.

        A Thrift method that a user replaced or wrapped is called instead, with the bindings' objects. `deadline` is
        absolute on time.monotonic().
        """
        if self._state != 1:
            self._check_held(deadline)
        if not is_own_method(self, call.method):
            return self._call_by_objects(call, deadline)
        self.operation_count += 1
        try:
            return Connection.execute_call(self, call, deadline)
        except BaseException as error:
            loop = self._loop_after(error, call, deadline)
            if loop is None:
                raise
        return loop.run(functools.partial(self._transmit, call))

    def _resume(self, call: Call, reply: Any, error: Any) -> Any:
        """Go on with a call that was made over this connection, and failed: see Connection._raise."""
        try:
            self._raise(call, reply, error)
        except BaseException as raised:
            loop = self._loop_after(raised, call, None)
            if loop is None:
                raise
        return loop.run(functools.partial(self._transmit, call))

    def _loop_after(self, error: BaseException, call: Call, deadline: Optional[float]) -> Optional[RetryLoop]:
        """The loop that makes `call` again after `error`; None if that is to be raised."""
        if not is_failure(error):
            return None
        self._note_request(call.method, (), {})
        loop = RetryLoop(self, call.method, call.retry, deadline)
        return loop if loop.prepare_next(error) else None

    def _transmit(self, call: Call, deadline: Optional[float]) -> Any:
        """Send an encoded call once."""
        return Connection.execute_call(self, call, deadline)

    def _call_by_objects(self, call: Call, deadline: Optional[float]) -> Any:
        before = self._until, self._repeat
        self._until, self._repeat = deadline, call.retry
        try:
            return call_by_objects(call, getattr(self, call.method))
        finally:
            self._until, self._repeat = before

    def _call_thrift(self, method: str, function: Callable[..., Any], args: Any, kwargs: Dict[str, Any]) -> Any:
        """Make a call with the bindings' objects, again where it may be."""
        if self._state == self._OPENING:
            return function(self, *args, **kwargs)
        deadline = self._pool._new_deadline() if self._until is None else self._until
        self._check_held(deadline)
        allowed = kwargs.pop('allow_retries', self._repeat)
        kwargs.pop('reset', None)
        repeat = may_repeat(method, args, kwargs) if allowed is None else bool(allowed)
        self.operation_count += 1
        self._note_request(method, args, kwargs)
        seqid = next_seqid()
        return RetryLoop(self, method, repeat, deadline).run(
            lambda deadline: self._transmit_objects(function, args, kwargs, seqid, deadline))

    def _transmit_objects(self, function: Callable[..., Any], args: Any, kwargs: Dict[str, Any], seqid: int,
                          deadline: Optional[float]) -> Any:
        self._deadline, self._protocol.seqid = deadline, seqid
        try:
            return function(self, *args, **kwargs)
        finally:
            self._deadline = self._protocol.seqid = None

    def _select(self, keyspace: str, deadline: Optional[float]) -> None:
        """Select `keyspace` on a connection that is not opened by the pool's settings alone."""
        self._deadline = deadline
        try:
            Connection.set_keyspace(self, keyspace)
        finally:
            self._deadline = None

    def _note_request(self, method: str, args: Any, kwargs: Dict[str, Any]) -> None:
        if method == 'login':
            # Its arguments are credentials; and the next holder must not be logged in as somebody else.
            args, kwargs = (), {}
            self._relogged = True
        self.info['request'] = {'method': method, 'args': args, 'kwargs': kwargs}

    # --- for the pool ----------------------------------------------------------------------------------------

    def _check_held(self, deadline: Optional[float]) -> None:
        if self._state == self._FOREIGN:
            self._pool._reopen_in_child(self)
        elif self._state == self._BROKEN:
            self._pool._reconnect(self, (), self._pool._new_deadline() if deadline is None else deadline)
        elif self._state != self._CHECKED_OUT:
            raise InvalidRequestError(f'{self} was returned to its pool; get another connection from there')

    def _continue_over(self, other: 'ConnectionWrapper') -> None:
        """Close this connection and take the one of `other`, which nobody holds."""
        try:
            self.close()
        except BaseException:
            other.close()
            raise
        link = {name: value for name, value in other.__dict__.items() if name not in _OF_THE_WRAPPER}
        # Never a moment without the attributes: other threads count the connections to each server.
        self.__dict__.update(link)
        other.__dict__.update(_state=self._DISPOSED, _messages=_NoTransport(), _link=None,
                              _exchange=None, transport=None)


def _retrying(name: str) -> Callable[..., Any]:
    function = getattr(Connection, name)

    @functools.wraps(function)
    def call(self: ConnectionWrapper, *args: Any, **kwargs: Any) -> Any:
        return self._call_thrift(name, function, args, kwargs)

    call.__qualname__ = f'ConnectionWrapper.{name}'
    return own_method(call)


for _name in THRIFT_METHODS:
    setattr(ConnectionWrapper, _name, _retrying(_name))
