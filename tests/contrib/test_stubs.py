"""The stubs as tests of jobs use them: no schema needed, 1.11's conveniences, a server's semantics."""
import datetime
import socket
import threading
import time
import uuid
from unittest import mock

import pytest

import pycassa
from pycassa.cassandra.ttypes import InvalidRequestException, NotFoundException
from pycassa.contrib.stubs import (
    ColumnFamilyMapStub,
    ColumnFamilyStub,
    ConnectionPoolStub,
    StubCluster,
    SystemManagerStub,
)
from pycassa.errors import PackingError
from pycassa.index import GT, LT, create_index_clause, create_index_expression
from pycassa.system_manager import LONG_TYPE, UTF8_TYPE
from pycassa.types import CompositeType, IntegerType, LongType, UTF8Type


@pytest.fixture
def users(cluster):
    """A family that nothing is known of but its name."""
    return ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users')


# --- without a schema -------------------------------------------------------------------------------------------------

def test_nothing_has_to_be_given():
    family = ColumnFamilyStub()
    family.insert('row', {'name': 'value'})
    assert family.get('row') == {'name': 'value'}
    assert isinstance(family, pycassa.ColumnFamily) and isinstance(family.pool, pycassa.ConnectionPool)


def test_keys_names_and_values_come_back_as_they_went_in(users):
    row = {'text': 'é', 'bytes': b'\xff\0', 'number': 7, 'float': -0.5, 'flag': True, 'id': uuid.uuid4(),
           'day': datetime.datetime(2010, 5, 6, 7, 8, 9, 10), 'list': ['a', 1], 'pair': ('a', 1)}
    users.insert(17, row)
    users.insert(17, {3: 'by number', b'raw': 'by bytes', ('a', 2): 'by tuple'})
    assert users.get(17, column_count=None) == {**row, 3: 'by number', b'raw': 'by bytes', ('a', 2): 'by tuple'}
    assert [key for key, _ in users.get_range()] == [17]
    assert users.multiget([17, '17'], ['number']) == {17: {'number': 7}}


def test_names_are_sorted_and_sliced_as_their_kind_is(users):
    users.insert('row', {number: 'v' for number in (300, -1, 2, -70000)})
    assert list(users.get('row')) == [-70000, -1, 2, 300]
    assert list(users.get('row', column_start=-1, column_finish=2)) == [-1, 2]
    assert list(users.get('row', column_reversed=True, column_count=1)) == [300]


def test_a_value_that_servers_refuse_is_refused(users):
    with pytest.raises(PackingError, match='None'):
        users.insert('row', {'name': None})
    with pytest.raises(PackingError):
        users.insert('row', {'name': lambda: None})
    with pytest.raises(InvalidRequestException):
        users.insert('', {'name': 'value'})


def test_index_clauses_find_their_indexes(users):
    users.batch_insert({f'user {number}': {'state': 'UT' if number % 2 else 'AZ', 'age': number}
                        for number in range(10)})
    state, age = create_index_expression('state', 'UT'), create_index_expression('age', 6, GT)
    found = dict(users.get_indexed_slices(create_index_clause([state, age])))
    assert found == {'user 7': {'state': 'UT', 'age': 7}, 'user 9': {'state': 'UT', 'age': 9}}
    users.insert('user 11', {'state': 'UT', 'age': 11})
    again = ColumnFamilyStub(users.pool, 'Users')
    assert set(dict(again.get_indexed_slices(create_index_clause([state, age])))) == {'user 7', 'user 9', 'user 11'}
    assert again.get('user 11') == {'state': 'UT', 'age': 11}


def test_an_index_clause_needs_an_equality_as_on_servers(users):
    users.insert('user', {'age': 1})
    with pytest.raises(InvalidRequestException, match='No indexed columns'):
        list(users.get_indexed_slices(create_index_clause([create_index_expression('age', 6, LT)])))


def test_types_that_are_given_make_the_schema(cluster):
    pool = ConnectionPoolStub('Shop')
    family = ColumnFamilyStub(pool, 'Typed', key_validation_class=LongType(), column_name_class='UTF8Type',
                              default_validation_class=IntegerType, column_validators={'name': UTF8Type()})
    family.insert(1, {'age': 33, 'name': 'Ann'})
    plain = pycassa.ColumnFamily(pool, 'Typed')
    assert plain.get(1) == {'age': 33, 'name': 'Ann'}
    assert plain.column_validators == {'name': 'UTF8Type'}
    with pytest.raises(PackingError, match="'Typed'"):
        family.insert(1, {'age': 'old'})
    with pytest.raises(InvalidRequestException):
        pool.execute('remove', 'short', pycassa.columnfamily.ColumnPath('Typed'), 1, 1)


def test_types_that_come_later_are_heeded(users):
    users.insert('row', {'age': 1, 'state': 'UT'})
    clause = create_index_clause([create_index_expression('state', 'UT')])
    assert len(list(users.get_indexed_slices(clause))) == 1
    manager = SystemManagerStub()
    manager.alter_column('Shop', 'Users', b'height', 'DoubleType')
    manager.alter_column('Shop', 'Users', b'state', 'UTF8Type')
    users.load_schema()
    users.insert('row', {'height': 1.5, 'weight': 7})
    assert users.get('row') == {'age': 1, 'height': 1.5, 'state': 'UT', 'weight': 7}
    assert pycassa.ColumnFamily(users.pool, 'Users').get(b'row', [b'height']) == {b'height': 1.5}
    manager.alter_column_family('Shop', 'Users', default_validation_class='LongType')
    # Which Cassandra 3.x passes over.
    expected = 'LongType' if users.pool.cluster.engine.profile.name == '2.1' else 'BytesType'
    assert ColumnFamilyStub(users.pool, 'Users').default_validation_class == expected


def test_composite_names_by_their_type(cluster):
    family = ColumnFamilyStub(column_name_class=CompositeType(LongType(), UTF8Type()))
    family.insert('row', {(1, 'b'): 'x', (1, 'a'): 'y', (2, 'a'): 'z'})
    assert list(family.get('row', column_start=(1,), column_finish=(1,))) == [(1, 'a'), (1, 'b')]


def test_super_columns_and_counters(cluster):
    pool = ConnectionPoolStub()
    supers = ColumnFamilyStub(pool, 'Supers', super=True)
    supers.insert('row', {1: {'a': 1.5}, 2: {'b': 'v'}})
    assert supers.get('row') == {1: {'a': 1.5}, 2: {'b': 'v'}}
    assert supers.get('row', super_column=2) == {'b': 'v'}
    counters = ColumnFamilyStub(pool, 'Counters', default_validation_class='CounterColumnType')
    counters.add('row', 'hits', 3)
    counters.add('row', 'hits', -1)
    assert counters.get('row') == {'hits': 2}
    with pytest.raises(InvalidRequestException):
        supers.add('row', 'hits', super_column=1)


def test_text_encoding_makes_one_type_of_text_and_bytes():
    family = ColumnFamilyStub(bytes_encoding='utf-8')
    family.insert(b'row', {b'n\xff': b'v\xfe', 'text': 'é', 'number': 1})
    assert family.get('row') == {'n\udcff': 'v\udcfe', 'text': 'é', 'number': 1}


# --- what 1.11's stubs had --------------------------------------------------------------------------------------------

def test_rows_to_begin_with(cluster):
    family = ColumnFamilyStub(ConnectionPoolStub(), 'Users', {'a': {'x': ('v', 5)}, 'b': {'y': 'now'}})
    assert family.get('a', include_timestamp=True) == {'x': ('v', 5)}
    assert family.get('b') == {'y': 'now'}
    assert (len(family), 'a' in family, 'c' in family) == (2, True, False)


def test_an_empty_family_is_true(users):
    assert len(users) == 0 and users and 'row' not in users


def test_the_pool_knows_its_families(cluster):
    pool = ConnectionPoolStub()
    assert pool.column_families == {}
    family = ColumnFamilyStub(pool, 'Users')
    assert pool.column_families == {'Users': family}
    pool.dispose()
    family.insert('row', {'a': 'after dispose'})


def test_the_manager_lists_what_was_created(manager):
    manager.create_column_family('Shop', 'Users', comparator_type=UTF8_TYPE)
    manager.alter_column('Shop', 'Users', 'age', LONG_TYPE)
    manager.create_index('Shop', 'Users', 'state', UTF8_TYPE)
    assert manager.column_families == {'Users': {
        'keyspace': 'Shop', 'columns': {'age': LONG_TYPE, 'state': UTF8_TYPE}, 'indexes': {'state': UTF8_TYPE}}}
    versions = manager.describe_schema_versions()
    assert len(versions) == 1
    manager.drop_index('Shop', 'Users', 'state')
    assert manager.column_families['Users']['indexes'] == {}
    assert manager.describe_schema_versions().keys() != versions.keys()


def test_batches_are_sent_when_they_are_sent(users):
    batch = users.batch()
    batch.insert('row', {'a': 1}).insert('row', {'b': 2})
    assert 'row' not in users
    users.send()
    assert 'row' not in users
    batch.send()
    assert users.get('row') == {'a': 1, 'b': 2}
    with users.batch(queue_size=10) as batch:
        batch.remove('row', ['a'])
    assert users.get('row') == {'b': 2}


def test_removing_what_is_not_there_is_no_error(users):
    """1.11's stub raised NotFoundException, which servers do not."""
    assert users.remove('nobody') <= users.timestamp()
    users.truncate()
    with pytest.raises(NotFoundException):
        users.get('nobody')


def test_get_range_heeds_its_parameters(users):
    """1.11's stub ignored include_timestamp, and had no limits."""
    users.batch_insert({str(number): {'a': number, 'b': number} for number in range(5)}, timestamp=9)
    rows = dict(users.get_range(columns=['a'], include_timestamp=True, row_count=3, buffer_size=2))
    assert len(rows) == 3 and all(row == {'a': (int(key), 9)} for key, row in rows.items())


def test_what_1_11_stubs_lacked(users):
    users.insert('row', {'a': 1, 'b': 2, 'c': 3}, ttl=60)
    assert users.get('row', ['a'], include_ttl=True) == {'a': (1, 60)}
    assert list(users.xget('row', buffer_size=2)) == [('a', 1), ('b', 2), ('c', 3)]
    assert users.get_count('row', max_count=2) == 2
    assert users.multiget_count(['row', 'none']) == {'row': 3, 'none': 0}


def test_older_releases_positional_arguments(cluster):
    family = ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users', 10, 2)
    assert (family.buffer_size, family.read_consistency_level) == (10, 2)
    assert ColumnFamilyStub(family.pool, 'Shop', 'Users').column_family == 'Users'
    assert ColumnFamilyStub(client=family.pool.get(), column_family='Users').column_family == 'Users'


# --- who shares what --------------------------------------------------------------------------------------------------

def test_stubs_of_one_pool_and_name_share_their_rows(users):
    users.insert('row', {'a': 1})
    assert ColumnFamilyStub(users.pool, 'Users').get('row') == {'a': 1}
    assert 'row' not in ColumnFamilyStub(users.pool, 'Others')
    assert 'row' not in ColumnFamilyStub(ConnectionPoolStub('Elsewhere'), 'Users')
    assert pycassa.ColumnFamily(users.pool, 'Users').get_count('row') == 1


def test_without_a_cluster_pools_share_nothing():
    first = ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users')
    first.insert('row', {'a': 1})
    assert 'row' not in ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users')
    assert 'Shop' not in SystemManagerStub().list_keyspaces()


def test_a_cluster_by_keyword():
    cluster = StubCluster()
    ColumnFamilyStub(ConnectionPoolStub('Shop', cluster=cluster), 'Users').insert('row', {'a': 1})
    assert 'row' in ColumnFamilyStub(ConnectionPoolStub('Shop', cluster=cluster), 'Users')
    assert 'Shop' in SystemManagerStub(cluster=cluster).list_keyspaces()


def test_families_of_a_keyspace_that_was_created_are_complete(manager):
    manager.create_keyspace('Shop', strategy_options={'replication_factor': '1'})
    pool = ConnectionPoolStub('Shop')
    for family in (ColumnFamilyStub, pycassa.ColumnFamily):
        with pytest.raises(NotFoundException) as caught:
            family(pool, 'Users')
        assert "no column family 'Users'" in caught.value.why
    manager.create_column_family('Shop', 'Users', key_validation_class='LongType')
    with pytest.raises(PackingError):
        ColumnFamilyStub(pool, 'Users').insert('text', {'a': 'b'})


def test_a_keyspace_made_on_demand_may_be_created_until_it_has_families(manager):
    pool = ConnectionPoolStub('Shop')
    manager.create_keyspace('Shop', 3, 'SimpleStrategy')
    assert manager.get_keyspace_properties('Shop')['strategy_options'] == {'replication_factor': '3'}
    with pytest.raises(NotFoundException):
        ColumnFamilyStub(pool, 'Users')
    ColumnFamilyStub(ConnectionPoolStub('Other'), 'Users')
    for name in ('Shop', 'Other'):
        with pytest.raises(InvalidRequestException):
            manager.create_keyspace(name, 1)


def test_a_keyspace_stays_where_creating_it_fails(manager):
    pool = ConnectionPoolStub('Shop')
    with pytest.raises(InvalidRequestException):
        manager.create_keyspace('Shop', 'NoSuchStrategy')
    ColumnFamilyStub(pool, 'Users').insert('row', {'a': 1})


def test_a_family_of_another_making_is_left_as_it_is(manager):
    manager.create_column_family('Shop', 'Users', comparator_type='LongType')
    family = ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users', column_name_class='UTF8Type')
    assert manager.column_families['Users']['columns'] == {}
    assert pycassa.ColumnFamily(family.pool, 'Users').column_name_class == 'LongType'


def test_pools_that_are_no_stubs_are_refused():
    with pytest.raises(TypeError, match='needs a ConnectionPoolStub'):
        ColumnFamilyStub(object(), 'Users')


# --- in the place of the real classes ---------------------------------------------------------------------------------

def job(server):
    """What a job may do, by the names that it imports."""
    manager = pycassa.SystemManager(server)
    manager.create_keyspace('Shop', strategy_options={'replication_factor': '1'})
    manager.create_column_family('Shop', 'Users', comparator_type='UTF8Type', default_validation_class='LongType')
    manager.close()
    with pycassa.ConnectionPool('Shop', [server], {'username': 'u', 'password': 'p'}, pool_size=2) as pool:
        users = pycassa.ColumnFamily(pool, 'Users')
        users.insert('jsmith', {'age': 33})
        with pytest.raises(NotFoundException):
            users.get('nobody')
        return users.get('jsmith')


def test_a_job_of_which_the_names_are_patched(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError('a stub wants a socket or a thread')

    monkeypatch.setattr(socket, 'socket', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    monkeypatch.setattr(threading.Thread, 'start', refuse)
    with StubCluster() as cluster, mock.patch.multiple(
            pycassa, SystemManager=SystemManagerStub, ConnectionPool=ConnectionPoolStub, ColumnFamily=ColumnFamilyStub):
        assert job('cassandra.example:9160') == {'age': 33}
    assert ColumnFamilyStub(ConnectionPoolStub('Shop', cluster=cluster), 'Users').rows == {
        b'jsmith': {'age': (33, mock.ANY)}}


def test_threads_find_the_cluster_and_share_it(cluster):
    family = ColumnFamilyStub(ConnectionPoolStub('Shop', pool_size=2), 'Users')

    def write(number):
        ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users').insert(number, {'a': number})
        family.insert(number, {'b': number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(family.get_range()) == {number: {'a': number, 'b': number} for number in range(8)}


def test_connections_of_the_pool(users):
    connection = users.pool.get()
    assert (connection.keyspace, connection.describe_cluster_name()) == ('Shop', 'Test Cluster')
    ColumnFamilyStub(connection, 'Users').insert('row', {'a': 1})
    connection.return_to_pool()
    assert users.get('row') == {'a': 1}


def test_a_pool_made_again_is_of_the_same_cluster(users):
    users.insert('row', {'a': 1})
    assert ColumnFamilyStub(users.pool.recreate(), 'Users').get('row') == {'a': 1}


def test_settings_of_sockets_have_no_effect(cluster):
    def refuse(*args):
        raise AssertionError('not called')

    pool = ConnectionPoolStub('Shop', ['a:1', 'b:2'], None, 0.5, True, 5, True, refuse, refuse, ssl_context=object())
    manager = SystemManagerStub('a:1', None, False, 30, refuse, refuse, ssl_context=object())
    assert pool.execute('describe_version') == manager.describe_version()
    assert {pool.get().server for _ in range(5)} <= {'a:1', 'b:2'}


def test_listeners_and_statistics(cluster):
    from pycassa.logging.pool_stats_logger import StatsLogger
    stats = StatsLogger()
    pool = ConnectionPoolStub('Shop', pool_size=3, listeners=[stats])
    pool.put(pool.get())
    assert stats.stats['created']['success'] == 3 and stats.stats['checked_in'] == 1


def test_whatever_takes_a_socket_factory(users):
    users.insert('row', {'a': 1})
    connect = users.pool.cluster.connect
    for made in (pycassa.Connection('Shop', 'anywhere', socket_factory=connect),
                 pycassa.connect('Shop', socket_factory=connect),
                 pycassa.ConnectionPool('Shop', socket_factory=connect),
                 pycassa.NullPool(keyspace='Shop', socket_factory=connect)):
        assert pycassa.ColumnFamily(made, 'Users').get_count(b'row') == 1


# --- mapped classes ---------------------------------------------------------------------------------------------------

class User:
    key = LongType()
    name = UTF8Type()
    age = IntegerType(default=0)
    nick = pycassa.String(default='none')


def test_a_mapped_class_makes_its_family(cluster):
    pool = ConnectionPoolStub('Shop')
    users = ColumnFamilyMapStub(User, pool, 'Users')
    user = User()
    user.key, user.name, user.age, user.nick = 1, 'Ann', 2 ** 70, 'A'
    users.insert(user)
    found = users.get(1)
    assert isinstance(found, User) and (found.name, found.age, found.nick) == ('Ann', 2 ** 70, 'A')
    assert users.rows == {1: {'name': ('Ann', mock.ANY), 'age': (2 ** 70, mock.ANY), 'nick': ('A', mock.ANY)}}
    assert ColumnFamilyStub(pool, 'Users').get(1) == {'name': 'Ann', 'age': 2 ** 70, 'nick': 'A'}
    assert 1 in users and 2 not in users
    clause = create_index_clause([create_index_expression('age', 2 ** 70)])
    assert [each.name for each in users.get_indexed_slices(clause)] == ['Ann']
    with pytest.raises(InvalidRequestException):
        pool.execute('insert', b'short', pycassa.columnfamily.ColumnParent('Users'),
                     pycassa.columnfamily.Column(b'age', b'', 1), 1)


def test_a_mapped_class_over_a_column_family(users):
    class Note:
        text = pycassa.String()

    notes = ColumnFamilyMapStub(Note, users)
    note = Note()
    note.key, note.text = 'first', 'hello'
    notes.insert(note)
    assert users.get('first') == {'text': 'hello'} and notes.get('first').text == 'hello'


def test_a_mapped_class_alone():
    notes = ColumnFamilyMapStub(User)
    user = User()
    user.key, user.name = 5, 'Eve'
    notes.batch_insert([user])
    assert [each.name for each in notes.get_range()] == ['Eve']


# --- speed ------------------------------------------------------------------------------------------------------------

def test_failures_do_not_wait(users):
    users.insert('row', {'a': 1})
    cluster = users.pool.cluster
    cluster.faults.stall(calls=None, methods='get_slice')
    begun = time.monotonic()
    with pytest.raises(pycassa.MaximumRetryException) as caught:
        users.get('row')
    assert time.monotonic() - begun < 0.4 and len(caught.value.attempts) == 6
    cluster.faults.clear()
    assert users.get('row') == {'a': 1}
