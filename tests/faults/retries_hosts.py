"""Two hosts that answer every Thrift call as a script says, and write down what they received."""
import socket
import struct
import threading
from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple

from streams import exactly
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

_RESET = struct.pack('ii', 1, 0)


class Received(NamedTuple):
    """A request: which host it came to, and its bytes."""

    host: int
    method: str
    data: bytes


class Hosts:
    """Servers whose next calls suffer what `script` holds, in that order, whichever of them is called.

    `results` is {method: body of its result}. What a client says in opening a connection, `set_keyspace` of `keyspace`,
    is always answered, and is not written down.
    """

    def __init__(self, number: int, results: Dict[str, bytes], keyspace: str) -> None:
        self.results = results
        self.opening = keyspace.encode()
        self.script: Deque[Any] = deque()
        self.received: List[Received] = []
        self._listeners = [socket.create_server(('127.0.0.1', 0), backlog=128) for _ in range(number)]
        self.addresses = ['{}:{}'.format(*listener.getsockname()) for listener in self._listeners]
        for host, listener in enumerate(self._listeners):
            threading.Thread(target=self._accept, args=(host, listener), daemon=True).start()

    def close(self) -> None:
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, host: int, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(host, client), daemon=True).start()

    def _serve(self, host: int, client: socket.socket) -> None:
        with client:
            try:
                while True:
                    data = exactly(client, struct.unpack('>i', exactly(client, 4))[0])
                    self._answer(host, client, data)
            except (OSError, EOFError):
                pass

    def _answer(self, host: int, client: socket.socket, data: bytes) -> None:
        method, _, seqid = TBinaryProtocol(TMemoryBuffer(data)).readMessageBegin()
        fault = None
        if method != 'set_keyspace' or self.opening not in data:
            self.received.append(Received(host, method, data))
            fault = self.script.popleft() if self.script else None
        good = message(method, seqid, self.results[method])
        if fault is None:
            client.sendall(good)
        elif isinstance(fault, bytes):
            client.sendall(message(method, seqid, fault))
        elif isinstance(fault, TApplicationException):
            client.sendall(message(method, seqid, body_of(fault), TMessageType.EXCEPTION))
        else:
            fault(client, good)


def message(method: str, seqid: int, body: bytes, kind: int = TMessageType.REPLY) -> bytes:
    """The frame of a reply."""
    name = method.encode()
    text = struct.pack('>HBBi', 0x8001, 0, kind, len(name)) + name + struct.pack('>i', seqid) + body
    return struct.pack('>i', len(text)) + text


def body_of(struct_of_bindings: Any) -> bytes:
    protocol = TBinaryProtocol(TMemoryBuffer())
    struct_of_bindings.write(protocol)
    return protocol.trans.getvalue()


# --- what may happen to a call, besides the exceptions that the interface declares -----------------------------------

def end(client: socket.socket, good: bytes) -> None:
    raise EOFError


def end_within(client: socket.socket, good: bytes) -> None:
    client.sendall(good[:9])
    raise EOFError


def reset(client: socket.socket, good: bytes) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    raise EOFError


def silence(client: socket.socket, good: bytes) -> None:
    """Until the client gives up."""
    client.recv(1)
    raise EOFError


def garbage(client: socket.socket, good: bytes) -> None:
    client.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')


def another_seqid(client: socket.socket, good: bytes) -> None:
    name = 12 + struct.unpack('>i', good[8:12])[0]
    client.sendall(good[:name] + b'\x7f' + good[name + 1:])


def too_large(client: socket.socket, good: bytes) -> None:
    client.sendall(b'\x7f\xff\xff\xff')
    raise EOFError


def wrong_type(client: socket.socket, good: bytes) -> None:
    client.sendall(good[:7] + b'\x04' + good[8:])
