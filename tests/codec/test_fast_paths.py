"""The pure twin's short cuts for usual rows: they read what the field-by-field reader reads, whatever the bytes are."""
import pytest

from pycassa._pure import column_lists, protocol
from pycassa._pure.protocol import INCLUDE_TIMESTAMP, INCLUDE_TTL
from pycassa.errors import ApplicationError, PackingError, ProtocolError, UnpackingError

SEQID = 7
NAMES = [b'a', b'bb', b'cc', b'dddd']


def layout(**more):
    text = protocol.scalar('UTF8Type')
    return protocol.Layout('Family', key=text, name=text, value=text, **more)


def row(oracle, number, names=NAMES, ttl=None):
    return [oracle.column(name, b'v' * (number + place), 1700000000000000 + number, ttl)
            for place, name in enumerate(names)]


def rows(oracle):
    """Rows of recurring names, and rows that leave them by a name, by fewer or more, by a ttl, by a long value."""
    made = [row(oracle, number) for number in range(3)]
    made.append(row(oracle, 3, [b'a', b'bb', b'xx', b'dddd']))
    made.append(row(oracle, 4, NAMES[:2]))
    made.append(row(oracle, 5, [*NAMES, b'e']))
    made.append(row(oracle, 6)[:2] + row(oracle, 6, NAMES[2:], ttl=60))
    made.append(row(oracle, 7, ttl=60))
    made.append(row(oracle, 8, ttl=70))
    made.append([oracle.column(b'a', b'v' * 5000, 1), *row(oracle, 9)[1:]])
    made += [row(oracle, 10), [], row(oracle, 11)]
    return made


def multiget(oracle):
    return oracle.reply('multiget_slice', SEQID, success={b'k%02d' % number: members
                                                          for number, members in enumerate(rows(oracle))})


def supers(oracle):
    return oracle.reply('get_slice', SEQID, success=[
        oracle.super_column(b's%02d' % number, [
            (column.name, column.value, column.timestamp, column.ttl) for column in [each.column for each in members]])
        for number, members in enumerate(rows(oracle))])


def decode_multiget(reply, flags):
    return protocol.decode_multiget_slice(reply, SEQID, layout(), dict, flags)


def decode_supers(reply, flags):
    return protocol.decode_get_slice(reply, SEQID, layout(super_name=protocol.scalar('UTF8Type')), dict, flags)


def outcome(decode, reply, flags):
    try:
        return decode(reply, flags)
    except (ApplicationError, ProtocolError, UnpackingError) as error:
        return type(error)


@pytest.fixture
def field_by_field(monkeypatch):
    """Decode with every short cut off."""
    def run(decode, reply, flags):
        with monkeypatch.context() as patch:
            patch.setattr(column_lists, '_scan', lambda *arguments: None)
            patch.setattr(column_lists, '_scan_supers', lambda *arguments: None)
            patch.setattr(column_lists, '_START', 1 << 40)
            return outcome(decode, reply, flags)
    return run


@pytest.mark.parametrize('flags', [0, INCLUDE_TIMESTAMP, INCLUDE_TIMESTAMP | INCLUDE_TTL])
@pytest.mark.parametrize('make, decode', [(multiget, decode_multiget), (supers, decode_supers)])
def test_rows_that_are_alike_and_rows_that_are_not(oracle, field_by_field, make, decode, flags):
    reply = make(oracle)
    result = decode(reply, flags)
    assert result == field_by_field(decode, reply, flags)
    assert [[*columns] for columns in result.values()] == [
        [member.column.name.decode() for member in members] for members in rows(oracle)]


@pytest.mark.parametrize('flags', [0, INCLUDE_TIMESTAMP | INCLUDE_TTL])
@pytest.mark.parametrize('make, decode', [(multiget, decode_multiget), (supers, decode_supers)])
def test_every_damaged_byte_is_judged_as_field_by_field(oracle, field_by_field, make, decode, flags):
    reply = make(oracle)
    long_value = reply.index(b'v' * 5000)
    for place in range(len(reply)):
        if long_value < place < long_value + 5000:
            continue
        for change in (1, 0x80):
            damaged = reply[:place] + bytes([reply[place] ^ change]) + reply[place + 1:]
            assert outcome(decode, damaged, flags) == field_by_field(decode, damaged, flags), (place, change)
        cut = reply[:place]
        assert outcome(decode, cut, flags) is ProtocolError


def test_readers_are_not_kept_without_limit(oracle, monkeypatch):
    monkeypatch.setattr(column_lists, '_MOST_PAIRS', 0)
    reply = oracle.reply('get_slice', SEQID, success=[oracle.column(b'n%d' % size, b'v' * size, 1)
                                                      for size in range(300, 340)])
    columns = protocol.decode_get_slice(reply, SEQID, layout(), dict, 0)
    assert columns == {f'n{size}': 'v' * size for size in range(300, 340)}


@pytest.mark.parametrize('count', [2, 31, 40])
def test_many_rows_of_the_same_names_are_as_each_alone(count):
    family = layout(validators={b'n': protocol.scalar('LongType')})
    data = {f'key{number}': {'n': number, 'text': 't' * (number * 150), 'ü': ''} for number in range(count)}
    frame = protocol.encode_rows(SEQID, family, data, 5, 60, 1)
    entries = [(b'Family', key.encode(), *protocol.encode_insertions(family, key, columns, 5, 60))
               for key, columns in data.items()]
    assert frame == protocol.encode_batch(SEQID, entries, 1)
    data['key1']['n'] = 'no number'
    with pytest.raises(PackingError, match="row 'key1', column 'n': a value of class str"):
        protocol.encode_rows(SEQID, family, data, 5, 60, 1)


def test_many_super_columns_of_the_same_names_are_as_each_alone():
    family = layout(super_name=protocol.scalar('UTF8Type'))
    data = {f'key{number}': {f's{each}': {'a': 'x' * each, 'b': 'y'} for each in range(4)} for number in range(3)}
    frame = protocol.encode_rows(SEQID, family, data, 5, None, 1)
    entries = []
    for key, columns in data.items():
        alone = [protocol.encode_insertions(family, key, {name: each}, 5, None) for name, each in columns.items()]
        entries.append((b'Family', key.encode(), len(alone), b''.join(mutations for _, mutations in alone)))
    assert frame == protocol.encode_batch(SEQID, entries, 1)
    data['key2']['s3']['b'] = None
    with pytest.raises(PackingError, match="row 'key2', super column 's3', column 'b'"):
        protocol.encode_rows(SEQID, family, data, 5, None, 1)
