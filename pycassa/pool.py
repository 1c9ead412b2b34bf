"""The connection pool: checking connections out and in, opening them on the servers that are up, and failover."""
import contextlib
import functools
import ssl
import threading
import weakref
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, Union

from pycassa import codec
from pycassa.connection import SCHEMA_CALLS, Connection, default_socket_factory, default_transport_factory
from pycassa.credentials import concealed
from pycassa.errors import (
    AllServersUnavailable,
    InvalidRequestError,
    MaximumRetryException,
    NoConnectionAvailable,
    PycassaError,
)
from pycassa.framing import MAX_REPLY_BYTES
from pycassa.hosts import Hosts
from pycassa.listeners import Listeners, PoolListener
from pycassa.operations import MAX_REQUEST_BYTES, Call, ThriftOperations, call_by_objects
from pycassa.rawcalls import own_methods
from pycassa.retry import BROKEN_LINK, BUSY_SERVER, IDEMPOTENT, Backoff, accuses_host, was_closed_here
from pycassa.runtime import Runtime, after_fork_in_child
from pycassa.store import Counts, Permit, Store
from pycassa.wrapper import ConnectionWrapper

__all__ = ['QueuePool', 'ConnectionPool', 'PoolListener', 'ConnectionWrapper', 'AllServersUnavailable',  # noqa: F822
           'NoConnectionAvailable', 'MaximumRetryException', 'InvalidRequestError']

DEFAULT_SERVER_LIST = ['localhost:9160']

# Seconds that looking whether a host is back may add to a call.
_LONGEST_LOOK = 1.0

# Pools of 0.5 and NoServerAvailable are looked for here by old code; see __getattr__.
_LEGACY = ('QueuePool', 'SingletonThreadPool', 'StaticPool', 'NullPool', 'AssertionPool')

ServerList = Union[Iterable[str], Callable[[], Iterable[str]]]


class ConnectionPool:
    """Keeps connections to the servers of one cluster, for any number of threads (release 1.11).

    `keyspace` is selected on every connection (None: no keyspace). `server_list` is any iterable of 'host:port', or
    a function that returns one. `credentials` are
    {'username': ..., 'password': ...} or None. `pool_size` connections are kept (opened at once with `prefill`), and
    up to `max_overflow` more are opened while all are in use (-1: any number). With `use_threadlocal` a thread that
    has a connection gets the same one again until it returns it.

    Seconds: `timeout` bounds a call, `connect_timeout` (default: timeout) opening a connection, `schema_timeout`
    (default: 30, or timeout where that is longer) schema calls and truncate. `pool_timeout` is how long to wait
    while all connections are in use: 0 not at all, -1 or None for ever. `deadline` bounds a call as a whole: waiting
    for the pool, connecting, all attempts and their replies (default None: the sum of its parts).

    A call that fails because a connection does, or because replicas do not answer in time, is sent again up to
    `max_retries` times (0: never, -1: no limit but the deadline), unchanged, on another host first, after
    `retry_backoff` (first, longest) seconds. That goes for reads, and for writes with timestamps. Calls that change
    counters, truncate, and schema calls are never sent again, unless asked for by `allow_retries=True`.

    Idle connections are used before new ones are opened. One that has been idle for `idle_probe` seconds is first
    asked whether it is still there. When a connection fails, all idle ones to its host are closed, and the host is
    left alone for `host_backoff` (first, longest) seconds as long as others are up; when it is back, it gets its share
    of the connections again as they return from calls. A connection is replaced after `recycle` calls (-1: never)
    and, where given, `recycle_seconds` (less up to a tenth, by chance).

    `ssl_context`, `socket_factory`, `transport_factory`, `max_request_bytes` and `max_reply_bytes` are those of
    Connection; `bytes_encoding` is that of ColumnFamily. `listeners` hear of the pool's events, with `logging_name`
    (default: id of the pool) as `pool_id`. `runtime` is for simulations. Other keywords are passed over.

    A forked child starts with an empty pool. There are no background threads.
    """

    def __init__(self, keyspace: Optional[str], server_list: ServerList = DEFAULT_SERVER_LIST,
                 credentials: Optional[Mapping[str, str]] = None, timeout: Optional[float] = 0.5,
                 use_threadlocal: bool = True, pool_size: int = 5, prefill: bool = True,
                 socket_factory: Callable[..., Any] = default_socket_factory,
                 transport_factory: Callable[..., Any] = default_transport_factory, *,
                 listeners: Optional[Iterable[Any]] = None, logging_name: Any = None,
                 pool_timeout: Optional[float] = 30, recycle: int = 10000, max_retries: int = 5, max_overflow: int = 0,
                 connect_timeout: Optional[float] = None, schema_timeout: Optional[float] = None,
                 deadline: Optional[float] = None, ssl_context: Optional[ssl.SSLContext] = None,
                 max_request_bytes: int = MAX_REQUEST_BYTES, max_reply_bytes: int = MAX_REPLY_BYTES,
                 bytes_encoding: Optional[str] = None, idle_probe: float = 1.0,
                 recycle_seconds: Optional[float] = None, retry_backoff: Tuple[float, float] = (0.01, 1.0),
                 host_backoff: Tuple[float, float] = (0.5, 30.0), runtime: Optional[Runtime] = None,
                 **passed_over: Any) -> None:
        self.keyspace = keyspace
        self.credentials = credentials = concealed(credentials)
        self.timeout = timeout
        self.connect_timeout = connect_timeout
        self.schema_timeout = schema_timeout
        self.deadline = deadline
        self.pool_timeout = pool_timeout
        self.socket_factory = socket_factory
        self.transport_factory = transport_factory
        self.ssl_context = ssl_context
        self.max_request_bytes = max_request_bytes
        self.max_reply_bytes = max_reply_bytes
        self.bytes_encoding = bytes_encoding
        self.max_retries = max_retries
        self.recycle = recycle
        self.recycle_seconds = recycle_seconds
        self.idle_probe = idle_probe
        self.retry_backoff = Backoff(*retry_backoff)
        self.host_backoff = Backoff(*host_backoff)
        self.logging_name = logging_name or id(self)
        self.runtime = runtime or Runtime()
        self._clock = self.runtime.clock
        self.operations = ThriftOperations(self, max_request_bytes)
        self._use_threadlocal = use_threadlocal
        self._pool_size = pool_size
        self._max_overflow = max_overflow
        self._prefill = prefill
        self._listeners = Listeners()
        self._start_empty()
        after_fork_in_child(self)
        for listener in listeners or ():
            self.add_listener(listener)
        self.set_server_list(server_list)
        if prefill:
            self._fill_or_close()

    def __repr__(self) -> str:
        return f'<{self.__class__.__name__} {self.keyspace} {self.status()}>'

    # --- settings --------------------------------------------------------------------------------------------

    @property
    def max_overflow(self) -> int:
        """How many connections above `pool_size` there may be; -1 is any number."""
        return self._max_overflow

    @max_overflow.setter
    def max_overflow(self, max_overflow: int) -> None:
        self._max_overflow = max_overflow
        self._store.resize(self._pool_size, self._limit())

    def _limit(self) -> Optional[int]:
        return None if self._max_overflow == -1 else self._pool_size + self._max_overflow

    @property
    def listeners(self) -> List[Any]:
        """Who hears of the pool's events, its own logger first."""
        return self._listeners.all

    def set_server_list(self, server_list: ServerList) -> None:
        """Use `server_list` ('host:port') for connections opened from now on, in a random order.

        It is any iterable, or a function that returns one and is called once, here.
        """
        servers = server_list() if callable(server_list) else server_list
        # Other threads read the list meanwhile: it is replaced when it is complete.
        self.server_list = sorted([servers] if isinstance(servers, str) else servers,
                                  key=lambda server: self.runtime.uniform(0.0, 1.0))
        self._hosts.keep(self.server_list)
        for event in ('obtained_server_list', 'server_list_obtained'):
            self._notify(event, server_list=self.server_list)

    # --- using connections -----------------------------------------------------------------------------------

    def get(self) -> ConnectionWrapper:
        """Check a connection out; give it back with `put` or its own `return_to_pool`.

        Raises NoConnectionAvailable when all are in use for `pool_timeout` seconds, AllServersUnavailable when a new
        one cannot be opened anywhere, PoolDisposed after `close`, and AuthenticationException or
        InvalidRequestException (no such keyspace) as the servers do.
        """
        wrapper = self._held()
        if wrapper is None:
            wrapper = self._checkout(self._new_deadline())
            self._hold(wrapper)
        return wrapper

    def put(self, conn: Optional[ConnectionWrapper]) -> None:
        """Give a connection back. With `use_threadlocal` the calling thread's own is, whatever `conn` is.

        A connection that failed or was closed is let go. Raises InvalidRequestError for one that was returned
        before, or comes from another pool; with `use_threadlocal` nothing happens then.
        """
        held = self._held()
        if held is not None:
            # The connection must not live as long as this thread does, where its next holder forgets it.
            self._local.held = None
            self._checkin(held)
        elif conn is not None and self._is_returnable(conn):
            self._checkin(conn)

    def return_conn(self, conn: Optional[ConnectionWrapper]) -> None:
        """The same as `put`, as it was called before release 1.2."""
        self.put(conn)

    def execute(self, f: str, *args: Any, **kwargs: Any) -> Any:
        """Call the method `f` (a Thrift call, by its name) of a connection with the arguments that follow.

        Raises what `get` and the call do, MaximumRetryException among them, with all attempts and the last cause.
        """
        before = self._own_deadline()
        self._connecting.until = self._new_deadline()
        try:
            held = self._held()
            if held is not None:
                return getattr(held, f)(*args, **kwargs)
            conn = self.get()
            try:
                return getattr(conn, f)(*args, **kwargs)
            finally:
                conn.return_to_pool()
        finally:
            self._connecting.until = before

    def execute_call(self, call: Call) -> Any:
        """Send an encoded call on a connection of the pool; what ColumnFamily and batches do.

        Raises MaximumRetryException and AllServersUnavailable, whose `attempts` list (server, error), and the
        errors of `get` and Connection.execute_call. Where `execute` was overridden it is called instead, with the
        bindings' objects.
        """
        result = self._short_way.go(self, call)
        return self._execute_call(call) if result is _LONG_WAY else result

    def _execute_call(self, call: Call) -> Any:
        """`execute_call` in all cases."""
        if type(self).execute is not _EXECUTE or 'execute' in self.__dict__:
            return call_by_objects(call, self._overridden_execute(call))
        deadline = None if self.deadline is None else self._new_deadline()
        wrapper = None if self._local is None else self._held(deadline)
        if wrapper is not None:
            return wrapper.execute_call(call, deadline)
        wrapper = self._checkout(deadline)
        try:
            result = wrapper.execute_call(call, deadline)
        except BaseException:
            self._checkin(wrapper, deadline)
            raise
        self._put_idle(wrapper, deadline)
        return result

    def _resume(self, wrapper: ConnectionWrapper, call: Call, reply: Any, error: Any) -> Any:
        """Go on with a call that failed on the short way, on a connection checked out for it: see Connection._raise."""
        wrapper._state = ConnectionWrapper._CHECKED_OUT
        try:
            result = wrapper._resume(call, reply, error)
        except BaseException:
            self._checkin(wrapper)
            raise
        self._put_idle(wrapper, None)
        return result

    def _overridden_execute(self, call: Call) -> Callable[..., Any]:
        if call.retry and call.method in IDEMPOTENT and not call.method.endswith('batch_mutate'):
            return functools.partial(self.execute, call.method)
        return functools.partial(self.execute, call.method, allow_retries=call.retry)

    def _new_deadline(self) -> Optional[float]:
        until = None if self.deadline is None else self._own_deadline()
        return until if until is not None or self.deadline is None else self._clock() + self.deadline

    def _own_deadline(self) -> Optional[float]:
        """When the `execute` that this thread is in has to be over."""
        until: Optional[float] = getattr(self._connecting, 'until', None)
        return until

    # --- the thread's own connection -------------------------------------------------------------------------

    def _held(self, deadline: Optional[float] = None) -> Optional[ConnectionWrapper]:
        """The connection that this thread has checked out by `get`, with `use_threadlocal`."""
        local = self._local
        if local is None:
            return None
        wrapper: Optional[ConnectionWrapper] = getattr(local, 'held', None)
        if wrapper is None:
            return None
        if wrapper._holder is self._token():
            return wrapper
        # It was returned by another thread.
        local.held = None
        return None

    def _hold(self, wrapper: ConnectionWrapper) -> None:
        if self._local is not None:
            identity, holding = id(wrapper), self._holding
            # One that is forgotten and collected is not held any more.
            holding[identity] = weakref.ref(wrapper, lambda _: holding.pop(identity, None))
            self._local.held = wrapper
            wrapper._holder = self._token()

    def _token(self) -> Any:
        """An object that stands for this thread (or greenlet)."""
        token = getattr(self._local, 'token', None)
        if token is None:
            token = self._local.token = object()
        return token

    # --- checking out and in ---------------------------------------------------------------------------------

    def _checkout(self, deadline: Optional[float]) -> ConnectionWrapper:
        permit = Permit()
        wrapper = self._store.pop() or self._take(deadline, permit)
        if wrapper is None or (self._clock() - wrapper._idle_since > self.idle_probe and not self._probe(wrapper)):
            wrapper = self._find_another(wrapper, deadline, permit)
        wrapper._state = ConnectionWrapper._CHECKED_OUT
        if self._listeners.check_outs_are_heard():
            try:
                self._notify('connection_checked_out', connection=wrapper)
            except BaseException:
                self._checkin(wrapper, deadline)
                raise
        return wrapper

    def _take(self, deadline: Optional[float], permit: Permit) -> Optional[ConnectionWrapper]:
        timeout = None if self.pool_timeout is None or self.pool_timeout < 0 else self.pool_timeout
        limit = f'pool_timeout={self.pool_timeout}'
        if deadline is not None:
            left = max(deadline - self._clock(), 0.0)
            if timeout is None or left < timeout:
                timeout, limit = left, f'deadline={self.deadline}'
        try:
            member: Optional[ConnectionWrapper] = self._store.take(timeout, permit)
            return member
        except NoConnectionAvailable:
            self._notify('pool_at_max', 'info', pool_max=self._limit())
            overflow = f' overflow {self._max_overflow}' if self._max_overflow else ''
            raise NoConnectionAvailable(
                f'{self.__class__.__name__} limit of size {self._pool_size}{overflow} reached, unable to obtain '
                f'connection after {timeout} seconds ({limit}; max_overflow= allows more connections)') from None

    def _probe(self, wrapper: ConnectionWrapper) -> bool:
        """Whether the server of a connection that was idle is still there."""
        try:
            return wrapper.probe()
        except BaseException:
            self._store.discard(wrapper)
            wrapper.close()
            raise

    def _find_another(self, wrapper: Optional[ConnectionWrapper], deadline: Optional[float],
                      permit: Permit) -> ConnectionWrapper:
        """In place of `wrapper`, which its server has closed, another idle connection or a new one."""
        while wrapper is not None:
            dead = wrapper
            wrapper = self._store.exchange(dead, permit)
            try:
                self._dispose(dead, 'the server had closed it')
            except BaseException:
                self._put_back(wrapper, permit)
                raise
            if wrapper is not None and self._probe(wrapper):
                return wrapper
        try:
            wrapper = self._open(deadline)
        except BaseException:
            self._store.cancel(permit)
            raise
        self._store.opened(wrapper, permit)
        return wrapper

    def _put_back(self, wrapper: Optional[ConnectionWrapper], permit: Permit) -> None:
        if wrapper is None:
            self._store.cancel(permit)
        elif not self._store.give(wrapper):
            wrapper.close()

    def _is_returnable(self, conn: ConnectionWrapper) -> bool:
        state = conn._state
        if state in (ConnectionWrapper._RETIRED, ConnectionWrapper._FOREIGN):
            # It had failed, or belongs to the process that this one was forked from: nobody counts it.
            return False
        if state in (ConnectionWrapper._CHECKED_OUT, ConnectionWrapper._BROKEN) and self._store.holds(conn):
            return True
        if self._use_threadlocal:
            return False
        if conn._pool is not self:
            raise InvalidRequestError(f'{conn} does not belong to this pool')
        raise InvalidRequestError(f'{conn} was returned to its pool before')

    def _checkin(self, wrapper: ConnectionWrapper, deadline: Optional[float] = None) -> None:
        wrapper._holder = None
        self._holding.pop(id(wrapper), None)
        if deadline is None:
            deadline = self._own_deadline()
        if wrapper.is_open and wrapper.keyspace == self.keyspace and not wrapper._relogged:
            self._put_idle(wrapper, deadline)
        else:
            self._retire(wrapper)

    def _put_idle(self, wrapper: ConnectionWrapper, deadline: Optional[float]) -> None:
        """Put a connection that is in order back, or a new one in place of one that has served its time."""
        now = wrapper._idle_since = self._clock()
        back = wrapper
        # Whatever is raised below, its holder has no part in it from here on.
        back._state = ConnectionWrapper._IN_QUEUE
        try:
            if (wrapper._expires is not None and now >= wrapper._expires) or self._is_worn(wrapper, now):
                new = self._replacement(wrapper, now, deadline)
                if new is not None:
                    self._store.replace(wrapper, new)
                    back = new
            if back is not wrapper:
                wrapper.close()
                back._state = ConnectionWrapper._IN_QUEUE
                self._notify('connection_recycled', old_conn=wrapper, new_conn=back)
                self._dispose(wrapper, 'it was recycled')
            if self._listeners.check_ins_are_heard():
                self._notify('connection_checked_in', connection=back)
        finally:
            if not self._store.give(back):
                self._dispose(back, 'the pool is full or closed')

    def _retire(self, wrapper: ConnectionWrapper) -> None:
        """Let a connection go that was returned in a state that the next holder must not get."""
        self._store.discard(wrapper)
        wrapper._state = ConnectionWrapper._RETIRED
        try:
            self._notify('connection_checked_in', connection=wrapper)
        finally:
            self._dispose(wrapper, 'it had failed or was changed', ConnectionWrapper._RETIRED)

    def _is_worn(self, wrapper: ConnectionWrapper, now: float) -> bool:
        return (-1 < self.recycle < wrapper.operation_count - wrapper._spared_at
                or (wrapper._worn_at is not None and now >= wrapper._worn_at))

    def _replacement(self, wrapper: ConnectionWrapper, now: float,
                     deadline: Optional[float]) -> Optional[ConnectionWrapper]:
        """A new connection for the place of `wrapper`, None if no better one can be had now. It is not counted here."""
        worn, servers, load = self._is_worn(wrapper, now), self.server_list, self._store.load()
        server = None
        if servers and (deadline is None or now < deadline):
            server = (self._hosts.order(servers, load)[0] if worn
                      else self._hosts.better(wrapper.server, servers, load))
        if not worn:
            # The call before this was served, and must not wait long for a host that may still be down.
            deadline = now + _LONGEST_LOOK if deadline is None else min(deadline, now + _LONGEST_LOOK)
        new = None if server is None else self._connect_if_possible(server, deadline)
        if new is None:
            self._begin_term(wrapper, worn)
        return new

    def _connect_if_possible(self, server: str, deadline: Optional[float]) -> Optional[ConnectionWrapper]:
        try:
            return self._connect(server, deadline)
        except (*BROKEN_LINK, PycassaError):
            # The call before this was served: what is wrong with new connections is for those who need one.
            return None

    def _begin_term(self, wrapper: ConnectionWrapper, anew: bool = True) -> None:
        """Set when `wrapper` is to be looked at as it comes back: `anew`, its time until it is recycled begins here.

        While a host is down, the other ones stand in for it: one of their connections tries when it is due, and when
        it is back they share the connections again.
        """
        if anew:
            wrapper._spared_at = wrapper.operation_count
            wrapper._worn_at = self._recycle_time()
        wrapper._expires = wrapper._worn_at
        self._look_again(wrapper, self._hosts.next_look(self.server_list))

    def _look_again(self, wrapper: ConnectionWrapper, at: Optional[float]) -> None:
        if at is not None and (wrapper._expires is None or at < wrapper._expires):
            wrapper._expires = at

    def _accuse(self, server: str) -> None:
        """Take note that `server` failed, and have it asked for again by connections to others."""
        self._hosts.failed(server)
        at = self._hosts.next_look(self.server_list)
        for wrapper in self._store.members():
            self._look_again(wrapper, at)

    def _dispose(self, wrapper: ConnectionWrapper, message: str, state: int = ConnectionWrapper._DISPOSED) -> None:
        """Close a connection that is off the count already."""
        wrapper._state = state
        wrapper.close()
        self._notify('connection_disposed', connection=wrapper, message=message)

    # --- opening ---------------------------------------------------------------------------------------------

    def _open(self, deadline: Optional[float], avoid: Collection[str] = (),
              attempts: Sequence[Tuple[str, BaseException]] = ()) -> ConnectionWrapper:
        """A new connection to the best server that accepts one; each is tried twice. It is not counted here."""
        attempts = list(attempts)
        for turn in range(2):
            if turn:
                self.runtime.sleep(self._pause(deadline))
            servers = self.server_list
            for server in self._hosts.order(servers, self._store.load(), avoid) if servers else ():
                if attempts and deadline is not None and self._clock() >= deadline:
                    break
                try:
                    return self._connect(server, deadline)
                except (*BROKEN_LINK, *BUSY_SERVER) as error:
                    attempts.append((server, error))
        if not attempts:
            raise AllServersUnavailable('Cannot connect to any servers as the server list is empty!')
        last = attempts[-1][1]
        raise AllServersUnavailable(
            'An attempt was made to connect to each of the servers twice, but none of the attempts succeeded. '
            f'The last failure was {last.__class__.__name__}: {last}', attempts) from last

    def _pause(self, deadline: Optional[float]) -> float:
        pause = self.retry_backoff.delay(1, self.runtime.uniform)
        return pause if deadline is None else max(min(pause, deadline - self._clock()), 0.0)

    def _connect(self, server: str, deadline: Optional[float]) -> ConnectionWrapper:
        """A new connection to `server`. Raises what connecting does, after saying so to hosts and listeners."""
        attempt = self._hosts.trying(server)
        self._connecting.deadline = deadline
        try:
            wrapper = self._get_new_wrapper(server)
        except (*BROKEN_LINK, *BUSY_SERVER) as error:
            # A deadline that leaves no time to connect accuses nobody, but one that was down has had another chance.
            if deadline is None or self._clock() < deadline or not self._hosts.is_up(server):
                self._accuse(server)
            self._notify('connection_failed', 'info', error=error, server=server, connection=None)
            raise
        finally:
            self._connecting.deadline = None
            self._hosts.settled(server, attempt)
        self._hosts.succeeded(server)
        wrapper._idle_since = wrapper._opened = self._clock()
        self._begin_term(wrapper)
        try:
            self._notify('connection_created', connection=wrapper)
        except BaseException:
            wrapper.close()
            raise
        return wrapper

    def _recycle_time(self) -> Optional[float]:
        if self.recycle_seconds is None:
            return None
        return self._clock() + self.recycle_seconds * self.runtime.uniform(0.9, 1.0)

    def _get_new_wrapper(self, server: str) -> ConnectionWrapper:
        """Open a connection to `server`. Subclasses may override this to change connections before they are used."""
        return self._new_wrapper(ConnectionWrapper, server)

    def _new_wrapper(self, wrapper_class: Type[ConnectionWrapper], server: str) -> ConnectionWrapper:
        return wrapper_class(
            self, self.max_retries, self.keyspace, server, timeout=self.timeout, credentials=self.credentials,
            socket_factory=self.socket_factory, transport_factory=self.transport_factory,
            connect_timeout=self.connect_timeout, schema_timeout=self.schema_timeout, ssl_context=self.ssl_context,
            max_request_bytes=self.max_request_bytes, max_reply_bytes=self.max_reply_bytes,
            deadline=getattr(self._connecting, 'deadline', None))

    # --- failover --------------------------------------------------------------------------------------------

    def _call_failed(self, wrapper: ConnectionWrapper, error: BaseException) -> None:
        """Take note of a call that failed on `wrapper`: what broke is closed, and what broke with it."""
        if isinstance(error, BROKEN_LINK):
            wrapper.close()
        if not wrapper.is_open:
            wrapper._state = ConnectionWrapper._BROKEN
        evicted = []
        if accuses_host(error) and not self._hosts.came_back(wrapper.server, wrapper._opened):
            self._accuse(wrapper.server)
            evicted = self._store.evict(wrapper.server)
            _close_all(evicted)
        self._notify('connection_failed', 'info', error=error, server=wrapper.server, connection=wrapper)
        for idle in evicted:
            self._dispose(idle, 'another connection to its server failed')

    def _reconnect(self, wrapper: ConnectionWrapper, attempts: Sequence[Tuple[str, BaseException]],
                   deadline: Optional[float]) -> None:
        """Let `wrapper`, whose call failed, go on over a connection to another server if there is one."""
        tried = {server for server, error in attempts if not was_closed_here(error)}
        other = self._idle_connection(tried)
        if other is None and wrapper.is_open and not any(
                server not in tried and self._hosts.is_due(server) for server in self.server_list):
            return
        if other is None and not wrapper.is_open:
            other = self._idle_connection(())
        if other is None:
            wrapper._continue_over(self._open(deadline, tried, attempts))
        else:
            self._store.discard(other)
            wrapper._continue_over(other)
        wrapper._state = ConnectionWrapper._CHECKED_OUT

    def _idle_connection(self, avoid: Collection[str]) -> Optional[ConnectionWrapper]:
        """An idle connection to a server that is not in `avoid`, checked out, if there is a living one."""
        while True:
            wrapper: Optional[ConnectionWrapper] = self._store.take_idle(avoid)
            if wrapper is None or self._probe(wrapper):
                return wrapper
            self._store.discard(wrapper)
            self._dispose(wrapper, 'the server had closed it')

    # --- forks -----------------------------------------------------------------------------------------------

    def _start_empty(self) -> None:
        self._store = Store(self._pool_size, self._limit(), self.runtime)
        self._hosts = Hosts(self.host_backoff, self.runtime)
        self._local: Any = threading.local() if self._use_threadlocal else None
        # The connections that threads have, by id: while there are any, a call has to ask for that of its thread.
        self._holding: Dict[int, Any] = {}
        if type(self)._held is not ConnectionPool._held:
            self._holding[0] = None
        self._short_way = codec.ShortWay(_WAYS, self.__dict__, self._store, self._listeners, self._holding)
        self._connecting = threading.local()

    def _after_fork(self) -> None:
        inherited, closed = self._store.abandon(), self._store.closed
        self._start_empty()
        self._store.closed = closed
        for wrapper in inherited:
            wrapper._state = ConnectionWrapper._FOREIGN
            # This closes the child's copies of the descriptors, and sends nothing.
            wrapper.close()

    def _reopen_in_child(self, wrapper: ConnectionWrapper) -> None:
        """Give `wrapper`, checked out before this process was forked, a connection of this process."""
        other = self._checkout(self._new_deadline())
        self._store.replace(other, wrapper)
        wrapper._continue_over(other)
        wrapper._holder = None
        wrapper._state = ConnectionWrapper._CHECKED_OUT

    # --- the pool as a whole ---------------------------------------------------------------------------------

    def fill(self) -> None:
        """Open connections until there are `pool_size`. Raises AllServersUnavailable."""
        while True:
            permit = Permit()
            if not self._store.permit(self._pool_size, permit):
                return
            try:
                wrapper = self._open(None)
            except BaseException:
                self._store.cancel(permit)
                raise
            self._store.opened(wrapper, permit)
            wrapper._state = ConnectionWrapper._IN_QUEUE
            if not self._store.give(wrapper):
                self._dispose(wrapper, 'the pool is full')

    def _fill_or_close(self) -> None:
        """`fill` as the pool is made: if that fails nobody has the pool, to close what it opened."""
        try:
            self.fill()
        except BaseException:
            # Not the method of a subclass, whose own part is not made yet.
            ConnectionPool.close(self)
            raise

    def dispose(self) -> None:
        """Close the idle connections. Those in use are not touched, and the pool can be used as before."""
        self._dispose_all(self._store.evict(), f'pool {self.logging_name} is being disposed')

    def close(self) -> None:
        """Close the pool for good: connections in use are closed as they come back, and `get` raises PoolDisposed."""
        self._dispose_all(self._store.close(), f'pool {self.logging_name} is being closed')

    def _dispose_all(self, wrappers: Sequence[ConnectionWrapper], message: str) -> None:
        _close_all(wrappers)
        for wrapper in wrappers:
            self._dispose(wrapper, message)
        self._notify('pool_disposed', 'info')

    def __enter__(self) -> 'ConnectionPool':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def recreate(self) -> 'ConnectionPool':
        """A new pool with the same settings and listeners (release 1.0)."""
        self._notify('pool_recreated')
        return self.__class__(**self._settings())

    def _settings(self) -> Dict[str, Any]:
        names = ('keyspace', 'server_list', 'credentials', 'timeout', 'socket_factory', 'transport_factory',
                 'logging_name', 'pool_timeout', 'recycle', 'max_retries', 'max_overflow', 'connect_timeout',
                 'schema_timeout', 'deadline', 'ssl_context', 'max_request_bytes', 'max_reply_bytes', 'bytes_encoding',
                 'idle_probe', 'recycle_seconds', 'retry_backoff', 'host_backoff', 'runtime')
        settings = {name: getattr(self, name) for name in names}
        if settings['logging_name'] == id(self):
            settings['logging_name'] = None
        return dict(settings, use_threadlocal=self._use_threadlocal, pool_size=self._pool_size,
                    prefill=self._prefill, listeners=self.listeners[1:])

    # --- counts ----------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """The connections that are idle, checked out and being opened, those waiting for one, and the total."""
        return self._store.counts()

    def size(self) -> int:
        """`pool_size`: how many connections are kept."""
        return self._pool_size

    def checkedin(self) -> int:
        """How many connections are idle."""
        return self.counts().idle

    def checkedout(self) -> int:
        """How many connections are in use."""
        return self.counts().checked_out

    def overflow(self) -> int:
        """How many connections there are above `pool_size`, those being opened included."""
        return max(self.counts().total - self._pool_size, 0)

    def status(self) -> str:
        """The counts in words (release 1.0)."""
        counts = self.counts()
        return (f'Pool size: {self._pool_size}  Connections in pool: {counts.idle} '
                f'Current Overflow: {max(counts.total - self._pool_size, 0)} '
                f'Current Checked out connections: {counts.checked_out}')

    # --- events ----------------------------------------------------------------------------------------------

    def add_listener(self, listener: Any) -> None:
        """Tell `listener` of the pool's events: an object with hooks of PoolListener, or a dict {hook: function}.

        Raises TypeError for an object without any, and a dict with others.
        """
        self._listeners.add(listener)

    def _notify(self, event: str, level: str = 'debug', **details: Any) -> None:
        self._listeners.notify(event, dict(details, pool_id=self.logging_name, level=level))


def _close_all(wrappers: Iterable[ConnectionWrapper]) -> None:
    """Close connections, all of them even where closing one is interrupted."""
    with contextlib.ExitStack() as stack:
        for wrapper in wrappers:
            stack.callback(wrapper.close)


_EXECUTE = ConnectionPool.execute

_LONG_WAY = codec.LONG_WAY
_WAYS = codec.Ways(ConnectionPool, ConnectionWrapper, Connection, own_methods, SCHEMA_CALLS)


def __getattr__(name: str) -> Any:
    if name in _LEGACY:
        from pycassa import legacy
        return getattr(legacy, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
