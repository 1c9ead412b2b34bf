"""What random operations on real servers showed to be otherwise than the engine had it."""
import pytest
from enginecases import cf_def, one_family, put, put_below, refused, session

from pycassa.cassandra.ttypes import ConsistencyLevel
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
