"""A minimal Thrift client, to ask a server whether it is ready: nothing of the project under test is in it."""
import pathlib
import socket
import ssl
import struct
from typing import Any, Dict, List, Optional, Tuple

VERSION = 0x80010000
CALL, REPLY = 1, 2
BOOL, BYTE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = 2, 3, 6, 8, 10, 11, 12, 13, 14, 15
NUMBERS = {BOOL: '>?', BYTE: '>b', I16: '>h', I32: '>i', I64: '>q', 4: '>d'}
# Of the enums ConsistencyLevel and Compression.
ONE, ALL = 1, 5
UNCOMPRESSED = 2


class Refused(Exception):
    """A server answered a call with an exception, given as (name of the call, its fields by number)."""


class Reader:
    """Values of Thrift's binary protocol: structs as {field number: value}, text and bytes as bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, kind: int) -> Any:
        form = NUMBERS[kind]
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self) -> bytes:
        length = self.number(I32)
        self.at += length
        return self.data[self.at - length:self.at]

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.text()
        if kind == STRUCT:
            return self.fields()
        if kind == MAP:
            keys, values = self.number(BYTE), self.number(BYTE)
            return {self.value(keys): self.value(values) for _ in range(self.number(I32))}
        if kind in (LIST, SET):
            items = self.number(BYTE)
            return [self.value(items) for _ in range(self.number(I32))]
        return self.number(kind)

    def fields(self) -> Dict[int, Any]:
        found: Dict[int, Any] = {}
        while True:
            kind = self.number(BYTE)
            if kind == 0:
                return found
            number = self.number(I16)
            found[number] = self.value(kind)


def text(value: str) -> Tuple[int, bytes]:
    """An argument that is a text."""
    data = value.encode()
    return STRING, struct.pack('>i', len(data)) + data


def number(value: int) -> Tuple[int, bytes]:
    """An argument that is an i32 or an enum."""
    return I32, struct.pack('>i', value)


def credentials(user: str, password: str) -> Tuple[int, bytes]:
    """An argument that is an AuthenticationRequest."""
    pairs = b''.join(text(part)[1] for pair in (('username', user), ('password', password)) for part in pair)
    return STRUCT, struct.pack('>bhbbi', MAP, 1, STRING, STRING, 2) + pairs + b'\0'


class Asker:
    """A connection to one server. `tls` is a folder with ca.pem, client.pem and client.key."""

    def __init__(self, host: str, port: int, timeout: float = 10.0, tls: Optional[pathlib.Path] = None) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        try:
            if tls is not None:
                context = ssl.create_default_context(cafile=str(tls / 'ca.pem'))
                context.load_cert_chain(str(tls / 'client.pem'), str(tls / 'client.key'))
                self.socket = context.wrap_socket(self.socket, server_hostname=host)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> 'Asker':
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def call(self, name: str, *arguments: Tuple[int, bytes]) -> Any:
        """The result of a call whose arguments are numbered from 1; Refused, or OSError where there is no answer."""
        message = struct.pack('>I', VERSION | CALL) + text(name)[1] + struct.pack('>i', 0)
        for position, (kind, data) in enumerate(arguments, 1):
            message += struct.pack('>bh', kind, position) + data
        message += b'\0'
        self.socket.sendall(struct.pack('>i', len(message)) + message)
        reader = Reader(self._receive(struct.unpack('>i', self._receive(4))[0]))
        kind = reader.number(I32) & 0xff
        reader.text()
        reader.number(I32)
        result = reader.fields()
        if kind != REPLY or any(result.keys() - {0}):
            raise Refused(name, result)
        return result.get(0)

    def _receive(self, size: int) -> bytes:
        data = b''
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionResetError('the server closed the connection')
            data += part
        return data

    def login(self, user: str, password: str) -> None:
        self.call('login', credentials(user, password))

    def ring(self) -> List[str]:
        """The addresses of all nodes that the server knows of, dead ones included."""
        return sorted(host.decode() for host in self.call('describe_token_map').values())

    def schemas(self) -> Dict[str, List[str]]:
        """Which live nodes have which version of the schema; those that do not answer are under 'UNREACHABLE'."""
        return {version.decode(): sorted(host.decode() for host in hosts)
                for version, hosts in self.call('describe_schema_versions').items()}

    def cql(self, statement: str, consistency: int = ONE) -> None:
        """Run a statement of CQL 3 whose result does not matter."""
        self.call('execute_cql3_query', text(statement), number(UNCOMPRESSED), number(consistency))
