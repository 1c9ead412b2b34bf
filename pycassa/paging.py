"""Reading on from page to page, within a row and over ranges of rows, until nothing is left."""
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from pycassa.errors import ConfigurationError
from pycassa.operations import KeyRange

__all__ = ['MAX_COUNT', 'KeyRanges', 'Ring', 'follow', 'key_ranges', 'ring_of']

MAX_COUNT = 2 ** 31 - 1

# (packed key or name, ...): the first is where the next page starts.
Item = Tuple[Any, ...]

KeyRanges = List[KeyRange]


def follow(fetch: Callable[[Optional[bytes], int], Sequence[Item]], page_size: int,
           limit: Optional[int] = None, wanted: Callable[[Item], bool] = lambda item: True) -> Iterator[Item]:
    """The items of successive pages, `limit` of the `wanted` ones at most.

    `fetch(start, count)` gives the page that starts at the packed position `start`, which it includes if it still
    exists, or the first page for None. A page of one item would be nothing but its start, so two are asked for at
    least. Ends when a page is not full.
    """
    size = min(max(page_size, 2), MAX_COUNT)
    start: Optional[bytes] = None
    given: Sequence[Item] = ()
    # Whether a page may be as short as what is still missing: not once items turned out unwanted.
    tight = limit is not None
    while limit is None or limit > 0:
        ask = min(size, limit + (start is not None)) if limit is not None and tight else size
        page = fetch(start, ask)
        fresh = _without(page, given)
        for item in fresh:
            if not wanted(item):
                tight = False
                continue
            yield item
            if limit is not None:
                limit -= 1
                if not limit:
                    return
        if len(page) < ask:
            return
        if fresh:
            start, given = fresh[-1][0], page
        elif ask == MAX_COUNT:
            return
        else:
            tight, size = False, min(2 * size, MAX_COUNT)


def _without(page: Sequence[Item], given: Sequence[Item]) -> Sequence[Item]:
    """`page` without what the page before it, `given`, had already."""
    if not given:
        return page
    if page and page[0][0] == given[-1][0]:
        return page[1:]
    # The start was removed meanwhile; or it is Cassandra 3.11, which puts the columns of the schema into every page
    # of a reversed slice.
    seen = {item[0] for item in given}
    return [item for item in page if item[0] not in seen]


# --- token ranges ----------------------------------------------------------------------------------------------------

class Ring(NamedTuple):
    """The tokens of a partitioner: the text of its minimum, which as an end means the end, and how texts compare."""

    minimum: str
    order: Callable[[str], Any]


_RINGS = {
    'Murmur3Partitioner': Ring(str(-2 ** 63), int),
    'RandomPartitioner': Ring('-1', int),
    'ByteOrderedPartitioner': Ring('', lambda token: bytes.fromhex('0' * (len(token) % 2) + token)),
    'OrderPreservingPartitioner': Ring('', str),
    'CollatingOrderPreservingPartitioner': Ring('', str),
}


def ring_of(partitioner: str) -> Optional[Ring]:
    """The ring of a partitioner, by its class name, qualified or not; None for one that is not Cassandra's own."""
    return _RINGS.get(partitioner.rpartition('.')[2])


def key_ranges(start: bytes, finish: bytes, start_token: Any, finish_token: Any, ring: Optional[Ring]) -> KeyRanges:
    """The key ranges of `ColumnFamily.get_range`, none of which wraps around the ring.

    Keys are packed, b'' for an open end; a token goes before the key of its end, None for no token. `ring` is needed
    for a start token.
    """
    if start_token is not None:
        return _token_ranges(_token_text(start_token), _token_text(finish_token), ring)
    if finish_token is not None:
        return [KeyRange(start_key=start, end_token=_token_text(finish_token))]
    return [KeyRange(start_key=start, end_key=finish)]


def _token_ranges(start: str, finish: str, ring: Optional[Ring]) -> KeyRanges:
    """The rows after `start` up to and with `finish`; '' is the beginning or the end of the ring.

    A range that wraps is divided: its pages could not be asked for, since a start key must not come after the end.
    """
    if ring is None:
        return [KeyRange(start_token=start, end_token=finish)]
    start, finish = start or ring.minimum, finish or ring.minimum
    first, last = _position(ring, start), _position(ring, finish)
    if finish != ring.minimum and first >= last:
        return [KeyRange(start_token=start, end_token=ring.minimum),
                KeyRange(start_token=ring.minimum, end_token=finish)]
    return [KeyRange(start_token=start, end_token=finish)]


def _position(ring: Ring, token: str) -> Any:
    """Where a token is. Raises ConfigurationError for a text that is none: servers just close the connection."""
    try:
        return ring.order(token)
    except ValueError as error:
        raise ConfigurationError(f'{token!r:.80} is no token of the partitioner, whose first one is '
                                 f'{ring.minimum!r}: {error}') from error


def _token_text(token: Any) -> str:
    if token is None:
        return ''
    return token.decode('ascii') if isinstance(token, bytes) else str(token)
