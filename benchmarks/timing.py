"""Timing: processor time of several sides of one work, round after round in turn, so that they share what disturbs."""
import gc
import time
from typing import Any, Callable, Dict, List, Mapping, Protocol

__all__ = ['Local', 'Side', 'interleaved']

# Seconds of CPU that one measurement takes at least: many times the clock's step, yet so short that a machine which
# changes its speed seldom does so between the measurements of one round.
_LEAST = 0.01


class Side(Protocol):
    """What can be timed."""

    def cpu(self, count: int) -> float:
        """The seconds of process CPU that `count` repetitions take."""


class Local:
    """A function of this process."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def cpu(self, count: int) -> float:
        function = self.function
        gc.collect()
        start = time.process_time()
        for _ in range(count):
            function()
        return time.process_time() - start


def _repetitions(side: Side, least: float) -> int:
    count = 1
    while side.cpu(count) < least:
        count *= 2
    return count


def interleaved(sides: Mapping[str, Side], rounds: int, least: float = _LEAST) -> Dict[str, List[float]]:
    """The seconds of process CPU that one repetition of each side took in each of `rounds` rounds."""
    counts = {name: _repetitions(side, least) for name, side in sides.items()}
    samples: Dict[str, List[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            samples[name].append(side.cpu(counts[name]) / counts[name])
    return samples
