"""observed.json is complete: every behaviour that was seen in release 1.11 has its tests, and these exist."""
import ast
import collections
import functools
import json
import os
import pathlib
import re

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
OBSERVED = json.loads((HERE / 'observed.json').read_text(encoding='utf-8'))['observed']

#: How many behaviours each section of the inventory marks as run.
MARKS = {1: 1, 2: 6, 4: 5, 5: 2, 9: 2, 13: 1}
# The inventory is no part of the project. Where this variable tells its file, the numbers above are checked.
INVENTORY = os.environ.get('PYCASSA_INVENTORY')


def marks(text):
    """{section: number of marks} of the inventory, but for the sentence before its sections that says what they are."""
    found, section = collections.Counter(), None
    for line in text.splitlines():
        heading = re.match(r'## (\d+)\.', line)
        if heading:
            section = int(heading.group(1))
        elif section is not None:
            found[section] += line.count('**[run]**')
    return {section: number for section, number in found.items() if number}


@functools.cache
def functions(path):
    return {node.name for node in ast.parse((TESTS / path).read_text(encoding='utf-8')).body
            if isinstance(node, ast.FunctionDef)}


def test_the_numbers_are_those_of_the_inventory():
    assert marks('a **[run]** b\n## 1. x\n**[run]** **[run]**\n## 2. y\n## 13. z\n**[run]**') == {1: 2, 13: 1}
    if INVENTORY:
        assert marks(pathlib.Path(INVENTORY).read_text(encoding='utf-8')) == MARKS


def test_every_behaviour_is_listed_once():
    listed = [(each['section'], each['number']) for each in OBSERVED]
    assert listed == [(section, number) for section, count in MARKS.items() for number in range(1, count + 1)]


@pytest.mark.parametrize('observed', OBSERVED, ids=lambda observed: observed['subject'])
def test_its_tests_exist(observed):
    assert observed['outcome'] in ('kept', 'mended') and observed['tests']
    for test in observed['tests']:
        path, _, name = test.partition('::')
        assert name.startswith('test_') and name in functions(path), test


def test_every_test_of_this_folder_is_listed():
    listed = {test.partition('::')[2] for each in OBSERVED for test in each['tests'] if test.startswith('regression/')}
    assert listed == {name for name in functions('regression/test_observed.py') if name.startswith('test_')}
