"""connect() and connect_thread_local() in the forms of both seed documents, and the clients that they return."""
import os
import socket
import threading
import time

import pytest

from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    Column,
    ColumnParent,
    CounterColumn,
    InvalidRequestException,
    SlicePredicate,
    TimedOutException,
)
from pycassa.errors import CallTimeout, NoServerAvailable, RequestTooLarge
from pycassa.legacy import SingleConnection, ThreadLocalConnection, connect, connect_thread_local
from pycassa.operations import Slice
from pycassa.wrapper import THRIFT_METHODS

from ..pool.fakes import in_threads

PARENT = ColumnParent('Standard1')
PREDICATE = SlicePredicate(column_names=[b'a'])
CREDENTIALS = {'username': 'jsmith', 'password': 'canary-password'}


class Layout:
    family = b'Standard1'


# --- forms -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('arguments, keywords, expected', [
    ((), {}, (None, ['localhost:9160'], True, None)),
    ((['h:1'],), {}, (None, ['h:1'], True, None)),
    ((['h:1', 'g:2'], False), {}, (None, ['h:1', 'g:2'], False, None)),
    ((['h:1'], True, 3.5), {}, (None, ['h:1'], True, 3.5)),
    ((('h:1',), True), {'timeout': 3.5}, (None, ['h:1'], True, 3.5)),
    ((), {'framed_transport': True}, (None, ['localhost:9160'], True, None)),
    ((), {'framed_transport': False}, (None, ['localhost:9160'], False, None)),
    ((), {'timeout': 3.5}, (None, ['localhost:9160'], True, 3.5)),
    ((), {'servers': ['h:1'], 'timeout': 3.5}, (None, ['h:1'], True, 3.5)),
    (('Keyspace1',), {}, ('Keyspace1', ['localhost:9160'], True, None)),
    (('Keyspace1', ['h:1']), {}, ('Keyspace1', ['h:1'], True, None)),
    (('Keyspace1', 'h:1'), {}, ('Keyspace1', ['h:1'], True, None)),
    (('Keyspace1',), {'framed_transport': False}, ('Keyspace1', ['localhost:9160'], False, None)),
    (('Keyspace1', ['h:1'], False, 3.5, CREDENTIALS, 60, None, True), {}, ('Keyspace1', ['h:1'], False, 3.5)),
    (('Keyspace1', ['h:1']), {'timeout': 3.5, 'credentials': CREDENTIALS, 'framed_transport': True,
                              'round_robin': False, 'retry_time': 9, 'recycle': 60, 'bytes_encoding': 'utf-8'},
     ('Keyspace1', ['h:1'], True, 3.5)),
])
@pytest.mark.parametrize('thread_local', [False, True])
def test_forms_of_connect(arguments, keywords, expected, thread_local):
    client = connect(*arguments, use_threadlocal=thread_local, **keywords)
    assert (client.keyspace, client.servers, client._options['framed_transport'], client.timeout) == expected
    assert type(client) is (ThreadLocalConnection if thread_local else SingleConnection)
    assert client.bytes_encoding == keywords.get('bytes_encoding')


@pytest.mark.parametrize('arguments, keywords, expected', [
    ((), {}, (None, ['localhost:9160'], True, None, True)),
    ((['h:1', 'g:2'],), {}, (None, ['h:1', 'g:2'], True, None, True)),
    ((['h:1', 'g:2'],), {'round_robin': False}, (None, ['h:1', 'g:2'], True, None, False)),
    ((['h:1'], False, False, 3.5), {}, (None, ['h:1'], False, 3.5, False)),
    ((['h:1'], True, True, 3.5, {'Keyspace1': CREDENTIALS}), {}, (None, ['h:1'], True, 3.5, True)),
    (('Keyspace1', ['h:1']), {'round_robin': False}, ('Keyspace1', ['h:1'], True, None, False)),
])
def test_forms_of_connect_thread_local(arguments, keywords, expected):
    client = connect_thread_local(*arguments, **keywords)
    assert type(client) is ThreadLocalConnection
    takes_turns = [next(client._turns) for _ in range(2)] == [0, 1]
    assert (client.keyspace, client.servers, client._options['framed_transport'], client.timeout,
            takes_turns) == expected
    assert client._wanted_credentials() == (CREDENTIALS if len(arguments) == 5 else None)


def test_the_client_has_every_thrift_call():
    for name in THRIFT_METHODS:
        assert callable(getattr(SingleConnection, name))


# --- calls -----------------------------------------------------------------------------------------------------------

def test_thrift_calls_by_their_names(raw_server):
    client = connect('Keyspace1', [raw_server.address], timeout=5)
    assert client.describe_version() == '19.39.0'
    assert raw_server.handler.called('set_keyspace') == []
    assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4
    client.insert(b'k', PARENT, Column(b'n', b'v', 7), 1)
    assert raw_server.handler.called('set_keyspace') == [('Keyspace1',)]
    assert [keyspace.name for keyspace in client.describe_keyspaces()] == ['Keyspace1']
    assert list(client.get_keyspace_description()) == ['Standard1']
    assert client.get_keyspace_description('Other', use_dict_for_col_metadata=True)['Standard1'].column_metadata == {}
    assert client.operations.get_count(Layout, b'k', None, Slice(), 1) == 4
    assert raw_server.accepted == 1
    client.close()
    assert client.describe_version() == '19.39.0' and raw_server.accepted == 2


def test_a_batch_of_the_client():
    client = connect('Keyspace1', ['127.0.0.1:1'])
    batch = client.batch(queue_size=7)
    assert isinstance(batch, Mutator) and batch.pool is client and batch.limit == 7


def test_unframed_transport_is_asked_for(raw_server):
    """The server here takes frames only: an unframed call looks to it like a frame of two thousand million bytes."""
    client = connect([raw_server.address], framed_transport=False, timeout=0.3)
    with pytest.raises(NoServerAvailable):
        client.describe_version()


def test_set_keyspace_holds_for_later_connections(raw_server):
    client = connect([raw_server.address], timeout=5)
    client.set_keyspace('Other')
    raw_server.hang_up()
    client.get_count(b'k', PARENT, PREDICATE, 1)
    assert raw_server.handler.called('set_keyspace') == [('Other',), ('Other',)]
    with pytest.raises(InvalidRequestException):
        client.set_keyspace('Missing')
    assert client.keyspace == 'Other' and client.get_count(b'k', PARENT, PREDICATE, 1) == 4


def test_methods_that_a_user_replaced_are_called(raw_server):
    client = connect('Keyspace1', [raw_server.address])
    client.get_count = lambda *arguments: 11
    assert client.operations.get_count(Layout, b'k', None, Slice(), 1) == 11


def test_what_is_too_large_is_not_sent(raw_server):
    client = connect('Keyspace1', [raw_server.address], max_request_bytes=1000)
    with pytest.raises(RequestTooLarge):
        client.insert(b'k', PARENT, Column(b'n', b'v' * 2000, 7), 1)
    assert raw_server.handler.called('insert') == [] and raw_server.accepted == 1
    client.insert(b'k', PARENT, Column(b'n', b'v', 7), 1)
    assert raw_server.accepted == 1


# --- failover --------------------------------------------------------------------------------------------------------

def test_each_server_is_tried_in_turn(raw_servers):
    client = connect('Keyspace1', [server.address for server in raw_servers], timeout=5)
    for number, server in enumerate(raw_servers):
        assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4
        assert len(server.handler.called('get_count')) == 1, number
        server.stop()
    with pytest.raises(NoServerAvailable) as caught:
        client.get_count(b'k', PARENT, PREDICATE, 1)
    # The connection that broke, then each server once.
    assert [server for server, _ in caught.value.attempts] == [
        raw_servers[index].address for index in (2, 0, 1, 2)]
    assert caught.value.__cause__ is caught.value.attempts[-1][1]
    raw_servers[1].start()
    assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4


def test_a_server_that_failed_comes_last_for_retry_time(raw_servers):
    client = connect('Keyspace1', [server.address for server in raw_servers], timeout=5, retry_time=0.2)
    raw_servers[0].stop()
    client.describe_version()
    assert client._order(None)[-1] == raw_servers[0].address
    time.sleep(0.21)
    assert client._order(None)[0] == raw_servers[0].address


def test_no_server():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        address = '127.0.0.1:%d' % unused.getsockname()[1]
        with pytest.raises(NoServerAvailable, match='no server answered') as caught:
            connect([address]).describe_version()
    assert [server for server, _ in caught.value.attempts] == [address]
    with pytest.raises(NoServerAvailable, match='list of servers is empty'):
        connect([]).describe_version()


def test_a_server_that_stalls_ends_in_no_server_available(raw_server):
    stop = threading.Event()
    raw_server.handler.script('describe_version', *[lambda: stop.wait(20)] * 2)
    client = connect([raw_server.address], timeout=0.2)
    started = time.monotonic()
    with pytest.raises(NoServerAvailable) as caught:
        client.describe_version()
    assert 0.35 <= time.monotonic() - started < 5
    assert [type(error) for _, error in caught.value.attempts] == [CallTimeout] * 2
    stop.set()
    assert client.describe_version() == '19.39.0'


def test_a_time_out_that_the_server_reports_is_raised(raw_server):
    raw_server.handler.script('get_count', TimedOutException())
    client = connect('Keyspace1', [raw_server.address])
    with pytest.raises(TimedOutException):
        client.get_count(b'k', PARENT, PREDICATE, 1)
    assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4 and raw_server.accepted == 1


def test_counters_are_sent_once_unless_asked(raw_server):
    client = connect('Keyspace1', [raw_server.address])
    raw_server.handler.script('add', raw_server.hang_up, raw_server.hang_up)
    with pytest.raises(NoServerAvailable, match='would double'):
        client.add(b'k', PARENT, CounterColumn(b'c', 5), 1)
    assert raw_server.handler.added == 5
    client.add(b'k', PARENT, CounterColumn(b'c', 5), 1, allow_retries=True)
    assert raw_server.handler.added == 15


def test_connections_are_recycled_by_age(raw_server):
    client = connect([raw_server.address], recycle=0.05)
    client.describe_version()
    client.describe_version()
    assert raw_server.accepted == 1
    time.sleep(0.06)
    client.describe_version()
    assert raw_server.accepted == 2


def test_a_restarted_server_costs_an_idle_client_nothing(raw_server, monkeypatch):
    monkeypatch.setattr('pycassa.legacy._IDLE_PROBE', 0.0)
    client = connect('Keyspace1', [raw_server.address])
    for expected in (5, 10, 15):
        client.add(b'k', PARENT, CounterColumn(b'c', 5), 1)
        assert raw_server.handler.added == expected
        raw_server.hang_up()
        time.sleep(0.05)


# --- login -----------------------------------------------------------------------------------------------------------

def test_login_now_and_on_every_connection(raw_server):
    raw_server.handler.password = CREDENTIALS['password']
    client = connect([raw_server.address])
    client.login('Keyspace1', CREDENTIALS)
    login = (CREDENTIALS,)
    assert raw_server.handler.called('login') == [login] and client.keyspace == 'Keyspace1'
    assert raw_server.handler.called('set_keyspace') == [('Keyspace1',)]
    raw_server.hang_up()
    client.get_count(b'k', PARENT, PREDICATE, 1)
    assert raw_server.handler.called('login') == [login] * 2
    assert raw_server.handler.called('set_keyspace') == [('Keyspace1',)] * 2


@pytest.mark.parametrize('form', [
    lambda client: client.login(AuthenticationRequest(CREDENTIALS)),
    lambda client: client.login(auth_request=AuthenticationRequest(CREDENTIALS)),
    lambda client: client.login(keyspace='Keyspace1', credentials=CREDENTIALS)])
def test_forms_of_login(raw_server, form):
    client = connect('Keyspace1', [raw_server.address])
    client.describe_version()
    form(client)
    assert raw_server.handler.called('login') == [(CREDENTIALS,)] and client.keyspace == 'Keyspace1'
    assert raw_server.accepted == 1


def test_a_login_that_fails_changes_nothing(raw_server):
    raw_server.handler.password = CREDENTIALS['password']
    client = connect('Keyspace1', [raw_server.address], credentials=CREDENTIALS)
    client.describe_version()
    with pytest.raises(AuthenticationException):
        client.login('Other', {'username': 'jsmith', 'password': 'wrong'})
    assert client.keyspace == 'Keyspace1'
    raw_server.hang_up()
    assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4
    with pytest.raises(TypeError):
        client.login('Keyspace1')


def test_wrong_credentials_can_be_put_right(raw_server):
    raw_server.handler.password = CREDENTIALS['password']
    client = connect('Keyspace1', [raw_server.address], credentials={'username': 'jsmith', 'password': 'wrong'})
    with pytest.raises(AuthenticationException):
        client.describe_version()
    client.login('Keyspace1', CREDENTIALS)
    assert client.describe_version() == '19.39.0'


def test_logins_of_several_keyspaces(raw_server):
    other = {'username': 'other', 'password': 'p'}
    client = connect([raw_server.address], logins={'Keyspace1': CREDENTIALS, 'Other': other})
    client.set_keyspace('Other')
    client.get_count(b'k', PARENT, PREDICATE, 1)
    client.set_keyspace('Keyspace1')
    client.get_count(b'k', PARENT, PREDICATE, 1)
    assert [arguments[0]['username'] for arguments in raw_server.handler.called('login')] == [
        'jsmith', 'other', 'jsmith']


def test_credentials_show_nowhere(raw_server):
    client = connect('Keyspace1', [raw_server.address], credentials=CREDENTIALS)
    raw_server.stop()
    with pytest.raises(NoServerAvailable) as caught:
        client.describe_version()
    assert 'canary' not in f'{client!r} {client} {caught.value!r} {caught.value}'


# --- threads and processes -------------------------------------------------------------------------------------------

def test_a_thread_local_client_has_a_connection_for_each_thread_by_turns(raw_servers):
    client = connect_thread_local('Keyspace1', [server.address for server in raw_servers], timeout=5)
    everyone = threading.Barrier(6, timeout=30)

    def work(number):
        for _ in range(3):
            assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4
            everyone.wait()

    in_threads(6, work)
    assert [server.accepted for server in raw_servers] == [2, 2, 2]


def test_without_round_robin_the_first_server_is_taken(raw_servers):
    client = connect_thread_local([server.address for server in raw_servers], round_robin=False)
    in_threads(4, lambda number: client.describe_version())
    assert [server.accepted for server in raw_servers] == [4, 0, 0]


def test_login_and_keyspace_reach_all_threads(raw_server):
    client = connect_thread_local([raw_server.address])
    start, go_on = threading.Barrier(2, timeout=30), threading.Barrier(2, timeout=30)

    def other():
        client.describe_version()
        start.wait()
        go_on.wait()
        client.get_count(b'k', PARENT, PREDICATE, 1)

    thread = threading.Thread(target=other)
    thread.start()
    start.wait()
    client.login('Keyspace1', CREDENTIALS)
    go_on.wait()
    thread.join(30)
    assert raw_server.handler.called('login') == [(CREDENTIALS,)] * 2
    assert raw_server.handler.called('set_keyspace') == [('Keyspace1',)] * 2


def test_threads_may_share_a_single_connection(raw_server):
    client = connect('Keyspace1', [raw_server.address], timeout=20)

    def work(number):
        for _ in range(50):
            assert client.get_count(b'k', PARENT, PREDICATE, 1) == 4

    in_threads(8, work)
    assert raw_server.accepted == 1


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')
@pytest.mark.parametrize('make', [connect, connect_thread_local])
def test_a_forked_child_has_a_connection_of_its_own(raw_server, make):
    client = make('Keyspace1', [raw_server.address], timeout=5)
    client.describe_version()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if client.describe_version() == '19.39.0' else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert client.describe_version() == '19.39.0' and raw_server.accepted == 2
