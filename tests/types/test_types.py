"""Instances of pycassa.types: names, equality, old date types, the schema's strings, time zones."""
import datetime
import struct

import pytest

import pycassa.types
from pycassa.marshal import scalar_for, type_string
from pycassa.types import (
    BytesType,
    CassandraType,
    CompositeType,
    CounterColumnType,
    DateType,
    DynamicCompositeType,
    IntermediateDateType,
    LongType,
    OldPycassaDateType,
    TimestampType,
    UTF8Type,
    type_from_string,
)

M = 'org.apache.cassandra.db.marshal.'
WHEN = datetime.datetime(2009, 12, 23, 17, 6, 3, 250000)
SIMPLE = ['BytesType', 'AsciiType', 'UTF8Type', 'LongType', 'Int32Type', 'ShortType', 'ByteType', 'IntegerType',
          'FloatType', 'DoubleType', 'DecimalType', 'BooleanType', 'CounterColumnType', 'UUIDType', 'TimeUUIDType',
          'LexicalUUIDType', 'DateType', 'TimestampType', 'SimpleDateType', 'TimeType', 'InetAddressType', 'EmptyType']


@pytest.mark.parametrize('name', SIMPLE)
def test_names(name):
    kind = getattr(pycassa.types, name)
    assert name in pycassa.types.__all__ and issubclass(kind, CassandraType)
    assert str(kind()) == f'{name}(reversed=false)' and str(kind(reversed=True)) == f'{name}(reversed=true)'
    assert type_string(kind()) == type_string(kind) == M + name
    assert type_string(kind(reversed=True)) == f'{M}ReversedType({M}{name})'
    assert scalar_for(kind()).name == name
    assert type_from_string(type_string(kind(True))) == kind(True)


def test_defaults():
    assert LongType().default is None and LongType().reversed is False
    assert LongType(default=5).default == 5 and LongType(False, 'x').default == 'x'


def test_init_that_does_not_call_the_base_class():
    class Bare(CassandraType):
        def __init__(self):
            """Nothing is set."""
    assert str(Bare()) == 'Bare(reversed=false)' and Bare().default is None and Bare() == Bare()


def test_equality_with_names():
    assert BytesType() == 'BytesType' and 'BytesType' == BytesType() and BytesType() == M + 'BytesType'
    assert BytesType() != 'LongType' and BytesType() != '' and BytesType() != 'Bytes;Type' and BytesType() != 5
    assert LongType(reversed=True) != 'LongType' and LongType(reversed=True) == 'ReversedType(LongType)'
    assert CompositeType(LongType(), UTF8Type()) == 'CompositeType(LongType, UTF8Type)'


def test_equality_with_each_other():
    assert LongType() == LongType(default=5) and LongType() != LongType(reversed=True) and LongType() != BytesType()
    assert DateType() != TimestampType() and DateType() != OldPycassaDateType()
    assert CompositeType(LongType()) == CompositeType('LongType') != CompositeType(UTF8Type())
    assert {LongType(): 1}[LongType()] == 1 == {'LongType': 1}[LongType()]
    assert hash(CompositeType(LongType)) == hash(CompositeType('LongType'))


def test_composites():
    kind = CompositeType(LongType(reversed=True), UTF8Type(), 'Int32Type', DateType)
    assert str(kind) == ('CompositeType(LongType(reversed=true), UTF8Type(reversed=false), Int32Type, '
                         'DateType(reversed=false))')
    assert type_string(kind) == (f'{M}CompositeType({M}ReversedType({M}LongType),{M}UTF8Type,{M}Int32Type,{M}DateType)')
    assert len(kind.components) == 4
    assert type_from_string(type_string(kind)) == kind
    assert type_string(CompositeType(LongType(), reversed=True)) == f'{M}ReversedType({M}CompositeType({M}LongType))'
    nested = CompositeType(CompositeType(LongType()), UTF8Type())
    assert type_string(nested) == f'{M}CompositeType({M}CompositeType({M}LongType),{M}UTF8Type)'
    assert scalar_for(nested).unpack(scalar_for(nested).pack(((1,), 'a'))) == ((1,), 'a')


def test_dynamic_composites():
    kind = DynamicCompositeType({'a': LongType()}, {'b': UTF8Type(reversed=True), 'c': 'Int32Type'})
    assert str(kind) == 'DynamicCompositeType(a=>LongType(reversed=false), b=>UTF8Type(reversed=true), c=>Int32Type)'
    assert type_string(kind) == (f'{M}DynamicCompositeType(a=>{M}LongType,b=>{M}ReversedType({M}UTF8Type),'
                                 f'c=>{M}Int32Type)')
    assert type_from_string(type_string(kind)) == kind
    value = (('a', 5), ('b', 'x'), ('BytesType', b'y'))
    assert scalar_for(kind).unpack(scalar_for(kind).pack(value)) == value


@pytest.mark.parametrize('make, error', [
    (lambda: CompositeType(5), TypeError), (lambda: DynamicCompositeType({'a': 5}), TypeError),
    (lambda: DynamicCompositeType({'ab': LongType()}), ValueError),
])
def test_components_are_checked_at_once(make, error):
    with pytest.raises(error):
        make()


def test_subclass_is_its_base_class_for_the_server():
    class Age(LongType):
        """A name of one's own."""
    assert str(Age()) == 'Age(reversed=false)' and type_string(Age()) == M + 'LongType' and Age() == 'LongType'
    assert scalar_for(Age()).pack(1) == b'\0' * 7 + b'\1'


def test_from_string():
    assert type(type_from_string(None)) is type(type_from_string('')) is BytesType
    assert type(type_from_string('com.example.Mine')) is BytesType
    assert type(type_from_string(M + 'CounterColumnType')) is CounterColumnType
    with pytest.raises(ValueError):
        type_from_string('Long(')


# --- the date types of old data ----------------------------------------------------------------------------------

def test_old_dates_are_microseconds():
    data = OldPycassaDateType.pack(WHEN.replace(microsecond=250123))
    assert struct.unpack('>q', data) == (1261587963250123,)
    assert OldPycassaDateType.unpack(data) == WHEN.replace(microsecond=250123)
    assert OldPycassaDateType.pack(1.5) == struct.pack('>q', 1500000) and OldPycassaDateType.unpack(b'') is None
    assert scalar_for(OldPycassaDateType()).unpack(data) == WHEN.replace(microsecond=250123)
    assert type_string(OldPycassaDateType()) == M + 'DateType'


def test_intermediate_dates_read_both_and_write_milliseconds():
    assert IntermediateDateType.unpack(OldPycassaDateType.pack(WHEN)) == WHEN
    assert IntermediateDateType.unpack(IntermediateDateType.pack(WHEN)) == WHEN
    assert IntermediateDateType.pack(WHEN) == scalar_for('DateType').pack(WHEN)
    assert scalar_for(IntermediateDateType).unpack(OldPycassaDateType.pack(WHEN)) == WHEN
    assert IntermediateDateType.unpack(b'') is None
    assert IntermediateDateType.unpack(IntermediateDateType.pack(datetime.datetime(1960, 1, 1))).year == 1960


def test_old_dates_refuse_other_bytes():
    for kind in OldPycassaDateType, IntermediateDateType:
        with pytest.raises(ValueError):
            kind.unpack(b'123')
        with pytest.raises(ValueError, match='outside the range'):
            kind.unpack(struct.pack('>q', 2 ** 63 - 1))
        with pytest.raises(TypeError):
            kind.pack('2009-12-23')


# --- time zones ------------------------------------------------------------------------------------------------------

EAST, WEST = (datetime.timezone(datetime.timedelta(hours=hours)) for hours in (14, -12))
UTC = datetime.timezone.utc
NOON = datetime.datetime(1969, 7, 20, 12, 0, 0, 1000)


@pytest.mark.parametrize('kind', [DateType, TimestampType])
@pytest.mark.parametrize('tz', [EAST, WEST, UTC])
def test_times_in_a_zone(kind, tz):
    local, plain = scalar_for(kind(tz=tz)), scalar_for(kind)
    stored = plain.pack(NOON.replace(tzinfo=tz))
    assert local.pack(NOON) == local.pack(NOON.replace(tzinfo=tz)) == stored
    found = local.unpack(stored)
    assert (found, found.tzinfo) == (NOON.replace(tzinfo=tz), tz)
    assert local.pack(datetime.datetime(1969, 7, 20, 12, tzinfo=UTC)) == plain.pack(datetime.datetime(1969, 7, 20, 12))
    assert local.unpack(local.pack(datetime.date(1969, 7, 20))) == datetime.datetime(1969, 7, 20, tzinfo=tz)
    assert local.pack(1.5) == plain.pack(1.5)
    assert local.unpack(b'') is None
    with pytest.raises(TypeError):
        local.pack('noon')


def test_a_zone_is_not_for_the_server():
    assert type_string(DateType(tz=EAST)) == type_string(DateType)
    assert DateType(True, NOON, EAST).default == NOON and DateType(reversed=True, tz=EAST).reversed
    names = scalar_for(CompositeType(TimestampType(tz=EAST), LongType()))
    assert names.unpack(names.pack((NOON, 1))) == (NOON.replace(tzinfo=EAST), 1)


def test_times_that_a_zone_takes_out_of_range():
    last, first = (scalar_for('DateType').pack(each) for each in (datetime.datetime.max, datetime.datetime.min))
    with pytest.raises(ValueError, match='outside the range of datetime'):
        scalar_for(DateType(tz=EAST)).unpack(last)
    with pytest.raises(ValueError, match='outside the range of datetime'):
        scalar_for(DateType(tz=WEST)).unpack(first)
