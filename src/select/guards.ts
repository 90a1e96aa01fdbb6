/**
 * Guards: what stands between a problem and an action. Each is a small function over a plain context that returns null
 * (nothing against it) or a refusal with its reason, the value measured and the value that would flip it. They run in
 * the order of `GUARDS`; the first refusal decides. All of them fail closed: a limit that is no number refuses.
 */
import type { ProblemClass } from "../model/problem.ts";
import { count, printable, short, utc } from "../model/text.ts";

/**
 * Who asks. `automatic`: the loop. `manual`: a human who typed `ruvector_healing_trigger`: all guards as for the loop.
 * `explicit`: a human who typed `ruvector_healing_execute` with a strategy: only what would be unsafe or impossible.
 */
export type GuardMode = "automatic" | "manual" | "explicit";

export type GuardName =
  | "disabled"
  | "standby_server"
  | "maintenance_window"
  | "healthy"
  | "unknown_problem"
  | "approval"
  | "active_action"
  | "global_limit"
  | "cooldown"
  | "attempts"
  | "ineffective"
  | "impact";

/** The settings that guards read; the names are those of the configuration. */
export interface GuardSettings {
  readonly enabled: boolean;
  readonly stress_threshold: number;
  readonly min_healing_interval_seconds: number;
  readonly max_attempts_per_hour: number;
  readonly max_auto_heal_impact: number;
  readonly require_approval: readonly string[];
  readonly require_approval_strategies: readonly string[];
  /** So many unverified outcomes of a class in a row, within a day, and the loop stops trying it. */
  readonly ineffective_outcomes: number;
}

/** One outcome of this collection; `verified` null: its verification was never reached. */
export interface PastOutcome {
  readonly at: number;
  readonly problem_class: ProblemClass;
  readonly verified: boolean | null;
}

/** Everything a guard may look at. Times are seconds since the epoch. */
export interface GuardContext {
  readonly mode: GuardMode;
  readonly collection: string;
  readonly now: number;
  readonly settings: GuardSettings;
  /** The server is in recovery: nothing can be written. */
  readonly standby: boolean;
  /** Whether now lies within the hours in which the loop may act; null: no such hours are set. */
  readonly in_window: boolean | null;
  readonly lambda: number | null;
  /** Weak edges of the witness: `Problem.evidence.weak_edges`. */
  readonly weak_edges: number;
  readonly problem_class: ProblemClass;
  /** The strategy selected or asked for; null before selection and when there is none. */
  readonly strategy: { readonly name: string; readonly impact: number } | null;
  /** The action on this collection that has not ended. */
  readonly active: { readonly id: number | string; readonly strategy: string } | null;
  /** Actions that have not ended, on all collections, and how many there may be; null: no limit. */
  readonly active_total: number;
  readonly max_active_total: number | null;
  /** The last attempt on this collection; `ended_at` null while it runs or when it is not known. */
  readonly last_attempt: { readonly started_at: number; readonly ended_at: number | null } | null;
  /** When attempts on this collection started, in any order; older ones than an hour are ignored. */
  readonly attempts: readonly number[];
  /** Outcomes of this collection, in any order; older ones than a day are ignored. */
  readonly outcomes: readonly PastOutcome[];
}

export interface Refusal {
  readonly reason: GuardName;
  readonly measured: string | number | boolean | null;
  /** What would have to be the case for this guard to let the action pass. */
  readonly flips_at: string;
  readonly message: string;
  readonly hint?: string;
}

/** Not a refusal: the action is planned, and waits for a human. */
export interface ApprovalRequired {
  readonly approval_required: string;
}

export interface Guard {
  readonly name: GuardName;
  readonly modes: readonly GuardMode[];
  readonly check: (context: GuardContext) => Refusal | ApprovalRequired | null;
}

/** Seconds in which attempts are counted: the setting says "per hour". */
export const ATTEMPT_WINDOW_SECONDS = 3600;

/** Seconds for which unverified outcomes of a class count against it: longer than the attempts', which would always speak first. */
export const INEFFECTIVE_WINDOW_SECONDS = 86_400;

/** The statement that changes settings of one collection: its own settings win over the global ones. */
const configure = (settings: string, collection: string): string =>
  `SELECT ruvector_healing_configure('${settings}', '${printable(collection, 200).replace(/'/g, "''")}');`;

/**
 * Whether a stamp lies less than `window` seconds back. One that lies further ahead than that comes from a clock that
 * was set back since, and must not block for as long as the clock needs to catch up.
 */
const within = (now: number, stamp: number, window: number): boolean => Math.abs(now - stamp) < window;

function disabled({ settings, collection }: GuardContext): Refusal | null {
  if (settings.enabled) return null;
  return {
    reason: "disabled",
    measured: false,
    flips_at: "enabled = true",
    message: `healing of ${printable(collection)} is switched off`,
    hint: configure('{"enabled": true}', collection),
  };
}

function standbyServer({ standby }: GuardContext): Refusal | null {
  if (!standby) return null;
  return {
    reason: "standby_server",
    measured: true,
    flips_at: "pg_is_in_recovery() = false",
    message: "this server is a standby: nothing can be written here",
    hint: "Connect to the primary.",
  };
}

function maintenanceWindow({ in_window }: GuardContext): Refusal | null {
  if (in_window !== false) return null;
  return {
    reason: "maintenance_window",
    measured: false,
    flips_at: "the next maintenance window opens",
    message: "it is outside the maintenance window",
    hint: "SELECT ruvector_healing_execute(...) acts at once.",
  };
}

function healthy({ lambda, settings, weak_edges }: GuardContext): Refusal | null {
  if (lambda === null || !(lambda >= settings.stress_threshold) || weak_edges > 0) return null;
  return {
    reason: "healthy",
    measured: lambda,
    flips_at: `lambda below ${settings.stress_threshold}, or a weak edge in the minimum cut`,
    message: `nothing to heal: lambda is ${lambda.toFixed(3)} and no edge of the minimum cut is weak`,
  };
}

function unknownProblem({ problem_class }: GuardContext): Refusal | null {
  if (problem_class !== "unknown") return null;
  return {
    reason: "unknown_problem",
    measured: "unknown",
    flips_at: "a rule of the classifier is met (the evidence says by how much each was missed)",
    message: "the problem is of no known class: a human has to look at it",
    hint: "SELECT ruvector_healing_execute(...) runs a strategy of your choice.",
  };
}

function approval({ settings, problem_class, strategy }: GuardContext): ApprovalRequired | null {
  if (settings.require_approval.includes(problem_class)) {
    return { approval_required: `problems of class ${problem_class} need approval (require_approval)` };
  }
  if (strategy && settings.require_approval_strategies.includes(strategy.name)) {
    return { approval_required: `strategy ${printable(strategy.name)} needs approval (require_approval_strategies)` };
  }
  return null;
}

function activeAction({ active, collection }: GuardContext): Refusal | null {
  if (!active) return null;
  const id = printable(String(active.id));
  return {
    reason: "active_action",
    measured: active.id,
    flips_at: `action ${id} ends`,
    message: `action ${id} (${printable(active.strategy)}) is at work on ${printable(collection)}`,
    hint: `SELECT ruvector_healing_abort(${id}); ends it.`,
  };
}

function globalLimit({ active_total, max_active_total }: GuardContext): Refusal | null {
  if (max_active_total === null || active_total < max_active_total) return null;
  return {
    reason: "global_limit",
    measured: active_total,
    flips_at: `fewer than ${count(max_active_total, "active action")}`,
    message: `${count(active_total, "action")} on all collections, at most ${max_active_total} at a time`,
  };
}

function cooldown({ last_attempt, now, settings }: GuardContext): Refusal | null {
  if (!last_attempt) return null;
  const interval = settings.min_healing_interval_seconds;
  const from = last_attempt.ended_at ?? last_attempt.started_at;
  if (!Number.isNaN(interval) && !within(now, from, interval)) return null;
  const until = utc(from + interval);
  const verb = last_attempt.ended_at === null ? "started" : "ended";
  return {
    reason: "cooldown",
    measured: Math.max(0, now - from),
    flips_at: until,
    message: `cooling down until ${until}: the last attempt ${verb} ${short(Math.max(0, now - from))} s ago, min_healing_interval_seconds is ${interval}`,
  };
}

function attempts({ attempts: starts, now, settings }: GuardContext): Refusal | null {
  const most = settings.max_attempts_per_hour;
  const counted = starts.filter((start) => within(now, start, ATTEMPT_WINDOW_SECONDS)).sort((a, b) => a - b);
  if (counted.length < most) return null;
  // As many of the oldest as are too many have to leave the window before one more may start.
  const leaves = counted[counted.length - most];
  const limit = `max_attempts_per_hour is ${most}`;
  return {
    reason: "attempts",
    measured: counted.length,
    flips_at: leaves === undefined ? "max_attempts_per_hour above 0" : utc(leaves + ATTEMPT_WINDOW_SECONDS),
    message: `${count(counted.length, "attempt")} in the last hour, ${limit}`,
    hint: "A problem that comes back this often wants a human: SELECT * FROM ruvector_healing_history();",
  };
}

function ineffective({ outcomes, problem_class, now, settings }: GuardContext): Refusal | null {
  const n = settings.ineffective_outcomes;
  const last = outcomes
    .filter((outcome) => outcome.problem_class === problem_class && within(now, outcome.at, INEFFECTIVE_WINDOW_SECONDS))
    .sort((a, b) => b.at - a.at)
    .slice(0, n);
  const oldest = last[last.length - 1];
  if (!oldest || last.length < n || last.some((outcome) => outcome.verified === true)) return null;
  return {
    reason: "ineffective",
    measured: last.length,
    flips_at: `${utc(oldest.at + INEFFECTIVE_WINDOW_SECONDS)}, or a verified outcome before`,
    message: `the last ${count(last.length, "outcome")} for ${problem_class} helped nothing: healing is not effective here`,
    hint: "SELECT * FROM ruvector_healing_history(); shows what was tried. SELECT ruvector_healing_execute(...) tries another strategy.",
  };
}

function impact({ strategy, settings, collection }: GuardContext): Refusal | null {
  if (!strategy || strategy.impact <= settings.max_auto_heal_impact) return null;
  return {
    reason: "impact",
    measured: strategy.impact,
    flips_at: `max_auto_heal_impact of ${strategy.impact} or more`,
    message: `impact ${strategy.impact} of ${printable(strategy.name)} is above max_auto_heal_impact ${settings.max_auto_heal_impact}`,
    hint: configure(`{"max_auto_heal_impact": ${strategy.impact}}`, collection),
  };
}

const ALL: readonly GuardMode[] = ["automatic", "manual", "explicit"];
const UNASKED: readonly GuardMode[] = ["automatic", "manual"];

/** In the order in which they are asked. Further guards go to the end. */
export const GUARDS: readonly Guard[] = [
  { name: "disabled", modes: UNASKED, check: disabled },
  { name: "standby_server", modes: ALL, check: standbyServer },
  { name: "maintenance_window", modes: UNASKED, check: maintenanceWindow },
  { name: "healthy", modes: UNASKED, check: healthy },
  { name: "unknown_problem", modes: UNASKED, check: unknownProblem },
  { name: "approval", modes: UNASKED, check: approval },
  { name: "active_action", modes: ALL, check: activeAction },
  { name: "global_limit", modes: UNASKED, check: globalLimit },
  { name: "cooldown", modes: UNASKED, check: cooldown },
  { name: "attempts", modes: UNASKED, check: attempts },
  { name: "ineffective", modes: UNASKED, check: ineffective },
  { name: "impact", modes: UNASKED, check: impact },
];

export const guardsFor = (mode: GuardMode, guards: readonly Guard[] = GUARDS): readonly Guard[] =>
  guards.filter((guard) => guard.modes.includes(mode));

export interface GuardVerdict {
  /** The first refusal; null: the action may be planned. */
  readonly refusal: Refusal | null;
  /** Why the planned action must wait for a human; null: it may start. Always null beside a refusal. */
  readonly approval_required: string | null;
}

/**
 * Asks the guards of the context's mode in order. Approval does not end the round: nobody should be asked to approve
 * what a later guard refuses anyway.
 */
export function judge(context: GuardContext, guards: readonly Guard[] = GUARDS): GuardVerdict {
  let approvalRequired: string | null = null;
  for (const guard of guardsFor(context.mode, guards)) {
    const result = guard.check(context);
    if (result === null) continue;
    if ("approval_required" in result) approvalRequired ??= result.approval_required;
    else return { refusal: result, approval_required: null };
  }
  return { refusal: null, approval_required: approvalRequired };
}

export const firstRefusal = (context: GuardContext, guards: readonly Guard[] = GUARDS): Refusal | null =>
  judge(context, guards).refusal;
