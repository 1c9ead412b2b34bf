"""The peer: what a client does with the generated bindings and thrift's C extension, objects included."""
from struct import Struct
from typing import Any, Callable, Dict, List, NamedTuple

from thrift.protocol import fastbinary
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import Column, ColumnOrSuperColumn, Mutation

__all__ = ['DOUBLE', 'TEXT', 'Conversion', 'decode_multiget_slice', 'decode_slice', 'encode_rows', 'result_message']

Rows = Dict[str, Dict[str, Any]]

_double = Struct('>d')


class Conversion(NamedTuple):
    """A value type as a client of the bindings converts it."""

    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


TEXT = Conversion(str.encode, bytes.decode)
DOUBLE = Conversion(_double.pack, lambda data: _double.unpack(data)[0])


def _protocol(data: bytes = b'') -> Any:
    """A protocol over memory that is sure to use the C extension: without it, the comparison would be none."""
    protocol = TBinaryProtocolAccelerated(TMemoryBuffer(data), fallback=False)
    if protocol._fast_encode is not fastbinary.encode_binary or protocol._fast_decode is not fastbinary.decode_binary:
        raise AssertionError("thrift's C extension is not in use")
    return protocol


def encode_rows(seqid: int, rows: Rows, family: str, timestamp: int, value: Conversion) -> bytes:
    """The message of a batch_mutate of {key: {name: value}}."""
    pack = value.pack
    mutations = {key.encode(): {family: [Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=Column(
        name=name.encode(), value=pack(value), timestamp=timestamp))) for name, value in columns.items()]}
        for key, columns in rows.items()}
    protocol = _protocol()
    protocol.writeMessageBegin('batch_mutate', TMessageType.CALL, seqid)
    Cassandra.batch_mutate_args(mutations, 1).write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue()


def _columns(members: List[ColumnOrSuperColumn], value: Conversion) -> Dict[str, Any]:
    unpack = value.unpack
    return {member.column.name.decode(): unpack(member.column.value) for member in members}


def _result(message: bytes, result: Any) -> Any:
    protocol = _protocol(message)
    protocol.readMessageBegin()
    result.read(protocol)
    protocol.readMessageEnd()
    return result.success


def decode_slice(message: bytes, value: Conversion) -> Dict[str, Any]:
    """{name: value} of a get_slice reply."""
    return _columns(_result(message, Cassandra.get_slice_result()), value)


def decode_multiget_slice(message: bytes, value: Conversion) -> Dict[bytes, Dict[str, Any]]:
    """{key: {name: value}} of a multiget_slice reply."""
    rows = _result(message, Cassandra.multiget_slice_result())
    return {key: _columns(members, value) for key, members in rows.items()}


def result_message(method: str, seqid: int, columns: Any, timestamp: int, value: Conversion) -> bytes:
    """A reply as a server writes it. `columns` is {name: value}, or {key: {name: value}} for multiget_slice."""
    def members(row: Dict[str, Any]) -> List[ColumnOrSuperColumn]:
        return [ColumnOrSuperColumn(column=Column(name=name.encode(), value=value.pack(each), timestamp=timestamp))
                for name, each in row.items()]
    success: Any = ({key.encode(): members(row) for key, row in columns.items()} if method == 'multiget_slice'
                    else members(columns))
    protocol = _protocol()
    protocol.writeMessageBegin(method, TMessageType.REPLY, seqid)
    getattr(Cassandra, method + '_result')(success=success).write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue()
