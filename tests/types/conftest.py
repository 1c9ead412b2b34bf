"""Families of any type on the server under test. The harness of the codec's twins is shared with the codec's tests."""
import itertools
import pathlib
import sys

import pytest

from pycassa import ColumnFamily

HERE = pathlib.Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / 'codec')]

_numbers = itertools.count(1)


def pytest_collection_modifyitems(config, items):
    """The embedded server does not speak CQL: nothing there for the CQL driver to read."""
    without_cql = [item for item in items if 'reader' in getattr(item, 'fixturenames', ())
                   and item.callspec.params['server'].startswith('embedded')]
    if without_cql:
        config.hook.pytest_deselected(items=without_cql)
        items[:] = [item for item in items if item not in set(without_cql)]


@pytest.fixture
def connection(server, keyspace):
    """A connection to the server under test, in a fresh keyspace."""
    with server.connect(keyspace) as connection:
        yield connection


@pytest.fixture
def create(server, keyspace, connection):
    """`create(comparator, value, key)` makes a family of these types, and gives its ColumnFamily."""
    manager = server.manager()

    def create_family(comparator='LongType', value='BytesType', key='BytesType', **options):
        name = f'F{next(_numbers)}'
        manager.create_column_family(keyspace, name, comparator_type=comparator, default_validation_class=value,
                                     key_validation_class=key, **options)
        return ColumnFamily(connection, name)
    yield create_family
    manager.close()
