"""What must hold in every run: counts, time, what arrives where and how often, and what is left at the end."""
import math
import random
from typing import Any, Callable, List, Optional

from pycassa.errors import NoConnectionAvailable, NoServerAvailable
from pycassa.legacy_pools import StaticPool

from .network import Host, Wire
from .scheduler import Violation

__all__ = ['chance_of', 'check_counts', 'check_end', 'check_nothing_is_open', 'check_outcome', 'check_step',
           'check_time']

# Polls are in whole milliseconds: a time-out may come so much late.
_MILLISECOND = 0.001 + 1e-6


def chance_of(seed: Any) -> Callable[[float, float], float]:
    """The chance that a pool has."""
    return random.Random(f'{seed}/pool').uniform


# --- at each step --------------------------------------------------------------------------------------------------

def check_step(simulation: Any) -> None:
    """Nobody waits while there is a connection or room, and the limit is kept."""
    store = simulation.pool._store
    if getattr(store._lock, 'owner', None) is not None:
        return
    if store._opening < 0:
        raise Violation(f'{store._opening} connections are being opened')
    if store._waiters and not store.closed and (store._idle or store._has_room()):
        raise Violation('somebody waits while there is a connection, or room for one')
    if store.limit is not None and len(store._members) + store._opening > store.limit:
        raise Violation(f'{len(store._members)} connections and {store._opening} being opened, and the limit is '
                        f'{store.limit}')


# --- when the pool is made -----------------------------------------------------------------------------------------

def check_nothing_is_open(simulation: Any, error: BaseException) -> None:
    """A pool that could not be made has closed what it opened."""
    left = [wire for wire in simulation.network.wires if not wire.closed_by_client]
    if left:
        raise Violation(f'no pool was made, because of {error!r}, and {left} are open')


# --- after each action ---------------------------------------------------------------------------------------------

def check_time(simulation: Any, what: str, took: float, deadline: Optional[float],
               error: Optional[BaseException]) -> None:
    """No action takes longer than its deadline, or the sum of its parts."""
    pool = simulation.pool
    longest = longest_time(simulation) if deadline is None else deadline
    if took > longest + _MILLISECOND:
        raise Violation(f'{what} took {took:.6f} seconds, and its bound is {longest:.6f}')
    if isinstance(error, NoConnectionAvailable):
        if pool.pool_timeout is None or pool.pool_timeout < 0:
            if deadline is None:
                raise Violation(f'{what}: a pool that waits for ever said {error}')
        elif took > pool.pool_timeout + _MILLISECOND and not issubclass(simulation.plan.kind, StaticPool):
            # Its threads take turns on a connection that is not given back in between: only a deadline ends that.
            raise Violation(f'{what} waited for {took} seconds, and pool_timeout is {pool.pool_timeout}')


def longest_time(simulation: Any) -> float:
    """The sum of the parts of a call."""
    pool = simulation.pool
    if simulation.waits_for_ever or issubclass(simulation.plan.kind, StaticPool):
        return math.inf
    connecting = (pool.connect_timeout or pool.timeout) + pool.timeout
    opening = 2 * len(simulation.plan.hosts) * connecting + pool.retry_backoff.cap
    attempts = 1 + max(pool.max_retries, 0)
    waiting = max(pool.pool_timeout or 0.0, 0.0)
    # Truncation has a time-out of its own.
    return waiting + opening + attempts * (opening + 30.0 + pool.timeout + pool.retry_backoff.cap) + connecting


def check_outcome(simulation: Any, operation: Any, begun: float, error: Optional[BaseException],
                  interrupted: bool) -> None:
    """A call that succeeded has arrived; one that may be repeated does not fail while a host is in order."""
    arrivals = simulation.network.arrivals.get(operation.number, ())
    if error is None and not arrivals:
        raise Violation(f'{operation.method} {operation.number} succeeded, and has arrived nowhere')
    if (not operation.repeat or not isinstance(error, NoServerAvailable) or simulation.list_changed or interrupted
            or simulation.network.noise or simulation.pool.deadline is not None or simulation.plan.bad_listener
            or simulation.pool.max_retries < len(simulation.plan.hosts) or simulation.closing):
        return
    now = simulation.scheduler.now
    living = [name for name, host in simulation.network.hosts.items() if host.was_always('up', begun, now)]
    if living:
        raise Violation(f'{operation.method} {operation.number} failed, and {living} could have served it: {error!r}')


def check_counts(simulation: Any, exactly: bool = False) -> None:
    """While nobody does anything with the pool, its counts are what the threads and the network know."""
    if simulation.busy or simulation.scheduler.aborted:
        return
    if not exactly and (simulation.plan.everywhere or simulation.forgotten):
        return
    pool = simulation.pool
    with simulation.scheduler.undisturbed():
        counts = pool.counts()
        open_wires = [wire for wire in simulation.network.wires if is_open(wire)]
        held = len(simulation.hands)
        told = f'{counts}, and {held} are held, {len(open_wires)} open'
        if counts.opening or counts.waiting:
            raise Violation(f'nobody is in the pool: {told}')
        if simulation.keeps:
            if counts.checked_out > len(simulation.users) + 1 or len(open_wires) > counts.total:
                raise Violation(f'connections that nobody knows: {told}')
            return
        if counts.checked_out != held:
            raise Violation(f'the pool counts other connections than are held: {told}')
        if len(open_wires) > counts.idle + held or (not held and len(open_wires) != counts.idle):
            raise Violation(f'the pool counts other connections than are open: {told}')
        if not (simulation.plan.bad_listener or simulation.plan.interrupts or simulation.forgotten
                or simulation.plan.short_way):
            uses = simulation.heard['connection_checked_out'] - simulation.heard['connection_checked_in']
            if uses != held:
                raise Violation(f'listeners heard of {uses} check-outs without a check-in: {told}')


def is_open(wire: Wire) -> bool:
    return wire.host.name != '?' and not wire.closed_by_client and not wire.collected


# --- at the end ----------------------------------------------------------------------------------------------------

def check_end(simulation: Any) -> None:
    """Nothing is left, every connection was closed once, and what arrived was allowed to."""
    counts = simulation.pool.counts()
    if any(counts):
        raise Violation(f'the pool is closed, and counts {counts}')
    may_be_collected = simulation.plan.everywhere or simulation.keeps
    for wire in simulation.network.wires:
        forgotten = wire.collected and (may_be_collected or wire in simulation.forgotten_wires)
        if wire.closed_by_client > 1 or (wire.closed_by_client == 0 and not forgotten):
            raise Violation(f'{wire} was closed {wire.closed_by_client} times'
                            + (', and collected' if wire.collected else ''))
    for operation in simulation.operations.values():
        _check_arrivals(simulation, operation)
    for host in simulation.network.hosts.values():
        _check_attempts(simulation, host)
    calm = not (simulation.plan.outages or simulation.plan.bad_listener or simulation.plan.interrupts
                or simulation.forgotten or simulation.noisy or simulation.heard['connection_failed'])
    heard = simulation.heard
    if calm and heard['connection_created'] != heard['connection_disposed'] and not simulation.keeps:
        raise Violation(f'{heard["connection_created"]} connections were created, and '
                        f'{heard["connection_disposed"]} disposed')


def _check_arrivals(simulation: Any, operation: Any) -> None:
    arrivals = simulation.network.arrivals.get(operation.number, ())
    what = f'{operation.method} {operation.number}'
    if not operation.repeat and len(arrivals) > 1:
        raise Violation(f'{what} arrived {len(arrivals)} times, and must not be repeated')
    if len({_comparable(frame, operation.by_objects) for _, _, frame, _ in arrivals}) > 1:
        raise Violation(f'{what} was sent again with other bytes')
    most = simulation.pool.max_retries + 1
    if len(arrivals) > most > 0:
        raise Violation(f'{what} arrived {len(arrivals)} times, and max_retries is {most - 1}')


def _comparable(frame: bytes, by_objects: bool) -> bytes:
    """A frame, without the sequence id where calls with the bindings' objects have one of each time."""
    if not by_objects:
        return frame
    place = 12 + int.from_bytes(frame[8:12], 'big')
    return frame[:place] + frame[place + 4:]


def _check_attempts(simulation: Any, host: Host) -> None:
    """A host that refuses is tried again after ever longer pauses, while another one is up."""
    for begin, end in refusing(host):
        others = [other for other in simulation.network.hosts.values() if other is not host
                  and other.was_always('up', begin, end)]
        tried = [moment for moment, mode in host.attempts if begin <= moment < end]
        if not others or simulation.list_changed or simulation.noisy or simulation.plan.bad_listener:
            continue
        if len(tried) > _most_attempts(simulation, end - begin):
            raise Violation(f'{host.name} refuses for {end - begin:.3f} seconds while {others[0].name} is up, and is '
                            f'tried {len(tried)} times')


def refusing(host: Host) -> List[Any]:
    """The times, from and to, in which a host refuses."""
    spans, modes = [], [*host.modes, (math.inf, '')]
    for (moment, mode), (until, _) in zip(modes, modes[1:]):
        if mode == 'refusing' and until < math.inf:
            spans.append((moment, until))
    return spans


def _most_attempts(simulation: Any, seconds: float) -> float:
    """All threads at once, and then one after each pause, of which every one may be half of what it doubles to."""
    backoff = simulation.pool.host_backoff
    count, pause, spent = 0, backoff.base / 2, 0.0
    while spent + pause < seconds:
        spent += pause
        pause = min(pause * 2, backoff.cap / 2)
        count += 1
    return count + simulation.plan.threads + 3
