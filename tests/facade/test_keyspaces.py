"""Families of several keyspaces over one client, as in release 0.3."""
import threading

import pytest

from pycassa.cassandra.ttypes import CfDef, KsDef
from pycassa.columnfamily import ColumnFamily
from pycassa.legacy import connect, connect_thread_local


@pytest.fixture
def two_keyspaces(keyspace, raw_client):
    """Two keyspaces with a family Shared each, and one with families of their own names."""
    other = keyspace + '_2'
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='Shared', comparator_type='UTF8Type'))
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name=f'First_{keyspace}'))
    raw_client.system_add_keyspace(KsDef(
        name=other, strategy_class='SimpleStrategy', strategy_options={'replication_factor': '1'}, cf_defs=[
            CfDef(keyspace=other, name='Shared', comparator_type='UTF8Type'),
            CfDef(keyspace=other, name=f'Second_{keyspace}')]))
    yield keyspace, other
    raw_client.system_drop_keyspace(other)
    raw_client.set_keyspace(keyspace)


def test_clients_without_keyspace_find_families_everywhere(two_keyspaces, server):
    first_keyspace, second_keyspace = two_keyspaces
    client = server.client()
    try:
        first = ColumnFamily(client, f'First_{first_keyspace}')
        second = ColumnFamily(client, f'Second_{first_keyspace}')
        first.insert('k', {'a': '1'})
        second.insert('k', {'a': '2'})
        first.batch().insert('l', {'a': '3'}).send()
        assert first.get('k') == {b'a': b'1'} and second.get('k') == {b'a': b'2'}
        assert list(first.get_range(buffer_size=1)) and len(list(second.get_range())) == 1
        with client.batch() as batch:
            batch.insert(second, 'm', {'a': '4'})
        assert second.get('m') == {b'a': b'4'}
    finally:
        client.close()


@pytest.mark.parametrize('make_client', [connect, connect_thread_local])
def test_threads_do_not_write_into_each_others_keyspace(two_keyspaces, server, make_client):
    client = server.client(make=make_client)
    families = [ColumnFamily(client, name, 'Shared') for name in two_keyspaces]
    errors = []

    def work(family, prefix):
        try:
            for number in range(150):
                family.insert(f'{prefix}{number}', {'a': prefix})
        except Exception as error:  # noqa: BLE001 (shown by the assertion below)
            errors.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(family, prefix)) for family, prefix in zip(families, 'xy')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for family, prefix in zip(families, 'xy'):
        keys = {key.decode() for key, _ in family.get_range(filter_empty=True)}
        assert keys == {f'{prefix}{number}' for number in range(150)}
    client.close()
