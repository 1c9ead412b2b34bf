"""What this client stored is what the CQL driver reads from the same table, where CQL sees it. On real servers only."""
import importlib.metadata
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import pytest
from driver_reader import plain
from edges import EDGES, REFUSED, exact, exactly, is_known, ordered

from pycassa.cassandra.ttypes import Column, ColumnParent, ConsistencyLevel
from pycassa.marshal import scalar_for

pytestmark = pytest.mark.given(auth=None, tls=None)
# The driver fails to decode dynamic composites.
KINDS = [kind for kind in EDGES if not kind.startswith('Dynamic')]
SIMPLE = [kind for kind in KINDS if '(' not in kind]
CQL_PORT = 9042
PROTOCOLS = {'1.2': 1, '2.0': 2, '2.1': 3}


class Reader:
    """A process of the driver; `rows(statement)` are lists of values, each as `plain` gives them."""

    def __init__(self, folder, server):
        protocol = PROTOCOLS.get(server.profile, 4)
        environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
        # A file, not a pipe: nobody reads what the driver has to say while it works.
        self._errors = tempfile.TemporaryFile('w+')
        self._process = subprocess.Popen(
            [sys.executable, '-I', str(pathlib.Path(__file__).with_name('driver_reader.py')), str(folder), server.host,
             str(CQL_PORT), str(protocol)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            text=True, cwd=tempfile.gettempdir(), env=environment)
        self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise AssertionError(f'the driver ended: {self._errors.read()[-2000:]}')
        return line

    def rows(self, statement):
        self._process.stdin.write(json.dumps(statement) + '\n')
        self._process.stdin.flush()
        answer = json.loads(self._answer())
        assert isinstance(answer, list), answer
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)
        self._errors.close()


@pytest.fixture(scope='session')
def driver_folder(tmp_path_factory):
    """Where the CQL driver is: '' for this environment, or a folder that it was fetched to."""
    try:
        importlib.metadata.version('cassandra-driver')
        return ''
    except importlib.metadata.PackageNotFoundError:
        folder = tmp_path_factory.mktemp('driver')
    done = subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--only-binary', ':all:', '--target', folder,
                           'cassandra-driver'], text=True, capture_output=True)
    if done.returncode:
        pytest.skip('cassandra-driver is not installed and cannot be fetched from the package index')
    return folder


@pytest.fixture(scope='module')
def reader(server, driver_folder):
    try:
        socket.create_connection((server.host, CQL_PORT), 5).close()
    except OSError:
        pytest.skip(f'{server.host} does not listen for CQL on port {CQL_PORT}')
    reader = Reader(driver_folder, server)
    yield reader
    reader.close()


@pytest.fixture
def by_cql(reader, keyspace):
    """`by_cql(cf, columns)` are the rows of a family, read by the driver."""
    def read(cf, columns):
        return reader.rows(f'SELECT {columns} FROM "{keyspace}"."{cf.column_family}"')
    return read


def seen(kind, value):
    """What the driver makes of a value: bytes, where CQL has no such type."""
    if kind == 'LexicalUUIDType' and value is not None:
        return plain(scalar_for(kind).pack(value))
    return plain(value)


@pytest.mark.parametrize('kind', KINDS)
def test_values(server, create, by_cql, kind):
    if not is_known(server, kind):
        return
    cf = create(value=kind)
    values = EDGES[kind].values + EDGES[kind].alike
    cf.insert(b'k', dict(enumerate(values)))
    assert by_cql(cf, 'column1, value') == [[plain(number), seen(kind, each)] for number, each in enumerate(values)]


@pytest.mark.parametrize('kind', [kind for kind in SIMPLE if EDGES[kind].as_name])
def test_names(server, create, by_cql, kind):
    if not is_known(server, kind):
        return
    for comparator, names in ((kind, ordered(server, kind)), (f'ReversedType({kind})', ordered(server, kind)[::-1])):
        cf = create(comparator)
        for number, name in enumerate(names):
            cf.insert(b'k', {name: b'%d' % number})
        assert by_cql(cf, 'column1, value') == [
            [seen(kind, name), plain(b'%d' % number)] for number, name in enumerate(names)]


@pytest.mark.parametrize('kind', SIMPLE)
def test_row_keys(server, create, by_cql, kind):
    if not is_known(server, kind):
        return
    cf = create(key=kind)
    for number, key in enumerate(EDGES[kind].values):
        cf.insert(key, {number: b''})
    assert sorted(by_cql(cf, 'column1, key')) == sorted(
        [plain(number), seen(kind, key)] for number, key in enumerate(EDGES[kind].values))


@pytest.mark.parametrize('kind', SIMPLE)
def test_components(server, create, by_cql, kind):
    if not is_known(server, kind):
        return
    names = [(value, number) for value in ordered(server, kind) for number in (-1, 1)]
    cf = create(f'CompositeType({kind},Int32Type)')
    for name in names:
        cf.insert(b'k', {name: b''})
    assert by_cql(cf, 'column1, column2') == [[seen(kind, value), plain(number)] for value, number in names]


def test_keys_of_several_components(create, by_cql):
    cf = create(key='CompositeType(IntegerType,UTF8Type)')
    keys = [(-10 ** 30, ''), (0, '\U0001f600'), (2 ** 64, 'a')]
    for key in keys:
        cf.insert(key, {0: b''})
    assert sorted(by_cql(cf, 'key, key2')) == sorted([plain(number), plain(text)] for number, text in keys)


@pytest.mark.since(2, 0, kind='InetAddressType')
@pytest.mark.parametrize('kind', [kind for kind in SIMPLE if EDGES[kind].empty is not REFUSED])
def test_no_bytes_at_all(server, create, connection, by_cql, kind):
    """The driver reads None where this client does."""
    if not is_known(server, kind):
        return
    cf = create(value=kind)
    connection.insert(b'k', ColumnParent(cf.column_family), Column(bytes(8), b'', 1), ConsistencyLevel.ONE)
    assert exactly(cf.get(b'k').values()) == [exact(EDGES[kind].empty)]
    assert by_cql(cf, 'value') == [[seen(kind, EDGES[kind].empty)]]


def test_columns_of_the_schema(server, create, by_cql):
    """A table with declared columns: CQL sees these, and no others."""
    kinds = [kind for kind in SIMPLE if is_known(server, kind)]
    cf = create('UTF8Type', column_validation_classes={kind.lower(): kind for kind in kinds})
    for number in 0, -1:
        row = {kind.lower(): EDGES[kind].values[number] for kind in kinds}
        cf.insert(b'%d' % number, {**row, 'undeclared': b'x'})
        assert exactly(cf.get(b'%d' % number, list(row)).values()) == exactly(row[name] for name in sorted(row))
    found = by_cql(cf, ', '.join(['key', *map(str.lower, kinds)]))
    assert sorted(found) == sorted(
        [plain(b'%d' % number), *(seen(kind, EDGES[kind].values[number]) for kind in kinds)] for number in (0, -1))


def test_counters(create, by_cql):
    cf = create('UTF8Type', 'CounterColumnType')
    counters = {'least': -2 ** 63, 'most': 2 ** 63 - 1, 'none': 0, 'one': 1}
    for name, value in counters.items():
        cf.add(b'k', name, value)
    assert by_cql(cf, 'column1, value') == [[plain(name), plain(value)] for name, value in counters.items()]


@pytest.mark.since(2, 0)  # CQL of 1.2 does not see subcolumns
@pytest.mark.parametrize('kind', ['TimeUUIDType', 'DecimalType', 'TimestampType', 'InetAddressType'])
def test_super_columns(server, create, by_cql, kind):
    cf = create(kind, 'IntegerType', super=True, subcomparator_type=kind)
    names = ordered(server, kind)
    for name in names:
        cf.insert(b'k', {name: {names[0]: -10 ** 30, names[-1]: 10 ** 30}})
    assert by_cql(cf, 'column1, column2, value') == [
        [seen(kind, name), seen(kind, column), plain(value)]
        for name in names for column, value in ((names[0], -10 ** 30), (names[-1], 10 ** 30))]
