"""All 45 Thrift methods on running servers, by a connection, a pooled one and the seeds' client.

Each answers as itself, or refuses as the server does.
"""
import inspect
import os
import time

import pytest

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    AuthenticationRequest,
    CfDef,
    CfSplit,
    Column,
    ColumnDef,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ColumnSlice,
    ConsistencyLevel,
    CounterColumn,
    CqlResultType,
    IndexClause,
    IndexExpression,
    IndexOperator,
    IndexType,
    InvalidRequestException,
    KeyRange,
    KsDef,
    MultiSliceRequest,
    Mutation,
    NotFoundException,
    SlicePredicate,
    SliceRange,
    TokenRange,
)
from pycassa.errors import ApplicationError, ConnectionClosed, NoServerAvailable

from ..undertest import SUPERUSER, wait_for_agreement

ONE = ConsistencyLevel.ONE
ALL_COLUMNS = SlicePredicate(slice_range=SliceRange(b'', b''))
STANDARD, COUNTERS = ColumnParent('Standard1'), ColumnParent('Counter1')
COLUMN = ColumnOrSuperColumn(Column(b'color', b'red', 5))
ALL_KEYS = KeyRange(start_key=b'', end_key=b'', count=10)


def by_connection(keyspace, server):
    return server.connect(keyspace)


def by_pool(keyspace, server):
    return server.pool(keyspace, server_list=[server.address], pool_size=1).get()


def by_client(keyspace, server):
    return server.client(keyspace)


@pytest.fixture(params=[by_connection, by_pool, by_client])
def open_client(request, server, keyspace):
    """Opens what the methods are called on; all is closed in the end."""
    opened = []

    def open_one():
        opened.append(request.param(keyspace, server))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def client(open_client, server, keyspace):
    client = open_client()
    color = ColumnDef(b'color', 'BytesType', IndexType.KEYS, f'color_{os.getpid()}')
    client.system_add_column_family(CfDef(keyspace, 'Standard1', column_metadata=[color]))
    client.system_add_column_family(CfDef(keyspace, 'Counter1', default_validation_class='CounterColumnType'))
    wait_for_agreement(client, server.nodes)
    client.insert(b'k', STANDARD, COLUMN.column, ONE)
    return client


class Called:
    """Passes Thrift calls on to a client, and notes their names."""

    def __init__(self, client):
        self.client, self.names = client, set()

    def __getattr__(self, name):
        self.names.add(name)
        return getattr(self.client, name)


def reads(call):
    assert call.get(b'k', ColumnPath('Standard1', column=b'color'), ONE) == COLUMN
    with pytest.raises(NotFoundException):
        call.get('k', ColumnPath('Standard1', column='other'), ONE)
    assert call.get_slice('k', STANDARD, ALL_COLUMNS, ONE) == [COLUMN]
    assert call.get_slice(b'k', ColumnPath('Standard1'), ALL_COLUMNS, ONE) == [COLUMN]
    assert call.get_count(b'k', STANDARD, ALL_COLUMNS, ONE) == 1
    assert call.multiget_slice([b'k', 'none'], STANDARD, ALL_COLUMNS, ONE) == {b'k': [COLUMN], b'none': []}
    assert call.multiget_count([b'k', b'none'], STANDARD, ALL_COLUMNS, ONE)[b'k'] == 1
    rows = call.get_range_slices(STANDARD, ALL_COLUMNS, ALL_KEYS, ONE)
    assert [(row.key, row.columns) for row in rows] == [(b'k', [COLUMN])]
    assert call.get_paged_slice('Standard1', ALL_KEYS, b'', ONE) == rows
    clause = IndexClause([IndexExpression(b'color', IndexOperator.EQ, b'red')], b'', 10)
    assert call.get_indexed_slices(STANDARD, clause, ALL_COLUMNS, ONE) == rows


def writes(call):
    call.insert(b'k2', STANDARD, Column(b'n', b'v', 6), ONE)
    call.batch_mutate({b'k3': {'Standard1': [Mutation(COLUMN)]}}, ONE)
    call.atomic_batch_mutate({b'k4': {'Standard1': [Mutation(COLUMN)]}}, ONE)
    keys = {row.key for row in call.get_range_slices(STANDARD, ALL_COLUMNS, ALL_KEYS, ONE)}
    assert keys >= {b'k', b'k2', b'k3', b'k4'}
    call.remove(b'k2', ColumnPath('Standard1', column=b'n'), 7, ONE)
    assert call.get_count(b'k2', STANDARD, ALL_COLUMNS, ONE) == 0
    call.add(b'c', COUNTERS, CounterColumn(b'n', 3), ONE)
    call.add(b'c', COUNTERS, CounterColumn(b'n', -1), ONE)
    path = ColumnPath('Counter1', column=b'n')
    assert call.get(b'c', path, ONE).counter_column == CounterColumn(b'n', 2)
    time.sleep(0.005)  # Servers before 2.1 take whole milliseconds for the time of an addition and of a removal.
    call.remove_counter(b'c', path, ONE)
    with pytest.raises(NotFoundException):
        call.get(b'c', path, ONE)
    call.truncate('Standard1')
    assert call.get_slice(b'k', STANDARD, ALL_COLUMNS, ONE) == []


def descriptions(call, keyspace):
    assert all(isinstance(each, KsDef) for each in call.describe_keyspaces())
    assert {family.name for family in call.describe_keyspace(keyspace).cf_defs} == {'Standard1', 'Counter1'}
    assert call.describe_cluster_name() and call.describe_snitch()
    assert call.describe_version().split('.')[0] in ('19', '20')
    assert call.describe_partitioner().startswith('org.apache.cassandra.dht.')
    assert len(call.describe_schema_versions()) == 1
    for ring in call.describe_ring(keyspace), call.describe_local_ring(keyspace):
        assert ring and all(isinstance(each, TokenRange) for each in ring)
    start, end = (list(call.describe_token_map()) * 2)[:2]
    assert all(isinstance(token, str) for token in call.describe_splits('Standard1', start, end, 100))
    assert all(isinstance(split, CfSplit) for split in call.describe_splits_ex('Standard1', start, end, 100))


def schema(call, keyspace):
    assert call.system_add_column_family(CfDef(keyspace, 'Other'))
    assert call.system_update_column_family(CfDef(keyspace, 'Other', comment='changed'))
    assert call.system_drop_column_family('Other')
    other = KsDef(f'{keyspace}_2', 'SimpleStrategy', {'replication_factor': '1'}, cf_defs=[])
    assert call.system_add_keyspace(other)
    other.durable_writes = False
    assert call.system_update_keyspace(other)
    assert call.system_drop_keyspace(other.name)


def sessions(call, keyspace):
    call.set_keyspace('system')
    call.set_keyspace(keyspace)
    call.login(AuthenticationRequest(SUPERUSER))


def where_the_server_has_them(server, call):
    """cas since 2.0, get_multi_slice since 2.1, tracing unless a server leaves it out."""
    try:
        result = call.cas(b'cas', 'Standard1', [], [Column(b'n', b'v', 5)], ConsistencyLevel.SERIAL, ONE)
        assert result.success
    except (ApplicationError, InvalidRequestException) as error:
        assert server.profile == '1.2', error
    try:
        request = MultiSliceRequest(b'k', STANDARD, [ColumnSlice(b'a', b'd')], False, 10, ONE)
        assert call.get_multi_slice(request) == [COLUMN]
    except (ApplicationError, InvalidRequestException) as error:
        assert server.profile in ('1.2', '2.0'), error
    try:
        assert len(call.trace_next_query()) == 16
    except ApplicationError as error:
        assert server.kind == 'embedded', error


def cql(server, call, open_client):
    """The embedded server refuses CQL, and later ones CQL 2; a statement that the server trips over closes."""
    query, plain = b'SELECT cluster_name FROM system.local', 2
    try:
        result = call.execute_cql3_query(query, plain, ONE)
        assert result.type == CqlResultType.ROWS and len(result.rows) == 1
        prepared = call.prepare_cql3_query(query, plain)
        assert call.execute_prepared_cql3_query(prepared.itemId, [], ONE).rows == result.rows
    except (InvalidRequestException, ApplicationError) as error:
        assert server.kind == 'embedded', error
        call.names |= {'prepare_cql3_query', 'execute_prepared_cql3_query'}
    old = {'set_cql_version': ('3.0.0',), 'execute_cql_query': (b'SELECT * FROM x', plain),
           'prepare_cql_query': (b'SELECT * FROM x', plain), 'execute_prepared_cql_query': (1, [])}
    for name, arguments in old.items():
        call.client = open_client()
        try:
            getattr(call, name)(*arguments)
        except (InvalidRequestException, ApplicationError, ConnectionClosed, NoServerAvailable):
            assert name != 'set_cql_version' or server.kind == 'embedded'


def test_every_method(server, keyspace, client, open_client):
    call = Called(client)
    reads(call)
    where_the_server_has_them(server, call)
    descriptions(call, keyspace)
    writes(call)
    schema(call, keyspace)
    sessions(call, keyspace)
    cql(server, call, open_client)
    assert call.names == {name for name, _ in inspect.getmembers(Cassandra.Iface, inspect.isfunction)}
