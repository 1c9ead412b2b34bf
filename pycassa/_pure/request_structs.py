"""The structs of requests as tuples of their fields in the order of the interface, mutations with a kind in front."""
from typing import Any, List, Tuple

from pycassa._pure.cursor import BOOL, I32
from pycassa._pure.shapes import (
    Field,
    Shape,
    binary_field,
    enum_reader,
    i32_field,
    i64_field,
    list_field,
    read_binary,
    read_bool,
    read_i32,
    struct_field,
    text_field,
)

__all__ = ['COLUMN', 'COLUMN_PARENT', 'COLUMN_PATH', 'COUNTER_COLUMN', 'INDEX_CLAUSE', 'KEY_RANGE',
           'MULTI_SLICE_REQUEST', 'MUTATION', 'SLICE_PREDICATE']

COLUMN = Shape('Column', [
    binary_field(1, 'name'), binary_field(2, 'value', False), i64_field(3, 'timestamp', False),
    i32_field(4, 'ttl', False)])
SUPER_COLUMN = Shape('SuperColumn', [binary_field(1, 'name'), list_field(2, 'columns', COLUMN)])
COUNTER_COLUMN = Shape('CounterColumn', [binary_field(1, 'name'), i64_field(2, 'value')])
COUNTER_SUPER_COLUMN = Shape('CounterSuperColumn', [
    binary_field(1, 'name'), list_field(2, 'columns', COUNTER_COLUMN)])
COLUMN_PARENT = Shape('ColumnParent', [text_field(3, 'column_family'), binary_field(4, 'super_column', False)])
COLUMN_PATH = Shape('ColumnPath', [
    text_field(3, 'column_family'), binary_field(4, 'super_column', False), binary_field(5, 'column', False)])
SLICE_RANGE = Shape('SliceRange', [
    binary_field(1, 'start'), binary_field(2, 'finish'), Field(3, 'reversed', BOOL, read_bool, True),
    i32_field(4, 'count')])
SLICE_PREDICATE = Shape('SlicePredicate', [
    list_field(1, 'column_names', read_binary, False), struct_field(2, 'slice_range', SLICE_RANGE, False)])
INDEX_EXPRESSION = Shape('IndexExpression', [
    binary_field(1, 'column_name'), Field(2, 'op', I32, enum_reader(range(5)), True, None, True),
    binary_field(3, 'value')])
INDEX_CLAUSE = Shape('IndexClause', [
    list_field(1, 'expressions', INDEX_EXPRESSION), binary_field(2, 'start_key'), i32_field(3, 'count')])
KEY_RANGE = Shape('KeyRange', [
    binary_field(1, 'start_key', False), binary_field(2, 'end_key', False), text_field(3, 'start_token', False),
    text_field(4, 'end_token', False), i32_field(5, 'count'), list_field(6, 'row_filter', INDEX_EXPRESSION, False)])
DELETION = Shape('Deletion', [
    i64_field(1, 'timestamp', False), binary_field(2, 'super_column', False),
    struct_field(3, 'predicate', SLICE_PREDICATE, False)])
COLUMN_SLICE = Shape('ColumnSlice', [binary_field(1, 'start', False), binary_field(2, 'finish', False)])
MULTI_SLICE_REQUEST = Shape('MultiSliceRequest', [
    binary_field(1, 'key', False), struct_field(2, 'column_parent', COLUMN_PARENT, False),
    list_field(3, 'column_slices', COLUMN_SLICE, False), Field(4, 'reversed', BOOL, read_bool, False, False),
    Field(5, 'count', I32, read_i32, False, 1000), Field(6, 'consistency_level', I32, enum_reader(range(1, 12)),
                                                           False, 1, True)])

NEITHER_MEMBER, BOTH_MEMBERS, NOT_ONE_COLUMN, DELETION_KIND = (0,), (6,), (7,), 5


def _one_column(values: List[Any]) -> Tuple[Any, ...]:
    """A ColumnOrSuperColumn: its field id, then the fields of the one member; (7,) where there is not exactly one."""
    given = [(kind,) + member for kind, member in enumerate(values, 1) if member is not None]
    return given[0] if len(given) == 1 else NOT_ONE_COLUMN


COLUMN_OR_SUPER_COLUMN = Shape('ColumnOrSuperColumn', [
    struct_field(1, 'column', COLUMN, False), struct_field(2, 'super_column', SUPER_COLUMN, False),
    struct_field(3, 'counter_column', COUNTER_COLUMN, False),
    struct_field(4, 'counter_super_column', COUNTER_SUPER_COLUMN, False)], _one_column)


def _mutation(values: List[Any]) -> Tuple[Any, ...]:
    """(1, Column…), (2, SuperColumn…), (3, CounterColumn…), (4, CounterSuperColumn…) or (5, Deletion…); (0,), (6,) and
    (7,) are the three ways in which a Mutation is none of these: no member, both, not exactly one column.
    """
    column, deletion = values
    if column is None:
        return NEITHER_MEMBER if deletion is None else (DELETION_KIND,) + deletion
    return column if deletion is None else BOTH_MEMBERS


MUTATION = Shape('Mutation', [
    struct_field(1, 'column_or_supercolumn', COLUMN_OR_SUPER_COLUMN, False),
    struct_field(2, 'deletion', DELETION, False)], _mutation)
