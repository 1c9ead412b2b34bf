"""Servers on loopback for the tests of pools and old clients."""
from ..pool.conftest import raw_server, raw_servers

__all__ = ['raw_server', 'raw_servers']
