"""The servers that tests of behaviour run on, as their command line names them, and an independent client of them.

A real one is `VERSION@HOST:PORT`, a cluster `VERSION@HOST:PORT+HOST:PORT+HOST:PORT`; the embedded one is its profile.
After a question mark follows what is not the default there: `partitioner=RandomPartitioner`, `rpc=hsha`, `auth=1` (the
user cassandra with the password cassandra), `tls=FOLDER` (with ca.pem, client.pem, client.key; for an embedded server
anything, such as `tls=1`), `nodes=3`.
"""
import contextlib
import functools
import os
import pathlib
import tempfile
import time
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple
from urllib.parse import parse_qsl, urlencode

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TSSLSocket import TSSLSocket
from thrift.transport.TTransport import TFramedTransport

import pycassa
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import AuthenticationRequest
from pycassa.transport import make_ssl_context

from .faults.tlsfront import Authority, TLSFront, server_context

__all__ = ['MARKERS', 'SUPERUSER', 'AgreeingClient', 'RawClient', 'Server', 'embedded_beside', 'name_of',
           'reads_subcolumns', 'running', 'suits', 'wait_for_agreement']

SUPERUSER = {'username': 'cassandra', 'password': 'cassandra'}
KNOWN_OPTIONS = ('auth', 'nodes', 'partitioner', 'rpc', 'tls')
PATIENCE = 30


class Server(NamedTuple):
    """A server under test. `profile` is its version as semantics differ by it: '2.1', '3.11', ..."""

    kind: str                               # 'embedded' or 'real'
    profile: str
    address: str                            # of the first node
    addresses: Tuple[str, ...] = ()         # of all nodes
    options: Mapping[str, str] = {}

    @property
    def host(self) -> str:
        return self.address.rpartition(':')[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(':')[2])

    @property
    def release(self) -> Tuple[int, ...]:
        """(3, 11): what comparisons of versions need."""
        return release_of(self.profile)

    @property
    def nodes(self) -> int:
        return len(self.addresses)

    @property
    def partitioner(self) -> str:
        return self.options.get('partitioner', 'Murmur3Partitioner')

    @property
    def access(self) -> Dict[str, Any]:
        """The keywords that connections, pools and managers need to be let in: {} where anybody is."""
        needed: Dict[str, Any] = {}
        if self.options.get('auth'):
            needed['credentials'] = SUPERUSER
        if self.options.get('tls'):
            needed['ssl_context'] = tls_context(self.options['tls'])
        return needed

    def connect(self, keyspace: Any = None, **options: Any) -> pycassa.Connection:
        """A connection to the first node."""
        return pycassa.Connection(keyspace, self.address, **{'timeout': PATIENCE, **self.access, **options})

    def pool(self, keyspace: Any, kind: Any = pycassa.ConnectionPool, **options: Any) -> Any:
        """A pool of all nodes."""
        return kind(keyspace, **{'server_list': list(self.addresses), 'timeout': PATIENCE,
                                                   **self.access, **options})

    def client(self, keyspace: Any = None, make: Any = pycassa.connect, **options: Any) -> Any:
        """What `connect()` or `connect_thread_local()` give, of the first node."""
        given = [[self.address]] if keyspace is None else [keyspace, [self.address]]
        return make(*given, **{'timeout': PATIENCE, **self.access, **options})

    def manager(self, **options: Any) -> pycassa.SystemManager:
        return pycassa.SystemManager(self.address, **{**self.access, **options})


def name_of(kind: str, text: str) -> str:
    """A server in the names of tests: 'embedded-1.2', 'real-2.1.22@127.0.0.1:9160', and what its options are."""
    version, addresses, options = parse(text)
    words = [name if name in ('auth', 'tls') else f'{name}={value}' for name, value in sorted(options.items())]
    return ','.join([f'{kind}-{version}' + ''.join(f'@{address}' for address in addresses[:1]), *words])


@functools.cache
def tls_context(folder: str) -> Any:
    """A client context of the certificates in a folder: the authority's, and the client's own with its key."""
    authority, certificate, key = (os.path.join(folder, name) for name in ('ca.pem', 'client.pem', 'client.key'))
    return make_ssl_context(authority, True, certificate, key)


def parse(text: str) -> Tuple[str, Tuple[str, ...], Dict[str, str]]:
    """(version, addresses, options) of `VERSION[@ADDRESS+ADDRESS...][?option=value&...]`."""
    where, _, query = text.partition('?')
    version, _, addresses = where.partition('@')
    options = dict(parse_qsl(query, strict_parsing=bool(query)))
    unknown = sorted(set(options) - set(KNOWN_OPTIONS))
    if unknown:
        raise pytest.UsageError(f'{text}: unknown option {", ".join(unknown)}; known are {", ".join(KNOWN_OPTIONS)}')
    return version, tuple(addresses.split('+')) if addresses else (), options


def profile_of(version: str) -> str:
    return '.'.join(version.split('.')[:2])


def release_of(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in profile_of(version).split('.'))


def embedded_beside(real: str) -> str:
    """What names the embedded server that has to do as a real one: the same profile, and the same partitioner."""
    version, _, options = parse(real)
    partitioner = {name: value for name, value in options.items() if name == 'partitioner'}
    return profile_of(version) + ('?' + urlencode(partitioner) if partitioner else '')


MARKERS = (
    'since(*release, **parameters): runs on servers of this release and later ones, as since(2, 0); with parameters, '
    'this is said of the test that has these, and of no other',
    'before(*release): runs on servers older than this release',
    'defect(*release, **options): does not run on servers of this release and later ones that have these options too',
    'given(**options): runs where a server has these options, as given(auth="1"); None: where it has not; ...: any '
    'it has; the `kind` of the server is real or embedded',
)


# Cassandra 3.x closes the connection when it is asked for subcolumns of a row that another node has: it cannot write
# its message to that node (UnsupportedOperationException of CellPath).
reads_subcolumns = pytest.mark.defect(3, 0, nodes=...)


def suits(item: pytest.Item) -> bool:
    """Whether a test's markers allow the server that it was made for. Tests without a server suit."""
    parameters = getattr(getattr(item, 'callspec', None), 'params', {})
    kind, _, text = parameters.get('server', '').partition('-')
    if not text:
        return True
    version, _, options = parse(text)
    release, has = release_of(version), {'kind': kind, **options}
    return (all(release >= mark.args for mark in item.iter_markers('since')
                if mark.kwargs.items() <= parameters.items())
            and all(release < mark.args for mark in item.iter_markers('before'))
            and all(_has(has, mark.kwargs) for mark in item.iter_markers('given'))
            and not any(release >= mark.args and _has(has, mark.kwargs) for mark in item.iter_markers('defect')))


def _has(options: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    return all(options.get(name) is not None if value is ... else options.get(name) == value
               for name, value in wanted.items())


@contextlib.contextmanager
def running(kind: str, text: str) -> Iterator[Server]:
    """The server that `text` names: an embedded one is started, a real one is there already."""
    version, addresses, options = parse(text)
    if kind == 'real':
        if not addresses or int(options.get('nodes', len(addresses))) != len(addresses):
            raise pytest.UsageError(f'{text}: an address for each node is wanted, VERSION@HOST:PORT+HOST:PORT...')
        yield Server('real', profile_of(version), addresses[0], addresses, options)
        return
    from pycassa.embedded import EmbeddedServer
    users = {SUPERUSER['username']: SUPERUSER['password']} if options.get('auth') else None
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(EmbeddedServer(
            profile=version, partitioner=options.get('partitioner', 'Murmur3Partitioner'), credentials=users)).address
        if options.get('tls'):
            address, folder = stack.enter_context(behind_tls(int(address.rpartition(':')[2])))
            options['tls'] = str(folder)
        yield Server('embedded', version, address, (address,), options)


@contextlib.contextmanager
def behind_tls(port: int) -> Iterator[Tuple[str, pathlib.Path]]:
    """The address of a front that speaks TLS for the server on `port`, and the folder of certificates for clients."""
    with tempfile.TemporaryDirectory(prefix='pycassa-tls-') as name:
        folder = pathlib.Path(name)
        authority = Authority(folder, 'ca')
        authority.signed('client', 'DNS:client.example')
        context = server_context(authority.signed('server', 'IP:127.0.0.1'), clients=authority.certificate)
        with TLSFront(port, context) as front:
            yield front.address, folder


# --- an independent client -------------------------------------------------------------------------------------------

def wait_for_agreement(client: Any, nodes: int, patience: float = PATIENCE) -> None:
    """Wait until all `nodes` have one version of the schema. Raises AssertionError where they have not in time."""
    deadline = time.monotonic() + patience
    while True:
        versions: Dict[str, List[str]] = client.describe_schema_versions()
        if [len(hosts) for hosts in versions.values()] == [nodes]:
            return
        assert time.monotonic() < deadline, f'after {patience} seconds the schema still is {versions}'
        time.sleep(0.02)


class AgreeingClient(Cassandra.Client):
    """The generated client; on a cluster, its changes of the schema return when all nodes have them."""

    nodes = 1


def _agreeing(name: str) -> Any:
    plain = getattr(Cassandra.Client, name)

    @functools.wraps(plain)
    def change(self: AgreeingClient, *args: Any) -> Any:
        version = plain(self, *args)
        if self.nodes > 1:
            wait_for_agreement(self, self.nodes)
        return version
    return change


for _name in [f'system_{verb}_{what}' for verb in ('add', 'update', 'drop') for what in ('keyspace', 'column_family')]:
    setattr(AgreeingClient, _name, _agreeing(_name))


class RawClient:
    """The generated client over thrift's own framed transport: an independent client to set things up with."""

    def __init__(self, server: Server) -> None:
        context = server.access.get('ssl_context')
        socket = TSSLSocket(server.host, server.port, ssl_context=context) if context else TSocket(server.host,
                                                                                                   server.port)
        socket.setTimeout(1000 * PATIENCE)
        self.transport = TFramedTransport(socket)
        self.transport.open()
        self.client = AgreeingClient(TBinaryProtocol(self.transport))
        self.client.nodes = server.nodes
        if 'credentials' in server.access:
            self.client.login(AuthenticationRequest(credentials=server.access['credentials']))

    def __enter__(self) -> AgreeingClient:
        return self.client

    def __exit__(self, *exc_info: Any) -> None:
        self.transport.close()
