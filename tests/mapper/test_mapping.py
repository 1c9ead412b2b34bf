"""Which attributes are mapped, the forms of the constructor, and what the ColumnFamily keeps to itself."""
import datetime
import uuid

import pytest

from pycassa import types
from pycassa.cassandra.ttypes import (
    Column,
    ColumnDef,
    ColumnParent,
    ConsistencyLevel,
    InvalidRequestException,
    NotFoundException,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.columnfamilymap import ColumnFamilyMap, create_instance
from pycassa.errors import ConfigurationError, PackingError, UnpackingError
from pycassa.index import GT, create_index_clause, create_index_expression
from pycassa.util import OrderedDict


class Base:
    inherited = types.UTF8Type(default='base')
    replaced = types.LongType()
    dropped = types.LongType()


class User(Base):
    key = types.LexicalUUIDType()
    name = types.UTF8Type()
    age = types.IntegerType(default=0)
    replaced = types.UTF8Type(default='new')
    dropped = None
    not_a_column = 'text'

    @property
    def shouted(self):
        return self.name.upper()


def make(cls, **attributes):
    return create_instance(cls, **attributes)


def state(instance):
    return dict(vars(instance))


# --- the class --------------------------------------------------------------------------------------------------------

def test_the_fields_of_a_class(pool, bytes_family):
    users = ColumnFamilyMap(User, pool, bytes_family)
    assert users.fields == ['inherited', 'replaced', 'name', 'age']
    assert users.defaults == {'inherited': 'base', 'replaced': 'new', 'name': None, 'age': 0}
    assert (users.cls, users.raw_columns, users.column_family) == (User, False, bytes_family)
    assert isinstance(users, ColumnFamily)


def test_create_instance():
    class Plain:
        a = 1

    made = create_instance(Plain, a=2, b=3)
    assert type(made) is Plain and (made.a, made.b) == (2, 3)


def test_types_of_the_attributes_decide_whatever_the_schema_says(pool, create):
    name = create('Typed', comparator_type='UTF8Type', default_validation_class='BytesType')
    users = ColumnFamilyMap(User, pool, name)
    key = uuid.uuid4()
    users.insert(make(User, key=key, name='Zoë', age=2 ** 70))
    assert state(users.get(key)) == {'key': key, 'name': 'Zoë', 'age': 2 ** 70, 'inherited': 'base', 'replaced': 'new'}
    raw = ColumnFamily(pool, name)
    assert raw.get(key.bytes) == {'age': (2 ** 70).to_bytes(9, 'big'), 'name': 'Zoë'.encode()}


def test_every_type_of_1_11(pool, bytes_family):
    class Everything:
        ascii = types.AsciiType()
        boolean = types.BooleanType()
        composite = types.CompositeType(types.LongType(), types.UTF8Type())
        counter = types.LongType()
        data = types.BytesType()
        date = types.DateType()
        double = types.DoubleType()
        int32 = types.Int32Type()
        long = types.LongType()
        text = types.UTF8Type()
        time_uuid = types.TimeUUIDType()

    values = {'ascii': 'a', 'boolean': False, 'composite': (1, 'x'), 'counter': 0, 'data': b'\xff', 'double': 0.0,
              'date': datetime.datetime(2012, 1, 2, 3, 4, 5, 6000), 'int32': -1, 'long': 2 ** 40, 'text': '',
              'time_uuid': uuid.uuid1()}
    objects = ColumnFamilyMap(Everything, pool, bytes_family)
    objects.insert(make(Everything, key=b'k', **values))
    assert state(objects.get(b'k')) == dict(values, key=b'k')


def test_attributes_that_are_none_or_not_set_are_skipped_not_deleted(pool, text_family):
    class Test:
        a = types.UTF8Type(default='A')
        b = types.UTF8Type(default='B')

    objects, cf = ColumnFamilyMap(Test, pool, text_family), ColumnFamily(pool, text_family)
    objects.insert(make(Test, key='k', a='1', b='2'))
    objects.insert(make(Test, key='k', a=None))
    assert cf.get('k') == {'a': '1', 'b': '2'}
    objects.insert(make(Test, key='l', b='3'))
    assert cf.get('l') == {'b': '3'}
    assert state(objects.get('l')) == {'key': 'l', 'a': 'A', 'b': '3'}


@pytest.mark.parametrize('comparator', ['BytesType', 'UTF8Type', 'AsciiType', 'LongType'])
def test_names_are_text_whatever_the_comparator(pool, create, comparator):
    class Eight:
        eight___ = types.LongType()  # Eight characters are a LongType name too.

    objects = ColumnFamilyMap(Eight, pool, create('Named', comparator_type=comparator), raw_columns=True)
    objects.insert(make(Eight, key=b'k', eight___=5))
    found = objects.get(b'k')
    assert found.eight___ == 5
    assert found.raw_columns == {'eight___': 5}
    assert objects.get_count(b'k', columns=['eight___']) == 1


def test_a_key_is_needed(pool, bytes_family):
    users = ColumnFamilyMap(User, pool, bytes_family)
    for without in (make(User, name='x'), make(User, name='x', key=None)):
        for call in (users.insert, users.remove, lambda each: users.batch_insert([each])):
            with pytest.raises(PackingError, match='User has no key'):
                call(without)


# --- forms of the constructor -----------------------------------------------------------------------------------------

class Two:
    a = types.String(default='A')
    b = types.IntString(default=7)


@pytest.mark.parametrize('arguments, options, fields, raw', [
    ((), {}, ['a', 'b'], False),
    ((True,), {}, ['a', 'b'], True),
    ((), {'raw_columns': True}, ['a', 'b'], True),
    ((None, True), {}, ['a', 'b'], True),
    ((['b'],), {}, ['b'], False),
    ((['b'], True), {}, ['b'], True),
    (({'c': types.IntString()},), {}, ['c'], False),
    ((), {'columns': ('b',)}, ['b'], False),
])
def test_positions_of_raw_columns_and_columns(pool, text_family, arguments, options, fields, raw):
    cf = ColumnFamily(pool, text_family)
    for start in ((Two, cf), (Two, pool, text_family)):
        objects = ColumnFamilyMap(*start, *arguments, **options)
        assert (objects.fields, objects.raw_columns) == (fields, raw)


def test_a_column_family_by_keyword(pool, text_family):
    cf = ColumnFamily(pool, text_family)
    assert ColumnFamilyMap(Two, column_family=cf).column_family == text_family
    assert ColumnFamilyMap(cls=Two, pool=pool, column_family=text_family).column_family == text_family


def test_mistakes_of_the_constructor(pool, text_family):
    cf = ColumnFamily(pool, text_family)
    with pytest.raises(TypeError, match='takes no buffer_size'):
        ColumnFamilyMap(Two, cf, buffer_size=5)
    with pytest.raises(TypeError):
        ColumnFamilyMap(Two, pool, text_family, no_such_option=5)
    with pytest.raises(ConfigurationError, match="'zzz'"):
        ColumnFamilyMap(Two, cf, ['zzz'])
    with pytest.raises(NotFoundException):
        ColumnFamilyMap(Two, pool, 'NoSuchFamily')


def test_options_of_1_11(pool, text_family):
    objects = ColumnFamilyMap(Two, pool, text_family, buffer_size=3, read_consistency_level=ConsistencyLevel.QUORUM,
                              timestamp=lambda: 1234, dict_class=dict)
    assert (objects.buffer_size, objects.read_consistency_level) == (3, ConsistencyLevel.QUORUM)
    assert objects.insert(make(Two, key='k', a='x')) == 1234
    assert type(objects.multiget(['k'])) is dict
    assert type(ColumnFamilyMap(Two, pool, text_family).multiget(['k'])) is OrderedDict


def test_settings_of_the_column_family_are_the_mappers(client, text_family):
    class Quiet(ColumnFamily):
        buffer_size = 17

    cf = Quiet(client, text_family, timestamp=lambda: 4321, write_consistency_level=ConsistencyLevel.ALL)
    objects = ColumnFamilyMap(Two, cf)
    assert (objects.buffer_size, objects.write_consistency_level) == (17, ConsistencyLevel.ALL)
    assert objects.insert(make(Two, key='k', a='x')) == 4321


def test_the_column_family_is_not_changed(client, create):
    name = create('Kept', comparator_type='UTF8Type', default_validation_class='LongType',
                  column_metadata=[ColumnDef(name=b'a', validation_class='BytesType')])

    class Test:
        key = types.LongType()
        a = types.DoubleType()
        b = types.TimestampType()

    cf = ColumnFamily(client, name)
    cf.column_validators['c'] = types.DoubleType()
    before = (cf.column_name_class, cf.default_validation_class, cf.key_validation_class, dict(cf.column_validators),
              cf.dict_class, cf.autopack_names)
    objects = ColumnFamilyMap(Test, cf)
    objects.insert(make(Test, key=5, a=0.5, b=datetime.datetime(2012, 1, 2)))
    assert before == (cf.column_name_class, cf.default_validation_class, cf.key_validation_class,
                      dict(cf.column_validators), cf.dict_class, cf.autopack_names)
    cf.insert(b'plain', {'a': b'8 bytes.', 'b': 1, 'c': 0.25})
    assert cf.get(b'plain') == {'a': b'8 bytes.', 'b': 1, 'c': 0.25}
    # Types assigned to the ColumnFamily hold in the mapper for what it does not map itself.
    assert objects.column_validators['c'] == 'DoubleType'


def test_a_column_family_without_autopacking(client, text_family):
    class Mixed(Two):
        n = types.LongType()

    cf = ColumnFamily(client, text_family, autopack_names=False, autopack_values=False)
    objects = ColumnFamilyMap(Mixed, cf, raw_columns=True)
    cf.insert('k', {'a': 'text', 'n': b'\0\0\0\0\0\0\0\x05', 'other': b'raw'})
    found = objects.get('k')
    assert (found.a, found.b, found.n) == ('text', 7, 5)
    assert found.raw_columns == {'a': b'text', 'n': 5, 'other': b'raw'}
    assert cf.get('k')[b'a'] == b'text'
    objects.load_schema()
    assert objects.get('k').raw_columns == found.raw_columns


def test_loading_the_schema_again_keeps_the_mapping(pool, bytes_family):
    users = ColumnFamilyMap(User, pool, bytes_family)
    key = uuid.uuid4()
    users.insert(make(User, key=key, name='x', age=3))
    users.load_schema()
    assert users.get(key).age == 3


# --- reading ----------------------------------------------------------------------------------------------------------

def test_raw_columns_hold_the_whole_row(client, text_family):
    cf = ColumnFamily(client, text_family)
    cf.insert('k', {'a': 'text', 'b': '5', 'unmapped': 'x'})
    found = ColumnFamilyMap(Two, cf, raw_columns=True).get('k')
    assert (found.a, found.b) == ('text', 5)
    assert found.raw_columns == {'a': 'text', 'b': '5', 'unmapped': 'x'}
    assert not hasattr(ColumnFamilyMap(Two, cf).get('k'), 'raw_columns')


@pytest.mark.parametrize('options, expected', [
    ({'include_timestamp': True}, (5, 77)), ({'include_ttl': True}, (5, 1000)),
    ({'include_timestamp': True, 'include_ttl': True}, (5, 77, 1000)),
])
def test_timestamps_and_ttls(client, text_family, options, expected):
    objects = ColumnFamilyMap(Two, ColumnFamily(client, text_family))
    objects.insert(make(Two, key='k', b=5), timestamp=77, ttl=1000)
    found = [objects.get('k', **options), objects.multiget(['k'], **options)['k'], *objects.get_range(**options)]
    assert [each.b for each in found] == [expected] * 3
    assert [each.a for each in found] == ['A'] * 3


def test_some_columns_only(client, text_family):
    objects = ColumnFamilyMap(Two, ColumnFamily(client, text_family))
    objects.insert(make(Two, key='k', a='x', b=5))
    assert (objects.get('k', ['b']).a, objects.get('k', columns=['b']).b) == ('A', 5)
    objects.insert(make(Two, key='l', a='x', b=5), columns=['a'])
    assert objects.get_count('l') == 1


def test_a_class_without_columns_still_has_rows(client, text_family):
    class Bare:
        pass

    cf = ColumnFamily(client, text_family)
    cf.insert('k', {'x': 'y'})
    assert state(ColumnFamilyMap(Bare, cf).get('k')) == {'key': 'k'}


def test_ranges_page_and_end(client, text_family):
    objects = ColumnFamilyMap(Two, ColumnFamily(client, text_family, buffer_size=2))
    keys = {f'k{number}' for number in range(7)}
    objects.batch_insert([make(Two, key=key, a=key) for key in keys])
    assert {found.key: found.a for found in objects.get_range()} == {key: key for key in keys}
    assert len(list(objects.get_range(row_count=3))) == 3
    assert list(objects.multiget(sorted(keys))) == sorted(keys)


def test_index_clauses_take_values_as_attributes_hold_them(client, create):
    indexed = [ColumnDef(name=b'b', validation_class='UTF8Type', index_type=0),
               ColumnDef(name=b'n', validation_class='LongType', index_type=0)]
    name = create('Indexed', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                  default_validation_class='UTF8Type', column_metadata=indexed)

    class Test(Two):
        n = types.LongType()

    objects = ColumnFamilyMap(Test, ColumnFamily(client, name))
    for number in range(4):
        objects.insert(make(Test, key=f'k{number}', b=number % 2, n=number))

    def keys(*expressions):
        found = list(objects.get_indexed_slices(create_index_clause(expressions)))
        assert all(type(each) is Test for each in found)
        return sorted(each.key for each in found)

    assert keys(create_index_expression('b', 1)) == ['k1', 'k3']
    assert keys(create_index_expression('b', '1')) == ['k1', 'k3']
    assert keys(create_index_expression('n', 2)) == ['k2']
    assert keys(create_index_expression('b', 1), create_index_expression('n', 1, GT)) == ['k3']


# --- writing ----------------------------------------------------------------------------------------------------------

def test_batch_insert_merges_instances_of_one_row(client, text_family, super_family):
    cf, scf = ColumnFamily(client, text_family), ColumnFamily(client, super_family)
    stamp = ColumnFamilyMap(Two, cf).batch_insert(
        [make(Two, key='k', a='1'), make(Two, key='k', b=2), make(Two, key='l', a='3')], timestamp=99, ttl=500)
    assert stamp == 99
    assert cf.multiget(['k', 'l'], include_timestamp=True, include_ttl=True) == {
        'k': {'a': ('1', 99, 500), 'b': ('2', 99, 500)}, 'l': {'a': ('3', 99, 500)}}
    ColumnFamilyMap(Two, scf).batch_insert([make(Two, key='k', super_column='s', a='1'),
                                            make(Two, key='k', super_column='t', a='2'),
                                            make(Two, key='k', super_column='s', b=3)])
    assert scf.get('k') == {'s': {'a': '1', 'b': '3'}, 't': {'a': '2'}}


def test_remove_columns_with_a_timestamp(client, text_family):
    cf = ColumnFamily(client, text_family)
    objects = ColumnFamilyMap(Two, cf)
    instance = make(Two, key='k', a='x', b=5)
    objects.insert(instance, timestamp=100)
    assert objects.remove(instance, ['a'], timestamp=99) == 99
    assert set(cf.get('k')) == {'a', 'b'}
    objects.remove(instance, column='a')
    assert cf.get('k') == {'b': '5'}


def test_values_that_a_column_cannot_hold(client, text_family):
    cf = ColumnFamily(client, text_family)
    objects = ColumnFamilyMap(Two, cf)
    message = r"'Text': 'five' \(str\) of column 'b' .* IntString: expected int"
    with pytest.raises(PackingError, match=message) as caught:
        objects.insert(make(Two, key='k', b='five'))
    assert isinstance(caught.value.__cause__, TypeError)
    cf.insert('k', {'b': 'five'})
    with pytest.raises(UnpackingError, match=r"'five' \(str\) of column 'b' .* IntString"):
        objects.get('k')


# --- mapper columns over typed schemas --------------------------------------------------------------------------------

class Numbers:
    long = types.Long()
    int64 = types.Int64()
    float64 = types.Float64()
    when = types.DateTime()


NUMBERS = {'long': -5, 'int64': 2 ** 40, 'float64': 35.8, 'when': datetime.datetime(2012, 1, 2, 3, 4, 5)}


@pytest.mark.parametrize('validator', ['BytesType', 'LongType', 'DoubleType', 'DateType', 'UUIDType'])
@pytest.mark.parametrize('encoding', [None, 'utf-8', 'latin-1'])
def test_binary_columns_keep_their_bytes_under_any_validator(client, create, validator, encoding):
    name = create('Binary', comparator_type='UTF8Type', default_validation_class=validator)
    objects = ColumnFamilyMap(Numbers, ColumnFamily(client, name, bytes_encoding=encoding))
    if validator == 'UUIDType':
        with pytest.raises(InvalidRequestException):  # Eight bytes are no UUID, and the server says so.
            objects.insert(make(Numbers, key='k', long=1))
        return
    objects.insert(make(Numbers, key='k', **NUMBERS))
    assert {field: getattr(objects.get('k'), field) for field in NUMBERS} == NUMBERS


class Plain(types.Column):
    """Passes on what it is given: the schema's type does the work."""


class Bytes8(types.Column):
    def pack(self, val):
        return val.to_bytes(8, 'big')

    def unpack(self, val):
        return val if isinstance(val, int) else int.from_bytes(val, 'big')


def test_ones_own_columns_over_a_number_of_the_schema(client, create):
    class Test:
        plain = Plain(default=-1)
        packed = Bytes8()
        text = types.IntString()

    name = create('Longs', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                  default_validation_class='LongType')
    cf = ColumnFamily(client, name)
    objects = ColumnFamilyMap(Test, cf)
    objects.insert(make(Test, key='k', plain=5, packed=6))
    assert cf.get('k') == {'plain': 5, 'packed': 6}
    found = objects.get('k')
    assert (found.plain, found.packed, found.text) == (5, 6, None)
    with pytest.raises(PackingError, match='LongType'):
        objects.insert(make(Test, key='k', text=7))


def test_an_empty_number_reads_as_none(raw_client, client, create):
    class Test:
        plain = Plain(default=-1)
        packed = Bytes8()

    name = create('Longs', comparator_type='UTF8Type', default_validation_class='LongType')
    for column in (b'plain', b'packed'):
        raw_client.insert(b'k', ColumnParent(name), Column(name=column, value=b'', timestamp=1), ConsistencyLevel.ONE)
    found = ColumnFamilyMap(Test, ColumnFamily(client, name)).get('k')
    assert (found.plain, found.packed) == (None, None)


# --- super columns of other types -------------------------------------------------------------------------------------

def test_super_column_names_have_the_schemas_type(pool, create):
    name = create('Longs', column_type='Super', comparator_type='LongType', subcomparator_type='BytesType',
                  default_validation_class='UTF8Type')
    objects = ColumnFamilyMap(Two, pool, name)
    objects.batch_insert([make(Two, key=b'k', super_column=number, b=number) for number in (300, 5)])
    assert [(found, instance.super_column, instance.b) for found, instance in objects.get(b'k').items()] == [
        (5, 5, 5), (300, 300, 300)]
    assert list(objects.get(b'k', column_start=6)) == [300]


def test_raw_columns_of_super_columns(client, super_family):
    objects = ColumnFamilyMap(Two, ColumnFamily(client, super_family), raw_columns=True)
    objects.insert(make(Two, key='k', super_column='s', b=5))
    assert objects.get('k')['s'].raw_columns == {'b': '5'}
