"""Run by test_memory in a process of its own: how far hostile replies drive the memory of one implementation.

    python memoryprobe.py MODULE MEBIBYTES

Prints, as JSON, the bytes by which the process's high-water mark rose, which also sees what is not allocated by
Python, the number of replies, and the one that drove it highest.
"""
import importlib
import json
import resource
import sys
from typing import Any, Iterator, Tuple

import corpus

from pycassa.errors import PycassaError

METHODS = ('get', 'get_slice', 'multiget_slice', 'get_range_slices', 'items')
KINDS = ('columns', 'expiring', 'supers', 'counters', 'counter_supers')


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)


def replies() -> Iterator[corpus.Reply]:
    wanted = {f'{method} of {kind}' for method in METHODS for kind in KINDS}
    for reply in corpus.corpus():
        if reply.name in wanted or reply.name.startswith(('counts', 'void', 'application', 'get raises')):
            yield reply


def hostile(message: bytes, filler: bytes) -> Iterator[Tuple[int, bytes]]:
    """Wherever a small length or count may stand, one that is as large as can be, and as much behind it."""
    start = 12 + int.from_bytes(message[4:8], 'big')
    for place in [4, *range(start, len(message) - 3)]:
        if any(message[place:place + 3]):
            continue
        left = len(message) - place - 4 + len(filler)
        for number in (left, left // 4, left // 12, left // 26, 0x7fffffff, -1):
            yield number, message[:place] + (number & 0xffffffff).to_bytes(4, 'big') + message[place + 4:] + filler


def attempt(reply: corpus.Reply, codec: Any, message: bytes) -> None:
    try:
        reply.call(codec, message)
    except PycassaError:
        pass


def main(module: str, mebibytes: str) -> None:
    codec = importlib.import_module(module)
    for reply in corpus.corpus():
        attempt(reply, codec, reply.message)
        attempt(reply, codec, reply.message + b'\0')
    # Not zeros: these would be read one by one, as structs without fields.
    filler = b'\xfe' * (int(mebibytes) << 20)
    copies = [bytes(bytearray(filler)), bytes(bytearray(filler))]
    before, count, worst = peak(), 0, ''
    del copies
    for reply in replies():
        for number, message in hostile(reply.message, filler):
            known = peak()
            attempt(reply, codec, message)
            count += 1
            if peak() > known:
                worst = f'{reply.name}, {number}'
    print(json.dumps([peak() - before, count, worst]))


if __name__ == '__main__':
    main(*sys.argv[1:])
