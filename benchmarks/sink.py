"""The whole client end to end, against a C server that answers at once: client and server on a core each.

Sequential `cf.insert` beside a ping-pong in C, which sets the limit for one call at a time; `cf.batch_insert` of 100
rows of 10 columns beside the floor, which encodes and sends with nothing around; and the system calls of a round trip.
"""
import argparse
import contextlib
import math
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from benchmarks import client, data
from benchmarks.client import FLOOR, Client, Measured
from benchmarks.implementations import COMPILED, chosen
from benchmarks.native import PARENT, Unavailable, build_floor, build_program, find_floor
from benchmarks.options import add_common
from benchmarks.report import Finding, Target, note, report
from benchmarks.server import Sink, cores, pinned, sink

__all__ = ['add_arguments', 'main', 'run', 'system_calls']

PING = 'ping'
BATCH_COLUMNS = 1000
_CALLS = {COMPILED: Target(3, 2), 'pure': Target(5, None)}
_SEQUENTIAL, _BATCHES = Target(0.93, 0.97, at_least=True), Target(0.85, 0.95, at_least=True)


# --- rates -------------------------------------------------------------------------------------------------------

class _Ping:
    """The C ping-pong, measured as clients are."""

    def __init__(self, port: int, request: str) -> None:
        self._command = [str(build_program('ping')), str(port), request]

    def measure(self, seconds: float) -> Measured:
        rate = float(subprocess.run([*self._command, str(seconds)], check=True, capture_output=True, text=True).stdout)
        return Measured(int(rate * seconds), seconds, float('nan'))


def _insert_request() -> bytes:
    """The frame of the insert that clients send."""
    from pycassa import codec
    (name, value), = data.COLUMN.items()
    return codec.encode_insert(data.SEQID, data.KEY.encode(), data.FAMILY.encode(), None, name.encode(), value.encode(),
                               data.TIMESTAMP, None, 1)


def _interleaved(sides: Mapping[str, Any], rounds: int, seconds: float) -> Dict[str, List[Measured]]:
    for side in sides.values():
        side.measure(seconds / 3)
    measured: Dict[str, List[Measured]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            measured[name].append(side.measure(seconds))
    return measured


def _rates(server: Sink, work: str, sides: Sequence[str], floor: Optional[str], rounds: int, seconds: float,
           core: Optional[int]) -> Dict[str, List[Measured]]:
    """Each side's measurements, round by round; all run on the client's core, one at a time."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(pinned(core))
        running: Dict[str, Any] = {
            side: stack.enter_context(Client(side, work, server.port, floor if side == FLOOR else None))
            for side in sides}
        if work == 'insert':
            request = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='pycassa-ping-')), 'request')
            request.write_bytes(_insert_request())
            running[PING] = _Ping(server.port, str(request))
        return _interleaved(running, rounds, seconds)


def _ratio(measured: Mapping[str, List[Measured]], side: str, other: str) -> Optional[float]:
    if other not in measured:
        return None
    return statistics.median(one.rate / two.rate for one, two in zip(measured[side], measured[other]))


def _remark(measured: List[Measured], columns: int, unit: str) -> str:
    rate = statistics.median(each.rate for each in measured) * columns
    cpu = statistics.median(each.cpu_seconds / each.calls for each in measured) / columns * 1e9
    return f'{rate:,.0f} {unit}/s' + ('' if math.isnan(cpu) else f', {cpu:,.0f} ns of client CPU each')


def _judged(measured: Mapping[str, List[Measured]], sides: Sequence[str], other: str, work: str, target: Target,
            columns: int, unit: str) -> List[Finding]:
    note(f'{work}, {other}: ' + (_remark(measured[other], columns, unit) if other in measured else 'not here'))
    return [Finding(f'{work}, of the rate of {other}', side, _ratio(measured, side, other),
                    target if side == COMPILED else None, _remark(measured[side], columns, unit))
            for side in sides if side != FLOOR]


# --- system calls ------------------------------------------------------------------------------------------------

_COUNTED = re.compile(r'^(\w+) +(\d+)$', re.M)


def _count(command: List[str], environment: Mapping[str, str]) -> Dict[str, int]:
    with tempfile.TemporaryDirectory(prefix='pycassa-strace-') as folder:
        output = pathlib.Path(folder, 'calls')
        done = subprocess.run(['strace', '-f', '-c', '-U', 'name,calls', '-o', str(output), *command], cwd=PARENT,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        found = {name: int(count) for name, count in _COUNTED.findall(output.read_text())} if output.exists() else {}
    if done.returncode or 'total' not in found:
        raise Unavailable(f'strace does not work here: {(done.stderr.strip().splitlines() or ["no output"])[-1]}')
    del found['total']
    return found


def system_calls(command: Callable[[int], List[str]], environment: Mapping[str, str], few: int = 100,
                 many: int = 1100) -> Dict[str, float]:
    """{system call: how often per call}, the difference of two runs of different length."""
    if shutil.which('strace') is None:
        raise Unavailable('strace is not installed: system calls are not counted')
    shorter, longer = (_count(command(calls), environment) for calls in (few, many))
    rates = {name: (count - shorter.get(name, 0)) / (many - few) for name, count in longer.items()}
    return {name: rate for name, rate in rates.items() if abs(rate) >= 0.05}


def _system_calls(server: Sink, sides: Sequence[str], floor: Optional[str]) -> List[Finding]:
    found = []
    for side in sides:
        rates = system_calls(lambda calls, side=side: client.command(  # type: ignore[misc]
            side, 'insert', server.port, floor if side == FLOOR else None, calls), client.environment(side))
        remark = ', '.join(f'{name} {rate:.2g}' for name, rate in sorted(rates.items()))
        # A read that a timer or the collector caused is not the round trip's.
        found.append(Finding('system calls of a round trip', side, round(sum(rates.values()), 1), _CALLS.get(side),
                             remark))
    return found


# --- the subcommand ----------------------------------------------------------------------------------------------

def run(options: argparse.Namespace) -> List[Finding]:
    """Measure and judge. Raises Unavailable without a C compiler."""
    sides = list(chosen(options.implementation, options.require_compiled))
    try:
        floor: Optional[str] = str(build_floor(find_floor(options.floor)))
        clients = [*sides, FLOOR]
    except Unavailable as error:
        note(f'left out: {error}')
        floor, clients = None, sides
    own_core, server_core = cores()
    if own_core is None:
        note('client and server are not pinned to cores of their own here')
    with sink(data.canned_bodies(), server_core) as server:
        inserts = _rates(server, 'insert', clients, floor, options.rounds, options.seconds, own_core)
        batches = _rates(server, 'batch', clients, floor, options.rounds, options.seconds, own_core)
        found = _judged(inserts, sides, PING, 'sequential cf.insert', _SEQUENTIAL, 1, 'calls')
        found += _judged(batches, sides, FLOOR, 'cf.batch_insert 100 x 10', _BATCHES, BATCH_COLUMNS, 'columns')
        try:
            found += _system_calls(server, clients, floor)
        except Unavailable as error:
            note(f'left out: {error}')
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument('--rounds', type=int, default=9, help='measurements of each side (default %(default)s)')
    parser.add_argument('--seconds', type=float, default=0.3, help='of each measurement (default %(default)s)')


def main(options: argparse.Namespace) -> int:
    return report(run(options), options.json, options.check)
