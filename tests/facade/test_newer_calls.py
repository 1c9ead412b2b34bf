"""Calls that came with Cassandra 2.0 and 2.1: compare and set, and several slices at once."""
import datetime
import time

import pytest
from thrift.Thrift import TApplicationException

from pycassa.cassandra.ttypes import ConsistencyLevel, InvalidRequestException, NotFoundException, TimedOutException
from pycassa.columnfamily import ColumnFamily
from pycassa.columnfamilymap import ColumnFamilyMap
from pycassa.conditions import CasResult
from pycassa.connection import Connection
from pycassa.embedded import EmbeddedServer
from pycassa.errors import ApplicationError, ConnectionClosed, PackingError, ProtocolError
from pycassa.pool import ConnectionPool
from pycassa.structcalls import MultiSlice
from pycassa.types import IntegerType

WHEN = datetime.datetime(2020, 2, 3, 4, 5, 6, 789000)


# --- compare and set -------------------------------------------------------------------------------------------------

@pytest.mark.since(2, 0)
def test_cas(create):
    family = create('Standard')
    assert family.cas('k', None, {'a': '1', 'b': '2'}) == CasResult(True, {})
    refused = family.cas('k', {}, {'a': 'other'})
    assert not refused and refused.current == {'a': '1'}
    assert family.cas('k', {'a': '1', 'c': 'x'}, {'a': 'other'}) == (False, {'a': '1'})
    assert family.cas('k', {'c': 'x'}, {'a': 'other'}) == (False, {})
    assert family.get('k') == {'a': '1', 'b': '2'}
    assert family.cas('k', {'a': '1'}, {'a': '3', 'c': '4'})
    assert family.get('k') == {'a': '3', 'b': '2', 'c': '4'}
    family.remove('k')
    time.sleep(0.005)  # The server's timestamps are whole milliseconds.
    assert family.cas('k', {}, {'d': '5'}).applied
    assert family.get('k', read_consistency_level=ConsistencyLevel.SERIAL) == {'d': '5'}


@pytest.mark.since(2, 0)
def test_cas_converts_by_the_types_of_the_family(create):
    family = create('Times', 'LongType', 'DateType', 'Int32Type')
    assert family.cas(7, {}, {-1: WHEN, 2: WHEN.replace(year=1960)})
    result = family.cas(7, {-1: WHEN.replace(year=2021)}, {-1: WHEN})
    assert result == (False, {-1: WHEN}) and type(result.current) is family.dict_class
    assert family.cas(7, {-1: WHEN}, {3: WHEN})
    assert list(family.get(7)) == [-1, 2, 3]
    validated = create('Validated', columns={b'age': 'LongType'})
    assert validated.cas('k', None, {'age': 5, 'name': 'x'})
    assert validated.cas('k', {'age': 6}, {'age': 7}).current == {'age': 5}


@pytest.mark.since(2, 0)
def test_what_there_was_instead_is_no_more_than_was_expected(create):
    """Cassandra 3.11 itself adds other columns that the schema defines."""
    family = create('Defined', columns={b'age': 'LongType', b'name': 'UTF8Type'})
    family.insert('k', {'age': 5, 'name': 'x', 'free': 'y', 'other': 'z'})
    for expected, current in [({'age': 6}, {'age': 5}), ({'free': '-'}, {'free': 'y'}),
                              ({'age': 6, 'free': 'y'}, {'age': 5, 'free': 'y'}), ({'nothing': '-'}, {})]:
        assert family.cas('k', expected, {'other': 'changed'}) == (False, current)
    assert len(family.cas('k', None, {'other': 'changed'}).current) == 1
    assert family.get('k')['other'] == 'z'


@pytest.mark.since(2, 0)
def test_one_cas_after_the_other(create):
    family = create('Standard')
    for number in range(20):
        expected = {'n': str(number - 1)} if number else {}
        assert family.cas('k', expected, {'n': str(number)})
        assert family.get('k') == {'n': str(number)}


@pytest.mark.since(2, 0)
def test_a_ttl_holds_since_3_0(create, server):
    family = create('Standard')
    assert family.cas('k', None, {'a': '1'}, ttl=1000.7)
    ttl = 1000 if float(server.profile.partition('.')[0]) >= 3 else None
    assert family.get('k', include_ttl=True) == {'a': ('1', ttl)}


@pytest.mark.since(2, 0)
def test_levels_of_cas(create):
    family = create('Standard')
    assert family.cas('k', None, {'a': '1'}, serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL)
    assert family.cas('k', {'a': '1'}, {'a': '2'}, write_consistency_level=ConsistencyLevel.ANY)
    with pytest.raises(InvalidRequestException, match='SERIAL'):
        family.cas('k', {'a': '2'}, {'a': '3'}, serial_consistency_level=ConsistencyLevel.QUORUM)
    # ANY waits for no replica: it is there for who asks for what was agreed on.
    assert family.get('k', read_consistency_level=ConsistencyLevel.SERIAL) == {'a': '2'}


@pytest.mark.since(2, 0)
def test_cas_where_servers_refuse_it(create):
    with pytest.raises(InvalidRequestException, match='supercolumns'):
        create('Super', subcomparator='UTF8Type').cas('k', None, {'a': 'b'})
    with pytest.raises(InvalidRequestException, match='commutative'):
        create('Counters', value='CounterColumnType').cas('k', None, {'a': 5})
    with pytest.raises(InvalidRequestException, match='Key'):
        create('Standard').cas('', None, {'a': 'b'})


def test_cas_names_what_cannot_be_packed(client):
    family = ColumnFamily(client, 'Numbers')
    for expected, columns, what in [({'x': 1}, {}, "'x'"), ({}, {1: 'y'}, "'y'"), ({}, {1: None}, 'None'),
                                    ({None: 1}, {}, 'None')]:
        with pytest.raises(PackingError, match=what):
            family.cas(5, expected, columns)
    assert client.operations.calls == []


def test_the_request_of_cas(client):
    family = ColumnFamily(client, 'Numbers', write_consistency_level=ConsistencyLevel.QUORUM, timestamp=12)
    client.operations.answers['cas'] = (False, [((3).to_bytes(8, 'big'), (4).to_bytes(8, 'big'))])
    assert family.cas(5, {3: 1}, {3: 2}, ttl=9.9) == (False, {3: 4})
    (layout, key, condition) = client.operations.last.args
    numbers = [number.to_bytes(8, 'big') for number in range(6)]
    assert (layout.family, key) == (b'Numbers', numbers[5])
    assert condition == ([(numbers[3], numbers[1])], [(numbers[3], numbers[2])], 12, 9, ConsistencyLevel.SERIAL,
                         ConsistencyLevel.QUORUM)


@pytest.fixture
def faulty():
    """A family on an embedded server, and that server, whose `faults` a test switches on."""
    with EmbeddedServer(schema='demo') as server:
        pool = ConnectionPool('Keyspace1', [server.address], timeout=5)
        yield ColumnFamily(pool, 'Standard1'), server
        pool.dispose()


@pytest.mark.parametrize('fault, error', [('cut', ConnectionClosed), ('timed_out', TimedOutException)])
def test_cas_is_never_sent_again(faulty, fault, error):
    family, server = faulty
    received = server.faults.record()
    getattr(server.faults, fault)(methods=['cas'])
    with pytest.raises(error):
        family.cas('k', None, {'a': '1'})
    assert len(received.of('cas')) == 1
    assert family.cas('k', None, {'b': '1'}).applied == (fault == 'timed_out')


def test_get_multi_slice_is_sent_again_as_all_reads_are(faulty):
    family, server = faulty
    family.insert('k', {'a': 'b'})
    server.faults.cut(methods=['get_multi_slice'])
    assert family.get_multi_slice('k', [('', '')]) == {'a': 'b'}


@pytest.mark.parametrize('method, arguments', [('cas', ({}, {'a': 'b'})), ('get_multi_slice', ([('', '')],))])
@pytest.mark.parametrize('fault', ['wrong_seqid', 'wrong_name', 'garbage'])
def test_replies_that_are_not_to_the_call(faulty, method, arguments, fault):
    family, server = faulty
    with Connection('Keyspace1', server.address, timeout=5) as connection:
        getattr(server.faults, fault)(methods=[method])
        with pytest.raises(ProtocolError, match=method):
            getattr(ColumnFamily(connection, 'Standard1'), method)('k', *arguments)
        assert not connection.is_open


# --- several slices --------------------------------------------------------------------------------------------------

@pytest.fixture
def row(create):
    family = create('Standard')
    family.insert('k', {f'c{number}': str(number) for number in range(10)})
    return family


def numbers(columns):
    return ''.join(columns.values())


@pytest.mark.since(2, 1)
def test_get_multi_slice(row):
    found = row.get_multi_slice('k', [('c7', ''), ('c1', 'c3'), ('c2', 'c4')])
    assert numbers(found) == '1234789' and type(found) is row.dict_class
    assert numbers(row.get_multi_slice('k', iter([('', 'c1'), ('x', 'z')]))) == '01'
    assert numbers(row.get_multi_slice('k', [('c7', ''), ('c1', 'c3')], column_count=2)) == '12'
    assert numbers(row.get_multi_slice('k', [('', '')], column_count=None)) == '0123456789'
    with pytest.raises(NotFoundException):
        row.get_multi_slice('k', [('x', ''), ('', 'a')])
    with pytest.raises(InvalidRequestException, match='index 1 had start greater than finish'):
        row.get_multi_slice('k', [('c1', 'c2'), ('c7', 'c5')])
    with pytest.raises(ValueError, match='column_count=-1'):
        row.get_multi_slice('k', [('', '')], column_count=-1)


@pytest.mark.since(2, 1)
def test_get_multi_slice_backwards(row):
    """Cassandra 3.11 itself would give nothing."""
    assert numbers(row.get_multi_slice('k', [('c3', 'c1'), ('', 'c8'), ('c2', '')], column_reversed=True)) == '983210'
    assert numbers(row.get_multi_slice('k', [('c3', 'c1'), ('', 'c8')], True, column_count=3)) == '983'


@pytest.mark.since(2, 1)
def test_get_multi_slice_converts_as_get_does(create):
    family = create('Pairs', 'CompositeType(LongType,UTF8Type)', columns=None)
    family.insert('k', {(number, letter): letter for number in range(4) for letter in 'ab'}, timestamp=7)
    assert list(family.get_multi_slice('k', [((1,), (1,)), ((3, 'b'), '')])) == [(1, 'a'), (1, 'b'), (3, 'b')]
    assert list(family.get_multi_slice('k', [((1,), (0, 'b')), ], column_reversed=True)) == [
        (1, 'b'), (1, 'a'), (0, 'b')]
    assert list(family.get_multi_slice('k', [(((0, False),), ((2, False),))])) == [(1, 'a'), (1, 'b')]
    assert family.get_multi_slice('k', [((3, 'b'), '')], include_timestamp=True, include_ttl=True) == {
        (3, 'b'): ('b', 7, None)}
    counters = create('Counters', value='CounterColumnType')
    counters.insert('k', {'a': 1, 'b': 2, 'c': 3})
    assert counters.get_multi_slice('k', [('c', ''), ('', 'a')], include_ttl=True) == {'a': 1, 'c': 3}
    with pytest.raises(InvalidRequestException, match='super columns'):
        create('Super', subcomparator='UTF8Type').get_multi_slice('k', [('', '')])


def test_the_request_of_get_multi_slice(client, flags):
    family = ColumnFamily(client, 'Standard')
    client.operations.answers['get_multi_slice'] = {'a': 1, 'b': 2, 'c': 3}
    assert family.get_multi_slice('k', [('a', None)], column_count=2 ** 40, include_timestamp=True) == {
        'a': 1, 'b': 2, 'c': 3}
    assert client.operations.last.args[1:] == (b'k', MultiSlice([(b'a', b'')], 2 ** 31 - 1), 1, family.dict_class,
                                               flags.timestamp)
    assert list(family.get_multi_slice('k', [('z', 'a')], True, 2, read_consistency_level=2)) == ['c', 'b']
    assert client.operations.last.args[1:4] == (b'k', MultiSlice([(b'a', b'z')], 2 ** 31 - 1), 2)


# --- servers without them, and other ways to get there ---------------------------------------------------------------

@pytest.mark.parametrize('profile, has_cas', [('1.2', False), ('2.0', True)])
def test_a_server_that_does_not_have_them(profile, has_cas):
    with EmbeddedServer(schema='demo', profile=profile) as server:
        pool = ConnectionPool('Keyspace1', [server.address], timeout=5, pool_size=1)
        family = ColumnFamily(pool, 'Standard1')
        first = pool.get()
        first.return_to_pool()
        family.insert('k', {'a': 'b'})
        if has_cas:
            assert family.cas('k', {'a': 'b'}, {'a': 'c'})
        else:
            with pytest.raises(ApplicationError, match='came with Cassandra 2.0') as caught:
                family.cas('k', {'a': 'b'}, {'a': 'c'})
            assert caught.value.type == TApplicationException.UNKNOWN_METHOD
        with pytest.raises(ApplicationError, match='came with Cassandra 2.1: .*get_multi_slice'):
            family.get_multi_slice('k', [('', '')])
        assert family.get_count('k') == 1 and first.is_open
        pool.dispose()


@pytest.mark.since(2, 1)
def test_through_a_pool_a_client_and_in_several_keyspaces(create, keyspace, server):
    create('Standard')
    pool = server.pool(keyspace)
    client = server.client(keyspace)
    for number, source in enumerate([pool, client]):
        family = ColumnFamily(source, 'Standard')
        assert family.cas(f'k{number}', None, {'a': '1'})
        assert family.get_multi_slice(f'k{number}', [('', 'b')]) == {'a': '1'}
    with server.connect() as anywhere:
        family = ColumnFamily(anywhere, keyspace, 'Standard')
        anywhere.set_keyspace('system')
        assert family.cas('k', None, {'a': '2'}) and family.get_multi_slice('k', [('', 'b')]) == {'a': '2'}
    client.close()
    pool.dispose()


@pytest.mark.since(2, 1)
def test_through_the_methods_of_a_client_of_another_make(raw_client, create, keyspace):
    """They get the bindings' objects: so do methods that a user put over those of a connection."""
    create('Standard')
    raw_client.keyspace = keyspace
    family = ColumnFamily(raw_client, 'Standard')
    assert family.cas('k', None, {'a': '1', 'b': '2'})
    assert family.cas('k', {'a': '2'}, {'a': '3'}) == (False, {'a': '1'})
    assert family.get_multi_slice('k', [('b', '')]) == {'b': '2'}


@pytest.mark.since(2, 1)
def test_the_mapper_has_them_by_name_and_value(connection, create):

    class User:
        age = IntegerType()
    create('Users')
    users = ColumnFamilyMap(User, connection, 'Users')
    assert users.cas('k', None, {'age': 300})
    assert users.get('k').age == 300
    assert users.get_multi_slice('k', [('', '')]) == {'age': 300}
