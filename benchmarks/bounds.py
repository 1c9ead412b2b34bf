"""What the codec has to reach: which ratio of which works, against whom, and the bounds of it."""
from typing import Dict, List, NamedTuple, Optional

from benchmarks.implementations import COMPILED
from benchmarks.peers.floor import FLOOR, FLOOR_SHARED
from benchmarks.peers.libraries import BINDINGS
from benchmarks.report import Target
from benchmarks.works import Work

__all__ = ['PLAIN', 'Bound', 'bounds_of']

# Stands for the same implementation at the work that this one is a variant of.
PLAIN = 'plain'


class Bound(NamedTuple):
    """The ratio of an implementation's time to `against`'s or, where more is better, the other way round."""

    against: str
    target: Target


# The compiled implementation, by name of work. Variants that are not listed have no bounds.
_ENCODE = Bound(FLOOR, Target(1.6, 1.2))
_DECODE = Bound(FLOOR, Target(1.2, 1.05))
_ROWS = (Bound(FLOOR, Target(1.0, None)), Bound(FLOOR_SHARED, Target(None, 1.1)))
_VARIANT = Bound(PLAIN, Target(1.5, 1.25))
_TIMESTAMPS = Bound(PLAIN, Target(2.2, 1.9))
_PEER_ENCODE = Bound(BINDINGS, Target(44.0, 59.0, at_least=True))
_PEER_DECODE = Bound(BINDINGS, Target(9.5, 10.8, at_least=True))

_FIXED: Dict[str, List[Bound]] = {
    'encode 100 x 10 text': [_ENCODE, _PEER_ENCODE],
    'encode 1000 x 1 text': [_ENCODE],
    'encode 1 x 1000 text': [_ENCODE],
    'encode 100 x 10 doubles': [_ENCODE],
    'encode 100 x 10 non-ASCII': [_ENCODE],
    'encode 1000 x 1 non-ASCII': [_ENCODE],
    'encode 1 x 1000 non-ASCII': [_ENCODE],
    'encode 100 x 10 Latin-1': [_ENCODE],
    'decode 1 x 1000 text': [_DECODE, _PEER_DECODE],
    'decode 1 x 1000 doubles': [_DECODE],
    'decode multiget 100 x 10 text': [*_ROWS],
    'decode range 100 x 10 text': [*_ROWS],
}
_VARIANTS = {'validators': _VARIANT, 'super columns': _VARIANT, 'counters': _VARIANT, 'timestamps': _TIMESTAMPS}

# The pure implementation: how many times faster than the bindings with thrift's C extension.
_PURE_ENCODE, _PURE_DECODE = (Bound(BINDINGS, Target(least, least, at_least=True)) for least in (4.0, 1.3))


def bounds_of(work: Work, implementation: str) -> List[Bound]:
    """The bounds of an implementation at a work; may be none."""
    if implementation != COMPILED:
        return [_PURE_ENCODE if work.encodes else _PURE_DECODE] if work.name in _FIXED else []
    variant: Optional[Bound] = next((bound for ending, bound in _VARIANTS.items() if work.name.endswith(ending)), None)
    return [variant] if variant else _FIXED.get(work.name, [])
