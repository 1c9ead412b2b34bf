"""Run by test_reply_identity in a process of its own: replies that are the answer to something else.

    python probe_identity.py SHARE SEED

Every call by both ways, with a reply that is right but for its sequence id, its name, its type or its version. Prints
the counts as JSON.
"""
import collections
import json
import random
import sys
from typing import Any, Counter, Iterator, Tuple

from player import REPLY, STALL, Received, framed, head
from wirecalls import METHODS, Case, cases
from wirerig import Rig

from pycassa.errors import ApplicationError, ProtocolError

EXCEPTION = 3
VERSIONS = (0x8000, 0x8002, 0x0001, 0x0000, 0xffff, 0x8101, 0x7f01)

Wrong = Tuple[str, Any]


def swapped(seqid: int) -> int:
    """The bytes in the other order, or the right id's neighbour where that is the same."""
    other = int.from_bytes(seqid.to_bytes(4, 'big'), 'little')
    return other if other != seqid else seqid ^ 1


def sequence_ids() -> Iterator[Any]:
    """Functions that make a wrong sequence id of the right one: of the calls before and after, and of none."""
    for step in (1, -1, 2, -2, 256, 1 << 16, 1 << 31):
        yield lambda seqid, step=step: seqid + step
    for fixed in (0, -1, 1 << 31, (1 << 31) - 1):
        yield lambda seqid, fixed=fixed: fixed
    yield lambda seqid: -seqid
    yield lambda seqid: ~seqid
    yield swapped
    yield lambda seqid: seqid ^ 1 << 31


def names(method: str) -> Iterator[bytes]:
    for other in METHODS:
        if other != method:
            yield other.encode()
    own = method.encode()
    yield from (b'', own[:-1], own[1:], own + b'\0', own + b' ', own + b's', b' ' + own, own.upper(),
                own.capitalize(), own + own, own.replace(b'_', b'-') if b'_' in own else own[::-1], b'\xff' * len(own),
                own[:-1] + bytes([own[-1] ^ 1]), own * 200)


def wrongs(case: Case) -> Iterator[Wrong]:
    for change in sequence_ids():
        yield 'ids', change
    for name in names(case.method):
        yield 'names', name
    for kind in range(256):
        if kind not in (REPLY, EXCEPTION):
            yield 'types', kind
    # A result of type 3 reads as an error that the server declares, and an error of type 2 as an empty result or a
    # malformed one: identity cannot tell.
    if case.kind == REPLY:
        yield 'results as errors', EXCEPTION
    for version in VERSIONS:
        yield 'versions', version


def damaged(case: Case, what: str, wrong: Any, call: Received) -> bytes:
    method, seqid, kind, version = call.method.encode(), call.seqid, case.kind, 0x8001
    if what == 'ids':
        seqid = wrong(seqid)
        assert seqid & 0xffffffff != call.seqid
    elif what == 'names':
        method = wrong
    elif what == 'versions':
        version = wrong
    else:
        kind = wrong
    return framed(head(method, seqid, kind, version) + case.body)


def play(rig: Rig, case: Case, what: str, wrong: Any) -> None:
    error = rig.attempt(case, lambda call: (damaged(case, what, wrong, call), STALL), f'{what}: {wrong}')
    expected = ApplicationError if what == 'results as errors' else ProtocolError
    assert type(error) is expected, f'{case.name}, {what}: {wrong}: {error!r}'


def main(share: str, seed: str) -> None:
    chance = random.Random(int(seed))
    counts: Counter[str] = collections.Counter()
    with Rig() as rig:
        for case in cases():
            every = list(wrongs(case))
            for what, wrong in chance.sample(every, max(1, round(float(share) * len(every)))):
                play(rig, case, what, wrong)
                counts[what] += 1
    print(json.dumps({'replies': len(cases()), **counts}))


if __name__ == '__main__':
    main(*sys.argv[1:])
