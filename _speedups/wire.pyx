"""What requests are made of in the Thrift binary protocol: values, fields, message heads, frames."""
from pycassa._pure import wire as pure_wire
from pycassa._pure.wire import call_head  # no-cython-lint


cdef inline bytes as_bytes(data):
    """Packed data as bytes. Raises TypeError for what holds none."""
    return <bytes>data if type(data) is bytes else b'%b' % (data,)


cdef inline int put_raw(Writer out, data) except -1:
    return out.put_bytes(as_bytes(data))


cdef inline int put_binary(Writer out, data) except -1:
    """A byte string behind its length."""
    return out.put_binary(as_bytes(data))


cdef inline int put_field(Writer out, const char* field, data) except -1:
    """A field's type and id, three bytes, and a byte string behind its length."""
    cdef bytes packed = as_bytes(data)
    return out.put_field(field, 3, view_of_bytes(packed))


cdef inline int put_optional(Writer out, const char* field, data) except -1:
    """`put_field`, or nothing where there is no data."""
    return 0 if data is None else put_field(out, field, data)


cdef int put_binary_list(Writer out, items) except -1:
    """A list<binary>, from its element type on."""
    out.put_u8(STRING)
    out.put_length(len(items))
    for item in items:
        put_binary(out, item)
    return 0


cdef int put_i32(Writer out, value, str what) except -1:
    """A 32-bit integer. `what` names it in the PackingError of a value that is none."""
    cdef int32_t number = 0
    if quick_i32(<PyObject*>value, &number):
        return out.put_u32(<uint32_t>number)
    return out.put_bytes(pure_wire.i32(value, what))


cdef int put_i64(Writer out, value, str what) except -1:
    """A 64-bit integer. `what` names it in the PackingError of a value that is none."""
    cdef int64_t number = 0
    if quick_int(<PyObject*>value, &number):
        return out.put_u64(<uint64_t>number)
    return out.put_bytes(pure_wire.i64(value, what))


cdef int put_consistency(Writer out, const char* field, level) except -1:
    """A ConsistencyLevel behind its field. Raises PackingError for what no server knows."""
    cdef int32_t number = 0
    out.put(field, 3)
    if quick_level(<PyObject*>level, &number):
        return out.put_u32(<uint32_t>number)
    return out.put_bytes(pure_wire.consistency_level(level))


cdef int put_column_parent(Writer out, family, super_column) except -1:
    """A ColumnParent struct: a family, or one super column of it."""
    put_path(out, family, super_column)
    return out.put_u8(STOP)


cdef int put_column_path(Writer out, family, super_column, column) except -1:
    """A ColumnPath struct: a family, one super column, or one column of either."""
    put_path(out, family, super_column)
    put_optional(out, b'\x0b\0\5', column)
    return out.put_u8(STOP)


cdef int put_path(Writer out, family, super_column) except -1:
    put_field(out, b'\x0b\0\3', family)
    return put_optional(out, b'\x0b\0\4', super_column)


# --- messages ----------------------------------------------------------------------------------------------------

cdef int32_t checked_seqid(seqid) except? -1:
    """A sequence id. Raises struct.error for what is none."""
    cdef int32_t number = 0
    if quick_i32(<PyObject*>seqid, &number):
        return number
    return int.from_bytes(pure_wire.call_parts(b'', seqid)[1], 'big', signed=True)


cdef inline int start_call(Writer out, bytes head, int32_t seqid) except -1:
    """The beginning of a call's frame, to be followed by the fields of its arguments and `end_call`."""
    out.hold(b'', 0)
    out.put_bytes(head)
    return out.put_u32(<uint32_t>seqid)


cdef inline int end_call(Writer out) except -1:
    """The end of the arguments; and the frame's length, at its beginning."""
    out.put_u8(STOP)
    return out.fill(0)


cdef inline Writer new_call(bytes head, seqid, Py_ssize_t expected=160):
    """A Writer that holds the beginning of a call's frame."""
    cdef Writer out = new_writer(expected)
    start_call(out, head, checked_seqid(seqid))
    return out


cdef inline bytes frame_of(Writer out):
    """The frame of a call whose arguments were put."""
    end_call(out)
    return out.finish()
