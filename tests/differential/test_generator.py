"""The machine itself: what it masks, that it is alive, and that it finds an engine that was broken on purpose."""
import time
from typing import Any

import pytest

from pycassa.cassandra.ttypes import CASResult, CfDef, Column, ColumnOrSuperColumn, KsDef, TokenRange
from pycassa.embedded import EmbeddedServer, spawn, store
from pycassa.embedded.consistency import Consistency
from pycassa.embedded.session import Session
from pycassa.embedded.validation import Validation

from . import exclusions
from .alphabets import comparators, validators
from .answers import Call, Difference, Pair, show
from .machine import run
from .masks import masked

PROFILES = ('1.2', '2.0', '2.1', '2.2', '3.0', '3.11')
FIFTH = 4_000


# --- masks -----------------------------------------------------------------------------------------------------------

def test_only_what_servers_vary_is_masked():
    dumps = [('TApplicationException', 7, f"Required field 'key' was not present! Struct: insert_args(key:{text}")
             for text in ('null)', '01 02)')]
    assert masked('insert', dumps[0]) == masked('insert', dumps[1])
    assert masked('insert', dumps[0]) != masked('insert', ('TApplicationException', 7, 'Negative length: -1'))
    versions = [('ok', f'{number:08x}-0000-3000-8000-000000000000') for number in (1, 2)]
    assert masked('system_drop_keyspace', versions[0]) == masked('system_drop_keyspace', versions[1])
    assert masked('system_drop_keyspace', ('ok', 'no version')) == ('ok', 'no version')
    assert masked('describe_version', versions[0]) != masked('describe_version', versions[1])
    refusals = [('InvalidRequestException', f'unconfigured table {name}') for name in 'AB']
    assert masked('get', refusals[0]) != masked('get', refusals[1])


def test_timestamps_of_the_server_are_masked_and_no_others():
    now = int(time.time() * 1e6)

    def answer(stamp: int) -> Any:
        return masked('cas', ('ok', CASResult(False, [Column(b'a', b'b', stamp)])))
    assert answer(now) == answer(now - 5_000_000)
    assert answer(now) != answer(5) != answer(6)
    held = masked('get', ('ok', ColumnOrSuperColumn(column=Column(b'a', b'b', now))))
    assert held[1].column.timestamp == 'now'


def test_orders_of_hash_maps_are_masked_in_definitions():
    def keyspace(*names: str) -> Any:
        return ('ok', [KsDef('own_1', 'S', cf_defs=[CfDef('own_1', name) for name in names]), KsDef('system', 'S')])
    assert masked('describe_keyspaces', keyspace('A', 'B'), 'own_') == masked(
        'describe_keyspaces', keyspace('B', 'A')[:1] + (keyspace('B', 'A')[1][::-1],), 'own_')
    assert masked('describe_keyspaces', keyspace('A'), 'own_') != masked('describe_keyspaces', keyspace('B'), 'own_')


def test_aliases_in_messages_have_no_order():
    one, other, third = (('InvalidRequestException', f'Not valid for DynamicCompositeType({aliases}).') for aliases in (
        'b=>BytesType,r=>ReversedType(LongType)', 'r=>ReversedType(LongType),b=>BytesType',
        'b=>BytesType,r=>ReversedType(UTF8Type)'))
    assert masked('insert', one) == masked('insert', other) != masked('insert', third)


def test_addresses_and_tokens_of_the_ring_are_masked():
    rings = [('ok', [TokenRange(token, token, [host], [host])]) for token, host in (('0', 'a'), ('5', 'b'))]
    assert masked('describe_ring', rings[0]) == masked('describe_ring', rings[1])
    assert masked('describe_ring', rings[0]) != masked('describe_ring', ('ok', rings[0][1] * 2))


def test_results_keep_their_order():
    columns = [ColumnOrSuperColumn(column=Column(name, b'', 1)) for name in (b'a', b'b')]
    assert masked('get_slice', ('ok', columns)) != masked('get_slice', ('ok', columns[::-1]))


# --- alphabets and exclusions ----------------------------------------------------------------------------------------

@pytest.mark.parametrize('release', PROFILES)
def test_alphabets_hold_what_their_types_take_and_what_they_refuse(release):
    with EmbeddedServer(profile=release) as server:
        types = server.engine.types
        for each in (*comparators(release), *validators(release)):
            type_ = types.parse(each.text)
            for raw in (*each.good, *each.bounds):
                type_.validate(raw)
            for raw in each.bad:
                with pytest.raises(ValueError):
                    type_.validate(raw)


def test_every_exclusion_says_where_and_why():
    found = {name: each for name, each in vars(exclusions).items() if isinstance(each, exclusions.Exclusion)}
    assert found
    for each in found.values():
        assert each.profiles <= set(PROFILES)
        assert each.evidence.endswith('.')


def test_programs_are_shown_as_they_are_called():
    call = Call('insert', (b'k', Column(b'a', b'v', 1), b'k' * 65536))
    assert repr(call) == "insert(b'k', Column(name=b'a', value=b'v', timestamp=1), b'k' * 65536)"
    assert show({b'k': [None]}) == "{b'k': [None]}"


# --- a machine that finds nothing proves nothing ---------------------------------------------------------------------

def _wins_by_unsigned_value(patch: Any) -> None:
    patch.setattr(store, '_FLIP', bytes(range(256)))


def _loses_ties_to_deletions(patch: Any) -> None:
    whole = store.Cells.delete_all
    patch.setattr(store.Cells, 'delete_all', lambda self, timestamp: whole(self, timestamp - 1))


def _forgets_rows_without_columns(patch: Any) -> None:
    found = Session.get_range_slices
    patch.setattr(Session, 'get_range_slices', lambda self, *arguments: [
        (key, columns) for key, columns in found(self, *arguments) if columns[1]])


def _excludes_the_end_of_slices(patch: Any) -> None:
    whole = store._Sorted.between
    patch.setattr(store._Sorted, 'between', lambda self, first, last, backwards: [
        key for key in whole(self, first, last, backwards) if last is None or key != last])


def _has_another_word(patch: Any) -> None:
    whole = Validation.key

    def key(self: Any, family: Any, key: Any) -> None:
        whole(self, family, key or b'k')
    patch.setattr(Validation, 'key', key)


def _takes_any_for_reads(patch: Any) -> None:
    patch.setattr(Consistency, 'read', lambda self, keyspace, level, rows=1: None)


@pytest.mark.parametrize('defect', [
    _wins_by_unsigned_value, _loses_ties_to_deletions, _forgets_rows_without_columns, _excludes_the_end_of_slices,
    _has_another_word, _takes_any_for_reads])
def test_a_broken_engine_is_found_in_a_fifth_of_the_operations(defect, proof, monkeypatch):
    with spawn(profile='2.1', schema='empty') as sound, EmbeddedServer(profile='2.1') as broken:
        defect(monkeypatch)
        with Pair('2.1', sound.address, broken.address) as pair, pytest.raises(Difference) as caught:
            run(pair, FIFTH, proof.seed, shortening=2)
    assert 'the servers differ in the answers to' in str(caught.value)
    assert len(str(caught.value).splitlines()) < 60


def test_the_same_seed_asks_the_same(proof):
    asked = []
    for _ in range(2):
        with EmbeddedServer(profile='2.1') as one, EmbeddedServer(profile='2.1') as other:
            with Pair('2.1', one.address, other.address) as pair:
                run(pair, 300, proof.seed)
                asked.append((pair.tally.calls, pair.tally.answers))
    assert asked[0] == asked[1]
