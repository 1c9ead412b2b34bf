"""Builds and environments for the packaging tests: each environment is made without a network."""
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest
import thrift

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFTOVERS = ('.git', '.venv*', 'build', 'dist', '*.egg-info', '__pycache__', '.*_cache', '.hypothesis', '.benchmarks')


class Environment:
    """A bare virtual environment with thrift and setuptools, and nothing else of the one that runs the tests."""

    def __init__(self, folder: pathlib.Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / 'bin' / 'python'
        self.site = pathlib.Path(self.run('import sysconfig; print(sysconfig.get_path("purelib"))'))
        borrowed = folder / 'borrowed'
        borrowed.mkdir()
        outer = pathlib.Path(sysconfig.get_path('purelib'))
        for pattern in ('setuptools', '_distutils_hack', 'setuptools-*', 'wheel', 'wheel-*', 'six.py', 'packaging',
                        'pkg_resources'):
            for found in outer.glob(pattern):
                (borrowed / found.name).symlink_to(found)
        (borrowed / 'thrift').symlink_to(pathlib.Path(thrift.__file__).parent)
        (self.site / 'borrowed.pth').write_text(f'{borrowed}\n')

    def run(self, code: str, cwd: 'pathlib.Path | None' = None, **env: str) -> str:
        """What a piece of Python prints; it must end well."""
        done = subprocess.run([self.python, '-c', code], cwd=cwd or self.python.parent, text=True,
                              capture_output=True, env={**clean_environment(), **env})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pip(self, *arguments: object, ok: bool = True) -> str:
        """Run pip of the outer environment on this one, offline."""
        command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python', str(self.python),
                   *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, env=clean_environment(), cwd=self.site)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, *arguments: object, ok: bool = True) -> str:
        return self.pip('install', '--no-deps', '--no-build-isolation', *arguments, ok=ok)

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


@pytest.fixture(scope='session')
def built(source, tmp_path_factory) -> 'dict[str, pathlib.Path]':
    """The sdist and the wheel of the checkout, built once: {'sdist': path, 'wheel': path}."""
    target = tmp_path_factory.mktemp('dist')
    copy = tmp_path_factory.mktemp('build') / 'source'
    shutil.copytree(source, copy)
    code = ('import setuptools.build_meta as build; '
            f'build.build_sdist({str(target)!r}); build.build_wheel({str(target)!r})')
    done = subprocess.run([sys.executable, '-c', code], cwd=copy, text=True, capture_output=True,
                          env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = target.glob('*.tar.gz'), target.glob('*.whl')
    return {'sdist': sdist, 'wheel': wheel}
