"""Fixtures of all tests: the servers that a test of behaviour runs on, embedded and real alike.

Real servers are given by --cassandra VERSION@HOST:PORT (repeatable) or the environment variable
PYCASSA_TEST_CASSANDRA (the same, separated by commas). `./dev server 2.1` starts one.
"""
import itertools
import os
from typing import Iterator, List, NamedTuple

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport

import pycassa.codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import KsDef

from . import proof as proofs
from .proof import proof  # noqa: F401 (a fixture)

NO_REAL_SERVER = 'no real Cassandra given: --cassandra VERSION@HOST:PORT (./dev server 2.1 starts one)'
EMBEDDED_PROFILES = ('2.1', '3.11')

_skipped: List[str] = []


class Server(NamedTuple):
    """A server under test. `profile` is its version as semantics differ by it: '2.1', '3.11', ..."""

    kind: str
    profile: str
    address: str

    @property
    def host(self) -> str:
        return self.address.rpartition(':')[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(':')[2])


def pytest_addoption(parser):
    parser.addoption('--cassandra', action='append', default=[], metavar='VERSION@HOST:PORT',
                     help='a real Cassandra to run the tests of server behaviour on')
    proofs.add_options(parser)


def pytest_configure(config):
    config.addinivalue_line('markers', 'real_server: runs on a real Cassandra server')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    proofs.tell_seed(item, outcome.get_result())


def pytest_runtest_logreport(report):
    if report.skipped and not hasattr(report, 'wasxfail'):
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session, exitstatus):
    """Where nothing may be missing (PYCASSA_NO_SKIPS=1, as in CI), a skipped test is a failed run."""
    if os.environ.get('PYCASSA_NO_SKIPS') and _skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if os.environ.get('PYCASSA_NO_SKIPS') and _skipped:
        terminalreporter.write_line(f'{len(_skipped)} tests were skipped, and PYCASSA_NO_SKIPS allows none', red=True)


def pytest_report_header(config):
    real = ', '.join(_real_servers(config)) or 'none'
    return f'pycassa: {pycassa.codec.implementation()} implementation; real servers: {real}'


def _real_servers(config) -> List[str]:
    given = config.getoption('--cassandra') + os.environ.get('PYCASSA_TEST_CASSANDRA', '').split(',')
    return [text.strip() for text in given if text.strip()]


def pytest_generate_tests(metafunc):
    if 'server' not in metafunc.fixturenames:
        return
    servers = [f'embedded-{profile}' for profile in EMBEDDED_PROFILES]
    servers += [pytest.param(f'real-{text}', marks=pytest.mark.real_server)
                for text in _real_servers(metafunc.config)]
    if len(servers) == len(EMBEDDED_PROFILES):
        servers.append(pytest.param('real', marks=[pytest.mark.real_server, pytest.mark.skip(NO_REAL_SERVER)]))
    metafunc.parametrize('server', servers, indirect=True, scope='session')


@pytest.fixture(scope='session')
def server(request) -> Iterator[Server]:
    """One running server: the embedded one in each profile, and every real one that was given."""
    kind, _, rest = request.param.partition('-')
    if kind == 'embedded':
        from pycassa.embedded import EmbeddedServer
        with EmbeddedServer(profile=rest) as embedded:
            yield Server('embedded', rest, embedded.address)
        return
    version, _, address = rest.partition('@')
    yield Server('real', '.'.join(version.split('.')[:2]), address)


class RawClient:
    """The generated client over thrift's own framed transport: an independent client to set things up with."""

    def __init__(self, server: Server) -> None:
        self.transport = TFramedTransport(TSocket(server.host, server.port))
        self.transport._TFramedTransport__trans.setTimeout(30000)
        self.transport.open()
        self.client = Cassandra.Client(TBinaryProtocol(self.transport))

    def __enter__(self) -> Cassandra.Client:
        return self.client

    def __exit__(self, *exc_info) -> None:
        self.transport.close()


@pytest.fixture
def raw_client(server) -> Iterator[Cassandra.Client]:
    """A client of thrift's own, connected to the server under test."""
    with RawClient(server) as client:
        yield client


_numbers = itertools.count(1)


@pytest.fixture
def keyspace(raw_client) -> Iterator[str]:
    """The name of a fresh keyspace of replication factor 1, set on `raw_client`, dropped afterwards."""
    name = f'Test_{os.getpid()}_{next(_numbers)}'
    raw_client.system_add_keyspace(KsDef(name=name, strategy_class='SimpleStrategy',
                                         strategy_options={'replication_factor': '1'}, cf_defs=[]))
    raw_client.set_keyspace(name)
    yield name
    raw_client.system_drop_keyspace(name)
