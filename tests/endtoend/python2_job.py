"""A loader as it was written for Python 2, where text and bytes were one type; it expects its own strings back.

python2_job.py HOST:PORT KEYSPACE, with families Pooled, PooledSuper, Early and EarlySuper of BytesType; run by tests.
"""
import sys

import pycassa
from pycassa.batch import Mutator
from pycassa.columnfamilymap import ColumnFamilyMap

# Strings of arbitrary bytes, as Python 2 had them: every byte value, sequences that are no UTF-8, and none.
BINARY = [bytes(range(256)), b'\xff\xfe\xfd', b'\x00', b'caf\xc3\xa9', b'\xc3', b'\xed\xa0\x80', b'\xf0\x9f\x98\x80']


def native(data):
    """What a str of Python 2 with these bytes is here."""
    return data.decode('utf-8', 'surrogateescape')


def check(found, expected):
    assert found == expected, '%r is not %r' % (found, expected)
    check_types(found)


def check_types(found):
    if isinstance(found, dict):
        for name, value in found.items():
            assert type(name) is str, repr(name)
            check_types(value)
    elif isinstance(found, (list, tuple)):
        for each in found:
            check_types(each)
    else:
        assert type(found) in (str, int), repr(found)


def literals(cf):
    cf.insert('key', {'name': 'value', 'other': ''})
    check(cf.get('key'), {'name': 'value', 'other': ''})
    check(cf.get('key', columns=['name']), {'name': 'value'})
    check(cf.get('key', column_start='n', column_finish='nz'), {'name': 'value'})
    check(cf.get('key', column_reversed=True, column_count=1), {'other': ''})
    check(cf.get('key', include_ttl=False, include_timestamp=True)['name'][0], 'value')
    check(cf.multiget(['key', 'none']), {'key': {'name': 'value', 'other': ''}})
    check(list(cf.get_range()), [('key', {'name': 'value', 'other': ''})])
    check(list(cf.xget('key', buffer_size=1)), [('name', 'value'), ('other', '')])
    check(cf.get_count('key'), 2)
    check(cf.multiget_count(['key']), {'key': 2})
    cf.remove('key', columns=['other'])
    check(cf.get('key'), {'name': 'value'})
    cf.remove('key')
    rows = list(cf.get_range())
    assert rows in ([], [('key', {})]), rows


def columns_of(rows):
    """Without removed rows, which connect()'s client gives and a pool does not."""
    return dict((key, columns) for key, columns in rows if columns)


def arbitrary_bytes(cf):
    for data in BINARY:
        cf.insert(native(data), {native(data): native(data)})
        check(cf.get(native(data)), {native(data): native(data)})
        # Those that have real bytes by now reach the same row.
        check(cf.get(data, columns=[data]), {native(data): native(data)})
    rows = dict((native(data), {native(data): native(data)}) for data in BINARY)
    check(cf.multiget(list(rows)), rows)
    check(columns_of(cf.get_range(buffer_size=2)), rows)
    for key, row in rows.items():
        check(list(cf.xget(key)), list(row.items()))
    batch = cf.batch(queue_size=3)
    for key, row in rows.items():
        batch.insert(key, {'copy': list(row)[0]})
        batch.remove(key, list(row))
    batch.send()
    check(columns_of(cf.get_range()), dict((key, {'copy': key}) for key in rows))


def super_columns(scf, cf):
    scf.insert('key', {'super': {'name': 'value'}, native(b'\xff'): {native(b'\xfe'): native(b'\xfd')}})
    check(scf.get('key'), {'super': {'name': 'value'}, native(b'\xff'): {native(b'\xfe'): native(b'\xfd')}})
    check(scf.get('key', super_column='super'), {'name': 'value'})
    check(scf.get('key', columns=['super']), {'super': {'name': 'value'}})
    check(list(scf.get_range(super_column=native(b'\xff'))), [('key', {native(b'\xfe'): native(b'\xfd')})])
    check(scf.multiget(['key'], super_column='super'), {'key': {'name': 'value'}})
    with Mutator(scf.pool) as batch:
        batch.insert(scf, 'key', {'super': {'name': 'changed'}})
        batch.remove(scf, 'key', super_column=native(b'\xff'))
        batch.insert(cf, 'beside', {'name': 'value'})
    check(scf.get('key'), {'super': {'name': 'changed'}})
    check(cf.get('beside'), {'name': 'value'})


class Person:
    name = pycassa.String(default='nobody')
    age = pycassa.IntString(default=0)
    weight = pycassa.FloatString(default=0.0)
    height = pycassa.Float64(default=0.0)


def mapper(cf):
    people = ColumnFamilyMap(Person, cf)
    person = Person()
    person.key, person.name, person.age, person.weight, person.height = 'person', native(b'\xff\x00'), 33, 80.5, 1.83
    people.insert(person)
    for found in (people.get('person'), people.multiget(['person'])['person']):
        check((found.key, found.name, found.age), ('person', native(b'\xff\x00'), 33))
        assert (found.weight, found.height) == (80.5, 1.83)
    people.remove(person, columns=['name'])
    check(people.get('person').name, 'nobody')


def main(server, keyspace):
    work(pycassa.ConnectionPool(keyspace, [server], timeout=30), 'Pooled')
    work(pycassa.connect(keyspace, [server], timeout=30), 'Early')
    print('all rows came back')


def work(client, family):
    cf = pycassa.ColumnFamily(client, family)
    literals(cf)
    arbitrary_bytes(cf)
    super_columns(pycassa.ColumnFamily(client, family + 'Super', super=True), cf)
    mapper(cf)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2])
