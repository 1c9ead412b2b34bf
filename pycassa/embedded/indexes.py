"""Secondary indexes of kind KEYS, and the matching of rows against index expressions."""
from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

from pycassa.embedded.comparators import Type

__all__ = ['KeysIndex', 'Matcher']

# IndexOperator: EQ, GTE, GT, LTE, LT
_COMPARISONS: Dict[int, Callable[[Any, Any], bool]] = {
    0: lambda left, right: bool(left == right),
    1: lambda left, right: bool(left >= right),
    2: lambda left, right: bool(left > right),
    3: lambda left, right: bool(left <= right),
    4: lambda left, right: bool(left < right),
}


class KeysIndex:
    """The row keys that have, or once had, a value: candidates, which the reader checks against the rows.

    Values are told apart by their bytes: one number in two spellings is two entries.
    """

    __slots__ = ('column', 'name', 'type', 'keys')

    def __init__(self, column: bytes, name: str, type: Type) -> None:
        self.column = column
        self.name = name
        self.type = type
        self.keys: Dict[bytes, Set[bytes]] = {}

    def add(self, value: bytes, key: bytes) -> None:
        """Enters a row under a value."""
        self.keys.setdefault(value, set()).add(key)

    def candidates(self, value: bytes) -> Set[bytes]:
        """The keys of rows that may have the value."""
        return self.keys.get(value, set())

    def clear(self) -> None:
        """Forgets everything."""
        self.keys.clear()


class Matcher:
    """Whether a row of a standard family meets every one of some expressions: [(column's sort key, operator,
    sort key function of its values, value's sort key)]."""

    __slots__ = ('tests',)

    def __init__(self, tests: Iterable[Tuple[Any, int, Callable[[bytes], Any], Any]]) -> None:
        self.tests: List[Tuple[Any, Callable[[Any, Any], bool], Callable[[bytes], Any], Any]] = [
            (column, _COMPARISONS[operator], sort, wanted) for column, operator, sort, wanted in tests]

    def matches(self, find: Callable[[Any], Any]) -> bool:
        """Whether the live cells that `find` gives for sort keys pass; one that is lacking (None) does not."""
        for column, compare, sort, wanted in self.tests:
            cell = find(column)
            if cell is None:
                return False
            found = sort(cell[1])
            if found is None or not compare(found, wanted):
                return False
        return True
