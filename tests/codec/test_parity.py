"""Parity of the twins on arbitrary input, by Hypothesis: the same bytes, values, types, errors and positions."""
import random
import struct

import pytest
from corpus import DICT_CLASSES, LAYOUTS, SEQID, corpus, layout_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracle import Oracle, Rewriter

from pycassa._pure import columns, replies
from pycassa._pure.packing import _SCALARS
from pycassa.cassandra.ttypes import KeySlice
from pycassa.errors import ProtocolError, PycassaError, UnpackingError

ORACLE = Oracle()
SCALARS = sorted(_SCALARS)
NAMES = st.sampled_from(SCALARS)
I64 = st.integers(-2 ** 63, 2 ** 63 - 1)
TTLS = st.none() | st.integers(1, 2 ** 31 - 1)
FIXED = st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17])
# Stored bytes: of every length that some type takes, texts, composites of text, and anything.
STORED = (FIXED.flatmap(lambda size: st.binary(min_size=size, max_size=size)) | st.text(max_size=8).map(str.encode)
          | st.lists(st.text(max_size=4).map(str.encode), max_size=3).map(
              lambda parts: b''.join(struct.pack('>H', len(part)) + part + b'\0' for part in parts))
          | st.binary(max_size=40))
VALUES = (st.none() | st.text(max_size=20) | st.binary(max_size=20) | st.booleans() | st.integers() | I64
          | st.floats() | st.decimals() | st.uuids() | st.datetimes() | st.dates() | st.times() | st.ip_addresses()
          | st.fractions() | st.datetimes(timezones=st.timezones()) | st.timedeltas()
          | st.tuples(st.integers(-2 ** 31, 2 ** 31), st.text(max_size=4)) | st.lists(st.text(max_size=3), max_size=3))
FLAGS = st.integers(0, 3)


def kinds_of_scalars():
    """Recipes of Scalars: (name,), ('composite', parts) and so on, which each twin builds for itself."""
    simple = st.tuples(NAMES)
    return simple | st.tuples(st.just('composite'), st.lists(simple, min_size=1, max_size=3)) | st.tuples(
        st.just('nested'), simple) | st.tuples(st.just('dynamic'), simple) | st.tuples(
        st.just('reversed'), simple) | st.tuples(
        st.just('bytes'), st.sampled_from([None, 'utf-8', 'latin-1', 'utf-16']))


def build(codec, recipe):
    kind = recipe[0]
    if len(recipe) == 1:
        return codec.scalar(kind)
    if kind == 'bytes':
        return codec.bytes_scalar(recipe[1])
    if kind == 'composite':
        return codec.composite([build(codec, part) for part in recipe[1]])
    inner = build(codec, recipe[1])
    if kind == 'nested':
        return codec.composite([codec.composite([inner, codec.scalar('UTF8Type')]), inner])
    if kind == 'dynamic':
        return codec.dynamic_composite({'a': inner, 's': codec.scalar('UTF8Type')}, codec.scalar)
    return codec.reversed_order(codec.composite([inner]))


@settings(max_examples=400)
@given(recipe=kinds_of_scalars(), value=VALUES | st.tuples(VALUES, VALUES) | st.tuples(st.tuples(
    st.sampled_from(['a', 's', 'x', 'LongType', 'é', '']), VALUES)), is_start=st.booleans())
@example(recipe=('DateType',), value=-0.0005, is_start=True)
@example(recipe=('FloatType',), value=3.4028235677973366e+38, is_start=True)
def test_packing(twins, recipe, value, is_start):
    twins.check(lambda codec: build(codec, recipe).pack(value), messages=True)
    twins.check(lambda codec: build(codec, recipe).pack_bound(value, is_start))


@settings(max_examples=400)
@given(recipe=kinds_of_scalars(), data=STORED)
def test_unpacking(twins, recipe, data):
    outcome = twins.check(lambda codec: build(codec, recipe).unpack(data))
    if outcome.error is None:
        twins.check(lambda codec: build(codec, recipe).pack(build(codec, recipe).unpack(data)))


@pytest.mark.parametrize('name', SCALARS)
def test_unpacking_of_every_length(twins, name):
    for size in range(20):
        for data in (bytes(size), b'\xff' * size, b'\x80' + bytes(size), bytes(range(size)), b'a' * size):
            twins.check(lambda codec, data=data: codec.scalar(name).unpack(data))
            for other in (bytearray(data), memoryview(data)):
                twins.check(lambda codec, other=other: codec.scalar(name).unpack(other))


# --- replies -----------------------------------------------------------------------------------------------------

@st.composite
def layouts(draw):
    """A recipe of a layout: the Scalars of its parts, and of single columns."""
    usual = st.just(('UTF8Type',)) | st.just(('BytesType',)) | kinds_of_scalars()
    return {'name': draw(usual), 'value': draw(usual), 'super_name': draw(st.none() | usual),
            'validators': draw(st.dictionaries(st.sampled_from([b'a', b'b', b'ab']), kinds_of_scalars(), max_size=2))}


def build_layout(codec, recipe):
    outer = recipe['super_name']
    return codec.Layout('Family', key=codec.scalar('BytesType'), name=build(codec, recipe['name']),
                        value=build(codec, recipe['value']), super_name=outer and build(codec, outer),
                        validators={name: build(codec, each) for name, each in recipe['validators'].items()})


# Names that recur, and names that don't; values that are absent.
PACKED = st.sampled_from([b'a', b'b', b'ab', b'', b'\xc3\xa9', bytes(4), bytes(8)]) | STORED
CELLS = st.tuples(PACKED, st.none() | STORED, st.none() | I64, TTLS)
ROWS = st.one_of(
    st.lists(CELLS, max_size=5).map(lambda row: [ORACLE.column(*cell) for cell in row]),
    st.lists(st.tuples(PACKED, I64), max_size=4).map(lambda row: [ORACLE.counter(*cell) for cell in row]),
    st.lists(st.tuples(PACKED, st.lists(CELLS, max_size=3)), max_size=3).map(
        lambda row: [ORACLE.super_column(*each) for each in row]),
    st.lists(st.tuples(PACKED, st.lists(st.tuples(PACKED, I64), max_size=3)), max_size=3).map(
        lambda row: [ORACLE.counter_super(*each) for each in row]))


def decode_all(codec, message, method, layout, dict_class, flags):
    if method == 'multiget_slice':
        return codec.decode_multiget_slice(message, SEQID, layout, dict_class, flags)
    if method == 'get_slice':
        return (codec.decode_get_slice(message, SEQID, layout, dict_class, flags),
                codec.decode_get_slice_items(message, SEQID, layout, dict_class, flags))
    if method == 'get':
        return codec.decode_get(message, SEQID, layout, dict_class, flags)
    return codec.decode_key_slices(message, method, SEQID, layout, dict_class, flags)


@settings(max_examples=400)
@given(rows=st.lists(st.tuples(st.binary(max_size=3), ROWS), min_size=1, max_size=3), recipe=layouts(), flags=FLAGS,
       method=st.sampled_from(['get', 'get_slice', 'multiget_slice', 'get_range_slices']),
       dict_class=st.sampled_from(sorted(DICT_CLASSES)), seed=st.integers(0, 2 ** 32), share=st.booleans())
def test_replies_of_any_columns(twins, rows, recipe, flags, method, dict_class, seed, share):
    if share:
        rows = [(key + b'%d' % number, rows[0][1]) for number, (key, _) in enumerate(rows * 2)]
    if method == 'get':
        if not rows[0][1]:
            return
        success = rows[0][1][0]
    else:
        success = {'get_slice': rows[0][1], 'multiget_slice': dict(rows)}.get(
            method, [KeySlice(*row) for row in rows])
    message = ORACLE.reply(method, SEQID, success=success)
    for reply in (message, Rewriter(random.Random(seed)).message(message)):
        outcome = twins.check(lambda codec, reply=reply: decode_all(
            codec, reply, method, build_layout(codec, recipe), DICT_CLASSES[dict_class], flags))
        assert outcome.error is None or issubclass(outcome.error, (UnpackingError, ProtocolError, TypeError))


@settings(max_examples=300)
@given(body=st.binary(max_size=60), method=st.sampled_from(['get', 'get_slice', 'multiget_slice', 'get_range_slices']),
       layout=st.sampled_from(sorted(LAYOUTS)))
def test_arbitrary_results(twins, body, method, layout):
    head = ORACLE.reply(method, SEQID)[:-1]
    for message in (body, head + body, head + b'\x0f\0\0\x0c\0\0\0\1' + body, head + b'\x0c\0\0' + body):
        outcome = twins.check(lambda codec, message=message: decode_all(
            codec, message, method, layout_of(codec, layout), dict, 3))
        assert outcome.error is None or issubclass(outcome.error, PycassaError)


def test_the_compiled_twin_does_its_work_itself(twins, monkeypatch):
    """Replies and requests that are as they should be are no business of the pure twin: it is there for the rest."""
    def give_up(*arguments, **more):
        raise SystemError('the pure twin was asked')
    good = [reply for reply in corpus() if twins.check(reply.call).error is None]
    expected = {reply.name: twins.both(reply.call)[1] for reply in good}
    for module, prefix in ((replies, 'decode_'), (columns, 'append_')):
        for name in dir(module):
            if name.startswith(prefix) or name.endswith('_exactly'):
                monkeypatch.setattr(module, name, give_up)
    for reply in good:
        assert twins.both(reply.call)[1] == expected[reply.name], reply.name
    usual = {'a': '1', 'é': 'x\u6f22'}
    for name, row in (('standard', usual), ('text', {'s': usual}), ('numbers', {'s': {5: 7}}),
                      ('bytes', {b's': {b'': b''}})):
        layout = layout_of(twins.compiled, name)
        assert twins.compiled.encode_insertions(layout, 'k', row, 5, None)
        assert twins.compiled.encode_rows(1, layout, {'k': row, 'l': row}, 5, None, 1)
    assert len(good) > 400


# --- cursors -----------------------------------------------------------------------------------------------------

METHODS = ['u8', 'i16', 'i32', 'i64', 'double', 'binary', 'text', 'at_stop', 'finish']
STEPS = st.lists(st.sampled_from(METHODS) | st.tuples(st.just('skip'), st.integers(-1, 256)) | st.tuples(
    st.just('list_header'), st.sampled_from([2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15])) | st.tuples(
    st.just('map_header'), st.sampled_from([8, 11, 12]), st.sampled_from([8, 11, 15])), min_size=1, max_size=5)
PIECES = st.sampled_from([b'\0', b'\0\0\0\3abc', b'\0\0\0\3\xffbc', b'\x0b', b'\x0c', b'\xff\xff\xff\xff', b'\x0f\0\1',
                          b'\0\0\0\1', b'\x0b\x08\0\0\0\1', b'\x08\0\1\0\0\0\5']) | st.binary(max_size=6)


def walk(codec, data, start, steps):
    """Every step of a walk through a message: what it gives or raises, and where the cursor stands then."""
    cursor = codec.Cursor(data, start)
    seen = [cursor.pos, cursor.remaining, cursor.data]
    for step in steps:
        name, arguments = (step, ()) if isinstance(step, str) else (step[0], step[1:])
        try:
            seen.append(getattr(cursor, name)(*arguments))
        except ProtocolError as error:
            seen.append(str(error))
        seen += [cursor.pos, cursor.remaining]
    return seen


@settings(max_examples=500)
@given(pieces=st.lists(PIECES, max_size=6), start=st.integers(0, 12), steps=STEPS)
def test_cursors(twins, pieces, start, steps):
    data = b''.join(pieces)
    assert twins.check(lambda codec: walk(codec, data, start, steps)).error is None
    assert twins.check(lambda codec: walk(codec, bytearray(data), start, steps)).error is None


@given(data=st.lists(PIECES, max_size=6).map(b''.join))
def test_fields(twins, data):
    def fields(codec):
        cursor, seen = codec.Cursor(data), []
        try:
            for ttype, field in cursor.fields():
                seen.append((ttype, field, cursor.pos))
                cursor.skip(ttype)
        except ProtocolError as error:
            seen.append(str(error))
        return seen, cursor.pos
    assert twins.check(fields).error is None


@given(data=st.lists(PIECES, max_size=6).map(b''.join), count=st.integers(-1, 5))
def test_lengths_of_mutations_and_headers(twins, data, count):
    twins.check(lambda codec: codec.mutation_lengths(data, count))
    twins.check(lambda codec: codec.message_header(data))
    twins.check(lambda codec: codec.message_header(b'\x80\1\0\2' + data))


@pytest.mark.parametrize('position', [5, 2 ** 31, 2 ** 40, 2 ** 62])
def test_cursors_behind_the_end(twins, position):
    for steps in METHODS:
        twins.check(lambda codec, steps=steps: walk(
            codec, b'abcd', position, [steps, ('skip', 12), ('list_header', 12)]))


