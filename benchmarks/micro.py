"""The codec alone: batches into bytes and replies into dicts, beside the bindings with thrift's C extension."""
import functools
from typing import Any, Callable, Dict, List, NamedTuple

from benchmarks import bindings
from pycassa import codec
from pycassa.util import OrderedDict

__all__ = ['CASES', 'Case', 'DECODE_TARGET', 'ENCODE_TARGET']

FAMILY, TIMESTAMP, SEQID = 'Standard1', 1700000000000000, 7

# How many times faster than the peer the pure implementation has to be.
ENCODE_TARGET, DECODE_TARGET = 4.0, 1.3

_TYPES = {'text': ('UTF8Type', bindings.TEXT), 'doubles': ('DoubleType', bindings.DOUBLE)}


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


def _rows(rows: int, columns: int, values: str) -> Dict[str, Dict[str, Any]]:
    """Names of 10 bytes; values of 20 bytes of text, or doubles."""
    make: Callable[[int], Any] = 'value-{:014d}'.format if values == 'text' else lambda number: number + 0.5
    return {f'row{row:07d}': {f'col{column:07d}': make(row * columns + column) for column in range(columns)}
            for row in range(rows)}


def _layout(values: str) -> codec.Layout:
    text = codec.scalar('UTF8Type')
    return codec.Layout(FAMILY, key=text, name=text, value=codec.scalar(_TYPES[values][0]))


def _encode(rows: int, columns: int, values: str = 'text') -> Case:
    data, layout = _rows(rows, columns, values), _layout(values)
    return Case(f'encode {rows} x {columns} {values}', rows * columns, ENCODE_TARGET,
                functools.partial(codec.encode_rows, SEQID, layout, data, TIMESTAMP, None, 1),
                functools.partial(bindings.encode_rows, SEQID, data, FAMILY, TIMESTAMP, _TYPES[values][1]))


def _decode_slice(columns: int, values: str = 'text') -> Case:
    data, layout, conversion = _rows(1, columns, values), _layout(values), _TYPES[values][1]
    reply = bindings.result_message('get_slice', SEQID, data['row0000000'], TIMESTAMP, conversion)
    return Case(f'decode 1 x {columns} {values}', columns, DECODE_TARGET,
                functools.partial(codec.decode_get_slice, reply, SEQID, layout, OrderedDict, 0),
                functools.partial(bindings.decode_slice, reply, conversion))


def _decode_multiget(rows: int, columns: int, values: str = 'text') -> Case:
    data, layout, conversion = _rows(rows, columns, values), _layout(values), _TYPES[values][1]
    reply = bindings.result_message('multiget_slice', SEQID, data, TIMESTAMP, conversion)
    return Case(f'decode multiget {rows} x {columns} {values}', rows * columns, DECODE_TARGET,
                functools.partial(codec.decode_multiget_slice, reply, SEQID, layout, OrderedDict, 0),
                functools.partial(bindings.decode_multiget_slice, reply, conversion))


CASES: List[Callable[[], Case]] = [
    functools.partial(_encode, 100, 10),
    functools.partial(_encode, 1000, 1),
    functools.partial(_encode, 1, 1000),
    functools.partial(_encode, 100, 10, 'doubles'),
    functools.partial(_decode_slice, 1000),
    functools.partial(_decode_multiget, 100, 10),
    functools.partial(_decode_slice, 1000, 'doubles'),
]
