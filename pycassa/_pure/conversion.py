"""From lists of names and values to the dicts that users see, by the Layout of a family."""
from struct import calcsize, unpack
from typing import Any, Callable, List, Sequence, Tuple

from pycassa._pure.column_lists import ColumnList, Columns, CounterList, SuperList
from pycassa._pure.columns import CONVERSION_ERRORS, Layout, is_builtin
from pycassa._pure.packing import Scalar
from pycassa.errors import ProtocolError, UnpackingError

__all__ = ['Converter', 'INCLUDE_TIMESTAMP', 'INCLUDE_TTL']

INCLUDE_TIMESTAMP, INCLUDE_TTL = 1, 2

# Types whose values are one struct code each: a whole list of them is unpacked at once.
_CODES = {'LongType': 'q', 'Int32Type': 'i', 'FloatType': 'f', 'DoubleType': 'd', 'ShortType': 'h', 'ByteType': 'b'}


class _Names(dict):
    """Names that were unpacked once in a reply of several rows: {packed: name}."""

    __slots__ = ('_unpack',)

    def __init__(self, unpack: Callable[[bytes], Any]) -> None:
        self._unpack = unpack

    def __missing__(self, packed: bytes) -> Any:
        name = self[packed] = self._unpack(packed)
        return name


def _is_plain(dict_class: Any) -> bool:
    """Whether dict's own constructor and item assignment make a `dict_class`."""
    return (isinstance(dict_class, type) and issubclass(dict_class, dict) and dict_class.__new__ is dict.__new__
            and dict_class.__init__ is dict.__init__ and dict_class.__setitem__ is dict.__setitem__)


class Converter:
    """Makes `dict_class` objects of {name: value} out of the columns of one reply.

    A value is alone, or the first of (value, timestamp), (value, ttl) or (value, timestamp, ttl), as `flags` say.
    """

    __slots__ = ('layout', 'details', '_flags', '_dict_class', '_plain', '_unpack_name', '_unpack_super', '_code')

    def __init__(self, layout: Layout, dict_class: Any, flags: int, rows: bool = False) -> None:
        self.layout = layout
        self.details = flags != 0
        self._flags = flags
        self._dict_class = dict_class
        self._plain = _is_plain(dict_class)
        self._unpack_name = _Names(layout.name.unpack).__getitem__ if rows else layout.name.unpack
        self._code = _CODES.get(layout.value.name) if is_builtin(layout.value) and not layout.validators else None

    def dict(self, columns: Columns) -> Any:
        """{name: value}, or {super name: {name: value}}."""
        if isinstance(columns, SuperList):
            return self._fill(self._supers(columns.names), [self.dict(inner) for inner in columns.lists])
        return self._fill(self._names(columns.names), self._values(columns))

    def single(self, columns: Columns) -> Tuple[Any, Any]:
        """(name, value) of the only column or super column."""
        if isinstance(columns, SuperList):
            return self._supers(columns.names)[0], self.dict(columns.lists[0])
        return self._names(columns.names)[0], self._values(columns)[0]

    def items(self, columns: Columns) -> List[Tuple[bytes, Any, Any]]:
        """[(packed name, name, value)]."""
        if isinstance(columns, SuperList):
            return list(zip(columns.names, self._supers(columns.names), map(self.dict, columns.lists)))
        return list(zip(columns.names, self._names(columns.names), self._values(columns)))

    def _fill(self, names: Sequence[Any], values: Sequence[Any]) -> Any:
        if self._plain:
            return self._dict_class(zip(names, values))
        result = self._dict_class()
        for name, value in zip(names, values):
            result[name] = value
        return result

    def _names(self, packed: List[bytes]) -> List[Any]:
        try:
            return [*map(self._unpack_name, packed)]
        except CONVERSION_ERRORS:
            return [self._exactly(self.layout.name, name, 'the name of a column', name) for name in packed]

    def _supers(self, packed: List[bytes]) -> List[Any]:
        super_type = self.layout.super_name
        if super_type is None:
            raise ProtocolError(f'super columns in a reply of family {self.layout.family.decode()!r}, which was a '
                                'standard one when its definition was read')
        return [self._exactly(super_type, name, 'the name of a super column', name) for name in packed]

    def _values(self, columns: Any) -> Sequence[Any]:
        if isinstance(columns, CounterList):
            return columns.values
        values = self._unpacked(columns)
        if self._flags == 0:
            return values
        if self._flags == INCLUDE_TIMESTAMP:
            return [*zip(values, columns.timestamps)]
        if self._flags == INCLUDE_TTL:
            return [*zip(values, columns.ttls)]
        return [*zip(values, columns.timestamps, columns.ttls)]

    def _unpacked(self, columns: ColumnList) -> Sequence[Any]:
        layout = self.layout
        values: Any = columns.values
        try:
            if not columns.complete:
                return self._each(columns)
            if self._code is not None:
                return _unpack_all(self._code, values, layout.value)
            if not layout.validators:
                return [*map(layout.value.unpack, values)]
            find, default = layout.validators.get, layout.value
            return [find(name, default).unpack(value) for name, value in zip(columns.names, values)]
        except CONVERSION_ERRORS:
            return self._each(columns)

    def _each(self, columns: ColumnList) -> List[Any]:
        """Value by value: None for one that the server left out, and an error that names its column."""
        find, default = self.layout.validators.get, self.layout.value
        return [None if value is None else self._exactly(find(name, default), value, 'the value of column', name)
                for name, value in zip(columns.names, columns.values)]

    def _exactly(self, scalar: Scalar, data: bytes, what: str, name: bytes) -> Any:
        try:
            return scalar.unpack(data)
        except CONVERSION_ERRORS as error:
            raise UnpackingError(f'family {self.layout.family.decode()!r}: {what} {name!r:.80} ({len(data)} bytes) '
                                 f'cannot be read as {scalar.name}: {error}') from error


def _unpack_all(code: str, values: List[bytes], scalar: Scalar) -> Sequence[Any]:
    size = calcsize('>' + code)
    if {*map(len, values)} == {size}:
        return unpack(f'>{len(values)}{code}', b''.join(values))
    return [*map(scalar.unpack, values)]
