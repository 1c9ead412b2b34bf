"""What each type accepts and how it sorts: the tables of real servers' answers."""
import functools
import itertools
import random
import struct

import pytest
from enginecases import PROFILES, cf_def, long, mutate, names, one_family, put, refused, row
from hypothesis import given
from hypothesis import strategies as st

from pycassa.cassandra.ttypes import InvalidRequestException, TimedOutException
from pycassa.embedded.comparators import MarshalError
from pycassa.embedded.profiles import profile
from pycassa.embedded.typeparser import Types, TypeSyntaxError, UnknownType

TYPES = {name: Types(profile(name)) for name in PROFILES}


def parse(text, name='2.1'):
    return TYPES[name].parse(text)


def uuids(*texts):
    return [bytes.fromhex(text) for text in texts]


def decimals(*pairs):
    return [struct.pack('>i', scale) + number.to_bytes(number.bit_length() // 8 + 1, 'big', signed=True)
            for scale, number in pairs]


def composite(*parts, eoc=0):
    out = b''
    for place, part in enumerate(parts):
        end = eoc if place == len(parts) - 1 else 0
        out += struct.pack('>H', len(part)) + part + struct.pack('b', end)
    return out


def dynamic(*parts, eoc=0):
    out = b''
    for place, (type_, part) in enumerate(parts):
        out += struct.pack('>H', 0x8000 | ord(type_)) if len(type_) == 1 else \
            struct.pack('>H', len(type_)) + type_.encode()
        out += struct.pack('>H', len(part)) + part + struct.pack('b', eoc if place == len(parts) - 1 else 0)
    return out


FLOATS = (float('-inf'), -1.5, -0.0, 0.0, 1e-40, 2.5, float('inf'), float('nan'))

# Values in ascending order; empty sorts first where the type takes it.
ORDERS = {
    'BytesType': [b'', b'\x00', b'a', b'a\x00', b'ab', b'b', b'\x7f', b'\x80', b'\xff'],
    'AsciiType': [b'', b'A', b'B', b'a', b'ab'],
    'UTF8Type': [b'', b'a', b'ab', 'é'.encode(), '€'.encode(), '\U0001f600'.encode()],
    'LongType': [b'', *map(long, (-2**63, -1, 0, 1, 2**63 - 1))],
    'Int32Type': [b'', *(struct.pack('>i', number) for number in (-2**31, -1, 0, 1))],
    'IntegerType': [b'', b'\x80' + bytes(8), b'\x80', b'\xff', b'\x00', b'\x01', b'\x7f', b'\x00\x80'],
    'UUIDType': [b'', *uuids(
        '0000000000000000ffffffffffffffff',     # version 0
        '00000000000010008000000000000000',     # version 1 by time, then all bytes unsigned
        '00000001000010007f00000000000000', '00000001000010008000000000000000',
        'ffffffffffff1fff8000000000000001',
        '80000000000020008000000000000000', '7000000000003000ff00000000000000', '000000010000400080000000000000ff')],
    'TimeUUIDType': [b'', *uuids(
        '00000000000010008000000000000000',
        '00000001000010008000000000000000', '0000000100001000ff00000000000000', '00000001000010000000000000000000',
        '00000001000010007f00000000000000',     # the last eight bytes as signed ones
        'ffffffffffff1fff8000000000000001')],
    'LexicalUUIDType': [b'', *uuids(
        '80000000000020008000000000000000', 'ffffffffffff1fff8000000000000001', '0000000000000000ffffffffffffffff',
        '00000001000010008000000000000000', '00000001000010007f00000000000000', '7000000000003000ff00000000000000')],
    'DateType': [b'', *map(long, (0, 5, 2**63 - 1, -2**63, -1))],
    'TimestampType': [b'', *map(long, (-1, 0, 5))],
    'BooleanType': [b'', b'\x00', b'\x01'],
    'FloatType': [b'', *(struct.pack('>f', number) for number in FLOATS)],
    'DoubleType': [b'', *(struct.pack('>d', number) for number in FLOATS)],
    'DecimalType': [b'', *decimals((-1, -2), (2, -150), (0, -1), (2, -15), (0, 0), (3, 1), (0, 1), (3, 1499), (1, 15),
                                   (0, 99), (0, 100), (-400, 1))],
    'InetAddressType': [b'', bytes(16), bytes(15) + b'\x01', b'\x01\x02\x03\x04', b'\x7f\x00\x00\x01'],
    'CompositeType(LongType,UTF8Type)': [
        composite(long(-1)), composite(long(-1), b''), composite(long(-1), b'a'),
        composite(long(0), eoc=-1), composite(long(0)), composite(long(0), b''), composite(long(0), b'a', eoc=-1),
        composite(long(0), b'a'), composite(long(0), b'a', eoc=1), composite(long(0), b'ab'), composite(long(0), eoc=1),
        composite(long(1), b'a')],
    'CompositeType(ReversedType(LongType),ReversedType(UTF8Type))': [
        composite(long(1)), composite(long(1), b'b'), composite(long(1), b'ab'), composite(long(1), b'a'),
        composite(long(1), b''), composite(long(-1), b'b'), composite(b''), composite(b'', b'a'), composite(b'', b'')],
    'DynamicCompositeType(b=>BytesType,l=>LongType,L=>ReversedType(LongType),u=>UTF8Type,U=>ReversedType(UTF8Type))': [
        dynamic(('b', b'x')), dynamic(('l', long(-1))), dynamic(('l', long(1))), dynamic(('LongType', long(3))),
        dynamic(('ReversedType(BytesType)', b'xx')),
        dynamic(('L', long(5))), dynamic(('L', long(1))), dynamic(('U', b'y')), dynamic(('U', b'x')),
        dynamic(('u', b'a')), dynamic(('UTF8Type', b'm')), dynamic(('u', b'x')), dynamic(('u', b'x'), ('b', b'q')),
        dynamic(('UTF8Type', b'x'), ('l', long(2))), dynamic(('u', b'x'), ('u', b'q')), dynamic(('u', b'x'), eoc=1)],
}


@pytest.mark.parametrize('text', ORDERS)
def test_order(text):
    key = parse(text).sort_key
    for low, high in itertools.combinations(ORDERS[text], 2):
        assert key(low) < key(high) and key(low) != key(high), (low, high)


@pytest.mark.parametrize('text', ORDERS)
def test_reversed_order_is_exactly_the_reverse(text):
    key = parse(f'ReversedType({text})').sort_key
    for low, high in itertools.combinations(ORDERS[text], 2):
        assert key(high) < key(low) and not key(low) < key(high), (low, high)
        assert hash(key(low)) == hash(key(low)) and key(low) == key(low)


@pytest.mark.parametrize('text', [text for text in ORDERS if 'Composite' not in text and 'Boolean' not in text])
def test_rows_come_back_in_order(text):
    ordered = [name for name in ORDERS[text] if name]
    made = one_family(cf_def('F', comparator_type=text))
    for name in random.Random(7).sample(ordered, len(ordered)):
        put(made, b'k', name, family='F')
    assert names(made, b'k', 'F') == ordered
    assert names(made, b'k', 'F', predicate=(None, (b'', b'', True, 100))) == ordered[::-1]


def test_dates_before_1970_come_first_in_3x():
    dates = list(map(long, (-5, 0, 5)))
    for name in ('3.0', '3.11'):
        assert sorted(dates, key=parse('DateType', name).sort_key) == dates
    for name in ('1.2', '2.0', '2.1', '2.2'):
        assert sorted(dates, key=parse('DateType', name).sort_key) == [dates[1], dates[2], dates[0]]


def test_booleans_of_1_2_are_signed_bytes():
    raw = [b'\xff', b'\x00', b'\x01', b'\x02']
    assert sorted(reversed(raw), key=parse('BooleanType', '1.2').sort_key) == raw
    assert len({parse('BooleanType', '2.0').sort_key(each) for each in raw}) == 2


def test_empty_stays_first_under_reversed_types_of_1_2():
    key = parse('ReversedType(LongType)', '1.2').sort_key
    assert key(b'') < key(long(5)) < key(long(-5))
    key = parse('ReversedType(LongType)').sort_key
    assert key(long(5)) < key(long(-5)) < key(b'')


@pytest.mark.parametrize('text, same', [
    ('IntegerType', [b'\x01', b'\x00\x01', b'\x00\x00\x01']),
    ('IntegerType', [b'\xff', b'\xff\xff']),
    ('DecimalType', decimals((0, 1), (1, 10), (2, 100))),
    ('DecimalType', decimals((0, 100), (-2, 1))),
    ('DecimalType', decimals((0, 0), (5, 0), (-5, 0))),
    ('DecimalType', decimals((0, -1), (1, -10))),
    ('BooleanType', [b'\x01', b'\x02', b'\xff']),
    ('FloatType', [b'\x7f\xc0\x00\x00', b'\xff\xc0\x00\x01', b'\x7f\xc0\x00\x05']),
    ('DoubleType', [b'\x7f\xf8' + bytes(6), b'\xff\xf8' + bytes(5) + b'\x01']),
    ('ReversedType(IntegerType)', [b'\x01', b'\x00\x01']),
    ('CompositeType(IntegerType,BytesType)', [composite(b'\x01', b'z'), composite(b'\x00\x01', b'z')]),
    ('DynamicCompositeType(u=>UTF8Type)', [dynamic(('u', b'x')), dynamic(('UTF8Type', b'x')),
                                          dynamic(('org.apache.cassandra.db.marshal.UTF8Type', b'x'))]),
])
def test_names_that_are_the_same_column(text, same):
    made = one_family(cf_def('F', comparator_type=text))
    for timestamp, name in enumerate(same, 1):
        put(made, b'k', name, b'%d' % timestamp, timestamp, family='F')
    assert row(made, b'k', 'F') == [(same[-1], b'%d' % len(same), len(same), None)]     # the winner's bytes
    assert row(made, b'k', 'F', predicate=([same[0], same[1]], None))[0][0] == same[-1]


def test_3_11_keeps_the_name_first_stored():
    made = one_family(cf_def('F', comparator_type='IntegerType'), '3.11')
    put(made, b'k', b'\x01', b'old', 1, family='F')
    put(made, b'k', b'\x00\x01', b'new', 2, family='F')
    assert row(made, b'k', 'F') == [(b'\x01', b'new', 2, None)]


def test_colliding_names_in_one_batch_reconcile():
    made = one_family(cf_def('F', comparator_type='IntegerType'))
    mutate(made, b'k', 'F', (1, b'\x00\x01', b'new', 2, None), (1, b'\x01', b'old', 1, None))
    assert row(made, b'k', 'F') == [(b'\x00\x01', b'new', 2, None)]


REFUSALS = [
    ('AsciiType', b'a\x80', 'Invalid byte for ascii: -128'),
    ('UTF8Type', b'\xff', "String didn't validate."),
    ('UTF8Type', b'\xc3', "String didn't validate."),
    ('UTF8Type', b'\xc1\x80', "String didn't validate."),
    ('UTF8Type', b'\xe0\x80\x80', "String didn't validate."),
    ('UTF8Type', b'\xf8\x80\x80\x80', "String didn't validate."),
    ('LongType', b'abc', 'Expected 8 or 0 byte long (3)'),
    ('Int32Type', b'abcdefgh', 'Expected 4 or 0 byte int (8)'),
    ('UUIDType', b'abc', 'UUID should be 16 or 0 bytes (3)'),
    ('TimeUUIDType', b'abc', 'UUID should be 16 or 0 bytes (3)'),
    ('TimeUUIDType', bytes.fromhex('000000010000400080000000000000ff'), 'Invalid version for TimeUUID type.'),
    ('LexicalUUIDType', b'abc', 'UUID should be 16 or 0 bytes (3)'),
    ('DateType', b'abc', 'Expected 8 or 0 byte long for date (3)'),
    ('TimestampType', b'abc', 'Expected 8 or 0 byte long for date (3)'),
    ('BooleanType', b'ab', 'Expected 1 or 0 byte value (2)'),
    ('FloatType', b'a', 'Expected 4 or 0 byte value for a float (1)'),
    ('DoubleType', b'a', 'Expected 8 or 0 byte value for a double (1)'),
    ('DecimalType', b'abc', 'Expected 0 or at least 4 bytes (3)'),
    ('InetAddressType', b'abc', 'Expected 4 or 16 byte inetaddress; got 616263'),
    ('EmptyType', b'a', 'EmptyType only accept empty values'),
    ('CompositeType(LongType,UTF8Type)', b'\x00', 'Not enough bytes to read value size of component 0'),
    ('CompositeType(LongType,UTF8Type)', b'\x00\x08abc', 'Not enough bytes to read value of component 0'),
    ('CompositeType(LongType,UTF8Type)', b'\x00\x00',
     'Not enough bytes to read the end-of-component byte of component0'),
    ('CompositeType(LongType,UTF8Type)', composite(long(1), b'a', b'c'), 'Too many bytes for comparator'),
    ('CompositeType(LongType,UTF8Type)', composite(long(1), b'a') + b'x', 'Too many bytes for comparator'),
    ('CompositeType(LongType,UTF8Type)', composite(b'abc'), 'Expected 8 or 0 byte long (3)'),
    ('CompositeType(LongType,UTF8Type)', composite(long(1), b'\xff'), "String didn't validate."),
    ('DynamicCompositeType(u=>UTF8Type)', dynamic(('z', b'x')), 'Cannot find comparator for component 0'),
    ('DynamicCompositeType(u=>UTF8Type)', dynamic(('NoType', b'x')), 'Cannot find comparator for component 0'),
    ('DynamicCompositeType(u=>UTF8Type)', dynamic(('u', b'\xff')), "String didn't validate."),
    ('DynamicCompositeType(u=>UTF8Type)', b'\x00\x05abc',
     'Not enough bytes to read comparator name of component 0'),
    ('ReversedType(LongType)', b'abc', 'Expected 8 or 0 byte long (3)'),
]


@pytest.mark.parametrize('text, raw, why', REFUSALS)
def test_refusals_as_name_and_as_value(text, raw, why):
    made = one_family(cf_def('N', comparator_type=text))
    refused(why, put, made, b'k', raw, b'v', 1, None, 'N')
    made = one_family(cf_def('V', default_validation_class=text))
    refused(f'({why}) [K][V][6e] failed validation', put, made, b'k', b'n', raw, 1, None, 'V')


@pytest.mark.parametrize('text, raw, why', [
    ('UUIDType', b'abc', 'UUIDs must be exactly 16 bytes'),
    ('TimeUUIDType', b'abc', 'TimeUUID should be 16 or 0 bytes (3)'),
    ('LexicalUUIDType', b'abc', 'LexicalUUID should be 16 or 0 bytes (3)'),
    ('InetAddressType', b'', 'Expected 4 or 16 byte inetaddress; got '),
])
def test_refusals_of_1_2(text, raw, why):
    with pytest.raises(MarshalError) as caught:
        parse(text, '1.2').validate(raw)
    assert str(caught.value) == why


@pytest.mark.parametrize('raw', [b'', b'a', b'\xc0\x80', b'\xed\xa0\x80', b'\xf5\x80\x80\x80', '\U0001f600'.encode()])
def test_utf8_that_cassandra_passes(raw):
    parse('UTF8Type').validate(raw)


@pytest.mark.parametrize('text', [text for text in ORDERS if 'Composite' not in text])
def test_empty_values_are_accepted(text):
    parse(text).validate(b'')


@pytest.mark.parametrize('text', ['ByteType', 'ShortType', 'SimpleDateType', 'TimeType'])
def test_types_since_2_2_refuse_empty(text):
    with pytest.raises(UnknownType):
        parse(text, '2.1')
    with pytest.raises(MarshalError):
        parse(text, '2.2').validate(b'')
    made = one_family(cf_def('F', comparator_type=text), '2.2')
    with pytest.raises(InvalidRequestException, match='Expected .* byte'):
        names(made, b'k', 'F')


def test_timestamp_type_exists_since_2_0():
    with pytest.raises(UnknownType, match='TimestampType'):
        parse('TimestampType', '1.2')
    assert parse('TimestampType', '2.0').name == 'TimestampType'


def test_a_decimal_name_without_digits_times_out():
    made = one_family(cf_def('F', comparator_type='DecimalType'))
    with pytest.raises(TimedOutException):
        put(made, b'k', bytes(4), family='F')
    assert names(made, b'k', 'F', predicate=([bytes(4)], None)) == []


def test_decimals_of_any_length_sort():
    key = parse('DecimalType').sort_key
    huge = 7 ** 20000
    low, high = decimals((0, huge), (0, huge + 1))
    assert key(low) < key(high)
    assert key(struct.pack('>i', 2**31 - 1) + b'\x01') < key(struct.pack('>i', -2**31) + b'\x01')


@given(st.lists(st.tuples(st.integers(-6, 6), st.integers(-2000, 2000)), min_size=2, max_size=2))
def test_decimal_keys_order_as_numbers_do(pairs):
    from fractions import Fraction
    numbers = [Fraction(number) / Fraction(10) ** scale for scale, number in pairs]
    keys = [parse('DecimalType').sort_key(raw) for raw in decimals(*pairs)]
    assert (keys[0] < keys[1]) == (numbers[0] < numbers[1])
    assert (keys[0] == keys[1]) == (numbers[0] == numbers[1])


def compare_composites(left, right, compare):
    """The comparison of composites as the servers write it: component by component, then the end bytes."""
    for (one, one_end), (two, two_end) in zip(left, right):
        order = compare(one, two)
        if order:
            return order
        if one_end != two_end:
            return -1 if one_end < two_end else 1
    return (len(left) > len(right)) - (len(left) < len(right))


COMPONENTS = st.lists(st.tuples(st.sampled_from([b'', b'a', b'ab', b'b']), st.sampled_from([-1, 0, 1])), max_size=3)


@pytest.mark.parametrize('component', ['BytesType', 'ReversedType(BytesType)'])
@given(left=COMPONENTS, right=COMPONENTS)
def test_composite_keys_order_as_the_servers_comparison_does(component, left, right):
    key = parse(f'CompositeType({component},{component},{component})').sort_key

    def raw(parts):
        return b''.join(struct.pack('>H', len(part)) + part + struct.pack('b', end) for part, end in parts)

    sign = -1 if component.startswith('Reversed') else 1
    order = compare_composites(left, right, lambda one, two: sign * ((one > two) - (one < two)))
    keys = key(raw(left)), key(raw(right))
    assert ((keys[0] > keys[1]) - (keys[0] < keys[1])) == order


def test_end_of_component_bytes_choose_what_a_slice_takes():
    made = one_family(cf_def('F', comparator_type='CompositeType(LongType,UTF8Type)'))
    stored = [composite(long(number), text) for number in (1, 2, 3) for text in (b'a', b'b')] + [composite(long(2))]
    for name in stored:
        put(made, b'k', name, family='F')
    ordered = sorted(stored, key=parse('CompositeType(LongType,UTF8Type)').sort_key)

    def slice_(start=b'', finish=b'', backwards=False):
        return names(made, b'k', 'F', predicate=(None, (start, finish, backwards, 100)))

    prefix = functools.partial(composite, long(2))
    assert slice_(start=prefix(eoc=0)) == slice_(start=prefix(eoc=-1)) == ordered[2:]
    assert slice_(start=prefix(eoc=1)) == ordered[5:]
    assert slice_(finish=prefix(eoc=1)) == ordered[:5]
    assert slice_(finish=prefix(eoc=0)) == ordered[:3]
    assert slice_(finish=prefix(eoc=-1)) == ordered[:2]
    assert slice_(prefix(eoc=1), prefix(eoc=0), True) == ordered[4:1:-1]


@pytest.mark.parametrize('text, name', [
    ('CompositeType(LongType,UTF8Type)', composite(long(1), b'a', eoc=1)),
    ('DynamicCompositeType(u=>UTF8Type)', dynamic(('u', b'x'), eoc=-1)),
])
def test_bounds_are_not_stored_as_names(text, name):
    made = one_family(cf_def('F', comparator_type=text))
    with pytest.raises(InvalidRequestException, match='end-of-component byte of a stored composite name must be 0'):
        put(made, b'k', name, family='F')
    assert names(made, b'k', 'F', predicate=([name], None)) == []


@pytest.mark.parametrize('text, full', [
    ('', 'BytesType'), ('UTF8Type', 'UTF8Type'), ('org.apache.cassandra.db.marshal.LongType', 'LongType'),
    ('CompositeType( LongType , ReversedType(UTF8Type) )', 'CompositeType(<LongType,<ReversedType(<UTF8Type))'),
    ('UTF8Type(reversed=true)', 'ReversedType(<UTF8Type)'), ('UTF8Type(reversed=false)', 'UTF8Type'),
    ('UTF8Type()', 'UTF8Type'),
    ('DynamicCompositeType(t=>TimeUUIDType,a=>AsciiType)', 'DynamicCompositeType(a=><AsciiType,t=><TimeUUIDType)'),
])
def test_full_names(text, full):
    package = 'org.apache.cassandra.db.marshal.'
    assert parse(text).full_name == package + full.replace('<', package)


@pytest.mark.parametrize('text, error, why', [
    ('NoType', UnknownType, "Unable to find abstract-type class 'org.apache.cassandra.db.marshal.NoType'"),
    ('org.foo.Bar', UnknownType, "Unable to find abstract-type class 'org.foo.Bar'"),
    ('ReversedType', TypeSyntaxError,
     'Invalid definition for comparator org.apache.cassandra.db.marshal.ReversedType.'),
    *((text, TypeSyntaxError, f'Invalid definition for comparator org.apache.cassandra.db.marshal.{named}.')
      for text, named in (('CompositeType', 'CompositeType'), ('CompositeType(LongType', 'CompositeType'),
                          ('CompositeType(?)', 'CompositeType'),
                          ('DynamicCompositeType(ab=>LongType)', 'DynamicCompositeType'))),
    ('LongType(reversed', TypeSyntaxError, 'unexpected end of string'),
    ('ReversedType(' * 100 + 'LongType' + ')' * 100, TypeSyntaxError, 'deep'),
])
def test_bad_type_texts(text, error, why):
    with pytest.raises(error) as caught:
        parse(text)
    assert why in str(caught.value.args[0])


@pytest.mark.parametrize('text, raw, shown', [
    ('BytesType', b'\x01\xff', '01ff'), ('UTF8Type', 'é'.encode(), 'é'), ('LongType', long(-5), '-5'),
    ('LongType', b'', ''), ('BooleanType', b'\x01', 'true'), ('DoubleType', struct.pack('>d', 1.5), '1.5'),
    ('FloatType', struct.pack('>f', 0.1), '0.1'), ('DoubleType', struct.pack('>d', float('inf')), 'Infinity'),
    ('UUIDType', bytes(16), '00000000-0000-0000-0000-000000000000'),
    ('InetAddressType', b'\x7f\x00\x00\x01', '127.0.0.1'),
    ('DecimalType', decimals((2, 150))[0], '1.50'), ('TimestampType', long(0), '1970-01-01 00:00Z'),
    ('CompositeType(LongType,UTF8Type)', composite(long(1), b'a:b'), '1:a\\:b'),
    ('CompositeType(LongType,UTF8Type)', composite(long(1), eoc=1), '1:!'),
    ('DynamicCompositeType(u=>UTF8Type)', dynamic(('u', b'x')), 'u@x'),
])
def test_how_messages_print_names(text, raw, shown):
    assert parse(text).text(raw) == shown


def test_values_that_are_no_longer_of_their_type_have_no_key():
    assert parse('LongType').value_key(b'abc') is None
    assert parse('DecimalType').value_key(bytes(4)) is None
    assert parse('LongType').value_key(long(5)) == 5
