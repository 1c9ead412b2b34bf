"""The harness of the codec's twins is shared with the tests of the codec."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'codec'))
