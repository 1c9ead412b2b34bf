"""Every Thrift method by the bindings' objects: names, sequence ids, text and bytes, results, and bad arguments."""
import contextlib
import gc
import inspect
import os
import struct
import subprocess
import sys
import textwrap
import time
import tracemalloc
import types

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    AuthenticationRequest,
    CfDef,
    Column,
    ColumnDef,
    ColumnOrSuperColumn,
    ColumnParent,
    ColumnPath,
    Deletion,
    KeySlice,
    KsDef,
    Mutation,
    NotFoundException,
    SlicePredicate,
    SliceRange,
)
from pycassa.connection import Connection
from pycassa.errors import ApplicationError, ProtocolError, PycassaError, RequestTooLarge
from pycassa.rawcalls import is_own_method

from .conftest import EXCEPTION, application_error, framed, message, string_result

METHODS = {name: inspect.signature(function) for name, function in inspect.getmembers(Cassandra.Iface,
                                                                                      inspect.isfunction)}


@pytest.fixture(params=['fastbinary', 'python'])
def extension(request, without_fastbinary):
    """With thrift's C extension and without."""
    if request.param == 'python':
        without_fastbinary()
    return request.param


@pytest.fixture
def connected(scripted, extension):
    """connected(script) -> (Connection, server)"""
    opened = []

    def open_connection(script):
        server = scripted(script)
        opened.append(Connection(None, server.address, timeout=5))
        return opened[-1], server

    yield open_connection
    for connection in opened:
        connection.close()


def encoded(struct):
    buffer = TMemoryBuffer()
    struct.write(TBinaryProtocol(buffer))
    return buffer.getvalue()


def decoded(struct, call):
    """The arguments struct of a call that a server received."""
    struct.read(TBinaryProtocol(TMemoryBuffer(call.data[12 + len(call.name):])))
    return struct


def test_there_are_45():
    assert len(METHODS) == 45


@pytest.mark.parametrize('method', METHODS)
def test_every_method_is_sent_under_its_name(answering, method):
    def reject(peer, server):
        while True:
            peer.sendall(server.read(peer).reply(application_error(1, f"Invalid method name: '{method}'"), EXCEPTION))

    server = answering()
    server.script = reject
    with Connection(None, server.address, timeout=5) as connection:
        assert is_own_method(connection, method)
        assert list(inspect.signature(getattr(connection, method)).parameters) == list(METHODS[method].parameters)[1:]
        arguments = ['ks'] if method == 'set_keyspace' else [None] * (len(METHODS[method].parameters) - 1)
        for _ in range(2):
            with pytest.raises(ApplicationError, match='Invalid method name') as raised:
                getattr(connection, method)(*arguments)
            assert raised.value.type == 1
        assert connection.is_open
    first, second = server.calls
    assert first.name == second.name == method
    assert first.seqid != second.seqid


def test_text_and_bytes_in_arguments(connected):
    connection, server = connected(lambda peer, server: server.serve(peer))
    connection.insert('kéy', ColumnParent('Standard1'), Column('näme', b'\xff', 5), 1)
    connection.insert(b'k\xff', ColumnPath('Standard1'), Column(b'name', 'välue', 5), 1)
    first, second = (decoded(Cassandra.insert_args(), call) for call in server.calls)
    assert (first.key, first.column.name, first.column.value) == ('kéy'.encode(), 'näme'.encode(), b'\xff')
    assert (second.key, second.column.name, second.column.value) == (b'k\xff', b'name', 'välue'.encode())
    assert first.column_parent == second.column_parent == ColumnParent('Standard1')


def test_bytes_where_text_is_due(connected):
    connection, server = connected(lambda peer, server: server.serve(peer, describe_keyspace=encoded(
        Cassandra.describe_keyspace_result(success=KsDef('k', 's', cf_defs=[])))))
    connection.set_keyspace(b'ks')
    assert connection.describe_keyspace(keyspace=b'ks').name == 'k'
    assert decoded(Cassandra.set_keyspace_args(), server.calls[0]).keyspace == 'ks'


def test_batch_mutate(connected):
    connection, server = connected(lambda peer, server: server.serve(peer))
    mutations = [Mutation(ColumnOrSuperColumn(Column(b'n', b'v', 5))),
                 Mutation(deletion=Deletion(6, predicate=SlicePredicate(column_names=[b'n'])))]
    connection.batch_mutate({b'k': {'Standard1': mutations}}, 1)
    assert decoded(Cassandra.batch_mutate_args(), server.calls[0]).mutation_map == {b'k': {'Standard1': mutations}}


ROWS = [KeySlice(b'k\xff', [ColumnOrSuperColumn(Column(b'\xe9', 'value é'.encode(), 5, 60))])]


def test_results_come_back_as_objects(connected):
    connection, _ = connected(lambda peer, server: server.serve(
        peer, get_range_slices=encoded(Cassandra.get_range_slices_result(success=ROWS)),
        describe_token_map=encoded(Cassandra.describe_token_map_result(success={'1': 'é'})),
        trace_next_query=string_result(b'\xff\0'), describe_version=string_result('19.39.0')))
    assert connection.get_range_slices(None, None, None, 1) == ROWS
    assert connection.describe_token_map() == {'1': 'é'}
    assert connection.trace_next_query() == b'\xff\0'
    assert connection.describe_version() == '19.39.0'


def test_declared_exceptions(connected):
    connection, _ = connected(lambda peer, server: server.serve(
        peer, get=encoded(Cassandra.get_result(nfe=NotFoundException()))))
    for _ in range(2):
        with pytest.raises(NotFoundException):
            connection.get(b'k', ColumnPath('Standard1', column=b'c'), 1)
    assert connection.is_open


@pytest.mark.parametrize('arguments', [
    (b'k', 5, None, 1), (7.5, None, None, 1), (b'k', None, SlicePredicate(column_names=5), 1), (5, None, None, 1),
    (b'k', None, SlicePredicate(slice_range=SliceRange(b'', b'', count='many')), 1), (b'k', None, None, 2 ** 40),
])
def test_arguments_that_cannot_be_encoded_leave_it_open(connected, arguments):
    connection, server = connected(lambda peer, server: server.serve(
        peer, get_slice=encoded(Cassandra.get_slice_result(success=[]))))
    with pytest.raises(Exception) as raised:
        connection.get_slice(*arguments)
    assert not isinstance(raised.value, OSError)
    assert server.calls == []
    assert connection.get_slice(b'k', None, None, 1) == []


def test_a_request_above_the_limit(connected):
    connection, server = connected(lambda peer, server: server.serve(peer))
    connection._protocol.max_request_bytes = 1000
    with pytest.raises(RequestTooLarge, match='insert call of .* max_request_bytes=1000'):
        connection.insert(b'k', ColumnParent('Standard1'), Column(b'n', b'x' * 1000, 5), 1)
    assert connection.is_open and server.calls == []
    connection.insert(b'k', ColumnParent('Standard1'), Column(b'n', b'x', 5), 1)


def test_a_string_that_is_no_text(answering, without_fastbinary):
    """As the newer C extensions of thrift do it; early ones refuse the reply."""
    without_fastbinary()
    with Connection(None, answering(describe_version=string_result(b'a\xff')).address, timeout=5) as connection:
        assert connection.describe_version() == 'a\ufffd'
        assert connection.is_open


def test_a_count_of_elements_allocates_nothing(connected):
    announced = b'\x0f\0\0\x0c' + struct.pack('>i', 20_000_000) + b'\0' * 100
    connection, _ = connected(lambda peer, server: server.serve(peer, get_slice=announced))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match='get_slice: .*malformed'):
            connection.get_slice(b'k', None, None, 1)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert not connection.is_open


@pytest.mark.parametrize('body', [b'\x0f\0\0\x0c\x7f\xff\xff\xff', b'\0tail', b'\x0f\0\0\x0c'])
def test_a_failed_call_leaves_nothing_to_the_garbage_collector(connected, body):
    """What it had received is given back at once: frames do not refer to the errors that lead to them."""
    connection, _ = connected(lambda peer, server: server.serve(peer, describe_ring=body))
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(PycassaError):
            connection.describe_ring('K')
        frames = [each.f_code.co_name for each in gc.get_objects() if isinstance(each, types.FrameType)
                  and 'describe_ring' in each.f_code.co_name]
    finally:
        gc.enable()
    assert not frames


@pytest.mark.parametrize('damage', [b'', b'tail'])
def test_a_connection_keeps_no_reply(connected, damage):
    size = 4 << 20
    body = string_result('x' * size) + damage
    connection, server = connected(lambda peer, server: server.serve(peer, describe_version=body))
    tracemalloc.start()
    try:
        with contextlib.suppress(ProtocolError):
            assert len(connection.describe_version()) == size
        assert connection.is_open is (damage == b'')
        assert server.names == ['describe_version']
        # The server's thread lets go of what it has sent in its own time.
        until = time.monotonic() + 5
        while tracemalloc.get_traced_memory()[0] > size and time.monotonic() < until:
            time.sleep(0.01)
        assert tracemalloc.get_traced_memory()[0] < size
    finally:
        tracemalloc.stop()


def test_keyspace_description(connected):
    families = [CfDef('k', 'A', column_metadata=[ColumnDef(b'x', 'UTF8Type')]), CfDef('k', 'B')]
    connection, server = connected(lambda peer, server: server.serve(
        peer, describe_keyspace=encoded(Cassandra.describe_keyspace_result(success=KsDef('k', 's', cf_defs=families)))))
    connection.set_keyspace('k')
    assert connection.get_keyspace_description() == {'A': families[0], 'B': families[1]}
    by_name = connection.get_keyspace_description('other', use_dict_for_col_metadata=True)
    assert by_name['A'].column_metadata == {b'x': ColumnDef(b'x', 'UTF8Type')}
    assert by_name['B'].column_metadata == {}
    asked = [decoded(Cassandra.describe_keyspace_args(), call).keyspace for call in server.calls[1:]]
    assert asked == ['k', 'other']


def test_login_by_its_thrift_form(connected):
    connection, server = connected(lambda peer, server: server.serve(peer))
    assert connection.login(AuthenticationRequest({'username': 'u'})) is None
    assert decoded(Cassandra.login_args(), server.calls[0]).auth_request.credentials == {'username': 'u'}


def test_sending_and_receiving_apart(connected):
    """The generated client's halves, which some programs call by themselves."""
    connection, _ = connected(lambda peer, server: server.serve(peer, describe_version=string_result('19.39.0')))
    connection.send_describe_version()
    assert connection.recv_describe_version() == '19.39.0'


def test_early_versions_of_thrift_have_no_limit_of_nesting(scripted):
    """Their C extension would run out of stack, so the nesting is checked before it decodes anything."""
    def script(peer, server):
        call = server.read(peer)
        peer.sendall(framed(message(call.name, call.seqid, b'\x0c\0\x63' * 3_000_000 + b'\0' * 3_000_001)))

    program = textwrap.dedent("""
        import sys
        from pycassa import rawcalls
        from pycassa.connection import Connection
        from pycassa.errors import ProtocolError
        rawcalls._DEPTH_IS_LIMITED = False
        try:
            Connection(None, sys.argv[1], timeout=60).describe_version()
        except ProtocolError as error:
            print(error)
    """)
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run([sys.executable, '-c', program, scripted(script).address], capture_output=True, text=True,
                         timeout=120, env=environment)
    assert 'nested deeper than 64 levels' in ran.stdout, ran.stderr
