"""Index clauses: which rows `ColumnFamily.get_indexed_slices` returns.

    >>> by_state = create_index_expression('state', 'UT')
    >>> born_later = create_index_expression('birthdate', 1970, GT)
    >>> clause = create_index_clause([by_state, born_later], count=20)
    >>> for key, columns in users.get_indexed_slices(clause):
    ...     print(key, columns)

At least one expression must test an indexed column for equality (EQ); the others filter. The interface is that of
release 1.11.
"""
from typing import Any, Iterable, Optional

from pycassa.cassandra.ttypes import IndexClause, IndexExpression, IndexOperator

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
