"""Requests above the limit: refused before a byte is sent, by every call; batches are divided; the limit is exact."""
import contextlib
import math

import pytest

import pycassa
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import (
    CfDef,
    Column,
    ColumnParent,
    ColumnPath,
    ConsistencyLevel,
    KsDef,
    Mutation,
    SlicePredicate,
)
from pycassa.cassandra.ttypes import ColumnOrSuperColumn as Either
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import MutationTooLarge, RequestTooLarge
from pycassa.index import create_index_clause, create_index_expression
from pycassa.operations import MAX_REQUEST_BYTES
from pycassa.pool import ConnectionPool
from pycassa.system_manager import UTF8_TYPE, SystemManager

PATIENCE = 60
KEYSPACE = 'Keyspace1'
ONE = ConsistencyLevel.ONE
STANDARD = ColumnParent('Standard1')
PREDICATE = SlicePredicate(column_names=[b'a'])
# How much of a payload the calls below carry; what each limits is the whole frame.
LOAD = 500
WRITES = ('insert', 'batch_mutate', 'atomic_batch_mutate')


@pytest.fixture
def link(embedded, proxy):
    """The proxy, which counts bytes, in front of a server with every kind of family."""
    with SystemManager(embedded.address, timeout=PATIENCE) as manager:
        manager.create_column_family(KEYSPACE, 'Counters', default_validation_class='CounterColumnType',
                                     comparator_type='UTF8Type', key_validation_class='UTF8Type')
        manager.create_column_family(KEYSPACE, 'Indexed', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                                     default_validation_class='UTF8Type')
        manager.create_index(KEYSPACE, 'Indexed', 'a', UTF8_TYPE)
    return proxy


def of_pool(link, **options):
    return ConnectionPool(KEYSPACE, [link.address], timeout=PATIENCE, pool_size=1, max_retries=-1, **options)


def of_connection(link, **options):
    return Connection(KEYSPACE, link.address, timeout=PATIENCE, **options)


def of_connect(link, **options):
    return pycassa.connect(KEYSPACE, [link.address], timeout=PATIENCE, **options)


def of_connect_thread_local(link, **options):
    return pycassa.connect_thread_local(KEYSPACE, [link.address], timeout=PATIENCE, **options)


CLIENTS = [of_pool, of_connection, of_connect, of_connect_thread_local]


class Families:
    """The families of one client, and its calls by name."""

    def __init__(self, client):
        self.client = client
        self.standard, self.supers = ColumnFamily(client, 'Standard1'), ColumnFamily(client, 'Super1')
        self.counters, self.indexed = ColumnFamily(client, 'Counters'), ColumnFamily(client, 'Indexed')

    def raw(self, method, *arguments):
        execute = getattr(self.client, 'execute', None)
        return execute(method, *arguments) if execute else getattr(self.client, method)(*arguments)


def by_index(value):
    return create_index_clause([create_index_expression('a', value)])


BIG = 'x' * LOAD
BIG_BYTES = BIG.encode()
MANY = [f'{number:08}' for number in range(LOAD // 8)]

# Calls that are one request whatever they carry. None is sent where it is a byte too large.
SINGLE = {
    'get by key': lambda the: the.standard.get(BIG),
    'get by name': lambda the: the.standard.get('k', columns=[BIG]),
    'get of names': lambda the: the.standard.get('k', columns=MANY),
    'get of a slice': lambda the: the.standard.get('k', column_start=BIG),
    'get in a super column': lambda the: the.supers.get('k', super_column=BIG),
    'multiget': lambda the: the.standard.multiget(MANY),
    'multiget_count': lambda the: the.standard.multiget_count(MANY),
    'get_count': lambda the: the.standard.get_count(BIG),
    'get_count of names': lambda the: the.standard.get_count('k', columns=MANY),
    'xget': lambda the: list(the.standard.xget('k', column_start=BIG)),
    'xget of names': lambda the: list(the.standard.xget('k', columns=MANY)),
    'get_range': lambda the: list(the.standard.get_range(start=BIG)),
    'get_indexed_slices': lambda the: list(the.indexed.get_indexed_slices(by_index(BIG))),
    'get_multi_slice': lambda the: the.standard.get_multi_slice('k', [(BIG, '')]),
    'cas': lambda the: the.standard.cas('k', None, {'a': BIG}),
    'insert': lambda the: the.standard.insert('k', {'a': BIG}),
    'insert by name': lambda the: the.standard.insert('k', {BIG: 'a'}),
    'insert by key': lambda the: the.standard.insert(BIG, {'a': 'a'}),
    'insert with a ttl': lambda the: the.standard.insert('k', {'a': BIG}, ttl=60),
    'insert of a super column': lambda the: the.supers.insert('k', {'s': {'a': BIG}}),
    'insert of a counter': lambda the: the.counters.insert('k', {BIG: 1}),
    'batch_insert of a column': lambda the: the.standard.batch_insert({'k': {'a': BIG}}),
    'a batch of a column': lambda the: the.standard.batch().insert('k', {'a': BIG}).send(),
    'an atomic batch': lambda the: the.standard.batch(atomic=True).insert('k', {'a': BIG}).insert('l', {
        'b': BIG}).send(),
    'a batch of a removal': lambda the: the.standard.batch().remove('k', [BIG]).send(),
    'add': lambda the: the.counters.add('k', BIG),
    'remove by key': lambda the: the.standard.remove(BIG),
    'remove by name': lambda the: the.standard.remove('k', [BIG]),
    'remove of names': lambda the: the.standard.remove('k', MANY),
    'remove_counter': lambda the: the.counters.remove_counter('k', BIG),
    'raw get': lambda the: the.raw('get', b'k', ColumnPath('Standard1', column=BIG_BYTES), ONE),
    'raw insert': lambda the: the.raw('insert', b'k', STANDARD, Column(b'a', BIG_BYTES, 1), ONE),
    'raw batch_mutate': lambda the: the.raw(
        'batch_mutate', {b'k': {'Standard1': [Mutation(Either(Column(b'a', BIG_BYTES, 1)))]}}, ONE),
    'raw multiget_slice': lambda the: the.raw('multiget_slice', [name.encode() for name in MANY], STANDARD, PREDICATE,
                                              ONE),
    'raw schema': lambda the: the.raw('system_update_column_family', CfDef(
        KEYSPACE, 'Counters', comparator_type='UTF8Type', key_validation_class='UTF8Type', comment=BIG,
        default_validation_class='CounterColumnType', id=the.counters._cfdef.id)),
}


def quietly(call, families):
    """Make a call whose answer may be that there is nothing."""
    with contextlib.suppress(pycassa.NotFoundException):
        call(families)


def size_of(link, call):
    """The bytes of the request that a call is, by what arrives."""
    with contextlib.closing(of_pool(link)) as pool:
        families = Families(pool)
        before = len(link.recorded)
        quietly(call, families)
        sent = [request for request in link.recorded[before:] if request.method not in ('login', 'set_keyspace')]
    # Pages that are asked for after the first are shorter.
    return max(len(request.data) - 4 for request in sent)


class Watch:
    """What passes the link from now on."""

    def __init__(self, link):
        self.link = link
        self.requests, self.bytes, self.accepted = len(link.recorded), link.requests.received, link.accepted

    def sent(self):
        """The requests that came; every byte that did is in one of them."""
        requests = self.link.recorded[self.requests:]
        assert self.link.requests.received - self.bytes == sum(len(request.data) for request in requests)
        return requests


@pytest.mark.parametrize('client', CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize('name', SINGLE)
def test_the_limit_is_exact_and_nothing_above_it_is_sent(link, client, name):
    call = SINGLE[name]
    size = size_of(link, call)
    assert size > LOAD
    with contextlib.closing(client(link, max_request_bytes=size)) as one:
        families = Families(one)
        quietly(call, families)
        assert size in [len(request.data) - 4 for request in link.recorded]
    with contextlib.closing(client(link, max_request_bytes=size - 1)) as one:
        families = Families(one)
        families.standard.get_count('warm')
        watch = Watch(link)
        with pytest.raises(RequestTooLarge, match=f'max_request_bytes={size - 1}') as caught:
            call(families)
        # Where it came in between, a byte of the refused call would be seen: the connection is the same, and in step.
        assert families.standard.get_count('warm') == 0
        assert [request.method for request in watch.sent()] == ['get_count'] and link.accepted == watch.accepted
        assert 'nothing was sent' in str(caught.value)
        if isinstance(caught.value, MutationTooLarge):
            assert 'family' in str(caught.value) and 'row' in str(caught.value)
            assert 'column' in str(caught.value) or name in ('remove by key', 'remove of names')


SCHEMA = {
    'create_keyspace': lambda manager: manager.create_keyspace('Big', 'NetworkTopologyStrategy', {BIG: '1'}),
    'create_column_family': lambda manager: manager.create_column_family(KEYSPACE, 'Big', comment=BIG),
    'alter_column_family': lambda manager: manager.alter_column_family(KEYSPACE, 'Standard1', comment=BIG),
    'alter_column': lambda manager: manager.alter_column(KEYSPACE, 'Standard1', BIG, UTF8_TYPE),
}


@pytest.mark.parametrize('name', SCHEMA)
def test_schema_calls(link, name):
    """The largest definition that a manager sends is as large as any other request."""
    limit = LOAD
    with SystemManager(link.address, timeout=PATIENCE, max_request_bytes=limit) as manager:
        manager.describe_version()
        watch = Watch(link)
        with pytest.raises(RequestTooLarge, match=f'max_request_bytes={limit}'):
            SCHEMA[name](manager)
        manager.describe_version()
        assert not [request for request in watch.sent() if request.method.startswith('system_')]
        assert link.accepted == watch.accepted


def test_raw_schema_calls_of_a_connection(link):
    with contextlib.closing(of_connection(link, max_request_bytes=300)) as connection:
        watch = Watch(link)
        with pytest.raises(RequestTooLarge):
            connection.system_add_keyspace(KsDef('Big', 'SimpleStrategy', {'replication_factor': BIG}, cf_defs=[]))
        assert watch.sent() == []


# --- the limit that is set where none is given ---------------------------------------------------------------------

def test_the_servers_own_limit(embedded):
    """A request of 15 MiB is served, and one of a byte more is not sent."""
    with ConnectionPool(KEYSPACE, [embedded.address], timeout=PATIENCE, pool_size=1) as pool:
        cf = ColumnFamily(pool, 'Standard1')
        log = embedded.faults.record()
        cf.insert('k', {'a': ''})
        room = MAX_REQUEST_BYTES - len(log[-1].data)
        assert MAX_REQUEST_BYTES == 15 * 1024 * 1024
        cf.insert('k', {'a': 'x' * room})
        assert len(log[-1].data) == MAX_REQUEST_BYTES
        count = len(log)
        with pytest.raises(MutationTooLarge, match=f"row b'k', column b'a'.*max_request_bytes={MAX_REQUEST_BYTES}"):
            cf.insert('k', {'a': 'x' * (room + 1)})
        with pytest.raises(RequestTooLarge, match='multiget_slice call'):
            cf.multiget([f'{number}'.zfill(20_000) for number in range(1000)])
        assert len(log) == count
        # A multiget that asks for fewer keys at once is the way to ask for all.
        assert cf.multiget([f'{number}'.zfill(20_000) for number in range(1000)], buffer_size=500) == {}


# --- batches -------------------------------------------------------------------------------------------------------

def two_rows(the, columns):
    batch = Mutator(the.client, queue_size=None)
    return batch.insert(the.standard, 'k', dict.fromkeys(columns, BIG)).insert(the.standard, 'l', {'z': BIG})


# Writes that may be several requests, and in how many parts they can be sent at the most.
DIVISIBLE = {
    'insert': (lambda the: the.standard.insert('k', dict.fromkeys('abcd', BIG)), 4),
    'batch_insert': (lambda the: the.standard.batch_insert({key: {'a': BIG} for key in 'klmn'}), 4),
    'batch_insert of a wide row': (lambda the: the.standard.batch_insert({'k': dict.fromkeys('abcd', BIG)}), 4),
    'Mutator': (lambda the: two_rows(the, 'abc').send(), 4),
    'super columns': (lambda the: the.supers.insert('k', {'s': {'a': BIG}, 't': {'a': BIG}}), 2),
}


@pytest.mark.parametrize('client', CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize('name', DIVISIBLE)
def test_what_can_be_divided_is_one_request_up_to_the_limit(link, client, name):
    call, parts = DIVISIBLE[name]
    size = size_of(link, call)
    for limit in (size, size - 1, LOAD + 200):
        with contextlib.closing(client(link, max_request_bytes=limit)) as one:
            families = Families(one)
            watch = Watch(link)
            call(families)
            sent = [request for request in watch.sent() if request.method in WRITES]
        assert max(len(request.data) - 4 for request in sent) <= limit
        assert len(sent) == 1 if limit == size else 1 < len(sent) <= parts


def test_what_is_too_large_alone_stops_a_batch_and_the_rest_is_there(link):
    limit = 2000
    with contextlib.closing(of_pool(link, max_request_bytes=limit)) as pool:
        cf = ColumnFamily(pool, 'Standard1')
        rows = {f'row{number}': {'a': BIG} for number in range(9)}
        batch = Mutator(pool, queue_size=None)
        for number, (key, columns) in enumerate(rows.items()):
            batch.insert(cf, key, columns)
            if number == 4:
                batch.insert(cf, 'guilty', {'good': 'x', 'bad': 'x' * limit})
        before, watch = batch.pending, Watch(link)
        for _ in range(2):
            with pytest.raises(MutationTooLarge, match=f"family 'Standard1', row b'guilty', column b'bad'.*={limit}"):
                batch.send()
            assert batch.pending == before and watch.sent() == []
        rest = [each for each in batch.clear() if each.key != 'guilty']
        for each in rest:
            batch.insert(cf, each.key, each.columns, timestamp=each.timestamp)
        batch.send()
        assert batch.pending == [] and dict(cf.get_range()) == rows
        assert len(watch.sent()) >= math.ceil(9 * LOAD / limit)


def test_an_atomic_batch_is_never_divided(link):
    with contextlib.closing(of_pool(link, max_request_bytes=1500)) as pool:
        cf = ColumnFamily(pool, 'Standard1')
        batch = cf.batch(atomic=True, queue_size=None)
        for key in 'klm':
            batch.insert(key, {'a': BIG})
        watch, before = Watch(link), batch.pending
        with pytest.raises(RequestTooLarge, match='cannot be split without losing its atomicity; nothing was sent'):
            batch.send()
        assert watch.sent() == [] and batch.pending == before
        batch.send(atomic=False)
        assert len(watch.sent()) == 2 and sorted(dict(cf.get_range())) == ['k', 'l', 'm']


def test_random_batches(link, proof):
    """Of any shape, under any limit: all of it arrives, in order, in requests within the limit."""
    chance, number = proof.random(), proof.count(2_000, least=20)
    requests = refused = 0
    for _ in range(number):
        limit = chance.randrange(250, 3000)
        with contextlib.closing(of_pool(link, max_request_bytes=limit)) as pool:
            cf = ColumnFamily(pool, 'Standard1', timestamp=1)
            batch, expected = Mutator(pool, queue_size=None), {}
            for _ in range(chance.randrange(1, 12)):
                key = f'{chance.randrange(5)}' * chance.choice([1, 20])
                sizes = [0, 9, limit // 3, limit - 150 + chance.randrange(60)]
                columns = {f'{chance.randrange(9)}': 'x' * chance.choices(sizes, [8, 8, 4, 1])[0]
                           for _ in range(chance.randrange(1, 6))}
                batch.insert(cf, key, columns, timestamp=1 + len(batch.pending))
                expected.setdefault(key, {}).update(columns)
            before, watch = batch.pending, Watch(link)
            try:
                batch.send()
            except MutationTooLarge as error:
                refused += 1
                assert batch.pending == before and watch.sent() == [], error
                continue
            sent = watch.sent()
            requests += len(sent)
            assert batch.pending == [] and max(len(request.data) - 4 for request in sent) <= limit
            assert {key: dict(row) for key, row in _rows(link).items()} == expected
            cf.truncate()
    assert 0 < refused < number and requests > number
    proof.saw('oversized requests', batches=number, requests=requests, refused=refused, bytes_of_refused=0)


def _rows(link):
    with contextlib.closing(of_pool(link)) as pool:
        return dict(ColumnFamily(pool, 'Standard1').get_range())
