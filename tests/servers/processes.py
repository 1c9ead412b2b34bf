"""Processes that are named by a file: which process it was is kept beside its number, which may be another's by now."""
import os
import pathlib
import signal
import time
from typing import List, NamedTuple, Optional

PROC = pathlib.Path('/proc')


class Process(NamedTuple):
    """A process by its number and the time that it began, in the kernel's ticks since the machine's start."""

    number: int
    began: int

    @classmethod
    def of(cls, number: int) -> 'Optional[Process]':
        """The process that has this number now; None if there is none, or it has ended and waits for its parent."""
        fields = _stat(number)
        return None if not fields or fields[0] in 'ZX' else cls(number, int(fields[19]))

    @classmethod
    def read(cls, path: pathlib.Path) -> 'Optional[Process]':
        """The process that `write` wrote of; None if there is no such file."""
        try:
            number, began = path.read_text().split()
        except FileNotFoundError:
            return None
        return cls(int(number), int(began))

    def write(self, path: pathlib.Path) -> None:
        scratch = path.with_name(path.name + '.new')
        scratch.write_text(f'{self.number} {self.began}\n')
        scratch.replace(path)

    def parent(self) -> 'Optional[Process]':
        """The process that started it, if both are there."""
        fields = _stat(self.number)
        return Process.of(int(fields[1])) if fields and self.alive() else None

    def alive(self) -> bool:
        """Whether this very process runs; one that is stopped by a signal counts."""
        return Process.of(self.number) == self

    def send(self, number: int) -> bool:
        """Send a signal, if this very process is still there."""
        if not self.alive():
            return False
        try:
            os.kill(self.number, number)
        except ProcessLookupError:
            return False
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, at most so long; tells whether it has."""
        until = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def end(self, patience: float) -> None:
        """End it: asked to at first, killed after `patience` seconds (0: killed at once)."""
        if patience and self.send(signal.SIGTERM) and self.wait(patience):
            return
        self.send(signal.SIGKILL)
        self.wait(30)


def _stat(number: int) -> List[str]:
    """What the kernel says of a process: its state, its parent, ...; nothing if there is none."""
    try:
        text = (PROC / str(number) / 'stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The name in brackets may hold anything, brackets included.
    return text.rpartition(')')[2].split()
