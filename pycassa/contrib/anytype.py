"""Keys, names and values of families that no schema was told of: stored so that they come back as they went in."""
import datetime
import pickle
import struct
import uuid
from typing import Any, Callable, Dict, Optional, Tuple

from pycassa import codec
from pycassa.types import CassandraType
from pycassa.util import to_microseconds

__all__ = ['AnyType']

# None of these bytes begins a character in UTF-8: whatever does not begin with one is text.
_BYTES, _BOOL, _INT, _FLOAT, _UUID, _DATETIME, _TUPLE, _PICKLED = (bytes((tag,)) for tag in range(0xF8, 0x100))

_SIGN = 1 << 63
_LONGEST_INT = 0x7F


class AnyType(CassandraType):
    """Any Python object, stored as bytes that sort like it among objects of its kind.

    Text, bytes, bool, int, float, UUID, datetime and tuples of them; UUIDs of version 1 sort by their time. Other
    objects are pickled, which gives equal objects equal bytes only as far as pickle does. Text is stored as UTF-8 and
    nothing else, and bytes are not equal to text, unless `bytes_encoding` makes text of them.

    It is the type of what a stub's family was given no type for, and of nothing on a real server.
    """

    def make_scalar(self, bytes_encoding: Optional[str] = None) -> codec.Scalar:
        """The Scalar; by `bytes_encoding`, bytes are stored and come back as text."""
        def pack(value: Any) -> bytes:
            if bytes_encoding is not None and isinstance(value, (bytes, bytearray, memoryview)):
                value = str(value, bytes_encoding, 'surrogateescape')
            return _pack(value, 'strict' if bytes_encoding is None else 'surrogatepass')

        # By the name of what servers see in it: the class mapper takes it for bytes or text, too.
        return codec.Scalar('BytesType', pack, _unpack)


def _pack(value: Any, errors: str = 'strict') -> bytes:
    if isinstance(value, str):
        return value.encode('utf-8', errors)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _BYTES + bytes(value)
    if value is None:
        raise TypeError('None cannot be stored')
    packer = _PACKERS.get(type(value))
    if packer is not None:
        return packer(value)
    try:
        return _PICKLED + pickle.dumps(value)
    except (pickle.PicklingError, AttributeError) as error:
        raise TypeError(f'a family without a schema cannot hold it: {error}') from error


def _unpack(data: bytes) -> Any:
    unpacker = _UNPACKERS.get(data[:1])
    try:
        return data.decode('utf-8', 'surrogatepass') if unpacker is None else unpacker(data[1:])
    except (ValueError, struct.error, IndexError, EOFError, pickle.UnpicklingError):
        # Written by a type that was assigned to the family, and has gone since.
        return data


# --- what sorts ------------------------------------------------------------------------------------------------------

def _pack_int(value: int) -> bytes:
    """The number of bytes, counted down for negative numbers, then these in two's complement."""
    size = max((value if value >= 0 else ~value).bit_length() + 7 >> 3, 1)
    if size > _LONGEST_INT:
        raise OverflowError(f'an int of {size} bytes; a family without a schema holds {_LONGEST_INT}')
    if value >= 0:
        return _INT + bytes((0x80 + size,)) + value.to_bytes(size, 'big')
    return _INT + bytes((0x80 - size,)) + (value + (1 << 8 * size)).to_bytes(size, 'big')


def _unpack_int(data: bytes) -> int:
    value = int.from_bytes(data[1:], 'big')
    return value if data[0] > 0x80 else value - (1 << 8 * (0x80 - data[0]))


def _pack_float(value: float) -> bytes:
    bits, = struct.unpack('>Q', struct.pack('>d', value))
    return _FLOAT + struct.pack('>Q', ~bits & 2 * _SIGN - 1 if bits & _SIGN else bits | _SIGN)


def _unpack_float(data: bytes) -> Any:
    bits, = struct.unpack('>Q', data)
    return struct.unpack('>d', struct.pack('>Q', bits & ~_SIGN if bits & _SIGN else ~bits & 2 * _SIGN - 1))[0]


def _pack_uuid(value: uuid.UUID) -> bytes:
    return _UUID + struct.pack('>Q', value.time if value.version == 1 else 0) + value.bytes


def _pack_datetime(value: datetime.datetime) -> bytes:
    return _DATETIME + struct.pack('>Q', to_microseconds(value) + _SIGN) + pickle.dumps(value)


def _pack_tuple(value: Tuple[Any, ...]) -> bytes:
    """Each component and a zero; zeros and ones in it are escaped so that the order stays."""
    return _TUPLE + b''.join(_pack(each).replace(b'\1', b'\1\2').replace(b'\0', b'\1\1') + b'\0' for each in value)


def _unpack_tuple(data: bytes) -> Tuple[Any, ...]:
    return tuple(_unpack(part.replace(b'\1\1', b'\0').replace(b'\1\2', b'\1')) for part in data.split(b'\0')[:-1])


_PACKERS: Dict[type, Callable[[Any], bytes]] = {
    bool: lambda value: _BOOL + bytes((value,)), int: _pack_int, float: _pack_float, uuid.UUID: _pack_uuid,
    datetime.datetime: _pack_datetime, tuple: _pack_tuple}

_UNPACKERS: Dict[bytes, Callable[[bytes], Any]] = {
    _BYTES: bytes, _BOOL: lambda data: data != b'\0', _INT: _unpack_int, _FLOAT: _unpack_float,
    _UUID: lambda data: uuid.UUID(bytes=data[8:]), _DATETIME: lambda data: pickle.loads(data[8:]),
    _TUPLE: _unpack_tuple, _PICKLED: pickle.loads}
