"""The benchmarks' command: `python -m benchmarks [--rounds N] [--json FILE] [--check] [CASE ...]`."""
import argparse
import json
import platform
import statistics
import sys
from typing import Any, Dict, List, Optional

import thrift
from thrift.protocol import fastbinary

from benchmarks.micro import CASES, Case
from benchmarks.timing import interleaved
from pycassa import codec


def _measure(case: Case, rounds: int) -> Dict[str, Any]:
    case.check()
    samples = interleaved([case.ours, case.peer], rounds)
    ours, peer = (statistics.median(sample) / case.columns * 1e9 for sample in samples)
    # Of each round by itself: what slows the machine down for a while then slows both sides of a ratio.
    ratio = statistics.median(theirs / our for our, theirs in zip(*samples))
    return {'case': case.name, 'ours_ns_per_column': round(ours, 1), 'bindings_ns_per_column': round(peer, 1),
            'ratio': round(ratio, 2), 'target': case.target}


def _environment() -> Dict[str, str]:
    return {'implementation': codec.implementation(), 'python': sys.version.split()[0],
            'thrift': getattr(thrift, '__version__', 'unknown'), 'fastbinary': fastbinary.__file__ or 'built in',
            'machine': platform.machine()}


def _arguments(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m benchmarks', description=__doc__)
    parser.add_argument('cases', nargs='*', metavar='CASE', help='run the cases whose names contain one of these')
    parser.add_argument('--rounds', type=int, default=15, help='measurements of each side (default %(default)s)')
    parser.add_argument('--json', metavar='FILE', help="write the results as JSON to FILE, or to '-'")
    parser.add_argument('--check', action='store_true', help='exit with 1 if a ratio is below its target')
    parser.add_argument('--implementation', choices=('cython', 'pure'),
                        help='fail unless this implementation is the one that runs')
    return parser.parse_args(arguments)


def main(arguments: Optional[List[str]] = None) -> int:
    options = _arguments(arguments)
    environment = _environment()
    if options.implementation not in (None, environment['implementation']):
        sys.exit(f'the {environment["implementation"]} implementation runs, not {options.implementation}: '
                 'set PYCASSA_IMPL')
    output = sys.stderr if options.json == '-' else sys.stdout
    print('{implementation} implementation on Python {python} against the bindings with the C extension of thrift'
          ' {fastbinary}'.format(**environment), file=output)
    print(f'{"ns of CPU per column":32} {"ours":>8} {"bindings":>9} {"ratio":>7} {"target":>7}', file=output)
    results = []
    for make in CASES:
        case = make()
        if options.cases and not any(text in case.name for text in options.cases):
            continue
        result = _measure(case, options.rounds)
        results.append(result)
        print('{case:32} {ours_ns_per_column:8.0f} {bindings_ns_per_column:9.0f} {ratio:7.2f} {target:7.1f}'.format(
            **result), file=output, flush=True)
    if options.json:
        text = json.dumps({'environment': environment, 'results': results}, indent=2) + '\n'
        if options.json == '-':
            sys.stdout.write(text)
        else:
            with open(options.json, 'w', encoding='utf-8') as file:
                file.write(text)
    slow = [result['case'] for result in results if result['ratio'] < result['target']]
    if slow and options.check:
        print(f'below target: {", ".join(slow)}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
