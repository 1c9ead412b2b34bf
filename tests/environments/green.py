"""The process under test: patches itself as its environment says, and only then runs a scenario with pycassa.

    python green.py ENVIRONMENT MODULE SCENARIO {"address": ..., "keyspace": ..., other arguments of the scenario}

ENVIRONMENT is gevent, eventlet, or threads, which patches nothing: what greenlets can do, threads must. The last line
printed is what the scenario returned, as JSON.
"""
import importlib
import json
import queue
import sys
import threading
import time
from typing import Any, Callable, List, Type

__all__ = ['Threads', 'main']


class Task:
    """Something that runs at the same time as others. `result` waits for what it returned, or raises what it raised."""

    def __init__(self, handle: Any, outcome: 'queue.Queue[Any]', stop: Callable[[Any], None]) -> None:
        self._handle = handle
        self._outcome = outcome
        self._stop = stop

    def result(self, seconds: float = 60.0) -> Any:
        returned, error = self._outcome.get(timeout=seconds)
        if error is not None:
            raise error
        return returned

    def kill(self) -> None:
        """End it where it is, as the library does."""
        self._stop(self._handle)


class Threads:
    """The environment of a plain process."""

    name = 'threads'
    timeout: Type[BaseException]
    killed: Type[BaseException]

    def spawn(self, function: Callable[..., Any], *arguments: Any) -> Task:
        outcome: queue.Queue[Any] = queue.Queue()

        def run() -> None:
            try:
                outcome.put((function(*arguments), None))
            except BaseException as error:  # noqa: BLE001 (raised again by result)
                outcome.put((None, error))

        return Task(self._start(run), outcome, self._kill)

    def _start(self, run: Callable[[], None]) -> Any:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _kill(self, handle: Any) -> None:
        raise NotImplementedError('threads cannot be killed')

    def all(self, function: Callable[..., Any], arguments: Any) -> List[Any]:
        """function(argument) for all arguments at the same time."""
        return [task.result() for task in [self.spawn(function, each) for each in arguments]]

    def is_patched(self) -> bool:
        return False


class Gevent(Threads):
    """gevent, with the whole standard library patched."""

    name = 'gevent'

    def __init__(self) -> None:
        from gevent import monkey
        monkey.patch_all()
        import gevent
        self.gevent = gevent
        self.timeout = gevent.Timeout
        self.killed = gevent.GreenletExit

    def _start(self, run: Callable[[], None]) -> Any:
        return self.gevent.spawn(run)

    def _kill(self, handle: Any) -> None:
        handle.kill()

    def is_patched(self) -> bool:
        from gevent import monkey
        return bool(monkey.is_module_patched('socket'))


class Eventlet(Threads):
    """eventlet, with the whole standard library patched."""

    name = 'eventlet'

    def __init__(self) -> None:
        import warnings
        warnings.filterwarnings('ignore', category=DeprecationWarning)
        import eventlet
        eventlet.monkey_patch()
        import greenlet
        self.eventlet = eventlet
        self.timeout = eventlet.Timeout
        self.killed = greenlet.GreenletExit

    def _start(self, run: Callable[[], None]) -> Any:
        return self.eventlet.spawn(run)

    def _kill(self, handle: Any) -> None:
        handle.kill()

    def is_patched(self) -> bool:
        return bool(self.eventlet.patcher.is_monkey_patched('socket'))


class LateGevent(Gevent):
    """gevent that patches when pycassa was imported before it."""

    def __init__(self) -> None:
        import pycassa  # noqa: F401
        super().__init__()


class LateEventlet(Eventlet):
    """eventlet that patches when pycassa was imported before it."""

    def __init__(self) -> None:
        import pycassa  # noqa: F401
        super().__init__()


ENVIRONMENTS = {'threads': Threads, 'gevent': Gevent, 'eventlet': Eventlet, 'late gevent': LateGevent,
                'late eventlet': LateEventlet}


class Ticker:
    """Counts while others wait: something that blocks the whole process would stop it."""

    def __init__(self, environment: Threads) -> None:
        self.ticks = 0
        self._done = False
        self._task = environment.spawn(self._run)

    def _run(self) -> None:
        while not self._done:
            time.sleep(0.01)
            self.ticks += 1

    def __enter__(self) -> 'Ticker':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._done = True
        self._task.result()


def main(environment: str, module: str, scenario: str, arguments: str) -> None:
    world = ENVIRONMENTS[environment]()
    facts = getattr(importlib.import_module(module), scenario)(world, **json.loads(arguments))
    import pycassa
    print(json.dumps({'implementation': pycassa.implementation(), 'facts': facts}), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
