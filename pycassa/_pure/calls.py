"""What is around the bytes of a call: sequence ids, calls and their replies, and the short way over a pool.

The compiled twin has a short way for the calls that are made most, and says where it does not lead; then everything
goes the long way, in the facade. Here it always does.
"""
import itertools
from typing import Any, Callable, Collection, Dict

from pycassa._pure.columns import Layout
from pycassa._pure.mutations import encode_rows
from pycassa._pure.replies import decode_get_slice, decode_void
from pycassa._pure.requests import encode_get_slice

__all__ = ['Call', 'Ears', 'LONG_WAY', 'Sender', 'Shelf', 'ShortWay', 'Ways', 'insertion_call', 'is_own', 'next_seqid',
           'slice_call']

_seqids = itertools.count(1)


def next_seqid() -> int:
    """A sequence id for a call, unique in this process for two thousand million calls."""
    return next(_seqids) & 0x7FFFFFFF


class Call:
    """One Thrift call: its complete frame (length prefix included), and how to read the reply message.

    `decode(reply)` is what `read(reply, *arguments)` returns. `retry` tells whether the call may be sent again after
    a failure that leaves its outcome unknown: the same bytes, so the same timestamps and the same sequence id.
    """

    __slots__ = ('method', 'seqid', 'frame', 'retry', '_read', '_arguments')

    def __init__(self, method: str, seqid: int, frame: bytes, read: Callable[..., Any], retry: bool,
                 *arguments: Any) -> None:
        self.method = method
        self.seqid = seqid
        self.frame = frame
        self.retry = retry
        self._read = read
        self._arguments = arguments

    @property
    def size(self) -> int:
        """The bytes of the message: the frame without its length."""
        return len(self.frame) - 4

    def decode(self, reply: Any) -> Any:
        """What the reply message says. Raises what it says too, and ProtocolError."""
        return self._read(reply, *self._arguments)


def insertion_call(layout: Layout, rows: Any, timestamp: int, ttl: Any, consistency: int, retry: bool) -> Call:
    """The batch_mutate that inserts {key: columns}, as `encode_rows` makes it."""
    seqid = next_seqid()
    frame = encode_rows(seqid, layout, rows, timestamp, ttl, consistency)
    return Call('batch_mutate', seqid, frame, decode_void, retry, 'batch_mutate', seqid)


def slice_call(layout: Layout, key: bytes, super_column: Any, predicate: bytes, consistency: int, dict_class: Any,
               flags: int) -> Call:
    """The get_slice of one row, as `encode_get_slice` makes it and `decode_get_slice` reads its reply."""
    seqid = next_seqid()
    frame = encode_get_slice(seqid, key, layout.family, super_column, predicate, consistency)
    return Call('get_slice', seqid, frame, decode_get_slice, True, seqid, layout, dict_class, flags)


def is_own(own: Collection[Any], client: Any, name: str) -> bool:
    """Whether the method `name` of `client` is one of the functions `own`: neither object nor class has another."""
    return name not in client.__dict__ and getattr(type(client), name, None) in own


# What the short way returns where it is not taken.
LONG_WAY: Any = object()


class Ways:
    """What a call passes through where nothing was replaced: methods of the classes, by which that is known.

    These are the `execute` and `execute_call` of `pool_class`, the `execute_call` of `wrapper_class` and of
    `connection_class`, and `own`, the Thrift methods that the codec stands in for. `slow` are methods with time-outs
    of their own.
    """

    def __init__(self, pool_class: Any, wrapper_class: Any, connection_class: Any, own: Collection[Any],
                 slow: Collection[str]) -> None:
        pass


class Shelf:
    """What a pool's store has at hand: its connections, idle and all, those who wait, and how many there may be."""


class Ears:
    """Whether anybody wants to hear of the two events of every call. `logger` has the logger that may write them."""


class ShortWay:
    """From a call to its result over an idle connection of a pool that is in order, in one step: not here.

    It is a pool's own, and refers to its __dict__, store and listeners. `holding` says, when it is not empty, that
    threads have connections that their calls have to be made on.
    """

    def __init__(self, ways: Ways, settings: Dict[str, Any], store: Shelf, ears: Ears,
                 holding: Collection[Any]) -> None:
        pass

    def go(self, pool: Any, call: Call) -> Any:
        """The result of `call`; LONG_WAY if nothing was done.

        Where it went wrong on the way, what `pool._resume(connection, call, reply, error)` gives: `reply` is what the
        exchange returned, None if it raised, and `error` what was raised by it or in reading the reply.
        """
        return LONG_WAY


class Sender:
    """Makes calls through `_executor`, each of no more than `max_request_bytes`."""

    _executor: Any
    max_request_bytes: int

    def insert_rows(self, layout: Layout, rows: Any, timestamp: int, ttl: Any, consistency: int,
                    retry: bool = True) -> None:
        """Write {key: columns} of one family: one request, or several where one would be above the server's limit.

        Keys, names and values are packed here. A key that packs like another of `rows` is merged with it.
        """
        call = insertion_call(layout, rows, timestamp, ttl, consistency, retry)
        if call.size <= self.max_request_bytes:
            self._executor.execute_call(call)
        else:
            self._insert_in_parts(layout, rows, timestamp, ttl, consistency, retry)

    def _run(self, call: Call) -> Any:
        """The result of a call. Raises RequestTooLarge."""
        if call.size > self.max_request_bytes:
            self._refuse(call)
        return self._executor.execute_call(call)

    def _insert_in_parts(self, layout: Layout, rows: Any, timestamp: int, ttl: Any, consistency: int,
                         retry: bool) -> None:
        """What is left to subclasses: rows that are too much for one request."""
        raise NotImplementedError

    def _refuse(self, call: Call) -> None:
        """What is left to subclasses: raise RequestTooLarge."""
        raise NotImplementedError
