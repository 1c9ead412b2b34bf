"""From bytes to lists of names and values: the columns, super columns and counters of a reply, not converted yet.

What servers send, each column's fields in the order of the interface, is read by a loop that takes a column in four
steps; any column that looks otherwise is read field by field.
"""
from struct import Struct
from struct import error as StructError
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, Type, Union

from pycassa._pure.cursor import I32, I64, LIST, STRING, STRUCT, Cursor
from pycassa.errors import ProtocolError

__all__ = ['ColumnList', 'Columns', 'CounterList', 'SuperList', 'read_member', 'read_members']


class ColumnList:
    """Columns in the order of the reply. A column may lack all but its name: None stands for what is absent.

    Timestamps (microseconds) and ttls (seconds) are there only if they were asked for.
    """

    __slots__ = ('names', 'values', 'timestamps', 'ttls', 'complete')

    def __init__(self) -> None:
        self.names: List[bytes] = []
        self.values: List[Optional[bytes]] = []
        self.timestamps: List[Optional[int]] = []
        self.ttls: List[Optional[int]] = []
        self.complete = True


class CounterList:
    """Counters in the order of the reply."""

    __slots__ = ('names', 'values')

    def __init__(self) -> None:
        self.names: List[bytes] = []
        self.values: List[int] = []


class SuperList:
    """Super columns in the order of the reply, each with its columns or counters."""

    __slots__ = ('names', 'lists')

    def __init__(self) -> None:
        self.names: List[bytes] = []
        self.lists: List[Union[ColumnList, CounterList]] = []


Columns = Union[ColumnList, CounterList, SuperList]
Read = Callable[..., Tuple[Any, ...]]

_VALUE, _TIMESTAMP, _TTL, _COUNT = b'\x0b\0\2', b'\x0a\0\3', b'\x08\0\4', b'\x0a\0\2'


class _Tail(NamedTuple):
    """How a column ends: behind its value, without and with a ttl, or behind a counter's name.

    `link` is the stops of the column and, unless it is the last of its list, the beginning of the next one, whose
    name's length follows; `size` is that of the stops alone.
    """

    read: Read
    read_ttl: Read
    read_counter: Read
    link: bytes

    @classmethod
    def of(cls, link: bytes, length: str) -> '_Tail':
        return cls(Struct(f'>3sq{len(link)}s{length}').unpack_from,
                   Struct(f'>3sq3si{len(link)}s{length}').unpack_from,
                   Struct(f'>3sq{len(link)}s{length}').unpack_from, link)


class _Form:
    """How one kind of column is laid out: `head` is its bytes up to its name's length, `stops` those of its end."""

    __slots__ = ('head', 'start', 'stop', 'read_head', 'between', 'last')

    def __init__(self, head: bytes, stops: bytes) -> None:
        self.head = head
        self.start = len(head) + 4
        self.stop = len(stops)
        self.read_head: Read = Struct(f'>{len(head)}sI').unpack_from
        self.between = _Tail.of(stops + head, 'I')
        # No length follows the last column; b'' stands for it.
        self.last = _Tail.of(stops, '0s')


# Inside list<ColumnOrSuperColumn>, and inside the list of a super column.
_MEMBER_COLUMN = _Form(b'\x0c\0\1\x0b\0\1', b'\0\0')
_MEMBER_COUNTER = _Form(b'\x0c\0\3\x0b\0\1', b'\0\0')
_PLAIN = _Form(b'\x0b\0\1', b'\0')

_read_value_length = Struct('>3sI').unpack_from


def _scan_columns(data: bytes, pos: int, count: int, form: _Form, columns: ColumnList, details: bool) -> int:
    """Append up to `count` columns of the usual form; returns the position of the first that was not read."""
    names, values, timestamps, ttls = columns.names, columns.values, columns.timestamps, columns.ttls
    width, stop = form.start, form.stop
    read_tail, read_ttl_tail, _, expected = form.between
    try:
        head, length = form.read_head(data, pos)
        if head != form.head:
            return pos
        start = pos + width
        for left in range(count - 1, -1, -1):
            end = start + length
            name = data[start:end]
            marker, length = _read_value_length(data, end)
            start = end + 7
            end = start + length
            value = data[start:end]
            if not left:
                read_tail, read_ttl_tail, _, expected = form.last
            timestamp_marker, timestamp, link, length = read_tail(data, end)
            ttl = None
            end += 11
            if link != expected:
                if link[:3] != _TTL:
                    return pos
                _, _, _, ttl, link, length = read_ttl_tail(data, end - 11)
                end += 7
                if link != expected:
                    return pos
            if marker != _VALUE or timestamp_marker != _TIMESTAMP:
                return pos
            names.append(name)
            values.append(value)
            if details:
                timestamps.append(timestamp)
                ttls.append(ttl)
            pos = end + stop
            start = pos + width
    except StructError:
        pass
    return pos


def _read_column(cursor: Cursor, columns: ColumnList, details: bool) -> None:
    """Append one Column struct of any form."""
    name = value = timestamp = ttl = None
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            name = cursor.binary()
        elif field == 2 and ttype == STRING:
            value = cursor.binary()
        elif field == 3 and ttype == I64:
            timestamp = cursor.i64()
        elif field == 4 and ttype == I32:
            ttl = cursor.i32()
        else:
            cursor.skip(ttype)
    if name is None:
        raise ProtocolError(f'malformed message: a column without a name before byte {cursor.pos}')
    columns.names.append(name)
    columns.values.append(value)
    if value is None:
        columns.complete = False
    if details:
        columns.timestamps.append(timestamp)
        columns.ttls.append(ttl)


def _scan_counters(data: bytes, pos: int, count: int, form: _Form, counters: CounterList) -> int:
    """Append up to `count` counters of the usual form; returns the position of the first that was not read."""
    names, values = counters.names, counters.values
    width, stop = form.start, form.stop
    tail = form.between
    try:
        head, length = form.read_head(data, pos)
        if head != form.head:
            return pos
        start = pos + width
        for left in range(count - 1, -1, -1):
            end = start + length
            if not left:
                tail = form.last
            name = data[start:end]
            marker, value, link, length = tail.read_counter(data, end)
            if marker != _COUNT or link != tail.link:
                return pos
            names.append(name)
            values.append(value)
            pos = end + 11 + stop
            start = pos + width
    except StructError:
        pass
    return pos


def _read_counter(cursor: Cursor, counters: CounterList) -> None:
    """Append one CounterColumn struct of any form."""
    name = value = None
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            name = cursor.binary()
        elif field == 2 and ttype == I64:
            value = cursor.i64()
        else:
            cursor.skip(ttype)
    if name is None or value is None:
        raise ProtocolError(f'malformed message: a counter without name or value before byte {cursor.pos}')
    counters.names.append(name)
    counters.values.append(value)


# --- super columns -----------------------------------------------------------------------------------------------

def _read_plain_columns(cursor: Cursor, details: bool) -> ColumnList:
    """A list<Column>."""
    count = cursor.list_header(STRUCT)
    columns = ColumnList()
    while len(columns.names) < count:
        cursor.pos = _scan_columns(cursor.data, cursor.pos, count - len(columns.names), _PLAIN, columns, details)
        if len(columns.names) < count:
            _read_column(cursor, columns, details)
    return columns


def _read_plain_counters(cursor: Cursor, details: bool) -> CounterList:
    """A list<CounterColumn>."""
    count = cursor.list_header(STRUCT)
    counters = CounterList()
    while len(counters.names) < count:
        cursor.pos = _scan_counters(cursor.data, cursor.pos, count - len(counters.names), _PLAIN, counters)
        if len(counters.names) < count:
            _read_counter(cursor, counters)
    return counters


def _read_super(cursor: Cursor, supers: SuperList, read_list: Callable[[Cursor, bool], Any], details: bool) -> None:
    """Append one SuperColumn or CounterSuperColumn struct."""
    name = inner = None
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            name = cursor.binary()
        elif field == 2 and ttype == LIST:
            inner = read_list(cursor, details)
        else:
            cursor.skip(ttype)
    if name is None or inner is None:
        raise ProtocolError(f'malformed message: a super column without name or columns before byte {cursor.pos}')
    supers.names.append(name)
    supers.lists.append(inner)


# --- list<ColumnOrSuperColumn> -----------------------------------------------------------------------------------

# The fields of ColumnOrSuperColumn.
COLUMN, SUPER_COLUMN, COUNTER_COLUMN, COUNTER_SUPER_COLUMN = 1, 2, 3, 4
_LISTS: 'dict[int, Type[Any]]' = {COLUMN: ColumnList, SUPER_COLUMN: SuperList, COUNTER_COLUMN: CounterList,
                                  COUNTER_SUPER_COLUMN: SuperList}


def _read_inner(cursor: Cursor, kind: int, columns: Any, details: bool) -> None:
    if kind == COLUMN:
        _read_column(cursor, columns, details)
    elif kind == COUNTER_COLUMN:
        _read_counter(cursor, columns)
    else:
        read_list = _read_plain_columns if kind == SUPER_COLUMN else _read_plain_counters
        _read_super(cursor, columns, read_list, details)


def _append_member(cursor: Cursor, kind: int, columns: Any, details: bool) -> None:
    """Append one ColumnOrSuperColumn struct of any form, which must hold its field `kind` and no other."""
    found = 0
    for ttype, field in cursor.fields():
        if ttype != STRUCT or field not in _LISTS:
            cursor.skip(ttype)
            continue
        if field != kind or found:
            raise ProtocolError(f'malformed message: fields {found or kind} and {field} of ColumnOrSuperColumn '
                                f'together in one reply at byte {cursor.pos}')
        found = field
        _read_inner(cursor, kind, columns, details)
    if not found:
        raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn before byte {cursor.pos}')


def _kind_at(cursor: Cursor) -> int:
    """Which field the ColumnOrSuperColumn at the cursor holds; the cursor stays."""
    data, start = cursor.data, cursor.pos
    if data[start:start + 2] == b'\x0c\0' and data[start + 2:start + 3] in b'\1\2\3\4':
        return data[start + 2]
    try:
        for ttype, field in cursor.fields():
            if ttype == STRUCT and field in _LISTS:
                return field
            cursor.skip(ttype)
    finally:
        cursor.pos = start
    raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn at byte {start}')


def read_member(cursor: Cursor, details: bool) -> Columns:
    """One ColumnOrSuperColumn struct, as a list of one."""
    kind = _kind_at(cursor)
    columns = _LISTS[kind]()
    _append_member(cursor, kind, columns, details)
    return columns


def read_members(cursor: Cursor, details: bool) -> Columns:
    """A list<ColumnOrSuperColumn>: columns, super columns or counters, never mixed.

    `details` asks for timestamps and ttls.
    """
    count = cursor.list_header(STRUCT)
    if not count:
        return ColumnList()
    kind = _kind_at(cursor)
    columns = _LISTS[kind]()
    names, data = columns.names, cursor.data
    while len(names) < count:
        if kind == COLUMN:
            cursor.pos = _scan_columns(data, cursor.pos, count - len(names), _MEMBER_COLUMN, columns, details)
        elif kind == COUNTER_COLUMN:
            cursor.pos = _scan_counters(data, cursor.pos, count - len(names), _MEMBER_COUNTER, columns)
        if len(names) < count:
            _append_member(cursor, kind, columns, details)
    return columns
