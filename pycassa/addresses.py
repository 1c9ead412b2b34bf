"""Server addresses as users write them."""
from typing import Any, List, Tuple, Union

from pycassa.errors import ConfigurationError

__all__ = ['DEFAULT_PORT', 'Server', 'format_server', 'parse_server']

DEFAULT_PORT = 9160

Server = Union[str, bytes, Tuple[str, Union[int, str]], List[Any]]


def parse_server(server: Server) -> Tuple[str, int]:
    """The host and port of 'host', 'host:port', '::1', '[::1]', '[::1]:port' or a (host, port) pair.

    The port is 9160 where none is given. Raises ConfigurationError, naming the address, where it is not one of these.
    """
    if isinstance(server, bytes):
        server = server.decode('utf-8', 'replace')
    if isinstance(server, (tuple, list)) and len(server) == 2:
        host, port = server
    elif isinstance(server, str):
        host, port = _split_server(server)
    else:
        raise ConfigurationError(f"{server!r} is not a server address; one is 'host', 'host:port' or (host, port)")
    host = host.strip() if isinstance(host, str) else host
    if not isinstance(host, str) or not host or any(character in host for character in '[]/@ \t\r\n'):
        raise ConfigurationError(f'the server address {server!r} has no valid host name')
    return host, _parse_port(port, server)


def _split_server(server: str) -> Tuple[str, Union[int, str]]:
    text = server.strip()
    if text.startswith('['):
        host, bracket, rest = text[1:].partition(']')
        if not bracket or (rest and not rest.startswith(':')):
            raise ConfigurationError(f'the server address {server!r} is malformed; with IPv6 it is [address]:port')
        return host, rest[1:] if rest else DEFAULT_PORT
    if text.count(':') == 1:
        host, _, port = text.partition(':')
        return host, port
    return text, DEFAULT_PORT


def _parse_port(port: Any, server: Server) -> int:
    if isinstance(port, str) and port.strip().isascii() and port.strip().isdigit():
        port = int(port)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigurationError(f'the server address {server!r} has the port {port!r}; a port is 1 to 65535')
    return port


def format_server(host: str, port: int) -> str:
    """'host:port', with brackets around an IPv6 address."""
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
