"""Writes: Mutation structs, and the batch messages that carry them."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pycassa._pure.columns import (
    CONVERSION_ERRORS,
    Layout,
    append_insertions,
    append_rows,
    column_tail,
    columns_of,
    each_of,
    pack_key,
    pairs,
)
from pycassa._pure.cursor import STRUCT, Cursor
from pycassa._pure.wire import binary, call_head, call_parts, consistency_level, framed, i64, length

__all__ = ['BATCH_OVERHEAD', 'ENTRY_OVERHEAD', 'encode_batch', 'encode_deletion', 'encode_insertions', 'encode_rows',
           'mutation_lengths']

Entry = Tuple[bytes, bytes, int, bytes]

_BATCH = call_head(b'batch_mutate')
_ATOMIC_BATCH = call_head(b'atomic_batch_mutate')

# Field 1, map<key, map<family, list<Mutation>>>, up to its count; the map of a key up to its count; the list of a
# family's mutations up to its count; field 2, the consistency level.
_KEYS, _FAMILIES, _MUTATIONS, _CONSISTENCY = b'\x0d\0\1\x0b\x0d', b'\x0b\x0f', b'\x0c', b'\x08\0\2'

# The most bytes of a batch message (the frame's length not counted) beside its entries, and the most that an entry
# adds beside its key, family and mutations.
BATCH_OVERHEAD = len(_ATOMIC_BATCH) + 4 + len(_KEYS) + 4 + len(_CONSISTENCY) + 4 + 1
ENTRY_OVERHEAD = 4 + len(_FAMILIES) + 4 + 4 + len(_MUTATIONS) + 4


def encode_insertions(layout: Layout, key: Any, columns: Mapping[Any, Any], timestamp: int,
                      ttl: Optional[int]) -> Tuple[int, bytes]:
    """(count, bytes) of the Mutation structs that insert `columns`, {name: value} or {super name: {name: value}}.

    `timestamp` in microseconds, `ttl` in seconds; counter layouts take integers and neither of both. `key` is for
    messages only. Raises PackingError, which names family, key, column, type and the value's class.
    """
    items = columns_of(layout, key, columns)
    parts: List[bytes] = []
    append_insertions(parts, layout, key, items, column_tail(timestamp, ttl))
    return len(items), b''.join(parts)


def encode_deletion(timestamp: Optional[int], super_column: Optional[bytes], predicate: Optional[bytes]) -> bytes:
    """One Mutation struct with a Deletion: of a row, a super column, or what `predicate` (a struct) selects."""
    parts = [b'\x0c\0\2']
    if timestamp is not None:
        parts += (b'\x0a\0\1', i64(timestamp, 'a timestamp'))
    if super_column is not None:
        parts += (b'\x0b\0\2', binary(super_column))
    if predicate is not None:
        parts += (b'\x0c\0\3', predicate)
    parts.append(b'\0\0')
    return b''.join(parts)


def encode_rows(seqid: int, layout: Layout, rows: Mapping[Any, Mapping[Any, Any]], timestamp: int,
                ttl: Optional[int], consistency: int) -> bytes:
    """The frame of a batch_mutate that inserts {key: columns} into one family.

    Keys are packed here; those that pack alike are merged, later columns after earlier ones.
    """
    names, values = (rows, rows.values()) if type(rows) is dict else _split(layout, rows)
    try:
        keys = each_of(layout.pack_key, names)
    except CONVERSION_ERRORS:
        keys = [pack_key(layout, key) for key in names]
    if len({*keys}) != len(keys):
        entries = [(layout.family, packed, *encode_insertions(layout, key, columns, timestamp, ttl))
                   for packed, key, columns in zip(keys, names, values)]
        return encode_batch(seqid, entries, consistency)
    parts = call_parts(_BATCH, seqid)
    parts += (_KEYS, length(len(keys)))
    append_rows(parts, layout, keys, names, values, column_tail(timestamp, ttl))
    parts += (_CONSISTENCY, consistency_level(consistency))
    return framed(parts)


def _split(layout: Layout, rows: Any) -> Tuple[Sequence[Any], Sequence[Any]]:
    """The keys and the columns of rows that are no plain dict."""
    items = pairs(rows, lambda: f'the rows of family {layout.family.decode()!r}')
    return [key for key, _ in items], [columns for _, columns in items]


def encode_batch(seqid: int, entries: Sequence[Entry], consistency: int, atomic: bool = False) -> bytes:
    """The frame of a batch_mutate or atomic_batch_mutate of (family, key, count, mutations) entries.

    Entries of the same key and family are merged in their order: a server keeps one list of each.
    """
    keys: Dict[bytes, Dict[bytes, List[Entry]]] = {}
    for entry in entries:
        keys.setdefault(entry[1], {}).setdefault(entry[0], []).append(entry)
    parts = call_parts(_ATOMIC_BATCH if atomic else _BATCH, seqid)
    parts += (_KEYS, length(len(keys)))
    for key, families in keys.items():
        parts += (length(len(key)), key, _FAMILIES, length(len(families)))
        for family, merged in families.items():
            parts += (length(len(family)), family, _MUTATIONS, length(sum(count for _, _, count, _ in merged)))
            parts += [mutations for _, _, _, mutations in merged]
    parts += (_CONSISTENCY, consistency_level(consistency))
    return framed(parts)


def mutation_lengths(data: bytes, count: int) -> List[int]:
    """The length in bytes of each of the `count` Mutation structs of `data`. Raises ProtocolError if it has others."""
    cursor = Cursor(data)
    lengths = []
    for _ in range(count):
        start = cursor.pos
        cursor.skip(STRUCT)
        lengths.append(cursor.pos - start)
    cursor.finish()
    return lengths
