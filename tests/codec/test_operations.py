"""Operations over Thrift: what they send, in how many requests, and what stays pending when one of these fails."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

import pycassa.codec
from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import (
    Column,
    ColumnOrSuperColumn,
    ConsistencyLevel,
    CounterColumn,
    IndexOperator,
    InvalidRequestException,
    KeySlice,
    NotFoundException,
    TimedOutException,
)
from pycassa.errors import (
    CallTimeout,
    MutationTooLarge,
    PackingError,
    ProtocolError,
    PycassaError,
    RequestTooLarge,
)
from pycassa.operations import (
    MAX_REQUEST_BYTES,
    Call,
    KeyRange,
    Mutations,
    Names,
    Slice,
    ThriftOperations,
    call_by_objects,
    next_seqid,
)

ONE, QUORUM = ConsistencyLevel.ONE, ConsistencyLevel.QUORUM


class Request:
    """A call as a server reads it: its method and its arguments as the bindings' objects."""

    def __init__(self, call):
        assert int.from_bytes(call.frame[:4], 'big') == len(call.frame) - 4
        protocol = TBinaryProtocol(TMemoryBuffer(call.frame[4:]))
        self.method, _, self.seqid = protocol.readMessageBegin()
        assert (self.method, self.seqid) == (call.method, call.seqid)
        arguments = getattr(Cassandra, self.method + '_args')()
        arguments.read(protocol)
        self.arguments = vars(arguments)
        self.size = len(call.frame) - 4
        self.retry = call.retry

    @property
    def written(self):
        """[(key, family, column name, value or None)] of a batch, in its order."""
        return [(key, family, *self._names(mutation))
                for key, families in self.arguments['mutation_map'].items()
                for family, mutations in families.items() for mutation in mutations]

    @staticmethod
    def _names(mutation):
        member = mutation.column_or_supercolumn
        if member is None:
            return None, None
        column = member.column or member.counter_column or member.super_column
        return column.name, getattr(column, 'value', None)


class Script:
    """An executor that answers from a list: results of the bindings' kind, or exceptions, declared or not."""

    def __init__(self, oracle, *answers):
        self._oracle = oracle
        self._answers = list(answers)
        self.requests = []

    def execute_call(self, call):
        self.requests.append(Request(call))
        answer = self._answers.pop(0) if self._answers else {}
        if isinstance(answer, BaseException):
            raise answer
        return call.decode(self._oracle.reply(call.method, call.seqid, **answer))


@pytest.fixture(scope='module')
def layout():
    text = pycassa.codec.scalar('UTF8Type')
    return pycassa.codec.Layout('Standard1', key=text, name=text, value=text)


@pytest.fixture(scope='module')
def counters():
    text, counter = pycassa.codec.scalar('UTF8Type'), pycassa.codec.scalar('CounterColumnType')
    return pycassa.codec.Layout('Counter1', key=text, name=text, value=counter, counter=True)


def entry(layout, key, columns, source=None):
    count, data = pycassa.codec.encode_insertions(layout, key, columns, 1, None)
    return Mutations(layout.family, key.encode(), count, data, source=source)


def everything(requests):
    return [written for request in requests for written in request.written]


# --- reads -------------------------------------------------------------------------------------------------------

COLUMNS = [ColumnOrSuperColumn(column=Column(b'a', b'1', 5)), ColumnOrSuperColumn(column=Column(b'b', b'2', 6, 7))]


def run(oracle, answer, function):
    """(result, the one request) of an operation answered with `answer`."""
    script = Script(oracle, answer)
    result = function(ThriftOperations(script))
    request, = script.requests
    return result, request


def test_get(oracle, layout):
    result, request = run(oracle, {'success': COLUMNS[0]},
                          lambda operations: operations.get(layout, b'k', None, b'a', QUORUM, dict, 1))
    assert result == ('a', ('1', 5))
    assert (request.method, request.retry) == ('get', True)
    path = request.arguments['column_path']
    assert (path.column_family, path.super_column, path.column) == ('Standard1', None, b'a')
    assert (request.arguments['key'], request.arguments['consistency_level']) == (b'k', QUORUM)


@pytest.mark.parametrize('predicate', [Names([b'a', b'b']), Slice(b'a', b'z', True, 7)])
def test_slices_and_counts(oracle, layout, predicate):
    def check(request, method):
        assert (request.method, request.retry) == (method, True)
        sent = request.arguments['predicate']
        if isinstance(predicate, Names):
            assert (sent.column_names, sent.slice_range) == ([b'a', b'b'], None)
        else:
            bounds = sent.slice_range
            assert (bounds.start, bounds.finish, bounds.reversed, bounds.count) == (b'a', b'z', True, 7)

    result, request = run(oracle, {'success': COLUMNS}, lambda operations: operations.get_slice(
        layout, b'k', None, predicate, ONE, dict, 0))
    check(request, 'get_slice')
    assert result == {'a': '1', 'b': '2'}
    result, request = run(oracle, {'success': COLUMNS}, lambda operations: operations.get_slice_items(
        layout, b'k', b'super', predicate, ONE, dict, 2))
    check(request, 'get_slice')
    assert request.arguments['column_parent'].super_column == b'super'
    assert result == [(b'a', 'a', ('1', None)), (b'b', 'b', ('2', 7))]
    result, request = run(oracle, {'success': {b'k': COLUMNS, b'l': []}}, lambda operations: operations.multiget_slice(
        layout, [b'k', b'l'], None, predicate, ONE, dict, 0))
    check(request, 'multiget_slice')
    assert request.arguments['keys'] == [b'k', b'l']
    assert result == {b'k': {'a': '1', 'b': '2'}, b'l': {}}
    result, request = run(oracle, {'success': 3}, lambda operations: operations.get_count(
        layout, b'k', None, predicate, ONE))
    check(request, 'get_count')
    assert result == 3
    result, request = run(oracle, {'success': {b'k': 3}}, lambda operations: operations.multiget_count(
        layout, [b'k'], None, predicate, ONE))
    check(request, 'multiget_count')
    assert result == {b'k': 3}


def test_ranges(oracle, layout):
    answer = {'success': [KeySlice(b'k', COLUMNS), KeySlice(b'l', [])]}
    expected = [(b'k', {'a': '1', 'b': '2'}), (b'l', {})]
    key_range = KeyRange(start_token='1', end_token='2', count=9, row_filter=[(b'a', IndexOperator.EQ, b'1')])
    result, request = run(oracle, answer, lambda operations: operations.get_range_slices(
        layout, None, Slice(), key_range, ONE, dict, 0))
    assert result == expected
    sent = request.arguments['range']
    assert (sent.start_key, sent.end_key, sent.start_token, sent.end_token, sent.count) == (None, None, '1', '2', 9)
    assert sent.row_filter[0].column_name == b'a'
    result, request = run(oracle, answer, lambda operations: operations.get_indexed_slices(
        layout, [(b'a', IndexOperator.GT, b'1')], b'start', 4, Slice(), ONE, dict, 0))
    assert result == expected
    clause = request.arguments['index_clause']
    assert (clause.start_key, clause.count, clause.expressions[0].op) == (b'start', 4, IndexOperator.GT)


def test_declared_exceptions_come_through(oracle, layout):
    with pytest.raises(NotFoundException):
        run(oracle, {'nfe': NotFoundException()},
            lambda operations: operations.get(layout, b'k', None, b'a', ONE, dict, 0))


# --- single writes -----------------------------------------------------------------------------------------------

def test_counters_and_truncate_are_not_repeated_unless_asked(oracle, counters):
    for retry in (False, True):
        more = {'retry': True} if retry else {}
        _, request = run(oracle, {}, lambda operations, more=more: operations.add(
            counters, b'k', b's', b'c', -3, ONE, **more))
        assert (request.method, request.retry) == ('add', retry)
        assert request.arguments['column'] == CounterColumn(b'c', -3)
        _, request = run(oracle, {}, lambda operations, more=more: operations.remove_counter(
            counters, b'k', None, b'c', ONE, **more))
        assert (request.method, request.retry) == ('remove_counter', retry)
    _, request = run(oracle, {}, lambda operations: operations.truncate('Standard1'))
    assert (request.method, request.retry, request.arguments) == ('truncate', False, {'cfname': 'Standard1'})


def test_remove(oracle, layout):
    _, request = run(oracle, {}, lambda operations: operations.remove(layout, b'k', None, b'c', 55, ONE))
    assert (request.method, request.retry, request.arguments['timestamp']) == ('remove', True, 55)


def test_a_call_above_the_limit_is_not_sent(oracle, layout):
    script = Script(oracle)
    operations = ThriftOperations(script, max_request_bytes=1000)
    with pytest.raises(RequestTooLarge, match='multiget_slice call of .* above max_request_bytes=1000'):
        operations.multiget_slice(layout, [b'k' * 100] * 10, None, Slice(), ONE, dict, 0)
    assert script.requests == []


def test_the_limit_is_exact(oracle, layout):
    size = len(pycassa.codec.encode_truncate(1, 'F')) - 4
    run(oracle, {}, lambda operations: setattr(operations, 'max_request_bytes', size) or operations.truncate('F'))
    with pytest.raises(RequestTooLarge):
        run(oracle, {}, lambda operations: setattr(operations, 'max_request_bytes', size - 1)
            or operations.truncate('F'))
    assert ThriftOperations(Script(oracle)).max_request_bytes == MAX_REQUEST_BYTES == 15 * 1024 * 1024


def test_sequence_ids_differ_and_fit():
    first, second = next_seqid(), next_seqid()
    assert 0 < first < second < 2 ** 31


# --- insert_rows -------------------------------------------------------------------------------------------------

def test_rows_that_fit_are_one_request(oracle, layout):
    script = Script(oracle)
    rows = {'k': {'a': '1', 'b': '2'}, b'k': {'a': '3'}, 'l': {'c': '4'}}
    ThriftOperations(script).insert_rows(layout, rows, 5, 60, QUORUM)
    request, = script.requests
    assert (request.method, request.retry) == ('batch_mutate', True)
    assert request.written == [(b'k', 'Standard1', b'a', b'1'), (b'k', 'Standard1', b'b', b'2'),
                               (b'k', 'Standard1', b'a', b'3'), (b'l', 'Standard1', b'c', b'4')]


@given(rows=st.dictionaries(st.text(min_size=1, max_size=5), st.dictionaries(
    st.text(min_size=1, max_size=5), st.text(max_size=40), max_size=6), max_size=6), limit=st.integers(250, 600))
def test_rows_above_the_limit_are_divided(oracle, layout, rows, limit):
    script = Script(oracle)
    ThriftOperations(script, limit).insert_rows(layout, rows, 5, None, ONE)
    assert everything(script.requests) == [(key.encode(), 'Standard1', name.encode(), value.encode())
                                           for key, columns in rows.items() for name, value in columns.items()]
    assert all(request.size <= limit for request in script.requests)
    assert len({request.seqid for request in script.requests}) == len(script.requests)


def test_a_packing_error_sends_nothing(oracle, layout):
    script = Script(oracle)
    for limit in (MAX_REQUEST_BYTES, 200):
        with pytest.raises(PackingError, match="row 'l', column 'b'"):
            ThriftOperations(script, limit).insert_rows(
                layout, {'k': {'a': 'x' * 100}, 'l': {'b': 5}}, 1, None, ONE)
    assert script.requests == []


def test_divided_counters_keep_their_retry(oracle, counters):
    script = Script(oracle)
    rows = {'k': {f'c{number}': number for number in range(9)}}
    ThriftOperations(script, 150).insert_rows(counters, rows, 0, None, ONE, retry=False)
    assert len(script.requests) > 1
    assert not any(request.retry for request in script.requests)


# --- mutate ------------------------------------------------------------------------------------------------------

def test_nothing_pending_is_no_request(oracle):
    for atomic in (False, True):
        script = Script(oracle)
        ThriftOperations(script).mutate([], ONE, atomic)
        assert script.requests == []


def test_one_request_of_several_families(oracle, layout, counters):
    script = Script(oracle)
    pending = [entry(layout, 'k', {'a': '1'}), entry(counters, 'k', {'c': 2}), entry(layout, 'k', {'b': '3'})]
    ThriftOperations(script).mutate(pending, ONE)
    assert pending == []
    request, = script.requests
    assert request.written == [(b'k', 'Standard1', b'a', b'1'), (b'k', 'Standard1', b'b', b'3'),
                               (b'k', 'Counter1', b'c', 2)]


MANY = {f'name{number}': 'v' * (10 * number) for number in range(12)}


@given(entries=st.lists(st.tuples(st.sampled_from(['k', 'l', 'm']), st.dictionaries(
    st.text(min_size=1, max_size=5), st.text(max_size=40), max_size=6)), max_size=8), limit=st.integers(250, 700))
def test_pending_is_divided_below_the_limit_and_in_order(oracle, layout, entries, limit):
    script = Script(oracle)
    pending = [entry(layout, key, columns) for key, columns in entries]
    ThriftOperations(script, limit).mutate(pending, ONE)
    assert pending == []
    assert all(request.size <= limit for request in script.requests)
    by_key = {}
    for key, _, name, value in everything(script.requests):
        by_key.setdefault(key, []).append((name, value))
    expected = {}
    for key, columns in entries:
        if columns:
            expected.setdefault(key.encode(), []).extend(
                (name.encode(), value.encode()) for name, value in columns.items())
    assert by_key == expected


def test_requests_are_filled(oracle, layout):
    """No more requests than the sizes ask for, twice over at most."""
    script = Script(oracle)
    pending = [entry(layout, f'key{number}', {'name': 'v' * 50}) for number in range(200)]
    total = len(pycassa.codec.encode_batch(1, [(each.family, each.key, each.count, each.data) for each in pending], 1))
    ThriftOperations(script, 2000).mutate(pending, ONE)
    assert total / 2000 <= len(script.requests) <= total / 1000


def test_an_entry_divided_keeps_its_source(oracle, layout):
    source = object()
    script = Script(oracle, {}, CallTimeout('slow'))
    pending = [entry(layout, 'k', MANY, source)]
    with pytest.raises(CallTimeout):
        ThriftOperations(script, 400).mutate(pending, ONE)
    assert pending
    assert all(each.source is source and each.key == b'k' for each in pending)


@pytest.mark.parametrize('failing', range(4))
@pytest.mark.parametrize('error', [CallTimeout('slow'), {'te': TimedOutException()},
                                   {'ire': InvalidRequestException(why='no')}, KeyboardInterrupt()])
def test_what_was_not_acknowledged_stays_pending_and_can_be_sent_again(oracle, layout, failing, error):
    answers = [{}] * failing + [error]
    script = Script(oracle, *answers)
    operations = ThriftOperations(script, 400)
    pending = [entry(layout, 'a', MANY), entry(layout, 'b', MANY)]
    with pytest.raises((PycassaError, KeyboardInterrupt)):
        operations.mutate(pending, ONE)
    assert len(script.requests) == failing + 1
    acknowledged = everything(script.requests[:failing])
    before = len(script.requests)
    operations.mutate(pending, ONE)
    assert pending == []
    repeated = script.requests[before:]
    assert repeated[0].written == script.requests[failing].written
    assert acknowledged + everything(repeated) == [
        (key, 'Standard1', name.encode(), value.encode()) for key in (b'a', b'b') for name, value in MANY.items()]


def test_a_mutation_that_is_too_large_stops_everything_before_the_first_byte(oracle, layout):
    script = Script(oracle)
    pending = [entry(layout, 'first', MANY), entry(layout, 'big', {'small': 'x', 'huge': 'v' * 500, 'other': 'y'})]
    before = list(pending)
    with pytest.raises(MutationTooLarge, match="family 'Standard1', row b'big', column b'huge', is above what "
                                               'max_request_bytes=400') as caught:
        ThriftOperations(script, 400).mutate(pending, ONE)
    assert isinstance(caught.value, RequestTooLarge)
    assert script.requests == []
    assert pending == before


def test_too_large_super_columns_counters_and_deletions_are_named_as_far_as_they_have_names(oracle, layout):
    codec = pycassa.codec
    text = codec.scalar('UTF8Type')
    supers = codec.Layout('Super1', key=text, name=text, value=text, super_name=text)
    count, data = codec.encode_insertions(supers, 'k', {'wide': {'a': 'v' * 500}}, 1, None)
    deletion = codec.encode_deletion(1, None, codec.encode_names_predicate([b'n' * 500]))
    for mutations, match in ((Mutations(b'Super1', b'k', count, data), "row b'k', column b'wide', is above"),
                             (Mutations(b'Super1', b'k', 1, deletion), "row b'k', column b'nnn.*, is above"),
                             (Mutations(b'Super1', b'k' * 500, 0, b''), 'is above what')):
        script = Script(oracle)
        with pytest.raises(MutationTooLarge, match=match):
            ThriftOperations(script, 300).mutate([mutations], ONE)
        assert script.requests == []


@pytest.mark.parametrize('limit', [200, 400, 1000])
def test_a_mutation_of_just_the_size_that_fits(oracle, layout, limit):
    """Up to the size that MutationTooLarge tells, a mutation is sent, and the request is within the limit."""
    for size in range(limit):
        script = Script(oracle)
        try:
            ThriftOperations(script, limit).mutate([entry(layout, 'k', {'n': 'v' * size})], ONE)
        except MutationTooLarge:
            break
        request, = script.requests
        assert request.size <= limit
    else:
        pytest.fail('no size was too large')
    assert limit - request.size < 10


def test_atomic_batches_are_one_request_or_none(oracle, layout):
    script = Script(oracle)
    pending = [entry(layout, 'a', MANY), entry(layout, 'b', MANY)]
    before = list(pending)
    with pytest.raises(RequestTooLarge, match='an atomic batch of .* without losing its atomicity') as caught:
        ThriftOperations(script, 400).mutate(pending, ONE, atomic=True)
    assert not isinstance(caught.value, MutationTooLarge)
    assert (script.requests, pending) == ([], before)
    ThriftOperations(script).mutate(pending, ONE, atomic=True, retry=False)
    request, = script.requests
    assert (request.method, request.retry, pending) == ('atomic_batch_mutate', False, [])
    assert len(request.written) == 2 * len(MANY)


def test_an_atomic_batch_counts_by_its_merged_size(oracle, layout):
    """Many entries of one key share its head; their upper bounds must not refuse a batch that fits."""
    pending = [entry(layout, 'the same long key ' * 5, {f'n{number}': 'v'}) for number in range(50)]
    exact = len(pycassa.codec.encode_batch(
        1, [(each.family, each.key, each.count, each.data) for each in pending], ONE, True)) - 4
    script = Script(oracle)
    ThriftOperations(script, exact).mutate(pending, ONE, atomic=True)
    assert [request.size for request in script.requests] == [exact]


# --- calls through methods that take objects ---------------------------------------------------------------------

def test_call_by_objects(oracle, layout):
    """A user's wrapper around a Thrift method sees the bindings' objects, and its result is converted."""
    seen = []

    class ByObjects:
        def execute_call(self, call):
            def function(*arguments):
                seen.append((call.method, arguments))
                answer = {'get': COLUMNS[0], 'get_slice': COLUMNS, 'get_count': 0,
                          'multiget_slice': {b'k': COLUMNS}}.get(call.method)
                if isinstance(answer, BaseException):
                    raise answer
                return answer
            return call_by_objects(call, function)

    operations = ThriftOperations(ByObjects())
    assert operations.get(layout, b'k', None, b'a', ONE, dict, 0) == ('a', '1')
    method, (key, path, level) = seen.pop()
    assert (method, key, path.column, path.column_family, level) == ('get', b'k', b'a', 'Standard1', ONE)
    assert operations.get_slice(layout, b'k', None, Slice(b'a'), ONE, dict, 0) == {'a': '1', 'b': '2'}
    method, (key, parent, predicate, level) = seen.pop()
    assert (parent.column_family, predicate.slice_range.start) == ('Standard1', b'a')
    assert operations.get_count(layout, b'k', None, Slice(), ONE) == 0
    assert operations.multiget_slice(layout, [b'k'], None, Slice(), ONE, dict, 0) == {b'k': {'a': '1', 'b': '2'}}
    seen.clear()
    operations.insert_rows(layout, {'k': {'a': '1'}}, 5, 60, QUORUM)
    method, (mutation_map, level) = seen.pop()
    column = mutation_map[b'k']['Standard1'][0].column_or_supercolumn.column
    assert (method, column, level) == ('batch_mutate', Column(b'a', b'1', 5, 60), QUORUM)
    with pytest.raises(ProtocolError, match='neither a result nor an exception'):
        operations.multiget_count(layout, [b'k'], None, Slice(), ONE)


def test_call_by_objects_lets_exceptions_through():
    call = Call('truncate', 1, pycassa.codec.encode_truncate(1, 'F'), lambda reply: None, False)
    for error in (NotFoundException(), InvalidRequestException(why='no'), ZeroDivisionError()):
        def function(name, error=error):
            assert name == 'F'
            raise error
        with pytest.raises(type(error)) as caught:
            call_by_objects(call, function)
        assert caught.value is error
