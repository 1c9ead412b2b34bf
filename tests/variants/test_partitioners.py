"""Random and byte-ordered partitioners beside Murmur3: order of rows, ranges of keys and tokens, the ring, splits."""
import hashlib
import random

import pytest

from pycassa import InvalidRequestException
from pycassa.cassandra.ttypes import CfDef
from pycassa.columnfamily import ColumnFamily
from pycassa.embedded.partitioners import murmur3
from pycassa.index import create_index_clause, create_index_expression

EMBEDDED_PROFILES = ('2.1', *(f'{profile}?partitioner={name}Partitioner' for profile in ('2.1', '3.11')
                              for name in ('Random', 'ByteOrdered')))
ORDERED, HASHED = 'ByteOrderedPartitioner', ('Murmur3Partitioner', 'RandomPartitioner')
ROWS = 60


def md5_token(key):
    return abs(int.from_bytes(hashlib.md5(key).digest(), 'big', signed=True))


# How each makes a row's place of its key, how its tokens are written, and where the ring begins.
PLACES = {'Murmur3Partitioner': (murmur3, str, -2 ** 63), 'RandomPartitioner': (md5_token, str, -1),
          ORDERED: (bytes, bytes.hex, b'')}


@pytest.fixture
def place(server):
    return PLACES[server.partitioner][0]


@pytest.fixture
def keys(place):
    """Keys of one to nine bytes in the order of their tokens."""
    chance = random.Random(6)
    return sorted({chance.randbytes(chance.randint(1, 9)) for _ in range(ROWS)}, key=place)


@pytest.fixture
def family(server, raw_client, keyspace, keys):
    """A family with a row for each key, through a pool."""
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='Rows', comparator_type='UTF8Type'))
    with server.pool(keyspace, pool_size=2) as pool:
        family = ColumnFamily(pool, 'Rows')
        family.batch_insert({key: {'a': b'%d' % number} for number, key in enumerate(keys)})
        yield family


def keys_of(rows):
    return [key for key, _ in rows]


def test_rows_come_in_the_order_of_their_tokens(family, keys):
    for buffer_size in 2, 7, 1000:
        rows = list(family.get_range(buffer_size=buffer_size))
        assert rows == [(key, {'a': b'%d' % number}) for number, key in enumerate(keys)]
    assert keys_of(family.get_range(row_count=5, buffer_size=3)) == keys[:5]


def test_a_range_of_keys_takes_in_both_ends(family, keys):
    for first, last in ((0, ROWS - 1), (10, 20), (30, 30)):
        found = keys_of(family.get_range(keys[first], keys[last], buffer_size=4))
        assert found == keys[first:last + 1]
    assert keys_of(family.get_range(start=keys[50])) == keys[50:]
    assert keys_of(family.get_range(finish=keys[9])) == keys[:10]


def test_a_range_backwards_is_refused(server, family, keys):
    message = (r'start key must sort before \(or equal to\) finish key in your partitioner!'
               if server.partitioner == ORDERED else "start key's token sorts after end key's token")
    with pytest.raises(InvalidRequestException, match=message):
        list(family.get_range(keys[1], keys[0]))


@pytest.mark.given(partitioner=ORDERED)
def test_ranges_of_keys_need_no_row_at_their_ends(family, keys):
    inside = [key for key in keys if b'\x40' <= key <= b'\xc0']
    assert keys_of(family.get_range(b'\x40', b'\xc0', buffer_size=3)) == inside != []
    assert keys_of(family.get_range(b'\xff' * 10)) == []


def test_the_ring(server, family, place, keyspace):
    _, written, _ = PLACES[server.partitioner]
    with server.manager() as manager:
        assert manager.describe_partitioner() == server.partitioner
        tokens, ring = manager.describe_token_map(), manager.describe_ring(keyspace)
    hosts = {address.rpartition(':')[0] for address in server.addresses}
    assert set(tokens.values()) == hosts and len(tokens) == server.nodes
    # What one range ends with is what the next one begins with, and the last one's end is the first one's beginning.
    follows = {each.start_token: each.end_token for each in ring}
    assert set(follows) == set(follows.values()) == set(tokens)
    assert {tuple(each.endpoints) for each in ring} == {(tokens[each.end_token],) for each in ring}
    if server.partitioner == ORDERED:
        assert all(written(bytes.fromhex(token)) == token for token in tokens)
    else:
        assert all(written(int(token)) == token for token in tokens)


def test_every_row_lies_between_two_tokens(server, family, keys, place):
    """The table read in parts, as jobs do that share a table among them: every row is in one part and no other."""
    _, written, least = PLACES[server.partitioner]
    cuts = [written(place(key)) for key in keys[::7]]
    parts = [keys_of(family.get_range(start_token=start, finish_token=end, buffer_size=3))
             for start, end in zip([written(least), *cuts], [*cuts, written(least)])]
    assert parts == [keys[:1]] + [keys[number + 1:number + 8] for number in range(0, ROWS, 7)]
    assert sum(parts, []) == keys


def test_the_ring_s_ranges_hold_all_rows(server, family, keys, keyspace):
    with server.manager() as manager:
        ring = manager.describe_ring(keyspace)
    found = [keys_of(family.get_range(start_token=each.start_token, finish_token=each.end_token, buffer_size=5))
             for each in ring]
    assert sorted(sum(found, [])) == sorted(keys)


def test_describe_splits(server, family, keys, keyspace):
    with server.connect(keyspace) as connection:
        for each in connection.describe_ring(keyspace):
            splits = connection.describe_splits('Rows', each.start_token, each.end_token, 1000)
            assert splits[0] == each.start_token and splits[-1] == each.end_token


def test_indexed_rows_come_in_the_same_order(server, raw_client, keyspace, keys):
    with server.manager() as manager, server.pool(keyspace, pool_size=1) as pool:
        manager.create_column_family(keyspace, 'Indexed', comparator_type='UTF8Type',
                                     column_validation_classes={'state': 'UTF8Type'})
        manager.create_index(keyspace, 'Indexed', 'state', 'UTF8Type', index_name=f'state_{keyspace}')
        family = ColumnFamily(pool, 'Indexed')
        family.batch_insert({key: {'state': 'TX' if number % 3 else 'UT'} for number, key in enumerate(keys)})
        wanted = keys[::3]
        for count in 3, 1000:
            clause = create_index_clause([create_index_expression('state', 'UT')], count=1000)
            assert keys_of(family.get_indexed_slices(clause, buffer_size=count)) == wanted
        clause = create_index_clause([create_index_expression('state', 'UT')], start_key=wanted[5])
        assert keys_of(family.get_indexed_slices(clause)) == wanted[5:]


def test_removed_rows_keep_their_place(family, keys):
    for key in keys[::2]:
        family.remove(key)
    assert keys_of(family.get_range(buffer_size=3)) == keys[1::2]
    assert keys_of(family.get_range(buffer_size=3, filter_empty=False)) == keys
