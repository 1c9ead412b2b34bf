"""Reading by secondary indexes: whichever columns are wanted of a row, and in pages of every size, no row gets lost."""
import pytest

from pycassa.cassandra.ttypes import ColumnDef, IndexType
from pycassa.columnfamilymap import ColumnFamilyMap
from pycassa.index import GT, GTE, create_index_clause, create_index_expression
from pycassa.types import UTF8Type

STATE = create_index_expression('state', 'UT')
# Conditions beside that on the indexed column: on a column that the schema defines, and on another.
BESIDE = {'alone': [], 'defined': [create_index_expression('born', 1900, GT)],
          'free': [create_index_expression('x', '0', GTE)]}


@pytest.fixture
def users(create):
    columns = {b'state': ColumnDef(name=b'state', validation_class='UTF8Type', index_type=IndexType.KEYS,
                                   index_name='indexes_state_idx'), b'born': 'LongType'}
    family = create('Users', columns=columns)
    family.batch_insert({f'user{number}': {'a': 'A', 'born': 1960 + number, 'state': 'UT' if number % 2 else 'NY',
                                           'x': str(number)} for number in range(10)}, timestamp=7, ttl=1000)
    return family


def read(users, beside, **options):
    clause = create_index_clause([STATE, *BESIDE[beside]], count=None)
    return dict(users.get_indexed_slices(clause, **options))


@pytest.mark.parametrize('beside', BESIDE)
@pytest.mark.parametrize('buffer_size', [1, 2, 100])
def test_every_choice_of_columns(users, beside, buffer_size):
    """Cassandra 3.11 itself drops rows and columns for most of them."""
    rows = {f'user{number}': {'a': 'A', 'born': 1960 + number, 'state': 'UT', 'x': str(number)}
            for number in range(1, 10, 2)}
    for names in ('a', 'x', 'ax', ['born'], ['state'], ['born', 'x'], ['state', 'x'], ['born', 'state', 'a', 'x'],
                  ['nothing'], ['nothing', 'x'], []):
        assert read(users, beside, columns=names, buffer_size=buffer_size) == {
            key: {name: value for name, value in row.items() if name in names} for key, row in rows.items()}, names
    for start, finish in (('', ''), ('x', ''), ('', 'a'), ('b', 'c'), ('born', 'born'), ('b', 't'), ('t', '')):
        assert read(users, beside, column_start=start, column_finish=finish, buffer_size=buffer_size) == {
            key: {name: value for name, value in row.items() if start <= name and (not finish or name <= finish)}
            for key, row in rows.items()}, (start, finish)
    assert read(users, beside, column_count=1, buffer_size=buffer_size) == {key: {'a': 'A'} for key in rows}
    assert read(users, beside, column_start='b', column_count=1, buffer_size=buffer_size) == {
        key: {'born': row['born']} for key, row in rows.items()}


def test_what_is_included(users):
    assert read(users, 'alone', columns=['x'], include_timestamp=True, include_ttl=True)['user3'] == {
        'x': ('3', 7, 1000)}
    assert read(users, 'free', column_start='x', include_ttl=True)['user3'] == {'x': ('3', 1000)}
    assert read(users, 'defined', column_count=1, include_timestamp=True)['user3'] == {'a': ('A', 7)}


def test_mapped_classes_without_the_indexed_column(users, connection):
    class User:
        x = UTF8Type()
    found = list(ColumnFamilyMap(User, connection, 'Users').get_indexed_slices(create_index_clause([STATE])))
    assert {user.key: user.x for user in found} == {f'user{number}': str(number) for number in range(1, 10, 2)}
