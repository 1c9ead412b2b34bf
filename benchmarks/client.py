"""One client in a process of its own, doing one kind of work against a sink: `python -m benchmarks.client --help`.

With --calls it does that many calls and ends; a profiler then counts what they took. Without, it reads a number of
seconds per line of input, works that long in each of its threads, and answers with a line of calls, seconds and seconds
of processor time.
"""
import argparse
import gc
import importlib
import itertools
import os
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from benchmarks import data
from benchmarks.native import PARENT

__all__ = ['FLOOR', 'Client', 'Measured', 'WORKS', 'command', 'environment']

FLOOR = 'floor'
WORKS = ('insert', 'get', 'batch', 'row', 'ingest')

# The rows that `row` and `ingest` write before they come back to the first one, and those of a batch.
_INGESTED, _BATCH = 100_000, 100


class Measured(NamedTuple):
    """What a client did in one measurement."""

    calls: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


# --- in the process ----------------------------------------------------------------------------------------------

def _ours(server: str, work: str, threads: int) -> Callable[[], Any]:
    import pycassa
    # Under a profiler everything takes its time: no call may fail for it.
    pool = pycassa.ConnectionPool(data.KEYSPACE, [server], timeout=60, pool_size=threads)
    family = pycassa.ColumnFamily(pool, data.FAMILY)
    rows = data.rows(_BATCH, 10)
    columns, numbers = list(rows.values()), itertools.count()

    def ingest() -> None:
        """A batch of rows that are not there yet, as far as there are rows."""
        first = next(numbers) * _BATCH % _INGESTED
        family.batch_insert({f'row{first + number:07d}': row for number, row in enumerate(columns)})
    works: Dict[str, Callable[[], Any]] = {
        'insert': lambda: family.insert(data.KEY, data.COLUMN),
        'get': lambda: family.get(data.KEY),
        'batch': lambda: family.batch_insert(rows),
        'row': lambda: family.insert(f'row{next(numbers) % _INGESTED:07d}', columns[0]),
        'ingest': ingest,
    }
    return works[work]


def _floor(port: int, work: str) -> Callable[[], Any]:
    glue = importlib.import_module('glue')
    client = glue.Glue(port)
    rows = data.rows(100, 10)

    def batch() -> None:
        client.encoder.encode(rows, int(time.time() * 1e6), 0)
        client.encoder.send_all(client.fd)
        client.reader.read_ok(client.fd)
    works: Dict[str, Callable[[], Any]] = {
        'insert': lambda: client.insert(data.KEY, data.COLUMN),
        'get': lambda: client.get(data.KEY),
        'batch': batch,
    }
    return works[work]


def _prepare(options: argparse.Namespace) -> Callable[[], Any]:
    if options.side == FLOOR:
        sys.path.append(options.floor)
        call = _floor(options.port, options.work)
    else:
        call = _ours(f'{options.host}:{options.port}', options.work, options.threads)
        from pycassa import codec
        if codec.implementation() != options.side:
            raise SystemExit(f'the {codec.implementation()} implementation runs, not {options.side}')
    found = call()
    if options.work == 'get' and found != data.columns(10):
        raise SystemExit(f'{options.side} read {found!r:.200}')
    return call


def _work(call: Callable[[], Any], seconds: float, done: List[int]) -> None:
    calls, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        for _ in range(10):
            call()
        calls += 10
    done.append(calls)


def _measure(call: Callable[[], Any], seconds: float, threads: int) -> Measured:
    done: List[int] = []
    workers = [threading.Thread(target=_work, args=(call, seconds, done)) for _ in range(threads - 1)]
    cpu, start = time.process_time(), time.perf_counter()
    for worker in workers:
        worker.start()
    _work(call, seconds, done)
    for worker in workers:
        worker.join()
    measured = Measured(sum(done), time.perf_counter() - start, time.process_time() - cpu)
    if len(done) != threads:
        raise SystemExit('a thread of the client failed')
    return measured


def _serve(call: Callable[[], Any], threads: int) -> None:
    print('ready', flush=True)
    for line in sys.stdin:
        print(*_measure(call, float(line), threads), flush=True)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(prog='python -m benchmarks.client', description=__doc__)
    parser.add_argument('side', choices=['cython', 'pure', FLOOR])
    parser.add_argument('work', choices=WORKS)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--floor', metavar='FOLDER', help='where the modules floor and glue are')
    parser.add_argument('--threads', type=int, default=1, help='with a connection each')
    parser.add_argument('--calls', type=int)
    options = parser.parse_args(arguments)
    call = _prepare(options)
    # What set-up left behind is not looked at again and again.
    gc.collect()
    gc.freeze()
    if options.calls is None:
        _serve(call, options.threads)
    else:
        for _ in range(options.calls):
            call()


# --- from outside ------------------------------------------------------------------------------------------------

def command(side: str, work: str, port: int, floor: Optional[str] = None, calls: Optional[int] = None) -> List[str]:
    """The command line of a client; `floor` is the folder of the built floor. Its working folder must be PARENT."""
    options = [] if floor is None else ['--floor', floor]
    options += [] if calls is None else ['--calls', str(calls)]
    return [sys.executable, '-m', 'benchmarks.client', side, work, '--port', str(port), *options]


def environment(side: str) -> Dict[str, str]:
    """The environment of a client: this one's, the implementation chosen by name, and no randomness."""
    paths = [os.path.abspath(path) for path in os.environ.get('PYTHONPATH', '').split(os.pathsep) if path]
    chosen = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'PYTHONHASHSEED': '0'}
    if side != FLOOR:
        chosen['PYCASSA_IMPL'] = side
    return chosen


class Client:
    """A client's process that measures when it is told to; a context manager that ends it."""

    def __init__(self, side: str, work: str, port: int, floor: Optional[str] = None, threads: int = 1,
                 host: str = '127.0.0.1') -> None:
        line = command(side, work, port, floor) + ['--threads', str(threads), '--host', host]
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, cwd=PARENT, env=environment(side))
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'a client ended with status {self._process.wait(10)}')
        return line

    def measure(self, seconds: float) -> Measured:
        """Let it work for so many seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f'{seconds}\n')
        self._process.stdin.flush()
        calls, wall, cpu = self._line().split()
        return Measured(int(calls), float(wall), float(cpu))

    def __enter__(self) -> 'Client':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


if __name__ == '__main__':
    main()
