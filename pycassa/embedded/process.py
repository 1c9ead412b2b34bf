"""The embedded server in a process of its own, started and stopped by another one."""
import os
import pathlib
import subprocess
import sys
from typing import Any, Dict, Optional

from pycassa.embedded.profiles import DEFAULT_PROFILE
from pycassa.errors import PycassaError

__all__ = ['ServerProcess', 'spawn']

_LISTENING = 'listening on '


class ServerProcess:
    """A running `python -m pycassa.embedded`; a context manager that stops it.

    It also ends when this process does, however that ends: it reads a pipe whose other end this process holds.
    """

    def __init__(self, process: 'subprocess.Popen[str]', address: str) -> None:
        self._process = process
        self.address = address

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self.address.rpartition(':')[0].strip('[]')

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.address.rpartition(':')[2])

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Processor time that the server has used so far, user and system (Linux; NaN where that is not known)."""
        try:
            with open(f'/proc/{self.pid}/stat', 'rb') as file:
                fields = file.read().rpartition(b')')[2].split()
        except OSError:
            return float('nan')
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def stop(self, timeout: float = 10.0) -> int:
        """Stop it and give its exit status, 0 after a clean stop. Killed after `timeout` seconds. Harmless twice."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.returncode

    def __enter__(self) -> 'ServerProcess':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f'<ServerProcess {self.address} pid {self.pid}{"" if self.running else " stopped"}>'


def _environment() -> Dict[str, str]:
    """This process's environment, in which the server finds the package that runs here."""
    paths = [str(pathlib.Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}


def spawn(host: str = '127.0.0.1', port: int = 0, partitioner: str = 'Murmur3Partitioner',
          profile: str = DEFAULT_PROFILE, schema: str = 'empty', unframed: bool = False,
          credentials: Optional[str] = None) -> ServerProcess:
    """Start an embedded server in a process of its own, and return when it listens. `credentials` is a file's path.

    Arguments as for `EmbeddedServer`. Raises PycassaError, with what it said, if it ends without listening.
    """
    command = [sys.executable, '-m', 'pycassa.embedded', '--host', host, '--port', str(port),
               '--partitioner', partitioner, '--profile', profile, '--schema', schema, '--stop-at-eof']
    command += ['--unframed'] if unframed else []
    command += ['--credentials', os.fspath(credentials)] if credentials is not None else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment())
    assert process.stdout is not None
    line = process.stdout.readline()
    server = ServerProcess(process, line[len(_LISTENING):].strip())
    if not line.startswith(_LISTENING):
        status = server.stop()
        raise PycassaError(f'the embedded server ended with status {status} without listening; its error output tells '
                           f'why (it printed {line!r})')
    return server
