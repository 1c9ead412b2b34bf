"""Requests other than batches: reads, predicates and ranges, single writes, truncate.

Keys, names and bounds are packed bytes; each `encode_*` of a call returns its whole frame, byte for byte what
thrift's TBinaryProtocol writes for the bindings' arguments.
"""
from typing import List, Optional, Sequence, Tuple, Union

from pycassa._pure.columns import column_tail
from pycassa._pure.wire import (
    FALSE,
    TRUE,
    binary,
    binary_list,
    call_head,
    column_parent,
    column_path,
    consistency_level,
    frame,
    i32,
    i64,
    length,
)

__all__ = ['encode_add', 'encode_get', 'encode_get_count', 'encode_get_indexed_slices', 'encode_get_range_slices',
           'encode_get_slice', 'encode_insert', 'encode_key_range', 'encode_multiget_count', 'encode_multiget_slice',
           'encode_names_predicate', 'encode_remove', 'encode_remove_counter', 'encode_slice_predicate',
           'encode_truncate']

Expression = Tuple[bytes, int, bytes]

_GET = call_head(b'get')
_GET_SLICE = call_head(b'get_slice')
_GET_COUNT = call_head(b'get_count')
_MULTIGET_SLICE = call_head(b'multiget_slice')
_MULTIGET_COUNT = call_head(b'multiget_count')
_GET_RANGE_SLICES = call_head(b'get_range_slices')
_GET_INDEXED_SLICES = call_head(b'get_indexed_slices')
_INSERT = call_head(b'insert')
_ADD = call_head(b'add')
_REMOVE = call_head(b'remove')
_REMOVE_COUNTER = call_head(b'remove_counter')
_TRUNCATE = call_head(b'truncate')


def _consistency(field: bytes, level: int) -> bytes:
    return field + consistency_level(level)


# --- predicates and ranges ---------------------------------------------------------------------------------------

def encode_names_predicate(names: Sequence[bytes]) -> bytes:
    """A SlicePredicate struct of columns by name."""
    return b'\x0f\0\1%b\0' % binary_list(names)


def encode_slice_predicate(start: bytes, finish: bytes, reversed: bool, count: int) -> bytes:
    """A SlicePredicate struct of at most `count` columns from `start` to `finish`; empty bounds are open."""
    return b'\x0c\0\2\x0b\0\1%b\x0b\0\2%b\x02\0\3%b\x08\0\4%b\0\0' % (
        binary(start), binary(finish), TRUE if reversed else FALSE, i32(count, 'a column count'))


def _expressions(expressions: Sequence[Expression]) -> bytes:
    """A list<IndexExpression>, from its element type on."""
    parts = [b'\x0c', length(len(expressions))]
    for name, operator, value in expressions:
        parts += (b'\x0b\0\1', binary(name), b'\x08\0\2', i32(operator, 'an index operator'),
                  b'\x0b\0\3', binary(value), b'\0')
    return b''.join(parts)


def encode_key_range(start_key: Optional[bytes], end_key: Optional[bytes], start_token: Optional[str],
                     end_token: Optional[str], count: int, row_filter: Optional[Sequence[Expression]]) -> bytes:
    """A KeyRange struct. `row_filter` is [(column name, IndexOperator, value)]."""
    parts: List[bytes] = []
    if start_key is not None:
        parts += (b'\x0b\0\1', binary(start_key))
    if end_key is not None:
        parts += (b'\x0b\0\2', binary(end_key))
    if start_token is not None:
        parts += (b'\x0b\0\3', binary(start_token.encode()))
    if end_token is not None:
        parts += (b'\x0b\0\4', binary(end_token.encode()))
    parts += (b'\x08\0\5', i32(count, 'a row count'))
    if row_filter is not None:
        parts += (b'\x0f\0\6', _expressions(row_filter))
    parts.append(b'\0')
    return b''.join(parts)


# --- reads -------------------------------------------------------------------------------------------------------

def encode_get(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], column: Optional[bytes],
               consistency: int) -> bytes:
    """get: one column, or one super column when `column` is None."""
    return frame(_GET, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_path(family, super_column, column),
                 _consistency(b'\x08\0\3', consistency))


def encode_get_slice(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], predicate: bytes,
                     consistency: int) -> bytes:
    """get_slice: columns of one row. `predicate` is a SlicePredicate struct."""
    return frame(_GET_SLICE, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_parent(family, super_column),
                 b'\x0c\0\3', predicate, _consistency(b'\x08\0\4', consistency))


def encode_get_count(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], predicate: bytes,
                     consistency: int) -> bytes:
    """get_count: how many columns of one row `predicate` selects."""
    return frame(_GET_COUNT, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_parent(family, super_column),
                 b'\x0c\0\3', predicate, _consistency(b'\x08\0\4', consistency))


def encode_multiget_slice(seqid: int, keys: Sequence[bytes], family: bytes, super_column: Optional[bytes],
                          predicate: bytes, consistency: int) -> bytes:
    """multiget_slice: columns of several rows."""
    return frame(_MULTIGET_SLICE, seqid, b'\x0f\0\1', binary_list(keys), b'\x0c\0\2',
                 column_parent(family, super_column), b'\x0c\0\3', predicate,
                 _consistency(b'\x08\0\4', consistency))


def encode_multiget_count(seqid: int, keys: Sequence[bytes], family: bytes, super_column: Optional[bytes],
                          predicate: bytes, consistency: int) -> bytes:
    """multiget_count: how many columns of each of several rows `predicate` selects."""
    return frame(_MULTIGET_COUNT, seqid, b'\x0f\0\1', binary_list(keys), b'\x0c\0\2',
                 column_parent(family, super_column), b'\x0c\0\3', predicate,
                 _consistency(b'\x08\0\4', consistency))


def encode_get_range_slices(seqid: int, family: bytes, super_column: Optional[bytes], predicate: bytes,
                            key_range: bytes, consistency: int) -> bytes:
    """get_range_slices: rows by a range of keys or tokens. `key_range` is a KeyRange struct."""
    return frame(_GET_RANGE_SLICES, seqid, b'\x0c\0\1', column_parent(family, super_column), b'\x0c\0\2', predicate,
                 b'\x0c\0\3', key_range, _consistency(b'\x08\0\4', consistency))


def encode_get_indexed_slices(seqid: int, family: bytes, expressions: Sequence[Expression], start_key: bytes,
                              count: int, predicate: bytes, consistency: int) -> bytes:
    """get_indexed_slices: at most `count` rows that the expressions [(column name, IndexOperator, value)] match."""
    return frame(_GET_INDEXED_SLICES, seqid, b'\x0c\0\1', column_parent(family, None),
                 b'\x0c\0\2\x0f\0\1', _expressions(expressions), b'\x0b\0\2', binary(start_key),
                 b'\x08\0\3', i32(count, 'a row count'), b'\0\x0c\0\3', predicate,
                 _consistency(b'\x08\0\4', consistency))


# --- single writes -----------------------------------------------------------------------------------------------

def encode_insert(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], name: bytes, value: bytes,
                  timestamp: int, ttl: Optional[int], consistency: int) -> bytes:
    """insert: one column. `timestamp` in microseconds, `ttl` in seconds."""
    return frame(_INSERT, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_parent(family, super_column),
                 b'\x0c\0\3\x0b\0\1', binary(name), b'\x0b\0\2', binary(value), column_tail(timestamp, ttl),
                 _consistency(b'\x08\0\4', consistency))


def encode_add(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], name: bytes, delta: int,
               consistency: int) -> bytes:
    """add: `delta` to one counter."""
    return frame(_ADD, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_parent(family, super_column),
                 b'\x0c\0\3\x0b\0\1', binary(name), b'\x0a\0\2', i64(delta, 'a counter value'), b'\0',
                 _consistency(b'\x08\0\4', consistency))


def encode_remove(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes], column: Optional[bytes],
                  timestamp: int, consistency: int) -> bytes:
    """remove: a row, a super column, or a column of either, as it was at `timestamp` (microseconds)."""
    return frame(_REMOVE, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2', column_path(family, super_column, column),
                 b'\x0a\0\3', i64(timestamp, 'a timestamp'), _consistency(b'\x08\0\4', consistency))


def encode_remove_counter(seqid: int, key: bytes, family: bytes, super_column: Optional[bytes],
                          column: Optional[bytes], consistency: int) -> bytes:
    """remove_counter: a row, a super column, or one counter of either."""
    return frame(_REMOVE_COUNTER, seqid, b'\x0b\0\1', binary(key), b'\x0c\0\2',
                 column_path(family, super_column, column), _consistency(b'\x08\0\3', consistency))


def encode_truncate(seqid: int, family: Union[str, bytes]) -> bytes:
    """truncate: everything of a family."""
    name = family.encode() if isinstance(family, str) else family
    return frame(_TRUNCATE, seqid, b'\x0b\0\1', binary(name))
