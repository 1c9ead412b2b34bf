"""pycassa: the Thrift client of Apache Cassandra 1.2 to 3.11, for Python 3.

    >>> pool = pycassa.ConnectionPool('Keyspace1', ['localhost:9160'])
    >>> cf = pycassa.ColumnFamily(pool, 'Standard1')
    >>> cf.insert('row', {'column': 'value'})
    >>> cf.get('row')
    {'column': 'value'}

The names here are those of release 1.11 and of the older interface (connect(), the five pools, the mapper's column
classes). Submodules hold the rest.
"""
import importlib.util
import pathlib
import sys
from typing import Any, Optional

__version__ = '2.0.0'
__version_info__ = (2, 0, 0)

_HERE = pathlib.Path(__file__).resolve().parent


class _SiblingFinder:
    """Serves pycassa.cassandra and pycassa._speedups from the folders beside a package that was not installed.

    Exactly these two: to extend `__path__` would make every folder beside the package a part of it.
    """

    folders = {'pycassa.cassandra': 'cassandra', 'pycassa._speedups': '_speedups'}

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Optional[Any]:
        folder = cls.folders.get(fullname)
        if folder is None or (_HERE / fullname.rpartition('.')[2]).is_dir():
            return None
        sibling = _HERE.parent / folder
        start = sibling / '__init__.py'
        if not start.is_file():
            return None
        return importlib.util.spec_from_file_location(fullname, start, submodule_search_locations=[str(sibling)])


sys.meta_path.append(_SiblingFinder)

# The finder comes first: what follows needs pycassa.cassandra.
import pycassa.cassandra.constants  # noqa: E402, F401
from pycassa import (  # noqa: E402
    batch,
    cassandra,
    codec,
    columnfamily,
    columnfamilymap,
    connection,
    errors,
    index,
    legacy,
    logging,
    marshal,
    pool,
    system_manager,
    types,
    util,
)
from pycassa.batch import CfMutator, Mutator  # noqa: E402
from pycassa.cassandra.ttypes import (  # noqa: E402
    AuthenticationException,
    AuthorizationException,
    CfDef,
    ColumnDef,
    ConsistencyLevel,
    IndexType,
    InvalidRequestException,
    KsDef,
    NotFoundException,
    SchemaDisagreementException,
    TimedOutException,
    UnavailableException,
)
from pycassa.codec import implementation  # noqa: E402
from pycassa.columnfamily import ColumnFamily, PooledColumnFamily, gm_timestamp  # noqa: E402
from pycassa.columnfamilymap import ColumnFamilyMap  # noqa: E402
from pycassa.connection import Connection, default_socket_factory, default_transport_factory  # noqa: E402
from pycassa.errors import (  # noqa: E402
    AllServersUnavailable,
    InvalidRequestError,
    MaximumRetryException,
    NoConnectionAvailable,
    NoServerAvailable,
    OutcomeUnknown,
    PycassaError,
)
from pycassa.index import EQ, GT, GTE, LT, LTE, create_index_clause, create_index_expression  # noqa: E402
from pycassa.legacy import (  # noqa: E402
    AssertionPool,
    NullPool,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
    connect,
    connect_thread_local,
)
from pycassa.logging.pycassa_logger import PycassaLogger  # noqa: E402
from pycassa.pool import ConnectionPool, ConnectionWrapper, PoolListener  # noqa: E402
from pycassa.system_manager import (  # noqa: E402
    ASCII_TYPE,
    BOOLEAN_TYPE,
    BYTES_TYPE,
    COUNTER_COLUMN_TYPE,
    DATE_TYPE,
    DECIMAL_TYPE,
    DOUBLE_TYPE,
    FLOAT_TYPE,
    INT_TYPE,
    KEYS_INDEX,
    LEXICAL_UUID_TYPE,
    LONG_TYPE,
    NETWORK_TOPOLOGY_STRATEGY,
    OLD_NETWORK_TOPOLOGY_STRATEGY,
    SIMPLE_STRATEGY,
    TIME_UUID_TYPE,
    UTF8_TYPE,
    SystemManager,
)
from pycassa.types import (  # noqa: E402
    Column,
    DateTime,
    DateTimeString,
    Float64,
    FloatString,
    Int64,
    IntString,
    Long,
    String,
)

__all__ = [
    'ASCII_TYPE', 'AllServersUnavailable', 'AssertionPool', 'AuthenticationException', 'AuthorizationException',
    'BOOLEAN_TYPE', 'BYTES_TYPE', 'COUNTER_COLUMN_TYPE', 'CfDef', 'CfMutator', 'Column', 'ColumnDef', 'ColumnFamily',
    'ColumnFamilyMap', 'Connection', 'ConnectionPool', 'ConnectionWrapper', 'ConsistencyLevel', 'DATE_TYPE',
    'DECIMAL_TYPE', 'DOUBLE_TYPE', 'DateTime', 'DateTimeString', 'EQ', 'FLOAT_TYPE', 'Float64', 'FloatString', 'GT',
    'GTE', 'INT_TYPE', 'IndexType', 'Int64', 'IntString', 'InvalidRequestError', 'InvalidRequestException',
    'KEYS_INDEX', 'KsDef', 'LEXICAL_UUID_TYPE', 'LONG_TYPE', 'LT', 'LTE', 'Long', 'MaximumRetryException', 'Mutator',
    'NETWORK_TOPOLOGY_STRATEGY', 'NoConnectionAvailable', 'NoServerAvailable', 'NotFoundException', 'NullPool',
    'OLD_NETWORK_TOPOLOGY_STRATEGY', 'OutcomeUnknown', 'PoolListener', 'PooledColumnFamily', 'PycassaError',
    'PycassaLogger', 'QueuePool', 'SIMPLE_STRATEGY', 'SchemaDisagreementException', 'SingletonThreadPool', 'StaticPool',
    'String', 'SystemManager', 'TIME_UUID_TYPE', 'TimedOutException', 'UTF8_TYPE', 'UnavailableException', 'batch',
    'cassandra', 'codec', 'columnfamily', 'columnfamilymap', 'connect', 'connect_thread_local', 'connection',
    'create_index_clause', 'create_index_expression', 'default_socket_factory', 'default_transport_factory', 'errors',
    'gm_timestamp', 'implementation', 'index', 'legacy', 'logging', 'marshal', 'pool', 'system_manager', 'types',
    'util',
]
