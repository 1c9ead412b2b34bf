"""Replies: who they answer, what they hold, and the exceptions that a server declares or not.

A reply is checked whole, to its last byte, before anything of it is returned. One that is malformed, or holds a value
that is not of its type, is read again by the pure twin: what went wrong is told by its errors, in its order.
"""
from pycassa._pure import replies as pure_replies
from pycassa.cassandra import Cassandra

cdef enum Shape:
    # What the field of success holds.
    NOTHING
    SINGLE
    MEMBERS
    ROWS
    KEY_SLICES
    NUMBER
    NUMBERS

cdef object ABSENT = object()

# What may mean that a reply is not as it should be. (A ProtocolError of ours, or what unpacking raises.)
cdef tuple UNREADABLE = (ProtocolError, *CONVERSION_ERRORS)

# The exceptions that each method declares: {field: class}.
cdef dict DECLARED = {}


cdef dict declared_by(str method):
    try:
        return DECLARED[method]
    except KeyError:
        spec = getattr(Cassandra, method + '_result').thrift_spec
        return DECLARED.setdefault(method, {each[0]: each[3][0] for each in spec if each is not None and each[0] > 0})


# --- the message -------------------------------------------------------------------------------------------------

cdef int open_result(Cursor cursor, str method, int32_t seqid) except -1:
    """Move to the result struct of the reply to this very call. Raises ProtocolError for any other message."""
    cdef View due, name
    if <uint32_t>cursor.take_i32() != 0x80010002u:
        raise ProtocolError('no reply')
    name = cursor.take_binary()
    if not quick_view(<PyObject*>method, &due) or not view_equal(name, due) or cursor.take_i32() != seqid:
        raise ProtocolError('the reply to another call')
    return 0


cdef read_exception(Cursor cursor, declared):
    """A declared exception: a struct of texts, numbers and flags."""
    cdef int ttype = 0, field = 0
    attributes = {spec[0]: spec for spec in declared.thrift_spec if spec is not None}
    values = {}
    while cursor.next_field(&ttype, &field):
        spec = attributes.get(field)
        if spec is None or spec[1] != ttype:
            cursor.pass_over(ttype, 0)
        elif ttype == STRING:
            values[spec[2]] = cursor.text()
        elif ttype == I32:
            values[spec[2]] = cursor.take_i32()
        elif ttype == BOOL:
            values[spec[2]] = cursor.u8() != 0
        else:
            raise ProtocolError(f'an exception with a field of type {ttype}')
    return declared(**values)


cdef inline int type_of_success(Shape shape) noexcept:
    if shape == SINGLE:
        return STRUCT
    if shape == MEMBERS or shape == KEY_SLICES:
        return LIST
    if shape == ROWS or shape == NUMBERS:
        return MAP
    return I32


cdef read_result(Cursor cursor, str method, int32_t seqid, Shape shape, Conversion to):
    """What a reply holds, from its first byte to its last. Raises the exception that it declares."""
    cdef int ttype = 0, field = 0
    value, error = ABSENT, None
    open_result(cursor, method, seqid)
    while cursor.next_field(&ttype, &field):
        if field == 0 and shape != NOTHING and ttype == type_of_success(shape):
            if value is not ABSENT:
                raise ProtocolError(f'malformed message: the reply to {method} holds two results')
            value = read_success(cursor, shape, to)
        elif ttype == STRUCT and field in declared_by(method):
            error = read_exception(cursor, declared_by(method)[field])
        else:
            cursor.pass_over(ttype, 0)
    cursor.end()
    if error is not None:
        raise error
    if shape == NOTHING:
        return None
    if value is ABSENT:
        raise ProtocolError(f'malformed message: the reply to {method} holds neither a result nor an exception')
    return value


cdef read_success(Cursor cursor, Shape shape, Conversion to):
    if shape == SINGLE:
        return read_single(cursor, to)
    if shape == MEMBERS:
        return read_members(cursor, to)
    if shape == ROWS:
        return read_rows(cursor, to)
    if shape == KEY_SLICES:
        return [read_key_slice(cursor, to) for _ in range(cursor.take_list(STRUCT))]
    if shape == NUMBERS:
        return read_numbers(cursor)
    return cursor.take_i32()


cdef dict read_rows(Cursor cursor, Conversion to):
    """A map<binary, list<ColumnOrSuperColumn>>: {packed key: columns}."""
    cdef View key
    rows = {}
    for _ in range(cursor.take_map(STRING, LIST)):
        key = cursor.take_binary()
        columns = read_members(cursor, to)
        if not to.idle:
            rows[view_bytes(key)] = columns
    return rows


cdef tuple read_key_slice(Cursor cursor, Conversion to):
    """A KeySlice struct, its fields in any order: (packed key, columns)."""
    cdef int ttype = 0, field = 0
    key, columns = None, ABSENT
    while cursor.next_field(&ttype, &field):
        if field == 1 and ttype == STRING:
            key = cursor.binary()
        elif field == 2 and ttype == LIST and columns is ABSENT:
            columns = read_members(cursor, to)
        else:
            cursor.pass_over(ttype, 0)
    if key is None or columns is ABSENT:
        raise ProtocolError(f'malformed message: a row without key or columns before byte {cursor._pos}')
    return key, columns


cdef dict read_numbers(Cursor cursor):
    """A map<binary, i32>."""
    numbers = {}
    for _ in range(cursor.take_map(STRING, I32)):
        key = cursor.binary()
        numbers[key] = cursor.take_i32()
    return numbers


# --- the calls ---------------------------------------------------------------------------------------------------

cdef decode(reply, str method, seqid, Shape shape, Conversion to):
    """What a reply holds; ABSENT: the pure twin has to tell."""
    cdef Cursor cursor
    cdef int32_t number = 0
    if not quick_i32(<PyObject*>seqid, &number):
        return ABSENT
    try:
        cursor = open_cursor(reply)
        if to is not None and not (to.is_plain and to.layout.is_native):
            to.idle = True
            read_result(cursor, method, number, shape, to)
            cursor._pos, to.idle = 0, False
        return read_result(cursor, method, number, shape, to)
    except UNREADABLE:
        return ABSENT


def decode_void(reply, str method, seqid):
    """The reply to a call that returns nothing."""
    return read_void(reply, method, seqid)


cdef read_void(reply, str method, seqid):
    result = decode(reply, method, seqid, NOTHING, None)
    return pure_replies.decode_void(reply, method, seqid) if result is ABSENT else result


def decode_get(reply, seqid, Layout layout not None, dict_class, flags):
    """(name, value) of a column or counter, or (super name, {name: value})."""
    result = decode(reply, 'get', seqid, SINGLE, new_conversion(layout, dict_class, flags, True, False))
    if result is ABSENT:
        return pure_replies.decode_get(reply, seqid, layout, dict_class, flags)
    return result[0][1:]


def decode_get_slice(reply, seqid, Layout layout not None, dict_class, flags):
    """{name: value} or {super name: {name: value}}, as a `dict_class`.

    A value is `value`, (value, timestamp), (value, ttl) or (value, timestamp, ttl) as `flags` say; counters are
    plain integers whatever they say.
    """
    return read_slice(reply, seqid, layout, dict_class, flags)


cdef read_slice(reply, seqid, Layout layout, dict_class, flags):
    result = decode(reply, 'get_slice', seqid, MEMBERS, new_conversion(layout, dict_class, flags, False, False))
    if result is ABSENT:
        return pure_replies.decode_get_slice(reply, seqid, layout, dict_class, flags)
    return result


def decode_get_slice_items(reply, seqid, Layout layout not None, dict_class, flags):
    """[(packed name, name, value)]: what paging needs to go on behind the last column."""
    result = decode(reply, 'get_slice', seqid, MEMBERS, new_conversion(layout, dict_class, flags, True, False))
    if result is ABSENT:
        return pure_replies.decode_get_slice_items(reply, seqid, layout, dict_class, flags)
    return result


def decode_multiget_slice(reply, seqid, Layout layout not None, dict_class, flags):
    """{packed key: columns as of `decode_get_slice`}, in the order of the reply."""
    result = decode(reply, 'multiget_slice', seqid, ROWS, new_conversion(layout, dict_class, flags, False, True))
    if result is ABSENT:
        return pure_replies.decode_multiget_slice(reply, seqid, layout, dict_class, flags)
    return result


def decode_key_slices(reply, str method, seqid, Layout layout not None, dict_class, flags):
    """[(packed key, columns as of `decode_get_slice`)]: get_range_slices, get_indexed_slices, get_paged_slice."""
    result = decode(reply, method, seqid, KEY_SLICES, new_conversion(layout, dict_class, flags, False, True))
    if result is ABSENT:
        return pure_replies.decode_key_slices(reply, method, seqid, layout, dict_class, flags)
    return result


def decode_get_count(reply, seqid):
    """The reply to get_count."""
    result = decode(reply, 'get_count', seqid, NUMBER, None)
    return pure_replies.decode_get_count(reply, seqid) if result is ABSENT else result


def decode_multiget_count(reply, seqid):
    """The reply to multiget_count: {packed key: count}."""
    result = decode(reply, 'multiget_count', seqid, NUMBERS, None)
    return pure_replies.decode_multiget_count(reply, seqid) if result is ABSENT else result
