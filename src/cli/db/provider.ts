import type { MadeKind } from "./places.ts";

export type Log = (line: string) => void;
export type StopMode = "fast" | "immediate";

export interface InstanceOptions {
  /** Drop the instance's data first. */
  fresh: boolean;
  /** Server settings on top of build/server/postgresql.conf; undefined keeps those of the last start. */
  settings: Record<string, string> | undefined;
  log: Log;
}

export interface InstanceState {
  running: boolean;
  port?: number;
  /** Where data and log are, for humans. */
  where: string;
}

export interface Command {
  file: string;
  args: string[];
}

/** A way to make servers. Every function takes the name of one of its instances. */
export interface Provider {
  kind: MadeKind;
  start(name: string, options: InstanceOptions): Promise<void>;
  stop(name: string, mode: StopMode): Promise<void>;
  kill9(name: string): Promise<void>;
  state(name: string): Promise<InstanceState>;
  destroy(name: string): Promise<void>;
  /** Removes every instance and what they were made from. */
  destroyAll(log: Log): Promise<void>;
  /** The psql that comes with the server, for machines that have none. */
  ownPsql(name: string, args: string[]): Command;
}
