"""Every refusal of a data call: trigger, exact text per profile, order of the checks, and that nothing is written."""
import pytest
from enginecases import (
    EVERYTHING,
    OLD,
    ONE,
    PROFILES,
    TABLE,
    Clock,
    keys,
    long,
    mutate,
    names,
    put,
    put_below,
    refused,
    row,
    scan,
    session,
)

from pycassa.cassandra.ttypes import TimedOutException

KEY = long(1)
BIG = b'x' * 65536
FITS = b'x' * 65535


def word(profile):
    return 'columnfamily' if profile in OLD else 'table'


@pytest.fixture(params=['2.1', '2.2', '3.11'])
def made(request):
    return session(request.param)


@pytest.fixture
def family_word(made):
    return word(made.engine.profile.name)


# --- families and keys -------------------------------------------------------------------------------------------

def test_unknown_family(made, family_word):
    why = f'unconfigured {family_word} nope'
    refused(why, made.get, b'k', ('nope', None, b'c'), ONE)
    refused(why, row, made, b'k', 'nope')
    refused(why, made.get_count, b'k', ('nope', None), (None, None), ONE)
    refused(why, made.multiget_slice, [b'k'], ('nope', None), EVERYTHING, ONE)
    refused(why, scan, made, 'nope')
    refused(why, put, made, b'k', b'c', family='nope')
    refused(why, mutate, made, b'k', 'nope')
    refused(why, made.remove, b'k', ('nope', None, None), 1, ONE)
    refused(why, made.add, b'k', ('nope', None), (b'c', 1), ONE)
    refused(why, made.remove_counter, b'k', ('nope', None, None), ONE)
    refused(why, made.truncate, 'nope')
    refused(why, made.get_paged_slice, 'nope', (b'', b'', None, None, 1, None), b'', ONE)
    refused(why, made.get_indexed_slices, ('nope', None), ([], b'', 1), EVERYTHING, ONE)
    refused(why, made.cas, b'k', 'nope', [], [], 9, ONE)
    refused(why, made.get_multi_slice, b'k', ('nope', None), [], False, 1, ONE)


def test_families_are_case_sensitive(made, family_word):
    refused(f'unconfigured {family_word} b', row, made, b'k', 'b')


def test_empty_family_name(made, family_word):
    refused(f'non-empty {family_word} is required', row, made, b'k', '')


@pytest.mark.parametrize('call', [
    lambda made, key: row(made, key), lambda made, key: made.get(key, ('B', None, b'c'), ONE),
    lambda made, key: put(made, key, b'c'), lambda made, key: mutate(made, key, 'B'),
    lambda made, key: made.remove(key, ('B', None, None), 1, ONE),
    lambda made, key: made.add(key, ('C', None), (b'c', 1), ONE),
    lambda made, key: made.multiget_count([b'k', key], ('B', None), EVERYTHING, ONE),
    lambda made, key: made.cas(key, 'B', [], [(b'c', b'v', 1, None)], 9, ONE),
    lambda made, key: made.get_multi_slice(key, ('B', None), [], False, 1, ONE),
])
def test_keys(made, call):
    refused('Key may not be empty', call, made, b'')
    refused('Key length of 65536 is longer than maximum of 65535', call, made, BIG)


def test_a_key_of_65535_bytes_is_fine(made):
    put(made, FITS, b'c')
    assert names(made, FITS) == [b'c']


def test_key_of_the_wrong_type(made):
    refused('Expected 8 or 0 byte long (3)', row, made, b'abc', 'U')
    refused('Expected 8 or 0 byte long (3)', mutate, made, b'abc', 'U')


# --- names -------------------------------------------------------------------------------------------------------

def test_names(made):
    refused('column name must not be empty', put, made, b'k', b'')
    refused('column name must not be empty', mutate, made, b'k', 'B', (1, b'', b'v', 1, None))
    refused('column name must not be empty', row, made, b'k', predicate=([b'a', b''], None))
    refused('column name must not be empty', made.get, b'k', ('B', None, b''), ONE)
    refused('column name must not be empty', row, made, b'k', 'S', b'')
    refused('column name must not be empty', made.get, b'k', ('S', b'', None), ONE)
    refused('column name must not be empty', put_below, made, b'k', b'', KEY)
    refused('column name length must not be greater than 65535', put, made, b'k', BIG)
    put(made, b'k', FITS)
    assert names(made, b'k') == [FITS]


def test_names_of_super_columns_with_a_column(made):
    refused('supercolumn name must not be empty', made.get, b'k', ('S', b'', KEY), ONE)
    refused('supercolumn name must not be empty', made.remove, b'k', ('S', b'', KEY), 1, ONE)
    refused('supercolumn name must not be empty', mutate, made, b'k', 'S', (2, b'', [(KEY, b'v', 1, None)]))
    refused('supercolumn name length must not be greater than 65535', made.get, b'k', ('S', BIG, KEY), ONE)


def test_names_of_the_wrong_type(made):
    refused("String didn't validate.", put, made, KEY, b'\xff', family='U')
    refused("String didn't validate.", row, made, KEY, 'U', predicate=([b'\xff'], None))
    refused("String didn't validate.", row, made, b'k', 'S', b'\xff')
    refused('Expected 8 or 0 byte long (1)', put_below, made, b'k', b's', b'x')
    refused('Expected 8 or 0 byte long (1)', row, made, b'k', 'S', b's', ([b'x'], None))


def test_slice_bounds(made):
    refused('range start length cannot be larger than 65535', row, made, b'k', predicate=(None, (BIG, b'', False, 1)))
    refused('range finish length cannot be larger than 65535', row, made, b'k', predicate=(None, (b'', BIG, False, 1)))
    refused("String didn't validate.", row, made, KEY, 'U', predicate=(None, (b'\xff', b'', False, 1)))
    why = 'range finish must come after start in the order of traversal'
    refused(why, row, made, b'k', predicate=(None, (b'b', b'a', False, 1)))
    refused(why, row, made, b'k', predicate=(None, (b'a', b'b', True, 1)))
    refused(why, scan, made, predicate=(None, (b'b', b'a', False, 1)))
    refused('get_slice requires non-negative count', row, made, b'k', predicate=(None, (b'', b'', False, -1)))
    assert row(made, b'k', predicate=(None, (b'', b'', False, 0))) == []


# --- values ------------------------------------------------------------------------------------------------------

def test_value_of_the_wrong_type(made):
    refused("(String didn't validate.) [K][U][a] failed validation", put, made, KEY, b'a', b'\xff', 1, None, 'U')
    refused('(Expected 8 or 0 byte long (3)) [K][U][num] failed validation', mutate, made, KEY, 'U',
            (1, b'a', b'fine', 1, None), (1, b'num', b'123', 1, None))


def test_names_in_messages_are_printed_by_their_comparator():
    from enginecases import cf_def, one_family
    made = one_family(cf_def('S', column_type='Super', subcomparator_type='LongType',
                             default_validation_class='LongType'))
    refused('(Expected 8 or 0 byte long (1)) [K][S][7] failed validation', put_below, made, b'k', b's', long(7), b'x')
    made = one_family(cf_def('B', default_validation_class='LongType'))
    refused('(Expected 8 or 0 byte long (1)) [K][B][00ff] failed validation', put, made, b'k', b'\x00\xff', b'x')


def test_value_and_timestamp_are_required(made):
    refused('Column value is required', put, made, b'k', b'a', None)
    refused('Column timestamp is required', put, made, b'k', b'a', b'v', None)
    refused('Column value is required', mutate, made, b'k', 'B', (1, b'a', None, None, None))
    refused('Column timestamp is required', mutate, made, b'k', 'S', (2, b's', [(KEY, b'v', None, None)]))


def test_ttl_is_checked_before_value_and_timestamp(made):
    why = 'ttl must be greater or equal to 0' if made.engine.profile.name == '3.11' else 'ttl must be positive'
    refused(why, put, made, b'k', b'a', None, None, -1)


@pytest.mark.parametrize('profile', PROFILES)
def test_ttl(profile):
    made = session(profile)
    if profile == '3.11':
        put(made, b'k', b'a', ttl=0)
        assert row(made, b'k') == [(b'a', b'v', 1, None)]
    else:
        refused('ttl must be positive', put, made, b'k', b'a', b'v', 1, 0)
    refused('ttl is too large. requested (630720001) maximum (630720000)', put, made, b'k', b'a', b'v', 1, 630720001)


@pytest.mark.parametrize('profile', ['2.1', '2.2', '3.0', '3.11'])
def test_expiry_after_2038(profile):
    made = session(profile, clock=Clock(2**31 - 1000.0))
    put(made, b'k', b'fits', ttl=998)
    with pytest.raises(Exception) as caught:
        put(made, b'k', b'a', ttl=999)
    assert caught.value.why.startswith(
        'Request on table K.B with ttl of 999 seconds exceeds maximum supported expiration date of '
        '2038-01-19T03:14:06+00:00. ')
    assert 'CASSANDRA-14092' in caught.value.why
    assert names(made, b'k') == [b'fits']


@pytest.mark.parametrize('profile', ['1.2', '2.0'])
def test_expiry_after_2038_was_lost_silently_before_2_1(profile):
    made = session(profile, clock=Clock(2**31 - 1000.0))
    put(made, b'k', b'a', ttl=999)
    assert names(made, b'k') == []
    assert keys(made) == [b'k']


def test_indexed_values(made):
    profile, value = made.engine.profile.name, b'x' * 65535
    why = {'2.1': "Can't index column value of size 65535 for index U.ix_idx in CF U of KS K",
           '2.2': "Can't index column value of size 65535 for index U.ix_idx in CF U of KS K",
           '3.11': 'Cannot index value of size 65535 for index ix_idx on K.U(ix) (maximum allowed size=65535)'}[profile]
    refused(why, put, made, KEY, b'ix', value, 1, None, 'U')
    refused(why, mutate, made, KEY, 'U', (1, b'ix', value, 1, None))
    refused(why, mutate, made, KEY, 'U', (5, 1, None, ([b'a'], None)), (1, b'ix', value, 1, None))
    put(made, KEY, b'ix', value[1:], family='U')


def test_indexed_values_in_1_2():
    refused("Can't index column value of size 65535 for index ix_idx in CF U of KS K",
            put, session('1.2'), KEY, b'ix', b'x' * 65535, 1, None, 'U')


# --- kinds of families -------------------------------------------------------------------------------------------

def test_super_column_given_for_a_standard_family(made, family_word):
    refused(f'{family_word} alone is required for standard CF B', row, made, b'k', 'B', b's')
    refused(f'{family_word} alone is required for standard CF B', put_below, made, b'k', b's', b'a', family='B')
    refused(f'{family_word} alone is required for standard CF B', scan, made, 'B', b's')
    refused('supercolumn parameter is invalid for standard CF B', made.get, b'k', ('B', b's', b'c'), ONE)
    refused('supercolumn parameter is invalid for standard CF B', mutate, made, b'k', 'B',
            (2, b's', [(b'a', b'v', 1, None)]))
    refused('supercolumn may not be specified for standard CF B', made.remove, b'k', ('B', b's', None), 1, ONE)
    refused('supercolumn may not be specified for standard CF B', made.remove, b'k', ('B', b's', b'c'), 1, ONE)


def test_super_column_lacking_for_a_super_family(made):
    refused('missing mandatory super column name for super CF S', put, made, b'k', KEY, family='S')
    refused('missing mandatory super column name for super CF SC', made.add, b'k', ('SC', None), (b'c', 1), ONE)
    why = 'supercolumn parameter is not optional for super CF S'
    refused(why, made.get, b'k', ('S', None, None), ONE)
    refused(why, made.get, b'k', ('S', None, KEY), ONE)
    refused(why, mutate, made, b'k', 'S', (1, KEY, b'v', 1, None))
    refused('supercolumn parameter is not optional for super CF SC', mutate, made, b'k', 'SC', (3, b'c', 1))
    refused('A column cannot be specified without specifying a super column for removal on super CF S',
            made.remove, b'k', ('S', None, KEY), 1, ONE)


def test_column_lacking_for_a_standard_family(made):
    refused('column parameter is not optional for standard CF B', made.get, b'k', ('B', None, None), ONE)


def test_deletion_of_a_super_column_on_a_standard_family(made):
    words = 'table (KeySpace=K Table=B'
    if made.engine.profile.name == '2.1':
        words = 'ColumnFamily (KeySpace=K ColumnFamily=B'
    refused(f'Deletion of super columns is not possible on a standard {words} '
            'Deletion=Deletion(timestamp:1, super_column:73))', mutate, made, b'k', 'B', (5, 1, b's', None))


def test_counters_and_plain_families(made, family_word):
    why = f'invalid operation for commutative {family_word} C'
    refused(why, put, made, b'k', b'c', family='C')
    refused(why, mutate, made, b'k', 'C', (1, b'c', b'v', 1, None))
    refused(why, made.remove, b'k', ('C', None, b'c'), 1, ONE)
    refused(why, made.get_indexed_slices, ('C', None), ([(b'c', 0, b'v')], b'', 1), EVERYTHING, ONE)
    refused(why, made.cas, b'k', 'C', [], [(b'c', b'v', 1, None)], 9, ONE)
    refused(f'invalid operation for commutative {family_word} SC', mutate, made, b'k', 'SC',
            (2, b's', [(b'c', b'v', 1, None)]))
    why = f'invalid operation for non commutative {family_word} B'
    refused(why, made.add, b'k', ('B', None), (b'c', 1), ONE)
    refused(why, mutate, made, b'k', 'B', (3, b'c', 1))
    refused(why, made.remove_counter, b'k', ('B', None, b'c'), ONE)
    refused(f'invalid operation for non commutative {family_word} S', mutate, made, b'k', 'S', (4, b's', [(b'c', 1)]))


def test_truncate_of_counters(made):
    if made.engine.profile.name == '3.11':
        refused('invalid operation for commutative table C', made.truncate, 'C')
    else:
        made.truncate('C')


# --- predicates and mutations ------------------------------------------------------------------------------------

def test_predicate_members(made):
    refused('predicate column_names and slice_range may not both be null', row, made, b'k', predicate=(None, None))
    refused('predicate column_names and slice_range may not both be present', row, made, b'k',
            predicate=([b'a'], (b'', b'', False, 1)))
    refused('predicate column_names and slice_range may not both be null', made.multiget_count, [b'k'], ('B', None),
            (None, None), ONE)
    refused('A SlicePredicate must be given a list of Columns, a SliceRange, or both', mutate, made, b'k', 'B',
            (5, 1, None, (None, None)))


def test_deletion_with_both_members_goes_by_the_names(made):
    mutate(made, b'k', 'B', *((1, name, b'v', 1, None) for name in (b'a', b'b', b'c')))
    mutate(made, b'k', 'B', (5, 2, None, ([b'b'], (b'a', b'c', False, 1))))
    assert names(made, b'k') == [b'a', b'c']


def test_mutation_members(made):
    why = 'mutation must have one and only one of column_or_supercolumn or deletion'
    refused(why, mutate, made, b'k', 'B', (0,))
    refused(why, mutate, made, b'k', 'B', (6,))
    refused('ColumnOrSuperColumn must have one (and only one) of column, super_column, counter and '
            'counter_super_column', mutate, made, b'k', 'B', (7,))


def test_deletion_timestamp(made):
    words = 'column family' if made.engine.profile.name == '2.1' else 'table'
    refused(f'Deletion timestamp is not optional for non commutative {words} B', mutate, made, b'k', 'B',
            (5, None, None, None))
    mutate(made, b'k', 'C', (5, None, None, None))


def test_slice_deletions_of_1_2():
    refused('Deletion does not yet support SliceRange predicates.', mutate, session('1.2'), b'k', 'B',
            (5, 1, None, (None, (b'a', b'b', False, 1))))


def test_slice_deletions_of_subcolumns(made):
    deletion = (5, 1, b's', (None, (long(0), long(5), False, 1)))
    if made.engine.profile.name == '3.11':
        refused('Cannot delete a range of subcolumns in a super column', mutate, made, b'k', 'S', deletion)
    else:
        mutate(made, b'k', 'S', deletion)


def test_counters_in_atomic_batches(made, family_word):
    rows = [(b'k', [('C', [(3, b'c', 1)])])]
    refused('Counter mutations are not allowed in atomic batches', made.atomic_batch_mutate, rows, ONE)
    rows = [(b'k', [('C', [(1, b'c', b'v', 1, None)])])]
    refused(f'invalid operation for commutative {family_word} C', made.atomic_batch_mutate, rows, ONE)
    made.atomic_batch_mutate([(b'k', [('B', [(1, b'c', b'v', 1, None)])])], ONE)
    assert names(made, b'k') == [b'c']


# --- ranges ------------------------------------------------------------------------------------------------------

def ranged(made, start_key=None, end_key=None, start_token=None, end_token=None, count=1):
    key_range = (start_key, end_key, start_token, end_token, count, None)
    return made.get_range_slices(('B', None), EVERYTHING, key_range, ONE)


def test_key_range_ends(made):
    why = 'exactly one each of {start key, start token} and {end key, end token} must be specified'
    refused(why, ranged, made)
    refused(why, ranged, made, b'')
    refused(why, ranged, made, b'', b'', '0')
    refused(why, ranged, made, b'', b'', None, '0')
    refused('start token + end key is not a supported key range', ranged, made, None, b'', '0')
    refused('maxRows must be positive', ranged, made, b'', b'', count=0)
    refused('maxRows must be positive', ranged, made, b'', b'', count=-1)


def test_backwards_key_ranges(made):
    refused("start key's token sorts after end key's token.  this is not allowed; you probably should not specify end "
            'key at all except with an ordered partitioner', ranged, made, b'k05', b'k00')
    refused("Start key's token sorts after end token", ranged, made, b'k05', end_token='0')
    ordered = session(partitioner='ByteOrderedPartitioner')
    refused('start key must sort before (or equal to) finish key in your partitioner!', ranged, ordered, b'b', b'a')


def test_tokens_that_cannot_be_read(made):
    refused("'abc' is not a token of Murmur3Partitioner", ranged, made, start_token='abc', end_token='0')


@pytest.mark.parametrize('bounds', [(b'a', b''), (b'', b'a'), (b'abc', b'abc')])
def test_range_bounds_are_not_validated_and_fail_later(made, bounds):
    with pytest.raises(TimedOutException):
        scan(made, 'U', start=bounds[0], end=bounds[1])


# --- order and silence -------------------------------------------------------------------------------------------

def test_order_of_the_checks(made, family_word):
    refused(f'unconfigured {family_word} nope', put, made, b'', b'', family='nope')
    refused('Key may not be empty', put_below, made, b'', b's', b'', family='B')
    refused('supercolumn parameter is invalid for standard CF B', made.get, b'', ('B', b's', None), 6)
    refused('ANY ConsistencyLevel is only supported for writes', made.get, b'', ('B', None, b'c'), 6)
    refused('predicate column_names and slice_range may not both be null', made.get_slice, b'', ('B', None),
            (None, None), 6)
    refused('ANY ConsistencyLevel is only supported for writes', made.get_slice, b'', ('B', None), EVERYTHING, 6)
    refused('maxRows must be positive', made.get_range_slices, ('B', None), EVERYTHING,
            (b'', b'', None, None, 0, None), 6)
    refused('Column value is required', made.insert, b'k', ('B', None), (b'c', None, 1, None), 9)
    refused('Key may not be empty', made.add, b'', ('C', None), (b'', 1), 6)
    refused(f'Consistency level ANY is not yet supported for counter {family_word} C', made.add, b'k', ('C', None),
            (b'', 1), 6)


@pytest.mark.parametrize('bad', [
    (b'k2', [('B', [(1, b'', b'v', 1, None)])]), (b'', [('B', [])]), (b'k2', [('nope', [])]),
    (b'k2', [('B', [(1, b'a', b'v', 1, -1)])]), (b'k2', [('C', [(1, b'a', b'v', 1, None)])]), (b'k2', [('B', [(0,)])]),
])
def test_one_bad_mutation_and_nothing_of_the_batch_is_applied(made, bad):
    good = (b'k', [('B', [(1, b'a', b'v', 1, None)]), ('C', [(3, b'c', 1)])])
    with pytest.raises(Exception, match='InvalidRequest'):
        made.batch_mutate([good, bad], ONE)
    assert row(made, b'k') == [] and row(made, b'k', 'C') == [] and keys(made) == []


def test_legal_and_silent(made):
    made.batch_mutate([], ONE)
    made.batch_mutate([(b'k', [])], ONE)
    made.batch_mutate([(b'', [])], ONE)
    mutate(made, b'k', 'B')
    mutate(made, b'k', 'S', (2, b's', []))
    mutate(made, b'k', 'S', (2, b'', []))
    mutate(made, b'k', 'B', (5, 1, None, ([], None)))
    made.remove(b'nobody', ('B', None, b'c'), 1, ONE)
    assert row(made, b'k', predicate=([], None)) == []
    put(made, b'k', b'empty', b'')
    assert row(made, b'k') == [(b'empty', b'', 1, None)]


@pytest.mark.parametrize('profile', PROFILES)
def test_rows_that_a_batch_only_names_are_ghosts_since_2_1(profile):
    made = session(profile)
    mutate(made, b'a', 'B')
    mutate(made, b'b', 'B', (5, 1, None, ([], None)))
    mutate(made, b'c', 'S', (2, b's', []))
    ghosts = profile not in ('1.2', '2.0')
    assert sorted(keys(made)) == ([b'a', b'b'] if ghosts else [])
    assert keys(made, 'S') == ([b'c'] if ghosts else [])


def test_tables_of_profiles():
    assert set(OLD) | set(TABLE) == set(PROFILES)
