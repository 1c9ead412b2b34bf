"""Cassandra's Thrift interface: cassandra.thrift and the bindings generated from it.

Installed as pycassa.cassandra. Imported as the top-level name `cassandra` (from a checkout, a raw copy, or the alias
that `setup.py --cassandra install` adds) it *is* pycassa.cassandra, so that both names share their classes.
"""
__all__ = ['ttypes', 'constants', 'Cassandra']

if __name__ == 'cassandra':
    import importlib
    import sys

    _interface = importlib.import_module('pycassa.cassandra')
    for _name in __all__:
        sys.modules[f'cassandra.{_name}'] = importlib.import_module(f'pycassa.cassandra.{_name}')
    sys.modules['cassandra'] = _interface
