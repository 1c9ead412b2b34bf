"""`python -m tests.simulation SEED [SEED …]`: run these seeds, and print the trace of each."""
import sys

from .simulation import run


def main() -> int:
    failed = 0
    for seed in sys.argv[1:]:
        result = run(int(seed))
        print(result.trace, end='')
        print(f'seed {seed}: {result.steps} steps, {result.calls} calls: {result.failure or "all held"}')
        failed += result.failure is not None
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
