"""connect() and connect_thread_local() of the first releases, the clients that they return, and the pools of 0.5."""
import abc
import itertools
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import AuthenticationRequest
from pycassa.connection import DEFAULT_SERVER, Connection
from pycassa.credentials import concealed
from pycassa.errors import LimitExceeded, NoServerAvailable
from pycassa.hosts import Hosts
from pycassa.legacy_pools import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool
from pycassa.operations import MAX_REQUEST_BYTES, Call, ThriftOperations, call_by_objects
from pycassa.rawcalls import is_own_method, own_method
from pycassa.retry import BROKEN_LINK, Backoff, may_repeat
from pycassa.runtime import Runtime, after_fork_in_child
from pycassa.wrapper import THRIFT_METHODS

__all__ = ['AssertionPool', 'Client', 'NoServerAvailable', 'NullPool', 'QueuePool', 'SingleConnection',
           'SingletonThreadPool', 'StaticPool', 'ThreadLocalConnection', 'connect', 'connect_thread_local']

Credentials = Mapping[str, str]
Servers = Union[None, str, Iterable[Any]]

# Calls that work without a keyspace, so that a client can be put right when its own is gone.
_WITHOUT_KEYSPACE = frozenset([
    'login', 'set_keyspace', 'describe_keyspaces', 'describe_keyspace', 'describe_cluster_name', 'describe_version',
    'describe_ring', 'describe_local_ring', 'describe_token_map', 'describe_partitioner', 'describe_snitch',
    'describe_schema_versions', 'system_add_keyspace', 'system_drop_keyspace', 'system_update_keyspace'])

# A connection that was not used for so many seconds is asked whether it is still there.
_IDLE_PROBE = 1.0


def connect(keyspace: Any = None, servers: Any = None, framed_transport: Any = True, timeout: Any = None,
            credentials: Optional[Credentials] = None, retry_time: float = 60, recycle: Optional[float] = None,
            round_robin: Optional[bool] = None, use_threadlocal: bool = False, *,
            logins: Optional[Mapping[str, Credentials]] = None, bytes_encoding: Optional[str] = None,
            **options: Any) -> 'Client':
    """A client with one connection, opened by the first call; with `use_threadlocal`, with one for each thread.

    All forms of the releases before 1.4: `connect()`, `connect(['host:9160'])` (the positional arguments that follow
    are framed_transport, timeout, logins), `connect('Keyspace1')`, `connect('Keyspace1', ['host:9160'], ...)`.
    Without a keyspace, ColumnFamily looks for its family in all of them.

    Seconds: `timeout` bounds a call (None: no limit), a server that failed comes last for `retry_time`, and a
    connection is replaced when it is `recycle` old. `credentials` are {'username': ..., 'password': ...}, `logins`
    {keyspace: credentials}; they are used for every connection. `options` are those of Connection (connect_timeout,
    schema_timeout, ssl_context, socket_factory, transport_factory, max_request_bytes, max_reply_bytes), and
    `bytes_encoding` is that of ColumnFamily.

    When a connection fails, each server is tried in turn; then NoServerAvailable is raised, with all `attempts`.
    """
    credentials = concealed(credentials)
    if keyspace is not None and not isinstance(keyspace, str):
        if isinstance(timeout, Mapping):
            timeout, logins = None, timeout
        if not isinstance(framed_transport, bool):
            framed_transport, timeout = True, framed_transport
        if isinstance(servers, bool):
            framed_transport = servers
        keyspace, servers = None, keyspace
    logins = _concealed_logins(logins)
    kind = ThreadLocalConnection if use_threadlocal else SingleConnection
    return kind(keyspace, servers, framed_transport=framed_transport, timeout=timeout, credentials=credentials,
                logins=logins, retry_time=retry_time, recycle=recycle,
                round_robin=use_threadlocal if round_robin is None else round_robin,
                bytes_encoding=bytes_encoding, **options)


def connect_thread_local(keyspace: Any = None, servers: Any = None, framed_transport: bool = True,
                         timeout: Optional[float] = None, credentials: Any = None, retry_time: float = 60,
                         recycle: Optional[float] = None, round_robin: Optional[bool] = True, *,
                         use_threadlocal: bool = True, logins: Optional[Mapping[str, Credentials]] = None,
                         **options: Any) -> 'Client':
    """A client with one connection for each thread that uses it, otherwise as `connect` gives it.

    The connections go to the servers by turns; with `round_robin=False` to the first of the list that accepts one.
    Where the list of servers comes first, round_robin, framed_transport, timeout and logins follow.
    """
    if keyspace is not None and not isinstance(keyspace, str):
        if isinstance(servers, bool):
            round_robin = servers
        if credentials is not None and any(isinstance(value, Mapping) for value in credentials.values()):
            credentials, logins = None, credentials
        keyspace, servers = None, keyspace
    credentials, logins = concealed(credentials), _concealed_logins(logins)
    return connect(keyspace, servers, framed_transport, timeout, credentials, retry_time, recycle, round_robin,
                   use_threadlocal, logins=logins, **options)


def _concealed_logins(logins: Optional[Mapping[str, Credentials]]) -> Dict[str, Credentials]:
    return {keyspace: concealed(credentials) or {} for keyspace, credentials in (logins or {}).items()}


class _Link:
    """A connection of a client, with what it was logged in by, when it is to be replaced, and when it was last used."""

    def __init__(self, connection: Connection, credentials: Optional[Credentials], expires: Optional[float],
                 used: float) -> None:
        self.connection = connection
        self.credentials = credentials
        self.expires = expires
        self.used = used
        self._process = os.getpid()

    def __del__(self) -> None:
        # The thread that it belonged to has ended, or its client is gone: the server should not wait for more calls.
        # A forked child deletes what the other threads had before it is told that it is one: there they go on.
        if os.getpid() == self._process:
            self.connection.close()


class Client(abc.ABC):
    """What connect() returns: every Thrift call by its name, over connections that are replaced when they fail.

    `keyspace` and what login() was given hold for every connection made later. A call that failed is made again on
    each of the servers, unless it may have had an effect that would double (counters, schema changes).
    """

    def __init__(self, keyspace: Optional[str], servers: Servers = None, *, framed_transport: bool = True,
                 timeout: Optional[float] = None, credentials: Optional[Credentials] = None,
                 logins: Optional[Mapping[str, Credentials]] = None, retry_time: float = 60,
                 recycle: Optional[float] = None, round_robin: bool = False, bytes_encoding: Optional[str] = None,
                 max_request_bytes: int = MAX_REQUEST_BYTES, runtime: Optional[Runtime] = None,
                 **options: Any) -> None:
        credentials, logins = concealed(credentials), _concealed_logins(logins)
        self.keyspace = keyspace
        self.servers = [DEFAULT_SERVER] if servers is None else [servers] if isinstance(servers, str) else list(servers)
        self.timeout = timeout
        self.recycle = recycle
        self.bytes_encoding = bytes_encoding
        self.operations = ThriftOperations(self, max_request_bytes)
        self._credentials = credentials or None
        self._logins: Dict[str, Credentials] = logins
        self._options = dict(options, framed_transport=framed_transport, timeout=timeout,
                             max_request_bytes=max_request_bytes)
        self._runtime = runtime or Runtime()
        self._hosts = Hosts(Backoff(retry_time, retry_time), self._runtime)
        self._turns = itertools.count() if round_robin else itertools.repeat(0)

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            """The Thrift calls, which the end of this module adds."""

    def __repr__(self) -> str:
        return f'<{self.__class__.__name__} {self.keyspace}@{",".join(map(str, self.servers))}>'

    # --- what users call besides the Thrift calls ------------------------------------------------------------

    def login(self, keyspace: Any = None, credentials: Optional[Credentials] = None,
              auth_request: Optional[AuthenticationRequest] = None) -> None:
        """Log in now and on every connection made later, and select `keyspace`: login(keyspace, credentials).

        With one AuthenticationRequest it is the Thrift call, and the keyspace stays. Raises AuthenticationException,
        AuthorizationException, NoServerAvailable; then everything is as it was before.
        """
        if isinstance(keyspace, AuthenticationRequest):
            keyspace, auth_request = None, keyspace
        if auth_request is not None:
            credentials = auth_request.credentials
        credentials = concealed(credentials)
        if credentials is None:
            raise TypeError('login() takes a keyspace and credentials, or an AuthenticationRequest')
        before = self._credentials, dict(self._logins)
        self._logins.clear()
        # A copy: its identity tells which connections are logged in by it.
        self._credentials = concealed(dict(credentials))
        try:
            self._run('login', True, lambda connection: None)
            if keyspace is not None:
                self.set_keyspace(keyspace)
        except BaseException:
            self._credentials, self._logins = before
            raise

    def set_keyspace(self, keyspace: str) -> None:
        """Select `keyspace` now, and on every connection made later. Raises InvalidRequestException."""
        self._run('set_keyspace', True, lambda connection: connection.set_keyspace(keyspace))
        self.keyspace = keyspace

    def get_keyspace_description(self, keyspace: Optional[str] = None,
                                 use_dict_for_col_metadata: bool = False) -> Dict[str, Any]:
        """{name: CfDef} of the families of `keyspace`, by default the selected one; see Connection."""
        name = self.keyspace if keyspace is None else keyspace
        families: Dict[str, Any] = self._run(
            'describe_keyspace', True,
            lambda connection: connection.get_keyspace_description(name, use_dict_for_col_metadata))
        return families

    def batch(self, *args: Any, **kwargs: Any) -> Mutator:
        """A batch of mutations for any families of this client: Mutator(client, queue_size=100, ...)."""
        return Mutator(self, *args, **kwargs)

    def connect(self) -> None:
        """Open the connection now; otherwise the first call does. Raises NoServerAvailable."""
        self._run('login', True, lambda connection: None)

    def close(self) -> None:
        """Close the connection (the calling thread's). The next call opens another one."""
        self._drop()

    def execute_call(self, call: Call) -> Any:
        """Send an encoded call, as ColumnFamily and batches do. Raises NoServerAvailable and what the call raises.

        A Thrift method that a user replaced or wrapped on the client is called instead, with the bindings' objects.
        """
        if not is_own_method(self, call.method):
            return call_by_objects(call, getattr(self, call.method))
        return self._run(call.method, call.retry, lambda connection: connection.execute_call(call))

    def execute_call_in(self, keyspace: str, call: Call) -> Any:
        """`execute_call` in `keyspace`, whatever is selected: families of several keyspaces may share a client."""
        if not is_own_method(self, call.method):
            self.set_keyspace(keyspace)
            return call_by_objects(call, getattr(self, call.method))
        return self._run(call.method, call.retry, lambda connection: connection.execute_call(call), keyspace)

    # --- failover --------------------------------------------------------------------------------------------

    def _run(self, method: str, repeat: bool, send: Callable[[Connection], Any],
             keyspace: Optional[str] = None) -> Any:
        """What `send` returns on the connection there is, or on the first server on which it does not fail."""
        attempts: List[Tuple[Any, BaseException]] = []
        link = self._usable_link()
        server = link.connection.server if link is not None else None
        servers: Optional[Iterator[Any]] = None
        sent_before = False
        while True:
            sent = False
            try:
                if link is None:
                    servers = servers or iter(self._order(server))
                    server = self._next(servers, method, attempts)
                    link = self._open(server)
                self._prepare(link, method, keyspace or self.keyspace)
                sent = True
                result = send(link.connection)
                link.used = self._runtime.clock()
                return result
            except BROKEN_LINK as error:
                self._drop()
                if isinstance(error, LimitExceeded):
                    raise
                attempts.append((server, error))
                self._hosts.failed(server)
                if sent and not repeat:
                    raise NoServerAvailable(f'{method} failed and is not sent again, because its effect may be there '
                                            'and would double', attempts) from error
                if sent and not sent_before:
                    # The connection was there, and broke: every server gets its turn, this one at the end.
                    servers, sent_before = None, True
                link = None

    def _next(self, servers: Iterator[Any], method: str, attempts: List[Tuple[Any, BaseException]]) -> Any:
        for server in servers:
            return server
        cause = attempts[-1][1] if attempts else None
        message = f'{method}: no server answered' if attempts else 'the list of servers is empty'
        raise NoServerAvailable(message, attempts) from cause

    def _order(self, failed: Any) -> List[Any]:
        """All servers from the one after `failed` (or the next in turn) on; those that failed lately come last."""
        servers = self.servers
        if not servers:
            return []
        start = servers.index(failed) + 1 if failed in servers else next(self._turns)
        order = [servers[(start + index) % len(servers)] for index in range(len(servers))]
        return sorted(order, key=lambda server: not self._hosts.is_due(server))

    def _open(self, server: Any) -> _Link:
        credentials = self._wanted_credentials()
        connection = Connection(None, server, credentials=credentials, **self._options)
        self._hosts.succeeded(server)
        now = self._runtime.clock()
        expires = None if self.recycle is None else now + self.recycle * self._runtime.uniform(1.0, 1.1)
        link = _Link(connection, credentials, expires, now)
        self._keep(link)
        return link

    def _prepare(self, link: _Link, method: str, keyspace: Optional[str]) -> None:
        """Log in as this client's settings are now, where they have changed, and select `keyspace`."""
        connection, credentials = link.connection, self._wanted_credentials()
        if link.credentials is not credentials and credentials is not None:
            connection.login(AuthenticationRequest(credentials=dict(credentials)))
            link.credentials = credentials
        if keyspace is not None and connection.keyspace != keyspace and method not in _WITHOUT_KEYSPACE:
            connection.set_keyspace(keyspace)

    def _wanted_credentials(self) -> Optional[Credentials]:
        if self._credentials is not None or not self._logins:
            return self._credentials
        if self.keyspace in self._logins:
            return self._logins[self.keyspace]
        return next(iter(self._logins.values()))

    def _usable_link(self) -> Optional[_Link]:
        link = self._link()
        if link is None:
            return None
        now = self._runtime.clock()
        worn = link.expires is not None and now >= link.expires
        # Closed before a call, or by its server meanwhile, or of the process that this one was forked from.
        if worn or not link.connection.is_open or (now - link.used > _IDLE_PROBE and not link.connection.probe()):
            self._drop()
            return None
        return link

    def _drop(self) -> None:
        link = self._link()
        self._keep(None)
        if link is not None:
            link.connection.close()

    @abc.abstractmethod
    def _link(self) -> Optional[_Link]: ...

    @abc.abstractmethod
    def _keep(self, link: Optional[_Link]) -> None: ...


class SingleConnection(Client):
    """A client with one connection. Threads may share it, and then wait for one another's calls."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._current: Optional[_Link] = None
        self._lock = threading.RLock()
        Client.__init__(self, *args, **kwargs)
        after_fork_in_child(self)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

    def _run(self, method: str, repeat: bool, send: Callable[[Connection], Any],
             keyspace: Optional[str] = None) -> Any:
        with self._lock:
            return Client._run(self, method, repeat, send, keyspace)

    def _link(self) -> Optional[_Link]:
        return self._current

    def _keep(self, link: Optional[_Link]) -> None:
        self._current = link


class ThreadLocalConnection(Client):
    """A client with one connection for each thread that makes calls."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._local = threading.local()
        Client.__init__(self, *args, **kwargs)

    def _link(self) -> Optional[_Link]:
        return getattr(self._local, 'link', None)

    def _keep(self, link: Optional[_Link]) -> None:
        self._local.link = link


def _by_name(name: str) -> Callable[..., Any]:
    def call(self: Client, *args: Any, **kwargs: Any) -> Any:
        allowed = kwargs.pop('allow_retries', None)
        repeat = may_repeat(name, args, kwargs) if allowed is None else bool(allowed)
        return self._run(name, repeat, lambda connection: getattr(connection, name)(*args, **kwargs))

    call.__name__ = name
    call.__qualname__ = f'Client.{name}'
    call.__doc__ = f'The Thrift call {name}, as Connection has it. Raises NoServerAvailable too.'
    return own_method(call)


for _name in THRIFT_METHODS:
    if _name not in ('login', 'set_keyspace'):
        setattr(Client, _name, _by_name(_name))
