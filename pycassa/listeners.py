"""The events of a pool and those who hear of them."""
import logging
from typing import Any, Dict, List

from pycassa.logging.pool_logger import PoolLogger
from pycassa.util import as_interface

__all__ = ['EVENTS', 'Listeners', 'PoolListener', 'is_heard']

# Release 1.11 documents server_list_obtained and calls obtained_server_list: a listener may have either.
EVENTS = ('connection_created', 'connection_checked_out', 'connection_checked_in', 'connection_disposed',
          'connection_recycled', 'connection_failed', 'obtained_server_list', 'server_list_obtained', 'pool_recreated',
          'pool_disposed', 'pool_at_max')


class PoolListener:
    """Base class for those who want to hear of a pool's events: override the hooks wanted (release 1.11).

    Every hook gets one dict with `pool_id` (the pool's `logging_name`), `level` ('debug', 'info' or 'warn') and what
    is named with the hook. Any object with some of these methods will do as a listener, and so will a dict
    {hook: function}. Events hold no credentials.
    """

    def connection_created(self, dic: Dict[str, Any]) -> None:
        """A connection was opened: `connection`; with an `error`, could not be."""

    def connection_checked_out(self, dic: Dict[str, Any]) -> None:
        """A connection was taken from the pool: `connection`."""

    def connection_checked_in(self, dic: Dict[str, Any]) -> None:
        """A connection was returned to the pool: `connection`."""

    def connection_disposed(self, dic: Dict[str, Any]) -> None:
        """A connection was closed: `connection`, `message` (the reason) and, where closing failed, `error`."""

    def connection_recycled(self, dic: Dict[str, Any]) -> None:
        """A connection has served its time and was replaced: `old_conn`, `new_conn`."""

    def connection_failed(self, dic: Dict[str, Any]) -> None:
        """Connecting or a call failed: `error`, `server`, `connection` (None when connecting failed)."""

    def server_list_obtained(self, dic: Dict[str, Any]) -> None:
        """The servers were set: `server_list`, in the order in which they will be used."""

    def obtained_server_list(self, dic: Dict[str, Any]) -> None:
        """The same as server_list_obtained."""

    def pool_recreated(self, dic: Dict[str, Any]) -> None:
        """A pool of the same settings is made (`recreate()`)."""

    def pool_disposed(self, dic: Dict[str, Any]) -> None:
        """The pool's idle connections were closed."""

    def pool_at_max(self, dic: Dict[str, Any]) -> None:
        """A connection was wanted, all were in use, and none came back in time: `pool_max`."""


class _Hook:
    """The listeners to one event, those who only log apart: they are not called while nobody reads their level."""

    __slots__ = ('functions', 'loggers')

    def __init__(self) -> None:
        self.functions: List[Any] = []
        self.loggers: List[Any] = []


class Listeners:
    """The listeners of one pool, by event. `add` while events are sent is safe; events are sent without any lock."""

    def __init__(self) -> None:
        self.all: List[Any] = []
        self._hooks = {event: _Hook() for event in EVENTS}
        self.checked_out = self._hooks['connection_checked_out']
        self.checked_in = self._hooks['connection_checked_in']

    def add(self, listener: Any) -> None:
        """Add an object or a dict of functions. Raises TypeError when it has none of the hooks, or others."""
        listener = as_interface(listener, methods=EVENTS)
        self.all.append(listener)
        for event, hook in self._hooks.items():
            function = getattr(listener, event, None)
            if function is None:
                continue
            if type(listener) is PoolLogger:
                hook.loggers.append(listener)
            hook.functions.append(function)

    def notify(self, event: str, dic: Dict[str, Any]) -> None:
        """Tell all who have a hook for `event`, in the order in which they were added."""
        for function in self._hooks[event].functions:
            function(dic)


def is_heard(hook: _Hook) -> bool:
    """Whether anybody would take note of a 'debug' event; loggers do not where their level is above it."""
    return (len(hook.functions) > len(hook.loggers)
            or any(listener.logger.isEnabledFor(logging.DEBUG) for listener in hook.loggers))
