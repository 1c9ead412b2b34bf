"""What a client does with generated bindings: dicts into Column and Mutation objects and bytes, and back again.

Apache Thrift's bindings and thriftpy2's classes take the same arguments; a protocol adapter knows how each is written
and read.
"""
import functools
from typing import Any, Callable, Dict, List, Protocol

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from benchmarks import data
from benchmarks.works import ENCODE, MULTIGET, SLICE, Work

__all__ = ['Objects', 'ProtocolAdapter', 'PureProtocol']


class ProtocolAdapter(Protocol):
    """Messages of a library's structs, in memory."""

    def write(self, method: str, kind: int, struct: Any) -> bytes:
        """The bytes of a message."""

    def read(self, message: bytes, struct: Any) -> Any:
        """`struct`, filled from a message."""


class PureProtocol:
    """Apache Thrift's protocol in Python."""

    def protocol(self, message: bytes = b'') -> Any:
        return TBinaryProtocol(TMemoryBuffer(message))

    def write(self, method: str, kind: int, struct: Any) -> bytes:
        protocol = self.protocol()
        protocol.writeMessageBegin(method, kind, data.SEQID)
        struct.write(protocol)
        protocol.writeMessageEnd()
        return protocol.trans.getvalue()

    def read(self, message: bytes, struct: Any) -> Any:
        protocol = self.protocol(message)
        protocol.readMessageBegin()
        struct.read(protocol)
        protocol.readMessageEnd()
        return struct


class Objects:
    """A library of bindings: `types` has the structs, `service` the arguments and results of the calls."""

    def __init__(self, name: str, types: Any, service: Any, adapter: ProtocolAdapter) -> None:
        self.name = name
        self.types = types
        self.service = service
        self.adapter = adapter

    # --- requests ------------------------------------------------------------------------------------------------

    def encoder(self, work: Work) -> Callable[[], bytes]:
        """The message of a batch_mutate, objects made and written at each call."""
        make = self._super_mutations if work.supers else self._counter_mutations if work.counters else \
            self._validated_mutations if work.validated else self._mutations
        rows, write, arguments = work.rows(), self.adapter.write, self.service.batch_mutate_args

        def encode() -> bytes:
            mutations = {key.encode(): {data.FAMILY: make(work, columns)} for key, columns in rows.items()}
            return write(ENCODE, TMessageType.CALL, arguments(mutation_map=mutations, consistency_level=1))
        return encode

    def _mutations(self, work: Work, columns: Dict[Any, Any]) -> List[Any]:
        Mutation, Member, Column = self.types.Mutation, self.types.ColumnOrSuperColumn, self.types.Column
        pack_name, pack, ttl = work.names.pack, work.values.pack, work.ttl
        return [Mutation(column_or_supercolumn=Member(column=Column(
            name=pack_name(name), value=pack(value), timestamp=data.TIMESTAMP, ttl=ttl)))
            for name, value in columns.items()]

    def _validated_mutations(self, work: Work, columns: Dict[Any, Any]) -> List[Any]:
        Mutation, Member, Column = self.types.Mutation, self.types.ColumnOrSuperColumn, self.types.Column
        find, default = work.value_packers().get, work.values.pack
        return [Mutation(column_or_supercolumn=Member(column=Column(
            name=name.encode(), value=find(name, default)(value), timestamp=data.TIMESTAMP)))
            for name, value in columns.items()]

    def _counter_mutations(self, work: Work, columns: Dict[Any, Any]) -> List[Any]:
        Mutation, Member, Counter = self.types.Mutation, self.types.ColumnOrSuperColumn, self.types.CounterColumn
        return [Mutation(column_or_supercolumn=Member(counter_column=Counter(name=name.encode(), value=value)))
                for name, value in columns.items()]

    def _super_mutations(self, work: Work, supers: Dict[str, Any]) -> List[Any]:
        Mutation, Member, Column = self.types.Mutation, self.types.ColumnOrSuperColumn, self.types.Column
        Super, pack = self.types.SuperColumn, work.values.pack
        return [Mutation(column_or_supercolumn=Member(super_column=Super(name=super_name.encode(), columns=[
            Column(name=name.encode(), value=pack(value), timestamp=data.TIMESTAMP)
            for name, value in columns.items()]))) for super_name, columns in supers.items()]

    # --- replies -------------------------------------------------------------------------------------------------

    def decoder(self, work: Work, message: bytes) -> Callable[[], Any]:
        """What the work gives: objects read and taken apart at each call."""
        take, read = self._taker(work), self.adapter.read
        result = getattr(self.service, work.call + '_result')
        if work.call == SLICE:
            return lambda: take(read(message, result()).success)
        if work.call == MULTIGET:
            return lambda: {key: take(members) for key, members in read(message, result()).success.items()}
        return lambda: [(row.key, take(row.columns)) for row in read(message, result()).success]

    def _taker(self, work: Work) -> Callable[[Any], Dict[Any, Any]]:
        """From a list of ColumnOrSuperColumn to a dict."""
        unpack_name, unpack = work.names.unpack, work.values.unpack
        if work.supers:
            return lambda members: {member.super_column.name.decode(): {
                column.name.decode(): unpack(column.value) for column in member.super_column.columns}
                for member in members}
        if work.counters:
            return lambda members: {member.counter_column.name.decode(): member.counter_column.value
                                    for member in members}
        if work.validated:
            return functools.partial(_take_validated, work.value_unpackers(), unpack)
        if work.details == 't':
            return lambda members: {column.name.decode(): (unpack(column.value), column.timestamp)
                                    for column in [member.column for member in members]}
        if work.details:
            return lambda members: {column.name.decode(): (unpack(column.value), column.timestamp, column.ttl)
                                    for column in [member.column for member in members]}
        return lambda members: {unpack_name(member.column.name): unpack(member.column.value) for member in members}

    # --- what servers write --------------------------------------------------------------------------------------

    def reply(self, work: Work) -> bytes:
        """The reply that a work decodes, as a server writes it."""
        make = self._super_mutations if work.supers else self._counter_mutations if work.counters else \
            self._validated_mutations if work.validated else self._mutations
        rows = {key.encode(): [mutation.column_or_supercolumn for mutation in make(work, columns)]
                for key, columns in work.rows().items()}
        if work.call == SLICE:
            success: Any = next(iter(rows.values()))
        elif work.call == MULTIGET:
            success = rows
        else:
            success = [self.types.KeySlice(key=key, columns=members) for key, members in rows.items()]
        result = getattr(self.service, work.call + '_result')(success=success)
        return self.adapter.write(work.call, TMessageType.REPLY, result)


def _take_validated(special: Dict[str, Callable[[bytes], Any]], default: Callable[[bytes], Any],
                    members: Any) -> Dict[str, Any]:
    find, columns = special.get, {}
    for member in members:
        name = member.column.name.decode()
        columns[name] = find(name, default)(member.column.value)
    return columns
