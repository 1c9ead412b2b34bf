"""Whole calls through a pool, in user-space instructions, beside the least that they can cost.

`cf.insert` of one column and `cf.get` of ten, against the sink; the floor does the same over a plain blocking socket.
Callgrind counts each in two runs of different length, and the difference is divided by the calls in between.
"""
import argparse
from typing import Dict, List, Optional, Sequence

from benchmarks import client, data
from benchmarks.callgrind import check_available, instructions_per_call
from benchmarks.implementations import COMPILED, chosen
from benchmarks.native import Unavailable, build_floor, find_floor
from benchmarks.options import add_common
from benchmarks.report import Finding, Target, note, report
from benchmarks.server import sink

__all__ = ['TARGETS', 'WORKS', 'main', 'measure', 'run']

WORKS = {'insert': 'cf.insert of 1 column', 'get': 'cf.get of 10 columns'}
TARGETS = {'insert': Target(2.5, 1.7), 'get': Target(1.7, 1.3)}

Counts = Dict[str, Dict[str, float]]


def measure(sides: Sequence[str], works: Sequence[str], floor: Optional[str], calls: int) -> Counts:
    """{work: {side: instructions per call}}"""
    counts: Counts = {work: {} for work in works}
    with sink(data.canned_bodies()) as server:
        for work in works:
            for side in sides:
                counts[work][side] = instructions_per_call(
                    lambda count, side=side, work=work: client.command(  # type: ignore[misc]
                        side, work, server.port, floor if side == client.FLOOR else None, count),
                    client.environment(side), calls // 10, calls + calls // 10)
    return counts


def findings(counts: Counts) -> List[Finding]:
    """The ratios of each implementation to the floor; bounds are for the compiled one."""
    return [Finding(f'instructions of {WORKS[work]}', side,
                    count / sides[client.FLOOR] if client.FLOOR in sides else None,
                    TARGETS[work] if side == COMPILED else None, f'{count:,.0f} instructions a call')
            for work, sides in counts.items() for side, count in sides.items() if side != client.FLOOR]


def run(options: argparse.Namespace) -> List[Finding]:
    """Measure and judge. Raises Unavailable without valgrind or a compiler."""
    check_available()
    sides = list(chosen(options.implementation, options.require_compiled))
    try:
        floor: Optional[str] = str(build_floor(find_floor(options.floor)))
        sides.append(client.FLOOR)
    except Unavailable as error:
        note(f'left out: {error}')
        floor = None
    counts = measure(sides, options.work or list(WORKS), floor, options.calls)
    for work, of_work in counts.items():
        if client.FLOOR in of_work:
            note(f'floor, {WORKS[work]}: {of_work[client.FLOOR]:,.0f} instructions a call')
    return findings(counts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument('work', nargs='*', choices=[*WORKS, []], help='insert, get; default: both')
    parser.add_argument('--calls', type=int, default=2000, help='the calls that are counted (default %(default)s)')


def main(options: argparse.Namespace) -> int:
    return report(run(options), options.json, options.check)
