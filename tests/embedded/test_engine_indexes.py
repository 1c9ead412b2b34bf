"""Secondary indexes and conditional updates."""
import pytest
from enginecases import (
    EVERYTHING,
    ONE,
    Clock,
    cf_def,
    long,
    mutate,
    one_family,
    put,
    refused,
    row,
    session,
)

from pycassa.cassandra.ttypes import ColumnDef
from pycassa.embedded.partitioners import PARTITIONERS

NAMES_ONLY = ([], None)
EQ, GTE, GT, LTE, LT = range(5)


@pytest.fixture
def made():
    """Rows of users: state (indexed text), age (indexed long), name (plain)."""
    columns = [ColumnDef(b'state', 'UTF8Type', 0), ColumnDef(b'age', 'LongType', 0), ColumnDef(b'name', 'UTF8Type')]
    made = one_family(cf_def('B', comparator_type='UTF8Type', column_metadata=columns))
    for number in range(12):
        mutate(made, b'u%02d' % number, 'B', (1, b'state', (b'TX', b'UT', b'CA')[number % 3], 1, None),
               (1, b'age', long(number), 1, None), (1, b'name', b'n%d' % number, 1, None))
    return made


def find(made, *expressions, start=b'', count=100, predicate=EVERYTHING, family='B'):
    found = made.get_indexed_slices((family, None), (list(expressions), start, count), predicate, ONE)
    return [(key, columns[1]) for key, columns in found]


def found(*arguments, **options):
    return [key for key, _ in find(*arguments, **options)]


def users(*numbers):
    return sorted((b'u%02d' % number for number in numbers), key=PARTITIONERS['Murmur3Partitioner'].token)


def test_equality_in_ring_order(made):
    assert found(made, (b'state', EQ, b'TX')) == users(0, 3, 6, 9)
    assert found(made, (b'state', EQ, b'NY')) == []


@pytest.mark.parametrize('operator, numbers', [(EQ, [3]), (GTE, [3, 6, 9]), (GT, [6, 9]), (LTE, [0, 3]), (LT, [0])])
def test_other_expressions_filter_by_the_columns_type(made, operator, numbers):
    assert found(made, (b'state', EQ, b'TX'), (b'age', operator, long(3))) == users(*numbers)


def test_expressions_on_columns_without_an_index(made):
    assert found(made, (b'state', EQ, b'TX'), (b'name', EQ, b'n6')) == users(6)
    assert found(made, (b'state', EQ, b'TX'), (b'absent', EQ, b'n6')) == []


def test_negative_numbers_compare_as_numbers(made):
    put(made, b'young', b'state', b'TX')
    put(made, b'young', b'age', long(-4))
    assert found(made, (b'state', EQ, b'TX'), (b'age', LT, long(0))) == [b'young']


def test_start_key_and_count(made):
    everyone = users(0, 3, 6, 9)
    assert found(made, (b'state', EQ, b'TX'), start=everyone[1]) == everyone[1:]
    assert found(made, (b'state', EQ, b'TX'), start=everyone[1], count=2) == everyone[1:3]
    assert found(made, (b'state', EQ, b'TX'), count=0) == []


def test_columns_follow_the_predicate(made):
    assert find(made, (b'name', EQ, b'n3'), (b'state', EQ, b'TX'), predicate=([b'age'], None)) == \
        [(b'u03', [(b'age', long(3), 1, None)])]
    assert find(made, (b'age', EQ, long(3)), predicate=NAMES_ONLY) == [(b'u03', [])]


def test_3_11_drops_rows_with_nothing_to_show_or_whose_filtered_column_the_predicate_leaves_out():
    made = one_family(cf_def('B', column_metadata=[ColumnDef(b'state', 'UTF8Type', 0)]), '3.11')
    put(made, b'k', b'state', b'TX')
    put(made, b'k', b'a')
    assert found(made, (b'state', EQ, b'TX')) == [b'k']
    assert found(made, (b'state', EQ, b'TX'), predicate=NAMES_ONLY) == []
    assert found(made, (b'state', EQ, b'TX'), predicate=([b'z'], None)) == []
    assert found(made, (b'state', EQ, b'TX'), (b'a', EQ, b'v'), predicate=([b'state'], None)) == []


def test_3_11_drops_rows_of_which_it_reads_no_defined_column():
    made = one_family(cf_def('B', column_metadata=[
        ColumnDef(b'state', 'UTF8Type', 0), ColumnDef(b'name', 'UTF8Type')]), '3.11')
    for name in (b'age', b'name', b'state'):
        put(made, b'k', name, b'TX')

    def shown(predicate):
        return found(made, (b'state', EQ, b'TX'), predicate=predicate) == [b'k']
    assert shown(([b'name'], None)) and shown((None, (b'z', b'b', True, 1)))
    assert shown((None, (b'', b'', False, 1))) and shown((None, (b'', b'', False, 0)))
    assert not shown(([b'age'], None)) and not shown((None, (b'', b'b', False, 9)))


def test_indexes_follow_updates_deletions_and_expiry():
    clock = Clock()
    made = one_family(cf_def('B', column_metadata=[ColumnDef(b'state', 'UTF8Type', 0)]), clock=clock)
    put(made, b'k', b'state', b'TX', 1)
    put(made, b'k', b'state', b'UT', 2)
    assert found(made, (b'state', EQ, b'TX')) == [] and found(made, (b'state', EQ, b'UT')) == [b'k']
    made.remove(b'k', ('B', None, b'state'), 3, ONE)
    assert found(made, (b'state', EQ, b'UT')) == []
    put(made, b'k', b'state', b'UT', 4, 10)
    assert found(made, (b'state', EQ, b'UT')) == [b'k']
    clock.now += 10
    assert found(made, (b'state', EQ, b'UT')) == []
    put(made, b'k', b'state', b'UT', 5)
    made.remove(b'k', ('B', None, None), 6, ONE)
    assert found(made, (b'state', EQ, b'UT')) == []
    put(made, b'k', b'state', b'UT', 7)
    made.truncate('B')
    assert found(made, (b'state', EQ, b'UT')) == []


def test_an_older_write_does_not_enter_the_index():
    made = one_family(cf_def('B', column_metadata=[ColumnDef(b'state', 'UTF8Type', 0)]))
    put(made, b'k', b'state', b'TX', 5)
    put(made, b'k', b'state', b'UT', 4)
    assert found(made, (b'state', EQ, b'UT')) == [] and found(made, (b'state', EQ, b'TX')) == [b'k']


def test_a_number_in_another_spelling_is_another_index_entry():
    made = one_family(cf_def('B', column_metadata=[ColumnDef(b'n', 'IntegerType', 0)]))
    put(made, b'k', b'n', b'\x00\x01')
    assert found(made, (b'n', EQ, b'\x01')) == [] and found(made, (b'n', EQ, b'\x00\x01')) == [b'k']


def test_an_index_added_later_finds_existing_rows():
    made = session()
    put(made, b'k', b'state', b'TX')
    made.system_update_column_family(cf_def('B', column_metadata=[ColumnDef(b'state', 'UTF8Type', 0)]))
    assert found(made, (b'state', EQ, b'TX')) == [b'k']
    made.system_update_column_family(cf_def('B'))
    refused('No indexed columns present in index clause with operator EQ', find, made, (b'state', EQ, b'TX'))


def test_refused_clauses():
    made = session()
    none = 'No indexed columns present in index clause with operator EQ'
    refused('index clause list may not be empty', find, made, family='U')
    refused(none, find, made, (b'num', EQ, long(1)), family='U')
    refused(none, find, made, (b'ix', GTE, b'a'), family='U')
    refused('[6e756d]=[61] failed value validation (Expected 8 or 0 byte long (1))', find, made, (b'num', EQ, b'a'),
            family='U')
    refused("[ff]=[61] failed name validation (String didn't validate.)", find, made, (b'\xff', EQ, b'a'), family='U')
    refused('Index expression values may not be larger than 64K', find, made, (b'ix', EQ, b'x' * 65536), family='U')
    with pytest.raises(Exception, match='must not be negative'):
        find(made, (b'ix', EQ, b'a'), count=-1, family='U')
    assert find(session('3.11'), (b'ix', EQ, b'a'), count=-1, family='U') == []


# --- cas ---------------------------------------------------------------------------------------------------------

SERIAL, QUORUM, ANY = 9, 2, 6


def cas(made, expected, *updates, key=b'k', serial=SERIAL, commit=QUORUM):
    done, found = made.cas(key, 'B', expected, list(updates), serial, commit)
    return done, None if found is None else [item[:2] for item in found[1]]


def col(name, value=b'v', ttl=None):
    return (name, value, 0, ttl)


def test_an_empty_expectation_wants_no_live_column():
    made = session()
    assert cas(made, [], col(b'a', b'1')) == (True, None)
    assert cas(made, [], col(b'a', b'2')) == (False, [(b'a', b'1')])
    made.remove(b'k', ('B', None, None), 2**62, ONE)
    assert cas(made, [], col(b'a', b'3')) == (True, None)


def test_expected_values():
    made = session()
    put(made, b'k', b'a', b'1')
    put(made, b'k', b'b', b'2')
    assert cas(made, [col(b'a', b'1'), col(b'b', b'2')], col(b'a', b'9')) == (True, None)
    assert cas(made, [col(b'a', b'1')], col(b'a', b'8')) == (False, [(b'a', b'9')])
    assert cas(made, [col(b'a', b'9'), col(b'z')], col(b'a', b'8')) == (False, [(b'a', b'9')])
    assert cas(made, [col(b'z')], col(b'a', b'8')) == (False, [])
    assert [item[:2] for item in row(made, b'k')] == [(b'a', b'9'), (b'b', b'2')]


def test_updates_get_the_servers_timestamps():
    made = session(clock=Clock(1700000000.25))
    assert cas(made, [], col(b'a', b'1')) == (True, None)
    assert row(made, b'k') == [(b'a', b'1', 1700000000250000, None)]
    # the clock stands still, and yet the second update follows the first
    assert cas(made, [col(b'a', b'1')], col(b'a', b'0')) == (True, None)
    assert [item[:2] for item in row(made, b'k')] == [(b'a', b'0')]


def test_ttl_of_updates_survives_in_3_11_only():
    for profile, ttl in (('2.1', None), ('3.11', 50)):
        made = session(profile)
        cas(made, [], col(b'a', ttl=50))
        assert row(made, b'k')[0][3] == ttl


def test_levels_of_cas():
    made = session()
    refused('Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL', cas, made, [],
            col(b'a'), serial=ONE)
    refused('SERIAL is not supported as conditional update commit consistency. Use ANY if you mean "make sure it is '
            'accepted but I don\'t care how many replicas commit it for non-SERIAL reads"', cas, made, [], col(b'a'),
            commit=SERIAL)
    assert cas(made, [], col(b'a'), commit=ANY) == (True, None)


def test_refused_cas():
    made = session()
    refused('CAS does not support supercolumns', made.cas, b'k', 'S', [], [col(b'a')], SERIAL, ONE)
    refused('Column timestamp is required', cas, made, [], (b'a', b'v', None, None))
    refused('column name must not be empty', cas, made, [], col(b''))
    with pytest.raises(Exception, match='expected columns'):
        cas(made, None, col(b'a'))
