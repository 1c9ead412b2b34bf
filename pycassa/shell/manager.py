"""SYSTEM_MANAGER: a SystemManager that takes ColumnFamily objects, and says when it has changed the schema."""
import functools
import inspect
from typing import Any, Callable, Optional, TypeVar, cast

from pycassa.columnfamily import ColumnFamily
from pycassa.system_manager import SystemManager

__all__ = ['Changed', 'ShellSystemManager', 'keyspace_of']

# Told of a change: the keyspace, and the column family (None: the keyspace itself).
Changed = Callable[[str, Optional[str]], None]
Method = TypeVar('Method', bound=Callable[..., Any])


def keyspace_of(family: ColumnFamily) -> str:
    """The name of the keyspace that a column family is in."""
    return str(family._cfdef.keyspace)


def _interactive(method: Method) -> Method:
    """Let `method` take a ColumnFamily in the place of keyspace and family, and report the change that it made."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def changing(self: 'ShellSystemManager', *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], ColumnFamily):
            args = (keyspace_of(args[0]), args[0].column_family, *args[1:])
        result = method(self, *args, **kwargs)
        given = signature.bind(self, *args, **kwargs).arguments
        self._changed(given['keyspace'], given.get('column_family', given.get('name')))
        return result
    return cast(Method, changing)


class ShellSystemManager(SystemManager):
    """Describes and changes the schema, as SystemManager does, for people at a shell.

    The methods that change a column family take the ColumnFamily itself as well as the names of keyspace and family:
    `SYSTEM_MANAGER.create_index(USERS, 'state', UTF8_TYPE)`. After a change the variables of the shell are renewed.
    """

    def __init__(self, server: str, changed: Changed, **options: Any) -> None:
        self._changed = changed
        SystemManager.__init__(self, server, **options)

    create_column_family = _interactive(SystemManager.create_column_family)
    alter_column_family = _interactive(SystemManager.alter_column_family)
    drop_column_family = _interactive(SystemManager.drop_column_family)
    alter_column = _interactive(SystemManager.alter_column)
    create_index = _interactive(SystemManager.create_index)
    drop_index = _interactive(SystemManager.drop_index)

    def drop_keyspace(self, keyspace: str) -> None:
        """Drop `keyspace` with all that is in it."""
        SystemManager.drop_keyspace(self, keyspace)
        self._changed(keyspace, None)
