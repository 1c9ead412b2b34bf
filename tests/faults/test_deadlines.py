"""Calls that have to end by a certain time do: at most 50 ms later, beside what the machine is late at waking them."""
from probing import run_probe

FULL, LEAST = 255, 4


def test_no_call_goes_on_beyond_its_time(proof, twin):
    figures = run_probe(twin, 'deadlines', proof.count(FULL, LEAST), proof.seed)
    assert figures['calls'] == proof.count(FULL, LEAST) and figures['kinds'] == min(figures['calls'], 17)
    assert figures['beyond'] <= 50
    proof.saw('deadlines', implementation=twin, **{name: number for name, number in figures.items()
                                                   if name in ('calls', 'kinds', 'again')},
              **{name: f'{figures[name]} ms' for name in ('latest', 'beyond', 'control')})
