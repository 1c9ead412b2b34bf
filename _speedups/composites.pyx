"""Composites of the compiled twin: names of several components, straight into a request and out of a reply.

As with scalars, what is not plain goes to the functions of the pure twin.
"""
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

from pycassa._pure import composites as pure_composites

cdef extern from 'Python.h':
    """
    /* A tuple, or one of a subclass whose items are reached as a tuple's are. */
    #define IS_PLAIN_TUPLE(o) (PyTuple_CheckExact(o) || (PyTuple_Check(o) \\
        && Py_TYPE(o)->tp_iter == PyTuple_Type.tp_iter \\
        && Py_TYPE(o)->tp_as_sequence->sq_length == PyTuple_Type.tp_as_sequence->sq_length \\
        && Py_TYPE(o)->tp_as_mapping->mp_subscript == PyTuple_Type.tp_as_mapping->mp_subscript))
    /* The function itself tells failure by anything but 0. */
    #define ENTER_CALL(where) (Py_EnterRecursiveCall(where) ? -1 : 0)
    """
    bint IS_PLAIN_TUPLE(PyObject*) noexcept
    bint PyTuple_Check(PyObject*) noexcept
    bint PyTuple_CheckExact(PyObject*) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject*) noexcept
    PyObject* PyTuple_GET_ITEM(PyObject*, Py_ssize_t) noexcept
    bint PyList_Check(PyObject*) noexcept
    bint PyList_CheckExact(PyObject*) noexcept
    Py_ssize_t PyList_GET_SIZE(PyObject*) noexcept
    PyObject* PyList_GET_ITEM(PyObject*, Py_ssize_t) noexcept
    int ENTER_CALL(const char*) except -1
    void Py_LeaveRecursiveCall() noexcept


def composite(components):
    """CompositeType: names of several components, each of its own type; tuples or lists in, tuples out.

    Fewer components than declared are a prefix. A slice's ends are inclusive of everything that begins with the
    components given; a last component written as (value, False) makes its end exclusive. Errors name the component.
    """
    return native_scalar(pure_composites.composite(components), AS_COMPOSITE, tuple(map(as_scalar, components)))


def dynamic_composite(aliases, resolve=scalar):
    """DynamicCompositeType: each component brings its type; ((alias or type name, value), ...) in and out.

    One character is an alias of `aliases`; anything longer is a type's name, whose Scalar `resolve` finds (KeyError
    when it does not). A slice's ends are inclusive; a last component ((type, value), False) makes its end exclusive.
    """
    return native_scalar(pure_composites.dynamic_composite(aliases, resolve), AS_DYNAMIC, (aliases, resolve))


cdef bint may_run_code(Scalar scalar) except -1:
    """Whether somebody's code may run while a plain value of a type is packed.

    A dynamic composite looks into a mapping of a user's, whose keys may have comparisons of their own. The first
    Decimal of a thread has its context made, of objects that may set off the collector, and that finalizers.
    """
    if scalar.kind == AS_COMPOSITE:
        return any([may_run_code(<Scalar>part) for part in scalar.parts])
    return scalar.kind == AS_DYNAMIC or scalar.kind == AS_DECIMAL


cdef bint pack_composite(Writer out, Scalar scalar, PyObject* value) except -1:
    cdef Py_ssize_t start = out.pos, count = 1, index
    cdef bint in_tuple = PyTuple_Check(value), in_list = PyList_Check(value)
    cdef PyObject* item = value
    if in_tuple or in_list:
        if not (IS_PLAIN_TUPLE(value) or PyList_CheckExact(value)):
            return False
        count = PyTuple_GET_SIZE(value) if in_tuple else PyList_GET_SIZE(value)
    if count > PyTuple_GET_SIZE(<PyObject*>scalar.parts):
        return False
    for index in range(count):
        if in_tuple:
            item = PyTuple_GET_ITEM(value, index)
        elif in_list:
            # The code that may run while a component is packed may have changed the list.
            if index >= PyList_GET_SIZE(value):
                out.cut(start)
                return False
            item = PyList_GET_ITEM(value, index)
        if not pack_component(out, <Scalar>PyTuple_GET_ITEM(<PyObject*>scalar.parts, index), item):
            out.cut(start)
            return False
    return True


cdef bint pack_component(Writer out, Scalar scalar, PyObject* value) except -1:
    """Append a component: its length, its bytes, and that they end here. May leave a part of it where it fails."""
    cdef Py_ssize_t start = out.pos, size
    cdef bint done
    # The list that it is in may lose it meanwhile.
    held = <object>value
    out.put_u16(0)
    if scalar.kind == AS_COMPOSITE or scalar.kind == AS_DYNAMIC:
        ENTER_CALL(b' while a composite is packed')
        try:
            done = pack_other(out, scalar, <PyObject*>held)
        finally:
            Py_LeaveRecursiveCall()
    else:
        done = pack_quick(out, scalar, <PyObject*>held)
    size = out.pos - start - 2
    if not done or size > 0xFFFF:
        return False
    out.fill_u16(start, <uint16_t>size)
    out.put_u8(0)
    return True


cdef bint pack_dynamic(Writer out, Scalar scalar, PyObject* value) except -1:
    cdef Py_ssize_t start = out.pos
    cdef tuple items = quick_tuple(value)
    if items is None:
        return False
    for item in items:
        if not pack_typed(out, scalar, quick_tuple(<PyObject*>item)):
            out.cut(start)
            return False
    return True


cdef inline tuple quick_tuple(PyObject* value):
    """A tuple itself; None for all else, of which a tuple would have to be made: the collector might run at that."""
    return <tuple>value if PyTuple_CheckExact(value) else None


cdef bint pack_typed(Writer out, Scalar scalar, tuple pair) except -1:
    """Append a component of a dynamic composite: how its type is told, and the component."""
    cdef str name
    if pair is None or len(pair) != 2 or type(pair[0]) is not str:
        return False
    aliases, resolve = scalar.parts
    name, value = pair
    if len(name) == 1 and type(aliases) is dict and name <= '\xff':
        found = (<dict>aliases).get(name)
        out.put_u16(0x8000 | <uint16_t>ord(name))
    elif resolve is _by_name:
        found = SCALARS.get(name)
        out.put_u16(<uint16_t>len(name))
        out.put_text(<PyObject*>name)
    else:
        return False
    return isinstance(found, Scalar) and pack_component(out, <Scalar>found, <PyObject*>value)


cdef object unpack_component(Scalar scalar, View data, Py_ssize_t index, name):
    """The value of a component. Raises ValueError, which names the component."""
    try:
        if scalar.kind != AS_COMPOSITE and scalar.kind != AS_DYNAMIC:
            return unpack_view(scalar, data)
        ENTER_CALL(b' while a composite is unpacked')
        try:
            return unpack_other(scalar, data)
        finally:
            Py_LeaveRecursiveCall()
    except ValueError as error:
        raise pure_composites.component_error(index, name, error) from error


cdef bint component_at(View data, Py_ssize_t pos, View* part) noexcept:
    """Whether a whole component stands at `pos`; `part` are its bytes then, 3 less than all of it."""
    cdef View end
    return (view_part(data, pos, 2, part) and view_part(data, pos + 2, view_u16(part[0]), part)
            and view_part(data, pos + 2 + part.size, 1, &end))


cdef object unpack_composite(Scalar scalar, View data):
    cdef Py_ssize_t pos = 0, count = 0, most = len(scalar.parts)
    cdef View part
    cdef Scalar each
    cdef tuple values = PyTuple_New(most)
    # Those who look through all objects, as a component's own function may, are not to come across it half filled.
    PyObject_GC_UnTrack(values)
    for each in scalar.parts:
        if pos == data.size:
            return values[:count]
        if not component_at(data, pos, &part):
            raise pure_composites.truncated(view_bytes(data), pos)
        item = unpack_component(each, part, count, each.name)
        Py_INCREF(item)
        PyTuple_SET_ITEM(values, count, item)
        count += 1
        pos += part.size + 3
    if pos != data.size:
        raise ValueError(f'{data.size - pos} bytes follow the last component of a CompositeType of {most}')
    # The empty tuple is everybody's.
    if count:
        PyObject_GC_Track(values)
    return values


cdef object unpack_dynamic(Scalar scalar, View data):
    cdef Py_ssize_t pos = 0, start
    cdef View head, part
    cdef Scalar each
    cdef str name
    cdef list values = []
    while pos < data.size:
        if not view_part(data, pos, 2, &head):
            raise pure_composites.truncated(view_bytes(data), pos)
        start = pos + 2
        if view_u8(head) & 0x80:
            name = chr(view_u16(head) & 0xFF)
            each = alias_of(scalar, name)
        elif view_part(data, start, view_u16(head), &part):
            name = view_text(part)
            start += part.size
            each = type_of_name(scalar, name)
        else:
            each = None
        if each is None:
            return scalar._unpack(view_bytes(data))
        if not component_at(data, start, &part):
            raise pure_composites.truncated(view_bytes(data), pos)
        values.append((name, unpack_component(each, part, len(values), name)))
        pos = start + part.size + 3
    return tuple(values)


cdef Scalar alias_of(Scalar scalar, str alias):
    """The type that an alias of a dynamic composite stands for, or None."""
    try:
        return as_scalar(scalar.parts[0][alias])
    except KeyError:
        return None


cdef Scalar type_of_name(Scalar scalar, str name):
    """The type of a dynamic composite's component by its name, or None."""
    # One character is an alias, however it is written: the pure twin knows.
    if len(name) == 1:
        return None
    try:
        return as_scalar(scalar.parts[1](name))
    except KeyError:
        return None
