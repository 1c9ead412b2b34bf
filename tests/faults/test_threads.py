"""64 threads on pools with fewer connections: counts exact at every stop, and no answer to the wrong thread."""
import ctypes
import faulthandler
import gc
import itertools
import random
import sys
import threading
import time
from typing import Any, List

import pytest
from apart import KEYSPACE, RemoteServer
from traffic import PATIENCE, Caller, prepare

from pycassa.logging.pycassa_logger import PycassaLogger
from pycassa.pool import ConnectionPool

THREADS = 64
OPERATIONS = 10_000
STOPS = 5
# Threads that are interrupted in mid-call, of either pool.
INTERRUPTED = frozenset([0, 1])

STORM = [['cut', {}], ['cut', {'after': 7}], ['reset', {'after': 3}], ['wrong_seqid', {}], ['wrong_name', {}],
         ['garbage', {}], ['unavailable', {}], ['timed_out', {}], ['timed_out', {'applied': True}],
         ['cut', {'applied': False}]]


class Interrupted(BaseException):
    """What is raised in a thread from outside, at any instruction of its own."""


class Worker:
    """One thread's operations, and what it takes to interrupt them."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.interrupts = 0
        self.thread: Any = None
        self._inside = False
        self._lock = threading.Lock()

    def step(self) -> None:
        """An operation during which at most one interrupt strikes, and none after it."""
        try:
            self._inside = True
            self.caller.step()
            self._inside = False
            with self._lock:
                pass
            for _ in range(50):
                pass    # What was raised just before strikes here.
        except Interrupted as error:
            self._inside = False
            self.caller.failed(error)
            # What was checked out by hand, and did not come as far as to be returned: with use_threadlocal it is held.
            self.caller.pool.put(None)

    def interrupt(self) -> None:
        with self._lock:
            if self._inside:
                self._inside = False
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident),
                                                           ctypes.py_object(Interrupted))
                self.interrupts += 1


class Crowd:
    """Threads that work from stop to stop; `between` is called at each, when all of them stand."""

    def __init__(self, workers: List[Worker], between: Any) -> None:
        self.workers = workers
        self.between = between
        self.failures: List[BaseException] = []
        self.done = threading.Event()
        self.barrier = threading.Barrier(len(workers), self._stop)

    def _stop(self) -> None:
        self.between()

    def run(self, operations: int) -> None:
        threads = [threading.Thread(target=self._work, args=(worker, operations), daemon=True)
                   for worker in self.workers]
        for worker, thread in zip(self.workers, threads):
            worker.thread = thread
            thread.start()
        interrupting = threading.Thread(target=self._interrupt, daemon=True)
        interrupting.start()
        for thread in threads:
            thread.join()
        self.done.set()
        interrupting.join()
        if self.failures:
            raise self.failures[0]

    def _work(self, worker: Worker, operations: int) -> None:
        step = worker.step if worker in self.workers[:len(INTERRUPTED)] else worker.caller.step
        try:
            for stop in range(STOPS):
                for _ in range(operations * stop // STOPS, operations * (stop + 1) // STOPS):
                    step()
                self.barrier.wait(10 * PATIENCE)
        except BaseException as error:  # noqa: BLE001 (raised again in the test's thread)
            self.failures.append(error)
            self.barrier.abort()

    def _interrupt(self) -> None:
        chance = random.Random(1)
        while not self.done.wait(chance.uniform(0, 0.01)):
            for worker in self.workers[:len(INTERRUPTED)]:
                worker.interrupt()


@pytest.fixture
def apart():
    with RemoteServer() as running:
        prepare(running.address)
        yield running


@pytest.fixture
def unlogged():
    """Nothing is logged: the records that a test run collects keep the connections that they are about."""
    logger = PycassaLogger()
    before = logger.get_logger_level()
    logger.set_logger_level('critical')
    yield
    logger.set_logger_level(before)


@pytest.fixture
def hangs_show_their_stacks():
    faulthandler.dump_traceback_later(12 * PATIENCE, exit=False, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


def exact(pools: List[ConnectionPool], apart: RemoteServer) -> None:
    """Nothing is checked out, and the pools' numbers are those of the sockets that the server sees."""
    # Without it, an interrupt right after `get` drops it, and dropped connections are noticed when they are collected.
    gc.collect()
    for pool in pools:
        counts = pool.counts()
        assert (counts.checked_out, counts.opening, counts.waiting) == (0, 0, 0), counts
        assert counts.idle == counts.total <= pool.size()
        assert sum(pool._store.load().values()) == counts.total
    total = sum(pool.counts().total for pool in pools)
    give_up = time.monotonic() + PATIENCE
    while apart.connections != total:
        assert time.monotonic() < give_up, f'{apart.connections} sockets, {total} connections'
        time.sleep(0.01)


def test_64_threads(apart, proof, unlogged, hangs_show_their_stacks):
    chance = proof.random()
    common = {'timeout': PATIENCE, 'recycle': 500, 'pool_timeout': PATIENCE, 'retry_backoff': (0.001, 0.01),
              'host_backoff': (0.001, 0.01), 'server_list': [apart.address]}
    pools = [ConnectionPool(KEYSPACE, pool_size=8, use_threadlocal=True, max_retries=2, **common),
             ConnectionPool(KEYSPACE, pool_size=4, max_overflow=4, use_threadlocal=False, max_retries=0, **common)]
    workers = [Worker(Caller(pool, f'thread {number}', random.Random(chance.getrandbits(32))))
               for number, pool in zip(range(THREADS), itertools.cycle(pools))]
    stops = []

    def between():
        exact(pools, apart)
        stops.append(apart.struck)

    apart.storm(proof.seed, 0.005, STORM)
    operations = proof.count(OPERATIONS)
    Crowd(workers, between).run(operations)
    apart.storm(0, 0, [])
    callers = [worker.caller for worker in workers]
    for caller in callers:
        caller.read_back()
    calls = sum(caller.calls for caller in callers)
    errors = sum(sum(caller.errors.values()) for caller in callers)
    interrupts = sum(worker.interrupts for worker in workers)
    assert [wrong for caller in callers for wrong in caller.wrong] == []
    assert calls == THREADS * operations and len(stops) == STOPS
    assert stops[-1] > 0 and interrupts > 0
    # Errors there are; what passes is checked, and nearly everything does.
    assert sum(caller.answered for caller in callers) + errors == calls
    assert errors <= calls // 50 + interrupts
    exact(pools, apart)
    for pool in pools:
        pool.close()
        assert pool.counts() == (0, 0, 0, 0, 0)
    proof.saw('threads', threads=THREADS, operations=calls, faults=stops[-1], interrupts=interrupts, errors=errors,
              foreign=0, stops=STOPS)
