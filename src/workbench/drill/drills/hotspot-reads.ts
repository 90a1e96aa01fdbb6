import type pg from "pg";
import { findServer } from "../../db/server.ts";
import { type Failures, loop, pause } from "../../load.ts";
import type { Drill, Stage } from "../drill.ts";
import { connectTo } from "../stage.ts";
import { makeTable, partition } from "../table.ts";
import { startReplicaActuator, WORKLOAD } from "./replica-actuator.ts";

const HOT = 3;
const ROWS = 2000;
/**
 * Between two lookups, however busy the machine is: as fast as they went, they were twice as many
 * when something beside them ended, and the replica did not show.
 */
const BEAT_MS = 25;

/**
 * Lookups of rows of the hot partition, at a steady rate, spread over the primary and all its
 * replicas as a connection pool for reads does.
 */
async function startReaders(stage: Stage): Promise<void> {
  const { server, client, table } = stage;
  const { rows } = await client.query<{ id: string }>(
    `SELECT id::text FROM ${partition(table, HOT)}`,
  );
  const replicas = new Map<string, pg.Client>();
  stage.atEnd(() => Promise.allSettled([...replicas.values()].map((one) => one.end())));
  const refresh = async (): Promise<void> => {
    const names = (await findServer(server.name)).replicas;
    for (const { name, url } of names) {
      if (replicas.has(name)) continue;
      const one = await connectTo(url());
      replicas.set(name, one);
      // A replica that goes, or is restarted, is looked for again.
      one.on("end", () => replicas.delete(name));
    }
  };
  let turn = 0;
  const began = Date.now();
  const result: Failures = { errors: {} };
  stage.background(
    await loop(
      server.url(),
      result,
      async (primary) => {
        await pause(Math.max(0, began + turn * BEAT_MS - Date.now()));
        if (turn % 100 === 0) await refresh().catch(() => undefined);
        const pool = [primary, ...replicas.values()];
        const wanted = Array.from(
          { length: 50 },
          () => rows[Math.floor(Math.random() * rows.length)]!.id,
        );
        await pool[turn++ % pool.length]!.query(
          `SELECT sum(length(payload)) FROM ${table} WHERE id = ANY ($1::bigint[])`,
          [wanted],
        );
      },
      0,
    ),
  );
}

/** Index entries a second that lookups read on the primary, while the load runs. */
async function readRate({ client, table }: Stage, seconds: number): Promise<number> {
  const read = async (): Promise<number> => {
    const { rows } = await client.query<{ n: string }>(
      "SELECT coalesce(sum(idx_tup_read), 0)::text AS n FROM pg_stat_user_indexes WHERE " +
        "relid = $1::regclass",
      [partition(table, HOT)],
    );
    return Number(rows[0]!.n);
  };
  const [before, began] = [await read(), Date.now()];
  await pause(seconds * 1000);
  return ((await read()) - before) / ((Date.now() - began) / 1000);
}

/**
 * More reads of one partition than the primary and one replica shall take; real replicas are made
 * by an actuator.
 */
export const hotspotReads: Drill = {
  name: "hotspot-reads",
  fault: "reads of one partition, as many as are judged too many for the primary with one replica",
  problem_class: "hotspot_congestion",
  strategy: "scale_replicas",
  replicas: 1,
  // Rows that may not be moved: otherwise what was learned of rebalance_partitions in earlier
  // drills would decide.
  options: { movable: false },
  settings: {
    scale_workload: WORKLOAD,
    // Where rows stay, load is by design and not judged unless this asks for it.
    judge_partition_load: true,
    // It is the one of least impact, if nobody has to be asked.
    require_approval_strategies: [],
    // The load is smoothed over a minute (traffic_window_seconds): what replicas take off shows
    // after that.
    stabilize_seconds: 60,
  },
  unavailable: async ({ server }) =>
    server.replicas.length > 0
      ? null
      : "replicas are made of throwaway servers in a folder only (not with Docker, not with " +
        "DATABASE_URL)",
  prepare: async (stage) => {
    const { client, table } = stage;
    await makeTable(client, table, { rows: Array.from({ length: 8 }, () => ROWS) });
    await client.query(`CREATE INDEX ON ${table} (id)`);
    stage.background(await startReplicaActuator(stage));
  },
  inject: async (stage) => {
    const { client, table } = stage;
    await startReaders(stage);
    await pause(2000);
    const rate = await readRate(stage, 8);
    // A server's reads are judged from half of min_reads_per_second on: one of two takes 0.65 of
    // that, one of three 0.43.
    await client.query("SELECT ruvector_healing_configure($1, $2)", [
      JSON.stringify({ min_reads_per_second: Math.floor(rate / 0.65) }),
      table,
    ]);
  },
};
