"""pycassa: the Thrift client of Apache Cassandra 1.2 to 3.11."""
import importlib.util
import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent


class _SiblingFinder:
    """Serves pycassa.cassandra and pycassa._speedups from the folders beside a package that was not installed."""

    folders = {'pycassa.cassandra': 'cassandra', 'pycassa._speedups': '_speedups'}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        folder = cls.folders.get(name)
        if folder is None or (_HERE / folder).is_dir():
            return None
        sibling = _HERE.parent / folder
        start = sibling / '__init__.py'
        if not start.is_file():
            return None
        return importlib.util.spec_from_file_location(name, start, submodule_search_locations=[str(sibling)])


sys.meta_path.append(_SiblingFinder)
