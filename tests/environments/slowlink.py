"""A link to a server whose replies take their time: it tells who called over which connection, and what overlapped.

It forwards frames both ways. How long a reply takes is written in the request itself, in a row key or a column's
value: `wait=300ms` sends it so long after the request came, `wait=ever` never. So the processes under test need no
way to the link but their connections, and the server behind it may be any.
"""
import asyncio
import re
import ssl
import threading
import time
from typing import Any, Awaitable, Callable, Coroutine, Dict, List, NamedTuple, Optional, Set

__all__ = ['Request', 'SlowLink']

_WAIT = re.compile(rb'wait=(?:(\d+)ms|(ever))')
_PATIENCE = 30.0


class Request(NamedTuple):
    """One request as it came: `connection` numbers the clients' connections, from 1."""

    method: str
    data: bytes
    connection: int


class SlowLink:
    """Listens on a free port of the loopback while its `with` block runs, in a thread of its own."""

    def __init__(self, host: str, port: int, tls: Optional[ssl.SSLContext] = None) -> None:
        self.address = ''
        #: Every request, in order of arrival.
        self.requests: List[Request] = []
        #: Requests that came over a connection whose last one was not answered yet.
        self.overlaps: List[Request] = []
        #: The most replies that were due at one time.
        self.most_waiting = 0
        self._server = (host, port)
        self._tls = tls
        self._waiting = 0
        self._held: Dict[str, float] = {}
        self._accepted = 0
        self._open: Set[int] = set()
        self._unanswered: Set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name='slow link', daemon=True)

    def __enter__(self) -> 'SlowLink':
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    # --- for tests -------------------------------------------------------------------------------------------

    def hold(self, method: str, seconds: float) -> None:
        """Let all replies to `method` take so long, for calls without a place to write it."""
        self._held[method] = seconds

    @property
    def connections(self) -> Set[int]:
        """The numbers of the connections that are open now."""
        return set(self._open)

    def users(self, mark: bytes) -> Dict[int, Set[str]]:
        """Of each connection, what the pattern `mark` finds in the requests that came over it."""
        found: Dict[int, Set[str]] = {}
        for request in self.requests:
            found.setdefault(request.connection, set()).update(each.decode() for each in re.findall(mark, request.data))
        return {connection: marks for connection, marks in found.items() if marks}

    def wait_for(self, condition: Callable[['SlowLink'], bool], seconds: float = 10.0) -> bool:
        """Whether condition(self) comes true within so many seconds: ends of connections take a moment to arrive."""
        until = time.monotonic() + seconds
        while not condition(self):
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    # --- in the thread ---------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, '127.0.0.1', 0, ssl=self._tls, backlog=500)
        self.address = '127.0.0.1:%d' % self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        number = self._accepted
        self._open.add(number)
        requests: asyncio.Queue[Request] = asyncio.Queue()
        answering = asyncio.ensure_future(self._answer(requests, writer))
        try:
            while True:
                frame = await _frame(reader)
                length = int.from_bytes(frame[8:12], 'big')
                request = Request(frame[12:12 + length].decode(), frame, number)
                self.requests.append(request)
                if number in self._unanswered:
                    self.overlaps.append(request)
                self._unanswered.add(number)
                requests.put_nowait(request)
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client has closed it.
        except asyncio.CancelledError:
            pass  # The link is closed. The streams of asyncio make a noise of tasks that end as cancelled.
        finally:
            answering.cancel()
            self._open.discard(number)
            writer.close()

    async def _answer(self, requests: 'asyncio.Queue[Request]', writer: asyncio.StreamWriter) -> None:
        reader, server = await asyncio.open_connection(*self._server)
        try:
            while True:
                request = await requests.get()
                server.write(request.data)
                reply = await _frame(reader)
                seconds = self._seconds(request)
                if seconds is not None:
                    await self._waited(asyncio.sleep(seconds))
                # The client may send the next request as soon as it has the reply.
                self._unanswered.discard(request.connection)
                writer.write(reply)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            server.close()

    async def _waited(self, pause: Awaitable[None]) -> None:
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        try:
            await pause
        finally:
            self._waiting -= 1

    def _seconds(self, request: Request) -> Optional[float]:
        if request.method in self._held:
            return self._held[request.method]
        found = _WAIT.search(request.data)
        if found is None:
            return None
        return 3600.0 if found.group(2) else int(found.group(1)) / 1000


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame, with its length."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, 'big'))
