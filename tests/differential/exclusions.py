"""What is never asked of a server, because its answer is a defect that must not be copied, or a matter of luck.

Each exclusion is as narrow as can be, says for which profiles it holds, and what was seen.
"""
from typing import FrozenSet, NamedTuple, Sequence

__all__ = ['Exclusion']

ALL = ('1.2', '2.0', '2.1', '2.2', '3.0', '3.11')
OLD, TWO, THREE = ALL[:2], ALL[1:4], ALL[4:]
LATE_TWO = ALL[2:4]


class Exclusion(NamedTuple):
    """Requests that are not generated for some profiles."""

    profiles: FrozenSet[str]
    evidence: str

    def holds(self, profile: str) -> bool:
        return profile in self.profiles


def _exclusion(profiles: Sequence[str], evidence: str) -> Exclusion:
    return Exclusion(frozenset(profiles), evidence)


COUNTERS_AFTER_REMOVAL = _exclusion(
    OLD, 'Up to 2.0 it is a race by the millisecond whether an addition after a removal counts: two runs of one '
         'script gave 3 and 8.')
COUNTERS_AFTER_ROW_REMOVAL = _exclusion(
    THREE, 'A counter whose row, super column or range was removed comes back with the next addition, and with what it '
           'had before: 5, the removal, 3 gives 8. One that was itself removed stays away.')
NO_KEYS = _exclusion(
    THREE, 'multiget_slice and multiget_count of no keys close the connection.')
OPEN_RANGE_DELETIONS = _exclusion(
    TWO, 'An empty end of a deleted range is taken for a name, and a reversed range deletes its start only; 2.1 then '
         'fails an assertion while it flushes the memtable, and no schema change of that server ends any more.')
TOUCHING_RANGE_DELETIONS = _exclusion(
    TWO, 'Where two deleted ranges of a row overlap, they are cut so that they meet at a name. A slice that comes to '
         'that name goes by the first of them, one that begins there, or asks for the name, by the second: a column is '
         'shown by one read and not by the other. To delete a super column is to delete a range, too.')
FIRST_OF_UNKNOWN_FAMILIES = _exclusion(
    ALL, 'Which one of several unknown families of a batch is named goes by a hash map of the server.')
EMPTY_MUTATIONS = _exclusion(
    ALL[2:], 'A row that a batch names without storing anything is shown in ranges until the memtable is flushed, '
              'which the server does of its own, and whenever any family is dropped.')
REVERSED_SLICES_BESIDE_METADATA = _exclusion(
    THREE, 'A family with column_metadata answers a reversed slice with the defined columns first.')
REVERSED_SUPER_SLICES = _exclusion(
    THREE, 'A reversed slice of super columns reverses the subcolumns of each, too.')
SUBCOLUMN_COUNTS = _exclusion(
    THREE, 'get_count of subcolumns with a limit below their number, or of any columns with a negative one, is '
           'answered by TimedOutException.')
DELETED_INDEXED_ROWS = _exclusion(
    THREE, 'A read by an index returns a row that was once deleted as a whole, or whose defined columns were, even '
           'where the predicate spans no live defined column; other rows are then left out.')
BACKWARDS_COUNTS = _exclusion(
    THREE, 'get_count of a slice that ends before it begins fails an assertion (Slices.with), and the connection is '
           'closed.')
NEGATIVE_SUBCOLUMN_COUNTS = _exclusion(
    LATE_TWO, 'get_count of subcolumns with a negative limit closes the connection where the row has a deletion.')
PAGED_SLICES = _exclusion(
    THREE, 'get_paged_slice returns whole rows past its limit.')
PAGED_SPECIAL_SLICES = _exclusion(
    THREE, 'get_paged_slice of a super family shows its first row without columns, and of one with column_metadata the '
           'defined columns of the first row wherever it starts.')
PAGED_REVERSED_NAMES = _exclusion(
    THREE, 'get_paged_slice from a key and no column on, of a family of a ReversedType, shows its first row without '
           'columns.')
REVERSED_MULTI_SLICES = _exclusion(
    THREE, 'A reversed get_multi_slice returns nothing, or refuses open ends.')
OPEN_MULTI_SLICES = _exclusion(
    ('2.1', '2.2'), 'Several slices of a get_multi_slice with open ends fail an assertion where they overlap '
                    '(ColumnSlice.deoverlapSlices), and the connection is closed.')
COMPOSITE_PREFIXES_BESIDE_METADATA = _exclusion(
    ('2.1', '2.2'), 'Where a family of CompositeType has column_metadata, a name of fewer components than declared '
                    'ends in a ClassCastException (CompoundComposite to CellName), and the connection is closed.')
COUNTER_PREFIXES = _exclusion(
    THREE, 'An addition to a counter whose name has fewer components than its CompositeType ends in a '
           'NullPointerException (CounterCacheKey.makeCellName), and the call times out.')
COMPOSITE_FILTERS = _exclusion(
    ALL, 'Index expressions on a family of CompositeType fail an assertion up to 2.2 (ExtendedFilter: Sequential scan '
         'with filters is not supported), and the call times out; 3.x returns columns outside of the slice.')
FILTERS_BY_ODD_NAMES = _exclusion(
    THREE, 'An index expression on a column that is not defined, and whose name is no UTF-8, closes the connection '
           '(RowFilter$ThriftExpression.makeDefinition: String did not validate).')
FILTERS_ON_TOMBSTONES = _exclusion(
    ALL, 'A row filter compares the deletion time of a deleted column as if it were a value; in 3.x, a value of no '
         'bytes.')
REVERSED_FILTERS = _exclusion(
    THREE, 'A reversed slice of rows that a filter picks without an index returns the columns of its other end: of a '
           'to e, the last two are a and b.')
INDEXES_OF_ODD_NAMES = _exclusion(
    THREE, 'A read by an index with an open slice, or of names without the indexed one, compares what is no name: '
           'doubles, TimeUUIDs and DynamicCompositeType cannot do that (KeysSearcher.filterIfStale), and the call '
           'times out. Bytes and texts can, and are what is indexed.')
DEFINED_SUBCOLUMNS = _exclusion(
    THREE, 'Every slice of subcolumns shows the defined ones, wherever it begins and ends; read by name, they are not '
           'there, or the call times out.')
DEFINED_SUPER_COUNTERS = _exclusion(
    THREE, 'A super family of counters with column_metadata closes the connection (SuperColumnCompatibility).')
REVERSED_COMPONENTS = _exclusion(
    THREE, 'A slice of composite names that ends in a prefix with an end-of-component byte of 0 takes in the longer '
           'names where the next component is reversed, and only there.')
CAS_BESIDE_METADATA = _exclusion(
    THREE, 'A cas that is refused shows all defined columns of the row as present values, whichever were expected.')
SUPER_UPDATES = _exclusion(
    THREE, 'Every system_update_column_family of a super family closes the connection (SuperColumnCompatibility: '
           "Invalid super column table definition, no 'dynamic' map column).")
DEFINED_NAMES = _exclusion(
    ALL, 'Names in column_metadata are kept as text. Where two names have one text (numbers with leading zeros, '
         'decimals of negative scale, moments less than a minute apart, booleans), a definition comes to concern '
         'another name.')
REVERSED_COMPOSITES = _exclusion(
    ALL, 'A ReversedType of a CompositeType validates nothing: names of wrong components are stored, or the call times '
         'out, the connection is closed, and so it is with reads of that row from then on.')
COMMIT_LEVELS = _exclusion(
    ALL[1:], 'cas with a commit level that asks for more replicas than there are waits until it times out, and has '
             'written all the same.')
LONGEST_NAMES = _exclusion(
    ALL, 'In super families a name of 65535 bytes, which is not refused, fails while it is written, and the call times '
         'out.')
UNCHECKED_BOUNDS = _exclusion(
    ALL[1:], 'get_count, get_multi_slice and get_paged_slice do not validate the ends of slices: one that is no name '
             'of the family is compared as it comes, or closes the connection.')
NEGATIVE_MULTI_SLICES = _exclusion(
    ALL, 'A negative count of get_multi_slice closes the connection where the row is there, and returns nothing where '
         'it is not.')
LARGE_ROWS = _exclusion(
    LATE_TWO, 'A row key of 65535 bytes, the longest that there may be, makes any value too long for an index. And '
              'where a row of 64 KiB, its key included, was flushed, filters go by what a slice returns, no longer by '
              'the whole row (ExtendedFilter: "Expanding slice filter to entire row").')
NO_NAMES_OF_SUPER_COLUMNS = _exclusion(
    LATE_TWO, 'A predicate of no names at all times out on a row of a super family (SuperColumns asserts that there is '
              'a name).')
TTL_TIES_IN_BATCHES = _exclusion(
    LATE_TWO, 'Of two columns alike of which one expires, the one that was there stays; within one mutation the later '
              'one does where it comes next to it, and the earlier one where another column lies between.')
FILTERS_ON_COUNTERS = _exclusion(
    ALL, 'A row filter compares the bytes in which a counter is kept, shards and all; in 3.x the call times out.')
COLLIDING_NAMES = _exclusion(
    ALL, 'Names of one value in different bytes (an integer with and without leading zeros) are one column in a '
             'plain family. In super families, composites and counters the server shows both, or either.')
COLLIDING_NAMES_IN_BATCHES = _exclusion(
    LATE_TWO, 'In one mutation of a row, names of one value in different bytes stay two columns, by the order in which '
              'they come, and both are shown (ArrayBackedSortedColumns.appendOrReconcile compares their bytes).')
COLLIDING_DEFINED_NAMES = _exclusion(
    LATE_TWO, 'What is written to a defined column by its name in other bytes is not validated by the definition, and '
              'yet goes into its index and is compared by filters; where its type cannot compare it, the call times '
              'out.')
COLLIDING_PLAIN_NAMES = _exclusion(
    THREE, 'In plain families, too, cas finds a column by the bytes of its name only, and reads by its value.')
RANGE_DELETIONS_BESIDE_METADATA = _exclusion(
    THREE, 'Columns of column_metadata are kept apart (as static ones), and no deleted range reaches them.')
CHANGED_VALIDATORS = _exclusion(
    THREE, 'Values that were stored under another validator fail an assertion when they are read (Expected exactly 8 '
           'bytes, but was 1), and the call times out.')
ZERO_COUNTS = _exclusion(
    THREE, 'A slice of no columns over a row with a deleted range is answered by TimedOutException.')
WRAPPING_PAGES = _exclusion(
    ALL, 'get_paged_slice over a range that wraps round the ring counts anew after the wrap, past its limit; 3.x '
         'closes the connection.')
FILTERS_ON_SUPER_FAMILIES = _exclusion(
    ALL[2:], 'Index expressions on a super family close the connection, or say something by chance where a '
                    'name can be read as a super column and a subcolumn.')
REVERSED_SUBCOMPARATORS = _exclusion(
    THREE, 'A super family whose subcolumns are sorted by a ReversedType closes the connection, and so does every '
           'change of that keyspace from then on.')
COMPOSITES_WITH_METADATA = _exclusion(
    THREE, 'A family of CompositeType with column_metadata takes the last component for the name of a CQL column: '
           'names are refused that older servers take (No column name component found in cell name).')
ORDERS_OF_DEFINED_NAMES = _exclusion(
    THREE, 'Columns of column_metadata come in the order of their bytes, of which the first is signed, whatever the '
           'comparator: b before a in a reversed family, or 7f before 80 among bytes, come the other way round.')
SIZES_BESIDE_FIXED_ONES = _exclusion(
    THREE, 'A defined column is taken for one of default_validation_class: where that has values of one size (dates), '
           'a value of another fails an assertion when it is read (AbstractType.writeValue), and the call times out.')
SMALLEST_TIMESTAMP = _exclusion(
    ALL[1:], 'A column of the timestamp -2**63 is stored and cannot be read.')
