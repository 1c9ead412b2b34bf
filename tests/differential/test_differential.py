"""Random operations on a real server and on the embedded one in its profile: no answer differs."""
from .machine import run

FULL = 20_000


def test_the_embedded_server_answers_as_the_real_one(pair, proof):
    operations = proof.count(FULL)
    run(pair, operations, proof.seed)
    tally = pair.tally
    proof.saw(f'parity {pair.profile}', operations=tally.operations, answers=dict(tally.answers))
