"""Schema definitions exactly as a server reported them, so that sending one back resets nothing.

The generated readers put the IDL's defaults into fields that the server left out, and drop fields that the IDL does
not know; a definition read that way and sent back would set and reset options that nobody named. Here an absent field
is None, and what is unknown is kept as bytes and written again.
"""
import functools
from typing import Any, Callable, Dict, Tuple

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa import codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import KsDef
from pycassa.errors import ApplicationError, ProtocolError
from pycassa.operations import Call, Executor, next_seqid

__all__ = ['call_schema', 'describe_keyspace']


def describe_keyspace(executor: Executor, keyspace: str) -> KsDef:
    """The definition of `keyspace` and its families, absent fields None, unknown fields kept for the way back.

    Raises NotFoundException for a keyspace that does not exist.
    """
    return call_schema(executor, 'describe_keyspace', keyspace, retry=True)


def call_schema(executor: Executor, method: str, argument: Any, retry: bool = False) -> Any:
    """Make a Thrift call of one argument (describe_keyspace, system_*), and return what it answers.

    Written by the bindings' own writers, so that unknown fields that a definition carries go out again.
    """
    seqid = next_seqid()
    output = TBinaryProtocol(TMemoryBuffer())
    output.writeMessageBegin(method, TMessageType.CALL, seqid)
    arguments = getattr(Cassandra, method + '_args')
    arguments(argument).write(output)
    output.writeMessageEnd()
    message = output.trans.getvalue()
    frame = len(message).to_bytes(4, 'big') + message
    return executor.execute_call(Call(method, seqid, frame, lambda reply: _decode(reply, method, seqid), retry))


def _decode(reply: Any, method: str, seqid: int) -> Any:
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
