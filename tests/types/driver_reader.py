"""The CQL driver reading tables, in a process of its own: its package is named `cassandra`, as one of this project is.

Run by file name with -I: FOLDER HOST PORT PROTOCOL. FOLDER, if not empty, is where the driver is installed. Reads a
statement per line, as a JSON string, and answers each with a line of JSON: the rows, every value by `plain`, or
{"error": text}. The tests, which run without the driver, import `plain` for their own values.
"""
import datetime
import decimal
import ipaddress
import json
import socket
import struct
import sys
import uuid

EPOCH = datetime.datetime(1970, 1, 1)
DAY = datetime.timedelta(days=1)
_EXACT = decimal.Context(prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


def _address(value):
    # The driver gives the text of inet_ntop; that of the module ipaddress depends on Python's version.
    return socket.inet_ntop(socket.AF_INET if value.version == 4 else socket.AF_INET6, value.packed)


def _instant(value):
    # Milliseconds: the driver multiplies floats, and is some microseconds off in far years.
    return round((value - EPOCH) / datetime.timedelta(milliseconds=1))


def _time(value):
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 10 ** 9 + value.microsecond * 1000


def _decimal(value):
    sign, _, exponent = value.as_tuple()
    return [sign, hex(int(value.copy_abs().scaleb(-exponent, _EXACT))), exponent]


# Subclasses come before their bases.
_FORMS = [
    (bool, 'bool', str), (int, 'int', hex), (float, 'float', lambda value: struct.pack('>d', value).hex()),
    (decimal.Decimal, 'decimal', _decimal), (str, 'text', str), (bytes, 'bytes', bytes.hex),
    (uuid.UUID, 'uuid', str), (datetime.datetime, 'instant', _instant),
    (datetime.date, 'date', lambda value: (value - EPOCH.date()) // DAY), (datetime.time, 'time', _time),
    (ipaddress.IPv4Address, 'text', _address), (ipaddress.IPv6Address, 'text', _address),
]


def plain(value):
    """A value as JSON, the same for this project's values and for the driver's, and different for different values."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return ['tuple', *map(plain, value)]
    # The driver has a Date and a Time of its own.
    if type(value).__name__ == 'Date':
        return ['date', value.days_from_epoch]
    if type(value).__name__ == 'Time':
        return ['time', value.nanosecond_time]
    for kind, name, form in _FORMS:
        if isinstance(value, kind):
            return [name, form(value)]
    raise TypeError(type(value).__name__)


def main():
    folder, host, port, protocol = sys.argv[1:]
    if folder:
        sys.path.insert(0, folder)
    from cassandra.cluster import Cluster
    from cassandra.query import tuple_factory
    with Cluster([host], port=int(port), protocol_version=int(protocol), schema_metadata_enabled=False,
                 token_metadata_enabled=False) as cluster:
        session = cluster.connect()
        session.row_factory = tuple_factory
        print('ready', flush=True)
        for line in sys.stdin:
            try:
                answer = [[plain(value) for value in row] for row in session.execute(json.loads(line), timeout=30)]
            except Exception as error:  # noqa: BLE001 the test shows it
                answer = {'error': f'{type(error).__name__}: {error}'}
            print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
