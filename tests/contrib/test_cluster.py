"""The cluster of the stubs: profiles, its clock, beginning anew, and its fault switches."""
import pytest

import pycassa
from pycassa.cassandra.ttypes import AuthenticationException, NotFoundException, TApplicationException
from pycassa.contrib.stubs import ColumnFamilyStub, ConnectionPoolStub, StubCluster, SystemManagerStub
from pycassa.embedded.profiles import PROFILES
from pycassa.errors import (
    AllServersUnavailable,
    ApplicationError,
    CallTimeout,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    ReplyTooLarge,
    TransportError,
)

DAY = 86400


@pytest.fixture
def family(cluster):
    """A family on a pool that gives up at once."""
    return ColumnFamilyStub(ConnectionPoolStub('Shop', max_retries=0, pool_size=1), 'Users')


@pytest.fixture
def connection(cluster):
    """A connection to a cluster that has keyspace Shop."""
    cluster.provide_keyspace('Shop')
    return connect(cluster)


def connect(cluster, **options):
    return pycassa.Connection('Shop', 'stub:9160', timeout=0.5, socket_factory=cluster.connect, **options)


# --- settings ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('profile', PROFILES)
def test_every_profile_serves_families_made_on_demand(profile):
    with StubCluster(profile=profile) as cluster:
        family = ColumnFamilyStub(rows={'row': {'a': 1}})
        clause = pycassa.create_index_clause([pycassa.create_index_expression('a', 1)])
        assert list(family.get_indexed_slices(clause)) == [('row', {'a': 1})]
        supers = ColumnFamilyStub(family.pool, 'Supers', super=True)
        supers.insert('row', {'s': {'a': 1}})
        assert supers.get('row') == {'s': {'a': 1}}
        assert cluster.column_families()['Supers']['columns'] == {}
        assert family.pool.execute('describe_version') == PROFILES[profile].api
        assert repr(cluster) == f'<StubCluster {profile}, keyspaces: Stubs>'


def test_the_partitioner_orders_the_rows():
    cluster = StubCluster(partitioner='ByteOrderedPartitioner')
    family = ColumnFamilyStub(ConnectionPoolStub(cluster=cluster))
    family.batch_insert({key: {'a': 1} for key in 'cab'})
    assert [key for key, _ in family.get_range()] == ['a', 'b', 'c']
    assert SystemManagerStub(cluster=cluster).describe_partitioner() == 'ByteOrderedPartitioner'


def test_the_demo_schema():
    with StubCluster(schema='demo'):
        family = pycassa.ColumnFamily(ConnectionPoolStub('Keyspace1'), 'Test ColumnFamily')
        family.insert('row', {'a': 'b'})
        assert family.get('row') == {'a': 'b'}
        with pytest.raises(NotFoundException):
            ColumnFamilyStub(family.pool, 'Unknown')


def test_credentials():
    with StubCluster(credentials={'jsmith': 'havebadpass'}):
        ConnectionPoolStub('Shop', credentials={'username': 'jsmith', 'password': 'havebadpass'})
        for stub in (ConnectionPoolStub, SystemManagerStub):
            with pytest.raises(AuthenticationException):
                stub('Shop', credentials={'username': 'jsmith', 'password': 'guess'})


@pytest.mark.parametrize('settings', [{'profile': '4.0'}, {'partitioner': 'Random'}, {'schema': 'full'}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(ConfigurationError, match=next(iter(settings.values()))):
        StubCluster(**settings)


def test_the_cluster_entered_last_is_the_current_one():
    with StubCluster() as outer:
        with StubCluster() as inner:
            assert StubCluster.current() is inner
            with outer:
                assert StubCluster.current() is outer
            assert StubCluster.current() is inner
        assert StubCluster.current() is outer
    assert StubCluster.current() is not outer and StubCluster.current() is not StubCluster.current()


# --- time -------------------------------------------------------------------------------------------------------------

def test_columns_expire_as_the_clock_is_advanced(cluster, family):
    family.insert('row', {'short': 1}, ttl=60)
    family.insert('row', {'long': 2}, ttl=30 * DAY)
    cluster.advance(59)
    assert family.get('row') == {'short': 1, 'long': 2}
    cluster.advance(2)
    assert family.get('row') == {'long': 2}
    cluster.advance(30 * DAY)
    assert 'row' not in family


def test_a_clock_of_ones_own():
    now = [1000.0]
    cluster = StubCluster(clock=lambda: now[0])
    family = ColumnFamilyStub(ConnectionPoolStub(cluster=cluster))
    assert family.insert('row', {'a': 1}, ttl=10) == 1000000000
    assert family.insert('row', {'a': 2}, ttl=10) == 1000000001
    assert family.get('row', include_timestamp=True) == {'a': (2, 1000000001)}
    assert family.remove('row') == 1000000002 and 'row' not in family
    family.insert('row', {'a': 3}, ttl=10)
    now[0] = 1011.0
    assert 'row' not in family and cluster.now() == 1011.0 and cluster.timestamp() == 1011000000


def test_timestamps_of_ones_own_are_kept(cluster):
    family = ColumnFamilyStub(timestamp=lambda: 7)
    assert family.insert('row', {'a': 1}) == 7
    family.timestamp = 8
    assert family.insert('row', {'a': 2}) == 8 and family.get('row', include_timestamp=True) == {'a': (2, 8)}
    assert family.insert('row', {'a': 3}, timestamp=5) == 5 and family.get('row') == {'a': 2}


# --- beginning anew ---------------------------------------------------------------------------------------------------

def test_truncate_leaves_all_but_the_rows(cluster, family):
    family.insert('row', {'a': 1}, timestamp=5)
    family.remove('row', timestamp=10 ** 17)
    counters = ColumnFamilyStub(family.pool, 'Counters', default_validation_class='CounterColumnType')
    counters.add('row', 'a')
    cluster.truncate()
    assert counters.rows == {}
    family.insert('row', {'a': 2}, timestamp=6)
    counters.add('row', 'a', 5)
    assert family.get('row') == {'a': 2} and counters.get('row') == {'a': 5}


def test_reset_leaves_nothing(cluster, family):
    family.insert('row', {'a': 1})
    cluster.advance(DAY)
    cluster.faults.fail(TApplicationException(6, 'no'), calls=None)
    cluster.reset()
    with pytest.raises(pycassa.PycassaError):
        family.get('row')
    assert 'row' not in ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users')
    assert abs(cluster.now() * 1e6 - pycassa.gm_timestamp()) < 10e6
    assert list(cluster.faults) == []


def test_reset_brings_the_demo_schema_back():
    cluster = StubCluster(schema='demo')
    with SystemManagerStub(cluster=cluster) as manager:
        manager.drop_keyspace('Keyspace1')
        cluster.reset()
        assert 'Keyspace1' in manager.list_keyspaces()


# --- fault switches ---------------------------------------------------------------------------------------------------

FAULTS = {
    'stall': (lambda faults: faults.stall(calls=None), CallTimeout),
    'long stall': (lambda faults: faults.stall(0.5), CallTimeout),
    'delay': (lambda faults: faults.delay(2.0), CallTimeout),
    'cut': (lambda faults: faults.cut(10), ConnectionClosed),
    'reset': (lambda faults: faults.reset(), ConnectionClosed),
    'not applied': (lambda faults: faults.cut(applied=False), ConnectionClosed),
    'wrong_seqid': (lambda faults: faults.wrong_seqid(), ProtocolError),
    'wrong_name': (lambda faults: faults.wrong_name(), ProtocolError),
    'wrong_type': (lambda faults: faults.wrong_type(), ProtocolError),
    'wrong_length': (lambda faults: faults.wrong_length(), ReplyTooLarge),
    'garbage': (lambda faults: faults.garbage(), ProtocolError),
    'fail': (lambda faults: faults.fail(TApplicationException(6, 'no')), ApplicationError),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_faults_that_break_the_connection(cluster, connection, fault):
    switch, error = FAULTS[fault]
    switch(cluster.faults)
    with pytest.raises(error) as caught:
        connection.describe_version()
    assert isinstance(caught.value, pycassa.PycassaError) and not connection.is_open
    cluster.faults.clear()
    assert connect(cluster).describe_version() == cluster.engine.profile.api


def test_short_waits_are_passed_over(cluster, connection):
    cluster.faults.stall(0.4)
    cluster.faults.delay(0.4)
    assert connection.describe_version() == connection.describe_version()


def test_calls_that_time_out_may_have_been_applied(cluster, family):
    for switch, applied in ((cluster.faults.delay, True), (cluster.faults.stall, False)):
        family.truncate()
        switch(10, methods='batch_mutate')
        with pytest.raises(pycassa.MaximumRetryException) as caught:
            family.insert('row', {'a': 1})
        assert isinstance(caught.value.__cause__, CallTimeout)
        assert ('row' in family) is applied


def test_errors_of_replicas(cluster, family):
    cluster.faults.unavailable(methods='batch_mutate')
    with pytest.raises(pycassa.MaximumRetryException) as caught:
        family.insert('row', {'a': 1})
    assert isinstance(caught.value.__cause__, pycassa.UnavailableException) and 'row' not in family
    cluster.faults.timed_out(methods='batch_mutate', applied=True)
    with pytest.raises(pycassa.MaximumRetryException):
        family.insert('row', {'a': 1})
    assert 'row' in family


def test_a_retry_heals_what_is_over(cluster):
    family = ColumnFamilyStub(ConnectionPoolStub('Shop', ['a:1', 'b:2']), 'Users')
    cluster.faults.cut(calls=2, methods='batch_mutate')
    cluster.faults.unavailable(calls=2, methods='get_slice')
    family.insert('row', {'a': 1})
    assert family.get('row') == {'a': 1}


def test_connections_refused_ignored_and_closed(cluster, family, connection):
    family.insert('row', {'a': 1})
    assert cluster.faults.disconnect() == 2
    assert not connection.is_open and not connection.probe()
    with pytest.raises(TransportError):
        connection.describe_version()
    cluster.faults.refuse_connections()
    cluster.advance(2)    # The pool asks connections that were idle for a second whether they still are.
    with pytest.raises(AllServersUnavailable) as caught:
        family.get('row')
    assert isinstance(caught.value.__cause__, ConnectionFailed)
    cluster.faults.ignore_connections()
    with pytest.raises(CallTimeout):
        connect(cluster)
    cluster.faults.accept_connections()
    cluster.advance(60)
    assert family.get('row') == {'a': 1}


def test_what_was_received(cluster, family):
    log = cluster.faults.record()
    family.insert('row', {'a': 1})
    family.get('row')
    cluster.faults.stop_recording()
    family.get('row')
    assert [entry.method for entry in log] == ['batch_mutate', 'get_slice']
    assert {entry.peer for entry in log} == {1}


# --- the stream -------------------------------------------------------------------------------------------------------

def test_frames_in_pieces_and_several_at_once(cluster, connection):
    stream = cluster.connect()
    stream.open()
    sent = []
    connection.transport._TFramedTransport__trans.write = sent.append
    with pytest.raises(CallTimeout):
        connection.describe_cluster_name()
    frame = b''.join(sent)
    for byte in frame + frame[:-1]:
        stream.write(bytes([byte]))
    once = stream.readAll(int.from_bytes(stream.readAll(4), 'big'))
    with pytest.raises(CallTimeout):
        stream.read(1)
    stream.write(frame[-1:] + frame)
    for _ in range(2):
        assert stream.readAll(int.from_bytes(stream.readAll(4), 'big')) == once


@pytest.mark.parametrize('data', [b'\x7f\xff\xff\xff', b'\xff\xff\xff\xff', b'\0\0\0\0', b'\0\0\0\4abcd'])
def test_what_is_no_message_closes_the_connection(cluster, data):
    stream = cluster.connect()
    stream.open()
    stream.write(data)
    assert not stream.isOpen() and stream.read(1) == b''
    with pytest.raises(ConnectionClosed):
        stream.write(b'more')
