/**
 * What a drill is: one fault, caused for real on a collection of its own, and what the loop is
 * expected to do about it.
 */
import type pg from "pg";
import type { ProblemClass } from "../../model/problem.ts";
import type { Failures, Running } from "../load.ts";
import type { Server } from "../db/server.ts";

export interface Stage {
  readonly server: Server;
  /**
   * The connection of the drill itself; faults that must hold something open take one by `connect`.
   */
  readonly client: pg.Client;
  /** `ruvector_drill.<name>`, quoted. */
  readonly table: string;
  connect(): Promise<pg.Client>;
  /** Load that runs until the drill's end; its errors are reported. */
  background<T extends Failures>(running: Running<T>): void;
  /** Something to do at the end of the drill, whatever happened; last come, first done. */
  atEnd(work: () => Promise<unknown>): void;
}

export interface Drill {
  readonly name: string;
  /** The fault in words. */
  readonly fault: string;
  readonly problem_class: ProblemClass;
  readonly strategy: string;
  /**
   * The loop does not choose this strategy by itself under the default settings: the drill asks for
   * it by name, and says so.
   */
  readonly asked_for?: Readonly<Record<string, unknown>>;
  /** Settings of the collection beside the defaults; shown with the result. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Options of `ruvector_healing_register`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Streaming replicas that the throwaway server must have. */
  readonly replicas?: number;
  /** Why it cannot run on this server; null: it can. */
  unavailable?(stage: Stage): Promise<string | null>;
  /** Makes the collection, in good health. */
  prepare(stage: Stage): Promise<void>;
  /** Causes the fault. */
  inject(stage: Stage): Promise<void>;
}
