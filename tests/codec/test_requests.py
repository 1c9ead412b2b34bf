"""Requests are byte for byte what thrift's TBinaryProtocol writes for the bindings' arguments."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa.cassandra.ttypes import (
    Column,
    ColumnParent,
    ColumnPath,
    CounterColumn,
    Deletion,
    IndexClause,
    IndexExpression,
    KeyRange,
    Mutation,
    SlicePredicate,
    SliceRange,
)
from pycassa.errors import PackingError

I32 = st.integers(-2 ** 31, 2 ** 31 - 1)
I64 = st.integers(-2 ** 63, 2 ** 63 - 1)
SEQIDS, LEVELS, COUNTS = I32, st.integers(1, 11), I32
NAMES = st.binary(max_size=20)
OPTIONAL_NAMES = st.none() | NAMES
FAMILIES = st.text(max_size=12)
TOKENS = st.none() | st.text(max_size=12)
EXPRESSIONS = st.lists(st.tuples(NAMES, st.integers(0, 4), NAMES), max_size=3)
SLICES = st.tuples(NAMES, NAMES, st.booleans(), COUNTS)
PREDICATES = st.lists(NAMES, max_size=4) | SLICES


def _predicates(codec, given_predicate):
    """A predicate as the codec's struct bytes and as the bindings' object."""
    if isinstance(given_predicate, list):
        return codec.encode_names_predicate(given_predicate), SlicePredicate(column_names=given_predicate)
    start, finish, backwards, count = given_predicate
    return (codec.encode_slice_predicate(*given_predicate),
            SlicePredicate(slice_range=SliceRange(start, finish, backwards, count)))


def _expressions(expressions):
    return [IndexExpression(*expression) for expression in expressions]


@given(predicate=PREDICATES)
def test_predicates(codec, oracle, predicate):
    ours, bindings = _predicates(codec, predicate)
    assert ours == oracle.struct_bytes(bindings)


@given(start_key=OPTIONAL_NAMES, end_key=OPTIONAL_NAMES, start_token=TOKENS, end_token=TOKENS, count=COUNTS,
       row_filter=st.none() | EXPRESSIONS)
def test_key_ranges(codec, oracle, start_key, end_key, start_token, end_token, count, row_filter):
    bindings = KeyRange(start_key, end_key, start_token, end_token,
                        None if row_filter is None else _expressions(row_filter), count)
    assert codec.encode_key_range(start_key, end_key, start_token, end_token, count,
                                  row_filter) == oracle.struct_bytes(bindings)


@given(seqid=SEQIDS, key=NAMES, family=FAMILIES, super_column=OPTIONAL_NAMES, column=OPTIONAL_NAMES, level=LEVELS)
def test_get(codec, oracle, seqid, key, family, super_column, column, level):
    assert codec.encode_get(seqid, key, family.encode(), super_column, column, level) == oracle.call(
        'get', seqid, key=key, column_path=ColumnPath(family, super_column, column), consistency_level=level)


@pytest.mark.parametrize('method', ['get_slice', 'get_count'])
@given(seqid=SEQIDS, key=NAMES, family=FAMILIES, super_column=OPTIONAL_NAMES, predicate=PREDICATES, level=LEVELS)
def test_reads_of_one_row(codec, oracle, method, seqid, key, family, super_column, predicate, level):
    ours, bindings = _predicates(codec, predicate)
    encode = getattr(codec, 'encode_' + method)
    assert encode(seqid, key, family.encode(), super_column, ours, level) == oracle.call(
        method, seqid, key=key, column_parent=ColumnParent(family, super_column), predicate=bindings,
        consistency_level=level)


@pytest.mark.parametrize('method', ['multiget_slice', 'multiget_count'])
@given(seqid=SEQIDS, keys=st.lists(NAMES, max_size=4), family=FAMILIES, super_column=OPTIONAL_NAMES,
       predicate=PREDICATES, level=LEVELS)
def test_reads_of_several_rows(codec, oracle, method, seqid, keys, family, super_column, predicate, level):
    ours, bindings = _predicates(codec, predicate)
    encode = getattr(codec, 'encode_' + method)
    assert encode(seqid, keys, family.encode(), super_column, ours, level) == oracle.call(
        method, seqid, keys=keys, column_parent=ColumnParent(family, super_column), predicate=bindings,
        consistency_level=level)


@given(seqid=SEQIDS, family=FAMILIES, super_column=OPTIONAL_NAMES, predicate=PREDICATES, start=NAMES, end=NAMES,
       count=COUNTS, level=LEVELS)
def test_get_range_slices(codec, oracle, seqid, family, super_column, predicate, start, end, count, level):
    ours, bindings = _predicates(codec, predicate)
    key_range = codec.encode_key_range(start, end, None, None, count, None)
    assert codec.encode_get_range_slices(seqid, family.encode(), super_column, ours, key_range, level) == oracle.call(
        'get_range_slices', seqid, column_parent=ColumnParent(family, super_column), predicate=bindings,
        range=KeyRange(start, end, count=count), consistency_level=level)


@given(seqid=SEQIDS, family=FAMILIES, expressions=EXPRESSIONS, start=NAMES, count=COUNTS, predicate=PREDICATES,
       level=LEVELS)
def test_get_indexed_slices(codec, oracle, seqid, family, expressions, start, count, predicate, level):
    ours, bindings = _predicates(codec, predicate)
    assert codec.encode_get_indexed_slices(
        seqid, family.encode(), expressions, start, count, ours, level) == oracle.call(
        'get_indexed_slices', seqid, column_parent=ColumnParent(family),
        index_clause=IndexClause(_expressions(expressions), start, count), column_predicate=bindings,
        consistency_level=level)


@given(seqid=SEQIDS, key=NAMES, family=FAMILIES, super_column=OPTIONAL_NAMES, name=NAMES, value=NAMES, timestamp=I64,
       ttl=st.none() | I32, level=LEVELS)
def test_insert(codec, oracle, seqid, key, family, super_column, name, value, timestamp, ttl, level):
    assert codec.encode_insert(
        seqid, key, family.encode(), super_column, name, value, timestamp, ttl, level) == oracle.call(
        'insert', seqid, key=key, column_parent=ColumnParent(family, super_column),
        column=Column(name, value, timestamp, ttl), consistency_level=level)


@given(seqid=SEQIDS, key=NAMES, family=FAMILIES, super_column=OPTIONAL_NAMES, name=NAMES, delta=I64, level=LEVELS)
def test_add(codec, oracle, seqid, key, family, super_column, name, delta, level):
    assert codec.encode_add(seqid, key, family.encode(), super_column, name, delta, level) == oracle.call(
        'add', seqid, key=key, column_parent=ColumnParent(family, super_column), column=CounterColumn(name, delta),
        consistency_level=level)


@given(seqid=SEQIDS, key=NAMES, family=FAMILIES, super_column=OPTIONAL_NAMES, column=OPTIONAL_NAMES, timestamp=I64,
       level=LEVELS)
def test_remove_and_remove_counter(codec, oracle, seqid, key, family, super_column, column, timestamp, level):
    path = ColumnPath(family, super_column, column)
    assert codec.encode_remove(
        seqid, key, family.encode(), super_column, column, timestamp, level) == oracle.call(
        'remove', seqid, key=key, column_path=path, timestamp=timestamp, consistency_level=level)
    assert codec.encode_remove_counter(
        seqid, key, family.encode(), super_column, column, level) == oracle.call(
        'remove_counter', seqid, key=key, path=path, consistency_level=level)


@given(seqid=SEQIDS, family=FAMILIES)
def test_truncate(codec, oracle, seqid, family):
    expected = oracle.call('truncate', seqid, cfname=family)
    assert codec.encode_truncate(seqid, family.encode()) == expected
    assert codec.encode_truncate(seqid, family) == expected


@given(timestamp=st.none() | I64, super_column=OPTIONAL_NAMES, predicate=st.none() | PREDICATES)
def test_deletions(codec, oracle, timestamp, super_column, predicate):
    ours, bindings = (None, None) if predicate is None else _predicates(codec, predicate)
    assert codec.encode_deletion(timestamp, super_column, ours) == oracle.struct_bytes(
        Mutation(deletion=Deletion(timestamp, super_column, bindings)))


def test_a_number_that_does_not_fit_is_named(codec):
    with pytest.raises(PackingError, match='column count of class int is not an integer of 32 bits'):
        codec.encode_slice_predicate(b'', b'', False, 2 ** 31)
    with pytest.raises(PackingError, match='timestamp of class float'):
        codec.encode_remove(1, b'k', b'F', None, None, 1.5, 1)
    with pytest.raises(PackingError, match='consistency level of class NoneType'):
        codec.encode_get(1, b'k', b'F', None, b'c', None)
    with pytest.raises(PackingError, match='counter value of class str'):
        codec.encode_add(1, b'k', b'F', None, b'c', '1', 1)


@pytest.mark.parametrize('level', [0, 12, -1, 2 ** 31, 1.5, 'ONE', None, []])
def test_a_consistency_level_that_no_server_knows_is_not_sent(codec, level):
    layout = codec.Layout('F', key=codec.scalar('UTF8Type'), name=codec.scalar('UTF8Type'),
                          value=codec.scalar('UTF8Type'))
    for encode in (lambda: codec.encode_get(1, b'k', b'F', None, b'c', level),
                   lambda: codec.encode_remove_counter(1, b'k', b'F', None, b'c', level),
                   lambda: codec.encode_rows(1, layout, {'k': {'a': 'b'}}, 1, None, level),
                   lambda: codec.encode_batch(1, [(b'F', b'k', 0, b'')], level)):
        with pytest.raises(PackingError, match=f'consistency level of class {type(level).__name__} is none of'):
            encode()


def test_keys_are_as_many_as_the_call_takes(codec):
    predicate = codec.encode_names_predicate([b'a'])
    for encode in codec.encode_get_slice, codec.encode_get_count:
        with pytest.raises(TypeError, match='bytes-like'):
            encode(1, [b'k'], b'F', None, predicate, 1)
    for encode in codec.encode_multiget_slice, codec.encode_multiget_count:
        assert encode(1, (b'k',), b'F', None, predicate, 1) == encode(1, [b'k'], b'F', None, predicate, 1)
        with pytest.raises(TypeError, match='no len'):
            encode(1, iter([b'k']), b'F', None, predicate, 1)
