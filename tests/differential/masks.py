"""What a server may vary from run to run: the only places where two answers may differ and still be the same answer.

`masked` puts one and the same word in place of each. Everything else is compared: values, orders, exceptions, texts.
"""
import re
import time
from typing import Any, Callable, Dict, List, Tuple

from pycassa.cassandra.ttypes import CASResult, Column, KsDef

__all__ = ['Answer', 'CLOSED', 'masked']

# What became of a call: ('ok', result), (exception's name, fields...) or CLOSED, the connection's end without a reply.
Answer = Tuple[Any, ...]
CLOSED: Answer = ('closed',)

_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_ALIASES = re.compile(r'(?<=DynamicCompositeType\()(\w=>[\w.()]+)(,\w=>[\w.()]+)*(?=\))')
_AROUND_NOW = 3600 * 10**6          # microseconds


def masked(method: str, answer: Answer, own: str = '') -> Answer:
    """The answer less what the server may vary. Names of keyspaces that nobody else makes begin with `own`."""
    if method == 'describe_keyspaces' and answer[0] == 'ok':
        return ('ok', _keyspaces(answer[1], own))
    if answer[0] == 'TApplicationException':
        return answer[:2] + (_without_dump(answer[2]),)
    if answer[0] == 'ok' and answer[1] is not None:
        mask = MASKS.get(method)
        return ('ok', _own_stamps(answer[1]) if mask is None else mask(answer[1]))
    # A message names the comparator, with its aliases in the order of a hash map.
    return tuple(_ALIASES.sub(_sorted_aliases, field) if isinstance(field, str) else field for field in answer)


def _without_dump(text: Any) -> str:
    """A request that lacks a field is dumped into the message, with the bytes' place in the server's buffer."""
    return re.sub(r'(Struct: ?).*', r'\1...', str(text), flags=re.DOTALL)


def _version(text: str) -> str:
    """A version of the schema is a UUID of the server's own making."""
    return 'a UUID' if _UUID.fullmatch(text) else text


def _versions(versions: Dict[str, List[str]]) -> List[Tuple[str, int]]:
    """The same UUIDs, and the servers' addresses."""
    return sorted((_version(text), len(hosts)) for text, hosts in versions.items())


def _ring(ranges: List[Any]) -> List[Any]:
    """Nodes have addresses and tokens of their own; that begin and end are one token, and the rest, is compared."""
    return [(each.start_token == each.end_token, len(each.endpoints), len(each.rpc_endpoints or ()),
             [(detail.datacenter, detail.rack) for detail in each.endpoint_details or ()]) for each in ranges]


def _keyspaces(keyspaces: List[KsDef], own: str) -> List[KsDef]:
    """Keyspaces come in the order of a hash map; the server's ones hold its tables, and others may use it, too."""
    return sorted((_keyspace(each) for each in keyspaces if each.name.startswith(own)), key=lambda each: each.name)


def _keyspace(keyspace: KsDef) -> KsDef:
    """Families, column_metadata and the aliases of a DynamicCompositeType come in the order of hash maps."""
    for family in keyspace.cf_defs:
        for field in ('comparator_type', 'subcomparator_type'):
            setattr(family, field, _ALIASES.sub(_sorted_aliases, getattr(family, field) or ''))
        family.column_metadata = sorted(family.column_metadata or (), key=lambda column: column.name)
    keyspace.cf_defs = sorted(keyspace.cf_defs, key=lambda family: family.name)
    return keyspace


def _sorted_aliases(aliases: 're.Match[str]') -> str:
    return ','.join(sorted(aliases[0].split(',')))


def _own_stamps(result: Any) -> Any:
    """Columns that cas wrote bear the server's clock as their timestamp."""
    stamped = _columns(result)
    if stamped:
        low = time.time() * 1e6 - _AROUND_NOW
        for column in stamped:
            if column.timestamp is not None and low < column.timestamp < low + 2 * _AROUND_NOW:
                column.timestamp = 'now'
    return result


def _columns(result: Any) -> List[Column]:
    """Every Column in the result of a read."""
    if isinstance(result, Column):
        return [result]
    if isinstance(result, dict):
        result = result.values()
    elif isinstance(result, CASResult):
        result = result.current_values or ()
    elif getattr(result, 'column', None) is not None:
        return [result.column]
    elif hasattr(result, 'super_column'):
        result = result.super_column.columns if result.super_column is not None else ()
    elif hasattr(result, 'columns'):
        result = result.columns
    elif not isinstance(result, list):
        return []
    return [column for part in result for column in _columns(part)]


def _splits(splits: List[Any]) -> List[Any]:
    """How many rows there are is estimated from what was flushed."""
    return [(split.start_token, split.end_token, split.row_count > 0) for split in splits]


MASKS: Dict[str, Callable[[Any], Any]] = {
    'describe_cluster_name': lambda name: 'a name',     # whatever the harness of the real server called it
    'describe_keyspace': _keyspace,
    'describe_local_ring': _ring,
    'describe_ring': _ring,
    'describe_schema_versions': _versions,
    'describe_splits_ex': _splits,
    'describe_token_map': len,                          # {token: address} of the nodes
    **{name: _version for name in (
        'system_add_column_family', 'system_add_keyspace', 'system_drop_column_family', 'system_drop_keyspace',
        'system_update_column_family', 'system_update_keyspace')},
}
