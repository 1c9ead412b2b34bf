"""The floor as a peer: what the work costs at least, by unsafe code for one layout of text or doubles."""
import functools
from typing import Any, Callable, Dict, Optional

from benchmarks import data
from benchmarks.native import load_floor
from benchmarks.peers.messages import reply, request, same_request, with_packed_keys
from benchmarks.works import ENCODE, MULTIGET, SLICE, Work

__all__ = ['FLOOR', 'FLOOR_BYTES', 'FLOOR_SHARED', 'Floor']

FLOOR, FLOOR_BYTES, FLOOR_SHARED = 'floor', 'floor, as bytes', 'floor, shared names'

# What the prototype calls its types: text as the bytes of a str, and doubles.
_TEXT, _DOUBLE = 0, 1


class Floor:
    """Raises Unavailable where its source is not at hand or cannot be built."""

    name = FLOOR

    def __init__(self, option: Optional[str]) -> None:
        self._floor = load_floor(option)

    def sides(self, work: Work) -> Dict[str, Callable[[], Any]]:
        """{form of the floor: function}; nothing for what it cannot do."""
        if (work.plain is not None and not work.ordered) or work.supers:
            return {}
        kind = _DOUBLE if isinstance(work.values.make(0), float) else _TEXT
        return self._encode(work, kind) if work.encodes else self._decode(work, kind)

    def _encode(self, work: Work, kind: int) -> Dict[str, Callable[[], Any]]:
        encoder, rows = self._floor.Encoder(data.FAMILY.encode()), work.rows()
        if not same_request(encoder.encode_bytes(rows, data.TIMESTAMP, kind)[4:], request(work)):
            raise AssertionError(f'{work.name}: the floor gives something else')
        # The one leaves the request in its buffer, as a client that sends it at once can; the other copies it out.
        return {FLOOR: functools.partial(encoder.encode, rows, data.TIMESTAMP, kind),
                FLOOR_BYTES: functools.partial(encoder.encode_bytes, rows, data.TIMESTAMP, kind)}

    def _decode(self, work: Work, kind: int) -> Dict[str, Callable[[], Any]]:
        functions = {SLICE: self._floor.decode_slice, MULTIGET: self._floor.decode_multiget}
        # A message in a frame is what it takes.
        message = b'\0\0\0\0' + reply(work)
        sides: Dict[str, Callable[[], Any]] = {
            FLOOR: functools.partial(functions.get(work.call, self._floor.decode_range), message, _TEXT, kind)}
        if with_packed_keys(work, sides[FLOOR]()) != work.expected():
            raise AssertionError(f'{work.name}: the floor gives something else')
        if work.call not in (ENCODE, SLICE):
            # It shares names in replies to multiget_slice only: the same rows stand for those of a range.
            rows = b'\0\0\0\0' + reply(work._replace(call=MULTIGET))
            sides[FLOOR_SHARED] = functools.partial(self._floor.decode_multiget_cached, rows, _TEXT, kind)
        return sides
