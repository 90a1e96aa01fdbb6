/**
 * compact_indexes on real bloat with real pg_cron: six collections side by side, because every job
 * waits for its minute. One transaction that stays open holds all rebuilds up in their middle,
 * where one is aborted and another runs into its deadline.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { configure, QUICK } from "./support/collection.ts";
import { type CronServer, cronServer, external } from "./support/cron.ts";
import { ticking } from "./support/ticking.ts";

const db = external
  ? (undefined as unknown as CronServer)
  : await cronServer({ suffix: "fragmentation" });

/** 63 bytes, so that PostgreSQL shortens it before it adds _ccnew. */
const HOSTILE = `"Late; DROP ""x""${"y".repeat(49)}"`;

/**
 * A table with a bloated index on its text, and one of ivfflat that is bloated too where it is
 * wanted.
 */
async function bloated(
  table: string,
  { vectors = false, index = `${table}_payload` } = {},
): Promise<void> {
  await db.client.query(`
    CREATE TABLE ${table} (id bigint PRIMARY KEY, payload text, embedding vector(8));
    INSERT INTO ${table} SELECT g, md5(g::text), (SELECT array_agg(random())
      FROM generate_series(1, 8) WHERE g > 0)::vector FROM generate_series(1, 25000) g;
    CREATE INDEX ${index} ON ${table} (payload);
    ${
      vectors
        ? `CREATE INDEX ${table}_lists ON ${table} USING ivfflat (embedding vector_l2_ops)
      WITH (lists = 10);`
        : ""
    }
    DELETE FROM ${table} WHERE id % 10 < 7`);
  // Rows that this session has not reported yet would be added to what VACUUM counts.
  await db.client.query("SELECT pg_stat_force_next_flush()");
  await db.client.query(`VACUUM (ANALYZE) ${table}`);
  await db.client.query("SELECT ruvector_healing_register($1)", [table]);
}

interface Answer {
  readonly outcome: string;
  readonly action_id: number;
  readonly reason?: string;
  readonly message?: string;
  readonly flips_at?: string;
  readonly hint?: string;
  readonly predicted_lambda?: number;
  readonly plan?: {
    readonly indexes: readonly {
      readonly index: string;
      readonly bytes: number;
      readonly expected_bytes: number;
    }[];
    readonly wal_bytes: number;
    readonly locks: readonly string[];
    readonly left_alone: readonly string[];
  };
}
const compact = (table: string, params: object = {}) =>
  db.value<Answer>("SELECT ruvector_healing_execute($1, 'compact_indexes', $2::jsonb)", [
    table,
    JSON.stringify(params),
  ]);
const action = async (table: string) =>
  (
    await db.rows<{
      id: string;
      state: string;
      message: string;
      verified: boolean | null;
      progress: { note: string; results: unknown[] };
    }>(
      `SELECT id::text, state, message, verified, progress FROM ruvector.healing_actions
        WHERE collection = 'public.' || $1 ORDER BY id DESC LIMIT 1`,
      [table],
    )
  )[0]!;
const pages = (index: string) =>
  db.value<number>("SELECT (pg_relation_size($1::regclass) / 8192)::int", [index]);
const invalid = async (table: string) =>
  (
    await db.rows<{ name: string }>(
      `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = $1::regclass
        AND NOT indisvalid ORDER BY 1`,
      [table],
    )
  ).map(({ name }) => name);

const ended = async (table: string) =>
  ["succeeded", "failed", "aborted", "rollback_failed"].includes((await action(table)).state);

async function allEnded(tables: readonly string[]): Promise<boolean> {
  for (const table of tables) if (!(await ended(table))) return false;
  return true;
}

describe.skipIf(external)("compact_indexes", () => {
  beforeAll(async () => {
    await configure(db, { ...QUICK, enabled: false });
    for (const table of ["healed", "dropped", "aborted", "same", "swapped"])
      await bloated(table, { vectors: table === "healed" });
    await bloated("late", { index: HOSTILE });
  });

  it("plans what it will do, and names what stands in its way", async () => {
    const { outcome, plan, predicted_lambda } = await compact("healed", { dry_run: true });
    expect(outcome).toBe("dry_run");
    expect(plan!.indexes.map(({ index }) => index)).toEqual(
      ["public.healed_payload", "public.healed_lists"].sort(
        (a, b) => Number(b.endsWith("payload")) - Number(a.endsWith("payload")),
      ),
    );
    for (const { bytes, expected_bytes } of plan!.indexes)
      expect(expected_bytes / bytes).toBeLessThan(0.5);
    expect(predicted_lambda).toBe(1);
    expect(plan!.locks[0]).toContain("SHARE UPDATE EXCLUSIVE on public.healed");

    const holder = await db.connect();
    await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    await configure(db, { preflight_transaction_seconds: 0 });
    const refused = await compact("healed");
    const pid = (await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!
      .pid;
    expect(refused).toMatchObject({
      outcome: "deferred",
      reason: "preflight",
      message: expect.stringContaining(`pid ${pid}`),
      flips_at: expect.stringContaining("preflight_transaction_seconds above"),
    });
    await holder.query("COMMIT");
    // Nothing else is open in this database: the same call would go ahead.
    expect(await compact("healed", { dry_run: true })).toMatchObject({
      outcome: "dry_run",
      plan: { strategy: "compact_indexes" },
    });
    await configure(db, { preflight_transaction_seconds: null });
    expect(await compact("healed", { indexes: ["no_such"], dry_run: true })).toMatchObject({
      reason: "nothing_to_do",
      message: expect.stringContaining("no_such"),
    });
  });

  it("heals, fails, aborts, ends at its deadline, and leaves nothing of its own", async () => {
    // A person's interrupted rebuild: its invalid index has the very name that ours would get.
    const person = await db.connect();
    const blocker = await db.connect();
    await blocker.query("BEGIN; INSERT INTO aborted VALUES (-1, 'x', NULL)");
    await person.query("SET lock_timeout = '300ms'");
    await expect(person.query("REINDEX INDEX CONCURRENTLY aborted_payload")).rejects.toThrow();
    await blocker.query("ROLLBACK");
    expect(await invalid("aborted")).toEqual(["aborted_payload_ccnew"]);
    // Whatever is done to this one, its figure stays.
    await configure(db, { report_ttl_seconds: 3600 });
    await db.client.query(
      `SELECT ruvector_integrity_report('same',
        '{"metrics": {"index_fragmentation_pct": 60, "fragmented_indexes": ["same_payload"]}}')`,
    );

    const before = {
      payload: await pages("healed_payload"),
      lists: await pages("healed_lists"),
      same: await pages("same_payload"),
    };
    // Before the first is scheduled: where a minute of pg_cron's begins among these statements,
    // that one's job has ended before the others'.
    await blocker.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    // The loop itself takes up the first one; the others are asked for.
    await db.client.query("SELECT ruvector_healing_configure('{\"enabled\": true}', 'healed')");
    expect(await ticking(db, async () => (await action("healed"))?.state === "executing")).toBe(
      true,
    );
    for (const table of ["dropped", "aborted", "same", "swapped"])
      expect(await compact(table)).toMatchObject({ outcome: "started" });
    expect(await compact("late", { max_seconds_per_index: 2 })).toMatchObject({
      outcome: "started",
    });
    await db.client.query("CALL ruvector_healing_tick()");
    await db.client.query("DROP INDEX dropped_payload");
    // Holds no snapshot, but a lock on the table: that is waited for once the new index is in the
    // old one's place.
    const reader = await db.connect();
    await reader.query("BEGIN; SELECT FROM swapped LIMIT 1");

    // All jobs of one minute start together, and wait for the blocker.
    expect(
      await ticking(db, async () =>
        /waiting for old snapshots/.test((await action("aborted")).progress.note),
      ),
      (await action("aborted")).progress.note,
    ).toBe(true);
    expect((await invalid("aborted")).length).toBe(2);
    // Writers do not wait for what waits.
    const writer = await db.connect();
    await writer.query("SET statement_timeout = '5s'");
    for (const table of ["healed", "aborted", "late", "same"])
      await writer.query(`INSERT INTO ${table} VALUES (-2, 'written meanwhile', NULL)`);
    expect(
      await db.value("SELECT ruvector_healing_abort($1) ->> 'outcome'", [
        (await action("aborted")).id,
      ]),
    ).toBe("started");
    expect(
      await ticking(
        db,
        async () =>
          (await db.value(
            `SELECT state FROM ruvector.healing_jobs WHERE collection_id = (SELECT collection_id
              FROM ruvector.collections WHERE table_name = 'late')`,
          )) === "cancelled",
      ),
    ).toBe(true);
    expect(
      await db.value("SELECT state FROM ruvector.healing_jobs WHERE command LIKE '%healed%'"),
    ).toBe("running");
    await blocker.query("COMMIT");
    expect(
      await ticking(db, async () =>
        /waiting for readers/.test((await action("swapped")).progress.note),
      ),
      (await action("swapped")).progress.note,
    ).toBe(true);
    await db.client.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE query LIKE '%CONCURRENTLY public.swapped_payload'`,
    );
    expect(
      await ticking(db, async () =>
        (await action("swapped")).progress.note.includes("the old index after the swap"),
      ),
      (await action("swapped")).progress.note,
    ).toBe(true);
    expect(await invalid("swapped")).toEqual(["swapped_payload_ccold"]);
    await reader.query("COMMIT");

    expect(
      await ticking(
        db,
        async () => allEnded(["healed", "dropped", "aborted", "late", "same", "swapped"]),
        200,
      ),
      JSON.stringify(
        await db.rows("SELECT collection, state, message FROM ruvector.healing_actions"),
      ),
    ).toBe(true);
    expect(await action("healed")).toMatchObject({ state: "succeeded", verified: true });
    expect(await pages("healed_payload")).toBeLessThan(before.payload / 2);
    expect(await pages("healed_lists")).toBeLessThan(before.lists / 2);
    expect(await action("swapped")).toMatchObject({ state: "succeeded", verified: true });
    expect(await pages("swapped_payload")).toBeLessThan(before.same / 2);
    expect(await action("dropped")).toMatchObject({
      state: "failed",
      message: expect.stringContaining("public.dropped_payload: it was dropped"),
    });
    expect(await action("aborted")).toMatchObject({ state: "aborted" });
    expect(await action("late")).toMatchObject({
      state: "failed",
      message: expect.stringContaining("not finished by its deadline"),
    });
    expect(await action("same")).toMatchObject({
      state: "failed",
      verified: false,
      message: expect.stringContaining("not verified"),
    });
    expect(await pages("same_payload")).toBeLessThan(before.same / 2);
    expect(await invalid("aborted")).toEqual(["aborted_payload_ccnew"]);
    for (const table of ["healed", "dropped", "late", "same", "swapped"])
      expect(await invalid(table)).toEqual([]);
    // Each command was scheduled once; nothing is left in pg_cron.
    expect(await db.value("SELECT count(*)::int FROM cron.job")).toBe(0);
    expect(
      await db.rows(
        `SELECT command, count(*)::int AS times FROM ruvector.healing_jobs
          GROUP BY 1 HAVING count(*) > 1`,
      ),
    ).toEqual([]);
    // The next estimate is a measured one.
    await db.client.query("DELETE FROM healed WHERE id % 10 = 8");
    expect(
      (await compact("healed", { indexes: ["healed_payload"], dry_run: true })).plan,
    ).toMatchObject({ throughput: "measured from earlier builds here" });
  });
});
