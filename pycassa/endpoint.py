"""What a column family works on: a connection pool, one connection, or a client; and the keyspace it is in.

Everything with the Thrift methods by their names (`describe_keyspace`, `get_slice`, ...) counts as a client;
what has `execute(method, *arguments)` instead is a pool.
"""
from typing import Any, NamedTuple, Optional

from pycassa.cassandra.ttypes import CfDef, NotFoundException
from pycassa.errors import ConfigurationError
from pycassa.operations import Call, Operations, ThriftOperations, call_by_objects

__all__ = ['Located', 'call', 'is_client', 'locate', 'not_found', 'operations_of']

SYSTEM_KEYSPACES = frozenset(('system', 'system_auth', 'system_distributed', 'system_schema', 'system_traces'))

# Set on a client whose keyspace was chosen by looking for a family, so that the next family is looked for as well.
_CHOSEN = '_keyspace_chosen_by_family'


class Located(NamedTuple):
    """Where a family is: its keyspace, whether that has to be selected before each call, and its definition."""

    keyspace: str
    select: bool
    definition: CfDef


def is_client(source: Any) -> bool:
    """Whether `source` is one connection or a client, and not a pool."""
    return hasattr(source, 'describe_keyspace')


def call(source: Any, method: str, *arguments: Any) -> Any:
    """Make the Thrift call `method` with the bindings' objects, through a client or any connection of a pool."""
    if is_client(source):
        return getattr(source, method)(*arguments)
    return source.execute(method, *arguments)


def not_found(why: str) -> NotFoundException:
    """A NotFoundException that says why, in its text and its attribute `why`."""
    error = NotFoundException()
    error.why = why
    return error


class _ByName:
    """Executor over a client of another make, which has no more than the Thrift methods."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def execute_call(self, request: Call) -> Any:
        return call_by_objects(request, lambda *arguments: call(self._source, request.method, *arguments))


class _InKeyspace:
    """Executor that makes each call in one keyspace: the client may serve families of several."""

    def __init__(self, client: Any, keyspace: str) -> None:
        self._client = client
        self._keyspace = keyspace
        self._executor = client if hasattr(client, 'execute_call') else _ByName(client)

    def execute_call(self, request: Call) -> Any:
        if hasattr(self._client, 'execute_call_in'):  # In one step, for clients that threads share.
            return self._client.execute_call_in(self._keyspace, request)
        if getattr(self._client, 'keyspace', None) != self._keyspace:
            self._client.set_keyspace(self._keyspace)
        return self._executor.execute_call(request)


def operations_of(source: Any, keyspace: Optional[str] = None) -> Operations:
    """The operations of a pool, connection or client; with `keyspace`, each call selects that first."""
    operations = getattr(source, 'operations', None)
    if keyspace is not None:
        limits = {} if operations is None else {'max_request_bytes': operations.max_request_bytes}
        return ThriftOperations(_InKeyspace(source, keyspace), **limits)
    if operations is not None:
        own: Operations = operations
        return own
    return ThriftOperations(source if hasattr(source, 'execute_call') else _ByName(source))


def locate(source: Any, family: str, keyspace: Optional[str] = None) -> Located:
    """Find a column family and its definition.

    It is looked for in `keyspace` if given, else in the keyspace of the pool or client, else (a client with none) in
    every keyspace that is not the server's own; the client then selects the one that has it.

    Raises NotFoundException, whose `why` tells the reason, and ConfigurationError where several keyspaces have the
    family, or a pool works in another keyspace than the one given.
    """
    own: Any = getattr(source, 'keyspace', None)
    if not is_client(source):
        if keyspace not in (None, own):
            raise ConfigurationError(f'column family {family!r}: the pool works in keyspace {own!r}, not in '
                                     f'{keyspace!r}; a pool serves the one keyspace that it was made with')
        if own is None:
            raise ConfigurationError(f'column family {family!r}: the pool was made without a keyspace')
        return Located(own, False, _definition(source, family, own))
    if keyspace is not None:
        return Located(keyspace, True, _definition(source, family, keyspace))
    if own is None or own == getattr(source, _CHOSEN, None):
        return _search(source, family)
    return Located(own, False, _definition(source, family, own))


def _definition(source: Any, family: str, keyspace: str) -> CfDef:
    try:
        definitions = call(source, 'describe_keyspace', keyspace).cf_defs
    except NotFoundException as error:
        error.why = f'column family {family!r}: the keyspace {keyspace!r} does not exist'
        raise
    found: Optional[CfDef] = next((each for each in definitions if each.name == family), None)
    if found is not None:
        return found
    names = ', '.join(sorted(definition.name for definition in definitions)) or 'none'
    raise not_found(f'keyspace {keyspace!r} has no column family {family!r} that Thrift can see; it sees: {names}. '
                    'A table made with CQL is seen only if it was created WITH COMPACT STORAGE')


def _search(client: Any, family: str) -> Located:
    keyspaces = [keyspace for keyspace in client.describe_keyspaces() if keyspace.name not in SYSTEM_KEYSPACES]
    found = [(keyspace.name, definition) for keyspace in keyspaces
             for definition in keyspace.cf_defs if definition.name == family]
    if len(found) > 1:
        names = ', '.join(sorted(name for name, _ in found))
        raise ConfigurationError(f'column family {family!r} is in several keyspaces ({names}) and the client has none '
                                 'selected: connect to one of them, as in connect(keyspace, servers)')
    if not found:
        names = ', '.join(sorted(keyspace.name for keyspace in keyspaces)) or 'none'
        raise not_found(f'no keyspace has a column family {family!r} that Thrift can see (keyspaces: {names})')
    name, definition = found[0]
    client.set_keyspace(name)
    setattr(client, _CHOSEN, name)
    return Located(name, True, definition)
