/** What the actuator can scale: one workload behind whatever runs it. */
import type { Deadline } from "./clock.ts";

export interface Count {
  /** Wanted of it now. */
  readonly replicas: number;
  /** Changes with every change of the workload: scaling is refused when it is not the one read. */
  readonly version: string;
}

export interface Workload {
  /** As the database knows it. */
  readonly name: string;
  count(deadline: Deadline): Promise<Count>;
  /**
   * One try. null: done; else when to look again: it was changed since that count was read, or
   * whether it was done is not known.
   */
  scale(
    replicas: number,
    version: string,
    attempt: number,
    deadline: Deadline,
  ): Promise<{ readonly seconds: number; readonly why: string } | null>;
  /** How many are ready of how many wanted, and whether that is all there is to wait for. */
  ready(
    deadline: Deadline,
  ): Promise<{ readonly wanted: number; readonly ready: number; readonly settled: boolean }>;
}
