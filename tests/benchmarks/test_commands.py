"""Each subcommand, run as users run it, with as little work as it takes."""
import json
import shutil
from xml.etree import ElementTree

import pytest

from benchmarks import calls, codec, ingest, instructions, sink
from benchmarks.__main__ import main
from benchmarks.bounds import Bound
from benchmarks.instructions import judge
from benchmarks.native import Unavailable
from benchmarks.report import Finding, Target

ONLY = ('--implementation', 'pure')
WORK = 'encode 100 x 10 text'


def findings(done, path):
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())['findings']


def test_codec_writes_json_and_a_chart(bench, tmp_path):
    results, chart = tmp_path / 'results.json', tmp_path / 'chart.svg'
    done = bench(WORK, 'multiget 100 x 10 timestamps', *ONLY, '--rounds', 1, '--peer', 'bindings', '--json', results,
                 '--svg', chart)
    found = {each['work']: each for each in findings(done, results)}
    assert found[f'{WORK}, times as fast as bindings, C extension']['verdict'] == 'not measured'
    encode, decode = json.loads(results.read_text())['results']
    assert encode['work'] == WORK and set(encode['ns_per_column']) == {'pure', 'bindings'}
    assert set(decode['ns_per_column']) == {'pure', 'pure, plain', 'bindings'}
    assert 0 < encode['ns_per_column']['pure'] < encode['ns_per_column']['bindings']
    assert any(element.tag.endswith('rect') for element in ElementTree.parse(chart).iter())


def test_a_peer_that_is_missing_is_said_and_left_out(bench, tmp_path):
    done = bench(WORK, *ONLY, '--rounds', 1, '--peer', 'floor', '--floor', tmp_path)
    assert done.returncode == 0 and f'left out: no floor.pyx in {tmp_path}' in done.stderr


@pytest.mark.parametrize('must, status', [(0.0, 0), (1e9, 1)])
def test_check_fails_if_a_must_is_missed(must, status, monkeypatch, capsys):
    bound = Bound('bindings', Target(must, must, at_least=True))
    monkeypatch.setattr(codec, 'bounds_of', lambda work, implementation: [bound])
    assert main([WORK, *ONLY, '--rounds', '1', '--peer', 'bindings', '--check']) == status
    assert ('MISSED' in capsys.readouterr().out) == bool(status)


def test_sink(bench, tmp_path):
    path = tmp_path / 'results.json'
    done = bench('sink', *ONLY, '--rounds', 1, '--seconds', 0.05, '--floor', tmp_path, '--json', path)
    sequential, batches, *counted = findings(done, path)
    assert 0.01 < sequential['ratio'] < 10 and 'calls/s' in sequential['remark']
    assert batches['ratio'] is None and 'columns/s' in batches['remark']
    if counted:
        assert 2 <= counted[0]['ratio'] <= 5
    else:
        assert 'left out: strace' in done.stderr


def test_ingest(bench, tmp_path):
    path = tmp_path / 'results.json'
    done = bench('ingest', *ONLY, '--rounds', 1, '--seconds', 0.1, '--connections', 2, '--json', path)
    (found,) = findings(done, path)
    assert found['ratio'] > 1 and 'server' in found['remark']


def test_real_servers_load_without_the_driver(bench, tmp_path, cassandra_address):
    path = tmp_path / 'results.json'
    done = bench('real', *ONLY, '--server', cassandra_address, '--rounds', 1, '--seconds', 0.1, '--connections', 2,
                 '--json', path)
    found = findings(done, path)
    assert [each['work'].partition(', of the rate')[0] for each in found] == [
        'rows one by one', 'batches of 100 rows', 'batches of 100 rows, 2 connections']
    assert all('rows/s' in each['remark'] for each in found)


def test_calls(bench, tmp_path):
    path = tmp_path / 'results.json'
    done = bench('calls', 'insert', *ONLY, '--calls', 20, '--floor', tmp_path, '--json', path)
    if shutil.which('valgrind') is None:
        assert done.returncode == 1 and 'valgrind is not installed' in done.stderr
        return
    (found,) = findings(done, path)
    assert found['ratio'] is None and int(found['remark'].split()[0].replace(',', '')) > 1000


def test_instructions_are_recorded(bench, tmp_path):
    reference = tmp_path / 'reference.json'
    done = bench('instructions', *ONLY, '--work', WORK, '--calls', 2, '--reference', reference, '--update')
    if shutil.which('valgrind') is None:
        assert done.returncode == 1 and 'valgrind is not installed' in done.stderr
        return
    assert done.returncode == 0, done.stderr
    (recorded,) = json.loads(reference.read_text()).values()
    assert 100 < recorded['pure'][WORK] < 100_000


def test_instructions_are_checked_against_the_record(tmp_path, monkeypatch, capsys):
    arguments = ['instructions', *ONLY, '--reference', str(tmp_path / 'reference.json')]
    counts = {WORK: 100.0}
    monkeypatch.setattr(instructions, 'measure', lambda implementation, calls, works: counts)
    assert main(arguments) == 0 and 'record one with --update' in capsys.readouterr().err
    assert main([*arguments, '--update']) == 0 and main(arguments) == 0
    counts[WORK] = 120.0
    assert main(arguments) == 1 and 'MISSED' in capsys.readouterr().out
    assert main([*arguments, '--tolerance', '0.3']) == 0


@pytest.mark.parametrize('count, verdict', [(100, 'aim'), (109, 'must'), (111, 'MISSED')])
def test_instructions_above_the_reference_by_more_than_the_tolerance_fail(count, verdict):
    assert [each.verdict for each in judge({WORK: count}, {WORK: 100.0}, 'pure', 0.10)] == [verdict]
    assert [each.verdict for each in judge({WORK: count}, {}, 'pure', 0.10)] == ['not measured']


def test_all_is_one_table_of_what_could_be_measured(monkeypatch, capsys):
    def missing(options):
        raise Unavailable('valgrind is not installed')
    monkeypatch.setattr(codec, 'run', lambda options: ([Finding('encode', 'cython', 1.0, Target(1.6, 1.2))], []))
    monkeypatch.setattr(calls, 'run', missing)
    monkeypatch.setattr(sink, 'run', lambda options: [Finding('batches', options.implementation[0], 0.5)])
    monkeypatch.setattr(ingest, 'run', lambda options: [Finding('ingestion', 'cython', 300, Target(400, 800, True))])
    assert main(['all', '--check', *ONLY]) == 1
    output = capsys.readouterr()
    assert 'calls is left out: valgrind is not installed' in output.err
    assert [line.split()[1] for line in output.out.splitlines()[1:]] == ['encode', 'ingestion', 'batches']
