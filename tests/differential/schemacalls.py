"""Random calls on the schema and the node: definitions made, changed, refused, dropped and made again; descriptions."""
import copy
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from hypothesis import strategies as st

from pycassa.cassandra.ttypes import CfDef, ColumnDef, ColumnParent, KsDef, SlicePredicate, SliceRange

from . import exclusions
from .alphabets import validators
from .answers import Answer, Call
from .families import KINDS, Family, World, draw_family, keyspace_definition
from .picking import Picker

__all__ = ['Change', 'beginning', 'change']

EVERYTHING = SlicePredicate(slice_range=SliceRange(b'', b'', False, 100))


class Change(NamedTuple):
    """Calls in a row, and the families that are there if the last one succeeds."""

    calls: Tuple[Call, ...]
    families: Tuple[Family, ...] = ()

    def made(self, answer: Answer) -> Sequence[Family]:
        if answer[0] != 'ok':
            return ()
        for family in self.families:
            family.world.add(family)
        return self.families


def beginning(pick: Picker, world: World) -> Change:
    """Two or three families of unlike kinds in the first of the keyspaces."""
    keyspace = world.keyspaces[0]
    first = pick.number(0, len(KINDS) - 1)
    families = tuple(draw_family(pick, world, keyspace, KINDS[(first + 2 * number) % len(KINDS)])
                     for number in range(pick.number(2, 3)))
    return Change((Call('system_add_keyspace', (keyspace_definition(keyspace, families),)),), families)


@st.composite
def change(draw: Any, family: Family) -> Change:
    """What happens to a family, a keyspace or nothing but a description."""
    pick = Picker(draw)
    return pick.of(_CHANGES)(pick, family)


# --- families --------------------------------------------------------------------------------------------------------

def _define(pick: Picker, family: Family) -> Change:
    world = family.world
    keyspace = pick.of(world.keyspaces)
    made = draw_family(pick, world, keyspace, pick.of(KINDS))
    calls = [Call('system_add_column_family', (made.definition,), family.keyspace)]
    if keyspace not in world.present:
        world.present.add(keyspace)
        calls.insert(0, Call('system_add_keyspace', (keyspace_definition(keyspace),)))
    return Change(tuple(calls), (made,))


def _define_amiss(pick: Picker, family: Family) -> Change:
    """A definition with one thing wrong, as a new family or as an update."""
    new = pick.once_in(2) or not _may_update(family)
    definition = copy.deepcopy(family.definition)
    if new:
        definition.name = family.world.new_name()
    flaw = pick.of(_DEFINITION_FLAWS)
    if (flaw is _bad_column and family.is_super and family.is_counter
            and exclusions.DEFINED_SUPER_COUNTERS.holds(family.world.release)):
        flaw = _DEFINITION_FLAWS[0]
    flaw(pick, definition)
    method = 'system_add_column_family' if new else 'system_update_column_family'
    return Change((Call(method, (definition,), family.keyspace),))


def _setting(name: str, *values: Any) -> Callable[[Picker, CfDef], None]:
    def spoil(pick: Picker, definition: CfDef) -> None:
        setattr(definition, name, pick.of(values))
    return spoil


def _bad_column(pick: Picker, definition: CfDef) -> None:
    definition.column_metadata = [*(definition.column_metadata or ()), pick.of((
        ColumnDef(b'a' * 3, 'NoSuchType'), ColumnDef(b'abc', 'CounterColumnType'),
        ColumnDef(b'abc', 'BytesType', 0, 'no-name'), ColumnDef(b'abc', 'BytesType', None, 'idle')))]


_DEFINITION_FLAWS: Tuple[Callable[[Picker, CfDef], None], ...] = (
    _setting('comparator_type', 'NoSuchType', 'org.example.Type', 'UTF8Type(', 'CompositeType(NoSuchType)'),
    _setting('default_validation_class', 'NoSuchType', 'text'), _setting('key_validation_class', 'NoSuchType'),
    _setting('column_type', 'Wide', 'standard '), _setting('keyspace', 'Nowhere', ''),
    _setting('name', '', 'a-b', 'a b', 'n' * 49), _setting('min_compaction_threshold', 1, 33, 100),
    _setting('max_compaction_threshold', 3), _setting('compaction_strategy', 'NoSuchStrategy'),
    _setting('compaction_strategy_options', {'no_such': '1'}),
    _setting('compression_options', {'sstable_compression': 'NoSuchCompressor'},
             {'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '3'},
             {'sstable_compression': 'LZ4Compressor', 'no_such': '3'}),
    _setting('speculative_retry', 'sometimes'), _bad_column, _bad_column)


def _update(pick: Picker, family: Family) -> Change:
    """The definition again with some settings or types changed."""
    if not _may_update(family):
        return _truncate(pick, family)
    definition = copy.deepcopy(family.definition)
    altered = family
    form = pick.number(0, 3)
    if exclusions.CHANGED_VALIDATORS.holds(family.world.release) and form in (1, 2):
        form = 0
    if form == 0:
        definition.comment = pick.of(('', 'new words'))
    elif form == 1 and not family.is_counter and not family.columns:
        values = pick.of(validators(family.world.release))
        definition.default_validation_class = values.text
        altered = family._replace(values=values, definition=definition)
    elif form == 2 and family.columns and not family.indexed:
        definition.column_metadata = None
        altered = family._replace(columns={}, definition=definition)
    else:
        definition.gc_grace_seconds = pick.of((864000, 1728000))
    return Change((Call('system_update_column_family', (definition,), pick.of((family.keyspace, ''))),),
                  () if altered is family else (altered,))


def _may_update(family: Family) -> bool:
    return not (family.is_super and exclusions.SUPER_UPDATES.holds(family.world.release))


def _drop(pick: Picker, family: Family) -> Change:
    """Drops a family, and mostly makes it again at once."""
    drop = Call('system_drop_column_family', (family.name,), family.keyspace)
    family.world.remove(family)
    if pick.once_in(3):
        return Change((drop,))
    return Change((drop, Call('system_add_column_family', (family.definition,), family.keyspace)), (family,))


def _drop_amiss(pick: Picker, family: Family) -> Change:
    call = pick.of((Call('system_drop_column_family', ('Nowhere',), family.keyspace),
                    Call('system_drop_column_family', (family.name,), ''),
                    Call('system_drop_keyspace', (f'{family.world.prefix}None',)),
                    Call('system_drop_keyspace', ('system',)), Call('truncate', ('Nowhere',), family.keyspace),
                    Call('truncate', (family.name,), '')))
    return Change((call,))


def _truncate(pick: Picker, family: Family) -> Change:
    return Change((Call('truncate', (family.name,), family.keyspace),))


# --- keyspaces -------------------------------------------------------------------------------------------------------

def _keyspace_amiss(pick: Picker, family: Family) -> Change:
    spoiled: Dict[str, Sequence[Any]] = {
        'name': ('', 'a-b', 'n' * 49, 'system', family.keyspace.lower(), family.keyspace),
        'strategy_class': ('NoSuchStrategy', 'LocalStrategy'),
        'strategy_options': ({}, {'replication_factor': 'many'}, {'replication_factor': '-1'},
                             {'replication_factor': '1', 'color': 'red'}, None)}
    field = pick.of(sorted(spoiled))
    definition = keyspace_definition(f'{family.world.prefix}Spoiled')
    method = 'system_add_keyspace'
    if field != 'name' and pick.once_in(2):
        method, definition = 'system_update_keyspace', keyspace_definition(family.keyspace)
    setattr(definition, field, pick.of(spoiled[field]))
    return Change((Call(method, (definition,), pick.of((family.keyspace, ''))),))


def _update_keyspace(pick: Picker, family: Family) -> Change:
    """Other replication: data stay, and levels may ask for more than there is."""
    definition: KsDef = keyspace_definition(family.keyspace, (), pick.of((1, 1, 3)))
    if pick.once_in(3):
        definition.durable_writes = False
    return Change((Call('system_update_keyspace', (definition,), pick.of((family.keyspace, ''))),))


def _drop_keyspace(pick: Picker, family: Family) -> Change:
    """Drops a keyspace while it is selected, and makes it again with the same families."""
    world, keyspace = family.world, family.keyspace
    families = tuple(world.of_keyspace(keyspace))
    calls = [Call('system_drop_keyspace', (keyspace,), keyspace)]
    if families:
        calls.append(Call('get_slice', (b'k1', ColumnParent(families[0].name), EVERYTHING, 1)))
    calls.append(Call('set_keyspace', (keyspace,)))
    calls.append(Call('system_add_keyspace', (keyspace_definition(keyspace, families),)))
    return Change(tuple(calls))


# --- descriptions ----------------------------------------------------------------------------------------------------

def _describe(pick: Picker, family: Family) -> Change:
    least = family.world.ring.text(family.world.ring.minimum)
    call = pick.of((
        Call('describe_keyspace', (family.keyspace,)), Call('describe_keyspace', (family.keyspace,), ''),
        Call('describe_keyspace', ('Nowhere',)), Call('describe_keyspaces', ()),
        Call('describe_ring', (family.keyspace,)), Call('describe_ring', ('system',)),
        Call('describe_local_ring', (family.keyspace,)), Call('describe_schema_versions', ()),
        Call('describe_token_map', ()), Call('describe_partitioner', ()), Call('describe_snitch', ()),
        Call('describe_version', ()), Call('describe_cluster_name', ()),
        Call('describe_splits', (family.name, least, least, 128), family.keyspace),
        Call('describe_splits_ex', (family.name, least, least, 128), family.keyspace),
        Call('describe_splits', (family.name, least, least, 128), ''),
        Call('set_keyspace', ('Nowhere',)), Call('set_keyspace', (family.keyspace.lower(),))))
    return Change((call,))


_CHANGES: List[Callable[[Picker, Family], Change]] = [
    *[_describe] * 6, *[_define_amiss] * 4, *[_keyspace_amiss] * 2, *[_drop_amiss] * 2, *[_truncate] * 2, _define,
    _update, _update, _drop, _update_keyspace, _drop_keyspace]
