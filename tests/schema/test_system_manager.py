"""SystemManager on servers: what it describes, creates, alters and drops, and what it leaves as it was."""
import logging
import os
import uuid

import pytest
from thrift.transport.TTransport import TTransportException

from pycassa import types
from pycassa.cassandra.ttypes import (
    CfDef,
    ColumnDef,
    ColumnParent,
    ConsistencyLevel,
    InvalidRequestException,
    NotFoundException,
    SlicePredicate,
    SliceRange,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.embedded import EmbeddedServer
from pycassa.errors import ConnectionFailed, PackingError, PycassaError, TransportError
from pycassa.index import create_index_clause, create_index_expression
from pycassa.system_manager import (
    INT_TYPE,
    LONG_TYPE,
    NETWORK_TOPOLOGY_STRATEGY,
    SIMPLE_STRATEGY,
    TIME_UUID_TYPE,
    UTF8_TYPE,
    SystemManager,
)

MARSHAL = 'org.apache.cassandra.db.marshal.'
LOCATOR = 'org.apache.cassandra.locator.'


@pytest.fixture
def manager(server):
    with server.manager() as manager:
        yield manager


@pytest.fixture
def family(manager, keyspace):
    """Creates a family, and gives its definition whenever it is called without arguments."""
    def call(**options):
        if options:
            manager.create_column_family(keyspace, 'F', **options)
        return manager.get_keyspace_column_families(keyspace)['F']
    return call


@pytest.fixture
def new_keyspace(manager):
    """A name for a keyspace, which is dropped afterwards."""
    name = f'SysMan_{os.getpid()}'
    yield name
    manager.drop_keyspace(name)


def by_name(definition):
    return {column.name: column for column in definition.column_metadata}


# --- describing -------------------------------------------------------------------------------------------------------

def test_descriptions(server, manager, raw_client, keyspace):
    assert manager.describe_version() == raw_client.describe_version()
    assert manager.describe_cluster_name() == raw_client.describe_cluster_name()
    assert manager.describe_partitioner() == server.partitioner
    assert '.' not in manager.describe_snitch()
    assert manager.describe_ring(keyspace) == raw_client.describe_ring(keyspace)
    assert manager.describe_token_map() == raw_client.describe_token_map()
    assert manager.describe_schema_versions() == raw_client.describe_schema_versions()
    assert {keyspace, 'system'} <= set(manager.list_keyspaces())


def test_families_of_a_keyspace(manager, keyspace):
    manager.create_column_family(keyspace, 'F', comparator_type=LONG_TYPE, column_validation_classes={5: UTF8_TYPE})
    families = manager.get_keyspace_column_families(keyspace)
    assert set(families) == {'F'} and isinstance(families['F'], CfDef)
    packed = (5).to_bytes(8, 'big')
    metadata = manager.get_keyspace_column_families(keyspace, use_dict_for_col_metadata=True)['F'].column_metadata
    assert metadata == {packed: ColumnDef(name=packed, validation_class=MARSHAL + 'UTF8Type')}
    assert manager.get_keyspace_description(keyspace) == families


def test_an_unknown_keyspace(manager):
    for call in (manager.get_keyspace_column_families, manager.get_keyspace_properties, manager.alter_keyspace,
                 manager._conn.get_keyspace_description):
        with pytest.raises(NotFoundException, match="the keyspace 'NoSuchKeyspace' does not exist") as caught:
            call('NoSuchKeyspace')
        assert caught.value.why == "the keyspace 'NoSuchKeyspace' does not exist"


# --- keyspaces --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('arguments, options', [
    ((), {'strategy_options': {'replication_factor': '1'}}),
    ((SIMPLE_STRATEGY, {'replication_factor': 1}), {}),
    ((LOCATOR + 'SimpleStrategy', {'replication_factor': '1'}, True), {}),
    ((1,), {}),
    ((1, SIMPLE_STRATEGY), {}),
    ((1, SIMPLE_STRATEGY, {'replication_factor': '1'}), {}),
    ((1,), {'replication_strategy': SIMPLE_STRATEGY}),
    ((), {'replication_factor': 1, 'no_such_attribute': True}),
])
def test_create_keyspace_in_the_forms_of_all_releases(manager, new_keyspace, arguments, options):
    manager.create_keyspace(new_keyspace, *arguments, **options)
    assert manager.get_keyspace_properties(new_keyspace) == {
        'replication_strategy': LOCATOR + 'SimpleStrategy', 'strategy_options': {'replication_factor': '1'}}


def test_create_keyspace_per_data_centre(manager, new_keyspace):
    manager.create_keyspace(new_keyspace, NETWORK_TOPOLOGY_STRATEGY, {'datacenter1': 1}, durable_writes=False)
    assert manager.get_keyspace_properties(new_keyspace) == {
        'replication_strategy': LOCATOR + 'NetworkTopologyStrategy', 'strategy_options': {'datacenter1': '1'}}


def test_a_keyspace_that_the_server_refuses(manager, keyspace):
    with pytest.raises(InvalidRequestException, match='non-alphanumeric'):
        manager.create_keyspace('a b', 1)
    with pytest.raises(InvalidRequestException):
        manager.create_keyspace(keyspace, 1)
    assert manager.describe_cluster_name()


def test_alter_keyspace_changes_only_what_is_given(manager, raw_client, new_keyspace):
    manager.create_keyspace(new_keyspace, 1, durable_writes=False)
    manager.create_column_family(new_keyspace, 'F')

    def state():
        definition = raw_client.describe_keyspace(new_keyspace)
        return (definition.strategy_class.rpartition('.')[2], definition.strategy_options, definition.durable_writes,
                [family.name for family in definition.cf_defs])

    manager.alter_keyspace(new_keyspace, strategy_options={'replication_factor': 2})
    assert state() == ('SimpleStrategy', {'replication_factor': '2'}, False, ['F'])
    manager.alter_keyspace(new_keyspace, durable_writes=True)
    assert state() == ('SimpleStrategy', {'replication_factor': '2'}, True, ['F'])
    manager.alter_keyspace(new_keyspace, 3)
    assert state() == ('SimpleStrategy', {'replication_factor': '3'}, True, ['F'])
    manager.alter_keyspace(new_keyspace, NETWORK_TOPOLOGY_STRATEGY, {'datacenter1': '1'})
    assert state() == ('NetworkTopologyStrategy', {'datacenter1': '1'}, True, ['F'])


# --- creating families ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('form', ['instance', 'class', 'name', 'full name'])
def test_types_in_any_form(manager, keyspace, form):
    def give(kind):
        return {'instance': kind(), 'class': kind, 'name': kind.__name__, 'full name': MARSHAL + kind.__name__}[form]

    manager.create_column_family(
        keyspace, 'F', super=True, comparator_type=give(types.TimeUUIDType), subcomparator_type=give(types.UTF8Type),
        key_validation_class=give(types.LongType), default_validation_class=give(types.Int32Type),
        column_validation_classes={'sub': give(types.DateType)})
    family = manager.get_keyspace_column_families(keyspace)['F']
    assert family.column_type == 'Super'
    assert (family.comparator_type, family.subcomparator_type, family.key_validation_class,
            family.default_validation_class) == tuple(
                MARSHAL + name for name in ('TimeUUIDType', 'UTF8Type', 'LongType', 'Int32Type'))
    assert by_name(family)[b'sub'].validation_class in (MARSHAL + 'DateType', MARSHAL + 'TimestampType')


def test_composite_and_reversed_comparators(server, family):
    composite = types.CompositeType(types.LongType(reversed=True), types.UTF8Type())
    # Families of composite names whose columns have definitions are hidden from Thrift by 3.x.
    columns = {(1, 'a'): LONG_TYPE} if server.profile < '3' else {}
    definition = family(comparator_type=composite, column_validation_classes=columns)
    assert definition.comparator_type == f'{MARSHAL}CompositeType({MARSHAL}ReversedType({MARSHAL}LongType),' \
                                         f'{MARSHAL}UTF8Type)'
    packed = b'\0\x08' + (1).to_bytes(8, 'big') + b'\0\0\x01a\0'
    assert [column.name for column in definition.column_metadata] == [packed] * len(columns)


@pytest.mark.parametrize('wrong', [5, object(), types.CompositeType, types.DynamicCompositeType, dict])
def test_what_is_no_type_is_refused_before_anything_is_sent(manager, keyspace, wrong):
    with pytest.raises(TypeError):
        manager.create_column_family(keyspace, 'F', comparator_type=wrong)
    with pytest.raises(TypeError):
        manager.create_column_family(keyspace, 'F', column_validation_classes={'c': wrong})
    assert manager.get_keyspace_column_families(keyspace) == {}


def test_a_column_needs_a_type(family, manager, keyspace):
    family(comparator_type=UTF8_TYPE)
    with pytest.raises(TypeError, match='needs a type'):
        manager.alter_column(keyspace, 'F', 'c', None)


def test_a_name_that_is_not_the_comparators(manager, keyspace):
    with pytest.raises(PackingError, match=r"'no number' \(str\) of family 'F' .* LongType"):
        manager.create_column_family(keyspace, 'F', comparator_type=LONG_TYPE,
                                     column_validation_classes={'no number': UTF8_TYPE})


def test_super_by_position_as_before_1_7(manager, keyspace):
    manager.create_column_family(keyspace, 'S', True, comparator_type=UTF8_TYPE)
    manager.create_column_family(keyspace, 'T', False, comparator_type=UTF8_TYPE)
    families = manager.get_keyspace_column_families(keyspace)
    assert (families['S'].column_type, families['T'].column_type) == ('Super', 'Standard')


def test_unknown_keywords_are_passed_over_and_logged(manager, keyspace, caplog):
    with caplog.at_level(logging.WARNING, 'pycassa'):
        manager.create_column_family(keyspace, 'F', column_name_class=LONG_TYPE, comment='kept')
    assert manager.get_keyspace_column_families(keyspace)['F'].comment == 'kept'
    assert 'column_name_class' in caplog.text


def test_what_is_not_given_is_left_to_the_server(manager, raw_client, keyspace):
    manager.create_column_family(keyspace, 'Ours')
    bare = CfDef(keyspace=keyspace, name='Bare', comparator_type=None, caching=None, speculative_retry=None,
                 cells_per_row_to_cache=None)
    raw_client.system_add_column_family(bare)
    families = manager.get_keyspace_column_families(keyspace)
    ours, theirs = vars(families['Ours']), vars(families['Bare'])
    assert {name: value for name, value in ours.items() if value != theirs[name]} == {'name': 'Ours'}
    assert ours['dclocal_read_repair_chance'] == 0.0


# --- altering families ------------------------------------------------------------------------------------------------

SETTINGS = {
    'comment': 'a comment, é', 'gc_grace_seconds': 4321, 'read_repair_chance': 0.25,
    'dclocal_read_repair_chance': 0.5, 'default_time_to_live': 77, 'speculative_retry': 'ALWAYS', 'caching': 'ALL',
    'cells_per_row_to_cache': '33', 'memtable_flush_period_in_ms': 1234, 'min_index_interval': 64,
    'max_index_interval': 512, 'bloom_filter_fp_chance': 0.25, 'min_compaction_threshold': 5,
    'max_compaction_threshold': 20, 'compression_options': {'sstable_compression': 'SnappyCompressor',
                                                            'chunk_length_kb': 128},
    'key_validation_class': LONG_TYPE, 'default_validation_class': INT_TYPE,
}


# The releases that do not have a setting yet.
NOT_YET = {'default_time_to_live': ['1.2'], 'speculative_retry': ['1.2'],
           'memtable_flush_period_in_ms': ['1.2'], 'cells_per_row_to_cache': ['1.2', '2.0'],
           'min_index_interval': ['1.2', '2.0'], 'max_index_interval': ['1.2', '2.0']}

# What 3.x servers pass over in an update, without a word.
FROZEN = ('default_validation_class',)


def test_altering_one_option_keeps_all_others(server, family, manager, keyspace):
    before = family(comparator_type=UTF8_TYPE, column_validation_classes={'c': TIME_UUID_TYPE}, **SETTINGS)
    for name, value in SETTINGS.items():
        if name not in ('compression_options', 'key_validation_class', 'default_validation_class'):
            assert getattr(before, name) == value or server.profile in NOT_YET.get(name, ())
    for change in ({'comment': 'another'}, {'gc_grace_seconds': 1}, {'default_time_to_live': 5},
                   {'caching': 'ROWS_ONLY'}, {'speculative_retry': 'NONE'}, {'min_compaction_threshold': 6},
                   {'default_validation_class': 'BytesType'}):
        (name, value), = change.items()
        if server.profile in NOT_YET.get(name, ()) or (name in FROZEN and server.profile >= '3'):
            continue
        manager.alter_column_family(keyspace, 'F', **change)
        after = family()
        changed = {each for each in vars(after) if getattr(after, each) != getattr(before, each)}
        # 3.x repeats the thresholds in the options of the compaction strategy.
        assert changed - {'compaction_strategy_options'} == {name}
        assert str(getattr(after, name)).endswith(str(value))
        before = after


def test_altering_the_compaction(family, manager, keyspace):
    family(comparator_type=UTF8_TYPE, compaction_strategy_options={'tombstone_threshold': 0.4})
    manager.alter_column_family(keyspace, 'F', max_compaction_threshold=64)
    assert family().max_compaction_threshold == 64
    manager.alter_column_family(keyspace, 'F', compaction_strategy='LeveledCompactionStrategy')
    definition = family()
    assert definition.compaction_strategy.endswith('.LeveledCompactionStrategy')
    assert definition.compaction_strategy_options['tombstone_threshold'] == '0.4'
    manager.alter_column_family(keyspace, 'F', compaction_strategy_options={'sstable_size_in_mb': 32})
    assert family().compaction_strategy_options == {'sstable_size_in_mb': '32'}


def test_altering_keeps_columns_and_indexes(family, manager, keyspace):
    columns = {'a': UTF8_TYPE, 'b': UTF8_TYPE}
    family(comparator_type=UTF8_TYPE, column_validation_classes=columns)
    manager.create_index(keyspace, 'F', 'a', UTF8_TYPE, index_name='a_index')
    manager.alter_column_family(keyspace, 'F', {'c': INT_TYPE, 'b': LONG_TYPE}, comment='x')
    columns = by_name(family())
    assert {name: column.validation_class.rpartition('.')[2] for name, column in columns.items()} == {
        b'a': 'UTF8Type', b'b': 'LongType', b'c': 'IntegerType'}
    assert (columns[b'a'].index_type, columns[b'a'].index_name) == (0, 'a_index')
    manager.alter_column(keyspace, 'F', 'a', 'BytesType')
    column = by_name(family())[b'a']
    assert (column.validation_class, column.index_name) == (MARSHAL + 'BytesType', 'a_index')


def test_altering_a_super_family(manager, keyspace):
    manager.create_column_family(keyspace, 'S', super=True, comparator_type=LONG_TYPE, subcomparator_type=UTF8_TYPE,
                                 column_validation_classes={'sub': LONG_TYPE})
    manager.alter_column(keyspace, 'S', 'other', INT_TYPE)
    manager.alter_column_family(keyspace, 'S', comment='x', super=True)
    definition = manager.get_keyspace_column_families(keyspace)['S']
    columns = {name: column.validation_class.rpartition('.')[2] for name, column in by_name(definition).items() if name}
    assert columns == {b'sub': 'LongType', b'other': 'IntegerType'}
    assert (definition.comment, definition.column_type) == ('x', 'Super')
    assert definition.comparator_type == MARSHAL + 'LongType'


def test_a_family_that_does_not_exist(manager, keyspace):
    for call in (lambda: manager.alter_column_family(keyspace, 'None', comment='x'),
                 lambda: manager.alter_column(keyspace, 'None', 'c', LONG_TYPE),
                 lambda: manager.create_index(keyspace, 'None', 'c', LONG_TYPE),
                 lambda: manager.drop_index(keyspace, 'None', 'c')):
        with pytest.raises(NotFoundException, match="no column family 'None'") as caught:
            call()
        assert isinstance(caught.value, KeyError)
        assert keyspace in caught.value.why
    with pytest.raises(InvalidRequestException):
        manager.drop_column_family(keyspace, 'None')


def test_drop_column_family(family, manager, keyspace):
    family(comment='x')
    manager.drop_column_family(keyspace, 'F')
    assert manager.get_keyspace_column_families(keyspace) == {}


# --- indexes ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('comparator, column', [
    (UTF8_TYPE, 'state'), (LONG_TYPE, 5), ('TimeUUIDType', uuid.uuid1()), ('BytesType', b'\xff'),
])
def test_an_index_is_created_used_and_dropped_by_the_comparators_names(server, family, manager, keyspace, comparator,
                                                                      column):
    family(comparator_type=comparator, column_validation_classes={column: UTF8_TYPE})
    manager.create_index(keyspace, 'F', column, UTF8_TYPE, index_name=f'index_of_{keyspace}')
    assert family().column_metadata[0].index_name == f'index_of_{keyspace}'
    with server.connect(keyspace) as connection:
        rows = ColumnFamily(connection, 'F')
        rows.insert(b'k1', {column: 'UT'})
        rows.insert(b'k2', {column: 'TX'})
        clause = create_index_clause([create_index_expression(column, 'UT')])
        assert list(rows.get_indexed_slices(clause)) == [(b'k1', {column: 'UT'})]
    manager.drop_index(keyspace, 'F', column)
    (definition,) = family().column_metadata
    assert (definition.index_type, definition.index_name) == (None, None)
    assert definition.validation_class == MARSHAL + 'UTF8Type'


def test_dropping_an_index_that_is_not_there(family, manager, keyspace, caplog):
    before = family(comparator_type=UTF8_TYPE, column_validation_classes={'a': LONG_TYPE})
    with caplog.at_level(logging.WARNING, 'pycassa'):
        manager.drop_index(keyspace, 'F', 'a')
        manager.drop_index(keyspace, 'F', 'b')
    assert family() == before
    assert caplog.text.count('has no index') == 2


def test_an_index_of_a_column_that_was_not_defined(family, manager, keyspace):
    family(comparator_type=UTF8_TYPE, column_validation_classes={'a': LONG_TYPE})
    manager.create_index(keyspace, 'F', 'b', 'UTF8Type')
    column = by_name(family())[b'b']
    assert (column.index_type, column.validation_class) == (0, MARSHAL + 'UTF8Type')
    assert column.index_name == 'F_b_idx'
    manager.create_index(keyspace, 'F', 'b', 'BytesType')
    column = by_name(family())[b'b']
    assert (column.index_name, column.validation_class) == ('F_b_idx', MARSHAL + 'BytesType')


# --- the connection ---------------------------------------------------------------------------------------------------

def test_the_family_is_made_in_its_own_keyspace(manager, raw_client, keyspace, new_keyspace):
    manager.create_keyspace(new_keyspace, 1)
    manager.create_column_family(keyspace, 'A')
    manager.create_column_family(new_keyspace, 'B')
    manager.drop_column_family(keyspace, 'A')
    assert list(manager.get_keyspace_column_families(new_keyspace)) == ['B']
    predicate = SlicePredicate(slice_range=SliceRange(start=b'', finish=b''))
    raw_client.set_keyspace(new_keyspace)
    assert raw_client.get_slice(b'k', ColumnParent('B'), predicate, ConsistencyLevel.ONE) == []


def test_a_connection_that_failed_is_opened_anew_but_not_a_closed_manager(manager, keyspace):
    manager.create_column_family(keyspace, 'F')
    manager._conn.close()
    manager.drop_column_family(keyspace, 'F')
    manager.close()
    for call in (manager.list_keyspaces, lambda: manager.drop_keyspace(keyspace)):
        with pytest.raises(TransportError):
            call()


def test_no_server_at_all():
    with pytest.raises(TTransportException) as caught:
        SystemManager('127.0.0.1:1', timeout=5)
    assert isinstance(caught.value, (ConnectionFailed, PycassaError)) and '127.0.0.1:1' in str(caught.value)


def test_a_server_that_was_restarted_in_between():
    with EmbeddedServer() as server:
        with SystemManager(server.address, timeout=5) as manager:
            manager.create_keyspace('Restarted', strategy_options={'replication_factor': '1'})
            server.stop()
            server.start()
            manager.create_column_family('Restarted', 'Standard1')
            assert list(manager.get_keyspace_column_families('Restarted')) == ['Standard1']
