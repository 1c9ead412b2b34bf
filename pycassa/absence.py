"""What a read that found nothing says: that there is no such row, or which of its columns are not there."""
from typing import Any, Collection

from pycassa.cassandra.ttypes import NotFoundException
from pycassa.operations import Names, Predicate
from pycassa.schema import FamilyTypes, is_open

__all__ = ['explain', 'nothing_in_slices']

# As many names are shown.
_FEW = 5
_HOW_TO_TELL = 'The row may have others, or not exist at all: then get_count(key, max_count=1) is 0'


def explain(error: NotFoundException, family: FamilyTypes, key: Any, predicate: Predicate, columns: Any, start: Any,
            finish: Any, super_column: Any) -> NotFoundException:
    """`error` with what ColumnFamily.get was asked for and did not find, in its text and its attribute `why`.

    Its attribute `row_exists` is False where the whole row was asked for, since a row is its columns, and None where
    a part of it was. That is not looked up: to find the first column of a row, servers read through all that was
    removed before it.
    """
    asked_nothing = _asks_nothing(predicate)
    what = f'column family {family.column_family!r}'
    whole = not asked_nothing and _is_whole_row(predicate, start, finish, super_column)
    if asked_nothing:
        error.why = f'{what}, row {key!r:.80}: no column was asked for, by {asked_nothing}'
    elif whole:
        error.why = f'{what} has no row {key!r:.80}'
    else:
        part = _part(family, predicate, columns, start, finish, super_column)
        error.why = f'{what}, row {key!r:.80}: {part}. {_HOW_TO_TELL}'
    error.row_exists = False if whole else None
    return error


def nothing_in_slices(family: FamilyTypes, key: Any, is_asked: bool) -> NotFoundException:
    """The error of ColumnFamily.get_multi_slice for slices without a column, or where none `is_asked` for."""
    error = NotFoundException()
    error.why = f'column family {family.column_family!r}, row {key!r:.80}: ' + (
        f'no column in any of the slices. {_HOW_TO_TELL}' if is_asked else
        'no column was asked for, by slices=[] or column_count=0')
    error.row_exists = None
    return error


def _asks_nothing(predicate: Predicate) -> str:
    """The argument by which no column is asked for; '' where there is none."""
    if isinstance(predicate, Names):
        return '' if predicate.names else 'columns=[]'
    return '' if predicate.count else 'column_count=0'


def _is_whole_row(predicate: Predicate, start: Any, finish: Any, super_column: Any) -> bool:
    return not isinstance(predicate, Names) and is_open(start) and is_open(finish) and super_column is None


def _part(family: FamilyTypes, predicate: Predicate, columns: Any, start: Any, finish: Any, super_column: Any) -> str:
    supers = family.super and super_column is None
    kind = 'super column' if supers else 'subcolumn' if family.super else 'column'
    place = f' in super column {super_column!r:.80}' if family.super and not supers else ''
    if isinstance(predicate, Names):
        # As they were given; of an iterator that is used up, as they were packed.
        given = list(columns) if isinstance(columns, Collection) else predicate.names
        names = [f'{name!r:.80}' for name in given[:_FEW]]
        more = f' and {len(predicate.names) - _FEW} more' if len(predicate.names) > _FEW else ''
        which = f'no {kind} {names[0]}' if len(names) == 1 else f'none of the {kind}s {", ".join(names)}{more}'
    else:
        ends = [f' {word} {end!r:.80}' for word, end in (('from', start), ('to', finish)) if not is_open(end)]
        which = f'no {kind}{"".join(ends)}{" in descending order" if ends and predicate.reversed else ""}'
    return which + place
