/**
 * From a measurement to health, by one shape for all of them:
 *
 *   health 1    up to `fine`
 *          0.8  at `stress`, where the measurement becomes a problem
 *          0.3  at `critical`
 *          0.01 at the least, however bad it gets
 *
 * The graph multiplies nominal capacities with it, so lambda crosses 0.8 (0.3) exactly when the
 * worst measurement crosses its own stress (critical) threshold, and a person can read either.
 *
 * Between the three points health falls along a straight line: over the logarithm of the value for
 * ratios, lags and counts, where twice as much is one step worse wherever it starts; over the value
 * itself for percentages and shares. Beyond `critical` the last line goes on down to the floor.
 */

/**
 * `fine < stress < critical` when more is worse, `fine > stress > critical` when less is worse
 * (recall).
 */
export interface HealthCurve {
  readonly fine: number;
  readonly stress: number;
  readonly critical: number;
  /** Default: `log` when more is worse, `linear` when less is worse. */
  readonly scale?: "log" | "linear";
}

export const HEALTH_AT_STRESS = 0.8;
export const HEALTH_AT_CRITICAL = 0.3;
export const HEALTH_FLOOR = 0.01;

/** Above it only rounding separates a health from 1. */
const WHOLE_HEALTH = 1 - 1e-6;

export const isWeak = (health: number): boolean => health < WHOLE_HEALTH;

/**
 * Defaults of the measurements that the sensor takes; thresholds in the unit that the key or its
 * comment names.
 */
export const DEFAULT_CURVES = {
  /** Rows of a partition over the mean, three or more partitions. */
  partition_load: { fine: 1.5, stress: 2, critical: 5, scale: "log" },
  /** The same where there are two partitions, so that 2 is the most there can be. */
  partition_load_pair: { fine: 1.3, stress: 1.5, critical: 1.8, scale: "log" },
  /**
   * recall@k over its baseline. Linear: within this narrow band the logarithm is a straight line
   * anyway.
   */
  recall: { fine: 0.98, stress: 0.95, critical: 0.7, scale: "linear" },
  /** Rows of a list over the mean of its index. */
  list_occupancy: { fine: 3, stress: 6, critical: 20, scale: "log" },
  /**
   * WAL that a slot keeps, in percent of max_slot_wal_keep_size: at 100 the next checkpoint may end
   * the replica.
   */
  slot_wal_pct: { fine: 50, stress: 80, critical: 95, scale: "linear" },
  /**
   * Seconds that nobody has come to a slot of a consumer that is no standby; many of those come by
   * the hour.
   */
  slot_inactive_seconds: { fine: 3600, stress: 21_600, critical: 86_400, scale: "log" },
  replication_lag_seconds: { fine: 1, stress: 10, critical: 120, scale: "log" },
  /** Seconds that writers waited for maintenance, summed over writers, per minute. */
  blocked_writer_seconds: { fine: 1, stress: 10, critical: 60, scale: "log" },
  /**
   * How long a table has been past its autovacuum threshold, in autovacuum_naptimes: the launcher
   * should come by in one.
   */
  autovacuum_delay: { fine: 5, stress: 15, critical: 60, scale: "log" },
  /** Maintenance jobs waiting. */
  queue_depth: { fine: 4, stress: 10, critical: 40, scale: "log" },
  fragmentation_pct: { fine: 15, stress: 30, critical: 70, scale: "linear" },
  memory_pct: { fine: 70, stress: 85, critical: 97, scale: "linear" },
} as const satisfies Record<string, HealthCurve>;

export type Measurement = keyof typeof DEFAULT_CURVES;

/**
 * Health of a measured value, HEALTH_FLOOR to 1; null when there is no value (null, undefined or
 * NaN): not measured is not healthy. Throws a RangeError when the curve's points are not finite and
 * in order.
 */
export function health(value: number | null | undefined, curve: HealthCurve): number | null {
  const moreIsWorse = checkedDirection(curve);
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  const { fine, stress, critical, scale = moreIsWorse ? "log" : "linear" } = curve;
  const reached = (threshold: number): boolean =>
    moreIsWorse ? value >= threshold : value <= threshold;
  if (value === fine || !reached(fine)) return 1;
  if (!reached(stress)) {
    return 1 - (1 - HEALTH_AT_STRESS) * progress(value, fine, stress, scale);
  }
  const fall = (HEALTH_AT_STRESS - HEALTH_AT_CRITICAL) * progress(value, stress, critical, scale);
  if (!reached(critical)) return HEALTH_AT_STRESS - fall;
  // Written from the critical point on, so that the value there is exactly HEALTH_AT_CRITICAL.
  const beyond = fall - (HEALTH_AT_STRESS - HEALTH_AT_CRITICAL);
  return Math.max(HEALTH_FLOOR, HEALTH_AT_CRITICAL - beyond);
}

/**
 * How far `value` has come from one threshold to the next: 0 at the first, 1 at the second, more
 * beyond.
 */
function progress(value: number, from: number, to: number, scale: "log" | "linear"): number {
  if (value === from) return 0;
  if (value === to) return 1;
  // A logarithm needs both thresholds above 0; a piece that begins or ends at 0 is straight.
  if (scale === "linear" || from <= 0 || to <= 0) return (value - from) / (to - from);
  return value > 0
    ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))
    : Infinity;
}

/** Whether more is worse. */
function checkedDirection({ fine, stress, critical }: HealthCurve): boolean {
  const rising = fine < stress && stress < critical;
  const falling = fine > stress && stress > critical;
  if (!(rising || falling) || !Number.isFinite(fine) || !Number.isFinite(critical)) {
    throw new RangeError(
      `health curve must rise or fall from fine over stress to critical: ${fine}, ${stress}, ` +
        `${critical}`,
    );
  }
  return rising;
}
