"""From the bytes of a request to a call of the engine's session, and from its outcome to the bytes of the reply.

The calls that carry data go through the codec's serving side as plain tuples; the schema, description and login calls
take and return the objects of the generated bindings.
"""
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import Compression, ConsistencyLevel, IndexType
from pycassa.codec import (
    DECODERS,
    ENCODERS,
    MissingField,
    NegativeLength,
    ObjectShapes,
    RequestCursor,
    RequestHeader,
    Shape,
    read_header,
)
from pycassa.embedded.profiles import Profile

__all__ = ['Dispatcher', 'Method', 'Request']

UNKNOWN_METHOD, INTERNAL_ERROR, PROTOCOL_ERROR = 1, 6, 7
STRUCT = 12
_REPLY, _EXCEPTION = b'\x80\x01\x00\x02', b'\x80\x01\x00\x03'
_SERIAL_LEVELS = (ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL)

_objects = ObjectShapes(
    required={'AuthenticationRequest': {'credentials'}, 'KsDef': {'name', 'strategy_class', 'cf_defs'},
              'CfDef': {'keyspace', 'name'}, 'ColumnDef': {'name', 'validation_class'},
              'TriggerDef': {'name', 'options'}},
    enums={'index_type': IndexType._VALUES_TO_NAMES, 'compression': Compression._VALUES_TO_NAMES,
           'consistency': ConsistencyLevel._VALUES_TO_NAMES},
    # A server has a default of its own for this number, and can tell that it was not sent.
    unset={'dclocal_read_repair_chance'})


class Method(NamedTuple):
    """How one Thrift call is served. `declared` gives the reply field of each exception that it may throw."""

    name: str
    decode: Shape
    encode: Callable[[Any], bytes]
    declared: Dict[Type[Exception], int]


class Request(NamedTuple):
    """One message as read: it ends at `end`. Either `method` and `arguments`, or the `failure` to answer with."""

    header: RequestHeader
    end: int
    method: Optional[Method] = None
    arguments: Tuple[Any, ...] = ()
    failure: Optional[Tuple[int, str]] = None

    @property
    def name(self) -> str:
        return str(self.header.name, 'utf-8', 'replace')


class Dispatcher:
    """Serves all methods that a server of this profile has."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        absent = set() if profile.serial else {'cas'}
        if not profile.multi_slice:
            absent.add('get_multi_slice')
        self._methods = {name.encode(): method for name, method in _METHODS.items() if name not in absent}

    def read(self, data: bytes, pos: int) -> Request:
        """The request that begins at `pos`.

        Raises Truncated where it has not arrived whole, and ProtocolError where no server could tell what it is:
        the connection is then closed.
        """
        header = read_header(data, pos)
        cursor = RequestCursor(data, header.offset)
        method = self._methods.get(header.name)
        if method is None:
            cursor.skip(STRUCT)
            name = header.name.decode('utf-8', 'replace')
            return Request(header, cursor.pos, failure=(UNKNOWN_METHOD, f"Invalid method name: '{name}'"))
        try:
            arguments = method.decode(cursor)
        except MissingField as error:
            return Request(header, cursor.pos, failure=(PROTOCOL_ERROR, str(error)))
        except NegativeLength as error:
            if self._profile.release < (2, 1):
                raise
            return Request(header, cursor.pos, failure=(PROTOCOL_ERROR, str(error)))
        if not self._profile.serial and arguments and arguments[-1] in _SERIAL_LEVELS and method.name in DECODERS:
            return Request(header, cursor.pos, failure=(PROTOCOL_ERROR, str(
                MissingField(f'{method.name}_args', 'consistency_level', False))))
        return Request(header, cursor.pos, method, arguments)

    def execute(self, session: Any, request: Request, failure: Optional[Exception] = None,
                applied: bool = True) -> bytes:
        """Call the session and give the frame of the reply, its length included.

        `failure` is answered in place of the result; with `applied` false the session is not called at all. Errors
        that are no answers of the interface propagate.
        """
        method = request.method
        if method is None:
            assert request.failure is not None
            return _exception(request.header, *request.failure)
        try:
            result = getattr(session, method.name)(*request.arguments) if applied else None
            if failure is not None:
                raise failure
        except TApplicationException as error:
            return _exception(request.header, error.type, error.message or '')
        except _ANSWERS as error:
            number = method.declared.get(type(error))
            if number is None:
                return _exception(request.header, INTERNAL_ERROR, f'Internal error processing {method.name}')
            return _frame(_REPLY, request.header, b'\x0c\x00%c%b\x00' % (number, _struct_bytes(error)))
        return _frame(_REPLY, request.header, method.encode(result))


def _frame(version: bytes, header: RequestHeader, body: bytes) -> bytes:
    size = len(header.echo) + len(body) + 4
    return b'%b%b%b%b' % (size.to_bytes(4, 'big'), version, header.echo, body)


def _exception(header: RequestHeader, type: int, message: str) -> bytes:
    text = message.encode('utf-8')
    body = b'\x0b\x00\x01%b%b\x08\x00\x02%b\x00' % (len(text).to_bytes(4, 'big'), text, type.to_bytes(4, 'big'))
    return _frame(_EXCEPTION, header, body)


def _struct_bytes(value: Any) -> bytes:
    buffer = TMemoryBuffer()
    value.write(TBinaryProtocol(buffer))
    data: bytes = buffer.getvalue()
    return data


def _object_encoder(result_class: Any) -> Callable[[Any], bytes]:
    if any(spec and spec[0] == 0 for spec in result_class.thrift_spec):
        return lambda result: _struct_bytes(result_class(success=result))
    return lambda result: b'\x00'


def _method(name: str) -> Method:
    result_class = getattr(Cassandra, f'{name}_result')
    declared = {spec[3][0]: spec[0] for spec in result_class.thrift_spec if spec and spec[0]}
    if name in DECODERS:
        return Method(name, DECODERS[name], ENCODERS[name], declared)
    return Method(name, _objects.arguments(getattr(Cassandra, f'{name}_args')), _object_encoder(result_class), declared)


def _method_names() -> List[str]:
    return [name for name in dir(Cassandra.Iface) if not name.startswith('_')]


_METHODS: Dict[str, Method] = {name: _method(name) for name in _method_names()}
_ANSWERS: Tuple[Type[Exception], ...] = tuple({error for method in _METHODS.values() for error in method.declared})
