"""What goes wrong with real servers; the messages say what to do."""


class ServersError(Exception):
    """The base of all of them."""


class Unavailable(ServersError):
    """Something that servers need cannot be had: a Java, jars, addresses, certificates."""


class ServerFailed(ServersError):
    """A server does not start or does not answer; the message has the end of its log."""


class BadSpec(ServersError, ValueError):
    """A text names no cluster; the message says what is wrong, and shows the grammar."""
