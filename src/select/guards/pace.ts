/** How often, and whether it helped so far. */
import { count, short, utc } from "../../base/text.ts";
import { configure, explain, within } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

/** Seconds in which attempts are counted: the setting says "per hour". */
export const ATTEMPT_WINDOW_SECONDS = 3600;

/**
 * Seconds for which unverified outcomes of a class count against it: longer than the attempts',
 * which would always speak first.
 */
export const INEFFECTIVE_WINDOW_SECONDS = 86_400;

/**
 * A new collection is watched first: its caches are cold, its bulk load may go on, and what is
 * usual for it is not known yet.
 */
export function settling({
  registered_at,
  samples,
  now,
  settings,
  collection,
}: GuardContext): Refusal | null {
  const { settle_seconds: seconds, settle_samples: least } = settings;
  const early = Number.isNaN(seconds) || within(now, registered_at, seconds);
  const few = !(samples >= least);
  if (!early && !few) return null;
  const needs = [
    ...(early ? [`until ${utc(registered_at + seconds)}`] : []),
    ...(few ? [`for ${count(Math.max(0, least - samples), "more sample")}`] : []),
  ];
  const statement = configure('{"settle_seconds": 0, "settle_samples": 0}', collection);
  return {
    reason: "settling",
    measured: samples,
    flips_at: `${needs.join(", and ")}; or ${statement}`,
    message:
      `a new collection is watched first: ${needs.join(", and ")} (settle_seconds is ` +
      `${seconds}, settle_samples is ${least})`,
    hint: `${statement} ends it now.`,
    ends_itself: true,
  };
}

export function cooldown({ last_attempt, now, settings }: GuardContext): Refusal | null {
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
    message:
      `cooling down until ${until}: the last attempt ${verb} ${short(Math.max(0, now - from))} ` +
      `s ago, min_healing_interval_seconds is ${interval}`,
  };
}

export function attempts({ attempts: starts, now, settings }: GuardContext): Refusal | null {
  const most = settings.max_attempts_per_hour;
  const counted = starts
    .filter((start) => within(now, start, ATTEMPT_WINDOW_SECONDS))
    .sort((a, b) => a - b);
  if (counted.length < most) return null;
  // As many of the oldest as are too many have to leave the window before one more may start.
  const leaves = counted[counted.length - most];
  const limit = `max_attempts_per_hour is ${most}`;
  return {
    reason: "attempts",
    measured: counted.length,
    flips_at:
      leaves === undefined ? "max_attempts_per_hour above 0" : utc(leaves + ATTEMPT_WINDOW_SECONDS),
    message: `${count(counted.length, "attempt")} in the last hour, ${limit}`,
    hint:
      "A problem that comes back this often wants a human: SELECT * FROM " +
      "ruvector_healing_history();",
  };
}

export function ineffective({
  outcomes,
  problem_class,
  now,
  settings,
  collection,
}: GuardContext): Refusal | null {
  const n = settings.ineffective_outcomes;
  const last = outcomes
    .filter(
      (outcome) =>
        outcome.problem_class === problem_class &&
        within(now, outcome.at, INEFFECTIVE_WINDOW_SECONDS),
    )
    .sort((a, b) => b.at - a.at)
    .slice(0, n);
  const oldest = last[last.length - 1];
  if (!oldest || last.length < n || last.some((outcome) => outcome.verified === true)) return null;
  return {
    reason: "ineffective",
    measured: last.length,
    flips_at: `${utc(oldest.at + INEFFECTIVE_WINDOW_SECONDS)}, or a verified outcome before`,
    message:
      `the last ${count(last.length, "outcome")} for ${problem_class} helped nothing: healing ` +
      "is not effective here",
    hint:
      `SELECT * FROM ruvector_healing_history(); shows what was tried. ${explain(collection)} ` +
      "says what could be run by hand.",
  };
}
