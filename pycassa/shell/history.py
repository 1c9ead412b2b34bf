"""Lines that were typed at the shell, kept in a file of the user's; never those that mention a password."""
import os
import re
import sys
from typing import Iterable, List, Optional

__all__ = ['History', 'Secrets', 'history_path']

# How many lines are read back.
LIMIT = 2000
_MENTIONS = re.compile(r'passw|credential|secret|\blogin\b', re.IGNORECASE)


def history_path() -> str:
    """Where the history is kept: pycassa/history in the folder that XDG_STATE_HOME names, else ~/.local/state."""
    folder = os.environ.get('XDG_STATE_HOME', '')
    # The specification of these variables has relative paths passed over.
    if not os.path.isabs(folder):
        folder = os.environ.get('LOCALAPPDATA', '') if os.name == 'nt' else ''
    if not os.path.isabs(folder):
        folder = os.path.join(os.path.expanduser('~'), '.local', 'state')
    return os.path.join(folder, 'pycassa', 'history')


class Secrets:
    """Tells lines that must not be kept: they speak of credentials, or hold the password of this session."""

    def __init__(self, password: Optional[str] = None) -> None:
        self._password = password

    def are_in(self, line: str) -> bool:
        """Whether `line` is not to be kept."""
        return bool(self._password and self._password in line) or _MENTIONS.search(line) is not None


class History:
    """The file of lines typed: read at the start, added to with every line, so that no way to end loses any.

    `path` None keeps nothing. A file that cannot be written costs one line on standard error.
    """

    def __init__(self, path: Optional[str], secrets: Secrets) -> None:
        self._path = path
        self._secrets = secrets
        self._last = ''

    def read(self) -> List[str]:
        """The lines of earlier shells, oldest first; where there are too many, the file is cut to the last ones."""
        if self._path is None:
            return []
        try:
            with open(self._path, encoding='utf-8', errors='replace') as file:
                lines = file.read().splitlines()
            if len(lines) > 2 * LIMIT:
                self._replace(lines[-LIMIT:])
        except FileNotFoundError:
            return []
        except OSError as error:
            self._give_up(error)
            return []
        return lines[-LIMIT:]

    def keep(self, line: str, begun: Iterable[str] = ()) -> bool:
        """Add `line` to the file; False where it is blank, the same as the one before, or not to be kept.

        `begun` are the lines before it of the same command: what goes on from a secret is one.
        """
        if not line.strip() or line == self._last or any(map(self._secrets.are_in, (line, *begun))):
            return False
        self._last = line
        if self._path is not None:
            try:
                os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
                self._write(self._path, os.O_APPEND, [line])
            except OSError as error:
                self._give_up(error)
        return True

    def _replace(self, lines: List[str]) -> None:
        assert self._path is not None
        shorter = f'{self._path}.{os.getpid()}'
        self._write(shorter, os.O_TRUNC, lines)
        os.replace(shorter, self._path)

    @staticmethod
    def _write(path: str, how: int, lines: List[str]) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
        with open(handle, 'a', encoding='utf-8', errors='replace') as file:
            file.write(''.join(f'{line}\n' for line in lines))

    def _give_up(self, error: OSError) -> None:
        print(f'No history is kept: {self._path}: {error.strerror or error}', file=sys.stderr)
        self._path = None
