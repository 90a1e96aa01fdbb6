/** Uninstalling: users' tables are as they were, and nothing of ours is left, nor in pg_cron. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { type Language, root, version } from "../../build/project.ts";
import { raised } from "../support/database.ts";
import { type CronDatabase, cronDatabase, external } from "./support/cron.ts";
import { configure, HOT, makeTable, QUICK, ticks } from "./support/collection.ts";
import { CANNOT_PLACE, canPlace, ExtensionFiles } from "./support/extension.ts";

const db = external ? (undefined as unknown as CronDatabase) : await cronDatabase();
const language = inject("language") as Language;

/** Everything in the database that is not pg_cron's rows: names, columns, defaults, triggers. */
const everything = () =>
  db.rows(
    `SELECT 'relation' AS what, c.oid::regclass::text AS name, c.relkind::text AS kind
       FROM pg_class c WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace
     UNION ALL SELECT 'routine', p.oid::regprocedure::text, p.prosrc FROM pg_proc p
      WHERE p.oid >= 16384
     UNION ALL SELECT 'type', t.oid::regtype::text, '' FROM pg_type t WHERE t.oid >= 16384
     UNION ALL SELECT 'schema', n.nspname, n.nspacl::text FROM pg_namespace n
      WHERE n.nspname !~ '^pg_(temp|toast_temp)'
     UNION ALL SELECT 'extension', e.extname, e.extversion FROM pg_extension e
     UNION ALL SELECT 'default', d.adrelid::regclass || '.' || d.adnum,
       pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
     UNION ALL SELECT 'trigger', t.tgrelid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid)
       FROM pg_trigger t WHERE NOT t.tgisinternal
     UNION ALL SELECT 'constraint', x.conrelid::regclass || '.' || x.conname,
       pg_get_constraintdef(x.oid) FROM pg_constraint x WHERE x.conrelid <> 0
     ORDER BY 1, 2, 3`,
  );
const uninstall = () => db.value<Record<string, unknown>>("SELECT ruvector_healing_uninstall()");
const jobs = () => db.rows("SELECT jobname, schedule, active FROM cron.job ORDER BY jobname");

const files = external ? undefined : await ExtensionFiles.make(db.client, "uninstall_test");
const forms: readonly [string, () => Promise<unknown>][] = [
  [
    "a plain installation",
    async () =>
      db.client.query(await readFile(join(root, `dist/ruvector_healing.${language}.sql`), "utf8")),
  ],
  [
    "an extension",
    async () => {
      await files!.putControl(language, version);
      await files!.putFiles([join(root, `extension/${language}/ruvector_healing--${version}.sql`)]);
      await db.client.query(`${files!.setting}; CREATE EXTENSION ruvector_healing`);
    },
  ],
];

describe.skipIf(external).for(forms)("uninstalling %s", ([form, install]) => {
  it("leaves nothing of ours and everything of yours", async ({ skip }) => {
    skip(form === "an extension" && !(await canPlace(db.client)), CANNOT_PLACE);
    if (await db.value("SELECT to_regnamespace('ruvector') IS NOT NULL")) await uninstall();
    await makeTable(db, { rows: HOT, register: false });
    await db.client.query(`CREATE INDEX kept_by_hand ON embeddings_p1 (payload);
      SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1')`);
    const [before, jobs_before] = [await everything(), await jobs()];

    await install();
    await configure(db, { ...QUICK, batch_rows: 10, slice_seconds: 0.2 });
    await db.client.query(
      `SELECT ruvector_healing_register('embeddings', '{"movable": true}'),
        ruvector_healing_schedule('30 minutes')`,
    );
    const { action_id } = await db.value<{ action_id: number }>(
      `SELECT ruvector_healing_execute('embeddings', 'rebalance_partitions', '{"max_moves": 30}')`,
    );
    const active = await raised(db.client, "SELECT ruvector_healing_uninstall()");
    expect(active).toMatchObject({ code: "RV008", message: "an action is active" });
    const [abort] = /SELECT ruvector_healing_abort\(\d+\);/.exec(active.hint!)!;
    expect(abort).toContain(`(${action_id})`);
    await db.client.query(abort);
    const ended = "SELECT finished_at IS NOT NULL FROM ruvector.healing_actions WHERE id = $1";
    for (let turn = 0; turn < 60 && !(await db.value(ended, [action_id])); turn++)
      await ticks(db, 1);
    expect(await db.value(ended, [action_id])).toBe(true);

    // What a throttle and a pause leave where the loop died.
    await db.client.query(
      `INSERT INTO ruvector.healing_leases (action_id, collection_id, strategy_name, kind, target,
          previous, expires_at)
        SELECT a.id, a.collection_id, 'pause_maintenance', 'paused_job',
               jsonb_build_object('jobid', j.jobid), jsonb_build_object('schedule', j.schedule),
               now() + interval '1 hour'
          FROM ruvector.healing_actions a, cron.job j WHERE j.jobname = 'nightly'`,
    );
    await db.client.query(
      `SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'nightly'`,
    );
    await db.client.query(
      `SELECT ruvector.healing_throttle_install(relid, 1)
         FROM pg_partition_tree('embeddings') ORDER BY level`,
    );
    // What an action keeps for its undo stays, and is named.
    await db.client.query(
      `INSERT INTO ruvector.healing_steps (action_id, slice, kind, details)
        SELECT $1, 1000, 'swap_index', '{"kept": "public.kept_by_hand"}'`,
      [action_id],
    );
    // Of a job of long ago, whose number another one has since pg_cron was dropped and made again.
    await db.client.query(
      `INSERT INTO ruvector.healing_jobs (action_id, collection_id, purpose, command, start_at,
          start_by, deadline, state, ended_at, jobid)
        SELECT a.id, a.collection_id, 'of old', 'SELECT 1', now(), now(), now(), 'succeeded', now(),
               j.jobid
          FROM ruvector.healing_actions a, cron.job j WHERE j.jobname = 'nightly' AND a.id = $1`,
      [action_id],
    );

    await db.client.query(
      `ALTER TABLE embeddings ALTER COLUMN payload SET DEFAULT ruvector_healing_route('embeddings');
        CREATE VIEW how AS SELECT * FROM ruvector_healing_verdict();
        CREATE VIEW what AS SELECT * FROM ruvector.healing_actions;
        CREATE TABLE which (collection int REFERENCES ruvector.collections)`,
    );
    const used = await raised(db.client, "SELECT ruvector_healing_uninstall()");
    expect(used).toMatchObject({ code: "RV037", message: "others use what would be dropped" });
    expect(used.hint!.split(/(?<=;) /).sort()).toEqual([
      "ALTER TABLE public.embeddings ALTER COLUMN payload DROP DEFAULT;",
      "ALTER TABLE public.which DROP CONSTRAINT which_collection_fkey;",
      "DROP VIEW public.how;",
      "DROP VIEW public.what;",
    ]);
    await db.client.query(`${used.hint}; DROP TABLE which`);

    // A session that reads and stays: nothing is waited for behind it while others are held up.
    const reader = await db.connect();
    await reader.query("BEGIN; SELECT FROM embeddings LIMIT 1");
    const gone = uninstall();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const writer = await db.connect();
    await writer.query("SET lock_timeout = '5s'; SELECT count(*) FROM embeddings");
    await reader.query("COMMIT");
    expect(await gone).toMatchObject({
      uninstalled: version,
      collections: 1,
      jobs_removed: 2,
      jobs_resumed: 1,
      settings_put_back: 0,
      left: [
        {
          what: expect.stringContaining("index public.kept_by_hand: what action"),
          statement: "DROP INDEX CONCURRENTLY public.kept_by_hand;",
        },
      ],
    });
    expect(await everything()).toEqual(before);
    expect(await jobs()).toEqual(jobs_before);
    await db.client.query("SELECT cron.unschedule('nightly'); DROP TABLE embeddings; RESET ALL");
  });
});

describe.skipIf(external)("DROP EXTENSION beside a loop that runs", () => {
  it("leaves no job of ours in pg_cron, a little later", async ({ skip }) => {
    skip(!(await canPlace(db.client)), CANNOT_PLACE);
    await forms[1]![1]();
    await db.client.query("SELECT ruvector_healing_schedule('1 second')");
    for (let dropped = false; !dropped;)
      dropped = await db.client.query("DROP EXTENSION ruvector_healing").then(
        () => true,
        // Beside a tick, as any DROP of many objects.
        (error: pg.DatabaseError) => {
          if (error.code === "40P01") return false;
          throw error;
        },
      );
    expect(await db.until("SELECT count(*)::int FROM cron.job", (n) => n === 0)).toBe(0);
  });
});

describe.skipIf(external)("whoever has no right to it", () => {
  it("uninstalls nothing", async () => {
    await forms[0]![1]();
    const role = `ruvector_test_${process.pid}_admin`;
    await db.client.query(
      `CREATE ROLE ${role}; SELECT ruvector_healing_grant('${role}', 'admin');
        GRANT EXECUTE ON FUNCTION ruvector_healing_uninstall() TO ${role}; SET ROLE ${role}`,
    );
    try {
      expect(await raised(db.client, "SELECT ruvector_healing_uninstall()")).toMatchObject({
        code: "42501",
        hint: expect.stringMatching(/^SET ROLE /),
      });
    } finally {
      await db.client.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
    expect(await uninstall()).toMatchObject({ uninstalled: version, left: [] });
    await files!.remove();
  });
});
