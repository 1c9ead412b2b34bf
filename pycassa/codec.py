"""The codec's one switch: the compiled twin where it was built, the pure one elsewhere.

The environment variable PYCASSA_IMPL, read at import, chooses: `auto` (the default), `cython` or `pure`. A choice by
name that cannot be had raises. In auto only the absence of the compiled modules means pure: modules that are there
and do not import raise, because a broken build must not pass for a slow one.

What implementations offer is listed in __all__; the namespace of both is their module `protocol`.
"""
import importlib
import importlib.util
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pycassa.errors import ConfigurationError

if TYPE_CHECKING:
    from pycassa._pure.protocol import (
        BATCH_OVERHEAD,
        CONVERSION_ERRORS,
        ENTRY_OVERHEAD,
        IMPLEMENTATION,
        INCLUDE_TIMESTAMP,
        INCLUDE_TTL,
        LONG_WAY,
        PACK_ERRORS,
        Call,
        Cursor,
        Ears,
        Exchange,
        Layout,
        Scalar,
        Sender,
        Shelf,
        ShortWay,
    Ways,
        bytes_scalar,
        composite,
        decode_get,
        decode_get_count,
        decode_get_slice,
        decode_get_slice_items,
        decode_key_slices,
        decode_multiget_count,
        decode_multiget_slice,
        decode_void,
        dynamic_composite,
        encode_add,
        encode_batch,
        encode_deletion,
        encode_get,
        encode_get_count,
        encode_get_indexed_slices,
        encode_get_range_slices,
        encode_get_slice,
        encode_insert,
        encode_insertions,
        encode_key_range,
        encode_multiget_count,
        encode_multiget_slice,
        encode_names_predicate,
        encode_remove,
        encode_remove_counter,
        encode_rows,
        encode_slice_predicate,
        encode_truncate,
        insertion_call,
        is_own,
        message_header,
        mutation_lengths,
        next_seqid,
        pack_key,
        reversed_order,
        scalar,
        slice_call,
    )

__all__ = [
    'BATCH_OVERHEAD', 'CONVERSION_ERRORS', 'Call', 'Cursor', 'ENTRY_OVERHEAD', 'Ears', 'Exchange', 'IMPLEMENTATION',
    'INCLUDE_TIMESTAMP', 'INCLUDE_TTL', 'LONG_WAY', 'Layout', 'PACK_ERRORS', 'Scalar', 'Sender', 'Shelf', 'ShortWay',
    'Ways', 'bytes_scalar', 'composite', 'decode_get', 'decode_get_count', 'decode_get_slice', 'decode_get_slice_items',
    'decode_key_slices', 'decode_multiget_count', 'decode_multiget_slice', 'decode_void', 'dynamic_composite',
    'encode_add', 'encode_batch', 'encode_deletion', 'encode_get', 'encode_get_count', 'encode_get_indexed_slices',
    'encode_get_range_slices', 'encode_get_slice', 'encode_insert', 'encode_insertions', 'encode_key_range',
    'encode_multiget_count', 'encode_multiget_slice', 'encode_names_predicate', 'encode_remove',
    'encode_remove_counter', 'encode_rows', 'encode_slice_predicate', 'encode_truncate', 'implementation',
    'insertion_call', 'is_own', 'message_header', 'mutation_lengths', 'next_seqid', 'pack_key', 'reversed_order',
    'scalar', 'slice_call',
]

_PACKAGES = {'cython': 'pycassa._speedups', 'pure': 'pycassa._pure'}


def _is_compiled() -> bool:
    """Whether the compiled modules are there, working or not."""
    package = _PACKAGES['cython']
    return (importlib.util.find_spec(package) is not None
            and importlib.util.find_spec(package + '.protocol') is not None)


def _choose(wanted: str) -> str:
    if wanted not in ('auto', 'cython', 'pure'):
        raise ConfigurationError(f'PYCASSA_IMPL={wanted}: choose auto, cython or pure')
    if wanted == 'pure':
        return 'pure'
    compiled = _is_compiled()
    if wanted == 'cython' and not compiled:
        raise ConfigurationError('PYCASSA_IMPL=cython, but this installation has no compiled modules: install it '
                                 'where there is a C compiler (pip install --no-cache-dir --force-reinstall), or '
                                 'choose auto or pure')
    return 'cython' if compiled else 'pure'


def _load(name: str) -> ModuleType:
    package = _PACKAGES[name]
    module = importlib.import_module(package + '.protocol')
    missing = [each for each in __all__ if each != 'implementation' and not hasattr(module, each)]
    if missing:
        raise ImportError(f'{package} is of another version than this package: it lacks {", ".join(missing)}; '
                          'build it again')
    return module


_module = _load(_choose(os.environ.get('PYCASSA_IMPL', '').strip().lower() or 'auto'))
globals().update((name, getattr(_module, name)) for name in __all__ if name != 'implementation')


def implementation() -> str:
    """'cython' or 'pure': which implementation of the codec is running in this process."""
    return IMPLEMENTATION


def __getattr__(name: str) -> Any:
    """The server's side of the codec, which clients don't load: the names of the implementation's `serving`."""
    if not name.startswith('_'):
        serving = importlib.import_module('pycassa._pure.serving')
        if name in serving.__all__:
            return getattr(serving, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
