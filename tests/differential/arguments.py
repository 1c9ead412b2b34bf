"""Parts of requests: keys, paths, predicates, columns, levels. Each may be given the one flaw of its request."""
from typing import List, Optional, Sequence, Tuple

from pycassa.cassandra.ttypes import (
    Column,
    ColumnParent,
    ColumnPath,
    ConsistencyLevel,
    IndexExpression,
    KeyRange,
    SlicePredicate,
    SliceRange,
)

from . import exclusions
from .alphabets import Alphabet
from .families import LARGE_TTL, Family, World
from .picking import Picker

__all__ = ['LEVEL_FLAWS', 'column', 'expressions', 'family_name', 'key', 'key_range', 'level', 'name', 'parent', 'path',
           'predicate', 'slice_range', 'stamp', 'value', 'PARENT_FLAWS', 'PREDICATE_FLAWS', 'COLUMN_FLAWS', 'KEY_FLAWS',
           'RANGE_FLAWS']

GOOD_LEVELS = (ConsistencyLevel.ONE,) * 6 + (ConsistencyLevel.QUORUM, ConsistencyLevel.ALL,
                                             ConsistencyLevel.LOCAL_QUORUM, ConsistencyLevel.LOCAL_ONE)
ODD_LEVELS = (ConsistencyLevel.ANY, ConsistencyLevel.TWO, ConsistencyLevel.THREE, ConsistencyLevel.EACH_QUORUM,
              ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL)
STAMPS = (1, 2, 3, 1, 2, 3, 4, 5, 0, -1, 2**62)
LONG = 65536
KEY_FLAWS = ('empty key', 'long key', 'bad key')
LEVEL_FLAWS = ('level', 'level', 'no keyspace', 'other keyspace')
PARENT_FLAWS = ('unknown family', 'no family', 'super column amiss', 'empty super column', 'bad super column')
PREDICATE_FLAWS = ('no predicate', 'two predicates', 'negative count', 'backwards', 'bad name', 'empty name',
                   'long name', 'bad bound', 'long bound')
COLUMN_FLAWS = ('empty name', 'bad name', 'long name', 'bad value', 'bad value', 'no value', 'no timestamp', 'ttl 0',
                'negative ttl', 'huge ttl', 'late ttl')
RANGE_FLAWS = ('no start', 'two starts', 'token before key', 'no rows', 'backwards keys', 'negative rows')

Flaw = Optional[str]


def level(pick: Picker, flaw: Flaw) -> int:
    return pick.of(ODD_LEVELS) if flaw == 'level' else pick.of(GOOD_LEVELS)


def family_name(family: Family, flaw: Flaw) -> str:
    return {'unknown family': 'Nowhere', 'no family': ''}.get(flaw or '', family.name)


def key(pick: Picker, family: Family, flaw: Flaw = None) -> bytes:
    if flaw == 'empty key':
        return b''
    if flaw == 'long key':
        return b'k' * (LONG - (0 if _stays_small(family) else pick.number(0, 1)))
    if flaw == 'bad key' and family.bad_keys:
        return pick.of(family.bad_keys)
    return pick.of(family.keys)


def _stays_small(family: Family) -> bool:
    return not (family.is_super or family.is_counter) and exclusions.LARGE_ROWS.holds(family.world.release)


def name(pick: Picker, names: Alphabet, flaw: Flaw = None) -> bytes:
    if flaw == 'empty name':
        return b''
    if flaw == 'long name':
        return b'n' * LONG
    if flaw == 'bad name' and names.bad:
        return pick.of(names.bad)
    return pick.of(names.good)


def super_name(pick: Picker, family: Family, flaw: Flaw, below: bool) -> Optional[bytes]:
    """The super column of a path or parent that is to be `below` one, or not."""
    if flaw == 'empty super column':
        return b''
    if flaw == 'super column amiss':
        below = not below if family.is_super else True
    elif not family.is_super:
        return None
    if not below:
        return None
    return name(pick, family.comparator, 'bad name' if flaw == 'bad super column' else None)


def parent(pick: Picker, family: Family, flaw: Flaw = None, writing: bool = False) -> ColumnParent:
    below = writing or (family.is_super and pick.once_in(2))
    return ColumnParent(family_name(family, flaw), super_name(pick, family, flaw, below))


def path(pick: Picker, family: Family, flaw: Flaw, depth: int) -> ColumnPath:
    """A ColumnPath: depth 0 names a row, 1 a super column (else as 2), 2 a column."""
    held = super_name(pick, family, flaw, depth > 0)
    if flaw == 'no column':
        return ColumnPath(family_name(family, flaw), held, None)
    wanted = depth == 2 or (depth == 1 and not family.is_super)
    return ColumnPath(family_name(family, flaw), held, name(pick, family.inner, flaw) if wanted else None)


# --- columns ---------------------------------------------------------------------------------------------------------

def stamp(pick: Picker, world: World) -> int:
    if pick.once_in(40) and not exclusions.SMALLEST_TIMESTAMP.holds(world.release):
        return -2**63
    return pick.of(STAMPS)


def value(pick: Picker, type_: Optional[Alphabet], flaw: Flaw = None) -> bytes:
    if type_ is None:
        return b'v'
    if flaw == 'bad value' and type_.bad:
        return pick.of(type_.bad)
    if type_.empty and pick.once_in(12):
        return b''
    return pick.of(type_.good)


def column(pick: Picker, family: Family, flaw: Flaw = None) -> Column:
    named = name(pick, family.inner, flaw)
    longest = not (family.is_super and exclusions.LONGEST_NAMES.holds(family.world.release) or _stays_small(family))
    if flaw == 'long name' and longest:
        named = named[pick.number(0, 1):]
    found = Column(named, value(pick, family.validator(named), flaw), stamp(pick, family.world))
    found.ttl = _ttl(pick, family.world, flaw)
    if flaw == 'no value':
        found.value = None
    if flaw == 'no timestamp':
        found.timestamp = None
    return found


def _ttl(pick: Picker, world: World, flaw: Flaw) -> Optional[int]:
    odd = {'ttl 0': 0, 'negative ttl': -1, 'huge ttl': 630720001, 'late ttl': 500000000}
    if flaw in odd:
        return odd[flaw]
    if world.short_ttls:
        return pick.of((None, 2, 3, LARGE_TTL))
    return pick.of((LARGE_TTL, 2 * LARGE_TTL, 86400)) if pick.once_in(6) else None


# --- predicates ------------------------------------------------------------------------------------------------------

def predicate(pick: Picker, family: Family, below: bool, flaw: Flaw = None, reversible: bool = True) -> SlicePredicate:
    """Which columns of a row, or `below` a super column, to read."""
    names = family.inner if below or not family.is_super else family.comparator
    if flaw == 'no predicate':
        return SlicePredicate()
    if flaw == 'two predicates':
        return SlicePredicate(column_names=[pick.of(names.good)], slice_range=SliceRange(b'', b'', False, 1))
    if below and family.columns and exclusions.DEFINED_SUBCOLUMNS.holds(family.world.release):
        return SlicePredicate(slice_range=SliceRange(b'', b'', False, 100))
    if flaw in ('bad name', 'empty name', 'long name') or (flaw is None and pick.once_in(3)):
        nameless = not (family.is_super and exclusions.NO_NAMES_OF_SUPER_COLUMNS.holds(family.world.release))
        found = pick.some(names.good, 0 if nameless else 1, 3)
        if flaw is not None:
            found.append(name(pick, names, flaw))
        return SlicePredicate(column_names=found)
    backwards = reversible and _may_reverse(family, below) and pick.once_in(3)
    return SlicePredicate(slice_range=slice_range(pick, family.world, names, flaw, backwards))


def _may_reverse(family: Family, below: bool) -> bool:
    release = family.world.release
    if family.columns and exclusions.REVERSED_SLICES_BESIDE_METADATA.holds(release):
        return False
    return below or not family.is_super or not exclusions.REVERSED_SUPER_SLICES.holds(release)


def slice_range(pick: Picker, world: World, names: Alphabet, flaw: Flaw = None, backwards: bool = False) -> SliceRange:
    low, high = ordered_bounds(pick, names)
    if flaw == 'backwards':
        low, high = high, low
    if flaw == 'bad bound' and names.bad:
        low = pick.of(names.bad)
    if flaw == 'long bound':
        high = b'n' * LONG
    count = -1 if flaw == 'negative count' else 100 if not pick.once_in(2) else pick.number(
        1 if exclusions.ZERO_COUNTS.holds(world.release) else 0, 4)
    return SliceRange(high, low, True, count) if backwards else SliceRange(low, high, False, count)


def ordered_bounds(pick: Picker, names: Alphabet, closed: bool = False) -> Tuple[bytes, bytes]:
    """(low, high) ends of a slice; either may be open unless it is to be `closed`."""
    last = len(names.bounds) - 1
    first = pick.number(0, last)
    second = pick.number(first, last)
    low, high = names.bounds[first], names.bounds[second]
    if closed:
        return low, high
    return b'' if pick.once_in(2) else low, b'' if pick.once_in(2) else high


# --- rows ------------------------------------------------------------------------------------------------------------

def key_range(pick: Picker, family: Family, flaw: Flaw = None, limit: Optional[int] = None,
              wrapping: bool = True) -> KeyRange:
    """Rows by key, by token, or from a key to a token."""
    ring = family.world.ring
    count = limit or (100 if not pick.once_in(2) else pick.number(1, 4))
    count = {'no rows': 0, 'negative rows': -1}.get(flaw or '', count)
    keys: List[bytes] = sorted(pick.some(family.keys, 2, 2), key=ring.position)
    if flaw == 'backwards keys':
        return KeyRange(start_key=keys[1], end_key=keys[0], count=count)
    tokens = [_token(pick, family), _token(pick, family)]
    if not wrapping:
        tokens = [ring.text(ring.token(key)) for key in keys]
        if tokens[0] == tokens[1]:
            tokens[0] = ring.text(ring.minimum)
    if flaw == 'no start':
        return KeyRange(end_key=keys[1], count=count)
    if flaw == 'two starts':
        return KeyRange(start_key=keys[0], start_token=tokens[0], end_key=b'', count=count)
    if flaw == 'token before key':
        return KeyRange(start_token=tokens[0], end_key=keys[1], count=count)
    form = pick.number(0, 9)
    if form < 6:
        return KeyRange(start_key=b'' if form < 4 else keys[0], end_key=b'' if form % 2 else keys[1], count=count)
    if form < 9:
        return KeyRange(start_token=tokens[0], end_token=tokens[1], count=count)
    return KeyRange(start_key=keys[0], end_token=tokens[1], count=count)


def _token(pick: Picker, family: Family) -> str:
    ring = family.world.ring
    form = pick.number(0, 5)
    if form == 5:
        return ring.text(ring.minimum)
    return ring.text(ring.token(pick.of(family.keys)))


def _filterable(family: Family) -> Sequence[bytes]:
    names = family.comparator.good
    if not exclusions.FILTERS_BY_ODD_NAMES.holds(family.world.release):
        return names
    return [name for name in names if name in family.columns or _is_text(name)] or [b'']


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def expressions(pick: Picker, family: Family, flaw: Flaw = None) -> List[IndexExpression]:
    """What rows have to meet; the first one is EQ on an indexed column where there is one."""
    found = []
    for number in range(pick.number(1, 3)):
        indexed = number == 0 and family.indexed and flaw != 'no equality'
        named = family.indexed[0] if indexed else pick.of(_filterable(family))
        operator = 0 if indexed else pick.number(1, 4) if flaw == 'no equality' else pick.number(0, 4)
        found.append(IndexExpression(named, operator, value(pick, family.validator(named))))
    if flaw == 'bad value':
        found[0].value = value(pick, family.validator(found[0].column_name), flaw)
    if flaw == 'bad name':
        found[-1].column_name = name(pick, family.comparator, flaw)
    if flaw == 'long value':
        found[0].value = b'v' * LONG
    return [] if flaw == 'no expressions' else found
