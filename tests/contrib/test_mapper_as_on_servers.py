"""The class mapper's tests on servers, run on stubs."""
from .borrowed import borrowed

globals().update(borrowed('mapper/conftest.py', 'mapper/test_mapping.py', 'mapper/test_documents.py'))
