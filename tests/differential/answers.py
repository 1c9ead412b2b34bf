"""A real server and the embedded one side by side: each call goes to both, and both answers have to be the same."""
import collections
import itertools
import secrets
from typing import Any, Counter, NamedTuple, Optional, Tuple

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.Thrift import TApplicationException, TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport, TTransportException

from pycassa.cassandra import Cassandra

from .masks import CLOSED, Answer, masked

__all__ = ['Call', 'Difference', 'Pair', 'Tally', 'ask', 'show']

PATIENCE = 30000            # milliseconds; servers that the harness starts give up a call after 20 seconds
_PROTOCOL = TBinaryProtocolAcceleratedFactory()
_PROTOCOL_ERROR = TApplicationException.PROTOCOL_ERROR


class Call(NamedTuple):
    """One Thrift call. `keyspace` is what the connection has to have selected: a name, '' for none, None for any."""

    method: str
    arguments: Tuple[Any, ...]
    keyspace: Optional[str] = None

    def __repr__(self) -> str:
        return f'{self.method}({", ".join(map(show, self.arguments))})'


def show(value: Any) -> str:
    """A value as a program has it, Thrift structs with only what they have set."""
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(map(show, value))}]'
    if isinstance(value, dict):
        return f'{{{", ".join(f"{show(key)}: {show(item)}" for key, item in value.items())}}}'
    if isinstance(value, bytes) and len(value) > 1000:
        return f'{value[:1]!r} * {len(value)}'
    if not hasattr(value, 'thrift_spec'):
        return repr(value)
    fields = ((spec[2], getattr(value, spec[2])) for spec in value.thrift_spec if spec)
    return f'{type(value).__name__}({", ".join(f"{name}={show(held)}" for name, held in fields if held is not None)})'


class Client:
    """The generated client on one connection, which is made anew when a server closed it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(':')
        self._socket = TSocket(host, int(port))
        self._socket.setTimeout(PATIENCE)
        self.transport = TFramedTransport(self._socket)
        self.calls = Cassandra.Client(_PROTOCOL.getProtocol(self.transport))
        self.keyspace: Optional[str] = None
        self.transport.open()

    def reconnect(self) -> None:
        self.transport.close()
        # Whatever was left in the buffers belongs to the connection that is gone.
        self.transport = TFramedTransport(self._socket)
        self.calls = Cassandra.Client(_PROTOCOL.getProtocol(self.transport))
        self.keyspace = None
        self.transport.open()

    def close(self) -> None:
        self.transport.close()


def ask(client: Client, call: Call) -> Answer:
    """What becomes of a call. A connection of which the server may have lost track is closed."""
    try:
        return ('ok', getattr(client.calls, call.method)(*call.arguments))
    except TApplicationException as error:
        if error.type == _PROTOCOL_ERROR:
            client.reconnect()
        return ('TApplicationException', error.type, error.message)
    except (TTransportException, EOFError, OSError):
        client.reconnect()
        return CLOSED
    except TException as error:
        return (type(error).__name__, *(getattr(error, spec[2]) for spec in error.thrift_spec if spec))


class Tally:
    """What was asked and answered: a run of the machine that proves nothing shows here."""

    def __init__(self) -> None:
        self.calls: Counter[str] = collections.Counter()
        self.answers: Counter[str] = collections.Counter()
        self.succeeded: Counter[str] = collections.Counter()
        self.filled = 0             # reads that returned something

    @property
    def operations(self) -> int:
        return sum(self.calls.values())

    def count(self, method: str, answer: Answer) -> None:
        self.calls[method] += 1
        self.answers[answer[0]] += 1
        if answer[0] == 'ok':
            self.succeeded[method] += 1
            self.filled += bool(answer[1]) and method.startswith(('get', 'multiget'))


class Difference(AssertionError):
    """The two servers disagree."""


class Pair:
    """Connections to both servers: one with whatever keyspace is selected, and one on which none ever is."""

    def __init__(self, profile: str, real: str, embedded: str, partitioner: str = 'Murmur3Partitioner') -> None:
        self.profile = profile
        self.partitioner = partitioner
        self.tally = Tally()
        self._token = secrets.token_hex(3)
        self._serial = itertools.count(1)
        self.own = ''               # how the names of the keyspaces of the present run begin
        self._sides = [(Client(address), Client(address)) for address in (real, embedded)]

    def __enter__(self) -> 'Pair':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for side in self._sides:
            for client in side:
                client.close()

    def new_prefix(self) -> str:
        """How names of keyspaces begin that nobody else has."""
        return f'D{self._token}x{next(self._serial)}_'

    def do(self, call: Call) -> Answer:
        """The answer that both servers give. Raises Difference."""
        if call.keyspace:
            self.select(call.keyspace)
        real, embedded = (masked(call.method, ask(side[call.keyspace == ''], call), self.own) for side in self._sides)
        self.tally.count(call.method, real)
        if real != embedded and not self._refuses_what_breaks(real, embedded):
            raise Difference(f'{call!r}\n    real:     {show(real)}\n    embedded: {show(embedded)}')
        return real

    def _refuses_what_breaks(self, real: Answer, embedded: Answer) -> bool:
        # Where a server fails unchecked and closes the connection, a refusal in words of its own is the better answer.
        if real == CLOSED and embedded[0] == 'InvalidRequestException':
            self.begin()
            return True
        return False

    def select(self, keyspace: str) -> None:
        """Selects a keyspace where it is not selected yet; both servers say the same to that."""
        if any(side[0].keyspace != keyspace for side in self._sides):
            answer = self.do(Call('set_keyspace', (keyspace,)))
            for client, _ in self._sides:
                client.keyspace = keyspace if answer[0] == 'ok' else None

    def begin(self, own: str = '') -> None:
        """Makes the connections new: nothing is selected. What follows is a run with keyspaces of its `own`."""
        self.own = own or self.own
        for client, _ in self._sides:
            client.reconnect()

    def drop(self, keyspace: str) -> None:
        """Drops a keyspace on both, whatever they say."""
        for side in self._sides:
            ask(side[1], Call('system_drop_keyspace', (keyspace,)))
