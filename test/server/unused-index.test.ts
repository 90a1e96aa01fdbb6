/** A vector index that nobody searches by, and why: as statements and the planner say. */
import { beforeAll, describe, expect, it } from "vitest";
import { configure } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";

const db = external
  ? null!
  : await cronServer({
      suffix: "unused",
      settings: { shared_preload_libraries: "pg_cron, pg_stat_statements", cluster_name: "unused" },
    });

interface Unused {
  readonly index: string;
  readonly reason: string;
  readonly hint: string;
  readonly read_through: number;
}

const flush = () => db.client.query("SELECT pg_stat_force_next_flush()");
async function unused(table: string): Promise<readonly Unused[]> {
  await flush();
  const found = await db.value<readonly Unused[] | null>(
    "SELECT ruvector_integrity_sample($1) #> '{metrics,unused_indexes}'",
    [table],
  );
  return found ?? [];
}
/** The reason is asked again. */
const forget = () =>
  db.client.query("DELETE FROM ruvector.integrity_measurements WHERE kind = 'unused_indexes'");
const readThrough = async (table: string, times: number): Promise<void> => {
  for (let time = 0; time < times; time++) await db.client.query(`SELECT count(pad) FROM ${table}`);
  await flush();
};
/** Two rows a page. */
const makeTable = (table: string, rows: number, index: string) =>
  db.client.query(`
    CREATE TABLE ${table} (id int PRIMARY KEY, pad text, e vector(4)) WITH (fillfactor = 20,
      autovacuum_enabled = off);
    INSERT INTO ${table} SELECT g, repeat('x', 600), ARRAY[g % 7, g % 11, g % 13, g]::vector
      FROM generate_series(1, ${rows}) g;
    CREATE INDEX ${table}_e ON ${table} USING ${index};
    ANALYZE ${table};
    SELECT ruvector_healing_register('${table}')`);

describe.skipIf(external)("a vector index that nobody searches by", () => {
  beforeAll(async () => {
    await configure(db, {
      enabled: false,
      unused_index_seconds: 0.001,
      recall_trial_ms: 0,
      recall_error: 0,
    });
    await makeTable("u", 2100, "hnsw (e vector_l2_ops)");
    await makeTable("small", 200, "hnsw (e vector_l2_ops)");
  });

  it("is told once its table was read through a hundred times, and lowers nothing", async () => {
    expect(await unused("u")).toEqual([]);
    await readThrough("u", 60);
    expect(await unused("u")).toEqual([]);
    await readThrough("u", 60);
    const [found] = await unused("u");
    expect(found).toMatchObject({ index: "public.u_e" });
    expect(Math.round(found!.read_through)).toBe(120);
    expect(found!.reason).toContain("pg_stat_statements is not installed in this database");
    expect(await db.value("SELECT lambda FROM ruvector_integrity_status('u')")).toBe(1);
    // What was measured for the reason, and for recall, was our own.
    expect(await unused("u")).toHaveLength(1);
    await db.client.query("SELECT ruvector_healing_trigger('u')");
    expect(await unused("u")).toHaveLength(1);
  });

  it("stands in explain, status and metrics", async () => {
    expect(await db.value("SELECT ruvector_healing_explain('u')")).toMatch(
      /Unused: no search has used public\.u_e since \S+, while its table was\s+read from/,
    );
    expect(
      await db.value(
        "SELECT ruvector_healing_status('u') #>> '{collections,public.u,unused_indexes,0,index}'",
      ),
    ).toBe("public.u_e");
    expect(await db.value("SELECT ruvector_healing_metrics()")).toContain(
      'ruvector_integrity_unused_indexes{collection="public.u"} 1',
    );
  });

  it("a small table is read whole, and does well with that", async () => {
    await unused("small");
    await readThrough("small", 200);
    expect(await unused("small")).toEqual([]);
  });

  it("pg_stat_statements says what they search by instead", async () => {
    await db.client.query("CREATE EXTENSION pg_stat_statements");
    await forget();
    expect((await unused("u"))[0]!.reason).toContain("nobody searches there");
    await db.client.query("SELECT id FROM u WHERE e <=> '[1,2,3,4]' < 0.001");
    await forget();
    expect((await unused("u"))[0]).toMatchObject({
      reason: "its operator class vector_l2_ops orders by <->, statements use <=>",
      hint:
        "CREATE INDEX CONCURRENTLY ON public.u USING hnsw ((e) public.vector_cosine_ops); " +
        "serves them.",
    });
    // Where one serves them already, another is not what is missing.
    await db.client.query(
      "CREATE INDEX u_cosine ON public.u USING hnsw ((e) public.vector_cosine_ops)",
    );
    await forget();
    expect((await unused("u"))[0]!.hint).toContain("DROP INDEX CONCURRENTLY public.u_e;");
    await db.client.query("DROP INDEX u_cosine");
    await db.client.query("SELECT id FROM u WHERE e <-> '[1,2,3,4]' < 1");
    await forget();
    expect((await unused("u"))[0]!.reason).toMatch(/^statements use <-> without ORDER BY .*LIMIT/);
    await db.client.query("DROP EXTENSION pg_stat_statements");
  });

  it("the planner turns away where searches look into every list", async () => {
    // The index is as large as the table.
    await db.client.query(`
      CREATE TABLE deep (id int PRIMARY KEY, pad text, e vector(400));
      INSERT INTO deep SELECT g, '', (SELECT array_agg((g * d) % 101)
        FROM generate_series(1, 400) d)::vector FROM generate_series(1, 4400) g;
      CREATE INDEX deep_e ON deep USING ivfflat (e vector_l2_ops) WITH (lists = 20);
      ANALYZE deep; SELECT ruvector_healing_register('deep');
      ALTER ROLE CURRENT_USER SET ivfflat.probes = 20`);
    await unused("deep");
    await readThrough("deep", 110);
    expect((await unused("deep"))[0]!.reason).toBe(
      "with ivfflat.probes = 20 the planner reads the whole table, with 1 it would take it",
    );
    await db.client.query("ALTER ROLE CURRENT_USER RESET ivfflat.probes");
  });

  it("a search by it, and a reset of the statistics, begin anew", async () => {
    await db.client.query("SELECT id FROM u ORDER BY e <-> '[1,2,3,4]' LIMIT 1");
    expect(await unused("u")).toEqual([]);
    await readThrough("u", 120);
    expect(await unused("u")).toHaveLength(1);
    await db.client.query("SELECT pg_stat_reset()");
    expect(await unused("u")).toEqual([]);
  });
});
