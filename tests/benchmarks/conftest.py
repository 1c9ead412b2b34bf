"""The benchmarks under test: as a package in this process, and as a command run from a copy of its folder."""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import pycassa
from pycassa.embedded import spawn

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _import_benchmarks():
    """By its file: the checkout's root on the path would put `cassandra` there, too, and hide an installed pycassa."""
    folder = ROOT / 'benchmarks'
    spec = importlib.util.spec_from_file_location('benchmarks', folder / '__init__.py',
                                                  submodule_search_locations=[str(folder)])
    sys.modules['benchmarks'] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_import_benchmarks()


def _environment(cache):
    package = pathlib.Path(os.path.abspath(pycassa.__file__)).parents[1]
    paths = [] if package.name.endswith('-packages') else [str(package)]
    paths += filter(None, [os.environ.get('PYTHONPATH')])
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'XDG_CACHE_HOME': str(cache)}


@pytest.fixture(scope='session')
def cache(tmp_path_factory):
    """Where C programs are built in these tests."""
    return tmp_path_factory.mktemp('cache')


@pytest.fixture(scope='session')
def bench(tmp_path_factory, cache):
    """`bench(*arguments)`: the outcome of `python -m benchmarks` with them, as `dev bench` runs it."""
    folder = tmp_path_factory.mktemp('bench')
    shutil.copytree(ROOT / 'benchmarks', folder / 'benchmarks', ignore=shutil.ignore_patterns('__pycache__'))

    def run(*arguments, **variables):
        return subprocess.run([sys.executable, '-m', 'benchmarks', *map(str, arguments)], cwd=folder, text=True,
                              capture_output=True, timeout=300, env={**_environment(cache), **variables})
    return run


@pytest.fixture
def cassandra_address():
    """An embedded server in a process of its own stands for a real one."""
    with spawn() as server:
        yield server.address
