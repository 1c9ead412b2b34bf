"""Columns of the class mapper's first releases: what they store and read."""
import datetime
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa import types
from pycassa.types import Column, DateTime, DateTimeString, Float64, FloatString, Int64, IntString, Long, String

WHEN = datetime.datetime(2009, 12, 23, 17, 6, 3)
ENCODINGS = ['utf-8', 'ascii', 'latin-1']


@pytest.mark.parametrize('column, value, stored', [
    (String(), 'string test', 'string test'), (IntString(), 18, '18'), (FloatString(), 35.8, '35.8'),
    (DateTimeString(), WHEN, '2009-12-23 17:06:03'), (Float64(), 35.8, struct.pack('=d', 35.8)),
    (Int64(), -2, struct.pack('=q', -2)), (Long(), 258, b'\0\0\0\0\0\0\1\2'), (Column(), b'x', b'x'),
])
def test_stored(column, value, stored):
    assert column.pack(value) == stored and type(column.pack(value)) is type(stored)
    assert column.unpack(stored) == value
    as_bytes = stored if isinstance(stored, bytes) else stored.encode()
    assert column.unpack(as_bytes) == value


def test_local_time():
    assert DateTime().unpack(DateTime().pack(WHEN)) == WHEN
    assert DateTime().pack(WHEN) == struct.pack('=q', int(WHEN.timestamp()))


def test_defaults():
    assert Column().default is None and IntString(default=5).default == 5 and String('x').default == 'x'


@pytest.mark.parametrize('column, value', [
    (String(), 5), (String(), None), (IntString(), '5'), (IntString(), 5.0), (FloatString(), '5'), (FloatString(), 5),
    (DateTimeString(), '2009-12-23 17:06:03'), (DateTime(), 5), (Float64(), 5), (Float64(), '5'), (Int64(), 5.0),
    (Long(), '5'),
])
def test_other_types_raise_type_error(column, value):
    with pytest.raises(TypeError, match='expected .*, .* found'):
        column.pack(value)


@pytest.mark.parametrize('column, stored', [
    (IntString(), 'x'), (FloatString(), b'x'), (DateTimeString(), 'x'), (Float64(), b'x'), (Long(), ''),
    (DateTime(), b'123'),
])
def test_other_bytes_raise_value_error(column, stored):
    with pytest.raises(ValueError):
        column.unpack(stored)


@given(st.floats(allow_nan=False), st.integers(-2 ** 63, 2 ** 63 - 1))
def test_numbers_survive_a_family_that_gives_text(number, integer):
    for encoding in ENCODINGS:
        assert Float64().unpack(Float64().pack(number).decode(encoding, 'surrogateescape')) == number
        assert Int64().unpack(Int64().pack(integer).decode(encoding, 'surrogateescape')) == integer
        assert Long().unpack(Long().pack(integer).decode(encoding, 'surrogateescape')) == integer


@given(st.binary())
def test_bytes_survive_string(data):
    column = String()
    text = column.unpack(data)
    packed = column.pack(text)
    assert type(text) is str
    assert (packed if isinstance(packed, bytes) else packed.encode()) == data
    assert column.pack(data) == data


def test_another_format():
    class Day(DateTimeString):
        format = '%d.%m.%Y'
    assert Day().pack(WHEN) == '23.12.2009' and Day().unpack(b'23.12.2009') == datetime.datetime(2009, 12, 23)


def test_columns_of_one_s_own():
    class Digits(Column):
        def pack(self, val):
            return str(val)

        def unpack(self, val):
            return int(val)
    found = types.scalar_for(Digits(default=3))
    assert found.pack(5) == b'5' and found.unpack(b'5') == 5 and Digits(default=3).default == 3
