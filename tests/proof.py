"""What the tests of promises share: how much of the full figure a run drives, a seed that replays it, and a report.

    def test_reads(proof):
        number = proof.count(100_000)          # this run's share of the full figure
        chance = proof.random()                # from the seed that is printed if the test fails
        ...
        proof.saw('foreign answers', reads=number, foreign=0)
"""
import json
import random
import secrets
from typing import Any, List, Tuple

import pytest

__all__ = ['Proof', 'add_options', 'proof', 'tell_seed']

SHARE, SEED, REPORT = '--proof-share', '--proof-seed', '--proof-report'


def add_options(parser: pytest.Parser) -> None:
    parser.addoption(SHARE, type=float, default=0.01, metavar='PART',
                     help='how much of the full figures the tests of promises drive (default: %(default)s)')
    parser.addoption(SEED, type=int, metavar='SEED', help='replay the random run that printed this seed')
    parser.addoption(REPORT, metavar='FILE', help='add what the tests of promises saw to this file: lines of JSON')


class Proof:
    """One test's part in the proof of a promise."""

    def __init__(self, name: str, share: float, seed: int) -> None:
        self.name = name
        self.share = share
        self.seed = seed
        self.seen: List[Tuple[str, dict]] = []

    def count(self, full: int, least: int = 1) -> int:
        """This run's share of a full figure, and not less than `least`."""
        return max(least, round(full * self.share))

    def random(self) -> random.Random:
        """Chance that the seed replays; each call gives the same sequence."""
        return random.Random(self.seed)

    def saw(self, promise: str, **figures: Any) -> None:
        """Tell what was seen of a promise (named as in docs/proof.md): numbers, or texts with their units."""
        self.seen.append((promise, figures))


@pytest.fixture
def proof(request):
    """The share of the full figures to drive, the seed, and the report of what was seen."""
    config = request.config
    seed = config.getoption(SEED)
    one = Proof(request.node.nodeid, config.getoption(SHARE), secrets.randbits(32) if seed is None else seed)
    request.node.proof = one
    yield one
    report = config.getoption(REPORT)
    called = getattr(request.node, 'proof_call', None)
    if report and called is not None and called.passed:
        with open(report, 'a', encoding='utf-8') as file:
            for promise, figures in one.seen:
                line = {'promise': promise, 'test': one.name, 'share': one.share, 'seed': one.seed, 'figures': figures}
                file.write(json.dumps(line) + '\n')


def tell_seed(item: Any, report: Any) -> None:
    """Add the seed of a failed test to its report; a hook of the test run calls this."""
    one = getattr(item, 'proof', None)
    if one is None or report.when != 'call':
        return
    item.proof_call = report
    if report.failed:
        report.sections.append(('proof', f'{SHARE} {one.share} {SEED} {one.seed} replays this run'))
