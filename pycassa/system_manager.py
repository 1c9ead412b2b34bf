"""Keyspaces, column families and indexes: what a cluster has, and changing it."""
import functools
import logging
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar, Union, cast

from pycassa import codec, marshal, types
from pycassa.cassandra.ttypes import (
    CfDef,
    ColumnDef,
    IndexType,
    KsDef,
    NotFoundException,
    SchemaDisagreementException,
    TokenRange,
)
from pycassa.connection import Connection, default_socket_factory, default_transport_factory
from pycassa.credentials import concealed
from pycassa.definitions import call_schema, describe_keyspace
from pycassa.errors import PackingError
from pycassa.types import CassandraType

# What `from pycassa.system_manager import *` gave in 1.11.
__all__ = [
    'ASCII_TYPE', 'BOOLEAN_TYPE', 'BYTES_TYPE', 'COUNTER_COLUMN_TYPE', 'CfDef', 'ColumnDef', 'Connection', 'DATE_TYPE',
    'DECIMAL_TYPE', 'DOUBLE_TYPE', 'FLOAT_TYPE', 'INT_TYPE', 'IndexType', 'KEYS_INDEX', 'KsDef', 'LEXICAL_UUID_TYPE',
    'LONG_TYPE', 'NETWORK_TOPOLOGY_STRATEGY', 'OLD_NETWORK_TOPOLOGY_STRATEGY', 'SIMPLE_STRATEGY',
    'SchemaDisagreementException', 'SystemManager', 'TIME_UUID_TYPE', 'UTF8_TYPE', 'default_socket_factory',
    'default_transport_factory',
]

SIMPLE_STRATEGY = 'SimpleStrategy'
NETWORK_TOPOLOGY_STRATEGY = 'NetworkTopologyStrategy'
OLD_NETWORK_TOPOLOGY_STRATEGY = 'OldNetworkTopologyStrategy'

KEYS_INDEX = IndexType.KEYS

BYTES_TYPE = types.BytesType()
LONG_TYPE = types.LongType()
INT_TYPE = types.IntegerType()
ASCII_TYPE = types.AsciiType()
UTF8_TYPE = types.UTF8Type()
TIME_UUID_TYPE = types.TimeUUIDType()
LEXICAL_UUID_TYPE = types.LexicalUUIDType()
COUNTER_COLUMN_TYPE = types.CounterColumnType()
DOUBLE_TYPE = types.DoubleType()
FLOAT_TYPE = types.FloatType()
DECIMAL_TYPE = types.DecimalType()
BOOLEAN_TYPE = types.BooleanType()
DATE_TYPE = types.DateType()

_LOCATOR = 'org.apache.cassandra.locator.'
_SAMPLE_PERIOD = 0.25
_UNREACHABLE = 'UNREACHABLE'

_TYPE_OPTIONS = frozenset(['comparator_type', 'subcomparator_type', 'default_validation_class',
                           'key_validation_class'])
_MAP_OPTIONS = frozenset(['compaction_strategy_options', 'compression_options', 'strategy_options'])
_THRESHOLDS = (('min_threshold', 'min_compaction_threshold'), ('max_threshold', 'max_compaction_threshold'))

_log = logging.getLogger('pycassa.system_manager')

# A type of names or values: an instance, a class without parameters, or a name as the server spells it.
TypeLike = Union[CassandraType, type, str]
Method = TypeVar('Method', bound=Callable[..., Any])


class UnknownColumnFamily(NotFoundException, KeyError):
    """The keyspace has no such column family (1.11 raised KeyError)."""

    def __str__(self) -> str:
        return str(self.why)


def _accept_replication_factor(method: Method) -> Method:
    """Let `method` take (name, replication_factor, replication_strategy, strategy_options) too, as before 1.2."""
    @functools.wraps(method)
    def with_older_form(self: 'SystemManager', name: str, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], int):
            kwargs['replication_factor'] = args[0]
            kwargs.update(zip(('replication_strategy', 'strategy_options'), args[1:]))
            args = ()
        return method(self, name, *args, **kwargs)
    return cast(Method, with_older_form)


class SystemManager:
    """Describes and changes the schema through one connection to one server.

    `timeout` is in seconds, for each call; `schema_agreement_timeout` too: after a change, the time to wait until all
    nodes that can be reached have it. Changes are never repeated on their own, because a repeated one fails or, worse,
    succeeds. A connection that failed is opened anew at the next call; after close() the manager is done.

    `framed_transport`, `socket_factory`, `transport_factory` and `connection_options`, such as ssl_context, are
    Connection's. Not for several threads at once.
    Raises TransportError (a TTransportException) where the server cannot be reached, AuthenticationException and
    AuthorizationException where it refuses the `credentials`.
    """

    def __init__(self, server: str = 'localhost:9160', credentials: Optional[Mapping[str, str]] = None,
                 framed_transport: bool = True, timeout: Optional[float] = 30,
                 socket_factory: Callable[..., Any] = default_socket_factory,
                 transport_factory: Callable[..., Any] = default_transport_factory, *,
                 schema_agreement_timeout: float = 10.0, **connection_options: Any) -> None:
        credentials = concealed(credentials)
        self.schema_agreement_timeout = schema_agreement_timeout
        self._connect = functools.partial(
            Connection, None, server, framed_transport, timeout, credentials, socket_factory, transport_factory,
            **connection_options)
        self._connection = self._connect()
        self._closed = False

    @property
    def _conn(self) -> Connection:
        if not self._closed and not (self._connection.is_open and self._connection.probe()):
            self._connection.close()
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Close the connection. Calls made afterwards raise TransportError."""
        self._closed = True
        self._connection.close()

    def __enter__(self) -> 'SystemManager':
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    # --- describing ------------------------------------------------------------------------------------------

    def get_keyspace_column_families(self, keyspace: str,
                                     use_dict_for_col_metadata: bool = False) -> Dict[str, CfDef]:
        """The definitions of the families of `keyspace`: {family name: CfDef}.

        A CfDef has None for what the server did not report. With `use_dict_for_col_metadata` its column_metadata
        is {packed column name: ColumnDef} instead of a list. Tables made by CQL are left out by the server, unless
        they are WITH COMPACT STORAGE. Raises NotFoundException for a keyspace that does not exist.
        """
        families = {family.name: family for family in describe_keyspace(self._conn, keyspace).cf_defs}
        if use_dict_for_col_metadata:
            for family in families.values():
                family.column_metadata = {column.name: column for column in family.column_metadata or ()}
        return families

    def get_keyspace_description(self, keyspace: str, use_dict_for_col_metadata: bool = False) -> Dict[str, CfDef]:
        """`get_keyspace_column_families` under its name of release 1.0."""
        return self.get_keyspace_column_families(keyspace, use_dict_for_col_metadata)

    def get_keyspace_properties(self, keyspace: str) -> Dict[str, Any]:
        """{'replication_strategy': full class name, 'strategy_options': {option: value}} of `keyspace`."""
        definition = describe_keyspace(self._conn, keyspace)
        return {'replication_strategy': definition.strategy_class, 'strategy_options': definition.strategy_options}

    def list_keyspaces(self) -> List[str]:
        """The names of all keyspaces, the system's own included."""
        return [keyspace.name for keyspace in self._conn.describe_keyspaces()]

    def describe_ring(self, keyspace: str) -> List[TokenRange]:
        """The token ranges of `keyspace` with their replicas; start_token is excluded, end_token included."""
        ring: List[TokenRange] = self._conn.describe_ring(keyspace)
        return ring

    def describe_token_map(self) -> Dict[str, str]:
        """{token: host} of the ring."""
        hosts: Dict[str, str] = self._conn.describe_token_map()
        return hosts

    def describe_cluster_name(self) -> str:
        """The cluster's name."""
        return str(self._conn.describe_cluster_name())

    def describe_version(self) -> str:
        """The version of the Thrift interface, '20.1.0' for Cassandra 2.2 to 3.11."""
        return str(self._conn.describe_version())

    def describe_schema_versions(self) -> Dict[str, List[str]]:
        """{schema version: [hosts that have it]}; hosts that cannot be reached are under 'UNREACHABLE'."""
        versions: Dict[str, List[str]] = self._conn.describe_schema_versions()
        return versions

    def describe_partitioner(self) -> str:
        """The partitioner's class name without its package, such as 'Murmur3Partitioner'."""
        return _simple_name(self._conn.describe_partitioner())

    def describe_snitch(self) -> str:
        """The snitch's class name without its package, such as 'SimpleSnitch'."""
        return _simple_name(self._conn.describe_snitch())

    # --- keyspaces -------------------------------------------------------------------------------------------

    @_accept_replication_factor
    def create_keyspace(self, name: str, replication_strategy: str = SIMPLE_STRATEGY,
                        strategy_options: Optional[Mapping[str, Any]] = None, durable_writes: bool = True,
                        **ks_kwargs: Any) -> None:
        """Create a keyspace.

        `strategy_options` is {'replication_factor': n} for SIMPLE_STRATEGY and {data centre: n, ...} for
        NETWORK_TOPOLOGY_STRATEGY. Without `durable_writes` the commit log is passed over. Further keywords are
        attributes of KsDef. The forms of older releases work too:
        create_keyspace(name, replication_factor[, replication_strategy[, strategy_options]]), and replication_factor
        as a keyword. Raises InvalidRequestException for a name that exists or that the server does not allow.
        """
        definition = KsDef(name=name, strategy_class=_strategy_class(replication_strategy), cf_defs=[],
                           durable_writes=durable_writes)
        self._set_options(definition, dict(ks_kwargs, strategy_options=dict(strategy_options or {})))
        _carry_replication_factor(definition, ks_kwargs.get('replication_factor'))
        self._change_schema('system_add_keyspace', definition)

    @_accept_replication_factor
    def alter_keyspace(self, keyspace: str, replication_strategy: Optional[str] = None,
                       strategy_options: Optional[Mapping[str, Any]] = None, durable_writes: Optional[bool] = None,
                       **ks_kwargs: Any) -> None:
        """Change the options of `keyspace` that are given; the others stay as they are.

        `replication_strategy`, `strategy_options` (replaced as a whole), `durable_writes` and further keywords are
        those of `create_keyspace`.
        Raises NotFoundException for a keyspace that does not exist.
        """
        definition = describe_keyspace(self._conn, keyspace)
        definition.cf_defs = []
        if replication_strategy is not None:
            definition.strategy_class = _strategy_class(replication_strategy)
        options = dict(ks_kwargs, strategy_options=strategy_options, durable_writes=durable_writes)
        self._set_options(definition, {name: value for name, value in options.items() if value is not None})
        _carry_replication_factor(definition, ks_kwargs.get('replication_factor'), overwrite=True)
        self._change_schema('system_update_keyspace', definition)

    def drop_keyspace(self, keyspace: str) -> None:
        """Drop `keyspace` with all that is in it."""
        self._change_schema('system_drop_keyspace', keyspace)

    # --- column families -------------------------------------------------------------------------------------

    def create_column_family(self, keyspace: str, name: str,
                             column_validation_classes: Union[Mapping[Any, TypeLike], bool, None] = None,
                             **cf_kwargs: Any) -> None:
        """Create the column family `name` in `keyspace`.

        `column_validation_classes` is {column name: type}, the names in the comparator's own form (subcolumn names
        in a super family). `super=True` makes a super family. Further keywords are attributes of CfDef:
        comparator_type, subcomparator_type, key_validation_class, default_validation_class, gc_grace_seconds,
        compression_options, ...; others are passed over with a warning in the log. A type is an instance or class of
        pycassa.types, or a name. What is not given is left to the server, but for what 1.11 sent too: the comparator
        BytesType, caching 'keys_only' and dclocal_read_repair_chance 0.0.

        Cassandra 3.x has flaws here. To a family created without any column definition it never adds a working index,
        to such a super family no definition at all: name the columns that may need one now. And it hides families of
        composite names that have column definitions from Thrift.

        Raises TypeError for what is no type, InvalidRequestException for what the server does not allow.
        """
        if isinstance(column_validation_classes, bool):  # the third argument was `super` up to 1.6
            cf_kwargs['super'] = column_validation_classes
            column_validation_classes = None
        # Defaults of newer interfaces than 1.11's that are not the servers' own.
        definition = CfDef(keyspace=keyspace, name=name, speculative_retry=None, cells_per_row_to_cache=None)
        if cf_kwargs.pop('super', False):
            cf_kwargs.setdefault('column_type', 'Super')
        self._set_options(definition, cf_kwargs)
        for column, value_type in (column_validation_classes or {}).items():
            _define_column(definition, column, value_type)
        self._change_schema('system_add_column_family', definition, keyspace)

    def alter_column_family(self, keyspace: str, column_family: str,
                            column_validation_classes: Optional[Mapping[Any, TypeLike]] = None,
                            **cf_kwargs: Any) -> None:
        """Change what is given of `column_family` in `keyspace`; all else stays as the server reports it.

        Keywords and types as for `create_column_family`. `column_validation_classes` adds or changes columns, and
        leaves the other columns alone. Cassandra 3.x passes over a change of default_validation_class.

        Raises NotFoundException (a KeyError too, as in 1.11) for a family that does not exist.
        """
        definition = self._definition(keyspace, column_family)
        cf_kwargs.pop('super', None)
        self._set_options(definition, cf_kwargs)
        if 'compaction_strategy_options' not in cf_kwargs:
            _drop_repeated_thresholds(definition, cf_kwargs)
        for column, value_type in (column_validation_classes or {}).items():
            _define_column(definition, column, value_type)
        self._change_schema('system_update_column_family', definition, keyspace)

    def drop_column_family(self, keyspace: str, column_family: str) -> None:
        """Drop `column_family` of `keyspace` with all its rows."""
        self._change_schema('system_drop_column_family', column_family, keyspace)

    def alter_column(self, keyspace: str, column_family: str, column: Any, value_type: TypeLike) -> None:
        """Set the type of the values of one column of `column_family` in `keyspace`; an index that it has stays.

        `value_type` is an instance or class of pycassa.types, or a name. `column` is in the comparator's form (a
        subcolumn's in a super family), or packed bytes. Stored values are not converted. Servers up to 2.2 close the
        connection where an indexed column would get a type of another order: drop the index first.
        """
        definition = self._definition(keyspace, column_family)
        _define_column(definition, column, value_type)
        self._change_schema('system_update_column_family', definition, keyspace)

    def create_index(self, keyspace: str, column_family: str, column: Any, value_type: TypeLike,
                     index_type: int = KEYS_INDEX, index_name: Optional[str] = None) -> None:
        """Index `column`, and set the type of its values; existing rows are indexed in the background.

        `keyspace`, `column_family`, `column` and `value_type` are those of `alter_column`, `index_type` is one of
        IndexType. Without `index_name` the server makes one of the family's and column's names. Super families cannot
        have indexes. Cassandra 3.x never fills an index of a family that was created without any column definition.
        """
        definition = self._definition(keyspace, column_family)
        defined = _define_column(definition, column, value_type)
        defined.index_type = index_type
        defined.index_name = index_name if index_name is not None else defined.index_name
        self._change_schema('system_update_column_family', definition, keyspace)

    def drop_index(self, keyspace: str, column_family: str, column: Any) -> None:
        """Drop the index of `column` of `column_family` in `keyspace`; its type stays.

        `column` is given as to `alter_column`. One without an index is left as it is.
        """
        definition = self._definition(keyspace, column_family)
        defined = _find_column(definition, _pack_column(definition, column))
        if defined is None or defined.index_type is None:
            _log.warning('drop_index: column %r of %s.%s has no index', column, keyspace, column_family)
            return
        defined.index_type = defined.index_name = defined.index_options = None
        self._change_schema('system_update_column_family', definition, keyspace)

    # --- changes and agreement -------------------------------------------------------------------------------

    def wait_for_schema_agreement(self, timeout: Optional[float] = None) -> bool:
        """Wait until all nodes that can be reached have one schema version; False when `timeout` seconds passed.

        None takes `schema_agreement_timeout`.
        """
        limit = self.schema_agreement_timeout if timeout is None else timeout
        end = time.monotonic() + limit
        while len(self._reachable_versions()) > 1:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_SAMPLE_PERIOD, left))
        return True

    def _reachable_versions(self) -> Dict[str, List[str]]:
        versions = self._conn.describe_schema_versions()
        return {version: hosts for version, hosts in versions.items() if version != _UNREACHABLE}

    def _change_schema(self, method: str, argument: Any, keyspace: Optional[str] = None) -> str:
        """Make a system_* call with `keyspace` selected, wait for agreement, return the new schema version.

        Servers before 1.2 refuse a change while nodes disagree: it is made again when they agree, or the server's
        SchemaDisagreementException is raised when the time is up.
        """
        end = time.monotonic() + self.schema_agreement_timeout
        while True:
            connection = self._conn
            if keyspace is not None:
                connection.set_keyspace(keyspace)
            try:
                version: str = call_schema(connection, method, argument)
                break
            except SchemaDisagreementException:
                left = end - time.monotonic()
                if left <= 0 or not self.wait_for_schema_agreement(left):
                    raise
        if not self.wait_for_schema_agreement():
            _log.warning('%s was applied, but after %g seconds the nodes still disagree on the schema: %r',
                         method, self.schema_agreement_timeout, self._reachable_versions())
        return version

    def _definition(self, keyspace: str, column_family: str) -> CfDef:
        families = self.get_keyspace_column_families(keyspace)
        if column_family not in families:
            error = UnknownColumnFamily()
            error.why = (f'keyspace {keyspace!r} has no column family {column_family!r} that Thrift shows; '
                         f'it has {sorted(families)}')
            raise error
        return families[column_family]

    def _set_options(self, definition: Any, options: Mapping[str, Any]) -> None:
        """Set attributes of a definition. Those it does not have are passed over, as 1.11 did, but not silently."""
        known = {spec[2] for spec in definition.thrift_spec if spec is not None}
        for name, value in options.items():
            if name not in known:
                _log.warning('%s has no attribute %r: passed over', type(definition).__name__, name)
            elif name in _TYPE_OPTIONS:
                setattr(definition, name, _type_name(value))
            elif name in _MAP_OPTIONS and value is not None:
                setattr(definition, name, {str(key): _option_text(item) for key, item in value.items()})
            elif name == 'key_alias' and isinstance(value, str):
                definition.key_alias = value.encode()
            else:
                setattr(definition, name, value)


# --- names of classes --------------------------------------------------------------------------------------------

def _simple_name(class_name: str) -> str:
    return class_name.rpartition('.')[2]


def _strategy_class(name: str) -> str:
    return name if '.' in name else _LOCATOR + name


def _type_name(value: Any) -> Optional[str]:
    """The server's full name of a type in any form. None and '' mean the server's default."""
    if value in (types.CompositeType, types.DynamicCompositeType):
        raise TypeError(f'{value.__name__} needs its components: give an instance, such as '
                        'CompositeType(LongType(), UTF8Type())')
    return marshal.type_string(value) or None


def _option_text(value: Any) -> str:
    """Options travel as text, and Java spells its booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _carry_replication_factor(definition: KsDef, factor: Optional[int], overwrite: bool = False) -> None:
    """Put the factor where servers since 1.2 look for it: they ignore the field of KsDef."""
    if factor is None or _simple_name(definition.strategy_class) != SIMPLE_STRATEGY:
        return
    options = dict(definition.strategy_options or {})
    if overwrite or 'replication_factor' not in options:
        options['replication_factor'] = str(factor)
    definition.strategy_options = options


# --- columns of a definition -------------------------------------------------------------------------------------

def _pack_column(definition: CfDef, column: Any) -> bytes:
    """The packed name of a column (a subcolumn of a super family). Bytes are taken as packed already."""
    if isinstance(column, (bytes, bytearray, memoryview)):
        return bytes(column)
    is_super = definition.column_type == 'Super'
    comparator = (definition.subcomparator_type if is_super else definition.comparator_type) or 'BytesType'
    try:
        return marshal.scalar_for(comparator).pack(column)
    except codec.PACK_ERRORS as error:
        raise PackingError(f'column name {column!r} ({type(column).__name__}) of family {definition.name!r} cannot be '
                           f'packed as {_simple_name(comparator)}: {error}') from error


def _find_column(definition: CfDef, packed: bytes) -> Optional[ColumnDef]:
    columns: List[ColumnDef] = definition.column_metadata or []
    return next((column for column in columns if column.name == packed), None)


def _define_column(definition: CfDef, column: Any, value_type: TypeLike) -> ColumnDef:
    """The definition of `column` with the given type of values: the one that is there, or a new one."""
    type_name = _type_name(value_type)
    if type_name is None:
        raise TypeError(f'column {column!r} of family {definition.name!r} needs a type for its values')
    packed = _pack_column(definition, column)
    found = _find_column(definition, packed)
    if found is None:
        found = ColumnDef(name=packed, validation_class=type_name)
        definition.column_metadata = [*(definition.column_metadata or ()), found]
    found.validation_class = type_name
    return found


def _drop_repeated_thresholds(definition: CfDef, changes: Mapping[str, Any]) -> None:
    """Take the compaction thresholds out of the options of the compaction strategy, where a field has them too.

    Cassandra 3.x reports them in both places, prefers the options, and refuses them for other strategies: sent back,
    they would undo the change of a field, and stand in the way of a change of strategy.
    """
    options = dict(definition.compaction_strategy_options or {})
    if not options:
        return
    for option, field in _THRESHOLDS:
        if field in changes or options.get(option) == str(getattr(definition, field)):
            options.pop(option, None)
    definition.compaction_strategy_options = options
