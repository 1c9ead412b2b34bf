"""Waiting until the nodes agree on the schema: bounded, without the nodes that cannot be reached, never repeating."""
import logging
import time

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa import system_manager
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import SchemaDisagreementException
from pycassa.errors import CallTimeout
from pycassa.system_manager import SystemManager

AGREED = {'v1': ['a', 'b', 'c']}
SPLIT = {'v1': ['a'], 'v2': ['b', 'c']}


class Cluster:
    """A connection to nodes whose schema versions, and answers to a schema change, are told by scripts."""

    is_open = True

    def __init__(self):
        self.versions = [AGREED]
        self.answers = []
        self.asked = 0
        self.changes = []
        self.keyspaces = []

    def __call__(self, *arguments, **options):
        return self

    def close(self):
        self.is_open = False

    def probe(self):
        return True

    def set_keyspace(self, keyspace):
        self.keyspaces.append(keyspace)

    def describe_schema_versions(self):
        self.asked += 1
        return self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]

    def execute_call(self, call, deadline=None):
        assert call.retry is False
        self.changes.append(call.method)
        error = self.answers.pop(0) if self.answers else None
        if isinstance(error, CallTimeout):
            self.is_open = False
            raise error
        result = getattr(Cassandra, call.method + '_result')(**({'sde': error} if error else {'success': 'v'}))
        output = TBinaryProtocol(TMemoryBuffer())
        output.writeMessageBegin(call.method, TMessageType.REPLY, call.seqid)
        result.write(output)
        return call.decode(output.trans.getvalue())


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(system_manager, 'Connection', cluster)
    monkeypatch.setattr(system_manager, '_SAMPLE_PERIOD', 0.01)
    return cluster


def elapsed(function, *arguments):
    start = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - start


def test_a_change_waits_until_the_nodes_agree(cluster, caplog):
    cluster.versions = [SPLIT, SPLIT, AGREED]
    SystemManager().drop_keyspace('K')
    assert cluster.asked == 3
    assert cluster.changes == ['system_drop_keyspace']
    assert caplog.text == ''


def test_nodes_that_cannot_be_reached_are_left_out(cluster):
    cluster.versions = [{'v1': ['a'], 'UNREACHABLE': ['b', 'c']}]
    assert elapsed(SystemManager().wait_for_schema_agreement, 5)[1] < 1
    assert cluster.asked == 1


def test_the_wait_ends_and_the_change_stands(cluster, caplog):
    cluster.versions = [SPLIT]
    manager = SystemManager(schema_agreement_timeout=0.1)
    with caplog.at_level(logging.WARNING, 'pycassa'):
        _, seconds = elapsed(manager.drop_keyspace, 'K')
    assert 0.1 <= seconds < 2
    assert cluster.changes == ['system_drop_keyspace']
    assert 'system_drop_keyspace was applied' in caplog.text and 'v2' in caplog.text


def test_wait_for_schema_agreement_tells_the_outcome(cluster):
    manager = SystemManager(schema_agreement_timeout=0.05)
    assert manager.wait_for_schema_agreement() is True
    cluster.versions = [SPLIT]
    assert manager.wait_for_schema_agreement() is False
    assert manager.wait_for_schema_agreement(0) is False


def test_a_change_refused_for_disagreement_is_made_again_when_the_nodes_agree(cluster):
    cluster.answers = [SchemaDisagreementException(), SchemaDisagreementException()]
    cluster.versions = [SPLIT, AGREED]
    SystemManager().drop_column_family('K', 'F')
    assert cluster.changes == ['system_drop_column_family'] * 3
    assert cluster.keyspaces == ['K'] * 3


def test_a_change_refused_for_disagreement_that_does_not_end(cluster):
    cluster.answers = [SchemaDisagreementException()]
    cluster.versions = [SPLIT]
    with pytest.raises(SchemaDisagreementException):
        SystemManager(schema_agreement_timeout=0.1).drop_keyspace('K')
    assert cluster.changes == ['system_drop_keyspace']


def test_refusals_without_end_are_bounded_too(cluster):
    cluster.answers = [SchemaDisagreementException()] * 100_000
    manager = SystemManager(schema_agreement_timeout=0.1)
    start = time.monotonic()
    with pytest.raises(SchemaDisagreementException):
        manager.drop_keyspace('K')
    assert time.monotonic() - start < 2


def test_a_change_of_unknown_outcome_is_not_repeated(cluster):
    cluster.answers = [CallTimeout('late')]
    manager = SystemManager()
    with pytest.raises(CallTimeout):
        manager.drop_keyspace('K')
    assert cluster.changes == ['system_drop_keyspace']
