"""The works: sizes as they say, the same work by everyone who takes part, and each implementation what it claims."""
import contextlib

import pytest

from benchmarks import implementations
from benchmarks.bounds import PLAIN, bounds_of
from benchmarks.native import Unavailable
from benchmarks.peers.floor import FLOOR
from benchmarks.peers.libraries import BINDINGS, LIBRARIES, PURE_BINDINGS, Library
from benchmarks.peers.messages import reply, request
from benchmarks.peers.ours import Ours
from benchmarks.works import WORKS, find


def leaves(columns):
    """(name, value) of all columns of a row."""
    for name, value in columns.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, value


def libraries():
    for name in LIBRARIES:
        with contextlib.suppress(Unavailable):
            yield Library(name)


OURS = [Ours(module) for module in implementations.installed().values()]


@pytest.mark.parametrize('work', WORKS.values(), ids=WORKS)
def test_everyone_who_takes_part_does_the_same_work(work):
    # sides() compares what each gives with what the bindings write, or with what was written.
    participants = [*OURS, *libraries()]
    done = [side for participant in participants for side in participant.sides(work)]
    assert done == [participant.name for participant in participants] and {'pure', PURE_BINDINGS} <= set(done)


@pytest.mark.parametrize('work', WORKS.values(), ids=WORKS)
def test_a_work_has_as_many_columns_as_it_says_and_its_plain_work_as_many(work):
    columns = [column for row in work.rows().values() for column in leaves(row)]
    assert len(columns) == work.columns == 1000
    assert work.plain is None or WORKS[work.plain].columns == work.columns
    message = request(work) if work.encodes else reply(work)
    assert len(message) > 1000 * 10


def test_names_have_10_bytes_and_texts_20():
    for work in find(['text', 'non-ASCII', 'Latin-1']):
        if work.name.endswith('1 KB'):
            continue
        for name, value in (column for row in work.rows().values() for column in leaves(row)):
            assert (len(name.encode()), len(value.encode())) == (10, 20), work.name


def test_a_peer_that_gives_something_else_is_found_out(monkeypatch):
    work = WORKS['decode 1 x 1000 text']
    library = Library(PURE_BINDINGS)
    monkeypatch.setattr(library._objects, 'decoder', lambda work, message: dict)
    with pytest.raises(AssertionError, match='gives something else'):
        library.sides(work)


def test_an_implementation_that_is_another_one_is_refused(monkeypatch):
    monkeypatch.setitem(implementations.MODULES, 'cython', 'pycassa._pure.protocol')
    with pytest.raises(AssertionError, match='is the pure implementation, not the cython one'):
        implementations.load('cython')


def test_a_missing_implementation_is_said_or_an_error_if_it_is_required(monkeypatch, capsys):
    monkeypatch.setitem(implementations.MODULES, 'cython', 'pycassa._nothing.protocol')
    assert list(implementations.installed()) == ['pure']
    assert 'no cython implementation' in capsys.readouterr().err
    with pytest.raises(Unavailable, match='no cython implementation'):
        implementations.installed(require_compiled=True)


@pytest.mark.parametrize('work, against', [
    ('encode 100 x 10 text', [FLOOR, BINDINGS]), ('encode 1000 x 1 non-ASCII', [FLOOR]),
    ('decode range 100 x 10 counters', [PLAIN]), ('decode 1 x 1000 composite names', []),
])
def test_what_the_compiled_implementation_is_measured_against(work, against):
    assert [bound.against for bound in bounds_of(WORKS[work], 'cython')] == against
