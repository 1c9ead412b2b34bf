"""`python -m pycassa.shell`: the shell where no console script is installed."""
import sys

from pycassa.shell.command import main

if __name__ == '__main__':
    sys.exit(main())
