"""Abstract types of the schema: what bytes a type accepts, how it sorts them, and how it prints them.

Sorting goes through precomputed keys: `Type.key(raw)` is comparable with every other key of the same type, and equal
keys are the same column. `key` is None where the bytes themselves sort right, `check` is None where anything passes.
"""
import datetime
import decimal
import re
import socket
import struct
import uuid
from typing import Any, Callable, Dict, Mapping, Optional

__all__ = ['MAX_NAME', 'MarshalError', 'NoOrder', 'Type', 'PACKAGE', 'simple_types', 'reversed_type']

PACKAGE = 'org.apache.cassandra.db.marshal.'
MAX_NAME = 65535

_FLIP = bytes(byte ^ 0x80 for byte in range(256))
_COMPLEMENT = bytes(255 - byte for byte in range(256))
_EMPTY_HINT = ('. A non-empty value can be a result of a Thrift write into CQL-created dense table. See '
               'CASSANDRA-15778 for details.')
_FIRST = float('-inf')
_COMPLEMENT_DIGITS = str.maketrans('0123456789', '9876543210')

# What Cassandra takes for UTF-8: also C0 80, surrogates, and four-byte forms above U+10FFFF; no other overlong form.
_LOOSE_UTF8 = re.compile(
    rb'(?:[\x00-\x7f]|\xc0\x80|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}'
    rb'|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf7][\x80-\xbf]{3})*')


class MarshalError(ValueError):
    """The bytes are not of the type; the text is the server's."""


class NoOrder(Exception):
    """The bytes pass the type's check, yet the server fails to compare them."""


class Type:
    """One type of the schema, as comparator or validator."""

    __slots__ = ('name', 'full_name', 'check', 'check_stored', 'key', 'text', 'base', 'parts')

    def __init__(self, name: str, *, check: Optional[Callable[[bytes], Any]] = None,
                 key: Optional[Callable[[bytes], Any]] = None, text: Callable[[bytes], str] = bytes.hex,
                 full_name: Optional[str] = None, base: Optional['Type'] = None,
                 check_stored: Optional[Callable[[bytes], Any]] = None,
                 parts: 'Optional[Mapping[Any, Type]]' = None) -> None:
        self.name = name
        self.full_name = full_name or PACKAGE + name
        self.check = check                  # raises MarshalError; None: anything passes
        self.check_stored = check_stored    # what a stored name must pass besides, where that differs from a bound
        self.key = key                      # None: the bytes themselves
        self.text = text                    # how messages print a value
        self.base = base                    # of a ReversedType
        self.parts = parts                  # component types, by place or by alias, of the two composite types

    def sort_key(self, raw: bytes) -> Any:
        """The sortable form of `raw`; equal for names that are the same column."""
        return raw if self.key is None else self.key(raw)

    def validate(self, raw: bytes) -> None:
        """Raises MarshalError where the server refuses `raw`."""
        if self.check is not None:
            self.check(raw)

    def value_key(self, raw: bytes) -> Any:
        """The sort key of a stored value, or None where it is not of this type (the validator may have changed)."""
        try:
            self.validate(raw)
            return self.sort_key(raw)
        except (MarshalError, NoOrder):
            return None

    def __repr__(self) -> str:
        return f'<Type {self.full_name}>'


# --- checks ------------------------------------------------------------------------------------------------------

def _check_ascii(raw: bytes) -> None:
    if not raw.isascii():
        bad = next(byte for byte in raw if byte > 127)
        raise MarshalError(f'Invalid byte for ascii: {bad - 256}')


def _check_utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        if _LOOSE_UTF8.fullmatch(raw) is None:
            raise MarshalError("String didn't validate.") from None


def _sized(size: int, text: str) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        if len(raw) != size and raw:
            raise MarshalError(text % len(raw))
    return check


def _exactly(size: int, text: str) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        if len(raw) != size:
            raise MarshalError(text % len(raw))
    return check


def _check_old_uuid(raw: bytes) -> None:
    if len(raw) not in (0, 16):
        raise MarshalError('UUIDs must be exactly 16 bytes')


def _check_time_uuid(length_text: str) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        if len(raw) != 16:
            if raw:
                raise MarshalError(length_text % len(raw))
        elif raw[6] & 0xF0 != 0x10:
            raise MarshalError('Invalid version for TimeUUID type.')
    return check


def _check_decimal(raw: bytes) -> None:
    if 0 < len(raw) < 4:
        raise MarshalError(f'Expected 0 or at least 4 bytes ({len(raw)})')


def _check_inet(empty: bool) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        if len(raw) not in (4, 16) and not (empty and not raw):
            raise MarshalError(f'Expected 4 or 16 byte inetaddress; got {raw.hex()}')
    return check


def _check_empty(more: str) -> Callable[[bytes], None]:
    def check(raw: bytes) -> None:
        if raw:
            raise MarshalError(f'EmptyType only accept empty values{more}')
    return check


# --- sort keys ---------------------------------------------------------------------------------------------------

def _integer_key(raw: bytes) -> Any:
    return int.from_bytes(raw, 'big', signed=True) if raw else _FIRST


def _signed_date_key(raw: bytes) -> Any:
    return int.from_bytes(raw, 'big') if raw else _FIRST


def _uuid_key(raw: bytes) -> bytes:
    if len(raw) < 16:
        return b''
    version = raw[6] >> 4
    if version == 1:
        return b'\x01' + raw[6:8] + raw[4:6] + raw[:4] + raw
    return bytes((version,)) + raw


def _time_uuid_key(raw: bytes) -> bytes:
    return raw[6:8] + raw[4:6] + raw[:4] + raw[8:].translate(_FLIP)


def _lexical_uuid_key(raw: bytes) -> bytes:
    return raw[:1].translate(_FLIP) + raw[1:8] + raw[8:9].translate(_FLIP) + raw[9:]


def _boolean_key(raw: bytes) -> int:
    return -1 if not raw else 1 if raw[0] else 0


def _floating_key(size: int, infinity: int) -> Callable[[bytes], Any]:
    sign = 1 << (size * 8 - 1)

    def key(raw: bytes) -> Any:
        if len(raw) != size:
            return _FIRST
        bits = int.from_bytes(raw, 'big')
        magnitude = bits & (sign - 1)
        if magnitude > infinity:
            return infinity + 1         # all NaNs are one value above infinity
        return -1 - magnitude if bits & sign else magnitude
    return key


def _decimal_key(raw: bytes) -> Any:
    if not raw:
        return (-2,)
    if len(raw) <= 4:
        raise NoOrder('Zero length BigInteger')
    unscaled = int.from_bytes(raw[4:], 'big', signed=True)
    if not unscaled:
        return (0,)
    # Decimal prints an int of any length; str(int) stops at 4300 digits.
    digits = str(decimal.Decimal(abs(unscaled)))
    magnitude = len(digits) - int.from_bytes(raw[:4], 'big', signed=True)
    digits = digits.rstrip('0')
    if unscaled > 0:
        return (1, magnitude, digits)
    return (-1, -magnitude, digits.translate(_COMPLEMENT_DIGITS) + ':')


# --- texts -------------------------------------------------------------------------------------------------------

def _utf8_text(raw: bytes) -> str:
    return raw.decode('utf-8', 'replace')


def _integer_text(raw: bytes) -> str:
    return str(decimal.Decimal(int.from_bytes(raw, 'big', signed=True))) if raw else ''


def _uuid_text(raw: bytes) -> str:
    return str(uuid.UUID(bytes=raw)) if len(raw) == 16 else ''


def _boolean_text(raw: bytes) -> str:
    return '' if not raw else 'true' if raw[0] else 'false'


def _floating_text(form: str) -> Callable[[bytes], str]:
    def text(raw: bytes) -> str:
        if not raw:
            return ''
        number = struct.unpack(form, raw)[0]
        if number != number:
            return 'NaN'
        if number in (_FIRST, -_FIRST):
            return 'Infinity' if number > 0 else '-Infinity'
        if form == '>f':
            return str(_shortest_float(number))
        return str(number)
    return text


def _shortest_float(number: float) -> float:
    # the shortest decimal that reads back as the same 32-bit float, as Java prints it
    for precision in range(6, 10):
        short = float(f'{number:.{precision}g}')
        if struct.pack('>f', short) == struct.pack('>f', number):
            return short
    return number


def _decimal_text(raw: bytes) -> str:
    if len(raw) < 5:
        return ''
    scale = int.from_bytes(raw[:4], 'big', signed=True)
    sign, digits, _ = decimal.Decimal(int.from_bytes(raw[4:], 'big', signed=True)).as_tuple()
    number = decimal.Decimal((sign, digits, -scale))
    return format(number, 'f') if abs(scale) < 10000 else str(number)


def _date_text(form: str) -> Callable[[bytes], str]:
    def text(raw: bytes) -> str:
        if len(raw) != 8:
            return ''
        moment = datetime.timedelta(milliseconds=int.from_bytes(raw, 'big', signed=True))
        try:
            return (datetime.datetime(1970, 1, 1) + moment).strftime(form)
        except OverflowError:
            return raw.hex()
    return text


def _inet_text(raw: bytes) -> str:
    if not raw:
        return ''
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


# --- the types ---------------------------------------------------------------------------------------------------

def simple_types(profile: Any) -> Dict[str, Type]:
    """The types without parameters that a server of `profile` knows, by simple class name."""
    old = profile.release < (2, 0)
    uuid_length = 'UUID should be 16 or 0 bytes (%d)'
    time_length, lexical_length = ('Time' + uuid_length, 'Lexical' + uuid_length) if old else (uuid_length, uuid_length)
    date_text = _date_text('%Y-%m-%d %H:%M:%S+0000' if profile.release < (2, 1) else '%Y-%m-%d %H:%MZ')
    signed: Dict[str, Any] = {'key': _integer_key, 'text': _integer_text}
    types = [
        Type('BytesType'),
        Type('AsciiType', check=_check_ascii, text=_utf8_text),
        Type('UTF8Type', check=_check_utf8, text=_utf8_text),
        Type('LongType', check=_sized(8, 'Expected 8 or 0 byte long (%d)'), **signed),
        Type('Int32Type', check=_sized(4, 'Expected 4 or 0 byte int (%d)'), **signed),
        Type('IntegerType', **signed),
        Type('CounterColumnType', check=_sized(8, 'Expected 8 or 0 byte long (%d)'), **signed),
        Type('UUIDType', check=_check_old_uuid if old else _sized(16, uuid_length), key=_uuid_key, text=_uuid_text),
        Type('TimeUUIDType', check=_check_time_uuid(time_length), key=_time_uuid_key, text=_uuid_text),
        Type('LexicalUUIDType', check=_sized(16, lexical_length), key=_lexical_uuid_key, text=_uuid_text),
        Type('DateType', check=_sized(8, 'Expected 8 or 0 byte long for date (%d)'), text=date_text,
             key=_integer_key if profile.signed_dates else None),
        Type('BooleanType', check=_sized(1, 'Expected 1 or 0 byte value (%d)'), text=_boolean_text,
             key=_integer_key if profile.signed_booleans else _boolean_key),
        Type('FloatType', check=_sized(4, 'Expected 4 or 0 byte value for a float (%d)'),
             key=_floating_key(4, 0x7F800000), text=_floating_text('>f')),
        Type('DoubleType', check=_sized(8, 'Expected 8 or 0 byte value for a double (%d)'),
             key=_floating_key(8, 0x7FF0000000000000), text=_floating_text('>d')),
        Type('DecimalType', check=None if old else _check_decimal, key=_decimal_key, text=_decimal_text),
        Type('InetAddressType', check=_check_inet(empty=not old), text=_inet_text),
        Type('EmptyType', check=_check_empty(_EMPTY_HINT if profile.release >= (3, 0) else '')),
    ]
    if not old:
        types.append(Type('TimestampType', check=_sized(8, 'Expected 8 or 0 byte long for date (%d)'),
                          key=_integer_key, text=date_text))
    if profile.release >= (2, 2):
        types += [
            Type('ByteType', check=_exactly(1, 'Expected 1 byte for a tinyint (%d)'), **signed),
            Type('ShortType', check=_exactly(2, 'Expected 2 bytes for a smallint (%d)'), **signed),
            Type('SimpleDateType', check=_exactly(4, 'Expected 4 byte long for date (%d)'), key=_signed_date_key),
            Type('TimeType', check=_exactly(8, 'Expected 8 byte long for time (%d)'), **signed),
        ]
    return {each.name: each for each in types}


class _Descending:
    """A sort key turned round; for keys that have no cheaper reverse."""

    __slots__ = ('key',)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: '_Descending') -> bool:
        return other.key < self.key

    def __le__(self, other: '_Descending') -> bool:
        return other.key <= self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _reversed_bytes(raw: bytes) -> str:
    # Complemented bytes as text, closed by a character above all bytes, so that a prefix follows its extensions.
    return raw.translate(_COMPLEMENT).decode('latin-1') + '\u0100'


def reversed_type(base: Type, empty_first: bool = False) -> Type:
    """ReversedType(base): exactly the reverse order; with `empty_first` (1.2, 2.0) empty stays first."""
    key = _reversed_key(base.key)
    if empty_first:
        inner = key

        def key(raw: bytes) -> Any:
            return (1, inner(raw)) if raw else (0,)
    return Type('ReversedType', full_name=f'{PACKAGE}ReversedType({base.full_name})', check=base.check, key=key,
                text=base.text, base=base, check_stored=base.check_stored, parts=base.parts)


def _reversed_key(inner: Optional[Callable[[bytes], Any]]) -> Callable[[bytes], Any]:
    key: Callable[[bytes], Any]
    if inner is None:
        key = _reversed_bytes
    else:
        sample = inner(b'')
        if isinstance(sample, bytes):
            def key(raw: bytes) -> Any:
                return _reversed_bytes(inner(raw))
        elif isinstance(sample, (int, float)):
            def key(raw: bytes) -> Any:
                return -inner(raw)
        else:
            def key(raw: bytes) -> Any:
                return _Descending(inner(raw))
    return key
