"""Types of a family: assigned in every form, compared with their names, and used on every path."""
import datetime
import uuid

import pytest

from pycassa import codec, types
from pycassa.columnfamily import ColumnFamily, ColumnValidatorDict
from pycassa.errors import PackingError, UnpackingError
from pycassa.index import create_index_clause, create_index_expression


class Reversing(types.CassandraType):
    """A type of a user's own: text stored backwards."""

    @staticmethod
    def pack(value):
        return value[::-1]

    @staticmethod
    def unpack(data):
        return bytes(data)[::-1].decode()


def inserted(client, mutations):
    """(name, value) of each column that the last insert wrote, as bytes."""
    layout, rows, timestamp, ttl = client.operations.last.args[:4]
    written = []
    for key, columns in rows.items():
        count, data = codec.encode_insertions(layout, key, columns, timestamp, ttl)
        entry = type('Entry', (), {'count': count, 'data': data})
        written += [(each.column_or_supercolumn.column.name, each.column_or_supercolumn.column.value)
                    for each in mutations(entry)]
    return written


def test_schema_types_read_as_their_names(client):
    family = ColumnFamily(client, 'Standard')
    assert family.key_validation_class == 'UTF8Type'
    assert family.default_validation_class == family.column_name_class == 'UTF8Type'
    assert family.super_column_name_class is None
    assert ColumnFamily(client, 'Super').super_column_name_class == 'UTF8Type'
    assert family.column_validators == {'age': 'LongType'}
    assert family.column_validators['age'] == family.column_validators[b'age'] == 'LongType'


@pytest.mark.parametrize('given', ['LongType', 'org.apache.cassandra.db.marshal.LongType', types.LongType,
                                   types.LongType()])
def test_types_may_be_assigned_in_every_form(client, mutations, given):
    family = ColumnFamily(client, 'Standard')
    family.column_name_class = family.default_validation_class = family.key_validation_class = given
    assert family.column_name_class == 'LongType'
    assert family.default_validation_class == 'LongType'
    family.insert(1, {2: 3})
    one = b'\0' * 7
    assert inserted(client, mutations) == [(one + b'\2', one + b'\3')]
    assert family._pack_key(1) == one + b'\1'


def test_types_may_be_keywords(client):
    family = ColumnFamily(client, 'Standard', key_validation_class='LongType', column_name_class=types.Int32Type(),
                          default_validation_class=types.BooleanType, column_validators={7: 'DoubleType'})
    assert family._pack_key(1) == b'\0\0\0\0\0\0\0\1'
    assert family._pack_name(1) == b'\0\0\0\1'
    assert family._pack_value(True, 1) == b'\1'
    assert family._unpack_value(family._pack_value(0.5, 7), 7) == 0.5


def test_what_is_no_type(client):
    family = ColumnFamily(client, 'Standard')
    with pytest.raises(TypeError):
        family.default_validation_class = 17
    with pytest.raises(TypeError):
        family.column_validators['age'] = 17
    assert family.default_validation_class == 'UTF8Type'


def test_users_own_types_on_every_path(client, mutations):
    family = ColumnFamily(client, 'Super')
    family.column_name_class = family.super_column_name_class = Reversing()
    family.default_validation_class = Reversing
    assert isinstance(family.default_validation_class, Reversing)
    assert family._pack_name('abc', True) == family._pack_name('abc') == b'cba'
    assert (family._unpack_name(b'cba', True), family._unpack_value(b'cba', 'x')) == ('abc', 'abc')
    family.batch(queue_size=None).insert('k', {'one': {'two': 'three'}}).send()
    whole = mutations(client.operations.last.args[0][0])[0].column_or_supercolumn.super_column
    assert (whole.name, whole.columns[0].name, whole.columns[0].value) == (b'eno', b'owt', b'eerht')


def test_users_own_types_under_bytes_encoding(client):
    class Upper(types.CassandraType):
        @staticmethod
        def pack(value):
            return value.lower()

        @staticmethod
        def unpack(text):
            assert isinstance(text, str)
            return text.upper()

    family = ColumnFamily(client, 'Raw', bytes_encoding='utf-8')
    family.default_validation_class = Upper()
    assert family._unpack_value(family._pack_value('ABC', b'x'), b'x') == 'ABC'


# --- column_validators -----------------------------------------------------------------------------------------------

def test_validators_may_be_assigned_one_by_one(client, mutations):
    family = ColumnFamily(client, 'Numbers')
    family.column_validators[5] = types.BooleanType()
    family.insert(1, {5: True, 6: 7})
    assert [value for _, value in inserted(client, mutations)] == [b'\1', b'\0\0\0\0\0\0\0\7']
    assert family.column_validators[5] == 'BooleanType'
    assert list(family.column_validators) == [5]
    del family.column_validators[5]
    family.insert(1, {5: 1})
    assert inserted(client, mutations)[0][1] == b'\0\0\0\0\0\0\0\1'
    with pytest.raises(KeyError):
        family.column_validators[5]


@pytest.mark.parametrize('name, column', [('Numbers', 9), ('Pairs', (1, 'a')), ('Standard', 'age'),
                                          ('Times', uuid.UUID('d8a5bd22-7e65-11e9-8f9e-2a86e4085a59'))])
def test_validators_may_be_assigned_whole(client, name, column):
    family = ColumnFamily(client, name)
    family.column_validators = {column: types.DateType()}
    assert family.column_validators == {column: 'DateType'}
    day = datetime.datetime(2010, 5, 6)
    assert family._unpack_value(family._pack_value(day, column), column) == day


def test_validators_of_another_family_may_be_assigned(client):
    first, second = ColumnFamily(client, 'Standard'), ColumnFamily(client, 'Super')
    second.column_validators = first.column_validators
    second.column_validators['age'] = 'UTF8Type'
    assert (first.column_validators['age'], second.column_validators['age']) == ('LongType', 'UTF8Type')


def test_validators_are_a_mapping():
    validators = ColumnValidatorDict({'a': 'LongType', 'b': types.UTF8Type()})
    assert 'a' in validators and 'c' not in validators and len(validators) == 2
    assert dict(validators) == {'a': 'LongType', 'b': types.UTF8Type()}
    assert validators.get('c') is None
    assert repr(validators).startswith("{'a': 'LongType'")


def test_artificial_columns_of_super_families_are_left_out(make):
    columns = {b'': 'MapType(UTF8Type,UTF8Type)', b'value': 'LongType'}
    client = make.Client({'K': [make.family('K', 'Super', subcomparator='UTF8Type', columns=columns),
                                make.family('K', 'Standard', columns={b'value': 'LongType'})]}, 'K')
    assert ColumnFamily(client, 'Super').column_validators == {}
    assert ColumnFamily(client, 'Standard').column_validators == {'value': 'LongType'}


def test_the_servers_definition_is_not_changed(client):
    ColumnFamily(client, 'Standard')
    assert ColumnFamily(client, 'Standard').column_validators == {'age': 'LongType'}


# --- autopacking -----------------------------------------------------------------------------------------------------

def test_autopacking_may_be_switched_at_any_time(client, mutations):
    family = ColumnFamily(client, 'Numbers')
    family.autopack_names = family.autopack_values = family.autopack_keys = False
    family.insert(b'key', {'name': b'value'})
    assert inserted(client, mutations) == [(b'name', b'value')]
    assert family._pack_key('key') == b'key'
    assert family._unpack_name(b'name') == b'name'
    with pytest.raises(PackingError, match='column 5'):
        family.batch().insert(b'key', {5: b'value'})
    family.autopack_names = True
    assert family._pack_name(1) == b'\0\0\0\0\0\0\0\1'


# --- the private packing functions that callers use ------------------------------------------------------------------

def test_pack_name(client):
    family = ColumnFamily(client, 'Pairs')
    assert family._pack_name(None) is None
    assert family._pack_name((1, 'a')) == b'\0\x08\0\0\0\0\0\0\0\1\0\0\1a\0'
    assert family._pack_name((1,), slice_start=True)[-1:] == b'\xff'
    assert family._pack_name((1,), slice_start=False)[-1:] == b'\1'
    assert ColumnFamily(client, 'Super')._pack_name('a', is_supercol_name=True) == b'a'


def test_pack_value_takes_packed_and_unpacked_names(client):
    family = ColumnFamily(client, 'Standard')
    assert family._pack_value(1, 'age') == family._pack_value(1, b'age') == b'\0\0\0\0\0\0\0\1'
    assert family._pack_value('x', 'name') == b'x'
    assert family._pack_value(None, 'name') is None
    assert family._unpack_value(b'\0\0\0\0\0\0\0\1', b'age') == 1


def test_errors_name_family_value_class_and_type(client):
    family = ColumnFamily(client, 'Numbers')
    with pytest.raises(PackingError, match=r"Numbers.*'abc' \(str\).*column name.*LongType") as caught:
        family._pack_name('abc')
    assert caught.value.__cause__ is not None
    with pytest.raises(TypeError, match='Numbers.*value of column 5.*LongType'):
        family._pack_value([], 5)
    with pytest.raises(UnpackingError, match="Numbers.*row key b'abc'.*LongType"):
        family._unpack_key(b'abc')


@pytest.mark.parametrize('write', [
    lambda family: family.batch().insert(7, {'x': 1}),
    lambda family: family.remove(7, ['x']), lambda family: family.batch().remove(7, ['x']),
    lambda family: family.remove(7, column_start='x', column_finish='y'), lambda family: family.add(7, 'x'),
    lambda family: family.remove_counter(7, 'x')])
def test_errors_of_writes_name_the_row(client, write):
    with pytest.raises(PackingError) as caught:
        write(ColumnFamily(client, 'Numbers'))
    for part in "'Numbers'", 'row 7', "'x'", 'name', 'str', 'LongType':
        assert part in str(caught.value)


def test_errors_of_index_expressions_name_the_column_as_the_user_does(client):
    clause = create_index_clause([create_index_expression(5, 'x')])
    with pytest.raises(PackingError, match=r"Numbers.*'x' \(str\).*value of column 5 of type LongType"):
        next(ColumnFamily(client, 'Numbers').get_indexed_slices(clause))
