"""Reading from sockets, for servers and clients that tests make of nothing else."""
import socket

__all__ = ['exactly']


def exactly(peer: socket.socket, count: int) -> bytes:
    """The next `count` bytes. Raises EOFError, with those that came, where the stream ends before."""
    data = b''
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise EOFError(data)
        data += part
    return data
