"""What is seen of a running job: a bar on a terminal, a plain line every few seconds elsewhere."""
import sys
import time
from typing import Any, Callable, Optional, TextIO

__all__ = ['Progress']


class Progress:
    """Counts rows. `interval` is the time between plain lines, in seconds; `clock` is time.monotonic or a test's."""

    def __init__(self, label: str, stream: Optional[TextIO] = None, quiet: bool = False, interval: float = 5.0,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._interval = interval
        self._clock = clock
        self._started = self._next = clock()
        self._next += interval
        self._bar = None if quiet else _bar(label, self._stream)
        self.rows = 0

    def advance(self, rows: int = 1) -> None:
        """So many more rows are done: move the bar, or write a line when one is due."""
        self.rows += rows
        if self._bar is not None:
            self._bar.update(rows)
        elif not self._quiet and self.rows % 256 < rows and self._clock() >= self._next:
            self._line()

    def _line(self) -> None:
        now = self._clock()
        self._next = now + self._interval
        rate = self.rows / max(now - self._started, 1e-9)
        print(f'{self._label}: {self.rows:,} rows, {rate:,.0f} rows/s', file=self._stream, flush=True)

    def close(self) -> float:
        """End the display. Returns the seconds since the start."""
        if self._bar is not None:
            self._bar.close()
        return self._clock() - self._started


def _bar(label: str, stream: TextIO) -> Any:
    """A bar of tqdm where there is a terminal and tqdm is installed (`pip install pycassa[load]`)."""
    if not stream.isatty():
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    return tqdm(desc=label, unit=' rows', unit_scale=True, file=stream)
