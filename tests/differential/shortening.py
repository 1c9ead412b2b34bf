"""A program that shows a difference is made short: calls, rows and mutations that it does not take are left out.

The calls are concrete, so that each attempt is one replay in keyspaces of its own; which ones to leave out is tried by
halves, quarters and so on.
"""
import copy
import time
from typing import Any, Iterator, List, Optional, Sequence

from .answers import Call, Difference, Pair, Tally

__all__ = ['replay', 'shortest']

Program = List[Call]


def shortest(pair: Pair, prefix: str, program: Sequence[Call], difference: Difference, seconds: float) -> Difference:
    """The difference, with the shortest program that was found in so many seconds."""
    until = time.monotonic() + seconds
    best = _Found(list(program), difference, prefix)
    tally, pair.tally = pair.tally, Tally()
    try:
        best = _of_fewer_parts(pair, _of_fewer_calls(pair, best, until), until)
    finally:
        pair.tally = tally
    return Difference(best.listing())


class _Found:
    def __init__(self, program: Program, difference: Difference, prefix: str) -> None:
        self.program = program
        self.difference = difference
        self.prefix = prefix

    def listing(self) -> str:
        lines = [repr(call) + (f'    # keyspace {call.keyspace!r}' if call.keyspace is not None else '')
                 for call in self.program]
        text = '\n    '.join(['after', *lines]) + f'\nthe servers differ in the answers to\n    {self.difference}'
        return text.replace(self.prefix, '')


def _of_fewer_calls(pair: Pair, best: _Found, until: float) -> _Found:
    """Leaves out many calls at first, then fewer; neither the first one, which makes families, nor the last."""
    size = len(best.program) // 2
    while size:
        start = len(best.program) - 1 - size
        while start > 0:
            best = _better(pair, best, best.program[:start] + best.program[start + size:], until)
            start = min(start, len(best.program) - 1) - size
        size //= 2
    return best


def _of_fewer_parts(pair: Pair, best: _Found, until: float) -> _Found:
    """Leaves out rows, families and mutations of batches."""
    progress = True
    while progress:
        progress = False
        for candidate in _without_parts(best.program):
            found = _better(pair, best, candidate, until)
            if found is not best:
                best, progress = found, True
                break
    return best


def _better(pair: Pair, best: _Found, candidate: Program, until: float) -> _Found:
    """What the candidate comes to if the servers still differ in an answer to the same method, else the best."""
    if time.monotonic() > until:
        return best
    found = replay(pair, candidate, best.prefix)
    return best if found is None or found.program[-1].method != best.program[-1].method else found


def replay(pair: Pair, program: Program, prefix: str) -> Optional[_Found]:
    """What a program comes to in keyspaces of other names: the part up to the first difference, or None."""
    new = pair.new_prefix()
    calls: Program = _renamed(program, prefix, new)
    pair.begin(new)
    try:
        for number, call in enumerate(calls, 1):
            try:
                pair.do(call)
            except Difference as difference:
                return _Found(calls[:number], difference, new)
        return None
    finally:
        for keyspace in ('K1', 'K2'):
            pair.drop(new + keyspace)


def _without_parts(program: Program) -> Iterator[Program]:
    """The program with a row, a family's mutations or a mutation less in one of its batches."""
    for number, call in enumerate(program):
        if call.method.endswith('batch_mutate') and isinstance(call.arguments[0], dict):
            for smaller in _smaller(call.arguments[0]):
                changed = call._replace(arguments=(smaller, *call.arguments[1:]))
                yield [*program[:number], changed, *program[number + 1:]]


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield {other: value[other] for other in value if other != key}
            for smaller in _smaller(held):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for number in range(len(value)):
            yield value[:number] + value[number + 1:]


def _renamed(value: Any, old: str, new: str) -> Any:
    """A copy in which the names of keyspaces begin otherwise."""
    if isinstance(value, str):
        return value.replace(old, new).replace(old.lower(), new.lower())
    if isinstance(value, Call):
        return Call(*(_renamed(part, old, new) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_renamed(part, old, new) for part in value)
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(held, old, new) for key, held in value.items()}
    if hasattr(value, 'thrift_spec'):
        changed = copy.copy(value)
        for spec in value.thrift_spec:
            if spec:
                setattr(changed, spec[2], _renamed(getattr(value, spec[2]), old, new))
        return changed
    return value
