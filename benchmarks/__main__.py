"""The benchmarks' command: `python -m benchmarks [SUBCOMMAND] [OPTION ...]`; without a subcommand, `codec`."""
import argparse
import importlib
import sys
from typing import List, Optional

from benchmarks.native import Unavailable

SUBCOMMANDS = {
    'all': 'everything that has bounds: codec, calls, sink and ingest',
    'codec': 'the codec alone, beside the floor and other libraries',
    'sink': 'the whole client end to end, against a C server',
    'instructions': 'instructions of the codec per column, against a reference',
    'ingest': 'ingestion into the embedded server',
    'real': 'end to end against a real Cassandra',
    'calls': 'whole calls, in instructions, beside the floor',
}


def main(arguments: Optional[List[str]] = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] not in (*SUBCOMMANDS, '-h', '--help'):
        given = ['codec', *given]
    parser = argparse.ArgumentParser(prog='python -m benchmarks', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='SUBCOMMAND')
    for name, text in SUBCOMMANDS.items():
        subparser = commands.add_parser(name, help=text, description=text)
        # Only the chosen one is imported: each needs other things.
        if given[0] == name:
            module = importlib.import_module(f'benchmarks.{name}')
            module.add_arguments(subparser)
            subparser.set_defaults(main=module.main)
    options = parser.parse_args(given)
    try:
        return options.main(options)
    except Unavailable as error:
        print(f'benchmarks: {error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
