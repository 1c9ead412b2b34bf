"""What a cluster may be asked for, and what its servers are configured to by that."""
import json
import pathlib

import pytest

from . import configuration, matrix
from .configuration import Place, settings, token
from .options import RELEASES, BadSpec, Options, Spec

PLACE = Place(2, '127.9.9.2', '127.9.9.1', pathlib.Path('/data/node2'))


def of(text):
    return settings(Spec.parse(text), PLACE, pathlib.Path('/data/tls'))


@pytest.mark.parametrize('text, release, nodes, options', [
    ('3.11', '3.11.19', 1, {}),
    ('2.1.15', '2.1.15', 1, {}),
    ('1.2x3', '1.2.19', 3, {}),
    ('2.0.9x12', '2.0.9', 12, {}),
    ('2.1,partitioner=Random,rpc=hsha', '2.1.22', 1, {'partitioner': 'RandomPartitioner', 'rpc': 'hsha'}),
    ('2.1,partitioner=ByteOrderedPartitioner', '2.1.22', 1, {'partitioner': 'ByteOrderedPartitioner'}),
    ('3.0x3, auth, tls', '3.0.29', 3, {'auth': True, 'tls': True}),
    ('2.2,native=off,durable,heap=1g,timeout=2.5', '2.2.19', 1,
     {'native': False, 'durable': True, 'heap': '1g', 'timeout': 2.5}),
    ('3.11,auth=off,rpc=sync,partitioner=Murmur3', '3.11.19', 1, {})])
def test_texts(text, release, nodes, options):
    spec = Spec.parse(text)
    assert (spec.release, spec.nodes, spec.options) == (release, nodes, Options(**options))
    assert spec.options.chosen() == options
    assert Spec.parse(str(spec)) == spec


@pytest.mark.parametrize('text, problem', [
    ('', 'begins with no series'), ('x3', 'begins with no series'), ('3.11x', 'begins with no series'),
    ('4.0', 'none of the series'), ('3', 'begins with no series'), ('3.11x0', '1 to 100 nodes'),
    ('2.1,rpc=threaded', "no Thrift server 'threaded'"), ('2.1,partitioner=Murmur', 'no partitioner'),
    ('2.1,tls,rpc=hsha', 'no TLS'), ('2.1,tsl', "no option 'tsl'"), ('2.1,', "no option ''"),
    ('2.1,users=a', 'no option'), ('2.1,heap=384', 'no size'), ('2.1,timeout=0', 'not above 0'),
    ('2.1,timeout=soon', 'could not convert'), ('2.1,auth=maybe', 'neither on nor off')])
def test_texts_that_name_no_cluster(text, problem):
    with pytest.raises(BadSpec) as caught:
        Spec.parse(text)
    assert problem in str(caught.value) and 'SERIES[xNODES]' in str(caught.value)


def test_users_need_access_control():
    with pytest.raises(ValueError, match='users need auth'):
        Options(users={'alice': 'secret'})


def test_all_that_the_matrix_runs_on_can_be_asked_for():
    specs = [Spec.parse(text) for text in matrix.SPECS]
    assert {(spec.series, spec.nodes) for spec in specs} >= {(series, nodes) for series in RELEASES for nodes in (1, 3)}
    assert {spec.options.partitioner for spec in specs} == {f'{name}Partitioner' for name in
                                                            ('Murmur3', 'Random', 'ByteOrdered')}
    for option in ('auth', 'tls'):
        assert any(getattr(spec.options, option) for spec in specs)
    assert {spec.options.rpc for spec in specs} == {'sync', 'hsha'}


# What a release does not know ends its start; what only some know is here.
KNOWN = {
    'memtable_total_space_in_mb': ('1.2', '2.0'), 'flush_largest_memtables_at': ('1.2',),
    'file_cache_size_in_mb': ('2.0', '2.1', '2.2', '3.0', '3.11'),
    'cas_contention_timeout_in_ms': ('2.0', '2.1', '2.2', '3.0', '3.11'),
    'counter_write_request_timeout_in_ms': ('2.1', '2.2', '3.0', '3.11'),
    'memtable_allocation_type': ('2.1', '2.2', '3.0', '3.11'), 'hints_directory': ('3.0', '3.11'),
    'cdc_raw_directory': ('3.11',)}


@pytest.mark.parametrize('series', RELEASES)
def test_settings_by_release(series):
    found = of(series)
    assert {name for name, releases in KNOWN.items() if series in releases} == KNOWN.keys() & found.keys()
    assert found['listen_address'] == found['rpc_address'] == '127.9.9.2'
    assert found['seed_provider'][0]['parameters'] == [{'seeds': '127.9.9.1'}]
    assert found['authenticator'] == 'AllowAllAuthenticator' and 'client_encryption_options' not in found
    assert (found['rpc_port'], found['native_transport_port'], found['storage_port']) == (9160, 9042, 7000)


def test_every_path_is_in_the_node_s_folder():
    paths = [value for name, value in of('3.11').items() if name.endswith(('directory', 'directories'))]
    assert len(paths) == 5
    assert all(path.startswith('/data/node2/') for value in paths
               for path in (value if isinstance(value, list) else [value]))


def test_options_become_settings():
    found = of('2.1x3,partitioner=Random,rpc=hsha,native=off,durable,timeout=2')
    assert found['partitioner'] == 'org.apache.cassandra.dht.RandomPartitioner'
    assert found['rpc_server_type'] == 'hsha' and found['start_native_transport'] is False
    assert found['commitlog_sync'] == 'batch' and 'commitlog_sync_period_in_ms' not in found
    timeouts = {value for name, value in found.items() if name.endswith('request_timeout_in_ms')}
    assert timeouts == {2000, 6000} and found['truncate_request_timeout_in_ms'] == 6000
    assert found['cas_contention_timeout_in_ms'] == 2000


@pytest.mark.parametrize('series, roles', [('2.1', False), ('2.2', True)])
def test_access_control(series, roles):
    found = of(f'{series},auth,tls')
    assert (found['authenticator'], found['authorizer']) == ('PasswordAuthenticator', 'CassandraAuthorizer')
    assert found['permissions_validity_in_ms'] == 0 and ('roles_validity_in_ms' in found) == roles
    tls = found['client_encryption_options']
    assert tls['enabled'] and tls['require_client_auth'] and tls['truststore'] == '/data/tls/ca.jks'


def test_settings_of_the_caller_come_last_and_none_takes_one_out():
    spec = Spec('2.1', options=Options(settings={'phi_convict_threshold': 5, 'rpc_min_threads': None, 'rpc_port': 1}))
    found = settings(spec, PLACE)
    assert found['phi_convict_threshold'] == 5 and found['rpc_port'] == 1 and 'rpc_min_threads' not in found


@pytest.mark.parametrize('partitioner, first, last', [
    ('Murmur3Partitioner', 2**63 // 3 - 2**63, 5 * 2**63 // 3 - 2**63), ('RandomPartitioner', 0, 2 * 2**127 // 3),
    ('ByteOrderedPartitioner', '0000', 'aaaa')])
def test_tokens_share_the_ring_evenly(partitioner, first, last):
    assert [token(partitioner, number, 3) for number in (1, 3)] == [str(first), str(last)]
    assert token('Murmur3Partitioner', 1, 1) == '0'


def test_written_configuration(tmp_path):
    place = PLACE._replace(folder=tmp_path)
    spec = Spec.parse('3.11,heap=512m')
    conf = configuration.write(spec, place)
    assert json.loads((conf / 'cassandra.yaml').read_text()) == settings(spec, place)
    jars = tmp_path / 'jars'
    jars.mkdir()
    (jars / 'jamm-0.3.0.jar').touch()
    arguments = configuration.arguments(spec, place, jars)
    assert '-Xmx512m' in arguments and f'-javaagent:{jars}/jamm-0.3.0.jar' in arguments
    assert f'-Dcassandra.config={(conf / "cassandra.yaml").as_uri()}' in arguments
    assert arguments[-2:] == [f'{conf}:{jars}/*', 'org.apache.cassandra.service.CassandraDaemon']
    assert not [argument for argument in arguments if 'jmx' in argument]
