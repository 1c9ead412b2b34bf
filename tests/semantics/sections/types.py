"""Section 5: what each type accepts as name, value and key, how it sorts names, and which names are one column."""
import itertools
import struct

from case import Cases
from outcomes import CLOSED, DONE, TIMED_OUT, Defect, Since, refused
from schema_of_cases import KEYSPACE, LATER, TYPES, definition, knows
from site_under_test import col, long, names, put, put_below, span

from pycassa.cassandra.ttypes import ColumnDef

CASES = Cases()


def uuids(*texts):
    return [bytes.fromhex(text) for text in texts]


def decimals(*pairs):
    """Scale and unscaled number, packed."""
    return [struct.pack('>i', scale) + number.to_bytes(number.bit_length() // 8 + 1, 'big', signed=True)
            for scale, number in pairs]


def packed(form, *numbers):
    return [struct.pack(form, number) for number in numbers]


def absent(type_):
    """What is said to a type that the release does not know."""
    return refused(f"Unable to find abstract-type class 'org.apache.cassandra.db.marshal.{type_}'")


def from_release(type_, outcome):
    """The outcome of a case on a family of this type, which older releases cannot have."""
    if type_ not in LATER:
        return outcome
    later = outcome if isinstance(outcome, Since) else {LATER[type_]: outcome}
    return Since({'1.2': 'no such type', **{release: each for release, each in later.items() if release != '1.2'}})


def with_type(type_, act):
    """`act` where the release has the type; elsewhere, whether it says that it has not."""
    def acting(it):
        if not knows(it.profile, type_):
            answer = it.seen(lambda: it.creates(comparator_type=type_))
            return 'no such type' if answer == absent(type_) else answer
        return act(it)
    return acting


# --- what is accepted --------------------------------------------------------------------------------------------

FLOATS = (float('-inf'), -1.5, -0.0, 0.0, 1e-40, 2.5, float('inf'), float('nan'))
TIME_UUID, RANDOM_UUID = uuids('00000001000010008000000000000000', '000000010000400080000000000000ff')

ACCEPTED = {
    'BytesType': [b'', b'\x00', b'\xff\xfe'],
    'AsciiType': [b'', b'a', b'\x00\x7f'],
    'UTF8Type': [b'', b'a', 'é€\U0001f600'.encode(), b'\xc0\x80', b'\xed\xa0\x80'],
    'LongType': [b'', long(-1)], 'Int32Type': [b'', bytes(4)],
    'IntegerType': [b'', b'\x01', b'\x00\x00\x01', b'\xff' * 20],
    'UUIDType': [b'', TIME_UUID, RANDOM_UUID], 'TimeUUIDType': [b'', TIME_UUID],
    'LexicalUUIDType': [b'', TIME_UUID, RANDOM_UUID],
    'DateType': [b'', long(-1)], 'TimestampType': [b'', long(-1)],
    'BooleanType': [b'', b'\x00', b'\x01', b'\xff'],
    'FloatType': [b'', bytes(4)], 'DoubleType': [b'', bytes(8)],
    'DecimalType': [b'', *decimals((0, 1), (-3, -12345))],
    'InetAddressType': [b'\x7f\x00\x00\x01', bytes(16)],
    'ByteType': [b'\x80'], 'ShortType': [b'\x80\x00'], 'SimpleDateType': [bytes(4)], 'TimeType': [bytes(8)],
    'EmptyType': [b''],
}
UUID_LENGTH = 'UUID should be 16 or 0 bytes (3)'
REFUSED = {
    'AsciiType': {b'a\x80': 'Invalid byte for ascii: -128', b'\xff': 'Invalid byte for ascii: -1'},
    'UTF8Type': {raw: "String didn't validate." for raw in (
        b'\xff', b'\x80', b'\xc3', b'\xe2\x82', b'\xf0\x9f\x98', b'\xc1\x80', b'\xe0\x80\x80', b'\xf8\x80\x80\x80')},
    'LongType': {b'abc': 'Expected 8 or 0 byte long (3)'}, 'Int32Type': {bytes(8): 'Expected 4 or 0 byte int (8)'},
    'UUIDType': {b'abc': {'1.2': 'UUIDs must be exactly 16 bytes', '2.0': UUID_LENGTH}},
    'TimeUUIDType': {b'abc': {'1.2': 'Time' + UUID_LENGTH, '2.0': UUID_LENGTH},
                     RANDOM_UUID: 'Invalid version for TimeUUID type.'},
    'LexicalUUIDType': {b'abc': {'1.2': 'Lexical' + UUID_LENGTH, '2.0': UUID_LENGTH}},
    'DateType': {b'abc': 'Expected 8 or 0 byte long for date (3)'},
    'TimestampType': {b'abc': 'Expected 8 or 0 byte long for date (3)'},
    'BooleanType': {b'ab': 'Expected 1 or 0 byte value (2)'},
    'FloatType': {b'a': 'Expected 4 or 0 byte value for a float (1)'},
    'DoubleType': {b'a': 'Expected 8 or 0 byte value for a double (1)'},
    'InetAddressType': {b'abc': 'Expected 4 or 16 byte inetaddress; got 616263'},
    'ByteType': {b'ab': 'Expected 1 byte for a tinyint (2)', b'': 'Expected 1 byte for a tinyint (0)'},
    'ShortType': {b'abc': 'Expected 2 bytes for a smallint (3)', b'': 'Expected 2 bytes for a smallint (0)'},
    'SimpleDateType': {b'abc': 'Expected 4 byte long for date (3)', b'': 'Expected 4 byte long for date (0)'},
    'TimeType': {b'abc': 'Expected 8 byte long for time (3)', b'': 'Expected 8 byte long for time (0)'},
    'EmptyType': {b'a': {'1.2': 'EmptyType only accept empty values', '3.0': (
        'EmptyType only accept empty values. A non-empty value can be a result of a Thrift write into CQL-created '
        'dense table. See CASSANDRA-15778 for details.')}},
}
SHORT_DECIMAL = 'Expected 0 or at least 4 bytes (3)'


def refusal(text, wrap='{}'):
    """The refusal of a text, or of texts by release, in the words around it."""
    if isinstance(text, dict):
        return Since({release: refused(wrap.format(each)) for release, each in text.items()})
    return refused(wrap.format(text))


def stored(type_, raw):
    def act(it):
        it.insert(f'V{type_}', b'n', raw)
        return it.pairs(f'V{type_}')
    return act


for type_ in TYPES:
    for raw in ACCEPTED[type_]:
        CASES.row(f'5-{type_}', from_release(type_, [(b'n', raw)]), {
            f'value {raw.hex() or "empty"}': with_type(type_, stored(type_, raw))})
    for raw, text in REFUSED.get(type_, {}).items():
        CASES.row(f'5-{type_}', from_release(type_, refusal(text, '({}) [%s][V%s][n] failed validation' % (
            KEYSPACE, type_))), {
            f'no value {raw.hex() or "empty"}': with_type(type_, stored(type_, raw))})
        if raw:
            CASES.row(f'5-{type_}', from_release(type_, refusal(text)), {
                f'no name {raw.hex()}': with_type(
                    type_, lambda it, type_=type_, raw=raw: it.insert(f'N{type_}', raw)),
                f'no key {raw.hex()}': with_type(
                    type_, lambda it, type_=type_, raw=raw: it.insert(f'K{type_}', b'n', key=raw)),
                f'no reversed name {raw.hex()}': with_type(
                    type_, lambda it, type_=type_, raw=raw: it.insert(f'R{type_}', raw))})

CASES.row('5-DecimalType', Since({'1.2': [(b'n', b'abc')], '2.0': refused(
    f'({SHORT_DECIMAL}) [{KEYSPACE}][VDecimalType][n] failed validation')}), {
    'value of three bytes': stored('DecimalType', b'abc')})
CASES.row('5-DecimalType', Since({'1.2': [(b'n', bytes(4))]}), {
    'value of a scale alone': stored('DecimalType', bytes(4))})
CASES.row('5-InetAddressType', Since({
    '1.2': refused(f'(Expected 4 or 16 byte inetaddress; got ) [{KEYSPACE}][VInetAddressType][n] failed validation'),
    '2.0': [(b'n', b'')]}), {'value empty': stored('InetAddressType', b'')})


# In a row of its own a real server takes such a name, and then fails to flush the family for good: it must meet another
# name, with which it cannot be compared.
@CASES.scenario('5-DecimalType', Since({'1.2': Defect(CLOSED, TIMED_OUT), '2.0': TIMED_OUT}), 'name of a scale alone',
                waits='slow')
def _(it):
    it.insert('NDecimalType', decimals((0, 1))[0])
    it.insert('NDecimalType', bytes(4))


@CASES.scenario('5-InetAddressType', Since({'1.2': refused('Expected 4 or 16 byte inetaddress; got '), '2.0': []}),
                'open slice')
def _(it):
    return it.row('NInetAddressType')



# --- orders ------------------------------------------------------------------------------------------------------

# Names in ascending order.
ORDERS = {
    'BytesType': [b'\x00', b'a', b'a\x00', b'ab', b'b', b'\x7f', b'\x80', b'\xff'],
    'AsciiType': [b'A', b'B', b'a', b'ab'],
    'UTF8Type': [b'a', b'ab', 'é'.encode(), '€'.encode(), '\U0001f600'.encode()],
    'LongType': [*map(long, (-2**63, -1, 0, 1, 2**63 - 1))],
    'Int32Type': packed('>i', -2**31, -1, 0, 1),
    'IntegerType': [b'\x80' + bytes(8), b'\x80', b'\xff', b'\x00', b'\x01', b'\x7f', b'\x00\x80'],
    'UUIDType': uuids(
        '0000000000000000ffffffffffffffff',     # version 0
        '00000000000010008000000000000000',     # version 1 by time, then all bytes unsigned
        '00000001000010007f00000000000000', '00000001000010008000000000000000', 'ffffffffffff1fff8000000000000001',
        '80000000000020008000000000000000', '7000000000003000ff00000000000000', '000000010000400080000000000000ff'),
    'TimeUUIDType': uuids(
        '00000000000010008000000000000000',
        '00000001000010008000000000000000', '0000000100001000ff00000000000000', '00000001000010000000000000000000',
        '00000001000010007f00000000000000',     # the last eight bytes as signed ones
        'ffffffffffff1fff8000000000000001'),
    'LexicalUUIDType': uuids(
        '80000000000020008000000000000000', 'ffffffffffff1fff8000000000000001', '0000000000000000ffffffffffffffff',
        '00000001000010008000000000000000', '00000001000010007f00000000000000', '7000000000003000ff00000000000000'),
    'DateType': Since({'1.2': [*map(long, (0, 5, 2**63 - 1, -2**63, -1))],
                       '3.0': [*map(long, (-2**63, -1, 0, 5, 2**63 - 1))]}),
    'TimestampType': [*map(long, (-2**63, -1, 0, 5))],
    'BooleanType': Since({'1.2': [b'\xff', b'\x00', b'\x01', b'\x02'], '2.0': [b'\x00', b'\x01']}),
    'FloatType': packed('>f', *FLOATS), 'DoubleType': packed('>d', *FLOATS),
    'DecimalType': decimals((-1, -2), (2, -150), (0, -1), (2, -15), (0, 0), (3, 1), (0, 1), (3, 1499), (1, 15),
                            (0, 99), (0, 100), (-400, 1)),
    'InetAddressType': [bytes(16), bytes(15) + b'\x01', b'\x01\x02\x03\x04', b'\x7f\x00\x00\x01', b'\xff' * 4],
}
NO_SLICES = {'ByteType': 'Expected 1 byte for a tinyint (0)', 'ShortType': 'Expected 2 bytes for a smallint (0)',
             'SimpleDateType': 'Expected 4 byte long for date (0)', 'TimeType': 'Expected 8 byte long for time (0)'}


def ordered_in(family, ordered, turned=False):
    """Names written in an order that is none of the type's, and what slices either way show."""
    def act(it):
        expected = ordered.of(it.profile) if isinstance(ordered, Since) else ordered
        for name in sorted(expected, key=lambda name: name[::-1] + b'\x55'):
            it.insert(family, name)
        forth, back = it.shown(family), it.shown(family, span(backwards=True))
        by_name = it.shown(family, names(*reversed(expected)))
        middle = forth[1:-1]
        part = it.shown(family, span(middle[0], middle[-1])) == middle if middle else True
        if turned:
            expected = expected[::-1]
        return forth == expected, back == expected[::-1], by_name == expected, part
    return act


for type_, ordered in ORDERS.items():
    found = from_release(type_, (True, True, True, True))
    if type_ == 'InetAddressType':      # 1.2 refuses the empty ends of open slices
        found = Since({'1.2': refused('Expected 4 or 16 byte inetaddress; got '), '2.0': found})
    CASES.row(f'5-{type_}', found, {
        'order': with_type(type_, ordered_in(f'N{type_}', ordered))})
    CASES.row('5-ReversedType', found, {
        type_: with_type(type_, ordered_in(f'R{type_}', ordered, turned=True))})

CASES.row('5-ReversedType', refused('range finish must come after start in the order of traversal'), {
    'bounds follow its order': lambda it: it.row('RLongType', span(long(1), long(2)))})
for type_, text in NO_SLICES.items():
    CASES.row(f'5-{type_}', from_release(type_, refused(text)), {
        'no open slice': with_type(type_, lambda it, type_=type_: it.row(f'N{type_}')),
        'no open end': with_type(type_, lambda it, type_=type_: it.row(f'N{type_}', span(ACCEPTED[type_][0])))})


@CASES.scenario('5-types-of-subcolumns', ([long(5), long(-1)], True))
def _(it):
    """Super names in the order of comparator_type, subcolumns in that of subcomparator_type."""
    unordered = sorted(ORDERS['UUIDType'], reverse=True)
    it.batch('Subtypes', *(put_below(long(number), *map(col, unordered)) for number in (-1, 5)))
    found = it.pairs('Subtypes')
    return [name for name, _ in found], [column[0] for column in found[0][1]] == ORDERS['UUIDType']


@CASES.scenario('5-types-of-subcolumns', [5, 9], 'of counters')
def _(it):
    family = it.create(column_type='Super', subcomparator_type='LongType', default_validation_class='CounterColumnType')
    for number in (9, 5):
        it.add(family, long(number), number, b's')
    return [value for _, value in it.pairs(family, below=b's')]


# --- one column under several names ------------------------------------------------------------------------------

SAME = {
    'IntegerType': [[b'\x01', b'\x00\x01'], [b'\x01', b'\x00\x00\x01'], [b'\xff', b'\xff\xff']],
    'DecimalType': [decimals((0, 1), (1, 10)), decimals((0, 1), (2, 100)), decimals((0, 100), (-2, 1)),
                    decimals((0, 0), (5, 0)), decimals((0, -1), (1, -10))],
    'FloatType': [[b'\x7f\xc0\x00\x00', b'\xff\xc0\x00\x01']],
    'DoubleType': [[b'\x7f\xf8' + bytes(6), b'\xff\xf8' + bytes(5) + b'\x01']],
}


def colliding(family, first, second):
    """The second name, written later, with the higher timestamp; then what is read, also by the first name."""
    def act(it):
        it.insert(family, first, b'1', 1)
        it.insert(family, second, b'2', 2)
        return it.pairs(family), it.pairs(family, names(first))
    return act


def winner(first, second):
    return Since({'1.2': ([(second, b'2')],) * 2, '3.0': ([(first, b'2')],) * 2})


for type_, alike in SAME.items():
    for pair, prefix in itertools.product(alike, 'NR'):
        CASES.row('5-same-column', winner(*pair), {
            f'{prefix} {type_} {pair[0].hex()} {pair[1].hex()}': colliding(f'{prefix}{type_}', *pair)})
for one, two in ((b'\x01', b'\x02'), (b'\x01', b'\xff')):
    CASES.row('5-same-column', Since({'1.2': (sorted([(one, b'1'), (two, b'2')], key=lambda pair: pair[0][0] ^ 0x80),
                                              [(one, b'1')]), '2.0': winner(one, two)['1.2'],
                                      '3.0': winner(one, two)['3.0']}), {
        f'N BooleanType {one.hex()} {two.hex()}': colliding('NBooleanType', one, two)})


@CASES.scenario('5-same-column', Since({'1.2': [(b'\x01', b'2')]}), 'the older loses')
def _(it):
    it.insert('NIntegerType', b'\x01', b'2', 2)
    it.insert('NIntegerType', b'\x00\x01', b'1', 1)
    return it.pairs('NIntegerType')


@CASES.scenario('5-same-column', Since({'1.2': [(b'\x00\x01', b'2')], '3.0': [(b'\x00\x01', b'2')]}), 'in one batch')
def _(it):
    it.batch('NIntegerType', put(b'\x00\x01', b'2', 2), put(b'\x01', b'1', 1))
    return it.pairs('NIntegerType')


# --- type strings ------------------------------------------------------------------------------------------------

PACKAGE = 'org.apache.cassandra.db.marshal.'


def full_name(text):
    def act(it):
        return it.described(it.create(comparator_type=text)).comparator_type.replace(PACKAGE, '')
    return act


for text, full in {
    'UTF8Type': 'UTF8Type', PACKAGE + 'UTF8Type': 'UTF8Type', '': 'BytesType', 'LongType(reversed=true)':
    'ReversedType(LongType)', 'ReversedType(LongType)': 'ReversedType(LongType)',
    'CompositeType( LongType , UTF8Type )': 'CompositeType(LongType,UTF8Type)',
    'CompositeType(LongType(reversed=true),UTF8Type)': 'CompositeType(ReversedType(LongType),UTF8Type)',
    'DynamicCompositeType(a=>AsciiType,t=>TimeUUIDType)': 'DynamicCompositeType(a=>AsciiType,t=>TimeUUIDType)',
    'LongType)': 'LongType', 'UTF8Type()': 'UTF8Type', 'LongType(foo=bar)': 'LongType', 'LongType(foo)': 'LongType',
    ' UTF8Type ': 'UTF8Type', 'CompositeType(LongType UTF8Type)': 'CompositeType(LongType,UTF8Type)',
    'DynamicCompositeType': 'DynamicCompositeType()',
    'DynamicCompositeType(a=>LongType,a=>UTF8Type)': 'DynamicCompositeType(a=>UTF8Type)',
    'ReversedType(CompositeType(LongType))': 'ReversedType(CompositeType(LongType))',
    'CompositeType(CompositeType(LongType),UTF8Type)': 'CompositeType(CompositeType(LongType),UTF8Type)',
}.items():
    CASES.row('5-type-strings', full, {text or 'empty': full_name(text)})
INVALID = 'Invalid definition for comparator org.apache.cassandra.db.marshal.'
CASES.row('5-type-strings', refused(INVALID + 'CompositeType.'), {
    'unknown component': full_name('CompositeType(NoType)'),
    'unknown component within': full_name('CompositeType(ReversedType(NoType),UTF8Type)')})
CASES.row('5-type-strings', refused(INVALID + 'ReversedType.'), {
    'reverse of nothing': full_name('ReversedType'), 'reverse of unknown': full_name('ReversedType(NoType)')})
CASES.row('5-type-strings', refused(INVALID + 'DynamicCompositeType.'), {
    'unknown alias type': full_name('DynamicCompositeType(a=>NoType)'),
    'alias of two letters': full_name('DynamicCompositeType(ab=>LongType)')})
CASES.row('5-type-strings', refused(INVALID + 'CompositeType.'), {text: full_name(text) for text in (
    'CompositeType', 'CompositeType()', 'CompositeType(LongType', 'CompositeType(?)')})
CASES.row('5-type-strings', refused(INVALID + 'ReversedType.'), {
    'reverse of two': full_name('ReversedType(LongType,UTF8Type)')})
CASES.row('5-type-strings', absent('NoType'), {
    'unknown': full_name('NoType'),
    'unknown validator': lambda it: it.creates(default_validation_class='NoType'),
    'unknown key type': lambda it: it.creates(key_validation_class='NoType'),
    'unknown subcomparator': lambda it: it.creates(column_type='Super', subcomparator_type='NoType')})
CASES.row('5-type-strings', refused("Unable to find abstract-type class 'org.foo.Bar'"), {
    'unknown class': full_name('org.foo.Bar')})
CASES.row('5-type-strings', absent('utf8type'), {'case counts': full_name('utf8type')})
CASES.row('5-CounterColumnType', Since({
    '1.2': refused('CounterColumnType is not a valid comparator'),
    '2.1': Defect(CLOSED, refused('CounterColumnType is not a valid comparator'))}), {
    'comparator': full_name('CounterColumnType')})

# --- values and keys ---------------------------------------------------------------------------------------------

CASES.row('5-values', refused(f'(Expected 8 or 0 byte long (1)) [{KEYSPACE}][I][age] failed validation'), {
    'of a defined column': lambda it: it.insert('I', b'age', b'x')})
CASES.row('5-values', DONE, {
    'of any other': lambda it: it.insert('I', b'other', b'x'),
    'super name that is a defined subcolumn': lambda it: it.insert('T', b'other', b'x', below=b'num')})


@CASES.scenario('5-values', ([(b'num', b'x')], refused(
    '(Expected 8 or 0 byte long (1)) [Semantics][T][6e756d] failed validation')), 'of defined subcolumns')
def _(it):
    it.insert('T', b'other', b'x', below=b'num')
    return ([(name, columns[0][1]) for name, columns in it.pairs('T')],
            it.seen(lambda: it.insert('T', b'num', b'x', below=b's')))


@CASES.scenario('5-values', [(b'num', b'x')], 'stored before the validator changed')
def _(it):
    family = it.create()
    it.insert(family, b'num', b'x')
    it.client.system_update_column_family(definition(family, column_metadata=[ColumnDef(b'num', 'LongType')]))
    return it.pairs(family)


CASES.row('5-key-type', TIMED_OUT, {
    'start key too short': lambda it: it.range('KLongType', b'abc', b''),
    'end key too short': lambda it: it.range('KLongType', b'', b'abc'),
    'one key too short': lambda it: it.range('KLongType', b'abc', b'abc')}, waits='slow')
CASES.row('5-key-type', refused('Expected 8 or 0 byte long (3)'), {
    'get': lambda it: it.get('KLongType', b'c', key=b'abc'), 'get_slice': lambda it: it.row('KLongType', key=b'abc'),
    'insert': lambda it: it.insert('KLongType', b'c', key=b'abc')})

