"""The Thrift calls by the bindings' objects, over a transport of whole messages, with every reply checked."""
import functools
import inspect
import struct
from typing import Any, Callable, Dict, Optional, Set, Tuple, Union

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TProtocol import TProtocolBase
from thrift.Thrift import TApplicationException, TException, TMessageType, TType

from pycassa import codec
from pycassa.cassandra import Cassandra
from pycassa.errors import ApplicationError, ProtocolError, PycassaError, RequestTooLarge
from pycassa.framing import MessageTransport, name_call

__all__ = ['CheckedProtocol', 'RawClient', 'is_own_method']

Text = Union[str, bytes, bytearray, memoryview]

# What reading a malformed reply raises; anything else came from a signal handler, and is passed on as it is.
_MALFORMED = (TException, EOFError, struct.error, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
              MemoryError, RuntimeError, SystemError)

# Early versions of thrift decode unknown nested fields without a limit, their C extension on the C stack.
_DEPTH_IS_LIMITED = hasattr(TProtocolBase, 'increment_recursion_depth')


class CheckedProtocol(TBinaryProtocolAccelerated):
    """The strict binary protocol over a MessageTransport, for one call at a time.

    The generated client numbers all its calls 0 and looks at the kind of the reply only. Here calls have sequence
    ids, and a reply has to be the answer to the call, to hold no length above its own, and to end where its result
    does. `str` is accepted where bytes are due and goes out as UTF-8, and the other way round.
    """

    def __init__(self, trans: MessageTransport, max_request_bytes: int) -> None:
        super().__init__(trans, strictRead=True, strictWrite=True)
        self.max_request_bytes = max_request_bytes
        self.in_flight: Optional[Tuple[str, int]] = None
        self.received = False
        #: The sequence id of the next call; None for a new one. What is sent again is the same to the last byte.
        self.seqid: Optional[int] = None

    def writeMessageBegin(self, name: str, type: int, seqid: int) -> None:
        self.trans.discard()
        self.in_flight, self.received = None, False
        self._name, self._seqid = name, codec.next_seqid() if self.seqid is None else self.seqid
        self.seqid = None
        super().writeMessageBegin(name, type, self._seqid)

    def writeMessageEnd(self) -> None:
        size = self.trans.pending()
        if size > self.max_request_bytes:
            self.trans.discard()
            raise RequestTooLarge(
                f'a {self._name} call of {size} bytes is above max_request_bytes={self.max_request_bytes}, the frame '
                'size that the server accepts (thrift_framed_transport_size_in_mb); nothing was sent')
        self.in_flight = self._name, self._seqid

    def writeBinary(self, str_val: Text) -> None:
        data = str_val.encode('utf-8') if isinstance(str_val, str) else bytes(memoryview(str_val))
        self.writeI32(len(data))
        self.trans.write(data)

    writeString = writeBinary

    def readString(self) -> str:
        # As the C extension does it, and a name of bad bytes must not keep the rest of a description away.
        return self.readBinary().decode('utf-8', 'replace')

    def readMessageBegin(self) -> Tuple[str, int, int]:
        message = self.trans.receive()
        self.received = True
        self.string_length_limit = self.container_length_limit = len(message)
        if not _DEPTH_IS_LIMITED:
            _check_nesting(message)
        name, kind, seqid = super().readMessageBegin()
        if kind not in (TMessageType.REPLY, TMessageType.EXCEPTION) or (name, seqid) != self.in_flight:
            raise ProtocolError(f'{self.trans.server}: the reply is of type {kind}, to the call {name!r:.80} with the '
                                f'sequence id {seqid}, and the call was {self.in_flight}')
        return name, kind, seqid

    def readMessageEnd(self) -> None:
        unread = self.trans.unread()
        if unread:
            raise ProtocolError(f'{self.trans.server}: {unread} bytes follow the end of the reply')
        # An idle connection keeps no reply.
        self.trans.discard()
        self.in_flight = None


def _check_nesting(message: bytes) -> None:
    cursor = codec.Cursor(message, codec.message_header(message)[3])
    cursor.skip(TType.STRUCT)
    cursor.finish()


# The functions below as they are on the class: what is none of them was put there by a user.
own_methods: Set[Any] = set()


def own_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark `function`, a Thrift method of a subclass of ours, as one that the codec may stand in for.

    Methods without the mark are users': Connection.execute_call goes through them, with the bindings' objects.
    """
    own_methods.add(function)
    return function


def is_own_method(client: Any, name: str) -> bool:
    """False when a user replaced or wrapped the Thrift method `name` on the object or on its class."""
    return codec.is_own(own_methods, client, name)


def _guarded(name: str) -> Callable[..., Any]:
    bound_by_bindings = getattr(Cassandra.Client, name)

    @functools.wraps(bound_by_bindings)
    def call(self: 'RawClient', *args: Any, **kwargs: Any) -> Any:
        self._begin(name)
        try:
            return bound_by_bindings(self, *args, **kwargs)
        except BaseException as error:
            # A frame that its own error leads to would keep the whole reply until the garbage is collected.
            failure = self._failed(name, error)
            if failure is error:
                del failure
                raise
            try:
                raise failure from error
            finally:
                del failure

    call.__qualname__ = f'RawClient.{name}'
    return own_method(call)


class RawClient(Cassandra.Client):
    """The generated client with every method guarded: see CheckedProtocol. Subclasses say how long a call may take."""

    def __init__(self, trans: MessageTransport, max_request_bytes: int) -> None:
        self._messages = trans
        self._protocol = CheckedProtocol(trans, max_request_bytes)
        Cassandra.Client.__init__(self, self._protocol)

    def _begin(self, method: str) -> None:
        """Set the transport's deadline for a call of `method`."""

    def _failed(self, method: str, error: BaseException) -> BaseException:
        """The error to raise for `error`, after closing the connection unless it is still in step with the server."""
        self._messages.discard()
        if self._protocol.in_flight is None and not isinstance(error, TApplicationException):
            # Nothing was sent, or the reply was read to its end and is an exception that the interface declares.
            return error
        if isinstance(error, TApplicationException):
            if error.type != TApplicationException.UNKNOWN_METHOD or self._protocol.in_flight is not None:
                self._messages.close()
            return ApplicationError(error.type, error.message)
        self._messages.close()
        name_call(error, method, self._messages.server)
        if isinstance(error, PycassaError) or not isinstance(error, _MALFORMED) or not self._protocol.received:
            return error
        reason = str(error) or error.__class__.__name__
        return ProtocolError(f'{method}: {self._messages.server}: the reply is malformed: {reason}')


def _methods() -> Dict[str, Callable[..., Any]]:
    return {name: _guarded(name) for name, _ in inspect.getmembers(Cassandra.Iface, inspect.isfunction)}


for _name, _function in _methods().items():
    setattr(RawClient, _name, _function)
