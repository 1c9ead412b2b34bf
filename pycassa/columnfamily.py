"""ColumnFamily: reading and writing the rows of one column family."""
import functools
import operator
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from pycassa import codec
from pycassa.absence import explain, nothing_in_slices
from pycassa.batch import CfMutator
from pycassa.cassandra.ttypes import (  # noqa: F401 (names that users import from here)
    Column,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ConsistencyLevel,
    CounterColumn,
    IndexClause,
    IndexExpression,
    KeyRange,
    NotFoundException,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)
from pycassa.conditions import CasResult, only_expected, pack_columns, since
from pycassa.endpoint import call, is_client
from pycassa.errors import PackingError
from pycassa.familyargs import SETTINGS, TYPES, take_arguments
from pycassa.index import pack_expressions, plan
from pycassa.operations import FIRST, Mutations, Names, Predicate, Slice
from pycassa.paging import MAX_COUNT, KeyRanges, Ring, follow, key_ranges, ring_of
from pycassa.schema import ColumnValidatorDict, FamilyTypes, bytes_encoding_of, is_open, whole_seconds  # noqa: F401
from pycassa.structcalls import Condition, MultiSlice
from pycassa.util import OrderedDict

__all__ = ['ColumnFamily', 'PooledColumnFamily', 'gm_timestamp']


def gm_timestamp() -> int:
    """Microseconds since 1970-01-01 UTC by the wall clock: the default timestamp of writes."""
    return time.time_ns() // 1000


# Names of this module are found faster than those of one with a __getattr__.
pack_key = codec.pack_key
# The defaults of a slice, to be told by identity.
_OPEN, _COUNT = '', 100


class ColumnFamily(FamilyTypes):
    """One column family: rows by key, each an ordered set of columns, as dicts.

    >>> pool = pycassa.ConnectionPool('Keyspace1', ['localhost:9160'])
    >>> cf = pycassa.ColumnFamily(pool, 'Standard1')
    >>> cf.insert('foo', {'column1': 'val1'})
    1261349837816957
    >>> cf.get('foo')
    {'column1': 'val1'}

    `pool` is a ConnectionPool, a connection of one, or what connect() returned. On a client that has no keyspace
    selected, the family is looked for in all keyspaces, and has to be in exactly one.

    The schema is read at once. Keys, names and values are converted by its types, which can be replaced by assigning
    to `key_validation_class`, `column_name_class`, `super_column_name_class`, `default_validation_class` and
    `column_validators`. In a super column family, columns are {super column: {subcolumn: value}}.

    Keywords, each also an attribute that can be assigned: `buffer_size`, `column_buffer_size`,
    `read_consistency_level`, `write_consistency_level`, `timestamp`, `dict_class`, `autopack_names`,
    `autopack_values`, `autopack_keys`, `retry_counter_mutations`, `bytes_encoding`, and the types above. `super=` is
    accepted; whether the family has super columns is known from the schema.

    Older forms: ColumnFamily(client, column_family, buffer_size, read_consistency_level, write_consistency_level,
    timestamp, super, dict_class, autopack_names, autopack_values) of 0.4 to 1.0, and of 0.3 with the keyspace
    between the client and the name.

    Raises NotFoundException (why in its attribute `why`) when the family does not exist or is a table of CQL that
    Thrift does not show, TypeError for unknown keywords, ConfigurationError where the keyspace is ambiguous.
    """

    #: Rows fetched at once by multiget, multiget_count, get_range and get_indexed_slices.
    buffer_size = 1024
    #: Columns fetched at once by xget.
    column_buffer_size = 1024
    #: The consistency level of reads that give none.
    read_consistency_level: int = ConsistencyLevel.ONE
    #: The consistency level of writes that give none.
    write_consistency_level: int = ConsistencyLevel.ONE
    #: A function that returns the timestamp of a write, in microseconds; or a fixed timestamp.
    timestamp: Union[Callable[[], int], int] = staticmethod(gm_timestamp)
    #: The class of returned rows and super columns; made empty or from (name, value) pairs.
    dict_class: Callable[..., Any] = OrderedDict
    #: Whether increments of counters may be sent again after a failure, at the risk of counting twice.
    retry_counter_mutations = False
    #: The largest count of columns or rows that a server takes.
    MAX_COUNT = MAX_COUNT

    def __init__(self, pool: Any = None, column_family: Any = None, *args: Any, **options: Any) -> None:
        pool, keyspace, column_family = take_arguments(pool, column_family, args, options)
        options.pop('super', None)
        options.setdefault('bytes_encoding', bytes_encoding_of(pool, self.bytes_encoding))
        types = {name: options.pop(name) for name in TYPES if options.get(name) is not None}
        for name, value in options.items():
            if name not in SETTINGS and name not in TYPES:
                raise TypeError(f'ColumnFamily has no option {name!r}; it has {", ".join(sorted(SETTINGS))}, '
                                f'{", ".join(TYPES)}')
            if name in SETTINGS and (value is not None or name == 'bytes_encoding'):
                setattr(self, name, value)
        self.pool = pool
        self.column_family = column_family
        self._keyspace = keyspace
        self._ring: Optional[Tuple[Optional[Ring]]] = None
        self.load_schema()
        for name, value in types.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f'<{self.__class__.__name__} {self.column_family}>'

    # --- what the methods share ------------------------------------------------------------------------------

    def _timestamp_of(self, given: Any) -> int:
        if given is None:
            given = self.timestamp
            if callable(given):
                given = given()
        try:
            return int(given)
        except (TypeError, ValueError, OverflowError) as error:
            raise PackingError(f'column family {self.column_family!r}: a timestamp is a number of microseconds, not '
                               f'{given!r:.80}') from error

    def _read_level(self, given: Optional[int]) -> int:
        return given or self.read_consistency_level

    def _write_level(self, given: Optional[int]) -> int:
        return given or self.write_consistency_level

    def _predicate(self, columns: Optional[Iterable[Any]], start: Any, finish: Any, backwards: bool,
                   count: Optional[int], super_column: Any) -> Predicate:
        supers = self.super and super_column is None
        if columns is not None:
            return Names(self._pack_names(columns, supers))
        return Slice(self._pack_end(start, supers, not backwards), self._pack_end(finish, supers, bool(backwards)),
                     bool(backwards), MAX_COUNT if count is None else min(count, MAX_COUNT))

    # --- reading rows by key ---------------------------------------------------------------------------------

    def get(self, key: Any, columns: Optional[Iterable[Any]] = None, column_start: Any = '', column_finish: Any = '',
            column_reversed: bool = False, column_count: int = 100, include_timestamp: bool = False,
            super_column: Any = None, read_consistency_level: Optional[int] = None,
            include_ttl: bool = False) -> Any:
        """Fetch the columns of one row.

        Parameters
        ----------
        key : the row key
        columns : names of the columns (or super columns) to fetch, any iterable; the other limits are ignored then
        column_start : fetch from this column on, itself included; '' is the first of the row
        column_finish : fetch up to this column, itself included; '' is the last of the row
        column_reversed : fetch in descending order; `column_start` is then the highest column, `column_finish` the
            lowest. Cassandra 3.11 gives the columns that the schema defines by name before all others
        column_count : the most columns (or super columns) to fetch; None for all
        include_timestamp : give each column as (value, timestamp), in microseconds
        super_column : fetch the subcolumns of this super column; the limits above apply to them
        read_consistency_level : a ConsistencyLevel, by default that of the ColumnFamily
        include_ttl : give each column as (value, ttl), in seconds as written, None for a column that does not expire;
            with `include_timestamp`, as (value, timestamp, ttl)

        Returns
        -------
        {name: value} in the comparator's order, an instance of `dict_class`. In a super column family
        {super name: {name: value}}, and {name: value} where `super_column` is given. Counters are plain ints,
        whatever is included.

        Names of composite types are tuples. An end given as a tuple of fewer components includes every name that
        begins with them; an end whose last component is written (value, False) is exclusive.

        Raises
        ------
        NotFoundException when the row does not exist or has no column in the slice: its attribute `why` says what was
        asked for, and `row_exists` is False when that was the whole row, None when it was a part, of which alone one
        cannot tell (`get_count(key, max_count=1)` is 0 for a row that does not exist). PackingError for a key or name
        that the schema's types cannot hold; InvalidRequestException, UnavailableException, TimedOutException as the
        server answers; MaximumRetryException or AllServersUnavailable of the pool. (Release 0.3; include_ttl 1.9.)
        """
        layout, operations = self._layout or self._family_layout, self._place or self._operations
        packed = pack_key(layout, key)
        level = read_consistency_level or self.read_consistency_level
        flags = _flags(include_timestamp, include_ttl) if include_timestamp or include_ttl else 0
        inside = None if super_column is None else self._pack_super(super_column)
        if (columns is None and column_start is _OPEN and column_finish is _OPEN and column_count is _COUNT
                and not column_reversed):
            predicate: Predicate = FIRST
        else:
            predicate = self._predicate(columns, column_start, column_finish, column_reversed, column_count,
                                        super_column)
            if isinstance(predicate, Names) and len(predicate.names) == 1:
                name = predicate.names[0]
                path = (name, None) if self.super and inside is None else (inside, name)
                try:
                    return self.dict_class([operations.get(layout, packed, *path, level, self.dict_class, flags)])
                except NotFoundException as error:
                    explain(error, self, key, predicate, columns, '', '', super_column)
                    raise
        row = operations.get_slice(layout, packed, inside, predicate, level, self.dict_class, flags)
        if not row:
            raise explain(NotFoundException(), self, key, predicate, columns, column_start, column_finish,
                          super_column)
        return row

    def multiget(self, keys: Iterable[Any], columns: Optional[Iterable[Any]] = None, column_start: Any = '',
                 column_finish: Any = '', column_reversed: bool = False, column_count: int = 100,
                 include_timestamp: bool = False, super_column: Any = None,
                 read_consistency_level: Optional[int] = None, buffer_size: Optional[int] = None,
                 include_ttl: bool = False) -> Any:
        """Fetch the columns of several rows.

        `keys` is any iterable of row keys; `buffer_size` of them (default: the attribute) are asked for at once. The
        other parameters are those of `get`, and apply to each row.

        Returns {key: columns}, an instance of `dict_class`, in the order of `keys`, each as it was given. Rows that
        do not exist or have no column in the slice are left out. Raises what `get` raises, less NotFoundException.
        (Release 0.3; buffer_size 1.1.)
        """
        layout = self._family_layout
        predicate = self._predicate(columns, column_start, column_finish, column_reversed, column_count, super_column)
        inside = self._pack_super(super_column)
        level, flags = self._read_level(read_consistency_level), _flags(include_timestamp, include_ttl)
        rows = self.dict_class()
        for page in self._key_pages(keys, buffer_size):
            found = self._operations.multiget_slice(layout, list(dict.fromkeys(page.values())), inside, predicate,
                                                    level, self.dict_class, flags)
            for key, packed in page.items():
                row = found.get(packed)
                if row:
                    rows[key] = row
        return rows

    def _key_pages(self, keys: Iterable[Any], buffer_size: Optional[int]) -> Iterator[Dict[Any, bytes]]:
        """Pages of {key as given: packed key}, in the order given."""
        packed: Dict[Any, bytes] = {}
        for key in keys:
            data = self._pack_key(key)
            packed[key if _is_hashable(key) else self._unpack_key(data)] = data
        pairs, size = list(packed.items()), max(buffer_size or self.buffer_size, 1)
        for first in range(0, len(pairs), size):
            yield dict(pairs[first:first + size])

    def xget(self, key: Any, column_start: Any = '', column_finish: Any = '', column_reversed: bool = False,
             column_count: Optional[int] = None, include_timestamp: bool = False,
             read_consistency_level: Optional[int] = None, buffer_size: Optional[int] = None,
             include_ttl: bool = False, super_column: Any = None,
             columns: Optional[Iterable[Any]] = None) -> Iterator[Tuple[Any, Any]]:
        """Iterate over the columns of one row, however many they are: a generator of (name, value).

        `buffer_size` columns (default: `column_buffer_size`) are fetched at once. `column_count` limits the columns in
        all, None gives every one. The other parameters are those of `get`; values have the shapes that `get` gives
        them, in a super column family {name: value}. With `columns`, any iterable of names, the other limits are
        ignored, and `buffer_size` of them are asked for at once, in the order given; those of one request come in the
        comparator's order. A row that does not exist gives nothing. Raises what `get` raises, less NotFoundException,
        while it is iterated over.
        (Release 1.6; super_column and columns 2.0.)
        """
        level, flags = self._read_level(read_consistency_level), _flags(include_timestamp, include_ttl)
        pages = self._pages(self._pack_key(key), self._pack_super(super_column), level, flags)
        size = max(buffer_size or self.column_buffer_size, 1)
        if columns is None:
            whole = self._predicate(None, column_start, column_finish, column_reversed, column_count, super_column)
            items = self._follow(pages, whole, size, column_count)
        else:
            names = list(dict.fromkeys(self._pack_names(columns, self.super and super_column is None)))
            items = (item for first in range(0, len(names), size) for item in pages(Names(names[first:first + size])))
        for _, name, value in items:
            yield name, value

    def _pages(self, packed: bytes, inside: Optional[bytes], level: int, flags: int) -> Callable[[Predicate], Any]:
        """What reads a page of one row: predicate -> [(packed name, name, value)]."""
        def fetch(predicate: Predicate) -> List[Tuple[bytes, Any, Any]]:
            page: List[Tuple[bytes, Any, Any]] = self._operations.get_slice_items(
                self._family_layout, packed, inside, predicate, level, self.dict_class, flags)
            return page
        return fetch

    def _follow(self, pages: Callable[[Predicate], Any], whole: Any, size: int,
                limit: Optional[int]) -> Iterator[Tuple[Any, ...]]:
        """The items of successive `pages` of `size` columns of the slice `whole`, `limit` of them at most."""
        if whole.reversed:
            # Cassandra 3.11 begins each page of a reversed slice with the columns that the schema defines.
            size = max(size, len(self.column_validators) + 2)
        return follow(lambda start, count: pages(whole._replace(start=whole.start if start is None else start,
                                                                count=count)), size, limit)

    def get_multi_slice(self, key: Any, slices: Iterable[Tuple[Any, Any]], column_reversed: bool = False,
                        column_count: int = 100, include_timestamp: bool = False,
                        read_consistency_level: Optional[int] = None, include_ttl: bool = False) -> Any:
        """Fetch the columns of several slices of one row by one call, of Cassandra 2.1 and later.

        `slices` are (start, finish) pairs, both included, '' for an open end, of which each column is given once, in
        the comparator's order, whatever theirs is. `column_count` limits the columns in all. With `column_reversed`
        starts are the higher ends, and the columns of all slices are fetched whatever `column_count` is: Cassandra
        3.11 fails at that order, so it is made here. The other parameters, and what it returns, are those of `get`;
        super column families do not have this call.

        Raises what `get` raises, NotFoundException where no slice has a column included; ApplicationError, a
        TApplicationException, where the server does not know the call. (Release 2.0.)
        """
        low, high = (1, 0) if column_reversed else (0, 1)
        ends = [(self._pack_end(pair[low], False, True), self._pack_end(pair[high], False, False)) for pair in slices]
        limit = MAX_COUNT if column_count is None else min(column_count, MAX_COUNT)
        if limit < 0:
            raise ValueError(f'get_multi_slice: column_count={column_count} is negative')
        row: Any = None
        if ends and limit:
            row = since('2.1', self._operations.get_multi_slice, self._family_layout, self._pack_key(key),
                        MultiSlice(ends, MAX_COUNT if column_reversed else limit),
                        self._read_level(read_consistency_level), self.dict_class,
                        _flags(include_timestamp, include_ttl))
        if not row:
            raise nothing_in_slices(self, key, bool(ends and limit))
        return self.dict_class(list(row.items())[:-limit - 1:-1]) if column_reversed else row

    # --- counting columns ------------------------------------------------------------------------------------

    def get_count(self, key: Any, super_column: Any = None, read_consistency_level: Optional[int] = None,
                  columns: Optional[Iterable[Any]] = None, column_start: Any = '', column_finish: Any = '',
                  column_reversed: bool = False, max_count: Optional[int] = None,
                  buffer_size: Optional[int] = None) -> int:
        """Count the columns (or super columns, or the subcolumns of `super_column`) of one row.

        `max_count` is where counting stops; None counts all. The server counts, in one call, within `timeout`. With
        `buffer_size` the columns are read instead, so many at once, and counted here: for rows so wide that no call
        gets to their end. The other parameters are those of `get`. A row that does not exist has 0. Raises what `get`
        raises, less NotFoundException. (Release 0.3; the slice 0.5.1; buffer_size 2.0.)
        """
        # Cassandra 3.11 does not answer to a negative count, earlier ones with 0.
        most = None if max_count is None else max(max_count, 0)
        predicate = self._predicate(columns, column_start, column_finish, column_reversed, most, super_column)
        packed, inside = self._pack_key(key), self._pack_super(super_column)
        level = self._read_level(read_consistency_level)
        # Cassandra 3.11 does not come to an end where a super column has more subcolumns than it is to count.
        short = buffer_size is None and (inside is None or most is None)
        if short or not isinstance(predicate, Slice):
            return int(self._operations.get_count(self._family_layout, packed, inside, predicate, level))
        pages = self._pages(packed, inside, level, 0)
        return sum(1 for _ in self._follow(pages, predicate, buffer_size or self.column_buffer_size, most))

    def multiget_count(self, keys: Iterable[Any], super_column: Any = None,
                       read_consistency_level: Optional[int] = None, columns: Optional[Iterable[Any]] = None,
                       column_start: Any = '', column_finish: Any = '', buffer_size: Optional[int] = None,
                       column_reversed: bool = False, max_count: Optional[int] = None) -> Any:
        """Count the columns of several rows on the server: {key: int}, an instance of `dict_class`.

        The parameters are those of `multiget` and `get_count`. Every key is in the result, in the order given; rows
        that do not exist have 0. (Release 0.5.1.)
        """
        predicate = self._predicate(columns, column_start, column_finish, column_reversed, max_count, super_column)
        inside, level = self._pack_super(super_column), self._read_level(read_consistency_level)
        counts = self.dict_class()
        for page in self._key_pages(keys, buffer_size):
            found = self._operations.multiget_count(self._family_layout, list(dict.fromkeys(page.values())), inside,
                                                    predicate, level)
            for key, packed in page.items():
                counts[key] = found.get(packed, 0)
        return counts

    # --- reading ranges of rows ------------------------------------------------------------------------------

    def get_range(self, start: Any = '', finish: Any = '', columns: Optional[Iterable[Any]] = None,
                  column_start: Any = '', column_finish: Any = '', column_reversed: bool = False,
                  column_count: int = 100, row_count: Optional[int] = None, include_timestamp: bool = False,
                  super_column: Any = None, read_consistency_level: Optional[int] = None,
                  buffer_size: Optional[int] = None, filter_empty: Optional[bool] = None, include_ttl: bool = False,
                  start_token: Any = None, finish_token: Any = None) -> Iterator[Tuple[Any, Any]]:
        """Iterate over rows: a generator of (key, columns), in the order of the keys' tokens.

        Parameters
        ----------
        start, finish : the first and last key, both included; '' is the beginning or the end. With the usual
            partitioners rows are not in the order of their keys: a `finish` is of use with an ordered one
        row_count : the most rows to give, None for all
        buffer_size : rows fetched at once, by default the attribute
        filter_empty : leave out rows without columns in the slice, removed rows among them, which servers give until
            compaction drops them. By default True on a ConnectionPool (release 1.11) and False on a connection or
            client, which give what the server gives (releases 0.3 to 1.1)
        start_token, finish_token : the range of tokens instead of keys, `start_token` excluded and `finish_token`
            included, text or int. `start` may go with `finish_token`. A range that wraps around the ring is read in
            its two parts; equal tokens are the whole ring
        columns, column_start, column_finish, column_reversed, column_count, include_timestamp, super_column,
        read_consistency_level, include_ttl : as in `get`, for each row. column_count=0 with filter_empty=False gives
            the keys alone, with empty columns

        Raises ValueError for ends that cannot go together, and what `get` raises, less NotFoundException, while it
        is iterated over. (Release 0.3; filter_empty 1.3, tokens 1.9.1.)
        """
        predicate = self._predicate(columns, column_start, column_finish, column_reversed, column_count, super_column)
        layout, inside = self._family_layout, self._pack_super(super_column)
        level, flags = self._read_level(read_consistency_level), _flags(include_timestamp, include_ttl)
        if filter_empty is None:
            filter_empty = not is_client(self.pool)

        def fetch(whole: Any, start_key: Optional[bytes], count: int) -> List[Tuple[bytes, Any]]:
            part = whole._replace(count=count)
            if start_key is not None:
                part = part._replace(start_key=start_key, start_token=None)
            page: List[Tuple[bytes, Any]] = self._operations.get_range_slices(
                layout, inside, predicate, part, level, self.dict_class, flags)
            return page

        remaining = row_count
        for whole in self._key_ranges(start, finish, start_token, finish_token):
            for key, row in follow(functools.partial(fetch, whole), buffer_size or self.buffer_size, remaining,
                                   _has_columns if filter_empty else _any_row):
                yield self._unpack_key(key), row
                if remaining is not None:
                    remaining -= 1

    def _key_ranges(self, start: Any, finish: Any, start_token: Any, finish_token: Any) -> KeyRanges:
        if finish_token is not None and not is_open(finish):
            raise ValueError('get_range: finish and finish_token cannot both be given')
        if start_token is not None and not (is_open(start) and is_open(finish)):
            raise ValueError('get_range: start_token cannot be given with start or finish; servers take a start key '
                             'with a finish token, but not the other way round')
        return key_ranges(b'' if is_open(start) else self._pack_key(start),
                          b'' if is_open(finish) else self._pack_key(finish), start_token, finish_token,
                          None if start_token is None else self._partitioner_ring())

    def _partitioner_ring(self) -> Optional[Ring]:
        if self._ring is None:
            self._ring = (ring_of(call(self.pool, 'describe_partitioner')),)
        return self._ring[0]

    def get_indexed_slices(self, index_clause: Any, columns: Optional[Iterable[Any]] = None, column_start: Any = '',
                           column_finish: Any = '', column_reversed: bool = False, column_count: int = 100,
                           include_timestamp: bool = False, read_consistency_level: Optional[int] = None,
                           buffer_size: Optional[int] = None, include_ttl: bool = False,
                           super_column: Any = None) -> Iterator[Tuple[Any, Any]]:
        """Iterate over the rows that match an index clause: a generator of (key, columns), in the order of tokens.

        `index_clause` comes from `pycassa.index.create_index_clause`; its names and values are packed by the types of
        this family. Its `count` limits the rows (None for all), and `start_key` is where they begin. `buffer_size`
        rows (default: the attribute) are fetched at once, by two calls where the columns are a slice that has an end
        or is reversed. The other parameters are those of `get`, for each row: they choose the columns given, not the
        rows, which may be without any.

        Raises AssertionError on super column families, which have no indexes, InvalidRequestException when no
        expression tests an indexed column for equality, and what `get` raises, less NotFoundException, while it is
        iterated over. (Release 0.4.)
        """
        assert not self.super and super_column is None, 'super column families have no secondary indexes'
        layout, expressions = self._family_layout, pack_expressions(self, index_clause)
        steps = plan(self, expressions, self._predicate(
            columns, column_start, column_finish, column_reversed, column_count, None))
        level, flags = self._read_level(read_consistency_level), _flags(include_timestamp, include_ttl)
        first = b'' if is_open(index_clause.start_key) else self._pack_key(index_clause.start_key)

        def fetch(start_key: Optional[bytes], count: int) -> List[Tuple[bytes, Any]]:
            page: List[Tuple[bytes, Any]] = self._operations.get_indexed_slices(
                layout, expressions, first if start_key is None else start_key, count, steps.predicate, level,
                self.dict_class, flags)
            if steps.second is None or not page:
                return page
            rows = self._operations.multiget_slice(layout, [key for key, _ in page], None, steps.second, level,
                                                   self.dict_class, flags)
            return [(key, rows.get(key) or self.dict_class()) for key, _ in page]

        for key, row in follow(fetch, buffer_size or self.buffer_size, index_clause.count):
            for name in steps.extra:
                if name in row:
                    del row[name]
            yield self._unpack_key(key), row

    # --- writing ---------------------------------------------------------------------------------------------

    def insert(self, key: Any, columns: Mapping[Any, Any], timestamp: Optional[int] = None,
               ttl: Optional[float] = None, write_consistency_level: Optional[int] = None,
               clock: Optional[int] = None) -> int:
        """Insert or update columns of one row. Returns the timestamp that they were written with, in microseconds.

        Parameters
        ----------
        key : the row key
        columns : {name: value}, in a super column family {super name: {name: value}}. In a counter column family the
            values are added to the counters
        timestamp : microseconds, by default what the attribute `timestamp` returns. Of two writes of a column the one
            with the higher timestamp stays
        ttl : seconds after which the columns expire; fractions are cut
        write_consistency_level : a ConsistencyLevel, by default that of the ColumnFamily
        clock : release 0.4's name of `timestamp`

        Raises PackingError for a key, name or value that the schema's types cannot hold; RequestTooLarge or
        MutationTooLarge before anything is sent (larger rows are divided over requests); InvalidRequestException,
        UnavailableException, TimedOutException as the server answers; MaximumRetryException or
        AllServersUnavailable of the pool. (Release 0.3; timestamp and ttl 0.4.2.)
        """
        if timestamp is None and clock is None and self.timestamp is gm_timestamp:
            stamp = time.time_ns() // 1000
        else:
            stamp = self._timestamp_of(timestamp if clock is None else clock)
        level = write_consistency_level or self.write_consistency_level
        seconds = ttl if ttl is None else whole_seconds(ttl)
        layout = self._layout or self._family_layout
        retry = not self._counter or self._may_retry()
        try:
            rows = {key: columns}
        except (TypeError, ValueError):
            # No key of a dict: the codec packs it all the same. ValueError: a memoryview that can be written to
            rows = None
        if rows is not None:
            (self._place or self._operations).insert_rows(layout, rows, stamp, seconds, level, retry)
        else:
            count, data = codec.encode_insertions(layout, key, columns, stamp, seconds)
            entry = Mutations(layout.family, self._pack_key(key), count, data, layout.counter)
            self._operations.mutate([entry], level, retry=retry)
        return stamp

    def batch_insert(self, rows: Mapping[Any, Mapping[Any, Any]], timestamp: Optional[int] = None,
                     ttl: Optional[float] = None, write_consistency_level: Optional[int] = None,
                     clock: Optional[int] = None) -> int:
        """Insert or update columns of several rows, {key: columns}. Returns the timestamp of all of them.

        The other parameters are those of `insert`. One request, or several where one would be above the frame size
        that servers accept. Without rows nothing is sent. Raises what `insert` raises. (Release 0.4.1.)
        """
        stamp = self._timestamp_of(timestamp if clock is None else clock)
        if rows:
            self._operations.insert_rows(self._family_layout, rows, stamp, whole_seconds(ttl),
                                         self._write_level(write_consistency_level), self._may_retry())
        return stamp

    def _may_retry(self) -> bool:
        return bool(self.retry_counter_mutations) or not self._counter

    def cas(self, key: Any, expected: Optional[Mapping[Any, Any]], columns: Mapping[Any, Any],
            ttl: Optional[float] = None, write_consistency_level: Optional[int] = None,
            serial_consistency_level: int = ConsistencyLevel.SERIAL) -> CasResult:
        """Compare and set: write `columns` if the row has what is `expected`, of Cassandra 2.0 and later.

        Parameters
        ----------
        key : the row key
        expected : {name: value} of columns that the row has to have, whatever others it has; empty or None: the row
            must have no column at all
        columns : {name: value} to write then, all or nothing. The server gives the timestamp, of its own clock and in
            whole milliseconds: what `insert` or `remove` did to them within the same one, or by a clock that is
            ahead, is later and stays
        ttl : seconds after which the columns expire; Cassandra up to 2.2 passes it over, and the columns stay
        write_consistency_level : at which the columns are committed, by default that of the ColumnFamily
        serial_consistency_level : at which it is agreed on, SERIAL, or LOCAL_SERIAL for one data centre

        Returns a `pycassa.conditions.CasResult`: it is true if the columns were written, and its attribute `current`
        is {name: value} of what there was instead.

        It is never sent again. After TimedOutException, or where the connection failed, it may have been applied, or be
        applied by a later call: a read at SERIAL tells. Counter and super column families do not have this call.

        Raises PackingError; ApplicationError, a TApplicationException, where the server does not know the call;
        and what `insert` raises. (Release 2.0.)
        """
        condition = Condition(pack_columns(self, expected or {}), pack_columns(self, columns), self._timestamp_of(None),
                              whole_seconds(ttl), serial_consistency_level, self._write_level(write_consistency_level))
        applied, found = since('2.0', self._operations.cas, self._family_layout, self._pack_key(key), condition)
        current = only_expected(self, condition.expected, found)
        return CasResult(applied, self.dict_class((self._unpack_name(name), self._unpack_value(value, name))
                                                  for name, value in current))

    def add(self, key: Any, column: Any, value: int = 1, super_column: Any = None,
            write_consistency_level: Optional[int] = None) -> None:
        """Add `value`, which may be negative, to the counter `column` of row `key`, at `write_consistency_level`.

        `super_column` is needed in a super column family.

        After a failure it is sent again only with `retry_counter_mutations`. Raises PackingError, what the server
        answers, and MaximumRetryException: OutcomeUnknown, if it may have been added. (Release 1.1.)
        """
        name, super_name = self._counter_name(key, column, super_column)
        if name is None:
            raise PackingError(f'column family {self.column_family!r}, row {key!r:.80}: None is no column name')
        delta = operator.index(value) if hasattr(type(value), '__index__') else None
        if delta is None or not -2 ** 63 <= delta < 2 ** 63:
            raise PackingError(f'column family {self.column_family!r}, row {key!r:.80}, column {column!r:.80}: a '
                               f'counter takes an int of 64 bits, not {value!r:.80} ({type(value).__name__})')
        self._operations.add(self._family_layout, self._pack_key(key), super_name, name, delta,
                             self._write_level(write_consistency_level), bool(self.retry_counter_mutations))

    def _counter_name(self, key: Any, column: Any, super_column: Any) -> Tuple[Optional[bytes], Optional[bytes]]:
        try:
            return self._pack_name(column), self._pack_super(super_column)
        except PackingError as error:
            raise self._in_row(key, error) from error

    def remove(self, key: Any, columns: Optional[Iterable[Any]] = None, super_column: Any = None,
               write_consistency_level: Optional[int] = None, timestamp: Optional[int] = None, counter: Any = None,
               column_start: Any = None, column_finish: Any = None, clock: Optional[int] = None) -> int:
        """Remove a row, or columns of it. Returns the timestamp of the removal, in microseconds.

        Parameters
        ----------
        key : the row key
        columns : names of the columns (or super columns) to remove, any iterable; an empty one removes nothing. None
            removes the whole row, or all of `super_column`
        super_column : remove from this super column
        write_consistency_level : a ConsistencyLevel, by default that of the ColumnFamily
        timestamp : microseconds, by default what the attribute `timestamp` returns. Columns written with a higher
            timestamp stay
        counter : ignored; release 1.11 had it
        column_start, column_finish : remove the columns from the one to the other, both included, instead of by name
            (servers since 2.0). Both have to be given: servers remove too little or too much where an end is open.
            Cassandra 3.11 leaves out the columns that the schema defines; those in between are removed by name
            besides, unless the comparator is a UUID, a composite, or a number other than an integer or a date
        clock : release 0.4's name of `timestamp`

        In a counter column family it removes counters; Cassandra 2.1 and later do not count in these columns again.
        Raises ValueError for a range with an open end, and what `insert` raises. (Release 0.3; timestamp 1.0, ranges
        2.0.)
        """
        stamp = self._timestamp_of(timestamp if clock is None else clock)
        batch = self.batch(write_consistency_level=write_consistency_level)
        batch.remove(key, columns, super_column, stamp, column_start=column_start, column_finish=column_finish)
        batch.send()
        return stamp

    def _removal_predicates(self, columns: Optional[List[Any]], super_column: Any, start: Any,
                            finish: Any) -> List[Optional[bytes]]:
        """The encoded predicates of the deletions that a removal consists of; None is for all columns."""
        supers = self.super and super_column is None
        if start is None and finish is None:
            return [None if columns is None else codec.encode_names_predicate(self._pack_names(columns, supers))]
        if columns is not None:
            raise ValueError('remove: columns and a range of columns cannot both be given')
        ends = self._pack_end(start, supers, True), self._pack_end(finish, supers, False)
        if not all(ends):
            raise ValueError('remove: a range needs column_start and column_finish, neither of them empty; without '
                             'both ends servers remove other columns than those meant')
        defined = self._defined_within(*ends)
        by_name = [codec.encode_names_predicate(defined)] if defined else []
        return [codec.encode_slice_predicate(*ends, False, MAX_COUNT), *by_name]

    def remove_counter(self, key: Any, column: Any, super_column: Any = None,
                       write_consistency_level: Optional[int] = None) -> None:
        """Remove the counter `column` of row `key` (of its `super_column`), at `write_consistency_level`.

        Cassandra 2.1 and later do not count in that column again.
        Sent again after a failure only with `retry_counter_mutations`. Raises PackingError and what the server
        answers. (Release 1.1.)
        """
        name, super_name = self._counter_name(key, column, super_column)
        self._operations.remove_counter(self._family_layout, self._pack_key(key), super_name, name,
                                        self._write_level(write_consistency_level), bool(self.retry_counter_mutations))

    def batch(self, queue_size: Optional[int] = 100, write_consistency_level: Optional[int] = None,
              atomic: Optional[bool] = None) -> CfMutator:
        """A batch of this family: a `pycassa.batch.CfMutator`, whose inserts and removals are sent together.

        `queue_size` is the number of calls after which it sends by itself, None for never, and
        `write_consistency_level` (default: the attribute) that of the sending. `atomic` makes atomic batches, of
        Cassandra 1.2 and later. (Release 0.4.2; atomic 1.10.)
        """
        return CfMutator(self, queue_size, self._write_level(write_consistency_level), atomic=bool(atomic))

    def truncate(self) -> None:
        """Remove all rows. All servers have to be up; it is not sent again after a failure.

        Raises UnavailableException, TimedOutException. (Release 0.4.)
        """
        self._operations.truncate(self.column_family)


PooledColumnFamily = ColumnFamily


def _flags(include_timestamp: bool, include_ttl: bool) -> int:
    return (codec.INCLUDE_TIMESTAMP if include_timestamp else 0) | (codec.INCLUDE_TTL if include_ttl else 0)


def _is_hashable(key: Any) -> bool:
    try:
        hash(key)
    except (TypeError, ValueError):  # ValueError: a memoryview that can be written to
        return False
    return True


def _has_columns(item: Tuple[Any, Any]) -> bool:
    return bool(item[1])


def _any_row(item: Tuple[Any, Any]) -> bool:
    return True
