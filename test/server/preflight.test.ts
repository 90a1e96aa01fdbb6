/**
 * What is looked at before a long action begins, met for real: an old transaction, a table near
 * wraparound, a slot that keeps the log.
 */
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { QUICK } from "./support/collection.ts";
import { install, session, valueOf } from "./support/replicas.ts";

const external = (process.env["DATABASE_URL"] ?? "") !== "";

interface Answer {
  readonly outcome: string;
  readonly reason: string;
  readonly measured: unknown;
  readonly message: string;
  readonly flips_at: string;
  readonly hint: string;
}

let server: Server;
let client: pg.Client;
let other: pg.Client;

beforeAll(async () => {
  if (external) return;
  // The least that PostgreSQL takes: a hundred thousand transactions are made in seconds.
  server = await startServer({
    name: `preflight-${process.pid}`,
    settings: { autovacuum_freeze_max_age: "100000", autovacuum: "off" },
  });
  client = await session(server);
  other = await session(server);
  await install(client);
  await client.query(
    `CREATE TABLE old (id bigint PRIMARY KEY, payload text, embedding vector(3));
      CREATE INDEX old_payload ON old (payload)`,
  );
  await client.query(
    "INSERT INTO old SELECT g, md5(g::text), ARRAY[g, 1, 2]::vector FROM generate_series(1, " +
      "2000) g; SELECT ruvector_healing_register('old', '{\"movable\": true}')",
  );
  await client.query("SELECT ruvector_healing_configure($1)", [
    JSON.stringify({ ...QUICK, enabled: false, preflight_transaction_seconds: 1 }),
  ]);
});

afterAll(async () => {
  if (!external) await server.destroy();
});

const compact = (): Promise<Answer> =>
  valueOf(
    client,
    "SELECT ruvector_healing_execute('old', 'compact_indexes', '{\"indexes\": " +
      '["public.old_payload"]}\')',
  );

it.skipIf(external)("a transaction that is open for too long", async () => {
  await other.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  const [{ pid }] = (await other.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows as [
    { pid: number },
  ];
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(await compact()).toMatchObject({
    outcome: "deferred",
    reason: "preflight",
    message: expect.stringContaining(`pid ${pid}`),
    hint: expect.stringContaining(`pg_terminate_backend(${pid})`),
  });
  await other.query("COMMIT");
});

it.skipIf(external)("a slot that keeps the log from being removed", async () => {
  await client.query("SELECT pg_create_physical_replication_slot('forgotten', true)");
  await client.query("SELECT ruvector_healing_configure('{\"preflight_slot_wal_bytes\": 1000}')");
  const answer = await compact();
  expect(answer).toMatchObject({
    outcome: "deferred",
    reason: "preflight",
    message: expect.stringContaining("forgotten"),
    hint: expect.stringContaining("pg_replication_slots"),
  });
  await client.query("SELECT ruvector_healing_configure('{\"preflight_slot_wal_bytes\": null}')");
  await client.query("SELECT pg_drop_replication_slot('forgotten')");
});

it.skipIf(external)(
  "a table that autovacuum must freeze first, and who holds that up",
  async () => {
    await other.query("BEGIN; LOCK TABLE old IN SHARE UPDATE EXCLUSIVE MODE");
    await client.query("SET synchronous_commit = off");
    await client.query(
      "DO $$ BEGIN FOR turn IN 1 .. 100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
    );
    await client.query(
      "SELECT ruvector_healing_configure('{\"preflight_transaction_seconds\": 3600}')",
    );
    const [{ pid }] = (await other.query<{ pid: number }>("SELECT pg_backend_pid() AS pid"))
      .rows as [{ pid: number }];
    const answer = await compact();
    expect(answer).toMatchObject({
      outcome: "deferred",
      reason: "preflight",
      message: expect.stringMatching(
        /public\.old is \d+ transactions old, more than autovacuum_freeze_max_age/,
      ),
    });
    expect(Number(answer.measured)).toBeGreaterThan(100_000);
    expect(`${answer.message} ${answer.hint}`).toContain(String(pid));
    await other.query("COMMIT");
    // Frozen, it is let through.
    await client.query("VACUUM (FREEZE) old");
    expect(await compact()).toMatchObject({ outcome: "started" });
  },
);
