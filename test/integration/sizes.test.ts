/**
 * What others say has sizes that a tick can bear: documents beyond them are refused, texts are cut
 * where they enter.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, makeTable, QUICK, ticks } from "../support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, QUICK);
  await makeTable(db, { rows: [60, 60] });
});

const graph = (nodes: number, edges: number) =>
  JSON.stringify({
    nodes: Array.from({ length: nodes }, (_, place) => ({ id: `n${place}`, type: "partition" })),
    edges: Array.from({ length: edges }, (_, place) => ({
      from: `n${place % nodes}`,
      to: `n${(place + 1 + Math.floor(place / nodes)) % nodes}`,
      type: "partition_link",
      capacity: 1 - (place % 7) / 10,
    })),
  });
const report = (document: string) =>
  raised(db.client, "SELECT ruvector_integrity_report('embeddings', $1)", [document]);

describe("documents", () => {
  it(
    "a graph of 1,000 nodes and 3,000 edges is read; beyond 10,000 and 100,000 it is refused " +
      "with its size and the limit",
    async () => {
      expect(
        await db.value("SELECT ruvector_integrity_report('embeddings', $1) ->> 'source'", [
          graph(1000, 3000),
        ]),
      ).toBe("reported");
      const drift = await db.value<number>("SELECT ruvector_integrity_lambda2('embeddings')");
      expect(drift).toBeGreaterThan(0);
      expect(drift).toBeLessThan(0.1);
      // A sample while it stands says the same of it, without reading it again.
      const read = (call: string) =>
        db.value<object>(`SELECT ${call} - '{sampled_at,sample_id,metrics}'::text[]`);
      const stood = await read("ruvector_integrity_sample('embeddings')");
      await db.client.query("UPDATE ruvector.integrity_reports SET found = NULL");
      expect(await read("ruvector_integrity_sample('embeddings')")).toEqual(stood);
      expect(await report(graph(10_001, 300))).toMatchObject({
        code: "RV001",
        message: "a report holds at most 10000 nodes of a graph",
        detail: "Got 10001.",
        hint: expect.stringContaining("10000"),
      });
      expect(await report(graph(100, 100_001))).toMatchObject({
        code: "RV001",
        message: "a report holds at most 100000 edges of a graph",
        detail: "Got 100001.",
        hint: expect.stringContaining("100000"),
      });
      const witness = {
        type: "partition_link",
        from: "a",
        from_type: "partition",
        to: "b",
        to_type: "partition",
        capacity: 0.5,
      };
      expect(
        await report(
          JSON.stringify({
            lambda: 0.5,
            witness_edges: Array.from({ length: 201 }, () => witness),
          }),
        ),
      ).toMatchObject({ code: "RV001", detail: "Got 201." });
      const lag = Object.fromEntries(
        Array.from({ length: 200 }, (_, place) => [`${"r".repeat(100)}${place}`, 1]),
      );
      expect(
        await report(JSON.stringify({ metrics: { replication_lag_seconds: lag } })),
      ).toMatchObject({ code: "RV001", hint: expect.stringContaining("16384 characters") });
      expect(
        await report(JSON.stringify({ metrics: { fragmented_indexes: ["x".repeat(17_000_000)] } })),
      ).toMatchObject({ code: "RV001", message: "the arguments have more than 16384 kB" });
    },
  );

  it("settings, options and states of actuators", async () => {
    const long = "x".repeat(70_000);
    for (const call of [
      `ruvector_healing_configure('{"require_approval": ["${long}"]}')`,
      `ruvector_healing_register('embeddings', '{"tenant": "${long}"}')`,
    ]) {
      expect(await raised(db.client, `SELECT ${call}`)).toMatchObject({
        code: "RV001",
        message: "the arguments have more than 64 kB",
        detail: expect.stringMatching(/^Got \d+ bytes\.$/),
        hint: "Write it shorter, at most 65536 bytes.",
      });
    }
    expect(
      await raised(
        db.client,
        "SELECT ruvector_healing_actuator_report('a1', jsonb_build_object('workload', 'w', " +
          "'replicas', 2, 'more', repeat('x', 50000000)))",
      ),
    ).toMatchObject({
      code: "RV001",
      message: "state has more than 16384 bytes",
      detail: "Got 50000044 bytes.",
      hint: expect.stringContaining("At most 16384 bytes"),
    });
    expect(
      await raised(
        db.client,
        "SELECT ruvector_healing_actuation_answer(1, true, jsonb_build_object('more', " +
          "repeat('x', 20000)))",
      ),
    ).toMatchObject({ code: "RV001", message: "answer has more than 16384 bytes" });
    expect(
      await raised(db.client, "SELECT ruvector_healing_job_priority(repeat('x', 1001), 'low')"),
    ).toMatchObject({ code: "RV001", detail: "Got 1001 characters." });
  });
});

it("4 MB of text that the code of a table raises are cut, wherever they are kept", async () => {
  // As its owner's code in an index, a CHECK or a policy would.
  await db.client.query(`
    CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.collection_id = (SELECT collection_id FROM ruvector.collections
        WHERE table_name = 'embeddings') THEN
        RAISE EXCEPTION USING MESSAGE = repeat('m', 4000000), DETAIL = repeat('d', 4000000),
          HINT = repeat('h', 4000000);
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER loud BEFORE INSERT ON ruvector.integrity_samples FOR EACH ROW
      EXECUTE FUNCTION loud()`);
  await ticks(db, 3);
  const sizes = await db.rows<{ name: string; largest: number }>(`
    SELECT 'events' AS name, max(octet_length(to_jsonb(e)::text)) AS largest
      FROM ruvector.healing_events e
    UNION ALL SELECT 'ticks', max(octet_length(to_jsonb(t)::text)) FROM ruvector.healing_ticks t
    UNION ALL SELECT 'turns', max(octet_length(to_jsonb(t)::text)) FROM ruvector.healing_turns t
    UNION ALL SELECT 'refusals', max(octet_length(to_jsonb(t)::text))
      FROM ruvector.healing_refusals t`);
  for (const { name, largest } of sizes) expect(largest ?? 0, name).toBeLessThan(10_000);
  expect(await db.value("SELECT last_error FROM ruvector.healing_ticks")).toMatch(
    /^P0001: m{1000,2000}/,
  );
  expect(
    (await db.value<string>("SELECT ruvector_healing_explain('embeddings')")).length,
  ).toBeLessThan(10_000);
  expect((await db.value<string>("SELECT ruvector_healing_status()::text")).length).toBeLessThan(
    10_000,
  );
});
