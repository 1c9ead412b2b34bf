"""Increments under faults: acknowledged ones count once, refused ones do not, and errors tell which is which.

acknowledged ≤ the server's sum ≤ acknowledged + unknown, and for every increment by itself: each has a counter of its
own beside the one that all threads share.
"""
import random
import threading
import time
from collections import Counter

import pytest

from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import CfDef, KsDef, UnavailableException
from pycassa.columnfamily import ColumnFamily
from pycassa.embedded import EmbeddedServer
from pycassa.errors import AllServersUnavailable, ConnectionFailed, NoServerAvailable, OutcomeUnknown, PycassaError
from pycassa.pool import ConnectionPool

from .counters_harm import TIMEOUT, ProxyHarm, ServerHarm
from .proxy import FaultProxy

KEYSPACE, COUNTERS, PLAIN = 'Keyspace1', 'Counters', 'Plain'
THREADS = 8
SHARED = 'shared'
# One in so many increments is harmed, on the average.
HARMED = 25
# A batch of several increments is divided over several requests.
SMALL_REQUESTS = 600
SETTINGS = {'pool_size': THREADS, 'timeout': TIMEOUT, 'connect_timeout': 5.0, 'retry_backoff': (0.001, 0.01),
            'host_backoff': (0.01, 0.05), 'max_request_bytes': SMALL_REQUESTS}
PATIENCE = 60.0


def families(keyspace):
    return [CfDef(keyspace=keyspace, name=name, comparator_type='UTF8Type', key_validation_class='UTF8Type',
                  default_validation_class=kind) for name, kind in ((COUNTERS, 'CounterColumnType'),
                                                                    (PLAIN, 'UTF8Type'))]


class Ledger:
    """What one thread was told of its increments: {(row, column): delta} of each kind, and the errors."""

    def __init__(self):
        self.acknowledged, self.unknown, self.refused = Counter(), Counter(), Counter()
        self.errors = Counter()

    def book(self, increments, error=None, left=()):
        """`error` came for `increments`, of which those `left` were not acknowledged."""
        left = set(left)
        for place, delta in increments:
            if error is None or place not in left:
                self.acknowledged[place] += delta
            elif error.may_be_applied:
                self.unknown[place] += delta
            else:
                self.refused[place] += delta
        if error is not None:
            cause = error.__cause__ if isinstance(error, NoServerAvailable) else error
            self.errors[type(error).__name__, type(cause).__name__, error.may_be_applied] += 1


class Clerk(threading.Thread):
    """A thread that makes `count` calls, of one increment or several, while it does harm at times."""

    def __init__(self, number, families, count, chance, harm):
        super().__init__(name=f'clerk {number}', daemon=True)
        self.row, self.left, self.chance, self.harm = f'row {number}', count, chance, harm
        self.counters, self.plain = families
        self.ledger = Ledger()
        self.turn = 0
        self.crash = None

    def run(self):
        try:
            while self.left > 0:
                if self.chance.random() < 1 / HARMED:
                    self.harm.strike(self.chance)
                self.chance.choices([self.add, self.send_batch, self.send_mutator], [8, 1, 1])[0]()
        except Exception as error:  # noqa: BLE001 (for the test)
            self.crash = error

    def increments(self, count):
        """[((row, column), delta)] of counters of their own, or one of the shared counter."""
        self.left -= count
        if count == 1 and self.chance.random() < 0.25:
            return [((SHARED, SHARED), self.chance.randint(1, 3))]
        self.turn += 1
        return [((self.row, f'{self.turn}.{part}'), self.chance.randint(1, 3)) for part in range(count)]

    def add(self):
        increments = self.increments(1)
        ((row, column), delta), = increments
        try:
            self.counters.add(row, column, delta)
        except PycassaError as error:
            self.book(increments, error, [(row, column)])
        else:
            self.ledger.book(increments)

    def book(self, increments, error, left):
        self.ledger.book(increments, error, left)
        if isinstance(error, AllServersUnavailable):
            time.sleep(0.05)

    def send_batch(self):
        increments = self.increments(self.chance.randint(1, 12))
        batch = self.counters.batch(queue_size=0)
        for (row, column), delta in increments:
            batch.insert(row, {column: delta})
        self.send(batch, increments)

    def send_mutator(self):
        """Counters beside columns that carry timestamps: what is one request has one fate."""
        increments = self.increments(self.chance.randint(1, 6))
        batch = Mutator(self.counters.pool, queue_size=0)
        for (row, column), delta in increments:
            batch.insert(self.plain, row, {column: str(delta)}).insert(self.counters, row, {column: delta})
        self.send(batch, increments)

    def send(self, batch, increments):
        try:
            batch.send()
        except PycassaError as error:
            left = [(each.key, column) for each in batch.clear() for column in each.columns]
            self.book(increments, error, left)
        else:
            self.ledger.book(increments)
            assert batch.pending == []


def families_of(pool):
    """The column families, whose schema may be late on a busy machine: they are patient until they have it."""
    with ConnectionPool(pool.keyspace, pool.server_list, pool.credentials, PATIENCE, pool_size=1) as patient:
        families = [ColumnFamily(patient, name) for name in (COUNTERS, PLAIN)]
    for family in families:
        family.pool = pool
    return families


def count_under_faults(pool, count, chance, harm, restarts):
    """The clerks, when all is done. The server, or the way to it, is restarted so often meanwhile."""
    families = families_of(pool)
    clerks = [Clerk(number, families, count // THREADS, random.Random(chance.random()), harm)
              for number in range(THREADS)]
    for clerk in clerks:
        clerk.start()
    for number in range(restarts):
        share = count // THREADS * (restarts - number) / (restarts + 1)
        while any(clerk.is_alive() for clerk in clerks) and min(clerk.left for clerk in clerks) > share:
            time.sleep(0.002)
        harm.restart()
    for clerk in clerks:
        clerk.join(600)
        assert not clerk.is_alive() and clerk.crash is None, clerk.crash
    return clerks


def stored(server, keyspace, **access):
    """{(row, column): value} of all counters, when they have come to rest."""
    with ConnectionPool(keyspace, [server.address], pool_size=1, timeout=PATIENCE, **access) as pool:
        counters = ColumnFamily(pool, COUNTERS)
        before, until = None, time.monotonic() + PATIENCE
        while True:
            # What a client gave up on may still be on its way.
            time.sleep(2 * TIMEOUT)
            now = {(row, column): value for row, columns in counters.get_range(column_count=None)
                   for column, value in columns.items()}
            if now == before:
                return now
            assert time.monotonic() < until, 'the counters do not come to rest'
            before = now


def total(clerks, kind):
    return sum((getattr(clerk.ledger, kind) for clerk in clerks), Counter())


def check(clerks, counters):
    """Every counter within what the ledgers say of it; returns the figures."""
    acknowledged, unknown, refused = (total(clerks, kind) for kind in ('acknowledged', 'unknown', 'refused'))
    wrong = [(place, counters.get(place, 0), acknowledged[place], unknown[place])
             for place in acknowledged.keys() | unknown.keys() | refused.keys() | counters.keys()
             if not acknowledged[place] <= counters.get(place, 0) <= acknowledged[place] + unknown[place]]
    assert wrong == []
    # An increment with a counter of its own is there as a whole or not at all.
    halves = [place for place in unknown
              if place[0] != SHARED and counters.get(place, 0) not in (0, unknown[place], acknowledged[place])]
    assert halves == []
    found = sum(counters.values())
    assert sum(acknowledged.values()) <= found <= sum(acknowledged.values()) + sum(unknown.values())
    return {'acknowledged': sum(acknowledged.values()), 'sum': found, 'unknown': sum(unknown.values()),
            'unknown_and_applied': found - sum(acknowledged.values()), 'refused': sum(refused.values())}


def check_errors(clerks):
    """Errors of which the class alone tells what happened, and all of which agree with it."""
    errors = sum((clerk.ledger.errors for clerk in clerks), Counter())
    for (kind, cause, may_be_applied), number in errors.items():
        assert (kind == OutcomeUnknown.__name__) == may_be_applied, (kind, cause, number)
        if cause in (UnavailableException.__name__, ConnectionFailed.__name__):
            assert not may_be_applied, (kind, cause, number)
    return errors


@pytest.fixture
def embedded():
    with EmbeddedServer() as server:
        with ConnectionPool(None, [server.address], pool_size=1) as pool:
            pool.execute('system_add_keyspace', KsDef(
                name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'},
                cf_defs=families(KEYSPACE)))
        yield server


def test_increments_under_faults_of_the_server(embedded, proof, implementation):
    count, restarts = proof.count(100_000), proof.count(100, least=3)
    with ConnectionPool(KEYSPACE, [embedded.address], **SETTINGS) as pool:
        clerks = count_under_faults(pool, count, proof.random(), ServerHarm(embedded), restarts)
        assert pool.counts().checked_out == pool.counts().opening == 0
    embedded.faults.clear()
    figures = check(clerks, stored(embedded, KEYSPACE))
    errors = check_errors(clerks)
    # Faults before and after the increment was applied, and refusals: or this would prove nothing.
    assert 0 < figures['unknown_and_applied'] < figures['unknown'] and figures['refused'] > 0
    proof.saw('counters', server='embedded', codec=implementation, increments=count, restarts=restarts,
              errors=sum(errors.values()), **figures)


@pytest.mark.given(tls=None)
def test_increments_through_a_proxy(server, keyspace, raw_client, proof, implementation):
    """The same on every server; what is lost is lost on the way."""
    for family in families(keyspace):
        raw_client.system_add_column_family(family)
    count, restarts = proof.count(10_000, least=400), proof.count(50, least=3)
    with FaultProxy(server.host, server.port, seed=proof.seed) as proxy:
        with ConnectionPool(keyspace, [proxy.address], **SETTINGS, **server.access) as pool:
            clerks = count_under_faults(pool, count, proof.random(), ProxyHarm(proxy), restarts)
    figures = check(clerks, stored(server, keyspace, **server.access))
    errors = check_errors(clerks)
    assert figures['unknown'] > 0
    proof.saw('counters', server=f'{server.kind} {server.profile}', codec=implementation, increments=count,
              restarts=restarts, errors=sum(errors.values()), **figures)
