"""Fixtures of the tests of faults: an embedded server, and a fault proxy in front of it."""
import pathlib
import sys
from typing import Iterator

import pytest

# The helpers beside the tests are plain modules.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from probing import implementations
from proxy import FaultProxy

import pycassa.codec
from pycassa.embedded import EmbeddedServer


@pytest.fixture(scope='session')
def implementation() -> str:
    """The codec of this process, 'cython' or 'pure', for reports."""
    return pycassa.codec.implementation()


@pytest.fixture(params=implementations())
def twin(request) -> str:
    """Each implementation of the codec that is there, by its name, for probes that run in a process of their own."""
    return request.param


@pytest.fixture
def embedded() -> Iterator[EmbeddedServer]:
    """An embedded server of the test's own, with the keyspace and families of the demo schema."""
    with EmbeddedServer(schema='demo') as server:
        yield server


@pytest.fixture
def proxy(embedded, request) -> Iterator[FaultProxy]:
    """A proxy in front of `embedded`, which records requests. Its chance is the proof's, where the test has one."""
    seed = request.getfixturevalue('proof').seed if 'proof' in request.fixturenames else 0
    with FaultProxy(embedded.host, embedded.port, seed=seed, recording=True) as proxy:
        yield proxy
