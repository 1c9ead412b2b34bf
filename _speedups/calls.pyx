"""What is around the bytes of a call: sequence ids, calls and their replies, and the short way over a pool.

The short way is for the calls that are made most. It finds out whether it leads there before anything is done, and
says so if not; then the facade goes the long way, which covers everything. It looks at attributes of pools and
connections, in their own __dict__: what a user put in their place is found there, or on the class.
"""
import time
import types
from logging import DEBUG, Logger

from pycassa._pure import calls as pure_calls

cdef extern from *:
    """
    #ifdef Py_TPFLAGS_MANAGED_DICT
    #define HAS_DICT(value) (PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_MANAGED_DICT) \\
                             || Py_TYPE(value)->tp_dictoffset != 0)
    #else
    #define HAS_DICT(value) (Py_TYPE(value)->tp_dictoffset != 0)
    #endif
    #define IN_CLASS(type, name) _PyType_Lookup((PyTypeObject *)(type), name)
    #define ON_CLASS(value, name) _PyType_Lookup(Py_TYPE(value), name)
    """
    # Whether an object keeps attributes of its own.
    bint HAS_DICT(PyObject*) noexcept
    # An attribute of a class, of the class of a value, as it stands there, borrowed; NULL if there is none.
    PyObject* IN_CLASS(PyObject*, PyObject*) noexcept
    PyObject* ON_CLASS(PyObject*, PyObject*) noexcept

cdef extern from 'Python.h':
    PyObject* PyDict_GetItemWithError(PyObject*, PyObject*) except? NULL
    int PySet_Contains(object, object) except -1
    object PyObject_GenericGetDict(object, void*)
    bint PyFloat_CheckExact(PyObject*) noexcept
    double PyFloat_AS_DOUBLE(PyObject*) noexcept

cdef object MONOTONIC = time.monotonic if isinstance(time.monotonic, types.BuiltinFunctionType) else None

cdef uint32_t last_seqid = 0


def next_seqid():
    """A sequence id for a call, unique in this process for two thousand million calls."""
    return take_seqid()


cdef inline uint32_t take_seqid() noexcept:
    global last_seqid
    last_seqid = (last_seqid + 1) & 0x7FFFFFFF
    return last_seqid


# --- calls -------------------------------------------------------------------------------------------------------

cdef enum Reading:
    # How the reply is read: by the functions of this module, or by any.
    ANY
    INSERTION
    SLICE


@cython.final
@cython.freelist(16)
cdef class Call:
    """One Thrift call: its complete frame (length prefix included), and how to read the reply message.

    `decode(reply)` is what `read(reply, *arguments)` returns. `retry` tells whether the call may be sent again after
    a failure that leaves its outcome unknown: the same bytes, so the same timestamps and the same sequence id.
    """

    cdef readonly str method
    cdef readonly object seqid
    cdef readonly bytes frame
    cdef readonly object retry
    cdef Reading kind
    cdef object read
    cdef tuple arguments
    cdef Layout layout
    cdef object dict_class, flags
    cdef uint32_t number

    def __init__(self, str method not None, seqid, bytes frame not None, read, retry, *arguments):
        self.method, self.seqid, self.frame, self.retry = method, seqid, frame, retry
        self.kind, self.read, self.arguments = ANY, read, arguments

    @property
    def size(self):
        """The bytes of the message: the frame without its length."""
        return self.message_size()

    cdef Py_ssize_t message_size(self) noexcept:
        return PyBytes_GET_SIZE(<PyObject*>self.frame) - 4

    def decode(self, reply):
        """What the reply message says. Raises what it says too, and ProtocolError."""
        return self.result(reply)

    cdef result(self, reply):
        if self.kind == INSERTION:
            return None if is_done(reply, self.number) else read_void(reply, self.method, self.seqid)
        if self.kind == SLICE:
            return read_slice(reply, self.seqid, self.layout, self.dict_class, self.flags)
        return self.read(reply, *self.arguments)


cdef bytes DONE = b'\x80\1\0\2\0\0\0\x0cbatch_mutate'


cdef inline bint is_done(reply, uint32_t seqid) noexcept:
    """Whether a reply is the one that a batch_mutate without errors has: nothing, in as many bytes as it takes."""
    cdef View found, head = view_of_bytes(DONE), start, number, stop
    if not PyBytes_CheckExact(<PyObject*>reply):
        return False
    found = view_of_bytes(reply)
    return (found.size == head.size + 5 and view_part(found, 0, head.size, &start) and view_equal(start, head)
            and view_part(found, head.size, 4, &number) and view_u32(number) == seqid
            and view_part(found, head.size + 4, 1, &stop) and view_u8(stop) == STOP)


def insertion_call(Layout layout not None, rows, timestamp, ttl, consistency, retry):
    """The batch_mutate that inserts {key: columns}, as `encode_rows` makes it."""
    return insertion(layout, rows, timestamp, ttl, consistency, retry)


cdef Call insertion(Layout layout, rows, timestamp, ttl, consistency, retry):
    cdef Call call = Call.__new__(Call)
    call.number = take_seqid()
    call.kind, call.method, call.seqid, call.retry = INSERTION, 'batch_mutate', call.number, retry
    call.frame = frame_of_rows(call.seqid, layout, rows, timestamp, ttl, consistency)
    return call


def slice_call(Layout layout not None, key, super_column, predicate, consistency, dict_class, flags):
    """The get_slice of one row, as `encode_get_slice` makes it and `decode_get_slice` reads its reply."""
    cdef Call call = Call.__new__(Call)
    call.kind, call.method, call.seqid, call.retry = SLICE, 'get_slice', take_seqid(), True
    call.layout, call.dict_class, call.flags = layout, dict_class, flags
    call.frame = read_of_row(GET_SLICE, call.seqid, key, layout.family, super_column, predicate, consistency)
    return call


# --- the short way -----------------------------------------------------------------------------------------------

cdef class Shelf:
    """What a pool's store has at hand: its connections, idle and all, those who wait, and how many there may be."""

    cdef public object _idle, _waiters, _members, _lost, _opening, size, limit, closed

    cdef bint has_place(self) except -1:
        """Whether a connection may come back and stay, and nobody waits for it."""
        cdef int64_t size = 0, limit = 0, opening = 0
        if self._lost or self._waiters or self.closed is not False:
            return False
        if not quick_int(<PyObject*>self.size, &size) or len(self._idle) >= size:
            return False
        if self.limit is None:
            return True
        return (quick_int(<PyObject*>self.limit, &limit) and quick_int(<PyObject*>self._opening, &opening)
                and len(self._members) + opening <= limit)


cdef class Ears:
    """Whether anybody wants to hear of the two events of every call. `logger` has the logger that may write them."""

    cdef public object logger
    cdef public bint _check_outs_wanted, _check_ins_wanted
    cdef object known
    cdef dict levels

    cdef bint are_shut(self) except -1:
        """Whether the logger writes nothing of level DEBUG, as it was asked before and has not been changed since."""
        cdef PyObject* logger = entry(attributes_of(self.logger), 'logger')
        if logger != <PyObject*>self.known:
            if logger == NULL or CLASS_OF(logger) != <PyObject*>Logger:
                return False
            # The logger's own dict, though it may be empty: it is filled, and emptied, where it is.
            levels = attributes_of(<object>logger).get('_cache')
            self.known, self.levels = <object>logger, levels if type(levels) is dict else {}
        return entry_is(self.levels, DEBUG, False)

    cdef bint are_still_shut(self) except -1:
        """`are_shut` of the logger that was asked last."""
        return entry_is(self.levels, DEBUG, False)


cdef inline PyObject* entry(dict attributes, name) except? NULL:
    """An attribute that an object has itself, borrowed; NULL if it has not."""
    return PyDict_GetItemWithError(<PyObject*>attributes, <PyObject*>name)


cdef inline bint entry_is(dict attributes, name, value) except -1:
    return entry(attributes, name) == <PyObject*>value


cdef inline dict attributes_of(value):
    return PyObject_GenericGetDict(value, NULL)


cdef inline bint has_number(dict attributes, name, int64_t* number) except -1:
    cdef PyObject* value = entry(attributes, name)
    return value != NULL and quick_int(value, number)


cdef inline bint has_seconds(dict attributes, name, double* seconds) except -1:
    cdef PyObject* value = entry(attributes, name)
    if value == NULL or not (PyFloat_CheckExact(value) or PyLong_CheckExact(value)):
        return False
    seconds[0] = <double><object>value
    return True


def is_own(own, client, str name not None):
    """Whether the method `name` of `client` is one of the functions `own`: neither object nor class has another."""
    return has_own(own, attributes_of(client), client, name) or pure_calls.is_own(own, client, name)


cdef inline bint has_own(own, dict attributes, client, str name) except -1:
    cdef PyObject* function
    if entry(attributes, name) != NULL:
        return False
    function = ON_CLASS(<PyObject*>client, <PyObject*>name)
    return function != NULL and PySet_Contains(own, <object>function)


# What the short way returns where it is not taken.
LONG_WAY = ABSENT


@cython.final
cdef class Ways:
    """What a call passes through where nothing was replaced: methods of the classes, by which that is known.

    These are the `execute` and `execute_call` of `pool_class`, the `execute_call` of `wrapper_class` and of
    `connection_class`, and `own`, the Thrift methods that the codec stands in for. `slow` are methods with time-outs
    of their own.
    """

    cdef object execute, execute_pooled, execute_over, connection_class, execute_call, own, slow

    def __init__(self, pool_class, wrapper_class, connection_class, own, slow):
        self.execute, self.execute_pooled = pool_class.execute, pool_class.execute_call
        self.execute_over = wrapper_class.execute_call
        self.connection_class, self.execute_call = connection_class, connection_class.execute_call
        self.own, self.slow = own, slow

    cdef bint are_usual(self, connection, dict attributes, str method) except -1:
        """Whether a call of `method` passes through the usual methods of a connection."""
        if entry(attributes, 'execute_call') != NULL or PySet_Contains(self.slow, method):
            return False
        if ON_CLASS(<PyObject*>connection, <PyObject*>'execute_call') != <PyObject*>self.execute_over:
            return False
        if IN_CLASS(<PyObject*>self.connection_class, <PyObject*>'execute_call') != <PyObject*>self.execute_call:
            return False
        return has_own(self.own, attributes, connection, method)


@cython.final
cdef class ShortWay:
    """From a call to its result over an idle connection of a pool that is in order, in one step.

    It is a pool's own, and refers to its __dict__, store and listeners. `holding` says, when it is not empty, that
    threads have connections that their calls have to be made on.
    """

    cdef Ways ways
    cdef dict settings
    cdef Shelf store
    cdef Ears ears
    cdef object holding
    cdef bint is_open

    def __init__(self, Ways ways not None, dict settings not None, Shelf store not None, Ears ears not None, holding):
        self.ways, self.settings, self.store, self.ears, self.holding = ways, settings, store, ears, holding
        # Deadlines and ages are on the pool's clock.
        self.is_open = MONOTONIC is not None and settings.get('_clock') is MONOTONIC

    def go(self, pool, call):
        """The result of `call`; LONG_WAY if nothing was done.

        Where it went wrong on the way, what `pool._resume(connection, call, reply, error)` gives: `reply` is what the
        exchange returned, None if it raised, and `error` what was raised by it or in reading the reply.
        """
        return self.result(pool, call)

    cdef result(self, pool, call):
        cdef dict attributes
        cdef PyObject* found
        cdef Exchange exchange
        cdef int64_t calls = 0
        cdef double seconds = -1.0
        if type(call) is not Call or not self.is_clear(pool):
            return LONG_WAY
        if not self.store._idle:
            return LONG_WAY
        connection = self.store._idle[0]
        attributes = attributes_of(connection)
        found = entry(attributes, '_exchange')
        if found == NULL or CLASS_OF(found) != <PyObject*>Exchange:
            return LONG_WAY
        exchange = <Exchange>found
        if not exchange.is_free() or not self.is_fresh(attributes, exchange.touched):
            return LONG_WAY
        if not has_number(attributes, 'operation_count', &calls):
            return LONG_WAY
        if has_seconds(attributes, 'timeout', &seconds):
            if not seconds >= 0.0:
                return LONG_WAY
        elif not entry_is(attributes, 'timeout', None):
            return LONG_WAY
        if not self.ways.are_usual(connection, attributes, (<Call>call).method):
            return LONG_WAY
        if not self.store._idle or self.store._idle[0] is not connection:
            # The collector ran, and a finalizer took it.
            return LONG_WAY
        self.store._idle.popleft()
        attributes['operation_count'] = calls + 1
        reply = error = result = None
        try:
            reply = exchange.round_trip((<Call>call).frame, seconds)
            if type(reply) is bytes:
                result = (<Call>call).result(reply)
        except BaseException as raised:
            error = raised
        if error is not None or type(reply) is not bytes:
            return pool._resume(connection, call, reply, error)
        if not self.put_back(connection, attributes, calls + 1):
            pool._put_idle(connection, None)
        return result

    cdef bint is_clear(self, pool) except -1:
        """Whether a connection is there that nobody waits for, and no limit or listener has to be asked."""
        if not self.is_open or not self.store._idle or self.store._waiters or self.holding:
            return False
        if ON_CLASS(<PyObject*>pool, <PyObject*>'execute') != <PyObject*>self.ways.execute:
            return False
        if entry(self.settings, 'execute') != NULL or not entry_is(self.settings, 'deadline', None):
            return False
        return not self.ears._check_outs_wanted and self.ears.are_shut()

    cdef bint is_fresh(self, dict attributes, double touched) except -1:
        """Whether a connection has been idle for less time than makes it worth asking whether it is still there."""
        cdef double longest = 0.0, now = seconds_now(), since = 0.0
        if not has_seconds(self.settings, 'idle_probe', &longest):
            return False
        return now - touched <= longest or has_seconds(attributes, '_idle_since', &since) and now - since <= longest

    cdef bint put_back(self, connection, dict attributes, int64_t calls) except -1:
        """Put a connection that is in order back. False, and nothing was done, if there is more to do than that."""
        cdef int64_t recycle = 0, spared = 0
        if self.ears._check_ins_wanted or not self.ears.are_still_shut() or not entry_is(attributes, '_expires', None):
            return False
        if not has_number(self.settings, 'recycle', &recycle) or not has_number(attributes, '_spared_at', &spared):
            return False
        if -1 < recycle < calls - spared or not self.store.has_place():
            return False
        self.store._idle.append(connection)
        return True


cdef class Sender:
    """Makes calls through `_executor`, each of no more than `max_request_bytes`."""

    cdef public object _executor, max_request_bytes

    def insert_rows(self, Layout layout not None, rows, timestamp, ttl, consistency, retry=True):
        """Write {key: columns} of one family: one request, or several where one would be above the server's limit.

        Keys, names and values are packed here. A key that packs like another of `rows` is merged with it.
        """
        cdef Call call = insertion(layout, rows, timestamp, ttl, consistency, retry)
        if call.message_size() <= self.max_request_bytes:
            execute_through(self._executor, call)
        else:
            self._insert_in_parts(layout, rows, timestamp, ttl, consistency, retry)

    def _run(self, Call call not None):
        """The result of a call. Raises RequestTooLarge."""
        if call.message_size() > self.max_request_bytes:
            self._refuse(call)
        return execute_through(self._executor, call)


cdef execute_through(executor, Call call):
    """What the executor's execute_call returns. Of a pool's, the short way comes first."""
    cdef PyObject* way
    cdef ShortWay short_way
    cdef dict attributes
    if HAS_DICT(<PyObject*>executor):
        attributes = attributes_of(executor)
        way = entry(attributes, '_short_way')
        if way != NULL and CLASS_OF(way) == <PyObject*>ShortWay and entry(attributes, 'execute_call') == NULL and (
                ON_CLASS(<PyObject*>executor, <PyObject*>'execute_call')
                == <PyObject*>(<ShortWay>way).ways.execute_pooled):
            # The executor may be given another one meanwhile.
            short_way = <ShortWay>way
            result = short_way.result(executor, call)
            return executor._execute_call(call) if result is LONG_WAY else result
    return executor.execute_call(call)
