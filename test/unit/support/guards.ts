import { firstRefusal, type GuardContext, type GuardSettings, type PastOutcome, type Refusal } from "../../../src/select/guards/index.ts";

export const NOW = 1_768_000_000; // 2026-01-09T23:06:40Z

export const SETTINGS: GuardSettings = {
  enabled: true,
  mode: "auto",
  strategy_modes: {},
  stress_threshold: 0.8,
  min_healing_interval_seconds: 300,
  max_attempts_per_hour: 3,
  max_auto_heal_impact: 0.5,
  require_approval: [],
  require_approval_strategies: ["scale_replicas"],
  ineffective_outcomes: 3,
};

/** A context that no guard refuses. */
export const CONTEXT: GuardContext = {
  mode: "automatic",
  collection: "public.embeddings",
  now: NOW,
  settings: SETTINGS,
  standby: false,
  breaker: { state: "closed", reason: null, open_until: null, probe: null, failures: 0, opens_at: 5 },
  in_window: null,
  lambda: 0.4,
  weak_edges: 8,
  problem_class: "hotspot_congestion",
  strategy: { name: "rebalance_partitions", impact: 0.3 },
  active: null,
  active_total: 0,
  max_active_total: 4,
  last_attempt: null,
  attempts: [],
  outcomes: [],
};

export const settings = (more: Partial<GuardSettings>): Partial<GuardContext> => ({ settings: { ...SETTINGS, ...more } });
export const refuse = (more: Partial<GuardContext>): Refusal | null => firstRefusal({ ...CONTEXT, ...more });
export const reason = (more: Partial<GuardContext>): string | undefined => refuse(more)?.reason;
export const outcome = (ago: number, verified: boolean | null = false, more: Partial<PastOutcome> = {}): PastOutcome => ({
  at: NOW - ago,
  problem_class: "hotspot_congestion",
  verified,
  ...more,
});
