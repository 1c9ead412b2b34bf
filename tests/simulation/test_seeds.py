"""Simulated pools, by seeds: what must always hold does; a seed is one history; and bugs would be found."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .mutations import MUTATIONS, mutated
from .simulation import run

ROOT = Path(__file__).resolve().parents[2]
FULL = 2_000


def test_invariants(proof):
    chance = proof.random()
    steps = calls = 0
    seeds = [chance.getrandbits(31) for _ in range(proof.count(FULL))]
    for seed in seeds:
        result = run(seed)
        assert result.failure is None, result.report()
        steps += result.steps
        calls += result.calls
    proof.saw('simulation', seeds=len(seeds), steps=steps, calls=calls, violations=0)


# --- a seed is one history -----------------------------------------------------------------------------------------

def replayed(seed, hash_seed):
    """The trace of a seed in another process."""
    environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
    done = subprocess.run([sys.executable, '-m', 'tests.simulation', str(seed)], cwd=ROOT, env=environment,
                          stdout=subprocess.PIPE, timeout=300, check=True)
    return done.stdout.decode('utf-8')


def test_a_seed_replays_exactly(proof):
    chance = proof.random()
    for _ in range(proof.count(100)):
        seed = chance.getrandbits(31)
        first, second = run(seed), run(seed)
        assert first.steps == second.steps > 0
        assert first.trace == second.trace


@pytest.mark.parametrize('changes', [{'lines': True, 'everywhere': True, 'interrupts': 0.3}, {'lines': False}])
def test_what_is_drawn_for_a_seed_replays_whatever_else_is(changes, proof):
    seed = proof.seed
    first, second = run(seed, **changes), run(seed, **changes)
    assert first.trace == second.trace and first.steps == second.steps


def test_a_seed_replays_in_another_process(proof):
    seed = proof.random().getrandbits(31)
    here = run(seed)
    expected = here.trace + f'seed {seed}: {here.steps} steps, {here.calls} calls: all held\n'
    assert replayed(seed, '1') == replayed(seed, '4321') == expected


def test_seeds_differ():
    assert run(1).trace != run(2).trace


# --- bugs would be found -------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', MUTATIONS)
def test_a_bug_is_found_by_a_tenth_of_the_seeds(name):
    with mutated(name):
        failures = (run(seed) for seed in range(FULL // 10))
        found = next((result for result in failures if result.failure is not None), None)
    assert found is not None, f'{name}: nothing was found'
    # Whoever reads it finds what went wrong, when, and how to see it again.
    assert 'VIOLATION' in found.trace and f'python -m tests.simulation {found.seed}\n' in found.report()
