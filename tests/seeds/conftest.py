"""What the seed documents' examples run on: the embedded server's demo schema, or its like on a real server."""
from typing import Iterator, List, NamedTuple

import pytest

import pycassa
from pycassa.cassandra.ttypes import CfDef, ColumnDef


class Documents(NamedTuple):
    """Where the examples run. Real servers refuse names with spaces, so there they carry underscores."""

    kind: str
    servers: List[str]
    keyspace: str
    standard: str
    super: str


def family(keyspace: str, name: str, kind: str) -> CfDef:
    """A family as the demo schema has it: text everywhere, but bytes in `float_column`."""
    subcomparator = 'UTF8Type' if kind == 'Super' else None
    return CfDef(keyspace=keyspace, name=name, column_type=kind, comparator_type='UTF8Type',
                 subcomparator_type=subcomparator, key_validation_class='UTF8Type',
                 default_validation_class='UTF8Type',
                 column_metadata=[ColumnDef(name=b'float_column', validation_class='BytesType')])


@pytest.fixture
def documents(server, request) -> Iterator[Documents]:
    if server.kind == 'embedded':
        from pycassa.embedded import EmbeddedServer
        with EmbeddedServer(profile=server.profile, schema='demo') as demo:
            yield Documents('embedded', [demo.address], 'Keyspace1', 'Test ColumnFamily', 'Test SuperColumnFamily')
        return
    keyspace, raw_client = request.getfixturevalue('keyspace'), request.getfixturevalue('raw_client')
    for name, kind in (('Test_ColumnFamily', 'Standard'), ('Test_SuperColumnFamily', 'Super')):
        raw_client.system_add_column_family(family(keyspace, name, kind))
    yield Documents('real', [server.address], keyspace, 'Test_ColumnFamily', 'Test_SuperColumnFamily')


@pytest.fixture(params=['first', 'later', 'thread-local', 'pool'])
def client(request, documents):
    """What the documents hand to ColumnFamily: the first one's connect(servers), the later one's, and a pooled one."""
    if request.param == 'first':
        connected = pycassa.connect(documents.servers, timeout=30)
    elif request.param == 'later':
        connected = pycassa.connect(documents.keyspace, documents.servers, timeout=30)
    elif request.param == 'thread-local':
        connected = pycassa.connect_thread_local(documents.keyspace, documents.servers, timeout=30)
    else:
        pool = pycassa.QueuePool(keyspace=documents.keyspace, server_list=documents.servers, timeout=30)
        connected = pool.get()
        yield connected
        connected.return_to_pool()
        pool.dispose()
        return
    yield connected
    connected.close()


@pytest.fixture
def cf(client, documents):
    return pycassa.ColumnFamily(client, documents.standard)


@pytest.fixture
def scf(client, documents):
    return pycassa.ColumnFamily(client, documents.super, super=True)
