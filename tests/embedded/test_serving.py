"""The server's side of the codec, against Thrift's own TBinaryProtocol and the generated bindings."""
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    CASResult,
    CfDef,
    Column,
    ColumnDef,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ColumnSlice,
    CounterColumn,
    CounterSuperColumn,
    Deletion,
    IndexClause,
    IndexExpression,
    KeyRange,
    KeySlice,
    KsDef,
    MultiSliceRequest,
    Mutation,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)
from pycassa.codec import (
    DECODERS,
    ENCODERS,
    MissingField,
    NegativeLength,
    ObjectShapes,
    RequestCursor,
    Truncated,
    read_header,
)
from pycassa.errors import ProtocolError

I32 = st.integers(-2**31, 2**31 - 1)
I64 = st.integers(-2**63, 2**63 - 1)
BYTES = st.binary(max_size=12)
TEXT = st.text(max_size=8)
LEVEL = st.integers(1, 11)


def maybe(strategy):
    return st.none() | strategy


def struct_bytes(value):
    buffer = TMemoryBuffer()
    value.write(TBinaryProtocol(buffer))
    return buffer.getvalue()


def read_result(method, body):
    result = getattr(Cassandra, f'{method}_result')()
    transport = TMemoryBuffer(body)
    result.read(TBinaryProtocol(transport))
    assert transport._buffer.tell() == len(body)
    return result


def decode(method, data, start=0):
    cursor = RequestCursor(data, start)
    arguments = DECODERS[method](cursor)
    return arguments, cursor.pos


# --- requests as the bindings write them -------------------------------------------------------------------------

COLUMNS = st.builds(Column, BYTES, maybe(BYTES), maybe(I64), maybe(I32))
COUNTERS = st.builds(CounterColumn, BYTES, I64)
PARENTS = st.builds(ColumnParent, TEXT, maybe(BYTES))
PATHS = st.builds(ColumnPath, TEXT, maybe(BYTES), maybe(BYTES))
PREDICATES = st.builds(SlicePredicate, maybe(st.lists(BYTES, max_size=3)),
                       maybe(st.builds(SliceRange, BYTES, BYTES, st.booleans(), I32)))
EXPRESSIONS = st.lists(st.builds(IndexExpression, BYTES, st.integers(0, 4), BYTES), max_size=3)
RANGES = st.builds(KeyRange, start_key=maybe(BYTES), end_key=maybe(BYTES), start_token=maybe(TEXT),
                   end_token=maybe(TEXT), row_filter=maybe(EXPRESSIONS), count=I32)
CLAUSES = st.builds(IndexClause, EXPRESSIONS, BYTES, I32)
COLUMN_OR_SUPER = st.builds(
    ColumnOrSuperColumn, maybe(COLUMNS), maybe(st.builds(SuperColumn, BYTES, st.lists(COLUMNS, max_size=3))),
    maybe(COUNTERS), maybe(st.builds(CounterSuperColumn, BYTES, st.lists(COUNTERS, max_size=3))))
PLAIN = st.builds(lambda column: Mutation(ColumnOrSuperColumn(column)),
                  st.builds(Column, st.sampled_from([b'a', b'bb', b'ccc']), BYTES, st.sampled_from([1, 2, -1]),
                            st.sampled_from([None, 7, -7])))
MUTATIONS = PLAIN | st.builds(Mutation, maybe(COLUMN_OR_SUPER), maybe(
    st.builds(Deletion, maybe(I64), maybe(BYTES), maybe(PREDICATES))))
MUTATION_MAPS = st.dictionaries(BYTES, st.dictionaries(st.sampled_from(['A', 'Büro']), st.lists(
    MUTATIONS, max_size=5), max_size=2), max_size=4)

ARGUMENTS = {
    'get': (BYTES, PATHS, LEVEL), 'get_slice': (BYTES, PARENTS, PREDICATES, LEVEL),
    'get_count': (BYTES, PARENTS, PREDICATES, LEVEL),
    'multiget_slice': (st.lists(BYTES, max_size=3), PARENTS, PREDICATES, LEVEL),
    'multiget_count': (st.lists(BYTES, max_size=3), PARENTS, PREDICATES, LEVEL),
    'get_range_slices': (PARENTS, PREDICATES, RANGES, LEVEL), 'get_paged_slice': (TEXT, RANGES, BYTES, LEVEL),
    'get_indexed_slices': (PARENTS, CLAUSES, PREDICATES, LEVEL), 'insert': (BYTES, PARENTS, COLUMNS, LEVEL),
    'add': (BYTES, PARENTS, COUNTERS, LEVEL),
    'cas': (BYTES, TEXT, st.lists(COLUMNS, max_size=3), st.lists(COLUMNS, max_size=3), LEVEL, LEVEL),
    'remove': (BYTES, PATHS, I64, LEVEL), 'remove_counter': (BYTES, PATHS, LEVEL),
    'batch_mutate': (MUTATION_MAPS, LEVEL), 'atomic_batch_mutate': (MUTATION_MAPS, LEVEL), 'truncate': (TEXT,),
}


def raw(value):
    """The plain form of what the bindings hold: fields in the order of their ids."""
    if isinstance(value, list):
        return [raw(item) for item in value]
    if isinstance(value, Mutation):
        return raw_mutation(value)
    if hasattr(value, 'thrift_spec'):
        return tuple(raw(getattr(value, spec[2])) for spec in value.thrift_spec if spec)
    return value


def raw_mutation(mutation):
    holder, deletion = mutation.column_or_supercolumn, mutation.deletion
    if holder is None:
        return (0,) if deletion is None else (5, *raw(deletion))
    members = [(kind, *member) for kind, member in enumerate(raw(holder), 1) if member is not None]
    if deletion is not None:
        return (6,)
    return members[0] if len(members) == 1 else (7,)


def raw_map(mutation_map):
    return [(key, [(family, raw(mutations)) for family, mutations in families.items()])
            for key, families in mutation_map.items()]


def calls():
    return st.sampled_from(sorted(ARGUMENTS)).flatmap(
        lambda method: st.tuples(st.just(method), st.tuples(*ARGUMENTS[method])))


@settings(max_examples=400, deadline=None)
@given(calls(), BYTES)
def test_requests_are_read_as_the_bindings_write_them(call, rest):
    method, values = call
    data = struct_bytes(getattr(Cassandra, f'{method}_args')(*values))
    expected = (raw_map(values[0]), values[1]) if method.endswith('batch_mutate') else raw(list(values))
    arguments, end = decode(method, b'xy' + data + rest, 2)
    assert arguments == tuple(expected)
    assert end == 2 + len(data)


@settings(max_examples=60, deadline=None)
@given(calls())
def test_a_request_cut_anywhere_is_waited_for(call):
    method, values = call
    data = struct_bytes(getattr(Cassandra, f'{method}_args')(*values))
    for size in range(len(data)):
        with pytest.raises(Truncated):
            decode(method, data[:size])


@settings(max_examples=300, deadline=None)
@given(calls(), st.data())
def test_a_damaged_request_is_read_or_refused(call, choose):
    method, values = call
    data = bytearray(struct_bytes(getattr(Cassandra, f'{method}_args')(*values)))
    for _ in range(choose.draw(st.integers(1, 3))):
        data[choose.draw(st.integers(0, len(data) - 1))] = choose.draw(st.integers(0, 255))
    try:
        _, end = decode(method, bytes(data))
    except ProtocolError:
        return
    assert end <= len(data)


def test_get_multi_slice():
    slices = [ColumnSlice(b'a', None), ColumnSlice(None, b'z')]
    request = MultiSliceRequest(b'k', ColumnParent('F', b's'), slices, True, 7, 4)
    assert decode('get_multi_slice', struct_bytes(Cassandra.get_multi_slice_args(request)))[0] == (
        b'k', ('F', b's'), [(b'a', None), (None, b'z')], True, 7, 4)
    assert decode('get_multi_slice', b'\x0c\0\1\0\0')[0] == (None, None, None, False, 1000, 1)


# --- batches -----------------------------------------------------------------------------------------------------

def insertion(name, value, timestamp=5, ttl=None):
    return Mutation(ColumnOrSuperColumn(Column(name, value, timestamp, ttl)))


def batch(mutation_map):
    return struct_bytes(Cassandra.batch_mutate_args(mutation_map, 1))


def test_rows_of_the_same_columns_share_names_and_timestamps():
    stamp = 1 << 60
    rows = decode('batch_mutate', batch({
        key: {'F': [insertion(b'first name', b'1', stamp), insertion(b'second name', b'22', stamp)]}
        for key in (b'a', b'b', b'c')}))[0][0]
    mutations = [families[0][1] for _, families in rows]
    assert len({id(row[0][1]) for row in mutations}) == 1
    assert len({id(mutation[3]) for row in mutations for mutation in row}) == 1


def test_wide_rows_beyond_the_remembered_columns():
    columns = [insertion(b'%d' % number, b'v' * (number % 7), number % 3, number % 5 or None) for number in range(700)]
    mutation_map = {b'a': {'F': columns}, b'b': {'F': columns[:300][::-1]}, b'c': {'F': columns}}
    assert decode('batch_mutate', batch(mutation_map))[0][0] == raw_map(mutation_map)


def test_fields_of_a_column_in_another_order():
    column = (b'\x0a\0\3' + struct.pack('>q', 9) + b'\x0b\0\2\0\0\0\1v' + b'\x08\0\x63\0\0\0\7'
              + b'\x0b\0\1\0\0\0\1n' + b'\0')
    mutation = b'\x0c\0\1\x0c\0\1' + column + b'\0\0'
    data = b'\x0d\0\1\x0b\x0d\0\0\0\1\0\0\0\1k\x0b\x0f\0\0\0\1\0\0\0\1F\x0c\0\0\0\1' + mutation + b'\0'
    assert decode('batch_mutate', data)[0] == ([(b'k', [('F', [(1, b'n', b'v', 9, None)])])], 1)


def test_the_last_of_equal_keys_stays():
    def row(value):
        return b'\0\0\0\1k\x0b\x0f\0\0\0\1\0\0\0\1F\x0c\0\0\0\1' + struct_bytes(insertion(b'n', value))
    data = b'\x0d\0\1\x0b\x0d\0\0\0\2' + row(b'old') + row(b'new') + b'\0'
    assert decode('batch_mutate', data)[0][0] == [(b'k', [('F', [(1, b'n', b'new', 5, None)])])]


def test_empty_maps_and_lists():
    for mutation_map in ({}, {b'k': {}}, {b'k': {'F': []}}, {b'k': {'F': []}, b'j': {'F': []}}):
        assert decode('batch_mutate', batch(mutation_map))[0][0] == raw_map(mutation_map)


# --- required fields, lengths, headers ---------------------------------------------------------------------------

PARENT = b'\x0c\0\2\x0b\0\3\0\0\0\1F\0'
KEY = b'\x0b\0\1\0\0\0\1k'


@pytest.mark.parametrize('method, data, message', [
    ('get_slice', PARENT + b'\0', "'key' was not present! Struct: get_slice_args("),
    ('get_slice', b'\x08\0\1\0\0\0\1' + PARENT + b'\0', "'key' was not present! Struct: get_slice_args("),
    ('get_slice', KEY + b'\x0c\0\2\0', "'column_family' was not present! Struct: ColumnParent("),
    ('remove', KEY + PARENT + b'\0', "'timestamp' was not found in serialized data! Struct: remove_args"),
    ('insert', KEY + PARENT + b'\x0c\0\3\0', "'name' was not present! Struct: Column("),
    ('get', KEY + PARENT + b'\x08\0\3\0\0\0\x63\0', "'consistency_level' was not present! Struct: get_args("),
    ('add', KEY + PARENT + b'\x0c\0\3\x0b\0\1\0\0\0\1n\0',
     "'value' was not found in serialized data! Struct: CounterColumn"),
    ('batch_mutate', b'\0', "'mutation_map' was not present! Struct: batch_mutate_args("),
])
def test_missing_required_fields(method, data, message):
    cursor = RequestCursor(data + b'rest')
    with pytest.raises(MissingField) as caught:
        DECODERS[method](cursor)
    assert str(caught.value).startswith(f'Required field {message}')
    assert cursor.pos == len(data)


def test_absent_consistency_is_the_default():
    assert decode('get', KEY + PARENT + b'\0')[0][-1] == 1
    assert decode('remove', KEY + PARENT + b'\x0a\0\3' + bytes(8) + b'\0')[0][-1] == 1
    assert decode('cas', KEY + b'\x0b\0\2\0\0\0\1F\0')[0] == (b'k', 'F', None, None, 9, 2)


def test_negative_lengths():
    with pytest.raises(NegativeLength, match='^Negative length: -5$'):
        decode('truncate', b'\x0b\0\1' + struct.pack('>i', -5))
    with pytest.raises(NegativeLength, match='^Negative length: -2$'):
        decode('batch_mutate', b'\x0d\0\1\x0b\x0d' + struct.pack('>i', -2))
    with pytest.raises(ProtocolError) as caught:
        decode('get', b'\x0b\0\1' + struct.pack('>i', -1))
    assert not isinstance(caught.value, (NegativeLength, Truncated))


def test_text_that_is_not_utf8_is_replaced():
    assert decode('truncate', b'\x0b\0\1\0\0\0\2F\xff\0')[0] == ('F\ufffd',)


def test_deep_nesting_is_refused():
    with pytest.raises(ProtocolError, match='nested') as caught:
        decode('truncate', b'\x0c\0\x09' * 1000 + b'\0' * 1000)
    assert not isinstance(caught.value, Truncated)


def test_headers():
    message = b'\x80\1\0\1\0\0\0\3get\xff\xff\xff\xff'
    assert read_header(b'ab' + message + b'rest', 2) == (b'get', -1, message[4:], 2 + len(message))
    for size in range(len(message)):
        with pytest.raises(Truncated):
            read_header(message[:size], 0)
    for start in (b'\x80\2\0\1', b'\0\0\0\3', b'GET ', b'\x81'):
        with pytest.raises(ProtocolError) as caught:
            read_header(start + message[4:], 0)
        assert not isinstance(caught.value, Truncated)
    with pytest.raises(ProtocolError) as caught:
        read_header(b'\x80\1\0\1\xff\xff\xff\xff' + bytes(20), 0)
    assert not isinstance(caught.value, Truncated)


# --- the bindings' objects ---------------------------------------------------------------------------------------

def test_schema_arguments_become_objects():
    shapes = ObjectShapes({'KsDef': {'name', 'strategy_class', 'cf_defs'}}, {'index_type': (0, 1, 2)})
    read = shapes.arguments(Cassandra.system_add_keyspace_args)
    definition = KsDef('Kéy', 'SimpleStrategy', {'replication_factor': '1'}, cf_defs=[
        CfDef('K', 'F', column_metadata=[ColumnDef(b'\xff\0', 'UTF8Type', 0)], read_repair_chance=0.25,
              key_alias=b'\xfe')])
    assert read(RequestCursor(struct_bytes(Cassandra.system_add_keyspace_args(definition)))) == (definition,)
    with pytest.raises(MissingField, match="'cf_defs' was not present! Struct: KsDef"):
        read(RequestCursor(struct_bytes(Cassandra.system_add_keyspace_args(KsDef('K', 'S')))))
    with pytest.raises(MissingField, match="'ks_def' was not present! Struct: system_add_keyspace_args"):
        read(RequestCursor(b'\0'))


def test_an_unknown_optional_enum_is_absent():
    shapes = ObjectShapes({}, {'index_type': (0, 1, 2)})
    definition = CfDef('K', 'F', column_metadata=[ColumnDef(b'c', 'UTF8Type', 9)])
    read = shapes.arguments(Cassandra.system_add_column_family_args)
    (found,) = read(RequestCursor(struct_bytes(Cassandra.system_add_column_family_args(definition))))
    assert found.column_metadata[0].index_type is None


# --- replies -----------------------------------------------------------------------------------------------------

COLUMN_ITEMS = st.lists(st.tuples(BYTES, BYTES | st.just(b'v' * 5000), I64, maybe(I32)), max_size=4)
COUNTER_ITEMS = st.lists(st.tuples(BYTES, I64), max_size=4)
RESULTS = st.one_of(
    st.tuples(st.just(1), COLUMN_ITEMS), st.tuples(st.just(3), COUNTER_ITEMS),
    st.tuples(st.just(2), st.lists(st.tuples(BYTES, COLUMN_ITEMS), max_size=3)),
    st.tuples(st.just(4), st.lists(st.tuples(BYTES, COUNTER_ITEMS), max_size=3)))


def objects(result):
    kind, items = result
    if kind == 1:
        return [ColumnOrSuperColumn(column=Column(*item)) for item in items]
    if kind == 2:
        return [ColumnOrSuperColumn(super_column=SuperColumn(name, [Column(*item) for item in columns]))
                for name, columns in items]
    if kind == 3:
        return [ColumnOrSuperColumn(counter_column=CounterColumn(*item)) for item in items]
    return [ColumnOrSuperColumn(counter_super_column=CounterSuperColumn(
        name, [CounterColumn(*item) for item in columns])) for name, columns in items]


@settings(max_examples=150, deadline=None)
@given(RESULTS)
def test_column_replies(result):
    assert read_result('get_slice', ENCODERS['get_slice'](result)).success == objects(result)
    assert read_result('get_multi_slice', ENCODERS['get_multi_slice'](result)).success == objects(result)
    kind, items = result
    for item, expected in zip(items, objects(result)):
        assert read_result('get', ENCODERS['get']((kind, [item]))).success == expected


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(BYTES, RESULTS, max_size=3))
def test_replies_of_several_rows(rows):
    expected = {key: objects(result) for key, result in rows.items()}
    assert read_result('multiget_slice', ENCODERS['multiget_slice'](rows)).success == expected
    for method in ('get_range_slices', 'get_paged_slice', 'get_indexed_slices'):
        assert read_result(method, ENCODERS[method](list(rows.items()))).success == [
            KeySlice(key, columns) for key, columns in expected.items()]


@given(I32, st.dictionaries(BYTES, I32, max_size=3))
def test_counts(count, counts):
    assert read_result('get_count', ENCODERS['get_count'](count)).success == count
    assert read_result('multiget_count', ENCODERS['multiget_count'](counts)).success == counts


@given(st.booleans(), maybe(COLUMN_ITEMS))
def test_cas_replies(success, current):
    expected = CASResult(success, None if current is None else [Column(*item) for item in current])
    columns = None if current is None else (1, current)
    assert read_result('cas', ENCODERS['cas']((success, columns))).success == expected


def test_void_replies():
    for method in ('insert', 'add', 'remove', 'remove_counter', 'batch_mutate', 'atomic_batch_mutate', 'truncate'):
        assert ENCODERS[method](None) == struct_bytes(getattr(Cassandra, f'{method}_result')())


def test_every_direct_method_has_both_sides():
    assert set(DECODERS) == set(ENCODERS) == {*ARGUMENTS, 'get_multi_slice'}
