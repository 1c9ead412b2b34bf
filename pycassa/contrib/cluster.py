"""A cluster without a server: the embedded server's engine, and connections to it that are no sockets."""
import threading
import time
import weakref
from typing import Any, Callable, FrozenSet, Iterable, List, Mapping, Optional, Set

from thrift.transport.TTransport import TTransportBase, TTransportException

from pycassa import marshal
from pycassa.cassandra.ttypes import CfDef, ColumnDef, IndexType, KsDef
from pycassa.codec import Truncated
from pycassa.contrib.anytype import AnyType
from pycassa.embedded.channel import MAX_FRAME_BYTES
from pycassa.embedded.demo import create_demo
from pycassa.embedded.dispatch import Dispatcher, Request
from pycassa.embedded.engine import Engine
from pycassa.embedded.faults import Fault, Faults, Received
from pycassa.embedded.profiles import DEFAULT_PROFILE
from pycassa.embedded.profiles import profile as profile_named
from pycassa.embedded.schema import Family, Keyspace
from pycassa.errors import ConfigurationError, ProtocolError

__all__ = ['EngineConnection', 'StubCluster']

SCHEMAS = ('empty', 'demo')

_SIMPLE = 'org.apache.cassandra.locator.SimpleStrategy'
# The types of a family by the names of ColumnFamily's attributes, and what they are called inside of it.
_SLOTS = {'key_validation_class': 'key', 'column_name_class': 'name', 'super_column_name_class': 'super_name',
          'default_validation_class': 'value'}

_entered: List['StubCluster'] = []


class _Improvised:
    """What is known of a family that was made on demand: the types that nobody gave, the indexes made on demand."""

    def __init__(self, untyped: FrozenSet[str]) -> None:
        self.untyped = untyped
        self.indexed: Set[bytes] = set()


class StubCluster:
    """A cluster of one node in this process, for tests: no server, no socket, no thread.

    profile        which Cassandra to behave like: '1.2', '2.0', '2.1' (default), '2.2', '3.0' or '3.11'
    partitioner    'Murmur3Partitioner' (default), 'RandomPartitioner', 'ByteOrderedPartitioner' or
                   'OrderPreservingPartitioner': the order of the rows
    schema         'empty', or 'demo': keyspace `Keyspace1` of the documents' examples
    credentials    {user: password}: clients have to log in then
    clock          a function that gives the seconds since 1970; by default the time of day

    Stubs are given it as `cluster=`. Stubs that are made inside its `with` block, in any thread, find it by themselves;
    outside of every such block, each pool and each SystemManagerStub without `cluster=` has a new cluster of its own.

    `engine` holds the data, and `faults` are the fault switches of the embedded server (docs/embedded.md); a stall or
    delay beyond the client's `timeout` makes its CallTimeout at once, and a shorter one is passed over. Raises
    ConfigurationError for settings that cannot be. (Release 2.0.)
    """

    def __init__(self, profile: str = DEFAULT_PROFILE, partitioner: str = 'Murmur3Partitioner', schema: str = 'empty',
                 credentials: Optional[Mapping[str, str]] = None,
                 clock: Optional[Callable[[], float]] = None) -> None:
        if schema not in SCHEMAS:
            raise ConfigurationError(f'unknown schema {schema!r}; it is one of {", ".join(SCHEMAS)}')
        try:
            self.engine = Engine(partitioner=partitioner, profile=profile, clock=self.now, credentials=credentials)
            self.dispatcher = Dispatcher(profile_named(profile))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        self.door = Door()
        self.faults = Faults(self.door)
        self._clock = clock
        self._ahead = 0.0
        self._schema = schema
        self._lock = threading.Lock()
        self._last_timestamp = 0
        self._start_empty()

    def _start_empty(self) -> None:
        self._keyspaces: weakref.WeakSet[Keyspace] = weakref.WeakSet()
        self._families: weakref.WeakKeyDictionary[Family, _Improvised] = weakref.WeakKeyDictionary()
        if self._schema == 'demo':
            create_demo(self.engine)

    def __repr__(self) -> str:
        names = [name for name, keyspace in self.engine.keyspaces.items() if not keyspace.internal]
        return f'<StubCluster {self.engine.profile.name}, keyspaces: {", ".join(names) or "none"}>'

    @staticmethod
    def current() -> 'StubCluster':
        """The cluster whose `with` block was entered last and not left yet; outside of all of them, a new one."""
        return _entered[-1] if _entered else StubCluster()

    def __enter__(self) -> 'StubCluster':
        _entered.append(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        _entered.reverse()
        _entered.remove(self)
        _entered.reverse()

    def connect(self, host: str = 'stub', port: int = 9160) -> 'EngineConnection':
        """A connection in the place of a socket: the `socket_factory` of anything that takes one.

        Such as ConnectionPool, Connection, SystemManager, connect() and the pools of release 0.5. All hosts and ports
        lead here, and no name is looked up.
        """
        return EngineConnection(self, f'{host}:{port}')

    # --- time ------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970 by the cluster's clock, by which columns expire."""
        return self._microseconds() / 1e6

    def _microseconds(self) -> int:
        base = time.time_ns() // 1000 if self._clock is None else round(self._clock() * 1e6)
        return base + round(self._ahead * 1e6)

    def advance(self, seconds: float) -> None:
        """Move the cluster's clock, and what ColumnFamilyStub takes for timestamps, ahead by so many seconds."""
        self._ahead += seconds

    def timestamp(self) -> int:
        """Microseconds since 1970 by the cluster's clock, each time more than the last: what stubs write with.

        Where the clock stands still, as tests like it, the later of two writes still has the higher timestamp.
        """
        with self._lock:
            self._last_timestamp = max(self._microseconds(), self._last_timestamp + 1)
            return self._last_timestamp

    # --- between tests ---------------------------------------------------------------------------------------

    def truncate(self) -> None:
        """Forget all rows of all families, and what was deleted of them. Keyspaces, families and clients stay."""
        with self.engine.lock:
            for keyspace in self.engine.keyspaces.values():
                for family in keyspace.families.values():
                    family.truncate()

    def reset(self) -> None:
        """Begin anew: keyspaces are gone, faults taken back, connections closed, and the clock is at its own time.

        Pools and families that were made before are to be made anew; `truncate` leaves them in use.
        """
        with self.engine.lock:
            for name in [name for name, keyspace in self.engine.keyspaces.items() if not keyspace.internal]:
                self.engine.drop_keyspace(name)
            self.faults.clear()
            self.faults.disconnect()
            self._ahead, self._last_timestamp = 0.0, 0
            self._start_empty()

    # --- what is made on demand ------------------------------------------------------------------------------

    def provide_keyspace(self, name: str) -> None:
        """Make the keyspace if it is not there; families that are missing in it are made on demand from then on."""
        with self.engine.lock:
            if name not in self.engine.keyspaces:
                self.engine.add_keyspace(KsDef(name=name, strategy_class=_SIMPLE, cf_defs=[],
                                               strategy_options={'replication_factor': '1'}), any_name=True)
                self._keyspaces.add(self.engine.keyspaces[name])

    def withdraw_keyspace(self, name: str) -> bool:
        """Drop the keyspace, and tell so, if it was made on demand and has no family yet."""
        with self.engine.lock:
            keyspace = self._own_keyspace(name)
            if keyspace is None or keyspace.families:
                return False
            self.engine.drop_keyspace(name)
            return True

    def provide_family(self, keyspace: Optional[str], name: str, types: Mapping[str, Any],
                       is_super: bool = False) -> None:
        """Make the family if it is not there, in a keyspace that was made on demand.

        `types` are those that are known, by the names of ColumnFamily's attributes; the others will be AnyType.
        """
        with self.engine.lock:
            found = self._own_keyspace(keyspace)
            if found is not None and name not in found.families:
                self.engine.add_column_family(_definition(found.name, name, types, is_super), any_name=True)
                untyped = frozenset(slot for attribute, slot in _SLOTS.items() if types.get(attribute) is None)
                self._families[found.families[name]] = _Improvised(untyped - {'' if is_super else 'super_name'})

    def provide_indexes(self, keyspace: Optional[str], name: str, columns: Iterable[bytes]) -> None:
        """Index columns, by their packed names, of a family that was made on demand."""
        with self.engine.lock:
            family = self._family(keyspace, name)
            improvised = None if family is None else self._families.get(family)
            if family is None or improvised is None:
                return
            definition = family.definition.describe()
            present = {column.name: column for column in definition.column_metadata}
            for column in columns:
                if column not in present:
                    improvised.indexed.add(column)
                    present[column] = ColumnDef(name=column, validation_class=definition.default_validation_class)
                present[column].index_type = IndexType.KEYS
            definition.column_metadata = list(present.values())
            self.engine.update_column_family(definition)

    def untyped(self, keyspace: Optional[str], name: str) -> FrozenSet[str]:
        """Which types of a family nobody gave: of 'key', 'name', 'super_name', 'value'."""
        improvised = self._improvised(keyspace, name)
        return frozenset() if improvised is None else improvised.untyped

    def indexed_on_demand(self, keyspace: Optional[str], name: str) -> Set[bytes]:
        """The packed names of the columns that are in the schema for the sake of an index made on demand only."""
        improvised = self._improvised(keyspace, name)
        return set() if improvised is None else improvised.indexed

    def _own_keyspace(self, name: Optional[str]) -> Optional[Keyspace]:
        """A keyspace that was made on demand."""
        found = self.engine.keyspaces.get(name or '')
        return found if found is not None and found in self._keyspaces else None

    def _family(self, keyspace: Optional[str], name: str) -> Optional[Family]:
        found = self.engine.keyspaces.get(keyspace or '')
        return None if found is None else found.families.get(name)

    def _improvised(self, keyspace: Optional[str], name: str) -> Optional[_Improvised]:
        with self.engine.lock:
            family = self._family(keyspace, name)
            return None if family is None else self._families.get(family)

    def forget_row(self, keyspace: Optional[str], name: str, key: bytes) -> None:
        """Take a row away by its packed key, leaving no trace of it, as no deletion does."""
        with self.engine.lock:
            family = self._family(keyspace, name)
            if family is None or key not in family.store.rows:
                return
            rows = dict(family.store.rows)
            del rows[key]
            family.store.clear()
            for each, row in rows.items():
                family.store.add(each, row)
            family.build_indexes()


def _definition(keyspace: str, name: str, types: Mapping[str, Any], is_super: bool) -> CfDef:
    def stored(attribute: str) -> Any:
        return marshal.type_string(types.get(attribute)) or None

    names = marshal.scalar_for(types.get('column_name_class') or AnyType())
    columns = [ColumnDef(name=names.pack(column), validation_class=marshal.type_string(kind))
               for column, kind in (types.get('column_validators') or {}).items()]
    comparator, subcomparator = stored('column_name_class'), None
    if is_super:
        comparator, subcomparator = stored('super_column_name_class'), comparator
    return CfDef(keyspace=keyspace, name=name, column_type='Super' if is_super else 'Standard',
                 comparator_type=comparator, subcomparator_type=subcomparator, column_metadata=columns,
                 key_validation_class=stored('key_validation_class'),
                 default_validation_class=stored('default_validation_class'))


# --- connections -----------------------------------------------------------------------------------------------------

class Door:
    """The connections that are open, and whether others are let in: what the switches of connections turn."""

    def __init__(self) -> None:
        self._connections: weakref.WeakValueDictionary[int, EngineConnection] = weakref.WeakValueDictionary()
        self._accepted = 0
        self._lock = threading.Lock()
        self._refusal: Optional[TTransportException] = None

    def admit(self, connection: 'EngineConnection') -> int:
        """The number of a new connection. Raises TTransportException where it is refused or ignored."""
        if self._refusal is not None:
            raise TTransportException(self._refusal.type, self._refusal.message)
        with self._lock:
            self._accepted += 1
            self._connections[self._accepted] = connection
            return self._accepted

    def refuse(self) -> None:
        """Refuse connections."""
        self._refusal = TTransportException(TTransportException.NOT_OPEN, 'connection refused')

    def ignore(self) -> None:
        """Let connections wait, until their time is over."""
        self._refusal = TTransportException(TTransportException.TIMED_OUT, 'nobody answers')

    def accept(self) -> None:
        """Let connections in."""
        self._refusal = None

    def disconnect(self, reset: bool, stalled_only: bool = False) -> int:
        """Close the connections that are open (of them those that wait for a stalled call); their number."""
        with self._lock:
            chosen = [each for each in list(self._connections.values())
                      if each.isOpen() and (each.is_stalled or not stalled_only)]
        for connection in chosen:
            connection.end()
        return len(chosen)

    def release(self) -> None:
        """Nothing to do: a call that is stalled has timed out already."""


class EngineConnection(TTransportBase):
    """In the place of a socket: what is written to it is served at once, and can be read."""

    def __init__(self, cluster: StubCluster, server: str) -> None:
        self.server = server
        self.is_stalled = False
        self._cluster = cluster
        self._session: Any = None
        self._number = 0
        self._requests = bytearray()
        self._replies = bytearray()
        self._seconds: Optional[float] = None

    def open(self) -> None:
        """Connect. Raises TTransportException where a fault switch says so."""
        self._number = self._cluster.door.admit(self)
        self._session = self._cluster.engine.session()

    def isOpen(self) -> bool:
        """From `open` until either side closes."""
        return self._session is not None

    def close(self) -> None:
        """Close, from the client's side."""
        self.end()
        self._replies.clear()

    def end(self) -> None:
        """Close, from the server's side: replies that were sent can still be read."""
        self._session, self.is_stalled = None, False

    def setTimeout(self, ms: Optional[float]) -> None:
        """How many milliseconds the client waits for a reply; None: for ever."""
        self._seconds = None if ms is None else ms / 1000.0

    def write(self, buf: bytes) -> None:
        """Send, and have whole frames served."""
        if self._session is None:
            raise TTransportException(TTransportException.NOT_OPEN, 'the connection was closed')
        self._requests += buf
        while self._session is not None and not self.is_stalled and len(self._requests) >= 4:
            length = int.from_bytes(self._requests[:4], 'big', signed=True)
            if not 0 < length <= MAX_FRAME_BYTES:
                self.end()
            elif len(self._requests) < 4 + length:
                break
            else:
                message = bytes(self._requests[4:4 + length])
                del self._requests[:4 + length]
                self._serve(message)

    def flush(self) -> None:
        """Nothing to do: `write` does not wait."""

    def read(self, sz: int) -> bytes:
        """Up to `sz` bytes of replies; none after the end. Raises TTransportException where no reply will come."""
        if not self._replies and self.isOpen():
            raise TTransportException(TTransportException.TIMED_OUT, 'timed out')
        part = bytes(self._replies[:sz])
        del self._replies[:sz]
        return part

    def _serve(self, message: bytes) -> None:
        cluster = self._cluster
        try:
            request = cluster.dispatcher.read(message, 0)
        except (Truncated, ProtocolError):
            self.end()
            return
        fault = None
        if cluster.faults.armed:
            fault = cluster.faults.take(Received(request.name, request.header.seqid, message, self._number))
        if fault is None:
            self._replies += cluster.dispatcher.execute(self._session, request)
        else:
            self._serve_badly(request, fault)

    def _serve_badly(self, request: Request, fault: Fault) -> None:
        if fault.stall and self._is_too_long(fault.hold):
            self.is_stalled = True
            return
        frame = b''
        if fault.error is not None or fault.applied:
            frame = self._cluster.dispatcher.execute(self._session, request, fault.error, fault.applied)
        if fault.delay and self._is_too_long(fault.delay):
            self.is_stalled = True
        elif fault.cut is not None:
            self._replies += frame[:fault.cut]
            self.end()
        else:
            self._replies += fault.alter(frame)

    def _is_too_long(self, seconds: Optional[float]) -> bool:
        return seconds is None or (self._seconds is not None and seconds >= self._seconds)
