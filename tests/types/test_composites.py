"""Composite names: bytes, prefixes, ends of slices, errors."""
import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa import codec
from pycassa.marshal import scalar_for

LONG, TEXT, TIME = (codec.scalar(name) for name in ('LongType', 'UTF8Type', 'TimeUUIDType'))
PAIR = codec.composite([LONG, TEXT])
ONE = '0008' + '0000000000000001'


def test_bytes():
    assert PAIR.pack((1, 'ab')).hex() == ONE + '00' + '0002' + '6162' + '00'
    assert PAIR.unpack(bytes.fromhex(ONE + '00' + '0002' + '6162' + '00')) == (1, 'ab')


def test_lists_and_named_tuples_are_tuples():
    assert PAIR.pack([1, 'ab']) == PAIR.pack((1, 'ab'))


@pytest.mark.parametrize('value', [(), (1,), (1, '')])
def test_prefixes_and_empty_components_are_told_apart(value):
    assert PAIR.unpack(PAIR.pack(value)) == value


def test_a_single_value_is_the_first_component():
    assert PAIR.pack(1) == PAIR.pack((1,))
    assert PAIR.pack_bound(1, True) == PAIR.pack_bound((1,), True)
    assert codec.composite([TEXT]).pack('abc') == codec.composite([TEXT]).pack(('abc',))


@pytest.mark.parametrize('value, is_start, last', [
    ((1,), True, 'ff'), ((1,), False, '01'),
    (((1, True),), True, 'ff'), (((1, True),), False, '01'),
    (((1, False),), True, '01'), (((1, False),), False, 'ff'),
])
def test_ends_of_slices(value, is_start, last):
    assert PAIR.pack_bound(value, is_start).hex() == ONE + last


def test_only_the_last_component_is_marked():
    assert PAIR.pack_bound((1, 'a'), False).hex() == ONE + '00' + '0001' + '61' + '01'
    assert PAIR.pack_bound((1, ('a', False)), False).hex() == ONE + '00' + '0001' + '61' + 'ff'
    with pytest.raises(TypeError, match='component 0'):
        PAIR.pack_bound(((1, False), 'a'), True)


def test_empty_bound_is_open():
    assert PAIR.pack_bound((), True) == b''


def test_times_in_bounds_are_the_first_or_last_uuid():
    pair = codec.composite([LONG, TIME])
    when = datetime.datetime(2020, 1, 1)

    def stamp(value, is_start):
        return uuid.UUID(bytes=pair.pack_bound(value, is_start)[-17:-1]).bytes
    low, high = TIME.pack_bound(when, True), TIME.pack_bound(when, False)
    assert stamp((1, when), True) == low and stamp((1, when), False) == high
    assert stamp((1, (when, False)), True) == high and stamp((1, (when, False)), False) == low


def test_reversed_component_swaps_its_times_and_keeps_the_marks():
    when = datetime.datetime(2020, 1, 1)
    plain = scalar_for('CompositeType(TimeUUIDType)')
    backwards = scalar_for('CompositeType(ReversedType(TimeUUIDType))')
    assert backwards.pack_bound((when,), True) == b'\0\x10' + TIME.pack_bound(when, False) + b'\xff'
    assert plain.pack_bound((when,), True) == b'\0\x10' + TIME.pack_bound(when, True) + b'\xff'


def test_reversed_composite_swaps_the_marks():
    backwards = scalar_for('ReversedType(CompositeType(LongType,UTF8Type))')
    assert backwards.pack_bound((1,), True).hex() == ONE + '01'
    assert backwards.pack((1, 'a')) == PAIR.pack((1, 'a'))


def test_nested_composites():
    nested = scalar_for('CompositeType(CompositeType(LongType,UTF8Type),LongType)')
    value = ((1, 'ab'), 5)
    assert nested.unpack(nested.pack(value)) == value
    inner = PAIR.pack((1, 'ab'))
    assert nested.pack_bound(((1, 'ab'), 5), True)[2:2 + len(inner)] == inner
    last = scalar_for('CompositeType(LongType,CompositeType(LongType,UTF8Type))')
    assert last.pack_bound((7, ((1,), False)), True)[-1:] == b'\1'
    assert last.pack_bound((7, (1, 'a')), True)[-1:] == b'\xff'


@pytest.mark.parametrize('value, message', [
    (('x', 'y'), r'component 0 \(LongType\)'), ((1, 2), r'component 1 \(UTF8Type\): UTF8Type takes str or bytes'),
    ((1, 'a\ud800'), 'component 1'), ((1, 'x' * 65536), r'component 1 .*65536 bytes .* 65535'),
    ((1, None), 'component 1'), ((1, 'a', 'b'), '3 components were given for a CompositeType of 2'),
])
def test_errors_name_the_component(value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        PAIR.pack(value)
    with pytest.raises((TypeError, ValueError), match=message):
        PAIR.pack_bound(value, True)


def test_component_of_65535_bytes_is_stored():
    value = (1, 'x' * 65535)
    assert PAIR.unpack(PAIR.pack(value)) == value


@given(st.integers(0, 30))
def test_truncated_names_raise(cut):
    data = PAIR.pack((1, 'some text of length'))
    if cut in (0, 11):  # nothing, or exactly the first component
        assert PAIR.unpack(data[:cut]) == ((1,) if cut else ())
        return
    with pytest.raises(ValueError):
        PAIR.unpack(data[:min(cut, len(data) - 1)])


@pytest.mark.parametrize('data', [PAIR.pack((1, 'a')) + b'\0\0\0', PAIR.pack((1, 'a')) + b'\0', b'\0\1x\0',
                                  b'\xff\xffab'])
def test_other_bytes_raise(data):
    with pytest.raises(ValueError):
        PAIR.unpack(data)


def test_unpacking_errors_name_the_component():
    with pytest.raises(ValueError, match=r'component 1 \(UTF8Type\)'):
        PAIR.unpack(PAIR.pack((1, b'\xff')))


values = st.tuples(st.integers(-2 ** 63, 2 ** 63 - 1), st.text(), st.uuids(), st.binary(max_size=40))


@given(values, st.integers(0, 4))
def test_round_trip(value, count):
    each = codec.composite([LONG, TEXT, TIME, codec.scalar('BytesType')])
    assert each.unpack(each.pack(value[:count])) == value[:count]


# --- dynamic -----------------------------------------------------------------------------------------------------

DYNAMIC = scalar_for('DynamicCompositeType(a=>AsciiType, l=>LongType, t=>ReversedType(TimeUUIDType))')


def test_dynamic_bytes():
    assert DYNAMIC.pack((('l', 1),)).hex() == '806c' + ONE + '00'
    assert DYNAMIC.pack((('UTF8Type', 'é'),)).hex() == '0008' + b'UTF8Type'.hex() + '0002c3a900'


def test_dynamic_round_trip():
    value = (('l', 5), ('a', 'x'), ('org.apache.cassandra.db.marshal.Int32Type', 7), ('ReversedType(UTF8Type)', 'é'))
    assert DYNAMIC.unpack(DYNAMIC.pack(value)) == value
    assert DYNAMIC.unpack(DYNAMIC.pack([list(pair) for pair in value])) == value


def test_dynamic_ends_of_slices():
    assert DYNAMIC.pack_bound((('l', 1),), True)[-1:] == b'\xff'
    assert DYNAMIC.pack_bound((('a', 'x'), (('l', 1), False)), True)[-1:] == b'\1'
    assert DYNAMIC.pack_bound((('l', 1),), False)[-1:] == b'\1'
    assert DYNAMIC.pack_bound((), False) == b''
    when = datetime.datetime(2020, 1, 1)
    assert DYNAMIC.pack_bound((('t', when),), True)[4:20] == TIME.pack_bound(when, False)


@pytest.mark.parametrize('value, message', [
    (5, 'pair'), ((1, 2), 'pair'), ((('l', 'x'),), 'component 0'),
    ((('l', 1), ('z', 1)), "component 1 .*'z' is no alias"),
    ((('l', 1, 2),), 'pair'),
])
def test_dynamic_errors(value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        DYNAMIC.pack(value)


def test_dynamic_truncated_names_raise():
    data = DYNAMIC.pack((('l', 5), ('UTF8Type', 'abc')))
    whole = {0, len(DYNAMIC.pack((('l', 5),))), len(data)}
    for cut in set(range(len(data))) - whole:
        with pytest.raises(ValueError):
            DYNAMIC.unpack(data[:cut])


def test_dynamic_type_name_that_is_not_text_raises():
    with pytest.raises(ValueError):
        DYNAMIC.unpack(b'\0\1\xff\0\0\0')
    with pytest.raises(ValueError, match='alias'):
        DYNAMIC.unpack(b'\x80z\0\0\0')
