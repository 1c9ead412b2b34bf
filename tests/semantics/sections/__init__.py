"""The cases of the document of server semantics, section by section: `CASES` has all of them."""
from sections import (
    composites,
    conditional,
    counters,
    deletions,
    expiry,
    indexes,
    order,
    ranges,
    reading,
    slices,
    timestamps,
    types,
    validation,
)

MODULES = (order, validation, types, composites, reading, ranges, timestamps, expiry, deletions, counters, indexes,
           conditional, slices)
CASES = [case for module in MODULES for case in module.CASES]
