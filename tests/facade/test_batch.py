"""Batches: what is queued and when it is sent, retries, failures, context managers, threads."""
import threading

import pytest

from pycassa.batch import CfMutator, Mutator, PendingMutation
from pycassa.columnfamily import ColumnFamily
from pycassa.errors import MaximumRetryException, MutationTooLarge, PackingError
from pycassa.operations import ThriftOperations


@pytest.fixture
def standard(client):
    return ColumnFamily(client, 'Standard', timestamp=lambda: 100)


@pytest.fixture
def counters(client):
    return ColumnFamily(client, 'Counters', timestamp=lambda: 100)


@pytest.fixture
def supers(client):
    return ColumnFamily(client, 'Super', timestamp=lambda: 100)


@pytest.fixture
def operations(client):
    return client.operations


def sent(operations):
    """(family, key) of the entries of each batch sent."""
    return [[(entry.family.decode(), entry.key.decode()) for entry in call.args[0]] for call in operations.calls]


def test_calls_are_queued_chained_and_sent_in_order(standard, operations):
    batch = standard.batch()
    assert batch.insert('a', {'x': 'y'}).remove('b').insert('a', {'z': 'w'}) is batch
    assert operations.calls == []
    assert batch.send() is None
    assert sent(operations) == [[('Standard', 'a'), ('Standard', 'b'), ('Standard', 'a')]]
    batch.send()
    assert len(operations.calls) == 1


def test_several_families(client, standard, supers, operations):
    Mutator(client, write_consistency_level=4).insert(standard, 'k', {'a': 'b'}).insert(
        supers, 'k', {'s': {'a': 'b'}}).remove(supers, 'k', ['a'], 's').send()
    assert sent(operations) == [[('Standard', 'k'), ('Super', 'k'), ('Super', 'k')]]
    assert operations.last.args[1:] == (4, False, True)


@pytest.mark.parametrize('queue_size, batches', [(2, [2, 2]), (0, []), (None, []), (1, [1, 1, 1, 1])])
def test_queue_size_counts_calls(standard, operations, queue_size, batches):
    batch = standard.batch(queue_size)
    for key in 'abcd':
        batch.insert(key, {'x': '1', 'y': '2', 'z': '3'})
    assert [len(each) for each in sent(operations)] == batches


def test_defaults_and_attributes(client, standard):
    batch = standard.batch()
    assert isinstance(batch, CfMutator)
    assert (batch.pool, batch.limit, batch.allow_retries, batch.atomic) == (client, 100, True, False)
    assert (batch.write_consistency_level, batch._buffer, batch._column_family) == (1, [], standard)
    assert Mutator(client).write_consistency_level == 1
    standard.write_consistency_level = 2
    assert CfMutator(standard).write_consistency_level == standard.batch().write_consistency_level == 2
    assert standard.batch(5, 3, True).write_consistency_level == 3


def test_consistency_and_atomic(standard, operations):
    batch = standard.batch(atomic=True)
    batch.insert('k', {'a': 'b'}).send()
    batch.insert('k', {'a': 'b'}).send(write_consistency_level=4, atomic=False)
    assert [call.args[1:3] for call in operations.calls] == [(1, True), (4, False)]


def test_timestamps_and_ttls(standard, mutations):
    batch = standard.batch().insert('k', {'a': 'b'}).insert('k', {'a': 'b'}, timestamp=5, ttl=7.9)
    batch.insert('k', {'a': 'b'}, clock=6).remove('k', timestamp=0).remove('k', clock=8)
    found = [mutations(entry)[0] for entry in batch._buffer]
    columns = [each.column_or_supercolumn.column for each in found[:3]]
    assert [(column.timestamp, column.ttl) for column in columns] == [(100, None), (5, 7), (6, None)]
    assert [each.deletion.timestamp for each in found[3:]] == [0, 8]


def test_packing_happens_when_a_call_is_queued(standard):
    columns = {'a': 'b'}
    batch = standard.batch().insert('k', columns)
    columns['a'] = 'changed'
    assert batch.pending[0].columns == {'a': 'b'}
    for key, bad in (('k', {'age': 'not a number'}), (5, {'a': 'b'}), ('k', {'a': None}), ('k', {6: 'b'})):
        with pytest.raises(PackingError, match='Standard'):
            batch.insert(key, bad)
    assert len(batch.pending) == 1


def test_what_is_nothing_is_not_queued(standard, operations):
    batch = standard.batch().insert('k', {}).remove('k', []).remove('k', iter(()))
    batch.send()
    assert batch.pending == [] and operations.calls == []


# --- retries ---------------------------------------------------------------------------------------------------------

def retries(operations):
    return operations.last.args[3]


def test_counters_are_not_sent_again_by_default(client, standard, counters, operations):
    for batch in (Mutator(client), CfMutator(counters)):
        Mutator.insert(batch, standard, 'k', {'a': 'b'})
        Mutator.insert(batch, counters, 'k', {'a': 1}).send()
        assert retries(operations) is False
    Mutator(client).insert(standard, 'k', {'a': 'b'}).send()
    assert retries(operations) is True


def test_counters_are_sent_again_when_asked(client, counters, operations):
    Mutator(client, allow_retries=True).insert(counters, 'k', {'a': 1}).send()
    assert retries(operations) is True
    batch = Mutator(client)
    batch.allow_retries = True
    batch.insert(counters, 'k', {'a': 1}).send()
    assert retries(operations) is True
    counters.retry_counter_mutations = True
    Mutator(client).insert(counters, 'k', {'a': 1}).send()
    assert retries(operations) is True


def test_allow_retries_false(client, standard, operations):
    Mutator(client, 100, None, False).insert(standard, 'k', {'a': 'b'}).send()
    assert retries(operations) is False


# --- failures --------------------------------------------------------------------------------------------------------

def test_a_failed_batch_can_be_sent_again_with_the_same_bytes(standard, operations):
    operations.failure = MaximumRetryException('down')
    batch = standard.batch().insert('k', {'a': 'b'}, ttl=5).remove('l', ['c'])
    with pytest.raises(MaximumRetryException):
        batch.send()
    assert batch.pending == [PendingMutation('Standard', 'k', 'insert', {'a': 'b'}, None, 100, 5),
                             PendingMutation('Standard', 'l', 'remove', ['c'], None, 100)]
    operations.failure = None
    standard.timestamp = lambda: 999
    batch.send()
    first, second = [[entry.data for entry in call.args[0]] for call in operations.calls]
    assert first == second
    assert batch.pending == []


def test_a_batch_that_cannot_be_sent_can_be_cleared(standard, operations):
    operations.failure = MaximumRetryException('down')
    batch = standard.batch(queue_size=2).insert('a', {'x': 'y'})
    with pytest.raises(MaximumRetryException):
        batch.insert('b', {'x': 'y'})
    with pytest.raises(MaximumRetryException):
        batch.insert('c', {'x': 'y'})
    assert [each.key for each in batch.clear()] == ['a', 'b', 'c']
    assert batch.pending == []
    operations.failure = None
    batch.insert('d', {'x': 'y'}).insert('e', {'x': 'y'})
    assert sent(operations)[-1] == [('Standard', 'd'), ('Standard', 'e')]


def test_pending_of_every_kind(client, standard, supers, counters):
    batch = Mutator(client, queue_size=None)
    batch.insert(supers, 'k', {'s': {'a': 'b', 'c': 'd'}, 't': {'e': 'f'}}, ttl=3)
    batch.insert(counters, 'k', {'a': 1, 'b': -1})
    batch.insert(standard, 'k', {'age': 7})
    batch.remove(standard, 'k')
    batch.remove(standard, 'k', column_start='a', column_finish='c')
    batch.remove(supers, 'k', ['s'])
    batch.remove(supers, 'k', ['a'], 's')
    batch.remove(supers, 'k', super_column='s')
    assert batch.pending == [
        PendingMutation('Super', 'k', 'insert', {'s': {'a': 'b', 'c': 'd'}, 't': {'e': 'f'}}, None, 100, 3),
        PendingMutation('Counters', 'k', 'insert', {'a': 1, 'b': -1}),
        PendingMutation('Standard', 'k', 'insert', {'age': 7}, None, 100),
        PendingMutation('Standard', 'k', 'remove', None, None, 100),
        PendingMutation('Standard', 'k', 'remove', ('a', 'c'), None, 100),
        PendingMutation('Super', 'k', 'remove', ['s'], None, 100),
        PendingMutation('Super', 'k', 'remove', ['a'], 's', 100),
        PendingMutation('Super', 'k', 'remove', None, 's', 100),
    ]


class Executor:
    """Answers ThriftOperations; fails at the calls whose numbers are given."""

    def __init__(self, *failing):
        self.failing = failing
        self.frames = []

    def execute_call(self, call):
        self.frames.append(call.frame)
        if len(self.frames) - 1 in self.failing:
            raise MaximumRetryException('down')


def test_batches_are_divided_by_size_and_keep_what_was_not_sent(client, standard):
    executor = Executor(1)
    client.operations = ThriftOperations(executor, max_request_bytes=400)
    batch = standard.batch(queue_size=None)
    for number in range(10):
        batch.insert(f'k{number}', {'a': 'x' * 60})
    with pytest.raises(MaximumRetryException):
        batch.send()
    assert all(len(frame) - 4 <= 400 for frame in executor.frames)
    unsent = [each.key for each in batch.pending]
    assert 0 < len(unsent) < 10 and unsent == [f'k{number}' for number in range(10 - len(unsent), 10)]
    batch.send()
    assert executor.frames[1][12:] == executor.frames[2][12:] or len(executor.frames[1]) == len(executor.frames[2])
    assert batch.pending == []


def test_an_insert_divided_over_requests_is_pending_by_its_parts(client, standard):
    executor = Executor(1)
    client.operations = ThriftOperations(executor, max_request_bytes=400)
    columns = {f'c{number}': 'x' * 60 for number in range(10)}
    batch = standard.batch().insert('k', columns)
    with pytest.raises(MaximumRetryException):
        batch.send()
    rest = {}
    for part in batch.pending:
        assert (part.key, part.kind, part.timestamp) == ('k', 'insert', 100)
        rest.update(part.columns)
    assert 0 < len(rest) < 10 and rest == {name: columns[name] for name in list(columns)[-len(rest):]}
    batch.send()
    assert batch.pending == []


def test_one_mutation_that_is_too_large(client, standard):
    executor = Executor()
    client.operations = ThriftOperations(executor, max_request_bytes=400)
    batch = standard.batch().insert('k', {'a': 'b'}).insert('big', {'a': 'x' * 500})
    with pytest.raises(MutationTooLarge, match='big'):
        batch.send()
    assert executor.frames == []
    assert [each.key for each in batch.pending] == ['k', 'big']


def test_a_mutation_above_the_limits_of_thrift_s_own_protocol(client, standard):
    """Thrift of late reads no string above 16,384,000 bytes; our error and `pending` tell of larger ones."""
    client.operations = ThriftOperations(Executor())
    batch = standard.batch().insert('big', {'a': 'x' * 17_000_000})
    with pytest.raises(MutationTooLarge, match="b'big', column b'a'"):
        batch.send()
    assert [(each.key, len(each.columns['a'])) for each in batch.pending] == [('big', 17_000_000)]


# --- context manager -------------------------------------------------------------------------------------------------

def test_leaving_a_block_sends(standard, operations):
    with standard.batch() as batch:
        batch.insert('k', {'a': 'b'})
    assert sent(operations) == [[('Standard', 'k')]]


def test_a_block_that_raises_sends_what_was_queued(standard, operations):
    with pytest.raises(ZeroDivisionError), standard.batch() as batch:
        batch.insert('k', {'a': 'b'})
        raise ZeroDivisionError
    assert sent(operations) == [[('Standard', 'k')]]


def test_an_error_of_sending_is_raised(standard, operations):
    operations.failure = MaximumRetryException('down')
    with pytest.raises(MaximumRetryException), standard.batch() as batch:
        batch.insert('k', {'a': 'b'})
    assert len(batch.pending) == 1


def test_an_error_of_sending_never_hides_that_of_the_block(standard, operations):
    operations.failure = MaximumRetryException('down')
    with pytest.raises(ZeroDivisionError) as caught, standard.batch() as batch:
        batch.insert('k', {'a': 'b'})
        try:
            raise KeyError('before')
        except KeyError:
            raise ZeroDivisionError
    chain = []
    step = caught.value
    while step is not None:
        chain.append(type(step))
        step = step.__cause__ or step.__context__
        assert len(chain) < 10
    assert chain == [ZeroDivisionError, KeyError, MaximumRetryException]
    assert len(batch.pending) == 1


def test_an_error_of_sending_is_chained_to_one_with_a_cause(standard, operations):
    operations.failure = failure = MaximumRetryException('down')
    cause = KeyError('cause')
    with pytest.raises(ZeroDivisionError) as caught, standard.batch() as batch:
        batch.insert('k', {'a': 'b'})
        raise ZeroDivisionError from cause
    assert caught.value.__cause__ is cause
    assert cause.__context__ is failure


def test_threads_share_a_batch(standard, operations):
    batch = standard.batch(queue_size=7)

    def work(number):
        for index in range(100):
            batch.insert(f'{number}-{index}', {'a': 'b'})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.send()
    keys = [key for each in sent(operations) for _, key in each]
    assert sorted(keys) == sorted(f'{number}-{index}' for number in range(4) for index in range(100))
    assert all(len(each) == 7 for each in sent(operations)[:-1])


def test_the_mutators_pool_is_used(client, standard, make):
    other = make.Client(client.keyspaces, 'K')
    Mutator(other).insert(standard, 'k', {'a': 'b'}).send()
    assert client.operations.calls == [] and len(other.operations.calls) == 1
