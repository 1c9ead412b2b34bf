"""The events of a pool and those who hear of them."""
import logging
from typing import Any, Dict, List

from pycassa import codec
from pycassa.logging.pool_logger import PoolLogger
from pycassa.util import as_interface

__all__ = ['EVENTS', 'Listeners', 'PoolListener']

_DEBUG = logging.DEBUG

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


class Listeners(codec.Ears):
    """The listeners of one pool, by event. `add` while events are sent is safe; events are sent without any lock.

    `logger` writes all events to the log. It hears of the two events of every call only while somebody reads them:
    ask `check_outs_are_heard` and `check_ins_are_heard` before making these.
    """

    def __init__(self) -> None:
        self.logger = PoolLogger()
        self.all: List[Any] = []
        self._functions: Dict[str, List[Any]] = {event: [] for event in EVENTS}
        self._check_outs_wanted = False
        self._check_ins_wanted = False
        self.add(self.logger)

    def add(self, listener: Any) -> None:
        """Add an object or a dict of functions. Raises TypeError when it has none of the hooks, or others."""
        listener = as_interface(listener, methods=EVENTS)
        self.all.append(listener)
        for event, functions in self._functions.items():
            function = getattr(listener, event, None)
            if function is not None:
                functions.append(function)
        self._check_outs_wanted = len(self._functions['connection_checked_out']) > 1
        self._check_ins_wanted = len(self._functions['connection_checked_in']) > 1

    def check_outs_are_heard(self) -> bool:
        """Whether anybody takes note of connection_checked_out."""
        return self._check_outs_wanted or self.logger.logger.isEnabledFor(_DEBUG)

    def check_ins_are_heard(self) -> bool:
        """Whether anybody takes note of connection_checked_in."""
        return self._check_ins_wanted or self.logger.logger.isEnabledFor(_DEBUG)

    def notify(self, event: str, dic: Dict[str, Any]) -> None:
        """Tell all who have a hook for `event`, in the order in which they were added."""
        for function in self._functions[event]:
            function(dic)
