"""The embedded server's engine: Cassandra's Thrift semantics in memory, for many sessions at once."""
from pycassa.embedded.node import Node
from pycassa.embedded.session import Session

__all__ = ['Engine', 'Session']


class Engine(Node):
    """One node in memory. Safe across threads: each call runs under the engine's lock.

    partitioner: short or full class name. profile: '1.2', '2.0', '2.1', '2.2', '3.0' or '3.11'. clock: seconds since
    the epoch, for TTLs. host and port: where clients find the node. credentials: passwords by user; None lets everyone
    in (AllowAllAuthenticator). Raises ValueError for an unknown partitioner or profile.
    """

    def session(self) -> Session:
        """The state of a new connection: no keyspace, nobody logged in."""
        return Session(self)
