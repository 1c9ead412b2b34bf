"""A listener that counts the events of a pool."""
import threading
from typing import Any, Dict

from pycassa.runtime import after_fork_in_child

__all__ = ['StatsLogger']


class StatsLogger:
    """Counts a pool's events; give it to the pool as a listener and read `stats` (release 1.11).

    `stats` is {'created': {'success', 'failure'}, 'checked_out', 'checked_in', 'opened': {'current', 'max'},
    'disposed': {'success', 'failure'}, 'recycled', 'failed', 'list', 'at_max'}: the numbers grow, but for 'opened',
    which tells how many connections are checked out now and were at most.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()
        after_fork_in_child(self)

    def _after_fork(self) -> None:
        self.lock = threading.Lock()

    def reset(self) -> None:
        """Set all counts to 0."""
        with self.lock:
            self._stats: Dict[str, Any] = {
                'created': {'success': 0, 'failure': 0}, 'checked_out': 0, 'checked_in': 0,
                'opened': {'current': 0, 'max': 0}, 'disposed': {'success': 0, 'failure': 0},
                'recycled': 0, 'failed': 0, 'list': 0, 'at_max': 0}

    @property
    def stats(self) -> Dict[str, Any]:
        """The counts: the dict that is counted in."""
        return self._stats

    def _count(self, name: str) -> None:
        with self.lock:
            self._stats[name] += 1

    def _count_outcome(self, name: str, dic: Dict[str, Any]) -> None:
        with self.lock:
            self._stats[name]['failure' if dic.get('error') else 'success'] += 1

    def _use(self, change: int, name: str) -> None:
        with self.lock:
            self._stats[name] += 1
            opened = self._stats['opened']
            opened['current'] += change
            opened['max'] = max(opened['max'], opened['current'])

    def connection_created(self, dic: Dict[str, Any]) -> None:
        """Count the hook of the same name of PoolListener, as do the methods below."""
        self._count_outcome('created', dic)

    def connection_checked_out(self, dic: Dict[str, Any]) -> None:
        self._use(1, 'checked_out')

    def connection_checked_in(self, dic: Dict[str, Any]) -> None:
        self._use(-1, 'checked_in')

    def connection_disposed(self, dic: Dict[str, Any]) -> None:
        self._count_outcome('disposed', dic)

    def connection_recycled(self, dic: Dict[str, Any]) -> None:
        self._count('recycled')

    def connection_failed(self, dic: Dict[str, Any]) -> None:
        self._count('failed')

    def obtained_server_list(self, dic: Dict[str, Any]) -> None:
        self._count('list')

    def pool_disposed(self, dic: Dict[str, Any]) -> None:
        """Nothing to count: each connection was."""

    def pool_at_max(self, dic: Dict[str, Any]) -> None:
        self._count('at_max')
