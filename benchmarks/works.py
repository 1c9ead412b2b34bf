"""The works of the codec that are measured, as data: which call, how many rows and columns, which types.

Names have 10 bytes and values 20, unless a work says otherwise. A variant names its plain work, which has as many
columns in as many dicts, and is timed beside it.
"""
import struct
from types import ModuleType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from benchmarks import data

__all__ = ['CALLS', 'WORKS', 'Kind', 'Work', 'find']

ENCODE, SLICE, MULTIGET, RANGE = CALLS = ('batch_mutate', 'get_slice', 'multiget_slice', 'get_range_slices')


class Kind(NamedTuple):
    """A type: the codec's Scalar of it, the conversions of a client of the bindings, and the n-th value."""

    scalar: Callable[[ModuleType], Any]
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    make: Callable[[int], Any]


_double, _long = struct.Struct('>d'), struct.Struct('>q')


def _pack_pair(name: Tuple[str, int]) -> bytes:
    text, number = name[0].encode(), name[1]
    return struct.pack('>H', len(text)) + text + b'\0\0\x08' + _long.pack(number) + b'\0'


def _unpack_pair(packed: bytes) -> Tuple[str, int]:
    size = struct.unpack_from('>H', packed)[0]
    return packed[2:2 + size].decode(), _long.unpack_from(packed, size + 5)[0]


def _text(make: Callable[[int], str]) -> Kind:
    return Kind(lambda codec: codec.scalar('UTF8Type'), str.encode, bytes.decode, make)


_LONG = Kind(lambda codec: codec.scalar('LongType'), _long.pack, lambda packed: _long.unpack(packed)[0],
             lambda number: number * 7919)
_TEXT, _NAMES = _text(data.text), _text(data.name)
_DOUBLE = Kind(lambda codec: codec.scalar('DoubleType'), _double.pack, lambda packed: _double.unpack(packed)[0],
               lambda number: number + 0.5)
_NON_ASCII = _text('\u0434\u0430\u043d\u043d\u044b{:010d}'.format)
_LATIN_1 = _text('w\u00e9rt-{:014d}'.format)
_KILOBYTE = _text('value-{:01018d}'.format)
_BYTES_AS_TEXT = Kind(lambda codec: codec.bytes_scalar('utf-8'), str.encode, bytes.decode, data.text)
_COUNTER = Kind(lambda codec: codec.scalar('CounterColumnType'), _long.pack, _LONG.unpack, _LONG.make)
_PAIRS = Kind(lambda codec: codec.composite([codec.scalar('UTF8Type'), codec.scalar('LongType')]), _pack_pair,
              _unpack_pair, lambda number: ('component', number))


class Work(NamedTuple):
    """Encoding or decoding one message of `shape`: (rows, columns) or (rows, super columns, columns).

    `validated`: every other column is a LongType. `details` are what comes with each value: 't' its timestamp, 'l' its
    ttl. `ordered`: into the client's own dict class.
    """

    name: str
    call: str
    shape: Tuple[int, ...]
    values: Kind = _TEXT
    names: Kind = _NAMES
    validated: bool = False
    counters: bool = False
    ttl: Optional[int] = None
    details: str = ''
    ordered: bool = False
    plain: Optional[str] = None

    @property
    def encodes(self) -> bool:
        """Whether the work is a request rather than a reply."""
        return self.call == ENCODE

    @property
    def supers(self) -> bool:
        """Whether the columns are in super columns."""
        return len(self.shape) == 3

    @property
    def columns(self) -> int:
        """How many columns the message has."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    def validators(self) -> List[str]:
        """The names of the columns that have a type of their own, LongType."""
        return [data.name(column) for column in range(1, self.shape[-1], 2)] if self.validated else []

    def _value(self, number: int) -> Any:
        return _LONG.make(number) if self.validated and number % 2 else self.values.make(number)

    def _columns(self, start: int) -> Dict[Any, Any]:
        return {self.names.make(column): self._value(start + column) for column in range(self.shape[-1])}

    def rows(self) -> Dict[str, Any]:
        """{key: {name: value}} or {key: {super name: {name: value}}}"""
        width = self.shape[-1]
        if not self.supers:
            return {f'row{row:07d}': self._columns(row * width) for row in range(self.shape[0])}
        return {f'row{row:07d}': {f'super{number:05d}': self._columns((row * self.shape[1] + number) * width)
                                  for number in range(self.shape[1])} for row in range(self.shape[0])}

    def value_unpacker(self) -> Callable[[Any], Callable[[bytes], Any]]:
        """The unpack function of a column, by its name."""
        special = dict.fromkeys(self.validators(), _LONG.unpack)
        return lambda name: special.get(name, self.values.unpack)

    def value_packers(self) -> Dict[Any, Callable[[Any], bytes]]:
        """The pack functions of columns with types of their own."""
        return dict.fromkeys(self.validators(), _LONG.pack)

    def value_unpackers(self) -> Dict[Any, Callable[[bytes], Any]]:
        """The unpack functions of columns with types of their own."""
        return dict.fromkeys(self.validators(), _LONG.unpack)

    def expected(self) -> Any:
        """What decoding gives, packed keys as bytes: as of the codec's `decode_*`."""
        rows = self.rows()
        if self.details:
            more = tuple({'t': data.TIMESTAMP, 'l': self.ttl}[detail] for detail in self.details)
            rows = {key: {name: (value, *more) for name, value in columns.items()} for key, columns in rows.items()}
        if self.call == SLICE:
            return next(iter(rows.values()))
        packed = {key.encode(): columns for key, columns in rows.items()}
        return packed if self.call == MULTIGET else list(packed.items())


def _variants(base: str, call: str, shape: Tuple[int, ...], super_shape: Tuple[int, ...],
              super_base: Optional[str] = None) -> List[Work]:
    """The same columns with validators, as super columns, as counters."""
    plain = f'{base} text'
    return [
        Work(f'{base} validators', call, shape, validated=True, plain=plain),
        Work(f'{base} super columns', call, super_shape, plain=super_base or plain),
        Work(f'{base} counters', call, shape, values=_COUNTER, counters=True, plain=plain),
    ]


def _codings(base: str, call: str, shape: Tuple[int, ...]) -> List[Work]:
    """The same columns in other types."""
    plain = f'{base} text'
    return [
        Work(f'{base} integers', call, shape, values=_LONG, plain=plain),
        Work(f'{base} composite names', call, shape, names=_PAIRS, plain=plain),
        Work(f'{base} bytes_encoding utf-8', call, shape, values=_BYTES_AS_TEXT, plain=plain),
        Work(f'{base} with a ttl', call, shape, ttl=data.TTL, plain=plain),
    ]


def _encodings() -> List[Work]:
    shapes = {f'encode {rows} x {columns}': (rows, columns) for rows, columns in ((100, 10), (1000, 1), (1, 1000))}
    base = 'encode 100 x 10'
    return [
        *(Work(f'{name} text', ENCODE, shape) for name, shape in shapes.items()),
        Work(f'{base} doubles', ENCODE, shapes[base], values=_DOUBLE),
        *(Work(f'{name} non-ASCII', ENCODE, shape, values=_NON_ASCII) for name, shape in shapes.items()),
        Work(f'{base} Latin-1', ENCODE, shapes[base], values=_LATIN_1),
        *_variants(base, ENCODE, (100, 10), (10, 10, 10)),
        *_codings(base, ENCODE, (100, 10)),
    ]


def _slices() -> List[Work]:
    base, shape = 'decode 1 x 1000', (1, 1000)
    return [
        Work(f'{base} text', SLICE, shape),
        Work(f'{base} doubles', SLICE, shape, values=_DOUBLE),
        Work(f'{base} non-ASCII', SLICE, shape, values=_NON_ASCII),
        Work(f'{base} Latin-1', SLICE, shape, values=_LATIN_1),
        Work(f'{base} texts of 1 KB', SLICE, shape, values=_KILOBYTE),
        *_variants(base, SLICE, shape, (1, 100, 10), 'decode multiget 100 x 10 text'),
        Work(f'{base} timestamps', SLICE, shape, details='t', plain=f'{base} text'),
        Work(f'{base} timestamps and ttls', SLICE, shape, ttl=data.TTL, details='tl', plain=f'{base} text'),
        *_codings(base, SLICE, shape),
    ]


def _tables(name: str, call: str) -> List[Work]:
    base, shape = f'decode {name} 100 x 10', (100, 10)
    return [
        Work(f'{base} text', call, shape),
        Work(f'{base} doubles', call, shape, values=_DOUBLE),
        Work(f'{base} OrderedDict', call, shape, ordered=True, plain=f'{base} text'),
        *_variants(base, call, shape, (10, 10, 10)),
        Work(f'{base} timestamps', call, shape, details='t', plain=f'{base} text'),
    ]


WORKS: Dict[str, Work] = {work.name: work for work in [
    *_encodings(), *_slices(), *_tables('multiget', MULTIGET), *_tables('range', RANGE)]}


def find(texts: List[str]) -> List[Work]:
    """The works whose names contain one of the texts; all of them if there are no texts."""
    return [work for work in WORKS.values() if not texts or any(text in work.name for text in texts)]
