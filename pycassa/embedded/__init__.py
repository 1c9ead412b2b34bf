"""The embedded server: Cassandra's Thrift interface from memory, for tests and development.

`EmbeddedServer` serves in a thread of this process, `spawn` in a process of its own, and `python -m pycassa.embedded`
from the command line. `pycassa.embedded.plugin` has fixtures for pytest.
"""
import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from pycassa.embedded.engine import Engine as Engine
    from pycassa.embedded.faults import Faults as Faults
    from pycassa.embedded.process import ServerProcess as ServerProcess
    from pycassa.embedded.process import spawn as spawn
    from pycassa.embedded.server import EmbeddedServer as EmbeddedServer

__all__ = ['EmbeddedServer', 'Engine', 'Faults', 'ServerProcess', 'spawn']

_HOMES = {'EmbeddedServer': 'server', 'Engine': 'engine', 'Faults': 'faults', 'ServerProcess': 'process',
          'spawn': 'process'}


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: the pytest plugin is loaded in every pytest run of an environment.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{home}'), name)


def __dir__() -> List[str]:
    return sorted([*globals(), *__all__])
