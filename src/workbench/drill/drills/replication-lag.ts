import { slowLink } from "../../db/slow-link.ts";
import { type Failures, loop, pause } from "../../load.ts";
import type { Drill, Stage } from "../drill.ts";
import { DIMENSIONS, makeTable } from "../table.ts";

/**
 * Share of the writers' WAL that the link lets through: the replica falls back by 0.2 s every
 * second. In stress a throttle leaves 40 % of what bulk inserts write; with a link of 60 % (tried)
 * the replica did not come nearer by a tenth within a minute.
 */
const LINK_SHARE = 0.8;

/** Rows of one insert: more than one, as an import has, which a throttle holds back most. */
const ROWS = 20;

async function startWriters(stage: Stage): Promise<void> {
  const result: Failures = { errors: {} };
  let next = 1_000_000;
  for (let writer = 0; writer < 2; writer++) {
    stage.background(
      await loop(
        stage.server.url(),
        result,
        async (client) => {
          const first = next;
          next += ROWS;
          // A payload that does not compress: what is written is what goes over the link.
          await client.query(
            `
        INSERT INTO ${stage.table} (id, partition_id, tenant_id, seen_at, payload, embedding)
        SELECT g, g % 4, 'writer', now(), (SELECT string_agg(md5(random()::text), '')
          FROM generate_series(1, 32) WHERE g > 0),
               array_fill(0.5::real, ARRAY[${DIMENSIONS}])::vector
          FROM generate_series($1::bigint, $2::bigint) g`,
            [first, first + ROWS - 1],
          );
        },
        100,
      ),
    );
  }
}

/** Bytes of WAL a second, while the load runs. */
async function walRate({ client }: Stage, seconds: number): Promise<number> {
  const position = async () =>
    Number(
      (await client.query<{ bytes: string }>("SELECT pg_current_wal_lsn() - '0/0' AS bytes"))
        .rows[0]!.bytes,
    );
  const [before, began] = [await position(), Date.now()];
  await pause(seconds * 1000);
  return ((await position()) - before) / ((Date.now() - began) / 1000);
}

/** A replica behind a link that no longer carries what the writers write. */
export const replicationLag: Drill = {
  name: "replication-lag",
  fault: "the link to a replica carries 80 % of what writers write",
  problem_class: "replication_lag",
  strategy: "throttle_ingestion",
  replicas: 1,
  // Long enough for a replica that is 15 s behind to come nearer by a tenth of lambda.
  settings: { stabilize_seconds: 45 },
  unavailable: async ({ server }) =>
    server.replicas.length > 0
      ? null
      : "replicas are made of throwaway servers in a folder only (not with Docker, not with " +
        "DATABASE_URL)",
  prepare: ({ client, table }) => makeTable(client, table, { rows: [1000, 1000, 1000, 1000] }),
  inject: async (stage) => {
    const [replica] = stage.server.replicas;
    const link = await slowLink(Number(new URL(stage.server.url()).port));
    stage.atEnd(() => link.close());
    stage.atEnd(() => replica!.follow());
    await replica!.follow(link.port);
    // A timed checkpoint in the middle would have whole pages written again, more than the link
    // carries in a minute.
    await stage.client.query("CHECKPOINT");
    await startWriters(stage);
    // The first seconds write whole pages and make the pace; what follows is the rate that lasts.
    await pause(5000);
    link.limit(LINK_SHARE * (await walRate(stage, 5)));
  },
};
