"""The tests of the tests: the harness tells twins apart that differ in anything that a caller can see."""
import collections
import decimal
import types

import pytest
from corpus import SEQID, corpus, layout_of
from twins import Twins, fingerprint, observe

from pycassa._pure import protocol
from pycassa.cassandra.ttypes import TimedOutException
from pycassa.errors import ProtocolError, UnpackingError
from pycassa.util import OrderedDict


def twin(**changed):
    """A copy of the pure implementation with some of its functions changed: a twin that is broken."""
    module = types.ModuleType('broken')
    vars(module).update({name: getattr(protocol, name) for name in protocol.__all__}, **changed)
    return module


def first(method):
    """The first reply of the corpus to a method."""
    return next(reply for reply in corpus() if reply.name.startswith(method + ' of '))


def raising(error, cause=None):
    def function(*arguments):
        raise error from cause
    return function


def altered(function, alter):
    return lambda *arguments: alter(function(*arguments))


class Astray(protocol.Cursor):
    """Reads right, and stands one byte too far afterwards."""

    def i32(self):
        value = protocol.Cursor.i32(self)
        self.pos += 1
        return value


BROKEN_SLICES = {
    'another class of dict': altered(protocol.decode_get_slice, OrderedDict),
    'another order': altered(protocol.decode_get_slice, lambda found: dict(reversed(found.items()))),
    'bytes for text': altered(protocol.decode_get_slice, lambda found: {
        name: value.encode() for name, value in found.items()}),
    'a list for a pair': lambda *arguments: {name: [value, 5] for name, value in protocol.decode_get_slice(
        *arguments).items()},
    'a column too few': altered(protocol.decode_get_slice, lambda found: dict([*found.items()][1:])),
    'an error': raising(ProtocolError('no')),
}


@pytest.mark.parametrize('broken', BROKEN_SLICES.values(), ids=BROKEN_SLICES)
def test_values_that_differ(broken):
    reply = first('get_slice')
    pair = Twins(protocol, twin(decode_get_slice=broken))
    with pytest.raises(AssertionError):
        pair.check(reply.call)
    Twins(protocol, twin()).check(reply.call)


@pytest.mark.parametrize('error', [
    UnpackingError('as it is'), ProtocolError('another text'), TimedOutException(1), TimedOutException(True, True)])
@pytest.mark.parametrize('cause', [None, ValueError('x')])
def test_errors_that_differ(error, cause):
    call = lambda codec: codec.decode_get_count(b'', SEQID)  # noqa: E731
    usual = twin(decode_get_count=raising(error, cause))
    Twins(usual, usual).check(call)
    others = [(ProtocolError('as it is'), cause), (TimedOutException(2), cause), (TimedOutException(1, True), cause),
              (error, ValueError('y')), (error, TypeError('x'))]
    for other in others:
        with pytest.raises(AssertionError):
            Twins(usual, twin(decode_get_count=raising(*other))).check(call)


def test_a_cursor_that_goes_astray():
    def call(codec):
        cursor = codec.Cursor(b'\0\0\0\7rest')
        return cursor.i32(), cursor.pos
    with pytest.raises(AssertionError):
        Twins(protocol, twin(Cursor=Astray)).check(call)


@pytest.mark.parametrize('one, other', [
    (1, True), (0, False), (1, 1.0), (0.0, -0.0), ('a', b'a'), ((1,), [1]), ({'a': 1}, OrderedDict(a=1)), (None, 0),
    ({'a': 1, 'b': 2}, {'b': 2, 'a': 1}), (decimal.Decimal('1.0'), decimal.Decimal('1.00')), ('', None),
    ({1: 'a'}, {True: 'a'}), (collections.OrderedDict(a=1), {'a': 1}), (bytearray(b'a'), b'a'), ([1, 2], [2, 1])])
def test_fingerprints_of_what_is_not_the_same(one, other):
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint([one]) == fingerprint([one])
    assert fingerprint({'key': one}) != fingerprint({'key': other})


def test_not_a_number_is_itself():
    assert fingerprint(float('nan')) == fingerprint(float('nan'))


def test_interrupts_are_outcomes():
    assert observe(lambda codec: raising(KeyboardInterrupt())(), protocol).error is KeyboardInterrupt


def test_the_corpus_is_read_by_the_reference():
    """Most replies give values, and every error in it is one of the documented ones."""
    outcomes = collections.Counter(observe(reply.call, protocol).error for reply in corpus())
    assert outcomes.pop(None) > 300
    assert len(outcomes) > 5
    assert all(error.__module__.startswith('pycassa.') for error in outcomes)
    assert layout_of(protocol, 'text') is layout_of(protocol, 'text')
