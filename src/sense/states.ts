/**
 * Integrity states with hysteresis: quick to worsen, slow to recover, never nervous.
 *
 * Worse: below the stress threshold for some samples in a row, below the critical one for fewer.
 * Better: only above the threshold plus a margin, held for a time. Never two transitions within the
 * least interval. A pure function over a plain record, so that the record can live in a table.
 */
import type { IntegrityState } from "../model/problem.ts";
import { percent, short } from "../base/text.ts";
import type { StateRecord } from "../model/state.ts";

/** The names are those of the settings: an effective configuration can be passed as it is. */
export interface StateConfig {
  /** lambda, 0 to 1 */
  readonly stress_threshold: number;
  readonly critical_threshold: number;
  /** Samples in a row below the threshold. */
  readonly stress_samples: number;
  readonly critical_samples: number;
  /** Added to a threshold on the way up. */
  readonly recovery_margin: number;
  readonly recovery_hold_seconds: number;
  readonly min_transition_interval_seconds: number;
  /** Share of the graph's mass, 0 to 1, that the cut must separate to count as critical. */
  readonly critical_mass: number;
}

export interface StateSample {
  /** null: lambda is not known (the graph has fewer than two nodes, or could not be read). */
  readonly lambda: number | null;
  /** Seconds since the epoch. */
  readonly at: number;
  /** Share of the graph's mass on the smaller side of the cut, 0 to 1. */
  readonly mass: number;
}

export interface StateTransition {
  readonly from: IntegrityState;
  readonly to: IntegrityState;
  readonly reason: string;
}

export interface StateStep {
  readonly record: StateRecord;
  readonly transition: StateTransition | null;
}

const initial = (at: number): StateRecord => ({
  state: "normal",
  since: at,
  below_stress: 0,
  below_critical: 0,
  above_stress_since: null,
  above_critical_since: null,
  last_transition: null,
  samples: 0,
});

/**
 * What a later time may be counted from: never after `at`, so that a clock set back restarts a wait
 * instead of freezing it.
 */
const notAfter = (stamp: number | null, at: number): number | null =>
  stamp === null ? null : Math.min(stamp, at);

/** The record after this sample was counted, before any transition. */
function counted(
  record: StateRecord,
  lambda: number,
  { at, mass }: StateSample,
  config: StateConfig,
): StateRecord {
  // A cut that separates next to nothing may stress a collection, but neither makes nor keeps it
  // critical. A mass that is not known must not hide a critical cut.
  const weighty = !(mass < config.critical_mass);
  const aboveStress = lambda > config.stress_threshold + config.recovery_margin;
  const aboveCritical = !weighty || lambda > config.critical_threshold + config.recovery_margin;
  return {
    state: record.state,
    since: Math.min(record.since, at),
    below_stress: lambda < config.stress_threshold ? record.below_stress + 1 : 0,
    below_critical: weighty && lambda < config.critical_threshold ? record.below_critical + 1 : 0,
    above_stress_since: aboveStress ? (notAfter(record.above_stress_since, at) ?? at) : null,
    above_critical_since: aboveCritical ? (notAfter(record.above_critical_since, at) ?? at) : null,
    last_transition: notAfter(record.last_transition, at),
    ...(record.samples !== undefined && { samples: record.samples + 1 }),
  };
}

/** The state that the counters ask for, with the reason; null to stay. */
function wanted(
  record: StateRecord,
  lambda: number,
  { at, mass }: StateSample,
  config: StateConfig,
): { readonly to: IntegrityState; readonly reason: string } | null {
  const read = `lambda ${lambda.toFixed(3)}`;
  const held = (since: number | null): boolean =>
    since !== null && at - since >= config.recovery_hold_seconds;
  if (record.state !== "critical" && record.below_critical >= config.critical_samples) {
    const cut = Number.isFinite(mass) ? `; the cut separates ${percent(mass)} of the mass` : "";
    return {
      to: "critical",
      reason:
        `${read}: ${record.below_critical} samples in a row below ` +
        `${config.critical_threshold}${cut}`,
    };
  }
  if (record.state === "normal" && record.below_stress >= config.stress_samples) {
    return {
      to: "stress",
      reason: `${read}: ${record.below_stress} samples in a row below ${config.stress_threshold}`,
    };
  }
  if (record.state !== "normal" && held(record.above_stress_since)) {
    const since = at - (record.above_stress_since ?? at);
    return {
      to: "normal",
      reason:
        `${read}: above ${config.stress_threshold} + ${config.recovery_margin} for ` +
        `${short(since)} s`,
    };
  }
  if (record.state === "critical" && held(record.above_critical_since)) {
    const since = at - (record.above_critical_since ?? at);
    return {
      to: "stress",
      reason:
        `${read}: for ${short(since)} s above ${config.critical_threshold} + ` +
        `${config.recovery_margin}, ` +
        `or with a cut of less than ${percent(config.critical_mass)} of the mass`,
    };
  }
  return null;
}

/**
 * The state after one more sample.
 *
 * - A lambda (or time) that is not known changes nothing: counters and holds keep.
 * - A wanted transition that comes too soon after the last one is made by the first later sample
 *   that still wants it.
 * - A clock that jumps back moves the stamps that lie in its future to its now: waits start again,
 *   none is negative and none lasts longer than its length from then on.
 *
 * @param previous null for the first sample of a collection, which starts as normal
 */
export function nextState(
  previous: StateRecord | null,
  sample: StateSample,
  config: StateConfig,
): StateStep {
  const { lambda, at } = sample;
  const before = previous ?? initial(Number.isFinite(at) ? at : 0);
  if (lambda === null || Number.isNaN(lambda) || !Number.isFinite(at))
    return { record: before, transition: null };

  const record = counted(before, lambda, sample, config);

  const next = wanted(record, lambda, sample, config);

  const { last_transition: last } = record;

  if (next === null || (last !== null && at - last < config.min_transition_interval_seconds)) {
    return { record, transition: null };
  }
  return {
    record: { ...record, state: next.to, since: at, last_transition: at },
    transition: { from: record.state, to: next.to, reason: next.reason },
  };
}
