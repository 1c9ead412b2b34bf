"""Every way to install or copy the package imports, and shares the name `cassandra` with the CQL driver in peace."""
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from .conftest import clean_environment

# Everything that an installation must offer, whichever way it came.
CHECK = """
import pycassa, pycassa.cassandra.Cassandra, pycassa.cassandra.constants, pycassa.embedded, pycassa.ingest
from pycassa.cassandra import ttypes
assert pycassa.NotFoundException is ttypes.NotFoundException
assert pycassa.implementation() in ("pure", "cython")
print(pycassa.__file__)
"""
SAME_INTERFACE = """
import cassandra.ttypes, cassandra.Cassandra, cassandra.constants, cassandra, pycassa, pycassa.cassandra
assert cassandra is pycassa.cassandra
assert cassandra.ttypes.NotFoundException is pycassa.NotFoundException
assert cassandra.Cassandra.Client is pycassa.cassandra.Cassandra.Client
print("same")
"""


def test_wheel(environment, built):
    environment.install(built['wheel'])
    assert pathlib.Path(environment.run(CHECK)).is_relative_to(environment.site)
    assert 'cassandra' not in environment.names() and '_speedups' not in environment.names()
    assert 'usage: pycassa' in subprocess.run([environment.python.parent / 'pycassa', '--help'], text=True, check=True,
                                              capture_output=True, env=clean_environment()).stdout


def test_sdist(environment, built):
    environment.install(built['sdist'])
    environment.run(CHECK)


@pytest.mark.parametrize('mode', ['lenient', 'strict'])
def test_editable(environment, fresh_source, mode):
    environment.install('-e', fresh_source, '--config-settings', f'editable_mode={mode}')
    found = pathlib.Path(environment.run(CHECK))
    assert found.is_relative_to(fresh_source)
    environment.run('import pycassa._speedups')


def test_setup_py_install(environment, fresh_source):
    subprocess.run([environment.python, 'setup.py', 'install', '--single-version-externally-managed', '--record',
                    fresh_source / 'record'], cwd=fresh_source, check=True, capture_output=True,
                   env=clean_environment())
    environment.run(CHECK)


def copy_packages(source, target, *folders):
    for folder in folders:
        shutil.copytree(source / folder, target / folder)
    return target


def test_raw_copy_of_two_folders(environment, source, tmp_path):
    copy = copy_packages(source, tmp_path / 'copy', 'pycassa', 'cassandra')
    found = environment.run(CHECK, cwd=copy, PYTHONPATH=str(copy))
    assert pathlib.Path(found).is_relative_to(copy)
    assert environment.run(SAME_INTERFACE, PYTHONPATH=str(copy)) == 'same'


def test_a_checkout_serves_exactly_two_siblings(environment, source):
    environment.run(CHECK, PYTHONPATH=str(source))
    environment.run('import pycassa._speedups', PYTHONPATH=str(source))
    environment.run('import importlib.util\n'
                    'for name in ("tests", "benchmarks", "docs", "setup", "dev"):\n'
                    '    assert importlib.util.find_spec("pycassa." + name) is None, name', PYTHONPATH=str(source))


@pytest.mark.parametrize('first', ['cassandra', 'cassandra.ttypes', 'pycassa.cassandra.ttypes'])
def test_either_name_may_be_imported_first(environment, source, first):
    environment.run(f'import {first}\n{SAME_INTERFACE}', PYTHONPATH=str(source))


def test_the_wheel_holds_the_package_and_nothing_else(built):
    with zipfile.ZipFile(built['wheel']) as wheel:
        names = wheel.namelist()
    assert {name.split('/')[0] for name in names} == {'pycassa', built['wheel'].name.split('-py')[0] + '.dist-info'}
    assert 'pycassa/py.typed' in names and 'pycassa/cassandra/cassandra.thrift' in names
    assert not [name for name in names if name.endswith(('.pyx', '.pxd', '.c', '.pyc'))]
    assert built['wheel'].name.endswith('-py3-none-any.whl')


def test_the_sdist_holds_what_the_tests_and_builds_need(built, source):
    with tarfile.open(built['sdist']) as sdist:
        names = {name.partition('/')[2] for name in sdist.getnames()}
    for wanted in ('dev', 'LICENSE', 'README.md', 'CHANGES.md', 'setup.py', 'pyproject.toml', 'pycassa/__init__.py',
                   'cassandra/cassandra.thrift', '_speedups/__init__.py', 'tests/conftest.py',
                   'benchmarks/__main__.py', 'benchmarks/sink.c', 'tests/packaging/bare-debian', 'docs/differences.md'):
        assert wanted in names
    # All Python and Cython of the checkout, and what tests compare with.
    for path in [*source.glob('_speedups/*.p*'), *source.glob('tests/**/*.py'), *source.glob('tests/**/*.json'),
                 *source.glob('pycassa/**/*.py')]:
        assert path.relative_to(source).as_posix() in names


# --- the alias -----------------------------------------------------------------------------------------------------

GLOBAL_OPTION = '--config-settings=--global-option=--cassandra'


@pytest.fixture(scope='session')
def driver(tmp_path_factory):
    """A wheel that stands where cassandra-driver stands: its package `cassandra` and its metadata."""
    folder = tmp_path_factory.mktemp('driver')
    package = folder / 'cassandra'
    package.mkdir()
    (package / '__init__.py').write_text('__version__ = "3.0"\n')
    (package / 'cluster.py').write_text('class Cluster: pass\n')
    (folder / 'setup.py').write_text('from setuptools import setup\n'
                                     'setup(name="cassandra-driver", version="3.0", packages=["cassandra"])\n')
    return folder


DRIVER_WORKS = 'import cassandra, cassandra.cluster; assert cassandra.__version__ == "3.0"; cassandra.cluster.Cluster'


def test_alias_by_pip(environment, fresh_source):
    environment.install(GLOBAL_OPTION, fresh_source)
    assert environment.run(SAME_INTERFACE) == 'same'
    environment.pip('uninstall', '-y', 'pycassa')
    assert not {'pycassa', 'cassandra', 'cassandra.py'} & environment.names()


def test_alias_by_setup_py(environment, fresh_source):
    subprocess.run([environment.python, 'setup.py', '--cassandra', 'install', '--single-version-externally-managed',
                    '--record', fresh_source / 'record'], cwd=fresh_source, check=True, capture_output=True,
                   env=clean_environment())
    assert environment.run(SAME_INTERFACE) == 'same'


def test_alias_is_refused_beside_a_driver_and_leaves_it_whole(environment, fresh_source, driver):
    environment.install(driver)
    output = environment.install(GLOBAL_OPTION, fresh_source, ok=False)
    assert 'cassandra-driver' in output and 'pycassa.cassandra is always installed' in output
    done = subprocess.run([environment.python, 'setup.py', '--cassandra', 'install'], cwd=fresh_source, text=True,
                          capture_output=True, env=clean_environment())
    assert done.returncode != 0 and 'cassandra-driver' in done.stderr
    environment.run(DRIVER_WORKS)


def test_a_driver_installed_after_the_alias_wins_and_survives(environment, fresh_source, driver):
    environment.install(GLOBAL_OPTION, fresh_source)
    environment.install(driver)
    environment.run(DRIVER_WORKS)
    environment.run(CHECK)
    environment.pip('uninstall', '-y', 'pycassa')
    environment.run(DRIVER_WORKS)


@pytest.mark.parametrize('order', ['driver first', 'pycassa first'])
def test_driver_and_pycassa_live_together(environment, built, driver, order):
    both = [driver, built['wheel']] if order == 'driver first' else [built['wheel'], driver]
    for each in both:
        environment.install(each)
    environment.run(CHECK + DRIVER_WORKS)
    environment.run(DRIVER_WORKS + '\n' + CHECK)
    gone = 'cassandra-driver' if order == 'driver first' else 'pycassa'
    environment.pip('uninstall', '-y', gone)
    environment.run(CHECK if gone == 'cassandra-driver' else DRIVER_WORKS)


def test_the_real_driver_and_pycassa_live_together(environment, built, tmp_path):
    """With the CQL driver of the package index; skipped where the index cannot be reached."""
    done = subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--only-binary', ':all:', '-d',
                           tmp_path, 'cassandra-driver'], text=True, capture_output=True)
    if done.returncode:
        pytest.skip('needs the package index, to fetch cassandra-driver')
    (driver,) = tmp_path.glob('*.whl')
    environment.install(driver)
    environment.install(built['wheel'])
    works = 'import cassandra.util, cassandra; assert cassandra.__version__; assert cassandra.util.OrderedMap'
    environment.run(CHECK + works)
    environment.pip('uninstall', '-y', 'pycassa')
    environment.run(works)
    environment.install(built['wheel'])
    environment.pip('uninstall', '-y', 'cassandra-driver')
    environment.run(CHECK)
