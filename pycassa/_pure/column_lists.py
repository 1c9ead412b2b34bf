"""From bytes to lists of names and values: the columns, super columns and counters of a reply, not converted yet.

Everything that one reply holds is collected in a few flat lists, which are converted in one go afterwards. What
servers send, each column's fields in the order of the interface, is read by loops that take a column in two steps;
any column that looks otherwise is read field by field.
"""
from itertools import repeat
from struct import Struct
from struct import error as StructError
from typing import Any, Callable, List, Optional, Tuple

from pycassa._pure.cursor import I32, I64, LIST, STRING, STRUCT, Cursor
from pycassa.errors import ProtocolError

__all__ = ['COLUMN', 'COUNTER_COLUMN', 'COUNTER_SUPER_COLUMN', 'Collected', 'SUPER_COLUMN', 'Span', 'read_member',
           'read_members']

# The fields of ColumnOrSuperColumn.
COLUMN, SUPER_COLUMN, COUNTER_COLUMN, COUNTER_SUPER_COLUMN = 1, 2, 3, 4

# (kind, start, stop): a list<ColumnOrSuperColumn> of one row, as a slice of the lists of its kind.
Span = Tuple[int, int, int]


class Collected:
    """The columns, counters and super columns of a reply, each in the order in which they came.

    None stands for a column's value, timestamp (microseconds) or ttl (seconds) that is absent; `complete` tells that
    no value is. Timestamps and ttls are there only if `details` asks for them. `super_spans` are the columns or
    counters of each super column.
    """

    __slots__ = ('details', 'complete', 'names', 'values', 'timestamps', 'ttls', 'counter_names', 'counter_values',
                 'super_names', 'super_spans')

    def __init__(self, details: bool) -> None:
        self.details = details
        self.complete = True
        self.names: List[bytes] = []
        self.values: List[Optional[bytes]] = []
        self.timestamps: List[Optional[int]] = []
        self.ttls: List[Optional[int]] = []
        self.counter_names: List[bytes] = []
        self.counter_values: List[int] = []
        self.super_names: List[bytes] = []
        self.super_spans: List[Span] = []

    def cut(self, columns: int, counters: int) -> None:
        """Forget the columns and counters after the first so many: they are going to be read another way."""
        for column_field in (self.names, self.values, self.timestamps, self.ttls):
            del column_field[columns:]
        del self.counter_names[counters:], self.counter_values[counters:]


# --- the usual form ----------------------------------------------------------------------------------------------

Read = Callable[..., Tuple[Any, ...]]

# Readers are kept for byte strings below this length; longer ones are read field by field.
_LONGEST = 4096

_TTL = b'\x08\0\4'


class _Readers:
    """Readers of a byte string and what follows it, found by its length: `known[length](data, pos)`.

    `known` is replaced, never changed, when a longer one is met: other threads may be using it.
    """

    __slots__ = ('known', '_tail')

    def __init__(self, tail: str) -> None:
        self._tail = tail
        self.known: Tuple[Read, ...] = ()
        self.learn(0)

    def learn(self, length: int) -> None:
        """Make readers up to `length` at least, unless that is too long to keep readers for."""
        if len(self.known) <= length < _LONGEST:
            size = max(64, 1 << length.bit_length())
            self.known = tuple(Struct(f'>{each}s{self._tail}').unpack_from for each in range(size))


class _Form:
    """How one kind of column is laid out: `head` is its bytes up to its name's length, `stops` those of its end.

    `link` is what lies between the fields of a column and the length of the next one's name, and `step` the bytes
    from the timestamp or count to that name. Readers of the last column of a list find its stops where those of the
    others find the link, and b'' where they find that length.
    """

    __slots__ = ('head', 'width', 'stops', 'link', 'step', 'read_head', 'tails', 'dated_tails', 'last_tails',
                 'read_ttl', 'read_last_ttl', 'read_stamp')

    def __init__(self, head: bytes, stops: bytes) -> None:
        self.head, self.stops, self.link = head, stops, stops + head
        self.width = len(head) + 4
        self.step = len(stops) + self.width + 11
        self.read_head: Read = Struct(f'>{len(head)}sI').unpack_from
        # A value and the timestamp behind it, passed over or not (or a counter's name and its count); each field's
        # type and id come as numbers, which compare faster than bytes.
        self.tails = _Readers(f'BH8x{len(self.link)}sI')
        self.dated_tails = _Readers(f'BHq{len(self.link)}sI')
        self.last_tails = _Readers(f'BHq{len(stops)}s0s')
        self.read_ttl: Read = Struct(f'>3si{len(self.link)}sI').unpack_from
        self.read_last_ttl: Read = Struct(f'>3si{len(stops)}s0s').unpack_from
        self.read_stamp: Read = Struct(f'>BHq{len(stops)}s').unpack_from

    def learn(self, length: int) -> None:
        """Make readers of values of this length."""
        for readers in (self.tails, self.dated_tails, self.last_tails):
            readers.learn(length)


# A name, and the length of the value.
_NAMES = _Readers('BHI')
_read_value_length: Read = Struct('>BHI').unpack_from

# Inside list<ColumnOrSuperColumn>, and inside the list of a super column.
_MEMBER_COLUMN = _Form(b'\x0c\0\1\x0b\0\1', b'\0\0')
_MEMBER_COUNTER = _Form(b'\x0c\0\3\x0b\0\1', b'\0\0')
_PLAIN = _Form(b'\x0b\0\1', b'\0')


def _scan_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """Collect columns of the usual form, `count` at most, without their timestamps and ttls.

    The first one's name, of `length` bytes, is at `start`. Returns the position of the first that was not read.
    """
    names, tails = _NAMES.known, form.tails.known
    add_name, add_value = found.names.append, found.values.append
    expected, step = form.link, form.step
    try:
        for _ in repeat(None, count - 1):
            name, ttype, field, size = names[length](data, start)
            end = start + length + 7
            value, timestamp_type, timestamp_field, link, length = tails[size](data, end)
            if link != expected:
                ttl, _, link, length = form.read_ttl(data, end + size + 11)
                if ttl != _TTL or link != expected:
                    return start - form.width
                end += 7
            if field != 2 or ttype != STRING or timestamp_field != 3 or timestamp_type != I64:
                return start - form.width
            add_name(name)
            add_value(value)
            start = end + size + step
        name, ttype, field, size = names[length](data, start)
        end = start + length + 7
        value, timestamp_type, timestamp_field, _, link, _ = form.last_tails.known[size](data, end)
        end += size + 11
        if link != form.stops:
            ttl, _, link, _ = form.read_last_ttl(data, end)
            if ttl != _TTL or link != form.stops:
                return start - form.width
            end += 7
    except (StructError, IndexError):
        # The data end here, or a byte string is longer than there are readers for.
        return start - form.width
    if field != 2 or ttype != STRING or timestamp_field != 3 or timestamp_type != I64:
        return start - form.width
    add_name(name)
    add_value(value)
    return end + len(link)


def _scan_dated_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As `_scan_columns`, with timestamps and ttls."""
    names, tails = _NAMES.known, form.dated_tails.known
    expected, read_ttl, step = form.link, form.read_ttl, form.step - 11
    add_name, add_value = found.names.append, found.values.append
    add_timestamp, add_ttl = found.timestamps.append, found.ttls.append
    try:
        for left in range(count - 1, -1, -1):
            if not left:
                tails, expected, read_ttl = form.last_tails.known, form.stops, form.read_last_ttl
            name, ttype, field, size = names[length](data, start)
            end = start + length + 7
            value, timestamp_type, timestamp_field, timestamp, link, length = tails[size](data, end)
            end += size + 11
            seconds = None
            if link != expected:
                ttl, seconds, link, length = read_ttl(data, end)
                if ttl != _TTL or link != expected:
                    break
                end += 7
            if field != 2 or ttype != STRING or timestamp_field != 3 or timestamp_type != I64:
                break
            add_name(name)
            add_value(value)
            add_timestamp(timestamp)
            add_ttl(seconds)
            start = end + step
    except (StructError, IndexError):
        pass
    return start - form.width


def _scan_long_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As both of the above, for names and values of any length: slower for short ones."""
    try:
        for left in range(count - 1, -1, -1):
            end = start + length
            ttype, field, size = _read_value_length(data, end)
            tail = end + 7 + size
            timestamp_type, timestamp_field, timestamp, stops = form.read_stamp(data, tail)
            after, seconds = tail + 11, None
            if stops != form.stops:
                ttl, seconds, stops, _ = form.read_last_ttl(data, after)
                if ttl != _TTL or stops != form.stops:
                    break
                after += 7
            if field != 2 or ttype != STRING or timestamp_field != 3 or timestamp_type != I64:
                break
            found.names.append(data[start:end])
            found.values.append(data[end + 7:tail])
            if found.details:
                found.timestamps.append(timestamp)
                found.ttls.append(seconds)
            start = after + len(stops) + form.width
            if left:
                head, length = form.read_head(data, start - form.width)
                if head != form.head:
                    break
    except StructError:
        pass
    return start - form.width


def _scan_counters(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As `_scan_columns`, for counters."""
    tails, expected, step = form.dated_tails.known, form.link, form.step
    try:
        for _ in repeat(None, count - 1):
            name, ttype, field, value, link, next_length = tails[length](data, start)
            if link != expected or field != 2 or ttype != I64:
                return start - form.width
            found.counter_names.append(name)
            found.counter_values.append(value)
            start += length + step
            length = next_length
        name, ttype, field, value, stops, _ = form.last_tails.known[length](data, start)
    except (StructError, IndexError):
        return start - form.width
    if stops != form.stops or field != 2 or ttype != I64:
        return start - form.width
    found.counter_names.append(name)
    found.counter_values.append(value)
    return start + length + len(stops) + 11


# --- any form ----------------------------------------------------------------------------------------------------

def _read_column(cursor: Cursor, found: Collected) -> None:
    """Collect one Column struct, its fields in any order."""
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
    found.names.append(name)
    found.values.append(value)
    if value is None:
        found.complete = False
    if found.details:
        found.timestamps.append(timestamp)
        found.ttls.append(ttl)


def _read_counter(cursor: Cursor, found: Collected) -> None:
    """Collect one CounterColumn struct, its fields in any order."""
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
    found.counter_names.append(name)
    found.counter_values.append(value)


_NAME, _LIST = b'\x0b\0\1', b'\x0f\0\2'


def _read_super(cursor: Cursor, kind: int, found: Collected) -> None:
    """Collect one SuperColumn or CounterSuperColumn struct. The usual order of its fields is tried first."""
    data, name, span = cursor.data, None, None
    if data.startswith(_NAME, cursor.pos):
        cursor.pos += 3
        name = cursor.binary()
        if data.startswith(_LIST, cursor.pos):
            cursor.pos += 3
            span = _read_list(cursor, kind, found)
    if not cursor.at_stop():
        name, span = _read_super_fields(cursor, kind, found, name, span)
    if name is None or span is None:
        raise ProtocolError(f'malformed message: a super column without name or columns before byte {cursor.pos}')
    found.super_names.append(name)
    found.super_spans.append(span)


def _read_super_fields(cursor: Cursor, kind: int, found: Collected, name: Optional[bytes],
                       span: Optional[Span]) -> Tuple[Optional[bytes], Optional[Span]]:
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            name = cursor.binary()
        elif field == 2 and ttype == LIST and span is None:
            span = _read_list(cursor, kind, found)
        else:
            cursor.skip(ttype)
    return name, span


def _read_list(cursor: Cursor, kind: int, found: Collected) -> Span:
    """The list<Column> or list<CounterColumn> of a super column of this kind."""
    count = cursor.list_header(STRUCT)
    if kind == SUPER_COLUMN:
        return _collect_columns(cursor, count, _PLAIN, found, _read_column)
    return _collect_counters(cursor, count, _PLAIN, found, _read_counter)


def _collect_columns(cursor: Cursor, count: int, form: _Form, found: Collected,
                     read: Callable[[Cursor, Collected], None]) -> Span:
    """Collect `count` columns: those that are not of the usual form by `read`."""
    names, start = found.names, len(found.names)
    stop = start + count
    scan = _scan_dated_columns if found.details else _scan_columns
    while len(names) < stop:
        _scan(cursor, stop - len(names), form, found, scan)
        if len(names) < stop:
            position = cursor.pos
            _scan(cursor, stop - len(names), form, found, _scan_long_columns)
            if cursor.pos == position:
                read(cursor, found)
            _NAMES.learn(len(names[-1]))
            form.learn(len(found.values[-1] or b''))
    return COLUMN, start, stop


def _collect_counters(cursor: Cursor, count: int, form: _Form, found: Collected,
                      read: Callable[[Cursor, Collected], None]) -> Span:
    """As `_collect_columns`, for counters."""
    names, start = found.counter_names, len(found.counter_names)
    stop = start + count
    while len(names) < stop:
        _scan(cursor, stop - len(names), form, found, _scan_counters)
        if len(names) < stop:
            read(cursor, found)
            form.learn(len(names[-1]))
    return COUNTER_COLUMN, start, stop


def _scan(cursor: Cursor, count: int, form: _Form, found: Collected, scan: Callable[..., int]) -> None:
    """Collect what is of the usual form from here on; leave the cursor at what is not."""
    data, pos = cursor.data, cursor.pos
    if data.startswith(form.head, pos) and len(data) - pos >= form.width:
        _, length = form.read_head(data, pos)
        cursor.pos = scan(data, pos + form.width, length, count, form, found)


# --- list<ColumnOrSuperColumn> -----------------------------------------------------------------------------------

_SUPER_HEADS = {SUPER_COLUMN: b'\x0c\0\2', COUNTER_SUPER_COLUMN: b'\x0c\0\4'}


def _read_member(cursor: Cursor, found: Collected, kind: int) -> None:
    """Collect one ColumnOrSuperColumn struct of any form, which must hold its field `kind` and no other."""
    if not _read_member_fields(cursor, found, kind):
        raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn before byte {cursor.pos}')


def _read_member_fields(cursor: Cursor, found: Collected, kind: int, held: int = 0) -> int:
    """Read the fields that are left of a ColumnOrSuperColumn; returns which of its members it holds."""
    for ttype, field in cursor.fields():
        if ttype != STRUCT or not COLUMN <= field <= COUNTER_SUPER_COLUMN:
            cursor.skip(ttype)
            continue
        if field != kind or held:
            raise ProtocolError(f'malformed message: fields {held or kind} and {field} of ColumnOrSuperColumn '
                                f'in one list at byte {cursor.pos}')
        held = field
        if kind == COLUMN:
            _read_column(cursor, found)
        elif kind == COUNTER_COLUMN:
            _read_counter(cursor, found)
        else:
            _read_super(cursor, kind, found)
    return held


def _read_column_member(cursor: Cursor, found: Collected) -> None:
    _read_member(cursor, found, COLUMN)


def _read_counter_member(cursor: Cursor, found: Collected) -> None:
    _read_member(cursor, found, COUNTER_COLUMN)


def _kind_at(cursor: Cursor) -> int:
    """Which field the ColumnOrSuperColumn at the cursor holds; the cursor stays."""
    start = cursor.pos
    try:
        for ttype, field in cursor.fields():
            if ttype == STRUCT and COLUMN <= field <= COUNTER_SUPER_COLUMN:
                return field
            cursor.skip(ttype)
    finally:
        cursor.pos = start
    raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn at byte {start}')


def _collect_members(cursor: Cursor, count: int, kind: int, found: Collected) -> Span:
    if kind == COLUMN:
        return _collect_columns(cursor, count, _MEMBER_COLUMN, found, _read_column_member)
    if kind == COUNTER_COLUMN:
        return _collect_counters(cursor, count, _MEMBER_COUNTER, found, _read_counter_member)
    start = len(found.super_names)
    head = _SUPER_HEADS[kind]
    for _ in range(count):
        if not cursor.data.startswith(head, cursor.pos):
            _read_member(cursor, found, kind)
            continue
        cursor.pos += 3
        _read_super(cursor, kind, found)
        if not cursor.at_stop():
            _read_member_fields(cursor, found, kind, kind)
    return kind, start, start + count


def read_member(cursor: Cursor, found: Collected) -> Span:
    """Collect one ColumnOrSuperColumn struct: a list of one."""
    return _collect_members(cursor, 1, _kind_at(cursor), found)


_read_start = Struct('>BI6sI').unpack_from
_START = 15


def read_members(cursor: Cursor, found: Collected) -> Span:
    """Collect a list<ColumnOrSuperColumn>: columns, super columns or counters, never mixed."""
    data, pos = cursor.data, cursor.pos
    if len(data) - pos > _START and not found.details:
        element, count, head, length = _read_start(data, pos)
        if head == _MEMBER_COLUMN.head and element == STRUCT and 0 < count < len(data) - pos:
            start = len(found.names)
            end = _scan_columns(data, pos + _START, length, count, _MEMBER_COLUMN, found)
            if len(found.names) == start + count:
                cursor.pos = end
                return COLUMN, start, start + count
            found.cut(start, len(found.counter_names))
    count = cursor.list_header(STRUCT)
    return _collect_members(cursor, count, _kind_at(cursor) if count else COLUMN, found)
