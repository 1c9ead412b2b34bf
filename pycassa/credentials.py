"""Credentials that do not show: not when they are printed, nor in what a server says of them."""
from typing import Any, Iterator, List, Mapping, MutableMapping, Optional, Set, cast

__all__ = ['Credentials', 'conceal', 'concealed']

_INSTEAD = 'not shown, because it repeats the credentials'
# What may be seen, and helps who looks for a mistake.
_OPEN = frozenset(['username', 'user', 'principal', 'service', 'mechanism', 'host'])
# Shorter ones would be found by chance.
_SHORTEST = 4


class Credentials(MutableMapping[str, Any]):
    """Credentials whose values are not printed, but for names such as that of the user.

    It looks into the mapping that it is made of at every use, and changes that one: passwords change, and either is
    a way to tell of it.
    """

    __slots__ = ('_given',)

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def __setitem__(self, name: str, value: Any) -> None:
        cast('MutableMapping[str, Any]', self._given)[name] = value

    def __delitem__(self, name: str) -> None:
        del cast('MutableMapping[str, Any]', self._given)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        shown = ', '.join(f'{name!r}: {value!r}' if name in _OPEN else f'{name!r}: ***' for name, value in self.items())
        return f'{{{shown}}}'


def concealed(credentials: Optional[Mapping[str, Any]]) -> Optional[Credentials]:
    """`credentials` as what does not print them; None as it is, and the same object where it is of the kind."""
    if credentials is None or isinstance(credentials, Credentials):
        return credentials
    return Credentials(credentials)


def conceal(error: BaseException, credentials: Mapping[str, Any]) -> None:
    """Put other words in the place of those texts of `error`, and of what it came from, that repeat a secret."""
    secrets = [form for name, value in credentials.items() if name not in _OPEN and len(str(value)) >= _SHORTEST
               for form in (str(value), repr(str(value))[1:-1], repr(str(value).encode('utf-8', 'replace'))[2:-1])]

    def clean(value: Any) -> Any:
        return _INSTEAD if isinstance(value, (str, bytes)) and any(form in str(value) for form in secrets) else value

    for each in _chain(error, set()):
        if any(clean(value) is not value for value in each.args):
            each.args = tuple(map(clean, each.args))
        if isinstance(each, UnicodeEncodeError) and clean(each.object) is not each.object:
            each.object = ''
        for name in ('why', 'message'):
            value = getattr(each, name, None)
            if value is not None and clean(value) is not value:
                setattr(each, name, _INSTEAD)


def _chain(error: Optional[BaseException], seen: Set[int]) -> Iterator[BaseException]:
    following: List[Optional[BaseException]] = [error]
    while following:
        each = following.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            following += [each.__cause__, each.__context__]
