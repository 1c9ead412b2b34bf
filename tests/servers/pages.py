"""Tables in pages of the documentation: commands write them between two comments, all else on the page is people's."""
import pathlib
import re
from typing import Iterable, List, Sequence

Cells = Sequence[str]


class NoPlace(Exception):
    """A page has no place for a table of this name."""


def _place(name: str) -> 're.Pattern[str]':
    return re.compile(rf'(<!-- {name}: written by [^\n]*-->\n).*?(<!-- {name}: end -->)', re.S)


def line(cells: Cells) -> str:
    """A row of a table in Markdown."""
    return '| ' + ' | '.join(cell.replace('|', '\\|').replace('\n', ' ') for cell in cells) + ' |'


def read(page: pathlib.Path, name: str) -> List[List[str]]:
    """The rows of the table on a page, without its heads; none if the table is not written yet."""
    found = _place(name).search(page.read_text(encoding='utf-8'))
    if not found:
        raise NoPlace(f'{page} has no comments for the table {name!r}')
    lines = found.group(0).splitlines()[3:-1]
    return [[cell.strip().replace('\\|', '|') for cell in re.split(r'(?<!\\)\|', text)[1:-1]]
            for text in lines if text.startswith('|')]


def table(heads: Cells, rows: Iterable[Cells]) -> str:
    """A table in Markdown."""
    return '\n'.join([line(heads), '|' + '---|' * len(heads), *map(line, rows)])


def write(page: pathlib.Path, name: str, text: str) -> None:
    """Put a table in its place on a page."""
    before = page.read_text(encoding='utf-8')
    after, places = _place(name).subn(lambda match: f'{match.group(1)}{text}\n{match.group(2)}', before)
    if places != 1:
        raise NoPlace(f'{page} has {places} places for the table {name!r}')
    page.write_text(after, encoding='utf-8')
