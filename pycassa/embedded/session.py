"""The session of one connection: the Thrift calls on data, with raw bytes and tuples in and out.

Shapes (see reading.Columns): columns are (kind, items), where kind is the field of ColumnOrSuperColumn and items are
1 [(name, value, timestamp, ttl or None)], 2 [(super name, [those])], 3 [(name, total)], 4 [(super name, [those])].
A predicate is (names or None, (start, finish, reversed, count) or None), a key range (start_key, end_key, start_token,
end_token, count, row_filter). Every call may raise InvalidRequestException and UnavailableException.
"""
import bisect
import functools
import itertools
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from pycassa.cassandra.ttypes import NotFoundException, TimedOutException
from pycassa.embedded.comparators import MarshalError
from pycassa.embedded.indexes import Matcher
from pycassa.embedded.messages import refuse
from pycassa.embedded.reading import Columns, filtering, first_cells, selector, spanning_defined
from pycassa.embedded.schema import Family, Keyspace
from pycassa.embedded.schema_calls import SchemaCalls
from pycassa.embedded.store import Cells
from pycassa.embedded.validation import Predicate
from pycassa.embedded.writing import Prepared

__all__ = ['Session']

Parent = Tuple[str, Optional[bytes]]
Path = Tuple[str, Optional[bytes], Optional[bytes]]
Column = Tuple[bytes, Optional[bytes], Optional[int], Optional[int]]
KeyRange = Tuple[Optional[bytes], Optional[bytes], Optional[str], Optional[str], int, Any]
Rows = Sequence[Tuple[bytes, Sequence[Tuple[str, Sequence[Tuple[Any, ...]]]]]]

_ALL = 2**31 - 1


class Session(SchemaCalls):
    """The state of one connection (`keyspace`, `user`) and the calls that it makes."""

    # --- access --------------------------------------------------------------------------------------------------

    def _family(self, name: str, counter: Optional[bool] = None) -> Tuple[Keyspace, Family]:
        keyspace = self._access()
        family = self.engine.validation.family(self.engine.keyspaces, keyspace, name, counter)
        return self.engine.keyspaces[keyspace], family

    # --- reading single rows -------------------------------------------------------------------------------------

    def get(self, key: bytes, path: Path, consistency: int) -> Columns:
        """(kind, [one item]). Raises NotFoundException besides."""
        name, super_column, column = path
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(name)
            engine.validation.path(family, super_column, column)
            engine.consistency.check_read(consistency)
            engine.validation.key(family, key)
            engine.consistency.available(keyspace, consistency)
            if column is not None:
                select = selector(family, super_column, ((column,), None))
            else:
                select = selector(family, None, ((super_column or b'',), None))
            kind, items = select(family.store.rows.get(key), engine.now())
        if not items:
            raise NotFoundException()
        return kind, items

    def get_slice(self, key: bytes, parent: Parent, predicate: Predicate, consistency: int) -> Columns:
        """The columns of one row."""
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0])
            engine.validation.parent(family, parent[1])
            engine.validation.predicate(family, parent[1], predicate)
            engine.consistency.check_read(consistency)
            engine.validation.key(family, key)
            engine.consistency.available(keyspace, consistency)
            return selector(family, parent[1], predicate)(family.store.rows.get(key), engine.now())

    def multiget_slice(self, keys: Sequence[bytes], parent: Parent, predicate: Predicate,
                       consistency: int) -> Dict[bytes, Columns]:
        """The columns of every key, missing rows included."""
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0])
            engine.validation.parent(family, parent[1])
            engine.validation.predicate(family, parent[1], predicate)
            engine.consistency.check_read(consistency, len(keys))
            for key in keys:
                engine.validation.key(family, key)
            if keys:
                engine.consistency.available(keyspace, consistency)
            select = selector(family, parent[1], predicate)
            rows, now = family.store.rows, engine.now()
            return {key: select(rows.get(key), now) for key in keys}

    def get_count(self, key: bytes, parent: Parent, predicate: Predicate, consistency: int) -> int:
        """The number of columns of one row; a slice's count caps it, no predicate members count everything."""
        names, slice_range = predicate
        if names is not None or (self.engine.profile.count_is_validated and slice_range is not None
                                 and slice_range[3] >= 0):
            return len(self.get_slice(key, parent, predicate, consistency)[1])
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0])
            if engine.profile.count_is_validated:
                engine.validation.parent(family, parent[1])
                engine.validation.key(family, key)
                engine.consistency.read(keyspace, consistency)
            start, finish, backwards, count = slice_range or (b'', b'', False, _ALL)
            if count == 0 and not engine.profile.count_is_validated:
                return 0        # no replica is asked
            engine.consistency.available(keyspace, consistency)
            super_column = parent[1] if family.is_super else None
            if count < 0:
                return -1 if engine.profile.count_is_validated else 0
            try:
                select = selector(family, super_column, (None, (start, finish, backwards, count)))
            except (MarshalError, IndexError) as error:
                refuse(f'the bounds of the slice are not names of the family: {error}')
            return len(select(family.store.rows.get(key), engine.now())[1])

    def multiget_count(self, keys: Sequence[bytes], parent: Parent, predicate: Predicate,
                       consistency: int) -> Dict[bytes, int]:
        """The number of columns of every key, missing rows included."""
        return {key: len(columns[1])
                for key, columns in self.multiget_slice(keys, parent, predicate, consistency).items()}

    def get_multi_slice(self, key: bytes, parent: Parent, slices: Sequence[Tuple[Optional[bytes], Optional[bytes]]],
                        reversed: bool, count: int, consistency: int) -> Columns:
        """The union of several slices of one row, each column once, in comparator order; `count` is over all."""
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0])
            if family.is_super:
                refuse('get_multi_slice does not support super columns')
            engine.validation.key(family, key)
            engine.validation.parent(family, parent[1])
            engine.consistency.read(keyspace, consistency)
            bounds = [self._multi_slice_bounds(family, index, start or b'', finish or b'', reversed)
                      for index, (start, finish) in enumerate(slices)]
            row = family.store.rows.get(key)
            if row is None:
                return family.kind, []
            wanted = {sort_key for first, last in bounds for sort_key in row.between(first, last, False)}
            ordered = sorted(wanted, reverse=reversed)
            return family.kind, row.select_names(ordered, engine.now())[:max(count, 0)]

    def _multi_slice_bounds(self, family: Family, index: int, start: bytes, finish: bytes,
                            backwards: bool) -> Tuple[Any, Any]:
        type_ = family.comparator
        for bound in (start, finish):
            self.engine.validation.slice(type_, (bound, b'', False, 1))
        first = type_.sort_key(start) if start else None
        last = type_.sort_key(finish) if finish else None
        if backwards:
            first, last = last, first
        if first is not None and last is not None and last < first:
            refuse(f'Reversed column slice at index {index} had start less than finish' if backwards else
                   f'Column slice at index {index} had start greater than finish')
        return first, last

    # --- reading ranges ------------------------------------------------------------------------------------------

    def get_range_slices(self, parent: Parent, predicate: Predicate, key_range: KeyRange,
                         consistency: int) -> List[Tuple[bytes, Columns]]:
        """[(key, columns)] in the order of the ring; rows without columns (range ghosts) are among them."""
        start_key, end_key, start_token, end_token, count, row_filter = key_range
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0])
            engine.validation.parent(family, parent[1])
            engine.validation.predicate(family, parent[1], predicate)
            spans = engine.validation.spans(start_key, end_key, start_token, end_token)
            matcher = engine.validation.filter(family, row_filter)
            if count <= 0:
                refuse('maxRows must be positive')
            engine.consistency.read(keyspace, consistency, 0)
            self._check_range_bounds(family, start_key, end_key)
            rows, now = family.store.scan(spans), engine.now()
            if matcher is None:
                select = selector(family, parent[1], predicate)
                return [(key, select(row, now)) for key, row in itertools.islice(rows, count)]
            matching = self._filtering(family, predicate, matcher, family.has_index(row_filter))
            found = ((key, matching(row, now)) for key, row in rows)
            return list(itertools.islice(((key, columns) for key, columns in found if columns is not None), count))

    def _filtering(self, family: Family, predicate: Predicate, matcher: Matcher,
                   indexed: bool) -> Callable[[Any, int], Optional[Columns]]:
        # A scan without an index tests in 1.2 what is named, in 2.0 to 2.2 what a slice returns; 3.x, with an index
        # too, tests what the predicate covers.
        release = self.engine.profile.release
        by_names = predicate[0] is not None
        looks_beyond = release < (3, 0) and (indexed or by_names is (release >= (2, 0)))
        return filtering(family, predicate, matcher, looks_beyond, release >= (3, 0), release >= (2, 1))

    def _check_range_bounds(self, family: Family, *bounds: Optional[bytes]) -> None:
        # Bounds are not validated, and a server fails while it handles one that its key type cannot read.
        for bound in bounds:
            if bound and family.key_check is not None:
                try:
                    family.key_check(bound)
                except MarshalError:
                    raise TimedOutException() from None

    def get_paged_slice(self, family_name: str, key_range: KeyRange, start_column: bytes,
                        consistency: int) -> List[Tuple[bytes, Columns]]:
        """Whole rows of a range, the first from `start_column` on, until range.count columns (subcolumns) are there."""
        start_key, end_key, start_token, end_token, count, row_filter = key_range
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(family_name)
            spans = engine.validation.spans(start_key, end_key, start_token, end_token)
            old = engine.profile.release < (2, 0)
            if not old:
                engine.validation.expressions(family, row_filter or ())
            matcher = engine.validation.filter(family, row_filter) if old else None
            if count <= 0:
                refuse('maxRows must be positive')
            if row_filter and not old:
                refuse('Cross-row paging is not supported along with index clauses')
            engine.consistency.read(keyspace, consistency, 0)
            engine.validation.slice(family.comparator, (start_column, b'', False, 1))
            self._check_range_bounds(family, start_key, end_key)
            now = engine.now()
            found: List[Tuple[bytes, Columns]] = []
            for key, row in family.store.scan(spans):
                if matcher is not None and not matcher.matches(functools.partial(row.get, now=now)):
                    continue
                begin = start_column if key == start_key or (old and not found and not start_key) else b''
                columns = selector(family, None, (None, (begin, b'', False, count)))(row, now)
                if family.is_super:
                    columns = first_cells(columns, count)
                    count -= sum(len(cells) for _, cells in columns[1])
                else:
                    count -= len(columns[1])
                found.append((key, columns))
                if count <= 0:
                    break
            return found

    def get_indexed_slices(self, parent: Parent, clause: Tuple[Any, bytes, int], predicate: Predicate,
                           consistency: int) -> List[Tuple[bytes, Columns]]:
        """[(key, columns)] of the rows that meet every expression, in the order of the ring from a start key."""
        expressions, start_key, count = clause
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0], counter=False)
            engine.validation.parent(family, parent[1])
            engine.validation.predicate(family, parent[1], predicate)
            matcher, value, index = engine.validation.index_clause(family, expressions)
            engine.consistency.read(keyspace, consistency, 0)
            if count < 0 and engine.profile.release < (3, 0):
                refuse('the count of an index clause must not be negative')
            if engine.profile.release < (3, 0):
                self._check_range_bounds(family, start_key)
            matching, now = self._filtering(family, predicate, matcher, True), engine.now()
            modern = engine.profile.release >= (3, 0)
            # 3.x keeps what is defined apart, and takes an index entry for an old one if none of it is read.
            is_current = spanning_defined(family, predicate) if modern else None
            sort_key = family.comparator.sort_key(index.column)
            found: List[Tuple[bytes, Columns]] = []
            for key in self._from(start_key, index.candidates(value)):
                if len(found) >= count:
                    break
                row = family.store.rows[key]
                cell = row.get(sort_key, now)
                columns = matching(row, now) if cell is not None and cell[1] == value else None
                if columns is not None and (is_current is None or is_current(row, now)):
                    found.append((key, columns))
            return found

    def _from(self, start_key: bytes, keys: Iterable[bytes]) -> Iterable[bytes]:
        ring = self.engine.partitioner
        positions = sorted(map(ring.position, keys))
        first = bisect.bisect_left(positions, ring.position(start_key)) if start_key else 0
        return map(ring.key, itertools.islice(positions, first, None))

    # --- writing -------------------------------------------------------------------------------------------------

    def insert(self, key: bytes, parent: Parent, column: Column, consistency: int) -> None:
        """Writes one column (name, value, timestamp, ttl)."""
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0], counter=False)
            self._check_target(family, key, parent[1])
            engine.validation.names(family, parent[1], (column[0],))
            now = engine.now()
            column = engine.writer.inserted(family, column, now)
            if parent[1] is None:
                prepared = engine.writer.prepare(family, key, ((1, *column),), now)
            else:
                step = engine.writer.put_below(family, parent[1], (column,), now)
                prepared = Prepared(family, key, steps=[step])
            engine.consistency.write(keyspace, consistency)
            engine.writer.apply(prepared, now)

    def _check_target(self, family: Family, key: bytes, super_column: Optional[bytes]) -> None:
        self.engine.validation.key(family, key)
        self.engine.validation.parent(family, super_column)
        if family.is_super and super_column is None:
            refuse(f'missing mandatory super column name for super CF {family.name}')

    def add(self, key: bytes, parent: Parent, counter: Tuple[bytes, int], consistency: int) -> None:
        """Adds to one counter (name, delta)."""
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(parent[0], counter=True)
            engine.validation.key(family, key)
            engine.consistency.counter(family, consistency)
            self._check_target(family, key, parent[1])
            engine.validation.names(family, parent[1], (counter[0],))
            if parent[1] is None:
                step = engine.writer.add(family, *counter)
            else:
                step = engine.writer.add_below(family, parent[1], (counter,))
            engine.consistency.write(keyspace, consistency)
            engine.writer.apply(Prepared(family, key, steps=[step]), engine.now())

    def remove(self, key: bytes, path: Path, timestamp: int, consistency: int) -> None:
        """Removes a row, a super column or a column, as of a timestamp."""
        self._remove(key, path, timestamp, consistency, False)

    def remove_counter(self, key: bytes, path: Path, consistency: int) -> None:
        """Removes a row of counters, a super column of them or one counter; it does not come back."""
        self._remove(key, path, 0, consistency, True)

    def _remove(self, key: bytes, path: Path, timestamp: int, consistency: int, counter: bool) -> None:
        name, super_column, column = path
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(name, counter)
            engine.validation.key(family, key)
            engine.validation.path_or_parent(family, super_column, column)
            if counter:
                engine.consistency.counter(family, consistency)
            now = engine.now()
            step = engine.writer.remove(family, super_column, column, timestamp, now)
            engine.consistency.write(keyspace, consistency)
            engine.writer.apply(Prepared(family, key, steps=[step]), now)

    def batch_mutate(self, rows: Rows, consistency: int) -> None:
        """Applies the mutations of many rows, all of them or, when one is refused, none."""
        self._batch(rows, consistency, True)

    def atomic_batch_mutate(self, rows: Rows, consistency: int) -> None:
        """As batch_mutate; counters are refused."""
        self._batch(rows, consistency, False)

    def _batch(self, rows: Rows, consistency: int, counters: bool) -> None:
        engine = self.engine
        writer = engine.writer
        with engine.lock:
            keyspace = self._keyspace()
            now = engine.now()
            prepared: List[Prepared] = []
            families: Dict[str, Family] = {}
            for key, mutated in rows:
                for name, mutations in mutated:
                    family = families.get(name)
                    if family is None:
                        family = families[name] = self._family(name)[1]
                    if not key or len(key) > 65535 or family.key_check is not None:
                        engine.validation.key(family, key)
                    if family.is_counter:
                        engine.consistency.counter(family, consistency)
                    prepared.append(writer.prepare(family, key, mutations, now))
                    if family.is_counter and not counters:
                        refuse('Counter mutations are not allowed in atomic batches')
            engine.consistency.check_write(consistency)
            if prepared:
                engine.consistency.available(engine.keyspaces[keyspace], consistency)
            for each in prepared:
                writer.apply(each, now)

    def cas(self, key: bytes, family_name: str, expected: Optional[Sequence[Column]], updates: Sequence[Column],
            serial_consistency: int, commit_consistency: int) -> Tuple[bool, Optional[Columns]]:
        """Writes `updates` if the row has exactly the `expected` values (none: no live column at all).

        Returns (True, None), or (False, the present values of the expected columns).
        """
        engine = self.engine
        with engine.lock:
            keyspace, family = self._family(family_name, counter=False)
            if expected is None:
                refuse('cas needs the list of expected columns; an empty one expects an empty row')
            engine.validation.key(family, key)
            if family.is_super:
                refuse('CAS does not support supercolumns')
            engine.validation.names(family, None, [column[0] for column in updates])
            now = engine.now()
            stamp = int(engine.clock() * 1000000)
            for column in updates:
                engine.writer.put(family, column, now)
            expires = engine.profile.release >= (3, 0)
            stamped = [(1, cell[0], cell[1], stamp, cell[3] if expires else None)
                       for cell in engine.writer.reconciled(family, updates, now).values()]
            prepared = engine.writer.prepare(family, key, stamped, now)
            engine.consistency.conditional(keyspace, serial_consistency, commit_consistency)
            found = self._unexpected(family, family.store.rows.get(key), expected, now)
            if found is not None:
                return False, (family.kind, found)
            engine.consistency.available(keyspace, commit_consistency)
            self._win(prepared, family.store.rows.get(key))
            engine.writer.apply(prepared, now)
            return True, None

    def _unexpected(self, family: Family, row: Optional[Cells], expected: Sequence[Column],
                    now: int) -> Optional[List[Any]]:
        """None if the row is as expected, else the columns to show."""
        if not expected:
            present = row.select_slice(None, None, False, 1, now) if row is not None else []
            return present or None
        sort_key = family.comparator.sort_key
        wanted = self.engine.writer.reconciled(family, expected, now)
        present = row.select_names(sorted(wanted), now) if row is not None else []
        values = {sort_key(cell[0]): cell[1] for cell in present}
        if all(values.get(key) == cell[1] for key, cell in wanted.items()):
            return None
        return present

    def _win(self, prepared: Prepared, row: Optional[Cells]) -> None:
        # Paxos ballots only go forward: an update of the same microsecond still comes after what it has seen.
        if row is None or prepared.cells is None:
            return
        for sort_key, cell in prepared.cells.items():
            old = row.entries.get(sort_key)
            if old is not None and old[2] == cell[2]:
                prepared.cells[sort_key] = cell[:2] + (cell[2] + 1,) + cell[3:]

    def truncate(self, family_name: str) -> None:
        """Forgets every row of a family, tombstones included."""
        engine = self.engine
        with engine.lock:
            counter = None if engine.profile.truncates_counters else False
            self._family(family_name, counter)[1].truncate()
