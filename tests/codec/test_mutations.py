"""Writes: columns as dicts become the bytes of the bindings' Mutation objects, or an error that names the column."""
import collections
import struct
import types
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa.cassandra.ttypes import Column, Mutation
from pycassa.errors import PackingError, ProtocolError

# Types, and values of them: (type, strategy, bytes as the type stores them).
PACKERS = {
    'UTF8Type': (st.text(max_size=12), str.encode),
    'BytesType': (st.binary(max_size=12), bytes),
    'LongType': (st.integers(-2 ** 63, 2 ** 63 - 1), struct.Struct('>q').pack),
    'DoubleType': (st.floats(allow_nan=False), struct.Struct('>d').pack),
    'UUIDType': (st.uuids(), lambda value: value.bytes),
}
TYPES = st.sampled_from(sorted(PACKERS))
TIMESTAMPS = st.integers(-2 ** 63, 2 ** 63 - 1)
TTLS = st.none() | st.integers(-2 ** 31, 2 ** 31 - 1)
COUNTS = st.integers(-2 ** 63, 2 ** 63 - 1)


def pack(kind, value):
    return PACKERS[kind][1](value)


def values_of(kind):
    return PACKERS[kind][0]


@st.composite
def column_types(draw):
    """(key type, super name type, name type, value type, {packed name: type}, {name: value})"""
    key, super_name, name, value = (draw(TYPES) for _ in range(4))
    names = draw(st.lists(values_of(name), max_size=6, unique_by=lambda each: pack(name, each)))
    validators = {pack(name, each): draw(TYPES) for each in names if draw(st.booleans())}
    columns = {each: draw(values_of(validators.get(pack(name, each), value))) for each in names}
    return key, super_name, name, value, validators, columns


def make_layout(codec, types, super_family=False, counter=False, family='Family'):
    key, super_name, name, value, validators, _ = types
    scalar = codec.scalar
    return codec.Layout(family, key=scalar(key), name=scalar(name), value=scalar(value),
                        super_name=scalar(super_name) if super_family else None,
                        validators={packed: scalar(kind) for packed, kind in validators.items()}, counter=counter)


def bindings_columns(types, columns, timestamp, ttl):
    _, _, name, value, validators, _ = types
    packed = [(pack(name, each), data) for each, data in columns.items()]
    return [Column(each, pack(validators.get(each, value), data), timestamp, ttl) for each, data in packed]


def mutations(oracle, members):
    return b''.join(oracle.struct_bytes(Mutation(column_or_supercolumn=member)) for member in members)


@given(types=column_types(), timestamp=TIMESTAMPS, ttl=TTLS)
def test_columns(codec, oracle, types, timestamp, ttl):
    columns = types[-1]
    expected = mutations(oracle, [oracle.column(column.name, column.value, timestamp, ttl)
                                  for column in bindings_columns(types, columns, timestamp, ttl)])
    layout = make_layout(codec, types)
    assert codec.encode_insertions(layout, 'key', columns, timestamp, ttl) == (len(columns), expected)


@given(types=column_types(), data=st.data(), timestamp=TIMESTAMPS, ttl=TTLS)
def test_super_columns(codec, oracle, types, data, timestamp, ttl):
    supers = data.draw(st.dictionaries(values_of(types[1]), st.just(types[-1]), max_size=3))
    expected = mutations(oracle, [oracle.super_column(
        pack(types[1], name), [(column.name, column.value, timestamp, ttl)
                               for column in bindings_columns(types, columns, timestamp, ttl)])
        for name, columns in supers.items()])
    layout = make_layout(codec, types, super_family=True)
    assert codec.encode_insertions(layout, 'key', supers, timestamp, ttl) == (len(supers), expected)


@given(counters=st.dictionaries(st.text(max_size=8), COUNTS, max_size=5), super_names=st.sets(st.text(), max_size=3))
def test_counters(codec, oracle, counters, super_names):
    types = ('UTF8Type', 'UTF8Type', 'UTF8Type', 'CounterColumnType', {}, {})
    packed = [(name.encode(), value) for name, value in counters.items()]
    assert codec.encode_insertions(make_layout(codec, types, counter=True), 'key', counters, 1, None) == (
        len(counters), mutations(oracle, [oracle.counter(*each) for each in packed]))
    supers = {name: counters for name in super_names}
    assert codec.encode_insertions(make_layout(codec, types, super_family=True, counter=True), 'key', supers, 1, 2) == (
        len(supers), mutations(oracle, [oracle.counter_super(name.encode(), packed) for name in supers]))


@given(types=column_types(), data=st.data(), timestamp=TIMESTAMPS, ttl=TTLS, seqid=st.integers(0, 2 ** 31 - 1))
def test_rows(codec, oracle, types, data, timestamp, ttl, seqid):
    keys = data.draw(st.lists(values_of(types[0]), max_size=4, unique_by=lambda each: pack(types[0], each)))
    rows = {key: data.draw(st.sampled_from([types[-1], {}])) for key in keys}
    mutation_map = {pack(types[0], key): {'Family': [Mutation(column_or_supercolumn=oracle.column(
        column.name, column.value, timestamp, ttl)) for column in bindings_columns(types, columns, timestamp, ttl)]}
        for key, columns in rows.items()}
    expected = oracle.call('batch_mutate', seqid, mutation_map=mutation_map, consistency_level=2)
    assert codec.encode_rows(seqid, make_layout(codec, types), rows, timestamp, ttl, 2) == expected


@pytest.mark.parametrize('length', [0, 1, 255, 256, 4095, 4096, 4097, 70000])
def test_lengths_of_names_values_and_keys(codec, oracle, length):
    types = ('BytesType', 'BytesType', 'BytesType', 'BytesType', {}, {})
    layout, data = make_layout(codec, types), b'x' * length
    for rows in ({data: {data: data}}, {data: {data: data}, b'other': {b'n': data, data: b'v'}}):
        expected = oracle.call('batch_mutate', 9, consistency_level=1, mutation_map={
            key: {'Family': [Mutation(column_or_supercolumn=oracle.column(*column, 5)) for column in columns.items()]}
            for key, columns in rows.items()})
        assert codec.encode_rows(9, layout, rows, 5, None, 1) == expected


@pytest.mark.parametrize('columns', [63, 64, 65, 300])
def test_rows_narrow_and_wide(codec, oracle, columns):
    layout = text_layout(codec)
    rows = {f'key{row}': {f'name{column}': f'{row}-{column}' for column in range(columns)} for row in range(3)}
    expected = oracle.call('batch_mutate', 9, consistency_level=1, mutation_map={
        key.encode(): {'Family': [Mutation(column_or_supercolumn=oracle.column(name.encode(), value.encode(), 5))
                                  for name, value in row.items()]} for key, row in rows.items()})
    assert codec.encode_rows(9, layout, rows, 5, None, 1) == expected


# --- batches -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('atomic', [False, True])
@given(entries=st.lists(st.tuples(st.sampled_from(['One', 'Two']), st.sampled_from([b'a', b'b', b'']),
                                  st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=3)), max_size=3)),
                        max_size=6), seqid=st.integers(0, 100))
def test_batches_merge_keys_and_families(codec, oracle, atomic, entries, seqid):
    layout = codec.Layout('any', key=codec.scalar('BytesType'), name=codec.scalar('BytesType'),
                          value=codec.scalar('BytesType'))
    mutation_map, ours = {}, []
    for family, key, columns in entries:
        merged = mutation_map.setdefault(key, {}).setdefault(family, [])
        merged += [Mutation(column_or_supercolumn=oracle.column(name, value, 7)) for name, value in columns]
        data = b''.join(codec.encode_insertions(layout, key, {name: value}, 7, None)[1] for name, value in columns)
        ours.append((family.encode(), key, len(columns), data))
    method = 'atomic_batch_mutate' if atomic else 'batch_mutate'
    frame = codec.encode_batch(seqid, ours, 4, atomic)
    assert frame == oracle.call(method, seqid, mutation_map=mutation_map, consistency_level=4)
    bound = codec.BATCH_OVERHEAD + sum(
        len(family) + len(key) + len(data) + codec.ENTRY_OVERHEAD for family, key, _, data in ours)
    assert len(frame) - 4 <= bound


def test_the_overheads_are_reached(codec):
    assert len(codec.encode_batch(1, [], 1, atomic=True)) - 4 == codec.BATCH_OVERHEAD
    assert len(codec.encode_batch(1, [(b'F', b'k', 0, b'')], 1, atomic=True)) - 4 == (
        codec.BATCH_OVERHEAD + codec.ENTRY_OVERHEAD + 2)


def text_layout(codec, value='UTF8Type', family='Family', **more):
    text = codec.scalar('UTF8Type')
    return codec.Layout(family, key=text, name=text, value=codec.scalar(value), **more)


def test_keys_that_pack_alike_are_merged_in_order(codec, oracle):
    rows = {'key': {'a': '1', 'b': '2'}, b'key': {'a': '3'}, 'other': {'c': '4'}}
    expected = oracle.call('batch_mutate', 3, consistency_level=1, mutation_map={
        b'key': {'Family': [Mutation(column_or_supercolumn=oracle.column(name, value, 9))
                            for name, value in ((b'a', b'1'), (b'b', b'2'), (b'a', b'3'))]},
        b'other': {'Family': [Mutation(column_or_supercolumn=oracle.column(b'c', b'4', 9))]}})
    assert codec.encode_rows(3, text_layout(codec), rows, 9, None, 1) == expected


@pytest.mark.parametrize('plain, escaped', [('\xe9', '\udcc3\udca9'), ('\u6f22', '\udce6\udcbc\udca2')])
def test_text_keys_that_pack_alike_by_their_escapes_are_merged(codec, plain, escaped):
    """With a bytes_encoding, bytes that escapes stand for may be those of another text: the server keeps one row."""
    text = codec.bytes_scalar('utf-8')
    layout = codec.Layout('Family', key=text, name=text, value=text)
    for first, second in ((plain, escaped), (escaped, plain)):
        frame = codec.encode_rows(3, layout, {first: {'a': '1'}, second: {'b': '2'}, 'k': {'c': '3'}}, 9, None, 1)
        assert frame == codec.encode_rows(3, layout, {plain: {'a': '1', 'b': '2'}, 'k': {'c': '3'}}, 9, None, 1)


def test_a_uuid_that_was_never_filled_cannot_be_packed(codec):
    empty = uuid.UUID.__new__(uuid.UUID)
    for kind in ('UUIDType', 'TimeUUIDType', 'LexicalUUIDType'):
        with pytest.raises(PackingError, match="column 'a': a value of class UUID cannot be packed"):
            codec.encode_insertions(text_layout(codec, kind), 'key', {'a': empty}, 1, None)


@given(columns=st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=5), ttl=TTLS)
def test_mutation_lengths(codec, columns, ttl):
    layout = text_layout(codec)
    count, data = codec.encode_insertions(layout, 'key', columns, 1, ttl)
    single = [codec.encode_insertions(layout, 'key', {name: value}, 1, ttl)[1] for name, value in columns.items()]
    deletion = codec.encode_deletion(5, b's', codec.encode_slice_predicate(b'', b'z', False, 3))
    assert codec.mutation_lengths(data + deletion, count + 1) == [*map(len, single), len(deletion)]


def test_mutation_lengths_of_other_bytes(codec):
    _, data = codec.encode_insertions(text_layout(codec), 'key', {'a': 'b'}, 1, None)
    for wrong, count in ((data, 0), (data, 2), (data[:-1], 1), (b'\x0c\0\1', 1)):
        with pytest.raises(ProtocolError):
            codec.mutation_lengths(wrong, count)


def test_a_float_ttl_is_cut_to_whole_seconds(codec):
    layout = text_layout(codec)
    assert (codec.encode_insertions(layout, 'k', {'a': 'b'}, 1, 90.9)
            == codec.encode_insertions(layout, 'k', {'a': 'b'}, 1, 90))


# --- what counts as columns --------------------------------------------------------------------------------------

class Items:
    """Neither dict nor Mapping, but with items()."""

    def __init__(self, columns):
        self._columns = columns

    def items(self):
        return iter(self._columns.items())


class Subclass(dict):
    pass


MAPPINGS = [dict, Subclass, collections.OrderedDict, types.MappingProxyType, collections.UserDict,
            lambda columns: collections.ChainMap({}, columns), Items]


@pytest.mark.parametrize('make', MAPPINGS)
def test_any_mapping_is_taken_as_columns_and_rows(codec, make):
    layout, super_layout = text_layout(codec), text_layout(codec, super_name=codec.scalar('UTF8Type'))
    plain = {'b': '1', 'a': '2', 'long': 'v' * 5000}
    assert codec.encode_insertions(layout, 'k', make(plain), 1, None) == codec.encode_insertions(
        layout, 'k', plain, 1, None)
    assert codec.encode_insertions(super_layout, 'k', make({'s': make(plain)}), 1, None) == codec.encode_insertions(
        super_layout, 'k', {'s': plain}, 1, None)
    rows = {'k': plain, 'l': {'c': 'd'}}
    assert codec.encode_rows(1, layout, make({key: make(row) for key, row in rows.items()}), 1, None, 1) == (
        codec.encode_rows(1, layout, rows, 1, None, 1))


@pytest.mark.parametrize('columns', [[('a', 'b')], (('a', 'b'),), {'a', 'b'}, 'ab', 5, None, iter({'a': 'b'}.items())])
def test_pairs_and_other_things_are_not_columns(codec, columns):
    layout = text_layout(codec)
    expected = f"family 'Family', row 'k': its columns are given as a mapping, not as {type(columns).__name__}"
    for call in (lambda: codec.encode_insertions(layout, 'k', columns, 1, None),
                 lambda: codec.encode_rows(1, layout, {'k': columns}, 1, None, 1),
                 lambda: codec.encode_rows(1, layout, {'j': {'a': 'b'}, 'k': columns}, 1, None, 1)):
        with pytest.raises(PackingError) as caught:
            call()
        assert str(caught.value) == expected
    with pytest.raises(PackingError, match="the rows of family 'Family' are given as a mapping"):
        codec.encode_rows(1, layout, columns, 1, None, 1)
    with pytest.raises(PackingError, match="row 'k', super column 's': its columns are given as a mapping"):
        codec.encode_insertions(text_layout(codec, super_name=codec.scalar('UTF8Type')), 'k', {'s': columns}, 1, None)


# --- errors ------------------------------------------------------------------------------------------------------

def packing_error(call):
    with pytest.raises(PackingError) as caught:
        call()
    assert isinstance(caught.value.__cause__, Exception)
    assert isinstance(caught.value, TypeError)
    return str(caught.value)


@pytest.mark.parametrize('rows', [1, 3])
def test_an_error_names_family_key_column_type_and_class(codec, rows):
    others = {f'other{number}': {'n': '1'} for number in range(rows - 1)}

    def message(layout, row):
        return packing_error(lambda: codec.encode_rows(1, layout, {**others, **row}, 1, None, 1))

    text = text_layout(codec)
    assert message(text, {'k': {'fine': 'v', 'n': 5}}).startswith(
        "family 'Family', row 'k', column 'n': a value of class int cannot be packed as UTF8Type: ")
    assert message(text, {'k': {5: 'v'}}).startswith(
        "family 'Family', row 'k', column 5: a name of class int cannot be packed as UTF8Type: ")
    assert message(text, {7: {'n': 'v'}}).startswith(
        "family 'Family', row 7: a key of class int cannot be packed as UTF8Type: ")
    assert message(text, {'k': {'n': None}}).startswith(
        "family 'Family', row 'k', column 'n': a value of class NoneType cannot be packed as UTF8Type: ")
    assert message(text, {'k': {'n': '\ud800'}}).startswith(
        "family 'Family', row 'k', column 'n': a value of class str cannot be packed as UTF8Type: ")
    validated = text_layout(codec, validators={b'age': codec.scalar('LongType')})
    assert message(validated, {'k': {'name': 'x', 'age': 'old'}}).startswith(
        "family 'Family', row 'k', column 'age': a value of class str cannot be packed as LongType: ")


def test_errors_in_super_columns_and_counters(codec):
    supers = text_layout(codec, super_name=codec.scalar('LongType'))
    assert packing_error(lambda: codec.encode_insertions(supers, 'k', {1: {'n': 5}}, 1, None)).startswith(
        "family 'Family', row 'k', super column 1, column 'n': a value of class int cannot be packed as UTF8Type")
    assert packing_error(lambda: codec.encode_insertions(supers, 'k', {'s': {'n': 'v'}}, 1, None)).startswith(
        "family 'Family', row 'k', super column 's': a name of class str cannot be packed as LongType")
    counters = text_layout(codec, 'CounterColumnType', counter=True)
    for value in ('1', 1.0, None, 2 ** 63):
        assert packing_error(lambda value=value: codec.encode_insertions(counters, 'k', {'n': value}, 1, None)
                             ).startswith("family 'Family', row 'k', column 'n': a value of class "
                                          f'{type(value).__name__} cannot be packed as CounterColumnType')


def test_pack_key(codec):
    assert codec.pack_key(text_layout(codec), 'ä') == 'ä'.encode()
    assert packing_error(lambda: codec.pack_key(text_layout(codec), 5)).startswith(
        "family 'Family', row 5: a key of class int cannot be packed as UTF8Type")


def test_long_keys_are_cut_in_messages(codec):
    message = packing_error(lambda: codec.encode_insertions(text_layout(codec), 'k' * 1000, {'n' * 1000: 5}, 1, None))
    assert len(message) < 400


def test_every_type_refuses_none(codec):
    for name in ('BytesType', 'AsciiType', 'UTF8Type', 'LongType', 'Int32Type', 'IntegerType', 'FloatType',
                 'DoubleType', 'DecimalType', 'BooleanType', 'DateType', 'TimestampType', 'UUIDType', 'TimeUUIDType',
                 'LexicalUUIDType', 'InetAddressType', 'ByteType', 'ShortType', 'SimpleDateType', 'TimeType',
                 'EmptyType'):
        assert f'cannot be packed as {name}' in packing_error(
            lambda name=name: codec.encode_insertions(text_layout(codec, name), 'k', {'n': None}, 1, None))


@pytest.mark.parametrize('value', ['v', b'v', bytearray(b'v'), memoryview(b'v')])
def test_whatever_holds_bytes_is_text(codec, value):
    layout = text_layout(codec)
    expected = codec.encode_insertions(layout, 'k', {'n': 'v'}, 1, None)
    assert codec.encode_insertions(layout, 'k', {'n': value}, 1, None) == expected


def test_user_types(codec):
    """A Scalar of the user's own: what it returns is checked, what it raises is wrapped."""
    class Strange(RuntimeError):
        pass

    def pack_value(value):
        if value == 'strange':
            raise Strange
        if value == 'attribute':
            return value.missing
        return {'bytes': b'xy', 'bytearray': bytearray(b'xy'), 'text': 'xy', 'none': None}[value]

    layout = codec.Layout('Family', key=codec.scalar('UTF8Type'), name=codec.scalar('UTF8Type'),
                          value=codec.Scalar('Mine', pack_value, bytes))
    expected = codec.encode_insertions(text_layout(codec), 'k', {'n': 'xy'}, 1, None)
    for value in ('bytes', 'bytearray'):
        assert codec.encode_insertions(layout, 'k', {'n': value}, 1, None) == expected
    for value in ('text', 'none', 'attribute', 'absent', None):
        message = packing_error(lambda value=value: codec.encode_insertions(layout, 'k', {'n': value}, 1, None))
        assert "column 'n': a value of class" in message and 'cannot be packed as Mine' in message
    with pytest.raises(Strange):
        codec.encode_insertions(layout, 'k', {'n': 'strange'}, 1, None)


def test_equal_names_of_unequal_bytes_are_packed_each(codec):
    """Decimal('1.0') == Decimal('1.00'), 1 == True: names that recur in rows must not be taken for one another."""
    import decimal
    layout = codec.Layout('Family', key=codec.scalar('UTF8Type'), name=codec.scalar('DecimalType'),
                          value=codec.scalar('UTF8Type'))
    one, other = decimal.Decimal('1.0'), decimal.Decimal('1.00')
    frame = codec.encode_rows(1, layout, {'a': {one: 'x'}, 'b': {other: 'x'}}, 1, None, 1)
    assert codec.scalar('DecimalType').pack(one) in frame
    assert codec.scalar('DecimalType').pack(other) in frame


def test_nothing_is_lost_when_a_row_falls_off_the_fast_path(codec):
    """A row that needs the exact path in its middle is written once, whole, in order."""
    layout = text_layout(codec)
    rows = {'a': {'1': 'x'}, 'b': {'1': 'x', '2': b'bytes', '3': 'y', '4': 'v' * 5000}, 'c': {'1': 'z'}}
    plain = {'a': {'1': 'x'}, 'b': {'1': 'x', '2': 'bytes', '3': 'y', '4': 'v' * 5000}, 'c': {'1': 'z'}}
    entries = [(b'Family', key.encode(), *codec.encode_insertions(layout, key, row, 1, None))
               for key, row in plain.items()]
    assert codec.encode_rows(1, layout, rows, 1, None, 1) == codec.encode_batch(1, entries, 1)


def test_validators_of_rows_whose_names_are_alike_in_part(codec):
    """The type of a column is found by all of its name, whatever stood in its place in the row before."""
    text, number = codec.scalar('UTF8Type'), codec.scalar('Int32Type')
    layout = codec.Layout('Standard', key=text, name=text, value=text, validators={b'ab': number, b'': number})
    rows = [{'ab': 1, 'x': 'y'}, {'a': 't', 'x': 'y'}, {'abc': 't', 'ab': 2}, {''.join('ab'): 3, '': 4}, {'b': 't'}]
    frame = codec.encode_rows(1, layout, {f'k{number}': row for number, row in enumerate(rows)}, 5, None, 1)
    alone = [codec.encode_insertions(layout, 'k', row, 5, None)[1] for row in rows]
    assert [each in frame for each in alone] == [True] * len(rows)
    assert b'\0\0\0\4\0\0\0\3' in frame and b'\0\0\0\4\0\0\0\4' in frame and frame.count(b'\0\0\0\1t') == 3
