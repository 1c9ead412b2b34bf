"""Running what the shell is given: a script, standard input, or a conversation, with IPython where it is there."""
import code
import contextlib
import importlib
import importlib.util
import linecache
import os
import platform
import sys
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional, Union

from pycassa import codec
from pycassa.shell.history import History, Secrets, history_path
from pycassa.shell.options import Settings
from pycassa.shell.session import Session

__all__ = ['Console', 'banner', 'is_conversation', 'run']

_STDIN = '<stdin>'
_HINTS = """\
SYSTEM_MANAGER shows and changes the schema, POOL makes raw calls; refresh(), use(KEYSPACE), describe_keyspace() and
describe_column_family(FAMILY) are of the shell, and pycassa.ColumnFamily and its like are at hand. help(NAME) tells
more; exit() leaves."""


def is_conversation(settings: Settings) -> bool:
    """Whether somebody is there to talk to: standard input is a terminal, and the shell does not end by its script."""
    return not settings.leave and sys.stdin is not None and sys.stdin.isatty()


def run(session: Session, settings: Settings) -> bool:
    """Run the script, then standard input or a conversation; False where a script ended in an error.

    Meanwhile the session's module is `__main__`. SystemExit passes through.
    """
    script, talking = settings.script, is_conversation(settings)
    with _as_main(session.module, [script.path if script else ''],
                  os.path.dirname(os.path.abspath(script.path)) if script else ''):
        console = Console(session.namespace)
        if talking:
            print(banner(session))
        if script is not None and not console.run_script(script.source, script.path):
            return False
        if talking:
            _converse(console, session, settings)
        elif not settings.leave and sys.stdin is not None:
            return console.run_script(sys.stdin.read(), _STDIN)
    return True


def banner(session: Session) -> str:
    """What a conversation begins with: version, cluster, and the variables of the column families."""
    title = (f'pycassa {session.namespace["pycassa"].__version__} ({codec.implementation()} codec) on Python '
             f'{platform.python_version()}')
    cluster = f'Cluster {session.cluster!r} at {session.server}'
    return '\n'.join([title, cluster, session.listing(), _HINTS])


@contextlib.contextmanager
def _as_main(module: ModuleType, arguments: List[str], folder: str) -> Iterator[None]:
    """Let `module` be `__main__`, as pickle and dataclasses look for it, with `folder` first on the path.

    The command line, which may hold a password, is replaced by `arguments`.
    """
    main, argv, path = sys.modules['__main__'], sys.argv, list(sys.path)
    sys.modules['__main__'], sys.argv = module, arguments
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.modules['__main__'], sys.argv = main, argv
        sys.path[:] = path


class Console(code.InteractiveConsole):
    """Python's interactive console on `namespace`, with completion and history where there is readline."""

    def __init__(self, namespace: Dict[str, Any], history: Optional[History] = None) -> None:
        code.InteractiveConsole.__init__(self, namespace)
        self.namespace = namespace
        self.history = history
        self._failed = False
        self._readline: Any = None

    def run_script(self, source: Union[str, bytes], name: str) -> bool:
        """Run `source` as the module that the console works in; False where it ended in an error, which is shown."""
        self._failed = False
        if isinstance(source, str):
            # Tracebacks show lines of what is no file, too.
            linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        try:
            compiled = compile(source, name, 'exec', dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError):
            self.showsyntaxerror(name)
            return False
        self.namespace['__file__'] = name
        try:
            self.runcode(compiled)
        finally:
            self.namespace.pop('__file__', None)
        return not self._failed

    def showtraceback(self) -> None:
        """Show the error that is being handled, without the frames of the shell."""
        self._failed = True
        super().showtraceback()

    def converse(self) -> None:
        """Read and run commands until the input ends or SystemExit."""
        with self._line_editing():
            self.interact(banner='', exitmsg='')

    def raw_input(self, prompt: str = '') -> str:
        """The next line, kept in the history unless it holds a secret."""
        line = super().raw_input(prompt)
        if self.history is not None and self.history.keep(line, self.buffer) and self._readline is not None:
            self._readline.add_history(line)
        return line

    @contextlib.contextmanager
    def _line_editing(self) -> Iterator[None]:
        self._readline = readline = _import_readline()
        if readline is None:
            yield
            return
        for line in self.history.read() if self.history is not None else ():
            readline.add_history(line)
        # What input() of a command reads, such as a password, is none of the history's business.
        readline.set_auto_history(False)
        completer = importlib.import_module('rlcompleter').Completer(self.namespace)
        readline.set_completer(completer.complete)
        readline.parse_and_bind('bind ^I rl_complete' if _is_editline(readline) else 'tab: complete')
        try:
            yield
        finally:
            readline.set_completer(None)
            readline.set_auto_history(True)


def _import_readline() -> Any:
    """The module readline, or None: Windows has none. It may write to the terminal, so only conversations load it."""
    try:
        return importlib.import_module('readline')
    except ImportError:
        return None


def _is_editline(readline: Any) -> bool:
    """Whether readline is BSD's editline, which reads other commands."""
    backend = getattr(readline, 'backend', None)  # since Python 3.13
    return backend == 'editline' if backend else 'libedit' in (readline.__doc__ or '')


# --- conversations ----------------------------------------------------------------------------------------------------

def _converse(console: Console, session: Session, settings: Settings) -> None:
    secrets = Secrets((settings.credentials or {}).get('password'))
    if settings.ipython and importlib.util.find_spec('IPython') is not None:
        try:
            ipython = importlib.import_module('IPython.terminal.ipapp')
        except ImportError as error:
            print(f'IPython cannot be used: {error}', file=sys.stderr)
        else:
            _run_ipython(ipython.TerminalIPythonApp, session.namespace, secrets, settings.history)
            return
    console.history = History(history_path() if settings.history else None, secrets)
    console.converse()


def _run_ipython(application: Any, namespace: Dict[str, Any], secrets: Secrets, history: bool) -> None:
    """Converse by IPython, which keeps a history of its own, in which lines with secrets are replaced."""
    app = application.instance(user_ns=namespace)
    app.initialize(['--no-banner', '--no-confirm-exit', f'--HistoryManager.enabled={history}'])
    manager = app.shell.history_manager
    store = manager.store_inputs

    def store_inputs(number: int, source: str, source_raw: Optional[str] = None) -> None:
        if secrets.are_in(source) or secrets.are_in(source_raw or ''):
            source = source_raw = '# not kept: it speaks of credentials'
        store(number, source, source_raw)

    manager.store_inputs = store_inputs
    app.start()
