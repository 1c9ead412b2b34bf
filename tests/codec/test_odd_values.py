"""Odd Python values: both twins pack them to the same bytes, or refuse them by the same documented error."""
import struct

import pytest
from corpus import DICT_CLASSES, SEQID, corpus, layout_of
from oddvalues import MAPPINGS, NOT_MAPPINGS, VALUES

from pycassa._pure.packing import _SCALARS
from pycassa.errors import PackingError, PycassaError

# An __index__ that gives a bool works, and Python warns of it.
pytestmark = pytest.mark.filterwarnings('ignore:__index__ returned non-int')

NAMES = sorted(_SCALARS)
KINDS = [*NAMES, 'composite', 'composite of all', 'nested', 'dynamic', 'reversed', 'encoded', 'latin', 'user', 'named']

# What the packers of the codec's own types raise, and what passes through from a value's own methods.
REFUSED = (TypeError, ValueError, ArithmeticError, struct.error)


def scalar_of(codec, kind):
    if kind in _SCALARS:
        return codec.scalar(kind)
    number, text = codec.scalar('Int32Type'), codec.scalar('UTF8Type')
    if kind == 'composite':
        return codec.composite([number, text])
    if kind == 'composite of all':
        return codec.composite([number, text, codec.scalar('LongType'), codec.scalar('BytesType')])
    if kind == 'nested':
        return codec.composite([codec.composite([number, text]), text])
    if kind == 'dynamic':
        return codec.dynamic_composite({'a': number, 'b': text}, codec.scalar)
    if kind == 'reversed':
        return codec.reversed_order(codec.composite([number, text]))
    if kind in ('encoded', 'latin'):
        return codec.bytes_scalar('utf-8' if kind == 'encoded' else 'latin-1')
    if kind == 'user':
        return codec.Scalar('Own', text.pack, text.unpack)
    # By its name a type of the codec's, but another object.
    return codec.Scalar('LongType', lambda value: b'L' + text.pack(value), bytes.decode)


def layouts(codec, kind):
    """Families in which `kind` is the type of everything, of nothing but the name, and of a validator."""
    odd, text = scalar_of(codec, kind), codec.scalar('UTF8Type')
    return {
        'all': codec.Layout('Odd', key=odd, name=odd, value=odd),
        'value': codec.Layout('Odd', key=text, name=text, value=odd),
        'validated': codec.Layout('Odd', key=text, name=text, value=text, validators={b'n': odd}),
        'super': codec.Layout('Odd', key=odd, name=odd, value=odd, super_name=odd),
        'counter': codec.Layout('Odd', key=odd, name=odd, value=odd, counter=True),
    }


def writes(codec, kind, value):
    """Every way in which a value of `kind` can be written."""
    of = layouts(codec, kind)
    yield codec.pack_key, of['all'], value
    for name in ('value', 'validated', 'counter'):
        yield codec.encode_insertions, of[name], 'k', {'n': value}, 5, None
    yield codec.encode_rows, 1, of['validated'], {'k': {'n': value, 'm': 'x'}, 'l': {'n': value}}, 5, 6, 1
    yield codec.encode_rows, 1, of['value'], {f'k{number}': {'n': value} for number in range(40)}, 5, 6, 1
    try:
        hash(value)
    except (TypeError, ValueError):
        return
    yield codec.encode_insertions, of['all'], 'k', {value: value}, 5, None
    yield codec.encode_insertions, of['super'], 'k', {value: {value: value}}, 5, 9
    yield codec.encode_insertions, of['counter'], 'k', {value: 5}, 5, None
    yield codec.encode_rows, 1, of['all'], {value: {value: value}}, 5, None, 1
    yield codec.encode_rows, 1, of['all'], {value: {value: value}, value.__class__: {value: value}}, 5, None, 1
    yield codec.encode_rows, 1, of['super'], {value: {value: {value: value, 'x': value}, 'y': {value: 'x'}}}, 5, 2, 1


def run(function, *arguments):
    return function(*arguments)


def count_of(codec, kind, value):
    return len([*writes(codec, kind, value)])


@pytest.mark.parametrize('kind', KINDS)
def test_packed_alike(twins, kind):
    """By the Scalar itself: its pack, and both ends of a slice."""
    packed = 0
    for name, value in VALUES.items():
        note = kind, name
        outcome = twins.check(lambda codec, value=value: scalar_of(codec, kind).pack(value), note)
        packed += outcome.error is None
        for is_start in (True, False):
            twins.check(lambda codec, value=value, is_start=is_start: scalar_of(codec, kind).pack_bound(
                value, is_start), note)
    assert 0 < packed < len(VALUES)


@pytest.mark.parametrize('kind', KINDS)
def test_written_alike(twins, kind):
    """By every call that writes: as key, name, super column name, value, and value of a column with a type."""
    errors = set()
    for name, value in VALUES.items():
        for number in range(count_of(twins.pure, kind, value)):
            outcome = twins.check(lambda codec, value=value, number=number: run(
                *[*writes(codec, kind, value)][number]), (kind, name, number))
            errors.add(outcome.error)
    assert None in errors
    assert PackingError in errors


@pytest.mark.parametrize('kind', KINDS)
def test_errors_are_the_documented_ones(codec, kind):
    """What cannot be stored is a PackingError with its cause, whatever the value is."""
    for name, value in VALUES.items():
        for write in writes(codec, kind, value):
            try:
                written = run(*write)
            except PackingError as error:
                assert "family 'Odd'" in str(error), name
                assert error.__cause__ is None or isinstance(error.__cause__, REFUSED), name
            else:
                assert type(written) in (bytes, tuple), name


def mapping_calls(codec, make):
    text = layout_of(codec, 'standard')
    supers = layout_of(codec, 'text')
    counters = codec.Layout('Odd', key=text.key, name=text.name, value=text.value, counter=True)
    yield codec.encode_insertions, text, 'k', make(), 5, None
    yield codec.encode_insertions, counters, 'k', make(), 5, None
    yield codec.encode_insertions, supers, 'k', {'s': make(), 't': make()}, 5, None
    yield codec.encode_insertions, supers, 'k', make(), 5, None
    yield codec.encode_rows, 1, text, {'k': make()}, 5, None, 1
    yield codec.encode_rows, 1, text, {'k': make(), 'l': {'a': 'b'}, 'm': make()}, 5, None, 1
    yield codec.encode_rows, 1, text, {f'k{number}': make() for number in range(40)}, 5, None, 1
    yield codec.encode_rows, 1, text, make(), 5, None, 1
    yield codec.encode_rows, 1, supers, {'k': {'s': make()}, 'l': {'s': make()}, 'm': make()}, 5, None, 1


@pytest.mark.parametrize('name', [*MAPPINGS, *NOT_MAPPINGS])
def test_mappings(twins, name):
    make = MAPPINGS.get(name) or NOT_MAPPINGS[name]
    # What is no pair is told in the words of whoever takes it apart.
    outcomes = [twins.check(lambda codec, number=number: run(*[*mapping_calls(codec, make)][number]), (name, number),
                            messages=name != 'items of numbers') for number in range(9)]
    assert (outcomes[0].error is None) is (name in MAPPINGS and name != 'Counter')


@pytest.mark.parametrize('name', ['generator', 'list of pairs', 'none', 'text', 'number', 'set', 'no items'])
def test_what_is_no_mapping_is_named(codec, name):
    for function, *arguments in mapping_calls(codec, NOT_MAPPINGS[name]):
        with pytest.raises(PackingError, match='as a mapping, not as'):
            function(*arguments)


def test_rows_of_subclasses_are_what_their_items_say(codec):
    layout = layout_of(codec, 'standard')
    for name, make in MAPPINGS.items():
        if name == 'Counter':
            continue
        items = [tuple(item) for item in make().items()]
        expected = b''.join(codec.encode_insertions(layout, 'k', {name: value}, 5, None)[1] for name, value in items)
        assert codec.encode_insertions(layout, 'k', make(), 5, None) == (len(items), expected), name


def argument_calls(codec, value):
    """Calls with an odd number in the place of a timestamp, ttl, count, level, operator or delta."""
    text, predicate = layout_of(codec, 'standard'), codec.encode_names_predicate([b'a'])
    insert, parent = codec.encode_insert, (1, b'k', b'F', None)
    yield codec.encode_insertions, text, 'k', {'a': 'b'}, value, None
    yield codec.encode_insertions, text, 'k', {'a': 'b'}, 5, value
    yield codec.encode_insertions, text, 'k', {}, value, value
    yield codec.encode_rows, 1, text, {'k': {'a': 'b'}}, value, None, 1
    yield codec.encode_rows, 1, text, {'k': {'a': 'b'}}, 5, value, 1
    yield codec.encode_rows, 1, text, {'k': {'a': 'b'}}, 5, None, value
    yield codec.encode_rows, 1, text, {}, value, value, value
    yield insert, *parent, b'n', b'v', value, None, 1
    yield insert, *parent, b'n', b'v', 5, value, 1
    yield insert, *parent, b'n', b'v', 5, None, value
    yield codec.encode_add, *parent, b'n', value, 1
    yield codec.encode_remove, *parent, b'n', value, 1
    yield codec.encode_deletion, value, None, None
    yield codec.encode_slice_predicate, b'', b'', False, value
    yield codec.encode_slice_predicate, b'', b'', value, 5
    yield codec.encode_key_range, b'', b'', None, None, value, None
    yield codec.encode_key_range, b'', b'', None, None, 5, [(b'n', value, b'v')]
    yield codec.encode_key_range, None, None, value, None, 5, None
    yield codec.encode_get_indexed_slices, 1, b'F', [(b'n', 0, b'v')], b'', value, predicate, 1
    yield codec.encode_get, *parent, b'n', value
    yield codec.encode_get_slice, *parent, predicate, value
    yield codec.encode_batch, 1, [], value
    yield codec.encode_batch, 1, [], 1, value


@pytest.mark.parametrize('number', range(23))
def test_odd_numbers_as_arguments(twins, number):
    refused = 0
    for name, value in VALUES.items():
        # Texts and names are in the codec's hands already packed: what else is given for one is a mistake of ours.
        outcome = twins.check(lambda codec, value=value: run(*[*argument_calls(codec, value)][number]), (name, number),
                              messages=number != 17)
        refused += outcome.error is not None
    # Anything at all is true or false.
    assert refused > (0 if number in (14, 22) else 20)


@pytest.mark.parametrize('number', [0, 1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 18, 19, 20, 21])
def test_odd_arguments_are_refused_as_documented(codec, number):
    for name, value in VALUES.items():
        try:
            run(*[*argument_calls(codec, value)][number])
        except PackingError as error:
            assert ' of class ' in str(error), name


def test_odd_levels_are_refused_as_documented(codec):
    for value in (0, 12, -1, None, 'ONE', 1.5, [], 1 << 80):
        with pytest.raises(PackingError, match='a consistency level of class'):
            codec.encode_get(1, b'k', b'F', None, b'n', value)
    assert codec.encode_get(1, b'k', b'F', None, b'n', True) == codec.encode_get(1, b'k', b'F', None, b'n', 1)


@pytest.mark.parametrize('name', VALUES)
def test_odd_dict_classes(twins, name):
    for reply in corpus(0):
        if reply.flags == 0 and ' of columns' in reply.name or ' of supers' in reply.name:
            odd = reply._replace(dict_class=VALUES[name])
            outcome = twins.check(odd.call, reply.name)
            assert outcome.error in (None, TypeError, ValueError) or issubclass(outcome.error, PycassaError)


@pytest.mark.parametrize('flags', [0, 1, 2, 3, True, False])
def test_all_flags(twins, flags):
    for reply in corpus(0):
        twins.check(reply._replace(flags=flags).call, reply.name)


@pytest.mark.parametrize('name', DICT_CLASSES)
def test_equal_names_in_one_row(twins, name):
    """The last of equal columns stays in a dict; what is assigned one by one sees them all."""
    reply = next(each for each in corpus() if each.name == 'get_slice of columns')
    twice = reply._replace(dict_class=DICT_CLASSES[name], message=reply.message.replace(b'two', b'one'))
    assert twins.check(twice.call).error is None


def test_odd_layouts(twins):
    def build(family, validators=None):
        def call(codec):
            text = codec.scalar('UTF8Type')
            layout = codec.Layout(family, key=text, name=text, value=text, validators=validators)
            return layout.family, layout.validators, repr(layout), codec.encode_insertions(
                layout, 'k', {'a': 'b'}, 5, None), codec.encode_rows(1, layout, {'k': {}}, 5, None, 1)
        return call
    for family in ('', b'', 'é', bytearray(b'family'), memoryview(b'fXaXmX')[::2], 'x' * 5000):
        assert twins.check(build(family), family).error is None
    for family in (5, 1 << 40, None, ('a',), object()):
        assert twins.check(build(family), family).error is TypeError
    for validators in ({}, None, []):
        assert twins.check(build('Family', validators), validators).error is None
    for validators in (5, {'a': 5}, {b'a': 5}, {None: None}):
        assert twins.both(build('Family', validators))[1].error in (TypeError, AttributeError)


def test_the_sequence_id_has_to_fit(codec):
    for seqid in (1 << 31, -1 - (1 << 31), 1 << 64, 'x', None, 1.5):
        with pytest.raises((struct.error, OverflowError, TypeError)):
            codec.encode_truncate(seqid, 'F')
        assert codec.encode_truncate(-1, 'F')[-17:-12] != b''
    assert struct.pack('>i', SEQID) in codec.encode_truncate(SEQID, 'F')
