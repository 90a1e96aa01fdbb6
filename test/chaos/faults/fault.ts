/** What a fault is. Each family has a file; `index.ts` lists them. */
import type { Random } from "../random.ts";
import type { Workload } from "../workload.ts";
import type { World } from "../world.ts";

export interface Explained {
  /**
   * SQLSTATEs that writers and readers may get from it; "connection" where their session was lost.
   */
  readonly users?: readonly string[];
  /**
   * SQLSTATEs that a tick may fail with; with a word that its message must hold: "XX000
   * interrupted".
   */
  readonly ticks?: readonly string[];
  /** Processes of the server may be killed with signal 9. */
  readonly crash?: boolean;
}

export interface Fault {
  readonly name: string;
  /** How often it comes, beside the others: what restarts the server is dear. */
  readonly weight: number;
  readonly explains: Explained;
  /** Part of the short run. */
  readonly short?: boolean;
  /** What it needs beside a server: a replica, or the server's files (made with debootstrap). */
  readonly needs?: "replica" | "folder";
  /**
   * Does it, leaves it for as long as it lasts, and takes it away again.
   * @returns what it hit, for people; null: there was nothing to hit
   */
  inject(world: World, choices: Random, workload: Workload): Promise<string | null>;
}

/** Errors of users whose sessions are ended with the server. */
export const SERVER_GONE = ["connection", "57P01", "57P02", "57P03", "08006", "08P01", "53300"];

/**
 * A signal that comes while JavaScript is at work, of lock_timeout too, reaches SQL as an error of
 * the engine.
 */
export const INTERRUPTED = ["XX000 interrupted", "XX000 canceling", "XX000 terminating"];
