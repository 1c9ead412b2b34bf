"""What a server is started with: its cassandra.yaml, its logging and the arguments of its JVM, by release."""
import json
import pathlib
from typing import Any, Dict, List, NamedTuple, Optional

from .addresses import PORTS
from .options import Spec

STORE_PASSWORD = 'tests-only'
# With these, Java 8 and 11 agree with every OpenSSL that has TLS 1.2.
CIPHERS = ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384']

LOG4J = """\
log4j.rootLogger=INFO,stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%5p [%t] %d{ISO8601} %F (line %L) %m%n
log4j.logger.org.apache.thrift.server.TNonblockingServer=ERROR
"""
LOGBACK = """\
<configuration>
  <appender name="stdout" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="stdout"/></root>
  <logger name="com.thinkaurelius.thrift" level="ERROR"/>
</configuration>
"""


class Place(NamedTuple):
    """Where a node is: its number from 1, its address, that of node 1, and its folder."""

    number: int
    host: str
    seed: str
    folder: pathlib.Path


def token(partitioner: str, number: int, nodes: int) -> str:
    """The token with which node `number` has its even share of the ring.

    None has the least token of Murmur3: Cassandra 3.11 then begins ranges without a start with the last node's rows.
    """
    before = number - 1
    if partitioner == 'ByteOrderedPartitioner':
        return '%04x' % (before * 0x10000 // nodes)
    if partitioner == 'RandomPartitioner':
        return str(before * 2**127 // nodes)
    return str((2 * before + 1) * 2**63 // nodes - 2**63)


def since(spec: Spec, series: str) -> bool:
    """Whether a release is of this series or a later one."""
    return _ordered(spec.series) >= _ordered(series)


def _ordered(series: str) -> List[int]:
    return [int(part) for part in series.split('.')]


def settings(spec: Spec, place: Place, stores: Optional[pathlib.Path] = None) -> Dict[str, Any]:
    """What cassandra.yaml says, {name: value}. `stores` is the folder of the key stores for TLS."""
    found = {**_ring(spec, place), **_access(spec, stores), **_files(spec, place.folder), **_timeouts(spec),
             **_small(spec), **spec.options.settings}
    return {name: value for name, value in found.items() if value is not None}


def _ring(spec: Spec, place: Place) -> Dict[str, Any]:
    options = spec.options
    return {
        'cluster_name': 'Test Cluster',
        'num_tokens': 1,
        'initial_token': token(options.partitioner, place.number, spec.nodes),
        'partitioner': f'org.apache.cassandra.dht.{options.partitioner}',
        # Every node begins empty: nothing streams, nobody waits for the ring.
        'auto_bootstrap': False,
        'endpoint_snitch': 'SimpleSnitch',
        'dynamic_snitch': False,
        'seed_provider': [{'class_name': 'org.apache.cassandra.locator.SimpleSeedProvider',
                           'parameters': [{'seeds': place.seed}]}],
        'listen_address': place.host,
        'storage_port': PORTS['storage'],
        'ssl_storage_port': PORTS['storage by TLS'],
        'start_rpc': True,
        'rpc_address': place.host,
        'rpc_port': PORTS['thrift'],
        'rpc_server_type': options.rpc,
        'rpc_min_threads': 4,
        'rpc_max_threads': 128,
        'thrift_framed_transport_size_in_mb': 15,
        'start_native_transport': options.native,
        'native_transport_port': PORTS['native'],
    }


def _access(spec: Spec, stores: Optional[pathlib.Path]) -> Dict[str, Any]:
    options = spec.options
    found: Dict[str, Any] = {
        'authenticator': 'PasswordAuthenticator' if options.auth else 'AllowAllAuthenticator',
        'authorizer': 'CassandraAuthorizer' if options.auth else 'AllowAllAuthorizer',
    }
    if options.auth:
        # What was granted or changed holds at once.
        found['permissions_validity_in_ms'] = 0
        if since(spec, '2.2'):
            found['roles_validity_in_ms'] = 0
        if since(spec, '3.11'):
            found['credentials_validity_in_ms'] = 0
    if options.tls:
        if stores is None:
            raise ValueError('TLS needs key stores')
        found['client_encryption_options'] = {
            'enabled': True, 'require_client_auth': True, 'protocol': 'TLS', 'cipher_suites': CIPHERS,
            'keystore': str(stores / 'server.jks'), 'keystore_password': STORE_PASSWORD,
            'truststore': str(stores / 'ca.jks'), 'truststore_password': STORE_PASSWORD,
        }
    return found


def _files(spec: Spec, folder: pathlib.Path) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        'data_file_directories': [str(folder / 'data')],
        'commitlog_directory': str(folder / 'commitlog'),
        'saved_caches_directory': str(folder / 'saved_caches'),
        'commitlog_segment_size_in_mb': 32,
        'commitlog_total_space_in_mb': 128,
        # Without it, each drop and truncate leaves a copy of all data behind.
        'auto_snapshot': False,
        'snapshot_before_compaction': False,
        'incremental_backups': False,
        'trickle_fsync': False,
    }
    if spec.options.durable:
        found.update(commitlog_sync='batch', commitlog_sync_batch_window_in_ms=2)
    else:
        found.update(commitlog_sync='periodic', commitlog_sync_period_in_ms=10000)
    if since(spec, '3.0'):
        found['hints_directory'] = str(folder / 'hints')
    if since(spec, '3.11'):
        found['cdc_raw_directory'] = str(folder / 'cdc_raw')
    return found


def _timeouts(spec: Spec) -> Dict[str, Any]:
    usual = round(spec.options.timeout * 1000)
    names = ['read', 'range', 'write', ''] + (['counter_write'] if since(spec, '2.1') else [])
    found = {f'{name}_request_timeout_in_ms'.lstrip('_'): usual for name in names}
    found['truncate_request_timeout_in_ms'] = 3 * usual
    if since(spec, '2.0'):
        found['cas_contention_timeout_in_ms'] = min(usual, 5000)
    return found


def _small(spec: Spec) -> Dict[str, Any]:
    """For two cores, and a heap of some hundred megabytes."""
    found: Dict[str, Any] = {
        'hinted_handoff_enabled': True,
        'concurrent_reads': 4,
        'concurrent_writes': 8,
        'concurrent_compactors': 1,
        'memtable_flush_writers': 1,
        'compaction_throughput_mb_per_sec': 0,
        'key_cache_size_in_mb': 4,
        'row_cache_size_in_mb': 0,
    }
    if since(spec, '2.1'):
        found.update(memtable_allocation_type='heap_buffers', memtable_heap_space_in_mb=48,
                     memtable_offheap_space_in_mb=48, counter_cache_size_in_mb=1, index_summary_capacity_in_mb=8,
                     sstable_preemptive_open_interval_in_mb=50)
    else:
        found['memtable_total_space_in_mb'] = 48
    if since(spec, '2.0'):
        found['file_cache_size_in_mb'] = 16
    else:
        found.update(reduce_cache_sizes_at=1.0, flush_largest_memtables_at=1.0)
    return found


def write(spec: Spec, place: Place, stores: Optional[pathlib.Path] = None) -> pathlib.Path:
    """Write a node's configuration; gives the folder of it."""
    folder = place.folder / 'conf'
    for path in (folder, place.folder / 'tmp', place.folder / 'triggers'):
        path.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (folder / 'cassandra.yaml').write_text(json.dumps(settings(spec, place, stores), indent=1))
    (folder / 'log4j-server.properties').write_text(LOG4J)
    (folder / 'logback.xml').write_text(LOGBACK)
    return folder


def arguments(spec: Spec, place: Place, jars: pathlib.Path) -> List[str]:
    """The arguments of the JVM of a node whose configuration was written."""
    folder, conf = place.folder, place.folder / 'conf'
    properties = {
        'java.net.preferIPv4Stack': 'true',
        'java.io.tmpdir': folder / 'tmp',
        'cassandra-foreground': 'yes',
        'cassandra.config': (conf / 'cassandra.yaml').as_uri(),
        'cassandra.storagedir': folder,
        'cassandra.logdir': folder,
        'cassandra.triggers_dir': folder / 'triggers',
        'cassandra.boot_without_jna': 'true',
        # Nothing that a cluster on one machine needs to wait for.
        'cassandra.skip_wait_for_gossip_to_settle': 0,
        'cassandra.ring_delay_ms': 2000,
        'cassandra.superuser_setup_delay_ms': 0,
        # Every connection logs in, and a strong hash of the password takes a tenth of a second each time.
        'cassandra.auth_bcrypt_gensalt_log2_rounds': 4,
        'cassandra.shutdown_announce_in_ms': 0,
        'cassandra.load_ring_state': 'false',
        'cassandra.consistent.rangemovement': 'false',
        'logback.configurationFile': conf / 'logback.xml',
        'log4j.configuration': (conf / 'log4j-server.properties').as_uri(),
        'log4j.defaultInitOverride': 'true',
    }
    heap = spec.options.heap
    found = ['-ea', f'-Xms{heap}', f'-Xmx{heap}', '-Xss256k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    found += [f'-D{name}={value}' for name, value in properties.items()]
    # It measures what lies in memory.
    found += [f'-javaagent:{path}' for path in sorted(jars.glob('jamm-*.jar'))]
    found += spec.options.java
    return [*found, '-cp', f'{conf}:{jars}/*', 'org.apache.cassandra.service.CassandraDaemon']
