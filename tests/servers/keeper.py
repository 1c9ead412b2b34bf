"""A server's keeper: the process that starts it, and that ends it when the process it is run for is gone.

    python keeper.py [--for NUMBER] [--remove FOLDER] --process FILE --log FILE -- COMMAND...

However the process with that number ends (kill -9 too), and however the keeper itself does, the server is killed. FILE
tells which process the server is; it is removed when the server has ended.
"""
import argparse
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import List, Optional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from processes import Process

PR_SET_PDEATHSIG = 1
EVERY = 0.2
ORPHANED = 1


def die_with_parent() -> None:
    """The kernel kills this process when the thread that started it ends: the keeper has but one."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def keep(command: List[str], process_file: pathlib.Path, log: pathlib.Path, parent: Optional[int]) -> Optional[int]:
    """Run a command until it ends, and give its status, or until `parent` is no longer this process's: None."""
    with open(log, 'ab') as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                  preexec_fn=die_with_parent)
    try:
        process = Process.of(server.pid)
        if process is not None:
            process.write(process_file)
        while server.poll() is None:
            if parent is not None and os.getppid() != parent:
                return None
            time.sleep(EVERY)
        return server.returncode
    finally:
        server.kill()
        server.wait()
        process_file.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--for', type=int, dest='parent')
    parser.add_argument('--remove', type=pathlib.Path, help='remove this folder, too, if that process is gone')
    parser.add_argument('--process', type=pathlib.Path, required=True)
    parser.add_argument('--log', type=pathlib.Path, required=True)
    parser.add_argument('command', nargs='+')
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    status = keep(options.command, options.process, options.log, options.parent)
    if status is not None:
        return status
    if options.remove:
        shutil.rmtree(options.remove, ignore_errors=True)
    return ORPHANED


if __name__ == '__main__':
    sys.exit(main())
