"""A world without sockets and waiting: a clock that is driven, chance by seed, hosts that fail when told to."""
import random
import threading
from collections import Counter

from pycassa.errors import CallTimeout, ConnectionClosed, ConnectionFailed
from pycassa.operations import Call
from pycassa.pool import ConnectionPool
from pycassa.runtime import Runtime
from pycassa.wrapper import ConnectionWrapper


class World:
    """Time, chance, and the hosts of a cluster by name."""

    def __init__(self, *servers, seed=0):
        self.servers = servers
        self.now = 1000.0
        self.sleeps = []
        self.refusing = set()
        self.connect_seconds = 0.0
        self.connects = []
        self.open = Counter()
        self.calls = []
        # What the next calls (on a server, or on any: None) do before they are answered: raise or call it.
        self.scripts = []
        chance = random.Random(seed)
        self.runtime = Runtime(lambda: self.now, self.sleep, chance.uniform, lambda: DrivenLock(self))

    def sleep(self, seconds):
        assert seconds >= 0
        self.sleeps.append(seconds)
        self.now += seconds

    def fail_next(self, error, times=1, server=None):
        """Let the next calls (on `server`) raise `error`."""
        self.scripts += [(server, error)] * times

    def pool(self, **settings):
        settings.setdefault('server_list', list(self.servers))
        return FakePool(self, **settings)


class DrivenLock:
    """A lock on which waiting for a limited time takes that time of the world's, and is in vain."""

    def __init__(self, world):
        self.world = world
        self.lock = threading.Lock()
        self.release = self.lock.release

    def acquire(self, timeout=-1):
        if timeout < 0:
            return self.lock.acquire()
        if self.lock.acquire(False):
            return True
        self.world.now += timeout
        return False

    def __enter__(self):
        return self.lock.acquire()

    def __exit__(self, *exc_info):
        self.lock.release()


class FakeLink:
    """In place of a connection's transport: open, stale (its server has gone away meanwhile) or closed."""

    def __init__(self, world, server):
        self.world, self.server = world, server
        self.is_open = True
        self.stale = False
        self.touched = 0
        world.open[server] += 1

    def isOpen(self):
        return self.is_open

    seems_open = isOpen

    def probe(self):
        self.touched += 1
        return self.is_open and not self.stale

    def close(self):
        if self.is_open:
            self.is_open = False
            self.world.open[self.server] -= 1

    def roundtrip(self, frame, deadline=None, limit='deadline'):
        self.touched += 1
        world = self.world
        world.calls.append((self.server, frame, deadline))
        if self.stale:
            self.close()
            raise ConnectionClosed(f'{self.server}: the server closed the connection')
        for index, (server, outcome) in enumerate(world.scripts):
            if server in (None, self.server):
                del world.scripts[index]
                self._play(outcome)
                break
        return b'answer of ' + self.server.encode()

    def _play(self, outcome):
        if not isinstance(outcome, BaseException):
            outcome()
        else:
            if not hasattr(outcome, 'link_stays'):
                # Declared exceptions are read to their end; everything else closes the connection.
                self.close()
            raise outcome


class FakeWrapper(ConnectionWrapper):
    """A wrapper over a FakeLink; connecting takes `connect_seconds` of the world's time and may be refused."""

    def __init__(self, pool, server):
        self._begin_life(pool, pool.max_retries)
        world = pool.world
        world.connects.append(server)
        self.server, self.keyspace = server, pool.keyspace
        self.timeout, self.schema_timeout, self._deadline = pool.timeout, 30.0, None
        deadline = getattr(pool._connecting, 'deadline', None)
        if deadline is not None and world.now + world.connect_seconds > deadline:
            world.now = deadline
            raise CallTimeout(f'{server}: deadline')
        world.now += world.connect_seconds
        if server in world.refusing:
            raise ConnectionFailed(f'{server}: refused')
        self._messages = self.transport = FakeLink(world, server)
        self._state = self._CHECKED_OUT

    @property
    def link(self):
        return self._messages


class FakePool(ConnectionPool):
    """A pool of FakeWrappers. `before_connecting` is called, with the server, where connections would be opened."""

    def __init__(self, world, **settings):
        self.world = world
        self.before_connecting = None
        settings.setdefault('runtime', world.runtime)
        ConnectionPool.__init__(self, settings.pop('keyspace', 'Keyspace1'), **settings)

    def _settings(self):
        return dict(ConnectionPool._settings(self), world=self.world)

    def _get_new_wrapper(self, server):
        if self.before_connecting is not None:
            self.before_connecting(server)
        return FakeWrapper(self, server)


def a_call(method='get_slice', retry=True, frame=b'frame'):
    """An encoded call; its result is the reply, as bytes."""
    return Call(method, 1, frame, lambda reply: reply, retry)


class Recorder:
    """A listener with all hooks, which keeps what it heard."""

    def __init__(self):
        self.events = []

    def __getattr__(self, name):
        if name.startswith(('connection_', 'pool_', 'obtained_', 'server_list_')):
            return lambda dic: self.events.append((name, dic))
        raise AttributeError(name)

    def __dir__(self):
        from pycassa.listeners import EVENTS
        return [*object.__dir__(self), *EVENTS]

    def named(self, name):
        return [dic for event, dic in self.events if event == name]

    def names(self):
        return [event for event, _ in self.events]


def in_threads(count, function):
    """Run function(number) in so many threads at once; raises what any of them raised."""
    errors = []

    def run(number):
        try:
            function(number)
        except BaseException as error:  # noqa: BLE001 (handed to the test)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), 'a thread hangs'
    if errors:
        raise errors[0]
