"""A pytest plugin: an embedded server for a project's own tests.

It is found by itself where pycassa is installed (entry point `pytest11`), and otherwise by
`pytest_plugins = ['pycassa.embedded.plugin']` in a conftest.py. A project that needs another partitioner, profile or
schema defines `cassandra_server` itself, over an `EmbeddedServer` of its own; `cassandra_keyspace` follows.
"""
import itertools
from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from pycassa.embedded.server import EmbeddedServer

_numbers = itertools.count(1)


@pytest.fixture(scope='session')
def cassandra_server() -> 'Iterator[EmbeddedServer]':
    """An embedded Cassandra server on a free port of the loopback interface, for the whole test run.

    `cassandra_server.address` is its 'host:port', `cassandra_server.faults` are its fault switches (take them back with
    `faults.clear()`). It starts when the first test asks for it.
    """
    from pycassa.embedded.server import EmbeddedServer
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def cassandra_keyspace(cassandra_server: 'EmbeddedServer') -> Iterator[str]:
    """The name of a new, empty keyspace on `cassandra_server`, dropped after the test."""
    from pycassa.cassandra.ttypes import KsDef
    engine = cassandra_server.engine
    name = f'test_{next(_numbers)}'
    engine.add_keyspace(KsDef(name=name, strategy_class='SimpleStrategy',
                              strategy_options={'replication_factor': '1'}, cf_defs=[]))
    yield name
    if name in engine.keyspaces:
        engine.drop_keyspace(name)
