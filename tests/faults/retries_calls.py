"""Every kind of call that a pool makes, and whether it may be made twice: as the design says, not as the code does."""
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from pycassa.batch import Mutator
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    Column,
    ColumnOrSuperColumn,
    CounterColumn,
    Deletion,
    Mutation,
)
from pycassa.columnfamily import ColumnFamily

from .retries_hosts import body_of
from .wirecalls import FAMILIES, KEYSPACE, METHODS, PoolClient, cases, fields_of, opening_bodies, results_of

__all__ = ['KEYSPACE', 'Kind', 'READS', 'WRITES', 'declared', 'families_of', 'family_kinds', 'good_results',
           'raw_kinds']

READS = {'get', 'get_slice', 'multiget_slice', 'get_count', 'multiget_count', 'get_range_slices', 'get_indexed_slices',
         'get_paged_slice', 'get_multi_slice', *(method for method in METHODS if method.startswith('describe_'))}
# With timestamps in them, twice is as good as once.
WRITES = {'insert', 'remove', 'batch_mutate', 'atomic_batch_mutate'}

COLUMN = ColumnOrSuperColumn(column=Column(b'one', b'1', 5))
COUNTER = ColumnOrSuperColumn(counter_column=CounterColumn(b'one', 1))
PLAIN = {b'a': {'Standard': [Mutation(COLUMN), Mutation(deletion=Deletion(timestamp=5))]}}
COUNTING = {b'a': {'Standard': [Mutation(COLUMN)], 'Counters': [Mutation(COUNTER)]}}
UNCOUNTING = {b'a': {'Counters': [Mutation(deletion=Deletion())]}}


class Kind(NamedTuple):
    """A kind of call.

    `call(pool, allow)` makes it, where `allow` is what the user said of repeating it: True, False, or None, nothing.
    `repeats` is whether it is repeated when nothing was said, and `obeys` whether saying something makes a difference.
    `good` is the body of a result.
    """

    name: str
    method: str
    call: Callable[[Any, Optional[bool]], Any]
    repeats: bool
    obeys: bool
    good: bytes

    def is_repeated(self, allow: Optional[bool]) -> bool:
        return self.repeats if allow is None or not self.obeys else allow


# --- by the names of Thrift's methods --------------------------------------------------------------------------------

def raw_kinds() -> List[Kind]:
    """All 45, by `pool.execute`, and the batches that count."""
    kinds = [_raw(method, method, [value for _, value in fields_of(getattr(Cassandra, f'{method}_args'))],
                  method in READS | WRITES) for method in METHODS if not method.endswith('batch_mutate')]
    for method in ('batch_mutate', 'atomic_batch_mutate'):
        kinds += [_raw(method, method, [PLAIN, 1], True), _raw(f'{method} that counts', method, [COUNTING, 1], False),
                  _raw(f'{method} that removes counters', method, [UNCOUNTING, 1], False)]
    return kinds


def _raw(name: str, method: str, arguments: List[Any], repeats: bool) -> Kind:
    def call(pool: Any, allow: Optional[bool]) -> Any:
        return pool.execute(method, *arguments, **({} if allow is None else {'allow_retries': allow}))
    # No other connection is logged in as this one was.
    return Kind(name, method, call, repeats, method != 'login', good_result(method))


# --- by what programs call -------------------------------------------------------------------------------------------

def family_kinds() -> List[Kind]:
    """What column families and batches do."""
    kinds = [_family(case.name, case.method, case.call, good=case.body) for case in cases()
             if case.way is PoolClient and not case.name.endswith('refused')]
    kinds += [
        _family('insert of a counter', 'batch_mutate', lambda families: families.counters.insert('a', {b'one': 1}),
                counts=True),
        _family('batch_insert', 'batch_mutate', lambda families: families.standard.batch_insert({'a': {b'b': b'c'}})),
        _family('with a ttl', 'batch_mutate', lambda families: families.standard.insert('a', {b'b': b'c'}, ttl=9)),
        _family('remove of columns', 'batch_mutate', lambda families: families.standard.remove('a', [b'one'])),
        _family('atomic batch', 'atomic_batch_mutate',
                lambda families: families.standard.batch(atomic=True).insert('a', {b'one': b'1'}).send()),
        _family('get_multi_slice', 'get_multi_slice',
                lambda families: families.standard.get_multi_slice('a', [(b'a', b'b')]),
                good=body_of(Cassandra.get_multi_slice_result(success=[COLUMN]))),
        _family('cas', 'cas', lambda families: families.standard.cas('a', {}, {b'one': b'1'})),
    ]
    for name, method, options in (('mutator', 'batch_mutate', {}), ('atomic mutator', 'atomic_batch_mutate',
                                                                    {'atomic': True})):
        kinds += [_mutator(name, method, ['standard'], True, options),
                  _mutator(f'{name} that counts', method, ['standard', 'counters'], False, options)]
    return kinds


class Families:
    """Column families of a pool, by what they hold."""

    def __init__(self, pool: Any) -> None:
        self.standard, self.supers, self.counters = (ColumnFamily(pool, name) for name in FAMILIES)


_families: Dict[int, Families] = {}


def families_of(pool: Any) -> Families:
    if id(pool) not in _families:
        _families[id(pool)] = Families(pool)
    return _families[id(pool)]


def _family(name: str, method: str, call: Callable[[Families], Any], counts: bool = False,
            good: Optional[bytes] = None) -> Kind:
    def made(pool: Any, allow: Optional[bool]) -> Any:
        families = families_of(pool)
        families.counters.retry_counter_mutations = bool(allow)
        return call(families)
    counts = counts or method in ('add', 'remove_counter')
    return Kind(name, method, made, not counts and method in READS | WRITES, counts, good or good_result(method))


def _mutator(name: str, method: str, names: List[str], repeats: bool, options: Dict[str, Any]) -> Kind:
    def made(pool: Any, allow: Optional[bool]) -> Any:
        families = families_of(pool)
        families.counters.retry_counter_mutations = False
        batch = Mutator(pool, allow_retries=allow, **options)
        for each in names:
            batch.insert(getattr(families, each), 'a', {b'one': 1 if each == 'counters' else b'1'})
        batch.send()
    return Kind(name, method, made, repeats, True, good_result(method))


# --- what servers answer ---------------------------------------------------------------------------------------------

def good_result(method: str) -> bytes:
    """The body of a result of a method. A keyspace has families of each kind."""
    first = next(body for what, body in results_of(method) if what in ('value', 'nothing'))
    return opening_bodies().get(method, first)


def good_results() -> Dict[str, bytes]:
    """The same of all methods."""
    return {method: good_result(method) for method in METHODS}


def declared(method: str) -> Dict[str, Any]:
    """{name of its class: (the class, body)} of the exceptions that the interface lets a method answer with."""
    fields = [field for field in getattr(Cassandra, f'{method}_result').thrift_spec if field and field[0] != 0]
    found = {}
    for field in fields:
        kind = field[3][0]
        why = {'why': 'text'} if any(each and each[2] == 'why' for each in kind.thrift_spec or ()) else {}
        found[kind.__name__] = kind, body_of(getattr(Cassandra, f'{method}_result')(**{field[2]: kind(**why)}))
    assert found or method.startswith('describe_') or method in ('set_cql_version', 'trace_next_query'), method
    return found
