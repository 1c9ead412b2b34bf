"""Functions of users in the middle of the codec: they raise, change what is being read, come back in, or lie."""
import functools
import gc
import operator
import struct
import sys

import pytest
from corpus import DICT_CLASSES, SEQID, corpus, layout_of
from oddvalues import VALUES
from oracle import Oracle

from pycassa.errors import PackingError, UnpackingError

ORACLE = Oracle()
COLUMNS = {'a': '1', 'b': '2', 'c': '3'}


class Custom(ArithmeticError):
    """Of a class of the user's, below one that means a failed conversion."""


# What means that a value cannot be converted, and what is the user's own business.
CONVERSION = [TypeError('t'), ValueError('v'), OverflowError('o'), struct.error('s'), ArithmeticError('a'),
              ZeroDivisionError('z'), AttributeError('attribute'), LookupError('l'), KeyError('key'), IndexError(5),
              UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'reason'), Custom('c', 5), PackingError('p'), ValueError()]
PASSING = [RuntimeError('r'), KeyboardInterrupt('k'), SystemExit(3), MemoryError('m'), AssertionError('assert'),
           StopIteration('stop'), GeneratorExit(), OSError(5, 'os'), RecursionError('deep'), Exception('e'),
           StopAsyncIteration(), BaseException('base'), NotImplementedError(), EOFError(), ImportError('i')]
ERRORS = CONVERSION + PASSING


def named(error):
    return type(error).__name__


def raising(error, of=None):
    """A function of one value that raises; or that packs, but raises for the value `of`."""
    def function(value):
        if of is None or value == of:
            raise error
        return value.encode() if isinstance(value, str) else value
    return function


def user_layout(codec, pack=str.encode, unpack=bytes.decode, places='key name value super_name'):
    """A layout whose types are a user's at some places, and text at others."""
    text, own = codec.scalar('UTF8Type'), codec.Scalar('Own', pack, unpack)
    scalars = {place: own if place in places.split() else text for place in ('key', 'name', 'value')}
    return codec.Layout('Family', **scalars, super_name=own if 'super_name' in places.split() else None)


def writes(codec, layout, columns=COLUMNS, more=3):
    """One row, and several rows, narrow and many."""
    rows = {f'k{number}': dict(columns) for number in range(more)}
    yield lambda: codec.encode_insertions(layout, 'k', columns, 5, None)
    yield lambda: codec.encode_rows(1, layout, rows, 5, None, 1)
    yield lambda: codec.encode_rows(1, layout, {f'k{number}': columns for number in range(40)}, 5, None, 1)


@pytest.mark.parametrize('error', ERRORS, ids=named)
@pytest.mark.parametrize('place', ['key', 'name', 'value', 'super_name name'])
def test_packers_that_raise(twins, error, place):
    for of in (None, *COLUMNS, *COLUMNS.values(), 'k1'):
        columns = {'a': COLUMNS, 'b': COLUMNS} if 'super' in place else COLUMNS
        for number in range(3):
            outcome = twins.check(lambda codec, of=of, number=number, columns=columns: [*writes(
                codec, user_layout(codec, raising(error, of), places=place), columns)][number](), (of, number))
            assert outcome.error in (None, PackingError if error in CONVERSION else type(error))


@pytest.mark.parametrize('error', ERRORS, ids=named)
def test_the_error_of_a_packer_is_the_cause(codec, error):
    layout = user_layout(codec, raising(error, '2'), places='value')
    for write in writes(codec, layout):
        with pytest.raises(PackingError if error in CONVERSION else type(error)) as caught:
            write()
        if error in CONVERSION:
            assert caught.value.__cause__ is error
            assert "column 'b': a value of class str cannot be packed as Own" in str(caught.value)
        else:
            assert caught.value is error


READS = [reply for reply in corpus(0) if reply.layout == 'text' and reply.flags == 0 and reply.dict_class is dict
         and ' of ' in reply.name and 'absent' not in reply.name]


def read_with(reply, unpack, place, dict_class=dict):
    def call(codec):
        layout = user_layout(codec, unpack=unpack, places=place)
        if layout.super_name is None:
            layout = codec.Layout('Family', key=layout.key, name=layout.name, value=layout.value,
                                  super_name=codec.scalar('UTF8Type'))
        return reply.decode(codec, reply.message, layout, dict_class, reply.flags)
    return call


@pytest.mark.parametrize('error', ERRORS, ids=named)
@pytest.mark.parametrize('place', ['name', 'value', 'super_name', 'name value super_name'])
def test_unpackers_that_raise(twins, error, place):
    errors = set()
    for reply in READS:
        for of in (None, b'one', b'two', b'S', b'2'):
            def unpack(data, of=of):
                if of is None or data == of:
                    raise error
                return data
            outcome = twins.check(read_with(reply, unpack, place), (reply.name, of))
            errors.add(outcome.error)
    assert errors == {None, UnpackingError if error in CONVERSION else type(error)}


class RaisingDict(dict):
    """Fails where it is told to."""

    error: BaseException = ValueError()
    at = 0

    def __setitem__(self, name, value):
        if len(self) == self.at:
            raise self.error
        dict.__setitem__(self, name, value)


@pytest.mark.parametrize('error', ERRORS, ids=named)
@pytest.mark.parametrize('at', [0, 1])
def test_dict_classes_whose_assignment_raises(twins, error, at):
    kind = type('Kind', (RaisingDict,), {'error': error, 'at': at})
    errors = {twins.check(reply._replace(dict_class=kind).call, reply.name).error for reply in READS}
    assert errors <= {None, type(error)} and type(error) in errors


@pytest.mark.parametrize('error', ERRORS, ids=named)
@pytest.mark.parametrize('method', ['__init__', '__new__', 'function'])
def test_dict_classes_whose_making_raises(twins, error, method):
    def fail(*arguments):
        raise error
    kind = fail if method == 'function' else type('Kind', (dict,), {method: fail})
    outcomes = [twins.check(reply._replace(dict_class=kind).call, reply.name).error for reply in READS
                if reply.name.startswith('get_slice')]
    assert set(outcomes) == {type(error)}


class Name:
    """What a user's type unpacks names to; its hash or comparison may fail."""

    def __init__(self, data, hashed=None, compared=None):
        self.data, self._hashed, self._compared = data, hashed, compared

    def __hash__(self):
        if self._hashed:
            raise self._hashed
        return 1

    def __eq__(self, other):
        if self._compared:
            raise self._compared
        return self.data == other.data


@pytest.mark.parametrize('error', ERRORS, ids=named)
@pytest.mark.parametrize('which', ['hashed', 'compared'])
def test_names_that_cannot_be_hashed_or_compared(twins, error, which):
    outcomes = [twins.check(read_with(reply, functools.partial(Name, **{which: error}), 'name', dict_class),
                            reply.name).error for reply in READS for dict_class in (dict, DICT_CLASSES['Counting'])]
    assert set(outcomes) <= {None, type(error)} and type(error) in outcomes


@pytest.mark.parametrize('name', VALUES)
def test_unpackers_that_give_anything(twins, name):
    for place in ('name', 'value', 'super_name'):
        for reply in READS:
            twins.check(read_with(reply, lambda data: VALUES[name], place), (reply.name, place))


@pytest.mark.parametrize('name', VALUES)
def test_packers_that_give_anything(twins, name):
    """bytes and their like are stored; all else is told by its class."""
    value = VALUES[name]
    for place in ('key', 'name', 'value', 'super_name'):
        columns = {'a': COLUMNS} if place == 'super_name' else COLUMNS
        for number in range(3):
            outcome = twins.check(lambda codec, number=number, place=place, columns=columns: [*writes(
                codec, user_layout(codec, lambda each: value, places=place), columns)][number](), (place, number))
            assert outcome.error in (None, PackingError)
        if issubclass(type(value), (bytes, bytearray, memoryview)):
            assert outcome.error is None
        elif value.__class__ is type(value):
            assert f'pack returned {type(value).__name__}, not bytes' in outcome.message


def test_numbers_of_unpackers_reach_the_user_as_they_are(codec):
    """The very object that a type unpacked is what a user gets."""
    only = object()
    for reply in READS:
        if reply.name in ('get_slice of columns', 'get_range_slices of columns', 'items of columns'):
            found = read_with(reply, lambda data: only, 'value')(codec)
            rows = [found] if isinstance(found, dict) else [row for _, row in found] if 'range' in reply.name else None
            values = [value for row in rows for value in row.values()] if rows else [value for _, _, value in found]
            assert values and all(value is only for value in values)


# --- functions that change what is being read --------------------------------------------------------------------

def changing(change):
    """A pack that changes the columns in the middle of them, and the call that it takes part in."""
    def call(codec, columns=None, rows=None, place='value'):
        columns = dict(COLUMNS) if columns is None else columns

        def pack(value):
            change(columns)
            return b'packed'
        layout = user_layout(codec, pack, places=place)
        return codec.encode_insertions(layout, 'k', columns, 5, None)
    return call


CHANGES = {
    'clear': dict.clear,
    'another column': lambda columns: columns.setdefault('new', '5'),
    'a column less': lambda columns: columns.pop('a', None),
    'as many, others': lambda columns: columns.update({'z': columns.popitem()[1]}),
    'other values': lambda columns: columns.update(dict.fromkeys(columns, 'other')),
    'hundreds more': lambda columns: columns.update({f'n{len(columns) + number}': 'v' for number in range(300)}),
    'no reference left': lambda columns: columns.update({name: object() for name in columns}),
    'nothing': lambda columns: gc.collect(0),
}


@pytest.mark.parametrize('place', ['name', 'value', 'name value'])
@pytest.mark.parametrize('change', CHANGES)
def test_columns_that_change_under_the_codec(twins, change, place):
    outcome = twins.check(lambda codec: changing(CHANGES[change])(codec, place=place))
    assert outcome.error in (None, RuntimeError, PackingError)
    assert (outcome.error is RuntimeError) is (change in ('clear', 'another column', 'a column less', 'hundreds more'))


@pytest.mark.parametrize('change', CHANGES)
@pytest.mark.parametrize('kind', ['text', 'mixed'])
def test_later_columns_that_change_while_the_first_ones_are_plain(codec, change, kind):
    """Some columns need no function of the user's, others do: whatever comes out, it is bytes or a clear error."""
    columns = {**COLUMNS, 'odd': 'x', 'last': 'y'}

    def pack(value):
        CHANGES[change](columns)
        return b'packed'
    text, own = codec.scalar('UTF8Type'), codec.Scalar('Own', pack, bytes.decode)
    layout = codec.Layout('Family', key=text, name=text, value=text,
                          validators={b'odd': own, **({b'b': own} if kind == 'mixed' else {})})
    for _ in range(3):
        columns.update(COLUMNS, odd='x', last='y')
        for call in (lambda: codec.encode_insertions(layout, 'k', columns, 5, None),
                     lambda: codec.encode_rows(1, layout, {'k': columns, 'l': columns}, 5, None, 1)):
            try:
                assert call()
            except (RuntimeError, PackingError):
                pass


@pytest.mark.parametrize('change', CHANGES)
def test_rows_that_change_under_the_codec(twins, change):
    def call(codec):
        rows = {f'k{number}': dict(COLUMNS) for number in range(4)}

        def pack(value):
            CHANGES[change](rows)
            return value.encode() if isinstance(value, str) else b'other'
        layout = user_layout(codec, pack, places='key')
        return codec.encode_rows(1, layout, rows, 5, None, 1)
    twins.check(call, messages=False)


def test_values_that_lose_their_last_reference(codec):
    """What is being packed stays alive while it is, though the dict that held it is empty by then."""
    class Value:
        def __init__(self, data):
            self.data = data

    def pack(value):
        columns.clear()
        gc.collect()
        assert sys.getrefcount(value) > 1
        return value.data
    own, text = codec.Scalar('Own', pack, bytes.decode), codec.scalar('UTF8Type')
    for places in ({'name': text, 'value': own}, {'name': own, 'value': text}, {'name': own, 'value': own}):
        layout = codec.Layout('Family', key=text, **places)
        columns = {Value(b'%d' % number * 50): Value(b'value' * 50) for number in range(8)}
        with pytest.raises((RuntimeError, PackingError)):
            codec.encode_insertions(layout, 'k', columns, 5, None)


class Finalized:
    """Runs a function when it dies: in the middle of whatever makes the collector run."""

    def __init__(self, function):
        self._function, self._cycle = function, self

    def __del__(self):
        self._function()


NAME_TYPES = {
    'UTF8Type': lambda codec, number: (codec.scalar('UTF8Type'), f'n\xe9{number}'),
    'composite': lambda codec, number: (codec.composite([codec.scalar('LongType'), codec.scalar('UTF8Type')]),
                                        (number, 'x')),
    'dynamic': lambda codec, number: (codec.dynamic_composite({'a': codec.scalar('LongType')}), (('a', number),)),
    'dynamic of pairs that are no tuples': lambda codec, number: (
        codec.dynamic_composite({'a': codec.scalar('LongType')}), (KeyedList(['a', number]),)),
}


class KeyedList(list):
    """A list that can be a part of a name."""

    def __hash__(self):
        return id(self)


@pytest.mark.parametrize('kind', NAME_TYPES)
def test_columns_that_a_finalizer_empties(codec, kind):
    """The collector may run at any allocation, and a finalizer may do anything."""
    threshold = gc.get_threshold()
    scalar = NAME_TYPES[kind](codec, 0)[0]
    layout = codec.Layout('Family', key=scalar, name=scalar, value=codec.scalar('UTF8Type'))
    try:
        for _ in range(20):
            columns = {NAME_TYPES[kind](codec, number)[1]: f'value {number} \xe9' * 20 for number in range(200)}
            Finalized(columns.clear)
            gc.set_threshold(1)
            try:
                codec.encode_insertions(layout, 'k', columns, 5, None)
            except RuntimeError:
                pass
            gc.set_threshold(*threshold)
    finally:
        gc.set_threshold(*threshold)


class Alias(str):
    """A key of a dynamic composite's aliases: looking for another runs its comparison."""

    function = staticmethod(lambda: None)

    def __hash__(self):
        return hash('a')

    def __eq__(self, other):
        self.function()
        return str.__eq__(self, other)


@pytest.mark.parametrize('wrap', [lambda name: name, lambda name: (name, 5), lambda name: KeyedList([name, 5])])
def test_columns_that_a_look_at_aliases_empties(codec, wrap):
    columns = {}
    alias = Alias('b')
    aliases = {alias: codec.scalar('LongType')}
    aliases['a'] = codec.scalar('UTF8Type')
    dynamic = codec.dynamic_composite(aliases)
    scalar = dynamic if wrap('x') == 'x' else codec.composite([dynamic, codec.scalar('LongType')])
    layout = codec.Layout('Family', key=scalar, name=scalar, value=codec.scalar('BytesType'))

    def empty():
        for name in [*columns]:
            if isinstance(name, list):
                name.clear()
        columns.clear()
    for _ in range(20):
        columns.update({wrap((('a', f'name{number}'),)): b'value %d' % number * 9 for number in range(9)})
        alias.function = empty
        try:
            codec.encode_insertions(layout, 'k', columns, 5, None)
        except (RuntimeError, PackingError):
            pass
        alias.function = Alias.function


# --- functions that come back in ---------------------------------------------------------------------------------

@pytest.mark.parametrize('depth', [1, 5, 50])
def test_packers_that_use_the_codec(twins, depth):
    def call(codec):
        left = [depth]

        def pack(value):
            if left[0]:
                left[0] -= 1
                codec.encode_rows(1, layout, {'inner': {'a': 'b'}, 'other': {'c': 'd'}}, 5, None, 1)
            return value.encode()
        layout = user_layout(codec, pack, places='value')
        return (codec.encode_rows(1, layout, {'k': COLUMNS, 'l': COLUMNS}, 5, None, 1),
                codec.encode_insertions(layout, 'k', COLUMNS, 5, None))
    assert twins.check(call).error is None


def test_unpackers_that_use_the_codec(twins):
    message = next(reply for reply in READS if reply.name == 'get_range_slices of columns').message

    def call(codec):
        left = [5]

        def unpack(data):
            if left[0]:
                left[0] -= 1
                codec.decode_key_slices(message, 'get_range_slices', SEQID, layout, dict, 3)
            return data.decode()
        own = codec.Scalar('Own', str.encode, unpack)
        layout = codec.Layout('Family', key=own, name=own, value=own, super_name=own)
        return [reply.decode(codec, reply.message, layout, dict, 0) for reply in READS]
    assert twins.check(call).error is None


def test_endless_recursion_ends_in_an_error(codec):
    def pack(value):
        return codec.pack_key(layout, value)

    def unpack(data):
        return codec.decode_get_slice(message, SEQID, layout, dict, 0)
    own = codec.Scalar('Own', pack, unpack)
    message = ORACLE.reply('get_slice', SEQID, success=[ORACLE.column(b'a', b'b', 1)])
    layout = codec.Layout('Family', key=own, name=own, value=own)
    with pytest.raises(RecursionError):
        codec.pack_key(layout, 'k')
    with pytest.raises(RecursionError):
        codec.decode_get_slice(message, SEQID, layout, dict, 0)


def test_views_that_other_packers_write_to(twins):
    """A bytearray is stored as it is when its column comes."""
    def call(codec):
        shared = bytearray(b'before')

        def pack(value):
            shared[:] = b'after, and longer than before'
            return value.encode()
        text, own = codec.scalar('BytesType'), codec.Scalar('Own', pack, bytes.decode)
        layout = codec.Layout('Family', key=text, name=text, value=text, validators={b'own': own})
        return codec.encode_insertions(layout, 'k', {'a': shared, 'own': 'x', 'b': shared}, 5, None)
    assert twins.check(call).error is None


def test_a_bytearray_that_is_exported_is_left_whole(codec):
    """No view of a user's buffer outlives the call."""
    data = bytearray(b'data')
    layout = layout_of(codec, 'bytes')
    codec.encode_insertions(layout, b'k', {'super': {'n': data, b'm': memoryview(data)}}, 5, None)
    reply = bytearray(READS[0].message)
    codec.decode_void(ORACLE.reply('insert', SEQID), 'insert', SEQID)
    READS[0].call(codec, reply)
    with pytest.raises(Exception, match='malformed'):
        READS[0].call(codec, reply[:-1])
    data.extend(b'more')
    reply.clear()


def test_scalars_whose_functions_are_replaced_meanwhile(codec):
    def pack(value):
        own.pack = operator.methodcaller('encode', 'utf-16-le')
        own.name = 'Other'
        return value.encode()
    own, text = codec.Scalar('Own', pack, bytes.decode), codec.scalar('UTF8Type')
    layout = codec.Layout('Family', key=text, name=text, value=own)
    count, data = codec.encode_insertions(layout, 'k', COLUMNS, 5, None)
    assert count == 3
    assert data.count(b'\x0c\0\1\x0c\0\1') == 3
