"""Fixtures of the tests of variants."""
import pytest

from pycassa.cassandra.ttypes import CfDef


@pytest.fixture
def family(raw_client, keyspace):
    """The name of an empty family of texts."""
    raw_client.system_add_column_family(CfDef(keyspace=keyspace, name='F', comparator_type='UTF8Type',
                                              default_validation_class='UTF8Type', key_validation_class='UTF8Type'))
    return 'F'
