"""What a seed draws: the kind of pool and its settings, the hosts and what becomes of them, the threads."""
import random
from typing import Any, Dict, List, NamedTuple, Tuple

from pycassa.legacy_pools import AssertionPool, NullPool, QueuePool, SingletonThreadPool, StaticPool
from pycassa.pool import ConnectionPool

from .network import MODES

__all__ = ['Plan']

_KINDS = [ConnectionPool] * 12 + [QueuePool, QueuePool, NullPool, AssertionPool, SingletonThreadPool, StaticPool]

# What the pools of 0.5 decide themselves.
_FIXED: Dict[Any, Tuple[str, ...]] = {
    NullPool: ('pool_size', 'max_overflow', 'prefill'),
    AssertionPool: ('pool_size', 'max_overflow', 'prefill', 'pool_timeout', 'use_threadlocal'),
    SingletonThreadPool: ('max_overflow', 'prefill', 'pool_timeout', 'use_threadlocal'),
    StaticPool: ('pool_size', 'max_overflow', 'prefill', 'max_retries', 'use_threadlocal'),
}


class Plan(NamedTuple):
    """One run. `outages` are (seconds from the start, host, mode); all hosts are up `heals` seconds after it."""

    kind: type
    settings: Dict[str, Any]
    hosts: List[str]
    outages: List[Tuple[float, str, str]]
    heals: float
    threads: int
    actions: int
    exchanges: bool
    short_way: bool
    interrupts: float
    everywhere: bool
    lines: bool
    bad_listener: bool
    administrator: bool

    @classmethod
    def draw(cls, seed: Any) -> 'Plan':
        """The plan of a seed."""
        chance = random.Random(f'{seed}/plan')
        kind = chance.choice(_KINDS)
        hosts = list('abcd'[:chance.choice((1, 2, 3, 3, 4))])
        settings = {name: value for name, value in _settings(chance).items() if name not in _FIXED.get(kind, ())}
        heals = chance.choice((1.0, 4.0, 12.0))
        threads = chance.choice((1, 2, 3, 4, 6))
        everywhere = chance.random() < 0.15
        return cls(kind, settings, hosts, _outages(chance, hosts, heals), heals, threads,
                   max(4, chance.choice((24, 48)) // threads),
                   exchanges=chance.random() < 0.7, short_way=chance.random() < 0.4,
                   interrupts=0.3 if everywhere else chance.choice((0.0, 0.0, 0.2)), everywhere=everywhere,
                   lines=everywhere or chance.random() < 0.1, bad_listener=chance.random() < 0.15,
                   administrator=chance.random() < 0.5)


def _settings(chance: random.Random) -> Dict[str, Any]:
    pick = chance.choice
    return {
        'pool_size': pick((1, 2, 3, 5)), 'max_overflow': pick((0, 0, 1, 3, -1)),
        'pool_timeout': pick((0, 0.05, 0.5, 3.0, -1, None)), 'timeout': pick((0.1, 0.5, 0.5)),
        'connect_timeout': pick((None, None, 0.15)), 'max_retries': pick((0, 1, 5, 5, 5)),
        'retry_backoff': pick(((0.01, 1.0), (0.01, 0.04), (0.2, 0.5))),
        'host_backoff': pick(((0.5, 30.0), (0.1, 1.0), (0.05, 3.0))), 'prefill': chance.random() < 0.5,
        'use_threadlocal': chance.random() < 0.5, 'recycle': pick((10000, 10000, -1, 5, 1)),
        'recycle_seconds': pick((None, None, 0.5, 3.0)), 'idle_probe': pick((1.0, 1.0, 0.05, 0.0)),
        'deadline': pick((None, None, 0.25, 1.0, 3.0)),
    }


def _outages(chance: random.Random, hosts: List[str], heals: float) -> List[Tuple[float, str, str]]:
    rate = chance.choice((0, 1, 2, 4, 8))
    spared = chance.choice([None, *hosts])
    return [(chance.uniform(0.0, heals), host, chance.choice((*MODES, 'refusing', 'up')))
            for host in hosts if host != spared for _ in range(rate)]
