/**
 * Documents that the SQL functions take and answer. Those that are taken say what the bundle's zod
 * schemas let pass (test/unit/client.test.ts compares the two).
 */
export type Json = string | number | boolean | null | readonly Json[] | Document;
export interface Document {
  readonly [key: string]: Json | undefined;
}

export interface RegisterOptions {
  readonly vector_column?: string | undefined;
  readonly tenant_column?: string | undefined;
  readonly tenant?: string | undefined;
  /** That its rows may move between its partitions. */
  readonly movable?: boolean | undefined;
  readonly access_column?: string | undefined;
  readonly cold_partition?: string | number | undefined;
  /** Searches with filters that are asked of it: measured, and kept. */
  readonly searches?:
    | readonly {
        readonly where: Readonly<Record<string, SearchValue | readonly SearchValue[]>>;
        readonly k?: number | undefined;
      }[]
    | undefined;
}

type SearchValue = string | number | boolean | null;

export interface ExecuteParams {
  /** Only say what it would do. */
  readonly dry_run?: boolean | undefined;
  readonly target_lambda?: number | undefined;
  /** Those of the strategy: max_moves, ... */
  readonly [param: string]: Json | undefined;
}

/** What an outside monitor measured; lambda and a graph where it knows them itself. */
export interface Report {
  readonly metrics?: ReportMetrics | undefined;
  readonly lambda?: number | undefined;
  readonly nodes?: readonly Document[] | undefined;
  readonly edges?: readonly Document[] | undefined;
  readonly witness_edges?: readonly Document[] | undefined;
}

export interface ReportMetrics {
  readonly memory_usage_pct?: number | undefined;
  readonly largest_consumers?:
    | readonly { readonly name: string; readonly bytes: number }[]
    | undefined;
  readonly index_fragmentation_pct?: number | undefined;
  readonly fragmented_indexes?: readonly string[] | undefined;
  readonly maintenance_queue_depth?: number | undefined;
  readonly replication_lag_seconds?: Readonly<Record<string, number>> | undefined;
  readonly centroid_occupancy?: Readonly<Record<string, number>> | undefined;
}

export interface Registration {
  readonly collection: string;
  readonly collection_id: number;
  readonly partition_strategy: string | null;
  readonly partition_column: string | null;
  readonly partitions: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly primary_key: readonly string[];
  readonly vector_column: string;
  readonly vector_type: string;
  readonly vector_indexed: boolean;
  readonly limitations: readonly {
    readonly strategy: string;
    readonly reason: string;
    readonly hint: string | null;
  }[];
  readonly [key: string]: unknown;
}

/** Of what acts: whether it began, waits, was held back (deferred) or done, and why. */
export interface Answer {
  readonly outcome?: string;
  readonly action_id?: number | null;
  readonly state?: string;
  readonly collection?: string;
  readonly strategy?: string | null;
  /** Which guard held it back. */
  readonly reason?: string;
  readonly message?: string | null;
  /** What would change that. */
  readonly flips_at?: string | null;
  readonly hint?: string | null;
  readonly [key: string]: unknown;
}

/** Of configure: what each setting was and is; nothing of those that were the same. */
export interface Changed {
  readonly [setting: string]: { readonly old: Json; readonly new: Json };
}

export interface Gate {
  readonly decision: "allow" | "throttle" | "defer" | "reject";
  readonly [key: string]: unknown;
}

/** What LISTEN ruvector_healing tells: docs/monitoring.md. */
export interface Notification {
  readonly at: string;
  readonly kind: string;
  readonly action_id: number | null;
  readonly collection: string | null;
  readonly message: string | null;
}
