"""Helpers of the engine's tests: a driven clock, a keyspace with one family of each kind, short calls."""
import struct

import pytest

from pycassa.cassandra.ttypes import CfDef, ColumnDef, InvalidRequestException, KsDef
from pycassa.embedded.definitions import empty
from pycassa.embedded.engine import Engine

ONE = 1
EVERYTHING = (None, (b'', b'', False, 1000))
OLD, TABLE = ('1.2', '2.0', '2.1'), ('2.2', '3.0', '3.11')
PROFILES = OLD + TABLE


class Clock:
    """Seconds since the epoch that pass when told to."""

    def __init__(self, now=1700000000.0):
        self.now = now

    def __call__(self):
        return self.now


def cf_def(name, keyspace='K', **fields):
    """A CfDef with only the given fields set."""
    definition = empty(CfDef)
    definition.keyspace, definition.name = keyspace, name
    for field, value in fields.items():
        setattr(definition, field, value)
    return definition


def ks_def(name='K', families=(), strategy='SimpleStrategy', options=None):
    options = {'replication_factor': '1'} if options is None else options
    return KsDef(name=name, strategy_class=strategy, strategy_options=options, cf_defs=list(families))


def families():
    """B bytes · U text, long keys, `num` a long, `ix` indexed · S super text/long · C counters · SC super counters."""
    return [
        cf_def('B'),
        cf_def('U', comparator_type='UTF8Type', default_validation_class='UTF8Type', key_validation_class='LongType',
               column_metadata=[ColumnDef(b'num', 'LongType'), ColumnDef(b'ix', 'BytesType', 0, 'ix_idx')]),
        cf_def('S', column_type='Super', comparator_type='UTF8Type', subcomparator_type='LongType'),
        cf_def('C', default_validation_class='CounterColumnType'),
        cf_def('SC', column_type='Super', default_validation_class='CounterColumnType'),
    ]


def session(profile='2.1', more=(), clock=None, **engine):
    """A session in keyspace K with `families()` and `more`."""
    made = Engine(profile=profile, clock=clock or Clock(), **engine).session()
    made.engine.add_keyspace(ks_def(families=[*families(), *more]))
    made.set_keyspace('K')
    return made


def one_family(definition, profile='2.1', clock=None, **engine):
    """A session whose keyspace K has a single family."""
    made = Engine(profile=profile, clock=clock or Clock(), **engine).session()
    made.engine.add_keyspace(ks_def(families=[definition]))
    made.set_keyspace('K')
    return made


def long(number):
    return struct.pack('>q', number)


def refused(text, call, *arguments, **options):
    """Asserts that a call is refused with exactly this text."""
    with pytest.raises(InvalidRequestException) as caught:
        call(*arguments, **options)
    assert caught.value.why == text


def put(made, key, name, value=b'v', timestamp=1, ttl=None, family='B'):
    made.insert(key, (family, None), (name, value, timestamp, ttl), ONE)


def put_below(made, key, super_name, name, value=b'v', timestamp=1, ttl=None, family='S'):
    made.insert(key, (family, super_name), (name, value, timestamp, ttl), ONE)


def mutate(made, key, family, *mutations):
    made.batch_mutate([(key, [(family, list(mutations))])], ONE)


def row(made, key, family='B', super_column=None, predicate=EVERYTHING):
    """The items of a row."""
    return made.get_slice(key, (family, super_column), predicate, ONE)[1]


def names(made, key, family='B', super_column=None, predicate=EVERYTHING):
    """The names of a row."""
    return [item[0] for item in row(made, key, family, super_column, predicate)]


def scan(made, family='B', super_column=None, predicate=EVERYTHING, start=b'', end=b'', tokens=None, count=100,
         row_filter=None):
    """[(key, items)] of a range."""
    bounds = (start, end, None, None) if tokens is None else (None, None) + tokens
    found = made.get_range_slices((family, super_column), predicate, bounds + (count, row_filter), ONE)
    return [(key, columns[1]) for key, columns in found]


def keys(*arguments, **options):
    """The keys of a range."""
    return [key for key, _ in scan(*arguments, **options)]
