"""What requests are made of in the Thrift binary protocol: lengths, values, fields, message heads, frames."""
from struct import Struct
from typing import Any, List, Optional, Sequence

from pycassa._pure.packing import PACK_ERRORS
from pycassa.errors import PackingError

__all__ = ['FALSE', 'LENGTHS', 'TRUE', 'binary', 'binary_list', 'call_head', 'call_parts', 'column_parent',
           'column_path', 'consistency_level', 'frame', 'framed', 'i32', 'i64', 'length']

TRUE, FALSE = b'\1', b'\0'

_pack_i32 = Struct('>i').pack
_pack_i64 = Struct('>q').pack
length = Struct('>I').pack

# The four bytes before a byte string, by its length: made once, found faster than packed.
LENGTHS = [length(size) for size in range(4096)]


def binary(data: bytes) -> bytes:
    """A byte string behind its length."""
    return b'%b%b' % (length(len(data)), data)


def binary_list(items: Sequence[bytes]) -> bytes:
    """A list<binary>, from its element type on."""
    parts = [b'\x0b', length(len(items))]
    for item in items:
        parts += (length(len(item)), item)
    return b''.join(parts)


def i32(value: int, what: str) -> bytes:
    """A 32-bit integer. `what` names it in the PackingError of a value that is none."""
    try:
        return _pack_i32(value)
    except PACK_ERRORS as error:
        raise _no_integer(value, what, 32) from error


def i64(value: int, what: str) -> bytes:
    """A 64-bit integer. `what` names it in the PackingError of a value that is none."""
    try:
        return _pack_i64(value)
    except PACK_ERRORS as error:
        raise _no_integer(value, what, 64) from error


_LEVELS = {level: _pack_i32(level) for level in range(1, 12)}


def consistency_level(level: int) -> bytes:
    """A ConsistencyLevel. Raises PackingError for what no server knows: it would drop the whole call."""
    try:
        return _LEVELS[level]
    except (KeyError, TypeError, ValueError):
        raise PackingError(f'a consistency level of class {type(level).__name__} is none of pycassa.ConsistencyLevel '
                           f'(1 to 11): {level!r:.80}') from None


def _no_integer(value: Any, what: str, bits: int) -> PackingError:
    return PackingError(f'{what} of class {type(value).__name__} is not an integer of {bits} bits')


def column_parent(family: bytes, super_column: Optional[bytes]) -> bytes:
    """A ColumnParent struct: a family, or one super column of it."""
    if super_column is None:
        return b'\x0b\0\3%b%b\0' % (length(len(family)), family)
    return b'\x0b\0\3%b%b\x0b\0\4%b%b\0' % (length(len(family)), family, length(len(super_column)), super_column)


def column_path(family: bytes, super_column: Optional[bytes], column: Optional[bytes]) -> bytes:
    """A ColumnPath struct: a family, one super column, or one column of either."""
    if column is None:
        return column_parent(family, super_column)
    return b'%b\x0b\0\5%b%b\0' % (column_parent(family, super_column)[:-1], length(len(column)), column)


def call_head(method: bytes) -> bytes:
    """The start of a call's message, up to its sequence id."""
    return b'\x80\1\0\1%b%b' % (length(len(method)), method)


def call_parts(head: bytes, seqid: int) -> List[bytes]:
    """The beginning of a call's message, to be extended by the fields of its arguments and given to `framed`."""
    return [head, _pack_i32(seqid)]


def framed(parts: List[bytes]) -> bytes:
    """The frame of a message whose arguments have been appended to `call_parts`."""
    parts.append(b'\0')
    body = b''.join(parts)
    return length(len(body)) + body


def frame(head: bytes, seqid: int, *arguments: bytes) -> bytes:
    """A whole call behind its frame length: `head`, the sequence id, the fields of the arguments, their end."""
    return framed([head, _pack_i32(seqid), *arguments])
