"""Stand-ins for tests of jobs: the classes of pycassa without a server, with a server's semantics.

They are the real classes, over the engine of the embedded server in the same process: no socket, no thread. A test puts
them in the place of the others, and what the job calls behaves as it does on Cassandra:

    >>> from pycassa.contrib.stubs import ColumnFamilyStub, ConnectionPoolStub
    >>> users = ColumnFamilyStub(ConnectionPoolStub('Shop'), 'Users')
    >>> stamp = users.insert('jsmith', {'age': 33})
    >>> users.get('jsmith')
    {'age': 33}

No schema is needed: see ColumnFamilyStub. To test a job against its own schema, make that by SystemManagerStub, on the
same StubCluster. docs/testing.md tells more. (Release 1.11 had the first three; theirs were dictionaries.)
"""
from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Type

from pycassa.columnfamily import ColumnFamily, gm_timestamp
from pycassa.columnfamilymap import ColumnFamilyMap
from pycassa.connection import default_socket_factory, default_transport_factory
from pycassa.contrib.anytype import AnyType
from pycassa.contrib.cluster import StubCluster
from pycassa.contrib.rows import Rows
from pycassa.credentials import concealed
from pycassa.index import EQ
from pycassa.pool import DEFAULT_SERVER_LIST, ConnectionPool, ServerList
from pycassa.system_manager import SystemManager
from pycassa.types import CassandraType, CounterColumnType, UTF8Type

__all__ = ['AnyType', 'ColumnFamilyMapStub', 'ColumnFamilyStub', 'ConnectionPoolStub', 'StubCluster',
           'SystemManagerStub']

DEFAULT_KEYSPACE = 'Stubs'
DEFAULT_COLUMN_FAMILY = 'Stub'

_TYPES = ('key_validation_class', 'column_name_class', 'super_column_name_class', 'default_validation_class',
          'column_validators')


class ConnectionPoolStub(ConnectionPool):
    """A ConnectionPool whose connections lead to `cluster`, whatever servers it is given.

    The parameters are ConnectionPool's; `socket_factory`, `transport_factory` and `ssl_context` have no effect. Without
    `cluster` it is StubCluster.current(). The keyspace is made if it is not there. Pauses after failures take no time.

    `column_families` is {name: ColumnFamilyStub}, the stub made last for each family on this pool. (Release 1.11.)
    """

    def __init__(self, keyspace: Optional[str] = DEFAULT_KEYSPACE, server_list: ServerList = DEFAULT_SERVER_LIST,
                 credentials: Optional[Mapping[str, str]] = None, timeout: Optional[float] = 0.5,
                 use_threadlocal: bool = True, pool_size: int = 5, prefill: bool = True,
                 socket_factory: Callable[..., Any] = default_socket_factory,
                 transport_factory: Callable[..., Any] = default_transport_factory, *,
                 cluster: Optional[StubCluster] = None, **options: Any) -> None:
        self.cluster = cluster or StubCluster.current()
        self.column_families: Dict[str, ColumnFamilyStub] = {}
        if keyspace is not None:
            self.cluster.provide_keyspace(keyspace)
        options.pop('ssl_context', None)
        options.setdefault('runtime', self.cluster.runtime)
        credentials = concealed(credentials)
        ConnectionPool.__init__(self, keyspace, server_list, credentials, timeout, use_threadlocal, pool_size, prefill,
                                self.cluster.connect, **options)

    def _settings(self) -> Dict[str, Any]:
        return dict(ConnectionPool._settings(self), cluster=self.cluster)


class SystemManagerStub(SystemManager):
    """A SystemManager of `cluster`, whatever server it is given.

    The parameters are SystemManager's; those that say how to connect have no effect. Without `cluster` it is
    StubCluster.current().
    """

    def __init__(self, server: str = 'localhost:9160', credentials: Optional[Mapping[str, str]] = None,
                 framed_transport: bool = True, timeout: Optional[float] = 30,
                 socket_factory: Callable[..., Any] = default_socket_factory,
                 transport_factory: Callable[..., Any] = default_transport_factory, *,
                 cluster: Optional[StubCluster] = None, **options: Any) -> None:
        self.cluster = cluster or StubCluster.current()
        options.pop('ssl_context', None)
        credentials = concealed(credentials)
        SystemManager.__init__(self, server, credentials, True, timeout, self.cluster.connect, **options)

    def create_keyspace(self, name: str, *args: Any, **kwargs: Any) -> None:
        """SystemManager's, which also takes over a keyspace that was made on demand and has no families yet.

        From then on, families that are missing in it are NotFoundException, as on a server.
        """
        withdrawn = self.cluster.withdraw_keyspace(name)
        try:
            SystemManager.create_keyspace(self, name, *args, **kwargs)
        except BaseException:
            if withdrawn:
                self.cluster.provide_keyspace(name)
            raise

    def create_column_family(self, keyspace: str, name: str, *args: Any, **kwargs: Any) -> None:
        """SystemManager's, in a keyspace that is made if it is not there."""
        self.cluster.provide_keyspace(keyspace)
        SystemManager.create_column_family(self, keyspace, name, *args, **kwargs)

    @property
    def column_families(self) -> Dict[str, Dict[str, Any]]:
        """{name: {'keyspace': its keyspace, 'columns': {name: type}, 'indexes': {name: type}}} of all families.

        Types are names, to which instances of pycassa.types are equal. (Release 1.11.)
        """
        return self.cluster.column_families()


class ColumnFamilyStub(ColumnFamily):
    """A ColumnFamily of a ConnectionPoolStub; without `pool`, of one of its own.

    `rows` is {key: {name: (value, timestamp)}} to begin with; values that are no such pairs are written now. The other
    parameters are ColumnFamily's.

    In a keyspace that the pool has made, a family that is missing is made too, of the types given as keywords
    (`key_validation_class`, `column_name_class`, `super_column_name_class`, `default_validation_class`,
    `column_validators`; `super=True` for super columns). What has no type there is AnyType: any key, name and value
    comes back as it went in, and get_indexed_slices finds indexes where it needs them. In a keyspace that was made by
    SystemManagerStub.create_keyspace, only the families that it has are there.

    All stubs of one name on one cluster and keyspace share their rows. Timestamps are StubCluster.timestamp's, unless
    told otherwise. Raises TypeError for a pool that is no stub, and what ColumnFamily raises. (Release 1.11.)
    """

    # What the constructor was told of the family's types, by the names of the attributes, and whether it is super.
    _known: Mapping[str, Any] = {}
    _wants_super = False

    def __init__(self, pool: Any = None, column_family: Any = None, rows: Any = None, *args: Any,
                 **options: Any) -> None:
        if rows is not None and not isinstance(rows, Mapping):
            args, rows = (rows, *args), None  # ColumnFamily's positional arguments of older releases.
        self._note_types(options)
        pool, column_family = _or_defaults(pool, column_family, options)
        ColumnFamily.__init__(self, pool, column_family, *args, **options)
        self._take_timestamps()
        self._pool_stub.column_families[self.column_family] = self
        if rows:
            self.rows.update(rows)

    def _note_types(self, options: Mapping[str, Any], known: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Keep what is known of the family's types for the case that it has to be made."""
        self._known = dict(known, **{name: options[name] for name in _TYPES if options.get(name) is not None})
        self._wants_super = bool(options.get('super'))

    def _take_timestamps(self) -> None:
        if self.timestamp is gm_timestamp:
            self.timestamp = self._cluster.timestamp

    # --- where it is -----------------------------------------------------------------------------------------

    @property
    def _pool_stub(self) -> ConnectionPoolStub:
        pool = getattr(self.pool, '_pool', self.pool)
        if not isinstance(pool, ConnectionPoolStub):
            raise TypeError(f'{type(self).__name__} {self.column_family!r} needs a ConnectionPoolStub, or a connection '
                            f'of one, not {type(self.pool).__name__}')
        return pool

    @property
    def _cluster(self) -> StubCluster:
        return self._pool_stub.cluster

    @property
    def _place_on_cluster(self) -> Tuple[Optional[str], str]:
        return self._keyspace or self.pool.keyspace, self.column_family

    def load_schema(self) -> None:
        """Read the definition of the family again, as ColumnFamily does; make the family first if it is not there."""
        self._cluster.provide_family(*self._place_on_cluster, self._known, self._wants_super)
        super().load_schema()

    def _read_definition(self, definition: Any) -> None:
        super()._read_definition(definition)
        untyped = {slot for slot in self._cluster.untyped(*self._place_on_cluster) if _is_bytes(self._types[slot])}
        self._types.update({slot: AnyType() for slot in untyped})
        if 'value' in untyped:
            validators = self._validators.type_map
            for name in self._cluster.indexed_on_demand(*self._place_on_cluster) & validators.keys():
                if _is_bytes(validators[name]):
                    del validators[name]

    # --- what differs from ColumnFamily ----------------------------------------------------------------------

    def get_indexed_slices(self, index_clause: Any, *args: Any, **kwargs: Any) -> Any:
        """As on a server; where the family was made on demand, the columns tested for equality are indexed first."""
        if not self.super:
            names = [self._pack_name(each.column_name) for each in index_clause.expressions if each.op == EQ]
            self._cluster.provide_indexes(*self._place_on_cluster, [name for name in names if name])
        return super().get_indexed_slices(index_clause, *args, **kwargs)

    @property
    def rows(self) -> Rows:
        """{key: {name: (value, timestamp)}} of what a read shows now; it can be changed, and assigned as a whole."""
        return Rows(self)

    @rows.setter
    def rows(self, rows: Mapping[Any, Mapping[Any, Any]]) -> None:
        held = {key: dict(columns) for key, columns in rows.items()}
        self.rows.clear()
        self.rows.update(held)

    def __len__(self) -> int:
        """The number of rows that have a column."""
        return len(self.rows)

    def __bool__(self) -> bool:
        """True: it is a column family, with or without rows."""
        return True

    def __contains__(self, key: Any) -> bool:
        """Whether row `key` has a column."""
        return ColumnFamily.get_count(self, key, max_count=1) > 0

    def send(self) -> None:
        """Nothing: `batch` gives a batch of its own, whose `send` sends. Release 1.11's gave the stub itself."""

    def forget_row(self, key: Any) -> None:
        """Take a row away without a trace; a deletion would hide what is written with older timestamps later."""
        self._cluster.forget_row(*self._place_on_cluster, self._pack_key(key))


class ColumnFamilyMapStub(ColumnFamilyStub, ColumnFamilyMap):
    """A ColumnFamilyMap of a ConnectionPoolStub; without `pool`, of one of its own.

    The parameters are ColumnFamilyMap's, and it also goes over a ColumnFamilyStub. A family that is missing is made as
    ColumnFamilyStub makes it; its names are text, and its key and columns have the types of `cls`. `rows` are columns
    here too, not instances. (Release 2.0.)
    """

    def __init__(self, cls: Type[Any], pool: Any = None, column_family: Any = None, raw_columns: Any = False,
                 columns: Any = None, **kwargs: Any) -> None:
        if not isinstance(pool, ColumnFamily) and not isinstance(column_family, ColumnFamily):
            self._note_types(kwargs, _types_of(cls))
            pool, column_family = _or_defaults(pool, column_family, kwargs)
        ColumnFamilyMap.__init__(self, cls, pool, column_family, raw_columns, columns, **kwargs)
        self._take_timestamps()


def _is_bytes(kind: str) -> bool:
    """Whether a type of the schema is the one of what has no type: the family may have been altered since."""
    return kind.rpartition('.')[2] == 'BytesType'


def _or_defaults(pool: Any, column_family: Any, options: Mapping[str, Any]) -> Tuple[Any, Any]:
    """The pool and the name of a family: a pool of its own where there is none, under any of its names."""
    if pool is None and not {'client', 'keyspace'} & options.keys():
        pool = ConnectionPoolStub()
    return pool, DEFAULT_COLUMN_FAMILY if column_family is None else column_family


def _types_of(cls: Type[Any]) -> Dict[str, Any]:
    """What a mapped class tells of the family that its instances are stored in."""
    attributes = {name: getattr(cls, name) for name in dir(cls)}
    types: Dict[str, Any] = {name: kind for name, kind in attributes.items()
                             if isinstance(kind, CassandraType) and not isinstance(kind, CounterColumnType)}
    key = types.pop('key', None)
    return {'column_name_class': UTF8Type(), 'column_validators': types, 'key_validation_class': key}
