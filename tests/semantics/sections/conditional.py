"""Section 13: cas."""
from case import Cases
from outcomes import Since, plain, refused, unknown_method
from site_under_test import col, put

from pycassa.cassandra.ttypes import ConsistencyLevel

CASES = Cases()
ANY, ONE, SERIAL, LOCAL_SERIAL = (ConsistencyLevel.ANY, ConsistencyLevel.ONE, ConsistencyLevel.SERIAL,
                                  ConsistencyLevel.LOCAL_SERIAL)
NO_CAS = unknown_method('cas')


def since_2_0(expected):
    """The outcome of a release that has the call."""
    return Since({'1.2': NO_CAS, **(expected if isinstance(expected, Since) else {'2.0': expected})})


def tried(*stored, expected=(), updates=(b'new',), **options):
    """(success, names and values shown, the row afterwards) of one cas on stored columns."""
    def act(it):
        if stored:
            it.batch('B', *stored)
        success, shown = plain(it.cas(list(expected), [col(b'a', value) for value in updates], **options))
        return success, None if shown is None else [each[:2] for each in shown], it.pairs()
    return act


CASES.row('13-cas-empty', since_2_0((True, None, [(b'a', b'new')])), {'no row': tried()})
CASES.row('13-cas-empty', since_2_0((False, [(b'b', b'1')], [(b'b', b'1')])), {'a row': tried(put(b'b', b'1'))})


@CASES.scenario('13-cas-empty', since_2_0([(b'a', b'new')]), 'a deleted row')
def _(it):
    it.insert('B', b'b')
    it.remove('B', timestamp=2)
    it.cas([], [col(b'a', b'new')])
    return it.pairs()


@CASES.scenario('13-cas-empty', since_2_0(True), 'an expired row', waits='expiry')
def _(it):
    it.insert('B', b'b', ttl=1)
    yield
    return it.cas([], [col(b'a', b'new')]).success


@CASES.scenario('13-cas-empty', since_2_0((False, 1)), 'one existing column is shown')
def _(it):
    it.batch('B', put(b'a'), put(b'b'))
    found = it.cas([], [col(b'a', b'new')])
    return found.success, len(found.current_values)


OLD = put(b'a', b'old')
CASES.row('13-cas-expected', since_2_0((True, None, [(b'a', b'new')])), {
    'value': tried(OLD, expected=[col(b'a', b'old')]),
    'the timestamp does not matter': tried(OLD, expected=[col(b'a', b'old', 77)])})
CASES.row('13-cas-expected', since_2_0((False, [(b'a', b'old')], [(b'a', b'old')])), {
    'other value': tried(OLD, expected=[col(b'a', b'other')]),
    'another column is lacking': tried(OLD, expected=[col(b'a', b'old'), col(b'z', b'old')])})
CASES.row('13-cas-expected', since_2_0((False, [], [(b'a', b'old')])), {
    'column that is not there': tried(OLD, expected=[col(b'z', b'old')])})
CASES.row('13-cas-expected', since_2_0((False, [], [])), {'row that is not there': tried(expected=[col(b'a')])})
CASES.row('13-cas-expected', since_2_0((True, None, [(b'a', b'new'), (b'b', b'2')])), {
    'several': tried(OLD, put(b'b', b'2'), expected=[col(b'b', b'2'), col(b'a', b'old')])})


@CASES.scenario('13-cas-timestamps', since_2_0((True, [(b'a', b'third')])))
def _(it):
    """The server's timestamps: a given one is not kept, and later updates win whatever they say."""
    it.cas([], [col(b'a', b'first', 2**62)])
    kept = it.row()[0].column.timestamp
    it.cas([col(b'a', b'first')], [col(b'a', b'second', 1)])
    it.cas([col(b'a', b'second')], [col(b'a', b'third', 0)])
    return 1_500_000_000_000_000 < kept < 2**62, it.pairs()


@CASES.scenario('13-cas-ttl', since_2_0(Since({'2.0': [None], '3.0': [1000]})))
def _(it):
    it.cas([], [col(b'a', ttl=1000)])
    return [each.column.ttl for each in it.row()]


CASES.row('13-cas-levels', since_2_0(refused(
    'Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL')), {
    'serial level': lambda it: it.cas([], [col(b'a')], serial=ONE)})
for level, name in ((SERIAL, 'SERIAL'), (LOCAL_SERIAL, 'LOCAL_SERIAL')):
    CASES.row('13-cas-levels', since_2_0(refused(
        f'{name} is not supported as conditional update commit consistency. Use ANY if you mean "make sure it is '
        'accepted but I don\'t care how many replicas commit it for non-SERIAL reads"')), {
        f'commit at {name}': lambda it, level=level: it.cas([], [col(b'a')], commit=level)})
CASES.row('13-cas-levels', since_2_0((True, None, [(b'a', b'new')])), {
    'commit at ANY': tried(commit=ANY), 'LOCAL_SERIAL': tried(serial=LOCAL_SERIAL)})


@CASES.scenario('13-cas-levels', since_2_0([b'a']), 'serial read')
def _(it):
    it.cas([], [col(b'a')])
    return it.shown(level=SERIAL)


CASES.row('13-cas-refused', since_2_0(refused('CAS does not support supercolumns')), {
    'super family': lambda it: it.cas([], [col(b'a')], 'S')})
CASES.row('13-cas-refused', since_2_0(refused('Column timestamp is required')), {
    'no timestamp': lambda it: it.cas([], [col(b'a', b'v', None)])})
CASES.row('13-cas-refused', since_2_0(refused('Column value is required')), {
    'no value': lambda it: it.cas([], [col(b'a', None)])})
CASES.row('13-cas-refused', since_2_0(refused('column name must not be empty')), {
    'empty name': lambda it: it.cas([], [col(b'')])})
CASES.row('13-cas-refused', since_2_0(refused('Key may not be empty')), {
    'empty key': lambda it: it.cas([], [col(b'a')], key=b'')})
CASES.row('13-cas-refused', since_2_0(refused(
    '(Expected 8 or 0 byte long (1)) [Semantics][I][age] failed validation')), {
    'bad value': lambda it: it.cas([], [col(b'age', b'x')], 'I')})

