"""Timing: process CPU of several functions, round after round in turn, so that they share whatever disturbs."""
import gc
import time
from typing import Any, Callable, List, Sequence

__all__ = ['interleaved']

# Seconds of CPU that one measurement takes at least: many times the clock's step, yet so short that a machine which
# changes its speed seldom does so between the measurements of one round.
_LEAST = 0.01


def _repetitions(function: Callable[[], Any]) -> int:
    count = 1
    while _cpu(function, count) < _LEAST:
        count *= 2
    return count


def _cpu(function: Callable[[], Any], count: int) -> float:
    gc.collect()
    start = time.process_time()
    for _ in range(count):
        function()
    return time.process_time() - start


def interleaved(functions: Sequence[Callable[[], Any]], rounds: int) -> List[List[float]]:
    """The seconds of process CPU that one call of each function took in each of `rounds` rounds."""
    counts = [_repetitions(function) for function in functions]
    samples: List[List[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, count, sample in zip(functions, counts, samples):
            sample.append(_cpu(function, count) / count)
    return samples
