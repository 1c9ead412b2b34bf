"""Each cluster has a block of addresses of its own."""
import random
import socket

import pytest

from . import addresses
from .addresses import choose, take
from .errors import Unavailable


@pytest.fixture
def block():
    found = choose(3)
    yield found
    found.release()


def test_two_clusters_never_get_the_same(block):
    assert take(block.prefix, 3) is None
    block.release()
    again = take(block.prefix, 3)
    assert again.host(2) == f'{block.prefix}.2'
    again.release()


@pytest.mark.parametrize('port', addresses.PORTS.values())
def test_a_block_in_which_something_listens_is_left_alone(block, port):
    prefix = block.prefix
    block.release()
    with socket.create_server((f'{prefix}.3', port)):
        assert take(prefix, 3) is None
        smaller = take(prefix, 2)
        assert smaller is not None
        smaller.release()


def test_connections_that_have_ended_are_no_hindrance(block):
    """Where a server has closed connections, the system remembers them for a minute."""
    prefix = block.prefix
    block.release()
    with socket.create_server((f'{prefix}.1', 9160)) as listening:
        client = socket.create_connection((f'{prefix}.1', 9160))
        listening.accept()[0].close()
        client.close()
    again = take(prefix, 1)
    assert again is not None
    again.release()


def test_nobody_can_connect_to_the_mark(block):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((block.host(addresses.MARK), addresses.PORTS['storage']), 5)


def test_chosen_by_chance_until_one_is_free():
    first = choose(1, random.Random(7))
    second = choose(1, random.Random(7))
    assert first.prefix != second.prefix and first.prefix.startswith('127.')
    first.release()
    second.release()


def test_none_is_free(monkeypatch):
    monkeypatch.setattr(addresses, 'take', lambda prefix, nodes: None)
    with pytest.raises(Unavailable, match='all of 200 blocks'):
        choose(1)


def test_no_addresses_of_this_machine():
    with pytest.raises(Unavailable, match='no addresses of this machine'):
        take('192.0.2', 1)
