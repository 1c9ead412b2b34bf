"""Every error that the package raises, under one base class, beside the classes that older code catches.

The exceptions of the Thrift interface (NotFoundException, InvalidRequestException, ...) live in
pycassa.cassandra.ttypes and descend from PycassaError too.
"""
import socket
from typing import Any, Optional, Sequence, Tuple

from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TTransportException

__all__ = [
    'AllServersUnavailable', 'ApplicationError', 'CallTimeout', 'ConfigurationError', 'ConnectionClosed',
    'ConnectionFailed', 'InvalidRequestError', 'LimitExceeded', 'MaximumRetryException', 'MutationTooLarge',
    'NoConnectionAvailable', 'NoServerAvailable', 'OutcomeUnknown', 'PackingError', 'PoolDisposed', 'ProtocolError',
    'PycassaError',
    'ReplyTooLarge', 'RequestTooLarge', 'TransportError', 'UnpackingError', 'may_be_applied',
]

# What was tried, in order: (server, error) of each attempt.
Attempts = Sequence[Tuple[str, BaseException]]


class PycassaError(Exception):
    """Base of all errors of this package, the Thrift interface's exceptions included.

    `may_be_applied` tells what became of a write that raised it: False, it surely was not applied, and will not be;
    True, nobody knows.
    """

    may_be_applied = False


class ConfigurationError(PycassaError, ValueError):
    """A setting that cannot work: a server address, an option, a named implementation that is not there."""


# --- packing and unpacking ---------------------------------------------------------------------------------------

class PackingError(PycassaError, TypeError):
    """A key, name or value cannot be stored as the type that the schema gives it (1.11 raised TypeError)."""


class UnpackingError(PycassaError, ValueError):
    """Stored bytes cannot be read as the type that the schema gives them."""

    may_be_applied = True


# --- transport ---------------------------------------------------------------------------------------------------

class TransportError(PycassaError, TTransportException):
    """The connection failed; it is closed and will not be used again. `type` is one of TTransportException's.

    `may_be_applied` is False where the request did not leave this process whole, as when connecting failed.
    """

    may_be_applied = True

    def __init__(self, message: str = '', type: int = TTransportException.UNKNOWN) -> None:
        TTransportException.__init__(self, type, message)
        self.args = (message, type)

    def __str__(self) -> str:
        return self.message or self.__class__.__name__


class ConnectionFailed(TransportError):
    """No connection to the server could be opened (refused, unreachable, TLS or login transport failed)."""

    may_be_applied = False

    def __init__(self, message: str = '', type: int = TTransportException.NOT_OPEN) -> None:
        TransportError.__init__(self, message, type)


class ConnectionClosed(TransportError):
    """The server closed or reset the connection before the reply was complete."""

    def __init__(self, message: str = '', type: int = TTransportException.END_OF_FILE) -> None:
        TransportError.__init__(self, message, type)


class CallTimeout(TransportError, socket.timeout):
    """The connect, request or schema time-out, or the call's deadline, has passed. See `may_be_applied`."""

    def __init__(self, message: str = '', type: int = TTransportException.TIMED_OUT) -> None:
        TransportError.__init__(self, message, type)


class ProtocolError(TransportError):
    """The bytes received are not the reply to the call: malformed, or of another call."""


class LimitExceeded(PycassaError):
    """Something is larger than a limit that guards this process or the server."""


class ReplyTooLarge(LimitExceeded, ProtocolError):
    """The server announced a reply frame above `max_reply_bytes`; nothing of it was read."""


class RequestTooLarge(LimitExceeded, ValueError):
    """A call's frame is above `max_request_bytes` (the server's own limit); nothing was sent, nothing is retried."""


class MutationTooLarge(RequestTooLarge):
    """One mutation alone does not fit into a request; nothing was sent. The message names family, key and column."""


class ApplicationError(PycassaError, TApplicationException):
    """The server answered with a TApplicationException: unknown method, missing argument, internal error."""

    def __init__(self, type: int = TApplicationException.UNKNOWN, message: Optional[str] = None) -> None:
        TApplicationException.__init__(self, type, message)
        self.args = (type, message)

    @property
    def may_be_applied(self) -> bool:  # type: ignore[override]
        """False where the server does not know the call."""
        return bool(self.type != TApplicationException.UNKNOWN_METHOD)

    def __str__(self) -> str:
        return str(TApplicationException.__str__(self))


# --- pool --------------------------------------------------------------------------------------------------------

class InvalidRequestError(PycassaError):
    """The pool or a pooled connection was used in a way that its state forbids, such as returning it twice."""


class PoolDisposed(InvalidRequestError):
    """The pool was closed for good by this process."""


class NoConnectionAvailable(PycassaError):
    """The pool is at its maximum and no connection came back within `pool_timeout`."""


class NoServerAvailable(PycassaError):
    """No server could serve the call. `attempts` lists what was tried: (server, error) in order."""

    def __init__(self, message: Any = '', attempts: Attempts = ()) -> None:
        PycassaError.__init__(self, message, tuple(attempts))
        self.message = message
        self.attempts = tuple(attempts)

    @property
    def may_be_applied(self) -> bool:  # type: ignore[override]
        """Whether any of the attempts may have been applied."""
        return any(may_be_applied(error) for _, error in self.attempts)

    def __str__(self) -> str:
        tried = '; '.join(f'{server}: {error.__class__.__name__}: {error}' for server, error in self.attempts)
        return f'{self.message} (tried {tried})' if tried else str(self.message)


class AllServersUnavailable(NoServerAvailable):
    """No server of the list accepted a connection."""


class MaximumRetryException(NoServerAvailable):
    """A call failed on every attempt that `max_retries` and the deadline allow."""


class OutcomeUnknown(MaximumRetryException):
    """A write failed on every attempt that it was allowed, and at least one of these may have been applied.

    One that carries its timestamp can be repeated; a counter has to be read, or put up with. A write that surely was
    not applied raises MaximumRetryException itself.
    """


def may_be_applied(error: BaseException) -> bool:
    """`may_be_applied` of an error of any class: what users' own sockets raise tells nothing, so it may."""
    return bool(getattr(error, 'may_be_applied', True))
