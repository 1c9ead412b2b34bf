"""Fixtures of all tests: the servers that a test of behaviour runs on, embedded and real alike.

Real servers are given by --cassandra VERSION@HOST:PORT (repeatable) or the environment variable
PYCASSA_TEST_CASSANDRA (the same, separated by commas); clusters and variants as tests/undertest.py has it.
`./dev server start 2.1` starts one. Beside each real server the embedded one runs in its profile.
"""
import gc
import itertools
import os
from typing import Iterator, List

import pytest

import pycassa.codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import KsDef

from . import proof as proofs
from .proof import proof  # noqa: F401 (a fixture)
from .undertest import MARKERS, RawClient, Server, embedded_beside, name_of, running, suits

NO_REAL_SERVER = 'no real Cassandra given: --cassandra VERSION@HOST:PORT (./dev server start 2.1 starts one)'
EMBEDDED_PROFILES = ('2.1', '3.11')

_skipped: List[str] = []


def pytest_addoption(parser):
    parser.addoption('--cassandra', action='append', default=[], metavar='VERSION@HOST:PORT',
                     help='a real Cassandra to run the tests of server behaviour on')
    parser.addoption('--embedded', action='append', default=[], metavar='PROFILE[?partitioner=NAME]',
                     help=f'the embedded server to run them on (default: {", ".join(EMBEDDED_PROFILES)}, and the '
                          'profiles of the real servers)')
    proofs.add_options(parser)


def pytest_collection_finish(session):
    """Tests that collect garbage do not look through all the others each time."""
    gc.collect()
    gc.freeze()


def pytest_configure(config):
    for marker in ('real_server: runs on a real Cassandra server', *MARKERS):
        config.addinivalue_line('markers', marker)


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


def _embedded_servers(config, profiles) -> List[str]:
    beside = [embedded_beside(text) for text in _real_servers(config)]
    return list(dict.fromkeys(config.getoption('--embedded') or [*profiles, *beside]))


def pytest_generate_tests(metafunc):
    if 'server' not in metafunc.fixturenames:
        return
    profiles = getattr(metafunc.module, 'EMBEDDED_PROFILES', EMBEDDED_PROFILES)
    servers = [pytest.param(f'embedded-{text}', id=name_of('embedded', text))
               for text in _embedded_servers(metafunc.config, profiles)]
    real = _real_servers(metafunc.config)
    servers += [pytest.param(f'real-{text}', id=name_of('real', text), marks=pytest.mark.real_server) for text in real]
    if not real:
        servers.append(pytest.param('real', marks=[pytest.mark.real_server, pytest.mark.skip(NO_REAL_SERVER)]))
    metafunc.parametrize('server', servers, indirect=True, scope='session')


def pytest_collection_modifyitems(config, items):
    """A test is not there, and not skipped either, for a server that cannot have what it is about."""
    unsuited = [item for item in items if not suits(item)]
    if unsuited:
        config.hook.pytest_deselected(items=unsuited)
        items[:] = [item for item in items if suits(item)]


@pytest.fixture(scope='session')
def server(request) -> Iterator[Server]:
    """One running server: the embedded one in each profile, and every real one that was given."""
    kind, _, text = request.param.partition('-')
    with running(kind, text) as found:
        yield found


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
