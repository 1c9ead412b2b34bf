"""Checks of keys, names, paths and predicates before a call touches the storage, in the server's order and words."""
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from pycassa.embedded.comparators import MAX_NAME, MarshalError, NoOrder, Type
from pycassa.embedded.indexes import Matcher
from pycassa.embedded.messages import Wording, refuse
from pycassa.embedded.partitioners import Partitioner, TokenError
from pycassa.embedded.profiles import Profile
from pycassa.embedded.schema import Family, Keyspace

__all__ = ['MAX_KEY', 'Slice', 'Predicate', 'Validation']

MAX_KEY = 65535
Slice = Tuple[bytes, bytes, bool, int]
Predicate = Tuple[Optional[Sequence[bytes]], Optional[Slice]]
Expressions = Sequence[Tuple[bytes, int, bytes]]


class Validation:
    """The checks of one server profile. Every method raises InvalidRequestException with the server's text."""

    def __init__(self, profile: Profile, partitioner: Partitioner) -> None:
        self._profile = profile
        self._partitioner = partitioner
        self._words = Wording(profile)

    # --- families, keys, names -----------------------------------------------------------------------------------

    def family(self, keyspaces: Mapping[str, Keyspace], keyspace: str, name: str,
               counter: Optional[bool] = None) -> Family:
        """The family of a name; `counter` demands or forbids a counter family."""
        held = keyspaces.get(keyspace)
        if held is None:
            refuse(f'Keyspace {keyspace} does not exist')
        family = held.families.get(name)
        if family is None:
            if not name:
                refuse(f'non-empty {self._words.joined} is required')
            refuse(f'unconfigured {self._words.joined} {name}')
        if counter is not None and counter is not family.is_counter:
            self.counter_mismatch(family)
        return family

    def counter_mismatch(self, family: Family) -> None:
        """Refuses a counter operation on a plain family, or the other way round."""
        kind = 'commutative' if family.is_counter else 'non commutative'
        refuse(f'invalid operation for {kind} {self._words.joined} {family.name}')

    def key(self, family: Family, key: Optional[bytes]) -> None:
        """Row keys: 1 to 65535 bytes of the key's type."""
        if not key:
            refuse('Key may not be empty')
        if len(key) > MAX_KEY:
            refuse(f'Key length of {len(key)} is longer than maximum of {MAX_KEY}')
        if family.key_check is not None:
            try:
                family.key_check(key)
            except MarshalError as error:
                refuse(str(error))

    def name(self, type_: Type, name: bytes) -> None:
        """A column name, or a super column's."""
        if len(name) > MAX_NAME:
            refuse(f'column name length must not be greater than {MAX_NAME}')
        if not name:
            refuse('column name must not be empty')
        if type_.check is not None:
            try:
                type_.check(name)
            except MarshalError as error:
                refuse(str(error))

    def stored_name(self, type_: Type, name: bytes) -> None:
        """A name that is about to be written: bounds may be more than names are."""
        self.name(type_, name)
        if type_.check_stored is not None:
            try:
                type_.check_stored(name)
            except MarshalError as error:
                refuse(str(error))

    def names(self, family: Family, super_column: Optional[bytes], names: Sequence[bytes]) -> None:
        """Column names below a super column, or at the top of the row."""
        if super_column is not None:
            if len(super_column) > MAX_NAME:
                refuse(f'supercolumn name length must not be greater than {MAX_NAME}')
            if not super_column:
                refuse('supercolumn name must not be empty')
            if not family.is_super:
                refuse(f'supercolumn specified to {self._words.capital} {family.name} containing normal columns')
        type_ = self.names_type(family, super_column)
        for name in names:
            self.name(type_, name)

    def names_type(self, family: Family, super_column: Optional[bytes]) -> Type:
        """The comparator of names below a super column, or at the top of the row."""
        return family.comparator if super_column is None else family.column_type

    # --- paths ---------------------------------------------------------------------------------------------------

    def path(self, family: Family, super_column: Optional[bytes], column: Optional[bytes]) -> None:
        """A ColumnPath that names one column or super column."""
        if not family.is_super:
            if super_column is not None:
                refuse(f'supercolumn parameter is invalid for standard CF {family.name}')
            if column is None:
                refuse(f'column parameter is not optional for standard CF {family.name}')
        elif super_column is None:
            refuse(f'supercolumn parameter is not optional for super CF {family.name}')
        if column is not None:
            self.names(family, super_column, (column,))
        if super_column is not None:
            self.names(family, None, (super_column,))

    def path_or_parent(self, family: Family, super_column: Optional[bytes], column: Optional[bytes]) -> None:
        """The ColumnPath of a removal."""
        if not family.is_super:
            if super_column is not None:
                refuse(f'supercolumn may not be specified for standard CF {family.name}')
        elif super_column is None and column is not None:
            refuse('A column cannot be specified without specifying a super column for removal on super CF '
                   f'{family.name}')
        if column is not None:
            self.names(family, super_column, (column,))
        if super_column is not None:
            self.names(family, None, (super_column,))

    def parent(self, family: Family, super_column: Optional[bytes]) -> None:
        """The ColumnParent of a read or an insertion."""
        if super_column is None:
            return
        if not family.is_super:
            refuse(f'{self._words.joined} alone is required for standard CF {family.name}')
        self.names(family, None, (super_column,))

    # --- predicates ----------------------------------------------------------------------------------------------

    def predicate(self, family: Family, super_column: Optional[bytes], predicate: Predicate) -> None:
        """The SlicePredicate of a read."""
        names, slice_range = predicate
        if names is None and slice_range is None:
            refuse('predicate column_names and slice_range may not both be null')
        if names is not None and slice_range is not None:
            refuse('predicate column_names and slice_range may not both be present')
        if slice_range is not None:
            self.slice(self.names_type(family, super_column), slice_range)
        else:
            self.names(family, super_column, names or ())

    def deletion_predicate(self, family: Family, super_column: Optional[bytes], predicate: Predicate) -> None:
        """The SlicePredicate of a Deletion."""
        names, slice_range = predicate
        if names is None and slice_range is None:
            refuse('A SlicePredicate must be given a list of Columns, a SliceRange, or both')
        if slice_range is not None:
            self.slice(self.names_type(family, super_column), slice_range)
        if names is not None:
            self.names(family, super_column, names)

    def slice(self, type_: Type, slice_range: Slice) -> None:
        """A SliceRange over names of a type."""
        start, finish, backwards, count = slice_range
        if count < 0:
            refuse('get_slice requires non-negative count')
        if len(start) > MAX_NAME:
            refuse(f'range start length cannot be larger than {MAX_NAME}')
        if len(finish) > MAX_NAME:
            refuse(f'range finish length cannot be larger than {MAX_NAME}')
        try:
            type_.validate(start)
            type_.validate(finish)
            if start and finish:
                first, last = type_.sort_key(start), type_.sort_key(finish)
                if (first < last) if backwards else (last < first):
                    refuse('range finish must come after start in the order of traversal')
        except (MarshalError, NoOrder) as error:
            refuse(str(error))

    # --- key ranges and index clauses ----------------------------------------------------------------------------

    def spans(self, start_key: Optional[bytes], end_key: Optional[bytes], start_token: Optional[str],
              end_token: Optional[str]) -> List[Tuple[Any, Any]]:
        """The spans of ring positions of a KeyRange's ends, in the order of the answer (see Rows.scan)."""
        if (start_key is None) is (start_token is None) or (end_key is None) is (end_token is None):
            refuse('exactly one each of {start key, start token} and {end key, end token} must be specified')
        if start_key is None and end_key is not None:
            refuse('start token + end key is not a supported key range')
        if start_key is None:
            return self._token_spans(self.token(start_token), self.token(end_token))
        ring = self._partitioner
        first = ring.position(start_key) if start_key else None
        if end_key is not None:
            self._check_keys(start_key, end_key)
            return [(first, ring.after(end_key) if end_key else None)]
        end = self.token(end_token)
        if end == ring.minimum:
            return [(first, None)]
        last = ring.ceiling(end)
        if first is not None and last <= first:
            refuse("Start key's token sorts after end token")
        return [(first, last)]

    def token(self, text: Optional[str]) -> Any:
        """The token that a client spells."""
        try:
            return self._partitioner.parse(text or '')
        except TokenError as error:
            refuse(str(error))

    def _check_keys(self, start_key: bytes, end_key: bytes) -> None:
        ring = self._partitioner
        if end_key and ring.token(start_key) > ring.token(end_key):
            if ring.ordered:
                refuse('start key must sort before (or equal to) finish key in your partitioner!')
            refuse("start key's token sorts after end key's token.  this is not allowed; you probably should not "
                   'specify end key at all except with an ordered partitioner')

    def _token_spans(self, start: Any, end: Any) -> List[Tuple[Any, Any]]:
        ring = self._partitioner
        first = None if start == ring.minimum else ring.ceiling(start)
        if end == ring.minimum:
            return [(first, None)]
        last = ring.ceiling(end)
        if end <= start:
            return [(first, None), (None, last)]
        return [(first, last)]

    def filter(self, family: Family, expressions: Optional[Expressions]) -> Optional[Matcher]:
        """The Matcher of index expressions (none: None)."""
        return Matcher(self._tests(family, expressions)) if expressions else None

    def _tests(self, family: Family, expressions: Expressions) -> List[Any]:
        if family.is_super:
            refuse('super columns are not supported for indexing')
        if family.is_counter:
            self.counter_mismatch(family)
        return self.expressions(family, expressions)

    def expressions(self, family: Family, expressions: Expressions) -> List[Any]:
        """The tests of index expressions (see Matcher), each of which is found valid."""
        tests = []
        for name, operator, value in expressions:
            label = f'[{name.hex()}]=[{value.hex()}]'
            try:
                family.comparator.validate(name)
                sort_key = family.comparator.sort_key(name)
            except (MarshalError, NoOrder) as error:
                refuse(f'{label} failed name validation ({error})')
            if len(value) > 0xFFFF:
                refuse('Index expression values may not be larger than 64K')
            type_ = family.validator(name)
            try:
                type_.validate(value)
            except MarshalError as error:
                refuse(f'{label} failed value validation ({error})')
            tests.append((sort_key, operator, type_.value_key, type_.value_key(value)))
        return tests

    def index_clause(self, family: Family, expressions: Expressions) -> Tuple[Matcher, bytes, Any]:
        """(matcher, value, index) of an IndexClause: the index of an EQ expression and the value to look up.

        The matcher is of the other expressions.
        """
        if not expressions:
            refuse('index clause list may not be empty')
        tests = self._tests(family, expressions)
        for place, (name, operator, value) in enumerate(expressions):
            index = family.indexes.get(family.comparator.sort_key(name))
            if operator == 0 and index is not None:
                return Matcher(tests[:place] + tests[place + 1:]), value, index
        refuse('No indexed columns present in index clause with operator EQ')
