"""A small server of the Thrift interface on loopback, on the bindings' own processor, that can die and come back."""
import socket
import struct
import threading

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import AuthenticationException, CfDef, InvalidRequestException, KsDef


class Handler:
    """The calls that the tests make. `log` holds (method, arguments); `scripts` what to do instead, by method."""

    password = None

    def __init__(self):
        self.log = []
        self.scripts = {}
        self.added = 0

    def called(self, method):
        return [arguments for name, arguments in self.log if name == method]

    def script(self, method, *actions):
        """Let the next calls of `method` do these: raise an exception, call a function, or None: as usual."""
        self.scripts.setdefault(method, []).extend(actions)

    def _note(self, method, *arguments):
        self.log.append((method, arguments))
        if self.scripts.get(method):
            action = self.scripts[method].pop(0)
            if isinstance(action, BaseException):
                raise action
            if action is not None:
                action()

    def login(self, auth_request):
        self._note('login', dict(auth_request.credentials))
        if self.password is not None and auth_request.credentials.get('password') != self.password:
            raise AuthenticationException('bad credentials')

    def set_keyspace(self, keyspace):
        self._note('set_keyspace', keyspace)
        if keyspace == 'Missing':
            raise InvalidRequestException("Keyspace 'Missing' does not exist")

    def describe_version(self):
        self._note('describe_version')
        return '19.39.0'

    def describe_keyspaces(self):
        self._note('describe_keyspaces')
        return [self.keyspace_definition('Keyspace1')]

    def describe_keyspace(self, keyspace):
        self._note('describe_keyspace', keyspace)
        return self.keyspace_definition(keyspace)

    def keyspace_definition(self, name):
        family = CfDef(keyspace=name, name='Standard1', column_metadata=[])
        return KsDef(name=name, strategy_class='S', cf_defs=[family])

    def get_slice(self, key, column_parent, predicate, consistency_level):
        self._note('get_slice', key)
        return []

    def get_count(self, key, column_parent, predicate, consistency_level):
        self._note('get_count', key)
        return 4

    def insert(self, key, column_parent, column, consistency_level):
        self._note('insert', key, column.name, column.timestamp)

    def batch_mutate(self, mutation_map, consistency_level):
        self._note('batch_mutate', sorted(mutation_map))

    def add(self, key, column_parent, column, consistency_level):
        self.added += column.value
        self._note('add', key, column.value)

    def system_add_keyspace(self, ks_def):
        self._note('system_add_keyspace', ks_def.name)
        return 'version'


class RawServer:
    """Listens on an ephemeral port of 127.0.0.1 and serves framed calls, one thread for each connection."""

    def __init__(self, handler=None):
        self.handler = handler or Handler()
        self.port = 0
        self.peers = set()
        self.accepted = 0
        self.lock = threading.Lock()
        self.start()

    @property
    def address(self):
        return f'127.0.0.1:{self.port}'

    def start(self):
        """Listen (again, on the same port)."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Refuse connections, and close those there are."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        """Close all connections."""
        with self.lock:
            peers, self.peers = self.peers, set()
        for peer in peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def _accept(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.peers.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        processor = Cassandra.Processor(self.handler)
        try:
            with peer, peer.makefile('rb') as stream:
                while True:
                    head = stream.read(4)
                    if len(head) < 4:
                        return
                    request = stream.read(struct.unpack('>i', head)[0])
                    reply = TBinaryProtocol(TMemoryBuffer())
                    processor.process(TBinaryProtocol(TMemoryBuffer(request)), reply)
                    data = reply.trans.getvalue()
                    peer.sendall(struct.pack('>i', len(data)) + data)
        except (OSError, ValueError, EOFError):
            pass
        finally:
            with self.lock:
                self.peers.discard(peer)
