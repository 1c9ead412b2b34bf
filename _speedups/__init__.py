"""The compiled twin of pycassa._pure, installed as pycassa._speedups. Where it is not built, the codec is pure."""
