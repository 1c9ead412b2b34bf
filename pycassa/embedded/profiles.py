"""Server profiles: what differs between Cassandra 1.2 and 3.11 as a Thrift client sees it."""
from typing import Dict, NamedTuple, Tuple

__all__ = ['DEFAULT_PROFILE', 'PROFILES', 'Profile', 'profile']

DEFAULT_PROFILE = '2.1'


class Profile(NamedTuple):
    """One server generation. Sequence comparisons of `release` decide what has no field of its own."""

    name: str
    release: Tuple[int, int]
    api: str                        # the answer of describe_version
    table_wording: bool             # messages say "table" (2.2+), else "columnfamily"
    no_keyspace: str                # message of a call before set_keyspace
    slice_deletions: bool           # Deletion.predicate.slice_range is served
    closed_range_deletions: bool    # an empty end of a deleted range means the empty name, not "open" (2.0-2.2)
    default_ttl: bool               # CfDef.default_time_to_live is honoured
    ttl_zero: bool                  # ttl 0 means "no TTL" and is accepted
    checked_expiry: bool            # an expiry after 2038-01-19T03:14:06Z is refused, else silently lost
    serial: bool                    # cas, SERIAL and LOCAL_SERIAL exist
    multi_slice: bool               # get_multi_slice exists
    each_quorum_reads: bool
    count_is_validated: bool        # get_count validates its slice
    signed_dates: bool              # DateType sorts negatives first
    signed_booleans: bool           # BooleanType sorts as a signed byte
    ttl_tie: str                    # equal timestamp and value: 'last', 'longer', 'permanent'
    first_name_stays: bool          # colliding names: the name first stored is returned, else the winner's
    truncates_counters: bool
    empty_leaves_ghost: bool        # a row that a batch names without storing anything shows up in ranges


_OLD_NO_KEYSPACE = 'no keyspace has been specified'
_NO_KEYSPACE = 'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename'

_V12 = Profile(
    name='1.2', release=(1, 2), api='19.36.2', table_wording=False, no_keyspace=_OLD_NO_KEYSPACE,
    slice_deletions=False, closed_range_deletions=False, default_ttl=False, ttl_zero=False, checked_expiry=False,
    serial=False, multi_slice=False, each_quorum_reads=False, count_is_validated=True, signed_dates=False,
    signed_booleans=True, ttl_tie='last', first_name_stays=False, truncates_counters=True,
    empty_leaves_ghost=False)
_V20 = _V12._replace(
    name='2.0', release=(2, 0), api='19.39.0', no_keyspace=_NO_KEYSPACE, slice_deletions=True,
    closed_range_deletions=True, default_ttl=True, serial=True, count_is_validated=False, signed_booleans=False)
_V21 = _V20._replace(
    name='2.1', release=(2, 1), checked_expiry=True, multi_slice=True, ttl_tie='longer', empty_leaves_ghost=True)
_V22 = _V21._replace(name='2.2', release=(2, 2), api='20.1.0', table_wording=True)
_V30 = _V22._replace(
    name='3.0', release=(3, 0), closed_range_deletions=False, each_quorum_reads=True, signed_dates=True,
    ttl_tie='permanent', first_name_stays=True, truncates_counters=False)
_V311 = _V30._replace(name='3.11', release=(3, 11), ttl_zero=True)

PROFILES: Dict[str, Profile] = {each.name: each for each in (_V12, _V20, _V21, _V22, _V30, _V311)}


def profile(name: str) -> Profile:
    """The profile called `name` ('1.2', '2.0', '2.1', '2.2', '3.0' or '3.11'). Raises ValueError for others."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ValueError(f'unknown server profile {name!r}; known are {", ".join(PROFILES)}') from None
