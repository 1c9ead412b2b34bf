"""Calls that have to end by a certain time do: at most 50 ms later, beside what the machine is late at waking them."""
import contextlib

import pytest
from probing import run_probe
from proxy import FaultProxy

from pycassa.errors import AllServersUnavailable, CallTimeout
from pycassa.pool import ConnectionPool

FULL, LEAST, KINDS = 252, 4, 21


def test_no_call_goes_on_beyond_its_time(proof, twin):
    figures = run_probe(twin, 'deadlines', proof.count(FULL, LEAST), proof.seed)
    assert figures['calls'] == proof.count(FULL, LEAST) and figures['kinds'] == min(figures['calls'], KINDS)
    assert figures['beyond'] <= 50
    proof.saw('deadlines', implementation=twin, **{name: number for name, number in figures.items()
                                                   if name in ('calls', 'kinds', 'again')},
              **{name: f'{figures[name]} ms' for name in ('latest', 'beyond', 'control')})


def test_no_host_is_tried_when_the_time_is_over(embedded):
    """The first host has taken all of it: looking up the names of the others may take any time."""
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(FaultProxy(embedded.host, embedded.port)) for _ in range(4)]
        for proxy in proxies:
            proxy.ignore()
        servers = [proxy.address for proxy in proxies]
        pool = ConnectionPool('Keyspace1', servers, timeout=10, deadline=0.2, prefill=False)
        with pytest.raises(AllServersUnavailable) as caught:
            pool.get()
        assert [type(error) for _, error in caught.value.attempts] == [CallTimeout]
