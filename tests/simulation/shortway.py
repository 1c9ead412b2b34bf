"""The short way of calls as the compiled codec has it, step by step, where a thread may be suspended in between.

The compiled one waits in C for a real socket, and on the real clock: it cannot run here. This does to the pool what
that does, in the same order. What the interpreter's lock makes one step there is one step here.
"""
from typing import Any

from pycassa import codec
from pycassa.connection import SCHEMA_CALLS

__all__ = ['ShortWay', 'UNHEARD']

# With listeners to these there is no short way.
UNHEARD = ('connection_checked_out', 'connection_checked_in')


class ShortWay:
    """From a call to its result over an idle connection."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.taken = 0

    def go(self, pool: Any, call: Any) -> Any:
        """The result of `call`; LONG_WAY if nothing was done."""
        store = pool._store
        connection = self._take(pool, store, call)
        if connection is None:
            return codec.LONG_WAY
        self.taken += 1
        reply = error = result = None
        try:
            reply = connection._exchange.run(call.frame, connection.timeout)
            if type(reply) is bytes:
                result = call.decode(reply)
        except BaseException as raised:  # noqa: BLE001 (goes on in the pool)
            error = raised
        if error is not None or type(reply) is not bytes:
            return pool._resume(connection, call, reply, error)
        if not self._put_back(pool, store, connection):
            pool._put_idle(connection, None)
        return result

    def _take(self, pool: Any, store: Any, call: Any) -> Any:
        if not store._idle or store._waiters or pool._holding or pool.deadline is not None:
            return None
        connection = store._idle[0]
        exchange = connection._exchange
        if exchange is None or exchange._busy or exchange._retired or call.method in SCHEMA_CALLS:
            return None
        if self.scheduler.now - connection._idle_since > pool.idle_probe:
            return None
        store._idle.popleft()
        connection.operation_count += 1
        return connection

    def _put_back(self, pool: Any, store: Any, connection: Any) -> bool:
        if connection._expires is not None or -1 < pool.recycle < connection.operation_count - connection._spared_at:
            return False
        if store._lost or store._waiters or store.closed or len(store._idle) >= store.size:
            return False
        if store.limit is not None and len(store._members) + store._opening > store.limit:
            return False
        store._idle.append(connection)
        return True
