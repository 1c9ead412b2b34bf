"""Batches: inserts and removals queued and sent together.

    >>> with cf.batch(queue_size=200) as batch:
    ...     batch.insert('key1', {'col1': 'value11'}, ttl=15).remove('key2', ['col2'])

    >>> batch = pycassa.batch.Mutator(pool)            # several column families
    >>> batch.insert(users, 'jsmith', {'state': 'UT'}).insert(states, 'UT', {'jsmith': ''}).send()

Names and values are packed, and timestamps taken, when a mutation is queued: a value that cannot be stored raises
there. Requests are kept below the server's frame size by their encoded bytes, whatever `queue_size` is. A batch may be
shared by threads.
"""
import threading
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa import codec
from pycassa.cassandra.ttypes import (  # noqa: F401 (names that users import from here)
    Column,
    ColumnOrSuperColumn,
    ConsistencyLevel,
    CounterColumn,
    Deletion,
    Mutation,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)
from pycassa.endpoint import operations_of
from pycassa.errors import ConfigurationError, PackingError
from pycassa.operations import Mutations
from pycassa.schema import whole_seconds

__all__ = ['CfMutator', 'Mutator', 'PendingMutation']


class PendingMutation(NamedTuple):
    """A queued mutation, read back from its encoded form.

    `kind` is 'insert', with `columns` a {name: value} ({super column: {name: value}} in a super column family), or
    'remove', with `columns` a list of names, a (start, finish) pair for a range, or None for all of the row or of
    `super_column`. `timestamp` is in microseconds (None for counters), `ttl` in seconds.
    """

    column_family: str
    key: Any
    kind: str
    columns: Any
    super_column: Any = None
    timestamp: Optional[int] = None
    ttl: Optional[int] = None


Batch = TypeVar('Batch', bound='Mutator')


class Mutator:
    """A queue of mutations to any number of column families of one keyspace.

    `pool` is a ConnectionPool, a connection or a client. `queue_size` is the number of `insert` and `remove` calls
    after which the queue is sent by itself; 0 or None leaves sending to `send`. `write_consistency_level` defaults
    to ONE. `allow_retries` tells whether a request whose outcome is unknown is sent again, with the same timestamps.
    Increments of counters are not repeatable: by default a request that carries any is not sent again unless the
    column family says `retry_counter_mutations`; `allow_retries=True`, said explicitly, repeats those too. `atomic`
    sends atomic batches (Cassandra 1.2), each one request that is applied as a whole or not at all.

    As a context manager it sends on leaving the block, also when the block raised; the block's error goes on then,
    and an error of that sending is chained to it.

    When sending fails, what was not sent or has an unknown outcome stays queued: see `pending`, `send` and `clear`.
    (Interface of release 1.11, which kept the queue too; `pending` and `clear` are of release 2.)
    """

    def __init__(self, pool: Any, queue_size: Optional[int] = 100, write_consistency_level: Optional[int] = None,
                 allow_retries: Optional[bool] = None, atomic: bool = False) -> None:
        self.pool = pool
        self.limit = queue_size
        self.write_consistency_level = write_consistency_level or ConsistencyLevel.ONE
        self.atomic = atomic
        self._allow_retries = allow_retries
        self._buffer: List[Mutations] = []
        self._lock = threading.RLock()
        self._keyspace: Optional[str] = None

    @property
    def allow_retries(self) -> bool:
        """Whether requests are sent again after a failure; assigned True, those that increment counters are too."""
        return self._allow_retries is not False

    @allow_retries.setter
    def allow_retries(self, allow: Optional[bool]) -> None:
        self._allow_retries = allow

    def __enter__(self: Batch) -> Batch:
        return self

    def __exit__(self, error_type: Any, error: Optional[BaseException], traceback: Any) -> None:
        try:
            self.send()
        except Exception as failure:
            if error is None:
                raise
            _chain(error, failure)

    # --- queueing --------------------------------------------------------------------------------------------

    def insert(self, column_family: Any, key: Any, columns: Any, timestamp: Optional[int] = None,
               ttl: Optional[float] = None, clock: Optional[int] = None) -> 'Mutator':
        """Queue an insert of `columns` into row `key` of `column_family`, a ColumnFamily. Returns the batch.

        The parameters are those of `ColumnFamily.insert`; in a counter column family the values are added. `clock` is
        release 0.4's name of `timestamp`. Raises PackingError, and what `send` raises when the queue is full.
        """
        if columns:
            layout = column_family._family_layout
            stamp = column_family._timestamp_of(timestamp if clock is None else clock)
            count, data = codec.encode_insertions(layout, key, columns, stamp, whole_seconds(ttl))
            self._enqueue(key, column_family, layout, count, data)
        return self

    def remove(self, column_family: Any, key: Any, columns: Any = None, super_column: Any = None,
               timestamp: Optional[int] = None, clock: Optional[int] = None, column_start: Any = None,
               column_finish: Any = None) -> 'Mutator':
        """Queue a removal in row `key` of `column_family`, a ColumnFamily. Returns the batch.

        The parameters are those of `ColumnFamily.remove`. Raises PackingError, and what `send` raises when the queue
        is full.
        """
        names = None if columns is None else list(columns)
        try:
            predicates = column_family._removal_predicates(names, super_column, column_start, column_finish)
            super_name = column_family._pack_super(super_column)
        except PackingError as error:
            raise column_family._in_row(key, error) from error
        if names != []:
            layout = column_family._family_layout
            stamp = column_family._timestamp_of(timestamp if clock is None else clock)
            data = b''.join(codec.encode_deletion(stamp, super_name, each) for each in predicates)
            self._enqueue(key, column_family, layout, len(predicates), data)
        return self

    def _enqueue(self, key: Any, column_family: Any, layout: Any, count: int, data: bytes) -> None:
        entry = Mutations(layout.family, codec.pack_key(layout, key), count, data, layout.counter,
                          column_family)
        with self._lock:
            self._join_keyspace(column_family)
            self._buffer.append(entry)
            if self.limit and len(self._buffer) >= self.limit:
                self.send()

    def _join_keyspace(self, column_family: Any) -> None:
        keyspace = column_family._select_keyspace
        if keyspace is not None and keyspace != self._keyspace:
            if self._keyspace is not None:
                raise ConfigurationError(f'one batch cannot write to two keyspaces, {self._keyspace!r} and '
                                         f'{keyspace!r}')
            self._keyspace = keyspace

    # --- sending ---------------------------------------------------------------------------------------------

    def send(self, write_consistency_level: Optional[int] = None, atomic: Optional[bool] = None) -> None:
        """Send what is queued, in order: one request, or several where one would be above `max_request_bytes`.

        `write_consistency_level` and `atomic` replace the batch's own settings this once. All requests are laid out
        before the first is sent. When one fails, its mutations and those of the requests after it stay queued with
        their timestamps; calling `send` again repeats exactly these.

        Raises MutationTooLarge (one mutation does not fit into a request) and RequestTooLarge (an atomic batch does
        not) before anything is sent, and what the pool or the server answers, such as MaximumRetryException,
        InvalidRequestException, UnavailableException or TimedOutException.
        """
        with self._lock:
            if self._buffer:
                self._operations.mutate(self._buffer, write_consistency_level or self.write_consistency_level,
                                        bool(self.atomic if atomic is None else atomic), self._may_retry())

    @property
    def _operations(self) -> Any:
        return operations_of(self.pool, self._keyspace)

    def _may_retry(self) -> bool:
        if self._allow_retries is not None:
            return bool(self._allow_retries)
        return not any(entry.counter and not entry.source.retry_counter_mutations for entry in self._buffer)

    # --- what is queued --------------------------------------------------------------------------------------

    @property
    def pending(self) -> List[PendingMutation]:
        """What is queued and not known to be written, in order: a list of PendingMutation.

        After a failed `send`, what was not sent or whose outcome is unknown. An insert that had to be divided over
        several requests is listed by its parts.
        """
        with self._lock:
            return [_describe(entry) for entry in self._buffer]

    def clear(self) -> List[PendingMutation]:
        """Take everything off the queue without sending it, and return it as `pending` does."""
        with self._lock:
            dropped = self.pending
            del self._buffer[:]
            return dropped


class CfMutator(Mutator):
    """A batch of one column family: the methods of Mutator without their first argument.

    `column_family` is a ColumnFamily, whose pool and, unless given, write consistency level are used; the other
    parameters are those of Mutator. Usually made by `ColumnFamily.batch`. (Interface of release 1.11.)
    """

    def __init__(self, column_family: Any, queue_size: Optional[int] = 100,
                 write_consistency_level: Optional[int] = None, allow_retries: Optional[bool] = None,
                 atomic: bool = False) -> None:
        level = write_consistency_level or column_family.write_consistency_level
        Mutator.__init__(self, column_family.pool, queue_size, level, allow_retries, atomic)
        self._column_family = column_family

    def insert(self, key: Any, columns: Any, timestamp: Optional[int] = None,  # type: ignore[override]
               ttl: Optional[float] = None, clock: Optional[int] = None) -> 'CfMutator':
        """Queue an insert, as `ColumnFamily.insert` takes it. Returns the batch."""
        Mutator.insert(self, self._column_family, key, columns, timestamp, ttl, clock)
        return self

    def remove(self, key: Any, columns: Any = None, super_column: Any = None,  # type: ignore[override]
               timestamp: Optional[int] = None, clock: Optional[int] = None, column_start: Any = None,
               column_finish: Any = None) -> 'CfMutator':
        """Queue a removal, as `ColumnFamily.remove` takes it. Returns the batch."""
        Mutator.remove(self, self._column_family, key, columns, super_column, timestamp, clock, column_start,
                       column_finish)
        return self


PooledCfMutator = CfMutator


# --- reading back ----------------------------------------------------------------------------------------------------

def _chain(error: BaseException, failure: BaseException) -> None:
    """Hang `failure` on the end of the chain of `error`, which goes on."""
    seen = {id(error)}
    step: Optional[BaseException] = failure
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        if step.__context__ is error:
            step.__context__ = None
        step = step.__context__
    last = error
    while (following := last.__cause__ or last.__context__) is not None and id(following) not in seen:
        seen.add(id(following))
        last = following
    last.__context__ = failure


def _describe(entry: Mutations) -> PendingMutation:
    column_family = entry.source
    key = column_family._unpack_key(entry.key)
    mutations = list(_read(entry))
    deletion = mutations[0].deletion
    if deletion is not None:
        return _describe_removal(column_family, key, deletion)
    written = [mutation.column_or_supercolumn for mutation in mutations]
    first = _first_column(written[0])
    return PendingMutation(column_family.column_family, key, 'insert', _columns(column_family, written), None,
                           getattr(first, 'timestamp', None), getattr(first, 'ttl', None))


def _read(entry: Mutations) -> Iterator[Mutation]:
    protocol = TBinaryProtocol(TMemoryBuffer(entry.data), string_length_limit=None)
    for _ in range(entry.count):
        mutation = Mutation()
        mutation.read(protocol)
        yield mutation


def _first_column(written: ColumnOrSuperColumn) -> Any:
    whole = written.super_column or written.counter_super_column
    if whole is not None:
        return whole.columns[0] if whole.columns else None
    return written.column or written.counter_column


def _columns(column_family: Any, written: List[ColumnOrSuperColumn]) -> Any:
    columns = {}
    for each in written:
        whole = each.super_column or each.counter_super_column
        if whole is None:
            name, value = _column(column_family, each.column or each.counter_column)
            columns[name] = value
        else:
            name = column_family._unpack_name(whole.name, True)
            columns.setdefault(name, {}).update(_column(column_family, column) for column in whole.columns)
    return columns


def _column(column_family: Any, column: Any) -> Tuple[Any, Any]:
    value = column.value
    if not isinstance(value, int):
        value = column_family._unpack_value(value, column.name)
    return column_family._unpack_name(column.name), value


def _describe_removal(column_family: Any, key: Any, deletion: Deletion) -> PendingMutation:
    whole = deletion.super_column
    supers = column_family.super and whole is None
    columns: Any = None
    if deletion.predicate is not None:
        ends = deletion.predicate.slice_range
        if ends is not None:
            columns = (column_family._unpack_name(ends.start, supers), column_family._unpack_name(ends.finish, supers))
        else:
            columns = [column_family._unpack_name(name, supers) for name in deletion.predicate.column_names]
    return PendingMutation(column_family.column_family, key, 'remove', columns,
                           None if whole is None else column_family._unpack_name(whole, True), deletion.timestamp)
