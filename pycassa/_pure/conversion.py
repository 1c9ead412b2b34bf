"""From lists of names and values to the dicts that users see, by the Layout of a family."""
from itertools import islice
from struct import calcsize, unpack
from typing import Any, Callable, List, Sequence, Tuple

from pycassa._pure.column_lists import COLUMN, COUNTER_COLUMN, Collected, Span
from pycassa._pure.columns import CONVERSION_ERRORS, Layout, each_of, is_builtin
from pycassa._pure.packing import Scalar
from pycassa.errors import ProtocolError, UnpackingError
from pycassa.util import OrderedDict

__all__ = ['Converted', 'INCLUDE_TIMESTAMP', 'INCLUDE_TTL']

INCLUDE_TIMESTAMP, INCLUDE_TTL = 1, 2

# Types whose values are one struct code each: a whole list of them is unpacked at once.
_CODES = {'LongType': 'q', 'Int32Type': 'i', 'FloatType': 'f', 'DoubleType': 'd', 'ShortType': 'h', 'ByteType': 'b'}


class _Names(dict[bytes, Any]):
    """Names that were unpacked once in a reply of several rows: {packed: name}."""

    __slots__ = ('_unpack',)

    def __init__(self, unpack: Callable[[bytes], Any]) -> None:
        self._unpack = unpack

    def __missing__(self, packed: bytes) -> Any:
        name = self[packed] = self._unpack(packed)
        return name


def _is_plain(dict_class: Any) -> bool:
    """Whether dict's own constructor and item assignment make a `dict_class`."""
    return (type(dict_class) is type and issubclass(dict_class, dict) and dict_class.__new__ is dict.__new__
            and dict_class.__init__ is dict.__init__ and dict_class.__setitem__ is dict.__setitem__)


class Converted:
    """The columns of one reply, converted, as `dict_class` objects of {name: value}.

    A value is alone, or the first of (value, timestamp), (value, ttl) or (value, timestamp, ttl), as `flags` say;
    counters are plain integers. `rows` tells that the reply holds several rows, whose names repeat, as those of
    several super columns do.
    """

    __slots__ = ('_layout', '_found', '_dict_class', '_plain', '_names', '_values', '_counter_names', '_super_names',
                 '_inner')

    def __init__(self, layout: Layout, found: Collected, dict_class: Any, flags: int, rows: bool = False) -> None:
        self._layout = layout
        self._found = found
        self._dict_class = dict_class
        self._plain = dict_class is OrderedDict or dict_class is dict or _is_plain(dict_class)
        repeated = rows or len(found.super_spans) > 1
        unpack = _Names(layout.name.unpack).__getitem__ if repeated else layout.name.unpack
        self._names = self._unpack_names(unpack, layout.name, found.names)
        self._counter_names = self._unpack_names(unpack, layout.name, found.counter_names)
        self._super_names = self._unpack_super_names()
        self._values = self._with_details(self._unpack_values(), flags)
        self._inner = self._dicts(found.super_spans) if found.super_spans else []

    # --- what users see --------------------------------------------------------------------------------------

    def dict(self, span: Span) -> Any:
        """{name: value}, or {super name: {name: value}}."""
        names, values = self._pairs(span)
        if self._plain:
            return self._dict_class(zip(names, values))
        result = self._dict_class()
        for name, value in zip(names, values):
            result[name] = value
        return result

    def rows(self, spans: Sequence[Tuple[bytes, Span]]) -> List[Tuple[bytes, Any]]:
        """[(packed key, its columns)]."""
        return [*zip([key for key, _ in spans], self._dicts([span for _, span in spans]))]

    def _dicts(self, spans: Sequence[Span]) -> List[Any]:
        """The dict of each span: all in one pass where each begins at the end of the one before."""
        make, columns, position, dicts = self._dict_class, zip(self._names, self._values), 0, []
        for kind, start, stop in spans:
            if kind != COLUMN or start != position or not self._plain:
                return [self.dict(span) for span in spans]
            dicts.append(make(islice(columns, stop - start)))
            position = stop
        return dicts

    def single(self, span: Span) -> Tuple[Any, Any]:
        """(name, value) of the first column or super column."""
        names, values = self._pairs(span)
        return names[0], values[0]

    def items(self, span: Span) -> List[Tuple[bytes, Any, Any]]:
        """[(packed name, name, value)]."""
        kind, start, stop = span
        found = self._found
        packed = (found.names if kind == COLUMN else found.counter_names if kind == COUNTER_COLUMN
                  else found.super_names)
        return list(zip(packed[start:stop], *self._pairs(span)))

    def _pairs(self, span: Span) -> Tuple[Sequence[Any], Sequence[Any]]:
        """The names of a span, and their values beside them."""
        kind, start, stop = span
        if kind == COLUMN:
            if stop - start == len(self._names):
                return self._names, self._values
            return self._names[start:stop], self._values[start:stop]
        if kind == COUNTER_COLUMN:
            return self._counter_names[start:stop], self._found.counter_values[start:stop]
        return self._super_names[start:stop], self._inner[start:stop]

    # --- conversion ------------------------------------------------------------------------------------------

    def _unpack_names(self, unpack: Callable[[bytes], Any], scalar: Scalar, packed: List[bytes],
                      what: str = 'the name of a column') -> List[Any]:
        if not packed:
            return []
        try:
            return each_of(unpack, packed)
        except CONVERSION_ERRORS:
            return [self._exactly(scalar, name, what, name) for name in packed]

    def _unpack_super_names(self) -> List[Any]:
        packed, scalar = self._found.super_names, self._layout.super_name
        if not packed:
            return []
        if scalar is None:
            raise ProtocolError(f'super columns in a reply of family {self._layout.family.decode()!r}, which was a '
                                'standard one when its definition was read')
        return self._unpack_names(scalar.unpack, scalar, packed, 'the name of a super column')

    def _with_details(self, values: Sequence[Any], flags: int) -> Sequence[Any]:
        if flags == 0:
            return values
        found = self._found
        if flags == INCLUDE_TIMESTAMP:
            return [*zip(values, found.timestamps)]
        if flags == INCLUDE_TTL:
            return [*zip(values, found.ttls)]
        return [*zip(values, found.timestamps, found.ttls)]

    def _unpack_values(self) -> Sequence[Any]:
        values: Any = self._found.values
        scalar, validators = self._layout.value, self._layout.validators
        if not self._found.complete:
            return self._unpack_each()
        try:
            if not validators:
                return _unpack_all(scalar, values)
            find = validators.get
            return [find(name, scalar).unpack(value) for name, value in zip(self._found.names, values)]
        except CONVERSION_ERRORS:
            return self._unpack_each()

    def _unpack_each(self) -> List[Any]:
        """Value by value: None for one that the server left out, and an error that names its column."""
        find, default = self._layout.validators.get, self._layout.value
        return [None if value is None else self._exactly(find(name, default), value, 'the value of column', name)
                for name, value in zip(self._found.names, self._found.values)]

    def _exactly(self, scalar: Scalar, data: bytes, what: str, name: bytes) -> Any:
        try:
            return scalar.unpack(data)
        except CONVERSION_ERRORS as error:
            raise UnpackingError(f'family {self._layout.family.decode()!r}: {what} {name!r:.80} ({len(data)} bytes) '
                                 f'cannot be read as {scalar.name}: {error}') from error


def _unpack_all(scalar: Scalar, values: List[bytes]) -> Sequence[Any]:
    """All values as of one type, those of a fixed size in one step."""
    code = _CODES.get(scalar.name)
    if code is not None and is_builtin(scalar) and {*map(len, values)} == {calcsize('>' + code)}:
        return unpack(f'>{len(values)}{code}', b''.join(values))
    return each_of(scalar.unpack, values)
