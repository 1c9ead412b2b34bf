"""From a record of a file to a row key and typed columns."""
import datetime
import decimal
import json
import uuid
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from pycassa.errors import ConfigurationError, PycassaError

__all__ = ['ConversionError', 'LOADABLE_TYPES', 'RowMapping', 'infer_types']

Converter = Callable[[Any], Any]

TRUE = frozenset(('true', 't', 'yes', 'y', '1'))
FALSE = frozenset(('false', 'f', 'no', 'n', '0'))


class ConversionError(PycassaError, ValueError):
    """A field cannot be read as the type of its column; the message names both."""


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _to_int(value: Any) -> int:
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError('not a whole number')
        return int(value)
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError('not a number')
    return float(value)


def _to_decimal(value: Any) -> decimal.Decimal:
    try:
        return decimal.Decimal(str(value))
    except decimal.InvalidOperation:
        raise ValueError('not a decimal number') from None


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError('neither true nor false')


def _to_datetime(value: Any) -> Any:
    """ISO 8601 text, or a number of seconds since 1970; without a zone it is UTC."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.endswith(('Z', 'z')):
        text = text[:-1] + '+00:00'
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return float(text)
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def _to_uuid(value: Any) -> uuid.UUID:
    return uuid.UUID(str(value).strip())


def _to_bytes(value: Any) -> bytes:
    """Text stands for its UTF-8 bytes; text that begins with 0x is hexadecimal."""
    text = _to_text(value)
    return bytes.fromhex(text[2:]) if text[:2] in ('0x', '0X') else text.encode('utf-8')


# How a field of a file becomes a value of each type, by the type's simple name.
LOADABLE_TYPES: Mapping[str, Converter] = {
    'AsciiType': _to_text, 'UTF8Type': _to_text, 'BytesType': _to_bytes,
    'LongType': _to_int, 'Int32Type': _to_int, 'IntegerType': _to_int,
    'DoubleType': _to_float, 'FloatType': _to_float, 'DecimalType': _to_decimal,
    'BooleanType': _to_bool, 'DateType': _to_datetime, 'TimestampType': _to_datetime,
    'UUIDType': _to_uuid, 'TimeUUIDType': _to_uuid, 'LexicalUUIDType': _to_uuid,
}


def converter_for(column: str, type_name: str) -> Converter:
    """The function that makes a value of `type_name` from a field. Raises ConfigurationError for other types."""
    converter = LOADABLE_TYPES.get(type_name)
    if converter is None:
        raise ConfigurationError(f'column {column!r} is of {type_name}, which cannot be loaded from a file; '
                                 f'these can: {", ".join(sorted(LOADABLE_TYPES))}')
    return converter


class RowMapping:
    """Makes (row key, {column: value}) of a record's fields.

    `key` names the fields that form the row key: one alone is converted to the key's type, several are joined as
    text by `key_separator`. `types` gives the type of columns by name, `default_type` that of all others. A field
    that is absent, None or one of `nulls` is not stored. Key fields are stored as columns too unless `keep_key` is
    false. `only` limits the columns to those names.
    """

    def __init__(self, key: Sequence[str], types: Optional[Mapping[str, str]] = None, default_type: str = 'UTF8Type',
                 key_type: str = 'UTF8Type', nulls: Iterable[str] = ('',), key_separator: str = ':',
                 keep_key: bool = True, only: Optional[Iterable[str]] = None) -> None:
        if not key:
            raise ConfigurationError('no column is named as the row key')
        if len(key) > 1 and key_type not in ('UTF8Type', 'AsciiType', 'BytesType'):
            raise ConfigurationError(f"a key of several columns is text, but the family's keys are of {key_type}")
        self._key = tuple(key)
        self._separator = key_separator
        self._key_converter = converter_for('+'.join(key), key_type)
        self._converters: Dict[str, Converter] = {
            column: converter_for(column, type_name) for column, type_name in (types or {}).items()}
        self._types = dict(types or {})
        self._default_type = default_type
        self._default = converter_for('(default)', default_type)
        self._nulls = frozenset(nulls)
        self._dropped = frozenset() if keep_key else frozenset(key)
        self._only = None if only is None else frozenset(only)

    def row(self, fields: Mapping[str, Any]) -> Tuple[Any, Dict[str, Any]]:
        """The row key and the columns of a record. Raises ConversionError naming column, type and text."""
        nulls, converters, default = self._nulls, self._converters, self._default
        columns = {}
        for column, field in fields.items():
            if field is None or (field.__class__ is str and field in nulls):
                continue
            try:
                columns[column] = converters.get(column, default)(field)
            except (ValueError, TypeError, OverflowError) as error:
                type_name = self._types.get(column, self._default_type)
                raise ConversionError(f'column {column!r}: {field!r:.100} is not of {type_name}: {error}') from error
        key = self._row_key(fields)
        if self._dropped or self._only is not None:
            columns = {column: value for column, value in columns.items()
                       if column not in self._dropped and (self._only is None or column in self._only)}
        if not columns:
            raise ConversionError('the row has a key but no column to store')
        return key, columns

    def _row_key(self, fields: Mapping[str, Any]) -> Any:
        parts = []
        for name in self._key:
            part = fields.get(name)
            if part is None or part == '':
                raise ConversionError(f'the key column {name!r} is empty' if name in fields
                                      else f'the key column {name!r} is missing')
            parts.append(part)
        try:
            if len(parts) == 1:
                return self._key_converter(parts[0])
            return self._key_converter(self._separator.join(map(_to_text, parts)))
        except (ValueError, TypeError, OverflowError) as error:
            raise ConversionError(f"the key {parts!r:.100} does not fit the family's key type: {error}") from error


def infer_types(records: Iterable[Mapping[str, Any]], nulls: Iterable[str] = ('',)) -> Dict[str, str]:
    """The narrowest of LongType, DoubleType, BooleanType, DateType and UTF8Type that fits each column of a sample.

    Text with leading zeros or a plus sign stays text: it would not come back as it went in.
    """
    ignored = frozenset(nulls)
    candidates: Dict[str, List[str]] = {}
    for fields in records:
        for column, field in fields.items():
            if field is None or (isinstance(field, str) and field in ignored):
                continue
            left = candidates.setdefault(column, list(_TESTS))
            candidates[column] = [name for name in left if _TESTS[name](field)]
    return {column: (left[0] if left else 'UTF8Type') for column, left in candidates.items()}


def _is_long(field: Any) -> bool:
    if isinstance(field, bool) or not isinstance(field, (int, str)):
        return False
    text = str(field)
    digits = text[1:] if text.startswith('-') else text
    return (digits.isascii() and digits.isdigit() and (digits == '0' or digits[0] != '0') and text != '-0'
            and -2 ** 63 <= int(text) < 2 ** 63)


def _is_double(field: Any) -> bool:
    if isinstance(field, bool):
        return False
    if isinstance(field, (int, float)):
        return True
    text = str(field)
    if not text.isascii() or not text.lstrip('-')[:1].isdigit() or '_' in text:
        return False
    whole = text.lstrip('-').partition('.')[0]
    if len(whole) > 1 and whole[0] == '0':
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_boolean(field: Any) -> bool:
    return isinstance(field, bool) or (isinstance(field, str) and field.lower() in ('true', 'false'))


def _is_date(field: Any) -> bool:
    if not isinstance(field, str) or len(field) < 10 or field[4] != '-':
        return False
    try:
        return isinstance(_to_datetime(field), datetime.datetime)
    except ValueError:
        return False


_TESTS: Mapping[str, Callable[[Any], bool]] = {
    'LongType': _is_long, 'DoubleType': _is_double, 'BooleanType': _is_boolean, 'DateType': _is_date}
