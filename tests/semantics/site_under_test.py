"""One server and the keyspace of the cases: raw Thrift calls in short, a fresh row key for every case."""
import contextlib
import itertools
import struct
import threading
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from outcomes import CLOSED, MALFORMED, NO_ANSWER, expected_of, outcome, plain
from schema_of_cases import FAMILIES, KEYSPACE, definition, is_known
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    CfDef,
    Column,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ColumnSlice,
    ConsistencyLevel,
    CounterColumn,
    CounterSuperColumn,
    Deletion,
    IndexClause,
    IndexExpression,
    KeyRange,
    KsDef,
    MultiSliceRequest,
    Mutation,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)

ONE = ConsistencyLevel.ONE
EQ, GTE, GT, LTE, LT = range(5)
EXPIRY = 2.3            # seconds until what has a TTL of 1 is gone whatever the fraction of its second
PATIENCE = 300.0        # seconds that a busy machine may take to make or drop a hundred families
TIMEOUT = 60.0          # seconds that the slowest answer may take; servers under test give up after 20

_keys = itertools.count(1)


# --- what calls are given ---------------------------------------------------------------------------------------

def col(name: Optional[bytes], value: Optional[bytes] = b'v', timestamp: Optional[int] = 1,
        ttl: Optional[int] = None) -> Column:
    return Column(name, value, timestamp, ttl)


def names(*wanted: bytes) -> SlicePredicate:
    """A predicate of names."""
    return SlicePredicate(column_names=list(wanted))


def span(start: bytes = b'', finish: bytes = b'', backwards: bool = False, count: int = 1000) -> SlicePredicate:
    """A predicate of a slice."""
    return SlicePredicate(slice_range=SliceRange(start, finish, backwards, count))


def put(name: Optional[bytes], value: Optional[bytes] = b'v', timestamp: Optional[int] = 1,
        ttl: Optional[int] = None) -> Mutation:
    return Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=col(name, value, timestamp, ttl)))


def put_below(super_name: bytes, *columns: Column) -> Mutation:
    return Mutation(column_or_supercolumn=ColumnOrSuperColumn(super_column=SuperColumn(super_name, list(columns))))


def plus(name: bytes, delta: int = 1) -> Mutation:
    return Mutation(column_or_supercolumn=ColumnOrSuperColumn(counter_column=CounterColumn(name, delta)))


def plus_below(super_name: bytes, name: bytes, delta: int = 1) -> Mutation:
    counters = CounterSuperColumn(super_name, [CounterColumn(name, delta)])
    return Mutation(column_or_supercolumn=ColumnOrSuperColumn(counter_super_column=counters))


def deletion(timestamp: Optional[int] = 1, below: Optional[bytes] = None,
             predicate: Optional[SlicePredicate] = None) -> Mutation:
    return Mutation(deletion=Deletion(timestamp, below, predicate))


def long(number: int) -> bytes:
    return struct.pack('>q', number)


class Connection:
    """A Thrift connection that is made anew after the server closed it or the reply left it unusable."""

    def __init__(self, server: Any, keyspace: Optional[str], timeout: float = TIMEOUT) -> None:
        self._server = server
        self._keyspace = keyspace
        self._timeout = timeout
        self._transport: Any = None

    @property
    def client(self) -> Cassandra.Client:
        if self._transport is None:
            socket = TSocket(self._server.host, self._server.port)
            socket.setTimeout(self._timeout * 1000)
            self._transport = TFramedTransport(socket)
            self._transport.open()
            self._client = Cassandra.Client(TBinaryProtocol(self._transport))
            if self._keyspace is not None:
                self._client.set_keyspace(self._keyspace)
        return self._client

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class Site:
    """The server under test. `begin` starts the cases that wait, `check` runs a case to its end."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.profile = server.profile
        self.partitioner = server.partitioner
        self._connection = Connection(server, KEYSPACE)
        self._filled: set = set()
        self._begun: Dict[str, Tuple[Any, Any, float]] = {}
        self._threads: Dict[str, threading.Thread] = {}
        self._late: Dict[str, Any] = {}

    def __enter__(self) -> 'Site':
        connection = Connection(self.server, None, PATIENCE)
        families = [definition(name, **fields) for name, fields in FAMILIES.items() if is_known(self.profile, fields)]
        keyspace = KsDef(name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'},
                         cf_defs=families)
        if KEYSPACE in [each.name for each in connection.client.describe_keyspaces()]:
            connection.client.system_drop_keyspace(KEYSPACE)
        connection.client.system_add_keyspace(keyspace)
        connection.close()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for thread in self._threads.values():
            thread.join()
        self._connection.close()
        connection = Connection(self.server, None, PATIENCE)
        connection.client.system_drop_keyspace(KEYSPACE)
        connection.close()

    def begin(self, cases: Iterable[Any]) -> None:
        """Start what waits: the first half of cases that see columns expire, and calls that take the server long."""
        for case in cases:
            if case.waits == 'slow':
                thread = self._threads[case.id] = threading.Thread(target=self._run_slow, args=(case,))
                thread.start()
            else:
                halves = case.call(It(self, self._connection))
                self._begun[case.id] = (halves, self._outcome(lambda halves=halves: next(halves)), time.monotonic())

    def _run_slow(self, case: Any) -> None:
        connection = Connection(self.server, KEYSPACE)
        self._late[case.id] = outcome(lambda: case.call(It(self, connection)))
        connection.close()

    def _outcome(self, call: Any) -> Any:
        seen = outcome(call)
        if seen in (CLOSED, MALFORMED, NO_ANSWER):
            self._connection.close()
        return seen

    def see(self, case: Any) -> Any:
        """What a case comes to on this server."""
        if case.waits == 'slow':
            self._threads[case.id].join()
            return self._late[case.id]
        if not case.waits:
            return self._outcome(lambda: case.call(It(self, self._connection)))
        halves, first, begun = self._begun[case.id]
        if first is not None:
            return first
        time.sleep(max(0.0, begun + EXPIRY - time.monotonic()))
        return self._outcome(lambda: _rest(halves))

    def expected(self, case: Any) -> Any:
        return expected_of(case.expected, self.profile, self.server.kind)


def _rest(halves: Any) -> Any:
    try:
        next(halves)
    except StopIteration as end:
        return end.value
    raise AssertionError('a case waits twice')


class It:
    """What a case is given: the calls of the server with a row key of its own as the default."""

    def __init__(self, site: Site, connection: Connection) -> None:
        self.site = site
        self.profile = site.profile
        self.keyspace = KEYSPACE
        self._connection = connection
        self.number = next(_keys)
        self.key = b'key%d' % self.number
        self.long_key = long(self.number)

    @property
    def client(self) -> Cassandra.Client:
        return self._connection.client

    def seen(self, call: Any) -> Any:
        """The outcome of one call among several of a case."""
        seen = outcome(call)
        if seen in (CLOSED, MALFORMED, NO_ANSWER):
            self._connection.close()
        return seen

    @contextlib.contextmanager
    def without_keyspace(self) -> Iterator['It']:
        """The same on a new connection that has set no keyspace."""
        connection = Connection(self.site.server, None)
        try:
            yield It(self.site, connection)
        finally:
            connection.close()

    @contextlib.contextmanager
    def own_keyspace(self) -> Iterator['It']:
        """The same in a keyspace of the case's own, which is dropped in the end."""
        name = f'{KEYSPACE}{self.number}'
        with self.without_keyspace() as other:
            other.client.system_add_keyspace(KsDef(name=name, strategy_class='SimpleStrategy', cf_defs=[],
                                                   strategy_options={'replication_factor': '1'}))
            other.client.set_keyspace(name)
            other.keyspace, other.number, other.key = name, self.number, self.key
            try:
                yield other
            finally:
                other.client.system_drop_keyspace(name)

    def pass_millisecond(self) -> None:
        """Let the clock move on by which counters are removed: up to 2.0 it tells milliseconds."""
        if self.profile in ('1.2', '2.0'):
            time.sleep(0.005)

    def once(self, what: str, fill: Any) -> None:
        """Fill something for all cases of this server."""
        if what not in self.site._filled:
            self.site._filled.add(what)
            fill(self)

    def _key(self, key: Optional[bytes]) -> bytes:
        return self.key if key is None else key

    # --- reads ---------------------------------------------------------------------------------------------------

    def get(self, family: str = 'B', name: Optional[bytes] = None, below: Optional[bytes] = None,
            key: Optional[bytes] = None, level: int = ONE) -> Any:
        return self.client.get(self._key(key), ColumnPath(family, below, name), level)

    def row(self, family: str = 'B', predicate: Optional[SlicePredicate] = None, below: Optional[bytes] = None,
            key: Optional[bytes] = None, level: int = ONE) -> Any:
        predicate = span() if predicate is None else predicate
        return self.client.get_slice(self._key(key), ColumnParent(family, below), predicate, level)

    def shown(self, *arguments: Any, **options: Any) -> List[bytes]:
        """The names of a row."""
        return [each[0] for each in self.pairs(*arguments, **options)]

    def pairs(self, *arguments: Any, **options: Any) -> List[Any]:
        """[(name, value)] of a row."""
        return [each[:2] for each in plain(self.row(*arguments, **options))]

    def count(self, family: str = 'B', predicate: Optional[SlicePredicate] = None, below: Optional[bytes] = None,
              key: Optional[bytes] = None, level: int = ONE) -> int:
        predicate = span() if predicate is None else predicate
        return self.client.get_count(self._key(key), ColumnParent(family, below), predicate, level)

    def multiget(self, keys: Iterable[bytes], family: str = 'B', predicate: Optional[SlicePredicate] = None,
                 below: Optional[bytes] = None, level: int = ONE) -> Any:
        predicate = span() if predicate is None else predicate
        return self.client.multiget_slice(list(keys), ColumnParent(family, below), predicate, level)

    def multicount(self, keys: Iterable[bytes], family: str = 'B', predicate: Optional[SlicePredicate] = None,
                   below: Optional[bytes] = None, level: int = ONE) -> Any:
        predicate = span() if predicate is None else predicate
        return self.client.multiget_count(list(keys), ColumnParent(family, below), predicate, level)

    def range(self, family: str = 'B', start: Optional[bytes] = None, end: Optional[bytes] = None,
              start_token: Optional[str] = None, end_token: Optional[str] = None, count: int = 100,
              predicate: Optional[SlicePredicate] = None, below: Optional[bytes] = None,
              row_filter: Optional[List[Any]] = None, level: int = ONE) -> Any:
        predicate = span() if predicate is None else predicate
        filter_ = None if row_filter is None else [IndexExpression(*each) for each in row_filter]
        key_range = KeyRange(start, end, start_token, end_token, filter_, count)
        return self.client.get_range_slices(ColumnParent(family, below), predicate, key_range, level)

    def own_row(self, family: str = 'B', **options: Any) -> Any:
        """The columns of the case's row as a range of keys shows it: [columns], or [] where the range is empty."""
        return [plain(each.columns) for each in self.range(family, self.key, self.key, **options)]

    def paged(self, family: str, start: Optional[bytes] = None, end: Optional[bytes] = None, column: bytes = b'',
              count: int = 100, row_filter: Optional[List[Any]] = None, level: int = ONE,
              **tokens: str) -> Any:
        filter_ = None if row_filter is None else [IndexExpression(*each) for each in row_filter]
        key_range = KeyRange(start_key=start, end_key=end, row_filter=filter_, count=count, **tokens)
        return self.client.get_paged_slice(family, key_range, column, level)

    def indexed(self, *expressions: Tuple[bytes, int, bytes], family: str = 'I', start: bytes = b'', count: int = 100,
                predicate: Optional[SlicePredicate] = None, below: Optional[bytes] = None, level: int = ONE) -> Any:
        predicate = span() if predicate is None else predicate
        clause = IndexClause([IndexExpression(*each) for each in expressions], start, count)
        return self.client.get_indexed_slices(ColumnParent(family, below), clause, predicate, level)

    def multi_slice(self, *slices: Tuple[Optional[bytes], Optional[bytes]], family: str = 'B', backwards: bool = False,
                    count: int = 1000, below: Optional[bytes] = None, key: Optional[bytes] = None,
                    level: int = ONE) -> Any:
        return self.client.get_multi_slice(MultiSliceRequest(
            self._key(key), ColumnParent(family, below), [ColumnSlice(*each) for each in slices], backwards, count,
            level))

    # --- writes --------------------------------------------------------------------------------------------------

    def insert(self, family: str, name: Optional[bytes], value: Optional[bytes] = b'v', timestamp: Optional[int] = 1,
               ttl: Optional[int] = None, below: Optional[bytes] = None, key: Optional[bytes] = None,
               level: int = ONE) -> None:
        self.client.insert(self._key(key), ColumnParent(family, below), col(name, value, timestamp, ttl), level)

    def add(self, family: str, name: bytes = b'c', delta: int = 1, below: Optional[bytes] = None,
            key: Optional[bytes] = None, level: int = ONE) -> None:
        self.client.add(self._key(key), ColumnParent(family, below), CounterColumn(name, delta), level)

    def remove(self, family: str, name: Optional[bytes] = None, below: Optional[bytes] = None, timestamp: int = 1,
               key: Optional[bytes] = None, level: int = ONE) -> None:
        self.client.remove(self._key(key), ColumnPath(family, below, name), timestamp, level)

    def remove_counter(self, family: str, name: Optional[bytes] = None, below: Optional[bytes] = None,
                       key: Optional[bytes] = None, level: int = ONE) -> None:
        self.client.remove_counter(self._key(key), ColumnPath(family, below, name), level)

    def batch(self, family: str, *mutations: Mutation, key: Optional[bytes] = None, level: int = ONE,
              atomic: bool = False) -> None:
        self.batch_of({self._key(key): {family: list(mutations)}}, level, atomic)

    def batch_of(self, rows: Dict[bytes, Dict[str, List[Mutation]]], level: int = ONE, atomic: bool = False) -> None:
        (self.client.atomic_batch_mutate if atomic else self.client.batch_mutate)(rows, level)

    def cas(self, expected: Optional[List[Column]], updates: List[Column], family: str = 'B',
            key: Optional[bytes] = None, serial: int = ConsistencyLevel.SERIAL,
            commit: int = ConsistencyLevel.QUORUM) -> Any:
        return self.client.cas(self._key(key), family, expected, updates, serial, commit)

    # --- schema --------------------------------------------------------------------------------------------------

    def create(self, **fields: Any) -> str:
        """A new family of the case's own: its name."""
        name = f'Own{self.number}'
        made = definition(name, **fields)
        made.keyspace = self.keyspace
        self.client.system_add_column_family(made)
        return name

    def described(self, family: str) -> CfDef:
        found = self.client.describe_keyspace(KEYSPACE).cf_defs
        return next(each for each in found if each.name == family)

    def creates(self, **fields: Any) -> Any:
        """None if a family can be made of this; it is dropped again. Raises what the server does."""
        self.client.system_drop_column_family(self.create(**fields))
