import { type Failures, loop } from "../../load.ts";
import type { Drill } from "../drill.ts";
import { DIMENSIONS, makeTable } from "../table.ts";

const JOB = "ruvector drill: nightly report";

/**
 * A job of low priority comes round every few seconds and locks writers out for most of them. Every
 * seven: at five, as the ticks, it can fall into step with them. Started in the same second, each
 * tick looked 20 ms before the lock was taken, and lambda stayed at 0.85.
 */
export const contention: Drill = {
  name: "contention",
  fault: "a scheduled report locks the table against writers, over and over",
  problem_class: "maintenance_contention",
  strategy: "pause_maintenance",
  prepare: ({ client, table }) => makeTable(client, table, { rows: [1000, 1000, 1000, 1000] }),
  inject: async (stage) => {
    const { client, table, server } = stage;
    stage.atEnd(() =>
      client.query("SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = $1", [JOB]),
    );
    await client.query("SELECT cron.schedule($1, '7 seconds', $2)", [
      JOB,
      `BEGIN; LOCK TABLE ${table} IN SHARE MODE; SELECT count(*) FROM ${table}; SELECT ` +
        "pg_sleep(6); COMMIT",
    ]);
    const result: Failures = { errors: {} };
    let next = 1_000_000;
    for (let writer = 0; writer < 2; writer++) {
      stage.background(
        await loop(
          server.url(),
          result,
          async (other) => {
            const id = next++;
            await other.query(
              `
          INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding)
          VALUES ($1::bigint, $1::bigint % 4, 'writer', now(), 'x', array_fill(0.5::real,
            ARRAY[${DIMENSIONS}])::vector)`,
              [id],
            );
          },
          50,
        ),
      );
    }
  },
};
