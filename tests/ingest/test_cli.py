"""`pycassa load` and `pycassa verify` on servers: creating, types, bad rows, exit status, no secrets shown."""
import csv
import json
import os
import subprocess
import sys

import pytest

import pycassa
from pycassa import cli
from pycassa.cassandra.ttypes import CfDef, ColumnDef
from pycassa.embedded import EmbeddedServer

ROWS = [
    {'id': 'a1', 'count': '12', 'ratio': '0.5', 'when': '2013-01-01T05:00:00Z', 'flag': 'true', 'note': 'plain'},
    {'id': 'a2', 'count': 'NA', 'ratio': '2', 'when': '2013-01-02T05:00:00Z', 'flag': 'false', 'note': ''},
    {'id': 'a3', 'count': '-7', 'ratio': '1e-3', 'when': '2014-01-01', 'flag': 'TRUE', 'note': 'Grüße, "Welt"'},
]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open('data.csv', 'w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return 'data.csv'


def run(command, server, keyspace, *arguments, family='loaded', key='id'):
    return cli.main([command, '--server', server.address, '--keyspace', keyspace, '--column-family', family,
                     '--key', key, '--quiet', *arguments])


def family_of(server, keyspace, name='loaded'):
    pool = pycassa.ConnectionPool(keyspace, [server.address], timeout=30)
    return pycassa.ColumnFamily(pool, name)


def test_create_load_and_verify(server, keyspace, data, capsys):
    assert run('load', server, keyspace, data, '--create') == cli.OK
    assert 'loaded 3 rows, 16 columns in' in capsys.readouterr().out
    cf = family_of(server, keyspace)
    row = cf.get('a3')
    assert row == {'id': 'a3', 'count': -7, 'ratio': 0.001, 'when': row['when'], 'flag': True, 'note': 'Grüße, "Welt"'}
    assert row['when'].isoformat() == '2014-01-01T00:00:00'
    assert set(cf.get('a2')) == {'id', 'ratio', 'when', 'flag'}
    assert run('verify', server, keyspace, data) == cli.OK
    assert 'verified 3 rows, 16 columns' in capsys.readouterr().out
    cf.insert('a1', {'count': 13})
    cf.remove('a3')
    assert run('verify', server, keyspace, data) == cli.BAD_ROWS
    output = capsys.readouterr()
    assert "data.csv:2: row 'a1': column 'count' is 13, not 12" in output.err
    assert "data.csv:4: row 'a3': the row is missing" in output.err and '2 rows differ' in output.out
    cf.pool.dispose()


def test_bad_rows_go_to_a_file_and_the_rest_goes_on(server, keyspace, raw_client, data, capsys):
    raw_client.system_add_column_family(CfDef(
        keyspace=keyspace, name='loaded', comparator_type='UTF8Type', key_validation_class='UTF8Type',
        default_validation_class='UTF8Type',
        column_metadata=[ColumnDef(name=b'count', validation_class='Int32Type')]))
    with open(data, 'a', encoding='utf-8') as file:
        file.write('a4,seven,,,,\na5,99999999999,,,,\na6,1\n,5,,,,\na7,7,,,,last\n')
    assert run('load', server, keyspace, data, '--bad', 'rejects.jsonl') == cli.BAD_ROWS
    output = capsys.readouterr()
    assert 'loaded 4 rows' in output.out and '4 errors' in output.out and 'rejects.jsonl' in output.err
    with open('rejects.jsonl', encoding='utf-8') as file:
        rejected = {entry['line']: entry['reason'] for entry in map(json.loads, file)}
    assert set(rejected) == {5, 6, 7, 8}
    assert "column 'count': 'seven' is not of Int32Type" in rejected[5] and 'Int32Type' in rejected[6]
    assert rejected[7] == '2 fields, where the header has 6' and "'id' is empty" in rejected[8]
    cf = family_of(server, keyspace)
    assert cf.get('a7') == {'id': 'a7', 'count': 7, 'note': 'last'} and cf.get('a1')['count'] == 12
    cf.pool.dispose()


def test_a_row_that_the_server_refuses_is_set_aside_alone(server, keyspace, raw_client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='loaded', comparator_type='AsciiType',
                                              key_validation_class='UTF8Type', default_validation_class='UTF8Type'))
    long_name = 'n' * 65536
    with open('data.jsonl', 'w', encoding='utf-8') as file:
        for number in range(20):
            file.write(json.dumps({'id': f'k{number}', long_name if number == 7 else 'name': 'x'}) + '\n')
    assert run('load', server, keyspace, 'data.jsonl') == cli.BAD_ROWS
    with open('loaded.bad.jsonl', encoding='utf-8') as file:
        (entry,) = map(json.loads, file)
    assert entry['line'] == 8 and 'column name length' in entry['reason']
    cf = family_of(server, keyspace)
    assert len(list(cf.get_range())) == 19
    cf.pool.dispose()


def test_nothing_is_created_without_being_asked(server, keyspace, data, capsys):
    assert run('load', server, keyspace, data) == cli.USAGE
    assert '--create makes one' in capsys.readouterr().err
    assert run('load', server, 'no_such_keyspace', data) == cli.USAGE
    error = capsys.readouterr().err
    assert 'no_such_keyspace' in error and '--create makes one' in error
    # verify has no --create, and does not speak of it.
    assert run('verify', server, 'no_such_keyspace', data) == cli.USAGE
    assert run('verify', server, keyspace, data) == cli.USAGE
    error = capsys.readouterr().err
    assert 'no_such_keyspace' in error and 'loaded' in error and '--create' not in error


def test_families_that_files_cannot_fill(server, keyspace, raw_client, data, capsys):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='counts',
                                              default_validation_class='CounterColumnType'))
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='supers', column_type='Super',
                                              comparator_type='UTF8Type'))
    assert run('load', server, keyspace, data, family='counts') == cli.USAGE
    assert 'counters' in capsys.readouterr().err
    assert run('load', server, keyspace, data, family='supers') == cli.USAGE
    assert 'super columns' in capsys.readouterr().err


def test_a_server_that_is_not_there_and_a_file_that_is_not_there(data, capsys):
    arguments = ['--keyspace', 'k', '--column-family', 'f', '--key', 'id', '--server', '127.0.0.1:1', '--timeout', '1']
    assert cli.main(['load', data, *arguments]) == cli.FAILED
    assert '127.0.0.1:1' in capsys.readouterr().err
    assert cli.main(['load', 'missing.csv', *arguments]) == cli.FAILED
    assert 'missing.csv' in capsys.readouterr().err


def test_a_header_without_the_key_column_creates_nothing(server, keyspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data.csv').write_text('id;name\n1;Ann\n')
    assert run('load', server, 'never_made', 'data.csv', '--create') == cli.FAILED
    error = capsys.readouterr().err
    assert "'id'" in error and 'id;name' in error and '--delimiter' in error
    pool = pycassa.ConnectionPool(keyspace, [server.address])
    assert 'never_made' not in [definition.name for definition in pool.execute('describe_keyspaces')]
    pool.dispose()
    assert not (tmp_path / 'loaded.bad.jsonl').exists()
    assert run('load', server, keyspace, 'data.csv', '--create', '--delimiter', ';') == cli.OK


def test_tabs_may_be_written_as_text(server, keyspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data.tsv').write_text('id\tname\n1\tAnn\n')
    assert run('load', server, keyspace, 'data.tsv', '--create', '--delimiter', '\\t') == cli.OK
    assert run('verify', server, keyspace, 'data.tsv', '--delimiter', '\t') == cli.OK


def test_a_failed_load_tells_what_was_stored(server, keyspace, data, capsys, monkeypatch):
    assert run('load', server, keyspace, data, '--create') == cli.OK
    capsys.readouterr()
    stored = []
    batch_insert = pycassa.ColumnFamily.batch_insert

    def interrupted(self, rows, *arguments, **options):
        if stored:
            raise KeyboardInterrupt
        stored.extend(rows)
        return batch_insert(self, rows, *arguments, **options)

    monkeypatch.setattr(pycassa.ColumnFamily, 'batch_insert', interrupted)
    assert run('load', server, keyspace, data, '--batch-rows', '2') == cli.FAILED
    error = capsys.readouterr().err
    assert 'stopped after 2 rows, 10 columns' in error and 'interrupted' in error


def test_a_file_of_bad_rows_that_cannot_be_written(server, keyspace, data, tmp_path, capsys):
    for path in ('missing/bad.jsonl', str(tmp_path)):
        assert run('load', server, keyspace, data, '--create', '--bad', path) == cli.USAGE
        assert path in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_full_disk_ends_in_a_message(server, keyspace, data, capsys):
    with open(data, 'a', encoding='utf-8') as file:
        file.write('short\n')
    assert run('load', server, keyspace, data, '--create', '--bad', '/dev/full') == cli.FAILED
    assert 'No space left' in capsys.readouterr().err
    words = ['load', data, '--server', server.address, '--keyspace', keyspace, '--column-family', 'loaded',
             '--key', 'id']
    with open('/dev/full', 'w') as full:
        done = subprocess.run([sys.executable, '-m', 'pycassa.cli', *words], stdout=full, stderr=subprocess.PIPE,
                              text=True, env={'PYTHONPATH': ':'.join(sys.path)})
    assert done.returncode == cli.FAILED and 'No space left' in done.stderr and 'Traceback' not in done.stderr


def test_standard_input_that_is_closed(server, keyspace, monkeypatch, capsys):
    monkeypatch.setattr('sys.stdin', None)
    assert run('load', server, keyspace, '-', '--create') == cli.FAILED
    assert 'standard input' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [
    [], ['load'], ['load', 'x', '--type', 'a'], ['load', 'x', '--type', 'a=NoType'],
    *(['load', 'x', '--keyspace', 'k', '--column-family', 'f', '--key', 'id', *wrong] for wrong in (
        ['--delimiter', '||'], ['--delimiter', ''], ['--delimiter', '"'], ['--encoding', 'nope'], ['--encoding', 'hex'],
        ['--ttl', '0'], ['--ttl', '-5'], ['--ttl', 'x'], ['--timeout', '0'], ['--timeout', '-1'], ['--timeout', 'nan'],
        ['--batch-rows', 'x'], ['--replication', '0']))])
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == cli.USAGE
    error = capsys.readouterr().err
    assert error.startswith('usage:') and '_positive' not in error


def test_types_by_option_and_the_whole_command(data, tmp_path):
    """In a process of its own, with credentials that appear nowhere."""
    with EmbeddedServer(credentials={'jsmith': 'canary'}) as server:
        arguments = ['--server', server.address, '--keyspace', 'k', '--column-family', 'f', '--key', 'id',
                     '--username', 'jsmith']
        environment = {'PYCASSA_PASSWORD': 'canary', 'PATH': '', 'PYTHONPATH': ':'.join(sys.path)}

        def command(*words, **more):
            return subprocess.run([sys.executable, '-m', 'pycassa.cli', *words, *arguments], text=True,
                                  capture_output=True, env={**environment, **more})

        done = command('load', data, '--create', '--type', 'count=UTF8Type')
        assert done.returncode == cli.OK, done.stderr
        pool = pycassa.ConnectionPool('k', [server.address], credentials={'username': 'jsmith', 'password': 'canary'})
        assert pycassa.ColumnFamily(pool, 'f').get('a1')['count'] == '12'
        pool.dispose()
        refused = command('load', data, PYCASSA_PASSWORD='wrong-canary')
        assert refused.returncode == cli.FAILED and 'AuthenticationException' in refused.stderr
        assert 'canary' not in done.stdout + done.stderr + refused.stdout + refused.stderr
