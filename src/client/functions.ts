// Made by npm run build from sql/: do not edit.
import type {
  Answer,
  Changed,
  Document,
  ExecuteParams,
  Gate,
  Json,
  RegisterOptions,
  Registration,
  Report,
} from "./documents.ts";

/** Every setting: docs/configuration.md. */
export interface Settings {
  /**
   * Whether the loop may start actions. A human's ruvector_healing_execute works either way.
   * (true or false; true)
   */
  readonly enabled: boolean;
  /**
   * How far the loop may go: off does nothing, observe keeps what it would have done and scores
   * that later, recommend shows it with the statement that does it, approve waits for
   * ruvector_healing_approve, auto acts. See docs/control.md. (off, observe, recommend, approve,
   * auto; "auto")
   */
  readonly mode: string;
  /**
   * Modes of single strategies, e.g. {"drain_hot_partition": "approve"}; the more careful of this
   * and mode holds. Strategies that are not named keep what they have; null takes one back.
   * (object of strategies and modes; {})
   */
  readonly strategy_modes: Document;
  /**
   * Cooldown: least time between the end of one automatic action on a collection and the start of
   * the next. (seconds; 300)
   */
  readonly min_healing_interval_seconds: number;
  /**
   * A new collection is watched first: the loop begins no action on it before so long after its
   * registration. What a person asks for is not held back. (seconds; 900)
   */
  readonly settle_seconds: number;
  /**
   * Nor before so many samples of it: 20 are 100 s of a loop that runs every 5 s, and 20 minutes
   * of one that runs every minute. (samples; 20)
   */
  readonly settle_samples: number;
  /**
   * Most actions started on a collection within an hour; 0 stops them all. (actions; 3)
   */
  readonly max_attempts_per_hour: number;
  /**
   * Strategies with a higher impact are not chosen by the loop. (impact, 0 to 1; 0.5)
   */
  readonly max_auto_heal_impact: number;
  /**
   * Problem classes whose actions wait for ruvector_healing_approve. (problem classes; [])
   */
  readonly require_approval: readonly Json[];
  /**
   * Strategies whose actions wait for ruvector_healing_approve. (strategies; ["scale_replicas"])
   */
  readonly require_approval_strategies: readonly string[];
  /**
   * Whether outcomes change the weights that select a strategy. Outcomes are recorded either way.
   * (true or false; true)
   */
  readonly learning_enabled: boolean;
  /**
   * An action that waits for approval longer than this expires. (seconds; 86400)
   */
  readonly approval_ttl_seconds: number;
  /**
   * A strategy whose action a person rejected, rolled back or aborted is left alone by the loop
   * for so long, for that problem class on that collection. A day: until whoever did it can have
   * looked into it. (seconds; 86400)
   */
  readonly rejection_seconds: number;
  /**
   * Hours in which the loop may begin actions; [] is at any time. What a window leaves out: every
   * day, from 00:00, to 24:00, in UTC. See docs/control.md. (list of windows {"days", "from",
   * "to", "time_zone"}; [])
   */
  readonly maintenance_windows: readonly Json[];
  /**
   * Below it for stress_samples samples in a row: stress. (lambda, 0 to 1; 0.8)
   */
  readonly stress_threshold: number;
  /**
   * Below it for critical_samples samples in a row: critical. Must be below stress_threshold.
   * (lambda, 0 to 1; 0.3)
   */
  readonly critical_threshold: number;
  /**
   * Samples in a row below stress_threshold that make stress. (samples; 3)
   */
  readonly stress_samples: number;
  /**
   * Samples in a row below critical_threshold that make critical. (samples; 2)
   */
  readonly critical_samples: number;
  /**
   * A state is left upwards only above its threshold plus this. Together with stress_threshold it
   * must be below 1. (lambda; 0.05)
   */
  readonly recovery_margin: number;
  /**
   * How long lambda must hold above threshold plus margin before the state goes up. (seconds; 60)
   */
  readonly recovery_hold_seconds: number;
  /**
   * No two state transitions of a collection come closer than this. (seconds; 30)
   */
  readonly min_transition_interval_seconds: number;
  /**
   * Share of the collection's rows that the cut must separate before it counts as critical.
   * (share, 0 to 1; 0.01)
   */
  readonly critical_mass: number;
  /**
   * Partition load to health, three or more partitions. ([fine, stress, critical], rows of a
   * partition over the mean; [1.5,2,5])
   */
  readonly partition_load: readonly number[];
  /**
   * The same for collections of two partitions, where 2 is the most there can be. ([fine, stress,
   * critical], rows of a partition over the mean; [1.3,1.5,1.8])
   */
  readonly partition_load_pair: readonly number[];
  /**
   * Whether partition load lowers lambda in a collection whose rows may not be moved. Off: sizes
   * and traffic that the schema's author designed (RANGE, HASH, LIST without consent to moves)
   * are shown and not judged. (true or false; false)
   */
  readonly judge_partition_load: boolean;
  /**
   * Whether reads and writes count as partition load, where that is judged. Off where one
   * partition takes them by design. (true or false; true)
   */
  readonly sense_traffic: boolean;
  /**
   * Time constant over which traffic load is smoothed: how long a share of the traffic must last
   * to be believed. (seconds; 60)
   */
  readonly traffic_window_seconds: number;
  /**
   * Collections with fewer reads than this, over all partitions, are not judged by them. (rows
   * per second; 500)
   */
  readonly min_reads_per_second: number;
  /**
   * Collections with fewer writes than this, over all partitions, are not judged by them. (rows
   * per second; 100)
   */
  readonly min_writes_per_second: number;
  /**
   * Blocks asked for within this time make the working set that memory use is judged by.
   * (seconds; 600)
   */
  readonly working_set_window_seconds: number;
  /**
   * Fullness of an IVF list to health. ([fine, stress, critical], rows of a list over the mean of
   * its index; [3,6,20])
   */
  readonly list_occupancy: readonly number[];
  /**
   * Recall of a vector index to its health. ([fine, stress, critical], recall@k over what is due
   * (falling); [0.98,0.95,0.7])
   */
  readonly recall: readonly number[];
  /**
   * How often recall and list occupancy of the vector indexes are measured; in between they are
   * remembered. (seconds; 300)
   */
  readonly recall_interval_seconds: number;
  /**
   * The k of recall@k. (neighbours; 10)
   */
  readonly recall_k: number;
  /**
   * Rows of each vector index that neighbours are searched for to measure its recall, at least.
   * (rows; 20)
   */
  readonly recall_samples: number;
  /**
   * More rows are searched for until the measured recall is within this of the true one in 95 of
   * 100 measurements, as far as recall_budget_ms allows; 0: recall_samples and no more. (recall,
   * 0 to 1; 0.03)
   */
  readonly recall_error: number;
  /**
   * Probes (hnsw: ef_search) to measure recall with; 0: what a new session of the table's owner
   * has. (ivfflat.probes; 0)
   */
  readonly recall_probes: number;
  /**
   * Recall that vector indexes are expected to give; 0: the best each was measured at with the
   * same probes (ef_search), or what a fresh build on the same rows attains. (recall, 0 to 1; 0)
   */
  readonly recall_target: number;
  /**
   * Time for one measurement of recall over all vector indexes of a collection, and as much again
   * for list occupancy; the indexes take turns. (milliseconds; 1000)
   */
  readonly recall_budget_ms: number;
  /**
   * Time for the fresh build of a vector index on a sample of its rows, in a temporary table,
   * searches included, when it is first seen, when its rows have doubled or were replaced and
   * while searches cost more than they did; 0: none. (milliseconds; 2000)
   */
  readonly recall_trial_ms: number;
  /**
   * Larger tables are compared with a sample of this many rows instead of all (of vectors above 2
   * kB: of as many bytes), and lists are followed no further. (rows; 50000)
   */
  readonly recall_max_rows: number;
  /**
   * A vector index is told as unused once no search has used it for so long, while its table was
   * read from end to end a hundred times; 0: never. (seconds; 86400)
   */
  readonly unused_index_seconds: number;
  /**
   * Replication lag to health of the replica's link. ([fine, stress, critical], seconds;
   * [1,10,120])
   */
  readonly replication_lag_seconds: readonly number[];
  /**
   * Standbys that replay later on purpose (recovery_min_apply_delay), by slot or
   * application_name: how far behind they are is shown and not judged. (names of standbys,
   * separated by commas; "")
   */
  readonly delayed_replicas: string;
  /**
   * Seconds that sessions wait for maintenance, summed over the sessions, to health of the
   * maintenance group. ([fine, stress, critical], seconds a minute; [1,10,60])
   */
  readonly blocked_writer_seconds: readonly number[];
  /**
   * How long the most overdue table has been past its autovacuum threshold to health of the
   * maintenance group. ([fine, stress, critical], autovacuum_naptimes; [5,15,60])
   */
  readonly autovacuum_delay: readonly number[];
  /**
   * WAL that a replication slot keeps from being removed to health of its link, where there is a
   * limit. ([fine, stress, critical], percent of max_slot_wal_keep_size; [50,80,95])
   */
  readonly slot_wal_pct: readonly number[];
  /**
   * How long nobody has come to a logical slot (or pg_receivewal's) that keeps more than
   * max_wal_size, to health of its link. ([fine, stress, critical], seconds; [3600,21600,86400])
   */
  readonly slot_inactive_seconds: readonly number[];
  /**
   * A replica without a slot that has gone counts as a dead one for so long; a slot is remembered
   * until it is dropped. (seconds; 3600)
   */
  readonly replica_memory_seconds: number;
  /**
   * Maintenance jobs that wait to health of the maintenance group. ([fine, stress, critical],
   * jobs; [4,10,40])
   */
  readonly queue_depth: readonly number[];
  /**
   * Memory use to health of the query paths. ([fine, stress, critical], percent; [70,85,97])
   */
  readonly memory_pct: readonly number[];
  /**
   * Index fragmentation to health of the query paths. ([fine, stress, critical], percent;
   * [15,30,70])
   */
  readonly fragmentation_pct: readonly number[];
  /**
   * Collections with fewer rows are not judged by partition load: a handful of rows is always
   * skewed. (rows; 1000)
   */
  readonly min_rows_for_load: number;
  /**
   * Lists of IVF indexes with fewer rows are not judged by their fullness: pgvector's advice is a
   * mean of 1,000 rows a list. (rows; 1000)
   */
  readonly min_rows_for_list: number;
  /**
   * Partitions are counted exactly while all of them together are not larger than this (8,192
   * pages are 64 MiB); otherwise rows come from the statistics. (pages of 8 KiB; 8192)
   */
  readonly exact_count_pages: number;
  /**
   * How long a measurement of index fragmentation is gone by; actions that rebuild indexes
   * measure anew. (seconds; 600)
   */
  readonly fragmentation_interval_seconds: number;
  /**
   * Most pages of btree indexes that one measurement reads with pgstatindex, smallest index first
   * (16,384 pages are 128 MiB); the others are estimated. (pages of 8 KiB; 16384)
   */
  readonly exact_fragmentation_pages: number;
  /**
   * compact_indexes, rebuild_centroids, rebuild_index and vacuum_index do not start while a
   * transaction older than this holds them up: what is built CONCURRENTLY waits for every older
   * snapshot, and a VACUUM leaves what one may still see. (seconds; 300)
   */
  readonly preflight_transaction_seconds: number;
  /**
   * Nothing that writes much log is started while a replication slot keeps more than this from
   * being removed, the plan's own included. Where max_slot_wal_keep_size is set, what is left of
   * that decides instead. (bytes; 17179869184)
   */
  readonly preflight_slot_wal_bytes: number;
  /**
   * How long a pushed report (ruvector_integrity_report) stands for a measurement. (seconds; 60)
   */
  readonly report_ttl_seconds: number;
  /**
   * Ticks that come closer than this reuse the last sample: pg_cron catches up after a stall.
   * (seconds; 1)
   */
  readonly min_sample_interval_seconds: number;
  /**
   * Wait between the last change of an action and its verification. (seconds; 10)
   */
  readonly stabilize_seconds: number;
  /**
   * An action is verified when lambda exceeds this times the initial lambda. (ratio; 1.1)
   */
  readonly verify_ratio: number;
  /**
   * A slice is undone when lambda falls below this times the initial lambda. (ratio; 0.9)
   */
  readonly abort_ratio: number;
  /**
   * An action stops as soon as lambda reaches this. (lambda, 0 to 1; 1)
   */
  readonly target_lambda: number;
  /**
   * Most rows moved by one transaction of a slice. How many it is follows from what they take: 50
   * to 100 ms, for a writer that meets a row in flight waits for that transaction; fewer, with
   * rests between, where others feel it. (rows; 10000)
   */
  readonly batch_rows: number;
  /**
   * Time that one tick gives to one action. (seconds; 1)
   */
  readonly slice_seconds: number;
  /**
   * Most rows that one action may move. (rows; 1000000)
   */
  readonly max_moves: number;
  /**
   * Most bytes of rows and index entries that one action may write anew. A million rows
   * (max_moves) of 1,536 dimensions with an ivfflat index are 12 GiB. (bytes; 17179869184)
   */
  readonly max_bytes_per_action: number;
  /**
   * Most write-ahead log that one action may write. 16 GiB are under 3 minutes of what a disk,
   * archive or replica takes at 100 MB/s. (bytes; 17179869184)
   */
  readonly max_wal_bytes_per_action: number;
  /**
   * Most relations that one action may have locked at once. A server with default settings has
   * room for 6,400 locks of all sessions together; 256 partitions exchanged with their indexes
   * are some 1,100. (relations; 2000)
   */
  readonly max_locks_per_action: number;
  /**
   * Most rows moved on a collection within an hour: max_attempts_per_hour times max_moves. (rows;
   * 3000000)
   */
  readonly max_rows_per_hour: number;
  /**
   * The same for bytes of rows and index entries: three times max_bytes_per_action. (bytes;
   * 51539607552)
   */
  readonly max_bytes_per_hour: number;
  /**
   * The same for write-ahead log. (bytes; 51539607552)
   */
  readonly max_wal_bytes_per_hour: number;
  /**
   * Most rows moved within an hour on all collections together. (rows; 10000000)
   */
  readonly max_server_rows_per_hour: number;
  /**
   * The same for bytes of rows and index entries. (bytes; 137438953472)
   */
  readonly max_server_bytes_per_hour: number;
  /**
   * The same for write-ahead log: 128 GiB an hour are 36 MiB/s, a third of what 1 Gbit/s carries
   * to a replica or an archive. (bytes; 137438953472)
   */
  readonly max_server_wal_bytes_per_hour: number;
  /**
   * Longest wait for a lock; nobody queues behind the loop for longer. (milliseconds; 200)
   */
  readonly lock_timeout_ms: number;
  /**
   * How long drain_hot_partition keeps a partition closed to routed inserts. (seconds; 3600)
   */
  readonly drain_lease_seconds: number;
  /**
   * Slices in a row that may fail on locks or serialization before the action is rolled back.
   * (slices; 5)
   */
  readonly max_retries: number;
  /**
   * An undo that is not finished by then ends as rollback_failed and says what is left. (seconds;
   * 3600)
   */
  readonly rollback_timeout_seconds: number;
  /**
   * The workload whose replicas scale_replicas scales, e.g. a Kubernetes deployment; empty: none.
   * (name of a workload, as its actuator reports it; "")
   */
  readonly scale_workload: string;
  /**
   * scale_replicas asks for no more. (replicas; 10)
   */
  readonly max_replicas: number;
  /**
   * How long scale_replicas waits for the actuator's answer; a later one is refused. (seconds;
   * 300)
   */
  readonly actuation_timeout_seconds: number;
  /**
   * An actuator that has not reported for longer is taken for gone, and is asked for nothing.
   * (seconds; 60)
   */
  readonly actuator_report_seconds: number;
  /**
   * pause_maintenance waits this long for running pg_cron jobs to end; what still runs then is
   * left alone. (seconds; 30)
   */
  readonly drain_seconds: number;
  /**
   * Longest time for which pause_maintenance keeps a pg_cron job paused. (seconds; 900)
   */
  readonly pause_seconds: number;
  /**
   * How long throttle_ingestion holds inserts back; it ends by itself. (seconds; 300)
   */
  readonly throttle_seconds: number;
  /**
   * What throttle_ingestion does to an insert: delay makes the session wait before it, reject
   * raises RV012 for a share of the statements. (delay or reject; "delay")
   */
  readonly throttle_mode: string;
  /**
   * Longest time for which a throttle delays one statement. (seconds; 2)
   */
  readonly throttle_max_delay_seconds: number;
  /**
   * How long rebuild_centroids keeps the old index after its action was verified, for a rollback.
   * Until then both are maintained, and the planner may use either. (seconds; 60)
   */
  readonly kept_index_seconds: number;
  /**
   * What a search may cost (blocks read) after tune_search, over what it cost before; and over
   * what one by a fresh index costs at the same setting, before it is stress (1.5 at least).
   * (times; 2)
   */
  readonly search_cost_ratio: number;
  /**
   * Roles beside the table's owner for which tune_search sets hnsw.ef_search or ivfflat.probes in
   * this database: those that the application logs in as. (names of roles, separated by commas;
   * "")
   */
  readonly tune_roles: string;
  /**
   * How long a setting of tune_search stays without being looked at again; as long as the loop
   * runs it is looked at every tune_recheck_seconds. (seconds; 604800)
   */
  readonly tune_seconds: number;
  /**
   * How often, and after a rebuild at once, it is measured whether a setting of tune_search is
   * still needed. (seconds; 21600)
   */
  readonly tune_recheck_seconds: number;
  /**
   * Lets rebuild_index REINDEX vector indexes that are INVALID by itself; on request it does so
   * always. (true or false; false)
   */
  readonly repair_invalid_indexes: boolean;
  /**
   * A strategy that failed or did not help rests for so long, for that problem class on that
   * collection; twice as long each time it fails alike again. (seconds; 3600)
   */
  readonly strategy_retry_seconds: number;
  /**
   * The longest such rest: the eighth failure alike in a row, from an hour on. Not below
   * strategy_retry_seconds. (seconds; 604800)
   */
  readonly strategy_retry_max_seconds: number;
  /**
   * A strategy that failed alike for a problem class on so many collections within a day rests on
   * all of them: it is the strategy then, and no reason to stop the loop. (collections; 3)
   */
  readonly strategy_failure_collections: number;
  /**
   * A strategy of weight 0 (nothing it did for the class helped) is not taken; so long after its
   * last outcome it is tried once again, where no other can be used. (seconds; 86400)
   */
  readonly exploration_seconds: number;
  /**
   * So many unverified outcomes in a row for a problem class within a day, and the loop stops
   * trying it. (outcomes; 3)
   */
  readonly ineffective_outcomes: number;
  /**
   * Moves that take back what was moved within this time are an oscillation; the net-zero move
   * ratio is measured over it too. A load that turns once in a working day is followed, one that
   * swings is not. (seconds; 21600)
   */
  readonly oscillation_window_seconds: number;
  /**
   * So much of a plan's rows going back to where an earlier action took rows from makes it an
   * oscillation. (share, 0 to 1; 0.5)
   */
  readonly oscillation_share: number;
  /**
   * How long a strategy that would have oscillated is left alone on the collection. (seconds;
   * 21600)
   */
  readonly oscillation_suspend_seconds: number;
  /**
   * Most actions at work at once, over all collections. Each has slice_seconds of a tick: four of
   * 1 s are most of a tick every 5 s. 0: none begins but what a person executes. (actions; 4)
   */
  readonly max_active_actions: number;
  /**
   * So many actions that endangered the server (docs/limits.md) within breaker_window_seconds,
   * over all collections, open the circuit breaker. A collection has 3 attempts an hour
   * (max_attempts_per_hour): 5 are more than one collection's own trouble. (actions; 5)
   */
  readonly breaker_failures: number;
  /**
   * How long such an action counts for the circuit breaker. (seconds; 3600)
   */
  readonly breaker_window_seconds: number;
  /**
   * How long the circuit breaker stays open before one action is let through; twice as long each
   * time it opens again, a day at most. (seconds; 900)
   */
  readonly breaker_open_seconds: number;
  /**
   * A refusal that lasts longer is escalated: an event, a warning in the log and escalated_at. A
   * problem of unknown class is after 5 minutes; a cooldown, an action at work, a maintenance
   * window that will open and what a person switched off never are. (seconds; 3600)
   */
  readonly refusal_escalation_seconds: number;
  /**
   * Events, refusals and row journals older than this are removed. (days; 30)
   */
  readonly history_days: number;
  /**
   * Samples older than this are removed. History thins before: after an hour the worst of each
   * minute stays, after a day the worst of each hour (8.6 MB a collection a week). (days; 7)
   */
  readonly sample_days: number;
}
/** null takes a setting back to what it inherits. */
export type SettingChanges = {
  readonly [K in keyof Settings]?: Settings[K] | null;
};

export interface IntegrityStatusRow {
  readonly collection_name: string | null;
  readonly state: string | null;
  readonly state_code: number | null;
  readonly since: string | null;
  readonly lambda: number | null;
  readonly sampled_at: string | null;
  readonly source: string | null;
  readonly witness_edges: Json | null;
  readonly unmeasured: Json | null;
}

export interface IntegrityHistoryRow {
  readonly collection_name: string | null;
  readonly sampled_at: string | null;
  readonly lambda: number | null;
  readonly state: string | null;
  readonly source: string | null;
  readonly witness_edges: Json | null;
  readonly metrics: Json | null;
}

export interface RecallRow {
  readonly index: string | null;
  readonly method: string | null;
  readonly lists: number | null;
  readonly probes: number | null;
  readonly k: number | null;
  readonly samples: number | null;
  readonly recall: number | null;
  readonly index_ms: number | null;
  readonly exact_ms: number | null;
  readonly rows: number | null;
  readonly share: number | null;
  readonly note: string | null;
}

export interface RecallCurveRow {
  readonly index: string | null;
  readonly method: string | null;
  readonly setting: string | null;
  readonly value: number | null;
  readonly recall: number | null;
  readonly blocks: number | null;
  readonly ms: number | null;
  readonly rows_returned: number | null;
  readonly planner_uses_it: boolean | null;
  readonly current: boolean | null;
  readonly note: string | null;
}

export interface ListOccupancyRow {
  readonly collection: string | null;
  readonly index: string | null;
  readonly list: number | null;
  readonly rows: number | null;
  readonly ratio: number | null;
  readonly source: string | null;
  readonly measured_at: string | null;
}

export interface ConfigRow {
  readonly key: string | null;
  readonly value: Json | null;
  readonly source: string | null;
  readonly default_value: Json | null;
  readonly range: string | null;
  readonly description: string | null;
}

export interface VerdictRow {
  readonly collection_name: string | null;
  readonly verdict: string | null;
  readonly sentence: string | null;
  readonly lambda: number | null;
  readonly state: string | null;
  readonly since: string | null;
  readonly sampled_at: string | null;
}

export interface HistoryRow {
  readonly action_id: number | null;
  readonly collection: string | null;
  readonly state: string | null;
  readonly problem_class: string | null;
  readonly strategy: string | null;
  readonly initiated_by: string | null;
  readonly created_at: string | null;
  readonly finished_at: string | null;
  readonly duration: string | null;
  readonly rows_moved: number | null;
  readonly initial_lambda: number | null;
  readonly predicted_lambda: number | null;
  readonly final_lambda: number | null;
  readonly improvement: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
}

export interface DecisionsRow {
  readonly at: string | null;
  readonly collection: string | null;
  readonly decision: string | null;
  readonly reason: string | null;
  readonly problem_class: string | null;
  readonly strategy: string | null;
  readonly action_id: number | null;
  readonly message: string | null;
  readonly measured: Json | null;
  readonly flips_at: string | null;
  readonly count: number | null;
  readonly first_at: string | null;
  readonly last_at: string | null;
  readonly open: boolean | null;
  readonly escalated_at: string | null;
}

export interface EffectivenessRow {
  readonly name: string | null;
  readonly weight: number | null;
  readonly outcomes: number | null;
  readonly success_rate: number | null;
  readonly avg_improvement: number | null;
  readonly avg_time_to_recovery_seconds: number | null;
  readonly last_outcome: string | null;
  readonly recent_outcomes: Json | null;
  readonly overall_success_rate: number | null;
  readonly overall_time_to_recovery_seconds: number | null;
}

export interface ForecastsRow {
  readonly forecast_id: number | null;
  readonly collection: string | null;
  readonly mode: string | null;
  readonly problem_class: string | null;
  readonly strategy: string | null;
  readonly made_at: string | null;
  readonly due_at: string | null;
  readonly evaluations: number | null;
  readonly initial_lambda: number | null;
  readonly predicted_lambda: number | null;
  readonly actual_lambda: number | null;
  readonly recovered: boolean | null;
  readonly gain_foreseen: number | null;
  readonly gain_without: number | null;
  readonly scored_at: string | null;
  readonly disturbed_by: number | null;
  readonly closed_at: string | null;
  readonly closed_because: string | null;
  readonly statement: string | null;
}

export interface MetricSamplesRow {
  readonly family: string | null;
  readonly suffix: string | null;
  readonly labels: readonly string[] | null;
  readonly value: number | null;
}

export interface AlertsRow {
  readonly seq: number | null;
  readonly at: string | null;
  readonly kind: string | null;
  readonly collection: string | null;
  readonly action_id: number | null;
  readonly message: string | null;
}

export interface RightsRow {
  readonly routine: string | null;
  readonly level: string | null;
  readonly by_tenant: boolean | null;
  readonly granted_to: readonly string[] | null;
  readonly what: string | null;
}

export interface AuditLinksRow {
  readonly seq: number | null;
  readonly content_hash: string | null;
  readonly hash: string | null;
}

/** What each function takes. */
export interface Arguments {
  /**
   * One turn of the loop over all collections; overlapping calls are harmless: CALL
   * ruvector_healing_tick();
   */
  readonly tick: Readonly<Record<string, never>>;
  /**
   * Registers a table with vectors and says what was found: SELECT
   * ruvector_healing_register('embeddings');
   */
  readonly register: {
    readonly collection: string;
    readonly options?: RegisterOptions;
  };
  /**
   * Forgets a collection; its table is not touched: SELECT
   * ruvector_healing_unregister('embeddings');
   */
  readonly unregister: {
    readonly collection: string;
  };
  /**
   * Measures a collection now: SELECT ruvector_integrity_sample('embeddings');
   */
  readonly integritySample: {
    readonly collection: string;
  };
  /**
   * Present integrity of all collections, the worst first: SELECT * FROM
   * ruvector_integrity_status();
   */
  readonly integrityStatus: {
    readonly collection?: string;
  };
  /**
   * Readings of the sensor, newest first: SELECT * FROM ruvector_integrity_history('embeddings',
   * since := now() - interval '1 hour');
   */
  readonly integrityHistory: {
    readonly collection?: string;
    /** A time, as a text or a Date. */
    readonly since?: string | Date;
    readonly limit?: number;
  };
  /**
   * Pushes the reading of an outside monitor, which stands for report_ttl_seconds (metrics, a
   * graph, or lambda itself): SELECT ruvector_integrity_report('embeddings', '{"metrics":
   * {"memory_usage_pct": 72}}');
   */
  readonly integrityReport: {
    readonly collection: string;
    readonly report: Report;
  };
  /**
   * The operational graph of a collection as {nodes, edges}: SELECT
   * jsonb_pretty(ruvector_contracted_graph('embeddings'));
   */
  readonly contractedGraph: {
    readonly collection: string;
  };
  /**
   * Algebraic connectivity of the operational graph of a collection, a signal of drift that
   * nothing decides by: the second smallest eigenvalue of its normalised Laplacian I - D^(-1/2) W
   * D^(-1/2), W the capacities of the links, D their sums around each node (Chung, Spectral Graph
   * Theory, 1997). 0: in pieces. Small: a bottleneck. NULL: fewer than two nodes, or not found
   * within 2,000 steps. Computed when it is asked for: SELECT
   * ruvector_integrity_lambda2('embeddings');
   */
  readonly integrityLambda2: {
    readonly collection: string;
  };
  /**
   * Recall@k of each vector index of a collection against exact search, and what searches with
   * the filters that were named get, measured now: SELECT * FROM
   * ruvector_healing_recall('embeddings', 10, 20);
   */
  readonly recall: {
    readonly collection: string;
    readonly k?: number;
    readonly samples?: number;
  };
  /**
   * Recall@k and cost (blocks, milliseconds a search) of each vector index at five to seven
   * values of hnsw.ef_search or ivfflat.probes, measured now: SELECT * FROM
   * ruvector_healing_recall_curve('embeddings');
   */
  readonly recallCurve: {
    readonly collection: string;
    readonly index?: string;
  };
  /**
   * Whether an operation should go ahead now (allow, throttle, defer, reject): SELECT
   * ruvector_integrity_gate('embeddings', 'bulk_insert');
   */
  readonly integrityGate: {
    readonly collection: string;
    readonly operation: string;
  };
  /**
   * Rows of each list of the IVF indexes and their ratio to the mean list, as last measured:
   * SELECT * FROM ruvector_healing_list_occupancy('embeddings') ORDER BY ratio DESC;
   */
  readonly listOccupancy: {
    readonly collection?: string;
  };
  /**
   * The circuit breaker of the loop: closed, open or half_open, why, and until when: SELECT
   * jsonb_pretty(ruvector_healing_breaker());
   */
  readonly breaker: Readonly<Record<string, never>>;
  /**
   * Closes the circuit breaker by hand; what failed so far does not count any more: SELECT
   * ruvector_healing_breaker_close('the disk was full, it is not any more');
   */
  readonly breakerClose: {
    readonly reason: string;
  };
  /**
   * Evaluates a collection now and starts an action if the guards allow: SELECT
   * ruvector_healing_trigger('embeddings');
   */
  readonly trigger: {
    readonly collection: string;
  };
  /**
   * Runs one strategy (dry_run, target_lambda; max_moves where rows move): SELECT
   * ruvector_healing_execute('embeddings', 'rebalance_partitions', '{"dry_run": true}');
   */
  readonly execute: {
    readonly collection: string;
    readonly strategy: string;
    readonly params?: ExecuteParams;
  };
  /**
   * Undoes the newest action of a collection that can be undone: SELECT
   * ruvector_healing_rollback('embeddings');
   */
  readonly rollback: {
    readonly collection: string;
  } | {
    readonly collection: string;
    readonly action_id: number;
  };
  /**
   * Approves an action that waits: SELECT ruvector_healing_approve(action_id := 123);
   */
  readonly approve: {
    readonly action_id: number;
  };
  /**
   * Ends an action that waits for approval, and keeps the loop from asking for the same again for
   * rejection_seconds: SELECT ruvector_healing_reject(123, 'not during the sale');
   */
  readonly reject: {
    readonly action_id: number;
    readonly reason?: string;
  };
  /**
   * Stops an active action and undoes it: SELECT ruvector_healing_abort(action_id := 123);
   */
  readonly abort: {
    readonly action_id: number;
  };
  /**
   * Says what an action that ended was worth, -1 (harm) to 1 (good); counts in its strategy's
   * weight, may be called again, NULL takes it back: SELECT ruvector_healing_feedback(123, 1,
   * 'searches are fast again');
   */
  readonly feedback: {
    readonly action_id: number;
    readonly score: number | null;
    readonly note?: string;
  };
  /**
   * Lifts the suspension of a strategy on a collection, or (without one) everywhere; without a
   * strategy, has a collection served again that was set aside: SELECT
   * ruvector_healing_resume('rebalance_partitions', 'embeddings');
   */
  readonly resume: {
    readonly strategy?: string;
    readonly collection?: string;
  };
  /**
   * Changes settings, for all or for one collection: SELECT
   * ruvector_healing_configure('{"enabled": true}');
   */
  readonly configure: {
    readonly settings: SettingChanges;
    readonly collection?: string;
  };
  /**
   * Every setting with its value, where it comes from, unit, range and meaning: SELECT * FROM
   * ruvector_healing_config();
   */
  readonly config: {
    readonly collection?: string;
  };
  /**
   * How each collection is, in a word and a sentence, the worst first: SELECT * FROM
   * ruvector_healing_verdict();
   */
  readonly verdict: {
    readonly collection?: string;
  };
  /**
   * What the loop is doing: SELECT jsonb_pretty(ruvector_healing_status());
   */
  readonly status: {
    readonly collection?: string;
  };
  /**
   * Actions, newest first: SELECT * FROM ruvector_healing_history(since := now() - interval '24
   * hours', limit_ := 20);
   */
  readonly history: {
    /** A time, or how long ago: "7 days". */
    readonly since?: string | Date;
    readonly limit?: number;
  };
  /**
   * The version that is installed: SELECT ruvector_healing_version();
   */
  readonly version: Readonly<Record<string, never>>;
  /**
   * Why the loop acted or did not, newest first: SELECT * FROM ruvector_healing_decisions(since
   * := now() - interval '1 hour', limit_ := 20);
   */
  readonly decisions: {
    /** A time, or how long ago: "7 days". */
    readonly since?: string | Date;
    readonly limit?: number;
  };
  /**
   * How well each strategy has worked over 30 days, and its weight: SELECT * FROM
   * ruvector_healing_effectiveness();
   */
  readonly effectiveness: Readonly<Record<string, never>>;
  /**
   * Why an action was taken and what it did, in words: SELECT ruvector_healing_explain(1);
   */
  readonly explain: {
    readonly action_id: number;
  } | {
    readonly collection: string;
  };
  /**
   * What the loop would have done in the modes observe and recommend, and what lambda became
   * without it: SELECT * FROM ruvector_healing_forecasts(since := now() - interval '7 days');
   */
  readonly forecasts: {
    /** A time, or how long ago: "7 days". */
    readonly since?: string | Date;
    readonly limit?: number;
  };
  /**
   * What was sensed, done and undone, how long it took and what it cost, in words, a line a row
   * (format: text, or json in one row): SELECT ruvector_healing_report('7 days');
   */
  readonly report: {
    readonly since?: string;
    readonly format?: string;
  } | {
    readonly since: string;
    readonly format?: string;
  } | {
    /** A time, as a text or a Date. */
    readonly since: string | Date;
    readonly format?: string;
  };
  /**
   * Values of the metrics, of some families or of all: SELECT * FROM
   * ruvector_healing_metric_samples('ruvector_integrity_lambda');
   */
  readonly metricSamples: {
    readonly families?: readonly string[];
  };
  /**
   * All metrics in Prometheus' text format (true: OpenMetrics): SELECT
   * ruvector_healing_metrics();
   */
  readonly metrics: {
    readonly openmetrics?: boolean;
  };
  /**
   * Partition key for a new row, away from hot partitions; usable as a column DEFAULT: ...
   * DEFAULT ruvector_healing_route('embeddings')::int
   */
  readonly route: {
    readonly collection: string;
    readonly key?: string;
  };
  /**
   * Runs the loop by pg_cron: SELECT ruvector_healing_schedule('5 seconds');
   */
  readonly schedule: {
    readonly every: string;
  } | {
    readonly every?: string;
  };
  /**
   * Stops the loop; actions that are under way stay where they are until ticks come again: SELECT
   * ruvector_healing_unschedule();
   */
  readonly unschedule: Readonly<Record<string, never>>;
  /**
   * Says which pg_cron jobs pause_maintenance may pause: low, normal (the default), or high
   * (never): SELECT ruvector_healing_job_priority('nightly_report', 'high');
   */
  readonly jobPriority: {
    readonly jobname: string;
    readonly priority: string;
  };
  /**
   * Whether this session is the only one under an actuator's name, which it is until it ends:
   * SELECT ruvector_healing_actuator_connect('actuator-1');
   */
  readonly actuatorConnect: {
    readonly actuator: string;
  };
  /**
   * An actuator says what it serves, at least every 30 s: SELECT
   * ruvector_healing_actuator_report('actuator-1', '{"workload": "default/ruvector-read",
   * "replicas": 2}');
   */
  readonly actuatorReport: {
    readonly actuator: string;
    readonly state: Json;
  };
  /**
   * The next request for an actuator, or NULL: SELECT
   * ruvector_healing_actuation_take('actuator-1');
   */
  readonly actuationTake: {
    readonly actuator: string;
  };
  /**
   * An actuator answers a request it took; late answers are refused (RV023): SELECT
   * ruvector_healing_actuation_answer(7, true, '{"replicas": 3}');
   */
  readonly actuationAnswer: {
    readonly id: number;
    readonly ok: boolean;
    readonly answer?: Json;
  };
  /**
   * Transitions that a webhook of an actuator has not been sent, the oldest first; none while
   * another actuator sends to it: SELECT * FROM ruvector_healing_alerts('actuator-1', 'slack');
   */
  readonly alerts: {
    readonly actuator: string;
    readonly endpoint: string;
    readonly limit?: number;
  };
  /**
   * Says that a webhook was sent these, or need not be; false: another actuator sends to it:
   * SELECT ruvector_healing_alerts_sent('actuator-1', 'slack', ARRAY[7, 8]);
   */
  readonly alertsSent: {
    readonly actuator: string;
    readonly endpoint: string;
    readonly seqs: readonly number[];
  };
  /**
   * Gives a role the rights of a level (viewer, operator, admin, actuator), a viewer those of one
   * tenant: SELECT ruvector_healing_grant('alice', 'operator');
   */
  readonly grant: {
    readonly role: string;
    readonly level: string;
    readonly tenant?: string;
  };
  /**
   * Takes every right here from a role: SELECT ruvector_healing_revoke('alice');
   */
  readonly revoke: {
    readonly role: string;
  };
  /**
   * Which level may execute what, and which roles can: SELECT routine, level, granted_to FROM
   * ruvector_healing_rights();
   */
  readonly rights: Readonly<Record<string, never>>;
  /**
   * Whether the events are as they were written, and if not, the first broken one: SELECT
   * jsonb_pretty(ruvector_healing_verify_audit());
   */
  readonly verifyAudit: {
    readonly from?: number;
    readonly to?: number;
    readonly signatures?: string;
  };
  /**
   * Lets functions and types of a role run while the loop reads and moves rows; for superusers
   * and the installing role: SELECT ruvector_healing_trust('app');
   */
  readonly trust: {
    readonly role: string;
  };
  /**
   * Takes back what ruvector_healing_trust gave: SELECT ruvector_healing_distrust('app');
   */
  readonly distrust: {
    readonly role: string;
  };
  /**
   * The head of the audit chain, for a signer outside: signs the text "head" when "due": SELECT
   * ruvector_healing_audit_head();
   */
  readonly auditHead: Readonly<Record<string, never>>;
  /**
   * The hashes of the audit chain after a place: a signer folds them to see that the new head
   * extends what it signed: SELECT * FROM ruvector_healing_audit_links(120);
   */
  readonly auditLinks: {
    readonly after?: number;
    readonly limit?: number;
  };
  /**
   * A signer outside hands in its Ed25519 signature over the text of a head: SELECT
   * ruvector_healing_audit_sign('ruvector_healing audit v1 ...', '<key_id>', '<hex>');
   */
  readonly auditSign: {
    readonly head: string;
    readonly key_id: string;
    readonly signature: string;
  };
  /**
   * A new key of the database signs the audit chain from now on, or a signer outside whose public
   * key is given: SELECT ruvector_healing_audit_rotate_key();
   */
  readonly auditRotateKey: {
    readonly public_key?: string;
  };
  /**
   * The audit trail as JSON lines, for a verifier outside: psql -AtqX -c "SELECT
   * ruvector_healing_audit_export()" > audit.jsonl
   */
  readonly auditExport: Readonly<Record<string, never>>;
  /**
   * Drops ruvector_healing with its state, and leaves users' tables as they were: SELECT
   * jsonb_pretty(ruvector_healing_uninstall());
   */
  readonly uninstall: Readonly<Record<string, never>>;
}

/** What each function answers. */
export interface Results {
  readonly tick: void;
  readonly register: Registration;
  readonly unregister: Document;
  readonly integritySample: Document;
  readonly integrityStatus: readonly IntegrityStatusRow[];
  readonly integrityHistory: readonly IntegrityHistoryRow[];
  readonly integrityReport: Document;
  readonly contractedGraph: Document;
  readonly integrityLambda2: number;
  readonly recall: readonly RecallRow[];
  readonly recallCurve: readonly RecallCurveRow[];
  readonly integrityGate: Gate;
  readonly listOccupancy: readonly ListOccupancyRow[];
  readonly breaker: Document;
  readonly breakerClose: Document;
  readonly trigger: Answer;
  readonly execute: Answer;
  readonly rollback: Answer;
  readonly approve: Answer;
  readonly reject: Answer;
  readonly abort: Answer;
  readonly feedback: Document;
  readonly resume: Document;
  readonly configure: Changed;
  readonly config: readonly ConfigRow[];
  readonly verdict: readonly VerdictRow[];
  readonly status: Document;
  readonly history: readonly HistoryRow[];
  readonly version: string;
  readonly decisions: readonly DecisionsRow[];
  readonly effectiveness: readonly EffectivenessRow[];
  readonly explain: string;
  readonly forecasts: readonly ForecastsRow[];
  readonly report: readonly string[];
  readonly metricSamples: readonly MetricSamplesRow[];
  readonly metrics: string;
  readonly route: string;
  readonly schedule: Document;
  readonly unschedule: Document;
  readonly jobPriority: Document;
  readonly actuatorConnect: boolean;
  readonly actuatorReport: Document;
  readonly actuationTake: Document;
  readonly actuationAnswer: Document;
  readonly alerts: readonly AlertsRow[];
  readonly alertsSent: boolean;
  readonly grant: Document;
  readonly revoke: Document;
  readonly rights: readonly RightsRow[];
  readonly verifyAudit: Document;
  readonly trust: Document;
  readonly distrust: Document;
  readonly auditHead: Document;
  readonly auditLinks: readonly AuditLinksRow[];
  readonly auditSign: Document;
  readonly auditRotateKey: Document;
  readonly auditExport: readonly string[];
  readonly uninstall: Document;
}

export const FUNCTIONS = {
  tick: {
    sql: "public.ruvector_healing_tick",
    kind: "procedure",
    arguments: {},
  },
  register: {
    sql: "ruvector.ruvector_healing_register",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      options: "options => $::jsonb",
    },
  },
  unregister: {
    sql: "ruvector.ruvector_healing_unregister",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  integritySample: {
    sql: "ruvector.ruvector_integrity_sample",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  integrityStatus: {
    sql: "ruvector.ruvector_integrity_status",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
    },
  },
  integrityHistory: {
    sql: "ruvector.ruvector_integrity_history",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
      since: "since => $::timestamptz",
      limit: "limit_ => $::integer",
    },
  },
  integrityReport: {
    sql: "ruvector.ruvector_integrity_report",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      report: "report => $::jsonb",
    },
  },
  contractedGraph: {
    sql: "ruvector.ruvector_contracted_graph",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  integrityLambda2: {
    sql: "ruvector.ruvector_integrity_lambda2",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  recall: {
    sql: "ruvector.ruvector_healing_recall",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
      k: "k => $::integer",
      samples: "samples => $::integer",
    },
    renamed: ["k_", "samples_"],
  },
  recallCurve: {
    sql: "ruvector.ruvector_healing_recall_curve",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
      index: "index => $::text",
    },
    renamed: ["index_"],
  },
  integrityGate: {
    sql: "ruvector.ruvector_integrity_gate",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      operation: "operation => $::text",
    },
  },
  listOccupancy: {
    sql: "ruvector.ruvector_healing_list_occupancy",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
    },
    renamed: ["collection_"],
  },
  breaker: {
    sql: "ruvector.ruvector_healing_breaker",
    kind: "value",
    arguments: {},
  },
  breakerClose: {
    sql: "ruvector.ruvector_healing_breaker_close",
    kind: "value",
    arguments: {
      reason: "reason => $::text",
    },
  },
  trigger: {
    sql: "ruvector.ruvector_healing_trigger",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  execute: {
    sql: "ruvector.ruvector_healing_execute",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      strategy: "strategy => $::text",
      params: "params => $::jsonb",
    },
  },
  rollback: {
    sql: "ruvector.ruvector_healing_rollback",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      action_id: "action_id => $::bigint",
    },
    calls: [
      { takes: ["collection"], needs: [] },
      { takes: ["collection", "action_id"], needs: ["collection", "action_id"] },
      { takes: ["action_id"], needs: ["action_id"] },
    ],
  },
  approve: {
    sql: "ruvector.ruvector_healing_approve",
    kind: "value",
    arguments: {
      action_id: "action_id => $::bigint",
    },
  },
  reject: {
    sql: "ruvector.ruvector_healing_reject",
    kind: "value",
    arguments: {
      action_id: "action_id => $::bigint",
      reason: "reason => $::text",
    },
  },
  abort: {
    sql: "ruvector.ruvector_healing_abort",
    kind: "value",
    arguments: {
      action_id: "action_id => $::bigint",
    },
  },
  feedback: {
    sql: "ruvector.ruvector_healing_feedback",
    kind: "value",
    arguments: {
      action_id: "action_id => $::bigint",
      score: "score => $::double precision",
      note: "note => $::text",
    },
  },
  resume: {
    sql: "ruvector.ruvector_healing_resume",
    kind: "value",
    arguments: {
      strategy: "strategy => $::text",
      collection: "collection => $::text",
    },
  },
  configure: {
    sql: "ruvector.ruvector_healing_configure",
    kind: "value",
    arguments: {
      settings: "settings => $::jsonb",
      collection: "collection => $::text",
    },
  },
  config: {
    sql: "ruvector.ruvector_healing_config",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
    },
  },
  verdict: {
    sql: "ruvector.ruvector_healing_verdict",
    kind: "rows",
    arguments: {
      collection: "collection => $::text",
    },
  },
  status: {
    sql: "ruvector.ruvector_healing_status",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
    },
  },
  history: {
    sql: "ruvector.ruvector_healing_history",
    kind: "rows",
    arguments: {
      since: "since => $::text",
      limit: "limit_ => $::integer",
    },
  },
  version: {
    sql: "ruvector.ruvector_healing_version",
    kind: "value",
    arguments: {},
  },
  decisions: {
    sql: "ruvector.ruvector_healing_decisions",
    kind: "rows",
    arguments: {
      since: "since => $::text",
      limit: "limit_ => $::integer",
    },
  },
  effectiveness: {
    sql: "ruvector.ruvector_healing_effectiveness",
    kind: "rows",
    arguments: {},
  },
  explain: {
    sql: "ruvector.ruvector_healing_explain",
    kind: "value",
    arguments: {
      action_id: "action_id => $::bigint",
      collection: "collection => $::text",
    },
    calls: [
      { takes: ["action_id"], needs: ["action_id"] },
      { takes: ["collection"], needs: [] },
    ],
  },
  forecasts: {
    sql: "ruvector.ruvector_healing_forecasts",
    kind: "rows",
    arguments: {
      since: "since => $::text",
      limit: "limit_ => $::integer",
    },
  },
  report: {
    sql: "ruvector.ruvector_healing_report",
    kind: "values",
    arguments: {
      since: "since => $::text",
      format: "format => $::text",
    },
  },
  metricSamples: {
    sql: "ruvector.ruvector_healing_metric_samples",
    kind: "rows",
    arguments: {
      families: "VARIADIC families => $::text[]",
    },
  },
  metrics: {
    sql: "ruvector.ruvector_healing_metrics",
    kind: "value",
    arguments: {
      openmetrics: "openmetrics => $::boolean",
    },
  },
  route: {
    sql: "public.ruvector_healing_route",
    kind: "value",
    arguments: {
      collection: "collection => $::text",
      key: "key => $::text",
    },
    calls: [
      { takes: ["collection", "key"], needs: ["collection"] },
    ],
  },
  schedule: {
    sql: "ruvector.ruvector_healing_schedule",
    kind: "value",
    arguments: {
      every: "every => $::text",
    },
  },
  unschedule: {
    sql: "ruvector.ruvector_healing_unschedule",
    kind: "value",
    arguments: {},
  },
  jobPriority: {
    sql: "ruvector.ruvector_healing_job_priority",
    kind: "value",
    arguments: {
      jobname: "jobname => $::text",
      priority: "priority => $::text",
    },
    calls: [
      { takes: ["jobname", "priority"], needs: ["jobname", "priority"] },
    ],
  },
  actuatorConnect: {
    sql: "ruvector.ruvector_healing_actuator_connect",
    kind: "value",
    arguments: {
      actuator: "actuator => $::text",
    },
    calls: [
      { takes: ["actuator"], needs: ["actuator"] },
    ],
  },
  actuatorReport: {
    sql: "ruvector.ruvector_healing_actuator_report",
    kind: "value",
    arguments: {
      actuator: "actuator => $::text",
      state: "state => $::jsonb",
    },
    calls: [
      { takes: ["actuator", "state"], needs: ["actuator", "state"] },
    ],
  },
  actuationTake: {
    sql: "ruvector.ruvector_healing_actuation_take",
    kind: "value",
    arguments: {
      actuator: "actuator => $::text",
    },
    calls: [
      { takes: ["actuator"], needs: ["actuator"] },
    ],
  },
  actuationAnswer: {
    sql: "ruvector.ruvector_healing_actuation_answer",
    kind: "value",
    arguments: {
      id: "id => $::bigint",
      ok: "ok => $::boolean",
      answer: "answer => $::jsonb",
    },
    calls: [
      { takes: ["id", "ok", "answer"], needs: ["id", "ok"] },
    ],
  },
  alerts: {
    sql: "ruvector.ruvector_healing_alerts",
    kind: "rows",
    arguments: {
      actuator: "actuator => $::text",
      endpoint: "endpoint => $::text",
      limit: "limit_ => $::integer",
    },
    calls: [
      { takes: ["actuator", "endpoint", "limit"], needs: ["actuator", "endpoint"] },
    ],
  },
  alertsSent: {
    sql: "ruvector.ruvector_healing_alerts_sent",
    kind: "value",
    arguments: {
      actuator: "actuator => $::text",
      endpoint: "endpoint => $::text",
      seqs: "seqs => $::bigint[]",
    },
    calls: [
      { takes: ["actuator", "endpoint", "seqs"], needs: ["actuator", "endpoint", "seqs"] },
    ],
  },
  grant: {
    sql: "ruvector.ruvector_healing_grant",
    kind: "value",
    arguments: {
      role: "role => $::text",
      level: "level => $::text",
      tenant: "tenant => $::text",
    },
  },
  revoke: {
    sql: "ruvector.ruvector_healing_revoke",
    kind: "value",
    arguments: {
      role: "role => $::text",
    },
  },
  rights: {
    sql: "ruvector.ruvector_healing_rights",
    kind: "rows",
    arguments: {},
  },
  verifyAudit: {
    sql: "ruvector.ruvector_healing_verify_audit",
    kind: "value",
    arguments: {
      from: "from_ => $::bigint",
      to: "to_ => $::bigint",
      signatures: "signatures => $::text",
    },
  },
  trust: {
    sql: "ruvector.ruvector_healing_trust",
    kind: "value",
    arguments: {
      role: "role => $::text",
    },
    calls: [
      { takes: ["role"], needs: ["role"] },
    ],
  },
  distrust: {
    sql: "ruvector.ruvector_healing_distrust",
    kind: "value",
    arguments: {
      role: "role => $::text",
    },
    calls: [
      { takes: ["role"], needs: ["role"] },
    ],
  },
  auditHead: {
    sql: "ruvector.ruvector_healing_audit_head",
    kind: "value",
    arguments: {},
  },
  auditLinks: {
    sql: "ruvector.ruvector_healing_audit_links",
    kind: "rows",
    arguments: {
      after: "after => $::bigint",
      limit: "limit_ => $::integer",
    },
  },
  auditSign: {
    sql: "ruvector.ruvector_healing_audit_sign",
    kind: "value",
    arguments: {
      head: "head => $::text",
      key_id: "key_id => $::text",
      signature: "signature => $::text",
    },
    calls: [
      { takes: ["head", "key_id", "signature"], needs: ["head", "key_id", "signature"] },
    ],
  },
  auditRotateKey: {
    sql: "ruvector.ruvector_healing_audit_rotate_key",
    kind: "value",
    arguments: {
      public_key: "public_key => $::text",
    },
  },
  auditExport: {
    sql: "ruvector.ruvector_healing_audit_export",
    kind: "values",
    arguments: {},
  },
  uninstall: {
    sql: "ruvector.ruvector_healing_uninstall",
    kind: "value",
    arguments: {},
  },
} as const;
