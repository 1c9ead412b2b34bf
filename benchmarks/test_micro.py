"""The same cases under pytest-benchmark: `python -m pytest benchmarks`, one side of one case at a time."""
import pytest

from benchmarks.micro import CASES


@pytest.fixture(scope='module', params=CASES, ids=lambda make: make().name.replace(' ', '-'))
def case(request):
    made = request.param()
    made.check()
    return made


@pytest.mark.parametrize('side', ['ours', 'peer'])
def test_case(benchmark, case, side):
    benchmark.group = case.name
    benchmark.extra_info['columns'] = case.columns
    assert benchmark(getattr(case, side))
