"""Scalars of the pure twin: how values of each Cassandra type become bytes and come back."""
import codecs
import datetime
import decimal
import functools
import ipaddress
import operator
import random
import struct
import uuid
from typing import Any, Callable, Dict, Optional

from pycassa.util import time_uuid, to_microseconds

__all__ = ['PACK_ERRORS', 'Scalar', 'bytes_scalar', 'reversed_order', 'scalar']

# What the pack functions here raise for values that they cannot store.
PACK_ERRORS = (TypeError, ValueError, OverflowError, struct.error)

_u16 = struct.Struct('>H').pack
_i32 = struct.Struct('>i').pack
_encode = str.encode


class Scalar:
    """A type of keys, names or values: `pack(value) -> bytes` and `unpack(bytes) -> value`.

    `pack` raises TypeError, ValueError (UnicodeError included), OverflowError or struct.error for a value that the
    type cannot hold; `unpack` raises ValueError for bytes that are not of the type. Empty bytes of a type of fixed
    size unpack to None. `pack_bound(value, is_start)` packs an end of a slice: `is_start` tells the end that comes
    first in the comparator's order, which is `column_finish` of a reversed slice. `ranged` tells that the two ends
    pack differently.
    """

    __slots__ = ('name', 'pack', 'unpack', 'pack_bound', 'ranged')

    name: str
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    pack_bound: Callable[[Any, bool], bytes]
    ranged: bool

    def __init__(self, name: str, pack: Callable[[Any], bytes], unpack: Callable[[bytes], Any],
                 pack_bound: Optional[Callable[[Any, bool], bytes]] = None) -> None:
        self.name = name
        self.pack = pack
        self.unpack = unpack
        self.ranged = pack_bound is not None
        self.pack_bound = pack_bound if pack_bound is not None else lambda value, is_start: pack(value)

    def __repr__(self) -> str:
        return f'<Scalar {self.name}>'


def reversed_order(inner: Scalar) -> Scalar:
    """`inner` for a comparator of the reverse order: the same bytes, but the ends of a slice change places."""
    if not inner.ranged:
        return inner
    pack_bound = inner.pack_bound
    return Scalar(inner.name, inner.pack, inner.unpack, lambda value, is_start: pack_bound(value, not is_start))


def _wrong_length(name: str, expected: str, data: bytes) -> ValueError:
    return ValueError(f'{name} takes {expected} bytes, not {len(data)}')


# --- bytes and text ----------------------------------------------------------------------------------------------

def _to_bytes(value: Any, name: str) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return _encode(value)
    raise TypeError(f'{name} takes str or bytes, not {type(value).__name__}')


def _text_pack(name: str) -> Callable[[Any], bytes]:
    def pack(value: Any) -> bytes:
        kind = type(value)
        if kind is str:
            return _encode(value)
        if kind is bytes:
            return value
        return _to_bytes(value, name)
    return pack


def _unpack_bytes(data: bytes) -> bytes:
    return data


def _pack_ascii(value: Any) -> bytes:
    if value.__class__ is str:
        return _encode(value, 'ascii')
    data = _to_bytes(value, 'AsciiType')
    if not data.isascii():
        raise ValueError('AsciiType takes bytes below 128 only')
    return data


def _unpack_ascii(data: bytes) -> str:
    return data.decode('ascii')


@functools.cache
def bytes_scalar(encoding: Optional[str]) -> Scalar:
    """BytesType under a `bytes_encoding` of ColumnFamily: text both ways, or bytes out when it is None.

    With an encoding every byte string survives the round trip (surrogateescape). Raises LookupError for an
    encoding that Python does not know.
    """
    if encoding is None:
        return _SCALARS['BytesType']
    codec: str = codecs.lookup(encoding).name

    def pack(value: Any) -> bytes:
        if value.__class__ is str:
            return _encode(value, codec, 'surrogateescape')
        if isinstance(value, str):
            return str(value).encode(codec, 'surrogateescape')
        return _to_bytes(value, 'BytesType')

    def unpack(data: bytes) -> str:
        return data.decode(codec, 'surrogateescape')
    return Scalar('BytesType', pack, unpack)


# --- numbers -----------------------------------------------------------------------------------------------------

def _fixed(name: str, code: str) -> Scalar:
    """A type that one struct code describes. Its pack is struct's own bound method: no layer on the hot path."""
    form = struct.Struct(code)
    unpack_form, size = form.unpack, form.size

    def unpack(data: bytes) -> Any:
        try:
            return unpack_form(data)[0]
        except struct.error:
            if not data:
                return None
            raise _wrong_length(name, str(size), data) from None
    return Scalar(name, form.pack, unpack)


def _pack_varint(value: Any) -> bytes:
    number = operator.index(value)
    return number.to_bytes(((number if number >= 0 else ~number).bit_length() >> 3) + 1, 'big', signed=True)


def _unpack_varint(data: bytes) -> Optional[int]:
    return int.from_bytes(data, 'big', signed=True) if data else None


# Digits are moved by it, never rounded, whatever the context of the caller's thread.
_EXACT = decimal.Context(prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


def _pack_decimal(value: Any) -> bytes:
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise ValueError(f'DecimalType takes finite numbers, not {value}')
        if not -0x80000000 <= -exponent <= 0x7FFFFFFF:
            raise OverflowError(f'the exponent {exponent} does not fit into the 32 bits of DecimalType')
        return _i32(-exponent) + _pack_varint(int(value.scaleb(-exponent, _EXACT)))
    try:
        return b'\0\0\0\0' + _pack_varint(value)
    except TypeError:
        raise TypeError(f'DecimalType takes Decimal or int, not {type(value).__name__}') from None


def _unpack_decimal(data: bytes) -> Optional[decimal.Decimal]:
    if not data:
        return None
    if len(data) < 5:
        raise _wrong_length('DecimalType', 'at least 5', data)
    unscaled = decimal.Decimal(int.from_bytes(data[4:], 'big', signed=True))
    return unscaled.scaleb(-int.from_bytes(data[:4], 'big', signed=True), _EXACT)


# 0, 1, 0.0, 1.0 and numpy's booleans find their entry too: they are equal to these keys.
_BOOLEANS = {False: b'\0', True: b'\1'}


def _pack_boolean(value: Any) -> bytes:
    try:
        return _BOOLEANS[value]
    except (KeyError, TypeError):
        if not isinstance(value, (int, float, decimal.Decimal)):
            raise TypeError(f'BooleanType takes a bool or a number, not {type(value).__name__}') from None
        return b'\1'


def _unpack_boolean(data: bytes) -> Optional[bool]:
    if len(data) == 1:
        return data != b'\0'
    if not data:
        return None
    raise _wrong_length('BooleanType', '1', data)


# --- times -------------------------------------------------------------------------------------------------------

_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_MILLISECOND = datetime.timedelta(milliseconds=1)
_q = struct.Struct('>q')
_L = struct.Struct('>L')
_DAY_NANOSECONDS = 86400 * 10 ** 9


def _pack_timestamp(value: Any) -> bytes:
    return _q.pack(to_microseconds(value) // 1000)


def _unpack_timestamp(data: bytes) -> Optional[datetime.datetime]:
    try:
        milliseconds, = _q.unpack(data)
    except struct.error:
        if not data:
            return None
        raise _wrong_length('a timestamp', '8', data) from None
    try:
        return _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        raise ValueError(f'{milliseconds} milliseconds since 1970 are outside the range of datetime '
                         '(the years 1 to 9999)') from None


def _pack_simple_date(value: Any) -> bytes:
    if isinstance(value, datetime.datetime):
        days = to_microseconds(value) // 86400000000
    elif isinstance(value, datetime.date):
        days = value.toordinal() - _EPOCH_DAY
    else:
        raise TypeError(f'SimpleDateType takes a date or a datetime, not {type(value).__name__}')
    return _L.pack(days + 0x80000000)


def _unpack_simple_date(data: bytes) -> Optional[datetime.date]:
    if not data:
        return None
    if len(data) != 4:
        raise _wrong_length('SimpleDateType', '4', data)
    days = _L.unpack(data)[0] - 0x80000000
    try:
        return datetime.date.fromordinal(days + _EPOCH_DAY)
    except (ValueError, OverflowError):
        raise ValueError(f'{days} days since 1970 are outside the range of date (the years 1 to 9999)') from None


def _pack_time(value: Any) -> bytes:
    if isinstance(value, datetime.time):
        if value.utcoffset() is not None:
            raise ValueError('TimeType takes a time of day without a time zone')
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return _q.pack((seconds * 1000000 + value.microsecond) * 1000)
    try:
        nanoseconds = operator.index(value)
    except TypeError:
        raise TypeError(f'TimeType takes a time or an int of nanoseconds, not {type(value).__name__}') from None
    if not 0 <= nanoseconds < _DAY_NANOSECONDS:
        raise ValueError(f'TimeType takes nanoseconds of one day, not {nanoseconds}')
    return _q.pack(nanoseconds)


def _unpack_time(data: bytes) -> Optional[datetime.time]:
    """The time of day to the microsecond: what is below (TimeType counts nanoseconds) is cut."""
    if not data:
        return None
    if len(data) != 8:
        raise _wrong_length('TimeType', '8', data)
    nanoseconds, = _q.unpack(data)
    if not 0 <= nanoseconds < _DAY_NANOSECONDS:
        raise ValueError(f'{nanoseconds} nanoseconds are not a time of day')
    return (_EPOCH + datetime.timedelta(microseconds=nanoseconds // 1000)).time()


# --- UUIDs and addresses -----------------------------------------------------------------------------------------

_UUID = uuid.UUID
_UNKNOWN = uuid.SafeUUID.unknown
_new_uuid = _UUID.__new__
_set = object.__setattr__


def _uuid_type(name: str, lowest: int, highest: int) -> Scalar:
    """A UUID type; `lowest` and `highest` are the last 64 bits of an instant's first and last UUID in its order."""

    def given(value: Any) -> Optional[bytes]:
        if isinstance(value, uuid.UUID):
            return value.bytes
        if isinstance(value, (bytes, bytearray, memoryview)):
            data = bytes(value)
            if len(data) != 16:
                raise _wrong_length(name, '16', data)
            return data
        return None

    def of_time(value: Any, clock_and_node: int) -> bytes:
        try:
            microseconds = to_microseconds(value)
        except TypeError:
            raise TypeError(f'{name} takes a UUID, 16 bytes, a datetime or a number of seconds, '
                            f'not {type(value).__name__}') from None
        return time_uuid(microseconds, clock_and_node).to_bytes(16, 'big')

    def pack(value: Any) -> bytes:
        return given(value) or of_time(value, random.getrandbits(62))

    def pack_bound(value: Any, is_start: bool) -> bytes:
        return given(value) or of_time(value, lowest if is_start else highest)

    def unpack(data: bytes) -> Optional[uuid.UUID]:
        if len(data) == 16:
            # What UUID(bytes=data) does after checking its arguments, in a third of the time.
            found = _new_uuid(_UUID)
            _set(found, 'int', int.from_bytes(data, 'big'))
            _set(found, 'is_safe', _UNKNOWN)
            return found
        if not data:
            return None
        raise _wrong_length(name, '16', data)
    return Scalar(name, pack, unpack, pack_bound)


def _pack_address(value: Any) -> bytes:
    if isinstance(value, str):
        value = ipaddress.ip_address(value)
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return value.packed
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f'InetAddressType takes an address of the module ipaddress, its text or its bytes, '
                        f'not {type(value).__name__}')
    data = bytes(value)
    if len(data) not in (4, 16):
        raise _wrong_length('InetAddressType', '4 or 16', data)
    return data


def _unpack_address(data: bytes) -> Any:
    if not data:
        return None
    if len(data) not in (4, 16):
        raise _wrong_length('InetAddressType', '4 or 16', data)
    return ipaddress.ip_address(data)


def _pack_empty(value: Any) -> bytes:
    if value is None or value in ('', b''):
        return b''
    raise ValueError('EmptyType holds nothing: None or an empty string')


def _unpack_empty(data: bytes) -> None:
    if data:
        raise _wrong_length('EmptyType', 'no', data)


# --- the table ---------------------------------------------------------------------------------------------------

_UNSIGNED = (0x8000000000000000, 0xBFFFFFFFFFFFFFFF)
# TimeUUIDType compares what follows the time byte by byte as signed numbers.
_SIGNED = (0x8080808080808080, 0xBF7F7F7F7F7F7F7F)

_SCALARS: Dict[str, Scalar] = {each.name: each for each in (
    Scalar('BytesType', _text_pack('BytesType'), _unpack_bytes),
    Scalar('AsciiType', _pack_ascii, _unpack_ascii),
    # bytes.decode itself: it takes UTF-8 by default.
    Scalar('UTF8Type', _text_pack('UTF8Type'), bytes.decode),
    _fixed('LongType', '>q'),
    _fixed('Int32Type', '>i'),
    _fixed('ShortType', '>h'),
    _fixed('ByteType', '>b'),
    _fixed('CounterColumnType', '>q'),
    _fixed('FloatType', '>f'),
    _fixed('DoubleType', '>d'),
    # The mapper's double of the first releases, in the byte order of the machine.
    _fixed('Float64', '=d'),
    Scalar('IntegerType', _pack_varint, _unpack_varint),
    Scalar('DecimalType', _pack_decimal, _unpack_decimal),
    Scalar('BooleanType', _pack_boolean, _unpack_boolean),
    Scalar('DateType', _pack_timestamp, _unpack_timestamp),
    Scalar('TimestampType', _pack_timestamp, _unpack_timestamp),
    Scalar('SimpleDateType', _pack_simple_date, _unpack_simple_date),
    Scalar('TimeType', _pack_time, _unpack_time),
    _uuid_type('UUIDType', *_UNSIGNED),
    _uuid_type('TimeUUIDType', *_SIGNED),
    _uuid_type('LexicalUUIDType', *_UNSIGNED),
    Scalar('InetAddressType', _pack_address, _unpack_address),
    Scalar('EmptyType', _pack_empty, _unpack_empty),
)}


def scalar(name: str) -> Scalar:
    """The Scalar of a type by its simple class name, always the same object. Raises KeyError for unknown names."""
    return _SCALARS[name]
