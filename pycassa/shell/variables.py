"""Variables for column families: an upper-case name for each, whatever the family is called."""
import re
import unicodedata
from typing import Any, Dict, Iterable, Mapping

__all__ = ['Variables', 'variable_name']


def variable_name(family: str) -> str:
    """The name of a family as an upper-case identifier: 'users' is USERS, 'my-users' MY_USERS, '2013' CF_2013."""
    # The compiler looks identifiers up in this normal form.
    name = unicodedata.normalize('NFKC', re.sub(r'\W', '_', unicodedata.normalize('NFKC', family.upper())))
    return name if name.isidentifier() else f'CF_{name}'


class Variables:
    """Which variable stands for which family. A family keeps its variable for as long as it is there."""

    def __init__(self) -> None:
        self._names: Dict[str, str] = {}

    def __getitem__(self, family: str) -> str:
        return self._names[family]

    def __contains__(self, family: str) -> bool:
        return family in self._names

    def assign(self, families: Iterable[str], namespace: Mapping[str, Any]) -> None:
        """Find variables for those of `families` that have none, avoiding what `namespace` holds already.

        Families that are called as a variable can be come first; others that would have the same get a number.
        """
        for family in sorted(families, key=lambda name: (variable_name(name) != name.upper(), name)):
            if family not in self._names:
                self._names[family] = self._free(variable_name(family), namespace)

    def _free(self, wanted: str, namespace: Mapping[str, Any]) -> str:
        taken = set(self._names.values())
        name, number = wanted, 1
        while name in taken or name in namespace:
            number += 1
            name = f'{wanted}_{number}'
        return name

    def forget(self, family: str) -> str:
        """Give the variable of `family` free; returns its name."""
        return self._names.pop(family)
