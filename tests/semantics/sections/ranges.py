"""Section 8: reading ranges of rows. The order of the ring is told by tokens computed from the document's rules."""
from case import Cases
from outcomes import CLOSED, TIMED_OUT, Defect, Since, refused
from site_under_test import EQ, GT, GTE, LT, LTE, col, deletion, long, names, put, put_below, span

from pycassa.embedded.partitioners import PARTITIONERS

CASES = Cases()
KEYS = [b'k%02d' % number for number in range(10)]
MINIMUM = {'Murmur3Partitioner': str(-2**63), 'RandomPartitioner': '-1', 'ByteOrderedPartitioner': ''}


def fill(it):
    for number, key in enumerate(KEYS):
        it.batch('Ring', put(b'a', b'%d' % number), put(b'b'), key=key)


def ring(it):
    """The keys of the family Ring in the order of their tokens."""
    it.once('Ring', fill)
    return sorted(KEYS, key=_partitioner(it).token)


def _partitioner(it):
    return PARTITIONERS[it.site.partitioner]


def token(it, key):
    partitioner = _partitioner(it)
    return partitioner.text(partitioner.token(key))


def places(it, *arguments, **options):
    """Where in the order of the ring the keys of a range are."""
    ordered = ring(it)
    return [ordered.index(each.key) for each in it.range('Ring', *arguments, **options)]


def by_key(start=None, end=None, **options):
    """A range by the places of keys."""
    def act(it):
        ordered = ring(it)
        return places(it, b'' if start is None else ordered[start], b'' if end is None else ordered[end], **options)
    return act


def by_token(start, end, **options):
    """A range by the tokens of keys at places; 'min' is the least token."""
    def act(it):
        ordered = ring(it)
        ends = [MINIMUM[it.site.partitioner] if place == 'min' else token(it, ordered[place]) for place in (start, end)]
        return places(it, start_token=ends[0], end_token=ends[1], **options)
    return act


EVERY = [*range(10)]
CASES.row('8.1-token-order', EVERY, {'everything': by_key()})
CASES.row('8.1-token-order', EVERY[3:7], {'both keys belong': by_key(3, 6)})
CASES.row('8.1-token-order', EVERY[4:7], {'the start token does not, the end token does': by_token(3, 6)})
CASES.row('8.1-token-order', EVERY[3:7], {'start key and end token': lambda it: places(
    it, ring(it)[3], end_token=token(it, ring(it)[6]))})
CASES.row('8.1-token-order', [5], {'one key': by_key(5, 5)})
CASES.row('8.2-open-ends', EVERY[7:], {'from': by_key(7)})
CASES.row('8.2-open-ends', EVERY[:3], {'to': by_key(None, 2)})


@CASES.scenario('8.2-open-ends', True, 'the start key need not exist')
def _(it):
    ordered, between = ring(it), b'not a key'
    first = [_partitioner(it).token(key) > _partitioner(it).token(between) for key in ordered].index(True)
    return places(it, between, b'') == EVERY[first:]


CASES.row('8.3-wrapping', EVERY[5:] + EVERY[:5], {'equal tokens': by_token(4, 4)})
CASES.row('8.3-wrapping', EVERY[8:] + EVERY[:3], {'start after end': by_token(7, 2)})
CASES.row('8.3-wrapping', EVERY[5:], {'least token as end': by_token(4, 'min')})
CASES.row('8.3-wrapping', EVERY[:5], {'least token as start': by_token('min', 4)})
CASES.row('8.3-wrapping', EVERY, {'least token as both': by_token('min', 'min')})


@CASES.scenario('8.3-wrapping', True, 'from 0 to 0')
def _(it):
    ordered = ring(it)
    after = [_partitioner(it).token(key) > 0 for key in ordered].index(True)
    return places(it, start_token='0', end_token='0') == EVERY[after:] + EVERY[:after]


CASES.row('8.3-wrapping', refused(
    "start key's token sorts after end key's token.  this is not allowed; you probably should not specify end key at "
    'all except with an ordered partitioner'), {'keys never wrap': by_key(7, 2)})
CASES.row('8.4-count', EVERY[:4], {'count': by_key(count=4)})
CASES.row('8.4-count', EVERY[2:6], {'count from a key': by_key(2, count=4)})
CASES.row('8.4-count', EVERY[8:] + EVERY[:2], {'count over the end': by_token(7, 6, count=4)})
CASES.row('8.8-paging', EVERY[3:7], {'from the last key of a page': by_key(3, count=4)})


@CASES.scenario('8.8-paging', EVERY, 'all pages')
def _(it):
    seen, start = [], b''
    while True:
        page = [each.key for each in it.range('Ring', start, b'', count=4)]
        seen += page[1:] if start else page
        if len(page) < 4:
            return [ring(it).index(key) for key in seen]
        start = page[-1]


@CASES.scenario('8.4-count', 1, 'ghosts are counted')
def _(it):
    """A family of one ghost and one row: of a page of one row, there is one."""
    family = it.create()
    it.insert(family, b'a', key=b'one')
    it.insert(family, b'a', key=b'two')
    first = it.range(family, b'', b'')[0].key
    it.remove(family, timestamp=2, key=first)
    found = it.range(family, b'', b'', count=1)
    assert found[0].key == first and not found[0].columns, found
    return len(found)


# --- 8.5 ghosts --------------------------------------------------------------------------------------------------

GHOST = [[]]


def after(*steps, family='B', **options):
    def act(it):
        for step in steps:
            step(it)
        return it.own_row(family, **options)
    return act


def insert(it):
    it.insert('B', b'a')


CASES.row('8.5-ghosts', GHOST, {
    'deleted row': after(insert, lambda it: it.remove('B', timestamp=2)),
    'deleted column': after(insert, lambda it: it.remove('B', b'a', timestamp=2)),
    'deleted row that never was': after(lambda it: it.remove('B')),
    'deleted column that never was': after(lambda it: it.remove('B', b'a')),
    'deletion in a batch': after(lambda it: it.batch('B', deletion(1))),
    'no column in the predicate': after(insert, predicate=names(b'z')),
    'no column in the slice': after(insert, predicate=span(b'x', b'z')),
    'count of no columns': after(insert, predicate=span(count=0)),
    'removed counter': after(lambda it: it.add('C'), lambda it: it.pass_millisecond(),
                             lambda it: it.remove_counter('C', b'c'), family='C')})
CASES.row('8.5-ghosts', [], {'never written': after(), 'older than its deletion': after(
    lambda it: it.insert('Empty', b'a'), family='B')})


@CASES.scenario('8.5-ghosts', GHOST, 'expired', waits='expiry')
def _(it):
    it.insert('B', b'a', ttl=1)
    yield
    return it.own_row()


@CASES.scenario('8.5-ghosts', [], 'none after truncate')
def _(it):
    it.insert('Gone', b'a')
    it.remove('Gone', timestamp=2)
    it.client.truncate('Gone')
    return it.own_row('Gone')


CASES.row('8.5-ghosts', Since({'1.2': [], '2.1': GHOST}), {
    'named in a batch': after(lambda it: it.batch('B')),
    'deletion of no names': after(lambda it: it.batch('B', deletion(1, predicate=names())))})


def supers(it):
    it.batch('S', put_below(b's', col(long(1)), col(long(2))))


SUBCOLUMNS = [[(long(1), b'v', 1, None), (long(2), b'v', 1, None)]]
CASES.row('8.6-super-column', SUBCOLUMNS, {'its subcolumns': after(supers, family='S', below=b's')})
CASES.row('8.6-super-column', [[(b's', SUBCOLUMNS[0])]], {'all': after(supers, family='S')})
CASES.row('8.6-super-column', GHOST, {
    'missing': after(supers, family='S', below=b'z'),
    'deleted': after(supers, lambda it: it.remove('S', below=b's', timestamp=2), family='S', below=b's'),
    'missing subcolumn': after(supers, family='S', below=b's', predicate=names(long(9)))})

# --- 8.7 row filters ---------------------------------------------------------------------------------------------


def person(it):
    it.batch('I', put(b'age', long(30)), put(b'name', b'Ann'), put(b'note', b'x'))


ALL = [[(b'age', long(30), 1, None), (b'name', b'Ann', 1, None), (b'note', b'x', 1, None)]]
for what, (expressions, expected) in {
    'equal': ([(b'name', EQ, b'Ann')], ALL), 'not equal': ([(b'name', EQ, b'Bob')], []),
    'greater': ([(b'age', GT, long(29))], ALL), 'not greater': ([(b'age', GT, long(30))], []),
    'greater or equal': ([(b'age', GTE, long(30))], ALL), 'less': ([(b'age', LT, long(31))], ALL),
    'less or equal': ([(b'age', LTE, long(30))], ALL), 'by the type': ([(b'age', GT, long(-1))], ALL),
    'all of several': ([(b'name', EQ, b'Ann'), (b'age', GT, long(29))], ALL),
    'one of several not': ([(b'name', EQ, b'Ann'), (b'age', LT, long(29))], []),
    'a column that is not defined': ([(b'note', EQ, b'x')], ALL),
    'a column that is not there': ([(b'none', EQ, b'x')], []), 'no expressions': ([], ALL),
}.items():
    CASES.row('8.7-row-filter', expected, {what: after(person, family='I', row_filter=expressions)})


ALL_NAMES, TURNED = [[b'age', b'name', b'note']], [[b'note', b'name', b'age']]
# Without an index, 1.2 tests what is named or any column, 2.0 to 2.2 what the slice shows, 3.x what the predicate
# spans. Reversed, 2.1 and 2.2 show the columns in ascending order, 3.x shows no row, 2.0 fails if there is an index.
FILTERED = {
    'without an index': ((b'name', EQ, b'Ann'), {
        'reversed': (span(backwards=True), Since({'1.2': TURNED, '2.1': ALL_NAMES, '3.0': Defect([], TURNED)})),
        'a slice of nothing': (span(b'x', b'z'), Since({'1.2': [[]], '2.0': []})),
        'a slice': (span(b'a', b'n'), Since({'1.2': [[b'age']], '2.0': []})),
        'count of one': (span(count=1), Since({'1.2': [[b'age']], '2.0': [], '3.0': [[b'age']]})),
        'count of one reversed': (span(count=1, backwards=True), Since({
            '1.2': [[b'note']], '2.0': [], '3.0': Defect([], [[b'note']])})),
        'count of none': (span(count=0), Since({'1.2': [[]], '2.0': [], '3.0': [[]]})),
        'names': (names(b'note'), Since({'1.2': [], '2.0': [[b'note']], '3.0': []})),
        'no names': (names(), Since({'1.2': [], '2.0': [[]], '3.0': []})),
    }),
    'with an index': ((b'age', EQ, long(30)), {
        'reversed': (span(backwards=True), Since({
            '1.2': TURNED, '2.0': Defect(TIMED_OUT, TURNED), '2.1': ALL_NAMES, '3.0': Defect(TIMED_OUT, TURNED),
            '3.11': Defect([], TURNED)})),
        'a slice of nothing': (span(b'x', b'z'), Since({'1.2': [[]], '3.0': []})),
        'a slice': (span(b'a', b'n'), [[b'age']]), 'count of one': (span(count=1), [[b'age']]),
        'count of one reversed': (span(count=1, backwards=True), Since({
            '1.2': [[b'note']], '3.0': Defect(TIMED_OUT, [[b'note']]), '3.11': Defect([], [[b'note']])})),
        'count of none': (span(count=0), [[]]), 'names': (names(b'note'), Since({'1.2': [[b'note']], '3.0': []})),
        'no names': (names(), Since({'1.2': [[]], '3.0': []})),
    }),
}


def filtered(expression, predicate):
    def act(it):
        person(it)
        found = it.own_row('I', row_filter=[expression], predicate=predicate)
        return [[column[0] for column in columns] for columns in found]
    return act


for where, (expression, table) in FILTERED.items():
    for what, (predicate, expected) in table.items():
        CASES.row('8.7-row-filter-columns', expected, {f'{what} {where}': filtered(expression, predicate)},
                  waits='slow')
NO_SUPER = refused('super columns are not supported for indexing')
CASES.row('8.7-row-filter', Since({'1.2': Defect([], NO_SUPER), '2.1': Defect(CLOSED, NO_SUPER), '3.0': Defect(
    refused('[63]=[76] failed value validation (Not enough bytes to read a map)'), NO_SUPER)}), {
    'super family': lambda it: it.own_row('S', row_filter=[(b'c', EQ, b'v')])})


@CASES.scenario('8.7-row-filter', [], 'deleted rows do not match')
def _(it):
    person(it)
    it.remove('I', timestamp=2)
    return it.own_row('I', row_filter=[(b'name', EQ, b'Ann')])


