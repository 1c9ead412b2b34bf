"""Section 9: which of two writes wins."""
import itertools
import threading

from case import Cases
from outcomes import DONE, Since
from site_under_test import Connection, It, col, deletion, long, names, plus, put, put_below, span

from pycassa.cassandra.ttypes import ConsistencyLevel

CASES = Cases()


def both_orders(label, expected, what, first, second, look):
    """Two writes in either order of arrival: the same is to be seen."""
    for order, steps in (('', (first, second)), (', the other way round', (second, first))):
        CASES.row(label, expected, {what + order: lambda it, steps=steps: (
            [step(it) for step in steps], look(it))[1]})


def write(value, timestamp, name=b'a', ttl=None):
    return lambda it: it.insert('B', name, value, timestamp, ttl)


def pairs(it):
    return it.pairs()


for low, high in ((1, 2), (-5, -4), (-1, 0), (0, 1), (-2**62, 2**62), (2**63 - 2, 2**63 - 1)):
    both_orders('9.1-higher-wins', [(b'a', b'high')], f'{low} {high}', write(b'low', low), write(b'high', high), pairs)
CASES.row('9.1-any-number', [(b'a', b'v', -2**63 + 1, None)], {
    'the least but one': lambda it: (it.insert('B', b'a', timestamp=-2**63 + 1), it.row())[1]})
CASES.row('9.1-any-number', [(b'a', b'v', 2**63 - 1, None)], {
    'the greatest': lambda it: (it.insert('B', b'a', timestamp=2**63 - 1), it.row())[1]})
CASES.row('9.1-any-number', [(b'a', b'v', 0, None)], {
    'zero': lambda it: (it.insert('B', b'a', timestamp=0), it.row())[1]})
CASES.row('9.1-any-number', Since({'1.2': [(b'a', b'v', -2**63, None)], '2.0': []}), {
    'the least': lambda it: (it.insert('B', b'a', timestamp=-2**63), it.row())[1]})

# --- 9.2 deletions win ties --------------------------------------------------------------------------------------


def supers(it):
    it.batch('S', put_below(b's', col(long(1), timestamp=5)))


def shown_supers(it):
    return it.shown('S')


for what, remove in {
    'column': lambda it: it.remove('B', b'a', timestamp=5), 'row': lambda it: it.remove('B', timestamp=5),
    'column in a batch': lambda it: it.batch('B', deletion(5, predicate=names(b'a'))),
    'row in a batch': lambda it: it.batch('B', deletion(5)),
}.items():
    both_orders('9.2-deletions-win', [], what, write(b'v', 5), remove, pairs)
    both_orders('9.2-deletions-win', [(b'a', b'v')], f'newer than a deleted {what}', write(b'v', 6), remove, pairs)
for what, remove in {
    'super column': lambda it: it.remove('S', below=b's', timestamp=5),
    'subcolumn': lambda it: it.remove('S', long(1), b's', 5), 'row of super columns': lambda it: it.remove(
        'S', timestamp=5)}.items():
    both_orders('9.2-deletions-win', [], what, supers, remove, shown_supers)


def ranged(timestamp):
    """Closed and forward: open or reversed ranges of deletions can hang a 2.x server."""
    return lambda it: it.profile == '1.2' or it.batch('B', deletion(timestamp, predicate=span(b'a', b'c')))


both_orders('9.2-deletions-win', Since({'1.2': [(b'a', b'v')], '2.0': []}), 'range', write(b'v', 5), ranged(5), pairs)
both_orders('9.2-deletions-win', [(b'a', b'v')], 'newer than a range', write(b'v', 6), ranged(5), pairs)

# --- 9.3 ties of values ------------------------------------------------------------------------------------------

VALUES = [b'', b'\x80', b'\x80\x00', b'\xff', b'\xff\xff', b'\x00', b'\x00\x80', b'\x00\x00', b'\x01', b'a', b'aa',
          b'b', b'\x7f', b'\x7f\x80']
for low, high in itertools.islice(itertools.combinations(VALUES, 2), 0, None, 3):
    both_orders('9.3-signed-tie', [(b'a', high)], f'{low.hex() or "empty"} {high.hex()}', write(low, 7),
                write(high, 7), pairs)


@CASES.scenario('9.3-signed-tie', [(b's', [(long(1), b'\x7f', 1, None)])], 'subcolumn')
def _(it):
    it.insert('S', long(1), b'\x7f', below=b's')
    it.insert('S', long(1), b'\x80', below=b's')
    return it.pairs('S')


# --- 9.4 ties of times to live -----------------------------------------------------------------------------------

def ttl_seen(it):
    return [each.column.ttl for each in it.row()]


for first, second, old, middle, new in ((1000, 2000, 2000, 2000, 2000), (2000, 1000, 1000, 2000, 2000),
                                        (None, 1000, 1000, None, None), (1000, None, None, 1000, None)):
    CASES.row('9.4-ttl-tie', Since({'1.2': [old], '2.1': [middle], '3.0': [new]}), {
        f'{first} then {second}': lambda it, first=first, second=second: (
            it.insert('B', b'a', ttl=first), it.insert('B', b'a', ttl=second), ttl_seen(it))[2]})

# --- 9.5 one batch -----------------------------------------------------------------------------------------------

for what, (mutations, expected) in {
    'higher timestamp': ([put(b'a', b'1', 1), put(b'a', b'2', 2)], [(b'a', b'2')]),
    'greater value': ([put(b'a', b'\x80', 1), put(b'a', b'\x7f', 1)], [(b'a', b'\x7f')]),
    'deleted row': ([put(b'a', b'1', 1), deletion(1)], []),
    'deleted column': ([put(b'a', b'1', 1), deletion(1, predicate=names(b'a'))], []),
    'older deletion': ([put(b'a', b'1', 2), deletion(1)], [(b'a', b'1')]),
}.items():
    for order, listed in (('', mutations), (', the other way round', mutations[::-1])):
        CASES.row('9.5-one-batch', expected, {what + order: lambda it, listed=listed: (
            it.batch('B', *listed), it.pairs())[1]})


# --- 9.6 isolation -----------------------------------------------------------------------------------------------

@CASES.scenario('9.6-mixed', ([(b'a', b'v')], [(b's', [(long(1), b'v', 1, None)])], [(b'c', 3)], [(b'a', b'v')]))
def _(it):
    other = it.key + b'-other'
    it.batch_of({it.key: {'B': [put(b'a')], 'S': [put_below(b's', col(long(1)))], 'C': [plus(b'c', 3)]},
                 other: {'B': [put(b'a')]}})
    return it.pairs(), it.pairs('S'), it.pairs('C'), it.pairs(key=other)


@CASES.scenario('9.6-isolated', [])
def _(it):
    """A reader beside 60 batches of five equal values: it never sees two values in the row."""
    it.batch('B', *(put(name, b'0', 0) for name in (b'a', b'b', b'c', b'd', b'e')))
    connection = Connection(it.site.server, 'Semantics')
    reader = It(it.site, connection)
    done, torn = threading.Event(), []

    def read():
        while not done.is_set():
            values = {value for _, value in reader.pairs(key=it.key)}
            if len(values) != 1:
                torn.append(values)
    thread = threading.Thread(target=read)
    thread.start()
    for number in range(1, 61):
        it.batch('B', *(put(name, b'%d' % number, number) for name in (b'a', b'b', b'c', b'd', b'e')))
    done.set()
    thread.join()
    connection.close()
    return torn


# --- 9.7 atomic batches ------------------------------------------------------------------------------------------

CASES.row('9.7-atomic', [b'a', b'b'], {
    'as other batches': lambda it: (it.batch('B', put(b'b'), put(b'a'), atomic=True), it.shown())[1],
    'at ANY': lambda it: (it.batch('B', put(b'b'), put(b'a'), atomic=True, level=ConsistencyLevel.ANY),
                          it.shown())[1]})
CASES.row('9.7-atomic', DONE, {'nothing': lambda it: it.batch_of({}, atomic=True)})
