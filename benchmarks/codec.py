"""The codec alone: requests from dicts and dicts from replies, beside the floor and other libraries, in one run.

Every side of a work is timed in turn, round after round, by the process's processor time. A ratio is the median of the
rounds' ratios: what slows the machine down for a while then slows both sides of it.
"""
import argparse
import gc
import statistics
import sys
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, TextIO, Tuple

from benchmarks.bounds import PLAIN, bounds_of
from benchmarks.chart import draw
from benchmarks.implementations import chosen
from benchmarks.native import Unavailable
from benchmarks.options import add_common
from benchmarks.peers.driver import DRIVER, Driver
from benchmarks.peers.floor import FLOOR, Floor
from benchmarks.peers.libraries import LIBRARIES, Library
from benchmarks.peers.ours import Ours
from benchmarks.report import Finding, note, report
from benchmarks.timing import Local, Side, interleaved
from benchmarks.works import WORKS, Work, find

__all__ = ['Participants', 'Timed', 'add_arguments', 'draw_chart', 'findings', 'gather', 'main', 'measure',
           'results_as_json', 'run']

PEERS = (FLOOR, *LIBRARIES, DRIVER)

# The widths of the table's columns: works, and figures at least.
_WORK, _FIGURE = 38, 8


class Participants(NamedTuple):
    """Those who take part in a run."""

    ours: List[Ours]
    peers: List[Any]
    driver: Optional[Driver]

    def close(self) -> None:
        if self.driver is not None:
            self.driver.close()

    def names(self) -> List[str]:
        """Who takes part: the columns of the table."""
        return [each.name for each in (*self.ours, *self.peers)] + ([DRIVER] if self.driver else [])

    def sides(self, work: Work) -> Dict[str, Side]:
        """Who does this work: {name: side}, an implementation's plain work under its name with PLAIN."""
        functions: Dict[str, Callable[[], Any]] = {}
        for ours in self.ours:
            functions.update(ours.sides(work))
            if work.plain is not None:
                functions[_plain(ours.name)] = ours.function(WORKS[work.plain])
        for peer in self.peers:
            functions.update(peer.sides(work))
        sides: Dict[str, Side] = {name: Local(function) for name, function in functions.items()}
        remote = self.driver.side(work) if self.driver is not None else None
        if remote is not None:
            sides[DRIVER] = remote
        return sides


def _plain(implementation: str) -> str:
    return f'{implementation}, {PLAIN}'


class Timed(NamedTuple):
    """The seconds that one repetition of a work took each side, round by round."""

    work: Work
    samples: Dict[str, List[float]]

    def nanoseconds(self, side: str) -> float:
        """Per column, the median."""
        return statistics.median(self.samples[side]) / self.work.columns * 1e9

    def ratio(self, side: str, other: str) -> Optional[float]:
        """How many times as long as `other` the side took, the median over the rounds."""
        if side not in self.samples or other not in self.samples:
            return None
        return statistics.median(one / two for one, two in zip(self.samples[side], self.samples[other]))


def gather(options: argparse.Namespace) -> Participants:
    """All that are here; those that are not are said."""
    ours = [Ours(module) for module in chosen(options.implementation, options.require_compiled).values()]
    makers: Dict[str, Callable[[], Any]] = {FLOOR: lambda: Floor(options.floor), DRIVER: Driver}
    makers.update((name, lambda name=name: Library(name)) for name in LIBRARIES)  # type: ignore[misc]
    peers: Dict[str, Any] = {}
    for name in options.peer or PEERS:
        try:
            peers[name] = makers[name]()
        except Unavailable as error:
            note(f'left out: {error}')
    driver = peers.pop(DRIVER, None)
    return Participants(ours, list(peers.values()), driver)


def measure(participants: Participants, work: Work, rounds: int) -> Timed:
    """Time one work."""
    sides = participants.sides(work)
    gc.collect()
    gc.freeze()
    try:
        return Timed(work, interleaved(sides, rounds))
    finally:
        gc.unfreeze()


def findings(participants: Participants, timed: Timed) -> List[Finding]:
    """The ratios that have bounds."""
    found = []
    for implementation in (ours.name for ours in participants.ours):
        for against, target in bounds_of(timed.work, implementation):
            other = _plain(implementation) if against == PLAIN else against
            ratio = timed.ratio(other, implementation) if target.at_least else timed.ratio(implementation, other)
            words = f'times as fast as {against}' if target.at_least else \
                f'of {timed.work.plain}' if against == PLAIN else f'of {against}'
            found.append(Finding(f'{timed.work.name}, {words}', implementation, ratio, target))
    return found


def _width(side: str) -> int:
    return max(len(side), _FIGURE)


def _print_head(sides: Sequence[str], output: TextIO) -> None:
    print(f'{"ns of CPU per column":{_WORK}}' + ''.join(f' {side:>{_width(side)}}' for side in sides), file=output)


def _print_line(sides: Sequence[str], timed: Timed, output: TextIO) -> None:
    cells = (f'{timed.nanoseconds(side):,.1f}' if side in timed.samples else '-' for side in sides)
    print(f'{timed.work.name:{_WORK}}' + ''.join(f' {cell:>{_width(side)}}' for side, cell in zip(sides, cells)),
          file=output, flush=True)


def results_as_json(results: Sequence[Timed]) -> List[Dict[str, Any]]:
    """The medians of all sides, by work."""
    return [{'work': timed.work.name, 'columns': timed.work.columns,
             'ns_per_column': {side: round(timed.nanoseconds(side), 2) for side in timed.samples}} for timed in results]


def draw_chart(results: Sequence[Timed], path: Optional[str]) -> None:
    """Draw the chart, if there is a path."""
    if path:
        draw({timed.work.name: {side: timed.nanoseconds(side) for side in timed.samples} for timed in results}, path)


def run(options: argparse.Namespace) -> Tuple[List[Finding], List[Timed]]:
    """Measure the chosen works, and judge."""
    participants = gather(options)
    results: List[Timed] = []
    output = sys.stderr if options.json == '-' else sys.stdout
    sides = participants.names()
    _print_head(sides, output)
    try:
        for work in find(options.work):
            results.append(measure(participants, work, options.rounds))
            _print_line(sides, results[-1], output)
    finally:
        participants.close()
    return [each for timed in results for each in findings(participants, timed)], results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument('work', nargs='*', help='the works whose names contain one of these; default: all')
    parser.add_argument('--rounds', type=int, default=15, help='measurements of each side (default %(default)s)')
    parser.add_argument('--peer', action='append', choices=PEERS, help='only this peer (repeatable)')
    parser.add_argument('--svg', metavar='FILE', help='draw a chart')


def main(options: argparse.Namespace) -> int:
    found, results = run(options)
    draw_chart(results, options.svg)
    return report(found, options.json, options.check, results=results_as_json(results))
