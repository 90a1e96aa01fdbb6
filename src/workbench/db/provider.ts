import type { MadeKind } from "./places.ts";

export type Log = (line: string) => void;
export type StopMode = "fast" | "immediate";

export interface InstanceOptions {
  /** Drop the instance's data first. */
  fresh: boolean;
  /**
   * Server settings on top of recipe/postgresql.conf; undefined keeps those of the last
   * start.
   */
  settings: Record<string, string> | undefined;
  /** How many streaming replicas it is to have; undefined keeps those that are there. */
  replicas: number | undefined;
  log: Log;
}

export interface ReplicaState {
  /** "replica1", ...; also its slot and its application_name. */
  name: string;
  running: boolean;
  port: number | undefined;
}

export interface InstanceState {
  running: boolean;
  port?: number;
  /** Where data and log are, for humans. */
  where: string;
  replicas: ReplicaState[];
}

export interface Command {
  file: string;
  args: string[];
}

/** A way to make servers. Every function takes the name of one of its instances. */
export interface Provider {
  kind: MadeKind;
  /** Where it remembers its servers, and what they are made of, for humans. */
  records(): string;
  title(): string;
  start(name: string, options: InstanceOptions): Promise<void>;
  /** All of it, or one replica alone. */
  stop(name: string, mode: StopMode, replica?: string): Promise<void>;
  kill9(name: string, replica?: string): Promise<void>;
  /**
   * Lets a replica follow the primary through another port (a slow link before it), until the next
   * start; undefined: directly.
   */
  follow(name: string, replica: string, port: number | undefined): Promise<void>;
  state(name: string): Promise<InstanceState>;
  destroy(name: string): Promise<void>;
  /** Removes every instance and what they were made from. */
  destroyAll(log: Log): Promise<void>;
  /** The psql that comes with the server, for machines that have none. */
  ownPsql(name: string, args: string[]): Command;
}
