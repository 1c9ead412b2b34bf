"""Finalizers of users' own that run in a forked child: the parent's connections hear nothing of them."""
import os
import threading

import pytest

from pycassa.connection import Connection

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')


class Holder:
    """Closes its connection when it goes, as programs do that keep one for each thread."""

    def __init__(self, connection):
        self.connection = connection

    def __del__(self):
        self.connection.close()


def fork_and_leave():
    """A child that ends at once: the locals of the parent's other threads are gone before its first line runs."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def test_another_threads_connection_survives_a_fork(server):
    local, opened, forked, answers = threading.local(), threading.Event(), threading.Event(), []

    def hold():
        local.holder = Holder(Connection(None, server.address, timeout=10))
        answers.append(local.holder.connection.describe_version())
        opened.set()
        assert forked.wait(10)
        answers.append(local.holder.connection.describe_version())

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert opened.wait(10)
        fork_and_leave()
    finally:
        forked.set()
        thread.join()
    assert len(answers) == 2
    assert answers[0] == answers[1]
