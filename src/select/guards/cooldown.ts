/** How often, and whether it helped so far. */
import { settingIs, time } from "../../base/flip.ts";
import { count, short, utc } from "../../base/text.ts";
import { within } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

/** Seconds in which attempts are counted: the setting says "per hour". */
export const ATTEMPT_WINDOW_SECONDS = 3600;

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
    flips: time(from + interval),
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
    flips:
      leaves === undefined
        ? settingIs("max_attempts_per_hour", "above", 0)
        : time(leaves + ATTEMPT_WINDOW_SECONDS),
    message: `${count(counted.length, "attempt")} in the last hour, ${limit}`,
    hint:
      "A problem that comes back this often wants a human: SELECT * FROM " +
      "ruvector_healing_history();",
  };
}
