"""Partitioners: the token of a row key, its text, and the order of rows on the ring.

A *position* is the sortable form of a row's place: ordered as (token, key), and the key can be read back from it.
"""
import abc
import hashlib
from typing import Any, Dict

__all__ = ['ByteOrderedPartitioner', 'Murmur3Partitioner', 'OrderPreservingPartitioner', 'PARTITIONERS',
           'Partitioner', 'RandomPartitioner', 'TokenError', 'murmur3', 'partitioner']

_MASK = 0xFFFFFFFFFFFFFFFF
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F


class TokenError(ValueError):
    """The text is not a token of the partitioner."""


def _signed_tail(data: bytes) -> int:
    # Cassandra widens the tail's bytes as signed ones, so each byte >= 0x80 flips every bit above it.
    if data.isascii():
        return int.from_bytes(data, 'little')
    value = 0
    for shift, byte in enumerate(data):
        value ^= (byte - 256 if byte > 127 else byte) << (8 * shift)
    return value & _MASK


def _mix(k: int, before: int, turn: int, after: int) -> int:
    k = k * before & _MASK
    return ((k << turn | k >> (64 - turn)) & _MASK) * after & _MASK


def _finish(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & _MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return h ^ h >> 33


def murmur3(data: bytes) -> int:
    """First 64 bits, signed, of Cassandra's variant of MurmurHash3 x64-128 (seed 0, tail bytes sign-extended)."""
    size = len(data)
    h1 = h2 = 0
    body = size & ~15
    for at in range(0, body, 16):
        h1 ^= _mix(int.from_bytes(data[at:at + 8], 'little'), _C1, 31, _C2)
        h1 = (((h1 << 27 | h1 >> 37) & _MASK) + h2) * 5 + 0x52DCE729 & _MASK
        h2 ^= _mix(int.from_bytes(data[at + 8:at + 16], 'little'), _C2, 33, _C1)
        h2 = (((h2 << 31 | h2 >> 33) & _MASK) + h1) * 5 + 0x38495AB5 & _MASK
    if size > body + 8:
        h2 ^= _mix(_signed_tail(data[body + 8:]), _C2, 33, _C1)
    if size > body:
        h1 ^= _mix(_signed_tail(data[body:body + 8]), _C1, 31, _C2)
    h2 ^= size
    h1 = (h1 ^ size) + h2 & _MASK
    h2 = h2 + h1 & _MASK
    h1 = _finish(h1) + _finish(h2) & _MASK
    return h1 - (1 << 64) if h1 >> 63 else h1


class Partitioner(abc.ABC):
    """What the engine asks of a partitioner. Tokens are opaque values, comparable with each other."""

    name = ''
    ordered = False
    minimum: Any = None

    @abc.abstractmethod
    def token(self, key: bytes) -> Any:
        """The token of a row key."""

    @abc.abstractmethod
    def text(self, token: Any) -> str:
        """The token as the Thrift interface spells it."""

    @abc.abstractmethod
    def parse(self, text: str) -> Any:
        """The token that `text` spells. Raises TokenError."""

    @abc.abstractmethod
    def position(self, key: bytes) -> Any:
        """The sortable place of a row on the ring."""

    @abc.abstractmethod
    def key(self, position: Any) -> bytes:
        """The row key of a position."""

    def after(self, key: bytes) -> Any:
        """The least bound that sorts after the position of `key`."""
        return self.position(key) + b'\x00'

    @abc.abstractmethod
    def ceiling(self, token: Any) -> Any:
        """A bound that sorts after every position of `token` and before (or at) those of greater ones."""


class _NumericPartitioner(Partitioner):
    width = 0
    top = 0

    def text(self, token: int) -> str:
        return str(token)

    def parse(self, text: str) -> int:
        digits = text[1:] if text[:1] in ('-', '+') else text
        if not (digits.isascii() and digits.isdigit() and len(digits) < 100):
            raise TokenError(f'{text!r} is not a token of {self.name}')
        return int(text)

    def position(self, key: bytes) -> bytes:
        return (self.token(key) - self.minimum).to_bytes(self.width, 'big') + key

    def key(self, position: bytes) -> bytes:
        return position[self.width:]

    def ceiling(self, token: int) -> bytes:
        place = min(max(token + 1 - self.minimum, 0), self.top)
        return place.to_bytes(self.width, 'big')


class Murmur3Partitioner(_NumericPartitioner):
    """Signed 64-bit hash; the default of Cassandra since 1.2."""

    name = 'Murmur3Partitioner'
    minimum = -1 << 63
    width = 9
    top = 1 << 64

    def token(self, key: bytes) -> int:
        if not key:
            return self.minimum
        token = murmur3(key)
        return token if token != self.minimum else (1 << 63) - 1

    def parse(self, text: str) -> int:
        token = super().parse(text)
        if not self.minimum <= token < 1 << 63:
            raise TokenError(f'{text!r} is not a token of {self.name}')
        return token


class RandomPartitioner(_NumericPartitioner):
    """The absolute value of the key's MD5 read as a signed 128-bit number; the default before 1.2."""

    name = 'RandomPartitioner'
    minimum = -1
    width = 17
    top = 1 << 130

    def token(self, key: bytes) -> int:
        if not key:
            return self.minimum
        return abs(int.from_bytes(hashlib.md5(key).digest(), 'big', signed=True))


class ByteOrderedPartitioner(Partitioner):
    """The key's bytes are the token."""

    name = 'ByteOrderedPartitioner'
    ordered = True
    minimum = b''

    def token(self, key: bytes) -> bytes:
        return key

    def text(self, token: bytes) -> str:
        return token.hex()

    def parse(self, text: str) -> bytes:
        try:
            return bytes.fromhex('0' + text if len(text) % 2 else text)
        except ValueError:
            raise TokenError(f'{text!r} is not a token of {self.name}') from None

    def position(self, key: bytes) -> bytes:
        return key

    def key(self, position: bytes) -> bytes:
        return position

    def ceiling(self, token: bytes) -> bytes:
        return token + b'\x00'


class OrderPreservingPartitioner(Partitioner):
    """The key as UTF-8 text (as hex text when it is not UTF-8), in the order of Java strings (UTF-16 units)."""

    name = 'OrderPreservingPartitioner'
    ordered = True
    minimum = ''

    def token(self, key: bytes) -> str:
        try:
            return key.decode('utf-8')
        except UnicodeDecodeError:
            return key.hex()

    def text(self, token: str) -> str:
        return token

    def parse(self, text: str) -> str:
        return text

    def position(self, key: bytes) -> Any:
        return self.token(key).encode('utf-16-be'), key

    def key(self, position: Any) -> bytes:
        return position[1]

    def after(self, key: bytes) -> Any:
        return self.token(key).encode('utf-16-be'), key + b'\x00'

    def ceiling(self, token: str) -> Any:
        return token.encode('utf-16-be', 'surrogatepass') + b'\x00\x00', b''


PARTITIONERS: Dict[str, Partitioner] = {each.name: each for each in (
    Murmur3Partitioner(), RandomPartitioner(), ByteOrderedPartitioner(), OrderPreservingPartitioner())}


def partitioner(name: str) -> Partitioner:
    """The partitioner of a short or full class name. Raises ValueError for an unknown one."""
    try:
        return PARTITIONERS[name.rpartition('.')[2]]
    except KeyError:
        raise ValueError(f'unknown partitioner {name!r}; known are {", ".join(PARTITIONERS)}') from None
