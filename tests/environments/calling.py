"""Scenarios of many tasks that call at the same time; green.py runs them."""
import gc
import time

from green import Ticker
from thrift.transport.TSocket import TSocket

import pycassa
from pycassa.cassandra.ttypes import ColumnParent, SlicePredicate, SliceRange
from pycassa.errors import CallTimeout, MaximumRetryException, NoConnectionAvailable

CLIENTS = {
    'pool': lambda keyspace, address, size: pycassa.ConnectionPool(
        keyspace, [address], timeout=30, pool_size=size, prefill=False),
    'pool, use_threadlocal=False': lambda keyspace, address, size: pycassa.ConnectionPool(
        keyspace, [address], timeout=30, pool_size=size, prefill=False, use_threadlocal=False),
    "pool, thrift's sockets": lambda keyspace, address, size: pycassa.ConnectionPool(
        keyspace, [address], timeout=30, pool_size=size, prefill=False,
        socket_factory=lambda host, port: TSocket(host, port)),
    'connect_thread_local': lambda keyspace, address, size: pycassa.connect_thread_local(
        keyspace, [address], timeout=30),
}


def rows(wait, count):
    return [f'wait={wait}ms row {number}' for number in range(count)]


def fill(cf, keys):
    """Every row says which it is. One batch: the replies of these rows take their time for writers, too."""
    with cf.batch(queue_size=len(keys)) as batch:
        for key in keys:
            batch.insert(key, {'key': key})


def insert_by_batch(cf, key):
    with cf.batch() as batch:
        batch.insert(key, {'key': key})
    return key


def insert(cf, key):
    cf.insert(key, {'key': key})
    return key


def slice_by_name(call, key):
    """The Thrift call get_slice, by `call`."""
    predicate = SlicePredicate(slice_range=SliceRange(start=b'', finish=b'', reversed=False, count=10))
    column, = call(key.encode(), ColumnParent(column_family='Rows'), predicate, 1)
    return column.column.value.decode()


def by_execute(cf, key):
    return slice_by_name(lambda *arguments: cf.pool.execute('get_slice', *arguments), key)


def by_held(cf, key):
    held = cf.pool.get()
    try:
        return slice_by_name(held.get_slice, key)
    finally:
        held.return_to_pool()


OPERATIONS = {
    'get': lambda cf, key: cf.get(key)['key'],
    'multiget': lambda cf, key: cf.multiget([key])[key]['key'],
    'get_range': lambda cf, key: next(cf.get_range(key, key))[1]['key'],
    'xget': lambda cf, key: next(cf.xget(key))[1],
    'get_count': lambda cf, key: key if cf.get_count(key) == 1 else None,
    'insert': insert,
    'batch': insert_by_batch,
}
OF_POOLS = {'execute': by_execute, 'a held connection': by_held}
OF_CLIENTS = {'the Thrift call': lambda cf, key: slice_by_name(cf.pool.get_slice, key)}


def at_the_same_time(world, address, keyspace, client, count, wait):
    """Of each operation: how long `count` tasks took for one call each, and the rows that are not their callers'."""
    made = CLIENTS[client](keyspace, address, count)
    cf = pycassa.ColumnFamily(made, 'Rows')
    keys = rows(wait, count)
    fill(cf, keys)
    facts = {}
    is_pool = isinstance(made, pycassa.ConnectionPool)
    for name, operation in {**OPERATIONS, **(OF_POOLS if is_pool else OF_CLIENTS)}.items():
        begin = time.monotonic()
        with Ticker(world) as ticker:
            answers = world.all(lambda key, operation=operation: operation(cf, key), keys)
        facts[name] = {'seconds': time.monotonic() - begin, 'ticks': ticker.ticks,
                       'wrong': [key for key, answer in zip(keys, answers) if key != answer]}
    return {'operations': facts, 'patched': world.is_patched(), 'counts': is_pool and made.counts()}


def by_turns(world, address, keyspace, count, wait):
    """Tasks that share the one connection of connect()."""
    client = pycassa.connect(keyspace, [address], timeout=30)
    cf = pycassa.ColumnFamily(client, 'Rows')
    keys = rows(wait, count)
    fill(cf, keys)
    with Ticker(world) as ticker:
        answers = world.all(lambda key: cf.get(key)['key'], keys)
    return {'wrong': [key for key, answer in zip(keys, answers) if key != answer], 'ticks': ticker.ticks}


def more_tasks_than_connections(world, address, keyspace, size, count, wait):
    """The counts of the pool while most tasks wait for a connection, and when all are served."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=size)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    keys = rows(wait, count)
    fill(cf, keys)
    with Ticker(world) as ticker:
        tasks = [world.spawn(lambda key=key: cf.get(key)['key']) for key in keys]
        time.sleep(wait / 2000)
        during = pool.counts()
        answers = [task.result() for task in tasks]
    return {'during': during, 'after': pool.counts(), 'ticks': ticker.ticks,
            'wrong': [key for key, answer in zip(keys, answers) if key != answer]}


def how_it_ends(function):
    """The seconds that a call takes, and what it raises."""
    begin = time.monotonic()
    try:
        function()
        outcome = 'returned'
    except MaximumRetryException as error:
        outcome = type(error.__cause__).__name__
    except (CallTimeout, NoConnectionAvailable, pycassa.NoServerAvailable) as error:
        outcome = type(error).__name__
    return outcome, time.monotonic() - begin


def time_outs(world, address, keyspace, count):
    """How calls end that are never answered, or never get a connection; the counts of the pools afterwards."""
    def pool(**settings):
        return pycassa.ConnectionPool(keyspace, [address], **{**dict(timeout=30, max_retries=0), **settings})

    facts = {}
    with Ticker(world) as ticker:
        calls = pool(timeout=0.3, connect_timeout=10, pool_size=count)
        cf = pycassa.ColumnFamily(calls, 'Rows')
        facts['timeout'] = world.all(lambda key: how_it_ends(lambda: cf.get(key)), ['wait=ever'] * count)
        repeated = pool(deadline=0.3, max_retries=-1, pool_size=count)
        cf = pycassa.ColumnFamily(repeated, 'Rows')
        facts['deadline'] = world.all(lambda key: how_it_ends(lambda: cf.get(key)), ['wait=ever'] * count)
        busy = pool(pool_size=1, pool_timeout=0.3)
        held = busy.get()
        facts['pool_timeout'] = world.all(lambda _: how_it_ends(busy.get), range(count))
        held.return_to_pool()
        client = pycassa.connect_thread_local(keyspace, [address], timeout=0.3, connect_timeout=10)
        cf_of_client = pycassa.ColumnFamily(client, 'Rows')
        facts['connect_thread_local'] = world.all(
            lambda key: how_it_ends(lambda: cf_of_client.get(key)), ['wait=ever'] * count)
    return {'ends': facts, 'ticks': ticker.ticks,
            'counts': {'timeout': calls.counts(), 'deadline': repeated.counts(), 'pool_timeout': busy.counts()}}


def own_connections(world, address, keyspace, client, count):
    """Tasks that each have a connection: whether it stays theirs, and how many are open when they have ended."""
    made = CLIENTS[client](keyspace, address, count)
    cf = pycassa.ColumnFamily(made, 'Rows')

    def work(number):
        held = made.get() if isinstance(made, pycassa.ConnectionPool) else None
        for step in range(5):
            cf.insert('shared', {f'task {number}.': str(step)})
            time.sleep(0.01)
            if held is not None:
                assert made.get() is held
        if held is not None:
            made.put(held)

    world.all(work, range(count))
    time.sleep(0.05)
    gc.collect()
    time.sleep(0.3)
    return {'counts': made.counts() if isinstance(made, pycassa.ConnectionPool) else None}


def round_trips(world, address, keyspace):
    """Whether connections make their round trips outside of Python, which a patched socket has no part in."""
    connection = pycassa.Connection(keyspace, address, timeout=30)
    connection.describe_version()
    made = connection.transport.stream.exchange is not None
    connection.close()
    return made


def over_tls(world, address, keyspace, certificate, count, wait):
    """`at_the_same_time` over TLS, by a context of pycassa's own making."""
    context = pycassa.connection.make_ssl_context(certificate)
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=count, ssl_context=context, prefill=False)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    keys = rows(wait, count)
    fill(cf, keys)
    begin = time.monotonic()
    with Ticker(world) as ticker:
        answers = world.all(lambda key: cf.get(key)['key'], keys)
    large = {f'{number:05}': 'x' * 1000 for number in range(1000)}
    cf.insert('large', large)
    return {'seconds': time.monotonic() - begin, 'ticks': ticker.ticks,
            'wrong': [key for key, answer in zip(keys, answers) if key != answer],
            'large': cf.get('large', column_count=2000) == large, 'counts': pool.counts()}
