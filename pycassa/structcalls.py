"""Thrift calls that are made seldom, by the bindings' objects: these write themselves, and replies are read into them.

Unlike the generated readers, this one checks a reply to its last byte, gives None for every field that the server left
out (not the IDL's default), and keeps fields that the IDL does not know: an object that is sent back resets nothing.
"""
import functools
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa import codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import Column, ColumnParent, ColumnSlice, MultiSliceRequest
from pycassa.errors import ApplicationError, ProtocolError

__all__ = ['Condition', 'MultiSlice', 'cas_call', 'multi_slice_call', 'struct_call']

Decode = Callable[[Any, int], Any]


def struct_call(method: str, *arguments: Any, retry: bool = False, decode: Optional[Decode] = None) -> codec.Call:
    """The call of `method` with the bindings' objects as arguments; `decode(reply, seqid)` reads another result."""
    seqid = codec.next_seqid()
    output = TBinaryProtocol(TMemoryBuffer())
    output.writeMessageBegin(method, TMessageType.CALL, seqid)
    getattr(Cassandra, method + '_args')(*arguments).write(output)
    output.writeMessageEnd()
    message = output.trans.getvalue()
    frame = len(message).to_bytes(4, 'big') + message
    read = functools.partial(_decode, method) if decode is None else decode
    return codec.Call(method, seqid, frame, read, retry, seqid)


# --- cas and get_multi_slice -----------------------------------------------------------------------------------------

class Condition(NamedTuple):
    """A write that is made if a row is as expected: [(packed name, packed value)] each, and the levels.

    Without `expected` columns the row must not exist. Servers put timestamps of their own in the place of `timestamp`.
    """

    expected: Sequence[Tuple[bytes, bytes]]
    updates: Sequence[Tuple[bytes, bytes]]
    timestamp: int
    ttl: Optional[int]
    serial_consistency: int
    commit_consistency: int


class MultiSlice(NamedTuple):
    """Several slices of one row, [(start, finish)] with both ends included and b'' for an open one, and a limit."""

    slices: Sequence[Tuple[bytes, bytes]]
    count: int  # type: ignore[assignment]


def cas_call(family: bytes, key: bytes, condition: Condition) -> codec.Call:
    """The call of cas: it returns whether it wrote, and [(packed name, packed value)] of what there was instead."""
    expected = [Column(name=name, value=value) for name, value in condition.expected]
    updates = [Column(name=name, value=value, timestamp=condition.timestamp, ttl=condition.ttl)
               for name, value in condition.updates]
    return struct_call('cas', key, family.decode(), expected, updates, condition.serial_consistency,
                       condition.commit_consistency, decode=_decode_cas)


def _decode_cas(reply: Any, seqid: int) -> Tuple[bool, List[Tuple[bytes, bytes]]]:
    result = _decode('cas', reply, seqid)
    return result.success, [(column.name, column.value) for column in result.current_values or ()]


def multi_slice_call(layout: Any, key: bytes, wanted: MultiSlice, consistency: int, dict_class: Any,
                     flags: int) -> codec.Call:
    """The call of get_multi_slice: it returns what get_slice returns."""
    slices = [ColumnSlice(start=start or None, finish=finish or None) for start, finish in wanted.slices]
    request = MultiSliceRequest(key=key, column_parent=ColumnParent(column_family=layout.family.decode()),
                                column_slices=slices, count=wanted.count, consistency_level=consistency)

    def decode(reply: Any, seqid: int) -> Any:
        return codec.decode_get_slice(_as_get_slice(reply), seqid, layout, dict_class, flags)
    return struct_call('get_multi_slice', request, retry=True, decode=decode)


def _as_get_slice(reply: Any) -> bytes:
    """A reply to get_multi_slice as one to get_slice, which has the same fields."""
    name, kind, seqid, offset = codec.message_header(reply)
    if name != 'get_multi_slice':
        raise ProtocolError(f'the reply is to {name!r:.80}, and the call was get_multi_slice')
    head = TBinaryProtocol(TMemoryBuffer())
    head.writeMessageBegin('get_slice', kind, seqid)
    opening: bytes = head.trans.getvalue()
    return opening + bytes(memoryview(reply)[offset:])


# --- replies ---------------------------------------------------------------------------------------------------------

def _decode(method: str, reply: Any, seqid: int) -> Any:
    name, kind, got, offset = codec.message_header(reply)
    if kind not in (TMessageType.REPLY, TMessageType.EXCEPTION) or (name, got) != (method, seqid):
        raise ProtocolError(f'the reply is of type {kind}, to the call {name!r:.80} with the sequence id {got}, and '
                            f'the call was {(method, seqid)}')
    cursor = codec.Cursor(reply, offset)
    if kind == TMessageType.EXCEPTION:
        message, number = _read_application_error(cursor)
        raise ApplicationError(number, message)
    result = _read_struct(cursor, getattr(Cassandra, method + '_result'))
    cursor.finish()
    if result.success is not None:
        return result.success
    for error in vars(result).values():
        if isinstance(error, Exception):
            raise error
    raise ApplicationError(TApplicationException.MISSING_RESULT, f'{method} failed: unknown result')


def _read_application_error(cursor: codec.Cursor) -> Tuple[str, int]:
    message, number = '', TApplicationException.UNKNOWN
    for ttype, field in cursor.fields():
        if (ttype, field) == (TType.STRING, 1):
            message = cursor.text()
        elif (ttype, field) == (TType.I32, 2):
            number = cursor.i32()
        else:
            cursor.skip(ttype)
    cursor.finish()
    return message, number


def _read_struct(cursor: codec.Cursor, struct: Any) -> Any:
    """An instance of the bindings' class `struct`: None for every field that is not there, unknown ones kept."""
    specs = {spec[0]: spec for spec in struct.thrift_spec if spec is not None}
    result = struct()
    for spec in specs.values():
        setattr(result, spec[2], None)
    unknown = []
    start = cursor.pos
    for ttype, field in cursor.fields():
        spec = specs.get(field)
        if spec is not None and spec[1] == ttype:
            setattr(result, spec[2], _read_value(cursor, ttype, spec[3]))
        else:
            cursor.skip(ttype)
            unknown.append(cursor.data[start:cursor.pos])
        start = cursor.pos
    if unknown:
        result.write = functools.partial(_write_with, b''.join(unknown), result)
    return result


def _write_with(unknown: bytes, struct: Any, output: TBinaryProtocol) -> None:
    """Write `struct` with the fields that the bindings do not know before its end."""
    known = TMemoryBuffer()
    type(struct).write(struct, TBinaryProtocol(known))
    output.trans.write(known.getvalue()[:-1] + unknown + b'\x00')


_READERS: Dict[int, Callable[[codec.Cursor], Any]] = {
    TType.BOOL: lambda cursor: cursor.u8() != 0,
    TType.I32: codec.Cursor.i32,
    TType.I64: codec.Cursor.i64,
    TType.DOUBLE: codec.Cursor.double,
}


def _read_value(cursor: codec.Cursor, ttype: int, detail: Any) -> Any:
    """A value of `ttype`; `detail` is what the bindings' thrift_spec says of strings, containers and structs."""
    if ttype in _READERS:
        return _READERS[ttype](cursor)
    if ttype == TType.STRING:
        return cursor.text() if detail == 'UTF8' else cursor.binary()
    if ttype == TType.STRUCT:
        return _read_struct(cursor, detail[0])
    if ttype == TType.LIST:
        element, element_detail = detail[:2]
        return [_read_value(cursor, element, element_detail) for _ in range(cursor.list_header(element))]
    key, key_detail, value, value_detail = detail[:4]
    return {_read_value(cursor, key, key_detail): _read_value(cursor, value, value_detail)
            for _ in range(cursor.map_header(key, value))}
