/**
 * Every metric there is: what the metrics function prints as HELP and TYPE, what the exporter's
 * query file asks for, and the table in docs/monitoring.md are made of this list, so that none of
 * them can say anything else.
 */
export type MetricType = "counter" | "gauge" | "summary";

export interface Family {
  readonly name: string;
  readonly type: MetricType;
  /** In the order in which ruvector.healing_metric_samples() gives their values. */
  readonly labels: readonly string[];
  readonly help: string;
  /** Which of the functions ruvector.healing_metrics_of_...() have its values. */
  readonly sources: readonly Source[];
}

type Source =
  | "collections"
  | "outcomes"
  | "counters"
  | "actions"
  | "refusals"
  | "installation"
  | "audit";

const metric =
  (type: MetricType) =>
  (
    sources: Source | readonly Source[],
    name: string,
    labels: readonly string[],
    help: string,
  ): Family => ({
    name,
    type,
    labels,
    help,
    sources: [sources].flat(),
  });
const gauge = metric("gauge");
const summary = metric("summary");
const counter = metric("counter");

const COLLECTION = ["collection"];
const STRATEGY = ["collection", "strategy"];
const ACTION = ["collection", "strategy", "action_id"];

/** In the order in which they are printed. */
export const FAMILIES: readonly Family[] = [
  gauge(
    "collections",
    "ruvector_integrity_lambda",
    COLLECTION,
    "Worst surviving fraction of the designed connectivity at the last sample, 0 to 1; " +
      "absent while not known.",
  ),
  gauge(
    "collections",
    "ruvector_integrity_state",
    COLLECTION,
    "Integrity state: 0 normal, 1 stress, 2 critical; NaN before the first sample.",
  ),
  gauge(
    "collections",
    "ruvector_healing_verdict_info",
    [...COLLECTION, "verdict"],
    "Always 1; the label says how the collection is: healthy, suspect, stress, critical, " +
      "healing, recovering or unknown.",
  ),
  gauge(
    "collections",
    "ruvector_integrity_sample_age_seconds",
    COLLECTION,
    "Seconds since the last sample.",
  ),
  gauge(
    "collections",
    "ruvector_integrity_sample_duration_seconds",
    COLLECTION,
    "How long the last sample took to measure.",
  ),
  gauge(
    "collections",
    "ruvector_integrity_unmeasured",
    COLLECTION,
    "Things the last sample could not measure; ruvector_integrity_status() lists them, with " +
      "the GRANT that would show each.",
  ),
  gauge("collections", "ruvector_integrity_unused_indexes", COLLECTION, "Unused vector indexes."),

  counter("counters", "ruvector_healing_attempts_total", STRATEGY, "Actions begun."),
  counter(
    "counters",
    "ruvector_healing_success_total",
    STRATEGY,
    "Actions that ended succeeded: verified to have helped.",
  ),
  summary(
    ["outcomes", "counters"],
    "ruvector_healing_duration_seconds",
    [...STRATEGY, "quantile"],
    "From an action's start to its end; quantiles over those that ended within 30 days, sum " +
      "and count over all.",
  ),
  gauge(
    "collections",
    "ruvector_healing_active",
    COLLECTION,
    "1 while an action is under way or waits for approval, else 0.",
  ),
  gauge(
    "collections",
    "ruvector_healing_cooldown",
    COLLECTION,
    "1 while the collection cools down after an action (min_healing_interval_seconds), else 0.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_success_rate",
    COLLECTION,
    "Share of the last 24 hours' outcomes that were successful and verified, as in " +
      "ruvector_healing_status(); absent without any.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_avg_improvement",
    COLLECTION,
    "Mean improvement of lambda as a fraction of the initial one, over 30 days; absent " +
      "without any.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_time_to_recovery_seconds",
    COLLECTION,
    "Mean time from the first sample below the stress threshold to the verified end, over 30 " +
      "days; absent without any.",
  ),
  summary(
    "counters",
    "ruvector_healing_recovery_seconds",
    COLLECTION,
    "The same times, as sum and count over all verified actions: for a mean over any window.",
  ),
  gauge(
    "collections",
    "ruvector_healing_enabled",
    COLLECTION,
    "1 when healing is on for the collection, 0 when it is switched off (enabled, or mode " +
      "off) for it or for all.",
  ),
  gauge(
    "collections",
    "ruvector_healing_mode_info",
    [...COLLECTION, "mode"],
    "Always 1; the label says how far the loop may go by itself: observe, recommend, " +
      "approve, auto or off.",
  ),

  counter(
    "counters",
    "ruvector_healing_actions_total",
    [...COLLECTION, "state"],
    "Times an action came to an end, by the state it ended in; one undone later counts again.",
  ),
  gauge(
    "actions",
    "ruvector_healing_action_age_seconds",
    [...STRATEGY, "state", "action_id"],
    "Seconds since the action under way was planned.",
  ),
  gauge(
    "actions",
    "ruvector_healing_approval_age_seconds",
    ACTION,
    "Seconds for which an action has waited for approval.",
  ),
  gauge(
    "actions",
    "ruvector_healing_rollback_failed",
    COLLECTION,
    "Actions of the last 7 days whose undo failed and was not made good since.",
  ),
  counter(
    "counters",
    "ruvector_healing_rows_moved_total",
    STRATEGY,
    "Rows moved by actions, without those moved back.",
  ),
  gauge(
    "actions",
    "ruvector_healing_leases_active",
    [...COLLECTION, "kind"],
    "Temporary changes in force: throttles, paused jobs, closed routes.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_predicted_lambda",
    STRATEGY,
    "What lambda the plan of the last judged action foresaw.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_final_lambda",
    STRATEGY,
    "What lambda the last judged action came to.",
  ),
  gauge(
    "outcomes",
    "ruvector_healing_prediction_error",
    COLLECTION,
    "Mean distance between predicted and final lambda over 30 days; absent without any.",
  ),

  counter(
    "counters",
    "ruvector_healing_refusals_total",
    [...COLLECTION, "reason"],
    "Evaluations that ended in no action, by the guard's reason.",
  ),
  gauge(
    "refusals",
    "ruvector_healing_refusal_age_seconds",
    [...COLLECTION, "reason"],
    "For how long the refusal in force has stood.",
  ),
  gauge(
    "refusals",
    "ruvector_healing_refusal_escalated",
    [...COLLECTION, "reason"],
    "1 when the refusal in force has lasted too long for its reason " +
      "(refusal_escalation_seconds), else 0.",
  ),
  gauge(
    "installation",
    "ruvector_healing_breaker_state",
    [],
    "Circuit breaker: 0 closed, 1 half open (one action is let through), 2 open (none is started).",
  ),
  gauge(
    "installation",
    "ruvector_healing_breaker_open_seconds",
    [],
    "Seconds since the circuit breaker opened; absent while it is closed.",
  ),

  counter("installation", "ruvector_healing_ticks_total", [], "Turns of the loop."),
  counter(
    "installation",
    "ruvector_healing_tick_errors_total",
    [],
    "Errors that ended a part of a tick; ruvector_healing_status() has the last one.",
  ),
  gauge(
    "installation",
    "ruvector_healing_tick_duration_seconds",
    [],
    "How long the last tick took; while one runs, its time so far.",
  ),
  gauge(
    "installation",
    "ruvector_healing_tick_interval_seconds",
    [],
    "Time between ticks, a moving average; absent before the second one.",
  ),
  gauge(
    "installation",
    "ruvector_healing_tick_lag_seconds",
    [],
    "Seconds since the last tick began; absent before the first one.",
  ),
  counter("audit", "ruvector_healing_events_total", [], "Audit events written."),
  gauge(
    "audit",
    "ruvector_healing_audit_intact",
    [],
    "1 while the last 100 events of the audit chain verify and end in its head, else 0; " +
      "ruvector_healing_verify_audit() checks all.",
  ),
  gauge(
    "audit",
    "ruvector_healing_audit_unsigned_seconds",
    [],
    "Age of the oldest event that no signature covers; 0 when all are signed.",
  ),
  gauge("installation", "ruvector_healing_registered_collections", [], "Registered collections."),
  gauge(
    "installation",
    "ruvector_healing_in_recovery",
    [],
    "1 on a standby, where everything here is the primary's as replicated; 0 on a primary.",
  ),
  gauge(
    "installation",
    "ruvector_healing_build_info",
    ["version", "language", "postgres"],
    "Always 1; the labels say what is installed.",
  ),
];
