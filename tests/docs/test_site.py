"""The documentation's site: what its extension makes of docstrings, and what its reference describes."""
import inspect
import pathlib
import re
import runpy

import pytest

import pycassa

FIRST = """Do it.

Parameters
----------
key : the row key; of
    any type
start, finish,
limit : the rest

Raises ValueError.

Returns
-------
{name: value}
"""
AS_LISTS = """Do it.


.. rubric:: Parameters

* **key** -- the row key; of
  any type
* **start**, **finish**, **limit** -- the rest

Raises ValueError.


.. rubric:: Returns

{name: value}
"""
SECOND = """A server.

host, port    where to listen; a
              free port
clock         seconds

The rest : as it is.
"""
TWO_COLUMNS = """A server.

* **host**, **port** -- where to listen; a
  free port
* **clock** -- seconds

The rest : as it is.
"""


@pytest.fixture
def rewrite(root: pathlib.Path):
    function = runpy.run_path(str(root / 'docs' / 'docstrings.py'))['rewrite']
    return lambda text: '\n'.join(function(text.split('\n')))


@pytest.mark.parametrize('text, expected', [(FIRST, AS_LISTS), (SECOND, TWO_COLUMNS), ('As it was.\n', 'As it was.\n')])
def test_docstrings_become_restructured_text(text, expected, rewrite):
    assert rewrite(text) == expected


def test_every_parameter_of_get_is_an_item(rewrite):
    listed = re.findall(r'\*\*(\w+)\*\*', rewrite(inspect.getdoc(pycassa.ColumnFamily.get)))
    assert listed == list(inspect.signature(pycassa.ColumnFamily.get).parameters)[1:]


def test_the_reference_describes_what_the_package_exports(root):
    pages = '\n'.join(path.read_text(encoding='utf-8') for path in (root / 'docs' / 'api').glob('*.md'))
    described = set(re.findall(r'^\.\. auto\w+:: ([\w.]+)', pages, re.MULTILINE))
    thrift = (root / 'docs' / 'api' / 'thrift.md').read_text(encoding='utf-8')
    described |= {f'pycassa.cassandra.ttypes.{name}' for name in re.findall(r'^\.\. \S+:: (\w+)', thrift, re.MULTILINE)}
    missing = []
    for name in pycassa.__all__:
        member = getattr(pycassa, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            home = member.__module__
            if not {home, f'{home}.{member.__qualname__}'} & described:
                missing.append(f'{home}.{name}')
    # The switch itself: the pages say what its one public function returns.
    assert missing == ['pycassa.codec.implementation']
    assert '`implementation()`' in pages


def test_ways_to_single_modules(root):
    """Modules that programs import by their own names have a page."""
    pages = '\n'.join(path.read_text(encoding='utf-8') for path in (root / 'docs' / 'api').glob('*.md'))
    for name in ('pool', 'columnfamily', 'batch', 'columnfamilymap', 'system_manager', 'index', 'types', 'marshal',
                 'util', 'errors', 'connection', 'contrib.stubs', 'embedded', 'logging.pycassa_logger',
                 'logging.pool_stats_logger', 'logging.pool_logger'):
        assert f'.. automodule:: pycassa.{name}\n' in pages, name
