/**
 * What pg_stat_statements has seen of an application that addresses rows by partition is named at
 * registration, as far as the role may read it.
 */
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { pattern } from "../support/pattern.ts";
import { makeTable } from "./support/collection.ts";
import { cronServer, external } from "./support/cron.ts";
import { testDatabase } from "./support/database.ts";
import { handTo } from "./support/plain-role.ts";

const db = external
  ? null!
  : await cronServer({
      suffix: "statements",
      settings: {
        shared_preload_libraries: "pg_cron, pg_stat_statements",
        "pg_stat_statements.track": "all",
        cluster_name: "statements",
      },
    });

interface Answer {
  readonly statements: readonly { readonly query: string; readonly calls: number }[] | null;
  readonly statements_unread: string | null;
}

const notices: string[] = [];
async function register(options: object = { movable: true }): Promise<Answer> {
  notices.length = 0;
  return db.value<Answer>("SELECT ruvector_healing_register('c', $1)", [JSON.stringify(options)]);
}

describe.skipIf(external)("statements that address rows by partition", () => {
  beforeAll(async () => {
    db.client.on("notice", ({ message }) => void notices.push(message ?? ""));
    await makeTable(db, { table: "c", rows: [20, 20, 20], register: false });
    await db.client.query("CREATE TABLE unrelated (partition_id int, id int PRIMARY KEY)");
  });

  it("are not looked for where pg_stat_statements is not installed, and that is said", async () => {
    expect(await register()).toMatchObject({
      statements: null,
      statements_unread:
        "no statement was looked at: pg_stat_statements is not installed in this database",
    });
    expect(notices.join("\n")).not.toContain("pg_stat_statements");
  });

  describe("with pg_stat_statements in a schema of its own", () => {
    beforeEach(async () => {
      await db.client.query(
        `CREATE SCHEMA IF NOT EXISTS "Watch it";
          CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA "Watch it"`,
      );
      await db.client.query('SELECT "Watch it".pg_stat_statements_reset()');
    });

    it("are named, most called first, and in a NOTICE; others are not", async () => {
      for (let call = 0; call < 3; call++)
        await db.client.query("SELECT payload FROM c WHERE partition_id = $1 AND id = $2", [1, 25]);
      await db.client.query(
        `INSERT INTO c
          VALUES (1, 0, 'again', '[1,2,3,4,5,6,7,8]') ON CONFLICT (partition_id, id) DO
          UPDATE SET payload = excluded.payload`,
      );
      await db.client.query("SELECT payload FROM c WHERE id = 25");
      await db.client.query("SELECT * FROM unrelated WHERE partition_id = 3 AND 'from c' = 'c_p0'");
      // Its own moves are nested statements, which pg_stat_statements.track = all keeps.
      const { statements, statements_unread } = await register();
      expect(statements).toEqual([
        { query: "SELECT payload FROM c WHERE partition_id = $1 AND id = $2", calls: 3 },
        {
          query: expect.stringMatching(
            /^INSERT INTO c VALUES \(\$1, .* ON CONFLICT \(partition_id, id\) DO UPDATE/,
          ),
          calls: 1,
        },
      ]);
      expect(statements_unread).toBeNull();
      expect(
        notices.filter((line) =>
          line.includes(
            "seem to address rows of public.c by partition_id or by partition, or to upsert on it",
          ),
        ),
      ).toHaveLength(1);
      expect(notices.join("\n")).toContain("AND id = $2 (3 calls); INSERT INTO c");
    });

    it("are not kept where nothing is tracked, and that is said", async () => {
      await db.client.query("SET pg_stat_statements.track = none");
      const { statements, statements_unread } = await register();
      await db.client.query("RESET pg_stat_statements.track");
      expect(statements).toEqual([]);
      expect(statements_unread).toMatch(/^pg_stat_statements\.track is none, .*: ALTER SYSTEM SET/);
      expect((await register()).statements_unread).toBeNull();
    });

    it("are only those of this database, and none of ours", async () => {
      await db.client.query(
        'SELECT ruvector_healing_configure(\'{"min_sample_interval_seconds": 0, ' +
          '"settle_seconds": 0, "settle_samples": 0, "stress_samples": 1, "critical_samples": ' +
          "1}')",
      );
      await db.client.query(
        `INSERT INTO c SELECT 1000 + g, 1, 'more', '[1,2,3,4,5,6,7,8]'
          FROM generate_series(1, 2000) g; ANALYZE c`,
      );
      await db.client.query("SELECT ruvector_healing_execute('c', 'rebalance_partitions')");
      for (let tick = 0; tick < 3; tick++) await db.client.query("CALL ruvector_healing_tick()");
      expect(
        await db.value<number>(
          `SELECT (progress ->> 'rows')::int FROM ruvector.healing_actions
            ORDER BY id DESC LIMIT 1`,
        ),
      ).toBeGreaterThan(0);
      await db.client.query(
        `UPDATE ruvector.healing_actions SET state = 'failed', finished_at = clock_timestamp()
          WHERE finished_at IS NULL`,
      );
      // The same statement in another database.
      await db.client.query("CREATE DATABASE elsewhere");
      const {
        default: { Client },
      } = await import("pg");
      const there = new Client({ connectionString: db.server.url("elsewhere") });
      await there.connect();
      await there.query("CREATE TABLE c (partition_id int); SELECT FROM c WHERE partition_id = 1");
      await there.end();
      const ours = await db.value<number>(
        `SELECT count(*)::int FROM "Watch it".pg_stat_statements WHERE query ~ 'partition_id'
          AND query ~ '\\mc\\M' AND NOT toplevel`,
      );
      expect(ours).toBeGreaterThan(0);
      expect(await register()).toMatchObject({ statements: [], statements_unread: null });
      await db.client.query("DROP DATABASE elsewhere");
    });

    it("are not looked for where rows never move; at most ten are named, each cut", async () => {
      for (let n = 0; n < 15; n++)
        await db.client.query(`SELECT id${", id".repeat(n * 40)} FROM c WHERE partition_id = 1`);
      expect(await register({})).toMatchObject({ statements: null, statements_unread: null });
      const { statements } = await register();
      expect(statements).toHaveLength(10);
      for (const { query } of statements!) expect(query.length).toBeLessThanOrEqual(300);
    });

    it("cost a registration little, also among 5,000 of them", async () => {
      // Constants and aliases do not tell statements apart: 13 comparisons do.
      await db.client.query(`DO $$ BEGIN FOR n IN 1..4500 LOOP
        EXECUTE (SELECT 'SELECT 1 FROM c WHERE ' || string_agg(CASE WHEN n & (1 << bit) = 0
          THEN 'id > 1' ELSE 'id < 1' END, ' AND ')
          FROM generate_series(0, 12) bit); END LOOP; END $$`);
      const before = performance.now();
      const { statements, statements_unread } = await register();
      console.log(
        "registration among " +
          `${await db.value<string>(`SELECT count(*)
          FROM "Watch it".pg_stat_statements`)} ` +
          "statements: " +
          `${Math.round(performance.now() - before)} ms`,
      );
      expect(performance.now() - before).toBeLessThan(5000);
      expect(statements).toEqual([]);
      expect(statements_unread).toMatch(/^only the 200 most called/);
    });

    it("of other roles are hidden from a plain role: what it is told to type works", async () => {
      await db.client.query("CREATE ROLE plain LOGIN; CREATE ROLE app LOGIN");
      await db.client.query('GRANT SELECT ON c TO app; GRANT USAGE ON SCHEMA "Watch it" TO plain');
      await handTo(db, "plain", inject("language"));
      await db.client.query(
        "SET ROLE app; SELECT payload FROM c WHERE partition_id = 2; RESET ROLE",
      );
      const hidden = await register();
      expect(hidden.statements).toEqual([]);
      expect(hidden.statements_unread).toMatch(
        /^\d+ statements of other roles are hidden from plain: GRANT pg_read_all_stats TO plain;$/,
      );
      await db.client.query(/GRANT [^;]*;/.exec(hidden.statements_unread!)![0]);
      expect((await register()).statements).toEqual([
        { query: "SELECT payload FROM c WHERE partition_id = $1", calls: 1 },
      ]);
      await db.client.query('REVOKE USAGE ON SCHEMA "Watch it" FROM plain');
      expect(await register()).toMatchObject({
        statements: null,
        statements_unread: expect.stringMatching(/cannot be read: permission denied for schema/),
      });
    });
  });
});

describe.skipIf(external)("pg_stat_statements that the server does not load", () => {
  it("is no reason to refuse a registration", async () => {
    const plain = await testDatabase();
    await plain.client.query("CREATE EXTENSION pg_stat_statements");
    await makeTable(plain, { table: "c", rows: [20, 20], register: false });
    expect(
      await plain.value("SELECT ruvector_healing_register('c', '{\"movable\": true}')"),
    ).toMatchObject({
      statements: null,
      statements_unread: expect.stringMatching(
        pattern(
          /^no statement was looked at: pg_stat_statements cannot be read: /,
          /pg_stat_statements must be loaded/,
        ),
      ),
    });
  });
});
