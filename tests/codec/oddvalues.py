"""Odd Python values for the codec: subclasses of builtins with methods of their own, views, numbers out of range."""
import array
import collections
import collections.abc
import datetime
import decimal
import fractions
import ipaddress
import itertools
import types
import uuid
from typing import Any, Callable, Dict, Iterator, Tuple

from pycassa.util import OrderedDict

__all__ = ['MAPPINGS', 'NOT_MAPPINGS', 'VALUES']


# --- str, bytes, numbers -----------------------------------------------------------------------------------------

class Text(str):
    """A str, and no more."""


class OtherText(str):
    """A str whose methods say something else."""

    def encode(self, *arguments: Any, **more: Any) -> bytes:
        return b'encoded otherwise'

    def __str__(self) -> str:
        return 'shown otherwise'

    def __len__(self) -> int:
        return 99

    __hash__ = str.__hash__

    def __eq__(self, other: Any) -> bool:
        return str.__eq__(self, other)


class EncodesToText(str):
    def encode(self, *arguments: Any, **more: Any) -> Any:
        return 'text'


class OtherHash(str):
    """A str that is equal to others of its text, but hashes as nothing else does."""

    def __hash__(self) -> int:
        return 5

    def __eq__(self, other: Any) -> bool:
        return str.__eq__(self, other)


class Data(bytes):
    """Bytes, and no more."""


class OtherData(bytes):
    """Bytes that give others when they are asked for."""

    def __bytes__(self) -> bytes:
        return b'others'

    def __len__(self) -> int:
        return 77

    def isascii(self) -> bool:
        return True


class OtherArray(bytearray):
    def __bytes__(self) -> bytes:
        return b'others'


class GivesBytes:
    def __bytes__(self) -> bytes:
        return b'given'


class Number(int):
    """An int, and no more."""


class OtherNumber(int):
    """An int whose conversions say something else."""

    def __index__(self) -> int:
        return 7

    def __int__(self) -> int:
        return 8

    def __float__(self) -> float:
        return 9.5


class Index:
    """No int, but taken for one."""

    def __init__(self, value: Any = 5) -> None:
        self._value = value

    def __index__(self) -> Any:
        return self._value


class Float(float):
    """A float, and no more."""


class OtherFloat(float):
    def __float__(self) -> float:
        return 1.25


class GivesFloat:
    def __float__(self) -> float:
        return 2.5


class GivesInt:
    """Has __int__ alone, which no packer takes."""

    def __int__(self) -> int:
        return 3


class Failing:
    """Raises whatever it is asked for."""

    def _fail(self, *arguments: Any) -> Any:
        raise ValueError('asked too much')

    __index__ = __float__ = __bytes__ = __len__ = _fail


class FailingClass:
    """An object that lies about its class."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @property
    def __class__(self) -> Any:
        return self._kind


class Pair(tuple):
    """A tuple, and no more."""


Named = collections.namedtuple('Named', 'first second')


def _texts() -> Dict[str, Any]:
    return {
        'empty': '', 'ascii': 'text', 'latin': 'caf\xe9', 'wide': 'Ω漢', 'astral': '\U0001f600',
        'nul': 'a\0b', 'long': 'x' * 5000, 'long latin': '\xe9' * 3000, 'surrogate': 'a\udc80b',
        'high surrogate': '\ud800', 'surrogate pair': '\ud83d\ude00',
        'escaped byte': b'\xff'.decode('utf-8', 'surrogateescape'),
        'str subclass': Text('text'), 'str subclass, latin': Text('caf\xe9'), 'other str': OtherText('text'),
        'str that encodes to text': EncodesToText('x'), 'str of another hash': OtherHash('text'),
        'number text': '1e400', 'address text': '127.0.0.1', 'address text 6': '::1',
    }


def _datas() -> Dict[str, Any]:
    grid = memoryview(bytes(range(24))).cast('B', (4, 6))
    return {
        'no bytes': b'', 'bytes': b'data', 'high bytes': b'\xff\x80', '16 bytes': bytes(range(16)), '4 bytes': b'abcd',
        '8 bytes': b'abcdefgh', 'long bytes': b'\xee' * 70000,
        'bytes subclass': Data(b'data'), 'other bytes': OtherData(b'data'), 'bytearray': bytearray(b'data'),
        'other bytearray': OtherArray(b'data'), 'view': memoryview(b'data'),
        'strided view': memoryview(b'd.a.t.a')[::2], 'reversed view': memoryview(b'data')[::-1],
        'view of two dimensions': grid, 'empty view': memoryview(b''),
        'signed view': memoryview(b'data').cast('b'), 'view of numbers': memoryview(array.array('i', [1, 2, 3])),
        'view of an array': memoryview(bytearray(b'0123456789abcdef')), 'array': array.array('b', [1, 2]),
        'object with __bytes__': GivesBytes(),
    }


def _numbers() -> Dict[str, Any]:
    edges = {f'{sign * (1 << bits) + more}': sign * (1 << bits) + more
             for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64, 70) for sign in (1, -1) for more in (-1, 0, 1)}
    return {
        **edges, 'huge': 10 ** 400, 'huge negative': -10 ** 400, 'true': True, 'false': False,
        'int subclass': Number(5), 'other int': OtherNumber(5), 'index': Index(), 'huge index': Index(1 << 70),
        'index that is no int': Index('x'), 'bool index': Index(True),
        'float': 1.5, 'zero': 0.0, 'negative zero': -0.0, 'nan': float('nan'), 'infinite': float('inf'),
        'negative infinite': float('-inf'), 'whole float': 2.0, 'tiny': 5e-324, 'largest': 1.7976931348623157e308,
        'above float32': 3.5e38, 'float subclass': Float(1.5), 'other float': OtherFloat(1.5),
        'object with __float__': GivesFloat(), 'object with __int__': GivesInt(), 'complex': 1j,
        'decimal': decimal.Decimal('1.50'), 'decimal nan': decimal.Decimal('NaN'),
        'decimal infinite': decimal.Decimal('-Infinity'),
        'decimal of 500 zeros': decimal.Decimal((0, (1,), 500)),
        'fraction': fractions.Fraction(1, 3),
    }


def _others() -> Dict[str, Any]:
    moment = datetime.datetime(2020, 2, 29, 12, 30, 1, 999999)
    return {
        'none': None, 'object': object, 'list': ['a'], 'empty tuple': (), 'tuple': ('a', 'b'), 'tuple of one': (1,),
        'pair': (1, 'b'), 'pair, exclusive': ((1, 'b'), False),
        'typed': (('UTF8Type', 'x'),), 'tuple subclass': Pair((1, 'b')),
        'named tuple': Named(1, 'b'), 'long tuple': (1, 'b', 3, 4, 5),
        'nested': ((1, 'b'), 'c'), 'component too long': (1, 'x' * 65536),
        'component as long as can be': (1, 'x' * 65535), 'generator': (each for each in 'ab'),
        'set': {1}, 'dict': {'a': 'b'}, 'failing': Failing(), 'liar, str': FailingClass(str),
        'liar, bytes': FailingClass(bytes), 'liar, int': FailingClass(int), 'liar, tuple': FailingClass(tuple),
        'datetime': moment, 'aware': moment.replace(tzinfo=datetime.timezone.utc), 'date': moment.date(),
        'time': moment.time(), 'first datetime': datetime.datetime.min, 'last datetime': datetime.datetime.max,
        'aware time': moment.time().replace(tzinfo=datetime.timezone.utc), 'uuid': uuid.UUID(int=5),
        'time uuid': uuid.UUID('00000000-0000-1000-8080-808080808080'), 'address': ipaddress.ip_address('127.0.0.1'),
        'address 6': ipaddress.ip_address('::1'), 'not implemented': NotImplemented, 'ellipsis': ..., 'class': str,
    }


def _numpy() -> Dict[str, Any]:
    """The scalars and arrays of numpy, where it happens to be installed."""
    try:
        import numpy
    except ImportError:
        return {}
    return {'numpy int64': numpy.int64(5), 'numpy float64': numpy.float64(1.5), 'numpy float32': numpy.float32(1.5),
            'numpy bool': numpy.bool_(True), 'numpy str': numpy.str_('text'), 'numpy bytes': numpy.bytes_(b'data'),
            'numpy array': numpy.arange(4), 'numpy array of none': numpy.array(5)}


VALUES: Dict[str, Any] = {**_texts(), **_datas(), **_numbers(), **_others(), **_numpy()}


# --- mappings ----------------------------------------------------------------------------------------------------

PAIRS: Tuple[Tuple[str, str], ...] = (('a', '1'), ('b', '2'), ('\xe9', '3'))
OTHER_PAIRS: Tuple[Tuple[str, str], ...] = (('other', 'pairs'),)


class PlainDict(dict):
    """A dict, and no more."""


class OtherItems(dict):
    """A dict whose items() are others."""

    def items(self) -> Any:
        return list(OTHER_PAIRS)


class OtherIteration(dict):
    """A dict that iterates over other keys, whose items() are its own."""

    def __iter__(self) -> Iterator[Any]:
        return iter(('other',))

    def __len__(self) -> int:
        return 17

    def __getitem__(self, name: Any) -> Any:
        return 'other'

    def keys(self) -> Any:
        return ('other',)

    def values(self) -> Any:
        return ('pairs',)


class GeneratedItems(dict):
    def items(self) -> Any:
        yield from PAIRS


class Mapping(collections.abc.Mapping):
    """A Mapping, and no dict."""

    def __init__(self, pairs: Any = PAIRS) -> None:
        self._pairs = dict(pairs)

    def __getitem__(self, name: Any) -> Any:
        return self._pairs[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


class Items:
    """items(), and nothing else."""

    def __init__(self, items: Callable[[], Any]) -> None:
        self.items = items


class FailingItems(dict):
    def items(self) -> Any:
        raise ZeroDivisionError('no items today')


class NoItems(dict):
    @property
    def items(self) -> Any:
        raise AttributeError('items')


class KeyData(bytes):
    """Bytes that hash as no other bytes do: two keys of one dict that pack alike."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: Any) -> bool:
        return self is other


def _defaults() -> Any:
    found = collections.defaultdict(str, PAIRS)
    assert found['made'] == ''
    return found


MAPPINGS: Dict[str, Callable[[], Any]] = {
    'dict': lambda: dict(PAIRS), 'empty': dict, 'subclass': lambda: PlainDict(PAIRS),
    'subclass with other items': lambda: OtherItems(PAIRS),
    'subclass with another iteration': lambda: OtherIteration(PAIRS),
    'subclass with generated items': lambda: GeneratedItems(PAIRS),
    'collections.OrderedDict': lambda: collections.OrderedDict(reversed(PAIRS)),
    'util.OrderedDict': lambda: OrderedDict(PAIRS), 'defaultdict': _defaults,
    'Counter': lambda: collections.Counter('ab'), 'ChainMap': lambda: collections.ChainMap(dict(PAIRS), {'z': '1'}),
    'mapping proxy': lambda: types.MappingProxyType(dict(PAIRS)),
    'Mapping': Mapping, 'items of a list': lambda: Items(lambda: list(PAIRS)),
    'items of a generator': lambda: Items(lambda: (pair for pair in PAIRS)),
    'items of lists': lambda: Items(lambda: [list(pair) for pair in PAIRS]),
    'items of texts': lambda: Items(lambda: ['ab', 'cd']),
    'keys that pack alike': lambda: {'a': '1', b'a': '2', KeyData(b'a'): '3'},
    'keys of another hash': lambda: {OtherHash('a'): '1', 'a': '2', OtherHash('b'): '3'},
    'keys of str subclasses': lambda: {Text('a'): '1', OtherText('b'): '2'},
}

NOT_MAPPINGS: Dict[str, Callable[[], Any]] = {
    'generator': lambda: (pair for pair in PAIRS), 'list of pairs': lambda: list(PAIRS), 'none': lambda: None,
    'text': lambda: 'text', 'number': lambda: 5, 'class': lambda: dict, 'set': lambda: {'a'},
    'items that is no function': lambda: Items(5), 'items of nothing': lambda: Items(lambda: None),  # type: ignore
    'items of an endless generator of wrong ones': lambda: Items(lambda: itertools.repeat('abc', 5)),
    'items of numbers': lambda: Items(lambda: [1, 2]), 'items of triples': lambda: Items(lambda: [(1, 2, 3)]),
    'items that fail': lambda: FailingItems(PAIRS), 'no items': lambda: NoItems(PAIRS),
}
