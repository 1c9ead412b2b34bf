"""Index clauses: which rows `ColumnFamily.get_indexed_slices` returns.

    >>> by_state = create_index_expression('state', 'UT')
    >>> born_later = create_index_expression('birthdate', 1970, GT)
    >>> clause = create_index_clause([by_state, born_later], count=20)
    >>> for key, columns in users.get_indexed_slices(clause):
    ...     print(key, columns)

At least one expression must test an indexed column for equality (EQ); the others filter. The interface is that of
release 1.11.
"""
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from pycassa.cassandra.ttypes import IndexClause, IndexExpression, IndexOperator
from pycassa.errors import PackingError
from pycassa.operations import Names, Predicate, Slice
from pycassa.schema import FamilyTypes

__all__ = ['EQ', 'GT', 'GTE', 'LT', 'LTE', 'create_index_clause', 'create_index_expression']

EQ = IndexOperator.EQ
GTE = IndexOperator.GTE
GT = IndexOperator.GT
LTE = IndexOperator.LTE
LT = IndexOperator.LT


def create_index_expression(column_name: Any, value: Any, op: int = EQ) -> IndexExpression:
    """One condition: the column `column_name` compared by `op` (EQ, GT, GTE, LT or LTE) with `value`.

    Name and value are given as `ColumnFamily.insert` takes them; they are packed by the types of the column family
    that the clause is used with. The server compares by the column's validation class.
    """
    return IndexExpression(column_name=column_name, op=op, value=value)


def create_index_clause(expr_list: Iterable[IndexExpression], start_key: Any = '',
                        count: Optional[int] = 100) -> IndexClause:
    """A conjunction of the conditions in `expr_list`, at least one of them EQ on an indexed column.

    `start_key` is the row key to begin at, itself included ('' begins at the first row); rows come in the order of
    their tokens. `count` limits the rows returned in all; None returns every row that matches.
    """
    return IndexClause(expressions=list(expr_list), start_key=start_key, count=count)


# --- for ColumnFamily.get_indexed_slices -----------------------------------------------------------------------------

Packed = Tuple[bytes, int, bytes]


def pack_expressions(family: FamilyTypes, clause: IndexClause) -> List[Packed]:
    """[(packed name, operator, packed value)] of a clause, by the types of `family`. Raises PackingError."""
    return [_pack(family, each) for each in clause.expressions]


def _pack(family: FamilyTypes, expression: IndexExpression) -> Packed:
    name = family._pack_name(expression.column_name)
    value = family._pack_value(expression.value, name)
    if name is None or value is None:
        raise PackingError(f'column family {family.column_family!r}: an index expression needs a column name and a '
                           f'value, not {expression.column_name!r} and {expression.value!r}')
    return name, expression.op, value


class Plan(NamedTuple):
    """How to read the rows of a clause: what to ask the index for, and what to do with what it gives.

    `extra` are the names of columns that were asked for beside those wanted. With `second`, only the keys of the rows
    are of use: that is what to read of them.
    """

    predicate: Predicate
    extra: Sequence[Any] = ()
    second: Optional[Slice] = None


def plan(family: FamilyTypes, expressions: List[Packed], wanted: Predicate) -> Plan:
    """How to read what is `wanted` of the rows that fulfil `expressions`.

    Cassandra 3.11 leaves rows out, or columns of them, without a word, where a column that it tests, the indexed one
    too, is not among those asked for: whole slices have them all, names are completed, and of other slices there are
    two calls.
    """
    tested = list(dict.fromkeys(name for name, _, _ in expressions))
    if isinstance(wanted, Names):
        extra = [name for name in tested if name not in wanted.names]
        return Plan(Names([*wanted.names, *extra]), [family._unpack_name(name) for name in extra])
    if wanted.start or wanted.finish or wanted.reversed:
        return Plan(Names(tested), second=wanted)
    return Plan(wanted)
