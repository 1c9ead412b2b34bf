"""What is built on demand, into the user's cache folder: our C programs, and the floor where its source is at hand.

The floor is a prototype of the least that the work can cost: unsafe code for one layout, which shows what is reachable.
Its source is no part of this project: a folder with floor.pyx, floor_setup.py and glue.py, given by --floor, by the
environment variable PYCASSA_FLOOR, or found as ../shared/perf beside the checkout.
"""
import functools
import hashlib
import importlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from types import ModuleType
from typing import List, Optional

__all__ = ['HERE', 'PARENT', 'Unavailable', 'build_floor', 'build_program', 'find_floor', 'load_floor']

# Not resolved: a folder of links to packages is where they are imported from.
HERE = pathlib.Path(os.path.abspath(__file__)).parent
PARENT = HERE.parent

_FLOOR_FILES = ('floor.pyx', 'floor_setup.py', 'glue.py')


class Unavailable(Exception):
    """Something that a benchmark would need is not here; the text says what."""


def _cache() -> pathlib.Path:
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return pathlib.Path(base, 'pycassa-benchmarks')


def _fingerprint(*parts: bytes) -> str:
    return hashlib.sha256(b'\0'.join(parts)).hexdigest()[:16]


def _run(command: List[str], folder: pathlib.Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Unavailable(f'{shlex.join(command)} failed:\n{done.stdout}')


def _compiler() -> List[str]:
    command = shlex.split(os.environ.get('CC') or 'cc')
    if shutil.which(command[0]) is None:
        raise Unavailable(f'there is no C compiler {command[0]!r}; set CC')
    return command


@functools.cache
def build_program(name: str) -> pathlib.Path:
    """The executable of our NAME.c, built where this source has not been built before. Raises Unavailable."""
    source, command = HERE / f'{name}.c', [*_compiler(), '-O2', '-pthread']
    program = _cache() / f'{name}-{_fingerprint(source.read_bytes(), shlex.join(command).encode())}'
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            _run([*command, str(source), '-o', 'built'], pathlib.Path(scratch))
            os.replace(os.path.join(scratch, 'built'), program)
    return program


def find_floor(option: Optional[str] = None) -> pathlib.Path:
    """The folder with the floor's source. Raises Unavailable where there is none."""
    named = option or os.environ.get('PYCASSA_FLOOR')
    folder = pathlib.Path(named) if named else PARENT.parent / 'shared' / 'perf'
    if not (folder / 'floor.pyx').exists():
        raise Unavailable(f'no floor.pyx in {folder}' if named else
                          'the floor is not at hand: name its folder with --floor or PYCASSA_FLOOR')
    return folder.absolute()


@functools.cache
def build_floor(source: pathlib.Path) -> pathlib.Path:
    """The folder from which `floor` and `glue` import in this interpreter. Raises Unavailable."""
    missing = [name for name in _FLOOR_FILES if not (source / name).exists()]
    if missing:
        raise Unavailable(f'{source} lacks {", ".join(missing)}')
    content = [(source / name).read_bytes() for name in _FLOOR_FILES]
    flags = str(sysconfig.get_config_var('CFLAGS'))
    folder = _cache() / f'floor-{_fingerprint(*content, sys.version.encode(), sys.executable.encode(), flags.encode())}'
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            built = pathlib.Path(scratch, 'built')
            built.mkdir()
            for name, data in zip(_FLOOR_FILES, content):
                (built / name).write_bytes(data)
            _run([sys.executable, 'floor_setup.py', 'build_ext', '--inplace'], built)
            built.rename(folder)
    return folder


def load_floor(option: Optional[str] = None) -> ModuleType:
    """The floor's module, built if need be. Raises Unavailable."""
    folder = str(build_floor(find_floor(option)))
    if folder not in sys.path:
        sys.path.append(folder)
    floor = importlib.import_module('floor')
    if pathlib.Path(floor.__file__ or '').parent != pathlib.Path(folder):
        raise Unavailable(f'another module named floor hides ours: {floor.__file__}')
    return floor
