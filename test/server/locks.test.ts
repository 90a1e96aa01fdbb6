/**
 * A storm of locks while rows are moved and moved back: who waits for whom, looked at again and
 * again.
 */
import type pg from "pg";
import { beforeAll, expect, it } from "vitest";
import { checksum, configure, HOT, makeTable, places, QUICK } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

// A server of its own: commits with a NOTIFY wait for each other in all databases of a server, and
// what a tick tells is one.
const db: TestDatabase = external ? await testDatabase() : await cronServer({ suffix: "locks" });

beforeAll(async () => {
  await configure(db, {
    ...QUICK,
    enabled: false,
    batch_rows: 50,
    slice_seconds: 0.2,
    max_retries: 100,
    stabilize_seconds: 0,
  });
  await makeTable(db, { table: "storm", rows: HOT });
});

interface Seen {
  readonly pid: number;
  readonly blockers: number[];
  readonly wait: string | null;
}

/**
 * Does something again and again until told to stop, or until its connection has gone: a query of
 * an ended client fails without a turn of the event loop, so that going on would stop the process.
 * Errors that the storm explains are counted by SQLSTATE.
 */
async function load(
  work: (client: pg.Client) => Promise<unknown>,
): Promise<{ pid: number; stop: () => Promise<Record<string, number>> }> {
  const client = await db.connect();
  const {
    rows: [own],
  } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const errors: Record<string, number> = {};
  let going = true;
  const running = (async () => {
    while (going) {
      await work(client).catch(async (error: { code?: string }) => {
        errors[error.code ?? "lost"] = (errors[error.code ?? "lost"] ?? 0) + 1;
        await client.query("ROLLBACK").catch(() => (going = false));
      });
    }
  })();
  return {
    pid: own!.pid,
    stop: async () => {
      going = false;
      await running;
      return errors;
    },
  };
}

const any = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from));

it("the loop waits in no lock queue, and whoever waits for it waits for one batch", async () => {
  const before = [await checksum(db, "storm"), await places(db, "storm")];
  const loop = await db.connect();
  const {
    rows: [own],
  } = await loop.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const us = own!.pid;
  const users = await Promise.all([
    // Writers that keep rows locked for a while, in the partition that is emptied and in those that
    // are filled.
    ...[1, 2].map(() =>
      load(async (client) => {
        await client.query("BEGIN");
        await client.query("UPDATE storm SET payload = payload WHERE id IN ($1, $2)", [
          any(361, 1620),
          any(1, 2100),
        ]);
        await client.query("SELECT pg_sleep(0.03)");
        await client.query("COMMIT");
      }),
    ),
    load((client) =>
      client.query("SELECT count(*) FROM storm WHERE embedding <-> '[1,1,1,1,1,1,1,1]' < 1"),
    ),
    // What a person's DDL or a vacuum holds: all of the table, or a part, for an instant, and
    // queues of others behind it.
    load(async (client) => {
      await client.query("BEGIN");
      await client.query(
        `LOCK TABLE ${["storm", "storm_p3", "storm_p0", "storm_p5"][any(0, 4)]}
          IN ${["ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE"][any(0, 3)]} MODE`,
      );
      await client.query("SELECT pg_sleep(0.02)");
      await client.query("COMMIT");
      await client.query("SELECT pg_sleep(0.05)");
    }),
  ]);
  const watcher = await db.connect();
  const seen: Seen[][] = [];
  let watching = true;
  const watch = (async () => {
    while (watching) {
      seen.push(
        (
          await watcher.query<Seen>(`
        SELECT a.pid, pg_blocking_pids(a.pid) AS blockers, CASE WHEN a.wait_event_type = 'Lock'
          THEN a.wait_event END AS wait
          FROM pg_stat_activity a WHERE a.datname = current_database()
            AND a.pid <> pg_backend_pid()`)
        ).rows,
      );
    }
  })();
  const state = (): Promise<string> =>
    db.value("SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1");
  const carriedOut = async (statement: string, wanted: string): Promise<string> => {
    await loop.query(`SELECT ${statement}`);
    for (let tick = 0; tick < 200 && (await state()) !== wanted; tick++)
      await loop.query("CALL ruvector_healing_tick()");
    return state();
  };
  const ends: string[] = [];
  let errors: Record<string, number>[] = [];
  try {
    ends.push(
      await carriedOut("ruvector_healing_execute('storm', 'rebalance_partitions')", "succeeded"),
      await carriedOut("ruvector_healing_rollback('storm')", "rolled_back"),
    );
  } finally {
    watching = false;
    await watch;
    errors = await Promise.all(users.map((user) => user.stop()));
  }
  expect(ends).toEqual(["succeeded", "rolled_back"]);

  const ours = seen.flatMap((sample) => sample.filter(({ pid }) => pid === us));
  expect(seen.length).toBeGreaterThan(50);
  // There was a storm: users waited, for each other.
  expect(
    seen.some((sample) => sample.some(({ pid, blockers }) => pid !== us && blockers.length > 0)),
  ).toBe(true);
  // Never in the queue for a table or a row: the loop has the lock at once or goes on without it.
  expect(ours.filter(({ wait }) => wait !== null)).toEqual([]);
  expect(ours.filter(({ blockers }) => blockers.length > 0)).toEqual([]);
  // Who waits for us waits for one of our batches, which waits for nobody: no chain goes through
  // the loop.
  for (const sample of seen) {
    const waiting = sample.filter(({ blockers }) => blockers.includes(us));
    if (waiting.length > 0)
      expect(sample.find(({ pid }) => pid === us)?.blockers ?? []).toEqual([]);
  }
  // Nobody was cancelled, and nobody was chosen as the victim of a deadlock with us.
  for (const one of errors) expect(Object.keys(one).filter((code) => code !== "40001")).toEqual([]);
  expect([await checksum(db, "storm"), await places(db, "storm")]).toEqual(before);
});
