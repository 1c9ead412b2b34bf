"""Mutations: checked and made ready first, applied afterwards, so that a refused call writes nothing."""
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from pycassa.cassandra.ttypes import TimedOutException
from pycassa.embedded.comparators import MarshalError, NoOrder
from pycassa.embedded.messages import Wording, refuse
from pycassa.embedded.profiles import Profile
from pycassa.embedded.reading import slice_bounds
from pycassa.embedded.schema import Family
from pycassa.embedded.store import Cell, Cells, Counters, SuperRow
from pycassa.embedded.validation import Predicate, Validation

__all__ = ['MAX_EXPIRY', 'MAX_TTL', 'Prepared', 'Writer']

MAX_TTL = 630720000                 # 20 years in seconds
MAX_EXPIRY = 2**31 - 2              # 2038-01-19T03:14:06Z; times are stored as signed 32-bit seconds
_INVISIBLE = 0                      # an expiry that wrapped below zero: dead from the start
_MAX_INDEXED = 65535
_LEAST = -2**63

Column = Tuple[bytes, Optional[bytes], Optional[int], Optional[int]]
Step = Tuple[Callable[..., Any], Tuple[Any, ...]]


class Prepared:
    """What one key of one family gets: either distinct cells by sort key, or steps to run on its row in order."""

    __slots__ = ('family', 'key', 'cells', 'mixed', 'steps')

    def __init__(self, family: Family, key: bytes, cells: Optional[Dict[Any, Cell]] = None, mixed: bool = False,
                 steps: Sequence[Step] = ()) -> None:
        self.family = family
        self.key = key
        self.cells = cells
        self.mixed = mixed
        self.steps = steps


class Writer:
    """Prepares and applies the mutations of one engine."""

    def __init__(self, profile: Profile, validation: Validation) -> None:
        self._profile = profile
        self._validation = validation
        self._words = Wording(profile)
        # Up to 2.2 each value is measured for its index with its mutation, in 3.x after all of the row's.
        self._indexed_in_turn = profile.release < (3, 0)
        # 3.x gives a family's default TTL to what insert writes, and to nothing else.
        self._default_is_for_inserts = profile.release >= (3, 0)

    # --- preparation ---------------------------------------------------------------------------------------------

    def prepare(self, family: Family, key: bytes, mutations: Sequence[Tuple[Any, ...]], now: int) -> Prepared:
        """Checks the mutations of a row in order. Raises InvalidRequestException."""
        if family.kind == 1:
            found = self._distinct_cells(family, mutations, now)
            if found is not None:
                return Prepared(family, key, found[0], found[1])
        steps: List[Step] = []
        for mutation in mutations:
            more = self._PREPARERS[mutation[0]](self, family, mutation, now)
            if self._indexed_in_turn:
                self._check_indexed_steps(family, more)
            steps += more
        if not self._indexed_in_turn:
            self._check_indexed_steps(family, steps)
        return Prepared(family, key, steps=steps)

    def _distinct_cells(self, family: Family, mutations: Sequence[Tuple[Any, ...]],
                        now: int) -> Optional[Tuple[Dict[Any, Cell], bool]]:
        """Cells by sort key when all mutations are columns of different names, else None (nothing was refused)."""
        known = family.known
        timed = family.default_ttl is not None
        indexes = family.indexes if self._indexed_in_turn else None
        mixed = False
        cells: Dict[Any, Cell] = {}
        for mutation in mutations:
            if mutation[0] != 1:
                return None
            _, name, value, timestamp, ttl = mutation
            entry = known.get(name)
            if entry is None:
                entry = self._learn(family, name)
            sort_key, check = entry
            if ttl is not None or timed or value is None or timestamp is None or timestamp == _LEAST:
                cell = self._cell(family, name, value, timestamp, ttl, now)
                mixed = mixed or cell[3] is not None or cell[1] is None
            else:
                if check is not None:
                    try:
                        check(value)
                    except MarshalError as error:
                        self._refuse_value(family, name, error)
                cell = (name, value, timestamp, None)
            if indexes and sort_key in indexes:
                self._check_indexed(family, indexes[sort_key], cell)
            cells[sort_key] = cell
        if len(cells) != len(mutations):
            return None
        for sort_key, index in family.indexes.items():
            if sort_key in cells:
                self._check_indexed(family, index, cells[sort_key])
        return cells, mixed

    def _learn(self, family: Family, name: bytes) -> Tuple[Any, Optional[Callable[[bytes], Any]]]:
        self._validation.stored_name(family.column_type, name)
        try:
            return family.learn(name)
        except NoOrder:
            raise TimedOutException(acknowledged_by=0 if self._profile.release < (2, 2) else None) from None

    def _cell(self, family: Family, name: bytes, value: Optional[bytes], timestamp: Optional[int],
              ttl: Optional[int], now: int) -> Cell:
        """The checked cell of a Column whose name was found valid."""
        if ttl is not None:
            self._check_ttl(family, ttl, now)
        elif family.default_ttl is not None:
            ttl = self._default_ttl(family, now)
            if self._default_is_for_inserts:
                ttl = None
        if value is None:
            refuse('Column value is required')
        if timestamp is None:
            refuse('Column timestamp is required')
        check = family.validator(name).check
        if check is not None:
            try:
                check(value)
            except MarshalError as error:
                self._refuse_value(family, name, error)
        if timestamp == _LEAST and self._profile.release >= (2, 0):
            return (name, None, timestamp, None)    # stored, yet as old as what was never deleted
        if not ttl:
            return (name, value, timestamp, None)
        expiry = now + ttl
        return (name, value, timestamp, ttl, expiry if expiry <= MAX_EXPIRY else _INVISIBLE)

    def inserted(self, family: Family, column: Tuple[Any, ...], now: int) -> Tuple[Any, ...]:
        """A column (name, value, timestamp, ttl) of insert, with the default TTL where only insert gives it."""
        if column[3] is None and family.default_ttl is not None and self._default_is_for_inserts:
            return (*column[:3], self._default_ttl(family, now))
        return column

    def _default_ttl(self, family: Family, now: int) -> int:
        default = family.default_ttl or 0
        if self._profile.checked_expiry and now + default > MAX_EXPIRY:
            self._refuse_expiry(family, f'default ttl of {default}')
        return default

    def _check_ttl(self, family: Family, ttl: int, now: int) -> None:
        if self._profile.ttl_zero:
            if ttl < 0:
                refuse('ttl must be greater or equal to 0')
        elif ttl <= 0:
            refuse('ttl must be positive')
        if ttl > MAX_TTL:
            refuse(f'ttl is too large. requested ({ttl}) maximum ({MAX_TTL})')
        if self._profile.checked_expiry and now + ttl > MAX_EXPIRY:
            self._refuse_expiry(family, f'ttl of {ttl}')

    def _refuse_expiry(self, family: Family, given: str) -> None:
        refuse(f'Request on table {family.definition.keyspace}.{family.name} with {given} seconds exceeds '
               'maximum supported expiration date of 2038-01-19T03:14:06+00:00. In order to avoid this use a lower '
               'TTL, change the expiration date overflow policy or upgrade to a version where this limitation is '
               'fixed. See CASSANDRA-14092 for more details.')

    def _refuse_value(self, family: Family, name: bytes, error: MarshalError) -> None:
        refuse(f'({error}) [{family.definition.keyspace}][{family.name}][{family.column_type.text(name)}] '
               'failed validation')

    def _check_indexed(self, family: Family, index: Any, cell: Cell) -> None:
        if cell[1] is None or len(cell[1]) < _MAX_INDEXED:
            return
        keyspace, size = family.definition.keyspace, len(cell[1])
        if self._profile.release >= (3, 0):
            column = family.column_type.text(index.column)
            refuse(f'Cannot index value of size {size} for index {index.name} on {keyspace}.{family.name}({column}) '
                   f'(maximum allowed size={_MAX_INDEXED})')
        label = index.name if self._profile.release < (2, 0) else f'{family.name}.{index.name}'
        refuse(f"Can't index column value of size {size} for index {label} in CF {family.name} of KS {keyspace}")

    def _check_indexed_steps(self, family: Family, steps: Sequence[Step]) -> None:
        if family.indexes:
            for step, arguments in steps:
                if step is Cells.put and arguments[0] in family.indexes:
                    self._check_indexed(family, family.indexes[arguments[0]], arguments[1])

    # Each of these checks one mutation and returns the steps that carry it out.

    def _column(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        if family.is_counter:
            self._validation.counter_mismatch(family)
        self._validation.path(family, None, mutation[1])
        return [self.put(family, mutation[1:], now)]

    def put(self, family: Family, column: Sequence[Any], now: int) -> Step:
        """The step that stores a Column (name, value, timestamp, ttl) at the top of a row."""
        name, value, timestamp, ttl = column
        entry = family.known.get(name) or self._learn(family, name)
        return Cells.put, (entry[0], self._cell(family, name, value, timestamp, ttl, now)) + self._rules(now)

    def reconciled(self, family: Family, columns: Sequence[Column], now: int) -> Dict[Any, Cell]:
        """Cells by sort key of Columns that are not to be stored: of several of one name the one that wins."""
        found = Cells()
        for name, value, timestamp, ttl in columns:
            cell: Cell = (name, value, timestamp or 0, ttl or None)
            found.put(family.comparator.sort_key(name), cell + (now + ttl,) if ttl else cell, *self._rules(now))
        return found.entries

    def _rules(self, now: int) -> Tuple[int, str, bool]:
        return now, self._profile.ttl_tie, self._profile.first_name_stays

    def _super_column(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        if family.is_counter:
            self._validation.counter_mismatch(family)
        _, super_name, columns = mutation
        for column in columns:
            self._validation.path(family, super_name, column[0])
        return [self.put_below(family, super_name, columns, now)] if columns else []

    def put_below(self, family: Family, super_name: bytes, columns: Sequence[Sequence[Any]], now: int) -> Step:
        """The step that stores subcolumns (name, value, timestamp, ttl) of one super column."""
        cells = []
        for name, value, timestamp, ttl in columns:
            entry = family.known.get(name) or self._learn(family, name)
            cells.append((entry[0], self._cell(family, name, value, timestamp, ttl, now)))
        super_key = self._super_key(family, super_name)
        return _put_below, (super_key, super_name, cells) + self._rules(now)

    def _super_key(self, family: Family, super_name: bytes) -> Any:
        self._validation.stored_name(family.comparator, super_name)
        try:
            return family.comparator.sort_key(super_name)
        except NoOrder:
            raise TimedOutException(acknowledged_by=0 if self._profile.release < (2, 2) else None) from None

    def _counter(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        if not family.is_counter:
            self._validation.counter_mismatch(family)
        self._validation.path(family, None, mutation[1])
        return [self.add(family, mutation[1], mutation[2])]

    def add(self, family: Family, name: bytes, delta: int) -> Step:
        """The step that adds to a counter at the top of a row."""
        entry = family.known.get(name) or self._learn(family, name)
        return Counters.add, (entry[0], name, delta)

    def _super_counter(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        if not family.is_counter:
            self._validation.counter_mismatch(family)
        _, super_name, counters = mutation
        for counter in counters:
            self._validation.path(family, super_name, counter[0])
        return [self.add_below(family, super_name, counters)] if counters else []

    def add_below(self, family: Family, super_name: bytes, counters: Sequence[Tuple[bytes, int]]) -> Step:
        """The step that adds to counters of one super column."""
        deltas = [((family.known.get(name) or self._learn(family, name))[0], name, delta)
                  for name, delta in counters]
        return _add_below, (self._super_key(family, super_name), super_name, deltas)

    def _deletion(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        _, timestamp, super_column, predicate = mutation
        if super_column is not None:
            self._validation.names(family, None, (super_column,))
        if predicate is not None:
            self._validation.deletion_predicate(family, super_column, predicate)
            if predicate[1] is not None and not self._profile.slice_deletions:
                refuse('Deletion does not yet support SliceRange predicates.')
        if super_column is not None and not family.is_super:
            self._refuse_super_deletion(family, timestamp, super_column, predicate)
        if family.is_counter:
            timestamp = now * 1000000
        elif timestamp is None:
            refuse(f'Deletion timestamp is not optional for non commutative {self._words.spaced} {family.name}')
        if predicate is None:
            return [self.remove(family, super_column, None, timestamp, now)]
        return self._predicate_deletion(family, timestamp, super_column, predicate, now)

    def _refuse_super_deletion(self, family: Family, timestamp: Optional[int], super_column: bytes,
                               predicate: Optional[Predicate]) -> None:
        given = [] if timestamp is None else [f'timestamp:{timestamp}']
        given.append(f'super_column:{_dump(super_column)}')
        if predicate is not None:
            given.append(f'predicate:{_dump_predicate(predicate)}')
        what = self._words.capital_text
        refuse(f'Deletion of super columns is not possible on a standard {self._words.capital} '
               f'(KeySpace={family.definition.keyspace} {what}={family.name} Deletion=Deletion({", ".join(given)}))')

    def _predicate_deletion(self, family: Family, timestamp: int, super_column: Optional[bytes],
                            predicate: Predicate, now: int) -> List[Step]:
        names, slice_range = predicate
        if names is not None:
            if family.is_super and super_column is None:
                return [self.remove(family, name, None, timestamp, now) for name in names]
            return [self.remove(family, super_column, name, timestamp, now) for name in names]
        assert slice_range is not None
        type_ = self._validation.names_type(family, super_column)
        span = self._deleted_span(type_, slice_range)
        if span is None:
            return []
        if super_column is None:
            return [(_delete_range, span + (timestamp,))]
        if self._profile.release >= (3, 0):
            refuse('Cannot delete a range of subcolumns in a super column')
        return [(_delete_range_below, (self._super_key(family, super_column), super_column) + span + (timestamp,))]

    def _deleted_span(self, type_: Any, slice_range: Any) -> Optional[Tuple[Any, Any]]:
        """(first, last) of a range deletion as the profile understands it, None where it deletes nothing."""
        start, finish, backwards, _ = slice_range
        if not self._profile.closed_range_deletions:
            if backwards:
                return None
            return slice_bounds(type_, slice_range)
        if not backwards and finish:
            return slice_bounds(type_, slice_range)
        if not start:
            return None
        return type_.sort_key(start), type_.sort_key(start)

    def remove(self, family: Family, super_column: Optional[bytes], column: Optional[bytes], timestamp: int,
               now: int) -> Step:
        """The step that removes a row, a super column, or a column or counter."""
        if super_column is None and column is None:
            return _delete_all, (timestamp,)
        if column is None:
            assert super_column is not None
            return _delete_super, (self._super_key(family, super_column), super_column, timestamp)
        sort_key = self._bound_key(family, column)
        if super_column is None:
            if family.is_counter:
                return Counters.remove, (sort_key, column)
            return Cells.put, (sort_key, (column, None, timestamp, None)) + self._rules(now)
        super_key = self._super_key(family, super_column)
        if family.is_counter:
            return _remove_counter_below, (super_key, super_column, sort_key, column)
        tombstone = [(sort_key, (column, None, timestamp, None))]
        return _put_below, (super_key, super_column, tombstone) + self._rules(now)

    def _bound_key(self, family: Family, column: bytes) -> Any:
        self._validation.stored_name(family.column_type, column)
        try:
            return family.column_type.sort_key(column)
        except NoOrder:
            raise TimedOutException(acknowledged_by=0 if self._profile.release < (2, 2) else None) from None

    def _nothing_given(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        refuse('mutation must have one and only one of column_or_supercolumn or deletion')

    def _wrong_member(self, family: Family, mutation: Tuple[Any, ...], now: int) -> List[Step]:
        refuse('ColumnOrSuperColumn must have one (and only one) of column, super_column, counter and '
               'counter_super_column')

    _PREPARERS: Tuple[Callable[..., List[Step]], ...] = (
        _nothing_given, _column, _super_column, _counter, _super_counter, _deletion, _nothing_given, _wrong_member)

    # --- application ---------------------------------------------------------------------------------------------

    def apply(self, prepared: Prepared, now: int) -> None:
        """Carries out what was prepared. Cannot fail."""
        family, key = prepared.family, prepared.key
        if prepared.cells:
            self._apply_cells(family, key, prepared.cells, prepared.mixed, now)
        elif prepared.steps or self._profile.empty_leaves_ghost:
            row = family.row(key)
            for step, arguments in prepared.steps:
                step(row, *arguments)
        else:
            return
        if family.indexes:
            family.index_row(key, family.store.rows[key])

    def _apply_cells(self, family: Family, key: bytes, cells: Dict[Any, Cell], mixed: bool, now: int) -> None:
        row = family.store.rows.get(key)
        if row is None:
            family.store.add(key, Cells(cells, mixed))
            return
        if row.deleted is None and row.ranges is None:
            entries = row.entries
            if entries.keys().isdisjoint(cells):
                entries.update(cells)
                row.mixed = row.mixed or mixed
                return
        rules = self._rules(now)
        for sort_key, cell in cells.items():
            row.put(sort_key, cell, *rules)


# --- texts of requests, as messages of servers have them --------------------------------------------------------------

def _dump(raw: bytes) -> str:
    return raw[:128].hex(' ').upper() + ('...' if len(raw) > 128 else '')


def _dump_predicate(predicate: Predicate) -> str:
    names, slice_range = predicate
    given = []
    if names is not None:
        given.append(f'column_names:[{", ".join(map(_dump, names))}]')
    if slice_range is not None:
        start, finish, backwards, count = slice_range
        given.append(f'slice_range:SliceRange(start:{_dump(start)}, finish:{_dump(finish)}, '
                     f'reversed:{str(backwards).lower()}, count:{count})')
    return f'SlicePredicate({", ".join(given)})'


# --- steps on a row ----------------------------------------------------------------------------------------------

def _delete_all(row: Any, timestamp: int) -> None:
    row.delete_all(timestamp)


def _delete_range(row: Any, first: Any, last: Any, timestamp: int) -> None:
    row.delete_range(first, last, timestamp)


def _put_below(row: SuperRow, super_key: Any, super_name: bytes, cells: Sequence[Tuple[Any, Cell]], now: int,
               ttl_tie: str, first_name_stays: bool) -> None:
    column = row.column(super_key, super_name)
    for sort_key, cell in cells:
        column.put(sort_key, cell, now, ttl_tie, first_name_stays)


def _add_below(row: SuperRow, super_key: Any, super_name: bytes, deltas: Sequence[Tuple[Any, bytes, int]]) -> None:
    column = row.column(super_key, super_name)
    for sort_key, name, delta in deltas:
        column.add(sort_key, name, delta)


def _delete_super(row: SuperRow, super_key: Any, super_name: bytes, timestamp: int) -> None:
    row.column(super_key, super_name).delete_all(timestamp)


def _delete_range_below(row: SuperRow, super_key: Any, super_name: bytes, first: Any, last: Any,
                        timestamp: int) -> None:
    row.column(super_key, super_name).delete_range(first, last, timestamp)


def _remove_counter_below(row: SuperRow, super_key: Any, super_name: bytes, sort_key: Any, name: bytes) -> None:
    row.column(super_key, super_name).remove(sort_key, name)
