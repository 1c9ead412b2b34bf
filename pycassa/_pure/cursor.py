"""Bounds-checked reading of the Thrift binary protocol: the one place that turns received bytes into lengths.

Nothing here trusts the sender: a length or count is compared with what was received before anything is made of it,
and nesting is limited. Whatever is wrong raises ProtocolError.
"""
from struct import Struct
from struct import error as StructError
from typing import Any, Callable, Iterator, Tuple, Union

from pycassa.errors import ProtocolError

__all__ = ['Cursor', 'MAX_DEPTH', 'message_header',
           'STOP', 'BOOL', 'BYTE', 'DOUBLE', 'I16', 'I32', 'I64', 'STRING', 'STRUCT', 'MAP', 'SET', 'LIST',
           'CALL', 'REPLY', 'EXCEPTION']

Buffer = Union[bytes, bytearray, memoryview]

# Thrift's type and message type numbers.
STOP, BOOL, BYTE, DOUBLE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = 0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
CALL, REPLY, EXCEPTION = 1, 2, 3

MAX_DEPTH = 64

# The bytes that every value of a fixed-size type takes, and the fewest that a value of any type takes.
_SIZES = {BOOL: 1, BYTE: 1, DOUBLE: 8, I16: 2, I32: 4, I64: 8}
_LEAST = {**_SIZES, STRING: 4, STRUCT: 1, MAP: 6, SET: 5, LIST: 5}

_u8 = Struct('>B').unpack_from
_i16 = Struct('>h').unpack_from
_i32 = Struct('>i').unpack_from
_i64 = Struct('>q').unpack_from
_double = Struct('>d').unpack_from
_field = Struct('>Bh').unpack_from
_list_header = Struct('>Bi').unpack_from
_map_header = Struct('>BBi').unpack_from
_message = Struct('>HxBi').unpack_from

_VERSION = 0x8001
_STOP = b'\0'


class Cursor:
    """A position in one received message. Every reading method checks bounds, moves `pos`, or raises ProtocolError."""

    __slots__ = ('data', 'pos')

    def __init__(self, data: Buffer, pos: int = 0) -> None:
        self.data: bytes = data if type(data) is bytes else bytes(memoryview(data))
        self.pos = pos

    @property
    def remaining(self) -> int:
        """Bytes received and not read yet."""
        return len(self.data) - self.pos

    def _take(self, read: Callable[..., Tuple[Any, ...]], size: int) -> Tuple[Any, ...]:
        try:
            values = read(self.data, self.pos)
        except StructError:
            raise self.truncated(size) from None
        self.pos += size
        return values

    def truncated(self, size: int) -> ProtocolError:
        """The error of `size` bytes that are announced or due at this position but were not received."""
        return ProtocolError(f'malformed message: {size} bytes are due at byte {self.pos} of {len(self.data)}')

    def u8(self) -> int:
        return self._take(_u8, 1)[0]

    def i16(self) -> int:
        return self._take(_i16, 2)[0]

    def i32(self) -> int:
        return self._take(_i32, 4)[0]

    def i64(self) -> int:
        return self._take(_i64, 8)[0]

    def double(self) -> float:
        return self._take(_double, 8)[0]

    def binary(self) -> bytes:
        """A length-prefixed byte string (Thrift's `binary` and `string`)."""
        data, start = self.data, self.pos + 4
        try:
            size, = _i32(data, self.pos)
        except StructError:
            raise self.truncated(4) from None
        self.pos = start
        if not 0 <= size <= len(data) - start:
            raise self.truncated(size)
        self.pos = end = start + size
        return data[start:end]

    def text(self) -> str:
        """A `string`: UTF-8 that a server wrote for people; bytes that are not UTF-8 show as U+FFFD."""
        return self.binary().decode('utf-8', 'replace')

    def fields(self) -> Iterator[Tuple[int, int]]:
        """The (type, id) of each field of a struct; the caller reads or skips the value before it goes on."""
        while not self.at_stop():
            yield self._take(_field, 3)  # type: ignore[misc]

    def at_stop(self) -> bool:
        """Whether the struct ends here; if so, the cursor moves past its stop."""
        if self.data.startswith(_STOP, self.pos):
            self.pos += 1
            return True
        return False

    def list_header(self, element: int) -> int:
        """The count of a list or set whose elements must be of type `element` (an empty one may say anything)."""
        try:
            found, count = _list_header(self.data, self.pos)
        except StructError:
            raise self.truncated(5) from None
        self.pos += 5
        if count and found != element:
            raise ProtocolError(f'malformed message: a list of type {found} at byte {self.pos}, not {element}')
        self._check_count(count, _LEAST[element])
        return count

    def map_header(self, key: int, value: int) -> int:
        """The count of a map of the types `key` and `value` (an empty one may say anything)."""
        found_key, found_value, count = self._take(_map_header, 6)
        if count and (found_key, found_value) != (key, value):
            raise ProtocolError(f'malformed message: a map of types {found_key} and {found_value} at byte {self.pos}, '
                                f'not {key} and {value}')
        self._check_count(count, _LEAST[key] + _LEAST[value])
        return count

    def _check_count(self, count: int, least: int) -> None:
        if not 0 <= count * least <= len(self.data) - self.pos:
            raise ProtocolError(f'malformed message: {count} elements are announced at byte {self.pos} '
                                f'of {len(self.data)}')

    def skip(self, ttype: int, depth: int = 0) -> None:
        """Move past one value of type `ttype`, `depth` containers deep already."""
        size = _SIZES.get(ttype)
        if size is not None:
            self._move(size)
        elif ttype == STRING:
            self._move(self.i32())
        elif depth >= MAX_DEPTH:
            raise ProtocolError(f'malformed message: nested deeper than {MAX_DEPTH} levels at byte {self.pos}')
        elif ttype == STRUCT:
            for inner, _ in self.fields():
                self.skip(inner, depth + 1)
        elif ttype in (LIST, SET):
            element, count = self._take(_list_header, 5)
            self._skip_elements((element,), count, depth + 1)
        elif ttype == MAP:
            key, value, count = self._take(_map_header, 6)
            self._skip_elements((key, value), count, depth + 1)
        else:
            raise ProtocolError(f'malformed message: unknown type {ttype} at byte {self.pos}')

    def _skip_elements(self, types: Tuple[int, ...], count: int, depth: int) -> None:
        if not count:
            return
        for ttype in types:
            if ttype not in _LEAST:
                raise ProtocolError(f'malformed message: unknown type {ttype} at byte {self.pos}')
        self._check_count(count, sum(_LEAST[ttype] for ttype in types))
        if all(ttype in _SIZES for ttype in types):
            self._move(count * sum(_SIZES[ttype] for ttype in types))
            return
        for _ in range(count):
            for ttype in types:
                self.skip(ttype, depth)

    def _move(self, size: int) -> None:
        if not 0 <= size <= len(self.data) - self.pos:
            raise self.truncated(size)
        self.pos += size

    def finish(self) -> None:
        """Check that the message ends here."""
        if self.pos != len(self.data):
            raise ProtocolError(f'malformed message: {len(self.data) - self.pos} bytes follow its end')


def message_header(data: Buffer) -> Tuple[str, int, int, int]:
    """(name, type, sequence id, offset of what follows) of a strict message without its frame length."""
    cursor = Cursor(data)
    version, kind, size = cursor._take(_message, 8)
    if version != _VERSION:
        raise ProtocolError(f'malformed message: starts with {cursor.data[:4].hex()}, not with a version of the '
                            'strict binary protocol (is the server another protocol, or unframed?)')
    cursor.pos = 4
    try:
        name = cursor.binary().decode('utf-8')
    except UnicodeDecodeError as error:
        raise ProtocolError('malformed message: its name is not UTF-8') from error
    return name, kind, cursor.i32(), cursor.pos
