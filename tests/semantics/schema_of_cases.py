"""The keyspace that the cases share: one family of each kind, and one for every comparator."""
from typing import Any, Dict

from outcomes import RELEASES

from pycassa.cassandra.ttypes import CfDef, ColumnDef, IndexType

KEYSPACE = 'Semantics'
COUNTERS = 'CounterColumnType'
LATER = {'TimestampType': '2.0', 'ByteType': '2.2', 'ShortType': '2.2', 'SimpleDateType': '2.2', 'TimeType': '2.2'}
TYPES = ('BytesType', 'AsciiType', 'UTF8Type', 'LongType', 'Int32Type', 'IntegerType', 'UUIDType', 'TimeUUIDType',
         'LexicalUUIDType', 'DateType', 'TimestampType', 'BooleanType', 'FloatType', 'DoubleType', 'DecimalType',
         'InetAddressType', 'ByteType', 'ShortType', 'SimpleDateType', 'TimeType', 'EmptyType')
COMPOSITE = 'CompositeType(LongType,UTF8Type)'
DYNAMIC = ('DynamicCompositeType(b=>BytesType,l=>LongType,L=>ReversedType(LongType),u=>UTF8Type,'
           'U=>ReversedType(UTF8Type))')


def knows(profile: str, type_: str) -> bool:
    """Whether a release has a type of no parameters."""
    return RELEASES.index(profile) >= RELEASES.index(LATER.get(type_, '1.2'))


def is_known(profile: str, fields: Dict[str, Any]) -> bool:
    """Whether a release has every type of a definition."""
    texts = [str(value) for name, value in fields.items() if name.endswith(('type', 'class'))]
    return all(knows(profile, later) for later in LATER if any(later in text for text in texts))


def definition(name: str, **fields: Any) -> CfDef:
    """A CfDef of the shared keyspace with only the given fields set."""
    made = CfDef()
    for spec in CfDef.thrift_spec:
        if spec is not None:
            setattr(made, spec[2], None)
    made.keyspace, made.name = KEYSPACE, name
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def indexed(name: bytes, type_: str = 'BytesType', index_name: Any = None) -> ColumnDef:
    return ColumnDef(name, type_, IndexType.KEYS, index_name)


# B bytes · U text, long keys, `num` a long, `ix` indexed text · S super text/long · C counters · SC super counters ·
# I indexed · V a column of every type · E empty · the others: each filled by the cases of one section
FAMILIES: Dict[str, Dict[str, Any]] = {
    'B': {},
    'U': {'comparator_type': 'UTF8Type', 'default_validation_class': 'UTF8Type', 'key_validation_class': 'LongType',
          'column_metadata': [ColumnDef(b'num', 'LongType'), indexed(b'ix', 'UTF8Type', 'U_ix')]},
    'S': {'column_type': 'Super', 'comparator_type': 'UTF8Type', 'subcomparator_type': 'LongType'},
    'T': {'column_type': 'Super', 'column_metadata': [ColumnDef(b'num', 'LongType')]},
    'C': {'default_validation_class': COUNTERS},
    'SC': {'column_type': 'Super', 'default_validation_class': COUNTERS},
    'I': {'comparator_type': 'UTF8Type', 'column_metadata': [
        indexed(b'state', 'BytesType'), indexed(b'age', 'LongType'), ColumnDef(b'name', 'UTF8Type')]},
    'Expiring': {'default_time_to_live': 1000},
    'ExpiringC': {'default_validation_class': COUNTERS, 'default_time_to_live': 1000},
    'Gone': {}, 'GoneC': {'default_validation_class': COUNTERS}, 'Empty': {}, 'Ring': {}, 'Pages': {}, 'SPages': {
        'column_type': 'Super'},
    'Integers': {'comparator_type': 'UTF8Type', 'column_metadata': [indexed(b'n', 'IntegerType')]},
    'Composite': {'comparator_type': COMPOSITE},
    'CompositeR': {'comparator_type': 'CompositeType(ReversedType(LongType),ReversedType(UTF8Type))'},
    'Dynamic': {'comparator_type': DYNAMIC},
    'Subtypes': {'column_type': 'Super', 'comparator_type': 'ReversedType(LongType)', 'subcomparator_type': 'UUIDType'},
    'CompositeSuper': {'column_type': 'Super', 'comparator_type': COMPOSITE, 'subcomparator_type': COMPOSITE},
    **{f'N{type_}': {'comparator_type': type_} for type_ in TYPES},
    **{f'R{type_}': {'comparator_type': f'ReversedType({type_})'} for type_ in TYPES},
    **{f'V{type_}': {'comparator_type': 'AsciiType', 'default_validation_class': type_} for type_ in TYPES},
    **{f'K{type_}': {'key_validation_class': type_} for type_ in TYPES},
}
