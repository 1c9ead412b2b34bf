"""The interactive shell: `pycassa shell`, and `pycassaShell` as release 1.11 had it."""
from pycassa.shell.command import EXIT_STATUS, main, run
from pycassa.shell.options import add_arguments

__all__ = ['EXIT_STATUS', 'add_arguments', 'main', 'run']
