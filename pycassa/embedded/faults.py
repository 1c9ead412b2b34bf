"""Fault switches of the embedded server: what a test can make it do to calls, and a log of what it received."""
import threading
from typing import Any, Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Union

from pycassa.cassandra.ttypes import TimedOutException, UnavailableException

__all__ = ['Fault', 'Faults', 'Received', 'ReceivedLog']

GARBAGE = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'


class Received(NamedTuple):
    """One request as it arrived. `data` is the message without the length of its frame; `peer` numbers the
    connections that the server accepted, from 1."""

    method: str
    seqid: int
    data: bytes
    peer: int


class ReceivedLog(Sequence[Received]):
    """Requests in order of arrival, those that a fault kept from being executed included. It keeps growing until
    `Faults.stop_recording` or `Faults.clear` is called."""

    def __init__(self) -> None:
        self._entries: List[Received] = []

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f'<{len(self)} requests: {", ".join(entry.method for entry in self._entries[:20])}>'

    def of(self, *methods: str) -> List[Received]:
        """The requests of these methods."""
        return [entry for entry in self._entries if entry.method in methods]

    def append(self, entry: Received) -> None:
        """Add a request; the server does."""
        self._entries.append(entry)


class Fault:
    """What happens to a call. The server reads these attributes; `Faults` makes them.

    Before the call: with `stall`, `hold` seconds pass (None: for ever). In its place: `error` is the answer, though the
    call is executed if `applied`. After it: `delay` seconds pass, `alter` changes the reply frame, and `cut` is
    the number of its bytes that are sent before the connection is closed, by a TCP reset if `reset`.
    """

    def __init__(self, calls: Optional[int], methods: Optional[Iterable[str]], *, error: Optional[Exception] = None,
                 applied: bool = True, stall: bool = False, hold: Optional[float] = None, delay: float = 0.0,
                 alter: Callable[[bytes], bytes] = bytes, cut: Optional[int] = None,
                 reset: bool = False) -> None:
        if calls is not None and calls < 1:
            raise ValueError(f'calls must be at least 1, or None for every call; it is {calls}')
        self.remaining = calls
        self.methods = frozenset([methods] if isinstance(methods, str) else methods) if methods is not None else None
        self.error = error
        self.applied = applied
        self.stall = stall
        self.hold = hold
        self.delay = delay
        self.alter = alter
        self.cut = cut
        self.reset = reset

    def concerns(self, method: str) -> bool:
        """Whether calls of `method` suffer it."""
        return self.methods is None or method in self.methods


Methods = Union[None, str, Iterable[str]]


class Faults:
    """The switches of one server; safe to use from any thread while clients are connected.

    Every switch takes `calls`, the number of calls that it concerns (default 1; None: every call until `clear()`), and
    `methods`, a name or names of Thrift methods (default: all). Several switches wait in line: each call is given to
    the first one that concerns it. `login` and `set_keyspace` are calls too, so that name a method where a client
    reconnects.
    """

    def __init__(self, control: Any) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._faults: List[Fault] = []
        self._log: Optional[ReceivedLog] = None
        self.armed = False

    # --- before the call is executed -------------------------------------------------------------------------

    def stall(self, seconds: Optional[float] = None, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """The call is received and nothing happens: never, or for so many seconds, after which it is executed and
        answered if its connection is still open. What follows on that connection waits; others are served."""
        return self._add(Fault(calls, methods, stall=True, hold=seconds))

    def unavailable(self, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """UnavailableException; the call is not applied."""
        return self.fail(UnavailableException(), calls, methods)

    def timed_out(self, calls: Optional[int] = 1, methods: Methods = None, acknowledged_by: Optional[int] = None,
                  applied: bool = False) -> Fault:
        """TimedOutException at once, with or without the call having been applied: a client cannot know which."""
        return self.fail(TimedOutException(acknowledged_by=acknowledged_by), calls, methods, applied)

    def fail(self, error: Exception, calls: Optional[int] = 1, methods: Methods = None,
             applied: bool = False) -> Fault:
        """`error` as the answer: an exception of the interface, or a TApplicationException. One that the method does
        not declare is answered as an internal error."""
        return self._add(Fault(calls, methods, error=error, applied=applied))

    # --- after the call was executed -------------------------------------------------------------------------

    def delay(self, seconds: float, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """A late answer: the call is applied at once, its reply is sent after so many seconds."""
        return self._add(Fault(calls, methods, delay=seconds))

    def cut(self, after: int = 0, calls: Optional[int] = 1, methods: Methods = None, applied: bool = True) -> Fault:
        """Close the connection after so many bytes of the reply frame (its 4-byte length is counted)."""
        return self._add(Fault(calls, methods, cut=after, applied=applied))

    def reset(self, after: int = 0, calls: Optional[int] = 1, methods: Methods = None, applied: bool = True) -> Fault:
        """As `cut`, but by a TCP reset. Bytes of the reply that the client has not read by then may be lost to it."""
        return self._add(Fault(calls, methods, cut=after, reset=True, applied=applied))

    def wrong_seqid(self, seqid: Optional[int] = None, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """The reply carries this sequence id, or by default the one after that of the request."""
        def alter(frame: bytes) -> bytes:
            start = 12 + int.from_bytes(frame[8:12], 'big')
            given = int.from_bytes(frame[start:start + 4], 'big', signed=True)
            changed = (given + 1 if seqid is None else seqid) & 0xFFFFFFFF
            return frame[:start] + changed.to_bytes(4, 'big') + frame[start + 4:]
        return self.alter(alter, calls, methods)

    def wrong_name(self, name: str = 'describe_ring', calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """The reply carries the name of another method."""
        def alter(frame: bytes) -> bytes:
            end = 12 + int.from_bytes(frame[8:12], 'big')
            text = name.encode()
            return _framed(frame[4:8] + len(text).to_bytes(4, 'big') + text + frame[end:])
        return self.alter(alter, calls, methods)

    def wrong_type(self, type: int = 1, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """The reply carries this message type (1 call, 2 reply, 3 exception, 4 oneway)."""
        return self.alter(lambda frame: frame[:7] + bytes((type,)) + frame[8:], calls, methods)

    def wrong_length(self, length: int = 0x7FFFFFFF, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """The frame's length word says this number of bytes, from -2**31 to 2**31-1; the reply itself is whole."""
        return self.alter(lambda frame: length.to_bytes(4, 'big', signed=True) + frame[4:], calls, methods)

    def garbage(self, data: bytes = GARBAGE, calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """These bytes are sent in place of the reply frame."""
        return self.alter(lambda frame: data, calls, methods)

    def alter(self, change: Callable[[bytes], bytes], calls: Optional[int] = 1, methods: Methods = None) -> Fault:
        """`change` makes the bytes to send from the reply's frame, length included."""
        return self._add(Fault(calls, methods, alter=change))

    # --- connections -----------------------------------------------------------------------------------------

    def refuse_connections(self) -> None:
        """New connections are refused (the listening socket is closed) until `accept_connections` or `clear`; those
        that are open stay. Returns when it is so."""
        self._control.refuse()

    def ignore_connections(self) -> None:
        """New connections are established by the system, but nobody accepts or reads them, until
        `accept_connections` or `clear`."""
        self._control.ignore()

    def accept_connections(self) -> None:
        """Undo `refuse_connections` and `ignore_connections`."""
        self._control.accept()

    def disconnect(self, reset: bool = False) -> int:
        """Close every connection that is open now, as a restart of the server would; returns their number."""
        closed: int = self._control.disconnect(reset)
        return closed

    # --- all of them -----------------------------------------------------------------------------------------

    def record(self) -> ReceivedLog:
        """A log of everything received from now on."""
        with self._lock:
            self._log = ReceivedLog()
            self.armed = True
            return self._log

    def stop_recording(self) -> None:
        """Add nothing more to the log that `record` gave; switches stay."""
        with self._lock:
            self._log = None
            self.armed = bool(self._faults)

    def release(self) -> None:
        """Execute and answer the calls that `stall` holds."""
        self._control.release()

    def clear(self) -> None:
        """Take all faults back: connections are accepted again, those that a stalled call holds are closed without an
        answer, nothing is recorded any more."""
        with self._lock:
            self._faults = []
            self._log = None
            self.armed = False
        self._control.accept()
        self._control.disconnect(False, stalled_only=True)

    def __iter__(self) -> Iterator[Fault]:
        """The switches that still wait for a call."""
        with self._lock:
            return iter(list(self._faults))

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
            self.armed = True
        return fault

    def take(self, received: Received) -> Optional[Fault]:
        """Record a request, and give the fault that it is to suffer. Called by the server for every request."""
        with self._lock:
            if self._log is not None:
                self._log.append(received)
            for fault in self._faults:
                if fault.concerns(received.method):
                    self._use_up(fault)
                    return fault
            return None

    def _use_up(self, fault: Fault) -> None:
        if fault.remaining is not None:
            fault.remaining -= 1
            if not fault.remaining:
                self._faults.remove(fault)
                self.armed = bool(self._faults) or self._log is not None


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, 'big') + message
