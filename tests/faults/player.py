"""A server that plays: it answers each call with the bytes it was given for it, and ends or goes silent when told.

One connection is served at a time, and the next one only when the client has closed that one: a client that keeps a
connection which it should have closed gets no further, and `unclosed` tells.
"""
import contextlib
import socket
import struct
import threading
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from streams import exactly

__all__ = ['END', 'GO_ON', 'Player', 'RESET', 'Received', 'STALL', 'framed', 'head', 'reply']

GO_ON, END, RESET, STALL = 'go on', 'end', 'reset', 'stall'
CALL, REPLY = 1, 2
PATIENCE = 60.0


class Received(NamedTuple):
    """A call as it came."""

    method: str
    seqid: int


class Answer(NamedTuple):
    """What is sent, in one piece or several, and what happens to the connection then."""

    data: Any
    then: str = GO_ON


def head(method: bytes, seqid: int, kind: int = REPLY, version: int = 0x8001) -> bytes:
    """What a message begins with, in front of its body."""
    return struct.pack('>HBBi', version, 0, kind & 0xff, len(method)) + method + struct.pack('>I', seqid & 0xffffffff)


def framed(message: bytes) -> bytes:
    return struct.pack('>i', len(message)) + message


def reply(call: Received, body: bytes, kind: int = REPLY) -> bytes:
    """The frame of the right answer to a call."""
    return framed(head(call.method.encode(), call.seqid, kind) + body)


class Player:
    """Listens on a free port of the loopback while its `with` block runs, in a thread of its own.

    `bodies` are the results of calls by name; a name without one gets an empty result. `answer(call)`, where it is
    set, is asked first: it gives what is sent and what happens then, or None. `label` says what is being played.
    """

    def __init__(self, bodies: Dict[str, bytes]) -> None:
        self.bodies = bodies
        self.answer: Optional[Callable[[Received], Optional[tuple]]] = None
        self.label = ''
        self.accepted = 0
        #: What was being played when a connection that should have been closed was not, or was used again.
        self.unclosed: List[str] = []
        self.reused: List[str] = []
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.address = '127.0.0.1:%d' % self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)

    def __enter__(self) -> 'Player':
        self._thread.start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()

    def settle(self) -> None:
        """Wait until every connection that was made before has been served to its end."""
        host, _, port = self.address.rpartition(':')
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as own:
            own.sendall(framed(head(b'describe_version', 0, CALL) + b'\0'))
            own.recv(1)

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with contextlib.suppress(EOFError, ConnectionError):
                    self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        while True:
            call = self._received(peer)
            played = self.answer(call) if self.answer is not None else None
            answer = Answer(reply(call, self.bodies.get(call.method, b'\0'))) if played is None else Answer(*played)
            for part in [answer.data] if isinstance(answer.data, bytes) else answer.data:
                peer.sendall(part)
            if answer.then == RESET:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                return
            if answer.then == END:
                peer.shutdown(socket.SHUT_WR)
            if answer.then != GO_ON:
                self._await_end(peer)
                return

    def _received(self, peer: socket.socket) -> Received:
        data = exactly(peer, int.from_bytes(exactly(peer, 4), 'big'))
        length = int.from_bytes(data[4:8], 'big')
        return Received(data[8:8 + length].decode(), int.from_bytes(data[8 + length:12 + length], 'big'))

    def _await_end(self, peer: socket.socket) -> None:
        label = self.label
        peer.settimeout(PATIENCE)
        try:
            if peer.recv(1):
                self.reused.append(label)
        except socket.timeout:
            self.unclosed.append(label)
