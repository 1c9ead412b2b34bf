"""Random mutations against a small model: every (key, name) keeps the winner, and slices see just those."""
import bisect
import itertools

from enginecases import ONE, Clock, cf_def, keys, one_family, row, scan
from hypothesis import given, settings
from hypothesis import strategies as st

from pycassa.embedded.partitioners import murmur3

KEYS = [b'k00', b'k01', b'\xff']
NAMES = [b'a', b'ab', b'b', b'\x80', b'\xff']
VALUES = [b'', b'a', b'\x7f', b'\x80', b'ab']

keys_ = st.sampled_from(KEYS)
names_ = st.sampled_from(NAMES)
stamps = st.integers(-2, 6)
columns = st.tuples(st.just(1), names_, st.sampled_from(VALUES), stamps, st.none() | st.integers(1, 3))
named_deletions = st.tuples(st.just(5), stamps, st.none(), st.tuples(st.lists(names_, max_size=3), st.none()))
row_deletions = st.tuples(st.just(5), stamps, st.none(), st.none())
range_deletions = st.builds(
    lambda stamp, ends: (5, stamp, None, (None, (min(ends), max(ends), False, 1))), stamps, st.tuples(names_, names_))
mutations = columns | columns | columns | named_deletions | row_deletions | range_deletions
waits = st.integers(0, 2)
steps = st.lists(st.tuples(keys_, st.lists(mutations, min_size=1, max_size=5), waits), max_size=12)
slices = st.tuples(st.just(b'') | names_, st.just(b'') | names_, st.booleans(), st.integers(0, 6))


class Model:
    """What survives of everything ever written: per (key, name) the winner of all cells and tombstones."""

    def __init__(self):
        self.cells = {}
        self.deletions = []     # (key, predicate of names, timestamp)
        self.touched = set()

    def apply(self, key, mutation, now):
        self.touched.add(key)
        if mutation[0] == 1:
            _, name, value, stamp, ttl = mutation
            self.cells.setdefault((key, name), []).append((stamp, value, ttl, None if ttl is None else now + ttl))
            return
        _, stamp, _, predicate = mutation
        if predicate is None:
            self.deletions.append((key, lambda name: True, stamp))
        elif predicate[0] is not None:
            named = set(predicate[0])
            self.deletions.append((key, lambda name: name in named, stamp))
        else:
            first, last = predicate[1][:2]
            self.deletions.append((key, lambda name: first <= name <= last, stamp))

    def column(self, key, name, now):
        """(name, value, timestamp, ttl), or None."""
        deleted = max((stamp for each, covers, stamp in self.deletions if each == key and covers(name)), default=None)
        cells = [cell for cell in self.cells.get((key, name), []) if deleted is None or cell[0] > deleted]
        if not cells:
            return None
        stamp, value, ttl, expiry = max(cells, key=_rank)
        return None if expiry is not None and expiry <= now else (name, value, stamp, ttl)

    def row(self, key, now):
        found = (self.column(key, name, now) for name in sorted(NAMES))
        return [column for column in found if column is not None]


def _rank(cell):
    # The profile of 2.1: the timestamp, then the value as signed bytes.
    return cell[0], [byte - 256 if byte > 127 else byte for byte in cell[1]]


def cut(found, start, finish, backwards, count):
    if backwards:
        start, finish = finish, start
    ordered = [column for column in found if column[0] >= start and (not finish or column[0] <= finish)]
    return (ordered[::-1] if backwards else ordered)[:count]


def replay(script):
    clock = Clock()
    made, model = one_family(cf_def('B'), clock=clock), Model()
    for key, batch, wait in script:
        made.batch_mutate([(key, [('B', batch)])], ONE)
        for mutation in batch:
            model.apply(key, mutation, int(clock.now))
        clock.now += wait
    return made, model, int(clock.now)


def without_ttl_ties(script):
    """Spreads the timestamps so that no expiring column ties with anything: those ties depend on the arrival."""
    serial = itertools.count(1)

    def spread(mutation):
        if mutation[0] == 5:
            return (5, mutation[1] * 100) + mutation[2:]
        expiring = mutation[4] is not None
        return mutation[:3] + (mutation[3] * 100 + (next(serial) if expiring else 0), mutation[4])

    return [(key, [spread(mutation) for mutation in batch], wait) for key, batch, wait in script]


@settings(max_examples=150, deadline=None)
@given(script=steps, predicate=slices)
def test_rows_and_slices_hold_the_winners(script, predicate):
    made, model, now = replay(without_ttl_ties(script))
    for key in KEYS:
        expected = model.row(key, now)
        assert row(made, key) == expected
        start, finish, backwards, count = predicate
        if start and finish and (start < finish if backwards else finish < start):
            continue
        assert row(made, key, predicate=(None, predicate)) == cut(expected, *predicate)
        assert made.get_count(key, ('B', None), (None, predicate), ONE) == len(cut(expected, *predicate))
        assert row(made, key, predicate=(NAMES[::-1], None)) == expected


@settings(max_examples=60, deadline=None)
@given(script=steps)
def test_ranges_hold_every_row_ever_touched(script):
    made, model, now = replay(without_ttl_ties(script))
    assert scan(made) == [(key, model.row(key, now)) for key in sorted(model.touched, key=murmur3)]


@settings(max_examples=60, deadline=None)
@given(script=steps, seed=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(script, seed):
    script = [(key, [mutation], 0) for key, batch, _ in script for mutation in batch
              if mutation[0] == 5 or mutation[4] is None]
    made, model, now = replay(script)
    shuffled = list(script)
    seed.shuffle(shuffled)
    again, _, _ = replay(shuffled)
    assert scan(made) == scan(again) == [(key, model.row(key, now)) for key in sorted(model.touched, key=murmur3)]


@settings(max_examples=60, deadline=None)
@given(stored=st.lists(st.binary(min_size=1, max_size=3), unique=True, max_size=30),
       start=st.integers(-2**63, 2**63 - 1), end=st.integers(-2**63, 2**63 - 1),
       batch=st.integers(1, 10))
def test_token_ranges_against_a_sorted_list(stored, start, end, batch):
    made = one_family(cf_def('B'))
    for number in range(0, len(stored), batch):
        made.batch_mutate([(key, [('B', [(1, b'a', b'', 1, None)])]) for key in stored[number:number + batch]], ONE)
        keys(made, count=1000)
    ring = sorted(stored, key=murmur3)
    tokens = [murmur3(key) for key in ring]
    low, high = bisect.bisect_right(tokens, start), bisect.bisect_right(tokens, end)
    if end == -2**63:
        expected = ring[low:]
    else:
        expected = ring[low:high] if start < end else ring[low:] + ring[:high]
    assert keys(made, tokens=(str(start), str(end)), count=1000) == expected
