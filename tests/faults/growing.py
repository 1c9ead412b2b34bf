"""Run by test_growth in a process of its own: what a client's memory and descriptors come to, over many operations.

    python growing.py SCENARIO ARGUMENTS        (a function of this file, a JSON object); prints its facts as JSON
"""
import ctypes
import gc
import json
import os
import random
import ssl
import sys
import time
from typing import Any, Callable, Dict, List, Tuple, Type

from apart import KEYSPACE
from traffic import PATIENCE, Caller

import pycassa
from pycassa import errors
from pycassa.cassandra.ttypes import AuthenticationException, InvalidRequestException
from pycassa.connection import Connection, make_ssl_context
from pycassa.errors import CallTimeout, ConnectionClosed, ConnectionFailed, ProtocolError
from pycassa.pool import ConnectionPool

WARM_UP = 2_000
POINTS = 10


def memory() -> int:
    """Bytes that this process has to itself, when all that can be has been given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open('/proc/self/smaps_rollup') as file:
        fields = dict(line.split(':', 1) for line in file if line.startswith('Private'))
    return sum(int(text.split()[0]) for text in fields.values()) * 1024


def descriptors() -> int:
    return len(os.listdir('/proc/self/fd'))


def kinds_of_objects() -> Dict[str, int]:
    counts: Dict[str, int] = {}
    for each in gc.get_objects():
        name = type(each).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts


def grown(before: Dict[str, int]) -> List[Tuple[int, str]]:
    """The kinds of objects that there are more of now, those that grew most first."""
    return sorted(((count - before.get(name, 0), name) for name, count in kinds_of_objects().items()
                   if count > before.get(name, 0) + 50), reverse=True)[:10]


# --- operations ----------------------------------------------------------------------------------------------------

class Mix:
    """Operations of every kind and outcome: answers, errors, time-outs, batches, connections that are replaced."""

    def __init__(self, address: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pool = ConnectionPool(KEYSPACE, [address], timeout=PATIENCE, pool_size=3, recycle=500, max_retries=1,
                                   retry_backoff=(0, 0), host_backoff=(0, 0))
        self.hasty = ConnectionPool(KEYSPACE, [address], timeout=0.01, connect_timeout=PATIENCE, pool_size=1,
                                    max_retries=0, prefill=False, host_backoff=(0, 0))
        self.client = pycassa.connect(KEYSPACE, [address], timeout=PATIENCE)
        self.callers = [Caller(self.pool, 'grown', self.chance), Caller(self.pool, 'larger', self.chance)]
        self.rows = pycassa.ColumnFamily(self.client, 'Rows')
        self.outcomes: Dict[str, int] = {}
        self.kept: List[bytes] = []

    def step(self, number: int) -> None:
        if number % 500 == 0:
            self.expect(errors.PycassaError, lambda: self.hasty.execute('describe_snitch'))
        elif number % 211 == 0:
            self.pool.dispose()
            self.client.close()
        elif number % 53 == 0:
            self.expect(errors.PackingError, lambda: self.rows.insert('k0', {'id': 5.0}))
        elif number % 2:
            self.expect(errors.PycassaError, lambda: self.rows.get('k1', columns=['id']))
        else:
            self.callers[number // 2 % 2].step()

    def expect(self, error: Type[BaseException], function: Callable[[], Any]) -> None:
        try:
            function()
        except error as raised:
            name = type(raised).__name__
            self.outcomes[name] = self.outcomes.get(name, 0) + 1


def operations(address: str, number: int, seed: int, leak: int = 0) -> Dict[str, Any]:
    """What `number` operations do to memory and descriptors; with a `leak`, of so many bytes an operation."""
    mix = Mix(address, seed)
    for step in range(WARM_UP):
        mix.step(step)
    objects, points, files = kinds_of_objects(), [memory()], [descriptors()]
    for point in range(POINTS):
        for step in range(number * point // POINTS, number * (point + 1) // POINTS):
            mix.step(step)
            if leak:
                mix.kept.append(bytes(leak))
        points.append(memory())
        files.append(descriptors())
    for caller in mix.callers:
        for name, count in caller.errors.items():
            mix.outcomes[name] = mix.outcomes.get(name, 0) + count
    return {'points': points, 'descriptors': files, 'outcomes': mix.outcomes, 'objects': grown(objects),
            'wrong': [wrong for caller in mix.callers for wrong in caller.wrong][:5]}


# --- connections ---------------------------------------------------------------------------------------------------

class Reconnecting:
    """Ways in which connections are opened, and fail to be: each method makes one and lets it go."""

    #: What each ends in; the others in nothing.
    ENDS: Dict[str, Type[BaseException]] = {
        'refused': ConnectionFailed, 'no_login': AuthenticationException, 'no_keyspace': InvalidRequestException,
        'untrusted': ConnectionFailed, 'no_tls': ConnectionFailed, 'garbage': ProtocolError, 'stalled': CallTimeout,
        'cut': ConnectionClosed, 'pool_without_login': AuthenticationException,
        'pool_refused': errors.AllServersUnavailable, 'client_refused': errors.NoServerAvailable}

    def __init__(self, address: str, refused: str, guarded: str, tls: str, broken: Dict[str, str]) -> None:
        self.address, self.refused_address, self.guarded, self.tls, self.broken = address, refused, guarded, tls, broken
        self.pool = ConnectionPool(KEYSPACE, [address], timeout=PATIENCE, pool_size=1)
        self.client = pycassa.connect(KEYSPACE, [address], timeout=PATIENCE)
        self.trusting = ssl.create_default_context()
        self.careless = make_ssl_context(validate=False)

    def connection(self) -> None:
        with Connection(KEYSPACE, self.address, timeout=PATIENCE) as connection:
            connection.describe_version()

    def of_pool(self) -> None:
        self.pool.dispose()
        self.pool.execute('describe_version')

    def of_client(self) -> None:
        self.client.close()
        self.client.describe_version()

    def dropped(self) -> None:
        """Nobody closes it, and nobody has it any more: that is for the collector."""
        Connection(KEYSPACE, self.address, timeout=PATIENCE).describe_version()
        gc.collect(1)

    def encrypted(self) -> None:
        Connection(KEYSPACE, self.tls, timeout=PATIENCE, ssl_context=self.careless).close()

    def refused(self) -> None:
        Connection(KEYSPACE, self.refused_address, timeout=PATIENCE)

    def pool_refused(self) -> None:
        ConnectionPool(KEYSPACE, [self.refused_address], timeout=PATIENCE, retry_backoff=(0, 0), host_backoff=(0, 0))

    def client_refused(self) -> None:
        pycassa.connect(KEYSPACE, [self.refused_address], timeout=PATIENCE).describe_version()

    def no_login(self) -> None:
        Connection(KEYSPACE, self.guarded, timeout=PATIENCE, credentials={'username': 'jsmith', 'password': 'no'})

    def pool_without_login(self) -> None:
        ConnectionPool(KEYSPACE, [self.guarded], timeout=PATIENCE, credentials={'username': 'j', 'password': 'no'})

    def no_keyspace(self) -> None:
        Connection('Missing', self.address, timeout=PATIENCE)

    def untrusted(self) -> None:
        Connection(KEYSPACE, self.tls, timeout=PATIENCE, ssl_context=self.trusting)

    def no_tls(self) -> None:
        Connection(KEYSPACE, self.address, timeout=PATIENCE, ssl_context=self.careless)

    def garbage(self) -> None:
        Connection(KEYSPACE, self.broken['garbage'], timeout=PATIENCE)

    def cut(self) -> None:
        Connection(KEYSPACE, self.broken['cut'], timeout=PATIENCE)

    def stalled(self) -> None:
        Connection(KEYSPACE, self.broken['stall'], timeout=0.01, connect_timeout=PATIENCE)


WAYS = [name for name, value in vars(Reconnecting).items() if not name.startswith('_') and callable(value)]


def reconnects(number: int, hold: bool = False, **addresses: Any) -> Dict[str, Any]:
    """What `number` connections, a like number by each way, leave open; `hold` keeps those of one way."""
    ways, wrong, held = Reconnecting(**addresses), [], []
    counts = [number * (place + 1) // len(WAYS) - number * place // len(WAYS) for place in range(len(WAYS))]
    for name in WAYS:
        _attempt(ways, name, wrong)
    before, first, files = descriptors(), memory(), {}
    for name, count in zip(WAYS, counts):
        for _ in range(count):
            _attempt(ways, name, wrong)
            if hold and name == 'connection':
                held.append(Connection(None, ways.address))
        # Nothing is collected first: descriptors are closed when a connection ends.
        files[name] = descriptors() - before
    return {'descriptors': files, 'wrong': wrong[:5], 'number': sum(counts), 'grown': memory() - first}


def _attempt(ways: Reconnecting, name: str, wrong: List[Any]) -> None:
    expected = ways.ENDS.get(name)
    try:
        getattr(ways, name)()
    except Exception as error:  # noqa: BLE001 (told)
        if expected is None or type(error) is not expected:
            wrong.append([name, repr(error)])
    else:
        if expected is not None:
            wrong.append([name, 'nothing was raised'])


def main(scenario: str, arguments: str) -> None:
    started = time.monotonic()
    facts = globals()[scenario](**json.loads(arguments))
    print(json.dumps({**facts, 'implementation': pycassa.implementation(), 'seconds': time.monotonic() - started}))


if __name__ == '__main__':
    main(*sys.argv[1:])
