/**
 * Rows per second of rebalance_partitions against a bare UPDATE of the partition key of the same
 * rows, in the same run on two copies of one table. node build/run.mjs bench/rebalance.ts [rows]
 * The bare UPDATE is one statement in one transaction without journal, checks or bounded batches:
 * the lower bound.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { build } from "../build/build.ts";
import { root } from "../build/project.ts";
import { startServer } from "../src/workbench/db/server.ts";

const rows = Number(process.argv[2] ?? 60_000);
const DATABASE = "ruvector_bench_rebalance";

const makeTable = (table: string): string => `
  CREATE TABLE ${table} (id bigint NOT NULL, partition_id int NOT NULL, embedding vector(64),
    PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
  DO $do$ BEGIN FOR i IN 0..7 LOOP
    EXECUTE format('CREATE TABLE ${table}_p%s PARTITION OF ${table} FOR VALUES IN (%s)', i,
    i); END LOOP; END $do$;
  INSERT INTO ${table}
    SELECT g, CASE WHEN g % 10 < 6 THEN 3 ELSE (ARRAY[0,1,2,4,5,6,7])[1 + g % 7] END,
    (SELECT array_agg(random()) FROM generate_series(1, 64) WHERE g > 0)::vector
      FROM generate_series(1, ${rows}) g;
  CREATE INDEX ON ${table} USING ivfflat (embedding vector_l2_ops) WITH (lists = 30);
  ANALYZE ${table};`;

const server = await startServer({ name: "test", log: (line) => console.error(line) });
await build();
const admin = new pg.Client({ connectionString: server.url("postgres") });
await admin.connect();
await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
await admin.query(`CREATE DATABASE ${DATABASE}`);
const client = new pg.Client({ connectionString: server.url(DATABASE) });
await client.connect();
await client.query("CREATE EXTENSION pljs; CREATE EXTENSION vector;");
await client.query(
  `BEGIN; ${await readFile(join(root, "dist/ruvector_healing.pljs.sql"), "utf8")}; COMMIT;`,
);
await client.query(makeTable("healed"));
await client.query(makeTable("bare"));
await client.query("SELECT ruvector_healing_register('healed', '{\"movable\": true}')");
await client.query(
  `SELECT ruvector_healing_configure('{"slice_seconds": 60, "stabilize_seconds": 0, ` +
    `"target_lambda": 1, "settle_seconds": 0, "settle_samples": 0}')`,
);

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const began = process.hrtime.bigint();
  const result = await work();
  return { result, seconds: Number(process.hrtime.bigint() - began) / 1e9 };
}

// Planned first; the batches themselves are then one CALL, each batch a transaction as under
// pg_cron.
const dry = await client.query(
  "SELECT ruvector_healing_execute('healed', 'rebalance_partitions', '{\"dry_run\": true}') AS d",
);
const moves = (
  dry.rows[0].d as { plan: { moves: { from_keys: string[]; to_key: string; rows: number }[] } }
).plan.moves;
await client.query("SELECT ruvector_healing_configure('{\"slice_seconds\": 0.01}')");
await client.query("SELECT ruvector_healing_execute('healed', 'rebalance_partitions')");
await client.query("SELECT ruvector_healing_configure('{\"slice_seconds\": 60}')");
const started = Number(
  (await client.query("SELECT sum(rows) AS n FROM ruvector.healing_steps")).rows[0].n,
);
const healed = await timed(() => client.query("CALL ruvector_healing_tick()"));
const moved =
  Number((await client.query("SELECT sum(rows) AS n FROM ruvector.healing_steps")).rows[0].n) -
  started;

const bare = await timed(async () => {
  let done = 0;
  for (const { from_keys, to_key, rows: wanted } of moves) {
    const { rowCount } = await client.query(
      `UPDATE bare t SET partition_id = $2 FROM (SELECT id FROM bare WHERE partition_id = $1
        ORDER BY id LIMIT $3) p
        WHERE t.partition_id = $1 AND t.id = p.id`,
      [from_keys[0], to_key, wanted],
    );
    done += rowCount ?? 0;
  }
  return done;
});
const undone = await timed(() => client.query("SELECT ruvector_healing_rollback('healed')"));

const rate = { healed: moved / healed.seconds, bare: bare.result / bare.seconds };
console.log(
  JSON.stringify(
    {
      rows,
      moved,
      healed_rows_per_second: Math.round(rate.healed),
      bare_rows_per_second: Math.round(rate.bare),
      ratio_to_bare_update: Number((rate.healed / rate.bare).toFixed(2)),
      rollback_seconds: Number(undone.seconds.toFixed(2)),
    },
    null,
    1,
  ),
);
await client.end();
await admin.query(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
await admin.end();
