"""Checks of CfDef and KsDef, in the server's words, and the defaults that it fills in."""
import copy
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from pycassa.cassandra.ttypes import CfDef, KsDef
from pycassa.embedded.comparators import PACKAGE, MarshalError, Type
from pycassa.embedded.messages import Wording, refuse
from pycassa.embedded.profiles import Profile
from pycassa.embedded.schema import Column, Definition, Keyspace
from pycassa.embedded.typeparser import Types, TypeSyntaxError, UnknownType

__all__ = ['LOCAL_KEYSPACES', 'SYSTEM_KEYSPACES', 'SchemaRules', 'is_name']

LOCAL_KEYSPACES = ('system', 'system_schema')
SYSTEM_KEYSPACES = ('system', 'system_traces', 'system_auth', 'system_distributed', 'system_schema')

_NAME = re.compile(r'[A-Za-z0-9_]{1,48}')
_STRATEGIES = ('SimpleStrategy', 'NetworkTopologyStrategy', 'OldNetworkTopologyStrategy', 'LocalStrategy')
_LOCATOR = 'org.apache.cassandra.locator.'
_COMPACTION = 'org.apache.cassandra.db.compaction.'
_COMPRESSION = 'org.apache.cassandra.io.compress.'
_COMPRESSORS = ('LZ4Compressor', 'SnappyCompressor', 'DeflateCompressor')
_CACHING = ('ALL', 'KEYS_ONLY', 'ROWS_ONLY', 'NONE')
_COMPACTION_COMMON = ('enabled', 'tombstone_threshold', 'tombstone_compaction_interval',
                      'unchecked_tombstone_compaction', 'min_threshold', 'max_threshold')
_COMPACTION_OPTIONS = {
    'SizeTieredCompactionStrategy': ('min_sstable_size', 'bucket_low', 'bucket_high', 'cold_reads_to_omit'),
    'LeveledCompactionStrategy': ('sstable_size_in_mb',),
    'DateTieredCompactionStrategy': ('base_time_seconds', 'max_sstable_age_days', 'timestamp_resolution'),
}
_LEVELED = 'LeveledCompactionStrategy'
_RETRY = re.compile(r'(\d+(?:\.\d+)?)(PERCENTILE|MS)')


def _thresholds(reply: CfDef, options: Dict[str, str]) -> Dict[str, str]:
    """The options of a compaction strategy as 3.x reports them: with the thresholds, and these go before the fields."""
    if reply.compaction_strategy == _COMPACTION + _LEVELED:
        reply.min_compaction_threshold, reply.max_compaction_threshold = 4, 32
        return options
    options = {'min_threshold': str(reply.min_compaction_threshold),
               'max_threshold': str(reply.max_compaction_threshold), **options}
    if options['min_threshold'].isdigit() and options['max_threshold'].isdigit():
        reply.min_compaction_threshold = int(options['min_threshold'])
        reply.max_compaction_threshold = int(options['max_threshold'])
    return options


def is_name(text: str) -> bool:
    """Whether schema calls accept `text` as the name of a keyspace or family."""
    return _NAME.fullmatch(text) is not None


class SchemaRules:
    """What a server of one profile says to schema definitions."""

    def __init__(self, profile: Profile, types: Types) -> None:
        self._profile = profile
        self._types = types
        self._words = Wording(profile)

    # --- keyspaces -----------------------------------------------------------------------------------------------

    def keyspace(self, ks_def: KsDef, any_name: bool = False) -> Keyspace:
        """The Keyspace, without families, that a KsDef describes. Raises InvalidRequestException."""
        if not any_name:
            self.check_keyspace_name(ks_def.name)
        options = {str(name): str(value) for name, value in (ks_def.strategy_options or {}).items()}
        strategy = self._strategy(ks_def.strategy_class)
        replicas = self._replicas(ks_def.name, strategy, options)
        durable = True if ks_def.durable_writes is None else ks_def.durable_writes
        return Keyspace(ks_def.name, _LOCATOR + strategy, options, durable, replicas)

    def check_keyspace_name(self, name: str) -> None:
        """Raises InvalidRequestException for a name that a keyspace may not have."""
        if not is_name(name):
            refuse('Keyspace name must not be empty, more than 48 characters long, or contain '
                   f'non-alphanumeric-underscore characters (got "{name}")')

    def _strategy(self, class_name: Optional[str]) -> str:
        full = class_name or ''
        if '.' not in full:
            full = _LOCATOR + full
        simple = full[len(_LOCATOR):] if full.startswith(_LOCATOR) else ''
        if simple not in _STRATEGIES:
            refuse(f"Unable to find replication strategy class '{full}'")
        if simple == 'LocalStrategy':
            refuse('Unable to use given strategy class: LocalStrategy is reserved for internal use.')
        return simple

    def _replicas(self, keyspace: str, strategy: str, options: Mapping[str, str]) -> int:
        if strategy != 'NetworkTopologyStrategy':
            if 'replication_factor' not in options:
                refuse(f'{strategy} requires a replication_factor strategy option.')
            replicas = _replication_factor(options['replication_factor'])
            unknown = sorted(set(options) - {'replication_factor'})
            if unknown and self._profile.release >= (2, 0):
                refuse(f'Unrecognized strategy option {{{unknown[0]}}} passed to {strategy} for keyspace {keyspace}')
            return replicas
        if 'replication_factor' in options and self._profile.release >= (2, 0):
            refuse('replication_factor is an option for SimpleStrategy, not NetworkTopologyStrategy')
        for value in options.values():
            if not re.fullmatch(r'[-+]?\d+', value, re.ASCII):
                refuse(f'For input string: "{value}"')
        factors = {name: _replication_factor(value) for name, value in options.items()}
        return factors.get('datacenter1', 0)

    # --- families ------------------------------------------------------------------------------------------------

    def family(self, cf_def: CfDef, index_names: Iterable[Tuple[str, str]], any_name: bool = False) -> Definition:
        """The checked definition of a CfDef with the server's defaults filled in.

        `index_names` are pairs of a present index name and the name of a family that has it. Raises
        InvalidRequestException.
        """
        is_super = self._column_type(cf_def.column_type)
        comparator = self.type(cf_def.comparator_type)
        subcomparator = self.type(cf_def.subcomparator_type) if is_super else None
        default_validator = self.type(cf_def.default_validation_class)
        key_type = self.type(cf_def.key_validation_class)
        columns = self._columns(cf_def, subcomparator or comparator)
        compaction = self._compaction(cf_def)
        compression = self._compression(cf_def.compression_options)
        if self._profile.release >= (2, 0):
            self._speculative_retry(cf_def.speculative_retry or 'NONE')     # read before anything is checked
        if not any_name:
            self._check_names(cf_def)
        is_counter = default_validator.name == 'CounterColumnType'
        self._check_types(cf_def, comparator, subcomparator, key_type)
        numbers_first = self._profile.release >= (3, 0)
        if numbers_first:
            self._check_numbers(cf_def)
        self._check_counters(columns, is_counter, subcomparator or comparator)
        columns = self._check_indexes(cf_def, columns, is_super, index_names)
        if not numbers_first:
            self._check_numbers(cf_def)
        reply = self._reply(cf_def, compaction, compression)
        reply.column_type = 'Super' if is_super else 'Standard'
        reply.comparator_type = comparator.full_name
        reply.subcomparator_type = None if subcomparator is None else subcomparator.full_name
        reply.default_validation_class = default_validator.full_name
        reply.key_validation_class = key_type.full_name
        return Definition(
            keyspace=cf_def.keyspace, name=cf_def.name, is_super=is_super, is_counter=is_counter,
            comparator=comparator, subcomparator=subcomparator, key_type=key_type,
            default_validator=default_validator, artificial=self._artificial(subcomparator, default_validator, columns),
            columns={column.name: column for column in columns},
            validators={} if self._takes_last_component(comparator, subcomparator) else {
                column.name: column.type for column in columns},
            default_ttl=0 if is_counter else max(reply.default_time_to_live or 0, 0), reply=reply)

    def _takes_last_component(self, comparator: Type, subcomparator: Optional[Type]) -> bool:
        # 2.1 and 2.2 look for a composite name by its last component among the defined names, and find none.
        composite = comparator.name == 'CompositeType' and subcomparator is None
        return composite and (2, 1) <= self._profile.release < (3, 0)

    def _artificial(self, subcomparator: Optional[Type], values: Type, columns: List[Column]) -> Tuple[Column, ...]:
        """What 3.x shows besides in the metadata of super families."""
        if subcomparator is None or self._profile.release < (3, 0):
            return ()
        shown = Type('MapType', full_name=f'{PACKAGE}MapType({subcomparator.full_name},{values.full_name})')
        everything = Column(b'', shown, None, None, None)
        return (everything,) if columns else (everything, Column(b'value', values, None, None, None))

    def type(self, text: Optional[str]) -> Type:
        """The type of a class name. Raises InvalidRequestException."""
        try:
            return self._types.parse(text)
        except (TypeSyntaxError, UnknownType) as error:
            refuse(str(error.args[0]))

    def _column_type(self, text: Optional[str]) -> bool:
        if text is None:
            return False
        known = text if self._profile.release < (3, 0) else text.capitalize()
        if known not in ('Standard', 'Super'):
            refuse(f'Invalid column type {text}')
        return known == 'Super'

    def _columns(self, cf_def: CfDef, names: Type) -> List[Column]:
        columns: Dict[bytes, Column] = {}
        for each in cf_def.column_metadata or ():
            name = bytes(each.name)
            if not name and self._profile.release >= (3, 0) and self._column_type(cf_def.column_type):
                continue  # What it shows itself comes back with every update.
            try:
                names.validate(name)
            except MarshalError:
                refuse(f'Column name {name.hex()} is not valid for comparator {names.full_name}')
            if name in columns and self._profile.release >= (3, 0):
                continue
            columns[name] = Column(name, self.type(each.validation_class), each.index_type, each.index_name or None,
                                   each.index_options)
        return list(columns.values())

    def _check_names(self, cf_def: CfDef) -> None:
        self.check_keyspace_name(cf_def.keyspace)
        if not is_name(cf_def.name):
            refuse('ColumnFamily name must not be empty, more than 48 characters long, or contain '
                   f'non-alphanumeric-underscore characters (got "{cf_def.name}")')

    def _check_types(self, cf_def: CfDef, comparator: Type, subcomparator: Optional[Type], key_type: Type) -> None:
        for each in (comparator, subcomparator):
            if each is not None and each.name == 'CounterColumnType':
                refuse('CounterColumnType is not a valid comparator')
        if key_type.name == 'CounterColumnType':
            refuse('CounterColumnType is not a valid key validator')

    def _check_counters(self, columns: List[Column], is_counter: bool, names: Type) -> None:
        for column in columns:
            counts = column.type.name == 'CounterColumnType'
            if is_counter and not counts:
                shown = names.text(column.name)
                if self._profile.release == (3, 0):
                    shown = (f'ColumnDefinition{{name={column.name.hex()}, type={column.type.full_name}, kind=STATIC, '
                             'position=-1}')
                refuse(f'Cannot add a non counter column ({shown}) in a counter column family')
            if counts and not is_counter:
                refuse(f'Cannot add a counter column ({names.text(column.name)}) in a non counter column family')

    def _check_indexes(self, cf_def: CfDef, columns: List[Column], is_super: bool,
                       index_names: Iterable[Tuple[str, str]]) -> List[Column]:
        taken = {name for name, family in index_names if family != cf_def.name}
        named: List[Column] = []
        for column in columns:
            if column.index_type is None:
                if column.index_name and self._profile.release < (3, 0):
                    refuse('Index name cannot be set without index type')
                named.append(column._replace(index_name=None))
                continue
            if is_super:
                refuse('Secondary indexes are not supported on super column families')
            name = column.index_name or self._default_index_name(cf_def, column, taken)
            if not re.fullmatch(r'\w+', name, re.ASCII):
                refuse(f'Illegal index name {name}')
            if name in taken:
                refuse(f'Duplicate index name {name}')
            if column.index_type != 0:
                if column.index_type == 1 and 'class_name' not in (column.index_options or ()):
                    refuse(f'Required option missing for index {name} : class_name'
                           if self._profile.release >= (3, 0) else 'Required index option missing: class_name')
                refuse('only secondary indexes of type KEYS are served by the embedded server')
            taken.add(name)
            named.append(column._replace(index_name=name))
        return named

    def _default_index_name(self, cf_def: CfDef, column: Column, taken: 'set[str]') -> str:
        comparator = self.type(cf_def.comparator_type)
        base = re.sub(r'\W', '', f'{cf_def.name}_{comparator.text(column.name)}_idx', flags=re.ASCII)
        name, number = base, 0
        while name in taken:
            number += 1
            name = f'{base}_{number}'
        return name

    def _check_numbers(self, cf_def: CfDef) -> None:
        modern = self._profile.release >= (3, 0)
        chance = cf_def.bloom_filter_fp_chance
        if chance is not None and chance == 0:
            refuse('bloom_filter_fp_chance must be larger than 6.71E-5 and less than or equal to 1.0 (got 0.0)'
                   if modern else
                   'Zero false positives is impossible; bloom filter false positive chance bffpc must be '
                   '0 < bffpc <= 1')
        self._check_thresholds(_given(cf_def.min_compaction_threshold, 4), _given(cf_def.max_compaction_threshold, 32))
        if self._profile.release >= (2, 1):
            self._check_intervals(cf_def)
        ttl = cf_def.default_time_to_live
        if modern and ttl is not None and ttl < 0:
            refuse(f'default_time_to_live must be greater than or equal to 0 (got {ttl})')

    def _check_thresholds(self, low: int, high: int) -> None:
        if self._profile.release >= (3, 0):
            if low == 0 or high == 0:
                refuse('Disabling compaction by setting compaction thresholds to 0 has been removed, set the '
                       "compaction option 'enabled' to false instead.")
            end = ''
        else:
            if high == 0:
                return
            end = '.'
        if low <= 1:
            refuse(f'Min compaction threshold cannot be less than 2 (got {low}){end}')
        if low > high:
            refuse(f'Min compaction threshold (got {low}) cannot be greater than max compaction threshold '
                   f'(got {high})')

    def _check_intervals(self, cf_def: CfDef) -> None:
        low = _given(cf_def.min_index_interval, _given(cf_def.index_interval, 128))
        high = _given(cf_def.max_index_interval, 2048)
        modern = self._profile.release >= (3, 0)
        if low < 1:
            refuse(f'min_index_interval must be greater than or equal to 1 (got {low})' if modern else
                   f'Min index interval must be greater than 0 (got {low}).')
        if high < low:
            refuse(f'max_index_interval must be greater than or equal to min_index_interval ({low}) (got {high})'
                   if modern else
                   f'Max index interval ({high}) must be greater than the min index interval ({low}).')

    def _compaction(self, cf_def: CfDef) -> Tuple[str, Dict[str, str]]:
        full = cf_def.compaction_strategy or 'SizeTieredCompactionStrategy'
        if '.' not in full:
            full = _COMPACTION + full
        simple = full[len(_COMPACTION):] if full.startswith(_COMPACTION) else ''
        known = dict(_COMPACTION_OPTIONS)
        if self._profile.release < (2, 1):
            del known['DateTieredCompactionStrategy']
        if self._profile.release >= (3, 0):
            known['TimeWindowCompactionStrategy'] = (
                'timestamp_resolution', 'compaction_window_unit', 'compaction_window_size')
        if simple not in known:
            refuse(f"Unable to find compaction strategy class '{full}'")
        options = {str(name): str(value) for name, value in (cf_def.compaction_strategy_options or {}).items()}
        common = set(_COMPACTION_COMMON)
        if self._profile.release >= (3, 0) and simple == _LEVELED:
            common -= {'min_threshold', 'max_threshold'}
        unknown = sorted(set(options) - common - set(known[simple]))
        if unknown and self._profile.release >= (2, 0):
            refuse(f'Properties specified [{", ".join(unknown)}] are not understood by {simple}')
        return full, options

    def _compression(self, options: Optional[Mapping[str, str]]) -> Dict[str, str]:
        if options is None:
            default = 'SnappyCompressor' if self._profile.release < (2, 0) else 'LZ4Compressor'
            found = {'sstable_compression': _COMPRESSION + default}
        else:
            found = {str(name): str(value) for name, value in options.items()}
            if found and 'sstable_compression' not in found and self._profile.release >= (3, 0):
                refuse("Missing sub-option 'class' for the 'compression' option.")
            if not found.get('sstable_compression'):
                return {}
        full = found['sstable_compression']
        if '.' not in full:
            full = found['sstable_compression'] = _COMPRESSION + full
        if not full.startswith(_COMPRESSION) or full[len(_COMPRESSION):] not in _COMPRESSORS:
            refuse(f'Could not create Compression for type {full}')
        unknown = sorted(set(found) - {'sstable_compression', 'chunk_length_kb', 'crc_check_chance'})
        if unknown:
            refuse(f'Unknown compression options {", ".join(unknown)}')
        self._check_chunk(found.get('chunk_length_kb'))
        if self._profile.release >= (3, 0):
            found.setdefault('chunk_length_kb', '64')
        return found

    def _check_chunk(self, text: Optional[str]) -> None:
        if text is None:
            return
        option = 'chunk_length_in_kb' if self._profile.release >= (3, 0) else 'chunk_length_kb'
        if not re.fullmatch(r'-?\d+', text, re.ASCII):
            refuse(f'Invalid value for {option}')
        size = int(text)
        if size <= 0:
            refuse(f'Invalid negative or null {option}')
        if size & (size - 1):
            refuse(f'{option} must be a power of 2')

    def _reply(self, cf_def: CfDef, compaction: Tuple[str, Dict[str, str]], compression: Dict[str, str]) -> CfDef:
        release = self._profile.release
        reply = empty(CfDef)
        reply.keyspace, reply.name = cf_def.keyspace, cf_def.name
        reply.comment = cf_def.comment or ''
        reply.gc_grace_seconds = _given(cf_def.gc_grace_seconds, 864000)
        reply.min_compaction_threshold = _given(cf_def.min_compaction_threshold, 4)
        reply.max_compaction_threshold = _given(cf_def.max_compaction_threshold, 32)
        reply.read_repair_chance = _given(cf_def.read_repair_chance, 0.1 if release < (2, 0) else 0.0)
        reply.dclocal_read_repair_chance = _given(cf_def.dclocal_read_repair_chance, 0.0 if release < (2, 0) else 0.1)
        reply.compaction_strategy, options = compaction
        if release >= (3, 0):
            options = _thresholds(reply, options)
        reply.compaction_strategy_options = options
        reply.compression_options = compression
        reply.caching = self._caching(cf_def.caching)
        reply.bloom_filter_fp_chance = cf_def.bloom_filter_fp_chance
        if release >= (2, 2) and reply.bloom_filter_fp_chance is None:
            leveled = compaction[0].endswith('LeveledCompactionStrategy') and release < (3, 0)
            reply.bloom_filter_fp_chance = 0.1 if leveled else 0.01
        reply.key_alias = cf_def.key_alias
        if release < (2, 1):
            reply.replicate_on_write = _given(cf_def.replicate_on_write, True)
            reply.populate_io_cache_on_flush = _given(cf_def.populate_io_cache_on_flush, False)
        if release >= (2, 0):
            self._reply_since_20(cf_def, reply)
        return reply

    def _reply_since_20(self, cf_def: CfDef, reply: CfDef) -> None:
        reply.key_alias = self._key_alias(cf_def)
        reply.memtable_flush_period_in_ms = _given(cf_def.memtable_flush_period_in_ms, 0)
        reply.default_time_to_live = _given(cf_def.default_time_to_live, 0)
        reply.speculative_retry = self._speculative_retry(cf_def.speculative_retry or 'NONE')
        reply.triggers = list(cf_def.triggers or ())
        if self._profile.release < (2, 1):
            reply.index_interval = _given(cf_def.index_interval, 128)
            return
        self._set_caching(reply, cf_def.cells_per_row_to_cache or '100')
        reply.min_index_interval = _given(cf_def.min_index_interval, _given(cf_def.index_interval, 128))
        reply.max_index_interval = _given(cf_def.max_index_interval, 2048)

    def _key_alias(self, cf_def: CfDef) -> Optional[bytes]:
        keys = self.type(cf_def.key_validation_class)
        composite = keys.name == 'CompositeType'
        if composite and len(keys.parts or ()) > 1:
            return None         # each component has a name of its own
        alias: Optional[bytes] = cf_def.key_alias
        if self._profile.release >= (3, 0):
            return alias or b'key'
        return b'key' if alias is None or composite or cf_def.key_validation_class is None else alias

    def _speculative_retry(self, text: str) -> str:
        modern = self._profile.release >= (3, 0)
        upper = text.upper()
        if upper in ('NONE', 'ALWAYS'):
            return upper
        found = _RETRY.fullmatch(upper)
        if found is None:
            refuse(f"Invalid value {text} for option 'speculative_retry'" if modern else
                   f'invalid speculative_retry type: {text}')
        number = float(found[1])
        if found[2] == 'MS':
            return f'{number}ms'
        return f'{number:g}PERCENTILE' if modern else f'{number}PERCENTILE'

    def _set_caching(self, reply: CfDef, cells: str) -> None:
        if cells.upper() == 'NONE':
            reply.caching = {'ALL': 'KEYS_ONLY', 'ROWS_ONLY': 'NONE'}.get(reply.caching, reply.caching)
        reply.cells_per_row_to_cache = cells if reply.caching in ('ALL', 'ROWS_ONLY') else '0'

    def _caching(self, text: Optional[str]) -> str:
        caching = (text or 'KEYS_ONLY').upper()
        if caching not in _CACHING:
            refuse(f'Invalid value {text} for caching parameter')
        return caching

    # --- updates -------------------------------------------------------------------------------------------------

    def update(self, old: Definition, cf_def: CfDef, index_names: Iterable[Tuple[str, str]]) -> Definition:
        """The definition that a family gets from a CfDef. Raises InvalidRequestException where it may not change so.

        3.x keeps the family's types whatever the CfDef says.
        """
        if self._profile.release >= (3, 0):
            cf_def = copy.copy(cf_def)
            for field in ('comparator_type', 'subcomparator_type', 'default_validation_class',
                          'key_validation_class'):
                self.type(getattr(cf_def, field))
                setattr(cf_def, field, getattr(old.reply, field))
        new = self.family(cf_def, index_names, any_name=True)
        if old.is_super != new.is_super:
            refuse('types do not match.')
        if self._profile.release < (3, 0):
            self._check_changes(old, new)
        return new

    def _check_changes(self, old: Definition, new: Definition) -> None:
        for name, column in new.columns.items():
            was = old.columns.get(name)
            if was is not None and was.index_name and column.index_name and was.index_name != column.index_name:
                refuse(f"Can't modify index name: was '{was.index_name}' changed to '{column.index_name}'.")
        for before, after in ((old.comparator, new.comparator), (old.subcomparator, new.subcomparator)):
            if before is not None and after is not None and not compatible(before, after):
                if self._profile.release >= (2, 2):
                    refuse(f'Column family comparators do not match or are not compatible (found {_layout(new)}; '
                           f'expected {_layout(old)}).')
                refuse('comparators do not match or are not compatible.')


def _layout(definition: Definition) -> str:
    compound = definition.is_super or definition.comparator.parts is not None
    return f'{"Compound" if compound else "Simple"}{"Sparse" if definition.columns else "Dense"}CellNameType'


def compatible(before: Type, after: Type) -> bool:
    """Whether names that sort by `before` sort alike, and stay valid, under `after`."""
    if before.full_name == after.full_name:
        return True
    if before.base is not None and after.base is not None:
        return compatible(before.base, after.base)
    if before.base is not None or after.base is not None:
        return False
    if before.parts is not None and after.parts is not None and before.name == after.name:
        if before.name == 'CompositeType' and len(before.parts) != len(after.parts):
            return False
        return all(part in after.parts and compatible(type_, after.parts[part])
                   for part, type_ in before.parts.items())
    widenings = {'BytesType': ('AsciiType', 'UTF8Type'), 'UTF8Type': ('AsciiType',),
                 'TimestampType': ('DateType',), 'DateType': ('TimestampType',)}
    return before.name in widenings.get(after.name, ())


def empty(struct: Any) -> Any:
    """An instance of a Thrift struct with every field None, IDL defaults included."""
    made = struct()
    for spec in struct.thrift_spec:
        if spec is not None:
            setattr(made, spec[2], None)
    return made


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value


def _replication_factor(text: str) -> int:
    try:
        factor = int(text)
    except ValueError:
        refuse(f'Replication factor must be numeric; found {text}')
    if factor < 0:
        refuse(f'Replication factor must be non-negative; found {factor}')
    return factor
