"""Section 7: reading one row."""
from case import Cases
from outcomes import CLOSED, MALFORMED, NO_ANSWER, NOT_FOUND, TIMED_OUT, Defect, Since, refused, worded
from site_under_test import col, deletion, long, names, plus, plus_below, put, put_below, span

from pycassa.cassandra.ttypes import ConsistencyLevel

CASES = Cases()
LETTERS = (b'a', b'b', b'c', b'd', b'e')


def letters(it, family='B', **options):
    it.batch(family, *map(put, LETTERS), **options)


def supers(it, family='S'):
    """Super columns a, b and c of subcolumns 1 and 2."""
    it.batch(family, *(put_below(name, col(long(1)), col(long(2))) for name in LETTERS[:3]))


# --- 7.1 what is not there ---------------------------------------------------------------------------------------

def absent(prepare, family='B', name=b'a', below=None):
    """What get says and what get_slice says to what is not there."""
    def act(it):
        prepare(it)
        return it.seen(lambda: it.get(family, name, below)), it.row(family, names(name or below), name and below)
    return act


def removed(**what):
    def prepare(it):
        it.insert('B', b'a')
        it.remove('B', timestamp=2, **what)
    return prepare


def removed_below(it):
    supers(it)
    it.remove('S', long(1), b'a', 2)
    it.remove('S', long(2), b'a', 2)


CASES.row('7.1-not-found', (NOT_FOUND, []), {
    'missing row': absent(lambda it: None), 'missing column': absent(lambda it: it.insert('B', b'other')),
    'deleted column': absent(removed(name=b'a')), 'deleted row': absent(removed()),
    'missing super column': absent(supers, 'S', None, b'z'),
    'missing subcolumn': absent(supers, 'S', long(9), b'a'),
    'super column of deleted subcolumns': absent(removed_below, 'S', None, b'a'),
    'subcolumn of a missing super column': absent(supers, 'S', long(1), b'z'),
    'missing counter': absent(lambda it: None, 'C', b'c')})


@CASES.scenario('7.1-not-found', (NOT_FOUND, []), 'expired', waits='expiry')
def _(it):
    it.insert('B', b'a', ttl=1)
    yield
    return it.seen(lambda: it.get('B', b'a')), it.row()


CASES.row('7.1-not-found', NOT_FOUND, {
    'describe_keyspace': lambda it: it.client.describe_keyspace('NoSuchKeyspace')})


@CASES.scenario('7.2-super-column', ((b'a', [(long(1), b'v', 1, None)]), (long(1), b'v', 1, None)))
def _(it):
    supers(it)
    it.remove('S', long(2), b'a', 2)
    from outcomes import plain
    return plain(it.get('S', below=b'a')), plain(it.get('S', long(1), b'a'))


# --- 7.3 bounds --------------------------------------------------------------------------------------------------

for what, (slice_, expected) in {
    'everything': (span(), b'abcde'), 'from': (span(b'c'), b'cde'), 'to': (span(b'', b'c'), b'abc'),
    'both ends belong': (span(b'b', b'd'), b'bcd'), 'equal bounds': (span(b'c', b'c'), b'c'),
    'bounds that are not there': (span(b'aa', b'cc'), b'bc'), 'nothing between': (span(b'cc', b'cd'), b''),
    'reversed': (span(backwards=True), b'edcba'), 'reversed from': (span(b'c', backwards=True), b'cba'),
    'reversed to': (span(b'', b'c', True), b'edc'), 'reversed both': (span(b'd', b'b', True), b'dcb'),
    'reversed equal': (span(b'c', b'c', True), b'c'),
    'reversed bounds that are not there': (span(b'cc', b'aa', True), b'cb'),
}.items():
    CASES.row('7.3-bounds', [bytes([letter]) for letter in expected], {
        what: lambda it, slice_=slice_: (letters(it), it.shown(predicate=slice_))[1]})


@CASES.scenario('7.3-bounds', [long(2), long(3)], 'subcolumns')
def _(it):
    it.batch('S', put_below(b's', *(col(long(number)) for number in range(1, 5))))
    return it.shown('S', span(long(2), long(3)), b's')


# --- 7.4 counts --------------------------------------------------------------------------------------------------

def counted(count, backwards=False):
    def act(it):
        letters(it)
        it.batch('B', deletion(2, predicate=names(b'a', b'c', b'e')))
        return it.shown(predicate=span(count=count, backwards=backwards))
    return act


CASES.row('7.4-count', [], {'none': counted(0)})
CASES.row('7.4-count', [b'b'], {'tombstones do not count': counted(1)})
CASES.row('7.4-count', [b'd'], {'tombstones do not count, reversed': counted(1, True)})
CASES.row('7.4-count', [b'b', b'd'], {'two': counted(2), 'the greatest': counted(2**31 - 1)})


@CASES.scenario('7.4-count', [b'b'], 'expired do not count', waits='expiry')
def _(it):
    it.batch('B', put(b'a', ttl=1), put(b'b'), put(b'c'))
    yield
    return it.shown(predicate=span(count=1))


@CASES.scenario('7.4-count', ([(b'a', 2), (b'b', 2)], [long(1)]), 'of super columns and of subcolumns')
def _(it):
    supers(it)
    return ([(name, len(columns)) for name, columns in it.pairs('S', span(count=2))],
            it.shown('S', span(count=1), b'b'))


# --- 7.5 names ---------------------------------------------------------------------------------------------------

CASES.row('7.5-names', [b'a', b'd'], {
    'in the order of the comparator, once': lambda it: (
        letters(it), it.shown(predicate=names(b'd', b'x', b'a', b'd')))[1]})
CASES.row('7.5-names', [], {'none': lambda it: (letters(it), it.shown(predicate=names()))[1]})
CASES.row('7.5-names', refused('column name must not be empty'), {
    'an empty one': lambda it: it.row(predicate=names(b'a', b''))})
CASES.row('7.5-names', [b'b', b'c'], {
    'of super columns': lambda it: (supers(it), it.shown('S', names(b'c', b'z', b'b', b'c')))[1]})
CASES.row('7.5-names', [long(1)], {
    'of subcolumns': lambda it: (supers(it), it.shown('S', names(long(1), long(9), long(1)), b'b'))[1]})
CASES.row('7.5-names', 300, {
    'no limit': lambda it: (it.batch('B', *(put(b'%03d' % number) for number in range(300))),
                            len(it.shown(predicate=names(*(b'%03d' % number for number in range(300))))))[1]})


# --- 7.6 super columns of nothing --------------------------------------------------------------------------------

@CASES.scenario('7.6-empty-super', ([b'b', b'c'], [b'b'], 2, []))
def _(it):
    supers(it)
    it.batch('S', deletion(2, b'a', names(long(1), long(2))))
    return it.shown('S'), it.shown('S', span(count=1)), it.count('S'), it.shown('S', names(b'a'))


@CASES.scenario('7.6-empty-super', [b'b'], 'of expired subcolumns', waits='expiry')
def _(it):
    it.batch('S', put_below(b'a', col(long(1), ttl=1)), put_below(b'b', col(long(1))))
    yield
    return it.shown('S')


# --- 7.7 reversed super columns ----------------------------------------------------------------------------------

UP, DOWN = [long(1), long(2)], [long(2), long(1)]


@CASES.scenario('7.7-reversed-supers', Since({
    '1.2': [(b'c', UP), (b'b', UP), (b'a', UP)],
    '3.0': Defect([(b'c', DOWN), (b'b', DOWN), (b'a', DOWN)], [(b'c', UP), (b'b', UP), (b'a', UP)])}))
def _(it):
    supers(it)
    return [(name, [column[0] for column in columns])
            for name, columns in it.pairs('S', span(backwards=True))]


@CASES.scenario('7.7-reversed-supers', DOWN, 'subcolumns of one')
def _(it):
    supers(it)
    return it.shown('S', span(backwards=True), b'b')


# --- 7.8 many rows -----------------------------------------------------------------------------------------------

def many(it, call, **options):
    """An answer of multiget without the case's own key in it: by 'here' and 'absent'."""
    it.batch('B', put(b'a'), put(b'b'))
    absent = it.key + b'-absent'
    found = call([it.key, absent, it.key], **options)
    return {{it.key: 'here', absent: 'absent'}[key]: value for key, value in found.items()}


CASES.row('7.8-multiget', {'here': [(b'a', b'v', 1, None), (b'b', b'v', 1, None)], 'absent': []}, {
    'multiget_slice': lambda it: many(it, it.multiget)})
CASES.row('7.8-multiget', {'here': 2, 'absent': 0}, {'multiget_count': lambda it: many(it, it.multicount)})
CASES.row('7.8-multiget', {'here': 1, 'absent': 0}, {
    'multiget_count of names': lambda it: many(it, it.multicount, predicate=names(b'b', b'z')),
    'multiget_count with a count': lambda it: many(it, it.multicount, predicate=span(count=1))})
CASES.row('7.8-multiget', Since({'1.2': {}, '3.0': Defect(CLOSED, {})}), {
    'no keys': lambda it: it.multiget([]), 'no keys to count': lambda it: it.multicount([])})
CASES.row('7.8-multiget', refused('Key may not be empty'), {
    'a bad key': lambda it: it.multiget([it.key, b'']), 'a bad key to count': lambda it: it.multicount([it.key, b''])})
CASES.row('7.8-multiget', Since({'1.2': MALFORMED, '2.0': refused(
    'SERIAL/LOCAL_SERIAL consistency may only be requested for one row at a time'), '3.0': refused(
    'SERIAL/LOCAL_SERIAL consistency may only be requested for one partition at a time')}), {
    'serial': lambda it: it.multiget([it.key, b'k'], level=ConsistencyLevel.SERIAL)})

# --- 7.9 counts of columns ---------------------------------------------------------------------------------------


def count_of(predicate, **options):
    return lambda it: (letters(it), it.count(predicate=predicate, **options))[1]


BOTH_ABSENT = names()
BOTH_ABSENT.column_names = None
CASES.row('7.9-count', 5, {'slice': count_of(span()), 'no members': count_of(BOTH_ABSENT)})
CASES.row('7.9-count', 3, {'bounds': count_of(span(b'b', b'd')), 'count caps': count_of(span(count=3))})
CASES.row('7.9-count', 2, {'names': count_of(names(b'a', b'c', b'z'))})
CASES.row('7.9-count', 0, {'count of none': count_of(span(count=0)), 'no names': count_of(names())})
CASES.row('7.9-count', 3, {
    'super columns': lambda it: (supers(it), it.count('S'))[1],
    'super columns of no members': lambda it: (supers(it), it.count('S', BOTH_ABSENT))[1]})
CASES.row('7.9-count', 2, {
    'subcolumns': lambda it: (supers(it), it.count('S', below=b'b'))[1],
    'named super columns': lambda it: (supers(it), it.count('S', names(b'a', b'b', b'z')))[1]})


@CASES.scenario('7.9-count', 150, 'beyond a page of columns')
def _(it):
    it.batch('B', *(put(b'%03d' % number) for number in range(150)))
    return it.count()


NOT_BACKWARDS = refused('range finish must come after start in the order of traversal')
# 3.0 does not answer at all within the minute that the client waits.
CASES.row('7.9-count-unvalidated', Since({
    '1.2': -1, '2.0': 0, '3.0': Defect(NO_ANSWER, 0), '3.11': Defect(TIMED_OUT, 0)}), {
    'negative count': count_of(span(count=-1))}, waits='slow')
CASES.row('7.9-count-unvalidated', Since({'1.2': NOT_BACKWARDS, '2.0': Defect(TIMED_OUT, 0), '2.1': 0,
                                          '3.0': Defect(CLOSED, 0)}), {
    'backwards': count_of(span(b'd', b'b'))}, waits='slow')
CASES.row('7.9-count-unvalidated', Since({'1.2': refused('Key may not be empty'), '2.0': 0}), {
    'empty key': lambda it: it.count(key=b'')})
CASES.row('7.9-count-unvalidated', Since({'1.2': refused('columnfamily alone is required for standard CF B'),
                                          '2.0': 5}), {
    'super column on standard': count_of(span(), below=b's')})
CASES.row('7.9-count-unvalidated', refused('column name must not be empty'), {
    'names are validated': count_of(names(b''))})
CASES.row('7.9-count-unvalidated', refused('get_slice requires non-negative count'), {
    'multiget_count, negative': lambda it: it.multicount([it.key], predicate=span(count=-1))})
CASES.row('7.9-count-unvalidated', worded('columnfamily alone is required for standard CF B',
                                          'table alone is required for standard CF B'), {
    'multiget_count, super column on standard': lambda it: it.multicount([it.key], below=b's')})


@CASES.scenario('7.9-count-unvalidated', Since({'1.2': 1, '3.0': Defect(NO_ANSWER, 1), '3.11': Defect(TIMED_OUT, 1)}),
                'fewer subcolumns than there are', waits='slow')
def _(it):
    supers(it)
    return it.count('S', span(count=1), b'a')


# --- 7.10 what a column carries ----------------------------------------------------------------------------------

@CASES.scenario('7.10-columns', [(b'a', b'', 7, None), (b'b', b'v', 8, 1000)])
def _(it):
    it.batch('B', put(b'a', b'', 7), put(b'b', b'v', 8, 1000))
    return it.row()


@CASES.scenario('7.10-columns', [(b'a', b'v', 1, 1000)], 'ttl is the original', waits='expiry')
def _(it):
    it.insert('B', b'a', ttl=1000)
    yield
    return it.row()


@CASES.scenario('7.10-columns', ([(b'c', 5)], [(b's', [(b'c', 6)])], (b'c', 5)), 'counters')
def _(it):
    it.batch('C', plus(b'c', 5))
    it.batch('SC', plus_below(b's', b'c', 6))
    from outcomes import plain
    return plain(it.row('C')), plain(it.row('SC')), plain(it.get('C', b'c'))
