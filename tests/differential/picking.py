"""Choices of Hypothesis in few words, and cheap: every choice is a small integer, and smaller ones are simpler."""
import functools
from typing import Any, Callable, List, Optional, Sequence

from hypothesis import strategies as st

__all__ = ['Picker']

_number = functools.lru_cache(maxsize=None)(st.integers)


class Picker:
    """Picks by one `draw`. Where a choice is between usual and odd, Hypothesis shrinks towards the usual one."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return low if low == high else self._draw(_number(low, high))

    def of(self, items: Sequence[Any]) -> Any:
        return items[self.number(0, len(items) - 1)]

    def once_in(self, times: int) -> bool:
        return self.number(0, times - 1) == times - 1

    def some(self, items: Sequence[Any], least: int, most: int) -> List[Any]:
        """A list of any of the items, repeated maybe."""
        return [self.of(items) for _ in range(self.number(least, most))]

    def flaw(self, flaws: Sequence[str], once_in: int = 9) -> Optional[str]:
        """What is to be wrong with a request: mostly nothing."""
        return self.of(flaws) if flaws and self.once_in(once_in) else None
