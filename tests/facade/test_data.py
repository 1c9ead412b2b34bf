"""ColumnFamily and batches on servers: the same data tests on the embedded one and on real ones."""
import collections
import datetime
import decimal
import time
import uuid

import pytest

from pycassa import types
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import (
    ColumnDef,
    ConsistencyLevel,
    IndexType,
    InvalidRequestException,
    NotFoundException,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.errors import ConfigurationError, PackingError, RequestTooLarge
from pycassa.index import GT, LT, create_index_clause, create_index_expression
from pycassa.util import OrderedDict, convert_time_to_uuid

from ..undertest import reads_subcolumns

DAY = datetime.datetime(2010, 5, 6, 7, 8, 9, 123000)
ID = uuid.UUID('d8a5bd22-7e65-11e9-8f9e-2a86e4085a59')


def filled(family, count=10, key='k'):
    columns = {f'c{number:02}': f'v{number}' for number in range(count)}
    family.insert(key, columns)
    return columns




# --- one row ---------------------------------------------------------------------------------------------------------

def test_insert_update_get_remove(create):
    family = create('Standard')
    before = time.time() * 1e6
    stamp = family.insert('foo', {'column1': 'val1'})
    assert before - 1 <= stamp <= time.time() * 1e6 + 1
    assert family.get('foo') == {'column1': 'val1'}
    family.insert('foo', {'column1': 'val2', 'column2': 'val3'})
    row = family.get('foo')
    assert row == {'column1': 'val2', 'column2': 'val3'} and isinstance(row, OrderedDict)
    assert row.popitem(last=False) == ('column1', 'val2')
    assert isinstance(family.remove('foo', ['column1']), int)
    assert family.get('foo') == {'column2': 'val3'}
    family.remove('foo')
    with pytest.raises(NotFoundException):
        family.get('foo')


def test_get_of_slices_and_names(create):
    family = create('Standard')
    columns = filled(family)
    names = list(columns)
    assert list(family.get('k')) == names
    assert list(family.get('k', column_start='c03', column_finish='c05')) == names[3:6]
    assert list(family.get('k', column_count=3)) == names[:3]
    assert list(family.get('k', column_reversed=True, column_count=3)) == names[:-4:-1]
    assert list(family.get('k', column_start='c05', column_finish='c03', column_reversed=True)) == names[5:2:-1]
    assert family.get('k', {'c01', 'c07', 'nothing'}) == {'c01': 'v1', 'c07': 'v7'}
    assert family.get('k', ['c04']) == {'c04': 'v4'}
    assert family.get('k', column_count=10_000_000) == columns
    for nothing in ({'columns': ['x']}, {'columns': ['x', 'y']}, {'columns': []}, {'column_start': 'x'},
                    {'column_count': 0}):
        with pytest.raises(NotFoundException):
            family.get('k', **nothing)
    with pytest.raises(NotFoundException):
        family.get('no such row')


def test_timestamps_and_ttls(create):
    family = create('Standard')
    family.insert('k', {'a': '1'}, timestamp=5)
    family.insert('k', {'b': '2'}, timestamp=6, ttl=100.9)
    assert family.get('k', include_timestamp=True) == {'a': ('1', 5), 'b': ('2', 6)}
    assert family.get('k', include_ttl=True) == {'a': ('1', None), 'b': ('2', 100)}
    assert family.get('k', include_ttl=True, include_timestamp=True) == {'a': ('1', 5, None), 'b': ('2', 6, 100)}
    assert family.get('k', ['b'], include_timestamp=True) == {'b': ('2', 6)}
    assert family.multiget(['k'], include_timestamp=True) == {'k': {'a': ('1', 5), 'b': ('2', 6)}}
    assert list(family.xget('k', include_ttl=True)) == [('a', ('1', None)), ('b', ('2', 100))]
    assert list(family.get_range(include_timestamp=True)) == [('k', {'a': ('1', 5), 'b': ('2', 6)})]
    family.insert('k', {'a': 'older'}, timestamp=4)
    family.remove('k', ['b'], timestamp=5)
    assert family.get('k') == {'a': '1', 'b': '2'}
    assert family.remove('k', timestamp=6) == 6
    with pytest.raises(NotFoundException):
        family.get('k')


def test_columns_expire(create):
    family = create('Standard')
    family.insert('k', {'a': '1'}, ttl=2.9)
    family.insert('k', {'b': '2'})
    assert family.get('k') == {'a': '1', 'b': '2'}
    deadline = time.monotonic() + 10
    while 'a' in family.get('k'):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert family.get_count('k') == 1


def test_dict_class(create):
    family = create('Standard', options={'dict_class': collections.OrderedDict})
    filled(family, 3)
    assert type(family.get('k')) is type(family.get('k', ['c01'])) is collections.OrderedDict
    assert type(family.multiget(['k'])) is type(family.multiget(['k'])['k']) is collections.OrderedDict


def test_every_kind_of_text(create):
    family = create('Standard')
    for text in ('plain', 'é', '日本語', '\U0001f600', '\0'):
        family.insert(text, {text: text})
        assert family.get(text) == {text: text}
        assert family.multiget([text]) == {text: {text: text}}
    family.insert('empty', {'a': ''})
    assert family.get('empty') == {'a': ''}
    with pytest.raises(PackingError):
        family.insert('k', {'a': '\ud800'})


def test_errors_of_the_server(create):
    family = create('Standard')
    with pytest.raises(InvalidRequestException):
        family.insert('', {'a': 'b'})
    with pytest.raises(InvalidRequestException):
        family.get('k', super_column='s')
    with pytest.raises(InvalidRequestException):
        family.get('k', read_consistency_level=ConsistencyLevel.ANY)
    family.insert('k', {'a': 'b'}, write_consistency_level=ConsistencyLevel.ANY)
    assert family.get('k', read_consistency_level=ConsistencyLevel.QUORUM) == {'a': 'b'}


# --- several rows ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('buffer_size', [None, 1, 3, 100])
def test_multiget(create, buffer_size):
    family = create('Standard')
    keys = [f'key{number}' for number in range(10)]
    family.batch_insert({key: {'a': key, 'b': 'x'} for key in keys})
    family.remove('key3')
    wanted = ['key7', 'missing', 'key3', 'key1', b'key5', 'key0']
    rows = family.multiget(iter(wanted), buffer_size=buffer_size)
    assert list(rows) == ['key7', 'key1', b'key5', 'key0']
    assert rows[b'key5'] == {'a': 'key5', 'b': 'x'}
    assert family.multiget(set(keys), columns=['a'], buffer_size=buffer_size) == {
        key: {'a': key} for key in keys if key != 'key3'}
    counts = family.multiget_count(wanted, buffer_size=buffer_size)
    assert list(counts.items()) == [('key7', 2), ('missing', 0), ('key3', 0), ('key1', 2), (b'key5', 2), ('key0', 2)]
    assert family.multiget([]) == {}


def test_counts(create):
    family = create('Standard')
    family.insert('k', {f'c{number:03}': 'v' for number in range(150)})
    assert family.get_count('k') == 150
    assert family.get_count('k', max_count=70) == 70
    assert family.get_count('k', column_start='c010', column_finish='c019') == 10
    assert family.get_count('k', columns=['c001', 'c002', 'x']) == 2
    assert family.get_count('missing') == 0
    assert family.multiget_count(['k'], column_start='c090', column_reversed=True, max_count=5) == {'k': 5}


# --- wide rows -------------------------------------------------------------------------------------------------------

NAMES = {
    'UTF8Type': ['a', 'b', 'z' * 50, 'é'],
    'AsciiType': ['a', 'b', 'c'],
    'BytesType': [b'\0', b'\x7f', b'\x80', b'\xff'],
    'LongType': [-2 ** 63, -1, 0, 1, 2 ** 63 - 1],
    'Int32Type': [-2 ** 31, -1, 0, 1],
    'IntegerType': [-2 ** 90, -1, 0, 1, 128, 2 ** 90],
    'DoubleType': [float('-inf'), -0.5, 0.0, 1.5],
    'FloatType': [-0.5, 0.0, 1.5],
    'DecimalType': [decimal.Decimal('-1.5'), decimal.Decimal('0'), decimal.Decimal('2.25')],
    'BooleanType': [False, True],
    'UUIDType': [ID, uuid.UUID(int=5, version=4)],
    'LexicalUUIDType': [ID, uuid.UUID(int=5)],
    'TimeUUIDType': [convert_time_to_uuid(second) for second in (0, 1, 2)],
    'DateType': [datetime.datetime(1970, 1, 1), DAY],
    'TimestampType': [datetime.datetime(1970, 1, 1), DAY],
    'CompositeType(LongType,UTF8Type)': [(-1, 'b'), (0,), (0, ''), (0, 'a'), (1, 'a')],
}


@pytest.mark.parametrize('comparator', NAMES)
@pytest.mark.parametrize('backwards', [False, True])
def test_xget_of_every_comparator(create, server, comparator, backwards):
    names = NAMES[comparator]
    if comparator == 'TimestampType' and server.profile == '1.2':
        with pytest.raises(InvalidRequestException):
            create('Wide', comparator)
        return
    family = create('Wide', f'ReversedType({comparator})' if backwards else comparator, 'LongType')
    family.insert('k', {name: number for number, name in enumerate(names)})
    stored = sorted(range(len(names)), reverse=backwards)
    for buffer_size in (1, 2, 3, 100):
        assert [value for _, value in family.xget('k', buffer_size=buffer_size)] == stored
        assert [value for _, value in family.xget('k', buffer_size=buffer_size, column_reversed=True)] == stored[::-1]
        assert [value for _, value in family.xget('k', buffer_size=buffer_size, column_count=2)] == stored[:2]
    assert [name for name, _ in family.xget('k')] == [names[number] for number in stored]
    for number, name in enumerate(names):
        assert family.get('k', [name]) == {name: number}
        if name != (0,):
            assert family.get('k', column_start=name, column_finish=name) == {name: number}


def test_xget_of_nothing(create):
    family = create('Standard')
    assert list(family.xget('k')) == []
    filled(family, 3)
    assert list(family.xget('k', column_start='x')) == []
    assert list(family.xget('k', column_count=0)) == []
    assert list(family.xget('k', column_start='c01', column_finish='c01')) == [('c01', 'v1')]


def test_xget_in_pages_with_columns_of_the_schema(create):
    family = create('Standard', columns={b'c03': 'UTF8Type', b'c06': 'UTF8Type'})
    columns = filled(family)
    for buffer_size in (1, 2, 3, 4, 100):
        assert list(family.xget('k', buffer_size=buffer_size)) == list(columns.items())
        backwards = list(family.xget('k', buffer_size=buffer_size, column_reversed=True))
        assert len(backwards) == 10 and dict(backwards) == columns


def test_ends_of_composites(create):
    family = create('Pairs', 'CompositeType(LongType,UTF8Type)')
    family.insert('k', {(number, letter): '' for number in range(3) for letter in 'abc'})

    def names(**ends):
        return [f'{number}{letter}' for number, letter in family.get('k', **ends)]
    assert names(column_start=(1,), column_finish=(1,)) == ['1a', '1b', '1c']
    assert names(column_start=(1, 'b'), column_finish=(2,)) == ['1b', '1c', '2a', '2b', '2c']
    assert names(column_start=((0, False),), column_finish=(1, ('c', False))) == ['1a', '1b']
    assert names(column_start=(1,), column_finish=(1,), column_reversed=True) == ['1c', '1b', '1a']


# --- ranges of rows --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('buffer_size', [1, 2, 3, 7, 100])
def test_get_range_in_pages(create, buffer_size):
    family = create('Standard')
    rows = {f'key{number}': {'a': str(number)} for number in range(10)}
    family.batch_insert(rows)
    found = list(family.get_range(buffer_size=buffer_size))
    assert len(found) == 10 and dict(found) == rows
    keys = [key for key, _ in found]
    assert [key for key, _ in family.get_range(buffer_size=buffer_size, row_count=4)] == keys[:4]
    assert [key for key, _ in family.get_range(keys[3], keys[6], buffer_size=buffer_size)] == keys[3:7]
    assert [key for key, _ in family.get_range(start=keys[8], buffer_size=buffer_size)] == keys[8:]
    assert list(family.get_range(row_count=0)) == []
    assert list(family.get_range(column_count=0, filter_empty=False, buffer_size=buffer_size)) == [
        (key, {}) for key in keys]


def test_get_range_and_removed_rows(create, connection, keyspace, server):
    family = create('Standard')
    family.batch_insert({f'key{number}': {'a': 'b'} for number in range(6)})
    for number in range(0, 6, 2):
        family.remove(f'key{number}')
    assert sorted(family.get_range()) == [
        (f'key{number}', {'a': 'b'} if number % 2 else {}) for number in range(6)]
    left = [(f'key{number}', {'a': 'b'}) for number in (1, 3, 5)]
    assert sorted(family.get_range(filter_empty=True, buffer_size=1)) == left
    pool = server.pool(keyspace)
    try:
        pooled = ColumnFamily(pool, 'Standard')
        assert sorted(pooled.get_range(buffer_size=2)) == left
        assert len(list(pooled.get_range(row_count=2))) == 2
        assert len(list(pooled.get_range(filter_empty=False))) == 6
    finally:
        pool.dispose()


# A token in the middle of where keys are, the one after it, and the greatest.
TOKENS = {'Murmur3Partitioner': (0, 1, 2 ** 63 - 1), 'RandomPartitioner': (2 ** 126, 2 ** 126 + 1, 2 ** 127),
          'ByteOrderedPartitioner': ('0000000000000009', '000000000000000900', 'ff')}


def test_get_range_by_tokens(server, create):
    middle, above, greatest = TOKENS[server.partitioner]
    family = create('Numbers', 'LongType', 'LongType', 'LongType')
    family.batch_insert({number: {0: number} for number in range(20)})
    keys = [key for key, _ in family.get_range()]
    assert sorted(keys) == list(range(20))

    def tokens(start, finish, **kwargs):
        return [key for key, _ in family.get_range(start_token=start, finish_token=finish, **kwargs)]
    after, up_to = tokens(str(middle), None), tokens('', str(middle))
    assert up_to + after == keys and up_to and after
    assert tokens(middle, middle) == tokens(str(middle), str(middle), buffer_size=1) == after + up_to
    assert tokens(above, middle, buffer_size=3) == after + up_to
    assert tokens(above, middle, buffer_size=3, row_count=len(after) + 1) == after + up_to[:1]
    assert tokens('', '', buffer_size=2) == keys
    assert [key for key, _ in family.get_range(start=keys[2], finish_token=greatest, buffer_size=2)] == keys[2:]


# --- super columns ---------------------------------------------------------------------------------------------------

@pytest.fixture
def supers(create):
    family = create('Super', subcomparator='UTF8Type', options={'super': True})
    family.insert('key1', {'1': {'sub1': 'val1', 'sub2': 'val2'}, '2': {'sub3': 'val3', 'sub4': 'val4'}})
    return family


@reads_subcolumns
def test_super_columns(supers):
    one, two = {'sub1': 'val1', 'sub2': 'val2'}, {'sub3': 'val3', 'sub4': 'val4'}
    assert supers.super and supers.column_validators == {}
    assert supers.get('key1') == {'1': one, '2': two}
    assert supers.get('key1', ['1']) == {'1': one}
    assert supers.get('key1', super_column='2') == two
    assert supers.get('key1', ['sub1'], super_column='1') == {'sub1': 'val1'}
    assert supers.get('key1', super_column='1', column_start='sub2') == {'sub2': 'val2'}
    assert list(supers.get('key1', column_reversed=True)) == ['2', '1']
    assert supers.multiget(['key1'], super_column='2') == {'key1': two}
    assert supers.multiget(['key1', 'key2']) == {'key1': {'1': one, '2': two}}
    assert list(supers.get_range(super_column='2')) == [('key1', two)]
    assert list(supers.get_range()) == [('key1', {'1': one, '2': two})]
    assert (supers.get_count('key1'), supers.get_count('key1', super_column='1')) == (2, 2)
    assert supers.multiget_count(['key1'], super_column='1') == {'key1': 2}
    for buffer_size in (1, 2, 10):
        assert list(supers.xget('key1', buffer_size=buffer_size)) == [('1', one), ('2', two)]
        assert list(supers.xget('key1', super_column='1', buffer_size=buffer_size)) == list(one.items())
    with pytest.raises(NotFoundException):
        supers.get('key1', super_column='3')
    stamped = supers.get('key1', include_timestamp=True)['1']['sub1']
    assert stamped[0] == 'val1' and isinstance(stamped[1], int)


def test_removing_from_super_columns(supers):
    supers.remove('key1', ['sub1'], '1')
    assert supers.get('key1') == {'1': {'sub2': 'val2'}, '2': {'sub3': 'val3', 'sub4': 'val4'}}
    supers.remove('key1', [], '1')
    supers.remove('key1', [])
    assert supers.get_count('key1') == 2
    supers.remove('key1', super_column='1')
    assert supers.get('key1') == {'2': {'sub3': 'val3', 'sub4': 'val4'}}
    supers.insert('key1', {'3': {'a': 'b'}, '4': {'a': 'b'}})
    supers.remove('key1', ['2', '3'])
    assert supers.get('key1') == {'4': {'a': 'b'}}
    supers.remove('key1')
    with pytest.raises(NotFoundException):
        supers.get('key1')


@reads_subcolumns
def test_super_columns_named_by_numbers(create):
    family = create('Super', 'LongType', 'LongType', subcomparator='IntegerType')
    family.insert('k', {0: {0: 5, 1: 6}, 1: {0: 7}})
    assert family.get('k', super_column=0) == {0: 5, 1: 6}
    assert family.get('k', [0], super_column=0) == {0: 5}
    assert family.get('k', column_finish=0) == {0: {0: 5, 1: 6}}
    family.remove('k', super_column=0)
    assert family.get('k') == {1: {0: 7}}
    family.remove('k', [0], 1)
    assert family.multiget(['k']) == {}


# --- counters --------------------------------------------------------------------------------------------------------

def test_counters(create):
    family = create('Counters', value='CounterColumnType')
    family.add('k', 'a')
    family.add('k', 'a', 5)
    family.add('k', 'b', -2)
    family.insert('k', {'a': 10, 'c': 2 ** 40})
    family.batch().insert('k', {'a': 1}).send()
    assert family.get('k') == {'a': 17, 'b': -2, 'c': 2 ** 40}
    assert family.get('k', ['a'], include_timestamp=True, include_ttl=True) == {'a': 17}
    assert family.get('k', include_timestamp=True) == {'a': 17, 'b': -2, 'c': 2 ** 40}
    for buffer_size in (1, 2, 10):
        assert list(family.xget('k', buffer_size=buffer_size, include_timestamp=True)) == [
            ('a', 17), ('b', -2), ('c', 2 ** 40)]
        assert [name for name, _ in family.xget('k', buffer_size=buffer_size, column_reversed=True)] == ['c', 'b', 'a']
    assert list(family.get_range()) == [('k', {'a': 17, 'b': -2, 'c': 2 ** 40})]
    assert (family.get_count('k'), family.multiget_count(['k'])) == (3, {'k': 3})
    family.remove_counter('k', 'a')
    family.remove('k', ['b'])
    assert family.get('k') == {'c': 2 ** 40}
    with pytest.raises(PackingError):
        family.insert('k', {'a': 1.5})


@reads_subcolumns
def test_counters_in_super_columns(create):
    family = create('Counters', value='CounterColumnType', subcomparator='LongType')
    family.add('k', 0, 3, super_column='s')
    family.insert('k', {'s': {0: 4, 1: 5}, 't': {2: 1}})
    assert family.get('k') == {'s': {0: 7, 1: 5}, 't': {2: 1}}
    assert family.get('k', super_column='s') == {0: 7, 1: 5}
    assert family.get('k', [0], super_column='s') == {0: 7}
    assert list(family.xget('k', buffer_size=1)) == [('s', {0: 7, 1: 5}), ('t', {2: 1})]
    family.remove_counter('k', 0, super_column='s')
    assert family.get('k') == {'s': {1: 5}, 't': {2: 1}}
    family.remove_counter('k', None, super_column='s')
    assert family.get('k') == {'t': {2: 1}}


# --- batches ---------------------------------------------------------------------------------------------------------

def test_batch_of_one_family(create):
    family = create('Standard')
    batch = family.batch(queue_size=10)
    batch.insert('key1', {'col1': 'value11', 'col2': 'value21'})
    batch.insert('key2', {'col1': 'value12', 'col2': 'value22'}, ttl=15)
    batch.remove('key1', ['col2'])
    assert list(family.get_range()) == []
    batch.send()
    assert family.multiget(['key1', 'key2']) == {'key1': {'col1': 'value11'},
                                                 'key2': {'col1': 'value12', 'col2': 'value22'}}
    family.batch().remove('key1').remove('key2').send()
    assert family.multiget(['key1', 'key2']) == {}


def test_the_same_key_twice_is_merged(create):
    family = create('Standard')
    with family.batch() as batch:
        batch.insert('k', {'a': '1'}).insert(b'k', {'b': '2'}).insert(bytearray(b'k'), {'c': '3'})
    assert family.get('k') == {'a': '1', 'b': '2', 'c': '3'}
    family.batch_insert({'k': {'d': '4'}, b'k': {'e': '5'}})
    assert family.get_count('k') == 5


def test_batch_of_several_families(create, connection):
    standard, supers = create('Standard'), create('Super', subcomparator='UTF8Type')
    counters = create('Counters', value='CounterColumnType')
    with Mutator(connection) as batch:
        batch.insert(standard, 'k', {'a': 'b'})
        batch.insert(supers, 'k', {'s': {'a': 'b'}, 't': {'c': 'd'}})
        batch.insert(counters, 'k', {'a': 2})
        batch.remove(supers, 'k', ['a'], 's', timestamp=1)
    assert standard.get('k') == {'a': 'b'}
    assert supers.get('k') == {'s': {'a': 'b'}, 't': {'c': 'd'}}
    assert counters.get('k') == {'a': 2}


def test_atomic_batch(create, connection):
    family, counters = create('Standard'), create('Counters', value='CounterColumnType')
    with family.batch(atomic=True) as batch:
        batch.insert('k', {'a': 'b'}).insert('l', {'c': 'd'})
    assert family.multiget(['k', 'l']) == {'k': {'a': 'b'}, 'l': {'c': 'd'}}
    batch = Mutator(connection, atomic=True).insert(counters, 'k', {'a': 1})
    with pytest.raises(InvalidRequestException):
        batch.send()
    batch.send(atomic=False)
    assert counters.get('k') == {'a': 1}


def test_a_batch_with_one_bad_mutation_writes_nothing_and_stays(create):
    family = create('Standard')
    batch = family.batch().insert('k', {'a': 'b'}).insert('', {'a': 'b'})
    with pytest.raises(InvalidRequestException):
        batch.send()
    assert [each.key for each in batch.pending] == ['k', '']
    with pytest.raises(NotFoundException):
        family.get('k')


def test_large_batches_are_divided(create, connection):
    family = create('Standard')
    connection.operations.max_request_bytes = 20_000
    columns = {f'c{number:04}': 'x' * 100 for number in range(1000)}
    family.insert('one', columns)
    assert family.get_count('one') == 1000
    family.batch_insert({f'row{number}': {'a': 'x' * 1000} for number in range(100)})
    assert len(list(family.get_range(column_count=1))) == 101
    with family.batch(queue_size=None) as batch:
        for number in range(100):
            batch.insert(f'row{number}', {'b': 'x' * 1000})
    assert set(family.multiget_count(f'row{number}' for number in range(100)).values()) == {2}
    with pytest.raises(RequestTooLarge):
        family.insert('big', {'a': 'x' * 30_000})
    assert family.get_count('big') == 0


# --- removing ranges of columns --------------------------------------------------------------------------------------

def test_remove_of_a_range_of_columns(create, server):
    family, pairs = create('Numbers', 'LongType', 'LongType'), create('Pairs', 'CompositeType(LongType,UTF8Type)')
    family.insert('k', {number: number for number in range(10)})
    if server.profile == '1.2':
        with pytest.raises(InvalidRequestException, match='SliceRange'):
            family.remove('k', column_start=0, column_finish=3)
        return
    pairs.insert('k', {(number, letter): '' for number in range(3) for letter in 'ab'})
    pairs.remove('k', column_start=(1,), column_finish=(1,))
    assert list(pairs.get('k')) == [(0, 'a'), (0, 'b'), (2, 'a'), (2, 'b')]
    family.remove('k', column_start=0, column_finish=3)
    assert list(family.get('k')) == [4, 5, 6, 7, 8, 9]
    with family.batch() as batch:
        batch.remove('k', column_start=8, column_finish=9)
    assert list(family.get('k')) == [4, 5, 6, 7]
    with pytest.raises(InvalidRequestException):
        family.remove('k', column_start=7, column_finish=4)
    assert list(family.get('k')) == [4, 5, 6, 7]


# --- types -----------------------------------------------------------------------------------------------------------

VALUES = {
    'BytesType': (b'\0\xff', 'text'), 'AsciiType': ('abc', b'abc'), 'UTF8Type': ('é', 'é'.encode()),
    'LongType': (-5, -5), 'Int32Type': (7, 7), 'IntegerType': (2 ** 100, 2 ** 100), 'FloatType': (0.5, 0.5),
    'DoubleType': (0.1, 0.1), 'DecimalType': (decimal.Decimal('1.50'), 3), 'BooleanType': (True, False),
    'DateType': (DAY, DAY), 'UUIDType': (ID, ID), 'TimeUUIDType': (ID, ID), 'LexicalUUIDType': (ID, ID),
    'CompositeType(LongType,UTF8Type)': ((1, 'a'), (2,)),
}


@pytest.mark.parametrize('kind', VALUES)
def test_values_and_keys_of_every_type(create, kind):
    first, second = VALUES[kind]
    family = create('Typed', 'UTF8Type', kind, kind)
    family.insert(first, {'a': first, 'b': second})
    row = family.get(first)
    assert row['a'] == first and type(row['a']) is type(first)
    (key, same), = family.get_range()
    assert (key, same) == (first, row)
    assert family.multiget([first]) == {first: row}


def test_validators_of_single_columns(create):
    family = create('Standard', columns={b'number': 'LongType', b'when': 'DateType', b'done': 'BooleanType'})
    row = {'done': True, 'name': 'x', 'number': 5, 'when': DAY}
    family.insert('k', row)
    assert family.get('k') == row
    assert family.get('k', ['number']) == {'number': 5}
    family.batch().insert('k', {'number': 6}).send()
    assert dict(family.xget('k'))['number'] == 6
    assert dict(family.get_range())['k']['when'] == DAY
    with pytest.raises(PackingError, match='number'):
        family.insert('k', {'number': 'x'})


def test_times_slice_time_uuids(create):
    family = create('Times', 'TimeUUIDType')
    start = datetime.datetime(2011, 1, 1)
    steps = [start + datetime.timedelta(seconds=number) for number in range(5)]
    for step in steps:
        family.insert('k', {step: step.isoformat()})
    found = family.get('k', column_start=steps[1], column_finish=steps[3])
    assert list(found.values()) == [step.isoformat() for step in steps[1:4]]
    found = family.get('k', column_start=steps[3], column_finish=steps[1], column_reversed=True)
    assert list(found.values()) == [step.isoformat() for step in steps[3:0:-1]]


def test_bytes_encoding(create, connection):
    family = create('Raw', 'BytesType', 'BytesType', 'BytesType')
    family.insert('clé', {'é': b'\xff'})
    assert family.get('clé') == {'é'.encode(): b'\xff'}
    assert list(family.get_range()) == [('clé'.encode(), {'é'.encode(): b'\xff'})]
    text = ColumnFamily(connection, 'Raw', bytes_encoding='utf-8')
    assert text.get('clé') == {'é': '\udcff'}
    text.insert('clé', text.get('clé'))
    assert list(text.get_range()) == [('clé', {'é': '\udcff'})]
    assert family.get('clé') == {'é'.encode(): b'\xff'}


def test_autopacking_off(create, connection):
    family = create('Numbers', 'LongType', 'LongType', 'LongType')
    family.insert(1, {2: 3})
    raw = ColumnFamily(connection, 'Numbers', autopack_names=False, autopack_values=False, autopack_keys=False)
    one, two, three = (number.to_bytes(8, 'big') for number in (1, 2, 3))
    assert raw.get(one) == {two: three}
    assert list(raw.get_range()) == [(one, {two: three})]
    assert list(raw.xget(one, buffer_size=1)) == [(two, three)]
    assert raw.multiget([one]) == {one: {two: three}}
    raw.insert(one, {three: two})
    assert family.get(1) == {2: 3, 3: 2}


def test_users_own_types(create):
    class Decade(types.CassandraType):
        @staticmethod
        def pack(value):
            return str(value // 10)

        @staticmethod
        def unpack(data):
            return int(data) * 10

    family = create('Raw', 'BytesType', 'BytesType', 'BytesType')
    family.column_name_class = family.default_validation_class = family.key_validation_class = Decade()
    family.insert(1990, {2000: 2010})
    assert family.get(1990) == {2000: 2010}
    assert family.get(1990, column_start=2000, column_finish=2009) == {2000: 2010}
    assert list(family.get_range(buffer_size=1)) == [(1990, {2000: 2010})]
    assert list(family.xget(1990)) == [(2000, 2010)]
    family.batch().remove(1990, [2005]).send()
    assert family.multiget([1990]) == {}


# --- indexes ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def indexed(create):
    columns = {b'state': ColumnDef(name=b'state', validation_class='UTF8Type', index_type=IndexType.KEYS,
                                   index_name='facade_state_idx'), b'born': 'LongType'}
    family = create('Users', columns=columns)
    family.batch_insert({f'user{number}': {'state': 'UT' if number % 2 else 'NY', 'born': 1960 + number}
                         for number in range(20)})
    return family


@pytest.mark.parametrize('buffer_size', [1, 2, 3, 100])
def test_get_indexed_slices(indexed, buffer_size):
    clause = create_index_clause([create_index_expression('state', 'UT')])
    found = list(indexed.get_indexed_slices(clause, buffer_size=buffer_size))
    assert sorted(key for key, _ in found) == sorted(f'user{number}' for number in range(1, 20, 2))
    assert all(row['state'] == 'UT' and isinstance(row['born'], int) for _, row in found)
    few = create_index_clause([create_index_expression('state', 'UT')], count=3)
    assert list(indexed.get_indexed_slices(few, buffer_size=buffer_size)) == found[:3]
    rest = create_index_clause([create_index_expression('state', 'UT')], start_key=found[4][0], count=None)
    assert list(indexed.get_indexed_slices(rest, buffer_size=buffer_size)) == found[4:]
    between = create_index_clause([create_index_expression('state', 'UT'), create_index_expression('born', 1965, GT),
                                   create_index_expression('born', 1970, LT)])
    assert sorted(indexed.get_indexed_slices(between, columns=['born'], buffer_size=buffer_size)) == [
        ('user7', {'born': 1967}), ('user9', {'born': 1969})]
    # Servers since 3.0 test what they were asked for only.
    assert sorted(indexed.get_indexed_slices(between, columns=['state'], buffer_size=buffer_size)) == [
        ('user7', {'state': 'UT'}), ('user9', {'state': 'UT'})]


def test_index_clauses_that_are_refused(indexed, create):
    with pytest.raises(InvalidRequestException):
        list(indexed.get_indexed_slices(create_index_clause([create_index_expression('born', 1965)])))
    supers = create('Super', subcomparator='UTF8Type')
    with pytest.raises(AssertionError):
        list(supers.get_indexed_slices(create_index_clause([create_index_expression('a', 'b')])))


# --- schema, keyspaces, truncate -------------------------------------------------------------------------------------

def test_family_that_does_not_exist(connection, keyspace):
    with pytest.raises(NotFoundException) as caught:
        ColumnFamily(connection, 'Nowhere')
    assert 'Nowhere' in caught.value.why and keyspace in caught.value.why


def test_connection_without_keyspace_finds_the_family(create, connection, keyspace, server):
    name = f'Only_{keyspace}'
    create(name).insert('k', {'a': 'b'})
    with server.connect() as other:
        family = ColumnFamily(other, name)
        assert other.keyspace == keyspace
        assert family.get('k') == {'a': 'b'}
        with pytest.raises(NotFoundException) as caught:
            ColumnFamily(other, 'Nowhere_at_all')
        assert keyspace in caught.value.why


def test_two_families_of_one_name(create, connection, keyspace, raw_client, server):
    from pycassa.cassandra.ttypes import CfDef, KsDef
    name = f'Twice_{keyspace}'
    create(name)
    other = keyspace + '_2'
    raw_client.system_add_keyspace(KsDef(name=other, strategy_class='SimpleStrategy', strategy_options={
        'replication_factor': '1'}, cf_defs=[CfDef(keyspace=other, name=name, comparator_type='LongType')]))
    try:
        with server.connect() as client:
            with pytest.raises(ConfigurationError, match=other):
                ColumnFamily(client, name)
            first, second = ColumnFamily(client, keyspace, name), ColumnFamily(client, other, name)
            first.insert('k', {'a': 'b'})
            second.insert(b'k', {5: b'c'})
            assert first.get('k') == {'a': 'b'}
            assert second.get(b'k') == {5: b'c'}
    finally:
        raw_client.system_drop_keyspace(other)
        raw_client.set_keyspace(keyspace)


def test_truncate(create):
    family = create('Standard')
    filled(family)
    family.truncate()
    assert list(family.get_range()) == []


def test_pool(create, keyspace, server):
    create('Standard')
    pool = server.pool(keyspace)
    try:
        family = ColumnFamily(pool, 'Standard')
        columns = filled(family)
        assert family.get('k') == family.multiget(['k'])['k'] == dict(family.xget('k', buffer_size=2)) == columns
        with family.batch() as batch:
            batch.insert('l', {'a': 'b'}).remove('k')
        assert list(family.get_range()) == [('l', {'a': 'b'})]
        connection = pool.get()
        assert ColumnFamily(connection, 'Standard').get('l') == {'a': 'b'}
        connection.return_to_pool()
        assert pool.checkedout() == 0
        assert list(family.get_range(start_token=0, finish_token=0)) == [('l', {'a': 'b'})]
    finally:
        pool.dispose()
