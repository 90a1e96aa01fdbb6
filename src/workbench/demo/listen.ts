/** npm run demo -- --listen: the healed database stays open for psql. */
import { randomBytes } from "node:crypto";
import pc from "../../commands/colours.ts";
import { type Listening, listen } from "../../plv8-pglite/wire/index.ts";
import { codeOf, ServerProblem } from "../db/problem.ts";
import type { EmbeddedVenue } from "./embedded.ts";
import { whatToType } from "./report.ts";
import type { Seen } from "./watch.ts";

/** Before the throwaway servers' ports. */
export const DEFAULT_PORT = 54317;

/**
 * Taken before the demo begins: nobody waits for it to learn that the port is taken. A password,
 * made anew each time, because whoever connects can run JavaScript in this process.
 */
export async function takePort(port: number): Promise<Listening> {
  try {
    return await listen(port, randomBytes(9).toString("base64url"));
  } catch (error) {
    const code = codeOf(error);
    if (code === "EADDRINUSE")
      throw new ServerProblem(
        `Port ${port} of 127.0.0.1 is taken.`,
        `Name another one, or 0 for any: npm run demo -- --listen ${port + 1}`,
      );
    if (code === "EACCES")
      throw new ServerProblem(
        `This user may not listen on port ${port}.`,
        `Ports from 1024 on are anybody's: npm run demo -- --listen ${DEFAULT_PORT}`,
      );
    throw error;
  }
}

const LIMITS = [
  "One client at a time: PGlite has one session, and a second client is refused (SQLSTATE 53300).",
  "The loop ticks on between your statements; an open transaction of yours holds it up.",
  "No pg_cron, so no ruvector_healing_schedule(); statements cannot be cancelled (Ctrl-C in " +
    "psql waits for the statement).",
  "COPY ... FROM STDIN and \\copy from are refused; COPY ... TO STDOUT works.",
  "Everything is in memory, and gone when this ends.",
];

/** How the healed database is kept open. */
export interface Keeping {
  readonly venue: EmbeddedVenue;
  readonly listening: Listening;
  readonly interval: number;
  readonly seen: Seen;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the person presses Ctrl-C. */
export async function keepOpen(keeping: Keeping): Promise<void> {
  const { venue, listening, interval, seen, say, signal } = keeping;
  signal.throwIfAborted();
  await venue.schedule(interval);
  listening.open(venue.shared);
  say(`${pc.green("Listening")}: ${pc.bold(`psql '${listening.url}'`)}`);
  whatToType(seen, say);
  for (const limit of LIMITS) say(`- ${limit}`);
  say(`${pc.bold("Ctrl-C")} ends it.`);
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
