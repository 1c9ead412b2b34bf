"""A fault proxy on loopback: it stands between clients and a server, and harms what passes, in the way it is told.

    with FaultProxy(server.host, server.port) as proxy:
        pool = ConnectionPool('Keyspace1', [proxy.address])
        proxy.replies.set(latency=0.05)                  # all connections, those to come too
        proxy.replies.set(connection=1, reset_after=7)   # the first connection alone
        proxy.heal()

Settings are made from any thread while traffic runs, and hold when the call returns. Everything passes through one
event loop in a thread: the calls of a test are there beside the clients, and what a setting does can be seen at once.
A test that measures the clients' time on the processor gives the proxy a process of its own; none here does.
"""
import asyncio
import random
import socket
import struct
import threading
import time
from typing import Any, Callable, Coroutine, List, NamedTuple, Optional, Set, Union

__all__ = ['FaultProxy', 'Faults', 'Link', 'Request']

Seconds = Union[float, Callable[[random.Random], float]]

_PIECE = 65536
_PATIENCE = 30.0
# With a bandwidth, so many times a second a piece passes.
_TICKS = 50
_RESET = struct.pack('ii', 1, 0)


class Faults(NamedTuple):
    """What one direction of a connection suffers. Bytes are counted from when it was set, for each connection.

    latency      seconds, or a function of a random.Random, that everything is late by; order is kept
    jitter       seconds, of which a random part is added to the latency
    bandwidth    bytes per second
    slicing      the most bytes that pass in one piece, `pause` seconds before the next
    cut_after    after so many bytes, when another one comes, both ends are closed
    reset_after  the same, and the ends see a reset
    stall_after  the same, and nothing passes for `stall_seconds` (None: until something else is set)
    lose_after   the same, and what comes vanishes, while the connection stays open
    """

    latency: Seconds = 0.0
    jitter: float = 0.0
    bandwidth: Optional[float] = None
    slicing: Optional[int] = None
    pause: float = 0.0
    cut_after: Optional[int] = None
    reset_after: Optional[int] = None
    stall_after: Optional[int] = None
    stall_seconds: Optional[float] = None
    lose_after: Optional[int] = None

    @property
    def strikes_after(self) -> Optional[int]:
        """After how many bytes the connection is cut, reset or stalled, or loses what comes."""
        return next((number for number in (self.cut_after, self.reset_after, self.stall_after, self.lose_after)
                     if number is not None), None)


NOTHING = Faults()


class Request(NamedTuple):
    """One framed request as it came: `data` is the frame with its length."""

    method: str
    seqid: int
    data: bytes
    connection: int


class _Stream:
    """One direction of one connection: what it suffers, and what has passed."""

    def __init__(self, link: 'Link', source: socket.socket, sink: socket.socket, chance: random.Random,
                 faults: Faults, hear: Optional[Callable[[bytes], None]]) -> None:
        #: Bytes that came from the sender, that went on to the receiver, and that vanished.
        self.received = self.passed = self.lost = 0
        self._link, self._source, self._sink, self._hear = link, source, sink, hear
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._underway: asyncio.Queue[Any] = asyncio.Queue(64)
        self._changed = asyncio.Event()
        self._due = 0.0
        self._deaf = False
        self.suffer(faults)

    def suffer(self, faults: Faults) -> None:
        """From now on; who waits looks again."""
        self._faults = faults
        self._since = self.passed
        self._stalled = False
        self._changed.set()

    def discard(self) -> None:
        """Nobody reads any more: what comes is thrown away."""
        self._deaf = True
        self._changed.set()

    async def run(self) -> None:
        """Until the sender has ended, and its last byte has passed."""
        receiving = asyncio.ensure_future(self._receive())
        try:
            while True:
                due, data = await self._underway.get()
                if due > self._loop.time():
                    await asyncio.sleep(due - self._loop.time())
                if not data:
                    return
                await self._forward(memoryview(data))
        finally:
            receiving.cancel()

    async def _receive(self) -> None:
        while True:
            try:
                data = await self._loop.sock_recv(self._source, _PIECE)
            except OSError:
                data = b''
            self.received += len(data)
            if self._hear is not None:
                self._hear(data)
            self._due = max(self._due, self._loop.time() + self._latency())
            await self._underway.put((self._due, data))
            if not data:
                return

    def _latency(self) -> float:
        latency, jitter = self._faults.latency, self._faults.jitter
        seconds = latency(self._chance) if callable(latency) else latency
        return seconds + (self._chance.uniform(0, jitter) if jitter else 0.0)

    async def _forward(self, data: memoryview) -> None:
        while data and not self._deaf:
            left = self._left()
            if left == 0:
                data = await self._strike(data)
                continue
            faults = self._faults
            sizes = [len(data), left, faults.slicing, faults.bandwidth and max(1, int(faults.bandwidth / _TICKS))]
            piece = data[:min(size for size in sizes if size)]
            # Before it is sent: who has received it may look at once.
            self.passed += len(piece)
            await self._loop.sock_sendall(self._sink, piece)
            data = data[len(piece):]
            pause = faults.pause if faults.slicing else 0.0
            pause += len(piece) / faults.bandwidth if faults.bandwidth else 0.0
            if pause:
                await self._wait(pause)

    def _left(self) -> Optional[int]:
        """How many bytes may pass before the fault strikes, None for any number."""
        after = self._faults.strikes_after
        if after is None or self._stalled:
            return None
        return max(0, after - (self.passed - self._since))

    async def _strike(self, data: memoryview) -> memoryview:
        """What is left of `data` when the fault has struck."""
        faults = self._faults
        if faults.lose_after is not None:
            self.lost += len(data)
            return data[:0]
        if faults.stall_after is not None:
            await self._wait(faults.stall_seconds)
            self._stalled = self._faults is faults
            return data
        self._link.close(reset=faults.reset_after is not None)
        return data[:0]

    async def _wait(self, seconds: Optional[float]) -> None:
        """So long, or until something else is set."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except asyncio.TimeoutError:
            pass


class Link:
    """One client's connection: its `number`, from 1, and two directions, with bytes `received`, `passed` and `lost`."""

    def __init__(self, number: int, client: socket.socket, server: socket.socket, proxy: 'FaultProxy') -> None:
        self.number = number
        self._ends = client, server
        hear = proxy._ears(number) if proxy.recording else None
        self.requests = self._stream(client, server, proxy.requests, proxy.seed, hear)
        self.replies = self._stream(server, client, proxy.replies, proxy.seed, None)
        self._task = asyncio.ensure_future(self._run())

    def _stream(self, source: socket.socket, sink: socket.socket, direction: 'Direction', seed: int,
                hear: Optional[Callable[[bytes], None]]) -> _Stream:
        chance = random.Random(f'{seed} {direction.name} {self.number}')
        return _Stream(self, source, sink, chance, direction._now, hear)

    async def _run(self) -> None:
        replies = asyncio.ensure_future(self._carry(self.replies, self._ends[0]))
        try:
            requests = asyncio.ensure_future(self._carry(self.requests, self._ends[1]))
            try:
                await asyncio.wait([requests, replies], return_when=asyncio.FIRST_COMPLETED)
                if requests.done():
                    # The server has been told of the client's end, and may still be answering.
                    self.replies.discard()
                    await replies
            finally:
                requests.cancel()
        except asyncio.CancelledError:
            pass  # The proxy is closed, or closes this link.
        finally:
            replies.cancel()
            self.close()

    async def _carry(self, stream: _Stream, sink: socket.socket) -> None:
        try:
            await stream.run()
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()  # The receiver has gone, or never came.

    def close(self, reset: bool = False) -> None:
        """End it for both, by a reset or as is usual; in the loop."""
        for end in self._ends:
            if end.fileno() < 0:
                continue
            asyncio.get_running_loop().remove_reader(end)
            asyncio.get_running_loop().remove_writer(end)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.close()
        self._task.cancel()

    @property
    def is_open(self) -> bool:
        """Whether the client's end is open still."""
        return self._ends[0].fileno() >= 0


class Direction:
    """What all connections suffer in one direction: `set` says it, and counts tell what came of it."""

    def __init__(self, proxy: 'FaultProxy', name: str) -> None:
        self.name = name
        self._proxy = proxy
        self._now = NOTHING

    def set(self, connection: Optional[int] = None, **faults: Any) -> None:
        """Let this direction suffer `faults`, see Faults, in place of what it did: for one connection, or for all.

        'All' are those that are open and those to come. Without faults all goes well again.
        """
        wanted = Faults(**faults)
        struck = [name for name in wanted._fields if name.endswith('_after') and getattr(wanted, name) is not None]
        if len(struck) > 1:
            raise ValueError(f'{" and ".join(struck)}: a connection takes one of these at a time')
        self._proxy._call(self._set, wanted, connection)

    def _set(self, faults: Faults, connection: Optional[int]) -> None:
        if connection is None:
            self._now = faults
        for link in self._proxy._open(connection):
            getattr(link, self.name).suffer(faults)

    def _total(self, count: str) -> int:
        return sum(getattr(getattr(link, self.name), count) for link in self._proxy.links)

    @property
    def received(self) -> int:
        """Bytes that came, over all connections ever."""
        return self._total('received')

    @property
    def passed(self) -> int:
        """Bytes that went on."""
        return self._total('passed')

    @property
    def lost(self) -> int:
        """Bytes that vanished by `lose_after`."""
        return self._total('lost')


class FaultProxy:
    """Listens on a free port of the loopback while its `with` block runs, and passes all on to a server.

    `seed` replays jitter and what functions of latency choose, connection by connection. `recording` keeps every
    request, which has to be framed and not encrypted. `requests` is the direction from the clients to the server,
    `replies` the other.
    """

    def __init__(self, host: str, port: int, seed: int = 0, recording: bool = False) -> None:
        self.host, self.port = '127.0.0.1', 0
        self.seed = seed
        self.recording = recording
        self.requests, self.replies = Direction(self, 'requests'), Direction(self, 'replies')
        #: Every connection that was passed on, in order, and every request, if they are recorded.
        self.links: List[Link] = []
        self.recorded: List[Request] = []
        #: Connections that were taken, those included that were closed because the server is down.
        self.accepted = 0
        self._server = (host, port)
        self._up = True
        self._fillers: List[socket.socket] = []
        self._joining: Set[Any] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name='fault proxy', daemon=True)

    def __enter__(self) -> 'FaultProxy':
        self._listener = self._bind()
        self.port = self._listener.getsockname()[1]
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    @property
    def address(self) -> str:
        return f'{self.host}:{self.port}'

    # --- new connections -------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Take new connections, and have a server to pass them on to: how it begins."""
        self._run(self._become(up=True, backlog=512))

    def down(self) -> None:
        """Take new connections, and close them and all others at once: what a balancer without servers does."""
        self._run(self._become(up=False, backlog=512))
        self.cut()

    def refuse(self) -> None:
        """Refuse new connections. Those that are open go on."""
        self._run(self._become(up=True, backlog=None))

    def ignore(self) -> None:
        """Answer nothing to new connections, as a host does that is gone. Those that are open go on.

        A client whose first packet was ignored sends it again after about a second, and then later and later.
        """
        self._run(self._become(up=True, backlog=0))

    # --- connections that are open ---------------------------------------------------------------------------

    def heal(self) -> None:
        """Let all go well from now on: new connections, and both directions of all that are open."""
        self.accept()
        self.requests.set()
        self.replies.set()

    def cut(self, connection: Optional[int] = None, reset: bool = False) -> None:
        """Close one connection, or all that are open, now: by a reset, or as is usual."""
        self._call(self._cut, connection, reset)

    @property
    def open(self) -> List[int]:
        """The numbers of the connections that are open."""
        return [link.number for link in self.links if link.is_open]

    def link(self, connection: int) -> Link:
        """A connection by its number, the first is 1."""
        return self.links[connection - 1]

    def wait_for(self, condition: Callable[['FaultProxy'], Any], seconds: float = 10.0) -> bool:
        """Whether condition(self) comes true within so many seconds: ends of connections take a moment to arrive."""
        until = time.monotonic() + seconds
        while not condition(self):
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        return True

    # --- in the thread ---------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def _call(self, function: Callable[..., Any], *args: Any) -> None:
        async def work() -> None:
            function(*args)

        self._run(work())

    def _bind(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((self.host, self.port))
        return listener

    async def _become(self, up: bool, backlog: Optional[int]) -> None:
        """Listen anew, and keep the port: with a `backlog`, 0 for one that is full, or None to refuse."""
        self._up = up
        self._stop_listening()
        self._listener = self._bind()
        if backlog is None:
            return
        self._listener.listen(backlog)
        if backlog:
            self._loop.add_reader(self._listener, self._accept)
        else:
            await self._fill()

    def _stop_listening(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    async def _fill(self) -> None:
        """Connect until the system takes no more, and drops what comes."""
        while True:
            filler = socket.socket()
            filler.setblocking(False)
            self._fillers.append(filler)
            try:
                await asyncio.wait_for(self._loop.sock_connect(filler, (self.host, self.port)), 0.1)
            except asyncio.TimeoutError:
                return

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self.accepted += 1
        if not self._up:
            client.close()
            return
        task = asyncio.ensure_future(self._join(client))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, client: socket.socket) -> None:
        server = socket.socket()
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._loop.sock_connect(server, self._server)
        except (OSError, asyncio.CancelledError):
            client.close()
            server.close()
        else:
            self.links.append(Link(len(self.links) + 1, client, server, self))

    def _open(self, connection: Optional[int]) -> List[Link]:
        return [link for link in self.links if link.is_open and connection in (None, link.number)]

    def _cut(self, connection: Optional[int], reset: bool) -> None:
        for link in self._open(connection):
            link.close(reset)

    def _ears(self, number: int) -> Callable[[bytes], None]:
        """What hears the requests of a connection."""
        heard = bytearray()

        def hear(data: bytes) -> None:
            heard.extend(data)
            while len(heard) >= 4:
                end = 4 + int.from_bytes(heard[:4], 'big')
                if len(heard) < end:
                    return
                self.recorded.append(_request(bytes(heard[:end]), number))
                del heard[:end]

        return hear

    async def _close(self) -> None:
        self._stop_listening()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


def _request(frame: bytes, connection: int) -> Request:
    length = int.from_bytes(frame[8:12], 'big')
    seqid = int.from_bytes(frame[12 + length:16 + length], 'big', signed=True)
    return Request(frame[12:12 + length].decode('ascii', 'replace'), seqid, frame, connection)
