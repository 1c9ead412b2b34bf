"""Scenarios of calls that are ended in the middle: by a time-out of the library's, by a kill; green.py runs them."""
import gc
import random
import time

from calling import CLIENTS, by_held, fill, rows, slice_by_name

import pycassa
from pycassa.errors import NoConnectionAvailable

WAIT = 'wait=ever'


def made_clients(keyspace, address):
    """Of each kind one client, with its ColumnFamily."""
    kinds = dict(CLIENTS, connect=lambda keyspace, address, size: pycassa.connect(keyspace, [address], timeout=30))
    for kind, make in kinds.items():
        client = make(keyspace, address, 2)
        yield kind, client, pycassa.ColumnFamily(client, 'Rows')


def batch_of(cf):
    batch = cf.batch(queue_size=10)
    batch.insert('row', {'batch': 'of one'}, timestamp=5)
    batch.insert(WAIT, {'key': 'slow'}, timestamp=5)
    return batch


def calls(client, cf):
    """The ways to call that can be ended in the middle, by name."""
    by_name = getattr(client, 'get_slice', None) or (lambda *arguments: client.execute('get_slice', *arguments))
    ways = {'get': lambda: cf.get(WAIT), 'insert': lambda: cf.insert(WAIT, {'key': 'slow'}),
            'multiget': lambda: cf.multiget(['row', WAIT]), 'get_range': lambda: list(cf.get_range(WAIT, WAIT)),
            'batch': lambda: batch_of(cf).send(), 'the Thrift call': lambda: slice_by_name(by_name, WAIT)}
    if isinstance(client, pycassa.ConnectionPool):
        ways['a held connection'] = lambda: by_held(cf, WAIT)
    return ways


def by_time_out(world, function):
    with world.timeout(0.1):
        function()


def by_kill(world, function):
    task = world.spawn(function)
    time.sleep(0.1)
    task.kill()
    return task.result()


ENDS = {'time-out': by_time_out, 'kill': by_kill}


def in_mid_call(world, address, keyspace, end):
    """For every client and way to call: what the caller of an ended call saw, and what comes of the next one."""
    facts = {}
    for kind, client, cf in made_clients(keyspace, address):
        cf.insert('row', {'key': kind})
        for way, function in calls(client, cf).items():
            try:
                saw = ENDS[end](world, function)
            except (world.timeout, world.killed) as error:
                saw = 'ended' if isinstance(error, world.timeout if end == 'time-out' else world.killed) else 'other'
            counts = client.counts() if isinstance(client, pycassa.ConnectionPool) else None
            facts[f'{way}, {kind}'] = [saw, cf.get('row')['key'] == kind, counts and counts[1:4]]
        client.close()
    return facts


def batches_in_mid_call(world, address, keyspace):
    """What a batch that was ended holds, and what its next send has written."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    batch = batch_of(cf)
    try:
        by_time_out(world, batch.send)
    except world.timeout:
        pass
    pending = len(batch.pending)
    # The same again; its reply takes for ever, too, and it is applied as it arrives.
    cf.truncate()
    try:
        by_time_out(world, batch.send)
    except world.timeout:
        pass
    stamps = cf.get('row', include_timestamp=True)
    return {'pending': pending, 'row': stamps, 'counts': pool.counts()}


def ended_while_waiting(world, address, keyspace, end):
    """Tasks that are ended while they wait for a connection of a pool: the counts, and who is served afterwards."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=1)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    cf.insert('row', {'key': 'value'})
    held = pool.get()
    tasks = [world.spawn(ENDS[end], world, lambda: cf.get('row')) for _ in range(4)]
    patient = world.spawn(lambda: cf.get('row')['key'])
    time.sleep(0.05)
    during = pool.counts()
    saw = []
    for task in tasks:
        try:
            saw.append(task.result())
        except (world.timeout, world.killed):
            saw.append('ended')
    left = pool.counts()
    held.return_to_pool()
    return {'during': during, 'saw': saw, 'left': left, 'served': patient.result(), 'after': pool.counts()}


def ended_while_connecting(world, address, keyspace, end):
    """Tasks that are ended while a connection is opened for them (set_keyspace is held up)."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=2, prefill=False)
    saw = []
    for _ in range(4):
        try:
            saw.append(ENDS[end](world, pool.get))
        except (world.timeout, world.killed):
            saw.append('ended')
    return {'saw': saw, 'counts': pool.counts()}


def held_and_forgotten(world, address, keyspace):
    """The counts of a pool whose connections were checked out by tasks that were killed before they returned them."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=3)

    def work():
        held = pool.get()
        held.describe_version()
        time.sleep(60)

    tasks = [world.spawn(work) for _ in range(3)]
    time.sleep(0.1)
    during = pool.counts()
    for task in tasks:
        task.kill()
    del tasks, task
    # The libraries let go of a task at their next turn, and eventlet of its local data when another task's are used.
    time.sleep(0.05)
    pool.put(None)
    # The first collection takes the tasks, and with them the last that kept their connections from the second.
    gc.collect()
    gc.collect()
    served = pool.execute('describe_version') != ''
    gc.collect()
    return {'during': during, 'served': served, 'after': pool.counts()}


def storm(world, address, keyspace, client, tasks, calls, seed):
    """Tasks that call, and are ended at any moment; every answer must be the row asked for, then and afterwards."""
    made = CLIENTS[client](keyspace, address, 4)
    cf = pycassa.ColumnFamily(made, 'Rows')
    keys = rows(5, 20)
    fill(cf, keys)
    facts = {'answered': 0, 'ended': 0, 'wrong': []}

    def call(chance):
        key = chance.choice(keys)
        if chance.random() < 0.2:
            with cf.batch() as batch:
                batch.insert(key, {'key': key})
        elif cf.get(key)['key'] != key:
            facts['wrong'].append(key)

    def work(number):
        chance = random.Random(seed + number)
        for _ in range(calls):
            try:
                with world.timeout(chance.choice([0.001, 0.004, 0.006, 0.012, 5.0])):
                    call(chance)
                facts['answered'] += 1
            except world.timeout:
                facts['ended'] += 1

    chance = random.Random(seed)
    running = [world.spawn(work, number) for number in range(tasks)]
    for task in running[::3]:
        time.sleep(chance.uniform(0, 0.05))
        task.kill()
    for task in running:
        try:
            task.result()
        except world.killed:
            facts['ended'] += 1
    facts['afterwards'] = [key for key in keys if cf.get(key)['key'] != key]
    facts['counts'] = made.counts() if isinstance(made, pycassa.ConnectionPool) else None
    return facts


def refused(world, address, keyspace):
    """Whether a task that finds no connection is told so while another is in mid-call, and the latter goes on."""
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=1, pool_timeout=0)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    cf.insert('wait=300ms', {'key': 'slow'})
    slow = world.spawn(lambda: cf.get('wait=300ms')['key'])
    time.sleep(0.05)
    try:
        outcome = cf.get('wait=300ms')
    except NoConnectionAvailable:
        outcome = 'refused'
    return outcome, slow.result()
