"""Every example of both seed documents, as typed there, on the embedded server and on real ones."""
import collections
import time
from datetime import datetime

import pytest

import pycassa


def test_the_module_offers_what_the_documents_name():
    assert 'key' in pycassa.ColumnFamily.get.__doc__
    for name in ('connect', 'connect_thread_local', 'ColumnFamily', 'ColumnFamilyMap', 'String', 'IntString',
                 'FloatString', 'Float64', 'DateTimeString', 'Column', 'QueuePool', 'SingletonThreadPool', 'StaticPool',
                 'NullPool', 'AssertionPool'):
        assert callable(getattr(pycassa, name))
    assert issubclass(pycassa.connection.NoServerAvailable, Exception)


# --- Connecting -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('options', [{}, {'framed_transport': True}, {'timeout': 3.5}])
def test_connect(documents, options):
    client = pycassa.connect(documents.servers, **options)
    assert client.describe_version().count('.') == 2
    client.close()


def test_connect_with_a_keyspace(documents):
    client = pycassa.connect(documents.keyspace, documents.servers)
    assert client.describe_keyspace(documents.keyspace).name == documents.keyspace
    client.close()


@pytest.mark.parametrize('round_robin', [True, False])
def test_connect_thread_local(documents, round_robin):
    servers = [documents.servers[0], '127.0.0.1:1']
    for arguments in ((servers,), (documents.keyspace, servers)):
        client = pycassa.connect_thread_local(*arguments, round_robin=round_robin)
        assert client.describe_cluster_name()
        client.close()


def test_no_server_available():
    with pytest.raises(pycassa.connection.NoServerAvailable):
        pycassa.connect(['127.0.0.1:1'], timeout=0.5).describe_version()


def test_login_and_credentials(documents):
    credentials = {'username': 'jsmith', 'password': 'havebadpass'}
    client = pycassa.connect(documents.servers)
    client.login(documents.keyspace, credentials)
    pycassa.ColumnFamily(client, documents.standard).insert('foo', {'column1': 'val1'})
    client.close()
    client = pycassa.connect(documents.keyspace, documents.servers, credentials=credentials)
    assert pycassa.ColumnFamily(client, documents.standard).get('foo') == {'column1': 'val1'}
    client.close()


# --- Basic usage ------------------------------------------------------------------------------------------------------

def test_insert_returns_the_timestamp_and_get_the_columns(cf):
    before = int(time.time() * 1e6)
    timestamp = cf.insert('foo', {'column1': 'val1'})
    assert before <= timestamp <= int(time.time() * 1e6)
    assert repr(cf.get('foo')) == "{'column1': 'val1'}"
    cf.insert('foo', {'column1': 'val2'})
    assert cf.get('foo') == {'column1': 'val2'}


def test_several_columns_multiget_and_count(cf):
    cf.insert('foo', {'column1': 'val2'})
    cf.insert('bar', {'column1': 'val3', 'column2': 'val4'})
    assert repr(cf.multiget(['foo', 'bar'])) == (
        "{'foo': {'column1': 'val2'}, 'bar': {'column1': 'val3', 'column2': 'val4'}}")
    assert cf.get_count('bar') == 2


def test_get_range(cf):
    cf.insert('foo', {'column1': 'val2'})
    cf.insert('bar', {'column1': 'val3', 'column2': 'val4'})
    # The order of rows is the order of their tokens; the documents' server had another partitioner.
    rows = list(cf.get_range())
    assert sorted(rows) == [('bar', {'column1': 'val3', 'column2': 'val4'}), ('foo', {'column1': 'val2'})]
    assert list(cf.get_range(row_count=1)) == rows[:1]


def test_remove_and_removed_rows(cf):
    cf.insert('foo', {'column1': 'val2'})
    cf.insert('bar', {'column1': 'val3', 'column2': 'val4'})
    assert cf.remove('bar', columns=['column1']) > 0
    assert cf.get('bar') == {'column2': 'val4'}
    cf.remove('bar')
    with pytest.raises(pycassa.cassandra.ttypes.NotFoundException) as caught:
        cf.get('bar')
    assert repr(caught.value).startswith('NotFoundException(')
    cf.remove('foo')
    cf.remove('bar')
    # Removed rows are still returned, without columns.
    assert sorted(cf.get_range()) == [('bar', {}), ('foo', {})]


def test_an_ordered_dictionary_class(client, documents):
    cf = pycassa.ColumnFamily(client, documents.standard, dict_class=collections.OrderedDict)
    cf.insert('foo', {'b': '2', 'a': '1'})
    row = cf.get('foo', column_reversed=True)
    assert type(row) is collections.OrderedDict and list(row.items()) == [('b', '2'), ('a', '1')]


def test_a_timestamp_function(client, documents):
    cf = pycassa.ColumnFamily(client, documents.standard, timestamp=lambda: 12345)
    assert cf.insert('stamped', {'c': 'v'}) == 12345
    assert cf.get('stamped', include_timestamp=True) == {'c': ('v', 12345)}


# --- Class mapping ----------------------------------------------------------------------------------------------------

def mapped_class():
    class Test:
        string_column = pycassa.String(default='Your Default')
        int_str_column = pycassa.IntString(default=5)
        float_str_column = pycassa.FloatString(default=8.0)
        float_column = pycassa.Float64(default=0.0)
        datetime_str_column = pycassa.DateTimeString()  # default=None
    return Test


def filled(Test, key, now):
    t = Test()
    t.key = key
    t.string_column = 'string test'
    t.int_str_column = 18
    t.float_column = t.float_str_column = 35.8
    t.datetime_str_column = now
    return t


def test_column_family_map(cf):
    Test = mapped_class()
    Test.objects = pycassa.ColumnFamilyMap(Test, cf)
    now = datetime.now()
    t = filled(Test, 'maptest', now)
    assert Test.objects.insert(t) > 0
    back = Test.objects.get(t.key)
    assert (back.string_column, back.int_str_column, back.float_column, back.float_str_column) == (
        'string test', 18, 35.8, 35.8)
    assert back.datetime_str_column == now.replace(microsecond=0)
    many = Test.objects.multiget([t.key])
    assert list(many) == ['maptest'] and isinstance(many['maptest'], Test)
    (only,) = Test.objects.get_range()
    assert isinstance(only, Test) and only.key == 'maptest'
    # The documents print 7 here; the class has five columns, and all five were set.
    assert Test.objects.get_count(t.key) == 5


def test_a_removed_instance(cf):
    Test = mapped_class()
    Test.objects = pycassa.ColumnFamilyMap(Test, cf)
    t = filled(Test, 'maptest', datetime.now())
    Test.objects.insert(t)
    assert Test.objects.remove(t) > 0
    with pytest.raises(pycassa.NotFoundException):
        Test.objects.get(t.key)
    Test.objects.remove(t)
    (ghost,) = Test.objects.get_range()
    assert isinstance(ghost, Test) and ghost.string_column == 'Your Default'


def test_defaults_fill_in_for_columns_that_do_not_exist(cf):
    Test = mapped_class()
    Test.objects = pycassa.ColumnFamilyMap(Test, cf)
    cf.insert('old', {'string_column': 'only this'})
    old = Test.objects.get('old')
    assert (old.string_column, old.int_str_column, old.float_str_column, old.float_column, old.datetime_str_column) == (
        'only this', 5, 8.0, 0.0, None)


def test_a_column_type_of_ones_own(cf):
    class IntString(pycassa.Column):
        def pack(self, val):
            return str(val)

        def unpack(self, val):
            return int(val)

    class Test:
        number = IntString(default=3)

    objects = pycassa.ColumnFamilyMap(Test, cf)
    t = Test()
    t.key, t.number = 'own', 77
    objects.insert(t)
    assert objects.get('own').number == 77 and cf.get('own') == {'number': '77'}


# --- Super columns ----------------------------------------------------------------------------------------------------

def test_super_columns(scf):
    scf.insert('key1', {'1': {'sub1': 'val1', 'sub2': 'val2'}, '2': {'sub3': 'val3', 'sub4': 'val4'}})
    assert scf.get('key1') == {'1': {'sub2': 'val2', 'sub1': 'val1'}, '2': {'sub4': 'val4', 'sub3': 'val3'}}
    assert scf.remove('key1', super_column='1') > 0
    assert scf.get('key1') == {'2': {'sub4': 'val4', 'sub3': 'val3'}}
    assert scf.get('key1', super_column='2') == {'sub3': 'val3', 'sub4': 'val4'}
    assert scf.multiget(['key1'], super_column='2') == {'key1': {'sub3': 'val3', 'sub4': 'val4'}}
    assert list(scf.get_range(super_column='2')) == [('key1', {'sub3': 'val3', 'sub4': 'val4'})]


def test_column_family_map_with_super_columns(scf):
    Test = mapped_class()
    Test.objects = pycassa.ColumnFamilyMap(Test, scf)
    t = Test()
    t.key = 'key1'
    t.super_column = 'super1'
    t.string_column = 'foobar'
    t.int_str_column = 5
    t.float_column = t.float_str_column = 35.8
    t.datetime_str_column = datetime.now()
    Test.objects.insert(t)
    got = Test.objects.get(t.key)
    assert list(got) == ['super1'] and isinstance(got['super1'], Test)
    assert got['super1'].string_column == 'foobar' and got['super1'].float_column == 35.8
    many = Test.objects.multiget([t.key])
    assert list(many) == ['key1'] and isinstance(many['key1']['super1'], Test)


# --- Batch mutations --------------------------------------------------------------------------------------------------

def test_batch(cf):
    b = cf.batch(queue_size=10)
    b.insert('key1', {'col1': 'value11', 'col2': 'value21'})
    b.insert('key2', {'col1': 'value12', 'col2': 'value22'}, ttl=15)
    b.remove('key1', ['col2'])
    b.remove('key2')
    b.send()
    assert cf.get('key1') == {'col1': 'value11'}
    with pytest.raises(pycassa.NotFoundException):
        cf.get('key2')


def test_batch_of_super_columns(scf):
    b = scf.batch()
    # The later document lost a bracket here; its two super columns are one dictionary.
    b.insert('key1', {'supercol1': {'colA': 'value1a', 'colB': 'value1b'},
                      'supercol2': {'colA': 'value2a', 'colB': 'value2b'}})
    b.remove('key1', ['colA'], 'supercol1')
    b.send()
    assert scf.get('key1') == {'supercol1': {'colB': 'value1b'}, 'supercol2': {'colA': 'value2a', 'colB': 'value2b'}}


def test_batch_of_several_families(documents):
    client = pycassa.connect(documents.keyspace, documents.servers, timeout=30)
    cf = pycassa.ColumnFamily(client, documents.standard)
    supercf = pycassa.ColumnFamily(client, documents.super, super=True)
    b = client.batch()
    b.insert(cf, 'key1', {'col1': 'value1', 'col2': 'value2'})
    b.insert(supercf, 'key1', {'subkey1': {'col1': 'value1', 'col2': 'value2'}})
    b.send()
    assert cf.get('key1') == {'col1': 'value1', 'col2': 'value2'}
    assert supercf.get('key1') == {'subkey1': {'col1': 'value1', 'col2': 'value2'}}
    client.close()


def test_batch_as_a_context_manager_and_chained(cf):
    with cf.batch() as b:
        b.insert('key1', {'col1': 'value11', 'col2': 'value21'})
        b.insert('key2', {'col1': 'value12', 'col2': 'value22'})
    assert cf.multiget(['key1', 'key2']) == {'key1': {'col1': 'value11', 'col2': 'value21'},
                                             'key2': {'col1': 'value12', 'col2': 'value22'}}
    cf.insert('foo', {'c': 'v'})
    cf.batch().remove('foo').remove('bar').send()
    with pytest.raises(pycassa.NotFoundException):
        cf.get('foo')


# --- Connection pooling -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize('kind', ['QueuePool', 'SingletonThreadPool', 'StaticPool', 'NullPool', 'AssertionPool'])
def test_pools(documents, kind):
    pool = getattr(pycassa, kind)(keyspace=documents.keyspace, server_list=documents.servers, timeout=30)
    connection = pool.get()
    cf = pycassa.ColumnFamily(connection, documents.standard)
    cf.insert('key', {'col': 'val'})
    assert cf.get('key') == {'col': 'val'}
    connection.return_to_pool()
    pool.dispose()


# --- Meta API ---------------------------------------------------------------------------------------------------------

def test_the_interface_is_available_through_the_connection(client, documents):
    assert client.describe_version().count('.') == 2
    names = [keyspace.name for keyspace in client.describe_keyspaces()]
    assert documents.keyspace in names and 'system' in names
    system = client.describe_keyspace('system')
    assert system.name == 'system' and system.cf_defs is not None
