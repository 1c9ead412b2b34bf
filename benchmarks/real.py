"""End to end against a real Cassandra: rows per second and client CPU per column, the CQL driver beside our client.

Rows have 10 columns. Our client writes them one by one, and in batches of 100 rows over one and several connections
(threads of one process); the driver writes a batch per row, 128 in flight. Creates the keyspace pycassa_benchmarks, and
drops it at the end.
"""
import argparse
import contextlib
import os
import statistics
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from benchmarks import data
from benchmarks.client import Client, Measured
from benchmarks.implementations import chosen
from benchmarks.native import Unavailable
from benchmarks.options import add_common
from benchmarks.peers.driver import DRIVER, isolated
from benchmarks.report import Finding, note, report
from pycassa.addresses import parse_server
from pycassa.system_manager import SystemManager

__all__ = ['Load', 'loads', 'add_arguments', 'main', 'run']

COLUMNS = 10


class Load(NamedTuple):
    """What a client does: the work of benchmarks.client, its rows per call, and over how many connections."""

    name: str
    work: str
    rows: int
    threads: int


def loads(connections: int) -> List[Load]:
    """The three loads of our client."""
    return [Load('rows one by one', 'row', 1, 1), Load('batches of 100 rows', 'ingest', 100, 1),
            Load(f'batches of 100 rows, {connections} connections', 'ingest', 100, connections)]


class DriverLoad:
    """The driver's process, measured as clients are. Raises Unavailable where it does not run."""

    def __init__(self, server: str) -> None:
        host, port = parse_server(server)
        self._process = isolated(os.path.join('peers', 'driver_load.py'), host, str(port), data.KEYSPACE)
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            errors = self._close()
            raise Unavailable(f'the CQL driver does not run here: {(errors.strip().splitlines() or ["it ended"])[-1]}')
        return line

    def _close(self) -> str:
        return self._process.communicate(timeout=30)[1]

    def measure(self, seconds: float) -> Measured:
        """Write for so many seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f'{seconds}\n')
        self._process.stdin.flush()
        rows, wall, cpu = self._answer().split()
        return Measured(int(rows), float(wall), float(cpu))

    def close(self) -> None:
        """End the process."""
        self._close()


@contextlib.contextmanager
def keyspace(server: str) -> Iterator[None]:
    """The keyspace and family while the block runs; what an earlier run left of them is dropped."""
    manager = SystemManager(server)
    definition = data.keyspace_definition()
    try:
        if data.KEYSPACE in manager.list_keyspaces():
            manager.drop_keyspace(data.KEYSPACE)
        manager.create_keyspace(data.KEYSPACE, definition.strategy_class, definition.strategy_options)
        manager.create_column_family(data.KEYSPACE, data.FAMILY, comparator_type='UTF8Type',
                                     key_validation_class='UTF8Type', default_validation_class='UTF8Type')
        yield
        manager.drop_keyspace(data.KEYSPACE)
    finally:
        manager.close()


def _clients(sides: List[str], options: argparse.Namespace,
             stack: contextlib.ExitStack) -> Dict[Tuple[str, str], Tuple[Any, int]]:
    """{(load, side): (client, rows per call)}"""
    host, port = parse_server(options.server)
    clients: Dict[Tuple[str, str], Tuple[Any, int]] = {}
    for load in loads(options.connections):
        for side in sides:
            client = Client(side, load.work, port, threads=load.threads, host=host)
            stack.callback(client.close)
            clients[load.name, side] = client, load.rows
    if options.cql:
        try:
            driver = DriverLoad(options.cql)
        except Unavailable as error:
            note(f'left out: {error}')
        else:
            stack.callback(driver.close)
            clients['a batch per row, 128 in flight', DRIVER] = driver, 1
    return clients


def _finding(load: str, side: str, measured: List[Measured], rows: int, driver: Optional[float]) -> Finding:
    rate = statistics.median(each.rate for each in measured) * rows
    cpu = statistics.median(each.cpu_seconds / each.calls for each in measured) / rows / COLUMNS * 1e9
    return Finding(f'{load}, of the rate of {DRIVER}', side, rate / driver if driver else None, None,
                   f'{rate:,.0f} rows/s, {cpu:,.0f} ns of client CPU per column')


def run(options: argparse.Namespace) -> List[Finding]:
    """Measure, round after round in turn."""
    sides = list(chosen(options.implementation, options.require_compiled))
    with keyspace(options.server), contextlib.ExitStack() as stack:
        clients = _clients(sides, options, stack)
        measured: Dict[Tuple[str, str], List[Measured]] = {which: [] for which in clients}
        for _ in range(options.rounds):
            for which, (client, _rows) in clients.items():
                measured[which].append(client.measure(options.seconds))
    rates = [statistics.median(each.rate for each in found) for (_, side), found in measured.items() if side == DRIVER]
    driver = rates[0] if rates else None
    return [_finding(load, side, measured[load, side], rows, driver) for (load, side), (_, rows) in clients.items()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument('--server', required=True, metavar='HOST:PORT', help='the Thrift interface')
    parser.add_argument('--cql', metavar='HOST:PORT', help="the native interface, for the CQL driver's part")
    parser.add_argument('--connections', type=int, default=8, help='of the load with several (default %(default)s)')
    parser.add_argument('--rounds', type=int, default=3, help='measurements of each load (default %(default)s)')
    parser.add_argument('--seconds', type=float, default=3.0, help='of each measurement (default %(default)s)')


def main(options: argparse.Namespace) -> int:
    return report(run(options), options.json, options.check)
