"""The package's loggers, and the listeners that log and count."""
import gc
import logging
import weakref

import pytest

from pycassa.logging import pool_logger, pycassa_logger
from pycassa.logging.pool_stats_logger import StatsLogger
from pycassa.logging.pycassa_logger import PycassaLogger
from pycassa.pool import PoolListener

from .fakes import World, a_call


@pytest.fixture
def root():
    logger = PycassaLogger()
    name, level = logger.get_logger_name(), logger.get_logger_level()
    yield logger
    logger.set_logger_name(name)
    logger.set_logger_level(level)


def test_all_instances_share_one_state(root):
    root.set_logger_level('debug')
    other = PycassaLogger()
    assert other.get_logger_level() == 'debug' and other.get_logger() is root.get_logger()
    assert other.get_logger().level == logging.DEBUG and other.get_logger_name() == 'pycassa'
    with pytest.raises(KeyError):
        root.set_logger_level('loud')
    assert root.get_logger_level() == 'debug'


def test_levels_are_those_of_1_11():
    assert pycassa_logger.levels == {'debug': 10, 'info': 20, 'warn': 30, 'error': 40, 'critical': 50}


def test_children_follow_the_name_of_the_root(root):
    seen = []
    child = root.add_child_logger('mine', seen.append)
    assert child.name == 'pycassa.mine'
    pool = pool_logger.PoolLogger()
    root.set_logger_name('other')
    assert [logger.name for logger in seen] == ['other.mine'] and pool.logger.name == 'other.pool'
    assert root.get_logger().level == logging.INFO
    assert any(isinstance(handler, logging.NullHandler) for handler in root.get_logger().handlers)


def test_the_root_does_not_keep_pools_alive(root):
    pool = World('a').pool()
    reference = weakref.ref(pool)
    del pool
    gc.collect()
    assert reference() is None
    root.set_logger_name('other')


def test_events_are_logged_at_their_levels(root, caplog):
    root.set_logger_level('debug')
    caplog.set_level('DEBUG')
    world = World('a', 'b')
    pool = world.pool(pool_size=2, logging_name='mine', recycle=1)
    world.fail_next(ConnectionResetError('peer'))
    for _ in range(4):
        pool.execute_call(a_call())
    pool.recreate()
    pool.dispose()
    text = {record.getMessage(): record.levelname for record in caplog.records if record.name == 'pycassa.pool'}
    for part, level in [("Server list obtained: ['", 'DEBUG'), (') opened for pool mine', 'DEBUG'),
                        (') was checked out for pool mine', 'DEBUG'), (') was checked in for pool mine', 'DEBUG'),
                        ('failed (ConnectionResetError: peer) for pool mine', 'INFO'), (') was replaced by ', 'DEBUG'),
                        ('Recreating for pool mine', 'DEBUG'), ('Idle connections closed for pool mine', 'INFO'),
                        (') was closed; ', 'DEBUG')]:
        assert level in {found for message, found in text.items() if part in message}, part


def test_stats():
    stats = StatsLogger()
    world = World('a')
    pool = world.pool(pool_size=2, use_threadlocal=False, listeners=[stats])
    first, second = pool.get(), pool.get()
    assert stats.stats['opened'] == {'current': 2, 'max': 2} and stats.stats['list'] == 1
    first.return_to_pool()
    second.close()
    second.return_to_pool()
    assert stats.stats['opened'] == {'current': 0, 'max': 2}
    world.fail_next(ConnectionResetError())
    pool.execute_call(a_call())
    pool.dispose()
    assert stats.stats['failed'] == 1 and stats.stats['created'] == {'success': 3, 'failure': 0}
    assert stats.stats['disposed'] == {'success': 2, 'failure': 0}
    stats.connection_created({'error': ValueError()})
    assert stats.stats['created']['failure'] == 1
    stats.reset()
    assert stats.stats['checked_out'] == 0 == stats.stats['opened']['max']


def test_a_listener_may_have_either_name_of_the_server_list_hook():
    class Documented(PoolListener):
        def server_list_obtained(self, dic):
            heard.append(('documented', dic['server_list']))

    class Called:
        def obtained_server_list(self, dic):
            heard.append(('called', dic['server_list']))

    heard = []
    World('a').pool(listeners=[Documented(), Called()])
    assert sorted(heard) == [('called', ['a']), ('documented', ['a'])]
