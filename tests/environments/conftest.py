"""A table behind a slow link, and processes of their own for those who call over it."""
import json
import os
import pathlib
import subprocess
import sys
from typing import Any, Callable, Iterator, NamedTuple

import pytest

import pycassa
from pycassa.cassandra.ttypes import CfDef

from .slowlink import SlowLink

HERE = pathlib.Path(__file__).parent
# Whatever hangs is ended after so many seconds.
PATIENCE = 60


def pytest_collection_modifyitems(config, items):
    """What is tested here is the client: one profile of the embedded server will do, besides all real servers."""
    spared = [item for item in items if HERE in item.path.parents
              and getattr(item, 'callspec', None) and item.callspec.params.get('server') == 'embedded-3.11']
    if spared:
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in spared]


class Table(NamedTuple):
    """A keyspace with the family `Rows`, and the link to the server that has it."""

    link: SlowLink
    keyspace: str


@pytest.fixture
def table(server, keyspace, raw_client) -> Iterator[Table]:
    raw_client.system_add_column_family(CfDef(
        keyspace=keyspace, name='Rows', comparator_type='UTF8Type', key_validation_class='UTF8Type',
        default_validation_class='UTF8Type'))
    with SlowLink(server.host, server.port) as link:
        yield Table(link, keyspace)


def environment() -> 'dict[str, str]':
    """This process's, in which the package under test is found."""
    found = os.path.dirname(os.path.dirname(os.path.abspath(pycassa.__file__)))
    paths = [found, *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}


@pytest.fixture
def run(table) -> Callable[..., Any]:
    """run(world, module, scenario, **arguments) -> what the scenario returned in a process of its own."""
    def run(world: str, module: str, scenario: str, **arguments: Any) -> Any:
        arguments = {'address': table.link.address, 'keyspace': table.keyspace, **arguments}
        command = [sys.executable, str(HERE / 'green.py'), world, module, scenario, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment())
        assert done.returncode == 0, done.stderr
        printed = json.loads(done.stdout.splitlines()[-1])
        assert printed['implementation'] == pycassa.implementation()
        return printed['facts']
    return run
