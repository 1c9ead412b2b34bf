"""The page of the shell: its examples run, its table has every option, and what it shows of the banner is so."""
import argparse
import doctest
import pathlib
import re

import pytest

from pycassa.shell.options import Settings, add_arguments
from pycassa.shell.session import Session

PAGE = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'shell.md'


@pytest.fixture
def page():
    if not PAGE.is_file():
        pytest.skip('the pages are not beside the tests')
    return PAGE.read_text(encoding='utf-8')


def test_examples(page, demo):
    session = Session(Settings([demo.address], 'Keyspace1'), lambda text: print(text))
    blocks = ''.join(re.findall(r'```python\n(.*?)```', page, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(blocks, {}, 'shell.md', str(PAGE), 0)
    # Not a copy: the shell puts variables into it.
    test.globs = session.namespace
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    try:
        runner.run(test, out=said.append, clear_globs=False)
        assert test.examples and not runner.failures, ''.join(said)
    finally:
        session.close()


def test_every_option_is_told(page):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = {name for action in parser._actions for name in action.option_strings} - {
        '-h', '--help', '--username', '--password'}
    assert {name for name in options if f'`{name}' not in page} == set()


def test_the_banner(page, demo):
    session = Session(Settings([demo.address], 'Keyspace1'))
    try:
        assert all(f'    {line}\n' in page for line in session.listing().splitlines())
    finally:
        session.close()


def test_names_of_the_table(page, demo):
    session = Session(Settings([demo.address]))
    try:
        table = page.partition('| name | what it is |')[2].partition('\n\n')[0]
        names = re.findall(r'`(\w+)(?:\(\w*\))?`', '\n'.join(row.split('|')[1] for row in table.splitlines() if row))
        assert len(names) > 8 and [name for name in names if name not in session.namespace] == []
    finally:
        session.close()
