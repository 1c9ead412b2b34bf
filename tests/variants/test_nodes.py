"""Clusters of several nodes: what one node took, all give; the ring; levels of consistency above one replica."""
import pytest

from pycassa import ConsistencyLevel, SystemManager
from pycassa.batch import Mutator
from pycassa.columnfamily import ColumnFamily

pytestmark = pytest.mark.given(kind='real', nodes=...)
ROWS = 40
LEVELS = {'ONE after ALL': (ConsistencyLevel.ALL, ConsistencyLevel.ONE),
          'QUORUM': (ConsistencyLevel.QUORUM, ConsistencyLevel.QUORUM),
          'ALL after ONE': (ConsistencyLevel.ONE, ConsistencyLevel.ALL)}


@pytest.fixture(params=[1, 3], ids=['one replica', 'three replicas'])
def replicas(request):
    return request.param


@pytest.fixture
def replicated(server, keyspace, replicas):
    """A keyspace of so many replicas, made through the last node, while all other tests use the first one."""
    name = f'{keyspace}_replicated'
    with SystemManager(server.addresses[-1], **server.access) as manager:
        manager.create_keyspace(name, strategy_options={'replication_factor': str(replicas)})
        manager.create_column_family(name, 'F', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                                     default_validation_class='UTF8Type')
        manager.create_column_family(name, 'Counters', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                                     default_validation_class='CounterColumnType')
        yield name
        manager.drop_keyspace(name)


@pytest.fixture
def by_node(server, replicated):
    """A pool of each node alone."""
    pools = [server.pool(replicated, server_list=[address], pool_size=1) for address in server.addresses]
    yield pools
    for pool in pools:
        pool.dispose()


@pytest.mark.parametrize('levels', LEVELS.values(), ids=LEVELS)
def test_what_one_node_takes_all_give(by_node, levels):
    write, read = levels
    families = [ColumnFamily(pool, 'F', write_consistency_level=write, read_consistency_level=read)
                for pool in by_node]
    rows = {f'k{number}': {'a': str(number), 'b': 'B'} for number in range(ROWS)}
    for number, (key, columns) in enumerate(rows.items()):
        families[number % len(families)].insert(key, columns)
    for family in families:
        assert family.multiget(list(rows)) == rows
        assert dict(family.get_range(buffer_size=7)) == rows
    for number, key in enumerate(rows):
        families[number % len(families)].remove(key, ['a'])
    for family in families:
        assert dict(family.get_range(buffer_size=7)) == {key: {'b': 'B'} for key in rows}


def test_rows_come_in_one_order_whoever_is_asked(by_node):
    families = [ColumnFamily(pool, 'F', write_consistency_level=ConsistencyLevel.ALL) for pool in by_node]
    families[0].batch_insert({f'k{number}': {'a': 'b'} for number in range(ROWS)})
    orders = [[key for key, _ in family.get_range(buffer_size=3)] for family in families]
    assert orders[0] == orders[1] == orders[2] and len(orders[0]) == ROWS


def test_counters_add_up_whoever_counts(by_node):
    families = [ColumnFamily(pool, 'Counters', write_consistency_level=ConsistencyLevel.ALL,
                             read_consistency_level=ConsistencyLevel.ALL) for pool in by_node]
    for number in range(ROWS):
        families[number % len(families)].add('k', 'visits', number)
    assert [family.get('k') for family in families] == [{'visits': sum(range(ROWS))}] * len(families)


def test_atomic_batches(by_node):
    families = [ColumnFamily(pool, 'F', read_consistency_level=ConsistencyLevel.ALL) for pool in by_node]
    with Mutator(by_node[0], atomic=True, write_consistency_level=ConsistencyLevel.ALL) as batch:
        for number in range(ROWS):
            batch.insert(families[0], f'k{number}', {'a': 'b'})
    assert [len(list(family.get_range())) for family in families] == [ROWS] * len(families)


def test_the_ring_tells_the_replicas(server, replicated, replicas):
    hosts = {address.rpartition(':')[0] for address in server.addresses}
    with server.manager() as manager:
        ring = manager.describe_ring(replicated)
        assert set(manager.describe_token_map().values()) == hosts
        assert len(manager.describe_schema_versions()) == 1
    assert len(ring) == server.nodes
    assert {each.endpoints[0] for each in ring} == hosts
    assert all(len(set(each.endpoints)) == replicas and set(each.rpc_endpoints) <= hosts for each in ring)


def test_families_are_there_on_every_node_when_the_manager_says_so(server, replicated):
    """Schema changes through one node, used through another at once."""
    with server.manager() as manager:
        for number in range(4):
            manager.create_column_family(replicated, f'G{number}', comparator_type='UTF8Type')
            for address in server.addresses[1:]:
                with server.pool(replicated, server_list=[address], pool_size=1) as pool:
                    family = ColumnFamily(pool, f'G{number}', read_consistency_level=ConsistencyLevel.ALL)
                    family.insert(b'k', {'a': b'b'})
                    assert family.get(b'k') == {'a': b'b'}
            manager.drop_column_family(replicated, f'G{number}')
