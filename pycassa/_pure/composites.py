"""Composites of the pure twin: names of several components, their ends in slices included."""
import struct
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from pycassa._pure.packing import PACK_ERRORS, Scalar, scalar

__all__ = ['component_error', 'composite', 'dynamic_composite', 'truncated']

_u16 = struct.Struct('>H').pack
_encode = str.encode

# End of component. In stored names it is 0; in a slice's end it puts the end before or after all names that begin
# with the components given.
_EXACTLY, _BEFORE, _AFTER = b'\0', b'\xff', b'\1'
_COMPOSITES = ('CompositeType', 'DynamicCompositeType')


def _items(value: Any) -> Sequence[Any]:
    """The components of a name: a tuple or list; any other value is a first component alone."""
    return value if isinstance(value, (tuple, list)) else (value,)


def component_error(index: int, name: str, error: Exception) -> Exception:
    kind = TypeError if isinstance(error, (TypeError, struct.error)) else ValueError
    return kind(f'component {index} ({name}): {error}')


def _length(data: bytes) -> bytes:
    try:
        return _u16(len(data))
    except struct.error:
        raise ValueError(f'{len(data)} bytes are more than the 65535 that a component holds') from None


def _end(last: Any, nested: bool, is_start: bool) -> Tuple[Any, bytes]:
    """The last component of a slice's end without its mark of inclusion, and its end-of-component byte."""
    inclusive = True
    if isinstance(last, tuple) and len(last) == 2 and isinstance(last[1], bool) and (
            not nested or isinstance(last[0], (tuple, list))):
        last, inclusive = last
    return last, _BEFORE if is_start == inclusive else _AFTER


def _blamed(packs: Sequence[Callable[[Any], bytes]], names: Sequence[str], items: Sequence[Any],
            error: Exception) -> Exception:
    """The error of packing `items`, with the component that it is about."""
    for index, (pack, item) in enumerate(zip(packs, items)):
        try:
            _length(pack(item))
        except PACK_ERRORS as again:
            return component_error(index, names[index], again)
    return error


def truncated(data: bytes, pos: int) -> ValueError:
    return ValueError(f'a composite of {len(data)} bytes ends inside the component at byte {pos}')


def composite(components: Sequence[Scalar]) -> Scalar:
    """CompositeType: names of several components, each of its own type; tuples or lists in, tuples out.

    Fewer components than declared are a prefix. A slice's ends are inclusive of everything that begins with the
    components given; a last component written as (value, False) makes its end exclusive. Errors name the component.
    """
    packs = tuple(each.pack for each in components)
    unpacks = tuple(each.unpack for each in components)
    names = tuple(each.name for each in components)
    nested = tuple(name in _COMPOSITES for name in names)
    # A composite inside takes an end mark only where it is last; before that, it has to match exactly.
    leading = tuple((lambda value, is_start, pack=each.pack: pack(value)) if inner else each.pack_bound
                    for each, inner in zip(components, nested))
    bounds = tuple(each.pack_bound for each in components)

    def check(items: Sequence[Any]) -> None:
        if len(items) > len(packs):
            raise TypeError(f'{len(items)} components were given for a CompositeType of {len(packs)}')

    def pack(value: Any) -> bytes:
        items = value if value.__class__ is tuple else _items(value)
        if len(items) > len(packs):
            check(items)
        data = b''
        try:
            for pack_item, item in zip(packs, items):
                packed = pack_item(item)
                data += _u16(len(packed)) + packed + _EXACTLY
        except PACK_ERRORS as error:
            raise _blamed(packs, names, items, error) from error
        return data

    def pack_bound(value: Any, is_start: bool) -> bytes:
        items = list(_items(value))
        check(items)
        if not items:
            return b''
        final = len(items) - 1
        items[final], mark = _end(items[final], nested[final], is_start)
        parts: List[bytes] = []
        try:
            for index, item in enumerate(items):
                data = (bounds if index == final else leading)[index](item, mark is _BEFORE)
                parts += (_length(data), data, mark if index == final else _EXACTLY)
        except PACK_ERRORS as error:
            index = len(parts) // 3
            raise component_error(index, names[index], error) from error
        return b''.join(parts)

    def unpack(data: bytes) -> Tuple[Any, ...]:
        values: List[Any] = []
        pos, size = 0, len(data)
        for unpack_item in unpacks:
            if pos == size:
                break
            start = pos + 2
            # The end-of-component byte is at `end`.
            end = start + (data[pos] << 8 | data[pos + 1]) if start < size else size
            if end >= size:
                raise truncated(data, pos)
            try:
                values.append(unpack_item(data[start:end]))
            except ValueError as error:
                raise component_error(len(values), names[len(values)], error) from error
            pos = end + 1
        if pos != size:
            raise ValueError(f'{size - pos} bytes follow the last component of a CompositeType of {len(packs)}')
        return tuple(values)
    return Scalar('CompositeType', pack, unpack, pack_bound)


def dynamic_composite(aliases: Mapping[str, Scalar], resolve: Callable[[str], Scalar] = scalar) -> Scalar:
    """DynamicCompositeType: each component brings its type; ((alias or type name, value), ...) in and out.

    One character is an alias of `aliases`; anything longer is a type's name, whose Scalar `resolve` finds (KeyError
    when it does not). A slice's ends are inclusive; a last component ((type, value), False) makes its end exclusive.
    """
    def typed(item: Any) -> Tuple[str, Any]:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise TypeError('a component of a DynamicCompositeType is a pair (alias or type name, value)')
        return item[0], item[1]

    def find(name: str) -> Tuple[bytes, Scalar]:
        try:
            if len(name) == 1:
                return b'\x80' + _encode(name, 'latin-1'), aliases[name]
            data = _encode(name)
            return _u16(len(data)) + data, resolve(name)
        except KeyError:
            raise ValueError(f'{name!r} is no {"alias" if len(name) == 1 else "type"} of this '
                             'DynamicCompositeType') from None

    def build(items: Sequence[Any], is_start: Optional[bool], mark: bytes) -> bytes:
        parts: List[bytes] = []
        final = len(items) - 1
        try:
            for index, item in enumerate(items):
                name, value = typed(item)
                header, kind = find(name)
                if is_start is None or (index != final and kind.name in _COMPOSITES):
                    data = kind.pack(value)
                else:
                    data = kind.pack_bound(value, mark is _BEFORE)
                parts += (header, _length(data), data, mark if index == final else _EXACTLY)
        except PACK_ERRORS as error:
            raise component_error(len(parts) // 4, 'of a DynamicCompositeType', error) from error
        return b''.join(parts)

    def pack(value: Any) -> bytes:
        return build(_items(value), None, _EXACTLY)

    def pack_bound(value: Any, is_start: bool) -> bytes:
        items = list(_items(value))
        if not items:
            return b''
        items[-1], mark = _end(items[-1], True, is_start)
        return build(items, is_start, mark)

    def header_at(data: bytes, pos: int) -> Tuple[str, Scalar, int]:
        if len(data) < pos + 2:
            raise truncated(data, pos)
        if data[pos] & 0x80:
            name, end = chr(data[pos + 1]), pos + 2
        else:
            end = pos + 2 + (data[pos] << 8 | data[pos + 1])
            name = data[pos + 2:end].decode()
        return name, find(name)[1], end

    def unpack(data: bytes) -> Tuple[Tuple[str, Any], ...]:
        values: List[Tuple[str, Any]] = []
        pos = 0
        while pos < len(data):
            name, kind, start = header_at(data, pos)
            start += 2
            end = start + int.from_bytes(data[start - 2:start], 'big')
            if end >= len(data):
                raise truncated(data, pos)
            try:
                values.append((name, kind.unpack(data[start:end])))
            except ValueError as error:
                raise component_error(len(values), name, error) from error
            pos = end + 1
        return tuple(values)
    return Scalar('DynamicCompositeType', pack, unpack, pack_bound)
