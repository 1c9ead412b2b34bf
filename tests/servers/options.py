"""What a cluster may be asked for, and the short way to write it: `2.1x3,partitioner=Random,rpc=hsha,auth`."""
import re
from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, List, Mapping, Sequence

from .errors import BadSpec

# The releases that stand for their series: the last ones that Maven Central has of it.
RELEASES = {'1.2': '1.2.19', '2.0': '2.0.17', '2.1': '2.1.22', '2.2': '2.2.19', '3.0': '3.0.29', '3.11': '3.11.19'}
PARTITIONERS = ('Murmur3Partitioner', 'RandomPartitioner', 'ByteOrderedPartitioner')
SERVER_TYPES = ('sync', 'hsha')
MOST_NODES = 100

GRAMMAR = """\
SERIES[xNODES][,OPTION...], e.g. 3.11  3.11x3  2.1,partitioner=Random,rpc=hsha  2.1.22,auth,tls
options: partitioner=Murmur3|Random|ByteOrdered  rpc=sync|hsha  auth  tls  durable  native=on|off
         heap=384m  timeout=20 (seconds, of requests on the server)"""


def series_of(release: str) -> str:
    """'2.1' of '2.1.22'."""
    return '.'.join(release.split('.')[:2])


def release_of(version: str) -> str:
    """The release that a series stands for; a release is itself."""
    if version in RELEASES:
        return RELEASES[version]
    if series_of(version) in RELEASES and version.count('.') == 2:
        return version
    raise ValueError(f'{version!r} is none of the series {", ".join(RELEASES)}, nor a release of them')


@dataclass(frozen=True)
class Options:
    """How the servers of a cluster are set up.

    `partitioner`: by the name of its class, which may leave -Partitioner out. `rpc`: the Thrift server, sync or hsha.
    `auth`: PasswordAuthenticator and CassandraAuthorizer, with the super-user cassandra/cassandra and `users`, {name:
    password}. `tls`: Thrift and CQL by TLS with client certificates. `native`: CQL's own protocol, too. `durable`: a
    write is on disk before it is acknowledged; without it, kill -9 may take the last ten seconds. `heap`: of each JVM.
    `timeout`: after which servers give up on replicas, in seconds. `settings`: more of cassandra.yaml, {name: value};
    None takes a setting out. `java`: more arguments of the JVM.
    """

    partitioner: str = 'Murmur3Partitioner'
    rpc: str = 'sync'
    auth: bool = False
    tls: bool = False
    native: bool = True
    durable: bool = False
    heap: str = '384m'
    timeout: float = 20.0
    users: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    java: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.partitioner.endswith('Partitioner'):
            object.__setattr__(self, 'partitioner', self.partitioner + 'Partitioner')
        if self.partitioner not in PARTITIONERS:
            raise ValueError(f'no partitioner {self.partitioner}: there are {", ".join(PARTITIONERS)}')
        if self.rpc not in SERVER_TYPES:
            raise ValueError(f'no Thrift server {self.rpc!r}: there are {", ".join(SERVER_TYPES)}')
        if self.tls and self.rpc == 'hsha':
            raise ValueError('hsha has no TLS in any release: use tls with rpc=sync')
        if self.users and not self.auth:
            raise ValueError('users need auth=True')
        if not re.fullmatch(r'\d+[mMgG]', self.heap):
            raise ValueError(f'heap={self.heap!r} is no size such as 384m or 1g')
        if self.timeout <= 0:
            raise ValueError(f'timeout={self.timeout:g} is not above 0')

    def chosen(self) -> Dict[str, Any]:
        """What differs from the defaults."""
        default = Options()
        return {each.name: getattr(self, each.name) for each in fields(self)
                if getattr(self, each.name) != getattr(default, each.name)}


@dataclass(frozen=True)
class Spec:
    """A cluster as it is asked for: the release, the number of nodes, how they are set up."""

    release: str
    nodes: int = 1
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'release', release_of(self.release))
        if not 1 <= self.nodes <= MOST_NODES:
            raise ValueError(f'a cluster has 1 to {MOST_NODES} nodes, not {self.nodes}')

    @property
    def series(self) -> str:
        return series_of(self.release)

    @classmethod
    def parse(cls, text: str) -> 'Spec':
        """A cluster of a text as GRAMMAR says; BadSpec where it is not."""
        first, *rest = (part.strip() for part in text.split(','))
        found = re.fullmatch(r'(\d+\.\d+(?:\.\d+)?)(?:x(\d+))?', first)
        if not found:
            raise BadSpec(f'{text!r} begins with no series of Cassandra\n{GRAMMAR}')
        try:
            return cls(found.group(1), int(found.group(2) or 1), Options(**_options(rest)))
        except ValueError as error:
            raise BadSpec(f'{text!r}: {error}\n{GRAMMAR}') from error

    def variant(self) -> str:
        """What is set up in another way than by default, for people: 'Random, hsha'; '' for nothing."""
        return ', '.join(_words(self.options))

    def __str__(self) -> str:
        """The text that `parse` reads as this cluster, but for `users`, `settings` and `java`."""
        version = self.series if self.release == RELEASES[self.series] else self.release
        return ','.join([version + (f'x{self.nodes}' if self.nodes > 1 else ''), *_words(self.options)])


def _words(options: Options) -> List[str]:
    """Options as a text names them."""
    words = []
    for name, value in options.chosen().items():
        if name == 'native':
            words.append('native=off')
        elif value is True:
            words.append(name)
        elif name in ('partitioner', 'rpc', 'heap'):
            words.append(f'{name}={value}'.replace('Partitioner', ''))
        elif name == 'timeout':
            words.append(f'timeout={value:g}')
    return words


def _options(words: Sequence[str]) -> Dict[str, Any]:
    """The keywords of Options that words of a text stand for."""
    known: Dict[str, Callable[[str], Any]] = {
        'partitioner': str, 'rpc': str, 'heap': str, 'timeout': float, 'auth': _switch, 'tls': _switch,
        'durable': _switch, 'native': _switch}
    given: Dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition('=')
        if name not in known:
            raise ValueError(f'no option {name!r}')
        given[name] = known[name](value)
    return given


def _switch(text: str) -> bool:
    switches = {'': True, 'on': True, '1': True, 'off': False, '0': False}
    if text not in switches:
        raise ValueError(f'{text!r} is neither on nor off')
    return switches[text]
