"""Section 12: counters."""
from case import Cases
from outcomes import DONE, TIMED_OUT, Defect, Since, refused, unknown_method, worded
from schema_of_cases import COUNTERS
from site_under_test import EQ, col, deletion, long, names, plus, plus_below, span

from pycassa.cassandra.ttypes import ColumnDef

CASES = Cases()
GREATEST, LEAST = 2**63 - 1, -2**63


def added(*deltas):
    """A counter after these additions, one call each."""
    return lambda it: ([it.add('C', b'c', delta) for delta in deltas], it.pairs('C'))[1]


for deltas, total in (((5,), 5), ((5, -7), -2), ((0,), 0), ((GREATEST,), GREATEST), ((LEAST,), LEAST),
                      ((GREATEST, 1), LEAST), ((LEAST, -1), GREATEST)):
    CASES.row('12.1-add', [(b'c', total)], {' '.join(map(str, deltas)): added(*deltas)})
CASES.row('12.1-add', [(b'c', 6)], {
    'one batch': lambda it: (it.batch('C', plus(b'c', 1), plus(b'c', 2), plus(b'c', 3)), it.pairs('C'))[1]})
CASES.row('12.1-add', [(b'a', 1), (b'b', 2)], {
    'several': lambda it: (it.batch('C', plus(b'b', 2), plus(b'a', 1)), it.pairs('C'))[1]})
CASES.row('12.1-add', [(b's', [(b'c', 3)])], {
    'super columns': lambda it: (it.add('SC', b'c', 1, b's'), it.batch('SC', plus_below(b's', b'c', 2)),
                                 it.pairs('SC'))[2]})


def after(*steps, family='C'):
    def act(it):
        it.batch('C', plus(b'a', 1), plus(b'b', 2), plus(b'c', 3))
        it.batch('SC', plus_below(b's', b'a', 1), plus_below(b's', b'b', 2), plus_below(b't', b'a', 3))
        for step in steps:
            it.pass_millisecond()
            step(it)
        return it.pairs(family)
    return act


CASES.row('12.2-remove', [(b'a', 1), (b'c', 3)], {
    'counter': after(lambda it: it.remove_counter('C', b'b')),
    'deletion of names': after(lambda it: it.batch('C', deletion(None, predicate=names(b'b')))),
    'a given timestamp is replaced': after(lambda it: it.batch('C', deletion(1, predicate=names(b'b'))))})
CASES.row('12.2-remove', [], {
    'row': after(lambda it: it.remove_counter('C')), 'deletion': after(lambda it: it.batch('C', deletion(None))),
    'row of super columns': after(lambda it: it.remove_counter('SC'), family='SC')})
CASES.row('12.2-remove', [(b's', [(b'b', 2)]), (b't', [(b'a', 3)])], {
    'subcolumn': after(lambda it: it.remove_counter('SC', b'a', b's'), family='SC'),
    'deletion of names below': after(
        lambda it: it.batch('SC', deletion(None, b's', names(b'a'))), family='SC')})
CASES.row('12.2-remove', [(b't', [(b'a', 3)])], {
    'super column': after(lambda it: it.remove_counter('SC', below=b's'), family='SC'),
    'deletion of a super column': after(lambda it: it.batch('SC', deletion(None, b's')), family='SC')})
CASES.row('12.2-remove', Since({'1.2': refused('Deletion does not yet support SliceRange predicates.'),
                                '2.0': [(b'c', 3)]}), {
    'closed range': after(lambda it: it.batch('C', deletion(None, predicate=span(b'a', b'b'))))})


def comes_back(remove, add, look, chancy):
    """Whether what was removed is there after more additions: on `chancy` releases that is left to chance."""
    def act(it):
        add(it)
        it.pass_millisecond()
        remove(it)
        removed = look(it)
        add(it)
        add(it)
        later = look(it)
        return (removed, 'by chance' if it.site.server.kind == 'real' and it.profile in chancy else later)
    return act


def racy(it):
    return it.pairs('C')


for what, (remove, add, look) in {
    'counter': (lambda it: it.remove_counter('C', b'c'), lambda it: it.add('C'), racy),
    'row': (lambda it: it.remove_counter('C'), lambda it: it.add('C'), racy),
    'subcolumn': (lambda it: it.remove_counter('SC', b'c', b's'), lambda it: it.add('SC', below=b's'),
                  lambda it: it.pairs('SC')),
    'super column': (lambda it: it.remove_counter('SC', below=b's'), lambda it: it.add('SC', below=b's'),
                     lambda it: it.pairs('SC')),
    'deletion': (lambda it: it.batch('C', deletion(None, predicate=names(b'c'))), lambda it: it.add('C'), racy),
}.items():
    # 3.x may bring back what was removed with its row or its super column, the old total included.
    by_chance, gone = Defect(([], 'by chance'), ([], [])), ([], [])
    whole = what in ('row', 'super column')
    CASES.row('12.3-stays-removed', Since({'1.2': by_chance, '2.1': gone, '3.0': by_chance if whole else gone}), {
        what: comes_back(remove, add, look, ('1.2', '2.0', '3.0', '3.11') if whole else ('1.2', '2.0'))})

# --- 12.5 families -----------------------------------------------------------------------------------------------

NO_COUNTER = refused('Cannot add a non counter column (6e) in a counter column family')
CASES.row('12.5-families', Since({'1.2': NO_COUNTER, '3.0': refused(
    'Cannot add a non counter column (ColumnDefinition{name=6e, type=org.apache.cassandra.db.marshal.LongType, '
    'kind=STATIC, position=-1}) in a counter column family'), '3.11': NO_COUNTER}), {
    'other validator': lambda it: it.creates(default_validation_class=COUNTERS,
                                             column_metadata=[ColumnDef(b'n', 'LongType')])})
CASES.row('12.5-families', refused('Cannot add a counter column (6e) in a non counter column family'), {
    'counter validator': lambda it: it.creates(column_metadata=[ColumnDef(b'n', COUNTERS)])})
CASES.row('12.5-families', DONE, {
    'counter validators': lambda it: it.creates(default_validation_class=COUNTERS,
                                                column_metadata=[ColumnDef(b'n', COUNTERS)])})


@CASES.scenario('12.5-truncate', Since({'1.2': [], '3.0': refused('invalid operation for commutative table GoneC')}))
def _(it):
    it.add('GoneC')
    it.client.truncate('GoneC')
    return it.pairs('GoneC')


MISMATCH = worded('invalid operation for commutative columnfamily C', 'invalid operation for commutative table C')
CASES.row('12.6-refused', MISMATCH, {'get_indexed_slices': lambda it: it.indexed((b'c', EQ, long(1)), family='C')})
CASES.row('12.6-refused', Since({**MISMATCH, '1.2': unknown_method('cas'), '2.0': MISMATCH['1.2']}), {
    'cas': lambda it: it.cas([], [col(b'c', long(1))], 'C')})
CASES.row('12.6-refused', Since({
    '1.2': Defect([], MISMATCH['1.2']), '2.2': Defect([], MISMATCH['2.2']),
    '3.0': Defect(TIMED_OUT, MISMATCH['2.2'])}), {
    'a row filter': lambda it: it.range(
    'C', b'', b'', row_filter=[(b'c', EQ, long(1))])})

