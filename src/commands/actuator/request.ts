/** A request of the loop, and this process at work on it. */
import type { Wanted } from "./carry-out.ts";

/** As `ruvector_healing_actuation_take` gives it. */
export interface Request {
  readonly id: number;
  readonly kind: string;
  readonly target: { readonly workload: string };
  readonly wanted: Wanted;
  readonly seconds_left: number;
  readonly action_id: number;
  readonly collection: string;
  readonly cancel: boolean;
}

export interface ReportAnswer {
  readonly requests: number;
  readonly claims?: readonly Request[];
}

export interface Job {
  readonly request: Request;
  readonly controller: AbortController;
  done: Promise<void>;
}
