"""Predicates made ready to run on many rows: columns, super columns and subcolumns, and their counts."""
from typing import Any, Callable, List, Optional, Tuple

from pycassa.embedded.comparators import NoOrder, Type
from pycassa.embedded.schema import Family
from pycassa.embedded.validation import Predicate, Slice

__all__ = ['Columns', 'Selector', 'selector', 'slice_bounds']

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
