"""Section 3, the order of the checks: of two things that are wrong at once, the earlier one is told."""
import itertools
from typing import Any, Callable, Dict, List, NamedTuple

from case import Cases
from outcomes import UNAVAILABLE, Since, refused, unknown_method, worded
from site_under_test import names, plus, put, span

from pycassa.cassandra.ttypes import ConsistencyLevel

CASES = Cases()
ANY, TWO = ConsistencyLevel.ANY, ConsistencyLevel.TWO
HUGE = b'\xff' * 65535


class Fault(NamedTuple):
    """What is given wrongly, and what is said to it."""

    name: str
    given: Dict[str, Any]
    answer: Any


def fault(name: str, answer: Any, /, **given: Any) -> Fault:
    return Fault(name.replace(' ', '-'), given, answer)


NO_KEYSPACE = fault('no keyspace', Since({
    '1.2': refused('no keyspace has been specified'),
    '2.0': refused('No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename')}),
    connected=False)
UNKNOWN = fault('unknown family', worded('unconfigured columnfamily nope', 'unconfigured table nope'), family='nope')
COUNTERS = fault('counter family', worded('invalid operation for commutative columnfamily C',
                                          'invalid operation for commutative table C'), family='C')
NO_COUNTERS = fault('normal family', worded('invalid operation for non commutative columnfamily B',
                                            'invalid operation for non commutative table B'), family='B')
KEY = fault('key', refused('Key may not be empty'), key=b'')
ALONE = fault('parent', worded('columnfamily alone is required for standard CF I',
                               'table alone is required for standard CF I'), below=b's')
ALONE_COUNTER = fault('parent', worded('columnfamily alone is required for standard CF C',
                                       'table alone is required for standard CF C'), below=b's')
PREDICATE = fault('predicate', refused('get_slice requires non-negative count'), predicate=span(count=-1))
EMPTY_NAME = fault('name', refused('column name must not be empty'), name=b'')
READ_LEVEL = fault('level', refused('ANY ConsistencyLevel is only supported for writes'), level=ANY)
LEVEL = fault('level', UNAVAILABLE, level=TWO)
COUNTER_LEVEL = fault('counter level', worded('Consistency level ANY is not yet supported for counter columnfamily C',
                                              'Consistency level ANY is not yet supported for counter table C'),
                      level=ANY)
NO_COLUMN = fault('mutation', refused('column name must not be empty'), mutations=[put(b'')])


def pairs(ladder: List[List[Fault]]) -> List['tuple[Fault, Fault]']:
    """Every two neighbours of the order that can be wrong in one call."""
    found: List[Any] = []
    for earlier, later in zip(ladder, ladder[1:]):
        fitting = [(one, two) for one, two in itertools.product(earlier, later)
                   if all(one.given.get(name, value) == value for name, value in two.given.items())]
        assert fitting, f'{earlier} and {later} cannot be wrong at once'
        found += fitting
    return found


def order(call: str, act: Callable[..., Any], /, *ladder: List[Fault], since: Any = None, **base: Any) -> None:
    """The cases of one call: each pair, and each fault alone, which shows that it is one."""
    faults = [each for level in ladder for each in level]
    for variant, given, answer in (
            *((each.name, each.given, each.answer) for each in faults),
            *((f'{one.name}+{two.name}', {**two.given, **one.given}, one.answer) for one, two in pairs(list(ladder)))):
        arguments = {**base, **given}
        answer = Since({'1.2': unknown_method(call), since: answer}) if since else answer
        CASES.row(f'3-order-{call}', answer, {variant: lambda it, arguments=arguments: _act(it, act, arguments)})


def _act(it: Any, act: Callable[..., Any], arguments: Dict[str, Any]) -> Any:
    arguments = dict(arguments)
    if arguments.pop('connected', True):
        return act(it, **arguments)
    with it.without_keyspace() as other:
        return act(other, **arguments)


order('get', lambda it, **given: it.get(**given), [NO_KEYSPACE], [UNKNOWN], [
    fault('path', refused('supercolumn parameter is invalid for standard CF I'), below=b's'),
    fault('no column', refused('column parameter is not optional for standard CF I'), name=None),
    EMPTY_NAME], [READ_LEVEL], [KEY], family='I', name=b'c')

order('get_slice', lambda it, **given: it.row(**given), [NO_KEYSPACE], [UNKNOWN], [ALONE], [
    PREDICATE, fault('name', refused('column name must not be empty'), predicate=names(b''))],
    [READ_LEVEL], [KEY], family='I')

MANY = fault('key', refused('Key may not be empty'), keys=[b'k', b''])
order('multiget_slice', lambda it, **given: it.multiget(**given), [NO_KEYSPACE], [UNKNOWN], [ALONE], [PREDICATE],
      [READ_LEVEL], [MANY], family='I', keys=[b'k'])
order('multiget_count', lambda it, **given: it.multicount(**given), [NO_KEYSPACE], [UNKNOWN], [ALONE], [PREDICATE],
      [READ_LEVEL], [MANY], family='I', keys=[b'k'])
order('get_count', lambda it, **given: it.count(**given), [NO_KEYSPACE], [UNKNOWN], [ALONE], [
    fault('name', refused('column name must not be empty'), predicate=names(b''))], [READ_LEVEL], [KEY],
    family='I', predicate=names(b'c'))

order('insert', lambda it, **given: it.insert(**given), [NO_KEYSPACE], [UNKNOWN, COUNTERS], [KEY], [
    ALONE, fault('missing super name', refused('missing mandatory super column name for super CF S'), family='S')],
    [EMPTY_NAME], [fault('ttl', Since({'1.2': refused('ttl must be positive'),
                                       '3.0': refused('ttl must be positive'),
                                       '3.11': refused('ttl must be greater or equal to 0')}), ttl=-1)],
    [fault('value', refused('Column value is required'), value=None)],
    [fault('timestamp', refused('Column timestamp is required'), timestamp=None)],
    [fault('validator', refused('(Expected 8 or 0 byte long (65535)) [Semantics][I][age] failed validation'),
           name=b'age', value=HUGE)],
    [fault('index size', Since({
        '1.2': refused("Can't index column value of size 65535 for index I_state_idx in CF I of KS Semantics"),
        '2.0': refused("Can't index column value of size 65535 for index I.I_state_idx in CF I of KS Semantics"),
        '3.0': refused('Cannot index value of size 65535 for index I_state_idx on Semantics.I(state) '
                       '(maximum allowed size=65535)')}), name=b'state', value=HUGE),
     fault('validator of index', refused('(Expected 8 or 0 byte long (65535)) [Semantics][I][age] failed validation'),
           name=b'age', value=HUGE)],
    [LEVEL], family='I', name=b'c')

order('remove', lambda it, **given: it.remove(**given), [NO_KEYSPACE], [UNKNOWN, COUNTERS], [KEY], [
    fault('path', refused('supercolumn may not be specified for standard CF I'), below=b's'), EMPTY_NAME,
    fault('no super name', refused('A column cannot be specified without specifying a super column for removal on '
                                   'super CF S'), family='S')], [LEVEL], family='I', name=b'c')

PATH = [fault('path', refused('supercolumn may not be specified for standard CF C'), below=b's'), EMPTY_NAME]
order('remove_counter', lambda it, **given: it.remove_counter(**given), [NO_KEYSPACE], [UNKNOWN, NO_COUNTERS], [KEY],
      PATH, [COUNTER_LEVEL], family='C', name=b'c')

order('add', lambda it, **given: it.add(**given), [NO_KEYSPACE], [UNKNOWN, NO_COUNTERS], [KEY], [COUNTER_LEVEL], [
    ALONE_COUNTER, EMPTY_NAME], family='C', name=b'c')
order('add-at-two', lambda it, **given: it.add(**given), [
    ALONE_COUNTER, fault('missing super name', refused('missing mandatory super column name for super CF SC'),
                         family='SC')], [EMPTY_NAME], [LEVEL], family='C', name=b'c')


def _batch(it: Any, family: str, mutations: Any, key: Any = None, level: int = ConsistencyLevel.ONE) -> None:
    it.batch(family, *mutations, key=key, level=level)


def _mutations(name: str, answer: Any, *mutations: Any) -> Fault:
    return fault(name, answer, mutations=list(mutations))


NAMELESS, VALUELESS = refused('column name must not be empty'), refused('Column value is required')
TOO_LONG = Since({
    '1.2': refused("Can't index column value of size 65535 for index I_state_idx in CF I of KS Semantics"),
    '2.0': refused("Can't index column value of size 65535 for index I.I_state_idx in CF I of KS Semantics"),
    '3.0': refused('Cannot index value of size 65535 for index I_state_idx on Semantics.I(state) '
                   '(maximum allowed size=65535)')})
order('batch_mutate', _batch, [NO_KEYSPACE], [UNKNOWN], [KEY], [
    _mutations('name', NAMELESS, put(b'')),
    _mutations('name before value', NAMELESS, put(b''), put(b'a', None)),
    _mutations('value before name', VALUELESS, put(b'a', None), put(b'')),
    # Up to 2.2 a value is measured for its index with its mutation, in 3.x after all of the row's.
    _mutations('index size before name', Since({**TOO_LONG, '3.0': NAMELESS}), put(b'state', HUGE), put(b'')),
    _mutations('name before index size', NAMELESS, put(b''), put(b'state', HUGE)),
    _mutations('index size', TOO_LONG, put(b'state', HUGE))], [LEVEL], family='I', mutations=[put(b'a')])
order('batch_mutate-of-counters', _batch, [KEY], [COUNTER_LEVEL], [
    _mutations('name', NAMELESS, plus(b''))], family='C', mutations=[plus(b'c')])

ENDS = fault('key range', refused('exactly one each of {start key, start token} and {end key, end token} must be '
                                  'specified'), start=None)
FILTER = fault('row filter', refused('[616765]=[78] failed value validation (Expected 8 or 0 byte long (1))'),
               row_filter=[(b'age', 0, b'x')])
NO_ROWS = fault('count', refused('maxRows must be positive'), count=0)
order('get_range_slices', lambda it, **given: it.range(**given), [NO_KEYSPACE], [UNKNOWN], [ALONE], [PREDICATE],
      [ENDS], [FILTER], [NO_ROWS], [READ_LEVEL], family='I', start=b'', end=b'')

CLAUSE = fault('clause', refused('index clause list may not be empty'), expressions=[])
order('get_indexed_slices', lambda it, expressions, **given: it.indexed(*expressions, **given), [NO_KEYSPACE],
      [UNKNOWN, COUNTERS], [ALONE], [PREDICATE], [CLAUSE], [READ_LEVEL], family='I', expressions=[(b'state', 0, b'x')])
