"""A server under test with the keyspace that all cases share, and the cases that wait, begun before the others run."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from sections import CASES
from site_under_test import Site


@pytest.fixture(scope='session')
def site(server):
    """The server under test: its keyspace made, and every waiting case begun."""
    with Site(server) as site:
        site.begin([case for case in CASES if case.waits])
        yield site
