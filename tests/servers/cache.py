"""Where fetched things are kept, and the locks that keep concurrent starts from fetching into each other's way."""
import contextlib
import os
import pathlib
import sys
from typing import Iterator


def say(text: str) -> None:
    print(f'cassandra: {text}', file=sys.stderr, flush=True)


def folder() -> pathlib.Path:
    """The cache's folder; it is made where it is missing."""
    named = os.environ.get('PYCASSA_CASSANDRA_CACHE')
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    path = pathlib.Path(named) if named else pathlib.Path(base, 'pycassa-cassandra')
    path.mkdir(parents=True, exist_ok=True)
    return path.absolute()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process of the machine at a time is in the block; one that dies lets go."""
    import fcntl
    with open(folder() / f'{name}.lock', 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'waiting for another process that fetches {name}')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
