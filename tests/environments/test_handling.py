"""Signal handlers that run in mid-call: those that return, those that call themselves, those that raise."""
import signal

import pytest

from pycassa.connection import Connection

from .test_green import POOLS

pytestmark = pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='this system has no interval timers')

SECONDS = 1.5
CLIENTS = [*POOLS, 'connect_thread_local']


@pytest.mark.parametrize('client', CLIENTS)
def test_handlers_that_return(client, run, table):
    facts = run('threads', 'handling', 'handlers_that_return', client=client, seconds=SECONDS)
    assert facts['wrong'] == [] and facts['alarms'] > 50 and facts['calls'] > 100
    assert table.link.overlaps == []
    assert facts['counts'] is None or facts['counts'] == [4, 0, 0, 0, 4]


@pytest.mark.parametrize('client', POOLS)
def test_handlers_that_call(client, run, table):
    facts = run('threads', 'handling', 'handlers_that_call', client=client, seconds=SECONDS)
    assert facts['wrong'] == [] and facts['alarms'] > 50 and facts['calls'] > 50
    assert table.link.overlaps == [] and facts['counts'][1:4] == [0, 0, 0]


@pytest.mark.parametrize('client', CLIENTS)
def test_handlers_that_raise(client, run, table):
    facts = run('threads', 'handling', 'handlers_that_raise', client=client, seconds=SECONDS)
    assert facts['wrong'] == facts['afterwards'] == []
    assert facts['ended'] > 20 and facts['answered'] > 50
    assert table.link.overlaps == []
    if facts['counts'] is not None:
        idle, checked_out, opening, waiting, total = facts['counts']
        assert (checked_out, waiting) == (0, 0) and total <= 4


@pytest.mark.parametrize('way', ['held', 'execute'])
def test_a_handler_on_the_connection_that_its_thread_holds(way, run, table):
    """Two requests are under way on one connection then: that is noticed, and both are made again elsewhere."""
    facts = run('threads', 'handling', 'held_in_mid_call', way=way)
    assert facts['handler'] == ['row 1'] and facts['call'] == 'wait=300ms row 0' and facts['later'] == 'row 1'
    assert facts['counts'][1:4] == [0, 0, 0]


def test_what_is_raised_while_a_reply_is_read_is_no_fault_of_the_reply(server, monkeypatch):
    """As celery's SoftTimeLimitExceeded is, which is an Exception, from a handler."""
    class SoftTimeLimit(Exception):
        pass

    def read(*arguments):
        raise SoftTimeLimit

    with Connection(None, server.address, timeout=30) as connection:
        monkeypatch.setattr(connection._protocol, 'readMessageEnd', read)
        with pytest.raises(SoftTimeLimit):
            connection.describe_version()
        assert not connection.is_open
