"""Our codec, one implementation of it, called as the client calls it."""
import functools
from types import ModuleType
from typing import Any, Callable, Dict, Type

from benchmarks import data
from benchmarks.peers.messages import reply, request, same_request
from benchmarks.works import ENCODE, MULTIGET, SLICE, Work
from pycassa.util import OrderedDict

__all__ = ['Ours', 'layout']


def layout(codec: ModuleType, work: Work) -> Any:
    """The Layout of the family that a work is about."""
    text = codec.scalar('UTF8Type')
    return codec.Layout(
        data.FAMILY, key=text, name=work.names.scalar(codec), value=work.values.scalar(codec),
        super_name=text if work.supers else None, counter=work.counters,
        validators={name.encode(): codec.scalar('LongType') for name in work.validators()})


class Ours:
    """One implementation, by its module."""

    def __init__(self, codec: ModuleType) -> None:
        self.name: str = codec.IMPLEMENTATION
        self.codec = codec

    def function(self, work: Work) -> Callable[[], Any]:
        """The work as one call of a function of the codec."""
        codec, columns = self.codec, layout(self.codec, work)
        if work.call == ENCODE:
            return functools.partial(codec.encode_rows, data.SEQID, columns, work.rows(), data.TIMESTAMP, work.ttl, 1)
        flags = sum({'t': codec.INCLUDE_TIMESTAMP, 'l': codec.INCLUDE_TTL}[detail] for detail in work.details)
        dict_class: Type[Any] = OrderedDict if work.ordered else dict
        message = reply(work)
        if work.call == SLICE:
            return functools.partial(codec.decode_get_slice, message, data.SEQID, columns, dict_class, flags)
        if work.call == MULTIGET:
            return functools.partial(codec.decode_multiget_slice, message, data.SEQID, columns, dict_class, flags)
        return functools.partial(codec.decode_key_slices, message, work.call, data.SEQID, columns, dict_class, flags)

    def sides(self, work: Work) -> Dict[str, Callable[[], Any]]:
        """{implementation: function}"""
        function = self.function(work)
        done = function()
        if not (same_request(done[4:], request(work)) if work.encodes else done == work.expected()):
            raise AssertionError(f'{work.name}: the {self.name} implementation gives something else')
        return {self.name: function}
