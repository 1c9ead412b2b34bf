"""A cluster without a server: the embedded server's engine in the process of the tests."""
import threading
import time
import weakref
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Set

from pycassa import marshal
from pycassa.cassandra.ttypes import CfDef, ColumnDef, IndexType, KsDef
from pycassa.contrib.anytype import AnyType
from pycassa.contrib.enginelink import Door, EngineConnection
from pycassa.embedded.demo import create_demo
from pycassa.embedded.dispatch import Dispatcher
from pycassa.embedded.engine import Engine
from pycassa.embedded.faults import Faults
from pycassa.embedded.profiles import DEFAULT_PROFILE
from pycassa.embedded.profiles import profile as profile_named
from pycassa.embedded.schema import Family, Keyspace
from pycassa.errors import ConfigurationError
from pycassa.runtime import Runtime

__all__ = ['StubCluster']

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
        #: What a pool asks of the world, its time being the cluster's: a pause between attempts takes none.
        self.runtime = Runtime(clock=lambda: time.monotonic() + self._ahead, sleep=self.advance)
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

    def connect(self, host: str = 'stub', port: int = 9160) -> EngineConnection:
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
        """Move the cluster's clock ahead by so many seconds.

        Columns expire by it, ColumnFamilyStub takes its timestamps from it, and ConnectionPoolStub's pauses are over.
        """
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

    def column_families(self) -> Dict[str, Dict[str, Any]]:
        """{name: {'keyspace': name, 'columns': {name: type's name}, 'indexes': {the same of the indexed ones}}}."""
        found = {}
        with self.engine.lock:
            for keyspace in self.engine.keyspaces.values():
                for name, family in keyspace.families.items():
                    found[name] = dict(self._described_columns(keyspace.name, family), keyspace=keyspace.name)
        return found

    def _described_columns(self, keyspace: str, family: Family) -> Dict[str, Any]:
        kind = AnyType() if 'name' in self.untyped(keyspace, family.name) else family.column_type.full_name
        unpack = marshal.scalar_for(kind).unpack
        columns = {unpack(name): column for name, column in family.definition.columns.items()}
        types = {name: marshal.extract_type_name(column.type.full_name) for name, column in columns.items()}
        return {'columns': types,
                'indexes': {name: types[name] for name, column in columns.items() if column.index_type is not None}}

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
