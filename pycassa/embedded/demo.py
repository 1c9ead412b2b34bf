"""The demo schema: the keyspace and column families that the documents' examples use."""
from typing import List

from pycassa.cassandra.ttypes import CfDef, ColumnDef, KsDef
from pycassa.embedded.node import Node

__all__ = ['KEYSPACE', 'create_demo']

KEYSPACE = 'Keyspace1'
_STANDARD = ('Standard1', 'Test ColumnFamily')
_SUPER = ('Super1', 'Test SuperColumnFamily')


def create_demo(engine: Node) -> None:
    """Create keyspace `Keyspace1` with Standard1, Super1, 'Test ColumnFamily' and 'Test SuperColumnFamily'.

    Keys, names, subcolumn names and values are UTF8Type. The column `float_column` is BytesType: the class mapper of
    the documents stores a double there. No schema call could create the names with spaces.
    """
    families = [_family(name, False) for name in _STANDARD] + [_family(name, True) for name in _SUPER]
    engine.add_keyspace(KsDef(name=KEYSPACE, strategy_class='SimpleStrategy',
                              strategy_options={'replication_factor': '1'}, cf_defs=families), any_name=True)


def _family(name: str, is_super: bool) -> CfDef:
    columns: List[ColumnDef] = [ColumnDef(name=b'float_column', validation_class='BytesType')]
    return CfDef(keyspace=KEYSPACE, name=name, column_type='Super' if is_super else 'Standard',
                 comparator_type='UTF8Type', subcomparator_type='UTF8Type' if is_super else None,
                 key_validation_class='UTF8Type', default_validation_class='UTF8Type', column_metadata=columns)
