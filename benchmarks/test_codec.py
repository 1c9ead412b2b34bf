"""The codec's works under pytest-benchmark, one side each: `python -m pytest benchmarks -k 'text-cython'`."""
import contextlib
import functools
from typing import Any, Callable, List

import pytest

from benchmarks.implementations import installed
from benchmarks.native import Unavailable
from benchmarks.peers.floor import Floor
from benchmarks.peers.libraries import LIBRARIES, Library
from benchmarks.peers.ours import Ours
from benchmarks.works import WORKS


def _participants():
    found = [Ours(module) for module in installed().values()]
    makers: List[Callable[[], Any]] = [functools.partial(Floor, None)]
    makers += [functools.partial(Library, name) for name in LIBRARIES]
    for make in makers:
        with contextlib.suppress(Unavailable):
            found.append(make())
    return {each.name: each for each in found}


PARTICIPANTS = _participants()


@pytest.mark.parametrize('side', PARTICIPANTS)
@pytest.mark.parametrize('work', WORKS.values(), ids=lambda work: work.name.replace(' ', '-'))
def test_work(benchmark, work, side):
    functions = PARTICIPANTS[side].sides(work)
    if side not in functions:
        pytest.skip(f'{side} does not do this')
    benchmark.group = work.name
    benchmark.extra_info['columns'] = work.columns
    benchmark(functions[side])
