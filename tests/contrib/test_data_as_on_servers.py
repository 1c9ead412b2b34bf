"""The facade's tests on servers, run on stubs."""
from .borrowed import borrowed

globals().update(borrowed('facade/test_data.py'))
