"""Operations whose answers say whose they are: rows that carry their own key, and rows that one caller alone writes."""
import random
from typing import Any, Callable, Dict, List, Optional, Set

from apart import KEYSPACE

from pycassa.cassandra.ttypes import CfDef, ColumnParent, ColumnPath, KsDef, NotFoundException, SlicePredicate
from pycassa.columnfamily import ColumnFamily
from pycassa.connection import Connection
from pycassa.errors import PycassaError

__all__ = ['PATIENCE', 'ROWS', 'Caller', 'prepare']

ROWS = 50
# Columns of a caller's own row.
OWN = 8
# Longer than anything here takes, on a machine as busy as may be.
PATIENCE = 60

_PARENT = ColumnParent('Rows')
_PATH = ColumnPath('Rows', column=b'id')
_NAMES = SlicePredicate(column_names=[b'id'])


def prepare(address: str) -> None:
    """Create the family `Rows` with rows k0, k1, ... whose `id` is their key."""
    family = CfDef(keyspace=KEYSPACE, name='Rows', comparator_type='UTF8Type', key_validation_class='UTF8Type',
                   default_validation_class='UTF8Type')
    with Connection(None, address, timeout=PATIENCE) as connection:
        connection.system_add_keyspace(KsDef(name=KEYSPACE, strategy_class='SimpleStrategy',
                                             strategy_options={'replication_factor': '1'}, cf_defs=[family]))
        connection.set_keyspace(KEYSPACE)
        ColumnFamily(connection, 'Rows').batch_insert(
            {f'k{number}': {'id': f'k{number}', 'more': 'x' * number} for number in range(ROWS)})


class Caller:
    """Makes operations by chance, and collects in `wrong` what was answered to it and was somebody else's.

    `errors` counts what was raised, by class. Of its own row it knows every column's last acknowledged value, and
    the later ones whose fate is unknown.
    """

    def __init__(self, pool: Any, name: str, chance: random.Random) -> None:
        self.pool = pool
        self.rows = ColumnFamily(pool, 'Rows')
        self.name = name
        self.chance = chance
        self.calls = self.answered = 0
        self.errors: Dict[str, int] = {}
        self.wrong: List[Any] = []
        self._written: Dict[str, Set[str]] = {}
        self._under_way: Optional[Dict[str, str]] = None
        self._kinds: List[Callable[[], None]] = []
        self._weights: List[int] = []
        for weight, kind in ((50, self.read), (12, self.write), (10, self.read_own), (8, self.read_several),
                             (4, self.write_batch), (4, self.read_absent), (4, self.count), (4, self.hold),
                             (2, self.read_raw), (2, self.read_wide)):
            self._kinds.append(kind)
            self._weights.append(weight)

    def step(self) -> None:
        """One operation, whose answer is checked; errors of the package are counted, others are raised."""
        kind, = self.chance.choices(self._kinds, self._weights)
        self.calls += 1
        try:
            kind()
        except PycassaError as error:
            self.failed(error)
        else:
            self.answered += 1
            self.acknowledged()

    def failed(self, error: BaseException) -> None:
        """The operation under way has an unknown outcome."""
        kind = type(error).__name__
        self.errors[kind] = self.errors.get(kind, 0) + 1
        for column, value in (self._under_way or {}).items():
            self._written.setdefault(column, {''}).add(value)
        self._under_way = None

    def acknowledged(self) -> None:
        for column, value in (self._under_way or {}).items():
            self._written[column] = {value}
        self._under_way = None

    def check(self, found: Any, expected: Any) -> None:
        if found != expected:
            self.wrong.append((self.name, found, expected))

    def _key(self) -> str:
        return f'k{self.chance.randrange(ROWS)}'

    def _columns(self) -> Dict[str, str]:
        return {f'c{self.chance.randrange(OWN)}': f'{self.name}.{self.calls}'}

    # --- operations ------------------------------------------------------------------------------------------

    def read(self) -> None:
        key = self._key()
        self.check(self.rows.get(key, columns=['id']), {'id': key})

    def read_wide(self) -> None:
        key = self._key()
        self.check(list(self.rows.xget(key, buffer_size=2)), [('id', key), ('more', 'x' * int(key[1:]))])

    def read_several(self) -> None:
        keys = [f'k{number}' for number in self.chance.sample(range(ROWS), 3)]
        found = self.rows.multiget(keys, columns=['id'])
        self.check([(key, row['id']) for key, row in found.items()], list(zip(keys, keys)))

    def read_absent(self) -> None:
        key = f'{self.name} has no {self.calls}'
        try:
            self.wrong.append((self.name, self.rows.get(key), None))
        except NotFoundException as error:
            self.check(key in str(error), True)

    def count(self) -> None:
        self.check(self.pool.execute('get_count', self._key().encode(), _PARENT, _NAMES, 1), 1)

    def read_raw(self) -> None:
        key = self._key()
        self.check(self.pool.execute('get', key.encode(), _PATH, 1).column.value, key.encode())

    def hold(self) -> None:
        """Several calls over one connection, checked out by hand."""
        connection = self.pool.get()
        try:
            for key in (self._key(), self._key()):
                self.check(connection.get(key.encode(), _PATH, 1).column.value, key.encode())
        finally:
            connection.return_to_pool()

    def write(self) -> None:
        self._under_way = self._columns()
        self.rows.insert(self.name, self._under_way)

    def write_batch(self) -> None:
        self._under_way = {**self._columns(), **self._columns()}
        with self.rows.batch(queue_size=None) as batch:
            for column, value in self._under_way.items():
                batch.insert(self.name, {column: value})

    def read_own(self) -> None:
        written = {column: values for column, values in self._written.items() if '' not in values}
        if written:
            column = self.chance.choice(sorted(written))
            found = self.rows.get(self.name, columns=[column])
            self.check(found.get(column) in written[column] and list(found) == [column], True)

    def read_back(self) -> None:
        """All of its own row: what was acknowledged is there, or what was written later."""
        if self._written:
            row = {}
            try:
                row = self.rows.get(self.name)
            except NotFoundException:
                pass
            for column, values in self._written.items():
                self.check(row.get(column, '') in values, True)
