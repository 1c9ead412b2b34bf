"""Timing: process CPU of several functions, round after round in turn, so that they share whatever disturbs."""
import gc
import statistics
import time
from typing import Any, Callable, List, Sequence

__all__ = ['interleaved']

# Seconds of CPU that one measurement takes at least: many times the clock's step.
_LEAST = 0.02


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


def interleaved(functions: Sequence[Callable[[], Any]], rounds: int) -> List[float]:
    """The median seconds of process CPU of one call of each function, over `rounds` rounds."""
    counts = [_repetitions(function) for function in functions]
    samples: List[List[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, count, sample in zip(functions, counts, samples):
            sample.append(_cpu(function, count) / count)
    return [statistics.median(sample) for sample in samples]
