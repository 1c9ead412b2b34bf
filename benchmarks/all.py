"""Everything that has bounds, in one table: the codec, whole calls, end to end against the sink, and ingestion."""
import argparse
import importlib
from typing import List

from benchmarks import codec
from benchmarks.native import Unavailable
from benchmarks.report import Finding, note, report

__all__ = ['add_arguments', 'main']

OTHERS = ('calls', 'sink', 'ingest')


def _common(options: argparse.Namespace) -> List[str]:
    arguments = ['--require-compiled'] if options.require_compiled else []
    arguments += ['--floor', options.floor] if options.floor else []
    for name in options.implementation:
        arguments += ['--implementation', name]
    return arguments


def _run(name: str, options: argparse.Namespace) -> List[Finding]:
    """The findings of a subcommand with its own defaults."""
    module = importlib.import_module(f'benchmarks.{name}')
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    try:
        return module.run(parser.parse_args(_common(options)))
    except Unavailable as error:
        note(f'{name} is left out: {error}')
        return []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    codec.add_arguments(parser)


def main(options: argparse.Namespace) -> int:
    found, results = codec.run(options)
    codec.draw_chart(results, options.svg)
    for name in OTHERS:
        found += _run(name, options)
    return report(found, options.json, options.check, results=codec.results_as_json(results))
