"""What happens to counters on their way: faults of the embedded server, or of a proxy before any server."""
import threading
import time

METHODS = ('add', 'batch_mutate', 'atomic_batch_mutate')
# Seconds that clients wait for an answer, and that what is late is late.
TIMEOUT, LATE = 0.4, 0.6


class ServerHarm:
    """The fault switches of an embedded server, and its restarts. Each strike concerns one call, or all connections."""

    def __init__(self, server):
        self.server = server
        self._restarting = threading.Lock()

    def strike(self, chance):
        """Harm one of the next calls, before or after it is applied."""
        faults, switch = self.server.faults, {'methods': METHODS}
        after = chance.choice([0, 2, 4, 9, 20])
        chance.choices([
            lambda: faults.unavailable(**switch),
            lambda: faults.timed_out(applied=chance.random() < 0.5, **switch),
            lambda: faults.cut(after, applied=chance.random() < 0.5, **switch),
            lambda: faults.reset(after, applied=chance.random() < 0.5, **switch),
            lambda: faults.wrong_seqid(**switch),
            lambda: faults.stall(LATE, **switch),
            lambda: faults.delay(chance.choice([0.01, LATE]), **switch),
            lambda: faults.disconnect(reset=chance.random() < 0.5),
        ], [6, 6, 6, 6, 3, 1, 1, 2])[0]()

    def restart(self):
        """Stop the server, connections and all, and start it again a moment later; its data stays."""
        with self._restarting:
            self.server.stop()
            time.sleep(0.05)
            self.server.start()


class ProxyHarm:
    """A fault proxy before a server: what it does to one connection, or to new ones."""

    def __init__(self, proxy):
        self.proxy = proxy
        self._restarting = threading.Lock()

    def strike(self, chance):
        """Harm one connection from now on: its requests do not arrive, or its replies."""
        open_now = self.proxy.open
        if not open_now:
            return
        number, after = chance.choice(open_now), chance.choice([0, 2, 9, 40])
        direction = chance.choice([self.proxy.requests, self.proxy.replies])
        chance.choices([
            lambda: direction.set(number, cut_after=after),
            lambda: direction.set(number, reset_after=after),
            lambda: direction.set(number, lose_after=after),
            lambda: direction.set(number, stall_after=after, stall_seconds=LATE),
            lambda: direction.set(number, slicing=3),
            lambda: direction.set(number, latency=0.02),
            lambda: self.proxy.cut(number, reset=chance.random() < 0.5),
        ], [6, 6, 1, 1, 1, 1, 3])[0]()

    def restart(self):
        """Close all connections, and refuse new ones for a moment."""
        with self._restarting:
            self.proxy.refuse()
            self.proxy.cut(reset=True)
            time.sleep(0.05)
            self.proxy.accept()
