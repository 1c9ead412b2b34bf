"""Paging: ends for every page size, gives everything once, and divides token ranges that wrap."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa.errors import ConfigurationError
from pycassa.operations import KeyRange
from pycassa.paging import MAX_COUNT, follow, key_ranges, ring_of


class Store:
    """Sorted positions, served in pages as a server does; `asked` records the calls."""

    def __init__(self, positions):
        self.positions = sorted(positions)
        self.asked = []

    def __call__(self, start, count):
        self.asked.append((start, count))
        assert count >= 1
        return [(position,) for position in self.positions if start is None or position >= start][:count]


def read(store, *args, **kwargs):
    return [item[0] for item in follow(store, *args, **kwargs)]


@given(st.sets(st.binary(max_size=3), max_size=30), st.integers(1, 12), st.none() | st.integers(0, 40))
def test_every_item_comes_once_and_in_order(positions, page_size, limit):
    assert read(Store(positions), page_size, limit) == sorted(positions)[:limit]


@given(st.sets(st.binary(min_size=1, max_size=2), max_size=30), st.integers(1, 12), st.none() | st.integers(0, 40))
def test_only_wanted_items_count(positions, page_size, limit):
    expected = [position for position in sorted(positions) if position[0] % 2]
    assert read(Store(positions), page_size, limit, lambda item: item[0][0] % 2 == 1) == expected[:limit]


def test_no_more_is_asked_for_than_is_wanted():
    store = Store([b'%02d' % number for number in range(50)])
    assert len(read(store, 10, 13)) == 13
    assert store.asked == [(None, 10), (b'09', 4)]


def test_limit_zero_asks_nothing():
    store = Store([b'a'])
    assert read(store, 10, 0) == []
    assert store.asked == []


def test_unwanted_items_do_not_lead_to_tiny_pages():
    store = Store([b'%04d' % number for number in range(1000)])
    assert read(store, 100, 1, lambda item: item[0] == b'0999') == [b'0999']
    assert len(store.asked) < 15


def test_start_of_a_page_that_was_removed_meanwhile():
    store = Store([b'a', b'b', b'c', b'd'])

    def fetch(start, count):
        page = store(start, count)
        if start is None:
            store.positions.remove(b'b')
        return page
    assert read(fetch, 2) == [b'a', b'b', b'c', b'd']


@pytest.mark.parametrize('page_size', [1, 2, 3, 5])
@pytest.mark.parametrize('limit', [None, 6, 9])
def test_pages_that_repeat_columns_of_the_schema(page_size, limit):
    """Cassandra 3.11 puts them before the others in each page of a reversed slice."""
    rest = [b'9', b'8', b'7', b'6', b'5', b'4', b'3']

    def fetch(start, count):
        page = [b'y', b'x'] + [each for each in rest if start not in rest or each <= start]
        return [(each,) for each in page[:count]]
    assert read(fetch, page_size, limit) == ([b'y', b'x'] + rest)[:limit]


def test_pages_are_at_least_two_and_fit_into_32_bits():
    store = Store([b'a'])
    read(store, 1)
    read(store, 10 ** 10)
    assert [count for _, count in store.asked] == [2, MAX_COUNT]


# --- token ranges ----------------------------------------------------------------------------------------------------

MURMUR = ring_of('org.apache.cassandra.dht.Murmur3Partitioner')
LOWEST = str(-2 ** 63)


def tokens(start, finish, ring=MURMUR):
    return [(each.start_token, each.end_token) for each in key_ranges(b'', b'', start, finish, ring)]


@pytest.mark.parametrize('start, finish, expected', [
    ('-5', '5', [('-5', '5')]),
    (-5, 5, [('-5', '5')]),
    (b'-5', b'5', [('-5', '5')]),
    ('5', '-5', [('5', LOWEST), (LOWEST, '-5')]),
    ('5', '5', [('5', LOWEST), (LOWEST, '5')]),
    ('10', '9', [('10', LOWEST), (LOWEST, '9')]),
    ('5', None, [('5', LOWEST)]),
    ('5', LOWEST, [('5', LOWEST)]),
    (LOWEST, LOWEST, [(LOWEST, LOWEST)]),
    (LOWEST, '5', [(LOWEST, '5')]),
    ('', '', [(LOWEST, LOWEST)]),
])
def test_token_ranges_of_murmur3(start, finish, expected):
    assert tokens(start, finish) == expected


def test_token_ranges_of_other_partitioners():
    assert tokens('7', '3', ring_of('RandomPartitioner')) == [('7', '-1'), ('-1', '3')]
    assert tokens('fff', '1000', ring_of('ByteOrderedPartitioner')) == [('fff', '1000')]
    assert tokens('1000', 'fff', ring_of('ByteOrderedPartitioner')) == [('1000', ''), ('', 'fff')]
    assert tokens('b', 'a', ring_of('OrderPreservingPartitioner')) == [('b', ''), ('', 'a')]
    assert tokens('5', '3', ring_of('com.example.OwnPartitioner')) == [('5', '3')]


@pytest.mark.parametrize('start, finish', [('abc', ''), ('', 'abc'), (0.5, 1), ('1', b'x')])
def test_what_is_no_token_is_refused(start, finish):
    """Servers close the connection, and say nothing."""
    with pytest.raises(ConfigurationError, match='is no token of the partitioner'):
        tokens(start, finish)


def test_key_ranges_of_keys():
    assert key_ranges(b'a', b'b', None, None, None) == [KeyRange(start_key=b'a', end_key=b'b')]
    assert key_ranges(b'a', b'', None, 17, None) == [KeyRange(start_key=b'a', end_token='17')]
