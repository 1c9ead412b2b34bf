"""Section 13: get_indexed_slices, and the definition of indexes."""
import time

from case import Cases
from outcomes import CLOSED, DONE, TIMED_OUT, Defect, Since, refused
from schema_of_cases import definition, indexed
from site_under_test import EQ, GT, GTE, LT, LTE, deletion, long, names, put, span

from pycassa.cassandra.ttypes import ColumnDef, IndexType
from pycassa.embedded.partitioners import PARTITIONERS

CASES = Cases()


def people(it):
    """Three rows whose state is the case's own: their keys in the order of the ring."""
    keys = sorted((it.key + b'-%d' % number for number in range(3)), key=PARTITIONERS[it.site.partitioner].token)
    for age, key in enumerate(keys):
        it.batch('I', put(b'state', it.key), put(b'age', long(age - 1)), put(b'name', b'n%d' % age), key=key)
    return keys


def found(*expressions, start=None, **options):
    """The places of the people that are found."""
    def act(it):
        keys = people(it)
        options_ = dict(options, start=keys[start]) if start is not None else options
        answer = it.indexed((b'state', EQ, it.key), *expressions, **options_)
        return [keys.index(each.key) for each in answer]
    return act


CASES.row('13-index-find', [0, 1, 2], {'in the order of tokens': found()})
CASES.row('13-index-find', [], {'no such value': lambda it: it.indexed((b'state', EQ, it.key))})
for what, (expression, expected) in {
    'equal': ((b'age', EQ, long(0)), [1]), 'greater or equal': ((b'age', GTE, long(0)), [1, 2]),
    'greater': ((b'age', GT, long(0)), [2]), 'less or equal': ((b'age', LTE, long(0)), [0, 1]),
    'less': ((b'age', LT, long(0)), [0]), 'without an index': ((b'name', EQ, b'n1'), [1]),
    'without an index, a range': ((b'name', GT, b'n1'), [2]), 'a column that is lacking': ((b'none', EQ, b'x'), []),
    'a column that is lacking, less': ((b'none', LT, b'x'), []),
}.items():
    CASES.row('13-index-filter', expected, {what: found(expression)})
CASES.row('13-index-page', [1, 2], {'start key': found(start=1)})
CASES.row('13-index-page', [1], {'start key and count': found(start=1, count=1)})
CASES.row('13-index-page', [0, 1], {'count': found(count=2)})
CASES.row('13-index-page', [], {'count of none': found(count=0)})
CASES.row('13-index-page', Since({
    '1.2': Defect(CLOSED, refused('the count of an index clause must not be negative')), '3.0': []}), {
    'negative count': found(count=-1)})

# --- what is returned --------------------------------------------------------------------------------------------


def columns(predicate, *more):
    """The names shown of the second of the people, found by its state, and by what more is asked."""
    def act(it):
        keys = people(it)
        found = it.indexed((b'state', EQ, it.key), *more, predicate=predicate)
        return [[column.column.name for column in each.columns] for each in found if each.key == keys[1]]
    return act


ALL_NAMES, TURNED = [[b'age', b'name', b'state']], [[b'state', b'name', b'age']]
# 3.x drops rows with no columns to show; 2.0 fails at reversed slices, 2.1 and 2.2 answer them in ascending order.
for what, (predicate, expected) in {
    'everything': (span(), ALL_NAMES),
    'reversed': (span(backwards=True), Since({'1.2': TURNED, '2.0': Defect(TIMED_OUT, TURNED), '2.1': ALL_NAMES,
                                              '3.0': TURNED})),
    'a slice of nothing': (span(b'x', b'z'), Since({'1.2': [[]], '3.0': []})),
    'a slice without the matched one': (span(b'a', b'n'), [[b'age']]),
    'count of one': (span(count=1), [[b'age']]),
    'count of one reversed': (span(count=1, backwards=True), [[b'state']]),
    'count of none': (span(count=0), [[]]),
    'names without the matched one': (names(b'name'), [[b'name']]),
    'names with the matched one': (names(b'state', b'age'), [[b'age', b'state']]),
    'names that are not there': (names(b'none'), Since({'1.2': [[]], '3.0': []})),
    'no names': (names(), Since({'1.2': [[]], '3.0': []})),
}.items():
    CASES.row('13-index-columns', expected, {what: columns(predicate)}, waits='slow')
# What else is asked is tested by 3.x on what the predicate covers.
NAMED = (b'name', EQ, b'n1')
for what, (predicate, expected) in {
    'everything, filtered': (span(), ALL_NAMES),
    'names without the filtered one': (names(b'age'), Since({'1.2': [[b'age']], '3.0': []})),
    'names with the filtered one': (names(b'name'), [[b'name']]),
    'no names, filtered': (names(), Since({'1.2': [[]], '3.0': []})),
}.items():
    CASES.row('13-index-columns', expected, {what: columns(predicate, NAMED)})

# --- refusals ----------------------------------------------------------------------------------------------------

NONE = refused('No indexed columns present in index clause with operator EQ')
CASES.row('13-index-refused', NONE, {
    'no index': lambda it: it.indexed((b'name', EQ, b'x')), 'not equal': lambda it: it.indexed(
        (b'state', GT, b'x')), 'no index, several': lambda it: it.indexed((b'name', EQ, b'x'), (b'state', LT, b'x'))})
CASES.row('13-index-refused', refused('index clause list may not be empty'), {
    'no expressions': lambda it: it.indexed()})
CASES.row('13-index-refused', refused('[616765]=[61] failed value validation (Expected 8 or 0 byte long (1))'), {
    'bad value': lambda it: it.indexed((b'age', EQ, b'a')),
    'bad value of another': lambda it: it.indexed((b'state', EQ, b'x'), (b'age', GT, b'a'))})
CASES.row('13-index-refused', refused("[ff]=[61] failed name validation (String didn't validate.)"), {
    'bad name': lambda it: it.indexed((b'\xff', EQ, b'a'))})
CASES.row('13-index-refused', refused('Index expression values may not be larger than 64K'), {
    'large value': lambda it: it.indexed((b'state', EQ, b'x' * 65536))})
NO_SUPER = refused('super columns are not supported for indexing')
CASES.row('13-index-refused', Since({
    '1.2': Defect(NONE, NO_SUPER), '2.1': Defect(CLOSED, NO_SUPER), '3.0': Defect(
        refused('[63]=[76] failed value validation (Not enough bytes to read a map)'), NO_SUPER)}), {
    'super family': lambda it: it.indexed((b'c', EQ, b'v'), family='S')})

# --- the index follows the rows ----------------------------------------------------------------------------------


def hits(it, value):
    return len(it.indexed((b'state', EQ, value)))


@CASES.scenario('13-index-follows', [1, 0, 1, 0, 1, 0, 1])
def _(it):
    old, new = it.key + b'old', it.key + b'new'
    it.insert('I', b'state', old, 1)
    seen = [hits(it, old)]
    it.insert('I', b'state', new, 2)
    seen += [hits(it, old), hits(it, new)]
    it.remove('I', b'state', timestamp=3)
    seen.append(hits(it, new))
    it.insert('I', b'state', new, 4)
    seen.append(hits(it, new))
    it.batch('I', deletion(5))
    seen.append(hits(it, new))
    it.insert('I', b'state', new, 6)
    return [*seen, hits(it, new)]


@CASES.scenario('13-index-follows', (1, 0), 'an older write')
def _(it):
    old, new = it.key + b'old', it.key + b'new'
    it.insert('I', b'state', new, 5)
    it.insert('I', b'state', old, 4)
    return hits(it, new), hits(it, old)


@CASES.scenario('13-index-follows', 1, 'expiry', waits='expiry')
def _(it):
    it.insert('I', b'state', it.key, ttl=1)
    it.insert('I', b'state', it.key, ttl=1000, key=it.key + b'-stays')
    yield
    return hits(it, it.key)


@CASES.scenario('13-index-follows', 0, 'one number in two spellings')
def _(it):
    number = it.number.to_bytes(4, 'big')
    it.insert('Integers', b'n', b'\x00' + number)
    return len(it.indexed((b'n', EQ, number), family='Integers'))


# --- definition --------------------------------------------------------------------------------------------------

def with_columns(*columns, **fields):
    return lambda it: it.creates(column_metadata=list(columns), **fields)


@CASES.scenario('13-index-definition', True, 'default name')
def _(it):
    family = it.create(column_metadata=[indexed(b'state', 'UTF8Type')], comparator_type='UTF8Type')
    found = it.described(family).column_metadata[0]
    it.client.system_drop_column_family(family)
    return (found.index_name, found.index_type) == (f'{family}_state_idx', IndexType.KEYS)


CASES.row('13-index-definition', refused('Duplicate index name U_ix'), {
    'name of another family': with_columns(indexed(b'a', index_name='U_ix')),
    })
CASES.row('13-index-definition', refused('Duplicate index name twice'), {
    'name twice': with_columns(indexed(b'a', index_name='twice'), indexed(b'b', index_name='twice'))})
CASES.row('13-index-definition', refused('Illegal index name a-b'), {
    'illegal name': with_columns(indexed(b'a', index_name='a-b'))})
CASES.row('13-index-definition', refused('Secondary indexes are not supported on super column families'), {
    'super family': with_columns(indexed(b'a'), column_type='Super')})
CASES.row('13-index-definition', Since({'1.2': refused('Index name cannot be set without index type'), '3.0': DONE}), {
    'name without type': with_columns(ColumnDef(b'a', 'BytesType', None, 'named'))})


@CASES.scenario('13-index-definition', Since({'1.2': 2, '3.0': Defect(0, 2)}), 'added later, existing rows appear',
                waits='slow')
def _(it):
    """In 3.x it stays empty, though the family has a defined column from the beginning."""
    family = it.create(column_metadata=[ColumnDef(b'other', 'BytesType')])
    for key in (b'one', b'two'):
        it.insert(family, b'state', b'TX', key=key)
    changed = definition(family, column_metadata=[ColumnDef(b'other', 'BytesType'), indexed(b'state')])
    it.client.system_update_column_family(changed)
    for _ in range(100):
        found = it.seen(lambda: it.indexed((b'state', EQ, b'TX'), family=family))
        if found != TIMED_OUT and len(found) == 2:      # while it is built, 2.2 and later fail
            break
        time.sleep(0.1)
    return len(found)


@CASES.scenario('13-index-definition', NONE, 'taken away')
def _(it):
    family = it.create(column_metadata=[indexed(b'state')])
    it.client.system_update_column_family(definition(family))
    return it.indexed((b'state', EQ, b'TX'), family=family)


