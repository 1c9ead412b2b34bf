"""Users who may do some things and not others, on real servers with CassandraAuthorizer: what they are told."""
import contextlib
import itertools
import os

import pytest

from pycassa import AuthorizationException, InvalidRequestException
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import CfDef, Compression, ConsistencyLevel
from pycassa.columnfamily import ColumnFamily

pytestmark = pytest.mark.given(kind='real', auth=...)
PASSWORD = 'canary-of-a-user'
_numbers = itertools.count(1)


@pytest.fixture
def cql(raw_client):
    """Runs a statement of CQL 3 as the super-user."""
    return lambda statement: raw_client.execute_cql3_query(statement.encode(), Compression.NONE, ConsistencyLevel.ONE)


@pytest.fixture
def user(server, keyspace, family, cql):
    """user(*permissions on the family): a pool as which a new user works. Servers keep permissions for seconds."""
    with contextlib.ExitStack() as stack:
        def make(*permissions, on=None):
            name = f'user_{os.getpid()}_{next(_numbers)}'
            cql(f"CREATE USER {name} WITH PASSWORD '{PASSWORD}' NOSUPERUSER")
            stack.callback(cql, f'DROP USER {name}')
            for permission in permissions:
                cql(f'GRANT {permission} ON {on or f_name(keyspace, family)} TO {name}')
            pool = stack.enter_context(server.pool(keyspace, pool_size=1, max_retries=3, credentials={
                'username': name, 'password': PASSWORD}))
            pool.user = name
            return pool
        yield make


def f_name(keyspace, family):
    return f'"{keyspace}"."{family}"'


@contextlib.contextmanager
def refused(pool, permission, resource):
    """It is an InvalidRequestException, as for any other mistake, which names the user, and is not tried again."""
    with pytest.raises(InvalidRequestException) as caught:
        yield
    assert not isinstance(caught.value, AuthorizationException)
    assert caught.value.why == f'User {pool.user} has no {permission} permission on <{resource}> or any of its parents'
    assert PASSWORD not in f'{caught.value!r} {caught.value}'


def test_who_may_nothing(user, keyspace, family):
    pool, table = user(), f'table {keyspace}.F'
    cf = ColumnFamily(pool, family)
    for read in (lambda: cf.get('k'), lambda: cf.multiget(['k']), lambda: list(cf.get_range()),
                 lambda: cf.get_count('k'), lambda: list(cf.xget('k'))):
        with refused(pool, 'SELECT', table):
            read()
    for write in (lambda: cf.insert('k', {'a': 'b'}), lambda: cf.remove('k'), cf.truncate,
                  lambda: cf.batch().insert('k', {'a': 'b'}).send()):
        with refused(pool, 'MODIFY', table):
            write()


def test_who_may_read(user, server, keyspace, family):
    with server.pool(keyspace, pool_size=1) as pool:
        ColumnFamily(pool, family).insert('k', {'a': 'b'})
    reader = user('SELECT')
    cf = ColumnFamily(reader, family)
    assert cf.get('k') == {'a': 'b'} and list(cf.get_range()) == [('k', {'a': 'b'})]
    with refused(reader, 'MODIFY', f'table {keyspace}.F'):
        cf.insert('k', {'a': 'c'})
    assert cf.get('k') == {'a': 'b'}


def test_who_may_write(user, keyspace, family):
    writer = user('MODIFY')
    cf = ColumnFamily(writer, family)
    cf.insert('k', {'a': 'b'})
    with refused(writer, 'SELECT', f'table {keyspace}.F'):
        cf.get('k')


def test_a_batch_of_which_one_family_is_forbidden_writes_nothing(user, server, raw_client, keyspace, family):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='G', comparator_type='UTF8Type',
                                              default_validation_class='UTF8Type', key_validation_class='UTF8Type'))
    writer = user('MODIFY')
    allowed, forbidden = ColumnFamily(writer, family), ColumnFamily(writer, 'G')
    batch = Mutator(writer).insert(allowed, 'k', {'a': 'b'}).insert(forbidden, 'k', {'a': 'b'})
    with refused(writer, 'MODIFY', f'table {keyspace}.G'):
        batch.send()
    with server.pool(keyspace, pool_size=1) as pool:
        assert ColumnFamily(pool, family).get_count('k') == ColumnFamily(pool, 'G').get_count('k') == 0


def test_the_schema(user, server, keyspace, family):
    pool = user('SELECT')
    credentials = {'username': pool.user, 'password': PASSWORD}
    with server.manager(credentials=credentials) as manager:
        with refused(pool, 'CREATE', f'keyspace {keyspace}'):
            manager.create_column_family(keyspace, 'G')
        with refused(pool, 'ALTER', f'table {keyspace}.F'):
            manager.alter_column_family(keyspace, family, comment='changed')
        with refused(pool, 'DROP', f'table {keyspace}.F'):
            manager.drop_column_family(keyspace, family)
        with refused(pool, 'DROP', f'keyspace {keyspace}'):
            manager.drop_keyspace(keyspace)
        with refused(pool, 'CREATE', 'all keyspaces'):
            manager.create_keyspace(keyspace + '_2', strategy_options={'replication_factor': '1'})


def test_what_is_granted_for_the_keyspace_counts_for_its_families(user, keyspace, family):
    pool = user('SELECT', 'MODIFY', on=f'KEYSPACE "{keyspace}"')
    cf = ColumnFamily(pool, family)
    cf.insert('k', {'a': 'b'})
    assert cf.get('k') == {'a': 'b'}


def test_an_unknown_family_is_told_before_permissions_are(user, server, keyspace, raw_client):
    pool = user()
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='Gone', comparator_type='UTF8Type'))
    cf = ColumnFamily(pool, 'Gone')
    raw_client.system_drop_column_family('Gone')
    with pytest.raises(InvalidRequestException, match='unconfigured (columnfamily|table) Gone'):
        cf.get(b'k')
