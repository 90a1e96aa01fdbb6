/** Where the demo plays: in this process, or on a real server. */
import { SETTINGS } from "../../configuration/settings.ts";
import type { Session } from "../session.ts";

export interface Ending {
  end(): Promise<void>;
}

export interface Venue {
  readonly kind: "embedded" | "external" | "docker" | "debootstrap" | "root" | "bindir";
  /** "plv8" or "pljs". */
  readonly language: string;
  /** The watcher's session: open until close(). */
  readonly session: Session;
  /** What else is set for a short demo, over the defaults. */
  readonly settings: Readonly<Record<string, number>>;
  /** How a person gets in, for humans; null where there is no way. */
  readonly psql: string | null;
  /** Runs work that Ctrl-C may interrupt. */
  interruptibly(work: (session: Session) => Promise<void>): Promise<void>;
  /** A session for a load that runs beside: one of its own where there are many. */
  connect(): Promise<Session & Ending>;
  /** Starts the loop. Returns who runs it and how often. */
  schedule(seconds: number): Promise<{ readonly by: string; readonly schedule: string }>;
  unschedule(): Promise<void>;
  /** What stopped the session meanwhile. */
  lost(): Error | undefined;
  close(): Promise<void>;
}

/** "stabilize_seconds 2 (default 10), ..." */
export const settingsInWords = (settings: Readonly<Record<string, number>>): string =>
  Object.entries(settings)
    .map(
      ([key, value]) =>
        `${key} ${value} (default ${String(SETTINGS.find((one) => one.key === key)?.default)})`,
    )
    .join(", ");
