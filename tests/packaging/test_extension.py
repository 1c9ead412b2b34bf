"""The compiled codec is optional: every build has all of it or says why it has none, and a variable decides."""
import pathlib
import shutil
import stat
import subprocess
import sysconfig
import tarfile
import zipfile

import pytest

from .conftest import BUILD_WHEEL, build_wheel, clean_environment
from .test_install import CHECK

SUFFIX = sysconfig.get_config_var('EXT_SUFFIX')
IMPLEMENTATION = CHECK + 'print(pycassa.implementation())'
SAID = 'pycassa: the compiled codec cannot be built: '
REQUIRE, FORBID = {'PYCASSA_REQUIRE_EXTENSIONS': '1'}, {'PYCASSA_FORBID_EXTENSIONS': '1'}


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def modules_in(folder):
    return sorted(path.name for path in pathlib.Path(folder).rglob('*') if path.suffix in ('.so', '.pyd'))


def implementation(environment, **variables):
    return environment.run(IMPLEMENTATION, **variables).splitlines()[-1]


# --- the real codec --------------------------------------------------------------------------------------------------

ROUND_TRIP = """
from pycassa import codec
assert codec.IMPLEMENTATION == "cython" and codec.scalar.__module__ != "pycassa._pure.packing"
from pycassa.embedded import EmbeddedServer
import pycassa
with EmbeddedServer() as server:
    system = pycassa.SystemManager(server.address)
    system.create_keyspace("Ks", "SimpleStrategy", {"replication_factor": "1"})
    system.create_column_family("Ks", "Cf", comparator_type="UTF8Type", default_validation_class="UTF8Type")
    system.close()
    pool = pycassa.ConnectionPool("Ks", [server.address])
    family = pycassa.ColumnFamily(pool, "Cf")
    family.insert("row", {"name": "value"})
    print(dict(family.get("row")))
    pool.dispose()
"""


def test_a_wheel_with_the_compiled_codec(environment, compiled):
    assert not compiled.name.endswith('-any.whl')
    names = names_in(compiled)
    assert [name for name in names if name.endswith(('.so', '.pyd'))] == [f'pycassa/_speedups/protocol{SUFFIX}']
    assert 'pycassa/_speedups/protocol.pyi' in names
    assert not [name for name in names if name.endswith(('.pyx', '.pxd', '.c'))]
    environment.install(compiled)
    assert implementation(environment) == implementation(environment, PYCASSA_IMPL='cython') == 'cython'
    assert implementation(environment, PYCASSA_IMPL='pure') == 'pure'
    assert environment.run(ROUND_TRIP) == "{'name': 'value'}"


def test_the_sdist_holds_the_source_of_the_codec_and_no_translation(built):
    with tarfile.open(built['sdist']) as sdist:
        names = {name.partition('/')[2] for name in sdist.getnames()}
    assert {'_speedups/protocol.pyx', '_speedups/protocol.pyi', '_speedups/cursor.pyx'} <= names
    assert not [name for name in names if name.startswith(('_speedups/', 'build/')) and name.endswith(('.c', '.so'))]


# --- builds that cannot compile --------------------------------------------------------------------------------------

NO_CYTHON = 'import sys; sys.modules["Cython"] = None\n' + BUILD_WHEEL
OLD_CYTHON = 'import Cython; Cython.__version__ = "0.29.37"\n' + BUILD_WHEEL


def without_headers(tree, compiler):
    """A compiler that does not find Python.h."""
    wrapper = tree / 'cc'
    wrapper.write_text('#!/bin/sh\nfor each do shift; case $each in -I*) ;; *) set -- "$@" "$each";; esac; done\n'
                       f'exec {compiler} "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return {'CC': str(wrapper)}


def untranslatable(tree, compiler):
    (tree / '_speedups' / 'part.pyx').write_text('cdef int wrong(:\n')
    return {}


def uncompilable(tree, compiler):
    with open(tree / '_speedups' / 'part.pyx', 'a') as file:
        file.write('cdef extern from "no_such_header.h":\n    int nothing\n')
    return {}


BROKEN = {
    'no Cython': (lambda tree, compiler: {'code': NO_CYTHON}, 'Cython 3 is not installed where the build runs'),
    'Cython of old': (lambda tree, compiler: {'code': OLD_CYTHON}, 'Cython 3 is needed, and the build runs with 0.29'),
    'no compiler': (lambda tree, compiler: {'CC': 'no-such-compiler'}, 'there is no C compiler that works'),
    'a compiler that fails': (lambda tree, compiler: {'CC': 'false'}, 'there is no C compiler that works'),
    'no headers': (without_headers, 'there is no C compiler that works with the headers of this Python'),
    'Cython finds an error': (untranslatable, 'Cython does not translate pycassa._speedups.protocol: '),
    'the compiler finds an error': (uncompilable, ''),
}


@pytest.fixture(params=BROKEN)
def broken(request, stand_in, compiler, tmp_path):
    """A build that cannot compile the codec, to be called with variables, and the reason that it should give."""
    spoil, reason = BROKEN[request.param]
    arguments = spoil(stand_in, compiler)
    return lambda **variables: build_wheel(stand_in, tmp_path / 'dist', **arguments, **variables), reason


def test_a_build_that_cannot_compile_is_pure_and_says_so_once(broken, environment):
    build, reason = broken
    done = build()
    assert done.status == 0, done.output
    assert done.output.count(SAID) == 1 and SAID + reason in done.output
    assert 'PYCASSA_REQUIRE_EXTENSIONS=1 makes this an error' in done.output
    assert done.wheel.name.endswith('-py3-none-any.whl')
    assert not [name for name in names_in(done.wheel) if name.endswith(('.so', '.pyd', '.c', '.pyx'))]
    environment.install(done.wheel)
    assert implementation(environment) == 'pure'


def test_where_the_codec_is_required_that_is_an_error(broken):
    build, reason = broken
    done = build(**REQUIRE)
    assert done.status != 0 and done.wheel is None
    assert ('PYCASSA_REQUIRE_EXTENSIONS is set, and the compiled codec cannot be built: ' + reason) in done.output


def test_a_codec_that_is_forbidden_is_not_tried(environment, stand_in, compiler, tmp_path):
    done = build_wheel(stand_in, tmp_path / 'dist', **FORBID)
    assert done.status == 0 and done.wheel.name.endswith('-py3-none-any.whl')
    assert SAID not in done.output and not modules_in(stand_in)
    environment.install(done.wheel)
    assert implementation(environment) == 'pure'
    asked = environment.run('try:\n    import pycassa\nexcept Exception as error:\n    print(type(error), error)',
                            PYCASSA_IMPL='cython')
    assert 'ConfigurationError' in asked and 'this installation has no compiled modules' in asked


def test_to_require_and_to_forbid_is_an_error(stand_in, tmp_path):
    done = build_wheel(stand_in, tmp_path / 'dist', **REQUIRE, **FORBID)
    assert done.status != 0 and done.wheel is None
    assert 'PYCASSA_REQUIRE_EXTENSIONS and PYCASSA_FORBID_EXTENSIONS are both set' in done.output


def test_zero_and_nothing_leave_a_variable_unset(stand_in, tmp_path):
    done = build_wheel(stand_in, tmp_path / 'dist', PYCASSA_REQUIRE_EXTENSIONS='0', PYCASSA_FORBID_EXTENSIONS='',
                       CC='false')
    assert done.status == 0 and done.output.count(SAID) == 1


# --- what earlier builds left ----------------------------------------------------------------------------------------

@pytest.mark.parametrize('later', [{'CC': 'false'}, FORBID], ids=['no compiler', 'forbidden'])
def test_a_pure_wheel_has_no_module_of_an_earlier_build(stand_in, compiler, tmp_path, later):
    first = build_wheel(stand_in, tmp_path / 'first', **REQUIRE)
    assert first.status == 0, first.output
    assert not first.wheel.name.endswith('-any.whl')
    second = build_wheel(stand_in, tmp_path / 'second', **later)
    assert second.wheel.name.endswith('-py3-none-any.whl')
    assert not [name for name in names_in(second.wheel) if name.endswith(('.so', '.pyd'))]


def test_every_part_of_the_source_is_built_anew_when_it_changed(stand_in, compiler, environment, tmp_path):
    assert build_wheel(stand_in, tmp_path / 'first', **REQUIRE).status == 0
    with open(stand_in / '_speedups' / 'part.pyx', 'a') as file:
        file.write('CHANGED = True\n')
    environment.install(build_wheel(stand_in, tmp_path / 'second', **REQUIRE).wheel)
    assert environment.run('import pycassa._speedups.protocol as codec; print(codec.CHANGED)') == 'True'


# --- other ways to install -------------------------------------------------------------------------------------------

def editable(environment, tree, mode, ok=True, **variables):
    return environment.install('-e', tree, '--config-settings', f'editable_mode={mode}', ok=ok, **variables)


@pytest.mark.parametrize('mode', ['lenient', 'strict'])
def test_editable(environment, stand_in, compiler, mode):
    environment.borrow_cython()
    editable(environment, stand_in, mode, **REQUIRE)
    assert implementation(environment) == implementation(environment, PYCASSA_IMPL='cython') == 'cython'
    assert not list(stand_in.glob('_speedups/*.c'))


@pytest.mark.parametrize('later', [{'CC': 'false'}, FORBID], ids=['no compiler', 'forbidden'])
@pytest.mark.parametrize('mode', ['lenient', 'strict'])
def test_editable_that_becomes_pure(environment, stand_in, compiler, mode, later):
    environment.borrow_cython()
    editable(environment, stand_in, mode, **REQUIRE)
    editable(environment, stand_in, mode, **later)
    assert implementation(environment) == 'pure'


def test_a_module_built_in_place_serves_the_checkout(environment, stand_in, compiler):
    environment.borrow_cython()
    subprocess.run([environment.python, 'setup.py', 'build_ext', '--inplace'], cwd=stand_in, check=True,
                   capture_output=True, env={**clean_environment(), **REQUIRE})
    assert modules_in(stand_in / '_speedups') == ['protocol' + SUFFIX]
    assert not list(stand_in.glob('_speedups/*.c'))
    assert implementation(environment, PYTHONPATH=str(stand_in)) == 'cython'
    shutil.rmtree(stand_in / '_speedups')
    assert implementation(environment, PYTHONPATH=str(stand_in)) == 'pure'


def test_sources_alone_are_pure(environment, source):
    assert list(source.glob('_speedups/*.pyx'))
    assert implementation(environment, PYTHONPATH=str(source)) == 'pure'


def test_setup_py_install(environment, stand_in, compiler):
    environment.borrow_cython()
    subprocess.run([environment.python, 'setup.py', 'install', '--single-version-externally-managed', '--record',
                    stand_in / 'record'], cwd=stand_in, check=True, capture_output=True,
                   env={**clean_environment(), **REQUIRE})
    assert implementation(environment) == 'cython'


def test_uninstalling_takes_the_module_along(environment, stand_in, compiler, tmp_path):
    environment.install(build_wheel(stand_in, tmp_path / 'dist', **REQUIRE).wheel)
    environment.pip('uninstall', '-y', 'pycassa')
    assert 'pycassa' not in environment.names()


def test_the_way_out_of_pips_cache(environment, stand_in, compiler, tmp_path):
    """pip keeps the wheel of an sdist that it found by name, whatever the variables: docs/installing.md says so."""
    index = tmp_path / 'index'
    index.mkdir()
    shutil.make_archive(str(index / 'pycassa-2.0.0'), 'gztar', stand_in.parent, stand_in.name)
    environment.borrow_cython()
    by_name = ('--force-reinstall', '--no-index', '--find-links', index, 'pycassa')
    cached = ('--cache-dir', tmp_path / 'cache', *by_name)
    environment.install(*cached, CC='false')
    environment.install(*cached, **REQUIRE)
    assert implementation(environment) == 'pure', 'pip asks again by now: correct docs/installing.md'
    environment.install('--no-cache-dir', *by_name, **REQUIRE)
    assert implementation(environment) == 'cython'
