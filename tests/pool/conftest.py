"""Servers on loopback for the tests of pools and old clients."""
import pytest

from .rawserver import RawServer


@pytest.fixture
def raw_server():
    """A server that answers the Thrift calls of Handler."""
    with RawServer() as server:
        yield server


@pytest.fixture
def raw_servers():
    """Three such servers."""
    servers = [RawServer() for _ in range(3)]
    yield servers
    for server in servers:
        server.stop()
