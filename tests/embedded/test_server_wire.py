"""What a server does on the wire: the embedded one in two profiles, and every real one given."""
import socket
import struct

import pytest
from rawthrift import (
    EXCEPTION,
    REPLY,
    RawConnection,
    exception_of,
    framed,
    i32,
    i64,
    message,
    parse,
    string,
    struct_field,
)

from pycassa.cassandra.ttypes import CfDef, Column, ColumnParent

MAX_FRAME = 15 * 1024 * 1024
KEY = string(1, b'k')
PARENT = struct_field(2, string(3, b'F'))
SLICE = struct_field(2, string(1, b'') + string(2, b'') + b'\x02\0\3\0' + i32(4, 5))
PREDICATE = struct_field(3, SLICE)
VERSION = framed(message('describe_version'))


@pytest.fixture
def raw(server):
    with RawConnection(server) as connection:
        yield connection


def is_usable(raw):
    reply = raw.call('describe_cluster_name', seqid=99)
    return reply is not None and reply[:3] == (REPLY, 'describe_cluster_name', 99)


# --- frames ------------------------------------------------------------------------------------------------------

def test_frames_may_come_in_pieces_and_several_at_once(raw):
    for byte in VERSION:
        raw.send(bytes((byte,)))
    assert raw.reply().name == 'describe_version'
    raw.send(b''.join(framed(message('describe_version', seqid=seqid)) for seqid in range(50)))
    assert [raw.reply().seqid for _ in range(50)] == list(range(50))
    raw.send(VERSION + VERSION[:9])
    assert raw.reply().seqid == 7
    raw.send(VERSION[9:])
    assert raw.reply().seqid == 7


def test_the_largest_frame_is_taken(raw):
    padding = MAX_FRAME - len(message('describe_version')) - len(string(99, b''))
    raw.send(framed(message('describe_version', string(99, bytes(padding)) + b'\0')))
    assert raw.reply().name == 'describe_version'
    assert is_usable(raw)


@pytest.mark.parametrize('length', [MAX_FRAME + 1, 0x7FFFFFFF, 0, -1, int.from_bytes(b'GET ', 'big')])
def test_other_lengths_close_the_connection_at_once(raw, length):
    raw.send(VERSION).reply()
    raw.send(struct.pack('>i', length))
    assert raw.is_closed()


def test_unframed_clients_are_dropped(raw):
    raw.send(message('describe_version'))
    assert raw.is_closed()


@pytest.mark.parametrize('version', [0x8002, 0x0001, 0xFFFF])
def test_other_versions_close_the_connection(raw, version):
    raw.send(framed(message('describe_version', version=version)))
    assert raw.is_closed()


def test_old_style_messages_close_the_connection(raw):
    raw.send(framed(struct.pack('>i', 16) + b'describe_version' + b'\1' + struct.pack('>i', 1) + b'\0'))
    assert raw.is_closed()


def test_bytes_after_the_arguments_are_the_next_message(raw):
    raw.send(framed(message('describe_version', seqid=1) + message('describe_cluster_name', seqid=2)))
    assert [raw.reply()[1:3] for _ in range(2)] == [('describe_version', 1), ('describe_cluster_name', 2)]
    raw.send(framed(message('describe_version') + b'abc'))
    assert raw.reply().name == 'describe_version'
    assert raw.is_silent()
    raw.send(framed(b'd'))
    assert raw.is_closed()


def test_a_message_may_go_on_in_the_next_frame(raw):
    whole = message('describe_version', string(9, b'skipped') + b'\0')
    raw.send(framed(whole[:30]))
    assert raw.is_silent()
    raw.send(framed(whole[30:]))
    assert raw.reply().name == 'describe_version'
    assert is_usable(raw)


# --- messages ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('seqid', [0, 1, -1, 2**31 - 1, -2**31])
def test_sequence_ids_are_echoed(raw, seqid):
    assert raw.call('describe_version', seqid=seqid)[:3] == (REPLY, 'describe_version', seqid)


@pytest.mark.parametrize('type', [0, 2, 3, 4, 9])
def test_the_message_type_is_not_looked_at(raw, type):
    assert raw.call('describe_version', type=type).type == REPLY


def test_unknown_methods(raw):
    reply = raw.call('get_range_slice', KEY + b'\0', seqid=-5)
    assert reply[:3] == (EXCEPTION, 'get_range_slice', -5)
    assert exception_of(reply) == (1, "Invalid method name: 'get_range_slice'")
    assert is_usable(raw)


def test_unknown_fields_are_skipped(raw):
    unknown = (string(77, b'abc') + b'\x02\0\x50\2' + b'\x0f\0\x51\x0c\0\0\0\2' + (string(1, b'x') + b'\0') * 2
               + b'\x0d\0\x52\x0b\x08\0\0\0\1\0\0\0\1k\0\0\0\1' + b'\x04\0\x53' + bytes(8) + b'\x06\0\x54\0\1'
               + b'\x0e\0\x55\x0a\0\0\0\1' + bytes(8) + b'\x03\0\x56\1')
    assert raw.call('describe_version', unknown + b'\0').type == REPLY
    assert raw.call('set_keyspace', unknown + string(1, b'system') + b'\0').body == b'\0'


def test_a_field_of_an_unknown_type_takes_no_bytes(raw):
    assert raw.call('describe_version', b'\x63\0\x09\0').type == REPLY
    assert is_usable(raw)


@pytest.mark.parametrize('method, body, field, struct_name', [
    ('get_slice', PARENT + PREDICATE + b'\0', 'key', 'get_slice_args'),
    ('get_slice', i32(1, 5) + PARENT + PREDICATE + b'\0', 'key', 'get_slice_args'),
    ('get_slice', KEY + PARENT + PREDICATE + i32(4, 99) + b'\0', 'consistency_level', 'get_slice_args'),
    ('batch_mutate', b'\0', 'mutation_map', 'batch_mutate_args'),
    ('system_add_keyspace', b'\0', 'ks_def', 'system_add_keyspace_args'),
    ('login', b'\0', 'auth_request', 'login_args'),
    ('execute_cql3_query', b'\0', 'query', 'execute_cql3_query_args'),
    ('get_multi_slice', b'\0', 'request', 'get_multi_slice_args'),
], ids=['key', 'key of another type', 'no such level', 'mutation_map', 'ks_def', 'auth_request', 'query', 'request'])
def test_missing_arguments(raw, method, body, field, struct_name):
    reply = raw.call(method, body)
    type, text = exception_of(reply)
    assert (reply.name, reply.seqid, type) == (method, 7, 7)
    assert text.startswith(f"Required field '{field}' was not present! Struct: {struct_name}(")
    assert is_usable(raw)


@pytest.mark.parametrize('method, body, field', [
    ('remove', KEY + PARENT + b'\0', 'timestamp'),
    ('describe_splits', string(1, b'F') + string(2, b'') + string(3, b'') + b'\0', 'keys_per_split'),
], ids=['timestamp', 'keys_per_split'])
def test_missing_numbers(raw, method, body, field):
    type, text = exception_of(raw.call(method, body))
    assert type == 7
    assert text.startswith(f"Required field '{field}' was not found in serialized data! Struct: ")
    assert is_usable(raw)


@pytest.mark.parametrize('method, body, text', [
    ('get_slice', KEY + struct_field(2, b'') + PREDICATE + b'\0',
     "Required field 'column_family' was not present! Struct: ColumnParent("),
    ('get_slice', KEY + PARENT + struct_field(3, struct_field(2, string(1, b'') + string(2, b'') + i32(4, 5)))
     + i32(4, 1) + b'\0', "Required field 'reversed' was not found in serialized data! Struct: "),
    ('add', KEY + PARENT + struct_field(3, string(1, b'c')) + i32(4, 1) + b'\0',
     "Required field 'value' was not found in serialized data! Struct: "),
    ('system_add_keyspace', struct_field(1, string(1, b'x') + string(2, b'y')) + i32(5, 1) + b'\0',
     "Required field 'cf_defs' was not present! Struct: KsDef("),
], ids=['column_family', 'reversed', 'value', 'cf_defs'])
def test_what_misses_inside_a_struct_breaks_the_connection(raw, method, body, text):
    """The rest of the frame is taken for the next message."""
    type, found = exception_of(raw.call(method, body))
    assert type == 7 and found.startswith(text)
    assert raw.is_closed()


def test_negative_lengths(raw):
    keys = b'\x0f\0\1\x0b' + struct.pack('>i', -2)
    assert exception_of(raw.call('multiget_slice', keys + PARENT + PREDICATE + b'\0')) == (7, 'Negative length: -2')
    assert raw.is_closed()


def test_a_negative_key_length_closes(raw):
    raw.send(framed(message('get_slice', b'\x0b\0\1' + struct.pack('>i', -2) + PARENT + PREDICATE + b'\0')))
    assert raw.is_closed()


def test_deep_nesting_closes(raw):
    raw.send(framed(message('describe_version', b'\x0c\0\1' * 5000 + b'\0' * 5001)))
    assert raw.is_closed()


def test_no_consistency_level_is_one(server, raw, raw_client, keyspace):
    raw.call('set_keyspace', string(1, keyspace.encode()) + b'\0')
    reply = raw.call('get_slice', KEY + PARENT + PREDICATE + b'\0')
    assert reply.type == REPLY and b'unconfigured' in reply.body and b' F' in reply.body


# --- connections -------------------------------------------------------------------------------------------------

def test_the_server_waits_for_the_client(raw):
    assert raw.is_silent(0.5)
    assert is_usable(raw)


def test_a_reply_above_the_frame_limit_is_sent(server, raw, raw_client, keyspace):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='Big'))
    for number in range(3):
        raw_client.insert(b'k', ColumnParent('Big'), Column(b'c%d' % number, bytes(7 << 20), 1), 1)
    raw.call('set_keyspace', string(1, keyspace.encode()) + b'\0')
    raw.send(framed(message('get_slice', KEY + struct_field(2, string(3, b'Big')) + PREDICATE + b'\0')))
    reply = raw.frame()
    assert len(reply) > 21 << 20
    assert parse(reply).name == 'get_slice'
    assert is_usable(raw)


def test_requests_are_served_while_replies_wait_to_be_taken(server, raw, raw_client, keyspace):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='Big'))
    raw_client.insert(b'k', ColumnParent('Big'), Column(b'c', bytes(1 << 20), 1), 1)
    raw.call('set_keyspace', string(1, keyspace.encode()) + b'\0')
    request = KEY + struct_field(2, string(3, b'Big')) + PREDICATE + b'\0'
    raw.send(b''.join(framed(message('get_slice', request, seqid)) for seqid in range(40)))
    assert raw_client.describe_cluster_name()
    assert [raw.reply().seqid for _ in range(40)] == list(range(40))


def test_a_remove_is_applied_at_its_timestamp(raw, raw_client, keyspace):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='F'))
    raw_client.insert(b'k', ColumnParent('F'), Column(b'c', b'v', 10), 1)
    raw.call('set_keyspace', string(1, keyspace.encode()) + b'\0')
    assert raw.call('remove', KEY + PARENT + i64(3, 9) + b'\0').body == b'\0'
    assert b'v' in raw.call('get_slice', KEY + PARENT + PREDICATE + b'\0').body
    assert raw.call('remove', KEY + PARENT + i64(3, 10) + b'\0').body == b'\0'
    assert raw.call('get_slice', KEY + PARENT + PREDICATE + b'\0').body == b'\x0f\0\0\x0c\0\0\0\0\0'


def test_a_client_that_does_not_wait_for_the_reply(server, raw_client, keyspace):
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='F'))
    with RawConnection(server) as hasty:
        hasty.send(framed(message('set_keyspace', string(1, keyspace.encode()) + b'\0')))
        column = struct_field(3, string(1, b'c') + string(2, b'v') + i64(3, 1))
        hasty.send(framed(message('insert', KEY + PARENT + column + b'\0')))
        hasty.socket.shutdown(socket.SHUT_WR)
        assert [hasty.reply().name, hasty.reply().name] == ['set_keyspace', 'insert']
        assert hasty.is_closed()
