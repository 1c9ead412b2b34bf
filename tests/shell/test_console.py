"""Conversations at a terminal: banner, completion, history without secrets, how it ends."""
import os
import stat
import time

import pytest

from pycassa.shell import command, console
from pycassa.shell.history import LIMIT, History, Secrets, history_path

from .conftest import COMMANDS


@pytest.fixture
def window(demo, terminal):
    """window(*arguments): a terminal at whose prompt a plain shell waits."""
    def start(*arguments, **options):
        opened = terminal('--server', demo.address, '-k', 'Keyspace1', '--plain', *arguments, **options)
        opened.banner = opened.expect('>>> ')
        return opened

    return start


@pytest.mark.parametrize('name', COMMANDS)
def test_the_banner(window, demo, name):
    shell = window(command=name)
    lines = shell.banner.splitlines()
    assert lines[0].startswith('pycassa 2.') and 'codec) on Python 3.' in lines[0]
    assert lines[1] == f"Cluster 'Test Cluster' at {demo.address}"
    assert "  TEST_COLUMNFAMILY       'Test ColumnFamily'" in lines
    words = ('SYSTEM_MANAGER', 'POOL', 'refresh()', 'help(', 'exit()')
    assert [word for word in words if word not in shell.banner] == []
    assert shell.end('exit()') == 0


def test_commands(window):
    shell = window()
    assert shell.command("stamp = STANDARD1.insert('row', {'a': 'b'})") == ''
    assert shell.command("STANDARD1.get('row')") == "{'a': 'b'}"
    assert shell.command("SYSTEM_MANAGER.create_column_family('Keyspace1', 'users')") == \
        'USERS is column family users.'
    assert shell.command('1/0').endswith('ZeroDivisionError: division by zero')
    assert shell.command('__name__') == "'__main__'"
    assert 'Read the schema again' in shell.command('print(refresh.__doc__)')
    assert shell.end('\x04') == 0


def test_a_command_of_several_lines(window):
    shell = window()
    shell.send('for each in (1, 2):\n')
    shell.expect('... ')
    shell.send('    print("number", each)\n\n')
    shell.expect('number 1\n', 'number 2\n', '>>> ')
    assert shell.end('exit(5)') == 5


def test_an_interrupt_gives_the_prompt_back(window):
    shell = window()
    shell.send('half a lin')
    shell.expect('half a lin')
    time.sleep(0.5)  # A signal between the echo and the wait for the next key would wait for that key, too.
    shell.send('\x03')
    shell.expect('KeyboardInterrupt', '>>> ')
    shell.send('import time; print("begun"); time.sleep(600)\n')
    shell.expect('begun")', 'begun')
    shell.send('\x03')
    shell.expect('KeyboardInterrupt', '>>> ')
    assert shell.command('1 + 1') == '2' and shell.end('exit()') == 0


def test_completion(window):
    shell = window()
    shell.send('TEST_C\t')
    shell.expect('TEST_COLUMNFAMILY')
    shell.send('.column_f\t\n')
    shell.expect("'Test ColumnFamily'", '>>> ')
    assert shell.end('exit()') == 0


@pytest.mark.parametrize('line, status', [('exit()', 0), ('exit(0)', 0), ('exit(3)', 3), ('import sys; sys.exit(4)', 4),
                                          ('raise SystemExit("enough")', 1), ('\x04', 0)])
def test_exit_status(window, line, status):
    shell = window()
    assert shell.end(line) == status and 'Traceback' not in shell.text


def test_a_script_comes_before_the_conversation(window, terminal, demo, tmp_path):
    (tmp_path / 'first.py').write_text('word = STANDARD1.column_family\nprint("script was here")\n')
    shell = window('-f', 'first.py')
    assert shell.banner.index('Cluster') < shell.banner.index('script was here')
    assert shell.command('word') == "'Standard1'" and shell.end('exit()') == 0
    (tmp_path / 'first.py').write_text('1/0\n')
    failing = terminal('--server', demo.address, '-f', 'first.py')
    assert failing.end() == command.SCRIPT_FAILED and '>>>' not in failing.text
    leaving = terminal('--server', demo.address, '-f', 'first.py', '--exit')
    assert leaving.end() == command.SCRIPT_FAILED and 'Cluster' not in leaving.text


def test_no_server_at_a_terminal(terminal, refused_port):
    shell = terminal('--server', f'127.0.0.1:{refused_port}')
    assert shell.end() == command.FAILED and shell.text.count('\n') == 1 and 'refused' in shell.text


# --- history ----------------------------------------------------------------------------------------------------------

def test_history_is_kept_without_secrets(window, tmp_path):
    secrets = ["word = 'canary'", "pycassa.connect('Keyspace1', credentials={'username': 'a', 'password': 'b'})",
               'POOL.execute("login", None)', "my_password = 'x'"]
    shell = window('-u', 'jsmith', PYCASSA_PASSWORD='canary')
    for line in ('first = 1', *secrets, 'second = 2', '', 'second = 2', 'typed = input("?")'):
        shell.send(line + '\n')
        shell.expect('?' if 'input' in line else '>>> ')
    shell.expect('?')
    shell.send('what was asked\n')
    shell.expect('>>> ')
    for line in ("third = {'password':", "  'of another'}"):
        shell.send(line + '\n')
        shell.expect('... ' if line.endswith(':') else '>>> ')
    assert shell.end('exit()') == 0
    path = tmp_path / 'state' / 'pycassa' / 'history'
    assert path.read_text().splitlines() == ['first = 1', 'second = 2', 'typed = input("?")', 'exit()']
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = window(TERM='vt100')
    again.send('\x1b[A\x1b[A\x1b[A\n')
    again.expect('second = 2', '>>> ')
    assert again.command('second') == '2' and again.end('exit()') == 0


def test_a_shell_that_is_killed_has_kept_its_history(window, tmp_path):
    shell = window()
    shell.command('before = 1')
    shell.process.kill()
    assert (tmp_path / 'state' / 'pycassa' / 'history').read_text() == 'before = 1\n'


def test_no_history(window, tmp_path):
    shell = window('--no-history')
    shell.command('quiet = 1')
    assert shell.end('exit()') == 0 and not (tmp_path / 'state').exists()


def test_a_history_that_cannot_be_written_is_told_once(window, tmp_path):
    (tmp_path / 'state').write_text('a file where the folder should be')
    shell = window()
    first = shell.banner + shell.command('1 + 1') + shell.command('2 + 2')
    assert first.count('No history is kept') == 1 and shell.end('exit()') == 0


@pytest.mark.parametrize('variables, path', [
    ({'XDG_STATE_HOME': '/some/state'}, '/some/state/pycassa/history'),
    ({'XDG_STATE_HOME': 'relative'}, '/home/jsmith/.local/state/pycassa/history'),
    ({'XDG_STATE_HOME': ''}, '/home/jsmith/.local/state/pycassa/history'),
    ({}, '/home/jsmith/.local/state/pycassa/history')])
def test_where_the_history_is(monkeypatch, variables, path):
    monkeypatch.delenv('XDG_STATE_HOME', raising=False)
    monkeypatch.setenv('HOME', '/home/jsmith')
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert history_path() == path


def test_a_long_history_is_cut_to_its_end(tmp_path):
    path = tmp_path / 'folder' / 'history'
    history = History(str(path), Secrets())
    assert history.read() == [] and history.keep('first')
    path.write_text(''.join(f'line{number}\n' for number in range(2 * LIMIT + 1)))
    lines = History(str(path), Secrets()).read()
    assert len(lines) == LIMIT and lines[-1] == f'line{2 * LIMIT}'
    assert path.read_text().splitlines() == lines and os.listdir(path.parent) == ['history']
    path.write_bytes(b'odd \xff byte\n')
    assert History(str(path), Secrets()).read() == ['odd \ufffd byte']


@pytest.mark.parametrize('line, secret', [
    ("password = 'x'", True), ("{'username': 'a', 'PassWord': 'b'}", True), ('credentials={}', True),
    ('client.login (request)', True), ('pool.get("key")', False), ('blogin(1)', False), ('say("canary")', True),
    ('passwd="x"', True), ('client_secret = 1', True), ('', False)])
def test_secrets(line, secret):
    assert Secrets('canary').are_in(line) is secret
    assert Secrets('').are_in('a line') is Secrets(None).are_in('a line') is False


def test_python_without_readline(monkeypatch, demo, capsys):
    monkeypatch.setitem(console.sys.modules, 'readline', None)
    shell, lines = console.Console({'word': 'x'}, History(None, Secrets())), iter(['print(word)', 'word * 2'])

    def line(prompt=''):
        for each in lines:
            return each
        raise EOFError

    monkeypatch.setattr('builtins.input', line)
    shell.converse()
    assert capsys.readouterr().out.splitlines() == ['x', "'xx'"]


def test_editline_is_told_from_readline():
    class Module:
        def __init__(self, **members):
            self.__dict__.update(members)

    assert console._is_editline(Module(backend='editline', __doc__=''))
    assert not console._is_editline(Module(backend='readline', __doc__='libedit'))
    assert console._is_editline(Module(__doc__='Importing this module enables ... using libedit readline.'))
    assert not console._is_editline(Module(__doc__='... using GNU readline.')) and not console._is_editline(Module(
        __doc__=None))
