"""User-space instructions that a command executes, counted by valgrind's callgrind."""
import pathlib
import re
import shutil
import subprocess
import tempfile
from typing import Callable, List, Mapping

from benchmarks.native import PARENT, Unavailable

__all__ = ['check_available', 'instructions', 'instructions_per_call']

_TOTAL = re.compile(r'^(?:totals|summary): (\d+)', re.M)


def check_available() -> None:
    """Raises Unavailable where there is no valgrind."""
    if shutil.which('valgrind') is None:
        raise Unavailable('valgrind is not installed')


def instructions(command: List[str], environment: Mapping[str, str]) -> int:
    """The instructions of one run of `command`, in the folder that holds this package."""
    check_available()
    with tempfile.TemporaryDirectory(prefix='pycassa-callgrind-') as folder:
        profile = pathlib.Path(folder, 'profile')
        done = subprocess.run(
            ['valgrind', '--tool=callgrind', f'--callgrind-out-file={profile}', *command], cwd=PARENT, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        found = _TOTAL.search(profile.read_text(errors='replace')) if profile.exists() else None
    if done.returncode or found is None:
        raise RuntimeError(f'{" ".join(command)} under valgrind ended with status {done.returncode}:\n{done.stdout}')
    return int(found[1])


def instructions_per_call(command: Callable[[int], List[str]], environment: Mapping[str, str], few: int,
                          many: int) -> float:
    """The difference of two runs of different length, so that starting and setting up do not count.

    `command(calls)` is the command line that does so many calls. It runs once without a profile: compiling modules
    must not count.
    """
    check_available()
    subprocess.run(command(1), cwd=PARENT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   check=True)
    shorter, longer = (instructions(command(calls), environment) for calls in (few, many))
    return (longer - shorter) / (many - few)
