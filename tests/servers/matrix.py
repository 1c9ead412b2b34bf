"""The same data tests on every release and set-up of real servers, and on the embedded server beside each: a table."""
import pathlib
import tempfile
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence
from xml.etree import ElementTree

from . import pages
from .cache import say
from .cluster import Cluster
from .errors import ServersError
from .options import RELEASES, Spec

# The tests of what servers do with data. Which of them a release or a set-up cannot have, their markers say.
FOLDERS = ('endtoend', 'facade', 'mapper', 'schema', 'semantics', 'types', 'variants')
VARIED = ('1.2', '2.1', '3.11')
SPECS = ([*RELEASES] + [f'{series}x3' for series in RELEASES]
         + [f'{series},partitioner=Random,rpc=hsha' for series in VARIED]
         + [f'{series},partitioner=ByteOrdered,auth,tls' for series in VARIED])
TABLE = 'matrix'
HEADS = ('release', 'nodes', 'set-up', 'passed', 'failed', 'skipped', 'embedded server: passed', 'failed', 'skipped',
         'minutes')


class Counts(NamedTuple):
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: 'Counts') -> 'Counts':  # type: ignore[override]
        return Counts(*(mine + its for mine, its in zip(self, other)))


class Row(NamedTuple):
    """What a run on one cluster gave; no counts where the cluster did not start."""

    spec: Spec
    real: Optional[Counts]
    embedded: Optional[Counts]
    minutes: float

    @property
    def good(self) -> bool:
        """Whether tests ran on both, and none failed."""
        return all(counts is not None and counts.passed and not counts.failed for counts in (self.real, self.embedded))

    def cells(self) -> List[str]:
        counted = [['-'] * 3 if counts is None else [f'{count:,}' for count in counts]
                   for counts in (self.real, self.embedded)]
        return [*key(self.spec), *counted[0], *counted[1], f'{self.minutes:.1f}']


def key(spec: Spec) -> List[str]:
    """The first cells of a spec's row, which tell it from the others."""
    return [spec.release, str(spec.nodes), spec.variant() or 'default']


def profile(spec: Spec) -> str:
    """The embedded server that stands beside a real one, as tests are asked for it."""
    chosen = 'partitioner' in spec.options.chosen()
    return spec.series + (f'?partitioner={spec.options.partitioner}' if chosen else '')


def arguments(spec: Spec, target: str, report: pathlib.Path, tests: pathlib.Path, beside: bool) -> List[str]:
    """The arguments of pytest for the data tests on a running cluster, and on the embedded server `beside` it."""
    return [*(str(tests / folder) for folder in FOLDERS), '--cassandra', target, '--embedded', profile(spec),
            '-k', real(spec) + (f' or {embedded(spec)}' if beside else ''), '--junit-xml', str(report), '-q',
            '--no-header', '-r', 'fE', '--tb', 'short']


def real(spec: Spec) -> str:
    """What the name of a test on the real server has in it."""
    return f'real-{spec.release}'


def embedded(spec: Spec) -> str:
    return f'embedded-{spec.series}'


def count(report: pathlib.Path, mark: str) -> Counts:
    """How the tests ended that have `mark` in their names, by pytest's report in XML."""
    found: Dict[str, Counts] = {}
    for case in ElementTree.parse(report).iter('testcase'):
        if mark not in case.get('name', ''):
            continue
        ended = {child.tag for child in case}
        one = Counts(failed=1) if ended & {'failure', 'error'} else Counts(skipped=1) if 'skipped' in ended else \
            Counts(passed=1)
        # A test that fails while it is cleaned up after is reported twice.
        name = f'{case.get("classname")} {case.get("name")}'
        found[name] = max(found.get(name, one), one, key=lambda counts: counts.failed)
    total = Counts()
    for counts in found.values():
        total += counts
    return total


def measure(spec: Spec, pytest: Callable[..., int], tests: pathlib.Path, known: Dict[str, Counts]) -> Row:
    """Run the data tests on a fresh cluster, and on the embedded server beside it if it is not `known` by now."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='pycassa-matrix-') as scratch:
        report = pathlib.Path(scratch, 'report.xml')
        try:
            with Cluster.of(spec) as cluster:
                say(f'the data tests on {cluster.target}')
                pytest(*arguments(spec, cluster.target, report, tests, profile(spec) not in known))
        except ServersError as error:
            say(f'{spec}: {error}')
        counts = None
        if report.exists():
            counts = count(report, real(spec))
            known.setdefault(profile(spec), count(report, embedded(spec)))
    return Row(spec, counts, known.get(profile(spec)), (time.monotonic() - began) / 60)


def table(rows: Iterable[Row], before: Sequence[Sequence[str]] = ()) -> str:
    """The table of these rows and of those `before` that they do not replace."""
    new = {tuple(key(row.spec)): row.cells() for row in rows}
    old = {tuple(cells[:3]): list(cells) for cells in before}
    order = [tuple(key(Spec.parse(spec))) for spec in SPECS]
    merged = {**old, **new}
    names = [name for name in order if name in merged] + [name for name in merged if name not in order]
    return pages.table(HEADS, [merged[name] for name in names])


def run(specs: Sequence[Spec], pytest: Callable[..., int], tests: pathlib.Path, page: pathlib.Path) -> int:
    """Run the data tests on each of the clusters; prints the table and writes it, row by row, to the page.

    Gives the status to end with: 1 if a test failed, or did not run.
    """
    rows: List[Row] = []
    known: Dict[str, Counts] = {}
    for spec in specs:
        rows.append(measure(spec, pytest, tests, known))
        pages.write(page, TABLE, table(rows, pages.read(page, TABLE)))
    print(table(rows))
    return 0 if all(row.good for row in rows) else 1
