"""Messages as thrift's own pure protocol writes them, the oracle of the codec's tests, and other forms of them."""
import struct
from typing import Any, List, Tuple

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    CounterSuperColumn,
    SuperColumn,
)


class Oracle:
    """Messages as thrift's own TBinaryProtocol writes them for the bindings' structs, without its C extension."""

    TEXT = 'UTF8Type'

    @staticmethod
    def struct_bytes(value: Any) -> bytes:
        protocol = TBinaryProtocol(TMemoryBuffer())
        value.write(protocol)
        return protocol.trans.getvalue()

    @staticmethod
    def _message(name: str, kind: int, seqid: int, body: Any) -> bytes:
        protocol = TBinaryProtocol(TMemoryBuffer())
        protocol.writeMessageBegin(name, kind, seqid)
        body.write(protocol)
        protocol.writeMessageEnd()
        return protocol.trans.getvalue()

    def call(self, method: str, seqid: int, **arguments: Any) -> bytes:
        """The frame of a call, its length included."""
        message = self._message(method, TMessageType.CALL, seqid, getattr(Cassandra, method + '_args')(**arguments))
        return struct.pack('>i', len(message)) + message

    def reply(self, method: str, seqid: int, **result: Any) -> bytes:
        """The message of a reply: success=..., or ire=... and so on."""
        return self._message(method, TMessageType.REPLY, seqid, getattr(Cassandra, method + '_result')(**result))

    def application_error(self, method: str, seqid: int, kind: int, message: Any) -> bytes:
        return self._message(method, TMessageType.EXCEPTION, seqid, TApplicationException(kind, message))

    @staticmethod
    def column(name: bytes, value: Any, timestamp: Any = None, ttl: Any = None) -> ColumnOrSuperColumn:
        return ColumnOrSuperColumn(column=Column(name=name, value=value, timestamp=timestamp, ttl=ttl))

    @staticmethod
    def super_column(name: bytes, columns: List[Tuple[Any, ...]]) -> ColumnOrSuperColumn:
        return ColumnOrSuperColumn(super_column=SuperColumn(
            name=name, columns=[Column(*column) for column in columns]))

    @staticmethod
    def counter(name: bytes, value: int) -> ColumnOrSuperColumn:
        return ColumnOrSuperColumn(counter_column=CounterColumn(name=name, value=value))

    @staticmethod
    def counter_super(name: bytes, counters: List[Tuple[bytes, int]]) -> ColumnOrSuperColumn:
        return ColumnOrSuperColumn(counter_super_column=CounterSuperColumn(
            name=name, columns=[CounterColumn(*counter) for counter in counters]))


# --- rewriting messages ------------------------------------------------------------------------------------------

_FIXED = {2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8}

# Fields that no struct of the interface has: one value of every type of Thrift, nested ones too.
_UNKNOWN = [
    (2, b'\1'), (3, b'\x7f'), (4, b'\0' * 8), (6, b'\1\2'), (8, b'\0\0\0\5'), (10, b'\xff' * 8), (11, b'\0\0\0\3abc'),
    (12, b'\x0b\0\1\0\0\0\1x\0'), (13, b'\x0b\x08\0\0\0\1\0\0\0\1k\0\0\0\7'), (14, b'\x08\0\0\0\2\0\0\0\1\0\0\0\2'),
    (15, b'\x0c\0\0\0\2\0\x02\0\1\1\0'), (15, b'\x0b\0\0\0\0'), (13, b'\0\0\0\0\0\0'),
]


class Rewriter:
    """Writes a message anew: the fields of every struct in another order, unknown fields among them."""

    def __init__(self, random: Any) -> None:
        self._random = random

    def message(self, message: bytes) -> bytes:
        start = 12 + int.from_bytes(message[4:8], 'big')
        body, end = self._value(12, message, start)
        assert end == len(message)
        return message[:start] + body

    def _value(self, ttype: int, data: bytes, pos: int) -> Tuple[bytes, int]:
        if ttype in _FIXED:
            return data[pos:pos + _FIXED[ttype]], pos + _FIXED[ttype]
        if ttype == 11:
            end = pos + 4 + int.from_bytes(data[pos:pos + 4], 'big')
            return data[pos:end], end
        if ttype == 12:
            return self._struct(data, pos)
        head = 6 if ttype == 13 else 5
        types = data[pos:pos + head - 4] * int.from_bytes(data[pos + head - 4:pos + head], 'big')
        parts, pos = [data[pos:pos + head]], pos + head
        for each in types:
            part, pos = self._value(each, data, pos)
            parts.append(part)
        return b''.join(parts), pos

    def _struct(self, data: bytes, pos: int) -> Tuple[bytes, int]:
        fields = []
        while data[pos]:
            value, end = self._value(data[pos], data, pos + 3)
            fields.append(data[pos:pos + 3] + value)
            pos = end
        for _ in range(self._random.choice((0, 0, 1, 2))):
            ttype, value = self._random.choice(_UNKNOWN)
            field = self._random.choice((77, 12345, -3)).to_bytes(2, 'big', signed=True)
            fields.append(bytes((ttype,)) + field + value)
        self._random.shuffle(fields)
        return b''.join(fields) + b'\0', pos + 1
