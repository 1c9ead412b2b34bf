"""Benchmarks: our codec beside what a client does with the generated bindings, in one run, as ratios.

`python -m benchmarks` runs them; `python -m benchmarks --help` lists the options.
"""
