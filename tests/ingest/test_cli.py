"""`pycassa load` and `pycassa verify` on servers: creating, types, bad rows, exit status, no secrets shown."""
import csv
import json
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
    assert run('load', server, 'no_such_keyspace', data) == cli.FAILED
    assert 'no_such_keyspace' in capsys.readouterr().err


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


@pytest.mark.parametrize('arguments', [[], ['load'], ['load', 'x', '--type', 'a'], ['load', 'x', '--type', 'a=NoType']])
def test_wrong_usage(arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == cli.USAGE


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
