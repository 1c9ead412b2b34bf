"""The implementations of the codec, each imported by its own name: what is timed is what it claims to be."""
import importlib
import importlib.util
from types import ModuleType
from typing import Dict, List

from benchmarks.native import Unavailable
from benchmarks.report import note

__all__ = ['COMPILED', 'MODULES', 'installed', 'load']

COMPILED = 'cython'
MODULES = {COMPILED: 'pycassa._speedups.protocol', 'pure': 'pycassa._pure.protocol'}


def load(implementation: str) -> ModuleType:
    """The module of an implementation, which says itself that it is that one. Raises Unavailable where there is none.

    A compiled one that is there and does not import raises ImportError: it must not pass for a missing one.
    """
    name = MODULES[implementation]
    if importlib.util.find_spec(name.rpartition('.')[0]) is None or importlib.util.find_spec(name) is None:
        raise Unavailable(f'this installation has no {implementation} implementation ({name})')
    module = importlib.import_module(name)
    if module.IMPLEMENTATION != implementation:
        raise AssertionError(f'{name} is the {module.IMPLEMENTATION} implementation, not the {implementation} one')
    if implementation == COMPILED and (module.__file__ or '').endswith('.py'):
        raise AssertionError(f'{name} was loaded from {module.__file__}, which is not compiled')
    return module


def installed(require_compiled: bool = False) -> Dict[str, ModuleType]:
    """{implementation: module} of those that are here. A missing one is said, or an error if it is required."""
    found: Dict[str, ModuleType] = {}
    for implementation in MODULES:
        try:
            found[implementation] = load(implementation)
        except Unavailable as error:
            if require_compiled:
                raise
            note(f'left out: {error}')
    return found


def chosen(names: List[str], require_compiled: bool) -> Dict[str, ModuleType]:
    """As `installed`, of the implementations in `names` if there are any."""
    return {name: module for name, module in installed(require_compiled).items() if not names or name in names}
