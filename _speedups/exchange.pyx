"""Round trips on a connected TCP socket: a frame goes out, the message of the frame that answers it comes back.

Nothing here raises for what a server or a network does: what went wrong is returned, as (what, number, detail), and
the transport makes the error of it.

Beside cursor.pyx it is the one part that handles raw pointers: those that the kernel reads from and writes to.

A round trip is two system calls: the send does not wait, and the receive waits in the kernel, which is told once how
long it may. On systems other than Linux the pure twin serves.
"""
import os

from libc.math cimport INFINITY

from pycassa._pure import exchange as _pure_exchange

cdef extern from *:
    """
    #ifdef __linux__
    #include <errno.h>
    #include <fcntl.h>
    #include <poll.h>
    #include <sys/socket.h>
    #include <sys/time.h>
    #include <time.h>

    #define HAS_EXCHANGE 1
    #define WOULD_BLOCK(number) ((number) == EAGAIN || (number) == EWOULDBLOCK)

    static double seconds_now(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    static Py_ssize_t send_at_once(int fd, const char *data, Py_ssize_t size) {
        return send(fd, data, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    static Py_ssize_t receive(int fd, char *into, Py_ssize_t size, int wait) {
        return recv(fd, into, (size_t)size, wait ? 0 : MSG_DONTWAIT);
    }
    static int wait_for(int fd, int writing, int milliseconds) {
        struct pollfd watched = {fd, writing ? POLLOUT : POLLIN, 0};
        return poll(&watched, 1, milliseconds);
    }
    /* Whether a receive waits in the kernel from now on, for `seconds` at most. */
    static int let_receive_wait(int fd, double seconds) {
        struct timeval most = {(time_t)seconds, (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)};
        int flags = fcntl(fd, F_GETFL);
        return flags >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0
            && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
    }
    #else
    #include <errno.h>
    #define HAS_EXCHANGE 0
    #define WOULD_BLOCK(number) 0
    static double seconds_now(void) { return 0.0; }
    static Py_ssize_t send_at_once(int fd, const char *data, Py_ssize_t size) { return -1; }
    static Py_ssize_t receive(int fd, char *into, Py_ssize_t size, int wait) { return -1; }
    static int wait_for(int fd, int writing, int milliseconds) { return -1; }
    static int let_receive_wait(int fd, double seconds) { return 0; }
    #endif
    """
    const bint HAS_EXCHANGE
    const int EINTR
    int errno
    bint WOULD_BLOCK(int) noexcept nogil
    double seconds_now() noexcept nogil
    Py_ssize_t send_at_once(int, const char*, Py_ssize_t) noexcept nogil
    Py_ssize_t receive(int, char*, Py_ssize_t, bint) noexcept nogil
    int wait_for(int, bint, int) noexcept nogil
    bint let_receive_wait(int, double) noexcept nogil
    int PyErr_CheckSignals() except -1
    char* PyByteArray_AS_STRING(object) noexcept


# The kernel's wait on a receive. Deadlines that are nearer, and replies that take longer, are waited for by poll.
cdef double PATIENCE = 0.1
cdef double LONGEST_POLL = 2e9

cdef enum:
    SCRATCH_BYTES = 65536
    # Why `advance` came back, beside the failures below.
    ADVANCED = 0
    INTERRUPTED = -1

    UNUSABLE = 1
    UNSENT = 2
    WAITING = 3
    LOST = 4
    ENDED = 5

# pycassa.util.Forks once more, as a number of C: every call compares it.
cdef long forks = 0


def _count_fork():
    global forks
    forks += 1


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_count_fork)


# --- without the GIL ---------------------------------------------------------------------------------------------

cdef struct Trip:
    int fd
    bint patient         # a receive waits in the kernel
    bint limited         # there is a time by which all must be over
    double expires
    double now           # as of the last look at the clock
    View unsent
    char* room           # where the next bytes go, of what the caller keeps alive
    Py_ssize_t free
    Py_ssize_t received  # by the last advance
    int error


cdef int advance(Trip* trip) noexcept nogil:
    """Send what is unsent, then receive at least one byte; or return why not."""
    cdef int state
    while trip.unsent.size:
        state = _send_some(trip)
        if state != ADVANCED:
            return state
    return _receive_some(trip)


cdef int _send_some(Trip* trip) noexcept nogil:
    cdef Py_ssize_t sent = send_at_once(trip.fd, trip.unsent.data, trip.unsent.size)
    if sent >= 0:
        view_part(trip.unsent, sent, trip.unsent.size - sent, &trip.unsent)
    elif not WOULD_BLOCK(errno):
        return _failed(trip)
    if not trip.unsent.size:
        return ADVANCED
    return _wait(trip, True)


cdef int _receive_some(Trip* trip) noexcept nogil:
    cdef bint wait = trip.patient and (not trip.limited or trip.expires - trip.now >= PATIENCE)
    cdef int state
    while True:
        if not wait:
            state = _wait(trip, False)
            if state != ADVANCED:
                return state
        trip.received = receive(trip.fd, trip.room, trip.free, wait)
        if trip.received > 0:
            return ADVANCED
        if trip.received == 0:
            return ENDED
        if not WOULD_BLOCK(errno):
            return _failed(trip)
        if wait:
            # A signal may have come with the end of the wait: handlers run before the next one.
            trip.patient = False
            return INTERRUPTED


cdef int _wait(Trip* trip, bint writing) noexcept nogil:
    """Wait until the socket can be written or read, or has failed."""
    cdef double milliseconds
    cdef int found
    while True:
        milliseconds = -1.0
        if trip.limited:
            trip.now = seconds_now()
            milliseconds = (trip.expires - trip.now) * 1000.0
            if milliseconds <= 0.0:
                return UNSENT if writing else WAITING
            # The next whole one: to look at the clock a moment too early is to wait twice.
            milliseconds = milliseconds + 1.0 if milliseconds < LONGEST_POLL else LONGEST_POLL
        found = wait_for(trip.fd, writing, <int>milliseconds)
        if found > 0:
            if writing and trip.limited:
                trip.now = seconds_now()
            return ADVANCED
        if found < 0:
            return _failed(trip)


cdef int _failed(Trip* trip) noexcept nogil:
    trip.error = errno
    return INTERRUPTED if trip.error == EINTR else LOST


# --- the twin ----------------------------------------------------------------------------------------------------

@cython.final
cdef class Exchange:
    """The round trips on `handle`, a connected TCP socket of the standard library.

    One is made at a time. `close` closes the socket, but while a round trip of another thread is under way only ends
    that, and leaves closing to it: its descriptor must not become another file's before.

    The descriptor may block from now on: others who send or receive on it have to ask for MSG_DONTWAIT.
    """

    #: The most bytes that a reply may have.
    cdef public Py_ssize_t limit
    cdef object handle
    cdef bytearray scratch
    cdef int fd
    cdef bint patient, busy, retired, to_close
    cdef long born
    # When the last round trip ended.
    cdef double touched

    def __init__(self, handle):
        self.limit = 0x7FFFFFFF
        self.handle = handle
        self.fd = handle.fileno()
        self.patient = let_receive_wait(self.fd, PATIENCE)
        self.scratch = bytearray(SCRATCH_BYTES)
        self.born, self.touched = forks, -INFINITY

    def retire(self):
        """Make no round trips from now on. The socket is left open, and does not block."""
        self.retired = True
        self.handle.setblocking(False)

    def close(self):
        """Close the socket, for good."""
        self.retired = True
        if self.busy and self.born == forks:
            self.to_close = True
        else:
            self.handle.close()

    cdef bint is_free(self) noexcept:
        return self.handle is not None and not self.busy and not self.retired and self.born == forks

    def run(self, bytes frame not None, seconds=None, deadline=None):
        """Send `frame` and return the message of the reply, without its length, or a Failure.

        The time is over after `seconds` and at `deadline`, absolute on time.monotonic(); None is no limit. Signal
        handlers run while it waits, and what they raise is raised. After anything but a message the connection must
        not be used again, except for 'unusable'.
        """
        if deadline is None:
            return self.round_trip(frame, -1.0 if seconds is None else max(<double>seconds, 0.0))
        return self.round_trip_before(frame, seconds, deadline)

    cdef round_trip(self, bytes frame, double seconds):
        """`run` without a deadline, and without any limit where `seconds` is negative."""
        cdef Trip trip
        trip.now = seconds_now()
        trip.limited, trip.expires = seconds >= 0.0, trip.now + seconds
        return self._go(&trip, frame, False)

    cdef round_trip_before(self, bytes frame, seconds, deadline):
        cdef Trip trip
        cdef double most = INFINITY if seconds is None else seconds
        trip.now = seconds_now()
        trip.limited, trip.expires = True, min(trip.now + most, <double>deadline)
        return self._go(&trip, frame, <double>deadline < trip.now + most)

    cdef _go(self, Trip* trip, bytes frame, bint by_deadline):
        if not self.is_free():
            return 'unusable', 0, None
        trip.fd, trip.patient = self.fd, self.patient
        trip.unsent = view_of_bytes(frame)
        self.busy = True
        try:
            return self._receive(trip, by_deadline)
        finally:
            self.busy = False
            self.touched = seconds_now()
            if self.to_close:
                self.handle.close()

    cdef object _receive(self, Trip* trip, bint by_deadline):
        cdef Py_ssize_t have = 0, length
        cdef int state
        while have < 4:
            trip.room, trip.free = PyByteArray_AS_STRING(self.scratch) + have, SCRATCH_BYTES - have
            if have and trip.limited:
                trip.now = seconds_now()
            state = self._advance(trip)
            if state != ADVANCED:
                return _failure(trip, state, by_deadline)
            have += trip.received
        length = <int32_t>load32(PyByteArray_AS_STRING(self.scratch))
        if length < 0 or length > self.limit:
            return 'length', length, bytes(self.scratch[:min(have, 8)])
        if have == length + 4:
            return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(self.scratch) + 4, length)
        if have > length + 4:
            return 'trailing', have - length - 4, None
        return self._receive_rest(trip, have - 4, length, by_deadline)

    cdef object _receive_rest(self, Trip* trip, Py_ssize_t have, Py_ssize_t length, bint by_deadline):
        """The message of `length` bytes of which `have` are here. Memory grows with what arrives."""
        cdef Py_ssize_t size = min(length, 2 * SCRATCH_BYTES)
        cdef PyObject* message = new_bytes(NULL, size)
        cdef int state
        try:
            memcpy(PyBytes_AS_STRING(message), PyByteArray_AS_STRING(self.scratch) + 4, have)
            while have < length:
                if have == size:
                    size = min(length, 2 * size)
                    _PyBytes_Resize(&message, size)
                trip.room, trip.free = PyBytes_AS_STRING(message) + have, size - have
                if trip.limited:
                    trip.now = seconds_now()
                state = self._advance(trip)
                if state != ADVANCED:
                    return _failure(trip, state, by_deadline)
                have += trip.received
            return <object>message
        finally:
            Py_XDECREF(message)

    cdef int _advance(self, Trip* trip) except? -100:
        """`advance`, and between its parts the signal handlers."""
        cdef int state
        while True:
            with nogil:
                state = advance(trip)
            if state != INTERRUPTED:
                return state
            PyErr_CheckSignals()
            if self.born != forks:
                # A handler forked, and this is the child, which has closed its copy of the descriptor.
                return UNUSABLE
            if trip.limited:
                trip.now = seconds_now()


cdef object _failure(Trip* trip, int state, bint by_deadline):
    if state == LOST:
        return 'lost', trip.error, trip.unsent.size
    if state == ENDED:
        return 'ended', 0, None
    if state == UNUSABLE:
        return 'unusable', 0, None
    return 'unsent' if state == UNSENT else 'waiting', by_deadline, None


if not HAS_EXCHANGE:
    globals()['Exchange'] = _pure_exchange.Exchange
