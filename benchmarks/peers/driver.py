"""The CQL driver as a peer: a batch of bound prepared statements encoded, a result of rows decoded into a dict.

It runs in a process of its own: its package is named `cassandra`, as a folder of this project is.
"""
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Optional

from benchmarks.native import HERE, Unavailable
from benchmarks.works import ENCODE, SLICE, Work

__all__ = ['DRIVER', 'Driver', 'isolated']

DRIVER = 'CQL driver'


def isolated(script: str, *arguments: str) -> 'subprocess.Popen[str]':
    """A script of this package in a process that sees installed packages only."""
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    return subprocess.Popen([sys.executable, '-I', str(HERE / script), *arguments], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tempfile.gettempdir(),
                            env=environment)


class Driver:
    """Raises Unavailable where the driver is not installed. A context manager that ends its process."""

    name = DRIVER

    def __init__(self) -> None:
        self._process = isolated(os.path.join('peers', 'driver_process.py'))
        try:
            self._answer()
        except RuntimeError as error:
            self.close()
            raise Unavailable(f'the CQL driver does not run here: {error}') from None

    def _answer(self) -> str:
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError((self._process.stderr.read().strip().splitlines() or ['it ended'])[-1])
        return line

    def ask(self, wanted: Any) -> str:
        """Send one request, and wait for the answer to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + '\n')
        self._process.stdin.flush()
        return self._answer()

    def side(self, work: Work) -> Optional['_Remote']:
        """The work, or None where the two protocols differ too much for a comparison."""
        if work.plain is not None or work.supers or work.call not in (ENCODE, SLICE):
            return None
        rows = work.rows()
        value = work.values.make(0)
        self.ask({'call': work.call, 'rows': rows, 'type': 'double' if isinstance(value, float) else 'text'})
        return _Remote(self)

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait(10)

    def __enter__(self) -> 'Driver':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()


class _Remote:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def cpu(self, count: int) -> float:
        return float(self._driver.ask(count))
