"""Counters: sums, wrapping, removals that last, and the calls that refuse them."""
import pytest
from enginecases import ONE, keys, mutate, names, row, session


@pytest.fixture(params=['2.0', '2.1', '3.11'])
def made(request):
    return session(request.param)


def add(made, delta, name=b'c', super_column=None, key=b'k'):
    made.add(key, ('SC' if super_column else 'C', super_column), (name, delta), ONE)


def test_sums(made):
    for delta in (5, -7, 0):
        add(made, delta)
    assert row(made, b'k', 'C') == [(b'c', -2)]
    assert made.get(b'k', ('C', None, b'c'), ONE) == (3, [(b'c', -2)])


def test_zero_creates_the_counter(made):
    add(made, 0)
    assert row(made, b'k', 'C') == [(b'c', 0)]


def test_overflow_wraps(made):
    add(made, 2**63 - 1)
    add(made, 1)
    assert row(made, b'k', 'C') == [(b'c', -2**63)]
    add(made, -1)
    assert row(made, b'k', 'C') == [(b'c', 2**63 - 1)]


def test_deltas_in_one_batch_add_up(made):
    mutate(made, b'k', 'C', (3, b'c', 2), (3, b'd', 1), (3, b'c', 3))
    mutate(made, b'k', 'SC', (4, b's', [(b'c', 1), (b'c', 1)]), (4, b's', [(b'c', 1)]), (4, b't', []))
    assert row(made, b'k', 'C') == [(b'c', 5), (b'd', 1)]
    assert row(made, b'k', 'SC') == [(b's', [(b'c', 3)])]


def test_slices_and_counts_of_counters(made):
    for number, name in enumerate((b'a', b'b', b'c')):
        add(made, number, name)
        add(made, number, name, b's')
    assert names(made, b'k', 'C', predicate=(None, (b'', b'', True, 2))) == [b'c', b'b']
    assert row(made, b'k', 'SC', b's', ([b'b'], None)) == [(b'b', 1)]
    assert made.get_count(b'k', ('C', None), (None, None), ONE) == 3
    assert made.get(b'k', ('SC', b's', None), ONE) == (4, [(b's', [(b'a', 0), (b'b', 1), (b'c', 2)])])


@pytest.mark.parametrize('remove', [
    lambda made: made.remove_counter(b'k', ('C', None, b'c'), ONE),
    lambda made: made.remove_counter(b'k', ('C', None, None), ONE),
    lambda made: mutate(made, b'k', 'C', (5, None, None, ([b'c'], None))),
    lambda made: mutate(made, b'k', 'C', (5, -10, None, None)),
    lambda made: mutate(made, b'k', 'C', (5, 1, None, (None, (b'a', b'd', False, 1)))),
])
def test_a_removed_counter_does_not_come_back(made, remove):
    add(made, 5)
    add(made, 5, b'z')
    remove(made)
    assert b'c' not in names(made, b'k', 'C')
    add(made, 1)
    assert b'c' not in names(made, b'k', 'C')
    assert keys(made, 'C') == [b'k']
    made.system_drop_column_family('C')


@pytest.mark.parametrize('path, left', [
    (('SC', b's', b'c'), {b's': [b'd'], b't': [b'c', b'd']}), (('SC', b's', None), {b't': [b'c', b'd']}),
    (('SC', None, None), {}),
])
def test_removals_of_super_counters(made, path, left):
    for super_name in (b's', b't'):
        add(made, 1, b'c', super_name)
        add(made, 1, b'd', super_name)
    made.remove_counter(b'k', path, ONE)
    for _ in range(2):
        assert {name: [each[0] for each in found] for name, found in row(made, b'k', 'SC')} == left
        add(made, 1, b'c', b's')


def test_removing_what_is_not_there_is_a_removal_too(made):
    made.remove_counter(b'k', ('C', None, b'c'), ONE)
    add(made, 1)
    assert names(made, b'k', 'C') == []


def test_truncate_makes_counters_usable_again():
    made = session()
    add(made, 1)
    made.remove_counter(b'k', ('C', None, None), ONE)
    made.truncate('C')
    add(made, 2)
    assert row(made, b'k', 'C') == [(b'c', 2)]
