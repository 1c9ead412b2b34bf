"""The server's side of the codec: Thrift requests into the embedded server's raw values, its results into replies.

A request struct becomes a plain tuple of its fields in the order of the interface, nested structs included: a Column is
(name, value, timestamp, ttl), a ColumnParent (column_family, super_column), a SlicePredicate (column_names,
slice_range). Mutations and ColumnOrSuperColumns carry a kind in front; see `_mutation` and `columns_body`.
"""
import struct
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from pycassa._pure.cursor import BOOL, BYTE, DOUBLE, I16, I32, I64, LIST, MAP, SET, STOP, STRING, STRUCT, Cursor
from pycassa._pure.wire import LENGTHS
from pycassa.errors import ProtocolError

__all__ = ['DECODERS', 'ENCODERS', 'MissingField', 'NegativeLength', 'ObjectShapes', 'RequestCursor', 'RequestHeader',
           'Shape', 'Truncated', 'read_header']

_PRIMITIVES = frozenset((BOOL, BYTE, DOUBLE, I16, I32, I64))
_TYPES = _PRIMITIVES | {STRING, STRUCT, MAP, SET, LIST}

_MISSING: Any = type('Missing', (), {'__repr__': lambda self: '<missing>', '__slots__': ()})()

_u32 = struct.Struct('>I')
_i32 = struct.Struct('>i')
_i64 = struct.Struct('>q')
_length_at = _u32.unpack_from
_pack_i32 = _i32.pack


class Truncated(ProtocolError):
    """The bytes end inside a message: a server waits for more (semantics.md §1.11)."""


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


def _binary(cursor: RequestCursor) -> bytes:
    return cursor.binary()


def _text(cursor: RequestCursor) -> str:
    return cursor.text()


def _i32_value(cursor: RequestCursor) -> int:
    return cursor.i32()


def _i64_value(cursor: RequestCursor) -> int:
    return cursor.i64()


def _bool(cursor: RequestCursor) -> bool:
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


def _binary_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, STRING, _binary, required)


def _text_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, STRING, _text, required)


def _i32_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, I32, _i32_value, required)


def _i64_field(id: int, name: str, required: bool = True) -> Field:
    return Field(id, name, I64, _i64_value, required)


def _struct_field(id: int, name: str, shape: Shape, required: bool = True) -> Field:
    return Field(id, name, STRUCT, shape, required)


def _list_field(id: int, name: str, read: Reader, required: bool = True) -> Field:
    return Field(id, name, LIST, list_reader(read), required)


def _consistency_field(id: int, name: str = 'consistency_level', default: int = 1) -> Field:
    return Field(id, name, I32, enum_reader(range(1, 12)), True, default, True)


COLUMN = Shape('Column', [
    _binary_field(1, 'name'), _binary_field(2, 'value', False), _i64_field(3, 'timestamp', False),
    _i32_field(4, 'ttl', False)])
SUPER_COLUMN = Shape('SuperColumn', [_binary_field(1, 'name'), _list_field(2, 'columns', COLUMN)])
COUNTER_COLUMN = Shape('CounterColumn', [_binary_field(1, 'name'), _i64_field(2, 'value')])
COUNTER_SUPER_COLUMN = Shape('CounterSuperColumn', [
    _binary_field(1, 'name'), _list_field(2, 'columns', COUNTER_COLUMN)])
COLUMN_PARENT = Shape('ColumnParent', [_text_field(3, 'column_family'), _binary_field(4, 'super_column', False)])
COLUMN_PATH = Shape('ColumnPath', [
    _text_field(3, 'column_family'), _binary_field(4, 'super_column', False), _binary_field(5, 'column', False)])
SLICE_RANGE = Shape('SliceRange', [
    _binary_field(1, 'start'), _binary_field(2, 'finish'), Field(3, 'reversed', BOOL, _bool, True),
    _i32_field(4, 'count')])
SLICE_PREDICATE = Shape('SlicePredicate', [
    _list_field(1, 'column_names', _binary, False), _struct_field(2, 'slice_range', SLICE_RANGE, False)])
INDEX_EXPRESSION = Shape('IndexExpression', [
    _binary_field(1, 'column_name'), Field(2, 'op', I32, enum_reader(range(5)), True, None, True),
    _binary_field(3, 'value')])
INDEX_CLAUSE = Shape('IndexClause', [
    _list_field(1, 'expressions', INDEX_EXPRESSION), _binary_field(2, 'start_key'), _i32_field(3, 'count')])
KEY_RANGE = Shape('KeyRange', [
    _binary_field(1, 'start_key', False), _binary_field(2, 'end_key', False), _text_field(3, 'start_token', False),
    _text_field(4, 'end_token', False), _i32_field(5, 'count'), _list_field(6, 'row_filter', INDEX_EXPRESSION, False)])
DELETION = Shape('Deletion', [
    _i64_field(1, 'timestamp', False), _binary_field(2, 'super_column', False),
    _struct_field(3, 'predicate', SLICE_PREDICATE, False)])
COLUMN_SLICE = Shape('ColumnSlice', [_binary_field(1, 'start', False), _binary_field(2, 'finish', False)])
MULTI_SLICE_REQUEST = Shape('MultiSliceRequest', [
    _binary_field(1, 'key', False), _struct_field(2, 'column_parent', COLUMN_PARENT, False),
    _list_field(3, 'column_slices', COLUMN_SLICE, False), Field(4, 'reversed', BOOL, _bool, False, False),
    Field(5, 'count', I32, _i32_value, False, 1000), Field(6, 'consistency_level', I32, enum_reader(range(1, 12)),
                                                           False, 1, True)])


# --- structs as the bindings' objects ----------------------------------------------------------------------------

_SCALARS: Dict[int, Reader] = {
    BOOL: _bool, I32: _i32_value, I64: _i64_value, DOUBLE: lambda cursor: cursor.double(), STRING: _text}


class ObjectShapes:
    """Readers of the generated bindings' classes, from their `thrift_spec`.

    The specs do not tell which fields a reader requires, nor which i32 is an enum: `required` gives the former per
    class name, `enums` the values of the latter per field name. All fields of arguments are required.
    """

    def __init__(self, required: Mapping[str, Collection[str]], enums: Mapping[str, Iterable[int]]) -> None:
        self._required = required
        self._enums = enums

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
        return _binary if details == 'BINARY' else _SCALARS[ttype]


# --- mutations ---------------------------------------------------------------------------------------------------

NEITHER_MEMBER, BOTH_MEMBERS, NOT_ONE_COLUMN, DELETION_KIND = (0,), (6,), (7,), 5


def _one_column(values: List[Any]) -> Tuple[Any, ...]:
    """A ColumnOrSuperColumn: its field id, then the fields of the one member; (7,) where there is not exactly one."""
    given = [(kind,) + member for kind, member in enumerate(values, 1) if member is not None]
    return given[0] if len(given) == 1 else NOT_ONE_COLUMN


COLUMN_OR_SUPER_COLUMN = Shape('ColumnOrSuperColumn', [
    _struct_field(1, 'column', COLUMN, False), _struct_field(2, 'super_column', SUPER_COLUMN, False),
    _struct_field(3, 'counter_column', COUNTER_COLUMN, False),
    _struct_field(4, 'counter_super_column', COUNTER_SUPER_COLUMN, False)], _one_column)


def _mutation(values: List[Any]) -> Tuple[Any, ...]:
    """(1, Column…), (2, SuperColumn…), (3, CounterColumn…), (4, CounterSuperColumn…) or (5, Deletion…); (0,), (6,) and
    (7,) are the three ways in which a Mutation is none of these: no member, both, not exactly one column.
    """
    column, deletion = values
    if column is None:
        return NEITHER_MEMBER if deletion is None else (DELETION_KIND,) + deletion
    return column if deletion is None else BOTH_MEMBERS


MUTATION = Shape('Mutation', [
    _struct_field(1, 'column_or_supercolumn', COLUMN_OR_SUPER_COLUMN, False),
    _struct_field(2, 'deletion', DELETION, False)], _mutation)

_INSERTION = b'\x0c\x00\x01\x0c\x00\x01\x0b\x00\x01'    # Mutation { ColumnOrSuperColumn { Column { name
_VALUE = b'\x0b\x00\x02'
_TIMESTAMP = b'\x0a\x00\x03'
_TTL = b'\x08\x00\x04'
_STOPS = b'\x00\x00\x00'
_REMEMBERED_COLUMNS = 256
_LIST_OF_STRUCTS = b'\x0c'
_MAP_OF_LISTS = 0x0b0f


class _MutationLists:
    """Reads the mutation lists of one request, quickly where they are insertions laid out as every client does.

    Rows tend to repeat the column names of the row before, and all columns of a batch the timestamp and ttl: those
    bytes are compared with the last ones instead of being read, and their objects are shared.
    """

    __slots__ = ('_heads', '_tail', '_timestamp', '_ttl')

    def __init__(self) -> None:
        self._heads: List[Tuple[bytes, bytes]] = []    # of the n-th column: its bytes up to the value, its name
        self._tail = _TIMESTAMP                        # bytes behind a value
        self._timestamp: Optional[int] = None
        self._ttl: Optional[int] = None

    def read(self, cursor: RequestCursor, count: int) -> List[Tuple[Any, ...]]:
        data, pos, heads = cursor.data, cursor.pos, self._heads
        known = len(heads)
        tail, timestamp, ttl = self._tail, self._timestamp, self._ttl
        starts = data.startswith
        mutations: List[Tuple[Any, ...]] = []
        append = mutations.append
        for index in range(count):
            if index < known and starts(heads[index][0], pos):
                head, name = heads[index]
            elif starts(_INSERTION, pos):
                head, name = self._head(data, pos, index)
            else:
                head = b''
            if head:
                start = pos + len(head) + 4
                try:
                    end = start + _length_at(data, start - 4)[0]
                except struct.error:
                    raise Truncated('the message ends inside a mutation') from None
                if timestamp is None or not starts(tail, end):
                    if not self._read_tail(data, end):
                        head = b''
                    else:
                        tail, timestamp, ttl = self._tail, self._timestamp, self._ttl
            if head:
                append((1, name, data[start:end], timestamp, ttl))
                pos = end + len(tail)
            else:
                cursor.pos = pos
                append(MUTATION(cursor))
                pos = cursor.pos
        cursor.pos = pos
        return mutations

    def _head(self, data: bytes, pos: int, index: int) -> Tuple[bytes, bytes]:
        """The column's bytes up to its value, remembered for the next row; b'' if it is not name, then value."""
        start = pos + len(_INSERTION) + 4
        end = start + int.from_bytes(data[start - 4:start], 'big')
        if not data.startswith(_VALUE, end):
            return b'', b''
        found = data[pos:end + 3], data[start:end]
        if index < len(self._heads):
            self._heads[index] = found
        elif index == len(self._heads) < _REMEMBERED_COLUMNS:
            self._heads.append(found)
        return found

    def _read_tail(self, data: bytes, pos: int) -> bool:
        """Take timestamp, ttl and the ends of the three structs at `pos`; False if they are not laid out so."""
        if data.startswith(_TIMESTAMP, pos):
            if data.startswith(_STOPS, pos + 11):
                self._tail, self._ttl = data[pos:pos + 14], None
            elif data.startswith(_TTL, pos + 11) and data.startswith(_STOPS, pos + 18):
                self._tail, self._ttl = data[pos:pos + 21], _i32.unpack_from(data, pos + 14)[0]
            else:
                return False
            self._timestamp = _i64.unpack_from(data, pos + 3)[0]
            return True
        return False


def _mutation_map(cursor: RequestCursor) -> List[Tuple[bytes, List[Tuple[str, List[Tuple[Any, ...]]]]]]:
    """[(row key, [(column family, [mutation])])]; the last of equal keys stays, as in the server's own map."""
    cursor.i16()
    rows: Dict[bytes, List[Tuple[str, List[Tuple[Any, ...]]]]] = {}
    lists = _MutationLists()
    data = cursor.data
    head, family, count = b'\xff', '', 0
    for _ in range(cursor.length()):
        key = cursor.binary()
        start = cursor.pos
        if data.startswith(head, start):
            cursor.pos = start + len(head)
            rows[key] = [(family, lists.read(cursor, count))]
            continue
        cursor.i16()
        families: Dict[str, List[Tuple[Any, ...]]] = {}
        number = cursor.length()
        for _ in range(number):
            family = cursor.text()
            cursor.u8()
            count = cursor.length()
            if number == 1:
                head = data[start:cursor.pos]
            families[family] = lists.read(cursor, count)
        if number != 1:
            head = b'\xff'
        rows[key] = list(families.items())
    return list(rows.items())


# --- requests ----------------------------------------------------------------------------------------------------

class RequestHeader(NamedTuple):
    """`echo` is name length, name and sequence id as received: replies begin with the version word and these bytes."""

    name: bytes
    seqid: int
    echo: bytes
    offset: int


def read_header(data: bytes, pos: int) -> RequestHeader:
    """The header of the message at `pos`. The message type is not looked at (semantics.md §1.6).

    Raises Truncated where it is not there whole, and ProtocolError where it is not a strict header of version 1, which
    is judged once the four bytes of the version are there.
    """
    if len(data) >= pos + 4 and not data.startswith(b'\x80\x01', pos):
        raise ProtocolError('not a message with the strict header of version 1')
    if len(data) < pos + 8:
        raise Truncated('the message ends inside its header')
    end = pos + 8 + _length_at(data, pos + 4)[0]
    if end - pos > 0x7FFFFFFF:
        raise ProtocolError('a method name of negative length')
    if len(data) < end + 4:
        raise Truncated('the message ends inside its header')
    return RequestHeader(data[pos + 8:end], _i32.unpack_from(data, end)[0], data[pos + 4:end + 4], end + 4)


_KEY = _binary_field(1, 'key')
_PARENT = _struct_field(2, 'column_parent', COLUMN_PARENT)
_PREDICATE = _struct_field(3, 'predicate', SLICE_PREDICATE)
_MUTATIONS = Field(1, 'mutation_map', MAP, _mutation_map, True)
_ONE_ROW = [_KEY, _PARENT, _PREDICATE, _consistency_field(4)]
_ROWS = [_list_field(1, 'keys', _binary), _PARENT, _PREDICATE, _consistency_field(4)]


def _multi_slice(values: List[Any]) -> Tuple[Any, ...]:
    request: Tuple[Any, ...] = values[0]
    return request


_ARGUMENTS: Dict[str, Sequence[Field]] = {
    'get': [_KEY, _struct_field(2, 'column_path', COLUMN_PATH), _consistency_field(3)],
    'get_slice': _ONE_ROW,
    'get_count': _ONE_ROW,
    'multiget_slice': _ROWS,
    'multiget_count': _ROWS,
    'get_range_slices': [
        _struct_field(1, 'column_parent', COLUMN_PARENT), _struct_field(2, 'predicate', SLICE_PREDICATE),
        _struct_field(3, 'range', KEY_RANGE), _consistency_field(4)],
    'get_paged_slice': [
        _text_field(1, 'column_family'), _struct_field(2, 'range', KEY_RANGE), _binary_field(3, 'start_column'),
        _consistency_field(4)],
    'get_indexed_slices': [
        _struct_field(1, 'column_parent', COLUMN_PARENT), _struct_field(2, 'index_clause', INDEX_CLAUSE),
        _struct_field(3, 'column_predicate', SLICE_PREDICATE), _consistency_field(4)],
    'insert': [_KEY, _PARENT, _struct_field(3, 'column', COLUMN), _consistency_field(4)],
    'add': [_KEY, _PARENT, _struct_field(3, 'column', COUNTER_COLUMN), _consistency_field(4)],
    'cas': [
        _KEY, _text_field(2, 'column_family'), _list_field(3, 'expected', COLUMN, False),
        _list_field(4, 'updates', COLUMN, False), _consistency_field(5, 'serial_consistency_level', 9),
        _consistency_field(6, 'commit_consistency_level', 2)],
    'remove': [
        _KEY, _struct_field(2, 'column_path', COLUMN_PATH), _i64_field(3, 'timestamp'),
        _consistency_field(4)._replace(required=False)],
    'remove_counter': [_KEY, _struct_field(2, 'path', COLUMN_PATH), _consistency_field(3)],
    'batch_mutate': [_MUTATIONS, _consistency_field(2)],
    'atomic_batch_mutate': [_MUTATIONS, _consistency_field(2)],
    'truncate': [_text_field(1, 'cfname')],
}

# Reads the arguments of a method: the engine session's arguments, in order.
DECODERS: Dict[str, Shape] = {name: Shape(f'{name}_args', fields) for name, fields in _ARGUMENTS.items()}
DECODERS['get_multi_slice'] = Shape(
    'get_multi_slice_args', [_struct_field(1, 'request', MULTI_SLICE_REQUEST)], _multi_slice)


# --- replies -----------------------------------------------------------------------------------------------------
# Each gives the bytes of a result struct whose field 0 is the result. `columns` is (kind, items): kind is the field id
# of ColumnOrSuperColumn; items of kind 1 are (name, value, timestamp, ttl), of kind 2 (super name, [those]), of kind 3
# (name, count), of kind 4 (super name, [those]).



def _prefixed(data: bytes) -> bytes:
    return _pack_i32(len(data)) + data


def _column_structs(columns: Iterable[Tuple[Any, ...]], start: bytes, stop: bytes) -> List[bytes]:
    """Column structs, each between `start` and `stop`."""
    head = start + b'\x0b\x00\x01'
    chunks = []
    last, last_ttl, tail = None, None, b''
    for name, value, timestamp, ttl in columns:
        if timestamp != last or ttl != last_ttl:
            last, last_ttl = timestamp, ttl
            tail = _TIMESTAMP + _i64.pack(timestamp) + (b'' if ttl is None else _TTL + _pack_i32(ttl)) + b'\x00' + stop
        size = len(value)
        chunks.append(b'%b%b%b\x0b\x00\x02%b%b%b' % (
            head, _pack_i32(len(name)), name, LENGTHS[size] if size < 4096 else _pack_i32(size), value, tail))
    return chunks


def _counter_structs(columns: Iterable[Tuple[bytes, int]], start: bytes, stop: bytes) -> List[bytes]:
    """CounterColumn structs, each between `start` and `stop`."""
    return [b'%b\x0b\x00\x01%b%b\x0a\x00\x02%b\x00%b' % (
        start, _pack_i32(len(name)), name, _i64.pack(value), stop) for name, value in columns]


def _super_structs(structs: Callable[..., List[bytes]], items: Iterable[Tuple[bytes, Sequence[Any]]], start: bytes,
                   stop: bytes) -> List[bytes]:
    """SuperColumn or CounterSuperColumn structs, each between `start` and `stop`."""
    chunks = []
    for name, columns in items:
        chunks.append(b'%b\x0b\x00\x01%b\x0f\x00\x02\x0c%b' % (start, _prefixed(name), _pack_i32(len(columns))))
        chunks += structs(columns, b'', b'')
        chunks.append(b'\x00' + stop)
    return chunks


def _wrapped(kind: int, items: Sequence[Any]) -> List[bytes]:
    """ColumnOrSuperColumn structs of `items`."""
    start = b'\x0c\x00' + bytes((kind,))
    if kind == 1:
        return _column_structs(items, start, b'\x00')
    if kind == 3:
        return _counter_structs(items, start, b'\x00')
    return _super_structs(_column_structs if kind == 2 else _counter_structs, items, start, b'\x00')


def _void_body(result: None) -> bytes:
    return b'\x00'


def _count_body(result: int) -> bytes:
    return b'\x08\x00\x00' + _pack_i32(result) + b'\x00'


def _get_body(result: Tuple[int, Sequence[Any]]) -> bytes:
    return b'\x0c\x00\x00' + b''.join(_wrapped(*result)) + b'\x00'


def columns_body(result: Tuple[int, Sequence[Any]]) -> bytes:
    """A result of list<ColumnOrSuperColumn> from (kind, items)."""
    return b'\x0f\x00\x00\x0c' + _pack_i32(len(result[1])) + b''.join(_wrapped(*result)) + b'\x00'


def _multiget_body(result: Dict[bytes, Tuple[int, Sequence[Any]]]) -> bytes:
    chunks = [b'\x0d\x00\x00\x0b\x0f' + _pack_i32(len(result))]
    for key, (kind, items) in result.items():
        chunks.append(_prefixed(key) + b'\x0c' + _pack_i32(len(items)))
        chunks += _wrapped(kind, items)
    chunks.append(b'\x00')
    return b''.join(chunks)


def _multiget_count_body(result: Dict[bytes, int]) -> bytes:
    counts = b''.join([_prefixed(key) + _pack_i32(count) for key, count in result.items()])
    return b'\x0d\x00\x00\x0b\x08' + _pack_i32(len(result)) + counts + b'\x00'


def _key_slices_body(result: Sequence[Tuple[bytes, Tuple[int, Sequence[Any]]]]) -> bytes:
    chunks = [b'\x0f\x00\x00\x0c' + _pack_i32(len(result))]
    for key, (kind, items) in result:
        chunks.append(b'\x0b\x00\x01%b\x0f\x00\x02\x0c%b' % (_prefixed(key), _pack_i32(len(items))))
        chunks += _wrapped(kind, items)
        chunks.append(b'\x00')
    chunks.append(b'\x00')
    return b''.join(chunks)


def _cas_body(result: Tuple[bool, Optional[Tuple[int, Sequence[Any]]]]) -> bytes:
    success, current = result
    chunks = [b'\x0c\x00\x00\x02\x00\x01' + (b'\x01' if success else b'\x00')]
    if current is not None:
        chunks.append(b'\x0f\x00\x02\x0c' + _pack_i32(len(current[1])))
        chunks += _column_structs(current[1], b'', b'')
    chunks.append(b'\x00\x00')
    return b''.join(chunks)


# Makes the result struct of a method from what the engine's session returned.
ENCODERS: Dict[str, Callable[[Any], bytes]] = {
    'get': _get_body, 'get_slice': columns_body, 'get_multi_slice': columns_body, 'get_count': _count_body,
    'multiget_slice': _multiget_body, 'multiget_count': _multiget_count_body, 'get_range_slices': _key_slices_body,
    'get_paged_slice': _key_slices_body, 'get_indexed_slices': _key_slices_body, 'cas': _cas_body,
    'insert': _void_body, 'add': _void_body, 'remove': _void_body, 'remove_counter': _void_body,
    'batch_mutate': _void_body, 'atomic_batch_mutate': _void_body, 'truncate': _void_body,
}
