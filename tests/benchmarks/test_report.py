"""Verdicts: what reaches its must and its aim, what misses, and the exit status that says so."""
import json

import pytest

from benchmarks.report import Finding, Target, report

AT_MOST, AT_LEAST = Target(1.6, 1.2), Target(44.0, 59.0, at_least=True)


@pytest.mark.parametrize('target, ratio, verdict', [
    (AT_MOST, 1.2, 'aim'), (AT_MOST, 1.21, 'must'), (AT_MOST, 1.6, 'must'), (AT_MOST, 1.601, 'MISSED'),
    (AT_LEAST, 59.0, 'aim'), (AT_LEAST, 58.9, 'must'), (AT_LEAST, 44.0, 'must'), (AT_LEAST, 43.9, 'MISSED'),
    (Target(1.0, None), 0.5, 'must'), (Target(1.0, None), 1.1, 'MISSED'),
    (Target(None, 1.1), 1.1, 'aim'), (Target(None, 1.1), 1.2, 'short of the aim'),
    (AT_MOST, None, 'not measured'), (AT_MOST, float('nan'), 'not measured'),
])
def test_a_verdict_names_the_bound_that_is_reached(target, ratio, verdict):
    assert target.verdict(ratio) == verdict


@pytest.mark.parametrize('ratio, check, status', [
    (1.5, True, 0), (1.7, True, 1), (1.7, False, 0), (None, True, 0),
])
def test_only_a_missed_must_fails_a_check(ratio, check, status, capsys):
    reached = Finding('fast', 'cython', 1.0, AT_MOST)
    assert report([reached, Finding('encode', 'cython', ratio, AT_MOST)], None, check) == status
    output = capsys.readouterr()
    assert ('MISSED' in output.out) == (ratio == 1.7)
    assert ('could not be judged' in output.err) == (ratio is None)


def test_an_aim_that_is_not_reached_does_not_fail_a_check():
    assert report([Finding('multiget', 'cython', 1.3, Target(None, 1.1))], None, True) == 0


def test_the_table_has_a_line_per_finding_and_a_column_per_bound(capsys):
    report([Finding('encode', 'pure', 8.5), Finding('encode', 'cython', 1.5, AT_MOST, '18 ns')], None, False)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ['work', 'ratio', 'must', 'aim', 'verdict']
    assert [line.split() for line in lines] == [
        ['cython:', 'encode', '1.50', '<=', '1.60', '<=', '1.20', 'must', '18', 'ns'], ['pure:', 'encode', '8.50']]


def test_json_holds_the_findings_and_where_they_were_made(tmp_path):
    path = tmp_path / 'results.json'
    report([Finding('encode', 'cython', 70.0, AT_LEAST)], str(path), False, results=[1])
    document = json.loads(path.read_text())
    assert document['findings'] == [{'work': 'encode', 'implementation': 'cython', 'ratio': 70.0, 'remark': '',
                                     'must': 44.0, 'aim': 59.0, 'at_least': True, 'verdict': 'aim'}]
    assert document['results'] == [1] and document['environment']['python']


def test_json_on_the_standard_output_is_all_that_is_there(capsys):
    report([Finding('encode', 'cython', 1.5, AT_MOST)], '-', False)
    output = capsys.readouterr()
    assert json.loads(output.out)['findings'][0]['verdict'] == 'must' and 'verdict' in output.err
