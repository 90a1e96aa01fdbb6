/** What is read of the loop for people: the documents that page, status and watch show. */
import type { Verdict } from "../../model/problem.ts";
import type { Missing } from "./query.ts";

/** Times are milliseconds since 1970 by the database's clock; ages are taken from `now`. */
export interface Overview {
  readonly now: number;
  readonly database: string;
  readonly standby: boolean;
  readonly enabled: boolean;
  readonly loop: LoopSeen;
  readonly tick: TickSeen;
  readonly breaker: {
    readonly state: string;
    readonly reason: string | null;
    readonly until: number | null;
  } | null;
  readonly healings: {
    readonly day: number;
    readonly success_rate: number | null;
    readonly last: number | null;
  };
  readonly collections: readonly CollectionSeen[];
  readonly active: readonly ActiveSeen[];
  readonly recommendations: readonly RecommendationSeen[];
  readonly leases: readonly LeaseSeen[];
  readonly outcomes: readonly OutcomeSeen[];
  readonly strategies: readonly StrategySeen[];
  readonly missing: readonly Missing[];
  /** On the page alone: null where it only reads; else what goes with a POST. */
  readonly operating?: { readonly token: string; readonly refused: string | null } | null;
}

/** What ruvector.healing_loop() says of it, which alone decides it. */
export interface LoopSeen {
  readonly condition: "running" | "never_ran" | "stopped" | "read_only" | "standby";
  /** Somebody has to do something. */
  readonly stands_still: boolean;
  /** A few words without a full stop. */
  readonly title: string;
  readonly sentence: string;
  /** What to type; null: nothing. */
  readonly statement: string | null;
}

export interface TickSeen {
  readonly at: number | null;
  readonly age: number | null;
  readonly interval: number | null;
  /** Of the last hour. */
  readonly error: string | null;
  readonly error_at: number | null;
  /** The error is the last tick's. */
  readonly failed: boolean;
}

export type StateName = "normal" | "stress" | "critical";

export interface CollectionSeen {
  readonly name: string;
  readonly verdict: Verdict;
  /** Why it is that, in one sentence without its full stop. */
  readonly sentence: string;
  /** What the loop decides by; null: never sampled. */
  readonly state: StateName | null;
  readonly lambda: number | null;
  readonly since: number | null;
  readonly sampled_at: number | null;
  readonly enabled: boolean;
  readonly mode: string | null;
  readonly cooldown_until: number | null;
  readonly refusals: readonly RefusalSeen[];
  readonly unmeasured: number;
  /** The weakest edge of the cut in words; null: none is weak. */
  readonly witness: string | null;
  /**
   * lambda of the last half hour, oldest first, one value for each half minute; null: no sample
   * then.
   */
  readonly trend: readonly (number | null)[];
}

export interface RefusalSeen {
  readonly reason: string;
  readonly message: string;
  readonly flips_at: string;
  readonly count: number;
  readonly since: number | null;
  readonly escalated: boolean;
}

export interface ActiveSeen {
  readonly id: number;
  readonly collection: string;
  readonly strategy: string;
  readonly problem: string;
  readonly state: string;
  readonly rows_done: number | null;
  readonly rows_planned: number | null;
  readonly started_at: number | null;
  readonly deadline: number | null;
  readonly message: string | null;
}

/** What the mode recommend would do, with the statement that does it. */
export interface RecommendationSeen {
  readonly collection: string;
  readonly strategy: string;
  readonly problem: string;
  readonly summary: string | null;
  readonly lambda_foreseen: number | null;
  readonly since: number | null;
  readonly statement: string;
}

export interface LeaseSeen {
  readonly collection: string;
  readonly kind: string;
  readonly strategy: string;
  readonly action_id: number;
  readonly expires_at: number | null;
}

export interface OutcomeSeen {
  readonly id: number;
  readonly collection: string;
  readonly state: string;
  readonly problem: string;
  readonly strategy: string;
  readonly by: string;
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly rows: number | null;
  readonly lambda_before: number;
  readonly lambda_foreseen: number | null;
  readonly lambda_after: number | null;
  readonly verified: boolean | null;
  readonly message: string | null;
}

export interface StrategySeen {
  readonly name: string;
  readonly weight: number;
  readonly outcomes: number;
  readonly success_rate: number | null;
  readonly improvement: number | null;
  readonly recovery_seconds: number | null;
}
