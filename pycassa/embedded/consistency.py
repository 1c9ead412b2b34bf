"""Consistency levels on one node: which are refused, and which lack replicas."""
from typing import Dict

from pycassa.cassandra.ttypes import ConsistencyLevel, UnavailableException
from pycassa.embedded.messages import Wording, refuse
from pycassa.embedded.profiles import Profile
from pycassa.embedded.schema import Family, Keyspace

__all__ = ['Consistency']

_FIXED: Dict[int, int] = {
    ConsistencyLevel.ONE: 1, ConsistencyLevel.LOCAL_ONE: 1, ConsistencyLevel.ANY: 1,
    ConsistencyLevel.TWO: 2, ConsistencyLevel.THREE: 3,
}
_SERIAL = (ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL)


class Consistency:
    """The checks of a level for each kind of call. Raises InvalidRequestException and UnavailableException."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._words = Wording(profile)

    def read(self, keyspace: Keyspace, level: int, rows: int = 1) -> None:
        """A read of `rows` single rows; 0 for a range."""
        self.check_read(level, rows)
        self.available(keyspace, level)

    def check_read(self, level: int, rows: int = 1) -> None:
        """The part of `read` that does not depend on replicas."""
        if level == ConsistencyLevel.ANY:
            refuse('ANY ConsistencyLevel is only supported for writes')
        if level == ConsistencyLevel.EACH_QUORUM and not self._profile.each_quorum_reads:
            refuse('EACH_QUORUM ConsistencyLevel is only supported for writes')
        if level in _SERIAL and rows > 1:
            what = 'partition' if self._profile.release >= (3, 0) else 'row'
            refuse(f'SERIAL/LOCAL_SERIAL consistency may only be requested for one {what} at a time')

    def write(self, keyspace: Keyspace, level: int) -> None:
        """A write."""
        self.check_write(level)
        self.available(keyspace, level)

    def check_write(self, level: int) -> None:
        """The part of `write` that does not depend on replicas."""
        if level in _SERIAL:
            refuse('You must use conditional updates for serializable writes')

    def counter(self, family: Family, level: int) -> None:
        """A write of a counter family (what it lacks in replicas comes later)."""
        if level == ConsistencyLevel.ANY:
            refuse(f'Consistency level ANY is not yet supported for counter {self._words.joined} {family.name}')
        if level in _SERIAL:
            refuse('Counter operations are inherently non-serializable')

    def conditional(self, keyspace: Keyspace, serial: int, commit: int) -> None:
        """The two levels of cas; the replicas of the commit are asked for only if the condition holds."""
        if serial not in _SERIAL:
            refuse('Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL')
        if commit in _SERIAL:
            name = ConsistencyLevel._VALUES_TO_NAMES[commit]
            refuse(f'{name} is not supported as conditional update commit consistency. Use ANY if you mean "make '
                   "sure it is accepted but I don't care how many replicas commit it for non-SERIAL reads\"")
        if commit == ConsistencyLevel.EACH_QUORUM and keyspace.strategy != 'NetworkTopologyStrategy':
            refuse('consistency level EACH_QUORUM not compatible with replication strategy '
                   f'({keyspace.strategy_class})')
        self.available(keyspace, serial)

    def available(self, keyspace: Keyspace, level: int) -> None:
        """Raises UnavailableException where the level asks for more replicas than this one node."""
        replicas = keyspace.replicas
        needed = _FIXED.get(level)
        if needed is None:
            needed = replicas if level == ConsistencyLevel.ALL else replicas // 2 + 1
        if level == ConsistencyLevel.ANY and replicas:
            return
        if needed > min(replicas, 1):
            raise UnavailableException()
