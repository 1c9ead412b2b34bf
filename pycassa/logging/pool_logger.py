"""The listener that every pool has: it writes the pool's events to the logger 'pycassa.pool'."""
import logging
from typing import Any, Dict

from pycassa.logging.pycassa_logger import PycassaLogger, levels

__all__ = ['PoolLogger']


class PoolLogger:
    """Logs each event of a pool at the event's level (release 1.11)."""

    def __init__(self) -> None:
        self.root_logger = PycassaLogger()
        self.logger = self.root_logger.add_child_logger('pool', self.name_changed)

    def name_changed(self, new_logger: logging.Logger) -> None:
        """Log to `new_logger` from now on."""
        self.logger = new_logger

    def _log(self, dic: Dict[str, Any], text: str, *arguments: Any) -> None:
        self.logger.log(levels[dic.get('level', 'info')], f'{text} for pool %s', *arguments, dic['pool_id'])

    def connection_created(self, dic: Dict[str, Any]) -> None:
        """Log the hook of the same name of PoolListener, as do the methods below."""
        if dic.get('error') is None:
            self._log(dic, 'Connection %s (%s) opened', id(dic['connection']), dic['connection'])
        else:
            self._log(dic, 'Connection could not be opened (%s)', _text(dic['error']))

    def connection_checked_out(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Connection %s (%s) was checked out', id(dic['connection']), dic['connection'])

    def connection_checked_in(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Connection %s (%s) was checked in', id(dic['connection']), dic['connection'])

    def connection_disposed(self, dic: Dict[str, Any]) -> None:
        connection = dic['connection']
        if dic.get('error') is None:
            self._log(dic, 'Connection %s (%s) was closed; %s,', id(connection), connection, dic.get('message'))
        else:
            self._log(dic, 'Connection %s (%s) could not be closed (%s); %s,', id(connection), connection,
                      _text(dic['error']), dic.get('message'))

    def connection_recycled(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Connection %s (%s) was replaced by %s (%s)', id(dic['old_conn']), dic['old_conn'],
                  id(dic['new_conn']), dic['new_conn'])

    def connection_failed(self, dic: Dict[str, Any]) -> None:
        if dic['connection'] is None:
            self._log(dic, 'Connecting to %s failed (%s)', dic['server'], _text(dic['error']))
        else:
            self._log(dic, 'Connection %s (%s) failed (%s)', id(dic['connection']), dic['connection'],
                      _text(dic['error']))

    def obtained_server_list(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Server list obtained: %s', dic['server_list'])

    def pool_recreated(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Recreating')

    def pool_disposed(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'Idle connections closed')

    def pool_at_max(self, dic: Dict[str, Any]) -> None:
        self._log(dic, 'All %s connections are in use', dic['pool_max'])


def _text(error: Any) -> str:
    return f'{error.__class__.__name__}: {error}'
