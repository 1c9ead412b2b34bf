/*
 * The Thrift interface of Apache Cassandra, API 20.1.0 (servers 2.2 to 3.11), written for this project.
 *
 * One definition serves every server from 1.2 on: a server skips the fields that it does not know, and all that came
 * later is optional. Whatever a user stores (keys, names, values) is `binary`; text of the schema is `string`.
 * Field ids 4, 7, 10, 35 and 36 of CfDef belonged to pre-releases and stay unused.
 *
 * The bindings beside this file are generated; see CONTRIBUTING in README.md for the command.
 */

namespace java org.apache.cassandra.thrift
namespace py cassandra

const string VERSION = "20.1.0"

// Enums travel as i32; a server reads a value that it does not know as an absent field.

enum ConsistencyLevel {
  ONE = 1,
  QUORUM = 2,
  LOCAL_QUORUM = 3,
  EACH_QUORUM = 4,
  ALL = 5,
  ANY = 6,
  TWO = 7,
  THREE = 8,
  SERIAL = 9,
  LOCAL_SERIAL = 10,
  LOCAL_ONE = 11,
}

enum IndexOperator {
  EQ = 0,
  GTE = 1,
  GT = 2,
  LTE = 3,
  LT = 4,
}

enum IndexType {
  KEYS = 0,
  CUSTOM = 1,
  COMPOSITES = 2,
}

enum Compression {
  GZIP = 1,
  NONE = 2,
}

enum CqlResultType {
  ROWS = 1,
  VOID = 2,
  INT = 3,
}

struct Column {
  1: required binary name,
  2: optional binary value,
  3: optional i64 timestamp,
  4: optional i32 ttl,
}

struct SuperColumn {
  1: required binary name,
  2: required list<Column> columns,
}

struct CounterColumn {
  1: required binary name,
  2: required i64 value,
}

struct CounterSuperColumn {
  1: required binary name,
  2: required list<CounterColumn> columns,
}

struct ColumnOrSuperColumn {
  1: optional Column column,
  2: optional SuperColumn super_column,
  3: optional CounterColumn counter_column,
  4: optional CounterSuperColumn counter_super_column,
}

struct ColumnParent {
  3: required string column_family,
  4: optional binary super_column,
}

struct ColumnPath {
  3: required string column_family,
  4: optional binary super_column,
  5: optional binary column,
}

struct SliceRange {
  1: required binary start,
  2: required binary finish,
  3: required bool reversed = false,
  4: required i32 count = 100,
}

struct SlicePredicate {
  1: optional list<binary> column_names,
  2: optional SliceRange slice_range,
}

struct IndexExpression {
  1: required binary column_name,
  2: required IndexOperator op,
  3: required binary value,
}

struct IndexClause {
  1: required list<IndexExpression> expressions,
  2: required binary start_key,
  3: required i32 count = 100,
}

struct KeyRange {
  1: optional binary start_key,
  2: optional binary end_key,
  3: optional string start_token,
  4: optional string end_token,
  6: optional list<IndexExpression> row_filter,
  5: required i32 count = 100,
}

struct KeySlice {
  1: required binary key,
  2: required list<ColumnOrSuperColumn> columns,
}

struct KeyCount {
  1: required binary key,
  2: required i32 count,
}

struct Deletion {
  1: optional i64 timestamp,
  2: optional binary super_column,
  3: optional SlicePredicate predicate,
}

struct Mutation {
  1: optional ColumnOrSuperColumn column_or_supercolumn,
  2: optional Deletion deletion,
}

struct EndpointDetails {
  1: string host,
  2: string datacenter,
  3: optional string rack,
}

struct CASResult {
  1: required bool success,
  2: optional list<Column> current_values,
}

struct TokenRange {
  1: required string start_token,
  2: required string end_token,
  3: required list<string> endpoints,
  4: optional list<string> rpc_endpoints,
  5: optional list<EndpointDetails> endpoint_details,
}

struct AuthenticationRequest {
  1: required map<string, string> credentials,
}

struct ColumnDef {
  1: required binary name,
  2: required string validation_class,
  3: optional IndexType index_type,
  4: optional string index_name,
  5: optional map<string, string> index_options,
}

struct TriggerDef {
  1: required string name,
  2: required map<string, string> options,
}

struct CfDef {
  1: required string keyspace,
  2: required string name,
  3: optional string column_type = "Standard",
  5: optional string comparator_type = "BytesType",
  6: optional string subcomparator_type,
  8: optional string comment,
  9: optional double row_cache_size,
  11: optional double key_cache_size,
  12: optional double read_repair_chance,
  13: optional list<ColumnDef> column_metadata,
  14: optional i32 gc_grace_seconds,
  15: optional string default_validation_class,
  16: optional i32 id,
  17: optional i32 min_compaction_threshold,
  18: optional i32 max_compaction_threshold,
  19: optional i32 row_cache_save_period_in_seconds,
  20: optional i32 key_cache_save_period_in_seconds,
  21: optional i32 memtable_flush_after_mins,
  22: optional i32 memtable_throughput_in_mb,
  23: optional double memtable_operations_in_millions,
  24: optional bool replicate_on_write,
  25: optional double merge_shards_chance,
  26: optional string key_validation_class,
  27: optional string row_cache_provider,
  28: optional binary key_alias,
  29: optional string compaction_strategy,
  30: optional map<string, string> compaction_strategy_options,
  31: optional i32 row_cache_keys_to_save,
  32: optional map<string, string> compression_options,
  33: optional double bloom_filter_fp_chance,
  34: optional string caching = "keys_only",
  37: optional double dclocal_read_repair_chance = 0.0,
  38: optional bool populate_io_cache_on_flush,
  39: optional i32 memtable_flush_period_in_ms,
  40: optional i32 default_time_to_live,
  41: optional i32 index_interval,
  42: optional string speculative_retry = "NONE",
  43: optional list<TriggerDef> triggers,
  44: optional string cells_per_row_to_cache = "100",
  45: optional i32 min_index_interval,
  46: optional i32 max_index_interval,
}

struct KsDef {
  1: required string name,
  2: required string strategy_class,
  3: optional map<string, string> strategy_options,
  4: optional i32 replication_factor,
  5: required list<CfDef> cf_defs,
  6: optional bool durable_writes = true,
}

struct CqlRow {
  1: required binary key,
  2: required list<Column> columns,
}

struct CqlMetadata {
  1: required map<binary, string> name_types,
  2: required map<binary, string> value_types,
  3: required string default_name_type,
  4: required string default_value_type,
}

struct CqlResult {
  1: required CqlResultType type,
  2: optional list<CqlRow> rows,
  3: optional i32 num,
  4: optional CqlMetadata schema,
}

struct CqlPreparedResult {
  1: required i32 itemId,
  2: required i32 count,
  3: optional list<string> variable_types,
  4: optional list<string> variable_names,
}

struct CfSplit {
  1: required string start_token,
  2: required string end_token,
  3: required i64 row_count,
}

struct ColumnSlice {
  1: optional binary start,
  2: optional binary finish,
}

struct MultiSliceRequest {
  1: optional binary key,
  2: optional ColumnParent column_parent,
  3: optional list<ColumnSlice> column_slices,
  4: optional bool reversed = false,
  5: optional i32 count = 1000,
  6: optional ConsistencyLevel consistency_level = ConsistencyLevel.ONE,
}

// The compiler makes exceptions immutable by default; callers assign to them and raise them inside context managers.

exception NotFoundException {
} (python.immutable = "false")

exception InvalidRequestException {
  1: required string why,
} (python.immutable = "false")

exception UnavailableException {
} (python.immutable = "false")

exception TimedOutException {
  1: optional i32 acknowledged_by,
  2: optional bool acknowledged_by_batchlog,
  3: optional bool paxos_in_progress,
} (python.immutable = "false")

exception AuthenticationException {
  1: required string why,
} (python.immutable = "false")

exception AuthorizationException {
  1: required string why,
} (python.immutable = "false")

exception SchemaDisagreementException {
} (python.immutable = "false")

service Cassandra {
  /** Log in for the rest of the connection. `credentials` of the request are {"username": ..., "password": ...}. */
  void login(
    1: required AuthenticationRequest auth_request
  ) throws (1: AuthenticationException authnx, 2: AuthorizationException authzx),

  /** Select the keyspace of the calls that follow on this connection. */
  void set_keyspace(1: required string keyspace) throws (1: InvalidRequestException ire),

  /** One column, or a whole super column where the path names no column. NotFoundException where there is none. */
  ColumnOrSuperColumn get(
    1: required binary key,
    2: required ColumnPath column_path,
    3: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: NotFoundException nfe, 3: UnavailableException ue, 4: TimedOutException te),

  /** The columns of one row, or of one of its super columns, that the predicate covers; empty for a missing row. */
  list<ColumnOrSuperColumn> get_slice(
    1: required binary key,
    2: required ColumnParent column_parent,
    3: required SlicePredicate predicate,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** The number of columns of one row that the predicate covers. */
  i32 get_count(
    1: required binary key,
    2: required ColumnParent column_parent,
    3: required SlicePredicate predicate,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** get_slice of several rows: {key: columns}. */
  map<binary, list<ColumnOrSuperColumn>> multiget_slice(
    1: required list<binary> keys,
    2: required ColumnParent column_parent,
    3: required SlicePredicate predicate,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** get_count of several rows: {key: count}. */
  map<binary, i32> multiget_count(
    1: required list<binary> keys,
    2: required ColumnParent column_parent,
    3: required SlicePredicate predicate,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /**
   * The columns of the rows of a range, which is of keys or of tokens, in the order of the tokens. Removed rows are
   * there, without columns.
   */
  list<KeySlice> get_range_slices(
    1: required ColumnParent column_parent,
    2: required SlicePredicate predicate,
    3: required KeyRange range,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** The columns of a range of rows, row after row, from `start_column` of the first; `range.count` counts columns. */
  list<KeySlice> get_paged_slice(
    1: required string column_family,
    2: required KeyRange range,
    3: required binary start_column,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /**
   * The columns of the rows that fulfil all expressions of the clause, one of which is equality on an indexed column.
   */
  list<KeySlice> get_indexed_slices(
    1: required ColumnParent column_parent,
    2: required IndexClause index_clause,
    3: required SlicePredicate column_predicate,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Write one column. */
  void insert(
    1: required binary key,
    2: required ColumnParent column_parent,
    3: required Column column,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Add to one counter. */
  void add(
    1: required binary key,
    2: required ColumnParent column_parent,
    3: required CounterColumn column,
    4: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /**
   * Write the columns `updates` of a row if it has exactly the columns `expected`, none of them if that is empty
   * (servers since 2.0).
   */
  CASResult cas(
    1: required binary key,
    2: required string column_family,
    3: list<Column> expected,
    4: list<Column> updates,
    5: required ConsistencyLevel serial_consistency_level = ConsistencyLevel.SERIAL,
    6: required ConsistencyLevel commit_consistency_level = ConsistencyLevel.QUORUM
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Remove a column, a super column, or a row, as far as it was written before the timestamp (microseconds). */
  void remove(
    1: required binary key,
    2: required ColumnPath column_path,
    3: required i64 timestamp,
    4: ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Remove a counter, a super column of counters, or a row of counters. */
  void remove_counter(
    1: required binary key,
    2: required ColumnPath path,
    3: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Apply {key: {column family: [Mutation]}}. */
  void batch_mutate(
    1: required map<binary, map<string, list<Mutation>>> mutation_map,
    2: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** batch_mutate by way of the batch log: all of it is applied some time, or nothing (servers since 1.2). */
  void atomic_batch_mutate(
    1: required map<binary, map<string, list<Mutation>>> mutation_map,
    2: required ConsistencyLevel consistency_level = ConsistencyLevel.ONE
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** Remove all rows of a column family. All nodes have to be up. */
  void truncate(
    1: required string cfname
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** The columns of several slices of one row (servers since 2.1). */
  list<ColumnOrSuperColumn> get_multi_slice(
    1: required MultiSliceRequest request
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te),

  /** {schema version: [addresses of the nodes that have it]}; nodes that cannot be reached are under "UNREACHABLE". */
  map<string, list<string>> describe_schema_versions() throws (1: InvalidRequestException ire),

  /** The definitions of all keyspaces. */
  list<KsDef> describe_keyspaces() throws (1: InvalidRequestException ire),

  /** The name of the cluster. */
  string describe_cluster_name(),

  /** The version of the Thrift interface, such as "20.1.0". */
  string describe_version(),

  /** The token ranges of a keyspace with their replicas. */
  list<TokenRange> describe_ring(1: required string keyspace) throws (1: InvalidRequestException ire),

  /** describe_ring of the data centre that answers (servers since 2.0). */
  list<TokenRange> describe_local_ring(1: required string keyspace) throws (1: InvalidRequestException ire),

  /** {token: address of the node}. */
  map<string, string> describe_token_map() throws (1: InvalidRequestException ire),

  /** The full class name of the partitioner. */
  string describe_partitioner(),

  /** The full class name of the snitch. */
  string describe_snitch(),

  /** The definition of one keyspace, with its column families. */
  KsDef describe_keyspace(
    1: required string keyspace
  ) throws (1: NotFoundException nfe, 2: InvalidRequestException ire),

  /** Tokens that divide a range of a column family into parts of about `keys_per_split` rows. */
  list<string> describe_splits(
    1: required string cfName,
    2: required string start_token,
    3: required string end_token,
    4: required i32 keys_per_split
  ) throws (1: InvalidRequestException ire),

  /** Trace the next call of this connection; the id of its session in system_traces, 16 bytes. */
  binary trace_next_query(),

  /** describe_splits with the estimated number of rows of each part. */
  list<CfSplit> describe_splits_ex(
    1: required string cfName,
    2: required string start_token,
    3: required string end_token,
    4: required i32 keys_per_split
  ) throws (1: InvalidRequestException ire),

  /** Create a column family in the selected keyspace; the new schema version. */
  string system_add_column_family(
    1: required CfDef cf_def
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Drop a column family of the selected keyspace; the new schema version. */
  string system_drop_column_family(
    1: required string column_family
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Create a keyspace with its column families; the new schema version. */
  string system_add_keyspace(
    1: required KsDef ks_def
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Drop a keyspace; the new schema version. */
  string system_drop_keyspace(
    1: required string keyspace
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Change the options of a keyspace; `cf_defs` has to be empty. The new schema version. */
  string system_update_keyspace(
    1: required KsDef ks_def
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Replace the definition of a column family: what is left out goes back to its default. The new schema version. */
  string system_update_column_family(
    1: required CfDef cf_def
  ) throws (1: InvalidRequestException ire, 2: SchemaDisagreementException sde),

  /** Execute a statement of CQL 2 (servers up to 2.1). */
  CqlResult execute_cql_query(
    1: required binary query,
    2: required Compression compression
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te, 4: SchemaDisagreementException sde),

  /** Execute a statement of CQL 3. */
  CqlResult execute_cql3_query(
    1: required binary query,
    2: required Compression compression,
    3: required ConsistencyLevel consistency
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te, 4: SchemaDisagreementException sde),

  /** Prepare a statement of CQL 2 (servers up to 2.1). */
  CqlPreparedResult prepare_cql_query(
    1: required binary query,
    2: required Compression compression
  ) throws (1: InvalidRequestException ire),

  /** Prepare a statement of CQL 3. */
  CqlPreparedResult prepare_cql3_query(
    1: required binary query,
    2: required Compression compression
  ) throws (1: InvalidRequestException ire),

  /** Execute a prepared statement of CQL 2 (servers up to 2.1). */
  CqlResult execute_prepared_cql_query(
    1: required i32 itemId,
    2: required list<binary> values
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te, 4: SchemaDisagreementException sde),

  /** Execute a prepared statement of CQL 3. */
  CqlResult execute_prepared_cql3_query(
    1: required i32 itemId,
    2: required list<binary> values,
    3: required ConsistencyLevel consistency
  ) throws (1: InvalidRequestException ire, 2: UnavailableException ue, 3: TimedOutException te, 4: SchemaDisagreementException sde),

  /** Select the CQL version of the connection (deprecated by the servers). */
  void set_cql_version(1: required string version) throws (1: InvalidRequestException ire),
}
