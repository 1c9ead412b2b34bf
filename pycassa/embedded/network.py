"""The listening socket of the embedded server and the connections that it accepted."""
import logging
import selectors
import socket
import sys
from typing import Any, Callable, Dict, Optional

from pycassa.embedded.channel import Channel
from pycassa.embedded.dispatch import Dispatcher
from pycassa.embedded.faults import Faults
from pycassa.embedded.loop import Loop

__all__ = ['Network']

_BACKLOG = 1024
_RECEIVE_BYTES = 256 * 1024
_ACCEPT_PAUSE = 0.2    # seconds without accepting when the process has no descriptor left

_log = logging.getLogger('pycassa.embedded')


class Network:
    """Everything of a server that lives in its loop's thread. The public methods may be called from any thread."""

    def __init__(self, engine: Any, dispatcher: Dispatcher, host: str, port: int, unframed: bool) -> None:
        self.engine = engine
        self.dispatcher = dispatcher
        self.unframed = unframed
        self.faults = Faults(self)
        self.host = host
        self.port = port
        self.buffer = memoryview(bytearray(_RECEIVE_BYTES))    # for what is received next, on any channel
        self._loop: Optional[Loop] = None
        self._listener: Optional[socket.socket] = None
        self._channels: Dict[int, Channel] = {}
        self._accepted = 0

    # --- starting and stopping -------------------------------------------------------------------------------

    @property
    def loop(self) -> Loop:
        assert self._loop is not None, 'the server does not run'
        return self._loop

    def open(self) -> None:
        """Listen; with port 0, on a free one that is kept from then on. Raises OSError if that cannot be."""
        self._listener = self._listen()
        self.port = self._listener.getsockname()[1]
        self._loop = Loop()

    def run(self, on_loop: Callable[[Loop], Any]) -> None:
        """Serve until `stop`, then close every socket. `on_loop` is called first; it may watch more than those."""
        loop = self.loop
        try:
            self._watch_listener(True)
            on_loop(loop)
            loop.run()
        finally:
            self._close_listener()
            for channel in list(self._channels.values()):
                channel.close()
            self._loop = None
            loop.close()

    def stop(self) -> None:
        """Let `run` return; a signal handler may call it."""
        loop = self._loop
        if loop is not None:
            loop.stop()

    def _listen(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if sys.platform != 'win32':
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        return listener

    def _watch_listener(self, wanted: bool) -> None:
        if self._listener is not None:
            self.loop.watch(self._listener, selectors.EVENT_READ if wanted else 0, lambda events: self._accept())

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._watch_listener(False)
            self._listener.close()
            self._listener = None

    # --- connections -----------------------------------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.warning('cannot accept a connection: %s', error)
            self._watch_listener(False)
            self.loop.later(_ACCEPT_PAUSE, lambda: self._watch_listener(True))
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted += 1
        self._channels[self._accepted] = Channel(self, sock, self._accepted)

    def forget(self, channel: Channel) -> None:
        """A channel has closed."""
        self._channels.pop(channel.number, None)

    def connections(self) -> int:
        """The number of connections that are open."""
        return len(self._channels)

    # --- what Faults asks for --------------------------------------------------------------------------------

    def _ask(self, function: Callable[[], Any]) -> Any:
        """What function() gives in the loop's thread; None where the server does not run."""
        loop = self._loop
        return None if loop is None else loop.ask(function)

    def refuse(self) -> None:
        self._ask(self._close_listener)

    def ignore(self) -> None:
        self._ask(lambda: self._watch_listener(False))

    def accept(self) -> None:
        def accept() -> None:
            if self._listener is None:
                self._listener = self._listen()
            self._watch_listener(True)
        self._ask(accept)

    def disconnect(self, reset: bool, stalled_only: bool = False) -> int:
        def disconnect() -> int:
            chosen = [channel for channel in self._channels.values() if channel.is_stalled or not stalled_only]
            for channel in chosen:
                channel.close(reset)
            return len(chosen)
        return self._ask(disconnect) or 0

    def release(self) -> None:
        def release() -> None:
            for channel in list(self._channels.values()):
                channel.release()
        self._ask(release)
