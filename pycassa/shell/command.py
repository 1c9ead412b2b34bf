"""The shell as a command: from its options to its exit status."""
import argparse
import contextlib
import sys
from typing import Optional, Sequence

from pycassa.errors import ConfigurationError, PycassaError
from pycassa.shell import console
from pycassa.shell.options import add_arguments, settings_of
from pycassa.shell.session import Session, explain

__all__ = ['EXIT_STATUS', 'main', 'run']

OK, SCRIPT_FAILED, USAGE, FAILED = 0, 1, 2, 3
EXIT_STATUS = ('exit status: 0 all well; 1 a script ended in an error; 2 wrong usage; 3 no server could be used; or '
               'what exit() was given')


def run(options: argparse.Namespace, program: str = 'pycassa shell') -> int:
    """Connect as the parsed `options` say and run the script, standard input, or a conversation; the exit status.

    What stands in the way of connecting is told in one line on standard error. SystemExit of a script or of exit()
    passes through.
    """
    try:
        settings = settings_of(options)
        session = Session(settings, print if console.is_conversation(settings) else _say_nothing)
    except ConfigurationError as error:
        print(f'{program}: {explain(error)}', file=sys.stderr)
        return USAGE
    except PycassaError as error:
        print(f'{program}: {explain(error)}', file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f'\n{program}: interrupted', file=sys.stderr)
        return FAILED
    with contextlib.closing(session):
        return OK if console.run(session, settings) else SCRIPT_FAILED


def _say_nothing(text: str) -> None:
    """Standard output belongs to the script where nobody converses."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The console script pycassaShell; returns the exit status."""
    parser = argparse.ArgumentParser(prog='pycassaShell', description='An interactive Python shell for Cassandra.',
                                     epilog=EXIT_STATUS)
    add_arguments(parser)
    return run(parser.parse_args(arguments), parser.prog)
