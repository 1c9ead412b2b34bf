"""Docstrings are there and name the parameters; the pages' examples print what the pages say; links lead somewhere."""
import ast
import doctest
import importlib
import inspect
import itertools
import os
import pathlib
import pkgutil
import pydoc
import re
import runpy
import subprocess
import sys
import types

import pytest

import pycassa
from pycassa.wrapper import THRIFT_METHODS

# Modules whose classes users meet: every method has its docstring, too. In the others classes and functions have.
PUBLIC = {'pycassa.' + name for name in (
    'addresses', 'batch', 'cli', 'codec', 'columnfamily', 'columnfamilymap', 'connection',
    'contrib.anytype', 'contrib.cluster', 'contrib.enginelink', 'contrib.rows', 'contrib.stubs', 'embedded.engine',
    'embedded.faults', 'embedded.plugin', 'embedded.process', 'embedded.profiles', 'embedded.server', 'errors', 'index',
    'ingest.job', 'ingest.mapping', 'ingest.progress', 'ingest.readers', 'ingest.writer', 'legacy', 'legacy_pools',
    'listeners', 'logging.pool_logger', 'logging.pool_stats_logger', 'logging.pycassa_logger', 'marshal', 'operations',
    'pool', 'retry', 'runtime', 'sasl', 'schema', 'store', 'system_manager', 'transport', 'types', 'util', 'wrapper')}

# The methods of these are described by the interface that they fulfil.
INTERFACES = {'ThriftOperations': 'pycassa.operations.Operations', 'PoolLogger': 'pycassa.PoolListener',
              'StatsLogger': 'pycassa.PoolListener',
              'TSaslClientTransport': 'thrift.transport.TTransport.TTransportBase'}

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ('README.md', *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob('docs/**/*.md')))
WITH_COMMANDS = [page for page in PAGES[1:] if '```console' in (ROOT / page).read_text(encoding='utf-8')]
# Its examples have the shell's variables: tests/shell runs them.
OF_THE_SHELL = 'docs/shell.md'


def modules():
    for info in pkgutil.walk_packages(pycassa.__path__, 'pycassa.'):
        if not any(part.startswith('_') for part in info.name.split('.')) and 'cassandra' not in info.name.split('.'):
            yield importlib.import_module(info.name)


def own_members(module):
    """The public classes and functions that the module defines."""
    for name, member in vars(module).items():
        if not name.startswith('_') and getattr(member, '__module__', None) == module.__name__:
            if inspect.isclass(member) or inspect.isfunction(member):
                yield name, member


def own_methods(cls):
    for name, member in vars(cls).items():
        is_method = isinstance(member, (types.FunctionType, property, staticmethod, classmethod))
        if is_method and not name.startswith('_') and name not in THRIFT_METHODS:
            if not hasattr(pydoc.locate(INTERFACES.get(cls.__name__, 'object')), name):
                yield name


# --- docstrings -------------------------------------------------------------------------------------------------------

def test_every_public_module_is_there():
    assert PUBLIC <= {module.__name__ for module in modules()}


def test_modules_classes_and_functions_have_docstrings():
    bare = [module.__name__ for module in modules() if not inspect.getdoc(module)]
    bare += [f'{module.__name__}.{name}' for module in modules() for name, member in own_members(module)
             if not inspect.getdoc(member)]
    assert bare == []


def test_public_methods_have_docstrings():
    bare = [f'{module.__name__}.{name}.{method}' for module in modules() if module.__name__ in PUBLIC
            for name, member in own_members(module) if inspect.isclass(member)
            for method in own_methods(member) if not inspect.getdoc(getattr(member, method))]
    assert bare == []


@pytest.mark.parametrize('cls', [pycassa.Connection, pycassa.ConnectionWrapper, pycassa.legacy.Client])
def test_thrift_calls_have_docstrings(cls):
    """Sentences, and not the list of parameters alone that the compiler writes by itself."""
    docs = {name: inspect.getdoc(getattr(cls, name)) for name in THRIFT_METHODS}
    assert [name for name, doc in docs.items() if not doc or doc.startswith('Parameters:')] == []


def test_help_of_get_names_all_its_parameters():
    text = pydoc.plain(pydoc.render_doc(pycassa.ColumnFamily.get))
    body = text.partition('Parameters')[2]
    for name in list(inspect.signature(pycassa.ColumnFamily.get).parameters)[1:]:
        assert re.search(rf'^ *{name} : ', body, re.MULTILINE), name


def described(cls, text, seen=None):
    """`text` and the docstrings of the methods that it refers to: "the parameters are those of `get`"."""
    seen = set() if seen is None else seen
    for class_name, method in re.findall(r'`(?:(\w+)\.)?(\w+)`', text):
        owner = getattr(pycassa, class_name, None) or getattr(pycassa.batch, class_name, None) or cls
        found = getattr(owner, method, None)
        if callable(found) and found not in seen:
            seen.add(found)
            text += described(owner, inspect.getdoc(found) or '', seen)
    return text


def public_methods():
    cases = []
    for cls in (pycassa.ColumnFamily, pycassa.batch.Mutator, pycassa.batch.CfMutator, pycassa.ConnectionPool,
                pycassa.ColumnFamilyMap, pycassa.SystemManager):
        for name, member in inspect.getmembers(cls, inspect.isfunction):
            if not name.startswith('_'):
                cases.append(pytest.param(cls, member, id=f'{cls.__name__}.{name}'))
        cases.append(pytest.param(cls, cls.__init__, id=cls.__name__))
    return cases


@pytest.mark.parametrize('cls, method', public_methods())
def test_docstrings_name_the_parameters(cls, method):
    doc = inspect.getdoc(cls if method is cls.__init__ else method)
    text = described(cls, doc)
    if cls is pycassa.ColumnFamilyMap:
        # Its methods say what differs from those of the same name.
        base = getattr(pycassa.ColumnFamily, method.__name__, None)
        text += described(pycassa.ColumnFamily, inspect.getdoc(base) or '')
    if cls is pycassa.batch.CfMutator and method is cls.__init__:
        text += inspect.getdoc(pycassa.batch.Mutator)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [each.name for each in inspect.signature(method).parameters.values() if each.kind not in kinds]
    missing = [name for name in names[1:] if not re.search(rf'\b{name}\b', text)]
    assert missing == []


# --- pages ------------------------------------------------------------------------------------------------------------

def blocks_of(text, language):
    return re.findall(rf'^```{language}\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize('page', [page for page in PAGES if page != OF_THE_SHELL])
def test_examples_of_the_pages(page, root, demo, tmp_path, monkeypatch):
    """Lines that begin with >>> run, in the page's order, and print what follows them."""
    text = (root / page).read_text(encoding='utf-8').replace('localhost:9160', demo.address)
    monkeypatch.chdir(tmp_path)
    names = {'pycassa': pycassa, 'server': demo}
    test = doctest.DocTestParser().get_doctest(text.replace('```', ''), names, page, page, 0)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(test, out=said.append)
    assert not runner.failures, ''.join(said)


def commands_of(block):
    """[(command, what it prints)]: a command follows `$ `, its further lines `> `."""
    for part in re.split(r'^\$ ', block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        more = list(itertools.takewhile(lambda line: line.startswith('> '), lines[1:]))
        yield lines[0] + ''.join(line[2:] for line in more), ''.join(lines[1 + len(more):])


@pytest.mark.parametrize('page', WITH_COMMANDS)
def test_commands_of_the_pages(page, root, demo, tmp_path):
    """Commands of a page's console blocks run one after another, and print what follows them."""
    text = (root / page).read_text(encoding='utf-8').replace('localhost:9160', demo.address)
    functions = 'pycassa() { "$PYTHON" -m pycassa.cli "$@"; }\npython() { "$PYTHON" "$@"; }\n'
    home = pathlib.Path(pycassa.__file__).parents[1]
    environment = {**os.environ, 'PYTHON': sys.executable, 'PYTHONPATH': str(home)}
    for command, expected in (pair for block in blocks_of(text, 'console') for pair in commands_of(block)):
        done = subprocess.run(['sh', '-c', functions + command], cwd=tmp_path, env=environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert doctest.OutputChecker().check_output(expected, done.stdout, doctest.ELLIPSIS), (command, done.stdout)


def test_the_first_example_of_the_readme(root, demo, capsys):
    text = (root / 'README.md').read_text(encoding='utf-8').replace('localhost:9160', demo.address)
    block = re.search(r'(?:^    .*\n|^\n)*^    import pycassa\n(?:^    .*\n|^\n)*', text, re.MULTILINE)
    lines = [line[4:] for line in block.group().splitlines() if line.strip()]
    *statements, last = lines
    expression, _, printed = last.partition('#')
    names = {}
    exec('\n'.join(statements), names)
    assert repr(eval(expression, names)) == printed.strip()


@pytest.mark.parametrize('page', PAGES)
def test_links_of_the_pages(page, root):
    text = (root / page).read_text(encoding='utf-8')
    for target in re.findall(r'\]\(([^)#\s]+)', text):
        if '://' not in target:
            assert (root / pathlib.PurePath(page).parent / target).exists(), target


def test_the_readme_leads_to_every_page(root):
    text = (root / 'README.md').read_text(encoding='utf-8')
    read = {target for target in re.findall(r'\]\(([^)#\s]+)', text) if target in PAGES}
    for page in [page for page in read if page.endswith('/index.md')]:
        # The reference's own pages are reached from its first one.
        folder = pathlib.PurePath(page).parent
        links = re.findall(r'\]\(([^)#\s]+)', (root / page).read_text(encoding='utf-8'))
        read |= {(folder / link).as_posix() for link in links}
    assert [page for page in PAGES[1:] if page not in read] == []


def test_names_in_the_pages_exist(root):
    """`pycassa.x.y` in a page is a module or a name that can be had."""
    for page in PAGES:
        text = (root / page).read_text(encoding='utf-8')
        for dotted in sorted(set(re.findall(r'`(pycassa(?:\.[A-Za-z_]\w*)+)', text))):
            # The compiled twin is not everywhere; its sources are.
            source = root / dotted.partition('.')[2].replace('.', '/')
            assert source.with_suffix('.pyx').is_file() or pydoc.locate(dotted) is not None, f'{page}: {dotted}'


def test_the_picture_of_the_floors(root):
    """It is what its script draws, and every module that it shows stands on the floor that the tests enforce."""
    drawing = runpy.run_path(str(root / 'docs' / 'floors.py'))
    assert (root / 'docs' / 'floors.svg').read_text(encoding='utf-8') == drawing['draw'](), 'run python docs/floors.py'
    tree = ast.parse((root / 'tests' / 'packaging' / 'test_floors.py').read_text(encoding='utf-8'))
    real = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
            and node.targets[0].id in ('FLOORS', 'EMBEDDED_REACH')}
    twins = [name for name, _ in drawing['TWINS']]
    for floor, _, shown in drawing['FLOORS']:
        standing = real['FLOORS'][floor]
        for module in shown + (twins if 'codec' in shown else []):
            assert module in standing or f'{module.partition("/")[0]}/' in standing, f'{module} is not on floor {floor}'
    assert drawing['EMBEDDED_REACH'] == real['EMBEDDED_REACH']
    for module in drawing['EMBEDDED']:
        assert (root / 'pycassa' / f'{module}.py').is_file()
