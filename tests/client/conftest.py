"""Servers on loopback that follow a script, and the few Thrift messages that such scripts need."""
import contextlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any, Callable, List, NamedTuple, Tuple

import pytest
import thrift.protocol
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

REPLY, EXCEPTION = 2, 3


# --- messages ------------------------------------------------------------------------------------------------------

def binary(text: Any) -> bytes:
    data = text.encode('utf-8') if isinstance(text, str) else text
    return struct.pack('>i', len(data)) + data


def message(name: str, seqid: int, body: bytes = b'\0', kind: int = REPLY) -> bytes:
    return b'\x80\x01\0' + bytes([kind]) + binary(name) + struct.pack('>i', seqid) + body


def framed(data: bytes) -> bytes:
    return struct.pack('>i', len(data)) + data


def string_result(text: Any) -> bytes:
    """The result struct of a method that returns a string or bytes."""
    return b'\x0b\0\0' + binary(text) + b'\0'


def struct_result(field: int, body: bytes = b'\0') -> bytes:
    """The result struct with one struct in it: the success (0) or a declared exception."""
    return b'\x0c' + struct.pack('>h', field) + body + b'\0'


def application_error(kind: int, text: str) -> bytes:
    """The body of a TApplicationException."""
    return b'\x0b\0\1' + binary(text) + b'\x08\0\2' + struct.pack('>i', kind) + b'\0'


class Received(NamedTuple):
    """A call as a server sees it: its name, sequence id, and the bytes of the whole message."""

    name: str
    seqid: int
    data: bytes

    def reply(self, body: bytes = b'\0', kind: int = REPLY) -> bytes:
        return framed(message(self.name, self.seqid, body, kind))


def call_in(data: bytes) -> Received:
    length = struct.unpack_from('>i', data, 4)[0]
    seqid = struct.unpack_from('>i', data, 8 + length)[0]
    return Received(data[8:8 + length].decode(), seqid, data)


def read_exactly(peer: socket.socket, count: int) -> bytes:
    data = b''
    while len(data) < count:
        part = peer.recv(min(count - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return data


def read_call(peer: socket.socket) -> Received:
    """The next framed call. Raises EOFError when the client has closed."""
    return call_in(read_exactly(peer, struct.unpack('>i', read_exactly(peer, 4))[0]))


def reset(peer: socket.socket) -> None:
    """Close with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    peer.close()


# --- the server ----------------------------------------------------------------------------------------------------

class ScriptedServer:
    """Accepts on an ephemeral loopback port, and runs `script(peer, server)` in a thread for each connection.

    `calls` collects what `read` has read, and `wait_closed()` waits until every script has ended.
    """

    def __init__(self, script: Callable[[socket.socket, 'ScriptedServer'], None], host: str = '127.0.0.1') -> None:
        self.script = script
        self.calls: List[Received] = []
        self.accepted = 0
        self.errors: List[BaseException] = []
        self.stopping = threading.Event()
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind((host, 0))
        self._listener.listen(16)
        self.host, self.port = self._listener.getsockname()[:2]
        self.address = f'[{self.host}]:{self.port}' if ':' in self.host else f'{self.host}:{self.port}'
        self._peers: List[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def read(self, peer: socket.socket) -> Received:
        call = read_call(peer)
        self.calls.append(call)
        return call

    def serve(self, peer: socket.socket, **results: bytes) -> None:
        """Answer calls until the client closes: with `results[name]`, an empty result struct where it is not there."""
        while True:
            call = self.read(peer)
            peer.sendall(call.reply(results.get(call.name, b'\0')))

    @property
    def names(self) -> List[str]:
        return [call.name for call in self.calls]

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._run, args=(peer,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _run(self, peer: socket.socket) -> None:
        try:
            with peer:
                self.script(peer, self)
        except (EOFError, OSError):
            pass
        except AssertionError as error:
            self.errors.append(error)

    def wait_closed(self, timeout: float = 5.0) -> None:
        deadline = time.monotonic() + timeout
        while len(self._threads) < 2:
            assert time.monotonic() < deadline, 'no client has connected'
            time.sleep(0.005)
        for thread in self._threads[1:]:
            thread.join(timeout)
            assert not thread.is_alive(), 'the client has not closed its connection'

    def stop(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        assert not self.errors, self.errors


@pytest.fixture
def scripted():
    """scripted(script, host='127.0.0.1') -> a running ScriptedServer. All are stopped when the test ends."""
    servers: List[ScriptedServer] = []

    def start(script: Callable[..., None], host: str = '127.0.0.1') -> ScriptedServer:
        servers.append(ScriptedServer(script, host))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def answering(scripted):
    """answering(**results) -> a server that answers every call, with `results[name]` or an empty result struct."""
    def start(**results: bytes) -> ScriptedServer:
        return scripted(lambda peer, server: server.serve(peer, **results))

    return start


@pytest.fixture
def refused_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


@pytest.fixture
def silent_address():
    """The address of a listener whose queue is full: connecting to it does not end."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    yield listener.getsockname()
    for open_socket in (*fillers, listener):
        open_socket.close()


@pytest.fixture
def without_fastbinary(monkeypatch):
    """without_fastbinary() makes thrift's C extension one that is not there, until the test ends."""
    def remove() -> None:
        monkeypatch.setitem(sys.modules, 'thrift.protocol.fastbinary', None)
        monkeypatch.delattr(thrift.protocol, 'fastbinary', raising=False)
        assert not hasattr(TBinaryProtocolAccelerated(TMemoryBuffer()), '_fast_decode') or \
            TBinaryProtocolAccelerated(TMemoryBuffer())._fast_decode is None

    return remove


# --- certificates --------------------------------------------------------------------------------------------------

class Certificates:
    """Certificates made by the openssl command, each as (certificate file, key file)."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        self.authority = self.self_signed('authority', 'Test Authority', authority=True)

    def self_signed(self, name: str, subject: str, authority: bool = False) -> Tuple[str, str]:
        certificate, key = self.files(name)
        # Contexts made by Python 3.13 and later insist on an authority's key usage.
        extensions = (['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'] if authority
                      else ['subjectAltName=DNS:localhost,IP:127.0.0.1'])
        self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                     '-days', '2', '-subj', f'/CN={subject}', '-keyout', key, '-out', certificate,
                     *(part for extension in extensions for part in ('-addext', extension)))
        return certificate, key

    def signed(self, name: str, names: str, days: int = 2) -> Tuple[str, str]:
        """Signed by the authority, for the subject alternative `names`; expired where `days` is negative."""
        certificate, key = self.files(name)
        request, extensions = str(self.folder / f'{name}.csr'), self.folder / f'{name}.ext'
        extensions.write_text(f'subjectAltName={names}\n')
        self.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                     '-subj', f'/CN={name}', '-keyout', key, '-out', request)
        self.openssl('x509', '-req', '-in', request, '-CA', self.authority[0], '-CAkey', self.authority[1],
                     '-CAcreateserial', '-days', str(days), '-extfile', str(extensions), '-out', certificate)
        return certificate, key

    def files(self, name: str) -> Tuple[str, str]:
        return str(self.folder / f'{name}.pem'), str(self.folder / f'{name}.key')

    def openssl(self, *arguments: str) -> None:
        subprocess.run(['openssl', *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope='session')
def certificates(tmp_path_factory) -> Certificates:
    if shutil.which('openssl') is None:
        pytest.skip('the openssl command, which makes the certificates of these tests, is not installed')
    return Certificates(tmp_path_factory.mktemp('certificates'))
