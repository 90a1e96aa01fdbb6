/**
 * Where the time from a fault to its verified heal went, by the server's clock: what has to be (a
 * state is confirmed by samples in a row, a change stands for a while before it is judged, and the
 * strategy takes its time), and what is beyond that.
 */
import type { Stage } from "./drill.ts";
import { HEALTH_AT_STRESS } from "../../graph/health.ts";

export interface Parts {
  /** Seconds from the fault to the first sample that shows it. */
  readonly sensed: number;
  /** From that sample to the action that was verified: samples in a row, and what failed before. */
  readonly confirmed: number;
  /** From there to its last change. */
  readonly acted: number;
  /** From there until it was verified. */
  readonly stabilized: number;
  /**
   * Ticks of all that beyond the action's own time, the samples in a row that its state asks for,
   * and the time that its change had to stand. Two at most is the target: the fault waits for its
   * first sample, and the end of the wait for its tick.
   */
  readonly ticks_beyond: number;
}

/** Of the drill's first verified action; null: none was, or its samples were thinned out. */
export async function partsOf(
  { client, table }: Stage,
  action: string,
  faultAt: string,
): Promise<Parts | null> {
  const { rows } = await client.query<Parts>(
    `
    SELECT s.sensed, s.confirmed, s.acted, s.stabilized,
           round(((s.sensed + s.confirmed + s.stabilized - s.stands - s.in_a_row * s.tick) / s.tick)
             ::numeric, 1)::float8 AS ticks_beyond
      FROM (SELECT extract(epoch FROM m.at - $3::timestamptz)::float8 AS sensed,
                   extract(epoch FROM a.created_at - m.at)::float8 AS confirmed,
                   extract(epoch FROM e.at - a.created_at)::float8 AS acted,
                   extract(epoch FROM a.finished_at - e.at)::float8 AS stabilized,
                   extract(epoch FROM a.stabilize_until - e.at)::float8 AS stands,
                   (o.settings ->> CASE a.initial_state WHEN 2 THEN 'critical_samples'
                     ELSE 'stress_samples' END)::float8 - 1 AS in_a_row,
                   greatest(l.interval_seconds,
                     (o.settings ->> 'min_sample_interval_seconds')::float8) AS tick
              FROM ruvector.healing_actions a
              JOIN LATERAL (SELECT min(x.at) AS at FROM ruvector.healing_events x
                     WHERE x.action_id = a.id AND x.kind = 'action_stabilizing') e ON true
              JOIN LATERAL (SELECT min(x.sampled_at) AS at FROM ruvector.integrity_samples x
                     WHERE x.collection_id = a.collection_id AND x.sampled_at >= $3::timestamptz
                       AND x.lambda < $4) m ON true
              CROSS JOIN LATERAL (SELECT ruvector.healing_settings(a.collection_id) AS settings) o
              CROSS JOIN ruvector.healing_loop() l
             WHERE a.id = $2::bigint AND a.collection = $1) s
     WHERE s.stabilized IS NOT NULL AND s.sensed IS NOT NULL`,
    [table, action, faultAt, HEALTH_AT_STRESS],
  );
  return rows[0] ?? null;
}
