"""Sphinx extension: the project's docstrings as reStructuredText, and references by the names that they use.

Docstrings have sections (`Parameters`, `Returns`, `Raises`, underlined). Parameters are listed as `name, name : what
it is`, or, without a heading, in two columns. Names in backticks are short: those of the class, of the module, or of
anything else in the package that alone has the name.
"""
import itertools
import re

ENTRY = re.compile(r'^(\w+(?:, *\w+)*,?)(?: +: +(.*))?$')
TWO_COLUMNS = re.compile(r'^( *)(\w+(?:, \w+)*) {2,}(\S.*)$')


def sections(lines):
    """Give (title, lines) of each underlined section; the title of what comes first is None."""
    title, body = None, []
    for line in lines:
        if body and re.fullmatch('-{3,}', line) and re.fullmatch(r'\w+', body[-1]):
            heading = body.pop()
            yield title, body
            title, body = heading, []
        else:
            body.append(line)
    yield title, body


def item(names, text):
    """The first line of a parameter in a list."""
    return f'* {", ".join(f"**{name}**" for name in names)} -- {text}'


def entries(lines):
    """The lines of a section of parameters, each parameter as an item; names may go on over several lines."""
    names = []
    for line in lines:
        entry = None if line.startswith(' ') else ENTRY.match(line)
        if entry and entry[2] is not None:
            yield item(names + re.findall(r'\w+', entry[1]), entry[2])
            names = []
        elif entry and entry[1].endswith(','):
            names += re.findall(r'\w+', entry[1])
        else:
            yield '  ' + line.strip() if line.startswith(' ') else line


def paragraphs(lines):
    """Runs of lines that are not empty, and of lines that are."""
    for _, group in itertools.groupby(lines, key=lambda line: bool(line.strip())):
        yield list(group)


def two_columns(paragraph):
    """A paragraph of names and what they are, side by side, as a list; any other as it is."""
    start = TWO_COLUMNS.match(paragraph[0])
    if start is None:
        return paragraph
    listed = []
    for line in paragraph:
        entry = TWO_COLUMNS.match(line)
        if entry and entry[1] == start[1]:
            listed.append(item(entry[2].split(', '), entry[3]))
        else:
            listed.append('  ' + line.strip())
    return listed


def rewrite(lines):
    """The lines of a docstring as reStructuredText."""
    written = []
    for title, body in sections(lines):
        if title is not None:
            written += ['', f'.. rubric:: {title}', '']
        if title == 'Parameters':
            written += entries(body)
        else:
            written += itertools.chain.from_iterable(map(two_columns, paragraphs(body)))
    return written


def process_docstring(app, what, name, obj, options, lines):
    lines[:] = rewrite(lines)


def resolve_short_name(app, env, node, contnode):
    """A reference to the one object of the package that the name can mean, or None."""
    if node.get('refdomain') != 'py' or node.get('reftype') not in ('obj', 'class'):
        return None
    found = env.get_domain('py').find_obj(env, node.get('py:module'), node.get('py:class'), node['reftarget'], None, 1)
    if len(found) != 1:
        return None
    (name, entry), = found
    # Tests of the rest run where there is no Sphinx.
    from sphinx.util.nodes import make_refnode
    return make_refnode(app.builder, node['refdoc'], entry.docname, entry.node_id, contnode, name)


def setup(app):
    app.connect('autodoc-process-docstring', process_docstring)
    app.connect('missing-reference', resolve_short_name)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
