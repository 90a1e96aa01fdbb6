/** What is measured, how often, and from where on it is a problem. */
import { BYTES, curve, DAY, flag, GIB, integer, number, type SettingDefinition } from "./define.ts";

export const SENSING: readonly SettingDefinition[] = [
  curve(
    "partition_load",
    "rows of a partition over the mean",
    "Partition load to health, three or more partitions.",
  ),
  curve(
    "partition_load_pair",
    "rows of a partition over the mean",
    "The same for collections of two partitions, where 2 is the most there can be.",
  ),
  flag(
    "judge_partition_load",
    false,
    "Whether partition load lowers lambda in a collection whose rows may not be moved. Off: " +
      "sizes and traffic that the schema's author designed (RANGE, HASH, LIST without consent " +
      "to moves) are shown and not judged.",
  ),
  flag(
    "sense_traffic",
    true,
    "Whether reads and writes count as partition load, where that is judged. Off where one " +
      "partition takes them by design.",
  ),
  number(
    "traffic_window_seconds",
    "seconds",
    [1, 3600],
    60,
    "Time constant over which traffic load is smoothed: how long a share of the traffic must " +
      "last to be believed.",
  ),
  number(
    "min_reads_per_second",
    "rows per second",
    [0, 1e12],
    500,
    "Collections with fewer reads than this, over all partitions, are not judged by them.",
  ),
  number(
    "min_writes_per_second",
    "rows per second",
    [0, 1e12],
    100,
    "Collections with fewer writes than this, over all partitions, are not judged by them.",
  ),
  number(
    "working_set_window_seconds",
    "seconds",
    [1, DAY],
    600,
    "Blocks asked for within this time make the working set that memory use is judged by.",
  ),
  curve(
    "list_occupancy",
    "rows of a list over the mean of its index",
    "Fullness of an IVF list to health.",
  ),
  curve("recall", "recall@k over what is due (falling)", "Recall of a vector index to its health."),
  number(
    "recall_interval_seconds",
    "seconds",
    [0, 30 * DAY],
    300,
    "How often recall and list occupancy of the vector indexes are measured; in between they " +
      "are remembered.",
  ),
  integer("recall_k", "neighbours", [1, 1000], 10, "The k of recall@k."),
  integer(
    "recall_samples",
    "rows",
    [1, 1000],
    20,
    "Rows of each vector index that neighbours are searched for to measure its recall, at least.",
  ),
  number(
    "recall_error",
    "recall, 0 to 1",
    [0, 1],
    0.03,
    "More rows are searched for until the measured recall is within this of the true one in 95 " +
      "of 100 measurements, as far as recall_budget_ms allows; 0: recall_samples and no more.",
  ),
  integer(
    "recall_probes",
    "ivfflat.probes",
    [0, 32_768],
    0,
    "Probes (hnsw: ef_search) to measure recall with; 0: what a new session of the table's " +
      "owner has.",
  ),
  number(
    "recall_target",
    "recall, 0 to 1",
    [0, 1],
    0,
    "Recall that vector indexes are expected to give; 0: the best each was measured at with the " +
      "same probes (ef_search), or what a fresh build on the same rows attains.",
  ),
  number(
    "recall_budget_ms",
    "milliseconds",
    [1, 600_000],
    1000,
    "Time for one measurement of recall over all vector indexes of a collection, and as much " +
      "again for list occupancy; the indexes take turns.",
  ),
  number(
    "recall_trial_ms",
    "milliseconds",
    [0, 600_000],
    2000,
    "Time for the fresh build of a vector index on a sample of its rows, in a temporary table, " +
      "searches included, when it is first seen, when its rows have doubled or were replaced and " +
      "while searches cost more than they did; 0: none.",
  ),
  integer(
    "recall_max_rows",
    "rows",
    [1000, 1_000_000_000],
    50_000,
    "Larger tables are compared with a sample of this many rows instead of all (of vectors above " +
      "2 kB: of as many bytes), and lists are followed no further.",
  ),
  number(
    "unused_index_seconds",
    "seconds",
    [0, 31_536_000],
    86_400,
    "A vector index is told as unused once no search has used it for so long, while its table " +
      "was read from end to end a hundred times; 0: never.",
  ),
  curve("replication_lag_seconds", "seconds", "Replication lag to health of the replica's link."),
  {
    key: "delayed_replicas",
    type: "text",
    unit: "names of standbys, separated by commas",
    max: 2000,
    default: "",
    description:
      "Standbys that replay later on purpose (recovery_min_apply_delay), by slot or " +
      "application_name: how far behind they are is shown and not judged.",
    per_collection: false,
  },
  curve(
    "blocked_writer_seconds",
    "seconds a minute",
    "Seconds that sessions wait for maintenance, summed over the sessions, to health of the " +
      "maintenance group.",
  ),
  curve(
    "autovacuum_delay",
    "autovacuum_naptimes",
    "How long the most overdue table has been past its autovacuum threshold to health of the " +
      "maintenance group.",
  ),
  curve(
    "slot_wal_pct",
    "percent of max_slot_wal_keep_size",
    "WAL that a replication slot keeps from being removed to health of its link, where there " +
      "is a limit.",
  ),
  curve(
    "slot_inactive_seconds",
    "seconds",
    "How long nobody has come to a logical slot (or pg_receivewal's) that keeps more than " +
      "max_wal_size, to health of its link.",
  ),
  number(
    "replica_memory_seconds",
    "seconds",
    [0, 30 * DAY],
    3600,
    "A replica without a slot that has gone counts as a dead one for so long; a slot is " +
      "remembered until it is dropped.",
  ),
  curve("queue_depth", "jobs", "Maintenance jobs that wait to health of the maintenance group."),
  curve("memory_pct", "percent", "Memory use to health of the query paths."),
  curve("fragmentation_pct", "percent", "Index fragmentation to health of the query paths."),
  integer(
    "min_rows_for_load",
    "rows",
    [0, 1_000_000_000],
    1000,
    "Collections with fewer rows are not judged by partition load: a handful of rows is " +
      "always skewed.",
  ),
  integer(
    "min_rows_for_list",
    "rows",
    [0, 1_000_000_000],
    1000,
    "Lists of IVF indexes with fewer rows are not judged by their fullness: pgvector's " +
      "advice is a mean of 1,000 rows a list.",
  ),
  integer(
    "exact_count_pages",
    "pages of 8 KiB",
    [0, 10_000_000],
    8192,
    "Partitions are counted exactly while all of them together are not larger than this " +
      "(8,192 pages are 64 MiB); otherwise rows come from the statistics.",
  ),
  number(
    "fragmentation_interval_seconds",
    "seconds",
    [0, 30 * DAY],
    600,
    "How long a measurement of index fragmentation is gone by; actions that rebuild indexes " +
      "measure anew.",
  ),
  integer(
    "exact_fragmentation_pages",
    "pages of 8 KiB",
    [0, 100_000_000],
    16_384,
    "Most pages of btree indexes that one measurement reads with pgstatindex, smallest index " +
      "first (16,384 pages are 128 MiB); the others are estimated.",
  ),
  number(
    "preflight_transaction_seconds",
    "seconds",
    [0, DAY],
    300,
    "compact_indexes, rebuild_centroids, rebuild_index and vacuum_index do not start while a " +
      "transaction older than this holds them up: what is built CONCURRENTLY waits for every " +
      "older snapshot, and a VACUUM leaves what one may still see.",
  ),
  integer(
    "preflight_slot_wal_bytes",
    "bytes",
    [0, BYTES],
    16 * GIB,
    "Nothing that writes much log is started while a replication slot keeps more than this " +
      "from being removed, the plan's own included. Where max_slot_wal_keep_size is set, what " +
      "is left of that decides instead.",
  ),
  number(
    "report_ttl_seconds",
    "seconds",
    [1, DAY],
    60,
    "How long a pushed report (ruvector_integrity_report) stands for a measurement.",
  ),
  number(
    "min_sample_interval_seconds",
    "seconds",
    [0, 3600],
    1,
    "Ticks that come closer than this reuse the last sample: pg_cron catches up after a stall.",
  ),
];
