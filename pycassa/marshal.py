"""Type strings of the schema: parsing, qualifying, and the Scalar that packs and unpacks each of them.

A type may be given as a string (`LongType`, `org.apache.cassandra.db.marshal.CompositeType(LongType,UTF8Type)`,
`ReversedType(...)`, `LongType(reversed=true)`), as an instance or a class of pycassa.types, or as a type of the
user's own with `pack` and `unpack`. `scalar_for` and `type_string` accept all of these.
"""
import functools
import inspect
import logging
import re
import struct
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Tuple

from pycassa import codec

__all__ = [
    'TypeSpec', 'decode_int', 'encode_int', 'extract_type_name', 'get_composite_packer', 'get_composite_unpacker',
    'get_dynamic_composite_packer', 'get_dynamic_composite_unpacker', 'make_packer', 'packer_for', 'parse_type',
    'scalar_for', 'type_string', 'unpacker_for',
]

MARSHAL = 'org.apache.cassandra.db.marshal.'

# Types that are stored by tables of CQL only; here their bytes are handed over as they are.
_OPAQUE = frozenset(['ColumnToCollectionType', 'ListType', 'MapType', 'SetType', 'TupleType', 'UserType'])

_logger = logging.getLogger('pycassa')


# --- parsing -----------------------------------------------------------------------------------------------------

class Parameter(NamedTuple):
    """One parameter of a type: `T`, `alias=>T` or `hexname:T`; or an option `name=value`, whose value is text."""

    label: str
    link: str
    type: 'TypeSpec'


class TypeSpec(NamedTuple):
    """A parsed type string. `name` is as written, `simple` the class name alone."""

    name: str
    parameters: Tuple[Parameter, ...] = ()

    @property
    def simple(self) -> str:
        """The class's name without its package."""
        return self.name.rpartition('.')[2]

    @property
    def is_reversed(self) -> bool:
        """Whether the option (reversed=true) is there. ReversedType(...) is a type of its own."""
        return any(each == Parameter('reversed', '=', TypeSpec('true')) for each in self.parameters)

    @property
    def inner(self) -> Tuple[Parameter, ...]:
        """The parameters that are types."""
        return tuple(each for each in self.parameters if each.link != '=')

    def unwrapped(self) -> Tuple['TypeSpec', bool]:
        """The type without ReversedType(...), FrozenType(...) and options, and whether its order is reversed."""
        spec, backwards = self, False
        while True:
            backwards ^= spec.is_reversed
            inner = spec.inner
            if spec.simple not in ('ReversedType', 'FrozenType') or len(inner) != 1:
                return TypeSpec(spec.name, inner), backwards
            backwards ^= spec.simple == 'ReversedType'
            spec = inner[0].type

    def canonical(self) -> str:
        """The string as the server writes it back: qualified names, no spaces, and no options but ReversedType(...)."""
        name = self.name if '.' in self.name else MARSHAL + self.name
        # The first parameters of a UserType are a keyspace and a name.
        inner = [each.label + each.link + (each.type.canonical() if each.link or self.simple != 'UserType'
                                           else each.type.name) for each in self.inner]
        text = f'{name}({",".join(inner)})' if inner else name
        return f'{MARSHAL}ReversedType({text})' if self.is_reversed else text


_TOKEN = re.compile(r'\s*(=>|[(),=:]|[A-Za-z0-9_.+&-]+)')


class _Parser:
    """Recursive descent over the tokens of one type string. Raises ValueError with the place of the mistake."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.pos = 0

    def _tokens(self) -> Iterator[str]:
        pos, text = 0, self.text.rstrip()
        while pos < len(text):
            match = _TOKEN.match(text, pos)
            if match is None:
                raise ValueError(f'{self.text!r} is not a type: unexpected {text[pos]!r} at {pos}')
            yield match.group(1)
            pos = match.end()

    def parse(self) -> TypeSpec:
        spec = self.type()
        if self.pos < len(self.tokens):
            raise self.unexpected()
        return spec

    def unexpected(self) -> ValueError:
        found = repr(self.tokens[self.pos]) if self.pos < len(self.tokens) else 'the end'
        return ValueError(f'{self.text!r} is not a type: unexpected {found}')

    def accept(self, *wanted: str) -> str:
        if self.pos < len(self.tokens) and self.tokens[self.pos] in wanted:
            self.pos += 1
            return self.tokens[self.pos - 1]
        return ''

    def word(self) -> str:
        if self.pos == len(self.tokens) or self.tokens[self.pos][0] in '=(),:':
            raise self.unexpected()
        self.pos += 1
        return self.tokens[self.pos - 1]

    def type(self) -> TypeSpec:
        name = self.word()
        if not self.accept('('):
            return TypeSpec(name)
        parameters: List[Parameter] = []
        while not self.accept(')'):
            if parameters and not self.accept(','):
                raise self.unexpected()
            parameters.append(self.parameter())
        return TypeSpec(name, tuple(parameters))

    def parameter(self) -> Parameter:
        start = self.pos
        label = self.word()
        link = self.accept('=>', '=', ':')
        if not link:
            self.pos, label = start, ''
        return Parameter(label, link, self.type())


# Types in use nest two or three deep; what a server sends must not exhaust the stack here.
_MAX_NESTING = 32


@functools.lru_cache(maxsize=1024)
def parse_type(text: str) -> TypeSpec:
    """Parse a type string of the schema. Raises ValueError when it is not one."""
    if _depth(text) > _MAX_NESTING:
        raise ValueError(f'a type string of {len(text)} characters is nested too deeply')
    return _Parser(text).parse()


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character == '(') - (character == ')')
        deepest = max(deepest, depth)
    return deepest


# --- types of any form -------------------------------------------------------------------------------------------

def scalar_for(kind: Any, bytes_encoding: Optional[str] = None) -> codec.Scalar:
    """The Scalar of a type: a string, an instance or class of pycassa.types, or a type with `pack` and `unpack`.

    None and '' are BytesType; so are unknown types, with one warning each, and collections and user types of CQL,
    without. `bytes_encoding` is that of the column family: BytesType gives and takes text by it. Raises TypeError
    for what is not a type at all.
    """
    if kind is None:
        kind = ''
    elif isinstance(kind, type):
        kind = kind()
    if isinstance(kind, str):
        return _scalar_of_text(kind, bytes_encoding)
    if isinstance(kind, codec.Scalar):
        return kind
    if hasattr(kind, 'pack') or hasattr(kind, 'unpack'):
        return _user_scalar(kind, bytes_encoding)
    if hasattr(kind, 'make_scalar'):
        scalar: codec.Scalar = kind.make_scalar(bytes_encoding)
        return scalar
    raise _not_a_type(kind)


def type_string(kind: Any) -> str:
    """The string of a type for a CfDef or ColumnDef, with all names qualified; '' for None and ''.

    Accepts what `scalar_for` accepts. A type of the user's own is stored as its `server_type`, BytesType unless it
    descends from one of pycassa.types. Raises TypeError for what is not a type.
    """
    if isinstance(kind, type):
        kind = kind()
    if kind is None or kind == '':
        return ''
    if isinstance(kind, str):
        try:
            return parse_type(kind).canonical()
        except ValueError:
            return kind  # The server knows more types than we do, and says what is wrong with it.
    if hasattr(kind, 'schema_string'):
        return parse_type(kind.schema_string()).canonical()
    if hasattr(kind, 'pack') or hasattr(kind, 'unpack'):
        return MARSHAL + 'BytesType'
    raise _not_a_type(kind)


def _not_a_type(kind: Any) -> TypeError:
    return TypeError('a type is a string, a class or instance of pycassa.types, or an object with pack and unpack, '
                     f'not {type(kind).__name__}')


@functools.lru_cache(maxsize=1024)
def _scalar_of_text(text: str, bytes_encoding: Optional[str]) -> codec.Scalar:
    if not text.strip():
        return codec.bytes_scalar(bytes_encoding)
    try:
        spec = parse_type(text)
    except ValueError as error:
        _logger.warning('%s; its data is taken as BytesType', error)
        return codec.bytes_scalar(bytes_encoding)
    return _scalar_of_spec(spec, bytes_encoding)


def _scalar_of_spec(spec: TypeSpec, bytes_encoding: Optional[str]) -> codec.Scalar:
    spec, is_reversed = spec.unwrapped()
    scalar = _plain_scalar(spec, bytes_encoding)
    return codec.reversed_order(scalar) if is_reversed else scalar


def _plain_scalar(spec: TypeSpec, bytes_encoding: Optional[str]) -> codec.Scalar:
    simple = spec.simple
    if simple == 'BytesType' or simple in _OPAQUE:
        return codec.bytes_scalar(bytes_encoding)
    if simple == 'CompositeType' and spec.parameters:
        return codec.composite([_scalar_of_spec(each.type, bytes_encoding) for each in spec.parameters])
    if simple == 'DynamicCompositeType':
        return dynamic_scalar({each.label: _scalar_of_spec(each.type, bytes_encoding) for each in spec.parameters},
                              bytes_encoding)
    try:
        return codec.scalar(simple)
    except KeyError:
        _warn_unknown(spec.name)
        return codec.bytes_scalar(bytes_encoding)


def dynamic_scalar(aliases: Any, bytes_encoding: Optional[str]) -> codec.Scalar:
    """The Scalar of a DynamicCompositeType whose components may name any type that `scalar_for` knows."""
    return codec.dynamic_composite(aliases, lambda name: _scalar_of_text(name, bytes_encoding))


@functools.lru_cache(maxsize=1024)
def _warn_unknown(name: str) -> None:
    """Warn once per process of each type that we have no packing for."""
    _logger.warning('type %s is not known here; its data is taken as BytesType', name)


# --- types of the user's own -------------------------------------------------------------------------------------

def _user_scalar(kind: Any, bytes_encoding: Optional[str]) -> codec.Scalar:
    """A Scalar around `kind.pack` and `kind.unpack`; one of them that is missing is that of its `server_type`.

    Without bytes_encoding `unpack` is given bytes. With it, text, as jobs of Python 2 expect; where it refuses text
    with a TypeError or AttributeError (struct, .decode), bytes.
    """
    name = type(kind).__name__
    base = (kind.make_scalar(bytes_encoding) if hasattr(kind, 'make_scalar')
            else scalar_for(getattr(kind, 'server_type', None), bytes_encoding))
    pack, pack_bound, unpack = base.pack, base.pack_bound if base.ranged else None, base.unpack
    if hasattr(kind, 'pack'):
        pack = _user_pack(name, kind.pack, bytes_encoding)
        pack_bound = None
        if _takes_slice_start(kind.pack):
            def pack_bound(value: Any, is_start: bool) -> bytes:
                return _user_pack(name, functools.partial(kind.pack, slice_start=is_start), bytes_encoding)(value)
    if hasattr(kind, 'unpack'):
        unpack = kind.unpack if bytes_encoding is None else _text_or_bytes(kind.unpack, bytes_encoding)
    return codec.Scalar(name, pack, unpack, pack_bound)


def _takes_slice_start(function: Callable[..., Any]) -> bool:
    try:
        return 'slice_start' in inspect.signature(function).parameters
    except (TypeError, ValueError):  # Functions written in C may tell nothing.
        return False


def _user_pack(name: str, pack_value: Callable[[Any], Any], bytes_encoding: Optional[str]) -> Callable[[Any], bytes]:
    to_bytes = codec.bytes_scalar(bytes_encoding).pack

    def pack(value: Any) -> bytes:
        data = pack_value(value)
        if data.__class__ is bytes:
            return data
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            raise TypeError(f'{name}.pack returned {type(data).__name__}, not bytes or str')
        return to_bytes(data)
    return pack


def _text_or_bytes(unpack_value: Callable[[Any], Any], bytes_encoding: str) -> Callable[[bytes], Any]:
    to_text = codec.bytes_scalar(bytes_encoding).unpack

    def unpack(data: bytes) -> Any:
        try:
            return unpack_value(to_text(data))
        except (TypeError, AttributeError):
            return unpack_value(data)
    return unpack


# --- release 1.11's functions ------------------------------------------------------------------------------------

def extract_type_name(typestr: Optional[str]) -> str:
    """The simple class name of a type string: of what it holds for ReversedType(...), 'BytesType' for unknown ones.

    Composites keep their components: 'CompositeType(LongType,UTF8Type)'.
    """
    if not typestr:
        return 'BytesType'
    try:
        spec, _ = parse_type(typestr).unwrapped()
    except ValueError:
        return 'BytesType'
    if spec.simple in ('CompositeType', 'DynamicCompositeType'):
        inner = ','.join(each.label + each.link + extract_type_name(each.type.canonical())
                         for each in spec.parameters)
        return f'{spec.simple}({inner})'
    try:
        return codec.scalar(spec.simple).name
    except KeyError:
        return 'BytesType'


def packer_for(typestr: Any) -> Callable[..., Any]:
    """A function (value, slice_start=None) -> bytes for a type; slice_start True or False makes a slice's end of it.

    None and CounterColumnType give one that returns its value. The function raises TypeError, ValueError or
    OverflowError for values that the type cannot hold.
    """
    if typestr is None or (isinstance(typestr, str) and extract_type_name(typestr) == 'CounterColumnType'):
        return lambda value, slice_start=None: value
    return _packer(scalar_for(typestr))


def unpacker_for(typestr: Any) -> Callable[[bytes], Any]:
    """A function bytes -> value for a type; None gives one that returns its bytes. It raises ValueError."""
    if typestr is None:
        return lambda data: data
    return scalar_for(typestr).unpack


def _packer(scalar: codec.Scalar) -> Callable[..., bytes]:
    def pack(value: Any, slice_start: Optional[bool] = None) -> bytes:
        try:
            return scalar.pack(value) if slice_start is None else scalar.pack_bound(value, bool(slice_start))
        except struct.error as error:
            raise TypeError(f'{type(value).__name__} {value!r:.80} does not fit into {scalar.name}: {error}') from error
    return pack


def make_packer(fmt_string: str) -> struct.Struct:
    """An object with the `pack` and `unpack` of a format of the module struct."""
    return struct.Struct(fmt_string)


def encode_int(x: int) -> bytes:
    """IntegerType's bytes of an int: the shortest big-endian two's complement. Raises TypeError."""
    return codec.scalar('IntegerType').pack(x)


def decode_int(term: bytes, *args: Any) -> Optional[int]:
    """The int of IntegerType's bytes, of any length; None for none."""
    number: Optional[int] = codec.scalar('IntegerType').unpack(term)
    return number


def get_composite_packer(typestr: Optional[str] = None, composite_type: Any = None) -> Callable[..., bytes]:
    """`packer_for` of a CompositeType, given as a string or as an instance."""
    return _packer(scalar_for(composite_type if composite_type is not None else typestr))


def get_composite_unpacker(typestr: Optional[str] = None, composite_type: Any = None) -> Callable[[bytes], Any]:
    """`unpacker_for` of a CompositeType, given as a string or as an instance."""
    return scalar_for(composite_type if composite_type is not None else typestr).unpack


def get_dynamic_composite_packer(typestr: Any) -> Callable[..., bytes]:
    """`packer_for` of a DynamicCompositeType."""
    return _packer(scalar_for(typestr))


def get_dynamic_composite_unpacker(typestr: Any) -> Callable[[bytes], Any]:
    """`unpacker_for` of a DynamicCompositeType."""
    return scalar_for(typestr).unpack
