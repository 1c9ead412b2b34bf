"""What a type checker says of a program that uses the installed package."""
import os
import subprocess
import sys

import pytest

pytest.importorskip('mypy', reason='mypy comes with ./dev lint')

PROGRAM = """
from typing import Dict, Iterator, Tuple

import pycassa
from pycassa.batch import Mutator
from pycassa.cassandra.ttypes import ColumnParent, SlicePredicate, SliceRange
from pycassa.columnfamilymap import ColumnFamilyMap
from pycassa.embedded import EmbeddedServer
from pycassa.index import GT, create_index_clause, create_index_expression
from pycassa.pool import PoolListener
from pycassa.system_manager import SIMPLE_STRATEGY, SystemManager
from pycassa.types import CompositeType, LongType, UTF8Type


class Listener(PoolListener):
    def connection_failed(self, dic: Dict[str, object]) -> None:
        print(dic['server'])


class User:
    key = UTF8Type()
    age = LongType(default=0)


class Family(pycassa.ColumnFamily):
    def latest(self, key: str) -> str:
        return str(next(iter(self.get(key, column_reversed=True, column_count=1).values())))


def scan(cf: pycassa.ColumnFamily) -> Iterator[Tuple[str, int]]:
    for key, columns in cf.get_range(column_count=10):
        yield key, len(columns)


def main() -> None:
    with EmbeddedServer(schema='demo') as server:
        manager = SystemManager(server.address)
        manager.create_keyspace('K', SIMPLE_STRATEGY, {'replication_factor': '1'})
        manager.create_column_family('K', 'F', comparator_type=CompositeType(LongType(), UTF8Type()))
        pool = pycassa.ConnectionPool('Keyspace1', [server.address], timeout=2.5, listeners=[Listener()])
        cf = pycassa.ColumnFamily(pool, 'Standard1', read_consistency_level=pycassa.ConsistencyLevel.QUORUM)
        stamp: int = cf.insert('a', {'b': 'c'}, ttl=5)
        count: int = cf.get_count('a')
        if not cf.cas('a', {'b': 'c'}, {'b': 'd'}).applied or cf.get_multi_slice('a', [('', 'b')]):
            count += cf.get_count('a', buffer_size=100)
        for name, value in cf.xget('a', columns=['b']):
            print(name, value)
        with cf.batch(queue_size=5) as batch:
            batch.insert('x', {'a': 'b'}).remove('y')
        with Mutator(pool) as mutator:
            mutator.insert(cf, 'k', {'a': 'b'}).remove(cf, 'l')
        clause = create_index_clause([create_index_expression('a', 1, GT)], count=5)
        print(stamp, count, clause, list(scan(cf)), Family(pool, 'Standard1').latest('a'))
        users = ColumnFamilyMap(User, pool, 'Standard1')
        print(users.get('a').age)
        cf.default_validation_class = LongType()
        cf.column_validators['a'] = 'UTF8Type'
        client = pycassa.connect('Keyspace1', [server.address])
        with client.batch() as several:
            several.insert(cf, 'm', {'a': 1})
        print(client.get_slice('a', ColumnParent('Standard1'), SlicePredicate(slice_range=SliceRange()), 1))


main()
"""


def test_a_program_checks_and_a_mistake_is_found(environment, built, tmp_path):
    environment.install(built['wheel'])

    def check(text):
        program = tmp_path / 'program.py'
        program.write_text(text)
        return subprocess.run(
            [sys.executable, '-m', 'mypy', '--python-executable', environment.python, '--strict',
             '--allow-untyped-calls', '--cache-dir', os.devnull, program], capture_output=True, text=True, cwd=tmp_path)

    done = check(PROGRAM)
    assert done.returncode == 0, done.stdout + done.stderr
    found = check(PROGRAM.replace('cf.get_count(', 'cf.count(').replace('timeout=2.5', "timeout='soon'")).stdout
    assert '"ColumnFamily" has no attribute "count"' in found and '"timeout"' in found
