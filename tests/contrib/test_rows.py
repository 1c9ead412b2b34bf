"""The attribute `rows` of a ColumnFamilyStub: {key: {name: (value, timestamp)}}, to read and to change."""
import pytest

from pycassa.contrib.stubs import ColumnFamilyStub, ConnectionPoolStub

ROWS = {'a': {'x': ('v', 5), 'y': (2, 6)}, 'b': {3: (b'w', 7)}}


@pytest.fixture
def family(cluster):
    return ColumnFamilyStub(ConnectionPoolStub(), 'F', ROWS)


def test_reading(family):
    assert family.rows == ROWS and ROWS == family.rows and family.rows != {'a': ROWS['a']}
    assert sorted(family.rows) == ['a', 'b'] and len(family.rows) == 2
    assert family.rows['a'] == ROWS['a'] and family.rows['a']['x'] == ('v', 5) and len(family.rows['a']) == 2
    assert family.rows.get('c') is None and 'c' not in family.rows
    assert repr(family.rows['b']) == "{3: (b'w', 7)}" and eval(repr(family.rows)) == ROWS
    for missing in (lambda: family.rows['c'], lambda: family.rows['a']['z']):
        with pytest.raises(KeyError):
            missing()


def test_it_shows_what_is_there_now(family):
    rows, row = family.rows, family.rows['a']
    family.insert('a', {'x': 'new'}, timestamp=8)
    family.insert('c', {'z': 1}, timestamp=8)
    assert row['x'] == ('new', 8) and rows['c'] == {'z': (1, 8)}
    family.remove('c')
    assert 'c' not in rows and len(rows) == 2


def test_columns_are_written_with_their_timestamps(family):
    row = family.rows['a']
    row['x'] = ('older', 4)
    row['z'] = ('first', 1)
    row['now'] = 'without a timestamp'
    assert family.get('a') == {'now': 'without a timestamp', 'x': 'v', 'y': 2, 'z': 'first'}
    del row['x']
    assert list(row) == ['now', 'y', 'z']
    with pytest.raises(KeyError):
        del row['x']


def test_a_row_is_replaced_without_a_trace(family):
    family.remove('a')
    family.rows['a'] = {'x': ('older', 1)}
    assert family.rows['a'] == {'x': ('older', 1)}
    family.rows['a'] = family.rows['b']
    assert family.rows['a'] == ROWS['b']
    del family.rows['a']
    family.insert('a', {'x': 'oldest'}, timestamp=0)
    assert family.get('a') == {'x': 'oldest'}
    with pytest.raises(KeyError):
        del family.rows['c']


def test_all_rows_are_replaced(family):
    family.rows = {'c': {'x': ('v', 5)}}
    assert family.rows == {'c': {'x': ('v', 5)}}
    family.rows = family.rows
    assert len(family) == 1
    family.rows.update(ROWS)
    assert len(family) == 3
    family.rows.clear()
    assert family.rows == {} and len(family) == 0


def test_indexes_follow(family):
    from pycassa.index import create_index_clause, create_index_expression
    clause = create_index_clause([create_index_expression('y', 2)])
    assert [key for key, _ in family.get_indexed_slices(clause)] == ['a']
    del family.rows['a']
    assert list(family.get_indexed_slices(clause)) == []
    family.rows['d'] = {'y': (2, 1)}
    assert [key for key, _ in family.get_indexed_slices(clause)] == ['d']


def test_super_columns(cluster):
    rows = {'a': {'s': {'x': ('v', 5), 'y': ('w', 6)}, 't': {'x': ('u', 5)}}}
    family = ColumnFamilyStub(ConnectionPoolStub(), 'S', rows, super=True)
    assert family.rows == rows and family.rows['a']['t'] == {'x': ('u', 5)}
    family.rows['a']['t'] = {'x': ('newer', 6), 'z': 'now'}
    assert family.get('a') == {'s': {'x': 'v', 'y': 'w'}, 't': {'x': 'newer', 'z': 'now'}}


def test_counters(cluster):
    family = ColumnFamilyStub(ConnectionPoolStub(), 'C', {'a': {'x': 3}}, default_validation_class='CounterColumnType')
    assert family.rows == {'a': {'x': 3}}
    family.rows['a'] = {'x': 1}
    family.rows['a']['x'] = 4
    assert family.get('a') == {'x': 5}


def test_values_that_are_pairs_are_given_as_pairs(cluster):
    family = ColumnFamilyStub(rows={'a': {'x': ((1, 2), 5), 'y': (1, 'two')}})
    assert family.get('a') == {'x': (1, 2), 'y': (1, 'two')}
