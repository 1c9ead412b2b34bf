"""Answers that come late, after the call's time-out: nobody ever gets one, and least of all for a call of his own."""
from probing import run_probe

FULL, LEAST = 100_000, 300


def test_self_identifying_reads_over_a_link_that_is_late(proof, twin):
    figures = run_probe(twin, 'foreign', proof.count(FULL, LEAST), proof.seed)
    assert figures['foreign'] == 0 and figures['reads'] == proof.count(FULL, LEAST)
    # A good part has to have been late, and a client that does not look at what it gets has to have seen it.
    assert figures['timeouts'] >= 0.05 * figures['reads'] and figures.pop('foreign to a careless client')
    assert figures['answered'] > 0.5 * figures['reads'] or figures['timeouts'] > figures['reads']
    proof.saw('foreign answers', implementation=twin, **figures)
