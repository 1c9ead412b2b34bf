"""Threads that read and write through one pool while nodes die, and what they met."""
import threading
import time
from typing import Any, Dict, List, NamedTuple

from pycassa.cassandra.ttypes import ConsistencyLevel
from pycassa.columnfamily import ColumnFamily
from pycassa.pool import ConnectionPool
from pycassa.wrapper import ConnectionWrapper

from .failover_node import LOADED, ROWS, WRITTEN

ONE, QUORUM = ConsistencyLevel.ONE, ConsistencyLevel.QUORUM
# Seconds that a thread does nothing between two operations, at most: nodes have to be restarted meanwhile.
BREATH = 0.02


class Recovery(NamedTuple):
    """An operation that met an error and succeeded: seconds from its first error to its success.

    `at_servers` are those of them that passed while a server that lives was connecting, or had accepted the call and
    did not answer yet.
    """

    seconds: float
    at_servers: float
    errors: tuple


class Connect(NamedTuple):
    """An attempt to connect: when it began and when it ended."""

    began: float
    time: float
    server: str
    succeeded: bool


class Traffic:
    """So many threads, each with ColumnFamilies on `pool`, which read and write until the end of the block.

    Half of them do so at ONE, half at QUORUM. A read is of a row that tells its own key; a write at QUORUM, where the
    nodes replicate, is read back at times. `failed` lists what was raised, `wrong` what was read and cannot be. The
    pool tells of a failure in the thread that met it: from an operation's first one to its success is the time that a
    failover takes.
    """

    def __init__(self, pool, threads, chance, replicates):
        self.pool = pool
        self.replicates = replicates
        self.operations = 0
        self.failed: List[BaseException] = []
        self.wrong: List[Any] = []
        self.recoveries: List[Recovery] = []
        self.connects: List[Connect] = []
        self.errors: List[tuple] = []
        self._local = threading.local()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._chances = [type(chance)(chance.random()) for _ in range(threads)]
        self._threads = [threading.Thread(target=self._work, args=(number,), name=f'traffic {number}')
                         for number in range(threads)]
        #: The longest time by which the machine let a thread sleep longer than it wanted.
        self.held_up = 0.0
        self._threads.append(threading.Thread(target=self._doze, name='canary'))

    def __enter__(self):
        self.pool.add_listener(self)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self._over.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), f'{thread.name} hangs'

    # --- what the pool tells ---------------------------------------------------------------------------------

    def connection_failed(self, event: Dict[str, Any]) -> None:
        now, server = time.monotonic(), event['server']
        getattr(self._local, 'errors', []).append((now, server, event['error']))
        self.errors.append((now, server, event['error']))
        if event['connection'] is None:
            self.connects.append(Connect(self._local.connecting_since, now, server, False))

    def connection_created(self, event: Dict[str, Any]) -> None:
        self.connects.append(Connect(self._local.connecting_since, time.monotonic(), event['connection'].server, True))

    def time_servers(self, monkeypatch: Any) -> None:
        """Have connecting timed, and the servers' part of what an operation does after its first attempt."""
        transmit, connect = ConnectionWrapper._transmit, ConnectionPool._new_wrapper

        def transmit_timed(wrapper: Any, call: Any, deadline: Any) -> Any:
            started = time.monotonic()
            try:
                return transmit(wrapper, call, deadline)
            finally:
                self._at_server_since(started)

        def connect_timed(pool: Any, kind: Any, server: str) -> Any:
            started = self._local.connecting_since = time.monotonic()
            made = connect(pool, kind, server)
            # Trying in vain is the client's own time.
            self._at_server_since(started)
            return made
        monkeypatch.setattr(ConnectionWrapper, '_transmit', transmit_timed)
        monkeypatch.setattr(ConnectionPool, '_new_wrapper', connect_timed)

    def _at_server_since(self, started: float) -> None:
        if getattr(self._local, 'errors', None):
            self._local.at_servers += time.monotonic() - started

    # --- what the threads do ---------------------------------------------------------------------------------

    def _work(self, number: int) -> None:
        chance, level = self._chances[number], (ONE, QUORUM)[number % 2]
        options = {'read_consistency_level': level, 'write_consistency_level': level}
        loaded, written = ColumnFamily(self.pool, LOADED, **options), ColumnFamily(self.pool, WRITTEN, **options)
        turn = 0
        while not self._over.is_set():
            turn += 1
            if chance.random() < 0.5:
                self._do(self._read, loaded, f'k{chance.randrange(ROWS)}')
            else:
                self._do(self._write, written, f'w{number}', str(turn))
                if self.replicates and level == QUORUM and turn % 4 == 0:
                    self._do(self._read_back, written, f'w{number}', str(turn))
            time.sleep(chance.uniform(0, BREATH))

    def _doze(self) -> None:
        while not self._over.is_set():
            started = time.monotonic()
            time.sleep(0.01)
            self.held_up = max(self.held_up, time.monotonic() - started - 0.01)

    def _do(self, operation: Any, *args: Any) -> None:
        self._local.errors = errors = []
        self._local.at_servers = 0.0
        try:
            operation(*args)
        except Exception as error:  # noqa: BLE001 (the test looks at each)
            self.failed.append(error)
        else:
            if errors:
                self.recoveries.append(Recovery(time.monotonic() - errors[0][0], self._local.at_servers, tuple(errors)))
        with self._lock:
            self.operations += 1

    def _read(self, family: ColumnFamily, key: str) -> None:
        self._expect({'id': key}, family.get(key))

    @staticmethod
    def _write(family: ColumnFamily, key: str, turn: str) -> None:
        family.insert(key, {'turn': turn})

    def _read_back(self, family: ColumnFamily, key: str, turn: str) -> None:
        self._expect({'turn': turn}, family.get(key))

    def _expect(self, expected: Any, row: Any) -> None:
        if row != expected:
            self.wrong.append((expected, row))
