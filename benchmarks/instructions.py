"""Instructions per column of the codec's main works, by callgrind, against a reference: a regression check.

Unlike times, counts hardly depend on the machine or on what else it does. They do depend on the interpreter: there is a
reference per minor version of Python, kept in instructions.json beside this file, and written with --update.
"""
import argparse
import gc
import json
import os
import pathlib
import sys
from typing import Dict, List, Sequence

from benchmarks.callgrind import check_available, instructions_per_call
from benchmarks.client import environment
from benchmarks.implementations import COMPILED, MODULES, load
from benchmarks.native import HERE
from benchmarks.report import Finding, Target, note, report
from benchmarks.works import WORKS

__all__ = ['MAIN_WORKS', 'REFERENCE', 'add_arguments', 'judge', 'main', 'measure']

REFERENCE = HERE / 'instructions.json'
MAIN_WORKS = ('encode 100 x 10 text', 'encode 1000 x 1 text', 'encode 1 x 1000 text', 'encode 100 x 10 doubles',
              'encode 100 x 10 non-ASCII', 'decode 1 x 1000 text', 'decode 1 x 1000 doubles',
              'decode multiget 100 x 10 text', 'decode range 100 x 10 text')

References = Dict[str, Dict[str, Dict[str, float]]]


def _python() -> str:
    return f'{sys.version_info.major}.{sys.version_info.minor}'


def _command(implementation: str, work: str, calls: int) -> List[str]:
    return [sys.executable, '-m', 'benchmarks.instructions', implementation, work, str(calls)]


def measure(implementation: str, calls: int, works: Sequence[str] = MAIN_WORKS) -> Dict[str, float]:
    """{work: instructions per column}"""
    check_available()
    counts = {}
    for work in works:
        per_call = instructions_per_call(lambda number, work=work: _command(  # type: ignore[misc]
            implementation, work, number), environment(implementation), 2, 2 + calls)
        counts[work] = round(per_call / WORKS[work].columns, 1)
        note(f'{work}: {counts[work]:,.1f} instructions per column')
    return counts


def read_references(path: pathlib.Path = REFERENCE) -> References:
    """{Python's minor version: {implementation: {work: instructions per column}}}"""
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else {}


def _update(path: pathlib.Path, implementation: str, counts: Dict[str, float]) -> None:
    references = read_references(path)
    references.setdefault(_python(), {}).setdefault(implementation, {}).update(counts)
    path.write_text(json.dumps(references, indent=2, sort_keys=True) + '\n', encoding='utf-8')
    note(f'the reference for Python {_python()} is written to {path}')


def judge(counts: Dict[str, float], reference: Dict[str, float], implementation: str,
          tolerance: float) -> List[Finding]:
    """The ratios to the reference, which must not be above 1 by more than the tolerance."""
    target = Target(1 + tolerance, 1.0)
    return [Finding(f'instructions of {work}, of the reference', implementation,
                    count / reference[work] if work in reference else None, target,
                    f'{count:,.1f} per column, reference {reference.get(work, "missing")}')
            for work, count in counts.items()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--implementation', choices=list(MODULES), default=COMPILED, help='default: %(default)s')
    parser.add_argument('--calls', type=int, default=50, help='the calls that are counted (default %(default)s)')
    parser.add_argument('--tolerance', type=float, default=0.10,
                        help='how far above the reference passes (default %(default)s)')
    parser.add_argument('--reference', type=pathlib.Path, default=REFERENCE, help='default: beside this module')
    parser.add_argument('--update', action='store_true', help='write the reference instead of checking against it')
    parser.add_argument('--json', metavar='FILE', help="write the results as JSON to FILE, or to '-'")
    parser.add_argument('--work', action='append', choices=MAIN_WORKS, help='only this work (repeatable)')


def main(options: argparse.Namespace) -> int:
    """Check or update. A missing implementation is an error: there is nothing to check."""
    load(options.implementation)
    counts = measure(options.implementation, options.calls, options.work or MAIN_WORKS)
    if options.update:
        _update(options.reference, options.implementation, counts)
        return 0
    reference = read_references(options.reference).get(_python(), {}).get(options.implementation, {})
    if not reference:
        note(f'{options.reference} has no {options.implementation} reference for Python {_python()}; '
             'record one with --update')
    return report(judge(counts, reference, options.implementation, options.tolerance), options.json, check=True)


# --- the process that callgrind runs -----------------------------------------------------------------------------

def _repeat(implementation: str, name: str, calls: int) -> None:
    from benchmarks.peers.ours import Ours
    function = Ours(load(implementation)).sides(WORKS[name])[implementation]
    gc.collect()
    gc.freeze()
    for _ in range(calls):
        function()


def _child(arguments: List[str]) -> None:
    implementation, name, calls = arguments
    if os.environ.get('PYTHONHASHSEED') != '0':
        raise SystemExit('the order of sets must not change from run to run: set PYTHONHASHSEED=0')
    _repeat(implementation, name, int(calls))


if __name__ == '__main__':
    _child(sys.argv[1:])
