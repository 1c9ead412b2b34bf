"""The operations that the facade thinks in, and their Thrift form.

ColumnFamily, the batch mutator and the mapper call `Operations`; whatever speaks a wire protocol implements it.
Keys, names and bounds arrive packed; a `Layout` says how the columns of a family are converted. Nothing here is done
per column.
"""
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple, Union

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa import codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import Mutation
from pycassa.errors import MutationTooLarge, RequestTooLarge
from pycassa.structcalls import Condition, MultiSlice, cas_call, multi_slice_call

__all__ = ['Call', 'Executor', 'KeyRange', 'Mutations', 'Names', 'Operations', 'Predicate', 'Slice',
           'ThriftOperations', 'call_by_objects']

MAX_REQUEST_BYTES = 15 * 1024 * 1024


class Names(NamedTuple):
    """Columns (or super columns) by name, packed."""

    names: Sequence[bytes]


class Slice(NamedTuple):
    """Columns from `start` to `finish`, both included, in comparator order; empty bounds are open."""

    start: bytes = b''
    finish: bytes = b''
    reversed: bool = False
    count: int = 100  # type: ignore[assignment]


Predicate = Union[Names, Slice]
Expression = Tuple[bytes, int, bytes]


class KeyRange(NamedTuple):
    """Rows by keys (both ends included) or tokens (start excluded, end included), at most `count` of them."""

    start_key: Optional[bytes] = None
    end_key: Optional[bytes] = None
    start_token: Optional[str] = None
    end_token: Optional[str] = None
    count: int = 100  # type: ignore[assignment]
    row_filter: Optional[Sequence[Expression]] = None


class Mutations:
    """Encoded mutations of one row of one family, in the order given. `source` is what the user asked for."""

    __slots__ = ('family', 'key', 'count', 'data', 'counter', 'source')

    def __init__(self, family: bytes, key: bytes, count: int, data: bytes, counter: bool = False,
                 source: Any = None) -> None:
        self.family = family
        self.key = key
        self.count = count
        self.data = data
        self.counter = counter
        self.source = source


class Operations(Protocol):
    """What the facade needs of a wire protocol. Super columns, keys and names are packed; `flags` are codec's."""

    def get(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
            consistency: int, dict_class: type, flags: int) -> Tuple[Any, Any]:
        """(name, value) of one column, or of a super column without `column`. Raises NotFoundException."""
        ...

    def get_slice(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                  consistency: int, dict_class: type, flags: int) -> Any:
        """The columns of one row, a `dict_class` of {name: value}; empty for a row that is not there."""
        ...

    def get_slice_items(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                        consistency: int, dict_class: type, flags: int) -> List[Tuple[bytes, Any, Any]]:
        """The columns of one row as [(packed name, name, value)], for reading page by page."""
        ...

    def multiget_slice(self, layout: Any, keys: Sequence[bytes], super_column: Optional[bytes],
                       predicate: Predicate, consistency: int, dict_class: type, flags: int) -> Dict[bytes, Any]:
        """{packed key: columns} of several rows, in no order; rows without columns may be missing or empty."""
        ...

    def get_count(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                  consistency: int) -> int:
        """The number of columns of one row that the predicate covers."""
        ...

    def multiget_count(self, layout: Any, keys: Sequence[bytes], super_column: Optional[bytes],
                       predicate: Predicate, consistency: int) -> Dict[bytes, int]:
        """{packed key: number of columns} of several rows."""
        ...

    def get_range_slices(self, layout: Any, super_column: Optional[bytes], predicate: Predicate,
                         key_range: KeyRange, consistency: int, dict_class: type,
                         flags: int) -> List[Tuple[bytes, Any]]:
        """[(packed key, columns)] of a range of rows in the order of their tokens, removed rows with no columns."""
        ...

    def get_indexed_slices(self, layout: Any, expressions: Sequence[Expression], start_key: bytes, count: int,
                           predicate: Predicate, consistency: int, dict_class: type,
                           flags: int) -> List[Tuple[bytes, Any]]:
        """[(packed key, columns)] of the rows that fulfil all expressions, in the order of their tokens."""
        ...

    def insert_rows(self, layout: Any, rows: Any, timestamp: int, ttl: Optional[int], consistency: int,
                    retry: bool = True) -> None:
        """Write {key: columns}, neither packed, in as many requests as the limit of a frame asks for."""
        ...

    def mutate(self, pending: List[Mutations], consistency: int, atomic: bool = False, retry: bool = True) -> None:
        """Send mutations in order, and take off the list what was applied."""
        ...

    def add(self, layout: Any, key: bytes, super_column: Optional[bytes], column: bytes, delta: int,
            consistency: int, retry: bool = False) -> None:
        """Add `delta` to a counter."""
        ...

    def remove(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
               timestamp: int, consistency: int) -> None:
        """Remove a column, a super column, or a row."""
        ...

    def remove_counter(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
                       consistency: int, retry: bool = False) -> None:
        """Remove a counter, a super column of counters, or a row of counters."""
        ...

    def truncate(self, family: str) -> None:
        """Remove all rows of a family."""
        ...

    def get_multi_slice(self, layout: Any, key: bytes, wanted: MultiSlice, consistency: int, dict_class: type,
                        flags: int) -> Any:
        """The columns of one row that are in any of several slices, as of `get_slice`."""
        ...

    def cas(self, layout: Any, key: bytes, condition: Condition) -> Tuple[bool, List[Tuple[bytes, bytes]]]:
        """Write under a condition: whether it held, and [(packed name, packed value)] of what there was instead."""
        ...


# One Thrift call: its method, its complete frame, how to read the reply, and whether it may be sent again.
Call = codec.Call
next_seqid = codec.next_seqid

# A name of this module is found faster than one of a module that has a __getattr__.
slice_call = codec.slice_call


class Executor(Protocol):
    """A pool, a connection or a client: sends a call and returns what `call.decode` makes of the reply message."""

    def execute_call(self, call: Call) -> Any:
        """What `call.decode` makes of the reply."""
        ...


def call_by_objects(call: Call, function: Callable[..., Any]) -> Any:
    """Make `call` through `function`, a Thrift method that takes and returns the bindings' objects.

    For methods that a user wrapped or replaced on a connection or pool, and for clients that are not ours.
    """
    request = TBinaryProtocol(TMemoryBuffer(call.frame[4:]), string_length_limit=None)
    request.readMessageBegin()
    arguments = getattr(Cassandra, call.method + '_args')()
    arguments.read(request)
    names = [spec[2] for spec in arguments.thrift_spec if spec is not None]
    success = function(*[getattr(arguments, name) for name in names])
    reply = TBinaryProtocol(TMemoryBuffer())
    reply.writeMessageBegin(call.method, TMessageType.REPLY, call.seqid)
    result = getattr(Cassandra, call.method + '_result')()
    if success is not None:
        result.success = success
    result.write(reply)
    reply.writeMessageEnd()
    return call.decode(reply.trans.getvalue())


FIRST = Slice()
_FIRST = codec.encode_slice_predicate(*FIRST)


# The codec's bound is that of an atomic batch, whose name is longer, and which is never divided.
_BATCH_OVERHEAD = codec.BATCH_OVERHEAD - len('atomic_')


def _encode_predicate(predicate: Predicate) -> bytes:
    if isinstance(predicate, Names):
        return codec.encode_names_predicate(predicate.names)
    return codec.encode_slice_predicate(*predicate)


class ThriftOperations(codec.Sender):
    """`Operations` over Thrift: every call is one frame through an executor (a pool, a connection, a client)."""

    def __init__(self, executor: Executor, max_request_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._executor = executor
        self.max_request_bytes = max_request_bytes

    def _refuse(self, call: Call) -> None:
        raise RequestTooLarge(
            f'a {call.method} call of {call.size} bytes is above max_request_bytes={self.max_request_bytes}, the frame '
            'size that the server accepts (thrift_framed_transport_size_in_mb); nothing was sent')

    def run(self, call: Call) -> Any:
        """The result of a call that was encoded elsewhere. Raises RequestTooLarge, and what the call raises."""
        return self._run(call)

    # --- reads -----------------------------------------------------------------------------------------------

    def get(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
            consistency: int, dict_class: type, flags: int) -> Tuple[Any, Any]:
        seqid = codec.next_seqid()
        frame = codec.encode_get(seqid, key, layout.family, super_column, column, consistency)
        return self._run(Call('get', seqid, frame, codec.decode_get, True, seqid, layout, dict_class, flags))

    def get_slice(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                  consistency: int, dict_class: type, flags: int) -> Any:
        call = slice_call(layout, key, super_column, _FIRST if predicate is FIRST else _encode_predicate(predicate),
                          consistency, dict_class, flags)
        return self._run(call)

    def get_slice_items(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                        consistency: int, dict_class: type, flags: int) -> List[Tuple[bytes, Any, Any]]:
        seqid = codec.next_seqid()
        frame = codec.encode_get_slice(seqid, key, layout.family, super_column, _encode_predicate(predicate),
                                       consistency)
        return self._run(Call('get_slice', seqid, frame, codec.decode_get_slice_items, True, seqid, layout,
                              dict_class, flags))

    def multiget_slice(self, layout: Any, keys: Sequence[bytes], super_column: Optional[bytes],
                       predicate: Predicate, consistency: int, dict_class: type, flags: int) -> Dict[bytes, Any]:
        seqid = codec.next_seqid()
        frame = codec.encode_multiget_slice(seqid, keys, layout.family, super_column, _encode_predicate(predicate),
                                            consistency)
        return self._run(Call('multiget_slice', seqid, frame, codec.decode_multiget_slice, True,
                              seqid, layout, dict_class, flags))

    def get_count(self, layout: Any, key: bytes, super_column: Optional[bytes], predicate: Predicate,
                  consistency: int) -> int:
        seqid = codec.next_seqid()
        frame = codec.encode_get_count(seqid, key, layout.family, super_column, _encode_predicate(predicate),
                                       consistency)
        return self._run(Call('get_count', seqid, frame, codec.decode_get_count, True, seqid))

    def multiget_count(self, layout: Any, keys: Sequence[bytes], super_column: Optional[bytes],
                       predicate: Predicate, consistency: int) -> Dict[bytes, int]:
        seqid = codec.next_seqid()
        frame = codec.encode_multiget_count(seqid, keys, layout.family, super_column, _encode_predicate(predicate),
                                            consistency)
        return self._run(Call('multiget_count', seqid, frame, codec.decode_multiget_count, True, seqid))

    def get_range_slices(self, layout: Any, super_column: Optional[bytes], predicate: Predicate,
                         key_range: KeyRange, consistency: int, dict_class: type,
                         flags: int) -> List[Tuple[bytes, Any]]:
        seqid = codec.next_seqid()
        frame = codec.encode_get_range_slices(seqid, layout.family, super_column, _encode_predicate(predicate),
                                              codec.encode_key_range(*key_range), consistency)
        return self._run(Call('get_range_slices', seqid, frame, codec.decode_key_slices, True,
                              'get_range_slices', seqid, layout, dict_class, flags))

    def get_indexed_slices(self, layout: Any, expressions: Sequence[Expression], start_key: bytes, count: int,
                           predicate: Predicate, consistency: int, dict_class: type,
                           flags: int) -> List[Tuple[bytes, Any]]:
        seqid = codec.next_seqid()
        frame = codec.encode_get_indexed_slices(seqid, layout.family, expressions, start_key, count,
                                                _encode_predicate(predicate), consistency)
        return self._run(Call('get_indexed_slices', seqid, frame, codec.decode_key_slices, True,
                              'get_indexed_slices', seqid, layout, dict_class, flags))

    # --- writes ----------------------------------------------------------------------------------------------

    def _insert_in_parts(self, layout: Any, rows: Any, timestamp: int, ttl: Optional[int], consistency: int,
                         retry: bool) -> None:
        pending = []
        for key, columns in rows.items():
            count, data = codec.encode_insertions(layout, key, columns, timestamp, ttl)
            pending.append(Mutations(layout.family, codec.pack_key(layout, key), count, data, layout.counter))
        self.mutate(pending, consistency, retry=retry)

    def mutate(self, pending: List[Mutations], consistency: int, atomic: bool = False, retry: bool = True) -> None:
        """Send `pending` in order, in as few requests as the size limit allows; an atomic batch is one request.

        Every request is laid out before the first byte is sent, so that what cannot be sent at all raises
        RequestTooLarge or MutationTooLarge while `pending` is whole. What a request carried is taken off `pending`
        when it is acknowledged: after an error the list holds what was not sent or has an unknown outcome.
        """
        if not pending:
            return
        for entries in [list(pending)] if atomic else self._requests(pending):
            self._send(entries, consistency, atomic, retry)
            del pending[:len(entries)]

    def _send(self, entries: List[Mutations], consistency: int, atomic: bool, retry: bool) -> None:
        seqid = codec.next_seqid()
        method = 'atomic_batch_mutate' if atomic else 'batch_mutate'
        frame = codec.encode_batch(seqid, [(entry.family, entry.key, entry.count, entry.data) for entry in entries],
                                   consistency, atomic)
        if atomic and len(frame) - 4 > self.max_request_bytes:
            raise RequestTooLarge(
                f'an atomic batch of {len(frame) - 4} bytes is above max_request_bytes={self.max_request_bytes}, and '
                'cannot be split without losing its atomicity; nothing was sent')
        self._run(Call(method, seqid, frame, codec.decode_void, retry, method, seqid))

    def _requests(self, pending: List[Mutations]) -> List[List[Mutations]]:
        """The requests that carry `pending`, whose entries are split in place where one request is too small."""
        limit = self.max_request_bytes
        if _BATCH_OVERHEAD + sum(map(_size, pending)) <= limit:
            return [list(pending)]
        whole = [part for entry in pending for part in _split(entry, limit)]
        requests: List[List[Mutations]] = []
        room = 0
        for entry in whole:
            size = _size(entry)
            if size > room:
                requests.append([])
                room = limit - _BATCH_OVERHEAD
            requests[-1].append(entry)
            room -= size
        pending[:] = whole
        return requests

    def add(self, layout: Any, key: bytes, super_column: Optional[bytes], column: bytes, delta: int,
            consistency: int, retry: bool = False) -> None:
        seqid = codec.next_seqid()
        frame = codec.encode_add(seqid, key, layout.family, super_column, column, delta, consistency)
        self._run(Call('add', seqid, frame, codec.decode_void, retry, 'add', seqid))

    def remove(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
               timestamp: int, consistency: int) -> None:
        seqid = codec.next_seqid()
        frame = codec.encode_remove(seqid, key, layout.family, super_column, column, timestamp, consistency)
        self._run(Call('remove', seqid, frame, codec.decode_void, True, 'remove', seqid))

    def remove_counter(self, layout: Any, key: bytes, super_column: Optional[bytes], column: Optional[bytes],
                       consistency: int, retry: bool = False) -> None:
        seqid = codec.next_seqid()
        frame = codec.encode_remove_counter(seqid, key, layout.family, super_column, column, consistency)
        self._run(Call('remove_counter', seqid, frame, codec.decode_void, retry, 'remove_counter', seqid))

    def truncate(self, family: str) -> None:
        seqid = codec.next_seqid()
        frame = codec.encode_truncate(seqid, family)
        self._run(Call('truncate', seqid, frame, codec.decode_void, False, 'truncate', seqid))

    # --- what only newer servers have ------------------------------------------------------------------------

    def get_multi_slice(self, layout: Any, key: bytes, wanted: MultiSlice, consistency: int, dict_class: type,
                        flags: int) -> Any:
        return self._run(multi_slice_call(layout, key, wanted, consistency, dict_class, flags))

    def cas(self, layout: Any, key: bytes, condition: Condition) -> Tuple[bool, List[Tuple[bytes, bytes]]]:
        return self._run(cas_call(layout.family, key, condition))


def _size(entry: Mutations) -> int:
    """The most that an entry adds to a request: its mutations, key, family name and the heads of map and list."""
    return len(entry.data) + len(entry.key) + len(entry.family) + codec.ENTRY_OVERHEAD


def _split(entry: Mutations, limit: int) -> List[Mutations]:
    """`entry` in parts that each fit into a request. Raises MutationTooLarge where one mutation does not."""
    room = limit - _BATCH_OVERHEAD - (_size(entry) - len(entry.data))
    if len(entry.data) <= room:
        return [entry]
    parts, start, end, count = [], 0, 0, 0
    for length in codec.mutation_lengths(entry.data, entry.count) or [0]:
        if length > room:
            raise _too_large(entry, end, length, room, limit)
        if end + length - start > room:
            parts.append(Mutations(entry.family, entry.key, count, entry.data[start:end], entry.counter, entry.source))
            start, count = end, 0
        end, count = end + length, count + 1
    parts.append(Mutations(entry.family, entry.key, count, entry.data[start:end], entry.counter, entry.source))
    return parts


def _too_large(entry: Mutations, start: int, length: int, room: int, limit: int) -> MutationTooLarge:
    """The error of the mutation of `length` bytes at `start` of an entry, naming its column."""
    column = _column_name(entry.data[start:start + length])
    what = '' if column is None else f', column {column!r:.80}'
    return MutationTooLarge(
        f'one mutation of {length} bytes in family {entry.family.decode()!r}, row {entry.key!r:.80}{what}, is above '
        f'what max_request_bytes={limit}, the frame size that the server accepts, leaves room for ({max(room, 0)} '
        'bytes); nothing was sent')


def _column_name(data: bytes) -> Optional[bytes]:
    """The packed name of the column or super column that a Mutation struct is about, if it is about one."""
    if not data:
        return None
    mutation = Mutation()
    mutation.read(TBinaryProtocol(TMemoryBuffer(data), string_length_limit=None))
    deletion, written = mutation.deletion, mutation.column_or_supercolumn
    if deletion is not None:
        names = deletion.predicate and deletion.predicate.column_names
        return names[0] if names and len(names) == 1 else deletion.super_column
    return None if written is None else next(
        member.name for member in (written.column, written.super_column, written.counter_column,
                                   written.counter_super_column) if member is not None)
