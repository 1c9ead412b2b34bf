"""Predicates made ready to run on many rows: columns, super columns and subcolumns, and their counts."""
from typing import Any, Callable, List, Optional, Tuple

from pycassa.embedded.comparators import NoOrder, Type
from pycassa.embedded.indexes import Matcher
from pycassa.embedded.schema import Family
from pycassa.embedded.validation import Predicate, Slice

__all__ = ['Columns', 'Selector', 'filtering', 'first_cells', 'selector', 'slice_bounds',
           'spanning_defined']

_ALL = 2**31 - 1
Columns = Tuple[int, List[Any]]
Selector = Callable[[Any, int], Columns]


def slice_bounds(type_: Type, slice_range: Slice) -> Tuple[Any, Any]:
    """(first, last) sort keys of a slice in ascending order; None is open."""
    start, finish, backwards, _ = slice_range
    first = type_.sort_key(start) if start else None
    last = type_.sort_key(finish) if finish else None
    return (last, first) if backwards else (first, last)


def selector(family: Family, super_column: Optional[bytes], predicate: Predicate) -> Selector:
    """A function (row or None, second of the read) -> (kind, items) of a checked predicate.

    `kind` is the ColumnOrSuperColumn field: 1 columns, 2 super columns, 3 counters, 4 super counters.
    """
    below = super_column is not None and family.is_super
    type_ = family.column_type if below else family.comparator
    select = _selection(type_, predicate)
    if not below:
        kind = family.kind

        def select_row(row: Any, now: int) -> Columns:
            return kind, select(row, now) if row is not None else []
        return select_row
    kind = family.kind - 1
    super_key = family.comparator.sort_key(super_column or b'')

    def select_below(row: Any, now: int) -> Columns:
        column = row.entries.get(super_key) if row is not None else None
        return kind, select(column, now) if column is not None else []
    return select_below


def filtering(family: Family, predicate: Predicate, matcher: Matcher, looks_beyond: bool, named_only: bool,
              ascending: bool) -> Callable[[Any, int], Optional[Columns]]:
    """A function (row, second of the read) -> (kind, items), or None for a row that does not meet the expressions.

    What the expressions see differs between servers: with `looks_beyond` the whole row, or (`named_only`) all that
    the predicate names whatever its count, else exactly what the predicate returns. With `ascending` the items of a
    reversed slice are in ascending order all the same.
    """
    select = _selection(family.comparator, predicate)
    sort_key = family.comparator.sort_key
    slice_range = predicate[1]
    if named_only:
        select = _selection(family.comparator, _spanned(predicate))

    def select_matching(row: Any, now: int) -> Optional[Columns]:
        if looks_beyond:
            if not matcher.matches(lambda key: row.get(key, now)):
                return None
            items = select(row, now)
        else:
            items = select(row, now)
            shown = {sort_key(cell[0]): cell for cell in items}
            if not matcher.matches(shown.get):
                return None
        if slice_range is not None:
            if named_only:
                items = (items[::-1] if slice_range[2] else items)[:slice_range[3]]
            elif slice_range[2] and ascending:
                items.reverse()
        return family.kind, items
    return select_matching


def spanning_defined(family: Family, predicate: Predicate) -> Callable[[Any, int], bool]:
    """A function (row, second of the read) -> whether a predicate, whatever its count, takes in a live column of
    column_metadata."""
    sort_key = family.comparator.sort_key
    defined = {sort_key(name) for name in family.definition.columns}
    select = _selection(family.comparator, _spanned(predicate))
    return lambda row, now: any(sort_key(cell[0]) in defined for cell in select(row, now))


def _spanned(predicate: Predicate) -> Predicate:
    """The predicate forwards and without its count."""
    names, slice_range = predicate
    if slice_range is None:
        return predicate
    start, finish, backwards, _ = slice_range
    return names, (finish, start, False, _ALL) if backwards else (start, finish, False, _ALL)


def first_cells(columns: Columns, count: int) -> Columns:
    """Super columns cut off after `count` of their subcolumns."""
    kind, items = columns
    found = []
    for name, cells in items:
        if count <= 0:
            break
        found.append((name, cells[:count]))
        count -= len(cells)
    return kind, found


def _selection(type_: Type, predicate: Predicate) -> Callable[[Any, int], List[Any]]:
    names, slice_range = predicate
    if names is not None:
        keys = _distinct(type_, names)
        return lambda columns, now: columns.select_names(keys, now)
    assert slice_range is not None
    first, last = slice_bounds(type_, slice_range)
    backwards, count = slice_range[2], slice_range[3]
    if first is not None and last is not None and last < first:
        return lambda columns, now: []
    return lambda columns, now: columns.select_slice(first, last, backwards, count, now)


def _distinct(type_: Type, names: Any) -> List[Any]:
    keys = set()
    for name in names:
        try:
            keys.add(type_.sort_key(name))
        except NoOrder:
            continue        # such a name cannot have been stored
    return sorted(keys)
