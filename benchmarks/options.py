"""Command-line options that the benchmarks share."""
import argparse

from benchmarks.implementations import MODULES

__all__ = ['add_common']


def add_common(parser: argparse.ArgumentParser) -> None:
    """Which implementations, against which floor, and what becomes of the results."""
    parser.add_argument('--implementation', action='append', choices=list(MODULES), default=[],
                        help='only this one (repeatable)')
    parser.add_argument('--require-compiled', action='store_true', help='a missing compiled implementation is an error')
    parser.add_argument('--floor', metavar='FOLDER', help='the folder of floor.pyx (or PYCASSA_FLOOR)')
    parser.add_argument('--json', metavar='FILE', help="write the results as JSON to FILE, or to '-'")
    parser.add_argument('--check', action='store_true', help='exit with 1 if something that must be reached is missed')
