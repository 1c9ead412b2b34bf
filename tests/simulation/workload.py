"""What the threads of a simulation do: calls of all kinds, by the pool and on connections that they hold."""
import contextlib
import gc
import random
from typing import Any, Callable, Iterator, List, Optional

from pycassa import codec
from pycassa.cassandra.ttypes import ColumnParent, ConsistencyLevel, CounterColumn, SlicePredicate, SliceRange
from pycassa.errors import InvalidRequestError, NoConnectionAvailable, NoServerAvailable, PoolDisposed, PycassaError
from pycassa.operations import Slice
from pycassa.wrapper import ConnectionWrapper

from .scheduler import Aborted, Interrupt, Violation

__all__ = ['Administrator', 'BadListener', 'ListenerError', 'ListenerOSError', 'Operation', 'User']

_PARENT = ColumnParent('Numbers')
_PREDICATE = SlicePredicate(slice_range=SliceRange(b'', b'', False, 100))
_ONE = ConsistencyLevel.ONE


class ListenerError(Exception):
    """What a bad listener raises."""


class ListenerOSError(OSError):
    """What a bad listener raises, which looks as if a connection had failed."""


def layout(counter: bool = False) -> Any:
    text = codec.scalar('BytesType')
    return codec.Layout('Numbers', key=text, name=text, value=text, counter=counter)


LAYOUT, COUNTERS = layout(), layout(True)


class Operation:
    """One call: what it is, whether it may be repeated, and what is known of it in the end."""

    def __init__(self, number: int, method: str, repeat: bool, by_objects: bool) -> None:
        self.number = number
        self.method = method
        self.repeat = repeat
        self.by_objects = by_objects
        self.succeeded = False

    @property
    def key(self) -> bytes:
        return b'op%06d' % self.number


def encoded(operations: Any, operation: Operation) -> Any:
    """Make a call with the codec's own encoding."""
    key, method = operation.key, operation.method
    if method == 'get_count':
        return operations.get_count(LAYOUT, key, None, Slice(), _ONE)
    if method == 'get_slice':
        return operations.get_slice(LAYOUT, key, None, Slice(), _ONE, dict, 0)
    if method == 'batch_mutate':
        return operations.insert_rows(LAYOUT, {key: {b'name': b'value'}}, 1, None, _ONE)
    if method == 'add':
        return operations.add(COUNTERS, key, None, b'name', 1, _ONE, operation.repeat)
    if method == 'remove_counter':
        return operations.remove_counter(COUNTERS, key, None, None, _ONE, operation.repeat)
    return operations.truncate(key.decode())


def by_objects(execute: Callable[..., Any], operation: Operation) -> Any:
    """Make a call with the bindings' objects."""
    key, method = operation.key, operation.method
    allowed = {'allow_retries': True} if operation.repeat and method not in ('get_count', 'get_slice') else {}
    if method in ('get_count', 'get_slice'):
        return execute(method, key, _PARENT, _PREDICATE, _ONE, **allowed)
    if method == 'add':
        return execute(method, key, _PARENT, CounterColumn(b'name', 1), _ONE, **allowed)
    return execute('truncate', key.decode(), **allowed)


class User:
    """One thread: calls, and connections held by hand."""

    def __init__(self, simulation: Any, name: str) -> None:
        self.simulation = simulation
        self.scheduler = simulation.scheduler
        self.pool = simulation.pool
        self.name = name
        self.chance = random.Random(f'{simulation.seed}/{name}')
        self.held: List[Any] = []

    def run(self) -> None:
        plan = self.simulation.plan
        for _ in range(plan.actions):
            self.think()
            action = self.chance.choice(self._actions())
            action()
        if self.chance.random() < 0.8:
            while self.held:
                self.give_back()
        self.simulation.leave(self)

    def _actions(self) -> List[Callable[[], None]]:
        if self.held:
            forever = self.simulation.waits_for_ever and not self.simulation.threadlocal
            return [self.call_held, self.call_held, self.give_back, self.give_back, self.give_back_twice, self.drop,
                    self.close_held, self.change_held, self.call_held if forever else self.call,
                    self.take if self.simulation.threadlocal else self.hand_over]
        return [self.call] * 8 + [self.take] * 2 + [self.collect]

    def think(self) -> None:
        self.scheduler.sleep(self.chance.choice((0.0, 0.0, 0.001, 0.05, 0.3, 1.5)))

    def collect(self) -> None:
        gc.collect()

    # --- calls -----------------------------------------------------------------------------------------------

    def _draw(self) -> Operation:
        encoded_call = self.chance.random() < 0.75
        method = self.chance.choice(('get_count', 'get_count', 'get_slice', 'batch_mutate', 'add', 'add',
                                     'remove_counter', 'truncate') if encoded_call
                                    else ('get_count', 'get_slice', 'add', 'truncate'))
        reads = method in ('get_count', 'get_slice', 'batch_mutate')
        asked = method in ('add', 'remove_counter') and self.chance.random() < 0.3
        return self.simulation.new_operation(method, reads or asked, not encoded_call)

    def call(self) -> None:
        """A call by the pool."""
        operation = self._draw()
        pool = self.pool
        run = (lambda: by_objects(pool.execute, operation)) if operation.by_objects else (
            lambda: encoded(pool.operations, operation))
        self._make(operation, run, pool.deadline)

    def call_held(self) -> None:
        """A call on a connection that this thread has."""
        operation = self._draw()
        conn = self.held[-1]
        run = (lambda: by_objects(lambda name, *args, **kwargs: getattr(conn, name)(*args, **kwargs), operation)
               ) if operation.by_objects else (lambda: encoded(conn.operations, operation))
        self._make(operation, run, self.pool.deadline if operation.by_objects else None)

    def _make(self, operation: Operation, run: Callable[[], Any], deadline: Optional[float]) -> None:
        with self.simulation.inside(self, f'{operation.method} {operation.number}', deadline, operation):
            self._check_result(operation, run())
            operation.succeeded = True

    def _check_result(self, operation: Operation, result: Any) -> None:
        if operation.method == 'get_count':
            found = result
        elif operation.method == 'get_slice' and operation.by_objects:
            found = int(result[0].column.value)
        elif operation.method == 'get_slice':
            found = int(result[b'number'])
        else:
            found = operation.number if result is None else result
        if found != operation.number:
            raise Violation(f'the answer to {operation.number} is that to {found}')

    # --- connections by hand ---------------------------------------------------------------------------------

    def take(self) -> None:
        with self.simulation.inside(self, 'get', self.pool.deadline):
            conn = self.pool.get()
            self.simulation.took(self, conn)

    def give_back(self) -> None:
        conn = self.held[-1]
        with self.simulation.inside(self, 'put', None):
            self.simulation.gives(self, conn)
            del_by = self.chance.choice((self.pool.put, self.pool.return_conn, lambda conn: conn.return_to_pool()))
            del_by(conn)

    def give_back_twice(self) -> None:
        conn = self.held[-1]
        self.give_back()
        if self.simulation.plan.lines or self.simulation.keeps:
            return
        with self.simulation.inside(self, 'put again', None, misuse=True):
            if conn._state != ConnectionWrapper._CHECKED_OUT:
                self.pool.put(conn)

    def drop(self) -> None:
        """Forget a connection without returning it."""
        if self.simulation.threadlocal:
            return self.call_held()
        self.simulation.drops(self, self.held[-1])
        self.scheduler.point()
        gc.collect()

    def close_held(self) -> None:
        """Close a connection, which the pool must let go when it comes back."""
        if self.simulation.keeps:
            return self.call_held()
        with self.simulation.inside(self, 'close', None):
            self.held[-1].close()

    def change_held(self) -> None:
        """Select another keyspace, which the next holder must not be in."""
        if self.simulation.keeps:
            return self.call_held()
        with self.simulation.inside(self, 'set_keyspace', self.pool.deadline):
            self.held[-1].set_keyspace('Other')

    def hand_over(self) -> None:
        """Let another thread return a connection."""
        if self.simulation.keeps:
            return self.call_held()
        conn = self.held.pop()

        def give_back() -> None:
            other.held.append(conn)
            other.give_back()

        other = User(self.simulation, f'{self.name}+{len(self.scheduler.threads)}')
        self.simulation.users.append(self.scheduler.start(other.name, give_back))


class Administrator:
    """A thread that changes what the others use."""

    def __init__(self, simulation: Any) -> None:
        self.simulation = simulation
        self.pool = simulation.pool
        self.chance = random.Random(f'{simulation.seed}/administrator')

    def run(self) -> None:
        for _ in range(self.chance.randrange(1, 8)):
            self.simulation.scheduler.sleep(self.chance.uniform(0.0, self.simulation.plan.heals / 3))
            action = self.chance.choice((self.servers, self.servers, self.overflow, self.pool.dispose, self.pool.fill,
                                         self.pool.status, self.look))
            with self.simulation.inside(self, getattr(action, '__name__', 'change'), None):
                action()
        if self.chance.random() < 0.2:
            with self.simulation.inside(self, 'close', None):
                self.simulation.closing = True
                self.pool.close()

    def servers(self) -> None:
        hosts = self.simulation.plan.hosts
        some = self.chance.sample(hosts, self.chance.randrange(1, len(hosts) + 1))
        self.simulation.list_changed = True
        self.pool.set_server_list(some if self.chance.random() < 0.5 else lambda: some)

    def overflow(self) -> None:
        overflow = self.chance.choice((0, 1, 2, -1))
        if self.pool.max_overflow != -1 and not self.simulation.keeps:
            if overflow == -1 or overflow >= self.pool.max_overflow:
                self.pool.max_overflow = overflow

    def look(self) -> None:
        repr(self.pool), self.pool.counts(), self.pool.overflow(), self.pool._store.load()


class BadListener:
    """Raises, now and then."""

    def __init__(self, simulation: Any) -> None:
        self.chance = random.Random(f'{simulation.seed}/listener')
        self.simulation = simulation

    def hear(self, event: str) -> None:
        if self.simulation.listeners_raise and self.chance.random() < 0.1:
            self.simulation.scheduler.note(f'a listener raises at {event}')
            raise self.chance.choice((ListenerError, ListenerOSError))(event)


EXPECTED = (NoServerAvailable, NoConnectionAvailable, PoolDisposed, Interrupt, ListenerError, OSError, EOFError,
            PycassaError)


@contextlib.contextmanager
def expecting(simulation: Any, what: str, misuse: bool) -> Iterator[List[Optional[BaseException]]]:
    """Let what may be raised be raised; gives it afterwards. Anything else is a violation."""
    outcome: List[Optional[BaseException]] = [None]
    try:
        yield outcome
    except (Aborted, Violation):
        raise
    except EXPECTED as error:
        outcome[0] = error
        if isinstance(error, InvalidRequestError) and not misuse and not isinstance(error, PoolDisposed):
            raise Violation(f'{what}: {error!r}') from error
    except AssertionError as error:
        if not str(error).startswith('the connection of this AssertionPool'):
            raise Violation(f'{what}: {error!r}') from error
        outcome[0] = error
