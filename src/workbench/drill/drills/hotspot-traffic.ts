import { type Failures, loop } from "../../load.ts";
import type { Drill, Stage } from "../drill.ts";
import { DIMENSIONS, makeTable, partition } from "../table.ts";

const PARTITIONS = 8;
const ROWS = 2000;
/** The newest rows of the hot partition: what everybody looks at. */
const HOT_ROWS = 300;

/**
 * Reads by id, wherever the row lies: 80 % of them of the hot rows, the rest of all rows. It
 * follows the rows when they move, as an application does that looks rows up by id.
 */
export async function startLookups({ server, client, table }: Stage, hotPartition: number) {
  const hot = await client.query<{ id: string }>(
    `SELECT id::text FROM ${partition(table, hotPartition)} ORDER BY seen_at DESC LIMIT ` +
      `${HOT_ROWS}`,
  );
  const all = await client.query<{ id: string }>(`SELECT id::text FROM ${table}`);
  const ids = { hot: hot.rows.map(({ id }) => id), all: all.rows.map(({ id }) => id) };
  const pick = (from: readonly string[]): string => from[Math.floor(Math.random() * from.length)]!;
  const result: Failures = { errors: {} };
  return loop(
    server.url(),
    result,
    async (other) => {
      const wanted = Array.from({ length: 50 }, () =>
        pick(Math.random() < 0.8 ? ids.hot : ids.all),
      );
      await other.query(`SELECT sum(length(payload)) FROM ${table} WHERE id = ANY ($1::bigint[])`, [
        wanted,
      ]);
    },
    20,
  );
}

/** Equal rows; a campaign makes the newest rows of one partition the ones that everybody reads. */
export const hotspotTraffic: Drill = {
  name: "hotspot-traffic",
  fault: "equal rows, one of eight partitions takes over 80 % of the reads",
  problem_class: "hotspot_congestion",
  strategy: "rebalance_partitions",
  options: { access_column: "seen_at" },
  prepare: async ({ client, table }) => {
    await makeTable(client, table, { rows: Array.from({ length: PARTITIONS }, () => ROWS) });
    await client.query(`CREATE INDEX ON ${table} (id)`);
  },
  inject: async (stage) => stage.background(await startLookups(stage, 3)),
};

/** A few partitions of equal rows, one of which gets rows that are much wider than the others'. */
export const hotspotBytes: Drill = {
  name: "hotspot-bytes",
  fault: "equal rows, one of eight partitions holds ten times the bytes of each other",
  problem_class: "hotspot_congestion",
  strategy: "rebalance_partitions",
  prepare: ({ client, table }) =>
    makeTable(client, table, { rows: Array.from({ length: PARTITIONS }, () => ROWS) }),
  inject: async ({ client, table }) => {
    // Random text, so that TOAST cannot compress the difference away.
    await client.query(`
      UPDATE ${partition(table, 3)} SET payload = (SELECT string_agg(md5(random()::text || g), '')
        FROM generate_series(1, 120) g WHERE id > 0)`);
    await client.query(`VACUUM (ANALYZE) ${partition(table, 3)}`);
  },
};

/**
 * The same fault as hotspot-rows; the partition is emptied and closed, which the loop does not do
 * unasked.
 */
export const hotspotDrain: Drill = {
  name: "hotspot-drain",
  fault: "one of eight partitions gets 60 % of the rows and is to be emptied",
  problem_class: "hotspot_congestion",
  strategy: "drain_hot_partition",
  asked_for: {},
  prepare: ({ client, table }) =>
    makeTable(client, table, { rows: Array.from({ length: PARTITIONS }, () => ROWS) }),
  inject: async ({ client, table }) => {
    await client.query(`
      INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding)
      SELECT g, 3, 'bulk', now(), md5(g::text), array_fill(random()::real,
        ARRAY[${DIMENSIONS}])::vector FROM generate_series(100001, 119000) g`);
  },
};
