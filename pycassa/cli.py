"""The command `pycassa`: loads files into a column family, verifies what was loaded, and starts the shell."""
import argparse
import functools
import os
import sys
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from pycassa import shell
from pycassa.cassandra.ttypes import CfDef, ConsistencyLevel, InvalidRequestException, NotFoundException
from pycassa.columnfamily import ColumnFamily
from pycassa.credentials import Credentials
from pycassa.errors import ConfigurationError, PycassaError
from pycassa.ingest import job, mapping, readers, writer
from pycassa.ingest.job import SchemaError
from pycassa.ingest.progress import Progress
from pycassa.marshal import extract_type_name
from pycassa.pool import ConnectionPool
from pycassa.shell.options import add_tls_arguments, seconds, ssl_context_of
from pycassa.system_manager import SystemManager

OK, BAD_ROWS, USAGE, FAILED = 0, 1, 2, 3
SAMPLE_ROWS = 1000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='pycassa', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    exit_status = 'exit status: 0 all well; 1 rows were set aside or differ; 2 wrong usage; 3 the job failed'

    load = commands.add_parser('load', help='load files of CSV or JSON lines into a column family',
                               description='Load files of CSV or JSON lines (plain, .gz, .zip) into a column family.',
                               epilog=exit_status)
    _common(load)
    load.add_argument('--create', action='store_true',
                      help='create keyspace and column family where they are missing, with types by --type, else '
                           f'inferred from the first {SAMPLE_ROWS} rows; without it nothing is created')
    load.add_argument('--replication', type=_positive, default=1, metavar='N',
                      help='replication factor of a new keyspace (1)')
    load.add_argument('--ttl', type=_positive, metavar='SECONDS', help='let the columns expire')
    load.add_argument('--batch-rows', type=_positive, default=100, metavar='N', help='rows per request (100)')
    load.add_argument('--bad', metavar='FILE', help='where rows go that cannot be stored (COLUMN_FAMILY.bad.jsonl)')
    load.set_defaults(run=_load)

    verify = commands.add_parser('verify', help='read every row of files back and compare', epilog=exit_status,
                                 description='Read back every row that a load stored, and compare it with the files.')
    _common(verify)
    verify.set_defaults(run=_verify)

    talk = commands.add_parser('shell', help='an interactive Python shell, with the column families as variables',
                               description='An interactive Python shell for Cassandra.', epilog=shell.EXIT_STATUS)
    shell.add_arguments(talk)
    talk.set_defaults(run=shell.run)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1 on')
    return int(text)


def _delimiter(text: str) -> str:
    character = '\t' if text == '\\t' else text
    if len(character) != 1 or character in '"\r\n':
        raise argparse.ArgumentTypeError(f'{text!r} is no single character that can part the fields of a line')
    return character


def _encoding(text: str) -> str:
    try:
        ''.encode(text)
    except (LookupError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _column_type(text: str) -> Tuple[str, str]:
    column, separator, type_name = text.rpartition('=')
    if not separator or not column:
        raise argparse.ArgumentTypeError('must be COLUMN=TYPE')
    if type_name not in mapping.LOADABLE_TYPES:
        raise argparse.ArgumentTypeError(f'{type_name!r} is none of {", ".join(sorted(mapping.LOADABLE_TYPES))}')
    return column, type_name


def _common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('files', nargs='+', metavar='FILE', help='a file, or - for standard input')
    add('--keyspace', required=True, metavar='K')
    add('--column-family', required=True, metavar='F')
    add('--key', required=True, metavar='COLUMN[,COLUMN...]',
        help='the column that is the row key; several are joined by --key-separator')
    add('--key-separator', default=':', metavar='TEXT', help="what joins the parts of a key (':')")
    add('--server', action='append', metavar='HOST:PORT', help='repeatable (localhost:9160)')
    add('--format', choices=readers.FORMATS, help='by default the file name tells')
    add('--delimiter', type=_delimiter, default=',', metavar='CHARACTER', help="of CSV (','); \\t is a tab")
    add('--encoding', type=_encoding, default='utf-8', help='of the files (utf-8)')
    add('--header', metavar='NAME,NAME...', help='the columns of CSV files without a header line')
    add('--null', action='append', metavar='TEXT',
        help='text that stands for no value, repeatable (the empty text, NA)')
    add('--columns', metavar='NAME,NAME...', help='only these columns')
    add('--drop-key', action='store_true', help='do not store the key columns as columns')
    add('--type', action='append', default=[], type=_column_type, metavar='COLUMN=TYPE',
        help='the type of a new column, such as LongType; existing families have theirs')
    add('--timeout', type=seconds, default=30.0, metavar='SECONDS', help='of a request (30)')
    add('--username', help='log in; the password is read from the environment variable PYCASSA_PASSWORD')
    add_tls_arguments(parser)
    add('--consistency', default='ONE', metavar='LEVEL', help='consistency level (ONE)')
    add('--quiet', action='store_true', help='no progress')


# --- the pieces of a job ----------------------------------------------------------------------------------------------

def _records(options: argparse.Namespace) -> Iterator[readers.Input]:
    header = options.header.split(',') if options.header else None
    read = functools.partial(readers.read_records, format=options.format, delimiter=options.delimiter,
                             encoding=options.encoding, header=header,
                             required=options.key.split(','))
    return job.chain_files(options.files, read)


def _nulls(options: argparse.Namespace) -> Sequence[str]:
    return options.null if options.null is not None else ['', 'NA']


def _credentials(options: argparse.Namespace) -> Optional[Credentials]:
    if not options.username:
        return None
    return Credentials({'username': options.username, 'password': os.environ.get('PYCASSA_PASSWORD', '')})


def _servers(options: argparse.Namespace) -> List[str]:
    return options.server or ['localhost:9160']


def _row_mapping(options: argparse.Namespace, family: ColumnFamily) -> mapping.RowMapping:
    """The mapping that the family's schema asks for."""
    definition: CfDef = family._cfdef
    if family.super:
        raise SchemaError(f'{options.column_family} has super columns, which files of rows cannot fill')
    default = extract_type_name(definition.default_validation_class or 'BytesType')
    if default == 'CounterColumnType':
        raise SchemaError(f'{options.column_family} holds counters: adding cannot be repeated safely, so it is not '
                          'done from files')
    types = {column.name.decode('utf-8', 'replace'): extract_type_name(column.validation_class)
             for column in (definition.column_metadata or {}).values()}
    return mapping.RowMapping(
        options.key.split(','), types, default, extract_type_name(definition.key_validation_class or 'BytesType'),
        _nulls(options), options.key_separator, keep_key=not options.drop_key,
        only=options.columns.split(',') if options.columns else None)


def _create(options: argparse.Namespace, sample: Sequence[Mapping[str, Any]]) -> None:
    """Create the keyspace and the family where they are missing, with a validator for every column that is no text."""
    manager = SystemManager(_servers(options)[0], credentials=_credentials(options), timeout=options.timeout,
                            ssl_context=ssl_context_of(options))
    try:
        if options.keyspace not in manager.list_keyspaces():
            manager.create_keyspace(options.keyspace, strategy_options={'replication_factor': str(options.replication)})
        if options.column_family in manager.get_keyspace_column_families(options.keyspace):
            return
        types = {**mapping.infer_types(sample, _nulls(options)), **dict(options.type)}
        validators = {column: kind for column, kind in types.items() if kind != 'UTF8Type'}
        manager.create_column_family(
            options.keyspace, options.column_family, comparator_type='UTF8Type', key_validation_class='UTF8Type',
            default_validation_class='UTF8Type', column_validation_classes=validators)
    finally:
        manager.close()


def _family(options: argparse.Namespace) -> ColumnFamily:
    level = ConsistencyLevel._NAMES_TO_VALUES.get(options.consistency.upper())
    if level is None:
        raise ConfigurationError(f'no consistency level {options.consistency!r}')
    hint = '; --create makes one' if options.command == 'load' else ''
    try:
        pool = ConnectionPool(options.keyspace, _servers(options), credentials=_credentials(options),
                              timeout=options.timeout, pool_size=1, ssl_context=ssl_context_of(options))
    except InvalidRequestException as error:
        raise SchemaError(f'{error.why}{hint}') from error
    try:
        return ColumnFamily(pool, options.column_family, read_consistency_level=level, write_consistency_level=level)
    except NotFoundException as error:
        raise SchemaError(f'there is no column family {options.column_family!r} in keyspace '
                          f'{options.keyspace!r}{hint}') from error


def _summary(rows: int, columns: int, seconds: float) -> str:
    return f'{rows:,} rows, {columns:,} columns in {seconds:.1f} s ({rows / max(seconds, 1e-9):,.0f} rows/s)'


def _bad_rows(options: argparse.Namespace) -> writer.BadRows:
    path = options.bad or f'{options.column_family}.bad.jsonl'
    if os.path.isdir(path) or not os.access(os.path.dirname(path) or os.curdir, os.W_OK):
        raise ConfigurationError(f'{path}, where rows go that cannot be stored, cannot be written; --bad names another')
    return writer.BadRows(path)


def _stopped(report: job.LoadReport) -> None:
    print(f'stopped after {_summary(report.rows, report.columns, report.seconds)}, {report.bad_rows:,} errors',
          file=sys.stderr)


def _load(options: argparse.Namespace) -> int:
    bad = _bad_rows(options)
    sample, records = job.sample(_records(options), SAMPLE_ROWS)
    if options.create:
        _create(options, sample)
    family = _family(options)
    try:
        report = job.load(records, _row_mapping(options, family), family, bad, options.batch_rows, options.ttl,
                          Progress('loading', quiet=options.quiet), _stopped)
    finally:
        bad.close()
        family.pool.dispose()
    print(f'loaded {_summary(report.rows, report.columns, report.seconds)}, {report.bad_rows:,} errors', flush=True)
    if report.bad_rows:
        print(f'the rows that were not stored are in {bad.path}, each with the reason', file=sys.stderr)
    return BAD_ROWS if report.bad_rows else OK


def _verify(options: argparse.Namespace) -> int:
    family = _family(options)
    shown = 0

    def show(difference: job.Difference) -> None:
        nonlocal shown
        shown += 1
        if shown <= 20:
            print(f'{difference.file}:{difference.line}: row {difference.key!r}: {difference.reason}', file=sys.stderr)

    try:
        report = job.verify(_records(options), _row_mapping(options, family), family, show,
                            progress=Progress('verifying', quiet=options.quiet))
    finally:
        family.pool.dispose()
    print(f'verified {_summary(report.rows, report.columns, report.seconds)}, {report.different:,} rows differ, '
          f'{report.skipped:,} rows of the files cannot be stored', flush=True)
    return BAD_ROWS if report.different or report.skipped else OK


def _give_up_output() -> None:
    """Let what standard output did not take go nowhere: the interpreter tries it again when it ends."""
    output = sys.__stdout__
    if output is not None and output is sys.stdout:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output.fileno())
        os.close(nowhere)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ConfigurationError, SchemaError) as error:
        print(f'pycassa: {error}', file=sys.stderr)
        return USAGE
    except PycassaError as error:
        print(f'pycassa: {error.__class__.__name__}: {getattr(error, "why", None) or error}', file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f'pycassa: {error}', file=sys.stderr)
        _give_up_output()
        return FAILED
    except KeyboardInterrupt:
        print('pycassa: interrupted', file=sys.stderr)
        return FAILED


if __name__ == '__main__':
    sys.exit(main())
