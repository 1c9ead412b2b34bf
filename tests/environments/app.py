"""An application as jobs are written for celery: its pool and its ColumnFamily are made when it is imported."""
import os

import pycassa

pool = pycassa.ConnectionPool(os.environ['APP_KEYSPACE'], [os.environ['APP_ADDRESS']], timeout=30, pool_size=2,
                              max_overflow=4)
rows = pycassa.ColumnFamily(pool, 'Rows')
legacy = pycassa.ColumnFamily(
    pycassa.connect_thread_local(os.environ['APP_KEYSPACE'], [os.environ['APP_ADDRESS']], timeout=30), 'Rows')
queued = rows.batch(queue_size=1000)


def task(number):
    """Write and read rows that say whose they are; [the task's number, the process, what was wrong]."""
    mark = f'pid={os.getpid()}.'
    key, wrong = f'{mark} wait=20ms task {number}', []
    for family in (rows, legacy):
        for step in range(3):
            family.insert(key, {str(step): f'{mark} {step}'})
            found = family.get(key, columns=[str(step)])
            if found != {str(step): f'{mark} {step}'}:
                wrong.append([key, found])
    queued.insert(key, {'queued': mark})
    queued.send()
    if rows.get(key, columns=['queued']) != {'queued': mark}:
        wrong.append([key, 'queued'])
    return [number, os.getpid(), wrong]
