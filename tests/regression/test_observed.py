"""What release 1.11 was seen to do, run as it was run then: kept here, or mended. observed.json says which is which."""
import datetime
import gc
import itertools
import time
import uuid
import weakref

import pytest

import pycassa
from pycassa import marshal
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import Column, ColumnParent, ConsistencyLevel
from pycassa.contrib.stubs import ColumnFamilyStub
from pycassa.types import BooleanType, CompositeType, DateType, LongType, UTF8Type

ONE = ConsistencyLevel.ONE


def up_to(limit, items):
    """A list of what may never end."""
    found = list(itertools.islice(items, limit + 1))
    assert len(found) <= limit
    return found


# --- pool ------------------------------------------------------------------------------------------------------------

def test_an_idle_connection_is_used_before_another_one_is_opened(make_pool):
    created = []
    pool = make_pool(prefill=False, pool_size=5, listeners=[{'connection_created': created.append}])
    cf = pycassa.ColumnFamily(pool, 'Standard')
    for number in range(20):
        cf.insert(b'%d' % number, {b'a': b'b'})
    assert len(created) == 1
    assert (pool.size(), pool.checkedin(), pool.checkedout()) == (5, 1, 0)


def test_a_closed_connection_that_is_put_back_leaves_the_count_exact(make_pool):
    pool = make_pool(pool_size=1, max_overflow=0, pool_timeout=0, use_threadlocal=False)
    for _ in range(3):
        conn = pool.get()
        conn.close()
        pool.put(conn)
    assert pool.checkedout() == 0
    assert pycassa.ColumnFamily(pool, 'Standard').insert(b'k', {b'a': b'b'})


class Payload(str):
    """Text that can be referenced weakly."""

    __slots__ = ('__weakref__',)


@pytest.mark.parametrize('write', [
    lambda cf, value: cf.insert(b'k', {b'a': value}), lambda cf, value: cf.batch_insert({b'k': {b'a': value}}),
    lambda cf, value: cf.batch().insert(b'k', {b'a': value}).send()], ids=['insert', 'batch_insert', 'batch'])
def test_what_was_written_is_not_kept_alive(make_pool, write):
    cf = pycassa.ColumnFamily(make_pool(pool_size=1), 'Standard')
    value = Payload('x' * 1000)
    reference = weakref.ref(value)
    write(cf, value)
    del value
    gc.collect()
    assert reference() is None


def test_a_connection_knows_its_last_call_by_name(make_pool):
    pool = make_pool(pool_size=1, use_threadlocal=False)
    conn = pool.get()
    calls = conn.operation_count
    column = Column(b'a', b'b', 1)
    conn.insert(b'k', ColumnParent('Standard'), column, ONE)
    assert conn.operation_count == calls + 1
    assert conn.info['request'] == {'method': 'insert', 'kwargs': {},
                                    'args': (b'k', ColumnParent('Standard'), column, ONE)}
    conn.return_to_pool()


@pytest.mark.parametrize('max_retries', [5, 20])
def test_twelve_sockets_that_went_stale_at_once(embedded, make_pool, max_retries):
    pool = make_pool(pool_size=12, max_retries=max_retries, use_threadlocal=False)
    cf = pycassa.ColumnFamily(pool, 'Standard')
    cf.insert(b'k', {b'a': b'b'})
    embedded.stop()
    embedded.start()
    started = time.monotonic()
    assert cf.get(b'k') == {b'a': b'b'}
    assert time.monotonic() - started < 5
    # Those that were idle are gone with the first that failed; one new connection is all it takes.
    assert (embedded.connections, pool.checkedin(), pool.checkedout()) == (1, 1, 0)


@pytest.mark.parametrize('hook', ['server_list_obtained', 'obtained_server_list'])
def test_both_names_of_the_server_list_hook_are_called(embedded, make_pool, hook):
    heard = []
    make_pool(listeners=[{hook: lambda event: heard.append(event['server_list'])}], prefill=False)
    assert heard == [[embedded.address]]


# --- column families -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('comparator, name', [
    (LongType(), 5), (CompositeType(LongType(), UTF8Type()), (5, 'a')), (DateType(), datetime.datetime(2012, 6, 5)),
    (pycassa.TIME_UUID_TYPE, uuid.UUID('d8a5bd22-7e65-11e9-8f9e-2a86e4085a59')), (BooleanType(), True)])
def test_column_validators_are_assigned_whole(create, comparator, name):
    cf = create('Validated', comparator_type=comparator)
    cf.column_validators = {name: LongType()}
    cf.insert(b'k', {name: -5})
    assert cf.get(b'k') == {name: -5} and cf.column_validators == {name: 'LongType'}


@pytest.mark.parametrize('kind, key, read', [
    ('DateType', datetime.datetime(2012, 6, 5, 4, 3, 2, 123456), datetime.datetime(2012, 6, 5, 4, 3, 2, 123000)),
    ('DateType', 1338869000.25, datetime.datetime(2012, 6, 5, 4, 3, 20, 250000)),
    ('FloatType', 0.1, 0.10000000149011612), ('BytesType', 'text', b'text'), ('UTF8Type', b'text', 'text'),
    ('CompositeType(LongType,BytesType)', (1, 'a'), (1, b'a'))])
def test_keys_that_read_otherwise_than_they_were_given(create, kind, key, read):
    """multiget gives rows under the keys that it was given, and no row as None."""
    cf = create('Keys', key_validation_class=kind)
    cf.insert(key, {b'a': b'b'})
    assert [found for found, _ in cf.get_range()] == [read]
    rows = cf.multiget([key])
    assert list(rows) == [key] and type(next(iter(rows))) is type(key) and rows[key] == {b'a': b'b'}
    cf.remove(key)
    assert cf.multiget([key]) == {}


def test_counters_have_no_timestamps(create):
    cf = create('Counters', default_validation_class='CounterColumnType')
    for name in b'a', b'b', b'c':
        cf.add(b'k', name, 7)
    expected = {b'a': 7, b'b': 7, b'c': 7}
    for options in {'include_timestamp': True}, {'include_ttl': True}, {'include_timestamp': True, 'include_ttl': True}:
        assert cf.get(b'k', **options) == cf.multiget([b'k'], **options)[b'k'] == expected
        assert dict(cf.get_range(**options)) == {b'k': expected}
        for buffer_size in None, 1, 2:
            assert up_to(10, cf.xget(b'k', buffer_size=buffer_size, **options)) == list(expected.items())


def test_pages_of_one_end(create):
    cf = create('Standard')
    columns = {b'c%d' % number: b'v' for number in range(7)}
    cf.batch_insert({b'k%d' % number: columns for number in range(5)})
    assert up_to(20, cf.xget(b'k0', buffer_size=1)) == list(columns.items())
    assert [name for name, _ in up_to(20, cf.xget(b'k0', buffer_size=1, column_reversed=True))] == [*columns][::-1]
    rows = up_to(20, cf.get_range(buffer_size=1))
    assert len(rows) == 5 and dict(rows) == {b'k%d' % number: columns for number in range(5)}
    assert up_to(20, cf.get_range(buffer_size=1, row_count=3)) == rows[:3]


# --- batches ---------------------------------------------------------------------------------------------------------

def test_a_block_that_raises_sends_what_was_queued(make_pool):
    cf = pycassa.ColumnFamily(make_pool(), 'Standard')
    with pytest.raises(ZeroDivisionError), cf.batch() as batch:
        batch.insert(b'k', {b'a': b'b'})
        raise ZeroDivisionError
    assert cf.get(b'k') == {b'a': b'b'}


def test_no_mutator_sends_counters_again(embedded, make_pool):
    pool = make_pool(prefill=False)
    cf = pycassa.ColumnFamily(pool, 'Counters')
    for batch in (Mutator(pool).insert(cf, b'k', {b'n': 1}), cf.batch().insert(b'k', {b'n': 1})):
        embedded.faults.timed_out(1, 'batch_mutate', applied=True)
        with pytest.raises(pycassa.MaximumRetryException):
            batch.send()
    assert cf.get(b'k') == {b'n': 2}


# --- types -----------------------------------------------------------------------------------------------------------

EMPTY = {'BytesType': b'', 'AsciiType': '', 'UTF8Type': '', **dict.fromkeys(
    ['LongType', 'Int32Type', 'IntegerType', 'FloatType', 'DoubleType', 'BooleanType', 'DecimalType', 'DateType',
     'TimestampType', 'UUIDType', 'TimeUUIDType', 'LexicalUUIDType', 'CounterColumnType'])}


@pytest.mark.parametrize('kind', EMPTY)
def test_no_bytes_are_none_or_empty_text(kind):
    assert marshal.unpacker_for(kind)(b'') == EMPTY[kind]


def test_an_empty_value_does_not_break_the_row(create):
    """Rows of numbers, dates and UUIDs in which some other client left an empty value behind."""
    validators = {kind.encode(): kind for kind in EMPTY if kind not in ('CounterColumnType', 'TimestampType')}
    cf = create('Typed', column_validation_classes=validators)
    raw = pycassa.ColumnFamily(cf.pool, 'Typed', autopack_values=False)
    raw.insert(b'k', dict.fromkeys(validators, b''))
    expected = {name: EMPTY[kind] for name, kind in validators.items()}
    assert cf.get(b'k') == dict(cf.xget(b'k')) == cf.multiget([b'k'])[b'k'] == dict(cf.get_range())[b'k'] == expected


READ = {'InetAddressType': b'\x7f\0\0\1', 'SimpleDateType': b'\x80\0\0\0', 'TimeType': bytes(8), 'ShortType': b'\0\5',
        'ByteType': b'\5'}
HANDED_OVER = ['ListType(UTF8Type)', 'SetType(LongType)', 'MapType(UTF8Type,LongType)', 'TupleType(LongType,UTF8Type)',
               'FrozenType(ListType(UTF8Type))', 'UserType(ks,61,6e:LongType)', 'com.example.Unknown']


@pytest.mark.parametrize('kind', READ)
def test_types_that_were_bytes_have_values(kind):
    value = marshal.unpacker_for(kind)(READ[kind])
    assert not isinstance(value, bytes) and marshal.packer_for(kind)(value) == READ[kind]


@pytest.mark.parametrize('kind', HANDED_OVER)
def test_types_of_cql_and_unknown_ones_are_bytes(kind):
    assert marshal.unpacker_for(kind)(b'\0\xff') == marshal.packer_for(kind)(b'\0\xff') == b'\0\xff'


def test_nested_types_in_names(create):
    cf = create('Nested', comparator_type='CompositeType(CompositeType(LongType,ReversedType(UTF8Type)),BytesType)')
    names = [((1, 'b'), b'x'), ((1, 'a'), b'x'), ((2, 'a'), b'x')]
    cf.insert(b'k', dict.fromkeys(names, b''))
    assert list(cf.get(b'k')) == names


# --- stubs -----------------------------------------------------------------------------------------------------------

def test_the_stub_s_get_range_heeds_its_parameters():
    stub = ColumnFamilyStub()
    stub.batch_insert({str(number): {'a': 1, 'b': 2} for number in range(4)}, timestamp=9)
    rows = dict(stub.get_range(row_count=3, columns=['b'], include_timestamp=True))
    assert len(rows) == 3 and list(rows.values()) == [{'b': (2, 9)}] * 3
