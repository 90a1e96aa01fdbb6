/** A long history, as years of life leave it, within a minute: for benchmarks and tests. */
import type pg from "pg";

/** Rows of each kind for one action: what a rebalance of some batches writes. */
const STEPS = 3;
const EVENTS = 6;

/** Between two actions. */
const APART_MINUTES = 10;

/** Columns of a table but some, as a list. */
async function columnsOf(
  client: pg.Client,
  table: string,
  but: readonly string[],
): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL ($2)`,
    [table, but],
  );
  return rows[0]!.columns;
}

interface Copies {
  /** Columns that are not copied, as SQL of the copy's number n. */
  readonly own?: Readonly<Record<string, string>>;
  /** Columns that say when. */
  readonly at: readonly string[];
  /** Rows for one action. */
  readonly times?: number;
}

const TABLES: Readonly<Record<string, Copies>> = {
  healing_actions: { at: ["created_at", "started_at", "finished_at", "updated_at"] },
  healing_steps: { own: { action_id: "n" }, at: ["executed_at"], times: STEPS },
  healing_outcomes: { own: { action_id: "n" }, at: ["started_at", "completed_at", "created_at"] },
  healing_events: {
    own: { action_id: "n", seq: "NULL", content_hash: "NULL", hash: "NULL" },
    at: ["at"],
    times: EVENTS,
  },
  integrity_samples: { at: ["sampled_at"] },
};

/**
 * Copies the first row of each table of the history for actions `from` to `to`, ten minutes between
 * two of them, the last one now; chains the events and analyzes. Ids have to be free: of one action
 * that there is, from 2.
 */
export async function growHistory(client: pg.Client, from: number, to: number): Promise<void> {
  for (const [name, { own = {}, at, times = 1 }] of Object.entries(TABLES)) {
    const table = `ruvector.${name}`;
    const columns = await columnsOf(client, table, ["id", ...Object.keys(own), ...at]);
    const moment = `clock_timestamp() - make_interval(mins => ${APART_MINUTES} * ($2 - n))`;
    await client.query(
      `INSERT INTO ${table} (${[...Object.keys(own), ...at, columns].join(", ")})
       SELECT ${[...Object.values(own), ...at.map(() => moment), columns].join(", ")}
         FROM (SELECT * FROM ${table} ORDER BY id LIMIT 1) o
        CROSS JOIN generate_series($1::int, $2::int) n CROSS JOIN generate_series(1, ${times})`,
      [from, to],
    );
  }
  for (let chained = 1; chained > 0;) {
    const { rows } = await client.query("SELECT ruvector.healing_audit_chain() AS chained");
    chained = rows[0].chained;
  }
  await client.query("VACUUM ANALYZE");
}
