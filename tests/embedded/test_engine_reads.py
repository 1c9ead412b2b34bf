"""Reading one row: slices, names, counts, super columns, multigets, several slices at once."""
import pytest
from enginecases import EVERYTHING, ONE, Clock, cf_def, long, mutate, names, one_family, put, put_below, row, session

from pycassa.cassandra.ttypes import NotFoundException

LETTERS = [b'a', b'b', b'c', b'd', b'e']


@pytest.fixture
def made():
    made = session()
    for letter in LETTERS:
        put(made, b'k', letter, letter.upper(), 5)
    return made


def slice_(start=b'', finish=b'', backwards=False, count=100):
    return (None, (start, finish, backwards, count))


# --- get ---------------------------------------------------------------------------------------------------------

def test_get(made):
    assert made.get(b'k', ('B', None, b'a'), ONE) == (1, [(b'a', b'A', 5, None)])


@pytest.mark.parametrize('key, column', [(b'nobody', b'a'), (b'k', b'z'), (b'k', b'deleted'), (b'k', b'expired')])
def test_get_of_what_is_not_there(key, column):
    clock = Clock()
    made = session(clock=clock)
    put(made, b'k', b'a')
    put(made, b'k', b'deleted')
    made.remove(b'k', ('B', None, b'deleted'), 2, ONE)
    put(made, b'k', b'expired', ttl=1)
    clock.now += 1
    with pytest.raises(NotFoundException):
        made.get(key, ('B', None, column), ONE)
    assert row(made, key, predicate=([column], None)) == []


def test_get_of_a_super_column_gives_all_live_subcolumns():
    made = session()
    put_below(made, b'k', b's', long(2), b'two')
    put_below(made, b'k', b's', long(1), b'one')
    assert made.get(b'k', ('S', b's', None), ONE) == (
        2, [(b's', [(long(1), b'one', 1, None), (long(2), b'two', 1, None)])])
    assert made.get(b'k', ('S', b's', long(2)), ONE) == (1, [(long(2), b'two', 1, None)])
    for path in (('S', b't', None), ('S', b's', long(3)), ('S', b't', long(1))):
        with pytest.raises(NotFoundException):
            made.get(b'k', path, ONE)


def test_a_super_column_without_live_subcolumns_is_not_there():
    made = session()
    put_below(made, b'k', b's', long(1))
    made.remove(b'k', ('S', b's', long(1)), 2, ONE)
    with pytest.raises(NotFoundException):
        made.get(b'k', ('S', b's', None), ONE)
    assert row(made, b'k', 'S') == []
    assert made.get_count(b'k', ('S', None), EVERYTHING, ONE) == 0


# --- slices ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('predicate, found', [
    (slice_(), b'abcde'), (slice_(b'b', b'd'), b'bcd'), (slice_(b'bb', b'dd'), b'cd'), (slice_(b'c'), b'cde'),
    (slice_(b'', b'c'), b'abc'), (slice_(b'c', b'c'), b'c'), (slice_(b'cc', b'cc'), b''), (slice_(b'x'), b''),
    (slice_(count=2), b'ab'), (slice_(count=0), b''), (slice_(b'b', b'e', False, 2), b'bc'),
    (slice_(count=2**31 - 1), b'abcde'),
    (slice_(backwards=True), b'edcba'), (slice_(b'd', b'b', True), b'dcb'), (slice_(b'dd', b'bb', True), b'dc'),
    (slice_(b'c', b'', True), b'cba'), (slice_(b'', b'c', True), b'edc'), (slice_(backwards=True, count=2), b'ed'),
    (slice_(b'c', b'c', True), b'c'), (slice_(b'\x01', b'', True), b''),
])
def test_slices(made, predicate, found):
    assert b''.join(names(made, b'k', predicate=predicate)) == found


def test_names_come_in_comparator_order_once_and_without_a_limit(made):
    assert names(made, b'k', predicate=([b'e', b'a', b'z', b'a', b'c'], None)) == [b'a', b'c', b'e']
    many = [b'%04d' % number for number in range(500)]
    mutate(made, b'wide', 'B', *((1, name, b'', 1, None) for name in many))
    assert names(made, b'wide', predicate=(many, None)) == many


def test_deleted_columns_do_not_use_up_the_count(made):
    mutate(made, b'k', 'B', (5, 6, None, ([b'a', b'c'], None)))
    assert names(made, b'k', predicate=slice_(count=2)) == [b'b', b'd']
    assert names(made, b'k', predicate=slice_(backwards=True, count=3)) == [b'e', b'd', b'b']


def test_columns_written_in_any_order_between_reads_sort():
    made = session()
    for number in (5, 3, 9, 1, 7, 2, 8, 0, 6, 4):
        put(made, b'k', b'%d' % number)
        ordered = names(made, b'k')
        assert ordered == sorted(ordered) and b'%d' % number in ordered


def test_a_few_new_columns_in_a_wide_row_sort():
    made = session()
    mutate(made, b'k', 'B', *((1, b'%05d' % (number * 2), b'', 1, None) for number in range(2000)))
    assert len(names(made, b'k', predicate=slice_(count=9999))) == 2000
    put(made, b'k', b'00001')
    put(made, b'k', b'99999')
    found = names(made, b'k', predicate=slice_(count=9999))
    assert found == sorted(found) and len(found) == 2002 and found[1] == b'00001'


def test_reported_ttl_and_timestamp_are_those_written():
    clock = Clock()
    made = session(clock=clock)
    put(made, b'k', b'a', b'', -7, 100)
    clock.now += 60
    assert row(made, b'k') == [(b'a', b'', -7, 100)]


# --- super columns -----------------------------------------------------------------------------------------------

@pytest.fixture
def supers():
    made = session()
    for name in (b'x', b'y', b'z'):
        mutate(made, b'k', 'S', (2, name, [(long(number), name, 1, None) for number in (3, -1, 2)]))
    return made


SUBCOLUMNS = [long(-1), long(2), long(3)]


def test_slices_of_super_columns(supers):
    assert names(supers, b'k', 'S') == [b'x', b'y', b'z']
    assert names(supers, b'k', 'S', predicate=slice_(b'y', count=1)) == [b'y']
    assert names(supers, b'k', 'S', predicate=([b'z', b'nope', b'x'], None)) == [b'x', b'z']
    found = row(supers, b'k', 'S', predicate=slice_(backwards=True))
    assert [name for name, _ in found] == [b'z', b'y', b'x']
    assert all([column[0] for column in columns] == SUBCOLUMNS for _, columns in found)


def test_slices_of_subcolumns(supers):
    assert names(supers, b'k', 'S', b'x') == SUBCOLUMNS
    assert names(supers, b'k', 'S', b'x', slice_(backwards=True, count=2)) == [long(3), long(2)]
    assert names(supers, b'k', 'S', b'x', slice_(long(0), long(2))) == [long(2)]
    assert names(supers, b'k', 'S', b'x', ([long(3), long(9), long(-1)], None)) == [long(-1), long(3)]
    assert names(supers, b'k', 'S', b'nope') == []
    assert names(supers, b'nobody', 'S', b'x') == []


def test_counts_of_super_columns_and_subcolumns(supers):
    assert supers.get_count(b'k', ('S', None), EVERYTHING, ONE) == 3
    assert supers.get_count(b'k', ('S', b'x'), slice_(count=2), ONE) == 2
    assert supers.get_count(b'k', ('S', None), (None, None), ONE) == 3


# --- many rows ---------------------------------------------------------------------------------------------------

def test_multigets_answer_every_key_once(made):
    found = made.multiget_slice([b'k', b'nobody', b'k'], ('B', None), slice_(count=1), ONE)
    assert found == {b'k': (1, [(b'a', b'A', 5, None)]), b'nobody': (1, [])}
    assert made.multiget_count([b'k', b'nobody'], ('B', None), EVERYTHING, ONE) == {b'k': 5, b'nobody': 0}
    assert made.multiget_slice([], ('B', None), EVERYTHING, ONE) == {}
    assert made.multiget_slice([b'k', b'j'], ('SC', None), EVERYTHING, ONE) == {b'k': (4, []), b'j': (4, [])}


# --- counts ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('predicate, count', [
    (slice_(), 5), (slice_(count=3), 3), (slice_(b'b', b'd'), 3), (([b'a', b'z'], None), 1), ((None, None), 5),
    (slice_(count=0), 0),
])
def test_counts(made, predicate, count):
    assert made.get_count(b'k', ('B', None), predicate, ONE) == count
    if predicate != (None, None):
        assert made.multiget_count([b'k'], ('B', None), predicate, ONE) == {b'k': count}


@pytest.mark.parametrize('key, parent, predicate', [
    (b'k', ('B', None), slice_(count=-1)), (b'k', ('B', None), slice_(b'd', b'a')), (b'', ('B', None), slice_()),
])
def test_counts_of_slices_are_not_validated_since_2_0(made, key, parent, predicate):
    assert made.get_count(key, parent, predicate, ONE) == 0
    assert made.get_count(b'k', ('B', b'ignored'), slice_(), ONE) == 5


def test_counts_validate_in_1_2():
    made = session('1.2')
    put(made, b'k', b'a')
    for arguments in ((b'', ('B', None), slice_()), (b'k', ('B', b's'), slice_()),
                      (b'k', ('B', None), slice_(b'b', b'a'))):
        with pytest.raises(Exception, match='InvalidRequest'):
            made.get_count(*arguments, ONE)
    assert made.get_count(b'k', ('B', None), slice_(count=-1), ONE) == -1
    assert made.get_count(b'k', ('B', None), (None, None), ONE) == 1


# --- several slices ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize('slices, backwards, count, found', [
    ([(b'd', b'e'), (b'a', b'b')], False, 10, b'abde'), ([(b'a', b'c'), (b'b', b'd')], False, 10, b'abcd'),
    ([(None, b'b'), (b'e', None)], False, 10, b'abe'), ([(None, None)], False, 3, b'abc'),
    ([(b'b', b'a'), (b'e', b'd')], True, 3, b'edb'), ([], False, 10, b''), ([(None, None)], False, 0, b''),
    ([(None, None)], False, -1, b''),
])
def test_multi_slices(made, slices, backwards, count, found):
    kind, items = made.get_multi_slice(b'k', ('B', None), slices, backwards, count, ONE)
    assert kind == 1 and b''.join(item[0] for item in items) == found


def test_refused_multi_slices(made):
    from enginecases import refused
    refused('Column slice at index 1 had start greater than finish', made.get_multi_slice, b'k', ('B', None),
            [(b'a', b'b'), (b'b', b'a')], False, 5, ONE)
    refused('Reversed column slice at index 0 had start less than finish', made.get_multi_slice, b'k', ('B', None),
            [(b'a', b'b')], True, 5, ONE)
    refused('get_multi_slice does not support super columns', made.get_multi_slice, b'k', ('S', None), [],
            False, 5, ONE)
    assert made.get_multi_slice(b'nobody', ('B', None), [(None, None)], False, 5, ONE) == (1, [])


# --- kinds -------------------------------------------------------------------------------------------------------

def test_kinds_of_empty_rows():
    made = session()
    for family, super_column, kind in (('B', None, 1), ('S', None, 2), ('S', b's', 1), ('C', None, 3), ('SC', None, 4),
                                       ('SC', b's', 3)):
        assert made.get_slice(b'nobody', (family, super_column), EVERYTHING, ONE) == (kind, [])


def test_reversed_comparators_take_bounds_in_their_own_order():
    made = one_family(cf_def('F', comparator_type='ReversedType(LongType)'))
    for number in range(5):
        put(made, b'k', long(number), family='F')
    assert names(made, b'k', 'F') == [long(number) for number in (4, 3, 2, 1, 0)]
    assert names(made, b'k', 'F', predicate=slice_(long(3), long(1))) == [long(3), long(2), long(1)]
    assert names(made, b'k', 'F', predicate=slice_(long(1), long(3), True)) == [long(1), long(2), long(3)]
