"""The definition of a column family: the types of its keys, names and values, and the Layout that converts them."""
import copy
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, MutableMapping, Optional

from pycassa import codec
from pycassa.endpoint import locate, operations_of
from pycassa.errors import ConfigurationError, PackingError, UnpackingError
from pycassa.marshal import extract_type_name, scalar_for

__all__ = ['ColumnValidatorDict', 'FamilyTypes', 'bytes_encoding_of', 'is_open', 'whole_seconds']

ENCODING_VARIABLE = 'PYCASSA_BYTES_ENCODING'

_CONVERSION_OPTIONS = frozenset(('autopack_keys', 'autopack_names', 'autopack_values', 'bytes_encoding'))
_PLACE_OPTIONS = frozenset(('pool', '_select_keyspace'))

# What packed names compare by, for the comparators of which it is known here.
_POSITIONS: Dict[str, Callable[[bytes], Any]] = {
    **dict.fromkeys(('AsciiType', 'BytesType', 'UTF8Type'), bytes),
    **dict.fromkeys(('DateType', 'Int32Type', 'IntegerType', 'LongType', 'TimestampType'),
                    lambda name: int.from_bytes(name, 'big', signed=True)),
}


def is_open(bound: Any) -> bool:
    """Whether an end of a slice or of a key range is open: None or an empty string, but not 0 or False."""
    return bound is None or (isinstance(bound, (str, bytes, bytearray, memoryview)) and len(bound) == 0)


def shown_type(column_type: Any) -> Any:
    """A type as an attribute of a family gives it: a simple name for a string, an instance for anything else."""
    if column_type is None or isinstance(column_type, str):
        return column_type and extract_type_name(column_type)
    return column_type() if isinstance(column_type, type) else column_type


def whole_seconds(ttl: Optional[float]) -> Optional[int]:
    """A time to live as servers take it: fractions of a second are cut."""
    try:
        return None if ttl is None else int(ttl)
    except (TypeError, ValueError, OverflowError) as error:
        raise PackingError(f'a ttl is a number of seconds, not {ttl!r:.80}') from error


def bytes_encoding_of(source: Any, own: Optional[str]) -> Optional[str]:
    """The bytes_encoding in force: the family's own, else the pool's or client's, else the environment's."""
    return own or getattr(source, 'bytes_encoding', None) or os.environ.get(ENCODING_VARIABLE) or None


class ColumnValidatorDict(MutableMapping[Any, Any]):
    """The validation classes of single columns: {column name: type}.

    Assign a type to a name, or a whole dict to `ColumnFamily.column_validators`. A type is an instance of a class of
    `pycassa.types`, such a class, or a name; the types that come from the schema are names, such as 'LongType'.
    Columns are kept by their packed names: a name is found in whichever form it is given.
    """

    def __init__(self, other_dict: Optional[Mapping[Any, Any]] = None,
                 name_packer: Optional[Callable[[Any], Any]] = None,
                 name_unpacker: Optional[Callable[[bytes], Any]] = None,
                 changed: Optional[Callable[[], None]] = None) -> None:
        self.name_packer = name_packer or (lambda name: name)
        self.name_unpacker = name_unpacker or (lambda name: name)
        self._changed = changed or (lambda: None)
        self.type_map: Dict[bytes, Any] = {}
        if isinstance(other_dict, ColumnValidatorDict):
            self.type_map.update(other_dict.type_map)
        elif other_dict is not None:
            self.update(other_dict)

    def __getitem__(self, name: Any) -> Any:
        return shown_type(self.type_map[self.name_packer(name)])

    def __setitem__(self, name: Any, column_type: Any) -> None:
        scalar_for(column_type)
        self.type_map[self.name_packer(name)] = column_type
        self._changed()

    def __delitem__(self, name: Any) -> None:
        del self.type_map[self.name_packer(name)]
        self._changed()

    def __iter__(self) -> Iterator[Any]:
        return iter([self.name_unpacker(name) for name in self.type_map])

    def __len__(self) -> int:
        return len(self.type_map)

    def __repr__(self) -> str:
        return repr(dict(self))


class _TypeAttribute:
    """An assignable type of a family: reads as a name where it came from the schema or was assigned by name."""

    def __init__(self, slot: str, what: str) -> None:
        self.slot = slot
        self.__doc__ = (f"The type of {what}: from the schema (its name, such as 'UTF8Type') unless assigned.\n\n"
                        'Assign an instance of a class of pycassa.types, such a class, an object with the functions '
                        "`pack` and `unpack`, or a type's name. (Release 1.1.)")

    def __get__(self, family: Any, owner: Any = None) -> Any:
        return self if family is None else shown_type(family._types[self.slot])

    def __set__(self, family: Any, column_type: Any) -> None:
        scalar_for(column_type)
        family._types[self.slot] = column_type
        family._layout = None


class FamilyTypes:
    """How one column family converts keys, names and values: its types, and the switches of packing."""

    #: Whether column names are converted by their type; when False they are bytes (see `bytes_encoding`).
    autopack_names = True
    #: Whether values are converted by their validation class; when False they are bytes.
    autopack_values = True
    #: Whether row keys are converted by their validation class; when False they are bytes.
    autopack_keys = True
    #: The codec, such as 'utf-8', by which BytesType data and whatever autopacking is off for reads and is written
    #: as str, every byte string surviving the round trip; None gives bytes. The constructor's keyword goes before
    #: this class attribute, that before the pool's, that before the variable PYCASSA_BYTES_ENCODING.
    bytes_encoding: Optional[str] = None

    key_validation_class = _TypeAttribute('key', 'row keys')
    column_name_class = _TypeAttribute('name', 'column names (in a super column family: of subcolumn names)')
    super_column_name_class = _TypeAttribute('super_name', 'super column names')
    default_validation_class = _TypeAttribute('value', 'values of columns without a validation class of their own')

    pool: Any
    column_family: str
    super: bool
    _cfdef: Any
    _types: Dict[str, Any]
    _layout: Any = None
    _place: Any = None
    _counter = False
    # The keyspace that the constructor was given, and the one to select before each call (None: the client's own).
    _keyspace: Optional[str] = None
    _select_keyspace: Optional[str] = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _CONVERSION_OPTIONS:
            self._layout = None
        elif name in _PLACE_OPTIONS:
            self._place = None

    @property
    def _operations(self) -> Any:
        if self._place is None:
            self._place = operations_of(self.pool, self._select_keyspace)
        return self._place

    # --- schema ----------------------------------------------------------------------------------------------

    def load_schema(self) -> None:
        """Read the definition of the family again; types that were assigned give way to those of the schema.

        The constructor calls it. Raises NotFoundException, with the reason in its attribute `why`, when the family
        does not exist or is a table of CQL that Thrift does not show. (Release 1.1.)
        """
        located = locate(self.pool, self.column_family, self._keyspace)
        self._select_keyspace = located.keyspace if located.select else None
        self._read_definition(located.definition)

    def _read_definition(self, definition: Any) -> None:
        self._cfdef = definition = copy.copy(definition)
        self.super = definition.column_type == 'Super'
        self._counter = (definition.default_validation_class or '').endswith('CounterColumnType')
        comparator = definition.comparator_type or 'BytesType'
        self._types = {
            'key': definition.key_validation_class or 'BytesType',
            'name': definition.subcomparator_type or 'BytesType' if self.super else comparator,
            'super_name': comparator if self.super else None,
            'value': definition.default_validation_class or 'BytesType',
        }
        self._layout = None
        metadata = {column.name: column for column in definition.column_metadata or ()}
        if self.super and b'' in metadata:
            # Servers since 3.0 list two columns of their own in the metadata of super column families.
            del metadata[b'']
            metadata.pop(b'value', None)
        self._validators = self._new_validators()
        self._validators.type_map.update((name, column.validation_class) for name, column in metadata.items())
        as_bytes = self._bytes_scalar()
        definition.column_metadata = {as_bytes.unpack(name): column for name, column in metadata.items()}

    def _new_validators(self, types: Optional[Mapping[Any, Any]] = None) -> ColumnValidatorDict:
        return ColumnValidatorDict(types, self._pack_name, self._unpack_name, self._forget_layout)

    def _forget_layout(self) -> None:
        self._layout = None

    @property
    def column_validators(self) -> ColumnValidatorDict:
        """The validation classes of single columns (of subcolumns in a super column family): {name: type}.

        Assign a type to a name, or a whole dict in place of the schema's. Types of the schema read as their names.
        """
        return self._validators

    @column_validators.setter
    def column_validators(self, types: Mapping[Any, Any]) -> None:
        self._validators = self._new_validators(types)
        self._layout = None

    @property
    def _family_layout(self) -> Any:
        layout = self._layout
        if layout is None:
            layout = self._layout = self._new_layout()
        return layout

    def _new_layout(self) -> Any:
        encoding = self.bytes_encoding
        as_bytes = self._bytes_scalar()

        def scalar(slot: str, autopack: bool) -> Any:
            return scalar_for(self._types[slot], encoding) if autopack else as_bytes

        value = scalar('value', self.autopack_values)
        validators = {}
        if self._counter:
            value = codec.scalar('CounterColumnType')
        elif self.autopack_values:
            validators = {name: scalar_for(column_type, encoding)
                          for name, column_type in self._validators.type_map.items()}
        return codec.Layout(self.column_family.encode(), key=scalar('key', self.autopack_keys),
                            name=scalar('name', self.autopack_names), value=value,
                            super_name=scalar('super_name', self.autopack_names) if self.super else None,
                            validators=validators, counter=self._counter)

    def _bytes_scalar(self) -> Any:
        try:
            return codec.bytes_scalar(self.bytes_encoding)
        except LookupError as error:
            raise ConfigurationError(f'bytes_encoding={self.bytes_encoding!r} is no text encoding that Python '
                                     'knows') from error

    def _defined_within(self, start: bytes, finish: bytes) -> List[bytes]:
        """The packed names of the columns that the schema defines from one end to the other, in either order.

        None of super column families, and none where the order of the comparator is not that of bytes or integers.
        """
        if self.super:
            return []
        comparator = scalar_for(self._cfdef.comparator_type or 'BytesType').name
        position = _POSITIONS.get(comparator)
        if position is None:
            return []
        low, high = sorted([position(start), position(finish)])
        names = [column.name for column in self._cfdef.column_metadata.values()]
        return [name for name in names if low <= position(name) <= high]

    # --- packing ---------------------------------------------------------------------------------------------
    # 1.11 had these as private methods, and callers use them.

    def _pack_name(self, value: Any, is_supercol_name: bool = False,
                   slice_start: Optional[bool] = None) -> Optional[bytes]:
        """The bytes of a column name, None for None.

        `slice_start` tells that it is an end of a slice: True the one that is first in the comparator's order.
        Raises PackingError.
        """
        if value is None:
            return None
        layout = self._family_layout
        scalar = layout.super_name if is_supercol_name and layout.super_name is not None else layout.name
        try:
            packed: bytes = scalar.pack(value) if slice_start is None else scalar.pack_bound(value, slice_start)
            return packed
        except codec.CONVERSION_ERRORS as error:
            raise self._packing_error('super column name' if is_supercol_name else 'column name',
                                      value, scalar, error) from error

    def _pack_value(self, value: Any, col_name: Any) -> Optional[bytes]:
        """The bytes of a value of the column `col_name` (packed or not), None for None. Raises PackingError."""
        if value is None:
            return None
        layout = self._family_layout
        name = col_name if col_name is None or isinstance(col_name, bytes) else self._pack_name(col_name)
        scalar = layout.validators.get(name, layout.value)
        try:
            packed: bytes = scalar.pack(value)
            return packed
        except codec.CONVERSION_ERRORS as error:
            raise self._packing_error(f'value of column {self._shown(name)!r:.80}', value, scalar, error) from error

    def _pack_key(self, key: Any) -> bytes:
        """The bytes of a row key. Raises PackingError."""
        return codec.pack_key(self._family_layout, key)

    def _unpack_name(self, b: bytes, is_supercol_name: bool = False) -> Any:
        """A column name from its bytes. Raises UnpackingError."""
        layout = self._family_layout
        scalar = layout.super_name if is_supercol_name and layout.super_name is not None else layout.name
        return self._unpack(scalar, b, 'column name')

    def _unpack_value(self, value: bytes, col_name: Any) -> Any:
        """A value of the column `col_name` (packed or not) from its bytes. Raises UnpackingError."""
        layout = self._family_layout
        name = col_name if col_name is None or isinstance(col_name, bytes) else self._pack_name(col_name)
        return self._unpack(layout.validators.get(name, layout.value), value, f'value of column {col_name!r:.80}')

    def _unpack_key(self, b: bytes) -> Any:
        """A row key from its bytes. Raises UnpackingError."""
        return self._unpack(self._family_layout.key, b, 'row key')

    def _unpack(self, scalar: Any, data: bytes, what: str) -> Any:
        try:
            return scalar.unpack(data)
        except ValueError as error:
            raise UnpackingError(f'column family {self.column_family!r}: the {what} {data!r:.80} is not of type '
                                 f'{scalar.name}: {error}') from error

    def _shown(self, name: Optional[bytes]) -> Any:
        """A packed name as messages show it: as the user knows it, or its bytes where these are of another type."""
        try:
            return name and self._family_layout.name.unpack(name)
        except ValueError:
            return name

    def _packing_error(self, what: str, value: Any, scalar: Any, error: Exception) -> PackingError:
        return PackingError(f'column family {self.column_family!r}: {value!r:.80} ({type(value).__name__}) cannot be '
                            f'packed as {what} of type {scalar.name}: {error}')

    @staticmethod
    def _in_row(key: Any, error: PackingError) -> PackingError:
        """The error of packing names of a row, with its key."""
        return PackingError(f'row {key!r:.80}, {error}')

    def _pack_names(self, names: Iterable[Any], is_super: bool) -> List[bytes]:
        packed = [self._pack_name(name, is_super) for name in names]
        if None in packed:
            raise PackingError(f'column family {self.column_family!r}: None is no column name')
        return packed  # type: ignore[return-value]

    def _pack_end(self, bound: Any, is_super: bool, is_start: bool) -> bytes:
        return b'' if is_open(bound) else self._pack_name(bound, is_super, is_start)  # type: ignore[return-value]

    def _pack_super(self, super_column: Any) -> Optional[bytes]:
        return self._pack_name(super_column, True)
