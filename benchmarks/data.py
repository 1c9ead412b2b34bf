"""What all benchmarks work on: rows of columns whose names have 10 bytes and values 20, and replies that hold them."""
from typing import Any, Callable, Dict

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import CfDef, Column, ColumnOrSuperColumn, KsDef

__all__ = ['COLUMN', 'FAMILY', 'KEY', 'KEYSPACE', 'SEQID', 'TIMESTAMP', 'TTL', 'canned_bodies', 'columns',
           'keyspace_definition', 'name', 'rows', 'text']

KEYSPACE, FAMILY, TIMESTAMP, TTL, SEQID = 'pycassa_benchmarks', 'Std', 1700000000000000, 86400, 7


def name(number: int) -> str:
    """The name of a column: 10 bytes."""
    return f'col{number:07d}'


def text(number: int) -> str:
    """A value: 20 bytes of text."""
    return f'value-{number:014d}'


def columns(count: int, make: Callable[[int], Any] = text, start: int = 0) -> Dict[str, Any]:
    """{name: value}"""
    return {name(column): make(start + column) for column in range(count)}


def rows(count: int, width: int, make: Callable[[int], Any] = text, prefix: str = 'row') -> Dict[str, Dict[str, Any]]:
    """{key: {name: value}}; keys have 10 bytes. Every value is another one, and names are those of the first row."""
    return {f'{prefix}{row:07d}': columns(width, make, row * width) for row in range(count)}


KEY, COLUMN = 'row0000001', columns(1)


def _body(result: Any) -> bytes:
    buffer = TMemoryBuffer()
    result.write(TBinaryProtocol(buffer))
    return buffer.getvalue()


def keyspace_definition() -> KsDef:
    """The keyspace and family that clients work on."""
    return KsDef(name=KEYSPACE, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'}, cf_defs=[
        CfDef(keyspace=KEYSPACE, name=FAMILY, column_type='Standard', comparator_type='UTF8Type',
              key_validation_class='UTF8Type', default_validation_class='UTF8Type')])


def canned_bodies(width: int = 10) -> Dict[str, bytes]:
    """{method: the result struct that the sink answers with}; a slice holds `width` columns of text."""
    members = [ColumnOrSuperColumn(column=Column(name=key.encode(), value=value.encode(), timestamp=TIMESTAMP))
               for key, value in columns(width).items()]
    return {
        'set_keyspace': _body(Cassandra.set_keyspace_result()),
        'describe_keyspace': _body(Cassandra.describe_keyspace_result(success=keyspace_definition())),
        'insert': _body(Cassandra.insert_result()),
        'batch_mutate': _body(Cassandra.batch_mutate_result()),
        'get_slice': _body(Cassandra.get_slice_result(success=members)),
    }
