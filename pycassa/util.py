"""Helpers of every floor: the ordered dictionary of results, times and version 1 UUIDs, interface checks."""
import datetime
import decimal
import math
import numbers
import os
import random
import uuid
from typing import Any, Iterable, Optional, Tuple

__all__ = ['HIGHEST_TIME_UUID', 'LOWEST_TIME_UUID', 'OrderedDict', 'as_interface', 'convert_time_to_uuid',
           'convert_uuid_to_time']


# --- results -----------------------------------------------------------------------------------------------------

class OrderedDict(dict[Any, Any]):
    """A dict, in the order in which its columns came, with the two methods of older ordered dictionaries.

    It prints, compares and costs as a dict does. Taking many items off the front of a very large one is slower
    than off its end.
    """

    __slots__ = ()

    def popitem(self, last: bool = True) -> Tuple[Any, Any]:
        """Remove and return the last (key, value), or the first with last=False. Raises KeyError when empty."""
        if last:
            return dict.popitem(self)
        for key in self:
            return key, self.pop(key)
        raise KeyError('popitem(): dictionary is empty')

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Move `key` to the end, or to the beginning with last=False. Raises KeyError when it is not there."""
        value = self.pop(key)
        if last:
            self[key] = value
            return
        rest = dict(self)
        self.clear()
        self[key] = value
        self.update(rest)

    def copy(self) -> 'OrderedDict':
        """A shallow copy of the same class."""
        return self.__class__(self)


# --- processes ---------------------------------------------------------------------------------------------------

class Forks:
    """How many forks are between the process that loaded this module and this one: a system call less than getpid."""

    count = 0

    @classmethod
    def add(cls) -> None:
        cls.count += 1


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=Forks.add)


# --- times and version 1 UUIDs -----------------------------------------------------------------------------------

# Between the UUID epoch, 1582-10-15, and the Unix epoch, in units of 100 ns.
_UUID_EPOCH_TICKS = 0x01B21DD213814000
_MAX_TICKS = (1 << 60) - 1

# Clock sequence and node of the first and the last UUID of an instant. TimeUUIDType compares these eight bytes as
# signed ones; the two high bits are the variant's.
_LOWEST_SIGNED = 0x8080808080808080
_HIGHEST_SIGNED = 0xBF7F7F7F7F7F7F7F

_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def to_microseconds(value: Any) -> int:
    """Microseconds since 1970-01-01 UTC of a datetime (naive is UTC), a date (midnight UTC) or a number of seconds.

    Raises TypeError for anything else, ValueError for a number that is not finite.
    """
    if isinstance(value, datetime.datetime):
        since = value - (_EPOCH if value.utcoffset() is None else _EPOCH_UTC)
    elif isinstance(value, datetime.date):
        since = value - _EPOCH.date()
    else:
        return _seconds_to_microseconds(value)
    return (since.days * 86400 + since.seconds) * 1000000 + since.microseconds


def _seconds_to_microseconds(value: Any) -> int:
    if isinstance(value, (int, numbers.Integral)):
        return int(value) * 1000000
    if not isinstance(value, (float, numbers.Real, decimal.Decimal)):
        raise TypeError('a time is a datetime, a date or a number of seconds since 1970, '
                        f'not {type(value).__name__}')
    seconds: Any = value if isinstance(value, (float, decimal.Decimal, numbers.Rational)) else float(value)
    if isinstance(seconds, decimal.Decimal) and seconds.is_finite() and seconds.adjusted() > 30:
        # Its integer would have as many digits as its exponent says.
        raise ValueError(f'{value!r} is not a time')
    try:
        whole = math.floor(seconds)
        # A float of seconds is off by a fraction of a microsecond in our century: cutting would lose a whole one, and
        # so would multiplying all of it.
        return int(whole * 1000000 + round((seconds - whole) * 1000000))
    except OverflowError:
        raise ValueError(f'{value!r} is not a time') from None


def time_uuid(microseconds: int, clock_and_node: int) -> int:
    """The version 1 UUID of an instant, given the 64 bits that follow its time. Raises ValueError outside 1582–5236."""
    ticks = microseconds * 10 + _UUID_EPOCH_TICKS
    if not 0 <= ticks <= _MAX_TICKS:
        raise ValueError('a version 1 UUID holds times from 1582-10-15 to 5236-03-31; '
                         f'{microseconds} microseconds since 1970 are outside')
    high = (ticks & 0xFFFFFFFF) << 32 | (ticks >> 32 & 0xFFFF) << 16 | 0x1000 | ticks >> 48
    return high << 64 | 0x8 << 60 | (clock_and_node & 0x3FFFFFFFFFFFFFFF)


def convert_time_to_uuid(time_arg: Any, lowest_val: bool = True, randomize: bool = False) -> uuid.UUID:
    """The version 1 UUID of a time, as TimeUUIDType stores and orders it (release 1.11).

    `time_arg` is a datetime (naive is UTC, aware is converted), a date, a number of seconds since 1970, or a UUID,
    which is returned as it is. The UUID is the lowest of that microsecond, the highest with lowest_val=False, or has
    a random clock sequence and node with randomize=True. Raises ValueError for anything else and for times before
    1582-10-15 or after 5236-03-31.
    """
    if isinstance(time_arg, uuid.UUID):
        return time_arg
    try:
        microseconds = to_microseconds(time_arg)
    except TypeError as error:
        raise ValueError(f'a version 1 UUID is made of a UUID, a datetime or a number of seconds, '
                         f'not {type(time_arg).__name__}') from error
    if randomize:
        clock_and_node = random.getrandbits(62)
    else:
        clock_and_node = _LOWEST_SIGNED if lowest_val else _HIGHEST_SIGNED
    return uuid.UUID(int=time_uuid(microseconds, clock_and_node))


def convert_uuid_to_time(uuid_arg: uuid.UUID) -> float:
    """Seconds since 1970-01-01 UTC of a version 1 UUID. Raises ValueError for other versions (release 1.11)."""
    if not isinstance(uuid_arg, uuid.UUID) or uuid_arg.version != 1:
        raise ValueError(f'{uuid_arg!r} is not a version 1 UUID')
    return (uuid_arg.time - _UUID_EPOCH_TICKS) / 10000000


#: Before and after every version 1 UUID in TimeUUIDType's order.
LOWEST_TIME_UUID = uuid.UUID('00000000-0000-1000-8080-808080808080')
HIGHEST_TIME_UUID = uuid.UUID('ffffffff-ffff-1fff-bf7f-7f7f7f7f7f7f')


# --- interfaces --------------------------------------------------------------------------------------------------

def as_interface(obj: Any, cls: Optional[type] = None, methods: Optional[Iterable[str]] = None,
                 required: Any = None) -> Any:
    """`obj` if it has methods of an interface; a class holding a dict's functions if `obj` is a dict of them.

    The interface is the public names of `cls`, or `methods`. `required` names those that must be there; given as a
    class it means all of them; by default any one will do. Raises TypeError when `obj` falls short, and for a dict
    with unknown names or values that cannot be called (release 1.11).
    """
    if cls is None and not methods:
        raise TypeError('as_interface() needs a class or the names of methods')
    if cls is not None and isinstance(obj, cls):
        return obj
    interface = set(methods or (name for name in dir(cls) if not name.startswith('_')))
    needed = interface if isinstance(required, type) else set(required or ())
    if type(obj) is dict:
        for name, function in obj.items():
            if name not in interface:
                raise TypeError(f'{name!r} is not one of: {", ".join(sorted(interface))}')
            if not callable(function):
                raise TypeError(f'{name!r} is {function!r}, which cannot be called')
        found = set(obj)
    else:
        found = interface.intersection(dir(obj))
    if not found or not found >= needed:
        raise TypeError(f'{obj!r} does not have {"all" if needed else "any"} of: '
                        f'{", ".join(sorted(needed or interface))}')
    if type(obj) is not dict:
        return obj
    name = 'Anonymous' + (cls.__name__ if cls is not None else 'Interface')
    return type(name, (), {name: staticmethod(function) for name, function in obj.items()})
