"""Servers that want a login: every way in, what is refused and how, logging in again; no password in any error."""
import contextlib
import traceback

import pytest

import pycassa
from pycassa import AuthenticationException, InvalidRequestException, NoServerAvailable, PycassaError
from pycassa.cassandra.ttypes import (
    AuthenticationRequest,
    ColumnParent,
    ColumnPath,
    ConsistencyLevel,
    SlicePredicate,
    SliceRange,
)
from pycassa.columnfamily import ColumnFamily

from ..undertest import SUPERUSER
from .ways import by_client, by_connection, by_pool, by_thread_local

EMBEDDED_PROFILES = ('1.2?auth=1', '2.1?auth=1', '3.11?auth=1')
pytestmark = pytest.mark.given(auth=...)
CANARY = 'wrong-canary-password'
WRONG = {'username': 'cassandra', 'password': CANARY}
UNKNOWN = {'username': 'nobody', 'password': CANARY}
ONE = ConsistencyLevel.ONE
ALL_COLUMNS = SlicePredicate(slice_range=SliceRange(b'', b''))


# --- ways in ---------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def by_lazy_pool(server, keyspace, **options):
    with server.pool(keyspace, pool_size=2, max_retries=0, prefill=False, **options) as pool:
        yield pool


@contextlib.contextmanager
def by_logins(server, keyspace, credentials=SUPERUSER, **options):
    """As release 0.3 had it: what to log in with for each keyspace."""
    with by_client(server, keyspace, credentials=None, logins={keyspace: credentials}, **options) as client:
        yield client


WAYS = [by_connection, by_pool, by_lazy_pool, by_client, by_thread_local, by_logins]
every_way = pytest.mark.parametrize('way', WAYS, ids=lambda way: way.__name__)


@every_way
def test_who_logs_in_reads_and_writes(server, keyspace, family, way):
    with way(server, keyspace) as source:
        cf = ColumnFamily(source, family)
        cf.insert('k', {'a': 'b'})
        assert cf.get('k') == {'a': 'b'}
        assert list(cf.get_range()) == [('k', {'a': 'b'})]


def told(error):
    """All that an error tells: its text and its causes', their reprs, their traceback."""
    parts = traceback.format_exception(type(error), error, error.__traceback__)
    while error is not None:
        parts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return '\n'.join(parts)


def refusal(server, user):
    """What servers of this release say of a wrong password."""
    return (f'Provided username {user} and/or password are incorrect' if server.release >= (3, 0)
            else 'Username and/or password are incorrect')


@pytest.mark.parametrize('credentials', [WRONG, UNKNOWN], ids=['wrong password', 'unknown user'])
@every_way
def test_a_wrong_password(server, keyspace, family, way, credentials):
    with pytest.raises(PycassaError) as caught:
        with way(server, keyspace, credentials=credentials) as source:
            ColumnFamily(source, family).get('k')
    assert refusal(server, credentials['username']) in str(caught.value)
    assert isinstance(caught.value, (AuthenticationException, NoServerAvailable))
    assert CANARY not in told(caught.value)


def test_a_manager_logs_in(server, keyspace):
    with server.manager() as manager:
        manager.create_column_family(keyspace, 'G')
        assert 'G' in manager.get_keyspace_column_families(keyspace)
    with pytest.raises(AuthenticationException) as caught:
        server.manager(credentials=WRONG)
    assert CANARY not in told(caught.value)


# --- who has not logged in -------------------------------------------------------------------------------------------

@every_way
def test_without_credentials_nothing_is_to_be_had(server, keyspace, family, way):
    with pytest.raises(InvalidRequestException, match='You have not logged in') as caught:
        with way(server, keyspace, credentials=None) as source:
            ColumnFamily(source, family).get('k')
    assert 'You have not logged in' in str(caught.value)


def test_what_a_stranger_may_do(server, keyspace, family):
    with server.connect(None, credentials=None) as stranger:
        stranger.set_keyspace('surely_there_is_no_such_keyspace')
        stranger.set_keyspace(keyspace)
        assert stranger.describe_version() and stranger.describe_cluster_name() and stranger.describe_partitioner()
        assert stranger.describe_schema_versions()
        assert stranger.batch_mutate({}, ONE) is None
        for call in (lambda: stranger.get(b'k', ColumnPath(family, column=b'a'), ONE),
                     lambda: stranger.get_count(b'k', ColumnParent(family), ALL_COLUMNS, ONE),
                     lambda: stranger.describe_keyspace(keyspace), stranger.describe_keyspaces,
                     lambda: stranger.truncate(family), lambda: stranger.system_drop_keyspace(keyspace)):
            with pytest.raises(InvalidRequestException) as caught:
                call()
            assert caught.value.why == 'You have not logged in'
    with server.connect(keyspace) as connection:
        assert ColumnFamily(connection, family).get_count('k') == 0


@pytest.mark.parametrize('credentials, missing', [({}, 'username'), ({'password': CANARY}, 'username'),
                                                  ({'username': 'cassandra'}, 'password')])
def test_a_key_that_is_missing(server, keyspace, credentials, missing):
    with server.connect(None, credentials=None) as connection:
        with pytest.raises(AuthenticationException) as caught:
            connection.login(AuthenticationRequest(credentials))
        assert f"Required key '{missing}' is missing" in caught.value.why
        assert CANARY not in told(caught.value)
        connection.login(AuthenticationRequest({**SUPERUSER, 'more': 'is passed over'}))
        connection.set_keyspace(keyspace)


def test_a_failed_login_leaves_the_one_before(server, keyspace, family):
    with server.connect(keyspace) as connection:
        with pytest.raises(AuthenticationException):
            connection.login(AuthenticationRequest(WRONG))
        assert ColumnFamily(connection, family).get_count('k') == 0


# --- connections that come and go ------------------------------------------------------------------------------------

def test_a_pool_logs_in_again_with_every_connection(server, keyspace, family):
    with server.pool(keyspace, pool_size=1) as pool:
        cf = ColumnFamily(pool, family)
        for turn in range(3):
            cf.insert('k', {'turn': str(turn)})
            connection = pool.get()
            connection.close()
            connection.return_to_pool()
            assert cf.get('k') == {'turn': str(turn)}


@pytest.mark.parametrize('make', [pycassa.connect, pycassa.connect_thread_local])
def test_a_login_made_later_is_remembered(server, keyspace, family, make):
    with contextlib.closing(server.client(keyspace, make=make, credentials=None)) as client:
        with pytest.raises(InvalidRequestException, match='You have not logged in'):
            ColumnFamily(client, family)
        with pytest.raises(AuthenticationException) as caught:
            client.login(keyspace, WRONG)
        assert CANARY not in told(caught.value)
        client.login(keyspace, SUPERUSER)
        cf = ColumnFamily(client, family)
        cf.insert('k', {'a': 'b'})
        client.close()
        assert cf.get('k') == {'a': 'b'}
