"""Types of keys, names and values: those of the schema, and the columns of the class mapper's first releases.

`CassandraType` and its subclasses (release 1.11) name the server's types; they are accepted wherever a type is:
by SystemManager, as attributes of ColumnFamily, and as attributes of mapped classes. `Column` and its subclasses
(releases 0.3 to 1.1) convert attributes of mapped classes to text or bytes of their own.
"""
import datetime
import struct
import time
from typing import Any, Callable, Dict, Optional, Tuple, Type, Union

from pycassa import codec
from pycassa.marshal import MARSHAL, TypeSpec, dynamic_scalar, parse_type, scalar_for, type_string
from pycassa.util import to_microseconds

# Star imports bring the types of the schema alone, as they did in release 1.11: names such as String, Column and
# DateTime would hide those of other libraries.
__all__ = [
    'AsciiType', 'BooleanType', 'ByteType', 'BytesType', 'CassandraType', 'CompositeType', 'CounterColumnType',
    'DateType', 'DecimalType', 'DoubleType', 'DynamicCompositeType', 'EmptyType', 'FloatType', 'InetAddressType',
    'Int32Type', 'IntegerType', 'IntermediateDateType', 'LexicalUUIDType', 'LongType', 'OldPycassaDateType',
    'ShortType', 'SimpleDateType', 'TimeType', 'TimeUUIDType', 'TimestampType', 'UTF8Type', 'UUIDType',
]


class CassandraType:
    """A type of the server's schema; base of the classes here and of types of one's own.

    `reversed` puts a comparator's columns in descending order. `default` is what a mapped class's attribute holds
    where the column is absent. It is equal to its own name, short or full: `LongType() == 'LongType'`.

    A type of one's own defines `pack(value)`, returning bytes or str, and `unpack(data)`, as static methods or as
    attributes of the instance. `unpack` is given bytes; where `bytes_encoding` is set, text first. `server_type`
    names the type that stores it.
    """

    #: The class of the server that stores it; for types of one's own, what stands in the schema.
    server_type = 'BytesType'
    # For subclasses whose own __init__ does not call this one.
    reversed: bool = False
    default: Any = None

    def __init__(self, reversed: bool = False, default: Any = None) -> None:
        self.reversed = reversed
        self.default = default

    def __str__(self) -> str:
        return f'{self.__class__.__name__}(reversed={"true" if self.reversed else "false"})'

    def __repr__(self) -> str:
        return f'<{self}>'

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return bool(other) and type_string(self) == type_string(other)
        if isinstance(other, CassandraType):
            return type(self) is type(other) and type_string(self) == type_string(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(type_string(self).replace(MARSHAL, ''))  # That of its short name, which it is equal to.

    def schema_string(self) -> str:
        """The type as a CfDef names it, with or without qualified names."""
        return f'{self.server_type}(reversed={"true" if self.reversed else "false"})'

    def make_scalar(self, bytes_encoding: Optional[str] = None) -> codec.Scalar:
        """The Scalar that packs and unpacks it, where it has no `pack` and `unpack` of its own."""
        return scalar_for(self.schema_string(), bytes_encoding)


class BytesType(CassandraType):
    """Bytes. Out come bytes, or text where `bytes_encoding` is set."""


class AsciiType(CassandraType):
    """Text of characters below 128."""

    server_type = 'AsciiType'


class UTF8Type(CassandraType):
    """Text."""

    server_type = 'UTF8Type'


class LongType(CassandraType):
    """An int of 64 bits."""

    server_type = 'LongType'


class Int32Type(CassandraType):
    """An int of 32 bits."""

    server_type = 'Int32Type'


class ShortType(CassandraType):
    """An int of 16 bits (servers since 2.2; not as a comparator)."""

    server_type = 'ShortType'


class ByteType(CassandraType):
    """An int of 8 bits (servers since 2.2; not as a comparator)."""

    server_type = 'ByteType'


class IntegerType(CassandraType):
    """An int of any size."""

    server_type = 'IntegerType'


class FloatType(CassandraType):
    """A float of 32 bits."""

    server_type = 'FloatType'


class DoubleType(CassandraType):
    """A float of 64 bits."""

    server_type = 'DoubleType'


class DecimalType(CassandraType):
    """A decimal.Decimal of any precision; ints are accepted."""

    server_type = 'DecimalType'


class BooleanType(CassandraType):
    """A bool."""

    server_type = 'BooleanType'


class CounterColumnType(CassandraType):
    """A counter of 64 bits: the default validator of a counter family."""

    server_type = 'CounterColumnType'


class UUIDType(CassandraType):
    """A UUID of any version; datetimes and numbers of seconds become version 1 UUIDs."""

    server_type = 'UUIDType'


class TimeUUIDType(CassandraType):
    """A version 1 UUID, in the order of its time; datetimes and numbers of seconds become such UUIDs."""

    server_type = 'TimeUUIDType'


class LexicalUUIDType(CassandraType):
    """A UUID of any version, in the order of its bytes."""

    server_type = 'LexicalUUIDType'


class _Instant(CassandraType):
    """A point in time."""

    # For subclasses whose own __init__ does not call this one.
    tz: Optional[datetime.tzinfo] = None

    def __init__(self, reversed: bool = False, default: Any = None, tz: Optional[datetime.tzinfo] = None) -> None:
        CassandraType.__init__(self, reversed, default)
        self.tz = tz

    def make_scalar(self, bytes_encoding: Optional[str] = None) -> codec.Scalar:
        """The Scalar that packs and unpacks it, in the time zone given."""
        scalar = CassandraType.make_scalar(self, bytes_encoding)
        return scalar if self.tz is None else _in_zone(scalar, self.tz)


class DateType(_Instant):
    """A datetime to the millisecond: UTC and naive when read; aware datetimes and numbers of seconds are accepted.

    With a time zone, `DateType(tz=zoneinfo.ZoneInfo('Europe/Paris'))`, datetimes are read as aware ones of that
    zone, and naive datetimes and dates that are written are taken as its local time. What is stored is UTC all the
    same.
    """

    server_type = 'DateType'


class TimestampType(_Instant):
    """As DateType; orders times before 1970 correctly (servers since 2.0)."""

    server_type = 'TimestampType'


class SimpleDateType(CassandraType):
    """A datetime.date (servers since 2.2; not as a comparator)."""

    server_type = 'SimpleDateType'


class TimeType(CassandraType):
    """A datetime.time, or an int of nanoseconds (servers since 2.2; not as a comparator)."""

    server_type = 'TimeType'


class InetAddressType(CassandraType):
    """An address of the module ipaddress; its text is accepted."""

    server_type = 'InetAddressType'


class EmptyType(CassandraType):
    """Nothing: None."""

    server_type = 'EmptyType'


_Q = struct.Struct('>q')
_EPOCH = datetime.datetime(1970, 1, 1)


def _microseconds_to_datetime(microseconds: int) -> datetime.datetime:
    try:
        return _EPOCH + datetime.timedelta(microseconds=microseconds)
    except OverflowError:
        raise ValueError(f'{microseconds} microseconds since 1970 are outside the range of datetime') from None


def _in_zone(scalar: codec.Scalar, tz: datetime.tzinfo) -> codec.Scalar:
    """`scalar`, whose values are UTC and naive, for local time of a zone."""
    def pack(value: Any) -> bytes:
        if isinstance(value, datetime.datetime):
            local = value.replace(tzinfo=tz) if value.utcoffset() is None else value
        elif isinstance(value, datetime.date):
            local = datetime.datetime(value.year, value.month, value.day, tzinfo=tz)
        else:
            local = value
        return scalar.pack(local)

    def unpack(data: bytes) -> Optional[datetime.datetime]:
        found: Optional[datetime.datetime] = scalar.unpack(data)
        try:
            return found and found.replace(tzinfo=datetime.timezone.utc).astimezone(tz)
        except OverflowError:
            raise ValueError(f'{found} UTC is outside the range of datetime in {tz}') from None
    return codec.Scalar(scalar.name, pack, unpack)


class OldPycassaDateType(CassandraType):
    """A datetime stored in microseconds, as releases 1.2.0 to 1.5.0 wrote DateType. Reads and writes that."""

    server_type = 'DateType'

    @staticmethod
    def pack(value: Any, *args: Any, **kwargs: Any) -> bytes:
        """8 bytes of a datetime, a date or a number of seconds. Raises TypeError for anything else."""
        return _Q.pack(to_microseconds(value))

    @staticmethod
    def unpack(data: bytes) -> Optional[datetime.datetime]:
        """The naive UTC datetime; None for no bytes. Raises ValueError."""
        microseconds = codec.scalar('LongType').unpack(data)
        return None if microseconds is None else _microseconds_to_datetime(microseconds)


class IntermediateDateType(CassandraType):
    """A datetime stored in milliseconds that also reads what releases 1.2.0 to 1.5.0 wrote in microseconds.

    Microseconds are told by being out of datetime's range as milliseconds: times after January 1978 are.
    """

    server_type = 'DateType'

    @staticmethod
    def pack(value: Any, *args: Any, **kwargs: Any) -> bytes:
        """8 bytes, as DateType writes them."""
        return codec.scalar('DateType').pack(value)

    @staticmethod
    def unpack(data: bytes) -> Optional[datetime.datetime]:
        """The naive UTC datetime; None for no bytes. Raises ValueError."""
        stored = codec.scalar('LongType').unpack(data)
        if stored is None:
            return None
        try:
            return _microseconds_to_datetime(stored * 1000)
        except ValueError:
            return _microseconds_to_datetime(stored)


def _checked(component: Any) -> Any:
    type_string(component)
    return component() if isinstance(component, type) else component


class CompositeType(CassandraType):
    """Tuples of several components, each of its own type: `CompositeType(LongType(), UTF8Type())`.

    Components are types in any form, types of one's own included. Raises TypeError for what is not a type.
    """

    server_type = 'CompositeType'

    def __init__(self, *components: Any, reversed: bool = False, default: Any = None) -> None:
        CassandraType.__init__(self, reversed, default)
        self.components = tuple(_checked(component) for component in components)

    def __str__(self) -> str:
        return f'CompositeType({", ".join(str(component) for component in self.components)})'

    def schema_string(self) -> str:
        """The type as a CfDef names it."""
        text = f'CompositeType({",".join(type_string(component) for component in self.components)})'
        return f'ReversedType({text})' if self.reversed else text

    def make_scalar(self, bytes_encoding: Optional[str] = None) -> codec.Scalar:
        """The Scalar that packs and unpacks it."""
        scalar = codec.composite([scalar_for(component, bytes_encoding) for component in self.components])
        return codec.reversed_order(scalar) if self.reversed else scalar


class DynamicCompositeType(CassandraType):
    """Tuples of (alias or type name, value) pairs: `DynamicCompositeType({'a': LongType()}, {'t': TimeUUIDType()})`.

    Aliases are single characters. Raises TypeError for what is not a type, ValueError for longer aliases.
    """

    server_type = 'DynamicCompositeType'

    def __init__(self, *aliases: Dict[str, Any], reversed: bool = False, default: Any = None) -> None:
        CassandraType.__init__(self, reversed, default)
        self.aliases = aliases
        self._types: Dict[str, Any] = {}
        for each in aliases:
            for alias, component in each.items():
                if len(alias) != 1:
                    raise ValueError(f'an alias of DynamicCompositeType is one character, not {alias!r}')
                self._types[alias] = _checked(component)

    def _text(self, describe: Callable[[Any], str], separator: str) -> str:
        aliases = (f'{alias}=>{describe(component)}' for alias, component in self._types.items())
        return f'DynamicCompositeType({separator.join(aliases)})'

    def __str__(self) -> str:
        return self._text(str, ', ')

    def schema_string(self) -> str:
        """The type as a CfDef names it."""
        text = self._text(type_string, ',')
        return f'ReversedType({text})' if self.reversed else text

    def make_scalar(self, bytes_encoding: Optional[str] = None) -> codec.Scalar:
        """The Scalar that packs and unpacks it."""
        scalar = dynamic_scalar({alias: scalar_for(component, bytes_encoding)
                                 for alias, component in self._types.items()}, bytes_encoding)
        return codec.reversed_order(scalar) if self.reversed else scalar


_BY_NAME: Dict[str, Type[CassandraType]] = {each.server_type: each for each in (
    BytesType, AsciiType, UTF8Type, LongType, Int32Type, ShortType, ByteType, IntegerType, FloatType, DoubleType,
    DecimalType, BooleanType, CounterColumnType, UUIDType, TimeUUIDType, LexicalUUIDType, DateType, TimestampType,
    SimpleDateType, TimeType, InetAddressType, EmptyType)}


def type_from_string(text: Optional[str]) -> CassandraType:
    """The instance for a type string of the schema. None, '' and types not known here are BytesType.

    Raises ValueError for a string that is no type.
    """
    if not text:
        return BytesType()
    return _from_spec(parse_type(text))


def _from_spec(spec: TypeSpec) -> CassandraType:
    spec, backwards = spec.unwrapped()
    if spec.simple == 'CompositeType':
        return CompositeType(*(_from_spec(each.type) for each in spec.parameters), reversed=backwards)
    if spec.simple == 'DynamicCompositeType':
        aliases = ({each.label: _from_spec(each.type)} for each in spec.parameters)
        return DynamicCompositeType(*aliases, reversed=backwards)
    return _BY_NAME.get(spec.simple, BytesType)(reversed=backwards)


# --- columns of the class mapper, releases 0.3 to 1.1 ------------------------------------------------------------

Stored = Union[str, bytes]


class Column:
    """An attribute of a mapped class; base of the classes below and of columns of one's own.

    `default` is what the attribute holds where the column is absent. `pack(val)` returns what
    `ColumnFamily.insert` is given for the column: str or bytes; `unpack(val)` receives what `ColumnFamily.get`
    returns for it, which is str or bytes too.
    """

    default: Any = None

    def __init__(self, default: Any = None) -> None:
        self.default = default

    def pack(self, val: Any) -> Any:
        """What to store for `val`."""
        return val

    def unpack(self, val: Any) -> Any:
        """The attribute's value for a stored `val`."""
        return val


def _check(val: Any, kinds: Union[type, Tuple[type, ...]], expected: str) -> None:
    if not isinstance(val, kinds):
        raise TypeError(f'expected {expected}, {type(val).__name__} found')


class String(Column):
    """Text. Bytes may be stored; they are read as UTF-8, and what is not UTF-8 survives the round trip."""

    def pack(self, val: Any) -> Stored:
        """`val` itself. Raises TypeError for anything but str, bytes, bytearray and memoryview."""
        _check(val, (str, bytes, bytearray, memoryview), 'str')
        if not isinstance(val, str):
            return bytes(val)
        try:
            val.encode()
        except UnicodeEncodeError:
            return val.encode('utf-8', 'surrogateescape')
        return val

    def unpack(self, val: Stored) -> str:
        """The text."""
        return val if isinstance(val, str) else val.decode('utf-8', 'surrogateescape')


class IntString(Column):
    """An int, stored as its decimal digits."""

    def pack(self, val: Any) -> str:
        """The digits. Raises TypeError for anything but an int."""
        _check(val, int, 'int')
        return str(val)

    def unpack(self, val: Stored) -> int:
        """The int. Raises ValueError."""
        return int(val)


class FloatString(Column):
    """A float, stored as its shortest exact decimal text."""

    def pack(self, val: Any) -> str:
        """The text. Raises TypeError for anything but a float."""
        _check(val, float, 'float')
        return str(val)

    def unpack(self, val: Stored) -> float:
        """The float. Raises ValueError."""
        return float(val)


class DateTimeString(Column):
    """A datetime to the second, stored as text in `format`, as it stands and without its time zone."""

    format = '%Y-%m-%d %H:%M:%S'

    def pack(self, val: Any) -> str:
        """The text. Raises TypeError for anything but a datetime."""
        _check(val, datetime.datetime, 'datetime')
        return str(val.strftime(self.format))

    def unpack(self, val: Stored) -> datetime.datetime:
        """The datetime. Raises ValueError."""
        return datetime.datetime.strptime(val if isinstance(val, str) else val.decode(), self.format)


def _eight_bytes(val: Stored) -> bytes:
    """The bytes of a number that a family with `bytes_encoding` gives as text, whatever that encoding is."""
    if not isinstance(val, str):
        return bytes(val)
    data = val.encode('utf-8', 'surrogateescape')
    # Eight characters that take more bytes in UTF-8 were read by an encoding of one byte per character.
    return data if len(data) == 8 or len(val) != 8 else val.encode('latin-1')


class _Number(Column):
    """A number of eight bytes."""

    form: struct.Struct
    kind: type

    def pack(self, val: Any) -> bytes:
        """The eight bytes. Raises TypeError for a value of another type, struct.error for one out of range."""
        _check(val, self.kind, self.kind.__name__)
        return self.form.pack(val)

    def unpack(self, val: Stored) -> Any:
        """The number. Raises ValueError."""
        try:
            return self.form.unpack(_eight_bytes(val))[0]
        except struct.error:
            raise ValueError(f'{type(self).__name__} takes 8 bytes, not {len(val)}') from None


class Float64(_Number):
    """A float of 64 bits in the byte order of the machine."""

    form = struct.Struct('=d')
    kind = float


class Int64(_Number):
    """An int of 64 bits in the byte order of the machine (deprecated by Long in release 1.0.6)."""

    form = struct.Struct('=q')
    kind = int


class Long(_Number):
    """An int of 64 bits, big-endian, as LongType stores it."""

    form = struct.Struct('>q')
    kind = int


class DateTime(_Number):
    """A local datetime to the second, stored as Int64 seconds since 1970 in the byte order of the machine."""

    form = struct.Struct('=q')
    kind = datetime.datetime

    def pack(self, val: Any) -> bytes:
        """The eight bytes. Raises TypeError for anything but a datetime."""
        _check(val, datetime.datetime, 'datetime')
        return self.form.pack(int(time.mktime(val.timetuple())))

    def unpack(self, val: Stored) -> datetime.datetime:
        """The naive local datetime. Raises ValueError."""
        return datetime.datetime.fromtimestamp(_Number.unpack(self, val))
