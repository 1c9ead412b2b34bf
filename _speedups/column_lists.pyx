"""From bytes to columns, super columns and counters: the lists of a reply, each member given on to a Conversion.

What servers send, each column's fields in the order of the interface, is read in one step; any column that looks
otherwise is read field by field.
"""

cdef enum:
    # The fields of ColumnOrSuperColumn.
    COLUMN = 1
    SUPER_COLUMN = 2
    COUNTER_COLUMN = 3
    COUNTER_SUPER_COLUMN = 4


# --- any form ----------------------------------------------------------------------------------------------------

cdef int read_column(Cursor cursor, Column* column) except -1:
    """A Column struct, its fields in any order."""
    cdef int ttype = 0, field = 0
    cdef bint has_name = False
    column.has_value = column.has_timestamp = column.has_ttl = False
    while cursor.next_field(&ttype, &field):
        if field == 1 and ttype == STRING:
            column.name, has_name = cursor.take_binary(), True
        elif field == 2 and ttype == STRING:
            column.value, column.has_value = cursor.take_binary(), True
        elif field == 3 and ttype == I64:
            column.timestamp, column.has_timestamp = cursor.take_i64(), True
        elif field == 4 and ttype == I32:
            column.ttl, column.has_ttl = cursor.take_i32(), True
        else:
            cursor.pass_over(ttype, 0)
    if not has_name:
        raise ProtocolError(f'malformed message: a column without a name before byte {cursor._pos}')
    return 0


cdef int read_counter(Cursor cursor, View* name, int64_t* value) except -1:
    """A CounterColumn struct, its fields in any order."""
    cdef int ttype = 0, field = 0
    cdef bint has_name = False, has_value = False
    while cursor.next_field(&ttype, &field):
        if field == 1 and ttype == STRING:
            name[0], has_name = cursor.take_binary(), True
        elif field == 2 and ttype == I64:
            value[0], has_value = cursor.take_i64(), True
        else:
            cursor.pass_over(ttype, 0)
    if not has_name or not has_value:
        raise ProtocolError(f'malformed message: a counter without name or value before byte {cursor._pos}')
    return 0


cdef read_super(Cursor cursor, int kind, Conversion to, View* name):
    """A SuperColumn or CounterSuperColumn struct, its fields in any order: its columns, and its `name`."""
    cdef int ttype = 0, field = 0
    cdef bint has_name = False, has_columns = False
    columns = None
    while cursor.next_field(&ttype, &field):
        if field == 1 and ttype == STRING:
            name[0], has_name = cursor.take_binary(), True
        elif field == 2 and ttype == LIST and not has_columns:
            columns, has_columns = read_list(cursor, kind, to), True
        else:
            cursor.pass_over(ttype, 0)
    if not has_name or not has_columns:
        raise ProtocolError(f'malformed message: a super column without name or columns before byte {cursor._pos}')
    return columns


cdef read_list(Cursor cursor, int kind, Conversion to):
    """The list<Column> or list<CounterColumn> of a super column of this kind: a row."""
    cdef Py_ssize_t count = cursor.take_list(STRUCT), index
    cdef bint listed = to.listed
    cdef Column column
    cdef View name
    cdef int64_t value = 0
    # Subcolumns are a dict, whatever the super columns are put in.
    to.listed = False
    row = to.row(cursor.capacity(count, LEAST_COLUMN))
    for index in range(count):
        if kind == SUPER_COLUMN:
            if not cursor.scan_column(&column):
                read_column(cursor, &column)
            to.add(row, index, &column)
        else:
            if not cursor.scan_counter(False, &name, &value):
                read_counter(cursor, &name, &value)
            to.add_counter(row, index, name, value)
    row = to.finished(row)
    to.listed = listed
    return row


# --- list<ColumnOrSuperColumn> -----------------------------------------------------------------------------------

cdef int read_member(Cursor cursor, int kind, Conversion to, row, Py_ssize_t index) except -1:
    """A ColumnOrSuperColumn struct of any form, which must hold its field `kind` and no other: add it to `row`."""
    cdef int ttype = 0, field = 0
    cdef bint held = False
    cdef Column column
    cdef View name
    cdef int64_t value = 0
    columns = None
    while cursor.next_field(&ttype, &field):
        if ttype != STRUCT or not COLUMN <= field <= COUNTER_SUPER_COLUMN:
            cursor.pass_over(ttype, 0)
            continue
        if field != kind or held:
            raise ProtocolError(f'malformed message: fields {kind} and {field} of ColumnOrSuperColumn '
                                f'in one list at byte {cursor._pos}')
        held = True
        if kind == COLUMN:
            read_column(cursor, &column)
        elif kind == COUNTER_COLUMN:
            read_counter(cursor, &name, &value)
        else:
            columns = read_super(cursor, kind, to, &name)
    if not held:
        raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn before byte {cursor._pos}')
    if kind == COLUMN:
        return to.add(row, index, &column)
    if kind == COUNTER_COLUMN:
        return to.add_counter(row, index, name, value)
    return to.add_super(row, name, columns)


cdef int kind_at(Cursor cursor) except -1:
    """Which field the ColumnOrSuperColumn at the cursor holds; the cursor stays."""
    cdef Py_ssize_t start = cursor._pos
    cdef int ttype = 0, field = 0, kind = 0
    while not kind and cursor.next_field(&ttype, &field):
        if ttype == STRUCT and COLUMN <= field <= COUNTER_SUPER_COLUMN:
            kind = field
        else:
            cursor.pass_over(ttype, 0)
    cursor._pos = start
    if not kind:
        raise ProtocolError(f'malformed message: an empty ColumnOrSuperColumn at byte {start}')
    return kind


cdef read_single(Cursor cursor, Conversion to):
    """One ColumnOrSuperColumn struct: a row of one."""
    row = to.row(1)
    read_member(cursor, kind_at(cursor), to, row, 0)
    return row


cdef read_members(Cursor cursor, Conversion to):
    """A list<ColumnOrSuperColumn>, columns, super columns or counters, never mixed: a row."""
    cdef Py_ssize_t count = cursor.take_list(STRUCT), index
    cdef int kind = kind_at(cursor) if count else COLUMN
    cdef bint sharing = to.sharing
    row = to.row(cursor.capacity(count, LEAST_COLUMN))
    if kind == COLUMN:
        read_columns(cursor, to, row, count)
    elif kind == COUNTER_COLUMN:
        read_counters(cursor, to, row, count)
    else:
        # Super columns follow each other as rows do.
        to.sharing = sharing or count > 1
        for index in range(count):
            read_member(cursor, kind, to, row, index)
        to.sharing = sharing
    return to.finished(row)


cdef int read_columns(Cursor cursor, Conversion to, row, Py_ssize_t count) except -1:
    cdef Column column
    cdef Py_ssize_t index
    for index in range(count):
        if cursor.scan_member(&column):
            to.add(row, index, &column)
        else:
            read_member(cursor, COLUMN, to, row, index)
    return 0


cdef int read_counters(Cursor cursor, Conversion to, row, Py_ssize_t count) except -1:
    cdef View name
    cdef int64_t value = 0
    cdef Py_ssize_t index
    for index in range(count):
        if cursor.scan_counter(True, &name, &value):
            to.add_counter(row, index, name, value)
        else:
            read_member(cursor, COUNTER_COLUMN, to, row, index)
    return 0
