"""Replies whose lengths lie: a typed error, the connection closed, and no memory for what was only announced."""
from probing import run_probe

MEBIBYTE = 1 << 20
ALLOWED = 16 * MEBIBYTE


def test_every_length_in_the_reply_to_every_call(proof, twin):
    figures = run_probe(twin, 'lengths', proof.share, proof.seed)
    rises = {0: figures['alone'], **{each: figures[f'{each} MiB'] for each in (1, 4, 16)}}
    for mebibytes, (rise, worst) in rises.items():
        assert rise <= 8 * mebibytes * MEBIBYTE + ALLOWED, (mebibytes, rise, worst)
    shown = {f'with {received} MiB behind': f'{rise / MEBIBYTE:.1f} MiB' for received, (rise, _) in rises.items()}
    proof.saw('hostile lengths', implementation=twin, lengths=figures['lengths'], **shown)
