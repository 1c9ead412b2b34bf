"""Keyspaces and column families described for reading, in the words that SystemManager's keywords have."""
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from pycassa.cassandra.ttypes import CfDef, ColumnDef, IndexType
from pycassa.errors import UnpackingError
from pycassa.marshal import unpacker_for

__all__ = ['family_text', 'keyspace_text']

_PACKAGE = 'org.apache.cassandra.'
_PACKAGES = (f'{_PACKAGE}db.marshal.', f'{_PACKAGE}locator.', f'{_PACKAGE}db.compaction.')
_FIRST = ('name', 'keyspace', 'column_type', 'comparator_type', 'subcomparator_type', 'key_validation_class',
          'default_validation_class', 'comment')


def keyspace_text(name: str, properties: Dict[str, Any], families: Iterable[str]) -> str:
    """A keyspace by what SystemManager.get_keyspace_properties gives, and the names of its families."""
    lines = _lines([('name', name), *properties.items()])
    return '\n'.join([*lines, 'column families:', *(f'  {family}' for family in sorted(families))])


def family_text(definition: Any) -> str:
    """A family by the definition that the server reported: every option that it has, then its columns."""
    fields = {spec[2]: getattr(definition, spec[2]) for spec in definition.thrift_spec if spec is not None}
    columns: List[ColumnDef] = fields.pop('column_metadata') or []
    ordered = {**{name: fields[name] for name in _FIRST}, **fields}
    lines = _lines((name, value) for name, value in ordered.items() if value not in (None, ''))
    if columns:
        lines.append('columns:')
        lines.extend(_column_line(definition, column) for column in columns)
    return '\n'.join(lines)


def _lines(pairs: Iterable[Tuple[str, Any]]) -> List[str]:
    return [f'{name + ":":<35} {_plain(value)}' for name, value in pairs]


def _plain(value: Any) -> str:
    """A value as a user would give it: class names without the packages that are the server's default."""
    text = str(value)
    for package in _PACKAGES:
        text = text.replace(package, '')
    return text


def _column_line(definition: CfDef, column: ColumnDef) -> str:
    return '  ' + ', '.join([f'{_column_name(definition, column.name)!r}: {_plain(column.validation_class)}',
                             *_index(column)])


def _index(column: ColumnDef) -> Iterator[str]:
    if column.index_type is not None:
        kind = IndexType._VALUES_TO_NAMES.get(column.index_type, column.index_type)
        yield f'index {column.index_name} ({kind})' if column.index_name else f'index ({kind})'


def _column_name(definition: CfDef, packed: bytes) -> Any:
    comparator = definition.subcomparator_type if definition.column_type == 'Super' else definition.comparator_type
    try:
        return unpacker_for(comparator or 'BytesType')(packed)
    except UnpackingError:
        return packed
