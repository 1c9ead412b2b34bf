"""Random calls on data. Each is right, or has one flaw; each fits the family that it is drawn for."""
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from hypothesis import strategies as st

from pycassa.cassandra.ttypes import (
    ColumnOrSuperColumn,
    ColumnSlice,
    ConsistencyLevel,
    CounterColumn,
    CounterSuperColumn,
    Deletion,
    IndexClause,
    MultiSliceRequest,
    Mutation,
    SlicePredicate,
    SliceRange,
    SuperColumn,
)

from . import arguments as args
from . import exclusions
from .alphabets import Alphabet, distinct, order
from .answers import Call
from .arguments import COLUMN_FLAWS, KEY_FLAWS, LEVEL_FLAWS, PARENT_FLAWS, PREDICATE_FLAWS, RANGE_FLAWS
from .families import Family
from .picking import Picker

__all__ = ['ROLES', 'request']

DELTAS = (1, 2, -3, 10, 0, 2**62, -2**63)
MUTATION_FLAWS = ('empty mutation', 'empty column or super column', 'two columns', 'both members', 'wrong kind',
                  'no timestamp', 'bare deletion predicate', 'super deletion', 'range of subcolumns', *COLUMN_FLAWS)
Arguments = Tuple[Any, ...]
Flaw = Optional[str]


def _call(pick: Picker, family: Family, flaw: Flaw, method: str, *arguments: Any) -> Call:
    keyspace = family.keyspace
    if flaw == 'no keyspace':
        keyspace = ''
    elif flaw == 'other keyspace':
        keyspace = next(name for name in family.world.keyspaces if name != keyspace)
    if flaw == 'argument amiss':
        lacking = pick.number(0, len(arguments) - 1)
        arguments = arguments[:lacking] + (None,) + arguments[lacking + 1:]
    return Call(method, arguments, keyspace)


# --- single columns --------------------------------------------------------------------------------------------------

def put(pick: Picker, family: Family) -> Call:
    """insert, or add to a counter."""
    flaws = (*KEY_FLAWS, *PARENT_FLAWS, *LEVEL_FLAWS, 'wrong kind', 'argument amiss', *COLUMN_FLAWS)
    flaw = pick.flaw(flaws)
    if family.is_counter is (flaw != 'wrong kind'):
        return _add(pick, family, flaw)
    return _call(pick, family, flaw, 'insert', args.key(pick, family, flaw), args.parent(pick, family, flaw, True),
                 args.column(pick, family, flaw), args.level(pick, flaw))


def _add(pick: Picker, family: Family, flaw: Flaw) -> Call:
    key = args.key(pick, family, flaw)
    if _was_removed(family, key):
        return get_slice(pick, family)
    counter = CounterColumn(args.name(pick, family.inner, flaw), pick.of(DELTAS))
    return _call(pick, family, flaw, 'add', key, args.parent(pick, family, flaw, True), counter,
                 args.level(pick, flaw))


def _was_removed(family: Family, key: bytes) -> bool:
    return (family.name, key) in family.world.removed


def _removals_race(family: Family) -> bool:
    release = family.world.release
    return family.is_counter and (exclusions.COUNTERS_AFTER_REMOVAL.holds(release)
                                  or exclusions.COUNTERS_AFTER_ROW_REMOVAL.holds(release))


def _note_removal(family: Family, key: bytes) -> None:
    if _removals_race(family):
        family.world.removed.add((family.name, key))


def _note_deletion(family: Family, names: Any) -> None:
    if exclusions.FILTERS_ON_TOMBSTONES.holds(family.world.release):
        family.world.deleted.update(_marks(family, names))


def _marks(family: Family, names: Any) -> Any:
    key = order(family.world.release, family.inner)
    return {(family.name, key(name)) for name in names if name in family.inner.good}


def _keeps_rows(family: Family) -> bool:
    return bool(family.indexed) and exclusions.DELETED_INDEXED_ROWS.holds(family.world.release)


def remove(pick: Picker, family: Family) -> Call:
    """remove or remove_counter: a row, a super column, a column."""
    flaw = pick.flaw((*KEY_FLAWS, *PARENT_FLAWS, *LEVEL_FLAWS, 'wrong kind', 'argument amiss', 'bad name',
                      'empty name', 'long name'))
    key = args.key(pick, family, flaw)
    depth = 2 if _keeps_rows(family) else pick.of((2, 2, 2, 1, 0))
    if depth == 1 and family.is_super and not family.world.may_cut(family, key, 'above'):
        depth = 2
    path = args.path(pick, family, flaw, depth)
    if _keeps_rows(family) and path.column in family.columns:
        return put(pick, family)
    level = args.level(pick, flaw)
    if family.is_counter is (flaw != 'wrong kind'):
        _note_removal(family, key)
        return _call(pick, family, flaw, 'remove_counter', key, path, level)
    _note_deletion(family, [path.column])
    return _call(pick, family, flaw, 'remove', key, path, args.stamp(pick, family.world), level)


def cas(pick: Picker, family: Family) -> Call:
    """Lightweight transactions; they write by the server's clock, so most go to a row of their own."""
    flaw = pick.flaw((*KEY_FLAWS, 'unknown family', 'no family', 'wrong kind', 'bad name', 'empty name', 'bad value',
                      'no value', 'no timestamp', 'serial level', 'commit level', 'no keyspace', 'other keyspace'), 6)
    if flaw != 'wrong kind' and (family.is_super or family.is_counter):
        return put(pick, family)
    if family.columns and exclusions.CAS_BESIDE_METADATA.holds(family.world.release):
        return put(pick, family)
    family = _without_collisions(family)
    key = family.keys[-1] if flaw is None and not pick.once_in(8) else args.key(pick, family, flaw)
    expected = [args.column(pick, family) for _ in range(pick.number(0, 2))]
    updates = [args.column(pick, family, flaw)] + [args.column(pick, family) for _ in range(pick.number(0, 1))]
    serial = (ConsistencyLevel.ONE if flaw == 'serial level' else
              pick.of((ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL)))
    commit = pick.of(_odd_commits(family) if flaw == 'commit level' else
                     (ConsistencyLevel.ONE, ConsistencyLevel.QUORUM, ConsistencyLevel.ANY))
    return _call(pick, family, flaw, 'cas', key, args.family_name(family, flaw), expected, updates, serial, commit)


def _odd_commits(family: Family) -> Tuple[int, ...]:
    odd = (ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL, ConsistencyLevel.EACH_QUORUM)
    lacking = (ConsistencyLevel.TWO, ConsistencyLevel.THREE)
    return odd if exclusions.COMMIT_LEVELS.holds(family.world.release) else odd + lacking


# --- batches ---------------------------------------------------------------------------------------------------------

def batch(pick: Picker, family: Family) -> Call:
    """batch_mutate or atomic_batch_mutate: some rows of some families of a keyspace, at most one mutation flawed."""
    flaw = pick.flaw((*KEY_FLAWS, *LEVEL_FLAWS, 'unknown family', 'no family', 'argument amiss', *MUTATION_FLAWS), 7)
    atomic = pick.once_in(4) and (not family.is_counter or flaw == 'wrong kind')
    beside = [each for each in family.world.of_keyspace(family.keyspace) if not (atomic and each.is_counter)]
    rows: Dict[bytes, Dict[str, List[Mutation]]] = {}
    sole = flaw == 'other keyspace' and exclusions.FIRST_OF_UNKNOWN_FAMILIES.holds(family.world.release)
    for number in range(1 if sole else pick.number(1, 3)):
        if number == 0 or not beside:
            mutated, wrong = family, flaw
        else:
            mutated, wrong = pick.of(beside), None
        key = args.key(pick, mutated, wrong)
        known = args.family_name(mutated, wrong)
        if mutated.is_counter and (_was_removed(mutated, key) or known in rows.get(key, {})):
            continue
        mutated = _without_collisions(mutated)
        least = 1 if number and exclusions.EMPTY_MUTATIONS.holds(family.world.release) else 0
        mutations = [_mutation(pick, mutated, key) for _ in range(pick.number(least, 3))]
        if number == 0:
            mutations.append(_mutation(pick, mutated, key, wrong))
        if _removals_race(mutated):
            mutations = [each for each in mutations if (each.deletion is None) is (mutations[-1].deletion is None)]
        held = rows.setdefault(key, {}).setdefault(known, [])
        mutations = [*held, *mutations]
        held[:] = [each for each in mutations if not _ties(mutated, mutations, each)]
    method = 'atomic_batch_mutate' if atomic else 'batch_mutate'
    return _call(pick, family, flaw, method, rows, args.level(pick, flaw))


def _without_collisions(family: Family) -> Family:
    release = family.world.release
    if not exclusions.COLLIDING_NAMES_IN_BATCHES.holds(release):
        return family
    return family._replace(comparator=distinct(release, family.comparator))


def _ties(family: Family, mutations: Sequence[Mutation], mutation: Mutation) -> bool:
    """Whether a mutation expires and another one says the same for good."""
    if not exclusions.TTL_TIES_IN_BATCHES.holds(family.world.release):
        return False
    lasting = {mark for each in mutations for mark, ttl in _told(family, each) if not ttl}
    return any(ttl and mark in lasting for mark, ttl in _told(family, mutation))


def _told(family: Family, mutation: Mutation) -> Iterator[Tuple[Any, Optional[int]]]:
    held = mutation.column_or_supercolumn
    if held is None or family.is_counter:
        return
    above = held.super_column.name if held.super_column is not None else None
    columns = held.super_column.columns if held.super_column is not None else [held.column] if held.column else []
    key = order(family.world.release, family.inner)
    for column in columns:
        if column.name in family.inner.good:
            yield (above, key(column.name), column.timestamp, column.value), column.ttl


def _mutation(pick: Picker, family: Family, key: bytes, flaw: Flaw = None) -> Mutation:
    if flaw == 'empty mutation':
        return Mutation()
    if flaw == 'empty column or super column':
        return Mutation(ColumnOrSuperColumn())
    if flaw in ('bare deletion predicate', 'super deletion', 'range of subcolumns') or (
            flaw in (None, 'bad name', 'no timestamp') and pick.once_in(3)):
        _note_removal(family, key)
        return Mutation(deletion=_deletion(pick, family, key, flaw))
    held = _stored(pick, family, flaw)
    if flaw == 'two columns':
        held.counter_column = CounterColumn(b'a', 1)
        held.column = args.column(pick, family)
    return Mutation(held, Deletion(1) if flaw == 'both members' else None)


def _stored(pick: Picker, family: Family, flaw: Flaw) -> ColumnOrSuperColumn:
    counts = family.is_counter is (flaw != 'wrong kind')
    below = family.is_super is (flaw != 'wrong kind')
    held = ColumnOrSuperColumn()
    if not below:
        if counts:
            held.counter_column = CounterColumn(args.name(pick, family.inner, flaw), pick.of(DELTAS))
        else:
            held.column = args.column(pick, family, flaw)
        return held
    name = args.name(pick, family.comparator)
    numbers = range(pick.number(_least(family, flaw), 3))
    if counts:
        held.counter_super_column = CounterSuperColumn(
            name, [CounterColumn(args.name(pick, family.inner, flaw), pick.of(DELTAS)) for _ in numbers])
    else:
        held.super_column = SuperColumn(name, [args.column(pick, family, flaw) for _ in numbers])
    return held


def _least(family: Family, flaw: Flaw) -> int:
    """How many columns a mutation has to have."""
    return 0 if flaw is None and not exclusions.EMPTY_MUTATIONS.holds(family.world.release) else 1


def _deletion(pick: Picker, family: Family, key: bytes, flaw: Flaw) -> Deletion:
    timestamp = None if flaw == 'no timestamp' or (family.is_counter and pick.once_in(2)) else args.stamp(
        pick, family.world)
    below = family.is_super and pick.once_in(2)
    held = args.name(pick, family.comparator) if below or flaw == 'super deletion' else None
    if flaw == 'bare deletion predicate':
        return Deletion(timestamp, held, SlicePredicate())
    form = pick.number(1 if _keeps_rows(family) else 0, 5)
    if flaw == 'range of subcolumns':
        form = 5
    above = family.is_super and (form > 0 if held is None else form == 0)
    if above and not family.world.may_cut(family, key, 'above'):
        held, form = args.name(pick, family.comparator), 1
    names = family.inner if held is not None else family.comparator
    if _keeps_rows(family):
        names = names._replace(good=tuple(name for name in names.good if name not in family.columns))
    if form > 3 and flaw != 'range of subcolumns' and _refuses_range(family, held):
        form = 3
    if form > 3 and family.columns and exclusions.RANGE_DELETIONS_BESIDE_METADATA.holds(family.world.release):
        form = 3
    if form == 0:
        return Deletion(timestamp, held)
    if form > 3:
        span = _deleted_range(pick, family, names, (key, held))
        if span is not None:
            return Deletion(timestamp, held, SlicePredicate(slice_range=span))
    if form:
        found = pick.some(names.good, _least(family, flaw), 3)
        if flaw == 'bad name':
            found.append(args.name(pick, names, flaw))
        _note_deletion(family, found)
        return Deletion(timestamp, held, SlicePredicate(column_names=found))
    return Deletion(timestamp, held)


def _refuses_range(family: Family, held: Optional[bytes]) -> bool:
    release = family.world.profile.release
    return release < (2, 0) or held is not None and release >= (3, 0)


def _deleted_range(pick: Picker, family: Family, names: Alphabet, row: Tuple[Any, ...]) -> Optional[SliceRange]:
    """A range to delete in a row, or in a super column of it; None where all there are would touch another one."""
    release = family.world.release
    if row[1] is not None and not family.world.may_cut(family, row[0], 'below'):
        return None
    found = args.slice_range(pick, family.world, names)
    if exclusions.OPEN_RANGE_DELETIONS.holds(release):
        found.start, found.finish = args.ordered_bounds(pick, names, closed=True)
    if exclusions.TOUCHING_RANGE_DELETIONS.holds(release):
        key = order(release, names)
        if not family.world.has_room(family, row, key(found.start), key(found.finish)):
            return None
    return found


# --- reads of rows ---------------------------------------------------------------------------------------------------

READ_FLAWS = (*KEY_FLAWS, *PARENT_FLAWS, *PREDICATE_FLAWS, *LEVEL_FLAWS, 'argument amiss')


def get(pick: Picker, family: Family) -> Call:
    flaw = pick.flaw((*KEY_FLAWS, *PARENT_FLAWS, *LEVEL_FLAWS, 'argument amiss', 'no column', 'bad name', 'empty name',
                      'long name'))
    depth = 1 if family.is_super and pick.once_in(3) else 2
    return _call(pick, family, flaw, 'get', args.key(pick, family, flaw), args.path(pick, family, flaw, depth),
                 args.level(pick, flaw))


def get_slice(pick: Picker, family: Family) -> Call:
    flaw = pick.flaw(READ_FLAWS)
    parent = args.parent(pick, family, flaw)
    return _call(pick, family, flaw, 'get_slice', args.key(pick, family, flaw), parent,
                 args.predicate(pick, family, parent.super_column is not None, flaw), args.level(pick, flaw))


def _without_unchecked_bounds(family: Family, flaw: Flaw) -> Flaw:
    unchecked = flaw in ('bad bound', 'long bound') and exclusions.UNCHECKED_BOUNDS.holds(family.world.release)
    return None if unchecked else flaw


def get_count(pick: Picker, family: Family) -> Call:
    flaw = pick.flaw(READ_FLAWS)
    flaw = _without_unchecked_bounds(family, flaw)
    if flaw == 'backwards' and exclusions.BACKWARDS_COUNTS.holds(family.world.release):
        flaw = None
    parent = args.parent(pick, family, flaw)
    predicate = args.predicate(pick, family, parent.super_column is not None, flaw)
    if predicate.slice_range is not None and exclusions.SUBCOLUMN_COUNTS.holds(family.world.release):
        if parent.super_column is not None or predicate.slice_range.count < 0:
            predicate.slice_range.count = 100
    closing = family.is_super and exclusions.NEGATIVE_SUBCOLUMN_COUNTS.holds(family.world.release)
    if flaw == 'negative count' and closing:
        predicate = args.predicate(pick, family, parent.super_column is not None)
    return _call(pick, family, flaw, 'get_count', args.key(pick, family, flaw), parent, predicate,
                 args.level(pick, flaw))


def multiget(pick: Picker, family: Family) -> Call:
    """multiget_slice or multiget_count."""
    flaw = pick.flaw(READ_FLAWS)
    parent = args.parent(pick, family, flaw)
    keys = pick.some(family.keys, 1 if flaw or exclusions.NO_KEYS.holds(family.world.release) else 0, 4)
    if flaw in KEY_FLAWS:
        keys.append(args.key(pick, family, flaw))
    return _call(pick, family, flaw, pick.of(('multiget_slice', 'multiget_slice', 'multiget_count')), keys, parent,
                 args.predicate(pick, family, parent.super_column is not None, flaw), args.level(pick, flaw))


def get_multi_slice(pick: Picker, family: Family) -> Call:
    flaw = pick.flaw((*KEY_FLAWS, *LEVEL_FLAWS, 'unknown family', 'super column amiss', 'backwards', 'bad bound',
                      'negative count', 'wrong kind'), 6)
    if family.is_super and flaw != 'wrong kind':
        return get_slice(pick, family)
    release = family.world.release
    flaw = _without_unchecked_bounds(family, flaw)
    if flaw == 'negative count' and exclusions.NEGATIVE_MULTI_SLICES.holds(release):
        flaw = None
    backwards = pick.once_in(3) and not exclusions.REVERSED_MULTI_SLICES.holds(release)
    ranges = [args.slice_range(pick, family.world, family.comparator, flaw, backwards)
              for _ in range(1 if flaw else pick.number(1, 3))]
    if flaw is None and len(ranges) > 1 and exclusions.OPEN_MULTI_SLICES.holds(release):
        for each in ranges:
            ends = args.ordered_bounds(pick, family.comparator, closed=True)
            each.start, each.finish = ends[::-1] if backwards else ends
    slices = [ColumnSlice(each.start or None, each.finish or None) for each in ranges]
    found = MultiSliceRequest(args.key(pick, family, flaw), args.parent(pick, family, flaw), slices, backwards,
                              ranges[0].count, args.level(pick, flaw))
    return _call(pick, family, flaw, 'get_multi_slice', found)


# --- reads of ranges -------------------------------------------------------------------------------------------------

def get_range_slices(pick: Picker, family: Family) -> Call:
    flaw = pick.flaw((*PARENT_FLAWS, *PREDICATE_FLAWS, *RANGE_FLAWS, *LEVEL_FLAWS, 'argument amiss', 'filter'))
    parent = args.parent(pick, family, flaw)
    key_range = args.key_range(pick, family, flaw)
    plain = not family.is_super and not family.is_counter
    if (plain and flaw is None and pick.once_in(3)) or (flaw == 'filter' and not plain):
        key_range.row_filter = _row_filter(pick, family)
    reversible = not (key_range.row_filter and exclusions.REVERSED_FILTERS.holds(family.world.release))
    return _call(pick, family, flaw, 'get_range_slices', parent,
                 args.predicate(pick, family, parent.super_column is not None, flaw, reversible), key_range,
                 args.level(pick, flaw))


def _row_filter(pick: Picker, family: Family) -> Any:
    release = family.world.release
    if family.comparator.is_composite and exclusions.COMPOSITE_FILTERS.holds(release):
        return None
    if family.is_counter and exclusions.FILTERS_ON_COUNTERS.holds(release):
        return None
    if family.is_super and exclusions.FILTERS_ON_SUPER_FAMILIES.holds(release):
        return None
    return [each for each in args.expressions(pick, family)
            if not _marks(family, [each.column_name]) & family.world.deleted]


def get_paged_slice(pick: Picker, family: Family) -> Call:
    if (family.is_super or family.columns) and exclusions.PAGED_SPECIAL_SLICES.holds(family.world.release):
        return get_range_slices(pick, family)
    flaw = pick.flaw(('unknown family', *RANGE_FLAWS, *LEVEL_FLAWS, 'bad name', 'long name', 'filter'))
    limit = 1000 if exclusions.PAGED_SLICES.holds(family.world.release) else pick.number(1, 8)
    wrapping = not exclusions.WRAPPING_PAGES.holds(family.world.release)
    key_range = args.key_range(pick, family, flaw, limit, wrapping)
    if flaw == 'filter':
        key_range.row_filter = args.expressions(pick, family)
    if flaw in ('bad name', 'long name') and exclusions.UNCHECKED_BOUNDS.holds(family.world.release):
        flaw = None
    named = family.comparator.is_descending and exclusions.PAGED_REVERSED_NAMES.holds(family.world.release)
    start = args.name(pick, family.comparator, flaw) if flaw or named or pick.once_in(2) else b''
    return _call(pick, family, flaw, 'get_paged_slice', args.family_name(family, flaw), key_range, start,
                 args.level(pick, flaw))


def get_indexed_slices(pick: Picker, family: Family) -> Call:
    """Rows by an index; of families that have none, only the refusal is of interest."""
    flaw = pick.flaw((*PARENT_FLAWS, *PREDICATE_FLAWS, *LEVEL_FLAWS, 'no equality', 'no expressions', 'bad value',
                      'bad name', 'long value', 'argument amiss'))
    if not family.indexed and not pick.once_in(6):
        return get_range_slices(pick, family)
    if family.is_super and exclusions.FILTERS_ON_SUPER_FAMILIES.holds(family.world.release):
        return get_range_slices(pick, family)
    asked = args.expressions(pick, family, flaw)
    if flaw is None:
        asked = asked[:1] + [each for each in asked[1:]
                             if not _marks(family, [each.column_name]) & family.world.deleted]
    clause = IndexClause(asked, args.key(pick, family) if pick.once_in(3) else b'',
                         pick.of((100, 100, 1, 2, 0)))
    parent = args.parent(pick, family, flaw)
    return _call(pick, family, flaw, 'get_indexed_slices', parent, clause,
                 args.predicate(pick, family, parent.super_column is not None, flaw), args.level(pick, flaw))


# What is drawn how often.
ROLES: Dict[Callable[[Picker, Family], Call], int] = {
    put: 8, batch: 10, remove: 4, cas: 2, get: 4, get_slice: 8, get_count: 3, multiget: 4, get_multi_slice: 2,
    get_range_slices: 6, get_paged_slice: 2, get_indexed_slices: 4}


@st.composite
def request(draw: Any, role: Callable[[Picker, Family], Call], family: Family) -> Call:
    """A call of a role on a family."""
    pick = Picker(draw)
    return role(pick, family if pick.once_in(20) else family.world.present_one(family))
