"""Addresses for a cluster: a block 127.A.B.0/24 of the loopback that nobody else on the machine uses."""
import errno
import random
import socket
from typing import List, Optional

from .errors import Unavailable

PORTS = {'thrift': 9160, 'native': 9042, 'storage': 7000, 'storage by TLS': 7001}
ATTEMPTS = 200
# Bound as long as a cluster has its block, and never listened on: what tells other harnesses that it is taken.
MARK = 254


class Block:
    """A block of addresses that is this process's own until `release`."""

    def __init__(self, prefix: str, mark: socket.socket) -> None:
        self.prefix = prefix
        self.mark = mark

    def host(self, number: int) -> str:
        """The address of a node, which are counted from 1."""
        return f'{self.prefix}.{number}'

    def release(self) -> None:
        self.mark.close()


def _bind(host: str, port: int, heedless: bool = False) -> socket.socket:
    """A socket that is bound; a heedless one, too, where connections of a server that has ended are remembered."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, heedless)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def take(prefix: str, nodes: int) -> Optional[Block]:
    """The block with this prefix, such as '127.173.20'; None if somebody uses it."""
    try:
        mark = _bind(f'{prefix}.{MARK}', PORTS['storage'])
        block = Block(prefix, mark)
        try:
            for number in range(1, nodes + 1):
                for port in PORTS.values():
                    _bind(block.host(number), port, heedless=True).close()
        except OSError:
            mark.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Unavailable(f'{prefix}.* are no addresses of this machine: Linux has all of 127.0.0.0/8') from error
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return block


def choose(nodes: int, chance: Optional[random.Random] = None) -> Block:
    """A block that nobody uses, chosen by chance."""
    chance = chance or random.SystemRandom()
    tried: List[str] = []
    for _ in range(ATTEMPTS):
        prefix = f'127.{chance.randrange(100, 250)}.{chance.randrange(1, 255)}'
        block = take(prefix, nodes)
        if block is not None:
            return block
        tried.append(prefix)
    raise Unavailable(f'all of {len(tried)} blocks of the loopback were in use, the last was {tried[-1]}')
