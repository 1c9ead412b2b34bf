"""Pools over sockets of users' own: nobody touches one but the thread that has its connection."""
import threading

from thrift.transport.TSocket import TSocket

from pycassa.pool import ConnectionPool


class OwnedSocket(TSocket):
    """Notes who asks it anything while a thread has it."""

    owner = None
    strangers = []

    def isOpen(self):
        if self.owner not in (None, threading.current_thread()):
            self.strangers.append(threading.current_thread().name)
        return TSocket.isOpen(self)


def test_opening_another_connection_leaves_those_in_use_alone(server, keyspace):
    sockets = []

    def make(host, port):
        sockets.append(OwnedSocket(host, port))
        return sockets[-1]

    pool = ConnectionPool(keyspace, [server.address], pool_size=2, prefill=False, socket_factory=make, timeout=10)
    first = pool.get()
    sockets[0].owner = threading.main_thread()
    opener = threading.Thread(target=lambda: pool.get().return_to_pool(), name='opener')
    opener.start()
    opener.join()
    assert len(sockets) == 2
    assert OwnedSocket.strangers == []
    assert first.seems_open and first.is_open
    sockets[0].close()
    assert first.seems_open and not first.is_open
    sockets[0].owner = None
    pool.close()
