"""The package's root logger: its name, its level, and the loggers below it."""
import logging
import threading
import types
import weakref
from typing import Any, Callable, Dict, List, Optional, Tuple

__all__ = ['PycassaLogger', 'levels']

levels = {'debug': logging.DEBUG, 'info': logging.INFO, 'warn': logging.WARNING, 'error': logging.ERROR,
          'critical': logging.CRITICAL}

_DEFAULT_LOGGER_NAME = 'pycassa'
_DEFAULT_LEVEL = 'info'

Callback = Callable[[logging.Logger], Any]


class PycassaLogger:
    """The root logger of the package, 'pycassa' at level 'info'. All instances share one state (release 1.11).

    Nothing is printed until handlers are added to `get_logger()` or to a logger above it.
    """

    _lock = threading.RLock()
    _shared_state: Dict[str, Any] = {}
    _root_logger: Optional[logging.Logger] = None
    _logger_name = _DEFAULT_LOGGER_NAME
    _level = _DEFAULT_LEVEL
    # Name and how to find the callback: pools come and go, and are not kept alive by what they log.
    _children: List[Tuple[str, Callable[[], Optional[Callback]]]]

    def __init__(self) -> None:
        self.__dict__ = self._shared_state
        with self._lock:
            if self._root_logger is None:
                self._children = []
                self.set_logger_name(_DEFAULT_LOGGER_NAME)
                self.set_logger_level(_DEFAULT_LEVEL)

    def get_logger(self) -> logging.Logger:
        """The logger underneath."""
        assert self._root_logger is not None
        return self._root_logger

    def set_logger_level(self, level: str) -> None:
        """Set the level of all the package's logging: 'debug', 'info', 'warn', 'error' or 'critical'.

        Raises KeyError for another name.
        """
        with self._lock:
            number = levels[level]
            self._level = level
            self.get_logger().setLevel(number)

    def get_logger_level(self) -> str:
        """The level, by name."""
        return self._level

    def set_logger_name(self, logger_name: str) -> None:
        """Log under another name from now on, children included ('name.pool')."""
        with self._lock:
            self._root_logger = logging.getLogger(logger_name)
            self._logger_name = logger_name
            if not self._root_logger.handlers:
                self._root_logger.addHandler(logging.NullHandler())
            self._root_logger.setLevel(levels[self._level])
            self._children = [child for child in self._children if child[1]() is not None]
            for name, find in self._children:
                callback = find()
                if callback is not None:
                    callback(logging.getLogger(f'{logger_name}.{name}'))

    def get_logger_name(self) -> str:
        """The name of the root logger."""
        return self._logger_name

    def add_child_logger(self, child_logger_name: str, name_change_callback: Callback) -> logging.Logger:
        """The logger of that name below the root; the callback gets its successor when the root is renamed.

        A bound method does not keep its object alive.
        """
        with self._lock:
            self._children = [child for child in self._children if child[1]() is not None]
            self._children.append((child_logger_name, _finder(name_change_callback)))
            return logging.getLogger(f'{self._logger_name}.{child_logger_name}')


def _finder(callback: Callback) -> Callable[[], Optional[Callback]]:
    """What gives `callback`, or None when the object of a bound method is gone."""
    return weakref.WeakMethod(callback) if isinstance(callback, types.MethodType) else lambda: callback
