"""The mutation map of a batch request, the bulk of what a server has to read."""
import struct
from typing import Any, Dict, List, Optional, Tuple

from pycassa._pure.request_structs import MUTATION
from pycassa._pure.shapes import RequestCursor

__all__ = ['read_mutation_map']

_length_at = struct.Struct('>I').unpack_from
_i32_at = struct.Struct('>i').unpack_from
_i64_at = struct.Struct('>q').unpack_from

_INSERTION = b'\x0c\x00\x01\x0c\x00\x01\x0b\x00\x01'    # Mutation { ColumnOrSuperColumn { Column { name
_VALUE = b'\x0b\x00\x02'
_TIMESTAMP = b'\x0a\x00\x03'
_TTL = b'\x08\x00\x04'
_STOPS = b'\x00\x00\x00'
_REMEMBERED_COLUMNS = 256


class _MutationLists:
    """Reads the mutation lists of one request, quickly where they are insertions laid out as every client does.

    Rows tend to repeat the column names of the row before, and all columns of a batch the timestamp and ttl: those
    bytes are compared with the last ones instead of being read, and their objects are shared.
    """

    __slots__ = ('_heads', '_tail', '_timestamp', '_ttl')

    def __init__(self) -> None:
        self._heads: List[Tuple[bytes, bytes]] = []            # of the n-th column: its bytes up to the value, its name
        self._tail = _TIMESTAMP + bytes(8) + _STOPS             # the bytes behind a value, and what they say
        self._timestamp: int = 0
        self._ttl: Optional[int] = None

    def read(self, cursor: RequestCursor, count: int) -> List[Tuple[Any, ...]]:
        """`count` mutations from the cursor's position on, as `request_structs.MUTATION` gives them."""
        data, pos, heads = cursor.data, cursor.pos, self._heads
        known, size = len(heads), len(data)
        tail, timestamp, ttl = self._tail, self._timestamp, self._ttl
        starts = data.startswith
        mutations: List[Tuple[Any, ...]] = []
        append = mutations.append
        for index in range(count):
            if index < known and starts(heads[index][0], pos):
                head, name = heads[index]
            else:
                head, name = self._head(data, pos, index)
            start = pos + len(head) + 4
            if head and start <= size:
                end = start + _length_at(data, start - 4)[0]
                if starts(tail, end) or self._read_tail(data, end):
                    if tail is not self._tail:
                        tail, timestamp, ttl = self._tail, self._timestamp, self._ttl
                    append((1, name, data[start:end], timestamp, ttl))
                    pos = end + len(tail)
                    continue
            cursor.pos = pos
            append(MUTATION(cursor))
            pos = cursor.pos
        cursor.pos = pos
        return mutations

    def _head(self, data: bytes, pos: int, index: int) -> Tuple[bytes, bytes]:
        """The column's bytes up to its value, remembered for the next row; b'' if it is not name, then value."""
        start = pos + len(_INSERTION) + 4
        end = start + int.from_bytes(data[start - 4:start], 'big')
        if not (data.startswith(_INSERTION, pos) and data.startswith(_VALUE, end)):
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
                self._tail, self._ttl = data[pos:pos + 21], _i32_at(data, pos + 14)[0]
            else:
                return False
            self._timestamp = _i64_at(data, pos + 3)[0]
            return True
        return False


def read_mutation_map(cursor: RequestCursor) -> List[Tuple[bytes, List[Tuple[str, List[Tuple[Any, ...]]]]]]:
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
