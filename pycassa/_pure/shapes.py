"""Readers of Thrift structs in requests: a struct becomes a tuple of its fields, or an object of the bindings.

Whatever a server does with requests that are not whole or not well-formed is observed on Cassandra 1.2 to 3.11.
"""
from typing import Any, Callable, Collection, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from pycassa._pure.cursor import BOOL, BYTE, DOUBLE, I16, I32, I64, LIST, MAP, SET, STOP, STRING, STRUCT, Cursor
from pycassa.errors import ProtocolError

__all__ = ['Field', 'MissingField', 'NegativeLength', 'ObjectShapes', 'RequestCursor', 'Shape', 'Truncated',
           'binary_field', 'consistency_field', 'enum_reader', 'i32_field', 'i64_field', 'list_field', 'list_reader',
           'map_reader', 'read_binary', 'read_bool', 'read_i32', 'struct_field', 'text_field']

_PRIMITIVES = frozenset((BOOL, BYTE, DOUBLE, I16, I32, I64))
_TYPES = _PRIMITIVES | {STRING, STRUCT, MAP, SET, LIST}

_MISSING: Any = type('Missing', (), {'__repr__': lambda self: '<missing>', '__slots__': ()})()


class Truncated(ProtocolError):
    """The bytes end inside a message: a server waits for more."""


class NegativeLength(ProtocolError):
    """A text, list or map of negative length."""


class MissingField(ProtocolError):
    """A required field is absent, has another wire type, or an enum value that does not exist.

    The cursor stands behind the struct concerned: the server takes what follows as the next message.
    """

    def __init__(self, owner: str, field: str, primitive: bool) -> None:
        if primitive:
            text = f"Required field '{field}' was not found in serialized data! Struct: {owner}"
        else:
            text = f"Required field '{field}' was not present! Struct: {owner}({field}:null)"
        ProtocolError.__init__(self, text)


class RequestCursor(Cursor):
    """A cursor that tells a message that has not arrived whole from one that is malformed, as a server must.

    It counts on what follows to arrive: a long list is not an error before its elements are missing.
    """

    __slots__ = ()

    def truncated(self, size: int) -> ProtocolError:
        if size < 0:
            return ProtocolError(f'malformed message: a length of {size} at byte {self.pos}')
        return Truncated(f'{size} bytes are due at byte {self.pos} of {len(self.data)}')

    def u8(self) -> int:
        try:
            value = self.data[self.pos]
        except IndexError:
            raise self.truncated(1) from None
        self.pos += 1
        return value

    def text(self) -> str:
        size = self.i32()
        if size < 0:
            raise NegativeLength(f'Negative length: {size}')
        self.pos -= 4
        return self.binary().decode('utf-8', 'replace')

    def length(self) -> int:
        """The number of elements of a list or map."""
        count = self.i32()
        if count < 0:
            raise NegativeLength(f'Negative length: {count}')
        return count

    def _check_count(self, count: int, least: int) -> None:
        if count < 0:
            raise NegativeLength(f'Negative length: {count}')
        if count * least > self.remaining:
            raise self.truncated(count * least)

    def skip(self, ttype: int, depth: int = 0) -> None:
        """As Cassandra, take a value of an unknown type for one of no bytes."""
        if ttype in _TYPES:
            Cursor.skip(self, ttype, depth)


# --- structs as tuples -------------------------------------------------------------------------------------------

Reader = Callable[[RequestCursor], Any]


class Field(NamedTuple):
    """A field of a request struct. `default` stands for an absent one unless it is `required`."""

    id: int
    name: str
    ttype: int
    read: Reader
    required: bool = False
    default: Any = None
    enum: bool = False


class Shape:
    """Reads one Thrift struct: fields in any order, unknown ones and those of another wire type skipped."""

    __slots__ = ('name', '_fields', '_by_id', '_initial', '_build')

    def __init__(self, name: str, fields: Sequence[Field], build: Callable[[List[Any]], Any] = tuple) -> None:
        self.name = name
        self._fields = tuple(fields)
        self._by_id = {field.id: (index, field.ttype, field.read) for index, field in enumerate(fields)}
        self._initial = [_MISSING if field.required and field.default is None else field.default for field in fields]
        self._build = build

    def __call__(self, cursor: RequestCursor) -> Any:
        values = self._initial.copy()
        by_id = self._by_id
        while True:
            ttype = cursor.u8()
            if ttype == STOP:
                break
            index, expected, read = by_id.get(cursor.i16(), _UNKNOWN)
            if ttype == expected:
                values[index] = read(cursor)
            else:
                cursor.skip(ttype)
        for value in values:
            if value is _MISSING:
                values = self._complete(values)
                break
        return self._build(values)

    def _complete(self, values: List[Any]) -> List[Any]:
        """Absent optional fields are None. Raises for the field that the server names: numbers first, then in order."""
        missing = [field for field, value in zip(self._fields, values) if value is _MISSING and field.required]
        for field in missing:
            if field.ttype in _PRIMITIVES and not field.enum:
                raise MissingField(self.name, field.name, True)
        if missing:
            raise MissingField(self.name, missing[0].name, False)
        return [None if value is _MISSING else value for value in values]


_UNKNOWN: Tuple[int, int, Any] = (-1, -1, None)


def read_binary(cursor: RequestCursor) -> bytes:
    return cursor.binary()


def read_text(cursor: RequestCursor) -> str:
    return cursor.text()


def read_i32(cursor: RequestCursor) -> int:
    return cursor.i32()


def read_i64(cursor: RequestCursor) -> int:
    return cursor.i64()


def read_bool(cursor: RequestCursor) -> bool:
    return cursor.u8() == 1


def enum_reader(values: Iterable[int]) -> Reader:
    """An enum as int; a value outside of it counts as absent."""
    known: FrozenSet[int] = frozenset(values)

    def read(cursor: RequestCursor) -> Any:
        value = cursor.i32()
        return value if value in known else _MISSING
    return read


def list_reader(read: Reader) -> Reader:
    """A list; like the server, it takes the elements for what the interface says and not what their type byte says."""
    def read_list(cursor: RequestCursor) -> List[Any]:
        cursor.u8()
        return [read(cursor) for _ in range(cursor.length())]
    return read_list


def map_reader(read_key: Reader, read_value: Reader) -> Reader:
    """A map; the last of equal keys stays."""
    def read_map(cursor: RequestCursor) -> Dict[Any, Any]:
        cursor.i16()
        return {read_key(cursor): read_value(cursor) for _ in range(cursor.length())}
    return read_map


def binary_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, STRING, read_binary, required)


def text_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, STRING, read_text, required)


def i32_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, I32, read_i32, required)


def i64_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, I64, read_i64, required)


def struct_field(id: int, name: str, shape: Shape, required: bool = True) -> Field:
    return Field(id, name, STRUCT, shape, required)


def list_field(id: int, name: str, read: Reader, required: bool = True) -> Field:
    return Field(id, name, LIST, list_reader(read), required)


def consistency_field(id: int, name: str = 'consistency_level', default: int = 1) -> Field:
    return Field(id, name, I32, enum_reader(range(1, 12)), True, default, True)


# --- structs as the bindings' objects ----------------------------------------------------------------------------

_SCALARS: Dict[int, Reader] = {
    BOOL: read_bool, I32: read_i32, I64: read_i64, DOUBLE: lambda cursor: cursor.double(), STRING: read_text}


class ObjectShapes:
    """Readers of the generated bindings' classes, from their `thrift_spec`.

    The specs do not tell which fields a reader requires, nor which i32 is an enum: `required` gives the former per
    class name, `enums` the values of the latter per field name. Fields named in `unset` are None where they are
    absent, whatever default the interface has for them. All fields of arguments are required.
    """

    def __init__(self, required: Mapping[str, Collection[str]], enums: Mapping[str, Iterable[int]],
                 unset: Collection[str] = ()) -> None:
        self._required = required
        self._enums = enums
        self._unset = unset

    def arguments(self, cls: Any) -> Shape:
        """The reader of an `..._args` class: a tuple of its fields."""
        return Shape(cls.__name__, [self._field(spec, True) for spec in cls.thrift_spec if spec])

    def _object(self, cls: Any) -> Shape:
        required = self._required.get(cls.__name__, ())
        specs = [spec for spec in cls.thrift_spec if spec]
        names = [spec[2] for spec in specs]
        return Shape(cls.__name__, [self._field(spec, spec[2] in required) for spec in specs],
                     lambda values: cls(**dict(zip(names, values))))

    def _field(self, spec: Any, required: bool) -> Field:
        id, ttype, name, details, default = spec
        if name in self._unset:
            default = None
        if ttype == I32 and name in self._enums:
            return Field(id, name, ttype, enum_reader(self._enums[name]), required, default, True)
        return Field(id, name, ttype, self._reader(ttype, details), required, default)

    def _reader(self, ttype: int, details: Any) -> Reader:
        if ttype == STRUCT:
            return self._object(details[0])
        if ttype == LIST:
            return list_reader(self._reader(details[0], details[1]))
        if ttype == MAP:
            return map_reader(self._reader(details[0], details[1]), self._reader(details[2], details[3]))
        return read_binary if details == 'BINARY' else _SCALARS[ttype]
