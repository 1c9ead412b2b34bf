"""Writes: Mutation structs, and the batch messages that carry them."""

# The most bytes of a batch message (the frame's length not counted) beside its entries, and the most that an entry
# adds beside its key, family and mutations.
from pycassa._pure.mutations import BATCH_OVERHEAD, ENTRY_OVERHEAD  # no-cython-lint

cdef bytes BATCH = call_head(b'batch_mutate')
cdef bytes ATOMIC_BATCH = call_head(b'atomic_batch_mutate')


def encode_insertions(Layout layout not None, key, columns, timestamp, ttl):
    """(count, bytes) of the Mutation structs that insert `columns`, {name: value} or {super name: {name: value}}.

    `timestamp` in microseconds, `ttl` in seconds; counter layouts take integers and neither of both. `key` is for
    messages only. Raises PackingError, which names family, key, column, type and the value's class.
    """
    cdef Writer out = new_writer(256)
    cdef Tail tail
    cdef Py_ssize_t count
    cdef Recent recent
    recent.count = 0
    if quick_tail(&tail, timestamp, ttl) and is_plain_dict(<PyObject*>columns):
        count = PyDict_Size(<PyObject*>columns)
        if quick_insertions(out, layout, <PyObject*>columns, &tail, &recent):
            return count, out.finish()
        out.cut(0)
    items = pure_columns.columns_of(layout, key, columns)
    count = len(items)
    set_tail(&tail, timestamp, ttl)
    put_insertions(out, layout, key, items, &tail)
    return count, out.finish()


def encode_deletion(timestamp, super_column, predicate):
    """One Mutation struct with a Deletion: of a row, a super column, or what `predicate` (a struct) selects."""
    cdef Writer out = new_writer(128)
    out.put(b'\x0c\0\2', 3)
    if timestamp is not None:
        out.put(b'\x0a\0\1', 3)
        put_i64(out, timestamp, 'a timestamp')
    put_optional(out, b'\x0b\0\2', super_column)
    if predicate is not None:
        out.put(b'\x0c\0\3', 3)
        put_raw(out, predicate)
    out.put(b'\0\0', 2)
    return out.finish()


def encode_rows(seqid, Layout layout not None, rows, timestamp, ttl, consistency):
    """The frame of a batch_mutate that inserts {key: columns} into one family.

    Keys are packed here; those that pack alike are merged, later columns after earlier ones.
    """
    return frame_of_rows(seqid, layout, rows, timestamp, ttl, consistency)


cdef bytes frame_of_rows(seqid, Layout layout, rows, timestamp, ttl, consistency):
    cdef Writer out = new_writer(layout.usual + 64)
    cdef Tail tail
    if not quick_rows(out, seqid, layout, rows, timestamp, ttl, consistency):
        out.cut(0)
        names, values = (rows, rows.values()) if type(rows) is dict else split_rows(layout, rows)
        keys = [pack_key(layout, key) for key in names]
        if len(set(keys)) != len(keys):
            return encode_batch(seqid, [
                (layout.family, packed, *encode_insertions(layout, key, columns, timestamp, ttl))
                for packed, key, columns in zip(keys, names, values)], consistency)
        start_call(out, BATCH, checked_seqid(seqid))
        out.fill_with(out.hold(b'\x0d\0\1\x0b\x0d', 5), len(keys))
        set_tail(&tail, timestamp, ttl)
        put_rows(out, layout, keys, names, values, &tail)
        put_consistency(out, b'\x08\0\2', consistency)
        end_call(out)
    # The next request is likely to be of the same size.
    layout.usual = out.pos + (out.pos >> 3)
    return out.finish()


cdef bint quick_rows(Writer out, seqid, Layout layout, rows, timestamp, ttl, consistency) except -1:
    """The frame of rows that are all plain; False, with the Writer in disorder, where something is not."""
    cdef int32_t number = 0, level = 0
    cdef PyObject* key = NULL
    cdef PyObject* columns = NULL
    cdef PyObject* kind = NULL
    cdef Py_ssize_t at = 0
    cdef View opening = view_of_bytes(layout.opening)
    cdef Tail tail
    cdef Recent recent
    recent.count = 0
    if not quick_tail(&tail, timestamp, ttl) or not is_plain_dict(<PyObject*>rows):
        return False
    if not quick_level(<PyObject*>consistency, &level) or not quick_i32(<PyObject*>seqid, &number):
        return False
    start_call(out, BATCH, number)
    out.fill_with(out.hold(b'\x0d\0\1\x0b\x0d', 5), PyDict_Size(<PyObject*>rows))
    while PyDict_Next(<PyObject*>rows, &at, &key, &columns):
        if kind == NULL:
            kind = CLASS_OF(key)
        if CLASS_OF(key) != kind or not is_plain_dict(columns) or not never_alike(layout.key, key):
            return False
        if not quick_field(out, b'', 0, layout.key, key):
            return False
        out.put_view(opening)
        out.put_length(PyDict_Size(columns))
        if not quick_insertions(out, layout, columns, &tail, &recent):
            return False
    out.put(b'\x08\0\2', 3)
    out.put_u32(<uint32_t>level)
    end_call(out)
    return True


cdef bint never_alike(Scalar scalar, PyObject* key) noexcept:
    """Whether two keys of this very class that are not equal have different bytes."""
    if scalar.kind == AS_UTF8 or scalar.kind == AS_ASCII or scalar.kind == AS_BLOB:
        return PyUnicode_CheckExact(key) or PyBytes_CheckExact(key)
    if scalar.kind == AS_BLOB_TEXT:
        # A text in which bytes are escaped packs like the text that these bytes make.
        return PyBytes_CheckExact(key) or (PyUnicode_CheckExact(key) and lacks_surrogates(key))
    if scalar.kind == AS_LONG or scalar.kind == AS_INT32 or scalar.kind == AS_VARINT:
        return PyLong_CheckExact(key)
    return False


cdef int put_rows(Writer out, Layout layout, keys, names, values, const Tail* tail) except -1:
    """Rows of any kind: `keys` packed, their `names` as the user gave them, and their columns."""
    cdef Py_ssize_t start
    cdef Recent recent
    for packed, key, columns in zip(keys, names, values):
        # What was packed meanwhile may have been dropped.
        recent.count = 0
        put_binary(out, packed)
        out.put_bytes(layout.opening)
        start = out.hold(b'', 0)
        if is_plain_dict(<PyObject*>columns):
            out.fill_with(start, PyDict_Size(<PyObject*>columns))
            if quick_insertions(out, layout, <PyObject*>columns, tail, &recent):
                continue
            out.cut(start + 4)
        items = pure_columns.columns_of(layout, key, columns)
        out.fill_with(start, len(items))
        put_insertions(out, layout, key, items, tail)
    return 0


def split_rows(layout, rows):
    """The keys and the columns of rows that are no plain dict."""
    items = pure_columns.pairs(rows, lambda: f'the rows of family {layout.family.decode()!r}')
    return [key for key, _ in items], [columns for _, columns in items]


def encode_batch(seqid, entries, consistency, atomic=False):
    """The frame of a batch_mutate or atomic_batch_mutate of (family, key, count, mutations) entries.

    Entries of the same key and family are merged in their order: a server keeps one list of each.
    """
    cdef dict keys = {}, families
    cdef list merged
    cdef Py_ssize_t size = 64, start
    for entry in entries:
        families = keys.setdefault(entry[1], {})
        merged = families.setdefault(entry[0], [])
        merged.append(entry)
        size += len(entry[0]) + len(entry[1]) + len(entry[3]) + 24
    cdef Writer out = new_writer(size)
    start_call(out, ATOMIC_BATCH if atomic else BATCH, checked_seqid(seqid))
    out.fill_with(out.hold(b'\x0d\0\1\x0b\x0d', 5), len(keys))
    for key, families in keys.items():
        put_binary(out, key)
        out.fill_with(out.hold(b'\x0b\x0f', 2), len(families))
        for family, merged in families.items():
            put_binary(out, family)
            out.put_u8(STRUCT)
            start = out.hold(b'', 0)
            out.fill_with(start, sum([entry[2] for entry in merged]))
            for entry in merged:
                put_raw(out, entry[3])
    put_consistency(out, b'\x08\0\2', consistency)
    end_call(out)
    return out.finish()


def mutation_lengths(data, count):
    """The length in bytes of each of the `count` Mutation structs of `data`. Raises ProtocolError if it has others."""
    cdef Cursor cursor = open_cursor(data)
    cdef Py_ssize_t start
    lengths = []
    for _ in range(count):
        start = cursor._pos
        cursor.pass_over(STRUCT, 0)
        lengths.append(cursor._pos - start)
    cursor.end()
    return lengths
