"""Clusters in the background: what is remembered of them from one command to the next. Sleeping processes stand in."""
import json
import os

import pytest

from . import background
from .errors import ServerFailed, Unavailable
from .node import Node
from .options import Spec
from .processes import Process
from .test_processes import SLEEPER


class Sleeping:
    """A cluster whose servers sleep."""

    asked = []
    problem = None

    def __init__(self, spec, how):
        self.spec, self.how = spec, how
        self.hosts = [f'{how["block"] or "127.9.9"}.1']
        self.target = f'{spec.release}@{self.hosts[0]}:9160'

    @classmethod
    def of(cls, spec, **how):
        cls.asked.append((str(spec), how['block']))
        return cls(spec, how)

    def start(self):
        for number in range(1, self.spec.nodes + 1):
            path = self.how['folder'] / f'node{number}'
            path.mkdir(parents=True, exist_ok=True)
            Node('none', path).start(SLEEPER, None)
        if self.problem:
            raise self.problem


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv('PYCASSA_CASSANDRA_CACHE', str(tmp_path))
    monkeypatch.setattr(background, 'Cluster', Sleeping)
    monkeypatch.setattr(Sleeping, 'asked', [])
    yield tmp_path / 'background' / '2.1.22'
    background.wipe('2.1')


def processes(folder):
    return [Process.read(path) for path in sorted(folder.glob('node*/process'))]


def test_its_life(folder):
    assert background.start(Spec.parse('2.1x2')).target == '2.1.22@127.9.9.1:9160'
    running = processes(folder)
    assert len(running) == 2 and all(each.alive() for each in running)
    background.stop('2.1')
    assert not any(each.alive() for each in running) and folder.exists()
    background.start(Spec.parse('2.1.22x2'))
    again = processes(folder)
    background.wipe('2.1.22')
    assert not any(each.alive() for each in again) and not folder.exists()
    # It was started again where it had been.
    assert Sleeping.asked == [('2.1x2', None), ('2.1x2', '127.9.9')]


def test_one_that_runs(folder):
    background.start(Spec.parse('2.1'))
    with pytest.raises(Unavailable, match='--cassandra 2.1.22@127.9.9.1:9160'):
        background.start(Spec.parse('2.1'))


def test_data_of_another_set_up(folder):
    background.start(Spec.parse('2.1'))
    background.stop('2.1')
    with pytest.raises(Unavailable, match='wipe it first, or start 2.1'):
        background.start(Spec.parse('2.1,auth'))
    background.wipe('2.1')
    background.start(Spec.parse('2.1,auth'))


def test_one_that_does_not_start_leaves_nothing(folder, monkeypatch):
    monkeypatch.setattr(Sleeping, 'problem', ServerFailed('it is not ready'))
    with pytest.raises(ServerFailed):
        background.start(Spec.parse('2.1'))
    assert not folder.exists()


def test_what_was_never_started(folder):
    background.stop('2.1')
    background.wipe('2.1')
    with pytest.raises(ValueError, match='none of the series'):
        background.stop('9.9')


def test_a_file_of_an_earlier_session_ends_nobody(folder):
    """Numbers of processes come back after a while, and after each start of the machine."""
    background.start(Spec.parse('2.1'))
    background.stop('2.1')
    me = Process.of(os.getpid())
    me._replace(began=me.began - 1).write(folder / 'node1' / 'process')
    background.start(Spec.parse('2.1'))
    assert json.loads((folder / 'cluster.json').read_text())['spec'] == '2.1' and me.alive()
    assert [each.alive() for each in processes(folder)] == [True]
