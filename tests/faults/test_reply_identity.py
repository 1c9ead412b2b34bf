"""Replies to something else: any wrong sequence id, name, type or version is refused, and the connection is closed."""
from probing import run_probe


def test_every_call_with_the_answer_to_another(proof, twin):
    counts = run_probe(twin, 'identity', proof.share, proof.seed)
    assert counts['replies'] > 200 and min(counts.get(what, 0) for what in ('ids', 'names', 'types')) > 0
    proof.saw('reply identity', implementation=twin, **counts)
