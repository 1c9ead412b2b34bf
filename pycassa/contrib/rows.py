"""The rows of a ColumnFamilyStub as a mapping: {key: {column name: (value, timestamp)}}, as in release 1.11."""
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, MutableMapping, Optional

from pycassa.cassandra.ttypes import NotFoundException
from pycassa.columnfamily import ColumnFamily

if TYPE_CHECKING:
    from pycassa.contrib.stubs import ColumnFamilyStub

__all__ = ['Row', 'Rows']

# All is read and written by ColumnFamily's own methods: those of a mapper deal in instances.


class Row(MutableMapping[Any, Any]):
    """The columns of one row: {name: (value, timestamp)}.

    In a super column family {super column: {name: (value, timestamp)}}, of counters {name: int}. Assigning writes with
    the timestamp given, or, to a value that is no such pair, now; deleting removes.
    """

    def __init__(self, family: 'ColumnFamilyStub', key: Any) -> None:
        self._family = family
        self._key = key

    def _columns(self) -> Mapping[Any, Any]:
        return dict(ColumnFamily.xget(self._family, self._key, include_timestamp=True))

    def __getitem__(self, name: Any) -> Any:
        try:
            return ColumnFamily.get(self._family, self._key, columns=[name], include_timestamp=True)[name]
        except NotFoundException:
            raise KeyError(name) from None

    def __setitem__(self, name: Any, value: Any) -> None:
        write(self._family, self._key, {name: value})

    def __delitem__(self, name: Any) -> None:
        if name not in self:
            raise KeyError(name)
        ColumnFamily.remove(self._family, self._key, columns=[name])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns())

    def __len__(self) -> int:
        return ColumnFamily.get_count(self._family, self._key)

    def __repr__(self) -> str:
        return repr(self._columns())


class Rows(MutableMapping[Any, Any]):
    """All rows of a family that have a column: {key: Row}, in the order of their tokens.

    Assigning to a key puts a row in the place of the one that was there, of which nothing is left, deletions included;
    a row is a mapping of the kind that a Row is.
    """

    def __init__(self, family: 'ColumnFamilyStub') -> None:
        self._family = family

    def __getitem__(self, key: Any) -> Row:
        if key not in self._family:
            raise KeyError(key)
        return Row(self._family, key)

    def __setitem__(self, key: Any, columns: Mapping[Any, Any]) -> None:
        columns = {name: dict(value) if isinstance(value, Mapping) else value for name, value in columns.items()}
        self._family.forget_row(key)
        write(self._family, key, columns)

    def __delitem__(self, key: Any) -> None:
        if key not in self._family:
            raise KeyError(key)
        self._family.forget_row(key)

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key, _ in ColumnFamily.get_range(self._family, column_count=1)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Forget every row."""
        self._family.truncate()

    def __repr__(self) -> str:
        return repr(dict(self))


def write(family: 'ColumnFamilyStub', key: Any, columns: Mapping[Any, Any]) -> None:
    """Insert columns whose values may be (value, timestamp), each with its timestamp."""
    by_timestamp: Dict[Optional[int], Dict[Any, Any]] = {}
    for name, value in columns.items():
        for timestamp, part in _split(value).items():
            by_timestamp.setdefault(timestamp, {})[name] = part
    for timestamp, part in by_timestamp.items():
        ColumnFamily.insert(family, key, part, timestamp=timestamp)


def _split(value: Any) -> Dict[Optional[int], Any]:
    """{timestamp: value} of a column, {timestamp: {name: value}} of a super column."""
    if isinstance(value, Mapping):
        parts: Dict[Optional[int], Any] = {}
        for name, each in value.items():
            for timestamp, part in _split(each).items():
                parts.setdefault(timestamp, {})[name] = part
        return parts
    if isinstance(value, tuple) and len(value) == 2 and type(value[1]) is int:
        return {value[1]: value[0]}
    return {None: value}
