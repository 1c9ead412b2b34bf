"""What `from pycassa.system_manager import *` gives, and the values of the constants."""
import inspect

import pytest

from pycassa import system_manager, types
from pycassa.cassandra.ttypes import IndexType


def test_star_import():
    names = {}
    exec('from pycassa.system_manager import *', names)
    assert set(names) - {'__builtins__'} == {
        'SystemManager', 'SIMPLE_STRATEGY', 'NETWORK_TOPOLOGY_STRATEGY', 'OLD_NETWORK_TOPOLOGY_STRATEGY', 'KEYS_INDEX',
        'BYTES_TYPE', 'LONG_TYPE', 'INT_TYPE', 'ASCII_TYPE', 'UTF8_TYPE', 'TIME_UUID_TYPE', 'LEXICAL_UUID_TYPE',
        'COUNTER_COLUMN_TYPE', 'DOUBLE_TYPE', 'FLOAT_TYPE', 'DECIMAL_TYPE', 'BOOLEAN_TYPE', 'DATE_TYPE', 'KsDef',
        'CfDef', 'ColumnDef', 'IndexType', 'SchemaDisagreementException', 'Connection', 'default_socket_factory',
        'default_transport_factory'}


@pytest.mark.parametrize('name, kind', [
    ('BYTES_TYPE', 'BytesType'), ('LONG_TYPE', 'LongType'), ('INT_TYPE', 'IntegerType'), ('ASCII_TYPE', 'AsciiType'),
    ('UTF8_TYPE', 'UTF8Type'), ('TIME_UUID_TYPE', 'TimeUUIDType'), ('LEXICAL_UUID_TYPE', 'LexicalUUIDType'),
    ('COUNTER_COLUMN_TYPE', 'CounterColumnType'), ('DOUBLE_TYPE', 'DoubleType'), ('FLOAT_TYPE', 'FloatType'),
    ('DECIMAL_TYPE', 'DecimalType'), ('BOOLEAN_TYPE', 'BooleanType'), ('DATE_TYPE', 'DateType'),
])
def test_type_constants(name, kind):
    constant = getattr(system_manager, name)
    assert type(constant) is getattr(types, kind)
    assert constant == kind


def test_other_constants():
    assert system_manager.KEYS_INDEX == IndexType.KEYS == 0
    assert (system_manager.SIMPLE_STRATEGY, system_manager.NETWORK_TOPOLOGY_STRATEGY,
            system_manager.OLD_NETWORK_TOPOLOGY_STRATEGY) == (
                'SimpleStrategy', 'NetworkTopologyStrategy', 'OldNetworkTopologyStrategy')


def test_signatures_of_1_11():
    def positional(function):
        return [name for name, each in inspect.signature(function).parameters.items()
                if each.kind is each.POSITIONAL_OR_KEYWORD and name != 'self']

    manager = system_manager.SystemManager
    assert positional(manager) == ['server', 'credentials', 'framed_transport', 'timeout', 'socket_factory',
                                   'transport_factory']
    assert positional(manager.create_keyspace) == ['name', 'replication_strategy', 'strategy_options',
                                                   'durable_writes']
    assert positional(manager.alter_keyspace) == ['keyspace', 'replication_strategy', 'strategy_options',
                                                  'durable_writes']
    assert positional(manager.create_column_family) == ['keyspace', 'name', 'column_validation_classes']
    assert positional(manager.alter_column_family) == ['keyspace', 'column_family', 'column_validation_classes']
    assert positional(manager.create_index) == ['keyspace', 'column_family', 'column', 'value_type', 'index_type',
                                                'index_name']
