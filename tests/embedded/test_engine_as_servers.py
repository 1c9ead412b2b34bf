"""What random operations on real servers showed to be otherwise than the engine had it."""
import pytest
from enginecases import cf_def, ks_def, one_family, put, put_below, refused, row, session

from pycassa.cassandra.ttypes import ColumnDef, ConsistencyLevel, UnavailableException
from pycassa.embedded.comparators import MarshalError
from pycassa.embedded.profiles import profile
from pycassa.embedded.typeparser import Types, TypeSyntaxError

TYPES = Types(profile('2.1'))


def test_paged_slices_of_super_families_count_subcolumns():
    made = session()
    for name in (b'\0' * 8, b'\0' * 7 + b'\1', b'\0' * 7 + b'\2'):
        put_below(made, b'k', b's', name)
    found = made.get_paged_slice('S', (b'', b'', None, None, 2, None), b'', 1)
    assert [(key, [len(cells) for _, cells in columns[1]]) for key, columns in found] == [(b'k', [2])]


def test_ranges_of_reversed_composites_can_be_deleted():
    made = one_family(cf_def('F', comparator_type='ReversedType(CompositeType(UTF8Type))'))
    put(made, b'k', b'\0\1b\0', family='F')
    made.batch_mutate([(b'k', [('F', [(5, 9, None, (None, (b'\0\1c\0', b'\0\1a\0', False, 1)))])])], 1)
    put(made, b'k', b'\0\1b\0', timestamp=2, family='F')
    assert made.get_slice(b'k', ('F', None), (None, (b'', b'', False, 9)), 1)[1] == []


def test_counting_a_slice_does_not_ask_what_levels_are_for():
    made = session()
    put(made, b'k', b'a')
    everything = (None, (b'', b'', False, 9))
    assert made.get_count(b'k', ('B', None), everything, ConsistencyLevel.ANY) == 1
    refused('ANY ConsistencyLevel is only supported for writes', session('1.2').get_count, b'k', ('B', None),
            everything, ConsistencyLevel.ANY)


def test_a_refused_deletion_is_printed_with_its_predicate():
    mutation = (5, 2, b'b', (None, ('é'.encode(), b'b', True, 3)))
    refused('Deletion of super columns is not possible on a standard ColumnFamily (KeySpace=K ColumnFamily=B '
            'Deletion=Deletion(timestamp:2, super_column:62, predicate:SlicePredicate(slice_range:SliceRange('
            'start:C3 A9, finish:62, reversed:true, count:3))))', session().batch_mutate,
            [(b'k', [('B', [mutation])])], 1)


@pytest.mark.parametrize('text, outermost', [
    ('CompositeType(NoType)', 'CompositeType'), ('ReversedType(NoType)', 'ReversedType'),
    ('CompositeType(ReversedType(NoType))', 'CompositeType'),
    ('DynamicCompositeType(a=>NoType)', 'DynamicCompositeType')])
def test_an_unknown_type_inside_another_is_the_other_ones_fault(text, outermost):
    with pytest.raises(TypeSyntaxError, match=f'^Invalid definition for comparator .*marshal.{outermost}\\.$'):
        TYPES.parse(text)


@pytest.mark.parametrize('raw, why', [
    (b'\0\1\xff', "String didn't validate."), (b'\0\1a', 'the end-of-component byte of component0'),
    (b'\0\1a\1\0\1b\0', 'Invalid bytes remaining after an end-of-component at component0')])
def test_composites_are_checked_in_the_order_of_their_bytes(raw, why):
    with pytest.raises(MarshalError, match=why):
        TYPES.parse('CompositeType(UTF8Type,UTF8Type)').validate(raw)


def test_an_update_of_3x_knows_its_types_though_it_keeps_the_old_ones():
    made = session('3.11')
    refused("Unable to find abstract-type class 'org.apache.cassandra.db.marshal.text'",
            made.engine.update_column_family, cf_def('B', default_validation_class='text'))


# --- 2.1 -------------------------------------------------------------------------------------------------------------

def test_a_read_of_no_keys_asks_no_replicas():
    made = session()
    everything = (None, (b'', b'', False, 9))
    assert made.multiget_slice([], ('B', None), everything, ConsistencyLevel.THREE) == {}
    with pytest.raises(UnavailableException):
        made.multiget_slice([b'k'], ('B', None), everything, ConsistencyLevel.THREE)
    refused('ANY ConsistencyLevel is only supported for writes', made.multiget_count, [], ('B', None), everything,
            ConsistencyLevel.ANY)


def test_counting_up_to_nothing_asks_no_replicas():
    none = (None, (b'', b'', False, 0))
    assert session().get_count(b'k', ('B', None), none, ConsistencyLevel.THREE) == 0
    with pytest.raises(UnavailableException):
        session('1.2').get_count(b'k', ('B', None), none, ConsistencyLevel.THREE)


@pytest.mark.parametrize('call', ['get', 'get_slice', 'multiget_slice'])
def test_keys_are_checked_before_replicas_are_counted(call):
    made = session()
    what = ('B', None, b'a') if call == 'get' else ('B', None)
    predicate = () if call == 'get' else ((None, (b'', b'', False, 9)),)
    key = [b''] if call == 'multiget_slice' else b''
    refused('Key may not be empty', getattr(made, call), key, what, *predicate, ConsistencyLevel.THREE)


def test_keys_of_several_components_have_no_alias():
    def alias(profile, key_type):
        made = one_family(cf_def('F', key_validation_class=key_type, key_alias=b'id'), profile)
        return made.describe_keyspace('K').cf_defs[0].key_alias
    two, one = 'CompositeType(LongType,UTF8Type)', 'CompositeType(LongType)'
    assert [alias('2.1', each) for each in (two, one, f'ReversedType({two})')] == [None, b'key', b'id']
    assert alias('2.1', 'LongType') == alias('3.11', 'LongType') == b'id'
    assert alias('2.1', None) == b'key'


def test_the_commit_of_a_cas_by_data_centre_needs_a_strategy_that_knows_them():
    made = session()
    refused('consistency level EACH_QUORUM not compatible with replication strategy '
            '(org.apache.cassandra.locator.SimpleStrategy)', made.cas, b'k', 'B', [], [(b'a', b'v', 1, None)],
            ConsistencyLevel.SERIAL, ConsistencyLevel.EACH_QUORUM)


def test_of_two_expectations_of_one_column_the_one_that_would_win_counts():
    made = session()
    put(made, b'k', b'a', b'2')
    levels = ConsistencyLevel.SERIAL, ConsistencyLevel.QUORUM
    update = [(b'a', b'new', 1, None)]
    assert not made.cas(b'k', 'B', [(b'a', b'2', 1, None), (b'a', b'1', 2, None)], update, *levels)[0]
    assert made.cas(b'k', 'B', [(b'a', b'1', 1, None), (b'a', b'2', 1, None)], update, *levels) == (True, None)


def test_of_two_updates_of_one_column_the_later_one_counts():
    made = session()
    levels = ConsistencyLevel.SERIAL, ConsistencyLevel.QUORUM
    assert made.cas(b'k', 'B', [], [(b'a', b'2', 1, None), (b'a', b'1', 2, None)], *levels) == (True, None)
    assert [cell[1] for cell in row(made, b'k')] == [b'1']


def test_index_names_are_of_all_keyspaces_up_to_2_2():
    def indexed(name, keyspace, index='one'):
        return cf_def(name, keyspace, column_metadata=[ColumnDef(b'a', 'BytesType', 0, index)])
    for release in ('2.1', '3.11'):
        made = session(release)
        made.system_add_column_family(indexed('X', 'K'))
        made.system_add_keyspace(ks_def('K2', [indexed('X', 'K2')]))
        if release == '3.11':
            made.system_add_column_family(indexed('Y', 'K2', 'two'))
            made.system_add_column_family(indexed('Z', 'K', 'two'))
            continue
        refused('Duplicate index name one', made.system_add_column_family, indexed('Y', 'K2'))
        refused('Duplicate index name one', made.system_add_column_family, indexed('Y', 'Nowhere'))
        made.system_add_keyspace(ks_def('K3', [indexed('U', 'K3', 'two'), indexed('V', 'K3', 'two')]))
        refused('Duplicate index name two', made.system_update_column_family, indexed('B', 'K', 'two'))


def test_definitions_of_composite_names_concern_no_value_in_2_1():
    definition = cf_def('F', comparator_type='CompositeType(UTF8Type,UTF8Type)', default_validation_class='LongType',
                        column_metadata=[ColumnDef(b'\0\1a\0\0\1b\0', 'AsciiType')])
    refused('(Expected 8 or 0 byte long (1)) [K][F][a:b] failed validation', put,
            one_family(definition), b'k', b'\0\1a\0\0\1b\0', b'v', family='F')
    put(one_family(definition, '2.0'), b'k', b'\0\1a\0\0\1b\0', b'v', family='F')


def test_filters_of_pages_are_checked_before_they_are_refused():
    made = session()
    for value, why in ((b'v', r'[61]=[76] failed value validation (Expected 8 or 0 byte long (1))'),
                       (b'', 'Cross-row paging is not supported along with index clauses')):
        refused(why, made.get_paged_slice, 'C', (b'', b'', None, None, 9, [(b'a', 0, value)]), b'', 1)


def test_a_bad_speculative_retry_is_seen_before_an_index_name():
    definition = cf_def('X', speculative_retry='sometimes',
                        column_metadata=[ColumnDef(b'a', 'BytesType', 0, 'ix_idx')])
    refused('invalid speculative_retry type: sometimes', session().system_add_column_family, definition)
