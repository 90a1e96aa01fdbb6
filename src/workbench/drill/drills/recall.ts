import type pg from "pg";
import { pause } from "../../load.ts";
import type { Drill } from "../drill.ts";
import { DIMENSIONS, makePlainTable, vectorAround } from "../table.ts";

const ROWS = 1500;
const CENTRES = 400;
const TENANT = "tenant-1";
/** The default goes by a measurement for five minutes. */
const OFTEN = { recall_interval_seconds: 5 };

/**
 * Every row embedded anew again and again, and nobody vacuums: most of what a search comes by in
 * the graph is dead.
 */
export const recallHnsw: Drill = {
  name: "recall-hnsw",
  fault: "all rows of a table with an hnsw index are embedded anew five times, without a vacuum",
  problem_class: "recall_loss",
  // A vacuum would leave an index that is three quarters room.
  strategy: "rebuild_index",
  // Searches may not cost more: a deeper one would do for a while.
  settings: { ...OFTEN, search_cost_ratio: 1.2 },
  async prepare({ client, table }) {
    await makePlainTable(client, table, {
      rows: ROWS,
      centres: CENTRES,
      index: "USING hnsw (embedding vector_l2_ops)",
    });
    await client.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  },
  async inject({ client, table }) {
    // At once: the loop is to meet the whole of it, not the first round.
    await client.query("BEGIN");
    for (let round = 0; round < 5; round++)
      await client.query(
        `UPDATE ${table} SET embedding = n.e
           FROM (SELECT g, ${vectorAround(`(g % ${CENTRES} + ${round})`)} AS e
                   FROM generate_series(1, ${ROWS}) g) n WHERE id = n.g`,
      );
    await client.query("COMMIT");
    // The dead rows are reported before the loop looks, as between statements seconds apart.
    await client.query("SELECT pg_stat_force_next_flush()");
  },
};

/** The index was made when the table was: its lists divide nothing. */
export const recallIvfEmpty: Drill = {
  name: "recall-ivf-empty",
  fault: "an ivfflat index was made on an empty table, then the rows came",
  problem_class: "recall_loss",
  strategy: "rebuild_index",
  // Lists of no rows are uneven as well, and that would be called centroid_skew.
  settings: { ...OFTEN, min_rows_for_list: 1_000_000 },
  prepare: ({ client, table }) =>
    makePlainTable(client, table, {
      rows: 0,
      index: "USING ivfflat (embedding vector_l2_ops) WITH (lists = 60)",
    }),
  async inject({ client, table }) {
    // Clusters that overlap: in tight ones whatever lists find all, those of no rows too.
    await client.query(`
      INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding)
      SELECT g, 0, 'tenant', now(), md5(g::text), (SELECT array_agg((sin((g % 200 + 1) * d * 0.7)
          + 1.2 * (random() + random() + random() - 1.5))::real)
          FROM generate_series(1, ${DIMENSIONS}) d WHERE g > 0)::vector
        FROM generate_series(1, 9000) g`);
    await client.query(`ANALYZE ${table}`);
  },
};

/** One tenant of fifty: of the rows that a search comes by in the graph, hardly one is theirs. */
export const recallFilter: Drill = {
  name: "recall-filter",
  fault: "a table of one tenant gets 49 others: searches WHERE tenant_id = ... return too few rows",
  problem_class: "recall_loss",
  strategy: "tune_search",
  settings: OFTEN,
  options: { searches: [{ where: { tenant_id: TENANT }, k: 10 }] },
  async prepare({ client, table }) {
    const index = "USING hnsw (embedding vector_l2_ops)";
    await makePlainTable(client, table, { rows: 0, index });
    await addTenants(client, table, 1, 1);
  },
  async inject({ client, table }) {
    // One after the other, as they come: in one transaction, rows that nobody sees yet would take
    // the places of those that searches find, with a filter or without.
    for (let tenant = 2; tenant <= TENANTS; tenant++)
      await addTenants(client, table, tenant, tenant);
    await client.query(`ANALYZE ${table}`);
  },
};

const ROWS_EACH = 200;
const TENANTS = 50;

/** Rows of all tenants lie round the same centres. */
const addTenants = (client: pg.Client, table: string, first: number, last: number) =>
  client.query(`
    INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding)
    SELECT g, 0, 'tenant-' || (g - 1) / ${ROWS_EACH} + 1, now(), md5(g::text),
      ${vectorAround(`(g % ${CENTRES})`)}
      FROM generate_series(${(first - 1) * ROWS_EACH + 1}, ${last * ROWS_EACH}) g`);

/** A build that was cancelled leaves an index that every write keeps and no search uses. */
export const invalidIndex: Drill = {
  name: "invalid-index",
  fault: "CREATE INDEX CONCURRENTLY was cancelled: an INVALID hnsw index is left",
  problem_class: "recall_loss",
  strategy: "rebuild_index",
  settings: { repair_invalid_indexes: true },
  prepare: ({ client, table }) => makePlainTable(client, table, { rows: ROWS, centres: CENTRES }),
  async inject({ client, table, connect }) {
    const building = await connect();
    const { rows } = await building.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const ended = building
      .query(`CREATE INDEX CONCURRENTLY ON ${table} USING hnsw (embedding vector_l2_ops)`)
      .then(
        () => "built",
        () => "cancelled",
      );
    for (;;) {
      const { rowCount } = await client.query(
        `SELECT FROM pg_index WHERE indrelid = $1::regclass AND NOT indisvalid`,
        [table],
      );
      if (rowCount) break;
      await pause(5);
    }
    await client.query("SELECT pg_cancel_backend($1)", [rows[0]!.pid]);
    if ((await ended) === "built") throw new Error("the build was over before it was cancelled");
  },
};
