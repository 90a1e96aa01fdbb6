import { slowLink } from "../../db/slow-link.ts";
import { type Failures, loop, pause } from "../../load.ts";
import type { Drill, Stage } from "../drill.ts";
import { DIMENSIONS, makeTable } from "../table.ts";

/** Share of the writers' WAL that the link lets through: the replica falls back by 0.4 s every second. */
const LINK_SHARE = 0.6;

async function startWriters(stage: Stage): Promise<void> {
  const result: Failures = { errors: {} };
  let next = 1_000_000;
  for (let writer = 0; writer < 2; writer++) {
    stage.background(await loop(stage.server.url(), result, async (client) => {
      const id = next++;
      await client.query(`
        INSERT INTO ${stage.table} (id, partition_id, tenant_id, seen_at, payload, embedding)
        VALUES ($1, $1 % 4, 'writer', now(), repeat('x', 200), array_fill(0.5::real, ARRAY[${DIMENSIONS}])::vector)`, [id]);
    }, 0));
  }
}

/** Bytes of WAL a second, while the load runs. */
async function walRate({ client }: Stage, seconds: number): Promise<number> {
  const position = async () => Number((await client.query<{ bytes: string }>("SELECT pg_current_wal_lsn() - '0/0' AS bytes")).rows[0]!.bytes);
  const before = await position();
  await pause(seconds * 1000);
  return ((await position()) - before) / seconds;
}

/** A replica behind a link that no longer carries what the writers write. */
export const replicationLag: Drill = {
  name: "replication-lag",
  fault: "the link to a replica carries 60 % of what writers write",
  problem_class: "replication_lag",
  strategy: "throttle_ingestion",
  replicas: 1,
  // Long enough for a replica that is 10 s behind to come nearer by a tenth of lambda.
  settings: { stabilize_seconds: 30 },
  unavailable: async ({ server }) => (server.replicas.length > 0 ? null : "replicas are made of throwaway servers in a folder only (not with Docker, not with DATABASE_URL)"),
  prepare: ({ client, table }) => makeTable(client, table, { rows: [500, 500, 500, 500] }),
  inject: async (stage) => {
    const [replica] = stage.server.replicas;
    const link = await slowLink(Number(new URL(stage.server.url()).port));
    stage.atEnd(() => link.close());
    stage.atEnd(() => replica!.follow());
    await replica!.follow(link.port);
    await startWriters(stage);
    link.limit(LINK_SHARE * (await walRate(stage, 5)));
  },
};
