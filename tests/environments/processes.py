"""Scenarios of several processes that got their pool from the one that started them; green.py runs them."""
import json
import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pycassa


def app_module(address, keyspace):
    os.environ.update(APP_ADDRESS=address, APP_KEYSPACE=keyspace)
    import app
    return app


# --- multiprocessing --------------------------------------------------------------------------------------------

def workers_of_multiprocessing(world, address, keyspace, method, executor):
    """What the tasks of a process pool say, and the master's pool afterwards."""
    app = app_module(address, keyspace)
    app.task(-1)
    before = app.pool.counts()
    context = multiprocessing.get_context(method)
    if executor:
        with ProcessPoolExecutor(3, mp_context=context) as workers:
            answers = list(workers.map(app.task, range(12)))
    else:
        with context.Pool(3, maxtasksperchild=2) as workers:
            answers = workers.map(app.task, range(12), chunksize=1)
            workers.close()
            workers.join()
    return {'answers': answers, 'own': app.task(-2), 'before': before, 'after': app.pool.counts(), 'pid': os.getpid()}


def grandchildren(world, address, keyspace):
    """A fork of a fork of a fork, from a thread that is not the main one, each of which calls before and after."""
    app = app_module(address, keyspace)
    answers = []

    def generation(number):
        answers = [app.task(number)]
        if number < 3:
            answers += in_child(lambda: generation(number + 1))
        return [*answers, app.task(number)]

    thread = threading.Thread(target=lambda: answers.extend(generation(0)))
    thread.start()
    thread.join()
    return {'answers': answers, 'counts': app.pool.counts()}


def in_child(function):
    """What function() returns in a forked child."""
    # A file, not a pipe: gevent's os.close takes effect later, and a pipe would not end.
    with tempfile.TemporaryFile('w+') as file:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                json.dump(function(), file)
                file.flush()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        file.seek(0)
        return json.load(file)


# --- prefork ----------------------------------------------------------------------------------------------------

class Master:
    """Keeps `size` workers, each of which makes so many tasks and is then replaced, as celery's prefork pool does."""

    def __init__(self, app, world, size, tasks_per_child):
        self.app = app
        self.world = world
        self.tasks_per_child = tasks_per_child
        self.statuses = []
        self.file = tempfile.TemporaryFile('ab+')
        self.workers = set()
        for _ in range(size):
            self.start()

    def start(self):
        child = os.fork()
        if child:
            self.workers.add(child)
            return
        status = 1
        try:
            self.work()
            status = 0
        finally:
            os._exit(status)

    def work(self):
        """Two tasks at a time, until this worker is worn."""
        for number in range(0, self.tasks_per_child, 2):
            for answer in self.world.all(self.app.task, [number, number + 1]):
                os.write(self.file.fileno(), (json.dumps(answer) + '\n').encode())
        counts = self.app.pool.counts()
        assert counts.checked_out == counts.opening == counts.waiting == 0 and counts.total <= 2, counts

    def reap(self):
        """Wait for a worker that ends, while this process calls, too."""
        while True:
            self.app.task(-1)
            for worker in list(self.workers):
                child, status = os.waitpid(worker, os.WNOHANG)
                if child:
                    self.workers.discard(child)
                    self.statuses.append(status)
                    return

    def answers(self):
        with self.file:
            self.file.seek(0)
            return [json.loads(line) for line in self.file]


def prefork(world, address, keyspace, size, generations, tasks_per_child):
    """What the workers' tasks said, how the workers ended, and the master's pool before and after."""
    app = app_module(address, keyspace)
    app.task(-1)
    before = app.pool.counts()
    master = Master(app, world, size, tasks_per_child)
    for _ in range(size * (generations - 1)):
        master.reap()
        master.start()
    while master.workers:
        master.reap()
    return {'answers': master.answers(), 'statuses': master.statuses, 'before': before, 'after': app.pool.counts(),
            'pid': os.getpid()}


def workers_that_are_ended(world, address, keyspace, number):
    """How workers in mid-call end by a signal, and whether their master's connections go on."""
    app = app_module(address, keyspace)
    app.rows.insert('row', {'key': 'value'})
    statuses = []
    for ended_by in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        children = []
        for _ in range(number):
            child = os.fork()
            if child == 0:
                try:
                    # As daemons do: the exit goes through the call that is under way.
                    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                    app.rows.get(f'pid={os.getpid()}. wait=ever')
                except SystemExit:
                    counts = app.pool.counts()
                    os._exit(3 if counts.checked_out == 0 else 4)
                except KeyboardInterrupt:
                    os._exit(5)
                finally:
                    os._exit(1)
            children.append(child)
        time.sleep(0.3)
        for child in children:
            os.kill(child, ended_by)
        statuses.append(sorted({os.waitpid(child, 0)[1] for child in children}))
        assert app.rows.get('row') == {'key': 'value'}
    return {'statuses': statuses, 'counts': app.pool.counts()}


# --- descriptors ------------------------------------------------------------------------------------------------

def sockets_here():
    """The descriptors of this process that are internet sockets."""
    found = []
    for descriptor in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as handle:
                    if handle.family in (socket.AF_INET, socket.AF_INET6):
                        found.append(descriptor)
        except OSError:
            pass
    return found


IN_ANOTHER_PROGRAM = f'import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); ' \
                     'from processes import sockets_here; print(len(sockets_here()))'


def programs_started(world, address, keyspace):
    """How many sockets this process has, and how many of them the programs that it starts get; one is left running."""
    app = app_module(address, keyspace)
    connection = pycassa.Connection(keyspace, address, timeout=30)
    sockets = connection, app.pool.get(), app.legacy.get_range and app.legacy.pool.describe_version()
    command = [sys.executable, '-c', IN_ANOTHER_PROGRAM]
    started = [int(subprocess.run(command, close_fds=close_fds, stdout=subprocess.PIPE, check=True).stdout)
               for close_fds in (True, False)]
    with tempfile.TemporaryFile('w+') as file:
        child = os.fork()
        if child == 0:
            os.dup2(file.fileno(), 1)
            os.execv(sys.executable, command)
        os.waitpid(child, 0)
        file.seek(0)
        started.append(int(file.read()))
    here = len(sockets_here())
    quiet = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)
    left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], close_fds=False, **quiet)
    assert len(sockets) == 3
    return {'here': here, 'started': started, 'left running': left.pid}


def descriptors_given_back(world, address, keyspace):
    """How many sockets are left when everything is closed, in this process and in a forked child that closes it."""
    app = app_module(address, keyspace)
    app.task(0)
    connection = pycassa.Connection(keyspace, address, timeout=30)

    def close():
        app.pool.close()
        app.legacy.pool.close()
        connection.close()
        return len(sockets_here())

    opened = len(sockets_here())
    child = in_child(close)
    assert connection.describe_version() and app.rows.get_count('nothing') == 0
    return {'opened': opened, 'child': child, 'closed': close()}


# --- forks by another thread ------------------------------------------------------------------------------------

THREAD_LOCAL = {
    'connect_thread_local': lambda keyspace, address: pycassa.connect_thread_local(keyspace, [address], timeout=30),
    'SingletonThreadPool': lambda keyspace, address: pycassa.SingletonThreadPool(
        keyspace=keyspace, server_list=[address], timeout=30),
    'ConnectionPool': lambda keyspace, address: pycassa.ConnectionPool(keyspace, [address], timeout=30),
}


def forks_by_another_thread(world, address, keyspace, client):
    """A thread with a connection of its own calls before and after another thread forks."""
    made = THREAD_LOCAL[client](keyspace, address)
    rows = pycassa.ColumnFamily(made, 'Rows')
    held = made.get() if client == 'ConnectionPool' else None
    rows.insert('row', {'by': f'pid={os.getpid()}. before'})
    answers = []
    thread = threading.Thread(target=lambda: answers.append(in_child(
        lambda: rows.insert('row', {'by': f'pid={os.getpid()}. child'}) and rows.get_count('row'))))
    thread.start()
    thread.join()
    rows.insert('row', {'by': f'pid={os.getpid()}. after'})
    return {'child': answers, 'alive': held is None or held.probe(), 'pid': os.getpid()}
