"""Round trips on a connected TCP socket: a frame goes out, the message of the frame that answers it comes back.

Nothing here raises for what a server or a network does: what went wrong is returned, as (what, number, detail), and
the transport makes the error of it.
"""
import math
import select
import struct
import time
from typing import Any, Optional, Tuple, Union

from pycassa.util import Forks

__all__ = ['Exchange', 'Failure']

# What went wrong; its number, and its detail:
# 'unusable'  nothing was sent: the socket is closed, of another process, or in use by another thread
# 'unsent'    the time was over before all was sent; 1 if that was the deadline, 0 if the seconds
# 'waiting'   the time was over before the reply was complete; the same
# 'lost'      the socket failed; errno, and how many bytes had not been sent
# 'ended'     the server closed the connection
# 'length'    the reply is too long, or none; the length that it announces, and its first bytes
# 'trailing'  bytes follow the end of the reply; how many
Failure = Tuple[str, int, Any]

_READ, _WRITE = 1, 4
_SCRATCH_BYTES = 65536
_LONGEST_POLL = 2_000_000_000
_length = struct.Struct('>i').unpack_from


class Exchange:
    """The round trips on `handle`, a connected TCP socket of the standard library that does not block.

    One is made at a time. `close` closes the socket, but while a round trip of another thread is under way only ends
    that, and leaves closing to it: its descriptor must not become another file's before.
    """

    __slots__ = ('limit', '_handle', '_poller', '_view', '_busy', '_retired', '_to_close', '_forks')

    def __init__(self, handle: Any) -> None:
        #: The most bytes that a reply may have.
        self.limit = 0x7FFFFFFF
        self._handle = handle
        self._poller = select.poll()
        self._poller.register(handle.fileno(), _READ)
        self._view = memoryview(bytearray(_SCRATCH_BYTES))
        self._busy = self._retired = self._to_close = False
        self._forks = Forks.count

    def retire(self) -> None:
        """Make no round trips from now on. The socket is left open, and does not block."""
        self._retired = True

    def close(self) -> None:
        """Close the socket, for good."""
        self._retired = True
        if self._busy and self._forks == Forks.count:
            self._to_close = True
        else:
            self._handle.close()

    def run(self, frame: bytes, seconds: Optional[float] = None,
            deadline: Optional[float] = None) -> Union[bytes, Failure]:
        """Send `frame` and return the message of the reply, without its length, or a Failure.

        The time is over after `seconds` and at `deadline`, absolute on time.monotonic(); None is no limit. Signal
        handlers run while it waits, and what they raise is raised. After anything but a message the connection must
        not be used again, except for 'unusable'.
        """
        if type(frame) is not bytes:
            raise TypeError(f'a frame is bytes, not {type(frame).__name__}')
        expires, by_deadline = deadline, 1
        if seconds is not None:
            expires, by_deadline = time.monotonic() + seconds, 0
            if deadline is not None and deadline < expires:
                expires, by_deadline = deadline, 1
        if self._busy or self._retired or self._forks != Forks.count:
            return 'unusable', 0, None
        self._busy = True
        try:
            if not self._send(frame, expires):
                return 'unsent', by_deadline, None
            reply = self._receive(expires)
            return ('waiting', by_deadline, None) if reply is None else reply
        except _Lost as lost:
            return 'lost', lost.errno, lost.unsent
        finally:
            self._busy = False
            if self._to_close:
                self._handle.close()

    def _send(self, frame: bytes, expires: Optional[float]) -> bool:
        data: Any = frame
        while True:
            try:
                sent = self._handle.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                raise _Lost(error, len(data)) from None
            if sent == len(data):
                return True
            data = memoryview(data)[sent:]
            if not self._wait(_WRITE, expires):
                return False

    def _receive(self, expires: Optional[float]) -> Union[bytes, Failure, None]:
        view, have = self._view, 0
        while have < 4:
            received = self._receive_into(view[have:] if have else view, expires)
            if not received:
                return None if received is None else ('ended', 0, None)
            have += received
        length, = _length(view)
        if length < 0 or length > self.limit:
            return 'length', length, bytes(view[:min(have, 8)])
        if have == length + 4:
            return bytes(view[4:have])
        if have > length + 4:
            return 'trailing', have - length - 4, None
        return self._receive_rest(bytearray(view[4:have]), length, expires)

    def _receive_rest(self, message: bytearray, length: int,
                      expires: Optional[float]) -> Union[bytes, Failure, None]:
        """The message that begins with `message`. Memory grows with what arrives."""
        view, full = self._view, True
        while len(message) < length:
            part = view[:length - len(message)]
            # The last receive filled all it was given: more is likely to be there already.
            received = self._receive_into(part, expires, not full)
            if not received:
                return None if received is None else ('ended', 0, None)
            message += part[:received]
            full = received == len(part)
        return bytes(message)

    def _receive_into(self, view: memoryview, expires: Optional[float], wait: bool = True) -> Optional[int]:
        """How many bytes were received, 0 at the end of the connection; None when the time is over."""
        while True:
            if wait:
                if not self._wait(_READ, expires):
                    return None
            elif expires is not None and time.monotonic() >= expires:
                return None
            try:
                return self._handle.recv_into(view)
            except (BlockingIOError, InterruptedError):
                wait = True
            except OSError as error:
                raise _Lost(error, 0) from None

    def _wait(self, events: int, expires: Optional[float]) -> bool:
        """Wait until the socket can be read or written, or has failed. False when the time is over."""
        if events != _READ:
            self._poller.modify(self._handle.fileno(), events)
        try:
            while True:
                timeout = None
                if expires is not None:
                    remaining = expires - time.monotonic()
                    if remaining <= 0:
                        return False
                    timeout = math.ceil(min(remaining * 1000, _LONGEST_POLL))
                if self._poller.poll(timeout):
                    return True
        finally:
            if events != _READ:
                self._poller.modify(self._handle.fileno(), _READ)


class _Lost(Exception):
    """The socket failed, with so many bytes not sent."""

    def __init__(self, error: OSError, unsent: int) -> None:
        self.errno = error.errno or 0
        self.unsent = unsent
