"""The simulation in place of the world, under the package's own code: sockets, polls, time and locks."""
import contextlib
import functools
import logging
import threading
import types
from typing import Any, Iterator
from unittest import mock

from pycassa import codec, connection, hosts, legacy_pools, store, transport
from pycassa._pure import exchange

from .network import Network
from .scheduler import ReentrantLock, Scheduler

__all__ = ['on_stage']


@contextlib.contextmanager
def on_stage(scheduler: Scheduler, network: Network, exchanges: bool) -> Iterator[None]:
    """Have connections that are opened inside use the network, with `exchanges` by the pure exchange of frames."""
    clock = scheduler.clock
    sockets, select = network.socket_module(), network.select_module()
    timing = types.SimpleNamespace(monotonic=clock)
    locks = types.SimpleNamespace(**{**vars(threading), 'RLock': functools.partial(ReentrantLock, scheduler)})
    with contextlib.ExitStack() as stack:
        def put(owner: Any, name: str, value: Any) -> None:
            stack.enter_context(mock.patch.object(owner, name, value))

        put(transport, 'socket', sockets)
        put(transport, 'select', select)
        put(transport, '_MONOTONIC', clock)
        put(transport, '_is_plain', lambda handle: exchanges)
        put(transport.earliest, '__defaults__', (clock,))
        put(transport.StreamSocket.__init__, '__kwdefaults__',
            {**transport.StreamSocket.__init__.__kwdefaults__, 'clock': clock})
        put(exchange, 'select', select)
        put(exchange, 'time', timing)
        put(codec, 'Exchange', exchange.Exchange)
        put(connection, 'time', timing)
        # Whoever keeps records of the log keeps the connections alive that they name.
        put(logging.getLogger('pycassa.pool'), 'disabled', True)
        for module in (store, hosts, legacy_pools):
            put(module, 'threading', locks)
        yield
