/**
 * The loop's part of a day: some turns, between which all times that it has stored grow older.
 * While an action is at work the clock stays: its jobs by pg_cron begin at full minutes of the real
 * one.
 */
import type pg from "pg";
import { advance } from "../../test/shapes/clock.ts";
import { pause } from "../../src/workbench/load.ts";

const DAY = 86_400;
/** Real seconds that an action may take before the day goes on without it. */
const PATIENCE = 600;

export interface Action {
  readonly id: string;
  readonly day: number;
  readonly table: string;
  readonly strategy: string;
  readonly state: string;
  readonly message: string | null;
  readonly lambda_before: number | null;
  readonly lambda_predicted: number | null;
  readonly lambda_after: number | null;
}

const ACTIVE = "('planned', 'executing', 'stabilizing', 'rolling_back')";

const active = async (client: pg.Client): Promise<boolean> => {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ruvector_healing_history(since := '2000-01-01', limit_ := 1000)
      WHERE state IN ${ACTIVE}`,
  );
  return rows[0]!.n > 0;
};

export async function turns(client: pg.Client, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await client.query("SELECT pg_stat_force_next_flush()");
    await client.query("CALL ruvector_healing_tick()");
    const began = Date.now();
    while ((await active(client)) && Date.now() - began < 1000 * PATIENCE) {
      await pause(2000);
      await client.query("CALL ruvector_healing_tick()");
    }
    await advance(client, DAY / count);
  }
}

/** Actions that were not there before. */
export async function actions(
  client: pg.Client,
  known: ReadonlySet<string>,
  day: number,
): Promise<Action[]> {
  const { rows } = await client.query<Omit<Action, "day">>(
    `SELECT action_id::text AS id, collection AS table, strategy, state, message,
       initial_lambda AS lambda_before, predicted_lambda AS lambda_predicted,
       final_lambda AS lambda_after
       FROM ruvector_healing_history(since := '2000-01-01', limit_ := 1000)
      WHERE state NOT IN ${ACTIVE} ORDER BY action_id`,
  );
  return rows.filter(({ id }) => !known.has(id)).map((row) => ({ ...row, day }));
}

/** Builds that pg_cron ran for the loop on each table, and their seconds. */
export async function buildsOf(client: pg.Client, schema: string) {
  const { rows } = await client.query<{ method: string; builds: number; seconds: number }>(
    `SELECT CASE WHEN command ~ 'ivfflat' THEN 'ivfflat' ELSE 'hnsw' END AS method,
       count(*)::int AS builds,
       coalesce(sum(extract(epoch FROM end_time - start_time)), 0)::float8 AS seconds
       FROM cron.job_run_details
      WHERE command ~ '(CREATE INDEX|REINDEX)' AND position($1 IN command) > 0 GROUP BY 1`,
    [schema],
  );
  return rows;
}
