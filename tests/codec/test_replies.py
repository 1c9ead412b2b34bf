"""Replies that thrift's TBinaryProtocol writes from the bindings' results come back as dicts, or as what they raise."""
import collections
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa.cassandra.ttypes import (
    ColumnOrSuperColumn,
    InvalidRequestException,
    KeySlice,
    NotFoundException,
    TimedOutException,
    UnavailableException,
)
from pycassa.errors import ApplicationError, ProtocolError, PycassaError, UnpackingError
from pycassa.util import OrderedDict

SEQID = 77
I64 = st.integers(-2 ** 63, 2 ** 63 - 1)
TTLS = st.none() | st.integers(1, 2 ** 31 - 1)
NAMES = st.text(max_size=8)
# A column of a reply: (value, timestamp, ttl). Long values are beyond the readers that are kept by length.
CELLS = st.tuples(st.text(max_size=30) | st.just('long' * 1500), I64, TTLS)
COLUMNS = st.dictionaries(NAMES, CELLS, max_size=6)
COUNTERS = st.dictionaries(NAMES, I64, max_size=6)
KINDS = st.sampled_from(['column', 'super', 'counter', 'counter_super'])
RANDOMS = st.randoms(use_true_random=False)
FLAGS = st.integers(0, 3)


def text_layout(codec, value='UTF8Type', name='UTF8Type', **more):
    text = codec.scalar('UTF8Type')
    return codec.Layout('Family', key=text, name=codec.scalar(name), value=codec.scalar(value), **more)


def supers_layout(codec):
    return text_layout(codec, super_name=codec.scalar('UTF8Type'))


@st.composite
def slices(draw):
    """(kind, {name: ...}): the columns of one row as a test thinks of them."""
    kind = draw(KINDS)
    inner = COUNTERS if 'counter' in kind else COLUMNS
    return kind, draw(st.dictionaries(NAMES, inner, max_size=3) if 'super' in kind else inner)


def members(oracle, kind, columns):
    """The list<ColumnOrSuperColumn> of a row, from the bindings."""
    if kind == 'column':
        return [oracle.column(name.encode(), value.encode(), timestamp, ttl)
                for name, (value, timestamp, ttl) in columns.items()]
    if kind == 'counter':
        return [oracle.counter(name.encode(), value) for name, value in columns.items()]
    if kind == 'super':
        return [oracle.super_column(super_name.encode(), [
            (name.encode(), value.encode(), timestamp, ttl) for name, (value, timestamp, ttl) in inner.items()])
            for super_name, inner in columns.items()]
    return [oracle.counter_super(super_name.encode(), [(name.encode(), value) for name, value in inner.items()])
            for super_name, inner in columns.items()]


def expected(kind, columns, flags):
    """What the facade is to get."""
    if kind.startswith('counter'):
        return columns
    if kind == 'super':
        return {name: expected('column', inner, flags) for name, inner in columns.items()}
    return {name: (value, (value, timestamp), (value, ttl), (value, timestamp, ttl))[flags]
            for name, (value, timestamp, ttl) in columns.items()}


def views(message):
    """A reply as each type that a transport may hand over."""
    return message, bytearray(message), memoryview(b'##' + message)[2:]


@given(row=slices(), flags=FLAGS)
def test_get_slice(codec, oracle, row, flags):
    kind, columns = row
    layout = supers_layout(codec)
    message = oracle.reply('get_slice', SEQID, success=members(oracle, kind, columns))
    for reply in views(message):
        result = codec.decode_get_slice(reply, SEQID, layout, OrderedDict, flags)
        assert result == expected(kind, columns, flags)
        assert type(result) is OrderedDict
        assert [*result] == [*columns]
        assert all(type(inner) is OrderedDict for inner in result.values() if 'super' in kind)
    assert codec.decode_get_slice_items(message, SEQID, layout, dict, flags) == [
        (name.encode(), name, value) for name, value in expected(kind, columns, flags).items()]


@given(row=slices(), flags=FLAGS, random=RANDOMS)
def test_fields_in_any_order_and_unknown_ones(codec, oracle, rewriter, row, flags, random):
    kind, columns = row
    layout = supers_layout(codec)
    message = rewriter(random).message(oracle.reply('get_slice', SEQID, success=members(oracle, kind, columns)))
    assert codec.decode_get_slice(message, SEQID, layout, dict, flags) == expected(kind, columns, flags)


@given(row=slices(), flags=FLAGS, random=RANDOMS)
def test_get(codec, oracle, rewriter, row, flags, random):
    kind, columns = row
    for member, pair in zip(members(oracle, kind, columns), expected(kind, columns, flags).items()):
        message = oracle.reply('get', SEQID, success=member)
        for reply in (message, rewriter(random).message(message)):
            assert codec.decode_get(reply, SEQID, supers_layout(codec), dict, flags) == pair


@st.composite
def tables(draw):
    """(kind, {key: columns}): several rows of one family."""
    kind = draw(KINDS)
    inner = COUNTERS if 'counter' in kind else COLUMNS
    columns = st.dictionaries(NAMES, inner, max_size=3) if 'super' in kind else inner
    return kind, draw(st.dictionaries(st.binary(max_size=5), columns, max_size=4))


@given(table=tables(), flags=FLAGS, random=RANDOMS)
def test_multiget_slice(codec, oracle, rewriter, table, flags, random):
    kind, rows = table
    message = oracle.reply('multiget_slice', SEQID, success={
        key: members(oracle, kind, columns) for key, columns in rows.items()})
    for reply in (*views(message), rewriter(random).message(message)):
        result = codec.decode_multiget_slice(reply, SEQID, supers_layout(codec), OrderedDict, flags)
        assert result == {key: expected(kind, columns, flags) for key, columns in rows.items()}
        assert [*result] == [*rows]
        assert all(type(columns) is OrderedDict for columns in result.values())


@pytest.mark.parametrize('method', ['get_range_slices', 'get_indexed_slices', 'get_paged_slice'])
@given(table=tables(), flags=FLAGS, random=RANDOMS)
def test_key_slices(codec, oracle, rewriter, method, table, flags, random):
    kind, rows = table
    message = oracle.reply(method, SEQID, success=[
        KeySlice(key=key, columns=members(oracle, kind, columns)) for key, columns in rows.items()])
    for reply in (message, rewriter(random).message(message)):
        assert codec.decode_key_slices(reply, method, SEQID, supers_layout(codec), dict, flags) == [
            (key, expected(kind, columns, flags)) for key, columns in rows.items()]


@given(count=st.integers(-2 ** 31, 2 ** 31 - 1), random=RANDOMS)
def test_get_count(codec, oracle, rewriter, count, random):
    message = oracle.reply('get_count', SEQID, success=count)
    for reply in (*views(message), rewriter(random).message(message)):
        assert codec.decode_get_count(reply, SEQID) == count


@given(counts=st.dictionaries(st.binary(max_size=5), st.integers(-2 ** 31, 2 ** 31 - 1)), random=RANDOMS)
def test_multiget_count(codec, oracle, rewriter, counts, random):
    message = oracle.reply('multiget_count', SEQID, success=counts)
    for reply in (message, rewriter(random).message(message)):
        assert codec.decode_multiget_count(reply, SEQID) == counts


@pytest.mark.parametrize('method', ['batch_mutate', 'atomic_batch_mutate', 'insert', 'add', 'remove', 'remove_counter',
                                    'truncate'])
def test_void(codec, oracle, method):
    for reply in views(oracle.reply(method, SEQID)):
        assert codec.decode_void(reply, method, SEQID) is None


# --- exceptions --------------------------------------------------------------------------------------------------

DECLARED = {
    'ire': [InvalidRequestException(why='unconfigured table Ä')],
    'nfe': [NotFoundException()],
    'ue': [UnavailableException()],
    'te': [TimedOutException(), TimedOutException(2, True, False), TimedOutException(acknowledged_by=-1)],
}
METHODS = {
    'get': lambda codec, reply: codec.decode_get(reply, SEQID, text_layout(codec), dict, 0),
    'get_slice': lambda codec, reply: codec.decode_get_slice(reply, SEQID, text_layout(codec), dict, 0),
    'multiget_slice': lambda codec, reply: codec.decode_multiget_slice(reply, SEQID, text_layout(codec), dict, 0),
    'get_range_slices': lambda codec, reply: codec.decode_key_slices(reply, 'get_range_slices', SEQID,
                                                                     text_layout(codec), dict, 0),
    'get_indexed_slices': lambda codec, reply: codec.decode_key_slices(reply, 'get_indexed_slices', SEQID,
                                                                       text_layout(codec), dict, 0),
    'get_count': lambda codec, reply: codec.decode_get_count(reply, SEQID),
    'multiget_count': lambda codec, reply: codec.decode_multiget_count(reply, SEQID),
    **{method: lambda codec, reply, method=method: codec.decode_void(reply, method, SEQID)
       for method in ('batch_mutate', 'atomic_batch_mutate', 'insert', 'add', 'remove', 'remove_counter', 'truncate')},
}


@pytest.mark.parametrize('method', METHODS)
@given(random=RANDOMS)
def test_declared_exceptions(codec, oracle, rewriter, method, random):
    for field, errors in DECLARED.items():
        if field == 'nfe' and method != 'get':
            continue
        for error in errors:
            message = oracle.reply(method, SEQID, **{field: error})
            for reply in (message, rewriter(random).message(message)):
                with pytest.raises(type(error)) as caught:
                    METHODS[method](codec, reply)
                assert caught.value == error
                assert isinstance(caught.value, PycassaError)


@pytest.mark.parametrize('method', METHODS)
@given(kind=st.integers(0, 12), text=st.none() | st.text(max_size=20), random=RANDOMS)
def test_application_errors(codec, oracle, rewriter, method, kind, text, random):
    message = oracle.application_error(method, SEQID, kind, text)
    for reply in (message, rewriter(random).message(message)):
        with pytest.raises(ApplicationError) as caught:
            METHODS[method](codec, reply)
        assert (caught.value.type, caught.value.message) == (kind, text)


@pytest.mark.parametrize('method', ['get', 'get_slice', 'multiget_slice', 'get_range_slices', 'get_count'])
def test_neither_result_nor_exception(codec, oracle, method):
    with pytest.raises(ProtocolError, match=f'the reply to {method} holds neither a result nor an exception'):
        METHODS[method](codec, oracle.reply(method, SEQID))


# --- values ------------------------------------------------------------------------------------------------------

def slice_of(oracle, *columns):
    return oracle.reply('get_slice', SEQID, success=[oracle.column(*column) for column in columns])


def decode(codec, message, layout, dict_class=dict, flags=0):
    return codec.decode_get_slice(message, SEQID, layout, dict_class, flags)


@pytest.mark.parametrize('count', [1, 2, 70])
@pytest.mark.parametrize('kind, code, value', [
    ('LongType', '>q', -5), ('Int32Type', '>i', 7), ('DoubleType', '>d', 0.5), ('FloatType', '>f', 0.25),
    ('ShortType', '>h', 3), ('ByteType', '>b', -1), ('CounterColumnType', '>q', 9)])
def test_numbers_whole_lists_and_empty_ones_between(codec, oracle, kind, code, value, count):
    layout, packed = text_layout(codec, kind), struct.pack(code, value)
    columns = {f'n{number}': value for number in range(count)}
    message = slice_of(oracle, *[(name.encode(), packed, 1) for name in columns])
    assert decode(codec, message, layout) == columns
    with_empty = slice_of(oracle, (b'none', b'', 1), *[(name.encode(), packed, 1) for name in columns])
    assert decode(codec, with_empty, layout) == {'none': None, **columns}


def test_numbers_of_wrong_sizes_that_add_up(codec, oracle):
    message = slice_of(oracle, (b'a', b'', 1), (b'b', b'x' * 16, 1))
    with pytest.raises(UnpackingError, match="column b'b' .16 bytes. cannot be read as LongType"):
        decode(codec, message, text_layout(codec, 'LongType'))


def test_a_missing_value_is_not_shown_to_a_users_type(codec, oracle):
    text = codec.scalar('UTF8Type')
    layout = codec.Layout('Family', key=text, name=text, value=codec.Scalar('Mine', str.encode, repr))
    assert decode(codec, slice_of(oracle, (b'a', None, 1), (b'b', b'x', 1)), layout) == {'a': None, 'b': "b'x'"}


def test_validators_by_packed_name(codec, oracle):
    layout = text_layout(codec, 'BytesType', 'LongType', validators={struct.pack('>q', 5): codec.scalar('UTF8Type')})
    message = slice_of(oracle, (struct.pack('>q', 5), b'five', 1), (struct.pack('>q', 6), b'six', 1))
    assert decode(codec, message, layout) == {5: 'five', 6: b'six'}


def test_a_column_without_value_or_timestamp(codec, oracle):
    message = slice_of(oracle, (b'a', None, 5), (b'b', b'x', None), (b'c', b'y', 7, 8))
    layout = text_layout(codec)
    assert decode(codec, message, layout) == {'a': None, 'b': 'x', 'c': 'y'}
    assert decode(codec, message, layout, flags=3) == {'a': (None, 5, None), 'b': ('x', None, None), 'c': ('y', 7, 8)}


class Upside(dict):
    """A dict with a constructor and an assignment of its own."""

    def __init__(self):
        dict.__init__(self, made='yes')

    def __setitem__(self, name, value):
        dict.__setitem__(self, name, [value])


@pytest.mark.parametrize('make, result', [
    (dict, {'a': 'x', 'b': 'y'}), (OrderedDict, {'a': 'x', 'b': 'y'}),
    (collections.OrderedDict, collections.OrderedDict(a='x', b='y')),
    (Upside, {'made': 'yes', 'a': ['x'], 'b': ['y']}), (collections.UserDict, collections.UserDict(a='x', b='y')),
    (lambda: collections.defaultdict(list), {'a': 'x', 'b': 'y'})])
def test_dict_classes(codec, oracle, make, result):
    columns = (b'a', b'x', 1), (b'b', b'y', 2)
    assert decode(codec, slice_of(oracle, *columns), text_layout(codec), make) == result
    rows = oracle.reply('multiget_slice', SEQID, success={
        key: [oracle.column(*column) for column in columns] for key in (b'1', b'2')})
    assert codec.decode_multiget_slice(rows, SEQID, text_layout(codec), make, 0) == {b'1': result, b'2': result}


def test_an_error_names_family_column_and_type(codec, oracle):
    def message(layout, *columns):
        with pytest.raises(UnpackingError) as caught:
            decode(codec, slice_of(oracle, *columns), layout)
        assert isinstance(caught.value.__cause__, Exception)
        assert isinstance(caught.value, ValueError)
        return str(caught.value)

    fine = (b'fine', b'12345678', 1)
    assert message(text_layout(codec, 'LongType'), fine, (b'bad', b'123', 1)).startswith(
        "family 'Family': the value of column b'bad' (3 bytes) cannot be read as LongType: ")
    assert message(text_layout(codec), fine, (b'bad', b'\xff', 1)).startswith(
        "family 'Family': the value of column b'bad' (1 bytes) cannot be read as UTF8Type: ")
    assert message(text_layout(codec), fine, (b'\xff', b'v', 1)).startswith(
        "family 'Family': the name of a column b'\\xff' (1 bytes) cannot be read as UTF8Type: ")
    validated = text_layout(codec, validators={b'bad': codec.scalar('UUIDType')})
    assert message(validated, fine, (b'bad', b'123', 1)).startswith(
        "family 'Family': the value of column b'bad' (3 bytes) cannot be read as UUIDType: ")


def test_errors_of_rows_super_columns_and_user_types(codec, oracle):
    rows = oracle.reply('multiget_slice', SEQID, success={
        b'1': [oracle.column(b'a', b'x', 1)], b'2': [oracle.column(b'\xff', b'x', 1)]})
    with pytest.raises(UnpackingError, match='the name of a column'):
        codec.decode_multiget_slice(rows, SEQID, text_layout(codec), dict, 0)
    supers = oracle.reply('get_slice', SEQID, success=[oracle.super_column(b'\xff', [(b'a', b'x', 1)])])
    with pytest.raises(UnpackingError, match='the name of a super column'):
        decode(codec, supers, supers_layout(codec))
    text = codec.scalar('UTF8Type')
    for error in (KeyError('k'), AttributeError('a'), ZeroDivisionError(), struct.error('s'), TypeError('t')):
        def unpack(data, error=error):
            raise error
        layout = codec.Layout('Family', key=text, name=text, value=codec.Scalar('Mine', str.encode, unpack))
        with pytest.raises(UnpackingError, match="column b'a' .* cannot be read as Mine") as caught:
            decode(codec, slice_of(oracle, (b'a', b'x', 1)), layout)
        assert caught.value.__cause__ is error


def test_super_columns_of_a_family_that_was_standard(codec, oracle):
    message = oracle.reply('get_slice', SEQID, success=[oracle.super_column(b's', [(b'a', b'x', 1)])])
    with pytest.raises(ProtocolError, match="super columns in a reply of family 'Family'"):
        decode(codec, message, text_layout(codec))


def test_members_are_not_mixed(codec, oracle):
    column, counter = oracle.column(b'a', b'x', 1), oracle.counter(b'b', 1)
    both = ColumnOrSuperColumn(column=column.column, counter_column=counter.counter_column)
    for success in ([column, counter], [counter, column], [both], [ColumnOrSuperColumn()], [column, both],
                    [column, ColumnOrSuperColumn()]):
        with pytest.raises(ProtocolError, match='ColumnOrSuperColumn'):
            decode(codec, oracle.reply('get_slice', SEQID, success=success), supers_layout(codec))


def test_a_member_twice(codec, oracle):
    """The same field of ColumnOrSuperColumn twice, as no writer of thrift's writes it."""
    for member in (oracle.column(b'a', b'x', 1), oracle.counter(b'b', 1), oracle.super_column(b's', []),
                   oracle.counter_super(b's', [])):
        once = oracle.struct_bytes(member)
        message = oracle.reply('get_slice', SEQID, success=[member])
        with pytest.raises(ProtocolError, match='fields [1-4] and [1-4] of ColumnOrSuperColumn'):
            decode(codec, message.replace(once, once[:-1] + once), supers_layout(codec))


def test_rows_of_different_kinds(codec, oracle):
    """Each row is read for itself: rows of one reply share lists inside, which must not show."""
    kinds = {'counter': {'c': 3, 'd': 4}, 'column': {'a': ('1', 5, None)},
             'super': {'s': {'a': ('2', 6, None)}, 't': {}}, 'counter_super': {'u': {'e': 5}}}
    for order in itertools.chain(itertools.permutations(kinds, 2), itertools.permutations(kinds)):
        rows = {f'{number}{kind}': kind for number in range(2) for kind in order}
        message = oracle.reply('multiget_slice', SEQID, success={
            key.encode(): members(oracle, kind, kinds[kind]) for key, kind in rows.items()})
        assert codec.decode_multiget_slice(message, SEQID, supers_layout(codec), dict, 0) == {
            key.encode(): expected(kind, kinds[kind], 0) for key, kind in rows.items()}


def test_a_protocol_error_comes_before_a_value_that_cannot_be_read(codec, oracle):
    message = slice_of(oracle, (b'a', b'\xff', 1))
    with pytest.raises(UnpackingError):
        decode(codec, message, text_layout(codec))
    with pytest.raises(ProtocolError):
        decode(codec, message + b'\0', text_layout(codec))


@pytest.mark.parametrize('odd', range(5))
def test_one_odd_column_among_usual_ones(codec, oracle, rewriter, odd):
    """The general path takes one column, the fast one the others, wherever it stands."""
    import random
    columns = {f'name{number}': ('v' * number, number, None if number % 2 else 9) for number in range(5)}
    parts = members(oracle, 'column', columns)
    for long in (False, True):
        if long:
            columns[f'name{odd}'] = ('long' * 2000, 1, None)
            parts = members(oracle, 'column', columns)
        for flags in range(4):
            message = oracle.reply('get_slice', SEQID, success=parts)
            assert decode(codec, message, text_layout(codec), flags=flags) == expected('column', columns, flags)
    shuffled = rewriter(random.Random(odd)).message(message)
    assert decode(codec, shuffled, text_layout(codec), flags=3) == expected('column', columns, 3)


@pytest.mark.parametrize('length', [0, 1, 63, 64, 65, 255, 256, 4095, 4096, 4097, 70000])
def test_lengths_of_names_and_values(codec, oracle, length):
    text = 'x' * length
    for columns in ({text: (text, 1, None)}, {'a': ('b', 1, 2), text: (text, 3, 4), 'c': ('d', 5, None)}):
        for flags in (0, 3):
            assert decode(codec, oracle.reply('get_slice', SEQID, success=members(oracle, 'column', columns)),
                          text_layout(codec), flags=flags) == expected('column', columns, flags)
    counters = {'a': 1, text: 2, 'c': 3}
    assert decode(codec, oracle.reply('get_slice', SEQID, success=members(oracle, 'counter', counters)),
                  text_layout(codec)) == counters
