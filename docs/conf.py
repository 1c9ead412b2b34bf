"""Settings of the documentation's site, which `./dev docs` builds with Sphinx from the pages of this folder."""
import pathlib
import sys

import pycassa

sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = 'pycassa'
author = 'The pycassa developers'
copyright = author
version = release = pycassa.__version__

extensions = ['sphinx.ext.autodoc', 'myst_parser', 'docstrings']
exclude_patterns = ['_build']
nitpicky = True

# Names in single backticks, as docstrings write them, are references where there is such a thing, else plain code.
default_role = 'py:obj'
nitpick_ignore_regex = [
    ('py:obj', r'(?s).*'),
    # The standard library and thrift: their documentation is not linked, so that building needs no network.
    ('py:class', r'(datetime|ipaddress|logging|os|socket|ssl|struct|subprocess|thrift|uuid)\..*|None \|.*'),
    ('py:exc', r'thrift\..*'),
    # Behind the facade: the codec's objects, and what simulations replace.
    ('py:class', r'pycassa\.(_pure|_speedups|runtime|framing|transport|contrib\.enginelink)\..*'),
    ('py:class', r'pycassa\.columnfamilymap\.T'),
]

autodoc_member_order = 'bysource'
autodoc_default_options = {'members': True}
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

myst_heading_anchors = 3
highlight_language = 'none'
smartquotes = False

html_theme = 'furo'
html_title = f'pycassa {version}'
html_copy_source = False
html_theme_options = {'navigation_with_keys': True}
