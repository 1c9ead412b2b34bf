"""What each method of ColumnFamily asks the operations for, and what it makes of the answers."""
import pytest

from pycassa.cassandra.ttypes import InvalidRequestException, NotFoundException
from pycassa.columnfamily import MAX_COUNT, ColumnFamily
from pycassa.errors import PackingError
from pycassa.index import GT, LT, create_index_clause, create_index_expression
from pycassa.operations import Names, Slice

ZERO = b'\0' * 8


def number(value):
    return value.to_bytes(8, 'big', signed=True)


@pytest.fixture
def standard(client):
    return ColumnFamily(client, 'Standard')


@pytest.fixture
def numbers(client):
    return ColumnFamily(client, 'Numbers')


@pytest.fixture
def supers(client):
    return ColumnFamily(client, 'Super')


@pytest.fixture
def operations(client):
    return client.operations


# --- get -------------------------------------------------------------------------------------------------------------

def test_get_asks_for_a_slice(standard, operations):
    operations.answers['get_slice'] = {'a': 'b'}
    assert standard.get('k') == {'a': 'b'}
    layout, key, inside, predicate, level, dict_class, flags = operations.last.args
    assert (layout.family, key, inside, predicate) == (b'Standard', b'k', None, Slice(b'', b'', False, 100))
    assert (level, dict_class, flags) == (1, standard.dict_class, 0)


def test_get_passes_everything_on(standard, operations, flags):
    operations.answers['get_slice'] = {'a': 'b'}
    standard.get('k', None, 'x', 'y', True, 5, True, None, 2, True)
    assert operations.last.args[3] == Slice(b'x', b'y', True, 5)
    assert operations.last.args[4] == 2
    assert operations.last.args[6] == flags.timestamp | flags.ttl


def test_get_of_one_column_is_thrifts_get(standard, operations):
    operations.answers['get'] = ('a', 'b')
    row = standard.get('k', (name for name in ['a']))
    assert row == {'a': 'b'} and type(row) is standard.dict_class
    assert operations.last.method == 'get'
    assert operations.last.args[1:4] == (b'k', None, b'a')


def test_get_of_one_super_column(supers, operations):
    operations.answers['get'] = ('s', {'a': 'b'})
    assert supers.get('k', ['s']) == {'s': {'a': 'b'}}
    assert operations.last.args[1:4] == (b'k', b's', None)
    operations.answers['get'] = ('a', 'b')
    assert supers.get('k', ['a'], super_column='s') == {'a': 'b'}
    assert operations.last.args[1:4] == (b'k', b's', b'a')


def test_get_of_several_columns(standard, operations):
    operations.answers['get_slice'] = {'a': 'b'}
    standard.get('k', {'a', 'b'})
    assert set(operations.last.args[3].names) == {b'a', b'b'}
    standard.get('k', [])
    assert operations.last.args[3] == Names([])


def test_get_of_nothing_raises_not_found(standard, operations):
    operations.answers['get_slice'] = {}
    with pytest.raises(NotFoundException):
        standard.get('k')
    operations.answers['get'] = NotFoundException()
    with pytest.raises(NotFoundException):
        standard.get('k', ['a'])


@pytest.mark.parametrize('zero', [0, False])
def test_falsy_names_are_names(numbers, supers, operations, zero):
    operations.answers['get_slice'] = {1: 1}
    operations.answers['get'] = (1, 1)
    numbers.get(zero, column_start=zero, column_finish=zero)
    assert operations.last.args[1] == ZERO
    assert operations.last.args[3][:2] == (ZERO, ZERO)
    numbers.get(zero, [zero])
    assert operations.last.args[3] == ZERO
    supers.super_column_name_class = 'LongType'
    supers.get('k', super_column=zero)
    assert operations.last.args[2] == ZERO


@pytest.mark.parametrize('open_end', ['', b'', None, bytearray()])
def test_open_ends(numbers, operations, open_end):
    operations.answers['get_slice'] = {1: 1}
    numbers.get(1, column_start=open_end, column_finish=open_end)
    assert operations.last.args[3][:2] == (b'', b'')


def test_ends_of_composites_and_reversed_slices(client, operations):
    pairs = ColumnFamily(client, 'Pairs')
    operations.answers['get_slice'] = {1: 1}
    pairs.get('k', column_start=(1,), column_finish=(2,))
    start, finish = operations.last.args[3][:2]
    assert (start[-1:], finish[-1:]) == (b'\xff', b'\1')
    pairs.get('k', column_start=(2,), column_finish=(1,), column_reversed=True)
    start, finish = operations.last.args[3][:2]
    assert (start[-1:], finish[-1:]) == (b'\1', b'\xff')


def test_counts_fit_into_32_bits(standard, operations):
    operations.answers['get_slice'] = {1: 1}
    standard.get('k', column_count=10_000_000)
    assert operations.last.args[3].count == 10_000_000
    standard.get('k', column_count=2 ** 40)
    assert operations.last.args[3].count == MAX_COUNT
    standard.get('k', column_count=None)
    assert operations.last.args[3].count == MAX_COUNT


def test_errors_name_family_and_type(numbers):
    with pytest.raises(PackingError, match="Numbers.*'abc'.*LongType"):
        numbers.get('abc')
    with pytest.raises(PackingError, match='None is no column name'):
        numbers.get(1, [None])


# --- multiget --------------------------------------------------------------------------------------------------------

def test_multiget_keeps_the_order_and_the_form_of_keys(standard, operations):
    operations.answers['multiget_slice'] = lambda layout, keys, *rest: {key: {'a': key} for key in reversed(keys)}
    rows = standard.multiget(iter(['b', b'c', 'a', bytearray(b'd'), 'b']), buffer_size=2)
    assert list(rows) == ['b', b'c', 'a', 'd']
    assert [call.args[1] for call in operations.calls] == [[b'b', b'c'], [b'a', b'd']]
    assert type(rows) is standard.dict_class


def test_multiget_leaves_empty_and_omitted_rows_out(standard, operations):
    operations.answers['multiget_slice'] = {b'a': {}, b'c': {'x': 'y'}}
    assert standard.multiget(['a', 'b', 'c']) == {'c': {'x': 'y'}}


def test_multiget_of_no_keys_calls_nothing(standard, operations):
    assert standard.multiget([]) == {}
    assert standard.multiget_count(set()) == {}
    assert operations.calls == []


def test_multiget_keys_that_pack_alike(standard, operations):
    operations.answers['multiget_slice'] = lambda layout, keys, *rest: {key: {'a': 'b'} for key in keys}
    assert standard.multiget(['k', b'k']) == {'k': {'a': 'b'}, b'k': {'a': 'b'}}
    assert operations.last.args[1] == [b'k']


def test_counts(standard, supers, operations):
    operations.answers['get_count'] = 3
    operations.answers['multiget_count'] = {b'a': 2}
    assert standard.get_count('k') == 3
    assert operations.last.args[1:] == (b'k', None, Slice(b'', b'', False, MAX_COUNT), 1)
    assert supers.get_count('k', 's', 2, None, 'a', 'b', True) == 3
    assert operations.last.args[1:] == (b'k', b's', Slice(b'a', b'b', True, MAX_COUNT), 2)
    assert standard.get_count('k', None, 2, None, 'a', 'b', True, 9) == 3
    assert operations.last.args[1:] == (b'k', None, Slice(b'a', b'b', True, 9), 2)
    assert standard.multiget_count(('b', 'a')) == {'b': 0, 'a': 2}
    assert list(standard.multiget_count(('b', 'a'))) == ['b', 'a']
    assert supers.multiget_count({'a': 1}, super_column='s', columns=['x']) == {'a': 2}
    assert operations.last.args[1:] == ([b'a'], b's', Names([b'x']), 1)


# --- iteration -------------------------------------------------------------------------------------------------------

def test_xget_pages_by_packed_names(numbers, operations):
    pages = {b'': [(number(1), 1, 'a'), (number(2), 2, 'b')], number(2): [(number(2), 2, 'b'), (number(3), 3, 'c')],
             number(3): [(number(3), 3, 'c')]}
    operations.answers['get_slice_items'] = lambda layout, key, inside, part, *rest: pages[part.start]
    assert list(numbers.xget(7, buffer_size=1)) == [(1, 'a'), (2, 'b'), (3, 'c')]
    assert [call.args[3].count for call in operations.calls] == [2, 2, 2]
    assert list(numbers.xget(7, buffer_size=2, column_count=2)) == [(1, 'a'), (2, 'b')]


def test_xget_asks_nothing_before_it_is_iterated(standard, operations):
    standard.xget('k')
    standard.get_range()
    assert operations.calls == []


@pytest.mark.parametrize('ends', [
    {'start_token': '1', 'start': 'a'}, {'start_token': '1', 'finish': 'a'}, {'finish_token': '1', 'finish': 'a'}])
def test_get_range_ends_that_cannot_go_together(standard, ends):
    rows = standard.get_range(**ends)
    with pytest.raises(ValueError, match='get_range'):
        next(rows)


def test_get_range_by_token_goes_on_by_key(numbers, operations):
    pages = [[(number(1), {1: 1}), (number(2), {1: 1})], [(number(2), {1: 1}), (number(3), {1: 1})],
             [(number(3), {1: 1})], []]
    operations.answers['get_range_slices'] = lambda *args: pages.pop(0)
    assert [key for key, _ in numbers.get_range(start_token=5, finish_token=-5, buffer_size=2)] == [1, 2, 3]
    asked = [call.args[3] for call in operations.calls]
    lowest = str(-2 ** 63)
    assert [(each.start_key, each.start_token, each.end_token, each.count) for each in asked] == [
        (None, '5', lowest, 2), (number(2), None, lowest, 2), (number(3), None, lowest, 2), (None, lowest, '-5', 2)]


def test_get_range_filters_empty_rows_on_a_pool_only(client, pool, operations):
    operations.answers['get_range_slices'] = [(b'a', {}), (b'b', {'x': 'y'})]
    everything, filtered = [('a', {}), ('b', {'x': 'y'})], [('b', {'x': 'y'})]
    assert list(ColumnFamily(client, 'Standard').get_range()) == everything
    assert list(ColumnFamily(client, 'Standard').get_range(filter_empty=True)) == filtered
    assert list(ColumnFamily(pool, 'Standard').get_range()) == filtered
    assert list(ColumnFamily(pool, 'Standard').get_range(filter_empty=False)) == everything
    assert list(ColumnFamily(pool, 'Standard').get_range(filter_empty=False, column_count=0)) == everything


def test_get_range_stops_at_row_count_over_all_parts(numbers, operations):
    operations.answers['get_range_slices'] = lambda layout, inside, predicate, part, *rest: [
        (number(1 if part.start_token == '5' else 2), {1: 1})]
    assert [key for key, _ in numbers.get_range(start_token=5, finish_token=5, row_count=1)] == [1]
    assert [key for key, _ in numbers.get_range(start_token=5, finish_token=5, row_count=2)] == [1, 2]


def test_get_indexed_slices(standard, numbers, supers, operations):
    operations.answers['get_indexed_slices'] = [(b'a', {'x': 'y'})]
    clause = create_index_clause([create_index_expression('age', 7), create_index_expression('name', 'n', GT)],
                                 start_key='k', count=None)
    assert list(standard.get_indexed_slices(clause, columns=['x'])) == [('a', {'x': 'y'})]
    layout, expressions, start_key, count, predicate = operations.last.args[:5]
    assert expressions == [(b'age', 0, number(7)), (b'name', 2, b'n')]
    assert (start_key, count, predicate) == (b'k', 1024, Names([b'x', b'age', b'name']))
    one = create_index_clause([create_index_expression('age', 7)])
    assert list(standard.get_indexed_slices(one, columns=['x'])) == [('a', {'x': 'y'})]
    assert operations.last.args[4] == Names([b'x', b'age'])
    assert (clause.start_key, clause.count, clause.expressions[0].value) == ('k', None, 7)
    with pytest.raises(AssertionError):
        next(supers.get_indexed_slices(clause))
    with pytest.raises(PackingError):
        next(standard.get_indexed_slices(create_index_clause([create_index_expression('age', None)])))


def test_get_indexed_slices_of_a_part_of_the_columns_takes_two_calls(standard, operations):
    clause = create_index_clause([create_index_expression('age', 7), create_index_expression('age', 9, LT)])
    operations.answers.update(get_indexed_slices=[(b'b', {'age': 7}), (b'a', {'age': 8})],
                              multiget_slice={b'a': {'x': 'y'}})
    for part in ({'column_start': 'x'}, {'column_finish': 'x'}, {'column_reversed': True}):
        del operations.calls[:]
        assert list(standard.get_indexed_slices(clause, column_count=5, **part)) == [('b', {}), ('a', {'x': 'y'})]
        first, second = operations.calls
        assert (first.method, first.args[4]) == ('get_indexed_slices', Names([b'age']))
        bounds = part.get('column_start', '').encode(), part.get('column_finish', '').encode()
        assert second.args[1:4] == ([b'b', b'a'], None, Slice(*bounds, 'column_reversed' in part, 5))
    operations.answers['get_indexed_slices'] = []
    assert list(standard.get_indexed_slices(clause, column_start='x')) == []
    assert operations.last.method == 'get_indexed_slices'
    list(standard.get_indexed_slices(clause, column_count=5))
    assert operations.last.args[4] == Slice(count=5)


# --- writes ----------------------------------------------------------------------------------------------------------

def test_insert(standard, operations):
    standard.timestamp = lambda: 11
    assert standard.insert('k', {'a': 'b'}) == 11
    assert operations.last.args[1:] == ({'k': {'a': 'b'}}, 11, None, 1, True)
    assert standard.insert('k', {'a': 'b'}, 5, 10.9, 2) == 5
    assert operations.last.args[1:] == ({'k': {'a': 'b'}}, 5, 10, 2, True)
    assert standard.insert('k', {'a': 'b'}, clock=6) == 6
    standard.timestamp = 12
    assert standard.insert('k', {'a': 'b'}) == 12
    assert standard.insert('k', {'a': 'b'}, timestamp=0) == 0


def test_insert_with_a_key_that_is_not_hashable(standard, operations, mutations):
    standard.insert(bytearray(b'k'), {'a': 'b'}, timestamp=3)
    entry, = operations.last.args[0]
    assert (entry.key, entry.family) == (b'k', b'Standard')
    column = mutations(entry)[0].column_or_supercolumn.column
    assert (column.name, column.value, column.timestamp) == (b'a', b'b', 3)


def test_batch_insert(standard, operations):
    assert standard.batch_insert({}, timestamp=9) == 9
    assert operations.calls == []
    assert standard.batch_insert({'k': {'a': 'b'}, 'l': {'c': 'd'}}, timestamp=9, ttl=1.5) == 9
    assert operations.last.args[1:] == ({'k': {'a': 'b'}, 'l': {'c': 'd'}}, 9, 1, 1, True)


@pytest.mark.parametrize('options, what', [
    ({'timestamp': 'now'}, 'timestamp'), ({'timestamp': float('inf')}, 'timestamp'), ({'clock': [1]}, 'timestamp'),
    ({'ttl': float('nan')}, 'ttl'), ({'ttl': float('inf')}, 'ttl'), ({'ttl': 'a day'}, 'ttl'), ({'ttl': ()}, 'ttl')])
def test_timestamps_and_ttls_that_are_no_numbers_are_named(standard, operations, options, what):
    for write in (standard.insert, standard.batch().insert):
        with pytest.raises(PackingError, match=what):
            write('k', {'a': 'b'}, **options)
    assert operations.calls == []


def test_counters_are_not_retried_unless_asked(client, operations):
    counters = ColumnFamily(client, 'Counters')
    for retry in (False, True):
        counters.retry_counter_mutations = retry
        counters.insert('k', {'a': 1})
        assert operations.last.args[-1] is retry
        counters.add('k', 'a', -2)
        assert operations.last.args[1:] == (b'k', None, b'a', -2, 1, retry)
        counters.remove_counter('k', 'a')
        assert operations.last.args[1:] == (b'k', None, b'a', 1, retry)
        counters.remove('k', ['a'])
        assert operations.last.args[-1] is retry
        counters.batch().insert('k', {'a': 1}).send()
        assert operations.last.args[-1] is retry


@pytest.mark.parametrize('value', [1.5, '1', None, 2 ** 63])
def test_add_takes_ints_of_64_bits(client, value):
    with pytest.raises(PackingError, match='Counters.*column.*64 bits'):
        ColumnFamily(client, 'Counters').add('k', 'a', value)


def test_add_takes_what_stands_for_an_int(client, operations):
    class Number:
        def __index__(self):
            return 7

    ColumnFamily(client, 'Counters').add('k', 'a', Number())
    assert operations.last.args[4] == 7 and type(operations.last.args[4]) is int


def removed(operations, mutations):
    """(super column, names or (start, finish) or None, timestamp) of the deletion sent last."""
    deletion = mutations(operations.last.args[0][0])[0].deletion
    predicate = deletion.predicate
    if predicate is None:
        what = None
    elif predicate.slice_range is not None:
        what = (predicate.slice_range.start, predicate.slice_range.finish)
    else:
        what = predicate.column_names
    return deletion.super_column, what, deletion.timestamp


def test_remove(standard, supers, operations, mutations):
    assert standard.remove('k', timestamp=5) == 5
    assert removed(operations, mutations) == (None, None, 5)
    assert standard.remove('k', (name for name in 'ab'), timestamp=6) == 6
    assert removed(operations, mutations) == (None, [b'a', b'b'], 6)
    assert supers.remove('k', ['a'], 's', 2, 7) == 7
    assert removed(operations, mutations) == (b's', [b'a'], 7)
    assert operations.last.args[1] == 2
    supers.remove('k', super_column='s', timestamp=8)
    assert removed(operations, mutations) == (b's', None, 8)
    standard.remove('k', column_start='a', column_finish='c', timestamp=9)
    assert removed(operations, mutations) == (None, (b'a', b'c'), 9)


def test_remove_never_widens(standard, operations):
    standard.remove('k', [])
    standard.remove('k', iter(()))
    for ends in ({'column_start': 'a'}, {'column_finish': 'a'}, {'column_start': '', 'column_finish': ''},
                 {'column_start': 'a', 'column_finish': ''}, {'columns': ['a'], 'column_start': 'a',
                                                              'column_finish': 'b'}):
        with pytest.raises(ValueError):
            standard.remove('k', **ends)
    assert operations.calls == []


def test_remove_of_falsy_names(numbers, supers, operations, mutations):
    numbers.remove(0, [0], timestamp=0)
    assert removed(operations, mutations) == (None, [ZERO], 0)
    supers.super_column_name_class = 'LongType'
    supers.remove('k', super_column=0, timestamp=0)
    assert removed(operations, mutations) == (ZERO, None, 0)


def test_truncate(standard, operations):
    standard.truncate()
    assert operations.last.method == 'truncate' and operations.last.args == ('Standard',)


def test_errors_of_the_server_come_through(standard, operations):
    operations.answers['insert_rows'] = InvalidRequestException('why not')
    with pytest.raises(InvalidRequestException, match='why not'):
        standard.insert('k', {'a': 'b'})


def test_methods_may_be_wrapped(standard, operations, monkeypatch):
    from pycassa.batch import Mutator
    seen = []

    def wrap(owner, name):
        inner = getattr(owner, name)

        def wrapper(self, *args, **kwargs):
            seen.append(name)
            return inner(self, *args, **kwargs)
        monkeypatch.setattr(owner, name, wrapper)

    for name in ('get', 'multiget', 'xget', 'get_range', 'insert', 'remove'):
        wrap(ColumnFamily, name)
    wrap(Mutator, 'send')
    operations.answers.update(get_slice={'a': 'b'}, multiget_slice={}, get_slice_items=[], get_range_slices=[])
    standard.get('k')
    standard.multiget(['k'])
    list(standard.xget('k'))
    list(standard.get_range())
    standard.insert('k', {'a': 'b'})
    standard.remove('k')
    assert seen == ['get', 'multiget', 'xget', 'get_range', 'insert', 'remove', 'send']
    monkeypatch.setattr(ColumnFamily, 'get_or_none', lambda self, key: self.get(key) or None, raising=False)
    assert standard.get_or_none('k') == {'a': 'b'}
