"""Scenarios of signal handlers that run while calls are under way; green.py runs them."""
import gc
import random
import signal
import time

from calling import CLIENTS, fill, rows, slice_by_name

import pycassa

KEYS = [f'row {number}' for number in range(20)]


class Alarms:
    """Signals every so many seconds, or `once`, while the block runs; `handle` is not interrupted by itself."""

    def __init__(self, handle, seconds, once=False):
        self.handle = handle
        self.timer = seconds, 0 if once else seconds
        self.count = 0
        self._busy = False

    def _run(self, number, frame):
        if self._busy:
            return
        self._busy = True
        self.count += 1
        try:
            self.handle()
        finally:
            self._busy = False

    def __enter__(self):
        self._before = signal.signal(signal.SIGALRM, self._run)
        signal.setitimer(signal.ITIMER_REAL, *self.timer)
        return self

    def __exit__(self, *exc_info):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)


def client_and_rows(client, keyspace, address):
    made = CLIENTS[client](keyspace, address, 4)
    cf = pycassa.ColumnFamily(made, 'Rows')
    fill(cf, KEYS)
    return made, cf


def counts_of(made):
    return made.counts() if isinstance(made, pycassa.ConnectionPool) else None


def handlers_that_return(world, address, keyspace, client, seconds):
    """Threads call, and the main one too, while a handler that does nothing runs again and again."""
    made, cf = client_and_rows(client, keyspace, address)
    until = time.monotonic() + seconds
    wrong = []

    def work(number):
        chance, calls = random.Random(number), 0
        while time.monotonic() < until:
            key = chance.choice(KEYS)
            if cf.get(key) != {'key': key}:
                wrong.append(key)
            calls += 1
        return calls

    with Alarms(lambda: None, 0.002) as alarms:
        tasks = [world.spawn(work, number) for number in range(6)]
        calls = work(6) + sum(task.result() for task in tasks)
    return {'wrong': wrong, 'alarms': alarms.count, 'calls': calls, 'counts': counts_of(made)}


def handlers_that_call(world, address, keyspace, client, seconds):
    """A handler that makes calls of its own in the middle of those of the main thread."""
    made, cf = client_and_rows(client, keyspace, address)
    until = time.monotonic() + seconds
    wrong, chance = [], random.Random(1)

    def call():
        key = chance.choice(KEYS)
        if cf.get(key) != {'key': key}:
            wrong.append(key)

    with Alarms(call, 0.005) as alarms:
        calls = 0
        while time.monotonic() < until:
            call()
            calls += 1
    return {'wrong': wrong, 'alarms': alarms.count, 'calls': calls, 'counts': counts_of(made)}


class Rang(Exception):
    """What a handler raises."""


def handlers_that_raise(world, address, keyspace, client, seconds):
    """A handler that raises, in the middle of anything: what is read afterwards, and the counts."""
    made, cf = client_and_rows(client, keyspace, address)
    slow = rows(3, 1)[0]
    fill(cf, [slow])
    until = time.monotonic() + seconds
    facts = {'wrong': [], 'answered': 0, 'ended': 0}

    def ring():
        raise Rang

    chance = random.Random(1)
    while time.monotonic() < until:
        try:
            # Once: what is raised while another is on its way may come between the failure and the closing.
            with Alarms(ring, chance.uniform(0.001, 0.01), once=True):
                for _ in range(10):
                    key = chance.choice([*KEYS, slow])
                    if cf.get(key) != {'key': key}:
                        facts['wrong'].append(key)
                    facts['answered'] += 1
        except Rang:
            facts['ended'] += 1
    gc.collect()
    facts['afterwards'] = [key for key in KEYS if cf.get(key) != {'key': key}]
    return {**facts, 'counts': counts_of(made)}


def held_in_mid_call(world, address, keyspace, way):
    """What a handler gets that uses the very connection on which its thread is in mid-call, and what the latter gets.

    With `use_threadlocal` that is the connection that the thread holds.
    """
    pool = pycassa.ConnectionPool(keyspace, [address], timeout=30, pool_size=2)
    cf = pycassa.ColumnFamily(pool, 'Rows')
    fill(cf, ['row 1', *rows(300, 1)])
    seen = []

    def handler(number, frame):
        try:
            seen.append(cf.get('row 1')['key'])
        except pycassa.PycassaError as error:
            seen.append(type(error).__name__)

    held = pool.get() if way == 'held' else None
    call = held.get_slice if held is not None else lambda *arguments: pool.execute('get_slice', *arguments)
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    answer = slice_by_name(call, rows(300, 1)[0])
    if held is not None:
        held.return_to_pool()
    return {'handler': seen, 'call': answer, 'counts': pool.counts(), 'later': cf.get('row 1')['key']}
