/** What is wrong with a collection: the classes of problems, their details and evidence. */
import type { PartsHealth, SearchFigures, Verification } from "./verification.ts";
import type { EdgeType, NodeType } from "./graph.ts";
import type { DueSource, RecallMetric, SearchMetric, ToldIndexes } from "./recall.ts";

export const PROBLEM_CLASSES = [
  "hotspot_congestion",
  "centroid_skew",
  "replication_lag",
  "maintenance_contention",
  "recall_loss",
  "memory_pressure",
  "index_fragmentation",
  "unknown",
] as const;
export type ProblemClass = (typeof PROBLEM_CLASSES)[number];

/** 0 normal, 1 stress, 2 critical. */
export const INTEGRITY_STATES = ["normal", "stress", "critical"] as const;
export type IntegrityState = (typeof INTEGRITY_STATES)[number];

/** How a collection is, the worst first: ruvector.healing_verdict_of() decides which. */
export const VERDICTS = [
  "critical",
  "stress",
  "suspect",
  "unknown",
  "healing",
  "recovering",
  "healthy",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The figures by which a partition can be hot. */
export const LOAD_FIGURES = ["rows", "bytes", "reads", "writes"] as const;
export type LoadFigure = (typeof LOAD_FIGURES)[number];

/** Each figure over the mean of the collection's partitions; null: not judged. */
export type LoadRatios = Readonly<Record<LoadFigure, number | null>>;

/** Why a partition shares no load: its bounds lie ahead, or nobody has written to it. */
export type IdleReason = "no_rows_yet" | "never_written";

/**
 * Why a partition's load is shown and not judged; by_design: its schema's author chose its size,
 * nobody asked to judge it.
 */
export type UnjudgedReason = IdleReason | "by_design" | "cold" | "few_rows" | "alone";

/** One partition as the sensor saw it. */
export interface PartitionLoad {
  /** Node id of the partition in the contracted graph. */
  readonly id: string;
  readonly label: string;
  readonly rows: number;
  readonly bytes: number;
  /**
   * The worst of its figures over the mean of the collection's partitions; 0 for the cold
   * partition, which is not judged.
   */
  readonly load_ratio: number;
  /** The figure that `load_ratio` comes from; absent: rows. */
  readonly hottest?: LoadFigure;
  readonly ratios?: LoadRatios;
  /** Rows read and written per second by others, smoothed. */
  readonly reads_per_second?: number;
  readonly writes_per_second?: number;
  /** Takes rows that evict_cold_data moves: neither hot nor a place to move hot rows to. */
  readonly cold?: boolean;
  /**
   * false: its figures are shown, and lower no lambda. Samples of older versions do not say: they
   * were judged.
   */
  readonly judged?: boolean;
  /** Why not; absent where it is judged. */
  readonly reason?: UnjudgedReason;
}

/**
 * What is known of maintenance while there is any; seconds since 1970. Only what the installing
 * role may see.
 */
export interface MaintenanceMetrics {
  /** Session-seconds of waiting per minute, by who held them up. */
  readonly blocked_writer_seconds: Readonly<
    Record<"total" | "vacuum" | "index_build" | "scheduled_job" | "other", number>
  >;
  readonly autovacuum_delay: number | null;
  readonly autovacuum_workers: number | null;
  readonly autovacuum_max_workers: number;
  readonly jobs: readonly {
    readonly name: string;
    readonly jobid: string;
    readonly running: boolean;
    readonly due: boolean;
    /** Due, and every slot of pg_cron is taken. */
    readonly waits?: boolean;
    readonly failing: boolean;
    readonly blocked_recently: boolean;
    readonly last_message: string | null;
  }[];
  /** Jobs whose last run failed, also those that `jobs` does not name; absent: none. */
  readonly failing_jobs?: number;
  readonly blockers: readonly {
    readonly pid: number;
    readonly kind: string;
    readonly application: string | null;
    readonly username: string | null;
    readonly query_start: number | null;
    readonly relation: string | null;
    readonly mode: string | null;
    readonly statement: string | null;
    readonly jobid: string | null;
    readonly job: string | null;
    readonly waiting: readonly number[];
  }[];
  readonly sessions: readonly {
    readonly pid: number;
    readonly kind: string;
    readonly relation: string | null;
    readonly phase: string | null;
  }[];
  readonly backlog: readonly {
    readonly table: string;
    readonly reason: string;
    readonly value: number;
    readonly threshold: number;
    readonly delay_naptimes: number;
  }[];
}

/** What memory use is made of; null: not known. */
export interface MemoryParts {
  /** Which figures memory_usage_pct comes from. */
  readonly source: string;
  readonly working_set_bytes: number | null;
  /** The hit ratio says that reads keep to less than the partitions that are read. */
  readonly bounded_by_hit_ratio: boolean;
  readonly cache_bytes: number;
  readonly hit_ratio: number | null;
  readonly evictions_per_second: number | null;
  readonly temp_bytes_per_second: number | null;
  readonly system_used_pct: number | null;
}

/** A standby, or a slot that none uses (`kind`), as the sensor saw it; null: not measured. */
export interface ReplicaFigures {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly lag_seconds: number | null;
  readonly lag_bytes: number | null;
  readonly retained_bytes: number | null;
}

/**
 * Figures beside the graph. `null`: not measured (and then not counted as healthy); a pushed value
 * always wins.
 */
export interface Metrics extends ToldIndexes {
  readonly partitions: readonly PartitionLoad[];
  /** Up to where the curves of these figures call them fine, as configured then. */
  readonly fine?: { readonly partition_load: number; readonly recall: number };
  /** From where the curves of these figures call them a problem, likewise. */
  readonly stress?: { readonly memory_pct: number; readonly fragmentation_pct: number };
  readonly memory_usage_pct: number | null;
  readonly largest_consumers: readonly { readonly name: string; readonly bytes: number }[];
  readonly memory?: MemoryParts;
  readonly index_fragmentation_pct: number | null;
  readonly fragmented_indexes: readonly string[];
  /**
   * The worst of them with bytes, bytes after a rebuild, and where the figure comes from:
   * pgstattuple or estimate.
   */
  readonly index_fragmentation?: readonly {
    readonly index: string;
    readonly fragmentation_pct: number | null;
    readonly bytes: number;
    readonly expected_bytes: number | null;
    readonly source: string;
  }[];
  readonly maintenance_queue_depth: number | null;
  readonly maintenance?: MaintenanceMetrics;
  /** Seconds, by replica node id. */
  readonly replication_lag_seconds: Readonly<Record<string, number>>;
  /** What is known of each replica and unused slot beside its lag. */
  readonly replicas?: readonly ReplicaFigures[];
  /** List occupancy over the mean, by centroid node id. */
  readonly centroid_occupancy: Readonly<Record<string, number>>;
  /** Vector indexes that are INVALID, `schema.name`; absent: none. */
  readonly invalid_indexes?: readonly string[];
  /** By vector index, hnsw ones too. Samples of older versions have none. */
  readonly recall?: Readonly<Record<string, RecallMetric>>;
  /** What searches with the filters that were named get; absent: none were named. */
  readonly filtered_searches?: readonly SearchMetric[];
}

/** What an action's row keeps beside the metrics of the sample that it was planned on. */
export interface ActionMetrics extends Metrics {
  /** Health of the parts of the graph that were not whole then. */
  readonly health?: PartsHealth;
  /** What searches by the indexes that it reaches found and cost when it began. */
  readonly searches?: SearchFigures;
  /** What was looked at when it was verified, and what had got worse. */
  readonly verification?: Verification;
}

/**
 * One rule of the classifier: what it looked at, what it wanted, whether it was met and by how much
 * it was missed.
 */
export interface RuleEvidence {
  readonly rule: string;
  readonly class: ProblemClass;
  readonly met: boolean;
  /** null: the figure was not measured. */
  readonly measured: number | null;
  /** The rule is met above this value (or at it, when `inclusive`). */
  readonly threshold: number;
  readonly inclusive: boolean;
  /** How far `measured` is from meeting the rule; 0 when met; null when not measured. */
  readonly missing: number | null;
  readonly note?: string;
}

export interface Evidence {
  readonly rules: readonly RuleEvidence[];
  /** Weak witness edges by type, and the distinct nodes they touch by type. */
  readonly edge_types: Readonly<Partial<Record<EdgeType, number>>>;
  readonly node_types: Readonly<Partial<Record<NodeType, number>>>;
  readonly weak_edges: number;
  readonly witness_edges: number;
}

export type ProblemDetails =
  | {
      readonly class: "hotspot_congestion";
      readonly partition_ids: readonly string[];
      readonly load_ratio: number;
      readonly figure?: LoadFigure;
    }
  | {
      readonly class: "centroid_skew";
      readonly centroid_ids: readonly string[];
      readonly skew_factor: number;
      /**
       * The indexes they belong to, and the recall of the one that lost most; left out where recall
       * was not measured.
       */
      readonly indexes?: readonly string[];
      readonly recall?: number;
      readonly recall_baseline?: number | null;
    }
  | {
      readonly class: "recall_loss";
      /** The indexes that find less than they should, the worst first, `schema.name`. */
      readonly index_ids: readonly string[];
      /** Of the worst one; null: it is invalid, or was reported without. */
      readonly recall: number | null;
      readonly due: number | null;
      readonly due_from: DueSource | null;
      /** What one of its searches costs at the probes (ef_search) in effect; null: not known. */
      readonly blocks: number | null;
      readonly ms: number | null;
      /** What one by a fresh index costs, where that is the cause; absent: recall is. */
      readonly due_blocks?: number;
      /** The search with a filter that these figures are of; absent: searches without one. */
      readonly search?: string;
    }
  | {
      readonly class: "replication_lag";
      readonly replica_ids: readonly string[];
      readonly lag_seconds: number | null;
    }
  | {
      readonly class: "maintenance_contention";
      readonly job_types: readonly string[];
      readonly queue_depth: number | null;
    }
  | {
      readonly class: "index_fragmentation";
      readonly index_ids: readonly string[];
      readonly fragmentation_pct: number;
    }
  | {
      readonly class: "memory_pressure";
      readonly current_usage_pct: number;
      readonly largest_consumers: readonly { readonly name: string; readonly bytes: number }[];
    }
  | { readonly class: "unknown"; readonly witness_summary: string };

export interface Problem {
  readonly details: ProblemDetails;
  readonly evidence: Evidence;
  /** One sentence for a person. */
  readonly summary: string;
}
