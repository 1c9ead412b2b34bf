"""Type strings, Scalars of every form of a type, and the functions of release 1.11."""
import datetime
import decimal
import logging
import struct
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa import codec, marshal
from pycassa.marshal import parse_type, scalar_for, type_string
from pycassa.types import CassandraType, CompositeType, DateType, LongType, UTF8Type

M = 'org.apache.cassandra.db.marshal.'


# --- strings -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('text, expected', [
    ('LongType', M + 'LongType'), (M + 'LongType', M + 'LongType'), ('com.example.Mine', 'com.example.Mine'),
    (' LongType ', M + 'LongType'), ('LongType()', M + 'LongType'), ('LongType(reversed=false)', M + 'LongType'),
    ('LongType(reversed=true)', f'{M}ReversedType({M}LongType)'),
    ('ReversedType(LongType)', f'{M}ReversedType({M}LongType)'),
    ('CompositeType(LongType, UTF8Type(reversed=true))', f'{M}CompositeType({M}LongType,{M}ReversedType({M}UTF8Type))'),
    ('DynamicCompositeType(a=>LongType, b => UTF8Type)', f'{M}DynamicCompositeType(a=>{M}LongType,b=>{M}UTF8Type)'),
    ('CompositeType(UTF8Type,ColumnToCollectionType(6c:ListType(UTF8Type)))',
     f'{M}CompositeType({M}UTF8Type,{M}ColumnToCollectionType(6c:{M}ListType({M}UTF8Type)))'),
    ('UserType(ks,61,6e:LongType)', f'{M}UserType(ks,61,6e:{M}LongType)'),
    ('FrozenType(MapType(UTF8Type,LongType))', f'{M}FrozenType({M}MapType({M}UTF8Type,{M}LongType))'),
])
def test_strings_are_qualified_as_the_server_writes_them(text, expected):
    assert parse_type(text).canonical() == expected
    assert type_string(text) == expected
    assert type_string(expected) == expected


@pytest.mark.parametrize('text', ['', '(', 'LongType(', 'LongType)', 'CompositeType(LongType',
                                  'CompositeType(,LongType)', 'CompositeType(LongType UTF8Type)',
                                  'Long;Type', 'a=>b', 'CompositeType(a=>)',
                                  'A(' * 100000, 'A(' * 40 + 'B' + ')' * 40])
def test_other_strings_raise(text):
    with pytest.raises(ValueError):
        parse_type(text)


@given(st.text('ab(),=>: .', max_size=20))
def test_parser_ends_in_a_type_or_a_value_error(text):
    try:
        found = parse_type(text).canonical()
    except ValueError:
        return
    assert parse_type(found).canonical() == found


def test_string_that_is_no_type_goes_to_the_server_as_it_is():
    assert type_string('Long;Type') == 'Long;Type'


def test_no_type_is_the_empty_string():
    assert type_string(None) == '' and type_string('') == ''


# --- scalars -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('kind', ['LongType', M + 'LongType', 'LongType(reversed=true)', 'ReversedType(LongType)',
                                  'FrozenType(LongType)', LongType, LongType(), LongType(reversed=True),
                                  codec.scalar('LongType')])
def test_every_form_of_a_type(kind):
    found = scalar_for(kind)
    assert found is codec.scalar('LongType')


@pytest.mark.parametrize('kind', [None, '', 'BytesType', M + 'BytesType', 'ListType(UTF8Type)',
                                  'UserType(ks,61,6e:LongType)', 'FrozenType(TupleType(LongType,LongType))',
                                  'MapType(UTF8Type,LongType)'])
def test_bytes_and_collections(kind, caplog):
    assert scalar_for(kind) is codec.scalar('BytesType')
    assert scalar_for(kind, 'utf-8') is codec.bytes_scalar('utf-8')
    assert not caplog.records


def test_unknown_types_are_bytes_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING, 'pycassa'):
        for _ in range(3):
            assert scalar_for('com.example.UnknownType') is codec.scalar('BytesType')
            assert scalar_for('com.example.UnknownType', 'utf-8') is codec.bytes_scalar('utf-8')
    assert [record.name for record in caplog.records] == ['pycassa']
    assert 'com.example.UnknownType' in caplog.text


def test_malformed_strings_are_bytes_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING, 'pycassa'):
        assert scalar_for('LongType(((') is codec.scalar('BytesType')
    assert 'LongType(((' in caplog.text


def test_composite_without_components_is_bytes():
    assert scalar_for('CompositeType') is codec.scalar('BytesType')


def test_bytes_encoding_reaches_components():
    found = scalar_for('CompositeType(BytesType,LongType)', 'utf-8')
    assert found.unpack(found.pack(('é', 1))) == ('é', 1)
    plain = scalar_for('CompositeType(BytesType,LongType)')
    assert plain.unpack(plain.pack(('é', 1))) == ('é'.encode(), 1)


@pytest.mark.parametrize('kind', [5, object(), ['LongType'], b'LongType'])
def test_other_objects_raise_type_error(kind):
    with pytest.raises(TypeError):
        scalar_for(kind)
    with pytest.raises(TypeError):
        type_string(kind)


# --- types of the user's own -------------------------------------------------------------------------------------

class Digits(CassandraType):
    @staticmethod
    def pack(value):
        return str(value)

    @staticmethod
    def unpack(data):
        return int(data)


class InstanceDigits(CassandraType):
    def __init__(self, *args, **kwargs):
        self.pack = lambda value: str(value)
        self.unpack = lambda data: int(data)


class Duck:
    def pack(self, value):
        return bytearray(value)

    def unpack(self, data):
        return [each if isinstance(each, int) else ord(each) for each in data]


class PackedLong(CassandraType):
    @staticmethod
    def pack(value):
        return struct.pack('>q', value)

    @staticmethod
    def unpack(data):
        return struct.unpack('>q', data)[0]


class Parts(CassandraType):
    @staticmethod
    def pack(value):
        return '|'.join(value).encode('utf-8')

    @staticmethod
    def unpack(data):
        return data.split('|')


class Utf8OfPython2(CassandraType):
    @staticmethod
    def pack(value):
        return value.encode('utf-8')

    @staticmethod
    def unpack(data):
        return data.decode('utf-8')


@pytest.mark.parametrize('kind, value, data', [
    (Digits, 18, b'18'), (Digits(), 18, b'18'), (Digits(reversed=True), 18, b'18'), (InstanceDigits(), 18, b'18'),
    (Duck(), [1, 2], b'\1\2'), (Duck, [1, 2], b'\1\2'), (PackedLong, 5, b'\0' * 7 + b'\5'),
    (Utf8OfPython2(), 'é', b'\xc3\xa9'),
])
@pytest.mark.parametrize('bytes_encoding', [None, 'utf-8'])
def test_own_types(kind, value, data, bytes_encoding):
    found = scalar_for(kind, bytes_encoding)
    assert found.pack(value) == data and type(found.pack(value)) is bytes
    assert found.unpack(data) == value
    assert found.pack_bound(value, True) == data


def test_own_types_are_given_text_under_bytes_encoding():
    assert scalar_for(Parts(), 'utf-8').unpack(b'a|b') == ['a', 'b']
    assert scalar_for(Parts(), 'utf-8').pack(['a', 'é']) == b'a|\xc3\xa9'


def test_own_types_inside_composites():
    found = scalar_for(CompositeType(Digits(), LongType()))
    assert found.pack((7, 1)) == b'\0\x01' + b'7' + b'\0' + b'\0\x08' + b'\0' * 7 + b'\1' + b'\0'
    assert found.unpack(found.pack((7, 1))) == (7, 1)
    assert type_string(CompositeType(Digits(), LongType())) == f'{M}CompositeType({M}BytesType,{M}LongType)'


def test_own_pack_that_takes_slice_start_is_told_the_end():
    class Bounded(CassandraType):
        @staticmethod
        def pack(value, slice_start=None):
            return {None: b'=', True: b'<', False: b'>'}[slice_start] + value
    found = scalar_for(Bounded())
    assert [found.pack(b'x'), found.pack_bound(b'x', True), found.pack_bound(b'x', False)] == [b'=x', b'<x', b'>x']


def test_half_a_type_takes_the_rest_from_its_server_type():
    class Shouting(UTF8Type):
        @staticmethod
        def pack(value):
            return value.upper()

    class Later(DateType):
        @staticmethod
        def unpack(data):
            return 'read'
    assert scalar_for(Shouting()).unpack(scalar_for(Shouting()).pack('abc')) == 'ABC'
    assert scalar_for(Later()).pack(1) == codec.scalar('DateType').pack(1) and scalar_for(Later()).unpack(b'') == 'read'
    assert type_string(Shouting()) == M + 'UTF8Type' and type_string(Later) == M + 'DateType'


def test_own_pack_must_give_bytes_or_text():
    class Wrong(CassandraType):
        @staticmethod
        def pack(value):
            return value
    with pytest.raises(TypeError, match='Wrong.pack returned int'):
        scalar_for(Wrong()).pack(5)


def test_own_types_in_the_schema():
    assert type_string(Digits()) == M + 'BytesType' and type_string(Duck()) == M + 'BytesType'
    assert type_string(Digits(reversed=True)) == f'{M}ReversedType({M}BytesType)'


# --- release 1.11 ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('text, expected', [
    (None, 'BytesType'), ('', 'BytesType'), ('LongType', 'LongType'), (M + 'TimestampType', 'TimestampType'),
    ('com.example.Mine', 'BytesType'), ('ListType(LongType)', 'BytesType'), ('LongType(', 'BytesType'),
    (f'{M}ReversedType({M}LongType)', 'LongType'), ('LongType(reversed=true)', 'LongType'),
    (f'{M}CompositeType({M}LongType,{M}ReversedType({M}UTF8Type))', 'CompositeType(LongType,UTF8Type)'),
    ('DynamicCompositeType(a=>LongType)', 'DynamicCompositeType(a=>LongType)'),
])
def test_extract_type_name(text, expected):
    assert marshal.extract_type_name(text) == expected


@pytest.mark.parametrize('name, value', [
    ('BytesType', b'x'), ('UTF8Type', 'é'), ('AsciiType', 'x'), ('LongType', 5), ('Int32Type', 5), ('IntegerType', 500),
    ('FloatType', 0.5), ('DoubleType', 0.5), ('BooleanType', True), ('DecimalType', Decimal('1.50')),
    ('DateType', datetime.datetime(2020, 1, 1)), ('UUIDType', uuid.UUID(int=5)),
    ('CompositeType(LongType,UTF8Type)', (1, 'a')),
])
def test_packers_and_unpackers(name, value):
    pack, unpack = marshal.packer_for(name), marshal.unpacker_for(name)
    assert unpack(pack(value)) == value and unpack(pack(value, None)) == value
    assert type(pack(value, True)) is type(pack(value, slice_start=False)) is bytes


def test_packers_of_time_uuids_know_slices():
    pack = marshal.packer_for('TimeUUIDType')
    assert pack(0, True).hex().endswith('8080808080808080') and pack(0, slice_start=False).hex().endswith('7f7f')


def test_passthrough():
    assert marshal.packer_for(None)('x') == 'x' and marshal.unpacker_for(None)(b'x') == b'x'
    assert marshal.packer_for('CounterColumnType')(5) == 5
    assert marshal.unpacker_for('CounterColumnType')(b'\0' * 7 + b'\5') == 5


@pytest.mark.parametrize('name, value', [('LongType', 'x'), ('Int32Type', 2 ** 40), ('DoubleType', 'x')])
def test_packers_raise_type_error_with_the_type(name, value):
    with pytest.raises(TypeError, match=name):
        marshal.packer_for(name)(value)


def test_small_functions():
    assert marshal.make_packer('>q').unpack(marshal.make_packer('>q').pack(5)) == (5,)
    assert marshal.encode_int(-129) == b'\xff\x7f' and marshal.decode_int(b'\xff\x7f') == -129
    assert marshal.decode_int(b'') is None


def test_composite_functions():
    text, given_type = 'CompositeType(LongType,UTF8Type)', CompositeType(LongType(), UTF8Type())
    for arguments in ({'typestr': text}, {'composite_type': given_type},
                      {'typestr': None, 'composite_type': given_type}):
        pack, unpack = marshal.get_composite_packer(**arguments), marshal.get_composite_unpacker(**arguments)
        assert unpack(pack((1, 'a'))) == (1, 'a')
        assert [pack((1,), end)[-1] for end in (None, True, False)] == [0, 255, 1]
    dynamic = 'DynamicCompositeType(l=>LongType)'
    pack, unpack = marshal.get_dynamic_composite_packer(dynamic), marshal.get_dynamic_composite_unpacker(dynamic)
    assert unpack(pack((('l', 1),))) == (('l', 1),)
    assert pack((('l', 1),), slice_start=False)[-1] == 1


def test_decimal_context_is_left_alone():
    before = dict(decimal.getcontext().flags)
    scalar_for('DecimalType').unpack(scalar_for('DecimalType').pack(Decimal('1.5')))
    assert dict(decimal.getcontext().flags) == before
