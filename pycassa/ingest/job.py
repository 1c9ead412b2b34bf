"""The load of files into a column family, and the verification that reads every row of them back."""
import itertools
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from pycassa.errors import PycassaError
from pycassa.ingest.mapping import ConversionError, RowMapping
from pycassa.ingest.progress import Progress
from pycassa.ingest.readers import BadRecord, Input
from pycassa.ingest.writer import BadRows, Row, RowWriter

__all__ = ['Difference', 'LoadReport', 'VerifyReport', 'load', 'verify']


class LoadReport(NamedTuple):
    """What a load did: rows and columns that the server acknowledged, rows set aside, seconds."""

    rows: int
    columns: int
    bad_rows: int
    seconds: float


class VerifyReport(NamedTuple):
    """What a verification found: rows and columns that are as in the files; rows that differ; seconds."""

    rows: int
    columns: int
    different: int
    skipped: int
    seconds: float


class Difference(NamedTuple):
    """A row of a file that is not stored as the file has it."""

    file: str
    line: int
    key: Any
    reason: str


def load(records: Iterator[Input], mapping: RowMapping, column_family: Any, bad: BadRows, batch_rows: int = 100,
         ttl: Optional[int] = None, progress: Optional[Progress] = None,
         stopped: Optional[Callable[[LoadReport], None]] = None) -> LoadReport:
    """Store every record in `column_family`; records that cannot be stored go to `bad`, and the rest goes on.

    Raises what ends the job: InputError, NoServerAvailable and the like. Rows acknowledged before that are stored;
    `stopped` is told then what was done.
    """
    progress = progress or Progress('loading', quiet=True)
    before = bad.count
    complete = False
    writer = RowWriter(column_family, bad, batch_rows, ttl)
    try:
        with writer:
            for row in _rows(records, mapping, bad.add):
                writer.add(row)
                progress.advance()
        complete = True
    finally:
        report = LoadReport(writer.rows, writer.columns, bad.count - before, progress.close())
        if stopped is not None and not complete:
            stopped(report)
    return report


def _rows(records: Iterator[Input], mapping: RowMapping, refuse: Callable[[BadRecord], None]) -> Iterator[Row]:
    for record in records:
        if isinstance(record, BadRecord):
            refuse(record)
            continue
        try:
            key, columns = mapping.row(record.fields)
        except ConversionError as error:
            refuse(BadRecord(record.file, record.line, str(error), record.fields))
            continue
        yield Row(key, columns, record.file, record.line, record.fields)


def verify(records: Iterator[Input], mapping: RowMapping, column_family: Any,
           report: Callable[[Difference], None], page_rows: int = 100,
           progress: Optional[Progress] = None) -> VerifyReport:
    """Read every record's row back and compare each column with the file. Differences go to `report`.

    Values that a type rounds (a DateType keeps milliseconds) count as equal when they are stored alike. Records that
    a load would have set aside are counted as skipped. Where a key occurs twice within a page, the last one counts.
    """
    progress = progress or Progress('verifying', quiet=True)
    rows = columns = different = 0
    skipped: List[BadRecord] = []
    try:
        source = _rows(records, mapping, skipped.append)
        for page in iter(lambda: list(itertools.islice(source, page_rows)), []):
            expected = {row.key: row for row in page}
            stored = _read(column_family, expected)
            for key, row in expected.items():
                reason = _difference(column_family, row.columns, stored.get(key))
                if reason is None:
                    rows, columns = rows + 1, columns + len(row.columns)
                else:
                    different += 1
                    report(Difference(row.file, row.line, key, reason))
            progress.advance(len(page))
    finally:
        seconds = progress.close()
    return VerifyReport(rows, columns, different, len(skipped), seconds)


def _read(column_family: Any, expected: Dict[Any, Row]) -> Dict[Any, Any]:
    most = max(len(row.columns) for row in expected.values())
    return column_family.multiget(list(expected), column_count=most + 1000)  # type: ignore[no-any-return]


def _difference(column_family: Any, expected: Dict[Any, Any], stored: Optional[Dict[Any, Any]]) -> Optional[str]:
    """Why `stored` is not `expected`, or None where it is. Columns beyond the expected ones do not count."""
    if stored is None:
        return 'the row is missing'
    for name, value in expected.items():
        if name not in stored:
            return f'column {name!r} is missing'
        found = stored[name]
        if found != value and column_family._pack_value(found, name) != column_family._pack_value(value, name):
            return f'column {name!r} is {found!r:.100}, not {value!r:.100}'
    return None


def sample(records: Iterator[Input], size: int) -> Tuple[List[Dict[str, Any]], Iterator[Input]]:
    """The fields of the first `size` good records, and an iterator over all of them from the start."""
    head = list(itertools.islice(records, size))
    return [record.fields for record in head if not isinstance(record, BadRecord)], itertools.chain(head, records)


class SchemaError(PycassaError):
    """The keyspace or column family is not there, or not of a kind that files can be loaded into."""


def chain_files(paths: Sequence[str], read: Callable[[str], Iterator[Input]]) -> Iterator[Input]:
    """The records of several files, one file after another."""
    return itertools.chain.from_iterable(map(read, paths))
