"""Variables follow the schema, on every server: families made, changed, dropped, here and by others; descriptions."""
import pytest

import pycassa
from pycassa.cassandra.ttypes import CfDef
from pycassa.embedded import EmbeddedServer
from pycassa.errors import ConfigurationError
from pycassa.shell.options import Settings
from pycassa.shell.session import Session, explain

TEXT = {'comparator_type': 'UTF8Type', 'key_validation_class': 'UTF8Type', 'default_validation_class': 'UTF8Type'}


class Shell:
    """A session, what it said, and commands run in it."""

    def __init__(self, server, keyspace=None):
        self.said = []
        self.session = Session(Settings([server.address], keyspace, timeout=30), self.said.append)
        self.manager = self.session.manager

    def __getattr__(self, name):
        try:
            return self.session.namespace[name]
        except KeyError:
            raise AttributeError(name) from None

    def has(self, name):
        return name in self.session.namespace

    def last(self):
        return self.said[-1]


@pytest.fixture
def shell(server, keyspace):
    shell = Shell(server, keyspace)
    yield shell
    shell.session.close()


def test_a_family_becomes_a_variable_when_it_is_made_and_loses_it_when_it_is_dropped(shell, keyspace):
    shell.SYSTEM_MANAGER.create_column_family(keyspace, 'Users', **TEXT)
    assert shell.last() == 'USERS is column family Users.'
    shell.USERS.insert('jsmith', {'state': 'UT'})
    assert shell.USERS.get('jsmith') == {'state': 'UT'}
    shell.SYSTEM_MANAGER.drop_column_family(keyspace, 'Users')
    assert shell.last() == 'USERS is gone.' and not shell.has('USERS')


def test_schema_calls_take_the_family_itself(shell, keyspace):
    manager = shell.SYSTEM_MANAGER
    manager.create_column_family(keyspace, name='users', column_validation_classes={'name': 'UTF8Type'}, **TEXT)
    users = shell.USERS
    users.read_consistency_level = pycassa.ConsistencyLevel.QUORUM
    manager.alter_column(users, 'age', 'LongType')
    assert shell.last() == 'USERS is, with its new definition, column family users.'
    assert shell.USERS is users and users.column_validators['age'] == 'LongType'
    assert users.read_consistency_level == pycassa.ConsistencyLevel.QUORUM
    manager.create_index(users, 'state', pycassa.UTF8_TYPE, index_name='by_state')
    assert [column.index_name for column in users._cfdef.column_metadata.values() if column.index_name] == ['by_state']
    manager.drop_index(users, 'state')
    assert not any(column.index_name for column in users._cfdef.column_metadata.values())
    manager.alter_column_family(users, comment='people', gc_grace_seconds=77)
    assert (users._cfdef.comment, users._cfdef.gc_grace_seconds) == ('people', 77)
    manager.alter_column_family(keyspace, 'users', gc_grace_seconds=78)
    manager.alter_column_family(keyspace=keyspace, column_family='users', comment='folks')
    assert (users._cfdef.comment, users._cfdef.gc_grace_seconds) == ('folks', 78)
    manager.drop_column_family(users)
    assert not shell.has('USERS')


def test_errors_of_schema_calls_change_nothing(shell, keyspace):
    shell.SYSTEM_MANAGER.create_column_family(keyspace, 'users', **TEXT)
    users, said = shell.USERS, list(shell.said)
    for call in (lambda: shell.SYSTEM_MANAGER.create_column_family(keyspace, 'users'),
                 lambda: shell.SYSTEM_MANAGER.alter_column(users, 'age', 'NoSuchType'),
                 lambda: shell.SYSTEM_MANAGER.drop_column_family(keyspace, 'nobody')):
        with pytest.raises(pycassa.PycassaError):
            call()
    with pytest.raises(TypeError):
        shell.SYSTEM_MANAGER.alter_column(users, 'age')
    assert shell.USERS is users and shell.said == said


def test_refresh_sees_what_others_did(shell, keyspace, raw_client):
    shell.manager.create_column_family(keyspace, 'stays', **TEXT)
    shell.manager.create_column_family(keyspace, 'goes', **TEXT)
    stays = shell.STAYS
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='comes', column_type='Super', **{
        **TEXT, 'subcomparator_type': 'LongType'}))
    raw_client.system_drop_column_family('goes')
    assert shell.has('GOES') and not shell.has('COMES')
    shell.refresh()
    assert shell.STAYS is stays and not shell.has('GOES')
    shell.COMES.insert('row', {'super': {7: 'x'}})
    assert shell.COMES.get('row') == {'super': {7: 'x'}}
    assert shell.last() == (f"Column families of keyspace '{keyspace}', by variable:\n"
                            '  COMES  comes (super columns)\n  STAYS  stays')


def test_variables_of_the_user_are_left_alone(shell, keyspace):
    shell.session.namespace['NOTES'] = 'mine'
    shell.manager.create_column_family(keyspace, 'notes', **TEXT)
    assert shell.NOTES == 'mine' and shell.NOTES_2.column_family == 'notes'
    assert shell.last() == 'NOTES_2 is column family notes.'
    shell.manager.create_column_family(keyspace, 'pool', **TEXT)
    assert isinstance(shell.POOL, pycassa.ConnectionPool) and shell.POOL_2.column_family == 'pool'
    # A variable that was given another value is not taken away with its family, and refresh() gives it back.
    shell.session.namespace['POOL_2'] = 'mine'
    shell.refresh()
    assert shell.POOL_2.column_family == 'pool'
    shell.session.namespace['POOL_2'] = 'mine'
    shell.manager.drop_column_family(keyspace, 'pool')
    assert shell.POOL_2 == 'mine'


def test_another_keyspace(shell, keyspace):
    shell.manager.create_column_family(keyspace, 'here', **TEXT)
    first, here, other = shell.POOL, shell.HERE, keyspace + '_b'
    shell.manager.create_keyspace(other, strategy_options={'replication_factor': '1'})
    try:
        shell.manager.create_column_family(other, 'there', **TEXT)
        assert shell.HERE is here and not shell.has('THERE')
        shell.use(other)
        assert not shell.has('HERE') and shell.POOL is not first and shell.POOL.keyspace == other
        shell.THERE.insert('row', {'a': 'b'})
        assert shell.last() == f"Column families of keyspace '{other}', by variable:\n  THERE  there"
        here.insert('row', {'kept': 'elsewhere'})
        assert here.get('row') == {'kept': 'elsewhere'}, 'a family that was given another name goes on working'
        with pytest.raises(ConfigurationError, match="no keyspace 'nowhere'.*" + keyspace):
            shell.use('nowhere')
        assert shell.THERE.get('row') == {'a': 'b'}
    finally:
        shell.manager.drop_keyspace(other)
    assert shell.POOL is None and not shell.has('THERE')
    assert shell.last() == f"Keyspace '{other}' is gone, and its variables with it."
    shell.refresh()
    assert shell.last() == 'No keyspace is in use: use(NAME) takes one.'


def test_dropping_another_keyspace_leaves_this_one(shell, keyspace):
    shell.manager.create_column_family(keyspace, 'here', **TEXT)
    shell.manager.create_keyspace(keyspace + '_b', strategy_options={'replication_factor': '1'})
    shell.manager.drop_keyspace(keyspace + '_b')
    assert shell.HERE.pool is shell.POOL and shell.POOL.keyspace == keyspace


def test_descriptions(shell, keyspace, capsys):
    shell.manager.create_column_family(keyspace, 'users', comment='people',
                                       column_validation_classes={'age': 'LongType', 'state': 'UTF8Type'}, **TEXT)
    shell.manager.create_index(keyspace, 'users', 'state', 'UTF8Type', index_name='by_state')

    def said(describe, *arguments):
        assert describe(*arguments) is None
        return capsys.readouterr().out

    text = said(shell.describe_keyspace)
    assert text == said(shell.describe_keyspace, keyspace)
    assert [line.split() for line in text.splitlines()][:2] == [
        ['name:', keyspace], ['replication_strategy:', 'SimpleStrategy']]
    assert "'replication_factor': '1'" in text and text.endswith('column families:\n  users\n')
    text = said(shell.describe_column_family, shell.USERS)
    assert text == said(shell.describe_column_family, 'users') == said(shell.describe_column_family, keyspace, 'users')
    values = dict(line.split(None, 1) for line in text.partition('columns:')[0].splitlines())
    assert (values['name:'], values['comment:'], values['column_type:']) == ('users', 'people', 'Standard')
    assert values['comparator_type:'] == values['default_validation_class:'] == 'UTF8Type'
    assert values['gc_grace_seconds:'] == '864000' and 'org.apache.cassandra.db.marshal' not in text
    columns = text.partition('columns:\n')[2].splitlines()
    assert sorted(columns) == ["  'age': LongType", "  'state': UTF8Type, index by_state (KEYS)"]


def test_descriptions_of_what_is_not_there(shell, keyspace, capsys):
    shell.describe_keyspace('nowhere')
    shell.describe_column_family('nobody')
    shell.describe_column_family('nowhere', 'nobody')
    assert capsys.readouterr().out.splitlines() == [
        "Keyspace 'nowhere' does not exist.",
        f"Keyspace '{keyspace}' has no column family 'nobody' that Thrift shows.",
        "Keyspace 'nowhere' has no column family 'nobody' that Thrift shows."]


def test_an_empty_keyspace(shell, keyspace):
    assert shell.session.listing() == f"Keyspace '{keyspace}' has no column families that Thrift shows."


# --- on the embedded server alone -------------------------------------------------------------------------------------

@pytest.fixture
def demo_shell(demo):
    shell = Shell(demo, 'Keyspace1')
    yield shell
    shell.session.close()


def test_names_that_are_no_identifiers_are_in_the_listing(demo_shell):
    assert demo_shell.session.listing().splitlines()[1:] == [
        '  STANDARD1               Standard1',
        '  SUPER1                  Super1 (super columns)',
        "  TEST_COLUMNFAMILY       'Test ColumnFamily'",
        "  TEST_SUPERCOLUMNFAMILY  'Test SuperColumnFamily' (super columns)"]
    demo_shell.TEST_COLUMNFAMILY.insert('row', {'a': 'b'})
    assert demo_shell.TEST_COLUMNFAMILY.get('row') == {'a': 'b'}


def test_nothing_is_in_use(demo, capsys):
    shell = Shell(demo)
    try:
        assert shell.POOL is None and 'No keyspace is in use' in shell.session.listing()
        shell.describe_keyspace()
        shell.describe_column_family('Standard1')
        assert capsys.readouterr().out.count('No keyspace is in use') == 2
        shell.describe_column_family('Keyspace1', 'Standard1')
        assert 'Standard1' in capsys.readouterr().out
        shell.use('Keyspace1')
        assert shell.STANDARD1.pool is shell.POOL
    finally:
        shell.session.close()


def test_a_change_that_cannot_be_read_back(demo, demo_shell):
    demo.faults.fail(pycassa.InvalidRequestException('not now'), calls=None, methods='describe_keyspace')
    demo_shell.manager.create_column_family('Keyspace1', 'later')
    demo.faults.clear()
    assert 'was changed' in demo_shell.last() and 'not now' in demo_shell.last() and 'refresh()' in demo_shell.last()
    demo_shell.refresh()
    assert demo_shell.LATER.column_family == 'later'


def test_families_that_cannot_be_used_do_not_stand_in_the_way(demo, monkeypatch):
    monkeypatch.setenv('PYCASSA_BYTES_ENCODING', 'no-such-encoding')
    shell = Shell(demo, 'Keyspace1')
    try:
        assert not shell.has('STANDARD1')
        assert '  Standard1 cannot be used: ' in shell.session.listing()
        shell.manager.create_column_family('Keyspace1', 'more')
        assert shell.last().startswith('Column family more cannot be used: ') and 'no-such-encoding' in shell.last()
        monkeypatch.delenv('PYCASSA_BYTES_ENCODING')
        shell.refresh()
        assert shell.STANDARD1.column_family == 'Standard1' and 'cannot' not in shell.last()
        monkeypatch.setenv('PYCASSA_BYTES_ENCODING', 'no-such-encoding')
        shell.refresh()
        assert shell.has('STANDARD1') == ('STANDARD1' in shell.last())
    finally:
        shell.session.close()


def test_the_schema_is_read_at_once_however_many_families_there_are():
    with EmbeddedServer() as server:
        with pycassa.SystemManager(server.address) as manager:
            manager.create_keyspace('Many', strategy_options={'replication_factor': '1'})
            for number in range(60):
                manager.create_column_family('Many', f'family{number}', **TEXT)
        log = server.faults.record()
        shell = Shell(server, 'Many')
        try:
            assert shell.FAMILY59.pool is shell.POOL and len(log.of('describe_keyspace')) == 1
        finally:
            shell.session.close()


def test_explanations():
    assert explain(ConfigurationError('two\n  lines')) == 'two lines'
    assert explain(pycassa.InvalidRequestException('no')) == 'InvalidRequestException: no'
    assert explain(KeyError()) == 'KeyError'


def test_settings_do_not_show_passwords():
    assert 'canary' not in repr(Settings(['a:1'], credentials={'username': 'jsmith', 'password': 'canary'}))
