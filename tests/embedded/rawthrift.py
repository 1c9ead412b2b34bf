"""Raw sockets and hand-made Thrift bytes for the tests of the server's wire behaviour."""
import socket
import struct
from typing import NamedTuple, Optional

CALL, REPLY, EXCEPTION = 1, 2, 3


def framed(message: bytes) -> bytes:
    return struct.pack('>i', len(message)) + message


def message(name: str, body: bytes = b'\0', seqid: int = 7, type: int = CALL, version: int = 0x8001) -> bytes:
    return struct.pack('>HBBi', version, 0, type, len(name)) + name.encode() + struct.pack('>i', seqid) + body


def string(field: int, data: bytes) -> bytes:
    return b'\x0b' + struct.pack('>hi', field, len(data)) + data


def i32(field: int, value: int) -> bytes:
    return b'\x08' + struct.pack('>hi', field, value)


def i64(field: int, value: int) -> bytes:
    return b'\x0a' + struct.pack('>hq', field, value)


def struct_field(field: int, body: bytes) -> bytes:
    return b'\x0c' + struct.pack('>h', field) + body + b'\0'


class Reply(NamedTuple):
    type: int
    name: str
    seqid: int
    body: bytes


class RawConnection:
    """A socket that sends what it is told and reads frames. `recv` gives None where the server closes instead."""

    def __init__(self, server, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout)

    def send(self, data: bytes) -> 'RawConnection':
        self.socket.sendall(data)
        return self

    def exactly(self, size: int) -> Optional[bytes]:
        data = b''
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return None
            if not more:
                return None
            data += more
        return data

    def frame(self) -> Optional[bytes]:
        head = self.exactly(4)
        return None if head is None else self.exactly(int.from_bytes(head, 'big'))

    def reply(self) -> Optional[Reply]:
        data = self.frame()
        return None if data is None else parse(data)

    def call(self, name: str, body: bytes = b'\0', seqid: int = 7, type: int = CALL) -> Optional[Reply]:
        return self.send(framed(message(name, body, seqid, type))).reply()

    def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing arrives, the connection's end neither."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(before)
        return False

    def is_closed(self) -> bool:
        """Whether the server closes the connection without sending anything more."""
        try:
            return self.socket.recv(1) == b''
        except ConnectionResetError:
            return True

    def __enter__(self) -> 'RawConnection':
        return self

    def __exit__(self, *exc_info) -> None:
        self.socket.close()


def parse(data: bytes) -> Reply:
    version, _, type, size = struct.unpack_from('>HBBi', data)
    assert version == 0x8001
    end = 8 + size
    return Reply(type, data[8:end].decode(), struct.unpack_from('>i', data, end)[0], data[end + 4:])


def exception_of(reply: Reply) -> 'tuple[int, str]':
    """(type, message) of a TApplicationException."""
    assert reply.type == EXCEPTION and reply.body.startswith(b'\x0b\0\1')
    size = int.from_bytes(reply.body[3:7], 'big')
    text, rest = reply.body[7:7 + size], reply.body[7 + size:]
    assert rest.startswith(b'\x08\0\2') and len(rest) == 8
    return int.from_bytes(rest[3:7], 'big'), text.decode()
