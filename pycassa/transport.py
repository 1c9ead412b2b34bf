"""A TCP or TLS byte stream to one server: non-blocking, with absolute deadlines, closed for good by any failure."""
import _socket
import math
import os
import select
import socket
import ssl
import time
import types
from typing import Any, Callable, Iterable, List, Optional, Tuple, Type, Union

from thrift.transport.TTransport import TTransportBase, TTransportException

from pycassa import codec
from pycassa.addresses import format_server
from pycassa.errors import (
    CallTimeout,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    TransportError,
)
from pycassa.util import Forks

__all__ = ['StreamSocket', 'TLSSocketFactory', 'earliest', 'forked', 'is_readable', 'make_ssl_context',
           'make_ssl_socket_factory']

Data = Union[bytes, bytearray, memoryview]

# The codes of POSIX: eventlet removes select.poll, and with it the names.
_READ, _WRITE = 1, 4
_LONGEST_POLL = 2_000_000_000

# What was not done when time was over.
_NO_REPLY, _NOT_SENT = 'no complete reply', 'the call was not sent'

_WOULD_BLOCK = (BlockingIOError, InterruptedError)
# An exchange may let the descriptor block: then every single send and receive says that it does not wait.
_AT_ONCE = tuple(getattr(socket, name) for name in ('MSG_DONTWAIT',) if hasattr(socket, name))


def earliest(deadline: Optional[float], limit: str, seconds: Optional[float], setting: str,
             clock: Callable[[], float] = time.monotonic) -> Tuple[Optional[float], str]:
    """The earlier of `deadline` and `seconds` from now, and the name of the one that it is, for error messages."""
    if seconds is None:
        return deadline, limit
    expires = clock() + seconds
    if deadline is not None and deadline < expires:
        return deadline, limit
    return expires, setting


# --- TLS -----------------------------------------------------------------------------------------------------------

def make_ssl_context(ca_certs: Optional[str] = None, validate: bool = True, certfile: Optional[str] = None,
                     keyfile: Optional[str] = None) -> ssl.SSLContext:
    """A client context of TLS 1.2 or later that checks the chain and the host name, unless `validate` is False.

    `ca_certs` is a file of authorities (None: the system's); `certfile` and `keyfile` are this client's own
    certificate and key. Raises ConfigurationError, naming the file, where one cannot be loaded.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if ca_certs is not None:
            context.load_verify_locations(ca_certs)
        elif validate:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except OSError as error:
        raise ConfigurationError(f'ca_certs={ca_certs!r} cannot be loaded: {error}') from error
    if certfile is not None:
        try:
            context.load_cert_chain(certfile, keyfile)
        except OSError as error:
            raise ConfigurationError(f'certfile={certfile!r}, keyfile={keyfile!r} cannot be loaded: {error}') from error
    return context


class TLSSocketFactory:
    """A socket factory `f(host, port)` of unopened TLS sockets. Connection runs its `ssl_context` itself."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self.ssl_context = ssl_context

    def __call__(self, host: str, port: int) -> 'StreamSocket':
        return StreamSocket(host, port, ssl_context=self.ssl_context)


def make_ssl_socket_factory(ca_certs: Optional[str], validate: bool = True, certfile: Optional[str] = None,
                            keyfile: Optional[str] = None,
                            ssl_context: Optional[ssl.SSLContext] = None) -> TLSSocketFactory:
    """A `socket_factory` for servers whose client encryption is on, as in 1.11.

    `ca_certs` names a file with the certificates of the authorities (None: the system's). The chain and the host
    name are verified unless `validate` is False, and TLS is 1.2 or later. `certfile` and `keyfile` name this
    client's certificate, for servers that ask for one. With an `ssl_context` that is used as it is and the other
    arguments are not looked at. Raises ConfigurationError where a file cannot be loaded.
    """
    return TLSSocketFactory(ssl_context or make_ssl_context(ca_certs, validate, certfile, keyfile))


# --- the stream ----------------------------------------------------------------------------------------------------

class StreamSocket(TTransportBase):
    """A connection to `host`:`port`, to be used by one thread at a time.

    It has the methods of thrift's TSocket, and for its own kind `send` and `receive_into` with an absolute deadline
    on `clock`. Sending comes before waiting; waiting is one poll. Sockets stay with the process that opened them: a
    forked child can only drop its copy of the descriptor.

    `exchange` makes whole round trips for those who have framed messages. It is None where the bytes on the socket
    are not theirs (TLS), where the socket or the clock is not the standard library's own (gevent, tests), and while
    the stream is not open.
    """

    def __init__(self, host: str, port: int, *, connect_timeout: Optional[float] = None,
                 timeout: Optional[float] = None, ssl_context: Optional[ssl.SSLContext] = None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self.port = port
        self.server = format_server(host, port)
        self.exchange: Any = None
        self._handle: Any = None
        self._clock = clock
        self._flags: Tuple[int, ...] = ()
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._ssl_context = ssl_context
        self._want_read: Tuple[Type[BaseException], ...] = _WOULD_BLOCK
        self._generation = Forks.count
        self._pid = os.getpid()
        self._poller: Any = None
        self._call: Tuple[Optional[float], str] = (None, '')

    @property
    def handle(self) -> Any:
        """The socket, None where it is not open. One assigned has to be connected and non-blocking."""
        return self._handle

    @handle.setter
    def handle(self, handle: Any) -> None:
        self._without_exchange()
        self._handle = handle

    @property
    def clock(self) -> Callable[[], float]:
        """What deadlines refer to."""
        return self._clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self._without_exchange()
        self._clock = clock

    def _without_exchange(self) -> None:
        if self.exchange is not None:
            self.exchange.retire()
            self.exchange, self._flags = None, ()

    # --- opening and closing ---------------------------------------------------------------------------------

    @property
    def foreign(self) -> bool:
        """True in a process that was forked after the socket was opened; it must not use it."""
        return self._generation != Forks.count

    @property
    def inherited(self) -> bool:
        """`foreign`, by the number of the process: finalizers run in a child before it has counted the fork."""
        return self.foreign or self._pid != os.getpid()

    def isOpen(self) -> bool:
        """True from `open` until `close`, in the process that opened it. Asks neither socket nor server: see probe."""
        return self._handle is not None and not self.foreign

    def open(self, deadline: Optional[float] = None, limit: str = 'deadline') -> None:
        """Connect to the first address of `host` that answers, within `connect_timeout` and before `deadline`.

        Every address gets an equal share of the time that is left. Looking the name up takes what it takes. Raises
        ConnectionFailed, CallTimeout.
        """
        if self._handle is not None:
            raise TransportError(f'{self.server}: already open', TTransportException.ALREADY_OPEN)
        self._generation = Forks.count
        self._pid = os.getpid()
        if deadline is None:
            deadline, limit = self._call
        seconds = self._timeout if self._connect_timeout is None else self._connect_timeout
        deadline, limit = earliest(deadline, limit, seconds, f'connect_timeout={seconds}', self.clock)
        try:
            self._connect(deadline, limit)
            if self._ssl_context is not None:
                self._handshake(deadline, limit)
            elif _is_plain(self._handle) and self._clock is _MONOTONIC:
                self.exchange, self._flags = codec.Exchange(self._handle), _AT_ONCE
        except BaseException:
            self.close()
            raise

    def _connect(self, deadline: Optional[float], limit: str) -> None:
        addresses = self._addresses()
        failures = []
        for index, (family, kind, protocol, _, address) in enumerate(addresses):
            expires = deadline
            if deadline is not None:
                now = self.clock()
                expires = now + (deadline - now) / (len(addresses) - index)
            try:
                self._adopt(socket.socket(family, kind, protocol))
                self._connect_to(address, expires, limit)
                return
            except OSError as error:
                self.close()
                failures.append((address, error))
        raise self._connect_error(failures)

    def _addresses(self) -> List[Any]:
        try:
            return socket.getaddrinfo(self.host, self.port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ConnectionFailed(f'{self.server}: the host name cannot be resolved: {error}') from error

    def _adopt(self, handle: Any) -> None:
        """Take `handle`, non-blocking, as the socket."""
        self.handle = handle
        handle.setblocking(False)
        # Looked up at run time: gevent replaces select.poll and eventlet removes it.
        make_poller = getattr(select, 'poll', None)
        self._poller = make_poller() if make_poller else None
        if self._poller is not None:
            self._poller.register(handle.fileno(), _READ)

    def _connect_to(self, address: Any, deadline: Optional[float], limit: str) -> None:
        handle = self.handle
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            handle.connect(address)
            return
        except _WOULD_BLOCK:
            pass
        self._wait(_WRITE, deadline, limit, 'no connection')
        code = handle.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _connect_error(self, failures: List[Tuple[Any, OSError]]) -> TransportError:
        tried = '; '.join(f'{format_server(*address[:2])}: {_reason(error)}' for address, error in failures)
        cause = failures[-1][1] if failures else None
        if failures and all(isinstance(error, CallTimeout) for _, error in failures):
            error: TransportError = CallTimeout(str(cause))
        else:
            error = ConnectionFailed(f'{self.server}: could not connect ({tried})')
        error.__cause__ = cause
        return error

    def _handshake(self, deadline: Optional[float], limit: str) -> None:
        assert self._ssl_context is not None
        try:
            self._adopt(self._ssl_context.wrap_socket(self.handle, server_hostname=self.host.partition('%')[0],
                                                      do_handshake_on_connect=False))
            self._want_read = (*_WOULD_BLOCK, ssl.SSLWantReadError)
            while True:
                try:
                    self.handle.do_handshake()
                    return
                except ssl.SSLWantReadError:
                    self._wait(_READ, deadline, limit, 'the TLS handshake was not finished')
                except ssl.SSLWantWriteError:
                    self._wait(_WRITE, deadline, limit, 'the TLS handshake was not finished')
        except CallTimeout:
            raise
        except ssl.SSLCertVerificationError as error:
            raise ConnectionFailed(f"{self.server}: the server's certificate was refused: {error.verify_message} "
                                   f'({_remedy(error.verify_code)})') from error
        except (OSError, ValueError) as error:
            oldest = self._ssl_context.minimum_version.name
            raise ConnectionFailed(f'{self.server}: the TLS handshake failed: {_reason(error)} (is this a port for '
                                   f'TLS? The minimum_version of ssl_context= is {oldest})') from error

    def close(self) -> None:
        """Close for good. In a forked child only the descriptor is closed, and the connection of the parent goes on."""
        handle, self._handle = self._handle, None
        exchange, self.exchange = self.exchange, None
        self._poller = None
        if handle is None:
            return
        try:
            if not self.inherited:
                # A child forked meanwhile may hold a copy of the descriptor: tell the server all the same.
                handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            (exchange or handle).close()

    def probe(self) -> bool:
        """False when the server has closed an idle connection or sent what was not asked for. Does not wait."""
        if not self.isOpen():
            return False
        try:
            if not self._poll(_READ, 0):
                return True
            if self._ssl_context is None:
                return False
            # TLS 1.3 sends session tickets after the handshake: readable, but no data.
            self.handle.recv(1)
            return False
        except self._want_read:
            return True
        except OSError:
            return False

    # --- sending and receiving -------------------------------------------------------------------------------

    def send(self, data: Data, deadline: Optional[float] = None, limit: str = 'deadline') -> None:
        """Send all of `data`. Raises ConnectionClosed, CallTimeout; the caller closes then."""
        handle = self._usable_handle()
        try:
            sent = handle.send(data, *self._flags)
            if sent < len(data):
                self._send_rest(memoryview(data)[sent:], deadline, limit)
        except self._want_read:
            self._send_rest(memoryview(data), deadline, limit)
        except TransportError:
            raise
        except ssl.SSLWantWriteError:
            self._send_rest(memoryview(data), deadline, limit)
        except OSError as error:
            raise self.lost(error, len(data)) from error

    def _send_rest(self, data: memoryview, deadline: Optional[float], limit: str) -> None:
        events = _WRITE
        while data:
            self._wait(events, deadline, limit, _NOT_SENT)
            events = _WRITE
            try:
                data = data[self.handle.send(data, *self._flags):]
            except ssl.SSLWantReadError:
                events = _READ
            except (*_WOULD_BLOCK, ssl.SSLWantWriteError):
                pass
            except OSError as error:
                raise self.lost(error, len(data)) from error

    def receive_into(self, view: Data, deadline: Optional[float] = None, limit: str = 'deadline',
                     wait: bool = True) -> int:
        """Receive at least one byte into `view`, and return how many. Raises ConnectionClosed, CallTimeout.

        `wait` says that nothing is expected to be there yet, so that waiting first saves a system call.
        """
        handle = self._usable_handle()
        events = _READ
        if self._ssl_context is not None:
            # Decrypted bytes may be there with nothing left to poll for.
            wait = False
            self._check_time(deadline, limit)
        elif not wait:
            self._check_time(deadline, limit)
        while True:
            if wait:
                self._wait(events, deadline, limit, _NO_REPLY)
            try:
                received = handle.recv_into(view, 0, *self._flags) if self._flags else handle.recv_into(view)
            except self._want_read:
                wait, events = True, _READ
                continue
            except ssl.SSLWantWriteError:
                wait, events = True, _WRITE
                continue
            except OSError as error:
                raise self.lost(error) from error
            if received:
                return received
            raise self.ended()

    def _usable_handle(self) -> Any:
        if self._handle is None:
            raise TransportError(f'{self.server}: the connection is closed', TTransportException.NOT_OPEN)
        if self._generation != Forks.count:
            raise forked(self.server)
        return self._handle

    # --- errors of sending and receiving ---------------------------------------------------------------------

    def lost(self, error: OSError, sending: int = 0) -> TransportError:
        """The error for a socket that failed while `sending` so many bytes, or receiving."""
        if isinstance(error, ssl.SSLError):
            return ProtocolError(f'{self.server}: TLS failed: {_reason(error)}')
        text = f'{self.server}: the connection was lost: {_reason(error)}'
        if sending > 1024 * 1024:
            text += f' (sending {sending} bytes; thrift_framed_transport_size_in_mb is the most that it takes)'
        return ConnectionClosed(text)

    def ended(self) -> ConnectionClosed:
        """The error for an end of the connection where a reply is due."""
        return ConnectionClosed(f'{self.server}: the server closed the connection before its reply was complete')

    def expired(self, limit: str, sending: bool) -> CallTimeout:
        """The error for a call that was over `limit`, the name of a deadline, while `sending` or waiting."""
        return self._expired(limit, _NOT_SENT if sending else _NO_REPLY)

    def _expired(self, limit: str, state: str) -> CallTimeout:
        return CallTimeout(f'{self.server}: {state} within {limit}')

    # --- waiting ---------------------------------------------------------------------------------------------

    def _check_time(self, deadline: Optional[float], limit: str) -> None:
        if deadline is not None and self._clock() >= deadline:
            raise self._expired(limit, _NO_REPLY)

    def _wait(self, events: int, deadline: Optional[float], limit: str, state: str) -> None:
        """Wait until the socket can be read or written, or has failed. Raises CallTimeout."""
        if deadline is None:
            while not self._poll(events, None):
                pass
            return
        while True:
            remaining = deadline - self._clock()
            if remaining <= 0:
                raise self._expired(limit, state)
            if self._poll(events, remaining):
                return

    def _poll(self, events: int, seconds: Optional[float]) -> bool:
        if self._poller is None:
            return self._select(events, seconds)
        timeout = None if seconds is None else math.ceil(min(seconds * 1000, _LONGEST_POLL))
        if events == _READ:
            return bool(self._poller.poll(timeout))
        self._poller.modify(self.handle.fileno(), events)
        try:
            return bool(self._poller.poll(timeout))
        finally:
            self._poller.modify(self.handle.fileno(), _READ)

    def _select(self, events: int, seconds: Optional[float]) -> bool:
        watched: Iterable[Any] = [self.handle]
        if events == _READ:
            return bool(select.select(watched, [], [], seconds)[0])
        # Windows reports a refused connection among the exceptions only.
        return any(select.select([], watched, watched, seconds))

    # --- as thrift's TSocket ---------------------------------------------------------------------------------

    def setTimeout(self, ms: Optional[float]) -> None:
        """The time-out of opening, and of every single read and write, in milliseconds; None: none."""
        self._timeout = None if ms is None else ms / 1000.0

    def until(self, deadline: Optional[float], limit: str) -> None:
        """Bound the reads and writes that follow by `deadline`, whatever their number."""
        self._call = deadline, limit

    def _bounds(self) -> Tuple[Optional[float], str]:
        return earliest(*self._call, self._timeout, f'timeout={self._timeout}', self.clock)

    def read(self, sz: int) -> bytes:
        """From one to `sz` bytes."""
        scratch = bytearray(min(sz, 65536))
        received = self.receive_into(scratch, *self._bounds())
        return bytes(scratch[:received])

    def write(self, buf: Data) -> None:
        """Send all of `buf`."""
        self.send(buf, *self._bounds())

    def flush(self) -> None:
        """Nothing to do: writes are not buffered."""


def forked(server: str) -> TransportError:
    """The error for the use of a connection in a child of the process that opened it."""
    return TransportError(f'{server}: the connection belongs to the process that opened it, before a fork; open '
                          'another one here', TTransportException.NOT_OPEN)


def is_readable(handle: socket.socket) -> bool:
    """True when bytes, or the end of the connection, can be read from a socket without waiting."""
    make_poller = getattr(select, 'poll', None)
    if make_poller is None:
        return bool(select.select([handle], [], [], 0)[0])
    poller = make_poller()
    poller.register(handle.fileno(), _READ)
    return bool(poller.poll(0))


_MONOTONIC = time.monotonic


def _is_plain(handle: Any) -> bool:
    """Whether `handle` is a socket of the standard library's, as it came: no other library's, nothing replaced."""
    kind = type(handle)
    return (kind.__module__ == 'socket' and isinstance(_MONOTONIC, types.BuiltinFunctionType)
            and all(getattr(kind, name, None) is getattr(_socket.socket, name) for name in ('send', 'recv_into'))
            and isinstance(getattr(select, 'poll', None), types.BuiltinFunctionType))


# OpenSSL's codes: of a chain that ends in no authority known, and of a certificate for another host or address.
_UNKNOWN_AUTHORITY, _OTHER_HOST = (2, 18, 19, 20, 21), (62, 64)


def _remedy(code: int) -> str:
    """The setting that a failed check of a certificate is about, by OpenSSL's code of the check."""
    if code in _UNKNOWN_AUTHORITY:
        return 'make_ssl_context(ca_certs=…) or make_ssl_socket_factory(ca_certs=…) names the authorities to trust'
    if code in _OTHER_HOST:
        return 'connect by a name that is in it; an ssl_context= with check_hostname=False does not look at names'
    return 'only an ssl_context= of your own, or validate=False, passes it over'


def _reason(error: BaseException) -> str:
    if isinstance(error, TransportError):
        return str(error)
    return getattr(error, 'strerror', None) or str(error) or error.__class__.__name__
