"""Bounds-checked reading and writing of bytes: the one part that holds raw pointers.

A Cursor reads a received message, a Writer makes one. Between them and the rest of the codec go Views: bytes that
are known to exist, of a message that its Cursor keeps alive, of a str or bytes object, or of what a Writer holds.
Only functions of this file look behind the pointer of a View.
"""

cdef extern from *:
    """
    #include <string.h>

    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define BE16(v) (v)
    #define BE32(v) (v)
    #define BE64(v) (v)
    #else
    #define BE16(v) ((uint16_t)(((uint16_t)(v) >> 8) | ((uint16_t)(v) << 8)))
    #if defined(__GNUC__) || defined(__clang__)
    #define BE32(v) __builtin_bswap32(v)
    #define BE64(v) __builtin_bswap64(v)
    #else
    #define BE32(v) ((((v) & 0xffu) << 24) | (((v) & 0xff00u) << 8) | (((v) >> 8) & 0xff00u) | (((v) >> 24) & 0xffu))
    #define BE64(v) (((uint64_t)BE32((uint32_t)(v)) << 32) | BE32((uint32_t)((uint64_t)(v) >> 32)))
    #endif
    #endif

    static CYTHON_INLINE uint16_t load16(const char *p) { uint16_t v; memcpy(&v, p, 2); return BE16(v); }
    static CYTHON_INLINE uint32_t load32(const char *p) { uint32_t v; memcpy(&v, p, 4); return BE32(v); }
    static CYTHON_INLINE uint64_t load64(const char *p) { uint64_t v; memcpy(&v, p, 8); return BE64(v); }
    static CYTHON_INLINE void store16(char *p, uint16_t v) { v = BE16(v); memcpy(p, &v, 2); }
    static CYTHON_INLINE void store32(char *p, uint32_t v) { v = BE32(v); memcpy(p, &v, 4); }
    static CYTHON_INLINE void store64(char *p, uint64_t v) { v = BE64(v); memcpy(p, &v, 8); }
    static CYTHON_INLINE uint64_t bits_of_double(double d) { uint64_t v; memcpy(&v, &d, 8); return v; }
    static CYTHON_INLINE double double_of_bits(uint64_t v) { double d; memcpy(&d, &v, 8); return d; }
    static CYTHON_INLINE uint32_t bits_of_float(float d) { uint32_t v; memcpy(&v, &d, 4); return v; }
    static CYTHON_INLINE float float_of_bits(uint32_t v) { float d; memcpy(&d, &v, 4); return d; }

    /* Names, values and what stands between them are short: a call of memcpy would cost more than the copy. */
    static CYTHON_INLINE void copy_bytes(char *to, const char *from, Py_ssize_t n) {
        uint64_t a, b, c, d;
        uint32_t e, f;
        if (n > 32) { memcpy(to, from, n); return; }
        if (n >= 16) {
            memcpy(&a, from, 8); memcpy(&b, from + 8, 8); memcpy(&c, from + n - 16, 8); memcpy(&d, from + n - 8, 8);
            memcpy(to, &a, 8); memcpy(to + 8, &b, 8); memcpy(to + n - 16, &c, 8); memcpy(to + n - 8, &d, 8);
        } else if (n >= 8) {
            memcpy(&a, from, 8); memcpy(&b, from + n - 8, 8);
            memcpy(to, &a, 8); memcpy(to + n - 8, &b, 8);
        } else if (n >= 4) {
            memcpy(&e, from, 4); memcpy(&f, from + n - 4, 4);
            memcpy(to, &e, 4); memcpy(to + n - 4, &f, 4);
        } else if (n > 0) {
            to[0] = from[0];
            if (n > 1) { to[n - 1] = from[n - 1]; to[1] = from[1]; }
        }
    }

    static CYTHON_INLINE int same_bytes(const char *one, const char *other, Py_ssize_t n) {
        uint64_t a, b, c, d;
        if (n < 8 || n > 16) return memcmp(one, other, n) == 0;
        memcpy(&a, one, 8); memcpy(&b, other, 8); memcpy(&c, one + n - 8, 8); memcpy(&d, other + n - 8, 8);
        return !((a ^ b) | (c ^ d));
    }

    static CYTHON_INLINE int all_ascii(const char *p, Py_ssize_t n) {
        uint64_t v, all = 0;
        uint32_t w;
        while (n >= 8) { memcpy(&v, p, 8); all |= v; p += 8; n -= 8; }
        if (n & 4) { memcpy(&w, p, 4); all |= w; p += 4; }
        if (n & 2) { all |= (uint8_t)p[0] | (uint8_t)p[1]; p += 2; }
        if (n & 1) { all |= (uint8_t)p[0]; }
        return !(all & 0x8080808080808080ULL);
    }

    /* UTF-8 of any str, without keeping a copy in it. `to` has room for utf8_most(text); -1 at a lone surrogate. */
    static CYTHON_INLINE Py_ssize_t utf8_most(PyObject *text) {
        return PyUnicode_GET_LENGTH(text) * (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND ? 2
                                             : PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND ? 3 : 4);
    }
    static Py_ssize_t utf8_into(char *to, PyObject *text) {
        const char *start = to;
        Py_ssize_t i, length = PyUnicode_GET_LENGTH(text);
        if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) {
            const Py_UCS1 *from = PyUnicode_1BYTE_DATA(text);
            for (i = 0; i < length;) {
                uint64_t eight;
                Py_UCS1 c;
                if (length - i >= 8) {
                    memcpy(&eight, from + i, 8);
                    if (!(eight & 0x8080808080808080ULL)) { memcpy(to, &eight, 8); to += 8; i += 8; continue; }
                }
                c = from[i++];
                if (c < 0x80) *to++ = (char)c;
                else { *to++ = (char)(0xC0 | c >> 6); *to++ = (char)(0x80 | (c & 0x3F)); }
            }
        } else {
            const void *data = PyUnicode_DATA(text);
            const int kind = PyUnicode_KIND(text);
            for (i = 0; i < length; i++) {
                Py_UCS4 c = kind == PyUnicode_2BYTE_KIND ? ((const Py_UCS2 *)data)[i] : ((const Py_UCS4 *)data)[i];
                if (c < 0x80) { *to++ = (char)c; continue; }
                if (c < 0x800) *to++ = (char)(0xC0 | c >> 6);
                else {
                    if (c < 0x10000) {
                        if (c >= 0xD800 && c < 0xE000) return -1;
                        *to++ = (char)(0xE0 | c >> 12);
                    } else { *to++ = (char)(0xF0 | c >> 18); *to++ = (char)(0x80 | (c >> 12 & 0x3F)); }
                    *to++ = (char)(0x80 | (c >> 6 & 0x3F));
                }
                *to++ = (char)(0x80 | (c & 0x3F));
            }
        }
        return to - start;
    }

    #if PY_VERSION_HEX < 0x030C0000
    #define MAKE_READY(text) PyUnicode_READY(text)
    #else
    #define MAKE_READY(text) 0
    #endif
    #define ASCII_DATA(text) ((const char *)PyUnicode_1BYTE_DATA(text))

    /* Whether a str is known to have no lone surrogate: bytes that were no UTF-8 may stand in it as such. */
    static int lacks_surrogates(PyObject *text) {
        Py_ssize_t i, length;
        if (!PyUnicode_IS_COMPACT(text)) return 0;
        if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) return 1;
        length = PyUnicode_GET_LENGTH(text);
        for (i = 0; i < length; i++)
            if ((PyUnicode_READ_CHAR(text, i) & 0x1FF800) == 0xD800) return 0;
        return 1;
    }

    /* The big-endian bytes of an int (nothing else) that is not negative; whether they are no more than `size`. */
    static CYTHON_INLINE int unsigned_into(char *to, Py_ssize_t size, PyObject *number) {
    #if PY_VERSION_HEX >= 0x030D0000
        Py_ssize_t needed = PyLong_AsNativeBytes(number, to, size, Py_ASNATIVEBYTES_BIG_ENDIAN
                                                 | Py_ASNATIVEBYTES_UNSIGNED_BUFFER
                                                 | Py_ASNATIVEBYTES_REJECT_NEGATIVE);
        int fits = needed >= 0 && needed <= size;
    #else
        int fits = _PyLong_AsByteArray((PyLongObject *)number, (unsigned char *)to, size, 0, 0) == 0;
    #endif
        if (!fits) PyErr_Clear();
        return fits;
    }
    #define INT_OF(from, size, is_signed) _PyLong_FromByteArray((const unsigned char *)(from), size, 0, is_signed)
    """
    uint16_t load16(const char*) noexcept nogil
    uint32_t load32(const char*) noexcept nogil
    uint64_t load64(const char*) noexcept nogil
    void store16(char*, uint16_t) noexcept nogil
    void store32(char*, uint32_t) noexcept nogil
    void store64(char*, uint64_t) noexcept nogil
    uint64_t bits_of_double(double) noexcept nogil
    double double_of_bits(uint64_t) noexcept nogil
    uint32_t bits_of_float(float) noexcept nogil
    float float_of_bits(uint32_t) noexcept nogil
    void copy_bytes(char*, const char*, Py_ssize_t) noexcept nogil
    bint same_bytes(const char*, const char*, Py_ssize_t) noexcept nogil
    bint all_ascii(const char*, Py_ssize_t) noexcept nogil
    Py_ssize_t utf8_most(PyObject*) noexcept
    Py_ssize_t utf8_into(char*, PyObject*) noexcept
    int MAKE_READY(PyObject*) except -1
    const char* ASCII_DATA(PyObject*) noexcept
    bint lacks_surrogates(PyObject*) noexcept
    bint unsigned_into(char*, Py_ssize_t, PyObject*) noexcept
    object INT_OF(const char*, Py_ssize_t, bint)
    bint PyLong_Check(PyObject*) noexcept
    bint PyUnicode_CheckExact(PyObject*) noexcept
    bint PyUnicode_Check(PyObject*) noexcept
    bint PyUnicode_IS_COMPACT_ASCII(PyObject*) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*) noexcept
    object PyUnicode_New(Py_ssize_t, Py_UCS4)
    object PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)
    char* PyUnicode_1BYTE_DATA(object) noexcept
    bint PyBytes_CheckExact(PyObject*) noexcept
    char* PyBytes_AS_STRING(PyObject*) noexcept
    Py_ssize_t PyBytes_GET_SIZE(PyObject*) noexcept
    object PyBytes_FromStringAndSize(const char*, Py_ssize_t)
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char*, Py_ssize_t) except NULL
    int _PyBytes_Resize(PyObject**, Py_ssize_t) except -1


# Thrift's type and message type numbers.
cdef enum:
    STOP = 0
    BOOL = 2
    BYTE = 3
    DOUBLE = 4
    I16 = 6
    I32 = 8
    I64 = 10
    STRING = 11
    STRUCT = 12
    MAP = 13
    SET = 14
    LIST = 15
    CALL = 1
    REPLY = 2
    EXCEPTION = 3
    MAX_DEPTH = 64


cdef inline Py_ssize_t fixed_size(int ttype) noexcept nogil:
    """The bytes that every value of a fixed-size type takes; 0 for other types."""
    if ttype == I64 or ttype == DOUBLE:
        return 8
    if ttype == I32:
        return 4
    if ttype == I16:
        return 2
    return 1 if ttype == BYTE or ttype == BOOL else 0


cdef inline Py_ssize_t least_size(int ttype) noexcept nogil:
    """The fewest bytes that a value of a type takes; 0 if there is no such type."""
    if ttype == STRING:
        return 4
    if ttype == STRUCT:
        return 1
    if ttype == MAP:
        return 6
    return 5 if ttype == LIST or ttype == SET else fixed_size(ttype)


# --- views -------------------------------------------------------------------------------------------------------

cdef struct View:
    const char* data
    Py_ssize_t size


cdef inline View view_of_bytes(bytes data) noexcept:
    """The bytes of an object that the caller keeps alive."""
    return View(PyBytes_AS_STRING(<PyObject*>data), PyBytes_GET_SIZE(<PyObject*>data))


cdef inline bint quick_view(PyObject* value, View* found) noexcept:
    """Whether `value` is bytes, or a str that holds its own UTF-8; `found` are its bytes then."""
    if PyUnicode_CheckExact(value) and PyUnicode_IS_COMPACT_ASCII(value):
        found.data, found.size = ASCII_DATA(value), PyUnicode_GET_LENGTH(value)
        return True
    if PyBytes_CheckExact(value):
        found.data, found.size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
        return True
    return False


cdef inline bint view_equal(View one, View other) noexcept:
    return one.size == other.size and same_bytes(one.data, other.data, one.size)


cdef inline bint view_part(View whole, Py_ssize_t start, Py_ssize_t size, View* part) noexcept nogil:
    """Whether `whole` has `size` bytes from `start` on; `part` are these then."""
    if start < 0 or size < 0 or start > whole.size or size > whole.size - start:
        return False
    part.data, part.size = whole.data + start, size
    return True


cdef inline bytes view_bytes(View data):
    return PyBytes_FromStringAndSize(data.data, data.size)


cdef inline bint view_is_ascii(View data) noexcept:
    return all_ascii(data.data, data.size)


cdef inline str view_text(View data):
    """As UTF-8. Raises UnicodeDecodeError."""
    # One character is better looked up by CPython, which keeps those of Latin-1.
    if data.size > 1 and all_ascii(data.data, data.size):
        text = PyUnicode_New(data.size, 127)
        memcpy(PyUnicode_1BYTE_DATA(text), data.data, data.size)
        return <str>text
    return <str>PyUnicode_DecodeUTF8(data.data, data.size, NULL)


cdef inline str view_escaped_text(View data):
    """As UTF-8, other bytes by surrogateescape."""
    if data.size > 1 and all_ascii(data.data, data.size):
        return view_text(data)
    return <str>PyUnicode_DecodeUTF8(data.data, data.size, b'surrogateescape')


# Each of these reads a number from the start of a View, which has to be long enough: 0 where it is not.

cdef inline uint8_t view_u8(View data) noexcept:
    return <uint8_t>data.data[0] if data.size >= 1 else 0


cdef inline uint16_t view_u16(View data) noexcept:
    return load16(data.data) if data.size >= 2 else 0


cdef inline uint32_t view_u32(View data) noexcept:
    return load32(data.data) if data.size >= 4 else 0


cdef inline uint64_t view_u64(View data) noexcept:
    return load64(data.data) if data.size >= 8 else 0


cdef inline double view_double(View data) noexcept:
    return double_of_bits(view_u64(data))


cdef inline double view_native_double(View data) noexcept:
    """A double in the byte order of this machine."""
    cdef double value = 0
    if data.size >= 8:
        memcpy(&value, data.data, 8)
    return value


cdef inline double view_float(View data) noexcept:
    return float_of_bits(view_u32(data))


cdef inline object view_int(View data, bint is_signed):
    """An int of any size, big-endian."""
    return INT_OF(data.data, data.size, is_signed)


cdef inline uint64_t view_hash(View data) noexcept:
    """A number that differs between most byte strings: of eight bytes at a time, mixed by multiplication."""
    cdef uint64_t mixed = <uint64_t>data.size * 0x9E3779B97F4A7C15u
    cdef Py_ssize_t at = 0
    if data.size >= 8:
        while data.size - at > 8:
            mixed = (mixed ^ load64(data.data + at)) * 0xFF51AFD7ED558CCDu
            mixed ^= mixed >> 32
            at += 8
        # The last eight, some of them a second time.
        mixed = (mixed ^ load64(data.data + data.size - 8)) * 0xFF51AFD7ED558CCDu
        return mixed ^ mixed >> 32
    while at < data.size:
        mixed = (mixed ^ <uint8_t>data.data[at]) * 0x100000001B3u
        at += 1
    return mixed ^ mixed >> 29


# --- reading -----------------------------------------------------------------------------------------------------

# One Column as a reply holds it. What is absent is told by the flags.
cdef struct Column:
    View name
    View value
    int64_t timestamp
    int32_t ttl
    bint has_value
    bint has_timestamp
    bint has_ttl


@cython.freelist(4)
cdef class Cursor:
    """A position in one received message. Every reading method checks bounds, moves `pos`, or raises ProtocolError."""

    cdef readonly bytes data
    cdef const char* _bytes
    cdef Py_ssize_t _pos
    cdef Py_ssize_t _size

    def __init__(self, data, Py_ssize_t pos=0):
        self._open(data if type(data) is bytes else bytes(memoryview(data)), pos)

    cdef int _open(self, bytes data, Py_ssize_t pos) except -1:
        if pos < 0:
            raise ValueError(f'no position in a message: {pos}')
        self.data = data
        self._bytes, self._size = PyBytes_AS_STRING(<PyObject*>data), PyBytes_GET_SIZE(<PyObject*>data)
        self._pos = pos
        return 0

    @property
    def pos(self):
        return self._pos

    @pos.setter
    def pos(self, Py_ssize_t pos):
        if pos < 0:
            raise ValueError(f'no position in a message: {pos}')
        self._pos = pos

    @property
    def remaining(self):
        """Bytes received and not read yet."""
        return self._size - self._pos

    def truncated(self, size):
        """The error of `size` bytes that are announced or due at this position but were not received."""
        return ProtocolError(f'malformed message: {size} bytes are due at byte {self._pos} of {self._size}')

    cdef inline const char* _take(self, Py_ssize_t size) except NULL:
        """The start of the next `size` bytes, which the cursor moves past."""
        cdef Py_ssize_t pos = self._pos
        if size > self._size - pos:
            raise self.truncated(size)
        self._pos = pos + size
        return self._bytes + pos

    cdef inline int _move(self, Py_ssize_t size) except -1:
        if not 0 <= size <= self._size - self._pos:
            raise self.truncated(size)
        self._pos += size
        return 0

    cdef inline int32_t take_i32(self) except? -1:
        return <int32_t>load32(self._take(4))

    cdef inline int64_t take_i64(self) except? -1:
        return <int64_t>load64(self._take(8))

    def u8(self):
        return <uint8_t>self._take(1)[0]

    def i16(self):
        return <int16_t>load16(self._take(2))

    def i32(self):
        return self.take_i32()

    def i64(self):
        return self.take_i64()

    def double(self):
        return double_of_bits(load64(self._take(8)))

    cdef inline View take_binary(self) except *:
        """A length-prefixed byte string, where it lies."""
        cdef int32_t size = self.take_i32()
        cdef View found
        found.data, found.size = self._bytes + self._pos, size
        self._move(size)
        return found

    def binary(self):
        """A length-prefixed byte string (Thrift's `binary` and `string`)."""
        return view_bytes(self.take_binary())

    def text(self):
        """A `string`: UTF-8 that a server wrote for people; bytes that are not UTF-8 show as U+FFFD."""
        cdef View data = self.take_binary()
        return PyUnicode_DecodeUTF8(data.data, data.size, b'replace')

    cdef inline bint next_field(self, int* ttype, int* field) except -1:
        """Whether the struct has another field, whose type and id these are; past its stop if not."""
        cdef const char* head
        if self.stops():
            return False
        head = self._take(3)
        ttype[0], field[0] = <uint8_t>head[0], <int16_t>load16(head + 1)
        return True

    cdef inline bint stops(self) noexcept:
        """Whether the struct ends here; if so, the cursor moves past its stop."""
        if self._pos < self._size and self._bytes[self._pos] == 0:
            self._pos += 1
            return True
        return False

    def fields(self):
        """The (type, id) of each field of a struct; the caller reads or skips the value before it goes on."""
        cdef int ttype = 0, field = 0
        while self.next_field(&ttype, &field):
            yield ttype, field

    def at_stop(self):
        """Whether the struct ends here; if so, the cursor moves past its stop."""
        return self.stops()

    cdef Py_ssize_t take_list(self, int element) except -1:
        cdef const char* head = self._take(5)
        cdef int found = <uint8_t>head[0]
        cdef int32_t count = <int32_t>load32(head + 1)
        if count and found != element:
            raise ProtocolError(f'malformed message: a list of type {found} at byte {self._pos}, not {element}')
        return self._checked(count, least_size(element))

    cdef Py_ssize_t take_map(self, int key, int value) except -1:
        cdef const char* head = self._take(6)
        cdef int found_key = <uint8_t>head[0], found_value = <uint8_t>head[1]
        cdef int32_t count = <int32_t>load32(head + 2)
        if count and (found_key != key or found_value != value):
            raise ProtocolError(f'malformed message: a map of types {found_key} and {found_value} at byte '
                                f'{self._pos}, not {key} and {value}')
        return self._checked(count, least_size(key) + least_size(value))

    def list_header(self, int element):
        """The count of a list or set whose elements must be of type `element` (an empty one may say anything)."""
        if not least_size(element):
            raise KeyError(element)
        return self.take_list(element)

    def map_header(self, int key, int value):
        """The count of a map of the types `key` and `value` (an empty one may say anything)."""
        if not least_size(key) or not least_size(value):
            raise KeyError(key if not least_size(key) else value)
        return self.take_map(key, value)

    cdef Py_ssize_t _checked(self, Py_ssize_t count, Py_ssize_t least) except -1:
        if not 0 <= <int64_t>count * least <= self._size - self._pos:
            raise ProtocolError(f'malformed message: {count} elements are announced at byte {self._pos} '
                                f'of {self._size}')
        return count

    cdef inline Py_ssize_t capacity(self, Py_ssize_t count, Py_ssize_t least) noexcept:
        """For how many of `count` elements of `least` bytes or more there can be bytes here."""
        cdef Py_ssize_t most = (self._size - self._pos) // least
        return count if count < most else most

    def skip(self, int ttype, int depth=0):
        """Move past one value of type `ttype`, `depth` containers deep already."""
        self.pass_over(ttype, depth)

    cdef int pass_over(self, int ttype, int depth) except -1:
        cdef int inner = 0, field = 0
        cdef const char* head
        if fixed_size(ttype):
            return self._move(fixed_size(ttype))
        if ttype == STRING:
            return self._move(self.take_i32())
        if depth >= MAX_DEPTH:
            raise ProtocolError(f'malformed message: nested deeper than {MAX_DEPTH} levels at byte {self._pos}')
        if ttype == STRUCT:
            while self.next_field(&inner, &field):
                self.pass_over(inner, depth + 1)
        elif ttype == LIST or ttype == SET:
            head = self._take(5)
            self._pass_elements(<uint8_t>head[0], STOP, <int32_t>load32(head + 1), depth + 1)
        elif ttype == MAP:
            head = self._take(6)
            self._pass_elements(<uint8_t>head[0], <uint8_t>head[1], <int32_t>load32(head + 2), depth + 1)
        else:
            raise ProtocolError(f'malformed message: unknown type {ttype} at byte {self._pos}')
        return 0

    cdef int _pass_elements(self, int first, int second, Py_ssize_t count, int depth) except -1:
        """Move past elements of type `first`, each followed by one of `second` in a map (STOP in others)."""
        cdef bint paired = second != STOP
        if not count:
            return 0
        if not least_size(first) or (paired and not least_size(second)):
            raise ProtocolError(f'malformed message: unknown type {second if least_size(first) else first} '
                                f'at byte {self._pos}')
        self._checked(count, least_size(first) + least_size(second))
        if fixed_size(first) and (fixed_size(second) or not paired):
            return self._move(count * (fixed_size(first) + fixed_size(second)))
        for _ in range(count):
            self.pass_over(first, depth)
            if paired:
                self.pass_over(second, depth)
        return 0

    def finish(self):
        """Check that the message ends here."""
        self.end()

    cdef int end(self) except -1:
        if self._pos != self._size:
            raise ProtocolError(f'malformed message: {self._size - self._pos} bytes follow its end')
        return 0

    # --- what servers write most, in one step each; the cursor stays where a thing looks otherwise -----------

    cdef inline bint match(self, const char* literal, Py_ssize_t size) noexcept:
        """Whether the next bytes are these; if so, the cursor moves past them."""
        if size > self._size - self._pos or memcmp(self._bytes + self._pos, literal, size) != 0:
            return False
        self._pos += size
        return True

    cdef inline bint scan_member(self, Column* column) noexcept:
        """A ColumnOrSuperColumn with a Column that has name, value, timestamp and perhaps a ttl, in this order."""
        return (self._size - self._pos >= 30
                and memcmp(self._bytes + self._pos, b'\x0c\0\1\x0b\0\1', 6) == 0
                and self._scan(column, self._pos + 6, 2))

    cdef inline bint scan_column(self, Column* column) noexcept:
        """A Column of this form."""
        return (self._size - self._pos >= 26
                and memcmp(self._bytes + self._pos, b'\x0b\0\1', 3) == 0
                and self._scan(column, self._pos + 3, 1))

    cdef inline bint _scan(self, Column* column, Py_ssize_t pos, int stops) noexcept:
        """The rest of either, from the length of the name at `pos` on; 22 bytes and the stops are there."""
        # A length is negative here only if Py_ssize_t has no more bits than it.
        cdef const char* at = self._bytes + pos
        # What may be spent on name and value: all that is there less everything else that has to be.
        cdef Py_ssize_t left = self._size - pos - 22 - stops
        cdef Py_ssize_t size = <Py_ssize_t>load32(at)
        if size < 0 or size > left or memcmp(at + 4 + size, b'\x0b\0\2', 3) != 0:
            return False
        left -= size
        column.name.data, column.name.size = at + 4, size
        at += 7 + size
        size = <Py_ssize_t>load32(at)
        if size < 0 or size > left or memcmp(at + 4 + size, b'\x0a\0\3', 3) != 0:
            return False
        left -= size
        column.value.data, column.value.size = at + 4, size
        at += 7 + size
        column.timestamp = <int64_t>load64(at)
        column.has_value = column.has_timestamp = True
        column.has_ttl = False
        at += 8
        if at[0] != 0:
            # A ttl: 7 bytes more.
            if left < 7 or memcmp(at, b'\x08\0\4', 3) != 0:
                return False
            column.ttl, column.has_ttl = <int32_t>load32(at + 3), True
            at += 7
            if at[0] != 0:
                return False
        if stops == 2 and at[1] != 0:
            return False
        self._pos = at + stops - self._bytes
        return True

    cdef inline bint scan_counter(self, bint member, View* name, int64_t* value) noexcept:
        """A CounterColumn with name and value in this order; in a ColumnOrSuperColumn if `member`."""
        cdef Py_ssize_t pos = self._pos, left = self._size - pos - (24 if member else 20), size
        cdef const char* at = self._bytes + pos
        if left < 0 or memcmp(at, b'\x0c\0\3\x0b\0\1' if member else b'\x0b\0\1', 6 if member else 3) != 0:
            return False
        at += 6 if member else 3
        size = <Py_ssize_t>load32(at)
        if size < 0 or size > left or memcmp(at + 4 + size, b'\x0a\0\2', 3) != 0:
            return False
        name.data, name.size = at + 4, size
        at += 7 + size
        value[0] = <int64_t>load64(at)
        if at[8] != 0 or (member and at[9] != 0):
            return False
        self._pos = at + (10 if member else 9) - self._bytes
        return True


cdef inline Cursor open_cursor(data):
    """A cursor at the start of a message."""
    cdef Cursor cursor = Cursor.__new__(Cursor)
    cursor._open(data if type(data) is bytes else bytes(memoryview(data)), 0)
    return cursor


def message_header(data):
    """(name, type, sequence id, offset of what follows) of a strict message without its frame length."""
    cdef Cursor cursor = open_cursor(data)
    cdef const char* head = cursor._take(8)
    if load16(head) != 0x8001:
        raise ProtocolError(f'malformed message: starts with {cursor.data[:4].hex()}, not with a version of the '
                            'strict binary protocol (is the server another protocol, or unframed?)')
    cdef int kind = <uint8_t>head[3]
    cursor._pos = 4
    cdef View name = cursor.take_binary()
    try:
        text = view_text(name)
    except UnicodeDecodeError as error:
        raise ProtocolError('malformed message: its name is not UTF-8') from error
    return text, kind, cursor.take_i32(), cursor._pos


# --- writing -----------------------------------------------------------------------------------------------------

@cython.final
@cython.freelist(4)
cdef class Writer:
    """Bytes in the making: an object of bytes that grows, and is handed out without a copy.

    `put_*` append and `hold` leaves room for what is filled in later. Everything checks that there is room.
    """

    cdef PyObject* _object
    cdef char* _bytes
    cdef Py_ssize_t pos
    cdef Py_ssize_t _room

    def __dealloc__(self):
        Py_XDECREF(self._object)

    cdef int _grow(self, Py_ssize_t size) except -1:
        cdef Py_ssize_t room = self._room
        if size > PY_SSIZE_T_MAX - self.pos:
            raise MemoryError
        room = max(self.pos + size, 2 * room if room < PY_SSIZE_T_MAX // 2 else PY_SSIZE_T_MAX)
        if self._object == NULL:
            self._object = new_bytes(NULL, room)
        else:
            # Where it fails, the object is gone.
            self._room = 0
            _PyBytes_Resize(&self._object, room)
        self._bytes, self._room = PyBytes_AS_STRING(self._object), room
        return 0

    cdef inline int ensure(self, Py_ssize_t size) except -1:
        if size > self._room - self.pos:
            self._grow(size)
        return 0

    cdef inline int put_u8(self, uint8_t value) except -1:
        self.ensure(1)
        self._bytes[self.pos] = <char>value
        self.pos += 1
        return 0

    cdef inline int put_u16(self, uint16_t value) except -1:
        self.ensure(2)
        store16(self._bytes + self.pos, value)
        self.pos += 2
        return 0

    cdef inline int put_u32(self, uint32_t value) except -1:
        self.ensure(4)
        store32(self._bytes + self.pos, value)
        self.pos += 4
        return 0

    cdef inline int put_u64(self, uint64_t value) except -1:
        self.ensure(8)
        store64(self._bytes + self.pos, value)
        self.pos += 8
        return 0

    cdef inline int put_double(self, double value) except -1:
        return self.put_u64(bits_of_double(value))

    cdef inline int put_native_double(self, double value) except -1:
        """A double in the byte order of this machine."""
        self.ensure(8)
        memcpy(self._bytes + self.pos, &value, 8)
        self.pos += 8
        return 0

    cdef inline int put_float(self, float value) except -1:
        return self.put_u32(bits_of_float(value))

    cdef inline bint put_unsigned(self, PyObject* number, Py_ssize_t size) except -1:
        """An int of any size in `size` bytes; False, and nothing, for what is none, is negative or needs more."""
        self.ensure(size)
        if not PyLong_Check(number) or not unsigned_into(self._bytes + self.pos, size, number):
            return False
        self.pos += size
        return True

    cdef inline int put(self, const char* literal, Py_ssize_t size) except -1:
        """Bytes of the program's own: a literal and its size."""
        self.ensure(size)
        copy_bytes(self._bytes + self.pos, literal, size)
        self.pos += size
        return 0

    cdef inline int put_view(self, View data) except -1:
        return self.put(data.data, data.size)

    cdef inline int put_bytes(self, bytes data) except -1:
        return self.put_view(view_of_bytes(data))

    cdef inline int put_length(self, Py_ssize_t size) except -1:
        """A length or count of 32 bits. Raises OverflowError for one that the protocol has no room for."""
        if size > 0x7FFFFFFF:
            raise OverflowError(f'{size} bytes or elements are more than the protocol counts')
        return self.put_u32(<uint32_t>size)

    cdef inline int put_binary(self, bytes data) except -1:
        """A byte string behind its length."""
        self.put_length(PyBytes_GET_SIZE(<PyObject*>data))
        return self.put_bytes(data)

    cdef inline bint put_text(self, PyObject* text) except -1:
        """The UTF-8 of a str; False, and nothing, where a lone surrogate stands in it."""
        cdef Py_ssize_t size
        if PyUnicode_IS_COMPACT_ASCII(text):
            self.put(ASCII_DATA(text), PyUnicode_GET_LENGTH(text))
            return True
        MAKE_READY(text)
        self.ensure(utf8_most(text))
        size = utf8_into(self._bytes + self.pos, text)
        if size < 0:
            return False
        self.pos += size
        return True

    cdef inline int put_field(self, const char* literal, Py_ssize_t size, View data) except -1:
        """A literal, and a byte string behind its length: `hold`, `put_view` and `fill` in one."""
        cdef char* at
        if data.size > 0x7FFFFFFF:
            raise OverflowError(f'{data.size} bytes are more than the protocol counts')
        self.ensure(size + 4 + data.size)
        at = self._bytes + self.pos
        copy_bytes(at, literal, size)
        store32(at + size, <uint32_t>data.size)
        copy_bytes(at + size + 4, data.data, data.size)
        self.pos += size + 4 + data.size
        return 0

    cdef inline int put_u64_field(self, const char* literal, Py_ssize_t size, uint64_t value) except -1:
        """A literal, and a number as a byte string behind its length."""
        cdef char* at
        self.ensure(size + 12)
        at = self._bytes + self.pos
        copy_bytes(at, literal, size)
        store32(at + size, 8)
        store64(at + size + 4, value)
        self.pos += size + 12
        return 0

    cdef inline Py_ssize_t hold(self, const char* literal, Py_ssize_t size) except -1:
        """Put a literal, and after it leave room for a length, whose position this returns."""
        cdef Py_ssize_t position
        self.ensure(size + 4)
        copy_bytes(self._bytes + self.pos, literal, size)
        position = self.pos + size
        self.pos = position + 4
        return position

    cdef inline int fill(self, Py_ssize_t position) except -1:
        """Fill in a length of 32 bits: that of all that followed the room left at `position`."""
        return self.fill_with(position, self.pos - position - 4)

    cdef inline int fill_with(self, Py_ssize_t position, Py_ssize_t number) except -1:
        """Fill in a number of 32 bits at `position`, below 2**31. Raises OverflowError."""
        if position < 0 or position + 4 > self.pos or number > 0x7FFFFFFF:
            raise OverflowError(f'{number} bytes or elements are more than the protocol counts')
        store32(self._bytes + position, <uint32_t>number)
        return 0

    cdef inline int fill_u16(self, Py_ssize_t position, uint16_t number) except -1:
        """Fill in a number of 16 bits at `position`."""
        if position < 0 or position + 2 > self.pos:
            raise IndexError(position)
        store16(self._bytes + position, number)
        return 0

    cdef inline void cut(self, Py_ssize_t position) noexcept:
        """Take back what follows `position`."""
        if 0 <= position <= self.pos:
            self.pos = position

    cdef inline View written(self, Py_ssize_t position) noexcept:
        """What follows `position`; good until something is put."""
        if 0 <= position <= self.pos:
            return View(self._bytes + position, self.pos - position)
        return View(self._bytes, 0)

    cdef bytes finish(self):
        """The bytes. The Writer is empty then."""
        self.ensure(0 if self._object != NULL else 1)
        if self.pos != self._room:
            self._room = 0
            _PyBytes_Resize(&self._object, self.pos)
        done = <bytes>self._object
        Py_DECREF(done)
        self._object, self._bytes, self._room, self.pos = NULL, NULL, 0, 0
        return done


cdef inline Writer new_writer(Py_ssize_t expected):
    """A Writer with room for `expected` bytes."""
    cdef Writer writer = Writer.__new__(Writer)
    writer._object, writer._bytes, writer.pos, writer._room = NULL, NULL, 0, 0
    writer.ensure(expected)
    return writer
