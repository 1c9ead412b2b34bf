"""Compare and set: what ColumnFamily.cas returns, and the columns that it takes; calls that not all servers have."""
from typing import Any, Callable, List, Mapping, NamedTuple, Sequence, Tuple

from thrift.Thrift import TApplicationException

from pycassa.errors import ApplicationError, PackingError
from pycassa.schema import FamilyTypes

__all__ = ['CasResult', 'only_expected', 'pack_columns', 'since']

Packed = Tuple[bytes, bytes]


class CasResult(NamedTuple):
    """The outcome of `ColumnFamily.cas`, true if the columns were written.

    `current` is empty then; otherwise {name: value} of what the row has in the place of the columns expected, of which
    some may be absent. Where the row was expected not to exist it is one column of it.
    """

    applied: bool
    current: Any

    def __bool__(self) -> bool:
        return self.applied


def pack_columns(family: FamilyTypes, columns: Mapping[Any, Any]) -> List[Packed]:
    """[(packed name, packed value)] of {name: value}. Raises PackingError, also for None."""
    packed = []
    for name, value in columns.items():
        packed_name = family._pack_name(name)
        packed_value = family._pack_value(value, packed_name)
        if packed_name is None or packed_value is None:
            raise PackingError(f'column family {family.column_family!r}: a column needs a name and a value, not '
                               f'{name!r:.80} and {value!r:.80}')
        packed.append((packed_name, packed_value))
    return packed


def only_expected(family: FamilyTypes, expected: Sequence[Packed], found: List[Packed]) -> List[Packed]:
    """`found` without what Cassandra 3.11 adds to the columns expected: others that the schema defines."""
    if not expected:
        return found
    names = {name for name, _ in expected}
    added = {column.name for column in family._cfdef.column_metadata.values()} - names
    return [(name, value) for name, value in found if name not in added]


def since(release: str, operation: Callable[..., Any], *arguments: Any) -> Any:
    """Call an operation that servers have since `release`; ApplicationError says so where one does not know it."""
    try:
        return operation(*arguments)
    except ApplicationError as error:
        if error.type != TApplicationException.UNKNOWN_METHOD:
            raise
        raise ApplicationError(error.type, f'the server has no such call, which came with Cassandra {release}: '
                                           f'{error.message}') from error
