"""What servers make of our bytes: types are accepted, names order as their values do, slices end where they should."""
import datetime
import itertools
import random
import uuid
from decimal import Decimal

import pytest

from pycassa import util
from pycassa.cassandra.ttypes import (
    CfDef,
    Column,
    ColumnParent,
    ConsistencyLevel,
    InvalidRequestException,
    SlicePredicate,
    SliceRange,
)
from pycassa.marshal import scalar_for, type_string
from pycassa.types import CompositeType, DynamicCompositeType, IntegerType, LongType, TimeUUIDType, UTF8Type

ONE = ConsistencyLevel.ONE
WHEN = datetime.datetime(2012, 6, 5, 4, 3, 2, 1000)
SECOND = datetime.timedelta(seconds=1)

ORDERED = {
    'AsciiType': ['a', 'aa', 'b'],
    'UTF8Type': ['a', 'é', '中', '\U0001f600'],
    'BytesType': [b'\0', b'\x7f', b'\x80', b'\xff\0'],
    'LongType': [-2 ** 63, -256, -1, 0, 1, 2 ** 63 - 1],
    'Int32Type': [-2 ** 31, -1, 0, 1, 2 ** 31 - 1],
    'IntegerType': [-2 ** 200, -32769, -32768, -129, -128, -1, 0, 1, 127, 128, 255, 256, 32768, 2 ** 64, 2 ** 200],
    'FloatType': [float('-inf'), -1.5, 0.0, 1.5, float('inf')],
    'DoubleType': [float('-inf'), -1.5, 0.0, 5e-324, 1.5, float('inf')],
    'DecimalType': [Decimal('-1E+30'), Decimal('-0.5'), Decimal('-0.05'), Decimal(0), Decimal('1E-40'),
                    Decimal('0.099'), Decimal('0.10'), Decimal(7), Decimal('1E+2')],
    'BooleanType': [False, True],
    'TimestampType': [datetime.datetime(1, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
                      datetime.datetime(1970, 1, 1), WHEN, datetime.datetime(9999, 12, 31)],
    'DateType': [datetime.datetime(1970, 1, 1), WHEN, datetime.datetime(9999, 12, 31)],
    'UUIDType': [util.convert_time_to_uuid(0), util.convert_time_to_uuid(WHEN),
                 uuid.UUID('00000000-0000-4000-8000-000000000000'),
                 uuid.UUID('ffffffff-0000-4000-8000-000000000000')],
    'TimeUUIDType': [util.LOWEST_TIME_UUID, util.convert_time_to_uuid(WHEN), util.convert_time_to_uuid(WHEN, False),
                     util.convert_time_to_uuid(WHEN + SECOND), util.HIGHEST_TIME_UUID],
    'LexicalUUIDType': [uuid.UUID('00000000-0000-4000-8000-000000000000'),
                        uuid.UUID('00000000-0000-4000-8000-000000000001')],
    'CompositeType(LongType,UTF8Type)': [(-1,), (-1, 'z'), (1,), (1, ''), (1, 'a'), (2, 'a')],
    'CompositeType(LongType,ReversedType(UTF8Type))': [(1,), (1, 'b'), (1, 'a'), (2, 'a')],
    'CompositeType(CompositeType(LongType,UTF8Type),LongType)': [
        ((1,), 5), ((1, 'a'), 3), ((1, 'a'), 5), ((2, 'a'), 1)],
    'ReversedType(LongType)': [1, 0, -1],
    'LongType(reversed=true)': [1, 0, -1],
    'DynamicCompositeType(l=>LongType,u=>UTF8Type)': [(('l', -1),), (('l', 1),), (('l', 1), ('u', 'a')), (('l', 2),),
                                                      (('UTF8Type', 'x'),), (('u', 'y'),)],
}
OLD = ('1.2', '2.0', '2.1')
SINCE_2_2 = {'ByteType': -3, 'ShortType': -300, 'SimpleDateType': datetime.date(1960, 2, 29),
             'TimeType': datetime.time(23, 59, 59, 999999)}


class Family:
    """One row of a column family with a comparator (and a validator) under test, through the bindings alone."""

    def __init__(self, client, keyspace, comparator, validator='BytesType'):
        self.client, self.name = client, f'F{next(self.numbers)}'
        self.comparator, self.validator = scalar_for(comparator), scalar_for(validator)
        client.system_add_column_family(CfDef(
            keyspace=keyspace, name=self.name, comparator_type=type_string(comparator),
            default_validation_class=type_string(validator)))

    numbers = itertools.count(1)

    def insert(self, name, value=b''):
        column = Column(name=self.comparator.pack(name), value=self.validator.pack(value), timestamp=1)
        self.client.insert(b'key', ColumnParent(self.name), column, ONE)

    def slice(self, start=None, finish=None, backwards=False):
        """Names between two ends; None is open."""
        ends = [b'' if end is None else self.comparator.pack_bound(end, is_start)
                for end, is_start in ((start, not backwards), (finish, backwards))]
        found = self.client.get_slice(b'key', ColumnParent(self.name), SlicePredicate(
            slice_range=SliceRange(ends[0], ends[1], backwards, 1000)), ONE)
        return [self.comparator.unpack(each.column.name) for each in found]

    def values(self):
        found = self.client.get_slice(b'key', ColumnParent(self.name), SlicePredicate(
            slice_range=SliceRange(b'', b'', False, 1000)), ONE)
        return [self.validator.unpack(each.column.value) for each in found]


def is_unknown(server, kind):
    return server.profile == '1.2' and kind == 'TimestampType'


@pytest.mark.parametrize('kind', ORDERED)
def test_order_is_that_of_the_values(server, raw_client, keyspace, kind):
    if is_unknown(server, kind):
        with pytest.raises(InvalidRequestException):
            Family(raw_client, keyspace, kind)
        return
    family = Family(raw_client, keyspace, kind)
    names = ORDERED[kind]
    for name in random.Random(1).sample(names, len(names)):
        family.insert(name)
    assert family.slice() == names
    assert family.slice(backwards=True) == names[::-1]
    assert family.slice(names[0], names[-1]) == names
    for name in names:
        assert family.slice(name, name)[:1] == [name]


@pytest.mark.parametrize('kind', [kind for kind in ORDERED if not kind.startswith('Dynamic')])
def test_values_are_accepted(server, raw_client, keyspace, kind):
    if is_unknown(server, kind):
        with pytest.raises(InvalidRequestException):
            Family(raw_client, keyspace, 'LongType', kind)
        return
    family = Family(raw_client, keyspace, 'LongType', kind)
    for number, value in enumerate(ORDERED[kind]):
        family.insert(number, value)
    assert family.values() == ORDERED[kind]


@pytest.mark.parametrize('kind', SINCE_2_2)
def test_values_of_newer_types_are_accepted_since_2_2(server, raw_client, keyspace, kind):
    if server.profile in OLD:
        with pytest.raises(InvalidRequestException):
            Family(raw_client, keyspace, 'LongType', kind)
        return
    family = Family(raw_client, keyspace, 'LongType', kind)
    family.insert(1, SINCE_2_2[kind])
    assert family.values() == [SINCE_2_2[kind]]


def test_types_come_back_as_we_write_them(server, raw_client, keyspace):
    known = [kind for kind in ORDERED if not is_unknown(server, kind)]
    kinds = [*known, CompositeType(LongType(reversed=True), TimeUUIDType), IntegerType(reversed=True),
             DynamicCompositeType({'a': LongType()})]
    written = {Family(raw_client, keyspace, kind).name: kind for kind in kinds}
    for family in raw_client.describe_keyspace(keyspace).cf_defs:
        found, expected = family.comparator_type, type_string(written[family.name])
        if 'Dynamic' in expected:  # The server keeps aliases in a map without order.
            found, expected = ''.join(sorted(found)), ''.join(sorted(expected))
        if server.profile.startswith('3') and written[family.name] == 'DateType':
            expected = type_string('TimestampType')  # It replaces the older type in comparators.
        assert found == expected


# --- ends of slices ----------------------------------------------------------------------------------------------

NAMES = [(number, text) for number in (1, 2, 3) for text in ('a', 'b')] + [(number,) for number in (1, 2, 3)]
def reversed_text_order(name):
    """Sorts (1,) before (1, 'b') before (1, 'a')."""
    return name[0], [-ord(character) for text in name[1:] for character in text]


@pytest.mark.parametrize('kind, sort_key', [
    ('CompositeType(LongType,UTF8Type)', lambda name: name),
    ('CompositeType(LongType,ReversedType(UTF8Type))', reversed_text_order),
    ('CompositeType(ReversedType(LongType),UTF8Type)', lambda name: (-name[0], name[1:])),
    ('ReversedType(CompositeType(LongType,UTF8Type))', None),
])
def test_ends_of_composite_slices(raw_client, keyspace, kind, sort_key):
    family = Family(raw_client, keyspace, kind)
    order = sorted(NAMES, key=sort_key, reverse=sort_key is None)
    for name in NAMES:
        family.insert(name)
    assert family.slice() == order
    for end in [(2,), (2, 'a'), (1, 'b')]:
        inside = [number for number, name in enumerate(order) if name[:len(end)] == end]
        first, last = inside[0], inside[-1]
        open_end = end[:-1] + ((end[-1], False),)
        assert family.slice(start=end) == order[first:], end
        assert family.slice(start=open_end) == order[last + 1:], end
        assert family.slice(finish=end) == order[:last + 1], end
        assert family.slice(finish=open_end) == order[:first], end
        assert family.slice(end, end) == order[first:last + 1], end
        assert family.slice(start=end, backwards=True) == order[:last + 1][::-1], end
        assert family.slice(start=open_end, backwards=True) == order[:first][::-1], end
        assert family.slice(finish=end, backwards=True) == order[first:][::-1], end
        assert family.slice(finish=open_end, backwards=True) == order[last + 1:][::-1], end


def test_empty_reversed_component_is_last_since_2_1(server, raw_client, keyspace):
    family = Family(raw_client, keyspace, 'CompositeType(LongType,ReversedType(UTF8Type))')
    for text in 'a', '', 'b':
        family.insert((1, text))
    empty_first = server.profile in ('1.2', '2.0')
    order = ['', 'b', 'a'] if empty_first else ['b', 'a', '']
    assert family.slice() == [(1, text) for text in order]
    assert family.slice((1, ''), (1, '')) == [(1, '')]


def test_ends_of_dynamic_composite_slices(raw_client, keyspace):
    family = Family(raw_client, keyspace, DynamicCompositeType({'l': LongType()}, {'u': UTF8Type()}))
    order = [(('l', 1), ('u', 'a')), (('l', 2), ('u', 'a')), (('l', 2), ('u', 'b')), (('l', 3), ('u', 'a'))]
    for name in order:
        family.insert(name)
    assert family.slice(start=(('l', 2),)) == order[1:]
    assert family.slice(finish=(('l', 2),)) == order[:3]
    assert family.slice(start=((('l', 2), False),)) == order[3:]
    assert family.slice(finish=((('l', 2), False),)) == order[:1]
    assert family.slice((('l', 2),), (('l', 2), (('u', 'b'), False))) == order[1:2]
    assert family.slice((('l', 2),), (('l', 2),), backwards=True) == order[2:0:-1]


@pytest.mark.parametrize('kind', ['TimeUUIDType', 'UUIDType', 'ReversedType(TimeUUIDType)',
                                  'CompositeType(TimeUUIDType)', 'CompositeType(ReversedType(TimeUUIDType))'])
def test_a_time_as_an_end_includes_all_of_its_uuids(raw_client, keyspace, kind):
    """Clock sequences and nodes of every sign: the ends have to lie outside of all of them."""
    family = Family(raw_client, keyspace, kind)
    composite = kind.startswith('Composite')
    before, after = WHEN - SECOND / 1000, WHEN + SECOND / 1000
    low = util.convert_time_to_uuid(WHEN).bytes[:8]
    tails = [bytes(each) for each in itertools.product((0x80, 0xbf), *[(0, 0x7f, 0x80, 0xff)] * 2)]
    expected = {uuid.UUID(bytes=low + tail + tail[1:] + tail[1:] + tail[:1]) for tail in tails}
    around = [util.convert_time_to_uuid(each, randomize=True) for each in (before, after)]
    for each in [*expected, *around]:
        family.insert((each,) if composite else each)
    end = (WHEN,) if composite else WHEN
    for backwards in False, True:
        found = family.slice(end, end, backwards)
        assert {name[0] if composite else name for name in found} == expected and len(found) == len(expected)
        assert len(family.slice(start=end, backwards=backwards)) == len(family.slice(finish=end)) == len(expected) + 1
