"""What a pool asks of the world: the time, waiting, chance, locks, and word of a fork."""
import os
import random
import threading
import time
import weakref
from typing import Any, Callable, Optional

__all__ = ['Runtime', 'after_fork_in_child']


class Runtime:
    """The clock (seconds, monotonic), sleep(seconds), uniform(low, high) and lock() (to wait on) that a pool uses.

    Tests and simulations give their own. The defaults are looked up when a pool is made, not when this module is
    loaded: gevent and eventlet replace them in between.
    """

    def __init__(self, clock: Optional[Callable[[], float]] = None, sleep: Optional[Callable[[float], None]] = None,
                 uniform: Optional[Callable[[float, float], float]] = None,
                 lock: Optional[Callable[[], Any]] = None) -> None:
        self.clock = clock or time.monotonic
        self.sleep = sleep or time.sleep
        self.uniform = uniform or random.uniform
        self.lock = lock or threading.Lock


_forked: 'weakref.WeakSet[Any]' = weakref.WeakSet()


def after_fork_in_child(owner: Any) -> None:
    """Have `owner._after_fork()` called in every forked child, where locks may be held by threads that are gone."""
    _forked.add(owner)


def _start_afresh() -> None:
    for owner in list(_forked):
        owner._after_fork()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_start_afresh)
