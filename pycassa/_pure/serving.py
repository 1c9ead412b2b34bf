"""The server's side of the codec: Thrift requests into the embedded server's raw values, its results into replies.

A request struct becomes a plain tuple of its fields in the order of the interface, nested structs included: a Column is
(name, value, timestamp, ttl), a ColumnParent (column_family, super_column), a SlicePredicate (column_names,
slice_range). Mutations and ColumnOrSuperColumns carry a kind in front; see `request_structs` and `results`.
"""
import struct
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from pycassa._pure.cursor import MAP
from pycassa._pure.request_batches import read_mutation_map
from pycassa._pure.request_structs import (
    COLUMN,
    COLUMN_PARENT,
    COLUMN_PATH,
    COUNTER_COLUMN,
    INDEX_CLAUSE,
    KEY_RANGE,
    MULTI_SLICE_REQUEST,
    SLICE_PREDICATE,
)
from pycassa._pure.results import ENCODERS
from pycassa._pure.shapes import (
    Field,
    MissingField,
    NegativeLength,
    ObjectShapes,
    RequestCursor,
    Shape,
    Truncated,
    binary_field,
    consistency_field,
    i64_field,
    list_field,
    read_binary,
    struct_field,
    text_field,
)
from pycassa.errors import ProtocolError

__all__ = ['DECODERS', 'ENCODERS', 'MissingField', 'NegativeLength', 'ObjectShapes', 'RequestCursor', 'RequestHeader',
           'Shape', 'Truncated', 'read_header']

_length_at = struct.Struct('>I').unpack_from
_seqid_at = struct.Struct('>i').unpack_from


class RequestHeader(NamedTuple):
    """`echo` is name length, name and sequence id as received: replies begin with the version word and these bytes."""

    name: bytes
    seqid: int
    echo: bytes
    offset: int


def read_header(data: bytes, pos: int) -> RequestHeader:
    """The header of the message at `pos`. The message type is not looked at: servers do not either.

    Raises Truncated where it is not there whole, and ProtocolError where it is not a strict header of version 1, which
    is judged once the four bytes of the version are there.
    """
    if len(data) >= pos + 4 and not data.startswith(b'\x80\x01', pos):
        raise ProtocolError('not a message with the strict header of version 1')
    if len(data) < pos + 8:
        raise Truncated('the message ends inside its header')
    end = pos + 8 + _length_at(data, pos + 4)[0]
    if end - pos > 0x7FFFFFFF:
        raise ProtocolError('a method name of negative length')
    if len(data) < end + 4:
        raise Truncated('the message ends inside its header')
    return RequestHeader(data[pos + 8:end], _seqid_at(data, end)[0], data[pos + 4:end + 4], end + 4)


_KEY = binary_field(1, 'key')
_PARENT = struct_field(2, 'column_parent', COLUMN_PARENT)
_PREDICATE = struct_field(3, 'predicate', SLICE_PREDICATE)
_MUTATIONS = Field(1, 'mutation_map', MAP, read_mutation_map, True)
_ONE_ROW = [_KEY, _PARENT, _PREDICATE, consistency_field(4)]
_ROWS = [list_field(1, 'keys', read_binary), _PARENT, _PREDICATE, consistency_field(4)]


def _multi_slice(values: List[Any]) -> Tuple[Any, ...]:
    request: Tuple[Any, ...] = values[0]
    return request


_ARGUMENTS: Dict[str, Sequence[Field]] = {
    'get': [_KEY, struct_field(2, 'column_path', COLUMN_PATH), consistency_field(3)],
    'get_slice': _ONE_ROW,
    'get_count': _ONE_ROW,
    'multiget_slice': _ROWS,
    'multiget_count': _ROWS,
    'get_range_slices': [
        struct_field(1, 'column_parent', COLUMN_PARENT), struct_field(2, 'predicate', SLICE_PREDICATE),
        struct_field(3, 'range', KEY_RANGE), consistency_field(4)],
    'get_paged_slice': [
        text_field(1, 'column_family'), struct_field(2, 'range', KEY_RANGE), binary_field(3, 'start_column'),
        consistency_field(4)],
    'get_indexed_slices': [
        struct_field(1, 'column_parent', COLUMN_PARENT), struct_field(2, 'index_clause', INDEX_CLAUSE),
        struct_field(3, 'column_predicate', SLICE_PREDICATE), consistency_field(4)],
    'insert': [_KEY, _PARENT, struct_field(3, 'column', COLUMN), consistency_field(4)],
    'add': [_KEY, _PARENT, struct_field(3, 'column', COUNTER_COLUMN), consistency_field(4)],
    'cas': [
        _KEY, text_field(2, 'column_family'), list_field(3, 'expected', COLUMN, False),
        list_field(4, 'updates', COLUMN, False), consistency_field(5, 'serial_consistency_level', 9),
        consistency_field(6, 'commit_consistency_level', 2)],
    'remove': [
        _KEY, struct_field(2, 'column_path', COLUMN_PATH), i64_field(3, 'timestamp'),
        consistency_field(4)._replace(required=False)],
    'remove_counter': [_KEY, struct_field(2, 'path', COLUMN_PATH), consistency_field(3)],
    'batch_mutate': [_MUTATIONS, consistency_field(2)],
    'atomic_batch_mutate': [_MUTATIONS, consistency_field(2)],
    'truncate': [text_field(1, 'cfname')],
}

# Reads the arguments of a method: the engine session's arguments, in order.
DECODERS: Dict[str, Shape] = {name: Shape(f'{name}_args', fields) for name, fields in _ARGUMENTS.items()}
DECODERS['get_multi_slice'] = Shape(
    'get_multi_slice_args', [struct_field(1, 'request', MULTI_SLICE_REQUEST)], _multi_slice)
