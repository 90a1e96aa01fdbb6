/** Reads what the guards and the selection look at. */
import { ACTIVE, PLACED } from "../store/actions.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import type { Sample } from "../sense/sample.ts";
import {
  ATTEMPT_WINDOW_SECONDS,
  type BreakerFacts,
  type GuardContext,
  type GuardMode,
  INEFFECTIVE_WINDOW_SECONDS,
} from "./guards/index.ts";
import { WINDOW_DAYS } from "../learn/weights.ts";
import { windowNow } from "./window.ts";

type Facts = Pick<
  GuardContext,
  | "now"
  | "registered_at"
  | "samples"
  | "standby"
  | "active"
  | "active_total"
  | "last_attempt"
  | "attempts"
  | "outcomes"
>;

/** A sample of a collection, and the problem that it was classified as. */
export interface Classified {
  readonly host: Host;
  readonly collection: Collection;
  readonly sample: Sample;
  readonly problem: Problem;
}

export function guardContext(
  { host, collection, sample, problem }: Classified,
  mode: GuardMode,
  strategy: GuardContext["strategy"],
): GuardContext & { readonly planned: null } {
  const facts = host.one<Facts>(sql`
    WITH own AS (
      SELECT * FROM ruvector.healing_actions WHERE collection_id = ${collection.id}::int
    )
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now, pg_is_in_recovery() AS standby,
           (SELECT extract(epoch FROM registered_at)::float8 FROM ruvector.collections
             WHERE collection_id = ${collection.id}::int) AS registered_at,
           -- Before the state's record counted them, kept samples are all that says how many there
           -- were.
           coalesce((SELECT (s.hysteresis ->> 'samples')::float8 FROM ruvector.integrity_state s
             WHERE s.collection_id = ${collection.id}::int),
                    (SELECT count(*) FROM ruvector.integrity_samples m
                      WHERE m.collection_id = ${collection.id}::int), 0)::float8 AS samples,
           (SELECT json_build_object('id', id::text, 'strategy', strategy_name) FROM own
             WHERE state IN (${ACTIVE})) AS active,
           (SELECT count(*)::int FROM ruvector.healing_actions
             WHERE state IN (${PLACED}))
               AS active_total,
           (SELECT json_build_object('started_at', extract(epoch
             FROM began), 'ended_at', extract(epoch FROM finished_at))
              -- A human who said no is not asked again at once either.
              FROM (SELECT coalesce(started_at, rejected_at) AS began, finished_at FROM own) o
             WHERE began IS NOT NULL ORDER BY began DESC LIMIT 1) AS last_attempt,
           coalesce((SELECT json_agg(extract(epoch FROM started_at)) FROM own
             WHERE started_at > clock_timestamp()
               - make_interval(secs => ${ATTEMPT_WINDOW_SECONDS}::float8)), '[]') AS attempts,
           coalesce((SELECT json_agg(json_build_object('at', extract(epoch
             FROM completed_at), 'problem_class', problem_class, 'verified', verified))
              FROM ruvector.healing_outcomes
             WHERE collection_id = ${collection.id}::int
               AND completed_at > clock_timestamp()
                 - make_interval(secs => ${INEFFECTIVE_WINDOW_SECONDS}::float8)),
                 '[]') AS outcomes`);
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
    SELECT b.state, b.reason, extract(epoch
      FROM b.open_until)::float8 AS open_until, b.probe_action_id::text AS probe, f.failures,
           (ruvector.healing_settings(0) ->> 'breaker_failures')::int AS opens_at
      FROM ruvector.healing_breaker b CROSS JOIN ruvector.healing_failures() f`)[0] ?? null;

export interface LearnedWeight {
  readonly weight: number;
  readonly outcomes: number;
  /**
   * Where the weight is 0: when it may be tried once again, seconds since 1970, and whether that is
   * now.
   */
  readonly from: number;
  readonly now: boolean;
}

/** By strategy name. */
export type Learned = Readonly<Record<string, LearnedWeight>>;

/**
 * Learned weights: those of the problem's class where there are any, else the strategy's overall
 * one, unless that is 0: a strategy that never helped against something else is not known to be of
 * no use here. One that was not learned from for 30 days is forgotten: its outcomes are older.
 */
export function learnedWeights(
  host: Host,
  { id, settings }: Pick<Collection, "id" | "settings">,
  problemClass: string,
): Learned {
  const rows = host.query<LearnedWeight & { name: string }>(sql`
    SELECT DISTINCT ON (w.strategy_name) w.strategy_name AS name, w.weight, w.outcomes,
      coalesce(extract(epoch FROM o.again), 0)::float8 AS from,
           coalesce(o.again <= clock_timestamp() OR o.resumed, true) AS now
      FROM ruvector.healing_weights w
      LEFT JOIN LATERAL (
        SELECT l.at + make_interval(secs => ${settings.exploration_seconds}::float8) AS again,
               EXISTS (SELECT FROM ruvector.healing_suspensions r
                        WHERE r.strategy_name = w.strategy_name AND r.kind = 'resumed'
                          AND r.suspended_at > l.at
                          AND (r.collection_id IS NULL OR r.collection_id = ${id}::int)) AS resumed
          FROM (SELECT coalesce(max(h.completed_at), w.updated_at) AS at
            FROM ruvector.healing_outcomes h
                 WHERE h.strategy_name = w.strategy_name AND h.problem_class = ${problemClass}) l
         WHERE w.weight <= 0) o ON true
     WHERE (w.problem_class = ${problemClass} OR (w.problem_class = '*' AND w.weight > 0))
       AND w.updated_at > clock_timestamp() - make_interval(days => ${WINDOW_DAYS}::int)
     ORDER BY w.strategy_name, w.problem_class = '*'`);
  return Object.fromEntries(rows.map(({ name, ...learned }) => [name, learned]));
}
