"""Batches under faults: what was acknowledged is there, all else can be had back, in order.

Each batch has rows of its own. What it does is written down as units, in order: a column with a name of its own that is
inserted, or a column that was there before and is removed. What the server has, and what `pending` lists, is compared
with that.
"""
import threading
from typing import Any, NamedTuple

import pytest

from pycassa.batch import CfMutator, Mutator
from pycassa.cassandra.ttypes import CfDef, KsDef
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.embedded import EmbeddedServer
from pycassa.errors import PycassaError, RequestTooLarge
from pycassa.pool import ConnectionPool

KEYSPACE, FAMILIES = 'Batches', ('One', 'Two')
WRITES = ('batch_mutate', 'atomic_batch_mutate')
LIMIT = 700
# Its time-out is for calls that are never answered; a busy machine may be late with others, and no harm is done.
TIMEOUT, LATE = 0.15, 0.3
SETTINGS = {'pool_size': 2, 'timeout': TIMEOUT, 'connect_timeout': 10.0, 'retry_backoff': (0.0005, 0.001),
            'host_backoff': (0.001, 0.01), 'max_retries': 1, 'max_request_bytes': LIMIT}
LAST = 'last'


class Unit(NamedTuple):
    """One column of one mutation: `value` None is a removal."""

    family: str
    row: str
    column: str
    value: Any
    timestamp: int


@pytest.fixture
def embedded():
    families = [CfDef(keyspace=KEYSPACE, name=name, comparator_type='UTF8Type', key_validation_class='UTF8Type',
                      default_validation_class='UTF8Type') for name in FAMILIES]
    schema = KsDef(name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'},
                   cf_defs=families)
    with EmbeddedServer() as server:
        with Connection(None, server.address) as connection:
            connection.system_add_keyspace(schema)
        yield server


def arm_one(faults, chance):
    """A fault for the writes that come: some leave them applied, some not."""
    switch = {'methods': WRITES, 'calls': chance.randint(1, 3)}
    applied, after = chance.random() < 0.5, chance.choice([0, 3, 4, 9, 25])
    chance.choices([
        lambda: faults.unavailable(**switch),
        lambda: faults.timed_out(applied=applied, **switch),
        lambda: faults.cut(after, applied=applied, **switch),
        lambda: faults.reset(after, applied=applied, **switch),
        lambda: faults.wrong_seqid(**switch),
        lambda: faults.garbage(**switch),
        lambda: faults.stall(LATE, methods=WRITES),
        lambda: faults.delay(LATE, methods=WRITES),
    ], [50, 50, 50, 50, 20, 20, 1, 1])[0]()


def arm(faults, chance):
    """One to three faults; the number of writes that they concern."""
    for _ in range(chance.randint(1, 3)):
        arm_one(faults, chance)
    return left_of(faults)


def left_of(faults):
    return sum(fault.remaining for fault in faults)


def families_of(clean, pool):
    """Column families that asked a clean connection for their schema, and write through the pool."""
    families = {name: ColumnFamily(clean, name) for name in FAMILIES}
    for family in families.values():
        family.pool = pool
    return families


def send_at_last(batch):
    """Send what is left, as often as that takes: the faults are gone, and the machine may be busy still."""
    for _ in range(100):
        try:
            batch.send()
            break
        except PycassaError:
            continue
    assert batch.pending == []


class Job:
    """One batch: what it submits, and how it fares. `clean` families reach the server without faults."""

    def __init__(self, number, clean, families, chance, stamp):
        self.chance = chance
        self.stamp = stamp
        self.clean, self.families = clean, families
        self.single = chance.random() < 0.5
        self.names = FAMILIES[:1] if self.single else FAMILIES
        self.rows = [f'{number}/{row}' for row in range(chance.randint(1, 3))]
        self.old = {name: {row: {f'old {place}': 'old' for place in range(12)} for row in self.rows}
                    for name in self.names}
        self.to_remove = [(name, row, column) for name in self.names for row in self.rows
                          for column in self.old[name][row]]
        chance.shuffle(self.to_remove)
        self.submitted = []
        self.errors = []
        self.batch = self._batch(families['One'].pool)

    def _batch(self, pool):
        options = {'queue_size': self.chance.choice([0, 1, 3, 10, 100]), 'allow_retries': self.chance.choice(
            [None, True, False]), 'atomic': self.chance.random() < 0.15}
        return CfMutator(self.families['One'], **options) if self.single else Mutator(pool, **options)

    # --- submitting ------------------------------------------------------------------------------------------

    def prepare(self):
        for name, rows in self.old.items():
            self.clean[name].batch_insert(rows, timestamp=1)

    def submit(self):
        """The calls of a program that goes on, or stops, at an error; the errors are kept."""
        count, goes_on = self.chance.randint(1, 30), self.chance.random() < 0.5
        with_block = self.chance.random() < 0.3
        try:
            if with_block:
                with self.batch:
                    self._calls(count, goes_on)
                    if self.chance.random() < 0.3:
                        raise ZeroDivisionError('of the program')
            else:
                self._calls(count, goes_on)
                self.batch.send()
        except (PycassaError, ZeroDivisionError) as error:
            # What sending at the end of the block raised is chained to what ended it.
            while error is not None:
                self.errors.append(error)
                error = error.__context__
            self.errors = [error for error in self.errors if isinstance(error, PycassaError)]

    def _calls(self, count, goes_on):
        for _ in range(count):
            try:
                (self._remove if self.to_remove and self.chance.random() < 0.3 else self._insert)()
            except PycassaError as error:
                self.errors.append(error)
                if not goes_on:
                    raise

    def _next(self):
        self.stamp[0] += 1
        return self.stamp[0]

    def _insert(self):
        name, row, stamp = self.chance.choice(self.names), self.chance.choice(self.rows), self._next()
        columns = {f'new {stamp}.{part}': 'x' * self.chance.choice([1, 10, 300])
                   for part in range(self.chance.choice([1, 1, 2, 8]))}
        columns[LAST] = f'{stamp:09}'
        if self.chance.random() < 0.01:
            columns[f'new {stamp}.too large'] = 'x' * LIMIT
        self.submitted += [Unit(name, row, column, value, stamp) for column, value in columns.items()]
        self._call('insert', name, row, columns, timestamp=stamp)

    def _remove(self):
        name, row, column = self.to_remove.pop()
        stamp = self._next()
        self.submitted.append(Unit(name, row, column, None, stamp))
        self._call('remove', name, row, [column], timestamp=stamp)

    def _call(self, method, name, *args, **options):
        family = () if self.single else (self.families[name],)
        getattr(self.batch, method)(*family, *args, **options)

    # --- what became of it -----------------------------------------------------------------------------------

    def retrievable(self):
        return [Unit(each.column_family, each.key, column, value, each.timestamp)
                for each in self.batch.pending
                for column, value in (each.columns.items() if each.kind == 'insert' else
                                      ((column, None) for column in each.columns))]

    def stored(self):
        """{family: {row: columns}} of the server."""
        return {name: self.clean[name].multiget(self.rows, column_count=None) for name in self.names}

    def is_applied(self, unit, stored):
        row = stored[unit.family].get(unit.row, {})
        return (unit.column not in row) if unit.value is None else row.get(unit.column) == unit.value

    def check(self):
        """Acknowledged and retrievable are what was submitted, and the server has what it has to."""
        left = self.retrievable()
        acknowledged = self.submitted[:len(self.submitted) - len(left)]
        assert acknowledged + left == self.submitted
        assert bool(left) <= bool(self.errors), 'something is left, and nothing was raised'
        stored = self.stored()
        telling = [unit for unit in acknowledged if unit.column != LAST]
        assert all(self.is_applied(unit, stored) for unit in telling), 'lost'
        applied = [self.is_applied(unit, stored) for unit in left if unit.column != LAST]
        # Of requests, the first one that failed may be there, and none behind it.
        assert applied == sorted(applied, reverse=True), 'a later request was sent though an earlier one had failed'
        if self.errors and not any(error.may_be_applied for error in self.errors):
            assert not any(applied), 'refused, and applied all the same'
        self._check_last(stored, acknowledged, left)
        return len(acknowledged), len(left), sum(applied)

    def _check_last(self, stored, acknowledged, left):
        """The column that every insert writes has the value of the last one that was applied."""
        for name in self.names:
            for row in self.rows:
                of_row = [[unit.value for unit in units if unit[:3] == (name, row, LAST)]
                          for units in (acknowledged, left)]
                assert stored[name][row].get(LAST) in {(of_row[0] or [None])[-1], *of_row[1]}

    def recover(self):
        """What a program can do with what is left: send it, or take it and submit it anew."""
        if self.chance.random() < 0.5 or any(isinstance(error, RequestTooLarge) for error in self.errors):
            self._submit_anew()
        send_at_last(self.batch)

    def _submit_anew(self):
        taken = self.batch.clear()
        assert self.batch.pending == []
        self.batch = self.families['One'].batch(queue_size=0) if self.single else Mutator(
            self.families['One'].pool, queue_size=0)
        for each in taken:
            columns = each.columns
            if each.kind == 'insert':
                columns = {name: value for name, value in columns.items() if len(value) < LIMIT}
            self._call(each.kind, each.column_family, each.key, columns, timestamp=each.timestamp)

    def check_recovered(self):
        stored = self.stored()
        expected = {name: {row: dict(columns) for row, columns in rows.items()} for name, rows in self.old.items()}
        for unit in self.submitted:
            row = expected[unit.family][unit.row]
            if unit.value is None:
                del row[unit.column]
            elif len(unit.value) < LIMIT:
                row[unit.column] = unit.value
        assert {name: dict(rows) for name, rows in stored.items()} == {
            name: {row: columns for row, columns in rows.items() if columns} for name, rows in expected.items()}


def test_acknowledged_and_retrievable_are_what_was_submitted(embedded, proof, implementation):
    wanted, chance, stamp = proof.count(10_000), proof.random(), [100]
    seen = dict.fromkeys(('submitted', 'acknowledged', 'retrievable', 'retrievable_and_applied'), 0)
    failed = number = 0
    clean = Connection(KEYSPACE, embedded.address, timeout=60)
    with clean, ConnectionPool(KEYSPACE, [embedded.address], **SETTINGS) as pool:
        families, unharmed = families_of(clean, pool), families_of(clean, clean)
        faulted = 0
        while faulted < wanted:
            number += 1
            job = Job(number, unharmed, families, chance, stamp)
            job.prepare()
            armed = arm(embedded.faults, chance)
            job.submit()
            faulted += left_of(embedded.faults) < armed
            embedded.faults.clear()
            counts = job.check()
            for name, count in zip(seen, (len(job.submitted), *counts)):
                seen[name] += count
            if counts[1]:
                failed += 1
                job.recover()
            job.check_recovered()
        assert pool.counts().checked_out == pool.counts().opening == 0
    assert failed > faulted / 10 and 0 < seen['retrievable_and_applied'] < seen['retrievable']
    proof.saw('batch mutator', codec=implementation, batches=faulted, failed=failed, lost=0, **seen)


def test_a_batch_that_threads_share(embedded, proof, implementation):
    """Every mutation of every thread is acknowledged or pending, each thread's in order."""
    turns, threads = proof.count(2000, least=40), 4
    everything = [f'{turn:06}' for turn in range(turns)]
    chance, failures = proof.random(), []
    with Connection(KEYSPACE, embedded.address, timeout=60) as clean, ConnectionPool(
            KEYSPACE, [embedded.address], **SETTINGS) as pool:
        families, unharmed = (list(families_of(clean, target).values()) for target in (pool, clean))
        batch = Mutator(pool, queue_size=25)

        def submit(number):
            for column in everything:
                try:
                    batch.insert(families[number % 2], f'thread {number}', {column: 'x'})
                except PycassaError as error:
                    failures.append(error)

        def stored(number):
            rows = unharmed[number % 2].multiget([f'thread {number}'], column_count=None)
            return [column for row in rows.values() for column in row]

        workers = [threading.Thread(target=submit, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            if not left_of(embedded.faults):
                arm_one(embedded.faults, chance)
            workers[0].join(0.005)
        embedded.faults.clear()
        for number in range(threads):
            left = [column for each in batch.pending if each.key == f'thread {number}' for column in each.columns]
            assert left == everything[turns - len(left):]
            assert set(everything[:turns - len(left)]) <= set(stored(number))
        assert failures
        send_at_last(batch)
        assert [stored(number) for number in range(threads)] == [everything] * threads
    proof.saw('batch mutator', codec=implementation, shared_by_threads=threads, mutations=threads * turns,
              failed_sends=len(failures), lost=0)
