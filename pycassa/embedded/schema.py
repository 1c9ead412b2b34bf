"""Keyspaces and column families as the engine holds them: parsed types, plans for reading and writing, and rows."""
import copy
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from pycassa.cassandra.ttypes import CfDef, ColumnDef, KsDef
from pycassa.embedded.comparators import Type
from pycassa.embedded.indexes import KeysIndex
from pycassa.embedded.partitioners import Partitioner
from pycassa.embedded.store import Cells, Counters, Rows, SuperColumn, SuperCounter, SuperRow

__all__ = ['Column', 'Definition', 'Family', 'Keyspace']

# Names whose validation and sort key a family remembers, so that steady columns cost one lookup each.
_KNOWN_NAMES = 4096


class Column(NamedTuple):
    """A column of column_metadata."""

    name: bytes
    type: Type
    index_type: Optional[int]
    index_name: Optional[str]
    index_options: Optional[Dict[str, str]]

    def describe(self) -> ColumnDef:
        """As the Thrift interface shows it."""
        return ColumnDef(name=self.name, validation_class=self.type.full_name, index_type=self.index_type,
                         index_name=self.index_name, index_options=copy.copy(self.index_options))


class Definition(NamedTuple):
    """A checked family definition. `reply` is its CfDef less column_metadata; `artificial` columns are only shown."""

    keyspace: str
    name: str
    is_super: bool
    is_counter: bool
    comparator: Type
    subcomparator: Optional[Type]
    key_type: Type
    default_validator: Type
    columns: Dict[bytes, Column]
    validators: Dict[bytes, Type]       # of single columns
    artificial: Tuple[Column, ...]
    default_ttl: int
    reply: CfDef

    def describe(self) -> CfDef:
        """A CfDef of the caller's own."""
        reply: CfDef = copy.deepcopy(self.reply)
        reply.column_metadata = [column.describe() for column in (*self.artificial, *self.columns.values())]
        return reply


class Family:
    """A column family: its definition, what follows from it, and its rows."""

    def __init__(self, definition: Definition, partitioner: Partitioner) -> None:
        self.store = Rows(partitioner)
        self.indexes: Dict[Any, KeysIndex] = {}
        self._define(definition)

    def _define(self, definition: Definition) -> None:
        self.definition = definition
        self.name = definition.name
        self.is_super = definition.is_super
        self.is_counter = definition.is_counter
        self.comparator = definition.comparator
        # Column (in a super family: subcolumn) names and their values.
        self.column_type: Type = definition.subcomparator or definition.comparator
        self.key_check = definition.key_type.check
        self.default_ttl = definition.default_ttl or None
        self.kind = (2 if self.is_super else 1) + (2 if self.is_counter else 0)
        self.known: Dict[bytes, Tuple[Any, Optional[Callable[[bytes], Any]]]] = {}

    def redefine(self, definition: Definition) -> None:
        """Takes a new definition; rows stay and are sorted anew where a comparator changed."""
        old = self.definition
        self._define(definition)
        if (old.comparator is not definition.comparator or old.subcomparator is not definition.subcomparator):
            self._sort_again()
        self.build_indexes()

    def _sort_again(self) -> None:
        outer, inner = self.comparator.sort_key, self.column_type.sort_key
        for row in self.store.rows.values():
            if self.is_super:
                row.entries = {outer(column.name): column for column in row.entries.values()}
                row.order = []
                for column in row.entries.values():
                    column.entries = {inner(cell[0]): cell for cell in column.entries.values()}
                    column.order = []
            else:
                row.entries = {outer(cell[0]): cell for cell in row.entries.values()}
                row.order = []

    def validator(self, name: bytes) -> Type:
        """The type of the values of a column (subcolumn) name."""
        return self.definition.validators.get(name, self.definition.default_validator)

    def learn(self, name: bytes) -> Tuple[Any, Optional[Callable[[bytes], Any]]]:
        """(sort key, check of values) of a column name that was found valid."""
        found = (self.column_type.sort_key(name), self.validator(name).check)
        if len(self.known) < _KNOWN_NAMES:
            self.known[name] = found
        return found

    def new_row(self) -> Any:
        """An empty row of the family's kind."""
        if self.is_super:
            return SuperRow(SuperCounter if self.is_counter else SuperColumn)
        return Counters() if self.is_counter else Cells()

    def row(self, key: bytes) -> Any:
        """The row of a key, made where there was none."""
        row = self.store.rows.get(key)
        if row is None:
            row = self.new_row()
            self.store.add(key, row)
        return row

    def truncate(self) -> None:
        """Forgets every row."""
        self.store.clear()
        for index in self.indexes.values():
            index.clear()

    def build_indexes(self) -> None:
        """Makes the indexes that the definition asks for and fills them from the rows."""
        indexed = [column for column in self.definition.columns.values() if column.index_type is not None]
        self.indexes = {self.column_type.sort_key(column.name):
                        KeysIndex(column.name, column.index_name or '', column.type) for column in indexed}
        if self.indexes:
            for key, row in self.store.rows.items():
                self.index_row(key, row)

    def has_index(self, expressions: Any) -> bool:
        """Whether one of some index expressions [(column, operator, value)] is EQ on an indexed column."""
        return any(operator == 0 and self.column_type.sort_key(name) in self.indexes
                   for name, operator, _ in expressions)

    def index_row(self, key: bytes, row: Any) -> None:
        """Enters a row's present values of indexed columns."""
        for sort_key, index in self.indexes.items():
            cell = row.entries.get(sort_key)
            if cell is not None and cell[1] is not None:
                index.add(cell[1], key)


class Keyspace:
    """A keyspace: replication and families."""

    def __init__(self, name: str, strategy_class: str, strategy_options: Dict[str, str], durable_writes: bool,
                 replicas: int, internal: bool = False) -> None:
        self.name = name
        self.strategy_class = strategy_class
        self.strategy_options = strategy_options
        self.durable_writes = durable_writes
        self.replicas = replicas        # what the strategy asks for
        self.internal = internal        # one of the server's own, which schema calls may not change
        self.families: Dict[str, Family] = {}

    @property
    def strategy(self) -> str:
        """The strategy's simple class name."""
        return self.strategy_class.rpartition('.')[2]

    def describe(self) -> KsDef:
        """A KsDef of the caller's own, families included."""
        families: List[CfDef] = [family.definition.describe() for family in self.families.values()]
        return KsDef(name=self.name, strategy_class=self.strategy_class,
                     strategy_options=dict(self.strategy_options), cf_defs=families,
                     durable_writes=self.durable_writes)
