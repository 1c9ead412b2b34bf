"""The order in which hosts are tried, and their back-off."""
import gc

from pycassa.hosts import Hosts
from pycassa.retry import Backoff
from pycassa.runtime import Runtime


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def make_hosts(jitter=1.0, base=1.0, cap=8.0):
    clock = Clock()
    return Hosts(Backoff(base, cap), Runtime(clock=clock, uniform=lambda low, high: jitter)), clock


def test_hosts_take_turns():
    hosts, _ = make_hosts()
    assert [hosts.order(['a', 'b', 'c'], {}) for _ in range(4)] == [
        ['a', 'b', 'c'], ['b', 'c', 'a'], ['c', 'a', 'b'], ['a', 'b', 'c']]


def test_the_host_with_the_fewest_connections_comes_first():
    hosts, _ = make_hosts()
    assert hosts.order(['a', 'b', 'c'], {'a': 2, 'b': 1, 'c': 3}) == ['b', 'a', 'c']


def test_a_host_that_is_listed_twice_gets_twice_as_many_connections():
    hosts, _ = make_hosts()
    load = {'a': 0, 'b': 0}
    for _ in range(9):
        load[hosts.order(['a', 'b', 'a'], load)[0]] += 1
    assert load == {'a': 6, 'b': 3}


def test_connections_that_are_being_opened_count():
    hosts, _ = make_hosts()
    attempts = [('b', hosts.trying('b'))]
    assert hosts.order(['a', 'b'], {'a': 0})[0] == 'a'
    attempts += [('a', hosts.trying('a')), ('a', hosts.trying('a'))]
    assert hosts.order(['a', 'b'], {})[0] == 'b'
    hosts.settled(*attempts.pop())
    hosts.settled(*attempts.pop())
    assert hosts.order(['a', 'b'], {})[0] == 'a'


def test_an_attempt_to_connect_whose_thread_was_interrupted_anywhere_counts_no_more():
    hosts, _ = make_hosts()
    attempt = hosts.trying('b')
    for _ in range(2):
        assert hosts.order(['a', 'b'], {}) == ['a', 'b']
    del attempt
    gc.collect()
    assert {hosts.order(['a', 'b'], {})[0] for _ in range(2)} == {'a', 'b'}


def test_hosts_to_avoid_come_after_others_that_are_up():
    hosts, _ = make_hosts()
    assert hosts.order(['a', 'b', 'c'], {'b': 9, 'c': 9}, avoid={'a'})[-1] == 'a'
    hosts.failed('b')
    hosts.failed('c')
    assert hosts.order(['a', 'b', 'c'], {}, avoid={'a'})[0] == 'a'


def test_a_failing_host_is_left_alone_and_the_wait_doubles_up_to_the_cap():
    hosts, clock = make_hosts()
    for wait in (1, 2, 4, 8, 8, 8):
        hosts.failed('a')
        clock.now += wait - 0.001
        assert hosts.order(['a', 'b'], {'b': 100}) == ['b', 'a'] and not hosts.is_due('a')
        clock.now += 0.001
        assert hosts.order(['a', 'b'], {'b': 100}) == ['a', 'b'] and hosts.is_due('a')


def test_connections_that_break_together_count_as_one_failure():
    hosts, clock = make_hosts()
    for _ in range(32):
        hosts.failed('a')
        clock.now += 0.01
    clock.now += 0.7
    assert hosts.is_due('a')
    attempt = hosts.trying('a')
    hosts.failed('a')
    hosts.settled('a', attempt)
    clock.now += 1.9
    assert not hosts.is_due('a')
    clock.now += 0.2
    assert hosts.is_due('a')


def test_chance_takes_up_to_half_of_the_wait():
    hosts, clock = make_hosts(jitter=0.5)
    hosts.failed('a')
    clock.now += 0.5
    assert hosts.is_due('a')


def test_only_one_tries_a_host_that_is_due():
    hosts, clock = make_hosts()
    hosts.failed('a')
    clock.now += 1
    assert hosts.order(['a', 'b'], {'b': 1})[0] == 'a'
    hosts.trying('a')
    assert hosts.order(['a', 'b'], {'b': 1})[0] == 'b'


def test_of_hosts_that_all_back_off_the_next_one_due_comes_first():
    hosts, clock = make_hosts()
    hosts.failed('b')
    clock.now += 0.25
    hosts.failed('a')
    assert hosts.order(['a', 'b'], {'b': 7}) == ['b', 'a']


def test_a_success_makes_a_host_up_again():
    hosts, _ = make_hosts()
    hosts.failed('a')
    hosts.failed('a')
    assert not hosts.is_up('a')
    hosts.succeeded('a')
    assert hosts.is_up('a') and hosts.is_due('a')
    hosts.failed('a')
    assert hosts.order(['a'], {}) == ['a']


def test_what_is_known_of_servers_that_are_not_used_any_more_is_forgotten():
    hosts, _ = make_hosts()
    hosts.failed('a')
    hosts.failed('b')
    hosts.keep(['b'])
    assert hosts.is_up('a') and not hosts.is_up('b')
