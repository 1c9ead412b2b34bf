"""Run by test_broken_replies in a process of its own: replies that end early, at any byte, in every way.

    python probe_broken.py SHARE SEED

Every call of the interface by both ways, with every reply that it may have, which stops after some of its bytes: the
connection ends, is reset, or goes silent; or the frame is whole, and holds no more. Prints the counts as JSON.
"""
import collections
import json
import queue
import random
import sys
import threading
from typing import Any, Counter, Dict, Iterator, List, Tuple

from player import END, GO_ON, RESET, STALL, Received, framed, head
from wirecalls import Case, cases
from wirerig import Rig

from pycassa.errors import CallTimeout, ConnectionClosed, ProtocolError

# A whole frame that ends too early.
SHORT = 'short'

# What each ending is told from.
ERRORS: Dict[str, Any] = {END: ConnectionClosed, RESET: ConnectionClosed, STALL: CallTimeout, SHORT: ProtocolError}

# How long the client waits for a silent server, in seconds, and how many do so at a time.
PATIENCE, WAITERS = 0.05, 16

Item = Tuple[Case, int, str]


def message_of(case: Case, seqid: int) -> bytes:
    return head(case.method.encode(), seqid, case.kind) + case.body


def offsets(case: Case, share: float, chance: random.Random) -> List[int]:
    """Where the reply stops: after how many bytes of its frame. Always some within the frame's head, and the last."""
    length = len(message_of(case, 0)) + 4
    always = [0, 1, 3, 4, 5, length - 1]
    if share < 0.1:
        return chance.sample(always, 2)
    return sorted({*always, *chance.sample(range(length), round(share * length))})


def items(share: float, chance: random.Random) -> Iterator[Item]:
    for case in cases():
        for offset in offsets(case, share, chance):
            for how in (END, RESET, STALL):
                yield case, offset, how
            if offset >= 4:
                yield case, offset, SHORT


def play(rig: Rig, item: Item) -> None:
    case, offset, how = item

    def damage(call: Received) -> Any:
        message = message_of(case, call.seqid)
        if how == SHORT:
            return framed(message[:offset - 4]), STALL
        return framed(message)[:offset], how

    error = rig.attempt(case, damage, f'{how} after {offset} bytes')
    assert type(error) is ERRORS[how], f'{case.name}, {how} after {offset} bytes: {error!r}'


def work(todo: 'queue.SimpleQueue[Item]', timeout: float, failures: List[BaseException]) -> None:
    try:
        with Rig(timeout) as rig:
            while not failures:
                try:
                    play(rig, todo.get_nowait())
                except queue.Empty:
                    return
    except BaseException as error:  # noqa: BLE001  (the main thread raises it)
        failures.append(error)


def main(share: str, seed: str) -> None:
    everything = list(items(float(share), random.Random(int(seed))))
    failures: List[BaseException] = []
    for waiting, threads, timeout in ((False, 2, 30.0), (True, WAITERS, PATIENCE)):
        todo: queue.SimpleQueue[Item] = queue.SimpleQueue()
        for item in everything:
            if (item[2] == STALL) is waiting:
                todo.put(item)
        workers = [threading.Thread(target=work, args=(todo, timeout, failures)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise failures[0]
    counts: Counter[str] = collections.Counter(how for _, _, how in everything)
    methods = {case.method for case, _, _ in everything}
    print(json.dumps({'replies': len(cases()), 'methods': len(methods), **counts}))


if __name__ == '__main__':
    assert GO_ON not in ERRORS
    main(*sys.argv[1:])
