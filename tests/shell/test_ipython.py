"""IPython, where it is installed: its prompt has the shell's variables, and its history none of the secrets."""
import importlib.util
import os
import pathlib
import re
import sqlite3

import pytest

# What the shell uses of IPython, with a prompt that a test can talk to.
FAKE = """
import types

class TerminalIPythonApp:
    @classmethod
    def instance(cls, **options):
        self = cls()
        self.user_ns = options.pop('user_ns')
        assert not options
        return self

    def initialize(self, argv):
        self.stored = []
        self.shell = types.SimpleNamespace(history_manager=types.SimpleNamespace(
            store_inputs=lambda number, source, source_raw=None: self.stored.append((number, source, source_raw))))
        print('initialized', argv)

    def start(self):
        number = 0
        while True:
            line = input('In: ')
            if line == 'exit':
                return
            number += 1
            self.shell.history_manager.store_inputs(number, line, line)
            exec(line, self.user_ns)
            print('stored', self.stored[-1])
"""


@pytest.fixture
def package(tmp_path, environment):
    """package(text, at): a package IPython that is found before any other; returns PYTHONPATH."""
    def make(text, at='terminal/ipapp.py'):
        module = tmp_path / 'packages' / 'IPython' / at
        module.parent.mkdir(parents=True)
        for folder in (module.parent, tmp_path / 'packages' / 'IPython'):
            (folder / '__init__.py').touch()
        module.write_text(text)
        return os.pathsep.join([str(tmp_path / 'packages'), environment['PYTHONPATH']])

    return make


def test_ipython_is_used_where_it_is_found(demo, terminal, package):
    shell = terminal('--server', demo.address, '-k', 'Keyspace1', PYTHONPATH=package(FAKE))
    shell.expect('Cluster', 'STANDARD1', "initialized ['--no-banner', '--no-confirm-exit', "
                 "'--HistoryManager.enabled=True']", 'In: ')
    shell.send('print(STANDARD1.column_family)\n')
    shell.expect('Standard1\n', "stored (1, 'print(STANDARD1.column_family)', 'print(STANDARD1.column_family)')")
    shell.send('SYSTEM_MANAGER.create_column_family("Keyspace1", "users")\n')
    shell.expect('USERS is column family users.')
    shell.send("word = USERS.column_family, 'password'\n")
    shell.expect("stored (3, '# not kept: it speaks of credentials', '# not kept: it speaks of credentials')")
    shell.send('print(word)\n')
    shell.expect("('users', 'password')", 'In: ')
    assert shell.end('exit') == 0


def test_ipython_keeps_no_history_where_none_is_wanted(demo, terminal, package):
    shell = terminal('--server', demo.address, '--no-history', PYTHONPATH=package(FAKE))
    shell.expect('HistoryManager.enabled=False', 'In: ')
    assert shell.end('exit') == 0


def test_plain_is_python_alone(demo, terminal, package):
    shell = terminal('--server', demo.address, '--plain', PYTHONPATH=package(FAKE))
    assert 'initialized' not in shell.expect('>>> ') and shell.end('exit()') == 0


def test_an_ipython_that_does_not_work(demo, terminal, package):
    path = package('raise ImportError("no module named traitlets")')
    shell = terminal('--server', demo.address, PYTHONPATH=path)
    assert 'IPython cannot be used: no module named traitlets' in shell.expect('>>> ')
    assert shell.command('1 + 1') == '2' and shell.end('exit()') == 0


def test_an_ipython_that_is_too_old(demo, terminal, package):
    shell = terminal('--server', demo.address, PYTHONPATH=package('', 'Shell.py'))
    assert 'IPython cannot be used: ' in shell.expect('>>> ') and shell.end('exit()') == 0


def test_scripts_do_without_ipython(demo, shell, package):
    done = shell('--server', demo.address, script='print(POOL)', PYTHONPATH=package('raise ValueError'))
    assert (done.stdout, done.stderr) == ('None\n', '')


def check_the_real_one(demo, terminal, tmp_path):
    shell = terminal('--server', demo.address, '-k', 'Keyspace1', '--user', 'jsmith', PYCASSA_PASSWORD='canary',
                     IPY_TEST_SIMPLE_PROMPT='1')
    shell.expect('STANDARD1', 'In [1]: ')
    shell.send('STANDARD1.column_family\n')
    shell.expect("'Standard1'", 'In [2]: ')
    shell.send("word = 'canary'\n")
    shell.expect('In [3]: ')
    shell.send("credentials = {}; SYSTEM_MANAGER.create_column_family('Keyspace1', 'users')\n")
    shell.expect('USERS is column family users.', 'In [4]: ')
    shell.send('USERS, __name__, len(In)\n')
    shell.expect('<ColumnFamily users>', "'__main__'", '5', 'In [5]: ')
    assert shell.end('exit') == 0
    files = list(pathlib.Path(tmp_path, 'ipython').rglob('history.sqlite'))
    assert len(files) == 1
    with sqlite3.connect(files[0]) as history:
        lines = [source for source, in history.execute('SELECT source_raw FROM history ORDER BY line')]
    assert [re.sub('#.*', '#', line) for line in lines[:4]] == ['STANDARD1.column_family', '#', '#',
                                                                'USERS, __name__, len(In)']
    assert all(b'canary' not in file.read_bytes() for file in pathlib.Path(tmp_path, 'ipython').rglob('history*'))


if importlib.util.find_spec('IPython') is not None:
    test_the_real_one = check_the_real_one
