"""Timestamps and ties, TTLs, deletions of every kind: what a write leaves, in whatever order writes arrive."""
import itertools

import pytest
from enginecases import (
    ONE,
    PROFILES,
    Clock,
    cf_def,
    keys,
    long,
    mutate,
    names,
    one_family,
    put,
    put_below,
    row,
    session,
)

from pycassa.cassandra.ttypes import InvalidRequestException

LOWEST = -2**63


# --- timestamps and ties -----------------------------------------------------------------------------------------

@pytest.mark.parametrize('order', list(itertools.permutations([-5, 0, 3])))
def test_the_higher_timestamp_wins_in_every_order(order):
    made = session()
    for timestamp in order:
        put(made, b'k', b'a', b'%d' % timestamp, timestamp)
    assert row(made, b'k') == [(b'a', b'3', 3, None)]


@pytest.mark.parametrize('loser, winner', [
    (b'a', b'b'), (b'a', b'ab'), (b'', b'a'), (b'\x80', b'\x7f'), (b'\x80', b'\x00'), (b'\xff', b'\x00'),
    (b'\x80', b'\xff'), (b'', b'\x80'), (b'a\x80', b'a\x7f'),
])
@pytest.mark.parametrize('arrival', [1, -1])
def test_equal_timestamps_keep_the_greater_value_as_signed_bytes(loser, winner, arrival):
    made = session()
    for value in (loser, winner)[::arrival]:
        put(made, b'k', b'a', value, 5)
    assert row(made, b'k') == [(b'a', winner, 5, None)]
    mutate(made, b'k2', 'B', *((1, b'a', value, 5, None) for value in (loser, winner)[::arrival]))
    assert row(made, b'k2') == [(b'a', winner, 5, None)]


def column(made):
    put(made, b'k', b'a', timestamp=5)


DELETIONS = [
    lambda made, at: made.remove(b'k', ('B', None, b'a'), at, ONE),
    lambda made, at: made.remove(b'k', ('B', None, None), at, ONE),
    lambda made, at: mutate(made, b'k', 'B', (5, at, None, ([b'a'], None))),
    lambda made, at: mutate(made, b'k', 'B', (5, at, None, None)),
    lambda made, at: mutate(made, b'k', 'B', (5, at, None, (None, (b'A', b'b', False, 100)))),
]


@pytest.mark.parametrize('delete', DELETIONS)
@pytest.mark.parametrize('deleted_at, there', [(4, True), (5, False), (6, False)])
@pytest.mark.parametrize('first', ['column', 'deletion'])
def test_a_deletion_beats_what_is_not_newer(delete, deleted_at, there, first):
    made = session()
    if first == 'column':
        column(made)
    delete(made, deleted_at)
    if first == 'deletion':
        column(made)
    assert names(made, b'k') == ([b'a'] if there else [])
    put(made, b'k', b'a', timestamp=7)
    assert names(made, b'k') == [b'a']


@pytest.mark.parametrize('mutations', list(itertools.permutations([
    (1, b'a', b'v', 5, None), (5, 5, None, ([b'a'], None)), (1, b'b', b'v', 6, None), (5, 5, None, None)])))
def test_order_inside_a_batch_does_not_matter(mutations):
    made = session()
    mutate(made, b'k', 'B', *mutations)
    assert names(made, b'k') == [b'b']


def test_the_same_key_twice_in_a_batch():
    made = session()
    made.batch_mutate([(b'k', [('B', [(1, b'a', b'v', 1, None)])]), (b'k', [('B', [(1, b'b', b'v', 1, None)])])], ONE)
    assert names(made, b'k') == [b'a', b'b']


def test_a_batch_mixes_families_and_kinds():
    made = session()
    made.batch_mutate([(b'k', [('B', [(1, b'a', b'v', 1, None)]), ('C', [(3, b'c', 2), (3, b'c', 3)]),
                               ('S', [(2, b's', [(long(1), b'v', 1, None)])]), ('SC', [(4, b's', [(b'c', 4)])])])], ONE)
    assert row(made, b'k') == [(b'a', b'v', 1, None)]
    assert row(made, b'k', 'C') == [(b'c', 5)]
    assert row(made, b'k', 'S') == [(b's', [(long(1), b'v', 1, None)])]
    assert row(made, b'k', 'SC') == [(b's', [(b'c', 4)])]


# --- ttl ---------------------------------------------------------------------------------------------------------

def test_expiry_has_a_grain_of_a_second():
    clock = Clock(1000.9)
    made = session(clock=clock)
    put(made, b'k', b'a', ttl=2)
    clock.now = 1001.99
    assert names(made, b'k') == [b'a']
    clock.now = 1002.0
    assert names(made, b'k') == []


@pytest.mark.parametrize('profile', PROFILES)
def test_what_has_expired_behaves_as_deleted(profile):
    clock = Clock()
    made = session(profile, clock=clock)
    put(made, b'k', b'a', b'old', 4)
    put(made, b'k', b'a', b'new', 5, 10)
    clock.now += 10
    assert names(made, b'k') == []
    put(made, b'k', b'a', b'older', 4)
    put(made, b'k', b'a', b'new', 5)
    assert names(made, b'k') == []
    put(made, b'k', b'a', b'newer', 6)
    assert row(made, b'k') == [(b'a', b'newer', 6, None)]


def test_a_plain_rewrite_ends_a_ttl():
    clock = Clock()
    made = session(clock=clock)
    put(made, b'k', b'a', timestamp=1, ttl=10)
    put(made, b'k', b'a', timestamp=2)
    clock.now += 100
    assert row(made, b'k') == [(b'a', b'v', 2, None)]


def test_subcolumns_expire():
    clock = Clock()
    made = session(clock=clock)
    put_below(made, b'k', b's', long(1), ttl=10)
    put_below(made, b'k', b't', long(1), ttl=10)
    put_below(made, b'k', b't', long(2))
    clock.now += 10
    assert row(made, b'k', 'S') == [(b't', [(long(2), b'v', 1, None)])]


@pytest.mark.parametrize('profile, ttls, kept', [
    ('2.0', (None, 5), 5), ('2.0', (9, 5), 5), ('2.1', (None, 5), None), ('2.1', (5, None), 5), ('2.1', (5, 9), 9),
    ('2.1', (9, 5), 9), ('2.2', (5, None), 5), ('3.11', (5, None), None), ('3.11', (None, 5), None),
    ('3.11', (5, 9), 9), ('3.11', (9, 5), 9),
])
def test_equal_timestamps_and_values_of_different_ttl(profile, ttls, kept):
    made = session(profile)
    for ttl in ttls:
        put(made, b'k', b'a', ttl=ttl)
    assert row(made, b'k') == [(b'a', b'v', 1, kept)]


@pytest.mark.parametrize('profile', PROFILES)
def test_default_ttl_of_a_family(profile):
    clock = Clock()
    made = one_family(cf_def('B', default_time_to_live=10), profile, clock)
    put(made, b'k', b'own', ttl=50)
    put(made, b'k', b'plain')
    mutate(made, b'k', 'B', (1, b'batched', b'v', 1, None))
    inserted = None if profile == '1.2' else 10
    batched = None if profile in ('1.2', '3.0', '3.11') else 10
    assert row(made, b'k') == [(b'batched', b'v', 1, batched), (b'own', b'v', 1, 50), (b'plain', b'v', 1, inserted)]
    if profile == '3.11':
        put(made, b'k', b'zero', ttl=0)
    clock.now += 10
    left = {'1.2': [b'batched', b'own', b'plain'], '3.0': [b'batched', b'own'], '3.11': [b'batched', b'own', b'zero']}
    assert names(made, b'k') == left.get(profile, [b'own'])


def test_default_ttl_of_subcolumns_in_3x():
    made = one_family(cf_def('S', column_type='Super', default_time_to_live=10), '3.11')
    put_below(made, b'k', b's', b'plain')
    mutate(made, b'k', 'S', (2, b's', [(b'batched', b'v', 1, None)]))
    assert row(made, b'k', 'S') == [(b's', [(b'batched', b'v', 1, None), (b'plain', b'v', 1, 10)])]


@pytest.mark.parametrize('profile', ['2.1', '2.2', '3.0', '3.11'])
def test_a_default_ttl_past_the_end_of_time_is_refused_by_every_write(profile):
    made = one_family(cf_def('B', default_time_to_live=600000000), profile, Clock())
    for write in (lambda: put(made, b'k', b'a'), lambda: mutate(made, b'k', 'B', (1, b'a', None, 1, None))):
        with pytest.raises(InvalidRequestException, match='with default ttl of 600000000 seconds exceeds maximum'):
            write()


def test_counters_ignore_a_default_ttl():
    clock = Clock()
    made = one_family(cf_def('C', default_validation_class='CounterColumnType', default_time_to_live=1), clock=clock)
    made.add(b'k', ('C', None), (b'c', 1), ONE)
    clock.now += 100
    assert row(made, b'k', 'C') == [(b'c', 1)]


# --- deletions ---------------------------------------------------------------------------------------------------

@pytest.fixture
def supers():
    made = session()
    for name in (b'x', b'y', b'z'):
        mutate(made, b'k', 'S', (2, name, [(long(number), b'v', 5, None) for number in (1, 2, 3)]))
    return made


def shape(made):
    return {name: [column[0][-1] for column in columns] for name, columns in row(made, b'k', 'S')}


ALL = [1, 2, 3]


@pytest.mark.parametrize('deletion, left', [
    ((5, 5, None, None), {}),
    ((5, 4, None, None), {b'x': ALL, b'y': ALL, b'z': ALL}),
    ((5, 5, b'x', None), {b'y': ALL, b'z': ALL}),
    ((5, 5, None, ([b'x', b'z'], None)), {b'y': ALL}),
    ((5, 5, b'x', ([long(1), long(3)], None)), {b'x': [2], b'y': ALL, b'z': ALL}),
    ((5, 5, None, (None, (b'x', b'y', False, 1))), {b'z': ALL}),
    ((5, 5, b'x', (None, (long(2), long(3), False, 1))), {b'x': [1], b'y': ALL, b'z': ALL}),
])
def test_deletions_on_super_families(supers, deletion, left):
    mutate(supers, b'k', 'S', deletion)
    assert shape(supers) == left
    for name in (b'x', b'y', b'z'):     # what comes later with an older timestamp stays deleted
        mutate(supers, b'k', 'S', (2, name, [(long(number), b'late', 5, None) for number in (1, 2, 3)]))
    if deletion[1] == 5:
        assert shape(supers) == left
    mutate(supers, b'k', 'S', (2, b'x', [(long(1), b'new', 6, None)]))
    assert shape(supers)[b'x'][0] == 1


@pytest.mark.parametrize('path, left', [
    (('S', None, None), {}), (('S', b'x', None), {b'y': ALL, b'z': ALL}),
    (('S', b'x', long(2)), {b'x': [1, 3], b'y': ALL, b'z': ALL}),
])
def test_removals_on_super_families(supers, path, left):
    supers.remove(b'k', path, 5, ONE)
    assert shape(supers) == left


def test_deletions_reach_super_columns_that_come_later():
    made = session()
    made.remove(b'k', ('S', None, None), 5, ONE)
    mutate(made, b'k', 'S', (5, 7, None, (None, (b'a', b'm', False, 1))))
    for name in (b'a', b'z'):
        mutate(made, b'k', 'S', (2, name, [(long(number), b'v', number, None) for number in (5, 6, 8)]))
    assert shape(made) == {b'a': [8], b'z': [6, 8]}


def ranged(profile, start, finish, backwards=False):
    made = session(profile)
    mutate(made, b'k', 'B', *((1, name, b'v', 1, None) for name in (b'a', b'b', b'c', b'd')))
    mutate(made, b'k', 'B', (5, 2, None, (None, (start, finish, backwards, 1))))
    return b''.join(names(made, b'k'))


@pytest.mark.parametrize('profile', PROFILES[1:])
def test_closed_forward_ranges(profile):
    assert ranged(profile, b'b', b'c') == b'ad'
    assert ranged(profile, b'b', b'b') == b'acd'
    assert ranged(profile, b'aa', b'cc') == b'ad'


@pytest.mark.parametrize('start, finish, backwards, before_3, since_3', [
    (b'b', b'', False, b'acd', b'a'), (b'', b'b', False, b'cd', b'cd'), (b'', b'', False, b'abcd', b''),
    (b'c', b'b', True, b'abd', b'abcd'),
])
def test_traps_of_other_ranges(start, finish, backwards, before_3, since_3):
    assert ranged('2.1', start, finish, backwards) == before_3
    assert ranged('3.11', start, finish, backwards) == since_3


def test_overlapping_range_deletions():
    made = session()
    mutate(made, b'k', 'B', (5, 3, None, (None, (b'a', b'b', False, 1))), (5, 4, None, (None, (b'b', b'c', False, 1))))
    mutate(made, b'k', 'B', *((1, name, b'v', 4, None) for name in (b'a', b'b', b'c')))
    assert names(made, b'k') == [b'a']


def test_dropping_and_creating_anew_starts_empty():
    made = session()
    put(made, b'k', b'a', timestamp=9)
    made.remove(b'k', ('B', None, None), 9, ONE)
    made.system_drop_column_family('B')
    made.system_add_column_family(cf_def('B'))
    assert keys(made) == []
    put(made, b'k', b'a', timestamp=1)
    assert names(made, b'k') == [b'a']


@pytest.mark.parametrize('profile', PROFILES)
def test_the_lowest_timestamp_is_shown_by_1_2_only(profile):
    made = session(profile)
    put(made, b'k', b'a', timestamp=LOWEST)
    put_below(made, b'k', b's', long(1), timestamp=LOWEST)
    assert row(made, b'k') == ([(b'a', b'v', LOWEST, None)] if profile == '1.2' else [])
    assert names(made, b'k', 'S') == ([b's'] if profile == '1.2' else [])
    assert keys(made) == [b'k']
