/** What a decision looks back on: the collection's actions, and what came of them. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { ProblemClass } from "../model/problem.ts";
import { ACTIVE, PLACED } from "./actions.ts";

/** One outcome of this collection; `verified` null: its verification was never reached. */
export interface PastOutcome {
  readonly at: number;
  readonly problem_class: ProblemClass;
  readonly verified: boolean | null;
}

/** Times are seconds since the epoch. */
export interface GuardFacts {
  readonly now: number;
  /** The server is in recovery: nothing can be written. */
  readonly standby: boolean;
  readonly registered_at: number;
  /** Samples of this collection so far that read a lambda. */
  readonly samples: number;
  /** The action on this collection that has not ended. */
  readonly active: { readonly id: number | string; readonly strategy: string } | null;
  /**
   * Actions at work, on all collections. One that waits for approval does nothing and does not
   * count.
   */
  readonly active_total: number;
  /** The last attempt on this collection; `ended_at` null while it runs or when it is not known. */
  readonly last_attempt: { readonly started_at: number; readonly ended_at: number | null } | null;
  /**
   * When attempts on this collection started, in any order; older ones than an hour are ignored.
   */
  readonly attempts: readonly number[];
  /** Outcomes of this collection, in any order; older ones than a day are ignored. */
  readonly outcomes: readonly PastOutcome[];
}

/** @param seconds how far back attempts and outcomes are looked for */
export const guardFacts = (
  host: Host,
  collectionId: number,
  seconds: { readonly attempts: number; readonly outcomes: number; readonly apart: number },
): GuardFacts =>
  host.one<GuardFacts>(sql`
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now, pg_is_in_recovery() AS standby,
           (SELECT extract(epoch FROM registered_at)::float8 FROM ruvector.collections
             WHERE collection_id = ${collectionId}::int) AS registered_at,
           -- Before the state's record counted them, kept samples are all that says how many there
           -- were.
           coalesce((SELECT (s.hysteresis ->> 'samples')::float8 FROM ruvector.integrity_state s
             WHERE s.collection_id = ${collectionId}::int),
                    (SELECT count(*) FROM ruvector.integrity_samples m
                      WHERE m.collection_id = ${collectionId}::int), 0)::float8 AS samples,
           (SELECT json_build_object('id', id::text, 'strategy', strategy_name)
              FROM ruvector.healing_actions
             WHERE collection_id = ${collectionId}::int AND state IN (${ACTIVE})) AS active,
           (SELECT count(*)::int FROM ruvector.healing_actions
             WHERE state IN (${PLACED}))
               AS active_total,
           -- A human who said no is not asked again at once either. What lies further ahead than
           -- is waited for is of a clock that was set back, and hides nothing that came since.
           (SELECT json_build_object('started_at', extract(epoch FROM o.began),
             'ended_at', extract(epoch FROM o.finished_at))
              FROM ((SELECT started_at AS began, finished_at FROM ruvector.healing_actions
                      WHERE collection_id = ${collectionId}::int AND started_at IS NOT NULL
                        AND started_at < now() + make_interval(secs => ${seconds.apart}::float8)
                      ORDER BY started_at DESC LIMIT 1)
                    UNION ALL
                    (SELECT rejected_at, finished_at FROM ruvector.healing_actions
                      WHERE collection_id = ${collectionId}::int AND rejected_at IS NOT NULL
                        AND started_at IS NULL
                        AND rejected_at < now() + make_interval(secs => ${seconds.apart}::float8)
                      ORDER BY rejected_at DESC LIMIT 1)) o
             ORDER BY o.began DESC LIMIT 1) AS last_attempt,
           coalesce((SELECT json_agg(extract(epoch FROM started_at))
              FROM ruvector.healing_actions
             WHERE collection_id = ${collectionId}::int
               AND started_at > now() - make_interval(secs => ${seconds.attempts}::float8)),
                 '[]') AS attempts,
           coalesce((SELECT json_agg(json_build_object('at', extract(epoch
             FROM completed_at), 'problem_class', problem_class, 'verified', verified))
              FROM ruvector.healing_outcomes
             WHERE collection_id = ${collectionId}::int
               AND completed_at > now()
                 - make_interval(secs => ${seconds.outcomes}::float8)),
                 '[]') AS outcomes`);
