"""Run by test_deadlines in a process of its own: how late calls are that have to end by a certain time.

    python probe_deadlines.py CALLS SEED

Calls with time-outs and deadlines of all kinds, over a proxy that lets replies stall, or trickle in at one byte per
100 ms, or a host that ignores connections. A control beside them sleeps in short steps, and tells how late this
process was at being woken anyway. Prints, as JSON, the counts, `again` being calls that were late and made again; and
in milliseconds the latest call, the same without what the control was late at that moment, and the latest control.
"""
import collections
import contextlib
import json
import pathlib
import random
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Counter, Deque, Dict, Iterator, List, NamedTuple, Optional, Tuple

from proxy import FaultProxy
from tlsfront import Authority, TLSFront, server_context

import pycassa
from pycassa.cassandra.ttypes import ColumnParent, SlicePredicate, SliceRange
from pycassa.connection import Connection
from pycassa.embedded import EmbeddedServer
from pycassa.errors import CallTimeout, NoConnectionAvailable, NoServerAvailable
from pycassa.transport import make_ssl_context

KEYSPACE, FAMILY = 'Keyspace1', 'Standard1'
FAULTS: Dict[str, Dict[str, Any]] = {'one byte per 100 ms': {'slicing': 1, 'pause': 0.1}, 'stalled': {'stall_after': 0}}
ALLOWED = 0.05
# How often a call is made that is late: other processes may keep this one away from the processors.
TRIES = 20
STEP = 0.005
LARGE = bytes(14 << 20)

# The seconds that a call is given.
SHORTEST, LONGEST = 0.12, 0.35

Late = (CallTimeout, NoServerAvailable, NoConnectionAvailable)


class Timed(NamedTuple):
    """A call, how many times the limit it may take, and whether it takes that long and no less."""

    call: Callable[[], Any]
    times: int = 1
    exact: bool = True


class Control(threading.Thread):
    """Sleeps in short steps; `lateness` is how much longer than asked for it slept."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.woken: Deque[Tuple[float, float]] = collections.deque(maxlen=10_000)
        self.worst = 0.0

    def run(self) -> None:
        while True:
            started = time.monotonic()
            time.sleep(STEP)
            now = time.monotonic()
            self.woken.append((now, now - started - STEP))
            self.worst = max(self.worst, now - started - STEP)

    def lateness(self, start: float, end: float) -> float:
        """The most that it was late when it woke between `start` and a step after `end`."""
        time.sleep(2 * STEP)
        return max((late for woken, late in list(self.woken) if start <= woken <= end + 2 * STEP + late), default=0.0)


class Stage:
    """A server, a proxy in front of it, and one that speaks TLS."""

    def __init__(self, stack: contextlib.ExitStack, seed: int) -> None:
        self.server = stack.enter_context(EmbeddedServer(schema='demo', unframed=True))
        self.proxy = stack.enter_context(FaultProxy(self.server.host, self.server.port, seed))
        self.others = [stack.enter_context(FaultProxy(self.server.host, self.server.port, seed)) for _ in range(2)]
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = Authority(folder).files
        front = stack.enter_context(TLSFront(self.server.port, server_context(files)))
        self.tls = stack.enter_context(FaultProxy(front.host, front.port, seed))
        self._stack = stack
        with pycassa.ConnectionPool(KEYSPACE, [self.server.address], timeout=10) as pool:
            family = pycassa.ColumnFamily(pool, FAMILY)
            family.batch_insert({f'k{row}': {f'c{column}': b'value' for column in range(20)} for row in range(20)})

    def heal(self) -> None:
        for proxy in (self.proxy, *self.others, self.tls):
            proxy.heal()

    def harm(self, faults: Dict[str, Any]) -> None:
        """Let the replies suffer from now on, wherever they come from."""
        for proxy in (self.proxy, *self.others, self.tls):
            proxy.replies.set(**faults)

    def connection(self, **options: Any) -> Connection:
        proxy = self.tls if 'ssl_context' in options else self.proxy
        return self._stack.enter_context(Connection(KEYSPACE, proxy.address, **options))

    def family(self, hosts: int = 1, **options: Any) -> Any:
        servers = [self.proxy.address, *(proxy.address for proxy in self.others)][:hosts]
        pool = pycassa.ConnectionPool(KEYSPACE, servers, **{'pool_size': 1, 'max_retries': 0, **options})
        self._stack.callback(pool.close)
        return pycassa.ColumnFamily(pool, FAMILY)


# --- the kinds of calls: each prepares what it needs, and returns what is to be timed --------------------------------

def raw_call(stage: Stage, seconds: float) -> Timed:
    connection = stage.connection(timeout=seconds, connect_timeout=10)
    predicate = SlicePredicate(slice_range=SliceRange(b'', b'', False, 10))
    return Timed(lambda: connection.get_slice(b'k1', ColumnParent(FAMILY), predicate, 1))


def encrypted_call(stage: Stage, seconds: float) -> Timed:
    connection = stage.connection(timeout=seconds, connect_timeout=10, ssl_context=make_ssl_context(validate=False))
    return Timed(connection.describe_version)


def unframed_call(stage: Stage, seconds: float) -> Timed:
    connection = stage.connection(timeout=seconds, connect_timeout=10, framed_transport=False)
    return Timed(connection.describe_version)


def schema_call(stage: Stage, seconds: float) -> Timed:
    connection = stage.connection(timeout=10, schema_timeout=seconds)
    return Timed(lambda: connection.truncate('Super1'))


def pooled_call(stage: Stage, seconds: float) -> Timed:
    family = stage.family(timeout=seconds, connect_timeout=10)
    return Timed(lambda: family.get('k1'))


def pooled_write(stage: Stage, seconds: float) -> Timed:
    family = stage.family(timeout=None, deadline=seconds, max_retries=-1)
    return Timed(lambda: family.insert('k1', {'c1': b'value'}))


def deadline_over_retries(stage: Stage, seconds: float) -> Timed:
    """Each attempt has a fraction of the time, and the last what is left of it."""
    family = stage.family(hosts=3, timeout=seconds / 3.5, deadline=seconds, max_retries=-1,
                          retry_backoff=(0.001, 0.002), host_backoff=(0.0, 0.0))
    return Timed(lambda: family.get('k1'), exact=False)


def deadline_over_backoff(stage: Stage, seconds: float) -> Timed:
    """The hosts refuse, and all the time goes to waiting for the next attempt."""
    family = stage.family(hosts=3, deadline=seconds, max_retries=-1, host_backoff=(0.0, 0.0))

    def call() -> Any:
        return family.get('k1')

    for proxy in (stage.proxy, *stage.others):
        proxy.refuse()
        proxy.cut()
    return Timed(call, exact=False)


def waiting_for_the_pool(stage: Stage, seconds: float) -> Timed:
    family = stage.family(pool_timeout=seconds, use_threadlocal=False)
    family.pool.get()
    return Timed(lambda: family.get('k1'))


def deadline_in_the_pool(stage: Stage, seconds: float) -> Timed:
    family = stage.family(pool_timeout=-1, deadline=seconds, use_threadlocal=False)
    family.pool.get()
    return Timed(lambda: family.get('k1'))


def request_that_is_not_read(stage: Stage, seconds: float) -> Timed:
    """Larger than what the sockets in between hold, so that it cannot be sent to its end."""
    family = stage.family(timeout=seconds, connect_timeout=10)
    stage.proxy.requests.set(stall_after=0)
    return Timed(lambda: family.insert('k1', {'c1': LARGE}))


def legacy_client(stage: Stage, seconds: float) -> Timed:
    """The connection that it has, and one new one to the only server: each with a time-out of its own."""
    client = pycassa.connect(KEYSPACE, [stage.proxy.address], timeout=seconds, connect_timeout=10)
    family = pycassa.ColumnFamily(client, FAMILY)
    family.get('k1')
    stage._stack.callback(client.close)
    return Timed(lambda: family.get('k1'), times=2)


def a_host_that_ignores(stage: Stage, seconds: float) -> Timed:
    stage.proxy.ignore()
    return Timed(lambda: Connection(None, stage.proxy.address, timeout=10, connect_timeout=seconds))


def hosts_that_ignore(stage: Stage, seconds: float) -> Timed:
    """All attempts of a pool to connect anew have to come to an end, too."""
    family = stage.family(hosts=3, timeout=10, deadline=seconds, max_retries=-1)
    for proxy in (stage.proxy, *stage.others):
        proxy.ignore()
        proxy.cut()
    return Timed(lambda: family.get('k1'), exact=False)


def handshake(stage: Stage, seconds: float) -> Timed:
    context = make_ssl_context(validate=False)
    return Timed(lambda: Connection(KEYSPACE, stage.tls.address, timeout=10, connect_timeout=seconds,
                                    ssl_context=context))


def login(stage: Stage, seconds: float) -> Timed:
    credentials = {'username': 'u', 'password': 'p'}
    return Timed(lambda: Connection(KEYSPACE, stage.proxy.address, timeout=10, deadline=time.monotonic() + seconds,
                                    credentials=credentials))


def set_keyspace(stage: Stage, seconds: float) -> Timed:
    return Timed(lambda: Connection(KEYSPACE, stage.proxy.address, timeout=10, deadline=time.monotonic() + seconds))


def pool_that_opens(stage: Stage, seconds: float) -> Timed:
    family = stage.family(timeout=10, deadline=seconds, max_retries=-1)
    family.pool.dispose()
    return Timed(lambda: family.get('k1'))


def batch(stage: Stage, seconds: float) -> Timed:
    family = stage.family(timeout=10, deadline=seconds, max_retries=-1)
    mutator = family.batch(queue_size=1000)
    for row in range(50):
        mutator.insert(f'k{row}', {'c1': b'value'})
    return Timed(mutator.send)


def page_of_rows(stage: Stage, seconds: float) -> Timed:
    """The time is a page's: those before it have had theirs."""
    family = stage.family(timeout=seconds, connect_timeout=10)
    rows: Iterator[Any] = family.get_range(buffer_size=4)
    for _ in range(4):
        next(rows)
    return Timed(lambda: next(rows))


def page_of_columns(stage: Stage, seconds: float) -> Timed:
    family = stage.family(timeout=10, deadline=seconds, max_retries=-1)
    columns: Iterator[Any] = family.xget('k1', buffer_size=4)
    for _ in range(4):
        next(columns)
    return Timed(lambda: next(columns))


KINDS: List[Callable[[Stage, float], Timed]] = [
    raw_call, encrypted_call, unframed_call, schema_call, pooled_call, pooled_write, request_that_is_not_read,
    deadline_over_retries, deadline_over_backoff, waiting_for_the_pool, deadline_in_the_pool, legacy_client,
    a_host_that_ignores, hosts_that_ignore, handshake, login, set_keyspace, pool_that_opens, batch, page_of_rows,
    page_of_columns,
]


# --- timing --------------------------------------------------------------------------------------------------------

class Watch:
    """Times calls, beside the control."""

    def __init__(self) -> None:
        self.control = Control()
        self.control.start()
        self.latest = self.beyond = -1.0
        self.calls: Counter[str] = collections.Counter()
        self.again = 0

    def time(self, kind: str, seconds: float, timed: Timed) -> Optional[str]:
        """Make a call that has to end in time: what was wrong with that."""
        limit = seconds * timed.times
        started = time.monotonic()
        try:
            timed.call()
        except Late:
            ended = time.monotonic()
        else:
            raise AssertionError(f'{kind} in {limit:.3f} s ended without an error')
        over = ended - started - limit
        assert over > -0.02 or not timed.exact, f'{kind} ended {-over:.3f} s before its time'
        noise = self.control.lateness(started, ended)
        if over - noise > ALLOWED:
            return f'{kind} ended {over:.3f} s after {limit:.3f} s, the control {noise:.3f} s'
        self.calls[kind] += 1
        self.latest = max(self.latest, over)
        self.beyond = max(self.beyond, over - noise)
        return None


def choose(calls: int, chance: random.Random) -> List[Callable[[Stage, float], Timed]]:
    """So many kinds, all of them equally often as far as that goes."""
    chosen: List[Callable[[Stage, float], Timed]] = []
    while len(chosen) < calls:
        chosen += chance.sample(KINDS, min(len(KINDS), calls - len(chosen)))
    return chosen


def prepared(stage: Stage, kind: Callable[[Stage, float], Timed], seconds: float) -> Timed:
    """A call to be timed. Opening connections may take a busy machine longer than these are to have."""
    for _ in range(50):
        try:
            return kind(stage, seconds)
        except Late:
            stage.heal()
    raise AssertionError(f'{kind.__name__} cannot be prepared within {seconds} s a call')


def play(stage: Stage, watch: Watch, kind: Callable[[Stage, float], Timed], chance: random.Random) -> None:
    """Time one call. One that is late is made again, the same: a client that is late by itself is late every time."""
    seconds, (name, faults) = chance.uniform(SHORTEST, LONGEST), chance.choice(list(FAULTS.items()))
    problems: List[str] = []
    while len(problems) < TRIES:
        timed = prepared(stage, kind, seconds)
        stage.harm(faults)
        problem = watch.time(f'{kind.__name__}, {name}', seconds, timed)
        stage.heal()
        if problem is None:
            watch.again += bool(problems)
            return
        problems.append(problem)
    raise AssertionError(problems)


def main(calls: str, seed: str) -> None:
    chance = random.Random(int(seed))
    watch = Watch()
    with contextlib.ExitStack() as stack:
        stage = Stage(stack, int(seed))
        for kind in choose(int(calls), chance):
            play(stage, watch, kind, chance)
    kinds = {kind.partition(',')[0] for kind in watch.calls}
    milliseconds = {name: round(seconds * 1000, 1) for name, seconds in (
        ('latest', watch.latest), ('beyond', watch.beyond), ('control', watch.control.worst))}
    print(json.dumps({'calls': sum(watch.calls.values()), 'kinds': len(kinds), 'again': watch.again, **milliseconds}))


if __name__ == '__main__':
    main(*sys.argv[1:])
