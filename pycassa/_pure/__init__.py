"""The codec in pure Python: the twin of pycassa._speedups. Only pycassa.codec chooses between them."""
