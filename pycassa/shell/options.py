"""The shell's options: those of pycassaShell 1.11, and what came with release 2.0."""
import argparse
import dataclasses
import getpass
import math
import os
import ssl
import sys
from typing import List, Mapping, Optional

from pycassa.addresses import DEFAULT_PORT, format_server, parse_server
from pycassa.connection import make_ssl_context
from pycassa.credentials import Credentials
from pycassa.errors import ConfigurationError

__all__ = ['PASSWORD_VARIABLE', 'Script', 'Settings', 'add_arguments', 'add_tls_arguments', 'seconds', 'settings_of',
           'ssl_context_of']

PASSWORD_VARIABLE = 'PYCASSA_PASSWORD'


@dataclasses.dataclass
class Script:
    """A file of Python: its path as it was given, and its bytes."""

    path: str
    source: bytes


@dataclasses.dataclass
class Settings:
    """What the options come to. `timeout` is in seconds; `leave` is not to converse once the script has run."""

    servers: List[str]
    keyspace: Optional[str] = None
    credentials: Optional[Mapping[str, str]] = dataclasses.field(default=None, repr=False)
    timeout: float = 5.0
    framed: bool = True
    ssl_context: Optional[ssl.SSLContext] = None
    script: Optional[Script] = None
    leave: bool = False
    ipython: bool = True
    history: bool = True


def seconds(text: str) -> float:
    """A number of seconds above 0, as an argument of a command."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is no number of seconds above 0')
    return number


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f'{text!r} is no port; these are 1 to 65535')
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of the shell."""
    add = parser.add_argument
    add('-k', '--keyspace', metavar='NAME', help='its column families become variables')
    add('-H', '--host', metavar='HOST', help='a server (localhost)')
    add('-p', '--port', type=_port, metavar='PORT', help=f'the port of --host ({DEFAULT_PORT})')
    add('--server', action='append', default=[], metavar='HOST[:PORT]', help='a server; repeatable')
    add('-u', '--user', '--username', metavar='NAME',
        help=f'log in; the password is read from the environment variable {PASSWORD_VARIABLE}, or asked for')
    add('-P', '--passwd', '--password', metavar='PASSWORD',
        help='the password; other users of this computer can read it in the list of processes')
    add('-F', '--framed', action='store_true', default=True, help='framed transport, which is the default')
    add('-S', '--streaming', action='store_false', dest='framed',
        help='unframed transport, as servers before Cassandra 0.8 spoke it')
    add('--timeout', type=seconds, default=5.0, metavar='SECONDS', help='of a request (5)')
    add_tls_arguments(parser)
    add('-f', '--file', metavar='FILE', help='run this script first')
    add('--exit', action='store_true', help='with --file: end when the script has run')
    add('--plain', action='store_true', help="Python's own console, also where IPython is installed")
    add('--no-history', action='store_true', help='neither read nor write the history file')


def add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of encryption, which `ssl_context_of` reads."""
    tls = parser.add_argument_group('encryption')
    tls.add_argument('--tls', action='store_true', help='encrypt; the options below imply it')
    tls.add_argument('--ca-certs', metavar='FILE', help="the authorities to trust (the system's)")
    tls.add_argument('--certfile', metavar='FILE', help='the certificate of this client')
    tls.add_argument('--keyfile', metavar='FILE', help='its key, where that is not in the same file')
    tls.add_argument('--no-verify', action='store_true', help="do not check the server's certificate")


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that parsed options make, asking for a password where one is missing and there is a terminal.

    Raises ConfigurationError for what does not go together, malformed addresses and files that cannot be read.
    """
    if options.exit and options.file is None:
        raise ConfigurationError('--exit goes with --file')
    return Settings(servers=_servers(options), keyspace=options.keyspace, timeout=options.timeout,
                    framed=options.framed, ssl_context=ssl_context_of(options), script=_script(options.file),
                    leave=options.exit, ipython=not options.plain, history=not options.no_history,
                    credentials=_credentials(options))


def _servers(options: argparse.Namespace) -> List[str]:
    servers = [format_server(*parse_server(server)) for server in options.server]
    if options.host is not None or options.port is not None or not servers:
        host, port = parse_server(options.host or 'localhost')
        servers.insert(0, format_server(host, options.port or port))
    return servers


def _credentials(options: argparse.Namespace) -> Optional[Credentials]:
    if not options.user:
        if options.passwd:
            raise ConfigurationError('a password was given without the name of a user: --user')
        return None
    return Credentials({'username': options.user, 'password': _password(options)})


def _password(options: argparse.Namespace) -> str:
    if options.passwd is not None:
        return str(options.passwd)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError(f'no password for {options.user!r}: set {PASSWORD_VARIABLE}, or start the shell at a '
                                 'terminal to be asked for it')
    try:
        return getpass.getpass(f'Password of {options.user}: ')
    except EOFError as error:
        raise ConfigurationError(f'no password was given for {options.user!r}') from error


def ssl_context_of(options: argparse.Namespace) -> Optional[ssl.SSLContext]:
    """The context that parsed options of encryption ask for, None where they don't. Raises ConfigurationError."""
    if options.keyfile is not None and options.certfile is None:
        raise ConfigurationError('--keyfile goes with --certfile')
    if not (options.tls or options.ca_certs or options.certfile or options.no_verify):
        return None
    return make_ssl_context(options.ca_certs, not options.no_verify, options.certfile, options.keyfile)


def _script(path: Optional[str]) -> Optional[Script]:
    if path is None:
        return None
    try:
        with open(path, 'rb') as file:
            return Script(path, file.read())
    except OSError as error:
        raise ConfigurationError(f'the script {path} cannot be read: {error.strerror or error}') from error
