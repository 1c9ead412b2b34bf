"""The compiled twins of pycassa._pure, installed as pycassa._speedups. A checkout without built extensions is pure."""
