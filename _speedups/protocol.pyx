# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled implementation of the codec in one namespace: what pycassa.codec serves, under the same names.

One extension module: either all of it is there or none. Each part has the basename of its pure twin.
"""
cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    int8_t,
    int16_t,
    int32_t,
    int64_t,
    uint8_t,
    uint16_t,
    uint32_t,
    uint64_t,
)
from libc.string cimport memcmp, memcpy

from pycassa._pure.protocol import __all__  # no-cython-lint
from pycassa.errors import ProtocolError

cdef extern from 'Python.h':
    const Py_ssize_t PY_SSIZE_T_MAX

IMPLEMENTATION = 'cython'

include "cursor.pyx"
include "packing.pyx"
include "composites.pyx"
include "wire.pyx"
include "columns.pyx"
include "mutations.pyx"
include "requests.pyx"
include "conversion.pyx"
include "column_lists.pyx"
include "replies.pyx"
include "exchange.pyx"
include "calls.pyx"
