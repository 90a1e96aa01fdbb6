/**
 * Partitions that are foreign tables: their servers may hang or fail, so nothing of the loop's asks
 * them.
 */
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";

let db: TestDatabase;
/** Accepts, and never answers. */
let silent: Server;
let asked = 0;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, QUICK);
  silent = createServer(() => void asked++);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  await db.client.query(
    `
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER silent FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1',
      port '${port}', connect_timeout '3', use_remote_estimate 'true');
    CREATE USER MAPPING FOR CURRENT_USER SERVER silent OPTIONS (user 'postgres', password 'x');
    CREATE TABLE far (id bigint NOT NULL, part int NOT NULL, embedding vector(8))
      PARTITION BY LIST (part);
    CREATE TABLE far_0 PARTITION OF far FOR VALUES IN (0);
      CREATE TABLE far_1 PARTITION OF far FOR VALUES IN (1);
    INSERT INTO far SELECT g, g % 2, (SELECT array_agg(random()) FROM generate_series(1, 8)
      WHERE g > 0)::vector FROM generate_series(1, 4000) g;
    CREATE INDEX ON far_0 USING ivfflat (embedding vector_l2_ops) WITH (lists = 10);
    CREATE TABLE far_3 PARTITION OF far FOR VALUES IN (3, 4) PARTITION BY LIST (part);`,
  );
  for (const [name, parent, key] of [
    ["far_2", "far", 2],
    ["far_4", "far_3", 4],
    ["far_5", "far", 5],
    ["far_6", "far", 6],
  ] as const) {
    await db.client.query(
      `CREATE FOREIGN TABLE ${name} PARTITION OF ${parent} FOR VALUES IN (${key}) SERVER silent`,
    );
  }
  await db.client.query(
    "CREATE TABLE far_3a PARTITION OF far_3 FOR VALUES IN (3); ANALYZE far_0; ANALYZE far_1",
  );
});

afterAll(() => new Promise((resolve) => silent.close(resolve)));

interface Sample {
  lambda: number;
  state: string;
  metrics: { partitions: { label: string; rows: number }[] };
  unmeasured: { what: string; why: string }[];
}

describe("a foreign partition", () => {
  it("is asked nothing: not to register, sample, tick, trigger, explain, nor recall", async () => {
    await db.client.query("SET statement_timeout = '60s'");
    await db.client.query("SELECT ruvector_healing_register('far')");
    const taken = await db.value<Sample>("SELECT ruvector_integrity_sample('far')");
    for (let tick = 0; tick < 3; tick++) await db.client.query("CALL ruvector_healing_tick()");
    await db.client.query("SELECT ruvector_healing_trigger('far')");
    await db.client.query("SELECT ruvector_healing_explain('far')");
    await db.client.query(
      `SELECT ruvector_contracted_graph('far'); SELECT * FROM ruvector_healing_recall('far');
        SELECT * FROM ruvector_healing_list_occupancy('far')`,
    );
    await db.client.query(
      "SELECT ruvector_healing_status('far'); SELECT ruvector_healing_metrics()",
    );
    await db.client.query("RESET statement_timeout");
    expect(asked).toBe(0);
    expect(taken.metrics.partitions.map(({ label, rows }) => [label, rows])).toEqual([
      ["far_0", 2000],
      ["far_1", 2000],
      ["far_3", 0],
    ]);
    expect(taken.unmeasured.find(({ what }) => what === "foreign partitions")!.why).toContain(
      "public.far_2, public.far_4, public.far_5 and 1 more on other servers",
    );
  });

  it("does not make those that are here look too large", async () => {
    // Two partitions that are alike beside three empty-looking ones would be 2.5 times the mean.
    await db.client.query("DROP TABLE far_3");
    const { lambda, state } = await db.value<Sample>("SELECT ruvector_integrity_sample('far')");
    expect(lambda).toBe(1);
    expect(state).toBe("normal");
    expect(asked).toBe(0);
  });

  it("whose server fails does not make sampling fail", async () => {
    await db.client.query("ALTER SERVER silent OPTIONS (SET port '1')");
    expect(await db.value<Sample>("SELECT ruvector_integrity_sample('far')")).toMatchObject({
      lambda: 1,
    });
    await db.client.query("CALL ruvector_healing_tick()");
    expect(
      await db.value(
        `SELECT count(*)::int FROM ruvector.healing_routes
          WHERE partition IN ('far_2', 'far_5', 'far_6')`,
      ),
    ).toBe(0);
  });
});
