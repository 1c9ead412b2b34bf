"""What jobs written for 1.x turned out to need: one or more tests for each demand that running such jobs showed."""
import datetime
import functools
import os
import pathlib
import subprocess
import sys
import uuid

import pytest
from thrift.transport.TTransport import TTransportException

import pycassa
import pycassa.batch
import pycassa.columnfamily
import pycassa.pool
import pycassa.util
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import (
    Column,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ConsistencyLevel,
    Mutation,
    SlicePredicate,
    SliceRange,
)
from pycassa.system_manager import SystemManager
from pycassa.types import CassandraType, IntegerType, LongType, UTF8Type

from ..undertest import reads_subcolumns

ONE = ConsistencyLevel.ONE
EVERYTHING = SlicePredicate(slice_range=SliceRange(start=b'', finish=b'', reversed=False, count=100))
NOWHERE = '127.0.0.1:1'


@pytest.fixture
def cf(create):
    return create('Standard')


# --- results -----------------------------------------------------------------------------------------------------

def test_results_are_popped_from_either_end(cf):
    cf.insert('k', {name: name.upper() for name in 'abcd'})
    for row in (cf.get('k'), cf.multiget(['k'])['k'], next(cf.get_range())[1]):
        assert row.popitem(last=False) == ('a', 'A')
        assert row.popitem() == ('d', 'D') == ('d', 'D')
        assert row.popitem(last=True) == ('c', 'C')
        row.move_to_end('b')
        assert list(row) == ['b'] and isinstance(row, dict)
    for key in 'xyz':
        cf.insert(key, {'a': 'A'})
    assert cf.multiget(['z', 'x', 'y']).popitem(last=False)[0] == 'z'
    assert cf.multiget_count(['z', 'x']).popitem(last=False) == ('z', 1)


def test_subcolumns_are_popped_from_either_end(create):
    cf = create('Super', subcomparator='UTF8Type')
    cf.insert('k', {'s': {'a': 'A', 'b': 'B'}, 't': {'c': 'C'}})
    row = cf.get('k')
    assert row['s'].popitem(last=False) == ('a', 'A')
    assert row.popitem(last=False)[0] == 's'


def test_multiget_gives_the_rows_in_the_order_of_the_keys_over_pages(cf):
    names = [f'row{number:02}' for number in range(40)]
    cf.batch_insert({name: {'a': name} for name in names})
    asked = names[::-1] + ['missing'] + names[:3]
    for buffer_size in (1, 2, 7, 1024):
        found = cf.multiget(asked, buffer_size=buffer_size)
        assert list(found) == names[::-1]
        assert all(row == {'a': key} for key, row in found.items())
        counted = cf.multiget_count(asked, buffer_size=buffer_size)
        assert list(counted) == [*names[::-1], 'missing'] and counted['missing'] == 0


# --- text --------------------------------------------------------------------------------------------------------

def test_the_text_switch_holds_with_autopacking_off(create):
    cf = create('Bytes', 'BytesType', 'BytesType', 'BytesType', options={
        'autopack_keys': False, 'autopack_names': False, 'autopack_values': False, 'bytes_encoding': 'utf-8'})
    cf.insert('kéy', {'näme': 'välue', b'\xff\x00': b'\xfe'})
    row = {'näme': 'välue', '\udcff\0': '\udcfe'}
    assert cf.get('kéy') == cf.get('kéy'.encode()) == row
    assert cf.multiget(['kéy']) == {'kéy': row}
    assert list(cf.get_range()) == [('kéy', row)]
    assert list(cf.xget('kéy')) == list(row.items())
    # What came out goes in again.
    cf.insert('again', cf.get('kéy'))
    assert cf.get('again', columns=['\udcff\0']) == {'\udcff\0': '\udcfe'}


@pytest.mark.parametrize('off, text', [
    ('autopack_keys', ('k', b'n', b'v')),
    ('autopack_names', (b'k', 'n', b'v')),
    ('autopack_values', (b'k', b'n', 'v'))])
def test_each_part_with_autopacking_off_follows_the_switch(pool, define, off, text):
    """The types of the schema hold for the other parts; here they are numbers, which the switch does not concern."""
    name = define('Numbers', 'LongType', 'LongType', 'LongType')
    parts = {'autopack_keys': 5, 'autopack_names': 6, 'autopack_values': 7}
    packed = {part: number.to_bytes(8, 'big') for part, number in parts.items()}
    plain = pycassa.ColumnFamily(pool, name, **{off: False})
    plain.insert(*_row({**parts, off: packed[off]}))
    encoded = pycassa.ColumnFamily(pool, name, bytes_encoding='utf-8', **{off: False})
    (key, columns), = encoded.get_range()
    assert (key, columns) == _row({**parts, off: packed[off].decode()})
    (key, columns), = plain.get_range()
    assert (key, columns) == _row({**parts, off: packed[off]})


def _row(parts):
    return parts['autopack_keys'], {parts['autopack_names']: parts['autopack_values']}


# --- arguments -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('ttl', [3600.9, datetime.timedelta(hours=1, milliseconds=900).total_seconds(), 3600])
def test_a_float_ttl_is_cut_to_whole_seconds(cf, ttl):
    cf.insert('inserted', {'a': 'A'}, ttl=ttl)
    cf.batch_insert({'batch': {'a': 'A'}}, ttl=ttl)
    cf.batch().insert('queued', {'a': 'A'}, ttl=ttl).send()
    for key in ('inserted', 'batch', 'queued'):
        assert cf.get(key, include_ttl=True) == {'a': ('A', 3600)}


@pytest.mark.parametrize('kind', [
    set, frozenset, tuple, iter, dict.fromkeys, lambda names: dict.fromkeys(names).keys(),
    lambda names: dict(zip(names, names)).values(), lambda names: (name for name in names)])
def test_keys_and_columns_may_be_any_iterable(cf, kind):
    cf.insert('k', {name: name.upper() for name in 'abcd'})
    cf.insert('l', {name: name.upper() for name in 'ab'})
    both, wanted = {'a': 'A', 'b': 'B'}, ['a', 'b']
    assert cf.get('k', columns=kind(wanted)) == both
    assert cf.get('k', columns=kind(['c'])) == {'c': 'C'}
    assert cf.multiget(kind(['k', 'l']), columns=kind(wanted)) == {'k': both, 'l': both}
    assert cf.multiget_count(kind(['k', 'l']), columns=kind(wanted)) == {'k': 2, 'l': 2}
    assert cf.get_count('k', columns=kind(wanted)) == 2
    assert dict(cf.get_range(columns=kind(wanted), buffer_size=1)) == {'k': both, 'l': both}
    cf.remove('k', columns=kind(wanted))
    assert cf.get('k') == {'c': 'C', 'd': 'D'}
    cf.batch().remove('k', columns=kind(['c'])).send()
    assert cf.get('k') == {'d': 'D'}
    cf.remove('k', columns=kind([]))
    assert cf.get('k') == {'d': 'D'}


@pytest.mark.given(auth=None, tls=None)
def test_unknown_keywords_are_passed_over_where_1_11_did(server, keyspace, make_pool):
    pool = make_pool(username='jsmith', password='havebadpass', framed_transport=True)
    assert pool.execute('describe_version').count('.') == 2
    manager = server.manager()
    try:
        manager.create_column_family(keyspace, 'Passed', comparator_type=UTF8Type(), column_name_class=LongType(),
                                     no_such_option=1)
        assert pycassa.ColumnFamily(pool, 'Passed').column_name_class == 'UTF8Type'
        manager.alter_column_family(keyspace, 'Passed', comment='text', column_name_class='x')
        assert manager.get_keyspace_column_families(keyspace)['Passed'].comment == 'text'
    finally:
        manager.close()


def test_names_that_old_modules_let_through():
    assert pycassa.util.uuid is uuid
    assert pycassa.util.OrderedDict([('a', 1)]).popitem(last=False) == ('a', 1)
    assert pycassa.columnfamily.ColumnParent is ColumnParent
    assert pycassa.columnfamily.ColumnPath is ColumnPath
    assert pycassa.columnfamily.NotFoundException is pycassa.NotFoundException
    assert pycassa.pool.MaximumRetryException is pycassa.MaximumRetryException
    assert pycassa.batch.Mutation is Mutation


@pytest.mark.parametrize('module, names', [
    ('pycassa', 'ColumnFamily ConnectionPool SystemManager connect NotFoundException'),
    ('pycassa.system_manager', 'SystemManager UTF8_TYPE LONG_TYPE SIMPLE_STRATEGY KEYS_INDEX'),
    ('pycassa.types', 'UTF8Type LongType CompositeType TimeUUIDType'),
    ('pycassa.pool', 'ConnectionPool QueuePool PoolListener AllServersUnavailable MaximumRetryException'),
    ('pycassa.columnfamily', 'ColumnFamily PooledColumnFamily gm_timestamp'),
    ('pycassa.columnfamilymap', 'ColumnFamilyMap create_instance'),
    ('pycassa.index', 'create_index_clause create_index_expression EQ GT LTE'),
    ('pycassa.batch', 'Mutator CfMutator'),
    ('pycassa.cassandra.ttypes', 'NotFoundException ColumnParent ConsistencyLevel CfDef'),
    ('pycassa.util', 'convert_time_to_uuid OrderedDict'),
    ('pycassa.connection', 'Connection'),
])
def test_star_imports(module, names):
    found = {}
    exec(f'from {module} import *', found)
    assert set(names.split()) <= found.keys()


def test_types_compare_equal_to_their_names(create, server):
    cf = create('Dates', value='DateType', columns={b'age': 'LongType', b'id': 'TimeUUIDType'})
    # Cassandra 3.11 may store the type that took DateType's place.
    expected = 'DateType' if server.profile == '2.1' else cf._cfdef.default_validation_class.rpartition('.')[2]
    assert cf.default_validation_class == expected and expected in ('DateType', 'TimestampType')
    assert cf.column_validators['age'] == 'LongType' and cf.column_validators['id'] == 'TimeUUIDType'
    assert cf.column_name_class == 'UTF8Type' and cf.default_validation_class != 'LongType'
    assert [cf.default_validation_class].index(expected) == 0


@pytest.mark.given(auth=None, tls=None)
@pytest.mark.parametrize('servers', [frozenset, list, tuple, iter, str, lambda servers: lambda: servers])
def test_empty_credentials_and_kinds_of_server_lists(server, define, make_pool, servers):
    given = server.address if servers is str else servers([server.address])
    cf = pycassa.ColumnFamily(make_pool(server_list=given, credentials={}), define('Odd'))
    cf.insert('k', {'a': 'A'})
    assert cf.get('k') == {'a': 'A'}


def test_a_column_count_of_ten_million(cf):
    cf.insert('k', {f'{number:03}': 'x' for number in range(150)})
    assert len(cf.get('k')) == 100
    many = 10_000_000
    assert len(cf.get('k', column_count=many)) == 150
    assert len(cf.multiget(['k'], column_count=many)['k']) == 150
    assert len(list(cf.xget('k', column_count=many, buffer_size=20))) == 150
    assert [len(row) for _, row in cf.get_range(column_count=many)] == [150]
    assert cf.get_count('k', max_count=many) == 150


def test_the_keys_alone(cf):
    cf.batch_insert({key: {'a': 'A'} for key in 'abcde'})
    for buffer_size in (1, 2, 1024):
        rows = list(cf.get_range(column_count=0, filter_empty=False, buffer_size=buffer_size))
        assert sorted(key for key, _ in rows) == list('abcde') and all(row == {} for _, row in rows)


def test_attributes_that_jobs_read(cf, keyspace):
    assert cf.batch()._column_family is cf
    assert cf._cfdef.name == 'Standard' and cf._cfdef.keyspace == keyspace
    assert cf._cfdef.comparator_type.endswith('UTF8Type')
    assert cf.pool.keyspace == keyspace and cf.column_family == 'Standard' and cf.super is False


# --- no server ---------------------------------------------------------------------------------------------------

def test_no_server_at_all():
    with pytest.raises(TTransportException):
        SystemManager(NOWHERE)
    with pytest.raises(pycassa.AllServersUnavailable) as caught:
        pycassa.ConnectionPool('Keyspace1', [NOWHERE])
    assert isinstance(caught.value.__cause__, TTransportException)
    with pytest.raises(pycassa.AllServersUnavailable) as caught:
        pycassa.ColumnFamily(pycassa.ConnectionPool('Keyspace1', [NOWHERE], prefill=False), 'Standard1')
    assert isinstance(caught.value.__cause__, TTransportException)


# --- removals ----------------------------------------------------------------------------------------------------

def test_remove_keeps_the_callers_timestamp(cf):
    cf.insert('k', {'a': 'A', 'b': 'B'}, timestamp=1000)
    assert cf.remove('k', timestamp=999) == 999
    assert cf.get('k') == {'a': 'A', 'b': 'B'}
    assert cf.remove('k', columns=['a'], timestamp=1000) == 1000
    assert cf.get('k') == {'b': 'B'}
    # What was written after the removal's timestamp, though before its call, is there.
    cf.insert('k', {'a': 'again'}, timestamp=1001)
    assert cf.get('k', include_timestamp=True) == {'a': ('again', 1001), 'b': ('B', 1000)}


@pytest.mark.parametrize('of_family', [True, False])
def test_a_batch_keeps_the_timestamps_of_removals(cf, of_family):
    cf.insert('k', {'a': 'A', 'b': 'B', 'c': 'C'}, timestamp=1000)
    batch = cf.batch() if of_family else Mutator(cf.pool)
    remove = batch.remove if of_family else functools.partial(batch.remove, cf)
    remove('k', timestamp=999)
    remove('k', ['a'], timestamp=1000)
    remove('k', ['b'], timestamp=999)
    batch.send()
    assert cf.get('k') == {'b': 'B', 'c': 'C'}
    cf.insert('k', {'a': 'again'}, timestamp=1001)
    assert cf.get('k')['a'] == 'again'


def test_super_columns_are_removed_with_the_callers_timestamp(create):
    cf = create('Super', subcomparator='UTF8Type')
    cf.insert('k', {'s': {'a': 'A'}, 't': {'b': 'B'}}, timestamp=1000)
    cf.remove('k', super_column='s', timestamp=999)
    assert cf.get('k') == {'s': {'a': 'A'}, 't': {'b': 'B'}}
    cf.remove('k', super_column='s', timestamp=1000)
    assert cf.get('k') == {'t': {'b': 'B'}}


# --- the Thrift interface ----------------------------------------------------------------------------------------

def test_raw_calls_on_pool_connections(pool, cf):
    """A ColumnPath where a ColumnParent is due, and names and values as bytes."""
    conn = pool.get()
    try:
        path = ColumnPath(column_family='Standard')
        conn.insert(b'k', path, Column(name=b'a', value=b'A', timestamp=1), ONE)
        assert conn.get_slice(b'k', path, EVERYTHING, ONE)[0].column.value == b'A'
        assert conn.get_count(b'k', path, EVERYTHING, ONE) == 1
        assert list(conn.multiget_slice([b'k'], path, EVERYTHING, ONE)) == [b'k']
        found = conn.get(b'k', ColumnPath(column_family='Standard', column=b'a'), ONE)
        assert (found.column.name, found.column.value, found.column.timestamp) == (b'a', b'A', 1)
        conn.batch_mutate({b'k': {'Standard': [Mutation(column_or_supercolumn=ColumnOrSuperColumn(
            column=Column(name=b'b', value=b'B', timestamp=2)))]}}, ONE)
        conn.remove(b'k', ColumnPath(column_family='Standard', column=b'a'), 3, ONE)
    finally:
        conn.return_to_pool()
    assert cf.get('k') == {'b': 'B'}
    assert pool.execute('get_count', b'k', ColumnPath(column_family='Standard'), EVERYTHING, ONE) == 1


# --- hooks of subclasses and patches -----------------------------------------------------------------------------

WATCHED = ('get', 'get_slice', 'multiget_slice', 'get_count', 'multiget_count', 'get_range_slices', 'batch_mutate',
           'atomic_batch_mutate', 'insert', 'remove', 'add', 'remove_counter', 'truncate', 'describe_keyspace')


class WatchingPool(pycassa.ConnectionPool):
    """Wraps the Thrift methods of each connection, as monitoring agents of the time did."""

    def __init__(self, *args, **kwargs):
        self.seen = []
        pycassa.ConnectionPool.__init__(self, *args, **kwargs)

    def _get_new_wrapper(self, server):
        wrapper = pycassa.ConnectionPool._get_new_wrapper(self, server)
        for name in WATCHED:
            setattr(wrapper, name, self._watched(name, getattr(wrapper, name)))
        return wrapper

    def _watched(self, name, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            self.seen.append(name)
            return function(*args, **kwargs)
        return call


def test_a_pool_that_wraps_thrift_methods_sees_all_calls(make_pool, define):
    pool = make_pool(WatchingPool)
    cf = pycassa.ColumnFamily(pool, define('Standard'))
    assert pool.seen == ['describe_keyspace']

    def calls(function):
        del pool.seen[:]
        return function(), pool.seen[:]

    assert calls(lambda: cf.insert('k', {'a': 'A', 'b': 'B'}))[1] == ['batch_mutate']
    assert calls(lambda: cf.get('k')) == ({'a': 'A', 'b': 'B'}, ['get_slice'])
    assert calls(lambda: cf.get('k', columns=['a'])) == ({'a': 'A'}, ['get'])
    assert calls(lambda: cf.multiget(['k', 'l'])) == ({'k': {'a': 'A', 'b': 'B'}}, ['multiget_slice'])
    assert calls(lambda: list(cf.xget('k'))) == ([('a', 'A'), ('b', 'B')], ['get_slice'])
    assert calls(lambda: cf.get_count('k')) == (2, ['get_count'])
    assert calls(lambda: cf.multiget_count(['k'])) == ({'k': 2}, ['multiget_count'])
    assert calls(lambda: list(cf.get_range())) == ([('k', {'a': 'A', 'b': 'B'})], ['get_range_slices'])
    assert calls(lambda: cf.batch_insert({'l': {'a': 'A'}}))[1] == ['batch_mutate']
    assert calls(lambda: cf.batch().insert('l', {'b': 'B'}).remove('l', ['a']).send())[1] == ['batch_mutate']
    assert cf.get('l') == {'b': 'B'}
    assert calls(lambda: cf.remove('l'))[1] in (['batch_mutate'], ['remove'])
    with pytest.raises(pycassa.NotFoundException):
        cf.get('l')
    assert calls(cf.truncate)[1] == ['truncate']


def test_a_pool_that_wraps_thrift_methods_sees_counters(make_pool, define):
    pool = make_pool(WatchingPool)
    cf = pycassa.ColumnFamily(pool, define('Counters', value='CounterColumnType'))
    del pool.seen[:]
    cf.add('k', 'a', 5)
    cf.insert('k', {'a': 2})
    assert cf.get('k') == {'a': 7}
    cf.remove_counter('k', 'a')
    assert pool.seen == ['add', 'batch_mutate', 'get_slice', 'remove_counter']


def wrapping(seen, name, function):
    @functools.wraps(function)
    def wrapper(self, *args, **kwargs):
        seen.append(name)
        return function(self, *args, **kwargs)
    return wrapper


def test_wrappers_assigned_over_methods(cf, monkeypatch):
    seen = []
    for name in ('get', 'multiget', 'xget', 'get_range', 'insert', 'remove'):
        monkeypatch.setattr(pycassa.ColumnFamily, name, wrapping(seen, name, getattr(pycassa.ColumnFamily, name)))
    monkeypatch.setattr(Mutator, 'send', wrapping(seen, 'send', Mutator.send))
    cf.insert('k', {'a': 'A'})
    assert cf.get('k') == {'a': 'A'}
    assert cf.multiget(['k']) == {'k': {'a': 'A'}}
    assert list(cf.xget('k')) == [('a', 'A')]
    assert list(cf.get_range()) == [('k', {'a': 'A'})]
    with cf.batch() as batch:
        batch.insert('k', {'b': 'B'})
    cf.batch(queue_size=1).insert('k', {'c': 'C'})
    assert [name for name in seen if name != 'send'] == ['insert', 'get', 'multiget', 'xget', 'get_range']
    assert seen.count('send') >= 2
    cf.remove('k')
    assert 'remove' in seen and list(cf.xget('k')) == []


def test_methods_hung_on_column_family(cf, monkeypatch):
    def get_or_default(self, key, default=None, **kwargs):
        try:
            return self.get(key, **kwargs)
        except pycassa.NotFoundException:
            return default

    monkeypatch.setattr(pycassa.ColumnFamily, 'get_or_default', get_or_default, raising=False)
    assert cf.get_or_default('k', 'nothing') == 'nothing'
    cf.insert('k', {'a': 'A'})
    assert cf.get_or_default('k', columns=['a']) == {'a': 'A'}


class Version(CassandraType):
    """A type of a user's own: 'major.minor' as two bytes."""

    @staticmethod
    def pack(version, *args, **kwargs):
        return bytes(int(part) for part in version.split('.'))

    @staticmethod
    def unpack(data):
        return '.'.join(str(byte) for byte in data)


def test_own_types_assigned_to_the_class_attributes(create):
    cf = create('Own', 'BytesType', 'BytesType', 'BytesType')
    cf.column_name_class = cf.default_validation_class = cf.key_validation_class = Version()
    cf.column_validators['1.0'] = IntegerType()
    row = {'1.0': 42, '1.2': '3.4', '2.0': '0.0'}
    cf.insert('9.9', row)
    assert cf.get('9.9') == row and list(cf.get_range()) == [('9.9', row)]
    assert list(cf.xget('9.9', column_start='1.1', buffer_size=2)) == [('1.2', '3.4'), ('2.0', '0.0')]
    cf.batch().remove('9.9', ['1.0']).insert('9.8', {'1.0': 1}).send()
    assert cf.multiget(['9.9', '9.8']) == {'9.9': {'1.2': '3.4', '2.0': '0.0'}, '9.8': {'1.0': 1}}


def test_own_types_in_super_column_families(create):
    cf = create('OwnSuper', 'BytesType', 'BytesType', 'BytesType', subcomparator='BytesType')
    cf.super_column_name_class = cf.column_name_class = cf.default_validation_class = Version()
    cf.insert(b'k', {'1.0': {'0.1': '0.2'}, '2.0': {'0.3': '0.4'}})
    assert cf.get(b'k') == {'1.0': {'0.1': '0.2'}, '2.0': {'0.3': '0.4'}}
    assert cf.get(b'k', super_column='2.0') == {'0.3': '0.4'}
    cf.remove(b'k', super_column='2.0', columns=['0.3'])
    assert list(cf.xget(b'k')) == [('1.0', {'0.1': '0.2'})]


# --- the mapper --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('comparator', ['UTF8Type', 'AsciiType', 'BytesType'])
def test_names_of_mapped_attributes_are_text(pool, define, comparator):
    class User:
        key = UTF8Type()
        name = UTF8Type()
        age = IntegerType(default=1)

    users = pycassa.ColumnFamilyMap(User, pool, define('Users', comparator, 'BytesType'), raw_columns=True)
    user = pycassa.columnfamilymap.create_instance(User, key='jsmith', name='J. Smith', age=33)
    users.insert(user)
    found = users.get('jsmith')
    assert (found.key, found.name, found.age) == ('jsmith', 'J. Smith', 33)
    assert sorted(found.raw_columns) == ['age', 'name']
    assert all(type(name) is str for name in [*found.raw_columns, *vars(found), *users.fields])
    instance, = users.get_range()
    assert instance.name == 'J. Smith'
    users.remove(user, columns=['age'])
    assert users.multiget(['jsmith'])['jsmith'].age == 1


# --- a job of Python 2 -------------------------------------------------------------------------------------------

@pytest.mark.given(auth=None, tls=None)
@reads_subcolumns
def test_a_job_of_python_2_runs_unchanged(server, keyspace, define):
    """In a process of its own, with nothing but PYCASSA_BYTES_ENCODING=utf-8 set for it."""
    for kind in ('Pooled', 'Early'):
        define(kind, 'BytesType', 'BytesType', 'BytesType')
        define(kind + 'Super', 'BytesType', 'BytesType', 'BytesType', subcomparator='BytesType')
    root = str(pathlib.Path(pycassa.__file__).parents[1])
    job = pathlib.Path(__file__).with_name('python2_job.py')
    done = subprocess.run([sys.executable, str(job), server.address, keyspace], capture_output=True, text=True,
                          timeout=120, env={**os.environ, 'PYCASSA_BYTES_ENCODING': 'utf-8', 'PYTHONPATH': root})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == 'all rows came back'
