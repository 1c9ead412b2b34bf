"""The SystemManager's tests on servers, run on stubs."""
from .borrowed import borrowed

globals().update(borrowed('schema/test_system_manager.py'))
