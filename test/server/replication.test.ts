/**
 * Replication lag on a real replica: paused replay, a slow link, a killed replica, an abandoned
 * slot, a role that may not look.
 */
import pg from "pg";
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { Replica, Server } from "../../src/workbench/db/server.ts";
import { slowLink } from "../../src/workbench/db/slow-link.ts";
import { pattern } from "../support/pattern.ts";
import { QUICK } from "./support/collection.ts";
import { raised } from "./support/database.ts";
import {
  becomes,
  caughtUp,
  followThrough,
  install,
  replicasPossible,
  serverWithReplicas,
  session,
  valueOf,
} from "./support/replicas.ts";

const possible = await replicasPossible();

/** Thresholds that a test reaches: one second is stress already. */
const NEAR = { replication_lag_seconds: [0.05, 1, 60] };

interface Sampled {
  readonly lambda: number;
  readonly state: string;
  readonly witness_edges: {
    readonly type: string;
    readonly from: string;
    readonly health: number;
  }[];
  readonly unmeasured: { readonly what: string; readonly why: string; readonly hint: string }[];
  readonly metrics: {
    readonly replication_lag_seconds: Record<string, number>;
    readonly replicas: {
      readonly id: string;
      readonly label: string;
      readonly kind: string;
      readonly lag_seconds: number | null;
      readonly lag_bytes: number | null;
      readonly retained_bytes: number | null;
      readonly replay: string | null;
    }[];
  };
}

describe.skipIf(!possible)("replication lag", () => {
  let server: Server;
  let first: Replica;
  let primary: pg.Client;

  const sample = () => valueOf<Sampled>(primary, "SELECT ruvector_integrity_sample('level')");
  const lag = async (id: string): Promise<number> =>
    (await sample()).metrics.replication_lag_seconds[id] ?? -1;
  /**
   * The server writes log by itself, too: a record between the look at the replica and the sample
   * is a lag of a millisecond, and true.
   */
  const level = () => expect.poll(() => lag("replica:replica1")).toBe(0);
  const write = () =>
    primary.query("INSERT INTO written SELECT repeat('x', 1000) FROM generate_series(1, 200)");
  const graph = (client: pg.Client) =>
    valueOf<{ nodes: { id: string; type: string; measured: boolean }[] }>(
      client,
      "SELECT ruvector_contracted_graph('level')",
    );

  beforeAll(async () => {
    server = await serverWithReplicas("lag", 2);
    [first] = server.replicas as [Replica, Replica];
    primary = await session(server);
    await install(primary);
    await primary.query(`
      CREATE TABLE written (payload text);
      CREATE TABLE level (id bigint, partition_id int, embedding vector(3),
        PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
      CREATE TABLE level_p0 PARTITION OF level FOR VALUES IN (0);
      CREATE TABLE level_p1 PARTITION OF level FOR VALUES IN (1);
      INSERT INTO level SELECT g, g % 2, '[1,2,3]' FROM generate_series(1, 2000) g;`);
    await primary.query("SELECT ruvector_healing_register('level')");
    await primary.query("SELECT ruvector_healing_configure($1)", [
      JSON.stringify({ ...QUICK, ...NEAR, enabled: false }),
    ]);
    for (const replica of server.replicas) await caughtUp(primary, replica.name);
  });

  it(
    "keeps the partition that evict_cold_data made, empty, where a standby does not say what " +
      "is read on it",
    async () => {
      const cold = await valueOf<string>(
        primary,
        "SELECT string_agg(format('CREATE TABLE cold_p%s PARTITION OF cold FOR VALUES IN " +
          "(%1$s)', g), ';') FROM generate_series(0, 3) g",
      );
      await primary.query(`CREATE TABLE cold (id bigint, partition_id int, used_at timestamptz,
      embedding vector(3), PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
      ${cold};
      INSERT INTO cold SELECT g, g % 4, now() - g * interval '1 day', '[1,2,3]'
        FROM generate_series(1, 400) g`);
      await primary.query(
        'SELECT ruvector_healing_register(\'cold\', \'{"movable": true, "access_column": ' +
          '"used_at", "cold_partition": 9}\'), ruvector_healing_configure(\'{"enabled": true}\', ' +
          "'cold')",
      );
      const undone = async () => {
        expect(
          await valueOf(
            primary,
            "SELECT ruvector_healing_execute('cold', 'evict_cold_data', '{\"share\": 0.3}')",
          ),
        ).toMatchObject({ rows_moved: expect.any(Number), action_id: expect.any(Number) });
        await primary.query("SELECT ruvector_healing_rollback('cold')");
        const state = () =>
          valueOf<string>(
            primary,
            "SELECT state FROM ruvector.healing_actions WHERE collection = 'public.cold' ORDER " +
              "BY id DESC LIMIT 1",
          );
        // A standby says what it reads once a second.
        for (let tick = 0; tick < 40 && (await state()) === "rolling_back"; tick++)
          await primary
            .query("CALL ruvector_healing_tick()")
            .then(() => primary.query("SELECT pg_sleep(0.2)"));
        return state();
      };
      expect(await undone()).toBe("rolled_back");
      expect(await valueOf(primary, "SELECT to_regclass('cold_cold')::text")).toBe("cold_cold");
      expect(
        await valueOf(
          primary,
          "SELECT message FROM ruvector.healing_events WHERE kind = 'action_partition_stays'",
        ),
      ).toMatch(
        pattern(
          /^public\.cold_cold stays: standby replica\d \(pid \d+\) does not say /,
          /what is read on it \(hot_standby_feedback\)$/,
        ),
      );
      await primary.query("DROP TABLE cold_cold");
      for (const replica of server.replicas)
        await (
          await session(replica)
        )
          .query("ALTER SYSTEM SET hot_standby_feedback = on")
          .then(async () =>
            (await session(replica)).query("ALTER SYSTEM SET wal_receiver_status_interval = 1"),
          )
          .then(async () => (await session(replica)).query("SELECT pg_reload_conf()"));
      await becomes(
        primary,
        "SELECT count(*)::int FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON " +
          "s.active_pid = r.pid WHERE coalesce(r.backend_xmin, s.xmin) IS NOT NULL",
        2,
      );
      expect(await undone()).toBe("rolled_back");
      expect(await valueOf(primary, "SELECT to_regclass('cold_cold')::text")).toBeNull();
      await primary.query("SELECT ruvector_healing_unregister('cold'); DROP TABLE cold");
    },
  );

  it("is nothing while replicas follow", async () => {
    await write();
    for (const replica of server.replicas) await caughtUp(primary, replica.name);
    const { lambda, metrics, unmeasured } = await sample();
    expect(lambda).toBe(1);
    expect(Object.keys(metrics.replication_lag_seconds)).toEqual([
      "replica:replica1",
      "replica:replica2",
    ]);
    expect(unmeasured.map(({ what }) => what).join()).not.toContain("replication");
    expect(metrics.replicas.map(({ label, kind }) => `${label} ${kind}`)).toEqual([
      "replica1 connected",
      "replica2 connected",
    ]);
  });

  it("does not wait for somebody who looks at the graph in an open transaction", async () => {
    const looking = await session(server);
    await looking.query("BEGIN");
    expect(
      (await graph(looking)).nodes.filter(({ type }) => type === "replication_target"),
    ).toHaveLength(2);
    expect((await sample()).lambda).toBe(1);
    await looking.query("COMMIT");
  });

  it("grows while replay is paused, names the replica, is gone when replay goes on", async () => {
    const replica = await session(first);
    await replica.query("SELECT pg_wal_replay_pause()");
    await becomes(replica, "SELECT pg_get_wal_replay_pause_state()", "paused");
    await write();
    await sample();
    await expect.poll(() => lag("replica:replica1")).toBeGreaterThan(1.2);
    const { lambda, witness_edges, metrics, state } = await sample();
    expect(lambda).toBeLessThan(0.8);
    expect(state).not.toBe("normal");
    expect(witness_edges).toMatchObject([{ type: "replication", from: "replica:replica1" }]);
    expect(metrics.replication_lag_seconds["replica:replica2"]).toBe(0);
    expect(metrics.replicas[0]!.lag_bytes).toBeGreaterThan(100_000);
    const answer = await valueOf<{ problem: object }>(
      primary,
      "SELECT ruvector_healing_trigger('level')",
    );
    expect(answer.problem).toMatchObject({
      class: "replication_lag",
      replica_ids: ["replica:replica1"],
    });
    expect((answer.problem as { summary: string }).summary).toMatch(
      /^Replica replica1 lags .* s behind\.$/,
    );
    await replica.query("SELECT pg_wal_replay_resume()");
    await caughtUp(primary, "replica1");
    await level();
    expect((await sample()).lambda).toBe(1);
  });

  it(
    "of a standby that replays later on purpose holds no inserts back, and is not judged once " +
      "it is said to be so",
    async () => {
      const replica = await session(first);
      const set = async (delay: string): Promise<void> => {
        await replica.query(`ALTER SYSTEM SET recovery_min_apply_delay = '${delay}'`);
        await replica.query("SELECT pg_reload_conf()");
        await becomes(replica, "SELECT current_setting('recovery_min_apply_delay')", delay);
      };
      await set("1h");
      await write();
      await expect.poll(async () => (await sample()).metrics.replicas[0]!.replay).toBe("stands");
      await expect.poll(() => lag("replica:replica1")).toBeGreaterThan(1.2);
      expect((await sample()).lambda).toBeLessThan(0.8);
      const ask = () =>
        valueOf<{ outcome: string; reason: string; message: string; hint: string }>(
          primary,
          "SELECT ruvector_healing_execute('level', 'throttle_ingestion')",
        );
      const refused = await ask();
      expect(refused).toMatchObject({
        reason: "nothing_to_do",
        message: expect.stringContaining(
          "replica1 has received the log and replays none of it: fewer inserts do not bring it " +
            "nearer",
        ),
      });
      const [typed] = /SELECT ruvector_healing_configure\(.*\);/.exec(refused.hint) ?? [];
      await primary.query(typed!);
      const { lambda, metrics } = await sample();
      expect(lambda).toBe(1);
      expect(metrics.replication_lag_seconds["replica:replica1"]).toBeGreaterThan(1);
      await primary.query(`SELECT ruvector_healing_configure('{"delayed_replicas": null}')`);
      expect((await sample()).lambda).toBeLessThan(0.8);
      await set("0");
      await caughtUp(primary, "replica1");
      await level();
    },
  );

  it("grows behind a slow link", async () => {
    const link = await slowLink(Number(new URL(server.url()).port));
    try {
      await followThrough(link, primary, first, "replica1");
      link.limit(5000);
      await write();
      await expect.poll(() => lag("replica:replica1")).toBeGreaterThan(1.2);
      expect((await sample()).witness_edges).toMatchObject([
        { type: "replication", from: "replica:replica1" },
      ]);
      link.limit(null);
      await caughtUp(primary, "replica1");
      await level();
    } finally {
      await first.follow();
      await link.close();
    }
    await caughtUp(primary, "replica1");
  });

  it("is the time since it went, where a replica was killed", async () => {
    await sample();
    await first.kill9();
    await becomes(
      primary,
      "SELECT active FROM pg_replication_slots WHERE slot_name = 'replica1'",
      false,
    );
    await expect.poll(() => lag("replica:replica1")).toBeGreaterThan(1.2);
    const { metrics, lambda } = await sample();
    expect(lambda).toBeLessThan(0.8);
    expect(metrics.replicas[0]).toMatchObject({
      id: "replica:replica1",
      kind: "inactive_slot",
      label: "replica1 (not connected)",
    });
    // Nobody's writes are held back for a replica that is not there.
    expect(
      await valueOf(primary, "SELECT ruvector_healing_execute('level', 'throttle_ingestion')"),
    ).toMatchObject({
      outcome: "deferred",
      reason: "nothing_to_do",
      message: expect.stringContaining("does not stream from this server"),
      hint: expect.stringContaining("SELECT pg_drop_replication_slot('replica1');"),
    });
    await first.restart();
    await caughtUp(primary, "replica1");
    await level();
  });

  it("is sensed of a slot that nobody uses, until it is dropped", async () => {
    await primary.query("SELECT pg_create_physical_replication_slot('abandoned', true)");
    await write();
    // Of one that is new: a standby may be being built for it.
    const beside = await sample();
    expect(beside.lambda).toBe(1);
    expect(beside.metrics.replicas.find(({ id }) => id === "replica:abandoned")).toMatchObject({
      kind: "inactive_slot",
      lag_seconds: null,
    });
    await primary.query(
      "SELECT ruvector_healing_configure('{\"slot_inactive_seconds\": [0.05, 1, 60]}')",
    );
    await expect.poll(async () => (await sample()).lambda).toBeLessThan(0.8);
    const { metrics, lambda, witness_edges } = await sample();
    expect(lambda).toBeLessThan(0.8);
    expect(witness_edges).toMatchObject([{ from: "replica:abandoned" }]);
    const abandoned = metrics.replicas.find(({ id }) => id === "replica:abandoned")!;
    expect(abandoned).toMatchObject({ kind: "inactive_slot" });
    expect(abandoned.retained_bytes).toBeGreaterThan(100_000);
    await primary.query("SELECT pg_drop_replication_slot('abandoned')");
    await primary.query("SELECT ruvector_healing_configure('{\"slot_inactive_seconds\": null}')");
    expect((await sample()).lambda).toBe(1);
  });

  it("is not measured by a role that may not look, which says what would help", async () => {
    const database = "unprivileged";
    const language = inject("language");
    await primary.query('CREATE ROLE "Healer; drop" LOGIN');
    await primary.query(`CREATE DATABASE ${database} OWNER "Healer; drop"`);
    const admin = await session(server, database);
    await admin.query(`CREATE EXTENSION ${language}; CREATE EXTENSION vector;
      GRANT USAGE ON LANGUAGE ${language} TO "Healer; drop";
                       GRANT CREATE ON SCHEMA public TO "Healer; drop";
                         SET SESSION AUTHORIZATION "Healer; drop"`);
    await install(admin);
    await admin.query(
      `CREATE TABLE level (id bigint PRIMARY KEY, embedding vector(3)); INSERT INTO level
        SELECT g, '[1,2,3]' FROM generate_series(1, 50) g`,
    );
    await admin.query("SELECT ruvector_healing_register('level')");
    const before = await valueOf<Sampled>(admin, "SELECT ruvector_integrity_sample('level')");
    expect(before.unmeasured).toContainEqual({
      what: "replication lag of 2 replicas",
      why: `role "Healer; drop" does not see the positions in pg_stat_replication`,
      hint: `GRANT pg_monitor TO "Healer; drop";`,
    });
    expect(before.metrics.replication_lag_seconds).toEqual({});
    const nodes = (await graph(admin)).nodes.filter(({ type }) => type === "replication_target");
    expect(nodes).toMatchObject([
      { id: "replica:replica1", measured: false },
      { id: "replica:replica2", measured: false },
    ]);
    await primary.query(
      before.unmeasured.find(({ what }) => what.startsWith("replication lag"))!.hint,
    );
    const after = await valueOf<Sampled>(admin, "SELECT ruvector_integrity_sample('level')");
    expect(after.unmeasured.filter(({ what }) => what.startsWith("replication lag"))).toEqual([]);
    expect(Object.keys(after.metrics.replication_lag_seconds)).toEqual([
      "replica:replica1",
      "replica:replica2",
    ]);
  });

  describe("on a standby", () => {
    let standby: pg.Client;

    beforeAll(async () => {
      await caughtUp(primary, "replica1");
      standby = await session(first);
    });

    it("what reads is answered as on the primary", async () => {
      for (const statement of [
        "SELECT lambda, state, unmeasured FROM ruvector_integrity_status('level')",
        "SELECT count(*) > 3 AS some FROM ruvector_integrity_history('level')",
        "SELECT * FROM ruvector_healing_history()",
        "SELECT * FROM ruvector_healing_effectiveness()",
        "SELECT key, value FROM ruvector_healing_config('level')",
      ])
        expect((await standby.query(statement)).rows, statement).toEqual(
          (await primary.query(statement)).rows,
        );
      const status = await valueOf<object>(
        standby,
        "SELECT ruvector_healing_status() - 'timestamp'",
      );
      expect(Object.keys(status)).toEqual(
        Object.keys(
          await valueOf<object>(primary, "SELECT ruvector_healing_status() - 'timestamp'"),
        ),
      );
      // A standby knows nobody who replicates from it, and remembers nothing.
      expect(
        (await graph(standby)).nodes.filter(({ type }) => type === "replication_target"),
      ).toEqual([]);
    });

    it("trigger and execute are deferred, with the reason", async () => {
      for (const call of [
        "ruvector_healing_trigger('level')",
        "ruvector_healing_execute('level', 'rebalance_partitions', '{\"dry_run\": true}')",
      ]) {
        expect(await valueOf(standby, `SELECT ${call}`), call).toMatchObject({
          outcome: "deferred",
          reason: "standby_server",
          flips_at: "promotion",
        });
      }
    });

    it("what only looks answers", async () => {
      for (const call of [
        "ruvector_healing_recall('level')",
        "ruvector_healing_recall_curve('level')",
        "ruvector_healing_audit_links()",
        "ruvector_healing_metrics()",
        "ruvector_healing_report()",
        "ruvector_integrity_lambda2('level')",
      ])
        await standby.query(`SELECT ${call}`);
    });

    it("what writes is refused in its own words", async () => {
      for (const call of [
        "ruvector_integrity_sample('level')",
        "ruvector_integrity_report('level', '{\"lambda\": 1}')",
        "ruvector_healing_configure('{\"enabled\": true}')",
        "ruvector_healing_register('level')",
        "ruvector_healing_unregister('level')",
        "ruvector_healing_rollback('level')",
        "ruvector_healing_approve(1)",
        "ruvector_healing_abort(1)",
        "ruvector_healing_schedule('5 seconds')",
        "ruvector_healing_unschedule()",
      ])
        expect(await raised(standby, `SELECT ${call}`), call).toMatchObject({
          code: "RV020",
          message: "this server is a standby: nothing can be written here",
        });
    });

    it("a tick does nothing and says nothing", async () => {
      const ticks = "SELECT ticks::int FROM ruvector.healing_ticks";
      const notices: unknown[] = [];
      standby.on("notice", (notice) => notices.push(notice));
      const before = await valueOf(standby, ticks);
      await standby.query("CALL ruvector_healing_tick()");
      expect(await valueOf(standby, ticks)).toBe(before);
      expect(notices).toEqual([]);
    });

    it("the loop works once it is promoted, and holds nobody dead whom it never fed", async () => {
      await sample();
      await caughtUp(primary, "replica1");
      await standby.query("SELECT pg_promote()");
      await becomes(standby, "SELECT pg_is_in_recovery()", false);
      await standby.query("CALL ruvector_healing_tick()");
      const sampled = await valueOf<Sampled>(standby, "SELECT ruvector_integrity_sample('level')");
      expect(sampled).toMatchObject({ lambda: 1, metrics: { replicas: [] } });
      expect(await valueOf(standby, "SELECT last_error FROM ruvector.healing_ticks")).toBeNull();
      expect(await valueOf(standby, "SELECT ruvector_healing_trigger('level')")).toMatchObject({
        outcome: "deferred",
      });
    });
  });
});
