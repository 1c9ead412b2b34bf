"""Writer, job and progress over a family that refuses what the test wants refused."""
import io
import json

import pytest

from pycassa.cassandra.ttypes import InvalidRequestException
from pycassa.errors import NoServerAvailable, PackingError
from pycassa.ingest import job
from pycassa.ingest.mapping import RowMapping
from pycassa.ingest.progress import Progress
from pycassa.ingest.readers import BadRecord, Record
from pycassa.ingest.writer import BadRows, Row, RowWriter

REFUSAL = InvalidRequestException(why='bad value')


class Family:
    """A column family in memory: refuses whole batches that hold a key of `poison`, as servers do."""

    def __init__(self, poison=(), error=REFUSAL):
        self.rows = {}
        self.batches = []
        self.poison = set(poison)
        self.error = error

    def batch_insert(self, rows, ttl=None):
        self.batches.append(list(rows))
        if self.poison & set(rows):
            raise self.error
        self.rows.update(rows)
        self.ttl = ttl

    def multiget(self, keys, column_count):
        return {key: self.rows[key] for key in keys if key in self.rows}

    def _pack_value(self, value, name):
        return str(value).encode()


def rows(count):
    return [Row(f'k{number}', {'c': number}, 'f', number + 2, {'c': str(number)}) for number in range(count)]


def test_batches_are_of_the_size_asked_for_and_the_rest_is_flushed():
    family = Family()
    with RowWriter(family, BadRows(None), batch_rows=4, ttl=9) as writer:
        for row in rows(10):
            writer.add(row)
    assert [len(batch) for batch in family.batches] == [4, 4, 2]
    assert (writer.rows, writer.columns, family.ttl) == (10, 10, 9)
    assert family.rows['k7'] == {'c': 7}


@pytest.mark.parametrize('error', [REFUSAL, PackingError('bad value')])
def test_only_the_rows_at_fault_are_set_aside(tmp_path, error):
    bad = BadRows(str(tmp_path / 'bad.jsonl'))
    family = Family(poison=['k3', 'k11'], error=error)
    with RowWriter(family, bad, batch_rows=16) as writer:
        for row in rows(16):
            writer.add(row)
    bad.close()
    assert writer.rows == 14 and set(family.rows) == {f'k{n}' for n in range(16)} - {'k3', 'k11'}
    entries = [json.loads(line) for line in (tmp_path / 'bad.jsonl').read_text().splitlines()]
    assert entries == [{'file': 'f', 'line': n + 2, 'reason': 'refused: bad value', 'row': {'c': str(n)}}
                       for n in (3, 11)]


def test_no_bad_rows_no_file(tmp_path):
    bad = BadRows(str(tmp_path / 'bad.jsonl'))
    bad.close()
    assert not list(tmp_path.iterdir())


def test_other_errors_end_the_job_and_keep_the_queue():
    family = Family(poison=['k1'], error=NoServerAvailable('down'))
    writer = RowWriter(family, BadRows(None), batch_rows=100)
    for row in rows(3):
        writer.add(row)
    with pytest.raises(NoServerAvailable):
        writer.flush()
    family.poison.clear()
    writer.flush()
    assert len(family.rows) == 3 and writer.rows == 3


def test_a_key_that_comes_twice_keeps_the_order():
    family = Family()
    with RowWriter(family, BadRows(None)) as writer:
        writer.add(Row('k', {'c': 1}, 'f', 2, None))
        writer.add(Row('k', {'c': 2}, 'f', 3, None))
    assert family.batches == [['k'], ['k']] and family.rows['k'] == {'c': 2}


def test_load_and_verify_count_what_they_saw():
    records = [Record('f', 2, {'k': 'a', 'n': '1'}), BadRecord('f', 3, 'not CSV', None),
               Record('f', 4, {'k': 'b', 'n': 'x'}), Record('f', 5, {'k': 'c', 'n': '3'})]
    family, bad, mapping = Family(), BadRows(None), RowMapping(['k'], {'n': 'LongType'})
    report = job.load(iter(records), mapping, family, bad)
    assert report[:3] == (2, 4, 2) and bad.count == 2
    seen = []
    assert job.verify(iter(records), mapping, family, seen.append)[:4] == (2, 4, 0, 2)
    family.rows['a'] = {'k': 'a'}
    family.rows['c'] = {'k': 'c', 'n': 4}
    del seen[:]
    assert job.verify(iter(records), mapping, family, seen.append)[:4] == (0, 0, 2, 2)
    assert [difference.reason for difference in seen] == ["column 'n' is missing", "column 'n' is 4, not 3"]
    family.rows.clear()
    del seen[:]
    job.verify(iter(records), mapping, family, seen.append)
    assert [difference.reason for difference in seen] == ['the row is missing'] * 2


def test_values_that_are_stored_alike_are_equal():
    family = Family()
    family.rows['a'] = {'n': '1'}
    mapping = RowMapping(['k'], {'n': 'LongType'}, keep_key=False)
    assert job.verify(iter([Record('f', 2, {'k': 'a', 'n': '1'})]), mapping, family, print)[:3] == (1, 1, 0)


def test_plain_lines_come_at_intervals_of_the_clock():
    now, stream = [0.0], io.StringIO()
    progress = Progress('loading', stream, interval=5.0, clock=lambda: now[0])
    for _ in range(1024):
        now[0] += 0.01
        progress.advance()
    assert progress.close() == pytest.approx(10.24)
    lines = stream.getvalue().splitlines()
    assert lines == ['loading: 512 rows, 100 rows/s', 'loading: 1,024 rows, 100 rows/s']


def test_quiet_prints_nothing():
    stream = io.StringIO()
    progress = Progress('loading', stream, quiet=True, clock=iter(range(0, 10 ** 6, 100)).__next__)
    progress.advance(1024)
    progress.close()
    assert stream.getvalue() == ''
