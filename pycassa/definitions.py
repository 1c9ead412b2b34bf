"""Schema definitions exactly as a server reported them, so that sending one back resets nothing.

The generated readers put the IDL's defaults into fields that the server left out, and drop fields that the IDL does
not know; a definition read that way and sent back would set and reset options that nobody named. Here an absent field
is None, and what is unknown is kept as bytes and written again.
"""
from typing import Any

from pycassa.cassandra.ttypes import KsDef, NotFoundException
from pycassa.operations import Executor, ThriftOperations
from pycassa.structcalls import struct_call

__all__ = ['call_schema', 'describe_keyspace']


def describe_keyspace(executor: Executor, keyspace: str) -> KsDef:
    """The definition of `keyspace` and its families, absent fields None, unknown fields kept for the way back.

    Raises NotFoundException, whose `why` names it, for a keyspace that does not exist.
    """
    try:
        definition: KsDef = call_schema(executor, 'describe_keyspace', keyspace, retry=True)
    except NotFoundException as error:
        error.why = f'the keyspace {keyspace!r} does not exist'
        raise
    return definition


def call_schema(executor: Executor, method: str, argument: Any, retry: bool = False) -> Any:
    """Make a Thrift call of one argument (describe_keyspace, system_*), and return what it answers.

    Written by the bindings' own writers, so that unknown fields that a definition carries go out again. Raises
    RequestTooLarge for a definition above the executor's `max_request_bytes`.
    """
    operations: ThriftOperations = getattr(executor, 'operations', None) or ThriftOperations(executor)
    return operations.run(struct_call(method, argument, retry=retry))
