"""One run of the simulation: a pool, its users and its hosts, by a seed, with the checks of what must always hold."""
import contextlib
import gc
import random
import sys
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set

from pycassa import hosts, legacy_pools, pool, retry, store, wrapper
from pycassa.errors import NoConnectionAvailable, NoServerAvailable
from pycassa.legacy_pools import SingletonThreadPool, StaticPool
from pycassa.listeners import EVENTS
from pycassa.runtime import Runtime

from . import checks
from .network import Network, Wire
from .plan import Plan
from .scheduler import Aborted, Interrupt, Lock, Scheduler, Violation
from .shortway import UNHEARD, ShortWay
from .stage import on_stage
from .workload import Administrator, BadListener, ListenerError, ListenerOSError, Operation, User, encoded, expecting

__all__ = ['Result', 'run']

_TRACED = tuple(module.__file__ for module in (hosts, legacy_pools, pool, retry, store, wrapper))


class Result(NamedTuple):
    """What came of a run. `failure` is None if all held."""

    seed: Any
    steps: int
    calls: int
    failure: Optional[BaseException]
    trace: str

    def report(self) -> str:
        """For whoever has to find out why: the failure, how to see it again, and the last of what happened."""
        lines = self.trace.splitlines()
        tail = '\n'.join(lines[-80:])
        return (f'seed {self.seed}: {self.failure}\nreplay: python -m tests.simulation {self.seed}\n'
                f'the last {min(len(lines), 80)} of {len(lines)} events:\n{tail}')


def run(seed: Any, **changes: Any) -> Result:
    """Run the simulation of a seed; `changes` replace what its plan says."""
    simulation = Simulation(seed, Plan.draw(seed)._replace(**changes))
    was_enabled = gc.isenabled()
    gc.disable()
    # What is there already is not looked at by the collections of this run.
    gc.freeze()
    try:
        simulation.run()
    finally:
        gc.collect()
        gc.unfreeze()
        if was_enabled:
            gc.enable()
    scheduler = simulation.scheduler
    return Result(seed, scheduler.steps, len(simulation.operations), scheduler.failure, scheduler.trace())


class Simulation:
    """The state of a run, and what it knows of what the pool should be like."""

    def __init__(self, seed: Any, plan: Plan) -> None:
        self.seed = seed
        self.plan = plan
        self.scheduler = Scheduler(seed)
        self.network = Network(self.scheduler, seed, plan.hosts)
        self.operations: Dict[int, Operation] = {}
        self.users: List[Any] = []
        self.pool: Any = None
        self.hands: Dict[int, User] = {}
        self.busy = 0
        self.forgotten = 0
        self.forgotten_wires: List[Wire] = []
        self.closing = self.list_changed = False
        self.listeners_raise = False
        self.heard: Dict[str, int] = dict.fromkeys(EVENTS, 0)
        self.noisy = self.network.noise > 0.0

    # --- what the plan means ---------------------------------------------------------------------------------

    @property
    def keeps(self) -> bool:
        """Whether threads keep their connections, used or not."""
        return issubclass(self.plan.kind, (SingletonThreadPool, StaticPool))

    @property
    def threadlocal(self) -> bool:
        return self.pool._use_threadlocal

    @property
    def waits_for_ever(self) -> bool:
        return self.pool.deadline is None and (self.pool.pool_timeout is None or self.pool.pool_timeout < 0)

    def new_operation(self, method: str, repeat: bool, by_objects: bool) -> Operation:
        operation = Operation(len(self.operations) + 1, method, repeat, by_objects)
        self.operations[operation.number] = operation
        return operation

    # --- the run ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        try:
            with on_stage(self.scheduler, self.network, self.plan.exchanges):
                try:
                    self._run()
                except Aborted:
                    pass
                except Exception as error:  # noqa: BLE001 (the report tells it)
                    self.scheduler.fail(error)
                self.scheduler.run_out()
                self.network.in_place = False
        finally:
            sys.unraisablehook = hook
            self.pool = None

    def _unraisable(self, unraisable: Any) -> None:
        # What a listener raises when a thread's end gives its connection back has nowhere to go.
        if not isinstance(unraisable.exc_value, (Interrupt, Aborted, ListenerError, ListenerOSError)):
            self.scheduler.fail(unraisable.exc_value or Violation('an error in a finalizer'))

    def _run(self) -> None:
        scheduler, plan = self.scheduler, self.plan
        scheduler.note(repr(plan))
        for seconds, host, mode in plan.outages:
            scheduler.at(scheduler.now + seconds, lambda host=host, mode=mode: self.network.set_mode(host, mode))
        heals = scheduler.now + plan.heals
        scheduler.at(heals, self._heal)
        self._make_pool()
        scheduler.at_each_step = lambda: checks.check_step(self)
        self.listeners_raise = plan.bad_listener
        if plan.lines:
            scheduler.trace_lines(_TRACED)
        for number in range(plan.threads):
            self.users.append(scheduler.start(f'user{number}', User(self, f'user{number}').run))
        if plan.administrator:
            self.users.append(scheduler.start('admin', Administrator(self).run))
        scheduler.join(self.users)
        self._finish(heals)

    def _make_pool(self) -> None:
        settings = dict(self.plan.settings)
        # With a class of 0.5 the keyspace is not the first argument.
        settings.update(keyspace='Keyspace1', server_list=[f'{host}:9160' for host in self.plan.hosts],
                        logging_name='simulated', listeners=[self._recorder(), self._listener()], runtime=Runtime(
                            self.scheduler.clock, self._sleep, checks.chance_of(self.seed),
                            lambda: Lock(self.scheduler)))
        self.busy += 1
        try:
            self.pool = self._made(settings)
        except (NoServerAvailable, Interrupt, ListenerError, ListenerOSError) as error:
            self.scheduler.note(f'no pool is made: {error.__class__.__name__}')
            # The error is still there, and what made the pool with it: the collector has no part in this.
            checks.check_nothing_is_open(self, error)
            self.pool = self.plan.kind(**{**settings, 'prefill': False})
        self.busy -= 1
        if self.plan.short_way:
            self.pool._short_way = ShortWay(self.scheduler)

    def _made(self, settings: Dict[str, Any]) -> Any:
        """The pool, unless signals and listeners keep it from being made as they do from calls."""
        maker = SimpleNamespace(chance=random.Random(f'{self.seed}/maker'))
        self.listeners_raise = self.plan.bad_listener
        try:
            with self.scheduler.interrupting(self._points(maker)):
                return self.plan.kind(**settings)
        finally:
            self.listeners_raise = False

    def _heal(self) -> None:
        self.network.noise = 0.0
        for host in self.plan.hosts:
            if self.network.hosts[host].mode != 'up':
                self.network.set_mode(host, 'up')

    def _sleep(self, seconds: float) -> None:
        self._require(0.0 <= seconds <= self.plan.settings['retry_backoff'][1], f'a pause of {seconds} seconds')
        self.scheduler.sleep(seconds)

    def _require(self, holds: bool, text: str) -> None:
        if not holds:
            self.scheduler.fail(text)

    # --- listeners -------------------------------------------------------------------------------------------

    def _recorder(self) -> Dict[str, Any]:
        def hook(event: str) -> Any:
            def hear(dic: Dict[str, Any]) -> None:
                self.heard[event] += 1
                self.scheduler.point()
            return hear
        return {event: hook(event) for event in self._heard_events()}

    def _heard_events(self) -> List[str]:
        return [event for event in EVENTS if not (self.plan.short_way and event in UNHEARD)]

    def _listener(self) -> Dict[str, Any]:
        bad = BadListener(self)

        def hook(event: str) -> Any:
            return lambda dic: bad.hear(event)
        return {event: hook(event) for event in self._heard_events()}

    # --- what threads say of what they do --------------------------------------------------------------------

    @contextlib.contextmanager
    def inside(self, user: Any, what: str, deadline: Optional[float], operation: Optional[Operation] = None,
               misuse: bool = False) -> Iterator[None]:
        """Around whatever a thread does with the pool: what may come of it, how long it may take, what it leaves."""
        scheduler, thread = self.scheduler, self.scheduler.current
        begun = scheduler.now
        scheduler.note(f'{what} …')
        self.busy += 1
        try:
            with expecting(self, what, misuse) as outcome, scheduler.interrupting(
                    self._points(user), self.plan.everywhere):
                yield
        finally:
            self.busy -= 1
        scheduler.retrace()
        if thread.struck and self.plan.everywhere:
            # Where all others wait for ever for the connection that this may have cost, none of them would collect it.
            self.users.append(scheduler.start('collector', self._collect_soon))
        error = outcome[0]
        scheduler.note(f'{what}: {error.__class__.__name__ if error else "done"}')
        if thread.struck and not (isinstance(error, Interrupt) or self.plan.bad_listener or self.plan.everywhere):
            raise Violation(f'{what}: the interrupt was lost, {error!r} came of it')
        checks.check_time(self, what, scheduler.now - begun, deadline, error)
        if operation is not None:
            checks.check_outcome(self, operation, begun, error, thread.struck)
        outcome[0] = error = None
        checks.check_counts(self)

    def _points(self, user: Any) -> Optional[int]:
        if user.chance.random() >= self.plan.interrupts:
            return None
        return user.chance.randrange(1, 500 if self.plan.everywhere else 40)

    def took(self, user: User, conn: Any) -> None:
        """A thread has checked a connection out."""
        if any(conn is each for each in user.held):
            return
        other = self.hands.get(id(conn))
        if other is not None and not issubclass(self.plan.kind, StaticPool):
            raise Violation(f'{user.name} and {other.name} have the same connection')
        self.hands[id(conn)] = user
        user.held.append(conn)

    def gives(self, user: User, conn: Any) -> None:
        """A thread is about to return a connection."""
        user.held[:] = [each for each in user.held if each is not conn]
        self.hands.pop(id(conn), None)

    def drops(self, user: User, conn: Any) -> None:
        """A thread forgets a connection."""
        self.gives(user, conn)
        self.forgotten += 1
        self.forgotten_wires += [wire for wire in self.network.wires if wire.is_under(conn)]
        self.scheduler.note('forgets a connection')

    def leave(self, user: User) -> None:
        """A thread ends, and may have connections."""
        if user.held:
            thread = self.scheduler.current
            self.users.append(self.scheduler.start('collector', lambda: self._collect_after(thread)))
        while user.held:
            self.drops(user, user.held[-1])

    def _collect_after(self, thread: Any) -> None:
        """Collect what a thread leaves when it ends: connections refer to themselves."""
        while thread.alive:
            self.scheduler.sleep(0.01)
        gc.collect()

    def _collect_soon(self) -> None:
        """Collect in place of the interpreter, which does so from time to time, and does not here."""
        self.scheduler.sleep(1.0)
        gc.collect()

    # --- after all outages -----------------------------------------------------------------------------------

    def _finish(self, heals: float) -> None:
        scheduler = self.scheduler
        self.listeners_raise = False
        gc.collect()
        checks.check_counts(self, exactly=True)
        scheduler.sleep(max(heals - scheduler.now, 0.0) + self.pool.host_backoff.cap + 2.0)
        if not self.closing:
            self._use_all_hosts()
        self.pool.dispose()
        self.pool.close()
        gc.collect()
        checks.check_end(self)

    def _use_all_hosts(self) -> None:
        """Every host is up: all calls succeed, and new connections go to all of them."""
        if self.list_changed:
            self.pool.set_server_list([f'{host}:9160' for host in self.plan.hosts])
        self.pool.recycle = 0
        before: Dict[str, int] = {name: host.served for name, host in self.network.hosts.items()}
        unused: Set[str] = set(before)
        for _ in range(4 * len(before) + 2 * self.pool.counts().total):
            if self.keeps:
                self.pool.dispose()
            operation = self.new_operation('get_count', True, False)
            try:
                encoded(self.pool.operations, operation)
            except (NoServerAvailable, NoConnectionAvailable, OSError) as error:
                raise Violation(f'all hosts have been up for long, and a call fails: {error!r}') from error
            operation.succeeded = True
            unused = {name for name in before if self.network.hosts[name].served == before[name]}
        if unused:
            raise Violation(f'hosts that have been up for the longest back-off are not used: {sorted(unused)}')
