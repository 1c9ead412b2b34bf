"""Tests that were written for servers, with stubs in the place of the classes that they use."""
import importlib.util
import inspect
import pathlib

from pycassa.contrib import stubs

STUBS = {'ColumnFamily': stubs.ColumnFamilyStub, 'ColumnFamilyMap': stubs.ColumnFamilyMapStub,
         'ConnectionPool': stubs.ConnectionPoolStub, 'SystemManager': stubs.SystemManagerStub}


def borrowed(*paths):
    """{name: object} of other files' tests and fixtures, those left out that ask for a server or for nothing."""
    found = {}
    for path in paths:
        found.update(_contents(pathlib.Path(__file__).parents[1] / path))
    return found


def _contents(location):
    # A name beside its own: it imports others by relative names.
    folders = __package__.rpartition('.')[0]
    name = f'{folders}.{location.parent.name}.borrowed_{location.stem}'
    spec = importlib.util.spec_from_file_location(name, location)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, stub in STUBS.items():
        if hasattr(module, name):
            setattr(module, name, stub)
    return {name: item for name, item in vars(module).items() if _is_wanted(name, item, module)}


def _is_wanted(name, item, module):
    if getattr(item, '__module__', None) != module.__name__ or inspect.isclass(item):
        return False
    asked = set(inspect.signature(item).parameters)
    return 'server' not in asked and (bool(asked) or not name.startswith('test_'))
