"""Readers: CSV and JSON lines, compressed or not, good rows and bad."""
import gzip
import io
import zipfile

import pytest

from pycassa.ingest.readers import BadRecord, InputError, Record, read_records

CSV = 'id,name\n1,Ann\n2,"Bob, the builder"\n'


@pytest.fixture
def write(tmp_path):
    def write_file(name, data):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)
    return write_file


def fields(path, **options):
    return [record.fields for record in read_records(path, **options)]


EXPECTED = [{'id': '1', 'name': 'Ann'}, {'id': '2', 'name': 'Bob, the builder'}]


def test_csv_plain_gzip_and_zip_give_the_same(write, tmp_path):
    archive = tmp_path / 'a.zip'
    with zipfile.ZipFile(archive, 'w') as opened:
        opened.writestr('folder/', '')
        opened.writestr('folder/data.csv', CSV)
    for path in (write('a.csv', CSV), write('a.csv.gz', gzip.compress(CSV.encode())), str(archive)):
        assert fields(path) == EXPECTED


def test_json_lines_by_name_and_by_option(write):
    text = '{"id": 1, "name": "Ann"}\n\n{"id": 2, "name": null}\n'
    expected = [{'id': 1, 'name': 'Ann'}, {'id': 2, 'name': None}]
    assert fields(write('a.jsonl', text)) == expected
    assert fields(write('a.txt', text), format='jsonl') == expected
    assert fields(write('a.jsonl.gz', gzip.compress(text.encode()))) == expected


def test_standard_input(monkeypatch):
    monkeypatch.setattr('sys.stdin', io.TextIOWrapper(io.BytesIO(CSV.encode())))
    assert fields('-') == EXPECTED


def test_line_numbers_count_the_header_and_multi_line_fields(write):
    path = write('a.csv', 'id,name\n1,"two\nlines"\n2,x\n')
    assert [record.line for record in read_records(path)] == [2, 4]


def test_delimiter_header_encoding_and_byte_order_mark(write):
    assert fields(write('a.csv', '1;Ann\n'), delimiter=';', header=['id', 'name']) == EXPECTED[:1]
    assert fields(write('b.csv', '\ufeff' + CSV)) == EXPECTED
    assert fields(write('c.csv', 'id,name\n1,Jürgen\n'.encode('latin-1')), encoding='latin-1')[0]['name'] == 'Jürgen'


@pytest.mark.parametrize('line, reason', [
    ('3', '1 fields, where the header has 2'),
    ('3,a,b', '3 fields, where the header has 2'),
    ('3,"a"b', 'not CSV'),
])
def test_a_bad_csv_row_is_told_and_the_rest_goes_on(write, line, reason):
    records = list(read_records(write('a.csv', f'id,name\n1,Ann\n{line}\n4,Zoe\n')))
    assert [type(record) for record in records] == [Record, BadRecord, Record]
    assert records[1].line == 3 and reason in records[1].reason
    assert records[2].fields == {'id': '4', 'name': 'Zoe'}


def test_bytes_that_are_no_text_are_a_bad_row(write):
    records = list(read_records(write('a.csv', b'id,name\n1,\xff\n2,b\n')))
    assert isinstance(records[0], BadRecord) and 'not text' in records[0].reason
    assert records[1].fields == {'id': '2', 'name': 'b'}
    bad, good = read_records(write('a.jsonl', b'{"a": "\xff"}\n{"a": 1}\n'))
    assert isinstance(bad, BadRecord) and good.fields == {'a': 1}


@pytest.mark.parametrize('line, reason', [
    ('{"a":', 'not JSON'), ('[1]', 'not a JSON object'), ('7', 'not a JSON object')])
def test_a_bad_json_row_is_told_and_the_rest_goes_on(write, line, reason):
    records = list(read_records(write('a.jsonl', f'{line}\n{{"a": 1}}\n')))
    assert reason in records[0].reason and records[0].line == 1
    assert records[1].fields == {'a': 1}


@pytest.mark.parametrize('name, data, reason', [
    ('a.csv', '', 'no header'), ('a.csv', 'a,a\n1,2\n', 'twice'), ('a.csv', 'a,\n1,2\n', 'no header'),
    ('a.gz', 'not gzip', 'cannot read'), ('a.zip', 'not zip', 'cannot read'),
    ('a.csv.gz', gzip.compress(CSV.encode() * 999)[:-20], 'cannot read'),
])
def test_a_file_that_cannot_be_read_is_an_error(write, name, data, reason):
    with pytest.raises(InputError, match=reason):
        list(read_records(write(name, data)))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match='cannot read'):
        list(read_records(str(tmp_path / 'none.csv')))


def test_a_field_may_be_larger_than_the_csv_module_likes(write):
    assert fields(write('a.csv', 'id,name\n1,' + 'x' * 200_000 + '\n'))[0]['name'] == 'x' * 200_000


def test_an_archive_without_files_is_an_error(tmp_path):
    archive = tmp_path / 'a.zip'
    with zipfile.ZipFile(archive, 'w') as opened:
        opened.writestr('folder/', '')
    with pytest.raises(InputError, match='without files'):
        list(read_records(str(archive)))
