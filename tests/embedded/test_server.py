"""EmbeddedServer: starting and stopping, its settings, every Thrift call through Thrift's own client."""
import contextlib
import os
import socket
import threading
import time
from random import Random

import pytest
from rawthrift import REPLY, RawConnection, framed, message, parse, string, struct_field
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport, TTransportException

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    CfDef,
    Column,
    ColumnDef,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    ColumnSlice,
    Compression,
    CounterColumn,
    Deletion,
    IndexClause,
    IndexExpression,
    InvalidRequestException,
    KeyRange,
    KsDef,
    MultiSliceRequest,
    Mutation,
    NotFoundException,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)
from pycassa.embedded import EmbeddedServer
from pycassa.embedded.server import read_credentials
from pycassa.errors import ConfigurationError

ALL = SlicePredicate(slice_range=SliceRange(b'', b'', False, 1000))


@contextlib.contextmanager
def client_of(server, transport_class=TFramedTransport, keyspace=None):
    """Thrift's own client of a server."""
    transport = transport_class(TSocket(server.host, server.port))
    transport.open()
    client = Cassandra.Client(TBinaryProtocol(transport))
    try:
        if keyspace:
            client.set_keyspace(keyspace)
        yield client
    finally:
        transport.close()


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.005)


@pytest.fixture
def demo():
    with EmbeddedServer(schema='demo') as server:
        yield server


# --- every call --------------------------------------------------------------------------------------------------

KEYSPACE = KsDef(name='K', strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'}, cf_defs=[
    CfDef(keyspace='K', name='F', column_metadata=[ColumnDef(b'i', 'UTF8Type', 0, 'i_index')]),
    CfDef(keyspace='K', name='S', column_type='Super'),
    CfDef(keyspace='K', name='C', default_validation_class='CounterColumnType'),
    CfDef(keyspace='K', name='SC', column_type='Super', default_validation_class='CounterColumnType')])


@pytest.fixture(scope='module')
def loaded():
    with EmbeddedServer() as server, client_of(server) as client:
        client.system_add_keyspace(KEYSPACE)
        yield server


@pytest.fixture
def client(loaded):
    with client_of(loaded, keyspace='K') as client:
        for family in 'F', 'S', 'C', 'SC':
            client.truncate(family)
        yield client


def columns(found):
    return [(item.column.name, item.column.value) for item in found]


def test_writes_and_reads_of_a_standard_family(client):
    client.insert(b'a', ColumnParent('F'), Column(b'x', b'1', 5, 60), 1)
    insertions = [Mutation(ColumnOrSuperColumn(Column(*column))) for column in ((b'y', b'2', 5), (b'i', b'in', 5))]
    client.batch_mutate({b'a': {'F': insertions}, b'b': {'F': insertions}}, 1)
    client.atomic_batch_mutate({b'b': {'F': [Mutation(deletion=Deletion(6, predicate=SlicePredicate([b'y'])))]}}, 1)
    assert client.get(b'a', ColumnPath('F', column=b'x'), 1).column == Column(b'x', b'1', 5, 60)
    with pytest.raises(NotFoundException):
        client.get(b'b', ColumnPath('F', column=b'y'), 1)
    assert columns(client.get_slice(b'a', ColumnParent('F'), ALL, 1)) == [(b'i', b'in'), (b'x', b'1'), (b'y', b'2')]
    assert client.get_count(b'a', ColumnParent('F'), ALL, 1) == 3
    rows = client.multiget_slice([b'a', b'b', b'none'], ColumnParent('F'), SlicePredicate([b'x', b'i']), 1)
    assert {key: columns(found) for key, found in rows.items()} == {
        b'a': [(b'i', b'in'), (b'x', b'1')], b'b': [(b'i', b'in')], b'none': []}
    assert client.multiget_count([b'a', b'b'], ColumnParent('F'), ALL, 1) == {b'a': 3, b'b': 1}
    found = client.get_range_slices(ColumnParent('F'), ALL, KeyRange(b'', b'', count=10), 1)
    assert {each.key: len(each.columns) for each in found} == {b'a': 3, b'b': 1}
    filtered = KeyRange(b'', b'', count=10, row_filter=[IndexExpression(b'y', 0, b'2')])
    assert [each.key for each in client.get_range_slices(ColumnParent('F'), ALL, filtered, 1)] == [b'a']
    clause = IndexClause([IndexExpression(b'i', 0, b'in')], b'', 10)
    assert {each.key for each in client.get_indexed_slices(ColumnParent('F'), clause, ALL, 1)} == {b'a', b'b'}
    paged = client.get_paged_slice('F', KeyRange(b'a', b'', count=2), b'x', 1)
    assert columns(paged[0].columns) == [(b'x', b'1'), (b'y', b'2')]
    request = MultiSliceRequest(b'a', ColumnParent('F'), [ColumnSlice(b'y', b''), ColumnSlice(b'i', b'i')], False, 9, 1)
    assert columns(client.get_multi_slice(request)) == [(b'i', b'in'), (b'y', b'2')]
    client.remove(b'a', ColumnPath('F'), 5, 1)
    assert client.get_slice(b'a', ColumnParent('F'), ALL, 1) == []


def test_cas(client):
    assert client.cas(b'k', 'F', [], [Column(b'x', b'1', 1)], 9, 1).success is True
    refused = client.cas(b'k', 'F', [Column(b'x', b'other')], [Column(b'x', b'2', 1)], 9, 1)
    assert refused.success is False
    assert [(column.name, column.value) for column in refused.current_values] == [(b'x', b'1')]


def test_super_columns(client):
    client.batch_mutate({b'k': {'S': [Mutation(ColumnOrSuperColumn(super_column=SuperColumn(
        b's', [Column(b'a', b'1', 5), Column(b'b', b'2', 5, 60)])))]}}, 1)
    client.insert(b'k', ColumnParent('S', b't'), Column(b'c', b'3', 5), 1)
    expected = SuperColumn(b's', [Column(b'a', b'1', 5), Column(b'b', b'2', 5, 60)])
    assert client.get(b'k', ColumnPath('S', b's'), 1).super_column == expected
    assert client.get(b'k', ColumnPath('S', b's', b'b'), 1).column == expected.columns[1]
    assert [item.super_column.name for item in client.get_slice(b'k', ColumnParent('S'), ALL, 1)] == [b's', b't']
    assert columns(client.get_slice(b'k', ColumnParent('S', b't'), ALL, 1)) == [(b'c', b'3')]


def test_counters(client):
    client.add(b'k', ColumnParent('C'), CounterColumn(b'n', 5), 1)
    client.batch_mutate({b'k': {'C': [Mutation(ColumnOrSuperColumn(counter_column=CounterColumn(b'n', -2)))]}}, 1)
    assert client.get(b'k', ColumnPath('C', column=b'n'), 1).counter_column == CounterColumn(b'n', 3)
    client.add(b'k', ColumnParent('SC', b's'), CounterColumn(b'n', 7), 1)
    (found,) = client.get_slice(b'k', ColumnParent('SC'), ALL, 1)
    assert found.counter_super_column.columns == [CounterColumn(b'n', 7)]
    client.remove_counter(b'k', ColumnPath('C', column=b'n'), 1)
    assert client.get_slice(b'k', ColumnParent('C'), ALL, 1) == []


def test_schema_and_descriptions(client):
    client.login(AuthenticationRequest({}))
    assert client.describe_cluster_name() == 'Test Cluster'
    assert client.describe_version() == '19.39.0'
    assert client.describe_partitioner() == 'org.apache.cassandra.dht.Murmur3Partitioner'
    assert client.describe_snitch().startswith('org.apache.cassandra.locator.')
    assert 'K' in [keyspace.name for keyspace in client.describe_keyspaces()]
    assert {family.name for family in client.describe_keyspace('K').cf_defs} == {'F', 'S', 'C', 'SC'}
    with pytest.raises(NotFoundException):
        client.describe_keyspace('none')
    versions = client.describe_schema_versions()
    assert list(versions.values()) == [['127.0.0.1']]
    for ring in client.describe_ring('K'), client.describe_local_ring('K'):
        assert ring[0].endpoints == ['127.0.0.1']
    assert list(client.describe_token_map().values()) == ['127.0.0.1']
    assert len(client.describe_splits('F', '0', '0', 100)) >= 2
    assert client.describe_splits_ex('F', '0', '0', 100)[0].row_count >= 128
    assert isinstance(client.trace_next_query(), bytes)
    client.system_add_column_family(CfDef(keyspace='K', name='New'))
    assert list(client.describe_schema_versions()) != list(versions)
    client.system_update_column_family(CfDef(keyspace='K', name='New', comment='noted'))
    assert [family.comment for family in client.describe_keyspace('K').cf_defs if family.name == 'New'] == ['noted']
    client.system_drop_column_family('New')
    client.system_add_keyspace(KsDef('K2', 'SimpleStrategy', {'replication_factor': '1'}, cf_defs=[]))
    client.system_update_keyspace(KsDef('K2', 'SimpleStrategy', {'replication_factor': '2'}, cf_defs=[]))
    client.system_drop_keyspace('K2')
    with pytest.raises(InvalidRequestException):
        client.set_keyspace('K2')


def test_cql_is_refused(client):
    for call in (lambda: client.execute_cql_query(b'SELECT', Compression.NONE),
                 lambda: client.execute_cql3_query(b'SELECT', Compression.NONE, 1),
                 lambda: client.prepare_cql_query(b'SELECT', Compression.NONE),
                 lambda: client.prepare_cql3_query(b'SELECT', Compression.NONE),
                 lambda: client.execute_prepared_cql_query(1, []),
                 lambda: client.execute_prepared_cql3_query(1, [], 1),
                 lambda: client.set_cql_version('3.0.0')):
        try:
            call()
        except InvalidRequestException as error:
            assert 'CQL' in error.why
    client.describe_version()


def test_every_method_of_the_interface_is_dispatched(loaded):
    names = [name for name in dir(Cassandra.Iface) if not name.startswith('_')]
    assert len(names) == 45
    for name in names:
        with RawConnection(loaded) as raw:
            assert b'Invalid method name' not in raw.call(name).body


@pytest.mark.parametrize('profile, absent', [
    ('1.2', {'cas', 'get_multi_slice'}), ('2.0', {'get_multi_slice'}), ('2.2', set())])
def test_profiles_lack_what_came_later(profile, absent):
    with EmbeddedServer(profile=profile) as server, RawConnection(server) as raw:
        for name in 'cas', 'get_multi_slice', 'get_slice':
            assert (b'Invalid method name' in raw.call(name).body) is (name in absent)


def test_profile_1_2_does_not_know_serial_consistency():
    with EmbeddedServer(profile='1.2') as server, client_of(server) as client:
        client.system_add_keyspace(KEYSPACE)
        client.set_keyspace('K')
        with pytest.raises(TApplicationException, match="'consistency_level' was not present"):
            client.get(b'k', ColumnPath('F', column=b'c'), 9)


# --- start, stop, addresses --------------------------------------------------------------------------------------

def test_nothing_is_left_after_stop(demo):
    demo.stop()
    threads, descriptors = set(threading.enumerate()), set(os.listdir('/proc/self/fd'))
    server = EmbeddedServer().start()
    assert server.running and server.port and server.address == f'127.0.0.1:{server.port}'
    connections = [RawConnection(server) for _ in range(20)]
    for connection in connections:
        assert connection.call('describe_version').type == REPLY
    assert server.connections == 20
    server.stop()
    for connection in connections:
        assert connection.is_closed()
        connection.socket.close()
    assert not server.running
    assert set(threading.enumerate()) == threads
    assert set(os.listdir('/proc/self/fd')) == descriptors
    server.stop()


def test_data_and_port_outlive_a_restart(demo):
    address = demo.address
    with client_of(demo, keyspace='Keyspace1') as client:
        client.insert(b'k', ColumnParent('Standard1'), Column(b'c', b'v', 1), 1)
        demo.stop()
        with pytest.raises(TTransportException):
            client.describe_version()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((demo.host, demo.port), 5)
    demo.start()
    assert demo.address == address
    with client_of(demo, keyspace='Keyspace1') as client:
        assert client.get(b'k', ColumnPath('Standard1', column=b'c'), 1).column.value == b'v'


def test_starting_twice_and_a_taken_port(demo):
    with pytest.raises(ConfigurationError, match='runs already'):
        demo.start()
    taken = EmbeddedServer(port=demo.port)
    with pytest.raises(OSError):
        taken.start()
    assert not taken.running


def test_an_ipv6_address():
    try:
        probe = socket.socket(socket.AF_INET6)
        probe.bind(('::1', 0))
        probe.close()
    except OSError:
        pytest.skip('this machine has no IPv6 loopback')
    with EmbeddedServer(host='::1') as server:
        assert server.address == f'[::1]:{server.port}'
        with RawConnection(server) as raw:
            assert raw.call('describe_version').type == REPLY


@pytest.mark.parametrize('settings', [
    {'profile': '0.6'}, {'partitioner': 'RackAware'}, {'schema': 'Keyspace1'}, {'host': ''}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(ConfigurationError):
        EmbeddedServer(**settings)


def test_a_connection_closed_by_the_client_is_forgotten(demo):
    with RawConnection(demo) as raw:
        raw.call('describe_version')
        assert demo.connections == 1
    wait_until(lambda: demo.connections == 0)


def test_many_clients_at_once(demo):
    def work(number):
        with client_of(demo, keyspace='Keyspace1') as client:
            for step in range(50):
                column = Column(b'c%03d' % step, b'%d' % number, step)
                client.insert(b'k%d' % number, ColumnParent('Standard1'), column, 1)
            found[number] = client.get_slice(b'k%d' % number, ColumnParent('Standard1'), ALL, 1)
    found = {}
    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: {value for _, value in columns(items)} for number, items in found.items()} == {
        number: {b'%d' % number} for number in range(12)}
    assert all(len(items) == 50 for items in found.values())


def test_many_connections(demo):
    connections = [RawConnection(demo) for _ in range(300)]
    for connection in connections:
        connection.send(framed(message('describe_version')))
    assert {connection.reply().name for connection in connections} == {'describe_version'}
    for connection in connections:
        connection.socket.close()


KEY, PARENT = string(1, b'k'), struct_field(2, string(3, b'Standard1'))
COLUMN = b'\x0b\0\1\0\0\0\1c' + b'\x0b\0\2\0\0\0\1v' + b'\x0a\0\3' + bytes(8) + b'\0'
REQUESTS = [
    message('get_slice', KEY + PARENT + struct_field(3, b'\x0f\0\1\x0b\0\0\0\1\0\0\0\1c') + b'\0'),
    message('insert', KEY + PARENT + struct_field(3, COLUMN[:-1]) + b'\0'),
    message('batch_mutate', b'\x0d\0\1\x0b\x0d\0\0\0\1\0\0\0\1k\x0b\x0f\0\0\0\1\0\0\0\x09Standard1\x0c\0\0\0\1'
                            b'\x0c\0\1\x0c\0\1' + COLUMN + b'\0\0\0'),
    message('system_add_keyspace', struct_field(1, string(1, b'x') + string(2, b'SimpleStrategy')
                                                + b'\x0f\0\5\x0c\0\0\0\0') + b'\0'),
    message('describe_version'),
]


def test_whatever_is_sent_the_server_serves_the_others(demo):
    """Damaged requests are answered, or their connection is closed."""
    random = Random(5)
    for _ in range(400):
        damaged = bytearray(random.choice(REQUESTS))
        for _ in range(random.randint(1, 4)):
            damaged[random.randrange(len(damaged))] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))
        with RawConnection(demo) as victim:
            victim.send(framed(message('set_keyspace', string(1, b'Keyspace1') + b'\0')))
            victim.send(framed(bytes(damaged[:random.randint(1, len(damaged))])))
            victim.socket.shutdown(socket.SHUT_WR)
            while victim.frame() is not None:
                pass
    with RawConnection(demo) as other:
        assert other.call('describe_version').type == REPLY


def test_sessions_are_of_one_connection(demo):
    with client_of(demo, keyspace='Keyspace1') as first, client_of(demo) as second:
        assert first.get_slice(b'k', ColumnParent('Standard1'), ALL, 1) == []
        with pytest.raises(InvalidRequestException, match='No keyspace has been specified'):
            second.get_slice(b'k', ColumnParent('Standard1'), ALL, 1)


def test_an_error_of_the_server_closes_only_its_connection(demo, caplog, monkeypatch):
    def fail(self):
        raise ZeroDivisionError('made by a test')
    monkeypatch.setattr('pycassa.embedded.engine.Session.describe_snitch', fail)
    with RawConnection(demo) as raw, RawConnection(demo) as other:
        raw.send(framed(message('describe_snitch')))
        assert raw.is_closed()
        assert other.call('describe_version').type == REPLY
    assert 'describe_snitch failed' in caplog.text and 'made by a test' in caplog.text


def test_a_clock_of_the_users_own():
    now = [1_000_000.0]
    with EmbeddedServer(schema='demo', clock=lambda: now[0]) as server:
        with client_of(server, keyspace='Keyspace1') as client:
            client.insert(b'k', ColumnParent('Standard1'), Column(b'c', b'v', 1, 10), 1)
            now[0] += 9
            assert len(client.get_slice(b'k', ColumnParent('Standard1'), ALL, 1)) == 1
            now[0] += 1
            assert client.get_slice(b'k', ColumnParent('Standard1'), ALL, 1) == []


# --- the demo schema ---------------------------------------------------------------------------------------------

def test_the_demo_schema(demo):
    with client_of(demo) as client:
        families = {family.name: family for family in client.describe_keyspace('Keyspace1').cf_defs}
    assert set(families) == {'Standard1', 'Super1', 'Test ColumnFamily', 'Test SuperColumnFamily'}
    utf8, raw = 'org.apache.cassandra.db.marshal.UTF8Type', 'org.apache.cassandra.db.marshal.BytesType'
    for name, family in families.items():
        assert family.column_type == ('Super' if 'Super' in name else 'Standard')
        assert family.comparator_type == family.default_validation_class == family.key_validation_class == utf8
        assert family.subcomparator_type == (utf8 if 'Super' in name else None)
        assert [(each.name, each.validation_class) for each in family.column_metadata] == [(b'float_column', raw)]


def test_names_with_spaces_hold_data(demo):
    with client_of(demo, keyspace='Keyspace1') as client:
        client.insert(b'foo', ColumnParent('Test ColumnFamily'), Column(b'column1', b'val1', 1), 1)
        assert columns(client.get_slice(b'foo', ColumnParent('Test ColumnFamily'), ALL, 1)) == [(b'column1', b'val1')]
        with pytest.raises(InvalidRequestException):
            client.system_add_column_family(CfDef(keyspace='Keyspace1', name='Third ColumnFamily'))


# --- unframed connections ----------------------------------------------------------------------------------------

@pytest.fixture
def unframed():
    with EmbeddedServer(schema='demo', unframed=True) as server:
        yield server


def test_framed_and_unframed_clients_on_one_port(unframed):
    with client_of(unframed, TBufferedTransport, 'Keyspace1') as plain, \
            client_of(unframed, TFramedTransport, 'Keyspace1') as framed_client:
        plain.insert(b'k', ColumnParent('Standard1'), Column(b'c', b'v', 1), 1)
        assert framed_client.get(b'k', ColumnPath('Standard1', column=b'c'), 1).column.value == b'v'
        plain.batch_mutate({b'%d' % row: {'Standard1': [Mutation(ColumnOrSuperColumn(
            Column(b'%d' % number, bytes(1000), 1))) for number in range(100)]} for row in range(30)}, 1)
        assert plain.get_count(b'29', ColumnParent('Standard1'), ALL, 1) == 100
        assert len(plain.get_slice(b'7', ColumnParent('Standard1'), ALL, 1)) == 100


def test_unframed_messages_in_pieces_and_pipelined(unframed):
    with RawConnection(unframed) as raw:
        for byte in message('describe_version'):
            raw.send(bytes((byte,)))
        expected = len(message('describe_version', string(0, b'19.39.0') + b'\0'))
        assert parse(raw.exactly(expected)).name == 'describe_version'
        raw.send(b''.join(message('describe_version', seqid=seqid) for seqid in range(9)))
        assert [parse(raw.exactly(expected)).seqid for _ in range(9)] == list(range(9))


# --- credentials -------------------------------------------------------------------------------------------------

@pytest.fixture
def credentials_file(tmp_path):
    path = tmp_path / 'credentials'
    path.write_text('# who may come in\n\njsmith:havebad:pass\nanna:ünïcode\n', encoding='utf-8')
    return path


def test_credentials_of_a_file(credentials_file):
    assert read_credentials(credentials_file) == {'jsmith': 'havebad:pass', 'anna': 'ünïcode'}
    with EmbeddedServer(schema='demo', credentials=str(credentials_file)) as server, client_of(server) as client:
        with pytest.raises(InvalidRequestException, match='You have not logged in'):
            client.describe_keyspaces()
        with pytest.raises(AuthenticationException, match='incorrect'):
            client.login(AuthenticationRequest({'username': 'jsmith', 'password': 'wrong'}))
        client.login(AuthenticationRequest({'username': 'jsmith', 'password': 'havebad:pass'}))
        client.set_keyspace('Keyspace1')
        assert client.get_slice(b'k', ColumnParent('Standard1'), ALL, 1) == []


@pytest.mark.parametrize('text', ['user:secret\nno colon here\n', 'user:secret\n:nobody\n'])
def test_a_malformed_credentials_file_is_not_quoted(tmp_path, text):
    path = tmp_path / 'credentials'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match='line 2') as caught:
        EmbeddedServer(credentials=path)
    assert 'secret' not in str(caught.value) and 'nobody' not in str(caught.value) and 'colon' not in str(caught.value)


def test_credentials_are_not_shown():
    server = EmbeddedServer(credentials={'jsmith': 'havebadpass'})
    assert 'havebadpass' not in repr(server) + repr(server.engine) + repr(vars(server))


