"""The CQL driver at the same work, in a process of its own that does not see this project.

Run by file name with -I. Reads a line of JSON per request: {"call", "rows", "type"} prepares a work, and an integer
repeats it so many times; answers with a line each, "ready" or the seconds of processor time.
"""
import gc
import json
import struct
import sys
import time

from cassandra import ConsistencyLevel, ProtocolVersion, cqltypes
from cassandra.protocol import BatchMessage, ColumnMetadata, ProtocolHandler
from cassandra.query import BatchStatement, BatchType, PreparedStatement

VERSION = ProtocolVersion.V4
TYPES = {'text': (cqltypes.UTF8Type, 0x000D), 'double': (cqltypes.DoubleType, 0x0007)}
RESULT, ROWS, GLOBAL_SPEC = 0x08, 2, 1


def string(text):
    return struct.pack('>H', len(text)) + text.encode()


def encode(rows, kind):
    """One batch of a prepared statement per column, bound and encoded; a table of key, name and value."""
    types = (cqltypes.UTF8Type, cqltypes.UTF8Type, TYPES[kind][0])
    columns = [ColumnMetadata('ks', 'std', name, kind) for name, kind in zip(('key', 'name', 'value'), types)]
    prepared = PreparedStatement(columns, b'0123456789abcdef', [0], 'INSERT', 'ks', VERSION, None, None)

    def work():
        batch = BatchStatement(BatchType.UNLOGGED)
        for key, row in rows.items():
            for name, value in row.items():
                batch.add(prepared, (key, name, value))
        message = BatchMessage(batch.batch_type, batch._statements_and_parameters, ConsistencyLevel.ONE,
                               timestamp=1700000000000000)
        return ProtocolHandler.encode_message(message, 1, VERSION, None, False)
    return work


def cell(value):
    packed = struct.pack('>d', value) if isinstance(value, float) else value.encode()
    return struct.pack('>i', len(packed)) + packed


def decode(rows, kind):
    """A row's columns from a result of (name, value) rows, into a dict."""
    (row,) = rows.values()
    head = struct.pack('>iii', ROWS, GLOBAL_SPEC, 2) + string('ks') + string('std')
    head += string('name') + struct.pack('>H', TYPES['text'][1]) + string('value') + struct.pack('>H', TYPES[kind][1])
    body = head + struct.pack('>i', len(row)) + b''.join(cell(name) + cell(value) for name, value in row.items())

    def work():
        message = ProtocolHandler.decode_message(VERSION, {}, 1, 0, RESULT, body, None, None)
        return dict(message.parsed_rows)
    if work() != row:
        raise AssertionError('the driver reads something else')
    return work


def repeat(work, count):
    gc.collect()
    start = time.process_time()
    for _ in range(count):
        work()
    return time.process_time() - start


def main():
    work = None
    gc.freeze()
    print('ready', flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        if isinstance(wanted, int):
            print(repeat(work, wanted), flush=True)
        else:
            prepare = encode if wanted['call'] == 'batch_mutate' else decode
            work = prepare(wanted['rows'], wanted['type'])
            print('ready', flush=True)


if __name__ == '__main__':
    main()
