"""Which calls may be sent again, after which errors, how long to wait before; and the loop that does so."""
from typing import Any, Callable, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TTransportException

from pycassa.cassandra.ttypes import (
    Deletion,
    Mutation,
    SchemaDisagreementException,
    TimedOutException,
    UnavailableException,
)
from pycassa.errors import (
    ConnectionFailed,
    LimitExceeded,
    MaximumRetryException,
    OutcomeUnknown,
    ProtocolError,
    may_be_applied,
)

__all__ = ['BROKEN_LINK', 'BUSY_SERVER', 'IDEMPOTENT', 'REPORTED', 'Backoff', 'RetryLoop', 'accuses_host',
           'is_failure', 'is_retryable', 'may_repeat', 'was_closed_here']

# The connection failed. OSError is also socket.error and IOError.
BROKEN_LINK = (TTransportException, OSError, EOFError)
# The server answered that replicas did not; the connection is in order.
BUSY_SERVER = (TimedOutException, UnavailableException)

# The bindings are generated. Unavailable is answered before anything is written.
TimedOutException.may_be_applied = SchemaDisagreementException.may_be_applied = True

_READS = frozenset([
    'get', 'get_slice', 'multiget_slice', 'get_count', 'multiget_count', 'get_range_slices', 'get_indexed_slices',
    'get_paged_slice', 'get_multi_slice', 'describe_keyspace', 'describe_keyspaces', 'describe_cluster_name',
    'describe_version', 'describe_ring', 'describe_local_ring', 'describe_token_map', 'describe_partitioner',
    'describe_snitch', 'describe_schema_versions', 'describe_splits', 'describe_splits_ex'])
_BATCHES = frozenset(['batch_mutate', 'atomic_batch_mutate'])

# Twice is as good as once: reads, and writes whose columns carry their timestamps.
IDEMPOTENT = _READS | _BATCHES | {'insert', 'remove'}
# Release 1.11 raises MaximumRetryException for these whether or not they were retried.
REPORTED = IDEMPOTENT | {'add', 'remove_counter', 'truncate'}


def may_repeat(method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a Thrift call made with the bindings' objects has the same effect when it is made twice."""
    if method in _BATCHES:
        return not has_counters(args[0] if args else kwargs.get('mutation_map'))
    return method in IDEMPOTENT


def has_counters(mutation_map: Any) -> bool:
    """Whether a mutation map, {key: {family: [Mutation]}}, holds one that may belong to a counter family."""
    return any(_counts(mutation) for mutation in _mutations(mutation_map))


def _mutations(mutation_map: Any) -> Iterator[Any]:
    families: Iterable[Any] = mutation_map.values() if hasattr(mutation_map, 'values') else ()
    for family in families:
        for mutations in family.values():
            yield from mutations


def _counts(mutation: Mutation) -> bool:
    column = getattr(mutation, 'column_or_supercolumn', None)
    if column is not None and (column.counter_column is not None or column.counter_super_column is not None):
        return True
    deletion: Optional[Deletion] = getattr(mutation, 'deletion', None)
    # A deletion of counters is the one that servers take without a timestamp.
    return deletion is not None and deletion.timestamp is None


def is_failure(error: BaseException) -> bool:
    """Whether listeners hear of `error` as a failed connection (release 1.11)."""
    return isinstance(error, (*BROKEN_LINK, *BUSY_SERVER, TApplicationException))


def is_retryable(error: BaseException) -> bool:
    """Whether another connection may do better. A reply or request above a limit is above it everywhere."""
    return isinstance(error, (*BROKEN_LINK, *BUSY_SERVER)) and not isinstance(error, LimitExceeded)


def was_closed_here(error: BaseException) -> bool:
    """Whether a call failed because its connection had been closed on this side before: no host was asked."""
    return (isinstance(error, TTransportException) and error.type == TTransportException.NOT_OPEN
            and not isinstance(error, ConnectionFailed))


def accuses_host(error: BaseException) -> bool:
    """Whether `error` of a call speaks against the host, and not only against one connection to it."""
    if isinstance(error, TTransportException) and error.type == TTransportException.NOT_OPEN:
        return False
    return isinstance(error, BROKEN_LINK) and not isinstance(error, (LimitExceeded, ProtocolError))


class Backoff(NamedTuple):
    """Doubling waits in seconds: `base` times two for every failure, never above `cap`, less up to half by chance."""

    base: float
    cap: float

    def delay(self, failures: int, uniform: Callable[[float, float], float]) -> float:
        """The seconds to wait after so many failures in a row."""
        return min(self.cap, self.base * 2.0 ** min(failures, 60)) * uniform(0.5, 1.0)


class RetryLoop:
    """One call on a pooled connection, made again over other connections for as long as that makes sense.

    `attempts` lists what failed: (server, error). `deadline` is absolute on the pool's clock, or None.
    """

    def __init__(self, wrapper: Any, method: str, repeat: bool, deadline: Optional[float]) -> None:
        self.wrapper = wrapper
        self.method = method
        self.repeat = repeat
        self.deadline = deadline
        self.attempts: List[Tuple[str, BaseException]] = []
        self._keyspace = wrapper.keyspace

    def run(self, send: Callable[[Optional[float]], Any]) -> Any:
        """What `send(deadline)` returns, the first time that it does not fail.

        Raises MaximumRetryException, OutcomeUnknown, AllServersUnavailable, and what is not to be retried as it is.
        """
        while True:
            try:
                if self.attempts and self.wrapper.keyspace != self._keyspace:
                    self.wrapper._select(self._keyspace, self.deadline)
                return send(self.deadline)
            except BaseException as error:
                if not is_failure(error) or not self.prepare_next(error):
                    raise

    def prepare_next(self, error: BaseException) -> bool:
        """After a failure: True when the wrapper is ready for another attempt, False when `error` is to be raised."""
        wrapper, pool = self.wrapper, self.wrapper._pool
        self.attempts.append((wrapper.server, error))
        pool._call_failed(wrapper, error)
        if not is_retryable(error) or not (self.repeat or self.method in REPORTED):
            return False
        pause = pool.retry_backoff.delay(len(self.attempts), pool.runtime.uniform)
        reason = self._reason_to_stop(pause)
        if reason:
            message = (f'{self.method} failed {len(self.attempts)} times ({reason}). '
                       f'Last failure was {error.__class__.__name__}: {error}')
            unknown = self.method not in _READS and any(may_be_applied(error) for _, error in self.attempts)
            raise (OutcomeUnknown if unknown else MaximumRetryException)(message, self.attempts) from error
        pool.runtime.sleep(pause)
        pool._reconnect(wrapper, self.attempts, self.deadline)
        return True

    def _reason_to_stop(self, pause: float) -> str:
        wrapper = self.wrapper
        if not self.repeat:
            if may_be_applied(self.attempts[-1][1]):
                return 'it is not sent again: its effect may be there, and would double'
            return 'it was not applied, and is not sent again: without allow_retries, what would double never is'
        if wrapper._relogged:
            return 'no other connection is logged in as this one was'
        if wrapper.max_retries != -1 and len(self.attempts) > wrapper.max_retries:
            return f'max_retries={wrapper.max_retries}'
        if self.deadline is not None and wrapper._pool.runtime.clock() + pause >= self.deadline:
            return 'the deadline has come'
        return ''
