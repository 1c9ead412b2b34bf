"""Whole Thrift messages over a byte stream: framed, unframed, and through the transports that users bring."""
import abc
import io
import os
import socket
import struct
from typing import Any, Callable, Optional

from thrift.transport.TTransport import CReadableTransport, TFramedTransport, TTransportBase, TTransportException

from pycassa.errors import (
    CallTimeout,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    PycassaError,
    ReplyTooLarge,
    TransportError,
)
from pycassa.transport import StreamSocket, earliest, forked, is_readable

__all__ = ['AdaptedTransport', 'FramedTransport', 'MAX_REPLY_BYTES', 'MessageTransport', 'SocketTransport',
           'collect_message', 'name_call']

MAX_REPLY_BYTES = 256 * 1024 * 1024

_SCRATCH_BYTES = 65536
_LONGEST = 0x7FFFFFFF
_MAX_DEPTH = 64
_MAX_METHOD_BYTES = 1024
_FRAME_HEAD = struct.Struct('>i')
_I32 = struct.Struct('>i')
_MAP_HEAD = struct.Struct('>BBi')
_LIST_HEAD = struct.Struct('>Bi')

_VERSION_1 = b'\x80\x01'
_STRING, _STRUCT, _MAP, _SET, _LIST = 11, 12, 13, 14, 15
_FIXED_BYTES = {2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8, 16: 16}


# --- what else than Thrift may have answered -----------------------------------------------------------------------

def _not_a_frame(server: str, head: bytes) -> ProtocolError:
    """The error for the first bytes of a reply that cannot be a frame's length."""
    if head[:2] == _VERSION_1:
        hint = 'it answers without frames (framed_transport=False)'
    elif head[:1] == b'\x15' and head[1:2] == b'\x03':
        hint = 'it expects TLS (ssl_context=…, or socket_factory=make_ssl_socket_factory(…))'
    else:
        hint = 'is it a Thrift port (9160)?'
    return ProtocolError(f'{server}: the server did not answer in framed Thrift, its reply begins with '
                         f'{bytes(head[:8])!r}: {hint}')


def _not_a_message(server: str, head: bytes) -> ProtocolError:
    hint = 'does it expect frames (framed_transport=True)?' if head[:1] == b'\0' else 'is it a Thrift port (9160)?'
    return ProtocolError(f'{server}: the reply begins with {bytes(head)!r}, not with the head of a Thrift message: '
                         f'{hint}')


def _too_large(server: str, size: str, limit: int) -> ReplyTooLarge:
    return ReplyTooLarge(f'{server}: a reply of {size} is above max_reply_bytes={limit}; read less at a time or raise '
                         'the setting')


def _trailing(server: str, count: int) -> ProtocolError:
    return ProtocolError(f'{server}: {count} bytes came after the end of the reply')


def _method_of(frame: bytes) -> str:
    length = min(_I32.unpack_from(frame, 8)[0], 100) if len(frame) > 12 else 0
    return bytes(frame[12:12 + max(length, 0)]).decode('ascii', 'replace') or 'a call'


def name_call(error: BaseException, method: str, server: str) -> None:
    """Put the call's name, and the server's where it is not there, before the message of a TransportError."""
    if isinstance(error, TransportError):
        text = error.message if server in error.message else f'{server}: {error.message}'
        error.message = f'{method}: {text}'
        error.args = (error.message, error.type)


def _not_sent(error: TransportError) -> TransportError:
    """`error` of a request that did not leave this process whole: no server executes a part of one."""
    error.may_be_applied = False
    return error


# --- reading one unframed message ----------------------------------------------------------------------------------

def collect_message(read_exactly: Callable[[int], bytes], limit: int = MAX_REPLY_BYTES,
                    server: str = 'the server') -> bytes:
    """One Thrift message of the binary protocol from a stream, read no further than its last byte.

    `read_exactly(n)` returns n bytes or raises. What lengths promise is asked for in pieces, so that memory grows with
    what arrives. Raises ProtocolError for what cannot be a message and ReplyTooLarge above `limit` bytes.
    """
    return _Collector(read_exactly, limit, server).message()


class _Collector:
    """The bytes of a message so far."""

    def __init__(self, read_exactly: Callable[[int], bytes], limit: int, server: str) -> None:
        self.read_exactly = read_exactly
        self.limit = limit
        self.server = server
        self.data = bytearray()

    def message(self) -> bytes:
        head = self.take(4)
        if head[:2] != _VERSION_1:
            raise _not_a_message(self.server, head)
        self.take(self.length(_MAX_METHOD_BYTES) + 4)
        self.skip(_STRUCT, _MAX_DEPTH)
        return bytes(self.data)

    def take(self, count: int) -> bytes:
        if len(self.data) + count > self.limit:
            raise _too_large(self.server, 'more bytes', self.limit)
        start = len(self.data)
        while count:
            part = self.read_exactly(min(count, _SCRATCH_BYTES))
            self.data += part
            count -= len(part)
        return bytes(self.data[start:start + 8])

    def length(self, most: Optional[int] = None) -> int:
        return self.checked(_I32.unpack(self.take(4))[0], most)

    def checked(self, length: int, most: Optional[int] = None) -> int:
        if length < 0 or (most is not None and length > most):
            raise ProtocolError(f'{self.server}: the reply is malformed: it has a length of {length}')
        if length > self.limit:
            raise _too_large(self.server, f'at least {length} bytes', self.limit)
        return length

    def skip(self, kind: int, depth: int) -> None:
        if kind in _FIXED_BYTES:
            self.take(_FIXED_BYTES[kind])
        elif kind == _STRING:
            self.take(self.length())
        elif depth == 0:
            raise ProtocolError(f'{self.server}: the reply is nested more than {_MAX_DEPTH} levels deep')
        elif kind == _STRUCT:
            self.skip_struct(depth - 1)
        elif kind in (_LIST, _SET):
            element, count = _LIST_HEAD.unpack(self.take(5))
            self.skip_elements((element,), self.checked(count), depth - 1)
        elif kind == _MAP:
            key, value, count = _MAP_HEAD.unpack(self.take(6))
            self.skip_elements((key, value), self.checked(count), depth - 1)
        else:
            raise ProtocolError(f'{self.server}: the reply is malformed: there is no Thrift type {kind}')

    def skip_struct(self, depth: int) -> None:
        while True:
            kind = self.take(1)[0]
            if kind == 0:
                return
            self.take(2)
            self.skip(kind, depth)

    def skip_elements(self, kinds: Any, count: int, depth: int) -> None:
        if all(kind in _FIXED_BYTES for kind in kinds):
            self.take(count * sum(_FIXED_BYTES[kind] for kind in kinds))
            return
        for _ in range(count):
            for kind in kinds:
                self.skip(kind, depth)


# --- transports of messages ----------------------------------------------------------------------------------------

class MessageTransport(TTransportBase, CReadableTransport, abc.ABC):
    """Sends and receives whole messages. Any failure in mid-call closes it, whatever its kind.

    It is also a thrift transport, to be driven by the generated client: `write` collects a message, `flush` sends
    it, `read` returns bytes of the reply, which is received as a whole. `deadline` (absolute, on the clock of the
    stream) and `limit` (its name in error messages) bound the calls made this way.
    """

    def __init__(self, server: str, max_reply_bytes: int) -> None:
        self.server = server
        self.max_reply_bytes = max_reply_bytes
        self.deadline: Optional[float] = None
        self.limit = 'deadline'
        self._request = bytearray(4)
        self._reply = io.BytesIO()
        self._awaited = False

    @abc.abstractmethod
    def isOpen(self) -> bool: ...

    def seems_open(self) -> bool:
        """As `isOpen`, for other threads, which may ask in mid-call: nothing of users' own is called."""
        return bool(self.isOpen())

    @abc.abstractmethod
    def probe(self) -> bool:
        """False when an idle connection cannot serve another call. Does not wait."""

    @abc.abstractmethod
    def close(self) -> None: ...

    @abc.abstractmethod
    def _send(self, frame: bytes, deadline: Optional[float], limit: str) -> None: ...

    @abc.abstractmethod
    def _receive(self, deadline: Optional[float], limit: str) -> bytes: ...

    def roundtrip(self, frame: bytes, deadline: Optional[float] = None, limit: str = 'deadline') -> bytes:
        """Send `frame` (a message after its 4-byte length) and return the reply's message, without a length.

        `deadline` bounds the whole; `limit` names it in the message of CallTimeout. Raises TransportError and its
        subclasses; the transport is closed then.
        """
        try:
            self._send(frame, deadline, limit)
            return self._receive(deadline, limit)
        except BaseException as error:
            self.interrupted(error, frame)
            raise

    def interrupted(self, error: BaseException, frame: bytes) -> None:
        """Close, because the round trip of `frame` raised `error`, and let that name the call and the server."""
        self.close()
        name_call(error, _method_of(frame), self.server)

    # --- as a thrift transport -------------------------------------------------------------------------------

    def write(self, buf: bytes) -> None:
        """Add to the message that `flush` will send."""
        self._request += buf

    def pending(self) -> int:
        """The bytes written and not flushed."""
        return len(self._request) - 4

    def discard(self) -> None:
        """Forget what was written and not flushed, and what was received and not read."""
        del self._request[4:]
        self._reply = io.BytesIO()
        self._awaited = False

    def flush(self) -> None:
        """Send what was written as one message."""
        _FRAME_HEAD.pack_into(self._request, 0, self.pending())
        frame = bytes(self._request)
        self.discard()
        try:
            self._send(frame, self.deadline, self.limit)
        except BaseException:
            self.close()
            raise
        self._awaited = True

    def receive(self) -> bytes:
        """The next message, whole; `read` goes on within it."""
        self._awaited = False
        try:
            message = self._receive(self.deadline, self.limit)
        except BaseException:
            self.close()
            raise
        self._reply = io.BytesIO(message)
        return message

    def unread(self) -> int:
        """The bytes of the message received that were not read."""
        return len(self._reply.getbuffer()) - self._reply.tell()

    def read(self, sz: int) -> bytes:
        """Up to `sz` bytes of the reply to the last `flush`; none at its end."""
        if self._awaited:
            self.receive()
        return self._reply.read(sz)

    @property
    def cstringio_buf(self) -> io.BytesIO:
        return self._reply

    def cstringio_refill(self, partialread: bytes, reqlen: int) -> io.BytesIO:
        # A message is complete before its first byte is decoded.
        raise EOFError(f'{self.server}: the reply ends before its last field')


class SocketTransport(MessageTransport):
    """Messages over a socket of ours.

    A round trip with a small reply is three system calls, send, poll and recv; two with the compiled codec, on Linux.
    """

    def __init__(self, stream: StreamSocket, framed: bool = True, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        super().__init__(stream.server, max_reply_bytes)
        self.stream = stream
        self.framed = framed
        self._scratch = bytearray(_SCRATCH_BYTES)
        self._view = memoryview(self._scratch)

    @property
    def exchange(self) -> Any:
        """The exchange of frames on the socket, None where there is none."""
        exchange = self.stream.exchange if self.framed else None
        if exchange is not None:
            exchange.limit = min(self.max_reply_bytes, _LONGEST)
        return exchange

    def open(self, deadline: Optional[float] = None, limit: str = 'deadline') -> None:
        """Connect. Raises ConnectionFailed, CallTimeout."""
        self.stream.open(deadline, limit)

    def isOpen(self) -> bool:
        return self.stream.isOpen()

    def probe(self) -> bool:
        return self.stream.probe()

    def close(self) -> None:
        self.stream.close()

    def roundtrip(self, frame: bytes, deadline: Optional[float] = None, limit: str = 'deadline') -> bytes:
        return self.request(frame, None, '', deadline, limit)

    def request(self, frame: bytes, seconds: Optional[float], setting: str, deadline: Optional[float],
                limit: str = 'deadline') -> bytes:
        """`roundtrip` within `seconds` from now too, which `setting` names in the message of CallTimeout."""
        exchange = self.exchange
        if exchange is not None:
            try:
                reply = exchange.run(frame, seconds, deadline)
            except BaseException as error:
                self.interrupted(error, frame)
                raise
            if type(reply) is bytes:
                return reply
            if reply[0] != 'unusable':
                raise self.failed(reply, frame, limit if seconds is None or reply[1] else f'{setting}={seconds}')
        return super().roundtrip(frame, *earliest(deadline, limit, seconds, f'{setting}={seconds}'))

    def failed(self, failure: Any, frame: bytes, limit: str) -> Exception:
        """Close; the error for what an exchange returned in place of the reply to `frame`. `limit` names its time."""
        error = self._failure(failure, limit)
        self.interrupted(error, frame)
        return error

    def _failure(self, failure: Any, limit: str) -> Exception:
        """The error for what an exchange returned in place of a message."""
        what, number, detail = failure  # See _pure.exchange.
        if what == 'lost':
            error = OSError(number, os.strerror(number))
            lost = self.stream.lost(error, detail)
            lost.__cause__ = error
            return _not_sent(lost) if detail else lost
        if what == 'length':
            return self._bad_length(number, detail)
        if what == 'trailing':
            return _trailing(self.server, number)
        if what == 'ended':
            return self.stream.ended()
        if what == 'unusable':
            return _not_sent(TransportError(f'{self.server}: the connection is closed', TTransportException.NOT_OPEN))
        expired = self.stream.expired(limit, what == 'unsent')
        return _not_sent(expired) if what == 'unsent' else expired

    def _send(self, frame: bytes, deadline: Optional[float], limit: str) -> None:
        try:
            self.stream.send(frame if self.framed else memoryview(frame)[4:], deadline, limit)
        except TransportError as error:
            raise _not_sent(error)

    def _receive(self, deadline: Optional[float], limit: str) -> bytes:
        if not self.framed:
            return self._receive_unframed(deadline, limit)
        view = self._view
        have = self.stream.receive_into(view, deadline, limit)
        while have < 4:
            have += self.stream.receive_into(view[have:], deadline, limit)
        length = _FRAME_HEAD.unpack_from(view)[0]
        if length < 0 or length > self.max_reply_bytes:
            raise self._bad_length(length, bytes(view[:min(have, 8)]))
        if have == length + 4:
            return bytes(view[4:have])
        if have > length + 4:
            raise _trailing(self.server, have - length - 4)
        return self._receive_rest(bytearray(view[4:have]), length, deadline, limit)

    def _receive_rest(self, message: bytearray, length: int, deadline: Optional[float], limit: str) -> bytes:
        view, full = self._view, True
        while len(message) < length:
            part = view[:length - len(message)]
            # The last receive filled all it was given: more is likely to be there already.
            received = self.stream.receive_into(part, deadline, limit, wait=not full)
            message += part[:received]
            full = received == len(part)
        return bytes(message)

    def _bad_length(self, length: int, head: bytes) -> TransportError:
        garbage = length < 0 or head[:2] == b'\x15\x03' or all(32 <= byte < 127 for byte in head[:4])
        return (_not_a_frame(self.server, head) if garbage
                else _too_large(self.server, f'{length} bytes', self.max_reply_bytes))

    def _receive_unframed(self, deadline: Optional[float], limit: str) -> bytes:
        view = self._view
        received = bytearray()

        def read_exactly(count: int) -> bytes:
            while len(received) < count:
                size = self.stream.receive_into(view, deadline, limit)
                received.extend(view[:size])
            part = bytes(received[:count])
            del received[:count]
            return part

        try:
            message = collect_message(read_exactly, self.max_reply_bytes, self.server)
        except ConnectionClosed as error:
            hint = 'servers since 0.8 answer to frames only: framed_transport=True'
            raise ConnectionClosed(f'{error} ({hint})') from error
        if received:
            raise _trailing(self.server, len(received))
        return message


class FramedTransport(TFramedTransport):
    """Thrift's framed transport around `inner`, which AdaptedTransport frames by itself, with the limits set here."""

    def __init__(self, inner: Any) -> None:
        TFramedTransport.__init__(self, inner)
        self.inner = inner


class AdaptedTransport(MessageTransport):
    """Messages through a transport that a user's factory made, which keeps its own time-outs.

    `framed` says that frames are made here and `transport` is a plain stream. `stream` is the socket underneath
    where that is one of ours, so that the deadline of a call holds all the same.
    """

    def __init__(self, transport: Any, server: str, framed: bool, stream: Any = None,
                 max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        super().__init__(server, max_reply_bytes)
        self.transport = transport
        self.framed = framed
        self.stream = stream
        # Any socket of ours knows whether this process was forked from the one that opened it.
        self._owner = StreamSocket('', 0)
        self._closed = False

    def isOpen(self) -> bool:
        return self.seems_open() and bool(self.transport.isOpen())

    def seems_open(self) -> bool:
        # Thrift's TSocket reads when it is asked, and changes its time-out for that.
        return not self._closed and not self._owner.foreign

    def probe(self) -> bool:
        if not self.isOpen():
            return False
        if isinstance(self.stream, StreamSocket):
            return self.stream.probe()
        handle = getattr(self.stream, 'handle', None)
        # Of a TLS socket, what can be read may be a session ticket.
        return type(handle) is not socket.socket or not is_readable(handle)

    def open(self, deadline: Optional[float] = None, limit: str = 'deadline') -> None:
        """Open the user's transport. Raises ConnectionFailed, CallTimeout, and what the user's code raises."""
        try:
            self._bound(deadline, limit)
            if not self.transport.isOpen():
                self.transport.open()
        except TransportError:
            raise
        except (TTransportException, OSError, EOFError) as error:
            raise self._translated(error, opening=True) from error

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # The parent's connection must not hear of it: what a user's close() would send is unknown.
        if not self._owner.inherited:
            self.transport.close()

    def _send(self, frame: bytes, deadline: Optional[float], limit: str) -> None:
        self._check_owner()
        try:
            self._bound(deadline, limit)
            self.transport.write(frame if self.framed else frame[4:])
            self.transport.flush()
        except TransportError:
            raise
        except (TTransportException, OSError, EOFError) as error:
            raise self._translated(error) from error

    def _receive(self, deadline: Optional[float], limit: str) -> bytes:
        self._check_owner()
        try:
            if isinstance(self.transport, TFramedTransport):
                return self._read_frame()
            if not self.framed:
                return collect_message(self.transport.readAll, self.max_reply_bytes, self.server)
            return self._receive_frame()
        except TransportError:
            raise
        except (TTransportException, OSError, EOFError) as error:
            raise self._translated(error) from error

    def _read_frame(self) -> bytes:
        """The next frame of a transport that makes frames itself: one is one message, and it reads no further."""
        message = self.transport.read(self.max_reply_bytes + 1)
        if len(message) > self.max_reply_bytes:
            raise _too_large(self.server, 'more bytes', self.max_reply_bytes)
        return message

    def _receive_frame(self) -> bytes:
        head = self.transport.readAll(4)
        length = _FRAME_HEAD.unpack(head)[0]
        if length < 0 or head[:2] == b'\x15\x03':
            raise _not_a_frame(self.server, head)
        if length > self.max_reply_bytes:
            raise _too_large(self.server, f'{length} bytes', self.max_reply_bytes)
        message = bytearray()
        while len(message) < length:
            message += self.transport.readAll(min(length - len(message), _SCRATCH_BYTES))
        return bytes(message)

    def _check_owner(self) -> None:
        if self._closed:
            raise TransportError(f'{self.server}: the connection is closed', TTransportException.NOT_OPEN)
        if self._owner.foreign:
            raise forked(self.server)

    def _bound(self, deadline: Optional[float], limit: str) -> None:
        if isinstance(self.stream, StreamSocket):
            self.stream.until(deadline, limit)
        elif deadline is not None and self._owner.clock() >= deadline:
            raise CallTimeout(f'{self.server}: {limit} had passed before the call was sent')

    def _translated(self, error: BaseException, opening: bool = False) -> PycassaError:
        """What `error`, of thrift or of the socket, is here. Thrift keeps the socket's error as `inner`."""
        kind = getattr(error, 'type', TTransportException.UNKNOWN)
        inner = getattr(error, 'inner', None)
        text = f'{self.server}: {error or error.__class__.__name__}' + (f' ({inner})' if inner else '')
        if kind == TTransportException.TIMED_OUT or isinstance(inner or error, socket.timeout):
            return CallTimeout(f'{text}: the time-out of the transport or socket factory in use has passed')
        if kind == TTransportException.SIZE_LIMIT:
            return ReplyTooLarge(f'{text}: the limit of the transport factory in use; read less at a time or raise it')
        if opening:
            return ConnectionFailed(text)
        if kind == TTransportException.END_OF_FILE or isinstance(inner or error, (OSError, EOFError)):
            return ConnectionClosed(text)
        return TransportError(text, kind)
