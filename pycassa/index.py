"""Index clauses: which rows `ColumnFamily.get_indexed_slices` returns.

    >>> by_state = create_index_expression('state', 'UT')
    >>> born_later = create_index_expression('birthdate', 1970, GT)
    >>> clause = create_index_clause([by_state, born_later], count=20)
    >>> for key, columns in users.get_indexed_slices(clause):
    ...     print(key, columns)

At least one expression must test an indexed column for equality (EQ); the others filter. The interface is that of
release 1.11.
"""
from typing import Any, Iterable, List, Optional, Tuple

from pycassa.cassandra.ttypes import IndexClause, IndexExpression, IndexOperator
from pycassa.errors import PackingError
from pycassa.operations import Names, Predicate
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


def cover(family: FamilyTypes, expressions: List[Packed], predicate: Predicate) -> Tuple[Predicate, List[Any]]:
    """`predicate` with the columns of `expressions`, and the names of those that it did not have.

    Servers since 3.0 find that rows do not match where a column that they test is not among those asked for.
    """
    if not isinstance(predicate, Names) or len(expressions) < 2:
        return predicate, []
    extra = list(dict.fromkeys(name for name, _, _ in expressions if name not in predicate.names))
    return Names([*predicate.names, *extra]), [family._unpack_name(name) for name in extra]
