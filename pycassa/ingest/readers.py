"""Files of CSV or JSON lines, plain or compressed by gzip or zip, as a stream of records."""
import csv
import gzip
import io
import json
import pathlib
import sys
import zipfile
import zlib
from contextlib import contextmanager
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Sequence, TextIO, Tuple, Union

from pycassa.errors import PycassaError

__all__ = ['BadRecord', 'InputError', 'Record', 'read_records']

FORMATS = ('csv', 'jsonl')
JSON_SUFFIXES = ('.jsonl', '.ndjson', '.json')
# A field of a CSV file may be as large as a column value; the csv module's own limit is 128 KiB.
MAX_FIELD = 15 * 1024 * 1024


class InputError(PycassaError):
    """An input file cannot be read at all: missing, unreadable, damaged, or without a header."""


class Record(NamedTuple):
    """One row of a file: `fields` by column name; text from CSV, JSON values from JSON lines."""

    file: str
    line: int
    fields: Dict[str, Any]


class BadRecord(NamedTuple):
    """One row of a file that could not be taken, with its raw form and the reason."""

    file: str
    line: int
    reason: str
    raw: Any


Input = Union[Record, BadRecord]


def read_records(path: str, format: Optional[str] = None, delimiter: str = ',', encoding: str = 'utf-8',
                 header: Optional[Sequence[str]] = None, required: Sequence[str] = ()) -> Iterator[Input]:
    """Yield every row of the file as a Record, or as a BadRecord with the reason why it is none.

    `path` is a file of CSV or JSON lines, plain, ``.gz`` or ``.zip`` (every member in turn), or ``-`` for standard
    input. `format` is 'csv' or 'jsonl'; by default the file's name tells, and what is not named as JSON is CSV.
    `header` names the columns of CSV files that have no header line; `required` are those that a CSV file must have,
    such as the key's. Lines are numbered from 1, header included.

    Raises InputError when the file cannot be read, or has not the columns required.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    try:
        for name, stream in _streams(path):
            if (format or _format_of(name)) == 'jsonl':
                yield from _json_records(path, stream, encoding)
            else:
                with _text(stream, encoding) as text:
                    yield from _csv_records(path, text, delimiter, header, required)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f'cannot read {path}: {error}') from error


def _format_of(name: str) -> str:
    return 'jsonl' if pathlib.PurePath(name).suffix.lower() in JSON_SUFFIXES else 'csv'


def _streams(path: str) -> Iterator[Tuple[str, BinaryIO]]:
    """The binary streams in a file, each with the name that tells its format."""
    lower = path.lower()
    if path == '-':
        if sys.stdin is None:
            raise InputError('cannot read standard input: it is closed')
        yield path, sys.stdin.buffer
    elif lower.endswith('.gz'):
        with gzip.open(path, 'rb') as stream:
            yield path[:-len('.gz')], stream  # type: ignore[misc]
    elif lower.endswith('.zip'):
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if not members:
                raise InputError(f'{path} is an archive without files')
            for member in members:
                with archive.open(member) as inner:
                    yield member.filename, inner  # type: ignore[misc]
    else:
        with open(path, 'rb') as plain:
            yield path, plain


@contextmanager
def _text(stream: BinaryIO, encoding: str) -> Iterator[TextIO]:
    """`stream` as text without ownership of it; bytes that are no text become surrogates, found row by row."""
    text = io.TextIOWrapper(stream, encoding='utf-8-sig' if encoding == 'utf-8' else encoding,
                            errors='surrogateescape', newline='')
    try:
        yield text
    finally:
        text.detach()


def _csv_records(file: str, text: TextIO, delimiter: str, header: Optional[Sequence[str]],
                 required: Sequence[str]) -> Iterator[Input]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    names = list(header) if header else _csv_header(file, reader)
    _check_required(file, names, required, delimiter)
    width = len(names)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRecord(file, line, f'not CSV: {error}', None)
            continue
        if not values:
            continue
        if len(values) != width:
            yield BadRecord(file, line, f'{len(values)} fields, where the header has {width}', values)
        elif _has_undecoded(values):
            yield BadRecord(file, line, 'bytes that are not text in the encoding given', list(map(ascii, values)))
        else:
            yield Record(file, line, dict(zip(names, values)))


def _has_undecoded(values: Sequence[str]) -> bool:
    joined = ''.join(values)
    return not joined.isascii() and any('\ud800' <= character <= '\udfff' for character in joined)


def _csv_header(file: str, reader: Any) -> Sequence[str]:
    try:
        names: Optional[List[str]] = next(reader, None)
    except csv.Error as error:
        raise InputError(f'cannot read the header of {file}: {error}') from error
    if not names or not all(names):
        raise InputError(f'{file} has no header line that names its columns')
    if len(set(names)) != len(names):
        raise InputError(f'the header of {file} names a column twice: {", ".join(names)}')
    return names


def _check_required(file: str, names: Sequence[str], required: Sequence[str], delimiter: str) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        raise InputError(
            f'{file} has no column {missing[0]!r}; split at {delimiter!r} its columns are {", ".join(names)[:500]!a}. '
            '--key, --delimiter, --encoding and --header say how files are read')


def _json_records(file: str, stream: BinaryIO, encoding: str) -> Iterator[Input]:
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode(encoding).strip('\ufeff \t\r\n')
        except UnicodeDecodeError as error:
            yield BadRecord(file, number, f'not text: {error}', ascii(line))
            continue
        if not text:
            continue
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield BadRecord(file, number, f'not JSON: {error}', text)
            continue
        if isinstance(fields, dict):
            yield Record(file, number, fields)
        else:
            yield BadRecord(file, number, 'not a JSON object', text)
