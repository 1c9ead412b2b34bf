"""Class names of abstract types: `UTF8Type`, `CompositeType(LongType,UTF8Type)`, `LongType(reversed=true)`, ..."""
import functools
from typing import Dict, List, Mapping, Optional, Tuple

from pycassa.embedded.comparators import PACKAGE, Type, reversed_type, simple_types
from pycassa.embedded.composites import composite_type, dynamic_composite_type
from pycassa.embedded.profiles import Profile

__all__ = ['TypeSyntaxError', 'Types', 'UnknownType']

_MAX_DEPTH = 32
_OF_TYPES = ('CompositeType', 'ReversedType')


class UnknownType(LookupError):
    """No such class; the text is the server's."""


class TypeSyntaxError(ValueError):
    """The text is not a type; the text of the error is the server's, or says what is wrong."""


class InvalidDefinition(TypeSyntaxError):
    """A type cannot be made of its arguments; servers name the outermost such type only."""

    def __init__(self, full_name: str) -> None:
        super().__init__(f'Invalid definition for comparator {full_name}.')


class TooDeep(TypeSyntaxError):
    """More types within types than anything needs."""


class Types:
    """The types of one server profile; parsed ones are kept."""

    def __init__(self, profile: Profile) -> None:
        self._simple = simple_types(profile)
        self._empty_first = profile.release < (2, 1)
        # Cassandra 3.x puts the later type in place of the older one, but in dynamic composites.
        self._replaced: Mapping[str, str] = {'DateType': 'TimestampType'} if profile.release >= (3, 0) else {}
        self._known: Dict[Tuple[str, bool], Type] = {}

    def parse(self, text: Optional[str], as_written: bool = False) -> Type:
        """The type that `text` names; empty or None is BytesType. Raises UnknownType, TypeSyntaxError.

        `as_written` keeps types that the profile's servers put another one in place of.
        """
        if not text:
            return self._simple['BytesType']
        known = self._known.get((text, as_written))
        if known is None:
            known, _ = self._read(text, 0, 0, as_written)       # servers do not look at what follows
            if len(self._known) < 1000:
                self._known[text, as_written] = known
        return known

    def _read(self, text: str, pos: int, depth: int, as_written: bool) -> Tuple[Type, int]:
        if depth > _MAX_DEPTH:
            raise TooDeep(f"'{text[:60]}…' nests types more than {_MAX_DEPTH} deep")
        start = pos = _skip(text, pos)
        while pos < len(text) and (text[pos].isalnum() or text[pos] in '._-+&'):
            pos += 1
        name = text[start:pos]
        pos = _skip(text, pos)
        arguments: Optional[List[Tuple[str, str, Type]]] = None
        if text[pos:pos + 1] == '(':
            as_written = as_written or name.endswith('DynamicCompositeType')
            try:
                arguments, pos = self._arguments(text, pos + 1, depth, as_written, name.endswith(_OF_TYPES))
            except (UnknownType, TypeSyntaxError) as error:
                if not name.endswith(_OF_TYPES) or isinstance(error, TooDeep):
                    raise
                raise InvalidDefinition(_full(name)) from None
        return self._build(name, arguments, as_written), pos

    def _arguments(self, text: str, pos: int, depth: int, as_written: bool,
                   of_types: bool) -> Tuple[List[Tuple[str, str, Type]], int]:
        """[(label, option value, type)] up to the closing bracket; label is an alias, an option's name or ''.

        `of_types` tells that what has no label is a type, else an option.
        """
        found: List[Tuple[str, str, Type]] = []
        while True:
            pos = _skip(text, pos)
            if pos >= len(text):
                raise TypeSyntaxError(f"Syntax error parsing '{text}' at char {pos}: unexpected end of string")
            if text[pos] == ')':
                return found, pos + 1
            if text[pos] == ',':
                pos += 1
                continue
            label, after = _word(text, pos)
            if text[after:after + 2] == '=>':
                part, pos = self._read(text, after + 2, depth + 1, as_written)
                found.append((label, '', part))
            elif text[after:after + 1] == '=':
                option, pos = _word(text, _skip(text, after + 1))
                found.append((label, option, self._simple['BytesType']))
            elif after == pos:
                raise TypeSyntaxError(f"Syntax error parsing '{text}' at char {pos}: unexpected character "
                                      f"'{text[pos]}'")
            elif not of_types:
                found.append((label, 'false', self._simple['BytesType']))
                pos = after
            else:
                part, pos = self._read(text, pos, depth + 1, as_written)
                found.append(('', '', part))

    def _build(self, name: str, arguments: Optional[List[Tuple[str, str, Type]]], as_written: bool) -> Type:
        full = _full(name)
        simple = full[len(PACKAGE):] if full.startswith(PACKAGE) else ''
        parts = [part for _, _, part in arguments or ()]
        if simple == 'CompositeType':
            if not parts:
                raise InvalidDefinition(full)
            return composite_type(parts)
        if simple == 'DynamicCompositeType':
            for label, _, _ in arguments or ():
                if len(label) != 1:
                    raise InvalidDefinition(full)
            return dynamic_composite_type({label: part for label, _, part in arguments or ()},
                                          functools.partial(self.parse, as_written=True))
        if simple == 'ReversedType':
            if len(parts) != 1:
                raise InvalidDefinition(full)
            return reversed_type(parts[0], self._empty_first)
        known = self._simple.get(simple if as_written else self._replaced.get(simple, simple))
        if known is None:
            raise UnknownType(f"Unable to find abstract-type class '{full}'")
        options = {label: value for label, value, _ in arguments or ()}
        if options.get('reversed', 'false').lower() in ('true', ''):
            return reversed_type(known, self._empty_first)
        return known


def _full(name: str) -> str:
    return name if '.' in name else PACKAGE + name


def _skip(text: str, pos: int) -> int:
    while pos < len(text) and text[pos] in ' \t\n':
        pos += 1
    return pos


def _word(text: str, pos: int) -> Tuple[str, int]:
    start = pos
    while pos < len(text) and (text[pos].isalnum() or text[pos] in '._-+&'):
        pos += 1
    word = text[start:pos]
    return word, _skip(text, pos)
