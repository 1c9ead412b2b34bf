"""The C sink as a process, and the processor cores that a client and a server are kept to."""
import contextlib
import os
import pathlib
import subprocess
import tempfile
from typing import Iterator, Mapping, Optional, Tuple

from benchmarks.native import build_program

__all__ = ['Sink', 'cores', 'pinned', 'sink']


class Sink:
    """A running sink: its port and process id."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid


def cores() -> Tuple[Optional[int], Optional[int]]:
    """(client's core, server's core); Nones where there are not two, or where the system does not pin."""
    if not hasattr(os, 'sched_getaffinity'):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@contextlib.contextmanager
def pinned(core: Optional[int]) -> Iterator[None]:
    """This thread, and the processes that it starts, run on `core` only while the block runs."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def sink(bodies: Mapping[str, bytes], core: Optional[int] = None) -> Iterator[Sink]:
    """A sink that answers each method with its body. Raises Unavailable where there is no compiler."""
    program = build_program('sink')
    with tempfile.TemporaryDirectory(prefix='pycassa-sink-') as folder:
        for method, body in bodies.items():
            pathlib.Path(folder, method).write_bytes(body)
        with pinned(core):
            process = subprocess.Popen([str(program), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Sink(int(process.stdout.readline()), process.pid)
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()
