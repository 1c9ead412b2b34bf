"""The chart of the codec's results: nanoseconds per column, a bar per side and a group per work, as SVG.

Drawn without any library. The scale is logarithmic, because the slowest takes hundreds of times as long as the fastest.
Colours are readable on a light and on a dark page.
"""
import math
from typing import Dict, Iterator, List, Mapping, Tuple
from xml.sax.saxutils import escape

__all__ = ['SERIES', 'WORKS', 'draw', 'svg']

# The works that the chart shows, by their captions.
WORKS = {
    'encode 100 x 10 text': 'Write a batch: 100 rows of 10 text columns',
    'encode 100 x 10 doubles': 'Write a batch: 100 rows of 10 doubles',
    'decode 1 x 1000 text': 'Read one row of 1000 text columns',
    'decode 1 x 1000 doubles': 'Read one row of 1000 doubles',
    'decode multiget 100 x 10 text': 'Read 100 rows of 10 text columns by key',
    'decode range 100 x 10 text': 'Read 100 rows of 10 text columns by range',
}
# The sides that it shows, in order: caption and colour.
SERIES = {
    'cython': ('pycassa 2, compiled', '#1f9d76'),
    'pure': ('pycassa 2, pure Python', '#74c3a7'),
    'CQL driver': ('CQL driver', '#8a86c8'),
    'bindings, C extension': ("generated bindings, thrift's C extension", '#d98a3d'),
    'thriftpy2': ('thriftpy2', '#c9a24a'),
    'bindings': ('generated bindings, pure Python', '#b0695a'),
}

_WIDTH, _LEFT, _RIGHT, _TOP = 860, 16, 76, 64
_LABELS = 264
_BAR, _GAP, _CAPTION, _BETWEEN = 15, 4, 24, 16
_LOW, _HIGH, _TICKS = 4.0, 10000.0, (10, 100, 1000, 10000)
_STYLE = ('text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#6e7781}'
          '.title{font-size:16px;font-weight:600}.work{font-size:13px;font-weight:600}.tick{font-size:11px}'
          '.line{stroke:#8c959f;stroke-opacity:.35}'
          '@media(prefers-color-scheme:dark){text{fill:#adb5bd}}')

Results = Mapping[str, Mapping[str, float]]


def _x(value: float) -> float:
    """The position of a value on the scale."""
    share = (math.log10(max(value, _LOW)) - math.log10(_LOW)) / (math.log10(_HIGH) - math.log10(_LOW))
    return _LEFT + _LABELS + min(share, 1.0) * (_WIDTH - _LEFT - _LABELS - _RIGHT)


def _text(x: float, y: float, content: str, style: str = '', anchor: str = '') -> str:
    attributes = (f' class="{style}"' if style else '') + (f' text-anchor="{anchor}"' if anchor else '')
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(content)}</text>'


def _bar(y: float, series: str, value: float, fastest: float) -> Iterator[str]:
    caption, colour = SERIES[series]
    start, end, line = _x(_LOW), max(_x(value), _x(_LOW) + 2), y + _BAR - 3.5
    yield _text(start - 8, line, caption, anchor='end')
    yield f'<rect x="{start:.1f}" y="{y:.1f}" width="{end - start:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
    times = f' ({value / fastest:.3g}\u00d7)' if value > fastest else ''
    yield _text(end + 6, line, (f'{value:,.0f}' if value >= 100 else f'{value:.3g}') + times)


def _grid(bottom: float) -> Iterator[str]:
    for value in _TICKS:
        yield f'<line class="line" x1="{_x(value):.1f}" y1="{_TOP - 6}" x2="{_x(value):.1f}" y2="{bottom:.1f}"/>'
        yield _text(_x(value), _TOP - 10, f'{value:,}', 'tick', 'middle')


def _groups(results: Results) -> Iterator[Tuple[str, Dict[str, float]]]:
    """(caption, {series: value}) of what was measured."""
    for work, caption in WORKS.items():
        sides = results.get(work, {})
        shown = {series: sides[series] for series in SERIES if series in sides}
        if shown:
            yield caption, shown


def svg(results: Results) -> str:
    """The chart of {work: {side: nanoseconds per column}}; works and sides that were not measured are left out."""
    parts: List[str] = []
    y: float = _TOP
    for caption, shown in _groups(results):
        parts.append(_text(_LEFT, y + 15, caption, 'work'))
        y += _CAPTION
        for series, value in shown.items():
            parts += _bar(y, series, value, min(shown.values()))
            y += _BAR + _GAP
        y += _BETWEEN
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" width="{_WIDTH}" '
            f'height="{y:.0f}" role="img">', '<title>Client CPU per column, in nanoseconds</title>',
            f'<style>{_STYLE}</style>',
            _text(_LEFT, 24, 'Client CPU per column, in nanoseconds (less is better, logarithmic scale)', 'title')]
    return '\n'.join([*head, *_grid(y - _BETWEEN), *parts, '</svg>']) + '\n'


def draw(results: Results, path: str) -> None:
    """Write the chart to a file."""
    with open(path, 'w', encoding='utf-8') as file:
        file.write(svg(results))
