"""The chart: well-formed, and true to the figures."""
from xml.etree import ElementTree

from benchmarks.chart import SERIES, WORKS, draw, svg

SVG = '{http://www.w3.org/2000/svg}'
RESULTS = {'encode 100 x 10 text': {'cython': 17.5, 'pure': 150.0, 'bindings, C extension': 1300.0, 'thriftpy2': 1450},
           'decode 1 x 1000 text': {'pure': 300.0, 'CQL driver': 180.0, 'floor': 60.0},
           'a work that it does not show': {'pure': 1.0}}


def texts(root):
    return [element.text for element in root.iter(f'{SVG}text')]


def test_a_bar_for_each_side_that_was_measured_and_none_for_others():
    root = ElementTree.fromstring(svg(RESULTS))
    assert len(list(root.iter(f'{SVG}rect'))) == 6
    shown = texts(root)
    assert WORKS['encode 100 x 10 text'] in shown and WORKS['decode 1 x 1000 doubles'] not in shown
    assert shown.count(SERIES['pure'][0]) == 2 and SERIES['bindings'][0] not in shown


def test_a_bar_is_as_long_as_the_logarithm_of_its_value():
    root = ElementTree.fromstring(svg({'encode 100 x 10 text': {'cython': 40.0, 'pure': 400.0, 'thriftpy2': 4000.0}}))
    first, second, third = (float(bar.get('width')) for bar in root.iter(f'{SVG}rect'))
    assert abs((second - first) - (third - second)) < 0.2 and first > 0


def test_values_are_written_with_how_many_times_the_fastest_they_are():
    shown = texts(ElementTree.fromstring(svg(RESULTS)))
    assert '17.5' in shown and '1,300 (74.3\u00d7)' in shown and '180' in shown and '300 (1.67\u00d7)' in shown


def test_everything_lies_within_the_picture():
    slow = {work: dict.fromkeys(SERIES, 1e7) for work in WORKS}
    root = ElementTree.fromstring(svg(slow))
    _, _, width, height = map(float, root.get('viewBox').split())
    for bar in root.iter(f'{SVG}rect'):
        assert float(bar.get('x')) + float(bar.get('width')) < width
        assert float(bar.get('y')) + float(bar.get('height')) < height


def test_no_results_make_an_empty_chart(tmp_path):
    path = tmp_path / 'chart.svg'
    draw({}, str(path))
    assert list(ElementTree.parse(path).getroot().iter(f'{SVG}rect')) == []
