"""Random column families: their definitions, and what requests have to know of them."""
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from pycassa.cassandra.ttypes import CfDef, ColumnDef, KsDef
from pycassa.embedded.definitions import empty
from pycassa.embedded.partitioners import partitioner
from pycassa.embedded.profiles import profile

from . import exclusions
from .alphabets import Alphabet, comparators, distinct, validators
from .picking import Picker

__all__ = ['KINDS', 'Family', 'World', 'draw_family', 'keyspace_definition']

KINDS = ('standard', 'standard', 'super', 'counter', 'indexed', 'super counter')
BYTES_KEYS = (b'k1', b'k2', b'k3', b'k4', b'\xff', b'stamped')
COUNTER = 'CounterColumnType'
LARGE_TTL = 1000000


class Family(NamedTuple):
    """One family: its types as alphabets, and the CfDef that made it."""

    world: 'World'
    keyspace: str
    name: str
    kind: str
    comparator: Alphabet
    subcomparator: Optional[Alphabet]
    keys: Tuple[bytes, ...]
    bad_keys: Tuple[bytes, ...]
    values: Optional[Alphabet]              # None: counters
    columns: Dict[bytes, Alphabet]          # of single columns
    indexed: Tuple[bytes, ...]
    definition: CfDef

    @property
    def is_super(self) -> bool:
        return self.subcomparator is not None

    @property
    def is_counter(self) -> bool:
        return self.values is None

    @property
    def inner(self) -> Alphabet:
        """The type of the names of columns: in a super family, of subcolumns."""
        return self.subcomparator or self.comparator

    def validator(self, name: bytes) -> Optional[Alphabet]:
        if self.comparator.is_composite and not self.is_super and self.world.profile.release in ((2, 1), (2, 2)):
            return self.values      # whatever column_metadata says
        return self.columns.get(name, self.values)


class World:
    """What one run of the machine has made: keyspaces of names that no other run has, and their families."""

    def __init__(self, release: str, prefix: str, partitioner_name: str) -> None:
        self.profile = profile(release)
        self.prefix = prefix
        self.ring = partitioner(partitioner_name)
        self.keyspaces: List[str] = [f'{prefix}K1', f'{prefix}K2']
        self.present = {self.keyspaces[0]}
        self.families: List[Family] = []
        self.removed: set = set()           # (family, row key) of counters that were removed, see exclusions
        self.deleted: set = set()           # (family, column name) of columns that were deleted, see exclusions
        self.cut: Dict[Any, str] = {}       # rows of super families: where ranges were deleted, see exclusions
        self.spans: Dict[Any, List[Tuple[Any, Any]]] = {}       # deleted ranges of rows and super columns
        self.short_ttls = False
        self._serial = 0

    @property
    def release(self) -> str:
        return self.profile.name

    def add(self, family: Family) -> None:
        """Takes the family in, in the place of the one that had its name."""
        self.remove(family)
        self.families.append(family)

    def remove(self, family: Family) -> None:
        self.families = [each for each in self.families if (each.keyspace, each.name) != (family.keyspace, family.name)]

    def present_one(self, family: Family) -> Family:
        """The family as it is by now, or another one if it was dropped."""
        same = [each for each in self.families if (each.keyspace, each.name) == (family.keyspace, family.name)]
        return (same or self.families or [family])[0]

    def may_cut(self, family: Family, key: bytes, where: str) -> bool:
        """Whether super columns ('above') or ranges of their subcolumns ('below') may be deleted in a row."""
        if not exclusions.TOUCHING_RANGE_DELETIONS.holds(self.release):
            return True
        return self.cut.setdefault((family.name, key), where) == where

    def has_room(self, family: Family, row: Tuple[Any, ...], low: Any, high: Any) -> bool:
        """Whether a range (its ends' sort keys) is one that was deleted in the row before, or meets none such."""
        known = self.spans.setdefault((family.name, *row), [])
        free = all((low, high) == span or high < span[0] or span[1] < low for span in known)
        if free and (low, high) not in known:
            known.append((low, high))
        return free

    def new_name(self) -> str:
        self._serial += 1
        return f'F{self._serial}'

    def of_keyspace(self, keyspace: str) -> List[Family]:
        return [family for family in self.families if family.keyspace == keyspace]


def keyspace_definition(name: str, families: Sequence[Family] = (), replicas: int = 1) -> KsDef:
    return KsDef(name=name, strategy_class='SimpleStrategy', strategy_options={'replication_factor': str(replicas)},
                 cf_defs=[family.definition for family in families])


def draw_family(pick: Picker, world: World, keyspace: str, kind: str, name: Optional[str] = None) -> Family:
    """A family of a kind, that servers accept."""
    release = world.release
    comparator = pick.of(_usual(pick, comparators(release)))
    sub = pick.of(_usual(pick, _subcomparators(release))) if kind.startswith('super') else None
    values = None if kind.endswith('counter') else pick.of(_usual(pick, validators(release)))
    if kind == 'indexed' and comparator.is_composite and (
            exclusions.COMPOSITE_FILTERS.holds(release) or exclusions.COMPOSITES_WITH_METADATA.holds(release)):
        comparator = comparators(release)[0]
    odd = comparator.text not in ('BytesType', 'AsciiType', 'UTF8Type')
    if kind == 'indexed' and odd and exclusions.INDEXES_OF_ODD_NAMES.holds(release):
        comparator = comparators(release)[0]
    if exclusions.REVERSED_COMPONENTS.holds(release):
        comparator, sub = comparator.without_bare_prefixes(), sub and sub.without_bare_prefixes()
    plain = sub is None and values is not None and not comparator.is_composite
    if exclusions.COLLIDING_NAMES.holds(release) and (not plain or exclusions.COLLIDING_PLAIN_NAMES.holds(release)):
        comparator, sub = distinct(release, comparator), sub and distinct(release, sub)
    columns = {} if values is None else _columns(pick, world, sub or comparator)
    indexed: Tuple[bytes, ...] = ()
    if kind == 'indexed':
        columns, indexed = _indexed(pick, world, comparator, columns)
    if exclusions.ORDERS_OF_DEFINED_NAMES.holds(release) and not _in_order_of_bytes(sub or comparator, columns):
        columns = {name: type_ for name, type_ in columns.items() if name in (indexed or list(columns)[:1])}
    if values is not None and _has_one_size(values) and exclusions.SIZES_BESIDE_FIXED_ONES.holds(release):
        columns = dict.fromkeys(columns, values)
    if (columns and exclusions.COMPOSITE_PREFIXES_BESIDE_METADATA.holds(release)
            or values is None and exclusions.COUNTER_PREFIXES.holds(release)):
        comparator, sub = _whole(comparator), sub and _whole(sub)
    if columns and exclusions.COLLIDING_DEFINED_NAMES.holds(release):
        comparator, sub = distinct(release, comparator), sub and distinct(release, sub)
    keys = pick.of(_usual(pick, validators(release))) if pick.once_in(3) else None
    definition = _definition(keyspace, name or world.new_name(), comparator, sub, values, columns, indexed)
    if keys is not None:
        definition.key_validation_class = keys.text
    if world.profile.default_ttl and pick.once_in(8):
        definition.default_time_to_live = LARGE_TTL
    if pick.once_in(4):
        _decorate(pick, world, definition)
    good = BYTES_KEYS if keys is None else tuple(key for key in keys.good if key)
    return Family(world, keyspace, definition.name, kind, comparator, sub, good, () if keys is None else keys.bad,
                  values, columns, indexed, definition)


def _subcomparators(release: str) -> Sequence[Alphabet]:
    if not exclusions.REVERSED_SUBCOMPARATORS.holds(release):
        return comparators(release)
    return [each for each in comparators(release) if not each.is_descending]


def _in_order_of_bytes(names: Alphabet, columns: Dict[bytes, Alphabet]) -> bool:
    return sorted(columns, key=names.bounds.index) == sorted(columns, key=lambda name: (name[0] ^ 0x80, name[1:]))


def _has_one_size(type_: Alphabet) -> bool:
    return len({len(value) for value in type_.good}) == 1


def _whole(names: Alphabet) -> Alphabet:
    return names.whole() if names.is_composite else names


def _usual(pick: Picker, alphabets: Sequence[Alphabet]) -> Sequence[Alphabet]:
    # Half of the families have types in which little is refused.
    return alphabets if pick.once_in(2) else alphabets[:3]


def _columns(pick: Picker, world: World, names: Alphabet) -> Dict[bytes, Alphabet]:
    if not pick.once_in(3) or (names.is_composite and exclusions.COMPOSITES_WITH_METADATA.holds(world.release)):
        return {}
    return {pick.of(_definable(world, names)): pick.of(validators(world.release)) for _ in range(pick.number(1, 2))}


def _definable(world: World, names: Alphabet) -> Sequence[bytes]:
    if exclusions.COLLIDING_DEFINED_NAMES.holds(world.release):
        names = distinct(world.release, names)
    if not exclusions.DEFINED_NAMES.holds(world.release):
        return names.good
    if 'DateType' in names.text or 'TimestampType' in names.text:
        return [name for name in names.good if int.from_bytes(name, 'big', signed=True) % 60000 == 0]
    if 'DecimalType' in names.text:
        return [name for name in names.good if name[0] < 0x80]
    if 'IntegerType' in names.text or 'BooleanType' in names.text:
        return [name for name in names.good if name == b'\x01' or b'\x02ab' in name]
    return names.good


def _indexed(pick: Picker, world: World, names: Alphabet,
             columns: Dict[bytes, Alphabet]) -> Tuple[Dict[bytes, Alphabet], Tuple[bytes, ...]]:
    column = pick.of(_definable(world, names))
    type_ = pick.of(_usual(pick, validators(world.release)))
    return {**columns, column: type_}, (column,)


def _definition(keyspace: str, name: str, comparator: Alphabet, sub: Optional[Alphabet], values: Optional[Alphabet],
                columns: Dict[bytes, Alphabet], indexed: Sequence[bytes]) -> CfDef:
    definition = empty(CfDef)
    definition.keyspace, definition.name = keyspace, name
    definition.comparator_type = comparator.text
    if sub is not None:
        definition.column_type, definition.subcomparator_type = 'Super', sub.text
    definition.default_validation_class = COUNTER if values is None else values.text
    if columns:
        definition.column_metadata = [
            ColumnDef(column, type_.text, 0 if column in indexed else None, f'{name}_by' if column in indexed else None)
            for column, type_ in columns.items()]
    return definition


def _decorate(pick: Picker, world: World, definition: CfDef) -> None:
    """Settings that change nothing but what describe_keyspace says."""
    settings: Dict[str, Sequence[Any]] = {
        'comment': ('', 'words', 'wörter'), 'read_repair_chance': (0.0, 0.5), 'dclocal_read_repair_chance': (0.0, 0.25),
        'gc_grace_seconds': (864000, 2000000), 'min_compaction_threshold': (4, 2), 'max_compaction_threshold': (32, 64),
        'caching': ('KEYS_ONLY', 'all', 'None', 'rows_only'), 'bloom_filter_fp_chance': (0.01, 0.5),
        'compaction_strategy': ('SizeTieredCompactionStrategy', 'LeveledCompactionStrategy'),
        'compression_options': ({}, {'sstable_compression': ''}, {'sstable_compression': 'DeflateCompressor'},
                                {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '32'}),
        'key_alias': (b'key', b'id'), 'replicate_on_write': (True, False), 'memtable_flush_period_in_ms': (0, 3600000),
        'speculative_retry': ('NONE', 'ALWAYS', '10ms', '99PERCENTILE'), 'cells_per_row_to_cache': ('100', 'ALL'),
        'min_index_interval': (128, 64), 'max_index_interval': (2048, 4096), 'index_interval': (128, 256)}
    for setting in pick.some(sorted(settings), 1, 3):
        setattr(definition, setting, pick.of(settings[setting]))
