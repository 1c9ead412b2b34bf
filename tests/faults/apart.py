"""An embedded server in a process of its own, whose fault switches are driven from here, over a pipe.

What is measured is the client alone then: its threads, forks, memory and descriptors. This file is also what runs in
the other process: `python apart.py '{"profile": ...}'` reads one request a line, and writes one answer a line.
"""
import functools
import json
import os
import random
import subprocess
import sys
import threading
from typing import Any, List, Optional

import pycassa
from pycassa.embedded import EmbeddedServer
from pycassa.embedded.faults import Fault, Faults, Received

__all__ = ['KEYSPACE', 'RemoteServer', 'child_environment']

KEYSPACE = 'Promises'

# Calls that open a connection: a storm spares them, so that what fails is known.
_OPENING = frozenset(['login', 'set_keyspace'])


def child_environment() -> 'dict[str, str]':
    """This process's environment, in which a Python that is started finds the package under test."""
    # A tree of links counts as where it was found, not as where its files are.
    found = os.path.dirname(os.path.dirname(os.path.abspath(pycassa.__file__)))
    paths = [found, *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}


class RemoteServer:
    """A running server; a context manager that stops it. It also ends when this process does.

    Its switches are methods: `server.cut(3, methods='get')` is `faults.cut(3, methods='get')` over there; those that
    take or return objects are not. `storm` lets faults strike by chance. Safe to use from any thread.
    """

    def __init__(self, **settings: Any) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen([sys.executable, __file__, json.dumps(settings)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, env=child_environment())

    @functools.cached_property
    def address(self) -> str:
        """'host:port'. Several servers start side by side where they are asked for it only then."""
        return str(self.ask('address'))

    @property
    def port(self) -> int:
        return int(self.address.rpartition(':')[2])

    @property
    def connections(self) -> int:
        """The number of connections that are open there."""
        return int(self.ask('connections'))

    @property
    def accepted(self) -> int:
        """The number of connections accepted so far."""
        return int(self.ask('accepted'))

    @property
    def struck(self) -> int:
        """How often a storm has struck."""
        return int(self.ask('struck'))

    def storm(self, seed: int, part: float, kinds: List[Any]) -> None:
        """Let `part` of the calls suffer one of `kinds`, each [switch, arguments]; 0 ends it."""
        self.ask('storm', seed, part, kinds)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_') or not hasattr(Faults, name):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.ask(name, *args, **kwargs)

    def ask(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """What the other process answers; RuntimeError with its own words where that failed there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps([what, args, kwargs]) + '\n')
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        done, answer = json.loads(line) if line else (False, 'the server has ended')
        if not done:
            raise RuntimeError(f'{what}: {answer}')
        return answer

    def stop(self) -> None:
        """Stop it. Harmless twice."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> 'RemoteServer':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.stop()


# --- in the other process ------------------------------------------------------------------------------------------

class Storm(Faults):
    """Switches, and a storm that throws some of them by chance."""

    #: The server asks here about every call.
    armed = property(lambda self: True, lambda self, value: None)

    def __init__(self, control: Any) -> None:
        self.accepted = self.struck = 0
        self.part, self.kinds, self.chance = 0.0, [], random.Random(0)
        Faults.__init__(self, control)

    def take(self, received: Received) -> Optional[Fault]:
        self.accepted = max(self.accepted, received.peer)
        if self.part and received.method not in _OPENING and self.chance.random() < self.part:
            name, arguments = self.chance.choice(self.kinds)
            getattr(self, name)(**arguments, methods=received.method)
            self.struck += 1
        return Faults.take(self, received)


class Remote:
    """Answers what a RemoteServer asks."""

    def __init__(self, server: EmbeddedServer, faults: Storm) -> None:
        self.server = server
        self.faults = faults

    def answer(self, what: str, args: List[Any], kwargs: 'dict[str, Any]') -> Any:
        own = getattr(self, f'on_{what}', None)
        if own is not None:
            return own(*args, **kwargs)
        result = getattr(self.faults, what)(*args, **kwargs)
        return result if isinstance(result, (int, str, type(None))) else None

    def on_address(self) -> str:
        return self.server.address

    def on_connections(self) -> int:
        return self.server.connections

    def on_accepted(self) -> int:
        return self.faults.accepted

    def on_struck(self) -> int:
        return self.faults.struck

    def on_storm(self, seed: int, part: float, kinds: List[Any]) -> None:
        self.faults.chance.seed(seed)
        self.faults.part, self.faults.kinds = part, kinds


def main(settings: str) -> None:
    server = EmbeddedServer(**json.loads(settings))
    faults = server._network.faults = Storm(server._network)
    remote = Remote(server, faults)
    with server:
        for line in sys.stdin:
            try:
                answer = [True, remote.answer(*json.loads(line))]
            except Exception as error:  # noqa: BLE001 (told to the one who asked)
                answer = [False, repr(error)]
            print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
