"""From bytes to lists of names and values: the columns, super columns and counters of a reply, not converted yet.

Everything that one reply holds is collected in a few flat lists, which are converted in one go afterwards. What
servers send, each column's fields in the order of the interface, is read by loops that take a column in two steps;
any column that looks otherwise is read field by field.
"""
from collections import defaultdict
from itertools import repeat
from struct import Struct
from struct import error as StructError
from typing import Any, Callable, Dict, List, Optional, Tuple

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

    __slots__ = ('details', 'complete', 'scan', 'row', 'last', 'names', 'values', 'timestamps', 'ttls', 'counter_names',
                 'counter_values', 'super_names', 'super_spans')

    def __init__(self, details: bool) -> None:
        self.details = details
        self.complete = True
        # The reader of columns that fitted the last ones.
        self.scan: Callable[..., int] = _scan_dated_columns if details else _scan_columns
        # What the rows or super columns have in common, and where the last one's columns begin.
        self.row: Optional[_Row] = None
        self.last = 0
        self.names: List[bytes] = []
        self.values: List[Optional[bytes]] = []
        self.timestamps: List[Optional[int]] = []
        self.ttls: List[Optional[int]] = []
        self.counter_names: List[bytes] = []
        self.counter_values: List[int] = []
        self.super_names: List[bytes] = []
        self.super_spans: List[Span] = []


# --- the usual form ----------------------------------------------------------------------------------------------

Read = Callable[..., Tuple[Any, ...]]

_pack_length = Struct('>I').pack

# Readers are kept for byte strings below this length; longer ones are read field by field.
_LONGEST = 4096

# The most readers that are kept for one form of columns: as many pairs of lengths.
_MOST_PAIRS = 4096

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


class _PairReaders:
    """Readers from a column's value to the length of the next one's value: `known[length][value length]`.

    The other length is that of the next column's name, or of all that lies between the timestamp and the next
    value's length. Readers are made when they are asked for, as long as they are few enough to keep.
    """

    __slots__ = ('known', '_code', '_kept')

    def __init__(self, code: str) -> None:
        self._code = code
        self.known: Dict[int, Dict[int, Read]] = defaultdict(dict)
        self._kept = 0

    def learn(self, length: int, value: int) -> Read:
        """Make the reader for these lengths. Raises LookupError if it is one too many."""
        if value >= _LONGEST or self._kept >= _MOST_PAIRS:
            raise LookupError(value)
        self._kept += 1
        read = self.known[length][value] = Struct(f'>{value}s' + self._code % length).unpack_from
        return read


class _Form:
    """How one kind of column is laid out: `head` is its bytes up to its name's length, `stops` those of its end.

    `link` is what lies between the fields of a column and the length of the next one's name, and `step` the bytes
    from the timestamp or count to that name.
    """

    __slots__ = ('head', 'width', 'stops', 'link', 'step', 'read_head', 'plain', 'dated', 'expiring', 'counts',
                 'read_stamp', 'read_ttl')

    def __init__(self, head: bytes, stops: bytes) -> None:
        self.head, self.stops, self.link = head, stops, stops + head
        self.width = len(head) + 4
        self.step = len(stops) + self.width + 11
        self.read_head: Read = Struct(f'>{len(head)}sI').unpack_from
        # The next column's name is expected to be as long as this one's. The timestamp is passed over, or taken, or
        # taken with the ttl; b'' stands where no ttl is, so that the last two look the same. Fields' types and ids
        # come as numbers, which compare faster than bytes.
        self.plain = _PairReaders(f'BH8x{len(self.link)}sI%dsBHI')
        self.dated = _PairReaders(f'BHq0s0s{len(self.link)}sI%dsBHI')
        self.expiring = _PairReaders(f'BHq3si{len(self.link)}sI%dsBHI')
        # A counter's name and its count, and the next one's length.
        self.counts = _Readers(f'BHq{len(self.link)}sI')
        # The timestamp or count, or the ttl, and the end of the column.
        self.read_stamp: Read = Struct(f'>BHq{len(stops)}s').unpack_from
        self.read_ttl: Read = Struct(f'>3si{len(stops)}s').unpack_from


# A name, and the length of the value.
_NAMES = _Readers('BHI')
_read_value_length: Read = Struct('>BHI').unpack_from

# Inside list<ColumnOrSuperColumn>, and inside the list of a super column.
_MEMBER_COLUMN = _Form(b'\x0c\0\1\x0b\0\1', b'\0\0')
_MEMBER_COUNTER = _Form(b'\x0c\0\3\x0b\0\1', b'\0\0')
_PLAIN = _Form(b'\x0b\0\1', b'\0')


# From a value to the length of the next one's, where what lies between them is known from the row before.
_BETWEEN = _PairReaders('BH8x%dsI')
_read_size: Read = Struct('>I').unpack_from

# The most columns of a row whose names are expected to come again in the next one.
_FEW = 256


class _Row:
    """What rows with columns of the same names, without a ttl, have in common, if only names and values are asked for.

    `opening` is what they begin with, up to the length of the first value. `steps` lead from each value to the next
    one: the bytes between the timestamp and its length, the readers for them, and what they take beside the value.
    """

    __slots__ = ('form', 'names', 'opening', 'steps')

    def __init__(self, form: _Form, names: List[bytes]) -> None:
        self.form, self.names = form, names
        heads = [b'%b%b%b\x0b\0\2' % (form.head, _pack_length(len(name)), name) for name in names]
        self.opening = heads[0]
        between = [form.stops + head for head in heads[1:]]
        self.steps = [(each, _BETWEEN.known[len(each)], len(each) + 15) for each in between]


def _scan_row(data: bytes, start: int, row: _Row, found: Collected) -> int:
    """Collect a row that begins as `row` at `start`, as far as it is like it: see `_scan_columns`."""
    names, values = row.names, found.values
    first = len(values)
    pos = start + len(row.opening) + 4
    try:
        size, = _read_size(data, pos - 4)
        for between, tails, stride in row.steps:
            try:
                read = tails[size]
            except KeyError:
                read = _BETWEEN.learn(len(between), size)
            value, stamp_type, stamp, link, next_size = read(data, pos)
            if link != between or stamp != 3 or stamp_type != I64:
                break
            values.append(value)
            pos += size + stride
            size = next_size
        else:
            stamp_type, stamp, _, stops = row.form.read_stamp(data, pos + size)
            if stops == row.form.stops and stamp == 3 and stamp_type == I64:
                values.append(data[pos:pos + size])
                found.names += names
                return pos + size + len(stops) + 11
    except (StructError, LookupError):
        pass
    done = len(values) - first
    found.names += names[:done]
    return pos - 11 - len(names[done]) - len(row.form.head)


def _scan_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """Collect columns of the usual form and without a ttl, `count` at most, without their timestamps.

    The first one's name, of `length` bytes, is at `start`. Returns the position of the first that was not read.
    """
    known, tails_of = _NAMES.known, form.plain.known
    names, values = found.names, found.values
    expected, step = form.link, form.step
    pos, stride = start + length + 7, length + step + 7
    try:
        name, ttype, field, size = known[length](data, start)
        tails = tails_of[length]
        for _ in repeat(None, count - 1):
            try:
                read = tails[size]
            except KeyError:
                read = form.plain.learn(length, size)
            value, stamp_type, stamp, link, following, next_name, next_type, next_field, next_size = read(data, pos)
            if link != expected or field != 2 or ttype != STRING or stamp != 3 or stamp_type != I64:
                break
            if following != length:
                next_name, next_type, next_field, next_size = known[following](data, pos + size + step)
                length, tails = following, tails_of[following]
                stride = length + step + 7
            names.append(name)
            values.append(value)
            pos += size + stride
            name, ttype, field, size = next_name, next_type, next_field, next_size
        else:
            stamp_type, stamp, _, stops = form.read_stamp(data, pos + size)
            if stops == form.stops and field == 2 and ttype == STRING and stamp == 3 and stamp_type == I64:
                names.append(name)
                values.append(data[pos:pos + size])
                return pos + size + len(stops) + 11
    except (StructError, LookupError):
        # The data end here, or there is no reader for these lengths.
        pass
    return pos - 7 - length - form.width


def _scan_dated_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As `_scan_columns`, with their timestamps."""
    return _scan_detailed_columns(data, start, length, count, form, found, form.dated, b'')


def _scan_expiring_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As `_scan_columns`, for columns with a ttl."""
    return _scan_detailed_columns(data, start, length, count, form, found, form.expiring, _TTL)


def _scan_detailed_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected,
                           readers: _PairReaders, mark: bytes) -> int:
    """As `_scan_columns`, for columns that all have a ttl (behind `mark`), or all have none."""
    known, tails_of, details = _NAMES.known, readers.known, found.details
    names, values, timestamps, ttls = found.names, found.values, found.timestamps, found.ttls
    expected, step = form.link, form.step + (7 if mark else 0)
    pos, stride = start + length + 7, length + step + 7
    try:
        name, ttype, field, size = known[length](data, start)
        tails = tails_of[length]
        for _ in repeat(None, count - 1):
            try:
                read = tails[size]
            except KeyError:
                read = readers.learn(length, size)
            (value, stamp_type, stamp, timestamp, ttl, seconds, link, following,
             next_name, next_type, next_field, next_size) = read(data, pos)
            if (link != expected or ttl != mark or field != 2 or ttype != STRING or stamp != 3
                    or stamp_type != I64):
                break
            if following != length:
                next_name, next_type, next_field, next_size = known[following](data, pos + size + step)
                length, tails = following, tails_of[following]
                stride = length + step + 7
            names.append(name)
            values.append(value)
            if details:
                timestamps.append(timestamp)
                ttls.append(seconds if mark else None)
            pos += size + stride
            name, ttype, field, size = next_name, next_type, next_field, next_size
        else:
            return _scan_any_columns(data, pos - 7 - length, length, 1, form, found)
    except (StructError, LookupError):
        pass
    return pos - 7 - length - form.width


def _scan_any_columns(data: bytes, start: int, length: int, count: int, form: _Form, found: Collected) -> int:
    """As all of the above, for names and values of any length, with a ttl or without: slower for short ones."""
    try:
        for left in range(count - 1, -1, -1):
            end = start + length
            ttype, field, size = _read_value_length(data, end)
            tail = end + 7 + size
            timestamp_type, timestamp_field, timestamp, stops = form.read_stamp(data, tail)
            after, seconds = tail + 11, None
            if stops != form.stops:
                ttl, seconds, stops = form.read_ttl(data, after)
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
    counts, expected, step = form.counts.known, form.link, form.step
    try:
        for _ in repeat(None, count - 1):
            name, ttype, field, value, link, next_length = counts[length](data, start)
            if link != expected or field != 2 or ttype != I64:
                return start - form.width
            found.counter_names.append(name)
            found.counter_values.append(value)
            start += length + step
            length = next_length
        ttype, field, value, stops = form.read_stamp(data, start + length)
    except (StructError, IndexError):
        return start - form.width
    if stops != form.stops or field != 2 or ttype != I64:
        return start - form.width
    found.counter_names.append(data[start:start + length])
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


def _read_super(cursor: Cursor, kind: int, found: Collected, name: Optional[bytes] = None,
                span: Optional[Span] = None) -> None:
    """Collect one SuperColumn or CounterSuperColumn struct, its fields in any order; some may have been read."""
    for ttype, field in cursor.fields():
        if field == 1 and ttype == STRING:
            name = cursor.binary()
        elif field == 2 and ttype == LIST and span is None:
            span = _read_list(cursor, kind, found)
        else:
            cursor.skip(ttype)
    if name is None or span is None:
        raise ProtocolError(f'malformed message: a super column without name or columns before byte {cursor.pos}')
    found.super_names.append(name)
    found.super_spans.append(span)


def _read_list(cursor: Cursor, kind: int, found: Collected) -> Span:
    """The list<Column> or list<CounterColumn> of a super column of this kind."""
    count = cursor.list_header(STRUCT)
    if kind == SUPER_COLUMN:
        return _collect_columns(cursor, count, _PLAIN, found, _read_column)
    return _collect_counters(cursor, count, _PLAIN, found, _read_counter)


def _collect_row(cursor: Cursor, start: int, count: int, length: int, form: _Form, found: Collected,
                 read: Callable[[Cursor, Collected], None]) -> Span:
    """Collect `count` columns, the first at `start` of the usual form with a name of `length` bytes."""
    data, names, row = cursor.data, found.names, found.row
    first = len(names)
    stop = first + count
    if row is not None and len(row.names) == count and data.startswith(row.opening, start):
        cursor.pos = _scan_row(data, start, row, found)
        if len(names) == stop:
            return COLUMN, first, stop
    else:
        cursor.pos = found.scan(data, start + form.width, length, count, form, found)
    if len(names) < stop:
        _collect_columns(cursor, stop - len(names), form, found, read)
    if 1 < count <= _FEW and found.scan is _scan_columns:
        last, found.last = found.last, first
        if names[last] == names[first] and last < first and names[last:first] == names[first:]:
            found.row = _Row(form, names[first:])
    return COLUMN, first, stop


def _collect_columns(cursor: Cursor, count: int, form: _Form, found: Collected,
                     read: Callable[[Cursor, Collected], None]) -> Span:
    """Collect `count` columns: those that are not of the usual form by `read`."""
    names, start = found.names, len(found.names)
    stop = start + count
    while len(names) < stop:
        before = len(names)
        _scan(cursor, stop - before, form, found, found.scan)
        if len(names) == before:
            # Most likely all columns of a reply have a ttl, or none has.
            usual = _scan_dated_columns if found.details else _scan_columns
            found.scan = usual if found.scan is _scan_expiring_columns else _scan_expiring_columns
            _scan(cursor, stop - before, form, found, found.scan)
        if len(names) < stop:
            position = cursor.pos
            _scan(cursor, stop - len(names), form, found, _scan_any_columns)
            if cursor.pos == position:
                read(cursor, found)
            _NAMES.learn(len(names[-1]))
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
            form.counts.learn(len(names[-1]))
    return COUNTER_COLUMN, start, stop


def _scan(cursor: Cursor, count: int, form: _Form, found: Collected, scan: Callable[..., int]) -> None:
    """Collect what is of the usual form from here on; leave the cursor at what is not."""
    data, pos = cursor.data, cursor.pos
    if data.startswith(form.head, pos) and len(data) - pos >= form.width:
        _, length = form.read_head(data, pos)
        cursor.pos = scan(data, pos + form.width, length, count, form, found)


# --- list<ColumnOrSuperColumn> -----------------------------------------------------------------------------------

# Up to the length of a super column's name; from that name to the length of its first column's name, whose list
# begins in between; the ends of both structs.
_SUPER_HEADS = {SUPER_COLUMN: b'\x0c\0\2\x0b\0\1', COUNTER_SUPER_COLUMN: b'\x0c\0\4\x0b\0\1'}
_read_super_head: Read = Struct('>6sI').unpack_from
_SUPER_NAMES = _Readers('4sI3sI')
_COLUMNS, _SUPER_STOPS = b'\x0f\0\2\x0c', b'\0\0'


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
    start, stop = len(found.super_names), len(found.super_names) + count
    while len(found.super_names) < stop:
        _scan_supers(cursor, stop - len(found.super_names), kind, found)
        if len(found.super_names) < stop:
            _read_member(cursor, found, kind)
            _SUPER_NAMES.learn(len(found.super_names[-1]))
    return kind, start, stop


def _scan_supers(cursor: Cursor, count: int, kind: int, found: Collected) -> None:
    """Collect super columns of the usual form, `count` at most; leave the cursor at the first that is not."""
    data, pos, head, known = cursor.data, cursor.pos, _SUPER_HEADS[kind], _SUPER_NAMES.known
    try:
        for _ in repeat(None, count):
            opening, length = _read_super_head(data, pos)
            name, before, columns, between, size = known[length](data, pos + 10)
            if opening != head or before != _COLUMNS or between != _PLAIN.head or not 0 < columns < len(data):
                break
            cursor.pos = pos + length + 18
            if kind == SUPER_COLUMN:
                span = _collect_row(cursor, cursor.pos, columns, size, _PLAIN, found, _read_column)
            else:
                span = _collect_counters(cursor, columns, _PLAIN, found, _read_counter)
            if data.startswith(_SUPER_STOPS, cursor.pos):
                found.super_names.append(name)
                found.super_spans.append(span)
                pos = cursor.pos + 2
                continue
            _read_super(cursor, kind, found, name, span)
            if not cursor.at_stop():
                _read_member_fields(cursor, found, kind, kind)
            pos = cursor.pos
    except (StructError, IndexError):
        # The data end here, or the name is longer than there are readers for.
        pass
    cursor.pos = pos


def read_member(cursor: Cursor, found: Collected) -> Span:
    """Collect one ColumnOrSuperColumn struct: a list of one."""
    return _collect_members(cursor, 1, _kind_at(cursor), found)


_read_start = Struct('>BI6sI').unpack_from
_START = 15


def read_members(cursor: Cursor, found: Collected) -> Span:
    """Collect a list<ColumnOrSuperColumn>: columns, super columns or counters, never mixed."""
    data, pos = cursor.data, cursor.pos
    if len(data) - pos > _START:
        element, count, head, length = _read_start(data, pos)
        if head == _MEMBER_COLUMN.head and element == STRUCT and 0 < count < len(data) - pos:
            return _collect_row(cursor, pos + 5, count, length, _MEMBER_COLUMN, found, _read_column_member)
    count = cursor.list_header(STRUCT)
    return _collect_members(cursor, count, _kind_at(cursor) if count else COLUMN, found)
