"""The codec alone: batches into bytes and replies into dicts, beside the bindings with thrift's C extension.

Names have 10 bytes and values 20 of text, unless a case says otherwise.
"""
import functools
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from benchmarks import bindings
from pycassa import codec
from pycassa.util import OrderedDict

__all__ = ['CASES', 'Case', 'DECODE_TARGET', 'ENCODE_TARGET']

FAMILY, TIMESTAMP, TTL, SEQID = 'Standard1', 1700000000000000, 86400, 7

# How many times faster than the peer the pure implementation has to be.
ENCODE_TARGET, DECODE_TARGET = 4.0, 1.3

_TEXT = codec.scalar('UTF8Type')


class Case(NamedTuple):
    """One comparison: `ours` and `peer` do the same work on `columns` columns and give equal results."""

    name: str
    columns: int
    target: float
    ours: Callable[[], Any]
    peer: Callable[[], Any]

    def check(self) -> None:
        """Fail unless both sides give the same."""
        ours, peer = self.ours(), self.peer()
        if isinstance(ours, bytes):
            ours = ours[4:]
        if ours != peer:
            raise AssertionError(f'{self.name}: the two sides differ')


class Values(NamedTuple):
    """A type of values: the codec's name of it, the peer's conversion, and the n-th value."""

    type: str
    conversion: bindings.Conversion
    make: Callable[[int], Any]


_KINDS = {
    'text': Values('UTF8Type', bindings.TEXT, 'value-{:014d}'.format),
    'doubles': Values('DoubleType', bindings.DOUBLE, lambda number: number + 0.5),
    'texts of 1 KB': Values('UTF8Type', bindings.TEXT, 'value-{:01018d}'.format),
}


def _columns(columns: int, make: Callable[[int], Any], start: int = 0) -> Dict[str, Any]:
    return {f'col{column:07d}': make(start + column) for column in range(columns)}


def _rows(rows: int, columns: int, make: Callable[[int], Any], name: str = 'row') -> Dict[str, Dict[str, Any]]:
    return {f'{name}{row:07d}': _columns(columns, make, row * columns) for row in range(rows)}


def _layout(values: Values, **more: Any) -> codec.Layout:
    return codec.Layout(FAMILY, key=_TEXT, name=_TEXT, value=codec.scalar(values.type), **more)


# --- requests ----------------------------------------------------------------------------------------------------

def _encode(rows: int, columns: int, kind: str = 'text', ttl: Optional[int] = None) -> Case:
    values = _KINDS[kind]
    data = _rows(rows, columns, values.make)
    return Case(f'encode {rows} x {columns} {kind}{" with a ttl" if ttl else ""}', rows * columns, ENCODE_TARGET,
                functools.partial(codec.encode_rows, SEQID, _layout(values), data, TIMESTAMP, ttl, 1),
                functools.partial(bindings.encode_rows, SEQID, data, FAMILY, TIMESTAMP, values.conversion, ttl))


def _encode_super(rows: int, supers: int, columns: int) -> Case:
    values = _KINDS['text']
    data = {f'row{row:07d}': _rows(supers, columns, values.make, 'super') for row in range(rows)}
    return Case(f'encode {rows} x {supers} super x {columns}', rows * supers * columns, ENCODE_TARGET,
                functools.partial(codec.encode_rows, SEQID, _layout(values, super_name=_TEXT), data, TIMESTAMP, None,
                                  1),
                functools.partial(bindings.encode_super_rows, SEQID, data, FAMILY, TIMESTAMP, values.conversion))


# Every other column is a number.
_VALIDATED = [f'col{column:07d}' for column in range(1, 1000, 2)]
_VALIDATORS = {name.encode(): codec.scalar('LongType') for name in _VALIDATED}
_CONVERSIONS = {name: bindings.LONG for name in _VALIDATED}


def _validated_value(number: int) -> Any:
    return number if number % 2 else f'value-{number:014d}'


def _encode_validated(rows: int, columns: int) -> Case:
    values, data = _KINDS['text'], _rows(rows, columns, _validated_value)
    return Case(f'encode {rows} x {columns} validators', rows * columns, ENCODE_TARGET,
                functools.partial(codec.encode_rows, SEQID, _layout(values, validators=_VALIDATORS), data, TIMESTAMP,
                                  None, 1),
                functools.partial(bindings.encode_validated_rows, SEQID, data, FAMILY, TIMESTAMP, values.conversion,
                                  _CONVERSIONS))


# --- replies -----------------------------------------------------------------------------------------------------

def _slice_case(name: str, columns: int, layout: codec.Layout, success: Any, peer: Callable[..., Any], *arguments: Any,
                flags: int = 0) -> Case:
    reply = bindings.result_message('get_slice', SEQID, success)
    return Case(f'decode {name}', columns, DECODE_TARGET,
                functools.partial(codec.decode_get_slice, reply, SEQID, layout, OrderedDict, flags),
                functools.partial(peer, reply, *arguments))


def _decode_slice(columns: int, kind: str = 'text', ttl: Optional[int] = None) -> Case:
    values = _KINDS[kind]
    return _slice_case(f'1 x {columns} {kind}{" with a ttl" if ttl else ""}', columns, _layout(values),
                       bindings.members(_columns(columns, values.make), TIMESTAMP, values.conversion.pack, ttl),
                       bindings.decode_slice, values.conversion)


def _decode_timestamps(columns: int) -> Case:
    values = _KINDS['text']
    return _slice_case(f'1 x {columns} timestamps', columns, _layout(values),
                       bindings.members(_columns(columns, values.make), TIMESTAMP, values.conversion.pack),
                       bindings.decode_slice_with_timestamps, values.conversion, flags=codec.INCLUDE_TIMESTAMP)


def _decode_details(columns: int) -> Case:
    values = _KINDS['text']
    return _slice_case(f'1 x {columns} timestamps and ttls', columns, _layout(values),
                       bindings.members(_columns(columns, values.make), TIMESTAMP, values.conversion.pack, TTL),
                       bindings.decode_slice_with_details, values.conversion,
                       flags=codec.INCLUDE_TIMESTAMP | codec.INCLUDE_TTL)


def _decode_validated(columns: int) -> Case:
    def pack(value: Any) -> bytes:
        return value.encode() if isinstance(value, str) else bindings.LONG.pack(value)
    values = _KINDS['text']
    return _slice_case(f'1 x {columns} validators', columns, _layout(values, validators=_VALIDATORS),
                       bindings.members(_columns(columns, _validated_value), TIMESTAMP, pack),
                       bindings.decode_validated_slice, values.conversion, _CONVERSIONS)


def _decode_super(supers: int, columns: int) -> Case:
    values = _KINDS['text']
    data = _rows(supers, columns, values.make, 'super')
    return _slice_case(f'{supers} super x {columns}', supers * columns, _layout(values, super_name=_TEXT),
                       bindings.super_members(data, TIMESTAMP, values.conversion.pack),
                       bindings.decode_supers, values.conversion)


def _decode_counters(columns: int) -> Case:
    layout = codec.Layout(FAMILY, key=_TEXT, name=_TEXT, value=codec.scalar('CounterColumnType'), counter=True)
    return _slice_case(f'1 x {columns} counters', columns, layout,
                       bindings.counter_members(_columns(columns, lambda number: number * 7919)),
                       bindings.decode_counters)


def _decode_multiget(rows: int, columns: int) -> Case:
    values = _KINDS['text']
    success = {key.encode(): bindings.members(row, TIMESTAMP, values.conversion.pack)
               for key, row in _rows(rows, columns, values.make).items()}
    reply = bindings.result_message('multiget_slice', SEQID, success)
    return Case(f'decode multiget {rows} x {columns}', rows * columns, DECODE_TARGET,
                functools.partial(codec.decode_multiget_slice, reply, SEQID, _layout(values), OrderedDict, 0),
                functools.partial(bindings.decode_multiget_slice, reply, values.conversion))


def _decode_range(rows: int, columns: int) -> Case:
    values = _KINDS['text']
    success = bindings.row_slices({key.encode(): bindings.members(row, TIMESTAMP, values.conversion.pack)
                                   for key, row in _rows(rows, columns, values.make).items()})
    reply = bindings.result_message('get_range_slices', SEQID, success)
    return Case(f'decode range slices {rows} x {columns}', rows * columns, DECODE_TARGET,
                functools.partial(codec.decode_key_slices, reply, 'get_range_slices', SEQID, _layout(values),
                                  OrderedDict, 0),
                functools.partial(bindings.decode_range_slices, reply, values.conversion))


CASES: List[Callable[[], Case]] = [
    functools.partial(_encode, 100, 10),
    functools.partial(_encode, 1000, 1),
    functools.partial(_encode, 1, 1000),
    functools.partial(_encode, 100, 10, 'doubles'),
    functools.partial(_encode, 100, 10, ttl=TTL),
    functools.partial(_encode_validated, 100, 10),
    functools.partial(_encode_super, 10, 10, 10),
    functools.partial(_decode_slice, 1000),
    functools.partial(_decode_slice, 1000, 'doubles'),
    functools.partial(_decode_slice, 1000, 'texts of 1 KB'),
    functools.partial(_decode_slice, 1000, ttl=TTL),
    functools.partial(_decode_timestamps, 1000),
    functools.partial(_decode_details, 1000),
    functools.partial(_decode_validated, 1000),
    functools.partial(_decode_counters, 1000),
    functools.partial(_decode_super, 100, 10),
    functools.partial(_decode_multiget, 100, 10),
    functools.partial(_decode_range, 100, 10),
]
