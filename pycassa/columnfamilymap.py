"""Rows as instances of a class of one's own: the class mapper.

    >>> class User:
    ...     key = LexicalUUIDType()
    ...     name = UTF8Type()
    ...     age = IntegerType(default=0)
    >>> users = ColumnFamilyMap(User, pool, 'Users')          # release 1.11
    >>> users = ColumnFamilyMap(User, column_family)          # releases 0.3 to 1.1

The attributes of the class that are types (`pycassa.types.CassandraType`) or mapper columns (`pycassa.String`,
`pycassa.IntString`, ... and classes of one's own that descend from `pycassa.Column`) are the mapped columns, inherited
ones too. A type decides alone how its column is stored, whatever the schema says. A mapper column converts the value
to str or bytes, which are stored as ColumnFamily stores them; its `unpack` receives what ColumnFamily.get returns.
"""
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, TypeVar

from pycassa import codec
from pycassa.cassandra.ttypes import IndexClause, IndexExpression
from pycassa.columnfamily import ColumnFamily
from pycassa.errors import ConfigurationError, PackingError, UnpackingError
from pycassa.familyargs import SETTINGS
from pycassa.types import CassandraType, Column, DateTime, Float64, Int64, Long

__all__ = ['ColumnFamilyMap', 'create_instance']

T = TypeVar('T')

# Column names of the mapper are attribute names: text, whatever the comparator.
_NAMES = codec.bytes_scalar('utf-8')
_BYTES = codec.scalar('BytesType')

# Their packed form is binary: it must not be taken for text or for a number of the schema's on the way.
_BINARY_COLUMNS = (DateTime, Float64, Int64, Long)
_TEXT_AND_BYTES = frozenset(['AsciiType', 'BytesType', 'UTF8Type'])


def create_instance(cls: Callable[..., T], **kwargs: Any) -> T:
    """An instance of `cls`, made without arguments, with `kwargs` set as its attributes."""
    instance = cls()
    for name, value in kwargs.items():
        setattr(instance, name, value)
    return instance


class ColumnFamilyMap(ColumnFamily):
    """A column family whose rows are instances of `cls`.

    `ColumnFamilyMap(cls, pool, column_family, raw_columns=False, **options)` is the form of 1.11: `options` are
    ColumnFamily's. `ColumnFamilyMap(cls, column_family, raw_columns=False)`, with a ColumnFamily, is the form of the
    older releases: its pool or client, types and settings are taken as they are at that moment, and it is not changed.

    Row keys are the attribute `key` of the instances; where `cls.key` is a type, keys are packed by it. Attributes
    without a column hold their default. With `raw_columns` whole rows are read, and the attribute `raw_columns` of an
    instance is {name: value} of all its columns as ColumnFamily.get gives them. `columns`, as in releases up to 1.3,
    limits the mapped attributes to the names given, or replaces them: {name: mapper column or type}.

    In a super column family each super column is an instance, its name in the attribute `super_column`, and a row is
    {super column name: instance}; with `super_column=` in a call, it is that super column's instance.

    The methods that are not described here are ColumnFamily's.
    """

    cls: Callable[..., Any]
    """The class whose instances rows are."""

    fields: List[str]
    """The names of the mapped attributes, in the order of their definition."""

    defaults: Dict[str, Any]
    """{name: default} of the mapped attributes."""

    raw_columns: bool
    """Whether whole rows are read, and kept in the attribute `raw_columns` of instances."""

    # The mapped attributes, and those of them that are mapper columns.
    _mapped: Dict[str, Any]
    _columns: Dict[str, Column]
    _ready = False

    def __init__(self, cls: Callable[..., Any], pool: Any = None, column_family: Any = None, raw_columns: Any = False,
                 columns: Any = None, **kwargs: Any) -> None:
        family = next((given for given in (pool, column_family) if isinstance(given, ColumnFamily)), None)
        if family is not None:
            if kwargs:
                raise TypeError(f'ColumnFamilyMap over a ColumnFamily takes no {", ".join(sorted(kwargs))}: its '
                                'settings are those of the ColumnFamily')
            raw, columns = _raw_and_columns(None if column_family is family else column_family, raw_columns, columns)
        else:
            raw, columns = _raw_and_columns(raw_columns, columns)
        self.cls = cls
        self.raw_columns = raw
        self._mapped = _select(_mapped_attributes(cls), columns)
        self._columns = {name: kind for name, kind in self._mapped.items() if isinstance(kind, Column)}
        self.fields = list(self._mapped)
        self.defaults = {name: kind.default for name, kind in self._mapped.items()}
        if family is not None:
            self._take_over(family)
        else:
            ColumnFamily.__init__(self, pool, column_family, **kwargs)
        self._names_are_raw, self._values_are_raw = not self.autopack_names, not self.autopack_values
        self.autopack_names = self.autopack_values = True
        self._ready = True
        self._map_types()

    def _take_over(self, family: ColumnFamily) -> None:
        """The state of `family`, with types of our own that can be assigned without changing its."""
        own = dict(vars(self))
        self.__dict__.update(vars(family))
        self.__dict__.update(own)
        for name in SETTINGS:  # A subclass may have them as class attributes.
            setattr(self, name, getattr(family, name))
        self._types = dict(family._types)
        self.column_validators = family.column_validators

    def load_schema(self) -> None:
        """Read the definition of the column family again; the types of the mapped attributes stay in force."""
        ColumnFamily.load_schema(self)
        if self._ready:
            self._map_types()

    # --- types -----------------------------------------------------------------------------------------------

    def _map_types(self) -> None:
        if self._names_are_raw and self.super:
            self.super_column_name_class = 'BytesType'
        if self._values_are_raw:
            self.default_validation_class = 'BytesType'
            self.column_validators = {}
        self.column_name_class = _NAMES
        layout = self._family_layout
        for name, kind in self._mapped.items():
            stored = layout.validators.get(_NAMES.pack(name), layout.value)
            if not isinstance(kind, Column):
                self.column_validators[name] = kind
            elif isinstance(kind, _BINARY_COLUMNS):
                self.column_validators[name] = _BYTES
            elif stored.name not in _TEXT_AND_BYTES:
                self.column_validators[name] = _passing_bytes(stored)
        key = getattr(self.cls, 'key', None)
        if isinstance(key, CassandraType):
            self.key_validation_class = key

    def _convert(self, name: str, convert: Callable[[Any], Any], value: Any, error_class: type) -> Any:
        try:
            return convert(value)
        except codec.CONVERSION_ERRORS as error:
            raise error_class(
                f'column family {self.column_family!r}: {value!r:.80} ({type(value).__name__}) of column {name!r} '
                f'cannot be converted by {type(self._columns[name]).__name__}: {error}') from error

    def _pack_field(self, name: str, value: Any) -> Any:
        column = self._columns.get(name)
        return value if column is None else self._convert(name, column.pack, value, PackingError)

    def _unpack_fields(self, columns: Mapping[str, Any], with_marks: bool) -> Mapping[str, Any]:
        """`columns` with the values of mapper columns unpacked; `with_marks`: they are (value, timestamp, ...)."""
        if not self._columns:
            return columns
        unpacked = dict(columns)
        for name in self._columns.keys() & columns.keys():
            if with_marks:
                value, *marks = columns[name]
                unpacked[name] = (self._unpack_field(name, value), *marks)
            else:
                unpacked[name] = self._unpack_field(name, columns[name])
        return unpacked

    def _unpack_field(self, name: str, value: Any) -> Any:
        """None is what a number of the schema's types without any bytes reads as; mapper columns do not know it."""
        return None if value is None else self._convert(name, self._columns[name].unpack, value, UnpackingError)

    # --- instances -------------------------------------------------------------------------------------------

    def combine_columns(self, columns: Mapping[str, Any]) -> Dict[str, Any]:
        """The attributes of an instance with these columns: {name: value}, the default where a column is absent."""
        combined: Dict[str, Any] = {'raw_columns': columns} if self.raw_columns else {}
        for name, default in self.defaults.items():
            combined[name] = columns.get(name, default)
        return combined

    def _instance(self, key: Any, columns: Mapping[str, Any], with_marks: bool, **place: Any) -> Any:
        combined = self.combine_columns(self._unpack_fields(columns, with_marks))
        if self.raw_columns:
            combined['raw_columns'] = columns
        return create_instance(self.cls, key=key, **place, **combined)

    def _row(self, key: Any, columns: Mapping[Any, Any], super_column: Any, with_marks: bool) -> Any:
        """An instance, or {super column name: instance} for a whole row of a super column family."""
        if not self.super:
            return self._instance(key, columns, with_marks)
        if super_column is not None:
            return self._instance(key, columns, with_marks, super_column=super_column)
        return self.dict_class((name, self._instance(key, subcolumns, with_marks, super_column=name))
                               for name, subcolumns in columns.items())

    def _wanted(self, columns: Optional[Iterable[Any]]) -> Optional[Iterable[Any]]:
        """The columns to ask for: the mapped ones, unless others are named or whole rows are needed."""
        if columns is not None or self.super or self.raw_columns:
            return columns
        return self.fields or None

    def _state(self, instance: Any, columns: Optional[Iterable[str]]) -> Dict[Any, Any]:
        """The columns to store: attributes that are None, or still the class's column, are left out."""
        state = {}
        for name in self.fields if columns is None else columns:
            value = getattr(instance, name, None)
            if value is not None and not isinstance(value, (CassandraType, Column)):
                state[name] = self._pack_field(name, value)
        return {instance.super_column: state} if self.super else state

    def _key_of(self, instance: Any) -> Any:
        key = getattr(instance, 'key', None)
        if key is None or isinstance(key, (CassandraType, Column)):
            raise PackingError(f'column family {self.column_family!r}: this {type(instance).__name__} has no key; '
                               'set its attribute `key`')
        return key

    # --- reads -----------------------------------------------------------------------------------------------

    def get(self, key: Any, columns: Optional[Iterable[Any]] = None, column_start: Any = '', column_finish: Any = '',
            column_reversed: bool = False, column_count: int = 100, include_timestamp: bool = False,
            super_column: Any = None, read_consistency_level: Optional[int] = None, include_ttl: bool = False) -> Any:
        """The row `key` as an instance, or {super column name: instance}.

        The mapped columns are read unless `columns` names others (with `raw_columns`, and in super column families,
        the slice that the other arguments describe). With include_timestamp and include_ttl attributes hold
        (value, timestamp), (value, ttl) or (value, timestamp, ttl). Raises NotFoundException when the row has none
        of the columns.
        """
        found = ColumnFamily.get(self, key, self._wanted(columns), column_start, column_finish, column_reversed,
                                 column_count, include_timestamp, super_column, read_consistency_level, include_ttl)
        return self._row(key, found, super_column, include_timestamp or include_ttl)

    def multiget(self, keys: Iterable[Any], columns: Optional[Iterable[Any]] = None, column_start: Any = '',
                 column_finish: Any = '', column_reversed: bool = False, column_count: int = 100,
                 include_timestamp: bool = False, super_column: Any = None,
                 read_consistency_level: Optional[int] = None, buffer_size: Optional[int] = None,
                 include_ttl: bool = False) -> Any:
        """{key: what `get` gives} in the order of `keys`; rows without columns are left out."""
        found = ColumnFamily.multiget(self, keys, self._wanted(columns), column_start, column_finish, column_reversed,
                                      column_count, include_timestamp, super_column, read_consistency_level,
                                      buffer_size, include_ttl)
        with_marks = include_timestamp or include_ttl
        return self.dict_class((key, self._row(key, row, super_column, with_marks)) for key, row in found.items())

    def get_range(self, start: Any = '', finish: Any = '', columns: Optional[Iterable[Any]] = None,
                  column_start: Any = '', column_finish: Any = '', column_reversed: bool = False,
                  column_count: int = 100, row_count: Optional[int] = None, include_timestamp: bool = False,
                  super_column: Any = None, read_consistency_level: Optional[int] = None,
                  buffer_size: Optional[int] = None, filter_empty: Optional[bool] = None, include_ttl: bool = False,
                  start_token: Optional[str] = None, finish_token: Optional[str] = None) -> Iterator[Any]:
        """Yield what `get` gives for each row of a range, without the keys (instances have theirs).

        Rows that were removed come for a while: on a client or connection (the older releases) as instances with
        all defaults, on a pool (1.11) they are left out; `filter_empty` decides either way.
        """
        options = {} if filter_empty is None else {'filter_empty': filter_empty}
        rows = ColumnFamily.get_range(self, start, finish, self._wanted(columns), column_start, column_finish,
                                      column_reversed, column_count, row_count, include_timestamp, super_column,
                                      read_consistency_level, buffer_size, include_ttl=include_ttl,
                                      start_token=start_token, finish_token=finish_token, **options)
        with_marks = include_timestamp or include_ttl
        for key, found in rows:
            yield self._row(key, found, super_column, with_marks)

    def get_indexed_slices(self, index_clause: IndexClause, columns: Optional[Iterable[Any]] = None,  # type: ignore[override]
                           column_start: Any = '', column_finish: Any = '', column_reversed: bool = False,
                           column_count: int = 100, include_timestamp: bool = False,
                           read_consistency_level: Optional[int] = None, buffer_size: Optional[int] = None,
                           include_ttl: bool = False) -> Iterator[Any]:
        """Yield an instance for each row that matches `index_clause`; its values are given as attributes hold them."""
        rows = ColumnFamily.get_indexed_slices(
            self, self._stored_clause(index_clause), self._wanted(columns), column_start, column_finish,
            column_reversed, column_count, include_timestamp, read_consistency_level, buffer_size, include_ttl)
        for key, found in rows:
            yield self._row(key, found, None, include_timestamp or include_ttl)

    def _stored_clause(self, clause: IndexClause) -> IndexClause:
        """`clause` with the values of mapper columns packed, but for those given as text or bytes already."""
        if not self._columns:
            return clause
        expressions = []
        for each in clause.expressions:
            value = each.value
            if not isinstance(value, (str, bytes, bytearray, memoryview)):
                value = self._pack_field(each.column_name, value)
            expressions.append(IndexExpression(column_name=each.column_name, op=each.op, value=value))
        return IndexClause(expressions=expressions, start_key=clause.start_key, count=clause.count)

    # --- writes ----------------------------------------------------------------------------------------------

    def insert(self, instance: Any, columns: Optional[Iterable[str]] = None, timestamp: Optional[int] = None,  # type: ignore[override]
               ttl: Optional[float] = None, write_consistency_level: Optional[int] = None) -> int:
        """Store the mapped attributes of `instance`, or those named in `columns`; return the timestamp used.

        Attributes that are None are skipped: columns stored before stay as they are. Raises PackingError.
        """
        return ColumnFamily.insert(self, self._key_of(instance), self._state(instance, columns), timestamp, ttl,
                                   write_consistency_level)

    def batch_insert(self, instances: Iterable[Any], timestamp: Optional[int] = None, ttl: Optional[float] = None,  # type: ignore[override]
                     write_consistency_level: Optional[int] = None) -> Optional[int]:
        """Store the mapped attributes of all `instances`; return the timestamp used.

        Instances of one key are merged: later ones go over earlier ones.
        """
        rows: Dict[Any, Dict[Any, Any]] = {}
        for instance in instances:
            row = rows.setdefault(self._key_of(instance), {})
            for name, value in self._state(instance, None).items():
                if self.super:
                    row.setdefault(name, {}).update(value)
                else:
                    row[name] = value
        return ColumnFamily.batch_insert(self, rows, timestamp, ttl, write_consistency_level)

    def remove(self, instance: Any, columns: Optional[Iterable[Any]] = None,  # type: ignore[override]
               write_consistency_level: Optional[int] = None, timestamp: Optional[int] = None,
               column: Any = None) -> int:
        """Remove the row of `instance` (its super column in a super column family), or the `columns` named.

        `column`, one name, is the form of the older releases. Returns the timestamp used.
        """
        if column is not None:
            columns = [column]
        place = {'super_column': instance.super_column} if self.super else {}
        return ColumnFamily.remove(self, self._key_of(instance), columns,
                                   write_consistency_level=write_consistency_level, timestamp=timestamp, **place)


def _raw_and_columns(*given: Any) -> Tuple[bool, Any]:
    """`raw_columns` and `columns`, which stood in either order: the one is a truth value, the other is not."""
    raw, columns = False, None
    for value in given:
        if isinstance(value, (bool, int)):
            raw = raw or bool(value)
        elif value is not None:
            columns = value
    return raw, columns


def _mapped_attributes(cls: Any) -> Dict[str, Any]:
    """{name: type or mapper column} of the attributes of `cls`, base classes first, without its `key`."""
    attributes: Dict[str, Any] = {}
    for each in reversed(cls.__mro__):
        attributes.update(vars(each))
    return {name: kind for name, kind in attributes.items()
            if name != 'key' and isinstance(kind, (CassandraType, Column))}


def _select(mapped: Dict[str, Any], columns: Any) -> Dict[str, Any]:
    if columns is None:
        return mapped
    if isinstance(columns, Mapping):
        return dict(columns)
    unknown = [name for name in columns if name not in mapped]
    if unknown:
        raise ConfigurationError(f'columns={unknown} are not mapped attributes of the class; it has {list(mapped)}')
    return {name: mapped[name] for name in columns}


def _passing_bytes(stored: codec.Scalar) -> codec.Scalar:
    """`stored`, taking bytes as they are: what a mapper column packed is not packed again, as a number say."""
    inner = stored.pack

    def pack(value: Any) -> bytes:
        return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else inner(value)
    return codec.Scalar(stored.name, pack, stored.unpack)
