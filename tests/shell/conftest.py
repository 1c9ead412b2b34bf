"""Shells as users start them: a process, with or without a terminal, on a server of the embedded kind."""
import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from pycassa.embedded import EmbeddedServer

from ..client.conftest import certificates, refused_port  # noqa: F401 (fixtures)

# Longer than anything here takes, on a machine as busy as may be.
PATIENCE = 60
COMMANDS = {'pycassaShell': ['-m', 'pycassa.shell'], 'pycassa shell': ['-m', 'pycassa.cli', 'shell']}
# Gives the process of a test its own terminal, which getpass and Ctrl-C go to.
_TAKE_TERMINAL = ('import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); '
                  'os.execv(sys.argv[1], sys.argv[1:])')
_CONTROL = re.compile(r'\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07')


@pytest.fixture
def demo() -> Iterator[EmbeddedServer]:
    """An embedded server with the documents' schema, two of whose names are no identifiers."""
    with EmbeddedServer(schema='demo') as server:
        yield server


@pytest.fixture
def guarded() -> Iterator[EmbeddedServer]:
    """The same, where jsmith has to log in as 'canary'."""
    with EmbeddedServer(schema='demo', credentials={'jsmith': 'canary'}) as server:
        yield server


@pytest.fixture
def environment(tmp_path) -> Dict[str, str]:
    """The variables of a shell's process: a home of its own, and the modules of this one."""
    kept = {name: os.environ[name] for name in ('PATH', 'PYCASSA_IMPL', 'LANG') if name in os.environ}
    return {**kept, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path)), 'HOME': str(tmp_path / 'home'),
            'XDG_STATE_HOME': str(tmp_path / 'state'), 'IPYTHONDIR': str(tmp_path / 'ipython'), 'TERM': 'dumb',
            'PYTHONDONTWRITEBYTECODE': '1', 'INPUTRC': os.devnull}


@pytest.fixture
def shell(environment, tmp_path) -> Callable[..., 'subprocess.CompletedProcess[str]']:
    """shell(*arguments, script='', command='pycassaShell', **variables): a shell whose standard input is `script`."""
    def run(*arguments: str, script: str = '', command: str = 'pycassaShell',
            **variables: str) -> 'subprocess.CompletedProcess[str]':
        return subprocess.run([sys.executable, *COMMANDS[command], *arguments], input=script, text=True,
                              capture_output=True, timeout=PATIENCE, cwd=tmp_path, env={**environment, **variables})

    return run


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, arguments: List[str], environment: Dict[str, str], folder: Any) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen([sys.executable, '-c', _TAKE_TERMINAL, sys.executable, *arguments],
                                        stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder,
                                        start_new_session=True)
        os.close(slave)
        self.text = ''
        self._read_to = 0

    def expect(self, *wanted: str) -> str:
        """Wait until all of `wanted` were written, one after the other; returns what came with them."""
        begin = self._read_to
        for text in wanted:
            give_up = time.monotonic() + PATIENCE
            while text not in self.text[self._read_to:]:
                assert time.monotonic() < give_up and self._more(1), f'{text!r} did not come: {self.text}'
            self._read_to = self.text.index(text, self._read_to) + len(text)
        return self.text[begin:self._read_to]

    def send(self, text: str) -> None:
        """Type `text`."""
        os.write(self._master, text.encode())

    def command(self, line: str) -> str:
        """Type a line at the prompt; returns what was written until the next prompt, less the line itself."""
        self.send(line + '\n')
        return self.expect(line, '>>> ')[:-4].partition(line)[2].strip()

    def end(self, line: Optional[str] = None) -> int:
        """Type the last `line`, read to the end; returns the exit status."""
        if line is not None:
            self.send(line + '\n')
        give_up = time.monotonic() + PATIENCE
        while self._more(1) or self.process.poll() is None:
            assert time.monotonic() < give_up, f'the shell has not ended: {self.text}'
        return self.process.wait(PATIENCE)

    def _more(self, seconds: float) -> bool:
        """Read what comes within `seconds`; False where nothing more will."""
        if not select.select([self._master], [], [], seconds)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._master, 65536)
        except OSError:  # how Linux says that the other side was closed
            return False
        self.text += _CONTROL.sub('', data.decode('utf-8', 'replace')).replace('\r', '')
        return bool(data)

    def close(self) -> None:
        """End the shell, however that is."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal(environment, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """terminal(*arguments, command='pycassaShell', **variables): a shell at a terminal."""
    opened: List[Terminal] = []

    def start(*arguments: str, command: str = 'pycassaShell', **variables: str) -> Terminal:
        opened.append(Terminal([*COMMANDS[command], *arguments], {**environment, **variables}, tmp_path))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
