"""Every kind of call × everything that may happen to it: what is sent again, where, how often, with which bytes.

Three hosts answer as a script says; pauses are written down instead of waited for.
"""
import itertools
import socket

import pytest
from thrift.Thrift import TApplicationException

from pycassa.cassandra.ttypes import TimedOutException, UnavailableException
from pycassa.errors import (
    ApplicationError,
    CallTimeout,
    ConnectionClosed,
    MaximumRetryException,
    NoServerAvailable,
    OutcomeUnknown,
    PackingError,
    ProtocolError,
    PycassaError,
    ReplyTooLarge,
    RequestTooLarge,
)
from pycassa.pool import ConnectionPool
from pycassa.runtime import Runtime

from . import retries_hosts as hosts_that
from .retries_calls import KEYSPACE, READS, declared, families_of, family_kinds, good_results, raw_kinds

HOSTS, RETRIES = 3, 4
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 1.0
# Seconds until a client gives up on a host that is silent; with other faults, never on this machine.
SILENCE, PATIENCE = 0.2, 60

# What happens: the error that an attempt ends in, and whether another one makes sense.
ON_THE_WIRE = {
    'end': (hosts_that.end, ConnectionClosed, True),
    'end within the reply': (hosts_that.end_within, ConnectionClosed, True),
    'reset': (hosts_that.reset, ConnectionClosed, True),
    'silence': (hosts_that.silence, CallTimeout, True),
    'garbage': (hosts_that.garbage, ProtocolError, True),
    'another sequence id': (hosts_that.another_seqid, ProtocolError, True),
    'a call for a reply': (hosts_that.wrong_type, ProtocolError, True),
    'a reply too large': (hosts_that.too_large, ReplyTooLarge, False),
    'an internal error': (TApplicationException(TApplicationException.INTERNAL_ERROR, 'x'), ApplicationError, False),
    'an unknown method': (TApplicationException(TApplicationException.UNKNOWN_METHOD, 'x'), ApplicationError, False),
}
BUSY = (UnavailableException, TimedOutException)
# What is answered before anything was done.
REFUSALS = {'UnavailableException', 'InvalidRequestException', 'NotFoundException', 'AuthenticationException',
            'AuthorizationException', 'an unknown method'}


def faults_of(kind):
    """{what happens: (how, error, whether another attempt makes sense)} for a kind of call."""
    return {**ON_THE_WIRE, **{name: (body, error, error in BUSY) for name, (error, body) in
                              declared(kind.method).items()}}


@pytest.fixture(scope='module')
def hosts():
    running = hosts_that.Hosts(HOSTS, good_results(), KEYSPACE)
    yield running
    running.close()


class Client:
    """Two pools on the hosts, of which one is not patient; the pauses of both."""

    def __init__(self, hosts, **options):
        self.hosts = hosts
        self.pauses = []
        settings = {'pool_size': 2, 'max_retries': RETRIES, 'retry_backoff': (FIRST_PAUSE, LONGEST_PAUSE),
                    'host_backoff': (0.0, 0.0), 'connect_timeout': PATIENCE,
                    'runtime': Runtime(sleep=self.pauses.append), **options}
        self.patient, self.hasty = (ConnectionPool(KEYSPACE, hosts.addresses, timeout=seconds, schema_timeout=seconds,
                                                   **settings) for seconds in (PATIENCE, SILENCE))
        for pool in (self.patient, self.hasty):
            families_of(pool)

    def run(self, kind, allow, what, times):
        """What the call returned, the error it raised, and the requests that arrived."""
        hosts, pool = self.hosts, self.hasty if what == 'silence' else self.patient
        hosts.script.clear()
        hosts.script.extend([faults_of(kind)[what][0]] * times)
        hosts.results[kind.method] = kind.good
        del hosts.received[:], self.pauses[:]
        try:
            return kind.call(pool, allow), None, list(hosts.received)
        except PycassaError as error:
            return None, error, list(hosts.received)
        finally:
            hosts.script.clear()
            assert pool.counts().checked_out == 0

    def close(self):
        self.patient.close()
        self.hasty.close()


@pytest.fixture
def client(hosts):
    made = Client(hosts)
    yield made
    made.close()


def expected_requests(kind, allow, what, times):
    _, _, makes_sense = faults_of(kind)[what]
    return min(times, RETRIES) + 1 if makes_sense and kind.is_repeated(allow) else 1


def check_requests(kind, received):
    """All of one call: the same bytes, and each attempt on another host, until all have been tried."""
    assert {request.method for request in received} == {kind.method}
    assert len({request.data for request in received}) == 1
    visited = [request.host for request in received]
    assert len(set(visited[:HOSTS])) == len(visited[:HOSTS])


def check_pauses(pauses, count):
    assert len(pauses) == count
    for failures, pause in enumerate(pauses, 1):
        longest = min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE)
        assert longest / 2 <= pause <= longest


def check_error(kind, what, error, requests):
    """The error tells what happened, where, and whether it may have been applied."""
    expected = faults_of(kind)[what][1]
    unknown = what not in REFUSALS
    if isinstance(error, NoServerAvailable):
        assert len(error.attempts) == requests and error.__cause__ is error.attempts[-1][1]
        assert {type(cause) for _, cause in error.attempts} == {expected}
        assert isinstance(error, MaximumRetryException)
        assert isinstance(error, OutcomeUnknown) == (unknown and kind.method not in READS)
    else:
        assert type(error) is expected
    if kind.method not in READS:
        assert error.may_be_applied == unknown


def combinations(kinds, chance, proof):
    """The share of all of them that this run has, in any order; silence costs time, and has a tenth of its own."""
    everything = [(kind, what, allow, times) for kind in kinds for what in faults_of(kind)
                  for allow, times in itertools.product((None, True, False), (1, RETRIES + 2))]
    chance.shuffle(everything)
    slow = [each for each in everything if each[1] == 'silence']
    quick = [each for each in everything if each[1] != 'silence']
    return quick[:proof.count(len(quick), least=200)] + slow[:proof.count(len(slow) // 3, least=3)]


@pytest.mark.parametrize('kinds', [raw_kinds, family_kinds], ids=['Thrift calls', 'families and batches'])
def test_calls_are_sent_again_where_they_may_be(hosts, client, proof, implementation, kinds):
    cases = combinations(kinds(), proof.random(), proof)
    requests = again = 0
    for kind, what, allow, times in cases:
        result, error, received = client.run(kind, allow, what, times)
        label = kind.name, what, allow, times
        expected = expected_requests(kind, allow, what, times)
        assert len(received) == expected, label
        check_requests(kind, received)
        if expected > times:
            assert error is None, label
            check_pauses(client.pauses, times)
        else:
            assert error is not None, label
            check_pauses(client.pauses, expected - 1)
            check_error(kind, what, error, expected)
        requests += expected
        again += expected - 1
    assert again > len(cases) / 4
    proof.saw('retries', calls=kinds.__name__.replace('_kinds', ''), codec=implementation, combinations=len(cases),
              requests=requests, sent_again=again, other_bytes=0)


@pytest.mark.parametrize('kinds', [raw_kinds, family_kinds], ids=['Thrift calls', 'families and batches'])
def test_what_could_not_connect_was_not_sent(hosts, kinds):
    """A call for which a host refuses the connection goes to one that does not, whatever kind it is of."""
    with socket.socket() as refusing:
        refusing.bind(('127.0.0.1', 0))
        dead = '{}:{}'.format(*refusing.getsockname())
        pauses = []
        for kind in kinds():
            with ConnectionPool(KEYSPACE, [dead, hosts.addresses[0]], timeout=PATIENCE, pool_size=1, prefill=False,
                                runtime=Runtime(sleep=pauses.append)) as pool:
                families_of(pool)
                for _ in range(2):
                    pool.dispose()
                    del hosts.received[:]
                    hosts.results[kind.method] = kind.good
                    kind.call(pool, None)
                    assert [request.method for request in hosts.received] == [kind.method], kind.name
        assert pauses == []


NEVER_SENT = {
    'an insert too large': (lambda families: families.standard.insert('a', {b'one': b'1' * 2000}), RequestTooLarge),
    'a batch with one too large': (lambda families: families.standard.batch().insert('a', {b'one': b'1'}).insert(
        'b', {b'one': b'1' * 2000}).send(), RequestTooLarge),
    'an atomic batch too large': (lambda families: families.standard.batch(atomic=True).insert(
        'a', {b'one': b'1' * 600}).insert('b', {b'one': b'1' * 600}).send(), RequestTooLarge),
    'a key too large': (lambda families: families.standard.get('a' * 2000), RequestTooLarge),
    'keys too many': (lambda families: families.standard.multiget([str(key) for key in range(1000)]), RequestTooLarge),
    'a counter too large': (lambda families: families.counters.add('a', b'1' * 2000), RequestTooLarge),
    'a key of no kind': (lambda families: families.standard.get(object()), PackingError),
    'a value of no kind': (lambda families: families.standard.insert('a', {b'one': object()}), PackingError),
    'an increment of no kind': (lambda families: families.counters.add('a', b'one', 'x'), PackingError),
    'a raw call too large': (lambda families: families.standard.pool.execute(
        'describe_keyspace', 'x' * 2000, allow_retries=True), RequestTooLarge),
}


@pytest.mark.parametrize('what', NEVER_SENT)
def test_what_cannot_be_sent_is_not(hosts, what):
    pauses = []
    with ConnectionPool(KEYSPACE, hosts.addresses, timeout=PATIENCE, max_request_bytes=1000,
                        runtime=Runtime(sleep=pauses.append)) as pool:
        families = families_of(pool)
        families.counters.retry_counter_mutations = True
        call, expected = NEVER_SENT[what]
        del hosts.received[:]
        with pytest.raises(expected) as caught:
            call(families)
        assert hosts.received == [] and pauses == [] and not caught.value.may_be_applied
        assert pool.counts().checked_out == 0 and pool.counts().idle == 5
