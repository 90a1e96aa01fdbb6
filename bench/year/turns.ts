/**
 * The loop's part of a day: some turns, between which all times that it has stored grow older.
 * While an action is at work the clock stays: its jobs by pg_cron begin at full minutes of the real
 * one.
 */
import type pg from "pg";
import { foreseenBy } from "./remedies.ts";
import { advance } from "../../test/shapes/clock.ts";
import { pause } from "../../src/workbench/load.ts";

const DAY = 86_400;
/** Real seconds that an action may take before the day goes on without it. */
const PATIENCE = 600;

export interface Found {
  readonly recall: number | null;
  readonly blocks: number | null;
}

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
  /** What its plan said of searches; null: nothing. */
  readonly foreseen: Partial<Found> | null;
  /** What the loop measured last, of the index when the action was over. */
  readonly came: Found | null;
}

const ACTIVE = "('planned', 'executing', 'stabilizing', 'rolling_back')";

/** Whether any action is at work. */
export const active = async (client: pg.Client): Promise<boolean> => {
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
  const { rows } = await client.query<
    Omit<Action, "day" | "foreseen"> & { plan: Parameters<typeof foreseenBy>[0] | null }
  >(
    `SELECT h.action_id::text AS id, h.collection AS table, h.strategy, h.state, h.message,
       h.initial_lambda AS lambda_before, h.predicted_lambda AS lambda_predicted,
       h.final_lambda AS lambda_after, a.plan,
       (SELECT jsonb_build_object('recall', i.kept #> '{measured,recall}',
                 'blocks', i.kept #> '{measured,search_blocks}')
          FROM ruvector.integrity_measurements m
         CROSS JOIN LATERAL jsonb_each(m.value) i (name, kept)
         WHERE m.collection_id = a.collection_id AND m.kind = 'centroids' LIMIT 1) AS came
       FROM ruvector_healing_history(since := '2000-01-01', limit_ := 1000) h
       JOIN ruvector.healing_actions a ON a.id = h.action_id
      WHERE h.state NOT IN ${ACTIVE} ORDER BY h.action_id`,
  );
  return rows
    .filter(({ id }) => !known.has(id))
    .map(({ plan, ...row }) => ({ ...row, day, foreseen: plan && foreseenBy(plan) }));
}

/** What pg_cron ran for the loop. */
export interface Job {
  readonly id: string;
  readonly table: string;
  readonly command: string;
  readonly state: string;
  readonly seconds: number;
}

/** Jobs that have ended since the one of that number. */
export async function jobsAfter(client: pg.Client, last: string): Promise<Job[]> {
  const { rows } = await client.query<Job>(
    `SELECT j.id::text, format('%s.%s', c.schema_name, c.table_name) AS table, j.command, j.state,
       coalesce(extract(epoch FROM j.ended_at - j.started_at), 0)::float8 AS seconds
       FROM ruvector.healing_jobs j JOIN ruvector.collections c USING (collection_id)
      WHERE j.id > $1::bigint AND j.state NOT IN ('scheduled', 'running') ORDER BY j.id`,
    [last],
  );
  return rows;
}
