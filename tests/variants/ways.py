"""The ways in that tests of logins and of TLS share: what a ColumnFamily may be made of, while a block runs."""
import contextlib

import pycassa


@contextlib.contextmanager
def by_connection(server, keyspace, **options):
    with server.connect(keyspace, **options) as connection:
        yield connection


@contextlib.contextmanager
def by_pool(server, keyspace, **options):
    with server.pool(keyspace, pool_size=2, max_retries=0, **options) as pool:
        yield pool


@contextlib.contextmanager
def by_client(server, keyspace, **options):
    with contextlib.closing(server.client(keyspace, **options)) as client:
        yield client


@contextlib.contextmanager
def by_thread_local(server, keyspace, **options):
    with by_client(server, keyspace, make=pycassa.connect_thread_local, **options) as client:
        yield client
