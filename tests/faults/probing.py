"""Runs a probe in a process of its own for one twin of the codec: a crash is a failure, and its memory is its own."""
import importlib.util
import json
import pathlib
import subprocess
import sys
from typing import Any, List

from apart import child_environment

__all__ = ['implementations', 'run_probe']

# Seconds: far beyond what the full figures take, and the only thing that ends a probe that hangs.
PATIENCE = 900


def implementations() -> List[str]:
    """The pure twin always; the compiled one wherever it was built, and then it has to import."""
    built = importlib.util.find_spec('pycassa._speedups') and importlib.util.find_spec('pycassa._speedups.protocol')
    return ['pure', 'cython'] if built else ['pure']


def run_probe(implementation: str, name: str, *arguments: Any) -> Any:
    """What `probe_NAME.py ARGUMENT...` prints, as JSON, where it runs on this twin. It has to succeed."""
    script = pathlib.Path(__file__).parent / f'probe_{name}.py'
    environment = {**child_environment(), 'PYCASSA_IMPL': implementation}
    done = subprocess.run([sys.executable, script, *map(str, arguments)], env=environment, text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, f'{script.name} {arguments} ended with {done.returncode}:\n{done.stderr[-4000:]}'
    return json.loads(done.stdout.splitlines()[-1])
