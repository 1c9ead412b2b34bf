"""Which calls may be repeated, after which errors, and the waits between."""
import pickle

import pytest
from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TTransportException

from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthorizationException,
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    CounterSuperColumn,
    Deletion,
    InvalidRequestException,
    Mutation,
    NotFoundException,
    TimedOutException,
    UnavailableException,
)
from pycassa.errors import (
    AllServersUnavailable,
    ApplicationError,
    CallTimeout,
    ConnectionClosed,
    ConnectionFailed,
    MaximumRetryException,
    NoConnectionAvailable,
    PackingError,
    PoolDisposed,
    ProtocolError,
    ReplyTooLarge,
    RequestTooLarge,
    may_be_applied,
)
from pycassa.retry import Backoff, accuses_host, is_failure, is_retryable, may_repeat

COLUMN = Mutation(column_or_supercolumn=ColumnOrSuperColumn(column=Column(b'n', b'v', 1)))
COUNTER = Mutation(column_or_supercolumn=ColumnOrSuperColumn(counter_column=CounterColumn(b'n', 1)))
SUPER_COUNTER = Mutation(column_or_supercolumn=ColumnOrSuperColumn(
    counter_super_column=CounterSuperColumn(b's', [CounterColumn(b'n', 1)])))
DELETION = Mutation(deletion=Deletion(timestamp=1))
COUNTER_DELETION = Mutation(deletion=Deletion())


@pytest.mark.parametrize('method', [
    'get', 'get_slice', 'multiget_slice', 'get_count', 'multiget_count', 'get_range_slices', 'get_indexed_slices',
    'insert', 'remove', 'describe_keyspace', 'describe_ring'])
def test_reads_and_writes_with_timestamps_may_be_repeated(method):
    assert may_repeat(method, (), {})


@pytest.mark.parametrize('method', [
    'add', 'remove_counter', 'truncate', 'login', 'set_keyspace', 'cas', 'system_add_keyspace',
    'system_drop_column_family', 'execute_cql3_query', 'execute_prepared_cql3_query', 'prepare_cql3_query'])
def test_what_counts_twice_may_not(method):
    assert not may_repeat(method, (), {})


@pytest.mark.parametrize('method', ['batch_mutate', 'atomic_batch_mutate'])
def test_a_batch_may_be_repeated_unless_it_has_a_counter_mutation(method):
    assert may_repeat(method, ({b'k': {'F': [COLUMN, DELETION]}}, 1), {})
    for counter in (COUNTER, SUPER_COUNTER, COUNTER_DELETION):
        mutations = {b'k': {'F': [COLUMN]}, b'l': {'F': [COLUMN], 'C': [COLUMN, counter]}}
        assert not may_repeat(method, (mutations, 1), {})
        assert not may_repeat(method, (), {'mutation_map': mutations, 'consistency_level': 1})


@pytest.mark.parametrize('error, failure, retryable, host', [
    (ConnectionClosed('x'), True, True, True),
    (CallTimeout('x'), True, True, True),
    (ConnectionResetError(), True, True, True),
    (EOFError(), True, True, True),
    (TTransportException(TTransportException.UNKNOWN), True, True, True),
    (TTransportException(TTransportException.NOT_OPEN), True, True, False),
    (ProtocolError('x'), True, True, False),
    (TimedOutException(), True, True, False),
    (UnavailableException(), True, True, False),
    (ReplyTooLarge('x'), True, False, False),
    (ApplicationError(1, 'x'), True, False, False),
    (TApplicationException(1, 'x'), True, False, False),
    (RequestTooLarge('x'), False, False, False),
    (PackingError('x'), False, False, False),
    (NotFoundException(), False, False, False),
    (InvalidRequestException('x'), False, False, False),
    (MaximumRetryException('x'), False, False, False),
    (TypeError(), False, False, False),
    (KeyboardInterrupt(), False, False, False),
], ids=lambda value: type(value).__name__)
def test_errors(error, failure, retryable, host):
    assert (is_failure(error), is_retryable(error), accuses_host(error)) == (failure, retryable, host)


def test_waits_double_up_to_the_cap_less_up_to_half():
    backoff = Backoff(0.01, 1.0)
    assert [backoff.delay(n, lambda low, high: high) for n in (1, 2, 3, 7, 5000)] == [0.02, 0.04, 0.08, 1.0, 1.0]
    assert backoff.delay(5000, lambda low, high: low) == 0.5


# --- what became of a write ------------------------------------------------------------------------------------------

def without_request(error):
    """`error` of a request that never left."""
    error.may_be_applied = False
    return error


UNKNOWN = [ConnectionClosed('x'), CallTimeout('x'), ProtocolError('x'), ReplyTooLarge('x'), TimedOutException(),
           ApplicationError(6, 'x'), TTransportException(), ConnectionResetError(), EOFError()]
REFUSED = [ConnectionFailed('x'), UnavailableException(), InvalidRequestException('x'), NotFoundException(),
           AuthorizationException('x'), AuthenticationException('x'), PackingError('x'), RequestTooLarge('x'),
           ApplicationError(TApplicationException.UNKNOWN_METHOD, 'x'), NoConnectionAvailable('x'), PoolDisposed('x'),
           AllServersUnavailable('x', [('a', ConnectionFailed('x'))]), without_request(CallTimeout('x'))]


@pytest.mark.parametrize('error', UNKNOWN, ids=lambda error: type(error).__name__)
def test_what_leaves_the_outcome_open(error):
    assert may_be_applied(error)
    assert MaximumRetryException('x', [('a', error)]).may_be_applied
    assert AllServersUnavailable('x', [('a', error), ('b', ConnectionFailed('x'))]).may_be_applied


@pytest.mark.parametrize('error', REFUSED, ids=lambda error: type(error).__name__)
def test_what_surely_was_not_applied(error):
    assert error.may_be_applied is False and not may_be_applied(error)
    assert not MaximumRetryException('x', [('a', error)]).may_be_applied
    assert not pickle.loads(pickle.dumps(error)).may_be_applied
