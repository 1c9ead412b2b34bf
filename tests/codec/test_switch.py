"""The choice of the implementation, each in a fresh process on a copy of the package with other compiled modules."""
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import pycassa.codec

ROOT = pathlib.Path(pycassa.codec.__file__).resolve().parent
BINDINGS = pathlib.Path(importlib.util.find_spec('pycassa.cassandra').origin).parent

# What the compiled module `protocol` does when it is imported.
PRESENT = "from pycassa._pure.protocol import *\nIMPLEMENTATION = 'cython'\n"
FAKES = {
    'present': PRESENT,
    'broken': "raise ImportError('undefined symbol: PyThing_New')\n",
    'missing a dependency': 'import a_module_that_nobody_has\n',
    'crashing': "raise RuntimeError('built for another Python')\n",
    'stale': PRESENT + 'del encode_rows, scalar\n',
}
# Files beside a package of compiled modules, none of which this Python takes for the module `protocol`.
NO_MODULES = {'sources': ['protocol.pyx', 'protocol.pyi', 'protocol.c'],
              'of another Python': ['protocol.cpython-27-x86_64-linux-gnu.so', 'protocol.cp27-win_amd64.pyd']}
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """A copy of the package, as a raw checkout is laid out, without compiled modules."""
    root = tmp_path_factory.mktemp('tree')
    ignore = shutil.ignore_patterns('__pycache__', 'cassandra', '_speedups')
    shutil.copytree(ROOT, root / 'pycassa', ignore=ignore)
    shutil.copytree(BINDINGS, root / 'cassandra', ignore=shutil.ignore_patterns('__pycache__'))
    return root


@pytest.fixture
def run(tree, tmp_path):
    """Imports the codec with the compiled modules `fake` and PYCASSA_IMPL=`wanted`: (status, output)."""
    def run(fake, wanted, code='import pycassa.codec; print(pycassa.codec.implementation())'):
        shutil.rmtree(tree / '_speedups', ignore_errors=True)
        if fake != 'absent':
            (tree / '_speedups').mkdir()
            (tree / '_speedups' / '__init__.py').write_text('')
        if fake in FAKES:
            (tree / '_speedups' / 'protocol.py').write_text(FAKES[fake])
        for name in NO_MODULES.get(fake, []):
            (tree / '_speedups' / name).write_text('no module')
        if fake == 'damaged':
            (tree / '_speedups' / f'protocol{SUFFIX}').write_bytes(b'\x7fELF')
        environment = {name: value for name, value in os.environ.items() if name not in ('PYCASSA_IMPL', 'PYTHONPATH')}
        environment.update(PYTHONPATH=str(tree), PYTHONDONTWRITEBYTECODE='1')
        if wanted is not None:
            environment['PYCASSA_IMPL'] = wanted
        done = subprocess.run([sys.executable, '-c', code], env=environment, cwd=tmp_path, text=True,
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout.strip() or done.stderr.strip().splitlines()[-1]
    return run


@pytest.mark.parametrize('fake, wanted, implementation', [
    ('absent', None, 'pure'), ('absent', '', 'pure'), ('absent', 'auto', 'pure'), ('absent', 'pure', 'pure'),
    ('absent', ' Pure ', 'pure'), ('folder alone', 'auto', 'pure'), ('sources', 'auto', 'pure'),
    ('of another Python', 'auto', 'pure'), ('damaged', 'pure', 'pure'), ('present', None, 'cython'),
    ('present', 'auto', 'cython'),
    ('present', 'cython', 'cython'), ('present', 'pure', 'pure'), ('broken', 'pure', 'pure'),
    ('crashing', 'pure', 'pure')])
def test_what_is_chosen(run, fake, wanted, implementation):
    assert run(fake, wanted) == (0, implementation)


@pytest.mark.parametrize('wanted', ['auto', 'cython', None])
@pytest.mark.parametrize('fake, error', [
    ('broken', 'ImportError: undefined symbol: PyThing_New'),
    ('missing a dependency', "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"),
    ('crashing', 'RuntimeError: built for another Python'),
    ('stale', 'ImportError: pycassa._speedups is of another version than this package: it lacks encode_rows, scalar; '
              'build it again')])
def test_a_broken_build_never_passes_for_pure(run, fake, wanted, error):
    assert run(fake, wanted) == (1, error)


@pytest.mark.parametrize('wanted', ['auto', 'cython'])
def test_a_damaged_file_never_passes_for_pure(run, wanted):
    status, error = run('damaged', wanted)
    assert status == 1 and error.startswith('ImportError: ') and f'protocol{SUFFIX}' in error


@pytest.mark.parametrize('fake', ['absent', 'folder alone', *NO_MODULES])
def test_what_is_no_module_cannot_be_asked_for(run, fake):
    status, error = run(fake, 'cython')
    assert status == 1 and 'ConfigurationError: PYCASSA_IMPL=cython, but this installation has no' in error


def test_a_named_choice_that_cannot_be_had_raises(run):
    status, error = run('absent', 'cython')
    assert status == 1
    assert error.startswith('pycassa.errors.ConfigurationError: PYCASSA_IMPL=cython, but this installation has no '
                            'compiled modules')
    assert run('present', 'fast') == (1, 'pycassa.errors.ConfigurationError: PYCASSA_IMPL=fast: choose auto, cython '
                                         'or pure')


def test_clients_do_not_load_the_servers_side(run):
    code = ('import sys, pycassa.codec\n'
            "assert 'pycassa._pure.serving' not in sys.modules\n"
            'from pycassa.codec import DECODERS\n'
            "print('pycassa._pure.serving' in sys.modules)")
    assert run('absent', None, code) == (0, 'True')


def test_the_interface_is_the_same_everywhere(codec):
    names = {name for name in pycassa.codec.__all__ if name != 'implementation'}
    assert set(codec.__all__) == names
    assert all(hasattr(codec, name) for name in names)


def parameters(function):
    """The parameters of a function, comparable: a default that is a function itself stands under its name."""
    return [(each.name, each.kind, getattr(each.default, '__name__', each.default))
            for each in inspect.signature(function).parameters.values()]


def test_calls_are_the_same_everywhere(codec):
    """Same parameters, same names, same defaults: what mypy checks against the pure twin holds for both."""
    pure = importlib.import_module('pycassa._pure.protocol')
    for name in set(pycassa.codec.__all__) - {'implementation'}:
        if inspect.isfunction(getattr(pure, name)):
            assert parameters(getattr(codec, name)) == parameters(getattr(pure, name)), name


def test_unknown_names():
    for name in ('no_such_name', '_private'):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(pycassa.codec, name)
