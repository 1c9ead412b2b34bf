"""The mapper's examples of both seed documents, under names that real servers accept."""
import datetime
import struct
import time

import pytest

from pycassa import types
from pycassa.cassandra.ttypes import NotFoundException
from pycassa.columnfamily import ColumnFamily
from pycassa.columnfamilymap import ColumnFamilyMap

from ..undertest import reads_subcolumns


def mapped_class():
    class Test:
        string_column = types.String(default='Your Default')
        int_str_column = types.IntString(default=5)
        float_str_column = types.FloatString(default=8.0)
        float_column = types.Float64(default=0.0)
        datetime_str_column = types.DateTimeString()  # default=None
    return Test


NOW = datetime.datetime(2009, 12, 23, 17, 6, 3, 123456)
WRITTEN = {'string_column': 'string test', 'int_str_column': 18, 'float_str_column': 35.8, 'float_column': 35.8,
           'datetime_str_column': NOW.replace(microsecond=0)}
DEFAULTS = {'string_column': 'Your Default', 'int_str_column': 5, 'float_str_column': 8.0, 'float_column': 0.0,
            'datetime_str_column': None}
STORED = {'string_column': 'string test', 'int_str_column': '18', 'float_str_column': '35.8',
          'datetime_str_column': '2009-12-23 17:06:03'}


def state(instance):
    return {name: value for name, value in vars(instance).items() if name not in ('key', 'super_column')}


def instance_of(cls, key='maptest', **attributes):
    t = cls()
    t.key = key
    t.string_column = 'string test'
    t.int_str_column = 18
    t.float_column = t.float_str_column = 35.8
    t.datetime_str_column = NOW
    for name, value in attributes.items():
        setattr(t, name, value)
    return t


@pytest.fixture(params=['text', 'bytes', 'bytes with an encoding'])
def cf(request, client):
    if request.param == 'text':
        return ColumnFamily(client, request.getfixturevalue('text_family'))
    encoding = 'utf-8' if 'encoding' in request.param else None
    return ColumnFamily(client, request.getfixturevalue('bytes_family'), bytes_encoding=encoding)


def test_instances_are_stored_read_and_removed(cf):
    Test = mapped_class()
    Test.objects = ColumnFamilyMap(Test, cf)
    t = instance_of(Test)
    before = int(time.time() * 1e6)
    assert before <= Test.objects.insert(t) <= int(time.time() * 1e6)

    assert Test.objects.get(t.key).string_column == 'string test'
    assert Test.objects.get(t.key).int_str_column == 18
    assert Test.objects.get(t.key).float_column == 35.799999999999997
    assert Test.objects.get(t.key).datetime_str_column == datetime.datetime(2009, 12, 23, 17, 6, 3)
    assert state(Test.objects.get(t.key)) == WRITTEN
    assert Test.objects.get(t.key).key == t.key

    found = Test.objects.multiget([t.key])
    assert list(found) == ['maptest'] and state(found['maptest']) == WRITTEN
    (only,) = Test.objects.get_range()
    assert type(only) is Test and state(only) == WRITTEN
    # The documents print 7: their class had two columns more when it was run.
    assert Test.objects.get_count(t.key) == len(WRITTEN) == 5

    assert isinstance(Test.objects.remove(t), int)
    with pytest.raises(NotFoundException):
        Test.objects.get(t.key)
    Test.objects.remove(t)
    (removed,) = Test.objects.get_range()
    assert type(removed) is Test and state(removed) == DEFAULTS
    assert list(Test.objects.get_range())[0].string_column == 'Your Default'


def test_what_is_stored(client, text_family):
    """Text is stored as text, and Float64 as the machine's own double: nothing is packed twice."""
    Test, cf = mapped_class(), ColumnFamily(client, text_family)
    ColumnFamilyMap(Test, cf).insert(instance_of(Test))
    assert cf.get('maptest') == dict(STORED, float_column=struct.pack('=d', 35.8))


def test_defaults_are_filled_in_when_a_column_does_not_exist(cf):
    Test = mapped_class()
    Test.objects = ColumnFamilyMap(Test, cf)
    cf.insert('old', {'string_column': 'stored before', 'no_attribute': 'x'})
    assert state(Test.objects.get('old')) == dict(DEFAULTS, string_column='stored before')


def test_the_documents_own_column_type(client, text_family, bytes_family):
    class IntString(types.Column):
        def pack(self, val):
            return str(val)

        def unpack(self, val):
            return int(val)

    class Test:
        number = IntString(default=1)

    for name in (text_family, bytes_family):
        objects = ColumnFamilyMap(Test, ColumnFamily(client, name))
        t = Test()
        t.key, t.number = 'k', 42
        objects.insert(t)
        assert objects.get('k').number == 42


@reads_subcolumns
def test_super_columns(client, super_family):
    Test, cf = mapped_class(), ColumnFamily(client, super_family, super=True)
    Test.objects = ColumnFamilyMap(Test, cf)
    t = instance_of(Test, 'key1', super_column='super1', string_column='foobar', int_str_column=5)
    Test.objects.insert(t)
    expected = dict(WRITTEN, string_column='foobar', int_str_column=5)

    found = Test.objects.get(t.key)
    assert list(found) == ['super1'] and type(found['super1']) is Test
    assert state(found['super1']) == expected
    assert (found['super1'].key, found['super1'].super_column) == ('key1', 'super1')
    found = Test.objects.multiget([t.key])
    assert list(found) == ['key1'] and list(found['key1']) == ['super1']
    assert state(found['key1']['super1']) == expected
    (row,) = Test.objects.get_range()
    assert state(row['super1']) == expected
    assert Test.objects.get_count('key1') == 1
    assert Test.objects.get_count('key1', super_column='super1') == 5


@reads_subcolumns
def test_one_super_column(client, super_family):
    Test = mapped_class()
    objects = ColumnFamilyMap(Test, ColumnFamily(client, super_family))
    for name in ('super1', 'super2'):
        objects.insert(instance_of(Test, 'key1', super_column=name, string_column=name))
    for found in (objects.get('key1', super_column='super2'), objects.multiget(['key1'], super_column='super2')['key1'],
                  next(objects.get_range(super_column='super2'))):
        assert (found.key, found.super_column, found.string_column) == ('key1', 'super2', 'super2')
    objects.remove(instance_of(Test, 'key1', super_column='super1'))
    assert list(objects.get('key1')) == ['super2']
    objects.remove(instance_of(Test, 'key1', super_column='super2'), columns=['string_column'])
    assert state(objects.get('key1')['super2']) == dict(WRITTEN, string_column='Your Default')


def test_a_pooled_connection_as_in_the_later_document(pool, text_family):
    Test, connection = mapped_class(), pool.get()
    objects = ColumnFamilyMap(Test, ColumnFamily(connection, text_family))
    objects.insert(instance_of(Test))
    assert state(objects.get('maptest')) == WRITTEN
    connection.return_to_pool()


def test_on_a_pool_removed_rows_are_left_out(pool, text_family):
    Test = mapped_class()
    for objects in (ColumnFamilyMap(Test, ColumnFamily(pool, text_family)), ColumnFamilyMap(Test, pool, text_family)):
        objects.insert(instance_of(Test))
        objects.insert(instance_of(Test, 'removed'))
        objects.remove(instance_of(Test, 'removed'))
        assert [found.key for found in objects.get_range()] == ['maptest']
        everything = {found.key: state(found) for found in objects.get_range(filter_empty=False)}
        assert everything == {'maptest': WRITTEN, 'removed': DEFAULTS}
