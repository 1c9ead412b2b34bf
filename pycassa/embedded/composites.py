"""CompositeType and DynamicCompositeType: names made of components, each with an end-of-component byte.

A component is a u16 length, the bytes, and the end-of-component byte (signed: -1 before, 0 at, 1 after everything that
starts with the components so far). A dynamic component is led by a u16 header: 0x8000 | alias, or the length of a type
name that follows.
"""
from typing import Any, Callable, Iterator, List, Mapping, Sequence, Tuple

from pycassa.embedded.comparators import PACKAGE, MarshalError, Type

__all__ = ['composite_type', 'dynamic_composite_type']

_STORED_EOC = 'the end-of-component byte of a stored composite name must be 0 (got {} in component {})'


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _split(raw: bytes, pos: int, index: int, check: Callable[[bytes], Any] = bytes) -> Tuple[bytes, int, int]:
    """(component, signed end-of-component, position after it) of the component that starts at `pos`.

    `check` raises MarshalError for a component that is not of its type, which comes before what follows it.
    """
    size = len(raw)
    if pos + 2 > size:
        raise MarshalError(f'Not enough bytes to read value size of component {index}')
    end = pos + 2 + (raw[pos] << 8 | raw[pos + 1])
    if end > size:
        raise MarshalError(f'Not enough bytes to read value of component {index}')
    component = raw[pos + 2:end]
    check(component)
    if end == size:
        raise MarshalError(f'Not enough bytes to read the end-of-component byte of component{index}')
    if raw[end] and end + 1 < size:
        raise MarshalError(f'Invalid bytes remaining after an end-of-component at component{index}')
    return component, _signed(raw[end]), end + 1


def _escape(text: str) -> str:
    return text.replace('\\', '\\\\').replace(':', '\\:')


def _eoc_text(eoc: int) -> str:
    return ':!' if eoc > 0 else ':_' if eoc < 0 else ''


def composite_type(components: Sequence[Type]) -> Type:
    """CompositeType(T1, …, Tn). Names may have fewer components than declared."""
    parts = tuple(components)
    keys: Tuple[Callable[[bytes], Any], ...] = tuple(part.sort_key if part.key is None else part.key
                                                     for part in parts)

    def check(raw: bytes) -> None:
        for _ in _walk(raw):
            pass

    def _walk(raw: bytes) -> Iterator[Tuple[int, bytes, int]]:
        pos = index = 0
        while pos < len(raw):
            if index == len(parts):
                raise MarshalError('Too many bytes for comparator')
            component, eoc, pos = _split(raw, pos, index, parts[index].validate)
            yield index, component, eoc
            index += 1

    def check_stored(raw: bytes) -> None:
        for index, _, eoc in _walk(raw):
            if eoc:
                raise MarshalError(_STORED_EOC.format(eoc, index))

    def key(raw: bytes) -> Any:
        out: List[Any] = []
        pos = index = 0
        size = len(raw)
        while pos < size:
            end = pos + 2 + (raw[pos] << 8 | raw[pos + 1])
            out.append(keys[index](raw[pos + 2:end]))
            out.append(_signed(raw[end]))
            pos = end + 1
            index += 1
        return tuple(out)

    def text(raw: bytes) -> str:
        out: List[str] = []
        end = ''
        for index, component, eoc in _walk(raw):
            out.append(_escape(parts[index].text(component)))
            end = _eoc_text(eoc)
        return ':'.join(out) + end

    return Type('CompositeType', full_name=f'{PACKAGE}CompositeType({",".join(part.full_name for part in parts)})',
                check=check, key=key, text=text, check_stored=check_stored,
                parts=dict(enumerate(parts)))


def dynamic_composite_type(aliases: Mapping[str, Type], parse: Callable[[str], Type]) -> Type:
    """DynamicCompositeType(a=>T, …). `parse` reads the type names that components may carry instead of an alias."""

    def header(raw: bytes, pos: int, index: int) -> Tuple[Type, str, int]:
        if pos + 2 > len(raw):
            raise MarshalError(f'Not enough bytes to header of the comparator part of component {index}')
        word = raw[pos] << 8 | raw[pos + 1]
        pos += 2
        if word & 0x8000:
            alias = chr(word & 0xFF)
            if alias not in aliases:
                raise MarshalError(f'Cannot find comparator for component {index}')
            return aliases[alias], alias, pos
        if pos + word > len(raw):
            raise MarshalError(f'Not enough bytes to read comparator name of component {index}')
        name = raw[pos:pos + word].decode('utf-8', 'replace')
        try:
            return parse(name), name, pos + word
        except (ValueError, LookupError):
            raise MarshalError(f'Cannot find comparator for component {index}') from None

    def walk(raw: bytes) -> Iterator[Tuple[Type, str, bytes, int, int]]:
        pos = index = 0
        while pos < len(raw):
            part, label, pos = header(raw, pos, index)
            component, eoc, pos = _split(raw, pos, index, part.validate)
            yield part, label, component, eoc, index
            index += 1

    def check(raw: bytes) -> None:
        for _ in walk(raw):
            pass

    def check_stored(raw: bytes) -> None:
        for _, _, _, eoc, index in walk(raw):
            if eoc:
                raise MarshalError(_STORED_EOC.format(eoc, index))

    def key(raw: bytes) -> Any:
        out: List[Any] = []
        for part, _, component, eoc, _ in walk(raw):
            # Unlike types sort by class name; two reversed ones by what they reverse.
            out.append((part.name, part.base.name if part.base is not None else ''))
            out.append(part.sort_key(component))
            out.append(eoc)
        return tuple(out)

    def text(raw: bytes) -> str:
        out: List[str] = []
        end = ''
        for part, label, component, eoc, _ in walk(raw):
            out.append(f'{label}@{_escape(part.text(component))}')
            end = _eoc_text(eoc)
        return ':'.join(out) + end

    listed = ','.join(f'{alias}=>{aliases[alias].full_name}' for alias in sorted(aliases))
    return Type('DynamicCompositeType', full_name=f'{PACKAGE}DynamicCompositeType({listed})', check=check, key=key,
                text=text, check_stored=check_stored, parts=dict(aliases))
