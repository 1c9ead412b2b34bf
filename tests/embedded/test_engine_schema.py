"""Schema calls and descriptions: names, defaults, messages per profile, what an update keeps."""
import re
import uuid

import pytest
from enginecases import ONE, PROFILES, cf_def, keys, ks_def, long, mutate, names, put, refused, row, session

from pycassa.cassandra.ttypes import CfDef, ColumnDef, KsDef, NotFoundException
from pycassa.embedded.engine import Engine

MARSHAL = 'org.apache.cassandra.db.marshal.'
COMPRESS = 'org.apache.cassandra.io.compress.'


@pytest.fixture
def made():
    return session()


def described(made, name, keyspace='K'):
    (found,) = [each for each in made.describe_keyspace(keyspace).cf_defs if each.name == name]
    return found


def given(struct):
    """The fields that are set."""
    return {name: value for name, value in vars(struct).items() if value is not None}


# --- keyspaces ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', ['', 'a-b', 'a b', 'x' * 49, 'é'])
def test_keyspace_names(made, name):
    refused('Keyspace name must not be empty, more than 48 characters long, or contain non-alphanumeric-underscore '
            f'characters (got "{name}")', made.system_add_keyspace, ks_def(name))


@pytest.mark.parametrize('name', ['_', '1', 'x' * 48, 'Keyspace_1'])
def test_keyspace_names_that_are_fine(made, name):
    made.system_add_keyspace(ks_def(name))
    assert made.describe_keyspace(name).name == name


def test_keyspaces_are_unique_whatever_the_case(made):
    refused('Keyspace names must be case-insensitively unique ("k" conflicts with "K")', made.system_add_keyspace,
            ks_def('k'))
    refused('Keyspace names must be case-insensitively unique ("K" conflicts with "K")', made.system_add_keyspace,
            ks_def('K'))


def test_the_servers_own_keyspaces(made):
    refused('system keyspace is not user-modifiable', made.system_add_keyspace, ks_def('system'))
    refused('system keyspace is not user-modifiable', made.system_drop_keyspace, 'system')
    refused('system keyspace is not user-modifiable', made.system_update_keyspace, ks_def('system'))
    refused('system keyspace is not user-modifiable.', made.system_add_column_family, cf_def('X', 'system'))
    made.set_keyspace('system')
    refused('system keyspace is not user-modifiable.', made.system_drop_column_family, 'hints')
    assert [each.name for each in made.describe_keyspaces()] == ['system', 'system_traces', 'K']


def test_dropping_keyspaces(made):
    refused("Cannot drop non existing keyspace 'nope'.", made.system_drop_keyspace, 'nope')
    made.system_drop_keyspace('K')
    with pytest.raises(NotFoundException):
        made.describe_keyspace('K')


def test_updating_keyspaces(made):
    put(made, b'k', b'a')
    made.system_update_keyspace(ks_def(options={'replication_factor': '3'}))
    assert made.describe_keyspace('K').strategy_options == {'replication_factor': '3'}
    assert names(made, b'k') == [b'a']
    refused('Keyspace nope does not exist', made.system_update_keyspace, ks_def('nope'))
    refused('Keyspace update must not contain any column family definitions.', made.system_update_keyspace,
            ks_def(families=[cf_def('X')]))
    refused('Keyspace update must not contain any table definitions.', session('2.2').system_update_keyspace,
            ks_def(families=[cf_def('X')]))


def test_keyspaces_with_families(made):
    refused('CfDef (X) had a keyspace definition that did not match KsDef', made.system_add_keyspace,
            ks_def('L', [cf_def('X', 'other')]))
    with pytest.raises(Exception, match='ColumnFamily name must not be empty'):
        made.system_add_keyspace(ks_def('L', [cf_def('X', 'L'), cf_def('bad name', 'L')]))
    with pytest.raises(NotFoundException):
        made.describe_keyspace('L')
    made.system_add_keyspace(ks_def('L', [cf_def('X', 'L'), cf_def('Y', 'L')]))
    assert sorted(each.name for each in made.describe_keyspace('L').cf_defs) == ['X', 'Y']


SIMPLE, NETWORK = 'SimpleStrategy', 'NetworkTopologyStrategy'


@pytest.mark.parametrize('strategy, options, why', [
    ('Nope', {}, "Unable to find replication strategy class 'org.apache.cassandra.locator.Nope'"),
    ('LocalStrategy', {}, 'Unable to use given strategy class: LocalStrategy is reserved for internal use.'),
    (SIMPLE, {}, 'SimpleStrategy requires a replication_factor strategy option.'),
    (SIMPLE, {'replication_factor': 'abc'}, 'Replication factor must be numeric; found abc'),
    (SIMPLE, {'replication_factor': '-1'}, 'Replication factor must be non-negative; found -1'),
    (SIMPLE, {'replication_factor': '1', 'foo': 'x'},
     'Unrecognized strategy option {foo} passed to SimpleStrategy for keyspace L'),
    (NETWORK, {'replication_factor': '1'},
     'replication_factor is an option for SimpleStrategy, not NetworkTopologyStrategy'),
    (NETWORK, {'datacenter1': 'x'}, 'For input string: "x"'),
])
def test_refused_strategies(made, strategy, options, why):
    refused(why, made.system_add_keyspace, ks_def('L', strategy=strategy, options=options))


@pytest.mark.parametrize('strategy, options', [
    (SIMPLE, {'replication_factor': '0'}), ('org.apache.cassandra.locator.SimpleStrategy', {'replication_factor': '3'}),
    (NETWORK, {'dc9': '1'}), (NETWORK, {}), ('OldNetworkTopologyStrategy', {'replication_factor': '1'}),
])
def test_strategies_are_reported_in_full(made, strategy, options):
    made.system_add_keyspace(ks_def('L', strategy=strategy, options=options))
    found = made.describe_keyspace('L')
    assert found.strategy_class == 'org.apache.cassandra.locator.' + strategy.rpartition('.')[2]
    assert found.strategy_options == options and found.replication_factor is None and found.durable_writes is True


def test_the_field_replication_factor_does_not_count(made):
    refused('SimpleStrategy requires a replication_factor strategy option.', made.system_add_keyspace,
            KsDef(name='L', strategy_class=SIMPLE, replication_factor=1, cf_defs=[]))


def test_durable_writes(made):
    made.system_add_keyspace(KsDef(name='L', strategy_class=SIMPLE, strategy_options={'replication_factor': '1'},
                                   cf_defs=[], durable_writes=False))
    assert made.describe_keyspace('L').durable_writes is False


# --- families: names and kinds -----------------------------------------------------------------------------------

def test_families_go_into_the_keyspace_that_they_name(made):
    made.system_add_keyspace(ks_def('L'))
    made.system_add_column_family(cf_def('X', 'L'))
    assert [each.name for each in made.describe_keyspace('L').cf_defs] == ['X']
    refused("Cannot add column family 'X' to non existing keyspace 'nope'.", made.system_add_column_family,
            cf_def('X', 'nope'))
    refused("Cannot add table 'X' to non existing keyspace 'nope'.", session('2.2').system_add_column_family,
            cf_def('X', 'nope'))


@pytest.mark.parametrize('name', ['', 'a-b', 'x' * 49])
def test_family_names(made, name):
    refused('ColumnFamily name must not be empty, more than 48 characters long, or contain '
            f'non-alphanumeric-underscore characters (got "{name}")', made.system_add_column_family, cf_def(name))


def test_names_with_spaces_can_be_made_in_code_only():
    engine = Engine()
    engine.add_keyspace(ks_def('My Keyspace', [cf_def('Test ColumnFamily', 'My Keyspace')]), any_name=True)
    engine.add_column_family(cf_def('Test SuperColumnFamily', 'My Keyspace', column_type='Super'), any_name=True)
    made = engine.session()
    made.set_keyspace('My Keyspace')
    put(made, b'k', b'a', family='Test ColumnFamily')
    assert names(made, b'k', 'Test ColumnFamily') == [b'a']


def test_families_exist_once_and_by_case(made):
    refused('Cannot add already existing column family "B" to keyspace "K"', made.system_add_column_family, cf_def('B'))
    refused('Cannot add already existing table "B" to keyspace "K"', session('2.2').system_add_column_family,
            cf_def('B'))
    made.system_add_column_family(cf_def('b'))
    made.system_drop_column_family('b')
    refused('unconfigured columnfamily b', made.system_drop_column_family, 'b')


# --- families: what is refused -----------------------------------------------------------------------------------

@pytest.mark.parametrize('fields, why', [
    ({'column_type': 'Foo'}, 'Invalid column type Foo'),
    ({'column_type': 'super'}, 'Invalid column type super'),
    ({'comparator_type': 'Nope'}, f"Unable to find abstract-type class '{MARSHAL}Nope'"),
    ({'default_validation_class': 'org.foo.Bar'}, "Unable to find abstract-type class 'org.foo.Bar'"),
    ({'comparator_type': 'CounterColumnType'}, 'CounterColumnType is not a valid comparator'),
    ({'key_validation_class': 'CounterColumnType'}, 'CounterColumnType is not a valid key validator'),
    ({'min_compaction_threshold': 40},
     'Min compaction threshold (got 40) cannot be greater than max compaction threshold (got 32)'),
    ({'min_compaction_threshold': 1}, 'Min compaction threshold cannot be less than 2 (got 1).'),
    ({'compaction_strategy': 'Nope'},
     "Unable to find compaction strategy class 'org.apache.cassandra.db.compaction.Nope'"),
    ({'compaction_strategy_options': {'foo': '1'}},
     'Properties specified [foo] are not understood by SizeTieredCompactionStrategy'),
    ({'compression_options': {'sstable_compression': 'Nope'}}, f'Could not create Compression for type {COMPRESS}Nope'),
    ({'compression_options': {'sstable_compression': 'LZ4Compressor', 'foo': 'x'}}, 'Unknown compression options foo'),
    ({'compression_options': {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '100'}},
     'chunk_length_kb must be a power of 2'),
    ({'compression_options': {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': 'x'}},
     'Invalid value for chunk_length_kb'),
    ({'compression_options': {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '-1'}},
     'Invalid negative or null chunk_length_kb'),
    ({'caching': 'some'}, 'Invalid value some for caching parameter'),
    ({'bloom_filter_fp_chance': 0.0},
     'Zero false positives is impossible; bloom filter false positive chance bffpc must be 0 < bffpc <= 1'),
    ({'min_index_interval': 0}, 'Min index interval must be greater than 0 (got 0).'),
    ({'max_index_interval': 64}, 'Max index interval (64) must be greater than the min index interval (128).'),
    ({'speculative_retry': 'foo'}, 'invalid speculative_retry type: foo'),
    ({'column_metadata': [ColumnDef(b'a', 'CounterColumnType')]},
     'Cannot add a counter column (61) in a non counter column family'),
    ({'default_validation_class': 'CounterColumnType', 'column_metadata': [ColumnDef(b'a', 'LongType')]},
     'Cannot add a non counter column (61) in a counter column family'),
    ({'comparator_type': 'LongType', 'column_metadata': [ColumnDef(b'a', 'LongType')]},
     f'Column name 61 is not valid for comparator {MARSHAL}LongType'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 0, 'a-b')]}, 'Illegal index name a-b'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 0, 'ix_idx')]}, 'Duplicate index name ix_idx'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 0, 'x'), ColumnDef(b'b', 'UTF8Type', 0, 'x')]},
     'Duplicate index name x'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', None, 'x')]}, 'Index name cannot be set without index type'),
    ({'column_type': 'Super', 'column_metadata': [ColumnDef(b'a', 'UTF8Type', 0)]},
     'Secondary indexes are not supported on super column families'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 1)]}, 'Required index option missing: class_name'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 2)]},
     'only secondary indexes of type KEYS are served by the embedded server'),
])
def test_refused_definitions(made, fields, why):
    refused(why, made.system_add_column_family, cf_def('X', **fields))
    assert 'X' not in [each.name for each in made.describe_keyspace('K').cf_defs]


@pytest.mark.parametrize('fields, why', [
    ({'min_compaction_threshold': 1}, 'Min compaction threshold cannot be less than 2 (got 1)'),
    ({'max_compaction_threshold': 0}, 'Disabling compaction by setting compaction thresholds to 0 has been removed, '
                                      "set the compaction option 'enabled' to false instead."),
    ({'bloom_filter_fp_chance': 0.0},
     'bloom_filter_fp_chance must be larger than 6.71E-5 and less than or equal to 1.0 (got 0.0)'),
    ({'default_time_to_live': -1}, 'default_time_to_live must be greater than or equal to 0 (got -1)'),
    ({'speculative_retry': 'foo'}, "Invalid value foo for option 'speculative_retry'"),
    ({'min_index_interval': 0}, 'min_index_interval must be greater than or equal to 1 (got 0)'),
    ({'max_index_interval': 64},
     'max_index_interval must be greater than or equal to min_index_interval (128) (got 64)'),
    ({'compression_options': {'chunk_length_kb': '64'}}, "Missing sub-option 'class' for the 'compression' option."),
    ({'compression_options': {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '3'}},
     'chunk_length_in_kb must be a power of 2'),
    ({'column_metadata': [ColumnDef(b'a', 'UTF8Type', 1, 'x')]}, 'Required option missing for index x : class_name'),
])
def test_refused_definitions_of_3_11(fields, why):
    refused(why, session('3.11').system_add_column_family, cf_def('X', **fields))


def test_column_type_case_is_free_in_3_11():
    made = session('3.11')
    made.system_add_column_family(cf_def('X', column_type='super'))
    assert described(made, 'X').column_type == 'Super'


# --- families: how they are described ----------------------------------------------------------------------------

BARE = {
    'keyspace': 'K', 'name': 'B', 'column_type': 'Standard', 'comparator_type': f'{MARSHAL}BytesType', 'comment': '',
    'read_repair_chance': 0.0, 'column_metadata': [], 'gc_grace_seconds': 864000,
    'default_validation_class': f'{MARSHAL}BytesType', 'min_compaction_threshold': 4, 'max_compaction_threshold': 32,
    'key_validation_class': f'{MARSHAL}BytesType', 'key_alias': b'key',
    'compaction_strategy': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy',
    'compaction_strategy_options': {}, 'compression_options': {'sstable_compression': f'{COMPRESS}LZ4Compressor'},
    'caching': 'KEYS_ONLY', 'dclocal_read_repair_chance': 0.1, 'memtable_flush_period_in_ms': 0,
    'default_time_to_live': 0, 'speculative_retry': 'NONE', 'triggers': [], 'cells_per_row_to_cache': '0',
    'min_index_interval': 128, 'max_index_interval': 2048,
}


@pytest.mark.parametrize('profile, changes', [
    ('2.1', {}),
    ('2.2', {'bloom_filter_fp_chance': 0.01}),
    ('3.11', {'bloom_filter_fp_chance': 0.01,
              'compaction_strategy_options': {'min_threshold': '4', 'max_threshold': '32'},
              'compression_options': {'sstable_compression': f'{COMPRESS}LZ4Compressor', 'chunk_length_kb': '64'}}),
    ('2.0', {'cells_per_row_to_cache': None, 'min_index_interval': None, 'max_index_interval': None,
             'index_interval': 128, 'replicate_on_write': True, 'populate_io_cache_on_flush': False}),
])
def test_a_bare_family(profile, changes):
    expected = {name: value for name, value in {**BARE, **changes}.items() if value is not None}
    assert given(described(session(profile), 'B')) == expected


def test_a_bare_family_of_1_2():
    found = given(described(session('1.2'), 'B'))
    assert found['read_repair_chance'] == 0.1 and found['dclocal_read_repair_chance'] == 0.0
    assert found['compression_options'] == {'sstable_compression': f'{COMPRESS}SnappyCompressor'}
    for absent in ('key_alias', 'default_time_to_live', 'speculative_retry', 'triggers', 'bloom_filter_fp_chance'):
        assert absent not in found


def test_a_family_with_everything_set(made):
    made.system_add_column_family(cf_def(
        'X', column_type='Super', comparator_type='CompositeType(LongType, ReversedType(UTF8Type))',
        subcomparator_type='UTF8Type(reversed=true)', default_validation_class='LongType',
        key_validation_class='UUIDType', comment='hi', gc_grace_seconds=5, read_repair_chance=0.5,
        dclocal_read_repair_chance=0.25, min_compaction_threshold=6, max_compaction_threshold=20,
        compaction_strategy='LeveledCompactionStrategy', compaction_strategy_options={'sstable_size_in_mb': '10'},
        compression_options={'sstable_compression': 'SnappyCompressor', 'chunk_length_kb': '128'}, caching='rows_only',
        bloom_filter_fp_chance=0.5, default_time_to_live=100, speculative_retry='99percentile', id=7,
        row_cache_size=1.0, min_index_interval=256))
    found = described(made, 'X')
    assert found.comparator_type == \
        f'{MARSHAL}CompositeType({MARSHAL}LongType,{MARSHAL}ReversedType({MARSHAL}UTF8Type))'
    assert found.subcomparator_type == f'{MARSHAL}ReversedType({MARSHAL}UTF8Type)'
    assert found.key_validation_class == f'{MARSHAL}UUIDType' and found.default_validation_class == f'{MARSHAL}LongType'
    assert (found.comment, found.gc_grace_seconds, found.caching, found.cells_per_row_to_cache) == (
        'hi', 5, 'ROWS_ONLY', '100')
    assert found.compression_options == {'sstable_compression': f'{COMPRESS}SnappyCompressor', 'chunk_length_kb': '128'}
    assert found.compaction_strategy.endswith('.compaction.LeveledCompactionStrategy')
    assert found.speculative_retry == '99.0PERCENTILE' and found.min_index_interval == 256
    assert found.id is None and found.row_cache_size is None


def test_definitions_of_clients_with_the_defaults_of_the_interface(made):
    made.system_add_column_family(CfDef(keyspace='K', name='X'))
    assert described(made, 'X').dclocal_read_repair_chance == 0.0
    assert described(made, 'X').caching == 'KEYS_ONLY'


@pytest.mark.parametrize('options', [{}, {'sstable_compression': ''}])
def test_no_compression(made, options):
    made.system_add_column_family(cf_def('X', compression_options=options))
    assert described(made, 'X').compression_options == {}


def test_columns_and_index_names(made):
    made.system_add_column_family(cf_def('X', comparator_type='UTF8Type', column_metadata=[
        ColumnDef(b'a', 'LongType'), ColumnDef(b'b c', 'UTF8Type', 0), ColumnDef(b'd', 'UTF8Type', 0, 'mine')]))
    found = {each.name: (each.validation_class, each.index_type, each.index_name)
             for each in described(made, 'X').column_metadata}
    assert found == {b'a': (f'{MARSHAL}LongType', None, None), b'b c': (f'{MARSHAL}UTF8Type', 0, 'X_bc_idx'),
                     b'd': (f'{MARSHAL}UTF8Type', 0, 'mine')}


def test_columns_of_super_families_are_subcolumns(made):
    made.system_add_column_family(cf_def('X', column_type='Super', comparator_type='LongType',
                                         subcomparator_type='UTF8Type', column_metadata=[ColumnDef(b'n', 'LongType')]))
    mutate(made, b'k', 'X', (2, long(1), [(b'n', long(5), 1, None), (b'other', b'x', 1, None)]))
    refused('(Expected 8 or 0 byte long (1)) [K][X][n] failed validation', mutate, made, b'k', 'X',
            (2, long(1), [(b'n', b'x', 1, None)]))


def test_artificial_columns_of_super_families_in_3_11():
    made = session('3.11')
    shown = [(each.name, each.validation_class) for each in described(made, 'S').column_metadata]
    assert shown == [(b'', f'{MARSHAL}MapType({MARSHAL}LongType,{MARSHAL}BytesType)'),
                     (b'value', f'{MARSHAL}BytesType')]
    mutate(made, b'k', 'S', (2, b's', [(long(1), b'v', 1, None)]))


def test_descriptions_are_the_callers_own(made):
    found = made.describe_keyspace('K')
    found.cf_defs[0].comment = 'changed'
    found.strategy_options['replication_factor'] = '9'
    found.cf_defs.clear()
    again = made.describe_keyspace('K')
    assert len(again.cf_defs) == 5 and again.cf_defs[0].comment == ''
    assert again.strategy_options != found.strategy_options


# --- updates -----------------------------------------------------------------------------------------------------

def test_an_update_replaces_the_definition(made):
    made.system_add_column_family(cf_def('X', comment='hi', gc_grace_seconds=5,
                                         column_metadata=[ColumnDef(b'a', 'LongType', 0)]))
    put(made, b'k', b'b', family='X')
    made.system_update_column_family(cf_def('X', read_repair_chance=0.5))
    found = described(made, 'X')
    assert (found.comment, found.gc_grace_seconds, found.column_metadata) == ('', 864000, [])
    assert names(made, b'k', 'X') == [b'b']


def test_validators_may_change(made):
    put(made, b'k', b'a', b'not a long')
    made.system_update_column_family(cf_def('B', default_validation_class='LongType', key_validation_class='UTF8Type'))
    assert row(made, b'k') == [(b'a', b'not a long', 1, None)]
    refused('(Expected 8 or 0 byte long (1)) [K][B][61] failed validation', put, made, b'k', b'a', b'x')
    assert keys(made, row_filter=[(b'a', 0, long(1))]) == []


@pytest.mark.parametrize('before, after, fine', [
    ('UTF8Type', 'BytesType', True), ('BytesType', 'UTF8Type', False), ('AsciiType', 'UTF8Type', True),
    ('AsciiType', 'BytesType', True), ('DateType', 'TimestampType', True), ('LongType', 'BytesType', False),
    ('TimeUUIDType', 'UUIDType', False), ('ReversedType(AsciiType)', 'ReversedType(UTF8Type)', True),
    ('AsciiType', 'ReversedType(AsciiType)', False),
    ('CompositeType(LongType,AsciiType)', 'CompositeType(LongType,UTF8Type)', True),
    ('CompositeType(LongType,AsciiType)', 'CompositeType(LongType)', False),
    ('DynamicCompositeType(a=>AsciiType)', 'DynamicCompositeType(a=>AsciiType,b=>BytesType)', True),
])
def test_comparators_change_compatibly(made, before, after, fine):
    made.system_add_column_family(cf_def('X', comparator_type=before))
    if fine:
        made.system_update_column_family(cf_def('X', comparator_type=after))
        assert described(made, 'X').comparator_type == made.engine.types.parse(after).full_name
    else:
        refused('comparators do not match or are not compatible.', made.system_update_column_family,
                cf_def('X', comparator_type=after))


def test_rows_stay_in_order_when_a_comparator_widens(made):
    made.system_add_column_family(cf_def('X', comparator_type='DateType'))
    made.system_add_column_family(cf_def('Y', column_type='Super', comparator_type='DateType',
                                         subcomparator_type='DateType'))
    for number in (-1, 0, 1):
        put(made, b'k', long(number), family='X')
        mutate(made, b'k', 'Y', (2, long(number), [(long(sub), b'', 1, None) for sub in (-1, 1)]))
    assert names(made, b'k', 'X') == [long(0), long(1), long(-1)]
    made.system_update_column_family(cf_def('X', comparator_type='TimestampType'))
    made.system_update_column_family(cf_def('Y', column_type='Super', comparator_type='TimestampType',
                                            subcomparator_type='TimestampType'))
    assert names(made, b'k', 'X') == names(made, b'k', 'Y') == [long(-1), long(0), long(1)]
    assert names(made, b'k', 'Y', long(1)) == [long(-1), long(1)]


def test_messages_of_2_2_name_the_layout():
    refused('Column family comparators do not match or are not compatible (found SimpleDenseCellNameType; expected '
            'SimpleDenseCellNameType).', session('2.2').system_update_column_family,
            cf_def('B', comparator_type='LongType'))


def test_3_11_keeps_the_types_whatever_an_update_says():
    made = session('3.11')
    made.system_update_column_family(cf_def('B', comparator_type='LongType', default_validation_class='LongType',
                                            key_validation_class='LongType', comment='new'))
    found = described(made, 'B')
    assert found.comment == 'new'
    types = {found.comparator_type, found.default_validation_class, found.key_validation_class}
    assert types == {f'{MARSHAL}BytesType'}


def test_refused_updates(made):
    refused('unconfigured columnfamily nope', made.system_update_column_family, cf_def('nope'))
    refused('Keyspace nope does not exist', made.system_update_column_family, cf_def('B', 'nope'))
    refused('system keyspace is not user-modifiable.', made.system_update_column_family, cf_def('X', 'system'))
    refused('Keyspace and CF name must be set.', made.system_update_column_family, cf_def(None))
    refused('Keyspace  does not exist', made.system_update_column_family, cf_def('B', ''))
    refused('non-empty columnfamily is required', made.system_update_column_family, cf_def(''))
    refused('types do not match.', made.system_update_column_family, cf_def('B', column_type='Super'))
    refused('Could not find column family definition to modify.', session('1.2').system_update_column_family,
            cf_def('nope'))
    refused("Can't modify index name: was 'ix_idx' changed to 'other'.", made.system_update_column_family,
            cf_def('U', comparator_type='UTF8Type', column_metadata=[ColumnDef(b'ix', 'BytesType', 0, 'other')]))


# --- the node ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('profile, version', [
    ('1.2', '19.36.2'), ('2.0', '19.39.0'), ('2.1', '19.39.0'), ('2.2', '20.1.0'),
    ('3.0', '20.1.0'), ('3.11', '20.1.0')])
def test_versions(profile, version):
    assert Engine(profile=profile).session().describe_version() == version


def test_descriptions_of_the_node(made):
    assert made.describe_cluster_name() == 'Test Cluster'
    assert made.describe_partitioner() == 'org.apache.cassandra.dht.Murmur3Partitioner'
    assert made.describe_snitch() == 'org.apache.cassandra.locator.SimpleSnitch'
    assert made.describe_token_map() == {'0': '127.0.0.1'}
    (part,) = made.describe_ring('K')
    assert part.start_token == part.end_token == '0'
    assert part.endpoints == part.rpc_endpoints == ['127.0.0.1']
    (detail,) = part.endpoint_details
    assert (detail.host, detail.datacenter, detail.rack) == ('127.0.0.1', 'datacenter1', 'rack1')
    assert made.describe_local_ring('K') == made.describe_ring('K')


def test_rings_that_are_not_there(made):
    refused('There is no ring for the keyspace: system', made.describe_ring, 'system')
    refused('No such keyspace: nope', made.describe_ring, 'nope')
    with pytest.raises(NotFoundException):
        made.describe_keyspace('nope')


def test_schema_versions_change_with_the_schema(made):
    ((version, hosts),) = made.describe_schema_versions().items()
    assert hosts == ['127.0.0.1'] and uuid.UUID(version).version == 3
    returned = made.system_add_column_family(cf_def('X'))
    assert list(made.describe_schema_versions()) == [returned] != [version]
    assert made.system_drop_column_family('X') == version


@pytest.mark.parametrize('call, arguments', [
    ('system_add_keyspace', (ks_def('L'),)), ('system_update_keyspace', (ks_def(),)), ('system_drop_keyspace', ('K',)),
    ('system_add_column_family', (cf_def('X'),)), ('system_update_column_family', (cf_def('B'),)),
    ('system_drop_column_family', ('B',)),
])
@pytest.mark.parametrize('profile', PROFILES)
def test_schema_calls_return_the_version(profile, call, arguments):
    assert re.fullmatch('[0-9a-f-]{36}', getattr(session(profile), call)(*arguments))


def test_truncate_of_the_wrong_name(made):
    refused('unconfigured columnfamily nope', made.truncate, 'nope')
    put(made, b'k', b'a')
    made.truncate('B')
    assert made.get_slice(b'k', ('B', None), (None, (b'', b'', False, 1)), ONE) == (1, [])
