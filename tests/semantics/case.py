"""A case: one statement of the document of server semantics, tried on a server."""
from typing import Any, Callable, Dict, List, NamedTuple


class Case(NamedTuple):
    """`call` is given an `It` and comes to `expected` (see outcomes).

    `label` names section and row. `waits` is 'expiry' for a generator that yields once, where columns of TTL 1 are to
    expire, and 'slow' for a call that the server lets wait for many seconds.
    """

    label: str
    variant: str
    call: Callable[..., Any]
    expected: Any
    waits: str = ''

    @property
    def id(self) -> str:
        return f'{self.label}:{self.variant}' if self.variant else self.label


class Cases(List[Case]):
    """The cases of a section as a list that tables and scenarios are added to."""

    def row(self, label: str, expected: Any, calls: Dict[str, Callable[..., Any]], waits: str = '') -> None:
        """A row of a table: several calls that come to the same."""
        for variant, call in calls.items():
            self._put(Case(label, variant, call, expected, waits))

    def scenario(self, label: str, expected: Any, variant: str = '', waits: str = '') -> Callable[..., Any]:
        """Decorates a function that acts on the server and gives what it then sees."""
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            self._put(Case(label, variant, function, expected, waits))
            return function
        return decorate

    def _put(self, case: Case) -> None:
        assert case.id not in [each.id for each in self], f'{case.id} is there twice'
        self.append(case)
