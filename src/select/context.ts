/** Reads what the guards and the selection look at. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import type { Sample } from "../sense/sample.ts";
import { ATTEMPT_WINDOW_SECONDS, type BreakerFacts, type GuardContext, type GuardMode, INEFFECTIVE_WINDOW_SECONDS } from "./guards/index.ts";
import { windowNow } from "./window.ts";

type Facts = Pick<GuardContext, "now" | "registered_at" | "samples" | "standby" | "active" | "active_total" | "last_attempt" | "attempts" | "outcomes">;

export function guardContext(
  host: Host,
  collection: Collection,
  mode: GuardMode,
  sample: Sample,
  problem: Problem,
  strategy: GuardContext["strategy"],
): GuardContext & { readonly planned: null } {
  const facts = host.one<Facts>(sql`
    WITH own AS (
      SELECT * FROM ruvector.healing_actions WHERE collection_id = ${collection.id}::int
    )
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now, pg_is_in_recovery() AS standby,
           (SELECT extract(epoch FROM registered_at)::float8 FROM ruvector.collections
             WHERE collection_id = ${collection.id}::int) AS registered_at,
           -- Before the state's record counted them, kept samples are all that says how many there were.
           coalesce((SELECT (s.hysteresis ->> 'samples')::float8 FROM ruvector.integrity_state s WHERE s.collection_id = ${collection.id}::int),
                    (SELECT count(*) FROM ruvector.integrity_samples m WHERE m.collection_id = ${collection.id}::int), 0)::float8 AS samples,
           (SELECT json_build_object('id', id::text, 'strategy', strategy_name) FROM own
             WHERE state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')) AS active,
           (SELECT count(*)::int FROM ruvector.healing_actions
             WHERE state IN ('planned', 'executing', 'stabilizing', 'rolling_back')) AS active_total,
           (SELECT json_build_object('started_at', extract(epoch FROM began), 'ended_at', extract(epoch FROM finished_at))
              -- A human who said no is not asked again at once either.
              FROM (SELECT coalesce(started_at, rejected_at) AS began, finished_at FROM own) o
             WHERE began IS NOT NULL ORDER BY began DESC LIMIT 1) AS last_attempt,
           coalesce((SELECT json_agg(extract(epoch FROM started_at)) FROM own
             WHERE started_at > clock_timestamp() - make_interval(secs => ${ATTEMPT_WINDOW_SECONDS}::float8)), '[]') AS attempts,
           coalesce((SELECT json_agg(json_build_object('at', extract(epoch FROM completed_at), 'problem_class', problem_class, 'verified', verified))
              FROM ruvector.healing_outcomes
             WHERE collection_id = ${collection.id}::int
               AND completed_at > clock_timestamp() - make_interval(secs => ${INEFFECTIVE_WINDOW_SECONDS}::float8)), '[]') AS outcomes`);
  const window = windowNow(host, collection);
  return {
    ...facts,
    mode,
    collection: collection.name,
    breaker: breakerFacts(host),
    settings: collection.settings,
    in_window: window && window.open,
    window,
    lambda: sample.reading.lambda,
    weak_edges: problem.evidence.weak_edges,
    problem_class: problem.details.class,
    strategy,
    planned: null,
    max_active_total: collection.settings.max_active_actions,
  };
}

/** null: its row is gone, which no guard takes for a closed breaker. */
export const breakerFacts = (host: Host): BreakerFacts | null =>
  host.query<BreakerFacts>(sql`
    SELECT b.state, b.reason, extract(epoch FROM b.open_until)::float8 AS open_until, b.probe_action_id::text AS probe, f.failures,
           (ruvector.healing_settings(0) ->> 'breaker_failures')::int AS opens_at
      FROM ruvector.healing_breaker b CROSS JOIN ruvector.healing_failures() f`)[0] ?? null;

/** Learned weights: those of the problem's class where there are any, else the strategy's overall one. */
export function learnedWeights(host: Host, problemClass: string): Record<string, number> {
  const rows = host.query<{ name: string; weight: number }>(sql`
    SELECT DISTINCT ON (strategy_name) strategy_name AS name, weight FROM ruvector.healing_weights
     WHERE problem_class IN (${problemClass}, '*')
     ORDER BY strategy_name, problem_class = '*'`);
  return Object.fromEntries(rows.map(({ name, weight }) => [name, weight]));
}

/** Seconds since a human last said no to each strategy for a class on a collection. */
export function recentRejections(host: Host, collectionId: number, problemClass: string): Record<string, number> {
  const rows = host.query<{ name: string; seconds: number }>(sql`
    SELECT strategy_name AS name, min(greatest(0, extract(epoch FROM clock_timestamp() - rejected_at)))::float8 AS seconds
      FROM ruvector.healing_actions
     WHERE collection_id = ${collectionId}::int AND problem_class = ${problemClass} AND rejected_at IS NOT NULL
     GROUP BY strategy_name`);
  return Object.fromEntries(rows.map(({ name, seconds }) => [name, seconds]));
}

/** Seconds since the last outcome of each strategy for a class on a collection, where that outcome was not verified. */
export function recentFailures(host: Host, collectionId: number, problemClass: string): Record<string, number> {
  const rows = host.query<{ name: string; seconds: number; verified: boolean | null }>(sql`
    SELECT DISTINCT ON (strategy_name) strategy_name AS name, verified,
           greatest(0, extract(epoch FROM clock_timestamp() - completed_at))::float8 AS seconds
      FROM ruvector.healing_outcomes
     WHERE collection_id = ${collectionId}::int AND problem_class = ${problemClass} AND completed_at IS NOT NULL
     ORDER BY strategy_name, id DESC`);
  return Object.fromEntries(rows.filter(({ verified }) => verified !== true).map(({ name, seconds }) => [name, seconds]));
}
