"""The table of the promises: what tests of promises reported, beside the full figure of each."""
import json
import pathlib
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from . import pages

TABLE = 'promises'
HEADS = ('promise', 'full figure', 'share run', 'seen')
NOT_RUN = 'not run'
OPERATIONS = 20_000
# The promises in the page's order.
PROMISES = {
    'failover': 'three nodes, one killed with -9 and restarted in turn under 32 threads: 100 cycles; no idempotent '
                'operation fails that had a live replica; next success elsewhere within 1 s of the error',
    'deadlines': 'at most 50 ms over, also at one byte per 100 ms, also while waiting for the pool',
    'retries': 'only idempotent calls, byte-identical, never on InvalidRequest, NotFound, oversize',
    'counters': "100,000 adds under faults: acknowledged ≤ server's sum ≤ acknowledged + unknown",
    'foreign answers': '100,000 self-identifying reads under random delay and time-outs: none',
    'reply identity': 'every wrong sequence id, name and type rejected, connection closed',
    'hostile lengths': 'peak memory ≤ 8 × bytes received + 16 MiB',
    'broken replies': 'every call × every byte offset × (end, reset, stall): typed error, no hang, no crash, both '
                      'twins',
    'oversized requests': 'refused before a byte is sent; batches split',
    'threads': '64 threads × 10,000 operations: pool counts exact, no answer to the wrong thread',
    'fork': "200 forks in traffic: the child never touches a parent's socket",
    'memory and descriptors': '1,000,000 operations: ≤ 1 MiB growth after warm-up; 10,000 reconnects: descriptors '
                              'constant',
    'TLS': 'expired, self-signed, wrong host, TLS below 1.2 refused by default',
    'secrets': 'a canary password never appears in logs, reprs, exceptions, events, pickles',
    'batch mutator': '10,000 faulted batches: acknowledged + retrievable = submitted, in order',
    'simulation': '2,000 seeds: accounting exact, no call beyond its deadline, no retry of what must not be retried, '
                  'every healthy host used again',
    **{f'parity {series}': f'{OPERATIONS:,} random operations on the embedded and a real server: no answer differs'
       for series in ('1.2', '2.1', '2.2', '3.11')},
}


def read_report(path: pathlib.Path) -> List[Dict[str, Any]]:
    """The lines that tests wrote to a file by --proof-report; none if it is not there."""
    if not path.exists():
        return []
    return [json.loads(text) for text in path.read_text(encoding='utf-8').splitlines() if text.strip()]


def figure(value: Any) -> str:
    """A figure for people: 100,000; 0.25; {'a': 1} as a 1."""
    if isinstance(value, bool) or isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return ', '.join(f'{name} {figure(each)}' for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ', '.join(map(figure, value))
    return f'{value:,}' if isinstance(value, int) else f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'


def shares(lines: Sequence[Mapping[str, Any]]) -> str:
    """The share of the full figure: 'all', '0.1', or '0.1 to 1' where tests of one promise ran different ones."""
    found = sorted({line['share'] for line in lines})
    names = ['all' if share >= 1 else f'{share:g}' for share in found]
    return names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'


def seen(lines: Sequence[Mapping[str, Any]]) -> str:
    """The figures of all tests of a promise; equal ones once."""
    texts = ['; '.join(f'{name.replace("_", " ")} {figure(value)}' for name, value in line['figures'].items())
             for line in lines]
    return ' / '.join(dict.fromkeys(texts))


def table(lines: Iterable[Mapping[str, Any]], before: Sequence[Sequence[str]] = ()) -> str:
    """The table of what was reported, and of the rows `before` of promises that nothing was reported of now."""
    reported: Dict[str, List[Mapping[str, Any]]] = {}
    for line in lines:
        reported.setdefault(line['promise'], []).append(line)
    old = {cells[0]: cells[2:4] for cells in before}
    rows = []
    for promise in [*PROMISES, *sorted(reported.keys() - PROMISES.keys())]:
        mine = reported.get(promise)
        found = [shares(mine), seen(mine)] if mine else old.get(promise, [NOT_RUN, ''])
        rows.append([promise, PROMISES.get(promise, ''), *found])
    return pages.table(HEADS, rows)


def publish(report: pathlib.Path, page: Optional[pathlib.Path]) -> None:
    """Print what was reported; what ran in full goes to the page, if one is given."""
    lines = read_report(report)
    reported = dict.fromkeys(line['promise'] for line in lines)
    for promise in reported:
        mine = [line for line in lines if line['promise'] == promise]
        print(f'{promise} ({shares(mine)}): {seen(mine)}')
    print('nothing was reported of', ', '.join(name for name in PROMISES if name not in reported))
    full = [line for line in lines if line['share'] >= 1]
    if full and page is not None:
        pages.write(page, TABLE, table(full, pages.read(page, TABLE)))
