import { flipSentence } from "../../../src/base/flip.ts";
import {
  firstRefusal,
  type GuardContext,
  type GuardSettings,
  type PlannedFacts,
  type Refusal,
} from "../../../src/select/guards/index.ts";
import { type Cost, NO_COST } from "../../../src/model/cost.ts";
import type { Scope } from "../../../src/select/blast-radius.ts";
import type { PastOutcome } from "../../../src/store/guard-facts.ts";

export const NOW = 1_768_000_000; // 2026-01-09T23:06:40Z

export const SETTINGS: GuardSettings = {
  enabled: true,
  mode: "auto",
  strategy_modes: {},
  stress_threshold: 0.8,
  min_healing_interval_seconds: 300,
  settle_seconds: 900,
  settle_samples: 20,
  max_attempts_per_hour: 3,
  require_approval: [],
  require_approval_strategies: ["scale_replicas"],
  ineffective_outcomes: 3,
  max_locks_per_action: 2000,
  oscillation_share: 0.5,
  oscillation_window_seconds: 21_600,
  preflight_transaction_seconds: 300,
  preflight_slot_wal_bytes: 1000,
};

/** A context that no guard refuses. */
export const CONTEXT: GuardContext = {
  mode: "automatic",
  collection: "public.embeddings",
  now: NOW,
  settings: SETTINGS,
  standby: false,
  breaker: {
    state: "closed",
    reason: null,
    open_until: null,
    probe: null,
    failures: 0,
    opens_at: 5,
  },
  registered_at: NOW - 86_400,
  samples: 1000,
  in_window: null,
  lambda: 0.4,
  weak_edges: 8,
  problem_class: "hotspot_congestion",
  strategy: { name: "rebalance_partitions" },
  planned: null,
  active: null,
  active_total: 0,
  max_active_total: 4,
  last_attempt: null,
  attempts: [],
  outcomes: [],
};

export const settings = (more: Partial<GuardSettings>): Partial<GuardContext> => ({
  settings: { ...SETTINGS, ...more },
});
/** A refusal as it is answered: what would flip it as a sentence, and what to type. */
export const told = <T extends Pick<Refusal, "flips" | "hint" | "lift">>(
  refusal: T,
): Omit<T, "flips"> & { readonly flips_at: string; readonly hint?: string } => {
  const { flips, ...rest } = refusal;
  const hint = refusal.hint ?? refusal.lift;
  return { ...rest, flips_at: flipSentence(flips), ...(hint !== undefined && { hint }) };
};
export const refuse = (more: Partial<GuardContext>): ReturnType<typeof told<Refusal>> | null => {
  const refusal = firstRefusal({ ...CONTEXT, ...more });
  return refusal && told(refusal);
};
export const reason = (more: Partial<GuardContext>): string | undefined => refuse(more)?.reason;
export const outcome = (
  ago: number,
  verified: boolean | null = false,
  more: Partial<PastOutcome> = {},
): PastOutcome => ({
  at: NOW - ago,
  problem_class: "hotspot_congestion",
  verified,
  ...more,
});

const scope = (name: "action" | "collection" | "server", used: Cost): Scope => ({
  name,
  used,
  frees_at: name === "action" ? null : NOW + 600,
  limits: { rows: 1000, bytes: 100_000, wal_bytes: 200_000 },
  settings:
    name === "action"
      ? { rows: "max_moves", bytes: "max_bytes_per_action", wal_bytes: "max_wal_bytes_per_action" }
      : name === "collection"
        ? {
            rows: "max_rows_per_hour",
            bytes: "max_bytes_per_hour",
            wal_bytes: "max_wal_bytes_per_hour",
          }
        : {
            rows: "max_server_rows_per_hour",
            bytes: "max_server_bytes_per_hour",
            wal_bytes: "max_server_wal_bytes_per_hour",
          },
});

/** A plan that no guard refuses. */
export const PLANNED: PlannedFacts = {
  cost: { rows: 500, bytes: 50_000, wal_bytes: 60_000 },
  relation_locks: 20,
  scopes: [
    scope("action", NO_COST),
    scope("collection", { rows: 100, bytes: 1000, wal_bytes: 1000 }),
    scope("server", { rows: 400, bytes: 2000, wal_bytes: 2000 }),
  ],
  reversal: null,
  preflight: {
    transaction: {
      who: "pid 7 (alice, idle in transaction)",
      seconds: 10,
      ends: "SELECT pg_terminate_backend(7);",
    },
    wraparound: null,
    slot: { name: "s", retained: 10, safe: null },
    wal_bytes: 100,
    unseen: [],
  },
};

export const planned = (more: Partial<PlannedFacts>): Partial<GuardContext> => ({
  planned: { ...PLANNED, ...more },
});
