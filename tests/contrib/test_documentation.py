"""The files of docs/testing.md, run by pytest as a user's project has them. Its other examples run in tests/docs."""
import doctest
import os
import pathlib
import re
import subprocess
import sys

import pytest

from pycassa.contrib import stubs

PAGE = pathlib.Path(__file__).parents[2] / 'docs' / 'testing.md'


def test_the_files_of_the_page(tmp_path):
    if not PAGE.is_file():
        pytest.skip('the pages are not beside the tests')
    files = re.findall(r'```python\n# (\w+\.py)\n(.*?)```', PAGE.read_text(encoding='utf-8'), re.DOTALL)
    for name, text in files:
        (tmp_path / name).write_text(text)
    outcome = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'pycassa.embedded.plugin', '-p', 'no:cacheprovider', '.'],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, 'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1',
             'PYTHONPATH': os.pathsep.join(filter(None, [os.getcwd(), os.environ.get('PYTHONPATH')]))})
    assert [name for name, _ in files] == ['accounts.py', 'test_accounts.py', 'test_server.py']
    assert '4 passed' in outcome.stdout, outcome.stdout + outcome.stderr


def test_the_first_example():
    assert doctest.testmod(stubs) == (0, 4)
