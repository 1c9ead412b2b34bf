"""The embedded server as an object: a thread of this process that serves Cassandra's Thrift interface from memory."""
import os
import threading
import time
from typing import Any, Callable, Dict, Mapping, Optional, Union

from pycassa.embedded.demo import create_demo
from pycassa.embedded.dispatch import Dispatcher
from pycassa.embedded.engine import Engine
from pycassa.embedded.faults import Faults
from pycassa.embedded.network import Network
from pycassa.embedded.profiles import DEFAULT_PROFILE
from pycassa.embedded.profiles import profile as profile_named
from pycassa.errors import ConfigurationError

__all__ = ['EmbeddedServer', 'SCHEMAS', 'read_credentials']

SCHEMAS = ('demo', 'empty')

Credentials = Union[None, str, 'os.PathLike[str]', Mapping[str, str]]


def read_credentials(path: Union[str, 'os.PathLike[str]']) -> Dict[str, str]:
    """{user: password} of a file with a line `user:password` for each user.

    Empty lines and lines that begin with # do not count; a password may contain colons. Raises ConfigurationError,
    which names the line and not what it says.
    """
    users: Dict[str, str] = {}
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip('\r\n')
            if not line or line.startswith('#'):
                continue
            user, colon, password = line.partition(':')
            if not user or not colon:
                raise ConfigurationError(f'line {number} of credentials file {os.fspath(path)} is not user:password')
            users[user] = password
    return users


class EmbeddedServer:
    """Cassandra's Thrift interface served from this process's memory, for tests and development.

    A context manager: `with EmbeddedServer() as server: pool = ConnectionPool('K', [server.address])`. It runs in one
    thread of its own and serves any number of connections at once. There is no encryption, and without `credentials`
    anybody who reaches the port may do anything: it belongs on the loopback interface, which is the default.

    host, port     where to listen; port 0 takes a free one, which `port` and `address` tell after `start()`
    partitioner    'Murmur3Partitioner', 'RandomPartitioner', 'ByteOrderedPartitioner' or 'OrderPreservingPartitioner'
    profile        which server to behave like: '1.2', '2.0', '2.1', '2.2', '3.0' or '3.11'
    schema         'empty', or 'demo': the keyspace and families that the documents' examples use
    unframed       accept unframed connections besides framed ones (no real server since 0.8 does)
    credentials    {user: password}, or the path of a file of `user:password` lines: clients then have to log in
    clock          seconds since 1970, for TTLs and the server's own timestamps; replace it to travel in time

    `engine` holds the data, which outlives `stop()` and the next `start()`; `faults` are the fault switches.
    Raises ConfigurationError for settings that cannot be, OSError from `start()` where the port is taken.
    """

    def __init__(self, host: str = '127.0.0.1', port: int = 0, partitioner: str = 'Murmur3Partitioner',
                 profile: str = DEFAULT_PROFILE, schema: str = 'empty', unframed: bool = False,
                 credentials: Credentials = None, clock: Callable[[], float] = time.time) -> None:
        if not host:
            raise ConfigurationError("an empty host is every interface: say '0.0.0.0' or '::' if that is meant")
        if schema not in SCHEMAS:
            raise ConfigurationError(f'unknown schema {schema!r}; it is one of {", ".join(SCHEMAS)}')
        if credentials is not None and not isinstance(credentials, Mapping):
            credentials = read_credentials(credentials)
        try:
            self.engine = Engine(partitioner=partitioner, profile=profile, clock=clock, host=host, port=port,
                                 credentials=credentials)
            dispatcher = Dispatcher(profile_named(profile))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        self._network = Network(self.engine, dispatcher, host, port, unframed)
        self._thread: Optional[threading.Thread] = None
        if schema == 'demo':
            create_demo(self.engine)

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._network.host

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first `start()` where none was chosen."""
        return self._network.port

    @property
    def address(self) -> str:
        """'host:port', as clients take it; an IPv6 address in brackets."""
        return f'[{self.host}]:{self.port}' if ':' in self.host else f'{self.host}:{self.port}'

    @property
    def faults(self) -> Faults:
        """The fault switches of this server."""
        return self._network.faults

    @property
    def connections(self) -> int:
        """The number of connections that are open now."""
        return self._network.connections()

    @property
    def running(self) -> bool:
        """Whether it serves, between `start()` and `stop()`."""
        return self._thread is not None

    def start(self) -> 'EmbeddedServer':
        """Listen and serve in a thread of its own; returns itself. After `stop()`, it keeps the port and the data."""
        if self._thread is not None:
            raise ConfigurationError(f'the embedded server at {self.address} runs already')
        self._open()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._network.run, args=(lambda loop: ready.set(),), daemon=True,
                                        name=f'pycassa-embedded-{self.port}')
        self._thread.start()
        ready.wait()
        return self

    def serve_forever(self, announce: Callable[[str], Any], on_loop: Callable[[Any], Any] = lambda loop: None) -> None:
        """Listen, call announce(address), and serve in the calling thread until `request_stop()`."""
        self._open()
        announce(self.address)
        self._network.run(on_loop)

    def request_stop(self) -> None:
        """Let the server end soon, without waiting for it; may be called by a signal handler."""
        self._network.stop()

    def stop(self) -> None:
        """Close all connections and the listening socket, and wait for the thread. Data stays. Harmless if stopped."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._network.stop()
            thread.join()

    def _open(self) -> None:
        self._network.open()
        self.engine.port = self.port

    def __enter__(self) -> 'EmbeddedServer':
        return self.start() if self._thread is None else self

    def __exit__(self, *exc_info: Any) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f'<EmbeddedServer {self.address} {"running" if self.running else "stopped"}>'
