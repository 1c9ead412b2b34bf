"""The CQL driver writing to a real server, in a process of its own that does not see this project.

Run by file name with -I: HOST PORT KEYSPACE. A batch per row of 10 columns, --flight of them in flight; reads a number
of seconds per line, works that long, and answers with rows, seconds and seconds of processor time.
"""
import itertools
import sys
import threading
import time

from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, BatchType

FLIGHT, COLUMNS, ROWS = 128, 10, 100_000
TABLE = 'cql_rows'


class Load:
    """Keeps FLIGHT batches under way: each that is answered makes room for another one."""

    def __init__(self, session):
        self.session = session
        session.execute(f'CREATE TABLE IF NOT EXISTS {TABLE} (key text, name text, value text, '
                        'PRIMARY KEY (key, name)) WITH COMPACT STORAGE')
        self.prepared = session.prepare(f'INSERT INTO {TABLE} (key, name, value) VALUES (?, ?, ?)')
        self.columns = [(f'col{number:07d}', f'value-{number:014d}') for number in range(COLUMNS)]
        self.numbers = itertools.count()
        self.room = threading.Semaphore(FLIGHT)
        self.errors = []

    def answered(self, _):
        self.room.release()

    def failed(self, error):
        self.errors.append(error)
        self.room.release()

    def write_row(self):
        key = f'row{next(self.numbers) % ROWS:07d}'
        batch = BatchStatement(BatchType.UNLOGGED)
        for name, value in self.columns:
            batch.add(self.prepared, (key, name, value))
        self.session.execute_async(batch).add_callbacks(self.answered, self.failed)

    def measure(self, seconds):
        rows, cpu, start = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - start < seconds:
            self.room.acquire()
            self.write_row()
            rows += 1
        for _ in range(FLIGHT):
            self.room.acquire()
        elapsed, used = time.perf_counter() - start, time.process_time() - cpu
        self.room.release(FLIGHT)
        if self.errors:
            raise self.errors[0]
        return rows, elapsed, used


def main():
    host, port, keyspace = sys.argv[1:]
    with Cluster([host], port=int(port), protocol_version=3) as cluster:
        load = Load(cluster.connect(keyspace))
        print('ready', flush=True)
        for line in sys.stdin:
            print(*load.measure(float(line)), flush=True)


if __name__ == '__main__':
    main()
