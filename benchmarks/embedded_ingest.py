"""How fast the embedded server takes data in: raw frames, encoded beforehand, against a server process of its own.

    python -m benchmarks.embedded_ingest [--rows 100] [--columns 10] [--seconds 5] [--connections 1]

One batch_mutate of --rows rows by --columns columns at a time and connection, every batch with keys of its own. Prints
columns a second, and the server's processor time per column, which is what one core can take.
"""
import argparse
import itertools
import socket
import struct
import time
from typing import Iterator, List, NamedTuple

from pycassa import codec
from pycassa.cassandra.ttypes import CfDef, KsDef
from pycassa.connection import Connection
from pycassa.embedded import ServerProcess, spawn

KEYSPACE, FAMILY = 'Ingest', 'Rows'


class Ingested(NamedTuple):
    columns: int
    seconds: float
    server_seconds: float


def prepare(address: str) -> None:
    """Create the keyspace and family that the frames write to."""
    client = Connection(None, address)
    client.system_add_keyspace(KsDef(
        name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'}, cf_defs=[
            CfDef(keyspace=KEYSPACE, name=FAMILY, comparator_type='UTF8Type', key_validation_class='UTF8Type',
                  default_validation_class='UTF8Type')]))
    client.close()


def connect(server: ServerProcess) -> socket.socket:
    sock = socket.create_connection((server.host, server.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = KEYSPACE.encode()
    message = b'\x80\1\0\1\0\0\0\x0cset_keyspace\0\0\0\0\x0b\0\1' + struct.pack('>i', len(name)) + name + b'\0'
    sock.sendall(struct.pack('>i', len(message)) + message)
    receive(sock)
    return sock


def receive(sock: socket.socket) -> bytes:
    reply = sock.recv(65536)
    while len(reply) < 4 or len(reply) < 4 + int.from_bytes(reply[:4], 'big'):
        reply += sock.recv(65536)
    return reply


def check(reply: bytes) -> None:
    """A batch is acknowledged by a reply whose result has no fields."""
    if reply[7] != 2 or len(reply) != 29:
        raise SystemExit(f'the server refused a batch: {reply!r}')


def frames(rows: int, columns: int) -> List[bytes]:
    """Batches of distinct keys, enough that a run seldom writes a row twice."""
    text = codec.scalar('UTF8Type')
    layout = codec.Layout(FAMILY, key=text, name=text, value=text)
    number = max(1, 1_000_000 // (rows * columns))
    numbers = itertools.count()
    return [codec.encode_rows(1, layout, {
        f'key{next(numbers):09d}': {f'column{column:04d}': f'{column * 7919 + batch:020d}' for column in range(columns)}
        for _ in range(rows)}, 1_700_000_000_000_000 + batch, None, 1) for batch in range(number)]


def ingest(server: ServerProcess, batches: List[bytes], columns: int, seconds: float, connections: int) -> Ingested:
    """Write batches for so many seconds; with several connections, each has a request under way at any time."""
    sockets = [connect(server) for _ in range(connections)]
    supply: Iterator[bytes] = itertools.cycle(batches)
    started, cpu, sent = time.perf_counter(), server.cpu_seconds(), 0
    for sock in sockets:
        sock.sendall(next(supply))
    while time.perf_counter() - started < seconds:
        for sock in sockets:
            check(receive(sock))
            sock.sendall(next(supply))
            sent += columns
    for sock in sockets:
        check(receive(sock))
        sent += columns
        sock.close()
    return Ingested(sent, time.perf_counter() - started, server.cpu_seconds() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=int, default=100)
    parser.add_argument('--columns', type=int, default=10)
    parser.add_argument('--seconds', type=float, default=5.0)
    parser.add_argument('--connections', type=int, default=1)
    options = parser.parse_args()
    with spawn() as server:
        prepare(server.address)
        batches = frames(options.rows, options.columns)
        done = ingest(server, batches, options.rows * options.columns, options.seconds, options.connections)
    print(f'{options.rows} rows of {options.columns} columns a batch, {options.connections} connections, '
          f'{codec.implementation()} codec: {done.columns / done.seconds:,.0f} columns/s, '
          f'{done.server_seconds / done.columns * 1e9:,.0f} ns of server processor time per column')


if __name__ == '__main__':
    main()
