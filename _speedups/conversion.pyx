"""From the names and values of a reply to the dicts that users see, by the Layout of a family."""
from pycassa._pure.conversion import INCLUDE_TIMESTAMP, INCLUDE_TTL  # no-cython-lint

cdef extern from 'Python.h':
    object PyDict_New()
    int PyDict_SetItem(object, object, object) except -1
    int PyDict_Update(object, object) except -1
    void PyObject_GC_Track(object)
    void PyObject_GC_UnTrack(object)

cdef extern from *:
    """
    /* Offered by every CPython that this is built for, though not documented. */
    PyAPI_FUNC(PyObject *) _PyDict_NewPresized(Py_ssize_t);

    /* dict's own constructor for a class that has no other, without the steps of a call. */
    #define NEW_DICT_OF(cls, nothing) PyDict_Type.tp_new((PyTypeObject *)(cls), (nothing), NULL)
    """
    object _PyDict_NewPresized(Py_ssize_t)
    object NEW_DICT_OF(object, object)

cdef enum:
    # How many names of a row are kept to be found again in the next one.
    SHARED = 64
    # The fewest bytes of a column that scan_column and scan_member take, as good as any servers send.
    LEAST_COLUMN = 26
    # From so many columns on it pays to make the table of a row at its size.
    LARGE = 42


cdef bint is_plain_class(dict_class) except -1:
    """Whether dict's own constructor and item assignment make a `dict_class`."""
    return (type(dict_class) is type and issubclass(dict_class, dict) and dict_class.__new__ is dict.__new__
            and dict_class.__init__ is dict.__init__ and dict_class.__setitem__ is dict.__setitem__)


@cython.final
@cython.freelist(4)
cdef class Conversion:
    """How one reply becomes objects.

    A value is alone, or the first of (value, timestamp), (value, ttl) or (value, timestamp, ttl), as `flags` say;
    counters are plain integers. Names that stand where they stood in the row before are not made anew.

    While it is `idle`, everything is read and nothing made. A reply is read so first, before users' functions see any
    of it, unless none of theirs takes part: then it is checked and converted in one go, and thrown away if the end of
    it is wrong.
    """

    cdef Layout layout
    cdef object dict_class
    cdef int flags
    cdef bint idle
    # Rows are dicts or, for paging, lists of (packed name, name, value).
    cdef bint listed
    # Whether it is dict itself, or a class that is made and takes its items as dict is and does.
    cdef bint is_dict
    cdef bint is_plain
    # Whether rows follow each other; the names of the last one, the Views they came from, and their types.
    cdef bint sharing
    cdef list names
    cdef list types
    cdef View[SHARED] views

    cdef inline row(self, Py_ssize_t expected):
        """What the columns of a row or super column, about so many, are added to; None while idle."""
        if self.idle:
            return None
        if self.listed:
            return []
        if self.is_dict:
            return _PyDict_NewPresized(expected) if expected > 5 else PyDict_New()
        if self.is_plain:
            # A large table is made at its size, which takes a dict, and handed on whole: see `finished`.
            return _PyDict_NewPresized(expected) if expected > LARGE else NEW_DICT_OF(self.dict_class, ())
        return self.dict_class()

    cdef inline finished(self, row):
        """A row whose columns were added, as the class that was asked for."""
        if self.is_plain and not self.is_dict and type(row) is dict:
            made = NEW_DICT_OF(self.dict_class, ())
            PyDict_Update(made, row)
            return made
        return row

    cdef inline int add(self, row, Py_ssize_t index, Column* column) except -1:
        """Add a column, which stands at `index`, to its row."""
        cdef Scalar scalar
        if self.idle:
            return 0
        if self.sharing and index < SHARED:
            name = self.shared_name(index, column.name)
            scalar = self.layout.value if self.layout._names is None else <Scalar>self.types[index]
        else:
            name = unpack_view(self.layout.name, column.name)
            scalar = self.layout.type_of(column.name)
        value = unpack_view(scalar, column.value) if column.has_value else None
        if self.flags:
            value = self.detailed(value, column)
        return self.put(row, column.name, name, value)

    cdef inline shared_name(self, Py_ssize_t index, View packed):
        """The name at `index`: that of the row before, if it is the same; its type is at the same index of `types`."""
        if index < len(self.names):
            if view_equal(self.views[index], packed):
                return self.names[index]
            name = unpack_view(self.layout.name, packed)
            self.names[index], self.types[index] = name, self.layout.type_of(packed)
        else:
            # Rows may be of any length, but none has a column before its first.
            name = unpack_view(self.layout.name, packed)
            if index > len(self.names):
                raise IndexError(index)
            self.names.append(name)
            self.types.append(self.layout.type_of(packed))
        self.views[index] = packed
        return name

    cdef detailed(self, value, Column* column):
        """A value with what the flags ask for."""
        cdef Py_ssize_t size = 1 + (self.flags & 1) + (self.flags >> 1 & 1)
        timestamp = column.timestamp if self.flags & 1 and column.has_timestamp else None
        ttl = column.ttl if self.flags & 2 and column.has_ttl else None
        result = PyTuple_New(size)
        fill_tuple(result, 0, value)
        if self.flags & 1:
            fill_tuple(result, 1, timestamp)
        if self.flags & 2:
            fill_tuple(result, size - 1, ttl)
        if type(value) is str or type(value) is bytes or type(value) is float or type(value) is int:
            # It cannot be part of a cycle: what the collector would find out by itself, one pass later.
            PyObject_GC_UnTrack(result)
        return result

    cdef inline int add_counter(self, row, Py_ssize_t index, View packed, int64_t count) except -1:
        if self.idle:
            return 0
        if self.sharing and index < SHARED:
            name = self.shared_name(index, packed)
        else:
            name = unpack_view(self.layout.name, packed)
        return self.put(row, packed, name, count)

    cdef int add_super(self, row, View packed, columns) except -1:
        """Add a super column with its `columns`, a row."""
        if self.layout.super_name is None:
            raise ProtocolError('super columns in a reply of a standard family')
        if self.idle:
            return 0
        return self.put(row, packed, unpack_view(self.layout.super_name, packed), columns)

    cdef inline int put(self, row, View packed, name, value) except -1:
        if self.listed:
            (<list>row).append((view_bytes(packed), name, value))
        elif self.is_plain:
            PyDict_SetItem(row, name, value)
        else:
            row[name] = value
        return 0


cdef inline void fill_tuple(tuple target, Py_ssize_t index, value):
    Py_INCREF(value)
    PyTuple_SET_ITEM(target, index, value)


cdef Conversion new_conversion(Layout layout, dict_class, int flags, bint listed, bint sharing):
    cdef Conversion to = Conversion.__new__(Conversion)
    to.layout, to.dict_class, to.flags, to.listed, to.sharing = layout, dict_class, flags & 3, listed, sharing
    to.is_dict = dict_class is dict
    to.is_plain = dict_class is OrderedDict or to.is_dict or is_plain_class(dict_class)
    to.names, to.types = [], []
    to.idle = False
    return to
