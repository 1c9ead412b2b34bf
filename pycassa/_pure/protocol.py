"""The pure implementation of the codec in one namespace: what pycassa.codec serves, under the same names."""
from pycassa._pure.calls import (
    LONG_WAY,
    Call,
    Ears,
    Sender,
    Shelf,
    ShortWay,
    Ways,
    insertion_call,
    is_own,
    next_seqid,
    slice_call,
)
from pycassa._pure.columns import CONVERSION_ERRORS, Layout, pack_key
from pycassa._pure.composites import composite, dynamic_composite
from pycassa._pure.conversion import INCLUDE_TIMESTAMP, INCLUDE_TTL
from pycassa._pure.cursor import Cursor, message_header
from pycassa._pure.exchange import Exchange
from pycassa._pure.mutations import (
    BATCH_OVERHEAD,
    ENTRY_OVERHEAD,
    encode_batch,
    encode_deletion,
    encode_insertions,
    encode_rows,
    mutation_lengths,
)
from pycassa._pure.packing import (
    PACK_ERRORS,
    Scalar,
    bytes_scalar,
    reversed_order,
    scalar,
)
from pycassa._pure.replies import (
    decode_get,
    decode_get_count,
    decode_get_slice,
    decode_get_slice_items,
    decode_key_slices,
    decode_multiget_count,
    decode_multiget_slice,
    decode_void,
)
from pycassa._pure.requests import (
    encode_add,
    encode_get,
    encode_get_count,
    encode_get_indexed_slices,
    encode_get_range_slices,
    encode_get_slice,
    encode_insert,
    encode_key_range,
    encode_multiget_count,
    encode_multiget_slice,
    encode_names_predicate,
    encode_remove,
    encode_remove_counter,
    encode_slice_predicate,
    encode_truncate,
)

__all__ = [
    'BATCH_OVERHEAD', 'CONVERSION_ERRORS', 'Call', 'Cursor', 'ENTRY_OVERHEAD', 'Ears', 'Exchange', 'IMPLEMENTATION',
    'INCLUDE_TIMESTAMP', 'INCLUDE_TTL', 'LONG_WAY', 'Layout', 'PACK_ERRORS', 'Scalar', 'Sender', 'Shelf', 'ShortWay',
    'Ways', 'bytes_scalar', 'composite', 'decode_get', 'decode_get_count', 'decode_get_slice', 'decode_get_slice_items',
    'decode_key_slices', 'decode_multiget_count', 'decode_multiget_slice', 'decode_void', 'dynamic_composite',
    'encode_add', 'encode_batch', 'encode_deletion', 'encode_get', 'encode_get_count', 'encode_get_indexed_slices',
    'encode_get_range_slices', 'encode_get_slice', 'encode_insert', 'encode_insertions', 'encode_key_range',
    'encode_multiget_count', 'encode_multiget_slice', 'encode_names_predicate', 'encode_remove',
    'encode_remove_counter', 'encode_rows', 'encode_slice_predicate', 'encode_truncate', 'insertion_call', 'is_own',
    'message_header', 'mutation_lengths', 'next_seqid', 'pack_key', 'reversed_order', 'scalar', 'slice_call',
]

IMPLEMENTATION = 'pure'
