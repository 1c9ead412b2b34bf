"""Scalars of the compiled twin: how values of each Cassandra type become bytes and come back.

`pack_quick` takes the values that a type is made for, `unpack_view` the bytes of the right length; neither calls
Python for them. All else, errors included, goes to the functions of the pure twin or to a user's own, so that both
twins say the same.
"""
import codecs
import decimal
import functools
import ipaddress
import uuid

from cpython.datetime cimport (
    PyDate_CheckExact, PyDateTime_CheckExact, PyTime_CheckExact, date_day, date_month, date_new, date_year,
    datetime_hour, datetime_microsecond, datetime_minute, datetime_new, datetime_second, datetime_tzinfo, get_utc,
    import_datetime, time_hour, time_microsecond, time_minute, time_new, time_second, time_tzinfo,
)
from cpython.unicode cimport Py_UNICODE_ISDECIMAL, Py_UNICODE_TODECIMAL
from libc.math cimport floor, isinf, rint

from pycassa._pure import packing as pure_packing

cdef extern from 'Python.h':
    """
    #define IS_EXACTLY(o, cls) ((PyObject *)Py_TYPE(o) == (cls))
    #define NEW_OF(cls) PyType_GenericAlloc((PyTypeObject *)(cls), 0)
    """
    bint IS_EXACTLY(PyObject*, object) noexcept
    object NEW_OF(object)
    bint PyFloat_Check(PyObject*) noexcept
    bint PyFloat_CheckExact(PyObject*) noexcept
    double PyFloat_AS_DOUBLE(PyObject*) noexcept
    PyObject* Py_True
    PyObject* Py_False
    bint PyBool_Check(PyObject*) noexcept
    bint PyLong_Check(PyObject*) noexcept
    bint PyLong_CheckExact(PyObject*) noexcept
    double PyLong_AsDouble(object) except? -1
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    object PyUnicode_AsEncodedString(object, const char*, const char*)
    object PyObject_GenericGetAttr(object, object)
    int PyObject_GenericSetAttr(object, object, object) except -1

import_datetime()

PACK_ERRORS = pure_packing.PACK_ERRORS


# How a Scalar packs and unpacks: by calls of its functions, or as one of the types here. The first of these leave it to
# the functions to pack, or have functions that are no slower than C.
cdef enum Kind:
    BY_CALL = 0
    AS_ADDRESS
    AS_EMPTY
    AS_LONG
    AS_INT32
    AS_SHORT
    AS_BYTE
    AS_DOUBLE
    AS_FLOAT
    AS_NATIVE_DOUBLE
    AS_UTF8
    AS_BLOB
    AS_BLOB_TEXT
    AS_ASCII
    AS_VARINT
    AS_DECIMAL
    AS_BOOLEAN
    AS_TIMESTAMP
    AS_SIMPLE_DATE
    AS_TIME
    AS_UUID
    AS_COMPOSITE
    AS_DYNAMIC


cdef class Scalar:
    """A type of keys, names or values: `pack(value) -> bytes` and `unpack(bytes) -> value`.

    `pack` raises TypeError, ValueError (UnicodeError included), OverflowError or struct.error for a value that the
    type cannot hold; `unpack` raises ValueError for bytes that are not of the type. Empty bytes of a type of fixed
    size unpack to None. `pack_bound(value, is_start)` packs an end of a slice: `is_start` tells the end that comes
    first in the comparator's order, which is `column_finish` of a reversed slice. `ranged` tells that the two ends
    pack differently.
    """

    cdef public object name
    cdef public object pack_bound
    cdef public bint ranged
    cdef int kind
    # They take every value and raise every error: the user's, or those of the pure twin.
    cdef object _pack
    cdef object _unpack
    # Of a composite: its components; of a dynamic one: (its aliases, how it finds a type by its name).
    cdef tuple parts

    def __init__(self, name, pack, unpack, pack_bound=None):
        self.name = name
        self.kind = BY_CALL
        self._pack, self._unpack = pack, unpack
        self.ranged = pack_bound is not None
        self.pack_bound = pack_bound if pack_bound is not None else lambda value, is_start: pack(value)

    def __repr__(self):
        return f'<Scalar {self.name}>'

    @property
    def pack(self):
        return self._pack if self.kind < AS_UTF8 else self._pack_value

    @pack.setter
    def pack(self, function):
        self._pack, self.kind = function, BY_CALL

    @property
    def unpack(self):
        return self._unpack if self.kind == BY_CALL else self._unpack_bytes

    @unpack.setter
    def unpack(self, function):
        self._unpack, self.kind = function, BY_CALL

    def _pack_value(self, value):
        """The bytes of a value, of one of the codec's own types."""
        cdef Writer out
        if type(value) is bytes and AS_UTF8 <= self.kind <= AS_BLOB_TEXT:
            return value
        out = new_writer(24)
        return out.finish() if pack_quick(out, self, <PyObject*>value) else self._pack(value)

    def _unpack_bytes(self, data):
        """The value of bytes, of one of the codec's own types."""
        return unpack_view(self, view_of_bytes(<bytes>data)) if type(data) is bytes else self._unpack(data)


cdef Scalar as_scalar(found):
    """Any Scalar as one of this twin."""
    if isinstance(found, Scalar):
        return found
    return Scalar(found.name, found.pack, found.unpack, found.pack_bound)


cdef Scalar native_scalar(pure, int kind, tuple parts=None):
    """The Scalar of `kind` that does what the pure twin's does."""
    cdef Scalar made = Scalar(pure.name, pure.pack, pure.unpack, pure.pack_bound)
    made.ranged, made.kind, made.parts = pure.ranged, kind, parts
    return made


def reversed_order(inner):
    """`inner` for a comparator of the reverse order: the same bytes, but the ends of a slice change places."""
    cdef Scalar forward, made
    if not inner.ranged:
        return inner
    forward, pack_bound = as_scalar(inner), inner.pack_bound
    made = Scalar(forward.name, forward._pack, forward._unpack,
                  lambda value, is_start: pack_bound(value, not is_start))
    made.kind, made.parts = forward.kind, forward.parts
    return made


# --- from values to bytes ----------------------------------------------------------------------------------------

cdef bytes pack_exactly(Scalar scalar, value):
    """The bytes of any value. Raises what the type's function raises, and TypeError for None."""
    if value is None:
        raise TypeError('None cannot be stored')
    data = scalar._pack(value)
    if type(data) is bytes:
        return <bytes>data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f'pack returned {type(data).__name__}, not bytes')


cdef inline bint pack_quick(Writer out, Scalar scalar, PyObject* value) except -1:
    """Append the bytes of a plain value, without their length; or nothing, and False: pack_exactly knows what to do.

    Plain are values that need no call of a function of Python's, and can be held. Nobody's code runs here, but for the
    types that may_run_code names.
    """
    cdef int kind = scalar.kind
    cdef View data
    cdef int64_t number = 0
    if kind == AS_UTF8 or kind == AS_BLOB:
        if quick_view(value, &data):
            out.put_view(data)
            return True
        return PyUnicode_Check(value) and out.put_text(value)
    if kind == AS_DOUBLE and PyFloat_Check(value):
        out.put_double(PyFloat_AS_DOUBLE(value))
        return True
    if kind == AS_LONG:
        if not fits(value, INT64_MIN, INT64_MAX, &number):
            return False
        out.put_u64(<uint64_t>number)
        return True
    return kind != BY_CALL and pack_other(out, scalar, value)


cdef inline bint fits(PyObject* value, int64_t lowest, int64_t highest, int64_t* number) except -1:
    """Whether `value` is an int of this range; `number` is it then. A subclass counts by its content, as in struct."""
    cdef int overflow = 0
    if not PyLong_Check(value):
        return False
    number[0] = PyLong_AsLongLongAndOverflow(<object>value, &overflow)
    return overflow == 0 and lowest <= number[0] <= highest


cdef bint pack_other(Writer out, Scalar scalar, PyObject* value) except -1:
    """As pack_quick, of the types that it leaves here."""
    cdef int kind = scalar.kind
    cdef int64_t number = 0
    cdef double real = 0
    if kind == AS_INT32:
        if fits(value, -0x80000000, 0x7FFFFFFF, &number):
            out.put_u32(<uint32_t>number)
            return True
    elif kind == AS_DOUBLE:
        if as_double(value, &real):
            out.put_double(real)
            return True
    elif kind == AS_NATIVE_DOUBLE:
        if as_double(value, &real):
            out.put_native_double(real)
            return True
    elif kind == AS_FLOAT:
        if as_double(value, &real) and (isinf(real) or not isinf(<float>real)):
            out.put_float(<float>real)
            return True
    elif kind == AS_BLOB_TEXT:
        return pack_blob_text(out, value)
    elif kind == AS_ASCII:
        return pack_ascii(out, value)
    elif kind == AS_VARINT:
        return pack_varint(out, value)
    elif kind == AS_UUID:
        return pack_uuid(out, value)
    elif kind == AS_COMPOSITE:
        return pack_composite(out, scalar, value)
    elif kind == AS_BOOLEAN:
        return pack_boolean(out, value)
    elif kind == AS_DECIMAL:
        return pack_decimal(out, value)
    elif kind == AS_TIMESTAMP:
        return pack_timestamp(out, value)
    elif kind == AS_SIMPLE_DATE:
        return pack_simple_date(out, value)
    elif kind == AS_TIME:
        return pack_time(out, value)
    elif kind == AS_SHORT:
        if fits(value, -0x8000, 0x7FFF, &number):
            out.put_u16(<uint16_t>number)
            return True
    elif kind == AS_BYTE:
        if fits(value, -0x80, 0x7F, &number):
            out.put_u8(<uint8_t>number)
            return True
    elif kind == AS_DYNAMIC:
        return pack_dynamic(out, scalar, value)
    return False


cdef inline bint as_double(PyObject* value, double* real) except -1:
    """Whether `value` is a float, or an int that becomes one; `real` is it then."""
    if PyFloat_Check(value):
        real[0] = PyFloat_AS_DOUBLE(value)
        return True
    if not PyLong_CheckExact(value) and not PyBool_Check(value):
        return False
    try:
        real[0] = PyLong_AsDouble(<object>value)
    except OverflowError:
        return False
    return True


cdef bint pack_blob_text(Writer out, PyObject* value) except -1:
    cdef View data
    if quick_view(value, &data):
        out.put_view(data)
        return True
    if not PyUnicode_CheckExact(value):
        return False
    if out.put_text(value):
        return True
    try:
        out.put_bytes(PyUnicode_AsEncodedString(<object>value, b'utf-8', b'surrogateescape'))
    except UnicodeEncodeError:
        return False
    return True


cdef bint pack_ascii(Writer out, PyObject* value) except -1:
    cdef View data
    if not quick_view(value, &data) or not view_is_ascii(data):
        return False
    out.put_view(data)
    return True


cdef bint pack_varint(Writer out, PyObject* value) except -1:
    cdef int64_t number = 0
    if not fits(value, INT64_MIN, INT64_MAX, &number):
        return False
    put_varint(out, number)
    return True


cdef int put_varint(Writer out, int64_t number) except -1:
    """Append a number in the fewest bytes that keep its sign."""
    cdef int shift = 0
    while shift < 56 and not -0x80 <= number >> shift <= 0x7F:
        shift += 8
    while shift >= 0:
        out.put_u8(<uint8_t>(number >> shift))
        shift -= 8
    return 0


cdef bint pack_boolean(Writer out, PyObject* value) except -1:
    cdef int64_t number = 0
    if value == Py_True or value == Py_False:
        out.put_u8(value == Py_True)
    elif PyFloat_CheckExact(value):
        out.put_u8(PyFloat_AS_DOUBLE(value) != 0)
    elif PyLong_CheckExact(value) and fits(value, INT64_MIN, INT64_MAX, &number):
        out.put_u8(number != 0)
    else:
        return False
    return True


_Decimal, _EXACT = decimal.Decimal, pure_packing._EXACT


cdef bint pack_decimal(Writer out, PyObject* value) except -1:
    cdef Py_ssize_t start = out.pos
    cdef int64_t number = 0
    cdef int scale = 0
    if IS_EXACTLY(value, _Decimal):
        if not digits_of(str(<object>value), &number, &scale):
            return False
        out.put_u32(scale)
        put_varint(out, number)
        return True
    out.put_u32(0)
    if not pack_varint(out, value):
        out.cut(start)
        return False
    return True


cdef bint digits_of(str text, int64_t* number, int* scale) except -1:
    """Whether a Decimal's text is short and plain; `number` is it without its point, `scale` the digits behind that."""
    cdef Py_ssize_t point = -1, index
    cdef bint negative = text[0] == u'-'
    cdef Py_UCS4 each
    if len(text) > 18:
        return False
    for index in range(negative, len(text)):
        each = text[index]
        if each == u'.':
            point = index
        elif Py_UNICODE_ISDECIMAL(each):
            number[0] = number[0] * 10 + Py_UNICODE_TODECIMAL(each)
        else:
            return False
    if negative:
        number[0] = -number[0]
    scale[0] = <int>(len(text) - point - 1) if point >= 0 else 0
    return True


_UUID = uuid.UUID
_UNKNOWN = uuid.SafeUUID.unknown


cdef bint pack_uuid(Writer out, PyObject* value) except -1:
    cdef View data
    if IS_EXACTLY(value, _UUID):
        try:
            number = PyObject_GenericGetAttr(<object>value, 'int')
        except AttributeError:
            return False
        return out.put_unsigned(<PyObject*>number, 16)
    if not PyBytes_CheckExact(value) or not quick_view(value, &data) or data.size != 16:
        return False
    out.put_view(data)
    return True


# --- times -------------------------------------------------------------------------------------------------------

cdef enum:
    MILLISECONDS_A_DAY = 86400000
    # Days since 1970 of the first and the last day that datetime holds.
    FIRST_DAY = -719162
    LAST_DAY = 2932896

cdef int64_t NANOSECONDS_A_DAY = 86400 * 1000000000


cdef int64_t days_of(int year, int month, int day) noexcept:
    """Days since 1970 of a date of the proleptic Gregorian calendar."""
    # Years are counted from March here, so that leap days come last: 153 days make five months.
    cdef int64_t years = year - (month < 3)
    cdef int64_t day_of_year = (153 * (month + (9 if month < 3 else -3)) + 2) // 5 + day - 1
    return years * 365 + years // 4 - years // 100 + years // 400 + day_of_year - 719468


cdef void date_of(int64_t days, int* year, int* month, int* day) noexcept:
    """The date `days` after 1970-01-01; not before the year 1."""
    cdef int64_t since = days + 719468
    cdef int64_t era = since // 146097
    cdef int64_t day_of_era = since - era * 146097
    cdef int64_t year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    cdef int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    cdef int64_t from_march = (5 * day_of_year + 2) // 153
    day[0] = <int>(day_of_year - (153 * from_march + 2) // 5 + 1)
    month[0] = <int>(from_march + (3 if from_march < 10 else -9))
    year[0] = <int>(year_of_era + era * 400 + (month[0] < 3))


cdef inline int64_t floored(int64_t number, int64_t by) noexcept:
    """Division that rounds down; `by` is above 0."""
    return number // by - (number % by < 0)


cdef bint is_utc(value) except -1:
    """Whether a datetime is naive, which is taken as UTC, or of the zone UTC."""
    zone = datetime_tzinfo(value)
    return zone is None or zone is get_utc()


cdef bint pack_timestamp(Writer out, PyObject* value) except -1:
    cdef int64_t number = 0
    when = <object>value
    if PyDateTime_CheckExact(when):
        if not is_utc(when):
            return False
        number = ((datetime_hour(when) * 60 + datetime_minute(when)) * 60 + datetime_second(when)) * 1000
        number += datetime_microsecond(when) // 1000
        number += days_of(date_year(when), date_month(when), date_day(when)) * MILLISECONDS_A_DAY
    elif PyFloat_CheckExact(value):
        if not milliseconds_of(PyFloat_AS_DOUBLE(value), &number):
            return False
    elif PyDate_CheckExact(when):
        number = days_of(date_year(when), date_month(when), date_day(when)) * MILLISECONDS_A_DAY
    elif PyLong_CheckExact(value) and fits(value, -1000000000000, 1000000000000, &number):
        number *= 1000
    else:
        return False
    out.put_u64(<uint64_t>number)
    return True


cdef bint milliseconds_of(double seconds, int64_t* number) noexcept:
    """Milliseconds of seconds, cut from microseconds, which are rounded; False for what is far off or no number."""
    cdef double whole = floor(seconds)
    if not -1e12 <= whole <= 1e12:
        return False
    # Rounded half to even, as round() does.
    number[0] = floored(<int64_t>whole * 1000000 + <int64_t>rint((seconds - whole) * 1000000), 1000)
    return True


cdef bint pack_simple_date(Writer out, PyObject* value) except -1:
    when = <object>value
    if not PyDate_CheckExact(when) and (not PyDateTime_CheckExact(when) or not is_utc(when)):
        return False
    out.put_u32(<uint32_t>(days_of(date_year(when), date_month(when), date_day(when)) + 0x80000000))
    return True


cdef bint pack_time(Writer out, PyObject* value) except -1:
    cdef int64_t number = 0
    when = <object>value
    if PyTime_CheckExact(when):
        if time_tzinfo(when) is not None:
            return False
        number = (time_hour(when) * 60 + time_minute(when)) * 60 + time_second(when)
        number = (number * 1000000 + time_microsecond(when)) * 1000
    elif not fits(value, 0, NANOSECONDS_A_DAY - 1, &number):
        return False
    out.put_u64(<uint64_t>number)
    return True


# --- from bytes to values ----------------------------------------------------------------------------------------

cdef inline object unpack_view(Scalar scalar, View data):
    """The value that bytes hold. Raises what the type's own function raises."""
    cdef int kind = scalar.kind
    if kind == AS_UTF8:
        return view_text(data)
    if kind == AS_BLOB:
        return view_bytes(data)
    if kind == AS_DOUBLE and data.size == 8:
        return view_double(data)
    if kind == AS_LONG and data.size == 8:
        return <int64_t>view_u64(data)
    return unpack_other(scalar, data)


cdef object unpack_other(Scalar scalar, View data):
    """As unpack_view, of the types that it leaves here, and of bytes of another length."""
    cdef int kind = scalar.kind
    cdef View digits
    if kind == AS_INT32:
        if data.size == 4:
            return <int32_t>view_u32(data)
    elif kind == AS_UUID:
        if data.size == 16:
            return uuid_of(data)
    elif kind == AS_TIMESTAMP:
        if data.size == 8:
            return datetime_of(scalar, data)
    elif kind == AS_COMPOSITE:
        return unpack_composite(scalar, data)
    elif kind == AS_BLOB_TEXT:
        return view_escaped_text(data)
    elif kind == AS_ASCII:
        if view_is_ascii(data):
            return view_text(data)
    elif kind == AS_VARINT:
        if data.size == 8:
            return <int64_t>view_u64(data)
        if data.size:
            return view_int(data, True)
    elif kind == AS_BOOLEAN:
        if data.size == 1:
            return view_u8(data) != 0
    elif kind == AS_FLOAT:
        if data.size == 4:
            return view_float(data)
    elif kind == AS_NATIVE_DOUBLE:
        if data.size == 8:
            return view_native_double(data)
    elif kind == AS_SHORT:
        if data.size == 2:
            return <int16_t>view_u16(data)
    elif kind == AS_BYTE:
        if data.size == 1:
            return <int8_t>view_u8(data)
    elif kind == AS_SIMPLE_DATE:
        if data.size == 4:
            return date_of_days(scalar, data)
    elif kind == AS_TIME:
        if data.size == 8:
            return time_of(scalar, data)
    elif kind == AS_ADDRESS:
        if data.size == 4:
            return _IPv4(view_bytes(data))
        if data.size == 16:
            return _IPv6(view_bytes(data))
    elif kind == AS_DECIMAL:
        if data.size >= 5 and view_part(data, 4, data.size - 4, &digits):
            return _Decimal(view_int(digits, True)).scaleb(-<int64_t><int32_t>view_u32(data), _EXACT)
    elif kind == AS_DYNAMIC:
        return unpack_dynamic(scalar, data)
    return scalar._unpack(view_bytes(data))


_IPv4, _IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address


cdef object uuid_of(View data):
    # What UUID(bytes=data) does after checking its arguments.
    found = NEW_OF(_UUID)
    PyObject_GenericSetAttr(found, 'int', view_int(data, False))
    PyObject_GenericSetAttr(found, 'is_safe', _UNKNOWN)
    return found


cdef object datetime_of(Scalar scalar, View data):
    cdef int64_t milliseconds = <int64_t>view_u64(data)
    cdef int64_t days = floored(milliseconds, MILLISECONDS_A_DAY)
    cdef int64_t rest = milliseconds - days * MILLISECONDS_A_DAY
    cdef int year = 0, month = 0, day = 0, seconds = <int>(rest // 1000)
    if not FIRST_DAY <= days <= LAST_DAY:
        return scalar._unpack(view_bytes(data))
    date_of(days, &year, &month, &day)
    return datetime_new(year, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60,
                        <int>(rest % 1000) * 1000, None)


cdef object date_of_days(Scalar scalar, View data):
    cdef int64_t days = <int64_t>view_u32(data) - 0x80000000
    cdef int year = 0, month = 0, day = 0
    if not FIRST_DAY <= days <= LAST_DAY:
        return scalar._unpack(view_bytes(data))
    date_of(days, &year, &month, &day)
    return date_new(year, month, day)


cdef object time_of(Scalar scalar, View data):
    cdef int64_t nanoseconds = <int64_t>view_u64(data)
    cdef int seconds = <int>(nanoseconds // 1000000000)
    if not 0 <= nanoseconds < NANOSECONDS_A_DAY:
        return scalar._unpack(view_bytes(data))
    return time_new(seconds // 3600, seconds // 60 % 60, seconds % 60, <int>(nanoseconds // 1000 % 1000000), None)


# --- the table ---------------------------------------------------------------------------------------------------

cdef dict SCALARS = {name: native_scalar(pure_packing.scalar(name), kind) for name, kind in {
    'BytesType': AS_BLOB, 'AsciiType': AS_ASCII, 'UTF8Type': AS_UTF8, 'LongType': AS_LONG, 'Int32Type': AS_INT32,
    'ShortType': AS_SHORT, 'ByteType': AS_BYTE, 'CounterColumnType': AS_LONG, 'FloatType': AS_FLOAT,
    'DoubleType': AS_DOUBLE, 'Float64': AS_NATIVE_DOUBLE, 'IntegerType': AS_VARINT, 'DecimalType': AS_DECIMAL,
    'BooleanType': AS_BOOLEAN, 'DateType': AS_TIMESTAMP, 'TimestampType': AS_TIMESTAMP,
    'SimpleDateType': AS_SIMPLE_DATE, 'TimeType': AS_TIME, 'UUIDType': AS_UUID, 'TimeUUIDType': AS_UUID,
    'LexicalUUIDType': AS_UUID, 'InetAddressType': AS_ADDRESS, 'EmptyType': AS_EMPTY}.items()}


def scalar(name):
    """The Scalar of a type by its simple class name, always the same object. Raises KeyError for unknown names."""
    return SCALARS[name]


_by_name = scalar


@functools.cache
def bytes_scalar(encoding):
    """BytesType under a `bytes_encoding` of ColumnFamily: text both ways, or bytes out when it is None.

    With an encoding every byte string survives the round trip (surrogateescape). Raises LookupError for an
    encoding that Python does not know.
    """
    if encoding is None:
        return SCALARS['BytesType']
    return native_scalar(pure_packing.bytes_scalar(encoding),
                         AS_BLOB_TEXT if codecs.lookup(encoding).name == 'utf-8' else BY_CALL)
