/**
 * A server that allows no temporary files (temp_file_limit), to sessions with little work_mem:
 * what was not measured for that is told, with what to type, and everything else is.
 */
import { beforeAll, expect, it } from "vitest";
import { configure, QUICK } from "../support/collection.ts";
import { waitEnds } from "../support/patience.ts";
import { raised, type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
const ROWS = 12_000;
const INDEXED = 3000;

interface Sampled {
  readonly metrics: {
    readonly recall: Record<string, { readonly recall: number }>;
    readonly filtered_searches: readonly { readonly matches: number }[];
  };
  readonly unmeasured: readonly { what: string; why: string; hint: string }[];
}

beforeAll(async () => {
  db = await testDatabase();
  await configure(db, { ...QUICK, enabled: false, recall_budget_ms: 60_000, recall_trial_ms: 0 });
  await db.client.query(`
    CREATE TABLE docs (id int PRIMARY KEY, half int, e vector(16)) WITH (fillfactor = 10);
    INSERT INTO docs SELECT g, g % 2, (SELECT array_agg((hashint8extended(g * 64 + d, 7)
        & 1023)::real) FROM generate_series(1, 16) d)::vector FROM generate_series(1, ${ROWS}) g;
    CREATE INDEX docs_h ON docs USING hnsw (e vector_l2_ops) WHERE id <= ${INDEXED};
    ANALYZE docs;
    SELECT ruvector_healing_register('docs', '{"searches": [{"where": {"half": 1}}]}');
    SET temp_file_limit = 0`);
  // What else is on this server (locks of an installation) and before PostgreSQL 18 its settings
  // (90 kB) are written down as a whole, too.
  await db.client.query("SET work_mem = '256kB'");
});

/** Once what others have on this server fits. */
async function sampled(): Promise<Sampled> {
  for (const end = waitEnds(); ;) {
    try {
      return await db.value<Sampled>("SELECT ruvector_integrity_sample('docs')");
    } catch (error) {
      if ((error as { code?: string }).code !== "53400" || Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const typed = async (hint: string): Promise<void> => {
  const statements = hint.match(/ALTER ROLE .+? SET \w+ = '\d+ [MG]B';/g)!;
  expect(statements).toHaveLength(2);
  await db.client.query("BEGIN");
  for (const statement of statements) await db.client.query(statement);
  await db.client.query("ROLLBACK");
};

it("a sample is made as anywhere, searches with filters among it", async () => {
  await expect
    .poll(async () => JSON.stringify((await sampled()).unmeasured))
    .not.toContain("temporary");
  const { metrics } = await sampled();
  expect(metrics.recall["public.docs_h"]!.recall).toBeGreaterThan(0.5);
  expect(metrics.filtered_searches).toMatchObject([{ matches: ROWS / 2 }]);
});

it("what cannot be measured is told with what to type, and the rest goes on", async () => {
  // With all lists to look at, pgvector sorts all rows.
  await db.client.query("RESET temp_file_limit");
  await db.client.query(
    "CREATE INDEX docs_i ON docs USING ivfflat (e vector_cosine_ops) WITH (lists = 1)",
  );
  await db.client.query("SET temp_file_limit = 0");
  const { metrics, unmeasured } = await sampled();
  expect(metrics.recall["public.docs_h"]!.recall).toBeGreaterThan(0.5);
  const told = unmeasured.find(({ what }) => what === "recall of public.docs_i")!;
  expect(told.why).toContain("temp_file_limit");
  await typed(told.hint);
  const notes = await db.rows<{ index: string; note: string | null }>(
    "SELECT index, note FROM ruvector_healing_recall('docs')",
  );
  expect(notes.find(({ index }) => index === "public.docs_h")!.note).toBeNull();
  await typed(notes.find(({ index }) => index === "public.docs_i")!.note!);
  const curve = await db.rows<{ index_: string; note: string | null; recall: number }>(
    "SELECT * FROM ruvector_healing_recall_curve('docs')",
  );
  expect(curve.filter(({ index_ }) => index_ === "public.docs_h").length).toBeGreaterThan(4);
  await typed(curve.find(({ index_ }) => index_ === "public.docs_i")!.note!);
});

it("an operation that ends for it says so, too", async () => {
  const half = Array.from({ length: 100 }, (_, place) => place + "0".repeat(600));
  await db.client.query("SET work_mem = '64kB'");
  const error = await raised(db.client, "SELECT ruvector_healing_register('docs', $1)", [
    JSON.stringify({ searches: [{ where: { half } }] }),
  ]);
  expect(error).toMatchObject({
    code: "53400",
    detail: expect.stringContaining("temp_file_limit is 0, work_mem 64kB"),
  });
  await typed(error.hint!);
});
