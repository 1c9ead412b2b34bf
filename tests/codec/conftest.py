"""Fixtures of the codec's tests: each implementation that is there, and thrift's own pure protocol as the oracle."""
import importlib
import importlib.util
import pathlib
import sys
from typing import Any, Iterator, List

import hypothesis
import pytest

# The helpers beside the tests are plain modules.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from oracle import Oracle, Rewriter
from twins import COMPILED, PURE, Twins, is_built

# Examples are timed by nobody: a busy machine must not fail a test.
hypothesis.settings.register_profile('codec', deadline=None)
hypothesis.settings.load_profile('codec')


def _implementations() -> List[str]:
    """The pure twin always; the compiled one wherever it was built, and then it has to import."""
    return [PURE, COMPILED] if is_built() else [PURE]


@pytest.fixture(scope='session', params=_implementations(), ids=lambda name: name.split('.')[1].strip('_'))
def codec(request) -> Any:
    """The namespace of one implementation: every test of the codec runs on each of them."""
    return importlib.import_module(request.param)


@pytest.fixture(scope='session')
def twins() -> Twins:
    """Both implementations, for tests that do the same with each and compare."""
    if not is_built():
        pytest.skip('the compiled twin is not built: there is nothing to compare the pure one with')
    return Twins(importlib.import_module(PURE), importlib.import_module(COMPILED))


@pytest.fixture(scope='session')
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope='session')
def rewriter() -> Iterator[Any]:
    """Makes a Rewriter from a random.Random."""
    return Rewriter
