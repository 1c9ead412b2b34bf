"""Fixtures of the differential tests: a real server of one node, and the embedded one in its profile beside it."""
import pytest

from pycassa.embedded import EmbeddedServer

from ..conftest import NO_REAL_SERVER, _real_servers
from ..undertest import parse, profile_of
from .answers import Pair

COMPARABLE = {'partitioner', 'rpc'}


def _single_nodes(config):
    """What names a real server with one node and no access control: what the embedded server stands for."""
    for text in _real_servers(config):
        _, addresses, options = parse(text)
        if len(addresses) == 1 and set(options) <= COMPARABLE:
            yield text


def pytest_generate_tests(metafunc):
    if 'pair' not in metafunc.fixturenames:
        return
    found = [pytest.param(text, marks=pytest.mark.real_server) for text in _single_nodes(metafunc.config)]
    if not found:
        found = [pytest.param('real', marks=[pytest.mark.real_server, pytest.mark.skip(NO_REAL_SERVER)])]
    metafunc.parametrize('pair', found, indirect=True)


@pytest.fixture
def pair(request):
    """The real server that was given, and an embedded one of the same profile and partitioner."""
    version, addresses, options = parse(request.param)
    profile = profile_of(version)
    partitioner = options.get('partitioner', 'Murmur3Partitioner')
    with EmbeddedServer(profile=profile, partitioner=partitioner) as embedded:
        with Pair(profile, addresses[0], embedded.address, partitioner) as pair:
            yield pair
