"""Connection: opening, login, keyspace, time-outs by name, encoded calls, users' factories."""
import socket
import struct
import time

import pytest
import thrift.transport.TTransport
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport, TTransportException

from pycassa import codec, connection
from pycassa.cassandra.ttypes import (
    AuthenticationException,
    InvalidRequestException,
    NotFoundException,
    UnavailableException,
)
from pycassa.connection import (
    Connection,
    default_socket_factory,
    default_transport_factory,
    make_ssl_context,
    make_ssl_socket_factory,
)
from pycassa.errors import (
    ApplicationError,
    CallTimeout,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ProtocolError,
    PycassaError,
    ReplyTooLarge,
    RequestTooLarge,
    TransportError,
    UnpackingError,
)
from pycassa.framing import SocketTransport
from pycassa.operations import Call, Slice, call_by_objects
from pycassa.rawcalls import own_method

from .conftest import EXCEPTION, application_error, binary, call_in, framed, message, string_result, struct_result

SECRET = 'correct horse'
LAYOUT = codec.Layout('Standard1', key=codec.scalar('UTF8Type'), name=codec.scalar('UTF8Type'),
                      value=codec.scalar('Int32Type'))


def column_list(*columns):
    """The result struct of get_slice: [(name, value, timestamp)]."""
    items = b''.join(b'\x0c\0\1\x0b\0\1' + binary(name) + b'\x0b\0\2' + binary(value)
                     + b'\x0a\0\3' + struct.pack('>q', timestamp) + b'\0\0' for name, value, timestamp in columns)
    return b'\x0f\0\0\x0c' + struct.pack('>i', len(columns)) + items + b'\0'


COLUMNS = column_list(('a', b'\0\0\0\1', 5), ('b', b'\0\0\0\2', 6))


def get_slice(client):
    return client.operations.get_slice(LAYOUT, b'k', None, Slice(), 1, dict, 0)


@pytest.fixture
def connect():
    """connect(server, keyspace=None, **options) -> a Connection that is closed when the test ends."""
    opened = []

    def open_connection(server, keyspace=None, **options):
        options.setdefault('timeout', 5)
        opened.append(Connection(keyspace, server.address, **options))
        return opened[-1]

    yield open_connection
    for each in opened:
        each.close()


# --- opening -------------------------------------------------------------------------------------------------------

def test_login_comes_before_the_keyspace(answering, connect):
    server = answering()
    connection = connect(server, 'Keyspace1', credentials={'username': 'jsmith', 'password': SECRET})
    assert server.names == ['login', 'set_keyspace']
    assert b'jsmith' in server.calls[0].data and SECRET.encode() in server.calls[0].data
    assert connection.keyspace == 'Keyspace1'
    assert connection.is_open and connection.usable and connection.probe()


@pytest.mark.parametrize('credentials', [None, {}])
def test_no_credentials_no_login(answering, connect, credentials):
    server = answering()
    connect(server, 'Keyspace1', credentials=credentials)
    assert server.names == ['set_keyspace']


def test_neither_keyspace_nor_credentials(answering, connect):
    server = answering(describe_version=string_result('19.39.0'))
    assert connect(server).describe_version() == '19.39.0'
    assert server.names == ['describe_version']


def test_set_keyspace_asks_only_for_a_change(answering, connect):
    server = answering()
    connection = connect(server, 'Keyspace1')
    connection.set_keyspace('Keyspace1')
    connection.set_keyspace('Keyspace2')
    connection.set_keyspace('Keyspace2')
    assert server.names == ['set_keyspace', 'set_keyspace']
    assert connection.keyspace == 'Keyspace2'


def test_an_unknown_keyspace(answering):
    server = answering(set_keyspace=struct_result(1, string_field(1, 'Keyspace Nope does not exist')))
    with pytest.raises(InvalidRequestException) as refused:
        Connection('Nope', server.address, timeout=5)
    assert refused.value.why == 'Keyspace Nope does not exist'
    server.wait_closed()


def string_field(field, text):
    return b'\x0b' + struct.pack('>h', field) + binary(text) + b'\0'


def test_login_errors_show_no_credentials(answering):
    server = answering(login=struct_result(1, string_field(1, 'Username and/or password are incorrect')))
    with pytest.raises(AuthenticationException) as refused:
        Connection('Keyspace1', server.address, timeout=5, credentials={'username': 'jsmith', 'password': SECRET})
    error = refused.value
    while error is not None:
        assert SECRET not in str(error) + repr(error) + repr(error.__dict__)
        error = error.__cause__ or error.__context__
    server.wait_closed()


def test_repr(answering, connect):
    server = answering()
    connection = connect(server, 'Keyspace1', credentials={'username': 'jsmith', 'password': SECRET})
    assert repr(connection) == str(connection) == f'<Connection Keyspace1@{server.address}>'
    assert SECRET not in repr(vars(connection)) and 'jsmith' not in repr(vars(connection))


def test_refused(refused_port):
    with pytest.raises(ConnectionFailed) as failed:
        Connection('Keyspace1', f'127.0.0.1:{refused_port}')
    assert isinstance(failed.value, TTransportException) and isinstance(failed.value, PycassaError)


def test_bad_address():
    with pytest.raises(ConfigurationError, match="'host:port'"):
        Connection('Keyspace1', 'host:port')


def test_a_pair_as_server(answering):
    server = answering()
    with Connection('Keyspace1', (server.host, server.port)) as connection:
        assert str(connection) == f'<Connection Keyspace1@{server.address}>'
    assert not connection.is_open
    connection.close()


def test_default_server_and_names_of_1_11():
    assert connection.DEFAULT_SERVER == 'localhost:9160' and connection.DEFAULT_PORT == 9160
    for name in ('TSaslClientTransport', 'make_sasl_transport_factory', 'make_ssl_socket_factory'):
        assert callable(getattr(connection, name))


# --- time-outs -----------------------------------------------------------------------------------------------------

def deaf_to(*names):
    """A script that answers every call except those of `names`."""
    def script(peer, server):
        while True:
            call = server.read(peer)
            if call.name not in names:
                peer.sendall(call.reply(string_result('x') if call.name.startswith('describe') else b'\0'))

    return script


def timed_out(function, text):
    started = time.monotonic()
    with pytest.raises(CallTimeout) as raised:
        function()
    assert time.monotonic() - started < 4
    assert text in str(raised.value), str(raised.value)


def test_the_setting_that_expired_is_named(scripted, connect, silent_address):
    server = scripted(deaf_to('get_slice', 'system_drop_keyspace', 'truncate', 'describe_version'))
    timed_out(lambda: get_slice(connect(server, timeout=0.1)), 'get_slice: ')
    timed_out(lambda: get_slice(connect(server, timeout=0.1)), 'within timeout=0.1')
    timed_out(lambda: connect(server, timeout=0.1).describe_version(), 'describe_version: ')
    timed_out(lambda: connect(server, timeout=0.1).describe_version(), 'within timeout=0.1')
    timed_out(lambda: connect(server, schema_timeout=0.1).system_drop_keyspace('k'), 'within schema_timeout=0.1')
    timed_out(lambda: connect(server, schema_timeout=0.1).operations.truncate('cf'), 'within schema_timeout=0.1')
    timed_out(lambda: Connection(None, silent_address, timeout=5, connect_timeout=0.1), 'within connect_timeout=0.1')
    timed_out(lambda: Connection(None, silent_address, timeout=0.1), 'within connect_timeout=0.1')


def test_the_deadline_of_a_call(scripted, connect):
    connection = connect(scripted(deaf_to('get_slice')))
    call = encoded_get_slice()
    timed_out(lambda: connection.execute_call(call, time.monotonic() + 0.1), 'within deadline')
    assert not connection.is_open


def test_the_deadline_of_opening(scripted):
    server = scripted(deaf_to('login'))
    timed_out(lambda: Connection('k', server.address, timeout=30, credentials={'username': 'u', 'password': 'p'},
                                 deadline=time.monotonic() + 0.1), 'within deadline')
    server.wait_closed()


def test_the_deadline_of_opening_ends_with_opening(answering, connect):
    server = answering(describe_version=string_result('19.39.0'))
    connection = connect(server, deadline=time.monotonic() + 0.2)
    time.sleep(0.25)
    assert connection.describe_version() == '19.39.0'


def test_time_outs_by_default(answering, connect):
    server = answering()
    assert connect(server, timeout=None).schema_timeout is None
    assert connect(server, timeout=0.5).schema_timeout == 30
    assert connect(server, timeout=60).schema_timeout == 60
    assert connect(server, timeout=0.5).connect_timeout == 0.5
    assert connect(server, timeout=0.5, connect_timeout=3, schema_timeout=7).schema_timeout == 7


def test_no_time_out(scripted, connect):
    def slow(peer, server):
        call = server.read(peer)
        time.sleep(0.2)
        peer.sendall(call.reply(COLUMNS))

    assert get_slice(connect(scripted(slow), timeout=None)) == {'a': 1, 'b': 2}


# --- encoded calls -------------------------------------------------------------------------------------------------

def encoded_get_slice(seqid=77):
    frame = codec.encode_get_slice(seqid, b'k', b'Standard1', None, codec.encode_slice_predicate(b'', b'', False, 9), 1)
    return Call('get_slice', seqid, frame,
                lambda reply: codec.decode_get_slice(reply, seqid, LAYOUT, dict, 0), retry=True)


def test_execute_call(answering, connect):
    server = answering(get_slice=COLUMNS)
    connection = connect(server)
    call = encoded_get_slice()
    assert connection.execute_call(call) == {'a': 1, 'b': 2}
    assert server.calls[0].data == call.frame[4:]
    assert get_slice(connection) == {'a': 1, 'b': 2}


@pytest.mark.parametrize('field, kind, raised', [
    (1, InvalidRequestException, string_field(1, 'bad')), (2, UnavailableException, b'\0'),
])
def test_declared_exceptions_leave_it_open(answering, connect, field, kind, raised):
    connection = connect(answering(get_slice=struct_result(field, raised)))
    for _ in range(3):
        with pytest.raises(kind):
            get_slice(connection)
    assert connection.is_open and connection.probe()


def test_values_that_cannot_be_unpacked_leave_it_open(answering, connect):
    connection = connect(answering(get_slice=column_list(('a', b'\0', 5))))
    for _ in range(2):
        with pytest.raises(UnpackingError):
            get_slice(connection)
    assert connection.is_open


def wrong_reply(reply):
    """A script that answers get_slice with what `reply` makes of the call."""
    def script(peer, server):
        peer.sendall(framed(reply(server.read(peer))))
        peer.recv(1)

    return script


WRONG = {
    'sequence id': lambda call: message(call.name, call.seqid + 1, COLUMNS),
    'name': lambda call: message('get', call.seqid, COLUMNS),
    'message type': lambda call: message(call.name, call.seqid, COLUMNS, kind=1),
    'version': lambda call: b'\x80\x02' + message(call.name, call.seqid, COLUMNS)[2:],
    'old header': lambda call: binary(call.name) + b'\2' + struct.pack('>i', call.seqid) + COLUMNS,
    'trailing bytes': lambda call: message(call.name, call.seqid, COLUMNS + b'x'),
    'truncated': lambda call: message(call.name, call.seqid, COLUMNS[:-3]),
    'empty': lambda call: b'',
    'long string': lambda call: message(call.name, call.seqid, b'\x0f\0\0\x0c\0\0\0\1\x0c\0\1\x0b\0\1\x7f\xff\xff\xff'),
    'long list': lambda call: message(call.name, call.seqid, b'\x0f\0\0\x0c\x7f\xff\xff\xff\x0c\0\1'),
    'negative list': lambda call: message(call.name, call.seqid, b'\x0f\0\0\x0c\xff\xff\xff\xff\0'),
    'deep': lambda call: message(call.name, call.seqid, b'\x0c\0\x63' * 500_000 + b'\0' * 500_001),
    'no result': lambda call: message(call.name, call.seqid, b'\0'),
}


@pytest.mark.parametrize('what', WRONG)
@pytest.mark.parametrize('by', ['encoded', 'objects', 'objects without the C extension'])
def test_wrong_replies_close_it(scripted, connect, without_fastbinary, what, by):
    raw = by != 'encoded'
    if by == 'objects without the C extension':
        without_fastbinary()
    connection = connect(scripted(wrong_reply(WRONG[what])))
    with pytest.raises(PycassaError) as wrong:
        connection.get_slice(b'k', None, None, 1) if raw else get_slice(connection)
    assert isinstance(wrong.value, (ProtocolError, ApplicationError) if what == 'no result' else ProtocolError)
    if what != 'no result':
        assert str(wrong.value).startswith(f'get_slice: {connection.server}: ')
    assert not connection.is_open
    with pytest.raises(TransportError, match='closed'):
        get_slice(connection)


@pytest.mark.parametrize('kind, is_open', [(1, True), (7, False), (6, False), (0, False)])
@pytest.mark.parametrize('raw', [False, True], ids=['encoded', 'objects'])
def test_application_errors(scripted, connect, kind, is_open, raw):
    def script(peer, server):
        while True:
            peer.sendall(server.read(peer).reply(application_error(kind, 'what the server says'), EXCEPTION))

    connection = connect(scripted(script))
    with pytest.raises(ApplicationError) as raised:
        connection.get_slice(b'k', None, None, 1) if raw else get_slice(connection)
    assert raised.value.type == kind and str(raised.value) == 'what the server says'
    assert connection.is_open is is_open


def test_limits(scripted, connect):
    def script(peer, server):
        while True:
            peer.sendall(server.read(peer).reply(COLUMNS))

    with pytest.raises(ReplyTooLarge, match='max_reply_bytes=20'):
        get_slice(connect(scripted(script), max_reply_bytes=20))
    server = scripted(script)
    connection = connect(server, max_request_bytes=30)
    with pytest.raises(RequestTooLarge, match='max_request_bytes=30'):
        get_slice(connection)
    assert connection.is_open and not server.calls


def test_unframed(scripted):
    def script(peer, server):
        data = peer.recv(65536)
        peer.sendall(message('get_slice', call_in(data).seqid, COLUMNS))
        peer.recv(1)

    server = scripted(script)
    with Connection(None, server.address, framed_transport=False, timeout=5) as connection:
        assert get_slice(connection) == {'a': 1, 'b': 2}


# --- methods that users replace ------------------------------------------------------------------------------------

def test_a_replaced_method_is_called_with_objects(answering, connect):
    server = answering(get_slice=COLUMNS)
    connection = connect(server)
    original, seen = connection.get_slice, []

    def wrapper(*arguments, **keywords):
        seen.append(arguments)
        return original(*arguments, **keywords)

    connection.get_slice = wrapper
    assert get_slice(connection) == {'a': 1, 'b': 2}
    key, parent, predicate, consistency = seen[0]
    assert (key, parent.column_family, predicate.slice_range.count, consistency) == (b'k', 'Standard1', 100, 1)
    assert len(server.calls) == 1
    del connection.get_slice
    assert get_slice(connection) == {'a': 1, 'b': 2}
    assert len(seen) == 1


def test_errors_of_a_replaced_method(answering, connect):
    connection = connect(answering())

    def missing(*_arguments):
        raise NotFoundException()

    connection.get = missing
    with pytest.raises(NotFoundException):
        connection.operations.get(LAYOUT, b'k', None, b'a', 1, dict, 0)


def test_a_method_of_a_subclass_is_called(answering):
    class Counted(Connection):
        calls = 0

        def get_slice(self, *arguments):
            self.calls += 1
            return super().get_slice(*arguments)

    with Counted(None, answering(get_slice=COLUMNS).address, timeout=5) as connection:
        assert get_slice(connection) == {'a': 1, 'b': 2}
        assert connection.calls == 1


def test_a_method_patched_into_the_class(answering, monkeypatch):
    original, calls = Connection.get_slice, []

    def patched(self, *arguments):
        calls.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(Connection, 'get_slice', patched, raising=True)
    with Connection(None, answering(get_slice=COLUMNS).address, timeout=5) as connection:
        get_slice(connection)
    assert len(calls) == 1


def test_own_methods_of_a_subclass_are_stood_in_for(answering):
    class Pooled(Connection):
        @own_method
        def get_slice(self, *arguments):
            raise AssertionError('the codec does this')

    with Pooled(None, answering(get_slice=COLUMNS).address, timeout=5) as connection:
        assert get_slice(connection) == {'a': 1, 'b': 2}


def test_call_by_objects_over_a_connection(answering, connect):
    connection = connect(answering(get_slice=COLUMNS))
    assert call_by_objects(encoded_get_slice(), connection.get_slice) == {'a': 1, 'b': 2}


# --- users' factories ----------------------------------------------------------------------------------------------

class RecordingSocket(TSocket):
    """A user's own kind of socket."""

    def __init__(self, host, port):
        TSocket.__init__(self, host, port)
        self.timeouts = []

    def setTimeout(self, ms):
        self.timeouts.append(ms)
        TSocket.setTimeout(self, ms)


def socket_of_a_user(host, port):
    return RecordingSocket(host, port)


def framed_by_a_user(tsocket, host, port):
    return TFramedTransport(tsocket)


def buffered_frames_of_a_user(tsocket, host, port):
    return TFramedTransport(TBufferedTransport(tsocket))


class Padded(TBufferedTransport):
    """A user's transport that makes frames in a way of its own, of no class that is known here."""

    def flush(self):
        data = self._TBufferedTransport__wbuf.getvalue()
        self._TBufferedTransport__wbuf = type(self._TBufferedTransport__wbuf)()
        self._TBufferedTransport__trans.write(struct.pack('>i', len(data)) + data)
        self.expecting = True

    def read(self, sz):
        if getattr(self, 'expecting', False):
            self.expecting = False
            self.readAll(4)
        return TBufferedTransport.read(self, sz)


FACTORIES = {
    'socket': {'socket_factory': socket_of_a_user},
    'transport': {'transport_factory': framed_by_a_user},
    'both': {'socket_factory': socket_of_a_user, 'transport_factory': framed_by_a_user},
    'nested': {'transport_factory': buffered_frames_of_a_user},
    'unknown': {'transport_factory': lambda tsocket, host, port: Padded(tsocket)},
}


@pytest.mark.parametrize('factories', FACTORIES.values(), ids=FACTORIES)
def test_users_factories(answering, connect, factories):
    connection = connect(answering(get_slice=COLUMNS, describe_version=string_result('19.39.0')), 'Keyspace1',
                         **factories)
    for _ in range(3):
        assert get_slice(connection) == {'a': 1, 'b': 2}
        assert connection.describe_version() == '19.39.0'
        assert len(connection.get_slice(b'k', None, None, 1)) == 2
        assert connection.probe()
    connection.close()
    assert not connection.is_open and not connection.transport.isOpen()


@pytest.mark.parametrize('factories', FACTORIES.values(), ids=FACTORIES)
def test_failures_through_users_factories(scripted, connect, factories):
    def options():
        return {'timeout': 0.1, **factories}

    connection = connect(scripted(deaf_to('get_slice')), **options())
    with pytest.raises(CallTimeout):
        get_slice(connection)
    assert not connection.is_open
    for what in ('sequence id', 'truncated', 'negative list'):
        connection = connect(scripted(wrong_reply(WRONG[what])), **options())
        with pytest.raises(TransportError):
            get_slice(connection)
        assert not connection.is_open

    def cut(peer, server):
        peer.sendall(server.read(peer).reply(COLUMNS)[:30])

    connection = connect(scripted(cut), **options())
    with pytest.raises(ConnectionClosed):
        get_slice(connection)
    assert not connection.is_open


@pytest.mark.parametrize('name', ['socket', 'transport', 'both', 'nested'])
def test_a_reply_too_large_through_users_factories_is_named(answering, connect, name):
    """Another server's reply would be as large: the error has to say so, or the pool asks them all."""
    connection = connect(answering(get_slice=COLUMNS), max_reply_bytes=20, **FACTORIES[name])
    with pytest.raises(ReplyTooLarge, match='max_reply_bytes=20'):
        get_slice(connection)
    assert not connection.is_open


@pytest.mark.skipif(not hasattr(thrift.transport.TTransport, 'DEFAULT_MAX_FRAME_SIZE'),
                    reason='this version of thrift has no limit of its own')
def test_a_reply_above_the_limit_of_a_users_transport_is_named(answering, connect):
    connection = connect(answering(get_slice=COLUMNS), transport_factory=lambda tsocket, host, port: TFramedTransport(
        tsocket, max_frame_size=20))
    with pytest.raises(ReplyTooLarge, match='Frame size .* factory'):
        get_slice(connection)
    assert not connection.is_open


@pytest.mark.parametrize('factories', FACTORIES.values(), ids=FACTORIES)
def test_probe_through_users_factories(scripted, connect, factories):
    def answer_once(peer, server):
        peer.sendall(server.read(peer).reply(COLUMNS))

    connection = connect(scripted(answer_once), **factories)
    get_slice(connection)
    deadline = time.monotonic() + 5
    while connection.probe():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_users_socket_gets_its_time_outs(answering, connect):
    made = []

    def factory(host, port):
        made.append(RecordingSocket(host, port))
        return made[-1]

    server = answering()
    connection = connect(server, timeout=0.5, connect_timeout=2, socket_factory=factory)
    assert made[0].timeouts == [2000.0, 500.0]
    assert (made[0].host, made[0].port) == (server.host, server.port)
    assert isinstance(connection.transport, TFramedTransport)
    assert connect(server, timeout=None, socket_factory=factory) and made[1].timeouts == []


def test_a_users_socket_that_is_refused(refused_port):
    with pytest.raises(ConnectionFailed):
        Connection(None, ('127.0.0.1', refused_port), socket_factory=socket_of_a_user)


def test_a_users_own_exception_is_passed_on(answering):
    class Unlucky(Exception):
        pass

    class Broken(TSocket):
        def write(self, buf):
            raise Unlucky

    with pytest.raises(Unlucky):
        Connection('k', answering().address, socket_factory=Broken)


def test_default_factories_are_replaced_and_still_work(answering, connect):
    server = answering(describe_version=string_result('19.39.0'))
    connection = connect(server, socket_factory=default_socket_factory, transport_factory=default_transport_factory)
    assert isinstance(connection.transport, SocketTransport)
    tsocket = default_socket_factory(server.host, server.port)
    transport = default_transport_factory(tsocket, server.host, server.port)
    assert type(tsocket) is TSocket and type(transport) is TFramedTransport
    transport.open()
    transport.write(message('describe_version', 3, kind=1))
    transport.flush()
    assert transport.read(100) == message('describe_version', 3, string_result('19.39.0'))
    transport.close()


@pytest.mark.parametrize('factory', [socket_of_a_user, make_ssl_socket_factory(None)], ids=['plain', 'tls'])
def test_two_ways_of_saying_tls_at_once(factory):
    with pytest.raises(ConfigurationError, match='ssl_context'):
        Connection(None, 'localhost', socket_factory=factory, ssl_context=make_ssl_context())


def test_no_socket_is_left_behind(scripted):
    """A connection that could not be opened to its end has closed its socket."""
    server = scripted(wrong_reply(lambda call: b'garbage'))
    with pytest.raises(ProtocolError):
        Connection('k', server.address, timeout=5)
    server.wait_closed()
    assert server.accepted == 1
    with socket.socket() as check:
        check.settimeout(5)
        check.connect((server.host, server.port))
