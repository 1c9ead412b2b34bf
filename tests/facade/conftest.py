"""Fixtures of the facade's tests: a client that records operations, and column families on servers."""
from types import SimpleNamespace

import pytest

from pycassa import codec
from pycassa.cassandra.ttypes import CfDef, ColumnDef, KsDef, NotFoundException
from pycassa.columnfamily import ColumnFamily

MARSHAL = 'org.apache.cassandra.db.marshal.'


def qualified(name):
    return name and MARSHAL + name


def family(keyspace, name, comparator='UTF8Type', value='UTF8Type', key='UTF8Type', subcomparator=None, columns=None):
    """A CfDef; `columns` is {packed name: type name or ColumnDef}."""
    metadata = [column if isinstance(column, ColumnDef) else ColumnDef(name=packed, validation_class=qualified(column))
                for packed, column in (columns or {}).items()]
    return CfDef(keyspace=keyspace, name=name, column_type='Super' if subcomparator else 'Standard',
                 comparator_type=qualified(comparator), subcomparator_type=qualified(subcomparator),
                 default_validation_class=qualified(value), key_validation_class=qualified(key),
                 column_metadata=metadata)


class FakeOperations:
    """Records every operation, and answers with what a test put into `answers` ([] of them: the same each time)."""

    def __init__(self):
        self.calls = []
        self.answers = {}
        self.max_request_bytes = 1000
        self.failure = None

    def __getattr__(self, method):
        if method.startswith('_'):
            raise AttributeError(method)

        def operation(*args, **kwargs):
            self.calls.append(SimpleNamespace(method=method, args=args, kwargs=kwargs))
            answer = self.answers.get(method)
            if isinstance(answer, BaseException):
                raise answer
            return answer(*args, **kwargs) if callable(answer) else answer
        return operation

    def mutate(self, pending, consistency, atomic=False, retry=True):
        self.calls.append(SimpleNamespace(method='mutate', args=(list(pending), consistency, atomic, retry)))
        if self.failure is not None:
            raise self.failure
        del pending[:]

    @property
    def last(self):
        return self.calls[-1]


class FakeClient:
    """A client of keyspaces that a test defines; its calls are `operations.calls`."""

    def __init__(self, keyspaces, keyspace=None):
        self.keyspaces = {name: list(families) for name, families in keyspaces.items()}
        self.keyspace = keyspace
        self.operations = FakeOperations()

    def describe_keyspaces(self):
        return [KsDef(name=name, cf_defs=families) for name, families in self.keyspaces.items()]

    def describe_keyspace(self, keyspace):
        if keyspace not in self.keyspaces:
            raise NotFoundException()
        return KsDef(name=keyspace, cf_defs=self.keyspaces[keyspace])

    def describe_partitioner(self):
        return 'org.apache.cassandra.dht.Murmur3Partitioner'

    def set_keyspace(self, keyspace):
        self.keyspace = keyspace


class FakePool:
    """The same as a pool: Thrift calls go through `execute`."""

    def __init__(self, client):
        self.client = client
        self.keyspace = client.keyspace
        self.operations = client.operations

    def execute(self, method, *args):
        return getattr(self.client, method)(*args)


@pytest.fixture
def make():
    """The helpers above, for tests that define families of their own."""
    return SimpleNamespace(family=family, Client=FakeClient, Pool=FakePool, qualified=qualified)


@pytest.fixture
def client():
    """A client with a standard, a super, a counter and a numeric family in keyspace K."""
    return FakeClient({'K': [
        family('K', 'Standard', columns={b'age': 'LongType'}),
        family('K', 'Super', subcomparator='UTF8Type'),
        family('K', 'Numbers', 'LongType', 'LongType', 'LongType'),
        family('K', 'Raw', 'BytesType', 'BytesType', 'BytesType'),
        family('K', 'Counters', value='CounterColumnType'),
        family('K', 'Pairs', 'CompositeType(LongType,UTF8Type)'),
        family('K', 'Times', 'TimeUUIDType'),
    ]}, 'K')


@pytest.fixture
def pool(client):
    return FakePool(client)


@pytest.fixture
def mutations():
    """A function that gives the Mutation structs, as the bindings' objects, of an operations.Mutations entry."""
    from thrift.protocol.TBinaryProtocol import TBinaryProtocol
    from thrift.transport.TTransport import TMemoryBuffer

    from pycassa.cassandra.ttypes import Mutation

    def read(entry):
        protocol = TBinaryProtocol(TMemoryBuffer(entry.data))
        found = []
        for _ in range(entry.count):
            mutation = Mutation()
            mutation.read(protocol)
            found.append(mutation)
        return found
    return read


# --- servers ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def connection(server, keyspace):
    """A connection to the server under test, in a fresh keyspace."""
    with server.connect(keyspace) as connection:
        yield connection


@pytest.fixture
def create(connection, raw_client, keyspace):
    """A function that creates a family on the server and gives its ColumnFamily."""
    def create_family(name, *args, options=None, **kwargs):
        raw_client.system_add_column_family(family(keyspace, name, *args, **kwargs))
        return ColumnFamily(connection, name, **(options or {}))
    return create_family


@pytest.fixture
def flags():
    return SimpleNamespace(timestamp=codec.INCLUDE_TIMESTAMP, ttl=codec.INCLUDE_TTL)
