"""Run by test_hostile_lengths in a process of its own: replies whose lengths and counts lie.

    python probe_lengths.py SHARE SEED

Every length in the replies to every call, by both ways, is replaced; where it announces more than comes, and, for
some, with so many mebibytes behind it that much of it may be true. Prints, as JSON, the counts, and how far the
process's high-water mark rose, which sees what is not allocated by Python too: in bytes, beside what was received.
"""
import json
import random
import resource
import sys
from typing import Any, Dict, Iterator, List, Tuple

from player import REPLY, STALL, Received, head
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TException
from thrift.transport.TTransport import TMemoryBuffer
from wirecalls import Case, PoolClient, cases, lengths_in
from wirerig import Rig

from pycassa.cassandra import Cassandra
from pycassa.errors import ProtocolError

MEBIBYTE = 1 << 20
BEHIND = (1, 4, 16)
FULL_BEHIND = 300
NOTHING = memoryview(b'')

# Where the length stands: in front of the frame, in front of the name, or that far into the body.
FRAME, NAME = -2, -1

Damage = Tuple[Case, int, int]


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)


def own_length(case: Case, place: int) -> int:
    if place == FRAME:
        return 12 + len(case.method) + len(case.body)
    if place == NAME:
        return len(case.method)
    return int.from_bytes(case.body[place:place + 4], 'big')


def wrong_lengths(case: Case, place: int, behind: int = 0) -> List[int]:
    """Numbers that cannot be: negative, huge, a little too large; with much behind, what could just be."""
    own, left = own_length(case, place), len(case.body) - max(place, 0) + behind
    if behind:
        return [left, left // 2, left // 4, left // 12, left // 26, 0x7fffffff, 0x01000000]
    return [-1, -own, -0x80000000, 0x7fffffff, 0x7ffffff0, 0x40000000, 0x10000000, 0x01000000, own + 1, own + 2,
            left + own + 1]


def replaced(case: Case, place: int, number: int, call: Received, behind: memoryview) -> List[Any]:
    """The frame of the reply, with another length, and so many bytes more within the frame: what to send."""
    start = {FRAME: 0, NAME: 8}.get(place, 16 + len(call.method) + place)
    message = head(call.method.encode(), call.seqid, case.kind) + case.body
    frame = (len(message) + len(behind)).to_bytes(4, 'big') + message
    return [frame[:start] + (number & 0xffffffff).to_bytes(4, 'big') + frame[start + 4:], behind]


def is_sound(case: Case, place: int, number: int) -> bool:
    """Whether it happens to be a result all the same, another one: thrift's pure protocol reads it to its end."""
    if not 0 < number - own_length(case, place) <= 2:
        return False
    body = case.body[:place] + number.to_bytes(4, 'big') + case.body[place + 4:]
    transport = TMemoryBuffer(body)
    kind = getattr(Cassandra, f'{case.method}_result') if case.kind == REPLY else TApplicationException
    try:
        kind().read(TBinaryProtocol(transport))
    except (EOFError, TException, ValueError):
        return False
    return transport.cstringio_buf.tell() == len(body)


def damages(behind: int = 0) -> Iterator[Damage]:
    for case in cases():
        if behind and case.way is not PoolClient and 'value' not in case.name:
            continue
        for place in (FRAME, NAME, *lengths_in(case.body)):
            for number in wrong_lengths(case, place, behind):
                if number in (own_length(case, place), 0) or (behind and place == FRAME):
                    continue
                if behind or place < 0 or not is_sound(case, place, number):
                    yield case, place, number


def play(rig: Rig, damage: Damage, behind: memoryview = NOTHING) -> None:
    case, place, number = damage
    # A frame that is announced longer than it is ends in silence, and then the connection is closed.
    how = 'end' if place == FRAME else STALL
    label = f'length {number} at {place}, {len(behind)} bytes behind'
    error = rig.attempt(case, lambda call: (replaced(case, place, number, call, behind), how), label)
    if place != FRAME:
        assert isinstance(error, ProtocolError), f'{case.name}, {label}: {error!r}'


def highest(rig: Rig, chosen: List[Damage], behind: memoryview = NOTHING) -> Tuple[int, str]:
    """Where these damaged replies drive the high-water mark, and which one drove it last."""
    worst = ''
    for damage in chosen:
        known = peak()
        play(rig, damage, behind)
        if peak() > known:
            worst = f'{damage[0].name}, {damage[2]} at {damage[1]}'
    return peak(), worst


def main(share: str, seed: str) -> None:
    chance, part = random.Random(int(seed)), float(share)
    figures: Dict[str, Any] = {}
    # Bytes that are no element of anything: zeros would be read one by one, as structs without fields.
    filler = memoryview(b'\xfe' * (BEHIND[-1] * MEBIBYTE))
    with Rig() as rig:
        for case in cases():
            play(rig, (case, NAME, -1))
        before = peak()
        every = list(damages())
        chosen = every if part >= 1 else chance.sample(every, round(part * len(every)))
        figures['lengths'] = len(chosen)
        figures['alone'] = highest(rig, chosen)
        for mebibytes in BEHIND:
            behind = filler[:mebibytes * MEBIBYTE]
            every = list(damages(len(behind)))
            chosen = chance.sample(every, max(5, round(part * FULL_BEHIND)))
            figures['lengths'] += len(chosen)
            figures[f'{mebibytes} MiB'] = highest(rig, chosen, behind)
    for name, seen in figures.items():
        if name != 'lengths':
            figures[name] = seen[0] - before, seen[1]
    print(json.dumps(figures))


if __name__ == '__main__':
    main(*sys.argv[1:])
