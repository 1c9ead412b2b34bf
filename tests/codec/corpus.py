"""A corpus of small replies of every kind, each with the calls that decode it: for damage, leaks, threads, fuzzing."""
import collections
import functools
import random
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

from oracle import Oracle, Rewriter

from pycassa.cassandra.ttypes import (
    AuthenticationException,
    ColumnOrSuperColumn,
    InvalidRequestException,
    KeySlice,
    NotFoundException,
    TimedOutException,
    UnavailableException,
)
from pycassa.util import OrderedDict

__all__ = ['DICT_CLASSES', 'LAYOUTS', 'Pairs', 'Reply', 'SEQID', 'corpus', 'layout_of']

SEQID = 77
ORACLE = Oracle()


# --- how replies are converted -----------------------------------------------------------------------------------

class Pairs:
    """A dict_class that is no dict: it keeps what is assigned to it, equal names too."""

    def __init__(self) -> None:
        self.pairs: List[Any] = []

    def __setitem__(self, name: Any, value: Any) -> None:
        self.pairs.append((name, value))


class Counting(dict):
    """A dict_class with a constructor and an assignment of its own."""

    def __init__(self, *arguments: Any) -> None:
        dict.__init__(self, *arguments)
        self.assigned = 0

    def __setitem__(self, name: Any, value: Any) -> None:
        self.assigned += 1
        dict.__setitem__(self, name, value)


class Plain(dict):
    """A subclass that changes nothing about how a dict is made."""


class CallNoting(type):
    def __call__(cls, *arguments: Any) -> Any:
        made = type.__call__(cls, *arguments)
        made.arguments = len(arguments)
        return made


class Noted(dict, metaclass=CallNoting):
    """A subclass whose class tells how it was called: with nothing, as any dict_class is that is not known."""


def factory() -> Any:
    """A dict_class that is a function."""
    return Counting()


DICT_CLASSES = {'dict': dict, 'OrderedDict': OrderedDict, 'collections': collections.OrderedDict, 'Plain': Plain,
                'Counting': Counting, 'Noted': Noted, 'Pairs': Pairs, 'factory': factory}


def _typed(name: str, value: str, **more: Any) -> Callable[[Any], Any]:
    def make(codec: Any) -> Any:
        given = {argument: codec.scalar(kind) for argument, kind in more.items()}
        return codec.Layout('Family', key=codec.scalar('UTF8Type'), name=codec.scalar(name),
                            value=codec.scalar(value), **given)
    return make


def _validated(codec: Any) -> Any:
    kinds = {b'one': 'LongType', b'two': 'AsciiType', b'a': 'Int32Type', b'b': 'DoubleType'}
    text = codec.scalar('UTF8Type')
    return codec.Layout('Family', key=text, name=text, value=codec.scalar('BytesType'), super_name=text,
                        validators={name: codec.scalar(kind) for name, kind in kinds.items()})


def _of_user(codec: Any) -> Any:
    text = codec.scalar('UTF8Type')
    reverse = codec.Scalar('Reverse', lambda value: value[::-1].encode(), lambda data: data.decode()[::-1])
    return codec.Layout('Family', key=text, name=reverse, value=reverse, super_name=reverse)


def _composite(codec: Any) -> Any:
    name = codec.composite([codec.scalar('Int32Type'), codec.scalar('UTF8Type')])
    return codec.Layout('Family', key=codec.scalar('UTF8Type'), name=name, value=codec.scalar('UTF8Type'))


def _encoded(codec: Any) -> Any:
    raw = codec.bytes_scalar('utf-8')
    return codec.Layout('Family', key=raw, name=raw, value=raw, super_name=raw)


LAYOUTS: Dict[str, Callable[[Any], Any]] = {
    'text': _typed('UTF8Type', 'UTF8Type', super_name='UTF8Type'),
    'standard': _typed('UTF8Type', 'UTF8Type'),
    'bytes': _typed('BytesType', 'BytesType', super_name='BytesType'),
    'ascii': _typed('AsciiType', 'AsciiType', super_name='AsciiType'),
    'numbers': _typed('Int32Type', 'LongType', super_name='UTF8Type'),
    'doubles': _typed('UTF8Type', 'DoubleType', super_name='UTF8Type'),
    'validated': _validated,
    'user': _of_user,
    'composite': _composite,
    'encoded': _encoded,
}


@functools.cache
def layout_of(codec: Any, name: str) -> Any:
    """A layout of LAYOUTS, made once in each implementation."""
    return LAYOUTS[name](codec)


# --- replies -----------------------------------------------------------------------------------------------------

class Reply(NamedTuple):
    """A message and how it is decoded: `decode(codec, message, layout, dict_class, flags)`."""

    name: str
    message: bytes
    decode: Callable[..., Any]
    layout: str = 'text'
    flags: int = 0
    dict_class: Any = dict

    def call(self, codec: Any, message: Any = None) -> Any:
        """Decode it, or another message in its place."""
        return self.decode(codec, self.message if message is None else message, layout_of(codec, self.layout),
                           self.dict_class, self.flags)


def _get(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_get(message, SEQID, *conversion)


def _slice(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_get_slice(message, SEQID, *conversion)


def _items(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_get_slice_items(message, SEQID, *conversion)


def _multiget(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_multiget_slice(message, SEQID, *conversion)


def _range(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_key_slices(message, 'get_range_slices', SEQID, *conversion)


def _void(method: str) -> Callable[..., Any]:
    return lambda codec, message, *conversion: codec.decode_void(message, method, SEQID)


def _count(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_get_count(message, SEQID)


def _counts(codec: Any, message: Any, *conversion: Any) -> Any:
    return codec.decode_multiget_count(message, SEQID)


DECODERS = {'get': _get, 'get_slice': _slice, 'multiget_slice': _multiget, 'get_range_slices': _range,
            'get_count': _count, 'multiget_count': _counts}


def _members() -> Dict[str, List[ColumnOrSuperColumn]]:
    return {
        'columns': [ORACLE.column(b'one', b'1' * 8, 5), ORACLE.column(b'two', b'22', -6), ORACLE.column(b'3', b'', 8)],
        'expiring': [ORACLE.column(b'one', b'1' * 8, 5, 9), ORACLE.column(b'two', b'2', 6, 7)],
        'mixed': [ORACLE.column(b'one', b'1', 5), ORACLE.column(b'two', b'2', 6, 7),
                  ORACLE.column(b'\xc3\xa9', b'', 8)],
        'absent': [ORACLE.column(b'one', None, 5), ORACLE.column(b'two', b'2', None)],
        'supers': [ORACLE.super_column(b'S', [(b'one', b'1', 5), (b'two', b'2', 6, 7)]), ORACLE.super_column(b's', [])],
        'alike': [ORACLE.super_column(name, [(b'a', b'1', 5), (b'b', b'22', 6)]) for name in (b'S', b'TT', b'U')],
        'counters': [ORACLE.counter(b'one', 1), ORACLE.counter(b'two', -2)],
        'counter_supers': [ORACLE.counter_super(b'S', [(b'one', 1), (b'two', 2)]), ORACLE.counter_super(b's', [])],
    }


def _numbers() -> List[ColumnOrSuperColumn]:
    return [ORACLE.column(name.to_bytes(4, 'big'), value.to_bytes(8, 'big', signed=True), 5)
            for name, value in ((1, -1), (2, 2 ** 62))]


def _composites() -> List[ColumnOrSuperColumn]:
    return [ORACLE.column(b'\0\4\0\0\0\1\0\0\2ab\0', b'1', 5), ORACLE.column(b'\0\4\0\0\0\2\0', b'2', 6)]


def _of_members(kind: str, members: List[ColumnOrSuperColumn], **how: Any) -> Iterator[Reply]:
    """The replies of each read call that hold these columns."""
    success = {'get': members[0], 'get_slice': members, 'multiget_slice': {b'a': members, b'bb': members, b'c': []},
               'get_range_slices': [KeySlice(b'a', members), KeySlice(b'bb', []), KeySlice(b'c', members)]}
    for method, result in success.items():
        yield Reply(f'{method} of {kind}', ORACLE.reply(method, SEQID, success=result), DECODERS[method], **how)
    yield Reply(f'items of {kind}', ORACLE.reply('get_slice', SEQID, success=members), _items, **how)


def _results() -> Iterator[Reply]:
    for kind, members in _members().items():
        yield from _of_members(kind, members)
        yield from _of_members(f'{kind}, with details', members, flags=3)
    members = _members()
    for flags in (1, 2):
        yield from _of_members(f'mixed, flags {flags}', members['mixed'], flags=flags)
    for name in ('validated', 'user', 'ascii', 'bytes', 'encoded'):
        yield from _of_members(f'mixed as {name}', members['mixed'], layout=name)
        yield from _of_members(f'supers as {name}', members['supers'], layout=name)
    yield from _of_members('supers of a standard family', members['supers'], layout='standard')
    yield from _of_members('counters as numbers', members['counters'], layout='numbers')
    yield from _of_members('numbers', _numbers(), layout='numbers')
    yield from _of_members('composites', _composites(), layout='composite')
    for name, dict_class in DICT_CLASSES.items():
        yield from _of_members(f'columns as {name}', members['columns'], dict_class=dict_class)
        yield from _of_members(f'supers as {name}', members['supers'], dict_class=dict_class)


def _others() -> Iterator[Reply]:
    void = _void('batch_mutate')
    for method in ('batch_mutate', 'insert', 'truncate'):
        yield Reply(f'void of {method}', ORACLE.reply(method, SEQID), _void(method))
    for result in ({'ire': InvalidRequestException(why='bad \xe9')}, {'ue': UnavailableException()},
                   {'te': TimedOutException(1, True, False)}, {'te': TimedOutException()}):
        yield Reply(f'batch_mutate raises {result}', ORACLE.reply('batch_mutate', SEQID, **result), void)
        yield Reply(f'get_slice raises {result}', ORACLE.reply('get_slice', SEQID, **result), _slice)
    yield Reply('get raises', ORACLE.reply('get', SEQID, nfe=NotFoundException()), _get)
    yield Reply('login raises', ORACLE.reply('login', SEQID, authnx=AuthenticationException(why='no')), _void('login'))
    for kind, text in ((7, 'text'), (0, None), (-1, '\xe9')):
        yield Reply(f'application error {kind}', ORACLE.application_error('insert', SEQID, kind, text),
                    _void('insert'))
    for count in (0, 5, -1):
        yield Reply(f'count {count}', ORACLE.reply('get_count', SEQID, success=count), _count)
    for counts in ({}, {b'a': 1, b'bb': -2}, {b'': 0}):
        yield Reply(f'counts {counts}', ORACLE.reply('multiget_count', SEQID, success=counts), _counts)
    for method, empty in (('get_slice', []), ('multiget_slice', {}), ('get_range_slices', [])):
        yield Reply(f'empty {method}', ORACLE.reply(method, SEQID, success=empty), DECODERS[method])
    yield Reply('neither result nor error', ORACLE.reply('get_slice', SEQID), _slice)


@functools.cache
def corpus(rewritten: int = 1) -> List[Reply]:
    """Every reply, then each one `rewritten` times with its fields in another order and unknown ones among them."""
    found = [*_results(), *_others()]
    rng = random.Random(5)
    for number in range(rewritten):
        found += [reply._replace(name=f'{reply.name}, rewritten {number}',
                                 message=Rewriter(rng).message(reply.message)) for reply in found[:]
                  if 'rewritten' not in reply.name]
    return found
