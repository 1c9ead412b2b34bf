"""Result structs of replies, from what the embedded server's engine returns.

`columns` is (kind, items), where kind is the field id of ColumnOrSuperColumn: items of kind 1 are (name, value,
timestamp, ttl), of kind 2 (super name, [those]), of kind 3 (name, count), of kind 4 (super name, [those]).
"""
import struct
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from pycassa._pure.wire import LENGTHS

__all__ = ['ENCODERS']

_pack_i32 = struct.Struct('>i').pack
_pack_i64 = struct.Struct('>q').pack
_TIMESTAMP = b'\x0a\x00\x03'
_TTL = b'\x08\x00\x04'


def _prefixed(data: bytes) -> bytes:
    return _pack_i32(len(data)) + data


def _column_structs(columns: Iterable[Tuple[Any, ...]], start: bytes, stop: bytes) -> List[bytes]:
    """Column structs, each between `start` and `stop`."""
    head = start + b'\x0b\x00\x01'
    chunks = []
    last, last_ttl, tail = None, None, b''
    for name, value, timestamp, ttl in columns:
        if timestamp != last or ttl != last_ttl:
            last, last_ttl = timestamp, ttl
            tail = _TIMESTAMP + _pack_i64(timestamp) + (b'' if ttl is None else _TTL + _pack_i32(ttl)) + b'\x00' + stop
        size = len(value)
        chunks.append(b'%b%b%b\x0b\x00\x02%b%b%b' % (
            head, _pack_i32(len(name)), name, LENGTHS[size] if size < 4096 else _pack_i32(size), value, tail))
    return chunks


def _counter_structs(columns: Iterable[Tuple[bytes, int]], start: bytes, stop: bytes) -> List[bytes]:
    """CounterColumn structs, each between `start` and `stop`."""
    return [b'%b\x0b\x00\x01%b%b\x0a\x00\x02%b\x00%b' % (
        start, _pack_i32(len(name)), name, _pack_i64(value), stop) for name, value in columns]


def _super_structs(structs: Callable[..., List[bytes]], items: Iterable[Tuple[bytes, Sequence[Any]]], start: bytes,
                   stop: bytes) -> List[bytes]:
    """SuperColumn or CounterSuperColumn structs, each between `start` and `stop`."""
    chunks = []
    for name, columns in items:
        chunks.append(b'%b\x0b\x00\x01%b\x0f\x00\x02\x0c%b' % (start, _prefixed(name), _pack_i32(len(columns))))
        chunks += structs(columns, b'', b'')
        chunks.append(b'\x00' + stop)
    return chunks


def _wrapped(kind: int, items: Sequence[Any]) -> List[bytes]:
    """ColumnOrSuperColumn structs of `items`."""
    start = b'\x0c\x00' + bytes((kind,))
    if kind == 1:
        return _column_structs(items, start, b'\x00')
    if kind == 3:
        return _counter_structs(items, start, b'\x00')
    return _super_structs(_column_structs if kind == 2 else _counter_structs, items, start, b'\x00')


def _void_body(result: None) -> bytes:
    return b'\x00'


def _count_body(result: int) -> bytes:
    return b'\x08\x00\x00' + _pack_i32(result) + b'\x00'


def _get_body(result: Tuple[int, Sequence[Any]]) -> bytes:
    return b'\x0c\x00\x00' + b''.join(_wrapped(*result)) + b'\x00'


def _columns_body(result: Tuple[int, Sequence[Any]]) -> bytes:
    """A result of list<ColumnOrSuperColumn> from (kind, items)."""
    return b'\x0f\x00\x00\x0c' + _pack_i32(len(result[1])) + b''.join(_wrapped(*result)) + b'\x00'


def _multiget_body(result: Dict[bytes, Tuple[int, Sequence[Any]]]) -> bytes:
    chunks = [b'\x0d\x00\x00\x0b\x0f' + _pack_i32(len(result))]
    for key, (kind, items) in result.items():
        chunks.append(_prefixed(key) + b'\x0c' + _pack_i32(len(items)))
        chunks += _wrapped(kind, items)
    chunks.append(b'\x00')
    return b''.join(chunks)


def _multiget_count_body(result: Dict[bytes, int]) -> bytes:
    counts = b''.join([_prefixed(key) + _pack_i32(count) for key, count in result.items()])
    return b'\x0d\x00\x00\x0b\x08' + _pack_i32(len(result)) + counts + b'\x00'


def _key_slices_body(result: Sequence[Tuple[bytes, Tuple[int, Sequence[Any]]]]) -> bytes:
    chunks = [b'\x0f\x00\x00\x0c' + _pack_i32(len(result))]
    for key, (kind, items) in result:
        chunks.append(b'\x0b\x00\x01%b\x0f\x00\x02\x0c%b' % (_prefixed(key), _pack_i32(len(items))))
        chunks += _wrapped(kind, items)
        chunks.append(b'\x00')
    chunks.append(b'\x00')
    return b''.join(chunks)


def _cas_body(result: Tuple[bool, Optional[Tuple[int, Sequence[Any]]]]) -> bytes:
    success, current = result
    chunks = [b'\x0c\x00\x00\x02\x00\x01' + (b'\x01' if success else b'\x00')]
    if current is not None:
        chunks.append(b'\x0f\x00\x02\x0c' + _pack_i32(len(current[1])))
        chunks += _column_structs(current[1], b'', b'')
    chunks.append(b'\x00\x00')
    return b''.join(chunks)


# Makes the result struct of a method from what the engine's session returned.
ENCODERS: Dict[str, Callable[[Any], bytes]] = {
    'get': _get_body, 'get_slice': _columns_body, 'get_multi_slice': _columns_body, 'get_count': _count_body,
    'multiget_slice': _multiget_body, 'multiget_count': _multiget_count_body, 'get_range_slices': _key_slices_body,
    'get_paged_slice': _key_slices_body, 'get_indexed_slices': _key_slices_body, 'cas': _cas_body,
    'insert': _void_body, 'add': _void_body, 'remove': _void_body, 'remove_counter': _void_body,
    'batch_mutate': _void_body, 'atomic_batch_mutate': _void_body, 'truncate': _void_body,
}
