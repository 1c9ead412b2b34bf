"""Storage in memory: the cells of a row, the rows of a family, their tombstones, and reconciliation.

A cell is a tuple led by (name, value, timestamp, ttl). A tombstone has the value None. An expiring cell carries a fifth
member, the second since the epoch from which it is dead. A live cell without a TTL is, as it stands, the column
that a read returns. Sorted views are built when a read needs them: a write costs one dict entry.
"""
import bisect
import itertools
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from pycassa.embedded.partitioners import Partitioner

__all__ = ['Cells', 'Cell', 'Counters', 'Rows', 'SuperColumn', 'SuperCounter', 'SuperRow', 'alive', 'within']

Cell = Tuple[Any, ...]

_FLIP = bytes(byte ^ 0x80 for byte in range(256))
_WRAP = 1 << 64
_HALF = 1 << 63


def alive(cell: Cell, now: int) -> bool:
    """Whether a read at second `now` shows the cell."""
    return cell[1] is not None and (cell[3] is None or cell[4] > now)


def within(first: Any, key: Any, last: Any) -> bool:
    """Whether a sort key lies from `first` to `last`, both included; None is open."""
    return (first is None or first <= key) and (last is None or key <= last)


class _Sorted:
    """Entries by sort key, with a sorted list of the keys that is brought up to date when asked for."""

    __slots__ = ('entries', 'order')

    def __init__(self) -> None:
        self.entries: Dict[Any, Any] = {}
        self.order: List[Any] = []

    def keys(self) -> List[Any]:
        """The sort keys in order. Valid until the next write."""
        order = self.order
        fresh = len(self.entries) - len(order)
        if fresh:
            # Entries are never removed one by one, so the unsorted ones are the dict's last.
            newest = itertools.islice(reversed(self.entries), fresh)
            if fresh * 64 < len(order):
                for key in newest:
                    bisect.insort(order, key)
            else:
                order.extend(newest)
                order.sort()
        return order

    def between(self, first: Any, last: Any, backwards: bool) -> Iterable[Any]:
        """The sort keys from `first` to `last`, both included and first <= last; None is open."""
        order = self.keys()
        low = 0 if first is None else bisect.bisect_left(order, first)
        high = len(order) if last is None else bisect.bisect_right(order, last)
        if low >= high:
            return ()
        if backwards:
            return map(order.__getitem__, range(high - 1, low - 1, -1))
        return order[low:high] if low or high < len(order) else order


class Cells(_Sorted):
    """The columns of a row of a standard family, or of one super column.

    `deleted` is the timestamp up to which everything here is deleted; `ranges` are deleted ranges, [(first key,
    last key, timestamp)]; `mixed` tells that cells may be tombstones or expire.
    """

    __slots__ = ('deleted', 'ranges', 'mixed')

    def __init__(self, entries: Optional[Dict[Any, Cell]] = None, mixed: bool = False) -> None:
        self.entries = {} if entries is None else entries
        self.order = []
        self.deleted: Optional[int] = None
        self.ranges: Optional[List[Tuple[Any, Any, int]]] = None
        self.mixed = mixed

    def put(self, key: Any, cell: Cell, now: int, ttl_tie: str, first_name_stays: bool) -> None:
        """Stores a cell or tombstone by the rules of reconciliation: deletions win ties, then the greater value."""
        timestamp = cell[2]
        if self.deleted is not None and timestamp <= self.deleted:
            return
        if self.ranges is not None and self._in_deleted_range(key, timestamp):
            return
        old = self.entries.get(key)
        if old is not None:
            if not _replaces(old, cell, now, ttl_tie):
                return
            if first_name_stays and old[0] != cell[0]:
                cell = (old[0],) + cell[1:]
        self.entries[key] = cell
        if cell[1] is None or cell[3] is not None:
            self.mixed = True

    def _in_deleted_range(self, key: Any, timestamp: int) -> bool:
        return any(timestamp <= deleted and within(first, key, last) for first, last, deleted in self.ranges or ())

    def delete_all(self, timestamp: int) -> None:
        """Deletes everything up to `timestamp`, also what arrives later."""
        if self.deleted is not None and timestamp <= self.deleted:
            return
        self.deleted = timestamp
        if self.entries:
            self._keep({key: cell for key, cell in self.entries.items() if cell[2] > timestamp})

    def delete_range(self, first: Any, last: Any, timestamp: int) -> None:
        """Deletes what lies from `first` to `last`, both included, up to `timestamp`."""
        if self.ranges is None:
            self.ranges = []
        self.ranges.append((first, last, timestamp))
        self._keep({key: cell for key, cell in self.entries.items()
                    if cell[2] > timestamp or not within(first, key, last)})

    def _keep(self, entries: Dict[Any, Any]) -> None:
        self.entries = entries
        self.order = []

    def select_names(self, keys: Iterable[Any], now: int) -> List[Cell]:
        """The live cells of sorted, distinct sort keys."""
        entries = self.entries
        found = [entries[key] for key in keys if key in entries]
        if not self.mixed:
            return found
        return [cell if cell[3] is None else cell[:4] for cell in found if alive(cell, now)]

    def select_slice(self, first: Any, last: Any, backwards: bool, count: int, now: int) -> List[Cell]:
        """At most `count` live cells from `first` to `last` (first <= last, None is open), maybe backwards."""
        keys = self.between(first, last, backwards)
        if not self.mixed:
            return [self.entries[key] for key in itertools.islice(keys, count)]
        return list(itertools.islice(self._live(keys, now), count))

    def _live(self, keys: Iterable[Any], now: int) -> Iterator[Cell]:
        entries = self.entries
        for key in keys:
            cell = entries[key]
            if cell[1] is not None:
                if cell[3] is None:
                    yield cell
                elif cell[4] > now:
                    yield cell[:4]

    def has_live(self, now: int) -> bool:
        """Whether a read at `now` shows any column."""
        if not self.mixed:
            return bool(self.entries)
        return any(alive(cell, now) for cell in self.entries.values())

    def get(self, key: Any, now: int) -> Optional[Cell]:
        """The live cell of a sort key, or None."""
        cell = self.entries.get(key)
        if cell is None or (self.mixed and not alive(cell, now)):
            return None
        return cell if cell[3] is None else cell[:4]


def _replaces(old: Cell, new: Cell, now: int, ttl_tie: str) -> bool:
    if new[2] != old[2]:
        return new[2] > old[2]
    if ttl_tie == 'longer':
        now = -1        # 2.1 and 2.2 go by the values even of what has expired
    if not alive(old, now):
        return False
    if not alive(new, now):
        return True
    if new[1] != old[1]:
        return new[1].translate(_FLIP) > old[1].translate(_FLIP)    # bytes compare as signed ones
    if ttl_tie == 'last':
        return True
    if old[3] is None or new[3] is None:
        return ttl_tie == 'permanent' and new[3] is None and old[3] is not None
    return new[4] > old[4]


class Counters(Cells):
    """The counters of a row or of one super column: cells (name, total or None for removed).

    What was removed does not come back (the rule of 2.1), so tombstones have no timestamps here.
    """

    __slots__ = ()

    def add(self, key: Any, name: bytes, delta: int) -> None:
        """Adds to a counter; signed 64-bit arithmetic wraps."""
        if self.deleted is not None:
            return
        if self.ranges is not None and self._in_deleted_range(key, 0):
            return
        old = self.entries.get(key)
        if old is None:
            self.entries[key] = (name, delta)
        elif old[1] is not None:
            self.entries[key] = (old[0], (old[1] + delta + _HALF) % _WRAP - _HALF)

    def remove(self, key: Any, name: bytes) -> None:
        """Removes one counter, for good."""
        self.entries[key] = (name, None)
        self.mixed = True

    def delete_all(self, timestamp: int) -> None:
        self.deleted = timestamp
        self._keep({})

    def delete_range(self, first: Any, last: Any, timestamp: int) -> None:
        if self.ranges is None:
            self.ranges = []
        self.ranges.append((first, last, timestamp))
        self._keep({key: cell for key, cell in self.entries.items() if not within(first, key, last)})

    def select_names(self, keys: Iterable[Any], now: int) -> List[Cell]:
        entries = self.entries
        return [entries[key] for key in keys if key in entries and entries[key][1] is not None]

    def _live(self, keys: Iterable[Any], now: int) -> Iterator[Cell]:
        entries = self.entries
        return (entries[key] for key in keys if entries[key][1] is not None)

    def has_live(self, now: int) -> bool:
        return any(cell[1] is not None for cell in self.entries.values())

    def get(self, key: Any, now: int) -> Optional[Cell]:
        cell = self.entries.get(key)
        return cell if cell is not None and cell[1] is not None else None


class SuperColumn(Cells):
    """One super column: its name and its subcolumns."""

    __slots__ = ('name',)

    def __init__(self, name: bytes) -> None:
        Cells.__init__(self)
        self.name = name


class SuperCounter(Counters):
    """One super column of counters."""

    __slots__ = ('name',)

    def __init__(self, name: bytes) -> None:
        Counters.__init__(self)
        self.name = name


class SuperRow(_Sorted):
    """The super columns of a row. Deletions of the row or of ranges reach the super columns that come later."""

    __slots__ = ('deleted', 'ranges', 'column_class')

    def __init__(self, column_class: type) -> None:
        _Sorted.__init__(self)
        self.deleted: Optional[int] = None
        self.ranges: Optional[List[Tuple[Any, Any, int]]] = None
        self.column_class = column_class

    def column(self, key: Any, name: bytes) -> Any:
        """The super column of a sort key, made where there was none."""
        column = self.entries.get(key)
        if column is None:
            column = self.entries[key] = self.column_class(name)
            if self.deleted is not None:
                column.delete_all(self.deleted)
            for first, last, timestamp in self.ranges or ():
                if within(first, key, last):
                    column.delete_all(timestamp)
        return column

    def delete_all(self, timestamp: int) -> None:
        """Deletes every super column up to `timestamp`, also what arrives later."""
        if self.deleted is None or timestamp > self.deleted:
            self.deleted = timestamp
            for column in self.entries.values():
                column.delete_all(timestamp)

    def delete_range(self, first: Any, last: Any, timestamp: int) -> None:
        """Deletes the super columns from `first` to `last`, both included, up to `timestamp`."""
        if self.ranges is None:
            self.ranges = []
        self.ranges.append((first, last, timestamp))
        for key, column in self.entries.items():
            if within(first, key, last):
                column.delete_all(timestamp)

    def select_names(self, keys: Iterable[Any], now: int) -> List[Any]:
        """(name, live subcolumns) of the super columns of sorted, distinct keys that have any."""
        found = (self.entries[key] for key in keys if key in self.entries)
        return [(column.name, column.select_slice(None, None, False, len(column.entries), now))
                for column in found if column.has_live(now)]

    def select_slice(self, first: Any, last: Any, backwards: bool, count: int, now: int) -> List[Any]:
        """At most `count` (name, live subcolumns); subcolumns stay in ascending order."""
        columns = map(self.entries.__getitem__, self.between(first, last, backwards))
        living = (column for column in columns if column.has_live(now))
        return [(column.name, column.select_slice(None, None, False, len(column.entries), now))
                for column in itertools.islice(living, count)]

    def has_live(self, now: int) -> bool:
        """Whether a read at `now` shows any super column."""
        return any(column.has_live(now) for column in self.entries.values())


class Rows:
    """The rows of one family by key, and in the order of the ring."""

    __slots__ = ('partitioner', 'rows', '_ring', '_fresh')

    def __init__(self, partitioner: Partitioner) -> None:
        self.partitioner = partitioner
        self.clear()

    def clear(self) -> None:
        """Forgets every row, tombstones included."""
        self.rows: Dict[bytes, Any] = {}
        self._ring: List[Any] = []
        self._fresh: List[Any] = []

    def add(self, key: bytes, row: Any) -> None:
        """Adds a row whose key is new."""
        self.rows[key] = row
        self._fresh.append(self.partitioner.position(key))

    def ring(self) -> List[Any]:
        """The positions of all rows in order. Valid until the next write."""
        fresh = self._fresh
        if fresh:
            if len(fresh) * 64 < len(self._ring):
                for position in fresh:
                    bisect.insort(self._ring, position)
            else:
                self._ring += fresh
                self._ring.sort()
            self._fresh = []
        return self._ring

    def scan(self, spans: Iterable[Tuple[Any, Any]]) -> Iterator[Tuple[bytes, Any]]:
        """(key, row) in order of spans of positions; each span includes its first and excludes its last bound.

        None is an open end.
        """
        ring = self.ring()
        rows, key_of = self.rows, self.partitioner.key
        for first, last in spans:
            low = 0 if first is None else bisect.bisect_left(ring, first)
            high = len(ring) if last is None else bisect.bisect_left(ring, last)
            for at in range(low, high):
                key = key_of(ring[at])
                yield key, rows[key]
