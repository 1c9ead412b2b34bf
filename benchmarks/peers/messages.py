"""The messages of works as a client and a server of the bindings write them: what everyone is checked against."""
import functools
from typing import Any

from benchmarks.peers.objects import Objects, PureProtocol
from benchmarks.works import Work

__all__ = ['reply', 'request', 'same_request', 'with_packed_keys']

# Where the sequence id of a batch_mutate is: behind the version, and the method's name with its length.
_SEQID = slice(20, 24)


def _writer() -> Objects:
    from pycassa.cassandra import Cassandra, ttypes
    return Objects('bindings', ttypes, Cassandra, PureProtocol())


@functools.cache
def request(work: Work) -> bytes:
    """The message of a work that encodes, without a frame's length."""
    return _writer().encoder(work)()


@functools.cache
def reply(work: Work) -> bytes:
    """The message that a work decodes."""
    return _writer().reply(work)


def same_request(one: bytes, other: bytes) -> bool:
    """Whether two batch_mutate messages are the same but for their sequence ids."""
    return one[:_SEQID.start] + one[_SEQID.stop:] == other[:_SEQID.start] + other[_SEQID.stop:]


def with_packed_keys(work: Work, result: Any) -> Any:
    """What decoding several rows gave, its keys as bytes: some unpack them, some do not."""
    if work.call == 'get_slice':
        return result
    pairs = result.items() if isinstance(result, dict) else result
    packed = [(key.encode() if isinstance(key, str) else key, columns) for key, columns in pairs]
    return dict(packed) if isinstance(result, dict) else packed
