"""The pytest plugin, in a pytest run of its own as a user's project has it."""
import os
import subprocess
import sys

import pytest

TESTS = """
import pycassa.cassandra.ttypes as ttypes
from pycassa.connection import Connection

seen = []


def write(address, keyspace):
    client = Connection(keyspace, address)
    client.system_add_column_family(ttypes.CfDef(keyspace=keyspace, name='F'))
    client.insert(b'k', ttypes.ColumnParent('F'), ttypes.Column(b'c', b'v', 1), 1)
    found = client.get(b'k', ttypes.ColumnPath('F', column=b'c'), 1).column.value
    client.close()
    return found


def test_first(cassandra_server, cassandra_keyspace):
    assert write(cassandra_server.address, cassandra_keyspace) == b'v'
    seen.append((cassandra_server.address, cassandra_keyspace))


def test_second(cassandra_server, cassandra_keyspace):
    assert write(cassandra_server.address, cassandra_keyspace) == b'v'
    ((address, keyspace),) = seen
    assert cassandra_server.address == address and cassandra_keyspace != keyspace
    assert keyspace not in cassandra_server.engine.keyspaces


def test_third(cassandra_server, cassandra_keyspace):
    cassandra_server.engine.drop_keyspace(cassandra_keyspace)
"""

OVERRIDE = """
import pytest
from pycassa.embedded import EmbeddedServer


@pytest.fixture(scope='session')
def cassandra_server():
    with EmbeddedServer(profile='3.11', credentials={'anna': 'secret'}) as server:
        yield server
"""

UNUSED = """
import sys


def test_the_server_is_not_even_imported():
    assert 'pycassa.embedded.plugin' in sys.modules
    assert 'pycassa.embedded.server' not in sys.modules
    assert 'pycassa.embedded.engine' not in sys.modules
"""


@pytest.fixture
def project(tmp_path):
    """Runs pytest on a project of these files, with the plugin and nothing else of this run's settings."""
    def run(**files):
        for name, text in files.items():
            (tmp_path / f'{name}.py').write_text(text)
        return subprocess.run(
            [sys.executable, '-m', 'pytest', '-q', '-p', 'pycassa.embedded.plugin', '-p', 'no:cacheprovider',
             str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={**os.environ, 'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1',
                 'PYTHONPATH': os.pathsep.join(filter(None, [os.getcwd(), os.environ.get('PYTHONPATH')]))})
    return run


def test_server_and_keyspaces(project):
    outcome = project(test_project=TESTS)
    assert '3 passed' in outcome.stdout, outcome.stdout + outcome.stderr


def test_a_project_may_define_the_server(project):
    outcome = project(conftest=OVERRIDE, test_project="""
def test_it(cassandra_server, cassandra_keyspace):
    assert cassandra_server.engine.profile.name == '3.11'
    assert cassandra_keyspace in cassandra_server.engine.keyspaces
""")
    assert '1 passed' in outcome.stdout, outcome.stdout + outcome.stderr


def test_runs_that_do_not_use_it_do_not_pay_for_it(project):
    outcome = project(test_project=UNUSED)
    assert '1 passed' in outcome.stdout, outcome.stdout + outcome.stderr
