"""Definitions are read as the server reported them, and go back with whatever they carried."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from pycassa.cassandra import Cassandra
from pycassa.cassandra.ttypes import CfDef, ColumnDef, InvalidRequestException, KsDef, NotFoundException, TriggerDef
from pycassa.definitions import call_schema, describe_keyspace
from pycassa.errors import ApplicationError, ProtocolError


class Scripted:
    """An executor that answers with `write(protocol)`, and keeps the frames it was given."""

    def __init__(self, write, method=None, seqid=None, kind=TMessageType.REPLY):
        self.write, self.method, self.seqid, self.kind = write, method, seqid, kind
        self.calls = []

    def execute_call(self, call, deadline=None):
        self.calls.append(call)
        return call.decode(self.reply(call))

    def reply(self, call):
        output = TBinaryProtocol(TMemoryBuffer())
        seqid = call.seqid if self.seqid is None else self.seqid
        output.writeMessageBegin(self.method or call.method, self.kind, seqid)
        self.write(output)
        return output.trans.getvalue()


def answer(definition):
    return lambda output: Cassandra.describe_keyspace_result(success=definition).write(output)


def sent_argument(call):
    """The bytes of the argument struct of a call, without its message header."""
    return call.frame[4 + 4 + 4 + len(call.method) + 4:]


def bare_family(**fields):
    family = CfDef(keyspace='K', name='F')
    for name in ('column_type', 'comparator_type', 'caching', 'dclocal_read_repair_chance', 'speculative_retry',
                 'cells_per_row_to_cache'):
        setattr(family, name, None)
    for name, value in fields.items():
        setattr(family, name, value)
    return family


def keyspace_of(*families):
    return KsDef(name='K', strategy_class='S', strategy_options={'replication_factor': '1'}, cf_defs=list(families))


def test_fields_that_the_server_left_out_are_none_and_stay_out():
    executor = Scripted(answer(keyspace_of(bare_family(comment='c'))))
    family = describe_keyspace(executor, 'K').cf_defs[0]
    assert family == bare_family(comment='c')
    call_schema(Scripted(lambda output: Cassandra.system_update_column_family_result(success='v').write(output)),
                'system_update_column_family', family)
    assert vars(KsDef(name='K', strategy_class='S', cf_defs=[]))['durable_writes'] is True
    undecided = keyspace_of()
    undecided.durable_writes = None
    assert describe_keyspace(Scripted(answer(undecided)), 'K').durable_writes is None


texts = st.text(max_size=8)
options = st.dictionaries(texts, texts, max_size=3)
columns = st.builds(ColumnDef, name=st.binary(max_size=8), validation_class=texts,
                    index_type=st.none() | st.integers(0, 2), index_name=st.none() | texts,
                    index_options=st.none() | options)
families = st.builds(bare_family, comment=texts, gc_grace_seconds=st.integers(-2 ** 31, 2 ** 31 - 1),
                     read_repair_chance=st.floats(0, 1), replicate_on_write=st.booleans(), key_alias=st.binary(),
                     column_metadata=st.none() | st.lists(columns, max_size=3), compression_options=options,
                     triggers=st.lists(st.builds(TriggerDef, name=texts, options=options), max_size=2),
                     speculative_retry=st.none() | texts)


@given(st.lists(families, max_size=3))
def test_reads_what_thrift_writes(definitions):
    keyspace = keyspace_of(*definitions)
    executor = Scripted(answer(keyspace))
    assert describe_keyspace(executor, 'K') == keyspace
    assert executor.calls[0].retry is True


@given(families)
def test_writes_what_thrift_writes(family):
    executor = Scripted(lambda output: Cassandra.system_update_column_family_result(success='version').write(output))
    assert call_schema(executor, 'system_update_column_family', family) == 'version'
    expected = TBinaryProtocol(TMemoryBuffer())
    Cassandra.system_update_column_family_args(cf_def=family).write(expected)
    assert sent_argument(executor.calls[0]) == expected.trans.getvalue()
    assert executor.calls[0].retry is False


class Newer:
    """A struct with fields that the interface does not know, among those that it does."""

    def __init__(self, struct, *unknown):
        self.struct, self.unknown = struct, unknown

    def write(self, output):
        known = TMemoryBuffer()
        self.struct.write(TBinaryProtocol(known))
        output.trans.write(known.getvalue()[:-1])
        for ttype, field, write, value in self.unknown:
            output.writeFieldBegin('', ttype, field)
            getattr(output, write)(value)
        output.writeFieldStop()


def encoded(struct):
    output = TBinaryProtocol(TMemoryBuffer())
    struct.write(output)
    return output.trans.getvalue()


def test_fields_that_the_interface_does_not_know_go_back():
    column = Newer(ColumnDef(name=b'c', validation_class='T'), (TType.STRING, 77, 'writeString', 'masked'))
    family = Newer(bare_family(comment='old', column_metadata=[column]), (TType.I32, 99, 'writeI32', 7),
                   (TType.BOOL, 100, 'writeBool', True))
    read = describe_keyspace(Scripted(answer(keyspace_of(family))), 'K').cf_defs[0]
    read.comment = 'new'
    executor = Scripted(lambda output: Cassandra.system_update_column_family_result(success='v').write(output))
    call_schema(executor, 'system_update_column_family', read)
    family.struct.comment = 'new'
    assert encoded(family)[:-1] in sent_argument(executor.calls[0])
    assert b'masked' in sent_argument(executor.calls[0])


@pytest.mark.parametrize('error', [NotFoundException(), InvalidRequestException(why='no')])
def test_declared_exceptions(error):
    field = 'nfe' if isinstance(error, NotFoundException) else 'ire'
    fields = {spec[2]: spec[3][0] for spec in Cassandra.describe_keyspace_result.thrift_spec if spec}
    field = next(name for name, kind in fields.items() if kind is type(error))
    executor = Scripted(lambda output: Cassandra.describe_keyspace_result(**{field: error}).write(output))
    with pytest.raises(type(error)) as caught:
        call_schema(executor, 'describe_keyspace', 'K')
    assert caught.value == error


def test_application_errors():
    error = TApplicationException(TApplicationException.INTERNAL_ERROR, 'broken')
    with pytest.raises(ApplicationError, match='broken') as caught:
        describe_keyspace(Scripted(error.write, kind=TMessageType.EXCEPTION), 'K')
    assert caught.value.type == TApplicationException.INTERNAL_ERROR
    with pytest.raises(ApplicationError, match='unknown result') as caught:
        describe_keyspace(Scripted(answer(None)), 'K')
    assert caught.value.type == TApplicationException.MISSING_RESULT


@pytest.mark.parametrize('wrong', [{'method': 'describe_ring'}, {'seqid': 0}, {'kind': TMessageType.CALL}])
def test_the_reply_to_another_call_is_refused(wrong):
    with pytest.raises(ProtocolError, match='describe_keyspace'):
        describe_keyspace(Scripted(answer(keyspace_of()), **wrong), 'K')


def test_replies_cut_anywhere_are_refused():
    executor = Scripted(answer(keyspace_of(bare_family(comment='c', column_metadata=[
        ColumnDef(name=b'c', validation_class='T')]))))
    describe_keyspace(executor, 'K')
    call = executor.calls[0]
    reply = executor.reply(call)
    for end in range(len(reply)):
        with pytest.raises(ProtocolError):
            call.decode(reply[:end])
    with pytest.raises(ProtocolError):
        call.decode(reply + b'\0')
