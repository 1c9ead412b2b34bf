"""The peer: what a client does with the generated bindings and thrift's C extension, objects included.

Rows are {key: {name: value}}; keys and names are text. The messages that both sides decode are made here too.
"""
from struct import Struct
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional

from thrift.protocol import fastbinary
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    KeySlice,
    Mutation,
    SuperColumn,
)

__all__ = ['DOUBLE', 'LONG', 'TEXT', 'Conversion', 'counter_members', 'decode_counters', 'decode_multiget_slice',
           'decode_range_slices', 'decode_slice', 'decode_slice_with_details', 'decode_slice_with_timestamps',
           'decode_supers', 'decode_validated_slice', 'encode_rows', 'encode_super_rows', 'encode_validated_rows',
           'members', 'result_message', 'row_slices', 'super_members']

Columns = Mapping[str, Any]
Rows = Mapping[str, Columns]
Members = List[ColumnOrSuperColumn]

_double, _long = Struct('>d'), Struct('>q')


class Conversion(NamedTuple):
    """A value type as a client of the bindings converts it."""

    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


TEXT = Conversion(str.encode, bytes.decode)
DOUBLE = Conversion(_double.pack, lambda data: _double.unpack(data)[0])
LONG = Conversion(_long.pack, lambda data: _long.unpack(data)[0])


def _protocol(data: bytes = b'') -> Any:
    """A protocol over memory that is sure to use the C extension: without it, the comparison would be none."""
    protocol = TBinaryProtocolAccelerated(TMemoryBuffer(data), fallback=False)
    if protocol._fast_encode is not fastbinary.encode_binary or protocol._fast_decode is not fastbinary.decode_binary:
        raise AssertionError("thrift's C extension is not in use")
    return protocol


# --- requests ----------------------------------------------------------------------------------------------------

def _batch(seqid: int, mutations: Dict[bytes, Dict[str, List[Mutation]]]) -> bytes:
    protocol = _protocol()
    protocol.writeMessageBegin('batch_mutate', TMessageType.CALL, seqid)
    Cassandra.batch_mutate_args(mutations, 1).write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue()


def encode_rows(seqid: int, rows: Rows, family: str, timestamp: int, value: Conversion,
                ttl: Optional[int] = None) -> bytes:
    """The message of a batch_mutate of {key: {name: value}}."""
    pack = value.pack
    return _batch(seqid, {key.encode(): {family: [Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=Column(
        name=name.encode(), value=pack(value), timestamp=timestamp, ttl=ttl))) for name, value in columns.items()]}
        for key, columns in rows.items()})


def encode_validated_rows(seqid: int, rows: Rows, family: str, timestamp: int, default: Conversion,
                          validators: Mapping[str, Conversion]) -> bytes:
    """As `encode_rows`, for a family whose columns have types of their own."""
    find = validators.get
    return _batch(seqid, {key.encode(): {family: [Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=Column(
        name=name.encode(), value=find(name, default).pack(value), timestamp=timestamp)))
        for name, value in columns.items()]} for key, columns in rows.items()})


def encode_super_rows(seqid: int, rows: Mapping[str, Rows], family: str, timestamp: int, value: Conversion) -> bytes:
    """The message of a batch_mutate of {key: {super name: {name: value}}}."""
    pack = value.pack
    return _batch(seqid, {key.encode(): {family: [
        Mutation(column_or_supercolumn=ColumnOrSuperColumn(super_column=SuperColumn(name=super_name.encode(), columns=[
            Column(name=name.encode(), value=pack(value), timestamp=timestamp) for name, value in columns.items()])))
        for super_name, columns in supers.items()]} for key, supers in rows.items()})


# --- replies -----------------------------------------------------------------------------------------------------

def _result(message: bytes, result: Any) -> Any:
    protocol = _protocol(message)
    protocol.readMessageBegin()
    result.read(protocol)
    protocol.readMessageEnd()
    return result.success


def _slice(message: bytes) -> Any:
    return _result(message, Cassandra.get_slice_result())


def _columns(members: Iterable[ColumnOrSuperColumn], value: Conversion) -> Dict[str, Any]:
    unpack = value.unpack
    return {member.column.name.decode(): unpack(member.column.value) for member in members}


def decode_slice(message: bytes, value: Conversion) -> Dict[str, Any]:
    """{name: value} of a get_slice reply."""
    return _columns(_slice(message), value)


def decode_slice_with_timestamps(message: bytes, value: Conversion) -> Dict[str, Any]:
    """{name: (value, timestamp)} of a get_slice reply."""
    unpack = value.unpack
    return {column.name.decode(): (unpack(column.value), column.timestamp)
            for column in [member.column for member in _slice(message)]}


def decode_slice_with_details(message: bytes, value: Conversion) -> Dict[str, Any]:
    """{name: (value, timestamp, ttl)} of a get_slice reply."""
    unpack = value.unpack
    return {column.name.decode(): (unpack(column.value), column.timestamp, column.ttl)
            for column in [member.column for member in _slice(message)]}


def decode_validated_slice(message: bytes, default: Conversion, validators: Mapping[str, Conversion]) -> Dict[str, Any]:
    """As `decode_slice`, for a family whose columns have types of their own."""
    find, columns = validators.get, {}
    for member in _slice(message):
        name = member.column.name.decode()
        columns[name] = find(name, default).unpack(member.column.value)
    return columns


def decode_supers(message: bytes, value: Conversion) -> Dict[str, Dict[str, Any]]:
    """{super name: {name: value}} of a get_slice reply."""
    unpack = value.unpack
    return {each.super_column.name.decode(): {column.name.decode(): unpack(column.value)
                                              for column in each.super_column.columns} for each in _slice(message)}


def decode_counters(message: bytes) -> Dict[str, int]:
    """{name: count} of a get_slice reply."""
    return {member.counter_column.name.decode(): member.counter_column.value for member in _slice(message)}


def decode_multiget_slice(message: bytes, value: Conversion) -> Dict[bytes, Dict[str, Any]]:
    """{key: {name: value}} of a multiget_slice reply."""
    rows = _result(message, Cassandra.multiget_slice_result())
    return {key: _columns(members, value) for key, members in rows.items()}


def decode_range_slices(message: bytes, value: Conversion) -> Any:
    """[(key, {name: value})] of a get_range_slices reply."""
    rows = _result(message, Cassandra.get_range_slices_result())
    return [(row.key, _columns(row.columns, value)) for row in rows]


# --- what servers write ------------------------------------------------------------------------------------------

def members(columns: Columns, timestamp: int, pack: Callable[[Any], bytes], ttl: Optional[int] = None) -> Members:
    """Columns as a reply holds them."""
    return [ColumnOrSuperColumn(column=Column(name=name.encode(), value=pack(value), timestamp=timestamp, ttl=ttl))
            for name, value in columns.items()]


def counter_members(columns: Columns) -> Members:
    """Counters as a reply holds them."""
    return [ColumnOrSuperColumn(counter_column=CounterColumn(name=name.encode(), value=value))
            for name, value in columns.items()]


def super_members(supers: Rows, timestamp: int, pack: Callable[[Any], bytes]) -> Members:
    """Super columns as a reply holds them."""
    return [ColumnOrSuperColumn(super_column=SuperColumn(name=name.encode(), columns=[
        member.column for member in members(columns, timestamp, pack)])) for name, columns in supers.items()]


def row_slices(rows: Mapping[bytes, Members]) -> List[KeySlice]:
    """Rows as the reply to get_range_slices holds them."""
    return [KeySlice(key=key, columns=columns) for key, columns in rows.items()]


def result_message(method: str, seqid: int, success: Any) -> bytes:
    """The reply that holds `success`, as a server writes it."""
    protocol = _protocol()
    protocol.writeMessageBegin(method, TMessageType.REPLY, seqid)
    getattr(Cassandra, method + '_result')(success=success).write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue()
