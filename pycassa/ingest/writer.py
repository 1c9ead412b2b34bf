"""Rows into a column family in batches, with the rows that cannot be stored set aside in a file."""
import json
from types import TracebackType
from typing import Any, Dict, List, NamedTuple, Optional, Set, TextIO, Type

from pycassa.cassandra.ttypes import InvalidRequestException
from pycassa.errors import MutationTooLarge, PackingError
from pycassa.ingest.readers import BadRecord

__all__ = ['BadRows', 'Row', 'RowWriter']

# What the row itself is to blame for: it is set aside, and the rest goes on. All else ends the job.
ROW_ERRORS = (InvalidRequestException, PackingError, MutationTooLarge)


class Row(NamedTuple):
    """A row to store, and where it came from."""

    key: Any
    columns: Dict[Any, Any]
    file: str
    line: int
    raw: Any


class BadRows:
    """A file of JSON lines, one for each row that was not stored: file, line, reason, row.

    It is created when the first such row comes. Without a path they are only counted.
    """

    def __init__(self, path: Optional[str]) -> None:
        self.path = path
        self.count = 0
        self._file: Optional[TextIO] = None

    def add(self, bad: BadRecord) -> None:
        """Count a row, and write it to the file where there is one."""
        self.count += 1
        if self.path is None:
            return
        if self._file is None:
            self._file = open(self.path, 'w', encoding='utf-8')
        entry = {'file': bad.file, 'line': bad.line, 'reason': bad.reason, 'row': bad.raw}
        json.dump(entry, self._file, default=repr)
        self._file.write('\n')

    def close(self) -> None:
        """Close the file. Harmless twice."""
        if self._file is not None:
            self._file.close()
            self._file = None


class RowWriter:
    """Collects rows and stores them `batch_rows` at a time through `column_family.batch_insert`.

    A batch that the server or the packing refuses is halved until the rows at fault stand alone; they go to `bad`.
    (A server checks a whole batch before it writes any of it, so the halves are no repetition.) `rows` and `columns`
    count what was acknowledged. Used as a context manager it stores what is left when the block ends well.
    """

    def __init__(self, column_family: Any, bad: BadRows, batch_rows: int = 100, ttl: Optional[int] = None) -> None:
        self._column_family = column_family
        self._bad = bad
        self._batch_rows = batch_rows
        self._ttl = ttl
        self._pending: List[Row] = []
        self._keys: Set[Any] = set()
        self.rows = 0
        self.columns = 0

    def add(self, row: Row) -> None:
        """Queue a row; stores a batch when it is full, or when the row's key is in it already (order is kept)."""
        if row.key in self._keys:
            self.flush()
        self._keys.add(row.key)
        self._pending.append(row)
        if len(self._pending) >= self._batch_rows:
            self.flush()

    def flush(self) -> None:
        """Store what is queued. After an error that is not a row's fault the queue is kept and can be flushed again."""
        if self._pending:
            self._store(self._pending)
            self._pending = []
            self._keys = set()

    def _store(self, rows: List[Row]) -> None:
        try:
            self._column_family.batch_insert({row.key: row.columns for row in rows}, ttl=self._ttl)
        except ROW_ERRORS as error:
            if len(rows) == 1:
                row = rows[0]
                reason = getattr(error, 'why', None) or str(error)
                self._bad.add(BadRecord(row.file, row.line, f'refused: {reason}', row.raw))
                return
            middle = len(rows) // 2
            self._store(rows[:middle])
            self._store(rows[middle:])
            return
        self.rows += len(rows)
        self.columns += sum(len(row.columns) for row in rows)

    def __enter__(self) -> 'RowWriter':
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None:
            self.flush()
