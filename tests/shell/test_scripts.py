"""Scripts: through standard input and from files, on every server; their output, errors and exit status."""
import importlib
import re
import sys

import pytest

import pycassa.cli
from pycassa.shell import command

from .conftest import COMMANDS

both_commands = pytest.mark.parametrize('name', COMMANDS)


@both_commands
def test_a_script_through_standard_input(server, keyspace, shell, name):
    done = shell('--server', server.address, '--keyspace', keyspace, '--timeout', '30', command=name, script="""
SYSTEM_MANAGER.create_column_family(POOL.keyspace, 'users', comparator_type=UTF8_TYPE,
                                    key_validation_class='UTF8Type', default_validation_class='UTF8Type')
stamp = USERS.insert('jsmith', {'state': 'UT'})
print(USERS.get('jsmith'), __name__)
SYSTEM_MANAGER.drop_column_family(USERS)
print('USERS' in globals())
""")
    assert (done.stdout, done.stderr, done.returncode) == ("{'state': 'UT'} __main__\nFalse\n", '', 0)


@both_commands
def test_what_ends_a_script_is_the_exit_status(demo, shell, name):
    def status(script):
        return shell('--server', demo.address, command=name, script=script).returncode

    assert status('') == status('exit()') == status('import sys\nsys.exit(0)') == command.OK == 0
    assert status('raise ValueError') == status('def') == status('NO_SUCH_NAME') == command.SCRIPT_FAILED == 1
    assert status('exit(7)') == 7


def test_a_text_given_to_exit(demo, shell):
    done = shell('--server', demo.address, script='exit("enough")')
    assert (done.stdout, done.stderr, done.returncode) == ('', 'enough\n', 1)


def test_a_traceback_shows_the_script_and_nothing_of_the_shell(demo, shell):
    done = shell('--server', demo.address, '-k', 'Keyspace1', script='def f():\n    STANDARD1.get("nobody")\nf()\n')
    assert 'File "<stdin>", line 3, in <module>' in done.stderr and 'STANDARD1.get("nobody")' in done.stderr
    assert "has no row 'nobody'" in done.stderr.splitlines()[-1] and 'shell' not in done.stderr
    done = shell('--server', demo.address, script='a = (\n')
    assert 'File "<stdin>", line 1' in done.stderr and 'SyntaxError' in done.stderr and 'shell' not in done.stderr


def test_a_file(demo, shell, tmp_path):
    script = tmp_path / 'folder' / 'job.py'
    script.parent.mkdir()
    script.write_text("""# coding: latin-1
import dataclasses, pickle, sys
import beside
@dataclasses.dataclass
class Point:
    x: 'int'
print(pickle.loads(pickle.dumps(Point(1))), beside.WORD, __file__, sys.argv, '\u00fc')
""", encoding='latin-1')
    (script.parent / 'beside.py').write_text('WORD = "found"')
    done = shell('--server', demo.address, '-f', str(script), '--exit', script='print("not this")',
                 PYTHONIOENCODING='utf-8')
    assert (done.stdout, done.stderr, done.returncode) == (
        f'Point(x=1) found {script} {[str(script)]} \u00fc\n', '', 0)


def test_standard_input_follows_the_file(demo, shell, tmp_path):
    (tmp_path / 'first.py').write_text('word = "first"')
    done = shell('--server', demo.address, '--file', 'first.py', script='print(word, "__file__" in globals())')
    assert done.stdout == 'first True\n' and done.returncode == 0
    (tmp_path / 'first.py').write_text('1/0')
    done = shell('--server', demo.address, '--file', 'first.py', script='print(word)')
    assert done.stdout == '' and 'first.py", line 1' in done.stderr and done.returncode == 1


@both_commands
def test_a_file_that_is_not_there(refused_port, shell, name):
    done = shell('--server', f'127.0.0.1:{refused_port}', '-f', 'missing.py', command=name)
    assert done.stderr == f'{name}: the script missing.py cannot be read: No such file or directory\n'
    assert done.returncode == command.USAGE


def test_modules_of_the_working_folder_are_found(demo, shell, tmp_path):
    (tmp_path / 'mine.py').write_text('WORD = "mine"')
    assert shell('--server', demo.address, script='import mine; print(mine.WORD)').stdout == 'mine\n'


def test_the_interpreter_is_left_as_it_was(demo, monkeypatch, capsys):
    """In the process of the test: __main__, sys.argv and sys.path come back, and connections are closed."""
    class Input:
        def isatty(self):
            return False

        def read(self):
            return 'import sys\nprint(sys.argv, sys.modules["__main__"].POOL)'

    before = sys.modules['__main__'], sys.argv, list(sys.path)
    monkeypatch.setattr('sys.stdin', Input())
    assert command.main(['--server', demo.address]) == 0
    assert capsys.readouterr().out == "[''] None\n"
    assert (sys.modules['__main__'], sys.argv, sys.path) == before
    monkeypatch.setattr('sys.stdin', None)
    assert pycassa.cli.main(['shell', '--server', demo.address]) == 0


def test_the_console_script_leads_here(request):
    project = request.config.rootpath / 'pyproject.toml'
    if not project.is_file():
        pytest.skip('the project is not beside the tests')
    module, function = re.search(r'^pycassaShell = "([\w.]+):(\w+)"$', project.read_text(), re.MULTILINE).groups()
    assert getattr(importlib.import_module(module), function) is command.main
