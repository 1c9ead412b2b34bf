"""Connections to a StubCluster, in the place of sockets."""
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Optional

from thrift.transport.TTransport import TTransportBase

from pycassa.codec import Truncated
from pycassa.embedded.channel import MAX_FRAME_BYTES
from pycassa.embedded.dispatch import Request
from pycassa.embedded.faults import Fault, Received
from pycassa.errors import CallTimeout, ConnectionClosed, ConnectionFailed, ProtocolError, TransportError

if TYPE_CHECKING:
    from pycassa.contrib.cluster import StubCluster

__all__ = ['Door', 'EngineConnection']


class Door:
    """The connections that are open, and whether others are let in: what the switches of connections turn."""

    def __init__(self) -> None:
        self._connections: weakref.WeakValueDictionary[int, EngineConnection] = weakref.WeakValueDictionary()
        self._accepted = 0
        self._lock = threading.Lock()
        self._refusal: Optional[Callable[[str], TransportError]] = None

    def admit(self, connection: 'EngineConnection') -> int:
        """The number of a new connection. Raises ConnectionFailed where it is refused, CallTimeout where ignored."""
        if self._refusal is not None:
            raise self._refusal(connection.server)
        with self._lock:
            self._accepted += 1
            self._connections[self._accepted] = connection
            return self._accepted

    def refuse(self) -> None:
        """Refuse connections."""
        self._refusal = lambda server: ConnectionFailed(f'{server}: the stub cluster refuses connections')

    def ignore(self) -> None:
        """Let connections wait, until their time is over; it is at once."""
        self._refusal = lambda server: CallTimeout(f'{server}: the stub cluster ignores connections')

    def accept(self) -> None:
        """Let connections in."""
        self._refusal = None

    def disconnect(self, reset: bool, stalled_only: bool = False) -> int:
        """Close the connections that are open (of them those that wait for a stalled call); their number."""
        with self._lock:
            chosen = [each for each in list(self._connections.values())
                      if each.isOpen() and (each.is_stalled or not stalled_only)]
        for connection in chosen:
            connection.end()
        return len(chosen)

    def release(self) -> None:
        """Nothing to do: a call that is stalled has timed out already."""


class EngineConnection(TTransportBase):
    """In the place of a socket: what is written to it is served at once, and can be read."""

    def __init__(self, cluster: 'StubCluster', server: str) -> None:
        self.server = server
        self.is_stalled = False
        self._cluster = cluster
        self._session: Any = None
        self._number = 0
        self._requests = bytearray()
        self._replies = bytearray()
        self._seconds: Optional[float] = None

    def open(self) -> None:
        """Connect. Raises ConnectionFailed or CallTimeout where a fault switch says so."""
        self._number = self._cluster.door.admit(self)
        self._session = self._cluster.engine.session()

    def isOpen(self) -> bool:
        """From `open` until either side closes."""
        return self._session is not None

    def close(self) -> None:
        """Close, from the client's side."""
        self.end()
        self._replies.clear()

    def end(self) -> None:
        """Close, from the server's side: replies that were sent can still be read."""
        self._session, self.is_stalled = None, False

    def setTimeout(self, ms: Optional[float]) -> None:
        """How many milliseconds the client waits for a reply; None: for ever."""
        self._seconds = None if ms is None else ms / 1000.0

    def write(self, buf: bytes) -> None:
        """Send, and have whole frames served."""
        if self._session is None:
            raise ConnectionClosed(f'{self.server}: the stub cluster has closed the connection')
        self._requests += buf
        while self._session is not None and not self.is_stalled and len(self._requests) >= 4:
            length = int.from_bytes(self._requests[:4], 'big', signed=True)
            if not 0 < length <= MAX_FRAME_BYTES:
                self.end()
            elif len(self._requests) < 4 + length:
                break
            else:
                message = bytes(self._requests[4:4 + length])
                del self._requests[:4 + length]
                self._serve(message)

    def flush(self) -> None:
        """Nothing to do: `write` does not wait."""

    def read(self, sz: int) -> bytes:
        """Up to `sz` bytes of replies; none after the end. Raises CallTimeout where no reply will come."""
        if not self._replies and self.isOpen():
            raise CallTimeout(f'{self.server}: no reply within timeout={self._seconds}, or ever')
        part = bytes(self._replies[:sz])
        del self._replies[:sz]
        return part

    def _serve(self, message: bytes) -> None:
        cluster = self._cluster
        try:
            request = cluster.dispatcher.read(message, 0)
        except (Truncated, ProtocolError):
            self.end()
            return
        fault = None
        if cluster.faults.armed:
            fault = cluster.faults.take(Received(request.name, request.header.seqid, message, self._number))
        if fault is None:
            self._replies += cluster.dispatcher.execute(self._session, request)
        else:
            self._serve_badly(request, fault)

    def _serve_badly(self, request: Request, fault: Fault) -> None:
        if fault.stall and self._is_too_long(fault.hold):
            self.is_stalled = True
            return
        frame = b''
        if fault.error is not None or fault.applied:
            frame = self._cluster.dispatcher.execute(self._session, request, fault.error, fault.applied)
        if fault.delay and self._is_too_long(fault.delay):
            self.is_stalled = True
        elif fault.cut is not None:
            self._replies += frame[:fault.cut]
            self.end()
        else:
            self._replies += fault.alter(frame)

    def _is_too_long(self, seconds: Optional[float]) -> bool:
        return seconds is None or (self._seconds is not None and seconds >= self._seconds)
