"""The wording of the server's refusals, which changed from "columnfamily" to "table" in 2.2."""
from typing import NoReturn

from pycassa.cassandra.ttypes import InvalidRequestException
from pycassa.embedded.profiles import Profile

__all__ = ['Wording', 'refuse']


def refuse(why: str) -> NoReturn:
    """Raises InvalidRequestException(why)."""
    raise InvalidRequestException(why=why)


class Wording:
    """What a profile calls a column family, in the spellings that its messages use."""

    __slots__ = ('joined', 'spaced', 'capital', 'capital_text')

    def __init__(self, profile: Profile) -> None:
        table = profile.table_wording
        self.joined = 'table' if table else 'columnfamily'
        self.spaced = 'table' if table else 'column family'
        self.capital = 'table' if table else 'ColumnFamily'
        self.capital_text = 'Table' if table else 'ColumnFamily'
