/** What the worker is told, and whom it tells. */
import type { Workload } from "./workload.ts";

export interface Observer {
  reported(workload: string, ok: boolean): void;
  ended(
    workload: string,
    outcome: "succeeded" | "failed" | "given_up" | "refused",
    seconds: number,
  ): void;
  scaled(workload: string): void;
}

export interface WorkerOptions {
  readonly name: string;
  readonly workloads: readonly Workload[];
  readonly maxReplicas: number;
  /** Seconds. */
  readonly reportEvery: number;
  readonly pollEvery: number;
  readonly lookEvery: number;
}
