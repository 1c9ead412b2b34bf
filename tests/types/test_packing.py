"""Scalars: stored bytes of each type, round trips, and what is refused."""
import datetime
import decimal
import ipaddress
import struct
import sys
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa import codec

UTC = datetime.timezone.utc
DAY = datetime.datetime(2009, 12, 23, 17, 6, 3, 250999)
FIXED = ['LongType', 'Int32Type', 'ShortType', 'ByteType', 'FloatType', 'DoubleType', 'BooleanType', 'DateType',
         'TimestampType', 'SimpleDateType', 'TimeType', 'UUIDType', 'TimeUUIDType', 'LexicalUUIDType',
         'CounterColumnType', 'Float64', 'IntegerType', 'DecimalType', 'InetAddressType', 'EmptyType']
REFUSED = (TypeError, ValueError, OverflowError, struct.error)


def hexed(name, value):
    return codec.scalar(name).pack(value).hex()


# --- stored bytes ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name, value, expected', [
    ('LongType', 1, '0000000000000001'), ('LongType', -2, 'fffffffffffffffe'), ('LongType', True, '0000000000000001'),
    ('CounterColumnType', 7, '0000000000000007'),
    ('Int32Type', -1, 'ffffffff'), ('ShortType', -2, 'fffe'), ('ByteType', -128, '80'),
    ('IntegerType', 0, '00'), ('IntegerType', 127, '7f'), ('IntegerType', 128, '0080'), ('IntegerType', 255, '00ff'),
    ('IntegerType', -1, 'ff'), ('IntegerType', -128, '80'), ('IntegerType', -129, 'ff7f'),
    ('IntegerType', 2 ** 64, '010000000000000000'), ('IntegerType', -2 ** 63, '8000000000000000'),
    ('FloatType', 1.5, '3fc00000'), ('DoubleType', 2, '4000000000000000'),
    ('DecimalType', Decimal('1.00'), '0000000264'), ('DecimalType', Decimal('1E+2'), 'fffffffe01'),
    ('DecimalType', Decimal('-0.05'), '00000002fb'), ('DecimalType', 300, '00000000012c'),
    ('DecimalType', Decimal('-0'), '0000000000'),
    ('BooleanType', True, '01'), ('BooleanType', False, '00'), ('BooleanType', 0, '00'), ('BooleanType', 5, '01'),
    ('DateType', datetime.datetime(1970, 1, 1, 0, 0, 1), '00000000000003e8'),
    ('DateType', datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), 'ffffffffffffffff'),
    ('DateType', datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), 'ffffffffffffffff'),
    ('TimestampType', 1, '00000000000003e8'), ('TimestampType', 1.001, '00000000000003e9'),
    ('TimestampType', Decimal('-0.5'), 'fffffffffffffe0c'),
    ('TimestampType', datetime.date(1970, 1, 2), '0000000005265c00'),
    ('SimpleDateType', datetime.date(1970, 1, 1), '80000000'),
    ('SimpleDateType', datetime.date(1969, 12, 31), '7fffffff'),
    ('SimpleDateType', datetime.datetime(1970, 1, 2, 23), '80000001'),
    ('TimeType', datetime.time(0, 0, 1, 5), '000000003b9add88'), ('TimeType', 17, '0000000000000011'),
    ('InetAddressType', '127.0.0.1', '7f000001'), ('InetAddressType', ipaddress.ip_address('::1'), '00' * 15 + '01'),
    ('InetAddressType', b'\1\2\3\4', '01020304'),
    ('UTF8Type', 'é', 'c3a9'), ('UTF8Type', b'\xff', 'ff'), ('BytesType', 'é', 'c3a9'), ('AsciiType', 'abc', '616263'),
    ('EmptyType', None, ''), ('EmptyType', '', ''),
])
def test_stored_bytes(name, value, expected):
    assert hexed(name, value) == expected


def test_float64_has_the_byte_order_of_the_machine():
    assert codec.scalar('Float64').pack(35.8) == struct.pack('<d' if sys.byteorder == 'little' else '>d', 35.8)


@pytest.mark.parametrize('value', [bytearray(b'a\xc3\xa9'), memoryview(b'a\xc3\xa9'), b'a\xc3\xa9', 'aé'])
@pytest.mark.parametrize('name', ['UTF8Type', 'BytesType'])
def test_text_and_bytes_are_both_accepted(name, value):
    data = codec.scalar(name).pack(value)
    assert data == b'a\xc3\xa9' and type(data) is bytes


def test_strided_memoryview_is_copied_in_its_own_order():
    assert codec.scalar('BytesType').pack(memoryview(b'abcdef')[::2]) == b'ace'


def test_subclass_of_str_is_text():
    class Text(str):
        def encode(self, *args):
            raise AssertionError('the content counts')
    assert codec.scalar('UTF8Type').pack(Text('é')) == b'\xc3\xa9'


def test_objects_with_index_are_ints():
    class Index:
        def __index__(self):
            return 258
    for name, expected in [('LongType', '0000000000000102'), ('Int32Type', '00000102'), ('IntegerType', '0102'),
                           ('DecimalType', '000000000102')]:
        assert hexed(name, Index()) == expected


# --- out ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', FIXED)
def test_empty_bytes_are_none(name):
    assert codec.scalar(name).unpack(b'') is None


def test_empty_text_is_empty_text():
    assert codec.scalar('UTF8Type').unpack(b'') == '' and codec.scalar('AsciiType').unpack(b'') == ''
    assert codec.scalar('BytesType').unpack(b'') == b''


@pytest.mark.parametrize('name, data', [
    ('LongType', b'123'), ('LongType', b'123456789'), ('Int32Type', b'12345678'), ('ShortType', b'1'),
    ('ByteType', b'12'), ('FloatType', b'1'), ('DoubleType', b'1234'), ('BooleanType', b'\0\0'),
    ('DateType', b'1'), ('SimpleDateType', b'1'), ('TimeType', b'1'), ('UUIDType', b'1' * 15),
    ('TimeUUIDType', b'1' * 17), ('DecimalType', b'123'), ('DecimalType', b'1234'), ('InetAddressType', b'12345'),
    ('EmptyType', b'1'), ('UTF8Type', b'\xff'), ('AsciiType', b'\x80'), ('Float64', b'1'),
    ('TimeType', b'\xff' * 8),
])
def test_bytes_of_another_type_raise_value_error(name, data):
    with pytest.raises(ValueError):
        codec.scalar(name).unpack(data)


def test_boolean_of_any_other_byte_is_true():
    assert codec.scalar('BooleanType').unpack(b'\xff') is True


@pytest.mark.parametrize('data, expected', [('01', 1), ('000001', 1), ('ffff', -1), ('00ff', 255)])
def test_integers_of_any_length_are_read(data, expected):
    assert codec.scalar('IntegerType').unpack(bytes.fromhex(data)) == expected


@pytest.mark.parametrize('milliseconds', [2 ** 63 - 1, -2 ** 63, 253402300800000, -62135596800001])
def test_times_outside_of_datetime_say_so(milliseconds):
    with pytest.raises(ValueError, match=f'{milliseconds} milliseconds since 1970'):
        codec.scalar('TimestampType').unpack(struct.pack('>q', milliseconds))


def test_dates_outside_of_date_say_so():
    with pytest.raises(ValueError, match='days since 1970'):
        codec.scalar('SimpleDateType').unpack(b'\xff\xff\xff\xff')


def test_aware_datetimes_are_converted():
    zone = datetime.timezone(datetime.timedelta(hours=-8))
    aware = datetime.datetime(2009, 12, 23, 9, 6, 3, 250999, tzinfo=zone)
    assert codec.scalar('DateType').pack(aware) == codec.scalar('DateType').pack(DAY)
    assert codec.scalar('SimpleDateType').pack(aware.replace(hour=20)).hex() == hexed(
        'SimpleDateType', datetime.date(2009, 12, 24))


def test_addresses_come_back_as_objects():
    address = codec.scalar('InetAddressType')
    assert address.unpack(address.pack('10.0.0.1')) == ipaddress.IPv4Address('10.0.0.1')
    assert address.unpack(address.pack('fe80::1')) == ipaddress.IPv6Address('fe80::1')


# --- refused -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', FIXED + ['UTF8Type', 'AsciiType', 'BytesType'])
def test_objects_of_other_types_are_refused(name):
    for value in (object(), [], {}, Ellipsis):
        with pytest.raises(REFUSED):
            codec.scalar(name).pack(value)
    if name != 'EmptyType':
        with pytest.raises(REFUSED):
            codec.scalar(name).pack(None)


@pytest.mark.parametrize('name, value', [
    ('LongType', '1'), ('LongType', 1.0), ('LongType', 2 ** 63), ('Int32Type', 2 ** 31), ('Int32Type', '1'),
    ('ByteType', 128), ('ShortType', 40000), ('IntegerType', 1.0), ('IntegerType', '1'), ('DoubleType', '1'),
    ('DoubleType', 10 ** 400), ('FloatType', 1e300), ('DecimalType', 1.5), ('DecimalType', '1.5'),
    ('DecimalType', Decimal('NaN')), ('DecimalType', Decimal('Infinity')),
    ('DecimalType', Decimal((0, (1,), 2 ** 31 + 1))),
    ('BooleanType', 'false'), ('BooleanType', b'\0'), ('BooleanType', None),
    ('DateType', '2009-12-23'), ('DateType', float('nan')), ('DateType', float('inf')), ('DateType', 10 ** 20),
    ('SimpleDateType', 5), ('TimeType', 86400 * 10 ** 9), ('TimeType', -1), ('TimeType', 1.5),
    ('TimeType', datetime.time(1, tzinfo=UTC)),
    ('UUIDType', 'abc'), ('UUIDType', b'short'), ('TimeUUIDType', datetime.datetime(1500, 1, 1)),
    ('TimeUUIDType', datetime.datetime(9999, 1, 1)), ('InetAddressType', 'localhost'), ('InetAddressType', 5),
    ('UTF8Type', 'a\ud800'), ('UTF8Type', 5), ('BytesType', 'a\udcff'), ('BytesType', 5), ('AsciiType', 'é'),
    ('AsciiType', b'\x80'), ('AsciiType', 5), ('EmptyType', 'x'),
])
def test_what_a_type_cannot_hold_is_refused(name, value):
    with pytest.raises(REFUSED):
        codec.scalar(name).pack(value)


def test_scalars_are_singletons_and_unknown_names_raise():
    assert codec.scalar('UTF8Type') is codec.scalar('UTF8Type')
    assert repr(codec.scalar('UTF8Type')) == '<Scalar UTF8Type>'
    with pytest.raises(KeyError):
        codec.scalar('NoSuchType')


# --- round trips -------------------------------------------------------------------------------------------------

def assert_round_trip(name, value):
    each = codec.scalar(name)
    data = each.pack(value)
    assert type(data) is bytes and each.unpack(data) == value
    assert each.pack_bound(value, True) == each.pack_bound(value, False) == data


@given(st.text())
def test_round_trip_of_text(value):
    assert_round_trip('UTF8Type', value)


@given(st.text(st.characters(max_codepoint=127)))
def test_round_trip_of_ascii(value):
    assert_round_trip('AsciiType', value)


@given(st.binary())
def test_round_trip_of_bytes(value):
    assert_round_trip('BytesType', value)


@given(st.integers(-2 ** 63, 2 ** 63 - 1))
def test_round_trip_of_longs(value):
    assert_round_trip('LongType', value)


@given(st.integers(-2 ** 31, 2 ** 31 - 1))
def test_round_trip_of_ints(value):
    assert_round_trip('Int32Type', value)


@given(st.integers())
def test_round_trip_of_integers_in_the_fewest_bytes(value):
    assert_round_trip('IntegerType', value)
    size = len(codec.scalar('IntegerType').pack(value))
    if size > 1:
        with pytest.raises(OverflowError):
            value.to_bytes(size - 1, 'big', signed=True)


@given(st.floats(allow_nan=False))
def test_round_trip_of_doubles(value):
    assert_round_trip('DoubleType', value)
    assert_round_trip('Float64', value)


@given(st.floats(allow_nan=False, width=32))
def test_round_trip_of_floats(value):
    assert_round_trip('FloatType', value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_round_trip_of_decimals_keeps_the_scale(value):
    each = codec.scalar('DecimalType')
    found = each.unpack(each.pack(value))
    assert found == value and found.as_tuple().exponent == value.as_tuple().exponent


def test_decimals_do_not_depend_on_the_context():
    value = Decimal('1.' + '3' * 5000)
    each = codec.scalar('DecimalType')
    with decimal.localcontext() as context:
        context.prec = 3
        assert each.unpack(each.pack(value)) == value


@given(st.booleans())
def test_round_trip_of_booleans(value):
    assert_round_trip('BooleanType', value)


@given(st.datetimes())
def test_round_trip_of_datetimes_keeps_the_millisecond(value):
    for name in 'DateType', 'TimestampType':
        each = codec.scalar(name)
        expected = value.replace(microsecond=value.microsecond // 1000 * 1000)
        assert each.unpack(each.pack(value)) == expected
        assert each.pack(value.replace(tzinfo=UTC)) == each.pack(value)


@given(st.dates())
def test_round_trip_of_dates(value):
    assert_round_trip('SimpleDateType', value)


@given(st.times())
def test_round_trip_of_times(value):
    assert_round_trip('TimeType', value)


@given(st.uuids())
def test_round_trip_of_uuids(value):
    for name in 'UUIDType', 'TimeUUIDType', 'LexicalUUIDType':
        assert_round_trip(name, value)
        assert codec.scalar(name).pack(value.bytes) == value.bytes


# --- version 1 UUIDs of times ------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', ['UUIDType', 'TimeUUIDType', 'LexicalUUIDType'])
def test_uuid_of_a_time_is_random_but_for_its_time(name):
    each = codec.scalar(name)
    first, second = (uuid.UUID(bytes=each.pack(DAY)) for _ in range(2))
    assert first != second and first.time == second.time
    assert first.version == 1 and first.variant == uuid.RFC_4122


@given(st.datetimes(datetime.datetime(1582, 10, 16), datetime.datetime(5236, 3, 31)), st.booleans())
def test_bounds_of_a_time_enclose_its_uuids(value, unsigned):
    each = codec.scalar('UUIDType' if unsigned else 'TimeUUIDType')

    def order(data):
        tail = data[8:] if unsigned else struct.unpack('8b', data[8:])
        return uuid.UUID(bytes=data).time, tuple(tail)
    low, high, some = each.pack_bound(value, True), each.pack_bound(value, False), each.pack(value)
    assert order(low) <= order(some) <= order(high)
    assert uuid.UUID(bytes=low).time == uuid.UUID(bytes=high).time
    assert uuid.UUID(bytes=low).variant == uuid.UUID(bytes=high).variant == uuid.RFC_4122


def test_bounds_of_time_uuids_are_those_of_release_1_11():
    each = codec.scalar('TimeUUIDType')
    assert each.pack_bound(0, True).hex() == '138140001dd211b2' + '8080808080808080'
    assert each.pack_bound(0, False).hex() == '138140001dd211b2' + 'bf7f7f7f7f7f7f7f'


def test_reversed_order_swaps_the_bounds():
    each = codec.scalar('TimeUUIDType')
    backwards = codec.reversed_order(each)
    assert backwards.pack_bound(DAY, True) == each.pack_bound(DAY, False)
    assert backwards.pack_bound(DAY, False) == each.pack_bound(DAY, True)
    assert codec.reversed_order(codec.scalar('LongType')) is codec.scalar('LongType')


# --- bytes_encoding ----------------------------------------------------------------------------------------------

@given(st.binary())
def test_every_byte_string_survives_bytes_encoding(data):
    for encoding in 'utf-8', 'ascii', 'latin-1':
        each = codec.bytes_scalar(encoding)
        text = each.unpack(data)
        assert type(text) is str and each.pack(text) == data and each.pack(data) == data


def test_bytes_encoding_none_is_bytes_type():
    assert codec.bytes_scalar(None) is codec.scalar('BytesType')


def test_bytes_encoding_by_another_spelling_is_understood_and_nonsense_is_not():
    assert codec.bytes_scalar('UTF8').unpack(b'\xc3\xa9') == 'é'
    with pytest.raises(LookupError):
        codec.bytes_scalar('no-such-encoding')


def test_lone_surrogate_under_bytes_encoding_raises():
    with pytest.raises(UnicodeEncodeError):
        codec.bytes_scalar('utf-8').pack('\ud800')
