"""The arguments that ColumnFamily is made with, in the forms of all releases."""
from typing import Any, Dict, Optional, Tuple

__all__ = ['SETTINGS', 'TYPES', 'take_arguments']

# The order of the arguments after the name in releases 0.3 to 1.0; later ones take keywords.
POSITIONAL = ('buffer_size', 'read_consistency_level', 'write_consistency_level', 'timestamp', 'super', 'dict_class',
              'autopack_names', 'autopack_values')
SETTINGS = frozenset(POSITIONAL) - {'super'} | {
    'autopack_keys', 'bytes_encoding', 'column_buffer_size', 'retry_counter_mutations'}
TYPES = ('key_validation_class', 'column_name_class', 'super_column_name_class', 'default_validation_class',
         'column_validators')


def take_arguments(pool: Any, column_family: Any, args: Tuple[Any, ...],
                   options: Dict[str, Any]) -> Tuple[Any, Optional[str], str]:
    """(pool or client, keyspace or None, name) of any release's arguments; positional settings join `options`."""
    if pool is None:
        pool = options.pop('client', None)
    keyspace = options.pop('keyspace', None)
    if pool is None and not isinstance(keyspace, (str, bytes)):
        pool, keyspace = keyspace, None  # PooledColumnFamily of release 0.5.3 called its pool so.
    if args and isinstance(args[0], (str, bytes)):
        keyspace, column_family, args = column_family, args[0], args[1:]
    if pool is None or isinstance(pool, (str, bytes)) or not isinstance(column_family, (str, bytes)):
        raise TypeError('ColumnFamily needs a pool, connection or client, and the name of a column family')
    if len(args) > len(POSITIONAL):
        raise TypeError(f'ColumnFamily takes at most {len(POSITIONAL)} positional settings, {len(args)} were given')
    for name, value in zip(POSITIONAL, args):
        if name in options:
            raise TypeError(f'ColumnFamily got two values of {name!r}')
        options[name] = value
    return pool, _text(keyspace), _text(column_family)


def _text(name: Any) -> Any:
    return name.decode() if isinstance(name, bytes) else name
