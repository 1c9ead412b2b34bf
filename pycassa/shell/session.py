"""What a shell works on: its connections, the keyspace in use, and the variables that commands see."""
import sys
import types
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from thrift.transport.TTransport import TBufferedTransport

from pycassa import system_manager
from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthorizationException,
    CfDef,
    ConsistencyLevel,
    InvalidRequestException,
    KsDef,
    NotFoundException,
)
from pycassa.columnfamily import ColumnFamily
from pycassa.columnfamilymap import ColumnFamilyMap
from pycassa.errors import AllServersUnavailable, ConfigurationError, PycassaError, TransportError
from pycassa.index import EQ, GT, GTE, LT, LTE, create_index_clause, create_index_expression
from pycassa.pool import ConnectionPool
from pycassa.shell.describe import family_text, keyspace_text
from pycassa.shell.manager import Changed, ShellSystemManager, keyspace_of
from pycassa.shell.options import Settings
from pycassa.shell.variables import Variables

__all__ = ['Session', 'explain']

# More than one person keeps busy.
_MOST_CONNECTIONS = 5
_NAMES: Dict[str, Any] = {
    'AuthenticationException': AuthenticationException, 'AuthorizationException': AuthorizationException,
    'ColumnFamily': ColumnFamily, 'ColumnFamilyMap': ColumnFamilyMap, 'ConnectionPool': ConnectionPool,
    'ConsistencyLevel': ConsistencyLevel, 'EQ': EQ, 'GT': GT, 'GTE': GTE,
    'InvalidRequestException': InvalidRequestException, 'LT': LT, 'LTE': LTE, 'NotFoundException': NotFoundException,
    'create_index_clause': create_index_clause, 'create_index_expression': create_index_expression,
    # The package stands a floor above, and is there when a module of it is.
    'pycassa': sys.modules['pycassa'],
    **{name: getattr(system_manager, name) for name in system_manager.__all__},
}


def explain(error: BaseException) -> str:
    """An error in one line: its class where that says more than the text, and what is to be known of it."""
    text = ' '.join(str(getattr(error, 'why', None) or error).split())
    if isinstance(error, (ConfigurationError, TransportError, AllServersUnavailable)) and text:
        return text
    return f'{error.__class__.__name__}: {text}' if text else error.__class__.__name__


class Session:
    """Connects as `settings` say, and keeps the variables of a shell in step with the schema.

    `module` is the module that commands run in, `namespace` its dictionary. `say` is given what a user at a terminal
    should be told. Raises ConfigurationError for a keyspace that does not exist, AllServersUnavailable where no
    server can be reached, and what servers answer to the login.
    """

    def __init__(self, settings: Settings, say: Callable[[str], Any] = print) -> None:
        self._settings = settings
        self.say = say
        self.keyspace: Optional[str] = None
        self.pool: Optional[ConnectionPool] = None
        self._families: Dict[str, ColumnFamily] = {}
        self._variables = Variables()
        self._unusable: Dict[str, str] = {}
        self.module = types.ModuleType('__main__', 'The variables of the shell.')
        self.namespace: Dict[str, Any] = self.module.__dict__
        self.server, self.cluster, self.manager = _connect(settings, self._schema_changed)
        self.namespace.update(_NAMES, SYSTEM_MANAGER=self.manager, POOL=None, refresh=self.refresh, use=self.use,
                              describe_keyspace=self.describe_keyspace,
                              describe_column_family=self.describe_column_family)
        if settings.keyspace is not None:
            try:
                self._take(settings.keyspace)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close all connections."""
        self.manager.close()
        if self.pool is not None:
            self.pool.close()

    # --- what users call -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the schema again: families that are new get variables, those of dropped ones go.

        ColumnFamily objects stay the same ones, with their settings, and get the types that the schema has now.
        """
        if self.pool is None:
            self.say('No keyspace is in use: use(NAME) takes one.')
            return
        self._bind(self._read(self.pool).cf_defs)
        self.say(self.listing())

    def use(self, keyspace: str) -> None:
        """Work in another keyspace: its families become variables, and those of the one before go.

        What was given another name meanwhile goes on working. Raises ConfigurationError for one that does not exist.
        """
        self._take(keyspace)
        self.say(self.listing())

    def describe_keyspace(self, keyspace: Optional[str] = None) -> None:
        """Print the replication of a keyspace, and its column families; without a name, of the one in use."""
        name = self.keyspace if keyspace is None else keyspace
        if name is None:
            print('No keyspace is in use: describe_keyspace(NAME) describes one.')
            return
        try:
            print(keyspace_text(name, self.manager.get_keyspace_properties(name),
                                self.manager.get_keyspace_column_families(name)))
        except NotFoundException:
            print(f'Keyspace {name!r} does not exist.')

    def describe_column_family(self, family: Union[ColumnFamily, str], name: Optional[str] = None) -> None:
        """Print the options, types and columns of a column family.

        Given as a ColumnFamily, as two names (keyspace and family), or as one name in the keyspace in use.
        """
        keyspace, name = self._named(family, name)
        if keyspace is None:
            print('No keyspace is in use: describe_column_family(KEYSPACE, FAMILY) names one.')
            return
        try:
            definition = self.manager.get_keyspace_column_families(keyspace).get(name)
        except NotFoundException:
            definition = None
        if definition is None:
            print(f'Keyspace {keyspace!r} has no column family {name!r} that Thrift shows.')
        else:
            print(family_text(definition))

    def _named(self, family: Union[ColumnFamily, str], name: Optional[str]) -> Tuple[Optional[str], str]:
        if isinstance(family, ColumnFamily):
            return keyspace_of(family), str(family.column_family)
        return (self.keyspace, family) if name is None else (family, name)

    # --- what the banner tells -------------------------------------------------------------------------------

    def listing(self) -> str:
        """The column families of the keyspace in use, one in a line: the variable, and whose it is."""
        if self.keyspace is None:
            return 'No keyspace is in use, so no column family has a variable: use(NAME) takes one.'
        if not self._families and not self._unusable:
            return f'Keyspace {self.keyspace!r} has no column families that Thrift shows.'
        width = max((len(self._variables[family]) for family in self._families), default=0)
        lines = [f'  {self._variables[family]:<{width}}  {_shown(family)}{" (super columns)" if cf.super else ""}'
                 for family, cf in sorted(self._families.items())]
        lines += [f'  {_shown(family)} cannot be used: {reason}' for family, reason in sorted(self._unusable.items())]
        return '\n'.join([f'Column families of keyspace {self.keyspace!r}, by variable:', *lines])

    # --- keyspaces and families ------------------------------------------------------------------------------

    def _take(self, keyspace: str) -> None:
        pool = self._new_pool(keyspace)
        try:
            definition = self._read(pool)
        except BaseException:
            pool.dispose()
            raise
        self._leave()
        self.keyspace, self.pool = keyspace, pool
        self.namespace['POOL'] = pool
        self._bind(definition.cf_defs)

    def _leave(self) -> None:
        self._bind([])
        if self.pool is not None:
            self.pool.dispose()
        self.keyspace = self.pool = self.namespace['POOL'] = None

    def _new_pool(self, keyspace: str) -> ConnectionPool:
        settings = self._settings
        options: Dict[str, Any] = {} if settings.framed else {'transport_factory': _unframed}
        return ConnectionPool(keyspace, settings.servers, settings.credentials, settings.timeout,
                              pool_size=_MOST_CONNECTIONS, prefill=False, ssl_context=settings.ssl_context, **options)

    def _read(self, pool: ConnectionPool) -> KsDef:
        try:
            definition: KsDef = pool.execute('describe_keyspace', pool.keyspace)
            return definition
        except (InvalidRequestException, NotFoundException) as error:
            names = self.manager.list_keyspaces()
            if pool.keyspace in names:
                raise
            raise ConfigurationError(f'there is no keyspace {pool.keyspace!r}; there are: '
                                     f'{", ".join(sorted(names))}') from error

    def _bind(self, definitions: List[CfDef]) -> None:
        """Let variables stand for exactly the families that are defined."""
        defined = {definition.name: definition for definition in definitions}
        for family in [name for name in self._families if name not in defined]:
            self._unbind(family)
        self._unusable = {}
        for family, definition in defined.items():
            try:
                self._load(family, definition)
            except PycassaError as error:
                self._unusable[family] = explain(error)
                if family in self._families:
                    self._unbind(family)
        self._variables.assign(self._families, self.namespace)
        for family, cf in self._families.items():
            self.namespace[self._variables[family]] = cf

    def _load(self, family: str, definition: CfDef) -> None:
        cf = self._families.get(family)
        if cf is None:
            cf = ColumnFamily(_Definitions(self.pool, definition), family)
            cf.pool = self.pool
        else:
            cf._read_definition(definition)
        # What is wrong with its types is found now, and not at the first use.
        assert cf._family_layout
        self._families[family] = cf

    def _unbind(self, family: str) -> None:
        cf, variable = self._families.pop(family), self._variables.forget(family)
        if self.namespace.get(variable) is cf:
            del self.namespace[variable]

    def _schema_changed(self, keyspace: str, family: Optional[str]) -> None:
        """Follow a change that SYSTEM_MANAGER has made."""
        if keyspace != self.keyspace or self.pool is None:
            return
        if family is None:
            self._leave()
            self.say(f'Keyspace {keyspace!r} is gone, and its variables with it.')
            return
        before = self._variables[family] if family in self._variables else None
        try:
            self._bind(self._read(self.pool).cf_defs)
        except PycassaError as error:
            self.say(f'The schema was changed, but could not be read again ({explain(error)}): try refresh().')
            return
        self._tell(family, before)

    def _tell(self, family: str, before: Optional[str]) -> None:
        if family in self._families:
            what = 'is' if before is None else 'is, with its new definition,'
            self.say(f'{self._variables[family]} {what} column family {_shown(family)}.')
        elif family in self._unusable:
            self.say(f'Column family {_shown(family)} cannot be used: {self._unusable[family]}')
        elif before is not None:
            self.say(f'{before} is gone.')


class _Definitions:
    """A pool that has asked already: to read each family by itself costs the whole schema every time."""

    def __init__(self, pool: Optional[ConnectionPool], definition: CfDef) -> None:
        self.keyspace = definition.keyspace
        self.bytes_encoding = None if pool is None else pool.bytes_encoding
        self._definition = definition

    def execute(self, method: str, *arguments: Any) -> KsDef:
        return KsDef(name=self.keyspace, cf_defs=[self._definition])


def _connect(settings: Settings, changed: Changed) -> Tuple[str, str, ShellSystemManager]:
    """The first server that answers, the name of its cluster, and a manager connected to it."""
    failures = []
    for server in settings.servers:
        try:
            manager = ShellSystemManager(
                server, changed, credentials=settings.credentials, framed_transport=settings.framed,
                timeout=settings.timeout, ssl_context=settings.ssl_context)
        except TransportError as error:
            failures.append(explain(error))
            continue
        try:
            # That the port is open does not say that it is Cassandra's.
            return server, manager.describe_cluster_name(), manager
        except BaseException as error:
            manager.close()
            if not isinstance(error, TransportError):
                raise
            failures.append(explain(error))
    raise AllServersUnavailable(f'no server can be used: {"; ".join(failures)}')


def _unframed(tsocket: Any, host: str, port: int) -> TBufferedTransport:
    return TBufferedTransport(tsocket)


def _shown(family: str) -> str:
    return family if family.isidentifier() else repr(family)
