"""The floors of the package: a module imports from its own floor or a lower one, and never in a cycle."""
import ast
import pathlib
import re

import pytest

from .conftest import ROOT

# Every module has its place here; a folder stands for all modules in it. A new module must be added.
FLOORS = {
    0: ['credentials', 'errors', 'util', 'cassandra/'],
    1: ['codec', '_pure/', '_speedups/'],
    2: ['addresses', 'connection', 'transport', 'framing', 'rawcalls', 'endpoint', 'sasl', 'operations', 'structcalls',
        'marshal', 'types'],
    3: ['pool', 'store', 'hosts', 'retry', 'wrapper', 'listeners', 'runtime', 'logging/'],
    4: ['columnfamily', 'batch', 'index', 'system_manager', 'schema', 'definitions', 'paging',
        'absence', 'conditions', 'familyargs'],
    5: ['columnfamilymap', 'contrib/', 'ingest/', 'shell/', 'cli', 'legacy', 'legacy_pools'],
    6: ['__init__'],
}
# Beside the tower: the embedded server may use floors 0 to 2, and nothing in the tower may use it but the stubs.
EMBEDDED = 'embedded/'
EMBEDDED_REACH = 2
USES_EMBEDDED = 'contrib/'
# Only the switch itself looks behind it, and twins among themselves.
BEHIND_THE_SWITCH = ('_pure/', '_speedups/')
# Names that old code expects of a lower module come through a lazy module __getattr__.
FOLDERS = {'pycassa': '', 'cassandra': 'cassandra/', '_speedups': '_speedups/'}


def modules():
    """{module path below pycassa, as 'logging/pool_logger': file}"""
    found = {}
    for folder, prefix in FOLDERS.items():
        for path in [*(ROOT / folder).rglob('*.py'), *(ROOT / folder).rglob('*.pyx')]:
            found[prefix + path.relative_to(ROOT / folder).with_suffix('').as_posix()] = path
    return found


MODULES = modules()


def floor_of(module):
    for floor, places in FLOORS.items():
        for place in places:
            if module == place or (place.endswith('/') and module.startswith(place)):
                return floor
    return None


def module_of(dotted):
    """The module path of a dotted name of this package, or None for names of others."""
    if dotted != 'pycassa' and not dotted.startswith('pycassa.'):
        return None
    path = dotted.partition('.')[2].replace('.', '/')
    for candidate in (path, f'{path}/__init__' if path else '__init__'):
        if candidate in MODULES:
            return candidate
    return None


def statements(tree):
    """All nodes that are executed when the module is used, less lazy module __getattr__ and typing-only blocks."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name == '__getattr__' and isinstance(tree, ast.Module):
            continue
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test):
            continue
        yield node
        yield from statements(node)


def absolute(module, level, name):
    """The dotted name of what `module` calls `name` with `level` leading dots."""
    package = ['pycassa', *module.split('/')][:-1]
    base = '.'.join(package[:len(package) - level + 1]) if level else ''
    return '.'.join(part for part in (base, name) if part)


def python_imports(module, text):
    """The dotted names that a module in Python imports, each with its line."""
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node.level, node.module)
            # `from package import submodule` imports the submodule; `from module import name` the module.
            for alias in node.names:
                yield (f'{base}.{alias.name}' if module_of(f'{base}.{alias.name}') else base), node.lineno


CYTHON_FROM = re.compile(r'^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n]+)', re.M)
CYTHON_IMPORT = re.compile(r'^[ \t]*c?import[ \t]+([^\n]+)', re.M)


def cython_imports(module, text):
    """The same of a module in Cython, which ast does not read: import and cimport, wherever they stand."""
    def names(listed):
        return [part.split()[0] for part in re.sub(r'#.*', '', listed).strip('() \n').split(',') if part.strip()]

    for found in CYTHON_IMPORT.finditer(text):
        line = text.count('\n', 0, found.start()) + 1
        yield from ((name, line) for name in names(found[1]))
    for found in CYTHON_FROM.finditer(text):
        base = absolute(module, len(found[1]), found[2])
        line = text.count('\n', 0, found.start()) + 1
        yield from ((f'{base}.{name}' if module_of(f'{base}.{name}') else base, line) for name in names(found[3]))


def imports(module):
    """The modules of this package that `module` imports, each with its line."""
    path = MODULES[module]
    read = cython_imports if path.suffix == '.pyx' else python_imports
    for name, line in read(module, path.read_text(encoding='utf-8')):
        target = module_of(name)
        if target is not None and target != module:
            yield target, line


def test_every_module_has_a_floor():
    homeless = [module for module in MODULES if floor_of(module) is None and not module.startswith(EMBEDDED)]
    assert not homeless, f'say in FLOORS on which floor these stand: {homeless}'


@pytest.mark.parametrize('module', sorted(MODULES))
def test_a_module_imports_from_its_floor_or_below(module):
    embedded = module.startswith(EMBEDDED)
    reach = EMBEDDED_REACH if embedded else floor_of(module)
    for target, line in imports(module):
        where = f'{MODULES[module]}:{line} imports {target}'
        if target.startswith(EMBEDDED):
            assert embedded or reach == 6 or module.startswith(USES_EMBEDDED), \
                f'{where}: nothing in the tower uses the embedded server'
            continue
        assert floor_of(target) <= reach, f'{where}: of floor {floor_of(target)}, from floor {reach}'
        if target.startswith(BEHIND_THE_SWITCH):
            assert module.startswith(BEHIND_THE_SWITCH) or module == 'codec', f'{where}: past the switch'


def test_the_pure_twin_does_not_know_the_compiled_one():
    for module in MODULES:
        if module.startswith('_pure/'):
            assert not [target for target, _ in imports(module) if target.startswith('_speedups/')]


def test_the_twins_do_not_know_the_switch():
    """It imports them by names that it computes, so the check for cycles would not see it."""
    for module in MODULES:
        if module.startswith(BEHIND_THE_SWITCH):
            assert not [target for target, _ in imports(module) if target == 'codec']


def test_there_is_no_cycle():
    graph = {module: {target for target, _ in imports(module)} for module in MODULES}
    done = set()

    def visit(module, trail):
        if module in trail:
            pytest.fail('import cycle: ' + ' -> '.join([*trail[trail.index(module):], module]))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])


def test_the_checker_sees_what_it_should(tmp_path, monkeypatch):
    """A check that cannot fail is none: show it an import of each forbidden kind."""
    wrong = {'errors': 'from pycassa.pool import ConnectionPool', 'util': 'def f():\n    import pycassa.batch',
             'marshal': 'from pycassa._pure import packing', 'batch': 'from .embedded import server'}
    for module, text in wrong.items():
        path = pathlib.Path(tmp_path, 'module.py')
        path.write_text(text)
        monkeypatch.setitem(MODULES, module, path)
        for name in ('pool', 'batch', '_pure/packing', 'embedded/server'):
            if name != module:
                monkeypatch.setitem(MODULES, name, MODULES.get(name, path))
        with pytest.raises(AssertionError):
            test_a_module_imports_from_its_floor_or_below(module)
        monkeypatch.undo()


@pytest.mark.parametrize('text, expected', [
    ('from pycassa._pure import packing as pure_packing, wire', ['_pure/packing', '_pure/wire']),
    ('from pycassa._pure.packing import (\n    PACK_ERRORS,  # a, b\n    scalar,\n)', ['_pure/packing'] * 2),
    ('cimport cython\nfrom libc.string cimport memcpy\nimport os, pycassa.pool', ['pool']),
    ('from .. import errors', ['errors']), ('from ..util cimport thing', ['util']),
    ('def f():\n    import pycassa.batch as b', ['batch']), ('cdef extern from "Python.h":\n    pass', []),
])
def test_the_checker_reads_cython(text, expected):
    assert [module_of(name) for name, _ in cython_imports('_speedups/module', text) if module_of(name)] == expected


def test_the_checker_sees_what_cython_should_not_import(tmp_path, monkeypatch):
    path = pathlib.Path(tmp_path, 'module.pyx')
    path.write_text('from pycassa.types import UTF8Type\n')
    monkeypatch.setitem(MODULES, '_speedups/module', path)
    with pytest.raises(AssertionError, match='module.pyx:1 imports types: of floor 2, from floor 1'):
        test_a_module_imports_from_its_floor_or_below('_speedups/module')
