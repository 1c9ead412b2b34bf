"""Replies that stop at any of their bytes, by an end, a reset or silence: a typed error, the connection closed."""
from probing import run_probe


def test_every_call_at_every_offset(proof, twin):
    counts = run_probe(twin, 'broken', proof.share, proof.seed)
    assert counts['methods'] == 45 and counts['end'] == counts['reset'] == counts['stall'] > counts['short'] > 0
    proof.saw('broken replies', implementation=twin, **counts)
