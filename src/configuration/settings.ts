/**
 * Every configuration key: its type, unit, range, default and meaning, in one place.
 * The build writes this table into SQL as well (`ruvector.healing_setting_definitions()`), so what
 * `ruvector_healing_config()` prints and what `ruvector_healing_configure()` accepts cannot differ.
 */
import { MODES } from "../model/configuration.ts";
import { PROBLEM_CLASSES } from "../model/problem.ts";
import { DEFAULT_CURVES } from "../graph/health.ts";

export type SettingType =
  | "boolean"
  | "number"
  | "integer"
  | "names"
  | "choice"
  | "text"
  | "curve"
  | "windows"
  | "modes";

export interface SettingDefinition {
  readonly key: string;
  readonly type: SettingType;
  readonly unit: string;
  /** For numbers: inclusive bounds. For texts max is the greatest length. */
  readonly min?: number;
  readonly max?: number;
  /**
   * For choices: what may be chosen. For name lists: the names that may stand in it (undefined:
   * names of strategies, checked against the registry).
   */
  readonly names?: readonly string[];
  readonly default:
    | boolean
    | number
    | string
    | readonly string[]
    | readonly number[]
    | Readonly<Record<string, string>>;
  readonly description: string;
  /** false: one value for the whole installation, refused with a collection. */
  readonly per_collection: boolean;
}

const number = (
  key: string,
  unit: string,
  min: number,
  max: number,
  value: number,
  description: string,
): SettingDefinition => ({
  key,
  type: "number",
  unit,
  min,
  max,
  default: value,
  description,
  per_collection: true,
});

const integer = (
  key: string,
  unit: string,
  min: number,
  max: number,
  value: number,
  description: string,
): SettingDefinition => ({ ...number(key, unit, min, max, value, description), type: "integer" });

const flag = (key: string, value: boolean, description: string): SettingDefinition => ({
  key,
  type: "boolean",
  unit: "true or false",
  default: value,
  description,
  per_collection: true,
});

/** One value for the whole installation. */
const overall = (setting: SettingDefinition): SettingDefinition => ({
  ...setting,
  per_collection: false,
});

const curve = (
  key: keyof typeof DEFAULT_CURVES,
  unit: string,
  description: string,
): SettingDefinition => ({
  key,
  type: "curve",
  unit: `[fine, stress, critical], ${unit}`,
  default: [DEFAULT_CURVES[key].fine, DEFAULT_CURVES[key].stress, DEFAULT_CURVES[key].critical],
  description,
  per_collection: true,
});

const DAY = 86_400;
const GIB = 1024 ** 3;
/** More than any server holds, and a number that JavaScript keeps exactly. */
const BYTES = 1024 ** 5;

export const SETTINGS: readonly SettingDefinition[] = [
  flag(
    "enabled",
    true,
    "Whether the loop may start actions. A human's ruvector_healing_execute works either way.",
  ),
  {
    key: "mode",
    type: "choice",
    unit: MODES.join(", "),
    names: MODES,
    default: "auto",
    description:
      "How far the loop may go: off does nothing, observe keeps what it would have done and " +
      "scores that later, recommend shows it with the statement that does it, approve waits " +
      "for ruvector_healing_approve, auto acts. See docs/control.md.",
    per_collection: true,
  },
  {
    key: "strategy_modes",
    type: "modes",
    unit: "object of strategies and modes",
    default: {},
    description:
      'Modes of single strategies, e.g. {"drain_hot_partition": "approve"}; the more careful ' +
      "of this and mode holds. Strategies that are not named keep what they have; null takes " +
      "one back.",
    per_collection: true,
  },
  number(
    "min_healing_interval_seconds",
    "seconds",
    0,
    30 * DAY,
    300,
    "Cooldown: least time between the end of one automatic action on a collection and the " +
      "start of the next.",
  ),
  number(
    "settle_seconds",
    "seconds",
    0,
    30 * DAY,
    900,
    "A new collection is watched first: the loop begins no action on it before so long after " +
      "its registration. What a person asks for is not held back.",
  ),
  integer(
    "settle_samples",
    "samples",
    0,
    100_000,
    20,
    "Nor before so many samples of it: 20 are 100 s of a loop that runs every 5 s, and 20 " +
      "minutes of one that runs every minute.",
  ),
  integer(
    "max_attempts_per_hour",
    "actions",
    0,
    1000,
    3,
    "Most actions started on a collection within an hour; 0 stops them all.",
  ),
  number(
    "max_auto_heal_impact",
    "impact, 0 to 1",
    0,
    1,
    0.5,
    "Strategies with a higher impact are not chosen by the loop.",
  ),
  {
    key: "require_approval",
    type: "names",
    unit: "problem classes",
    names: PROBLEM_CLASSES,
    default: [],
    description: "Problem classes whose actions wait for ruvector_healing_approve.",
    per_collection: true,
  },
  {
    key: "require_approval_strategies",
    type: "names",
    unit: "strategies",
    default: ["scale_replicas"],
    description: "Strategies whose actions wait for ruvector_healing_approve.",
    per_collection: true,
  },
  flag(
    "learning_enabled",
    true,
    "Whether outcomes change the weights that select a strategy. Outcomes are recorded either way.",
  ),
  number(
    "approval_ttl_seconds",
    "seconds",
    1,
    30 * DAY,
    DAY,
    "An action that waits for approval longer than this expires.",
  ),
  number(
    "rejection_seconds",
    "seconds",
    0,
    30 * DAY,
    DAY,
    "A strategy whose action a person rejected, rolled back or aborted is left alone by the " +
      "loop for so long, for that problem class on that collection. A day: until whoever did " +
      "it can have looked into it.",
  ),
  {
    key: "maintenance_windows",
    type: "windows",
    unit: `list of windows {"days", "from", "to", "time_zone"}`,
    default: [],
    description:
      "Hours in which the loop may begin actions; [] is at any time. What a window leaves " +
      "out: every day, from 00:00, to 24:00, in UTC. See docs/control.md.",
    per_collection: true,
  },

  number(
    "stress_threshold",
    "lambda, 0 to 1",
    0.01,
    0.99,
    0.8,
    "Below it for stress_samples samples in a row: stress.",
  ),
  number(
    "critical_threshold",
    "lambda, 0 to 1",
    0,
    0.98,
    0.3,
    "Below it for critical_samples samples in a row: critical. Must be below stress_threshold.",
  ),
  integer(
    "stress_samples",
    "samples",
    1,
    1000,
    3,
    "Samples in a row below stress_threshold that make stress.",
  ),
  integer(
    "critical_samples",
    "samples",
    1,
    1000,
    2,
    "Samples in a row below critical_threshold that make critical.",
  ),
  number(
    "recovery_margin",
    "lambda",
    0,
    0.5,
    0.05,
    "A state is left upwards only above its threshold plus this.",
  ),
  number(
    "recovery_hold_seconds",
    "seconds",
    0,
    DAY,
    60,
    "How long lambda must hold above threshold plus margin before the state goes up.",
  ),
  number(
    "min_transition_interval_seconds",
    "seconds",
    0,
    DAY,
    30,
    "No two state transitions of a collection come closer than this.",
  ),
  number(
    "critical_mass",
    "share, 0 to 1",
    0,
    1,
    0.01,
    "Share of the collection's rows that the cut must separate before it counts as critical.",
  ),

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
    1,
    3600,
    60,
    "Time constant over which traffic load is smoothed: how long a share of the traffic must " +
      "last to be believed.",
  ),
  number(
    "min_reads_per_second",
    "rows per second",
    0,
    1e12,
    500,
    "Collections with fewer reads than this, over all partitions, are not judged by them.",
  ),
  number(
    "min_writes_per_second",
    "rows per second",
    0,
    1e12,
    100,
    "Collections with fewer writes than this, over all partitions, are not judged by them.",
  ),
  number(
    "working_set_window_seconds",
    "seconds",
    1,
    DAY,
    600,
    "Blocks asked for within this time make the working set that memory use is judged by.",
  ),
  curve(
    "list_occupancy",
    "rows of a list over the mean of its index",
    "Fullness of an IVF list to health.",
  ),
  curve(
    "recall",
    "recall@k over its baseline (falling)",
    "Recall of an IVF index to health of the whole index.",
  ),
  number(
    "recall_interval_seconds",
    "seconds",
    0,
    30 * DAY,
    300,
    "How often recall and list occupancy of the vector indexes are measured; in between they " +
      "are remembered.",
  ),
  integer("recall_k", "neighbours", 1, 1000, 10, "The k of recall@k."),
  integer(
    "recall_samples",
    "rows",
    1,
    1000,
    20,
    "Rows of each vector index that neighbours are searched for to measure its recall.",
  ),
  integer(
    "recall_probes",
    "ivfflat.probes",
    0,
    32_768,
    0,
    "Probes (hnsw: ef_search) to measure recall with; 0: what a new session of the table's " +
      "owner has.",
  ),
  number(
    "recall_baseline",
    "recall, 0 to 1",
    0,
    1,
    0,
    "Recall that an index is expected to give; 0: the best it was measured at with the same " +
      "probes.",
  ),
  number(
    "recall_budget_ms",
    "milliseconds",
    1,
    600_000,
    1000,
    "Time for one measurement of recall over all vector indexes of a collection, and as much " +
      "again for list occupancy; the indexes take turns.",
  ),
  integer(
    "recall_max_rows",
    "rows",
    1000,
    1_000_000_000,
    50_000,
    "Larger tables are compared with a sample of this many rows instead of all, and lists " +
      "are followed no further.",
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
    0,
    30 * DAY,
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
    0,
    1_000_000_000,
    1000,
    "Collections with fewer rows are not judged by partition load: a handful of rows is " +
      "always skewed.",
  ),
  integer(
    "min_rows_for_list",
    "rows",
    0,
    1_000_000_000,
    1000,
    "Lists of IVF indexes with fewer rows are not judged by their fullness: pgvector's " +
      "advice is a mean of 1,000 rows a list.",
  ),
  integer(
    "exact_count_pages",
    "pages of 8 KiB",
    0,
    10_000_000,
    8192,
    "Partitions are counted exactly while all of them together are not larger than this " +
      "(8,192 pages are 64 MiB); otherwise rows come from the statistics.",
  ),
  number(
    "fragmentation_interval_seconds",
    "seconds",
    0,
    30 * DAY,
    600,
    "How long a measurement of index fragmentation is gone by; actions that rebuild indexes " +
      "measure anew.",
  ),
  integer(
    "exact_fragmentation_pages",
    "pages of 8 KiB",
    0,
    100_000_000,
    16_384,
    "Most pages of btree indexes that one measurement reads with pgstatindex, smallest index " +
      "first (16,384 pages are 128 MiB); the others are estimated.",
  ),
  number(
    "preflight_transaction_seconds",
    "seconds",
    0,
    DAY,
    300,
    "compact_indexes and rebuild_centroids do not start while a transaction older than this " +
      "holds them up: what is built CONCURRENTLY waits for every older snapshot.",
  ),
  integer(
    "preflight_slot_wal_bytes",
    "bytes",
    0,
    BYTES,
    16 * GIB,
    "Nothing that writes much log is started while a replication slot keeps more than this " +
      "from being removed, the plan's own included. Where max_slot_wal_keep_size is set, what " +
      "is left of that decides instead.",
  ),
  number(
    "report_ttl_seconds",
    "seconds",
    1,
    DAY,
    60,
    "How long a pushed report (ruvector_integrity_report) stands for a measurement.",
  ),
  number(
    "min_sample_interval_seconds",
    "seconds",
    0,
    3600,
    1,
    "Ticks that come closer than this reuse the last sample: pg_cron catches up after a stall.",
  ),

  number(
    "stabilize_seconds",
    "seconds",
    0,
    3600,
    10,
    "Wait between the last change of an action and its verification.",
  ),
  number(
    "verify_ratio",
    "ratio",
    1,
    10,
    1.1,
    "An action is verified when lambda exceeds this times the initial lambda.",
  ),
  number(
    "abort_ratio",
    "ratio",
    0,
    1,
    0.9,
    "A slice is undone when lambda falls below this times the initial lambda.",
  ),
  number(
    "target_lambda",
    "lambda, 0 to 1",
    0.01,
    1,
    1,
    "An action stops as soon as lambda reaches this.",
  ),
  integer(
    "batch_rows",
    "rows",
    1,
    10_000,
    500,
    "Rows moved by one transaction of a slice. Small: a writer that meets a row in flight " +
      "waits for that transaction.",
  ),
  number("slice_seconds", "seconds", 0.01, 60, 1, "Time that one tick gives to one action."),
  integer("max_moves", "rows", 1, 1_000_000_000, 1_000_000, "Most rows that one action may move."),
  integer(
    "max_bytes_per_action",
    "bytes",
    0,
    BYTES,
    16 * GIB,
    "Most bytes of rows and index entries that one action may write anew. A million rows " +
      "(max_moves) of 1,536 dimensions with an ivfflat index are 12 GiB.",
  ),
  integer(
    "max_wal_bytes_per_action",
    "bytes",
    0,
    BYTES,
    16 * GIB,
    "Most write-ahead log that one action may write. 16 GiB are under 3 minutes of what a " +
      "disk, archive or replica takes at 100 MB/s.",
  ),
  integer(
    "max_locks_per_action",
    "relations",
    0,
    1_000_000,
    2000,
    "Most relations that one action may have locked at once. A server with default settings " +
      "has room for 6,400 locks of all sessions together; 256 partitions exchanged with their " +
      "indexes are some 1,100.",
  ),
  integer(
    "max_rows_per_hour",
    "rows",
    0,
    1_000_000_000_000,
    3_000_000,
    "Most rows moved on a collection within an hour: max_attempts_per_hour times max_moves.",
  ),
  integer(
    "max_bytes_per_hour",
    "bytes",
    0,
    BYTES,
    48 * GIB,
    "The same for bytes of rows and index entries: three times max_bytes_per_action.",
  ),
  integer("max_wal_bytes_per_hour", "bytes", 0, BYTES, 48 * GIB, "The same for write-ahead log."),
  overall(
    integer(
      "max_server_rows_per_hour",
      "rows",
      0,
      1_000_000_000_000,
      10_000_000,
      "Most rows moved within an hour on all collections together.",
    ),
  ),
  overall(
    integer(
      "max_server_bytes_per_hour",
      "bytes",
      0,
      BYTES,
      128 * GIB,
      "The same for bytes of rows and index entries.",
    ),
  ),
  overall(
    integer(
      "max_server_wal_bytes_per_hour",
      "bytes",
      0,
      BYTES,
      128 * GIB,
      "The same for write-ahead log: 128 GiB an hour are 36 MiB/s, a third of what 1 Gbit/s " +
        "carries to a replica or an archive.",
    ),
  ),
  integer(
    "lock_timeout_ms",
    "milliseconds",
    1,
    60_000,
    200,
    "Longest wait for a lock; nobody queues behind the loop for longer.",
  ),
  number(
    "drain_lease_seconds",
    "seconds",
    1,
    30 * DAY,
    3600,
    "How long drain_hot_partition keeps a partition closed to routed inserts.",
  ),
  integer(
    "max_retries",
    "slices",
    0,
    100,
    5,
    "Slices in a row that may fail on locks or serialization before the action is rolled back.",
  ),
  number(
    "rollback_timeout_seconds",
    "seconds",
    1,
    30 * DAY,
    3600,
    "An undo that is not finished by then ends as rollback_failed and says what is left.",
  ),

  {
    key: "scale_workload",
    type: "text",
    unit: "name of a workload, as its actuator reports it",
    max: 253,
    default: "",
    description:
      "The workload whose replicas scale_replicas scales, e.g. a Kubernetes deployment; " +
      "empty: none.",
    per_collection: true,
  },
  integer("max_replicas", "replicas", 1, 1000, 10, "scale_replicas asks for no more."),
  number(
    "actuation_timeout_seconds",
    "seconds",
    1,
    DAY,
    300,
    "How long scale_replicas waits for the actuator's answer; a later one is refused.",
  ),
  number(
    "actuator_report_seconds",
    "seconds",
    1,
    DAY,
    60,
    "An actuator that has not reported for longer is taken for gone, and is asked for nothing.",
  ),
  number(
    "drain_seconds",
    "seconds",
    0,
    3600,
    30,
    "pause_maintenance waits this long for running pg_cron jobs to end; what still runs then " +
      "is left alone.",
  ),
  number(
    "pause_seconds",
    "seconds",
    1,
    DAY,
    900,
    "Longest time for which pause_maintenance keeps a pg_cron job paused.",
  ),
  number(
    "throttle_seconds",
    "seconds",
    1,
    DAY,
    300,
    "How long throttle_ingestion holds inserts back; it ends by itself.",
  ),
  {
    key: "throttle_mode",
    type: "choice",
    unit: "delay or reject",
    names: ["delay", "reject"],
    default: "delay",
    description:
      "What throttle_ingestion does to an insert: delay makes the session wait before it, " +
      "reject raises RV012 for a share of the statements.",
    per_collection: true,
  },
  number(
    "throttle_max_delay_seconds",
    "seconds",
    0.01,
    60,
    2,
    "Longest time for which a throttle delays one statement.",
  ),
  number(
    "kept_index_seconds",
    "seconds",
    0,
    DAY,
    60,
    "How long rebuild_centroids keeps the old index after its action was verified, for a " +
      "rollback. Until then both are maintained, and the planner may use either.",
  ),

  number(
    "strategy_retry_seconds",
    "seconds",
    0,
    30 * DAY,
    3600,
    "A strategy that failed or did not help rests for so long, for that problem class on " +
      "that collection; twice as long each time it fails alike again.",
  ),
  number(
    "strategy_retry_max_seconds",
    "seconds",
    0,
    30 * DAY,
    7 * DAY,
    "The longest such rest: the eighth failure alike in a row, from an hour on.",
  ),
  overall(
    integer(
      "strategy_failure_collections",
      "collections",
      1,
      100_000,
      3,
      "A strategy that failed alike for a problem class on so many collections within a day " +
        "rests on all of them: it is the strategy then, and no reason to stop the loop.",
    ),
  ),
  number(
    "exploration_seconds",
    "seconds",
    0,
    30 * DAY,
    DAY,
    "A strategy of weight 0 (nothing it did for the class helped) is not taken; so long " +
      "after its last outcome it is tried once again, where no other can be used.",
  ),
  number(
    "ineffective_outcomes",
    "outcomes",
    1,
    100,
    3,
    "So many unverified outcomes in a row for a problem class within a day, and the loop " +
      "stops trying it.",
  ),
  number(
    "oscillation_window_seconds",
    "seconds",
    0,
    30 * DAY,
    6 * 3600,
    "Moves that take back what was moved within this time are an oscillation; the net-zero " +
      "move ratio is measured over it too. A load that turns once in a working day is " +
      "followed, one that swings is not.",
  ),
  number(
    "oscillation_share",
    "share, 0 to 1",
    0.01,
    1,
    0.5,
    "So much of a plan's rows going back to where an earlier action took rows from makes it " +
      "an oscillation.",
  ),
  number(
    "oscillation_suspend_seconds",
    "seconds",
    0,
    30 * DAY,
    6 * 3600,
    "How long a strategy that would have oscillated is left alone on the collection.",
  ),
  overall(
    integer(
      "max_active_actions",
      "actions",
      0,
      1000,
      4,
      "Most actions at work at once, over all collections. Each has slice_seconds of a tick: " +
        "four of 1 s are most of a tick every 5 s.",
    ),
  ),
  overall(
    integer(
      "breaker_failures",
      "actions",
      1,
      1000,
      5,
      "So many actions that endangered the server (docs/limits.md) within " +
        "breaker_window_seconds, over all collections, open the circuit breaker. A collection " +
        "has 3 attempts an hour (max_attempts_per_hour): 5 are more than one collection's own " +
        "trouble.",
    ),
  ),
  overall(
    number(
      "breaker_window_seconds",
      "seconds",
      1,
      30 * DAY,
      3600,
      "How long such an action counts for the circuit breaker.",
    ),
  ),
  overall(
    number(
      "breaker_open_seconds",
      "seconds",
      1,
      DAY,
      900,
      "How long the circuit breaker stays open before one action is let through; twice as " +
        "long each time it opens again, a day at most.",
    ),
  ),
  number(
    "refusal_escalation_seconds",
    "seconds",
    1,
    30 * DAY,
    3600,
    "A refusal that lasts longer is escalated: an event, a warning in the log and " +
      "escalated_at. A problem of unknown class is after 5 minutes; a cooldown, an action at " +
      "work, a maintenance window that will open and what a person switched off never are.",
  ),
  integer(
    "history_days",
    "days",
    1,
    3650,
    30,
    "Events, refusals and row journals older than this are removed.",
  ),
  integer(
    "sample_days",
    "days",
    1,
    3650,
    7,
    "Samples older than this are removed: one every 5 seconds is 17,280 rows a day and collection.",
  ),
];

/** For what makes its collection, its problem and its end by itself: demo, drills and tests. */
export const SETTLED = { settle_seconds: 0, settle_samples: 0 } as const;

export const SETTING_KEYS: readonly string[] = SETTINGS.map((setting) => setting.key);
