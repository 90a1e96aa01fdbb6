/**
 * The demo in this process: PostgreSQL in memory, a timer instead of pg_cron, everybody on the one
 * session it has.
 */
import { SETTLED } from "../../configuration/settings.ts";
import { createTurns, type Shared } from "../../plv8-pglite/wire/index.ts";
import { openHealing } from "../embedded/database-snapshot.ts";
import { startTimer, type Timer } from "../embedded/timer.ts";
import { sessionOf } from "../session.ts";
import { untilInterrupted } from "../../commands/command-line.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { settingsInWords, type Venue } from "./venue.ts";

export interface EmbeddedVenue extends Venue {
  readonly shared: Shared;
}

/**
 * A demo is watched: verification waits 1 s instead of 10, and slices are short because nobody
 * else's statement runs during one (there is one session). Where one action is not enough, the next
 * one may follow soon. Everything else is as on a server.
 */
const SHORT = {
  ...SETTLED,
  min_healing_interval_seconds: 2,
  stabilize_seconds: 1,
  min_sample_interval_seconds: 0.25,
  slice_seconds: 0.3,
};

export async function embeddedVenue(
  watch: Stopwatch,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<EmbeddedVenue> {
  const { database, from_snapshot } = await openHealing({ log: say, signal });
  watch.lap(from_snapshot ? "open_snapshot" : "make_database");
  const shared: Shared = { database, turns: createTurns() };
  const session = sessionOf({
    ...database,
    query: (statement, parameters) =>
      untilInterrupted(database.query(statement, parameters), signal),
  });
  await session.query("SELECT ruvector_healing_configure($1)", [JSON.stringify(SHORT)]);
  say(
    "PostgreSQL runs in this process, in memory, with pgvector, plv8 and ruvector_healing " +
      "installed.",
  );
  say(`For a short demo: ${settingsInWords(SHORT)}.`);
  let timer: Timer | undefined;
  const unschedule = async (): Promise<void> => {
    await timer?.stop();
    timer = undefined;
  };
  return {
    shared,
    kind: "embedded",
    language: "plv8",
    session,
    settings: SHORT,
    psql: null,
    interruptibly: (work) => work(session),
    connect: async () => ({ ...session, end: async () => undefined }),
    async schedule(seconds) {
      timer = startTimer(shared, seconds, say);
      return {
        by: "A timer in this process",
        schedule: `${seconds} second${seconds === 1 ? "" : "s"}`,
      };
    },
    unschedule,
    lost: () => undefined,
    async close() {
      await unschedule();
      await database.close();
    },
  };
}
