"""ColumnFamily's constructor: the forms of all releases, where the family is found, what its options do."""
import pytest

from pycassa import columnfamily
from pycassa.cassandra import ttypes
from pycassa.columnfamily import ColumnFamily, PooledColumnFamily, gm_timestamp
from pycassa.errors import ConfigurationError
from pycassa.util import OrderedDict


def test_defaults(client):
    family = ColumnFamily(client, 'Standard')
    assert (family.pool, family.column_family, family.super) == (client, 'Standard', False)
    assert (family.buffer_size, family.column_buffer_size) == (1024, 1024)
    assert family.read_consistency_level == family.write_consistency_level == ttypes.ConsistencyLevel.ONE
    assert family.dict_class is OrderedDict
    assert family.timestamp is gm_timestamp
    assert (family.autopack_names, family.autopack_values, family.autopack_keys) == (True, True, True)
    assert family.retry_counter_mutations is False
    assert family.MAX_COUNT == 2 ** 31 - 1
    assert family._cfdef.name == 'Standard'
    assert PooledColumnFamily is ColumnFamily


def test_keywords_of_1_11(pool):
    family = ColumnFamily(pool, column_family='Standard', buffer_size=5, read_consistency_level=2,
                          write_consistency_level=3, timestamp=lambda: 7, dict_class=dict, autopack_names=False,
                          autopack_values=False, autopack_keys=False, retry_counter_mutations=True)
    assert (family.buffer_size, family.read_consistency_level, family.write_consistency_level) == (5, 2, 3)
    assert (family.timestamp(), family.dict_class, family.autopack_names) == (7, dict, False)
    assert (family.autopack_values, family.autopack_keys, family.retry_counter_mutations) == (False, False, True)


def test_positional_settings_of_0_4_to_1_0(client):
    family = ColumnFamily(client, 'Super', 10, 2, 3, int, True, dict, False, False)
    assert (family.buffer_size, family.read_consistency_level, family.write_consistency_level) == (10, 2, 3)
    assert (family.timestamp, family.super, family.dict_class) == (int, True, dict)
    assert (family.autopack_names, family.autopack_values) == (False, False)


def test_keyspace_before_the_name_as_in_0_3(make):
    client = make.Client({'K': [make.family('K', 'F')], 'L': [make.family('L', 'F', 'LongType')]})
    first, second = ColumnFamily(client, 'K', 'F', 10, 2), ColumnFamily(client, 'L', 'F')
    assert (first.buffer_size, first.read_consistency_level) == (10, 2)
    assert (first.column_name_class, second.column_name_class) == ('UTF8Type', 'LongType')


def test_older_names_of_the_pool(client):
    assert ColumnFamily(client=client, column_family='Standard').pool is client
    assert ColumnFamily(keyspace=client, column_family='Standard').pool is client


@pytest.mark.parametrize('args, kwargs', [
    ((), {}), (('client',), {}), (('client', 'Standard'), {'no_such_option': 1}),
    (('client', 'Standard', 1), {'buffer_size': 2}), (('client', 'Standard', 1, 1, 1, int, False, dict, 1, 1, 1), {}),
])
def test_what_it_does_not_take(client, args, kwargs):
    with pytest.raises(TypeError):
        ColumnFamily(*[client if arg == 'client' else arg for arg in args], **kwargs)


def test_swapped_arguments_are_told(client, pool):
    for family, of in (('Standard', pool), ('Standard', client), (pool, 5), (pool, client)):
        with pytest.raises(TypeError, match='ColumnFamily needs a pool, connection or client, and the name'):
            ColumnFamily(family, of)


def test_super_is_known_from_the_schema(client):
    assert ColumnFamily(client, 'Super').super is True
    assert ColumnFamily(client, 'Standard', super=True).super is False


def test_options_that_are_none_leave_the_defaults(client):
    family = ColumnFamily(client, 'Standard', read_consistency_level=None, dict_class=None, column_name_class=None)
    assert (family.read_consistency_level, family.dict_class) == (1, OrderedDict)
    assert family.column_name_class == 'UTF8Type'


def test_subclasses_may_set_class_attributes(client):
    class Small(ColumnFamily):
        buffer_size = 3
        autopack_names = False
    family = Small(client, 'Numbers')
    assert family.buffer_size == 3
    assert family._pack_name('abc') == b'abc'


# --- where the family is ---------------------------------------------------------------------------------------------

def test_missing_family_says_why(client, pool):
    for source in (client, pool):
        with pytest.raises(ttypes.NotFoundException) as caught:
            ColumnFamily(source, 'Nowhere')
        assert 'Nowhere' in caught.value.why and "'K'" in caught.value.why and 'CQL' in caught.value.why
        assert caught.value.why in str(caught.value)


def test_missing_keyspace_says_why(make):
    with pytest.raises(ttypes.NotFoundException) as caught:
        ColumnFamily(make.Client({}, 'Gone'), 'F')
    assert 'Gone' in caught.value.why and 'F' in caught.value.why


def test_client_without_keyspace_looks_in_all_of_them(make):
    client = make.Client({'system': [make.family('system', 'F')], 'A': [make.family('A', 'F')],
                          'B': [make.family('B', 'G')]})
    first, second = ColumnFamily(client, 'F'), ColumnFamily(client, 'G')
    assert client.keyspace == 'B'
    assert (first._select_keyspace, second._select_keyspace) == ('A', 'B')


def test_client_without_keyspace_and_several_or_no_families(make):
    client = make.Client({'A': [make.family('A', 'F')], 'B': [make.family('B', 'F')]})
    with pytest.raises(ConfigurationError, match='A, B'):
        ColumnFamily(client, 'F')
    with pytest.raises(ttypes.NotFoundException) as caught:
        ColumnFamily(client, 'G')
    assert 'A, B' in caught.value.why
    assert client.keyspace is None


def test_families_of_two_keyspaces_share_a_client(make):
    selected = []

    class Client(make.Client):
        def execute_call(self, call):
            selected.append((self.keyspace, call.method))

    client = Client({'A': [make.family('A', 'F')], 'B': [make.family('B', 'G')]})
    first, second = ColumnFamily(client, 'F'), ColumnFamily(client, 'G')
    first.insert('k', {'a': 'b'})
    second.insert('k', {'a': 'b'})
    first.remove('k')
    assert selected == [('A', 'batch_mutate'), ('B', 'batch_mutate'), ('A', 'batch_mutate')]
    batch = first.batch().insert('k', {'a': 'b'})
    with pytest.raises(ConfigurationError, match='two keyspaces'):
        super(type(batch), batch).insert(second, 'k', {'a': 'b'})


def test_a_pool_stays_in_its_keyspace(pool):
    assert ColumnFamily(pool, 'K', 'Standard').column_family == 'Standard'
    with pytest.raises(ConfigurationError, match='Other'):
        ColumnFamily(pool, 'Other', 'Standard')


def test_a_client_with_a_keyspace_is_not_searched(make):
    client = make.Client({'A': [make.family('A', 'F')], 'B': []}, 'B')
    with pytest.raises(ttypes.NotFoundException):
        ColumnFamily(client, 'F')
    assert client.keyspace == 'B'


def test_a_client_of_another_make_is_called_by_thrift_method(make):
    calls = []

    class Plain:
        """No more than the bindings' Client has."""
        keyspace = 'K'

        def describe_keyspace(self, name):
            return ttypes.KsDef(name=name, cf_defs=[make.family('K', 'F')])

        def get_slice(self, key, parent, predicate, level):
            calls.append((key, parent.column_family, predicate.slice_range.count, level))
            return [ttypes.ColumnOrSuperColumn(column=ttypes.Column(b'a', b'b', 1))]

    assert ColumnFamily(Plain(), 'F').get('k') == {'a': 'b'}
    assert calls == [(b'k', 'F', 100, 1)]


def test_load_schema_reads_again(make):
    client = make.Client({'K': [make.family('K', 'F')]}, 'K')
    family = ColumnFamily(client, 'F', default_validation_class='LongType')
    assert family._pack_value(1, 'x') == b'\0' * 7 + b'\1'
    client.keyspaces['K'] = [make.family('K', 'F', 'LongType')]
    family.load_schema()
    assert (family.column_name_class, family.default_validation_class) == ('LongType', 'UTF8Type')
    assert family._pack_name(1) == b'\0' * 7 + b'\1'


# --- bytes_encoding --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('keyword, attribute, source, environment, expected', [
    (None, None, None, None, None),
    (None, None, None, 'latin-1', 'latin-1'),
    (None, None, 'utf-8', 'latin-1', 'utf-8'),
    (None, 'ascii', 'utf-8', 'latin-1', 'ascii'),
    ('cp1252', 'ascii', 'utf-8', 'latin-1', 'cp1252'),
])
def test_which_bytes_encoding_counts(client, monkeypatch, keyword, attribute, source, environment, expected):
    monkeypatch.delenv('PYCASSA_BYTES_ENCODING', raising=False)
    if environment:
        monkeypatch.setenv('PYCASSA_BYTES_ENCODING', environment)
    if attribute:
        monkeypatch.setattr(ColumnFamily, 'bytes_encoding', attribute)
    if source:
        client.bytes_encoding = source
    options = {'bytes_encoding': keyword} if keyword else {}
    assert ColumnFamily(client, 'Raw', **options).bytes_encoding == expected


def test_bytes_encoding_none_said_explicitly(client, monkeypatch):
    monkeypatch.setenv('PYCASSA_BYTES_ENCODING', 'utf-8')
    assert ColumnFamily(client, 'Raw', bytes_encoding=None)._unpack_name(b'x') == b'x'


def test_unknown_bytes_encoding(client):
    with pytest.raises(ConfigurationError, match='no-such'):
        ColumnFamily(client, 'Raw', bytes_encoding='no-such')


def test_bytes_encoding_holds_where_autopacking_is_off(client):
    family = ColumnFamily(client, 'Numbers', bytes_encoding='utf-8', autopack_names=False, autopack_values=False,
                          autopack_keys=False)
    assert family._unpack_name(b'\xc3\xa9') == family._unpack_key(b'\xc3\xa9') == 'é'
    assert family._unpack_value(b'\xff', b'n') == '\udcff'
    assert family._pack_value('\udcff', 'n') == b'\xff'


def test_names_that_old_modules_let_through():
    for name in ('ColumnParent', 'ColumnPath', 'NotFoundException', 'SlicePredicate', 'SliceRange', 'KeyRange',
                 'ConsistencyLevel', 'Column', 'SuperColumn', 'IndexExpression'):
        assert getattr(columnfamily, name) is getattr(ttypes, name)
