"""One client's connection to the embedded server: frames in, messages to the dispatcher, replies or faults out."""
import logging
import selectors
import socket
import struct
from typing import Any, List, Optional, Tuple

from pycassa.codec import Truncated
from pycassa.embedded.dispatch import Dispatcher, Request
from pycassa.embedded.faults import Fault, Faults, Received
from pycassa.embedded.loop import Loop, Timer
from pycassa.errors import ProtocolError

__all__ = ['Channel', 'MAX_FRAME_BYTES']

MAX_FRAME_BYTES = 15 * 1024 * 1024    # thrift_framed_transport_size_in_mb, the 4 bytes of the length not counted
_MAX_WAITING_BYTES = 2 * MAX_FRAME_BYTES
_RESET = struct.pack('ii', 1, 0)      # SO_LINGER on, for no time: close() resets

_frame_length = struct.Struct('>i').unpack_from
_log = logging.getLogger('pycassa.embedded')


class Channel:
    """Serves one connection, one request after the other, in the loop's thread.

    The payload of the frames is one stream of messages, as it is to Cassandra: a frame may hold several, and a message
    that a frame does not hold whole goes on in the next one.
    """

    def __init__(self, owner: Any, sock: socket.socket, number: int) -> None:
        self._owner = owner
        self._loop: Loop = owner.loop
        self._dispatcher: Dispatcher = owner.dispatcher
        self._faults: Faults = owner.faults
        self._session = owner.engine.session()
        self._sock = sock
        self._buffer: memoryview = owner.buffer
        self.number = number
        self._framed: Optional[bool] = None if owner.unframed else True
        self._raw, self._raw_at = b'', 0      # received, not yet unframed
        self._more: List[bytes] = []          # received after that
        self._total = 0                       # bytes of both
        self._wanted = 4                      # bytes that the next step needs
        self._payload, self._at = b'', 0      # unframed, not yet served
        self._out: List[bytes] = []           # replies to send
        self._unsent: Optional[memoryview] = None
        self._stalled: Optional[Tuple[Request, Fault]] = None
        self._timer: Optional[Timer] = None
        self._last_reply = False              # close when everything is sent
        self._reset = False
        self.closed = False
        self._watch()

    # --- what arrives ----------------------------------------------------------------------------------------

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send()
            self._serve()
        if events & selectors.EVENT_READ and not self.closed:
            self._receive()

    def _receive(self) -> None:
        try:
            ended = self._read()
        except OSError:
            self.close()
            return
        if self._total >= self._wanted:
            self._serve()
        if ended:
            self._end_of_input()
        elif self._total > _MAX_WAITING_BYTES:
            self._watch()

    def _read(self) -> bool:
        """Take what the system has received; True at the end of input.

        Framed, that is one buffer at most, for the sake of the other connections. Where an unframed message ends shows
        only by reading it all, so that everything has to come first that is there.
        """
        size = len(self._buffer)
        while size == len(self._buffer) and self._total <= _MAX_WAITING_BYTES:
            try:
                size = self._sock.recv_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                return False
            if not size:
                return True
            self._more.append(bytes(self._buffer[:size]))
            self._total += size
            if self._framed:
                break
        return False

    def _end_of_input(self) -> None:
        if self.closed or self._stalled is not None or not (self._unsent or self._timer):
            self.close()
            return
        self._last_reply = True
        self._watch()

    @property
    def _held(self) -> bool:
        """Whether requests have to wait: for the client to take its reply, or for a fault to pass."""
        return self.closed or self._last_reply or self._unsent is not None or self._timer is not None \
            or self._stalled is not None

    def _serve(self) -> None:
        """Serve what has arrived, as far as it goes."""
        while not self._held:
            if not (self._at < len(self._payload) and self._serve_message()) and not self._next_frame():
                break
        if not self.closed:
            self._send()

    def _next_frame(self) -> bool:
        """Move the payload of the next frame, if all of it is there, to the stream of messages."""
        if self.closed or self._total < self._wanted:
            return False
        if self._more:
            self._raw = b''.join([self._raw[self._raw_at:], *self._more])
            self._raw_at, self._more = 0, []
        if self._framed is None:
            self._framed = not self._raw.startswith(b'\x80\x01')
        if not self._framed:
            frame, size, self._wanted = self._raw[self._raw_at:], self._total, 1
        else:
            length = _frame_length(self._raw, self._raw_at)[0]
            if not 0 < length <= MAX_FRAME_BYTES:
                self.close()
                return False
            size = 4 + length
            if self._total < size:
                self._wanted = size
                return False
            frame, self._wanted = self._raw[self._raw_at + 4:self._raw_at + size], 4
        self._raw_at += size
        self._total -= size
        self._payload = self._payload[self._at:] + frame if self._at < len(self._payload) else frame
        self._at = 0
        return True

    # --- requests --------------------------------------------------------------------------------------------

    def _serve_message(self) -> bool:
        """Serve the message at the start of the stream; False if it is not there whole."""
        try:
            request = self._dispatcher.read(self._payload, self._at)
        except Truncated:
            if len(self._payload) - self._at > _MAX_WAITING_BYTES:
                self.close()
            return False
        except ProtocolError as error:
            _log.debug('connection %d closed: %s', self.number, error)
            self._send()
            self.close()
            return False
        start, self._at = self._at, request.end
        fault = None
        if self._faults.armed:
            fault = self._faults.take(
                Received(request.name, request.header.seqid, self._payload[start:request.end], self.number))
        if fault is not None and fault.stall:
            self._stall(request, fault)
        else:
            self._answer(request, fault)
        return True

    def _answer(self, request: Request, fault: Optional[Fault] = None) -> None:
        if fault is not None and fault.error is None and not fault.applied:
            self._spoil(b'', fault)
            return
        try:
            if fault is None:
                frame = self._dispatcher.execute(self._session, request)
            else:
                frame = fault.alter(self._dispatcher.execute(self._session, request, fault.error, fault.applied))
        except Exception:  # noqa: BLE001 - as Cassandra, close this connection and go on serving the others
            _log.exception('%s failed; the connection is closed without a reply', request.name)
            self.close()
            return
        if fault is None:
            self._reply(frame)
        else:
            self._spoil(frame, fault)

    def _reply(self, frame: bytes) -> None:
        self._out.append(frame if self._framed else frame[4:])

    # --- faults ----------------------------------------------------------------------------------------------

    def _stall(self, request: Request, fault: Fault) -> None:
        self._send()
        self._stalled = (request, fault)
        if fault.hold is not None:
            self._timer = self._loop.later(fault.hold, self.release)

    def release(self) -> None:
        """Execute and answer the call that a fault has stalled."""
        if self._stalled is None or self.closed:
            return
        request = self._stalled[0]
        self._stalled = None
        self._cancel_timer()
        self._answer(request)
        self._serve()

    @property
    def is_stalled(self) -> bool:
        return self._stalled is not None

    def _spoil(self, frame: bytes, fault: Fault) -> None:
        """Send the reply as the fault has it."""
        if not self._framed:
            frame = frame[4:]
        if fault.delay:
            self._send()
            self._timer = self._loop.later(fault.delay, lambda: self._late(frame))
            return
        if fault.cut is not None:
            frame = frame[:fault.cut]
            self._last_reply, self._reset = True, fault.reset
        self._out.append(frame)

    def _late(self, frame: bytes) -> None:
        self._timer = None
        if not self.closed:
            self._out.append(frame)
            self._send()
            self._serve()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- what is sent ----------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Send what there is to send, as far as the client takes it."""
        if self.closed:
            return
        waiting = self._unsent is not None
        if self._out:
            before = b'' if self._unsent is None else bytes(self._unsent)
            self._unsent = memoryview(b''.join([before, *self._out]))
            self._out = []
        if self._unsent is not None:
            try:
                self._unsent = self._unsent[self._sock.send(self._unsent):]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self.close()
                return
            if not self._unsent:
                self._unsent = None
        if self._unsent is None and self._last_reply and self._timer is None:
            self.close(self._reset)
        elif waiting != (self._unsent is not None):
            self._watch()

    def _watch(self) -> None:
        if self.closed:
            return
        events = selectors.EVENT_WRITE if self._unsent is not None else 0
        if self._total <= _MAX_WAITING_BYTES and not self._last_reply:
            events |= selectors.EVENT_READ
        self._loop.watch(self._sock, events, self._ready)

    def close(self, reset: bool = False) -> None:
        """Close the connection; by a TCP reset if `reset`."""
        if self.closed:
            return
        self.closed = True
        self._cancel_timer()
        self._stalled = None
        self._loop.watch(self._sock, 0, self._ready)
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._sock.close()
        self._owner.forget(self)
