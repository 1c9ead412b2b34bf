"""From columns as dicts to bytes: the Layout of a family, and the mutations that insert its columns.

No Column or Mutation object is made: one tuple of byte strings per column joins a list that is joined once.
"""
import functools
import math
from itertools import islice
from struct import Struct
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, Union

from pycassa._pure import packing
from pycassa._pure.packing import Scalar
from pycassa._pure.wire import LENGTHS, i32, i64, length
from pycassa.errors import PackingError

__all__ = ['CONVERSION_ERRORS', 'Layout', 'append_insertions', 'append_rows', 'column_tail', 'columns_of', 'each_of',
           'count_exactly', 'is_builtin', 'key_exactly', 'name_exactly', 'pack_key', 'pairs', 'subcolumns_of',
           'super_name_exactly', 'value_exactly']

# What pack and unpack functions raise, users' own included.
CONVERSION_ERRORS: Tuple[Type[Exception], ...] = packing.PACK_ERRORS + (ArithmeticError, AttributeError, LookupError)

_pack_counter = Struct('>q').pack

# str.encode takes only str, and encodes UTF-8; for all else the Scalar decides.
_DIRECT: Dict[str, Callable[[Any], bytes]] = {'UTF8Type': str.encode}

_TEXTS = frozenset(map(packing.scalar, ('AsciiType', 'BytesType', 'UTF8Type')))


class Layout:
    """How the keys, names and values of one family are converted.

    `validators` are the types of single columns, by packed name (in a super family: packed subcolumn name); `value`
    is that of all others. In a super family `super_name` is the type of super column names and `name` that of the
    subcolumns. Immutable by convention: where a type changes, a new Layout is made.
    """

    __slots__ = ('family', 'key', 'name', 'value', 'super_name', 'validators', 'counter',
                 'pack_key', 'pack_name', 'pack_super', 'pack_value', 'packers', 'recurrent', 'opening')

    def __init__(self, family: Union[str, bytes], *, key: Scalar, name: Scalar, value: Scalar,
                 super_name: Optional[Scalar] = None, validators: Optional[Mapping[bytes, Scalar]] = None,
                 counter: bool = False) -> None:
        self.family: bytes = family.encode() if isinstance(family, str) else bytes(memoryview(family))
        self.key = key
        self.name = name
        self.value = value
        self.super_name = super_name
        self.validators: Dict[bytes, Scalar] = dict(validators or {})
        self.counter = counter
        self.pack_key = _packer(key)
        self.pack_name = _packer(name)
        self.pack_super = _packer(super_name if super_name is not None else name)
        self.pack_value = _packer(value)
        self.packers = {name: _packer(scalar) for name, scalar in self.validators.items()}
        # Whether the bytes of a column's name can be kept from row to row, or from super column to super column.
        self.recurrent = not counter and name in _TEXTS
        # What stands between a key and the count of its mutations: a map of one family and a list.
        self.opening = b'\x0b\x0f\0\0\0\1%b%b\x0c' % (length(len(self.family)), self.family)

    def __repr__(self) -> str:
        kind = ('super ' if self.super_name is not None else '') + ('counter ' if self.counter else '')
        return f'<Layout of {kind}family {self.family.decode()!r}>'


def _packer(scalar: Scalar) -> Callable[[Any], bytes]:
    """The function that packs values of `scalar` on hot paths: what it cannot do is given to `_exactly`."""
    if scalar.name in _DIRECT and is_builtin(scalar):
        return _DIRECT[scalar.name]
    if is_builtin(scalar) and scalar.name != 'EmptyType':
        return scalar.pack
    return lambda value: _checked(scalar, value)


def is_builtin(scalar: Scalar) -> bool:
    """Whether a Scalar is one of the codec's own, whose pack and unpack are known to keep their contract."""
    try:
        return packing.scalar(scalar.name) is scalar
    except KeyError:
        return False


def _checked(scalar: Scalar, value: Any) -> bytes:
    """Pack by functions that may be a user's: None is never stored, and what comes back must be bytes."""
    if value is None:
        raise TypeError('None cannot be stored')
    data = scalar.pack(value)
    if type(data) is bytes:
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f'pack returned {type(data).__name__}, not bytes')


def _exactly(scalar: Scalar, value: Any, describe: Callable[[], str]) -> bytes:
    """Pack where the hot path could not: the bytes after all, or a PackingError that begins with `describe()`."""
    try:
        return _checked(scalar, value)
    except CONVERSION_ERRORS as error:
        raise PackingError(f'{describe()} of class {type(value).__name__} cannot be packed as {scalar.name}: '
                           f'{error}') from error


def _row(layout: Layout, key: Any) -> str:
    return f'family {layout.family.decode()!r}, row {key!r:.80}'


def _column(layout: Layout, key: Any, super_name: Any, name: Any) -> str:
    inside = f', super column {super_name[0]!r:.80}' if super_name else ''
    return f'{_row(layout, key)}{inside}, column {name!r:.80}'


def _super_column(layout: Layout, key: Any, name: Any, what: str) -> str:
    return f'{_row(layout, key)}, super column {name!r:.80}: {what}'


def pack_key(layout: Layout, key: Any) -> bytes:
    """The bytes of a row key. Raises PackingError, which names family, key, type and the key's class."""
    try:
        return layout.pack_key(key)
    except CONVERSION_ERRORS:
        return key_exactly(layout, key)


# What hot paths could not pack: the bytes after all, or a PackingError that names row, column, type and class.

def key_exactly(layout: Layout, key: Any) -> bytes:
    return _exactly(layout.key, key, lambda: f'{_row(layout, key)}: a key')


def super_name_exactly(layout: Layout, key: Any, name: Any) -> bytes:
    scalar: Any = layout.super_name
    return _exactly(scalar, name, functools.partial(_super_column, layout, key, name, 'a name'))


def name_exactly(layout: Layout, key: Any, super_name: Any, name: Any) -> bytes:
    return _exactly(layout.name, name, lambda: f'{_column(layout, key, super_name, name)}: a name')


def value_exactly(layout: Layout, key: Any, super_name: Any, name: Any, packed: bytes, value: Any) -> bytes:
    scalar = layout.validators.get(packed, layout.value)
    return _exactly(scalar, value, lambda: f'{_column(layout, key, super_name, name)}: a value')


def count_exactly(layout: Layout, key: Any, super_name: Any, name: Any, value: Any) -> bytes:
    try:
        return _pack_counter(value)
    except CONVERSION_ERRORS as error:
        raise PackingError(f'{_column(layout, key, super_name, name)}: a value of class {type(value).__name__} '
                           f'cannot be packed as CounterColumnType: {error}') from error


def each_of(function: Callable[[Any], Any], values: Collection[Any]) -> List[Any]:
    """What a function that may be a user's makes of each value."""
    found = [*map(function, values)]
    if len(found) == len(values):
        return found
    # A StopIteration of the function ended the map as if there were no more values; nothing hides it here.
    return [function(value) for value in values]


def pairs(mapping: Any, describe: Callable[[], str]) -> Any:
    """The (name, value) pairs of a dict or of any object with items(), sized and iterable more than once."""
    if type(mapping) is dict:
        return mapping.items()
    try:
        items = mapping.items
    except AttributeError:
        raise PackingError(f'{describe()} are given as a mapping, not as {type(mapping).__name__}') from None
    return tuple(items())


def columns_of(layout: Layout, key: Any, columns: Any) -> Any:
    """The (name, value) pairs of a row's columns."""
    if type(columns) is dict:
        return columns.items()
    return pairs(columns, lambda: f'{_row(layout, key)}: its columns')


def subcolumns_of(layout: Layout, key: Any, super_name: Any, columns: Any) -> Any:
    """The (name, value) pairs of a super column's columns."""
    return pairs(columns, functools.partial(_super_column, layout, key, super_name, 'its columns'))


def column_tail(timestamp: int, ttl: Optional[int]) -> bytes:
    """The end of every column written with this timestamp (microseconds) and ttl (seconds), its stop included.

    A float ttl is cut to whole seconds.
    """
    if ttl is None:
        return b'\x0a\0\3%b\0' % i64(timestamp, 'a timestamp')
    seconds = i32(int(ttl) if isinstance(ttl, float) and math.isfinite(ttl) else ttl, 'a ttl')
    return b'\x0a\0\3%b\x08\0\4%b\0' % (i64(timestamp, 'a timestamp'), seconds)


# A mutation that holds a column, up to the length of its name; what follows `column_tail` in it; the same of a
# column inside a super column; the field that precedes a column's value.
_COLUMN, _COLUMN_END = b'\x0c\0\1\x0c\0\1\x0b\0\1', b'\0\0'
_COUNTER, _COUNTER_END = b'\x0c\0\1\x0c\0\3\x0b\0\1', b'\0\0\0'
_SUBCOLUMN, _SUBCOUNTER_END = b'\x0b\0\1', b'\0'
_SUPER, _COUNTER_SUPER = b'\x0c\0\1\x0c\0\2\x0b\0\1', b'\x0c\0\1\x0c\0\4\x0b\0\1'
_SUPER_COLUMNS, _SUPER_END = b'\x0f\0\2\x0c', b'\0\0\0'
_VALUE, _COUNT = b'\x0b\0\2', b'\x0a\0\2'

Pairs = Iterable[Tuple[Any, Any]]


class _Cells:
    """Column names met before, which are likely to come again in the next row or super column.

    `known` is {name: (the bytes of a column up to its value's length, the value's pack)}; `opening` is what stands
    before a name's length. Only for names of text types: of these, equal ones have equal bytes.
    """

    __slots__ = ('known', '_layout', '_opening')

    def __init__(self, layout: Layout, opening: bytes) -> None:
        self.known: Dict[Any, Tuple[bytes, Callable[[Any], bytes]]] = {}
        self._layout, self._opening = layout, opening

    def learn(self, names: Iterable[Any]) -> None:
        """Keep names, up to the first that cannot be packed."""
        known, layout = self.known, self._layout
        try:
            for name in names:
                if name not in known:
                    packed = layout.pack_name(name)
                    head = b'%b%b%b%b' % (self._opening, length(len(packed)), packed, _VALUE)
                    known[name] = head, layout.packers.get(packed, layout.pack_value)
        except CONVERSION_ERRORS:
            pass


# Rows and super columns of as many columns are taken column by column: their names are data, and seldom recur.
_FEW = 64
# From so many rows on, it pays to take them a column at a time.
_MANY = 32
_FEW_SUBCOLUMNS = [_SUPER_COLUMNS + count for count in LENGTHS[:_FEW]]


def append_rows(parts: List[bytes], layout: Layout, keys: Sequence[bytes], names: Iterable[Any],
                rows: Collection[Any], tail: bytes) -> None:
    """Append rows to `parts`: `keys` packed, their `names` as the user gave them, and their columns.

    Each becomes its key, the family, the count of its mutations, and their structs.
    """
    if not layout.recurrent or len(keys) < 2:
        cells = None
    elif layout.super_name is not None:
        cells = _Cells(layout, _SUBCOLUMN)
    elif _is_table(rows) and _append_table(parts, layout, keys, rows, tail):
        return
    else:
        _append_recurrent_rows(parts, layout, keys, names, rows, tail)
        return
    for packed, key, columns in zip(keys, names, rows):
        _append_row(parts, layout, packed, key, columns, tail, cells)


def _is_table(rows: Collection[Any]) -> bool:
    """Whether all rows, and they are many, are plain dicts with the same few names in the same order."""
    if len(rows) < _MANY:
        return False
    first, second = islice(rows, 2)
    return (type(first) is dict and type(second) is dict and 0 < len(first) < _FEW and [*first] == [*second]
            and {*map(type, rows)} == {dict} and len({*map(tuple, rows)}) == 1)


def _append_table(parts: List[bytes], layout: Layout, keys: Sequence[bytes], rows: Collection[Dict[Any, Any]],
                  tail: bytes) -> bool:
    """As `append_rows`, a column of all rows at a time; or append nothing, if something cannot be packed so."""
    end, cells = tail + _COLUMN_END, _Cells(layout, _COLUMN)
    names = [*next(iter(rows))]
    cells.learn(names)
    row: List[bytes] = [b'', b'', layout.opening + LENGTHS[len(names)]]
    try:
        for name in names:
            row[-1] += cells.known[name][0]
            row += (b'', b'', end)
        # The constant parts of every row; then the parts that differ, each at the distance of a row from the next.
        table, width = row * len(keys), len(row)
        table[0::width], table[1::width] = _lengths(keys), keys
        for place, name in enumerate(names):
            pack = cells.known[name][1]
            values = [pack(columns[name]) for columns in rows]
            table[3 + 3 * place::width], table[4 + 3 * place::width] = _lengths(values), values
    except CONVERSION_ERRORS:
        return False
    parts += table
    return True


def _lengths(values: Sequence[bytes]) -> List[bytes]:
    try:
        return [LENGTHS[len(value)] for value in values]
    except IndexError:
        return [length(len(value)) for value in values]


def _append_recurrent_rows(parts: List[bytes], layout: Layout, keys: Sequence[bytes], names: Iterable[Any],
                           rows: Iterable[Any], tail: bytes) -> None:
    """As `append_rows`, for narrow rows whose column names are likely to be the same ones."""
    openings = [layout.opening + count for count in LENGTHS[:_FEW]]
    cells = _Cells(layout, _COLUMN)
    first = next(iter(rows))
    if type(first) is dict and len(first) < _FEW:
        cells.learn(first)
    known, add, end = cells.known, parts.extend, tail + _COLUMN_END
    for packed, key, columns in zip(keys, names, rows):
        if type(columns) is dict:
            start = len(parts)
            try:
                add((LENGTHS[len(packed)], packed, openings[len(columns)]))
                for name, value in columns.items():
                    head, pack = known[name]
                    data = pack(value)
                    add((head, LENGTHS[len(data)], data, end))
                continue
            except CONVERSION_ERRORS:
                del parts[start:]
                if len(columns) < _FEW:
                    cells.learn(columns)
        _append_row(parts, layout, packed, key, columns, tail)


def _append_row(parts: List[bytes], layout: Layout, packed: bytes, key: Any, columns: Any, tail: bytes,
                cells: Optional[_Cells] = None) -> None:
    items = columns_of(layout, key, columns)
    parts += (length(len(packed)), packed, layout.opening, length(len(items)))
    append_insertions(parts, layout, key, items, tail, cells)


def append_insertions(parts: List[bytes], layout: Layout, key: Any, columns: Any, tail: bytes,
                      cells: Optional[_Cells] = None) -> None:
    """Append the Mutation structs of one row's columns, (name, value) or (super name, columns) pairs, to `parts`.

    `cells` keeps subcolumns' names from row to row.
    """
    if layout.super_name is not None:
        _append_supers(parts, layout, key, columns, tail, cells)
    elif layout.counter:
        _append_counters(parts, layout, key, columns, _COUNTER, _COUNTER_END)
    else:
        _append_columns(parts, layout, key, columns, _COLUMN, tail + _COLUMN_END)


def _append_columns(parts: List[bytes], layout: Layout, key: Any, columns: Pairs, head: bytes, tail: bytes,
                    super_name: Any = None) -> None:
    pack_name, pack_value, packers = layout.pack_name, layout.pack_value, layout.packers
    add = parts.extend
    for name, value in columns:
        try:
            packed = pack_name(name)
            data = packers.get(packed, pack_value)(value) if packers else pack_value(value)
            add((head, LENGTHS[len(packed)], packed, _VALUE, LENGTHS[len(data)], data, tail))
        except CONVERSION_ERRORS:
            packed = name_exactly(layout, key, super_name, name)
            data = value_exactly(layout, key, super_name, name, packed, value)
            add((head, length(len(packed)), packed, _VALUE, length(len(data)), data, tail))


def _append_counters(parts: List[bytes], layout: Layout, key: Any, columns: Pairs, head: bytes, tail: bytes,
                     super_name: Any = None) -> None:
    for name, value in columns:
        try:
            packed = layout.pack_name(name)
        except CONVERSION_ERRORS:
            packed = name_exactly(layout, key, super_name, name)
        delta = count_exactly(layout, key, super_name, name, value)
        parts += (head, length(len(packed)), packed, _COUNT, delta, tail)


def _append_supers(parts: List[bytes], layout: Layout, key: Any, columns: Any, tail: bytes,
                   cells: Optional[_Cells]) -> None:
    recurrent = layout.recurrent and (cells is not None or len(columns) > 1)
    cells = cells or _Cells(layout, _SUBCOLUMN)
    known, add, pack_super = cells.known, parts.extend, layout.pack_super
    for super_name, subcolumns in columns:
        if recurrent and type(subcolumns) is dict:
            start = len(parts)
            try:
                packed = pack_super(super_name)
                add((_SUPER, LENGTHS[len(packed)], packed, _FEW_SUBCOLUMNS[len(subcolumns)]))
                for name, value in subcolumns.items():
                    head, pack = known[name]
                    data = pack(value)
                    add((head, LENGTHS[len(data)], data, tail))
                parts.append(_SUPER_END)
                continue
            except CONVERSION_ERRORS:
                del parts[start:]
                if len(subcolumns) < _FEW:
                    cells.learn(subcolumns)
        _append_super(parts, layout, key, super_name, subcolumns, tail)


def _append_super(parts: List[bytes], layout: Layout, key: Any, super_name: Any, subcolumns: Any,
                  tail: bytes) -> None:
    packed = super_name_exactly(layout, key, super_name)
    items = subcolumns_of(layout, key, super_name, subcolumns)
    parts += (_COUNTER_SUPER if layout.counter else _SUPER, length(len(packed)), packed,
              _SUPER_COLUMNS, length(len(items)))
    if layout.counter:
        _append_counters(parts, layout, key, items, _SUBCOLUMN, _SUBCOUNTER_END, (super_name,))
    else:
        _append_columns(parts, layout, key, items, _SUBCOLUMN, tail, (super_name,))
    parts.append(_SUPER_END)
