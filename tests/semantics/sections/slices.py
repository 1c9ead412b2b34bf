"""Section 13: get_multi_slice and get_paged_slice."""
from case import Cases
from outcomes import CLOSED, Defect, Since, plain, refused, unknown_method
from site_under_test import EQ, col, deletion, names, put, put_below

from pycassa.embedded.partitioners import PARTITIONERS

CASES = Cases()

# --- several slices ----------------------------------------------------------------------------------------------

LETTERS = [bytes([letter]) for letter in b'abcdefgh']
NO_CALL = unknown_method('get_multi_slice')


def since_2_1(expected, of_3x=None):
    """The outcome of a release that has the call; what 3.x answers in its place, which the embedded server does not."""
    later = {} if of_3x is None else {'3.0': Defect(of_3x, expected)}
    return Since({'1.2': NO_CALL, '2.1': expected, **later})


def sliced(*slices, **options):
    def act(it):
        it.batch('B', *map(put, LETTERS))
        return b''.join(each.column.name for each in it.multi_slice(*slices, **options))
    return act


for what, (call, expected) in {
    'one': (sliced((b'b', b'd')), b'bcd'), 'two': (sliced((b'a', b'b'), (b'e', b'f')), b'abef'),
    'in the order of the comparator': (sliced((b'e', b'f'), (b'a', b'b')), b'abef'),
    'each column once': (sliced((b'a', b'd'), (b'c', b'f')), b'abcdef'),
    'the same twice': (sliced((b'a', b'b'), (b'a', b'b')), b'ab'),
    'one within the other': (sliced((b'a', b'h'), (b'c', b'd')), b'abcdefgh'),
    'open finish': (sliced((b'f', None)), b'fgh'), 'open start': (sliced((None, b'c')), b'abc'),
    'open': (sliced((None, None)), b'abcdefgh'), 'empty is open': (sliced((b'', b'b'), (b'g', b'')), b'abgh'),
    'bounds that are not there': (sliced((b'aa', b'cc')), b'bc'),
    'count over all': (sliced((b'a', b'b'), (b'e', b'h'), count=3), b'abe'),
    'nothing': (sliced((b'x', b'z')), b''),
}.items():
    CASES.row('13-multi-slice', since_2_1(expected), {what: call})
for what, (call, expected) in {
    'one': (sliced((b'd', b'b'), backwards=True), b'dcb'),
    'two': (sliced((b'f', b'e'), (b'b', b'a'), backwards=True), b'feba'),
    'count over all': (sliced((b'f', b'e'), (b'b', b'a'), backwards=True, count=3), b'feb'),
    'open': (sliced((None, None), backwards=True), b'hgfedcba'),
}.items():
    NOT_OPEN = refused('Reversed column slice at index 0 had start less than finish')
    CASES.row('13-multi-slice-reversed', since_2_1(expected, NOT_OPEN if what == 'open' else CLOSED), {what: call})
CASES.row('13-multi-slice', since_2_1(refused('Column slice at index 0 had start greater than finish')), {
    'backwards': sliced((b'd', b'b'))})
CASES.row('13-multi-slice', since_2_1(refused('Column slice at index 1 had start greater than finish')), {
    'second backwards': sliced((b'a', b'b'), (b'd', b'b'))})
CASES.row('13-multi-slice-reversed', since_2_1(refused(
    'Reversed column slice at index 0 had start less than finish')), {
    'backwards': sliced((b'b', b'd'), backwards=True)})
CASES.row('13-multi-slice', since_2_1(refused('get_multi_slice does not support super columns')), {
    'super family': lambda it: it.multi_slice((b'a', b'b'), family='S')})


@CASES.scenario('13-multi-slice', since_2_1([b'a', b'c']), 'tombstones do not count')
def _(it):
    it.batch('B', *map(put, LETTERS))
    it.batch('B', deletion(2, predicate=names(b'b')))
    return [each.column.name for each in it.multi_slice((b'a', b'd'), count=2)]


# --- pages of columns --------------------------------------------------------------------------------------------

KEYS = [b'page%d' % number for number in range(4)]


def fill(it):
    for key in KEYS:
        it.batch('Pages', *map(put, (b'a', b'b', b'c')), key=key)
        it.batch('SPages', put_below(b's', col(b'a'), col(b'b')), key=key)


def paged(start=None, end=None, **options):
    """[(place of the row, its columns)] of a page."""
    def act(it):
        it.once('Pages', fill)
        ordered = sorted(KEYS, key=PARTITIONERS[it.site.partitioner].token)
        found = it.paged('Pages', b'' if start is None else ordered[start], b'' if end is None else ordered[end],
                         **options)
        return [(ordered.index(each.key), b''.join(column.column.name for column in each.columns)) for each in found]
    return act


def shown(start, end, column='a', last='c'):
    """Whole rows from `start` to `end`, the first from `column` on, the last to `last`."""
    out = []
    for place in range(start, end + 1):
        first, final = column if place == start else 'a', last if place == end else 'c'
        out.append((place, bytes(range(ord(first), ord(final) + 1))))
    return out


def whole_rows_of_3x(expected, modern):
    """3.x counts wrongly, and returns whole rows; the embedded server counts columns."""
    return Since({'1.2': expected, '3.0': Defect(modern, expected)})


CASES.row('13-paged', shown(0, 3), {'everything': paged()})
CASES.row('13-paged', shown(1, 2), {'range': paged(1, 2)})
CASES.row('13-paged', shown(1, 3, 'b'), {'start column': paged(1, column=b'b')})
CASES.row('13-paged', whole_rows_of_3x(shown(0, 1, last='b'), shown(0, 3)), {'count ends in a row': paged(count=5)})
CASES.row('13-paged', whole_rows_of_3x(shown(1, 2, 'c', 'a'), shown(1, 2, 'c')), {
    'count and start column': paged(1, column=b'c', count=2)})
CASES.row('13-paged', whole_rows_of_3x(shown(0, 0, last='a'), shown(0, 0)), {'count of one': paged(count=1)})
CASES.row('13-paged', Since({'1.2': shown(0, 3, 'b'), '2.0': shown(0, 3)}), {
    'start column without a start key': paged(column=b'b')})


def from_token(it):
    it.once('Pages', fill)
    found = it.paged('Pages', start_token='0', end_token='0', column=b'b')
    return len(found[0].columns), [len(each.columns) for each in found[1:]]


CASES.row('13-paged', Since({'1.2': (2, [3, 3, 3]), '2.0': (3, [3, 3, 3]), '3.0': Defect(CLOSED, (3, [3, 3, 3]))}), {
    'start column and start token': from_token})
CASES.row('13-paged', Since({
    '1.2': [], '2.0': refused('Cross-row paging is not supported along with index clauses')}), {
    'row filter': lambda it: it.paged('I', b'', b'', row_filter=[(b'state', EQ, it.key)])})


@CASES.scenario('13-paged', [[]], 'ghosts')
def _(it):
    it.remove('B')
    return [plain(each.columns) for each in it.paged('B', it.key, it.key)]


