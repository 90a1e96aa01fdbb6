/** What guards look at and answer with. */
import type { Flip } from "../../base/flip.ts";
import type { Mode } from "../../model/configuration.ts";
import type { ModeSettings } from "../../configuration/modes.ts";
import type { Cost } from "../../model/cost.ts";
import type { ProblemClass } from "../../model/problem.ts";
import type { BreakerFacts } from "../../store/breaker.ts";
import type { GuardFacts } from "../../store/guard-facts.ts";
import type { Reversal } from "../reversals.ts";
import type { PreflightFacts } from "../preflight-facts.ts";
import type { Scope } from "../blast-radius.ts";

/**
 * Who asks. `automatic`: the loop. `manual`: a human who typed `ruvector_healing_trigger`: the
 * guards as for the loop, but a new collection need not have settled: they ask. `explicit`: a human
 * who typed `ruvector_healing_execute` with a strategy: only what would be unsafe or impossible.
 */
export type GuardMode = "automatic" | "manual" | "explicit";

export type GuardName =
  | "disabled"
  | "mode"
  | "standby_server"
  | "breaker"
  | "maintenance_window"
  | "healthy"
  | "settling"
  | "unknown_problem"
  | "approval"
  | "active_action"
  | "global_limit"
  | "cooldown"
  | "attempts"
  | "ineffective"
  | "blast_radius"
  | "oscillation"
  | "preflight";

/** The settings that guards read; the names are those of the configuration. */
export interface GuardSettings extends ModeSettings {
  readonly enabled: boolean;
  readonly stress_threshold: number;
  readonly min_healing_interval_seconds: number;
  readonly settle_seconds: number;
  readonly settle_samples: number;
  readonly max_attempts_per_hour: number;
  readonly require_approval: readonly string[];
  readonly require_approval_strategies: readonly string[];
  /**
   * So many unverified outcomes of a class in a row, within a day, and the loop stops trying it.
   */
  readonly ineffective_outcomes: number;
  readonly max_locks_per_action: number;
  readonly oscillation_share: number;
  readonly oscillation_window_seconds: number;
  readonly preflight_transaction_seconds: number;
  readonly preflight_slot_wal_bytes: number;
}

/** What is known only once there is a plan. */
export interface PlannedFacts {
  readonly cost: Cost;
  readonly relation_locks: number;
  readonly scopes: readonly Scope[];
  /** null: it takes nothing back. */
  readonly reversal: Reversal | null;
  /** null: the strategy asks for none. */
  readonly preflight: PreflightFacts | null;
}

/** Maintenance windows as they stand now. */
export interface WindowNow {
  readonly open: boolean;
  /** null: it does not close, or none is open. */
  readonly closes_at: number | null;
  readonly opens_at: number | null;
  /** Why they cannot be told (a time zone this server does not know); then none is open. */
  readonly problem: string | null;
}

/** Everything a guard may look at. */
export interface GuardContext extends GuardFacts {
  readonly mode: GuardMode;
  readonly collection: string;
  readonly settings: GuardSettings;
  /** null: its row is gone. */
  readonly breaker: BreakerFacts | null;
  /** Whether now lies within the hours in which the loop may act; null: no such hours are set. */
  readonly in_window: boolean | null;
  /** The hours behind `in_window`, where there are any. */
  readonly window?: WindowNow | null;
  readonly lambda: number | null;
  /** Weak edges of the witness: `Problem.evidence.weak_edges`. */
  readonly weak_edges: number;
  readonly problem_class: ProblemClass;
  /** The strategy selected or asked for; null before selection and when there is none. */
  readonly strategy: { readonly name: string } | null;
  /**
   * null before there is a plan: guards that judge one let everything pass then, and are asked
   * again.
   */
  readonly planned: PlannedFacts | null;
  /** How many actions may be at work, on all collections. */
  readonly max_active_total: number;
}

export interface Refusal {
  readonly reason: GuardName;
  readonly measured: string | number | boolean | null;
  /** What would have to be the case for this guard to let the action pass. */
  readonly flips: Flip;
  readonly message: string;
  /** The statement that changes settings so that it passes. */
  readonly lift?: string;
  /** What to type or do; where it is missing, `lift`. */
  readonly hint?: string;
  /** Nobody has to do anything about it, and when it ends is known: it is never escalated. */
  readonly ends_itself?: boolean;
}

/** Not a refusal: the action is planned, and waits for a human. */
export interface ApprovalRequired {
  readonly approval_required: string;
}

/** Neither: what would be done is kept for people to see, and not done. */
export interface Held {
  readonly held: Extract<Mode, "observe" | "recommend">;
  readonly because: string;
}

export interface Guard {
  readonly name: GuardName;
  readonly modes: readonly GuardMode[];
  readonly check: (context: GuardContext) => Refusal | ApprovalRequired | Held | null;
}

export interface GuardVerdict {
  /** The first refusal; null: the action may be planned. */
  readonly refusal: Refusal | null;
  /**
   * Why the planned action must wait for a human; null: it may start. Always null beside a refusal.
   */
  readonly approval_required: string | null;
  /** The strategy may not act: its plan is kept as a forecast. Never beside a refusal. */
  readonly held?: Held;
}
