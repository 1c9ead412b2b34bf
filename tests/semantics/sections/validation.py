"""Section 3: what is refused, in which words, and what is legal and silent."""
import time

from case import Cases
from outcomes import (
    CLOSED,
    DONE,
    MALFORMED,
    UNAVAILABLE,
    Defect,
    Since,
    beginning,
    refused,
    unknown_method,
    worded,
)
from schema_of_cases import KEYSPACE
from site_under_test import EQ, col, deletion, long, names, plus, plus_below, put, put_below, span

from pycassa.cassandra.ttypes import ColumnOrSuperColumn, ConsistencyLevel, CounterColumn, Mutation

CASES = Cases()
ANY, SERIAL = ConsistencyLevel.ANY, ConsistencyLevel.SERIAL
LONGEST, TOO_LONG = b'x' * 65535, b'x' * 65536


def family_calls(family):
    """Every call on data, on one family."""
    return {
        'get': lambda it: it.get(family, b'c'), 'get_slice': lambda it: it.row(family),
        'get_count': lambda it: it.count(family), 'multiget_slice': lambda it: it.multiget([b'k'], family),
        'multiget_count': lambda it: it.multicount([b'k'], family),
        'get_range_slices': lambda it: it.range(family, b'', b''),
        'get_paged_slice': lambda it: it.paged(family, b'', b''),
        'get_indexed_slices': lambda it: it.indexed((b'c', EQ, b'v'), family=family),
        'insert': lambda it: it.insert(family, b'c'), 'add': lambda it: it.add(family, b'c'),
        'remove': lambda it: it.remove(family, b'c'), 'remove_counter': lambda it: it.remove_counter(family, b'c'),
        'batch_mutate': lambda it: it.batch(family, put(b'c')),
        'batch_mutate-nothing': lambda it: it.batch(family),
        'atomic_batch_mutate': lambda it: it.batch(family, put(b'c'), atomic=True),
        'truncate': lambda it: it.client.truncate(family),
    }


CASES.row('3-unknown-family', worded('unconfigured columnfamily nope', 'unconfigured table nope'),
          family_calls('nope'))
CASES.row('3-unknown-family', worded('unconfigured columnfamily b', 'unconfigured table b'),
          {'case counts': lambda it: it.row('b')})
CASES.row('3-unknown-family', Since({'1.2': unknown_method('cas'), '2.0': refused('unconfigured columnfamily nope'),
                                     '2.2': refused('unconfigured table nope')}),
          {'cas': lambda it: it.cas([], [col(b'c')], 'nope')})
CASES.row('3-unknown-family', Since({'1.2': unknown_method('get_multi_slice'),
                                     '2.1': refused('unconfigured columnfamily nope'),
                                     '2.2': refused('unconfigured table nope')}),
          {'get_multi_slice': lambda it: it.multi_slice((b'a', b'b'), family='nope')})
CASES.row('3-empty-family-name', worded('non-empty columnfamily is required', 'non-empty table is required'),
          family_calls(''))

# --- keys --------------------------------------------------------------------------------------------------------


def key_calls(key, family='B', counters='C', name=b'c'):
    """The calls that look at a row key."""
    return {
        'get': lambda it: it.get(family, name, key=key), 'get_slice': lambda it: it.row(family, key=key),
        'get_count-names': lambda it: it.count(family, names(name), key=key),
        'multiget_slice': lambda it: it.multiget([b'k' * 8, key], family),
        'multiget_count': lambda it: it.multicount([key], family),
        'insert': lambda it: it.insert(family, name, key=key), 'remove': lambda it: it.remove(family, name, key=key),
        'batch_mutate': lambda it: it.batch(family, put(name), key=key),
        'batch_mutate-nothing': lambda it: it.batch(family, key=key),
        **({'add': lambda it: it.add(counters, b'c', key=key),
            'remove_counter': lambda it: it.remove_counter(counters, b'c', key=key)} if counters else {}),
    }


CASES.row('3-empty-key', refused('Key may not be empty'), key_calls(b''))
CASES.row('3-long-key', refused('Key length of 65536 is longer than maximum of 65535'), key_calls(TOO_LONG))
CASES.row('3-key-type', refused('Expected 8 or 0 byte long (3)'), key_calls(b'abc', 'U', None))


@CASES.scenario('3-long-key', [b'c'], 'longest')
def _(it):
    it.insert('B', b'c', key=LONGEST)
    return it.shown(key=LONGEST)


# --- names -------------------------------------------------------------------------------------------------------

CASES.row('3-empty-name', refused('column name must not be empty'), {
    'get': lambda it: it.get('B', b''), 'get_slice': lambda it: it.row(predicate=names(b'a', b'')),
    'get_count': lambda it: it.count(predicate=names(b'')),
    'multiget_slice': lambda it: it.multiget([b'k'], predicate=names(b'')),
    'get_range_slices': lambda it: it.range('B', b'', b'', predicate=names(b'')),
    'insert': lambda it: it.insert('B', b''), 'add': lambda it: it.add('C', b''),
    'remove': lambda it: it.remove('B', b''), 'remove_counter': lambda it: it.remove_counter('C', b''),
    'batch_mutate': lambda it: it.batch('B', put(b'')), 'batch_mutate-counter': lambda it: it.batch('C', plus(b'')),
    'deletion': lambda it: it.batch('B', deletion(1, predicate=names(b''))),
    'subcolumn': lambda it: it.insert('S', b'', below=b's'),
    'batch_mutate-subcolumn': lambda it: it.batch('S', put_below(b's', col(b''))),
    'super in parent of get_slice': lambda it: it.row('S', below=b''),
    'super in parent of insert': lambda it: it.insert('S', long(1), below=b''),
    'super in parent of add': lambda it: it.add('SC', b'c', below=b''),
    'super in path of get': lambda it: it.get('S', below=b''),
    'super in path of remove': lambda it: it.remove('S', below=b''),
    'super in deletion': lambda it: it.batch('S', deletion(1, b'')),
})
CASES.row('3-empty-super-name-in-path', refused('supercolumn name must not be empty'), {
    'get': lambda it: it.get('S', long(1), b''), 'remove': lambda it: it.remove('S', long(1), b''),
    'batch_mutate': lambda it: it.batch('S', put_below(b'', col(long(1)))),
    'batch_mutate-counters': lambda it: it.batch('SC', plus_below(b'', b'c')),
})
CASES.row('3-long-name', refused('column name length must not be greater than 65535'), {
    'get': lambda it: it.get('B', TOO_LONG), 'get_slice': lambda it: it.row(predicate=names(TOO_LONG)),
    'insert': lambda it: it.insert('B', TOO_LONG), 'add': lambda it: it.add('C', TOO_LONG),
    'remove': lambda it: it.remove('B', TOO_LONG), 'batch_mutate': lambda it: it.batch('B', put(TOO_LONG)),
    'super in parent': lambda it: it.row('S', below=TOO_LONG),
})
CASES.row('3-long-name', refused('supercolumn name length must not be greater than 65535'), {
    'super in path': lambda it: it.get('S', long(1), TOO_LONG),
    'super in batch': lambda it: it.batch('S', put_below(TOO_LONG, col(long(1)))),
})


@CASES.scenario('3-long-name', ([LONGEST], [LONGEST]), 'longest')
def _(it):
    it.insert('B', LONGEST)
    return it.shown(), it.shown(predicate=names(LONGEST))


CASES.row('3-long-bound', refused('range start length cannot be larger than 65535'), {
    'start': lambda it: it.row(predicate=span(TOO_LONG)),
    'start of a range': lambda it: it.range('B', b'', b'', predicate=span(TOO_LONG))})
CASES.row('3-long-bound', refused('range finish length cannot be larger than 65535'), {
    'finish': lambda it: it.row(predicate=span(b'', TOO_LONG))})

CASES.row('3-name-type', refused("String didn't validate."), {
    'get': lambda it: it.get('U', b'\xff', key=it.long_key),
    'get_slice': lambda it: it.row('U', names(b'\xff'), key=it.long_key),
    'start': lambda it: it.row('U', span(b'\xff'), key=it.long_key),
    'finish': lambda it: it.row('U', span(b'', b'\xff'), key=it.long_key),
    'insert': lambda it: it.insert('U', b'\xff', key=it.long_key),
    'remove': lambda it: it.remove('U', b'\xff', key=it.long_key),
    'batch_mutate': lambda it: it.batch('U', put(b'\xff'), key=it.long_key),
    'deletion': lambda it: it.batch('U', deletion(1, predicate=names(b'\xff')), key=it.long_key),
    'super in parent': lambda it: it.row('S', below=b'\xff'),
    'super in path': lambda it: it.get('S', long(1), b'\xff'),
    'super in deletion': lambda it: it.batch('S', deletion(1, b'\xff')),
})
CASES.row('3-name-type', refused('Expected 8 or 0 byte long (1)'), {
    'subcolumn of get': lambda it: it.get('S', b'x', b's'),
    'subcolumn of insert': lambda it: it.insert('S', b'x', below=b's'),
    'subcolumn of names': lambda it: it.row('S', names(b'x'), b's'),
    'subcolumn of batch': lambda it: it.batch('S', put_below(b's', col(b'x'))),
    'subcolumn of bound': lambda it: it.row('S', span(b'x'), b's')})

# --- values ------------------------------------------------------------------------------------------------------


def unfit(text, family, name):
    return refused(f'({text}) [{KEYSPACE}][{family}][{name}] failed validation')


CASES.row('3-value-type', unfit("String didn't validate.", 'U', 'a'), {
    'insert': lambda it: it.insert('U', b'a', b'\xff', key=it.long_key),
    'batch_mutate': lambda it: it.batch('U', put(b'a', b'\xff'), key=it.long_key)})
CASES.row('3-value-type', unfit('Expected 8 or 0 byte long (3)', 'U', 'num'), {
    'of the column': lambda it: it.insert('U', b'num', b'abc', key=it.long_key)})
CASES.row('3-value-type', unfit('Expected 8 or 0 byte long (3)', 'T', '6e756d'), {
    'of a subcolumn': lambda it: it.insert('T', b'num', b'abc', below=b's'),
    'of a subcolumn in a batch': lambda it: it.batch('T', put_below(b's', col(b'num', b'abc')))})
CASES.row('3-no-value', refused('Column value is required'), {
    'insert': lambda it: it.insert('B', b'a', None), 'batch_mutate': lambda it: it.batch('B', put(b'a', None)),
    'subcolumn': lambda it: it.batch('S', put_below(b's', col(long(1), None)))})
CASES.row('3-no-timestamp', refused('Column timestamp is required'), {
    'insert': lambda it: it.insert('B', b'a', b'v', None),
    'batch_mutate': lambda it: it.batch('B', put(b'a', b'v', None)),
    'subcolumn': lambda it: it.batch('S', put_below(b's', col(long(1), b'v', None)))})
CASES.row('3-no-timestamp', Since({'1.2': unknown_method('cas'), '2.0': refused('Column timestamp is required')}), {
    'cas': lambda it: it.cas([], [col(b'a', b'v', None)])})

# --- time to live ------------------------------------------------------------------------------------------------

NOT_POSITIVE = refused('ttl must be positive')
CASES.row('3-ttl-not-positive', Since({'1.2': NOT_POSITIVE, '3.11': refused('ttl must be greater or equal to 0')}), {
    'insert': lambda it: it.insert('B', b'a', ttl=-1), 'batch_mutate': lambda it: it.batch('B', put(b'a', ttl=-1)),
    'subcolumn': lambda it: it.batch('S', put_below(b's', col(long(1), ttl=-1)))})


@CASES.scenario('3-ttl-not-positive', Since({'1.2': NOT_POSITIVE, '3.11': [(b'a', b'v', 1, None)]}), 'zero')
def _(it):
    it.insert('B', b'a', ttl=0)
    return it.row()


CASES.row('3-ttl-too-large', refused('ttl is too large. requested (630720001) maximum (630720000)'), {
    'insert': lambda it: it.insert('B', b'a', ttl=630720001),
    'batch_mutate': lambda it: it.batch('B', put(b'a', ttl=630720001))})


def beyond():
    """A TTL that ends a day after the last second that 32 bits can tell."""
    return 2**31 - int(time.time()) + 86400


# With assertions on, as servers are started unless told otherwise, 1.2 and 2.0 fail at it and hang up.
LOST_OR_REFUSED = Since({'1.2': Defect(real=CLOSED, embedded=[]),
                         '2.1': beginning(f'Request on table {KEYSPACE}.B with ttl of ')})


@CASES.scenario('3-ttl-beyond-2038', LOST_OR_REFUSED)
def _(it):
    it.insert('B', b'a', ttl=beyond())
    return it.row()


@CASES.scenario('3-ttl-beyond-2038', LOST_OR_REFUSED, 'batch')
def _(it):
    it.batch('B', put(b'a', ttl=beyond()))
    return it.row()


@CASES.scenario('3-ttl-beyond-2038', True, 'a day before')
def _(it):
    ttl = beyond() - 2 * 86400
    it.insert('B', b'a', ttl=ttl)
    return it.row()[0].column.ttl == ttl


# --- kinds of families -------------------------------------------------------------------------------------------

CASES.row('3-parent-super-on-standard', worded('columnfamily alone is required for standard CF B',
                                               'table alone is required for standard CF B'), {
    'get_slice': lambda it: it.row('B', below=b's'), 'multiget_slice': lambda it: it.multiget([b'k'], 'B', below=b's'),
    'multiget_count': lambda it: it.multicount([b'k'], 'B', below=b's'),
    'get_range_slices': lambda it: it.range('B', b'', b'', below=b's'),
    'insert': lambda it: it.insert('B', b'a', below=b's')})
CASES.row('3-parent-super-on-standard', worded('columnfamily alone is required for standard CF C',
                                               'table alone is required for standard CF C'), {
    'add': lambda it: it.add('C', b'a', below=b's')})
CASES.row('3-missing-super-name', refused('missing mandatory super column name for super CF S'), {
    'insert': lambda it: it.insert('S', long(1))})
CASES.row('3-missing-super-name', refused('missing mandatory super column name for super CF SC'), {
    'add': lambda it: it.add('SC', b'c')})
CASES.row('3-get-super-on-standard', refused('supercolumn parameter is invalid for standard CF B'), {
    'get': lambda it: it.get('B', b'c', b's'), 'get-no column': lambda it: it.get('B', None, b's'),
    'batch_mutate': lambda it: it.batch('B', put_below(b's', col(b'a')))})
CASES.row('3-get-no-column', refused('column parameter is not optional for standard CF B'), {
    'get': lambda it: it.get('B')})
CASES.row('3-path-needs-super', refused('supercolumn parameter is not optional for super CF S'), {
    'get': lambda it: it.get('S'), 'get-column': lambda it: it.get('S', long(1)),
    'batch_mutate': lambda it: it.batch('S', put(long(1)))})
CASES.row('3-path-needs-super', refused('supercolumn parameter is not optional for super CF SC'), {
    'batch_mutate-counter': lambda it: it.batch('SC', plus(b'c'))})
CASES.row('3-remove-super-on-standard', refused('supercolumn may not be specified for standard CF B'), {
    'remove': lambda it: it.remove('B', b'c', b's'), 'remove-no column': lambda it: it.remove('B', None, b's')})
CASES.row('3-remove-super-on-standard', refused('supercolumn may not be specified for standard CF C'), {
    'remove_counter': lambda it: it.remove_counter('C', b'c', b's')})
CASES.row('3-remove-column-without-super', refused(
    'A column cannot be specified without specifying a super column for removal on super CF S'), {
    'remove': lambda it: it.remove('S', long(1))})
CASES.row('3-remove-column-without-super', refused(
    'A column cannot be specified without specifying a super column for removal on super CF SC'), {
    'remove_counter': lambda it: it.remove_counter('SC', b'c')})

NOT_ON_STANDARD = 'Deletion of super columns is not possible on a standard '
CASES.row('3-deletion-super-on-standard', Since({
    '1.2': beginning(NOT_ON_STANDARD + f'ColumnFamily (KeySpace={KEYSPACE} ColumnFamily=B Deletion=Deletion('),
    '2.0': refused(NOT_ON_STANDARD + f'ColumnFamily (KeySpace={KEYSPACE} ColumnFamily=B '
                   'Deletion=Deletion(timestamp:1, super_column:73))'),
    '2.2': refused(NOT_ON_STANDARD + f'table (KeySpace={KEYSPACE} Table=B '
                   'Deletion=Deletion(timestamp:1, super_column:73))')}), {
    'batch_mutate': lambda it: it.batch('B', deletion(1, b's'))})

CASES.row('3-column-into-counters', worded('invalid operation for commutative columnfamily C',
                                           'invalid operation for commutative table C'), {
    'insert': lambda it: it.insert('C', b'c'), 'batch_mutate': lambda it: it.batch('C', put(b'c')),
    'remove': lambda it: it.remove('C', b'c'),
    'get_indexed_slices': lambda it: it.indexed((b'c', EQ, b'v'), family='C')})
CASES.row('3-column-into-counters', worded('invalid operation for commutative columnfamily SC',
                                           'invalid operation for commutative table SC'), {
    'super insert': lambda it: it.insert('SC', b'c', below=b's'),
    'super batch': lambda it: it.batch('SC', put_below(b's', col(b'c')))})
CASES.row('3-column-into-counters', Since({
    '1.2': unknown_method('cas'), '2.0': refused('invalid operation for commutative columnfamily C'),
    '2.2': refused('invalid operation for commutative table C')}), {'cas': lambda it: it.cas([], [col(b'c')], 'C')})
CASES.row('3-counter-on-normal', worded('invalid operation for non commutative columnfamily B',
                                        'invalid operation for non commutative table B'), {
    'add': lambda it: it.add('B', b'c'), 'remove_counter': lambda it: it.remove_counter('B', b'c'),
    'batch_mutate': lambda it: it.batch('B', plus(b'c'))})
CASES.row('3-counter-on-normal', worded('invalid operation for non commutative columnfamily S',
                                        'invalid operation for non commutative table S'), {
    'super batch': lambda it: it.batch('S', plus_below(b's', long(1)))})

# --- predicates --------------------------------------------------------------------------------------------------


def predicate_calls(predicate):
    return {
        'get_slice': lambda it: it.row(predicate=predicate),
        'multiget_slice': lambda it: it.multiget([b'k'], predicate=predicate),
        'multiget_count': lambda it: it.multicount([b'k'], predicate=predicate),
        'get_range_slices': lambda it: it.range('B', b'', b'', predicate=predicate),
        'get_indexed_slices': lambda it: it.indexed((b'state', EQ, b'v'), predicate=predicate)}


BOTH = span(b'a', b'c')
BOTH.column_names = [b'b']
NEITHER = names()
NEITHER.column_names = None
CASES.row('3-negative-count', refused('get_slice requires non-negative count'), predicate_calls(span(count=-1)))
CASES.row('3-negative-count', [], {'zero': lambda it: it.row(predicate=span(count=0))})
BACKWARDS = refused('range finish must come after start in the order of traversal')
CASES.row('3-slice-backwards', BACKWARDS, predicate_calls(span(b'b', b'a')))
CASES.row('3-slice-backwards', BACKWARDS, {
    'reversed': lambda it: it.row(predicate=span(b'a', b'b', True)),
    'subcolumns': lambda it: it.row('S', span(long(1), long(-1)), b's')})
CASES.row('3-predicate-neither', refused('predicate column_names and slice_range may not both be null'),
          predicate_calls(NEITHER))
CASES.row('3-predicate-both', refused('predicate column_names and slice_range may not both be present'),
          predicate_calls(BOTH))
CASES.row('3-deletion-predicate-neither', refused(
    'A SlicePredicate must be given a list of Columns, a SliceRange, or both'), {
    'batch_mutate': lambda it: it.batch('B', deletion(1, predicate=NEITHER))})


@CASES.scenario('3-deletion-predicate-neither', Since({
    '1.2': refused('Deletion does not yet support SliceRange predicates.'), '2.0': [b'a', b'c']}), 'both: names win')
def _(it):
    it.batch('B', put(b'a'), put(b'b'), put(b'c'))
    it.batch('B', deletion(2, predicate=BOTH))
    return it.shown()


CASES.row('3-deletion-slice-1.2', Since({
    '1.2': refused('Deletion does not yet support SliceRange predicates.'), '2.0': DONE}), {
    'batch_mutate': lambda it: it.batch('B', deletion(1, predicate=span(b'a', b'b')))})

# --- mutations ---------------------------------------------------------------------------------------------------

TWICE = put(b'a')
TWICE.deletion = deletion(1).deletion
CASES.row('3-mutation-members', refused(
    'mutation must have one and only one of column_or_supercolumn or deletion'), {
    'none': lambda it: it.batch('B', Mutation()), 'both': lambda it: it.batch('B', TWICE)})
NO_MEMBER = Mutation(column_or_supercolumn=ColumnOrSuperColumn())
TWO_MEMBERS = put(b'a')
TWO_MEMBERS.column_or_supercolumn.counter_column = CounterColumn(b'a', 1)
CASES.row('3-column-members', refused('ColumnOrSuperColumn must have one (and only one) of column, super_column, '
                                      'counter and counter_super_column'), {
    'none': lambda it: it.batch('B', NO_MEMBER), 'two': lambda it: it.batch('B', TWO_MEMBERS)})
CASES.row('3-deletion-timestamp', worded(
    'Deletion timestamp is not optional for non commutative column family B',
    'Deletion timestamp is not optional for non commutative table B'), {
    'row': lambda it: it.batch('B', deletion(None)),
    'names': lambda it: it.batch('B', deletion(None, predicate=names(b'a')))})
CASES.row('3-deletion-timestamp', DONE, {'of counters': lambda it: it.batch('C', deletion(None))})

CASES.row('3-counters-in-atomic', refused('Counter mutations are not allowed in atomic batches'), {
    'atomic_batch_mutate': lambda it: it.batch('C', plus(b'c'), atomic=True)})
CASES.row('3-counters-in-atomic', worded('invalid operation for commutative columnfamily C',
                                         'invalid operation for commutative table C'), {
    'a column': lambda it: it.batch('C', put(b'c'), atomic=True)})
CASES.row('3-counter-at-any', worded('Consistency level ANY is not yet supported for counter columnfamily C',
                                     'Consistency level ANY is not yet supported for counter table C'), {
    'add': lambda it: it.add('C', b'c', level=ANY),
    'remove_counter': lambda it: it.remove_counter('C', b'c', level=ANY),
    'batch_mutate': lambda it: it.batch('C', plus(b'c'), level=ANY)})
CASES.row('3-write-levels', Since({'1.2': MALFORMED, '2.0': refused(
    'You must use conditional updates for serializable writes')}), {
    'insert': lambda it: it.insert('B', b'c', level=SERIAL),
    'batch_mutate': lambda it: it.batch('B', put(b'c'), level=SERIAL)})
CASES.row('3-write-levels', UNAVAILABLE, {'two': lambda it: it.insert('B', b'c', level=ConsistencyLevel.TWO)})

# --- key ranges --------------------------------------------------------------------------------------------------

CASES.row('3-range-ends', refused(
    'exactly one each of {start key, start token} and {end key, end token} must be specified'), {
    'none': lambda it: it.range('B'), 'no end': lambda it: it.range('B', b''),
    'two starts': lambda it: it.range('B', b'', b'', start_token='0'),
    'two ends': lambda it: it.range('B', b'', b'', end_token='0'),
    'paged': lambda it: it.paged('B', b'')})
CASES.row('3-range-ends', refused('start token + end key is not a supported key range'), {
    'start token, end key': lambda it: it.range('B', None, b'', start_token='0'),
    'paged, start token, end key': lambda it: it.paged('B', None, b'', start_token='0')})
CASES.row('3-range-count', refused('maxRows must be positive'), {
    'zero': lambda it: it.range('B', b'', b'', count=0), 'negative': lambda it: it.range('B', b'', b'', count=-1),
    'paged': lambda it: it.paged('B', b'', b'', count=0)})
# The token of k05 is the greater one under Murmur3.
CASES.row('3-range-backwards', refused(
    "start key's token sorts after end key's token.  this is not allowed; you probably should not specify end key at "
    'all except with an ordered partitioner'), {
    'get_range_slices': lambda it: it.range('B', b'k05', b'k00'), 'paged': lambda it: it.paged('B', b'k05', b'k00')})
CASES.row('3-range-key-after-token', refused("Start key's token sorts after end token"), {
    'get_range_slices': lambda it: it.range('B', b'k05', end_token='0'),
    'paged': lambda it: it.paged('B', b'k05', end_token='0')})

# --- indexes -----------------------------------------------------------------------------------------------------

HUGE = b'x' * 65535
TOO_LONG_FOR_INDEX = Since({
    '1.2': refused(f"Can't index column value of size 65535 for index I_state_idx in CF I of KS {KEYSPACE}"),
    '2.0': refused(f"Can't index column value of size 65535 for index I.I_state_idx in CF I of KS {KEYSPACE}"),
    '3.0': refused(f'Cannot index value of size 65535 for index I_state_idx on {KEYSPACE}.I(state) '
                   '(maximum allowed size=65535)')})
CASES.row('3-indexed-value', TOO_LONG_FOR_INDEX, {
    'insert': lambda it: it.insert('I', b'state', HUGE), 'batch_mutate': lambda it: it.batch('I', put(b'state', HUGE)),
    'batch_mutate-second': lambda it: it.batch('I', put(b'a'), put(b'state', HUGE))})
CASES.row('3-indexed-value', DONE, {'longest': lambda it: it.insert('I', b'state', HUGE[1:])})

# --- all or nothing, and silence ---------------------------------------------------------------------------------


@CASES.scenario('3-all-or-nothing', (refused('column name must not be empty'), [], []), 'one row')
def _(it):
    return it.seen(lambda: it.batch('B', put(b'a'), put(b''))), it.row(), it.own_row()


@CASES.scenario('3-all-or-nothing', (refused('Column value is required'), [], []), 'two families')
def _(it):
    rows = {it.key: {'B': [put(b'a')], 'I': [put(b'a', None)]}}
    return it.seen(lambda: it.batch_of(rows)), it.row(), it.row('I')


@CASES.scenario('3-all-or-nothing', (refused('Key may not be empty'), [], []), 'two rows')
def _(it):
    rows = {it.key: {'B': [put(b'a')], 'C': [plus(b'a')]}, b'': {'B': [put(b'a')]}}
    return it.seen(lambda: it.batch_of(rows)), it.row(), it.row('C')


CASES.row('3-silent', DONE, {
    'empty map': lambda it: it.batch_of({}), 'empty family map': lambda it: it.batch_of({it.key: {}}),
    'empty family map of an empty key': lambda it: it.batch_of({b'': {}}),
    'no mutations': lambda it: it.batch('B'), 'atomic empty map': lambda it: it.batch_of({}, atomic=True),
    'remove of nothing': lambda it: it.remove('B', b'c')})
CASES.row('3-silent', [], {
    'no names': lambda it: it.row(predicate=names()),
    'no names of subcolumns': lambda it: it.row('S', names(), b's')})


@CASES.scenario('3-silent', Since({'1.2': ([], []), '2.1': ([], [[]])}), 'super column of nothing')
def _(it):
    it.batch('S', put_below(b's'))
    return it.row('S'), it.own_row('S')


@CASES.scenario('3-silent', [b'a'], 'deletion of no names')
def _(it):
    it.batch('B', put(b'a'))
    it.batch('B', deletion(9, predicate=names()))
    return it.shown()


@CASES.scenario('3-silent', [(b'a', b'', 1, None)], 'empty value')
def _(it):
    it.insert('B', b'a', b'')
    return it.row()
