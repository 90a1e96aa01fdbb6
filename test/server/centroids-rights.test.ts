/**
 * Sensing and planning as a role that is no superuser and has no pg_cron: what it sees, what it
 * says it does not see.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { root } from "../../build/project.ts";
import { QUICK } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";
import { insertClusters, makeDrifted } from "./support/vectors.ts";

let db: TestDatabase;
let plain: pg.Client;
const role = `ruvector_test_plain_${process.pid}`;
const value = async <T>(statement: string): Promise<T> =>
  Object.values((await plain.query(statement)).rows[0] as object)[0] as T;

beforeAll(async () => {
  db = await testDatabase();
  await db.client.query(
    `DROP SCHEMA ruvector CASCADE; CREATE ROLE ${role}; GRANT CREATE ON SCHEMA public TO ${role};
      GRANT CREATE ON DATABASE "${db.name}" TO ${role}`,
  );
  await db.client.query(`DO $$ DECLARE r regprocedure; BEGIN
    FOR r IN SELECT oid FROM pg_proc
      WHERE proname LIKE 'ruvector\\_%' LOOP
      EXECUTE format('DROP ROUTINE %s', r); END LOOP; END $$`);
  await db.client.query("CREATE EXTENSION pageinspect");
  plain = await db.connect();
  await plain.query(`SET ROLE ${role}`);
  const script = await readFile(
    join(root, `dist/ruvector_healing.${inject("language")}.sql`),
    "utf8",
  );
  await plain.query(`BEGIN; ${script}; COMMIT;`);
  await plain.query("SELECT ruvector_healing_configure($1)", [
    JSON.stringify({ ...QUICK, enabled: false, recall_trial_ms: 60_000 }),
  ]);
});

afterAll(async () => {
  await db.client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
});

it("sees lists without pageinspect, though it is there, and recall", async () => {
  await makeDrifted({ ...db, client: plain }, "own");
  expect(await value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).toBe(false);
  const sample = await value<{
    lambda: number;
    metrics: { recall: object };
    unmeasured: { what: string; why: string }[];
  }>("SELECT ruvector_integrity_sample('own')");
  expect(sample.lambda).toBeLessThan(0.6);
  expect(Object.keys(sample.metrics.recall)).toEqual(["public.own_embedding_idx"]);
  expect(
    await value(
      "SELECT string_agg(DISTINCT source, ',') FROM ruvector_healing_list_occupancy('own')",
    ),
  ).toBe("sampled");
});

it("tries a fresh build, and names the GRANT where it may make no temporary table", async () => {
  const trial = (table: string) =>
    value<{ rows: number; recall: number } | null>(
      `SELECT m.value #> '{public.${table}_embedding_idx,trial}'
         FROM ruvector.integrity_measurements m JOIN ruvector.collections c USING (collection_id)
        WHERE m.kind = 'centroids' AND c.table_name = '${table}'`,
    );
  expect((await trial("own"))!.recall).toBeGreaterThan(0);
  await db.client.query(`REVOKE TEMPORARY ON DATABASE "${db.name}" FROM PUBLIC`);
  await makeDrifted({ ...db, client: plain }, "untried");
  const { unmeasured } = await value<{ unmeasured: { what: string; hint: string }[] }>(
    "SELECT ruvector_integrity_sample('untried')",
  );
  expect(await trial("untried")).toBeNull();
  expect(unmeasured).toContainEqual(
    expect.objectContaining({
      what: "what a fresh build of public.untried_embedding_idx attains",
      hint: `GRANT TEMPORARY ON DATABASE ${db.name} TO ${role};`,
    }),
  );
  await db.client.query(`GRANT TEMPORARY ON DATABASE ${db.name} TO ${role}`);
  await plain.query("SELECT ruvector_healing_unregister('untried'); DROP TABLE untried");
});

it("is refused a rebuild without pg_cron, with the command to run by hand", async () => {
  const answer = await value<{ outcome: string; reason: string; message: string; hint: string }>(
    "SELECT ruvector_healing_execute('own', 'rebuild_centroids')",
  );
  expect(answer).toMatchObject({ outcome: "deferred", reason: "nothing_to_do" });
  expect(answer.message).toContain("pg_cron");
  expect(answer.hint).toContain(
    "CREATE INDEX CONCURRENTLY ON public.own USING ivfflat (embedding public.vector_l2_ops) " +
      "WITH (lists = 10)",
  );
});

it("names the GRANT for a table it may not read in full, or does not own", async () => {
  const { client } = db;
  await client.query(`
    CREATE TABLE foreigners (id bigserial, part int DEFAULT 0, embedding vector(8))
      PARTITION BY LIST (part);
    CREATE TABLE foreigners_0 PARTITION OF foreigners FOR VALUES IN (0);
    GRANT SELECT ON foreigners TO ${role}`);
  await insertClusters(db, "foreigners", { rows: 2000, clusters: 10 });
  await client.query(
    "CREATE INDEX ON foreigners_0 USING ivfflat (embedding vector_l2_ops) WITH (lists = 10)",
  );
  // Partitions are not counted one by one, which is the partition collector's own matter.
  await plain.query(
    "SELECT ruvector_healing_register('foreigners'); SELECT " +
      "ruvector_healing_configure('{\"exact_count_pages\": 0}', 'foreigners')",
  );
  const sample = await value<{
    lambda: number;
    unmeasured: { what: string; why: string; hint: string }[];
  }>("SELECT ruvector_integrity_sample('foreigners')");
  expect(sample.unmeasured).toContainEqual({
    what: "recall of public.foreigners_0_embedding_idx",
    why: "permission denied for table foreigners_0",
    hint: `GRANT SELECT ON public.foreigners_0 TO ${role};`,
  });
  expect(
    await value(
      `SELECT count(*)::int
        FROM jsonb_array_elements(ruvector_contracted_graph('foreigners') -> 'nodes') n
        WHERE n ->> 'type' = 'centroid' AND (n ->> 'measured')::boolean`,
    ),
  ).toBe(0);
  expect(await value("SELECT note FROM ruvector_healing_recall('foreigners')")).toBe(
    "permission denied for table foreigners_0",
  );
  await client.query(`GRANT SELECT ON foreigners_0 TO ${role}`);
  expect(await value("SELECT recall FROM ruvector_healing_recall('foreigners')")).toBeGreaterThan(
    0.5,
  );
  await value("SELECT ruvector_integrity_sample('foreigners')");
  const answer = await value<{ message: string; hint: string }>(
    `SELECT ruvector_healing_execute('foreigners', 'rebuild_centroids',
      '{"index": "public.foreigners_0_embedding_idx"}')`,
  );
  expect(answer.message).toContain(`role ${role} does not own public.foreigners_0`);
  expect(answer.hint).toMatch(/^GRANT \S+ TO /);
});

it("names all that is missing for a table of another role in another schema", async () => {
  const owner = `${role}_owner`;
  const { client } = db;
  await client.query(`
    CREATE ROLE ${owner}; CREATE SCHEMA "Closed One" AUTHORIZATION ${owner}; SET ROLE ${owner};
    CREATE TABLE "Closed One".docs (id int PRIMARY KEY, embedding vector(3));
    INSERT INTO "Closed One".docs SELECT g, ARRAY[g % 7, g % 11, g % 13]::vector
      FROM generate_series(1, 500) g;
    CREATE INDEX ON "Closed One".docs USING hnsw (embedding vector_l2_ops); RESET ROLE`);
  const name = `'"Closed One".docs'`;
  const type = async (statement: string, code: string, hint: string) => {
    expect(await raised(plain, statement)).toMatchObject({ code, hint });
    await client.query(hint);
  };
  const use = `GRANT USAGE ON SCHEMA "Closed One" TO ${role};`;
  await type(`SELECT ruvector_healing_register(${name})`, "RV010", use);
  await client.query(`REVOKE USAGE ON SCHEMA "Closed One" FROM ${role}`);
  // Registered by its owner, whom the schema is open to.
  await type(
    `SELECT ruvector.healing_call('register', jsonb_build_object(
      'relation', (SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'Closed One' AND c.relname = 'docs'), 'options', '{}'::jsonb))`,
    "RV010",
    `${use} GRANT SELECT, UPDATE ON "Closed One".docs TO ${role};`,
  );
  await value(`SELECT ruvector_healing_register(${name})`);
  await client.query(`REVOKE USAGE ON SCHEMA "Closed One" FROM ${role}`);
  await type(`SELECT ruvector_integrity_sample(${name})`, "42501", use);
  const sample = await value<{ unmeasured: { what: string; hint: string }[] }>(
    `SELECT ruvector_integrity_sample(${name})`,
  );
  const recall = sample.unmeasured.find(({ what }) => what.startsWith("recall of"));
  expect(recall?.hint).toBe(`GRANT ${owner} TO ${role};`);
  await client.query(recall!.hint);
  expect(await value(`SELECT recall FROM ruvector_healing_recall(${name})`)).toBeGreaterThan(0.5);
  await plain.query(`SELECT ruvector_healing_unregister(${name})`);
  await client.query(`DROP OWNED BY ${owner} CASCADE; DROP ROLE ${owner}`);
});

it("serves others where a schema was closed to it, names what an owner may no more", async () => {
  const [owner, heir] = [`${role}_closer`, `${role}_heir`];
  const { client } = db;
  await client.query(`
    CREATE ROLE ${owner}; CREATE ROLE ${heir}; GRANT ${owner}, ${heir} TO ${role};
    CREATE SCHEMA shut AUTHORIZATION ${owner}; SET ROLE ${owner};
    CREATE TABLE shut.docs (id int PRIMARY KEY, embedding vector(3));
    INSERT INTO shut.docs SELECT g, ARRAY[g % 7, g % 11, g % 13]::vector
      FROM generate_series(1, 500) g;
    CREATE INDEX ON shut.docs USING hnsw (embedding vector_l2_ops); RESET ROLE`);
  await value("SELECT ruvector_healing_register('shut.docs')");
  await value("SELECT ruvector_healing_register('own')");
  const measured = async (): Promise<string | undefined> => {
    const { unmeasured } = await value<{ unmeasured: { what: string; hint: string }[] }>(
      "SELECT ruvector_integrity_sample('shut.docs')",
    );
    return unmeasured.find(({ what }) => what === "recall of shut.docs_embedding_idx")?.hint;
  };
  expect(await measured()).toBeUndefined();

  await client.query(`ALTER SCHEMA shut OWNER TO CURRENT_USER; REVOKE ALL ON SCHEMA shut
    FROM ${owner}`);
  await value("SELECT ruvector_integrity_sample('own')");
  await plain.query("UPDATE ruvector.healing_ticks SET started_at = now() - interval '1 min'");
  await plain.query("CALL ruvector_healing_tick()");
  expect(
    await value(`SELECT array_agg(DISTINCT collection) FROM ruvector.healing_events
      WHERE kind = 'tick_failed' AND collection <> 'shut.docs'`),
  ).toBeNull();
  expect(await value("SELECT ruvector_healing_explain('shut.docs')")).toContain("shut.docs");
  expect(await value("SELECT note FROM ruvector_healing_recall('shut.docs')")).toContain(
    "permission denied for schema shut",
  );
  await client.query(`ALTER SCHEMA shut OWNER TO ${owner}; GRANT ALL ON SCHEMA shut TO ${owner}`);
  expect(await measured()).toBeUndefined();

  // Rows are read as their owner, whatever the installing role may do.
  await client.query(`REVOKE SELECT ON shut.docs FROM ${owner};
    GRANT SELECT ON shut.docs TO ${role}`);
  expect(await measured()).toBe(`GRANT SELECT ON shut.docs TO ${owner};`);
  await client.query((await measured())!);
  await client.query("CREATE SCHEMA pgv; ALTER EXTENSION vector SET SCHEMA pgv");
  expect(await measured()).toBe(`GRANT USAGE ON SCHEMA pgv TO ${owner};`);
  await client.query((await measured())!);
  expect(await measured()).toBeUndefined();
  await client.query("ALTER EXTENSION vector SET SCHEMA public");

  // What runs as the owner goes to the heir by its name, and the owner comes back.
  await client.query(`REASSIGN OWNED BY ${owner} TO ${heir}`);
  expect(await measured()).toBeUndefined();
  await client.query(
    `ALTER SCHEMA shut OWNER TO ${owner}; ALTER TABLE shut.docs OWNER TO ${owner}`,
  );
  expect(await measured()).toBeUndefined();
  await value("SELECT ruvector_healing_unregister('shut.docs')");
  await client.query(`DROP OWNED BY ${owner}, ${heir} CASCADE; DROP ROLE ${owner}, ${heir}`);
});
