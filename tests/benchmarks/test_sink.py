"""The C sink and the ping-pong, built here: replies by method, with the call's sequence id, to frames in any pieces."""
import os
import pathlib
import signal
import socket
import struct
import subprocess

import pytest

from benchmarks import native, server

INSERT, SLICE = b'\0', b'\x0f\0\0\x0c\0\0\0\0\0'


@pytest.fixture(autouse=True)
def built(cache, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(cache))
    native.build_program.cache_clear()
    yield
    native.build_program.cache_clear()


@pytest.fixture
def sink():
    with server.sink({'insert': INSERT, 'get_slice': SLICE}) as running:
        yield running


@pytest.fixture
def connection(sink):
    with socket.create_connection(('127.0.0.1', sink.port), 10) as sock:
        yield sock


def message(kind, method, seqid, body):
    payload = struct.pack('>Ii', kind, len(method)) + method + struct.pack('>i', seqid) + body
    return struct.pack('>i', len(payload)) + payload


def call(method, seqid, body=b'\0'):
    return message(0x80010001, method, seqid, body)


def reply(method, seqid, body):
    return message(0x80010002, method, seqid, body)


def receive(sock, size):
    data = b''
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, data
        data += more
    return data


def test_each_method_is_answered_with_its_body_and_the_calls_sequence_id(connection):
    for method, seqid, body in ((b'insert', 7, INSERT), (b'get_slice', -3, SLICE)):
        connection.sendall(call(method, seqid))
        expected = reply(method, seqid, body)
        assert receive(connection, len(expected)) == expected


def test_calls_in_one_piece_are_answered_in_their_order(connection):
    connection.sendall(b''.join(call(b'insert', number) for number in range(100)))
    expected = b''.join(reply(b'insert', number, INSERT) for number in range(100))
    assert receive(connection, len(expected)) == expected


def test_a_call_may_come_byte_by_byte(connection):
    for byte in call(b'insert', 5):
        connection.sendall(bytes([byte]))
    assert receive(connection, len(reply(b'insert', 5, INSERT))) == reply(b'insert', 5, INSERT)


def test_a_call_may_be_larger_than_the_buffer_was(connection):
    connection.sendall(call(b'insert', 1, bytes(3_000_000)) + call(b'insert', 2))
    expected = reply(b'insert', 1, INSERT) + reply(b'insert', 2, INSERT)
    assert receive(connection, len(expected)) == expected


def test_an_unknown_method_is_an_application_exception(connection):
    connection.sendall(call(b'truncate', 9))
    expected = message(0x80010003, b'truncate', 9, b'\x08\0\2\0\0\0\1\0')
    assert receive(connection, len(expected)) == expected


@pytest.mark.parametrize('frame', [struct.pack('>i', 3) + b'abc', struct.pack('>iIi', 12, 0x80010001, 99) + bytes(4)])
def test_what_is_no_call_closes_the_connection(connection, frame):
    connection.sendall(frame)
    assert connection.recv(1) == b''


def test_it_ends_with_its_input():
    with server.sink({'insert': INSERT}) as running:
        os.kill(running.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)


def test_the_ping_pong_prints_its_rate(sink, tmp_path):
    request = tmp_path / 'request'
    request.write_bytes(call(b'insert', 1))
    command = [native.build_program('ping'), str(sink.port), request, '0.05']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and float(done.stdout) > 10


def test_a_program_is_built_once(cache):
    before = native.build_program('sink')
    stamp = before.stat().st_mtime_ns
    native.build_program.cache_clear()
    assert native.build_program('sink') == before and before.stat().st_mtime_ns == stamp
    assert pathlib.Path(cache) in before.parents


def test_a_missing_compiler_is_said(monkeypatch):
    monkeypatch.setenv('CC', 'no-such-compiler')
    with pytest.raises(native.Unavailable, match='no C compiler'):
        native.build_program('sink')
