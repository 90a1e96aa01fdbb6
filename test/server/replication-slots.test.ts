/**
 * Replicas without a slot, and what slots keep: a limit that comes near and is passed, a logical
 * consumer that does not come.
 */
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import type { Replica, Server } from "../../src/workbench/db/server.ts";
import { QUICK } from "./support/collection.ts";
import {
  becomes,
  caughtUp,
  install,
  replicasPossible,
  serverWithReplicas,
  session,
  valueOf,
} from "./support/replicas.ts";

const possible = await replicasPossible();

interface Node {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly lag_seconds: number | null;
  readonly retained_pct: number | null;
  readonly inactive_seconds: number | null;
  readonly lost: boolean;
}

describe.skipIf(!possible)("replicas and slots", () => {
  let server: Server;
  let primary: pg.Client;
  let replica: Replica;

  const sample = () =>
    valueOf<{
      lambda: number;
      metrics: { replicas: Node[]; replication_lag_seconds: Record<string, number> };
    }>(primary, "SELECT ruvector_integrity_sample('level')");
  const node = async (id: string): Promise<Node | undefined> =>
    (await sample()).metrics.replicas.find((each) => each.id === id);
  /** Segments of log, 16 MB each, at next to no cost. */
  const write = async (segments: number): Promise<void> => {
    for (let n = 0; n < segments; n++)
      await primary.query("SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()");
  };
  const setting = async (name: string, value: string, unit: string): Promise<void> => {
    await primary.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await primary.query("SELECT pg_reload_conf()");
    await becomes(primary, `SELECT setting || unit FROM pg_settings WHERE name = '${name}'`, unit);
  };

  beforeAll(async () => {
    server = await serverWithReplicas("slots", 1, {
      wal_level: "logical",
      max_wal_size: "64MB",
      min_wal_size: "32MB",
    });
    [replica] = server.replicas as [Replica];
    primary = await session(server);
    await install(primary);
    await primary.query(
      `CREATE TABLE level (id bigint PRIMARY KEY, embedding vector(3)); INSERT INTO level
        SELECT g, '[1,2,3]' FROM generate_series(1, 50) g`,
    );
    await primary.query("SELECT ruvector_healing_register('level')");
    await primary.query("SELECT ruvector_healing_configure($1)", [
      JSON.stringify({
        ...QUICK,
        enabled: false,
        replication_lag_seconds: [0.05, 1, 60],
        slot_inactive_seconds: [0.05, 1, 60],
      }),
    ]);
    await caughtUp(primary, "replica1");
  });

  it("hold a limit that comes near, and passing it, against the one whose slot it is", async () => {
    await primary.query("SELECT pg_create_physical_replication_slot('behind', true)");
    await setting("max_slot_wal_keep_size", "160MB", "160MB");
    await write(5);
    const near = (await node("replica:behind"))!;
    expect(near.retained_pct).toBeGreaterThan(40);
    expect(near.retained_pct).toBeLessThan(60);
    // The replica that keeps up holds nothing back.
    expect((await node("replica:replica1"))!.retained_pct).toBeLessThan(20);
    await write(4);
    expect((await node("replica:behind"))!.retained_pct).toBeGreaterThan(80);
    await write(5);
    await primary.query("CHECKPOINT");
    await becomes(
      primary,
      "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'behind'",
      "lost",
    );
    expect(await node("replica:behind")).toMatchObject({ lost: true, kind: "inactive_slot" });
    expect((await sample()).lambda).toBeCloseTo(0.01);
    await primary.query("SELECT pg_drop_replication_slot('behind')");
    await setting("max_slot_wal_keep_size", "-1", "-1MB");
    await caughtUp(primary, "replica1");
    expect((await sample()).lambda).toBe(1);
  });

  it("count a logical consumer that does not come, once it keeps over max_wal_size", async () => {
    await primary.query("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')");
    expect(await node("slot:cdc")).toBeUndefined();
    await write(7);
    await primary.query("CHECKPOINT");
    await becomes(
      primary,
      "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'cdc'",
      "extended",
    );
    await expect
      .poll(async () => (await node("slot:cdc"))?.inactive_seconds ?? 0)
      .toBeGreaterThan(1.2);
    const answer = await valueOf<{ problem: object }>(
      primary,
      "SELECT ruvector_healing_trigger('level')",
    );
    expect(answer.problem).toMatchObject({
      class: "replication_lag",
      replica_ids: ["slot:cdc"],
      summary: expect.stringContaining("logical slot cdc of database ruvector"),
    });
    // Once it has been read, it has come.
    await primary.query("SELECT count(*) FROM pg_logical_slot_get_changes('cdc', NULL, NULL)");
    await primary.query("CHECKPOINT");
    await primary.query("SELECT pg_drop_replication_slot('cdc')");
    expect((await sample()).metrics.replicas.map(({ id }) => id)).toEqual(["replica:replica1"]);
  });

  it("of another plugin than pgoutput decode every move: no row moves beside one", async () => {
    await primary.query(`
      CREATE TABLE spread (id int, p int, v vector(2), PRIMARY KEY (p, id)) PARTITION BY LIST (p);
      CREATE TABLE spread_1 PARTITION OF spread FOR VALUES IN (1);
      CREATE TABLE spread_2 PARTITION OF spread FOR VALUES IN (2)`);
    const reasons = async (): Promise<string[]> =>
      (
        await valueOf<{ limitations: { strategy: string; reason: string }[] }>(
          primary,
          "SELECT ruvector_healing_register('spread', '{\"movable\": true}')",
        )
      ).limitations
        .filter(({ strategy }) => strategy === "rebalance_partitions")
        .map(({ reason }) => reason);
    await primary.query("SELECT pg_create_logical_replication_slot('published', 'pgoutput')");
    expect(await reasons()).toEqual([]);
    await primary.query("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')");
    expect(await reasons()).toEqual([
      "logical slots pass a move on as a delete and an insert: cdc (test_decoding)",
    ]);
    await primary.query(
      "SELECT pg_drop_replication_slot(s) FROM unnest('{cdc,published}'::name[]) s",
    );
    expect(await reasons()).toEqual([]);
    await primary.query("SELECT ruvector_healing_unregister('spread'); DROP TABLE spread");
  });

  it("miss a replica without a slot that has gone, until it is back or forgotten", async () => {
    const standby = await session(replica);
    // Without a slot the next checkpoint may remove what the replica still needs, and it would
    // never come back.
    await primary.query("ALTER SYSTEM SET wal_keep_size = '1GB'");
    await primary.query("SELECT pg_reload_conf()");
    await standby.query("ALTER SYSTEM SET primary_slot_name = ''");
    await standby.query("SELECT pg_reload_conf()");
    await becomes(
      primary,
      "SELECT active FROM pg_replication_slots WHERE slot_name = 'replica1'",
      false,
    );
    await primary.query("SELECT pg_drop_replication_slot('replica1')");
    await caughtUp(primary, "replica1");
    expect(await node("replica:replica1")).toMatchObject({ kind: "connected", lag_seconds: 0 });
    await replica.stop();
    await becomes(primary, "SELECT count(*)::int FROM pg_stat_replication", 0);
    await expect
      .poll(async () => (await node("replica:replica1"))?.lag_seconds ?? 0)
      .toBeGreaterThan(1.2);
    expect(await node("replica:replica1")).toMatchObject({
      kind: "gone",
      label: "replica1 (gone)",
    });
    expect((await sample()).lambda).toBeLessThan(0.8);
    await replica.restart();
    // Starting it made its slot again, which it does not use.
    await primary.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
    );
    await caughtUp(primary, "replica1");
    expect(await node("replica:replica1")).toMatchObject({ kind: "connected", lag_seconds: 0 });
    await replica.stop();
    await becomes(primary, "SELECT count(*)::int FROM pg_stat_replication", 0);
    expect(await node("replica:replica1")).toMatchObject({ kind: "gone" });
    await primary.query("SELECT ruvector_healing_configure('{\"replica_memory_seconds\": 0}')");
    expect((await sample()).metrics.replicas).toEqual([]);
  });
});
