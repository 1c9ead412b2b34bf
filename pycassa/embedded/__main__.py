"""`python -m pycassa.embedded`: the embedded server as a process."""
import argparse
import gc
import os
import selectors
import signal
import sys
from typing import List, Optional

from pycassa.embedded.loop import Loop
from pycassa.embedded.partitioners import PARTITIONERS
from pycassa.embedded.profiles import DEFAULT_PROFILE, PROFILES
from pycassa.embedded.server import SCHEMAS, EmbeddedServer
from pycassa.errors import ConfigurationError

DESCRIPTION = """\
Cassandra's Thrift interface, served from memory for tests and development. Nothing is stored on disk, nothing is
encrypted, and without --credentials anybody who reaches the port may do anything: it listens on the loopback interface
unless --host names another."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m pycassa.embedded', description=DESCRIPTION)
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (default: %(default)s)')
    parser.add_argument('--port', type=_port, default=9160, help='port; 0 takes a free one (default: %(default)s)')
    parser.add_argument('--partitioner', choices=list(PARTITIONERS), default='Murmur3Partitioner',
                        help='order of the rows (default: %(default)s)')
    parser.add_argument('--profile', choices=list(PROFILES), default=DEFAULT_PROFILE,
                        help='Cassandra version to behave like (default: %(default)s)')
    parser.add_argument('--schema', choices=SCHEMAS, default='demo',
                        help="'demo' has the keyspace and column families of the documents' examples "
                             '(default: %(default)s)')
    parser.add_argument('--unframed', action='store_true',
                        help='accept unframed connections too (no real server since 0.8 does)')
    parser.add_argument('--credentials', metavar='FILE', help='require a login: lines of user:password')
    parser.add_argument('--stop-at-eof', action='store_true',
                        help='stop when standard input ends, as it does when the process that started this one is gone')
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f'{text!r} is no port; these are 0 to 65535')
    return int(text)


def _watch_stdin(loop: Loop) -> None:
    def read(events: int) -> None:
        if not os.read(0, 4096):
            loop.stop()
    try:
        loop.watch(0, selectors.EVENT_READ, read)
    except PermissionError:
        loop.stop()   # a file, which no more is going to come from


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 where it cannot listen, 2 for wrong settings."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        server = EmbeddedServer(options.host, options.port, options.partitioner, options.profile, options.schema,
                                options.unframed, options.credentials)
    except (ConfigurationError, OSError) as error:
        parser.error(str(error))

    def announce(address: str) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: server.request_stop())
        print(f'listening on {address}', flush=True)

    # A row is made of small objects without cycles; collecting at the usual pace would walk all data again and again.
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        server.serve_forever(announce, _watch_stdin if options.stop_at_eof else lambda loop: None)
    except OSError as error:
        print(f'cannot listen on {server.address}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
