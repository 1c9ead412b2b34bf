"""AnyType: what goes in comes out, equal objects are equal bytes, and bytes sort as the objects of one kind do."""
import datetime
import decimal
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycassa import types
from pycassa.contrib.stubs import AnyType

SCALAR = AnyType().make_scalar()
UTC = datetime.timezone.utc
QUIET = settings(deadline=None)    # The machine may be busy.

floats = st.floats(allow_nan=False)
kinds = [st.text(), st.binary(), st.integers(-2 ** 1000, 2 ** 1000), st.booleans(), st.datetimes(),
         st.datetimes(timezones=st.just(UTC)), floats]
tuples = st.recursive(st.one_of(*kinds), lambda inner: st.lists(inner, max_size=4).map(tuple))


@QUIET
@given(st.one_of(*kinds, st.uuids(), tuples))
def test_what_goes_in_comes_out(value):
    back = SCALAR.unpack(SCALAR.pack(value))
    assert back == value and type(back) is type(value)


@QUIET
@given(st.one_of([st.tuples(kind, kind) for kind in kinds]))
def test_order_within_a_kind(pair):
    low, high = sorted(pair)
    assert SCALAR.pack(low) <= SCALAR.pack(high)
    assert (low == high) is (SCALAR.pack(low) == SCALAR.pack(high)) or low == 0.0


@QUIET
@given(st.lists(st.tuples(st.integers(), st.text(), st.binary()), min_size=2))
def test_order_of_tuples(values):
    assert sorted(values, key=SCALAR.pack) == sorted(values)


def test_time_uuids_sort_by_their_time():
    from pycassa.util import convert_time_to_uuid
    ids = [convert_time_to_uuid(seconds) for seconds in (-5, 0, 3, 400, 10 ** 9, 2 * 10 ** 9)]
    assert sorted(ids, key=SCALAR.pack) == ids


def test_zeros_and_not_a_number():
    assert math.copysign(1, SCALAR.unpack(SCALAR.pack(-0.0))) == -1
    assert math.isnan(SCALAR.unpack(SCALAR.pack(math.nan)))


@pytest.mark.parametrize('value', [decimal.Decimal('1.50'), datetime.date(2010, 5, 6), ['a', {'b': 1}],
                                   frozenset('a'), datetime.timedelta(1)])
def test_other_objects(value):
    assert SCALAR.unpack(SCALAR.pack(value)) == value


def test_subclasses_of_text_and_bytes_are_text_and_bytes():
    class Name(str):
        pass

    assert SCALAR.pack(Name('a')) == SCALAR.pack('a') == b'a'
    assert SCALAR.unpack(SCALAR.pack(bytearray(b'a'))) == SCALAR.unpack(SCALAR.pack(memoryview(b'a'))) == b'a'


@pytest.mark.parametrize('value', [None, '\ud800', 2 ** 2000, lambda: None])
def test_what_cannot_be_stored(value):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        SCALAR.pack(value)


@QUIET
@given(st.binary(max_size=40).filter(lambda data: data[:1] not in (b'\xff', b'\xfd', b'\xfe')))
def test_bytes_of_other_types_unpack_to_something(data):
    SCALAR.unpack(data)


@QUIET
@given(st.binary(), st.text())
def test_with_an_encoding_bytes_are_text(data, text):
    scalar = AnyType().make_scalar('utf-8')
    back = scalar.unpack(scalar.pack(data))
    assert back == data.decode('utf-8', 'surrogateescape') and scalar.pack(back) == scalar.pack(data)
    assert scalar.unpack(scalar.pack(text)) == text


def test_it_is_bytes_to_servers():
    assert AnyType() == 'BytesType' and AnyType() == AnyType() and AnyType() != types.BytesType()
