"""Random operations on a real server and on the embedded one in its profile: no answer differs."""
from .answers import Tally
from .machine import run

FULL = 20_000
# What a run of some thousand operations cannot miss; cas and get_multi_slice only where a server has them.
ASKED = {'add', 'atomic_batch_mutate', 'batch_mutate', 'get', 'get_count', 'get_paged_slice', 'get_range_slices',
         'get_slice', 'insert', 'multiget_count', 'multiget_slice', 'remove', 'remove_counter', 'set_keyspace',
         'system_add_keyspace'}
ENOUGH = 1_500
# What runs of that size do miss now and then.
RARE = {'get_indexed_slices', 'system_drop_column_family', 'system_update_column_family', 'truncate'}
ENOUGH_FOR_RARE = 15_000


def test_the_embedded_server_answers_as_the_real_one(pair, proof):
    run(pair, proof.count(FULL), proof.seed)
    check_alive(pair.tally)
    proof.saw(f'parity {pair.profile}', operations=pair.tally.operations, answers=dict(pair.tally.answers),
              calls=len(pair.tally.calls))


def check_alive(tally: Tally) -> None:
    """A run that asks little, or is refused mostly, or reads nothing, proves nothing."""
    assert tally.answers['ok'] > tally.operations / 2
    assert tally.answers['InvalidRequestException'] > tally.operations / 100
    assert tally.filled > tally.operations / 100
    if tally.operations >= ENOUGH:
        assert {name for name in ASKED if not tally.succeeded[name]} == set()
    if tally.operations >= ENOUGH_FOR_RARE:
        assert {name for name in RARE if not tally.succeeded[name]} == set()
