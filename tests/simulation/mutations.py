"""Deliberate bugs, one at a time, that the simulation has to find."""
import contextlib
from collections import deque
from typing import Any, Callable, Dict, Iterator
from unittest import mock

from pycassa import codec
from pycassa.connection import Connection
from pycassa.framing import MessageTransport
from pycassa.hosts import Hosts
from pycassa.pool import ConnectionPool
from pycassa.retry import Backoff, RetryLoop
from pycassa.store import Store
from pycassa.wrapper import ConnectionWrapper

__all__ = ['MUTATIONS', 'mutated']

# By name: the owner of a method, its name, and what makes another one of it.
MUTATIONS: Dict[str, Any] = {}


def mutation(owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Note a function(original, *arguments) to be called in place of a method."""
    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        MUTATIONS[function.__name__] = owner, name, function
        return function
    return note


@contextlib.contextmanager
def mutated(name: str) -> Iterator[None]:
    """Have the bug of that name inside."""
    owner, method, function = MUTATIONS[name]
    original = getattr(owner, method)

    def replacement(*args: Any, **kwargs: Any) -> Any:
        return function(original, *args, **kwargs)

    with mock.patch.object(owner, method, replacement):
        yield


@mutation(Store, 'cancel')
def a_failed_attempt_to_connect_stays_counted(original: Any, self: Store, *args: Any) -> None:
    pass


@mutation(Store, 'discard')
def a_broken_connection_stays_counted(original: Any, self: Store, member: Any) -> None:
    pass


@mutation(Store, 'give')
def nobody_is_told_of_a_connection_that_comes_back(original: Any, self: Store, member: Any) -> Any:
    waiters, self._waiters = self._waiters, deque()
    try:
        return original(self, member)
    finally:
        self._waiters = waiters


@mutation(Store, '_next_idle')
def a_connection_is_given_out_twice(original: Any, self: Store) -> Any:
    return self._idle[0] if self._idle else None


@mutation(Store, '_wait')
def waiting_for_a_connection_has_no_end(original: Any, self: Store, waiter: Any, timeout: Any) -> Any:
    return original(self, waiter, None)


@mutation(Store, '_has_room')
def the_limit_is_one_too_high(original: Any, self: Store) -> Any:
    return self.limit is None or len(self._members) + self._opening <= self.limit


@mutation(ConnectionPool, '_take')
def the_deadline_is_not_looked_at_while_waiting(original: Any, self: ConnectionPool, deadline: Any,
                                                permit: Any) -> Any:
    return original(self, None, permit)


@mutation(ConnectionPool, '_reconnect')
def the_deadline_is_forgotten_by_retries(original: Any, self: Any, wrapper: Any, attempts: Any, deadline: Any) -> Any:
    return original(self, wrapper, attempts, None)


@mutation(ConnectionPool, '_retire')
def what_failed_is_kept(original: Any, self: ConnectionPool, wrapper: Any) -> None:
    self._put_idle(wrapper, None)


@mutation(ConnectionPool, '_fill_or_close')
def a_pool_that_cannot_be_made_leaves_connections_open(original: Any, self: ConnectionPool) -> None:
    self.fill()


@mutation(MessageTransport, 'interrupted')
def an_interrupted_call_leaves_its_connection_open(original: Any, self: Any, error: Any, frame: bytes) -> None:
    pass


@mutation(RetryLoop, '_reason_to_stop')
def counters_are_sent_again(original: Any, self: RetryLoop, pause: float) -> Any:
    with mock.patch.object(self, 'repeat', True):
        return original(self, pause)


@mutation(ConnectionWrapper, '_transmit')
def retries_have_other_bytes(original: Any, self: Any, call: Any, deadline: Any) -> Any:
    frame = call.frame.replace(b'value', b'VALUE')
    return Connection.execute_call(self, codec.Call(call.method, call.seqid, frame, call.decode, call.retry), deadline)


@mutation(Backoff, 'delay')
def pauses_have_no_cap(original: Any, self: Backoff, failures: int, uniform: Any) -> float:
    return self.base * 2.0 ** failures * uniform(0.5, 1.0)


@mutation(Hosts, 'order')
def hosts_that_failed_once_come_last_for_ever(original: Any, self: Hosts, servers: Any, *args: Any) -> Any:
    known = self.__dict__.setdefault('known', set())
    known.update(self._failing)
    return sorted(original(self, servers, *args), key=lambda server: server in known)
