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
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pycassa.util import time_uuid, to_microseconds

__all__ = ['PACK_ERRORS', 'Scalar', 'bytes_scalar', 'composite', 'dynamic_composite', 'reversed_order', 'scalar']

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


# --- composites --------------------------------------------------------------------------------------------------

# End of component. In stored names it is 0; in a slice's end it puts the end before or after all names that begin
# with the components given.
_EXACTLY, _BEFORE, _AFTER = b'\0', b'\xff', b'\1'
_COMPOSITES = ('CompositeType', 'DynamicCompositeType')


def _items(value: Any) -> Sequence[Any]:
    """The components of a name: a tuple or list; any other value is a first component alone."""
    return value if isinstance(value, (tuple, list)) else (value,)


def _component_error(index: int, name: str, error: Exception) -> Exception:
    kind = TypeError if isinstance(error, (TypeError, struct.error)) else ValueError
    return kind(f'component {index} ({name}): {error}')


def _length(data: bytes) -> bytes:
    try:
        return _u16(len(data))
    except struct.error:
        raise ValueError(f'{len(data)} bytes are more than the 65535 that a component holds') from None


def _end(last: Any, nested: bool, is_start: bool) -> Tuple[Any, bytes]:
    """The last component of a slice's end without its mark of inclusion, and its end-of-component byte."""
    inclusive = True
    if isinstance(last, tuple) and len(last) == 2 and isinstance(last[1], bool) and (
            not nested or isinstance(last[0], (tuple, list))):
        last, inclusive = last
    return last, _BEFORE if is_start == inclusive else _AFTER


def _blamed(packs: Sequence[Callable[[Any], bytes]], names: Sequence[str], items: Sequence[Any],
            error: Exception) -> Exception:
    """The error of packing `items`, with the component that it is about."""
    for index, (pack, item) in enumerate(zip(packs, items)):
        try:
            _length(pack(item))
        except PACK_ERRORS as again:
            return _component_error(index, names[index], again)
    return error


def _truncated(data: bytes, pos: int) -> ValueError:
    return ValueError(f'a composite of {len(data)} bytes ends inside the component at byte {pos}')


def composite(components: Sequence[Scalar]) -> Scalar:
    """CompositeType: names of several components, each of its own type; tuples or lists in, tuples out.

    Fewer components than declared are a prefix. A slice's ends are inclusive of everything that begins with the
    components given; a last component written as (value, False) makes its end exclusive. Errors name the component.
    """
    packs = tuple(each.pack for each in components)
    unpacks = tuple(each.unpack for each in components)
    names = tuple(each.name for each in components)
    nested = tuple(name in _COMPOSITES for name in names)
    # A composite inside takes an end mark only where it is last; before that, it has to match exactly.
    leading = tuple((lambda value, is_start, pack=each.pack: pack(value)) if inner else each.pack_bound
                    for each, inner in zip(components, nested))
    bounds = tuple(each.pack_bound for each in components)

    def check(items: Sequence[Any]) -> None:
        if len(items) > len(packs):
            raise TypeError(f'{len(items)} components were given for a CompositeType of {len(packs)}')

    def pack(value: Any) -> bytes:
        items = value if value.__class__ is tuple else _items(value)
        if len(items) > len(packs):
            check(items)
        data = b''
        try:
            for pack_item, item in zip(packs, items):
                packed = pack_item(item)
                data += _u16(len(packed)) + packed + _EXACTLY
        except PACK_ERRORS as error:
            raise _blamed(packs, names, items, error) from error
        return data

    def pack_bound(value: Any, is_start: bool) -> bytes:
        items = list(_items(value))
        check(items)
        if not items:
            return b''
        final = len(items) - 1
        items[final], mark = _end(items[final], nested[final], is_start)
        parts: List[bytes] = []
        try:
            for index, item in enumerate(items):
                data = (bounds if index == final else leading)[index](item, mark is _BEFORE)
                parts += (_length(data), data, mark if index == final else _EXACTLY)
        except PACK_ERRORS as error:
            index = len(parts) // 3
            raise _component_error(index, names[index], error) from error
        return b''.join(parts)

    def unpack(data: bytes) -> Tuple[Any, ...]:
        values: List[Any] = []
        pos, size = 0, len(data)
        for unpack_item in unpacks:
            if pos == size:
                break
            start = pos + 2
            # The end-of-component byte is at `end`.
            end = start + (data[pos] << 8 | data[pos + 1]) if start < size else size
            if end >= size:
                raise _truncated(data, pos)
            try:
                values.append(unpack_item(data[start:end]))
            except ValueError as error:
                raise _component_error(len(values), names[len(values)], error) from error
            pos = end + 1
        if pos != size:
            raise ValueError(f'{size - pos} bytes follow the last component of a CompositeType of {len(packs)}')
        return tuple(values)
    return Scalar('CompositeType', pack, unpack, pack_bound)


def dynamic_composite(aliases: Mapping[str, Scalar], resolve: Callable[[str], Scalar] = scalar) -> Scalar:
    """DynamicCompositeType: each component brings its type; ((alias or type name, value), ...) in and out.

    One character is an alias of `aliases`; anything longer is a type's name, whose Scalar `resolve` finds (KeyError
    when it does not). A slice's ends are inclusive; a last component ((type, value), False) makes its end exclusive.
    """
    def typed(item: Any) -> Tuple[str, Any]:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise TypeError('a component of a DynamicCompositeType is a pair (alias or type name, value)')
        return item[0], item[1]

    def find(name: str) -> Tuple[bytes, Scalar]:
        try:
            if len(name) == 1:
                return b'\x80' + _encode(name, 'latin-1'), aliases[name]
            data = _encode(name)
            return _u16(len(data)) + data, resolve(name)
        except KeyError:
            raise ValueError(f'{name!r} is no {"alias" if len(name) == 1 else "type"} of this '
                             'DynamicCompositeType') from None

    def build(items: Sequence[Any], is_start: Optional[bool], mark: bytes) -> bytes:
        parts: List[bytes] = []
        final = len(items) - 1
        try:
            for index, item in enumerate(items):
                name, value = typed(item)
                header, kind = find(name)
                if is_start is None or (index != final and kind.name in _COMPOSITES):
                    data = kind.pack(value)
                else:
                    data = kind.pack_bound(value, mark is _BEFORE)
                parts += (header, _length(data), data, mark if index == final else _EXACTLY)
        except PACK_ERRORS as error:
            raise _component_error(len(parts) // 4, 'of a DynamicCompositeType', error) from error
        return b''.join(parts)

    def pack(value: Any) -> bytes:
        return build(_items(value), None, _EXACTLY)

    def pack_bound(value: Any, is_start: bool) -> bytes:
        items = list(_items(value))
        if not items:
            return b''
        items[-1], mark = _end(items[-1], True, is_start)
        return build(items, is_start, mark)

    def header_at(data: bytes, pos: int) -> Tuple[str, Scalar, int]:
        if len(data) < pos + 2:
            raise _truncated(data, pos)
        if data[pos] & 0x80:
            name, end = chr(data[pos + 1]), pos + 2
        else:
            end = pos + 2 + (data[pos] << 8 | data[pos + 1])
            name = data[pos + 2:end].decode()
        return name, find(name)[1], end

    def unpack(data: bytes) -> Tuple[Tuple[str, Any], ...]:
        values: List[Tuple[str, Any]] = []
        pos = 0
        while pos < len(data):
            name, kind, start = header_at(data, pos)
            start += 2
            end = start + int.from_bytes(data[start - 2:start], 'big')
            if end >= len(data):
                raise _truncated(data, pos)
            try:
                values.append((name, kind.unpack(data[start:end])))
            except ValueError as error:
                raise _component_error(len(values), name, error) from error
            pos = end + 1
        return tuple(values)
    return Scalar('DynamicCompositeType', pack, unpack, pack_bound)
