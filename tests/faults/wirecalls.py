"""Every call of the Thrift interface, with arguments, and a reply of each kind that it may have, from its own bindings.

Two ways lead to the server: a connection's own methods, which read by the bindings, all 45 of them; and a column
family over a pool, whose replies the codec reads, and in the compiled twin receives.
"""
import inspect
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from player import REPLY
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

import pycassa
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    CfDef,
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    CounterSuperColumn,
    InvalidRequestException,
    KeySlice,
    KsDef,
    SuperColumn,
)
from pycassa.connection import Connection
from pycassa.errors import MaximumRetryException
from pycassa.index import create_index_clause, create_index_expression

__all__ = ['Case', 'DirectClient', 'METHODS', 'OPENING', 'PoolClient', 'cases', 'lengths_in', 'opening_bodies']

KEYSPACE = 'Promises'
FAMILIES = ('Standard', 'Super', 'Counters')
METHODS = sorted(name for name, _ in inspect.getmembers(Cassandra.Iface, inspect.isfunction))

# Calls that a pool or a column family makes to begin with.
OPENING = ('set_keyspace', 'describe_keyspace')

_SIZES = {TType.BOOL: 1, TType.BYTE: 1, TType.DOUBLE: 8, TType.I16: 2, TType.I32: 4, TType.I64: 8}
_NUMBERS = {TType.BOOL: True, TType.BYTE: 1, TType.DOUBLE: 1.5, TType.I16: 2, TType.I32: 3, TType.I64: 4}


def body_of(struct: Any) -> bytes:
    """A struct as thrift's pure protocol writes it."""
    protocol = TBinaryProtocol(TMemoryBuffer())
    struct.write(protocol)
    return protocol.trans.getvalue()


# --- values by the bindings' own tables ----------------------------------------------------------------------------

def value_of(kind: int, details: Any) -> Any:
    """A value of a Thrift type, with every field of every struct in it."""
    if kind == TType.STRING:
        return 'text' if details == 'UTF8' else b'bytes'
    if kind == TType.STRUCT:
        return full(details[0])
    if kind in (TType.LIST, TType.SET):
        return [value_of(details[0], details[1])] * 2
    if kind == TType.MAP:
        return {value_of(details[0], details[1]): value_of(details[2], details[3])}
    return _NUMBERS[kind]


def fields_of(kind: Any) -> List[Tuple[str, Any]]:
    """(name, a value) of every field of a struct of the bindings."""
    return [(field[2], value_of(field[1], field[3])) for field in kind.thrift_spec if field]


def full(kind: Any) -> Any:
    return kind(**dict(fields_of(kind)))


def results_of(method: str) -> Iterator[Tuple[str, bytes]]:
    """(what, body) of every result that the interface lets a call have: its value or nothing, and each exception."""
    kind = getattr(Cassandra, f'{method}_result')
    fields = fields_of(kind)
    if 'success' not in dict(fields):
        yield 'nothing', body_of(kind())
    for name, value in fields:
        yield ('value' if name == 'success' else type(value).__name__), body_of(kind(**{name: value}))


def bare(error: Any) -> Any:
    """An error without the frames that it came through, and what these have received."""
    known = error
    while known is not None:
        known.__traceback__ = None
        known = known.__cause__ or known.__context__
    return error


# --- clients -------------------------------------------------------------------------------------------------------

class DirectClient:
    """A connection, opened anew for the call after one that closed it."""

    def __init__(self, address: str, timeout: float) -> None:
        self.address, self.timeout = address, timeout
        self.connection: Any = None

    def attempt(self, call: Callable[[Any], Any]) -> Any:
        """The error that the call ends in, None if in none."""
        if not self.is_open():
            self.connection = Connection(None, self.address, timeout=self.timeout, connect_timeout=10,
                                         schema_timeout=self.timeout)
        # A keyspace that is selected is not asked for again.
        self.connection.keyspace = None
        try:
            call(self.connection)
        except Exception as error:  # noqa: BLE001  (what comes out is what is looked at)
            return bare(error)
        return None

    def is_open(self) -> bool:
        return self.connection is not None and self.connection.is_open

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


class PoolClient:
    """Column families over a pool of one connection that tries nothing twice."""

    def __init__(self, address: str, timeout: float) -> None:
        self.pool = pycassa.ConnectionPool(KEYSPACE, [address], timeout=10, pool_size=1, max_retries=0, prefill=False,
                                           host_backoff=(0.0, 0.0))
        self.standard, self.supers, self.counters = (pycassa.ColumnFamily(self.pool, name) for name in FAMILIES)
        self.pool.dispose()
        self.pool.timeout = self.pool.schema_timeout = timeout

    def attempt(self, call: Callable[[Any], Any]) -> Any:
        """The error of the one attempt that the call makes, None if in none."""
        try:
            call(self)
        except MaximumRetryException as error:
            assert len(error.attempts) == 1, error
            return bare(bare(error).attempts[0][1])
        except Exception as error:  # noqa: BLE001  (what comes out is what is looked at)
            return bare(error)
        return None

    def is_open(self) -> bool:
        counts = self.pool.counts()
        assert counts.checked_out == 0, counts
        return counts.idle > 0

    def close(self) -> None:
        self.pool.dispose()


# --- calls ---------------------------------------------------------------------------------------------------------

class Case(NamedTuple):
    """A call of a client of the class `way`, and one reply that it may have: the body of a message of type `kind`."""

    name: str
    way: Any
    call: Callable[[Any], Any]
    method: str
    body: bytes
    kind: int = REPLY


def cases() -> List[Case]:
    """Every call by both ways, with every reply."""
    return [*_direct_cases(), *_pool_cases()]


def _direct_cases() -> Iterator[Case]:
    error = body_of(TApplicationException(TApplicationException.INTERNAL_ERROR, 'text'))
    for method in METHODS:
        arguments = [value for _, value in fields_of(getattr(Cassandra, f'{method}_args'))]

        def call(connection: Any, method: str = method, arguments: List[Any] = arguments) -> Any:
            return getattr(connection, method)(*arguments)

        for what, body in results_of(method):
            yield Case(f'{method}, {what}', DirectClient, call, method, body)
        yield Case(f'{method}, application error', DirectClient, call, method, error, TMessageType.EXCEPTION)


def _members() -> Dict[str, List[ColumnOrSuperColumn]]:
    columns = [Column(b'one', b'1', 5), Column(b'two', b'22', 6, 7)]
    counters = [CounterColumn(b'one', 1), CounterColumn(b'two', -2)]
    return {'standard': [ColumnOrSuperColumn(column=column) for column in columns],
            'supers': [ColumnOrSuperColumn(super_column=SuperColumn(b'S', columns))] * 2,
            'counters': [ColumnOrSuperColumn(counter_column=counter) for counter in counters],
            'counter supers': [ColumnOrSuperColumn(counter_super_column=CounterSuperColumn(b'S', counters))]}


def _pool_cases() -> Iterator[Case]:
    for kind, members in _members().items():
        family = kind.replace('counter supers', 'supers')
        rows = [KeySlice(b'a', members), KeySlice(b'b', [])]
        results = {'get': members[0], 'get_slice': members, 'multiget_slice': {b'a': members, b'b': []},
                   'get_range_slices': rows, 'get_indexed_slices': rows, 'get_multi_slice': members}
        # Only standard families have indexes.
        for name, method, call in _READS if family == 'standard' else _READS[:-1]:
            yield _pool_case(f'{name} of {kind}', method, call, family, success=results[method])
    for name, method, call, family, result in _OTHERS:
        yield _pool_case(name, method, call, family, **result)
        yield _pool_case(f'{name}, refused', method, call, family, ire=InvalidRequestException('text'))


def _pool_case(name: str, method: str, call: Callable[[Any], Any], family: str, **result: Any) -> Case:
    body = body_of(getattr(Cassandra, f'{method}_result')(**result))
    return Case(name, PoolClient, lambda client: call(getattr(client, family)), method, body)


_CLAUSE = create_index_clause([create_index_expression(b'one', b'1')])

_READS: List[Tuple[str, str, Callable[[Any], Any]]] = [
    ('get', 'get_slice', lambda family: family.get('a')),
    ('get with details', 'get_slice', lambda family: family.get('a', include_timestamp=True)),
    ('get of one column', 'get', lambda family: family.get('a', columns=[b'one'])),
    ('xget', 'get_slice', lambda family: list(family.xget('a'))),
    ('multiget', 'multiget_slice', lambda family: family.multiget(['a', 'b'])),
    ('get_range', 'get_range_slices', lambda family: list(family.get_range())),
    ('get_indexed_slices', 'get_indexed_slices', lambda family: list(family.get_indexed_slices(_CLAUSE))),
]


def _sent(family: Any) -> None:
    with family.batch() as batch:
        batch.insert('a', {b'one': b'1'})
        batch.remove('b')


_OTHERS: List[Tuple[str, str, Callable[[Any], Any], str, Dict[str, Any]]] = [
    ('get_count', 'get_count', lambda family: family.get_count('a'), 'standard', {'success': 5}),
    ('multiget_count', 'multiget_count', lambda family: family.multiget_count(['a', 'b']), 'standard',
     {'success': {b'a': 1, b'b': 2}}),
    ('insert', 'batch_mutate', lambda family: family.insert('a', {b'one': b'1', b'two': b'2'}), 'standard', {}),
    ('a batch', 'batch_mutate', _sent, 'standard', {}),
    ('remove', 'batch_mutate', lambda family: family.remove('a'), 'standard', {}),
    ('add', 'add', lambda family: family.add('a', b'one'), 'counters', {}),
    ('remove_counter', 'remove_counter', lambda family: family.remove_counter('a', b'one'), 'counters', {}),
    ('truncate', 'truncate', lambda family: family.truncate(), 'standard', {}),
]


def opening_bodies() -> Dict[str, bytes]:
    """The results of the calls that a client begins with."""
    kinds = {'Standard': ('Standard', 'BytesType'), 'Super': ('Super', 'BytesType'),
             'Counters': ('Standard', 'CounterColumnType')}
    families = [CfDef(KEYSPACE, name, column_type=kind, comparator_type='BytesType', subcomparator_type='BytesType',
                      default_validation_class=values, key_validation_class='UTF8Type')
                for name, (kind, values) in kinds.items()]
    keyspace = KsDef(KEYSPACE, 'SimpleStrategy', cf_defs=families)
    return {'describe_keyspace': body_of(Cassandra.describe_keyspace_result(success=keyspace))}


# --- lengths -------------------------------------------------------------------------------------------------------

def lengths_in(body: bytes) -> List[int]:
    """Where in a body of a message the lengths of strings and the counts of lists, sets and maps stand."""
    found: List[int] = []
    end = _walk(TType.STRUCT, body, 0, found)
    assert end == len(body)
    return found


def _walk(kind: int, body: bytes, place: int, found: List[int]) -> int:
    """Where the value at `place` ends."""
    if kind in _SIZES:
        return place + _SIZES[kind]
    if kind == TType.STRUCT:
        while body[place] != TType.STOP:
            place = _walk(body[place], body, place + 3, found)
        return place + 1
    kinds = {TType.STRING: 0, TType.MAP: 2}.get(kind, 1)
    place += kinds
    found.append(place)
    number = int.from_bytes(body[place:place + 4], 'big')
    place += 4
    if kind == TType.STRING:
        return place + number
    for each in body[place - 4 - kinds:place - 4] * number:
        place = _walk(each, body, place, found)
    return place
