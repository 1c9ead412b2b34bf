"""Run by test_foreign_answers in a process of its own: reads that tell whose answer they got.

    python probe_foreign.py READS SEED

Every row holds its own key. Threads read rows by chance over pools that they share, by every way there is, through a
proxy that is late by chance, also by more than the time-out, and then the answer to a call comes after the next one
was due. Beside them reads a client that goes on after a time-out: what it gets shows what could be. Prints the counts
as JSON.
"""
import json
import random
import socket
import sys
import threading
from typing import Any, Callable, List

from apart import RemoteServer
from proxy import FaultProxy
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport, TTransportException

import pycassa
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import ColumnParent, ColumnPath, SlicePredicate, SliceRange
from pycassa.errors import CallTimeout, NoServerAvailable

KEYSPACE, FAMILY = 'Keyspace1', 'Standard1'
ROWS, COLUMNS = 500, 3
THREADS = 16
TIMEOUT = 0.1
CARELESS = 500

PATH = ColumnPath(FAMILY, column=b'c1')
PARENT = ColumnParent(FAMILY)
ALL = SlicePredicate(slice_range=SliceRange(b'', b'', False, 10))


def delay(chance: random.Random) -> float:
    """Mostly none, at times some, and now and then one beyond the time-out."""
    kind = chance.random()
    if kind < 0.88:
        return 0.0
    return chance.uniform(0, TIMEOUT / 2) if kind < 0.935 else chance.uniform(1.1 * TIMEOUT, 2.5 * TIMEOUT)


class Listener:
    """Counts what a pool's connections fail of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.timeouts = self.others = 0

    def connection_failed(self, event: Any) -> None:
        with self._lock:
            if isinstance(event['error'], CallTimeout):
                self.timeouts += 1
            else:
                self.others += 1


def family_of(pool: Any) -> Any:
    """The family, once its definition came in time: a busy machine takes longer than the pool's time-out."""
    while True:
        try:
            return pycassa.ColumnFamily(pool, FAMILY)
        except NoServerAvailable:
            pass


class Reader(threading.Thread):
    """Reads rows by chance as long as `tickets` last."""

    def __init__(self, pool: Any, tickets: Any, chance: random.Random) -> None:
        super().__init__()
        self.pool, self.tickets, self.chance = pool, tickets, chance
        self.family = family_of(pool)
        self.ways: List[Callable[[str], Any]] = [self.one, self.row, self.several, self.columns, self.raw_one,
                                                 self.raw_row, self.failing]
        self.read = self.answered = 0
        self.foreign: List[Any] = []
        self.problem: Any = None

    def run(self) -> None:
        try:
            for _ in self.tickets:
                self.step(f'k{self.chance.randrange(ROWS)}')
        except BaseException as error:  # noqa: BLE001  (the main thread raises it)
            self.problem = error

    def step(self, key: str) -> None:
        self.read += 1
        try:
            found = set(self.chance.choice(self.ways)(key))
        except NoServerAvailable:
            return
        self.answered += 1
        if found != {key}:
            self.foreign.append((key, found))

    # --- ways to read a row's key from its columns -----------------------------------------------------------

    def one(self, key: str) -> Any:
        return self.family.get(key, columns=['c1']).values()

    def row(self, key: str) -> Any:
        return self.family.get(key).values()

    def several(self, key: str) -> Any:
        """The row and its successor: each has to come as itself."""
        other = f'k{(int(key[1:]) + 1) % ROWS}'
        found = self.family.multiget([key, other])
        return [key] if {name: set(row.values()) for name, row in found.items()} == {
            key: {key}, other: {other}} else [str(found)]

    def columns(self, key: str) -> Any:
        return [value for _, value in self.family.xget(key, buffer_size=2)]

    def raw_one(self, key: str) -> Any:
        return [self.pool.execute('get', key.encode(), PATH, 1).column.value.decode()]

    def raw_row(self, key: str) -> Any:
        return [each.column.value.decode() for each in self.pool.execute('get_slice', key.encode(), PARENT, ALL, 1)]

    def failing(self, key: str) -> Any:
        """A row that is not there, and is told from all that are."""
        try:
            return self.family.get(f'no {key}').values()
        except pycassa.NotFoundException as error:
            return [key] if f'no {key}' in str(error) else [str(error)]


def careless(proxy: FaultProxy, chance: random.Random) -> bool:
    """Whether a client that takes the next reply for its own, after a time-out, gets a foreign one: thrift's does."""
    stream = TSocket(proxy.host, proxy.port)
    transport = TFramedTransport(stream)
    transport.open()
    client = Cassandra.Client(TBinaryProtocol(transport))
    client.set_keyspace(KEYSPACE)
    stream.setTimeout(TIMEOUT * 1000)
    try:
        for _ in range(CARELESS):
            key = f'k{chance.randrange(ROWS)}'
            try:
                if client.get(key.encode(), PATH, 1).column.value.decode() != key:
                    return True
            except (TTransportException, socket.timeout):
                pass
        return False
    finally:
        transport.close()


def prepare(address: str) -> None:
    with pycassa.ConnectionPool(KEYSPACE, [address], timeout=30) as pool:
        manager = pycassa.SystemManager(address, timeout=30)
        manager.alter_column_family(KEYSPACE, FAMILY, default_validation_class='UTF8Type')
        manager.close()
        names = [f'c{number}' for number in range(1, COLUMNS + 1)]
        pycassa.ColumnFamily(pool, FAMILY).batch_insert(
            {f'k{row}': dict.fromkeys(names, f'k{row}') for row in range(ROWS)})


def main(reads: str, seed: str) -> None:
    chance = random.Random(int(seed))
    listener = Listener()
    with RemoteServer(schema='demo') as server, FaultProxy('127.0.0.1', server.port, int(seed)) as proxy:
        prepare(server.address)
        pools = [pycassa.ConnectionPool(KEYSPACE, [proxy.address], timeout=TIMEOUT, pool_size=size, max_retries=retries,
                                        connect_timeout=30, host_backoff=(0.0, 0.0), retry_backoff=(0.0, 0.01),
                                        pool_timeout=-1, prefill=False, listeners=[listener])
                 for size, retries in ((4, 0), (12, 2))]
        # Each number is drawn once: an iterator of a range takes no turns within a step.
        tickets = iter(range(int(reads)))
        readers = [Reader(pools[number % 2], tickets, random.Random(chance.random())) for number in range(THREADS)]
        proxy.replies.set(latency=delay)
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        connections = proxy.accepted
        strange = careless(proxy, chance)
        for pool in pools:
            pool.close()
    for reader in readers:
        if reader.problem is not None:
            raise reader.problem
        assert not reader.foreign, reader.foreign[:5]
    print(json.dumps({
        'reads': sum(reader.read for reader in readers), 'answered': sum(reader.answered for reader in readers),
        'timeouts': listener.timeouts, 'other failures': listener.others, 'connections': connections,
        'foreign': sum(len(reader.foreign) for reader in readers), 'foreign to a careless client': strange}))


if __name__ == '__main__':
    main(*sys.argv[1:])
