"""Leaks, counted exactly: an operation leaves as many objects, blocks and references behind as it found, errors too."""
import functools
import gc
import sys

import pytest
from corpus import DICT_CLASSES, corpus, layout_of

from pycassa.errors import PycassaError

COLUMNS = {'a': '1', 'b\xe9': 'two' * 9, 'c': 'x\u6f22' * 5}


@pytest.fixture(scope='module', autouse=True)
def few_objects():
    """What the test run itself consists of is kept out of the collector's sight, and of its time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


# What operations end in, beside a result.
EXPECTED = (PycassaError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def quietly(function, *arguments):
    """Call a function, whose error is thrown away."""
    try:
        function(*arguments)
    except EXPECTED:
        pass


def counts_of(objects):
    """The references to each of the objects that are nobody else's: numbers and short texts are shared."""
    return [sys.getrefcount(each) for each in objects
            if not isinstance(each, (int, type(None))) and not (isinstance(each, (str, bytes)) and len(each) < 2)]


def assert_leaves_nothing(operation, watched=(), times=10):
    """What leaks does so in every round: the least of several is not touched by what happens once or elsewhere."""
    for _ in range(3):
        operation()
    gc.collect()
    references, left = counts_of(watched), []
    for _ in range(6):
        before = sys.getallocatedblocks()
        for _ in range(times):
            operation()
        gc.collect()
        left.append(sys.getallocatedblocks() - before)
        if left[-1] <= 0:
            break
    assert min(left) <= 0, left
    assert counts_of(watched) == references


def test_a_leak_is_seen():
    kept, value = [], object()
    with pytest.raises(AssertionError):
        assert_leaves_nothing(lambda: kept.append(value), [value])
    # With PYTHONMALLOC=malloc, as under sanitizers, nobody counts blocks.
    if sys.getallocatedblocks():
        with pytest.raises(AssertionError):
            assert_leaves_nothing(lambda: kept.append(object()))
    assert_leaves_nothing(lambda: [object()], [value])


# --- replies -----------------------------------------------------------------------------------------------------

KINDS = sorted({reply.name.partition(' of ')[2].partition(',')[0] or 'others' for reply in corpus()})


def of_kind(kind):
    return [reply for reply in corpus() if (reply.name.partition(' of ')[2].partition(',')[0] or 'others') == kind]


@pytest.mark.parametrize('kind', KINDS)
def test_replies(codec, kind):
    replies = of_kind(kind)

    def operation():
        for reply in replies:
            quietly(reply.call, codec)
    assert_leaves_nothing(operation, [
        each for reply in replies for each in (reply.message, layout_of(codec, reply.layout), reply.dict_class)])


BRIEF = [reply for reply in corpus() if reply.layout == 'text' and reply.dict_class is dict and len(reply.message) < 400
         and ('details' in reply.name or 'raises' in reply.name or 'error' in reply.name or 'count' in reply.name)]


@pytest.mark.parametrize('start', range(4))
def test_replies_cut_at_every_byte(codec, start):
    for reply in BRIEF[start::4]:
        cuts = [reply.message[:end] for end in range(len(reply.message))]

        def operation(reply=reply, cuts=cuts):
            for cut in cuts:
                quietly(reply.call, codec, cut)
        assert_leaves_nothing(operation, [layout_of(codec, 'text'), *cuts], times=1)


def test_results_are_let_go(codec):
    """Nothing of a reply is kept by the codec when its result is gone: values are counted."""
    class Value:
        alive = 0

        def __init__(self, data):
            Value.alive += 1

        def __del__(self):
            Value.alive -= 1
    own, text = codec.Scalar('Own', str.encode, Value), codec.scalar('UTF8Type')
    for places in ({'name': text, 'value': own}, {'name': own, 'value': text}):
        layout = codec.Layout('Family', key=text, super_name=own, **places)
        for reply in corpus():
            if reply.layout == 'text' and 'absent' not in reply.name:
                quietly(reply.decode, codec, reply.message, layout, reply.dict_class, reply.flags)
                quietly(reply.decode, codec, reply.message[:-1], layout, reply.dict_class, reply.flags)
                assert Value.alive == 0, reply.name


# --- users' functions that fail somewhere ------------------------------------------------------------------------

class At:
    """A function of one value that fails at its `at`th call."""

    def __init__(self, function, at):
        self._function, self._at, self._calls = function, at, 0

    def __call__(self, value):
        self._calls += 1
        if self._calls == self._at:
            raise ZeroDivisionError if self._at % 2 else RuntimeError
        return self._function(value)


@pytest.mark.parametrize('at', range(1, 12))
@pytest.mark.parametrize('place', ['name', 'value', 'super_name'])
def test_unpackers_that_fail(codec, at, place):
    text = codec.scalar('UTF8Type')
    replies = [reply for reply in corpus(0) if reply.layout == 'text' and 'absent' not in reply.name]

    def operation():
        for reply in replies:
            own = codec.Scalar('Own', str.encode, At(bytes.decode, at))
            scalars = {'name': text, 'value': text, 'super_name': text, place: own}
            quietly(reply.decode, codec, reply.message, codec.Layout('Family', key=text, **scalars),
                    reply.dict_class, reply.flags)
    assert_leaves_nothing(operation, [text, *DICT_CLASSES.values()], times=2)


def writes(codec, layout, columns):
    rows = {f'k{number}': columns for number in range(3)}
    yield codec.encode_insertions, layout, 'k', columns, 5, None
    yield codec.encode_insertions, layout, 'k', columns, 1 << 62, 1 << 30
    yield codec.encode_rows, 1, layout, rows, 5, None, 1
    yield codec.encode_rows, 1, layout, {**rows, b'k1': columns}, 5, None, 1
    yield codec.encode_rows, 1, layout, {f'k{number}': columns for number in range(40)}, 5, None, 1


@pytest.mark.parametrize('at', range(1, 9))
@pytest.mark.parametrize('place', ['key', 'name', 'value', 'super_name'])
def test_packers_that_fail(codec, at, place):
    """At each call in turn: the columns packed until then are let go, and those of the user stay his."""
    text = codec.scalar('UTF8Type')
    names = [name * 20 for name in COLUMNS]
    values = [value * 20 for value in COLUMNS.values()]
    columns = dict(zip(names, values))
    if place == 'super_name':
        columns = {'s': columns, 't': columns}

    def operation():
        own = codec.Scalar('Own', At(str.encode, at), bytes.decode)
        scalars = {'key': text, 'name': text, 'value': text, place: own}
        layout = codec.Layout('Family', **scalars)
        for function, *arguments in writes(codec, layout, columns):
            quietly(function, *arguments)
    assert_leaves_nothing(operation, [columns, *names, *values, text])


class Raising(dict):
    at = 0

    def __setitem__(self, name, value):
        if len(self) == self.at:
            raise ZeroDivisionError
        dict.__setitem__(self, name, value)


@pytest.mark.parametrize('at', range(3))
def test_dict_classes_that_fail(codec, at):
    kind = type('Kind', (Raising,), {'at': at})
    replies = [reply._replace(dict_class=kind) for reply in corpus(0) if reply.dict_class is dict]

    def operation():
        for reply in replies:
            quietly(reply.call, codec)
    assert_leaves_nothing(operation, [kind], times=2)


# --- requests ----------------------------------------------------------------------------------------------------

MISTAKES = {
    'good': COLUMNS, 'a value that is none': {**COLUMNS, 'd': None}, 'a name that is none': {**COLUMNS, None: 'x'},
    'a surrogate': {**COLUMNS, 'd': 'a\ud800'}, 'no mapping': 5, 'a number': {**COLUMNS, 'd': 5},
    'a number first': {'d': 5, **COLUMNS}, 'subclass': type('Sub', (dict,), {})(COLUMNS), 'items': [*COLUMNS.items()],
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_writes(codec, mistake):
    columns = MISTAKES[mistake]
    text, counter = layout_of(codec, 'standard'), codec.scalar('CounterColumnType')
    counters = codec.Layout('Counter', key=text.key, name=text.name, value=counter, counter=True)
    numbers = {name: 5 for name in columns} if isinstance(columns, dict) else columns
    if mistake.startswith('a number') and isinstance(columns, dict):
        numbers['d'] = 'x'
    calls = [*writes(codec, text, columns), *writes(codec, layout_of(codec, 'text'), {'s': columns, 't': columns}),
             *writes(codec, counters, numbers), *writes(codec, layout_of(codec, 'validated'), {'s': columns}),
             (codec.encode_rows, 1, text, {'k': columns}, 'x', None, 1), (codec.encode_rows, 1, text, {}, 5, None, 99),
             (codec.encode_rows, 1, text, {'k': columns}, 5, 1 << 40, 1), (codec.encode_rows, 1, text, 5, 5, None, 1)]

    def operation():
        for function, *arguments in calls:
            quietly(function, *arguments)
    watched = [each for call in calls for each in call]
    if isinstance(columns, dict):
        watched += [*columns, *columns.values()]
    assert_leaves_nothing(operation, watched)


def test_other_requests(codec):
    predicate = codec.encode_slice_predicate(b'a', b'z', True, 5)
    key_range = codec.encode_key_range(b'a', b'z', None, None, 5, [(b'n', 0, b'v')])
    where = 1, b'key', b'Family', b'super'
    calls = [
        (codec.encode_get, *where, b'c', 1), (codec.encode_get, *where, None, 99),
        (codec.encode_get_slice, *where, predicate, 1), (codec.encode_get_count, *where, predicate, 1),
        (codec.encode_multiget_slice, 1, [b'a', b'b'], b'F', None, predicate, 1),
        (codec.encode_multiget_count, 1, [b'a', 5], b'F', None, predicate, 1),
        (codec.encode_get_range_slices, 1, b'F', None, predicate, key_range, 1),
        (codec.encode_get_indexed_slices, 1, b'F', [(b'n', 0, b'v')], b'', 5, predicate, 1),
        (codec.encode_get_indexed_slices, 1, b'F', [(b'n', 'x', b'v')], b'', 5, predicate, 1),
        (codec.encode_insert, *where, b'n', b'v', 5, None, 1), (codec.encode_insert, *where, b'n', None, 5, None, 1),
        (codec.encode_add, *where, b'n', 5, 1), (codec.encode_add, *where, b'n', 1 << 70, 1),
        (codec.encode_remove, *where, b'n', 5, 1), (codec.encode_remove_counter, *where, b'n', 1),
        (codec.encode_truncate, 1, 'Family'), (codec.encode_names_predicate, [b'a', 5]),
        (codec.encode_names_predicate, [b'a', b'b']), (codec.encode_deletion, 5, b's', predicate),
        (codec.encode_slice_predicate, b'', b'', False, None),
        (codec.encode_key_range, b'', b'', None, None, 'x', None),
        (codec.encode_batch, 1, [(b'F', b'k', 1, b'x'), (b'F', b'k', 2, b'y'), (b'G', b'k', 2, b'y')], 1, True),
        (codec.encode_batch, 1, [(b'F', b'k', 1)], 1), (codec.encode_batch, 1, [(b'F', [], 1, b'x')], 1),
        (codec.mutation_lengths, b'\x0b\0\1\0\0\0\1x\0' * 3, 3),
        (codec.mutation_lengths, b'\x0b\0\1\0\0\0\1x\0' * 3, 4),
        (codec.message_header, b'\x80\1\0\2\0\0\0\1n\0\0\0\1'),
        (codec.message_header, b'\x80\1\0\2\0\0\0\1\xff\0\0\0\1'),
        (codec.pack_key, layout_of(codec, 'text'), 'key\xe9'), (codec.pack_key, layout_of(codec, 'text'), 5),
    ]

    def operation():
        for function, *arguments in calls:
            quietly(function, *arguments)
    assert_leaves_nothing(operation, [each for call in calls for each in call])


def test_cursors_and_layouts(codec):
    data = bytes(range(200))
    text = codec.scalar('UTF8Type')

    def operation():
        cursor = codec.Cursor(data)
        for method in ('u8', 'i16', 'i32', 'i64', 'double', 'binary', 'text', 'finish', 'at_stop'):
            quietly(getattr(cursor, method))
        for ttype in range(17):
            quietly(codec.Cursor(bytearray(data)).skip, ttype)
        quietly(functools.partial(list, cursor.fields()))
        layout = codec.Layout('Family', key=text, name=text, value=text, validators={b'a': text, b'b': text})
        quietly(functools.partial(codec.Layout, 'Family', key=text, name=text, value=5))
        quietly(functools.partial(codec.Layout, 5, key=text, name=text, value=text))
        return repr(layout), codec.Scalar('Own', str.encode, bytes.decode).pack_bound('x', True)
    assert_leaves_nothing(operation, [data, text])


if hasattr(sys, 'gettotalrefcount'):
    # Debug builds of Python count all references.
    def test_all_references_of_a_debug_build(codec):
        def operation():
            for reply in corpus():
                quietly(reply.call, codec)
                quietly(reply.call, codec, reply.message[:-3])
        for _ in range(3):
            operation()
        left = []
        for _ in range(5):
            gc.collect()
            before = sys.gettotalrefcount()
            operation()
            gc.collect()
            left.append(sys.gettotalrefcount() - before)
        assert min(left) <= 5, left
