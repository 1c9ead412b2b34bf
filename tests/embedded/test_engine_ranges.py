"""Reading ranges of rows: ring order, keys and tokens, wrapping, ghosts, filters, paging across rows."""
import pytest
from enginecases import EVERYTHING, ONE, Clock, cf_def, keys, long, mutate, one_family, put, put_below, scan, session

from pycassa.embedded.partitioners import PARTITIONERS

MINIMUM = str(-2**63)


@pytest.fixture
def made():
    made = session()
    for number in range(20):
        put(made, b'k%02d' % number, b'a', b'%d' % number)
    return made


@pytest.fixture
def ring(made):
    token = PARTITIONERS['Murmur3Partitioner'].token
    return sorted((b'k%02d' % number for number in range(20)), key=token)


def token(key):
    return PARTITIONERS['Murmur3Partitioner'].token(key)


@pytest.mark.parametrize('partitioner', PARTITIONERS)
def test_rows_come_in_ring_order(partitioner):
    made = one_family(cf_def('B'), partitioner=partitioner)
    stored = [b'k%02d' % number for number in range(50)] + [b'\xff', b'\x00', b'K']
    for key in stored:
        put(made, key, b'a')
    assert keys(made) == sorted(stored, key=PARTITIONERS[partitioner].position)
    assert keys(made, tokens=(PARTITIONERS[partitioner].text(PARTITIONERS[partitioner].minimum),) * 2) == keys(made)


def test_rows_written_between_scans_are_found_in_place():
    made = session()
    stored = []
    for number in range(300):
        stored.append(b'%d' % (number * 7919))
        put(made, stored[-1], b'a')
        if number % 50 in (0, 1, 2):
            assert keys(made, count=1000) == sorted(stored, key=token)
    assert keys(made, count=1000) == sorted(stored, key=token)


def test_key_ranges_include_both_ends(made, ring):
    assert keys(made, start=ring[3], end=ring[6]) == ring[3:7]
    assert keys(made, start=ring[3]) == ring[3:]
    assert keys(made, end=ring[6]) == ring[:7]
    assert keys(made, start=ring[3], end=ring[3]) == [ring[3]]
    assert keys(made, start=ring[3], count=2) == ring[3:5]


def test_start_keys_need_not_exist(made, ring):
    absent = b'absent'
    assert keys(made, start=absent) == [key for key in ring if token(key) > token(absent)]


def test_token_ranges_exclude_the_start_and_include_the_end(made, ring):
    assert keys(made, tokens=(str(token(ring[3])), str(token(ring[6])))) == ring[4:7]
    assert keys(made, tokens=(MINIMUM, str(token(ring[6])))) == ring[:7]
    assert keys(made, tokens=(str(token(ring[6])), MINIMUM)) == ring[7:]


def test_token_ranges_wrap(made, ring):
    assert keys(made, tokens=(str(token(ring[6])), str(token(ring[3])))) == ring[7:] + ring[:4]
    middle = str(token(ring[6]))
    assert keys(made, tokens=(middle, middle)) == ring[7:] + ring[:7]
    assert keys(made, tokens=('0', '0')) == [key for key in ring if token(key) > 0] + \
        [key for key in ring if token(key) <= 0]


def test_start_key_with_end_token(made, ring):
    def both(start, end):
        found = made.get_range_slices(('B', None), EVERYTHING, (start, None, None, end, 100, None), ONE)
        return [key for key, _ in found]
    assert both(ring[3], str(token(ring[6]))) == ring[3:7]
    assert both(ring[3], MINIMUM) == ring[3:]
    assert both(b'', str(token(ring[6]))) == ring[:7]


def test_pages_continue_from_the_last_key(made, ring):
    seen, start = [], b''
    while True:
        page = keys(made, start=start, count=4)
        fresh = page[1:] if start else page
        if not fresh:
            break
        seen += fresh
        start = page[-1]
    assert seen == ring


# --- ghosts ------------------------------------------------------------------------------------------------------

def test_ghosts():
    clock = Clock()
    made = session(clock=clock)
    put(made, b'live', b'a')
    put(made, b'row deleted', b'a')
    made.remove(b'row deleted', ('B', None, None), 2, ONE)
    put(made, b'column deleted', b'a')
    made.remove(b'column deleted', ('B', None, b'a'), 2, ONE)
    put(made, b'expired', b'a', ttl=1)
    made.remove(b'never written', ('B', None, None), 2, ONE)
    clock.now += 5
    found = dict(scan(made))
    assert found.pop(b'live') == [(b'a', b'v', 1, None)]
    assert found == {b'row deleted': [], b'column deleted': [], b'expired': [], b'never written': []}
    assert dict(scan(made, predicate=([b'z'], None)))[b'live'] == []
    assert dict(scan(made, predicate=(None, (b'', b'', False, 0))))[b'live'] == []


def test_ghosts_use_up_the_count(made, ring):
    for key in ring[:3]:
        made.remove(key, ('B', None, None), 9, ONE)
    found = scan(made, count=4)
    assert [key for key, _ in found] == ring[:4] and [len(items) for _, items in found] == [0, 0, 0, 1]


def test_truncate_leaves_no_ghosts_and_takes_older_timestamps():
    made = session()
    put(made, b'k', b'a', timestamp=9)
    made.remove(b'k', ('B', None, None), 10, ONE)
    made.truncate('B')
    assert keys(made) == []
    put(made, b'k', b'a', timestamp=1)
    assert scan(made) == [(b'k', [(b'a', b'v', 1, None)])]


def test_ranges_of_subcolumns():
    made = session()
    put_below(made, b'a', b'x', long(1))
    put_below(made, b'b', b'y', long(1))
    assert dict(scan(made, 'S', b'x')) == {b'a': [(long(1), b'v', 1, None)], b'b': []}
    assert dict(scan(made, 'S'))[b'b'] == [(b'y', [(long(1), b'v', 1, None)])]


# --- filters -----------------------------------------------------------------------------------------------------

def people(profile='2.1', column_metadata=None):
    made = one_family(cf_def('B', column_metadata=column_metadata), profile)
    for number in range(5):
        mutate(made, b'f%d' % number, 'B', *((1, name, b'%d' % number, 1, None) for name in (b'a', b'b', b'c', b'd')))
    return made


@pytest.mark.parametrize('expressions, found', [
    ([(b'b', 0, b'2')], [2]), ([(b'b', 1, b'2')], [2, 3, 4]), ([(b'b', 2, b'2')], [3, 4]), ([(b'b', 3, b'1')], [0, 1]),
    ([(b'b', 4, b'1')], [0]), ([(b'b', 1, b'1'), (b'c', 4, b'3')], [1, 2]), ([(b'z', 0, b'2')], []),
    ([(b'b', 0, b'2'), (b'z', 0, b'2')], []), ([], [0, 1, 2, 3, 4]),
])
def test_filters_need_no_index(expressions, found):
    assert sorted(keys(people(), row_filter=expressions)) == [b'f%d' % number for number in found]


def test_filters_return_the_predicates_columns_and_no_ghosts():
    made = people()
    made.remove(b'f3', ('B', None, None), 5, ONE)
    found = scan(made, predicate=([b'a'], None), row_filter=[(b'b', 1, b'2')])
    assert sorted(found) == [(b'f2', [(b'a', b'2', 1, None)]), (b'f4', [(b'a', b'4', 1, None)])]
    assert len(keys(made, row_filter=[(b'b', 1, b'0')], count=2)) == 2


def slice_(start=b'', finish=b'', backwards=False, count=100):
    return (None, (start, finish, backwards, count))


@pytest.mark.parametrize('profile, predicate, found', [
    # Up to 2.2 a scan tests what the slice returns, with its count; names are no limit.
    ('2.1', slice_(b'a', b'a'), None), ('2.1', slice_(count=1), None), ('2.1', slice_(count=2), b'ab'),
    ('2.1', slice_(backwards=True, count=3), b'bcd'), ('2.1', ([b'a'], None), b'a'), ('2.1', ([], None), b''),
    # 3.x tests all that the predicate covers, whatever its count.
    ('3.11', slice_(b'a', b'a'), None), ('3.11', slice_(count=1), b'a'),
    ('3.11', slice_(backwards=True, count=1), b'd'),
    ('3.11', ([b'a'], None), None), ('3.11', ([b'a', b'b'], None), b'ab'), ('3.11', slice_(b'c', b'b', True, 1), b'c'),
])
def test_what_a_filter_sees(profile, predicate, found):
    result = scan(people(profile), predicate=predicate, row_filter=[(b'b', 0, b'2')])
    assert result == ([] if found is None else [(b'f2', [(bytes((name,)), b'2', 1, None) for name in found])])


def test_a_filter_over_an_index_sees_the_whole_row():
    from pycassa.cassandra.ttypes import ColumnDef
    made = people(column_metadata=[ColumnDef(b'b', 'BytesType', 0)])
    assert keys(made, predicate=slice_(b'a', b'a'), row_filter=[(b'b', 0, b'2')]) == [b'f2']


def test_refused_filters():
    from enginecases import refused
    made = session()
    refused('super columns are not supported for indexing', scan, made, 'S', row_filter=[(b'a', 0, b'b')])
    refused("[ff]=[61] failed name validation (String didn't validate.)", scan, made, 'U',
            row_filter=[(b'\xff', 0, b'a')])
    refused('[6e756d]=[61] failed value validation (Expected 8 or 0 byte long (1))', scan, made, 'U',
            row_filter=[(b'num', 0, b'a')])
    refused('Index expression values may not be larger than 64K', scan, made, row_filter=[(b'a', 0, b'x' * 65536)])


# --- paging across rows ------------------------------------------------------------------------------------------

@pytest.fixture
def wide():
    made = one_family(cf_def('B'), partitioner='ByteOrderedPartitioner')
    for key in (b'r1', b'r2', b'r3'):
        mutate(made, key, 'B', *((1, name, b'', 1, None) for name in (b'a', b'b', b'c')))
    return made


def paged(made, start=b'', end=b'', count=100, column=b'', tokens=None):
    bounds = (start, end, None, None) if tokens is None else (None, None) + tokens
    found = made.get_paged_slice('B', bounds + (count, None), column, ONE)
    return [(key, b''.join(item[0] for item in columns[1])) for key, columns in found]


def test_paged_slices_stop_in_the_middle_of_a_row(wide):
    assert paged(wide, count=4) == [(b'r1', b'abc'), (b'r2', b'a')]
    assert paged(wide, count=3) == [(b'r1', b'abc')]
    assert paged(wide) == [(b'r1', b'abc'), (b'r2', b'abc'), (b'r3', b'abc')]


def test_the_start_column_is_for_the_row_that_the_range_begins_at(wide):
    assert paged(wide, b'r2', column=b'b') == [(b'r2', b'bc'), (b'r3', b'abc')]
    assert paged(wide, b'r2', column=b'x') == [(b'r2', b''), (b'r3', b'abc')]
    assert paged(wide, column=b'b')[0] == (b'r1', b'abc')
    assert paged(wide, b'r11', column=b'b')[0] == (b'r2', b'abc')


def test_ghosts_appear_in_paged_slices(wide):
    wide.remove(b'r1', ('B', None, None), 2, ONE)
    assert paged(wide, count=1) == [(b'r1', b''), (b'r2', b'a')]


def test_refused_paged_slices(wide):
    from enginecases import refused
    refused('Cross-row paging is not supported along with index clauses', wide.get_paged_slice, 'B',
            (b'', b'', None, None, 5, [(b'a', 0, b'b')]), b'', ONE)
    refused('maxRows must be positive', wide.get_paged_slice, 'B', (b'', b'', None, None, 0, None), b'', ONE)


# --- splits ------------------------------------------------------------------------------------------------------

def test_small_families_are_one_split(made):
    assert made.describe_splits('B', '0', '0', 10) == ['0', '0']
    (split,) = made.describe_splits_ex('B', MINIMUM, MINIMUM, 10)
    assert (split.start_token, split.end_token, split.row_count) == (MINIMUM, MINIMUM, 128)


def test_splits_cover_the_range_once():
    made = session()
    stored = [b'%d' % number for number in range(1000)]
    for key in stored:
        put(made, key, b'a')
    points = made.describe_splits('B', MINIMUM, MINIMUM, 200)
    assert len(points) == 6
    parts = [keys(made, tokens=(first, last), count=1000) for first, last in zip(points, points[1:])]
    assert sorted(sum(parts, [])) == sorted(stored)
    assert [len(part) for part in parts] == [200] * 5


def test_splits_of_an_unknown_family_are_refused(made):
    from enginecases import refused
    refused('unconfigured columnfamily nope', made.describe_splits, 'nope', '0', '0', 10)
