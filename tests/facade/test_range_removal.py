"""Removing ranges of columns: all in between go, also those that the schema defines, and no others."""
import pytest

from pycassa.cassandra.ttypes import InvalidRequestException
from pycassa.columnfamily import ColumnFamily


def names(family):
    return list(family.multiget(['k']).get('k', {}))


@pytest.mark.since(2, 0)
@pytest.mark.parametrize('comparator', ['UTF8Type', 'ReversedType(UTF8Type)', 'AsciiType', 'BytesType'])
def test_of_names_that_are_text(create, comparator):
    family = create('Named', comparator, columns={b'b': 'UTF8Type', b'd': 'UTF8Type', b'f': 'UTF8Type'},
                    options={'bytes_encoding': 'utf-8'})
    backwards = comparator.startswith('Reversed')
    family.insert('k', {name: name for name in 'abcdefg'}, timestamp=5)
    ends = ('e', 'c') if backwards else ('c', 'e')
    family.remove('k', column_start=ends[0], column_finish=ends[1], timestamp=4)
    assert sorted(names(family)) == list('abcdefg')
    family.remove('k', column_start=ends[0], column_finish=ends[1], timestamp=5)
    assert sorted(names(family)) == list('abfg')
    with family.batch() as batch:
        batch.remove('k', column_start='b', column_finish='b')
    assert sorted(names(family)) == list('afg')


@pytest.mark.since(2, 0)
@pytest.mark.parametrize('comparator', ['LongType', 'IntegerType', 'Int32Type', 'ReversedType(LongType)'])
def test_of_names_that_are_integers(create, comparator):
    length = {'IntegerType': 1, 'Int32Type': 4}.get(comparator, 8)
    defined = [number.to_bytes(length, 'big', signed=True) for number in (-3, -1, 0, 2)]
    family = create('Numbered', comparator, columns={name: 'UTF8Type' for name in defined})
    family.insert('k', {number: 'v' for number in range(-4, 5)})
    ends = (1, -1) if comparator.startswith('Reversed') else (-1, 1)
    family.remove('k', column_start=ends[0], column_finish=ends[1])
    assert sorted(names(family)) == [-4, -3, -2, 2, 3, 4]


@pytest.mark.since(2, 0)
def test_of_a_family_without_any_definitions(create):
    family = create('Free', 'CompositeType(LongType,UTF8Type)')
    family.insert('k', {(number, 'a'): 'v' for number in range(5)})
    family.remove('k', column_start=(1,), column_finish=(3,))
    assert names(family) == [(0, 'a'), (4, 'a')]


@pytest.mark.before(2, 0)
def test_of_a_server_that_cannot(create):
    family = create('Named')
    family.insert('k', {name: name for name in 'abcdefg'})
    with pytest.raises(InvalidRequestException, match='does not yet support SliceRange'):
        family.remove('k', column_start='c', column_finish='e')
    assert names(family) == list('abcdefg')


def test_the_requests(client, make, mutations):
    def deletions(name, columns, comparator='UTF8Type', **options):
        client.keyspaces['K'].append(make.family('K', name, comparator, columns=columns, **options))
        family = ColumnFamily(client, name)
        batch = family.batch().remove('k', column_start=options.get('start', 'b'), column_finish='d', timestamp=9)
        (entry,) = batch._buffer
        return batch, [mutation.deletion for mutation in mutations(entry)]

    batch, (by_range, by_name) = deletions('Defined', {b'a': 'UTF8Type', b'd': 'UTF8Type', b'c': 'UTF8Type'})
    assert (by_range.timestamp, by_name.timestamp) == (9, 9)
    assert (by_range.predicate.slice_range.start, by_range.predicate.slice_range.finish) == (b'b', b'd')
    assert sorted(by_name.predicate.column_names) == [b'c', b'd']
    (pending,) = batch.pending
    assert (pending.kind, pending.columns) == ('remove', ('b', 'd'))
    assert len(deletions('Elsewhere', {b'a': 'UTF8Type', b'e': 'UTF8Type'})[1]) == 1
    assert len(deletions('Supers', {b'c': 'UTF8Type'}, subcomparator='UTF8Type')[1]) == 1
