"""Rows read and counted page by page: by names, in super columns, with every size of a page."""
import pytest

from pycassa.cassandra.ttypes import NotFoundException
from pycassa.columnfamily import MAX_COUNT, ColumnFamily
from pycassa.operations import Names, Slice

from ..undertest import reads_subcolumns


@pytest.fixture
def wide(create):
    family = create('Wide', 'LongType', 'LongType')
    family.insert('k', {number: number * number for number in range(-10, 11)})
    return family


SIZES = [1, 2, 3, 20, 21, 22, None]


# --- xget by names ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('buffer_size', SIZES)
def test_xget_of_columns_by_name(wide, buffer_size):
    names = [7, -3, 0, 99, 4, 7]
    found = list(wide.xget('k', columns=iter(names), buffer_size=buffer_size))
    assert sorted(found) == [(-3, 9), (0, 0), (4, 16), (7, 49)]
    if buffer_size is None:
        assert found == sorted(found)
    assert list(wide.xget('k', columns=[], buffer_size=buffer_size)) == []
    assert list(wide.xget('missing', columns=names, buffer_size=buffer_size)) == []


def test_xget_by_name_gives_the_shapes_of_get(create):
    family = create('Standard')
    family.insert('k', {'a': '1', 'b': '2'}, timestamp=5, ttl=1000)
    assert list(family.xget('k', columns={'b'}, include_timestamp=True, include_ttl=True)) == [('b', ('2', 5, 1000))]
    counters = create('Counters', value='CounterColumnType')
    counters.insert('k', {'a': 1, 'b': 2})
    assert list(counters.xget('k', columns=['b', 'c'], include_timestamp=True)) == [('b', 2)]


def test_xget_of_super_columns_by_name(create):
    family = create('Super', subcomparator='LongType')
    family.insert('k', {'s': {0: 'x', 1: 'y'}, 't': {2: 'z'}})
    assert list(family.xget('k', columns=['t', 'u', 's'], buffer_size=1)) == [('t', {2: 'z'}), ('s', {0: 'x', 1: 'y'})]
    assert list(family.xget('k', columns=[1, 5], super_column='s')) == [(1, 'y')]


def test_the_requests_of_xget_by_name(client):
    family, operations = ColumnFamily(client, 'Numbers'), client.operations
    packed = {number: number.to_bytes(8, 'big') for number in range(4)}
    operations.answers['get_slice_items'] = lambda layout, key, inside, predicate, *rest: [
        (name, int.from_bytes(name, 'big'), 'v') for name in predicate.names]
    rows = family.xget(1, columns=[3, 1, 3, 2], buffer_size=2)
    assert operations.calls == []
    assert list(rows) == [(3, 'v'), (1, 'v'), (2, 'v')]
    assert [each.args[3] for each in operations.calls] == [Names([packed[3], packed[1]]), Names([packed[2]])]


# --- counting --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('buffer_size', SIZES)
@pytest.mark.parametrize('slice_of, numbers', [
    ({}, 21), ({'column_start': 5}, 6), ({'column_finish': -9}, 2), ({'column_start': -2, 'column_finish': 2}, 5),
    ({'column_start': 3, 'column_finish': 1, 'column_reversed': True}, 3), ({'columns': [1, 2, 99]}, 2)])
def test_get_count_in_pages(wide, buffer_size, slice_of, numbers):
    assert wide.get_count('k', buffer_size=buffer_size, **slice_of) == numbers
    assert wide.get_count('missing', buffer_size=buffer_size, **slice_of) == 0
    if 'columns' not in slice_of:
        for most, expected in ((-1, 0), (0, 0), (1, 1), (numbers - 1, numbers - 1), (numbers + 1, numbers)):
            assert wide.get_count('k', buffer_size=buffer_size, max_count=most, **slice_of) == expected


@reads_subcolumns
@pytest.mark.parametrize('buffer_size', SIZES)
def test_get_count_of_super_columns_and_in_them(create, buffer_size):
    """Cassandra 3.11 itself does not answer where there are more subcolumns than are to be counted."""
    family = create('Super', subcomparator='UTF8Type')
    family.insert('k', {str(number): {chr(97 + each): 'v' for each in range(number)} for number in range(1, 6)})
    for most in (None, 1, 3, 5, 10):
        expected = 5 if most is None else min(most, 5)
        assert family.get_count('k', max_count=most, buffer_size=buffer_size) == expected
        assert family.get_count('k', super_column='5', max_count=most, buffer_size=buffer_size) == expected
        assert family.multiget_count(['k'], super_column='5', max_count=most) == {'k': expected}
    assert family.get_count('k', super_column='5', column_start='d', column_reversed=True, max_count=2) == 2


def test_get_count_asks_the_server_unless_told_otherwise(client):
    operations = client.operations
    operations.answers.update(get_count=7, get_slice_items=[(b'a', 'a', 1), (b'b', 'b', 2)])
    family, supers = ColumnFamily(client, 'Standard'), ColumnFamily(client, 'Super')
    assert family.get_count('k', max_count=9) == supers.get_count('k', 's') == supers.get_count('k', max_count=9) == 7
    assert supers.get_count('k', 's', max_count=4, columns=['a']) == family.get_count('k', columns=['a'],
                                                                                      buffer_size=1) == 7
    assert {each.method for each in operations.calls} == {'get_count'}
    assert supers.get_count('k', 's', max_count=3) == family.get_count('k', buffer_size=5) == 2
    assert [each.args[3] for each in operations.calls[-2:]] == [Slice(count=3), Slice(count=5)]


# --- rows of all kinds -----------------------------------------------------------------------------------------------

def test_counters_in_pages_whatever_is_included(create):
    family = create('Counters', 'LongType', 'CounterColumnType')
    family.insert('k', {number: number for number in range(1, 12)})
    for buffer_size in SIZES:
        for options in ({}, {'include_timestamp': True}, {'include_ttl': True},
                        {'include_timestamp': True, 'include_ttl': True}):
            assert list(family.xget('k', buffer_size=buffer_size, **options)) == [
                (number, number) for number in range(1, 12)]
    assert family.get_count('k', buffer_size=3) == 11
    assert dict(family.get_range(include_timestamp=True))['k'][5] == 5


def test_columns_that_go_while_they_are_read(wide):
    """The column where a page begins may have been removed since the page before."""
    found = []
    for name, _ in wide.xget('k', buffer_size=4):
        found.append(name)
        wide.remove('k', [name])
    assert found == list(range(-10, 11))
    with pytest.raises(NotFoundException):
        wide.get('k', column_count=MAX_COUNT)
