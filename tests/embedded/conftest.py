"""Makes rawthrift.py, the helper of this folder's tests, importable by name."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
