"""Small alphabets of names, values and keys for every type of the schema: few enough that operations collide."""
import functools
import itertools
import struct
from typing import Any, Callable, List, NamedTuple, Sequence, Tuple

from pycassa.embedded.profiles import profile
from pycassa.embedded.typeparser import Types

from . import exclusions

__all__ = ['Alphabet', 'comparators', 'composite', 'descending', 'distinct', 'dynamic', 'order', 'simple',
           'validators']


class Alphabet(NamedTuple):
    """Bytes of one type: `good` ones sort differently or collide on purpose, `bad` ones it refuses.

    `text` is the type's class name. `bounds` may begin and end slices; they are in the order of the type.
    """

    text: str
    good: Tuple[bytes, ...]
    bad: Tuple[bytes, ...]
    bounds: Tuple[bytes, ...]
    empty: bool = True          # whether a value of no bytes is one

    @property
    def is_composite(self) -> bool:
        return self.text.startswith('CompositeType')

    @property
    def is_descending(self) -> bool:
        return self.text.startswith('ReversedType') or self.text.endswith('(reversed=true)')

    def whole(self) -> 'Alphabet':
        """Of a composite type, only the names that have all components."""
        return self._replace(good=tuple(name for name in self.good if _components(name) == self.text.count(',') + 1))

    def without_bare_prefixes(self) -> 'Alphabet':
        """Of a composite type with a reversed component, no bounds that are names of fewer components."""
        if not (self.is_composite and ('(reversed=true)' in self.text or 'ReversedType' in self.text)):
            return self
        whole = self.text.count(',') + 1
        return self._replace(bounds=tuple(
            bound for bound in self.bounds if bound[-1] != 0 or _components(bound) == whole))


def long(number: int) -> bytes:
    return struct.pack('>q', number)


def _uuid(high: int, low: int, version: int) -> bytes:
    return struct.pack('>QQ', high & ~0xF000 | version << 12, low)


TIME_UUIDS = (_uuid(0x0000000100000000, 0x80FF, 1), _uuid(0x0000000200000000, 1 << 63, 1),
              _uuid(0x0000000100000001, 0x7F, 1), _uuid(0xFF000000000000FF, 0xFFFF, 1))
LONGS = tuple(map(long, (0, 1, 2, -1, 2**63 - 1, -2**63)))
MOMENTS = tuple(map(long, (0, 1, 86400000, -1, 1700000000123)))
WRONG_SIZE = (b'abc', b'123456789')

# Type: (good, bad). Decimals without digits are left out: servers fail to compare them.
SIMPLE = {
    'BytesType': ((b'a', b'ab', b'b', b'\x00', b'\x7f', b'\x80', b'\xff'), ()),
    'AsciiType': ((b'a', b'ab', b'b', b'B', b'~', b'a:b'), (b'\x80', b'a\xff')),
    'UTF8Type': ((b'a', b'ab', b'b', 'é'.encode(), '\uffee'.encode(), '\U0001f600'.encode()), (b'\xff', b'a\xc3')),
    'LongType': (LONGS, WRONG_SIZE),
    'Int32Type': (tuple(struct.pack('>i', n) for n in (0, 1, -1, 2**31 - 1, -2**31)), WRONG_SIZE),
    'IntegerType': ((b'\x01', b'\x00\x01', b'\xff', b'\xff\xff', b'\x7f', b'\x00\x80', b'\x80', b'\x01\x00'), ()),
    'UUIDType': (TIME_UUIDS[:3] + (_uuid(1, 1, 4), _uuid(1 << 63, 1, 4)), WRONG_SIZE),
    'TimeUUIDType': (TIME_UUIDS, WRONG_SIZE + (_uuid(1, 1, 4),)),
    'LexicalUUIDType': (TIME_UUIDS[:2] + (_uuid(1, 1, 4), _uuid(1 << 63, 1, 4)), WRONG_SIZE),
    'DateType': (MOMENTS, WRONG_SIZE),
    'TimestampType': (MOMENTS, WRONG_SIZE),
    'BooleanType': ((b'\x00', b'\x01', b'\x02', b'\xff'), (b'ab',)),
    'FloatType': (tuple(struct.pack('>f', n) for n in (0.0, -0.0, 1.5, -1.5, float('inf'), float('nan'))), WRONG_SIZE),
    'DoubleType': (tuple(struct.pack('>d', n) for n in (0.0, -0.0, 1.5, -1.5, float('-inf'), float('nan'))),
                   WRONG_SIZE),
    'DecimalType': ((b'\0\0\0\0\x01', b'\0\0\0\x01\x0a', b'\0\0\0\x02\x64', b'\0\0\0\0\xff', b'\0\0\0\x01\x0b',
                     b'\xff\xff\xff\xff\x01'), (b'abc',)),
    'InetAddressType': ((b'\x7f\0\0\x01', b'\xff\0\0\x01', b'\x0a\0\0\x01', bytes(15) + b'\x01'), (b'abc',)),
}
# Since 2.2. They refuse what is empty, open ends of slices among it, and so are of no use as comparators.
VALUES_ONLY = {
    'ByteType': ((b'\x01', b'\xff'), (b'ab',)),
    'ShortType': ((b'\x00\x01', b'\xff\xff'), (b'a',)),
    'SimpleDateType': ((b'\x80\0\0\x01', b'\x7f\0\0\0'), (b'abc',)),
    'TimeType': ((long(0), long(1)), (b'abc',)),
}


def _alphabet(release: str, text: str, good: Sequence[bytes], bad: Sequence[bytes], more: Sequence[bytes] = (),
              empty: bool = True) -> Alphabet:
    key = _types(release).parse(text).sort_key
    return Alphabet(text, tuple(good), tuple(bad), tuple(sorted((*good, *more), key=key)), empty)


@functools.cache
def _types(release: str) -> Types:
    return Types(profile(release))


def simple(release: str, name: str) -> Alphabet:
    """A type without parameters."""
    good, bad = SIMPLE[name] if name in SIMPLE else VALUES_ONLY[name]
    old = profile(release).release < (2, 0)
    if old and name == 'DecimalType':
        bad = ()
    return _alphabet(release, name, good, bad, (), name not in VALUES_ONLY and not (old and name == 'InetAddressType'))


def descending(release: str, base: Alphabet, spelling: int = 0) -> Alphabet:
    """The reverse of a type, in either spelling."""
    text = f'ReversedType({base.text})' if spelling or '(' in base.text else f'{base.text}(reversed=true)'
    bad = () if base.is_composite and exclusions.REVERSED_COMPOSITES.holds(release) else base.bad
    return _alphabet(release, text, base.good, bad, base.bounds, base.empty)


def order(release: str, names: Alphabet) -> Callable[[bytes], Any]:
    """The sort key of names; equal for names of one value in different bytes."""
    return _types(release).parse(names.text).sort_key


def distinct(release: str, names: Alphabet) -> Alphabet:
    """Without names that are the same column as another one's, in other bytes."""
    key = order(release, names)
    kept: List[bytes] = []
    for name in names.good:
        if all(key(name) != key(other) for other in kept):
            kept.append(name)
    return names._replace(good=tuple(kept), bounds=tuple(name for name in names.bounds
                                                         if name in kept or name not in names.good))


def _components(name: bytes) -> int:
    count = at = 0
    while at < len(name):
        at += 3 + int.from_bytes(name[at:at + 2], 'big')
        count += 1
    return count


def _component(raw: bytes, end: int = 0) -> bytes:
    return struct.pack('>H', len(raw)) + raw + bytes((end & 0xFF,))


def composite(release: str, parts: Sequence[Alphabet]) -> Alphabet:
    """CompositeType of 1 to 3 components; names of fewer components are among the good ones."""
    names: List[bytes] = []
    choices = [part.good[:3] for part in parts]
    for first in choices[0][:2]:
        names.append(_component(first))
    for picked in itertools.islice(itertools.product(*choices), 0, None, 1 if len(parts) < 3 else 5):
        names.append(b''.join(map(_component, picked)))
    bounds = [_component(first, end) for first in choices[0][:2] for end in (1, -1)]
    bad = [names[-1][:-1], names[-1] + b'\0', names[-1] + _component(b'a'), names[-1][:2]]
    bad += [_component(raw) for raw in parts[0].bad[:1]]
    text = f'CompositeType({",".join(part.text for part in parts)})'
    return _alphabet(release, text, names[:8], bad, bounds)


DYNAMIC = {'b': 'BytesType', 'l': 'LongType', 'u': 'UTF8Type', 'r': 'LongType(reversed=true)'}


def dynamic(release: str) -> Alphabet:
    """DynamicCompositeType with four aliases, and names that spell their types out."""
    def led(label: str, raw: bytes, end: int = 0) -> bytes:
        head = 0x8000 | ord(label) if len(label) == 1 else len(label)
        return struct.pack('>H', head) + (b'' if len(label) == 1 else label.encode()) + _component(raw, end)

    good = [led('b', b'a'), led('l', long(1)), led('UTF8Type', b'a'), led('u', b'a'), led('l', long(-1)),
            led('l', long(1)) + led('u', b'b'), led('u', b'a') + led('l', long(2)), led('u', b'a') + led('b', b'\xff')]
    bad = [led('x', b'a'), led('l', b'abc'), good[0][:-1], led('NoType', b'a')]
    text = f'DynamicCompositeType({",".join(f"{alias}=>{name}" for alias, name in DYNAMIC.items())})'
    return _alphabet(release, text, good, bad, [led('l', long(1), 1), led('u', b'a', 1), led('u', b'a', -1)])


def _known(release: str) -> List[str]:
    return [name for name in SIMPLE if name != 'TimestampType' or profile(release).release >= (2, 0)]


@functools.cache
def comparators(release: str) -> Tuple[Alphabet, ...]:
    """What families of a profile may be sorted by: simple types, reversed ones, and both kinds of composites."""
    plain = [simple(release, name) for name in _known(release)]
    by_name = {each.text: each for each in plain}
    turned = [descending(release, each, number % 2) for number, each in enumerate(plain)]
    long_, text, raw = by_name['LongType'], by_name['UTF8Type'], by_name['BytesType']
    compound = [composite(release, parts) for parts in (
        (long_, text), (raw, descending(release, long_)), (text, by_name['IntegerType'], raw),
        (by_name['TimeUUIDType'], text), (descending(release, text), raw))]
    return tuple([*plain, *turned, *compound, *compound, dynamic(release), dynamic(release),
                  descending(release, compound[0])])


@functools.cache
def validators(release: str) -> Tuple[Alphabet, ...]:
    """What values and keys of a profile may be."""
    found: List[Any] = [simple(release, name) for name in _known(release)]
    if profile(release).release >= (2, 2):
        found += [simple(release, name) for name in VALUES_ONLY]
    found.append(composite(release, (found[3], found[2])))
    return tuple(found)
