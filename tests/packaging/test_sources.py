"""The compiled codec's files, its pure twin, the build and the lists of what is shipped name the same things."""
import json
import re
import subprocess
import sys

import pytest

from .conftest import ROOT, clean_environment

SOURCES = {path.stem: path for path in ROOT.glob('_speedups/*.pyx')}
PARTS = set(SOURCES) - {'protocol'}
TWINS = {path.stem for path in ROOT.glob('pycassa/_pure/*.py')}
# The server's side, and what only it uses: development servers need not be fast.
PURE_ALONE = {'__init__', 'serving', 'results', 'request_batches', 'request_structs', 'shapes'}
INCLUDE = re.compile(r'^[ \t]*include +[\'"]([^\'"]+)[\'"]', re.M)


def test_the_extension_includes_every_part_once():
    included = INCLUDE.findall(SOURCES['protocol'].read_text(encoding='utf-8'))
    assert sorted(included) == sorted(f'{part}.pyx' for part in PARTS)
    assert not [part for part in PARTS if INCLUDE.search(SOURCES[part].read_text(encoding='utf-8'))]


def test_every_part_has_a_twin_of_its_name():
    assert PARTS | {'protocol'} == TWINS - PURE_ALONE


def test_directives_stand_in_one_place():
    """Cython reads those of an included file as comments."""
    assert [name for name, path in SOURCES.items() if re.search(r'^# *cython:', path.read_text(), re.M)] == ['protocol']


def test_raw_memory_is_for_the_cursor():
    """The other parts don't count bytes of buffers: what may go out of bounds is in one place."""
    allocating = re.compile(r'\b(malloc|realloc|PyMem_Malloc|PyMem_Realloc)\s*\(')
    assert [name for name, path in SOURCES.items() if allocating.search(path.read_text())] in ([], ['cursor'])


def extensions(tree, **variables):
    """What setup.py says of its extensions: {name: dependencies}"""
    code = ('import json, setuptools, distutils.core\n'
            'found = distutils.core.run_setup("setup.py", stop_after="init").ext_modules\n'
            'print(json.dumps({each.name: each.depends for each in found}))')
    done = subprocess.run([sys.executable, '-c', code], cwd=tree, check=True, text=True, stdout=subprocess.PIPE,
                          env={**clean_environment(), **variables})
    return json.loads(done.stdout)


def test_the_build_knows_one_extension_and_all_its_parts(source):
    parts = sorted(f'_speedups/{path.name}' for path in source.glob('_speedups/*.pyx'))
    assert extensions(source) == {'pycassa._speedups.protocol': parts}
    assert extensions(source, PYCASSA_FORBID_EXTENSIONS='1') == {}


@pytest.mark.parametrize('need', ['setuptools>=64', 'Cython>=3.0.11'])
def test_builds_by_pip_and_by_dev_need_the_same(need):
    requires = re.search(r'^requires = \[(.*)\]', (ROOT / 'pyproject.toml').read_text(encoding='utf-8'), re.M)[1]
    assert f'"{need}"' in requires
    assert f"'{need}'" in (ROOT / 'dev').read_text(encoding='utf-8')
