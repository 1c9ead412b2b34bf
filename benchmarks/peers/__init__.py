"""Those that do the same work: the implementations of our codec, the floor, and other clients' libraries.

Each gives `sides(work)`: {name: function} of what it can do of a work, checked to do it right, or nothing.
"""
