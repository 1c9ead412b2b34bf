"""Ingestion into the embedded server: client and server on a core each, the pure and the compiled client in one run.

Each client writes batches of 100 rows of 10 columns through `cf.batch_insert`, one in flight per connection. Requests
that were encoded beforehand, two in flight, show what the server itself can take.
"""
import argparse
import itertools
import socket
import statistics
import struct
import time
from typing import Dict, Iterator, List, NamedTuple

from benchmarks import data
from benchmarks.client import Client, Measured
from benchmarks.implementations import COMPILED, chosen
from benchmarks.options import add_common
from benchmarks.report import Finding, Target, note, report
from benchmarks.server import cores, pinned
from pycassa import codec
from pycassa.connection import Connection
from pycassa.embedded import ServerProcess, spawn

__all__ = ['BATCH', 'add_arguments', 'main', 'run']

ROWS, COLUMNS = 100, 10
BATCH = ROWS * COLUMNS
# Thousands of columns per second, and how many times the pure client's: whichever is less.
_MUST, _MUST_TIMES, _AIM = 400.0, 2.5, 800.0


PREPARED = 'prepared'


class Ingested(NamedTuple):
    """One measurement: what a client did, and the processor time that it cost the server."""

    done: Measured
    server_seconds: float


Measurements = Dict[str, List[Ingested]]


class Prepared:
    """Requests that were encoded beforehand, several of them in flight, measured as clients are."""

    def __init__(self, server: ServerProcess, connections: int = 2) -> None:
        self._sockets = [_connect(server) for _ in range(connections)]
        self._requests: Iterator[bytes] = itertools.cycle(_requests())

    def measure(self, seconds: float) -> Measured:
        """Write for so many seconds."""
        start, cpu, calls = time.perf_counter(), time.process_time(), 0
        for sock in self._sockets:
            sock.sendall(next(self._requests))
        while time.perf_counter() - start < seconds:
            for sock in self._sockets:
                _check(_receive(sock))
                sock.sendall(next(self._requests))
                calls += 1
        for sock in self._sockets:
            _check(_receive(sock))
            calls += 1
        return Measured(calls, time.perf_counter() - start, time.process_time() - cpu)

    def close(self) -> None:
        """Close the connections."""
        for sock in self._sockets:
            sock.close()


def _connect(server: ServerProcess) -> socket.socket:
    sock = socket.create_connection((server.host, server.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = data.KEYSPACE.encode()
    message = b'\x80\1\0\1\0\0\0\x0cset_keyspace\0\0\0\0\x0b\0\1' + struct.pack('>i', len(name)) + name + b'\0'
    sock.sendall(struct.pack('>i', len(message)) + message)
    _receive(sock)
    return sock


def _receive(sock: socket.socket) -> bytes:
    reply = sock.recv(65536)
    while len(reply) < 4 or len(reply) < 4 + int.from_bytes(reply[:4], 'big'):
        reply += sock.recv(65536)
    return reply


def _check(reply: bytes) -> None:
    """A batch is acknowledged by a reply whose result has no fields."""
    if reply[7] != 2 or len(reply) != 29:
        raise SystemExit(f'the server refused a batch: {reply!r}')


def _requests() -> List[bytes]:
    text = codec.scalar('UTF8Type')
    layout = codec.Layout(data.FAMILY, key=text, name=text, value=text)
    rows = list(data.rows(ROWS, COLUMNS).values())
    return [codec.encode_rows(data.SEQID, layout, {f'row{first + number:07d}': row for number, row in enumerate(rows)},
                              data.TIMESTAMP + first, None, 1) for first in range(0, 100_000, ROWS)]


def _prepare(address: str) -> None:
    with Connection(None, address) as connection:
        connection.system_add_keyspace(data.keyspace_definition())


def _measure(server: ServerProcess, sides: List[str], options: argparse.Namespace) -> Measurements:
    measured: Measurements = {side: [] for side in (*sides, PREPARED)}
    prepared = Prepared(server)
    clients = {side: Client(side, 'ingest', server.port, threads=options.connections) for side in sides}
    try:
        for _ in range(options.rounds):
            for side in measured:
                used = server.cpu_seconds()
                done = (prepared if side == PREPARED else clients[side]).measure(options.seconds)
                measured[side].append(Ingested(done, server.cpu_seconds() - used))
    finally:
        prepared.close()
        for client in clients.values():
            client.close()
    return measured


def _rate(measured: List[Ingested]) -> float:
    """Thousands of columns per second."""
    return statistics.median(each.done.rate for each in measured) * BATCH / 1000


def _cpu(measured: List[Ingested]) -> str:
    def median(seconds: List[float]) -> float:
        return statistics.median(used / each.done.calls for used, each in zip(seconds, measured)) / BATCH * 1e9
    return (f'CPU per column: client {median([each.done.cpu_seconds for each in measured]):,.0f} ns, '
            f'server {median([each.server_seconds for each in measured]):,.0f} ns')


def _finding(side: str, measured: Measurements) -> Finding:
    rate = _rate(measured[side])
    must = min(_MUST, _MUST_TIMES * _rate(measured['pure'])) if 'pure' in measured else _MUST
    return Finding('ingestion into the embedded server, thousands of columns/s', side, rate,
                   Target(round(must, 1), _AIM, at_least=True) if side == COMPILED else None, _cpu(measured[side]))


def run(options: argparse.Namespace) -> List[Finding]:
    """Measure and judge."""
    sides = list(chosen(options.implementation, options.require_compiled))
    own_core, server_core = cores()
    with pinned(server_core):
        server = spawn()
    with server, pinned(own_core):
        _prepare(server.address)
        measured = _measure(server, sides, options)
    prepared = measured[PREPARED]
    note(f'requests encoded beforehand: {_rate(prepared):,.0f} thousand columns/s, {_cpu(prepared)}')
    return [_finding(side, measured) for side in sides]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument('--rounds', type=int, default=5, help='measurements of each side (default %(default)s)')
    parser.add_argument('--seconds', type=float, default=1.0, help='of each measurement (default %(default)s)')
    parser.add_argument('--connections', type=int, default=1, help='of each client, each with a thread '
                                                                   '(default %(default)s)')


def main(options: argparse.Namespace) -> int:
    return report(run(options), options.json, options.check)
