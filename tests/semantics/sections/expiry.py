"""Section 10: columns with a time to live. One wait serves all cases."""
from case import Cases
from outcomes import NOT_FOUND, Defect, Matching, Since, refused
from site_under_test import col, long, plus, put, put_below

CASES = Cases()


@CASES.scenario('10.1-expired', ([(b'a', 1000)], NOT_FOUND, 1), waits='expiry')
def _(it):
    it.batch('B', put(b'a', ttl=1000), put(b'b', ttl=1))
    yield
    return [(each.column.name, each.column.ttl) for each in it.row()], it.seen(lambda: it.get('B', b'b')), it.count()


@CASES.scenario('10.1-before', ([(b'a', b'v', 1, 1000)]))
def _(it):
    it.insert('B', b'a', ttl=1000)
    return it.row()


@CASES.scenario('10.1-as-deleted', Since({'1.2': ([], [], [(b'a', b'new')])}), 'a re-insert', waits='expiry')
def _(it):
    it.insert('B', b'a', b'v', 5, 1)
    yield
    it.insert('B', b'a', b'older', 4)
    older = it.pairs()
    it.insert('B', b'a', b'v', 5)
    equal = it.pairs()
    it.insert('B', b'a', b'new', 6)
    return older, equal, it.pairs()


# 2.1 and 2.2 compare the values where both writes meet in memory, and prefer what has expired where they meet on disk.
EITHER = Matching(lambda seen: seen in ([], [(b'a', b'z')]), 'one of both')


@CASES.scenario('10.1-as-deleted', Since({'1.2': [], '2.1': Defect(EITHER, [(b'a', b'z')]), '3.0': []}),
                'a greater value of the same timestamp', waits='expiry')
def _(it):
    it.insert('B', b'a', b'm', 5, 1)
    yield
    it.insert('B', b'a', b'z', 5)
    return it.pairs()


@CASES.scenario('10.1-as-deleted', [], 'a smaller value of the same timestamp', waits='expiry')
def _(it):
    it.insert('B', b'a', b'm', 5, 1)
    yield
    it.insert('B', b'a', b'b', 5)
    return it.pairs()


@CASES.scenario('10.1-as-deleted', [], 'what it replaced stays gone', waits='expiry')
def _(it):
    it.insert('B', b'a', b'old', 1)
    it.insert('B', b'a', b'new', 2, 1)
    yield
    return it.pairs()


@CASES.scenario('10.1-as-deleted', [(b'a', b'v', 2, None)], 'replaced by one without', waits='expiry')
def _(it):
    it.insert('B', b'a', ttl=1)
    it.insert('B', b'a', timestamp=2)
    yield
    return it.row()


@CASES.scenario('10.2-subcolumns', ([(b'b', [(long(2), b'v', 1, None)])], NOT_FOUND), waits='expiry')
def _(it):
    it.batch('S', put_below(b'a', col(long(1), ttl=1)), put_below(b'b', col(long(1), ttl=1), col(long(2))))
    yield
    return it.pairs('S'), it.seen(lambda: it.get('S', below=b'a'))


@CASES.scenario('10.3-default', Since({
    '1.2': [(b'a', None), (b'b', 50)], '2.0': [(b'a', 1000), (b'b', 50)], '3.0': [(b'a', None), (b'b', 50)]}))
def _(it):
    it.batch('Expiring', put(b'a'), put(b'b', ttl=50))
    return [(each.column.name, each.column.ttl) for each in it.row('Expiring')]


@CASES.scenario('10.3-default', Since({
    '1.2': [(b'a', b'v', 1, None), (b'b', b'v', 1, 50)],
    '2.0': [(b'a', b'v', 1, 1000), (b'b', b'v', 1, 50)]}), 'insert')
def _(it):
    it.insert('Expiring', b'a')
    it.insert('Expiring', b'b', ttl=50)
    return it.row('Expiring')


@CASES.scenario('10.3-default', Since({'1.2': refused('ttl must be positive'), '3.11': [(b'a', b'v', 1, None)]}),
                'zero overrides')
def _(it):
    it.insert('Expiring', b'a', ttl=0)
    return it.row('Expiring')


@CASES.scenario('10.3-default', Since({'1.2': [b'a', b'b'], '2.0': [b'b'], '3.0': [b'a', b'b']}), 'expires',
                waits='expiry')
def _(it):
    family = it.create(default_time_to_live=1)
    it.batch(family, put(b'a'), put(b'b', ttl=1000))
    yield
    return it.shown(family)


@CASES.scenario('10.4-counters', [(b'c', 3)], 'of a default', waits='expiry')
def _(it):
    family = it.create(default_validation_class='CounterColumnType', default_time_to_live=1)
    it.batch(family, plus(b'c', 3))
    yield
    return it.pairs(family)


@CASES.scenario('10.4-counters', Since({'1.2': None, '2.0': 1000}), 'the default is kept')
def _(it):
    it.add('ExpiringC', b'c', 2)
    assert it.pairs('ExpiringC') == [(b'c', 2)]
    return it.described('ExpiringC').default_time_to_live
