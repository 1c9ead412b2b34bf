"""Clusters of real servers: start, kill, pause and stop their nodes."""
import os
import pathlib
import shutil
import signal
import struct
import tempfile
import time
from typing import Any, Callable, List, Optional

from . import addresses, certificates, configuration, jars, java
from .asking import ALL, Asker, Refused
from .configuration import Place
from .errors import ServerFailed, Unavailable
from .node import TAIL, Node
from .options import Options, Spec

PATIENCE = 300.0
MEMORY = '/dev/shm'
SPACE_OF_A_NODE = 1 << 30  # bytes
USER = PASSWORD = 'cassandra'


def _fast_folder(nodes: int) -> Optional[str]:
    """Where data that is not kept goes: memory, if there is enough, as each change of a schema waits for a disk.

    None is the folder of temporary files. Servers load libraries from where their data is.
    """
    if not os.access(MEMORY, os.W_OK | os.X_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > nodes * SPACE_OF_A_NODE else None


class Cluster:
    """Servers of one release on addresses of their own, while the `with` block runs.

    `release` is a series such as '3.11' or a release such as '3.11.19'; `options` are those of `Options`. Nodes are
    numbered from 1. `folder` keeps data and logs when the cluster stops, and starts it on what is in there; without it
    all is gone. `background` leaves the servers running when this process ends. `block` names the addresses, as
    '127.173.20'; without it they are chosen.
    """

    def __init__(self, release: str, nodes: int = 1, *, folder: Optional[pathlib.Path] = None,
                 background: bool = False, block: Optional[str] = None, **options: Any) -> None:
        self.spec = Spec(release, nodes, Options(**options))
        self.folder = folder
        self.background = background
        self._temporary = folder is None
        self._block_wanted = block
        self._block: Optional[addresses.Block] = None
        self._owner = os.getpid()
        self.nodes: List[Node] = []
        self.tls: Optional[pathlib.Path] = None

    @classmethod
    def of(cls, spec: Spec, **how: Any) -> 'Cluster':
        """The cluster of a spec; `how` is folder, background, block."""
        made = cls(spec.release, spec.nodes, **how)
        made.spec = spec
        return made

    def __enter__(self) -> 'Cluster':
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def hosts(self) -> List[str]:
        return [node.host for node in self.nodes]

    @property
    def addresses(self) -> List[str]:
        """HOST:PORT of each node."""
        return [f'{host}:{addresses.PORTS["thrift"]}' for host in self.hosts]

    @property
    def target(self) -> str:
        """The cluster as tests take it: --cassandra VERSION@HOST:PORT[+HOST:PORT...][?OPTION=VALUE[&...]]."""
        spec, words = self.spec, []
        if spec.nodes > 1:
            words.append(f'nodes={spec.nodes}')
        for name, value in spec.options.chosen().items():
            if name in ('partitioner', 'rpc'):
                words.append(f'{name}={value}')
        words += ['auth=1'] if spec.options.auth else []
        words += [f'tls={self.tls}'] if self.tls else []
        return f'{spec.release}@{"+".join(self.addresses)}' + (f'?{"&".join(words)}' if words else '')

    # --- the whole -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start all nodes; returns when each answers, sees all of them, and agrees with them on the schema."""
        self._java, self._jars = java.find(), jars.find(self.spec.release)
        try:
            self._prepare()
            # The others find the first one's schema, and no two make the same keyspace at once.
            self._launch(self.nodes[0])
            self.wait(self.nodes[:1], [self.nodes[0]])
            for node in self.nodes[1:]:
                self._launch(node)
            self.wait()
            self._make_users()
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        """Addresses, folders and certificates."""
        if self._block_wanted is None:
            self._block = addresses.choose(self.spec.nodes)
        else:
            self._block = addresses.take(self._block_wanted, self.spec.nodes)
            if self._block is None:
                raise Unavailable(f'{self._block_wanted}.* is in use')
        if self.folder is None:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pycassa-cassandra-', dir=_fast_folder(self.spec.nodes)))
        self.folder.mkdir(parents=True, exist_ok=True)
        hosts = [self._block.host(number) for number in range(1, self.spec.nodes + 1)]
        if self.spec.options.tls:
            self.tls = self.folder / 'tls'
            if not self.tls.exists():
                certificates.make(self.tls, hosts, self._java.tool('keytool'))
        self.nodes = [Node(host, self.folder / f'node{number}', self.tls) for number, host in enumerate(hosts, 1)]
        for node in self.nodes:
            node.folder.mkdir(exist_ok=True)

    def _launch(self, node: Node) -> None:
        place = Place(self.nodes.index(node) + 1, node.host, self.nodes[0].host, node.folder)
        configuration.write(self.spec, place, self.tls)
        command = [self._java.tool('java'), *configuration.arguments(self.spec, place, self._jars)]
        assert self._block is not None
        # In the background, the servers' keepers hold the addresses.
        passed = [self._block.mark.fileno()] if self.background else []
        node.start(command, None if self.background else os.getpid(), self.folder if self._temporary else None, passed)

    def wait(self, ring: Optional[List[Node]] = None, nodes: Optional[List[Node]] = None,
             patience: float = PATIENCE) -> None:
        """Wait until `nodes` (default: those that run) see this ring (default: all), each other, and one schema."""
        ring = ring or self.nodes
        live = [node for node in ring if node.process() is not None] if nodes is None else nodes
        hosts, seen = [node.host for node in ring], [node.host for node in live]
        for node in live:
            self._until(node, lambda node=node: node.sees(hosts, seen), patience)

    def _until(self, node: Node, ready: Callable[[], bool], patience: float) -> None:
        until = time.monotonic() + patience
        while not ready():
            if node.process() is None:
                raise ServerFailed(f'Cassandra {self.spec.release} on {node.host} ended:\n{node.log(TAIL)}')
            if time.monotonic() > until:
                raise ServerFailed(f'Cassandra {self.spec.release} on {node.host} is not ready after {patience:g} s:\n'
                                   f'{node.log(TAIL)}')
            time.sleep(0.1)

    def stop(self) -> None:
        """End all nodes, and remove their data unless a folder was given. In a fork of its process, it does nothing."""
        if os.getpid() != self._owner:
            return
        for node in self.nodes:
            node.end(patience=0 if self._temporary else 20)
        if self._block is not None:
            self._block.release()
            self._block = None
        if self._temporary and self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # --- single nodes ----------------------------------------------------------------------------------------------

    def node(self, number: int) -> Node:
        if not 1 <= number <= len(self.nodes):
            raise ValueError(f'no node {number}: there are 1 to {len(self.nodes)}')
        return self.nodes[number - 1]

    def kill(self, number: int) -> None:
        """Kill a node: SIGKILL. Returns when its process is gone."""
        self.node(number).end(patience=0)

    def up(self, number: int, wait: bool = True) -> None:
        """Start a node again on its data; by default, returns when all nodes that run see each other again."""
        node = self.node(number)
        if node.process() is not None:
            raise ValueError(f'node {number} runs')
        node.end(patience=0)
        self._launch(node)
        if wait:
            self.wait()
            self._wait_for_users(number)

    def pause(self, number: int) -> None:
        """Stop a node's process as it is: SIGSTOP. Its connections stay, and nothing answers on them."""
        self.node(number).send(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a paused node go on: SIGCONT."""
        self.node(number).send(signal.SIGCONT)

    def log(self, number: int = 1, lines: Optional[int] = None) -> str:
        """What a node wrote to its log, or the last lines of it."""
        return self.node(number).log(lines)

    # --- users -----------------------------------------------------------------------------------------------------

    def ask(self, number: int = 1) -> Asker:
        """A connection of the harness's own to a node, logged in where that is needed; to be used in a `with`."""
        asker = self.node(number).ask()
        if self.spec.options.auth:
            try:
                asker.login(USER, PASSWORD)
            except BaseException:
                asker.socket.close()
                raise
        return asker

    def _make_users(self) -> None:
        if not self.spec.options.auth:
            return
        for number in range(1, len(self.nodes) + 1):
            self._wait_for_users(number)
        with self.ask() as asker:
            self._spread_users(asker)
            for name, password in self.spec.options.users.items():
                quoted = password.replace("'", "''")
                asker.cql(f"CREATE ROLE '{name}' WITH PASSWORD = '{quoted}' AND LOGIN = true"
                          if configuration.since(self.spec, '2.2') else
                          f"CREATE USER '{name}' WITH PASSWORD '{quoted}' NOSUPERUSER")

    def _spread_users(self, asker: Asker) -> None:
        """Give every node all users: by default one node has a user, and nobody gets in while that one is down."""
        if self.spec.nodes == 1:
            return
        asker.cql('ALTER KEYSPACE system_auth WITH replication = '
                  f"{{'class': 'SimpleStrategy', 'replication_factor': {self.spec.nodes}}}")
        self.wait()
        # Reading from all repairs those that lack something.
        for table in ['roles'] if configuration.since(self.spec, '2.2') else ['users', 'credentials']:
            asker.cql(f'SELECT * FROM system_auth.{table}', ALL)

    def _wait_for_users(self, number: int) -> None:
        """Wait until a node lets users in, which it does a while after it has started."""
        if self.spec.options.auth:
            self._until(self.node(number), lambda: self._has_super_user(number), PATIENCE)

    def _has_super_user(self, number: int) -> bool:
        """Whether a node knows the super-user, whom a cluster makes a while after it has started."""
        try:
            with self.ask(number):
                return True
        except (OSError, Refused, struct.error):
            return False
