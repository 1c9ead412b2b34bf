"""What NotFoundException says of a row that is not there, and of columns that are not."""
import pickle

import pytest

from pycassa.cassandra.ttypes import NotFoundException
from pycassa.columnfamily import ColumnFamily

HOW_TO_TELL = '. The row may have others, or not exist at all: then get_count(key, max_count=1) is 0'


@pytest.fixture
def error_of(client):
    """A function that gives the error of a `get` of a family of the client, none of which has any rows."""
    client.operations.answers.update(get_slice={}, get=NotFoundException(), get_multi_slice={})

    def error_of(name, *args, method='get', **options):
        with pytest.raises(NotFoundException) as caught:
            getattr(ColumnFamily(client, name), method)(*args, **options)
        assert type(caught.value) is NotFoundException
        return caught.value
    return error_of


@pytest.mark.parametrize('options', [{}, {'column_reversed': True}, {'column_count': 1}, {'column_start': None},
                                     {'column_finish': b''}, {'include_ttl': True}])
def test_a_row_that_is_not_there(error_of, options):
    error = error_of('Standard', 'k', **options)
    assert error.why == "column family 'Standard' has no row 'k'" and error.row_exists is False


@pytest.mark.parametrize('name, options, what', [
    ('Standard', {'columns': ['a']}, "no column 'a'"),
    ('Standard', {'columns': ('b', 'a')}, "none of the columns 'b', 'a'"),
    ('Standard', {'columns': [b'b', 'a']}, "none of the columns b'b', 'a'"),
    ('Standard', {'columns': {'b': 1}}, "no column 'b'"),
    ('Standard', {'columns': iter(['b', 'a'])}, "none of the columns b'b', b'a'"),
    ('Standard', {'columns': map(str, range(9))}, "none of the columns b'0', b'1', b'2', b'3', b'4' and 4 more"),
    ('Standard', {'column_start': 'a'}, "no column from 'a'"),
    ('Standard', {'column_finish': 'z'}, "no column to 'z'"),
    ('Standard', {'column_start': 'z', 'column_finish': 'a', 'column_reversed': True},
     "no column from 'z' to 'a' in descending order"),
    ('Numbers', {'columns': [0]}, 'no column 0'),
    ('Numbers', {'column_start': 0}, 'no column from 0'),
    ('Pairs', {'column_start': (1, ('x', False))}, "no column from (1, ('x', False))"),
    ('Super', {'columns': ['s']}, "no super column 's'"),
    ('Super', {'column_start': 's'}, "no super column from 's'"),
    ('Super', {'super_column': 's'}, "no subcolumn in super column 's'"),
    ('Super', {'super_column': 's', 'columns': ['a']}, "no subcolumn 'a' in super column 's'"),
    ('Super', {'super_column': 's', 'columns': ['a', 'b']}, "none of the subcolumns 'a', 'b' in super column 's'"),
])
def test_columns_that_are_not_there(error_of, client, name, options, what):
    key = 5 if name == 'Numbers' else 'k'
    error = error_of(name, key, **options)
    assert error.why == f'column family {name!r}, row {key!r}: {what}{HOW_TO_TELL}'
    assert error.row_exists is None
    assert len(client.operations.calls) == 1


@pytest.mark.parametrize('method, options, what', [
    ('get', {'columns': []}, 'columns=[]'), ('get', {'column_count': 0}, 'column_count=0'),
    ('get_multi_slice', {'slices': []}, 'slices=[] or column_count=0'),
    ('get_multi_slice', {'slices': [('', '')], 'column_count': 0}, 'slices=[] or column_count=0'),
])
def test_nothing_was_asked_for(error_of, method, options, what):
    error = error_of('Standard', 'k', method=method, **options)
    assert error.why == f"column family 'Standard', row 'k': no column was asked for, by {what}"
    assert error.row_exists is None


def test_several_slices(error_of):
    error = error_of('Standard', 'k', [('a', 'b'), ('x', '')], method='get_multi_slice')
    assert error.why == f"column family 'Standard', row 'k': no column in any of the slices{HOW_TO_TELL}"


def test_names_are_not_needed_back(client):
    """A type of one's own may be for writing only, or for other names than are stored."""
    class Numbered:
        @staticmethod
        def pack(value):
            return b'n%d' % value

        @staticmethod
        def unpack(data):
            raise KeyError(data)
    family = ColumnFamily(client, 'Standard')
    family.column_name_class = Numbered()
    client.operations.answers['get'] = NotFoundException()
    with pytest.raises(NotFoundException, match='no column 7'):
        family.get('k', [7])


def test_it_is_in_the_text_which_stays_short_and_can_be_sent_to_other_processes(error_of):
    error = error_of('Standard', 'k' * 1000, columns=['a' * 1000])
    assert error.why in str(error) and len(error.why) < 350
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is NotFoundException and again == error


def test_on_servers(create):
    family = create('Standard')
    family.insert('there', {'a': '1'})
    with pytest.raises(NotFoundException, match="has no row 'missing'"):
        family.get('missing')
    for options in ({'columns': ['x']}, {'columns': ['x', 'y']}, {'column_start': 'x'}):
        for key, count in ('there', 1), ('missing', 0):
            with pytest.raises(NotFoundException, match="no(ne of the)? columns?.* 'x'") as caught:
                family.get(key, **options)
            assert caught.value.row_exists is None and family.get_count(key, max_count=1) == count
