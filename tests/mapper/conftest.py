"""Families for mapped classes: the demo schema's like, plain bytes, and super families of both."""
import pytest

from pycassa.cassandra.ttypes import CfDef, ColumnDef
from pycassa.columnfamily import ColumnFamily


@pytest.fixture
def create(raw_client, keyspace):
    """Creates a family: create(name, comparator_type=..., ...)."""
    def create_family(name, **options):
        raw_client.system_add_column_family(CfDef(keyspace=keyspace, name=name, **options))
        return name
    return create_family


def demo_options(subcomparator_type=None):
    return {'column_type': 'Super' if subcomparator_type else 'Standard', 'comparator_type': 'UTF8Type',
            'subcomparator_type': subcomparator_type, 'key_validation_class': 'UTF8Type',
            'default_validation_class': 'UTF8Type',
            'column_metadata': [ColumnDef(name=b'float_column', validation_class='BytesType')]}


@pytest.fixture
def text_family(create):
    """Text everywhere but in `float_column`, as in the embedded server's demo schema."""
    return create('Text', **demo_options())


@pytest.fixture
def bytes_family(create):
    """BytesType keys, names and values: what a schema without types gives."""
    return create('Bytes')


@pytest.fixture
def super_family(create):
    return create('Supers', **demo_options('UTF8Type'))


@pytest.fixture
def client(server, keyspace):
    """One connection: what the older releases' ColumnFamily is given."""
    with server.connect(keyspace) as connection:
        yield connection


@pytest.fixture
def pool(server, keyspace):
    """A pool: what release 1.11's ColumnFamily is given."""
    pool = server.pool(keyspace, pool_size=1)
    yield pool
    pool.dispose()


@pytest.fixture
def column_family(client):
    """column_family(name, **options) is a ColumnFamily on a client."""
    return lambda name, **options: ColumnFamily(client, name, **options)
