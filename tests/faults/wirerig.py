"""Plays one damaged reply to one call, and sees to it that the call ends as it has to. For probes."""
import time
from typing import Any, Callable, Dict, Optional

from player import Player, Received
from wirecalls import OPENING, Case, opening_bodies

from pycassa.errors import PycassaError

__all__ = ['PROMPT', 'Rig']

# A call that does not wait for anything has no reason to take so long, on whatever machine.
PROMPT = 60.0

Damage = Callable[[Received], Any]


class Rig:
    """A player, and the clients of both ways in front of it. `timeout` bounds the damaged call, in seconds."""

    def __init__(self, timeout: float = 30.0) -> None:
        self.timeout = timeout
        self.player = Player(opening_bodies())
        self._clients: Dict[Any, Any] = {}
        self._damage: Optional[Damage] = None

    def __enter__(self) -> 'Rig':
        self.player.__enter__()
        self.player.answer = self._answer
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for client in self._clients.values():
            client.close()
        self.player.__exit__(*exc_info)
        if exc_info[0] is None:
            assert not self.player.unclosed, self.player.unclosed
            assert not self.player.reused, self.player.reused

    def _answer(self, call: Received) -> Any:
        damage = self._damage
        if damage is None or (call.method in OPENING and call.method != self._method):
            return None
        self._damage = None
        return damage(call)

    def attempt(self, case: Case, damage: Damage, label: str) -> Any:
        """The error that a call ends in to which `damage(call)` is the reply: ours, at once, and the connection closed.

        A connection is opened for it. One that could not be opened in time, by a busy machine, is opened again.
        """
        accepted = self.player.accepted
        error, took = self._played(case, damage, f'{case.name}, {label}')
        assert isinstance(error, PycassaError), f'{self.player.label}: {error!r}'
        assert took < PROMPT, f'{self.player.label}: {took} s'
        client = self._clients[case.way]
        assert not client.is_open(), f'{self.player.label}: the connection is open after {error!r}'
        assert self.player.accepted > accepted, f'{self.player.label}: an earlier connection was used'
        return error

    def _played(self, case: Case, damage: Damage, label: str) -> Any:
        for _ in range(50):
            if case.way not in self._clients:
                self._clients[case.way] = case.way(self.player.address, self.timeout)
            self.player.label, self._method, self._damage = label, case.method, damage
            started = time.monotonic()
            error = self._clients[case.way].attempt(case.call)
            if self._damage is None:
                return error, time.monotonic() - started
            assert isinstance(error, PycassaError), f'{label}: {error!r} before the call'
            # The request may be under way still, and must not be answered in the next one's place.
            self._damage = None
            self.player.settle()
        raise AssertionError(f'{label}: no connection')
