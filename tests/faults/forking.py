"""Run by test_forks in a process of its own: forks while threads call, children that do all that children do.

    python forking.py ADDRESS NUMBER        prints its facts as JSON, and ends when its standard input does

Every request carries the number of the process that made it.
"""
import contextlib
import faulthandler
import gc
import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import traceback
from typing import Any, Callable, List

from apart import KEYSPACE
from traffic import PATIENCE

import pycassa
from pycassa.cassandra.ttypes import ColumnParent, SlicePredicate

THREADS = 6
# What hangs in a child tells its stack after so long, and is ended.
CHILD_PATIENCE = 30

_PARENT, _NAMES = ColumnParent('Rows'), SlicePredicate(column_names=[b'by'])


class Parent:
    """Everything that a program may have open when it forks."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pid = os.getpid()
        self.pool = pycassa.ConnectionPool(KEYSPACE, [address], timeout=PATIENCE, pool_size=4, max_overflow=2,
                                           recycle=-1, max_retries=0)
        self.client = pycassa.connect_thread_local(KEYSPACE, [address], timeout=PATIENCE)
        self.shared = pycassa.connect(KEYSPACE, [address], timeout=PATIENCE)
        self.plain = pycassa.Connection(KEYSPACE, address, timeout=PATIENCE)
        self.families = {executor: pycassa.ColumnFamily(executor, 'Rows')
                         for executor in (self.pool, self.client, self.shared, self.plain)}
        self.held: List[Any] = []
        self.in_main = True
        self.over, self.may_end = threading.Event(), threading.Event()
        self.wrong: List[str] = []
        self.calls = 0

    def exchange(self, executor: Any, who: str) -> None:
        """Write and read a row that says whose it is."""
        row, mark = f'pid={os.getpid()}. {who}', f'pid={os.getpid()}. {random.getrandbits(40)}'
        rows = self.families[executor]
        rows.insert(row, {'by': mark})
        found = rows.get(row)
        if found != {'by': mark}:
            raise AssertionError(f'{row} has {found}, not {mark}')
        self.calls += 2

    # --- traffic ---------------------------------------------------------------------------------------------

    def call(self, number: int) -> None:
        """The pool, or the client of this thread, again and again."""
        executor = (self.pool, self.client, self.shared)[number % 3]
        while not self.over.is_set():
            self.exchange(executor, f'lasting {number}')
            time.sleep(0.001)
        # With a thread goes the connection that is its own.
        self.may_end.wait()

    def churn(self, number: int) -> None:
        """Connections that are opened and closed while others fork: a child that touches one makes a call fail."""
        while not self.over.is_set():
            with pycassa.Connection(KEYSPACE, self.address, timeout=PATIENCE) as connection:
                row = f'pid={os.getpid()}. churning {number}'
                for _ in range(3):
                    if connection.get_count(row.encode(), _PARENT, _NAMES, 1) != 0:
                        raise AssertionError('a row of nobody')

    def start(self) -> List[threading.Thread]:
        threads = [threading.Thread(target=self._guarded, args=(self.call if number < THREADS else self.churn, number),
                                    daemon=True)
                   for number in range(THREADS + 2)]
        for thread in threads:
            thread.start()
        return threads

    def _guarded(self, function: Callable[[int], None], number: int) -> None:
        try:
            function(number)
        except BaseException:  # noqa: BLE001 (told)
            self.wrong.append(traceback.format_exc())

    # --- what children do ------------------------------------------------------------------------------------

    def exits(self) -> None:
        """Nothing at all."""

    def calls_again(self) -> None:
        """Over connections of its own, threads included."""
        for number in range(3):
            self.exchange(self.pool, f'child {number}')
        self.exchange(self.client, 'child')
        self.exchange(self.shared, 'child')
        thread = threading.Thread(target=self._guarded, args=(lambda _: self.exchange(self.pool, 'thread'), 0))
        thread.start()
        thread.join(CHILD_PATIENCE)
        if self.wrong or thread.is_alive():
            raise AssertionError(self.wrong)
        counts = self.pool.counts()
        if counts[1:4] != (0, 0, 0) or not 1 <= counts.total <= 2:
            raise AssertionError(counts)

    def closes(self) -> None:
        """All that it got, by every means there are."""
        self.pool.dispose()
        self.pool.close()
        self.client.close()
        self.shared.close()
        self.plain.close()
        for wrapper in self.held:
            wrapper.close()
            wrapper.return_to_pool()
        self.families.clear()
        del self.pool, self.client, self.shared, self.plain, self.held
        gc.collect()

    def goes_on_with_what_was_held(self) -> None:
        """A connection that was checked out before the fork gets one of this process."""
        for wrapper in self.held:
            row = f'pid={os.getpid()}. held'
            if wrapper.get_count(row.encode(), _PARENT, _NAMES, 1) != 0:
                raise AssertionError('a row of nobody')
            wrapper.return_to_pool()
        self.calls_again()

    def is_refused_what_is_no_pool(self) -> None:
        """A plain connection says that it is the parent's."""
        try:
            self.exchange(self.plain, 'plain')
        except pycassa.errors.TransportError as error:
            if 'fork' not in str(error):
                raise
        else:
            raise AssertionError('the connection of the parent was used')
        self.calls_again()

    def forks(self) -> None:
        """A child of its own, before and after calls."""
        self.fork_and_wait(self.calls_again)
        self.calls_again()
        self.fork_and_wait(self.calls_again)

    KINDS = ('exits', 'calls_again', 'closes', 'goes_on_with_what_was_held', 'is_refused_what_is_no_pool', 'forks',
             'ends')

    def ends(self) -> None:
        """As a program does, with finalizers, and all that is left in memory deleted."""
        raise SystemExit(0)

    # --- forking ---------------------------------------------------------------------------------------------

    def child(self, work: Callable[[], None]) -> int:
        """What a child's life comes to: 0 is well."""
        try:
            work()
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 (told)
            traceback.print_exc()
            sys.__stderr__.flush()
            return 1
        return 0

    def fork_and_wait(self, work: Callable[[], None]) -> None:
        """One child, of os.fork, which is reaped."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = self.child(work)
            except SystemExit:
                if threading.current_thread() is threading.main_thread() and self.in_main:
                    # Through the interpreter's own end.
                    raise
                status = 0
            finally:
                if sys.exc_info()[0] is not SystemExit:
                    os._exit(status)
        self.wait(child)

    def wait(self, child: int) -> None:
        give_up = time.monotonic() + CHILD_PATIENCE
        ended, status = os.waitpid(child, os.WNOHANG)
        while not ended:
            if time.monotonic() > give_up:
                end_what_hangs(child)
            time.sleep(0.001)
            ended, status = os.waitpid(child, os.WNOHANG)
        if status:
            raise AssertionError(f'a child ended with {status}')

    def by_main(self, work: Callable[[], None]) -> None:
        self.in_main = True
        self.fork_and_wait(work)

    def by_thread(self, work: Callable[[], None]) -> None:
        self.in_main = False
        failures: List[BaseException] = []

        def run() -> None:
            try:
                with self.holding():
                    self.fork_and_wait(work)
            except AssertionError as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]

    def by_multiprocessing(self, work: Callable[[], None]) -> None:
        def run() -> None:
            # Multiprocessing ends its children by itself.
            sys.exit(self.child(work))

        process = multiprocessing.get_context('fork').Process(target=run)
        process.start()
        process.join(CHILD_PATIENCE)
        if process.exitcode is None:
            end_what_hangs(process.pid)
            process.join()
        if process.exitcode != 0:
            raise AssertionError(f'a child of multiprocessing ended with {process.exitcode}')
        process.close()

    WAYS = ('by_main', 'by_thread', 'by_multiprocessing')

    @contextlib.contextmanager
    def holding(self) -> Any:
        """A connection of the pool checked out by this thread."""
        wrapper = self.pool.get()
        self.held = [wrapper]
        try:
            yield
        finally:
            if os.getpid() == self.pid:
                wrapper.return_to_pool()

    def fork_often(self, number: int) -> 'dict[str, int]':
        done: dict[str, int] = {}
        for turn in range(number):
            way = self.WAYS[turn % len(self.WAYS)]
            kind = self.KINDS[turn // len(self.WAYS) % len(self.KINDS)]
            before = self.calls
            try:
                with contextlib.nullcontext() if way == 'by_thread' else self.holding():
                    getattr(self, way)(getattr(self, kind))
            except AssertionError as error:
                self.wrong.append(f'{way}, {kind}: {error}')
            while self.calls == before and not self.wrong:
                time.sleep(0.001)    # Traffic goes on between two forks.
            done[way] = done.get(way, 0) + 1
        return done


def end_what_hangs(child: int) -> None:
    """Let it tell its stack first."""
    os.kill(child, signal.SIGUSR1)
    time.sleep(0.5)
    os.kill(child, signal.SIGKILL)


def main(address: str, number: str) -> None:
    faulthandler.register(signal.SIGUSR1, file=sys.__stderr__)
    parent = Parent(address)
    parent.exchange(parent.plain, 'lasting')
    threads = parent.start()
    try:
        done = parent.fork_often(int(number))
    finally:
        if os.getpid() == parent.pid:
            parent.over.set()
    for executor in (parent.pool, parent.shared, parent.plain):
        parent.exchange(executor, 'lasting, at the end')
    try:
        reaped = os.waitpid(-1, os.WNOHANG) is None
    except ChildProcessError:
        reaped = True
    print(json.dumps({'pid': parent.pid, 'wrong': parent.wrong, 'done': done, 'calls': parent.calls, 'reaped': reaped,
                      'counts': parent.pool.counts(), 'implementation': pycassa.implementation()}), flush=True)
    sys.stdin.read()
    parent.may_end.set()
    for thread in threads:
        thread.join(PATIENCE)


if __name__ == '__main__':
    main(*sys.argv[1:])
