/**
 * Sensing IVF indexes: list occupancy and recall, with and without pageinspect, and what they do to
 * lambda.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK, ticks } from "./support/collection.ts";
import { raised, type TestDatabase, testDatabase } from "./support/database.ts";
import { insertClusters, makeDrifted } from "./support/vectors.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
  // Time enough for all indexes on a loaded machine.
  await configure(db, {
    ...QUICK,
    enabled: false,
    recall_budget_ms: 60_000,
    recall_trial_ms: 60_000,
  });
});

interface Sample {
  lambda: number;
  state: string;
  metrics: {
    centroid_occupancy: Record<string, number>;
    recall: Record<string, { recall: number; baseline: number; probes: number; k: number }>;
  };
  unmeasured: { what: string; why: string; hint: string }[];
}
const sample = (table: string) => db.value<Sample>("SELECT ruvector_integrity_sample($1)", [table]);

interface Occupancy {
  index: string;
  list: number;
  rows: string;
  ratio: number;
  source: string;
}
const occupancy = (table: string) =>
  db.rows<Occupancy>("SELECT * FROM ruvector_healing_list_occupancy($1) ORDER BY ratio DESC", [
    table,
  ]);

describe("a drifted index", () => {
  it("is sensed as centroid_skew, with the list that holds what came later", async () => {
    await makeDrifted(db, "drifted");
    const taken = await sample("drifted");
    expect(taken.lambda).toBeLessThan(0.5);
    const [fullest] = await occupancy("drifted");
    expect(fullest).toMatchObject({ index: "public.drifted_embedding_idx", source: "sampled" });
    // Everything late lies far from all early centroids: a few of the 20 lists took the 9,000 rows.
    expect(Number(fullest!.rows)).toBeGreaterThan(2000);
    expect(fullest!.ratio).toBeCloseTo(Number(fullest!.rows) / (10_000 / 20), 5);
    const answer = await db.value<{
      problem: { class: string; summary: string; indexes: string[]; skew_factor: number };
    }>("SELECT ruvector_healing_trigger('drifted')");
    expect(answer.problem).toMatchObject({
      class: "centroid_skew",
      indexes: ["public.drifted_embedding_idx"],
    });
    expect(answer.problem.skew_factor).toBeCloseTo(fullest!.ratio, 5);
    expect(answer.problem.summary).toContain("drifted_embedding_idx");
    expect(answer.problem.summary).toContain("recall@10");
  });

  it("reads its lists through pageinspect where it may be used; both ways agree", async () => {
    const sampled = await occupancy("drifted");
    await db.client.query("CREATE EXTENSION pageinspect");
    await sample("drifted");
    const read = await occupancy("drifted");
    expect(read.map(({ source }) => source)).toEqual(Array(20).fill("pageinspect"));
    expect(read.reduce((sum, { rows }) => sum + Number(rows), 0)).toBe(10_000);
    // Every list that was met through a sampled row has just the rows that the pages have.
    const sizes = read.map(({ rows }) => rows);
    for (const { rows } of sampled) expect(sizes).toContain(rows);
    expect(sampled[0]!.rows).toBe(read[0]!.rows);
    await db.client.query("DROP EXTENSION pageinspect");
  });
});

describe("a fresh index", () => {
  it("is healthy, and its lists add up", async () => {
    await db.client.query("CREATE TABLE fresh (id bigserial PRIMARY KEY, embedding vector(8))");
    await insertClusters(db, "fresh", { rows: 4000, clusters: 10 });
    await db.client.query(
      `CREATE INDEX ON fresh USING ivfflat (embedding vector_l2_ops) WITH (lists = 10);
        SELECT ruvector_healing_register('fresh')`,
    );
    const taken = await sample("fresh");
    expect(taken.lambda).toBe(1);
    expect(taken.metrics.recall["public.fresh_embedding_idx"]).toMatchObject({ probes: 1, k: 10 });
    expect(
      (await occupancy("fresh")).reduce((sum, { rows }) => sum + Number(rows), 0),
    ).toBeLessThanOrEqual(4000);
  });

  it("is as full as equal vectors make it: one list of them is shown, and not judged", async () => {
    await db.client.query(`
      CREATE TABLE same (id bigserial PRIMARY KEY, embedding vector(8));
      INSERT INTO same (embedding) SELECT CASE WHEN g % 10 < 7 THEN '[1,1,1,1,1,1,1,1]'
        ELSE (SELECT array_agg(random()) FROM generate_series(1, 8) WHERE g > 0)::vector END
        FROM generate_series(1, 6000) g;
      CREATE INDEX ON same USING ivfflat (embedding vector_l2_ops) WITH (lists = 20);
        SELECT ruvector_healing_register('same')`);
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"min_rows_for_list\": 100}', 'same')",
    );
    const taken = await sample("same");
    expect(taken.lambda).toBe(1);
    expect(Math.max(...(await occupancy("same")).map(({ ratio }) => ratio))).toBeGreaterThan(10);
    // Others that fall into one list can be told apart by a rebuild.
    await db.client.query(
      `INSERT INTO same (embedding) SELECT ARRAY[9, 9, 9, 9, 9, 9, 9, 9 + random()]::vector
        FROM generate_series(1, 6000)`,
    );
    expect((await sample("same")).lambda).toBeLessThan(0.8);
  });

  it("leaves the session's settings as they were", async () => {
    await db.client.query("SET ivfflat.probes = 3; SET enable_seqscan = off");
    await db.client.query("BEGIN");
    await sample("fresh");
    await db.client.query("SELECT * FROM ruvector_healing_recall('fresh')");
    expect(
      await db.value(
        `SELECT current_setting('ivfflat.probes') || current_setting('enable_seqscan')
          || current_setting('enable_indexscan') || current_setting('enable_sort')`,
      ),
    ).toBe("3offonon");
    await db.client.query("COMMIT; RESET ivfflat.probes; RESET enable_seqscan");
  });
});

describe("recall", () => {
  it("falls with the probes, and lost recall is a sick index", async () => {
    // No clusters at all: with one probe of 40 lists most neighbours are in lists that are not
    // looked at.
    await db.client.query("CREATE TABLE noise (id bigserial PRIMARY KEY, embedding vector(8))");
    await insertClusters(db, "noise", { rows: 4000, clusters: 4000, spread: 5 });
    await db.client.query(
      `CREATE INDEX ON noise USING ivfflat (embedding vector_l2_ops) WITH (lists = 40);
        SELECT ruvector_healing_register('noise')`,
    );
    await db.client.query(`ALTER DATABASE "${db.name}" SET ivfflat.probes = 40`);
    const all = await db.rows<{ recall: number; probes: number; samples_: number; lists: number }>(
      "SELECT * FROM ruvector_healing_recall('noise')",
    );
    expect(all).toMatchObject([{ recall: 1, probes: 40, samples_: 20, lists: 40 }]);
    await db.client.query(`ALTER DATABASE "${db.name}" RESET ivfflat.probes`);
    const [one] = await db.rows<{ recall: number; probes: number }>(
      "SELECT * FROM ruvector_healing_recall('noise', 10, 50)",
    );
    expect(one!.probes).toBe(1);
    expect(one!.recall).toBeLessThan(0.8);
    expect(one!.recall).toBeGreaterThan(0.05);
    // Its own best is all it is expected to give...
    expect((await sample("noise")).lambda).toBe(1);
    // ...until somebody says what it should be.
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"recall_target\": 0.99}', 'noise')",
    );
    const taken = await sample("noise");
    expect(taken.lambda).toBeLessThan(0.8);
    const { problem } = await db.value<{
      problem: { class: string; summary: string; recall: number };
    }>("SELECT ruvector_healing_trigger('noise')");
    expect(problem).toMatchObject({ class: "recall_loss" });
    expect(problem.summary).toMatch(
      /^Recall@10 of public\.noise_embedding_idx is 0\.\d+, the recall_target is 0\.99/,
    );
  });

  it("agrees with a search done by hand", async () => {
    const [measured] = await db.rows<{ recall: number }>(
      "SELECT * FROM ruvector_healing_recall('noise', 5, 4000)",
    );
    const near =
      "(SELECT array_agg(id) FROM (SELECT n.id FROM noise n WHERE n.id <> q.id ORDER BY " +
      "n.embedding <-> q.embedding LIMIT 5) f)";
    const byHand = async (setting: string) => {
      const session = await db.connect();
      await session.query(`SET ${setting} = off`);
      return (
        await session.query<{ id: string; found: string[] | null }>(
          `SELECT q.id, ${near} AS found FROM (SELECT * FROM noise ORDER BY id LIMIT 400) q`,
        )
      ).rows;
    };
    const [index, exact] = [await byHand("enable_seqscan"), await byHand("enable_indexscan")];
    const truth = new Map(exact.map(({ id, found }) => [id, new Set(found)]));
    const shared = index.reduce(
      (sum, { id, found }) => sum + (found ?? []).filter((one) => truth.get(id)!.has(one)).length,
      0,
    );
    expect(Math.abs(shared / 2000 - measured!.recall)).toBeLessThan(0.1);
  });

  it("is estimated from a sample of rows where the table is too large", async () => {
    const [whole] = await db.rows<{ recall: number }>(
      "SELECT * FROM ruvector_healing_recall('noise', 10, 400)",
    );
    await db.client.query(
      "SELECT ruvector_healing_configure('{\"recall_max_rows\": 1500}', 'noise')",
    );
    const [part] = await db.rows<{ recall: number; share: number }>(
      "SELECT * FROM ruvector_healing_recall('noise', 10, 400)",
    );
    expect(part!.share).toBeCloseTo(1500 / 4000, 5);
    expect(Math.abs(part!.recall - whole!.recall)).toBeLessThan(0.15);
  });

  it("is measured of every operator class, expression and partial index, and of hnsw", async () => {
    await db.client.query(
      `CREATE TABLE "Weird; drop" (id bigserial PRIMARY KEY, "Em b" vector(8), kind int DEFAULT 1)`,
    );
    await db.client.query(
      `INSERT INTO "Weird; drop" ("Em b", kind) SELECT embedding, id % 2 FROM noise LIMIT 2000`,
    );
    await db.client.query(`
      CREATE INDEX "a'b" ON "Weird; drop" USING ivfflat ("Em b" vector_cosine_ops)
        WITH (lists = 10);
      CREATE INDEX "IP" ON "Weird; drop" USING ivfflat ("Em b" vector_ip_ops) WITH (lists = 10);
      CREATE INDEX half ON "Weird; drop" USING ivfflat (("Em b"::halfvec(8)) halfvec_l2_ops)
        WITH (lists = 10);
      CREATE INDEX bits ON "Weird; drop"
        USING hnsw ((binary_quantize("Em b")::bit(8)) bit_hamming_ops);
      CREATE INDEX part ON "Weird; drop" USING ivfflat ("Em b" vector_l2_ops) WITH (lists = 5)
        WHERE kind = 1;
      CREATE INDEX graph ON "Weird; drop" USING hnsw ("Em b" vector_l1_ops);
      ANALYZE "Weird; drop";
      SELECT ruvector_healing_register('"Weird; drop"')`);
    const found = await db.rows<{
      index: string;
      method: string;
      recall: number;
      rows: number;
      note: string | null;
    }>("SELECT * FROM ruvector_healing_recall($1)", ['"Weird; drop"']);
    expect(found.map(({ index, note }) => [index, note])).toEqual([
      ['public."IP"', null],
      ['public."a\'b"', null],
      ["public.bits", null],
      ["public.graph", null],
      ["public.half", null],
      ["public.part", null],
    ]);
    for (const { recall } of found) expect(recall).toBeGreaterThan(0.05);
    expect(found.find(({ index }) => index === "public.part")!.rows).toBe(1000);
    expect(found.find(({ index }) => index === "public.graph")!.recall).toBeGreaterThan(0.8);
    const taken = await sample('"Weird; drop"');
    expect(Object.keys(taken.metrics.recall)).toHaveLength(6);
    expect(
      await db.value(
        `SELECT count(*)::int
          FROM jsonb_array_elements(ruvector_contracted_graph($1) -> 'nodes') n
          WHERE n ->> 'id' LIKE 'centroid:%'`,
        ['"Weird; drop"'],
      ),
    ).toBe(35);
  });

  it("measures each of two indexes over the same column", async () => {
    await db.client.query(
      `CREATE TABLE twins (id bigserial PRIMARY KEY, embedding vector(8));
        INSERT INTO twins (embedding) SELECT embedding FROM noise`,
    );
    await db.client.query(
      `CREATE INDEX many ON twins USING ivfflat (embedding vector_l2_ops) WITH (lists = 60);
        CREATE INDEX few ON twins USING ivfflat (embedding vector_l2_ops) WITH (lists = 4);
        SELECT ruvector_healing_register('twins')`,
    );
    const found = await db.rows<{ index: string; recall: number; note: string | null }>(
      "SELECT * FROM ruvector_healing_recall('twins', 10, 100)",
    );
    expect(found.map(({ note }) => note)).toEqual([null, null]);
    expect(found[0]!.index).toBe("public.few");
    expect(found[0]!.recall).toBeGreaterThan(found[1]!.recall + 0.1);
  });

  it("tells a new index of fewer lists from an older, better filled one", async () => {
    await db.client.query("CREATE TABLE filled (id bigserial PRIMARY KEY, embedding vector(32))");
    await insertClusters(db, "filled", { rows: 2000, clusters: 40, dimensions: 32, spread: 0.5 });
    await db.client.query(
      "CREATE INDEX filled_old ON filled USING ivfflat (embedding vector_l2_ops) WITH (lists = 40)",
    );
    await insertClusters(db, "filled", {
      rows: 20_000,
      clusters: 40,
      first: 1000,
      at: 50,
      dimensions: 32,
      spread: 0.5,
    });
    await db.client.query(
      `CREATE INDEX filled_new ON filled USING ivfflat (embedding vector_l2_ops)
        WITH (lists = 22); ANALYZE filled; SELECT ruvector_healing_register('filled')`,
    );
    // Whether the new one has fewer pages or more, it is measured.
    const found = await db.rows<{ index: string; note: string | null; recall: number | null }>(
      "SELECT * FROM ruvector_healing_recall('filled')",
    );
    expect(found).toMatchObject([
      { index: "public.filled_new", note: null },
      { index: "public.filled_old", note: null },
    ]);
  });

  it.each([
    ["SELECT * FROM ruvector_healing_recall('noise', 0)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall('noise', NULL)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall('noise', 2147483647)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall('noise', 10, 0)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall('noise', 10, NULL)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall(NULL)", "RV001"],
    ["SELECT * FROM ruvector_healing_recall('no such')", "RV002"],
    ["SELECT * FROM ruvector_healing_list_occupancy('no such')", "RV002"],
  ])("refuses %s", async (statement, code) => {
    expect((await raised(db.client, statement)).code).toBe(code);
  });
});

describe("what it costs", () => {
  it("is measured once an interval, anew when asked, and when an index is new", async () => {
    const at = () =>
      db.value<number>(
        `SELECT extract(epoch FROM measured_at)::float8
          FROM ruvector.integrity_measurements m JOIN ruvector.collections c USING (collection_id)
          WHERE c.table_name = 'fresh' AND kind = 'centroids'`,
      );
    await ticks(db, 1);
    const first = await at();
    await ticks(db, 2);
    expect(await at()).toBe(first);
    await sample("fresh");
    const second = await at();
    expect(second).toBeGreaterThan(first);
    await db.client.query(
      "REINDEX INDEX fresh_embedding_idx; DROP INDEX fresh_embedding_idx; CREATE INDEX " +
        "fresh_embedding_idx ON fresh USING ivfflat (embedding vector_l2_ops) WITH (lists = 10)",
    );
    await ticks(db, 1);
    expect(await at()).toBeGreaterThan(second);
  });

  it("is over at once where the table is locked, and says so", async () => {
    const other = await db.connect();
    await other.query("BEGIN; LOCK TABLE fresh IN ACCESS EXCLUSIVE MODE");
    const taken = await sample("fresh");
    expect(taken.unmeasured.map(({ what }) => what)).toContain(
      "recall of public.fresh_embedding_idx",
    );
    await other.query("ROLLBACK");
    expect((await sample("fresh")).metrics.recall["public.fresh_embedding_idx"]).toBeDefined();
  });
});

it("a part is not built anew before it is known whether most of its whole is sick", async () => {
  await db.client.query(`CREATE TABLE halves (id bigserial, part int, embedding vector(8))
      PARTITION BY LIST (part);
    CREATE TABLE halves_0 PARTITION OF halves FOR VALUES IN (0);
    CREATE TABLE halves_1 PARTITION OF halves FOR VALUES IN (1)`);
  const fill = async (rows: number, drift: object) => {
    for (const part of [0, 1]) {
      const values = { columns: "part, ", values: `${part}, ` };
      await insertClusters(db, "halves", { rows, ...values, ...drift, clusters: 20 });
    }
  };
  await fill(500, {});
  await db.client.query(
    "CREATE INDEX ON halves USING ivfflat (embedding vector_l2_ops) WITH (lists = 20)",
  );
  await fill(3000, { first: 1000, at: 50 });
  // Time enough for one of two.
  await db.client.query(`ANALYZE halves; SELECT ruvector_healing_register('halves');
    SELECT ruvector_healing_configure('{"recall_budget_ms": 1}', 'halves')`);
  const planned = () =>
    db.value<string>(
      "SELECT ruvector_healing_execute('halves', 'rebuild_centroids') ->> 'message'",
    );
  const first = await planned();
  expect(first).toMatch(/whether public\.\w+ is to be exchanged whole is not known/);
  expect(first).toContain("not measured yet is public.halves_1");
  // The other's turn comes with the next look; all that is missing then is pg_cron.
  expect(await planned()).toContain("pg_cron");
  const byHand = async () =>
    (
      await db.value<string>(
        "SELECT ruvector_healing_execute('halves', 'rebuild_centroids') ->> 'hint'",
      )
    ).replace(/^.* Or by hand: /, "");
  const parts = [0, 1].map((n) => `REINDEX INDEX CONCURRENTLY public.halves_${n}_embedding_idx;`);
  expect(await byHand()).toBe(parts.join(" "));
  // By one search each two parts that are alike seemed unlike: both are in stress.
  await db.client.query(
    `SELECT ruvector_healing_configure('{"recall_interval_seconds": 86400}', 'halves');
     UPDATE ruvector.integrity_measurements m SET value = jsonb_set(value,
         '{public.halves_0_embedding_idx,measured,recall}', '0.01')
       FROM ruvector.collections c WHERE c.collection_id = m.collection_id AND kind = 'centroids'
         AND c.table_name = 'halves'`,
  );
  expect(await byHand()).toBe(parts.join(" "));
  for (const part of parts) await db.client.query(part);
});
