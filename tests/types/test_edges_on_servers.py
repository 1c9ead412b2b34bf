"""Every type at its edges on servers: what was stored comes back to the last bit, names in the server's order."""
import ipaddress
import random

import pytest
from edges import EDGES, REFUSED, VALUES_ONLY, exact, exactly, is_known, ordered

from pycassa import ColumnFamily, InvalidRequestException, NotFoundException
from pycassa.cassandra.ttypes import Column, ColumnParent, ColumnPath, ConsistencyLevel

KINDS = list(EDGES)
NAMES = [kind for kind in KINDS if EDGES[kind].as_name]
ONE = ConsistencyLevel.ONE


@pytest.fixture
def family(server, create):
    """`create`; ends the test where a type is not known to this server, which then has to say so."""
    def create_or_refuse(kind, **roles):
        if is_known(server, kind):
            return create(**roles)
        with pytest.raises(InvalidRequestException, match='Unable to find abstract-type class|Invalid definition for'):
            create(**roles)
        return None
    return create_or_refuse


@pytest.mark.parametrize('kind', [kind for kind in KINDS if EDGES[kind].sorts_in_python])
def test_the_order_is_python_s(kind):
    assert exactly(sorted(EDGES[kind].values)) == exactly(EDGES[kind].values)


@pytest.mark.parametrize('kind', KINDS)
def test_values(family, kind):
    cf = family(kind, value=kind)
    if cf is None:
        return
    values = [*EDGES[kind].values, *EDGES[kind].alike, *VALUES_ONLY.get(kind, [])]
    written = dict(enumerate(values))
    cf.insert(b'k', written)
    cf.batch().insert(b'batch', written).send()
    expected = exactly(values)
    for row in (cf.get(b'k', column_count=1000), dict(cf.xget(b'k', buffer_size=3)), cf.multiget([b'k'])[b'k'],
                dict(cf.get_range(column_count=1000))[b'batch']):
        assert exactly(row.values()) == expected and list(row) == list(written)
    for number in written:
        assert exactly(cf.get(b'k', [number]).values()) == expected[number:number + 1]


@pytest.mark.parametrize('kind', KINDS)
def test_row_keys(family, kind):
    cf = family(kind, key=kind)
    if cf is None:
        return
    values = EDGES[kind].values
    for number, key in enumerate(values):
        cf.insert(key, {0: b'%d' % number})
    for number, key in enumerate(values):
        assert cf.get(key) == {0: b'%d' % number}
        assert [(exact(each), list(row)) for each, row in cf.multiget([key]).items()] == [(exact(key), [0])]
    found = {row[0]: exact(key) for key, row in cf.get_range(buffer_size=3)}
    assert found == {b'%d' % number: exact(key) for number, key in enumerate(values)}
    cf.remove(values[-1])
    with pytest.raises(NotFoundException):
        cf.get(values[-1])
    assert cf.get(values[0]) == {0: b'0'}


def begins(name, end):
    """Whether an end of a slice takes a name in: of composites, those that begin with the components given."""
    if not isinstance(end, tuple):
        return exact(name) == exact(end)
    last = len(end) - 1
    return len(name) > last and exactly(name[:last]) == exactly(end[:last]) and begins(name[last], end[last])


def span(names, end):
    """The numbers of the first name that an end of a slice takes in, and of the first one after all of these."""
    inside = [number for number, name in enumerate(names) if begins(name, end)]
    return inside[0], inside[-1] + 1


def check_names(cf, names):
    """Names come in this order and backwards, by pages too; each is found, counted and removed by itself."""
    shuffled = list(enumerate(names))
    random.Random(1).shuffle(shuffled)
    for number, name in shuffled:
        cf.insert(b'k', {name: b'%d' % number})
    # A dict takes minus zero for zero; pairs don't.
    for options in {}, {'buffer_size': 2}:
        forth = list(cf.xget(b'k', **options))
        assert exactly(name for name, _ in forth) == exactly(names)
        assert [int(value) for _, value in forth] == list(range(len(names)))
        assert list(cf.xget(b'k', column_reversed=True, **options))[0][1] == forth[-1][1]
        assert [value for _, value in cf.xget(b'k', column_reversed=True, **options)] == [
            value for _, value in forth[::-1]]
    for number, name in enumerate(names):
        assert list(cf.get(b'k', [name]).values()) == [b'%d' % number]
        first, after = span(names, name)
        assert cf.get_count(b'k', column_start=name) == len(names) - first
        assert cf.get_count(b'k', column_start=name, column_reversed=True) == after
    cf.remove(b'k', names[1:])
    assert exactly(name for name, _ in cf.xget(b'k')) == exactly(names[:1])


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', NAMES)
def test_names(server, family, kind):
    cf = family(kind, comparator=kind)
    if cf is not None:
        check_names(cf, ordered(server, kind))


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', NAMES)
def test_names_in_reversed_order(server, family, kind):
    cf = family(kind, comparator=f'ReversedType({kind})')
    if cf is not None:
        check_names(cf, ordered(server, kind)[::-1])


@pytest.mark.parametrize('kind', KINDS)
def test_components(server, family, kind):
    cf = family(kind, comparator=f'CompositeType({kind},Int32Type)')
    if cf is None:
        return
    values = ordered(server, kind)
    check_names(cf, [(value, number) for value in values for number in (-1, 1)])
    names = [(value, 5) for value in values]
    for name in names:
        cf.insert(b'slices', {name: b''})
    for value in values:
        first, after = span(names, (value,))
        found = cf.xget(b'slices', column_start=(value,), column_finish=(value,))
        assert exactly(name for name, _ in found) == exactly(names[first:after])
        found = cf.xget(b'slices', column_start=((value, False),))
        assert exactly(name for name, _ in found) == exactly(names[after:])


@pytest.mark.parametrize('kind', KINDS)
def test_reversed_components(server, family, kind):
    cf = family(kind, comparator=f'CompositeType(Int32Type,ReversedType({kind}))')
    if cf is not None:
        check_names(cf, [(number, value) for number in (-1, 1) for value in ordered(server, kind)[::-1]])


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', NAMES)
def test_names_of_super_columns(server, keyspace, create, kind):
    if not is_known(server, kind) or kind.startswith('Dynamic'):
        return
    cf = create(kind, super=True, subcomparator_type=kind)
    names = ordered(server, kind)
    for number, name in enumerate(names):
        cf.insert(b'k', {name: {name: b'%d' % number, names[0]: b'%d' % number}})
    found = list(cf.xget(b'k', buffer_size=2))
    assert exactly(name for name, _ in found) == exactly(names)
    for number, (name, columns) in enumerate(found):
        assert exactly(columns) == exactly(names[:1] if number == 0 else [names[0], name])
        assert set(columns.values()) == {b'%d' % number}
        assert list(cf.get(b'k', super_column=name, columns=[name]).values()) == [b'%d' % number]


@pytest.mark.parametrize('kind', [kind for kind in NAMES if EDGES[kind].alike])
def test_names_that_servers_take_for_one(create, kind):
    cf = create(comparator=kind)
    for name in [*EDGES[kind].values, *EDGES[kind].alike]:
        cf.insert(b'k', {name: b''})
    assert len(list(cf.xget(b'k'))) == len(EDGES[kind].values)


# --- empty values ----------------------------------------------------------------------------------------------------

@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', KINDS)
def test_no_bytes_at_all(server, create, connection, kind):
    """Servers store them under any type but the newest, and they are None in types of a fixed size."""
    if not is_known(server, kind):
        return
    cf = create(value=kind)

    def insert():
        connection.insert(b'k', ColumnParent(cf.column_family), Column(bytes(8), b'', 1), ONE)
    if EDGES[kind].empty is REFUSED:
        with pytest.raises(InvalidRequestException):
            insert()
        return
    insert()
    for row in cf.get(b'k'), dict(cf.xget(b'k')), cf.multiget([b'k'])[b'k'], cf.get(b'k', [0]):
        assert exactly(row.values()) == [exact(EDGES[kind].empty)]


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', [kind for kind in KINDS if EDGES[kind].empty is not REFUSED])
def test_components_of_no_bytes_come_first(server, create, connection, kind):
    if not is_known(server, kind):
        return
    cf = create(comparator=f'CompositeType(UTF8Type,{kind})')
    value = ordered(server, kind)[0]
    cf.insert(b'k', {('a', value): b''})
    connection.insert(b'k', ColumnParent(cf.column_family), Column(b'\0\1a\0\0\0\0', b'', 1), ONE)
    found = [name for name, _ in cf.xget(b'k')]
    assert exactly(found) == exactly([('a', EDGES[kind].empty), ('a', value)])
    assert exactly(name for name, _ in cf.xget(b'k', buffer_size=2, column_reversed=True)) == exactly(found[::-1])


@pytest.mark.before(2, 0)
def test_cassandra_1_2_takes_no_bytes_at_all_for_a_wrong_address(create, connection):
    """Neither as a value nor as the open end of a slice of names: these are to be had one by one, and as a range."""
    wrong = r'Expected 4 or 16 byte inetaddress; got '
    cf = create('InetAddressType', 'InetAddressType')
    least, most = ipaddress.ip_address('10.0.0.1'), ipaddress.ip_address('10.0.0.9')
    with pytest.raises(InvalidRequestException, match=wrong):
        connection.insert(b'k', ColumnParent(cf.column_family), Column(least.packed, b'', 1), ONE)
    cf.insert(b'k', {most: least, least: most})
    with pytest.raises(InvalidRequestException, match=wrong):
        cf.get(b'k')
    assert cf.get(b'k', [most]) == {most: least}
    assert list(cf.get(b'k', column_start=least, column_finish=most)) == [least, most]


# --- lengths, counters, raw bytes ------------------------------------------------------------------------------------

@pytest.mark.parametrize('kind, unit', [('BytesType', b'\xff'), ('UTF8Type', '\u4e2d'), ('AsciiType', 'x')])
def test_the_longest_names_and_keys(create, kind, unit):
    cf = create(kind, 'UTF8Type', kind)
    longest = unit * (65535 // len(unit if isinstance(unit, bytes) else unit.encode()))
    cf.insert(longest, {longest: 'v'})
    assert cf.get(longest) == {longest: 'v'}
    assert list(cf.get_range()) == [(longest, {longest: 'v'})]
    with pytest.raises(InvalidRequestException):
        cf.insert(longest, {longest + unit: 'v'})
    with pytest.raises(InvalidRequestException):
        cf.insert(longest + unit, {longest: 'v'})


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', NAMES)
def test_counters_of_every_comparator(server, family, kind):
    cf = family(kind, comparator=kind, value='CounterColumnType')
    if cf is None:
        return
    names = ordered(server, kind)
    if kind.startswith('CompositeType'):
        # Cassandra 3.11 fails to count under a name of fewer components than declared, and answers with a time-out.
        names = [name for name in names if len(name) == max(map(len, names))]
    for name in names:
        cf.add(b'k', name, 2 ** 63 - 1)
        cf.add(b'k', name, -5)
    assert exactly(name for name, _ in cf.xget(b'k', buffer_size=2)) == exactly(names)
    assert {value for _, value in cf.xget(b'k')} == {2 ** 63 - 6}
    cf.add(b'least', names[0], -2 ** 63)
    assert list(cf.get(b'least').values()) == [-2 ** 63]


@pytest.mark.parametrize('kind', KINDS)
def test_the_bytes_that_are_stored_are_the_type_s(server, create, connection, kind):
    """Without autopacking the same family gives the bytes, and bytes written that way read as the values."""
    if not is_known(server, kind):
        return
    cf = create(value=kind)
    raw = ColumnFamily(connection, cf.column_family, autopack_values=False)
    cf.insert(b'k', dict(enumerate(EDGES[kind].values)))
    raw.insert(b'copy', raw.get(b'k', column_count=1000))
    assert exactly(cf.get(b'copy', column_count=1000).values()) == exactly(EDGES[kind].values)
    path = ColumnPath(cf.column_family, column=bytes(8))
    assert connection.get(b'k', path, ONE).column.value == raw.get(b'k', [0])[0]
