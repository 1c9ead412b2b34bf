"""Sockets, polls and servers without a network: what the modules socket and select are to a connection.

A `Network` has hosts by name. Bytes go to a host at once, and its answers come when the scheduler's clock says so.
What a host does is its `mode`, and may be drawn anew for every connection and call.
"""
import errno
import random
import re
import select
import socket
import struct
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import Column, ColumnOrSuperColumn, TimedOutException, UnavailableException

from .scheduler import Scheduler, Violation

__all__ = ['Host', 'MODES', 'Network', 'Wire']

_READ, _WRITE = 1, 4
_OPERATION = re.compile(rb'op(\d{6})')

# What hosts do, besides being up.
MODES = ('refusing', 'hanging', 'mute', 'slow', 'busy', 'flaky', 'closing')


class Host:
    """One server: its mode, and the connections that it has."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mode = 'up'
        self.wires: List[Wire] = []
        # (time, whether it was taken) of the attempts to connect, and (time, mode) since when.
        self.attempts: List[Tuple[float, str]] = []
        self.modes: List[Tuple[float, str]] = [(0.0, 'up')]
        self.served = 0

    def was_always(self, mode: str, since: float, until: float) -> bool:
        """Whether it was in this mode from one time to the other."""
        begun = [each for moment, each in self.modes if moment <= since][-1]
        return begun == mode and all(each == mode for moment, each in self.modes if since < moment <= until)


class Wire:
    """One TCP connection. `inbox` is what the client can read, `outbox` the part of a frame that came from it."""

    def __init__(self, host: Host, number: int) -> None:
        self.host = host
        self.number = number
        self.state = 'new'
        self.error = 0
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.full = False
        # The thread that made the call whose reply has not been read to its end.
        self.user: Any = None
        self.unread = 0
        self.head = b''
        self.tainted = ''
        self.closed_by_client = 0
        self.collected = False
        self.waiting: List[Any] = []

    def __repr__(self) -> str:
        return f'{self.host.name}#{self.number}'

    def is_under(self, conn: Any) -> bool:
        """Whether a connection of the package is over this one."""
        handle = conn._link.stream.handle if conn._link is not None else None
        return handle is not None and handle.wire is self

    def is_ready(self, events: int) -> bool:
        if self.closed_by_client or self.state in ('reset', 'failed', 'ended'):
            return True
        if events == _READ:
            return bool(self.inbox)
        return self.state == 'open' and not self.full


class Network:
    """All hosts, all connections, all frames that arrived: [(time, host, frame, wire)] by operation."""

    def __init__(self, scheduler: Scheduler, seed: Any, names: List[str]) -> None:
        self.scheduler = scheduler
        self.hosts = {name: Host(name) for name in names}
        self.wires: List[Wire] = []
        self.arrivals: Dict[int, List[Tuple[float, Host, bytes, Wire]]] = {}
        self.chance = random.Random(f'{seed}/network')
        self.latency = self.chance.choice((0.0005, 0.003, 0.01))
        # How often a call on a host that is up goes wrong all the same.
        self.noise = self.chance.choice((0.0, 0.0, 0.0, 0.02, 0.1))
        self.slices = self.chance.random() < 0.3
        self.in_place = True

    # --- modules in place of the standard library's ----------------------------------------------------------

    def socket_module(self) -> Any:
        module = types.SimpleNamespace(**vars(socket))
        module.socket = lambda *args: SimulatedSocket(self)
        module.getaddrinfo = self._addresses
        return module

    def select_module(self) -> Any:
        module = types.SimpleNamespace(**vars(select))
        module.poll = lambda: SimulatedPoll(self)
        return module

    def _addresses(self, host: str, port: int, *args: Any) -> List[Any]:
        self.scheduler.point()
        if host not in self.hosts:
            raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (host, port))]

    # --- hosts -----------------------------------------------------------------------------------------------

    def set_mode(self, name: str, mode: str) -> None:
        """Let a host be in `mode` from now on."""
        host = self.hosts[name]
        host.mode = mode
        host.modes.append((self.scheduler.now, mode))
        self.scheduler.events.append((self.scheduler.now, '-', f'{name} is {mode}'))
        if mode == 'refusing':
            self.hang_up(host, 'reset')
        elif mode == 'closing':
            self.hang_up(host, 'ended')
            self.set_mode(name, 'up')

    def hang_up(self, host: Host, how: str) -> None:
        for wire in list(host.wires):
            self._set(wire, how)

    def _set(self, wire: Wire, state: str, code: int = 0) -> None:
        """Let a connection be in another state; ended: after what is in the inbox."""
        if wire.state in ('reset', 'failed', 'ended') or wire.closed_by_client:
            return
        wire.state, wire.error = state, code
        if state != 'open' and wire in wire.host.wires:
            wire.host.wires.remove(wire)
        self._wake(wire)

    def _wake(self, wire: Wire) -> None:
        waiting, wire.waiting = wire.waiting, []
        for thread in waiting:
            self.scheduler.wake(thread)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self.scheduler.at(self.scheduler.now + seconds, action)

    def trip(self) -> float:
        return self.latency * self.chance.uniform(0.5, 2.0)

    def connect(self, wire: Wire) -> None:
        """What comes of an attempt to connect."""
        host = wire.host
        mode = self._what_happens(host)
        taken = mode not in ('refusing', 'hanging')
        host.attempts.append((self.scheduler.now, host.mode))
        self.scheduler.note(f'connects {wire}')
        host.wires.append(wire)
        if mode == 'refusing':
            self._later(self.trip(), lambda: self._set(wire, 'failed', errno.ECONNREFUSED))
        elif taken:
            self._later(self.trip() * (20 if mode == 'slow' else 1), lambda: self._set(wire, 'open'))

    def _what_happens(self, host: Host) -> str:
        if host.mode == 'up' and self.chance.random() < self.noise:
            return self.chance.choice(('mute', 'slow', 'busy', 'flaky', 'refusing'))
        return host.mode

    # --- calls -----------------------------------------------------------------------------------------------

    def receive(self, wire: Wire, frame: bytes) -> None:
        """A frame has arrived at the host."""
        length, = struct.unpack('>i', frame[8:12])
        method = frame[12:12 + length].decode()
        seqid, = struct.unpack('>i', frame[12 + length:16 + length])
        found = _OPERATION.search(frame)
        number = int(found.group(1)) if found else 0
        wire.host.served += 1
        if number:
            self.arrivals.setdefault(number, []).append((self.scheduler.now, wire.host, frame, wire))
        self.scheduler.note(f'{wire} has {method} {number or ""}'.rstrip())
        mode = self._what_happens(wire.host)
        if mode == 'flaky':
            mode = self.chance.choice(('up', 'reset', 'ended', 'part', 'seqid', 'trailing', 'late'))
        self._answer(wire, mode, method, number, seqid)

    def _answer(self, wire: Wire, mode: str, method: str, number: int, seqid: int) -> None:
        delay = self.trip()
        if mode in ('mute', 'hanging'):
            return
        if mode in ('reset', 'refusing', 'ended'):
            self._later(delay, lambda: self._set(wire, 'ended' if mode == 'ended' else 'reset'))
            return
        if mode in ('slow', 'late'):
            delay += self.chance.choice((0.05, 0.2, 0.6, 2.0))
        error = None
        if mode == 'busy' and self.chance.random() < 0.7 and method not in ('set_keyspace', 'login'):
            error = self.chance.choice((TimedOutException, UnavailableException))()
        reply = reply_to(method, number, seqid + (1 if mode == 'seqid' else 0), error)
        if mode == 'trailing':
            reply += b'\0'
        if mode == 'part':
            reply = reply[:self.chance.randrange(len(reply))]
        self._later(delay, lambda: self.deliver(wire, reply))

    def deliver(self, wire: Wire, data: bytes) -> None:
        if wire.state != 'open' or wire.host.mode == 'hanging':
            return
        if self.slices and len(data) > 1:
            cut = self.chance.randrange(1, len(data))
            data, rest = data[:cut], data[cut:]
            self._later(self.latency / 4, lambda: self.deliver_rest(wire, rest))
        self.deliver_rest(wire, data)

    def deliver_rest(self, wire: Wire, data: bytes) -> None:
        if wire.state == 'open':
            wire.inbox += data
            self._wake(wire)


# --- replies -------------------------------------------------------------------------------------------------------

_cached: Dict[Any, Tuple[bytes, int]] = {}


def reply_to(method: str, number: int, seqid: int, error: Optional[Exception] = None) -> bytes:
    """The frame that answers a call: it says the operation's number, where there is a value."""
    key = method, number if method in ('get_count', 'get_slice') else 0, type(error)
    if key not in _cached or key[1]:
        _cached[key] = _encoded(method, number, error)
    message, place = _cached[key]
    message = message[:place] + struct.pack('>i', seqid) + message[place + 4:]
    return struct.pack('>i', len(message)) + message


def _encoded(method: str, number: int, error: Optional[Exception]) -> Tuple[bytes, int]:
    result = getattr(Cassandra, method + '_result')()
    if isinstance(error, TimedOutException):
        result.te = error
    elif error is not None:
        result.ue = error
    elif method == 'get_count':
        result.success = number
    elif method == 'get_slice':
        result.success = [ColumnOrSuperColumn(column=Column(name=b'number', value=b'%d' % number, timestamp=1))]
    protocol = TBinaryProtocol(TMemoryBuffer())
    protocol.writeMessageBegin(method, TMessageType.REPLY, 0)
    place = len(protocol.trans.getvalue()) - 4
    result.write(protocol)
    protocol.writeMessageEnd()
    return protocol.trans.getvalue(), place


# --- what a connection sees ----------------------------------------------------------------------------------------

class SimulatedSocket:
    """A non-blocking TCP socket."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._scheduler = network.scheduler
        self._number = 3 + len(network.wires)
        self.wire: Any = None
        self._is_closed = False
        network.wires.append(Wire(Host('?'), self._number))

    def fileno(self) -> int:
        return -1 if self._is_closed else self._number

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def setsockopt(self, *args: Any) -> None:
        self._check_open()

    def getsockopt(self, *args: Any) -> int:
        self._check_open()
        return self.wire.error if self.wire.state != 'reset' else errno.ECONNRESET

    def connect(self, address: Tuple[str, int]) -> None:
        self._scheduler.point()
        self._check_open()
        self.wire = self._network.wires[self._number - 3]
        self.wire.host = self._network.hosts[address[0]]
        self.wire.state = 'connecting'
        self._network.connect(self.wire)
        raise BlockingIOError(errno.EINPROGRESS, 'Operation now in progress')

    def send(self, data: Any, *flags: int) -> int:
        self._scheduler.point()
        self._check_open()
        wire = self.wire
        self._check_use(wire)
        if wire.state in ('reset', 'ended'):
            wire.tainted = 'it was lost'
            raise ConnectionResetError(errno.ECONNRESET, 'Connection reset by peer')
        if wire.host.mode == 'hanging':
            wire.user, wire.unread = self._scheduler.current, -1
            return len(data)
        count = len(data)
        if self._network.slices and count > 1 and self._network.chance.random() < 0.2:
            count = self._network.chance.randrange(1, count)
            wire.full = True
            self._network._later(self._network.latency / 4, lambda: self._drain(wire))
        wire.outbox += data[:count]
        wire.user = self._scheduler.current
        self._take_frames(wire)
        self._scheduler.point()
        return count

    def _drain(self, wire: Wire) -> None:
        wire.full = False
        self._network._wake(wire)

    def _take_frames(self, wire: Wire) -> None:
        while len(wire.outbox) >= 4:
            end = 4 + struct.unpack_from('>i', wire.outbox)[0]
            if len(wire.outbox) < end:
                return
            frame = bytes(wire.outbox[:end])
            del wire.outbox[:end]
            wire.unread = -1
            self._network.receive(wire, frame)

    def _check_use(self, wire: Wire) -> None:
        me = self._scheduler.current
        if wire.user not in (None, me):
            raise self._scheduler_violation(f'{wire}: {me.name} sends while {wire.user.name} waits for a reply')
        if wire.tainted:
            raise self._scheduler_violation(f'{wire} is used again after {wire.tainted}')
        if wire.user is me and wire.unread:
            raise self._scheduler_violation(f'{wire}: a call before the reply to the last one was read')

    def _scheduler_violation(self, text: str) -> Violation:
        violation = Violation(text)
        self._scheduler.fail(violation)
        return violation

    def recv_into(self, view: Any, count: int = 0, *flags: int) -> int:
        self._scheduler.point()
        self._check_open()
        wire = self.wire
        if wire.user is not None and wire.user is not self._scheduler.current:
            raise self._scheduler_violation(f"{wire}: {self._scheduler.current.name} reads {wire.user.name}'s reply")
        if wire.inbox:
            size = min(len(view), len(wire.inbox))
            view[:size] = wire.inbox[:size]
            self._consume(wire, bytes(wire.inbox[:size]))
            del wire.inbox[:size]
            return size
        if wire.state == 'ended':
            wire.tainted = 'its end was read'
            return 0
        if wire.state == 'reset':
            wire.tainted = 'it was lost'
            raise ConnectionResetError(errno.ECONNRESET, 'Connection reset by peer')
        raise BlockingIOError(errno.EAGAIN, 'Resource temporarily unavailable')

    def _consume(self, wire: Wire, data: bytes) -> None:
        """Keep in mind how much of the reply is left."""
        if wire.unread == -1:
            wire.head = wire.head + data
            if len(wire.head) < 4:
                return
            wire.unread = 4 + struct.unpack_from('>i', wire.head)[0] - len(wire.head)
            wire.head = b''
        else:
            wire.unread -= len(data)
        if wire.unread == 0:
            wire.user = None
        elif wire.unread < 0:
            wire.tainted = 'more was read than a reply'

    def recv(self, count: int, *flags: int) -> bytes:
        data = bytearray(count)
        return bytes(data[:self.recv_into(data)])

    def shutdown(self, how: int) -> None:
        self._check_open()
        self._scheduler.point()

    def close(self) -> None:
        wire = self._network.wires[self._number - 3]
        wire.closed_by_client += 1
        if wire.user is not None and wire.user.alive and wire.user is not self._scheduler.current:
            self._scheduler.fail(f'{self._scheduler.current.name} closes {wire}, on which {wire.user.name} has a call')
        self._leave()
        self._scheduler.note(f'closes {wire}')
        self._scheduler.point(False)

    def _leave(self) -> None:
        self._is_closed = True
        if self.wire is not None and self.wire in self.wire.host.wires:
            self.wire.host.wires.remove(self.wire)
        if self.wire is not None:
            self._network._wake(self.wire)

    def _check_open(self) -> None:
        if self._is_closed:
            raise OSError(errno.EBADF, 'Bad file descriptor')

    def __del__(self) -> None:
        if not self._is_closed and self._network.in_place:
            self._network.wires[self._number - 3].collected = True
            self._leave()


class SimulatedPoll:
    """What select.poll() gives, for one socket."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._number = -1
        self._events = _READ

    def register(self, number: int, events: int) -> None:
        self._number, self._events = number, events

    modify = register

    def poll(self, timeout: Optional[float] = None) -> List[Tuple[int, int]]:
        scheduler = self._network.scheduler
        scheduler.point()
        wire = self._network.wires[self._number - 3]
        until = None if timeout is None else scheduler.now + timeout / 1000.0
        while not wire.is_ready(self._events):
            if timeout == 0:
                return []
            wire.waiting.append(scheduler.current)
            if not scheduler.block(until) and not wire.is_ready(self._events):
                return []
        return [(self._number, self._events)]
