/** The effective configuration of a collection: what `configuration/settings.ts` describes. */
/** From the most careful one on. */
export const MODES = ["off", "observe", "recommend", "approve", "auto"] as const;
export type Mode = (typeof MODES)[number];

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/**
 * Hours of a week in which the loop may act. What is left out: every day, from 00:00, to 24:00, in
 * UTC.
 */
export interface MaintenanceWindow {
  readonly days?: readonly (typeof WEEKDAYS)[number][] | undefined;
  /** Local time; a window whose end is before its start ends on the next day. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly time_zone?: string | undefined;
}

/** Three values of a curve: fine, stress, critical. */
export type Triple = readonly [number, number, number];

/** The effective settings of one collection: its own over the global ones over the defaults. */
export interface Configuration {
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly strategy_modes: Readonly<Record<string, Mode>>;
  readonly min_healing_interval_seconds: number;
  readonly settle_seconds: number;
  readonly settle_samples: number;
  readonly max_attempts_per_hour: number;
  readonly max_auto_heal_impact: number;
  readonly require_approval: readonly string[];
  readonly require_approval_strategies: readonly string[];
  readonly learning_enabled: boolean;
  readonly approval_ttl_seconds: number;
  readonly rejection_seconds: number;
  readonly maintenance_windows: readonly MaintenanceWindow[];
  readonly stress_threshold: number;
  readonly critical_threshold: number;
  readonly stress_samples: number;
  readonly critical_samples: number;
  readonly recovery_margin: number;
  readonly recovery_hold_seconds: number;
  readonly min_transition_interval_seconds: number;
  readonly critical_mass: number;
  readonly partition_load: Triple;
  readonly partition_load_pair: Triple;
  readonly judge_partition_load: boolean;
  readonly sense_traffic: boolean;
  readonly traffic_window_seconds: number;
  readonly min_reads_per_second: number;
  readonly min_writes_per_second: number;
  readonly working_set_window_seconds: number;
  readonly list_occupancy: Triple;
  readonly recall: Triple;
  readonly recall_interval_seconds: number;
  readonly recall_k: number;
  readonly recall_samples: number;
  readonly recall_error: number;
  readonly recall_probes: number;
  readonly recall_target: number;
  readonly recall_trial_ms: number;
  readonly recall_budget_ms: number;
  readonly recall_max_rows: number;
  readonly unused_index_seconds: number;
  readonly replication_lag_seconds: Triple;
  readonly delayed_replicas: string;
  readonly blocked_writer_seconds: Triple;
  readonly autovacuum_delay: Triple;
  readonly slot_wal_pct: Triple;
  readonly slot_inactive_seconds: Triple;
  readonly replica_memory_seconds: number;
  readonly queue_depth: Triple;
  readonly memory_pct: Triple;
  readonly fragmentation_pct: Triple;
  readonly min_rows_for_load: number;
  readonly min_rows_for_list: number;
  readonly exact_count_pages: number;
  readonly fragmentation_interval_seconds: number;
  readonly exact_fragmentation_pages: number;
  readonly preflight_transaction_seconds: number;
  readonly preflight_slot_wal_bytes: number;
  readonly report_ttl_seconds: number;
  readonly min_sample_interval_seconds: number;
  readonly stabilize_seconds: number;
  readonly verify_ratio: number;
  readonly abort_ratio: number;
  readonly target_lambda: number;
  readonly batch_rows: number;
  readonly slice_seconds: number;
  readonly max_moves: number;
  readonly max_bytes_per_action: number;
  readonly max_wal_bytes_per_action: number;
  readonly max_locks_per_action: number;
  readonly max_rows_per_hour: number;
  readonly max_bytes_per_hour: number;
  readonly max_wal_bytes_per_hour: number;
  readonly max_server_rows_per_hour: number;
  readonly max_server_bytes_per_hour: number;
  readonly max_server_wal_bytes_per_hour: number;
  readonly lock_timeout_ms: number;
  readonly drain_lease_seconds: number;
  readonly max_retries: number;
  readonly rollback_timeout_seconds: number;
  readonly drain_seconds: number;
  readonly pause_seconds: number;
  readonly throttle_seconds: number;
  readonly throttle_mode: "delay" | "reject";
  readonly throttle_max_delay_seconds: number;
  readonly kept_index_seconds: number;
  readonly search_cost_ratio: number;
  readonly tune_roles: string;
  readonly tune_seconds: number;
  readonly tune_recheck_seconds: number;
  readonly repair_invalid_indexes: boolean;
  readonly strategy_retry_seconds: number;
  readonly strategy_retry_max_seconds: number;
  readonly strategy_failure_collections: number;
  readonly exploration_seconds: number;
  readonly scale_workload: string;
  readonly max_replicas: number;
  readonly actuation_timeout_seconds: number;
  readonly actuator_report_seconds: number;
  readonly ineffective_outcomes: number;
  readonly oscillation_window_seconds: number;
  readonly oscillation_share: number;
  readonly oscillation_suspend_seconds: number;
  readonly max_active_actions: number;
  readonly breaker_failures: number;
  readonly breaker_window_seconds: number;
  readonly breaker_open_seconds: number;
  readonly refusal_escalation_seconds: number;
  readonly history_days: number;
}
