"""Fixtures of the tests of the documentation: the embedded server with the documents' schema, and the pages."""
import pathlib
from typing import Iterator

import pytest

from pycassa.embedded import EmbeddedServer

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def demo() -> Iterator[EmbeddedServer]:
    """An embedded server as the pages assume one: demo schema, unframed connections too."""
    with EmbeddedServer(schema='demo', unframed=True) as server:
        yield server


@pytest.fixture
def root() -> pathlib.Path:
    """The checkout's root, where README.md and docs/ are."""
    if not (ROOT / 'README.md').is_file():
        pytest.skip('the pages are not beside the tests')
    return ROOT
