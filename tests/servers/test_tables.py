"""Tables in the documentation: what runs of tests gave, beside what was there before."""
import pathlib

import pytest

from . import matrix, pages, prooftable
from .cluster import Cluster
from .errors import ServerFailed
from .matrix import Counts, Row
from .options import Spec

PAGE = """\
# A page
<!-- matrix: written by ./dev matrix -->
<!-- matrix: end -->
<!-- promises: written by ./dev proof -->
<!-- promises: end -->
The end.
"""
GOOD, SKIPPED = Counts(11), Counts(10, 0, 1)
DOCS = pathlib.Path(__file__).resolve().parents[2] / 'docs'
REPORT = """\
<testsuites><testsuite>
<testcase classname="a" name="test[real-2.1.22@127.9.9.1:9160?auth=1-x]"/>
<testcase classname="a" name="test[real-2.1.22@127.9.9.1:9160?auth=1-y]"><failure/></testcase>
<testcase classname="a" name="test[embedded-2.1]"/>
<testcase classname="b" name="test[embedded-2.1]"><skipped/></testcase>
<testcase classname="c" name="test[embedded-2.1]"/>
<testcase classname="c" name="test[embedded-2.1]"><error/></testcase>
<testcase classname="d" name="test_without_a_server"/>
</testsuite></testsuites>"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / 'page.md'
    path.write_text(PAGE)
    return path


def row(text, real=SKIPPED, embedded=GOOD):
    return Row(Spec.parse(text), real, embedded, 1.25)


def test_counts_of_a_report(tmp_path):
    report = tmp_path / 'report.xml'
    report.write_text(REPORT)
    spec = Spec.parse('2.1,auth')
    assert matrix.count(report, matrix.real(spec)) == Counts(passed=1, failed=1)
    assert matrix.count(report, matrix.embedded(spec)) == Counts(passed=1, failed=1, skipped=1)


@pytest.mark.parametrize('real, embedded, good', [
    (Counts(1), Counts(1), True), (Counts(1, 0, 3), Counts(1), True), (Counts(1, 1), Counts(1), False),
    (Counts(1), Counts(1, 1), False), (Counts(0, 0, 5), Counts(1), False), (None, Counts(1), False)])
def test_what_is_good(real, embedded, good):
    assert row('2.1', real, embedded).good == good


def test_rows_replace_those_of_the_same_cluster_and_leave_the_others(page):
    for rows in ([row('3.11x3'), row('2.1')], [row('2.1', Counts(1234, 2, 0)), row('1.2,tls', None, None)]):
        pages.write(page, 'matrix', matrix.table(rows, pages.read(page, 'matrix')))
    assert [cells[:6] for cells in pages.read(page, 'matrix')] == [
        ['2.1.22', '1', 'default', '1,234', '2', '0'], ['3.11.19', '3', 'default', '10', '0', '1'],
        ['1.2.19', '1', 'tls', '-', '-', '-']]
    assert page.read_text().startswith('# A page\n<!-- matrix') and page.read_text().endswith('The end.\n')
    assert pages.read(page, 'promises') == []


def test_the_embedded_server_runs_once_per_profile(tmp_path, monkeypatch):
    class Started(Cluster):
        target = '2.1.22@127.9.9.1:9160?auth=1'
        start = stop = lambda self: None

    def run(*arguments):
        ran.append(arguments[arguments.index('-k') + 1])
        pathlib.Path(arguments[arguments.index('--junit-xml') + 1]).write_text(REPORT)

    ran, known = [], {}
    monkeypatch.setattr(matrix, 'Cluster', Started)
    rows = [matrix.measure(Spec.parse(text), run, tmp_path, known)
            for text in ('2.1,auth', '2.1', '2.1,partitioner=Random')]
    assert ran == ['real-2.1.22 or embedded-2.1', 'real-2.1.22', 'real-2.1.22 or embedded-2.1']
    assert [row.real for row in rows] == [Counts(1, 1)] * 3 and [row.embedded for row in rows] == [Counts(1, 1, 1)] * 3
    assert known.keys() == {'2.1', '2.1?partitioner=RandomPartitioner'}


def test_a_cluster_that_does_not_start_is_a_row(tmp_path, monkeypatch):
    class Broken(Cluster):
        def start(self):
            raise ServerFailed('it ended')

    monkeypatch.setattr(matrix, 'Cluster', Broken)
    row = matrix.measure(Spec.parse('2.1'), None, tmp_path, {})
    assert not row.good and row.cells()[3:9] == ['-'] * 6


def test_a_run_writes_each_row_and_fails_if_a_test_did(page, monkeypatch, capsys):
    given = {'2.1': row('2.1'), '2.2': row('2.2', Counts(1, 1))}
    monkeypatch.setattr(matrix, 'measure', lambda spec, pytest, tests, known: given[str(spec)])
    specs = [Spec.parse(text) for text in given]
    assert matrix.run(specs[:1], None, None, page) == 0
    assert matrix.run(specs, None, None, page) == 1
    assert [cells[0] for cells in pages.read(page, 'matrix')] == ['2.1.22', '2.2.19']
    assert '| 2.2.19 | 1 | default | 1 | 1 | 0 |' in capsys.readouterr().out


@pytest.mark.parametrize('text', ['no table here', PAGE + PAGE])
def test_a_page_has_one_place_for_a_table(text, page):
    page.write_text(text)
    with pytest.raises(pages.NoPlace):
        pages.write(page, 'matrix', 'x')


def test_cells_may_hold_what_tables_are_made_of(page):
    pages.write(page, 'matrix', pages.table(['a', 'b'], [['one|two', 'three\nfour']]))
    assert pages.read(page, 'matrix') == [['one|two', 'three four']]


@pytest.mark.parametrize('value, text', [(100000, '100,000'), (0.25, '0.25'), (1234.5, '1,234'), (True, 'True'),
                                         ('3 KiB', '3 KiB'), ({'a': 1, 'b': 20000}, 'a 1, b 20,000'), ([1, 2], '1, 2')])
def test_figures(value, text):
    assert prooftable.figure(value) == text


def line(promise, share, **figures):
    return {'promise': promise, 'share': share, 'figures': figures}


def test_promises_that_nobody_reported_of_are_not_run():
    rows = {text.split(' | ')[0][2:]: text for text in prooftable.table([
        line('fork', 1.0, forks=200, touched=0), line('fork', 1.0, forks=200, touched=0),
        line('threads', 1.0, operations=640000), line('threads', 0.1, mix_ups=0),
        line('something else', 0.1, seen=1)]).splitlines()[2:]}
    assert rows['fork'].endswith("parent's socket | all | forks 200; touched 0 |")
    assert rows['threads'].endswith('| 0.1 to all | operations 640,000 / mix ups 0 |')
    assert rows['deadlines'].endswith('| not run |  |')
    assert rows['something else'] == '| something else |  | 0.1 | seen 1 |'


def test_only_full_runs_that_passed_are_published(page, tmp_path, capsys):
    report = tmp_path / 'report'
    prooftable.publish(report, page)
    assert 'nothing was reported of failover, deadlines' in capsys.readouterr().out
    assert pages.read(page, 'promises') == []
    report.write_text('{"promise": "fork", "share": 1.0, "figures": {"forks": 200}}\n'
                      '{"promise": "TLS", "share": 0.1, "figures": {"refused": 4}}\n')
    prooftable.publish(report, None)
    assert capsys.readouterr().out.startswith('fork (all): forks 200\nTLS (0.1): refused 4\nnothing was ')
    assert pages.read(page, 'promises') == []
    prooftable.publish(report, page)
    report.write_text('{"promise": "secrets", "share": 1.0, "figures": {"places": 9}}\n')
    prooftable.publish(report, page)
    found = {cells[0]: cells[2:] for cells in pages.read(page, 'promises')}
    assert (found['fork'], found['secrets'], found['TLS']) == (['all', 'forks 200'], ['all', 'places 9'],
                                                               ['not run', ''])


@pytest.mark.parametrize('name, table', [('servers.md', matrix.TABLE), ('proof.md', prooftable.TABLE)])
def test_the_documentation_has_the_places(name, table):
    assert isinstance(pages.read(DOCS / name, table), list)
