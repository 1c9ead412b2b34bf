"""Libraries of bindings as peers: Apache Thrift with and without its C extension, and thriftpy2."""
import os
from typing import Any, Callable, Dict

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

from benchmarks.native import Unavailable
from benchmarks.peers.messages import reply, request, same_request, with_packed_keys
from benchmarks.peers.objects import Objects, PureProtocol
from benchmarks.works import Work
from pycassa.cassandra import Cassandra, ttypes

__all__ = ['BINDINGS', 'LIBRARIES', 'PURE_BINDINGS', 'THRIFTPY2', 'Library']

BINDINGS, PURE_BINDINGS, THRIFTPY2 = 'bindings, C extension', 'bindings', 'thriftpy2'


class AcceleratedProtocol(PureProtocol):
    """Apache Thrift's protocol that is sure to use the C extension: without it, the comparison would be none."""

    def __init__(self) -> None:
        try:
            from thrift.protocol import fastbinary
        except ImportError:
            raise Unavailable('this installation of thrift has no C extension') from None
        self._encode, self._decode = fastbinary.encode_binary, fastbinary.decode_binary

    def protocol(self, message: bytes = b'') -> Any:
        protocol = TBinaryProtocolAccelerated(TMemoryBuffer(message), fallback=False)
        if protocol._fast_encode is not self._encode or protocol._fast_decode is not self._decode:
            raise AssertionError("thrift's C extension is not in use")
        return protocol


class CythonProtocol:
    """thriftpy2's protocol in Cython, over memory."""

    def __init__(self) -> None:
        try:
            from thriftpy2.protocol.cybin import TCyBinaryProtocol
            from thriftpy2.transport.memory import TCyMemoryBuffer
        except ImportError as error:
            raise Unavailable(f'thriftpy2 is not installed, or not compiled ({error})') from None
        self._protocol, self._memory = TCyBinaryProtocol, TCyMemoryBuffer

    def write(self, method: str, kind: int, struct: Any) -> bytes:
        memory = self._memory()
        protocol = self._protocol(memory)
        protocol.write_message_begin(method, kind, 7)
        struct.write(protocol)
        protocol.write_message_end()
        return memory.getvalue()

    def read(self, message: bytes, struct: Any) -> Any:
        protocol = self._protocol(self._memory(message))
        protocol.read_message_begin()
        struct.read(protocol)
        protocol.read_message_end()
        return struct


def _thriftpy2() -> Objects:
    adapter = CythonProtocol()
    import thriftpy2
    interface = os.path.join(os.path.dirname(os.path.abspath(Cassandra.__file__)), 'cassandra.thrift')
    module = thriftpy2.load(interface, module_name='benchmarks_cassandra_thrift')
    return Objects(THRIFTPY2, module, module.Cassandra, adapter)


LIBRARIES: Dict[str, Callable[[], Objects]] = {
    BINDINGS: lambda: Objects(BINDINGS, ttypes, Cassandra, AcceleratedProtocol()),
    PURE_BINDINGS: lambda: Objects(PURE_BINDINGS, ttypes, Cassandra, PureProtocol()),
    THRIFTPY2: _thriftpy2,
}


class Library:
    """A library as a peer. Raises Unavailable where it is not installed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._objects = LIBRARIES[name]()

    def sides(self, work: Work) -> Dict[str, Callable[[], Any]]:
        """{library: function}"""
        if work.encodes:
            function: Callable[[], Any] = self._objects.encoder(work)
            right = same_request(function(), request(work))
        else:
            function = self._objects.decoder(work, reply(work))
            right = with_packed_keys(work, function()) == work.expected()
        if not right:
            raise AssertionError(f'{work.name}: {self.name} gives something else')
        return {self.name: function}
