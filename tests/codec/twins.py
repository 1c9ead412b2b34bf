"""One harness for both twins: the same call made in each, and everything that a caller can observe compared."""
import importlib.util
import random
import struct
from typing import Any, Callable, NamedTuple, Tuple

__all__ = ['COMPILED', 'PURE', 'Outcome', 'Twins', 'fingerprint', 'is_built', 'observe']

PURE, COMPILED = 'pycassa._pure.protocol', 'pycassa._speedups.protocol'

# The codec's own classes, which each twin has for itself.
_OWN = ('Cursor', 'Layout', 'Scalar')

Call = Callable[[Any], Any]


def is_built() -> bool:
    """Whether the compiled twin is there, working or not."""
    return (importlib.util.find_spec('pycassa._speedups') is not None
            and importlib.util.find_spec(COMPILED) is not None)


class Outcome(NamedTuple):
    """What a call gave: the fingerprint of its value, or of what it raised, and then the `error`'s class."""

    error: Any
    what: Any

    @property
    def message(self) -> str:
        return str(self.what[1]) if self.error is not None else ''


def _class_of(value: Any) -> Any:
    kind = type(value)
    return kind.__name__ if kind.__name__ in _OWN else kind


def fingerprint(value: Any) -> Any:
    """A value as something that is equal only to what is the same in type, content and order, all the way down."""
    kind = _class_of(value)
    if type(value) is not value.__class__:
        # What lies about its class is nothing but itself.
        return kind, id(value)
    if isinstance(value, float):
        return kind, struct.pack('>d', value)
    if isinstance(value, (tuple, list)):
        return kind, tuple(map(fingerprint, value))
    if isinstance(value, dict):
        return kind, tuple((fingerprint(key), fingerprint(item)) for key, item in dict.items(value)), _state(value)
    if isinstance(value, BaseException):
        return _exception(value)
    if isinstance(kind, str):
        return kind, repr(value)
    if value is None or isinstance(value, (str, bytes, int)):
        return kind, value
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(map(fingerprint, value))
    return (kind, _state(value)) if hasattr(value, '__dict__') else (kind, repr(value))


def _state(value: Any) -> Any:
    """The attributes of an object of one of the tests' own classes."""
    return tuple((name, fingerprint(item)) for name, item in getattr(value, '__dict__', {}).items())


def _exception(error: BaseException) -> Any:
    fields = {name: item for name, item in vars(error).items() if not name.startswith('__')}
    cause = error.__cause__
    return (type(error), str(error), tuple(map(fingerprint, error.args)), fingerprint(fields),
            None if cause is None else (type(cause), str(cause)))


def observe(call: Call, codec: Any) -> Outcome:
    """Make a call in one implementation: KeyboardInterrupt and the like are outcomes too."""
    random.seed(1)
    try:
        value = call(codec)
    except BaseException as error:  # noqa: BLE001  (whatever comes out is what is compared)
        return Outcome(type(error), fingerprint(error))
    return Outcome(None, fingerprint(value))


class Twins:
    """Two implementations of one interface: `pure`, which is the reference, and `compiled`."""

    def __init__(self, pure: Any, compiled: Any) -> None:
        self.pure, self.compiled = pure, compiled

    def both(self, call: Call) -> Tuple[Outcome, Outcome]:
        return observe(call, self.pure), observe(call, self.compiled)

    def check(self, call: Call, note: Any = '', messages: bool = True) -> Outcome:
        """Make a call in both and compare the outcomes; returns it. `messages=False` compares errors by class only."""
        expected, found = self.both(call)
        if not messages and expected.error is not None:
            assert found.error is expected.error, (note, expected, found)
        else:
            assert found == expected, (note, expected, found)
        return expected
