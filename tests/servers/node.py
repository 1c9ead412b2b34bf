"""One server: its process, its folder, its log, and what it answers when it is asked."""
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
from typing import List, Optional, Sequence

from .addresses import PORTS
from .asking import Asker, Refused
from .errors import ServerFailed
from .processes import Process

TAIL = 40
KEEPER = pathlib.Path(__file__).resolve().with_name('keeper.py')


class Node:
    """A server that may or may not run. `tls` is the folder of its clients' certificates, if it wants any."""

    def __init__(self, host: str, folder: pathlib.Path, tls: Optional[pathlib.Path] = None) -> None:
        self.host = host
        self.folder = folder
        self.tls = tls
        self.log_file = folder / 'log'
        self.process_file = folder / 'process'
        self._keeper: Optional[subprocess.Popen[bytes]] = None

    def start(self, command: Sequence[str], parent: Optional[int], remove: Optional[pathlib.Path] = None,
              passed: Sequence[int] = ()) -> None:
        """Start a JVM by this command. When the process `parent` is gone, it is killed and the folder `remove` removed.

        `passed` are open files that stay open as long as the server runs.
        """
        # One of an earlier session says nothing of the server that starts now.
        self.process_file.unlink(missing_ok=True)
        options = ['--process', self.process_file, '--log', self.log_file]
        options += [] if parent is None else ['--for', parent]
        options += ['--remove', remove] if remove else []
        # What is loaded into the tests' own Python, such as a sanitizer, is not for Java.
        environment = {name: value for name, value in os.environ.items() if name != 'LD_PRELOAD'}
        self._keeper = subprocess.Popen(
            [sys.executable, '-I', str(KEEPER), *map(str, options), '--', *command], cwd=self.folder, env=environment,
            pass_fds=passed, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 30
        while not self.process_file.exists():
            if self._keeper.poll() is not None or time.monotonic() > until:
                raise ServerFailed(f'no process was started on {self.host}\n{self.log(TAIL)}')
            time.sleep(0.02)

    def process(self) -> Optional[Process]:
        """The server's process, if it runs."""
        found = Process.read(self.process_file)
        return found if found is not None and found.alive() else None

    def send(self, number: int) -> None:
        """Send a signal to the server; ServerFailed if it does not run."""
        process = self.process()
        if process is None or not process.send(number):
            raise ServerFailed(f'no server runs on {self.host}')

    def end(self, patience: float) -> None:
        """End the server if it runs: asked to at first, killed after `patience` seconds (0: at once)."""
        process = self.process()
        keeper = None
        if process is not None:
            keeper = process.parent()
            # One that is stopped would not hear what it is asked.
            if patience:
                process.send(signal.SIGCONT)
            process.end(patience)
        if self._keeper is not None:
            self._keeper.wait(30)
            self._keeper = None
        elif keeper is not None:
            keeper.wait(30)
        self.process_file.unlink(missing_ok=True)

    def log(self, lines: Optional[int] = None) -> str:
        """What the server wrote, or the last lines of it."""
        if not self.log_file.exists():
            return ''
        text = self.log_file.read_text(errors='replace')
        return text if lines is None else '\n'.join(text.splitlines()[-lines:])

    def ask(self, timeout: float = 10.0) -> Asker:
        return Asker(self.host, PORTS['thrift'], timeout, self.tls)

    def sees(self, ring: List[str], live: List[str]) -> bool:
        """Whether the server answers, knows of the whole ring, and sees one schema on the live nodes."""
        try:
            with self.ask() as asker:
                schemas = asker.schemas()
                schemas.pop('UNREACHABLE', None)
                return asker.ring() == sorted(ring) and list(schemas.values()) == [sorted(live)]
        except (OSError, Refused, struct.error):
            return False
