"""Every statement of the document of server semantics on data, as cases, on the embedded and on real servers.

Sections 3, 5 and 7 to 13. A case's id is the section and row, then the variant: `3-empty-key:insert`. What needs two
nodes (12.4, half of 9.7) is not here. The cases are for one node of the default partitioner that lets everybody in.
"""
import collections
import json
import pathlib

import pytest
from outcomes import RELEASES, agrees
from sections import CASES

EMBEDDED_PROFILES = RELEASES
pytestmark = pytest.mark.given(auth=None, tls=None, partitioner=None, nodes=None)
ROWS = json.loads((pathlib.Path(__file__).parent / 'rows.json').read_text())


@pytest.mark.parametrize('case', [pytest.param(case, id=case.id) for case in CASES])
def test_case(site, case):
    seen, expected = site.see(case), site.expected(case)
    assert agrees(seen, expected), f'{case.id} on {site.profile}: {seen!r} is not {expected!r}'


def test_no_row_is_without_its_cases():
    """rows.json lists the rows of the sections with the number of cases of each; both sides change together."""
    assert dict(collections.Counter(case.label for case in CASES)) == ROWS
