"""Scalars of both twins: the same bytes, the same values, the same errors.

Each type is also packed as a component, because a component goes the way of a column: straight into the request.
"""
import datetime
import decimal
import fractions
import importlib
import ipaddress
import random
import struct
import sys
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins import COMPILED, PURE, Twins, is_built, observe

if not is_built():
    pytest.skip('the compiled twin is not built', allow_module_level=True)

TWINS = Twins(importlib.import_module(PURE), importlib.import_module(COMPILED))
NAMES = sorted(TWINS.pure.scalar.__globals__['_SCALARS'])
UTC = datetime.timezone.utc
ENCODINGS = [None, 'utf-8', 'UTF8', 'ascii', 'latin-1', 'utf-16']

RARELY = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
OFTEN = settings(deadline=None, max_examples=150)


class Zone(datetime.tzinfo):
    """A zone of a user's own."""

    def utcoffset(self, when):
        return datetime.timedelta(hours=5, seconds=1)


class NoOffset(datetime.tzinfo):
    def utcoffset(self, when):
        return None


class OtherUUID(uuid.UUID):
    @property
    def bytes(self):
        return b'0123456789abcdef'


class OtherDay(datetime.datetime):
    def __sub__(self, other):
        return datetime.timedelta(1)

    def toordinal(self):
        return 719164


MOMENT = datetime.datetime(2012, 2, 29, 23, 59, 59, 999999)
TIMES = [MOMENT, datetime.datetime.min, datetime.datetime.max, datetime.datetime(1970, 1, 1),
         datetime.datetime(1969, 12, 31, 23, 59, 59, 999001), datetime.datetime(1600, 3, 1), OtherDay(2020, 1, 1),
         *(MOMENT.replace(tzinfo=zone) for zone in (
             UTC, Zone(), NoOffset(), datetime.timezone(datetime.timedelta(hours=-8)),
             datetime.timezone(datetime.timedelta(0), 'Z'))),
         MOMENT.date(), datetime.date.min, datetime.date.max, MOMENT.time(), datetime.time.max,
         datetime.time(1, tzinfo=NoOffset()), datetime.time(1, tzinfo=UTC), datetime.timedelta(1),
         OtherUUID(int=1), uuid.uuid1(), uuid.UUID(int=(1 << 128) - 1), ipaddress.ip_address('fe80::1'), 'fe80::1%lo',
         1e12, -1e12, 1e13, 1e15, 1e300, -0.0005, 0.0005, 0.0015, 1.0000005, 1e12 + 0.5, 10 ** 12, 10 ** 12 + 1,
         -10 ** 15, 9223372036854775, 9223372036854776, -9223372036854776]


class Text(str):
    """A str whose methods say something else."""

    def encode(self, *arguments, **more):
        return b'encoded otherwise'

    def __str__(self):
        return 'shown otherwise'

    def __len__(self):
        return 99


class Data(bytes):
    def __bytes__(self):
        return b'others'


class Number(int):
    def __index__(self):
        return 7

    def __float__(self):
        return 9.5


class Float(float):
    def __float__(self):
        return 1.25


class Items(tuple):
    """A tuple that is iterated otherwise."""

    def __iter__(self):
        return iter((5, 'other'))


class Pair(tuple):
    """A tuple, and no more."""


class Index:
    def __index__(self):
        return 258


class Liar:
    """An object that lies about its class."""

    def __init__(self, kind):
        self._kind = kind

    @property
    def __class__(self):
        return self._kind


TEXT_AND_BYTES = ['', 'text', 'é', 'Ω漢', '\U0001f600', 'a\udc80b', '\ud800', 'x' * 70000, Text('é'), Text('a'),
                  '127.0.0.1', '::1', b'', b'data', b'\xff\x80', bytes(16), b'abcd', b'x' * 70000, Data(b'data'),
                  bytearray(b'data'), memoryview(b'd.a.t.a')[::2], memoryview(b'data').cast('b'), Liar(str),
                  Liar(bytes)]
NUMBERS = [0, -1, 127, 128, -128, -129, 255, 32767, 32768, 2 ** 31, -2 ** 31 - 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63,
           -2 ** 63 - 1, 2 ** 80, 10 ** 400, True, False, Number(5), Number(0), Index(), Liar(int), 1.5, 0.0, -0.0,
           5e-324, 1.7976931348623157e308, 3.4028235677973366e38, 3.4028235e38, float('nan'), float('inf'),
           -float('inf'), Float(1.5), 1j, fractions.Fraction(1, 3), *map(decimal.Decimal, (
               '1.50', '-0.05', '-0', '1E+2', '1E-9', 'NaN', 'sNaN', '-Infinity', '1E+3000000000', '123456789012345678',
               '9999999999999999999', '-999999999999999999', '0.0000001', '1.' + '3' * 40))]
OTHERS = [None, ..., object, [], (), ['a'], ('a', 'b'), (1, 'b'), [1, 'b'], (1,), ((1, 'b'), False), Pair((1, 'b')),
          Items((1, 'b')), (1, 'b', 3), ((1, 'b'), 'c'), ((1, 'b'), (uuid.UUID(int=1), None)),
          ((1, 'b'), (uuid.UUID(int=1), '')), (1, 'x' * 65535), (1, 'x' * 65536), {1}, {}, Liar(tuple)]
ODD = [*TIMES, *TEXT_AND_BYTES, *NUMBERS, *OTHERS]


def scalars(codec):
    """One of each kind of Scalar that the codec makes, by name."""
    found = {name: codec.scalar(name) for name in NAMES}
    found.update((f'BytesType, {encoding}', codec.bytes_scalar(encoding)) for encoding in ENCODINGS)
    pair = codec.composite([codec.scalar('LongType'), codec.scalar('UTF8Type')])
    times = codec.composite([codec.scalar('TimeUUIDType'), codec.scalar('EmptyType')])
    aliases = {'a': codec.scalar('LongType'), 'é': codec.scalar('UTF8Type'), 'p': pair, '€': pair}
    found.update({
        'pair': pair, 'none': codec.composite([]), 'times': times, 'nested': codec.composite([pair, times]),
        'of text': codec.composite([codec.scalar('UTF8Type')]), 'dynamic': codec.dynamic_composite(aliases),
        'dynamic by call': codec.dynamic_composite(aliases, lambda name: codec.scalar(name.rpartition('.')[2])),
        'reversed': codec.reversed_order(pair), 'reversed time': codec.reversed_order(codec.scalar('TimeUUIDType')),
        'reversed long': codec.reversed_order(codec.scalar('LongType')),
    })
    return found


KINDS = sorted(scalars(TWINS.pure))
PURE_SCALARS, COMPILED_SCALARS = scalars(TWINS.pure), scalars(TWINS.compiled)


def check(name, call):
    """The same of both twins: `call` is given a Scalar."""
    expected, found = observe(call, PURE_SCALARS[name]), observe(call, COMPILED_SCALARS[name])
    assert found == expected, (name, expected, found)
    return expected


def check_pack(name, value):
    check(name, lambda each: each.pack(value))
    check(name, lambda each: each.pack_bound(value, True))
    check(name, lambda each: each.pack_bound(value, False))
    # As a component alone, and behind another: what was written before a failure is taken back.
    for lead in (), ('x',):
        expected, found = (_pack_as_component(codec, each[name], lead, value) for codec, each in (
            (TWINS.pure, PURE_SCALARS), (TWINS.compiled, COMPILED_SCALARS)))
        assert found == expected, (name, lead, value)


def _pack_as_component(codec, each, lead, value):
    made = codec.composite([codec.scalar('UTF8Type')] * len(lead) + [each])
    return observe(lambda one: one.pack((*lead, value)), made)


def check_unpack(name, data):
    check(name, lambda each: each.unpack(data))


# --- the table ---------------------------------------------------------------------------------------------------

def test_attributes_are_alike():
    for name in KINDS:
        for attribute in 'name', 'ranged', '__class__':
            expected, found = (getattr(each[name], attribute) for each in (PURE_SCALARS, COMPILED_SCALARS))
            assert getattr(found, '__name__', found) == getattr(expected, '__name__', expected)
        assert repr(PURE_SCALARS[name]) == repr(COMPILED_SCALARS[name])
    assert TWINS.compiled.PACK_ERRORS == TWINS.pure.PACK_ERRORS


def test_scalars_are_the_same_objects_each_time():
    codec = TWINS.compiled
    for name in NAMES:
        assert codec.scalar(name) is codec.scalar(name)
    assert codec.bytes_scalar('utf-8') is codec.bytes_scalar('utf-8')
    assert codec.bytes_scalar(None) is codec.scalar('BytesType')
    assert codec.reversed_order(codec.scalar('LongType')) is codec.scalar('LongType')


@pytest.mark.parametrize('call', [
    lambda codec: codec.scalar('NoSuchType'), lambda codec: codec.scalar([]), lambda codec: codec.bytes_scalar('none'),
    lambda codec: codec.bytes_scalar(5), lambda codec: codec.bytes_scalar([]), lambda codec: codec.composite(5),
    lambda codec: codec.composite([None]), lambda codec: codec.reversed_order(None),
])
def test_what_is_asked_for_in_vain_raises_alike(call):
    assert TWINS.check(call).error is not None


# --- values to bytes ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', KINDS)
def test_odd_values(name):
    for value in ODD:
        check_pack(name, value)


INTS = st.one_of(st.integers(), st.integers(-2 ** 66, 2 ** 66), st.sampled_from(
    [sign * 2 ** bits + more for bits in range(0, 130) for sign in (1, -1) for more in (-1, 0, 1)]))
TEXTS = st.text(st.characters(exclude_categories=()))
SCALAR_VALUES = {
    'text': st.one_of(TEXTS, st.text(), st.binary(max_size=20)),
    'int': INTS,
    'float': st.one_of(st.floats(), st.floats(-1e13, 1e13), INTS),
    'time': st.one_of(st.datetimes(), st.datetimes(timezones=st.just(UTC)), st.dates(), st.times(), st.uuids()),
    'decimal': st.one_of(st.decimals(), st.decimals(places=3, allow_nan=False, allow_infinity=False), INTS, st.builds(
        decimal.Decimal, st.from_regex(r'-?[0-9]{1,20}(\.[0-9]{1,20})?(E[+-]?[0-9]{1,3})?', fullmatch=True))),
}


@pytest.mark.parametrize('kind', sorted(SCALAR_VALUES))
def test_values(kind):
    @given(SCALAR_VALUES[kind])
    @OFTEN
    def run(value):
        for name in NAMES + ['BytesType, utf-8', 'BytesType, latin-1', 'pair']:
            check_pack(name, value)
    run()


@given(st.floats())
@OFTEN
def test_doubles_keep_their_bits(value):
    packed = {name: COMPILED_SCALARS[name].pack(value) for name in ('DoubleType', 'Float64')}
    for name, data in packed.items():
        one = TWINS.compiled.composite([COMPILED_SCALARS[name]])
        assert one.pack(value)[2:-1] == data
        assert struct.pack('>d', COMPILED_SCALARS[name].unpack(data)) == struct.pack('>d', value)


def test_bytes_of_a_blob_are_the_object_itself():
    data = b'some bytes'
    for name in 'BytesType', 'UTF8Type', 'BytesType, utf-8':
        assert COMPILED_SCALARS[name].pack(data) is data


# --- bytes to values ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', KINDS)
def test_bytes_of_every_length(name):
    chance = random.Random(7)
    for size in range(21):
        for data in (bytes(size), b'\xff' * size, b'\x7f' * size, b'\x80' + bytes(size), b'a' * size,
                     *(chance.getrandbits(8 * size).to_bytes(size, 'big') for _ in range(20))):
            check_unpack(name, data)


@pytest.mark.parametrize('name', KINDS)
def test_what_is_not_bytes(name):
    for data in (None, 5, 'text', '12345678', [], bytearray(b'12345678'), memoryview(b'12345678'),
                 memoryview(b'1.2.3.4.5.6.7.8.')[::2], type('Data', (bytes,), {})(b'12345678'), bytearray(b'1')):
        check_unpack(name, data)


@given(st.binary(max_size=40))
@OFTEN
def test_any_bytes(data):
    for name in KINDS:
        check_unpack(name, data)


@given(st.text())
@OFTEN
def test_any_text(text):
    for name in KINDS:
        check_unpack(name, text.encode())


LIMITS = [0, 1, -1, 999, 1000, -1000, 253402300799999, 253402300800000, -62135596800000, -62135596800001,
          86399999, 86400000, -86400000, -86400001, 2 ** 63 - 1, -2 ** 63]


@given(st.one_of(st.sampled_from(LIMITS), st.integers(-62135596800000, 253402300799999),
                 st.integers(-2 ** 63, 2 ** 63 - 1)))
@OFTEN
def test_timestamps(milliseconds):
    check_unpack('TimestampType', struct.pack('>q', milliseconds))


def test_every_day_of_the_calendar():
    pack, unpack = COMPILED_SCALARS['SimpleDateType'].pack, COMPILED_SCALARS['SimpleDateType'].unpack
    for ordinal in range(1, datetime.date.max.toordinal() + 1, 1):
        day = datetime.date.fromordinal(ordinal)
        data = (ordinal - 719163 + 0x80000000).to_bytes(4, 'big')
        assert pack(day) == data and unpack(data) == day


@given(st.one_of(st.integers(0, 86400 * 10 ** 9 - 1), st.integers(-2 ** 63, 2 ** 63 - 1),
                 st.sampled_from([0, 999, 1000, 86400 * 10 ** 9, 86400 * 10 ** 9 - 1, -1])))
@OFTEN
def test_times_of_day(nanoseconds):
    check_unpack('TimeType', struct.pack('>q', nanoseconds))


@given(st.integers(-2 ** 33, 2 ** 33), st.binary(max_size=20))
@OFTEN
def test_decimals(scale, unscaled):
    check_unpack('DecimalType', (scale & 0xFFFFFFFF).to_bytes(4, 'big') + unscaled)


def test_uuids_are_whole():
    value = uuid.uuid4()
    found = COMPILED_SCALARS['UUIDType'].unpack(value.bytes)
    assert type(found) is uuid.UUID and found == value and hash(found) == hash(value)
    assert found.is_safe is uuid.SafeUUID.unknown and str(found) == str(value)


# --- composites --------------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(NAMES)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=6).filter(
    lambda tree: not isinstance(tree, str))


def built(codec, tree):
    return codec.scalar(tree) if isinstance(tree, str) else codec.composite([built(codec, each) for each in tree])


ITEMS = st.one_of(st.integers(-2 ** 31, 2 ** 31), st.text(max_size=5), st.floats(), st.binary(max_size=17),
                  st.datetimes(), st.uuids(), st.none(), st.booleans())


def value_of(draw, tree):
    """A value for a tree: as a rule one that it can hold."""
    if isinstance(tree, str):
        if not draw(st.integers(0, 9)):
            return draw(ITEMS)
        return draw({'UTF8Type': st.text(max_size=5), 'AsciiType': st.text(st.characters(max_codepoint=127)),
                     'BytesType': st.binary(max_size=20), 'BooleanType': st.booleans(), 'EmptyType': st.just(''),
                     'SimpleDateType': st.dates(), 'TimeType': st.times(), 'DateType': st.datetimes(),
                     'TimestampType': st.datetimes(), 'InetAddressType': st.ip_addresses()}.get(
                         tree, st.uuids() if 'UUID' in tree else st.integers(-99, 99)))
    items = [value_of(draw, each) for each in tree[:draw(st.integers(0, len(tree) + 1))]]
    return draw(st.sampled_from([tuple, list]))(items)


@given(st.data(), TREES)
@settings(RARELY, max_examples=400)
def test_composites(data, tree):
    value = value_of(data.draw, tree)
    packed = TWINS.check(lambda codec: built(codec, tree).pack(value))
    TWINS.check(lambda codec: built(codec, tree).pack_bound(value, True))
    TWINS.check(lambda codec: built(codec, tree).pack_bound(value, False))
    if packed.error is None:
        content = packed.what[1]
        TWINS.check(lambda codec: built(codec, tree).unpack(content))
        cut = data.draw(st.integers(0, len(content)))
        TWINS.check(lambda codec: built(codec, tree).unpack(content[:cut]))
        TWINS.check(lambda codec: built(codec, tree).unpack(content[:cut] + b'\0' + content[cut:]))
        TWINS.check(lambda codec: built(codec, tree).unpack(content[:cut] + b'\x80' + content[cut + 1:]))


@pytest.mark.parametrize('value', [
    (('a', 1), ('é', 'é'), ('p', (1, 'x'))), [['a', 1], ['UTF8Type', 'x']], (('€', (1, 'a')),), (('z', 1),),
    (('NoSuchType', 1),), (('', 1),), ('a', 1), (('a', 1, 2),), (('a', 'x'),), ((1, 1),),
    (('LongType', 1), ('a', None)),
    ((('a', 1), False),), (('a', 1), (('UTF8Type', 'x'), True)), ((b'a', 1),), (), 5, 'ab', (('p', ((1, 'x'), 1)),),
    (('UTF8Type', 'x' * 65535),), (('UTF8Type', 'x' * 65536),), (('x' * 70000, 1),), (('\ud800', 1),),
    (('a\ud800', 1),),
])
def test_dynamic_composites(value):
    for name in 'dynamic', 'dynamic by call':
        check_pack(name, value)
        packed = check(name, lambda each: each.pack(value))
        if packed.error is None:
            content = packed.what[1]
            for data in [content] + [content[:cut] for cut in range(min(len(content), 60))]:
                check_unpack(name, data)
            for place in range(min(len(content), 40)):
                for byte in 0, 1, 0x7F, 0x80, 0xFF:
                    check_unpack(name, content[:place] + bytes([byte]) + content[place + 1:])


def test_aliases_may_be_any_mapping_and_change():
    for codec in TWINS.pure, TWINS.compiled:
        aliases = {}
        each = codec.dynamic_composite(aliases)
        with pytest.raises(ValueError, match="'a' is no alias"):
            each.pack((('a', 1),))
        aliases['a'] = codec.scalar('ByteType')
        assert each.pack((('a', 1),)) == b'\x80a\0\1\1\0' and each.unpack(b'\x80a\0\1\1\0') == (('a', 1),)


@pytest.mark.parametrize('depth, expected', [(10, [None, None]), (10 ** 5, [RecursionError, ValueError])])
def test_deep_composites_raise_recursion_error_at_most(depth, expected):
    data = b'\1'
    for _ in range(10):
        data = struct.pack('>H', len(data)) + data + b'\0'
    for codec in TWINS.pure, TWINS.compiled:
        each = codec.scalar('ByteType')
        for _ in range(depth):
            each = codec.composite([each])
        found = [observe(call, each).error for call in (lambda one: one.pack(1), lambda one: one.unpack(data))]
        assert found == expected, codec


def test_a_type_that_contains_itself_raises_recursion_error():
    for codec in TWINS.pure, TWINS.compiled:
        aliases = {}
        aliases['a'] = codec.dynamic_composite(aliases)
        value, data = (), b''
        for _ in range(12000):
            value = (('a', value),)
            data = b'\x80a' + struct.pack('>H', len(data)) + data + b'\0'
        for call in (lambda one, value=value: one.pack(value)), (lambda one, data=data: one.unpack(data)):
            assert observe(call, aliases['a']).error is RecursionError


# --- types of users ----------------------------------------------------------------------------------------------

class Recorder:
    """The functions of a user's type: they keep what they were called with, and give or raise what they are told."""

    def __init__(self, packed, unpacked):
        self.packed, self.unpacked, self.calls = packed, unpacked, []

    def _give(self, what, value):
        self.calls.append((what, value))
        found = getattr(self, what)
        if isinstance(found, Exception):
            raise found
        return found

    def pack(self, value):
        return self._give('packed', value)

    def unpack(self, data):
        return self._give('unpacked', data)


OWN = [b'data', bytearray(b'data'), 'text', None, 5, b'x' * 70000, ValueError('no'), TypeError('no'), KeyError('no'),
       ZeroDivisionError('no'), struct.error('no'), UnicodeError('no'), OverflowError('no')]


@pytest.mark.parametrize('packed', OWN, ids=repr)
def test_types_of_users_in_composites(packed):
    def use(codec):
        recorder = Recorder(packed, packed)
        own = codec.Scalar('OwnType', recorder.pack, recorder.unpack)
        pair = codec.composite([codec.scalar('LongType'), own])
        typed = codec.dynamic_composite({'o': own})
        found = [observe(lambda _, call=call: call(), None) for call in (
            lambda: pair.pack((1, 'x')), lambda: pair.pack(('x', 'x')), lambda: pair.pack_bound((1, 'x'), True),
            lambda: typed.pack((('o', 'x'),)), lambda: typed.unpack(b'\x80o\0\1x\0'),
            lambda: pair.unpack(b'\0\x08\0\0\0\0\0\0\0\1\0\0\1x\0'), lambda: own.pack('x'), lambda: own.unpack(b'x'))]
        return found, recorder.calls
    TWINS.check(use)


def test_scalars_of_users():
    for codec in TWINS.pure, TWINS.compiled:
        pack, unpack, pack_bound = str.encode, bytes.decode, lambda value, is_start: b'bound'
        plain, ranged = codec.Scalar('Own', pack, unpack), codec.Scalar('Own', pack, unpack, pack_bound)
        assert plain.pack is pack and plain.unpack is unpack and repr(plain) == '<Scalar Own>'
        assert not plain.ranged and plain.pack_bound('a', True) == b'a' == plain.pack_bound(value='a', is_start=False)
        assert ranged.ranged and ranged.pack_bound is pack_bound
        assert codec.reversed_order(plain) is plain
        assert codec.Scalar(name='UTF8Type', pack=str.upper, unpack=unpack, pack_bound=None).pack('a') == 'A'


def test_functions_of_a_scalar_may_be_replaced():
    for codec in TWINS.pure, TWINS.compiled:
        each = codec.reversed_order(codec.composite([codec.scalar('UTF8Type')]))
        each.pack = lambda value: b'packed'
        assert each.pack('a') == b'packed' and codec.composite([each]).pack(('a',)) == b'\0\6packed\0'
        each.unpack = lambda data: 'unpacked'
        assert each.unpack(b'') == 'unpacked' and codec.composite([each]).unpack(b'\0\0\0') == ('unpacked',)


def test_scalars_of_the_other_twin_are_understood():
    one, other = TWINS.compiled, TWINS.pure
    made = one.composite([other.scalar('LongType'), one.scalar('UTF8Type')])
    assert made.unpack(made.pack((1, 'é'))) == (1, 'é')
    assert one.reversed_order(other.scalar('TimeUUIDType')).pack_bound(0, True) == other.scalar(
        'TimeUUIDType').pack_bound(0, False)


# --- references --------------------------------------------------------------------------------------------------

def test_nothing_keeps_a_reference():
    text, data, number, moment = 'é' * 50, b'x' * 50, 1 << 70, datetime.datetime(2020, 1, 1, tzinfo=Zone())
    held = [text, data, number, moment, uuid.uuid4(), (text, data), [text, number], ((text, data), text), object()]
    before = [sys.getrefcount(each) for each in held]
    for _ in range(50):
        for each in COMPILED_SCALARS.values():
            for value in held:
                observe(lambda one, value=value: one.pack(value), each)
            observe(lambda one: one.unpack(data), each)
    del value
    assert [sys.getrefcount(each) for each in held] == before
