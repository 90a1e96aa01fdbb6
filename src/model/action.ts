/** An action: its states, its plan, its steps, and how it is undone. */
import type { Considered } from "./selection.ts";
import type { Allowance, Cost } from "./cost.ts";
import type { WitnessEdge } from "./graph.ts";
import type { ActionMetrics, Problem, ProblemClass } from "./problem.ts";

export const ACTIVE_STATES = [
  "planned",
  "awaiting_approval",
  "executing",
  "stabilizing",
  "rolling_back",
] as const;
/** Those that take one of the places of max_active_actions: what waits for a human takes none. */
export const PLACED_STATES = ["planned", "executing", "stabilizing", "rolling_back"] as const;
export const ENDED_STATES = [
  "succeeded",
  "rolled_back",
  "rollback_failed",
  "failed",
  "aborted",
  "expired",
] as const;
export type ActiveState = (typeof ACTIVE_STATES)[number];
export type EndedState = (typeof ENDED_STATES)[number];
export type ActionState = ActiveState | EndedState;

export const isActive = (state: ActionState): boolean =>
  (ACTIVE_STATES as readonly string[]).includes(state);

/**
 * Who asked for the action: the loop itself, `ruvector_healing_trigger`, or
 * `ruvector_healing_execute`.
 */
export type Origin = "loop" | "trigger" | "execute";

/** What a strategy foresees. Strategies add their own keys. */
export interface Plan {
  readonly strategy: string;
  /** Rows that will be touched. */
  readonly rows: number;
  readonly bytes: number;
  /** Write-ahead log it will write, an estimate. */
  readonly wal_bytes: number;
  /**
   * Of the rows, those that will be written anew in another place; a row that is only read into an
   * index is none.
   */
  readonly rows_moved?: number;
  /** Most relations it will have locked at once, above ACCESS SHARE. */
  readonly relation_locks: number;
  /** What could not be looked at before it began, and what would show it. */
  readonly preflight?: { readonly unseen: readonly string[] };
  /** It was cut to the blast radius: how many rows (or indexes) it had without it. */
  readonly trimmed_from?: number;
  readonly predicted_lambda: number | null;
  /**
   * What would hold lambda there: the weakest edges of the minimum cut then, in words; left out
   * where none is weak, or nobody looked.
   */
  readonly remaining?: readonly string[];
  readonly estimated_duration_seconds: number;
  /** How long its effect takes to show, where that is longer than the setting of the same name. */
  readonly stabilize_seconds?: number;
  /** Whether this very plan can be undone, where that differs from the strategy's rule. */
  readonly reversible?: boolean;
  /** Locks the strategy will take, in words. */
  readonly locks: readonly string[];
}

/** What a strategy's plan is bound to. */
export interface Bound {
  /** Sets of names (or of short values): any difference is another state. */
  readonly facts: Readonly<Record<string, readonly string[]>>;
  /** Amounts by group and name. */
  readonly amounts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export type PlanState = Bound;

/**
 * A row of `ruvector.healing_actions`. Times are seconds since 1970. `P` and `G` are its
 * strategy's own plan and progress.
 */
export interface Action<P extends Plan = Plan, G extends Progress = Progress> {
  readonly id: string;
  readonly collection_id: number;
  readonly collection: string;
  readonly state: ActionState;
  readonly origin: Origin;
  readonly initiated_by: string;
  readonly problem_class: ProblemClass;
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy_name: string;
  readonly strategy_params: Readonly<Record<string, unknown>>;
  readonly reversible: boolean;
  readonly plan: P;
  readonly progress: G;
  readonly initial_lambda: number;
  readonly initial_state: number;
  readonly predicted_lambda: number | null;
  readonly target_lambda: number;
  readonly final_lambda: number | null;
  readonly witness_edges: readonly WitnessEdge[];
  readonly system_metrics: Partial<ActionMetrics>;
  readonly slices: number;
  readonly failures: number;
  readonly rollback_reason: string | null;
  readonly rollback_to: "rolled_back" | "aborted" | "failed" | null;
  readonly verified: boolean | null;
  /**
   * How it failed, where it did: unverified, worsened, vetoed, in_vain, timeout, or the SQLSTATE of
   * its error.
   */
  readonly failure: string | null;
  /**
   * What it was planned from and is approved for; null: of an older version. The fingerprint is a
   * short hash of it.
   */
  readonly plan_state: PlanState | null;
  readonly fingerprint: string | null;
  readonly approved_by: string | null;
  readonly approved_at: number | null;
  readonly rejected_by: string | null;
  readonly rejected_at: number | null;
  readonly rejection_reason: string | null;
  /** The action that asks again, where the state had moved. */
  readonly replaced_by: string | null;
  readonly message: string | null;
  readonly degraded_at: number | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly stabilize_until: number | null;
  readonly deadline: number | null;
  readonly finished_at: number | null;
  /** When its row was last written. */
  readonly updated_at: number;
  /** The database's clock when the row was read. */
  readonly now: number;
}

/** It was approved while no maintenance window was open. */
export const waitsForWindow = (action: Action): boolean =>
  action.state === "planned" && action.progress.waits_for_window === true;

/** Where an action stands in its plan. Strategies add their own keys. */
export interface Progress {
  /** Rows changed so far, net of what was undone. */
  readonly rows?: number;
  /** The strategy has nothing left to do. */
  readonly done?: boolean;
  /** Set while a slice that lowered lambda is being undone: its number. */
  readonly undoing_slice?: number;
  /**
   * Keys of the partition column that the undo came upon and no partition takes any more: the rows
   * that came from there stay where they are, and so does their journal.
   */
  readonly no_way_back?: readonly string[];
  /**
   * The next sample measures anew what the strategy changes, so that the slice is judged by what it
   * did.
   */
  readonly remeasure?: boolean;
  /** It was approved while no maintenance window was open, and begins with the next one. */
  readonly waits_for_window?: boolean;
  /** What the action has written so far, and what it may still write: kept by the engine. */
  readonly spent?: Cost;
  readonly allowance?: Allowance;
  /** Why it ended before its plan did. */
  readonly stopped?: string;
  readonly [key: string]: unknown;
}

/** What a journaled change was, and what its undo needs. Strategies have their own kinds. */
export interface Change {
  readonly kind: string;
  readonly details: object;
  readonly journal: readonly unknown[];
}

/** A change to be journaled. */
export type NewStep<C extends Change = Change> = C & {
  readonly rows: number;
  /** What it wrote. 0 where that is a few rows of catalogues. */
  readonly bytes?: number;
  readonly wal_bytes?: number;
  /** The strategy has journaled it already, with the change. */
  readonly kept?: true;
};

/** A journaled change. */
export type Step<C extends Change = Change> = C & {
  readonly id: string;
  readonly slice: number;
  readonly rows: number;
};

/** What the undo of a step did. */
export interface UndoResult<Entry = unknown> {
  /**
   * What of the step's journal is still to be undone (rows locked by others); empty: the step is
   * undone.
   */
  readonly remaining: readonly Entry[];
  /** How much that is, where the strategy has kept it already and nothing of it is here. */
  readonly left?: number;
  readonly undone: number;
  /** Changes whose object does not exist any more. */
  readonly gone: number;
  /** Rows that the application has put elsewhere since: they are there, and stay there. */
  readonly elsewhere?: number;
  /**
   * Nothing was done, and nothing can be: no partition takes this key any more, from which the rows
   * came.
   */
  readonly no_way_back?: string;
  /** Why what remains waits, for people; without it: rows locked by others. */
  readonly waiting?: string;
  /** Changes that cannot be taken back because their place is taken. */
  readonly conflicts: number;
  /** Write-ahead log that it took. */
  readonly wal_bytes?: number;
}

/** What is looked at before an action of a strategy begins (src/select/preflight-facts.ts). */
export type PreflightCheck = "transactions" | "wraparound" | "slots";
