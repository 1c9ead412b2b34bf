"""Replies: who they answer, what they hold, and the exceptions that a server declares or not.

A reply is checked whole, to its last byte, before a value in it is converted. Anything malformed raises
ProtocolError, a declared exception is raised as the bindings' class, a TApplicationException as ApplicationError,
and a value that is not of its type raises UnpackingError.
"""
import functools
from struct import Struct
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from pycassa._pure.column_lists import Collected, Span, read_member, read_members
from pycassa._pure.columns import Layout
from pycassa._pure.conversion import Converted
from pycassa._pure.cursor import (
    BOOL,
    EXCEPTION,
    I32,
    LIST,
    MAP,
    STRING,
    STRUCT,
    Buffer,
    Cursor,
    message_header,
)
from pycassa.cassandra import Cassandra
from pycassa.errors import ApplicationError, ProtocolError

__all__ = ['decode_get', 'decode_get_count', 'decode_get_slice', 'decode_get_slice_items', 'decode_key_slices',
           'decode_multiget_count', 'decode_multiget_slice', 'decode_void']

_pack_i32 = Struct('>i').pack
_NOTHING: Any = object()


# --- the message -------------------------------------------------------------------------------------------------

@functools.cache
def _reply_head(method: str) -> bytes:
    name = method.encode()
    return b'\x80\1\0\2%b%b' % (_pack_i32(len(name)), name)


def _open(reply: Buffer, method: str, seqid: int) -> Cursor:
    """A cursor at the result struct of the reply to this very call."""
    cursor = Cursor(reply)
    head = _reply_head(method) + _pack_i32(seqid)
    if cursor.data.startswith(head):
        cursor.pos = len(head)
        return cursor
    name, kind, found, cursor.pos = message_header(cursor.data)
    if name != method or found != seqid:
        raise ProtocolError(f'the reply to {method} with sequence id {seqid} is due, but this one is to {name!r:.80} '
                            f'with {found}: the connection is out of step')
    if kind != EXCEPTION:
        raise ProtocolError(f'malformed message: type {kind} in answer to {method}, not a reply')
    raise _application_error(cursor)


def _application_error(cursor: Cursor) -> ApplicationError:
    kind, message = 0, None
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            message = cursor.text()
        elif field == 2 and ttype == I32:
            kind = cursor.i32()
        else:
            cursor.skip(ttype)
    cursor.finish()
    return ApplicationError(kind, message)


# --- the result --------------------------------------------------------------------------------------------------

@functools.cache
def _exceptions(method: str) -> Dict[int, Type[Exception]]:
    """The exceptions that a method declares, by field."""
    result = getattr(Cassandra, method + '_result')
    return {spec[0]: spec[3][0] for spec in result.thrift_spec if spec is not None and spec[0] > 0}


_READERS: Dict[int, Callable[[Cursor], Any]] = {
    BOOL: lambda cursor: cursor.u8() != 0, I32: Cursor.i32, STRING: Cursor.text,
}


def _read_exception(cursor: Cursor, exception: Any) -> Exception:
    """A declared exception: a struct of texts, numbers and flags."""
    attributes = {spec[0]: spec for spec in exception.thrift_spec if spec is not None}
    values = {}
    for ttype, field in cursor.fields():
        spec = attributes.get(field)
        if spec is not None and spec[1] == ttype:
            values[spec[2]] = _READERS[ttype](cursor)
        else:
            cursor.skip(ttype)
    return exception(**values)


def _result(reply: Buffer, method: str, seqid: int, success: int = -1,
            read: Optional[Callable[[Cursor], Any]] = None) -> Any:
    """What a reply holds: `read` is applied to the field of success, of type `success`. Raises what it declares."""
    cursor = _open(reply, method, seqid)
    exceptions = _exceptions(method)
    value, error = _NOTHING, None
    for ttype, field in cursor.fields():
        if field == 0 and ttype == success and read is not None:
            if value is not _NOTHING:
                raise ProtocolError(f'malformed message: the reply to {method} holds two results')
            value = read(cursor)
        elif ttype == STRUCT and field in exceptions:
            error = _read_exception(cursor, exceptions[field])
        else:
            cursor.skip(ttype)
    cursor.finish()
    if error is not None:
        raise error
    if value is _NOTHING and read is not None:
        raise ProtocolError(f'malformed message: the reply to {method} holds neither a result nor an exception')
    return value


def _read_counts(cursor: Cursor) -> Dict[bytes, int]:
    return {cursor.binary(): cursor.i32() for _ in range(cursor.map_header(STRING, I32))}


def _read_rows(cursor: Cursor, found: Collected) -> List[Tuple[bytes, Span]]:
    """A map<binary, list<ColumnOrSuperColumn>>."""
    return [(cursor.binary(), read_members(cursor, found)) for _ in range(cursor.map_header(STRING, LIST))]


# The fields of a KeySlice.
_KEY, _COLUMNS = b'\x0b\0\1', b'\x0f\0\2'


def _read_key_slice(cursor: Cursor, found: Collected) -> Tuple[bytes, Span]:
    """A KeySlice struct. What servers write comes first; other fields, or another order, are read as they come."""
    data, key, span = cursor.data, None, None
    if data.startswith(_KEY, cursor.pos):
        cursor.pos += 3
        key = cursor.binary()
        if data.startswith(_COLUMNS, cursor.pos):
            cursor.pos += 3
            span = read_members(cursor, found)
    if not cursor.at_stop():
        key, span = _read_key_slice_fields(cursor, found, key, span)
    if key is None or span is None:
        raise ProtocolError(f'malformed message: a row without key or columns before byte {cursor.pos}')
    return key, span


def _read_key_slice_fields(cursor: Cursor, found: Collected, key: Optional[bytes],
                           span: Optional[Span]) -> Tuple[Optional[bytes], Optional[Span]]:
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            key = cursor.binary()
        elif field == 2 and ttype == LIST and span is None:
            span = read_members(cursor, found)
        else:
            cursor.skip(ttype)
    return key, span


def _read_key_slices(cursor: Cursor, found: Collected) -> List[Tuple[bytes, Span]]:
    return [_read_key_slice(cursor, found) for _ in range(cursor.list_header(STRUCT))]


# --- the calls ---------------------------------------------------------------------------------------------------

def decode_void(reply: Buffer, method: str, seqid: int) -> None:
    """The reply to a call that returns nothing."""
    _result(reply, method, seqid)


def decode_get(reply: Buffer, seqid: int, layout: Layout, dict_class: Any, flags: int) -> Tuple[Any, Any]:
    """(name, value) of a column or counter, or (super name, {name: value})."""
    found = Collected(flags != 0)
    span = _result(reply, 'get', seqid, STRUCT, lambda cursor: read_member(cursor, found))
    return Converted(layout, found, dict_class, flags).single(span)


def _decode_slice(reply: Buffer, seqid: int, layout: Layout, dict_class: Any, flags: int) -> Tuple[Converted, Span]:
    found = Collected(flags != 0)
    span = _result(reply, 'get_slice', seqid, LIST, lambda cursor: read_members(cursor, found))
    return Converted(layout, found, dict_class, flags), span


def decode_get_slice(reply: Buffer, seqid: int, layout: Layout, dict_class: Any, flags: int) -> Any:
    """{name: value} or {super name: {name: value}}, as a `dict_class`.

    A value is `value`, (value, timestamp), (value, ttl) or (value, timestamp, ttl) as `flags` say; counters are
    plain integers whatever they say.
    """
    converted, span = _decode_slice(reply, seqid, layout, dict_class, flags)
    return converted.dict(span)


def decode_get_slice_items(reply: Buffer, seqid: int, layout: Layout, dict_class: Any,
                           flags: int) -> List[Tuple[bytes, Any, Any]]:
    """[(packed name, name, value)]: what paging needs to go on behind the last column."""
    converted, span = _decode_slice(reply, seqid, layout, dict_class, flags)
    return converted.items(span)


def decode_multiget_slice(reply: Buffer, seqid: int, layout: Layout, dict_class: Any,
                          flags: int) -> Dict[bytes, Any]:
    """{packed key: columns as of `decode_get_slice`}, in the order of the reply."""
    found = Collected(flags != 0)
    rows = _result(reply, 'multiget_slice', seqid, MAP, lambda cursor: _read_rows(cursor, found))
    return dict(Converted(layout, found, dict_class, flags, rows=True).rows(rows))


def decode_key_slices(reply: Buffer, method: str, seqid: int, layout: Layout, dict_class: Any,
                      flags: int) -> List[Tuple[bytes, Any]]:
    """[(packed key, columns as of `decode_get_slice`)]: get_range_slices, get_indexed_slices, get_paged_slice."""
    found = Collected(flags != 0)
    rows = _result(reply, method, seqid, LIST, lambda cursor: _read_key_slices(cursor, found))
    return Converted(layout, found, dict_class, flags, rows=True).rows(rows)


def decode_get_count(reply: Buffer, seqid: int) -> int:
    """The reply to get_count."""
    return _result(reply, 'get_count', seqid, I32, Cursor.i32)


def decode_multiget_count(reply: Buffer, seqid: int) -> Dict[bytes, int]:
    """The reply to multiget_count: {packed key: count}."""
    return _result(reply, 'multiget_count', seqid, MAP, _read_counts)
