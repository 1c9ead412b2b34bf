"""Draws floors.svg, the picture of the package's floors in contributing.md: `python docs/floors.py` writes it anew."""
import pathlib
from xml.sax.saxutils import escape

# Floor, what it is for, and the modules that carry it, from the top; tests/docs compares them with the real floors.
FLOORS = [
    (6, 'The names', ['__init__']),
    (5, 'On top of the client', ['columnfamilymap', 'legacy', 'contrib/stubs', 'ingest/', 'shell/', 'cli']),
    (4, 'Rows, batches, schema', ['columnfamily', 'batch', 'index', 'system_manager', 'schema', 'paging']),
    (3, 'Many connections', ['pool', 'wrapper', 'retry', 'hosts', 'listeners', 'logging/']),
    (2, 'One connection; types', ['operations', 'connection', 'transport', 'framing', 'types', 'marshal']),
    (1, 'The codec', ['codec']),
    (0, 'What everybody needs', ['errors', 'util', 'cassandra/']),
]
TWINS = [('_speedups/', 'compiled, Cython'), ('_pure/', 'pure Python')]
EMBEDDED = ['embedded/server', 'embedded/engine', 'embedded/faults']
# Floors that the embedded server uses.
EMBEDDED_REACH = 2

WIDTH, LEFT, TOP, HEIGHT, GAP = 860, 10, 52, 62, 10
TOWER, BESIDE, TEXT = 600, 630, 28
STYLE = (
    'text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#57606a}'
    '.title{font-size:16px;font-weight:600}.name{font-weight:600;fill:#24292f}'
    '.module{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px}'
    'rect{fill:#8c959f;fill-opacity:.12;stroke:#8c959f;stroke-opacity:.6}.twin{fill:#3b82c4;fill-opacity:.2}'
    '.beside{fill:#4f9d69;fill-opacity:.2}path{stroke:#8c959f;stroke-width:1.5;fill:none}'
    '@media(prefers-color-scheme:dark){text{fill:#adb5bd}.name{fill:#f0f3f6}}')


def text(x, y, content, kind=''):
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(content)}</text>'


def box(x, y, width, height, kind=''):
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>'


def arrow(*points):
    line = ' L '.join(f'{x} {y}' for x, y in points)
    return f'<path d="M {line}" marker-end="url(#head)"/>'


def modules(names):
    """Names of modules as they are imported, folders with their slash."""
    return ' · '.join(name.replace('/', '.') if not name.endswith('/') else name for name in names)


def top_of(floor):
    return TOP + (FLOORS[0][0] - floor) * (HEIGHT + GAP)


def draw_floor(floor, title, names):
    y = top_of(floor)
    yield box(LEFT, y, TOWER, HEIGHT)
    yield text(TEXT, y + 26, f'{floor}   {title}', 'name')
    yield text(TEXT + 23, y + 47, modules(names), 'module')


def draw_twins():
    y = top_of(1)
    for number, (name, title) in enumerate(TWINS):
        x = 240 + number * 185
        yield box(x, y + 8, 170, HEIGHT - 16, 'twin')
        yield text(x + 14, y + 28, title, 'name')
        yield text(x + 14, y + 46, name, 'module')
    yield text(152, y + 36, 'chooses one')
    yield arrow((152, y + 43), (236, y + 43))


def draw_beside():
    server, height = top_of(EMBEDDED_REACH), (EMBEDDED_REACH + 1) * (HEIGHT + GAP) - GAP
    yield box(BESIDE, server, WIDTH - BESIDE - LEFT, height, 'beside')
    yield text(BESIDE + 16, server + 26, 'The embedded server', 'name')
    for number, name in enumerate(EMBEDDED):
        yield text(BESIDE + 16, server + 52 + 22 * number, modules([name]), 'module')
    yield text(BESIDE + 16, server + 140, f'uses floors 0 to {EMBEDDED_REACH}')
    yield text(BESIDE + 16, server + 160, 'is used by contrib.stubs')
    above = top_of(5) + HEIGHT // 2
    yield arrow((LEFT + TOWER, above), (740, above), (740, server - 4))
    yield arrow((BESIDE, server + 170), (LEFT + TOWER + 4, server + 170))


def draw():
    """The picture, as the text of an SVG file."""
    height = top_of(0) + HEIGHT + 12
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
             '<title>The floors of pycassa: a module imports from its own floor or a lower one</title>',
             f'<style>{STYLE}</style>',
             '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
             'orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" style="fill:#8c959f"/></marker></defs>',
             text(LEFT, 28, 'A module imports from its own floor or a lower one', 'title')]
    for floor, title, names in FLOORS:
        lines += draw_floor(floor, title, names)
    lines += [*draw_twins(), *draw_beside(), '</svg>', '']
    return '\n'.join(lines)


if __name__ == '__main__':
    pathlib.Path(__file__).with_suffix('.svg').write_text(draw(), encoding='utf-8')
