"""Malformed replies: each ends in a documented error, quickly, and nothing is allocated on a sender's word."""
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import InvalidRequestException, KeySlice, TimedOutException
from pycassa.errors import ApplicationError, ProtocolError, PycassaError

SEQID = 77


@pytest.fixture(scope='module')
def layout(codec):
    text = codec.scalar('UTF8Type')
    return codec.Layout('Family', key=text, name=text, value=text, super_name=text)


@pytest.fixture(scope='module')
def replies(codec, oracle, layout):
    """[(name, message, decode)]: a reply of every kind."""
    columns = [oracle.column(b'one', b'1', 5), oracle.column(b'two', b'22', 6, 7), oracle.column(b'three', b'', 8)]
    supers = [oracle.super_column(b'super', [(b'one', b'1', 5), (b'two', b'2', 6, 7)]), oracle.super_column(b's', [])]
    counters = [oracle.counter(b'one', 1), oracle.counter(b'two', -2)]
    counter_supers = [oracle.counter_super(b'super', [(b'one', 1), (b'two', 2)])]
    found = []

    def add(method, decode, **result):
        found.append((f'{method} {"".join(result)} {len(found)}', oracle.reply(method, SEQID, **result), decode))

    for members in (columns, supers, counters, counter_supers):
        for flags in (0, 3):
            add('get_slice', lambda reply, flags=flags: codec.decode_get_slice(reply, SEQID, layout, dict, flags),
                success=members)
        add('get', lambda reply: codec.decode_get(reply, SEQID, layout, dict, 3), success=members[0])
        add('multiget_slice', lambda reply: codec.decode_multiget_slice(reply, SEQID, layout, dict, 0),
            success={b'a': members, b'b': members, b'c': []})
        add('get_range_slices',
            lambda reply: codec.decode_key_slices(reply, 'get_range_slices', SEQID, layout, dict, 1),
            success=[KeySlice(b'a', members), KeySlice(b'b', []), KeySlice(b'c', members)])
    add('get_slice', lambda reply: codec.decode_get_slice_items(reply, SEQID, layout, dict, 0), success=columns)
    add('get_count', lambda reply: codec.decode_get_count(reply, SEQID), success=5)
    add('multiget_count', lambda reply: codec.decode_multiget_count(reply, SEQID), success={b'a': 1, b'b': 2})
    void = ('batch_mutate', lambda reply: codec.decode_void(reply, 'batch_mutate', SEQID))
    add(*void)
    add(*void, ire=InvalidRequestException(why='because'))
    add(*void, te=TimedOutException(1, True, False))
    found.append(('application error', oracle.application_error('batch_mutate', SEQID, 7, 'text'), void[1]))
    return found


def test_truncated_at_every_byte(replies):
    for name, message, decode in replies:
        for end in range(len(message)):
            with pytest.raises(ProtocolError):
                decode(message[:end])
                pytest.fail(f'{name} cut at {end} of {len(message)} was accepted')


def test_bytes_after_the_end(replies):
    for _, message, decode in replies:
        for tail in (b'\0', b'\x0b', message):
            with pytest.raises(ProtocolError, match='bytes follow its end'):
                decode(message + tail)


def _attempt(decode, message):
    """Decode: whatever comes out, it is a result or a documented error."""
    try:
        decode(message)
    except PycassaError:
        pass


def test_every_bit_flipped(replies):
    for _, message, decode in replies:
        for bit in range(len(message) * 8):
            flipped = bytearray(message)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            _attempt(decode, flipped)


def test_every_byte_replaced(replies):
    for _, message, decode in replies:
        for position in range(len(message)):
            for value in (0, 1, 11, 12, 13, 15, 127, 128, 255):
                changed = bytearray(message)
                changed[position] = value
                _attempt(decode, changed)


@settings(max_examples=200)
@given(seed=st.integers(0, 2 ** 32))
def test_several_changes_at_once(replies, seed):
    rng = random.Random(seed)
    _, message, decode = rng.choice(replies)
    changed = bytearray(message)
    for _ in range(rng.randrange(1, 6)):
        position = rng.randrange(len(changed))
        choice = rng.randrange(3)
        if choice == 0:
            changed[position] = rng.randrange(256)
        elif choice == 1:
            del changed[position:position + rng.randrange(1, 5)]
        else:
            changed[position:position] = rng.randbytes(rng.randrange(1, 9))
        if not changed:
            return
    _attempt(decode, changed)


@settings(max_examples=200)
@given(body=st.binary(max_size=80))
def test_arbitrary_results(codec, oracle, layout, body):
    head = oracle.reply('get_slice', SEQID)[:-1]
    _attempt(lambda reply: codec.decode_get_slice(reply, SEQID, layout, dict, 3), head + body)
    _attempt(lambda reply: codec.decode_get_slice(reply, SEQID, layout, dict, 3), body)


# --- what is accepted --------------------------------------------------------------------------------------------

def _read_by_thrift(message):
    """[(super name or None, name, value, timestamp, ttl)] of a get_slice reply, by thrift's pure protocol."""
    protocol = TBinaryProtocol(TMemoryBuffer(bytes(message)))
    protocol.readMessageBegin()
    result = Cassandra.get_slice_result()
    result.read(protocol)
    columns = []
    for member in result.success:
        if member.column is not None:
            columns.append((None, member.column))
        elif member.counter_column is not None:
            columns.append((None, member.counter_column))
        else:
            inner = member.super_column or member.counter_super_column
            columns += [(inner.name, column) for column in inner.columns]
    return [(super_name, column.name, column.value, getattr(column, 'timestamp', None), getattr(column, 'ttl', None))
            for super_name, column in columns]


def _read_by_codec(codec, layout, message, flags):
    """The same from the codec; None for what it refuses. Timestamps and ttls are there where `flags` ask for them."""
    def cells(super_name, columns):
        return [(super_name, name, *(value if isinstance(value, tuple) else (value, None, None)))
                for _, name, value in columns]

    try:
        items = codec.decode_get_slice_items(message, SEQID, layout, Pairs, flags)
    except PycassaError:
        return None
    found = []
    for packed, name, value in items:
        assert packed == name
        found += (cells(name, [(None, *pair) for pair in value.pairs]) if isinstance(value, Pairs)
                  else cells(None, [(packed, name, value)]))
    return found


class Pairs:
    """A dict_class that keeps what is assigned to it, equal names too."""

    def __init__(self):
        self.pairs = []

    def __setitem__(self, name, value):
        self.pairs.append((name, value))


@pytest.mark.parametrize('flags', [0, 3])
@pytest.mark.parametrize('kind', ['column', 'super', 'counter', 'counter_super', 'long'])
def test_whatever_is_accepted_reads_as_thrift_reads_it(codec, oracle, kind, flags):
    """Each byte but those of long values replaced: a fast path must not take what is laid out otherwise."""
    raw = codec.scalar('BytesType')
    layout = codec.Layout('Family', key=raw, name=raw, value=raw, super_name=raw)
    long = b'long' * 1500
    message = oracle.reply('get_slice', SEQID, success={
        'column': [oracle.column(b'ab', b'1', 5), oracle.column(b'cd', b'22', 6, 7), oracle.column(b'ef', b'', 8, 9)],
        'super': [oracle.super_column(b'S', [(b'a', b'1', 5), (b'b', b'2', 6, 7), (b'c', b'3', 8)])] * 2,
        'counter': [oracle.counter(b'one', 1), oracle.counter(b'two', -2), oracle.counter(b'three', 3)],
        'counter_super': [oracle.counter_super(b'S', [(b'a', 1), (b'b', 2)])] * 2,
        'long': [oracle.column(b'ab', long, 5), oracle.column(b'cd', long, 6, 7), oracle.column(b'ef', long, 8)],
    }[kind])
    def by_thrift(reply):
        return [column if flags else (*column[:3], None, None) for column in _read_by_thrift(reply)]

    assert _read_by_codec(codec, layout, message, flags) == by_thrift(message)
    accepted = 0
    for position in range(12, len(message)):
        if message[position - 4:position + 4] in long:
            continue
        for value in range(19):
            changed = bytearray(message)
            changed[position] = value
            found = _read_by_codec(codec, layout, changed, flags)
            if found is not None:
                accepted += 1
                assert found == by_thrift(changed), (position, value)
    assert accepted > 100


# --- lengths and counts ------------------------------------------------------------------------------------------

WRONG_LENGTHS = [-1, -2 ** 31, 2 ** 31 - 1, 2 ** 30, 1 << 20]


def _with_number(message, position, number):
    return message[:position] + struct.pack('>i', number) + message[position + 4:]


@pytest.mark.parametrize('number', WRONG_LENGTHS)
def test_negative_and_huge_lengths_allocate_nothing(replies, number):
    """Wherever four bytes can be a length or a count: an error, at the cost of the message itself at most."""
    for _, message, decode in replies:
        for position in range(4, len(message) - 3):
            changed = _with_number(message, position, number)
            tracemalloc.start()
            _attempt(decode, changed)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 300_000


@pytest.mark.parametrize('number', [*WRONG_LENGTHS, 2, 4])
def test_wrong_counts_of_columns(codec, oracle, layout, number):
    message = oracle.reply('get_slice', SEQID, success=[oracle.column(b'a', b'b', 1)] * 3)
    position = message.index(b'\x0f\0\0\x0c') + 4
    with pytest.raises(ProtocolError):
        codec.decode_get_slice(_with_number(message, position, number), SEQID, layout, dict, 0)


STRUCTS, LISTS, MAPS = 12, 15, 13


def _nested(ttype, depth):
    """An unknown field of `depth` structs, lists or maps in one another."""
    if ttype == STRUCTS:
        return b'\x0c\0\x4d' * depth + b'\0' * depth
    if ttype == LISTS:
        return b'\x0f\0\x4d' + b'\x0f\0\0\0\1' * depth + b'\x08\0\0\0\0'
    return b'\x0d\0\x4d' + b'\x08\x0d\0\0\0\1\0\0\0\5' * depth + b'\x08\x08\0\0\0\0'


@pytest.mark.parametrize('ttype', [STRUCTS, LISTS, MAPS])
def test_nesting(codec, oracle, ttype):
    head = oracle.reply('batch_mutate', SEQID)[:-1]
    codec.decode_void(head + _nested(ttype, 40) + b'\0', 'batch_mutate', SEQID)
    for depth in (70, 1000, 100_000):
        with pytest.raises(ProtocolError, match='nested deeper than'):
            codec.decode_void(head + _nested(ttype, depth) + b'\0', 'batch_mutate', SEQID)


def test_a_flat_reply_of_a_megabyte_is_skipped_quickly(codec, oracle):
    head = oracle.reply('batch_mutate', SEQID)[:-1]
    unknown = b'\x0f\0\x4d\x08' + struct.pack('>i', 250_000) + b'\0' * 1_000_000
    codec.decode_void(head + unknown + b'\0', 'batch_mutate', SEQID)


@pytest.mark.parametrize('ttype', [1, 5, 7, 9, 16, 17, 99, 255])
def test_unknown_types(codec, oracle, ttype):
    head = oracle.reply('batch_mutate', SEQID)[:-1]
    for field in (bytes((ttype, 0, 77)), b'\x0f\0\x4d' + bytes((ttype,)) + b'\0\0\0\1',
                  b'\x0d\0\x4d\x08' + bytes((ttype,)) + b'\0\0\0\1'):
        with pytest.raises(ProtocolError):
            codec.decode_void(head + field + b'\0' * 20, 'batch_mutate', SEQID)


# --- identity ----------------------------------------------------------------------------------------------------

def test_replies_to_other_calls(codec, oracle):
    for message in (oracle.reply('insert', SEQID), oracle.reply('batch_mutate', SEQID + 1),
                    oracle.reply('batch_mutate', -SEQID), oracle.application_error('insert', SEQID, 1, 'x'),
                    oracle.application_error('batch_mutate', SEQID + 1, 1, 'x')):
        with pytest.raises(ProtocolError, match='out of step') as caught:
            codec.decode_void(message, 'batch_mutate', SEQID)
        assert not isinstance(caught.value, ApplicationError)


@pytest.mark.parametrize('kind', [0, 1, 4, 5, 128, 255])
def test_message_types_that_are_no_reply(codec, oracle, kind):
    message = bytearray(oracle.reply('batch_mutate', SEQID))
    message[3] = kind
    with pytest.raises(ProtocolError, match='not a reply'):
        codec.decode_void(message, 'batch_mutate', SEQID)


@pytest.mark.parametrize('start', [b'\0\0\0\x0c', b'\x80\2\0\2', b'HTTP', b'\x80\1\1\2', b''])
def test_other_versions_and_protocols(codec, oracle, start):
    message = start + oracle.reply('batch_mutate', SEQID)[4:]
    with pytest.raises(ProtocolError):
        codec.decode_void(message, 'batch_mutate', SEQID)


def test_negative_sequence_ids_are_compared_as_signed(codec, oracle):
    assert codec.decode_void(oracle.reply('insert', -1), 'insert', -1) is None


# --- the tools that others read with -----------------------------------------------------------------------------

def test_message_header(codec, oracle):
    for message in (oracle.call('get_count', -5)[4:], oracle.reply('get_count', 9, success=1)):
        name, kind, seqid, offset = codec.message_header(message)
        assert (name, kind, seqid) in (('get_count', 1, -5), ('get_count', 2, 9))
        assert offset == 12 + len('get_count')
        for end in range(offset):
            with pytest.raises(ProtocolError):
                codec.message_header(message[:end])
    for start in (b'\x80\2', b'\0\1', b'\x81\1', b'GE'):
        with pytest.raises(ProtocolError, match='not with a version'):
            codec.message_header(start + message[2:])
    with pytest.raises(ProtocolError, match='not UTF-8'):
        codec.message_header(b'\x80\1\0\2\0\0\0\1\xff\0\0\0\1')
    for length in (-1, 2, 2 ** 31 - 1):
        with pytest.raises(ProtocolError):
            codec.message_header(b'\x80\1\0\2' + struct.pack('>i', length) + b'n\0\0\0\1')


NUMBERS = [('u8', '>B', 200), ('i16', '>h', -300), ('i32', '>i', -70000), ('i64', '>q', -2 ** 40), ('double', '>d', .5)]


@pytest.mark.parametrize('method, code, value', NUMBERS)
def test_cursor_numbers(codec, method, code, value):
    data = struct.pack(code, value)
    for buffer in (data, bytearray(data), memoryview(b'#' + data)[1:]):
        cursor = codec.Cursor(buffer)
        assert getattr(cursor, method)() == value
        assert cursor.pos == len(data)
    for end in range(len(data)):
        cursor = codec.Cursor(data[:end])
        with pytest.raises(ProtocolError):
            getattr(cursor, method)()
        assert cursor.pos == 0


def test_cursor_binary(codec):
    cursor = codec.Cursor(b'\0\0\0\3abc\0\0\0\0')
    assert (cursor.binary(), cursor.pos) == (b'abc', 7)
    assert (cursor.binary(), cursor.pos) == (b'', 11)
    for data in (b'', b'\0\0\0', b'\0\0\0\1', b'\xff\xff\xff\xff', b'\x7f\xff\xff\xffabc'):
        with pytest.raises(ProtocolError):
            codec.Cursor(data).binary()


@pytest.mark.parametrize('ttype, data', [
    (2, b'\1'), (3, b'\1'), (4, b'\0' * 8), (6, b'\0' * 2), (8, b'\0' * 4), (10, b'\0' * 8), (11, b'\0\0\0\2ab'),
    (12, b'\x08\0\1\0\0\0\1\x0b\0\2\0\0\0\1x\0'), (13, b'\x0b\x08\0\0\0\1\0\0\0\1k\0\0\0\7'),
    (14, b'\x0b\0\0\0\1\0\0\0\1x'), (15, b'\x0c\0\0\0\2\0\0'), (15, b'\0\0\0\0\0')])
def test_cursor_skip(codec, ttype, data):
    cursor = codec.Cursor(data + b'rest')
    cursor.skip(ttype)
    assert cursor.pos == len(data)
    for end in range(len(data)):
        with pytest.raises(ProtocolError):
            codec.Cursor(data[:end]).skip(ttype)


@pytest.mark.parametrize('data', [b'\0\0\0\0\0\0\0\0\0', None, 5, 'text'])
def test_what_is_no_buffer_is_refused_or_malformed(codec, data):
    with pytest.raises(ProtocolError if isinstance(data, bytes) else TypeError):
        codec.message_header(data)
