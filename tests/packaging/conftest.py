"""Builds and environments for the packaging tests: each environment is made without a network."""
import importlib.util
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from typing import NamedTuple, Optional

import pytest
import thrift

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFTOVERS = ('.git', '.venv*', 'build', 'dist', '*.egg-info', '__pycache__', '.*_cache', '.hypothesis', '.benchmarks',
             '*.so')
# A codec that is compiled in seconds, for tests of how it is built and found, in two files as the real one has many.
STAND_IN = {
    'protocol.pyx': '# cython: language_level=3\ninclude "part.pyx"\n',
    'part.pyx': "from pycassa._pure.protocol import *\nIMPLEMENTATION = 'cython'\n",
}


class Environment:
    """A bare virtual environment with thrift and setuptools, and nothing else of the one that runs the tests.

    What is installed in it from source is pure, for there is no Cython, until borrow_cython().
    """

    def __init__(self, folder: pathlib.Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / 'bin' / 'python'
        self.site = pathlib.Path(self.run('import sysconfig; print(sysconfig.get_path("purelib"))'))
        self._borrowed = folder / 'borrowed'
        self._borrowed.mkdir()
        self._borrow('setuptools', '_distutils_hack', 'setuptools-*', 'wheel', 'wheel-*', 'six.py', 'packaging',
                     'pkg_resources')
        (self._borrowed / 'thrift').symlink_to(pathlib.Path(thrift.__file__).parent)
        (self.site / 'borrowed.pth').write_text(f'{self._borrowed}\n')

    def _borrow(self, *patterns: str) -> None:
        outer = pathlib.Path(sysconfig.get_path('purelib'))
        for pattern in patterns:
            for found in outer.glob(pattern):
                (self._borrowed / found.name).symlink_to(found)

    def borrow_cython(self) -> None:
        self._borrow('Cython', 'cython.py', 'pyximport', '[Cc]ython-*.dist-info')

    def run(self, code: str, cwd: 'pathlib.Path | None' = None, **env: str) -> str:
        """What a piece of Python prints; it must end well."""
        done = subprocess.run([self.python, '-c', code], cwd=cwd or self.python.parent, text=True,
                              capture_output=True, env={**clean_environment(), **env})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pip(self, *arguments: object, ok: bool = True, **env: str) -> str:
        """Run pip of the outer environment on this one, offline."""
        command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python', str(self.python),
                   *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, env={**clean_environment(), **env},
                              cwd=self.site)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, *arguments: object, ok: bool = True, **env: str) -> str:
        return self.pip('install', '--no-deps', '--no-build-isolation', *arguments, ok=ok, **env)

    def names(self) -> 'set[str]':
        """The top level of site-packages."""
        return {path.name for path in self.site.iterdir()}


def clean_environment() -> 'dict[str, str]':
    return {name: value for name, value in os.environ.items()
            if not name.startswith(('PYTHON', 'PYTEST', 'COV', 'PYCASSA'))}


@pytest.fixture(scope='session')
def source(tmp_path_factory) -> pathlib.Path:
    """A copy of the checkout without what earlier builds left behind."""
    copy = tmp_path_factory.mktemp('source') / 'pycassa'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFTOVERS))
    return copy


@pytest.fixture
def fresh_source(source, tmp_path) -> pathlib.Path:
    """A copy that a test may build in."""
    copy = tmp_path / 'fresh'
    shutil.copytree(source, copy)
    return copy


@pytest.fixture
def environment(tmp_path) -> Environment:
    return Environment(tmp_path / 'environment')


class Build(NamedTuple):
    """What a build left: `output` is what it wrote to stderr and stdout."""

    status: int
    wheel: Optional[pathlib.Path]
    output: str


BUILD_WHEEL = 'import sys, setuptools.build_meta as build; build.build_wheel(sys.argv.pop())'


def build_wheel(tree: pathlib.Path, target: pathlib.Path, code: str = BUILD_WHEEL, **env: str) -> Build:
    """Build the wheel of a source tree, as pip does, in the environment that runs the tests."""
    target.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, '-c', code, str(target)], cwd=tree, text=True, capture_output=True,
                          env={**clean_environment(), **env})
    return Build(done.returncode, next(target.glob('*.whl'), None), done.stderr + done.stdout)


@pytest.fixture(scope='session')
def built(source, tmp_path_factory) -> 'dict[str, pathlib.Path]':
    """The sdist of the checkout and its wheel without compiled codec, built once: {'sdist': path, 'wheel': path}."""
    target = tmp_path_factory.mktemp('dist')
    copy = tmp_path_factory.mktemp('build') / 'source'
    shutil.copytree(source, copy)
    code = ('import setuptools.build_meta as build; '
            f'build.build_sdist({str(target)!r}); build.build_wheel({str(target)!r})')
    done = subprocess.run([sys.executable, '-c', code], cwd=copy, text=True, capture_output=True,
                          env={**clean_environment(), 'PYCASSA_FORBID_EXTENSIONS': '1'})
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = target.glob('*.tar.gz'), target.glob('*.whl')
    return {'sdist': sdist, 'wheel': wheel}


# --- compiled builds -------------------------------------------------------------------------------------------------

@pytest.fixture(scope='session')
def compiler() -> str:
    """The C compiler that builds use; what compiles is skipped where there is none, or no Cython, or no Python.h."""
    command = shlex.split(os.environ.get('CC') or sysconfig.get_config_var('CC') or 'cc')[0]
    if shutil.which(command) is None:
        pytest.skip(f'needs a C compiler: there is no {command}')
    if not pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists():
        pytest.skip('needs Python.h (Debian: python3-dev)')
    if importlib.util.find_spec('Cython') is None:
        pytest.skip('needs Cython 3')
    return command


@pytest.fixture(scope='session')
def compiled(compiler, built, tmp_path_factory) -> pathlib.Path:
    """The wheel with the compiled codec, built once, of what the sdist holds."""
    folder = tmp_path_factory.mktemp('compiled')
    with tarfile.open(built['sdist']) as sdist:
        sdist.extractall(folder)
    (tree,) = folder.iterdir()
    build = build_wheel(tree, folder / 'dist', PYCASSA_REQUIRE_EXTENSIONS='1')
    assert build.status == 0, build.output
    return build.wheel


@pytest.fixture
def stand_in(source, tmp_path) -> pathlib.Path:
    """A copy of the checkout to build in, whose compiled codec is small."""
    copy = tmp_path / 'stand-in'
    shutil.copytree(source, copy)
    for path in copy.glob('_speedups/*.pyx'):
        path.unlink()
    for name, text in STAND_IN.items():
        (copy / '_speedups' / name).write_text(text)
    return copy
