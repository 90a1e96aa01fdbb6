/**
 * kill -9 of the whole server in the middle of a slice, and of an undo: pg_cron goes on by itself,
 * nothing is lost.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { SETTLED } from "../../src/configuration/settings.ts";
import { waitEnds } from "../support/patience.ts";

let server: Server;
let client: pg.Client;

async function connect(): Promise<void> {
  client = new pg.Client({ connectionString: server.url() });
  client.on("error", () => undefined);
  await client.connect();
}

const value = async <T>(statement: string): Promise<T> =>
  Object.values((await client.query(statement)).rows[0] ?? {})[0] as T;

/** Polls until the statement's first value satisfies; the last value when it never does. */
async function until<T>(
  statement: string,
  satisfied: (value: T) => boolean,
  seconds: number,
  pause = 20,
): Promise<T> {
  const end = waitEnds(seconds);
  for (;;) {
    const current = await value<T>(statement);
    if (satisfied(current) || Date.now() > end) return current;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

const content = () =>
  value<string>(`
  SELECT count(*) || ':' || count(DISTINCT id) || ':'
    || md5(string_agg(md5(id::text || embedding::text), '' ORDER BY id)) FROM embeddings`);

const external = process.env["DATABASE_URL"] !== undefined;

beforeAll(async () => {
  if (external) return;
  server = await startServer({ name: `crash-${process.pid}`, fresh: true });
  await connect();
  const script = await readFile(
    join(root, `dist/ruvector_healing.${inject("language")}.sql`),
    "utf8",
  );
  await client.query(`BEGIN; ${script}; COMMIT;`);
  await client.query(
    `CREATE TABLE embeddings (id bigint, partition_id int, embedding vector(16),
      PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id)`,
  );
  for (let key = 0; key < 4; key++)
    await client.query(
      `CREATE TABLE embeddings_p${key} PARTITION OF embeddings FOR VALUES IN (${key})`,
    );
  await client.query(`INSERT INTO embeddings SELECT g, CASE WHEN g <= 8000 THEN 0 ELSE g % 4 END,
    (SELECT array_agg(random()) FROM generate_series(1, 16) WHERE g > 0)::vector
      FROM generate_series(1, 9600) g`);
  await client.query("SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')");
  await client.query("SELECT ruvector_healing_configure($1)", [
    JSON.stringify({
      batch_rows: 40,
      slice_seconds: 0.6,
      stabilize_seconds: 1,
      stress_samples: 1,
      critical_samples: 1,
      min_transition_interval_seconds: 0,
      max_attempts_per_hour: 1000,
      ...SETTLED,
    }),
  ]);
});

afterAll(async () => {
  if (external) return;
  await client.end().catch(() => undefined);
  await server.destroy();
});

async function killAndRestart(): Promise<void> {
  await server.kill9();
  await client.end().catch(() => undefined);
  await server.restart();
  await connect();
}

const ENDED = ["succeeded", "rolled_back", "failed", "aborted", "rollback_failed"];
const STATE =
  "SELECT coalesce((SELECT state FROM ruvector.healing_actions ORDER BY id DESC LIMIT 1), 'none')";
const MOVED =
  "SELECT coalesce((SELECT (progress ->> 'rows')::int FROM ruvector.healing_actions ORDER BY " +
  "id DESC LIMIT 1), 0)";

// A server of DATABASE_URL is not ours to kill.
it.skipIf(external)(
  "goes on by itself after kill -9 in a slice and in an undo, and loses nothing",
  async () => {
    const before = await content();
    await client.query("SELECT ruvector_healing_schedule('1 second')");
    expect(await until<number>(MOVED, (rows) => rows > 200, 150, 5)).toBeGreaterThan(200);
    expect(await value(STATE)).toBe("executing");
    await killAndRestart();
    expect(await content()).toBe(before);
    // The journal knows every row that moved, and no other.
    expect(
      await value(
        `SELECT (SELECT sum(rows) FROM ruvector.healing_steps) = (SELECT count(*) FROM embeddings
          WHERE id <= 8000 AND partition_id <> 0)`,
      ),
    ).toBe(true);
    // What is left is the same again. Each tick is a new session, whose slice has room for two
    // batches on a busy machine: 350 of 40 rows took more than 90 s (load 11).
    await client.query("SELECT ruvector_healing_configure('{\"batch_rows\": 200}')");
    expect(await until<string>(STATE, (state) => ENDED.includes(state), 200)).toBe("succeeded");
    expect(await content()).toBe(before);

    // In short slices, so that a quick machine is not through before it is killed.
    await client.query(
      'SELECT ruvector_healing_configure(\'{"enabled": false, "slice_seconds": 0.05}\')',
    );
    await client.query("SELECT ruvector_healing_rollback('embeddings')");
    expect(
      await until<string>(
        "SELECT (count(undone_at) > 5)::text FROM ruvector.healing_steps",
        (some) => some === "true",
        150,
        5,
      ),
    ).toBe("true");
    expect(await value(STATE)).toBe("rolling_back");
    await killAndRestart();
    expect(await until<string>(STATE, (state) => ENDED.includes(state), 200)).toBe("rolled_back");
    expect(await content()).toBe(before);
    expect(
      await value("SELECT count(*)::int FROM embeddings WHERE id <= 8000 AND partition_id <> 0"),
    ).toBe(0);
  },
  600_000,
);
