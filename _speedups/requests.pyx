"""Requests other than batches: reads, predicates and ranges, single writes, truncate.

Keys, names and bounds are packed bytes; each `encode_*` of a call returns its whole frame, byte for byte what
thrift's TBinaryProtocol writes for the bindings' arguments.
"""

cdef bytes GET = call_head(b'get')
cdef bytes GET_SLICE = call_head(b'get_slice')
cdef bytes GET_COUNT = call_head(b'get_count')
cdef bytes MULTIGET_SLICE = call_head(b'multiget_slice')
cdef bytes MULTIGET_COUNT = call_head(b'multiget_count')
cdef bytes GET_RANGE_SLICES = call_head(b'get_range_slices')
cdef bytes GET_INDEXED_SLICES = call_head(b'get_indexed_slices')
cdef bytes INSERT = call_head(b'insert')
cdef bytes ADD = call_head(b'add')
cdef bytes REMOVE = call_head(b'remove')
cdef bytes REMOVE_COUNTER = call_head(b'remove_counter')
cdef bytes TRUNCATE = call_head(b'truncate')


# --- predicates and ranges ---------------------------------------------------------------------------------------

def encode_names_predicate(names):
    """A SlicePredicate struct of columns by name."""
    cdef Writer out = new_writer(64)
    out.put(b'\x0f\0\1', 3)
    put_binary_list(out, names)
    out.put_u8(STOP)
    return out.finish()


def encode_slice_predicate(start, finish, reversed, count):
    """A SlicePredicate struct of at most `count` columns from `start` to `finish`; empty bounds are open."""
    cdef Writer out = new_writer(64)
    out.put(b'\x0c\0\2\x0b\0\1', 6)
    put_binary(out, start)
    put_field(out, b'\x0b\0\2', finish)
    out.put(b'\x02\0\3\1\x08\0\4' if reversed else b'\x02\0\3\0\x08\0\4', 7)
    put_i32(out, count, 'a column count')
    out.put(b'\0\0', 2)
    return out.finish()


cdef int put_expressions(Writer out, expressions) except -1:
    """A list<IndexExpression>, from its element type on."""
    out.put_u8(STRUCT)
    out.put_length(len(expressions))
    for name, operator, value in expressions:
        put_field(out, b'\x0b\0\1', name)
        out.put(b'\x08\0\2', 3)
        put_i32(out, operator, 'an index operator')
        put_field(out, b'\x0b\0\3', value)
        out.put_u8(STOP)
    return 0


def encode_key_range(start_key, end_key, start_token, end_token, count, row_filter):
    """A KeyRange struct. `row_filter` is [(column name, IndexOperator, value)]."""
    cdef Writer out = new_writer(96)
    put_optional(out, b'\x0b\0\1', start_key)
    put_optional(out, b'\x0b\0\2', end_key)
    if start_token is not None:
        put_field(out, b'\x0b\0\3', start_token.encode())
    if end_token is not None:
        put_field(out, b'\x0b\0\4', end_token.encode())
    out.put(b'\x08\0\5', 3)
    put_i32(out, count, 'a row count')
    if row_filter is not None:
        out.put(b'\x0f\0\6', 3)
        put_expressions(out, row_filter)
    out.put_u8(STOP)
    return out.finish()


# --- reads -------------------------------------------------------------------------------------------------------

cdef bytes read_of_row(bytes head, seqid, key, family, super_column, predicate, consistency, bint several=False):
    """A read by a SlicePredicate struct of one row, or of `several`: then `key` is all their keys."""
    cdef Writer out = new_call(head, seqid)
    if several:
        out.put(b'\x0f\0\1', 3)
        put_binary_list(out, key)
    else:
        put_field(out, b'\x0b\0\1', key)
    out.put(b'\x0c\0\2', 3)
    put_column_parent(out, family, super_column)
    out.put(b'\x0c\0\3', 3)
    put_raw(out, predicate)
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


def encode_get(seqid, key, family, super_column, column, consistency):
    """get: one column, or one super column when `column` is None."""
    cdef Writer out = new_call(GET, seqid)
    put_field(out, b'\x0b\0\1', key)
    out.put(b'\x0c\0\2', 3)
    put_column_path(out, family, super_column, column)
    put_consistency(out, b'\x08\0\3', consistency)
    return frame_of(out)


def encode_get_slice(seqid, key, family, super_column, predicate, consistency):
    """get_slice: columns of one row. `predicate` is a SlicePredicate struct."""
    return read_of_row(GET_SLICE, seqid, key, family, super_column, predicate, consistency)


def encode_get_count(seqid, key, family, super_column, predicate, consistency):
    """get_count: how many columns of one row `predicate` selects."""
    return read_of_row(GET_COUNT, seqid, key, family, super_column, predicate, consistency)


def encode_multiget_slice(seqid, keys, family, super_column, predicate, consistency):
    """multiget_slice: columns of several rows."""
    return read_of_row(MULTIGET_SLICE, seqid, keys, family, super_column, predicate, consistency, True)


def encode_multiget_count(seqid, keys, family, super_column, predicate, consistency):
    """multiget_count: how many columns of each of several rows `predicate` selects."""
    return read_of_row(MULTIGET_COUNT, seqid, keys, family, super_column, predicate, consistency, True)


def encode_get_range_slices(seqid, family, super_column, predicate, key_range, consistency):
    """get_range_slices: rows by a range of keys or tokens. `key_range` is a KeyRange struct."""
    cdef Writer out = new_call(GET_RANGE_SLICES, seqid)
    out.put(b'\x0c\0\1', 3)
    put_column_parent(out, family, super_column)
    out.put(b'\x0c\0\2', 3)
    put_raw(out, predicate)
    out.put(b'\x0c\0\3', 3)
    put_raw(out, key_range)
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


def encode_get_indexed_slices(seqid, family, expressions, start_key, count, predicate, consistency):
    """get_indexed_slices: at most `count` rows that the expressions [(column name, IndexOperator, value)] match."""
    cdef Writer out = new_call(GET_INDEXED_SLICES, seqid)
    out.put(b'\x0c\0\1', 3)
    put_column_parent(out, family, None)
    out.put(b'\x0c\0\2\x0f\0\1', 6)
    put_expressions(out, expressions)
    put_field(out, b'\x0b\0\2', start_key)
    out.put(b'\x08\0\3', 3)
    put_i32(out, count, 'a row count')
    out.put(b'\0\x0c\0\3', 4)
    put_raw(out, predicate)
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


# --- single writes -----------------------------------------------------------------------------------------------

cdef Writer write_to_row(bytes head, seqid, key, family, super_column):
    """The beginning of a write of one column: its row, and where in it."""
    cdef Writer out = new_call(head, seqid)
    put_field(out, b'\x0b\0\1', key)
    out.put(b'\x0c\0\2', 3)
    put_column_parent(out, family, super_column)
    return out


def encode_insert(seqid, key, family, super_column, name, value, timestamp, ttl, consistency):
    """insert: one column. `timestamp` in microseconds, `ttl` in seconds."""
    cdef Writer out = write_to_row(INSERT, seqid, key, family, super_column)
    cdef Tail tail
    out.put(b'\x0c\0\3\x0b\0\1', 6)
    put_binary(out, name)
    put_field(out, b'\x0b\0\2', value)
    set_tail(&tail, timestamp, ttl)
    put_tail(out, &tail, 1)
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


def encode_add(seqid, key, family, super_column, name, delta, consistency):
    """add: `delta` to one counter."""
    cdef Writer out = write_to_row(ADD, seqid, key, family, super_column)
    out.put(b'\x0c\0\3\x0b\0\1', 6)
    put_binary(out, name)
    out.put(b'\x0a\0\2', 3)
    put_i64(out, delta, 'a counter value')
    out.put_u8(STOP)
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


cdef Writer removal(bytes head, seqid, key, family, super_column, column):
    """The beginning of a removal: a row, and the path in it."""
    cdef Writer out = new_call(head, seqid)
    put_field(out, b'\x0b\0\1', key)
    out.put(b'\x0c\0\2', 3)
    put_column_path(out, family, super_column, column)
    return out


def encode_remove(seqid, key, family, super_column, column, timestamp, consistency):
    """remove: a row, a super column, or a column of either, as it was at `timestamp` (microseconds)."""
    cdef Writer out = removal(REMOVE, seqid, key, family, super_column, column)
    out.put(b'\x0a\0\3', 3)
    put_i64(out, timestamp, 'a timestamp')
    put_consistency(out, b'\x08\0\4', consistency)
    return frame_of(out)


def encode_remove_counter(seqid, key, family, super_column, column, consistency):
    """remove_counter: a row, a super column, or one counter of either."""
    cdef Writer out = removal(REMOVE_COUNTER, seqid, key, family, super_column, column)
    put_consistency(out, b'\x08\0\3', consistency)
    return frame_of(out)


def encode_truncate(seqid, family):
    """truncate: everything of a family."""
    cdef Writer out = new_call(TRUNCATE, seqid)
    put_field(out, b'\x0b\0\1', family.encode() if isinstance(family, str) else family)
    return frame_of(out)
