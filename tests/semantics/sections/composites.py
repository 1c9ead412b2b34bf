"""Section 5: CompositeType and DynamicCompositeType: what names they accept, and how these sort."""
import struct

from case import Cases
from outcomes import CLOSED, DONE, Defect, Since, refused
from site_under_test import col, long, names, put_below, span

CASES = Cases()


def composite(*parts, eoc=0):
    """A name of components, the last of which has this end-of-component byte."""
    ends = [0] * (len(parts) - 1) + [eoc]
    return b''.join(struct.pack('>H', len(part)) + part + struct.pack('b', end) for part, end in zip(parts, ends))


def dynamic(*parts, eoc=0):
    """A name of (alias or type name, component)."""
    out = b''
    for place, (type_, part) in enumerate(parts):
        header = struct.pack('>H', 0x8000 | ord(type_)) if len(type_) == 1 else \
            struct.pack('>H', len(type_)) + type_.encode()
        out += header + struct.pack('>H', len(part)) + part + struct.pack('b', eoc if place == len(parts) - 1 else 0)
    return out


# --- what is accepted --------------------------------------------------------------------------------------------

REFUSED = {
    'Composite': {
        'no size': (b'\x00', 'Not enough bytes to read value size of component 0'),
        'no size of the second': (composite(long(1)) + b'\x00',
                                  'Not enough bytes to read value size of component 1'),
        'short value': (b'\x00\x08abc', 'Not enough bytes to read value of component 0'),
        'no end': (b'\x00\x00', 'Not enough bytes to read the end-of-component byte of component0'),
        'too many components': (composite(long(1), b'a', b'c'), 'Too many bytes for comparator'),
        'more bytes': (composite(long(1), b'a') + b'x', 'Too many bytes for comparator'),
        'first of another type': (composite(b'abc'), 'Expected 8 or 0 byte long (3)'),
        'second of another type': (composite(long(1), b'\xff'), "String didn't validate."),
    },
    'CompositeR': {'first of another type': (composite(b'abc'), 'Expected 8 or 0 byte long (3)')},
    'Dynamic': {
        'unknown alias': (dynamic(('z', b'x')), 'Cannot find comparator for component 0'),
        'unknown alias of the second': (dynamic(('u', b'x'), ('z', b'x')), 'Cannot find comparator for component 1'),
        'unknown type': (dynamic(('NoType', b'x')), 'Cannot find comparator for component 0'),
        'of another type': (dynamic(('u', b'\xff')), "String didn't validate."),
        'short type name': (b'\x00\x05abc', 'Not enough bytes to read comparator name of component 0'),
        'no header': (b'\x80', 'Not enough bytes to header of the comparator part of component 0'),
        'short value': (b'\x80u\x00\x05abc', 'Not enough bytes to read value of component 0'),
    },
}
for family, table in REFUSED.items():
    for what, (raw, why) in table.items():
        CASES.row(f'5-{family}-refuses', refused(why), {
            f'name, {what}': lambda it, family=family, raw=raw: it.insert(family, raw),
            f'bound, {what}': lambda it, family=family, raw=raw: it.row(family, span(raw)),
            f'name in a predicate, {what}': lambda it, family=family, raw=raw: it.row(family, names(raw))})

CASES.row('5-composite-prefix-and-empty', DONE, {
    'prefix': lambda it: it.insert('Composite', composite(long(1))),
    'empty component': lambda it: it.insert('Composite', composite(b'', b''))})


@CASES.scenario('5-composite-prefix-and-empty', ([composite(long(1)), composite(long(1), b'')],) * 2, 'two columns')
def _(it):
    ordered = [composite(long(1)), composite(long(1), b'')]
    for name in reversed(ordered):
        it.insert('Composite', name)
    return it.shown('Composite'), it.shown('Composite', names(*ordered))


# --- orders ------------------------------------------------------------------------------------------------------

ORDERS = {
    'Composite': [
        composite(b''), composite(b'', b'a'), composite(long(-1)), composite(long(-1), b''), composite(long(-1), b'a'),
        composite(long(0)), composite(long(0), b''), composite(long(0), b'a'), composite(long(0), b'ab'),
        composite(long(1), b'a')],
    # 1.2 and 2.0 keep what is empty in front even of a reversed type.
    'CompositeR': Since({'1.2': [
        composite(b''), composite(b'', b''), composite(b'', b'a'), composite(long(1)), composite(long(1), b''),
        composite(long(1), b'b'), composite(long(1), b'ab'), composite(long(1), b'a'), composite(long(-1), b'b')],
        '2.1': [
        composite(long(1)), composite(long(1), b'b'), composite(long(1), b'ab'), composite(long(1), b'a'),
        composite(long(1), b''), composite(long(-1), b'b'), composite(b''), composite(b'', b'a'),
        composite(b'', b'')]}),
    'Dynamic': [
        dynamic(('b', b'x')), dynamic(('l', long(-1))), dynamic(('l', long(1))), dynamic(('LongType', long(3))),
        dynamic(('ReversedType(BytesType)', b'xx')), dynamic(('L', long(5))), dynamic(('L', long(1))),
        dynamic(('U', b'y')), dynamic(('U', b'x')), dynamic(('u', b'a')), dynamic(('UTF8Type', b'm')),
        dynamic(('u', b'x')), dynamic(('u', b'x'), ('b', b'q')), dynamic(('UTF8Type', b'x'), ('l', long(2))),
        dynamic(('u', b'x'), ('u', b'q'))],
}


def in_order(family):
    def act(it):
        ordered = ORDERS[family]
        ordered = ordered.of(it.profile) if isinstance(ordered, Since) else ordered
        for name in sorted(ordered, key=lambda name: name[::-1]):
            it.insert(family, name)
        forth, back = it.shown(family), it.shown(family, span(backwards=True))
        return [ordered.index(name) for name in forth], back == forth[::-1]
    return act


# 1.2 does not look at what reversed types reverse, and compares their components as if they were of one type.
FOUND = {'Composite': ([*range(10)], True), 'CompositeR': ([*range(9)], True), 'Dynamic': Since({
    '1.2': Defect(([0, 1, 2, 3, 7, 4, 8, 5, 6, *range(9, 15)], True), ([*range(15)], True)),
    '2.0': ([*range(15)], True)})}
for family in ORDERS:
    CASES.row(f'5-{family}-order', FOUND[family], {'order': in_order(family)})


@CASES.scenario('5-Composite-order', True, 'of super names and subcolumns')
def _(it):
    ordered = ORDERS['Composite']
    it.batch('CompositeSuper', *(put_below(name, *map(col, ordered[::-1])) for name in ordered[::-1]))
    found = it.pairs('CompositeSuper')
    return [name for name, _ in found] == ordered and all(
        [column[0] for column in columns] == ordered for _, columns in found)


# --- the end-of-component byte -----------------------------------------------------------------------------------

STORED = [composite(long(number), *text) for number in (1, 2, 3) for text in ((), (b'a',), (b'b',))]
# For component 2: the places of the names that are taken from, or to, each end-of-component byte.
FROM = {0: 3, 1: 6, -1: 3}
TO = {1: 6, 0: 4, -1: 3}


def fill(it, family='Composite'):
    for name in STORED:
        it.insert(family, name)


for eoc in (0, 1, -1):
    CASES.row('5-composite-bounds', STORED[FROM[eoc]:], {
        f'start {eoc}': lambda it, eoc=eoc: (fill(it), it.shown('Composite', span(composite(long(2), eoc=eoc))))[1]})
    CASES.row('5-composite-bounds', STORED[:TO[eoc]], {
        f'finish {eoc}': lambda it, eoc=eoc: (
            fill(it), it.shown('Composite', span(b'', composite(long(2), eoc=eoc))))[1]})
    CASES.row('5-composite-bounds', STORED[:TO[eoc]][::-1], {
        f'start {eoc} reversed': lambda it, eoc=eoc: (
            fill(it), it.shown('Composite', span(composite(long(2), eoc=eoc), b'', True)))[1]})
    CASES.row('5-composite-bounds', STORED[FROM[eoc]:][::-1], {
        f'finish {eoc} reversed': lambda it, eoc=eoc: (
            fill(it), it.shown('Composite', span(b'', composite(long(2), eoc=eoc), True)))[1]})
CASES.row('5-composite-bounds', STORED[3:6], {
    'a whole prefix': lambda it: (fill(it), it.shown('Composite', span(
        composite(long(2), eoc=-1), composite(long(2), eoc=1))))[1],
    'a whole prefix, exactly': lambda it: (fill(it), it.shown('Composite', span(
        composite(long(2)), composite(long(2), eoc=1))))[1]})

TURNED = [composite(long(number), text) for number in (3, 2, 1) for text in (b'b', b'a')]


def fill_turned(it):
    for name in TURNED:
        it.insert('CompositeR', name)


for eoc in (0, 1, -1):
    CASES.row('5-composite-bounds', TURNED[{0: 2, -1: 2, 1: 4}[eoc]:], {
        f'start {eoc} of reversed types': lambda it, eoc=eoc: (
            fill_turned(it), it.shown('CompositeR', span(composite(long(2), eoc=eoc))))[1]})
    # 3.x takes the prefix's longer names in at 0, as it does at 1, though of reversed components only.
    taken = TURNED[:{0: 2, -1: 2, 1: 4}[eoc]]
    CASES.row('5-composite-bounds', Since({'1.2': taken, '3.0': Defect(TURNED[:4], taken) if eoc == 0 else taken}), {
        f'finish {eoc} of reversed types': lambda it, eoc=eoc: (
            fill_turned(it), it.shown('CompositeR', span(b'', composite(long(2), eoc=eoc))))[1]})


def stored_with_end(it):
    """A name whose last component ends in 1, beside the one that ends in 0."""
    plain, ended = composite(long(1), b'a'), composite(long(1), b'a', eoc=1)
    it.insert('Composite', plain, b'0', 1)
    it.insert('Composite', ended, b'1', 2)
    return it.pairs('Composite')


# The embedded server refuses them, whatever real ones make of them.
REFUSED_END = refused('the end-of-component byte of a stored composite name must be 0 (got 1 in component 1)')
CASES.row('5-composite-stored-end', Since({
    '1.2': Defect([(composite(long(1), b'a'), b'0'), (composite(long(1), b'a', eoc=1), b'1')], REFUSED_END),
    '2.1': Defect(CLOSED, REFUSED_END), '3.0': Defect([(composite(long(1), b'a'), b'1')], REFUSED_END)}), {
    'insert': stored_with_end})


@CASES.scenario('5-dynamic-same-column', Since({
    '1.2': [(dynamic(('u', b'x')), b'2')], '3.0': [(dynamic(('UTF8Type', b'x')), b'2')]}), 'alias and name')
def _(it):
    it.insert('Dynamic', dynamic(('UTF8Type', b'x')), b'1', 1)
    it.insert('Dynamic', dynamic(('u', b'x')), b'2', 2)
    return it.pairs('Dynamic')


@CASES.scenario('5-same-column', [b'2'], 'component of a composite')
def _(it):
    family = it.create(comparator_type='CompositeType(IntegerType,BytesType)')
    it.insert(family, composite(b'\x01', b'z'), b'1', 1)
    it.insert(family, composite(b'\x00\x01', b'z'), b'2', 2)
    return [value for _, value in it.pairs(family)]


