"""The documents' forms of connecting: unframed, by default, with logins, with time-outs, and through restarts."""
import logging
import pathlib
import socket
import subprocess
import sys
import time

import pytest

import pycassa
import pycassa.connection
import pycassa.legacy
from pycassa.cassandra.ttypes import AuthenticationException, AuthenticationRequest
from pycassa.embedded import EmbeddedServer
from pycassa.errors import CallTimeout, PycassaError

FAMILY = 'Test ColumnFamily'
USER = {'username': 'jsmith', 'password': 'havebadpass'}
SECRET = 'havebadpass'
PATIENCE = 30

CONNECTS = [pycassa.connect, pycassa.connect_thread_local]
POOLS = [pycassa.QueuePool, pycassa.SingletonThreadPool, pycassa.StaticPool, pycassa.NullPool, pycassa.AssertionPool,
         pycassa.ConnectionPool]


def by_name(classes):
    return pytest.mark.parametrize('connect', classes, ids=lambda each: each.__name__)


@pytest.fixture
def demo():
    with EmbeddedServer(schema='demo') as running:
        yield running


@pytest.fixture
def guarded():
    """A server that answers nobody who has not logged in."""
    with EmbeddedServer(schema='demo', credentials={'jsmith': SECRET, 'other': 'otherpass'}) as running:
        yield running


def opened(connect, server, **options):
    """A client or pool of Keyspace1."""
    settings = {'timeout': PATIENCE, **options}
    if connect in CONNECTS:
        return connect('Keyspace1', [server.address], **settings)
    return connect(keyspace='Keyspace1', server_list=[server.address], **settings)


def works(target):
    cf = pycassa.ColumnFamily(target, FAMILY)
    cf.insert('foo', {'column1': 'val1'})
    return cf.get('foo') == {'column1': 'val1'}


# --- unframed transport --------------------------------------------------------------------------------------------

@by_name(CONNECTS)
@pytest.mark.parametrize('form', ['first', 'keyword', 'later'])
def test_unframed_transport(connect, form):
    """framed_transport=False: the default of the first document's time, which servers took up to 0.7."""
    with EmbeddedServer(schema='demo', unframed=True) as server:
        if form == 'later':
            client = connect('Keyspace1', [server.address], framed_transport=False, timeout=PATIENCE)
        elif form == 'keyword' or connect is pycassa.connect_thread_local:
            client = connect([server.address], framed_transport=False, timeout=PATIENCE)
        else:
            client = connect([server.address], False, PATIENCE)
        assert works(client)
        cf = pycassa.ColumnFamily(client, FAMILY)
        # Messages of many segments.
        large = {f'c{number:04}': 'x' * 1000 for number in range(2000)}
        cf.insert('large', large)
        assert cf.get('large', column_count=None) == large
        assert list(cf.get_range(row_count=1, column_count=1))
        with client.batch() as batch:
            batch.insert(cf, 'foo', {'column2': 'val2'})
        assert cf.get('foo') == {'column1': 'val1', 'column2': 'val2'}
        assert client.describe_version().count('.') == 2
        # Errors of the server are read whole too.
        with pytest.raises(pycassa.InvalidRequestException):
            client.set_keyspace('Nowhere')
        assert cf.get('foo', columns=['column1']) == {'column1': 'val1'}
        client.close()


def test_unframed_transport_on_a_server_that_wants_frames(demo):
    """It says what to change; it does not hang."""
    client = pycassa.connect('Keyspace1', [demo.address], framed_transport=False, timeout=PATIENCE)
    started = time.monotonic()
    with pytest.raises(pycassa.connection.NoServerAvailable) as caught:
        client.describe_version()
    assert time.monotonic() - started < PATIENCE
    assert 'framed_transport=True' in str(caught.value)


# --- the default server --------------------------------------------------------------------------------------------

JOB = """
import pycassa
for client in (pycassa.connect(), pycassa.connect(['localhost:9160']), pycassa.connect_thread_local(),
               pycassa.connect(framed_transport=True), pycassa.connect('Keyspace1')):
    cf = pycassa.ColumnFamily(client, 'Test ColumnFamily')
    cf.insert('foo', {'column1': 'val1'})
    print(cf.get('foo'))
    client.close()
"""


@pytest.mark.parametrize('connect', ['connect()', "connect('Keyspace1')", 'connect_thread_local()',
                                     'connect(framed_transport=True)', "connect_thread_local('Keyspace1')"])
def test_without_servers_it_is_the_default_server(demo, monkeypatch, connect):
    assert pycassa.connection.DEFAULT_SERVER == 'localhost:9160'
    monkeypatch.setattr(pycassa.legacy, 'DEFAULT_SERVER', demo.address)
    client = eval(f'pycassa.{connect}')
    assert client.servers == [demo.address] and works(client)
    client.close()


def test_the_default_server_itself():
    """In a process of its own, where port 9160 of localhost is free; servers there need not be ours."""
    try:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 9160))
    except OSError:
        # Something listens there, and the test above has shown that it would be asked.
        assert pycassa.connect().servers == ['localhost:9160']
        return
    with EmbeddedServer(port=9160, schema='demo'):
        root = str(pathlib.Path(pycassa.__file__).parents[1])
        done = subprocess.run([sys.executable, '-c', JOB], capture_output=True, text=True, timeout=2 * PATIENCE,
                              cwd=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["{'column1': 'val1'}"] * 5


# --- login -------------------------------------------------------------------------------------------------------

@by_name(CONNECTS)
@pytest.mark.parametrize('form', ['login', 'login by request', 'credentials', 'logins'])
def test_logging_in_once_holds_for_every_reconnect(guarded, connect, form):
    if form == 'credentials':
        client = opened(connect, guarded, credentials=USER)
    elif form == 'logins':
        client = connect([guarded.address], timeout=PATIENCE, logins={'Keyspace1': USER})
    else:
        client = opened(connect, guarded)
        with pytest.raises(PycassaError):
            client.describe_keyspaces()
        if form == 'login':
            client.login('Keyspace1', USER)
        else:
            client.login(AuthenticationRequest(credentials=USER))
    assert works(client)
    for _ in range(2):
        guarded.stop()
        guarded.start()
        assert works(client)
    guarded.faults.disconnect()
    assert works(client)
    client.close()
    assert works(client)
    client.close()


@by_name(CONNECTS)
def test_wrong_credentials(guarded, connect):
    for credentials in (dict(USER, password='not ' + SECRET), dict(USER, username='nobody')):
        client = opened(connect, guarded)
        with pytest.raises(AuthenticationException) as caught:
            client.login('Keyspace1', credentials)
        assert SECRET not in str(caught.value) and SECRET not in repr(caught.value)
        # It is as if it had not been tried.
        client.login('Keyspace1', USER)
        assert works(client)
        with pytest.raises(AuthenticationException):
            client.login('Keyspace1', credentials)
        assert works(client)
        guarded.stop()
        guarded.start()
        assert works(client)
        client.close()
        client = opened(connect, guarded, credentials=credentials)
        with pytest.raises(AuthenticationException):
            works(client)
        client.close()


@by_name(POOLS)
def test_pools_log_every_connection_in(guarded, connect):
    pool = opened(connect, guarded, credentials=USER)
    assert works(pool)
    guarded.stop()
    guarded.start()
    if connect is pycassa.StaticPool:
        # Nothing is retried on it: the first call after the restart may tell of it.
        try:
            pycassa.ColumnFamily(pool, FAMILY)
        except PycassaError:
            pass
    assert works(pool)
    pool.close()
    with pytest.raises(AuthenticationException):
        pool = opened(connect, guarded, credentials={'username': 'jsmith', 'password': 'wrong'})
        works(pool)


class Everything(logging.Handler):
    """All that is logged, with what came along."""

    def __init__(self):
        logging.Handler.__init__(self, 0)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage() + repr(record.args) + repr(record.__dict__))


@pytest.mark.parametrize('fault', ['none', 'stopped', 'stalled', 'refused'])
def test_credentials_are_nowhere_to_be_seen(guarded, fault):
    """Not in representations, exceptions (with all they are chained to), events or logs."""
    everything, events, errors = Everything(), [], []
    logger = logging.getLogger()
    before = logger.level, logging.getLogger('pycassa').level
    logger.addHandler(everything)
    logger.setLevel(0)
    logging.getLogger('pycassa').setLevel(1)
    credentials = USER if fault != 'refused' else {'username': 'jsmith', 'password': SECRET * 2}
    try:
        if fault == 'stalled':
            guarded.faults.stall(calls=None, methods='login')
        if fault == 'stopped':
            guarded.stop()
        hooks = {name: events.append for name in ('connection_created', 'connection_failed', 'connection_disposed',
                                                  'connection_checked_out', 'connection_checked_in')}
        for connect in (*CONNECTS, *POOLS):
            options = {} if connect in CONNECTS else {'listeners': [hooks]}
            try:
                target = opened(connect, guarded, credentials=credentials, timeout=0.05 if fault == 'stalled' else 5,
                                **options)
                errors.append(target)
                works(target)
            except PycassaError as error:
                errors.append(error)
    finally:
        logger.removeHandler(everything)
        logger.setLevel(before[0])
        logging.getLogger('pycassa').setLevel(before[1])
    texts = [*everything.texts, *(str(event) for event in events)]
    for error in errors:
        while error is not None:
            texts += [str(error), repr(error), repr(getattr(error, 'args', ''))]
            error = getattr(error, '__cause__', None) or getattr(error, '__context__', None)
    assert texts and not any(SECRET in text for text in texts)
    # Of a server that does not answer, the events have told something.
    assert fault == 'none' or any(isinstance(error, PycassaError) for error in errors)


# --- time-outs -----------------------------------------------------------------------------------------------------

@by_name(CONNECTS)
def test_a_timeout_raises_no_server_available(demo, connect):
    """'pycassa.connect(timeout=3.5)', and the connection to the server suddenly becomes unresponsive."""
    client = connect([demo.address], timeout=0.5)
    cf = pycassa.ColumnFamily(client, FAMILY)
    demo.faults.stall(calls=None, methods=['get_slice', 'batch_mutate'])
    for call in (lambda: cf.get('foo'), lambda: cf.insert('foo', {'column1': 'val1'})):
        started = time.monotonic()
        with pytest.raises(pycassa.connection.NoServerAvailable) as caught:
            call()
        # Once on the connection that there was, and once on a new one.
        assert 0.5 <= time.monotonic() - started < PATIENCE
        assert [type(error) for _, error in caught.value.attempts] == [CallTimeout] * 2
        assert 'timeout=0.5' in str(caught.value)
    demo.faults.clear()
    cf.insert('foo', {'column1': 'val2'})
    assert cf.get('foo') == {'column1': 'val2'}
    client.close()


# --- restarts ------------------------------------------------------------------------------------------------------

@by_name([*CONNECTS, *(pool for pool in POOLS if pool is not pycassa.StaticPool)])
def test_a_restart_of_the_server_costs_nothing(demo, connect):
    target = opened(connect, demo)
    cf = pycassa.ColumnFamily(target, FAMILY)
    for number in range(3):
        cf.insert('foo', {'column1': f'val{number}'})
        demo.stop()
        demo.start()
        assert cf.get('foo') == {'column1': f'val{number}'}
        demo.faults.disconnect(reset=True)
        assert cf.get('foo') == {'column1': f'val{number}'}
    target.close()


@by_name([*CONNECTS, *POOLS])
def test_while_the_server_is_down(demo, connect):
    target = opened(connect, demo)
    cf = pycassa.ColumnFamily(target, FAMILY)
    cf.insert('foo', {'column1': 'val1'})
    for _ in range(2):
        demo.stop()
        for _ in range(2):
            with pytest.raises(PycassaError) as caught:
                cf.get('foo')
            if connect is not pycassa.StaticPool:
                assert isinstance(caught.value, pycassa.connection.NoServerAvailable)
                assert {server for server, _ in caught.value.attempts} == {demo.address}
        demo.start()
        assert cf.get('foo') == {'column1': 'val1'}
    target.close()


@by_name([pycassa.QueuePool, pycassa.SingletonThreadPool, pycassa.NullPool, pycassa.ConnectionPool])
def test_a_connection_that_is_held_goes_on_after_a_restart(demo, connect):
    """The documents' way: pool.get(), ColumnFamily on the connection, connection.return_to_pool()."""
    pool = opened(connect, demo)
    connection = pool.get()
    cf = pycassa.ColumnFamily(connection, FAMILY)
    cf.insert('foo', {'column1': 'val1'})
    demo.stop()
    demo.start()
    assert cf.get('foo') == {'column1': 'val1'}
    assert connection.describe_version().count('.') == 2
    connection.return_to_pool()
    assert works(pool)
    pool.close()
