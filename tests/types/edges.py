"""Values at the edges of every type in the order in which servers sort them, and when two of them are the same."""
import datetime
import ipaddress
import struct
import uuid
from decimal import Decimal
from typing import Any, Dict, List, NamedTuple

from pycassa import util


class Edge(NamedTuple):
    """The values of one type, ascending in its comparator's order.

    `sorts_in_python` tells that this is the order of Python too; `as_name` that column names may be of the type;
    `empty` is what no bytes at all read as, or REFUSED where servers want exactly so many; `since` is the first
    server that knows the type; `alike` are values that servers take for a name that is in `values` already.
    """

    values: List[Any]
    sorts_in_python: bool = True
    as_name: bool = True
    empty: Any = None
    since: str = '1.2'
    alike: List[Any] = []


REFUSED = object()
DECIMALS = [Decimal('-1E+10000'), -Decimal('9' * 500), Decimal('-7.000'), Decimal('-0.1'), Decimal('-1E-10000'),
         Decimal('0'), Decimal('1E-10000'), Decimal('0.1'), Decimal('0.10000000000000000000000000001'), Decimal(1),
         Decimal('123456789012345678901234567890.123456789'), Decimal('1E+30'), Decimal('9' * 500), Decimal('1E+10000')]
INSTANTS = [datetime.datetime(1, 1, 1), datetime.datetime(1582, 10, 15), datetime.datetime(1900, 2, 28, 23, 59, 59),
            datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), datetime.datetime(1970, 1, 1),
            datetime.datetime(1970, 1, 1, 0, 0, 0, 1000), datetime.datetime(2000, 2, 29, 12, 30, 45, 678000),
            datetime.datetime(2038, 1, 19, 3, 14, 8), datetime.datetime(9999, 12, 31, 23, 59, 59, 999000)]
TIMES = [datetime.datetime(1582, 10, 15), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
         datetime.datetime(1970, 1, 1), datetime.datetime(2012, 6, 5, 4, 3, 2, 123456),
         datetime.datetime(5236, 3, 31, 21, 21, 0, 684697)]


def integers(bits: int) -> List[int]:
    return [-1 << bits - 1, -1, 0, 1, (1 << bits - 1) - 1]


def floats(greatest: float, least: float) -> List[float]:
    """Minus zero comes before zero, NaN after everything."""
    positive = [least, 1.0, greatest, float('inf')]
    return [*(-each for each in positive[::-1]), -0.0, 0.0, *positive, float('nan')]


EDGES: Dict[str, Edge] = {
    'BytesType': Edge([b'\0', b'\0\0', bytes(range(256)), b'\x7f', b'\x80', b'\xff', b'\xff\0'], empty=b''),
    'AsciiType': Edge(['\0', '\t\r\n', ' ', '0', 'A', 'a' * 1000, bytes(range(97, 128)).decode(), '\x7f'], empty=''),
    'UTF8Type': Edge(['\0', 'e', 'e\u0301', '\x7f', '\x80', '\xe9', '\u07ff', '\u0800', '\u4e2d', '\ud7ff', '\ue000',
                      '\uffff', '\U00010000', '\U0001f600', '\U0010ffff'], empty=''),
    'LongType': Edge(sorted([*integers(64), 2 ** 53 + 1, -2 ** 53 - 1])),
    'Int32Type': Edge(integers(32)),
    'ShortType': Edge(integers(16), as_name=False, empty=REFUSED, since='2.2'),
    'ByteType': Edge(integers(8), as_name=False, empty=REFUSED, since='2.2'),
    'IntegerType': Edge([-10 ** 3000, -2 ** 64 - 1, -2 ** 63, -129, -128, -1, 0, 1, 127, 128, 255, 256, 2 ** 63,
                         2 ** 64, 10 ** 3000]),
    'FloatType': Edge(floats(struct.unpack('>f', b'\x7f\x7f\xff\xff')[0], 2.0 ** -149), sorts_in_python=False),
    'DoubleType': Edge(floats(1.7976931348623157e308, 5e-324), sorts_in_python=False),
    # The scales at the ends of 32 bits are for values alone: to compare them servers would need that many digits.
    'DecimalType': Edge(DECIMALS, alike=[Decimal('0E-10'), Decimal('0E+10'), Decimal('1.00'), Decimal('-7')]),
    'BooleanType': Edge([False, True]),
    'DateType': Edge(INSTANTS),
    'TimestampType': Edge(INSTANTS, since='2.0'),
    'SimpleDateType': Edge([datetime.date.min, datetime.date(1969, 12, 31), datetime.date(1970, 1, 1),
                            datetime.date(2000, 2, 29), datetime.date.max], as_name=False, empty=REFUSED, since='2.2'),
    'TimeType': Edge([datetime.time(), datetime.time(0, 0, 0, 1), datetime.time(12, 30),
                      datetime.time(23, 59, 59, 999999)], as_name=False, empty=REFUSED, since='2.2'),
    # By version first, those of version 1 by their time.
    'UUIDType': Edge([uuid.UUID(int=0), *map(util.convert_time_to_uuid, TIMES),
                      uuid.UUID('00000000-0000-4000-8000-000000000000'),
                      uuid.UUID('ffffffff-ffff-4fff-bfff-ffffffffffff'), uuid.UUID(int=2 ** 128 - 1)],
                     sorts_in_python=False),
    'TimeUUIDType': Edge([util.LOWEST_TIME_UUID,
                          *(util.convert_time_to_uuid(each, lowest) for each in TIMES[1:] for lowest in (True, False)),
                          util.HIGHEST_TIME_UUID], sorts_in_python=False),
    # As two signed numbers of 64 bits.
    'LexicalUUIDType': Edge([uuid.UUID(int=2 ** 127), uuid.UUID('ffffffff-ffff-ffff-8000-000000000000'),
                             uuid.UUID(int=2 ** 128 - 1), uuid.UUID(int=2 ** 63), uuid.UUID(int=0), uuid.UUID(int=1),
                             uuid.UUID(int=2 ** 127 - 1)], sorts_in_python=False),
    'InetAddressType': Edge([ipaddress.ip_address(each) for each in (
        '0.0.0.0', '::', '::1', '::ffff:1.2.3.4', '127.0.0.1', 'fe80::1', 'ff02::fb', '255.255.255.255',
        'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')], sorts_in_python=False),
    'CompositeType(IntegerType,UTF8Type)': Edge(
        [(-10 ** 30,), (-1,), (-1, ''), (-1, '\U0010ffff'), (0, 'a'), (2 ** 64, '\0')], empty=()),
    'CompositeType(ReversedType(TimestampType),CompositeType(UUIDType,BytesType),BooleanType)': Edge(
        [(INSTANTS[-1], (uuid.UUID(int=0), b'\xff' * 100), True), (INSTANTS[3], (uuid.UUID(int=0), b''), False),
         (INSTANTS[3], (uuid.UUID(int=0), b''), True), (INSTANTS[0], (uuid.UUID(int=1),), True)],
        sorts_in_python=False, empty=(), since='2.0'),
    'DynamicCompositeType(l=>LongType,t=>UTF8Type,r=>ReversedType(LongType))': Edge(
        [(('l', -2 ** 63),), (('l', 0), ('t', '')), (('l', 0), ('t', '\U0001f600')), (('r', 5),), (('r', -5),),
         (('UTF8Type', 'a'),), (('t', 'b'), ('l', 2 ** 63 - 1))], sorts_in_python=False, empty=()),
}
VERSIONS = ['1.2', '2.0', '2.1', '2.2', '3.0', '3.11']

#: More that is stored and comes back, where no order is asked for.
VALUES_ONLY = {
    'BytesType': [b'', bytes(200000)],
    'UTF8Type': ['', '\U0001f600' * 50000],
    'AsciiType': [''],
    'DecimalType': [Decimal('1E+2147483648'), Decimal('-1E-2147483647'), Decimal('0E+5'), Decimal('0.00')],
    'IntegerType': [10 ** 20000],
}


def is_known(server: Any, kind: str) -> bool:
    """Whether the server under test has the type."""
    return kind not in EDGES or VERSIONS.index(server.profile) >= VERSIONS.index(EDGES[kind].since)


def ordered(server: Any, kind: str) -> List[Any]:
    """The values of a type in the order of the server under test."""
    values = EDGES[kind].values
    if kind == 'DateType' and VERSIONS.index(server.profile) < VERSIONS.index('3.0'):
        # Servers before 3.0 compare the eight bytes without a sign.
        epoch = INSTANTS.index(datetime.datetime(1970, 1, 1))
        return values[epoch:] + values[:epoch]
    return values


def exact(value: Any) -> Any:
    """What two values have in common that are the same to the last bit: equal NaNs, unequal zeros, 1.0 and not 1."""
    if isinstance(value, float):
        return 'float', struct.pack('>d', value)
    if isinstance(value, Decimal):
        return 'Decimal', value.as_tuple()
    if isinstance(value, (tuple, list)):
        return 'tuple', tuple(map(exact, value))
    return type(value).__name__, value


def exactly(values: Any) -> List[Any]:
    return [exact(each) for each in values]
