"""The types of the compiled codec: those of its pure twin, name for name."""
from pycassa._pure.protocol import *  # noqa: F403
