"""One connection to one server: opening, login, keyspace, calls with time-outs."""
import ssl
import time
from typing import Any, Callable, Dict, Mapping, NoReturn, Optional, Tuple

from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport, TTransportException

from pycassa.addresses import DEFAULT_PORT, format_server, parse_server
from pycassa.cassandra.ttypes import AuthenticationRequest, NotFoundException
from pycassa.credentials import conceal, concealed
from pycassa.errors import ApplicationError, ConfigurationError, NoServerAvailable, ProtocolError
from pycassa.framing import (
    MAX_REPLY_BYTES,
    AdaptedTransport,
    FramedTransport,
    MessageTransport,
    SocketTransport,
    name_call,
)
from pycassa.operations import MAX_REQUEST_BYTES, Call, ThriftOperations, call_by_objects
from pycassa.rawcalls import RawClient, is_own_method, own_method
from pycassa.sasl import TSaslClientTransport, make_sasl_transport_factory
from pycassa.transport import StreamSocket, TLSSocketFactory, earliest, make_ssl_context, make_ssl_socket_factory

__all__ = ['DEFAULT_PORT', 'DEFAULT_SERVER', 'Connection', 'NoServerAvailable', 'TSaslClientTransport',
           'default_socket_factory', 'default_transport_factory', 'format_server', 'make_sasl_transport_factory',
           'make_ssl_context', 'make_ssl_socket_factory', 'parse_server']

DEFAULT_SERVER = 'localhost:9160'

# Schema changes wait for all servers, and truncation for all replicas: the time-out of a read is not for them.
SCHEMA_TIMEOUT = 30.0
SCHEMA_CALLS = frozenset(['truncate'] + [f'system_{verb}_{what}' for verb in ('add', 'drop', 'update')
                                          for what in ('keyspace', 'column_family')])


def default_socket_factory(host: str, port: int) -> TSocket:
    """Thrift's unopened TSocket. Where it is a connection's `socket_factory`, a socket of our own is used."""
    return TSocket(host, port)


def default_transport_factory(tsocket: Any, host: str, port: int) -> TFramedTransport:
    """Thrift's framed transport. Where it is a connection's `transport_factory`, a transport of our own is used."""
    return TFramedTransport(tsocket)


class Connection(RawClient):
    """A connection to one server, for one thread at a time: every Thrift call by its name, as in 1.11.

    `server` is 'host', 'host:port', '[IPv6]:port' or a (host, port) pair. After connecting it logs in, where there
    are `credentials` ({'username': …, 'password': …}), and selects `keyspace`, unless that is None.

    Seconds: `timeout` bounds a whole call, from sending to the end of the reply, `connect_timeout` (default:
    `timeout`) opening the connection, and `schema_timeout` (default: 30, or `timeout` where that is longer) the
    system_* calls and truncate. None as `timeout` is no limit for any of them. `deadline`, absolute on
    time.monotonic(), bounds connecting, login and set_keyspace together.

    `ssl_context` switches TLS on. `socket_factory(host, port)` and `transport_factory(tsocket, host, port)` make
    users' own; then only the time-outs that these keep hold once a call is sent (`setTimeout` of the former is
    called). `framed_transport=False` is for old or embedded servers; it has no effect on a `transport_factory`.

    A failure in mid-call (time-out, interrupt, malformed reply) closes the connection, and `is_open` is False from
    then on. Errors that the server declares leave it open. Raises ConfigurationError, ConnectionFailed, CallTimeout,
    AuthenticationException, InvalidRequestException (no such keyspace).
    """

    # The transport of the connection where it is over a socket of ours, and its exchange of frames, where it has one.
    _link: Optional[SocketTransport] = None
    _exchange: Any = None

    def __init__(self, keyspace: Optional[str], server: Any, framed_transport: bool = True,
                 timeout: Optional[float] = None, credentials: Optional[Mapping[str, str]] = None,
                 socket_factory: Callable[..., Any] = default_socket_factory,
                 transport_factory: Callable[..., Any] = default_transport_factory, *,
                 connect_timeout: Optional[float] = None, schema_timeout: Optional[float] = None,
                 ssl_context: Optional[ssl.SSLContext] = None, max_request_bytes: int = MAX_REQUEST_BYTES,
                 max_reply_bytes: int = MAX_REPLY_BYTES, deadline: Optional[float] = None) -> None:
        credentials = concealed(credentials)
        self.server = server
        self.keyspace: Optional[str] = None
        self.timeout = timeout
        self.connect_timeout = timeout if connect_timeout is None else connect_timeout
        self.schema_timeout = _schema_timeout(timeout) if schema_timeout is None else schema_timeout
        self._deadline = deadline
        host, port = parse_server(server)
        stream = _stream(host, port, socket_factory, ssl_context, self.connect_timeout)
        messages, self.transport = _transports(stream, host, port, framed_transport, transport_factory,
                                               max_reply_bytes)
        RawClient.__init__(self, messages, max_request_bytes)
        self._link = messages if isinstance(messages, SocketTransport) else None
        self.operations = ThriftOperations(self, max_request_bytes)
        self._open(stream, keyspace, credentials)

    def _open(self, stream: Any, keyspace: Optional[str], credentials: Optional[Mapping[str, str]]) -> None:
        try:
            _set_timeout(stream, self.connect_timeout)
            seconds = self.connect_timeout
            self._messages.open(*earliest(self._deadline, 'deadline', seconds, f'connect_timeout={seconds}'))
            _set_timeout(stream, self.timeout)
            if self._link is not None:
                self._exchange = self._link.exchange
            if credentials:
                self.login(AuthenticationRequest(credentials=dict(credentials)))
            if keyspace is not None:
                self.set_keyspace(keyspace)
        except BaseException as error:
            self.close()
            if isinstance(error, (TTransportException, OSError, EOFError)):
                # The call that this connection was for has not been sent.
                error.may_be_applied = False  # type: ignore[union-attr]
            raise
        finally:
            self._deadline = None

    # --- state -----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """False after close() or any failure in mid-call, and in a forked child. Does not ask the server: see probe."""
        return self._messages.isOpen()

    usable = is_open

    @property
    def seems_open(self) -> bool:
        """As `is_open`, for threads that don't hold the connection: a transport of users' own is not asked."""
        return self._messages.seems_open()

    def probe(self) -> bool:
        """False when the server has closed this idle connection, or sent something unasked for. Does not wait."""
        return self._messages.probe()

    def close(self) -> None:
        """Close for good; more than once is no error. In a forked child the parent's connection is left alone."""
        self._messages.close()

    def __enter__(self) -> 'Connection':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f'<{self.__class__.__name__} {self.keyspace}@{format_server(*parse_server(self.server))}>'

    # --- calls -----------------------------------------------------------------------------------------------

    def execute_call(self, call: Call, deadline: Optional[float] = None) -> Any:
        """Send an encoded call, and return what it makes of the reply.

        `deadline`, absolute on time.monotonic(), and the call's time-out both bound it. A Thrift method that a user
        replaced or wrapped on this object or its class is called instead, with the bindings' objects. Raises
        TransportError and its subclasses, ApplicationError, UnpackingError and the call's declared exceptions.
        """
        if not is_own_method(self, call.method):
            return call_by_objects(call, getattr(self, call.method))
        reply = self._converse(call, deadline)
        try:
            return call.decode(reply)
        except (ProtocolError, ApplicationError) as error:
            self._refuse(call, error)
            raise

    def _refuse(self, call: Call, error: Any) -> None:
        """Close where the reply to `call`, in which `error` was read, leaves the connection out of step."""
        if isinstance(error, ProtocolError):
            self.close()
            name_call(error, call.method, self._messages.server)
        elif isinstance(error, ApplicationError) and error.type != TApplicationException.UNKNOWN_METHOD:
            # The server may have stopped in the middle of the request, and would take its rest for the next.
            self.close()

    def _raise(self, call: Call, reply: Any, error: Any) -> NoReturn:
        """Raise what `execute_call` raises, for a call that another than it has made.

        `reply` is the message in which `error` was read, what the exchange returned in place of one, or None where
        `error` came before it.
        """
        if type(reply) is tuple:
            assert self._link is not None
            limit = 'deadline' if self.timeout is None or reply[1] else f'timeout={self.timeout}'
            error = self._link.failed(reply, call.frame, limit)
        elif reply is None:
            self._messages.interrupted(error, call.frame)
        else:
            self._refuse(call, error)
        raise error

    def _converse(self, call: Call, deadline: Optional[float]) -> bytes:
        """The reply to `call`, whatever the connection is made of."""
        if self._link is None:
            return self._messages.roundtrip(call.frame, *self._bounds(call.method, deadline))
        if call.method in SCHEMA_CALLS:
            return self._link.request(call.frame, self.schema_timeout, 'schema_timeout', deadline)
        return self._link.request(call.frame, self.timeout, 'timeout', deadline)

    def _bounds(self, method: str, deadline: Optional[float]) -> Tuple[Optional[float], str]:
        if method in SCHEMA_CALLS:
            return earliest(deadline, 'deadline', self.schema_timeout, f'schema_timeout={self.schema_timeout}')
        timeout = self.timeout
        if timeout is None:
            return deadline, 'deadline'
        expires = time.monotonic() + timeout
        if deadline is not None and deadline < expires:
            return deadline, 'deadline'
        return expires, f'timeout={timeout}'

    def _begin(self, method: str) -> None:
        self._messages.deadline, self._messages.limit = self._bounds(method, self._deadline)

    @own_method
    def login(self, auth_request: AuthenticationRequest) -> None:
        """Log in. Raises AuthenticationException, AuthorizationException; no error repeats the credentials."""
        try:
            super().login(auth_request)
        except Exception as error:
            conceal(error, getattr(auth_request, 'credentials', None) or {})
            raise

    @own_method
    def set_keyspace(self, keyspace: str) -> None:
        """Select `keyspace` for the calls that follow. Asks the server only where it differs from the present one."""
        if keyspace != self.keyspace:
            super().set_keyspace(keyspace)
            self.keyspace = keyspace

    def get_keyspace_description(self, keyspace: Optional[str] = None,
                                 use_dict_for_col_metadata: bool = False) -> Dict[str, Any]:
        """{name: CfDef} of the families of `keyspace`, by default the selected one.

        With `use_dict_for_col_metadata` their `column_metadata` is {column name: ColumnDef} instead of a list.
        Raises NotFoundException, whose `why` names it, for a keyspace that does not exist.
        """
        name = self.keyspace if keyspace is None else keyspace
        try:
            families = self.describe_keyspace(name).cf_defs
        except NotFoundException as error:
            error.why = f'the keyspace {name!r} does not exist'
            raise
        if use_dict_for_col_metadata:
            for family in families:
                family.column_metadata = {column.name: column for column in family.column_metadata or ()}
        return {family.name: family for family in families}


def _schema_timeout(timeout: Optional[float]) -> Optional[float]:
    return None if timeout is None else max(timeout, SCHEMA_TIMEOUT)


def _stream(host: str, port: int, socket_factory: Callable[..., Any], ssl_context: Optional[ssl.SSLContext],
            connect_timeout: Optional[float]) -> Any:
    if isinstance(socket_factory, TLSSocketFactory):
        if ssl_context is not None:
            raise ConfigurationError('ssl_context= and a TLS socket_factory= are both given; leave one of them out')
        ssl_context = socket_factory.ssl_context
    elif socket_factory is not default_socket_factory:
        if ssl_context is not None:
            raise ConfigurationError('ssl_context= has no effect on a socket_factory= of your own; leave one out')
        return socket_factory(host, port)
    return StreamSocket(host, port, connect_timeout=connect_timeout, ssl_context=ssl_context)


def _transports(stream: Any, host: str, port: int, framed: bool, transport_factory: Callable[..., Any],
                max_reply_bytes: int) -> Tuple[MessageTransport, Any]:
    """What carries our messages, and what `Connection.transport` is: the same, or what a user's factory made."""
    server = format_server(host, port)
    if transport_factory is not default_transport_factory:
        transport = transport_factory(stream, host, port)
        inner = getattr(transport, 'inner', None)
        if type(transport) is FramedTransport:
            return AdaptedTransport(inner, server, True, stream, max_reply_bytes), transport
        return AdaptedTransport(transport, server, False, stream, max_reply_bytes), transport
    if isinstance(stream, StreamSocket):
        messages = SocketTransport(stream, framed, max_reply_bytes)
        return messages, messages
    return AdaptedTransport(stream, server, framed, stream, max_reply_bytes), TFramedTransport(stream)


def _set_timeout(stream: Any, seconds: Optional[float]) -> None:
    """Give a user's socket its time-out; ours have a deadline for each call."""
    if seconds is not None and not isinstance(stream, StreamSocket) and hasattr(stream, 'setTimeout'):
        stream.setTimeout(seconds * 1000.0)
