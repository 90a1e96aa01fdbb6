/** The state of a collection, as it is kept between samples. */
import type { IntegrityState } from "./problem.ts";

/** Plain JSON; all times are seconds since the epoch. */
export interface StateRecord {
  readonly state: IntegrityState;
  /** When this state began. */
  readonly since: number;
  /** Samples in a row below the stress threshold. */
  readonly below_stress: number;
  /** Samples in a row below the critical threshold whose cut separates enough mass. */
  readonly below_critical: number;
  /**
   * Since when every sample was above the stress threshold plus margin; null: the last one was not.
   */
  readonly above_stress_since: number | null;
  /**
   * Since when every sample was above the critical threshold plus margin, or its cut without
   * weight; null: the last one was neither.
   */
  readonly above_critical_since: number | null;
  readonly last_transition: number | null;
  /**
   * Readings of lambda so far, for a new collection to settle. Not there in records of older
   * versions, whose collections are not new.
   */
  readonly samples?: number;
}
