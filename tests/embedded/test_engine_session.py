"""Session state, login, consistency levels on one node, and what the server refuses as a whole."""
import pytest
from enginecases import (
    EVERYTHING,
    ONE,
    PROFILES,
    cf_def,
    families,
    keys,
    ks_def,
    mutate,
    names,
    put,
    refused,
    row,
    scan,
    session,
)

from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    ConsistencyLevel,
    UnavailableException,
)
from pycassa.embedded.engine import Engine

LEVEL = ConsistencyLevel
ANY_KEYSPACE = 'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename'


# --- keyspaces ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('profile', PROFILES)
def test_calls_before_set_keyspace(profile):
    made = Engine(profile=profile).session()
    why = 'no keyspace has been specified' if profile == '1.2' else ANY_KEYSPACE
    refused(why, made.batch_mutate, [], ONE)
    refused(why, row, made, b'k')
    refused(why, scan, made)
    refused(why, made.get_count, b'k', ('B', None), (None, None), ONE)
    refused(why, made.truncate, 'B')
    refused(why, made.describe_splits, 'B', '0', '0', 10)
    refused(why, made.system_add_column_family, cf_def('B'))
    refused(why, made.system_drop_column_family, 'B')


def test_set_keyspace():
    made = session()
    refused("Keyspace 'k' does not exist", made.set_keyspace, 'k')
    assert made.keyspace == 'K'
    put(made, b'k', b'a')


def test_a_keyspace_dropped_by_someone_else():
    made = session()
    made.engine.session().system_drop_keyspace('K')
    refused('Keyspace K does not exist', row, made, b'k')
    refused('Keyspace K does not exist', put, made, b'k', b'a')
    made.batch_mutate([], ONE)


def test_sessions_have_keyspaces_of_their_own():
    made = session()
    other = made.engine.session()
    other.system_add_keyspace(ks_def('L', [cf_def('B', 'L')]))
    other.set_keyspace('L')
    put(other, b'k', b'l')
    assert names(made, b'k') == [] and names(other, b'k') == [b'l']


# --- login -------------------------------------------------------------------------------------------------------

def login(made, **credentials):
    made.login(AuthenticationRequest(credentials))


def test_without_credentials_anyone_may_log_in():
    made = session()
    login(made)
    login(made, username='anyone', password='anything')
    put(made, b'k', b'a')


@pytest.mark.parametrize('profile, no_password, wrong', [
    ('2.1', "Required key 'password' is missing", 'Username and/or password are incorrect'),
    ('3.11', "Required key 'password' is missing for provided username amy",
     'Provided username amy and/or password are incorrect'),
])
def test_refused_logins(profile, no_password, wrong):
    made = Engine(profile=profile, credentials={'amy': 'secret'}).session()
    for why, given in (("Required key 'username' is missing", {}), (no_password, {'username': 'amy'}),
                       (wrong, {'username': 'amy', 'password': 'no'})):
        with pytest.raises(AuthenticationException) as caught:
            login(made, **given)
        assert caught.value.why == why
    with pytest.raises(AuthenticationException, match='incorrect'):
        login(made, username='eve', password='secret')


def test_a_login_ignores_other_keys_and_a_failed_one_changes_nothing():
    made = Engine(credentials={'amy': 'sécret', 'bob': 'hidden'}).session()
    login(made, username='amy', password='sécret', more='ignored')
    assert made.user == 'amy'
    with pytest.raises(AuthenticationException):
        login(made, username='bob', password='wrong')
    assert made.user == 'amy'
    made.engine.add_keyspace(ks_def(families=families()))
    made.set_keyspace('K')
    put(made, b'k', b'a')


def test_what_works_without_login():
    engine = Engine(credentials={'amy': 'secret'})
    engine.add_keyspace(ks_def(families=families()))
    made = engine.session()
    made.set_keyspace('no such keyspace')
    made.set_keyspace('K')
    made.batch_mutate([], ONE)
    assert made.describe_version() == '19.39.0' and made.describe_cluster_name() == 'Test Cluster'
    assert made.describe_ring('K') and made.describe_schema_versions() and made.describe_partitioner()
    for call, arguments in (
            (row, (made, b'k')), (put, (made, b'k', b'a')), (mutate, (made, b'k', 'B')), (scan, (made,)),
            (made.truncate, ('B',)), (made.describe_keyspace, ('K',)), (made.describe_keyspaces, ()),
            (made.system_add_keyspace, (ks_def('L'),)), (made.system_drop_keyspace, ('K',)),
            (made.system_add_column_family, (cf_def('X'),)), (made.system_drop_column_family, ('B',)),
            (made.system_update_column_family, (cf_def('B'),))):
        refused('You have not logged in', call, *arguments)
    assert keys(_logged_in(engine)) == []


def _logged_in(engine):
    made = engine.session()
    login(made, username='amy', password='secret')
    made.set_keyspace('K')
    return made


def test_passwords_are_not_in_the_repr():
    assert 'secret' not in repr(Engine(credentials={'amy': 'secret'}))


# --- consistency levels ------------------------------------------------------------------------------------------

SERVED = [LEVEL.ONE, LEVEL.QUORUM, LEVEL.ALL, LEVEL.LOCAL_ONE, LEVEL.LOCAL_QUORUM]


@pytest.mark.parametrize('level', SERVED)
def test_levels_that_one_replica_serves(level):
    made = session()
    made.insert(b'k', ('B', None), (b'a', b'v', 1, None), level)
    made.batch_mutate([(b'k', [('B', [(1, b'b', b'v', 1, None)])])], level)
    made.add(b'k', ('C', None), (b'c', 1), level)
    assert len(made.get_slice(b'k', ('B', None), EVERYTHING, level)[1]) == 2
    assert len(made.get_range_slices(('B', None), EVERYTHING, (b'', b'', None, None, 9, None), level)) == 1
    assert made.get(b'k', ('C', None, b'c'), level) == (3, [(b'c', 1)])


@pytest.mark.parametrize('level', [LEVEL.TWO, LEVEL.THREE])
def test_levels_that_need_more_replicas(level):
    made = session()
    for call, arguments in (
            (made.insert, (b'k', ('B', None), (b'a', b'v', 1, None))), (made.add, (b'k', ('C', None), (b'c', 1))),
            (made.get_slice, (b'k', ('B', None), EVERYTHING)), (made.remove, (b'k', ('B', None, None), 1)),
            (made.batch_mutate, ([(b'k', [('B', [(1, b'b', b'v', 1, None)])])],)),
            (made.get_range_slices, (('B', None), EVERYTHING, (b'', b'', None, None, 9, None)))):
        with pytest.raises(UnavailableException):
            call(*arguments, level)
    made.batch_mutate([], level)
    assert keys(made) == []


def test_any():
    made = session()
    made.insert(b'k', ('B', None), (b'a', b'v', 1, None), LEVEL.ANY)
    refused('ANY ConsistencyLevel is only supported for writes', made.get_slice, b'k', ('B', None), EVERYTHING,
            LEVEL.ANY)
    refused('Consistency level ANY is not yet supported for counter columnfamily C', made.batch_mutate,
            [(b'k', [('C', [(3, b'c', 1)])])], LEVEL.ANY)
    refused('Consistency level ANY is not yet supported for counter columnfamily C', made.remove_counter, b'k',
            ('C', None, b'c'), LEVEL.ANY)


@pytest.mark.parametrize('profile', PROFILES)
def test_each_quorum(profile):
    made = session(profile)
    made.insert(b'k', ('B', None), (b'a', b'v', 1, None), LEVEL.EACH_QUORUM)
    if profile in ('3.0', '3.11'):
        assert len(made.get_slice(b'k', ('B', None), EVERYTHING, LEVEL.EACH_QUORUM)[1]) == 1
    else:
        refused('EACH_QUORUM ConsistencyLevel is only supported for writes', made.get_slice, b'k', ('B', None),
                EVERYTHING, LEVEL.EACH_QUORUM)


@pytest.mark.parametrize('level', [LEVEL.SERIAL, LEVEL.LOCAL_SERIAL])
@pytest.mark.parametrize('profile, what', [('2.1', 'row'), ('3.11', 'partition')])
def test_serial(level, profile, what):
    made = session(profile)
    assert made.get_slice(b'k', ('B', None), EVERYTHING, level) == (1, [])
    assert made.multiget_slice([b'k'], ('B', None), EVERYTHING, level) == {b'k': (1, [])}
    refused(f'SERIAL/LOCAL_SERIAL consistency may only be requested for one {what} at a time', made.multiget_slice,
            [b'k', b'j'], ('B', None), EVERYTHING, level)
    assert made.get_range_slices(('B', None), EVERYTHING, (b'', b'', None, None, 9, None), level) == []
    refused('You must use conditional updates for serializable writes', made.insert, b'k', ('B', None),
            (b'a', b'v', 1, None), level)
    refused('You must use conditional updates for serializable writes', made.batch_mutate, [], level)
    refused('Counter operations are inherently non-serializable', made.add, b'k', ('C', None), (b'c', 1), level)


def served(strategy, options, level):
    made = Engine().session()
    made.engine.add_keyspace(ks_def(families=[cf_def('B')], strategy=strategy, options=options))
    made.set_keyspace('K')
    try:
        made.insert(b'k', ('B', None), (b'a', b'v', 1, None), level)
    except UnavailableException:
        return False
    return True


@pytest.mark.parametrize('strategy, options, one, quorum', [
    ('SimpleStrategy', {'replication_factor': '1'}, True, True),
    ('SimpleStrategy', {'replication_factor': '3'}, True, False),
    ('SimpleStrategy', {'replication_factor': '0'}, False, False),
    ('NetworkTopologyStrategy', {'datacenter1': '1'}, True, True),
    ('NetworkTopologyStrategy', {'dc9': '1'}, False, False),
])
def test_replication(strategy, options, one, quorum):
    assert served(strategy, options, LEVEL.ONE) is one
    assert served(strategy, options, LEVEL.QUORUM) is quorum


# --- the engine --------------------------------------------------------------------------------------------------

def test_settings_that_cannot_be():
    with pytest.raises(ValueError, match='unknown server profile'):
        Engine(profile='0.7')
    with pytest.raises(ValueError, match='unknown partitioner'):
        Engine(partitioner='NoPartitioner')


@pytest.mark.parametrize('profile, text', [('2.1', 'no CQL'), ('2.2', 'CQL2 has been removed in Cassandra 2.2'),
                                           ('3.11', 'CQL2 has been removed in Cassandra 3.0')])
def test_cql_is_refused_clearly(profile, text):
    made = session(profile)
    for call, arguments in ((made.execute_cql_query, (b'SELECT', 2)), (made.prepare_cql_query, (b'SELECT', 2)),
                            (made.execute_prepared_cql_query, (1, []))):
        with pytest.raises(Exception, match=text):
            call(*arguments)
    for call, arguments in ((made.execute_cql3_query, (b'SELECT', 2, 1)), (made.prepare_cql3_query, (b'SELECT', 2)),
                            (made.execute_prepared_cql3_query, (1, [], 1))):
        refused('the embedded server has no CQL; use the calls of the Thrift data model', call, *arguments)
    made.set_cql_version('3.0.0')


def test_sessions_offer_every_call_of_the_interface():
    from pycassa.cassandra.Cassandra import Iface
    calls = [name for name in vars(Iface) if not name.startswith('_')]
    assert len(calls) == 45
    made = session()
    assert [name for name in calls if not callable(getattr(made, name, None))] == []


def test_trace_next_query_gives_an_id():
    assert len(session().trace_next_query()) == 16
