"""Many sessions in many threads: rows are written whole, counters lose nothing, schema changes do not break reads."""
from concurrent import futures

from enginecases import EVERYTHING, ONE, cf_def, row, session


def run(made, *workers):
    """Runs each (function, arguments …) with a session of its own in a thread of its own; raises the first error."""
    with futures.ThreadPoolExecutor(len(workers)) as pool:
        calls = [pool.submit(work, other(made), *arguments) for work, *arguments in workers]
        for call in calls:
            call.result(60)


def other(made):
    found = made.engine.session()
    found.set_keyspace('K')
    return found


def test_rows_are_written_and_read_whole():
    made = session()
    written = [b'%02d' % number for number in range(20)]

    def write(own, value):
        for stamp in range(150):
            own.batch_mutate([(b'k', [('B', [(1, name, value, stamp, None) for name in written])])], ONE)

    def read(own):
        for _ in range(300):
            found = {column[1:3] for column in row(own, b'k')}
            assert len(found) <= 1

    run(made, (write, b'0'), (write, b'1'), (write, b'2'), (read,), (read,))


def test_counters_lose_nothing():
    made = session()

    def add(own):
        for _ in range(500):
            own.add(b'k', ('C', None), (b'c', 1), ONE)

    run(made, (add,), (add,), (add,), (add,))
    assert row(made, b'k', 'C') == [(b'c', 2000)]


def test_scans_while_rows_arrive():
    made = session()

    def write(own, prefix):
        for number in range(400):
            own.insert(b'%d-%d' % (prefix, number), ('B', None), (b'a', b'v', 1, None), ONE)

    def read(own):
        for _ in range(100):
            found = own.get_range_slices(('B', None), EVERYTHING, (b'', b'', None, None, 10000, None), ONE)
            assert len({key for key, _ in found}) == len(found)

    run(made, (write, 0), (write, 1), (read,), (read,))


def test_schema_changes_beside_data_calls():
    made = session()

    def change(own):
        for _ in range(60):
            own.system_add_column_family(cf_def('X'))
            own.system_drop_column_family('X')

    def use(own):
        for number in range(300):
            own.insert(b'%d' % number, ('B', None), (b'a', b'v', 1, None), ONE)
            assert {'B', 'C', 'S'} <= {each.name for each in own.describe_keyspace('K').cf_defs}

    run(made, (change,), (use,), (use,))
