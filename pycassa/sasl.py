"""SASL for servers that ask for it, such as Kerberos (GSSAPI): the transport of release 1.11. Needs `puresasl`."""
import io
import struct
from typing import Any, Callable, Mapping, Tuple

from thrift.transport.TTransport import CReadableTransport, TTransportBase, TTransportException

from pycassa.credentials import Credentials, conceal
from pycassa.errors import ConfigurationError, ConnectionFailed, ProtocolError, ReplyTooLarge, TransportError
from pycassa.framing import MAX_REPLY_BYTES, FramedTransport

__all__ = ['TSaslClientTransport', 'make_sasl_transport_factory']

# Exchanged before either side knows the other: a mechanism's name or a ticket, and 1 MiB is ample for a ticket.
MAX_NEGOTIATION_BYTES = 1024 * 1024

_NEGOTIATION_HEAD = struct.Struct('>BI')
_FRAME_HEAD = struct.Struct('>i')
_STEP_BYTES = 65536


class TSaslClientTransport(TTransportBase, CReadableTransport):
    """Authenticates by SASL when opened, then wraps every message as the mechanism and its quality of protection ask.

    `transport` is an unopened stream such as a TSocket, `host` and `service` name the server's principal, and
    `sasl_kwargs` go to puresasl.client.SASLClient (principal, username, password, callback, …). Raises
    ConfigurationError without puresasl, ConnectionFailed when the server refuses.
    """

    START = 1
    OK = 2
    BAD = 3
    ERROR = 4
    COMPLETE = 5

    def __init__(self, transport: Any, host: str, service: str, mechanism: str = 'GSSAPI',
                 **sasl_kwargs: Any) -> None:
        try:
            from puresasl import SASLError
            from puresasl.client import SASLClient
        except ImportError as error:
            raise ConfigurationError('SASL needs the package pure-sasl: install pycassa[sasl]') from error
        self.transport = transport
        self.host = host
        self._credentials = Credentials(sasl_kwargs)
        del sasl_kwargs
        self.sasl = SASLClient(host, service, mechanism, **self._credentials)
        self._sasl_error = SASLError
        self._outgoing = bytearray()
        self._incoming = io.BytesIO()

    def isOpen(self) -> bool:
        """Whether the stream is open."""
        return bool(self.transport.isOpen())

    def open(self) -> None:
        """Open the stream where that is not done, and authenticate."""
        if not self.transport.isOpen():
            self.transport.open()
        try:
            self._negotiate()
        except BaseException as error:
            self.close()
            conceal(error, self._credentials)
            raise

    def _negotiate(self) -> None:
        self.send_sasl_msg(self.START, self.sasl.mechanism.encode('ascii'))
        self.send_sasl_msg(self.OK, self._step(None))
        while True:
            status, challenge = self.recv_sasl_msg()
            if status == self.OK:
                self.send_sasl_msg(self.OK, self._step(challenge))
            elif status == self.COMPLETE:
                self._complete(challenge)
                return
            else:
                reason = challenge[:200].decode('utf-8', 'replace')
                error = ConnectionFailed(f'{self.host}: the server refused SASL {self.sasl.mechanism} with status '
                                         f'{status}: {reason}')
                conceal(error, self._credentials)
                # It may repeat the credentials, and some who report errors print the locals.
                del challenge, reason
                raise error

    def _complete(self, challenge: bytes) -> None:
        if challenge and not self.sasl.complete:
            self._step(challenge)
        if not self.sasl.complete:
            raise ConnectionFailed(f'{self.host}: the server ended SASL {self.sasl.mechanism} before it was complete')

    def _step(self, challenge: Any) -> bytes:
        try:
            answer = self.sasl.process(challenge)
        except self._sasl_error as error:
            raise ConnectionFailed(f'{self.host}: SASL {self.sasl.mechanism} failed: {error}') from error
        return answer.encode('utf-8') if isinstance(answer, str) else bytes(answer or b'')

    def close(self) -> None:
        """Forget the credentials and close the stream."""
        try:
            self.sasl.dispose()
        finally:
            self.transport.close()

    # --- negotiation: a status byte, a length of 4 bytes, the body ---------------------------------------------

    def send_sasl_msg(self, status: int, body: bytes) -> None:
        """Send one negotiation message."""
        self.transport.write(_NEGOTIATION_HEAD.pack(status, len(body)) + body)
        self.transport.flush()

    def recv_sasl_msg(self) -> Tuple[int, bytes]:
        """The (status, body) of the next negotiation message."""
        status, length = _NEGOTIATION_HEAD.unpack(self.transport.readAll(_NEGOTIATION_HEAD.size))
        if length > MAX_NEGOTIATION_BYTES:
            raise ProtocolError(f'{self.host}: a SASL message of {length} bytes is announced; is it a SASL port?')
        return status, self._receive(length)

    # --- messages: a length of 4 bytes, the wrapped bytes ------------------------------------------------------

    def write(self, buf: bytes) -> None:
        self._outgoing += buf

    def flush(self) -> None:
        plain, self._outgoing = bytes(self._outgoing), bytearray()
        wrapped = self.sasl.wrap(plain)
        self.transport.write(_FRAME_HEAD.pack(len(wrapped)) + wrapped)
        self.transport.flush()

    def read(self, sz: int) -> bytes:
        part = self._incoming.read(sz)
        while sz and not part:
            self._read_message()
            part = self._incoming.read(sz)
        return part

    def _read_message(self) -> None:
        length = _FRAME_HEAD.unpack(self.transport.readAll(_FRAME_HEAD.size))[0]
        if length < 0:
            raise ProtocolError(f'{self.host}: a SASL frame has a length of {length}',
                                TTransportException.NEGATIVE_SIZE)
        if length > MAX_REPLY_BYTES:
            raise ReplyTooLarge(f'{self.host}: a SASL frame of {length} bytes is above the limit of {MAX_REPLY_BYTES}')
        wrapped = self._receive(length)
        try:
            self._incoming = io.BytesIO(self.sasl.unwrap(wrapped))
        except (ValueError, TypeError, self._sasl_error) as error:
            raise TransportError(f'{self.host}: a SASL frame cannot be unwrapped: {error}') from error

    def _receive(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            received += self.transport.readAll(min(length - len(received), _STEP_BYTES))
        return bytes(received)

    # --- thrift's C extension reads the buffer itself ----------------------------------------------------------

    @property
    def cstringio_buf(self) -> io.BytesIO:
        return self._incoming

    def cstringio_refill(self, prefix: bytes, reqlen: int) -> io.BytesIO:
        received = bytearray(prefix)
        while len(received) < reqlen:
            self._read_message()
            received += self._incoming.read()
        self._incoming = io.BytesIO(bytes(received))
        return self._incoming


def make_sasl_transport_factory(
        credential_factory: Callable[[str, int], Mapping[str, Any]]) -> Callable[[Any, str, int], FramedTransport]:
    """A `transport_factory` that authenticates by SASL, as in 1.11.

    `credential_factory(host, port)` returns the keyword arguments of TSaslClientTransport, such as {'service':
    'cassandra', 'mechanism': 'GSSAPI', 'principal': …}; `host` is filled in where it is missing.
    """
    def sasl_transport_factory(tsocket: Any, host: str, port: int) -> FramedTransport:
        arguments = Credentials({'host': host, **credential_factory(host, port)})
        return FramedTransport(TSaslClientTransport(tsocket, **arguments))

    return sasl_transport_factory
