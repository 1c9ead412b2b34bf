"""What a call on a server comes to: a plain value or a failure, and what is expected of each release."""
from typing import Any, Callable, Dict, NamedTuple, Tuple

from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TTransportException

from pycassa.cassandra.ttypes import (
    CASResult,
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    CounterSuperColumn,
    InvalidRequestException,
    KeySlice,
    NotFoundException,
    SuperColumn,
    TimedOutException,
    UnavailableException,
)

RELEASES = ('1.2', '2.0', '2.1', '2.2', '3.0', '3.11')


class Failure(NamedTuple):
    """How a call failed: the exception's kind, and its message where it has one."""

    kind: str
    text: str = ''


CLOSED = Failure('connection closed')
NO_ANSWER = Failure('no answer in time')
NOT_FOUND = Failure('NotFoundException')
UNAVAILABLE = Failure('UnavailableException')
TIMED_OUT = Failure('TimedOutException')
MALFORMED = Failure('TApplicationException 7')
DONE = None                 # the outcome of a call that answers nothing


def refused(why: str) -> Failure:
    """InvalidRequestException with exactly this message."""
    return Failure('InvalidRequestException', why)


def unknown_method(name: str) -> Failure:
    """The answer of a release that has no such call."""
    return Failure('TApplicationException 1', f"Invalid method name: '{name}'")


class Since(dict):
    """Outcomes by the release that they begin with: Since({'1.2': a, '2.1': b}) is a for 1.2 and 2.0, b from 2.1 on."""

    def of(self, profile: str) -> Any:
        place = RELEASES.index(profile)
        begun = [release for release in RELEASES[:place + 1] if release in self]
        assert begun, f'nothing is expected of {profile}'
        return self[begun[-1]]


class Defect(NamedTuple):
    """A defect of real servers that the embedded one does not have."""

    real: Any
    embedded: Any


class Matching(NamedTuple):
    """An outcome that only begins as told, for what a server may vary. `shown` says what was expected."""

    test: Callable[[Any], bool]
    shown: str


def beginning(why: str) -> Matching:
    """InvalidRequestException with a message that begins so."""
    return Matching(lambda seen: isinstance(seen, Failure) and seen.kind == 'InvalidRequestException'
                    and seen.text.startswith(why), f'InvalidRequestException {why}...')


def worded(old: str, new: str) -> Since:
    """A refusal whose words changed in 2.2."""
    return Since({'1.2': refused(old), '2.2': refused(new)})


def expected_of(expected: Any, profile: str, kind: str) -> Any:
    """What is expected of one release of one kind of server ('real' or 'embedded')."""
    while isinstance(expected, (Since, Defect)):
        expected = expected.of(profile) if isinstance(expected, Since) else getattr(expected, kind)
    return expected


def agrees(seen: Any, expected: Any) -> bool:
    """Whether what was seen is what is expected."""
    return expected.test(seen) if isinstance(expected, Matching) else seen == expected


def outcome(call: Callable[[], Any]) -> Any:
    """What a call comes to, in plain values."""
    try:
        return plain(call())
    except InvalidRequestException as error:
        return refused(error.why)
    except NotFoundException:
        return NOT_FOUND
    except UnavailableException:
        return UNAVAILABLE
    except TimedOutException:
        return TIMED_OUT
    except TApplicationException as error:
        if error.type == TApplicationException.PROTOCOL_ERROR:
            return MALFORMED
        return Failure(f'TApplicationException {error.type}', error.message)
    except TTransportException as error:
        return NO_ANSWER if error.type == TTransportException.TIMED_OUT else CLOSED
    except (ConnectionError, EOFError):
        return CLOSED


_FIELDS: Dict[type, Tuple[str, ...]] = {
    Column: ('name', 'value', 'timestamp', 'ttl'), CounterColumn: ('name', 'value'),
    SuperColumn: ('name', 'columns'), CounterSuperColumn: ('name', 'columns'), KeySlice: ('key', 'columns'),
    CASResult: ('success', 'current_values'),
}


def plain(value: Any) -> Any:
    """Answers as tuples: (name, value, timestamp, ttl), (name, total), (super name, [those]), (key, [those])."""
    if isinstance(value, ColumnOrSuperColumn):
        members = (value.column, value.super_column, value.counter_column, value.counter_super_column)
        return plain(next(member for member in members if member is not None))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if not hasattr(value, '_fields') else value
    fields = _FIELDS.get(type(value))
    return tuple(plain(getattr(value, field)) for field in fields) if fields else value
