"""From columns as dicts to bytes: the Layout of a family, and the mutations that insert its columns.

Everything is packed straight into a Writer. Dicts are walked in place as long as nobody's code can run meanwhile; the
first key, name or value that is not plain has its request laid out again with care: by iterating as Python does, with
calls of the types' own functions and, where these fail, of the pure twin, whose errors name the column.
"""
from pycassa._pure import columns as pure_columns
from pycassa._pure.columns import CONVERSION_ERRORS
from pycassa.util import OrderedDict

cdef extern from 'Python.h':
    bint PyDict_CheckExact(PyObject*) noexcept
    bint PyDict_Next(PyObject*, Py_ssize_t*, PyObject**, PyObject**) noexcept
    Py_ssize_t PyDict_Size(PyObject*) except -1

cdef extern from *:
    """
    #define CLASS_OF(value) ((PyObject *)Py_TYPE(value))
    """
    PyObject* CLASS_OF(PyObject*) noexcept


@cython.final
cdef class Layout:
    """How the keys, names and values of one family are converted.

    `validators` are the types of single columns, by packed name (in a super family: packed subcolumn name); `value`
    is that of all others. In a super family `super_name` is the type of super column names and `name` that of the
    subcolumns. Immutable by convention: where a type changes, a new Layout is made.
    """

    cdef readonly bytes family
    cdef readonly Scalar key
    cdef readonly Scalar name
    cdef readonly Scalar value
    cdef readonly Scalar super_name
    cdef readonly dict validators
    cdef readonly bint counter
    # What stands between a key and the count of its mutations: a map of one family and a list.
    cdef bytes opening
    # The validators as a hash table: names, None where there is none, and their types beside them; None without any.
    cdef tuple _names
    cdef tuple _types
    cdef uint64_t _mask
    # Whether nobody's functions but the codec's take part in reading.
    cdef bint is_native
    # Whether no code of anybody's runs while plain columns are packed.
    cdef bint in_place
    # The size of the last request, the first guess at the next one's.
    cdef Py_ssize_t usual

    def __init__(self, family, *, Scalar key not None, Scalar name not None, Scalar value not None,
                 Scalar super_name=None, validators=None, bint counter=False):
        self.family = family.encode() if isinstance(family, str) else bytes(memoryview(family))
        self.key, self.name, self.value, self.super_name = key, name, value, super_name
        self.validators = dict(validators or {})
        self.counter = counter
        self.opening = b'\x0b\x0f\0\0\0\1%b%b\x0c' % (len(self.family).to_bytes(4, 'big'), self.family)
        self.usual = 0
        self.is_native = all([is_native(scalar) for scalar in (key, name, value, *self.validators.values())]
                             + [super_name is None or is_native(super_name)])
        self.in_place = not any([may_run_code(scalar) for scalar in (name, value, *self.validators.values())]
                                + [super_name is not None and may_run_code(super_name)])
        self._index()

    cdef int _index(self) except -1:
        """Lay out the hash table of the validators: open addressing, half full at most."""
        cdef Py_ssize_t size = 4
        cdef uint64_t slot
        cdef bytes packed
        self._names = self._types = None
        if not self.validators:
            return 0
        while size < 2 * len(self.validators):
            size *= 2
        self._mask = size - 1
        names, types = [None] * size, [None] * size
        for name, scalar in self.validators.items():
            # None is no bytes, though a parameter of that type takes it.
            packed = <bytes?>name
            slot = view_hash(view_of_bytes(packed)) & self._mask
            while names[slot] is not None:
                slot = (slot + 1) & self._mask
            names[slot], types[slot] = packed, <Scalar?>scalar
        self._names, self._types = tuple(names), tuple(types)
        return 0

    cdef inline Scalar type_of(self, View name):
        """The type of the values of a column by its packed name."""
        cdef PyObject* found
        cdef uint64_t slot
        if self._names is None:
            return self.value
        slot = view_hash(name) & self._mask
        while True:
            found = PyTuple_GET_ITEM(<PyObject*>self._names, slot)
            if found == <PyObject*>None:
                return self.value
            if view_equal(view_of_bytes(<bytes>found), name):
                return <Scalar>PyTuple_GET_ITEM(<PyObject*>self._types, slot)
            slot = (slot + 1) & self._mask

    def __repr__(self):
        kind = ('super ' if self.super_name is not None else '') + ('counter ' if self.counter else '')
        return f'<Layout of {kind}family {self.family.decode()!r}>'


def pack_key(Layout layout not None, key):
    """The bytes of a row key. Raises PackingError, which names family, key, type and the key's class."""
    cdef Writer out
    if type(key) is bytes and (layout.key.kind == AS_UTF8 or layout.key.kind == AS_BLOB):
        return key
    out = new_writer(48)
    put_key(out, layout, key)
    return out.finish()


cdef int put_key(Writer out, Layout layout, key) except -1:
    """Put a packed row key, without its length."""
    if not put_packed(out, layout.key, key):
        out.put_bytes(pure_columns.key_exactly(layout, key))
    return 0


cdef bint put_packed(Writer out, Scalar scalar, value) except -1:
    """Put the bytes of any value, without their length; or nothing, and False, where the type's function fails."""
    cdef bytes data
    if pack_quick(out, scalar, <PyObject*>value):
        return True
    try:
        data = pack_exactly(scalar, value)
    except CONVERSION_ERRORS:
        return False
    out.put_bytes(data)
    return True


cdef bint is_native(Scalar scalar) except -1:
    """Whether nobody's functions but the codec's make a type."""
    if scalar.kind == AS_COMPOSITE:
        return all([is_native(<Scalar>part) for part in scalar.parts])
    return scalar.kind != BY_CALL and scalar.kind != AS_DYNAMIC


cdef inline bint is_plain_dict(PyObject* value) noexcept:
    """Whether walking over a dict in place gives what its items() gives."""
    return PyDict_CheckExact(value) or CLASS_OF(value) == <PyObject*>OrderedDict


cdef inline bint quick_int(PyObject* value, int64_t* found) except -1:
    """Whether `value` is an int (or a bool) of 64 bits; `found` is it then."""
    return (PyLong_CheckExact(value) or PyBool_Check(value)) and fits(value, INT64_MIN, INT64_MAX, found)


cdef inline bint quick_i32(PyObject* value, int32_t* found) except -1:
    """As `quick_int`, of 32 bits."""
    cdef int64_t number = 0
    if not quick_int(value, &number) or not INT32_MIN <= number <= INT32_MAX:
        return False
    found[0] = <int32_t>number
    return True


cdef inline bint quick_level(PyObject* value, int32_t* found) except -1:
    """As `quick_int`, of the consistency levels that servers know."""
    return quick_i32(value, found) and 1 <= found[0] <= 11


# --- the end of a column -----------------------------------------------------------------------------------------

cdef struct Tail:
    # What ends every column of a write: microseconds, and seconds where there is a ttl.
    int64_t timestamp
    int32_t ttl
    bint has_ttl


cdef inline bint quick_tail(Tail* tail, timestamp, ttl) except -1:
    """Whether these are plain numbers in their range; `tail` holds them then."""
    tail.has_ttl = ttl is not None
    return quick_int(<PyObject*>timestamp, &tail.timestamp) and (
        not tail.has_ttl or quick_i32(<PyObject*>ttl, &tail.ttl))


cdef int set_tail(Tail* tail, timestamp, ttl) except -1:
    """Take any timestamp and ttl that is a number; a float ttl is cut to whole seconds. Raises PackingError."""
    cdef View data, part
    if quick_tail(tail, timestamp, ttl):
        return 0
    packed = pure_columns.column_tail(timestamp, ttl)
    data = part = view_of_bytes(packed)
    view_part(data, 3, 8, &part)
    tail.timestamp, tail.has_ttl = <int64_t>view_u64(part), view_part(data, 14, 4, &part)
    if tail.has_ttl:
        tail.ttl = <int32_t>view_u32(part)
    return 0


cdef inline int put_tail(Writer out, const Tail* tail, Py_ssize_t stops) except -1:
    """The end of a column, and the stops of it and the structs around it."""
    out.put(b'\x0a\0\3', 3)
    out.put_u64(<uint64_t>tail.timestamp)
    if tail.has_ttl:
        out.put(b'\x08\0\4', 3)
        out.put_u32(<uint32_t>tail.ttl)
    return out.put(b'\0\0\0', stops)


# --- in place ----------------------------------------------------------------------------------------------------
# These append what they are named for and return True; or return False, with the Writer in disorder, where a thing is
# not plain. Nobody's code runs in them, and nothing that the collector looks at is made.

cdef enum:
    # How many columns of a row are kept to be found again in the next one.
    RECENT = 64


cdef struct Recent:
    # The names of the last row or super column, where they were put, and the types of their values, by their place.
    # What is being packed keeps them alive.
    PyObject* names[RECENT]
    PyObject* types[RECENT]
    Py_ssize_t starts[RECENT]
    Py_ssize_t count


cdef inline Scalar recent_type(Writer out, Layout layout, Recent* recent, Py_ssize_t index, PyObject* name,
                               Py_ssize_t start):
    """The type of the value of the column whose name was put at `start`: the one before it in this place, mostly."""
    cdef View packed = out.written(start), before
    cdef Scalar found
    if index < recent.count:
        if recent.names[index] == name:
            return <Scalar>recent.types[index]
        if view_part(out.written(recent.starts[index]), 0, packed.size, &before) and view_equal(before, packed) and (
                view_u32(out.written(recent.starts[index] - 4)) == <uint32_t>packed.size):
            return <Scalar>recent.types[index]
    found = layout.type_of(packed)
    if index < RECENT and index <= recent.count:
        recent.names[index], recent.types[index], recent.starts[index] = name, <PyObject*>found, start
        recent.count = max(recent.count, index + 1)
    return found


cdef bint quick_insertions(Writer out, Layout layout, PyObject* columns, const Tail* tail, Recent* recent) except -1:
    """The Mutation structs of one row's columns."""
    if not layout.in_place:
        return False
    if layout.super_name is not None:
        return quick_supers(out, layout, columns, tail, recent)
    if layout.counter:
        return quick_counters(out, layout, columns, False)
    return quick_columns(out, layout, columns, tail, False, recent)


cdef bint quick_columns(Writer out, Layout layout, PyObject* columns, const Tail* tail, bint inside,
                        Recent* recent) except -1:
    """Columns, as Mutation structs or, `inside` a super column, as Column structs."""
    cdef PyObject* name = NULL
    cdef PyObject* value = NULL
    cdef Py_ssize_t at = 0, index = 0, start
    cdef Scalar names = layout.name, values = layout.value
    cdef bint validated = layout._names is not None
    cdef const char* head = b'\x0b\0\1' if inside else b'\x0c\0\1\x0c\0\1\x0b\0\1'
    cdef Py_ssize_t size = 3 if inside else 9
    cdef Py_ssize_t stops = 1 if inside else 3
    while PyDict_Next(columns, &at, &name, &value):
        start = out.pos + size + 4
        if not quick_field(out, head, size, names, name):
            return False
        if validated:
            values = recent_type(out, layout, recent, index, name, start)
            index += 1
        if not quick_field(out, b'\x0b\0\2', 3, values, value):
            return False
        put_tail(out, tail, stops)
    return True


cdef inline bint quick_field(Writer out, const char* head, Py_ssize_t size, Scalar scalar, PyObject* value) except -1:
    """What stands before a value, and the value behind its length."""
    cdef View data
    cdef Py_ssize_t start
    if scalar.kind == AS_UTF8 or scalar.kind == AS_BLOB:
        if quick_view(value, &data):
            return out.put_field(head, size, data) == 0
    elif scalar.kind == AS_DOUBLE and PyFloat_CheckExact(value):
        return out.put_u64_field(head, size, bits_of_double(PyFloat_AS_DOUBLE(value))) == 0
    start = out.hold(head, size)
    if not pack_quick(out, scalar, value):
        return False
    out.fill(start)
    return True


cdef bint quick_counters(Writer out, Layout layout, PyObject* columns, bint inside) except -1:
    """Counters, as Mutation structs or, `inside` a super column, as CounterColumn structs."""
    cdef PyObject* name = NULL
    cdef PyObject* value = NULL
    cdef Py_ssize_t at = 0, start
    cdef int64_t count = 0
    while PyDict_Next(columns, &at, &name, &value):
        start = open_counter(out, inside)
        if not pack_quick(out, layout.name, name) or not quick_int(value, &count):
            return False
        out.fill(start)
        out.put(b'\x0a\0\2', 3)
        out.put_u64(<uint64_t>count)
        close_counter(out, inside)
    return True


cdef inline Py_ssize_t open_counter(Writer out, bint inside) except -1:
    return out.hold(b'\x0b\0\1', 3) if inside else out.hold(b'\x0c\0\1\x0c\0\3\x0b\0\1', 9)


cdef inline int close_counter(Writer out, bint inside) except -1:
    return out.put(b'\0\0\0', 1 if inside else 3)


cdef inline Py_ssize_t open_super(Writer out, Layout layout) except -1:
    return out.hold(b'\x0c\0\1\x0c\0\4\x0b\0\1' if layout.counter else b'\x0c\0\1\x0c\0\2\x0b\0\1', 9)


cdef bint quick_supers(Writer out, Layout layout, PyObject* columns, const Tail* tail, Recent* recent) except -1:
    """Super columns as Mutation structs."""
    cdef PyObject* name = NULL
    cdef PyObject* inner = NULL
    cdef Py_ssize_t at = 0, start
    while PyDict_Next(columns, &at, &name, &inner):
        start = open_super(out, layout)
        if not is_plain_dict(inner) or not pack_quick(out, layout.super_name, name):
            return False
        out.fill(start)
        out.fill_with(out.hold(b'\x0f\0\2\x0c', 4), PyDict_Size(inner))
        if not (quick_counters(out, layout, inner, True) if layout.counter
                else quick_columns(out, layout, inner, tail, True, recent)):
            return False
        out.put(b'\0\0\0', 3)
    return True


# --- with care ---------------------------------------------------------------------------------------------------

cdef int put_insertions(Writer out, Layout layout, key, items, const Tail* tail) except -1:
    """The Mutation structs of one row's columns: (name, value) or (super name, columns) pairs of any iterable.

    `key` is for messages. Raises PackingError, and what users' functions raise that is no conversion error.
    """
    if layout.super_name is not None:
        for name, columns in items:
            put_super(out, layout, key, name, columns, tail)
    elif layout.counter:
        put_counters(out, layout, key, items, None)
    else:
        put_columns(out, layout, key, items, tail, None)
    return 0


cdef int put_super(Writer out, Layout layout, key, super_name, columns, const Tail* tail) except -1:
    cdef Py_ssize_t start = open_super(out, layout)
    if not put_packed(out, layout.super_name, super_name):
        out.put_bytes(pure_columns.super_name_exactly(layout, key, super_name))
    out.fill(start)
    items = pure_columns.subcolumns_of(layout, key, super_name, columns)
    out.fill_with(out.hold(b'\x0f\0\2\x0c', 4), len(items))
    if layout.counter:
        put_counters(out, layout, key, items, (super_name,))
    else:
        put_columns(out, layout, key, items, tail, (super_name,))
    return out.put(b'\0\0\0', 3)


cdef int put_name(Writer out, Layout layout, key, tuple super_name, name) except -1:
    """A packed column name, without its length. `super_name` is None, or holds that of the super column around it."""
    if not put_packed(out, layout.name, name):
        out.put_bytes(pure_columns.name_exactly(layout, key, super_name, name))
    return 0


cdef int put_columns(Writer out, Layout layout, key, items, const Tail* tail, tuple super_name) except -1:
    cdef Py_ssize_t start
    cdef bytes packed
    for name, value in items:
        if super_name is None:
            start = out.hold(b'\x0c\0\1\x0c\0\1\x0b\0\1', 9)
        else:
            start = out.hold(b'\x0b\0\1', 3)
        put_name(out, layout, key, super_name, name)
        out.fill(start)
        packed = view_bytes(out.written(start + 4))
        start = out.hold(b'\x0b\0\2', 3)
        if not put_packed(out, layout.type_of(view_of_bytes(packed)), value):
            out.put_bytes(pure_columns.value_exactly(layout, key, super_name, name, packed, value))
        out.fill(start)
        put_tail(out, tail, 3 if super_name is None else 1)
    return 0


cdef int put_counters(Writer out, Layout layout, key, items, tuple super_name) except -1:
    cdef bint inside = super_name is not None
    cdef int64_t count = 0
    cdef Py_ssize_t start
    for name, value in items:
        start = open_counter(out, inside)
        put_name(out, layout, key, super_name, name)
        out.fill(start)
        out.put(b'\x0a\0\2', 3)
        if quick_int(<PyObject*>value, &count):
            out.put_u64(<uint64_t>count)
        else:
            out.put_bytes(pure_columns.count_exactly(layout, key, super_name, name, value))
        close_counter(out, inside)
    return 0
